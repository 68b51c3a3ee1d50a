from __future__ import annotations

import os
import resource
import shutil
from itertools import chain
from pathlib import Path

import apsw
import pytest
from drafts import draft, hit_line, line
from processes import mounted, start

from llmc.store import Store
from llmc.types import Selector

SCHEMAS = Path(__file__).resolve().parent / "schemas"

#: How often a writer is killed.
ROUNDS = 30

#: Says the number of each question once its answer is stored. A third of the writes overwrites.
WRITE = """
import sys
from drafts import draft, line
from llmc.store import Store
with Store(sys.argv[1]) as store:
    for number in range(10_000):
        store.put(draft(f"question {sys.argv[2]}.{number}", "blue " * 500), line())
        if number % 2:
            store.put(draft("the same question", f"answer {sys.argv[2]}.{number}"), line())
        print(number, flush=True)
"""

DELETE = """
import sys
from llmc.store import Store
from llmc.types import Selector
with Store(sys.argv[1]) as store:
    for entry in store.select(Selector()):
        store.delete([entry.id])
        print(entry.id, flush=True)
        store.file.scrub()
"""


@pytest.fixture
def small(tmp_path):
    """A folder on a disk of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    with mounted(folder, "-t", "tmpfs", "-o", "size=1m", "tmpfs"):
        yield folder


def build(script: Path, path: Path) -> None:
    """Make a file of an older schema."""
    connection = apsw.Connection(str(path))
    connection.execute(script.read_text("utf-8")).fetchall()
    connection.close()


def use_up(folder: Path, *, but: int = 0) -> Path:
    """Fill a disk to its last byte, or leave some."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        file.write(bytes(shutil.disk_usage(folder).free - but))
    return filler


def fill(path: Path) -> None:
    """Make a file with one entry and its log."""
    with Store(str(path)) as store:
        store.put(draft("another question"), line())


def fold(path: Path) -> None:
    """Close a file as one whose log has grown long is closed: the log and its index go."""
    store = Store(str(path))
    store.file.scrub()
    store.file._db.close()
    assert not os.path.exists(f"{path}-shm")


def copied(folder: Path, place: Path) -> Path:
    """Copy a cache file with its log to where there is room."""
    return shutil.copytree(folder, place / "copy") / "cache.db"


def killed(code: str, path: Path, name: object, *, after: int) -> list[int]:
    """Kill a script once it has said so many lines; return the numbers that it has said by then."""
    with start(code, path, name) as process:
        first = [process.stdout.readline() for _ in range(after)]
        process.kill()
        rest = process.stdout.readlines()
    return [int(said) for said in [*first, *rest] if said.endswith("\n")]


def prompts(store: Store) -> set[str]:
    return {entry.prompt for entry in store.select(Selector())}


def assert_sound(store: Store) -> None:
    assert store.file.damage() == []
    assert store.index_damage() is None
    assert store.file.rows("PRAGMA foreign_key_check") == []
    orphans = "SELECT id FROM scope WHERE id NOT IN (SELECT scope_id FROM entry)"
    assert store.file.rows(orphans) == []


class TestAFullDisk:
    @pytest.mark.parametrize("left", [0, 4096, 40_000, 100_000])
    def test_without_a_file_costs_a_note_and_not_the_answer(self, cli, upstream, small, left):
        use_up(small, but=left)

        result = cli("ask", "which colour?", "--db", f"{small}/cache.db")

        assert (result.code, result.out) == (0, "answer 1\n")
        assert f"llmc: cache file {small}/cache.db: the disk is full" in result.err

    def test_with_a_file_costs_a_note_and_not_the_answer(self, program, upstream, small):
        fill(small / "cache.db")
        use_up(small)

        result = program("ask", "which colour?", "--db", f"{small}/cache.db")

        assert (result.code, result.out) == (0, "answer 1\n")
        assert result.err.startswith(
            f"llmc: cache file {small}/cache.db: the disk is full; the answer was not stored\n"
        )

    def test_costs_a_whole_batch_one_note(self, program, upstream, small):
        fill(small / "cache.db")
        use_up(small)
        questions = "".join(f'{{"prompt": "question {number}"}}\n' for number in range(20))

        result = program("batch", "-", "--db", f"{small}/cache.db", stdin=questions)

        assert result.code == 0
        assert result.out.count('"source": "model"') == 20
        assert result.err.count("the disk is full; the answer was not stored") == 1
        assert len(result.err.splitlines()) == 2

    @pytest.mark.parametrize("flags", [[], ["--json"]], ids=["by the porch", "by the command line"])
    def test_does_not_hinder_a_hit(self, program, upstream, small, flags):
        program("ask", "which colour?", "--db", f"{small}/cache.db", *flags)
        use_up(small)

        result = program("ask", "which colour?", "--db", f"{small}/cache.db", *flags)

        assert result.code == 0
        assert "answer 1" in result.out
        assert len(upstream.calls) == 1

    def test_does_not_hinder_a_hit_in_a_file_without_a_log(self, cli, upstream, small):
        cli("ask", "which colour?", "--db", f"{small}/cache.db")
        fold(small / "cache.db")
        use_up(small)

        result = cli("ask", "which colour?", "--db", f"{small}/cache.db", "--offline")

        assert (result.code, result.out) == (0, "answer 1\n")

    def test_harms_nothing_that_was_stored(self, cli, upstream, small, tmp_path):
        cli("ask", "which colour?", "--db", f"{small}/cache.db")
        filler = use_up(small)
        cli("ask", "which number?", "--db", f"{small}/cache.db")
        cli("ask", "which colour?", "--db", f"{small}/cache.db")
        filler.unlink()

        result = cli("ask", "which number?", "--db", f"{small}/cache.db")

        assert result.out == "answer 3\n"
        with Store(str(copied(small, tmp_path))) as store:
            assert prompts(store) == {"which colour?", "which number?"}
            assert_sound(store)

    def test_is_reached_gracefully(self, cli, upstream, small, tmp_path):
        texts = [f"question {number} " + "sky " * 25_000 for number in range(12)]

        results = [cli("ask", "--db", f"{small}/cache.db", stdin=text) for text in texts]

        full = ["the disk is full" in result.err for result in results]
        assert [result.out for result in results] == [f"answer {n}\n" for n in range(1, 13)]
        assert [result.code for result in results] == [0] * 12
        assert (full[0], full[-1]) == (False, True)
        with Store(str(copied(small, tmp_path))) as store:
            assert store.count() == full.count(False)
            assert_sound(store)

    @pytest.mark.parametrize("left", [0, 20_000, 60_000, 150_000])
    def test_leaves_an_older_file_as_it_was_or_upgrades_it(self, cli, upstream, small, left):
        build(SCHEMAS / "1.sql", small / "cache.db")
        filler = use_up(small, but=left)

        without = cli("ask", "which number?", "--db", f"{small}/cache.db")
        filler.unlink()

        assert (without.code, without.out) == (0, "answer 1\n")
        assert without.err.count(f"cache file {small}/cache.db: the disk is full") <= 1
        with Store(str(small / "cache.db")) as store:
            assert store.count() >= 3
            assert_sound(store)

    def test_is_told_by_a_command_about_the_file(self, cli, small):
        fill(small / "cache.db")
        use_up(small)

        result = cli("invalidate", ".", "--yes", "--db", f"{small}/cache.db")

        assert result.code == 5
        assert result.err == f"llmc: error: cache file {small}/cache.db: the disk is full\n"


