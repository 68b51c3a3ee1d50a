"""The model that plays OpenAI's cache, held to what OpenAI publishes of it."""

from __future__ import annotations

import pytest
from caching_model import CachingModel
from upstream import Call

LUNA, MINI = "gpt-5.6-luna", "gpt-4.1-mini"
STATIC = ("Write as we do here. " * 400).strip()  # 2,400 tokens of that model
S = 2401  # with that of its role
MARK = {"prompt_cache_breakpoint": {"mode": "explicit"}}
EXPLICIT = {"prompt_cache_options": {"mode": "explicit"}}


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def model(clock):
    server = CachingModel(clock, answer_tokens=0)
    yield server
    server.stop()


def said(*contents):
    roles = ["system", "user", "assistant", "user"]
    return [{"role": r, "content": c} for r, c in zip(roles, contents, strict=False)]


def part(text, **marks):
    return [{"type": "text", "text": text, **marks}]


@pytest.fixture
def ask(model):
    """Ask, and return how many tokens were read and written."""

    def ask(*contents, name=LUNA, **body):
        reply = model.take(Call("", {}, {"model": name, "messages": said(*contents), **body}))
        assert reply.status == 200
        return model.served[-1][2:4]

    return ask


def test_its_tokens_are_as_many_as_these_tests_say(ask, model):
    ask(STATIC, "one")

    assert model.served[0].prompt == S + 2


def test_extending_the_same_message_is_no_hit(ask):
    assert ask(STATIC) == (0, S)
    assert ask(STATIC + " and more") == (0, S + 2)


def test_a_shared_beginning_that_was_not_written_is_not_read(ask):
    assert ask(STATIC, "one") == (0, S + 2)
    assert ask(STATIC, "two") == (0, S + 2)


def test_a_breakpoint_behind_it_is_written_once_and_then_read_to_the_token(ask):
    assert ask(part(STATIC, **MARK), "one", **EXPLICIT) == (0, S)
    assert ask(part(STATIC, **MARK), "two", **EXPLICIT) == (S, 0)


def test_an_explicit_one_beside_the_implicit_one_writes_the_tail_as_well(ask):
    assert ask(part(STATIC, **MARK), "one") == (0, S + 2)
    assert ask(part(STATIC, **MARK), "two") == (S, 2)


def test_explicit_without_a_breakpoint_writes_nothing(ask):
    assert ask(STATIC, "one", **EXPLICIT) == (0, 0)
    assert ask(STATIC, "one", **EXPLICIT) == (0, 0)


def test_a_conversation_reads_what_its_last_turn_wrote(ask):
    ask(STATIC, "one")

    assert ask(STATIC, "one", "yes", "two") == (S + 2, 4)


def test_below_the_minimum_nothing_is_kept(ask):
    short = "Write as we do here. " * 100

    assert ask(short, "one") == (0, 0)
    assert ask(short, "one", name=MINI) == (0, 0)
    assert ask(short, "one", name=MINI) == (0, 0)


@pytest.mark.parametrize(("idle", "read"), [(1799, S), (1800, 0)])
def test_what_was_written_lives_for_half_an_hour(ask, clock, idle, read):
    ask(part(STATIC, **MARK), "one", **EXPLICIT)
    clock.now += idle

    assert ask(part(STATIC, **MARK), "two", **EXPLICIT)[0] == read


def test_reading_lengthens_a_life(ask, clock):
    ask(part(STATIC, **MARK), "one", **EXPLICIT)
    clock.now += 1500
    ask(part(STATIC, **MARK), "two", **EXPLICIT)
    clock.now += 1500

    assert ask(part(STATIC, **MARK), "three", **EXPLICIT)[0] == S


@pytest.mark.parametrize(
    "change",
    [
        {"reasoning_effort": "low"},
        {"verbosity": "low"},
        {"service_tier": "flex"},
        {"response_format": {"type": "json_object"}},
        {"prompt_cache_key": "k"},
        {"tools": [{"type": "function"}]},
    ],
)
def test_other_settings_keep_caches_apart(ask, change):
    ask(part(STATIC, **MARK), "one", **EXPLICIT)

    assert ask(part(STATIC, **MARK), "two", **EXPLICIT, **change)[0] == 0


def test_older_families_find_the_common_beginning_in_steps_of_128(ask):
    assert ask(STATIC, "one", name=MINI) == (0, 0)
    assert ask(STATIC, "two", name=MINI) == (S // 128 * 128, 0)


def test_older_families_read_within_a_message(ask):
    ask("rules", STATIC + " one", name=MINI)

    assert ask("rules", STATIC + " two", name=MINI)[0] == S // 128 * 128


@pytest.mark.parametrize(
    ("messages", "body", "param"),
    [
        (said(STATIC), EXPLICIT, "prompt_cache_options"),
        (said(part(STATIC, **MARK)), {}, "messages[0].content[0].prompt_cache_breakpoint"),
    ],
)
def test_older_families_refuse_what_they_do_not_know(model, messages, body, param):
    reply = model.take(Call("", {}, {"model": MINI, "messages": messages, **body}))

    assert (reply.status, reply.error["error"]["param"]) == (400, param)


def test_one_reuse_pays_for_the_writing(ask, model):
    ask(part(STATIC, **MARK), **EXPLICIT)
    ask(part(STATIC, **MARK), **EXPLICIT)

    assert model.bill / (S * 200) == pytest.approx(1.35)


@pytest.mark.parametrize(("name", "cost"), [(LUNA, S * 250 + 2 * 250), (MINI, S * 400 + 2 * 400)])
def test_the_first_request_costs_what_the_price_list_says(ask, model, name, cost):
    ask(STATIC, "one", name=name)

    assert model.bill == cost
