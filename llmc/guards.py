"""What keeps two questions apart, however near their vectors are? Rules, each with its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmc import forms, lexicon, roles
from llmc.contrast import Contrast
from llmc.english import FUNCTION, HEAVY, SLOT, TURNING, are_synonyms, stem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmc.english import Sentence, Word

__all__ = ["Refusal", "alone", "between"]

#: The similarity from which a word more does not make another question, where any good answer will
#: do: in 244 judged pairs from there on no such word did (benchmarks/semantic.py).
_NEAR = 0.955

#: Turns of a conversation with fewer words lean on what was said before.
_FOLLOW_UP = 8


class Refusal(NamedTuple):
    """Why a question is exact only, or why two must not share an answer."""

    guard: str
    detail: str


def alone(sentence: Sentence, *, follows: bool = False) -> Refusal | None:
    """Say why a question may be answered with the answer of an equal one alone; None if not.

    `follows` tells that it is a later turn of a conversation.
    """
    if sum(word.kind != FUNCTION for word in sentence.words) < 2:
        return Refusal("too short", "it has fewer than two words that say something")
    if follows and len(sentence.words) < _FOLLOW_UP:
        return Refusal("follow-up", "it is a short turn of a conversation")
    for word, after in zip(sentence.lows, [*sentence.lows[1:], ""], strict=True):
        if word in lexicon.RANDOM:
            return Refusal("randomness", f"{word!r} asks for another answer each time")
        if word in lexicon.PRESENT and (word != "current" or after):  # direct current has no date
            return Refusal("present", f"{word!r} names the present")
        if (word, after) in lexicon.PRESENT_SPANS:
            return Refusal("present", f"'{word} {after}' names the present")
    return None


def between(new: Sentence, stored: Sentence, similarity: float = 1.0) -> Refusal | None:
    """Say why a stored question's answer must not serve a new one; None if nothing speaks against.

    Which of the two is new matters to one rule alone: an answer to more than was asked will do.
    """
    pair = Contrast(new, stored, similarity)
    if new.wording == stored.wording:
        detail = _capitals(pair)
        return Refusal("capitals", detail) if detail else None
    if not (new.english and stored.english):
        return Refusal("language", "it is no English that could be compared")
    for name, rule in _RULES:
        if detail := rule(pair):
            return Refusal(name, detail)
    return None


def _all_have(words: frozenset[str], sentences: Iterable[Sentence]) -> bool:
    return all(not words.isdisjoint(sentence.lows) for sentence in sentences)


def _is_near(pair: Contrast) -> bool:
    return pair.similarity >= _NEAR


def _compares(pair: Contrast) -> bool:
    return _all_have(forms.COMPARED, pair.both)


def _form_names(pair: Contrast) -> set[str]:
    return {sentence.forms[0].name for sentence in pair.both}


def _one_sided(word: str) -> str:
    return f"{word!r} on one side only"


# -- what is asked -------------------------------------------------------------------------------


def _second_question(pair: Contrast) -> str | None:
    more = len(pair.new.forms) > len(pair.stored.forms)
    return "it asks a second question" if more else None


def _question_form(pair: Contrast) -> str | None:
    if _form_names(pair) <= forms.CHOICE and _all_have(frozenset({"or"}), pair.both):
        return None  # `who wins, A or B` and `will A or B win`
    for one, other in zip(pair.new.forms, pair.stored.forms, strict=False):
        if {one.name, other.name} == {"how", "how to"} and not any(pair.heavy):
            continue  # `how do people stop smoking`
        if not forms.may_be_the_same(one, other, near=_is_near(pair)):
            return f"{one.name!r} and {other.name!r}"
    return None


#: Verbs of which one says another thing than the other, of the same question.
_TIMES = (frozenset({"was", "were"}), frozenset({"is", "are", "will"}))
_LEAVE = (frozenset({"should", "must"}), frozenset({"can", "could", "may"}))


def _verb(pair: Contrast) -> str | None:
    for one, other in zip(pair.new.forms, pair.stored.forms, strict=False):
        if one.name != other.name or one.name in {"how to", "why"}:
            continue
        first, second = (lexicon.AUXILIARIES.intersection(f.words[:4]) for f in (one, other))
        for kinds in (_TIMES, _LEAVE):
            sides = [[bool(kind & verbs) for kind in kinds] for verbs in (first, second)]
            if sides in ([[True, False], [False, True]], [[False, True], [True, False]]):
                return f"{min(first)!r} and {min(second)!r}"
    return None


def _deed(pair: Contrast) -> str | None:
    """Tell `who shot X` from `who did X shoot`."""
    for one, other in zip(pair.new.forms, pair.stored.forms, strict=False):
        deeds = [forms.deed(form) for form in (one, other)]
        done = next((stem(deed) for deed in deeds if deed), None)
        if done and "" in deeds and all(_has(form.words, done) for form in (one, other)):
            return "one asks who does it, the other to whom it is done"
    return None


#: Persons who act, and to whom it is done.
_CASES = (("i", "me"), ("we", "us"), ("he", "him"), ("they", "them"))


def _person(pair: Contrast) -> str | None:
    """Tell `can I sue him` from `can he sue me`."""
    if any(pair.heavy) or not _form_names(pair).isdisjoint(forms.DOING):
        return None
    first, second = (set(sentence.forms[0].words) for sentence in pair.both)
    for acts, suffers in _CASES:
        for one, other in ((first, second), (second, first)):
            if acts in one - other and suffers in other - one:
                return f"{acts!r} and {suffers!r}"
    return None


def _has(words: Iterable[str], wanted: str) -> bool:
    return any(wanted == found or are_synonyms(wanted, found) for found in map(stem, words))


# -- words that turn a question ------------------------------------------------------------------


def _negation(pair: Contrast) -> str | None:
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
for _number, _sides in enumerate(lexicon.OPPOSITES, start=1):
    for _sign, _side in zip((1, -1), _sides, strict=True):
        for _word in _side | {stem(word) for word in _side}:
            _SIDES.setdefault(_word, set()).add(_sign * _number)


def _opposites(pair: Contrast) -> str | None:
    first, second = _own_sides(*pair.both), _own_sides(*pair.both[::-1])
    for side, word in first.items():
        if -side in second:
            return f"{word!r} and {second[-side]!r}"
    return None


def _own_sides(one: Sentence, other: Sentence) -> dict[int, str]:
    return {
        side: word.low
        for word in one.words
        if word.low not in other.lows
        for side in _SIDES.get(word.low) or _SIDES.get(word.stem) or ()
    }


#: Words that turn a question, by those that turn it the same way.
_TURNS = {"till": "until", "above": "over", "below": "under", "every": "each", "whether": "if"}


def _turning_word(pair: Contrast) -> str | None:
    first, second = (
        {_TURNS.get(w.low, w.low) for w in s.words if w.kind == TURNING} - lexicon.NEGATIONS
        for s in pair.both
    )
    different = first ^ second
    if _compares(pair):
        different -= {"between"}
    if _form_names(pair) == {"what"}:
        different -= {"all"}  # `what are all the` asks for what `what are the` does
    if different:
        return _one_sided(min(different))
    joins = [{"and", "or"}.intersection(sentence.lows) for sentence in pair.both]
    if not _compares(pair) and sorted(map(sorted, joins)) == [["and"], ["or"]]:
        return "'and' and 'or'"
    return None


# -- how a word is written -----------------------------------------------------------------------


def _capitals(pair: Contrast) -> str | None:
    """Find a word that is another one with a capital: Polish, MB, a command of one letter."""
    first, second = (
        {
            (w.low, w.raw.lower() if not at and w.raw.istitle() else w.raw)
            for at, w in enumerate(s.words)
        }
        for s in pair.both
    )
    for low, raw in sorted(first):
        if low in lexicon.CAPITONYMS or (len(low) == 1 and low.isalpha() and low not in {"a", "i"}):
            other = {found for same, found in second if same == low}
            if other and raw not in other and not _is_loosely_written(raw, other):
                return f"{raw!r} and {min(other)!r}"
    return None


def _is_loosely_written(raw: str, other: set[str]) -> bool:
    """Tell whether a unit stands in small letters, where Mb and MB would be two."""
    return (
        len(raw) == 2 and raw[1:] in {"b", "B"} and (raw.islower() or any(map(str.islower, other)))
    )


def _wording(pair: Contrast) -> str | None:
    """Compare the words of grammar where the question is about words: say `I`, say `you`."""
    about_words = any(
        not lexicon.LANGUAGE.isdisjoint(sentence.lows)
        or ("say" in sentence.lows and sentence.forms[0].name == "how to")
        for sentence in pair.both
    )
    if not about_words or any(slot.startswith('"') for slot in pair.new.slots):  # equal in both
        return None
    first, second = (
        sorted(w for w in s.wording.split() if w in lexicon.FUNCTION and w not in roles.ARTICLES)
        for s in pair.both
    )
    return "its words are what is asked about" if first != second else None


# -- a word more, another word -------------------------------------------------------------------


def _entity(pair: Contrast) -> str | None:
    for sentence, only in zip(pair.both, pair.only, strict=True):
        for word in only:
            if word.name and not _is_title(sentence, word, only):
                return _one_sided(word.low)
    return None


def _is_title(sentence: Sentence, word: Word, only: list[Word]) -> bool:
    """Tell whether a word only goes with a name that both have: Mr, Mahatma, an initial."""
    if word.low not in lexicon.TITLES and len(word.low) > 1:
        return False
    at = sentence.words.index(word)
    near = sentence.words[max(at - 1, 0) : at + 2]
    return any(w.name and w not in only and len(w.low) > 1 for w in near)


def _substitution(pair: Contrast) -> str | None:
    """Find another word in the place of one; two that differ alone are taken for that."""
    first, second = pair.heavy
    alone = len(first) == len(second) == 1
    for one in first:
        for other in second:
            here, there = _place(pair.new, one, pair.stored), _place(pair.stored, other, pair.new)
            if alone or here[0] == there[0] or here[1] == there[1]:
                return f"{one.low!r} and {other.low!r}"
    return None


def _place(sentence: Sentence, word: Word, other: Sentence) -> tuple[str, str]:
    """Return the nearest words of content before and behind a word that both sentences have."""
    at = sentence.words.index(word)
    shared = [
        w.stem if w.kind in {HEAVY, SLOT} and w.stem in other.stems else "" for w in sentence.words
    ]
    before = next((found for found in reversed(shared[:at]) if found), "")
    return before, next((found for found in shared[at + 1 :] if found), "")


def _narrowing(pair: Contrast) -> str | None:
    """Find a word too many. Where something is to be done, none is; else it depends on the word."""
    first, second = pair.heavy
    if bool(first) == bool(second):
        return None
    sentence, other = pair.both if first else pair.both[::-1]
    words = [w for w in (*first, *second) if not _is_said_by_the_form(w, sentence, other)]
    form = sentence.forms[0].name
    if words and form in forms.DOING and (form == "order" or not _is_near(pair)):
        return _one_sided(words[0].low)
    for word in words:
        if _names_a_part(sentence, word):
            return _one_sided(word.low)
    if _is_near(pair) and form not in {"how many", *forms.DOING}:
        return None
    if all(map(_is_open, pair.both)):
        return None
    for word in words:
        if _is_introduced(sentence, word) or _stands_before_shared(sentence, word, other):
            return _one_sided(word.low)
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
    """Tell whether a word names a time, or asks for a part: the height of a mountain."""
    at = sentence.words.index(word)
    return word.low in lexicon.TIMES_OF_DAY or sentence.lows[at + 1 : at + 2] == ("of",)


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
        if before.low not in roles.ARTICLES:
            return before.low in lexicon.INTRODUCE
    return False


def _stands_before_shared(sentence: Sentence, word: Word, other: Sentence) -> bool:
    """Tell whether a word narrows the next one, which both have: no laptop is a gaming laptop."""
    at = sentence.words.index(word)
    return any(w.kind == HEAVY and w.stem in other.stems for w in sentence.words[at + 1 : at + 2])


def _order(pair: Contrast) -> str | None:
    return roles.in_another_order(pair.new, pair.stored)


def _role(pair: Contrast) -> str | None:
    return _deed(pair) or _person(pair) or roles.with_swapped_roles(pair.new, pair.stored)


_RULES: tuple[tuple[str, Callable[[Contrast], str | None]], ...] = (
    ("second question", _second_question),
    ("question form", _question_form),
    ("verb", _verb),
    ("negation", _negation),
    ("opposites", _opposites),
    ("capitals", _capitals),
    ("wording", _wording),
    ("turning word", _turning_word),
    ("entity", _entity),
    ("role", _role),
    ("substitution", _substitution),
    ("narrowing", _narrowing),
    ("order", _order),
)
