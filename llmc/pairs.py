"""How does an embedder fare on pairs of questions that somebody judged?

The decision is the one of every lookup, `semantic`'s; which threshold follows is `calibration`'s
business.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, NamedTuple

from llmc import semantic
from llmc.calibration import Judged
from llmc.errors import EmbeddingError, InputError
from llmc.input import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from llmc.embedder import Embedder
    from llmc.semantic import Question

__all__ = ["COLUMNS", "Embeddings", "Pair", "embed", "load", "measure", "read"]

#: The columns that a file of pairs must have; a column `weight` may stand beside them.
COLUMNS = ("question1", "question2", "label")

#: Texts embedded at once: an endpoint has seconds for them, and progress is shown after each.
_BATCH = 32


class Pair(NamedTuple):
    """Two questions, and if the answer to one would fully and rightly serve the other.

    `weight` is how many requests the pair stands for, in any unit.
    """

    first: str
    second: str
    right: bool
    weight: float = 1.0


class Embeddings(NamedTuple):
    """Vectors by their texts, and the tokens that were billed for them, None if nobody says."""

    vectors: dict[str, Sequence[float]]
    tokens: int | None


def load(file: str) -> list[Pair]:
    """Read pairs from a file, from standard input for `-`. Raises InputError, as `read` does."""
    reader, name = Reader(), "standard input" if file == "-" else file
    try:
        words = reader.words_and_document("-", stdin=True)[1] if file == "-" else reader.text(file)
    except InputError as error:
        cause = error.__cause__
        if not isinstance(cause, UnicodeDecodeError):
            raise
        line = cause.object.count(b"\n", 0, cause.start) + 1
        raise InputError(f"{name}, line {line}: it is not UTF-8") from cause
    return read(words or "", name)


def read(text: str, name: str) -> list[Pair]:
    """Read pairs from tab-separated lines under one line of names; other columns are left alone.

    A quote is a character like any other. Raises InputError, which names the line.
    """
    lines = text.split("\n")
    names = [column.strip() for column in lines[0].rstrip("\r").split("\t")]
    places = {}
    for column in (*COLUMNS, "weight"):
        if names.count(column) > 1:
            raise InputError(f"{name}, line 1: two columns are called {column!r}")
        if column in names:
            places[column] = names.index(column)
        elif column in COLUMNS:
            raise InputError(
                f"{name}, line 1: no column is called {column!r}",
                hint=f"its tab-separated names must include {', '.join(COLUMNS)}",
            )
    pairs = []
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            cells = line.rstrip("\r").split("\t")
            try:
                if len(cells) != len(names):
                    raise ValueError(f"{len(cells)} columns in the place of {len(names)}")
                pairs.append(_pair({column: cells[at].strip() for column, at in places.items()}))
            except ValueError as error:
                raise InputError(f"{name}, line {number}: {error}") from None
    if not pairs:
        raise InputError(f"{name} holds no pairs")
    return pairs


def _pair(cells: dict[str, str]) -> Pair:
    for column in COLUMNS[:2]:
        if not cells[column]:
            raise ValueError(f"{column} is empty")
    if cells["label"] not in {"0", "1"}:
        raise ValueError(f"the label {cells['label']!r} is neither 0 nor 1")
    try:
        weight = float(cells.get("weight", 1))
    except ValueError:
        weight = math.nan
    if not 0 < weight < 1e12:
        raise ValueError(f"the weight {cells['weight']!r} is no number above 0")
    return Pair(cells["question1"], cells["question2"], cells["label"] == "1", weight)


def measure(pairs: Iterable[Pair], embeddings: Callable[[list[str]], Embeddings]) -> list[Judged]:
    """Return the pairs that a lookup would serve, were they similar enough.

    A pair that stands there more than once, in either order, counts once, and as wrong if it is so
    anywhere. Two equal questions tell nothing: their answers are found without an embedder.
    Weights are scaled to a mean of 1. Raises EmbeddingError.
    """
    once: dict[frozenset[str], Pair] = {}
    for pair in pairs:
        known = once.setdefault(frozenset(pair[:2]), pair)
        if known.right and not pair.right:
            once[frozenset(pair[:2])] = pair
    alone = [pair for pair in once.values() if pair.first != pair.second]
    comparable = [found for found in map(_comparable, alone) if found is not None]
    texts = {question.wording for _, *both in comparable for question in both}
    vectors = embeddings(sorted(texts, key=len)).vectors if texts else {}
    scale = len(alone) / math.fsum(pair.weight for pair in alone) if alone else 1.0
    judged = []
    for pair, first, second in comparable:
        similarity = _similarity(vectors, first, second)
        if semantic.accept(first, second, similarity=similarity, threshold=-1.0) is None:
            judged.append(Judged(similarity, pair.right, pair.weight * scale))
    return judged


def _comparable(pair: Pair) -> tuple[Pair, Question, Question] | None:
    """Take a pair apart; None where no similarity would let it share an answer."""
    first, second = semantic.question(pair.first), semantic.question(pair.second)
    if isinstance(first, semantic.Refusal) or isinstance(second, semantic.Refusal):
        return None
    equal = (first.rest, first.slots) == (second.rest, second.slots)
    return (pair, first, second) if equal else None


def _similarity(vectors: dict[str, Sequence[float]], first: Question, second: Question) -> float:
    products = zip(vectors[first.wording], vectors[second.wording], strict=True)
    return max(-1.0, min(1.0, math.fsum(a * b for a, b in products)))


def embed(
    embedder: Embedder, texts: list[str], *, progress: Callable[[int], None] = lambda _: None
) -> Embeddings:
    """Embed texts, the shortest first; `progress` is told how many are done.

    Raises EmbeddingError, which says how far it came.
    """
    vectors: dict[str, Sequence[float]] = {}
    tokens: int | None = 0
    for at in range(0, len(texts), _BATCH):
        some = texts[at : at + _BATCH]
        try:
            embedded = embedder.embed(some)
        except EmbeddingError as error:
            raise EmbeddingError(f"{error} (after {at:,} of {len(texts):,} texts)") from error
        for text, numbers in zip(some, embedded.vectors, strict=True):
            vectors[text] = struct.unpack(f"<{len(numbers) // 4}f", numbers)
        if tokens is not None:
            tokens = None if embedded.tokens is None else tokens + embedded.tokens
        progress(min(at + _BATCH, len(texts)))
    return Embeddings(vectors, tokens)
