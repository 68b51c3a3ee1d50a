from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmc import policy
from llmc.types import NEXT_SAMPLE, Answer, Ask, Entry, Request, Rule, Tokens

KEY, OTHER = b"k" * 32, b"o" * 32
CALLS = [{"message": {"content": None, "tool_calls": [{"id": "1"}]}}]


instants = st.floats(min_value=0, max_value=1e10)
spans = st.floats(min_value=0, max_value=1e9)


def question(**body):
    return Request("https://h/v1", {"model": "m", "messages": [], **body})


def answer(text="blue", finish_reason="stop", **changes):
    return Answer(text, finish_reason)._replace(**changes)


def entry(key=OTHER, *, completion=20, **changes):
    made = Entry(
        id=1,
        namespace="default",
        key=key,
        sample=0,
        token_limit=None,
        model="m",
        prompt="q",
        answer="blue",
        choices=None,
        finish_reason="stop",
        served_model=None,
        temperature=None,
        tokens=Tokens(100, completion),
        cost=None,
        latency=None,
        created_at=1000.0,
        expires_at=None,
    )
    return made._replace(**changes)


@pytest.mark.parametrize("body", [{}, {"temperature": 0}, {"temperature": 0.0}, {"n": 1}])
@pytest.mark.parametrize("mode", ["auto", "deterministic", "all"])
def test_a_request_that_asks_for_no_variety_may_be_read(body, mode):
    assert policy.why_not_read(question(**body), Ask(mode=mode)) is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"temperature": 0.7}, "temperature 0.7 asks for variety"),
        ({"temperature": 1}, "temperature 1 asks for variety"),
        ({"temperature": 1e-9}, "temperature 1e-09 asks for variety"),
        ({"n": 2}, "n = 2 asks for variety"),
        ({"temperature": 0, "n": 3}, "n = 3 asks for variety"),
    ],
)
@pytest.mark.parametrize("mode", ["auto", "deterministic"])
def test_a_request_that_asks_for_variety_is_neither_read_nor_written(body, reason, mode):
    request, ask = question(**body), Ask(mode=mode)

    assert policy.why_not_read(request, ask) == reason
    assert policy.why_not_write(request, ask, answer(temperature=0.0)) == reason


@pytest.mark.parametrize("body", [{"temperature": 0.7}, {"n": 2}])
@pytest.mark.parametrize("ask", [Ask(mode="all"), Ask(samples=3)], ids=["all", "samples"])
def test_variety_may_be_kept_where_the_user_says_so(body, ask):
    request = question(**body)

    assert policy.why_not_read(request, ask) is None
    assert policy.why_not_write(request, ask, answer(temperature=0.7)) is None


def test_samples_do_not_loosen_the_strict_rule():
    ask = Ask(mode="deterministic", samples=3)

    reason = policy.why_not_read(question(temperature=0.7), ask)

    assert reason == "temperature 0.7 asks for variety"


@pytest.mark.parametrize("value", [None, 0, 0.0, -0.0])
def test_a_temperature_stated_as_nothing_asks_for_no_variety(value):
    assert policy.why_not_read(question(temperature=value), Ask()) is None


@pytest.mark.parametrize("mode", ["auto", "deterministic", "all"])
def test_no_cache_is_neither_read_nor_written(mode):
    ask = Ask(mode=mode, no_cache=True)

    assert policy.why_not_read(question(), ask) == "--no-cache"
    assert policy.why_not_write(question(), ask, answer(temperature=0.0)) == "--no-cache"


@pytest.mark.parametrize("mode", ["auto", "deterministic", "all"])
def test_a_refresh_is_not_read_but_written(mode):
    ask = Ask(mode=mode, refresh=True)

    assert policy.why_not_read(question(), ask) == "--refresh"
    assert policy.why_not_write(question(), ask, answer(temperature=0.0)) is None


@pytest.mark.parametrize("ttl", [0, 0.0])
def test_a_ttl_of_0_is_not_written(ttl):
    assert policy.why_not_write(question(), Ask(ttl=ttl), answer()) == "a TTL of 0"


@pytest.mark.parametrize("ttl", [None, 0.5, 60.0])
def test_any_other_ttl_is_written(ttl):
    assert policy.why_not_write(question(), Ask(ttl=ttl), answer()) is None


@pytest.mark.parametrize(
    ("temperature", "reason"),
    [
        (0.0, None),
        (None, "cache = deterministic, and the temperature was not 0"),
        (1.0, "cache = deterministic, and the temperature was not 0"),
    ],
)
def test_the_strict_rule_looks_at_the_temperature_that_was_sent(temperature, reason):
    ask = Ask(mode="deterministic")

    assert policy.why_not_write(question(), ask, answer(temperature=temperature)) == reason


