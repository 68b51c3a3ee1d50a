"""Who does it, to whom, and whose is it? The same words may ask it of two persons, or two things.

Looks at the words around the doers alone; what stands behind a preposition is the roles' affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmc.language import forms, lexicon, prepositions
from llmc.language.english import HEAVY, SLOT, are_synonyms, stem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmc.language.contrast import Contrast
    from llmc.language.english import Sentence

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

#: Who asks, who is asked, and who may be anybody.
_FIRST, _SECOND = frozenset({"i", "we"}), frozenset({"you"})
_ANYBODY = _FIRST | _SECOND | {"one", "people", "someone"}
_PERSONS = _FIRST | _SECOND | {"he", "she", "they"}
_SINCE = frozenset({"when", "if", "while"})
_MODAL = frozenset({"can", "could", "should", "must", "may"})
_NOT_NAMED = frozenset({"our", "his", "her", "their", "not"})
_DUMMIES = frozenset({"it", "there", "this", "that"})

#: Persons, by what else they are called.
_CALLED = {
    "me": "i", "my": "i", "us": "we", "our": "we", "him": "he", "them": "they", "your": "you",
}  # fmt: skip

#: Of whom a thing is one's own.
_POSSESSIVE = {
    "my": frozenset({"i", "we"}), "our": frozenset({"i", "we"}), "your": frozenset({"you"}),
    "his": frozenset({"he"}), "her": frozenset({"she"}),
    "their": frozenset({"they", "people", "someone", "one"}),
}  # fmt: skip

#: Behind these stands whose, or where, a thing is.
_BELONGING = frozenset({"of", "in", "on", "for", "at", "from", "by", "'s"})


def turned(pair: Contrast) -> str | None:
    """Say what tells who does it from whom it is done to; None if nothing does."""
    return (
        _deed(pair)
        or _got(pair)
        or _owner(pair)
        or _left_behind(pair)
        or _case(pair)
        or _subject(pair)
        or _addressed(pair)
        or _leading(pair)
        or _possessor(pair)
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
    for one, other in (pair.both, pair.both[::-1]):
        at = one.lows.index("'s") if "'s" in one.lows else 0
        if at and _is_elsewhere(one, at, other):
            return f"{one.lows[at - 1]!r} has it in one of them"
    return None


def _is_elsewhere(one: Sentence, at: int, other: Sentence) -> bool:
    """Tell whether another sentence has an owner and what is his, but neither together."""
    owner = one.words[at - 1]
    thing = next((word for word in one.words[at + 1 :] if word.kind in {HEAVY, SLOT}), None)
    stems = [word.stem for word in other.words]
    if thing is None or owner.kind != HEAVY or not {owner.stem, thing.stem} <= set(stems):
        return False
    if "'s" in other.lows:
        at = other.lows.index("'s")
        his = "".join(word.stem for word in other.words[at + 1 : at + 2] if word.kind == HEAVY)
        return other.lows[at - 1] == owner.low and his != thing.stem and his in one.stems
    if _BELONGING.intersection(other.lows):
        return False
    return stems.index(thing.stem) - stems.index(owner.stem) != 1


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
            after = [word for word in sentence.words[at + 1 :] if word.low not in lexicon.ARTICLES]
            found |= {word.stem for word in after[:1] if word.kind in {HEAVY, SLOT}}
    return found


def _case(pair: Contrast) -> str | None:
    """Tell `can I sue him` from `can he sue me`, and `what I said` from `what they said`."""
    for sentence, other_one in (pair.both, pair.both[::-1]):
        if "us" in sentence.lows and "usa" in other_one.lows and "usa" not in sentence.lows:
            return "'us' is a country in one of them"
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
    bags = [sorted(w.stem for w in s.words if w.low not in lexicon.ARTICLES) for s in pair.both]
    moved = any(not lexicon.INTRODUCE.isdisjoint(s.lows[:1]) for s in pair.both)
    if bags[0] != bags[1] or moved or not lexicon.ALIKE.isdisjoint(bags[0]):
        return None
    first, second = ([w.stem for w in s.words if w.kind in {HEAVY, SLOT}] for s in pair.both)
    one, other = [*first, "", ""][:2]
    if all({one, other} <= prepositions.governed(sentence) for sentence in pair.both):
        return None  # from here to there, to there from here
    if second[:2] == [other, one] and (one + other).isalpha() and one != other:
        return f"{one!r} comes first in one of them, {other!r} in the other"
    return None


def _addressed(pair: Contrast) -> str | None:
    """Tell `can you speak` from `can I speak`: who is asked is not who asks."""
    for one, other in zip(pair.new.forms, pair.stored.forms, strict=False):
        if one.name != other.name or one.name in {"how to", "how many"}:
            continue
        persons = [(_FIRST | _SECOND).intersection(form.words) for form in (one, other)]
        turned = all(persons) and persons[0].isdisjoint(persons[1])
        split = turned and any(found <= _SECOND for found in persons)
        if split and not (_is_anybody(one) and _is_anybody(other)) and not _is_own(pair):
            return f"{min(persons[0])!r} and {min(persons[1])!r}"
    return None


def _is_anybody(form: forms.Form) -> bool:
    """Tell whether `you` and `I` may be anybody: `where can I`, `why do you`."""
    if form.name in {"yes or no", "should"}:
        return False
    return any(
        after in _ANYBODY and (word in _MODAL | _SINCE or (word == "do" and form.name == "why"))
        for word, after in zip(form.words, form.words[1:], strict=False)
    )


def _is_own(pair: Contrast) -> bool:
    """Tell whether each speaks of one's own: `can I see my`, `can you see your`."""
    first, second = (
        {thing: owner for thing, (owner, _) in _possessors(sentence).items()}
        for sentence in pair.both
    )
    return first == second and "own" in first.values()


