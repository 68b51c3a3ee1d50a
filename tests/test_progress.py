from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from llmc.progress import Progress


class Timer:
    """A clock that goes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def timer(monkeypatch):
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((80, 24)))
    return Timer()


@pytest.fixture
def restless():
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_the_line_tells_what_is_done_and_the_time_that_is_left(capfdbinary, timer):
    progress = Progress(shown=True, timer=timer)
    timer.now += 60

    progress.draw(lambda: "5 rows", share=0.25)

    assert capfdbinary.readouterr().err.endswith(b"\r\033[K25%, 3 min left; 5 rows")


def test_where_nobody_knows_how_much_there_is_no_time_is_told(capfdbinary, timer):
    progress = Progress(shown=True, timer=timer)

    progress.draw(lambda: "5 rows", share=None)

    assert capfdbinary.readouterr().err == b"\r\033[K5 rows"


def test_it_is_drawn_no_more_often_than_a_person_can_read(capfdbinary, timer):
    progress = Progress(shown=True, timer=timer)
    for number in range(10):
        timer.now += 0.125
        progress.draw(lambda number=number: f"{number} rows", share=None)

    assert capfdbinary.readouterr().err.count(b"rows") == 5


def test_in_a_pipe_there_is_none(capfdbinary, timer):
    progress = Progress(shown=False, timer=timer)

    progress.draw(lambda: "5 rows", share=None)
    progress.clear()

    assert capfdbinary.readouterr().err == b""


def test_a_note_stands_above_the_line(capfdbinary, timer):
    progress = Progress(shown=True, timer=timer)
    progress.draw(lambda: "5 rows", share=None)

    progress.note("a note")
    progress.clear()

    lines = capfdbinary.readouterr().err.split(b"\r\033[K")
    assert lines == [b"", b"5 rows", b"llmc: a note\n", b"5 rows", b""]


def test_a_note_is_told_once_whoever_brings_it(capfdbinary, timer, restless):
    progress = Progress(shown=False, timer=timer)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(progress.note, ["the disk is full"] * 100 + ["another"]))

    assert sorted(capfdbinary.readouterr().err.splitlines()) == [
        b"llmc: another",
        b"llmc: the disk is full",
    ]


def test_quiet_it_tells_no_notes_but_what_must_be_said(capfdbinary, timer):
    progress = Progress(shown=False, quiet=True, timer=timer)

    progress.note("a note")
    progress.say("line 3: x", mark="error: ")

    assert capfdbinary.readouterr().err == b"llmc: error: line 3: x\n"
