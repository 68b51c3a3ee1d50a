"""May we read, may we write, for how long, and does this entry serve that request?

Pure decisions. Each returns a value that says why; none reads a clock, a file or a setting.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple, assert_never

from llmc import text
from llmc.types import NEXT_SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmc.types import Answer, Ask, Draft, Entry, Miss, Request, Rule

__all__ = [
    "AHEAD",
    "Life",
    "adds_temperature",
    "best",
    "choose",
    "expires_at",
    "failure",
    "has_content",
    "has_words",
    "is_fresh",
    "life",
    "may_share",
    "may_stand_in",
    "named",
    "sample_for",
    "suits",
    "told",
    "unfinished",
    "why_ended",
    "why_not_kept",
    "why_not_read",
    "why_not_write",
]

#: How far another machine's clock may be ahead of this one's, in seconds.
AHEAD = 300.0

#: Models with fixed sampling answer a stated temperature with HTTP 400. A guess by name only
#: spares that call: what a model really refuses is learned from its answer and remembered.
_FIXED_SAMPLING = re.compile(
    r"(?:^|/)(?:o[1-9]|gpt-[5-9]|claude-(?:opus|sonnet|haiku)-(?:[5-9]|4-[7-9]))(?![0-9])",
    re.IGNORECASE,
)


def why_not_read(request: Request, ask: Ask) -> str | None:
    """Say why this request must not be answered from the cache; None if it may."""
    if ask.no_cache:
        return "--no-cache"
    if ask.refresh:
        return "--refresh"
    return _randomness(request, ask)


def may_share(miss: Miss, ask: Ask) -> bool:
    """Tell whether an answer to this question may be that of another who asks it just now."""
    return not miss.bypass and ask.samples is None and ask.ttl != 0


def why_not_write(request: Request, ask: Ask, answer: Answer) -> str | None:
    """Say why this answer must not be stored; None if it may."""
    if ask.no_cache:
        return "--no-cache"
    if ask.ttl == 0:
        return "a TTL of 0"
    if ask.mode == "deterministic" and answer.temperature != 0:
        return "cache = deterministic, and the temperature was not 0"
    return _randomness(request, ask) or unfinished(answer)


def failure(answer: Answer) -> str | None:
    """Say why a model's answer is none; None if there is something to show."""
    if answer.refusal:
        return f"the model refused: {answer.refusal}"
    if answer.finish_reason == "content_filter" or not has_content(answer):
        return unfinished(answer)
    return None


def has_content(answer: Answer) -> bool:
    """Tell whether an answer holds anything: a text, or calls of tools."""
    messages = [choice.get("message") or {} for choice in answer.choices or ()]
    return bool(answer.text.strip()) or any(message.get("tool_calls") for message in messages)


def unfinished(answer: Answer) -> str | None:
    """Say what is wrong with an answer that did not end by itself; None if it did.

    A stream's body may simply stop: only a finish reason tells a whole answer from half of one.
    """
    if answer.refusal:
        return "the model refused"
    match answer.finish_reason:
        case None:
            return "the provider gave no finish reason"
        case "length":
            return "the answer was cut off at its token limit"
        case "content_filter":
            return "the provider filtered the answer"
        case "stop" if not has_content(answer):
            return "the answer is empty"
        case "stop" | "tool_calls":
            return None
        case other:
            return f"the answer ended with {other!r}"


def has_words(request: Request) -> bool:
    """Tell whether a request has an answer in words: a vector is that of its very text."""
    return request.endpoint != "embeddings"


def adds_temperature(request: Request) -> bool:
    """Tell whether 0 is to be sent for a temperature that the caller left open."""
    samples = has_words(request) and not _FIXED_SAMPLING.search(request.model)
    return samples and "temperature" not in request.body


def expires_at(created_at: float, ttl: float | None) -> float | None:
    """Return the instant at which an answer's life ends; None if it has no end."""
    return None if ttl is None else created_at + ttl


class Life(NamedTuple):
    """When an entry's life ends (None: never), and the rule that says so (None: its own TTL)."""

    expires_at: float | None
    rule: Rule | None = None


def life(kept: Entry | Draft, rules: Iterable[Rule], matches: Callable[[Rule, str], bool]) -> Life:
    """Return the shortest of an entry's own life and of those that the time rules leave it.

    A life is counted from the moment at which the entry was stored; a rule never lengthens one.
    What no rule lets live ends before all time, so that no leave to be stale revives it.
    `matches` tells whether a rule's pattern is found in a text.
    """
    found = Life(kept.expires_at)
    for rule in rules:
        if rule.ttl is None or rule.namespace not in {None, kept.namespace}:
            continue
        ends_at = kept.created_at + rule.ttl if rule.ttl else -math.inf
        if _shortens(ends_at, found) and matches(rule, _text_of(kept, rule.field)):
            found = Life(ends_at, rule)
    return found


