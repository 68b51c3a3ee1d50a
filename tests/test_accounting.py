"""Where the accounts of a provider's own cache have gone wrong elsewhere, and two families by hand.

Each case is a usage as a provider reports it, and what that call costs by the published prices.
"""

from __future__ import annotations

import datetime as dt
import json

import pytest
from upstream import Reply

from llmc import pricing
from llmc.types import Tokens

#: A day whose prices were checked by hand.
DAY = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
OPENAI = "https://api.openai.com/v1"
ANTHROPIC = "https://api.anthropic.com/v1"
GOOGLE = "https://generativelanguage.googleapis.com/v1beta/openai"
DEEPSEEK = "https://api.deepseek.com/v1"


def price(model, base_url, usage):
    return pricing.price(model, base_url, pricing.tokens_of(usage), at=DAY)


def dollars(model, base_url, usage):
    return price(model, base_url, usage).cost / 1e9


def chat(prompt, completion, **details):
    """A usage in OpenAI's form, where the prompt includes what was read and written."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": details,
    }


# -- two families, by hand -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usage", "cost", "discount", "premium"),
    [
        # gpt-5.6-luna, per million: 0.20 in, 1.20 out, 0.02 read, 0.25 written
        pytest.param(chat(3000, 200), 840_000, 0, 0, id="neither"),
        pytest.param(chat(3000, 200, cached_tokens=2500), 390_000, 450_000, 0, id="read"),
        pytest.param(chat(3000, 200, cache_write_tokens=3000), 990_000, 0, 150_000, id="written"),
        pytest.param(
            chat(3000, 200, cached_tokens=2000, cache_write_tokens=900),
            # 100 · 200 + 2000 · 20 + 900 · 250 + 200 · 1200
            525_000,
            360_000,
            45_000,
            id="both",
        ),
        pytest.param(chat(3000, 0, cached_tokens=3000), 60_000, 540_000, 0, id="all of it read"),
    ],
)
def test_a_family_that_charges_for_writing_agrees_with_the_hand(usage, cost, discount, premium):
    assert price("gpt-5.6-luna", OPENAI, usage)[2:] == (discount, premium)
    assert price("gpt-5.6-luna", OPENAI, usage).cost == cost


@pytest.mark.parametrize(
    ("usage", "cost", "discount"),
    [
        # gpt-4.1-mini, per million: 0.40 in, 1.60 out, 0.10 read, writing free
        pytest.param(chat(3000, 200), 1_520_000, 0, id="neither"),
        pytest.param(chat(3000, 200, cached_tokens=2560), 752_000, 768_000, id="read"),
        pytest.param(chat(3000, 200, cache_write_tokens=2560), 1_520_000, 0, id="written"),
        pytest.param(chat(3000, 0, cached_tokens=3000), 300_000, 900_000, id="all of it read"),
    ],
)
def test_a_family_that_does_not_agrees_with_the_hand(usage, cost, discount):
    assert price("gpt-4.1-mini", OPENAI, usage)[2:] == (discount, 0)
    assert price("gpt-4.1-mini", OPENAI, usage).cost == cost


@pytest.mark.parametrize(
    ("model", "read"), [("gpt-6.1-sol", 0.05), ("gpt-6-sol", 0.1), ("gpt-5.4", 0.1)]
)
def test_reading_costs_the_family_s_own_share(model, read):
    plain, cached = chat(1000, 0), chat(1000, 0, cached_tokens=1000)

    assert dollars(model, OPENAI, cached) == pytest.approx(read * dollars(model, OPENAI, plain))


# -- what went wrong elsewhere -------------------------------------------------------------------


def test_cached_tokens_are_not_billed_once_more_at_the_full_price():
    usage = chat(1_000_000, 1000, cached_tokens=900_000)

    # gemini-2.5-flash: 100,000 · 0.30 + 900,000 · 0.03 + 1,000 · 2.50 per million
    assert dollars("gemini-2.5-flash", GOOGLE, usage) == pytest.approx(0.0595)


def test_what_was_read_is_taken_off_the_prompt_once():
    # gpt-4.1: 2.00 in, 0.50 read, 8.00 out
    usage = chat(2000, 100, cached_tokens=1920)

    assert dollars("gpt-4.1", OPENAI, usage) == pytest.approx(80 * 2e-6 + 1920 * 0.5e-6 + 0.0008)


def test_a_fully_cached_prompt_costs_a_tenth_not_eleven_tenths():
    # claude-sonnet-4-5: 3.00 in, 0.30 read; its native input_tokens leave the read ones out
    usage = {"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 100_000}

    assert dollars("claude-sonnet-4-5", ANTHROPIC, usage) == pytest.approx(0.03)


def test_counts_that_stand_beside_the_input_are_not_free():
    usage = {
        "input_tokens": 50,
        "output_tokens": 100,
        "cache_read_input_tokens": 20_000,
        "cache_creation_input_tokens": 4000,
    }

    # 50 · 3 + 20,000 · 0.30 + 4,000 · 3.75 + 100 · 15 per million
    assert dollars("claude-sonnet-4-5", ANTHROPIC, usage) == pytest.approx(0.02265)


@pytest.mark.parametrize(
    ("prompt", "total"),
    [
        pytest.param(24_050, 24_150, id="inside"),
        pytest.param(50, 24_150, id="beside: the total tells"),
    ],
)
def test_a_gateway_s_own_mixture_is_told_by_its_total(prompt, total):
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": 100,
        "total_tokens": total,
        "cache_read_input_tokens": 20_000,
        "cache_creation_input_tokens": 4000,
    }

    assert pricing.tokens_of(usage) == Tokens(24_050, 100, 20_000, 4000)


def test_what_is_said_in_two_dialects_at_once_is_counted_once():
    usage = chat(1000, 500, cached_tokens=400) | {
        "prompt_cache_hit_tokens": 400,
        "prompt_cache_miss_tokens": 600,
        "cache_read_input_tokens": 400,
        "cache_creation_input_tokens": 0,
        "cached_tokens": 400,
    }

    assert pricing.tokens_of(usage) == Tokens(1000, 500, 400, 0)


def test_a_price_is_never_taken_from_a_count():
    # deepseek-v4-flash: 0.15 in, 0.003 read, 0.60 out
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "prompt_cache_hit_tokens": 900,
        "prompt_cache_miss_tokens": 100,
    }

    assert price("deepseek-v4-flash", DEEPSEEK, usage).cost == 15_000 + 2_700 + 60_000


def test_the_premium_of_writing_is_part_of_the_bill():
    usage = chat(4000, 0, cache_write_tokens=4000)

    assert dollars("gpt-6-luna", OPENAI, usage) == pytest.approx(4000 * 0.125e-6)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        pytest.param(
            {"prompt_tokens": 9, "completion_tokens": 1, "cached_content_token_count": 8},
            Tokens(9, 1, 8),
            id="Gemini",
        ),
        pytest.param(
            chat(9, 1, cached_tokens=4) | {"cache_write_tokens": 5},
            Tokens(9, 1, 4, 5),
            id="Moonshot",
        ),
    ],
)
def test_rare_dialects_are_known(usage, tokens):
    assert pricing.tokens_of(usage) == tokens


def test_a_count_that_nobody_reports_is_unknown_which_is_not_0():
    assert pricing.tokens_of({"prompt_tokens": 9, "completion_tokens": 1}).cached is None


# -- and in the accounts of a file ---------------------------------------------------------------


@pytest.fixture
def told(cli, upstream, home):
    """The figures of `stats` after one call with reads and writes, and two hits on it."""
    configuration = home / ".config" / "llmc" / "config.toml"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(
        '[prices."*"]\ninput = 10\noutput = 20\ncached_input = 1\ncache_write = 12.5\n'
    )
    upstream.will(Reply(usage=chat(1000, 10, cached_tokens=600, cache_write_tokens=200)))
    for _ in range(3):
        cli("ask", "--no-stdin", "--match", "exact", "q")
    return json.loads(cli("stats", "--json").out)


def test_discount_and_premium_stand_beside_the_local_savings(told):
    assert told["provider_cached_tokens"] == 600
    assert told["provider_written_tokens"] == 200
    assert told["provider_discount_usd"] == pytest.approx(600 * 9e-6)
    assert told["provider_premium_usd"] == pytest.approx(200 * 2.5e-6)


def test_a_hit_is_neither_spending_nor_a_discount(told):
    # 200 fresh, 600 read, 200 written, 10 answered
    cost = (200 * 10 + 600 * 1 + 200 * 12.5 + 10 * 20) / 1e6

    assert told["requests"] == 3
    assert told["spent_usd"] == pytest.approx(cost)
    assert told["prompt_tokens"] == 1000


def test_what_was_avoided_is_what_was_paid_discount_and_premium_included(told):
    assert told["avoided_usd"] == pytest.approx(2 * told["spent_usd"])
    assert told["net_usd"] == told["avoided_usd"]


def test_both_are_columns_of_a_table(cli, told):
    name, row = (line.split("\t") for line in cli("stats", "--by", "model").out.splitlines())
    shown = cli("stats", "--by", "model", "--color", "never", terminal=True).out

    assert name[-2:] == ["provider_discount_usd", "provider_premium_usd"]
    assert row[-2:] == ["0.005400000", "0.000500000"]
    assert "discount" in shown
    assert "premium" in shown


def test_a_terminal_is_told_of_both(cli, told):
    shown = cli("stats", "--color", "never", terminal=True).out

    assert "provider's discount  $0.0054 (600 cached tokens)" in shown
    assert "provider's premium   $0.00050 (200 written tokens)" in shown