UNFINISHED = [
    (answer(finish_reason=None), "the provider gave no finish reason"),
    (answer(finish_reason="length"), "the answer was cut off at its token limit"),
    (answer(finish_reason="content_filter"), "the provider filtered the answer"),
    (answer(finish_reason="error"), "the answer ended with 'error'"),
    (answer(""), "the answer is empty"),
    (answer(" \n\t"), "the answer is empty"),
    (answer(refusal="I cannot"), "the model refused"),
    (answer("", finish_reason="length"), "the answer was cut off at its token limit"),
]


@pytest.mark.parametrize(("said", "reason"), UNFINISHED)
@pytest.mark.parametrize("mode", ["auto", "deterministic", "all"])
def test_an_answer_that_did_not_end_by_itself_is_never_stored(said, reason, mode):
    ask = Ask(mode=mode)

    assert policy.why_not_write(question(), ask, said._replace(temperature=0.0)) == reason


@pytest.mark.parametrize(
    "whole",
    [
        answer(),
        answer("", finish_reason="tool_calls", choices=CALLS),
        # OpenAI ends a call of the function that `tool_choice` names with "stop", vLLM others too.
        answer("", choices=CALLS),
    ],
    ids=["text", "calls", "calls that end with stop"],
)
def test_an_answer_that_ended_by_itself_is_whole(whole):
    assert policy.unfinished(whole) is None
    assert policy.failure(whole) is None


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (answer(refusal="I cannot"), "the model refused: I cannot"),
        (answer("", refusal="I cannot"), "the model refused: I cannot"),
        (answer("half of", finish_reason="length"), None),
        (answer("half of", finish_reason=None), None),
        (answer("", finish_reason="length"), "the answer was cut off at its token limit"),
        (answer("some", finish_reason="content_filter"), "the provider filtered the answer"),
        (answer(" "), "the answer is empty"),
    ],
)
def test_an_answer_fails_where_there_is_nothing_to_show(said, failure):
    assert policy.failure(said) == failure


@given(
    st.sampled_from(["", " ", "text"]),
    st.sampled_from([None, "stop", "length", "content_filter", "tool_calls", "error"]),
    st.sampled_from([None, "no"]),
)
def test_an_answer_that_fails_is_never_whole(text, finish_reason, refusal):
    said = answer(text, finish_reason=finish_reason, refusal=refusal)

    assert policy.unfinished(said) is not None or policy.failure(said) is None


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-4.1",
        "gpt-3.5-turbo",
        "openai/gpt-4o",
        "gpt-oss:20b",
        "llama3.2",
        "qwen3:8b",
        "mistral-large-latest",
        "claude-3-5-sonnet-latest",
        "claude-sonnet-4-5",
        "claude-opus-4-20250514",
        "claude-opus-4-1",
        "deepseek-chat",
        "foo1",
        "",
    ],
)
def test_temperature_0_is_added_where_the_model_takes_one(model):
    assert policy.adds_temperature(question(model=model))


@pytest.mark.parametrize(
    "model",
    [
        "gpt-5",
        "gpt-5-mini",
        "gpt-5.6-luna",
        "gpt-6-luna",
        "GPT-6.1-Sol",
        "openai/gpt-5",
        "o1",
        "o3-mini",
        "o4-mini",
        "openrouter/openai/o3",
        "claude-opus-4-7",
        "claude-sonnet-5",
        "anthropic/claude-haiku-5",
    ],
)
def test_no_temperature_is_added_where_the_model_s_sampling_is_fixed(model):
    assert not policy.adds_temperature(question(model=model))


@pytest.mark.parametrize("value", [0, 0.7, None])
def test_a_stated_temperature_is_left_alone(value):
    assert not policy.adds_temperature(question(model="gpt-4o", temperature=value))


def test_a_life_without_a_ttl_has_no_end():
    assert policy.expires_at(1000.0, None) is None


@given(instants, spans, spans)
def test_expiry_is_monotone(created_at, ttl, more):
    assert policy.expires_at(created_at, ttl) <= policy.expires_at(created_at + more, ttl)
    assert policy.expires_at(created_at, ttl) <= policy.expires_at(created_at, ttl + more)


@pytest.mark.parametrize(
    ("expires_at", "now", "fresh"),
    [
        (None, 1e12, True),
        (1060.0, 1059.9, True),
        (1060.0, 1060.0, False),
        (1060.0, 1060.1, False),
        (0.0, 1000.0, False),
    ],
)
def test_an_entry_is_fresh_until_its_end(expires_at, now, fresh):
    assert policy.is_fresh(entry(expires_at=expires_at), now) is fresh


