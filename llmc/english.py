"""What does an English sentence consist of? Stems, words of grammar, names, and what it asks.

Approximate on purpose: what it gets wrong must cost a hit, never an answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from llmc import lexicon, tokens

__all__ = ["Sentence", "Word", "are_synonyms", "parse", "stem"]

#: Kinds of words: a literal, a word of grammar, one that turns the question, a light one, any other.
SLOT, FUNCTION, TURNING, LIGHT, HEAVY = "literal", "function", "turning", "light", "heavy"


class Word(NamedTuple):
    """One word of a sentence."""

    low: str
    stem: str
    kind: str
    name: bool  # written as a name, or an abbreviation


class Sentence(NamedTuple):
    """A text taken apart."""

    words: tuple[Word, ...]
    slots: tuple[str, ...]
    lows: tuple[str, ...]
    stems: frozenset[str]
    forms: tuple[str, ...]  # what each of its questions asks for: "how to", "why", ...
    english: bool


def stem(word: str) -> str:
    """Take off the endings of number and tense; approximate."""
    word = base = lexicon.IRREGULAR.get(word, word)
    if len(word) < 4 or not word.isascii():
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


def _has_vowel(word: str) -> bool:
    return any(c in "aeiouy" for c in word)


def _single(word: str) -> str:
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz"
    return word[:-1] if doubled else word


def _stems(words: frozenset[str]) -> frozenset[str]:
    return words | {stem(word) for word in words}


_LIGHT = _stems(lexicon.LIGHT)

_GROUPS: dict[str, set[int]] = {}
for _number, _group in enumerate(lexicon.SYNONYMS):
    for _word in _group:
        _GROUPS.setdefault(stem(_word), set()).add(_number)


def are_synonyms(one: str, other: str) -> bool:
    """Tell whether of two stems one may stand for the other, or is derived as it is."""
    first, second = _GROUPS.get(one), _GROUPS.get(other)
    if first and second and first & second:
        return True
    return len(one) > 3 and len(other) > 3 and one[:4] == other[:4] and root(one) == root(other)


def root(word: str) -> str:
    """Take off the endings by which words are derived from each other, where enough is left."""
    for suffix in lexicon.SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) > 3:
            return word[: -len(suffix)]
    return word


@lru_cache(maxsize=512)
def parse(text: str) -> Sentence:
    """Take a text apart. A sentence is kept for the next questions that are near."""
    found = tokens.tokens(tokens.fold(text))
    shouts = _shouts(found)
    words = []
    for at, token in enumerate(found):
        low = token.low
        if at and found[at - 1].slot and found[at - 1].low[0].isdigit():
            low = tokens.unit(low)
        base = low if token.slot else stem(low)
        words.append(Word(low, base, _kind(token, low, base), not shouts and _is_name(token)))
    return Sentence(
        words=tuple(words),
        slots=tuple(token.low for token in found if token.slot),
        lows=tuple(word.low for word in words),
        stems=frozenset(word.stem for word in words),
        forms=_forms(found),
        english=_is_english(words),
    )


def _kind(token: tokens.Token, low: str, base: str) -> str:
    if token.slot:
        return SLOT
    if low in lexicon.TURNING or low in lexicon.NEGATIONS:
        return TURNING
    if low in lexicon.FUNCTION:
        return FUNCTION
    return LIGHT if base in _LIGHT else HEAVY


def _shouts(found: list[tokens.Token]) -> bool:
    """Tell whether nearly all words begin with a capital: then capitals say nothing."""
    words = [token.raw for token in found if not token.slot]
    return sum(word[:1].isupper() for word in words) > 0.7 * len(words) > 2


def _is_name(token: tokens.Token) -> bool:
    raw = token.raw
    if token.slot or not raw[:1].isalpha():
        return False
    if any(c.isupper() for c in raw[1:]):
        return True
    if not raw[0].isupper() or raw == "I" or (len(raw) > 1 and token.low in lexicon.FUNCTION):
        return False
    return not token.starts or (len(raw) == 1 and raw != "A")


# -- what is asked -------------------------------------------------------------------------------

_WH = frozenset(["what", "which", "who", "whom", "whose", "when", "where", "why", "how", "whats"])
_PERSON = frozenset(["i", "you", "we", "one", "they", "someone", "people", "to"])
_ASKED = frozenset(
    [
        "explain",
        "describe",
        "define",
        "list",
        "write",
        "summarize",
        "translate",
        "suggest",
        "recommend",
        "name",
        "convert",
        "compare",
        "give",
        "show",
        "provide",
    ]
)
_HOW_MUCH = frozenset(
    [
        "many",
        "much",
        "long",
        "often",
        "far",
        "old",
        "tall",
        "big",
        "large",
        "fast",
        "hard",
        "deep",
        "high",
        "good",
        "bad",
    ]
)


def _forms(found: list[tokens.Token]) -> tuple[str, ...]:
    """Name what each question of a text asks for, the first one first."""
    sentences: list[list[str]] = [[]]
    for token in found:
        if token.starts and sentences[-1]:
            sentences.append([])
        sentences[-1].append("#" if token.slot else token.low)
    forms = [_form(words) for words in sentences]
    for words in sentences:
        forms += [
            word
            for before, word in zip(words, words[1:])
            if before in {"and", "or"}
            and word in {"why", "when", "where", "how", "who", "what", "which"}
        ]
    return tuple(form for form in forms if form not in {"", "order"}) or ("order",)


def _form(words: list[str]) -> str:
    while words and words[0] in {
        "so",
        "and",
        "but",
        "please",
        "hi",
        "hello",
        "hey",
        "ok",
        "well",
        "seriously",
    }:
        words = words[1:]
    if "you" in words[:9]:
        at = words.index("you")
        if words[at - 1 : at + 2] == ["do", "you", "think"] and (at > 1 or len(words) > 4):
            words = words[: at - 1] + words[at + 2 :]
    if (
        len(words) > 2
        and words[0] in {"can", "could", "would", "will"}
        and words[1] in {"you", "someone", "anyone", "somebody"}
        and words[2] in _ASKED
    ):
        words = words[2:]
    joined = " ".join(words[:12])
    if not words:
        return ""
    for polite in _POLITE:
        if joined.startswith(polite):
            rest = words[len(polite.split()) :]
            return _form(rest) if rest else ""
    first = words[0]
    if (
        "like" in words[2:]
        and first in {"how", "what"}
        and words[1] in {"is", "was", "does", "would", "it"}
    ):
        return "what like"
    if first == "how":
        return _how(words)
    if first == "why" or (
        first in _WH and {"reason", "reasons", "cause", "causes", "caused", "why"} & set(words[1:7])
    ):
        return "why"
    if first in {"what", "which", "whats"} and (
        {"way", "ways", "tips", "methods", "steps", "measures", "suggestions"} & set(words[:8])
    ):
        return "how to"
    if joined.startswith(
        (
            "what should i do",
            "what can i do",
            "what should we do",
            "what can we do",
            "what do i do",
            "what can be done",
            "what do you do to",
            "what do you have to do",
        )
    ):
        return "how to"
    if first == "what" and "time" in words[1:3]:
        return "when"
    if (
        "like" in words[3:]
        and first in {"how", "what"}
        and words[1] in {"is", "was", "does", "would", "it"}
    ):
        return "what like"
    if first in {"what", "which", "whats"} and {"place", "places"} & set(words[1:6]):
        return "where"
    if first in {"what", "which", "whats"}:
        if "number" in words[1:5]:
            return "how many"
        return "what"
    if first in {"who", "whom", "whose"}:
        return "who"
    if first in _WH:
        return first
    if first in lexicon.AUXILIARIES:
        if {"way", "ways"} & set(words[1:5]):
            return "how to"
        return "should" if first in {"should", "must"} else "yes or no"
    if first in {"explain", "define", "describe", "meaning", "definition"}:
        return "how to" if words[1:2] == "how" else "what"
    if first in {"number", "count"}:
        return "how many" if first == "number" else "order"
    if first in lexicon.WRITING:
        return "write"
    return "order"


_POLITE = (
    *(
        f"{may} {who} {verb}"
        for may in ("can", "could", "would", "will")
        for who in ("you", "anyone", "someone", "somebody")
        for verb in (
            "please",
            "tell me",
            "explain to me",
            "help me",
            "show me",
            "give me",
            "let me know",
        )
    ),
    "do you know",
    "does anyone know",
    "does anybody know",
    "tell me",
    "i want to know",
    "i would like to know",
    "i need to know",
    "let me know",
    "show me",
    "give me",
    "help me",
    "i want to",
    "i would like to",
    "i need to",
    "in your opinion",
)


def _how(words: list[str]) -> str:
    second = words[1] if len(words) > 1 else ""
    third = words[2] if len(words) > 2 else ""
    if second in {"many", "much"}:
        return "how many"
    if second in {"come"}:
        return "why"
    if (second in _HOW_MUCH and third in lexicon.AUXILIARIES | {"to"}) or second in _HOW_MUCH:
        return f"how {second}"
    if (
        second == "to"
        or (second in lexicon.AUXILIARIES and third in _PERSON)
        or second in {"do", "should", "can", "could"}
    ):
        return "how to"
    return "how"


def _is_english(words: list[Word]) -> bool:
    plain = [word for word in words if word.kind != SLOT]
    if any(
        c.isalpha() and not _is_latin(c)
        for word in plain
        for c in word.low
        if not word.low.isascii()
    ):
        return False
    english = sum(word.low in lexicon.ENGLISH for word in plain)
    foreign = sum(word.low in lexicon.FOREIGN for word in plain)
    accented = sum(not word.low.isascii() for word in plain)
    return foreign + accented <= english


def _is_latin(character: str) -> bool:
    return character < "\u0250" or "\u1e00" <= character < "\u1f00"
