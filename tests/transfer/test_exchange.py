from __future__ import annotations

import pytest
from drafts import draft, line

from llmc.store import Store
from llmc.transfer import exchange, lines
from llmc.types import Alias, Selector, Verdict

PAIR = Verdict(b"\x01" * 16, "bad", False, "default", "minilm", 0.97, 12.5)


@pytest.fixture
def other(tmp_path):
    with Store(str(tmp_path / "other.db")) as other:
        yield other


def exported(store: Store, selector: Selector | None = None) -> list[str]:
    found = exchange.parcels(store, selector or Selector())
    return [lines.line_of(each) for each in found]


def take(store: Store, *kept) -> list[bool]:
    with store.transaction():
        return [exchange.take(store, each) for each in kept]


def prompts(store: Store) -> list[str]:
    return [parcel.draft.prompt for parcel in exchange.parcels(store, Selector())]


def learned(store: Store, prompt: str, entry_id: int) -> None:
    parcel = next(p for p in exchange.parcels(store, Selector()) if p.draft.prompt == "first")
    read = lines.read(
        lines.line_of(parcel).replace(
            '"wordings": []',
            f'"wordings": [{{"prompt": "{prompt}", "instruction_at": 0, "embedder": "minilm",'
            ' "similarity": 0.97, "created_at": 5.0, "last_hit_at": 7.0}]',
        )
    )
    alias = read.wordings[0].alias._replace(entry_id=entry_id)
    with store.transaction():
        store.paraphrases.learn(alias, at=7.0, since=5.0)


def test_the_order_does_not_depend_on_who_came_first(store, other):
    take(store, *(lines.Parcel(draft(p), 1.0, 0, None, False, ()) for p in ("a", "b", "c")))
    take(other, *(lines.Parcel(draft(p), 1.0, 0, None, False, ()) for p in ("c", "a", "b")))

    assert exported(store) == exported(other)


def test_what_leaves_one_file_and_enters_another_is_the_same(store, other):
    store.put(draft("first", sample=0), None)
    store.put(draft("second")._replace(expires_at=9e9, namespace="work"), None)
    store.record(line(at=8.0, source="exact", entry_id=1))
    store.file.execute("UPDATE entry SET pinned = 1 WHERE id = 2")
    learned(store, "in other words", 1)

    taken = take(other, *exchange.parcels(store, Selector()))

    assert taken == [True, True]
    assert exported(other) == exported(store)


def test_an_alias_is_followed_in_the_other_file(store, other):
    store.put(draft("first"), None)
    learned(store, "in other words", 1)

    take(other, *exchange.parcels(store, Selector()))

    (alias,) = other.paraphrases.of(1)
    assert other.paraphrases.alias("default", alias.key) == Alias(
        "default", alias.key, 1, "minilm", 0.97, "in other words", 0
    )


@pytest.mark.parametrize(
    ("age", "taken", "answer"), [(-1.0, False, "blue"), (0.0, False, "blue"), (1.0, True, "red")]
)
def test_the_newer_answer_wins(store, other, age, taken, answer):
    other.put(draft("first"), None)
    newer = draft("first", "red")
    store.put(newer._replace(created_at=newer.created_at + age), None)

    assert take(other, *exchange.parcels(store, Selector())) == [taken]
    assert other.entry(1).answer == answer


def test_verdicts_are_taken_in_once(store, other):
    with store.transaction():
        store.paraphrases.judge(PAIR)

    first = take(other, *exchange.verdicts(store, None))
    second = take(other, *exchange.verdicts(store, None))

    assert (first, second, other.paraphrases.is_vetoed(PAIR.pair)) == ([True], [False], True)


def test_verdicts_of_one_namespace_are_asked_for_by_its_name(store):
    with store.transaction():
        store.paraphrases.judge(PAIR)
        store.paraphrases.judge(PAIR._replace(namespace="work", at=13.0))

    assert [v.at for v in exchange.verdicts(store, "work")] == [13.0]


def test_rules_are_taken_in_once(store, other):
    store.rules.add_time_rule("price", 60, at=5.0)
    store.rules.add_event_rule("deploy", "v{version}", namespace="work", at=6.0)

    first = take(other, *exchange.rules(store, None))
    second = take(other, *exchange.rules(store, None))

    assert (first, second) == ([True, True], [False, False])
    assert exchange.rules(other, None) == exchange.rules(store, None)


def test_rules_stand_in_an_order_of_their_own(store, other):
    for pattern in ("a", "b"):
        store.rules.add_time_rule(pattern, 60, at=5.0)
    for pattern in ("b", "a"):
        other.rules.add_time_rule(pattern, 60, at=5.0)

    found = [[rule.pattern for rule in exchange.rules(each, None)] for each in (store, other)]

    assert found == [["a", "b"], ["a", "b"]]


def test_rules_of_one_namespace_are_asked_for_by_its_name(store):
    store.rules.add_time_rule("a", 60, at=5.0)
    store.rules.add_time_rule("b", 60, namespace="work", at=5.0)

    assert [rule.pattern for rule in exchange.rules(store, "work")] == ["b"]


def test_rules_do_not_act_on_what_comes_in(store, other):
    store.put(draft("the price"), None)
    other.rules.add_time_rule("price", 0, at=5.0)

    taken = take(other, *exchange.parcels(store, Selector()))

    assert taken == [True]
    assert exported(other) == exported(store)


def test_a_slice_holds_what_the_selector_means(store):
    store.put(draft("first"), None)
    store.put(draft("second")._replace(namespace="work"), None)

    found = exchange.parcels(store, Selector(namespace="work"))

    assert [parcel.draft.prompt for parcel in found] == ["second"]


def test_what_comes_in_is_due_a_vector_and_found_by_its_words(store, other):
    with other.transaction():
        space = other.vectors.make_space("minilm", 8)
    store.put(draft("rayleigh scattering"), None)

    take(other, *exchange.parcels(store, Selector()))

    due = other.vectors.due(space, namespace="default", scope_hash=draft().scope_hash, limit=9)
    assert [each.entry_id for each in due] == [1]
    assert [entry.id for entry in other.search("rayleigh", Selector())] == [1]
