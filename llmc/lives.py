"""How long may a stored answer be served, by the time rules of its file?

The decision is `policy`'s; here are its rules, their expressions, and the patience with them.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

from llmc import keys, policy, selection
from llmc.errors import CacheFileError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmc.meaning import Found
    from llmc.policy import Life
    from llmc.rules import TimeRules
    from llmc.types import Draft, Entry, Invocation, Miss, Rule

__all__ = ["Lives", "Shelf"]


class Shelf(Protocol):
    """Where rules are kept; `Rules` says what its method does. It raises CacheFileError."""

    def current(self) -> TimeRules: ...


class _Turn(threading.local):
    """What one thread goes by: the rules that it has read, and its patience with them."""

    known: TimeRules | None = None
    patience = selection.MATCH_SECONDS


class Lives:
    """The time rules of one cache file at work. Safe for threads.

    An expression that runs away, or that this release cannot read, counts as found: its rule makes
    lives shorter than they might be, never longer.
    """

    def __init__(self, rules: Shelf | None, *, note: Callable[[str], None]) -> None:
        """Take the rules, if there are any; `note` is told, once for each, which are undecided."""
        self._rules = rules
        self._note = note
        self._noted: set[int] = set()
        self._compiled: dict[str, Any] = {}
        self._turn = _Turn()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that this thread has read."""
        return self._turn.known.rules if self._turn.known else ()

    def renew(self) -> bool:
        """Take up what has changed, with new patience: all searches share MATCH_SECONDS.

        Return whether there are any rules. Raises CacheFileError.
        """
        turn = self._turn
        if self._rules is None:
            return False
        turn.known = self._rules.current()
        if not turn.known.rules:
            return False
        turn.patience = selection.MATCH_SECONDS
        return True

    def of(self, kept: Entry | Draft) -> Life:
        """Return an entry's life, and the rule that ends it. Raises CacheFileError."""
        if self._turn.known is None:
            self.renew()
        return policy.life(kept, self.rules, self._matches)

    def shortened(self, entry: Entry, *, asked: str | None = None) -> Entry:
        """Return an entry with the end that the rules give it. Raises CacheFileError.

        Where it answers a question `asked` in other words, rules on those count as well.
        """
        known = self._turn.known
        if known is not None and not known.rules:
            return entry
        entry = entry._replace(expires_at=self.of(entry).expires_at)
        if asked is None:
            return entry
        return entry._replace(expires_at=self.of(entry._replace(prompt=asked)).expires_at)

    def found_in_time(self, found: Found, miss: Miss, *, now: float) -> Found:
        """Return what was found by meaning, unless a rule has ended it for such a question.

        Rules that cannot be read end everything.
        """
        if found.entry is None:
            return found
        asked = keys.prompt_of(miss.request)
        try:
            entry = self.shortened(found.entry, asked=asked)
        except CacheFileError as error:
            return found._replace(entry=None, alias=None, reason=str(error))
        if policy.is_fresh(entry, now):
            return found._replace(entry=entry)
        why = policy.why_ended(self.of(entry._replace(prompt=asked)), now)
        return found._replace(entry=None, alias=None, reason=f"entry {entry.id}: {why}")

    def repeatable(self, invocation: Invocation, entry: Entry) -> Invocation | None:
        """Return what the porch may remember of an answer; nothing if a rule ends its life.

        The porch looks at the row's own end alone. What a rule changes meanwhile voids it.
        """
        life = self.of(entry)
        generation = self._turn.known and self._turn.known.generation
        return invocation._replace(generation=generation) if life.rule is None else None

    def _matches(self, rule: Rule, text: str) -> bool:
        if rule.pattern not in self._compiled:
            try:
                self._compiled[rule.pattern] = selection.compile_pattern(rule.pattern)
            except InputError:
                self._compiled[rule.pattern] = None
        expression, found = self._compiled[rule.pattern], None
        if expression is not None and self._turn.patience > 0:
            started = time.monotonic()
            found = selection.found_in(text, expression, seconds=self._turn.patience)
            self._turn.patience -= time.monotonic() - started
        if found is None and rule.id not in self._noted:
            self._noted.add(rule.id)
            self._note(f"rule {rule.id} cannot be decided: its expression counts as found")
        return found is not False
