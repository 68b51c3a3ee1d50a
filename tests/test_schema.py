from __future__ import annotations

import contextlib
import struct
from itertools import count
from pathlib import Path

import apsw
import pytest
from drafts import draft, line, question
from processes import at_once, output
from storms import LONG

from llmc import file as cache_file
from llmc import keys, opening, schema
from llmc.errors import CacheFileError
from llmc.store import Store
from llmc.types import Rule, Selector

RELEASED = sorted(
    (Path(__file__).parent / "schemas").glob("*.sql"), key=lambda path: int(path.stem)
)

#: A second step that fails where it is taken twice.
SECOND = "CREATE TABLE second (x INTEGER) STRICT"

OPEN = """
import sys
from llmc.store import Store
ready()
with Store(sys.argv[1]) as store:
    print(store.count())
"""

OPEN_WITH_A_SECOND_STEP = f"""
from llmc import schema
schema.STEPS = (*schema.STEPS[:1], {SECOND!r})
schema.VERSION = 2
{OPEN}
"""

DIE_IN_A_STEP = """
import os, sys
from llmc import schema
from llmc.store import Store

def step(connection):
    connection.execute("CREATE TABLE second (x INTEGER); DELETE FROM entry")
    os.kill(os.getpid(), 9)

schema.STEPS = (*schema.STEPS[:1], step)
schema.VERSION = 2
Store(sys.argv[1])
"""


#: Dies before the n-th statement of an opening.
DIE_AT = """
import itertools, os, sys
import apsw
from llmc.file import File

statements = itertools.count(1)

def trace(*_):
    if next(statements) == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
    return True

def follow(connection):
    connection.exec_trace = trace

apsw.connection_hooks.append(follow)
File(sys.argv[1]).close()
"""

