"""What does the local model's own file hold, and how is it made from the published ones?

One file in the layout of safetensors: 8 bytes with the header's length, the header in JSON, the
numbers. A matrix is int8 with a float32 scale for each group of a row, a quarter of the published
size; it is mapped into memory, so that a question reads only what it needs.
"""

from __future__ import annotations

import binascii
import contextlib
import gc
import json
import math
import mmap
import os
import stat
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from llmc.errors import EmbeddingError, reason_of
from llmc.local import published, stamp
from llmc.local.published import Source, system_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float32]

__all__ = [
    "FILE",
    "GROUP",
    "MINILM",
    "Model",
    "Weights",
    "convert",
    "install",
    "load_numpy",
    "paths",
    "remove",
]

#: The file's name in the model's folder.
FILE = "minilm.safetensors"

#: The folder beside it of what is fetched and half made.
_STAGING = "minilm.part"

#: Tells that the file was read to its last byte, and found sound, since it last changed.
_STAMP = "minilm.checked"

#: Numbers of a row that share a scale. One scale for a whole row leaves texts of two or three
#: pieces at a cosine of 0.996 to the published model, this 0.9993, for 0.9 MB and 2 ms.
GROUP = 64

_FORMAT = "llmc-int8-1"

_DTYPES = {"F32": ("<f4", 4), "I8": ("i1", 1), "U8": ("u1", 1)}

#: Variables by which the linear algebra below numpy learns how many threads to start.
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Model(NamedTuple):
    """A BERT model: its published files, and how large it is."""

    sources: tuple[Source, Source]  # weights, vocabulary
    words: int
    positions: int  # pieces of a text that are read, at most
    hidden: int
    inner: int
    layers: int
    heads: int
    epsilon: float = 1e-12  # layer_norm_eps of its config.json


#: all-MiniLM-L6-v2. It has 512 positions; its authors trained and use it with 256.
MINILM = Model(
    published.MINILM, words=30_522, positions=256, hidden=384, inner=1_536, layers=6, heads=12
)


class Weights:
    """The mapped file of a model. Its arrays are views: they read from disk when they are used."""

    def __init__(self, folder: str, model: Model = MINILM) -> None:
        """Map the file in `folder`. Raises EmbeddingError where it is missing or not the one.

        Sizes, header and vocabulary are checked, not the 24 MB of numbers: `damage` does that.
        """
        self.path = os.path.join(folder, FILE)
        self._stamp = os.path.join(folder, _STAMP)
        try:
            # A pipe in its place would keep us waiting for whoever writes to it.
            number = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
            try:
                self._state = os.fstat(number)
                if not stat.S_ISREG(self._state.st_mode):
                    raise self._error(_what_is_no_file(self._state.st_mode))
                self._map = mmap.mmap(number, 0, access=mmap.ACCESS_READ)
            finally:
                os.close(number)
        except OSError as error:
            raise self._error(reason_of(error)) from error
        except ValueError:  # nothing can be mapped of an empty file
            raise self._error("it is empty") from None
        self._start = 8 + int.from_bytes(self._map[:8], "little")
        try:
            header = json.loads(self._map[8 : self._start].rstrip())
        except (ValueError, RecursionError):
            raise self._error("it is not a model file, or truncated") from None
        about = header.pop("__metadata__", None) if isinstance(header, dict) else None
        if not isinstance(about, dict) or about | _about(model) != about:
            raise self._error("it is another model's, or another llmc's")
        rest = len(self._map) - self._start - _size(_layout(model, 0))
        self._tensors = _layout(model, rest)
        if rest <= 0 or header != self._tensors:
            raise self._error("it is truncated or damaged")
        self._digest = about.get("data")
        # A question walks through these lines: they are small enough to be read each time.
        if str(binascii.crc32(self.vocabulary())) != about.get("lines"):
            raise self._error("it is damaged")

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a tensor by its name."""
        import numpy as np

        tensor = self._tensors[name]
        return np.frombuffer(
            self._map,
            dtype=_DTYPES[tensor["dtype"]][0],
            count=math.prod(tensor["shape"]),
            offset=self._start + tensor["data_offsets"][0],
        ).reshape(tensor["shape"])

    def vocabulary(self) -> bytes:
        """Return the lines that `Vocabulary` takes."""
        begin, end = self._tensors["vocabulary"]["data_offsets"]
        return self._map[self._start + begin : self._start + end]

    def damage(self) -> str | None:
        """Say what is wrong with the numbers, all of which are read; None if they are sound."""
        import hashlib

        with memoryview(self._map) as whole:
            found = hashlib.sha256(whole[self._start :]).hexdigest()
        return None if found == self._digest else f"model file {self.path}: it is damaged"

    def require_sound(self) -> None:
        """Read all of the file, if it has changed since that was last done.

        Raises EmbeddingError if it is damaged: vectors of other numbers would be wrong unnoticed.
        """
        if stamp.holds(self._stamp, self._state):
            return
        if self.damage() is not None:
            raise self._error("it is damaged")
        stamp.put(self._stamp, self._state)

    def _error(self, reason: str) -> EmbeddingError:
        # Nothing of the user's that lies in a folder is thrown away.
        hint = "move it away" if os.path.isdir(self.path) else "run `llmc model pull`"
        return EmbeddingError(f"model file {self.path}: {reason}", hint=hint)


def _what_is_no_file(mode: int) -> str:
    return "is a directory" if stat.S_ISDIR(mode) else "it is no file"


def paths(folder: str) -> tuple[str, str]:
    """Return where the model's file lies, and the folder of what is fetched to make it."""
    return os.path.join(folder, FILE), os.path.join(folder, _STAGING)


