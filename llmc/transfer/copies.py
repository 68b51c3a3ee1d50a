"""How does a cache file get a copy of one moment, while others go on writing to it?

What is copied is read alone: no schema is brought up to date in it, no log folded in.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import stat
import tempfile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from llmc.errors import CacheFileError, InputError, LlmcError, reason_of
from llmc.schema import APPLICATION_ID
from llmc.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

__all__ = ["backup", "opened", "workshop"]

#: Pages that are copied at a time: a signal is heeded between two of such parts.
_PART = 1024

#: Beside a file of SQLite's may lie its write-ahead log, and the log's index.
_BESIDE = ("-wal", "-shm")

#: How the folders are called in which copies are made.
_WORKSHOP = ".llmc-copy-"


def backup(source: str, target: str, *, force: bool) -> int:
    """Copy the cache file at `source` to `target`, mode 0600; return the copy's bytes.

    1. It is written under a name of its own in the target's folder, and synced.
    2. Then it takes the target's name at once: there is a whole copy or none.

    Raises InputError where `target` is taken and may not be overwritten (`force`), or cannot be;
    LlmcError if the copy cannot be written, CacheFileError if the source cannot be read.
    """
    _require_free(source, target, force=force)
    folder = os.path.dirname(os.path.abspath(target))
    with contextlib.ExitStack() as stack:
        try:
            part = stack.enter_context(workshop(folder))
            _make(part)
        except OSError as error:
            raise InputError(f"{target}: {reason_of(error)}") from error
        _copy(source, part, named=target)
        try:
            if force:
                # A log of what stood there before would be taken for the copy's own.
                for suffix in _BESIDE:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(target + suffix)
                os.replace(part, target)
            else:
                _give_name(part, target)
            return os.stat(target).st_size
        except OSError as error:
            raise LlmcError(f"{target}: {reason_of(error)}") from error


@contextlib.contextmanager
def opened(path: str, *, folder: str) -> Iterator[Store]:
    """Open a copy of another cache file, brought up to date; `folder` holds it meanwhile.

    Raises InputError, with what is wrong with the file at `path`; CacheFileError if `folder`
    cannot hold the copy.
    """
    with contextlib.ExitStack() as stack:
        try:
            copy = stack.enter_context(workshop(folder))
            _make(copy)
        except OSError as error:
            raise CacheFileError(f"cache folder {folder}: {reason_of(error)}") from error
        try:
            _copy(path, copy, named=copy)
            store = Store(copy)
        except CacheFileError as error:
            # It is this command's input; the copy is no concern of the user's.
            fault = str(error).removeprefix("cache file ").replace(copy, path)
            raise InputError(fault) from error
        with store:
            yield store


@contextlib.contextmanager
def workshop(folder: str) -> Iterator[str]:
    """Name a place for a copy, in a folder of its own that is there as long as the block lasts.

    What processes left that were killed in it is removed: each such folder is locked while its
    process lives.
    """
    for left in glob.glob(os.path.join(glob.escape(folder), f"{_WORKSHOP}*")):
        with contextlib.suppress(OSError):
            stale = _lock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _clear(left)
            os.close(stale)
    place, lock = _place_in(folder)
    try:
        yield os.path.join(place, "copy.db")
    finally:
        _clear(place)
        os.close(lock)


def _place_in(folder: str) -> tuple[str, int]:
    """Make a folder and lock it; return its path and the lock."""
    while True:
        place = tempfile.mkdtemp(prefix=_WORKSHOP, dir=folder)
        with contextlib.suppress(FileNotFoundError):
            lock = _lock(place, fcntl.LOCK_EX)
            # Before it was locked another process may have taken it for one left.
            if os.path.isdir(place):
                return place, lock
            os.close(lock)


def _lock(folder: str, how: int) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, how)
    except OSError:  # another's, or a file system without locks: what is left in it stays
        if how & fcntl.LOCK_NB:
            os.close(descriptor)
            raise
    return descriptor


def _clear(place: str) -> None:
    for suffix in ("", "-journal", *_BESIDE):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(place, f"copy.db{suffix}"))
    with contextlib.suppress(OSError):
        os.rmdir(place)


def _make(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


def _require_free(source: str, target: str, *, force: bool) -> None:
    if target in {"", "-"}:
        raise InputError("a copy is a file: name it", hint="llmc export writes to standard output")
    if os.path.isdir(target) or target.endswith(os.sep):
        raise InputError(f"{target}: it is a folder: name a file in it")
    if not os.path.lexists(source):
        raise LlmcError("nothing is stored yet")
    if os.path.exists(target) and os.path.samefile(source, target):
        raise InputError(f"{target}: it is the cache file itself")
    taken = [p for p in (target, *(target + s for s in _BESIDE)) if os.path.lexists(p)]
    if taken and not force:
        raise InputError(f"{taken[0]}: it is there already", hint="--force overwrites it")


def _give_name(part: str, target: str) -> None:
    """Rename, never over a file that another process has put there meanwhile."""
    try:
        os.link(part, target)
    except OSError:
        if os.path.lexists(target):
            raise
        os.rename(part, target)  # a file system without hard links


def _copy(source: str, target: str, *, named: str) -> None:
    """Copy page by page into the empty file at `target`, which errors know as `named`."""
    import apsw

    source = os.path.realpath(source)  # the log lies beside the file, not beside a link to it
    try:
        alone = not os.path.exists(f"{source}-wal")
        _copy_pages(source, target, alone=alone)
        if alone and os.path.exists(f"{source}-wal"):
            # Somebody opened it meanwhile: what was read without locks may be of two moments.
            _copy_pages(source, target, alone=False)
        _require_sound(target)
    except apsw.FullError as error:
        raise LlmcError(f"{named}: no space left on device") from error
    except (apsw.NotADBError, apsw.CorruptError) as error:
        if isinstance(error, apsw.NotADBError):
            raise CacheFileError(f"cache file {source}: it is not a cache file") from error
        hint = "llmc doctor --repair saves what can be read"
        raise CacheFileError(f"cache file {source}: it is damaged", hint=hint) from error
    except (apsw.Error, OSError) as error:
        raise CacheFileError(f"cache file {source}: {reason_of(error)}") from error


def _copy_pages(source: str, target: str, *, alone: bool) -> None:
    import apsw

    with contextlib.closing(_reader(source, alone=alone)) as reader:
        # Held to the end, so that all pages are of one moment, whoever writes meanwhile.
        _rows(reader, "BEGIN")
        marks = _rows(reader, "SELECT application_id FROM pragma_application_id")
        if not _rows(reader, "SELECT count(*) FROM sqlite_schema")[0][0] and marks == [(0,)]:
            raise LlmcError("nothing is stored yet")  # somebody is just making it
        if marks != [(APPLICATION_ID,)]:
            raise CacheFileError(f"cache file {source}: it is another program's SQLite file")
        with (
            contextlib.closing(apsw.Connection(os.path.abspath(target))) as writer,
            writer.backup("main", reader, "main") as pages,
        ):
            while not pages.done:
                pages.step(_PART)


def _require_sound(path: str) -> None:
    """Raise CorruptError if a copy is damaged, as its original then is: it would be no backup."""
    import apsw

    with contextlib.closing(_reader(path, alone=True)) as reader:
        if _rows(reader, "PRAGMA quick_check(1)") != [("ok",)]:
            raise apsw.CorruptError


def _reader(path: str, *, alone: bool) -> apsw.Connection:
    """Open a file to be read. One that nobody has open gets no log and no lock beside it."""
    import apsw

    if os.path.isdir(path):
        raise CacheFileError(f"cache file {path}: it is a folder")
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise CacheFileError(f"cache file {path}: it is no regular file")
    address = f"file:{quote(os.path.abspath(path))}?{'immutable=1' if alone else 'mode=ro'}"
    connection = apsw.Connection(address, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    connection.set_busy_timeout(5_000)
    return connection


def _rows(connection: apsw.Connection, sql: str) -> list[Any]:
    return connection.execute(sql).fetchall()
