"""What can still be read of a damaged cache file, and how does that take its place?

Rows are taken as they stand, or not at all. What is made from others is not taken: the indexes,
the vectors, the command lines that the porch knows.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from llmc.errors import CacheFileError, reason_of
from llmc.repair import blueprint, frames, mending
from llmc.repair.pages import Pages
from llmc.store import Store
from llmc.transfer import copies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmc.file import File
    from llmc.repair.blueprint import Table
    from llmc.repair.pages import Record, Value

__all__ = ["Saved", "salvage"]

#: What is made anew from the other tables, or comes back by itself.
_DERIVED = {
    "flight", "invocation", "space", "standing", "tally", "vector", "vector_due", "vector_gone",
}  # fmt: skip

#: Rows of fewer columns look like those of some index: they are taken from their own pages alone.
_TELLING = 4

#: The bytes of a file by which SQLite's processes keep each other off (`os_unix.c`): whoever has a
#: file with a write-ahead log open holds them shared.
_LOCKS, _LOCKS_LENGTH = 0x40000000, 512

#: What a process finds that waited for the damaged file: no database, so that it goes without.
_REPLACED = b"llmc: replaced.\n"

_TYPES: dict[str, tuple[type, ...]] = {
    "INTEGER": (int,),
    "REAL": (float, int),
    "TEXT": (str,),
    "BLOB": (bytes,),
}

#: Bytes that are copied at a time.
_PART = 1 << 20


class Saved(NamedTuple):
    """How many rows of each table were saved, and how many are lost at least.

    `lost` is None where the file does not tell which tables it had. `unframed` entries answer the
    very same request alone: what else was sent with their questions is lost.
    """

    saved: dict[str, int]
    lost: dict[str, int] | None
    unframed: int
    kept: str  # the damaged file's new path


class _Haul(NamedTuple):
    """What was read: rows by table, those that could not be, and rowids that indexes speak of."""

    rows: dict[str, list[tuple[Value, ...]]]
    unreadable: dict[str, int]
    known: dict[str, set[int]]
    sequence: dict[str, int]  # the last id that was given, by table
    is_mapped: bool  # the file tells which page belongs to what


def salvage(path: str, *, addresses: Sequence[str] = ()) -> Saved:
    """Put a sound file with all that can be read in the place of the damaged one at `path`.

    1. Nobody else may have the file open, and nobody gets in meanwhile.
    2. Its rows go into a new file beside it.
    3. The damaged one is copied to `PATH.damaged-YYYYMMDD-HHMMSS`, with its write-ahead log.
    4. The new file takes the name at once.

    A failure before the last step leaves all as it was. `addresses` are those that questions may
    have been sent to. Raises CacheFileError, also where nothing of ours can be read in the file.
    """
    path = os.path.realpath(path)
    with _errors(path), _alone(path) as number:
        log = _content(f"{path}-wal")
        haul = _read(Pages(number, log))
        if not any(haul.rows.values()):
            raise CacheFileError(f"cache file {path}: nothing of llmc's can be read in it")
        with copies.workshop(os.path.dirname(path)) as made:
            with Store(made) as store:
                *counts, unframed = _fill(store.file, haul, addresses)
                if not store.file.scrub():
                    raise CacheFileError("the new file cannot be finished")
            kept = _keep(path, number, log)
            for suffix in ("-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path + suffix)
            os.chmod(made, 0o600)
            os.replace(made, path)
        # Whoever has opened the old one and waits for its locks must not go on with it.
        os.pwrite(number, _REPLACED, 0)
    saved, lost = counts
    return Saved(saved, lost if haul.is_mapped else None, unframed, kept)


@contextlib.contextmanager
def _errors(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CacheFileError(f"cache file {path}: {reason_of(error)}") from error


@contextlib.contextmanager
def _alone(path: str) -> Iterator[int]:
    """Open a file that no other process has open, and keep others out; yield its descriptor.

    A process loses its locks on a file with the first descriptor of it that it closes.
    """
    import fcntl

    number = os.open(path, os.O_RDWR)
    try:
        try:
            fcntl.lockf(number, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKS_LENGTH, _LOCKS)
        except (BlockingIOError, PermissionError):
            raise CacheFileError(
                f"cache file {path}: another process has it open", hint="end that one first"
            ) from None
        yield number
    finally:
        os.close(number)


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _keep(path: str, number: int, log: bytes) -> str:
    """Copy the damaged file, open as `number`, and its log to names of their own, to the disk."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (f"{path}.damaged-{stamp}{f'-{n}' if n else ''}" for n in range(100))
    kept = next(name for name in names if not os.path.lexists(name))
    content = (os.pread(number, _PART, at) for at in range(0, os.fstat(number).st_size, _PART))
    _write(kept, content)
    if log:
        _write(f"{kept}-wal", [log])
    return kept


