from __future__ import annotations

import threading

import pytest
from drafts import draft, new_store, question
from processes import output

from llmc import drafting, keys
from llmc.tiers import FileTier, MemoryTier
from llmc.types import Ask, Miss
from llmc.watch import watch

PUT = """
import sys
from drafts import draft
from llmc.store import Store
with Store(sys.argv[1]) as store:
    store.put(draft(answer="another process's"), None)
"""


class Now:
    """A timer that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def asked(prompt: str = "which colour?", **parameters) -> Miss:
    request = question(prompt, **parameters)
    return Miss(
        request,
        keys.cache_key(request),
        keys.family_key(request),
        "not stored",
        keys.token_limit(request),
    )


def entry(store, prompt: str = "which colour?", answer: str = "blue"):
    """An answer as another tier would hand it over, with an id of its own there."""
    entry_id = store.put(draft(prompt, answer), None)
    found = store.entry(entry_id)
    store.delete([entry_id])
    return found


@pytest.fixture
def store(db):
    with new_store(db) as store:
        yield store


@pytest.fixture
def timer():
    return Now()


class ATier:
    """What every tier does; a class for each of them gives the fixture `tier`."""

    def test_that_holds_nothing_finds_nothing(self, tier):
        assert not tier.find(asked(), Ask())

    def test_finds_what_it_was_given(self, tier, store):
        given = entry(store)
        tier.find(asked(), Ask())

        kept = tier.keep([given], asked(), Ask())

        (found,) = tier.find(asked(), Ask())
        assert found == kept[0]
        assert (found.answer, found.cost, found.created_at) == ("blue", 5000, 1000.0)

    def test_finds_it_for_another_limit_on_the_tokens(self, tier, store):
        given = entry(store)
        tier.find(asked(), Ask())
        tier.keep([given], asked(), Ask())

        (found,) = tier.find(asked(max_tokens=5), Ask())

        assert found.answer == "blue"

    def test_does_not_find_it_for_another_question(self, tier, store):
        given = entry(store)
        tier.find(asked(), Ask())
        tier.keep([given], asked(), Ask())

        assert not tier.find(asked("which shape?"), Ask())
        assert not tier.find(asked(), Ask(namespace="another"))
        assert not tier.find(asked(system="be brief"), Ask())

    def test_does_not_take_it_for_a_sample(self, tier, store):
        given = entry(store)
        tier.find(asked(), Ask())
        tier.keep([given], asked(), Ask())

        assert not tier.find(asked(), Ask(samples=1))


class TestTheFile(ATier):
    @pytest.fixture
    def tier(self, store):
        return FileTier(store, drafting.again)

    def test_keeps_another_tiers_answer_with_its_life_and_source(self, tier, store):
        given = entry(store)._replace(expires_at=5000.0, source="put")

        (kept,) = tier.keep([given], asked(), Ask())

        found = store.entry(kept.id)
        assert (found.expires_at, found.source, found.tokens) == (5000.0, "put", given.tokens)
        assert found == given._replace(id=kept.id)

    def test_leaves_alone_what_is_not_the_answer_to_this_very_request(self, tier, store):
        given = entry(store)

        (kept,) = tier.keep([given], asked(max_tokens=5), Ask())

        assert kept is given
        assert store.count() == 0


class TestMemory(ATier):
    @pytest.fixture
    def tier(self, store, timer):
        return MemoryTier(watch(store.file), max_entries=2, ttl=60, timer=timer)

    @pytest.fixture
    def blue(self, store):
        return entry(store)

    def hold(self, tier, entry, *prompts: str) -> None:
        for prompt in prompts:
            tier.find(asked(prompt), Ask())
            tier.keep([entry], asked(prompt), Ask())

    def test_lets_go_of_all_when_this_process_has_changed_the_file(self, tier, store, blue):
        self.hold(tier, blue, "which colour?")
        store.put(draft("something else"), None)

        assert not tier.find(asked(), Ask())

    def test_lets_go_of_all_when_another_process_has(self, tier, db, blue):
        self.hold(tier, blue, "which colour?")
        output(PUT, db)

        assert not tier.find(asked(), Ask())

    def test_does_not_hold_what_was_read_before_a_change(self, tier, store, blue):
        tier.find(asked(), Ask())
        store.put(draft("something else"), None)

        tier.keep([blue], asked(), Ask())

        assert not tier.find(asked(), Ask())

    def test_does_not_hold_it_where_another_thread_has_seen_the_change(self, tier, store, blue):
        tier.find(asked(), Ask())
        store.put(draft("something else"), None)
        other = threading.Thread(target=tier.find, args=(asked("which shape?"), Ask()))
        other.start()
        other.join()

        tier.keep([blue], asked(), Ask())

        assert not tier.find(asked(), Ask())

    def test_makes_room_by_what_was_not_used_for_the_longest_time(self, tier, blue):
        self.hold(tier, blue, "a", "b")
        tier.find(asked("a"), Ask())
        self.hold(tier, blue, "c")

        held = [bool(tier.find(asked(prompt), Ask())) for prompt in "abc"]

        assert held == [True, False, True]
        assert len(tier) == 2

    def test_holds_nothing_longer_than_it_may(self, tier, timer, blue):
        self.hold(tier, blue, "which colour?")
        timer.now = 60

        assert not tier.find(asked(), Ask())

    def test_without_limits_holds_everything(self, store, timer, blue):
        tier = MemoryTier(watch(store.file), max_entries=None, ttl=None, timer=timer)
        self.hold(tier, blue, *map(str, range(100)))
        timer.now = 1e9

        assert tier.find(asked("0"), Ask())
