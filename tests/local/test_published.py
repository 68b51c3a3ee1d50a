from __future__ import annotations

import errno
import sys

import httpx2
import pytest
from mirror import Manner, Mirror
from tiny_model import source

from llmc.errors import EmbeddingError, InputError
from llmc.local import published
from llmc.local.published import check, download, find_local, host

WEIGHTS = bytes(range(256)) * 2_000
VOCABULARY = b"[PAD]\n[UNK]\n"


@pytest.fixture
def mirror():
    mirror = Mirror({"model.safetensors": WEIGHTS, "vocab.txt": VOCABULARY})
    yield mirror
    mirror.stop()


@pytest.fixture
def sources(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    (folder / "vocab.txt").write_bytes(VOCABULARY)
    return (source(folder / "model.safetensors"), source(folder / "vocab.txt"))


@pytest.fixture
def target(tmp_path):
    return tmp_path / "target"


def test_a_download_holds_both_files_and_tells_of_its_progress(mirror, sources, target):
    seen = []

    download(mirror.url, str(target), lambda *step: seen.append(step), sources=sources)

    assert (target / "model.safetensors").read_bytes() == WEIGHTS
    assert (target / "vocab.txt").read_bytes() == VOCABULARY
    assert sorted(path.name for path in target.iterdir()) == ["model.safetensors", "vocab.txt"]
    assert seen[0] == ("model.safetensors", 65_536, len(WEIGHTS))
    assert seen[-1] == ("vocab.txt", len(VOCABULARY), len(VOCABULARY))


def test_a_download_that_broke_off_goes_on_where_it_ended(mirror, sources, target):
    mirror.manner = Manner(cut=200_000)
    with pytest.raises(EmbeddingError, match="broke off after 196608 of 512000") as broken:
        download(mirror.url, str(target), sources=sources)
    mirror.manner = Manner()

    download(mirror.url, str(target), sources=sources)

    assert broken.value.hint == "run it again: it goes on from there"
    assert mirror.asked[1] == ("model.safetensors", "bytes=196608-")
    assert (target / "model.safetensors").read_bytes() == WEIGHTS


def test_a_body_that_ends_early_without_an_error_is_not_the_file(mirror, sources, target):
    mirror.manner = Manner(cut=200_000, length=False)

    with pytest.raises(EmbeddingError, match="broke off after 200000 of"):
        download(mirror.url, str(target), sources=sources)

    assert not (target / "model.safetensors").exists()


def test_a_server_without_ranges_sends_everything_again(mirror, sources, target):
    target.mkdir()
    (target / "model.safetensors.part").write_bytes(WEIGHTS[:300_000])
    mirror.manner = Manner(ranges=False)

    download(mirror.url, str(target), sources=sources)

    assert mirror.asked[0] == ("model.safetensors", "bytes=300000-")
    assert (target / "model.safetensors").read_bytes() == WEIGHTS


def test_a_server_that_goes_on_elsewhere_is_refused_and_the_next_try_begins_anew(
    mirror, sources, target
):
    target.mkdir()
    (target / "model.safetensors.part").write_bytes(WEIGHTS[:300_000])
    mirror.manner = Manner(shift=7)

    with pytest.raises(EmbeddingError, match="cannot go on from byte 300000"):
        download(mirror.url, str(target), sources=sources)
    download(mirror.url, str(target), sources=sources)

    assert (target / "model.safetensors").read_bytes() == WEIGHTS


def test_a_part_of_something_else_is_thrown_away(mirror, sources, target):
    target.mkdir()
    (target / "model.safetensors.part").write_bytes(b"x" * 300_000)

    with pytest.raises(EmbeddingError, match="its SHA-256 differs"):
        download(mirror.url, str(target), sources=sources)

    assert list(target.iterdir()) == []


def test_a_complete_part_is_only_checked(mirror, sources, target):
    target.mkdir()
    (target / "model.safetensors.part").write_bytes(WEIGHTS)

    download(mirror.url, str(target), sources=sources)

    assert mirror.asked == [("vocab.txt", None)]


def test_what_is_there_is_not_fetched_again(mirror, sources, target):
    download(mirror.url, str(target), sources=sources)

    download(mirror.url, str(target), sources=sources)

    assert len(mirror.asked) == 2


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        (Manner(replace=b"<html>sign in</html>"), "offers 20 bytes instead of 512000"),
        (Manner(replace=b"<html>sign in</html>", length=False), "broke off after 20 of"),
        (Manner(replace=b"x" * len(WEIGHTS)), "its SHA-256 differs"),
        (Manner(extra=b"more"), "offers 512004 bytes instead of 512000"),
        (Manner(extra=b"more", length=False), "sent more than 512000 bytes"),
        (Manner(status=404), "127.0.0.1 answered 404"),
        (Manner(status=503), "127.0.0.1 answered 503"),
    ],
)
def test_another_file_than_the_published_one_is_refused(mirror, sources, target, manner, reason):
    mirror.manner = manner

    with pytest.raises(EmbeddingError, match=reason):
        download(mirror.url, str(target), sources=sources)

    assert not (target / "model.safetensors").exists()


