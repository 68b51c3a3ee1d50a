from __future__ import annotations

import gc
import os

import pytest

from llmc.errors import CacheFileError
from llmc.standing import PACE, Standing


class Now:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class World:
    """What is opened, one after the other, and what has been closed of it."""

    def __init__(self, path, timer) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.fails = False
        self.standing = Standing(
            self.open_it, close=self.closed.append, path=str(path), timer=timer
        )

    def open_it(self) -> str:
        if self.fails:
            raise CacheFileError("no")
        self.opened.append(f"cache {len(self.opened) + 1}")
        return self.opened[-1]


@pytest.fixture
def timer():
    return Now()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "llmc.db"
    path.write_text("one")
    return path


@pytest.fixture
def world(path, timer):
    return World(path, timer)


def replace(path):
    other = path.with_name("other")
    other.write_text("another")
    other.rename(path)


def test_it_is_opened_once(world, timer):
    found = [world.standing.current()]
    timer.now = 100 * PACE

    assert [*found, world.standing.current()] == ["cache 1"] * 2


def test_once_closed_it_is_an_error_to_use_it(world, path):
    world.standing.close()
    world.standing.close()

    assert world.closed == ["cache 1"]
    with pytest.raises(CacheFileError, match=f"cache file {path}: it has been closed"):
        world.standing.current()


def test_once_nobody_holds_it_it_is_closed(world):
    world.standing = None
    gc.collect()

    assert world.closed == ["cache 1"]


def test_a_file_in_its_place_is_opened_within_a_second(world, path, timer):
    replace(path)
    before = world.standing.current()
    timer.now = PACE

    assert (before, world.standing.current()) == ("cache 1", "cache 2")


def test_a_file_that_has_gone_is_made_anew(world, path, timer):
    path.unlink()
    timer.now = PACE

    assert world.standing.current() == "cache 2"


def test_others_may_still_be_at_the_old_one(world, path, timer):
    replace(path)
    timer.now = PACE
    world.standing.current()

    world.standing.close()

    assert world.closed == ["cache 2"]


def test_where_the_other_cannot_be_opened_the_old_one_serves_on(world, path, timer):
    replace(path)
    timer.now, world.fails = PACE, True
    found = world.standing.current()
    timer.now, world.fails = 2 * PACE, False

    assert (found, world.standing.current()) == ("cache 1", "cache 2")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_opens_its_own_and_leaves_its_parents_alone(world):
    child = os.fork()
    if child == 0:
        found = world.standing.current()
        world.standing.close()
        os._exit(0 if (found, world.closed) == ("cache 2", ["cache 2"]) else 1)

    assert os.waitpid(child, 0)[1] == 0
    assert world.standing.current() == "cache 1"
