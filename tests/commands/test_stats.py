from __future__ import annotations

import json
import re

import pytest
from encoder import STORED, THIRD
from upstream import USAGE, Reply

from llmc import aside, ledger
from llmc.types import Verdict


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
        "provider_written_tokens": 0,
        "provider_discount_usd": 0,
        "provider_premium_usd": 0,
        "unpriced_hits": 1,
        "unpriced_embeddings": 0,
        "unpriced_judgements": 0,
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
        "max_entries": None,
        "max_size_bytes": 10 << 30,
        "evicted": 0,
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
    assert rows[0] == [
        by,
        "requests",
        "hits",
        "hit_rate",
        "avoided_usd",
        "spent_usd",
        "net_usd",
        "provider_discount_usd",
        "provider_premium_usd",
    ]
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
    assert [line.count("\t") for line in piped.out.splitlines()] == [8, 8]


def test_80_columns_take_every_figure_of_a_group_and_only_its_name_gives_way(
    cli, prices, story, store, monkeypatch
):
    cli("ask", "q", "-m", "a-model-with-quite-a-long-name-of-its-own")
    store.file.execute("UPDATE ledger SET discount_nusd = 12345678, premium_nusd = 2345678")
    monkeypatch.setenv("COLUMNS", "80")

    shown = cli("stats", "--by", "model", "--color", "never", terminal=True).out

    heads = "model requests hits rate avoided spent net discount premium"
    assert shown.splitlines()[0].split() == heads.split()
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("…") == 1


def test_a_pipe_gets_plain_numbers_by_group_too(cli, prices, story):
    rows = [line.split("\t") for line in cli("stats", "--by", "source").out.splitlines()]

    row = dict(zip(rows[0], rows[2], strict=True))
    assert (row["source"], row["hit_rate"], row["net_usd"]) == ("exact", "1.0", "0.002800000")


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


# -- audits --------------------------------------------------------------------------------------


@pytest.fixture
def audited(cli, upstream, encoder, monkeypatch):
    """Ask in other words with every hit audited; the model and the judge say what they are told."""
    monkeypatch.setenv("LLMC_MODEL", "m")
    cli("ask", STORED)
    monkeypatch.setenv("LLMC_AUDIT", "1")
    monkeypatch.setattr(aside, "start", lambda work: work())

    def ask(*said: str | Reply, prompt: str = THIRD) -> None:
        upstream.will(*(Reply(each) if isinstance(each, str) else each for each in said))
        result = cli("ask", prompt, "--match", "semantic")
        assert (result.code, result.out) == (0, "answer 1\n")

    return ask


@pytest.fixture
def verdicts(store):
    """Keep so many wrong and right verdicts of each origin."""

    def keep(**origins: tuple[int, int]) -> None:
        made = [
            Verdict(f"{n}".encode(), origin, n >= wrong, "default", "tiny", 0.97, 1000.0)
            for origin, (wrong, right) in origins.items()
            for n in range(wrong + right)
        ]
        with store.transaction():
            for verdict in made:
                store.paraphrases.judge(verdict)

    return keep


@pytest.fixture
def figures(cli):
    """What `stats --json` says."""
    return lambda *flags: json.loads(cli("stats", "--json", *flags).out)


def test_an_audit_that_finds_a_hit_right_is_counted_and_paid_for(audited, figures, upstream):
    audited("quite another wording", "YES")

    found = figures()
    assert (found["audited"], found["audited_wrong"]) == (1, 0)
    assert found["judging_usd"] == pytest.approx(2 * 0.0014)
    assert upstream.calls[-1].body["max_tokens"] == 1
    assert upstream.calls[-1].body["temperature"] == 0


def test_an_audit_that_needs_no_judge_costs_one_answer(audited, figures, upstream):
    audited("Answer 1.")

    found = figures()
    assert (found["audited"], found["audited_wrong"]) == (1, 0)
    assert found["judging_usd"] == pytest.approx(0.0014)
    assert len(upstream.calls) == 2


def test_an_audits_cost_is_taken_off_the_savings(audited, figures):
    audited("something else", "NO")

    found = figures()
    assert (found["audited"], found["audited_wrong"]) == (1, 1)
    assert found["avoided_usd"] == pytest.approx(0.0014)
    assert found["judging_usd"] == pytest.approx(2 * 0.0014)
    assert found["net_usd"] == pytest.approx(
        found["avoided_usd"] - found["judging_usd"] - found["embedding_usd"]
    )


