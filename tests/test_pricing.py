from __future__ import annotations

import datetime as dt
import re
from urllib.parse import urlsplit

import pytest
from genai_prices.data import providers as price_lists
from hypothesis import given
from hypothesis import strategies as st

from llmc import pricing
from llmc.endpoints import PROVIDERS
from llmc.pricing import Rate
from llmc.types import Price, Tokens

OPENAI = "https://api.openai.com/v1"
#: A day whose prices were checked by hand: the package may learn newer ones.
DAY = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
UNKNOWN = Price(None)
CALL = Tokens(1000, 500)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=3,
)
DETAILS = ["cached_tokens", "cache_write_tokens", "cache_creation_tokens"]
COUNTS = [
    "prompt_tokens",
    "completion_tokens",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "prompt_cache_hit_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
]
counts = st.integers(min_value=-5, max_value=5000) | json_values
details = st.dictionaries(st.sampled_from(DETAILS), counts) | json_values
usages = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(COUNTS, counts),
        "prompt_tokens_details": details,
        "input_tokens_details": details,
    },
)


def cost(model, tokens, *, base_url=OPENAI, at=DAY, **changes):
    """What a call cost, in dollars."""
    nusd = pricing.price(model, base_url, tokens, at=at, **changes).cost
    return None if nusd is None else nusd / 1e9


@pytest.mark.parametrize(
    ("model", "tokens", "dollars"),
    [
        ("gpt-4o", Tokens(1000, 500), 0.0075),  # 1000 · 2.50 + 500 · 10.00
        ("gpt-4o", Tokens(1000, 500, cached=400), 0.0070),  # 400 of them · 1.25
        ("gpt-4o", Tokens(1000, 500, written=400), 0.0075),  # writing is free
        ("GPT-4o", Tokens(1000, 500, cached=400), 0.0070),
        ("gpt-4o-2024-05-13", Tokens(1000, 500, cached=400), 0.0125),  # no discount then
        ("gpt-4o-mini", Tokens(1000, 500, cached=400), 0.000420),
        ("gpt-5", Tokens(1000, 500, cached=400), 0.0058),
        ("gpt-5.6-sol", Tokens(1000, 500), 0.0140),  # 1000 · 4 + 500 · 20
        ("gpt-5.6-sol", Tokens(1000, 500, cached=400), 0.01256),  # 400 of them · 0.4
        ("gpt-5.6-sol", Tokens(1000, 500, written=400), 0.0144),  # 400 of them · 5
        ("gpt-5.6-sol", Tokens(1000, 500, cached=400, written=400), 0.01296),
        ("gpt-4o", Tokens(0, 0), 0.0),
    ],
)
def test_prices_agree_with_those_worked_out_by_hand(model, tokens, dollars):
    assert cost(model, tokens) == dollars


@pytest.mark.parametrize(
    ("tokens", "discount", "premium"),
    [
        (Tokens(1000, 500), 0, 0),
        (Tokens(1000, 500, cached=400), 1_440_000, 0),  # 400 · (4 - 0.4)
        (Tokens(1000, 500, written=400), 0, 400_000),  # 400 · (5 - 4)
        (Tokens(1000, 500, cached=400, written=400), 1_440_000, 400_000),
    ],
)
def test_the_discount_is_what_reading_took_off_the_premium_what_writing_cost(
    tokens, discount, premium
):
    price = pricing.price("gpt-5.6-sol", OPENAI, tokens, at=DAY)

    assert (price.discount, price.premium) == (discount, premium)


def test_a_call_is_priced_as_of_its_day():
    then = dt.datetime(2025, 5, 1, tzinfo=dt.UTC)
    tokens = Tokens(1000, 500, cached=400)

    assert cost("o3", tokens, at=then) == 0.0262
    assert cost("o3", tokens) == 0.0054


def test_a_price_says_who_says_so():
    source = pricing.price("gpt-4o", OPENAI, CALL, at=DAY).source

    assert source.startswith("genai-prices ")
    assert source.endswith(":openai/gpt-4o")


