"""What do rules take out of the file? On an event what it concerns, and what has had its time.

It removes whole entries and wordings; how long an entry is served is `lives`' business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmc import selection
from llmc.errors import CacheFileError, InputError, LlmcError
from llmc.types import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llmc.store import Store
    from llmc.types import Rule

__all__ = ["Done", "Gone", "ended", "matching", "on_event"]


class Done(NamedTuple):
    """What one rule found: entries by their ids, and whose wordings; or why it was skipped."""

    rule: Rule
    entries: list[int]
    wordings: list[int]
    skipped: str | None = None


class Gone(NamedTuple):
    """What an event took away: how many entries and other wordings, and what each rule found."""

    event: str
    removed: int
    wordings: int
    rules: list[Done]

    @property
    def entries(self) -> list[int]:
        """The ids of the entries that the rules found, each once, the newest first."""
        return sorted({each for done in self.rules for each in done.entries}, reverse=True)


def on_event(store: Store, event: str, data: Mapping[str, str], *, dry_run: bool = False) -> Gone:
    """Remove what the rules of an event find, its data filled into their patterns.

    A rule whose field is not given, or whose expression runs away, is skipped and says so; the
    others are carried out. With `dry_run` nothing goes. What was removed is still to be scrubbed
    (`File.scrub`). Raises CacheFileError.
    """
    done = [_look(store, rule, data) for rule in store.rules.of_event(event)]
    gone = Gone(event, 0, 0, done)
    if dry_run or not done:
        return gone
    wordings = {each for one in done for each in one.wordings}
    forgotten = store.removal.forget(gone.entries, wordings_of=wordings)
    return gone._replace(removed=forgotten.entries, wordings=forgotten.wordings)


def matching(store: Store, expression: Any, *, field: str, namespace: str | None) -> Gone:
    """Remove the entries in whose `field` a compiled expression is found, and such wordings.

    Nothing is half done: an expression that runs away raises LlmcError before anything goes. What
    was removed is still to be scrubbed. Raises InputError for a field that is none.
    """
    if field not in FIELDS:
        raise InputError(f"no field {field!r}", hint=f"one of {', '.join(FIELDS)}")
    removed = store.delete(_entries(store, expression, field, namespace))
    # An answer stays under its own question when it has served a matching one.
    wordings = store.paraphrases.wordings(namespace) if field == "prompt" else ()
    forgotten = store.paraphrases.forget_of(_found(expression, wordings))
    return Gone("", removed, forgotten, [])


def ended(store: Store, *, now: float, note: Callable[[str], None]) -> set[int]:
    """Return the ids of the entries that time rules let live no longer; `note` hears of troubles.

    Raises CacheFileError.
    """
    doomed: set[int] = set()
    for rule in store.rules.current().rules:
        before = now - rule.ttl if rule.ttl else None
        try:
            expression = selection.compile_pattern(rule.pattern)
            doomed.update(_entries(store, expression, rule.field, rule.namespace, before=before))
        except CacheFileError:
            raise
        except LlmcError as error:
            note(f"rule {rule.id} was skipped: {error}")
    return doomed


def _entries(
    store: Store, expression: Any, field: str, namespace: str | None, **limits: float | None
) -> list[int]:
    holding = selection.held_by(expression.pattern)
    texts = store.texts(field, namespace, holding=holding, **limits)
    return selection.matching(expression, texts)


def _found(expression: Any, wordings: Iterable[tuple[int, str]]) -> set[int]:
    return set(selection.matching(expression, [selection.Listed(wordings)]))


def _look(store: Store, rule: Rule, data: Mapping[str, str]) -> Done:
    try:
        pattern = selection.filled(rule.pattern, data)
    except LookupError as missing:
        return Done(rule, [], [], f"its field {missing.args[0]} is not given")
    try:
        expression = selection.compile_pattern(pattern)
        entries = _entries(store, expression, rule.field, rule.namespace)
        texts = store.paraphrases.wordings(rule.namespace) if rule.field == "prompt" else ()
        return Done(rule, entries, sorted(_found(expression, texts)))
    except CacheFileError:
        raise
    except LlmcError as error:
        return Done(rule, [], [], str(error))