#: Every step that a released file has ahead of it.
AHEAD = [(script, step) for script in RELEASED for step in range(int(script.stem), schema.VERSION)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache.db"


@pytest.fixture
def steps(monkeypatch):
    """Replace what follows the first step."""

    def replace(*further):
        monkeypatch.setattr(schema, "STEPS", (*schema.STEPS[:1], *further))
        monkeypatch.setattr(schema, "VERSION", 1 + len(further))

    return replace


@pytest.fixture
def meanwhile(monkeypatch):
    """Do something before the n-th statement of SQL; return what has come of it.

    It may fail for a lock that is ours.
    """
    monkeypatch.setattr(opening, "BUSY_TIMEOUT", 1)

    def arrange(moment, action):
        statements, outcome = count(1), []

        def trace(*_):
            if next(statements) == moment:
                with contextlib.suppress(CacheFileError):
                    action()
                outcome.append("done")
            return True

        def follow(connection):
            connection.exec_trace = trace

        monkeypatch.setattr(apsw, "connection_hooks", [follow])
        return outcome

    return arrange


def build(script: Path, path: Path) -> None:
    run(path, script.read_text("utf-8"))


def run(path: Path, sql: str) -> list:
    connection = apsw.Connection(str(path))
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def tables(path: Path) -> set[str]:
    return {row[0] for row in run(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")}


def shape(path: Path) -> dict:
    """All that a schema is made of; opening puts no rows into it."""
    pragmas = ("application_id", "user_version", "auto_vacuum", "journal_mode", "encoding")
    found = {name: run(path, f"PRAGMA {name}") for name in pragmas}
    return found | {"schema": run(path, "SELECT type, name, tbl_name, sql FROM sqlite_schema")}


def content(path: Path) -> list:
    """Every row of every table that is not an index's own, the file's random name left out."""
    names = sorted(name for name in tables(path) if not name.startswith(("entry_text", "sqlite_")))
    rows = {name: run(path, f"SELECT * FROM {name}") for name in names}
    rows["meta"] = [(name, value) for name, value in rows["meta"] if name != "machine"]
    return list(rows.items())


def test_the_version_is_the_number_of_steps():
    assert len(schema.STEPS) == schema.VERSION


def test_every_released_schema_has_its_file():
    assert [path.stem for path in RELEASED] == [str(n + 1) for n in range(schema.VERSION)]


def test_a_new_file_is_of_the_current_version(path):
    Store(str(path)).close()

    assert run(path, "PRAGMA user_version") == [(schema.VERSION,)]


def test_a_new_file_says_whose_it_is(path):
    with Store(str(path)) as store:
        store.file.scrub()

    assert path.read_bytes()[68:72] == b"llmc"


def test_a_new_file_can_give_pages_back(path):
    Store(str(path)).close()

    assert run(path, "PRAGMA auto_vacuum") == [(2,)]


@pytest.mark.parametrize("script", RELEASED, ids=lambda path: path.stem)
def test_a_fresh_file_equals_an_upgraded_one(script, tmp_path):
    fresh, upgraded = tmp_path / "fresh.db", tmp_path / "upgraded.db"
    build(script, upgraded)

    Store(str(upgraded)).close()
    Store(str(fresh)).close()

    assert shape(upgraded) == shape(fresh)


class TestTheRowsOfSchema1:
    @pytest.fixture
    def store(self, path):
        build(RELEASED[0], path)
        with Store(str(path)) as store:
            yield store

    def test_answer_the_request_that_they_answered(self, store):
        request = question("which colour?", system="be brief")

        found = store.family("default", keys.family_key(request))

        assert [(entry.id, entry.answer, entry.hits) for entry in found] == [(1, "blue", 2)]
        assert found[0].key == keys.cache_key(request)

    def test_are_all_entries_in_full(self, store):
        entries = list(store.select(Selector()))

        assert [entry.id for entry in entries] == [4, 2, 1]
        assert [entry.namespace for entry in entries] == ["default", "work", "default"]
        assert [entry.cost for entry in entries] == [5000, None, 5000]
        assert [entry.expires_at for entry in entries] == [None, 9000.5, None]
        assert [entry.sample for entry in entries] == [1, 0, 0]
        assert entries[0].choices == [{"message": {"content": "three"}, "finish_reason": "stop"}]

    def test_give_the_whole_request_back(self, store):
        frame, usage = store.frame(1)

        assert keys.request_from(frame, "which colour?") == question(system="be brief")
        assert usage == {"prompt_tokens": 100, "completion_tokens": 20}

    def test_are_found_by_their_words(self, store):
        assert [entry.id for entry in store.search("seven", Selector())] == [2]
        assert store.index_damage() is None

    def test_keep_the_pin(self, store):
        assert set(store.eviction.order()) == {1, 4}

    def test_keep_what_was_saved(self, store):
        (total,) = store.ledger.totals(since=0)

        assert (total["requests"], total["hits"]) == (2, 1)
        assert (total["spent_nusd"], total["avoided_nusd"]) == (5000, 5000)

    def test_keep_what_was_refused(self, store):
        refused = store.refusals("http://127.0.0.1:9/v1", "o3", since=0)

        assert refused == {"temperature"}

    def test_keep_the_command_lines(self, store):
        rows = store.file.rows("SELECT digest, entry_id, generation, quiet FROM invocation")

        assert rows == [(b"d" * 16, 1, 3, 1)]
        assert store.file.number("SELECT value FROM meta WHERE name = 'generation'") == 3

    def test_agree_with_each_other(self, store):
        assert store.file.damage() == []
        assert store.file.rows("PRAGMA foreign_key_check") == []

    def test_take_new_ones_beside_them(self, store):
        entry_id = store.put(draft("another question", system="be brief"), line())

        assert entry_id == 5
        assert store.count() == 4
        assert store.file.number("SELECT count(*) FROM scope") == 2


class TestTheRowsOfSchema2:
    @pytest.fixture
    def store(self, path):
        build(RELEASED[1], path)
        with Store(str(path)) as store:
            yield store

    def test_keep_what_was_learned_and_judged(self, store):
        names = ("alias", "verdict", "calibration", "vector_due")

        rows = [store.file.number(f"SELECT count(*) FROM {name}") for name in names]

        assert rows == [1, 1, 1, 1]
        assert store.paraphrases.calibration("minilm") == {"thresholds": {"5%": 0.955}}

    def test_keep_their_vectors_whose_index_can_be_made_anew(self, store):
        without = store.vectors.damage()

        store.vectors.rebuild()

        asked = struct.pack("<4f", 0.6, 0.8, 0, 0)
        (found,) = store.vectors.anywhere(1, vector=asked)
        assert without == [
            "vectors of minilm (4 numbers): the index cannot be used: no such table: index_1_3"
        ]
        assert (found.entry_id, found.similarity) == (1, pytest.approx(1, abs=1e-3))
        assert store.vectors.damage() == []

    def test_agree_with_each_other(self, store):
        assert store.file.damage() == []
        assert store.file.rows("PRAGMA foreign_key_check") == []


class TestTheRowsOfSchema3:
    @pytest.fixture
    def store(self, path):
        build(RELEASED[2], path)
        with Store(str(path)) as store:
            yield store

    def test_keep_the_rules(self, store):
        assert store.rules.all() == [
            Rule("price", ttl=3600.0, created_at=1800.0, id=2),
            Rule("{path}", "answer", "work", event="file_changed", created_at=1900.0, id=3),
        ]

    def test_agree_with_each_other(self, store):
        assert store.file.damage() == []
        assert store.file.rows("PRAGMA foreign_key_check") == []


class TestTheRowsOfSchema4:
    @pytest.fixture
    def store(self, path):
        build(RELEASED[3], path)
        with Store(str(path)) as store:
            yield store

    def test_keep_what_was_saved_lately_and_long_ago(self, store):
        (total,) = store.ledger.totals(since=-(2**33))

        assert (total["requests"], total["hits"], total["memory"]) == (10, 9, 3)
        assert total["avoided_nusd"] == 5000 + 15000 + 25000

    def test_keep_what_is_to_be_told_and_where_they_stand(self, store):
        (told,) = store.outbox.waiting(10)

        assert (told.kind, told.namespace, told.at) == ("gone", "work", 1700.0)
        assert store.outbox.place("redis://host:6379/0") == ("1700-3", 9, 1650.0)
        assert store.outbox.known(8000.0) == [(1, "default", store.entry(1).key)]

    def test_keep_their_order_for_want_of_room(self, store):
        assert set(store.eviction.order()) == {1, 4}
        assert [store.eviction.held(name) for name in (None, "default", "work")] == [3, 2, 1]

    def test_agree_with_each_other(self, store):
        assert store.file.damage() == []
        assert store.file.rows("PRAGMA foreign_key_check") == []


class TestAFurtherStep:
    @pytest.fixture(autouse=True)
    def old(self, path):
        build(RELEASED[0], path)
        return content(path)

    def test_is_taken_once_and_keeps_the_rows(self, path, steps, old):
        steps("ALTER TABLE entry ADD COLUMN remark TEXT")

        Store(str(path)).close()
        Store(str(path)).close()

        assert run(path, "PRAGMA user_version") == [(2,)]
        assert run(path, "SELECT answer, remark FROM entry ORDER BY id") == [
            ("blue", None),
            ("seven", None),
            ("three", None),
        ]

    def test_may_be_a_function(self, path, steps, old):
        steps(lambda connection: connection.execute("UPDATE entry SET hits = hits + 1"))

        Store(str(path)).close()

        assert run(path, "SELECT hits FROM entry ORDER BY id") == [(3,), (1,), (1,)]

    def test_that_fails_in_sql_changes_nothing(self, path, steps, old):
        steps("CREATE TABLE second (x INTEGER); DELETE FROM entry; INSERT INTO nowhere VALUES (1)")

        with pytest.raises(CacheFileError, match="no such table: nowhere"):
            Store(str(path))

        assert run(path, "PRAGMA user_version") == [(1,)]
        assert content(path) == old

    def test_that_fails_in_python_changes_nothing(self, path, steps, old):
        def step(connection):
            connection.execute("CREATE TABLE second (x INTEGER); DELETE FROM entry")
            raise ZeroDivisionError

        steps(step)

        with pytest.raises(ZeroDivisionError):
            Store(str(path))

        assert run(path, "PRAGMA user_version") == [(1,)]
        assert content(path) == old

    def test_that_is_killed_changes_nothing(self, path, old):
        said = output(DIE_IN_A_STEP, path)

        assert said == ""
        assert run(path, "PRAGMA user_version") == [(1,)]
        assert content(path) == old

    def test_that_fails_leaves_those_before_it(self, path, steps, old):
        steps(SECOND, "DELETE FROM entry; INSERT INTO nowhere VALUES (1)")

        with pytest.raises(CacheFileError, match="nowhere"):
            Store(str(path))

        assert run(path, "PRAGMA user_version") == [(2,)]
        assert "second" in tables(path)
        assert run(path, "SELECT count(*) FROM entry") == [(3,)]

    def test_can_be_tried_again(self, path, steps, old):
        steps("INSERT INTO nowhere VALUES (1)")
        with pytest.raises(CacheFileError):
            Store(str(path))
        steps(SECOND)

        Store(str(path)).close()

        assert run(path, "PRAGMA user_version") == [(2,)]


@pytest.mark.parametrize("script", RELEASED, ids=lambda path: path.stem)
def test_an_upgrade_keeps_every_row(script, path):
    build(script, path)
    names = {"entry", "scope", "alias", "verdict", "calibration", "refusal", "rule", "invocation"}
    before = {name: records(path, name) for name in names & tables(path)}

    Store(str(path)).close()

    after = {name: records(path, name, like=rows) for name, rows in before.items()}
    assert after == before


def records(path: Path, table: str, *, like: list[dict] | None = None) -> list[dict]:
    """The rows of a table by column, or of them the columns that other rows have."""
    names = [row[1] for row in run(path, f"PRAGMA table_info({table})")]
    rows = [dict(zip(names, row, strict=True)) for row in run(path, f"SELECT * FROM {table}")]
    return rows if like is None else [{name: row[name] for name in like[0]} for row in rows]


@pytest.mark.parametrize(("script", "step"), AHEAD, ids=[f"{a.stem} to {b + 1}" for a, b in AHEAD])
def test_each_step_that_fails_leaves_what_those_before_it_made(script, step, tmp_path, monkeypatch):
    reached, failed = tmp_path / "reached.db", tmp_path / "failed.db"
    build(script, reached)
    build(script, failed)
    taken = schema.STEPS[:step]
    broken = f"{schema.STEPS[step]}; INSERT INTO nowhere VALUES (1)"
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", taken)
        patch.setattr(schema, "VERSION", step)
        cache_file.File(str(reached)).close()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", (*taken, broken))
        patch.setattr(schema, "VERSION", step + 1)

        with pytest.raises(CacheFileError, match="nowhere"):
            cache_file.File(str(failed))

    assert content(failed) == content(reached)
    assert shape(failed) == shape(reached)


@pytest.mark.parametrize("moment", range(1, 150) if LONG else range(4, 90, 8))
def test_an_upgrade_that_is_killed_is_taken_up_again(moment, tmp_path):
    killed, whole = tmp_path / "killed.db", tmp_path / "whole.db"
    list(map(build, RELEASED[:1] * 2, [killed, whole]))
    Store(str(whole)).close()
    said = output(DIE_AT, killed, moment)
    between = run(killed, "PRAGMA user_version; SELECT count(*) FROM entry")

    Store(str(killed)).close()

    assert said == ""
    assert between in [[(version,), (3,)] for version in range(1, schema.VERSION + 1)]
    assert shape(killed) == shape(whole)
    assert content(killed) == content(whole)


@pytest.mark.parametrize("script", RELEASED, ids=lambda path: path.stem)
def test_very_many_processes_upgrade_one_old_file_together(script, path):
    build(script, path)

    said = at_once(OPEN, [(path,)] * 16)

    assert said == ["3"] * 16
    assert run(path, "PRAGMA user_version") == [(schema.VERSION,)]


@pytest.mark.parametrize("kind", ["missing", "empty"])
def test_many_processes_make_one_new_file_together(kind, tmp_path):
    paths = [tmp_path / f"{number}.db" for number in range(4)]
    make = {"missing": lambda _: None, "empty": Path.touch}[kind]
    list(map(make, paths))

    said = [at_once(OPEN, [(path,)] * 6) for path in paths]

    assert said == [["0"] * 6] * 4


def test_many_processes_upgrade_one_old_file_together(tmp_path):
    paths = [tmp_path / f"{number}.db" for number in range(4)]
    list(map(build, RELEASED[:1] * 4, paths))

    said = [at_once(OPEN_WITH_A_SECOND_STEP, [(path,)] * 6) for path in paths]

    assert said == [["3"] * 6] * 4
    assert [run(path, "PRAGMA user_version") for path in paths] == [[(2,)]] * 4


@pytest.mark.parametrize("moment", range(1, 16))
@pytest.mark.parametrize("make", [lambda _: None, Path.touch], ids=["missing", "empty"])
def test_another_process_may_make_the_file_at_any_moment_of_ours(make, moment, path, meanwhile):
    make(path)
    others = meanwhile(moment, lambda: Store(str(path)).close())

    with Store(str(path)) as store:
        store.put(draft(), line())

    assert others == ["done"]
    assert run(path, "SELECT answer FROM entry") == [("blue",)]


@pytest.mark.parametrize("moment", range(1, 16))
def test_another_process_may_upgrade_the_file_at_any_moment_of_ours(moment, path, steps, meanwhile):
    build(RELEASED[0], path)
    steps(SECOND)
    others = meanwhile(moment, lambda: Store(str(path)).close())

    with Store(str(path)) as store:
        found = store.count()

    assert others == ["done"]
    assert found == 3
    assert run(path, "PRAGMA user_version") == [(2,)]


def test_a_newer_file_is_refused_and_says_so(path):
    build(RELEASED[-1], path)
    run(path, f"PRAGMA user_version = {schema.VERSION + 1}")
    before = content(path)

    with pytest.raises(CacheFileError) as caught:
        Store(str(path))

    assert str(caught.value) == (
        f"cache file {path}: it was written by a newer llmc"
        f" (schema {schema.VERSION + 1}, this one knows {schema.VERSION})"
    )
    assert caught.value.hint == "upgrade llmc, or name another file with --db"
    assert content(path) == before


@pytest.mark.parametrize("version", [0, 1, 2, 70])
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_another_programs_file_is_refused_and_not_altered(version, journal, path):
    run(
        path,
        f"PRAGMA journal_mode = {journal}; CREATE TABLE entry (id, prompt);"
        f"INSERT INTO entry VALUES (1, 'mine'); PRAGMA user_version = {version}",
    )
    before = path.read_bytes()

    with pytest.raises(CacheFileError) as caught:
        Store(str(path))

    assert str(caught.value) == f"cache file {path}: it is another program's SQLite file"
    assert path.read_bytes() == before


def test_another_programs_empty_file_is_refused(path):
    run(path, "PRAGMA application_id = 252006675; PRAGMA user_version = 7")

    with pytest.raises(CacheFileError, match="another program's"):
        Store(str(path))


def test_a_file_without_tables_becomes_a_cache_file(path):
    run(path, "VACUUM")

    with Store(str(path)) as store:
        store.put(draft(), line())

    assert run(path, "SELECT answer FROM entry") == [("blue",)]
