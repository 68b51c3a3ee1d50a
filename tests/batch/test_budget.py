from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmc.batch.budget import Budget
from llmc.errors import ConfigError, ProviderError, Unavailable
from llmc.types import Entry, Hit, Price, Request, Tokens


def question(**body) -> Request:
    return Request("http://x/v1", {"model": "m", "messages": [], **body})


def answered(cost: int | None, *, completion: int | None = 20, source="model") -> Hit:
    entry = Entry(
        1, "default", b"k", 0, None, "m", "q", "a", None, "stop", "m", 0, Tokens(100, completion),
        cost, 1.0, 0.0, None,
    )  # fmt: skip
    return Hit(entry, source, price=Price(cost))


def per_token(request: Request, *, completion: int) -> tuple[int, Price]:
    """Ten for the prompt, and one for each token of the answer."""
    return 10, Price(10 + completion)


def test_a_limit_of_tokens_bounds_what_an_answer_may_cost():
    assert Budget(10**9, per_token).estimate(question(max_tokens=30)) == 50


def test_several_choices_cost_as_much_each():
    assert Budget(10**9, per_token).estimate(question(max_tokens=30, n=2)) == round(70 * 1.25)


def test_without_a_limit_much_is_assumed_until_some_answers_are_known():
    budget = Budget(10**9, per_token)
    before = budget.estimate(question())

    for _ in range(10):
        budget.settle(50, answered(30, completion=20))

    assert before == round(2010 * 1.25)
    assert budget.estimate(question()) == round(50 * 1.25)


def test_an_estimate_that_was_too_low_raises_those_after_it():
    budget = Budget(10**9, per_token)

    budget.settle(50, answered(65))

    assert budget.estimate(question(max_tokens=30)) == 50 + 15


def test_the_first_request_is_sent_alone():
    budget = Budget(1_000, per_token)
    budget.reserve(60)
    assert not budget.allows(60)

    budget.settle(60, answered(40))
    budget.reserve(60)

    assert budget.allows(60)


def test_what_is_under_way_counts_with_its_estimate_until_its_cost_is_known():
    budget = Budget(100, per_token)
    budget.reserve(60)
    assert not budget.allows(50)

    budget.settle(60, answered(40))

    assert budget.allows(60)
    assert not budget.allows(61)


@pytest.mark.parametrize(
    ("result", "spent"),
    [
        (answered(7), 7),
        (answered(None), 60),
        (answered(7, source="exact"), 0),
        (ProviderError("no", status=400), 0),
        (Unavailable("broke off"), 60),
    ],
    ids=["its cost", "unknown", "another paid", "refused", "broke off"],
)
def test_what_came_of_a_request_is_what_it_cost(result, spent):
    budget = Budget(100, per_token)
    budget.reserve(60)

    budget.settle(60, result)

    assert budget.spent == spent
    assert budget.allows(100 - spent)


def test_a_model_without_a_price_cannot_be_kept_within_a_limit():
    budget = Budget(100, lambda request, completion: (10, Price(None)))

    with pytest.raises(ConfigError, match=r"the price of 'm' is not known"):
        budget.estimate(question())


def test_without_a_limit_everything_is_allowed_and_nothing_needs_a_price():
    budget = Budget(None, lambda request, completion: (10, Price(None)))

    assert budget.estimate(question()) == 0
    assert budget.allows(10**12)


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1)), max_size=50), st.integers(0, 200))
def test_the_limit_is_never_crossed_where_estimates_are_not_too_low(requests, limit):
    budget, under_way = Budget(limit, per_token), []

    for estimate, share in requests:
        if not budget.allows(estimate) and under_way:
            budget.settle(*under_way.pop())
        if budget.allows(estimate):
            budget.reserve(estimate)
            under_way.append((estimate, answered(int(estimate * share))))
    while under_way:
        budget.settle(*under_way.pop())

    assert budget.spent <= limit
