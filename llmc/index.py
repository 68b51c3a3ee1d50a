"""Which vectors may be near this one? The index of one space: a table of sqlite-vec's.

It only proposes: of each vector it knows the signs, one bit a number. Who asks looks up what it
names and compares exactly, so a damaged index can miss a vector, never invent one.
"""

from __future__ import annotations

import math
import os
import struct
from typing import TYPE_CHECKING, Any

from llmc.errors import CacheFileError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmc.file import File

__all__ = ["Index", "leftovers", "load"]

#: Parts that an index is divided into by group, so that a search reads a part only. Few: every
#: part takes at least one chunk, 33 KB of an index for vectors of 384 numbers.
_PARTS = 16

#: Rows of a chunk. sqlite-vec allots and reads whole chunks.
_CHUNK = 512

#: How many deviations beyond its mean a number of differing signs may lie and still be searched.
_DEVIATIONS = 5

#: Tables that sqlite-vec keeps an index in.
_SHADOWS = ("chunks", "info", "rowids", "vector_chunks00", "metadatachunks00")

#: The byte that holds a number's sign, as a binary digit: 1 for what is not negative.
_SIGNS = bytes(ord("0" if byte & 0x80 else "1") for byte in range(256))

#: Says which table or column is missing. sqlite-vec 0.1.9 binds values to the statement that it
#: could not prepare: without its table of rows, or a column of it, it takes the process along.
_WHOLE = """
SELECT c.validity, c.rowids, c.partition00, i.value, r.id, r.chunk_id, r.chunk_offset,
    v._rowid_, v.vectors, m._rowid_, m.data
FROM {0}_chunks AS c, {0}_info AS i, {0}_rowids AS r, {0}_vector_chunks00 AS v,
    {0}_metadatachunks00 AS m LIMIT 0
"""
_CHUNKS = """
SELECT c.chunk_id, c.partition00, c.validity, c.rowids, v.vectors, m.data FROM {0}_chunks AS c
LEFT JOIN {0}_vector_chunks00 AS v ON v._rowid_ = c.chunk_id
LEFT JOIN {0}_metadatachunks00 AS m ON m._rowid_ = c.chunk_id
"""
_TAKEN = "SELECT chunk_id, partition00, validity FROM {0}_chunks"
_HELD = """
SELECT v.id, v.grp, v.numbers FROM {0}_rowids AS r JOIN vector AS v ON v.id = r.rowid
WHERE r.chunk_id = ? AND v.space_id = ?
"""
_MEANT = """
SELECT r.rowid, r.chunk_id, r.chunk_offset, v.grp, v.numbers FROM json_each(?) AS slot
CROSS JOIN {0}_rowids AS r ON r.rowid = slot.value
LEFT JOIN vector AS v ON v.id = r.rowid AND v.space_id = ? AND length(v.numbers) = ?
"""
# What belongs to no chunk stands in the way of the next one.
_COUNTS = """
SELECT (SELECT count(*) FROM {0}_rowids), (SELECT count(*) FROM {0}_vector_chunks00)
    + (SELECT count(*) FROM {0}_metadatachunks00) - 2 * (SELECT count(*) FROM {0}_chunks)
"""
_MISSING = """
SELECT count(*) FROM vector AS v LEFT JOIN {0}_rowids AS r ON r.rowid = v.id
WHERE v.space_id = ? AND r.rowid IS NULL
"""
_ALONE = """
SELECT count(*) FROM {0}_rowids AS r WHERE
    NOT EXISTS (SELECT 1 FROM vector WHERE id = r.rowid AND space_id = ?1)
    AND NOT EXISTS (SELECT 1 FROM vector_gone WHERE vector_id = r.rowid AND space_id = ?1)
"""


