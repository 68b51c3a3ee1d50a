"""Does the same preposition stand before the same thing, or one that says the same of it?"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from llmc.language import lexicon
from llmc.language.english import HEAVY, LIGHT, SLOT, TURNING, stem

if TYPE_CHECKING:
    from llmc.language.english import Sentence, Word

__all__ = ["differ", "governed"]

#: Prepositions before one thing, and those of which one may stand for the other.
_PREPOSITIONS = frozenset(
    {
        "in", "on", "at", "of", "for", "to", "from", "with", "by", "about", "into", "onto",
        "through", "over", "under", "using", "via", "as", "like", "against", "during", "within",
        "around", "after", "before", "across", "because",
    }
)  # fmt: skip
_ALIKE = (
    frozenset({"in", "on", "at", "of", "for", "within", "during", "around", "across"}),
    frozenset({"for", "to", "of", "with"}), frozenset({"to", "into", "in", "onto"}),
    frozenset({"using", "with", "via", "through", "by", "over"}), frozenset({"in", "with"}),
    frozenset({"about", "of", "on"}), frozenset({"from", "of"}), frozenset({"by", "from"}),
    frozenset({"to", "like"}),
)  # fmt: skip


#: In the winter, during winter; but a dog is in heat, or in the heat.
_SEASONS = frozenset(map(stem, lexicon.TIMES_OF_DAY))


def differ(one: Sentence, other: Sentence) -> str | None:
    """Tell `back up my phone` from `back up to my phone`, `with a cold` from `in the cold`."""
    ends = {"".join(sentence.lows[-1:]) for sentence in (one, other)}
    if "by" in ends and len(ends) > 1 and ends <= _PREPOSITIONS:
        return f"{min(ends)} and {max(ends)}"  # by whom it is, of what it is
    if thing := _harmed(one, other) or _harmed(other, one):
        return f"'to' and 'in' {thing!r}"
    first, second = _governed(one), _governed(other)
    for thing in sorted(first.keys() & second.keys()):
        here, there = first[thing], second[thing]
        prepositions = {here.role, there.role}
        articles = {here.article, there.article}
        for side, sentence in ((here, other), (there, one)):
            stacked = thing.isalpha() and side.role == "with"
            if stacked and (thing, side.verb) in pairwise(_stems(sentence)):
                return f"{thing!r} with {side.verb!r}"  # a baby bird, a bird with babies
        # `to` before a verb has no article behind it
        alike = here.verb == there.verb != "" and all(articles)
        if alike and prepositions in ({"", "from"}, {"", "to"}):
            return f"{max(prepositions)!r} before {thing!r} on one side only"
        heat = prepositions == {"in", "during"} and len(articles) > 1 and thing not in _SEASONS
        if heat or ("" not in prepositions and not _may_stand_for(here, there)):
            return f"{min(prepositions)!r} and {max(prepositions)!r} {thing!r}"
        if articles in ({"a", "most"}, {"an", "most"}):
            return f"a {thing!r} one and the most {thing!r} one"
    return None


#: What is so to somebody, or for him.
_EFFECTS = frozenset(
    {
        "danger", "dangerous", "harmful", "toxic", "fatal", "deadli", "poisonous", "safe", "useful",
        "helpful", "important", "lethal",
    }
)  # fmt: skip
_WITHIN = frozenset({"in", "of", "by", "with", "from"})


def _harmed(one: Sentence, other: Sentence) -> str:
    """Return what something is dangerous to, where the other one speaks of a danger in it."""
    for thing, found in _governed(one).items():
        if found.role in {"to", "for"} and found.verb in _EFFECTS:
            lows = [word for word in other.words if word.low not in lexicon.ARTICLES]
            if any(b.low in _WITHIN and w.stem == thing for b, w in pairwise(lows)):
                return thing
    return ""


def governed(sentence: Sentence) -> set[str]:
    """Return the things before which a preposition stands."""
    return {thing for thing, found in _governed(sentence).items() if found.role}


def _stems(sentence: Sentence) -> list[str]:
    return [word.stem for word in sentence.words]


class _Governed(NamedTuple):
    """What stands before a thing: the last word of content, a preposition, an article."""

    verb: str
    role: str
    article: str


def _governed(sentence: Sentence) -> dict[str, _Governed]:
    found: dict[str, _Governed] = {}
    verb = role = article = ""
    for at, word in enumerate(sentence.words):
        after = sentence.words[at + 1 : at + 2]
        if word.low in lexicon.POINTING or word.low == "most":
            article = word.low
        elif word.kind == HEAVY and role and after and after[0].kind == HEAVY:
            continue  # of `in a Python list` it is the list
        elif word.low in _PREPOSITIONS:
            role, article = word.low, ""
        elif word.kind in {LIGHT, TURNING} and role and not _points(after):
            if word.kind == TURNING:
                article += f" {word.low}"  # the last day
        elif word.kind in {HEAVY, SLOT}:
            found.setdefault(word.stem, _Governed(verb, role, article))
            verb, role, article = word.stem, "", ""
        else:
            verb, role, article = (word.stem if word.kind == LIGHT else ""), "", ""
    return found


def _points(words: tuple[Word, ...]) -> bool:
    return any(word.low in lexicon.POINTING for word in words)


#: With these one does it to somebody, or with him.
_BOTH_WAYS = frozenset({"talk", "speak", "chat", "connect", "relat", "compar", "similar", "meet"})


def _may_stand_for(one: _Governed, other: _Governed) -> bool:
    """Tell whether a preposition says of a thing what another one says: on Linux, in Linux."""
    prepositions = {one.role, other.role}
    if prepositions == {"by", "of"}:
        return "mean" in {one.verb, other.verb}
    if prepositions == {"in", "on"} and " " in one.article + other.article:
        return False  # in the last day, on the last day
    if prepositions == {"in", "with"}:
        return one.article == other.article  # in the cold, with a cold
    if any(side.role == "to" and not side.article for side in (one, other)):
        return True  # as likely as not it stands before a verb
    if prepositions == {"to", "with"}:
        return one.verb == other.verb and one.verb in _BOTH_WAYS
    return len(prepositions) == 1 or any(prepositions <= alike for alike in _ALIKE)
