"""In what do two requests differ? Field by field, in words for a person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc import keys, layout
from llmc.prefix.breaks import common

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmc.types import Entry, Request

__all__ = ["difference", "nearest"]

#: White space that would break a line, made visible.
_MARKS = str.maketrans({"\n": "⏎", "\r": "␍", "\t": "⇥"})


def difference(asked: Request, stored: Request) -> list[str]:
    """Say what differs in a stored request from the one that is asked, one line a field.

    Empty if their keys are equal. Values are JSON; of long texts the first differing character is
    named, counted from 1, with a few characters from there on.
    """
    return _between(_facts(asked), _facts(stored))


def nearest(
    asked: Request, stored: Iterable[tuple[Entry, Request]], *, k: int
) -> list[tuple[Entry, list[str]]]:
    """Return the `k` stored requests that differ least from one, each with its differences.

    The same prompt weighs more than anything else; then the words that prompts share, in tenths,
    then the number of fields. Among equals the newest comes first.
    """
    facts = _facts(asked)
    words = _words(facts.prompt)

    def rank(each: tuple[Entry, list[str]]) -> tuple[bool, int, int, int]:
        entry, differences = each
        theirs = _words(entry.prompt)
        shared = round(10 * len(words & theirs) / (len(words | theirs) or 1))
        return entry.prompt != facts.prompt, -shared, len(differences), -(entry.id or 0)

    found = [(entry, _between(facts, _facts(request))) for entry, request in stored]
    return sorted(found, key=rank)[:k]


class _Facts(NamedTuple):
    """What of a request is compared."""

    base_url: str
    endpoint: str
    body: dict[str, Any]
    system: str
    files: dict[str, str]
    turns: str
    prompt: str
    key: bytes


def _facts(request: Request) -> _Facts:
    body: dict[str, Any] = json.loads(keys.canonical(request))["body"]
    return _Facts(
        request.base_url,
        request.endpoint,
        body,
        *layout.files_of(keys.system_of(request)),
        _turns(body),
        keys.prompt_of(request),
        keys.cache_key(request),
    )


def _between(asked: _Facts, stored: _Facts) -> list[str]:
    found = []
    if asked.base_url != stored.base_url:
        found.append(f"address {stored.base_url} → {asked.base_url}")
    if asked.endpoint != stored.endpoint:
        found.append(f"endpoint {stored.endpoint} → {asked.endpoint}")
    old, new = stored.body, asked.body
    if old.get("model") != new.get("model"):
        found.append(f"model {old.get('model')} → {new.get('model')}")
    parts = (
        ("system", stored.system, asked.system),
        ("conversation", stored.turns, asked.turns),
        ("prompt", stored.prompt, asked.prompt),
    )
    found += [_texts(name, first, second) for name, first, second in parts if first != second]
    for name in sorted(stored.files.keys() | asked.files.keys()):
        first, second = stored.files.get(name, ""), asked.files.get(name, "")
        if first != second:
            found.append(_texts(f"file {name}", first, second))
    for name in sorted((old.keys() | new.keys()) - {"model", "messages"}):
        if old.get(name) != new.get(name):
            found.append(_values(name, old.get(name), new.get(name)))
    if not found and asked.key != stored.key:
        found.append("the form of its messages differs")
    return found


def _turns(body: dict[str, Any]) -> str:
    """Return the conversation without its instructions and its last user text."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return ""
    turns = [message for message in messages if not keys.instructs(message)]
    asked = [n for n, m in enumerate(turns) if isinstance(m, dict) and m.get("role") == "user"]
    return json.dumps([m for n, m in enumerate(turns) if n not in asked[-1:]], ensure_ascii=False)


def _words(prompt: str) -> set[str]:
    """Return the words that a prompt begins with."""
    return set(prompt[:2000].casefold().split())


def _texts(name: str, first: str, second: str) -> str:
    if not first or not second:
        return f"{name} {'added' if second else 'left out'}"
    place = common(first, second)
    start = max(0, place - 12)
    old, new = (_piece(text, start, place) for text in (first, second))
    return f"{name} differs at character {place + 1:,}: {old} → {new}"


def _piece(text: str, start: int, place: int) -> str:
    piece = text[start : place + 16].translate(_MARKS)
    return f"“{'…' * (start > 0)}{piece}{'…' * (place + 16 < len(text))}”"


def _values(name: str, first: Any, second: Any) -> str:
    old, new = (json.dumps(value, ensure_ascii=False) for value in (first, second))
    if max(len(old), len(new)) > 60:
        return _texts(name, "" if first is None else old, "" if second is None else new)
    return f"{name} {'unset' if first is None else old} → {'unset' if second is None else new}"
