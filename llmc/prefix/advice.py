"""What is to be done so that a provider's own cache reads more? One piece of advice for a group."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from llmc import text
from llmc.keys import INSTRUCTING
from llmc.marking import scheme_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmc.prefix.breaks import Break, Part
    from llmc.prefix.sharing import Group

__all__ = ["ALONE", "advice", "figures", "place"]

#: What is said of requests that share with no other.
ALONE = "they share nothing: prompt_cache = auto has none of them written"

#: What to do where a setting keeps caches apart.
_SETTINGS = {
    "model_changed": "models share no cache: ask the same one",
    "service_tier_changed": "service tiers share no cache: keep to one",
    "tools_changed": "the tools change: send the same ones in one order, choose with tool_choice",
    "text_format_changed": "the response format changes: keep one schema for all of them",
    "reasoning_effort_changed": "the reasoning effort changes: keep one for all of them",
    "verbosity_changed": "the verbosity changes: keep one for all of them",
}

#: Less of what is eligible may be missed by the estimate alone.
_LITTLE = 0.05

#: So much of the same text in a user's message is worth being put first, in bytes.
_TEMPLATE = 1600


def advice(group: Group) -> str:
    """Say what would have the provider read more of a group's requests, in one sentence."""
    scheme = group.scheme
    missed = sum(step.missed for step in group.steps)
    eligible = sum(step.eligible or 0 for step in group.steps)
    if eligible and missed < _LITTLE * eligible and not group.wasted:
        return "nothing to be gained: it is read"
    reason = group.reasons[0][0] if group.reasons else None
    if reason in _SETTINGS:
        return _SETTINGS[reason]
    if scheme is not None and group.stable_tokens < scheme.minimum:
        return (
            f"about {group.stable_tokens:,} tokens stay the same, {scheme.minimum:,} are kept:"
            " put more of what does not change first"
        )
    if group.broken and missed:
        return _at_break(group, group.broken[0][0])
    if sum(step.at_once for step in group.steps) * 2 >= len(group.steps):
        return "they are asked at once: one alone first, then the others (llmc batch does that)"
    idle = [step.idle for step in group.steps if step.idle is not None]
    if scheme is not None and len(idle) * 2 >= len(group.steps):
        pause, kept = text.age(statistics.median(idle)), text.age(scheme.lifetime)
        return f"they come {pause} apart, {kept} are kept: ask together (llmc batch)"
    if missed:
        return _unread(group)
    if scheme is None:
        return _at_break(group, group.broken[0][0]) if group.broken else "no rules are published"
    return "nothing is lost"


def place(found: Break, parts: Sequence[Part]) -> str:
    """Name where a break is: `character 14 of the system prompt`. Characters count from 1."""
    before, mark, inside = parts[found.part].text[: found.character].rpartition('<file name="')
    name, end, read = inside.partition('">\n')
    if mark and end and "</file>" not in read and (not before or before.endswith("\n")):
        return f"character {len(read) + 1:,} of the file {name}"
    return f"character {found.character + 1:,} of {_named(found.part, parts)}"


def figures(group: Group) -> dict[str, Any]:
    """Return what `llmc prefix` shows of a group; the worst break stands for all of them.

    Characters count from 1; control characters are escaped.
    """
    steps, worst = group.steps, group.broken[0][0] if group.broken else None
    newest = steps[-1].sent
    counted = [step.sent.cached for step in steps if step.sent.cached is not None]
    eligible = [step.eligible for step in steps if step.eligible is not None]
    return {
        "requests": len(steps),
        "model": ", ".join(sorted({step.sent.model for step in steps})),
        "prompt_tokens": sum(step.sent.prompt or 0 for step in steps),
        "estimated_eligible_tokens": sum(eligible) if eligible else None,
        "cached_tokens": sum(counted) if counted else None,
        "estimated_lost_usd": None if group.lost is None else round(group.lost) / 1e9,
        "estimated_wasted_usd": None if group.wasted is None else round(group.wasted) / 1e9,
        "reason": group.reasons[0][0] if group.reasons else None,
        "message": None if worst is None else _named(worst.part, newest.parts).removeprefix("the "),
        "character": None if worst is None else worst.character + 1,
        "was": None if worst is None else text.escaped(worst.was),
        "now": None if worst is None else text.escaped(worst.now),
        "advice": text.escaped(advice(group)),
        "breaks": [
            {
                "at": text.escaped(place(each, newest.parts)),
                "kind": each.kind,
                "was": text.escaped(each.was),
                "now": text.escaped(each.now),
                "requests": requests,
                "estimated_missed_tokens": tokens,
            }
            for each, requests, tokens in group.broken[:5]
        ],
        "reasons": dict(group.reasons),
    }


def _at_break(group: Group, found: Break) -> str:
    """Choose by where the break is, and by what stays the same on either side of it."""
    parts = group.steps[-1].sent.parts
    last = max((n for n, part in enumerate(parts) if part.role == "user"), default=len(parts))
    kept = group.stable[last] if last < len(group.stable) else 0
    static = next((n for n, part in enumerate(parts) if part.role in INSTRUCTING), -1)
    if found.part <= static:
        return f"{found.kind or 'text that changes'} at {place(found, parts)}; move it to --context"
    if kept >= _TEMPLATE:
        share = f"about {kept:,} bytes of {_named(last, parts)} stay the same"
        return f"{share}: put them first (-s, --system-file or -f)"
    return _unread(group)


def _unread(group: Group) -> str:
    """Say what is wrong where the text is the same, and the provider read less of it."""
    newest = group.steps[-1].sent
    scheme = scheme_of(newest.base_url, newest.model)
    if scheme is not None and scheme.exact:
        ours = "prompt_cache = auto with -s, --system-file or -f; else "
        return (
            "what is shared ends where nothing was written: have it marked there"
            f" ({ours if scheme.takes_breakpoints else ''}a prompt_cache_breakpoint)"
        )
    read_less = "the provider read less than is the same"
    if scheme is not None and scheme.takes_key:
        key = "one prompt_cache_key for all of them (prompt_cache = auto)"
        return f"{read_less}: {key} takes them to one machine"
    return f"{read_less}; it promises nothing: ask closer together"


def _named(number: int, parts: Sequence[Part]) -> str:
    role = parts[number].role
    same = [n for n, part in enumerate(parts) if part.role == role]
    if role == "tools":
        return "the tools"
    if role in INSTRUCTING and number == same[0]:
        return "the system prompt"
    messages = [n for n, part in enumerate(parts) if part.role != "tools"]
    return (
        f"the {role} message"
        if len(same) == 1
        else f"message {messages.index(number) + 1} ({role})"
    )
