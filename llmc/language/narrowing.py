"""Does a word that only one of two questions has make it another question?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmc.language import forms, lexicon
from llmc.language.contrast import one_sided
from llmc.language.english import FUNCTION, HEAVY, LIGHT, SLOT, is_past, stem

if TYPE_CHECKING:
    from llmc.language.contrast import Contrast
    from llmc.language.english import Sentence, Word

__all__ = ["narrowed"]

#: Words that say of how many, or how often, something holds.
_SCOPE = frozenset(
    {"every", "any", "almost", "nearly", "often", "rarely", "seldom", "sometimes", "mostly"}
)

#: Prepositions by which a condition is added, however near the rest is.
_ADDING = frozenset(
    {"for", "with", "without", "by", "from", "against", "during", "using", "via", "through", "like"}
)
_RELATIVE = frozenset({"when", "who", "that", "which"})
_LINKING = lexicon.AUXILIARIES | {"still", "already", "not"}
_MUST = frozenset({"have", "has", "had", "need", "needs"})


def narrowed(pair: Contrast) -> str | None:
    """Find a word too many. Where something is to be done, none is; else it depends on the word."""
    if detail := _longer_name(pair) or _part_of_a_term(pair):
        return detail
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
    if all(map(_is_open, pair.both)):
        return None
    near = pair.is_near and form not in {"how many", *forms.DOING}
    plain = form in {"yes or no", "should"}  # whether cold water is safe, or water
    for word in words:
        by = _introduction(sentence, word)
        if (by in _ADDING or _does(sentence, word, other)) if near else by:
            return one_sided(word.low)
        if form == "how to" and _is_the_deed(sentence, word):
            return one_sided(word.low)
        narrows = not near or (plain and not _is_adverb_or_verb(sentence, word))
        if narrows and _stands_before_shared(sentence, word, other):
            return one_sided(word.low)
    return None


def _is_adverb_or_verb(sentence: Sentence, word: Word) -> bool:
    before = sentence.lows[: sentence.words.index(word)][-1:]
    return word.low.endswith("ly") or before == ("to",)


def _is_the_deed(sentence: Sentence, word: Word) -> bool:
    """Tell whether a word is what is to be done: run, of `how do I run a skipped test`."""
    done = [w for w in sentence.words if w.kind in {HEAVY, LIGHT}]
    return done[:1] == [word]


def _is_said_by_the_form(word: Word, sentence: Sentence, other: Sentence) -> bool:
    """Tell whether what the other sentence asks for says a word already: `list the`, `what are`."""
    form = other.forms[0].name
    if form == sentence.forms[0].name == "why":  # what makes it, what causes it
        return word.low in lexicon.REASONS or word.stem == stem("make")
    if form.startswith("how ") and form != "how to":
        return any(word.low in nouns for nouns in lexicon.MEASURES.values())
    if word.low in lexicon.TITLES:  # a name says as much
        return any(w.name for w in sentence.words[sentence.words.index(word) + 1 :][:1])
    if form == "how to" and word.low in lexicon.REMEDIES:
        return True
    if form == "how to" and word.low == "take":
        return "steps" in sentence.lows or "measures" in sentence.lows
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


def _introduction(sentence: Sentence, word: Word) -> str:
    """Return what a word is the object of: a preposition, an `and`; "" if it is of none."""
    before = [
        low for low in sentence.lows[: sentence.words.index(word)] if low not in lexicon.ARTICLES
    ]
    if before[-2:] and before[-2:][0] in _MUST and before[-1] == "to":
        return ""  # `have to pay`
    while before and before[-1] in _LINKING:  # that is still inhabited
        before.pop()
    return before[-1] if before and before[-1] in lexicon.INTRODUCE | _RELATIVE else ""


def _does(sentence: Sentence, word: Word, other: Sentence) -> bool:
    """Tell whether a word is what is to be done with a thing that both have: to prevent a cold."""
    after = [
        w for w in sentence.words[sentence.words.index(word) + 1 :] if w.low not in lexicon.ARTICLES
    ]
    return _introduction(sentence, word) == "to" and _has_shared(tuple(after), other)


def _stands_before_shared(sentence: Sentence, word: Word, other: Sentence) -> bool:
    """Tell whether a word narrows the next one, which both have: no laptop is a gaming laptop."""
    return _has_shared(sentence.words[sentence.words.index(word) + 1 :], other)


def _has_shared(words: tuple[Word, ...], other: Sentence) -> bool:
    """Tell whether the first of some words is one of content that another sentence has."""
    return any(w.kind == HEAVY and w.stem in other.stems for w in words[:1])


# -- names of several words ----------------------------------------------------------------------

_ASKING = frozenset({"do", "does", "did", "can", "will"})
_DONE = ("ed", "ing")

#: Of the differences of two things these are the ones that are told.
_TOLD = frozenset({"main", "major", "primary", "key"})

_A = frozenset({"a", "an"})

#: Questions after what something is, which a word before it makes another thing.
_DEFINING = (("what", "is"), ("what", "are"), ("define",), ("explain",), ("meaning", "of"))


def _longer_name(pair: Contrast) -> str | None:
    """Find a word that makes a longer name of a shared one: Mexico City, my wife's phone."""
    for sentence, other, only in zip(pair.both, pair.both[::-1], pair.heavy, strict=True):
        for word in only:
            at = sentence.words.index(word)
            if "'s" in sentence.lows[max(at - 1, 0) : at + 2] and _touches(sentence, at, other):
                return one_sided(word.low)
            if _ends_a_name(sentence, at, other):
                return one_sided(word.low)
    return None


