"""What does an English sentence consist of? Stems, words of grammar, names, and what it asks.

Approximate on purpose: what it gets wrong must cost a hit, never an answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from llmc import lexicon, tokens

__all__ = [
    "FUNCTION",
    "HEAVY",
    "LIGHT",
    "SLOT",
    "TURNING",
    "Form",
    "Sentence",
    "Word",
    "are_synonyms",
    "parse",
    "stem",
]

#: Kinds of words: a literal, a word of grammar, one that turns the question, a light one, any other.
SLOT, FUNCTION, TURNING, LIGHT, HEAVY = "literal", "function", "turning", "light", "heavy"

#: Verbs of grammar, in all their forms.
_VERBS = frozenset({"get", "let", "need", "have", "be", "do"})


class Word(NamedTuple):
    """One word of a sentence."""

    low: str
    stem: str
    kind: str
    name: bool  # written as a name, or an abbreviation


class Form(NamedTuple):
    """What a question asks for: `how to`, `why`, `order`, ...; and its words, in lower case."""

    name: str
    words: tuple[str, ...]


class Sentence(NamedTuple):
    """A text taken apart."""

    words: tuple[Word, ...]
    slots: tuple[str, ...]
    lows: tuple[str, ...]
    stems: frozenset[str]
    forms: tuple[Form, ...]  # of each of its questions
    english: bool


def stem(word: str) -> str:
    """Take off the endings of number and tense; approximate."""
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
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "i"
    return base[:-1] if base.endswith("e") and len(base) > 3 else base


_BRITISH = (
    ("ise", "ize"), ("ised", "ized"), ("ises", "izes"), ("ising", "izing"), ("isation", "ization"),
    ("yse", "yze"), ("ysed", "yzed"), ("ysing", "yzing"), ("our", "or"), ("ours", "ors"),
    ("oured", "ored"), ("ouring", "oring"), ("ourite", "orite"), ("ourites", "orites"),
)  # fmt: skip


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
for _number, _group in enumerate(lexicon.SYNONYMS):
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
    made = {word[: -len(suffix)] for suffix in lexicon.SUFFIXES if word.endswith(suffix)}
    return {word} | {root for root in made if len(root) > 4}


@lru_cache(maxsize=512)
def parse(text: str) -> Sentence:
    """Take a text apart. A sentence is kept for the next questions that are near."""
    found = _plain(tokens.tokens(tokens.fold(text)))
    shouts = _shouts(found)
    words = []
    for at, token in enumerate(found):
        low = token.low
        counted = at > 0 and found[at - 1].slot and found[at - 1].low[0].isdigit()
        low = tokens.unit(low, counted=counted) if not token.slot else low
        if token.raw == "A" and not (token.starts or shouts):
            low = "A"  # a thing called so: column A, team A
        base = low if token.slot else stem(_plain_letters(low))
        words.append(Word(low, base, _kind(token, low, base), not shouts and _is_name(token)))
    return Sentence(
        words=tuple(words),
        slots=tuple(token.low for token in found if token.slot),
        lows=tuple(word.low for word in words),
        stems=frozenset(word.stem for word in words),
        forms=_forms(found),
        english=_is_english(words),
    )


def _plain_letters(word: str) -> str:
    """Take the accents off."""
    if word.isascii():
        return word
    import unicodedata

    letters = unicodedata.normalize("NFKD", word)
    return "".join(c for c in letters if not unicodedata.combining(c))


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


def _kind(token: tokens.Token, low: str, base: str) -> str:
    if token.slot:
        return SLOT
    if low in lexicon.TURNING or low in lexicon.NEGATIONS:
        return TURNING
    if low in lexicon.FUNCTION or base in _VERBS:
        return FUNCTION
    return LIGHT if base in _LIGHT else HEAVY


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


# -- what is asked -------------------------------------------------------------------------------

_WH = frozenset({"what", "which", "who", "whom", "whose", "when", "where", "why", "how"})
_WHICH = frozenset({"what", "which"})
_WHO = frozenset({"who", "whom", "whose"})
_SOMEBODY = frozenset({"i", "you", "we", "one", "they", "someone", "people", "to"})
_ASKED = frozenset({"you", "someone", "anyone", "somebody", "anybody"})
_FILLERS = frozenset(
    "so and but please hi hello hey ok okay well seriously basically just actually".split()
)
_BEFORE = frozenset({"for", "in", "at", "by", "on", "to", "from", "with", "under", "since"})
_BEING = frozenset({"is", "'s", "are", "was", "were", "it", "does", "did", "would", "will"})
_DEGREES = frozenset({"good", "bad"}) | lexicon.MEASURES.keys()

#: Orders that may follow a `can you`.
_ORDERS = lexicon.WRITING | {
    "explain", "describe", "define", "list", "suggest", "recommend", "name", "convert", "compare",
}  # fmt: skip

#: What a question may begin with, and still be what follows.
_POLITE = tuple(
    tuple(phrase.split())
    for phrase in (
        *(
            f"{may} {who} {verb}"
            for may in ("can", "could", "would", "will")
            for who in ("you", "anyone", "someone", "somebody", "anybody")
            for verb in (
                "please", "tell me", "tell us", "explain to me", "help me", "show me", "give me",
                "let me know", "teach me",
            )
        ),
        *(f"would you mind {verb} me" for verb in ("telling", "showing", "giving", "explaining to")),
        "may i ask", "can i ask", "do you happen to know", "i was wondering", "i am wondering",
        "any idea", "do you know", "does anyone know", "does anybody know", "do you have any idea", "tell me",
        "i want to know", "i would like to know", "i need to know", "i am trying to", "let me know",
        "show me", "give me", "help me", "i want to", "i would like to", "i need to",
        "i wonder", "in your opinion", "what is the best way to know",
    )
)  # fmt: skip


def _forms(found: list[tokens.Token]) -> tuple[Form, ...]:
    """Name what each question of a text asks for, the first one first."""
    sentences: list[list[str]] = [[]]
    for token in found:
        if (token.starts or token.clause) and sentences[-1]:
            sentences.append([])
        sentences[-1].append("#" if token.slot else token.low)
    forms = [_form(words) for words in sentences]
    for words in sentences:
        forms += [
            Form(word, tuple(words[at:]))
            for at, word in enumerate(words)
            if word in _WH and at > 1 and words[at - 1] in {"and", "or"}
        ]
    asked = tuple(form for form in forms if form.name not in {"", "order"})
    return asked or (Form("order", ()),)


def _form(words: list[str]) -> Form:
    words = _bare(words)
    return Form(_name(words), tuple(words)) if words else Form("", ())


def _bare(words: list[str]) -> list[str]:
    """Take off what only asks for the question to be answered."""
    while words and words[0] in _FILLERS:
        words = words[1:]
    if words[1:] and words[0] in _BEFORE and words[1] in _WH:
        words = words[1:]
    if words[:3] == ["do", "you", "think"]:
        words = words[3:]
    for at in range(1, min(8, len(words) - 2)):
        if words[at : at + 3] == ["do", "you", "think"]:
            words = words[:at] + words[at + 3 :]
            break
    if len(words) > 2 and words[0] in {"can", "could", "would", "will"} and words[1] in _ASKED:
        if words[2] in _ORDERS:
            return words[2:]
    for polite in _POLITE:
        if tuple(words[: len(polite)]) == polite:
            return _bare(words[len(polite) :])
    return words


def _name(words: list[str]) -> str:
    first, rest = words[0], words[1:]
    if "like" in rest[1:] and first in {"how", "what"} and rest[0] in _BEING:
        return "what like"
    if first == "how":
        return _how(words)
    if first == "why" or (first in _WH and not lexicon.REASONS.isdisjoint(rest[:6])):
        return "why"
    if first in _WHICH:
        return _which(words)
    if first in _WHO:
        return "who"
    if first == "when" and not lexicon.AUXILIARIES.intersection(rest[:1]):
        return "order"  # `when it rains, ...`
    if first in _WH:
        return first
    if first in lexicon.AUXILIARIES:
        if not lexicon.WAYS.isdisjoint(rest[:4]):
            return "how to"
        return "should" if first in {"should", "must"} else "yes or no"
    if first in {"explain", "define", "describe", "meaning", "definition"}:
        return "how to" if rest[:1] == ["how"] else "what"
    if first in lexicon.WAYS:
        return "how to"
    if first == "number":
        return "how many"
    return "write" if first in lexicon.WRITING else "order"


def _which(words: list[str]) -> str:
    if not lexicon.WAYS.isdisjoint(words[:8]):
        return "how to"
    if words[1:2] and words[1] in {"should", "can", "do", "must"} and words[2:3]:
        # `what should I do to sleep`, where `what do I eat` asks for a thing
        if words[2] in _SOMEBODY and words[3:4] in (["do"], ["have"]):
            return "how to"
    if words[1:4] == ["can", "be", "done"]:
        return "how to"
    if words[1:2] and words[1] in {"make", "makes", "made"}:
        return "why"
    return "when" if not lexicon.TIMES.isdisjoint(words[1:2]) else "what"


def _how(words: list[str]) -> str:
    second, third = [*words[1:3], "", ""][:2]
    if second in {"many", "much"}:
        return "how many"
    if second == "come":
        return "why"
    if second in _DEGREES:
        return f"how {second}"
    if second in {"to", "should", "can", "could"}:
        return "how to"
    return "how to" if second in lexicon.AUXILIARIES and third in _SOMEBODY else "how"


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
