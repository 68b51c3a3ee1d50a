"""Has anything in the cache file changed since the last look? In a twentieth of a microsecond.

Every commit of any process changes the header of the write-ahead log's index, which all of them map
into memory: SQLite's own way to notice (https://www.sqlite.org/walformat.html#the_wal_index_header).
"""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmc.file import File

__all__ = ["watch"]

#: The length of the header's first copy, in bytes.
_HEADER = 48

#: One mapping for each index, by its device and inode. To close any descriptor of a file gives up
#: all locks that this process has on it, SQLite's too: so none is closed while the file has a name.
_mapped: dict[tuple[int, int], tuple[int, mmap.mmap]] = {}


def watch(file: File) -> Callable[[], object]:
    """Return a function whose value differs once anything in the file has, whoever changed it.

    Where there is no such index, SQLite is asked each time (3 µs).
    """
    header = _header(f"{file.path}-shm")
    if header is None:
        # The first tells of others' commits, the second of this connection's.
        return lambda: (file.number("PRAGMA data_version"), file.number("SELECT total_changes()"))
    # A value seen half written is another one too.
    return lambda: header[:_HEADER]


def _header(path: str) -> mmap.mmap | None:
    try:
        found = os.stat(path)
        name = (found.st_dev, found.st_ino)
        if name not in _mapped:
            _let_go()
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            _mapped[name] = descriptor, mmap.mmap(descriptor, _HEADER, prot=mmap.PROT_READ)
    except (OSError, ValueError):
        return None
    return _mapped[name][1]


def _let_go() -> None:
    """Unmap what was deleted: nobody can have it open any more."""
    for name, (descriptor, mapped) in list(_mapped.items()):
        if os.fstat(descriptor).st_nlink == 0:
            del _mapped[name]
            mapped.close()
            os.close(descriptor)
