from __future__ import annotations

import json

import pytest
from caching_model import OPENAI, CachingModel
from drafts import draft, line
from provider_day import prose
from upstream import Reply

from llmc.prefix import sent as sent_room

LUNA = "gpt-5.6-luna"
GUIDE = prose("guide", 1200)


@pytest.fixture
def model(monkeypatch):
    """api.openai.com, played on loopback."""
    server = CachingModel()
    monkeypatch.setenv("HTTP_PROXY", server.proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", OPENAI)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test")
    yield server
    server.stop()


@pytest.fixture
def ask(cli, model):
    def ask(question, system, *flags):
        words = ("-s", system, "--no-stdin", *flags)
        done = cli("ask", "-m", LUNA, *words, f"{question} {prose(question, 30)}")
        assert done.code == 0, done.err

    return ask


@pytest.fixture
def dated(ask):
    """Four questions on a guide behind a time of day."""
    for minute in range(4):
        ask(f"question {minute}", f"You help. It is 2026-11-25 09:1{minute}. {GUIDE}")


def told(cli, *flags):
    done = cli("prefix", "--json", *flags)
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_a_break_is_named_with_its_place_and_what_to_move(cli, dated):
    (group,) = told(cli)["groups"]

    assert group["advice"] == (
        "a date and time at character 17 of the system prompt; move it to --context"
    )
    assert (group["message"], group["character"]) == ("system prompt", 17)
    assert (group["was"], group["now"]) == ("2026-11-25 09:10", "2026-11-25 09:11")
    assert group["reason"] == "input_changed"
    assert (group["requests"], group["model"]) == (4, LUNA)


def test_counts_of_the_provider_stand_beside_what_is_estimated(cli, dated, model):
    (group,) = told(cli)["groups"]

    assert group["prompt_tokens"] == sum(served.prompt for served in model.served)
    assert group["cached_tokens"] == 0
    assert group["estimated_eligible_tokens"] == pytest.approx(
        sum(served.written for served in model.served[1:]), rel=0.02
    )


def test_what_was_lost_and_wasted_is_what_following_the_advice_saves(cli, dated, model, ask):
    (group,) = told(cli)["groups"]
    before = model.bill

    for minute in range(4):
        ask(f"question {minute}", f"You help. {GUIDE}", "--context", f"It is 09:1{minute}.")

    saved = before - (model.bill - before)
    estimate = (group["estimated_lost_usd"] + group["estimated_wasted_usd"]) * 1e9
    # The first of them is still written, which the estimate counts as wasted.
    assert saved == pytest.approx(estimate, rel=0.1)


def test_once_it_is_followed_nothing_is_to_be_gained(cli, ask):
    for minute in range(4):
        ask(f"question {minute}", f"You help. {GUIDE}", "--context", f"It is 09:1{minute}.")

    (group,) = told(cli)["groups"]

    assert group["advice"] == "nothing to be gained: it is read"
    assert group["estimated_wasted_usd"] == 0


def test_an_answer_from_the_cache_never_reached_a_provider(cli, ask):
    for _ in range(3):
        ask("one", GUIDE)
    ask("two", GUIDE)

    assert told(cli)["requests"] == 2


def test_a_file_that_changes_is_named(cli, model, home):
    for number in range(3):
        (home / "a.txt").write_text(f"build {number}: {GUIDE}")
        cli("ask", "-m", LUNA, "-f", "a.txt", "--no-stdin", f"q{number} {prose(str(number), 30)}")

    (group,) = told(cli)["groups"]

    assert group["advice"] == "a number at character 7 of the file a.txt; move it to --context"


def test_instructions_in_each_prompt_belong_in_front(cli, model):
    for number in range(3):
        cli("ask", "-m", LUNA, "--no-stdin", f"{GUIDE}\n\n{prose(f'diff {number}', 60)}")

    (group,) = told(cli)["groups"]

    assert group["advice"].startswith("about 6,")
    assert "of the user message stay the same: put them first" in group["advice"]


def test_unmarked_prompts_that_share_a_system_prompt_are_to_be_marked(cli, ask, monkeypatch):
    monkeypatch.setenv("LLMC_PROMPT_CACHE", "off")
    for number in range(3):
        ask(f"question {number}", GUIDE)

    (group,) = told(cli)["groups"]

    assert group["advice"].startswith(
        "what is shared ends where nothing was written: have it marked"
    )
    assert group["estimated_wasted_usd"] > 0


def test_what_shares_with_nothing_and_was_written_all_the_same_is_told(cli, model, monkeypatch):
    monkeypatch.setenv("LLMC_PROMPT_CACHE", "off")
    for number in range(2):
        cli("ask", "-m", LUNA, "--no-stdin", prose(f"document {number}", 1200))

    found = told(cli)
    shown = cli("prefix")

    assert (found["groups"], found["alone"]["requests"]) == ([], 2)
    assert found["alone"]["estimated_wasted_usd"] * 1e9 == pytest.approx(
        sum(served.written * 50 for served in model.served)
    )
    assert "like no other: they share nothing" in shown.err


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        ((), 4),
        (("-m", LUNA), 4),
        (("-m", "m2"), 0),
        (("-n", "default"), 4),
        (("-n", "work"), 0),
        (("--since", "1h"), 4),
    ],
)
def test_a_part_of_what_was_asked_may_be_looked_at(cli, dated, flags, count):
    assert told(cli, *flags)["requests"] == count


