from __future__ import annotations

import errno
import sqlite3
import tempfile
from pathlib import Path

import apsw
import pytest

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"


@pytest.fixture
def other(cli, upstream, home) -> Path:
    """Another cache file of two answers, most of it in its log, in a folder of its own."""
    (home / "other").mkdir()
    path = home / "other" / "other.db"
    cli("ask", "one", "--db", str(path))
    cli("ask", "two", "--ttl", "1h", "-n", "work", "--db", str(path))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.endswith("-shm")}


def test_another_cache_is_merged(cli, other):
    cli("ask", "three")

    result = cli("import", str(other))

    assert (result.code, result.out, result.err) == (0, "took in 2 entries\n", "")
    assert cli("ask", "one", "--offline").out == "answer 1\n"
    assert cli("ask", "two", "-n", "work", "--offline").out == "answer 2\n"
    assert cli("ask", "three", "--offline").out == "answer 3\n"


def test_all_that_belongs_to_it_comes_along(cli, other):
    cli("ask", "one", "--db", str(other))
    cli("pin", "1", "--db", str(other))
    cli("rules", "add", "--pattern", "price", "--ttl", "1h", "--db", str(other))

    result = cli("import", str(other))

    assert result.out == "took in 2 entries and 1 rule\n"
    assert cli("export").out == cli("export", "--db", str(other)).out


@pytest.mark.parametrize(("ours_first", "answer"), [(True, "answer 3\n"), (False, "answer 3\n")])
def test_the_newer_answer_wins(cli, other, home, ours_first, answer):
    here, there = (str(home / "here.db"), str(other))
    cli("ask", "one", "--refresh", "--db", here if ours_first else there)
    cli("ask", "one", "--offline", "--db", here)

    cli("import", there, "--db", here)

    assert cli("ask", "one", "--offline", "--db", here).out == answer


def test_a_second_time_changes_nothing(cli, other):
    cli("import", str(other))

    assert cli("import", str(other)).out == "took in 0 entries; 2 were there already\n"


def test_what_is_read_is_left_as_it_was(cli, other, db):
    before = contents(other.parent)

    cli("import", str(other))

    assert contents(other.parent) == before
    assert [path.name for path in db.parent.iterdir() if ".llmc-" in path.name] == []


def test_a_file_that_nobody_has_open_gets_no_log_beside_it(cli, other, home):
    alone = home / "alone" / "alone.db"
    alone.parent.mkdir()
    cli("backup", str(alone), "--db", str(other))

    result = cli("import", str(alone))

    assert result.out == "took in 2 entries\n"
    assert [path.name for path in alone.parent.iterdir()] == ["alone.db"]


def test_a_dry_run_takes_nothing_in(cli, other):
    result = cli("import", str(other), "--dry-run")

    assert result.out == "would take in 2 entries\n"
    assert cli("export").out == ""


def test_a_cache_taken_into_itself_changes_nothing(cli, other):
    result = cli("import", str(other), "--db", str(other))

    assert (result.code, result.out) == (0, "took in 0 entries; 2 were there already\n")


@pytest.mark.parametrize("schema", sorted(SCHEMAS.glob("*.sql")), ids=lambda path: path.stem)
def test_a_file_of_an_older_llmc_is_read_and_stays_of_its_age(cli, home, schema):
    old = home / "old.db"
    connection = apsw.Connection(str(old))
    connection.execute(schema.read_text(encoding="utf-8")).fetchall()
    connection.close()
    before = old.read_bytes()

    result = cli("import", str(old))

    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("took in ")
    assert cli("export").out != ""
    assert old.read_bytes() == before


def _foreign(path: Path) -> str:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    return "it is another program's SQLite file"


def _newer(path: Path) -> str:
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE entry (x); PRAGMA application_id = 1819045219; PRAGMA user_version = 999"
    )
    connection.close()
    return "it was written by a newer llmc (schema 999, this one knows "


def _damaged(path: Path) -> str:
    path.write_bytes(b"SQLite format 3\0" + b"junk" * 999)
    return "it is not a cache file"


@pytest.mark.parametrize("make", [_foreign, _newer, _damaged])
def test_what_is_no_cache_is_refused_in_one_line_and_makes_none(cli, home, db, make):
    path = home / "given.db"
    reason = make(path)

    result = cli("import", str(path))

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"llmc: error: {path}: {reason}")
    assert "copy.db" not in result.err
    assert not db.exists()


def test_a_cache_file_cannot_be_piped_in(cli, other):
    result = cli("import", "-", stdin=other.read_bytes())

    assert (result.code, result.out) == (2, "")
    assert result.err == "llmc: error: a cache file cannot be piped in: name it\n"


def test_a_folder_that_takes_no_copy_is_told_in_one_line(cli, other, home, monkeypatch):
    def refused(**_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", refused)

    result = cli("import", str(other))

    assert (result.code, result.out) == (5, "")
    assert result.err.endswith(": permission denied\n")
    assert result.err.count("\n") == 1
