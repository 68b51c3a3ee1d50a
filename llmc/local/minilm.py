"""Which vector does all-MiniLM-L6-v2 give a text? The model in plain numpy, on this machine.

It never fetches anything: `published` does that, and `weights` makes the file that is read here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from llmc.embedder import Embedded
from llmc.errors import EmbeddingError
from llmc.local.weights import GROUP, MINILM, Weights, load_numpy
from llmc.local.wordpiece import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmc.local.weights import Floats, Model

__all__ = ["MiniLM"]

#: Pieces that go through the model together; more would not fit the processor's cache.
_BATCH = 256

#: Numbers of a matrix that are made float32 at a time for fewer than `_MANY` pieces: they stay in
#: the cache until they are used, which takes a sixth off a short question, but slows a batch.
_BLOCK = 49_152
_MANY = 64


class MiniLM:
    """The local embedder. Texts beyond 256 pieces are cut; an empty one has a vector too."""

    name = "minilm"

    def __init__(self, folder: str, *, model: Model = MINILM) -> None:
        """Open the model's file in `folder`. Raises EmbeddingError where it cannot be used.

        All of it is read when it has changed: 24 MB, 11 ms.
        """
        self._model = model
        self._weights = Weights(folder, model)
        self._weights.require_sound()
        try:
            self._vocabulary = Vocabulary(self._weights.vocabulary())
        except ValueError as error:
            raise EmbeddingError(f"model file {self._weights.path}: {error}") from None

    @property
    def dimension(self) -> int:
        """How many numbers a vector has: 384."""
        return self._model.hidden

    def embed(self, texts: list[str]) -> Embedded:
        """Return a unit vector for each text, the same whatever texts stand beside it.

        Equal to the published float32 model to a cosine of 0.9993. Raises EmbeddingError where
        the numbers are damaged so that no vector comes of them.
        """
        load_numpy()
        import numpy as np

        pieces = [self._vocabulary.pieces(text, limit=self._model.positions) for text in texts]
        vectors: list[bytes] = []
        for batch in _batches(pieces):
            with np.errstate(all="ignore"):
                means = self._encode(batch)
                means /= np.sqrt((means * means).sum(axis=0))
            if not np.isfinite(means).all():
                raise EmbeddingError(f"model file {self._weights.path}: it yields no numbers")
            vectors += [column.tobytes() for column in means.T.astype("<f4")]
        return Embedded(vectors, 0)

    def _encode(self, batch: list[list[int]]) -> Floats:
        """Return the mean vector of each text's pieces, a column each.

        The texts stand side by side in one matrix, a column for each piece; only attention looks
        at one text at a time, so that none needs padding.
        """
        import numpy as np

        model = self._model
        ends = np.cumsum([len(pieces) for pieces in batch]).tolist()
        spans = [slice(end - len(pieces), end) for pieces, end in zip(batch, ends, strict=True)]
        scratch = np.empty(model.hidden * max(model.inner, 3 * model.hidden), np.float32)
        x = self._norm("norm", self._embedded(batch))
        for layer in range(model.layers):
            qkv = self._linear(f"{layer}.qkv", x, scratch)
            context = _attention(qkv.reshape(3, model.heads, -1, ends[-1]), spans)
            x = self._norm(f"{layer}.norm1", x + self._linear(f"{layer}.out", context, scratch))
            inner = _gelu(self._linear(f"{layer}.up", x, scratch))
            x = self._norm(f"{layer}.norm2", x + self._linear(f"{layer}.down", inner, scratch))
        return np.stack([x[:, span].mean(axis=1) for span in spans], axis=1)

    def _embedded(self, batch: list[list[int]]) -> Floats:
        import numpy as np

        weights = self._weights
        words = np.concatenate(batch)
        rows = weights["words"][words] * weights["words.scale"][words]
        rows += np.concatenate([weights["positions"][: len(pieces)] for pieces in batch])
        return np.ascontiguousarray(rows.T)

    def _linear(self, name: str, x: Floats, scratch: Floats) -> Floats:
        import numpy as np

        quantised = self._weights[name]
        scale = self._weights[f"{name}.scale"]
        rows, columns = quantised.shape
        y = np.empty((rows, x.shape[1]), np.float32)
        step = _BLOCK // columns if x.shape[1] < _MANY else rows
        for begin in range(0, rows, step):
            block = quantised[begin : begin + step]
            matrix = scratch[: block.size].reshape(block.shape)
            np.copyto(matrix, block)
            groups = matrix.reshape(-1, GROUP)
            groups *= scale[begin : begin + step].reshape(-1, 1)
            np.matmul(matrix, x, out=y[begin : begin + step])
        y += self._weights[f"{name}.bias"][:, None]
        return y

    def _norm(self, name: str, x: Floats) -> Floats:
        import numpy as np

        weight, bias = self._weights[name][:, :, None]
        x = x - x.mean(axis=0)
        x /= np.sqrt((x * x).mean(axis=0) + self._model.epsilon)
        x *= weight
        x += bias
        return x


def _batches(pieces: list[list[int]]) -> Iterator[list[list[int]]]:
    """Cut texts into batches of `_BATCH` pieces at most, or of one text."""
    batch: list[list[int]] = []
    for text in pieces:
        if batch and sum(map(len, batch)) + len(text) > _BATCH:
            yield batch
            batch = []
        batch.append(text)
    if batch:
        yield batch


def _attention(qkv: Floats, spans: list[slice]) -> Floats:
    """Let each piece look at its own text's. Takes (3, heads, size, pieces)."""
    import numpy as np

    _, heads, size, count = qkv.shape
    context = np.empty((heads, size, count), np.float32)
    for span in spans:
        query, key, value = qkv[..., span]
        weights = (query.transpose(0, 2, 1) @ key) * np.float32(1 / math.sqrt(size))
        weights -= weights.max(axis=2, keepdims=True)
        np.exp(weights, out=weights)
        weights /= weights.sum(axis=2, keepdims=True)
        context[..., span] = value @ weights.transpose(0, 2, 1)
    return context.reshape(heads * size, count)


def _gelu(x: Floats) -> Floats:
    """Return x·Φ(x), in place of x.

    The error function is Abramowitz and Stegun's 7.1.26, good to 1.5e-7: with z = |x|/√2 and
    t = 1/(1 + 0.3275911 z) its complement is a polynomial of t times exp(-z²).
    """
    import numpy as np

    size = np.abs(x)
    t = 1 / (1 + np.float32(0.3275911 / math.sqrt(2)) * size)
    tail = np.float32(1.061405429) * t
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail += np.float32(factor)
        tail *= t
    tail *= np.exp(size * size * np.float32(-0.5))
    np.maximum(x, 0, out=x)
    x -= np.float32(0.5) * size * tail
    return x
