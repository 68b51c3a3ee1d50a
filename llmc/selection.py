"""Which stored texts does a regular expression match?

A pattern is compiled with a clear error, and stopped where it runs away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmc.errors import InputError, LlmcError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MATCH_SECONDS", "compile_pattern", "matching"]

#: How long one text may take: far above any honest search, far below a person's patience.
MATCH_SECONDS = 2.0


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
