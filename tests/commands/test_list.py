from __future__ import annotations

import json
import os

import pytest
from upstream import Reply

from llmc import text

CONTROLS = "\x1b]0;title\x07 \x1b[31mred\x9b2J \u202etxt\r"
MARKUP = "[red]hot[/red] :smile: [/x] [link=http://x]y[/link]"


def ids(listed: list[dict]) -> list[int]:
    return [entry["id"] for entry in listed]


@pytest.fixture
def three(cli, upstream, store) -> None:
    """Three entries: 3 days, 1 day and 0 days old, of two models and two namespaces."""
    cli("ask", "one", "-m", "small", "-n", "work")
    cli("ask", "two", "-m", "large", "-n", "work")
    cli("ask", "three", "-m", "small")
    store.file.execute("UPDATE entry SET created_at = created_at - 3 * 86400 WHERE id = 1")
    store.file.execute("UPDATE entry SET created_at = created_at - 86400 WHERE id = 2")


def test_a_pipe_gets_one_tab_separated_line_an_entry_the_newest_first(cli, three):
    cli("ask", "two", "-m", "large", "-n", "work")

    result = cli("list")

    assert result.out == (
        "id\tage\thits\tpinned\tmodel\tnamespace\tprompt\n"
        "3\t0 s\t0\t-\tsmall\tdefault\tthree\n"
        "2\t1 d\t1\t-\tlarge\twork\ttwo\n"
        "1\t3 d\t0\t-\tsmall\twork\tone\n"
    )


def test_a_terminal_gets_a_table(cli, three):
    result = cli("list", "--color", "never", terminal=True)

    lines = result.out.splitlines()
    assert lines[0].split() == ["id", "age", "hits", "pinned", "model", "namespace", "prompt"]
    assert lines[3].split() == ["1", "3", "d", "0", "-", "small", "work", "one"]
    assert "\x1b" not in result.out


def test_json_is_one_object_a_line(cli, upstream, prices):
    cli("ask", "one\ntwo", "--ttl", "1h")
    cli("ask", "three")

    result = cli("list", "--json")

    first = json.loads(result.out.split("\n")[1])
    assert len(result.out.split("\n")) == 3
    assert first["expires_at"] == pytest.approx(first["created_at"] + 3600)
    assert {name: first[name] for name in first if not name.endswith("_at")} == {
        "id": 1,
        "namespace": "default",
        "model": "gpt-6-luna",
        "prompt": "one\ntwo",
        "answer": "answer 1",
        "source": "model",
        "key": first["key"],
        "sample": None,
        "hits": 0,
        "cost_usd": prices,
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "finish_reason": "stop",
        "pinned": False,
    }


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((), [3, 2, 1]),
        (("-n", "work"), [2, 1]),
        (("--namespace", "default"), [3]),
        (("-n", "nowhere"), []),
        (("-m", "small"), [3, 1]),
        (("-m", "small", "-n", "work"), [1]),
        (("--since", "2d"), [3, 2]),
        (("--older-than", "12h"), [2, 1]),
        (("--older-than", "12h", "--since", "2d"), [2]),
        (("--source", "model"), [3, 2, 1]),
        (("--source", "put"), []),
        (("-l", "2"), [3, 2]),
        (("--limit", "0"), []),
    ],
)
def test_filters_narrow_the_list(listed, three, flags, expected):
    found = listed("list", *flags)

    assert ids(found) == expected


@pytest.mark.parametrize(
    "flags",
    [
        ("--since", "soon"),
        ("--older-than", "-1d"),
        ("--source", "nobody"),
        ("-l", "-1"),
        ("-l", "few"),
        ("-l", "9" * 30),
        ("-n", "\udcff"),
        ("-m", "\udcff"),
    ],
)
def test_a_filter_that_makes_no_sense_is_a_usage_error(cli, flags):
    result = cli("list", *flags)

    assert (result.code, result.out) == (2, "")
    assert "unexpected" not in result.err


def test_a_terminal_gets_20_entries_and_a_pipe_all(cli, copies):
    copies(25, 2)

    piped = cli("list")
    shown = cli("list", terminal=True)

    assert len(piped.out.splitlines()) == 26
    assert len(shown.out.splitlines()) == 21


@pytest.mark.parametrize(
    "command", [("list",), ("search", "word"), ("invalidate", "word", "--dry-run")], ids=" ".join
)
def test_a_stored_text_never_makes_another_column_or_line(cli, upstream, command):
    breaks = "\t.\n.\r\n.\x0b.\x0c.\x1c.\x1d.\x1e.\x85.\u2028.\u2029"
    cli("ask", f"a{breaks}word", "-m", f"m{breaks}m", "-n", f"n{breaks}n")

    result = cli(*command)

    assert len(result.out.splitlines()) == 2
    assert [line.count("\t") for line in result.out.splitlines()] == [6, 6]


@pytest.mark.parametrize("command", [("list",), ("search", "word")])
@pytest.mark.parametrize("flags", [(), ("--color", "always")])
def test_a_stored_text_does_not_command_the_terminal(cli, upstream, command, flags):
    cli("ask", f"{CONTROLS} word", "-m", f"small{CONTROLS}", "-n", f"n{CONTROLS}")

    result = cli(*command, *flags, terminal=True)

    assert result.code == 0
    for_the_eye = result.out.replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert set("\x1b\x07\x9b\r\u202e") & set(for_the_eye) == set()


