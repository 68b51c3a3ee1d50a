"""An `/embeddings` endpoint on loopback, in whose space any two texts are as near as told."""

from __future__ import annotations

import json
import math
from typing import Any

from upstream import Call, Reply, Upstream

#: How many numbers a vector has, and how many tokens each text is billed with.
DIMENSION = 8
TOKENS = 7

STORED = "how do I undo the last git commit?"
REWORDED = "how can I undo the last git commit?"
#: The same words as the first: no rule keeps them apart, whatever rules there are.
SHOUTED = "How do I UNDO the last git commit"
#: Another question, as near as all others: a guard refuses it.
OTHER = "how do I redo the last git commit?"


def at(similarity: float) -> list[float]:
    """A vector of this similarity to the one that all texts have unless told otherwise."""
    return [similarity, math.sqrt(1 - similarity**2), *[0.0] * (DIMENSION - 2)]


def reply(vectors: list[Any], **fields: Any) -> Reply:
    """An answer of these vectors, numbered in order."""
    items = [{"index": number, "embedding": vector} for number, vector in enumerate(vectors)]
    usage = {"prompt_tokens": TOKENS * len(vectors)}
    return Reply(raw=json.dumps({"data": items, "usage": usage} | fields).encode())


class Encoder(Upstream):
    """The server. `vectors` holds those of texts that are not like all others."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors: dict[str, list[float]] = {}

    @property
    def texts(self) -> list[list[str]]:
        """The texts of each request."""
        return [call.body["input"] for call in self.calls]

    def take(self, call: Call) -> Reply:
        """Record a call; return the scripted reply to it, or its texts' vectors."""
        with self._lock:
            self.calls.append(call)
            if self.script:
                return self.script.popleft()
            return reply([self.vectors.get(text, at(1.0)) for text in call.body["input"]])


class Embedder:
    """A local embedder in whose space likewise; it counts what it is given."""

    name = "fake"

    def __init__(self, **vectors: list[float]) -> None:
        self.vectors = vectors
        self.texts: list[list[str]] = []
        self.failure: Exception | None = None
        self.failures: list[Exception | None] = []  # of the next calls, in order

    @property
    def dimension(self) -> int:
        return DIMENSION

    def embed(self, texts: list[str]) -> Any:
        from array import array

        from llmc.embedder import Embedded, unit

        self.texts.append(texts)
        failure = self.failures.pop(0) if self.failures else self.failure
        if failure is not None:
            raise failure
        vectors = [unit(array("d", self.vectors.get(text, at(1.0)))) for text in texts]
        return Embedded(vectors, 0)
