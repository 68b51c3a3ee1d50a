"""Which stored texts does a regular expression match?

A pattern is compiled with a clear error, and stopped where it runs away; a rule is one, or refused.
"""

from __future__ import annotations

import contextlib
import math
import re
import signal
import threading
from typing import TYPE_CHECKING, Any, Protocol

from llmc.errors import InputError, LlmcError
from llmc.text import LONGEST
from llmc.types import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from llmc.types import Rule

__all__ = [
    "MATCH_SECONDS",
    "Listed",
    "Part",
    "compile_pattern",
    "filled",
    "found_in",
    "held_by",
    "matching",
    "require_rule",
]

#: How long one text may take: far above any honest search, far below a person's patience.
MATCH_SECONDS = 2.0

#: What a backslash stands before is no field, nor are the braces of `\p{…}` and its like.
_TAKEN = r"\\[pPN]\{[^}]*\}|\\."
_NAME = r"\{([^\W\d]\w*)\}"
_SET = rf"\[\^?\]?(?:{_TAKEN}|\[:\^?\w+:\]|[^\]\\])*\]"

#: A field with what may repeat it, or a set, in which nothing is repeated.
_FIELD = re.compile(rf"{_TAKEN}|{_NAME}(?=([*+?{{])?)|({_SET})", re.DOTALL)
_FIELD_OF_SET = re.compile(rf"{_TAKEN}|{_NAME}", re.DOTALL)

#: The pieces of a pattern that are understood; others are `(?`, `(*`, most escapes.
_PIECE = re.compile(
    r"""(?P<letter>[^\\\[\](){}*+?|^$.])
    | (?P<escaped>\\[^\w])
    | (?P<any>[.^$] | \\[dDwWsSbB] | \[\^?[^\]\[\\^]+\])
    | (?P<repeats>[*+?] | \{\d*,?\d*\})
    | (?P<opens>\((?![?*]))
    | (?P<closes>\))""",
    re.VERBOSE,
)


class Part(Protocol):
    """Some texts, each with an id; `size` of them were looked at to find these."""

    size: int

    def find(self, test: Callable[[str], bool]) -> list[int]:
        """Return the ids of those that pass; what the test raises comes through."""

    def texts(self) -> Iterable[tuple[int, str]]:
        """Return all of them."""


class Listed:
    """Texts in memory, as one part."""

    def __init__(self, texts: Iterable[tuple[int, str]]) -> None:
        """Take the texts with their ids."""
        self._texts = list(texts)
        self.size = len(self._texts)

    def find(self, test: Callable[[str], bool]) -> list[int]:
        """Return the ids of those that pass."""
        return [each for each, text in self._texts if test(text)]

    def texts(self) -> list[tuple[int, str]]:
        """Return all of them."""
        return self._texts


def compile_pattern(pattern: str) -> Any:
    """Compile a regular expression. Raises InputError with the place of its fault."""
    import regex

    try:
        return regex.compile(pattern)
    except (regex.error, ValueError) as error:
        raise InputError(f"the regular expression is not one: {error}") from None
    except (MemoryError, OverflowError, RecursionError) as error:
        raise InputError("the regular expression is too large") from error


def matching(
    expression: Any,
    parts: Iterable[Part],
    *,
    told: Callable[[int, int], None] = lambda *_: None,
) -> list[int]:
    """Return the ids of the texts in which an expression is found.

    `told` hears now and then how many texts were looked at, and how many were found. Raises
    LlmcError if one of them takes longer than MATCH_SECONDS; nothing is half done then.
    """
    found: list[int] = []
    looked = 0
    for part in parts:
        with _alarm() as rings:
            hits = _quickly(expression, part) if rings else None
        # All of them together may have taken long: one by one it is known.
        found += _carefully(expression, part.texts()) if hits is None else hits
        looked += part.size
        told(looked, len(found))
    return found


