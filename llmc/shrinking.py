"""Which entries go so that a cache file fits a size? By what each takes, in the order of worth."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING

from llmc import worth
from llmc.errors import CacheFileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmc.store import Store

__all__ = ["fitting", "remove"]

#: Up to so many are deleted on trial, which tells their share of the file to the byte. It takes a
#: tenth of a millisecond each; more are estimated, with this much to spare.
_ON_TRIAL = 2_000
_SPARE = 1.01

#: What of a file does not go with its entries.
_STAYS = """
SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE aggregate
AND (name LIKE 'ledger%' OR name LIKE 'sqlite_schema%')
"""
_SIZES = """
SELECT id, length(CAST(prompt AS BLOB)),
    length(CAST(answer AS BLOB)) + coalesce(length(CAST(choices AS BLOB)), 0)
FROM entry
"""


def fitting(store: Store, size: int, doomed: set[int]) -> set[int]:
    """Return the entries that go, `doomed` included, so that the file uses at most `size` bytes.

    Pinned ones stay. Many are estimated: where the file is too large still once they have gone, ask
    again. Raises CacheFileError.
    """
    found = set(doomed)
    if store.count() > _ON_TRIAL:
        found |= _estimated(store, size, found)
        if len(found) > _ON_TRIAL:
            return found
    order = (entry_id for entry_id in store.eviction.order() if entry_id not in found)
    while store.removal.size_without(found) > size:
        more = list(itertools.islice(order, 1 + (store.count() - len(found)) // 10))
        if not more:
            break
        found.update(more)
    return found


def remove(
    store: Store,
    doomed: set[int],
    *,
    size: int | None,
    told: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Remove entries as `Removal.prune` does, and more while the file is larger than `size`.

    Return how many. `told` hears now and then how many have gone, and of how many.
    """
    removed = 0
    while doomed:
        before, of = removed, removed + len(doomed)

        def count(gone: int, before: int = before, of: int = of) -> None:
            told(before + gone, of)

        removed += store.removal.prune(doomed, told=count)
        if size is None or removed == before or store.file.size() <= size:
            break
        doomed = fitting(store, size, set())
    return removed


def _estimated(store: Store, size: int, doomed: set[int]) -> set[int]:
    """Return which entries more go, by the share of their texts in what all entries take."""
    shares = {
        entry_id: worth.bytes_of_texts(prompt + answer)
        for entry_id, prompt, answer in store.file.stream(_SIZES)
    }
    held = store.file.size()
    stays = 0
    with contextlib.suppress(CacheFileError):  # a SQLite that was built without this table
        stays = store.file.number(_STAYS)
    a_byte = (held - stays) / max(1.0, sum(shares.values()))
    left = (held - size) * _SPARE - a_byte * sum(shares.get(each, 0.0) for each in doomed)
    found: set[int] = set()
    for entry_id in store.eviction.order():
        if left <= 0:
            break
        if entry_id not in doomed:
            found.add(entry_id)
            left -= a_byte * shares.get(entry_id, 0.0)
    return found
