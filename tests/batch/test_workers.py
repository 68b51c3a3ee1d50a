from __future__ import annotations

import threading

import pytest
from terminals import eventually

from llmc.batch.workers import Workers


class Gate:
    """Work that waits to be let go, task by task, and keeps who has begun."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._open: dict[str, threading.Event] = {}
        self._well: dict[str, bool] = {}
        self._lock = threading.Lock()

    def work(self, task: str) -> bool:
        with self._lock:
            event = self._open.setdefault(task, threading.Event())
            self.begun.append(task)
        assert event.wait(20)
        return self._well.get(task, True)

    def let(self, *tasks: str, well: bool = True) -> None:
        for task in tasks:
            with self._lock:
                event = self._open.setdefault(task, threading.Event())
            self._well[task] = well
            event.set()


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def workers(gate):
    workers = Workers(gate.work, jobs=3)
    yield workers
    gate.let(*"abcdefgh")
    workers.stop()


def test_no_more_than_so_many_work_at_once(gate, workers):
    for task in "abcde":
        workers.add(task)
    assert eventually(lambda: len(gate.begun) == 3)

    gate.let("b")

    assert eventually(lambda: len(gate.begun) == 4)
    assert sorted(gate.begun[:3]) == ["a", "b", "c"]
    assert gate.begun[3] == "d"


def test_one_who_has_nothing_to_do_is_woken(gate, workers):
    workers.add("a")
    gate.let("a")
    assert eventually(lambda: workers.running == 0)

    workers.add("b")
    workers.add("c")

    assert eventually(lambda: sorted(gate.begun) == ["a", "b", "c"])


def test_of_a_group_one_goes_first_and_the_others_once_it_has_gone_well(gate, workers):
    for task in "abc":
        workers.add(task, group=b"alike")
    workers.add("d")
    assert eventually(lambda: gate.begun == ["a", "d"])

    gate.let("a")

    assert eventually(lambda: sorted(gate.begun[2:]) == ["b", "c"])


def test_if_the_first_fails_the_next_one_is_the_first(gate, workers):
    for task in "abc":
        workers.add(task, group=b"alike")
    assert eventually(lambda: gate.begun == ["a"])

    gate.let("a", well=False)
    assert eventually(lambda: gate.begun == ["a", "b"])
    gate.let("b")

    assert eventually(lambda: gate.begun == ["a", "b", "c"])


def test_groups_do_not_wait_for_each_other(gate, workers):
    workers.add("a", group=b"one")
    workers.add("b", group=b"one")
    workers.add("c", group=b"two")

    assert eventually(lambda: gate.begun == ["a", "c"])


def test_a_group_whose_first_has_been_answered_waits_no_more(gate, workers):
    gate.let("a")
    workers.add("a", group=b"alike")
    assert eventually(lambda: gate.begun == ["a"] and workers.running == 0)

    workers.add("b", group=b"alike")
    workers.add("c", group=b"alike")

    assert eventually(lambda: sorted(gate.begun) == ["a", "b", "c"])


def test_stopping_begins_nothing_more_and_waits_for_what_was_begun(gate, workers):
    for task in "abcde":
        workers.add(task)
    assert eventually(lambda: len(gate.begun) == 3)

    threading.Timer(0.05, gate.let, "abcde").start()
    workers.stop()

    assert workers.running == 0
    assert len(gate.begun) == 3
