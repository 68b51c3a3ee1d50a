"""In what do two requests differ? Field by field, in words for a person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmc import keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmc.types import Entry, Request

__all__ = ["difference", "nearest"]


def difference(asked: Request, stored: Request) -> list[str]:
    """Say what differs in a stored request from the one that is asked, one line a field.

    Empty if their keys are equal. Values are JSON; of long texts the first differing character is
    named, counted from 1, with a few characters from there on.
    """
    found = []
    if asked.base_url != stored.base_url:
        found.append(f"address {stored.base_url} → {asked.base_url}")
    if asked.endpoint != stored.endpoint:
        found.append(f"endpoint {stored.endpoint} → {asked.endpoint}")
    old, new = _canonical(stored), _canonical(asked)
    if old.get("model") != new.get("model"):
        found.append(f"model {old.get('model')} → {new.get('model')}")
    parts = (
        ("system", keys.system_of(stored), keys.system_of(asked)),
        ("conversation", _turns(stored), _turns(asked)),
        ("prompt", keys.prompt_of(stored), keys.prompt_of(asked)),
    )
    found += [_texts(name, first, second) for name, first, second in parts if first != second]
    for name in sorted((old.keys() | new.keys()) - {"model", "messages"}):
        if old.get(name) != new.get(name):
            found.append(_values(name, old.get(name), new.get(name)))
    if not found and keys.cache_key(asked) != keys.cache_key(stored):
        found.append("the form of its messages differs")
    return found


def nearest(
    asked: Request, stored: Iterable[tuple[Entry, Request]], *, k: int
) -> list[tuple[Entry, list[str]]]:
    """Return the `k` stored requests that differ least from one, each with its differences.

    The same prompt weighs more than anything else; among equals the newest comes first.
    """
    words = keys.prompt_of(asked)
    found = [(entry, difference(asked, request)) for entry, request in stored]
    found.sort(key=lambda each: (each[0].prompt != words, len(each[1]), -(each[0].id or 0)))
    return found[:k]


def _canonical(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(keys.canonical(request))["body"]
    return body


def _turns(request: Request) -> str:
    """Return the conversation without its instructions and its last user text."""
    messages = _canonical(request).get("messages")
    if not isinstance(messages, list):
        return ""
    told = ("system", "developer")
    turns = [m for m in messages if not isinstance(m, dict) or m.get("role") not in told]
    asked = [n for n, m in enumerate(turns) if isinstance(m, dict) and m.get("role") == "user"]
    return json.dumps([m for n, m in enumerate(turns) if n not in asked[-1:]], ensure_ascii=False)


def _texts(name: str, first: str, second: str) -> str:
    if not first or not second:
        return f"{name} {'added' if second else 'left out'}"
    ends = min(len(first), len(second))
    place = next((n for n in range(ends) if first[n] != second[n]), ends)
    start = max(0, place - 12)
    old, new = (_piece(text, start, place) for text in (first, second))
    return f"{name} differs at character {place + 1:,}: {old} → {new}"


def _piece(text: str, start: int, place: int) -> str:
    piece = text[start : place + 16]
    return f"“{'…' * (start > 0)}{piece}{'…' * (place + 16 < len(text))}”"


def _values(name: str, first: Any, second: Any) -> str:
    old, new = (json.dumps(value, ensure_ascii=False) for value in (first, second))
    if max(len(old), len(new)) > 60:
        return _texts(name, "" if first is None else old, "" if second is None else new)
    return f"{name} {'unset' if first is None else old} → {'unset' if second is None else new}"
