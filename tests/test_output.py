from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmc import output, streams
from llmc.types import Entry, Hit, Line, Price, Tokens

NOW = 1000.0 + 3 * 86400
PRICE = Price(4_100_000)
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def entry(**changes):
    made = Entry(
        id=7,
        namespace="default",
        key=bytes.fromhex("0123456789abcdef" * 4),
        sample=0,
        token_limit=None,
        model="m",
        prompt="which colour?",
        answer="blue",
        choices=None,
        finish_reason="stop",
        served_model="m-1",
        temperature=0.0,
        tokens=Tokens(1100, 20, 1024),
        cost=4_100_000,
        latency=1.9,
        created_at=1000.0,
        expires_at=None,
    )
    return made._replace(**changes)


def choice(content=None, **message):
    return {"index": 0, "message": {"role": "assistant", "content": content, **message}}


def hit(source="exact", *, level=2, line=None, **changes):
    return Hit(entry(**changes), source, level=level, latency=0.0166, line=line)


def asked(*, price=PRICE, unkept=None, **changes):
    usage = {"prompt_tokens": 1100, "completion_tokens": 20}
    return Hit(
        entry(created_at=NOW, **changes), "model", usage=usage, price=price, latency=1.9,
        unkept=unkept,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "block"),
    [
        pytest.param("no block\n", "no block\n", id="none"),
        pytest.param("", "", id="empty"),
        pytest.param("```\ncode\n```\n", "code\n", id="bare"),
        pytest.param("before\n```python\ncode\n```\nafter\n", "code\n", id="with a language"),
        pytest.param("~~~ sh\ncode\n~~~\n", "code\n", id="tildes"),
        pytest.param("```\none\n```\n```\ntwo\n```\n", "one\n", id="the first of two"),
        pytest.param("```\na\n\nb\n```", "a\n\nb\n", id="blank lines, no newline at the end"),
        pytest.param("```\r\na\r\n```\r\n", "a\r\n", id="CRLF"),
        pytest.param("````\n```\ncode\n```\n````\n", "```\ncode\n```\n", id="longer fence"),
        pytest.param("```\ncode\n`````\n", "code\n", id="longer end"),
        pytest.param("```\n~~~\n```\n", "~~~\n", id="other fence inside"),
        pytest.param("```md\n```python\n```\n", "```python\n", id="no end with a language"),
        pytest.param("```\n```\n", "", id="nothing inside"),
        pytest.param("```\nnever ends\n", "```\nnever ends\n", id="no end"),
        pytest.param("say `code` and ``more``\n", "say `code` and ``more``\n", id="code in a line"),
        pytest.param(
            "```ls``` lists:\n```sh\nls -l\n```\n", "ls -l\n", id="code in a line, three marks"
        ),
        pytest.param(
            "1. so:\n   ```py\n   if a:\n       b\n   ```\n", "if a:\n    b\n", id="indented"
        ),
        pytest.param("   ```\n x\n   y\n   ```\n", "x\ny\n", id="indented less than its fence"),
    ],
)
def test_the_first_fenced_block_is_extracted(said, block):
    assert output.extract(said) == block


@given(st.text("abc `~\n\t").filter(lambda code: "```" not in code))
def test_whatever_was_fenced_is_extracted_as_it_was(code):
    code = code if code.endswith("\n") else f"{code}\n"

    assert output.extract(f"Here:\n```python\n{code}```\nDone.") == code


@given(st.text("abc `~\n\t"))
def test_what_is_extracted_was_said(said):
    extracted = output.extract(said)

    assert "".join(extracted.split()) in "".join(said.split())


@pytest.mark.parametrize("choices", [None, [], [choice("blue")]])
def test_an_answer_of_text_is_its_text(choices):
    assert output.answer_text(entry(choices=choices)) == "blue"


def test_an_answer_of_tool_calls_is_shown_as_json():
    calls = [choice(tool_calls=[CALL])]

    shown = output.answer_text(entry(answer="", choices=calls))

    assert json.loads(shown) == [CALL]


def test_the_tool_calls_of_several_choices_stand_side_by_side():
    calls = [choice(tool_calls=[CALL]), choice(tool_calls=[CALL, CALL])]

    shown = output.answer_text(entry(answer="", choices=calls))

    assert json.loads(shown) == [[CALL], [CALL, CALL]]


def test_an_answer_without_text_or_calls_is_empty():
    assert output.answer_text(entry(answer="", choices=[choice(""), choice("")])) == ""


def test_of_several_choices_only_those_with_calls_are_shown():
    calls = [choice(""), choice(tool_calls=[CALL])]

    assert json.loads(output.answer_text(entry(answer="", choices=calls))) == [CALL]


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (hit(), "exact hit, 3 d old, saved $0.0041"),
        (hit("memory", level=1), "memory hit, 3 d old, saved $0.0041"),
        (hit(cost=0), "exact hit, 3 d old, saved 1.9 s"),
        (hit(cost=None), "exact hit, 3 d old, saved 1.9 s (price unknown)"),
        (hit(cost=None, latency=None), "exact hit, 3 d old"),
        (hit("stale"), "stale answer, 3 d old"),
        (hit("stale", expires_at=NOW - 7200), "stale answer, 3 d old, expired 2 h ago"),
        (asked(), "asked m, 1.9 s, cost $0.0041"),
        (asked(price=Price(0)), "asked m, 1.9 s, cost $0"),
        (asked(price=Price(None)), "asked m, 1.9 s, price unknown"),
        (asked(price=None), "asked m, 1.9 s, price unknown"),
        (
            asked(unkept="the answer is empty"),
            "asked m, 1.9 s, cost $0.0041; not stored: the answer is empty",
        ),
        (
            asked(unkept="cache file x: it is read-only"),
            "asked m, 1.9 s, cost $0.0041; not stored",
        ),
    ],
)
def test_one_line_says_where_an_answer_came_from(found, line):
    assert output.answered(found, now=NOW, verbose=False) == line


