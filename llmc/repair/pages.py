"""Which rows do the pages of a SQLite file hold? Read without SQLite, which refuses damaged ones.

It knows the format (https://www.sqlite.org/fileformat2.html) and no table of ours. A page that
makes no sense holds nothing; a row comes whole or not at all.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAGIC", "Pages", "Record", "Value"]

Value: TypeAlias = int | float | str | bytes | None

#: How every SQLite file begins.
MAGIC = b"SQLite format 3\0"

#: The kinds of pages: a tree's inner ones and its leaves, of a table by rowid and of an index, or
#: of a table without rowids.
_INDEX_INNER, _TABLE_INNER, _INDEX_LEAF, _TABLE_LEAF = 2, 5, 10, 13
_INNER = {_INDEX_INNER, _TABLE_INNER}
_LEAVES = {_INDEX_LEAF, _TABLE_LEAF}

#: The page that a new file of SQLite's has, where no header tells.
_PAGE = 4096

_WAL_MAGIC = (0x377F0682, 0x377F0683)
_WAL_HEADER, _FRAME_HEADER = 32, 24


class Record(NamedTuple):
    """A row as it is stored. One of an index, or of a table without rowids, has no `rowid`."""

    rowid: int | None
    values: tuple[Value, ...]


class _Unreadable(Exception):
    """Says that a cell or a page is not what it should be."""


class Pages:
    """The pages of an open file, as its write-ahead log leaves them."""

    def __init__(self, number: int, log: bytes = b"") -> None:
        """Take the descriptor of a file, and the content of its write-ahead log.

        The descriptor is neither closed nor locked. Raises OSError.
        """
        self._number = number
        self._log = log
        header = os.pread(number, 100, 0)
        told = int.from_bytes(header[16:18], "big") if header[:16] == MAGIC else 0
        logged = int.from_bytes(log[8:12], "big")
        sizes = (65536 if told == 1 else told, logged, _PAGE)
        self.size = next(size for size in sizes if size in {512 << n for n in range(8)})
        self._usable = self.size - (header[20] if told and header[20] <= 32 else 0)
        self._frames = _frames(log, self.size)
        stored = -(-os.fstat(number).st_size // self.size)
        self.count = max([stored, *self._frames])

    def page(self, number: int) -> bytes:
        """Return a page, counted from 1; what the file has not is empty."""
        if number in self._frames:
            start = self._frames[number]
            return self._log[start : start + self.size]
        return os.pread(self._number, self.size, (number - 1) * self.size) if number > 0 else b""

    def tree(self, root: int) -> set[int]:
        """Return the numbers of the pages that can be reached from a tree's root."""
        seen: set[int] = set()
        left = [root]
        while left:
            number = left.pop()
            if number in seen or not 0 < number <= self.count:
                continue
            page = self.page(number)
            kind = _kind(page, number)
            if kind in _INNER or kind in _LEAVES:
                seen.add(number)
            if kind in _INNER:
                start = _start(number)
                offsets = [start + 8, *_cells(page, number)]
                left += [int.from_bytes(page[at : at + 4], "big") for at in offsets]
        return seen

    def records(self, number: int) -> tuple[list[Record], int]:
        """Return a page's rows, and how many more it should hold that cannot be read."""
        page = self.page(number)
        kind = _kind(page, number)
        if kind not in _LEAVES and kind != _INDEX_INNER:
            return [], 0
        found, unreadable = [], 0
        for at in _cells(page, number):
            try:
                found.append(self._record(page, at, kind))
            except (_Unreadable, IndexError, UnicodeDecodeError, struct.error):
                unreadable += 1
        return found, unreadable

    def _record(self, page: bytes, at: int, kind: int) -> Record:
        if kind == _INDEX_INNER:
            at += 4
        size, at = _varint(page, at)
        rowid = None
        if kind == _TABLE_LEAF:
            rowid, at = _varint(page, at)
        if size > self.count * self.size:
            raise _Unreadable
        return Record(rowid, _values(self._payload(page, at, size, kind)))

    def _payload(self, page: bytes, at: int, size: int, kind: int) -> bytes:
        usable = self._usable
        most = usable - 35 if kind == _TABLE_LEAF else (usable - 12) * 64 // 255 - 23
        local = size
        if size > most:
            least = (usable - 12) * 32 // 255 - 23
            kept = least + (size - least) % (usable - 4)
            local = kept if kept <= most else least
        pieces = [page[at : at + local]]
        if len(pieces[0]) != local or at + local > usable:
            raise _Unreadable
        left, following = size - local, int.from_bytes(page[at + local : at + local + 4], "big")
        while left:
            page = self.page(following) if following <= self.count else b""
            piece = page[4:usable][:left]
            following = int.from_bytes(page[:4], "big")
            left -= len(piece)
            # A chain that ends early, or goes on, is another one's.
            if not piece or (following == 0) != (left == 0):
                raise _Unreadable
            pieces.append(piece)
        return b"".join(pieces)


