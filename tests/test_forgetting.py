from __future__ import annotations

import pytest
from drafts import draft, line, new_store

from llmc import forgetting, selection
from llmc.errors import CacheFileError, InputError
from llmc.types import Alias, Selector

RUNAWAY, BAIT = "(a|aa)+$", "a" * 60 + "b"


@pytest.fixture
def store(db):
    with new_store(db) as store:
        yield store


@pytest.fixture
def notes():
    return []


@pytest.fixture
def rule(store):
    """Add a rule of the event `changed`."""
    return lambda pattern, **more: store.rules.add_event_rule("changed", pattern, at=5.0, **more)


def put(store, *prompts, **changes):
    return [store.put(draft(prompt, **changes), line()) for prompt in prompts]


def learn(store, prompt, entry_id):
    alias = Alias("default", prompt.encode(), entry_id, "fake", 0.97, prompt, 0)
    with store.transaction():
        store.paraphrases.learn(alias, at=7.0)


def prompts(store):
    return sorted(entry.prompt for entry in store.select(Selector()))


class TestAnEvent:
    def test_removes_what_its_rules_find(self, store, rule):
        put(store, "what is in a.sql", "what is in b.sql", "why?")
        rule("{path}")

        gone = forgetting.on_event(store, "changed", {"path": "a.sql"})

        assert (gone.removed, gone.wordings, gone.entries) == (1, 0, [1])
        assert prompts(store) == ["what is in b.sql", "why?"]

    def test_takes_values_to_the_letter(self, store, rule):
        put(store, "a.sql", "absql")
        rule("{path}")

        forgetting.on_event(store, "changed", {"path": "a.sql"})

        assert prompts(store) == ["absql"]

    def test_without_rules_removes_nothing(self, store):
        put(store, "why?")

        gone = forgetting.on_event(store, "changed", {"path": "why"})

        assert gone == ("changed", 0, 0, [])
        assert prompts(store) == ["why?"]

    def test_leaves_the_rules_of_others_alone(self, store):
        put(store, "why?")
        store.rules.add_event_rule("other", "why", at=5.0)
        store.rules.add_time_rule("why", 0, at=5.0)

        assert forgetting.on_event(store, "changed", {}).rules == []
        assert prompts(store) == ["why?"]

    def test_counts_for_each_rule_and_each_entry_once(self, store, rule):
        put(store, "one two", "two")
        rule("one")
        rule("two")

        gone = forgetting.on_event(store, "changed", {})

        assert [done.entries for done in gone.rules] == [[1], [1, 2]]
        assert (gone.removed, gone.entries) == (2, [2, 1])

    @pytest.mark.parametrize(
        ("field", "pattern"),
        [("answer", "blue"), ("system", "brief"), ("model", "^m$"), ("namespace", "^default$")],
    )
    def test_looks_where_its_rule_says(self, store, rule, field, pattern):
        put(store, "one", system="be brief")
        put(store, "two", answer="red", model="n", namespace="work")
        rule(pattern, field=field)

        forgetting.on_event(store, "changed", {})

        assert prompts(store) == ["two"]

    def test_keeps_to_the_namespace_of_its_rule(self, store, rule):
        put(store, "one")
        put(store, "one", namespace="work")
        rule("one", namespace="work")

        assert forgetting.on_event(store, "changed", {}).entries == [2]

    @pytest.mark.parametrize("data", [{}, {"other": "x"}, {"path": ""}])
    def test_skips_a_rule_whose_field_is_missing_or_empty(self, store, rule, data):
        put(store, "one", "two")
        rule("{path}")
        rule("two")

        gone = forgetting.on_event(store, "changed", data)

        assert [done.skipped for done in gone.rules] == ["its field path is not given", None]
        assert prompts(store) == ["one"]

    def test_skips_a_rule_that_runs_away(self, store, rule, monkeypatch):
        monkeypatch.setattr(selection, "MATCH_SECONDS", 0.05)
        put(store, BAIT, "two")
        rule(RUNAWAY)
        rule("two")

        gone = forgetting.on_event(store, "changed", {})

        assert gone.rules[0].skipped.startswith("the regular expression takes more than 0.05 s")
        assert prompts(store) == [BAIT]

    def test_skips_a_rule_that_its_data_spoils(self, store, rule):
        rule("[{from}-{to}]")

        (done,) = forgetting.on_event(store, "changed", {"from": "z", "to": "a"}).rules

        assert done.skipped.startswith("the regular expression is not one")

    def test_forgets_other_words_and_leaves_their_answer(self, store, rule):
        put(store, "stored")
        learn(store, "asked about a.sql", 1)
        rule("{path}")

        gone = forgetting.on_event(store, "changed", {"path": "a.sql"})

        assert (gone.removed, gone.wordings) == (0, 1)
        assert (prompts(store), store.paraphrases.of(1)) == (["stored"], [])

    def test_only_looks_where_it_is_a_dry_run(self, store, rule):
        put(store, "one")
        rule("one")

        gone = forgetting.on_event(store, "changed", {}, dry_run=True)

        assert (gone.removed, gone.entries) == (0, [1])
        assert prompts(store) == ["one"]

    def test_cannot_be_carried_out_in_a_file_that_is_closed(self, store, rule):
        rule("one")
        store.close()

        with pytest.raises(CacheFileError):
            forgetting.on_event(store, "changed", {})


class TestAnExpression:
    @pytest.mark.parametrize(
        ("field", "gone", "left"), [("prompt", 1, []), ("answer", 0, ["asked about a.sql"])]
    )
    def test_takes_other_words_where_it_looks_at_prompts(self, store, field, gone, left):
        put(store, "stored")
        learn(store, "asked about a.sql", 1)

        found = forgetting.matching(
            store, selection.compile_pattern(r"a\.sql"), field=field, namespace=None
        )

        assert (found.removed, found.wordings) == (0, gone)
        assert [alias.prompt for alias in store.paraphrases.of(1)] == left

    def test_looks_at_a_field_that_there_is(self, store):
        with pytest.raises(InputError, match="no field 'colour'"):
            forgetting.matching(
                store, selection.compile_pattern("x"), field="colour", namespace=None
            )


class TestWhatTimeRulesHaveEnded:
    def test_is_what_matches_and_is_old_enough(self, store, notes):
        put(store, "old price", "old", created_at=1000.0)
        put(store, "new price", created_at=2000.0)
        store.rules.add_time_rule("price", 500.0, at=5.0)

        found = forgetting.ended(store, now=2100.0, note=notes.append)

        assert (found, notes) == ({1}, [])

    def test_is_all_that_matches_where_nothing_is_to_be_kept(self, store, notes):
        put(store, "old price", "new price")
        store.rules.add_time_rule("price", 0, at=5.0)

        assert forgetting.ended(store, now=900.0, note=notes.append) == {1, 2}

    def test_is_left_alone_where_an_expression_runs_away(self, store, notes, monkeypatch):
        monkeypatch.setattr(selection, "MATCH_SECONDS", 0.05)
        put(store, BAIT, "price")
        store.rules.add_time_rule(RUNAWAY, 0, at=5.0)
        store.rules.add_time_rule("price", 0, at=5.0)

        found = forgetting.ended(store, now=2100.0, note=notes.append)

        assert found == {2}
        reason = "the regular expression takes more than 0.05 s, or too much memory, on entry 1"
        assert notes == [f"rule 1 was skipped: {reason}"]