@pytest.mark.parametrize(
    ("created_at", "expires_at", "fresh"),
    [
        (1000.0 + policy.AHEAD, 9000.0, True),
        (1001.0 + policy.AHEAD, 9000.0, False),
        (1001.0 + policy.AHEAD, None, True),
    ],
)
def test_an_entry_of_the_future_is_not_fresh_if_it_is_to_end(created_at, expires_at, fresh):
    stored = entry(created_at=created_at, expires_at=expires_at)

    assert policy.is_fresh(stored, 1000.0) is fresh


@pytest.mark.parametrize(
    ("expires_at", "now", "allowed", "may"),
    [
        (1060.0, 1050.0, None, False),
        (1060.0, 1050.0, 0.0, True),
        (1060.0, 1060.0, 0.0, False),
        (1060.0, 1069.9, 10.0, True),
        (1060.0, 1070.0, 10.0, False),
        (None, 1e12, 10.0, True),
        (None, 1e12, None, False),
    ],
)
def test_an_entry_may_stand_in_for_so_long_after_its_end(expires_at, now, allowed, may):
    assert policy.may_stand_in(entry(expires_at=expires_at), now, allowed) is may


@given(st.none() | instants, instants, spans, spans)
def test_a_longer_allowance_never_lets_fewer_entries_stand_in(expires_at, now, allowed, more):
    stored = entry(expires_at=expires_at)

    shorter = policy.may_stand_in(stored, now, allowed)
    longer = policy.may_stand_in(stored, now, allowed + more)

    assert policy.is_fresh(stored, now) <= shorter <= longer


def best(*entries, limit=None, mode="auto"):
    return policy.best(entries, key=KEY, limit=limit, mode=mode)


def test_nothing_serves_where_nothing_is():
    assert best() is None


def test_the_request_s_own_entry_comes_first():
    own = entry(KEY, created_at=1.0)
    newer = entry(created_at=2.0)

    assert best(newer, own) == own


def test_among_others_the_newest_serves():
    old, new = entry(id=1, created_at=1.0), entry(id=2, created_at=2.0)

    assert best(new, old) == new
    assert best(old, new) == new


def test_of_two_stored_at_once_the_later_serves():
    first, second = entry(id=1), entry(id=2)

    assert best(second, first) == second


@pytest.mark.parametrize("limit", [None, 100, 101])
def test_a_finished_answer_serves_any_larger_or_absent_limit(limit):
    stored = entry(token_limit=100, completion=None)

    assert best(stored, limit=limit) == stored


@pytest.mark.parametrize("limit", [20, 21, 99])
def test_a_finished_answer_serves_a_smaller_limit_that_it_fits_in(limit):
    stored = entry(token_limit=100, completion=20)

    assert best(stored, limit=limit) == stored


@pytest.mark.parametrize("token_limit", [None, 100])
@pytest.mark.parametrize("completion", [None, 20])
def test_an_answer_that_the_limit_would_have_cut_does_not_serve(token_limit, completion):
    assert best(entry(token_limit=token_limit, completion=completion), limit=19) is None


@pytest.mark.parametrize("reason", ["tool_calls", "length", ""])
def test_an_answer_that_did_not_stop_by_itself_serves_no_other_limit(reason):
    assert best(entry(finish_reason=reason), limit=1000) is None


def test_an_own_answer_of_tool_calls_serves():
    own = entry(KEY, finish_reason="tool_calls")

    assert best(own) == own


@pytest.mark.parametrize("key", [KEY, OTHER], ids=["own", "other"])
@pytest.mark.parametrize("temperature", [None, 1.0])
def test_the_strict_rule_serves_only_what_was_sampled_at_0(key, temperature):
    stored = entry(key, temperature=temperature)

    assert best(stored, mode="deterministic") is None


def test_the_strict_rule_passes_over_an_own_answer_that_was_sampled():
    sampled, strict = entry(KEY, temperature=None), entry(temperature=0.0)

    assert best(sampled, strict, mode="deterministic") == strict


def test_entries_may_come_as_they_are_read():
    stored = entry()

    assert policy.best(iter([stored]), key=KEY, limit=None, mode="auto") == stored


# -- time rules ----------------------------------------------------------------------------------

HOUR = Rule("price", ttl=3600.0, id=3)
HERE = HOUR._replace(namespace="default")
NEVER = Rule("price", ttl=0.0, id=4)

time_rules = st.builds(
    Rule,
    pattern=st.sampled_from(["a", "b", "c"]),
    field=st.just("prompt"),
    namespace=st.sampled_from([None, "default", "work"]),
    ttl=st.just(0.0) | spans,
    event=st.none(),
)


def found(rule, text):
    return rule.pattern in text


