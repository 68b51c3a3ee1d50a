"""How is a connection to the one file made, and the file itself where there is none?

A folder, another program's place for a name, a file system that can only be read: what stands in
the way leaves here as an OSError, an apsw.Error or a CacheFileError.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time

import apsw

from llmc.errors import CacheFileError

__all__ = [
    "BUSY_TIMEOUT",
    "COUNTING_TIMEOUT",
    "connect",
    "copied",
    "is_missing",
    "require_text",
    "touch",
    "unreadable",
]

#: How long a statement waits for another process's lock, in milliseconds.
BUSY_TIMEOUT = 5_000

#: How long it waits where an answer is out already and is to be counted, all the same.
COUNTING_TIMEOUT = 15_000

#: How long it is looked whether a file can be read at all, in seconds, and bytes read at a time.
_PATIENCE, _PIECE = 2.0, 1 << 20


def unreadable(path: str) -> OSError | None:
    """Return the disk's error if a file cannot be read to its end; SQLite calls it damaged then."""
    until = time.monotonic() + _PATIENCE
    try:
        # Never closed: that would take SQLite's locks on the same file away.
        descriptor = os.open(path, os.O_RDONLY)
        at = 0
        while time.monotonic() < until and (piece := os.pread(descriptor, _PIECE, at)):
            at += len(piece)
    except OSError as error:
        return error
    return None


def require_text(path: str) -> None:
    """Raise CacheFileError for a name that no file can have."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise CacheFileError("its name is not UTF-8") from None
    if "\0" in path:
        raise CacheFileError("its name holds a NUL")


def is_missing(path: str) -> bool:
    """Tell whether there is no such file. A link to nowhere or a shut folder is a fault."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return True
    return False


def touch(path: str) -> None:
    """Create the file for the user alone, before SQLite would create it for the umask's."""
    if os.path.exists(path):
        return
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        try:
            os.makedirs(os.path.dirname(folder), exist_ok=True)
            os.mkdir(folder)
            os.chmod(folder, 0o700)  # whatever the umask
        except FileExistsError:
            if not os.path.isdir(folder):
                raise NotADirectoryError(errno.ENOTDIR, "not a directory") from None
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def copied(path: str) -> apsw.Connection:
    """Return a copy in memory of a file, of which not a byte is written, nor made beside it."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise CacheFileError("it is no regular file")
    logged = os.path.exists(f"{path}-wal") and os.stat(f"{path}-wal").st_size > 0
    copy = apsw.Connection(":memory:")
    # What its log holds can be read with an index of the log alone; without one none is made.
    source = _read_only(os.path.abspath(path), "mode=ro" if logged else "immutable=1")
    try:
        with copy.backup("main", source, "main") as backup:
            backup.step()
    finally:
        source.close()
    return copy


def _read_only(path: str, how: str) -> apsw.Connection:
    from urllib.parse import quote

    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return apsw.Connection(f"file:{quote(path)}?{how}", flags=flags)


def connect(path: str | None) -> apsw.Connection:
    """Open the file at a path, to be read alone where nothing else is possible; None: memory."""
    if path is None:
        return apsw.Connection(":memory:")
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):  # opening a pipe would wait for whoever writes to it
        raise CacheFileError("it is a folder" if stat.S_ISDIR(mode) else "it is no regular file")
    # An absolute path: SQLite gives names such as ":memory:" a meaning of their own.
    path = os.path.abspath(path)
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(BUSY_TIMEOUT)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").get  # noqa: B018  (reads the header)
    except (apsw.CantOpenError, apsw.FullError, apsw.IOError, apsw.ReadOnlyError):
        # WAL needs a place for its index. Where there is none nobody else writes either; but what
        # a log still holds would be passed over.
        connection.close()
        if os.path.exists(f"{path}-wal") and os.stat(f"{path}-wal").st_size:
            raise CacheFileError("its write-ahead log cannot be read here") from None
        connection = _read_only(path, "immutable=1")
    return connection
