"""How do entries leave the file, their words and vectors with them, and the space that they took?

Which ones leave is decided by whoever asks. All methods raise CacheFileError.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmc.file import File
    from llmc.outbox import Outbox
    from llmc.paraphrases import Paraphrases
    from llmc.vectors import Vectors

__all__ = ["Forgotten", "Removal"]

#: To take an entry's words out of the full-text index at once takes 20 ms of a hundred thousand's;
#: to mark them, and then to merge the index, 2 s for any number of entries.
_MERGED_FOR = 1_000

#: Entries that go in one transaction where very many do, and pages of the full-text index that are
#: merged in one: tens of milliseconds. Those who wait for the lock look for it each 100 ms at most;
#: they get it in the pauses, in seconds.
_PART, _PAGES, _PAUSE = 250, 128, 0.01


class Forgotten(NamedTuple):
    """How many entries went, and how many wordings of others."""

    entries: int
    wordings: int


class Removal:
    """What is removed from one cache file."""

    def __init__(
        self, file: File, vectors: Vectors, paraphrases: Paraphrases, outbox: Outbox
    ) -> None:
        """Take the open file, and the rooms of what belongs to entries."""
        self._file = file
        self._vectors = vectors
        self._paraphrases = paraphrases
        self._outbox = outbox

    def delete(self, ids: Iterable[int]) -> int:
        """Delete entries with all that belongs to them, within the caller's transaction.

        Their words leave the full-text index as well, and whatever was remembered of command lines
        is void. Return how many there were.
        """
        doomed = list(ids)
        if len(doomed) * _MERGED_FOR <= self._file.number("SELECT count(*) FROM entry"):
            deleted = self._delete(doomed)
        else:
            deleted = self.remove(doomed)
            self._merge()
        if deleted:
            self._void()
        return deleted

    def remove(self, ids: Iterable[int]) -> int:
        """Delete entries, in the caller's transaction, in little time, for want of room alone.

        Their words may stay in the full-text index until it is merged. Return how many there were.
        """
        secure = "INSERT INTO entry_text (entry_text, rank) VALUES ('secure-delete', ?)"
        self._file.execute(secure, (0,))
        removed = self._delete(ids)
        self._file.execute(secure, (1,))
        return removed

    def prune(self, ids: Iterable[int], *, told: Callable[[int], None] = lambda _: None) -> int:
        """Delete entries as `delete` does, but many of them part by part; return how many.

        Others write in between. What is interrupted has removed some entries, each of them whole,
        though words of theirs may stay in the full-text index until `vacuum`. `told` hears now and
        then how many have gone.
        """
        doomed = sorted(ids)  # neighbours share their pages
        if len(doomed) <= _PART:
            with self._file.transaction():
                return self.delete(doomed)
        # What goes is all over the indexes: pages that are kept are read, and folded in, once.
        self._file.execute("PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8000")
        deleted = 0
        for start in range(0, len(doomed), _PART):
            with self._file.transaction():
                deleted += self.remove(doomed[start : start + _PART])
                self._void()
            told(deleted)
            time.sleep(_PAUSE)
        self._merge_by_parts()
        return deleted

    def forget(self, ids: Iterable[int], *, wordings_of: Iterable[int]) -> Forgotten:
        """Delete entries, and the wordings that others serve, in one transaction.

        An answer stays under its own question when it has served one that is to be forgotten.
        """
        doomed = list(ids)
        with self._file.transaction():
            self._outbox.goes(doomed)
            return Forgotten(self.delete(doomed), self._paraphrases.forget_of(wordings_of))

    def size_without(self, ids: Iterable[int]) -> int:
        """Return the bytes that the file would use without some entries; nothing is deleted."""

        class Rehearsed(Exception):
            """Takes the deletion back."""

        size = 0
        with contextlib.suppress(Rehearsed), self._file.transaction():
            self.delete(ids)
            size = self._file.size()
            raise Rehearsed
        return size

    def vacuum(self) -> bool:
        """Give the space of what was deleted back to the file system, that of both indexes too.

        What is killed on the way changes nothing. Return False if another process is still reading
        what the write-ahead log holds: the file gets smaller once it is not.
        """
        self._merge_by_parts()
        if self._vectors.spaces() and self._vectors.fault() is None:
            self._vectors.rebuild()
        return self._file.vacuum()

    def _delete(self, ids: Iterable[int]) -> int:
        # One by one each takes twice as long: the full-text index is written after every statement.
        doomed = json.dumps(list(ids))
        self._file.execute(
            "DELETE FROM entry WHERE id IN (SELECT value FROM json_each(?))", (doomed,)
        )
        deleted = self._file.changes()
        self._vectors.settle()
        return deleted

    def _void(self) -> None:
        """Void what the porch remembers."""
        self._file.execute("UPDATE meta SET value = value + 1 WHERE name = 'generation'")
        self._file.execute(
            "DELETE FROM invocation WHERE generation <"
            " (SELECT value FROM meta WHERE name = 'generation')"
        )

    def _merge_by_parts(self) -> None:
        """Merge the full-text index, so that no word of what has gone is left in it."""
        pages = -_PAGES  # less than nothing: all of it, not only what is due
        while True:
            with self._file.transaction():
                before = self._file.changes(all_of_them=True)
                self._file.execute(
                    "INSERT INTO entry_text (entry_text, rank) VALUES ('merge', ?)", (pages,)
                )
                # https://www.sqlite.org/fts5.html#the_merge_command: then nothing is left to do.
                if self._file.changes(all_of_them=True) - before < 2:
                    return
            pages = _PAGES
            time.sleep(_PAUSE)

    def _merge(self) -> None:
        self._file.execute("INSERT INTO entry_text (entry_text) VALUES ('optimize')")
