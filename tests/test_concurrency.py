from __future__ import annotations

import contextlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from drafts import draft, hit_line, line, new_store
from processes import at_once

from llmc.store import Store
from llmc.types import Selector

PUT = """
import sys
from drafts import draft, line
from llmc.store import Store
with Store(sys.argv[1]) as store:
    ready()
    for number in range(25):
        store.put(draft(f"question {sys.argv[2]}.{number}"), line())
"""

PUT_THE_SAME = """
import sys
from drafts import draft, line
from llmc.store import Store
with Store(sys.argv[1]) as store:
    ready()
    print({store.put(draft(answer=sys.argv[2]), line()) for _ in range(25)})
"""

FILL_SAMPLES = """
import sys
from drafts import draft, line
from llmc.store import Store
from llmc.types import NEXT_SAMPLE
with Store(sys.argv[1]) as store:
    ready()
    for _ in range(5):
        store.put(draft(sample=NEXT_SAMPLE), line())
"""

OPEN_AND_COUNT = """
import sys
from drafts import hit_line
from llmc.store import Store
ready()
for _ in range(10):
    with Store(sys.argv[1]) as store:
        store.record(hit_line(1))
"""

DELETE = """
import sys
from llmc.store import Store
from llmc.types import Selector
with Store(sys.argv[1]) as store:
    ready()
    while store.count():
        store.delete([entry.id for entry in store.select(Selector(), limit=3)])
        store.file.scrub()
"""

HIT = """
import sys
from drafts import hit_line
from llmc.store import Store
from llmc.types import Invocation, Selector
with Store(sys.argv[1]) as store:
    ready()
    for number in range(1, 31):
        store.record(hit_line(number), Invocation(b"d", bytes([number]), False, (), False))
        store.search("question", Selector())
"""


@pytest.fixture
def store(db):
    with new_store(db) as store:
        yield store


@pytest.fixture
def restless():
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(work, count: int) -> list:
    """Call `work` with 0, 1, 2 … in as many threads, let go together; return what it returned."""
    gate = threading.Barrier(count)

    def wait_and_work(number: int):
        gate.wait(timeout=10)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait_and_work, range(count)))


def expected(writers: int) -> list[str]:
    return sorted(
        f"question {writer}.{number}" for writer in range(writers) for number in range(25)
    )


def stored(store: Store) -> list[str]:
    return sorted(entry.prompt for entry in store.select(Selector()))


def assert_sound(store: Store) -> None:
    assert store.file.damage() == []
    assert store.index_damage() is None
    assert store.file.rows("PRAGMA foreign_key_check") == []


class TestTheSameQuestion:
    @pytest.mark.parametrize(
        ("flags", "many"), [([], 32), (["--json"], 12)], ids=["by the porch", "by the command line"]
    )
    def test_asked_by_many_processes_is_answered_and_counted_for_each(
        self, flags, many, program, upstream, db
    ):
        program("ask", "which colour?", *flags)

        results = in_threads(lambda _: program("ask", "which colour?", *flags), many)

        with Store(str(db)) as store:
            assert {result.code for result in results} == {0}
            assert all("answer 1" in result.out for result in results)
            assert not any("cache file" in result.err for result in results)
            assert store.entry(1).hits == many
            assert store.file.number("SELECT count(*) FROM ledger WHERE source = 'exact'") == many
            assert_sound(store)
        assert len(upstream.calls) == 1

    def test_put_by_many_processes_stays_one_entry(self, store, db):
        said = at_once(PUT_THE_SAME, [(db, name) for name in "abcdef"])

        assert said == ["{1}"] * 6
        assert store.count() == 1
        assert store.file.number("SELECT count(*) FROM ledger") == 150
        assert_sound(store)

    def test_sampled_by_many_processes_loses_no_sample(self, store, db):
        said = at_once(FILL_SAMPLES, [(db,)] * 6)

        found = store.samples("default", draft().key, 99)
        assert said == [""] * 6
        assert [entry.sample for entry in found] == list(range(1, 31))

    def test_counted_by_processes_that_come_and_go_is_counted_for_each(self, store, db):
        store.put(draft(), line())
        store.close()

        said = at_once(OPEN_AND_COUNT, [(db,)] * 8)

        with Store(str(db)) as again:
            assert said == [""] * 8
            assert again.entry(1).hits == 80
            assert_sound(again)


