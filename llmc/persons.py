"""Who does it, and to whom? Tells apart what the same words ask of two persons, or of two things.

Looks at the words around the doers alone; what stands behind a preposition is the roles' affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmc import forms, lexicon
from llmc.english import HEAVY, SLOT, are_synonyms, stem
from llmc.roles import ARTICLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmc.contrast import Contrast
    from llmc.english import Sentence

__all__ = ["turned"]

#: Persons who act, and to whom it is done.
_CASES = (("i", "me"), ("we", "us"), ("he", "him"), ("they", "them"))


#: To get something done to oneself is said with the first, and with the others as well.
_GET = frozenset({"get", "getting", "got"})
_UNDERGO = _GET | {"be", "being", "myself", "yourself", "oneself"}

#: Other persons than the one who asks; and whoever asks, where it is done to them.
_OTHERS = frozenset({"he", "she", "they", "me"})

#: Prepositions at a question's end that belong to its first word: `whom is he the father of`.
_LEFT_BEHIND = frozenset({"of", "to", "for", "from", "by", "with", "about", "in", "on", "at"})


def turned(pair: Contrast) -> str | None:
    """Say what tells who does it from whom it is done to; None if nothing does."""
    return (
        _deed(pair)
        or _got(pair)
        or _owner(pair)
        or _left_behind(pair)
        or _case(pair)
        or _subject(pair)
    )


def _deed(pair: Contrast) -> str | None:
    """Tell `who shot X` from `who did X shoot`, and from `who was shot by X`."""
    for one, other in zip(pair.new.forms, pair.stored.forms, strict=False):
        deeds = [forms.deed(form) for form in (one, other)]
        done = next((stem(deed) for deed in deeds if deed), None)
        passive = any("by" in form.words[:-1] for form in (one, other)) and None in deeds
        if done and ("" in deeds or passive) and _has(one.words, done) and _has(other.words, done):
            return "one asks who does it, the other to whom it is done"
    return None


def _has(words: Iterable[str], wanted: str) -> bool:
    return any(wanted == found or are_synonyms(wanted, found) for found in map(stem, words))


def _got(pair: Contrast) -> str | None:
    """Tell `how do I get hired` from `how do I hire`, but not from `how do I hire myself`."""
    for one, other in (pair.both, pair.both[::-1]):
        for before, word in zip(one.lows, one.words[1:], strict=False):
            done = word.kind == HEAVY and word.low.endswith("ed") and word.stem in other.stems
            if before in _GET and done and _UNDERGO.isdisjoint(other.lows):
                return f"in one of them somebody is {word.low!r}"
    return None


def _owner(pair: Contrast) -> str | None:
    """Tell `whose uncle is X` from `who is X's uncle`."""
    for one, other in (pair.both, pair.both[::-1]):
        if "whose" in one.lows and "whose" not in other.lows and {"'s", "of"} & set(other.lows):
            return "one asks who has it, the other who it is"
    return None


def _left_behind(pair: Contrast) -> str | None:
    """Tell `whom is X the father of` from `who is the father of X`."""
    for one, other in (pair.both, pair.both[::-1]):
        last = "".join(one.lows[-1:])
        if last not in _LEFT_BEHIND or other.lows[-1:] == (last,):
            continue
        names = _behind(other, last) & one.stems
        if names:
            return f"{last!r} stands before {min(names)!r} in one of them"
    return None


def _behind(sentence: Sentence, preposition: str) -> set[str]:
    """Return the stems of content that follow a preposition at once, but for an article."""
    found: set[str] = set()
    for at, low in enumerate(sentence.lows):
        if low == preposition:
            after = [word for word in sentence.words[at + 1 :] if word.low not in ARTICLES]
            found |= {word.stem for word in after[:1] if word.kind in {HEAVY, SLOT}}
    return found


def _case(pair: Contrast) -> str | None:
    """Tell `can I sue him` from `can he sue me`, and `what I said` from `what they said`."""
    first, second = (sentence.forms[0].words for sentence in pair.both)
    for one, other in ((first, second), (second, first)):
        if "me" in set(one) - set(other) and "my" in one and "my" in other:
            return "'me' on one side only"
        if any(pair.heavy):
            continue
        for acts, suffers in _CASES:
            if acts in set(one) - set(other) and suffers in set(other) - set(one):
                return f"{acts!r} and {suffers!r}"
        others = _OTHERS.intersection(one).difference(other)
        if others and one.count("i") < other.count("i"):
            return f"{min(others)!r} and 'i'"
    return None


def _subject(pair: Contrast) -> str | None:
    """Tell `must a seller tell a buyer` from `must a buyer tell a seller`."""
    bags = [sorted(w.stem for w in s.words if w.low not in ARTICLES) for s in pair.both]
    moved = any(not lexicon.INTRODUCE.isdisjoint(s.lows[:1]) for s in pair.both)
    if bags[0] != bags[1] or moved or not lexicon.ALIKE.isdisjoint(bags[0]):
        return None
    first, second = ([w.stem for w in s.words if w.kind in {HEAVY, SLOT}] for s in pair.both)
    one, other = [*first, "", ""][:2]
    if second[:2] == [other, one] and (one + other).isalpha() and one != other:
        return f"{one!r} comes first in one of them, {other!r} in the other"
    return None