@pytest.mark.parametrize(
    ("said", "paid"),
    [
        (["quite another wording", "perhaps"], 2),
        (["quite another wording", Reply(status=500)], 1),
        ([Reply("cut off", finish_reason="length")], 1),
        ([Reply(status=500)], 0),
    ],
)
def test_an_audit_without_a_verdict_is_paid_for_and_not_counted(audited, figures, said, paid):
    audited(*said)

    found = figures()
    assert (found["audited"], found["wrong_hit_rate"]) == (0, None)
    assert found["judging_usd"] == pytest.approx(paid * 0.0014)


def test_the_rate_of_wrong_hits_has_its_interval(figures, verdicts):
    verdicts(audit=(1, 9))

    found = figures()

    assert (found["audited"], found["audited_wrong"]) == (10, 1)
    assert found["wrong_hit_rate"] == 0.1
    assert found["wrong_hit_rate_low"] == pytest.approx(0.0179, abs=1e-4)
    assert found["wrong_hit_rate_high"] == pytest.approx(0.4042, abs=1e-4)


def test_a_person_reads_the_rate_in_words(cli, verdicts):
    verdicts(audit=(1, 9))

    result = cli("stats", "--color", "never", terminal=True)

    assert re.search(
        r"^found wrong +1 of 10 audited, 10.0% \(95 % interval 1.8% to 40.4%\)$",
        result.out,
        re.MULTILINE,
    )


def test_a_pipe_gets_the_rate_and_its_interval(cli, verdicts):
    verdicts(audit=(1, 9))

    lines = dict(line.split("\t") for line in cli("stats").out.splitlines())

    assert [lines[f"wrong_hit_rate{end}"] for end in ("", "_low", "_high")] == [
        "0.1",
        "0.01787575",
        "0.404156385",
    ]


def test_no_wrong_hit_among_few_is_no_rate_of_0(cli, verdicts):
    verdicts(audit=(0, 3))

    result = cli("stats", "--color", "never", terminal=True)

    assert "0 of 3 audited, 0.0% (95 % interval 0.0% to 56.2%)" in result.out


def test_without_an_audit_nothing_is_said_of_wrong_hits(cli, upstream):
    shown = cli("stats", "--color", "never", terminal=True)
    lines = dict(line.split("\t") for line in cli("stats").out.splitlines())

    assert "wrong" not in shown.out
    assert (lines["audited"], lines["wrong_hit_rate"], lines["wrong_hit_rate_high"]) == (
        "0",
        "",
        "",
    )


def test_what_people_rejected_is_no_sample_of_all_hits(figures, verdicts):
    verdicts(audit=(0, 3), bad=(5, 0))

    found = figures()

    assert (found["audited"], found["audited_wrong"]) == (3, 0)


def test_only_recent_audits_count_where_a_time_is_given(figures, verdicts):
    verdicts(audit=(1, 9))

    assert figures("--since", "1h")["audited"] == 0


def test_what_went_for_want_of_room_is_told(cli, prices, monkeypatch, upstream):
    monkeypatch.setenv("LLMC_MAX_ENTRIES", "1")
    cli("ask", "q 0")
    cli("ask", "q 1")

    figures = json.loads(cli("stats", "--json").out)
    told = cli("stats", "--color", "never", terminal=True).out

    assert (figures["entries"], figures["max_entries"], figures["evicted"]) == (1, 1, 1)
    assert re.search(r"gone for want of room +1\n", told)


def test_figures_are_the_same_before_and_after_old_lines_are_folded(
    cli, prices, story, store, monkeypatch
):
    monkeypatch.setattr(ledger, "_LAST", 0)
    store.file.execute("UPDATE ledger SET at = at - 100 * 86400 WHERE id < 5")
    asked = [
        [*since, *by, "--json"]
        for since in ([], ["--since", "101d"], ["--since", "100d"], ["--since", "7d"])
        for by in ([], *(["--by", name] for name in ("model", "namespace", "day", "source")))
    ]
    before = [json.loads(cli("stats", *each).out) for each in asked]

    cli("prune")

    after = [json.loads(cli("stats", *each).out) for each in asked]
    assert store.file.number("SELECT count(*) FROM ledger") == 2
    assert [_without_size(each) for each in after] == [_without_size(each) for each in before]


def _without_size(figures):
    return {**figures, "size_bytes": 0} if isinstance(figures, dict) else figures
