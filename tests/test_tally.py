from __future__ import annotations

import threading

import pytest
from drafts import draft, hit_line, new_store

from llmc.errors import CacheFileError
from llmc.lives import Lives
from llmc.store import Store
from llmc.tally import PENDING, Tally
from llmc.types import Hit

LONG = 3600.0


@pytest.fixture
def store(db):
    with new_store(db) as store:
        for number in range(3):
            store.put(draft(f"question {number}"), None)
        yield store


@pytest.fixture
def tally(store):
    """One that waits longer than any test."""
    tally = Tally(store, Lives(store.rules, note=print), hold=LONG)
    yield tally
    tally.flush()


def hit(store, entry_id: int, **changes) -> Hit:
    line = hit_line(entry_id)._replace(**{"source": "memory", "latency": 0.5, **changes})
    return Hit(store.entry(entry_id), "memory", line=line)


def lines(store) -> list[dict]:
    return store.file.records("SELECT * FROM ledger ORDER BY id")


def test_without_a_wait_each_answer_is_counted_at_once(store):
    tally = Tally(store, Lives(store.rules, note=print))

    tally.record(hit(store, 1))

    assert (len(lines(store)), store.entry(1).hits) == (1, 1)


def test_hits_of_one_entry_become_one_line_of_all_of_them(store, tally):
    for second in range(1, 4):
        tally.record(hit(store, 1, at=2000.0 + second))
    tally.flush()

    (line,) = lines(store)
    once = hit_line(1)
    assert (line["requests"], line["at"], line["latency"]) == (3, 2003.0, 1.5)
    assert line["avoided_nusd"] == 3 * once.avoided_nusd
    assert line["prompt_tokens"] == 3 * once.prompt_tokens
    assert line["avoided_latency"] == 3 * once.avoided_latency
    assert store.file.rows("SELECT hits, last_hit_at FROM entry WHERE id = 1") == [(3, 2003.0)]


def test_the_sums_are_those_of_hits_that_were_counted_one_by_one(store, tally):
    at_once = Tally(store, Lives(store.rules, note=print))
    for way in (tally, at_once):
        for entry_id in (1, 2, 1, 1):
            way.record(hit(store, entry_id, namespace=str(way is tally)))
    tally.record(hit(store, 3, avoided_nusd=None, namespace="True"))
    tally.record(hit(store, 3, avoided_nusd=None, namespace="True"))
    at_once.record(hit(store, 3, avoided_nusd=None, namespace="False"))
    at_once.record(hit(store, 3, avoided_nusd=None, namespace="False"))
    tally.flush()

    one_by_one, together = store.ledger.totals(since=0, by="namespace", now=3000.0)

    assert len(lines(store)) == 6 + 3
    assert one_by_one | {"name": ""} == pytest.approx(together | {"name": ""})
    assert together["requests"] == together["memory"] == 6
    assert together["unpriced_hits"] == 2


def test_what_is_no_hit_of_the_same_words_does_not_wait(store, tally):
    tally.count(hit_line(1)._replace(source="semantic"))
    tally.count(hit_line(1)._replace(source="failed", entry_id=None))

    assert [line["source"] for line in lines(store)] == ["semantic", "failed"]


def test_many_entries_are_not_held_back(store, tally):
    for number in range(PENDING):
        tally.count(hit_line(number)._replace(source="memory"))

    assert len(lines(store)) == PENDING


def test_after_a_moment_all_is_counted(db, store):
    counted = threading.Event()

    class Shelf(Store):
        def record_all(self, lines):
            super().record_all(lines)
            counted.set()

    with Shelf(str(db)) as shelf:
        Tally(shelf, Lives(shelf.rules, note=print), hold=0.01).record(hit(store, 1))

        assert counted.wait(30)

    assert store.entry(1).hits == 1


def test_threads_lose_nothing(store, tally):
    def count() -> None:
        for number in range(300):
            tally.record(hit(store, 1 + number % 3))
            if number % 50 == 0:
                tally.flush()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.flush()

    assert [store.entry(number).hits for number in (1, 2, 3)] == [800, 800, 800]
    assert store.file.number("SELECT sum(requests) FROM ledger") == 2400


def test_a_file_that_refuses_costs_the_count_alone(store, tally):
    tally.record(hit(store, 1))
    store.close()

    tally.flush()

    with pytest.raises(CacheFileError):
        store.count()


@pytest.mark.parametrize(("hold", "milliseconds"), [(0.0, 15_000), (LONG, 5_000)])
def test_a_command_waits_longer_to_count_than_a_program_that_has_more_to_answer(
    store, hold, milliseconds
):
    tally = Tally(store, Lives(store.rules, note=print), hold=hold)

    tally.record(hit(store, 1))
    tally.flush()

    assert store.file.number("PRAGMA busy_timeout") == milliseconds