def _leading(pair: Contrast) -> str | None:
    """Tell `can my employer read my mail` from `can I read my employer's`."""
    if not {"or", "and", "vs", "by"}.isdisjoint(pair.new.lows + pair.stored.lows):
        return None
    one, other = (_first_named(sentence) for sentence in pair.both)
    if not one or not other or one == other or _PERSONS.isdisjoint({one, other}):
        return None
    if one in _bases(pair.stored) and other in _bases(pair.new):
        return f"{one!r} and {other!r}"
    return None


def _bases(sentence: Sentence) -> set[str]:
    return {_CALLED.get(word.low, word.stem) for word in sentence.words}


def _first_named(sentence: Sentence) -> str:
    """Return who or what stands behind the verb with which a question begins."""
    name, words = sentence.forms[0]
    if words[:1] == ("why",):
        words = words[1:]
    elif name not in {"yes or no", "should"}:
        return ""
    if lexicon.AUXILIARIES.isdisjoint(words[:1]):
        return ""
    named = (low for low in words[1:] if low not in lexicon.ARTICLES and low not in _NOT_NAMED)
    first = next(named, "")
    return "" if first in _DUMMIES else stem(first)


def _possessor(pair: Contrast) -> str | None:
    """Tell `in her bed` from `in our bed`; one's own is one's own, whoever is meant."""
    first, second = map(_possessors, pair.both)
    for thing in sorted(first.keys() & second.keys()):
        (here, word), (there, other) = first[thing], second[thing]
        if here != there:
            return f"{word!r} and {other!r}"
    return None


def _possessors(sentence: Sentence) -> dict[str, tuple[str, str]]:
    """Return who has each thing, and in which word: one's own, or another's."""
    found: dict[str, tuple[str, str]] = {}
    form = sentence.forms[0]
    nobody = form.name in forms.DOING and _ANYBODY.isdisjoint(form.words)
    for at, low in enumerate(sentence.lows):
        if low not in _POSSESSIVE:
            continue
        thing = next((w.stem for w in sentence.words[at + 1 :] if w.kind in {HEAVY, SLOT}), "")
        own = (nobody and low in {"my", "your"}) or not _POSSESSIVE[low].isdisjoint(form.words)
        found.setdefault(thing, ("own" if own else low, low))
    return found
