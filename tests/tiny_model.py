"""A BERT model of two layers with random weights, and what it should say."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from plain_bert import PlainBert

from llmc.local.published import Source
from llmc.local.weights import Model

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
        plain = PlainBert(self.tensors, layers=LAYERS, heads=HEADS, dtype=np.float64)
        return plain.vector(numbers, padded_to=POSITIONS)


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