class TestALimitOfFileSize:
    @staticmethod
    def set_limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    def test_costs_a_note_and_not_the_answer(self, program, upstream, db):
        result = program("ask", "which colour?", preexec_fn=self.set_limit)

        assert (result.code, result.out) == (0, "answer 1\n")
        assert f"llmc: cache file {db}: " in result.err

    def test_harms_nothing_that_was_stored(self, program, upstream, db):
        program("ask", "which colour?")
        program("ask", "which number?", preexec_fn=self.set_limit)

        result = program("ask", "which colour?", preexec_fn=self.set_limit)

        assert (result.code, result.out) == (0, "answer 1\n")
        with Store(str(db)) as store:
            assert prompts(store) == {"which colour?"}
            assert_sound(store)


class TestAKill:
    def test_loses_no_acknowledged_answer(self, tmp_path):
        path = tmp_path / "cache.db"

        said = [killed(WRITE, path, n, after=1 + n % 5) for n in range(ROUNDS)]

        acknowledged = {f"question {n}.{number}" for n in range(ROUNDS) for number in said[n]}
        with Store(str(path)) as store:
            assert len(acknowledged) >= ROUNDS
            assert acknowledged - prompts(store) == set()
            assert_sound(store)

    def test_stores_an_answer_with_its_words_and_its_line_or_not_at_all(self, tmp_path):
        path = tmp_path / "cache.db"

        said = [killed(WRITE, path, n, after=1 + n % 3) for n in range(ROUNDS // 3)]

        with Store(str(path)) as store:
            lines = "SELECT count(DISTINCT entry_id) FROM ledger"
            assert store.count() >= sum(map(len, said))
            assert store.file.number(lines) == store.count()
            assert len(store.search("blue", Selector())) == store.count() - 1
            assert_sound(store)

    def test_while_the_file_is_made_leaves_one_that_can_be_used(self, tmp_path):
        paths = [tmp_path / f"{number}.db" for number in range(8)]

        said = [killed(WRITE, path, 0, after=0) for path in paths]

        stores = [Store(str(path)) for path in paths]
        assert [store.count() >= len(acks) for store, acks in zip(stores, said, strict=True)] == (
            [True] * 8
        )
        list(map(assert_sound, stores))
        list(map(Store.close, stores))

    def test_brings_no_deleted_entry_back(self, tmp_path):
        path = tmp_path / "cache.db"
        with Store(str(path)) as store:
            list(map(store.put, [draft(f"question {n}") for n in range(120)], [line()] * 120))

        gone = [killed(DELETE, path, "", after=1 + n % 4) for n in range(ROUNDS // 3)]

        with Store(str(path)) as store:
            left = {entry.id for entry in store.select(Selector())}
            assert left.isdisjoint(chain.from_iterable(gone))
            assert 0 < len(left) < 120
            assert_sound(store)


def test_a_file_that_vanishes_while_it_is_open_costs_no_answer(tmp_path):
    path = tmp_path / "cache.db"
    with Store(str(path)) as store:
        entry_id = store.put(draft(), line())
        path.unlink()

        store.record(hit_line(entry_id))

        assert store.entry(entry_id).hits == 1
