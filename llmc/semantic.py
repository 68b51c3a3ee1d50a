"""May a question be answered with the stored answer of another one, worded otherwise?

Every refusal says its reason. Embeds nothing and looks nothing up: who calls brings a similarity.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from llmc import guards
from llmc.guards import Refusal
from llmc.language import english, lexicon, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "THRESHOLDS",
    "UNCALIBRATED",
    "Question",
    "Refusal",
    "accept",
    "is_same_text",
    "pair_key",
    "question",
    "threshold",
]

#: The similarity from which an embedder's neighbours may be served, by the promised error: the
#: upper 95 % limit of what was measured on judged pairs.
THRESHOLDS: dict[str, dict[str, float]] = {
    "minilm": {"10%": 0.90, "5%": 0.955, "strict": 0.98},
}

#: Where nobody measured.
UNCALIBRATED = 0.95

#: Longer questions are exact only: their vectors say what they are about, no longer what they ask.
_MOST_WORDS = 60
_MOST_LINES = 3
_MOST_CHARACTERS = 2_000
_LONGEST_WORD = 200

_COLON = re.compile(r":\s+(?=\S)")
_FENCE = re.compile(r"^[ \t]*(```+|~~~+)", re.MULTILINE)


class Question(NamedTuple):
    """What of a prompt is compared by meaning, and what must be equal besides.

    `wording` is what the vector is made of: the text without politeness, in plain words. A release
    that changes how it is made must clear the vectors of older files, in a step of the schema.
    """

    text: str
    rest: str
    slots: tuple[str, ...]
    wording: str


def question(prompt: str, *, at: int = 0, follows: bool = False) -> Question | Refusal:
    """Split a prompt into what may be compared by meaning and what must be equal.

    The instruction begins `at` a character of the prompt; what stands before is a document.
    `follows` says that the conversation has earlier turns. Returns a Refusal where a prompt may be
    answered with the answer of an equal one alone.
    """
    at = max(0, min(at, len(prompt)))
    pieces, code = _unfenced(prompt[at:])
    if refusal := _shape(pieces):
        return refusal
    text = " ".join(pieces[0].split()) if pieces else ""
    if tokens.is_hidden(text):
        return Refusal("hidden characters", "it holds characters that nobody sees")
    text, given = _given(text)
    sentence = english.parse(text)
    if refusal := guards.alone(sentence, follows=follows):
        return refusal
    rest = "\n".join(part for part in (prompt[:at].rstrip("\n"), *code, given) if part)
    return Question(text, rest, tuple(sorted(sentence.slots)), sentence.wording or text)


def _shape(pieces: list[str]) -> Refusal | None:
    if len(pieces) > 1:
        return Refusal("paragraphs", "it has several paragraphs")
    text = pieces[0].strip() if pieces else ""
    words = text.split(None, _MOST_WORDS + 1)
    if len(words) > _MOST_WORDS:
        return Refusal("length", f"it has more than {_MOST_WORDS} words")
    if any(len(word) > _LONGEST_WORD for word in words):
        return Refusal("length", f"it has a word of more than {_LONGEST_WORD} letters")
    if len(text) > _MOST_CHARACTERS:
        return Refusal("length", f"it has more than {_MOST_CHARACTERS:,} characters")
    if len(text.splitlines()) > _MOST_LINES:
        return Refusal("lines", f"it has more than {_MOST_LINES} lines")
    return None


def _given(text: str) -> tuple[str, str]:
    """Split off what stands behind a colon: the text that an instruction is about."""
    match = _COLON.search(text)
    if match is None:
        return text, ""
    instruction = english.parse(text[: match.start()])
    asks = instruction.forms[0].name not in {"order", "how to"}
    if not asks and lexicon.GIVEN.isdisjoint(instruction.lows):
        return text, ""  # a headline, a greeting: the question follows
    return text[: match.start() + 1], text[match.end() :]


def _unfenced(text: str) -> tuple[list[str], list[str]]:
    """Return the paragraphs outside of fenced code, and the fences with what they hold."""
    prose: list[str] = []
    code: list[str] = []
    end = 0
    mark, begin = "", 0
    for match in _FENCE.finditer(text):
        if not mark:
            prose.append(text[end : match.start()])
            mark, begin = match[1], match.start()
        elif match[1].startswith(mark):
            line = text.find("\n", match.end())
            end = len(text) if line < 0 else line
            code.append(text[begin:end])
            mark = ""
    if mark:
        code.append(text[begin:])
    else:
        prose.append(text[end:])
    paragraphs = [piece for part in prose for piece in _paragraphs(part)]
    return paragraphs, code


def _paragraphs(text: str) -> list[str]:
    found: list[str] = [""]
    for line in text.splitlines(keepends=True):
        if line.strip():
            found[-1] += line
        elif found[-1]:
            found.append("")
    return [piece for piece in found if piece]


def accept(
    new: Question,
    stored: Question,
    *,
    similarity: float,
    threshold: float,
    vetoed: bool = False,
) -> Refusal | None:
    """Say why a stored answer must not serve a new question; None if it may."""
    if new.rest != stored.rest:
        return Refusal("rest", "what is asked about is not the same text")
    if new.slots != stored.slots:
        return _slots(new.slots, stored.slots)
    if not similarity >= threshold:
        return Refusal("similarity", f"{similarity:.3f} is less than {threshold:.3f}")
    if vetoed:
        return Refusal("verdict", "this pair was said to be wrong")
    return guards.between(english.parse(new.text), english.parse(stored.text), similarity)


def _slots(first: tuple[str, ...], second: tuple[str, ...]) -> Refusal:
    one = sorted(set(first) ^ set(second)) or [*first, *second]
    name = "numbers" if any(slot[0].isdigit() for slot in one) else "literals"
    return Refusal(name, f"{one[0]!r} is not in both questions")


def is_same_text(one: str, other: str) -> bool:
    """Tell whether two texts differ in case, marks and white space at most."""
    return _folded(one) == _folded(other)


def pair_key(new: str, stored: str) -> str:
    """Return one text for two questions in either order; case, marks and white space are folded."""
    return "\n".join(sorted((_folded(new), _folded(stored))))


def _folded(text: str) -> str:
    pieces, _ = _unfenced(text)
    words = tokens.fold(" ".join(pieces)).casefold()
    return " ".join("".join(c if c.isalnum() else " " for c in words).split())


def threshold(
    embedder: str, error: str, calibrated: Mapping[str, float] | None = None
) -> tuple[float, bool]:
    """Return the similarity that an embedder needs for a promised error, and if it was measured.

    `calibrated` is what a user's own pairs showed. A promise that they did not show gets the
    strictest threshold that is known.
    """
    shipped = THRESHOLDS.get(embedder, {})
    table = calibrated or shipped
    if error in table:
        return table[error], True
    return max([UNCALIBRATED, *shipped.values(), *table.values()]), False
