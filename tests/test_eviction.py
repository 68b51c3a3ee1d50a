from __future__ import annotations

import struct

import pytest
from drafts import draft, hit_line, line
from processes import at_once

from llmc import worth
from llmc.store import Store
from llmc.types import Alias, Answer, Invocation, Limits, Price, Selector, Vector

PUT = """
import sys
from drafts import draft, hit_line, line
from llmc.store import Store
from llmc.types import Limits
with Store(sys.argv[1], limits=Limits(max_entries=20)) as store:
    ready()
    for number in range(40):
        store.record(hit_line(store.put(draft(f"question {sys.argv[2]}.{number}"), line())))
"""


@pytest.fixture
def opened(db):
    """Open the cache file of this home within limits."""
    stores = []

    def open_within(**limits) -> Store:
        stores.append(Store(str(db), limits=Limits(**limits)))
        return stores[-1]

    yield open_within
    for store in stores:
        store.close()


def put(store: Store, name: str, *, cost: int | None = 5000, at: float = 1000.0, **changes) -> int:
    answer = changes.pop("answer", "blue")
    given = draft(name, answer, price=Price(cost), created_at=at, **changes)
    return store.put(given, line(at=at))


def fill(store: Store, count: int, **changes) -> list[int]:
    return [put(store, f"filler {number}", **changes) for number in range(count)]


def hit(store: Store, entry_id: int, *, at: float = 1000.0) -> None:
    store.record(hit_line(entry_id, at=at))


def names(store: Store) -> set[str]:
    return {entry.prompt for entry in store.select(Selector())}


def assert_sound(store: Store) -> None:
    held = store.file.rows("SELECT namespace, count(*) FROM entry GROUP BY namespace")
    placed = store.file.rows("SELECT id FROM entry WHERE NOT pinned ORDER BY id")
    assert store.file.rows("SELECT namespace, entries FROM tally ORDER BY namespace") == held
    assert store.file.rows("SELECT entry_id FROM standing ORDER BY entry_id") == placed
    assert store.file.damage() == []
    assert store.index_damage() is None
    assert store.file.rows("PRAGMA foreign_key_check") == []


class TestALimitOfEntries:
    def test_is_kept(self, opened):
        store = opened(max_entries=20)

        most = max(store.count() for _ in map(put, [store] * 60, map(str, range(60))))

        assert most == 20
        assert_sound(store)

    def test_takes_a_tenth_away_where_it_is_passed(self, opened):
        store = opened(max_entries=50)
        fill(store, 50)

        put(store, "one more")

        assert store.count() == 45
        assert store.eviction.evicted() == 6

    def test_takes_few_away_at_a_time(self, opened, db):
        fill(opened(), 100)
        store = opened(max_entries=50)

        put(store, "one more")

        assert store.count() == 101 - worth.STEP

    def test_never_takes_away_what_was_just_put(self, opened):
        store = opened(max_entries=10)
        fill(store, 10, cost=1_000_000)

        put(store, "cheap", cost=1)

        assert "cheap" in names(store)

    def test_of_one_keeps_the_last_one(self, opened):
        store = opened(max_entries=1)

        fill(store, 3)

        assert names(store) == {"filler 2"}

    def test_counts_what_is_overwritten_once(self, opened):
        store = opened(max_entries=3)
        fill(store, 3)

        fill(store, 3)

        assert (store.count(), store.eviction.evicted()) == (3, 0)

    def test_lets_pinned_entries_stay(self, opened):
        store = opened(max_entries=10)
        kept = fill(store, 5, cost=1)
        store.eviction.pin(kept, pinned=True)

        for number in range(30):
            put(store, str(number))

        assert {f"filler {number}" for number in range(5)} < names(store)
        assert store.count() <= 10
        assert_sound(store)

    def test_is_passed_where_all_are_pinned(self, opened):
        store = opened(max_entries=3)
        store.eviction.pin(fill(store, 3), pinned=True)

        put(store, "one more")

        assert store.count() == 4

    def test_takes_unpinned_ones_again(self, opened):
        store = opened(max_entries=3)
        kept = fill(store, 3, cost=1)
        store.eviction.pin(kept, pinned=True)
        store.eviction.pin(kept, pinned=False)

        put(store, "one more")

        assert store.count() == 3
        assert_sound(store)

    def test_takes_what_has_expired_first(self, opened):
        store = opened(max_entries=3)
        put(store, "dead", cost=10**9, expires_at=1500.0)
        put(store, "alive", cost=1, expires_at=9000.0)
        put(store, "cheap", cost=1)

        put(store, "one more", at=2000.0)

        assert names(store) == {"alive", "cheap", "one more"}

    def test_holds_for_entries_that_were_there_before_there_was_an_order(self, opened):
        store = opened(max_entries=5)
        fill(store, 5)
        store.file.execute("UPDATE standing SET evict = '', worth = 0")
        hit(store, 1)

        put(store, "one more")

        assert names(store) == {"filler 0", "filler 2", "filler 3", "filler 4", "one more"}

    def test_holds_for_many_processes_at_once(self, opened, db):
        store = opened(max_entries=20)

        said = at_once(PUT, [(db, number) for number in range(4)])

        assert said == [""] * 4
        assert 18 <= store.count() <= 20
        assert_sound(store)