class TestDifferentQuestions:
    def test_put_by_many_processes_are_all_there(self, store, db):
        said = at_once(PUT, [(db, number) for number in range(6)])

        assert said == [""] * 6
        assert stored(store) == expected(6)
        assert_sound(store)

    def test_put_by_threads_with_a_file_each_are_all_there(self, store, db):
        def put(writer):
            with Store(str(db)) as own:
                ids = [own.put(draft(f"question {writer}.{n}"), line()) for n in range(25)]
            return len(set(ids))

        said = in_threads(put, 6)

        assert said == [25] * 6
        assert stored(store) == expected(6)
        assert_sound(store)

    def test_put_by_threads_of_one_file_are_all_there(self, store, restless):
        def put(writer):
            ids = [store.put(draft(f"question {writer}.{n}"), line()) for n in range(25)]
            return len(set(ids))

        said = in_threads(put, 6)

        assert said == [25] * 6
        assert stored(store) == expected(6)
        assert_sound(store)

    def test_asked_by_many_processes_before_there_is_a_file_are_all_kept(
        self, program, upstream, db
    ):
        results = in_threads(lambda number: program("ask", f"question {number}"), 4)

        with Store(str(db)) as store:
            assert [result.code for result in results] == [0] * 4
            assert stored(store) == [f"question {number}" for number in range(4)]
            assert_sound(store)


def test_what_is_deleted_by_one_process_troubles_no_other(store, db):
    entries = [draft(f"question {number}") for number in range(30)]
    list(map(store.put, entries, [line()] * 30))

    said = [*in_threads(lambda which: at_once([DELETE, HIT][which], [(db,)] * 2), 2)]

    assert said == [["", ""], ["", ""]]
    assert store.count() == 0
    assert store.file.rows("SELECT * FROM invocation") == []
    assert store.file.number("SELECT count(*) FROM ledger WHERE source = 'exact'") == 60
    assert_sound(store)


def test_a_thread_that_waits_for_the_lock_lets_its_holder_go_on(store, db):
    waits = threading.Event()

    def write_late():
        with Store(str(db)) as other:
            waits.set()
            other.record(hit_line())

    with ThreadPoolExecutor(1) as pool:
        with store.file.transaction():
            late = pool.submit(write_late)
            waits.wait(timeout=10)
            list(map(store.file.execute, ["UPDATE meta SET value = value + 1"] * 2000))
        late.result(timeout=30)

    assert store.file.rows("SELECT value FROM meta WHERE name = 'generation'") == [(2000,)]
    assert store.file.number("SELECT count(*) FROM ledger") == 1


def test_a_transaction_lets_no_other_thread_in(store):
    """All threads of a process share a connection: one would read what another may take back."""
    begun, counts = threading.Event(), []

    def count():
        begun.set()
        counts.append(store.count())

    other = threading.Thread(target=count)
    with contextlib.suppress(ZeroDivisionError), store.transaction():
        store.write(draft("one"))
        other.start()
        begun.wait(timeout=10)
        other.join(timeout=0.1)
        assert counts == []
        raise ZeroDivisionError
    other.join(timeout=10)

    assert counts == [0]


def test_a_selection_left_half_read_lets_other_threads_go_on(store):
    store.put(draft("one"), line())
    store.put(draft("two"), line())
    rows = store.select(Selector())
    next(rows)
    other = threading.Thread(target=store.count, daemon=True)

    other.start()
    other.join(timeout=5)

    held_up = other.is_alive()
    rows.close()
    other.join()
    assert not held_up


def test_a_reader_sees_what_was_there_when_it_began(store, db):
    store.put(draft("one"), line())
    store.put(draft("two"), line())
    with Store(str(db)) as reader:
        rows = reader.select(Selector())
        first = next(rows)

        store.delete([1, 2])

        assert [first.prompt, *[entry.prompt for entry in rows]] == ["two", "one"]
        assert reader.count() == 0


def test_an_answer_of_another_process_is_found_at_once(store, db):
    with Store(str(db)) as other:
        before = other.family("default", draft().family)
        store.put(draft(), line())

        after = other.family("default", draft().family)

    assert before == []
    assert [entry.answer for entry in after] == ["blue"]
