"""Which entries hold these words? The full-text index, and where that knows no words, the texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmc.rows import COLUMNS, FROM, condition, entry_of

if TYPE_CHECKING:
    from llmc.file import File
    from llmc.types import Entry, Selector

__all__ = ["search"]

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


def search(file: File, words: str, selector: Selector, *, limit: int | None = None) -> list[Entry]:
    """Return entries whose prompt and answer hold all words, the best match first.

    Words match by their beginnings. Where none does, and in scripts that put no spaces between
    words, they are looked for wherever they stand. Raises CacheFileError.
    """
    if any(low <= letter <= high for letter in words for low, high in _UNSPACED):
        return _containing(file, words.split(), selector, limit=limit)
    where, values = condition(selector)
    terms = " ".join('"' + word.replace('"', '""') + '"*' for word in words.split())
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