def held_by(pattern: str) -> str:
    """Return what every text holds in which a pattern is found, to the letter; '' if unknown.

    SQLite finds that several times as fast. Only what stands at the pattern's top level, repeated
    by nothing, counts; flags, alternatives and what else may mean anything are unknown.
    """
    runs, run = [], ""
    at = depth = 0
    while at < len(pattern):
        found = _PIECE.match(pattern, at)
        if found is None:
            return ""
        at, kind = found.end(), found.lastgroup
        if kind == "opens":
            depth += 1
        elif kind == "closes":
            depth -= 1
        if kind == "repeats":
            run = run[:-1]
        if kind in {"letter", "escaped"} and not depth:
            run += found[0][-1]
            continue
        runs.append(run)
        run = ""
    return max([*runs, run], key=len)


def found_in(text: str, expression: Any, *, seconds: float) -> bool | None:
    """Tell whether an expression is found in a text; None if it runs away.

    That is: if it takes longer than `seconds`, or calls itself until there is no more memory.
    """
    try:
        return bool(expression.search(text, timeout=seconds, concurrent=False))
    except (MemoryError, TimeoutError):
        return None


def filled(template: str, data: Mapping[str, str]) -> str:
    """Return an event's pattern with its fields filled in: each value means itself, no pattern.

    What repeats a field repeats all of its value. Only `{name}` is a field: `{3}` and `{2,5}` stay
    quantifiers, and braces after a backslash what they are. Raises LookupError with the name of a
    field that `data` leaves out, or leaves empty: an empty value would match everything.
    """
    import regex

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return found[0]
        if not data.get(name):
            raise LookupError(name)
        return str(regex.escape(data[name]))

    def fill(found: re.Match[str]) -> str:
        if found[3]:
            return _FIELD_OF_SET.sub(value, found[3])
        whole = found[2] and len(data.get(found[1], "")) > 1
        return f"(?:{value(found)})" if whole else value(found)

    return _FIELD.sub(fill, template)


def require_rule(rule: Rule) -> None:
    """Raise InputError for a TTL, an event, a pattern or a field that is none."""
    if rule.field not in FIELDS:
        raise InputError(f"no field {rule.field!r}", hint=f"one of {', '.join(FIELDS)}")
    if rule.event is None:
        if rule.ttl is None or not (math.isfinite(rule.ttl) and 0 <= rule.ttl <= LONGEST):
            raise InputError(f"a rule's TTL is a number of seconds from 0 up, not {rule.ttl}")
        compile_pattern(rule.pattern)
        return
    if not rule.event.strip() or not rule.event.isprintable():
        raise InputError("an event needs a name")
    names = [found[1] for found in re.finditer(_NAME, rule.pattern)]
    compile_pattern(filled(rule.pattern, dict.fromkeys(names, "x")))


def _quickly(expression: Any, part: Part) -> list[int] | None:
    search = expression.search
    try:
        signal.setitimer(signal.ITIMER_REAL, MATCH_SECONDS)
        try:
            return part.find(lambda text: search(text) is not None)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except (MemoryError, TimeoutError):
        return None


def _carefully(expression: Any, texts: Iterable[tuple[int, str]]) -> list[int]:
    found = []
    for entry_id, text in texts:
        hit = found_in(text, expression, seconds=MATCH_SECONDS)
        if hit is None:
            raise LlmcError(
                f"the regular expression takes more than {MATCH_SECONDS:g} s, or too much memory,"
                f" on entry {entry_id}",
                hint="nothing was removed; repeated groups such as (a+)+ run away",
            )
        if hit:
            found.append(entry_id)
    return found


@contextlib.contextmanager
def _alarm() -> Iterator[bool]:
    """Let an alarm raise TimeoutError, and tell whether it can: in the main thread, if it is free.

    A time-out of each search would take five times as long as the search.
    """

    def ring(*_: object) -> None:
        raise TimeoutError

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        yield False
        return
    signal.signal(signal.SIGALRM, ring)
    try:
        yield True
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
