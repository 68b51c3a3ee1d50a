"""How does a row of the file become an Entry, a Draft a row, and a Selector a condition?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmc.errors import CacheFileError
from llmc.types import FIELDS, Entry, Tokens

if TYPE_CHECKING:
    from llmc.types import Draft, Selector

__all__ = [
    "ALONE",
    "COLUMNS",
    "FROM",
    "TEXTS",
    "columns_of",
    "condition",
    "entry_of",
    "frame_of",
    "usage_of",
]

_new = tuple.__new__

#: The fields of an Entry, and the columns that they are read from.
_READ = {
    "id": "e.id",
    "namespace": "e.namespace",
    "key": "e.key",
    "sample": "e.sample",
    "token_limit": "e.token_limit",
    "model": "s.model",
    "prompt": "e.prompt",
    "answer": "e.answer",
    "choices": "e.choices",
    "finish_reason": "e.finish_reason",
    "served_model": "e.served_model",
    "temperature": "e.temperature",
    "prompt_tokens": "e.prompt_tokens",
    "completion_tokens": "e.completion_tokens",
    "cached_tokens": "e.cached_tokens",
    "cache_write_tokens": "e.cache_write_tokens",
    "cost": "e.cost_nusd",
    "latency": "e.latency",
    "created_at": "e.created_at",
    "expires_at": "e.expires_at",
    "source": "e.source",
    "hits": "e.hits",
    "instruction_at": "e.instruction_at",
    "scope_hash": "s.hash",
    "system": "s.system",
    "pinned": "e.pinned",
}
#: What a query selects for `entry_of`, and from where.
COLUMNS = ", ".join(_READ.values())
FROM = "FROM entry AS e JOIN scope AS s ON s.id = e.scope_id"
#: The same columns from the entry's table alone: for one row by an index, half the time of a join.
ALONE = ", ".join(
    f"(SELECT {name} FROM scope AS s WHERE s.id = e.scope_id)" if name.startswith("s.") else name
    for name in _READ.values()
)
#: The columns of what a pattern may look at.
TEXTS = {field: _READ[field] for field in FIELDS}


def condition(selector: Selector) -> tuple[str, tuple[Any, ...]]:
    """Return a WHERE clause, empty if everything is meant, and the values of its marks."""
    terms = {
        "e.namespace = ?": selector.namespace,
        "s.model = ?": selector.model,
        "e.source = ?": selector.source,
        "e.created_at >= ?": selector.since,
        "e.created_at < ?": selector.before,
    }
    used = {term: value for term, value in terms.items() if value is not None}
    return ("WHERE " + " AND ".join(used) if used else ""), tuple(used.values())


def entry_of(row: tuple[Any, ...]) -> Entry:
    """Make an Entry of a row of `COLUMNS`. Raises CacheFileError for one that nobody stored so."""
    # By place, not by name: a third of the time, and each hit of the file makes one.
    # fmt: off
    (entry_id, namespace, key, sample, token_limit, model, prompt, answer, choices, finish_reason,
     served_model, temperature, prompted, completed, cached, written, cost, latency, created_at,
     expires_at, source, hits, instruction_at, scope_hash, system, pinned) = row
    return _new(Entry, (
        entry_id, namespace, key, sample, token_limit, model, prompt, answer,
        None if choices is None else _choices_of(entry_id, choices), finish_reason,
        served_model, temperature, _new(Tokens, (prompted, completed, cached, written)), cost,
        latency, created_at, expires_at, source, hits, instruction_at, scope_hash, system,
        bool(pinned),
    ))
    # fmt: on


def frame_of(entry_id: int, frame: str) -> str:
    """Return an entry's frame as it stands. Raises CacheFileError if no request comes of it."""
    parts = _parsed(frame, entry_id, "request")
    body = parts.get("body") if isinstance(parts, dict) else None
    named = isinstance(body, dict) and isinstance(body.get("model"), str)
    if not named or not all(isinstance(parts.get(name), str) for name in ("base_url", "endpoint")):
        raise _damaged(entry_id, "request")
    return frame


def usage_of(entry_id: int, usage: str | None) -> dict[str, Any] | None:
    """Return an entry's usage as it was reported. Raises CacheFileError if it is none."""
    found = None if usage is None else _parsed(usage, entry_id, "usage")
    if found is not None and not isinstance(found, dict):
        raise _damaged(entry_id, "usage")
    return found


def columns_of(draft: Draft) -> dict[str, Any]:
    """Return a draft's values by column, all but its scope and its sample."""
    answer, tokens = draft.answer, draft.tokens
    return {
        "namespace": draft.namespace,
        "key": draft.key,
        "family": draft.family,
        "token_limit": draft.token_limit,
        "source": draft.source,
        "created_at": draft.created_at,
        "expires_at": draft.expires_at,
        "cost_nusd": draft.price.cost,
        "price_source": draft.price.source,
        "latency": answer.latency,
        "temperature": answer.temperature,
        "finish_reason": answer.finish_reason,
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "cached_tokens": tokens.cached,
        "cache_write_tokens": tokens.written,
        "served_model": answer.model,
        "usage": None if answer.usage is None else json.dumps(answer.usage),
        "prompt": draft.prompt,
        "instruction_at": draft.instruction_at,
        "answer": answer.text,
        "choices": None if answer.choices is None else json.dumps(answer.choices),
    }


def _choices_of(entry_id: int, choices: str) -> list[dict[str, Any]]:
    said = _parsed(choices, entry_id, "choices")
    if not (isinstance(said, list) and all(map(_is_choice, said))):
        raise _damaged(entry_id, "choices")
    return said


def _parsed(written: str, entry_id: int, name: str) -> Any:
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        raise _damaged(entry_id, name) from None


def _is_choice(choice: Any) -> bool:
    return isinstance(choice, dict) and isinstance(choice.get("message") or {}, dict)


def _damaged(entry_id: int, name: str) -> CacheFileError:
    hint = f"llmc rm {entry_id} removes it"
    return CacheFileError(f"entry {entry_id} is damaged: its {name} cannot be read", hint=hint)
