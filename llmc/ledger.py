"""What did each request cost, or save? One line a request, and their sums.

Lines of more than 90 days ago become sums of their day, a few at each write: figures stay, and a
file that is used for years stays small. No text of any request is in it, so that deleting an entry
leaves nothing of it here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmc.file import File
    from llmc.types import Line

__all__ = ["Asked", "Group", "Ledger"]

Group: TypeAlias = Literal["model", "namespace", "day", "source"]

# A line's source is a `Source` of `types`, `bypass` for what was asked past the cache, or `failed`:
# no question was answered, but embedding one was paid for (by `why` and `doctor`, too).

#: For so many seconds each line is kept, and the last ones for ever: they tell which answer was
#: the last, and how an entry served.
_EXACT, _LAST = 90 * 86400.0, 1_000

#: How many lines a write folds: more than it adds.
_FOLD = 50


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


class Ledger:
    """The ledger of one cache file."""

    def __init__(self, file: File) -> None:
        self._file = file

    def write(self, line: Line) -> None:
        """Add one line. The caller holds the transaction that the line belongs to."""
        self.write_all([line])

    def write_all(self, lines: Sequence[Line]) -> None:
        """Add lines, one at least, in the order of time, in the caller's transaction."""
        last = lines[-1]
        marks = ", ".join("?" * len(last))
        self._file.execute_many(
            f"INSERT INTO ledger ({', '.join(last._fields)}) VALUES ({marks})", lines
        )
        self.fold(now=last.at, most=_FOLD)

    def fold(self, *, now: float, most: int = -1) -> int:
        """Make sums of `most` lines of days that are long over; return how many those were.

        The caller holds a transaction. A day is that of the place where it is folded.
        """
        # No line is that old in most files, and the index says so in a few microseconds.
        first = self._file.rows("SELECT min(at) FROM ledger")[0][0]
        if first is None or first >= now - _EXACT:
            return 0
        ids = [row[0] for row in self._file.rows(_OLD, (now - _EXACT, _LAST, most))]
        for sql in (_FOLDED, "DELETE FROM ledger WHERE id IN (SELECT value FROM json_each(?))"):
            self._file.execute(sql, (json.dumps(ids),))
        return len(ids)

    def add_judging(self, entry_id: int, nusd: int, *, unknown: int = 0) -> None:
        """Add what judging cost to an entry's last semantic hit, in the caller's transaction.

        `unknown` counts the calls whose price nobody knows.
        """
        self._file.execute(
            "UPDATE ledger SET judging_nusd = judging_nusd + ?,"
            " unknown_judging = unknown_judging + ? WHERE id ="
            " (SELECT id FROM ledger WHERE entry_id = ? AND source = 'semantic'"
            " ORDER BY id DESC LIMIT 1)",
            (nusd, unknown, entry_id),
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

    def last(self, count: int, *, within: str = "") -> list[Asked]:
        """Return the last requests, the newest first, of namespaces that begin with `within`."""
        rows = self._file.rows(
            "SELECT l.at, l.source, l.namespace, l.model, e.id, e.prompt, e.answer,"
            " coalesce(l.avoided_nusd, l.spent_nusd) FROM ledger AS l"
            " LEFT JOIN entry AS e ON e.id = l.entry_id"
            " WHERE substr(l.namespace, 1, length(?)) = ? AND l.source <> 'failed'"
            " ORDER BY l.id DESC LIMIT ?",
            (within, within, count),
        )
        return [Asked(*row) for row in rows]

    def totals(
        self, *, since: float, by: Group | None = None, now: float = 0.0
    ) -> list[dict[str, Any]]:
        """Sum the lines since an instant, all in one (none if there are none) or by group.

        Since one that lies more than 90 days before `now`, its whole day counts.
        """
        sql = _TOTALS.format(line=_GROUPS[by], day="day" if by == "day" else _GROUPS[by])
        return self._file.records(sql, (since, since < now - _EXACT))


_GROUPS: dict[Group | None, str] = {
    None: "NULL",
    "day": "date(at, 'unixepoch', 'localtime')",
    "model": "model",
    "namespace": "namespace",
    "source": "source",
}

_OLD = """
SELECT id FROM ledger WHERE at < unixepoch(date(?, 'unixepoch', 'localtime'), 'utc')
    AND id <= (SELECT max(id) FROM ledger) - ? ORDER BY at LIMIT ?
"""
_SUMS = {
    "lines": "sum(requests)",
    "prompt_tokens": "coalesce(sum(prompt_tokens), 0)",
    "completion_tokens": "coalesce(sum(completion_tokens), 0)",
    "cached_tokens": "coalesce(sum(cached_tokens), 0)",
    "written_tokens": "coalesce(sum(written_tokens), 0)",
    "spent_nusd": "coalesce(sum(spent_nusd), 0)",
    "unknown_spent": "coalesce(sum(requests) FILTER (WHERE spent_nusd IS NULL), 0)",
    "avoided_nusd": "coalesce(sum(avoided_nusd), 0)",
    "unknown_avoided": "coalesce(sum(requests) FILTER (WHERE avoided_nusd IS NULL), 0)",
    "embedding_nusd": "sum(embedding_nusd)",
    "judging_nusd": "sum(judging_nusd)",
    "unknown_embedding": "sum(unknown_embedding)",
    "unknown_judging": "sum(unknown_judging)",
    "discount_nusd": "coalesce(sum(discount_nusd), 0)",
    "premium_nusd": "coalesce(sum(premium_nusd), 0)",
    "seconds": "coalesce(sum(max(0.0, avoided_latency - latency)), 0.0)",
}
_NAMES = ", ".join(_SUMS)
_OF_LINES = ", ".join(f"{sql} AS {name}" for name, sql in _SUMS.items())
_OF_DAYS = ", ".join(f"sum({name}) AS {name}" for name in _SUMS)
_FOLDED = f"""
INSERT INTO ledger_day (day, namespace, model, source, {_NAMES})
SELECT {_GROUPS["day"]}, namespace, model, source, {_OF_LINES}
FROM ledger WHERE id IN (SELECT value FROM json_each(?)) GROUP BY 1, 2, 3, 4
ON CONFLICT (day, namespace, model, source) DO UPDATE SET
    {", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)}
"""

# Summed by source first: that leaves few rows for the cases below, and halves the time. A stale
# answer is a hit that saved nothing; a failed one is no request, but looking it up cost something.
# A sum of nothing but unknown prices is unknown.
_TOTALS = f"""
WITH start AS (
    SELECT date(?1, 'unixepoch', 'localtime') AS day,
        iif(?2, unixepoch(date(?1, 'unixepoch', 'localtime'), 'utc'), ?1) AS at
), both AS (
    SELECT {{line}} AS name, source, {_OF_LINES} FROM ledger
    WHERE at >= (SELECT at FROM start) GROUP BY 1, 2
    UNION ALL
    SELECT {{day}} AS name, source, {_OF_DAYS} FROM ledger_day
    WHERE day >= (SELECT day FROM start) GROUP BY 1, 2
), part AS (
    SELECT name, source IN ('model', 'bypass') AS paid, source,
        source NOT IN ('model', 'bypass', 'failed', 'stale') AS saved,
        iif(source = 'failed', 0, lines) AS lines, prompt_tokens AS prompt,
        completion_tokens AS completion, cached_tokens AS cached, written_tokens AS written,
        iif(unknown_avoided = lines, NULL, avoided_nusd) AS avoided, unknown_avoided,
        iif(unknown_spent = lines, NULL, spent_nusd) AS spent, unknown_spent,
        embedding_nusd AS embedding, judging_nusd AS judging, discount_nusd AS discount,
        premium_nusd AS premium, unknown_embedding, unknown_judging, seconds
    FROM both
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
    iif(sum(embedding) = 0 AND sum(unknown_embedding), NULL, sum(embedding)) AS embedding_nusd,
    iif(sum(judging) = 0 AND sum(unknown_judging), NULL, sum(judging)) AS judging_nusd,
    coalesce(sum(discount), 0) AS provider_discount_nusd,
    coalesce(sum(premium), 0) AS provider_premium_nusd,
    coalesce(sum(unknown_avoided) FILTER (WHERE NOT paid), 0) AS unpriced_hits,
    coalesce(sum(unknown_spent) FILTER (WHERE paid), 0) AS unpriced_calls,
    sum(unknown_embedding) AS unpriced_embeddings,
    sum(unknown_judging) AS unpriced_judgements,
    coalesce(sum(seconds) FILTER (WHERE saved), 0) AS time_saved_s
FROM part GROUP BY name ORDER BY name
"""
