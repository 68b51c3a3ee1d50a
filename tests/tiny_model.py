"""A BERT model of two layers with random weights, and what it should say, worked out plainly."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from llmc.published import Source
from llmc.weights import Model

PIECES = """
[PAD] [UNK] [CLS] [SEP] [MASK] a b how do does i we list sort file files color what is ? ! , . - '
##s ##ing ##ed un ##believ ##able believe in python rust the 1 2 3 ##4 ü 京 東 fuße \u03c3 ##\u03c3
"""
WORDS = PIECES.split()
HIDDEN, INNER, LAYERS, HEADS, POSITIONS = 64, 128, 2, 2, 16


class Tiny:
    """The published files of the tiny model in a folder, and the `Model` that pins them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tensors = _random()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.safetensors").write_bytes(_safetensors(self.tensors))
        (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in WORDS), "utf-8")
        self.sources = (source(folder / "model.safetensors"), source(folder / "vocab.txt"))
        self.model = Model(self.sources, len(WORDS), POSITIONS, HIDDEN, INNER, LAYERS, HEADS)

    def vector(self, numbers: list[int]) -> Any:
        """The vector of a text's pieces in float64, padded to all positions, with a mask."""
        mask = np.arange(POSITIONS) < len(numbers)
        padded = [*numbers, *[0] * (POSITIONS - len(numbers))]
        x = self._tensor("embeddings.word_embeddings.weight")[padded]
        x = x + self._tensor("embeddings.position_embeddings.weight")[:POSITIONS]
        x = x + self._tensor("embeddings.token_type_embeddings.weight")[0]
        x = self._norm("embeddings", x)
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}"
            context = self._attention(f"{at}.attention.self", x, mask)
            out = self._linear(f"{at}.attention.output.dense", context)
            x = self._norm(f"{at}.attention.output", x + out)
            inner = self._linear(f"{at}.intermediate.dense", x)
            erf = np.vectorize(math.erf)
            inner = inner * 0.5 * (1 + erf(inner / math.sqrt(2)))
            x = self._norm(f"{at}.output", x + self._linear(f"{at}.output.dense", inner))
        mean = x[mask].mean(axis=0)
        return mean / np.linalg.norm(mean)

    def _attention(self, at: str, x: Any, mask: Any) -> Any:
        q, k, v = (self._linear(f"{at}.{part}", x) for part in ("query", "key", "value"))
        size, heads = HIDDEN // HEADS, []
        for head in range(HEADS):
            part = slice(head * size, (head + 1) * size)
            scores = q[:, part] @ k[:, part].T / math.sqrt(size)
            scores = np.where(mask, scores, -np.inf)
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            heads.append(weights / weights.sum(axis=1, keepdims=True) @ v[:, part])
        return np.concatenate(heads, axis=1)

    def _linear(self, name: str, x: Any) -> Any:
        return x @ self._tensor(f"{name}.weight").T + self._tensor(f"{name}.bias")

    def _norm(self, name: str, x: Any) -> Any:
        x = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-12)
        weight, bias = f"{name}.LayerNorm.weight", f"{name}.LayerNorm.bias"
        return x * self._tensor(weight) + self._tensor(bias)

    def _tensor(self, name: str) -> Any:
        return self.tensors[name].astype(np.float64)


def source(path: Path) -> Source:
    """Pin a file as it stands."""
    content = path.read_bytes()
    return Source(path.name, len(content), hashlib.sha256(content).hexdigest())


def _random() -> dict[str, Any]:
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), HIDDEN),
        "embeddings.position_embeddings.weight": (2 * POSITIONS, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
        "embeddings.LayerNorm.weight": (HIDDEN,),
        "embeddings.LayerNorm.bias": (HIDDEN,),
    }
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            shapes[f"{at}.attention.self.{part}.weight"] = (HIDDEN, HIDDEN)
            shapes[f"{at}.attention.self.{part}.bias"] = (HIDDEN,)
        for part, rows, columns in (
            ("attention.output", HIDDEN, HIDDEN),
            ("intermediate", INNER, HIDDEN),
            ("output", HIDDEN, INNER),
        ):
            shapes[f"{at}.{part}.dense.weight"] = (rows, columns)
            shapes[f"{at}.{part}.dense.bias"] = (rows,)
        for part in ("attention.output", "output"):
            shapes[f"{at}.{part}.LayerNorm.weight"] = (HIDDEN,)
            shapes[f"{at}.{part}.LayerNorm.bias"] = (HIDDEN,)
    random = np.random.default_rng(3)
    return {
        name: (random.standard_normal(shape) * 0.2 + name.endswith("Norm.weight")).astype("<f4")
        for name, shape in shapes.items()
    }


def _safetensors(tensors: dict[str, Any]) -> bytes:
    header, end = {}, 0
    for name, tensor in tensors.items():
        begin, end = end, end + tensor.nbytes
        entry = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, end]}
        header[name] = entry
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    numbers = b"".join(tensor.tobytes() for tensor in tensors.values())
    return len(text).to_bytes(8, "little") + text + numbers
