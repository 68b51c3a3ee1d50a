"""In which form is the answer wanted: in one sentence, in simple words, as a list, in Spanish?"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from llmc.language import lexicon
from llmc.language.english import HEAVY, SLOT, stem

if TYPE_CHECKING:
    from llmc.language.contrast import Contrast
    from llmc.language.english import Sentence, Word

__all__ = ["told", "told_differently"]

#: Words that say how much is wanted, or how plain, wherever they stand.
_SAID = {
    word: name
    for name, words in {
        "brief": "briefly concisely concise succinctly tldr",
        "detailed": "detail details detailed thoroughly elaborate comprehensively",
        "simple": "layman laymen laymans eli5 dummies beginner beginners",
        "examples": "example examples",
    }.items()
    for word in words.split()
}

#: Words that say it of the words of an answer: `in simple terms`, `a short explanation`.
_DEGREES = {
    "simple": "simple", "plain": "simple", "easy": "simple", "everyday": "simple",
    "simplest": "simple", "simpler": "simple", "short": "brief", "brief": "brief",
    "technical": "technical", "own": "own",
}  # fmt: skip
_WORDS = frozenset(
    {"words", "terms", "language", "english", "explanation", "answer", "summary", "description"}
)

_TELLING = frozenset({"explain", "explained", "describe", "define", "say"})

#: Of these, what is asked about may lie in one as well: the largest number of a list.
_PLACES = frozenset(
    {
        "sentence", "word", "paragraph", "line", "lines", "page", "table", "list", "json",
        "csv", "xml", "html",
    }
)  # fmt: skip

_BEFORE = frozenset({"in", "as", "into", "with", "using", "within"})
_BETWEEN = frozenset(
    {
        "a", "an", "the", "one", "single", "short", "simple", "brief", "few", "bulleted", "bullet",
        "numbered", "markdown", "nested", "plain", "formatted", "under", "or", "less", "than",
        "most", "at", "my", "own", "your",
    }
)  # fmt: skip


def told(sentence: Sentence) -> dict[str, str]:
    """Return what a question says of the form of its answer, each with the word that says it."""
    lows = sentence.lows
    found = {_SAID[low]: low for low in lows if low in _SAID}
    if "simply" in lows and not _TELLING.isdisjoint(lows):
        found["simple"] = "simply"
    if _runs(lows, ("step", "by", "step")):
        found["step"] = "step by step"
    found |= {
        _DEGREES[low]: low for low, after in pairwise(lows) if low in _DEGREES and after in _WORDS
    }
    shapes = (_shaped(sentence, at) for at, low in enumerate(lows) if low in _BEFORE)
    return found | {stem(shape): shape for shape in shapes if shape}


def _shaped(sentence: Sentence, at: int) -> str:
    """Return what the answer is to be given as, by the preposition there; "" if by none."""
    shape = _shape(sentence.words[at + 1 : at + 6])
    if not shape:
        return ""
    last = shape[-1].low
    counted = len(shape) > 1 and shape[0].low not in {"a", "the"}
    lies = sentence.forms[0].name == "how to" and last in _PLACES and sentence.lows[at] != "as"
    return last if counted or not lies else ""


def _shape(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Return the words up to the one that names a shape; none if another word comes first."""
    for at, word in enumerate(words):
        if word.low in lexicon.SHAPES:
            named = words[at + 1 : at + 2] and words[at + 1].kind == HEAVY  # table manners
            return () if named else words[: at + 1]
        if word.low not in _BETWEEN and word.kind != SLOT:
            break
    return ()


def _runs(lows: tuple[str, ...], run: tuple[str, ...]) -> bool:
    return any(lows[at : at + len(run)] == run for at in range(len(lows)))


def told_differently(pair: Contrast) -> str | None:
    """Say in which form only one of two answers is wanted."""
    first, second = map(told, pair.both)
    for one, other, sentence in ((first, second, pair.stored), (second, first, pair.new)):
        for name, word in one.items():
            if name not in other and name not in sentence.stems:  # `English words`, `in English`
                return f"{word!r} is the form of one answer only"
    return None
