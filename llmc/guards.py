"""What keeps two questions apart, however near their vectors are? Rules, each with its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmc.language import english, forms, lexicon, manner, persons, prepositions, roles, turning
from llmc.language.contrast import Contrast, one_sided
from llmc.language.english import FUNCTION, HEAVY, LIGHT, SLOT, are_synonyms, stem
from llmc.language.narrowing import narrowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmc.language.english import Sentence, Word

__all__ = ["Refusal", "alone", "between"]

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
    if sum(word.kind != FUNCTION for word in sentence.words) + _asks_for_a_way(sentence) < 2:
        return Refusal("too short", "it has fewer than two words that say something")
    if follows and len(sentence.words) < _FOLLOW_UP:
        return Refusal("follow-up", "it is a short turn of a conversation")
    written = [word.raw.lower() for word in sentence.words]  # `days` is a unit, the day
    for word, after in zip(written, [*written[1:], ""], strict=True):
        if word in lexicon.RANDOM:
            return Refusal("randomness", f"{word!r} asks for another answer each time")
        if word in lexicon.PRESENT and (word != "current" or after):  # direct current has no date
            return Refusal("present", f"{word!r} names the present")
        if (word, after) in lexicon.PRESENT_SPANS:
            return Refusal("present", f"'{word} {after}' names the present")
    return None


def _asks_for_a_way(sentence: Sentence) -> bool:
    """Tell whether the first word of content is what is to be done: `how to` is `the way to`."""
    if sentence.forms[0].name != "how to":
        return False
    before = ""
    for word in sentence.words:
        if word.kind == HEAVY:
            return before == "to" or before not in lexicon.INTRODUCE
        before = before if word.low in lexicon.ARTICLES else word.low
    return False


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
    return _between_plain(new, stored, similarity)


def _between_plain(new: Sentence, stored: Sentence, similarity: float) -> Refusal | None:
    """Compare the order of words without those that only ask: `I want to`, `what is the way to`.

    They stand in the way where two sentences have the same words but for them.
    """
    plain = [_as_a_way(sentence) for sentence in (new, stored)]
    if all(len(text.split()) == len(s.words) for text, s in zip(plain, (new, stored), strict=True)):
        return None
    pair = Contrast(english.parse(plain[0]), english.parse(plain[1]), similarity)
    # Who does it is among the words that ask for a way, and was compared.
    named = "how to" not in _form_names(pair)
    for name, rule in (("role", _role if named else _ends), ("order", _order)):
        if detail := rule(pair):
            return Refusal(name, detail)
    return None


def _as_a_way(sentence: Sentence) -> str:
    """Write what an order wants done as the question for the way to do it."""
    way = "how" in sentence.lows or sentence.forms[0].name != "order"
    return sentence.wording if way else f"how to {sentence.wording}"


def _all_have(words: frozenset[str], sentences: Iterable[Sentence]) -> bool:
    return all(not words.isdisjoint(sentence.lows) for sentence in sentences)


def _form_names(pair: Contrast) -> set[str]:
    return {sentence.forms[0].name for sentence in pair.both}


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
        if not forms.may_be_the_same(one, other, near=pair.is_near):
            return f"{one.name!r} and {other.name!r}"
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
        sorted(w for w in s.wording.split() if w in lexicon.FUNCTION and w not in lexicon.ARTICLES)
        for s in pair.both
    )
    return "its words are what is asked about" if first != second else None


#: What asks about a word, where no other one will do.
_ABOUT_WORDS = frozenset(
    {
        "synonym", "synonyms", "antonym", "antonyms", "rhyme", "rhymes", "etymology", "plural",
        "singular", "noun", "verb", "adjective", "adverb", "tense", "participle", "syllables",
        "suffix", "prefix", "anagram",
    }
)  # fmt: skip


def _named_word(pair: Contrast) -> str | None:
    """Find a synonym where words are asked about, or are told from their synonyms."""
    first, second = (
        {w.low for w in one.words if w.kind in {HEAVY, LIGHT}} - set(other.lows)
        for one, other in (pair.both, pair.both[::-1])
    )
    shared = [stem(low) for low in set(pair.new.lows).intersection(pair.stored.lows)]
    told = turning.compares(pair) and any(
        are_synonyms(stem(word), found) for word in first | second for found in shared
    )
    about = _all_have(_ABOUT_WORDS, pair.both)
    return f"{min(first)!r} and {min(second)!r}" if first and second and (about or told) else None


# -- a word more, another word -------------------------------------------------------------------


def _entity(pair: Contrast) -> str | None:
    for sentence, only in zip(pair.both, pair.only, strict=True):
        for word in only:
            if word.name and not _is_title(sentence, word, only):
                return one_sided(word.low)
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
    return _light_substitution(pair) or _named_word(pair)


#: Light words of which one may stand for the other.
_LIGHT_SYNONYMS = tuple(
    frozenset(group.split())
    for group in (
        "good great best better well nice amazing awesome useful helpful interesting favorite",
        "good decent effective reliable trustworthy enjoyable fine fantastic",
        "main primary principal key essential fundamental basic major most important",
        "easy easily simple simply quick quickly easiest simplest quickest best", "most best",
        "normal typical usual common normally typically usually generally", "overall general",
        "way tip idea advice suggestion method technique step procedure instruction process",
        "mean meaning define definition explain describe", "specific particular certain",
        "actual actually real really true truly exact exactly", "possible able chance",
        "found founded start started", "know understand learn", "tell give show",
        "suggest recommend", "personal own", "correctly properly",
    )
)  # fmt: skip


def _light_substitution(pair: Contrast) -> str | None:
    """Find a light word in the place of another one where all else is equal."""
    own = [[w for w in only if w.kind in {HEAVY, LIGHT}] for only in pair.only]
    if not len(own[0]) == len(own[1]) == 1:
        return None
    (one,), (other,) = own
    first, second = (
        [
            "" if word in (one, other) else word.stem
            for word in s.words
            if word.low not in lexicon.ARTICLES
        ]
        for s in pair.both
    )
    same = any({one.low, other.low} <= group for group in _LIGHT_SYNONYMS)
    return f"{one.low!r} and {other.low!r}" if first == second and not same else None


def _place(sentence: Sentence, word: Word, other: Sentence) -> tuple[str, str]:
    """Return the nearest words of content before and behind a word that both sentences have."""
    at = sentence.words.index(word)
    shared = [
        w.stem if w.kind in {HEAVY, SLOT} and w.stem in other.stems else "" for w in sentence.words
    ]
    before = next((found for found in reversed(shared[:at]) if found), "")
    return before, next((found for found in shared[at + 1 :] if found), "")


def _order(pair: Contrast) -> str | None:
    return roles.in_another_order(pair.new, pair.stored) or _counted(pair)


def _counted(pair: Contrast) -> str | None:
    """Tell `two monitors with one laptop` from `one monitor with two laptops`."""
    first, second = (
        {
            one.low: other
            for one, other in zip(s.words, s.words[1:], strict=False)
            if one.kind == SLOT
        }
        for s in pair.both
    )
    for literal in sorted(first.keys() & second.keys()):
        one, other = first[literal], second[literal]
        shared = one.stem in pair.stored.stems and other.stem in pair.new.stems
        if one.kind == other.kind == HEAVY and one.stem != other.stem and shared:
            return f"{literal} {one.low!r} and {literal} {other.low!r}"
    return None


def _role(pair: Contrast) -> str | None:
    return _ends(pair) or persons.turned(pair)


def _ends(pair: Contrast) -> str | None:
    swapped = roles.with_swapped_roles(pair.new, pair.stored)
    return swapped or prepositions.differ(pair.new, pair.stored)


_RULES: tuple[tuple[str, Callable[[Contrast], str | None]], ...] = (
    ("second question", _second_question),
    ("question form", _question_form),
    ("verb", turning.another_time),
    ("negation", turning.denies),
    ("opposites", turning.opposites),
    ("capitals", _capitals),
    ("wording", _wording),
    ("manner", manner.told_differently),
    ("turning word", turning.turning_word),
    ("entity", _entity),
    ("role", _role),
    ("substitution", _substitution),
    ("narrowing", narrowed),
    ("order", _order),
)
