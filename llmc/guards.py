"""What keeps two questions apart, however near their vectors are? Rules, each with its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmc import lexicon
from llmc.english import HEAVY, LIGHT, SLOT, TURNING, are_synonyms, stem

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmc.english import Form, Sentence, Word

__all__ = ["NEAR", "Refusal", "alone", "between"]

#: The similarity from which a word too many is no other question (all-MiniLM-L6-v2).
NEAR = 0.955


class Refusal(NamedTuple):
    """Why a question is exact only, or why two must not share an answer."""

    guard: str
    detail: str


def alone(sentence: Sentence, *, follows: bool = False) -> Refusal | None:
    """Say why a question may be answered with the answer of an equal one alone; None if not."""
    content = [w for w in sentence.words if w.kind in {SLOT, HEAVY, LIGHT}]
    if len(content) < 2:
        return Refusal("too short", "it has fewer than two words that say something")
    if follows and len(sentence.words) < 8:
        return Refusal("follow-up", "it is a short turn of a conversation")
    for word in sentence.lows:
        if word in lexicon.PRESENT:
            return Refusal("present", f"{word!r} names the present")
        if word in lexicon.RANDOM:
            return Refusal("randomness", f"{word!r} asks for another answer each time")
    for pair in zip(sentence.lows, sentence.lows[1:], strict=False):
        if pair in lexicon.PRESENT_SPANS:
            return Refusal("present", f"{' '.join(pair)!r} names the present")
    return None


def between(new: Sentence, stored: Sentence, similarity: float = 1.0) -> Refusal | None:
    """Say why a stored question's answer must not serve a new one; None if nothing speaks against.

    The order of the two matters in one rule only: an answer to more than was asked will do.
    """
    if new.lows == stored.lows:
        return None
    if not (new.english and stored.english):
        return Refusal("language", "it is no English that could be compared")
    pair = _Pair(new, stored, similarity)
    for rule in _RULES:
        if refusal := rule(pair):
            return refusal
    return None


class _Pair:
    """Two sentences, and the words that only one of them has."""

    def __init__(self, new: Sentence, stored: Sentence, similarity: float) -> None:
        self.new = new
        self.stored = stored
        self.both = (new, stored)
        self.near = similarity >= NEAR
        self.only = (_only(new, stored), _only(stored, new))
        self.heavy = tuple([w for w in only if w.kind == HEAVY] for only in self.only)
        self.alike = all(not lexicon.ALIKE.isdisjoint(s.lows) for s in self.both)


def _only(one: Sentence, other: Sentence) -> list[Word]:
    joined = {a.low + b.low for a, b in zip(other.words, other.words[1:], strict=False)}
    own = {w.low for w in other.words}
    halves: set[int] = set()
    for at, (a, b) in enumerate(zip(one.words, one.words[1:], strict=False)):
        if a.low + b.low in own:
            halves |= {at, at + 1}
    return [
        word
        for at, word in enumerate(one.words)
        if word.stem not in other.stems
        and word.kind != SLOT
        and word.low not in joined
        and at not in halves
        and not any(are_synonyms(word.stem, stem) for stem in other.stems)
    ]


# -- what is asked -------------------------------------------------------------------------------

#: Forms that ask for the same: an order is done by saying how.
_SAME = {
    frozenset(pair)
    for pair in (
        ("how to", "order"), ("what", "order"), ("write", "order"), ("how many", "order"),
        ("how", "what like"),
    )
}  # fmt: skip


def _form(pair: _Pair) -> Refusal | None:
    first, second = (s.forms for s in pair.both)
    if len(first) > len(second):
        return Refusal("second question", "it asks a second question")
    for one, other in zip(first, second, strict=False):
        if not (_may_ask_the_same(one, other) or _may_ask_the_same(other, one)):
            return Refusal("question form", f"{one.name!r} and {other.name!r}")
    return None


def _may_ask_the_same(one: Form, other: Form) -> bool:
    """Tell whether two forms may ask for the same; the other order is asked for as well."""
    if one.name == other.name or frozenset((one.name, other.name)) in _SAME:
        return True
    if all(not _COMPARED.isdisjoint(form.words) for form in (one, other)):
        return {one.name, other.name} <= {"how", "how to", "what", "order"}
    if one.name == "what" and other.name == "where":
        # `what are the best` and `where do I find the best`
        return not {"find", "get", "see"}.isdisjoint(
            other.words[1:5]
        ) or not lexicon.PLACES.isdisjoint(one.words[1:8])
    if one.name in {"what", "who"}:
        nouns = {"where": lexicon.PLACES, "who": lexicon.PERSONS, "when": lexicon.TIMES}
        kind, _, degree = other.name.partition(" ")
        wanted = nouns.get(kind, frozenset())
        if kind == "how" and degree != "to":
            degree = other.words[1] if degree == "many" else degree
            wanted = lexicon.MEASURES.get(degree, frozenset())
        if not wanted.isdisjoint(one.words[1:8]):
            return True
        # `who wins, A or B` and `will A or B win`
        choice = other.name in {"yes or no", "should", "what", "who"}
        return choice and "or" in one.words and "or" in other.words
    if one.name == "how" and other.name == "how to":
        # `how is it spelled` and `how do you spell it`
        passive = one.words[1:2] and one.words[1] in {"is", "are", "was", "were"}
        return bool(passive) and stem(one.words[-1]) in map(stem, other.words[2:5])
    if one.name == "how many" and other.name.startswith("how "):
        wanted = lexicon.MEASURES.get(other.name[4:], frozenset())
        return not wanted.isdisjoint(one.words)
    return False


#: Verbs that set the time, and those that say what one may, by what they have in common.
_PAST = frozenset({"was", "were"})
_NOT_PAST = frozenset({"is", "are", "will"})
_OUGHT = frozenset({"should", "must", "ought"})
_MAY = frozenset({"can", "could", "may"})


def _verb(pair: _Pair) -> Refusal | None:
    """Compare the verb that a question begins with."""
    for one, other in zip(pair.new.forms, pair.stored.forms, strict=False):
        words = one.words, other.words
        first, second = map(_deed, words)
        deed = first or second
        if deed and "" in {first, second} and all(deed in map(stem, w) for w in words):
            return Refusal("role", "one asks who does it, the other to whom it is done")
        if one.name != other.name or one.name in {"how to", "why"}:
            continue
        here_and_there = [{w for w in line[:4] if w in lexicon.AUXILIARIES} for line in words]
        for here, there in ((_PAST, _NOT_PAST), (_OUGHT, _MAY)):
            for a, b in (here_and_there, here_and_there[::-1]):
                if a & here and b & there and not (a & there or b & here):
                    return Refusal("verb", f"{min(a & here)!r} and {min(b & there)!r}")
    return None


_ANYBODY = [(who,) for who in ("i", "you", "we", "one", "they", "people")]


def _deed(words: tuple[str, ...]) -> str | None:
    """Return what `who` or `what` does; nothing if it is done to them; None if unknown."""
    if words[:1] and words[0] in {"who", "whom", "what", "which"}:
        for at, word in enumerate(words[1:4], 1):
            if word in {"do", "does", "did"}:
                return None if words[at + 1 : at + 2] in _ANYBODY else ""
            if word in lexicon.AUXILIARIES or word == "'s":
                return None
            if at > 1 or words[0] in {"who"}:
                return stem(word)
    return None


def _negation(pair: _Pair) -> Refusal | None:
    counts = [sum(low in lexicon.NEGATIONS for low in s.lows) for s in pair.both]
    return Refusal("negation", "one of them denies") if counts[0] != counts[1] else None


_SIDES: dict[str, set[int]] = {}
for _number, _pair_of_words in enumerate(lexicon.OPPOSITES, start=1):
    for _side, _words_of_it in zip((_number, -_number), _pair_of_words, strict=True):
        for _word in _words_of_it:
            _SIDES.setdefault(_word, set()).add(_side)
            _SIDES.setdefault(stem(_word), set()).add(_side)


def _opposites(pair: _Pair) -> Refusal | None:
    first, second = _sides(*pair.both), _sides(*pair.both[::-1])
    for side, word in first.items():
        if -side in second:
            return Refusal("opposites", f"{word!r} and {second[-side]!r}")
    return None


def _sides(one: Sentence, other: Sentence) -> dict[int, str]:
    return {
        side: word.low
        for word in one.words
        if word.low not in other.lows
        for side in _SIDES.get(word.low) or _SIDES.get(word.stem) or ()
    }


#: Words that turn a question, by those that turn it the same way.
_TURNS = {"till": "until", "above": "over", "below": "under", "via": "over", "every": "each"}


_DOING = frozenset({"how to", "order", "write"})
_COMPARED = lexicon.ALIKE - {"and", "or", "both", "either"}


def _turning(pair: _Pair) -> Refusal | None:
    lines = [
        [
            _TURNS.get(w.low, w.low)
            for w in s.words
            if w.kind == TURNING and w.low not in lexicon.NEGATIONS
        ]
        for s in pair.both
    ]
    first, second = map(set, lines)
    if not any(s.forms[0].name in _DOING for s in pair.both):
        first, second = first - {"all"}, second - {"all"}
    first, second = (first - {"between"}, second - {"between"}) if pair.alike else (first, second)
    for word in sorted(first ^ second):
        return Refusal("turning word", f"{word!r} on one side only")
    if lines[0] != lines[1] and sorted(lines[0]) == sorted(lines[1]) and not pair.alike:
        return Refusal("order", f"{lines[0][0]!r} stands in another place")
    joins = [{"and", "or"}.intersection(s.lows) for s in pair.both]
    compared = all(not _COMPARED.isdisjoint(s.lows) for s in pair.both)
    if not compared and joins in ([{"and"}, {"or"}], [{"or"}, {"and"}]):
        return Refusal("turning word", "'and' and 'or'")
    return None


# -- what is named -------------------------------------------------------------------------------


def _order_of_slots(pair: _Pair) -> Refusal | None:
    if pair.new.slots == pair.stored.slots or pair.alike:
        return None
    return Refusal("order", "their literals stand in another order")


def _entity(pair: _Pair) -> Refusal | None:
    for sentence, only in zip(pair.both, pair.only, strict=True):
        for word in only:
            if word.name and not _is_title(sentence, word, only):
                return Refusal("entity", f"{word.low!r} on one side only")
    return None


def _is_title(sentence: Sentence, word: Word, only: list[Word]) -> bool:
    """Tell whether a word only goes with a name that both have: Mr, Mahatma, an initial."""
    if word.low not in lexicon.TITLES and len(word.low) > 1:
        return False
    at = sentence.words.index(word)
    near = sentence.words[max(at - 1, 0) : at + 2]
    return any(w.name and w not in only and len(w.low) > 1 for w in near)


# -- a word more, another word -------------------------------------------------------------------

_INTRODUCE = frozenset(
    "in on for with from at by to without into onto using via through of or and like as".split()
)
_ARTICLES = frozenset({"a", "an", "the", "my", "your"})


def _substitution(pair: _Pair) -> Refusal | None:
    first, second = pair.heavy
    if first and second:
        for one in first:
            for other in second:
                if len(first) == len(second) == 1 or _gap(pair.new, one, pair.stored) & _gap(
                    pair.stored, other, pair.new
                ):
                    return Refusal("substitution", f"{one.low!r} and {other.low!r}")
        return None
    if not (first or second):
        return None
    sentence, words = (pair.new, first) if first else (pair.stored, second)
    other = pair.stored if first else pair.new
    if _names_a_list(sentence, words, pair):
        words = words[1:]
        if not words:
            return None
    asks_for_doing = sentence.forms[0].name in _DOING
    if asks_for_doing and not pair.near:
        return Refusal("narrowing", f"{words[0].low!r} on one side only")
    if any(_is_introduced(sentence, word) for word in words):
        return Refusal("introduced", f"{words[0].low!r} on one side only")
    if any(_narrows(sentence, word, other) for word in words):
        return Refusal("narrowing", f"{words[0].low!r} on one side only")
    return None


#: Orders that a `what are` stands for.
_LISTING = frozenset({"list", "name", "enumerate"})


def _names_a_list(sentence: Sentence, words: list[Word], pair: _Pair) -> bool:
    other = pair.stored if sentence is pair.new else pair.new
    first = words[0]
    return first.low in _LISTING and sentence.words[0] == first and other.forms[0].name == "what"


def _gap(sentence: Sentence, word: Word, other: Sentence) -> set[tuple[str, str]]:
    """Return the nearest words of content before and behind a word that both sentences have."""
    at = sentence.words.index(word)
    shared = [
        w.stem if w.kind in {HEAVY, SLOT} and w.stem in other.stems else "" for w in sentence.words
    ]
    before = next((stem for stem in reversed(shared[:at]) if stem), "")
    behind = next((stem for stem in shared[at + 1 :] if stem), "")
    return {("before", before), ("behind", behind)}


def _narrows(sentence: Sentence, word: Word, other: Sentence) -> bool:
    """Tell whether a word stands before one that both have: a gaming laptop is no laptop."""
    at = sentence.words.index(word)
    return any(w.kind == HEAVY and w.stem in other.stems for w in sentence.words[at + 1 : at + 2])


def _is_introduced(sentence: Sentence, word: Word) -> bool:
    """Tell whether a word is the object of a preposition, or one of several things."""
    for before in reversed(sentence.words[: sentence.words.index(word)]):
        if before.low in _INTRODUCE:
            return True
        if before.low not in _ARTICLES:
            return False
    return False


# -- who does what to whom -----------------------------------------------------------------------

_CONTRARY = (
    ("to", "from"), ("with", "without"), ("into", "from"), ("before", "after"), ("over", "under"),
    ("for", "against"), ("since", "until"), ("onto", "from"),
)  # fmt: skip


def _roles(sentence: Sentence) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return what stands after, and before, each directed word."""
    after: dict[str, set[str]] = {}
    before: dict[str, set[str]] = {}
    seen: set[str] = set()
    phrase: set[str] = set()
    role = ""
    for at, word in enumerate(sentence.words):
        if word.low == "to" and at and sentence.words[at - 1].low == "how":
            continue
        if word.low == "'s":
            after.setdefault("of", set()).update(phrase)
            role = ""
        elif word.low in lexicon.DIRECTED:
            role, phrase = word.low, set()
            before.setdefault(role, set()).update(seen)
            after.setdefault(role, set())
        elif word.kind in {HEAVY, LIGHT, SLOT}:
            if role:
                after[role].add(word.stem)
            phrase.add(word.stem)
            seen.add(word.stem)
        elif word.low not in {*_ARTICLES, "our", "this", "that"}:
            role, phrase = "", set()
    return after, before


