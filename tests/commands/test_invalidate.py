from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from processes import start
from terminals import Terminal
from upstream import Reply

from llmc import selection

ROOT = Path(__file__).resolve().parents[2]

#: Ctrl-C at the last moment of all: entries are gone, the wordings of others not yet.
INTERRUPTED = """
import os, signal, sys
from llmc import cli
from llmc.paraphrases import Paraphrases
Paraphrases.forget_of = lambda *_: os.kill(os.getpid(), signal.SIGINT)
cli.run(["invalidate", "the", "--yes", "--db", sys.argv[1]])
"""

#: Every state of the count is shown.
COUNTED = """
import sys
from llmc import cli, sieve
from importlib import import_module
invalidate = import_module("llmc.commands.invalidate")
invalidate._PATIENCE = invalidate._PACE = 0
sieve._PART = 2
sys.exit(cli.run(["invalidate", "the s", "--yes", "--db", sys.argv[1]]))
"""


def prompts(listed: list[dict]) -> list[str]:
    return [entry["prompt"] for entry in listed]


@pytest.fixture
def shelf(cli, upstream) -> None:
    """Three entries, each with a word of its own in every field."""
    upstream.will(Reply("It scatters."), Reply("It is salty."), Reply("It glows."))
    cli("ask", "the Sky", "-m", "small", "-s", "be brief")
    cli("ask", "the sea", "-m", "large", "-s", "be kind", "-n", "work")
    cli("ask", "the sun", "-m", "small")


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (("the s",), ["the Sky"]),
        (("(?i)the s",), []),
        (("^sea",), ["the sun", "the sea", "the Sky"]),
        (("sea|sun",), ["the Sky"]),
        (("scatters", "--field", "answer"), ["the sun", "the sea"]),
        (("kind", "--field", "system"), ["the sun", "the Sky"]),
        (("^small$", "--field", "model"), ["the sea"]),
        (("sky", "--field", "prompt"), ["the sun", "the sea", "the Sky"]),
        (("the", "-n", "work"), ["the sun", "the Sky"]),
        (("the", "--namespace", "nowhere"), ["the sun", "the sea", "the Sky"]),
        (("",), []),
    ],
)
def test_what_the_expression_finds_is_removed(cli, shelf, listed, arguments, left):
    result = cli("invalidate", *arguments, "--yes")

    assert result.code == 0
    assert prompts(listed()) == left


def test_it_says_how_many_went(cli, shelf):
    result = cli("invalidate", "s", "--yes")

    assert (result.out, result.err) == ("removed 2 entries\n", "")


def test_nothing_found_is_no_failure(cli, shelf):
    result = cli("invalidate", "moon", "--yes")

    assert (result.code, result.out) == (0, "removed 0 entries\n")


def test_json_counts(cli, shelf):
    result = cli("invalidate", "sun", "--yes", "--json")

    assert json.loads(result.out) == {"removed": 1}


def test_a_dry_run_lists_what_would_go_and_removes_nothing(cli, shelf, listed):
    result = cli("invalidate", "sun", "--dry-run")

    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[1].endswith("\tsmall\tdefault\tthe sun")
    assert len(listed()) == 3


def test_a_dry_run_in_json_is_one_object_a_line(shelf, listed):
    found = listed("invalidate", "s", "--dry-run")

    assert sorted(prompts(found)) == ["the sea", "the sun"]


def test_where_nobody_can_be_asked_yes_is_needed(cli, shelf, listed):
    result = cli("invalidate", "s")

    assert (result.code, result.out) == (2, "")
    assert "--yes" in result.err
    assert len(listed()) == 3


@pytest.mark.parametrize("words", ["n\n", "\n", "", b"\xff\n"])
def test_any_answer_but_yes_removes_nothing(cli, shelf, listed, words):
    result = cli("invalidate", "s", stdin=words, terminal=True)

    assert (result.code, result.out) == (1, "")
    assert len(listed()) == 3


