from __future__ import annotations

import math
from fractions import Fraction
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmc import calibration
from llmc.calibration import GRID, PROMISES, Judged
from llmc.types import Verdict

JUDGED = st.builds(
    Judged, st.floats(0.7, 1), st.booleans(), st.floats(1e-200, 1e200), st.floats(-1, 1)
)


def at_most(wrong: int, n: int, share: float) -> float:
    """The probability of so many wrong ones or fewer, without rounding but for the last step."""
    p = Fraction(share)
    return float(sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(wrong + 1)))


def pairs(count: int, similarity: float, *, right: bool = True, weight: float = 1) -> list[Judged]:
    """So many pairs that are all alike."""
    return [Judged(similarity, right, weight)] * count


def chosen(*judged: list[Judged]) -> dict[str, float]:
    return calibration.choose(calibration.table(chain(*judged)))


def told(promise: str, *judged: list[Judged]) -> str:
    rows = calibration.table(chain(*judged))
    return calibration.told(promise, rows, calibration.choose(rows))


def verdict(pair: bytes = b"1", **changes) -> Verdict:
    made = Verdict(pair, "audit", True, "default", "minilm", 0.97, 1000.0)
    return made._replace(**changes)


# -- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "n"),
    [(0, 1), (0, 59), (1, 2), (1, 93), (2, 124), (7, 300), (50, 60), (58, 59), (100, 1000),
     (199, 200)],
)  # fmt: skip
def test_as_few_wrong_ones_come_up_once_in_twenty_at_the_upper_limit(wrong, n):
    limit = calibration.upper_limit(wrong, n)

    assert at_most(wrong, n, limit) == pytest.approx(0.05, abs=1e-9)


@pytest.mark.parametrize(
    ("wrong", "n", "limit"),
    [(0, 0, 1), (3, 3, 1), (5, 3, 1), (0, 1, 0.95), (0, 59, 0.0495076), (1, 10, 0.3941633)],
)
def test_limits_have_their_published_values(wrong, n, limit):
    assert calibration.upper_limit(wrong, n) == pytest.approx(limit, abs=1e-7)


@given(st.floats(0, 500), st.floats(0.1, 500), st.floats(0.5, 0.999))
def test_a_limit_lies_above_the_share_and_rises_with_it(wrong, right, confidence):
    limit = calibration.upper_limit(wrong, wrong + right, confidence)
    more = calibration.upper_limit(wrong + 1, wrong + right + 1, confidence)

    assert wrong / (wrong + right) <= limit <= more <= 1


def test_a_limit_of_a_million_pairs_is_no_further_away():
    limit = calibration.upper_limit(20_000, 1_000_000)

    assert limit == pytest.approx(0.02 + 1.645 * math.sqrt(0.02 * 0.98 / 1e6), abs=2e-6)


@pytest.mark.parametrize(
    ("wrong", "n", "low", "high"),
    [(0, 0, 0, 1), (0, 10, 0, 0.2775), (10, 10, 0.7225, 1), (1, 10, 0.0179, 0.4042),
     (50, 100, 0.4038, 0.5962)],
)  # fmt: skip
def test_wilsons_interval_has_its_published_values(wrong, n, low, high):
    found = calibration.wilson(wrong, n)

    assert found == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@given(st.integers(0, 300), st.integers(1, 300))
def test_wilsons_interval_holds_the_share(wrong, more):
    low, high = calibration.wilson(wrong, wrong + more)

    assert 0 <= low <= wrong / (wrong + more) <= high <= 1


@pytest.mark.parametrize(("promise", "count"), [("10%", 29), ("5%", 59), ("strict", 119)])
def test_so_many_right_pairs_are_needed_and_no_fewer(promise, count):
    share = PROMISES[promise]

    assert calibration.needed(share) == count
    assert calibration.upper_limit(0, count) <= share < calibration.upper_limit(0, count - 1)


# -- the table -----------------------------------------------------------------------------------


def test_thresholds_are_tried_from_the_highest_down():
    assert (GRID[0], GRID[-1], len(GRID)) == (0.995, 0.7, 60)
    assert sorted(GRID, reverse=True) == list(GRID)


def test_a_row_counts_what_is_served_from_its_threshold_up():
    judged = [Judged(0.96, True), Judged(0.955, False), Judged(0.9549, True), Judged(0.6, True)]

    rows = {row.threshold: row for row in calibration.table(judged)}

    assert [rows[at].served for at in (0.965, 0.96, 0.955, 0.95)] == [0, 1, 2, 3]
    assert [rows[at].wrong for at in (0.96, 0.955, 0.95)] == [0, 1, 1]
    assert rows[0.955].share == 0.5
    assert rows[0.95].limit == calibration.upper_limit(1, 3)


def test_a_row_that_serves_nothing_has_no_share():
    row = calibration.table([])[0]

    assert (row.served, row.share, row.effective, row.limit) == (0, None, 0, 1)


def test_a_wrong_pair_counts_by_its_weight():
    judged = pairs(1, 0.9, right=False, weight=3) + pairs(1, 0.9, weight=1)

    row = calibration.table(judged)[-1]

    assert (row.served, row.wrong, row.share) == (2, 1, 0.75)


def test_pairs_of_which_few_weigh_most_tell_as_little_as_few():
    equal = calibration.table(pairs(100, 0.9, weight=7))[-1]
    skewed = calibration.table(pairs(99, 0.9, weight=1) + pairs(1, 0.9, weight=99))[-1]

    assert equal.effective == pytest.approx(100)
    assert skewed.effective == pytest.approx(198**2 / (99 + 99**2))
    assert equal.limit < 0.03
    assert skewed.limit > 0.5


