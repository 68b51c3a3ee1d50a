"""BERT worked out plainly, the way its papers say it: pieces of a text, and the vector of pieces.

It shares no line with llmc's own: a dictionary in the place of bisection, float64 or float32 in the
place of int8, one text at a time.
"""

from __future__ import annotations

import json
import math
import random
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np

#: The error function, at 20,000 points a unit: each x takes the nearest one's, at most 3e-5 off.
_POINTS, _END = 20_000, 5
_ERF = np.array([math.erf(point / _POINTS) for point in range(-_END * _POINTS, _END * _POINTS + 1)])


class PlainBert:
    """The forward pass over the published tensors, in the precision of `dtype`."""

    def __init__(self, tensors: dict[str, Any], *, layers: int, heads: int, dtype: Any) -> None:
        self._tensors = {name: tensor.astype(dtype) for name, tensor in tensors.items()}
        self._layers, self._heads = layers, heads

    def vector(self, numbers: list[int], *, padded_to: int = 0) -> Any:
        """The unit vector of a text's pieces, masked where it is padded."""
        count = max(padded_to, len(numbers))
        mask = np.arange(count) < len(numbers)
        padded = [*numbers, *[0] * (count - len(numbers))]
        x = self._tensors["embeddings.word_embeddings.weight"][padded]
        x = x + self._tensors["embeddings.position_embeddings.weight"][:count]
        x = x + self._tensors["embeddings.token_type_embeddings.weight"][0]
        x = self._norm("embeddings", x)
        for layer in range(self._layers):
            at = f"encoder.layer.{layer}"
            context = self._attention(f"{at}.attention.self", x, mask)
            out = self._linear(f"{at}.attention.output.dense", context)
            x = self._norm(f"{at}.attention.output", x + out)
            inner = self._linear(f"{at}.intermediate.dense", x)
            inner = inner * (1 + _erf(inner / math.sqrt(2))) / 2
            x = self._norm(f"{at}.output", x + self._linear(f"{at}.output.dense", inner))
        mean = x[mask].mean(axis=0, dtype=np.float64)
        return mean / np.linalg.norm(mean)

    def _attention(self, at: str, x: Any, mask: Any) -> Any:
        q, k, v = (self._linear(f"{at}.{part}", x) for part in ("query", "key", "value"))
        size, parts = x.shape[1] // self._heads, []
        for head in range(self._heads):
            part = slice(head * size, (head + 1) * size)
            scores = q[:, part] @ k[:, part].T / math.sqrt(size)
            scores = np.where(mask, scores, -np.inf)
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            parts.append(weights / weights.sum(axis=1, keepdims=True) @ v[:, part])
        return np.concatenate(parts, axis=1)

    def _linear(self, name: str, x: Any) -> Any:
        return x @ self._tensors[f"{name}.weight"].T + self._tensors[f"{name}.bias"]

    def _norm(self, name: str, x: Any) -> Any:
        x = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-12)
        weight, bias = f"{name}.LayerNorm.weight", f"{name}.LayerNorm.bias"
        return x * self._tensors[weight] + self._tensors[bias]


def _erf(x: Any) -> Any:
    nearest = np.rint((np.clip(x, -_END, _END) + _END) * _POINTS).astype(np.int64)
    return _ERF.astype(x.dtype)[nearest]


class PlainWordPiece:
    """The pieces of a text, by this Python's own Unicode tables."""

    def __init__(self, pieces: list[str]) -> None:
        self._numbers = {piece: number for number, piece in enumerate(pieces)}

    def pieces(self, text: str, *, limit: int) -> list[int]:
        """The numbers of its pieces between [CLS] and [SEP], `limit` at most in all."""
        found = [number for word in _words(text) for number in self._pieces_of(word)]
        marks = self._numbers["[CLS]"], self._numbers["[SEP]"]
        return [marks[0], *found[: limit - 2], marks[1]]

    def _pieces_of(self, word: str) -> list[int]:
        found: list[int] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((e for e in ends if prefix + word[start:e] in self._numbers), None)
            if end is None or len(word) > 100:
                return [self._numbers["[UNK]"]]
            found.append(self._numbers[prefix + word[start:end]])
            start = end
        return found


def _words(text: str) -> list[str]:
    seen = "".join(_spaced(c, _is_ideograph(c)) for c in text if not _is_control(c))
    bare = "".join(c for c in unicodedata.normalize("NFD", seen) if unicodedata.category(c) != "Mn")
    small = "".join(c.lower() for c in bare)
    return "".join(_spaced(c, _is_mark(c)) for c in small).split(" ")


