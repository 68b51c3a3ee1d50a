"""Which stored entries look like this question? By their words, by all the rest, by their age.

Every query stops early: none looks through all that there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmc.file import File

__all__ = ["akin"]

#: Characters of a prompt by whose words others like it are looked for.
_BEGINNING = 200

_IN_SCOPE = """
SELECT id FROM entry WHERE scope_id = (SELECT id FROM scope WHERE hash = ?)
ORDER BY id DESC LIMIT ?
"""
_NEWEST = "SELECT id FROM entry ORDER BY id DESC LIMIT ?"
_HOLDING = "SELECT rowid FROM entry_text WHERE entry_text MATCH ? ORDER BY rowid DESC LIMIT ?"


def akin(file: File, prompt: str, scope_hash: bytes, *, limit: int) -> list[int]:
    """Return the ids of entries that hold a prompt's words, of its scope's, and of the newest.

    The newest of each kind first, at most `limit` of it. Where no entry holds all the words, those
    that hold the three longest are taken, else those that hold one of these. Raises CacheFileError.
    """
    words = prompt[:_BEGINNING].split()
    if len(prompt) > _BEGINNING:
        words = words[:-1]  # it is cut
    longest = sorted(words, key=len, reverse=True)[:3]
    found: list[int] = []
    for chosen in (words, longest, *([word] for word in longest)):
        if chosen and not found:
            terms = " ".join('"' + word.replace('"', '""') + '"' for word in chosen)
            found = _ids(file, _HOLDING, f"prompt : ({terms})", limit)
    found += _ids(file, _IN_SCOPE, scope_hash, limit)
    found += _ids(file, _NEWEST, limit)
    return list(dict.fromkeys(found))


def _ids(file: File, sql: str, *values: Any) -> list[int]:
    return [row[0] for row in file.rows(sql, values)]
