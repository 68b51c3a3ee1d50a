"""In which order do the parts of a prompt stand? What changes least stands first.

A provider's own cache reads a prompt's beginning only as far as it is the same as before. The same
parts make the same text on every machine.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["files_of", "instruction_at", "messages", "prompt", "tools"]

_FILE = re.compile(r'<file name="([^"\n]*)">\n(.*?)\n</file>', re.DOTALL)


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


def files_of(system: str) -> tuple[str, dict[str, str]]:
    """Part a system text into what was said and the files, by name, that stand behind it."""
    found = {match[1]: match[2] for match in _FILE.finditer(system)}
    return _FILE.sub("", system).strip("\n"), found


def prompt(
    *,
    user: str,
    static: str | None = None,
    context: str | None = None,
    files: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Lay out a question as `llmc ask` does: messages for any client that speaks the protocol.

    `static` is what stays the same from one question to the next, with `files` (name → text)
    behind it; `context` is what changes, `user` the question itself.
    """
    return messages(user, system=static, files=files, context=context)


def tools(stated: Any) -> Any:
    """Put tools in one order, by their kind and name; what is no list of tools stays as it is."""
    if not isinstance(stated, list) or not all(isinstance(tool, dict) for tool in stated):
        return stated
    return sorted(stated, key=_rank)


def instruction_at(words: str, document: str | None) -> int:
    """Return where the question begins in the user message that `messages` lays out.

    A document that no words are said about is the question itself.
    """
    return len(document) + 2 if words and document else 0


def _rank(tool: dict[str, Any]) -> tuple[str, str, str]:
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else tool.get("name")
    return str(tool.get("type", "")), str(name), json.dumps(tool, sort_keys=True, default=str)
