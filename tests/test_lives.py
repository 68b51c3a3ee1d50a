from __future__ import annotations

import math
import threading

import pytest
from drafts import draft, line, new_store, question

from llmc import keys, selection
from llmc.errors import CacheFileError
from llmc.lives import Lives
from llmc.meaning import Found
from llmc.types import Alias, Invocation, Miss

HOUR = 3600.0
COMMAND = Invocation(b"d" * 16, b"i" * 16, stdin=False, files=(), quiet=False)
RUNAWAY, BAIT = "(a|aa)+$", "a" * 60 + "b"


@pytest.fixture
def store(db):
    with new_store(db) as store:
        yield store


@pytest.fixture
def notes():
    return []


@pytest.fixture
def lives(store, notes):
    return Lives(store.rules, note=notes.append)


@pytest.fixture
def stored(store):
    """Store an answer and return its entry."""

    def put(prompt="the price", **changes):
        return store.entry(store.put(draft(prompt, **changes), line()))

    return put


def test_without_rules_an_entry_has_its_own_end(lives, stored):
    assert [lives.of(stored(expires_at=end)) for end in (None, 2000.0)] == [
        (None, None),
        (2000.0, None),
    ]


def test_without_a_file_there_are_no_rules(stored, notes):
    lives = Lives(None, note=notes.append)

    assert (lives.rules, lives.shortened(stored())) == ((), stored())


def test_a_rule_ends_what_was_stored_before_it(lives, stored, store):
    entry = stored()
    rule = store.rules.add_time_rule("price", HOUR, at=5000.0)

    assert lives.of(entry) == (1000.0 + HOUR, rule)
    assert lives.shortened(entry).expires_at == 1000.0 + HOUR


def test_what_no_rule_lets_live_is_over_before_all_time(lives, stored, store):
    store.rules.add_time_rule("price", 0, at=5000.0)

    assert lives.shortened(stored()).expires_at == -math.inf


def test_rules_are_taken_up_when_they_are_looked_at_anew(lives, stored, store):
    before = lives.of(stored()).rule
    rule = store.rules.add_time_rule("price", HOUR, at=5000.0)
    unseen = lives.of(stored()).rule

    lives.renew()

    assert (before, unseen, lives.of(stored()).rule) == (None, None, rule)


@pytest.mark.parametrize(
    ("field", "pattern"),
    [("prompt", "price"), ("answer", "blue"), ("system", "brief"), ("model", "^m$"),
     ("namespace", "def")],
)  # fmt: skip
def test_a_rule_looks_where_it_says(lives, stored, store, field, pattern):
    entry = stored(system="be brief")
    store.rules.add_time_rule(pattern, HOUR, field=field, at=5000.0)

    ruled = draft("the price", system="be brief")

    assert lives.of(entry).expires_at == lives.of(ruled).expires_at == 1000.0 + HOUR
    assert lives.of(stored("none", answer="red", model="n", namespace="x")).rule is None


def test_an_answer_to_other_words_is_held_to_the_rules_on_both(lives, stored, store):
    store.rules.add_time_rule("price", HOUR, at=5000.0)
    entry = stored("what does it cost")

    plain, asked = lives.shortened(entry), lives.shortened(entry, asked="what is the price")

    assert (plain.expires_at, asked.expires_at) == (None, 1000.0 + HOUR)


