from __future__ import annotations

import json

import pytest
from upstream import USAGE, Reply

CONTROLS = "\x1b]0;title\x07 \x1b[31mred\x9b2J \u202etxt"


def facts(out: str) -> dict[str, str]:
    """Return the lines before the first text, by name."""
    lines = out.partition("\n\n---")[0].splitlines()
    return {line[:11].strip(): line[11:] for line in lines}


def test_an_entry_is_shown_with_all_that_is_known_of_it(cli, upstream, prices, store):
    upstream.will(Reply("blue", model="small-2"))
    cli("ask", "which colour?", "-m", "small", "-s", "be brief", "-n", "work", "--ttl", "2h",
        "-o", "top_p=0.5")  # fmt: skip
    cli("ask", "which colour?", "-m", "small", "-s", "be brief", "-n", "work", "-o", "top_p=0.5")
    store.file.execute("UPDATE entry SET created_at = created_at - 90, expires_at = expires_at - 9")

    result = cli("show", "1")

    shown = facts(result.out)
    assert len(shown.pop("key")) == 64
    assert shown == {
        "entry": "1",
        "namespace": "work",
        "model": "small",
        "served by": "small-2",
        "at": upstream.url,
        "stored": "1 min ago (model)",
        "expires": "in 1 h",
        "hits": "1",
        "cost": "$0.0014",
        "tokens": "100 + 20",
        "parameters": '{"top_p": 0.5}',
    }
    assert result.out.partition("\n\n")[2] == (
        "--- system\nbe brief\n\n--- prompt\nwhich colour?\n\n--- answer\nblue\n"
    )


def test_an_expired_entry_says_so(cli, upstream, store):
    cli("ask", "q", "--ttl", "1h")
    store.file.execute("UPDATE entry SET expires_at = unixepoch() - 7300")

    result = cli("show")

    assert facts(result.out)["expires"] == "expired 2 h ago"


def test_an_unknown_price_is_shown_as_unknown(cli, upstream, prices):
    upstream.will(Reply(usage=None))
    cli("ask", "q")

    result = cli("show")

    assert facts(result.out)["cost"] == "unknown"
    assert "tokens" not in facts(result.out)


def test_without_an_id_the_last_answer_is_shown(cli, upstream):
    cli("ask", "one")
    cli("ask", "two")
    cli("ask", "one")

    result = cli("show")

    assert facts(result.out)["entry"] == "1"


def test_json_adds_the_request_and_the_usage_as_reported(cli, upstream):
    upstream.will(Reply("blue", usage=USAGE | {"service_tier": "flex"}))
    cli("ask", "q", "-s", "be brief")

    result = cli("show", "--json")

    shown = json.loads(result.out)
    assert result.out.count("\n") == 1
    assert (shown["id"], shown["prompt"], shown["answer"]) == (1, "q", "blue")
    assert shown["usage"] == USAGE | {"service_tier": "flex"}
    assert shown["request"]["base_url"] == upstream.url
    assert shown["request"]["body"]["model"] == "gpt-6-luna"
    assert shown["request"]["body"]["messages"][0] == {"role": "system", "content": "be brief"}


def test_json_of_an_answer_without_usage_says_null(cli, upstream):
    upstream.will(Reply(usage=None))
    cli("ask", "q")

    result = cli("show", "--json")

    assert json.loads(result.out)["usage"] is None


@pytest.mark.parametrize("arguments", [("7",), ("7", "--json")])
def test_an_id_that_is_not_there_is_said(cli, upstream, arguments):
    cli("ask", "q")

    result = cli("show", *arguments)

    assert (result.code, result.out) == (1, "")
    assert "no entry 7" in result.err
    assert "llmc list" in result.err


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "9" * 30])
def test_an_id_that_is_none_is_a_usage_error(cli, text):
    result = cli("show", "--", text)

    assert (result.code, result.out) == (2, "")
    assert "unexpected" not in result.err


def test_an_answer_that_was_not_stored_cannot_be_shown(cli, upstream):
    cli("ask", "one")
    cli("ask", "two", "--no-cache")

    result = cli("show")

    assert (result.code, result.out) == (1, "")
    assert "the last answer was not stored" in result.err


def test_an_empty_cache_does_not_speak_of_a_last_answer(cli):
    result = cli("show")

    assert (result.code, result.out) == (1, "")
    assert "the last answer was not stored" not in result.err


def test_a_last_answer_that_was_removed_is_told_as_such(cli, upstream):
    cli("ask", "one")
    cli("ask", "two")
    cli("rm", "2", "--yes")

    result = cli("show")

    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("llmc: error: the last answer, entry 2, is gone\n")


def test_an_entry_that_was_removed_since_is_gone(cli, upstream):
    cli("ask", "q")
    cli("invalidate", "q", "--yes")

    result = cli("show")

    assert (result.code, result.out) == (1, "")


def test_a_stored_text_does_not_command_the_terminal(cli, upstream):
    upstream.will(Reply(CONTROLS, model=CONTROLS))
    cli("ask", CONTROLS, "-s", CONTROLS, "-m", f"m{CONTROLS}", "-o", f"x={CONTROLS}")

    result = cli("show", "--color", "always", terminal=True)

    assert result.code == 0
    assert set("\x1b\x07\x9b\u202e") & set(result.out) == set()
    assert result.out.count("]0;title") == 6


def test_a_stored_text_passes_unchanged_into_a_pipe(cli, upstream):
    upstream.will(Reply(CONTROLS + "\r\n"))
    cli("ask", CONTROLS)

    result = cli("show")

    assert result.out.endswith(f"--- prompt\n{CONTROLS}\n\n--- answer\n{CONTROLS}\r\n\n")


def test_a_fact_stays_on_its_line(cli, upstream):
    cli("ask", "q", "-m", "a\nb\tc", "-n", "work\nplace")

    result = cli("show")

    assert facts(result.out)["model"] == "a b c"
    assert facts(result.out)["namespace"] == "work place"


def test_markup_in_a_stored_text_is_text(cli, upstream):
    cli("ask", "[red]hot[/red] :smile: [/x]", "-m", "[b]small[/b]")

    result = cli("show", terminal=True)

    assert "\n[red]hot[/red] :smile: [/x]\n" in result.out
    assert facts(result.out)["model"] == "[b]small[/b]"


def test_a_sample_is_shown_with_its_number(cli, upstream):
    cli("ask", "q", "--sample", "3", "--index", "2")

    result = cli("show", "--json")

    assert json.loads(result.out)["sample"] == 2


def test_the_other_words_that_an_answer_serves_are_shown(cli, encoder):
    stored, reworded = "how do I undo the last git commit?", "how can I undo my last git commit?"
    cli("ask", "--match", "semantic", stored)
    cli("ask", "--match", "semantic", reworded)

    assert f"also       “{reworded}” (1.000)\n" in cli("show").out
    assert json.loads(cli("show", "--json").out)["wordings"] == [
        {"prompt": reworded, "similarity": pytest.approx(1.0, abs=1e-3)}
    ]