def why_ended(life: Life, now: float) -> str:
    """Say why an entry that is not fresh is not served."""
    if life.expires_at is not None and now < life.expires_at:
        return "it was stored in the future: was the clock set back?"
    return "it has expired" if life.rule is None else told(life.rule)


def why_not_kept(life: Life) -> str | None:
    """Say which rule wants an answer neither stored nor served; None if there is none."""
    return told(life.rule) if life.rule is not None and not life.rule.ttl else None


def told(rule: Rule) -> str:
    """Write a rule on one line: `rule 3 (prompt ~ /price/): 1 h`."""
    if rule.ttl is None:
        return f"{named(rule)}: on {rule.event}"
    return f"{named(rule)}: {text.span(rule.ttl) if rule.ttl else 'not kept'}"


def named(rule: Rule) -> str:
    """Write which rule it is: `rule 3 (prompt ~ /price/)`."""
    where = "" if rule.namespace is None else f" in {rule.namespace}"
    return f"rule {rule.id} ({rule.field} ~ /{text.one_line(rule.pattern, width=60)}/{where})"


def is_fresh(entry: Entry, now: float) -> bool:
    """Tell whether an entry may still be served.

    One that ends, but is of the future, may not: the clock was set back, and its age is unknown.
    """
    return entry.expires_at is None or (entry.created_at - AHEAD <= now < entry.expires_at)


def may_stand_in(entry: Entry, now: float, stale_if_error: float | None) -> bool:
    """Tell whether an entry may be served where the provider failed, past its end or not."""
    if stale_if_error is None:
        return False
    return entry.expires_at is None or now < entry.expires_at + stale_if_error


def choose(
    entries: Iterable[Entry], ask: Ask, *, key: bytes, limit: int | None, draw: Callable[[int], int]
) -> Entry | None:
    """Choose the entry that answers a request: the `best`, or of samples the one that was meant.

    One of them at random is meant where none is named, but only once all of them are there;
    `draw(n)` is a random index below n.
    """
    if ask.samples is None:
        return best(entries, key=key, limit=limit, mode=ask.mode)
    samples = [entry for entry in entries if suits(entry, ask.mode)]
    if ask.sample is not None:
        return next((entry for entry in samples if entry.sample == ask.sample), None)
    return samples[draw(len(samples))] if len(samples) == ask.samples else None


def sample_for(ask: Ask, known: Iterable[Entry], now: float, *, draw: Callable[[int], int]) -> int:
    """Choose the number of a new answer among a request's samples, 0 if it is to be none of them.

    The first of the `known` ones whose life has ended is overwritten.
    """
    if ask.samples is None:
        return 0
    # Asked anew without a name, one of them is replaced.
    replaced = 1 + draw(ask.samples) if ask.refresh else None
    ended = (entry.sample for entry in known if not is_fresh(entry, now))
    return ask.sample or replaced or next(ended, NEXT_SAMPLE)


def best(candidates: Iterable[Entry], *, key: bytes, limit: int | None, mode: str) -> Entry | None:
    """Choose among the entries that differ from a request in their token limit at most.

    The request's own key comes first, then the newest answer that ended by itself and that the
    request's limit would not have cut: it serves any larger or absent limit, and a smaller one
    that its completion fits in.
    """
    fitting = []
    for entry in candidates:
        if suits(entry, mode):
            if entry.key == key:
                return entry
            if entry.finish_reason == "stop" and _fits(entry, limit):
                fitting.append(entry)
    return max(fitting, key=lambda entry: (entry.created_at, entry.id or 0), default=None)


def suits(entry: Entry, mode: str) -> bool:
    """Tell whether an entry is one that a mode would have stored."""
    return mode != "deterministic" or entry.temperature == 0


def _text_of(kept: Entry | Draft, field: str) -> str:
    found = getattr(kept, field)
    return found if isinstance(found, str) else str(found.text)  # a draft's answer is no text yet


def _shortens(ends_at: float, life: Life) -> bool:
    """Tell whether an end is earlier than a life's, or the same and no rule says so yet."""
    if life.expires_at is None or ends_at < life.expires_at:
        return True
    return ends_at == life.expires_at and life.rule is None


def _fits(entry: Entry, limit: int | None) -> bool:
    if limit is None:
        return True
    if entry.token_limit is not None and entry.token_limit <= limit:
        return True
    return entry.tokens.completion is not None and entry.tokens.completion <= limit


def _randomness(request: Request, ask: Ask) -> str | None:
    match ask.mode:
        case "all":
            return None
        case "auto" if ask.samples is not None:
            return None
        case "auto" | "deterministic":
            return _asked_for_variety(request)
        case _:
            assert_never(ask.mode)


def _asked_for_variety(request: Request) -> str | None:
    temperature = request.body.get("temperature")
    if temperature is not None and temperature != 0:
        return f"temperature {temperature} asks for variety"
    choices = request.body.get("n")
    if choices is not None and choices != 1:
        return f"n = {choices} asks for variety"
    return None