@pytest.mark.parametrize(
    ("base_url", "source"),
    [
        ("https://api.openai.com/v1", "openai/gpt-4o"),
        ("https://API.OPENAI.COM/v1", "openai/gpt-4o"),
        ("http://api.openai.com:8080/v1", "openai/gpt-4o"),
        ("https://eu.api.openai.com/v1", "openai/gpt-4o"),
        ("https://me.openai.azure.com/openai/v1", "azure/gpt-4o"),
        ("https://me.services.ai.azure.com/openai/v1", "azure/gpt-4o"),
    ],
)
def test_a_host_that_is_the_provider_s_own_has_its_prices(base_url, source):
    assert pricing.price("gpt-4o", base_url, CALL, at=DAY).source.endswith(f":{source}")


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.openai.com.evil.example/v1",
        "https://api.openai.com@evil.example/v1",
        "https://evil.example/api.openai.com/v1",
        "https://evil.example/?api.openai.com",
        "https://notapi.openai.com/v1",
        "https://openai.com/v1",
        "https://eu.api.openai.com.evil.example/v1",
        "https://me.openai.azure.com.evil.example/v1",
        "https://gateway.example/v1",
        "https://8.8.8.8/v1",
        "",
    ],
)
def test_a_host_that_nobody_knows_has_no_price(base_url):
    assert pricing.price("gpt-4o", base_url, CALL, at=DAY) == UNKNOWN


@pytest.mark.parametrize("model", ["", "gpt-99", "deepseek-r1:8b", "llama3", "openai/gpt-4o"])
def test_a_model_that_nobody_knows_has_no_price_which_is_not_0(model):
    assert pricing.price(model, OPENAI, CALL, at=DAY) == UNKNOWN


@pytest.mark.parametrize("tokens", [Tokens(), Tokens(prompt=1000), Tokens(completion=500)])
def test_a_call_that_was_not_counted_has_no_price(tokens):
    assert pricing.price("gpt-4o", OPENAI, tokens, at=DAY) == UNKNOWN


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "127.1.2.3",
        "[::1]",
        "10.0.0.5",
        "172.16.0.5",
        "192.168.1.5",
        "169.254.1.5",
        "[fe80::1]",
        "[fd00::1]",
        "0.0.0.0",
        "gpu",
        "gpu.local",
        "gpu.lan",
        "llm.localhost",
        "host.docker.internal",
        "GPU.LOCAL",
    ],
)
def test_a_model_on_one_s_own_network_costs_nothing(host):
    price = pricing.price("deepseek-r1:8b", f"http://{host}:11434/v1", CALL)

    assert price == Price(0, "local", 0, 0)


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "[2001:4860:4860::8888]",
        "172.32.0.1",
        "api.openai.com",
        "localhost.example",
        "127.0.0.1.nip.io",
        "10.0.0.5.example",
        "local.example",
        "gpu.notlocal",
    ],
)
def test_an_address_on_the_internet_is_not_local(host):
    assert not pricing.is_local(host.strip("[]"))


def test_a_local_call_that_was_not_counted_costs_nothing_all_the_same():
    assert pricing.price("llama3", "http://localhost:11434/v1", Tokens()) == Price(0, "local", 0, 0)


@pytest.mark.parametrize(
    "provider", sorted({*pricing._HOSTS.values(), *pricing._SUFFIXES.values()})
)
def test_every_provider_that_we_name_has_a_price_list(provider):
    assert provider in {known.id for known in price_lists}


@pytest.mark.parametrize(("host", "provider"), pricing._HOSTS.items())
def test_every_host_that_we_name_is_one_of_its_provider(host, provider):
    patterns = {known.id: known.api_pattern for known in price_lists}

    assert re.match(patterns[provider], f"https://{host}/v1")


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_every_provider_that_needs_no_configuration_is_local_or_has_prices(name):
    host = urlsplit(PROVIDERS[name].base_url).hostname

    assert pricing.is_local(host) or host in pricing._HOSTS


def test_the_model_that_really_answered_is_priced():
    assert cost("openrouter/auto", CALL, served="gpt-4o") == 0.0075
    assert cost("gpt-4o", Tokens(1000, 500, cached=400), served="gpt-4o-2024-05-13") == 0.0125


def test_a_newer_snapshot_of_what_was_asked_for_is_priced_as_that():
    assert cost("gpt-4o", CALL, served="gpt-4o-2099-01-01") == 0.0075


@pytest.mark.parametrize("served", ["fallback-7b", "gpt-4o-ultra", "x-gpt-4o-2099-01-01"])
def test_another_model_that_nobody_knows_is_not_priced_as_what_was_asked_for(served):
    price = pricing.price("gpt-4o", OPENAI, CALL, served=served, at=DAY)

    assert price == UNKNOWN


RATE = Rate("m*", input=2.0, output=10.0, cached_input=0.2, cache_write=2.5)


