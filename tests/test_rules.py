from __future__ import annotations

import math

import pytest
from drafts import draft, line, new_store

from llmc.errors import CacheFileError, InputError, LlmcError
from llmc.store import Store
from llmc.types import FIELDS, Invocation, Rule

HOUR = 3600.0
COMMAND = Invocation(b"d" * 16, b"i" * 16, stdin=False, files=(), quiet=False)


@pytest.fixture
def store(db):
    with new_store(db) as store:
        yield store


@pytest.fixture
def rules(store):
    return store.rules


def generation(store: Store) -> int:
    return store.file.number("SELECT value FROM meta WHERE name = 'generation'")


def stored_bytes(store: Store) -> bytes:
    parts = []
    for name in (store.file.path, f"{store.file.path}-wal"):
        with open(name, "rb") as file:
            parts.append(file.read())
    return b"".join(parts)


def test_a_new_file_holds_none(rules):
    assert rules.all() == []
    assert rules.current() == (0, ())


class TestATimeRule:
    def test_is_returned_with_its_id(self, rules):
        rule = rules.add_time_rule("price", HOUR, at=5.0)

        assert rule == Rule("price", ttl=HOUR, created_at=5.0, id=1)
        assert rules.all() == [rule]

    def test_says_where_it_looks(self, rules):
        rule = rules.add_time_rule("x", 0, field="answer", namespace="work", at=5.0)

        assert (rule.field, rule.namespace, rule.ttl) == ("answer", "work", 0.0)

    @pytest.mark.parametrize("field", FIELDS)
    def test_may_look_at_every_field(self, rules, field):
        assert rules.add_time_rule("x", HOUR, field=field, at=5.0).field == field

    def test_looks_at_no_other(self, rules):
        with pytest.raises(InputError, match="no field 'key'") as caught:
            rules.add_time_rule("x", HOUR, field="key", at=5.0)

        assert caught.value.hint == "one of prompt, answer, system, model, namespace"

    @pytest.mark.parametrize("ttl", [-1.0, math.inf, math.nan, 1e11])
    def test_has_a_duration(self, rules, ttl):
        with pytest.raises(InputError, match="a rule's TTL is a number of seconds from 0 up"):
            rules.add_time_rule("x", ttl, at=5.0)

    def test_has_a_regular_expression(self, rules):
        with pytest.raises(InputError, match="the regular expression is not one"):
            rules.add_time_rule("(x", HOUR, at=5.0)

        assert rules.all() == []

    def test_that_is_there_already_is_no_second_one(self, rules):
        first = rules.add_time_rule("price", HOUR, at=5.0)

        again = rules.add_time_rule("price", HOUR, at=6.0)

        assert again == first
        assert len(rules.all()) == 1

    @pytest.mark.parametrize("change", [{"ttl": 1.0}, {"field": "answer"}, {"namespace": "work"}])
    def test_that_differs_is_another(self, rules, change):
        rules.add_time_rule("price", HOUR, at=5.0)

        rules.add_time_rule(**{"pattern": "price", "ttl": HOUR, "at": 6.0} | change)

        assert [rule.id for rule in rules.all()] == [1, 2]


class TestAnEventRule:
    def test_is_returned_with_its_id(self, rules):
        rule = rules.add_event_rule("deploy", "v{version}", at=5.0)

        assert rule == Rule("v{version}", event="deploy", created_at=5.0, id=1)

    def test_is_found_by_its_event(self, rules):
        rules.add_time_rule("x", HOUR, at=5.0)
        first = rules.add_event_rule("deploy", "x", at=5.0)
        rules.add_event_rule("other", "x", at=5.0)
        second = rules.add_event_rule("deploy", "y", field="answer", at=5.0)

        assert rules.of_event("deploy") == [first, second]

    @pytest.mark.parametrize("event", ["", " ", "a\nb", "a\x1bb"])
    def test_needs_a_name(self, rules, event):
        with pytest.raises(InputError, match="an event needs a name"):
            rules.add_event_rule(event, "x", at=5.0)

    @pytest.mark.parametrize("pattern", ["(", "({path}", "*{path}"])
    def test_has_a_regular_expression_whatever_fills_it(self, rules, pattern):
        with pytest.raises(InputError, match="the regular expression is not one"):
            rules.add_event_rule("deploy", pattern, at=5.0)


