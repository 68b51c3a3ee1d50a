"""What does an English sentence consist of? Stems, words of grammar, names.

Approximate on purpose: what it gets wrong must cost a hit, never an answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from llmc.language import forms, lexicon, thesaurus, tokens

__all__ = [
    "FUNCTION",
    "HEAVY",
    "LIGHT",
    "SLOT",
    "TURNING",
    "Sentence",
    "Word",
    "are_synonyms",
    "is_past",
    "parse",
    "stem",
]

#: Kinds of words: a literal, a word of grammar, one that turns a question, a light one, any other.
SLOT, FUNCTION, TURNING, LIGHT, HEAVY = "literal", "function", "turning", "light", "heavy"

#: Verbs of grammar, in all their forms.
_VERBS = frozenset({"get", "let", "need", "have", "be", "do"})


class Word(NamedTuple):
    """One word of a sentence."""

    low: str
    raw: str
    stem: str
    kind: str
    name: bool  # written as a name, or an abbreviation


class Sentence(NamedTuple):
    """A text taken apart."""

    words: tuple[Word, ...]
    slots: tuple[str, ...]
    lows: tuple[str, ...]
    stems: frozenset[str]
    forms: tuple[forms.Form, ...]  # what each of its questions asks for
    english: bool
    wording: str  # what its vector is made of


def stem(word: str) -> str:
    """Take off the endings of number and tense; approximate."""
    if lexicon.IRREGULAR.get(word) == word:
        return word  # news, pandas, rails
    word = base = _american(lexicon.IRREGULAR.get(word, word))
    if len(word) < 4 or not word.isascii() or not _has_vowel(word):
        return word
    if word.endswith("ies") and len(word) > 4:
        base = word[:-1]
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        base = word[:-2]
    elif word[-1] == "s" and word[-2] not in "sui":
        base = word[:-1]
    elif word.endswith("ing") and len(word) > 5 and _has_vowel(word[:-3]):
        base = _single(word[:-3])
    elif word.endswith("ied") and len(word) > 4:
        base = word[:-1]
    elif word.endswith("ed") and len(word) > 4 and word[-3] != "e" and _has_vowel(word[:-2]):
        base = _single(word[:-2])
    if base.endswith("y") and base[-2] not in "aeiou" and len(base) > 3:  # flying, fly
        base = base[:-1] + "i"
    elif base.endswith("e") and len(base) > 3:
        base = base[:-1]
    return _undoubled(base) if len(base) > 7 else base


_BRITISH = (
    ("ise", "ize"), ("ised", "ized"), ("ises", "izes"), ("ising", "izing"), ("isation", "ization"),
    ("yse", "yze"), ("ysed", "yzed"), ("ysing", "yzing"), ("our", "or"), ("ours", "ors"),
    ("oured", "ored"), ("ouring", "oring"), ("ourite", "orite"), ("ourites", "orites"),
)  # fmt: skip


def _undoubled(word: str) -> str:
    """Write double consonants of a long word once: they are its commonest misspelling."""
    pairs = zip(word, word[1:] + " ", strict=True)
    return "".join(c for c, after in pairs if c != after or c in "aeiou")


def _american(word: str) -> str:
    if len(word) > 5:
        for british, american in _BRITISH:
            if word.endswith(british):
                return word[: -len(british)] + american
    return word


def _has_vowel(word: str) -> bool:
    return any(c in "aeiouy" for c in word)


def _single(word: str) -> str:
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz"
    return word[:-1] if doubled else word


_LIGHT = lexicon.LIGHT | {stem(word) for word in lexicon.LIGHT}

_GROUPS: dict[str, set[int]] = {}
for _number, _group in enumerate(thesaurus.SYNONYMS):
    for _word in _group:
        _GROUPS.setdefault(stem(_word), set()).add(_number)


def are_synonyms(one: str, other: str) -> bool:
    """Tell whether of two stems one may stand for the other, or is derived as it is."""
    if one.endswith("est") and other.endswith("est"):
        one, other = (stem(_single(word[:-3])) for word in (one, other))
    first, second = _GROUPS.get(one), _GROUPS.get(other)
    if first and second and not first.isdisjoint(second):
        return True
    return one[:4] == other[:4] and not _roots(one).isdisjoint(_roots(other))


def _roots(word: str) -> set[str]:
    """Return a word, and what it may have been made of."""
    made = {word[: -len(suffix)] for suffix in thesaurus.SUFFIXES if word.endswith(suffix)}
    return {word} | {root for root in made if len(root) > 4}


def is_past(verb: str) -> bool:
    """Tell whether a verb's form says that it is done, by its ending or its irregularity."""
    return verb.endswith("ed") or (verb in lexicon.IRREGULAR and not verb.endswith(("s", "ing")))


