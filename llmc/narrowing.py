"""Does a word that only one of two questions has make it another question?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmc import forms, lexicon
from llmc.contrast import one_sided
from llmc.english import HEAVY, stem
from llmc.roles import ARTICLES

if TYPE_CHECKING:
    from llmc.contrast import Contrast
    from llmc.english import Sentence, Word

__all__ = ["narrowed"]

#: Words that say of how many, or how often, something holds.
_SCOPE = frozenset(
    {"every", "any", "almost", "nearly", "often", "rarely", "seldom", "sometimes", "mostly"}
)


def narrowed(pair: Contrast) -> str | None:
    """Find a word too many. Where something is to be done, none is; else it depends on the word."""
    first, second = pair.heavy
    if bool(first) == bool(second):
        return None
    sentence, other = pair.both if first else pair.both[::-1]
    words = [w for w in (*first, *second) if not _is_said_by_the_form(w, sentence, other)]
    form = sentence.forms[0].name
    if words and form in forms.DOING and (form == "order" or not pair.is_near):
        return one_sided(words[0].low)
    for word in words:
        if _names_a_part(sentence, word):
            return one_sided(word.low)
    if pair.is_near and form not in {"how many", *forms.DOING}:
        return None
    if all(map(_is_open, pair.both)):
        return None
    for word in words:
        if _is_introduced(sentence, word) or _stands_before_shared(sentence, word, other):
            return one_sided(word.low)
    return None


def _is_said_by_the_form(word: Word, sentence: Sentence, other: Sentence) -> bool:
    """Tell whether what the other sentence asks for says a word already: `list the`, `what are`."""
    form = other.forms[0].name
    if form == sentence.forms[0].name == "why":  # what makes it, what causes it
        return word.low in lexicon.REASONS or word.stem == stem("make")
    if form.startswith("how ") and form != "how to":
        return any(word.low in nouns for nouns in lexicon.MEASURES.values())
    if sentence.words[0] != word:
        return False
    return (word.low in lexicon.LISTING and form == "what") or (
        word.low == "write" and form == "order"
    )


def _names_a_part(sentence: Sentence, word: Word) -> bool:
    """Tell whether a word names a time, a scope, or a part: the height of a mountain."""
    at = sentence.words.index(word)
    return word.low in lexicon.TIMES_OF_DAY | _SCOPE or sentence.lows[at + 1 : at + 2] == ("of",)


def _is_open(sentence: Sentence) -> bool:
    """Tell whether any good thing will do for an answer: `the best`, `some interesting`."""
    if sentence.forms[0].name not in {"what", "who", "where"}:
        return False
    return any(
        low in lexicon.PRAISE and after not in lexicon.WAY
        for low, after in zip(sentence.lows, [*sentence.lows[1:], ""], strict=True)
    )


def _is_introduced(sentence: Sentence, word: Word) -> bool:
    """Tell whether a word is the object of a preposition, or one of several things."""
    for before in reversed(sentence.words[: sentence.words.index(word)]):
        if before.low not in ARTICLES:
            return before.low in lexicon.INTRODUCE or before.low == "when"
    return False


def _stands_before_shared(sentence: Sentence, word: Word, other: Sentence) -> bool:
    """Tell whether a word narrows the next one, which both have: no laptop is a gaming laptop."""
    at = sentence.words.index(word)
    return any(w.kind == HEAVY and w.stem in other.stems for w in sentence.words[at + 1 : at + 2])
