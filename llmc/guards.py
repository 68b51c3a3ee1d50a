"""What keeps two questions apart, however near their vectors are? Rules, each with its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmc import lexicon
from llmc.english import FUNCTION, HEAVY, LIGHT, SLOT, TURNING, are_synonyms, stem

if TYPE_CHECKING:
    from llmc.english import Sentence, Word

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
    for word in sentence.words:
        if word.low in lexicon.PRESENT:
            return Refusal("present", f"{word.low!r} names the present")
    return None


def between(new: Sentence, stored: Sentence, similarity: float = 1.0) -> Refusal | None:
    """Say why two questions must not share an answer; None if nothing speaks against it."""
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
    def __init__(self, new: Sentence, stored: Sentence, similarity: float) -> None:
        self.both = (new, stored)
        self.near = similarity >= NEAR
        self.only = (_only(new, stored), _only(stored, new))
        self.heavy = tuple([w for w in only if w.kind == HEAVY] for only in self.only)


def _only(one: Sentence, other: Sentence) -> list[Word]:
    return [
        w
        for w in one.words
        if w.stem not in other.stems
        and w.kind != SLOT
        and not any(are_synonyms(w.stem, s) for s in other.stems)
    ]


_EQUAL_FORMS = {
    frozenset(("how to", "order")),
    frozenset(("what", "order")),
    frozenset(("write", "order")),
    frozenset(("how many", "order")),
}


def _form(pair: _Pair) -> Refusal | None:
    first, second = (s.forms for s in pair.both)
    if len(first) != len(second):
        return Refusal("second question", "one of them asks a second question")
    for one, other in zip(first, second, strict=True):
        if one != other and frozenset((one, other)) not in _EQUAL_FORMS:
            return Refusal("question form", f"{one!r} and {other!r}")
    return None


def _negation(pair: _Pair) -> Refusal | None:
    counts = [sum(w.low in lexicon.NEGATIONS for w in s.words) for s in pair.both]
    if counts[0] != counts[1]:
        return Refusal("negation", "one of them denies")
    return None


_OPPOSITE: dict[str, set[int]] = {}
for _n, (_l, _r) in enumerate(lexicon.OPPOSITES):
    for _w in _l:
        _OPPOSITE.setdefault(stem(_w), set()).add(_n + 1)
        _OPPOSITE.setdefault(_w, set()).add(_n + 1)
    for _w in _r:
        _OPPOSITE.setdefault(stem(_w), set()).add(-_n - 1)
        _OPPOSITE.setdefault(_w, set()).add(-_n - 1)


def _sides(one: Sentence, other: Sentence) -> dict[int, str]:
    lows = {w.low for w in other.words}
    found: dict[int, str] = {}
    for w in one.words:
        if w.low in lows:
            continue
        for side in _OPPOSITE.get(w.low) or _OPPOSITE.get(w.stem) or ():
            found[side] = w.low
    return found


def _opposites(pair: _Pair) -> Refusal | None:
    first, second = _sides(*pair.both), _sides(*pair.both[::-1])
    for side, word in first.items():
        if -side in second:
            return Refusal("opposites", f"{word!r} and {second[-side]!r}")
    return None


def _turning(pair: _Pair) -> Refusal | None:
    sets = [{w.low for w in s.words if w.kind == TURNING} for s in pair.both]
    soft = {"already", "again", "still", "other", "each", "another"} if pair.near else set()
    for word in sorted((sets[0] ^ sets[1]) - soft):
        return Refusal("turning word", f"{word!r} on one side only")
    return None


def _order_of_slots(pair: _Pair) -> Refusal | None:
    if pair.both[0].slots != pair.both[1].slots:
        if all(any(w.low in lexicon.ALIKE for w in s.words) for s in pair.both):
            return None
        return Refusal("order", "their literals stand in another order")
    return None


def _entity(pair: _Pair) -> Refusal | None:
    for only in pair.only:
        for w in only:
            if w.name and not pair.near:
                return Refusal("entity", f"{w.low!r} on one side only")
            if w.name:
                return Refusal("entity", f"{w.low!r} on one side only")
    return None


_INTRODUCE = frozenset(
    [
        "in",
        "on",
        "for",
        "with",
        "from",
        "at",
        "by",
        "to",
        "without",
        "into",
        "onto",
        "using",
        "via",
        "through",
        "of",
        "or",
        "and",
        "like",
        "as",
    ]
)


def _introduced(sentence: Sentence, word: Word) -> bool:
    """Tell whether a word is the object of a preposition, or one of several things."""
    at = sentence.words.index(word)
    for before in reversed(sentence.words[:at]):
        if before.low in _INTRODUCE:
            return True
        if before.kind not in {LIGHT, FUNCTION} or before.low not in {
            "a",
            "an",
            "the",
            "my",
            "your",
        }:
            return False
    return False


def _substitution(pair: _Pair) -> Refusal | None:
    first, second = pair.heavy
    if first and second:
        if not pair.near and min(len(first), len(second)) == 1 == max(len(first), len(second)):
            return Refusal("substitution", f"{first[0].low!r} and {second[0].low!r}")
        if len(first) == len(second) == 1:
            return Refusal("substitution", f"{first[0].low!r} and {second[0].low!r}")
        if not pair.near and not RELAX2:
            return Refusal("substitution", f"{first[0].low!r} and {second[0].low!r}")
    elif first or second:
        s = pair.both[0 if first else 1]
        words = first or second
        if RELAX1:
            if not pair.near and s.forms[0] in {"how to", "order", "write"}:
                return Refusal("narrowing", f"{words[0].low!r} on one side only")
            if any(_introduced(s, w) for w in words):
                return Refusal("introduced", f"{words[0].low!r} on one side only")
        elif not pair.near:
            return Refusal("narrowing", f"{words[0].low!r} on one side only")
    return None


import os

RELAX1 = "1" in os.environ.get("RX", "12")
RELAX2 = "2" in os.environ.get("RX", "12")


def _roles(s: Sentence) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """What stands after, and before, each directed word and each literal."""
    after: dict[str, set[str]] = {}
    before: dict[str, set[str]] = {}
    role, seen, phrase = "", set(), set()
    for w in s.words:
        if w.low == "'s":
            after.setdefault("of", set()).update(phrase)
            role = ""
        elif w.low in lexicon.DIRECTED:
            role, phrase = w.low, set()
            before.setdefault(role, set()).update(seen)
            after.setdefault(role, set())
        elif w.kind in {HEAVY, LIGHT, SLOT}:
            if role:
                after[role].add(w.stem)
            phrase.add(w.stem)
            seen.add(w.stem)
        elif w.low not in {"a", "an", "the", "my", "your", "our", "this", "that"}:
            role, phrase = "", set()
    return after, before


def _role(pair: _Pair) -> Refusal | None:
    (a, before_a), (b, before_b) = map(_roles, pair.both)
    for r in a.keys() & b.keys():
        x, y = a[r] - b[r], b[r] - a[r]
        if x and y:
            if x & before_b[r] and y & before_a[r] if r in before_a and r in before_b else False:
                return Refusal("role", f"{r} {min(x)!r} / {r} {min(y)!r}")
            for q in a.keys() & b.keys() - {r}:
                if x & b[q] - a[q] and y & a[q] - b[q]:
                    return Refusal("role", f"{r} {min(x)!r} / {r} {min(y)!r}")
    for r, q in (
        ("to", "from"),
        ("with", "without"),
        ("into", "from"),
        ("before", "after"),
        ("over", "under"),
        ("for", "against"),
        ("since", "until"),
        ("onto", "from"),
    ):
        for one, two in ((a, b), (b, a)):
            shared = one.get(r, set()) & two.get(q, set()) - one.get(q, set()) - two.get(r, set())
            if shared:
                return Refusal("role", f"{r} / {q} {min(shared)!r}")
    return None


def _turned(pair: _Pair) -> Refusal | None:
    alike = all(any(w.low in lexicon.ALIKE for w in s.words) for s in pair.both)
    if alike:
        return None
    A = [w.stem for w in pair.both[0].words if w.kind in {HEAVY, SLOT}]
    B = [w.stem for w in pair.both[1].words if w.kind in {HEAVY, SLOT}]
    if len(set(A)) != len(A) or len(set(B)) != len(B):
        pass
    pos = {s: i for i, s in enumerate(B)}
    seq = [pos[s] for s in A if s in pos]
    yn = pair.both[0].forms[:1] == ("yes or no",)
    triples = {tuple(A[i : i + 3]) for i in range(len(A) - 2)}
    if any(tuple(B[i : i + 3][::-1]) in triples for i in range(len(B) - 2)):
        return Refusal("order", "their words stand in reverse order")
    if (
        yn
        and {tuple(A[i : i + 2]) for i in range(len(A) - 1)}
        & {tuple(B[i : i + 2][::-1]) for i in range(len(B) - 1)}
        and len(A) == 2 == len(B)
    ):
        return Refusal("order", "their words stand in reverse order")
    return None


_RULES = (
    _order_of_slots,
    _form,
    _negation,
    _opposites,
    _turning,
    _entity,
    _role,
    _substitution,
    _turned,
)
