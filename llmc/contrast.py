"""Which words has only one of two sentences?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmc.english import HEAVY, SLOT, are_synonyms

if TYPE_CHECKING:
    from llmc.english import Sentence, Word

__all__ = ["Contrast"]


class Contrast:
    """Two sentences, and the words that only one of them has."""

    def __init__(self, new: Sentence, stored: Sentence, similarity: float) -> None:
        """Find the words; the sentences stay as they are."""
        self.new = new
        self.stored = stored
        self.both = (new, stored)
        self.similarity = similarity
        self.only = (_only(new, stored), _only(stored, new))
        self.heavy = tuple([w for w in only if w.kind == HEAVY] for only in self.only)


def _only(one: Sentence, other: Sentence) -> list[Word]:
    """Return the words of a sentence that the other one does not have, in no other writing."""
    whole = _joined(other)
    parts = {at + n for at, low in enumerate(_joined(one)) if low in other.lows for n in (0, 1)}
    return [
        word
        for at, word in enumerate(one.words)
        if word.kind != SLOT
        and word.stem not in other.stems
        and word.low not in whole
        and at not in parts
        and not any(are_synonyms(word.stem, other_stem) for other_stem in other.stems)
    ]


def _joined(sentence: Sentence) -> list[str]:
    """Write each word together with the next one: web site, website."""
    return [a + b for a, b in zip(sentence.lows, sentence.lows[1:], strict=False)]