class Index:
    """One index. All methods raise CacheFileError where the file fails them.

    They expect sqlite-vec to be loaded, those excepted that say so.
    """

    def __init__(self, file: File, name: str, dimension: int) -> None:
        """Take the open file, the table's name, and how many numbers its vectors have."""
        self._file = file
        self._name = name
        self._dimension = dimension
        width = -(-dimension // 64) * 64  # others are compared byte by byte
        columns = f"bucket INTEGER PARTITION KEY, bits BIT[{width}], grp INTEGER"
        self._definition = (
            f"CREATE VIRTUAL TABLE {name} USING vec0 ({columns}, chunk_size = {_CHUNK})"
        )
        self._sizes = (_CHUNK // 8, _CHUNK * 8, _CHUNK * width // 8, _CHUNK * 8)

    @property
    def name(self) -> str:
        """The table's name."""
        return self._name

    def make(self) -> None:
        """Make the table, empty."""
        self._file.execute(self._definition)

    def add(self, vector_id: int, group: int, numbers: bytes) -> None:
        """Add a vector, its numbers in float16."""
        self._file.execute(
            f"INSERT INTO {self._name} (rowid, bucket, bits, grp) VALUES (?, ?, vec_bit(?), ?)",
            (vector_id, group % _PARTS, _bits(numbers, 2), group),
        )

    def remove(self, vector_id: int) -> None:
        """Remove a vector, if it is there."""
        self._file.execute(f"DELETE FROM {self._name} WHERE rowid = ?", (vector_id,))

    def is_worn(self, vectors: int, removing: int) -> bool:
        """Tell whether an index of so many vectors is better made anew than cleared of some more.

        Removing one takes as long as adding some. Needs no sqlite-vec.
        """
        return removing * 4 > vectors + _CHUNK

    def close_up(self, space: int, vectors: int, *, chunks: int) -> None:
        """Take the holes of at most so many chunks away, if there are more holes than vectors.

        sqlite-vec never fills the holes that removed ones leave, but drops a chunk that is empty:
        what the emptiest ones hold is taken out and put in again.
        """
        count = self._file.number(f"SELECT count(*) FROM {self._name}_metadatachunks00")
        if count * _CHUNK - vectors <= vectors + _PARTS * _CHUNK:
            return
        taken = {
            chunk_id: (part, int.from_bytes(validity, "little").bit_count())
            for chunk_id, part, validity in self._file.stream(_TAKEN.format(self._name))
            if not _differs(validity, self._sizes[0])
        }
        newest = {part: chunk_id for chunk_id, (part, _) in sorted(taken.items())}
        older = sorted(taken.keys() - newest.values(), key=lambda chunk: taken[chunk][1])
        for chunk_id in older[:chunks]:
            rows = self._file.rows(_HELD.format(self._name), (chunk_id, space))
            for vector_id, group, numbers in rows:
                self.remove(vector_id)
                self.add(vector_id, group, numbers)

    def propose(
        self,
        vector: bytes,
        *,
        threshold: float,
        k: int,
        group: int | None = None,
        strictly: bool = False,
    ) -> list[int]:
        """Return the ids of at most k vectors that may be this similar to one, the likeliest first.

        `vector` are its numbers in float32. With a `group` they are of its part of the index, and
        `strictly` of it alone, which takes several times as long.
        """
        where = ""
        values: list[Any] = [_bits(vector, 4), _reach(threshold, self._dimension), k]
        if group is not None:
            where += " AND bucket = ?"
            values.append(group % _PARTS)
            if strictly:
                where += " AND grp = ?"
                values.append(group)
        rows = self._file.rows(
            f"SELECT rowid FROM {self._name}"
            f" WHERE bits MATCH vec_bit(?) AND distance <= ? AND k = ?{where}",
            values,
        )
        return list(dict.fromkeys(row[0] for row in rows))  # a damaged one may say it twice

    def drop(self) -> None:
        """Drop the table, however little is left of it."""
        shadows = [f"{self._name}_{shadow}" for shadow in _SHADOWS]
        try:
            with self._file.savepoint():
                # sqlite-vec frees its memory before it fails, and fails where one of these lacks.
                for shadow in shadows:
                    self._file.execute(f"DROP TABLE IF EXISTS {shadow}; CREATE TABLE {shadow} (x)")
                for name in (self._name, *shadows):
                    self._file.execute(f"DROP TABLE IF EXISTS {name}")
        except CacheFileError:
            # What lies on damaged pages may stay there: nothing looks for it any more.
            if not self._file.in_transaction:
                raise

    # -- examining -------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise CacheFileError if sqlite-vec could not use the table. Needs no sqlite-vec."""
        with self._file.errors():
            try:
                found = self._file.rows(
                    "SELECT sql FROM sqlite_schema WHERE name = ?", (self._name,)
                )
                if found != [(self._definition,)]:
                    fault = f"{self._name} was altered" if found else f"no such table: {self._name}"
                    raise CacheFileError(fault)
                self._file.rows(_WHOLE.format(self._name))
            except CacheFileError as error:
                error.hint = "llmc doctor --repair makes the index anew"
                raise

    def damage(self, space: int) -> list[str]:
        """Return how the table differs from a space's vectors; nothing if it is sound.

        Needs no sqlite-vec.
        """
        try:
            self.check()
            broken, others = self._differing(space)
            counts = {
                "are not in the index": self._count(_MISSING, space),
                "are in the index alone": self._count(_ALONE, space),
                "are in the index as others": others,
                "chunks of the index are not whole": broken,
            }
        except CacheFileError as error:
            reason = str(error).removeprefix(f"cache file {self._file.path}: ")
            return [f"the index cannot be used: {reason}"]
        return [f"{count} {what}" for what, count in counts.items() if count]

    def _count(self, sql: str, space: int) -> int:
        return self._file.number(sql.format(self._name), (space,))

    def _differing(self, space: int) -> tuple[int, int]:
        """Count the chunks that are not whole, and the vectors that stand where they should not."""
        unfit = differing = slots = 0
        width = self._sizes[2] // _CHUNK
        for chunk_id, part, *blobs in self._file.stream(_CHUNKS.format(self._name)):
            if any(map(_differs, blobs, self._sizes)):
                unfit += 1
                continue
            validity, rowids, vectors, groups = blobs
            taken = int.from_bytes(validity, "little")
            ids, numbers = (struct.unpack(f"<{_CHUNK}q", each) for each in (rowids, groups))
            meant = self._meant(space, ids)
            for offset in (offset for offset in range(_CHUNK) if taken >> offset & 1):
                slots += 1
                bits = vectors[width * offset : width * offset + width]
                place, content = meant.get(ids[offset], (None, None))
                stands = (part, numbers[offset], bits)
                differing += place != (chunk_id, offset) or content not in {None, stands}
        if unfit:
            return unfit, differing
        rows, spare = self._file.rows(_COUNTS.format(self._name))[0]
        return abs(spare), max(differing, abs(rows - slots))

    def _meant(self, space: int, ids: Iterable[int]) -> dict[int, tuple[Any, Any]]:
        """Return where vectors should stand, and what should stand there; None for one gone."""
        listed = f"[{', '.join(map(str, ids))}]"
        rows = self._file.rows(_MEANT.format(self._name), (listed, space, 2 * self._dimension))
        return {
            vector_id: (
                (chunk_id, offset),
                numbers and (group % _PARTS, group, _bits(numbers, 2)),
            )
            for vector_id, chunk_id, offset, group, numbers in rows
        }


def leftovers(file: File, kept: Iterable[str]) -> list[Index]:
    """Return the indexes in a file that are none of the `kept` ones, by their names."""
    rows = file.rows(
        "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE index%USING vec0%'"
    )
    return [Index(file, name, 0) for (name,) in rows if name not in set(kept)]


def load(file: File) -> None:
    """Load sqlite-vec into an open file. Raises CacheFileError where that is not possible.

    Its package is not imported: that would load numpy, 80 ms.
    """
    from importlib.machinery import PathFinder

    with file.errors():
        spec = PathFinder.find_spec("sqlite_vec")
        folders = spec and spec.submodule_search_locations
        if not folders:
            raise CacheFileError("sqlite-vec, which searches vectors, is not installed")
        file.load_extension(os.path.join(folders[0], "vec0"))


def _differs(blob: object, size: int) -> bool:
    return not isinstance(blob, bytes) or len(blob) != size


def _bits(numbers: bytes, width: int) -> bytes:
    """Return a bit for each number, its sign, filled up with zeros to whole 64s.

    `width` is a number's bytes: the last of them begins with the sign in float16 and float32.
    """
    signs = numbers[width - 1 :: width].translate(_SIGNS)
    return int(signs, 2).to_bytes(-(-len(signs) // 64) * 8, "little")


def _reach(threshold: float, dimension: int) -> int:
    """Return how many signs may differ between vectors of at least this similarity.

    A random hyperplane parts two vectors with a chance of their angle over π (Charikar 2002,
    https://doi.org/10.1145/509907.509965); the signs are taken for `dimension` such planes.
    """
    chance = math.acos(max(-1.0, min(1.0, threshold))) / math.pi
    mean = dimension * chance
    return int(mean + _DEVIATIONS * math.sqrt(mean * (1 - chance)))
