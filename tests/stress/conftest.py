from __future__ import annotations

import itertools
import os
import shutil

import pytest
import storms
from storms import Echo

from llmc import config


@pytest.fixture
def upstream(monkeypatch):
    """A model that says which question it answers, however many ask at once."""
    server = Echo()
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    yield server
    server.stop()


@pytest.fixture
def world(cli, upstream, tmp_path):
    """A home with a few files and an answered question, to be copied for each command line."""
    folder = tmp_path / "world"
    (folder / "folder").mkdir(parents=True)
    (folder / "text.txt").write_text("some text\n", encoding="utf-8")
    (folder / "bytes.bin").write_bytes(bytes(range(256)))
    (folder / "empty").touch()
    (folder / "rows.jsonl").write_text('{"prompt": "which colour?"}\n{"prompt": "why?"}\n{}\n')
    cli("ask", "which colour?", "--db", str(folder / "cache.db"))
    cli("rules", "add", "--event", "moved", "--pattern", "{path}", "--db", str(folder / "cache.db"))
    (folder / "lines.jsonl").write_text(cli("export", "--db", str(folder / "cache.db")).out)
    shutil.copytree(folder, folder / ".local" / "share" / "llmc")
    for suffix in ("", "-wal", "-shm"):
        os.rename(
            folder / ".local/share/llmc" / f"cache.db{suffix}",
            folder / ".local/share/llmc" / f"llmc.db{suffix}",
        )
    return folder


@pytest.fixture
def embedder(monkeypatch):
    """An embedder that takes no time, whatever the settings say."""
    monkeypatch.setattr(config, "embedder_of", lambda _: storms.TOY)


@pytest.fixture
def inhabited(world, tmp_path, monkeypatch):
    """Make a new world and live in it."""
    numbers = itertools.count()
    monkeypatch.setenv("LLMC_RETRIES", "0")

    def begin() -> None:
        monkeypatch.chdir(tmp_path)
        home = tmp_path / "homes" / str(next(numbers))
        if home.name != "0":
            shutil.rmtree(home.parent / str(int(home.name) - 1))
        shutil.copytree(world, home)
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.chdir(home)

    return begin
