from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmc import worth
from llmc.worth import Kept, Place

KEPT = Kept(
    cost=1_000_000,
    prompt_tokens=100,
    completion_tokens=20,
    prompt_bytes=400,
    answer_bytes=80,
    frame_bytes=200,
    hits=0,
    created_at=1000.0,
    used_at=1000.0,
)
NUMBERS = st.integers(0, 10**12)


def value(kept: Kept = KEPT, *, clock: int = 0, before: Place | None = None) -> Place:
    return worth.place(kept, evict="value", clock=clock, before=before)


class TestTheWorthOfAnEntry:
    def test_is_its_cost_against_its_bytes_times_its_uses(self):
        once, thrice = value(), value(KEPT._replace(hits=2))

        assert once.worth == round(1000 * 1_000_000 / worth.bytes_of(KEPT))
        assert thrice.worth == pytest.approx(3 * once.worth, abs=2)

    def test_counts_from_the_clock_up(self):
        assert value(clock=500).worth == value().worth + 500

    @pytest.mark.parametrize(
        "better",
        [{"cost": 2_000_000}, {"answer_bytes": 40}, {"frame_bytes": 0}, {"hits": 1}],
        ids=str,
    )
    def test_is_more_for(self, better):
        assert value(KEPT._replace(**better)).worth > value().worth

    def test_stays_where_it_was_not_used(self):
        before = Place(77, 5.0, 0)

        assert value(clock=1000, before=before) == before

    def test_of_one_that_was_used_moves_up_from_where_it_stood(self):
        before = value()

        after = value(KEPT._replace(hits=1), clock=before.worth, before=before)

        assert after.worth > 2 * before.worth
        assert (after.uses, after.hits) == (1.5, 1)

    def test_forgets_half_of_its_older_uses_when_it_moves(self):
        after = value(KEPT._replace(hits=101), before=Place(0, 100.0, 100))

        assert after.uses == 51.0

    @given(st.integers(1, 10**12), NUMBERS, st.integers(0, 10**6), st.integers(0, 10**6))
    def test_never_falls(self, cost, clock, hits, more):
        before = value(KEPT._replace(cost=cost, hits=hits), clock=clock)

        after = value(KEPT._replace(cost=cost, hits=hits + more), clock=clock, before=before)

        assert after.worth >= before.worth


class TestTheCostToRecreate:
    def test_is_what_was_recorded(self):
        assert worth.cost_of(KEPT) == 1_000_000

    @pytest.mark.parametrize("cost", [None, 0])
    def test_without_a_price_is_that_of_its_tokens(self, cost):
        assert worth.cost_of(KEPT._replace(cost=cost)) == 100 * 250 + 20 * 2000

    def test_without_tokens_either_is_that_of_its_texts(self):
        unknown = KEPT._replace(cost=None, prompt_tokens=None, completion_tokens=None)

        assert worth.cost_of(unknown) == 100 * 250 + 20 * 2000


@pytest.mark.parametrize(
    ("evict", "expected"), [("lru", 5_000_000), ("oldest", 1_000_000_000)], ids=["lru", "oldest"]
)
def test_other_orders_are_those_of_time(evict, expected):
    kept = KEPT._replace(used_at=5.0, hits=9)

    assert worth.place(kept, evict=evict, clock=7).worth == expected


class TestTheSurplus:
    @pytest.mark.parametrize(
        ("held", "limit", "expected"),
        [(5, None, 0), (9, 10, 0), (10, 10, 0), (11, 10, 2), (101, 100, 11), (2, 1, 1), (9, 5, 4)],
    )
    def test_is_what_brings_it_down_to_nine_tenths(self, held, limit, expected):
        assert worth.surplus(held, limit) == expected

    @given(NUMBERS, st.integers(1, 10**12))
    def test_leaves_something(self, held, limit):
        assert worth.surplus(held, limit) <= max(0, held - 1)
