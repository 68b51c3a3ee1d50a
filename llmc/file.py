"""How is the one SQLite file opened, guarded against its faults, and closed?

It knows pages and locks, no entries. Every error of SQLite or the system leaves here as a
CacheFileError that names the file and the reason.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from typing import TYPE_CHECKING, Any, cast

import apsw

from llmc import forks, opening, schema
from llmc.errors import CacheFileError, DamagedError, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["WAL_KEEP", "File", "fold"]

#: A WAL below this many bytes is left alone at closing. One-shot processes that checkpoint each
#: time pay two fsyncs; ones that never do read an ever longer WAL at every start (+2 µs a frame).
WAL_KEEP = 400_000
_NUMBERS = itertools.count()
_WAY_OUT = "llmc doctor --repair saves what can be read"


class File:
    """The open file. `close` it: a write-ahead log that has grown is folded in there."""

    def __init__(self, path: str, *, create: bool = True, frozen: bool = False) -> None:
        """Open the file at `path`, made with mode 0600 in a folder of 0700 where there is none.

        Without `create`, one that is not there is an empty cache, and stays so. One that is
        read-only opens, and then refuses writes. A `frozen` one is copied into memory and left
        alone. Raises CacheFileError if it cannot be opened, read, upgraded, or is no cache file.
        """
        self.path, self._streams = path, 0
        self._lock = threading.RLock()  # apsw refuses a connection that two threads use at once
        with self.errors():
            opening.require_text(path)
            if create and not frozen:
                opening.touch(path)
            # A file that is not there is an empty cache; only an answer makes one.
            there = None if opening.is_missing(path) else path
            self._db = opening.copied(path) if frozen else opening.connect(there)
            self._cursor = self._db.cursor()  # for what is read whole: to make one takes time
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise
        forks.watch_over(self._db, self._lock)

    def _prepare(self) -> None:
        if self.read_only:
            if self.number("PRAGMA user_version") != schema.VERSION:
                raise CacheFileError("it is read-only, and of another llmc's schema")
            return
        schema.claim(self._db)
        self._share()
        # Safe against a crash of any process; a power cut may take the last transactions, whole.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        # What is deleted is overwritten with zeros, not only unlinked.
        self._db.execute("PRAGMA secure_delete = ON")
        schema.migrate(self._db)

    def _share(self) -> None:
        """Let readers and one writer work at once: WAL, a property of the file from then on."""
        deadline = time.monotonic() + opening.BUSY_TIMEOUT / 1000
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except apsw.BusyError:
                # Changing the mode does not wait for others who are just doing the same.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    def close(self) -> None:
        """Close the file; fold its WAL in only if it has grown."""
        with contextlib.suppress(apsw.Error, OSError):
            if self.wal_size() < WAL_KEEP:
                self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        with contextlib.suppress(apsw.Error):
            self._db.close()

    @property
    def read_only(self) -> bool:
        """Tell whether the file can only be read."""
        return bool(self._db.readonly("main"))

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run one statement or a script that returns no rows."""
        with self.errors():
            self._db.execute(sql, values)

    def execute_many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """Run one statement once for each sequence of values."""
        with self.errors():
            self._db.executemany(sql, values)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        try:
            with self._lock:
                return self._cursor.execute(sql, values).fetchall()
        except (apsw.Error, OSError, ValueError):
            with self.errors():  # entered only here: it takes a microsecond of each hit's ten
                raise

    def records(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return all rows of a query, each as a dictionary by column."""
        with self.errors():
            cursor = self._db.execute(sql, values)
            return [
                dict(zip((column[0] for column in cursor.get_description()), row, strict=True))
                for row in cursor
            ]

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Return the rows of a query one by one, in constant memory.

        Between a few hundred rows other threads get their turn.
        """
        return itertools.chain.from_iterable(self._parts(sql, values))

    def _parts(self, sql: str, values: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
        with self.errors():
            cursor = self._db.execute(sql, values)
            self._streams += 1
        try:
            while True:
                with self.errors():
                    rows = list(itertools.islice(cursor, 512))
                yield rows
                if not rows:
                    return
        finally:
            with self._lock:
                cursor.close()
                self._streams -= 1

    def tested(
        self, test: Callable[[str], bool], sql: str, values: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Return all rows of a query in which `{test}` stands for a function of one text.

        What the function raises comes through as it is.
        """
        name = f"test_{next(_NUMBERS)}"  # one that is in use cannot be replaced
        with self._lock:
            self._db.create_scalar_function(name, cast("Any", test), 1)
            try:
                return self._db.execute(sql.format(test=name), values).fetchall()
            except TimeoutError:
                raise
            except (apsw.Error, OSError, ValueError):
                with self.errors():
                    raise
            finally:
                with contextlib.suppress(apsw.Error):
                    self._db.create_scalar_function(name, None, 1)

    @property
    def is_streaming(self) -> bool:
        """Tell whether a query's rows are still being read: SQLite then drops no table."""
        return self._streams > 0

    def number(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Return the first value of a query's first row, an integer.

        Raises CacheFileError where there is none: a table has lost what it had from the start.
        """
        found = self.rows(sql, values)
        if not found or not isinstance(found[0][0], int):
            raise CacheFileError(f"cache file {self.path}: it is damaged")
        return found[0][0]

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all of the block, or nothing of it; the write lock is taken at its start."""
        with self.errors(), schema.immediate(self._db):
            yield

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        """Do all of the block or nothing of it, as part of the caller's transaction if it has one.

        All that is read in it is of one moment.
        """
        with self.errors():
            self._db.execute("SAVEPOINT part")
            try:
                yield
                self._db.execute("RELEASE part")
            except BaseException:
                # A full disk takes the whole transaction back by itself.
                if self.in_transaction:
                    self._db.execute("ROLLBACK TO part; RELEASE part")
                raise

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction is open."""
        return self._db.in_transaction

    def load_extension(self, path: str) -> None:
        """Load a library of SQLite's. Raises CacheFileError where that is not possible."""
        with self.errors():
            try:
                self._db.enable_load_extension(True)
                try:
                    self._db.load_extension(path)
                finally:
                    self._db.enable_load_extension(False)
            except AttributeError:
                # An apsw of a Linux distribution may have been built without.
                raise CacheFileError("this apsw loads no extensions") from None

    def be_patient(self, milliseconds: int = 60_000) -> None:
        """Wait so long for another process's lock from now on: for what nobody watches closely."""
        self._db.set_busy_timeout(milliseconds)

    def changes(self, *, all_of_them: bool = False) -> int:
        """Return how many rows the last statement, or all so far, inserted, updated or deleted."""
        return self._db.total_changes() if all_of_them else self._db.changes()

    def size(self) -> int:
        """Return the bytes of the pages in use."""
        pages = self.number("PRAGMA page_count") - self.number("PRAGMA freelist_count")
        return pages * self.number("PRAGMA page_size")

    def wal_size(self) -> int:
        """Return the bytes of the write-ahead log."""
        try:
            return os.stat(self._db.filename_wal).st_size
        except OSError:
            return 0

    def scrub(self) -> bool:
        """Write the WAL into the file and empty it, so that deleted text is in neither.

        Return False if another process is still reading what the WAL holds.
        """
        with self.errors():
            try:
                self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except apsw.BusyError:
                return False
        return True

    def shrink(self) -> None:
        """Give the pages that nothing uses back to the disk; unlike `vacuum`, move no others."""
        self.rows("PRAGMA incremental_vacuum")
        self.scrub()

    def vacuum(self) -> bool:
        """Give the space of what was deleted back to the file system, as `scrub` does.

        A signal takes effect between two steps of SQLite's, and then nothing has changed.
        """
        with self.errors():
            self._db.set_progress_handler(lambda: False, 10_000)
            try:
                self._db.execute("VACUUM")
            finally:
                self._db.set_progress_handler(None)
        return self.scrub()

    def damage(self) -> list[str]:
        """Return what SQLite finds wrong with the file; nothing if it is sound."""
        rows = self.rows("PRAGMA integrity_check(20)")
        found = [line for row in rows for line in str(row[0]).splitlines()]
        return [] if found == ["ok"] else found

    def fault(self, check: str) -> str | None:
        """Run a statement that checks something; return what it finds damaged, None if nothing."""
        with self.errors():
            try:
                self._db.execute(check)
            except apsw.CorruptError as error:
                return _reason(error)
        return None

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Let one thread at a time in, and turn what SQLite complains about into CacheFileError."""
        try:
            with self._lock:
                yield
        except (apsw.CorruptError, apsw.NotADBError) as error:
            if fault := opening.unreadable(self.path):
                raise CacheFileError(f"cache file {self.path}: {_reason(fault)}") from error
            hint = _WAY_OUT if isinstance(error, apsw.CorruptError) else None
            raise DamagedError(f"cache file {self.path}: {_reason(error)}", hint=hint) from error
        except (apsw.Error, OSError, ValueError) as error:
            hint = _WAY_OUT if str(error).startswith("no such table") else None
            raise CacheFileError(f"cache file {self.path}: {_reason(error)}", hint=hint) from error
        except CacheFileError as error:
            if str(error).startswith("cache file"):
                raise
            raise CacheFileError(f"cache file {self.path}: {error}", hint=error.hint) from error


def fold(path: str) -> None:
    """Fold a file's log into it and remove that, so that the one file holds all; never fails."""
    with contextlib.suppress(apsw.Error, OSError):
        if os.path.exists(f"{path}-wal"):
            last = apsw.Connection(os.path.abspath(path), flags=apsw.SQLITE_OPEN_READWRITE)
            last.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            last.close()  # the last one to close removes it


def _reason(error: Exception) -> str:
    """Say in a few words what SQLite or the system complains about."""
    match error:
        case ValueError():
            return "a text is not UTF-8"
        case OSError():
            return reason_of(error)
        case apsw.FullError():
            return "the disk is full"
        case apsw.BusyError() | apsw.LockedError():
            return "another process keeps it locked"
        case apsw.ReadOnlyError():
            return "it is read-only"
        case apsw.NotADBError():
            return "it is not a cache file"
        case apsw.CorruptError():
            return "it is damaged"
        case apsw.CantOpenError():
            return "it cannot be opened: is it yours to read?"
        case apsw.IOError():
            return f"input/output error ({error})"
        case _:
            return str(error)
