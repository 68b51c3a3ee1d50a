"""Which rules does the cache file hold? What is forgotten after a time, and what on an event.

It decides nothing: how long a rule lets an entry live is `policy`'s business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmc import selection
from llmc.errors import LlmcError
from llmc.types import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmc.file import File

__all__ = ["Rules", "TimeRules"]

_STATED = ("pattern", "field", "namespace", "ttl", "event")
_RULE = ", ".join(Rule._fields)


class TimeRules(NamedTuple):
    """The time rules of one generation of the file, the shortest life first."""

    generation: int
    rules: tuple[Rule, ...]


class Rules:
    """The rules of one cache file. All methods raise CacheFileError."""

    def __init__(self, file: File) -> None:
        self._file = file
        # The rules that were read last, with the `version` before: threads set both at once.
        self._known: tuple[object, TimeRules] | None = None
        #: What differs once anything in the file has: in a program that stays, instead of a query.
        self.version: Callable[[], object] | None = None

    def add_time_rule(
        self,
        pattern: str,
        ttl: float,
        *,
        field: str = "prompt",
        namespace: str | None = None,
        at: float,
    ) -> Rule:
        """Let what matches live no longer than `ttl` seconds, 0: neither be stored nor served.

        It applies to what is stored already too. A rule that is there already is returned as it
        is. Raises InputError for a pattern, a field or a TTL that is none.
        """
        return self._add(Rule(pattern, field, namespace, ttl=ttl, created_at=at))

    def add_event_rule(
        self,
        event: str,
        pattern: str,
        *,
        field: str = "prompt",
        namespace: str | None = None,
        at: float,
    ) -> Rule:
        """Let what matches be removed when an event happens; return the rule as `add_time_rule`.

        A `{name}` in the pattern is a field that the event's data fills, escaped.
        """
        return self._add(Rule(pattern, field, namespace, event=event, created_at=at))

    def remove(self, ids: Iterable[int]) -> int:
        """Remove rules; return how many. Raises LlmcError, and removes none, if one is not there.

        What a rule has cut short stays so.
        """
        doomed = set(ids)
        with self._file.transaction():
            for rule_id in sorted(doomed):
                self._file.execute("DELETE FROM rule WHERE id = ?", (rule_id,))
                if not self._file.changes():
                    raise LlmcError(
                        f"no rule {rule_id}", hint="llmc rules list shows what there is"
                    )
            self._void()
        return len(doomed)

    def all(self) -> list[Rule]:
        """Return all rules in the order in which they were added."""
        return self._rules("ORDER BY id", ())

    def of_event(self, event: str) -> list[Rule]:
        """Return the rules of one event, in that order."""
        return self._rules("WHERE event = ? ORDER BY id", (event,))

    def write(self, rule: Rule) -> int | None:
        """Store a rule within the caller's transaction; return its id, None if it was there."""
        stated = [getattr(rule, name) for name in _STATED]
        if self._id_of(stated) is not None:
            return None
        rule_id = self._file.number(
            f"INSERT INTO rule ({', '.join(_STATED)}, created_at) VALUES (?, ?, ?, ?, ?, ?)"
            " RETURNING id",
            (*stated, rule.created_at),
        )
        self._void()
        return rule_id

    def current(self) -> TimeRules:
        """Return the time rules in force: one small query if they are those of the last call."""
        version = None if self.version is None else self.version()
        seen, known = self._known or (None, None)
        if known is not None and version is not None and version == seen:
            return known
        if known is None or known.generation != self._generation():
            # Both in one statement: of one moment.
            columns = ", ".join(f"r.{name}" for name in Rule._fields)
            rows = self._file.rows(
                f"SELECT m.value, {columns} FROM meta AS m LEFT JOIN rule AS r"
                " ON r.ttl IS NOT NULL WHERE m.name = 'generation' ORDER BY r.ttl, r.id"
            )
            rules = tuple(Rule(*row[1:]) for row in rows if row[-1] is not None)
            known = TimeRules(rows[0][0] if rows else self._generation(), rules)
        self._known = version, known
        return known

    # -- the small print -------------------------------------------------------------------------

    def _add(self, rule: Rule) -> Rule:
        selection.require_rule(rule)
        with self._file.transaction():
            rule_id = self.write(rule)
            if rule_id is None:
                rule_id = self._id_of([getattr(rule, name) for name in _STATED])
        return self._rules("WHERE id = ?", (rule_id,))[0]

    def _id_of(self, stated: list[Any]) -> int | None:
        same = " AND ".join(f"{name} IS ?" for name in _STATED)
        rows = self._file.rows(f"SELECT id FROM rule WHERE {same}", stated)
        return rows[0][0] if rows else None

    def _rules(self, condition: str, values: tuple[Any, ...]) -> list[Rule]:
        rows = self._file.rows(f"SELECT {_RULE} FROM rule {condition}", values)
        return [Rule(*row) for row in rows]

    def _generation(self) -> int:
        return self._file.number("SELECT value FROM meta WHERE name = 'generation'")

    def _void(self) -> None:
        """Void what the porch remembers: another entry, or none, may answer."""
        self._file.execute("UPDATE meta SET value = value + 1 WHERE name = 'generation'")
        self._file.execute("DELETE FROM invocation")
