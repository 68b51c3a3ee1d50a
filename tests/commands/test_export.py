from __future__ import annotations

import json

import pytest
from encoder import STORED, THIRD

from llmc.text import visible


@pytest.fixture
def two(cli, upstream, store) -> None:
    """Two entries, of two namespaces; the first is a day old."""
    cli("ask", "one", "-m", "small", "-n", "work")
    cli("ask", "two", "-m", "large")
    store.file.execute("UPDATE entry SET created_at = created_at - 86400 WHERE id = 1")


def prompts(text: str) -> list[str]:
    entries = [json.loads(line) for line in text.splitlines()]
    return sorted(entry["request"]["messages"][-1]["content"] for entry in entries)


def test_every_answer_is_one_line(cli, two):
    result = cli("export")

    assert (result.code, result.err) == (0, "")
    assert prompts(result.out) == ["one", "two"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["-n", "work"], ["one"]),
        (["-m", "large"], ["two"]),
        (["--since", "1h"], ["two"]),
        (["--older-than", "1h"], ["one"]),
        (["--source", "put"], []),
    ],
)
def test_a_slice_is_chosen_as_list_chooses(cli, two, words, found):
    assert prompts(cli("export", *words).out) == found


def test_an_empty_cache_is_nothing(cli, store):
    result = cli("export")

    assert (result.code, result.out, result.err) == (0, "", "")


def test_a_file_that_is_not_there_is_not_made(cli, db):
    result = cli("export")

    assert (result.code, db.exists()) == (0, False)


def test_what_was_rejected_travels_unless_answers_alone_are_meant(cli, upstream, encoder):
    cli("ask", STORED)
    cli("ask", THIRD, "--match", "semantic")
    cli("bad")

    assert [json.loads(line)["kind"] for line in cli("export").out.splitlines()] == ["verdict"]
    assert cli("export", "-m", "small").out == ""


def test_an_export_does_not_command_a_terminal_and_still_says_the_same(cli, upstream):
    cli("ask", "a\x9b31m\u202eb")

    shown, piped = cli("export", terminal=True).out, cli("export").out

    assert "\x9b" in piped
    assert visible(shown) == shown
    assert json.loads(shown) == json.loads(piped)