class TestALimitOfANamespace:
    def test_is_kept_and_touches_no_other(self, opened):
        store = opened(max_entries_per_namespace=10)
        fill(store, 10, cost=1)

        for number in range(30):
            put(store, str(number), namespace="work")

        assert store.eviction.held("work") <= 10
        assert store.eviction.held("default") == 10
        assert_sound(store)

    def test_may_be_another_for_one_that_is_named(self, opened):
        store = opened(max_entries_per_namespace=10, namespaces={"work": 5})

        for number in range(30):
            put(store, str(number), namespace="work")

        assert store.eviction.held("work") <= 5

    def test_holds_beside_one_of_all(self, opened):
        store = opened(max_entries=12, namespaces={"work": 5})

        for number in range(30):
            put(store, str(number), namespace="work")
            put(store, str(number))

        assert store.eviction.held("work") <= 5
        assert store.count() <= 12


class TestALimitOfSize:
    def test_is_kept_and_used(self, opened):
        limit = 1_000_000
        store = opened(max_size=limit)
        words = [f"word{number}" for number in range(4000)]

        sizes = []
        for number in range(1500):
            at = number * 37 % 3800
            put(store, f"question {number}", answer=" ".join(words[at : at + 150]))
            sizes.append(store.file.size())

        assert max(sizes) < limit * 1.05
        assert min(sizes[500:]) > limit * 0.7
        assert store.count() > 170
        assert_sound(store)

    def test_of_next_to_nothing_keeps_what_was_just_put(self, opened):
        store = opened(max_size=1)

        fill(store, 3)

        assert names(store) == {"filler 2"}


class TestWhatGoesFirst:
    @pytest.fixture
    def four(self, opened):
        """Of four entries three are better in one thing, and one is used by its question."""

        def make(evict: str) -> Store:
            store = opened(max_entries=4, evict=evict)
            put(store, "old and dear", cost=100_000, at=1000.0)
            put(store, "old and used", at=1001.0)
            put(store, "cheap", cost=1000, at=1002.0)
            put(store, "large", answer="x" * 50_000, at=1003.0)
            hit(store, 2, at=2000.0)
            return store

        return make

    @pytest.mark.parametrize(
        ("evict", "expected"),
        [
            ("value", ["large", "cheap", "old and used", "old and dear"]),
            ("lru", ["old and dear", "cheap", "large", "old and used"]),
            ("oldest", ["old and dear", "old and used", "cheap", "large"]),
        ],
    )
    def test_is_what_the_setting_says(self, four, evict, expected):
        store = four(evict)

        order = [store.entry(entry_id).prompt for entry_id in store.eviction.order()]
        put(store, "one more", at=3000.0)

        assert order == expected
        assert names(store) == {*expected[1:], "one more"}

    def test_may_change_from_one_write_to_the_next(self, four, opened):
        four("value")
        store = opened(max_entries=4, evict="oldest")

        put(store, "one more", at=3000.0)

        assert "old and dear" not in names(store)

    def test_is_what_is_not_used_any_more(self, opened):
        store = opened(max_entries=10)
        old = put(store, "formerly dear", cost=50_000)
        hit(store, old)

        for number in range(400):
            put(store, str(number))

        assert "formerly dear" not in names(store)

    def test_is_not_what_is_used_again_and_again(self, opened):
        store = opened(max_entries=10)
        used = put(store, "in use")

        for number in range(200):
            put(store, str(number))
            hit(store, used)

        assert store.entry(used).hits == 200

    def test_counts_a_large_document_against_those_that_share_it(self, opened):
        store = opened(max_entries=4)
        put(store, "alone", system="x" * 30_000)
        for name in "abc":
            put(store, name, system="y" * 30_000)

        put(store, "one more")

        assert names(store) == {"a", "b", "c", "one more"}

    def test_is_the_cheapest_by_its_tokens_where_no_price_is_known(self, opened):
        store = opened(max_entries=2)
        put(store, "long", cost=None, answer=Answer("x", "stop", usage=None), usage=None)
        dear = {"prompt_tokens": 9000, "completion_tokens": 9000}
        put(store, "thought over", cost=None, answer="x", usage=dear)

        put(store, "one more")

        assert names(store) == {"thought over", "one more"}


