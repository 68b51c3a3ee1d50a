"""Under what was a question asked whose scope is lost? Its key tells, if a guess is right.

A key is a hash of all that was sent, so that a guess that yields it is the truth.
"""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING

from llmc import keys
from llmc.types import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmc.file import File

__all__ = ["restore"]

_HOMELESS = """
SELECT e.scope_id, max(e.id), count(*) FROM entry AS e LEFT JOIN scope AS s ON s.id = e.scope_id
WHERE s.id IS NULL GROUP BY e.scope_id
"""
_ADDRESSES = """
SELECT base_url FROM scope UNION SELECT base_url FROM refusal UNION SELECT base_url FROM listed
"""


def restore(file: File, addresses: Iterable[str]) -> int:
    """Give entries whose scope is lost another one, within the caller's transaction.

    A question without anything besides gets its own back: where it was sent is tried, and whom it
    was sent to. Others get one that no question has, so that they answer the very same request
    alone: return how many. `addresses` are tried besides those that the file knows.
    """
    known = [row[0] for row in file.rows(_ADDRESSES)]
    unknown = 0
    for scope_id, entry_id, count in file.rows(_HOMELESS):
        key, prompt, served = file.rows(
            "SELECT key, prompt, served_model FROM entry WHERE id = ?", (entry_id,)
        )[0]
        asked = file.rows("SELECT DISTINCT model FROM ledger WHERE entry_id = ?", (entry_id,))
        models = [*(row[0] for row in asked), *([served] if served else [])]
        guesses = _plain(prompt, addresses=[*known, *addresses], models=models)
        found = next((guess for guess in guesses if keys.cache_key(guess) == key), None)
        request = found or _nobodys(prompt, models)
        frame, scope_hash = keys.frame_of(request)
        if found is None:
            scope_hash = hashlib.sha256(b"lost" + key).digest()
            unknown += count
        file.execute(
            "INSERT OR IGNORE INTO scope (id, hash, base_url, model, system, frame)"
            " VALUES (?, ?, ?, ?, '', ?)",
            (scope_id, scope_hash, request.base_url, request.model, frame),
        )
    return unknown


def _plain(prompt: str, *, addresses: list[str], models: list[str]) -> Iterator[Request]:
    for address, model in itertools.product(addresses, models):
        yield Request(address, _body(model, prompt))


def _nobodys(prompt: str, models: list[str]) -> Request:
    """Return a request that nobody sends: to no address."""
    return Request("", _body((*models, "unknown")[0], prompt))


def _body(model: str, prompt: str) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": prompt}]}
