"""Which entries have a text that passes a test? They are looked at part by part, inside of SQLite.

Row by row, what SQLite hands over to Python costs as much as the search itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmc.rows import TEXTS, condition
from llmc.types import Selector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmc.file import File

__all__ = ["Part", "parts"]

#: Entries that are looked at at once: others get the file in between, and a signal is heeded.
_PART = 4_096


class Part:
    """Some entries with neighbouring ids. All methods raise CacheFileError."""

    def __init__(
        self, file: File, name: str, where: str, values: tuple[Any, ...], *, size: int
    ) -> None:
        self._file = file
        self._name = name
        self._where = where
        self._values = values
        self.size = size

    def find(self, test: Callable[[str], bool]) -> list[int]:
        """Return the ids of those whose text passes; what the test raises comes through."""
        sql = f"SELECT e.id {self._where} AND {{test}}({self._name})"
        return [row[0] for row in self._file.tested(test, sql, self._values)]

    def texts(self) -> list[tuple[int, str]]:
        """Return the id and the text of each."""
        rows: list[Any] = self._file.rows(f"SELECT e.id, {self._name} {self._where}", self._values)
        return rows


def parts(
    file: File,
    field: str,
    namespace: str | None,
    *,
    before: float | None = None,
    holding: str = "",
) -> Iterator[Part]:
    """Yield all entries, by parts, in the order of their ids, each with one of `FIELDS`.

    Only of one namespace, of those stored before an instant, of those whose text holds some words,
    if that is asked for. The size of a part is an estimate where entries have gone, their sum not.
    """
    name = TEXTS[field]
    # By id alone: with an index of the namespaces each part would look at all of one.
    source = "FROM entry AS e NOT INDEXED"
    if name.startswith("s."):
        source += " CROSS JOIN scope AS s ON s.id = e.scope_id"
    where, values = condition(Selector(namespace=namespace, before=before))
    terms = [*([where.removeprefix("WHERE ")] if where else []), "e.id >= ?", "e.id <= ?"]
    if holding:
        terms.append(f"instr({name}, ?)")
    where = f"{source} WHERE {' AND '.join(terms)}"
    first, end, count = _extent(file)
    # Where many are gone, a part covers more ids; to count each would read all pages once more.
    span = _PART * max(1, (end - first + 1) // max(1, count))
    looked = 0
    for start in range(first, end + 1, span):
        upto = min(start + span - 1, end)
        size = count * (upto - first + 1) // (end - first + 1) - looked
        looked += size
        bound = (*values, start, upto, *([holding] if holding else []))
        yield Part(file, name, where, bound, size=size)


def _extent(file: File) -> tuple[int, int, int]:
    """Return the first id, the last one, and how many there are."""
    first = file.number("SELECT coalesce(min(id), 1) FROM entry")
    end = file.number("SELECT coalesce(max(id), 0) FROM entry")
    return first, end, file.number("SELECT count(*) FROM entry")
