"""What was asked lately, and where did each answer come from?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from llmc.file import File

__all__ = ["Asked", "Journal"]


class Asked(NamedTuple):
    """One request, with its question and answer as far as they are still stored."""

    at: float
    source: str
    namespace: str
    model: str
    entry_id: int | None
    prompt: str | None
    answer: str | None
    cost: int | None  # what it avoided, or what was spent


class Journal:
    """The last requests of one cache file."""

    def __init__(self, file: File) -> None:
        self._file = file

    def last(self, count: int, *, within: str = "") -> list[Asked]:
        """Return the last requests, of the namespaces that begin with `within`.

        Raises CacheFileError.
        """
        rows = self._file.rows(
            "SELECT l.at, l.source, l.namespace, l.model, e.id, e.prompt, e.answer,"
            " coalesce(l.avoided_nusd, l.spent_nusd) FROM ledger AS l"
            " LEFT JOIN entry AS e ON e.id = l.entry_id"
            " WHERE substr(l.namespace, 1, length(?)) = ? AND l.source <> 'failed'"
            " ORDER BY l.id DESC LIMIT ?",
            (within, within, count),
        )
        return [Asked(*row) for row in rows]
