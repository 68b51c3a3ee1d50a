"""Where do two requests stop being alike, and what stands there?

It reads texts alone; what a break costs is `sharing`'s business.
"""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "REASONS",
    "Break",
    "Part",
    "Sent",
    "break_between",
    "common",
    "parts_of",
    "settings_of",
    "shared",
    "size",
    "stable",
]

#: What keeps a provider from reusing a beginning, in OpenAI's own words (the reasons of its prompt
#: cache diagnostics), and the fields of a request that it hangs on. `input_changed` is the rest.
REASONS = {
    "model_changed": ("model",),
    "service_tier_changed": ("service_tier",),
    "tools_changed": ("tools", "parallel_tool_calls"),
    "text_format_changed": ("response_format", "text"),
    "reasoning_effort_changed": ("reasoning_effort", "reasoning"),
    "verbosity_changed": ("verbosity",),
}

#: The least run of words that counts as the same text in another place, and the most words that
#: are looked through for such runs.
_RUN, _MOST_WORDS = 8, 20_000

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
_DATE = (
    rf"(?:\d{{4}}-\d\d-\d\d|\d{{4}}/\d\d/\d\d|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}"
    rf"|(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?"
    rf"(?:\d{{1,2}}\.? {_MONTH}\.? \d{{4}}|{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}))"
)
#: What changes by its nature: the first that covers a break names it.
_VOLATILE = {
    "a UUID": r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
    "a date and time": rf"{_DATE}(?:T|,? (?:at )?){_CLOCK}{_ZONE}",
    "a date": _DATE,
    "a time of day": rf"{_CLOCK}{_ZONE}",
    "a timestamp": r"1[5-9]\d{8}(?:\d{3})?(?:\.\d+)?",
    "a random id": r"(?=[\w-]*\d)(?=[\w-]*[a-zA-Z])[\w-]{8,}",
    "a number": r"\d+(?:[.,]\d+)*",
}
_KINDS = {kind: re.compile(rf"(?<![\w-])(?:{one})(?![\w])") for kind, one in _VOLATILE.items()}
_LONGEST = 64  # of what changes by its nature, in characters


class Part(NamedTuple):
    """One message of a request, or its tools: who says it, and what."""

    role: str
    text: str


class Sent(NamedTuple):
    """One request that reached a provider; tokens are as the provider reported them.

    `at` is when it was sent, `latency` the seconds until it was answered.
    """

    model: str
    served: str | None
    base_url: str
    parts: tuple[Part, ...]
    settings: tuple[str, ...]
    at: float
    prompt: int | None = None
    cached: int | None = None
    written: int | None = None
    latency: float = 0.0


class Break(NamedTuple):
    """Where a request left an earlier one: in which part, after how many of its characters.

    `was` and `now` are what stands there in either; `kind` says what that is, if its form tells.
    """

    part: int
    character: int
    was: str
    now: str
    kind: str | None = None


def parts_of(body: dict[str, Any], prompt: str) -> tuple[Part, ...]:
    """Take a request apart in the order in which a provider reads it: tools, then what was said.

    That stands in messages, or in the instructions and the input of Responses. `prompt` stands
    where the body has 0, as in a frame. Images and calls are their JSON. The tools have their place
    even where there are none.
    """
    tools = body.get("tools")
    parts = [Part("tools", _json(tools) if tools else "")]
    if isinstance(told := body.get("instructions"), str):
        parts.append(Part("system", told))
    turns = body.get("messages", body.get("input"))
    if turns == 0 and turns is not False:
        parts.append(Part("user", prompt))
    said = turns if isinstance(turns, list) else []
    return (*parts, *(_part(turn, prompt) for turn in said if isinstance(turn, dict)))


def settings_of(body: dict[str, Any]) -> tuple[str, ...]:
    """Return what must be equal for a beginning to be reused, one text for each of `REASONS`."""
    return tuple(_json([body.get(name) for name in names]) for names in REASONS.values())


def size(parts: Sequence[Part]) -> int:
    """Return the bytes of a request's texts."""
    return sum(_bytes(part.text) for part in parts)


def common(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike, by halves: they may be megabytes."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def shared(one: Sequence[Part], other: Sequence[Part]) -> int:
    """Return the bytes of the beginning that two requests share."""
    total = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            return total + (_bytes(a.text[: common(a.text, b.text)]) if a.role == b.role else 0)
        total += _bytes(a.text)
    return total


def stable(old: Sequence[Part], new: Sequence[Part]) -> list[int]:
    """Return how many bytes of each part of the newer request stand in the older one too.

    Runs of at least eight words count, wherever in the same part they stand.
    """
    return [_kept(a.text, b.text) for a, b in zip(old, new, strict=False)]


def break_between(old: Sequence[Part], new: Sequence[Part]) -> Break | None:
    """Find where the newer request left the older one; None where it only goes on, or is equal."""
    for number, (a, b) in enumerate(zip(old, new, strict=False)):
        if a == b:
            continue
        if a.role != b.role:
            return Break(number, 0, a.role, b.role)
        return _named(number, a.text, b.text)
    return None


def _named(number: int, old: str, new: str) -> Break:
    """Move a break back to where what changed begins, and say what that is."""
    at = common(old, new)
    start = max(0, at - _LONGEST)
    for kind, pattern in _KINDS.items():
        for now in pattern.finditer(new, start, at + _LONGEST):
            was = pattern.match(old, now.start())
            if now.start() <= at <= now.end() and was and was.group() != now.group():
                return Break(number, now.start(), was.group(), now.group(), kind)
    while at > start and old[at - 1 : at].isalnum():
        at -= 1
    return Break(number, at, old[at : at + _LONGEST], new[at : at + _LONGEST])


def _kept(old: str, new: str) -> int:
    if old == new:
        return _bytes(new)
    head = common(old, new)
    tail = common(old[head:][::-1], new[head:][::-1])
    kept = _bytes(new[:head]) + _bytes(new[len(new) - tail :])
    before, after = (_words(text[head : len(text) - tail]) for text in (old, new))
    if not (min(len(before), len(after)) >= _RUN and len(before) + len(after) <= _MOST_WORDS):
        return kept
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    runs = (after[block.b : block.b + block.size] for block in blocks if block.size >= _RUN)
    return kept + sum(_bytes("".join(run)) for run in runs)


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\w{1,12}|\s*[^\w\s]+|\s+", text)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return "" if content is None else _json(content)
    texts = [
        part["text"]
        if isinstance(part, dict) and isinstance(part.get("text"), str)
        else _json(part)
        for part in content
    ]
    return "\n".join(texts)


def _part(turn: dict[str, Any], prompt: str) -> Part:
    content = turn.get("content")
    text = prompt if content == 0 and content is not False else _text(content)
    rest = {name: value for name, value in turn.items() if name not in {"role", "content", "id"}}
    return Part(str(turn.get("role")), text + (_json(rest) if rest else ""))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
