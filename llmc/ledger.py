"""What did each request cost, or save? One line a request, and their sums.

It holds no text of any request, so that deleting an entry leaves nothing of it here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from llmc.file import File
    from llmc.types import Line

__all__ = ["Group", "Ledger"]

Group: TypeAlias = Literal["model", "namespace", "day", "source"]


class Ledger:
    """The ledger of one cache file."""

    def __init__(self, file: File) -> None:
        self._file = file

    def write(self, line: Line) -> None:
        """Add one line. The caller holds the transaction that the line belongs to."""
        marks = ", ".join("?" * len(line))
        self._file.execute(f"INSERT INTO ledger ({', '.join(line._fields)}) VALUES ({marks})", line)

    def last_entry_id(self) -> int | None:
        """Return the id of the entry that gave the last answer; None if that was not kept."""
        rows = self._file.rows("SELECT entry_id FROM ledger ORDER BY id DESC LIMIT 1")
        return rows[0][0] if rows else None

    def totals(self, *, since: float, by: Group | None = None) -> list[dict[str, Any]]:
        """Sum the lines since an instant, all in one (none if there are none) or by group."""
        return self._file.records(_TOTALS.format(group=_GROUPS[by]), (since,))


_GROUPS: dict[Group | None, str] = {
    None: "NULL",
    "day": "date(at, 'unixepoch', 'localtime')",
    "model": "model",
    "namespace": "namespace",
    "source": "source",
}

# A stale answer is a hit that saved nothing. A sum of nothing but unknown prices is unknown.
_TOTALS = """
WITH line AS (
    SELECT *, {group} AS name, source IN ('model', 'bypass') AS paid,
        source NOT IN ('model', 'bypass', 'stale') AS saved
    FROM ledger WHERE at >= ?
)
SELECT name,
    count(*) AS requests,
    sum(NOT paid) AS hits,
    sum(source = 'memory') AS memory,
    sum(source = 'exact') AS exact,
    sum(source = 'shared') AS shared,
    sum(source = 'semantic') AS semantic,
    sum(source = 'stale') AS stale,
    sum(source = 'model') AS misses,
    sum(source = 'bypass') AS bypassed,
    coalesce(sum(prompt_tokens) FILTER (WHERE saved), 0) AS avoided_prompt_tokens,
    coalesce(sum(completion_tokens) FILTER (WHERE saved), 0) AS avoided_completion_tokens,
    coalesce(sum(prompt_tokens) FILTER (WHERE paid), 0) AS prompt_tokens,
    coalesce(sum(completion_tokens) FILTER (WHERE paid), 0) AS completion_tokens,
    coalesce(sum(cached_tokens) FILTER (WHERE paid), 0) AS provider_cached_tokens,
    CASE WHEN sum(NOT paid) THEN sum(avoided_nusd) ELSE 0 END AS avoided_nusd,
    CASE WHEN sum(paid) THEN sum(spent_nusd) FILTER (WHERE paid) ELSE 0 END AS spent_nusd,
    sum(embedding_nusd) AS embedding_nusd,
    sum(judging_nusd) AS judging_nusd,
    coalesce(sum(discount_nusd), 0) AS provider_discount_nusd,
    sum(NOT paid AND avoided_nusd IS NULL) AS unpriced_hits,
    sum(paid AND spent_nusd IS NULL) AS unpriced_calls,
    coalesce(sum(max(0, avoided_latency - latency)) FILTER (WHERE saved), 0) AS time_saved_s
FROM line GROUP BY name ORDER BY name
"""