@pytest.mark.parametrize("command", [("list",), ("search", "word")])
def test_markup_in_a_stored_text_is_text_on_a_terminal(cli, upstream, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "200")
    cli("ask", f"{MARKUP} word", "-m", "[b]small[/b]", "-n", "[/]")

    result = cli(*command, terminal=True)

    assert result.code == 0
    assert f"{MARKUP} word" in result.out
    assert "[b]small[/b]" in result.out
    assert "[/]" in result.out


def test_a_narrow_terminal_cuts_the_prompt_and_nothing_else(cli, upstream, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    cli("ask", "a long prompt " * 20, "-n", "a-namespace")

    result = cli("list", "--color", "never", terminal=True)

    line = result.out.splitlines()[1]
    assert len(line) <= 60
    assert "gpt-6-luna" in line
    assert "a-namespace" in line
    assert line.endswith("…")


def test_wide_letters_are_counted_by_their_width(cli, upstream, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    cli("ask", "天空为什么是蓝色的" * 20)

    result = cli("list", "--color", "never", terminal=True)

    assert len(result.out.splitlines()) == 2
    assert len(result.out.splitlines()[1]) < 60


@pytest.mark.parametrize(
    ("flags", "environment", "colored"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        ((), {"NO_COLOR": ""}, True),
        ((), {"TERM": "dumb"}, False),
        ((), {"CLICOLOR": "0"}, False),
        ((), {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        ((), {"FORCE_COLOR": "0"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
    ],
)
def test_colours_follow_the_flag_and_then_the_environment(
    cli, upstream, monkeypatch, flags, environment, colored
):
    cli("ask", "q")
    monkeypatch.setattr(os, "environ", os.environ | environment)

    result = cli("list", *flags, terminal=True)

    assert ("\x1b[" in result.out) is colored


def test_a_pipe_never_gets_colours(cli, upstream):
    cli("ask", "q")

    result = cli("list", "--color", "always")

    assert "\x1b" not in result.out


def test_an_empty_cache_lists_nothing_but_the_names(cli):
    result = cli("list")

    assert (result.code, result.out, result.err) == (
        0, "id\tage\thits\tpinned\tmodel\tnamespace\tprompt\n", ""
    )  # fmt: skip


@pytest.mark.parametrize("command", [("list",), ("search", "zebra"), ("list", "-n", "none")])
def test_a_terminal_is_told_that_there_are_no_entries(cli, command):
    result = cli(*command, terminal=True)

    assert result == (0, "", "llmc: no entries\n")


def test_json_does_not_command_a_terminal_and_still_says_the_same(cli, upstream):
    cli("ask", "a\x9b31m\u202eb\x7f")

    shown = cli("list", "--json", terminal=True)

    assert text.visible(shown.out) == shown.out
    assert json.loads(shown.out)["prompt"] == "a\x9b31m\u202eb\x7f"


def test_a_terminal_that_says_it_has_no_columns_gets_the_entries(cli, upstream, monkeypatch):
    cli("ask", "one")
    monkeypatch.setenv("COLUMNS", "0")

    assert "one" in cli("list", "--color", "never", terminal=True).out


def test_an_empty_cache_is_no_json_line(cli):
    result = cli("list", "--json")

    assert (result.code, result.out) == (0, "")


def test_an_answer_of_tool_calls_is_listed_as_json(listed, cli, upstream):
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    upstream.will(Reply(message={"content": None, "tool_calls": calls}, finish_reason="tool_calls"))
    cli("ask", "q", "-o", "tools=[1]")

    found = listed()

    assert json.loads(found[0]["answer"]) == calls


# -- commands about the file ---------------------------------------------------------------------

ABOUT_THE_FILE = pytest.mark.parametrize(
    "command",
    [
        ("list",),
        ("show",),
        ("show", "1"),
        ("search", "x"),
        ("stats",),
        ("prune",),
        ("prune", "--max-entries", "0", "--yes"),
        ("invalidate", "x", "--yes"),
    ],
    ids=" ".join,
)


@ABOUT_THE_FILE
def test_commands_about_an_unusable_file_end_with_5(cli, unusable, command):
    result = cli(*command)

    assert (result.code, result.out) == (5, "")
    assert f"cache file {unusable.path}: {unusable.reason}" in result.err


@pytest.mark.parametrize(
    "command", [("list",), ("ask", "q"), ("doctor",), ("prune",)], ids=" ".join
)
def test_a_file_that_is_not_ours_is_left_as_it_is(cli, upstream, unusable, command):
    cli(*command)

    assert unusable.content is None or unusable.path.read_bytes() == unusable.content
    assert [path.name for path in unusable.path.parent.iterdir()] == [unusable.path.name]


@ABOUT_THE_FILE
def test_a_mistyped_path_makes_no_file(cli, home, command):
    cli(*command, "--db", "typo/llmc.db")

    assert not (home / "typo").exists()


@pytest.mark.parametrize("command", [("list",), ("search", "q"), ("show",), ("stats", "--json")])
def test_another_file_is_named_with_db(cli, upstream, command):
    cli("ask", "q", "--db", "other.db")

    here = cli(*command, "--db", "other.db")
    elsewhere = cli(*command)

    assert here.code == 0
    assert here.out != elsewhere.out