def _role(pair: _Pair) -> Refusal | None:
    (first, before_first), (second, before_second) = map(_roles, pair.both)
    shared = first.keys() & second.keys()
    for role in shared:
        one, other = first[role] - second[role], second[role] - first[role]
        if not (one and other):
            continue
        swapped = (
            one & before_second[role] and other & before_first[role]
            if (role in before_first and role in before_second)
            else False
        )
        if swapped or any(
            one & second[where] - first[where] and other & first[where] - second[where]
            for where in shared - {role}
        ):
            return Refusal("role", f"{role} {min(one)!r} and {role} {min(other)!r}")
    for role, contrary in _CONTRARY:
        for one_side, other_side in ((first, second), (second, first)):
            here = one_side.get(role, set()) & other_side.get(contrary, set())
            here -= one_side.get(contrary, set()) | other_side.get(role, set())
            if here:
                return Refusal("role", f"{role} and {contrary} {min(here)!r}")
    return None


def _turned(pair: _Pair) -> Refusal | None:
    """Find three words of content in a row that stand in reverse order in the other question."""
    passive = [" by " in f" {' '.join(s.lows)} " for s in pair.both]
    first, second = ([w.stem for w in s.words if w.kind in {HEAVY, SLOT}] for s in pair.both)
    if all("then" in s.lows for s in pair.both):
        order = [
            [w for w in dict.fromkeys(line) if w in first and w in second]
            for line in (first, second)
        ]
        if order[0] != order[1]:
            return Refusal("order", "one thing comes after the other, not before it")
    if pair.alike or passive[0] != passive[1]:
        return None
    for length in (3, 2):
        runs = [
            set(zip(*(line[n:] for n in range(length)), strict=False)) for line in (first, second)
        ]
        turned = {run[::-1] for run in runs[0] - runs[1]} & (runs[1] - runs[0])
        whole = (
            length == 3 or len(first) == len(second) == 2 and pair.new.forms[0].name == "yes or no"
        )
        if turned and whole:
            return Refusal("order", "their words stand in reverse order")
    return None


_RULES: tuple[Callable[[_Pair], Refusal | None], ...] = (
    _order_of_slots,
    _form,
    _verb,
    _negation,
    _opposites,
    _turning,
    _entity,
    _role,
    _substitution,
    _turned,
)
