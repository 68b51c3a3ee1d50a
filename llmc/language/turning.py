"""Has only one of two questions a word that turns what is asked: its time, a denial, how many?"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from llmc.language import forms, lexicon, thesaurus
from llmc.language.contrast import one_sided
from llmc.language.english import HEAVY, LIGHT, TURNING, is_past, stem

if TYPE_CHECKING:
    from llmc.language.contrast import Contrast
    from llmc.language.english import Sentence, Word

__all__ = ["another_time", "compares", "denies", "opposites", "turning_word"]


def compares(pair: Contrast) -> bool:
    """Tell whether both questions compare things."""
    return not any(forms.COMPARED.isdisjoint(sentence.lows) for sentence in pair.both)


# -- the time, and what may or must be -----------------------------------------------------------

#: Verbs of which one says another thing than the other, of the same question.
#: They count in so many words of the question; the first ones in all of them, whatever it asks.
_KINDS = (
    ((frozenset({"was", "were"}), frozenset({"is", "are", "will"})), None),
    ((frozenset({"did", "has", "have", "had"}), frozenset({"will"})), 4),
    ((frozenset({"did"}), frozenset({"do", "does"})), 4),
    ((frozenset({"should", "must"}), frozenset({"can", "could", "may"})), 4),
)


def another_time(pair: Contrast) -> str | None:
    """Tell was from is, did from does, will from has, should from can."""
    for one, other in zip(pair.new.forms, pair.stored.forms, strict=False):
        if one.name != other.name:
            continue
        whole = one.name in {"how to", "why"}
        for kinds, length in _KINDS if not whole else _KINDS[:1]:
            sides = kinds if _more(kinds, one, other, length) else kinds[::-1]
            if _more(sides, one, other, length):
                here, there = (
                    next(word for word in form.words if word in side)
                    for form, side in zip((one, other), sides, strict=True)
                )
                return f"{here!r} and {there!r}"
        if detail := _deed_told(one, other) or _duty(one, other):
            return detail
    return None


#: What must be, and what may be.
_MUST = frozenset({"must", "should", "required", "obliged", "forced"})
_MAY = frozenset({"may", "can", "could", "allowed", "permitted", "able"})
_PAST_MODAL = frozenset({"could", "should", "would", "might"})


def _duty(one: forms.Form, other: forms.Form) -> str | None:
    """Tell `do I have to` from `am I allowed to`, `should I have seen` from `should I see`."""
    if one.name in {"how to", "why"}:
        return None
    (must, may), (other_must, other_may) = (_duties(form.words) for form in (one, other))
    if (must and other_may and not may and not other_must) or (
        may and other_must and not must and not other_may
    ):
        return "one asks what must be, the other what may be"
    perfect = [_is_perfect(form.words) for form in (one, other)]
    return "'have' on one side only" if perfect[0] != perfect[1] else None


def _duties(words: tuple[str, ...]) -> tuple[bool, bool]:
    owes = any(
        before in {"have", "has", "had", "need", "needs"} and after == "to"
        for before, after in pairwise(words[:6])
    )
    return owes or not _MUST.isdisjoint(words[:4]), not _MAY.isdisjoint(words[:4])


def _is_perfect(words: tuple[str, ...]) -> bool:
    """Tell whether it is too late: `should I have`, `what would you have done`."""
    return any(
        first in _PAST_MODAL and "have" in rest and "to" not in words[at + 2 : at + 5]
        for at, (first, *rest) in enumerate(zip(words, words[1:], words[2:], strict=False))
    )


def _more(
    kinds: tuple[frozenset[str], ...], one: forms.Form, other: forms.Form, length: int | None
) -> bool:
    """Tell whether one form has more of the first kind, and the other more of the second."""
    first, second = (_counts(form.words[:length], kinds) for form in (one, other))
    return first[0] > second[0] and first[1] < second[1]


def _counts(words: tuple[str, ...], kinds: tuple[frozenset[str], ...]) -> list[int]:
    if "being" in words:  # `is being done` is no `is`
        words = tuple(word for word in words if word not in {"is", "are"})
    return [sum(word in kind for word in words) for kind in kinds]


def _deed_told(one: forms.Form, other: forms.Form) -> str | None:
    """Tell `who won it` from `who wins it`."""
    first, second = (forms.deed(form) or "" for form in (one, other))
    same = stem(first) == stem(second) or first[:-1] == second[:-1]  # lives is no life here
    if first and second and same and is_past(first) != is_past(second):
        return f"{first!r} and {second!r}"
    return None


# -- denials and contraries ----------------------------------------------------------------------


def denies(pair: Contrast) -> str | None:
    """Tell whether one of two questions has a `not` more."""
    counts = [
        sum(low in lexicon.NEGATIONS for low in sentence.lows) - _is_rhetorical(sentence)
        for sentence in pair.both
    ]
    return "one of them denies" if counts[0] != counts[1] else None


def _is_rhetorical(sentence: Sentence) -> bool:
    """Tell whether a question is a `would it not`, which asks what `would it` does."""
    form = sentence.forms[0]
    return form.name in {"yes or no", "should"} and form.words[1:2] == ("not",)


#: The pairs of opposites that a word belongs to, by number; the sign says to which side.
_SIDES: dict[str, set[int]] = {}
for _number, _sides in enumerate(thesaurus.OPPOSITES, start=1):
    for _sign, _side in zip((1, -1), _sides, strict=True):
        for _word in _side | {stem(word) for word in _side}:
            _SIDES.setdefault(_word, set()).add(_sign * _number)


def opposites(pair: Contrast) -> str | None:
    """Find two words of which one excludes the other."""
    first, second = _own_sides(*pair.both), _own_sides(*pair.both[::-1])
    for side, word in first.items():
        if -side in second:
            return f"{word!r} and {second[-side]!r}"
    return _denied(*pair.only) or _denied(*pair.only[::-1])


#: Prefixes that make the contrary of a word.
_DENYING = ("a", "ab", "an", "anti", "dis", "il", "im", "in", "ir", "mis", "non", "un")


def _denied(only: list[Word], others: list[Word]) -> str | None:
    """Find a word and what a prefix makes of it: normal, abnormal."""
    for word in only:
        for other in others:
            made = {prefix + other.low for prefix in _DENYING}
            if word.low in made and other.kind in {HEAVY, LIGHT}:
                return f"{word.low!r} and {other.low!r}"
    return None


def _own_sides(one: Sentence, other: Sentence) -> dict[int, str]:
    return {
        side: word.low
        for word in one.words
        if word.low not in other.lows
        for side in _SIDES.get(word.low) or _SIDES.get(word.stem) or ()
    }


# -- words of grammar ----------------------------------------------------------------------------

#: Words that turn a question, by those that turn it the same way.
_TURNS = {"above": "over", "below": "under", "whether": "if"}


_COMPARING = frozenset({"compared", "difference", "differences"})

#: Words that say something of what follows them, at once or in the same breath.
_NUMBERING = ("first", "last", "next")
_POINTING = ("only", "even", "twice", "half", "double", *_NUMBERING)

#: Words of which any may say under what condition: what happens when, what happens if.
_SINCE = frozenset({"if", "when", "while"})


def turning_word(pair: Contrast) -> str | None:
    """Find a word of grammar that only one of them has, and that turns what is asked."""
    first, second = map(_turns, pair.both)
    different = first ^ second
    if not any(_SINCE.isdisjoint(sentence.lows) for sentence in pair.both):
        different -= _SINCE
    if compares(pair):
        different -= {"between"}
    if {sentence.forms[0].name for sentence in pair.both} == {"what"}:
        different -= {"all"}  # `what are all the` asks for what `what are the` does
    if different:
        return one_sided(min(different))
    for one, other in (pair.both, pair.both[::-1]):
        if not _COMPARING.isdisjoint(one.lows) and forms.COMPARED.isdisjoint(other.lows):
            return "one of them compares"
    joins = [{"and", "or", "but"}.intersection(sentence.lows) for sentence in pair.both]
    if len(joins[0]) == len(joins[1]) == 1 and joins[0] != joins[1] and not compares(pair):
        return f"{min(joins[0])!r} and {min(joins[1])!r}"
    return _each_and_some(pair) or _focus(pair) or _in_the_role_of(pair) or _a_few(pair)


def _a_few(pair: Contrast) -> str | None:
    """Tell few from a few, and a number of users from their number."""
    for low in ("few", "little", "number"):
        if all(low in sentence.lows for sentence in pair.both):
            first, second = (
                sentence.lows[: sentence.lows.index(low)][-1:] == ("a",) for sentence in pair.both
            )
            if first != second:
                return f"'a {low}' on one side only"
    return None


def _turns(sentence: Sentence) -> set[str]:
    found = {_TURNS.get(w.low, w.low) for w in sentence.words if w.kind == TURNING}
    for at, low in enumerate(sentence.lows):
        before = sentence.lows[max(at - 4, 0) : at]
        if (
            low in {"but", "save"}
            and before[-1:] != ("and",)
            and not lexicon.WHOLE.isdisjoint(before)
        ):
            found.add("except")
    return found - lexicon.NEGATIONS


def _each_and_some(pair: Contrast) -> str | None:
    """Tell everyone from someone."""
    for one, other in (pair.both, pair.both[::-1]):
        each, some = lexicon.EACH.intersection(one.lows), lexicon.SOME.intersection(other.lows)
        if (
            each
            and some
            and lexicon.EACH.isdisjoint(other.lows)
            and lexicon.SOME.isdisjoint(one.lows)
        ):
            return f"{min(each)!r} and {min(some)!r}"
    return None


def _in_the_role_of(pair: Contrast) -> str | None:
    """Tell `dress for an interview` from `dress as an interviewer`."""
    for one, other in (pair.both, pair.both[::-1]):
        for at, low in enumerate(one.lows[:-2]):
            if low == "as" and one.lows[at + 1] in {"a", "an"} and "as" not in other.lows:
                role = one.words[at + 2]
                if role.kind == HEAVY and role.stem not in other.stems:
                    return f"'as {one.lows[at + 1]} {role.low}' on one side only"
    return None


def _focus(pair: Contrast) -> str | None:
    """Tell `only adults vote` from `adults only vote`, the first key from the first table."""
    for low in _POINTING:
        if all(low in sentence.lows for sentence in pair.both):
            first, second = (_behind(sentence, low) for sentence in pair.both)
            if low in _NUMBERING:  # a verb may be written as `last` is: colds last
                apart = bool(first and second) and set(first).isdisjoint(second)
            else:
                apart = first[:1] != second[:1]
            if apart:
                return f"{low!r} stands in another place"
    return None


def _behind(sentence: Sentence, low: str) -> list[str]:
    """Return the words that follow a word, up to the first that is none of content."""
    found: list[str] = []
    for word in sentence.words[sentence.lows.index(low) + 1 :]:
        if word.low in lexicon.ARTICLES:
            continue
        found.append(word.stem)
        if word.kind not in {HEAVY, LIGHT}:
            break
    return found