def _write(path: str, pieces: Iterable[bytes]) -> None:
    target = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with open(target, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(target)
    except BaseException:
        os.unlink(path)
        raise


# -- reading -------------------------------------------------------------------------------------


def _read(pages: Pages) -> _Haul:
    """Read all rows that are in our tables' pages, or look like our tables' rows."""
    tables = {table.name: table for table in blueprint.tables() if table.name not in _DERIVED}
    owners, indexes, sequences = _owners(pages)
    haul = _Haul(
        {name: [] for name in tables},
        dict.fromkeys(tables, 0),
        {name: set() for name in tables},
        {"entry": 0, "rule": 0},
        bool(owners),
    )
    telling = [table for table in tables.values() if len(table.columns) >= _TELLING]
    # Where two pages hold a row, the one that its tree leads to counts.
    for number in sorted(range(1, pages.count + 1), key=lambda n: owners.get(n) not in tables):
        records, unreadable = pages.records(number)
        own = tables.get(owners.get(number, ""))
        if own is not None:
            haul.unreadable[own.name] += unreadable
        for record in records:
            if number in indexes:
                _note(record, haul.known.get(indexes[number], set()))
            elif number in sequences:
                _note_sequence(record, haul)
            else:
                likely = telling if own is None else [own]
                fitting = [table for table in likely if _fits(record, table)]
                if len(fitting) == 1:
                    haul.rows[fitting[0].name].append(_row(record, fitting[0]))
    return haul


def _owners(pages: Pages) -> tuple[dict[int, str], dict[int, str], set[int]]:
    """Return whose rows the pages hold, as far as the file tells.

    By page: the table, the table of an index, and the pages of SQLite's own table of sequences.
    """
    owners: dict[int, str] = {}
    indexes: dict[int, str] = {}
    sequences: set[int] = set()
    for number in pages.tree(1):
        for record in pages.records(number)[0]:
            match record.values:
                case ("table", "sqlite_sequence", _, int(root), _):
                    sequences |= pages.tree(root)
                case ("table", str(name), _, int(root), _) if root:
                    owners |= dict.fromkeys(pages.tree(root), name)
                case ("index", _, str(name), int(root), _):
                    indexes |= dict.fromkeys(pages.tree(root), name)
    return owners, indexes, sequences


def _note(record: Record, known: set[int]) -> None:
    rowid = record.values[-1]
    if isinstance(rowid, int) and record.rowid is None:
        known.add(rowid)


def _note_sequence(record: Record, haul: _Haul) -> None:
    match record.values:
        case (str(name), int(last)) if name in haul.sequence:
            haul.sequence[name] = last


def _fits(record: Record, table: Table) -> bool:
    """Tell whether a record can be a row of a table. Nobody writes a NUL: a wiped sector holds it.

    A row older than the table's last columns lacks them.
    """
    if len(record.values) > len(table.columns) or (record.rowid is None) != table.without_rowid:
        return False
    for column, value in zip(table.columns, record.values, strict=False):
        if column.is_rowid or value is None:
            if value is not None or not (column.is_rowid or column.optional):
                return False
        elif not isinstance(value, _TYPES[column.type]) or (
            isinstance(value, str) and "\0" in value
        ):
            return False
    return all(column.may_lack for column in table.columns[len(record.values) :])


def _row(record: Record, table: Table) -> tuple[Value, ...]:
    pairs = zip(table.columns, record.values, strict=False)
    return tuple(record.rowid if column.is_rowid else value for column, value in pairs)


# -- writing -------------------------------------------------------------------------------------


def _fill(
    file: File, haul: _Haul, addresses: Sequence[str]
) -> tuple[dict[str, int], dict[str, int], int]:
    """Fill a new file; return rows saved and known to be lost, and entries without a scope."""
    file.execute("PRAGMA foreign_keys = OFF")  # what lacks its parent is removed below
    orphans: dict[str, int] = {}
    with file.transaction():
        for table in blueprint.tables():
            for row in haul.rows.get(table.name, ()):
                names = ", ".join(column.name for column in table.columns[: len(row)])
                # A new file knows its own generation already.
                otherwise = "REPLACE" if table.name == "meta" else "IGNORE"
                file.execute(
                    f"INSERT OR {otherwise} INTO {table.name} ({names})"
                    f" VALUES ({', '.join('?' * len(row))})",
                    row,
                )
        unframed = frames.restore(file, addresses)
        orphans = mending.remove_orphans(file)
        file.execute("UPDATE meta SET value = value + 1 WHERE name = 'generation'")
        # Not even the id of a lost one is given again.
        mending.reserve_ids(
            file, {name: max(haul.sequence[name], *haul.known[name], 0) for name in haul.sequence}
        )
    saved, lost = {}, {}
    for name, known in haul.known.items():
        saved[name] = file.number(f"SELECT count(*) FROM {name}")
        present = _present(file, name) if known else set()
        gone = max(haul.unreadable[name] + orphans.get(name, 0), len(known - present))
        if gone:
            lost[name] = gone
    return saved, lost, unframed


def _present(file: File, name: str) -> set[int]:
    return {row[0] for row in file.stream(f"SELECT rowid FROM {name}")}
