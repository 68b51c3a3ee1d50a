"""Do the same words play the same part in two sentences: who does what to whom, what is first?"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from llmc.language import lexicon, prepositions
from llmc.language.english import HEAVY, LIGHT, SLOT, TURNING

if TYPE_CHECKING:
    from llmc.language.english import Sentence, Word

__all__ = ["in_another_order", "with_swapped_roles"]


#: Words of which one says the contrary of the other, of what follows them.
_CONTRARY = (
    ("to", "from"), ("with", "without"), ("into", "from"), ("before", "after"), ("over", "under"),
    ("for", "against"), ("since", "until"), ("onto", "from"), ("for", "from"), ("about", "by"),
    ("about", "for"), ("by", "for"), ("on", "off"), ("on", "under"), ("for", "at"),
)  # fmt: skip


class _Roles(NamedTuple):
    """The stems that stand before each directed word of a sentence, and those that follow it."""

    before: dict[str, set[str]]
    after: dict[str, set[str]]


def with_swapped_roles(one: Sentence, other: Sentence) -> str | None:
    """Say which directed word has other things at its ends: `from A to B`, `from B to A`."""
    first, second = _roles(one), _roles(other)
    shared = sorted(first.after.keys() & second.after.keys())
    for role in shared:
        here = first.after[role] - second.after[role]
        there = second.after[role] - first.after[role]
        turned = here & second.before.get(role, set()) and there & first.before.get(role, set())
        crossed = any(
            here & (second.after[where] - first.after[where])
            and there & (first.after[where] - second.after[where])
            for where in shared
            if where != role
        )
        if here and there and (turned or crossed):
            return f"{role} {min(here)!r} and {role} {min(there)!r}"
    for role, contrary in _CONTRARY:
        if {one.lows[-1:], other.lows[-1:]} == {(role,), (contrary,)}:
            return f"{role} and {contrary}"  # where it comes from, where it goes to
        for a, b in ((first.after, second.after), (second.after, first.after)):
            moved = a.get(role, set()) & b.get(contrary, set())
            moved -= a.get(contrary, set()) | b.get(role, set())
            if moved:
                return f"{role} and {contrary} {min(moved)!r}"
    return None


def in_another_order(one: Sentence, other: Sentence) -> str | None:
    """Say what stands in another order where order counts."""
    lines = [[w.stem for w in s.words if w.kind in {HEAVY, SLOT}] for s in (one, other)]
    if "then" in one.lows and "then" in other.lows:
        said = [[w.stem for w in s.words if w.kind in {HEAVY, LIGHT, SLOT}] for s in (one, other)]
        common = set(said[0]) & set(said[1])
        first, second = ([w for w in dict.fromkeys(line) if w in common] for line in said)
        if first != second:
            return "what comes first in one of them comes later in the other"
    if one.slots != other.slots and any(map(_is_sign, one.slots + other.slots)):
        return "their literals stand in another order"  # 2 ^ 8 and 8 ^ 2
    alike = not (lexicon.ALIKE.isdisjoint(one.lows) or lexicon.ALIKE.isdisjoint(other.lows))
    swapped = "two of their words stand in each other's place"
    if alike:
        return swapped if "than" in one.lows and _has_two_swapped(one, other) else None
    if one.slots != other.slots:
        return "their literals stand in another order"
    twice = {word for word in lines[0] if lines[0].count(word) > 1}
    if len(twice) > 1 and lines[0] != lines[1] and sorted(lines[0]) == sorted(lines[1]):
        return "what is there twice stands in another order"
    turning = [[w.low for w in s.words if w.kind == TURNING] for s in (one, other)]
    if turning[0] != turning[1] and sorted(turning[0]) == sorted(turning[1]):
        return f"{turning[0][0]!r} stands in another place"
    if ("by" in one.lows) != ("by" in other.lows):  # the passive turns them round as well
        return None
    if _is_bare(one) and _is_bare(other) and _is_swapped(*lines):
        return "what stands first in one of them stands last in the other"
    # `does A contain B` has no third word to show which is which
    short = len(lines[0]) == len(lines[1]) == 2 and one.forms[0].name == "yes or no"
    if any(_is_turned(one, other, length=length) for length in ((3, 2) if short else (3,))):
        return "their words stand in reverse order"
    if _does_it_to_another(one, other) or _is_of_the_same_words(one, other):
        return "two words stand side by side in another order"
    return swapped if _has_two_swapped(one, other) else None


def _is_of_the_same_words(one: Sentence, other: Sentence) -> bool:
    """Tell whether the same words make other things and deeds by their order."""
    bags = [sorted(w.stem for w in s.words if w.low not in lexicon.ARTICLES) for s in (one, other)]
    return bags[0] == bags[1] and (
        _is_compounded(one, other)
        or _does_another(one, other)
        or _is_told_of_another(one, other)
        or _is_said_of_another(one, other)
    )


def _is_compounded(one: Sentence, other: Sentence) -> bool:
    """Tell whether a thing of two words is turned round: a house boat, a boat house."""
    first, second = map(_names_of_two, (one, other))
    return any(name[::-1] in second and name not in second for name in first)


def _names_of_two(sentence: Sentence) -> set[tuple[str, str]]:
    """Return the last two words of each run of words of content."""
    words = (*sentence.words, None)
    return {
        (here.stem, there.stem)
        for here, there, after in zip(sentence.words, words[1:], words[2:], strict=False)
        if there is not None
        and {here.kind, there.kind} <= {HEAVY, LIGHT}
        and not (here.name or there.name)
        and (after is None or after.kind not in {HEAVY, SLOT})
    }


def _does_another(one: Sentence, other: Sentence) -> bool:
    """Tell `how do I bottle clean water` from `how do I clean a water bottle`."""
    first, second = (_done(sentence) for sentence in (one, other))
    return bool(first and second and first.stem != second.stem)


def _is_told_of_another(one: Sentence, other: Sentence) -> bool:
    """Tell `which package installed a file` from `which file a package installed`."""
    first, second = (_behind_which(sentence) for sentence in (one, other))
    return bool(first and second and first != second)


def _behind_which(sentence: Sentence) -> str:
    """Return the thing behind a `which` within a sentence."""
    for before, word in zip(sentence.lows[1:], sentence.words[2:], strict=False):
        if before in {"which", "what", "whose"} and word.kind == HEAVY:
            return word.stem
    return ""


def _does_it_to_another(one: Sentence, other: Sentence) -> bool:
    """Tell `find a doctor who takes a car` from `find a car that a doctor takes`."""
    verb, other_verb = _done(one), _done(other)
    if verb is None or other_verb is None or verb.stem != other_verb.stem:
        return False
    if "'s" in one.lows + other.lows:
        return False  # the directory's owner, the owner of the directory
    first = _name(one, one.words.index(verb) + 1)
    second = _name(other, other.words.index(other_verb) + 1)
    shared = one.stems & other.stems
    return bool(first and second) and first.isdisjoint(second) and first | second <= shared


def _is_said_of_another(one: Sentence, other: Sentence) -> bool:
    """Tell `make friends at a new school` from `make new friends at school`."""
    stems = [word.stem for word in other.words]
    for at, word in enumerate(one.words[:-1]):
        if word.kind == HEAVY and stems.count(word.stem) == 1:
            there = stems.index(word.stem)
            first, second = _name(one, at + 1), _name(other, there + 1)
            if first and second and first.isdisjoint(second):
                return True
    return False


def _name(sentence: Sentence, at: int) -> set[str]:
    """Return the words of content that stand in a row from a word on, but for articles."""
    found: set[str] = set()
    for word in sentence.words[at:]:
        if word.kind in {HEAVY, SLOT}:
            found.add(word.stem)
        elif found or word.low not in lexicon.POINTING:
            break
    return found


def _done(sentence: Sentence) -> Word | None:
    """Return the verb of a way that is asked for, where it stands where it should."""
    if sentence.forms[0].name != "how to":
        return None
    for before, word in zip(sentence.lows, sentence.words[1:], strict=False):
        if before in {"i", "you", "one", "to"} and word.kind in {HEAVY, LIGHT}:
            return word
    return None


def _is_sign(slot: str) -> bool:
    return not any(map(str.isalnum, slot))


def _is_bare(sentence: Sentence) -> bool:
    """Tell whether the order of words alone says who does it: `does A do B` and nothing else."""
    return sentence.forms[0].name == "yes or no" and lexicon.DIRECTED.isdisjoint(sentence.lows)


def _is_swapped(first: list[str], second: list[str]) -> bool:
    """Tell whether the same words begin and end otherwise: big cats chase dogs."""
    if sorted(first) != sorted(second) or not first:
        return False
    return first[0] != second[0] and first[-1] != second[-1]


def _has_two_swapped(one: Sentence, other: Sentence) -> bool:
    """Tell whether sentences of the same words differ in two words' places alone.

    Words side by side may change places: little black, black little; Delhi elections.
    """
    words = [
        [w for w in s.words if w.low not in lexicon.ARTICLES or w.low == "a"] for s in (one, other)
    ]
    if sorted(w.stem for w in words[0]) != sorted(w.stem for w in words[1]):
        return False
    # `branch a`: an article is a name where the sentences differ in its place
    places = [
        [at for at, w in enumerate(line) if w.kind in {HEAVY, SLOT} or w.low == "a"]
        for line in words
    ]
    moved = [
        (here, there)
        for here, there in zip(*places, strict=True)
        if words[0][here].stem != words[1][there].stem
    ]
    if len(moved) != 2:
        return False
    (first, other_first), (second, other_second) = moved
    both = {words[0][first].stem, words[0][second].stem}
    if all(both <= prepositions.governed(sentence) for sentence in (one, other)):
        return False  # from here to there, to there from here
    crossed = bool(words[0][first].stem == words[1][other_second].stem)
    return crossed and second - first > 1 and other_second - other_first > 1


def _is_turned(one: Sentence, other: Sentence, *, length: int) -> bool:
    """Tell whether words in a row stand in reverse order in the other line, and not as here."""
    first, second = (_runs(sentence, length) for sentence in (one, other))
    return any(
        run[::-1] in second and run not in second and not _is_stacked(first[run], second[run[::-1]])
        for run in first
    )


def _runs(sentence: Sentence, length: int) -> dict[tuple[str, ...], list[set[str]]]:
    """Return the runs of words of content, with the words that stand in each gap."""
    places = [at for at, w in enumerate(sentence.words) if w.kind in {HEAVY, SLOT}]
    runs = zip(*(places[at:] for at in range(length)), strict=False)
    return {
        tuple(sentence.words[at].stem for at in run): [
            set(sentence.lows[here + 1 : there]) for here, there in pairwise(run)
        ]
        for run in runs
    }


def _is_stacked(gaps: list[set[str]], others: list[set[str]]) -> bool:
    """Tell whether nouns are stacked in one line, and joined in the other: placements in CS."""
    joined, stacked = (gaps, others) if any(gaps) else (others, gaps)
    return not any(stacked) and all(gap & _JOINING for gap in joined)


#: Prepositions that join what may be stacked as well.
_JOINING = frozenset({"in", "of", "at", "for", "on"})


def _roles(sentence: Sentence) -> _Roles:
    before: dict[str, set[str]] = {}
    after: dict[str, set[str]] = {}
    seen: set[str] = set()
    phrase: set[str] = set()
    role, last = "", ""
    for word in sentence.words:
        if word.low == "'s":
            after.setdefault("of", set()).update(phrase)
            role = ""
        elif word.low in lexicon.DIRECTED and (last, word.low) != ("how", "to"):
            role, phrase = word.low, set()
            before.setdefault(role, set()).update(seen)
            after.setdefault(role, set())
        elif word.kind in {HEAVY, LIGHT, SLOT} or (
            last == role and word.low not in lexicon.POINTING
        ):
            if role:
                after[role].add(word.stem)
            phrase.add(word.stem)
            seen.add(word.stem)
        elif word.low not in lexicon.POINTING:
            role, phrase = "", set()
        last = word.low
    return _Roles(before, after)
