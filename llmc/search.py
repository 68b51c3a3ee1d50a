"""Which entries hold these words, or look like a question? The full-text index, else the texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmc.rows import COLUMNS, FROM, condition, entry_of

if TYPE_CHECKING:
    from llmc.file import File
    from llmc.types import Entry, Selector

__all__ = ["akin", "search"]

#: What FTS5 does not split into words: NUL, Thai to Myanmar, Khmer, kana and ideographs.
_UNSPACED = (
    ("\0", "\0"),
    ("\u0e00", "\u109f"),
    ("\u1780", "\u17ff"),
    ("\u2e80", "\u9fff"),
    ("\uf900", "\ufaff"),
    ("\uff66", "\uff9f"),
    ("\U00020000", "\U0003ffff"),
)


#: Characters of a prompt by whose words others like it are looked for.
_BEGINNING = 200

_IN_SCOPE = """
SELECT id FROM entry WHERE scope_id = (SELECT id FROM scope WHERE hash = ?)
ORDER BY id DESC LIMIT ?
"""
_NEWEST = "SELECT id FROM entry ORDER BY id DESC LIMIT ?"
_HOLDING = "SELECT rowid FROM entry_text WHERE entry_text MATCH ? ORDER BY rowid DESC LIMIT ?"


def search(file: File, words: str, selector: Selector, *, limit: int | None = None) -> list[Entry]:
    """Return entries whose prompt and answer hold all words, the best match first.

    Words match by their beginnings. Where none does, and in scripts that put no spaces between
    words, they are looked for wherever they stand. Raises CacheFileError.
    """
    if any(low <= letter <= high for letter in words for low, high in _UNSPACED):
        return _containing(file, words.split(), selector, limit=limit)
    where, values = condition(selector)
    terms = " ".join(f"{_quoted(word)}*" for word in words.split())
    rows = file.rows(
        f"SELECT {COLUMNS} {FROM} JOIN entry_text ON entry_text.rowid = e.id"
        f" {where + ' AND' if where else 'WHERE'} entry_text MATCH ?"
        " ORDER BY bm25(entry_text, 2.0, 1.0), e.id DESC LIMIT ?",
        (*values, terms, -1 if limit is None else limit),
    )
    return list(map(entry_of, rows)) or _containing(file, words.split(), selector, limit=limit)


def _containing(
    file: File, words: list[str], selector: Selector, *, limit: int | None
) -> list[Entry]:
    where, values = condition(selector)
    holds = " AND ".join(["(instr(e.prompt, ?) OR instr(e.answer, ?))"] * len(words))
    rows = file.rows(
        f"SELECT {COLUMNS} {FROM} {where + ' AND' if where else 'WHERE'} {holds}"
        " ORDER BY e.id DESC LIMIT ?",
        (*values, *(w for word in words for w in (word, word)), -1 if limit is None else limit),
    )
    return list(map(entry_of, rows))


def akin(file: File, prompt: str, scope_hash: bytes, *, limit: int) -> list[int]:
    """Return the ids of entries that hold a prompt's words, of its scope's, and of the newest.

    The newest of each kind first, at most `limit` of it. Where no entry holds all the words, those
    that hold the three longest are taken, else those that hold one of these. Every query stops
    early: none looks through all that there is. Raises CacheFileError.
    """
    words = prompt[:_BEGINNING].split()
    if len(prompt) > _BEGINNING:
        words = words[:-1]  # it is cut
    longest = sorted(words, key=len, reverse=True)[:3]
    found: list[int] = []
    for chosen in (words, longest, *([word] for word in longest)):
        if chosen and not found:
            terms = " ".join(map(_quoted, chosen))
            found = _ids(file, _HOLDING, f"prompt : ({terms})", limit)
    found += _ids(file, _IN_SCOPE, scope_hash, limit)
    found += _ids(file, _NEWEST, limit)
    return list(dict.fromkeys(found))


def _ids(file: File, sql: str, *values: Any) -> list[int]:
    return [row[0] for row in file.rows(sql, values)]


def _quoted(word: str) -> str:
    """Write a word for FTS5, to which it is a text and no operator."""
    return '"' + word.replace('"', '""') + '"'
