from __future__ import annotations

import time

import pytest
from drafts import draft, hit_line, line, new_store

from llmc import ledger as ledger_room


@pytest.fixture
def store(db):
    with new_store(db) as store:
        yield store


@pytest.fixture
def ledger(store):
    return store.ledger


@pytest.fixture
def write(store):
    """Add lines as requests would."""

    def write(*lines):
        list(map(store.record, lines))

    return write


@pytest.fixture
def far_east():
    """A place where the day begins ten hours before it does in Greenwich."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "XXX-10")
        time.tzset()
        yield
    time.tzset()


def total(ledger, **options):
    (found,) = ledger.totals(since=0.0, **options)
    return found


def picked(groups, *names):
    return [tuple(group[name] for name in ("name", *names)) for group in groups]


def test_without_lines_there_is_no_sum(ledger):
    assert ledger.totals(since=0.0) == []
    assert ledger.totals(since=0.0, by="model") == []


def test_a_line_keeps_all_that_it_is_given(ledger, write, store):
    given = line(
        level=2,
        entry_id=None,
        cached_tokens=30,
        written_tokens=20,
        avoided_nusd=6,
        discount_nusd=7,
        premium_nusd=8,
        avoided_latency=1.5,
    )

    write(given)

    (row,) = store.file.records("SELECT * FROM ledger")
    extra = {"id": 1, "embedding_nusd": 0, "judging_nusd": 0, "unknown_judging": 0}
    assert row == given._asdict() | extra


def test_what_was_embedded_at_an_unknown_price_is_no_sum_of_nothing(ledger, write):
    write(line(unknown_embedding=2))

    (found,) = ledger.totals(since=0.0)
    assert (found["embedding_nusd"], found["unpriced_embeddings"]) == (None, 2)
    assert (found["judging_nusd"], found["unpriced_judgements"]) == (0, 0)


def test_what_is_known_of_embedding_is_summed_beside_what_is_not(ledger, write):
    write(line(unknown_embedding=2), line(embedding_nusd=7))

    (found,) = ledger.totals(since=0.0)
    assert (found["embedding_nusd"], found["unpriced_embeddings"]) == (7, 2)


def test_judging_at_an_unknown_price_is_counted(ledger, write, store):
    write(line(source="semantic", entry_id=5))

    ledger.add_judging(5, 0, unknown=1)

    (found,) = ledger.totals(since=0.0)
    assert (found["judging_nusd"], found["unpriced_judgements"]) == (None, 1)


def test_requests_are_counted_by_where_their_answer_came_from(ledger, write):
    write(
        line(),
        line(source="bypass"),
        hit_line(),
        hit_line(),
        hit_line(source="memory"),
        hit_line(source="shared"),
        hit_line(source="semantic"),
        hit_line(source="stale"),
    )

    found = total(ledger)

    assert found["requests"] == 8
    assert (found["misses"], found["bypassed"], found["exact"]) == (1, 1, 2)
    assert (found["memory"], found["shared"], found["semantic"], found["stale"]) == (1, 1, 1, 1)
    assert found["hits"] == 6


def test_money_and_tokens_are_summed(ledger, write):
    write(
        line(
            spent_nusd=5000,
            cached_tokens=40,
            written_tokens=30,
            discount_nusd=300,
            premium_nusd=50,
        ),
        line(spent_nusd=1, prompt_tokens=7, completion_tokens=3, source="bypass"),
        hit_line(avoided_nusd=5000, cached_tokens=40),
        hit_line(avoided_nusd=2000, prompt_tokens=11, completion_tokens=13),
    )

    found = total(ledger)

    assert (found["spent_nusd"], found["avoided_nusd"]) == (5001, 7000)
    assert (found["provider_discount_nusd"], found["provider_premium_nusd"]) == (300, 50)
    assert (found["prompt_tokens"], found["completion_tokens"]) == (107, 23)
    assert (found["avoided_prompt_tokens"], found["avoided_completion_tokens"]) == (111, 33)
    assert (found["provider_cached_tokens"], found["provider_written_tokens"]) == (40, 30)


def test_money_is_exact_in_whole_numbers(ledger, write):
    write(line(spent_nusd=2**53), line(spent_nusd=1))

    assert total(ledger)["spent_nusd"] == 2**53 + 1


def test_what_embedding_and_judging_cost_is_summed(ledger, write, store):
    write(hit_line())
    store.file.execute("UPDATE ledger SET embedding_nusd = 3, judging_nusd = 4")

    found = total(ledger)

    assert (found["embedding_nusd"], found["judging_nusd"]) == (3, 4)


def test_time_saved_is_the_first_latency_less_the_hits_own(ledger, write):
    write(
        line(latency=9.0),
        hit_line(avoided_latency=2.0, latency=0.5),
        hit_line(avoided_latency=1.0, latency=0.25),
        hit_line(avoided_latency=None),
    )

    assert total(ledger)["time_saved_s"] == pytest.approx(2.25)


def test_a_hit_slower_than_the_call_costs_no_time(ledger, write):
    write(hit_line(avoided_latency=1.0, latency=5.0), hit_line(avoided_latency=2.0, latency=0.0))

    assert total(ledger)["time_saved_s"] == pytest.approx(2.0)


def test_an_answer_of_need_saves_nothing(ledger, write):
    write(hit_line(source="stale", avoided_nusd=0, avoided_latency=0.0))

    found = total(ledger)

    assert (found["stale"], found["hits"]) == (1, 1)
    assert found["avoided_nusd"] == 0
    assert found["time_saved_s"] == 0
    assert (found["avoided_prompt_tokens"], found["avoided_completion_tokens"]) == (0, 0)
    assert found["unpriced_hits"] == 0


class TestAnUnknownPrice:
    def test_of_a_call_is_counted_and_not_summed(self, ledger, write):
        write(line(spent_nusd=None), line(spent_nusd=5000), line(spent_nusd=None, source="bypass"))

        found = total(ledger)

        assert found["unpriced_calls"] == 2
        assert found["unpriced_hits"] == 0
        assert found["spent_nusd"] == 5000

    def test_of_a_hit_is_counted_and_not_summed(self, ledger, write):
        write(hit_line(avoided_nusd=None), hit_line(avoided_nusd=5000))

        found = total(ledger)

        assert found["unpriced_hits"] == 1
        assert found["unpriced_calls"] == 0
        assert found["avoided_nusd"] == 5000

    def test_is_not_a_price_of_0(self, ledger, write):
        write(line(spent_nusd=0), hit_line(avoided_nusd=0))

        found = total(ledger)

        assert (found["unpriced_calls"], found["unpriced_hits"]) == (0, 0)
        assert (found["spent_nusd"], found["avoided_nusd"]) == (0, 0)

    def test_alone_makes_an_unknown_sum(self, ledger, write):
        write(line(spent_nusd=None), hit_line(avoided_nusd=None))

        found = total(ledger)

        assert found["spent_nusd"] is None
        assert found["avoided_nusd"] is None

    def test_is_null_in_the_file(self, ledger, write, store):
        write(line(spent_nusd=None), hit_line(avoided_nusd=None))

        rows = store.file.rows("SELECT spent_nusd, avoided_nusd FROM ledger ORDER BY id")

        assert rows == [(None, None), (0, None)]


class TestTokensUnknown:
    def test_are_left_out_of_the_sum(self, ledger, write):
        write(line(prompt_tokens=None, completion_tokens=None), line())

        found = total(ledger)

        assert (found["prompt_tokens"], found["completion_tokens"]) == (100, 20)


class TestGroups:
    def test_by_model(self, ledger, write):
        write(line(model="m"), hit_line(model="m"), line(model="n", spent_nusd=7))

        found = ledger.totals(since=0.0, by="model")

        assert picked(found, "requests", "hits", "spent_nusd", "avoided_nusd") == [
            ("m", 2, 1, 5000, 5000),
            ("n", 1, 0, 7, 0),
        ]

    def test_by_namespace(self, ledger, write):
        write(line(namespace="work"), line(), hit_line(namespace="work"))

        found = ledger.totals(since=0.0, by="namespace")

        assert picked(found, "requests", "hits") == [("default", 1, 0), ("work", 2, 1)]

    def test_by_source(self, ledger, write):
        write(line(), hit_line(), hit_line(), hit_line(source="stale"), line(source="bypass"))

        found = ledger.totals(since=0.0, by="source")

        assert picked(found, "requests") == [
            ("bypass", 1),
            ("exact", 2),
            ("model", 1),
            ("stale", 1),
        ]

    def test_by_the_day_where_the_user_is(self, ledger, write, far_east):
        day = 86400.0
        write(line(at=day), line(at=day + 14 * 3600 - 1), line(at=day + 14 * 3600))

        found = ledger.totals(since=0.0, by="day")

        assert picked(found, "requests") == [("1970-01-02", 2), ("1970-01-03", 1)]

    @pytest.mark.parametrize("by", ["model", "namespace", "source", "day"])
    def test_add_up_to_the_whole(self, ledger, write, by):
        write(
            line(),
            line(model="n", at=400_000.0, spent_nusd=3),
            hit_line(namespace="work", avoided_nusd=11),
            hit_line(source="stale", avoided_nusd=0),
        )

        groups = ledger.totals(since=0.0, by=by)

        assert len(groups) > 1
        assert sum(group["requests"] for group in groups) == 4
        assert sum(group["spent_nusd"] for group in groups) == 5003
        assert sum(group["avoided_nusd"] for group in groups) == 11


def test_lines_before_the_instant_are_left_out(ledger, write):
    write(line(at=999.9), line(at=1000.0), line(at=1000.1))

    (found,) = ledger.totals(since=1000.0)

    assert found["requests"] == 2


class TestTheLastEntry:
    def test_is_none_before_the_first(self, ledger):
        assert ledger.last_entry_id() is None

    def test_is_that_of_the_last_answer(self, ledger, store):
        first = store.put(draft(), line())
        store.put(draft("another"), line())
        store.record(hit_line(first))

        assert ledger.last_entry_id() == first

    def test_is_none_after_an_answer_that_was_not_kept(self, ledger, store):
        store.put(draft(), line())
        store.record(line(source="bypass"))

        assert ledger.last_entry_id() is None


def test_a_question_without_an_answer_is_no_request_and_has_a_cost(ledger, write):
    write(line(source="failed", spent_nusd=0, avoided_nusd=0, embedding_nusd=7), line())

    found = total(ledger)

    assert (found["requests"], found["misses"], found["hits"]) == (1, 1, 0)
    assert (found["embedding_nusd"], found["unpriced_hits"], found["unpriced_calls"]) == (7, 0, 0)
    assert (found["avoided_nusd"], found["spent_nusd"]) == (0, 5000)


def test_a_question_without_an_answer_is_not_the_last_one(ledger, write):
    write(line(entry_id=3), line(source="failed"))

    assert ledger.last_entry_id() == 3


def test_judging_is_added_to_an_entrys_last_semantic_hit(ledger, write, store):
    write(
        hit_line(1, source="semantic"),
        hit_line(1, source="semantic"),
        hit_line(1),
        hit_line(2, source="semantic"),
    )

    with store.transaction():
        ledger.add_judging(1, 5)
        ledger.add_judging(1, 2)

    assert store.file.rows("SELECT judging_nusd FROM ledger ORDER BY id") == [
        (0,),
        (7,),
        (0,),
        (0,),
    ]


class TestLinesOfLongAgo:
    """They become sums of their day: a write folds a few, `prune` all."""

    DAY = 86400.0
    NOW = 400 * DAY + 5000.0
    SINCES = (0.0, NOW - 300 * DAY, NOW - 95.5 * DAY, NOW - 89 * DAY, NOW - 3600.0)

    @pytest.fixture(autouse=True)
    def few(self, monkeypatch):
        monkeypatch.setattr(ledger_room, "_LAST", 3)

    @pytest.fixture
    def year(self, store):
        """Add lines of all sources, models, namespaces and prices of a year, some unknown."""
        sources = ("model", "exact", "semantic", "stale", "bypass", "failed", "memory")
        lines = [
            line(
                at=self.NOW - (365 - number) * self.DAY - 977.0 * (number % 60),
                source=sources[number % 7],
                model="mnx"[number % 3],
                namespace=("default", "work")[number % 2],
                latency=0.5 * (number % 5),
                prompt_tokens=None if number % 11 == 0 else number,
                completion_tokens=None if number % 13 == 0 else 3 * number,
                cached_tokens=number % 4 or None,
                spent_nusd=None if number % 3 == 0 else 1000 + number,
                avoided_nusd=None if number % 5 == 0 else 10 * number,
                written_tokens=number % 3 or None,
                discount_nusd=number % 6 or None,
                premium_nusd=number % 8 or None,
                avoided_latency=None if number % 7 == 0 else 1.5,
                embedding_nusd=number % 2,
            )
            for number in range(365)
        ]
        with store.transaction():
            list(map(store.ledger.write, [each._replace(at=self.NOW) for each in lines]))
            store.file.execute("UPDATE ledger SET at = ? WHERE id = 1", (lines[0].at,))
        for number, each in enumerate(lines, start=1):
            store.file.execute("UPDATE ledger SET at = ? WHERE id = ?", (each.at, number))
        store.file.execute("UPDATE ledger SET judging_nusd = id % 3")

    def fold(self, store, **options) -> int:
        with store.transaction():
            return store.ledger.fold(now=self.NOW, **options)

    def all_figures(self, ledger):
        return [
            pytest.approx(group, nan_ok=True)
            for since in self.SINCES
            for by in (None, "model", "namespace", "day", "source")
            for group in ledger.totals(since=since, by=by, now=self.NOW)
        ]

    @pytest.mark.parametrize("most", [1, 100, -1])
    def test_leave_all_figures_as_they_were(self, store, ledger, year, most):
        before = self.all_figures(ledger)

        self.fold(store, most=most)

        after = self.all_figures(ledger)
        assert len(after) > 400
        assert [each.expected for each in after] == before

    def test_leave_all_figures_as_they_were_where_the_day_begins_earlier(
        self, store, ledger, year, far_east
    ):
        before = self.all_figures(ledger)

        self.fold(store)

        assert [each.expected for each in self.all_figures(ledger)] == before

    def test_go_and_those_of_90_days_stay(self, store, year):
        folded = self.fold(store)

        left = store.file.rows("SELECT min(at) FROM ledger")[0][0]
        assert folded == 276
        assert store.file.number("SELECT count(*) FROM ledger") == 89
        assert left > self.NOW - 91 * self.DAY

    def test_go_a_few_at_each_write(self, store, year):
        store.record(line(at=self.NOW))

        assert store.file.number("SELECT count(*) FROM ledger") == 365 + 1 - 50

    def test_are_folded_once_whoever_comes_first(self, store, ledger, year):
        before = self.all_figures(ledger)

        folded = [self.fold(store, most=200), self.fold(store), self.fold(store)]

        assert folded == [200, 76, 0]
        assert [each.expected for each in self.all_figures(ledger)] == before

    def test_stay_where_they_are_the_last(self, store, ledger, write):
        write(*[line(at=1000.0, entry_id=number) for number in range(1, 6)])

        folded = self.fold(store)

        assert folded == 2
        assert ledger.last_entry_id() == 5

    def test_count_by_whole_days(self, store, ledger, write):
        day = self.NOW - 200 * self.DAY
        write(line(at=day - 1800.0), line(at=day), line(at=day + 1800.0))

        whole = ledger.totals(since=day, now=self.NOW)
        to_the_second = ledger.totals(since=day, now=day + self.DAY)

        assert (whole[0]["requests"], to_the_second[0]["requests"]) == (3, 2)
