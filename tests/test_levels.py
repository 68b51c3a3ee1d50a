from __future__ import annotations

import pytest
from drafts import draft, new_store, question

from llmc import keys
from llmc.errors import CacheFileError, SharedError
from llmc.levels import Levels, Seen
from llmc.lives import Lives
from llmc.types import Ask, Miss

NOW = 5000.0


class ATier:
    """A tier that tells what it was asked, and may fail."""

    def __init__(self, source: str, entries: list, *, fails: bool = False) -> None:
        self.source = source
        self.entries = entries
        self.fails = fails
        self.asked = 0
        self.given: list = []

    def find(self, miss, ask):
        self.asked += 1
        if self.fails:
            raise SharedError("the server: it is away")
        return self.entries

    def keep(self, entries, miss, ask):
        if self.fails:
            raise CacheFileError("cache file x: it is full")
        self.given.append(list(entries))
        return [entry._replace(id=7) for entry in entries]

    def stored(self) -> None: ...

    def close(self) -> None:
        self.entries = []


@pytest.fixture
def notes():
    return []


@pytest.fixture
def store(db):
    with new_store(db) as store:
        yield store


@pytest.fixture
def blue(store):
    """An answer that lies elsewhere."""
    store.put(draft(), None)
    return store.entry(1)._replace(id=None)


@pytest.fixture
def find(store, notes):
    """Look through some tiers."""

    def find(*tiers, bypass: bool = False, **ask) -> Seen:
        request = question()
        miss = Miss(request, keys.cache_key(request), keys.family_key(request), "", bypass=bypass)
        levels = Levels(
            tiers,
            Lives(store.rules, note=notes.append),
            meaning=lambda: None,
            clock=lambda: NOW,
            draw=lambda _: 0,
            note=notes.append,
        )
        for _ in range(2):
            seen = levels.find(miss, Ask(**ask), now=NOW)
        return seen

    return find


def test_the_nearest_that_has_it_answers_and_no_other_is_asked(find, blue):
    near, far = ATier("exact", [blue]), ATier("shared", [blue])

    seen = find(near, far)

    assert (seen.entry, seen.source) == (blue, "exact")
    assert far.asked == 0


def test_what_lies_further_away_is_put_back_into_those_above(find, blue):
    memory, file, shared = (ATier(source, []) for source in ("memory", "exact", "shared"))
    shared.entries = [blue]

    seen = find(memory, file, shared)

    assert (seen.entry, seen.source) == (blue._replace(id=7), "shared")
    assert file.given[0] == [blue]
    assert memory.given[0] == [blue._replace(id=7)]


def test_one_that_cannot_keep_it_does_not_hinder_the_others(find, blue):
    memory, file, shared = ATier("memory", []), ATier("exact", []), ATier("shared", [blue])
    file.keep = lambda *_: (_ for _ in ()).throw(CacheFileError("cache file x: it is full"))

    seen = find(memory, file, shared)

    assert seen.entry == blue._replace(id=7)
    assert memory.given[0] == [blue]


def test_one_that_fails_costs_one_note_and_the_next_is_asked(find, blue, notes):
    seen = find(ATier("exact", [], fails=True), ATier("shared", [blue]))

    assert seen.entry is not None
    assert notes == ["the server: it is away; answering without it"]


def test_what_has_ended_is_told_and_may_stand_in(find, blue):
    ended = blue._replace(expires_at=NOW - 10)

    seen = find(ATier("exact", [ended]), stale_if_error=60.0)

    assert (seen.entry, seen.ended, seen.stale) == (None, ended, ended)


def test_where_nothing_may_be_read_only_what_may_stand_in_is_looked_for(find, blue):
    seen = find(ATier("exact", [blue]), bypass=True, stale_if_error=60.0)

    assert (seen.entry, seen.stale) == (None, blue)


def test_a_rule_ends_what_lies_elsewhere_too(find, blue, store):
    store.rules.add_time_rule("colour", 0, at=0)

    seen = find(ATier("shared", [blue]))

    assert seen.entry is None
