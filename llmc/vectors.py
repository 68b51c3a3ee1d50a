"""Which stored questions lie nearest to this one? The vectors of the cache file, and their index.

It decides nothing: from which similarity two may share an answer is `semantic`'s business. The
numbers in `vector` are the truth; each space's index only proposes what is compared with them.
"""

from __future__ import annotations

import math
import struct
from operator import mul
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc import index
from llmc.errors import CacheFileError
from llmc.index import Index

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmc.file import File

__all__ = ["Due", "Neighbour", "Space", "Vectors"]

#: How many the index proposes. The second figure is for when other groups' took the places of ours.
_CANDIDATES = (64, 512)

#: How far a vector's length may be from 1: as it is given, and rounded to float16, each number by
#: up to 1 in 2,048.
_TOLERANCE, _ROUNDED = 5e-4, 1e-3


class Neighbour(NamedTuple):
    """A stored entry and how similar its question is: a cosine."""

    entry_id: int
    similarity: float


class Due(NamedTuple):
    """An entry that has no vector yet, with what decides whether it may have one."""

    entry_id: int
    prompt: str
    instruction_at: int


class Space(NamedTuple):
    """An embedder's vectors of one length: only these are ever compared with each other."""

    id: int
    embedder: str
    dimension: int
    generation: int
    vectors: int

    @property
    def table(self) -> str:
        """The name of its index: each generation has one of its own, as none can be renamed."""
        return f"index_{self.id}_{self.generation}"


_SPACE = ", ".join(Space._fields)

_DUE = """
SELECT e.id, e.prompt, e.instruction_at
FROM vector_due AS d JOIN entry AS e ON e.id = d.entry_id
WHERE d.space_id = ? AND d.scope_id = (SELECT id FROM scope WHERE hash = ?) AND d.namespace = ?
ORDER BY d.entry_id DESC LIMIT ?
"""
_NOT_DUE = """
DELETE FROM vector_due WHERE space_id = ?1 AND entry_id = ?2
    AND scope_id = (SELECT scope_id FROM entry WHERE id = ?2)
    AND namespace = (SELECT namespace FROM entry WHERE id = ?2)
"""
# CROSS JOIN: from the few that are proposed to their entries, never the other way round.
_PROPOSED = """
SELECT v.entry_id, v.numbers FROM json_each(?) AS near
CROSS JOIN vector AS v ON v.id = near.value CROSS JOIN entry AS e ON e.id = v.entry_id
WHERE v.space_id = ? AND length(v.numbers) = ?
"""
_IN_SCOPE = """ AND v.grp = ? AND e.namespace = ?
    AND e.scope_id = (SELECT id FROM scope WHERE hash = ?)
    AND (e.expires_at IS NULL OR e.expires_at > ?)
"""