@pytest.mark.parametrize(
    ("tokens", "price"),
    [
        (Tokens(1000, 500), Price(7_000_000, "config:m*", 0, 0)),
        (Tokens(1000, 500, cached=400), Price(6_280_000, "config:m*", 720_000, 0)),
        (Tokens(1000, 500, written=100), Price(7_050_000, "config:m*", 0, 50_000)),
        (
            Tokens(1000, 500, cached=400, written=100),
            Price(6_330_000, "config:m*", 720_000, 50_000),
        ),
        (Tokens(0, 0), Price(0, "config:m*", 0, 0)),
        (Tokens(1, 0), Price(2000, "config:m*", 0, 0)),
        (Tokens(1000, None), UNKNOWN),
        (Tokens(), UNKNOWN),
    ],
)
def test_the_user_s_own_rate_is_used_as_it_stands(tokens, price):
    assert pricing.price("m1", "https://gateway.example/v1", tokens, rates=(RATE,)) == price


@pytest.mark.parametrize("base_url", [OPENAI, "http://localhost:11434/v1"])
def test_the_user_s_own_rate_comes_before_all_others(base_url):
    rate = RATE._replace(pattern="gpt-4o")

    assert pricing.price("gpt-4o", base_url, CALL, rates=(rate,)).source == "config:gpt-4o"


def test_the_first_rate_that_matches_is_used():
    rates = (RATE._replace(pattern="n*"), RATE, RATE._replace(pattern="*", input=9.0))

    assert pricing.price("m1", OPENAI, CALL, rates=rates).source == "config:m*"


@pytest.mark.parametrize(
    ("pattern", "model", "matches"),
    [
        ("m", "m", True),
        ("m", "m1", False),
        ("m", "M", False),
        ("m-?", "m-1", True),
        ("*/m", "openai/m", True),
        ("m[12]", "m3", False),
    ],
)
def test_a_rate_s_pattern_is_a_glob_for_the_whole_name(pattern, model, matches):
    rates = (RATE._replace(pattern=pattern),)

    price = pricing.price(model, "https://gateway.example/v1", CALL, rates=rates)

    assert (price != UNKNOWN) is matches


def test_a_rate_for_the_model_that_answered_is_used():
    price = pricing.price("auto", OPENAI, CALL, served="m1", rates=(RATE,))

    assert price.source == "config:m*"


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_cost_discount_and_premium_make_up_the_cost_without_a_cache(fresh, cached, written, out):
    tokens = Tokens(fresh + cached + written, out, cached, written)
    plain = tokens._replace(cached=None, written=None)

    price = pricing.price("m", OPENAI, tokens, rates=(RATE,))

    undiscounted = pricing.price("m", OPENAI, plain, rates=(RATE,)).cost
    assert price.cost + price.discount - price.premium == pytest.approx(undiscounted, abs=1)


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": 7}])
def test_usage_that_says_nothing_is_unknown_which_is_not_0(usage):
    assert pricing.tokens_of(usage) == Tokens()


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        pytest.param(
            {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
            Tokens(1000, 500),
            id="plain",
        ),
        pytest.param(
            {
                "prompt_tokens": 1000,
                "completion_tokens": 500,
                "prompt_tokens_details": {"cached_tokens": 400, "cache_write_tokens": 100},
            },
            Tokens(1000, 500, 400, 100),
            id="OpenAI chat, inclusive",
        ),
        pytest.param(
            {
                "input_tokens": 1000,
                "output_tokens": 500,
                "input_tokens_details": {"cached_tokens": 400},
            },
            Tokens(1000, 500, 400),
            id="OpenAI responses, inclusive",
        ),
        pytest.param(
            {
                "prompt_tokens": 1000,
                "completion_tokens": 500,
                "prompt_cache_hit_tokens": 400,
                "prompt_cache_miss_tokens": 600,
            },
            Tokens(1000, 500, 400),
            id="DeepSeek",
        ),
        pytest.param(
            {
                "prompt_tokens": 1000,
                "completion_tokens": 500,
                "prompt_cache_hit_tokens": 400,
                "prompt_tokens_details": {"cached_tokens": 400},
            },
            Tokens(1000, 500, 400),
            id="DeepSeek, said twice",
        ),
        pytest.param(
            {"prompt_tokens": 1000, "completion_tokens": 500, "cached_tokens": 400},
            Tokens(1000, 500, 400),
            id="Moonshot",
        ),
        pytest.param(
            {
                "input_tokens": 500,
                "output_tokens": 500,
                "cache_read_input_tokens": 400,
                "cache_creation_input_tokens": 100,
            },
            Tokens(1000, 500, 400, 100),
            id="Anthropic, additive",
        ),
        pytest.param(
            {"input_tokens": 600, "output_tokens": 500, "cache_read_input_tokens": 400},
            Tokens(1000, 500, 400, 0),
            id="Anthropic, read only",
        ),
        pytest.param(
            {"input_tokens": 0, "output_tokens": 500, "cache_read_input_tokens": 1000},
            Tokens(1000, 500, 1000, 0),
            id="Anthropic, fully cached",
        ),
        pytest.param(
            {
                "prompt_tokens": 1000,
                "completion_tokens": 500,
                "cache_read_input_tokens": 400,
                "cache_creation_input_tokens": 100,
                "prompt_tokens_details": {"cached_tokens": 400},
            },
            Tokens(1000, 500, 400, 100),
            id="LiteLLM, inclusive with native names",
        ),
        pytest.param(
            {
                "prompt_tokens": 1000,
                "completion_tokens": 500,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": None,
                "prompt_tokens_details": {"cached_tokens": 400},
            },
            Tokens(1000, 500, 400, 0),
            id="native names without a count",
        ),
        pytest.param(
            {"prompt_tokens": 1000, "completion_tokens": 500, "prompt_tokens_details": None},
            Tokens(1000, 500),
            id="no details",
        ),
        pytest.param(
            {"prompt_tokens": 1000, "completion_tokens": 500, "prompt_tokens_details": [400]},
            Tokens(1000, 500),
            id="strange details",
        ),
        pytest.param(
            {
                "prompt_tokens": 1000,
                "completion_tokens": 500,
                "prompt_tokens_details": {"cached_tokens": 0},
            },
            Tokens(1000, 500, 0),
            id="none cached",
        ),
        pytest.param(
            {"prompt_tokens": "1000", "completion_tokens": True, "cached_tokens": -1},
            Tokens(),
            id="no counts",
        ),
    ],
)
def test_every_dialect_of_usage_becomes_one(usage, tokens):
    assert pricing.tokens_of(usage) == tokens