@pytest.mark.parametrize(
    ("own", "rules", "expected"),
    [
        (None, [], policy.Life(None)),
        (None, [HOUR], policy.Life(4600.0, HOUR)),
        (5000.0, [HOUR], policy.Life(4600.0, HOUR)),
        (4000.0, [HOUR], policy.Life(4000.0)),
        (4600.0, [HOUR], policy.Life(4600.0, HOUR)),
        (None, [NEVER], policy.Life(-math.inf, NEVER)),
        (None, [HOUR, NEVER], policy.Life(-math.inf, NEVER)),
        (None, [NEVER, HOUR], policy.Life(-math.inf, NEVER)),
        (None, [HOUR._replace(pattern="other")], policy.Life(None)),
        (None, [HOUR._replace(namespace="work")], policy.Life(None)),
        (None, [HERE], policy.Life(4600.0, HERE)),
        (None, [Rule("price", event="deploy")], policy.Life(None)),
    ],
)  # fmt: skip
def test_the_shortest_life_counts_and_names_its_rule(own, rules, expected):
    assert policy.life(entry(prompt="the price", expires_at=own), rules, found) == expected


def test_a_rule_that_cannot_shorten_a_life_is_not_tried():
    def fails(rule, text):
        raise AssertionError(rule)

    life = policy.life(
        entry(expires_at=1060.0), [HOUR, Rule("x", namespace="work", ttl=1.0)], fails
    )

    assert life == policy.Life(1060.0)


@given(st.none() | instants, instants, st.lists(time_rules, max_size=5), time_rules)
def test_another_rule_never_lengthens_a_life(own, created_at, rules, another):
    kept = entry(prompt="ab", created_at=created_at, expires_at=own)

    before = policy.life(kept, rules, found).expires_at
    after = policy.life(kept, [*rules, another], found).expires_at

    assert (math.inf if after is None else after) <= (math.inf if before is None else before)


@given(st.none() | instants, instants, st.lists(time_rules, max_size=5))
def test_the_order_of_rules_does_not_change_an_end(own, created_at, rules):
    kept = entry(prompt="ab", created_at=created_at, expires_at=own)

    ends = [policy.life(kept, each, found).expires_at for each in (rules, rules[::-1])]

    assert ends[0] == ends[1]


@given(st.none() | instants, instants, st.lists(time_rules, max_size=5))
def test_a_shortened_entry_has_the_same_end_and_names_a_rule(own, created_at, rules):
    kept = entry(prompt="ab", created_at=created_at, expires_at=own)
    life = policy.life(kept, rules, found)

    again = policy.life(kept._replace(expires_at=life.expires_at), rules, found)

    assert (again.expires_at, again.rule is None) == (life.expires_at, life.rule is None)


@given(instants, spans)
def test_what_is_not_to_be_kept_is_never_fresh_nor_a_stand_in(now, stale):
    life = policy.life(entry(prompt="the price"), [NEVER], found)
    kept = entry(expires_at=life.expires_at)

    assert not policy.is_fresh(kept, now)
    assert not policy.may_stand_in(kept, now, stale)


@pytest.mark.parametrize(
    ("life", "kept", "ended"),
    [
        (policy.Life(None), None, "it has expired"),
        (policy.Life(1.0, HOUR), None, "rule 3 (prompt ~ /price/): 1 h"),
        (policy.Life(-math.inf, NEVER), "rule 4 (prompt ~ /price/): not kept",
         "rule 4 (prompt ~ /price/): not kept"),
    ],
)  # fmt: skip
def test_a_reason_names_its_rule(life, kept, ended):
    assert (policy.why_not_kept(life), policy.why_ended(life, 1e12)) == (kept, ended)


def test_a_reason_tells_what_is_of_the_future():
    reason = policy.why_ended(policy.Life(5000.0, HOUR), 1000.0)

    assert reason == "it was stored in the future: was the clock set back?"


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (Rule("a\nb", "answer", "work", ttl=5400.0, id=1),
         "rule 1 (answer ~ /a b/ in work): 1 h 30 min"),
        (Rule("{path}", event="file_changed", id=2),
         "rule 2 (prompt ~ /{path}/): on file_changed"),
        (Rule("x" * 99, ttl=60.0, id=3), f"rule 3 (prompt ~ /{'x' * 59}…/): 1 min"),
    ],
)  # fmt: skip
def test_a_rule_is_told_on_one_line(rule, line):
    assert policy.told(rule) == line


@pytest.mark.parametrize(
    ("ask", "ended", "number"),
    [
        (Ask(), [1], 0),
        (Ask(samples=3), [], NEXT_SAMPLE),
        (Ask(samples=3), [2], 2),
        (Ask(samples=3, sample=3), [2], 3),
        (Ask(samples=3, refresh=True), [2], 1),
    ],
)
def test_a_sample_takes_the_place_of_one_that_has_ended(ask, ended, number):
    known = [entry(sample=n, expires_at=5.0 if n in ended else None) for n in (1, 2, 3)]

    assert policy.sample_for(ask, known, 10.0, draw=lambda _: 0) == number
