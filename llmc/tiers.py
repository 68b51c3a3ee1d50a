"""Where may an answer of the same request lie? In memory, or in the file: two tiers of one kind.

They find and keep; which entry may serve is `policy`'s business, their order `levels`'.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmc.types import Ask, Draft, Entry, Miss, Source

__all__ = ["FileTier", "MemoryTier", "Shelf", "Tier"]


class Tier(Protocol):
    """A place that is asked for entries, and given those that were found further away.

    `source` is what a hit of it is called. Both methods raise CacheFileError or SharedError.
    """

    source: Source

    def find(self, miss: Miss, ask: Ask) -> Sequence[Entry]:
        """Return the entries that differ from a request in their token limit at most."""

    def keep(self, entries: Sequence[Entry], miss: Miss, ask: Ask) -> Sequence[Entry]:
        """Keep what was found for a request further away; return it as it lies here."""

    def stored(self) -> None:
        """Hear that an answer has been stored; it never fails."""

    def close(self) -> None:
        """Let go of what is held; it never fails."""


class Shelf(Protocol):
    """Where entries are kept for good; `Store` says what each method does."""

    def family(self, namespace: str, family: bytes) -> list[Entry]: ...
    def samples(self, namespace: str, key: bytes, count: int) -> list[Entry]: ...
    def put(self, draft: Draft, line: None, *, tell: bool) -> int: ...


class MemoryTier:
    """The entries used last, in memory: as long as nothing has changed in the file.

    Another process's change shows in the file's `version`, which voids all that is held here.
    Remembered samples are none of its business. Safe for threads.
    """

    source: Source = "memory"

    def __init__(
        self,
        version: Callable[[], object],
        *,
        max_entries: int | None,
        ttl: float | None,
        timer: Callable[[], float],
    ) -> None:
        """Hold the families of at most `max_entries` requests, none for more than `ttl` seconds.

        None is no limit. `version` returns a value that differs once anything in the file has.
        """
        self._version = version
        self._max_entries = math.inf if max_entries is None else max_entries
        self._ttl = math.inf if ttl is None else ttl
        self._timer = timer
        self._lock = threading.Lock()
        self._seen: object = None
        self._looked = threading.local()
        self._held: OrderedDict[tuple[str, bytes], tuple[float, Sequence[Entry]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def find(self, miss: Miss, ask: Ask) -> Sequence[Entry]:
        """Return the entries held of a request's family, none if the file has changed."""
        if ask.samples is not None:
            return ()
        version, name = self._version(), (ask.namespace, miss.family)
        if version != self._seen:
            with self._lock:
                self._held.clear()
                self._seen = version
            self._looked.at = version
            return ()
        # No lock: where many threads hit, one that is put to sleep with it would stop all others.
        found = self._held.get(name)
        if found is None or self._timer() >= found[0]:
            self._looked.at = version
            return ()
        try:
            self._held.move_to_end(name)
        except KeyError:  # another thread has let it go
            pass
        return found[1]

    def keep(self, entries: Sequence[Entry], miss: Miss, ask: Ask) -> Sequence[Entry]:
        """Hold a family; the one that was not used for the longest time makes room."""
        if ask.samples is None and self._max_entries:
            with self._lock:
                # Found after this thread had looked here: since then it may have gone, and another
                # thread may have seen that.
                if self._looked.at == self._seen:
                    self._held[ask.namespace, miss.family] = (self._timer() + self._ttl, entries)
                    if len(self._held) > self._max_entries:
                        self._held.popitem(last=False)
        return entries

    def stored(self) -> None:
        """Do nothing: the file has changed, and that shows."""

    def close(self) -> None:
        """Let go of all."""
        self._held.clear()


class FileTier:
    """The entries of the cache file."""

    source: Source = "exact"

    def __init__(self, shelf: Shelf, draft: Callable[[Miss, Entry], Draft]) -> None:
        """Take the file, and what makes a draft of another tier's entry for a request."""
        self._shelf = shelf
        self._draft = draft

    def find(self, miss: Miss, ask: Ask) -> Sequence[Entry]:
        """Return the entries of a request's family, or its remembered samples."""
        if ask.samples is not None:
            return self._shelf.samples(ask.namespace, miss.key, ask.samples)
        return self._shelf.family(ask.namespace, miss.family)

    def keep(self, entries: Sequence[Entry], miss: Miss, ask: Ask) -> Sequence[Entry]:
        """Store another tier's answer to this very request, with its own life and cost."""
        del ask
        return [
            entry._replace(id=self._shelf.put(self._draft(miss, entry), None, tell=False))
            if entry.key == miss.key
            else entry
            for entry in entries
        ]

    def stored(self) -> None:
        """Do nothing: it lies here."""

    def close(self) -> None:
        """Do nothing: whoever opened the file closes it."""