def _kind(page: bytes, number: int) -> int:
    start = _start(number)
    return page[start] if len(page) > start + 8 else 0


def _start(number: int) -> int:
    return 100 if number == 1 else 0  # the file's header stands before


def _cells(page: bytes, number: int) -> Iterator[int]:
    """Yield where a page's cells begin."""
    start = _start(number)
    first = start + (12 if page[start] in _INNER else 8)
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    if first + 2 * count <= len(page):
        yield from struct.unpack_from(f">{count}H", page, first)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of one to nine bytes; return it, signed, and where it ends."""
    value = 0
    for _ in range(8):
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    value = value << 8 | data[at]
    return value - (1 << 64) if value >> 63 else value, at + 1


def _values(payload: bytes) -> tuple[Value, ...]:
    end, at = _varint(payload, 0)
    types = []
    while at < end:
        kind, at = _varint(payload, at)
        types.append(kind)
    values: list[Value] = []
    for kind in types:
        size = _SIZES[kind] if 0 <= kind < len(_SIZES) else (kind - 12) // 2
        values.append(_value(kind, payload[at : at + size]))
        at += size
    if at != len(payload) or not types:
        raise _Unreadable
    return tuple(values)


#: The bytes of a value by its type; larger types are texts and blobs.
_SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)


def _value(kind: int, raw: bytes) -> Value:
    if kind == 0:
        return None
    if kind in {8, 9}:
        return kind - 8
    if kind == 7:
        return float(struct.unpack(">d", raw)[0])
    if 0 < kind < 7:
        return int.from_bytes(raw, "big", signed=True)
    if kind < 12:
        raise _Unreadable
    return raw.decode("utf-8") if kind % 2 else raw


def _frames(log: bytes, size: int) -> dict[int, int]:
    """Return where in a write-ahead log the newest committed copy of each page stands."""
    if len(log) < _WAL_HEADER:
        return {}
    magic, _, told, _, *salts = struct.unpack_from(">6I", log)
    order = ">" if magic & 1 else "<"
    sums = _checksum(log[:24], (0, 0), order)
    if magic not in _WAL_MAGIC or told != size or sums != struct.unpack_from(">2I", log, 24):
        return {}
    committed: dict[int, int] = {}
    pending: dict[int, int] = {}
    at = _WAL_HEADER
    while at + _FRAME_HEADER + size <= len(log):
        page, pages, *rest = struct.unpack_from(">6I", log, at)
        sums = _checksum(log[at : at + 8], sums, order)
        sums = _checksum(log[at + _FRAME_HEADER : at + _FRAME_HEADER + size], sums, order)
        if rest != [*salts, *sums]:
            break
        pending[page] = at + _FRAME_HEADER
        if pages:
            committed |= pending
            committed = {number: where for number, where in committed.items() if number <= pages}
            pending = {}
        at += _FRAME_HEADER + size
    return committed


def _checksum(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    one, two = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
