"""What is still to be told to those who share answers, and how far has this file listened?

It holds hashes and ids, never a text. All methods raise CacheFileError; those that write say
whether they stand within the caller's transaction.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmc.file import File
    from llmc.types import Verdict

__all__ = ["Outbox", "Place", "Told"]

#: As many messages wait at most: for a server that has gone for good none needs to.
_MOST = 100_000


class Told(NamedTuple):
    """One thing to be told: an entry that came or went, or the verdict on a pair."""

    id: int
    kind: str
    namespace: str
    key: bytes
    family: bytes
    at: float


class Place(NamedTuple):
    """Where in a server's log a file stands, and when that server failed it last."""

    position: str = "0-0"
    passed: int = 0
    failed_at: float = 0.0


class Outbox:
    """The messages of one cache file to others. Unless it shares its answers there are none."""

    def __init__(self, file: File) -> None:
        self._file = file

    @property
    def machine(self) -> int:
        """The name of this file among those that share: a copy elsewhere has another."""
        place = f"{os.uname().nodename}\0{os.path.realpath(self._file.path)}".encode(
            errors="replace"
        )
        return int.from_bytes(hashlib.blake2b(place, digest_size=7).digest())

    def share(self, shares: bool) -> None:
        """Tell others from now on, or nobody any more."""
        changed = "UPDATE meta SET value = ? WHERE name = 'shares' AND value <> ?"
        if self._file.number("SELECT value FROM meta WHERE name = 'shares'") != shares:
            with self._file.transaction():
                self._file.execute(changed, (shares, shares))
                if not shares:
                    self._file.execute("DELETE FROM outbox")

    def came(self, namespace: str, key: bytes, family: bytes, *, at: float) -> None:
        """Let the others know of an answer, within the caller's transaction."""
        self._add("entry", namespace, key, family, at)

    def goes(self, entry_ids: Iterable[int]) -> None:
        """Let them know that entries go, which are still there, within the caller's transaction.

        Meant is each as it was stored: an answer that is newer elsewhere stays.
        """
        if self._shares():
            self._file.execute_many(
                "INSERT INTO outbox (kind, namespace, key, family, at)"
                " SELECT 'gone', namespace, key, family, created_at FROM entry"
                " WHERE id = ? AND sample = 0",
                [(entry_id,) for entry_id in entry_ids],
            )

    def judged(self, verdict: Verdict) -> None:
        """Let them know of a verdict, within the caller's transaction."""
        self._add("verdict", verdict.namespace, verdict.pair, b"", verdict.at)

    def waiting(self, most: int) -> list[Told]:
        """Return what is to be told, the oldest first."""
        columns = ", ".join(Told._fields)
        rows = self._file.rows(f"SELECT {columns} FROM outbox ORDER BY id LIMIT ?", (most,))
        return [Told(*row) for row in rows]

    def is_leaving(self, namespace: str, key: bytes, family: bytes) -> bool:
        """Tell whether the others do not know yet that an answer to a request was removed here."""
        return bool(
            self._file.rows(
                "SELECT 1 FROM outbox WHERE kind = 'gone' AND namespace = ?"
                " AND (key = ? OR family = ?) LIMIT 1",
                (namespace, key, family),
            )
        )

    def sent(self, told: Sequence[Told], known: dict[int, float]) -> None:
        """Strike off what was told; `known` are the entries with the instants they are kept to."""
        with self._file.transaction():
            self._file.execute_many("DELETE FROM outbox WHERE id = ?", [(t.id,) for t in told])
            self.know(known)

    def know(self, known: dict[int, float]) -> None:
        """Remember what the others know as well, within the caller's transaction."""
        self._file.execute_many(
            "INSERT OR REPLACE INTO told SELECT id, ? FROM entry WHERE id = ?",
            [(until, entry_id) for entry_id, until in known.items()],
        )

    def known(self, now: float) -> list[tuple[int, str, bytes]]:
        """Return id, namespace and key of the entries that the server should still have."""
        rows = self._file.rows(
            "SELECT e.id, e.namespace, e.key FROM told JOIN entry AS e ON e.id = told.entry_id"
            " WHERE told.until > ?",
            (now,),
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def older(self, namespace: str, key: bytes, *, at: float) -> list[int]:
        """Return the ids of an entry that was there at an instant, samples left out."""
        rows = self._file.rows(
            "SELECT id FROM entry WHERE namespace = ? AND key = ? AND sample = 0"
            " AND created_at <= ?",
            (namespace, key, at),
        )
        return [row[0] for row in rows]

    def place(self, server: str) -> Place:
        """Return where in a server's log this file stands: at its beginning, if it is new."""
        columns = ", ".join(Place._fields)
        rows = self._file.rows(f"SELECT {columns} FROM peer WHERE server = ?", (server,))
        return Place(*rows[0]) if rows else Place()

    def move(self, server: str, place: Place) -> None:
        """Remember where it stands, within the caller's transaction."""
        self._file.execute("INSERT OR REPLACE INTO peer VALUES (?, ?, ?, ?)", (server, *place))

    # -- the small print -------------------------------------------------------------------------

    def _shares(self) -> bool:
        return bool(self._file.number("SELECT value FROM meta WHERE name = 'shares'"))

    def _add(self, kind: str, namespace: str, key: bytes, family: bytes, at: float) -> None:
        if self._shares():
            self._file.execute(
                "INSERT INTO outbox (kind, namespace, key, family, at) VALUES (?, ?, ?, ?, ?)",
                (kind, namespace, key, family, at),
            )
            self._file.execute(
                "DELETE FROM outbox WHERE id <= (SELECT max(id) FROM outbox) - ?", (_MOST,)
            )