def test_a_person_is_asked_and_may_agree(cli, shelf, listed):
    result = cli("invalidate", "s", stdin="y\n", terminal=True)

    assert result.code == 0
    assert "remove 2 entries? [y/N]" in result.err
    assert prompts(listed()) == ["the Sky"]


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?P<", "\\", "(?<x", "(?Q)", "a{2,1}"])
def test_an_expression_that_cannot_be_compiled_is_a_usage_error(cli, upstream, listed, pattern):
    cli("ask", "q")

    result = cli("invalidate", pattern, "--yes")

    assert (result.code, result.out) == (2, "")
    assert "unexpected" not in result.err
    assert len(listed()) == 1


def test_the_fault_of_an_expression_is_named(cli, shelf):
    result = cli("invalidate", "a(", "--yes")

    assert (result.code, result.out) == (2, "")
    assert "missing )" in result.err


def test_an_expression_that_is_no_utf8_is_a_usage_error(cli, shelf, listed):
    result = cli("invalidate", "\udcff", "--yes")

    assert (result.code, result.out) == (2, "")
    assert len(listed()) == 3


def test_an_expression_that_runs_away_is_stopped_and_removes_nothing(
    cli, upstream, listed, monkeypatch
):
    monkeypatch.setattr(selection, "MATCH_SECONDS", 0.2)
    cli("ask", "aaaa")
    cli("ask", "a" * 5000 + "!")

    result = cli("invalidate", "(a+)+$", "--yes")

    assert (result.code, result.out) == (1, "")
    assert "takes more than 0.2 s, or too much memory, on entry 2" in result.err
    assert "nothing was removed" in result.err
    assert len(listed()) == 2


def test_what_is_removed_is_asked_for_again(cli, upstream):
    cli("ask", "q")
    cli("invalidate", "q", "--yes")

    result = cli("ask", "q")

    assert result.out == "answer 2\n"


def test_what_is_removed_and_what_removed_it_are_in_no_file(cli, upstream, db):
    upstream.will(Reply("a rhinoceros of an answer"))
    cli("ask", "a hippopotamus of a question", "-s", "be a pachyderm")

    cli("invalidate", "hippo.*mus", "--yes")

    content = b"".join(path.read_bytes() for path in db.parent.iterdir())
    assert b"rhinoceros" not in content
    assert b"hippo" not in content
    assert b"pachyderm" not in content


def test_an_id_is_never_given_twice(cli, upstream, answer):
    first = answer("q")
    cli("invalidate", "q", "--yes")

    second = answer("q")

    assert second["id"] > first["id"]


def test_a_wording_that_matches_is_forgotten_and_its_answer_stays(cli, encoder, listed, db):
    cli("ask", "--match", "semantic", "how do I undo the last git commit?")
    cli("ask", "--match", "semantic", "how can I undo my last git commit?")

    result = cli("invalidate", "how can I", "--yes")

    assert result.out == "removed 0 entries and 1 wording of others\n"
    assert prompts(listed()) == ["how do I undo the last git commit?"]
    assert b"how can I" not in b"".join(path.read_bytes() for path in db.parent.iterdir())


@pytest.mark.parametrize(
    "flags", [["-n", "elsewhere"], ["--field", "answer"], ["--dry-run"]], ids=" ".join
)
def test_a_wording_stays_where_it_is_not_meant(cli, encoder, store, flags):
    cli("ask", "--match", "semantic", "how do I undo the last git commit?")
    cli("ask", "--match", "semantic", "how can I undo my last git commit?")

    cli("invalidate", "how can I", "--yes", *flags)

    assert len(list(store.paraphrases.wordings(None))) == 1


def test_an_interrupt_leaves_nothing_half_done(shelf, store, listed, db):
    process = start(INTERRUPTED, db)

    process.communicate(timeout=60)

    assert process.returncode == -signal.SIGINT
    assert len(listed()) == 3
    assert store.file.damage() == []
    assert store.index_damage() is None


def test_a_terminal_sees_how_far_it_has_come(shelf, db, listed):
    with Terminal(
        sys.executable, "-c", COUNTED, str(db), env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as terminal:
        shown = terminal.rest()

    assert "llmc: looked at 2 of 3 entries, 1 match" in shown
    assert "removed 2 entries" in shown
    assert len(listed()) == 1


def test_a_pipe_sees_no_progress(shelf, db):
    process = start(COUNTED, db)

    out, err = process.communicate(timeout=60)

    assert (out, err) == ("removed 2 entries\n", "")


def test_a_dry_run_shows_the_wordings_that_would_go(cli, encoder):
    cli("ask", "--match", "semantic", "how do I undo the last git commit?")
    cli("ask", "--match", "semantic", "how can I undo my last git commit?")

    shown = cli("invalidate", "how can I", "--dry-run")
    lines = cli("invalidate", "how can I", "--dry-run", "--json")

    assert shown.err == ("llmc: entry 1 stays, but not for “how can I undo my last git commit?”\n")
    assert json.loads(lines.out) == {"id": 1, "wording": "how can I undo my last git commit?"}


def test_a_dry_run_names_no_wording_of_what_goes_anyway(cli, encoder):
    cli("ask", "--match", "semantic", "how do I undo the last git commit?")
    cli("ask", "--match", "semantic", "how can I undo my last git commit?")

    result = cli("invalidate", "git commit", "--dry-run")

    assert result.err == ""
