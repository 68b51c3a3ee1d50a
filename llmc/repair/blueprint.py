"""Of what does a sound cache file consist: which tables with which columns, what else?

Read off an empty file of the current schema, so that it is written down once.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc import schema

if TYPE_CHECKING:
    import apsw

__all__ = ["WORDS", "Column", "Table", "marks", "objects", "tables"]

#: The full-text index. What SQLite keeps it in are tables, too.
WORDS = "entry_text"


class Column(NamedTuple):
    """A column of a table."""

    name: str
    type: str
    optional: bool  # it may be NULL
    may_lack: bool  # a row may be older than it
    is_rowid: bool  # it stands for the row's number


class Table(NamedTuple):
    """A table that holds rows of ours, its columns in the order in which they are stored."""

    name: str
    columns: tuple[Column, ...]
    without_rowid: bool
    owners: tuple[tuple[str, str, str], ...]  # a column of it, and the table and column it names


@functools.cache
def objects() -> dict[tuple[str, str], str]:
    """Return the statement that makes each table, index and trigger, by its type and name.

    They stand in the order in which they can be made.
    """
    with contextlib.closing(_empty()) as connection:
        rows = _rows(connection, "SELECT type, name, sql FROM sqlite_schema WHERE sql <> ''")
    return {(kind, name): sql for kind, name, sql in rows if not name.startswith("sqlite_")}


@functools.cache
def tables() -> tuple[Table, ...]:
    """Return the tables that hold rows of ours, each after those that it refers to."""
    names = [name for kind, name in objects() if kind == "table" and not name.startswith(WORDS)]
    with contextlib.closing(_empty()) as connection:
        return tuple(_table(connection, name) for name in names)


def marks() -> list[tuple[str, int]]:
    """Return the numbers that a new file begins with, by their names."""
    with contextlib.closing(_empty()) as connection:
        return _rows(connection, "SELECT name, value FROM meta")


def _table(connection: apsw.Connection, name: str) -> Table:
    (without_rowid,) = _rows(connection, "SELECT wr FROM pragma_table_list(?)", name)[0]
    found = _rows(
        connection,
        'SELECT name, type, "notnull", dflt_value IS NOT NULL, pk FROM pragma_table_info(?)'
        " ORDER BY CASE WHEN ? AND pk THEN pk ELSE 1000 + cid END",
        name,
        without_rowid,
    )
    columns = [
        Column(
            name=column,
            type=kind,
            optional=not (required or (pk and without_rowid)),
            may_lack=bool(default) or not required,
            is_rowid=bool(pk) and kind == "INTEGER" and not without_rowid,
        )
        for column, kind, required, default, pk in found
    ]
    owners = _rows(connection, 'SELECT "from", "table", "to" FROM pragma_foreign_key_list(?)', name)
    return Table(name, tuple(columns), bool(without_rowid), tuple(owners))


def _rows(connection: apsw.Connection, sql: str, *values: Any) -> list[Any]:
    return connection.execute(sql, values).fetchall()


def _empty() -> apsw.Connection:
    import apsw

    connection = apsw.Connection(":memory:")
    schema.migrate(connection)
    return connection