# -- choosing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "kept"),
    [(0, []), (28, []), (29, ["10%"]), (58, ["10%"]), (59, ["10%", "5%"]), (118, ["10%", "5%"]),
     (119, ["10%", "5%", "strict"])],
)  # fmt: skip
def test_a_promise_takes_as_many_right_pairs_as_are_needed(count, kept):
    assert list(chosen(pairs(count, 0.971))) == kept


def test_the_threshold_is_the_lowest_that_was_seen_to_serve():
    found = chosen(pairs(200, 0.971), pairs(200, 0.921))

    assert found == {"10%": 0.92, "5%": 0.92, "strict": 0.92}


def test_wrong_pairs_bound_it_from_below():
    found = chosen(pairs(100, 0.951), pairs(60, 0.851, right=False))

    assert found == {"10%": 0.95, "5%": 0.95}


def test_what_is_below_a_threshold_that_failed_does_not_make_up_for_it():
    found = chosen(pairs(60, 0.951), pairs(20, 0.901, right=False), pairs(60, 0.801))

    assert found == {"10%": 0.95, "5%": 0.95}


@pytest.mark.parametrize("at", [0.996, 0.971, 0.701])
def test_one_wrong_pair_among_many_does_not_decide_everything(at):
    found = chosen(pairs(150, 0.961), pairs(150, 0.901), pairs(1, at, right=False))

    assert found["5%"] <= 0.9


def test_wrong_pairs_at_the_top_leave_nothing_to_promise():
    assert chosen(pairs(40, 0.991, right=False), pairs(200, 0.901)) == {}


@given(st.lists(JUDGED, max_size=40), st.integers(0, 400))
def test_a_stricter_promise_never_has_a_lower_threshold(mixed, right):
    found = chosen(mixed, pairs(right, 0.951))

    assert list(found) == list(PROMISES)[: len(found)]
    assert sorted(found.values()) == list(found.values())


@given(st.lists(JUDGED, max_size=40), st.integers(0, 400))
def test_what_is_chosen_keeps_its_promise(mixed, right):
    rows = calibration.table(mixed + pairs(right, 0.951))

    found = calibration.choose(rows)

    limits = {promise: r.limit for promise, at in found.items() for r in rows if r.threshold == at}
    assert [promise for promise, limit in limits.items() if limit > PROMISES[promise]] == []


@given(st.sets(st.integers(0, 299)))
def test_where_testing_begins_does_not_depend_on_what_was_right(wrong):
    judged = [Judged(0.7 + 0.001 * n, n not in wrong) for n in range(300)]
    all_right = [pair._replace(right=True) for pair in judged]

    found = calibration.starts(calibration.table(judged), 0.05)

    assert found == calibration.starts(calibration.table(all_right), 0.05)
    assert len(found) == 2


# -- words ---------------------------------------------------------------------------------------


def test_what_was_shown_is_told_with_its_limit():
    line = told("5%", pairs(300, 0.951), pairs(2, 0.953, right=False))

    assert line == "5%: from 0.95 up (2 of 302 served were wrong, at most 2.1%)"


def test_too_few_pairs_are_told_with_the_number_that_is_needed():
    line = told("5%", pairs(41, 0.951))

    assert line == (
        "5% is not shown: it takes 59 verified pairs that are served, all of them right; there"
        " are 41"
    )


def test_too_many_wrong_pairs_are_told_with_their_limit():
    line = told("5%", pairs(50, 0.951), pairs(20, 0.951, right=False))

    assert line == (
        "5% is not shown: from 0.95 up 20 of 70 served were wrong, so up to 38.8% may be"
    )


def test_no_pairs_at_all_are_too_few():
    assert told("10%").endswith("; there are 0")


# -- verdicts ------------------------------------------------------------------------------------


def test_a_right_verdict_counts_from_the_threshold_in_effect_up():
    found = calibration.evidence([verdict(similarity=0.97)], 0.955)

    rows = {row.threshold: row.served for row in calibration.table(found)}
    assert [rows[at] for at in (0.975, 0.97, 0.955, 0.95)] == [0, 1, 1, 0]


def test_a_wrong_verdict_counts_at_every_threshold_below_it():
    found = calibration.evidence([verdict(similarity=0.97, right=False)], 0.955)

    rows = {row.threshold: row.wrong for row in calibration.table(found)}
    assert [rows[at] for at in (0.975, 0.97, 0.955, 0.7)] == [0, 1, 1, 1]


@pytest.mark.parametrize("order", [1, -1])
def test_a_pair_counts_once_and_as_wrong_if_anyone_said_so(order):
    verdicts = [verdict(at=1.0), verdict(at=2.0), verdict(at=3.0, right=False, origin="bad")]

    found = calibration.evidence([*verdicts[::order], verdict(b"2")], 0.9)

    assert sorted(each.right for each in found) == [False, True]


def test_verdicts_alone_never_open_a_threshold_below_the_one_in_effect():
    audited = [verdict(bytes([n]), similarity=0.97) for n in range(200)]
    found = calibration.evidence(audited, 0.955)

    thresholds = chosen(found, pairs(10, 0.901), pairs(10, 0.901, right=False))

    assert thresholds == {"10%": 0.97, "5%": 0.97, "strict": 0.97}


def test_a_rejected_answer_can_only_raise_a_threshold():
    judged = pairs(150, 0.961) + pairs(150, 0.901)
    bad = [verdict(bytes([n]), origin="bad", right=False, similarity=0.92) for n in range(20)]

    before, after = chosen(judged), chosen(judged, calibration.evidence(bad, 0.9))

    assert (before["5%"], after["5%"]) == (0.9, 0.96)
