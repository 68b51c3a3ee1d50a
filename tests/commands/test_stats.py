from __future__ import annotations

import json
import re

import pytest
from upstream import USAGE, Reply


@pytest.fixture
def story(cli, upstream, store) -> None:
    """A miss, two hits that spared 2 s each, one question past the cache and one never priced."""
    cli("ask", "q", "-n", "work")
    store.file.execute("UPDATE entry SET latency = 2")
    cli("ask", "q", "-n", "work")
    cli("ask", "q", "-n", "work")
    cli("ask", "q", "--no-cache", "-m", "large")
    upstream.will(Reply(usage=None))
    cli("ask", "unpriced", "-m", "large")
    cli("ask", "unpriced", "-m", "large")
    store.file.execute("UPDATE ledger SET latency = 0, avoided_latency = 2 * (avoided_latency > 1)")


def test_json_has_every_figure(cli, prices, story):
    result = cli("stats", "--json")

    figures = json.loads(result.out)
    assert figures.pop("size_bytes") > 0
    assert figures == {
        "requests": 6,
        "hits": 3,
        "hits_memory": 0,
        "hits_exact": 3,
        "hits_shared": 0,
        "hits_semantic": 0,
        "hits_stale": 0,
        "misses": 2,
        "bypassed": 1,
        "hit_rate": 0.6,
        "avoided_prompt_tokens": 200,
        "avoided_completion_tokens": 40,
        "prompt_tokens": 200,
        "completion_tokens": 40,
        "avoided_usd": pytest.approx(2 * prices),
        "embedding_usd": 0,
        "judging_usd": 0,
        "net_usd": pytest.approx(2 * prices),
        "spent_usd": pytest.approx(2 * prices),
        "provider_cached_tokens": 0,
        "provider_discount_usd": 0,
        "unpriced_hits": 1,
        "unpriced_calls": 1,
        "time_saved_s": 4,
        "embedder": None,
        "threshold": None,
        "calibrated": None,
        "audited": 0,
        "audited_wrong": 0,
        "wrong_hit_rate": None,
        "wrong_hit_rate_low": None,
        "wrong_hit_rate_high": None,
        "entries": 2,
        "since_s": None,
    }


def test_a_pipe_gets_one_figure_a_line(cli, prices, story):
    result = cli("stats")

    figures = dict(line.split("\t") for line in result.out.splitlines())
    assert list(figures) == list(json.loads(cli("stats", "--json").out))
    assert figures["requests"] == "6"
    assert figures["avoided_usd"] == "0.002800000"
    assert figures["since_s"] == ""


def test_a_terminal_gets_the_story_in_words(cli, prices, story):
    result = cli("stats", "--color", "never", terminal=True)

    lines = dict(re.split(r"  +", line, maxsplit=1) for line in result.out.splitlines())
    assert re.fullmatch(r"2 answers, 0\.\d MB", lines.pop("stored"))
    assert lines == {
        "requests": "6",
        "hits": "3 (60.0%; 3 exact)",
        "misses": "2",
        "past the cache": "1",
        "tokens not bought": "240",
        "dollars avoided": "$0.0028",
        "net saving": "$0.0028",
        "spent": "$0.0028",
        "price unknown": "1 hit, 1 call",
        "waiting avoided": "4.0 s",
    }


def test_colours_stay_off_the_names_and_the_pipe(cli, upstream):
    cli("ask", "q")

    assert "\x1b[1m" in cli("stats", "--color", "always", terminal=True).out
    assert "\x1b" not in cli("stats", "--color", "never", terminal=True).out
    assert "\x1b" not in cli("stats", "--color", "always").out


@pytest.mark.parametrize("options", [{}, {"terminal": True}])
def test_an_empty_cache_has_figures_of_0(cli, options):
    result = cli("stats", "--color", "never", **options)

    assert (result.code, result.err) == (0, "")
    assert re.search(r"^requests\s+0$", result.out, re.MULTILINE)


def test_an_empty_cache_has_no_hit_rate(cli):
    figures = json.loads(cli("stats", "--json").out)

    assert figures["hit_rate"] is None