def _spaced(character: str, apart: bool) -> str:
    if character in "\t\n\r" or unicodedata.category(character) == "Zs":
        return " "
    return f" {character} " if apart else character


def _is_control(character: str) -> bool:
    kind = unicodedata.category(character)
    return character not in "\t\n\r" and (kind in {"Cc", "Cf", "Co", "Cs"} or character == "\ufffd")


def _is_ideograph(character: str) -> bool:
    names = ("CJK UNIFIED IDEOGRAPH-", "CJK COMPATIBILITY IDEOGRAPH-")
    return unicodedata.name(character, "").startswith(names)


def _is_mark(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind[0] == "P" or (character.isascii() and kind[0] == "S")


def published_files(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Read the tensors and the vocabulary of a published model."""
    raw = (folder / "model.safetensors").read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    header.pop("__metadata__", None)
    tensors = {
        name: np.frombuffer(
            raw, "<f4", math.prod(entry["shape"]), start + entry["data_offsets"][0]
        ).reshape(entry["shape"])
        for name, entry in header.items()
        if entry["dtype"] == "F32"
    }
    return tensors, (folder / "vocab.txt").read_text("utf-8").split("\n")[:-1]


#: Scripts, as spans of letters that every Unicode since 8.0 treats alike.
_SCRIPTS = (
    (0x00C0, 0x017F),  # accented Latin
    (0x0391, 0x03C9),  # Greek
    (0x0410, 0x044F),  # Cyrillic
    (0x05D0, 0x05EA),  # Hebrew
    (0x0621, 0x064A),  # Arabic
    (0x0905, 0x094D),  # Devanagari, with its signs
    (0x0E01, 0x0E3A),  # Thai
    (0x3041, 0x3096),  # Hiragana
    (0x4E00, 0x9FA5),  # ideographs
    (0xAC00, 0xD7A3),  # Hangul
    (0x20000, 0x2A6D6),  # ideographs beyond 16 bits
)
_COMBINING = [chr(code) for code in range(0x0300, 0x0340)]
_EMOJI = [*"😀😂👍🎉🚀🐍", "👩\u200d👩\u200d👧", "🇩🇪", "❤\ufe0f", "👍🏽"]
_CONTROLS = [*"\x00\x07\x1b\x7f\x85\xad\u200b\u200e\u202e\u2066\ufeff\ufffd\ue000", "\r\n", "\x0b"]
_SIGNS = list("?!.,;:'\"()[]{}<>/\\|@#$%^&*-_=+~`«»„“…—¿。、")
_OPENINGS = ("how do i", "what is the", "why does", "is there a", "when did", "which", "explain")


def thousand_texts(words: list[str], *, seed: int = 1) -> list[str]:
    """A thousand texts: questions out of known words, and all that people paste besides."""
    draw = random.Random(seed)
    whole = [word for word in words if word.isalpha()]

    def some(items: list[str], low: int, high: int) -> list[str]:
        return [draw.choice(items) for _ in range(draw.randint(low, high))]

    def question() -> str:
        return f"{draw.choice(_OPENINGS)} {' '.join(some(whole, 1, 12))}?".capitalize()

    def foreign() -> str:
        low, high = draw.choice(_SCRIPTS)
        return " ".join(
            "".join(chr(draw.randint(low, high)) for _ in range(draw.randint(1, 8)))
            for _ in range(draw.randint(1, 6))
        )

    def mixed() -> str:
        parts = [*some(whole, 1, 6), foreign(), *some(_EMOJI, 0, 3), *some(_SIGNS, 0, 6)]
        draw.shuffle(parts)
        return draw.choice(["", " ", "\t"]).join(parts)

    def marked() -> str:
        return "".join(c + "".join(some(_COMBINING, 0, 2)) for c in question())

    def controlled() -> str:
        return "".join(c + draw.choice(_CONTROLS) * (draw.random() < 0.3) for c in question())

    def number() -> str:
        return f"{question()} {draw.random():.6f} {draw.randint(-9999, 9**12):,} v{draw.random()}"

    def long() -> str:
        return " ".join(question() for _ in range(draw.randint(30, 60)))

    kinds = (question, foreign, mixed, marked, controlled, number)
    counts = (400, 150, 150, 100, 100, 67)
    texts = [make() for make, count in zip(kinds, counts, strict=True) for _ in range(count)]
    texts += [long() for _ in range(20)]
    texts += ["", " ", "\n\t\r", "\u200b", "\x00", "?", "a", "é", "東", "😀"]
    texts += ["x" * 101, "x" * 5_000, "東" * 300]
    draw.shuffle(texts)
    return texts
