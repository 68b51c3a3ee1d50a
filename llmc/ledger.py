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

    def add_judging(self, entry_id: int, nusd: int) -> None:
        """Add what judging cost to an entry's last semantic hit, in the caller's transaction."""
        self._file.execute(
            "UPDATE ledger SET judging_nusd = judging_nusd + ? WHERE id ="
            " (SELECT id FROM ledger WHERE entry_id = ? AND source = 'semantic'"
            " ORDER BY id DESC LIMIT 1)",
            (nusd, entry_id),
        )

    def last_entry_id(self) -> int | None:
        """Return the id of the entry that gave the last answer; None if that was not kept."""
        rows = self._file.rows(
            "SELECT entry_id FROM ledger WHERE source <> 'failed' ORDER BY id DESC LIMIT 1"
        )
        return rows[0][0] if rows else None

    def last_source(self, entry_id: int) -> str | None:
        """Return how an entry answered last; None if no line tells."""
        rows = self._file.rows(
            "SELECT source FROM ledger WHERE entry_id = ? ORDER BY id DESC LIMIT 1", (entry_id,)
        )
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

# Summed by source first: that leaves few rows for the cases below, and halves the time. A stale
# answer is a hit that saved nothing; a failed one is no request, but looking it up cost something.
# A sum of nothing but unknown prices is unknown.
_TOTALS = """
WITH part AS (
    SELECT {group} AS name, source, source IN ('model', 'bypass') AS paid,
        source NOT IN ('model', 'bypass', 'failed', 'stale') AS saved,
        CASE source WHEN 'failed' THEN 0 ELSE count(*) END AS lines,
        sum(prompt_tokens) AS prompt, sum(completion_tokens) AS completion,
        sum(cached_tokens) AS cached, sum(written_tokens) AS written,
        sum(avoided_nusd) AS avoided,
        count(*) - count(avoided_nusd) AS unknown_avoided, sum(spent_nusd) AS spent,
        count(*) - count(spent_nusd) AS unknown_spent, sum(embedding_nusd) AS embedding,
        sum(judging_nusd) AS judging, sum(discount_nusd) AS discount,
        sum(premium_nusd) AS premium,
        sum(max(0, avoided_latency - latency)) AS seconds
    FROM ledger WHERE at >= ? GROUP BY name, source
)
SELECT name,
    sum(lines) AS requests,
    coalesce(sum(lines) FILTER (WHERE NOT paid), 0) AS hits,
    coalesce(sum(lines) FILTER (WHERE source = 'memory'), 0) AS memory,
    coalesce(sum(lines) FILTER (WHERE source = 'exact'), 0) AS exact,
    coalesce(sum(lines) FILTER (WHERE source = 'shared'), 0) AS shared,
    coalesce(sum(lines) FILTER (WHERE source = 'semantic'), 0) AS semantic,
    coalesce(sum(lines) FILTER (WHERE source = 'stale'), 0) AS stale,
    coalesce(sum(lines) FILTER (WHERE source = 'model'), 0) AS misses,
    coalesce(sum(lines) FILTER (WHERE source = 'bypass'), 0) AS bypassed,
    coalesce(sum(prompt) FILTER (WHERE saved), 0) AS avoided_prompt_tokens,
    coalesce(sum(completion) FILTER (WHERE saved), 0) AS avoided_completion_tokens,
    coalesce(sum(prompt) FILTER (WHERE paid), 0) AS prompt_tokens,
    coalesce(sum(completion) FILTER (WHERE paid), 0) AS completion_tokens,
    coalesce(sum(cached) FILTER (WHERE paid), 0) AS provider_cached_tokens,
    coalesce(sum(written) FILTER (WHERE paid), 0) AS provider_written_tokens,
    CASE WHEN sum(NOT paid) THEN sum(avoided) ELSE 0 END AS avoided_nusd,
    CASE WHEN sum(paid) THEN sum(spent) FILTER (WHERE paid) ELSE 0 END AS spent_nusd,
    sum(embedding) AS embedding_nusd,
    sum(judging) AS judging_nusd,
    coalesce(sum(discount), 0) AS provider_discount_nusd,
    coalesce(sum(premium), 0) AS provider_premium_nusd,
    coalesce(sum(unknown_avoided) FILTER (WHERE NOT paid), 0) AS unpriced_hits,
    coalesce(sum(unknown_spent) FILTER (WHERE paid), 0) AS unpriced_calls,
    coalesce(sum(seconds) FILTER (WHERE saved), 0) AS time_saved_s
FROM part GROUP BY name ORDER BY name
"""
