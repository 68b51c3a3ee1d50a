"""The fixtures: nouns, isolated from the network, from the user's home and from each other."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis_server
from command_lines import Result, run
from hypothesis import settings
from upstream import Upstream

from llmc import file as cache_file
from llmc import streams
from llmc.local.weights import load_numpy
from llmc.store import Store

# The same examples each time, whatever the machine is busy with.
settings.register_profile("steady", deadline=None, database=None, derandomize=True)
settings.load_profile("steady")

# With one thread: two that wait for each other take seven times as long on a busy machine.
load_numpy()

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
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
    yield folder
    # What watches such an index holds it open while it has a name: 1,024 files are soon too many.
    for index in tmp_path.rglob("*-shm"):
        index.unlink(missing_ok=True)


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


@pytest.fixture(scope="session")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis_server.Server]:
    server = redis_server.started(str(tmp_path_factory.mktemp("redis")))
    yield server
    server.stop()


@pytest.fixture
def server(_redis: redis_server.Server) -> redis_server.Server:
    """An empty Redis that machines share."""
    _redis.client.flushall()
    return _redis
