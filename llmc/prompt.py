"""In which order do the parts of a prompt stand? What changes least stands first.

A provider's own cache reads a prompt's beginning only as far as it is the same as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["instruction_at", "messages"]


def messages(
    words: str,
    *,
    system: str | None = None,
    files: Mapping[str, str] | None = None,
    context: str | None = None,
    document: str | None = None,
) -> list[dict[str, Any]]:
    """Lay out one question as chat messages, the stable part first.

    `files` (name → text) follow the system text in one system message, sorted by name, so that
    the order of flags or of a shell's glob changes nothing; the changing `context` is a second
    one; a piped `document` precedes the user's `words`.
    """
    named = [
        f'<file name="{name}">\n{text}\n</file>' for name, text in sorted((files or {}).items())
    ]
    static = "\n\n".join([system, *named] if system else named)
    user = f"{document}\n\n{words}" if document and words else document or words
    parts = [("system", static), ("system", context), ("user", user)]
    return [{"role": role, "content": text} for role, text in parts if text]


def instruction_at(words: str, document: str | None) -> int:
    """Return where the user's `words` begin in the user message that `messages` lays out."""
    if not document:
        return 0
    return len(document) + 2 if words else len(document)