def test_the_providers_own_discount_stands_apart(cli, upstream, configuration):
    configuration('[prices."*"]\ninput = 10\noutput = 20\ncached_input = 1\n')
    upstream.will(Reply(usage=USAGE | {"prompt_tokens_details": {"cached_tokens": 40}}))
    cli("ask", "q")

    figures = json.loads(cli("stats", "--json").out)

    assert figures["provider_cached_tokens"] == 40
    assert figures["provider_discount_usd"] == pytest.approx(40 * 9e-6)
    assert figures["spent_usd"] == pytest.approx(0.0014 - 40 * 9e-6)
    assert figures["avoided_usd"] == 0


def test_a_stale_answer_saved_time_and_money_of_nobody(cli, upstream, prices, store):
    cli("ask", "q", "--ttl", "1h")
    store.file.execute("UPDATE entry SET expires_at = unixepoch() - 10, latency = 9")
    upstream.will(Reply(status=503))
    cli("ask", "q", "--stale-if-error", "1h", "--retries", "0")

    figures = json.loads(cli("stats", "--json").out)

    assert (figures["hits_stale"], figures["avoided_usd"], figures["time_saved_s"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("by", "names"),
    [("model", ["gpt-6-luna", "large"]), ("namespace", ["default", "work"]),
     ("source", ["bypass", "exact", "model"])],
)  # fmt: skip
def test_figures_come_by_group(cli, prices, story, by, names):
    result = cli("stats", "--by", by)

    rows = [line.split("\t") for line in result.out.splitlines()]
    assert rows[0] == [by, "requests", "hits", "hit_rate", "avoided_usd", "spent_usd", "net_usd"]
    assert [row[0] for row in rows[1:]] == names
    assert sum(int(row[1]) for row in rows[1:]) == 6


def test_a_group_has_its_own_figures(cli, prices, story):
    groups = json.loads(cli("stats", "--by", "namespace", "--json").out)

    work = next(group for group in groups if group["name"] == "work")
    assert (work["requests"], work["hits"], work["misses"], work["bypassed"]) == (3, 2, 1, 0)
    assert work["avoided_usd"] == pytest.approx(2 * prices)


def test_days_are_the_users(cli, upstream, store):
    cli("ask", "one")
    cli("ask", "two")
    store.file.execute("UPDATE ledger SET at = at - 86400 WHERE id = 1")

    groups = json.loads(cli("stats", "--by", "day", "--json").out)

    assert [group["requests"] for group in groups] == [1, 1]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", groups[0]["name"])
    assert groups[0]["name"] < groups[1]["name"]


def test_since_leaves_out_what_is_older(cli, upstream, store):
    cli("ask", "one")
    cli("ask", "two")
    store.file.execute("UPDATE ledger SET at = at - 86400 WHERE id = 1")

    figures = json.loads(cli("stats", "--since", "1h", "--json").out)

    assert (figures["requests"], figures["entries"], figures["since_s"]) == (1, 2, 3600)


@pytest.mark.parametrize("flags", [("--since", "soon"), ("--since", "-1d"), ("--by", "moon")])
def test_a_flag_that_makes_no_sense_is_a_usage_error(cli, flags):
    result = cli("stats", *flags)

    assert (result.code, result.out) == (2, "")
    assert flags[0] in result.err


def test_removing_an_entry_keeps_what_it_saved(cli, prices, story):
    cli("prune", "--max-entries", "0", "--yes")

    figures = json.loads(cli("stats", "--json").out)

    assert figures["avoided_usd"] == pytest.approx(2 * prices)
    assert figures["entries"] == 0


def test_a_models_name_does_not_command_the_terminal_nor_the_table(cli, upstream):
    cli("ask", "q", "-m", "[red]m[/x]\x1b[2J\t\n")

    shown = cli("stats", "--by", "model", "--color", "never", terminal=True)
    piped = cli("stats", "--by", "model")

    assert "[red]m[/x]\ufffd[2J" in shown.out
    assert "\x1b" not in shown.out
    assert [line.count("\t") for line in piped.out.splitlines()] == [6, 6]


def test_a_failed_question_is_no_request(cli, upstream):
    upstream.will(Reply(status=400))
    cli("ask", "q")

    figures = json.loads(cli("stats", "--json").out)

    assert figures["requests"] == 0


def test_an_answer_that_was_paid_for_but_not_stored_is_counted(cli, upstream, prices):
    upstream.will(Reply("half", finish_reason="length"))
    cli("ask", "q")

    figures = json.loads(cli("stats", "--json").out)

    assert (figures["misses"], figures["spent_usd"]) == (1, pytest.approx(prices))
