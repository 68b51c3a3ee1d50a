"""The fixtures: nouns, isolated from the network, from the user's home and from each other."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from upstream import Upstream

from llmc import cli as command_line
from llmc import file as cache_file
from llmc import streams
from llmc.store import Store
from llmc.weights import load_numpy

# With one thread: two that wait for each other take seven times as long on a busy machine.
load_numpy()

ROOT = Path(__file__).resolve().parent.parent


class Result(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for every test; a cache file opened outside of it raises."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in list(os.environ):
        if name.startswith(("LLMC_", "OPENAI_", "XDG_", "PYTHON", "CLICOLOR", "FORCE_COLOR")):
            monkeypatch.delenv(name)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("HOME", str(folder))
    # No authorities: reading the system's takes 20 ms a question, and loopback needs none.
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.chdir(folder)
    for name, value in (("_taken", None), ("_meant", None), ("_closed", set())):
        monkeypatch.setattr(streams, name, value)
    open_file = cache_file.File.__init__

    def open_inside(file: cache_file.File, path: str, **options: Any) -> None:
        assert Path(path).resolve().is_relative_to(tmp_path.resolve()), f"not isolated: {path}"
        open_file(file, path, **options)

    monkeypatch.setattr(cache_file.File, "__init__", open_inside)
    return folder


@pytest.fixture
def db(home: Path) -> Path:
    """Where llmc puts its file in this home."""
    return home / ".local" / "share" / "llmc" / "llmc.db"


@pytest.fixture
def store(db: Path) -> Iterator[Store]:
    """The open cache file of this home."""
    with Store(str(db)) as store:
        yield store


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """A model on loopback, which OPENAI_BASE_URL points to."""
    server = Upstream()
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    yield server
    server.stop()


@pytest.fixture
def cli() -> Callable[..., Result]:
    """Run one command line in this process, the ordinary way, with streams of its own.

    `stdin` is piped in; without it standard input is /dev/null.
    """

    def run(*arguments: str, stdin: str | bytes | None = None, terminal: bool = False) -> Result:
        with _Streams(stdin) as redirected, pytest.MonkeyPatch.context() as patch:
            patch.setattr(streams, "_taken", None)
            patch.setattr(streams, "_meant", None)
            if terminal:
                patch.setattr(streams, "is_terminal", lambda _: True)
            code = command_line.run(list(arguments))
        return Result(code, *redirected.texts)

    return run


@pytest.fixture
def program() -> Callable[..., Result]:
    """Run the real program in a process of its own, porch and all."""

    def run(*arguments: str, stdin: str | None = None, **options: Any) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "llmc", *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=os.environ | {"PYTHONPATH": str(ROOT)} | options.pop("env", {}),
            check=False,
            timeout=60,
            **options,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put `llmc` on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "llmc"
    path, python = shlex.quote(str(ROOT)), shlex.quote(sys.executable)
    script.write_text(f'#!/bin/sh\nPYTHONPATH={path} exec {python} -m llmc "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


class _Streams:
    """Puts files in the place of the three standard streams, descriptors and objects."""

    def __init__(self, stdin: str | bytes | None) -> None:
        self._stdin = stdin.encode() if isinstance(stdin, str) else stdin
        self.texts: tuple[str, str] = ("", "")

    def __enter__(self) -> _Streams:
        self._saved = [os.dup(number) for number in range(3)]
        self._objects = sys.stdin, sys.stdout, sys.stderr
        self._files = [tempfile.TemporaryFile("w+b", buffering=0) for _ in range(3)]
        self._files[0].write(self._stdin or b"")
        self._files[0].seek(0)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null if self._stdin is None else self._files[0].fileno(), 0)
        os.dup2(self._files[1].fileno(), 1)
        os.dup2(self._files[2].fileno(), 2)
        os.close(null)
        sys.stdin = open(0, encoding="utf-8", closefd=False)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        for redirected in (sys.stdin, sys.stdout, sys.stderr):
            redirected.close()
        sys.stdin, sys.stdout, sys.stderr = self._objects
        for number, saved in enumerate(self._saved):
            os.dup2(saved, number)
            os.close(saved)
        texts = []
        for file in self._files[1:]:
            file.seek(0)
            texts.append(file.read().decode("utf-8"))
        for file in self._files:
            file.close()
        self.texts = (texts[0], texts[1])