class TestRemoving:
    def test_takes_those_that_are_named(self, rules):
        for pattern in ("a", "b", "c"):
            rules.add_time_rule(pattern, HOUR, at=5.0)

        removed = rules.remove([1, 3, 3])

        assert removed == 2
        assert [rule.pattern for rule in rules.all()] == ["b"]

    def test_takes_none_where_one_is_not_there(self, rules):
        rules.add_time_rule("a", HOUR, at=5.0)

        with pytest.raises(LlmcError, match="no rule 7"):
            rules.remove([1, 7])

        assert len(rules.all()) == 1

    def test_never_gives_an_id_again(self, rules):
        rules.add_time_rule("a", HOUR, at=5.0)
        rules.remove([1])

        assert rules.add_time_rule("b", HOUR, at=5.0).id == 2

    def test_overwrites_the_pattern(self, store):
        store.rules.add_time_rule("unheard-of-words", HOUR, at=5.0)
        store.rules.remove([1])

        store.file.scrub()

        assert b"unheard-of-words" not in stored_bytes(store)


class TestWhatIsInForce:
    def test_is_the_time_rules_the_shortest_life_first(self, rules):
        hour = rules.add_time_rule("a", HOUR, at=5.0)
        never = rules.add_time_rule("b", 0, at=5.0)
        rules.add_event_rule("deploy", "c", at=5.0)
        minute = rules.add_time_rule("d", 60, at=5.0)

        assert rules.current().rules == (never, minute, hour)

    def test_is_read_anew_when_another_process_has_changed_it(self, rules, db):
        before = rules.current().rules
        with Store(str(db)) as other:
            added = other.rules.add_time_rule("a", HOUR, at=5.0)

        assert (before, rules.current().rules) == ((), (added,))

    def test_is_read_once_while_nothing_changes(self, rules):
        rules.add_time_rule("a", HOUR, at=5.0)

        assert rules.current() is rules.current()

    def test_cannot_be_told_of_a_file_that_is_closed(self, rules, store):
        store.close()

        with pytest.raises(CacheFileError):
            rules.current()


@pytest.mark.parametrize(
    "change",
    [
        lambda rules: rules.add_time_rule("a", HOUR, at=5.0),
        lambda rules: rules.add_event_rule("deploy", "a", at=5.0),
        lambda rules: rules.remove([1]),
    ],
    ids=["time", "event", "remove"],
)
def test_a_change_voids_all_that_the_porch_remembers(store, change):
    store.rules.add_time_rule("b", HOUR, at=5.0)
    entry_id = store.put(draft(), line())
    store.remember(COMMAND, entry_id)
    before = generation(store)

    change(store.rules)

    assert generation(store) == before + 1
    assert store.file.number("SELECT count(*) FROM invocation") == 0


def test_what_is_remembered_under_an_older_generation_is_void(store):
    """Another process may add a rule between the look at the rules and the writing."""
    entry_id = store.put(draft(), line())
    seen = store.rules.current().generation
    store.rules.add_time_rule("b", HOUR, at=5.0)

    store.remember(COMMAND._replace(generation=seen), entry_id)

    assert store.file.rows("SELECT generation FROM invocation") == [(seen,)]
    assert generation(store) == seen + 1


def test_those_of_a_moment_ago_are_not_given_out_once_another_thread_has_read_the_new(rules, store):
    versions = iter(range(9))
    rules.version = lambda: 0
    rules.current()

    def meanwhile():
        """While one thread asks whether anything has changed, something does, and another sees."""
        rule = rules.add_time_rule("price", HOUR, at=5.0)
        rules.version = lambda: 1
        assert rules.current().rules == (rule,)
        return next(versions) + 1

    rules.version = meanwhile

    assert len(rules.current().rules) == 1
