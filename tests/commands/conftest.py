"""Fixtures of the commands: a configuration, its prices, and an answer as a program reads it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from encoder import Encoder

#: USAGE of tests/upstream.py at these prices: 100 tokens at $10 and 20 at $20 a million.
PRICES = '[prices."*"]\ninput = 10\noutput = 20\n'
COST = 0.0014


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write the user's configuration file."""
    path = tmp_path / "config.toml"
    monkeypatch.setenv("LLMC_CONFIG", str(path))

    def write(text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def prices(configuration) -> float:
    """Give every model a price; return what one answer of the upstream costs, in dollars."""
    configuration(PRICES)
    return COST


@pytest.fixture
def answer(cli) -> Callable[..., dict[str, Any]]:
    """Ask with `--json` and return the object; anything but an answer fails the test."""

    def ask(*arguments: str, **streams: Any) -> dict[str, Any]:
        result = cli("ask", "--json", *arguments, **streams)
        assert result.code == 0, result.err
        return json.loads(result.out)

    return ask


@pytest.fixture
def listed(cli) -> Callable[..., list[dict[str, Any]]]:
    """Return what `list --json`, or another command that prints JSON lines, shows."""

    def entries(*arguments: str) -> list[dict[str, Any]]:
        result = cli(*(arguments or ("list",)), "--json")
        assert result.code == 0, result.err
        return [json.loads(line) for line in result.out.split("\n")[:-1]]

    return entries


@pytest.fixture
def copies(cli, upstream, store) -> Callable[[int, int], None]:
    """Make so many entries, each with an answer of so many characters."""

    def make(count: int, length: int) -> None:
        cli("ask", "copied")
        store.file.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO entry (namespace, key, family, scope_id, source, created_at,"
            " finish_reason, prompt, answer) SELECT namespace, randomblob(32), family, scope_id,"
            " source, created_at, 'stop', 'copy ' || i, hex(randomblob(?)) FROM entry, n"
            " WHERE entry.prompt = 'copied'",
            (count, length // 2),
        )
        store.file.execute("DELETE FROM entry WHERE prompt = 'copied'")

    return make


class Unusable(NamedTuple):
    """A cache file that cannot be used, and what is wrong with it."""

    path: Path
    reason: str
    content: bytes | None


def _sqlite(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def _newer(path: Path) -> None:
    _sqlite(path, "CREATE TABLE entry (x)", "PRAGMA application_id = 1819045219")
    _sqlite(path, "PRAGMA user_version = 999")


@pytest.fixture(params=["folder", "junk", "newer", "foreign"])
def unusable(request, db: Path) -> Unusable:
    """A cache file in this home that is none: each test runs with every kind of it."""
    make, reason = {
        "folder": (Path.mkdir, "it is a folder"),
        "junk": (lambda path: path.write_bytes(b"no database\n" * 999), "it is not a cache file"),
        "newer": (_newer, "it was written by a newer llmc (schema 999"),
        "foreign": (
            lambda path: _sqlite(path, "CREATE TABLE theirs (x)"),
            "it is another program's SQLite file",
        ),
    }[request.param]
    db.parent.mkdir(parents=True)
    make(db)
    return Unusable(db, reason, db.read_bytes() if db.is_file() else None)


#: Of the encoder too: each of a text's 7 tokens costs a thousandth of a dollar.
PRICES_OF_ALL = f'[prices."tiny"]\ninput = 1000\noutput = 0\n{PRICES}'
TEXT_COST = 0.007


@pytest.fixture
def encoder(upstream, configuration, monkeypatch) -> Iterator[Encoder]:
    """An embedder on loopback in whose space all texts are one, in the configuration."""
    server = Encoder()
    configuration(f'{PRICES_OF_ALL}[providers.enc]\nbase_url = "{server.url}"\n')
    monkeypatch.setenv("LLMC_EMBEDDER", "enc/tiny")
    yield server
    server.stop()
