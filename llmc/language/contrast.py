"""Which words has only one of two sentences?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmc.language.english import HEAVY, SLOT, are_synonyms

if TYPE_CHECKING:
    from llmc.language.english import Sentence, Word

__all__ = ["Contrast", "one_sided"]

#: The similarity from which most words more make no other question: of 246 judged pairs from there
#: on that the other rules let pass, no such word did (benchmarks/semantic.py).
_NEAR = 0.955

#: Words that are prefixes as well: `a moral` is not `amoral`, `in direct` not `indirect`.
_PREFIXES = frozenset({"a", "an", "in"})


class Contrast:
    """Two sentences, and the words that only one of them has."""

    def __init__(self, new: Sentence, stored: Sentence, similarity: float) -> None:
        """Find the words; the sentences stay as they are."""
        self.new = new
        self.stored = stored
        self.both = (new, stored)
        self.is_near = similarity >= _NEAR
        self.only = (_only(new, stored), _only(stored, new))
        self.heavy = tuple([w for w in only if w.kind == HEAVY] for only in self.only)


def one_sided(word: str) -> str:
    """Say that only one sentence has a word."""
    return f"{word!r} on one side only"


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
        and not any(are_synonyms(word.stem, found) for found in _candidates(word, one, other))
    ]


def _candidates(word: Word, one: Sentence, other: Sentence) -> frozenset[str]:
    """Return what a word may be said by: who cleans with a cleaner has more than who cleans."""
    return other.stems - one.stems if word.stem.endswith(("er", "or")) else other.stems


def _joined(sentence: Sentence) -> list[str]:
    """Write each word together with the next one: web site, website."""
    return [
        "" if one in _PREFIXES else one + after
        for one, after in zip(sentence.lows, sentence.lows[1:], strict=False)
    ]