class TestWhatGoes:
    def test_takes_all_that_belongs_to_it_along(self, opened):
        store = opened(max_entries=1)
        vector = Vector("fake", 1, struct.pack("<4f", 1, 0, 0, 0))
        gone = put(store, "hippopotamus", vector=vector)
        alias = Alias("default", b"other", gone, "fake", 0.97, "rhinoceros", 0)
        command = Invocation(b"d", b"i", stdin=False, files=(), quiet=False)
        store.record(hit_line(gone), command, alias)

        put(store, "one more", vector=vector)

        counts = {
            name: store.file.number(f"SELECT count(*) FROM {name}")
            for name in ("entry", "vector", "vector_due", "alias", "invocation", "vector_gone")
        }
        assert counts == dict.fromkeys(counts, 0) | {"entry": 1, "vector": 1}
        assert store.search("hippopotamus", Selector()) == []
        assert store.vectors.damage() == []
        assert_sound(store)

    def test_leaves_what_is_remembered_of_others(self, opened):
        store = opened(max_entries=2)
        put(store, "cheap", cost=1)
        kept = put(store, "dear")
        store.record(hit_line(kept), Invocation(b"d", b"i", stdin=False, files=(), quiet=False))

        put(store, "one more")

        assert names(store) == {"dear", "one more"}
        assert store.file.rows("SELECT entry_id, generation FROM invocation") == [(kept, 0)]

    def test_stays_in_the_ledger(self, opened):
        store = opened(max_entries=1)

        fill(store, 3)

        assert store.ledger.totals(since=0.0)[0]["requests"] == 3


class TestWhatMayGo:
    def test_is_what_has_expired_to_the_second(self, opened):
        store = opened()
        put(store, "a", expires_at=1500.0)
        put(store, "b", expires_at=1500.1)
        put(store, "c")

        assert store.eviction.expired(1500.0) == [1]

    def test_is_what_is_older_and_not_pinned(self, opened):
        store = opened()
        put(store, "a", at=1000.0)
        put(store, "b", at=1000.0)
        put(store, "c", at=2000.0)
        store.eviction.pin([2], pinned=True)

        assert store.eviction.older_than(2000.0) == [1]


class TestTheOrder:
    def test_is_told_without_a_write(self, opened):
        store = opened(max_entries=9)
        fill(store, 5)
        hit(store, 1)
        before = store.file.rows("SELECT * FROM standing")

        order = list(store.eviction.order())

        assert order == [2, 3, 4, 5, 1]
        assert store.file.rows("SELECT * FROM standing") == before

    def test_is_one_of_all_that_are_not_pinned(self, opened):
        store = opened()
        fill(store, 3)
        store.eviction.pin([2], pinned=True)

        assert sorted(store.eviction.order()) == [1, 3]


@pytest.mark.parametrize(
    ("variable", "value", "left"),
    [
        ("LLMC_MAX_ENTRIES", "3", {"q 3", "q 4", "q 5"}),
        ("LLMC_MAX_ENTRIES_PER_NAMESPACE", "2", {"q 4", "q 5"}),
        ("LLMC_MAX_SIZE", "1K", {"q 5"}),
    ],
)
def test_the_setting_keeps_the_cache_within_its_limit(
    cli, upstream, monkeypatch, store, variable, value, left
):
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("LLMC_EVICT", "oldest")

    results = [cli("ask", f"q {number}") for number in range(6)]

    assert [result.code for result in results] == [0] * 6
    assert names(store) == left


def test_an_import_keeps_to_the_limit(cli, upstream, monkeypatch, store, tmp_path):
    for number in range(6):
        cli("ask", f"q {number}")
    exported = tmp_path / "answers.jsonl"
    exported.write_text(cli("export").out)
    monkeypatch.setenv("LLMC_MAX_ENTRIES", "4")

    result = cli("import", str(exported), "--db", "other.db")

    with Store("other.db") as other:
        assert result.code == 0
        assert other.count() == 4
        assert_sound(other)


def test_what_was_evicted_is_asked_for_again(cli, upstream, monkeypatch):
    monkeypatch.setenv("LLMC_MAX_ENTRIES", "1")
    cli("ask", "q 0")
    cli("ask", "q 1")

    result = cli("ask", "q 0")

    assert (result.code, result.out) == (0, "answer 3\n")