@lru_cache(maxsize=512)
def parse(text: str) -> Sentence:
    """Take a text apart. A sentence is kept for the next questions that are near."""
    found = _measured(_plain(tokens.tokens(tokens.fold(text))))
    shouts = _shouts(found)
    words = []
    for at, token in enumerate(found):
        low = token.low if token.slot else tokens.unit(token, counted=False)
        if low == "us" and _is_country(found, at):
            low = "usa"
        if token.raw == "A" and not (token.starts or shouts):
            low = "A"  # a thing called so: column A, team A
        base = low if token.slot else stem(_plain_letters(low))
        words.append(
            Word(low, token.raw, base, _kind(token, low, base), not shouts and _is_name(token))
        )
    return Sentence(
        words=tuple(words),
        slots=tuple(token.low for token in found if token.slot),
        lows=tuple(word.low for word in words),
        stems=frozenset(word.stem for word in words),
        forms=forms.asked(found),
        wording=forms.wording(found),
        english=_is_english(words),
    )


def _plain_letters(word: str) -> str:
    """Take the accents off a word; a letter alone is what is asked about."""
    if word.isascii() or len(word) == 1:
        return word
    import unicodedata

    letters = unicodedata.normalize("NFKD", word)
    return "".join(c for c in letters if not unicodedata.combining(c))


def _measured(found: list[tokens.Token]) -> list[tokens.Token]:
    """Write the units behind numbers out."""
    before = [False, *(token.slot and token.low[0].isdigit() for token in found)]
    return [
        token._replace(low=tokens.unit(token, counted=True))
        if counted and not token.slot
        else token
        for token, counted in zip(found, before, strict=False)
    ]


def _plain(found: list[tokens.Token]) -> list[tokens.Token]:
    """Put plain words in the place of idioms."""
    plain: list[tokens.Token] = []
    at = 0
    while at < len(found):
        for length in (5, 4, 3, 2):
            some = found[at : at + length]
            meaning = lexicon.IDIOMS.get(tuple(token.low for token in some))
            if meaning is not None and not any(token.slot for token in some):
                first = some[0].starts
                plain += [
                    tokens.Token(word, word, starts=first and not n)
                    for n, word in enumerate(meaning)
                ]
                at += length
                break
        else:
            plain.append(found[at])
            at += 1
    return plain


#: Behind these, `us` is no person if a word of content follows.
_BEFORE_US = lexicon.AUXILIARIES | {"for", "from", "to", "by", "of"}


def _is_country(found: list[tokens.Token], at: int) -> bool:
    """Tell `do us citizens` from `tell us`."""
    before = found[at - 1].low if at else ""
    if found[at].raw == "US" or before == "the":
        return True
    after = found[at + 1 : at + 2]
    followed = bool(after) and _kind(after[0], after[0].low, stem(after[0].low)) == HEAVY
    if before in {"in", "within", "across"}:
        return True
    return followed and (not at or found[at].starts or before in _BEFORE_US)


def _kind(token: tokens.Token, low: str, base: str) -> str:
    if token.slot:
        return SLOT
    if low in lexicon.TURNING or low in lexicon.NEGATIONS:
        return TURNING
    if low in lexicon.FUNCTION or base in _VERBS:
        return FUNCTION
    return LIGHT if base in _LIGHT or low in _LIGHT else HEAVY


def _shouts(found: list[tokens.Token]) -> bool:
    """Tell whether nearly all words begin with a capital: then capitals say nothing."""
    words = [token.raw for token in found if not token.slot]
    return sum(word[:1].isupper() for word in words) > 0.7 * len(words) > 2


def _is_name(token: tokens.Token) -> bool:
    raw = token.raw
    if token.slot or not raw[:1].isalpha() or token.low == "ok":
        return False
    if any(c.isupper() for c in raw[1:]):
        return True
    if not raw[0].isupper() or raw == "I" or (len(raw) > 1 and token.low in lexicon.FUNCTION):
        return False
    return not token.starts or (len(raw) == 1 and raw != "A")


# -- which language ------------------------------------------------------------------------------


def _is_english(words: list[Word]) -> bool:
    plain = [word.low for word in words if word.kind != SLOT]
    if any(c.isalpha() and not _is_latin(c) for low in plain for c in low if not low.isascii()):
        return False
    english = sum(low in lexicon.ENGLISH for low in plain)
    foreign = sum(low in lexicon.FOREIGN for low in plain)
    accented = sum(not low.isascii() for low in plain)
    return foreign + accented <= english


def _is_latin(character: str) -> bool:
    return character < "\u0250" or "\u1e00" <= character < "\u1f00"