def test_what_is_older_is_left_out(cli, dated, store):
    store.file.execute("UPDATE ledger SET at = at - 7200")

    assert told(cli, "--since", "1h")["requests"] == 0


def test_what_was_deleted_is_counted_but_not_looked_at(cli, dated, store):
    store.delete([1, 2, 3])

    found = told(cli)

    assert (found["requests"], found["without_text"], found["groups"]) == (4, 3, [])


def test_what_was_asked_past_the_cache_has_no_text(cli, ask):
    ask("one", GUIDE, "--no-cache")

    assert (told(cli)["requests"], told(cli)["without_text"]) == (1, 1)


def test_a_stream_whose_tokens_nobody_counted_is_told_apart(cli, store):
    store.put(draft(GUIDE), line(prompt_tokens=None))

    assert (told(cli)["without_usage"], told(cli)["short"]) == (1, 0)


def test_an_answer_put_by_hand_never_reached_a_provider(cli, store):
    store.put(draft(source="put"), None)

    assert told(cli)["requests"] == 0


@pytest.mark.parametrize(("endpoint", "count"), [("responses", 2), ("embeddings", 0)])
def test_responses_are_looked_at_embeddings_are_not(cli, store, endpoint, count):
    for question in ("one", "two"):
        made = draft(f"{GUIDE} {question}")
        frame = json.dumps(
            {
                "base_url": OPENAI,
                "endpoint": endpoint,
                "body": {"model": LUNA, "instructions": GUIDE, "input": 0},
            }
        )
        store.put(made._replace(frame=frame, prompt=question), line(prompt_tokens=1800))

    found = told(cli)

    assert (found["requests"], found["without_text"]) == (count, 0)
    assert sum(group["requests"] for group in found["groups"]) == count


def test_only_the_newest_are_looked_at(cli, store, monkeypatch):
    monkeypatch.setattr(sent_room, "MOST", 3)
    for number in range(5):
        store.put(draft(f"q{number}"), line(at=float(number)))

    found, left = sent_room.sent(store.file, since=0.0)

    assert ([each.at + each.latency for each in found], left) == ([2, 3, 4], 0)


def test_an_empty_cache_has_nothing_to_tell(cli):
    assert told(cli) == {
        "requests": 0,
        "without_text": 0,
        "without_usage": 0,
        "short": 0,
        "alone": {"requests": 0, "estimated_wasted_usd": 0, "advice": None},
        "since_s": None,
        "groups": [],
    }


def test_a_pipe_gets_one_group_a_line_under_the_names(cli, dated):
    shown = cli("prefix")

    names, row = (text.split("\t") for text in shown.out.splitlines())
    figures = dict(zip(names, row, strict=True))
    (group,) = told(cli)["groups"]
    assert figures["advice"] == group["advice"]
    assert figures["requests"] == "4"
    assert float(figures["estimated_lost_usd"]) == group["estimated_lost_usd"]
    assert shown.err == "llmc: 4 requests reached a provider\n"


def test_an_empty_pipe_still_has_the_names(cli):
    assert cli("prefix").out.startswith("requests\tmodel\t")


def test_a_terminal_gets_a_table_in_which_estimates_are_marked(cli, dated):
    shown = cli("prefix", "--color", "never", terminal=True)

    heading, first, *_ = shown.out.splitlines()
    assert heading.split() == ["requests", "eligible", "cached", "lost", "wasted", "advice"]
    requests, eligible, cached, lost, wasted, *_ = first.split()
    assert (requests, cached) == ("4", "0")
    assert [eligible[0], lost[:2], wasted[:2]] == ["~", "~$", "~$"]
    assert "input_changed: a date and time" in first


def test_on_a_narrow_terminal_no_advice_is_cut_short(cli, dated):
    shown = cli("prefix", "--color", "never", terminal=True)

    assert "…" not in shown.out
    assert "--context" in shown.out


def test_what_differs_is_shown_with_its_control_characters_escaped(cli, ask):
    for sign in ("\x1b[2J", "\u202e", "\x07"):
        ask(f"about {sign!r}", f"You help {sign}. {GUIDE}")

    found = cli("prefix", "--json").out + cli("prefix").out
    (group,) = told(cli)["groups"]

    assert "\x1b" not in found
    assert "\u202e" not in found
    assert group["was"].startswith("\\x1b[2J.")


def test_a_local_model_s_breaks_are_shown_and_cost_nothing(cli, upstream):
    for minute in range(3):
        upstream.will(Reply(usage={"prompt_tokens": 1800, "completion_tokens": 5}))
        cli("ask", "-m", "llama", "-s", f"Now 09:1{minute}. {GUIDE}", "--no-stdin", f"q{minute}")

    (group,) = told(cli)["groups"]

    assert group["advice"].startswith("a time of day at character 5 of the system prompt")
    assert (group["estimated_eligible_tokens"], group["estimated_lost_usd"]) == (None, None)


def test_a_wrong_age_is_told_in_one_line(cli):
    done = cli("prefix", "--since", "soon")

    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