def test_a_server_that_is_not_there_is_named(mirror, sources, target):
    mirror.stop()

    with pytest.raises(EmbeddingError, match=r"127\.0\.0\.1:\d+ cannot be reached"):
        download(mirror.url, str(target), sources=sources)


@pytest.mark.parametrize("error", [httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError])
def test_what_cannot_be_reached_has_a_way_round(sources, target, monkeypatch, error):
    def fail(*_: object, **__: object) -> None:
        raise error("it tells a password")

    monkeypatch.setattr(httpx2.Client, "stream", fail)

    with pytest.raises(EmbeddingError) as failure:
        download("https://me:word@models.example/x", str(target), sources=sources)

    assert str(failure.value) == "model.safetensors: models.example cannot be reached"
    assert "--from DIR" in failure.value.hint


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5://me:word@127.0.0.1:9"),
        ("HTTPS_PROXY", "gopher://me:word@proxy.example"),
        ("SSL_CERT_FILE", "/nowhere/at/all.pem"),
    ],
)
def test_an_environment_that_cannot_be_used_is_told_without_its_passwords(
    sources, target, monkeypatch, variable, value
):
    monkeypatch.setenv(variable, value)

    with pytest.raises(EmbeddingError, match=r"^models\.example cannot be asked: proxy or") as told:
        download("https://models.example/x", str(target), sources=sources)

    assert "word" not in repr(told.value)
    assert "--from DIR" in told.value.hint


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (published.URL, "huggingface.co"),
        ("http://127.0.0.1:8000/x", "127.0.0.1:8000"),
        ("https://me:word@[::1]:80", "[::1]:80"),
    ],
)
def test_an_addresss_host_is_named_without_its_password(url, name):
    assert host(url) == name


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://h/", "http://", "http:///x", "http://[::1", "http://h:99999", "file:///x"],
)
def test_what_is_no_address_has_no_host(url):
    with pytest.raises(InputError, match="is no address to fetch from"):
        host(url)


def test_an_address_that_is_none_tells_no_password():
    with pytest.raises(InputError, match=r"^'h/' is no address to fetch from$"):
        host("ftp://me:word@h/")


def test_a_base_that_is_no_address_is_refused(sources, target):
    with pytest.raises(EmbeddingError, match="no address to fetch from"):
        download("ftp://127.0.0.1/x", str(target), sources=sources)


def test_a_full_disk_is_told_as_one(mirror, sources, target, monkeypatch):
    def full(response, part, begin, source):
        with published.system_errors(part):
            raise OSError(errno.ENOSPC, "No space left on device")
        yield begin

    monkeypatch.setattr(published, "_append", full)

    with pytest.raises(EmbeddingError, match="no space left on device"):
        download(mirror.url, str(target), sources=sources)


def test_a_target_that_is_a_file_is_told_as_one(mirror, sources, tmp_path):
    (tmp_path / "target").write_text("x")

    with pytest.raises(EmbeddingError, match="target: file exists"):
        download(mirror.url, str(tmp_path / "target"), sources=sources)


def test_a_missing_file_does_not_pass_the_check(sources, tmp_path):
    with pytest.raises(EmbeddingError, match=r"absent: no such file"):
        check(str(tmp_path / "absent"), sources[0])


def test_the_package_is_found_without_being_imported(tmp_path, monkeypatch):
    model = tmp_path / "some_package" / "model"
    model.mkdir(parents=True)
    (tmp_path / "some_package" / "__init__.py").write_text("raise RuntimeError('imported')")
    (model / "model.safetensors").write_bytes(b"x")
    (model / "vocab.txt").write_bytes(b"x")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert find_local("some_package") == str(model)
    assert "some_package" not in sys.modules


def test_a_package_without_the_files_is_none(tmp_path, monkeypatch):
    (tmp_path / "some_package").mkdir()
    (tmp_path / "some_package" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert find_local("some_package") is None
    assert find_local("no_such_package") is None
