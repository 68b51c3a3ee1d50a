"""An `/embeddings` endpoint on loopback, in whose space any two texts are as near as told."""

from __future__ import annotations

import json
import math
from array import array
from typing import Any

from upstream import Call, Reply, Upstream

from llmc import semantic
from llmc.embedder import Embedded, unit
from llmc.semantic import Question

#: How many numbers a vector has, and how many tokens each text is billed with.
DIMENSION = 8
TOKENS = 7

STORED = "how do I undo the last git commit?"
#: The same question in other words, twice: no guard refuses them, however near they are.
REWORDED = "how can I undo my last git commit?"
THIRD = "how do you undo this last git commit?"
#: Another question, as near as all others: a guard refuses it.
OTHER = "how do I redo the last git commit?"


def wording(question: str) -> str:
    """What of a question is embedded."""
    found = semantic.question(question)
    return found.wording if isinstance(found, Question) else question


#: Questions by what is embedded of them.
_QUESTIONS = {wording(question): question for question in (STORED, REWORDED, THIRD, OTHER)}


def at(similarity: float) -> list[float]:
    """A vector of this similarity to the one that all texts have unless told otherwise."""
    return [similarity, math.sqrt(1 - similarity**2), *[0.0] * (DIMENSION - 2)]


def reply(vectors: list[Any], **fields: Any) -> Reply:
    """An answer of these vectors, numbered in order."""
    items = [{"index": number, "embedding": vector} for number, vector in enumerate(vectors)]
    usage = {"prompt_tokens": TOKENS * len(vectors)}
    return Reply(raw=json.dumps({"data": items, "usage": usage} | fields).encode())


class Space:
    """A space in which all questions are one, but for those that `vectors` has by their text.

    Those above stand aside from each other, so little that three decimals do not tell.
    """

    def __init__(self) -> None:
        self.vectors: dict[str, list[float]] = {}

    def vectors_of(self, texts: list[str]) -> list[list[float]]:
        """The vectors of what is embedded of some questions."""
        told = {wording(question): vector for question, vector in self.vectors.items()}
        return [(_ASIDE | told).get(text, at(1.0)) for text in texts]


def _aside(place: int) -> list[float]:
    vector = [math.sqrt(1 - 0.02**2), *[0.0] * (DIMENSION - 1)]
    vector[place] = 0.02
    return vector


_ASIDE = {wording(q): _aside(n) for n, q in enumerate((REWORDED, THIRD, OTHER), 2)}


def questions(texts: list[str]) -> list[str]:
    """The questions of which this is embedded."""
    return [_QUESTIONS.get(text, text) for text in texts]


class Encoder(Upstream, Space):
    """The server."""

    def __init__(self) -> None:
        Upstream.__init__(self)
        Space.__init__(self)

    @property
    def texts(self) -> list[list[str]]:
        """The questions of each request."""
        return [questions(call.body["input"]) for call in self.calls]

    def take(self, call: Call) -> Reply:
        """Record a call; return the scripted reply to it, or its texts' vectors."""
        with self._lock:
            self.calls.append(call)
            if self.script:
                return self.script.popleft()
            return reply(self.vectors_of(call.body["input"]))


class Embedder(Space):
    """A local embedder with such a space; it keeps the questions of each call."""

    name = "fake"
    dimension = DIMENSION

    def __init__(self, **vectors: list[float]) -> None:
        super().__init__()
        self.vectors |= vectors
        self.texts: list[list[str]] = []
        self.failure: Exception | None = None
        self.failures: list[Exception | None] = []  # of the next calls, in order

    def embed(self, texts: list[str]) -> Embedded:
        """Return the texts' vectors, or fail as told."""
        self.texts.append(questions(texts))
        failure = self.failures.pop(0) if self.failures else self.failure
        if failure is not None:
            raise failure
        return Embedded([unit(array("d", each)) for each in self.vectors_of(texts)], 0)