OF_ALL = "of 1,100 prompt tokens cached by the provider"
WHERE = "key 0123456789ab, namespace default"


@pytest.mark.parametrize(
    ("found", "more"),
    [
        (hit(), "exact hit, 3 d old, saved $0.0041; entry 7"),
        (
            asked(),
            f"asked m, 1.9 s, cost $0.0041, 1,024 {OF_ALL}; entry 7",
        ),
        (
            asked(tokens=Tokens(1100, 20, 0)),
            f"asked m, 1.9 s, cost $0.0041, 0 {OF_ALL}; entry 7",
        ),
        (asked(tokens=Tokens(1100, 20)), "asked m, 1.9 s, cost $0.0041; entry 7"),
        (asked(tokens=Tokens()), "asked m, 1.9 s, cost $0.0041; entry 7"),
        (
            asked(tokens=Tokens(), id=None, unkept="--no-cache"),
            "asked m, 1.9 s, cost $0.0041; not stored: --no-cache",
        ),
    ],
    ids=["hit", "cached", "none cached", "cached or not", "not counted", "not stored"],
)
def test_a_verbose_line_says_each_thing_once(found, more):
    line = output.answered(found, now=NOW, verbose=True)

    assert line.partition(WHERE)[0].rstrip(",; ") == more
    assert line.endswith(WHERE)


def test_a_hit_as_json_costs_nothing_and_says_what_it_saved():
    found = hit(expires_at=2000.0)

    assert output.as_json(found, answer="blue", now=NOW) == {
        "answer": "blue",
        "source": "exact",
        "level": 2,
        "id": 7,
        "similarity": None,
        "matched_prompt": None,
        "model": "m",
        "namespace": "default",
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        "cost_usd": 0,
        "saved_usd": 0.0041,
        "latency_ms": 16.6,
        "age_s": 259200.0,
        "created_at": 1000.0,
        "expires_at": 2000.0,
        "finish_reason": "stop",
    }


def test_a_new_answer_as_json_has_its_cost_and_saved_nothing():
    found = asked()

    assert output.as_json(found, answer="blue", now=NOW + 1) == {
        "answer": "blue",
        "source": "model",
        "level": None,
        "id": 7,
        "similarity": None,
        "matched_prompt": None,
        "model": "m",
        "namespace": "default",
        "usage": {"prompt_tokens": 1100, "completion_tokens": 20},
        "cost_usd": 0.0041,
        "saved_usd": 0,
        "latency_ms": 1900.0,
        "age_s": 0,
        "created_at": NOW,
        "expires_at": None,
        "finish_reason": "stop",
    }


@pytest.mark.parametrize(
    ("found", "cost", "saved"),
    [
        (hit(), 0, 0.0041),
        (hit(cost=None), 0, None),
        (hit(cost=0), 0, 0),
        (hit("stale", line=Line(NOW, "stale", "d", "m", 0.1, avoided_nusd=0)), 0, 0),
        (asked(), 0.0041, 0),
        (asked(price=Price(0)), 0, 0),
        (asked(price=Price(None)), None, 0),
        (asked(price=None), None, 0),
    ],
)
def test_an_unknown_price_is_null_in_json_and_never_0(found, cost, saved):
    shown = output.as_json(found, answer="blue", now=NOW)

    assert (shown["cost_usd"], shown["saved_usd"]) == (cost, saved)


def test_an_answer_that_never_ended_has_no_finish_reason():
    shown = output.as_json(asked(finish_reason=""), answer="half of", now=NOW)

    assert shown["finish_reason"] is None


def test_a_clock_that_was_set_back_makes_no_negative_age():
    assert output.as_json(hit(), answer="blue", now=0.0)["age_s"] == 0


def test_the_answer_in_json_is_the_one_that_is_printed():
    assert output.as_json(hit(), answer="its block", now=NOW)["answer"] == "its block"


def test_the_free_usage_of_one_hit_is_not_that_of_the_next():
    output.as_json(hit(), answer="blue", now=NOW)["usage"]["prompt_tokens"] = 99

    assert output.as_json(hit(), answer="blue", now=NOW)["usage"]["prompt_tokens"] == 0


@pytest.mark.parametrize(
    ("limit", "as_json", "terminal", "count"),
    [
        (None, False, True, 20),
        (None, False, False, None),
        (None, True, True, None),
        (5, False, True, 5),
        (50, False, True, 50),
        (0, False, True, 0),
        (5, True, False, 5),
    ],
)
def test_only_a_terminal_gets_a_limit_that_nobody_asked_for(
    limit, as_json, terminal, count, monkeypatch
):
    monkeypatch.setattr(streams, "is_terminal", lambda descriptor: terminal and descriptor == 1)

    assert output.limit_of(limit, json=as_json) == count
