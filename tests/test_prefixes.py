from __future__ import annotations

import pytest
from drafts import question
from hypothesis import given
from hypothesis import strategies as st

from llmc import prefixes
from llmc.types import Request

LONG = "Answer in the house's style. " * 200
OTHER = "Answer as a lawyer would do. " * 200


def turns(*contents, **body):
    """A request whose messages alternate between the system's and the user's."""
    roles = ["system", *["user", "assistant"] * len(contents)]
    messages = [{"role": r, "content": c} for r, c in zip(roles, contents, strict=False)]
    return Request("http://127.0.0.1:9/v1", {"model": "m", "messages": messages, **body})


def grouped(requests):
    """The places of requests, those of one group together."""
    groups = {}
    for place, request in enumerate(requests):
        groups.setdefault(prefixes.group_of(request) or place, []).append(place)
    return list(groups.values())


def test_requests_of_one_long_beginning_stand_together():
    asked = [
        question("a", system=LONG),
        question("b", system=OTHER),
        question("c", system=LONG),
        question("d", system=OTHER),
    ]

    assert grouped(asked) == [[0, 2], [1, 3]]


def test_a_short_beginning_is_not_worth_waiting_for():
    asked = [question("a", system="Be brief."), question("b", system="Be brief."), question("c")]

    assert grouped(asked) == [[0], [1], [2]]


def test_a_long_question_is_no_beginning():
    assert grouped([question(LONG), question(LONG)]) == [[0], [1]]


@pytest.mark.parametrize(
    "change",
    [
        {"model": "m2"},
        {"base_url": "http://127.0.0.1:8/v1"},
        {"reasoning_effort": "low"},
        {"response_format": {"type": "json_object"}},
        {"tools": [{"type": "function", "function": {"name": "a"}}]},
    ],
)
def test_what_keeps_a_provider_from_reusing_a_beginning_keeps_groups_apart(change):
    asked = [question("a", system=LONG), question("b", system=LONG, **change)]

    assert grouped(asked) == [[0], [1]]


def test_what_cannot_change_the_answer_keeps_nothing_apart():
    asked = [question("a", system=LONG, user="ann"), question("b", system=LONG, user="ben")]

    assert grouped(asked) == [[0, 1]]


def test_long_tools_are_a_beginning_too():
    tools = [{"type": "function", "function": {"name": "f", "description": LONG}}]

    asked = [question("a", tools=tools), question("b", tools=tools)]

    assert grouped(asked) == [[0, 1]]


def test_what_changes_is_no_part_of_a_beginning_that_is_stated():
    asked = [
        turns(LONG, "a")._replace(static=1),
        turns(LONG, "b")._replace(static=1),
        turns(LONG, "c")._replace(static=0),
    ]

    assert grouped(asked) == [[0, 1], [2]]


def test_without_a_word_of_it_all_leading_instructions_are_the_beginning():
    messages = [
        {"role": "system", "content": LONG},
        {"role": "developer", "content": "more"},
        {"role": "user", "content": "q"},
    ]
    asked = Request("http://127.0.0.1:9/v1", {"model": "m", "messages": messages})

    assert "more" in prefixes.head_of(asked)
    assert '"q"' not in prefixes.head_of(asked)


@pytest.mark.parametrize(
    "messages", [None, "hello", [], [None], ["x", 7], [{}], [{"role": "user"}]]
)
def test_whatever_stands_in_the_place_of_messages_has_no_beginning(messages):
    asked = Request("http://127.0.0.1:9/v1", {"model": "m", "messages": messages})

    assert prefixes.head_of(asked) == ""


@given(st.text(max_size=5), st.text(max_size=5))
def test_the_question_is_no_part_of_what_is_shared(one, other):
    asked = [question(one, system=LONG), question(other, system=LONG)]

    assert grouped(asked) == [[0, 1]]


def test_a_group_says_nothing_of_its_texts():
    assert len(prefixes.group_of(question("a", system=LONG))) == 16