@pytest.mark.parametrize(
    ("details", "tokens"),
    [
        ({"cached_tokens": 1500}, Tokens(1000, 500, 1000)),
        ({"cached_tokens": 400, "cache_write_tokens": 900}, Tokens(1000, 500, 400, 600)),
        ({"cached_tokens": 1500, "cache_write_tokens": 900}, Tokens(1000, 500, 1000, 0)),
    ],
)
def test_more_cached_than_sent_is_cut_to_fit(details, tokens):
    usage = {
        "prompt_tokens": 1000, "completion_tokens": 500, "prompt_tokens_details": details,
    }  # fmt: skip

    assert pricing.tokens_of(usage) == tokens


def test_reasoning_that_stands_beside_the_completion_is_billed_with_it():
    # xAI counts reasoning in the total alone; the total tells its form from OpenAI's.
    usage = {
        "prompt_tokens": 32,
        "completion_tokens": 9,
        "total_tokens": 135,
        "completion_tokens_details": {"reasoning_tokens": 94},
    }

    assert pricing.tokens_of(usage) == Tokens(32, 103)


def test_reasoning_that_stands_inside_the_completion_is_billed_once():
    usage = {
        "prompt_tokens": 32,
        "completion_tokens": 103,
        "total_tokens": 135,
        "completion_tokens_details": {"reasoning_tokens": 94},
    }

    assert pricing.tokens_of(usage) == Tokens(32, 103)


def test_a_fully_cached_call_is_billed_at_the_cached_rate_alone():
    usage = {"prompt_tokens": 1000, "completion_tokens": 0, "prompt_cache_hit_tokens": 1000}

    assert cost("gpt-4o", pricing.tokens_of(usage)) == 0.00125


@given(usages)
def test_whatever_a_provider_reports_the_parts_fit_in_the_whole(usage):
    tokens = pricing.tokens_of(usage)

    known = [count or 0 for count in tokens]
    assert min(known) >= 0
    assert tokens.prompt is None or (tokens.cached or 0) + (tokens.written or 0) <= tokens.prompt


@given(usages)
def test_whatever_a_provider_reports_its_price_is_unknown_or_not_negative(usage):
    price = pricing.price("gpt-5.6-sol", OPENAI, pricing.tokens_of(usage), at=DAY)

    assert price == UNKNOWN or price.cost >= 0


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("four", 1), ("fours", 2), ("日本", 2), ("\ud83d", 1), ("é" * 100, 50)],
)
def test_four_bytes_are_about_a_token(text, tokens):
    assert pricing.estimate_tokens(text) == tokens
