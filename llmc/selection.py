"""Which stored texts does a regular expression match?

A pattern is compiled with a clear error, and stopped where it runs away.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from llmc.errors import InputError, LlmcError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["MATCH_SECONDS", "compile_pattern", "filled", "found_in", "matching", "require_template"]

#: How long one text may take: far above any honest search, far below a person's patience.
MATCH_SECONDS = 2.0

#: What a backslash stands before is no field, nor are the braces of `\p{…}` and its like.
_FIELD = re.compile(r"\\[pPN]\{[^}]*\}|\\.|\{([^\W\d]\w*)\}", re.DOTALL)


def compile_pattern(pattern: str) -> Any:
    """Compile a regular expression. Raises InputError with the place of its fault."""
    import regex

    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise InputError(f"the regular expression is not one: {error}") from None
    except (OverflowError, RecursionError) as error:
        raise InputError("the regular expression is too large") from error


def matching(expression: Any, texts: Iterable[tuple[int, str]]) -> list[int]:
    """Return the ids of the texts in which an expression is found.

    Raises LlmcError if one of them takes longer than MATCH_SECONDS; nothing is half done then.
    """
    found = []
    search = expression.search
    entry_id = None
    try:
        for entry_id, text in texts:
            if search(text, timeout=MATCH_SECONDS, concurrent=False):
                found.append(entry_id)
    except TimeoutError:
        raise LlmcError(
            f"the regular expression takes more than {MATCH_SECONDS:g} s on entry {entry_id}",
            hint="nothing was removed; repeated groups such as (a+)+ run away",
        ) from None
    return found


def found_in(text: str, expression: Any, *, seconds: float) -> bool | None:
    """Tell whether an expression is found in a text; None if that takes longer than `seconds`."""
    try:
        return bool(expression.search(text, timeout=seconds, concurrent=False))
    except TimeoutError:
        return None


def filled(template: str, data: Mapping[str, str]) -> str:
    """Return an event's pattern with its fields filled in: each value means itself, no pattern.

    Only `{name}` is a field: `{3}` and `{2,5}` stay quantifiers, and braces after a backslash what
    they are. Raises LookupError with the name of a field that `data` leaves out, or leaves empty:
    an empty value would match everything.
    """
    import regex

    def fill(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return found[0]
        if not data.get(name):
            raise LookupError(name)
        return str(regex.escape(data[name]))

    return _FIELD.sub(fill, template)


def require_template(template: str) -> None:
    """Raise InputError if an event's pattern is none, whatever fills its fields."""
    compile_pattern(_FIELD.sub(lambda found: "x" if found[1] else found[0], template))