def _touches(sentence: Sentence, at: int, other: Sentence) -> bool:
    """Tell whether the thing on the other side of a `'s` is in both: X's wife, my wife's X."""
    step = 2 if sentence.lows[at + 1 : at + 2] == ("'s",) else -2
    near = sentence.words[at + step : at + step + 1] if at + step >= 0 else ()
    return any(word.kind == HEAVY and word.stem in other.stems for word in near)


def _ends_a_name(sentence: Sentence, at: int, other: Sentence) -> bool:
    word, before = sentence.words[at], sentence.words[at - 1] if at else None
    if before is None or before.kind != HEAVY or before.stem not in other.stems:
        return False
    if before.name or before.low.endswith("ing") or not word.low.isalpha() or len(word.low) < 3:
        return False
    after = sentence.words[at + 1 : at + 2]
    if any(w.kind in {HEAVY, LIGHT, SLOT} and not is_past(w.low) for w in after):
        return False
    # the verb of `does it count`, what `is it safe` says of it, what is done
    verb = not after and not _ASKING.isdisjoint(sentence.lows[:3]) and not _is_object(sentence, at)
    says = sentence.lows[0] in {"is", "are", "was", "were"}
    return not (
        verb or says or word.low in lexicon.KINDS or word.low.endswith((*_DONE, "ly", "ble"))
    )


def _is_object(sentence: Sentence, at: int) -> bool:
    """Tell whether a word belongs to what follows a preposition: with rice noodles."""
    for word in reversed(sentence.words[:at]):
        if word.kind == FUNCTION and word.low not in lexicon.ARTICLES:
            return word.low in lexicon.INTRODUCE
    return False


def _part_of_a_term(pair: Contrast) -> str | None:
    """Find a light word that makes a term of the next word: specific gravity, Good Friday."""
    for sentence, other, only in zip(pair.both, pair.both[::-1], pair.only, strict=True):
        for word in only:
            if word.kind != LIGHT or not _stands_before_shared(sentence, word, other):
                continue
            if word.low in _TOLD and not lexicon.ALIKE.isdisjoint(other.lows):
                continue  # the major differences are those that are told
            before = [w for w in sentence.lows[: sentence.words.index(word)] if w not in _A]
            defines = any(tuple(before[-len(start) :]) == start for start in _DEFINING)
            praised = word.low in lexicon.PRAISE
            named = praised and sentence.forms[0].name in {"when", "yes or no", "how many"}
            if word.low in lexicon.HALVES or named or (defines and not praised):
                return one_sided(word.low)
    return None