def install(source_folder: str, folder: str, *, model: Model = MINILM) -> str:
    """Make the model's file in `folder` from its published ones, and throw away what was fetched.

    Returns its path. Raises EmbeddingError as `convert` does.
    """
    import shutil

    path, staging = paths(folder)
    made = convert(source_folder, staging, model=model)  # what a kill leaves lies there too
    with system_errors(path):
        os.replace(made, path)
    shutil.rmtree(staging, ignore_errors=True)
    return path


def remove(folder: str) -> None:
    """Remove the model's file from `folder`, and what was fetched. Raises EmbeddingError."""
    import shutil

    path, staging = paths(folder)
    with system_errors(path):
        for each in (path, os.path.join(folder, _STAMP)):
            if os.path.lexists(each):
                os.remove(each)
        if os.path.lexists(staging):
            shutil.rmtree(staging)


def convert(source_folder: str, target: str, *, model: Model = MINILM) -> str:
    """Make the model's own file in the folder `target` from its published ones; return its path.

    The file appears whole or not at all. Raises EmbeddingError where a published file is missing
    or another than the pinned one, and where the target cannot be written.
    """
    import hashlib

    paths = [os.path.join(source_folder, source.name) for source in model.sources]
    for path, source in zip(paths, model.sources, strict=True):
        published.check(path, source)
    load_numpy()
    with system_errors(paths[0]):
        tensors = dict(_converted(_Published(paths[0]), model))
        tensors["vocabulary"] = _vocabulary(paths[1])
    layout = _layout(model, len(tensors["vocabulary"]))
    content = b"".join(tensors[name] for name in layout)
    about = _about(model) | {
        "lines": str(binascii.crc32(tensors["vocabulary"])),
        "data": hashlib.sha256(content).hexdigest(),
    }
    header = json.dumps({"__metadata__": about, **layout}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    path = os.path.join(target, FILE)
    with system_errors(path):
        os.makedirs(target, exist_ok=True)
        _write(path, len(header).to_bytes(8, "little"), header, content)
    return path


def _write(path: str, *parts: bytes) -> None:
    """Write a file so that it appears whole, on the disk too, or not at all."""
    import tempfile

    number, temporary = tempfile.mkstemp(prefix=f".{FILE}-", dir=os.path.dirname(path))
    try:
        with open(number, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise


def load_numpy() -> None:
    """Import numpy so that it starts no threads and costs little; the user's variables win.

    One thread for linear algebra saves a third of the import and leaves the other cores alone: a
    question is too small to share. Set for the import only, since child processes inherit the
    environment. Without the garbage collector, which finds nothing there, it is 8 ms faster.
    Raises EmbeddingError.
    """
    if "numpy" in sys.modules:
        return
    added = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    collects = gc.isenabled()
    gc.disable()
    try:
        import numpy as np  # noqa: F401
    except ImportError as error:
        reason = str(error).strip().partition("\n")[0]
        raise EmbeddingError(f"numpy cannot be imported: {reason}") from error
    finally:
        for name in added:
            os.environ.pop(name, None)
        if collects:
            gc.enable()


def _about(model: Model) -> dict[str, str]:
    weights, vocabulary = model.sources
    return {"format": _FORMAT, "weights": weights.sha256, "vocabulary": vocabulary.sha256}


def _shapes(model: Model) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Yield name, type and shape of each tensor; float32 first, so that all of it is aligned."""
    hidden, inner = model.hidden, model.inner
    matrices = {"words": (model.words, hidden)}
    yield "positions", "F32", (model.positions, hidden)
    yield "norm", "F32", (2, hidden)
    yield "words.scale", "F32", (model.words, 1)
    for layer in range(model.layers):
        linear = {
            f"{layer}.qkv": (3 * hidden, hidden),
            f"{layer}.out": (hidden, hidden),
            f"{layer}.up": (inner, hidden),
            f"{layer}.down": (hidden, inner),
        }
        for name, (rows, columns) in linear.items():
            yield f"{name}.scale", "F32", (rows, columns // GROUP)
            yield f"{name}.bias", "F32", (rows,)
        yield f"{layer}.norm1", "F32", (2, hidden)
        yield f"{layer}.norm2", "F32", (2, hidden)
        matrices |= linear
    yield from ((name, "I8", shape) for name, shape in matrices.items())


def _layout(model: Model, vocabulary: int) -> dict[str, dict[str, Any]]:
    """Return the header's entries, given the bytes of the vocabulary, which come last."""
    entries: dict[str, dict[str, Any]] = {}
    end = 0
    for name, dtype, shape in (*_shapes(model), ("vocabulary", "U8", (vocabulary,))):
        begin, end = end, end + _DTYPES[dtype][1] * math.prod(shape)
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
    return entries


def _size(layout: Mapping[str, Mapping[str, Any]]) -> int:
    return int(max(entry["data_offsets"][1] for entry in layout.values()))


class _Published:
    """The published weights, mapped; their hash has been checked."""

    def __init__(self, path: str) -> None:
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._start = 8 + int.from_bytes(self._map[:8], "little")
        self._header = json.loads(self._map[8 : self._start])

    def __getitem__(self, name: str) -> Floats:
        import numpy as np

        shape = self._header[name]["shape"]
        offset = self._start + self._header[name]["data_offsets"][0]
        return np.frombuffer(self._map, "<f4", math.prod(shape), offset).reshape(shape)


def _converted(source: _Published, model: Model) -> Iterator[tuple[str, bytes]]:
    """Yield all tensors but the vocabulary, by their names here."""
    import numpy as np

    def norm(name: str) -> bytes:
        return (
            source[f"{name}.LayerNorm.weight"].tobytes()
            + source[f"{name}.LayerNorm.bias"].tobytes()
        )

    positions = source["embeddings.position_embeddings.weight"][: model.positions]
    # One text is all of the first type: its vector is the same for each piece.
    yield "positions", (positions + source["embeddings.token_type_embeddings.weight"][0]).tobytes()
    yield from _quantised("words", source["embeddings.word_embeddings.weight"], model.hidden)
    yield "norm", norm("embeddings")
    for layer in range(model.layers):
        at = f"encoder.layer.{layer}"
        parts = {
            "qkv": [f"{at}.attention.self.{part}" for part in ("query", "key", "value")],
            "out": [f"{at}.attention.output.dense"],
            "up": [f"{at}.intermediate.dense"],
            "down": [f"{at}.output.dense"],
        }
        for part, names in parts.items():
            matrix = np.concatenate([source[f"{name}.weight"] for name in names])
            yield from _quantised(f"{layer}.{part}", matrix, GROUP)
            bias = np.concatenate([source[f"{name}.bias"] for name in names])
            yield f"{layer}.{part}.bias", bias.tobytes()
        yield f"{layer}.norm1", norm(f"{at}.attention.output")
        yield f"{layer}.norm2", norm(f"{at}.output")


def _quantised(name: str, matrix: Floats, group: int) -> Iterator[tuple[str, bytes]]:
    import numpy as np

    groups = matrix.reshape(-1, group)
    largest = np.maximum(groups.max(axis=1), -groups.min(axis=1))
    scale = np.where(largest > 0, largest / np.float32(127), np.float32(1)).astype("<f4")
    yield name, np.rint(groups / scale[:, None]).astype("i1").tobytes()
    yield f"{name}.scale", scale.tobytes()


def _vocabulary(path: str) -> bytes:
    with open(path, "rb") as file:
        pieces = file.read().splitlines()
    numbered = sorted((piece, number) for number, piece in enumerate(pieces))
    return b"".join(b"%s\t%d\n" % pair for pair in numbered)