class TestWhatWasFoundByMeaning:
    @pytest.fixture
    def miss(self):
        asked = question("what is the price")
        return Miss(asked, keys.cache_key(asked), keys.family_key(asked), "not stored")

    @pytest.fixture
    def found(self, stored):
        entry = stored("what does it cost")
        alias = Alias("default", b"k", entry.id, "fake", 0.97, "what is the price", 0)
        return Found(entry, alias, bill=(7, 0))

    def test_is_served_until_a_rule_on_the_words_asked_ends_it(self, lives, store, miss, found):
        store.rules.add_time_rule("price", HOUR, at=5000.0)

        served = lives.found_in_time(found, miss, now=1000.0 + HOUR - 1)

        assert served.entry == found.entry._replace(expires_at=1000.0 + HOUR)
        assert (served.alias, served.bill) == (found.alias, (7, 0))

    def test_is_not_served_afterwards(self, lives, store, miss, found):
        store.rules.add_time_rule("price", HOUR, at=5000.0)

        served = lives.found_in_time(found, miss, now=1000.0 + HOUR)

        assert (served.entry, served.alias, served.bill) == (None, None, (7, 0))
        assert served.reason == "entry 1: rule 1 (prompt ~ /price/): 1 h"

    def test_is_nothing_where_nothing_was_found(self, lives, miss):
        assert lives.found_in_time(Found(reason="x"), miss, now=1.0) == Found(reason="x")

    def test_is_not_served_where_rules_cannot_be_read(self, lives, store, miss, found):
        store.close()

        served = lives.found_in_time(found, miss, now=1.0)

        assert served.entry is None
        assert served.reason.startswith("cache file")


class TestWhatThePorchMayRepeat:
    def test_is_what_no_rule_ends_with_the_generation_that_was_seen(self, lives, stored, store):
        store.rules.add_time_rule("nothing", HOUR, at=5000.0)

        assert lives.repeatable(COMMAND, stored()) == COMMAND._replace(generation=1)

    def test_is_nothing_under_a_rule(self, lives, stored, store):
        store.rules.add_time_rule("price", HOUR, at=5000.0)

        assert lives.repeatable(COMMAND, stored()) is None

    def test_is_nothing_that_was_stored_under_one(self, lives, stored, store):
        store.rules.add_time_rule("price", HOUR, at=5000.0)

        assert lives.repeatable(COMMAND, stored(expires_at=1000.0 + HOUR)) is None


class TestAnExpressionThatRunsAway:
    @pytest.fixture(autouse=True)
    def patience(self, monkeypatch):
        monkeypatch.setattr(selection, "MATCH_SECONDS", 0.05)

    def test_counts_as_found_and_is_told_once(self, lives, stored, store, notes):
        rule = store.rules.add_time_rule(RUNAWAY, HOUR, at=5000.0)
        lives.renew()

        found = [lives.of(stored(f"{number}{BAIT}")).rule for number in range(3)]

        assert found == [rule] * 3
        assert notes == ["rule 1 cannot be decided: its expression counts as found"]

    def test_shares_its_patience_with_all_of_a_lookup(self, lives, stored, store):
        store.rules.add_time_rule(RUNAWAY, HOUR, at=5000.0)
        later = store.rules.add_time_rule("price", 2 * HOUR, at=5000.0)
        entries = [stored(BAIT), stored("other")]
        lives.renew()

        found = [lives.of(entry).rule for entry in entries]

        assert found == [store.rules.all()[0]] * 2
        lives.renew()
        assert lives.of(stored("the price")).rule == later


def test_an_expression_that_is_none_counts_as_found(lives, stored, store, notes):
    """Another release, or another program, may have written it."""
    store.file.execute("INSERT INTO rule VALUES (1, '(', 'prompt', NULL, 60.0, NULL, 0.0)")

    assert lives.of(stored()).expires_at == 1060.0
    assert notes == ["rule 1 cannot be decided: its expression counts as found"]


def test_rules_that_cannot_be_read_are_an_error(lives, stored, store):
    entry = stored()
    store.close()

    with pytest.raises(CacheFileError):
        lives.of(entry)


def test_what_another_thread_has_read_does_not_count_here(lives, stored, store):
    lives.renew()
    rule = store.rules.add_time_rule("price", HOUR, at=5000.0)
    lives.renew()
    store.rules.remove([rule.id])

    other = threading.Thread(target=lives.renew)
    other.start()
    other.join()

    assert lives.rules == (rule,)