class Vectors:
    """The vectors of one cache file. All methods raise CacheFileError where the file fails them."""

    def __init__(self, file: File) -> None:
        """Take the open file; nothing is read or loaded before it is needed."""
        self._file = file
        self._loaded = False

    # -- spaces ----------------------------------------------------------------------------------

    def spaces(self) -> list[Space]:
        """Return all spaces, the oldest first."""
        return [*map(self._made, self._file.rows(f"SELECT {_SPACE} FROM space ORDER BY id"))]

    def space(self, embedder: str, dimension: int | None) -> int | None:
        """Return an embedder's space, None if there is none; without a dimension its newest."""
        rows = self._file.rows(
            "SELECT max(id) FROM space WHERE embedder = ?1 AND dimension = coalesce(?2, dimension)",
            (embedder, dimension),
        )
        return None if rows[0][0] is None else int(rows[0][0])

    def make_space(self, embedder: str, dimension: int) -> int:
        """Return an embedder's space, made if need be, within the caller's transaction.

        In one just made all entries are due.
        """
        known = self.space(embedder, dimension)
        if known is not None:
            return known
        self._load()
        space = self._file.number(
            "INSERT INTO space (embedder, dimension) VALUES (?, ?) RETURNING id",
            (embedder, dimension),
        )
        self._index(self._space(space)).make()
        self._file.execute(
            "INSERT INTO vector_due (space_id, scope_id, namespace, entry_id)"
            " SELECT ?, scope_id, namespace, id FROM entry WHERE sample = 0",
            (space,),
        )
        return space

    def drop(self, space: int) -> None:
        """Remove a space with its vectors and its index, within the caller's transaction."""
        self._load()
        self._index(self._space(space)).drop()
        for table in ("vector", "vector_gone", "vector_due"):
            self._file.execute(f"DELETE FROM {table} WHERE space_id = ?", (space,))
        self._file.execute("DELETE FROM space WHERE id = ?", (space,))

    def fault(self, space: int | None = None) -> str | None:
        """Say why nothing, or not this space, can be searched here; None if it can."""
        try:
            self._load()
            if space is not None:
                self._searchable(space)
        except CacheFileError as error:
            return str(error)
        return None

    # -- adding ----------------------------------------------------------------------------------

    def add(self, space: int, entry_id: int, *, group: int, vector: bytes) -> None:
        """Give an entry its vector, or another one, within the caller's transaction.

        `vector` are little-endian float32 numbers of unit length. `group`, a signed 64-bit number,
        is a hash of what must be equal for two questions to be compared. An entry that has gone
        meanwhile gets none, nor does a remembered sample. Raises CacheFileError for numbers that
        are no unit vector of the space.
        """
        with self._file.savepoint():
            found = self._searchable(space)
            numbers = struct.pack(f"<{found.dimension}e", *self._unit(found, vector))
            self._file.execute(_NOT_DUE, (space, entry_id))
            known = self._file.rows(
                "SELECT grp, numbers FROM vector WHERE entry_id = ? AND space_id = ?",
                (entry_id, space),
            )
            if known == [(group, numbers)]:
                return
            self._file.execute(
                "DELETE FROM vector WHERE entry_id = ? AND space_id = ?", (entry_id, space)
            )
            added = self._file.rows(
                "INSERT INTO vector (space_id, entry_id, grp, numbers)"
                " SELECT ?, id, ?, ? FROM entry WHERE id = ? AND sample = 0 RETURNING id",
                (space, group, numbers, entry_id),
            )
            for (vector_id,) in added:
                self._index(found).add(vector_id, group, numbers)
        self.settle()

    def due(self, space: int, *, namespace: str, scope_hash: bytes, limit: int) -> list[Due]:
        """Return entries of a scope that have no vector yet, the newest first."""
        rows = self._file.rows(_DUE, (space, scope_hash, namespace, limit))
        return [Due(*row) for row in rows]

    def not_eligible(self, space: int, entry_ids: Iterable[int]) -> None:
        """Strike off entries that are to have no vector, within the caller's transaction."""
        for entry_id in entry_ids:
            self._file.execute(_NOT_DUE, (space, entry_id))

    # -- searching -------------------------------------------------------------------------------

    def nearest(
        self,
        space: int,
        *,
        group: int,
        namespace: str,
        scope_hash: bytes,
        vector: bytes,
        threshold: float,
        now: float,
        k: int = 5,
    ) -> list[Neighbour]:
        """Return the k entries of a group nearest to a vector, the most similar first.

        None that is less similar than `threshold`, has expired, or is of another namespace or
        scope. Raises CacheFileError where the index cannot be searched.
        """
        with self._file.savepoint():
            found = self._searchable(space)
            numbers = self._unit(found, vector)
            scoped = (group, namespace, scope_hash, now)
            ids = self._index(found).propose(
                vector, threshold=threshold, k=_CANDIDATES[0], group=group
            )
            rows = self._proposed(found, ids, _IN_SCOPE, scoped)
            if len(rows) < len(ids) == _CANDIDATES[0]:
                # Asking so at once would take several times as long.
                ids = self._index(found).propose(
                    vector, threshold=threshold, k=_CANDIDATES[1], group=group, strictly=True
                )
                rows = self._proposed(found, ids, _IN_SCOPE, scoped)
        return _ranked(numbers, rows, threshold)[:k]

    def anywhere(
        self, space: int, *, vector: bytes, k: int = 5, threshold: float = -1.0
    ) -> list[Neighbour]:
        """Return the k entries nearest to a vector in all namespaces and scopes, to explain.

        Expired ones are among them.
        """
        with self._file.savepoint():
            found = self._searchable(space)
            numbers = self._unit(found, vector)
            ids = self._index(found).propose(vector, threshold=threshold, k=_CANDIDATES[0])
            rows = self._proposed(found, ids)
        return _ranked(numbers, rows, threshold)[:k]

    # -- keeping order ---------------------------------------------------------------------------

    def settle(self) -> None:
        """Remove from the indexes what is gone, within the caller's transaction.

        An index that would take longer to clear is made anew; one with more holes than vectors is
        closed up by and by. What cannot be removed on this machine is left to the next one.
        """
        gone = self._file.rows("SELECT space_id, vector_id FROM vector_gone")
        if not gone:
            return
        try:
            with self._file.savepoint():
                for space in {space for space, _ in gone}:
                    self._settle(space, [each for which, each in gone if which == space])
        except CacheFileError:
            # Nobody shall fail to delete an entry for an index that he may not even use.
            if not self._file.in_transaction:
                raise

    def damage(self) -> list[str]:
        """Return what is wrong with the vectors and their indexes; nothing if they are sound."""
        found = [f"{each.name} is the index of no vectors" for each in self._leftovers()]
        for space in self.spaces():
            unfit = len(self._unfit(space))
            lines = [f"{unfit} are no unit vectors"] if unfit else []
            lines += self._index(space).damage(space.id)
            name = f"vectors of {space.embedder} ({space.dimension} numbers)"
            found += [f"{name}: {line}" for line in lines]
        return found

    def rebuild(self) -> None:
        """Make all indexes anew from the vectors, in one transaction.

        A vector that is none is thrown away, and its entry is due again.
        """
        with self._file.transaction():
            self._load()
            for each in self._leftovers():
                each.drop()
            for space in self.spaces():
                self._discard(space, self._unfit(space))
                self._rebuild(space)

    # -- the small print -------------------------------------------------------------------------

    def _load(self) -> None:
        if not self._loaded:
            index.load(self._file)
            self._loaded = True

    def _index(self, space: Space) -> Index:
        return Index(self._file, space.table, space.dimension)

    def _leftovers(self) -> list[Index]:
        return index.leftovers(self._file, [space.table for space in self.spaces()])

    def _space(self, space: int) -> Space:
        rows = self._file.rows(f"SELECT {_SPACE} FROM space WHERE id = ?", (space,))
        if not rows:
            raise CacheFileError(f"cache file {self._file.path}: no vectors of this kind are kept")
        return self._made(rows[0])

    def _made(self, row: tuple[Any, ...]) -> Space:
        space = Space(*row)
        if not 0 < space.dimension < 65_536:
            raise CacheFileError(f"cache file {self._file.path}: space {space.id} is damaged")
        return space

    def _searchable(self, space: int) -> Space:
        """Return a space whose index can be used. Raises CacheFileError where it cannot."""
        self._load()
        found = self._space(space)
        self._index(found).check()
        return found

    def _unit(self, space: Space, vector: bytes) -> tuple[float, ...]:
        """Return a vector's numbers. Raises CacheFileError if they are no unit vector."""
        if len(vector) == 4 * space.dimension:
            numbers = struct.unpack(f"<{space.dimension}f", vector)
            # What is not a number is not near 1 either.
            if abs(math.hypot(*numbers) - 1) <= _TOLERANCE:
                return numbers
        raise CacheFileError(
            f"cache file {self._file.path}: no unit vector of {space.dimension} numbers was given"
        )

    def _proposed(
        self, space: Space, ids: list[int], where: str = "", values: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Return entry and numbers of what the index proposes, if it is there and wanted."""
        listed = f"[{', '.join(map(str, ids))}]"
        return self._file.rows(_PROPOSED + where, (listed, space.id, 2 * space.dimension, *values))

    def _settle(self, space_id: int, ids: list[int]) -> None:
        space = self._searchable(space_id)
        found = self._index(space)
        # Where others read, on this connection, no table can be dropped.
        if found.is_worn(space.vectors, len(ids)) and not self._file.is_streaming:
            self._rebuild(space)
            return
        for vector_id in ids:
            found.remove(vector_id)
        # A chunk that is closed up has more holes than so many removals make.
        found.close_up(space_id, space.vectors, chunks=1 + len(ids) // 128)
        self._file.execute("DELETE FROM vector_gone WHERE space_id = ?", (space_id,))

    def _rebuild(self, space: Space) -> None:
        made = space._replace(generation=space.generation + 1)
        new = self._index(made)
        new.make()
        rows = self._file.stream(
            "SELECT id, grp, numbers FROM vector WHERE space_id = ? AND length(numbers) = ?",
            (space.id, 2 * space.dimension),
        )
        for vector_id, group, numbers in rows:
            new.add(vector_id, group, numbers)
        self._index(space).drop()
        self._file.execute("DELETE FROM vector_gone WHERE space_id = ?", (space.id,))
        self._file.execute(
            "UPDATE space SET generation = ?,"
            " vectors = (SELECT count(*) FROM vector WHERE space_id = ?) WHERE id = ?",
            (made.generation, space.id, space.id),
        )

    def _unfit(self, space: Space) -> list[int]:
        """Return the ids of vectors that are none of unit length."""
        rows = self._file.stream("SELECT id, numbers FROM vector WHERE space_id = ?", (space.id,))
        unpack = struct.Struct(f"<{space.dimension}e").unpack
        return [
            vector_id
            for vector_id, numbers in rows
            if len(numbers) != 2 * space.dimension
            or not abs(math.hypot(*unpack(numbers)) - 1) <= _ROUNDED
        ]

    def _discard(self, space: Space, vector_ids: Iterable[int]) -> None:
        for vector_id in vector_ids:
            self._file.execute(
                "INSERT OR IGNORE INTO vector_due (space_id, scope_id, namespace, entry_id)"
                " SELECT ?, e.scope_id, e.namespace, e.id"
                " FROM vector AS v JOIN entry AS e ON e.id = v.entry_id WHERE v.id = ?",
                (space.id, vector_id),
            )
            self._file.execute("DELETE FROM vector WHERE id = ?", (vector_id,))


def _ranked(
    asked: Sequence[float], rows: Iterable[tuple[Any, ...]], threshold: float
) -> list[Neighbour]:
    """Compare exactly; return what is similar enough, the most similar first, then the newest."""
    unpack = struct.Struct(f"<{len(asked)}e").unpack
    found = [(sum(map(mul, asked, unpack(numbers))), entry_id) for entry_id, numbers in rows]
    # More than 1, or no number at all, is what damaged ones come to.
    near = [each for each in found if threshold <= each[0] <= 1 + _ROUNDED]
    near.sort(reverse=True)
    return [Neighbour(entry_id, min(similarity, 1.0)) for similarity, entry_id in near]
