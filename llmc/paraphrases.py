"""Which other words does an answer serve, and what was judged of them? Aliases and verdicts.

It decides nothing: what may share an answer is `semantic`'s business.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc.types import Alias, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmc.file import File

__all__ = ["Audit", "Paraphrases"]

_ALIAS = ", ".join(Alias._fields)
_VERDICT = ", ".join(Verdict._fields)


class Audit(NamedTuple):
    """How many semantic hits were audited, and how many of them were wrong."""

    audited: int
    wrong: int


class Paraphrases:
    """The aliases and verdicts of one cache file. All methods raise CacheFileError."""

    def __init__(self, file: File) -> None:
        self._file = file

    def alias(self, namespace: str, key: bytes) -> Alias | None:
        """Return what a question was accepted for, by the question's own key."""
        rows = self._file.rows(
            f"SELECT {_ALIAS} FROM alias WHERE namespace = ? AND key = ?", (namespace, key)
        )
        return Alias(*rows[0]) if rows else None

    def of(self, entry_id: int) -> list[Alias]:
        """Return all wordings that an entry serves, the last served first."""
        rows = self._file.rows(
            f"SELECT {_ALIAS} FROM alias WHERE entry_id = ? ORDER BY last_hit_at DESC, key",
            (entry_id,),
        )
        return [Alias(*row) for row in rows]

    def learn(self, alias: Alias, *, at: float, since: float | None = None) -> None:
        """Remember an accepted wording, or a new use, within the caller's transaction.

        It was used `at` an instant, and first `since` one. Nothing is learned of an entry that has
        gone meanwhile.
        """
        self._file.execute(
            f"INSERT INTO alias ({_ALIAS}, created_at, last_hit_at)"
            " SELECT ?, ?, id, ?, ?, ?, ?, ?, ? FROM entry WHERE id = ?"
            " ON CONFLICT (namespace, key) DO UPDATE SET"
            " entry_id = excluded.entry_id, embedder = excluded.embedder,"
            " similarity = excluded.similarity, last_hit_at = excluded.last_hit_at",
            (
                alias.namespace,
                alias.key,
                alias.embedder,
                alias.similarity,
                alias.prompt,
                alias.instruction_at,
                at if since is None else since,
                at,
                alias.entry_id,
            ),
        )

    def forget(self, namespace: str, key: bytes) -> None:
        """Forget what a question was accepted for, within the caller's transaction."""
        self._file.execute("DELETE FROM alias WHERE namespace = ? AND key = ?", (namespace, key))

    def wordings(self, namespace: str | None) -> Iterator[tuple[int, str]]:
        """Yield each accepted wording with the id of its entry."""
        yield from self._file.stream(
            "SELECT entry_id, prompt FROM alias WHERE ?1 IS NULL OR namespace = ?1", (namespace,)
        )

    def forget_of(self, entry_ids: Iterable[int]) -> int:
        """Forget all wordings of some entries, within the caller's transaction; return how many."""
        forgotten = 0
        for entry_id in entry_ids:
            self._file.execute("DELETE FROM alias WHERE entry_id = ?", (entry_id,))
            forgotten += self._file.changes()
        return forgotten

    def is_vetoed(self, *pairs: bytes) -> bool:
        """Tell whether anyone found that one answer must not serve both of a pair.

        The pair may be known by several hashes.
        """
        marks = ", ".join("?" * len(pairs))
        rows = self._file.rows(
            f"SELECT 1 FROM verdict WHERE pair IN ({marks}) AND NOT right LIMIT 1", pairs
        )
        return bool(rows)

    def judge(self, verdict: Verdict) -> None:
        """Add a verdict, within the caller's transaction; a bad one voids what was remembered."""
        marks = ", ".join("?" * len(verdict))
        self._file.execute(f"INSERT OR REPLACE INTO verdict ({_VERDICT}) VALUES ({marks})", verdict)
        if not verdict.right:
            self._file.execute("UPDATE meta SET value = value + 1 WHERE name = 'generation'")

    def verdicts(self, embedder: str | None = None) -> list[Verdict]:
        """Return all verdicts, or those on one embedder's matches, the oldest first."""
        rows = self._file.rows(
            f"SELECT {_VERDICT} FROM verdict WHERE ?1 IS NULL OR embedder = ?1 ORDER BY at, pair",
            (embedder,),
        )
        return [Verdict(*row)._replace(right=bool(row[2])) for row in rows]

    def audit(self, *, since: float = 0.0) -> Audit:
        """Count the audited hits since an instant, and the wrong ones among them."""
        rows = self._file.rows(
            "SELECT count(*), count(*) FILTER (WHERE NOT right) FROM verdict"
            " WHERE origin = 'audit' AND at >= ?",
            (since,),
        )
        return Audit(*rows[0])

    def calibration(self, embedder: str) -> dict[str, Any] | None:
        """Return the report that `calibrated` stored for an embedder; None if it is damaged."""
        rows = self._file.rows("SELECT report FROM calibration WHERE embedder = ?", (embedder,))
        try:
            found = json.loads(rows[0][0]) if rows else None
        except ValueError:
            return None
        return found if _is_report(found) else None

    def calibrated(self, embedder: str, report: dict[str, Any], *, at: float) -> None:
        """Store what was measured of an embedder, in the place of what was known before."""
        with self._file.transaction():
            self._file.execute(
                "INSERT OR REPLACE INTO calibration (embedder, at, report) VALUES (?, ?, ?)",
                (embedder, at, json.dumps(report)),
            )
            self._file.execute("UPDATE meta SET value = value + 1 WHERE name = 'generation'")


def _is_report(found: Any) -> bool:
    """Tell whether a report can be relied on: a damaged threshold would serve wrong answers."""
    thresholds = found.get("thresholds") if isinstance(found, dict) else None
    return isinstance(thresholds, dict) and all(
        type(value) in {int, float} and 0 < value <= 1 for value in thresholds.values()
    )
