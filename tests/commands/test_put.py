from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest


@pytest.fixture
def material(home) -> Path:
    """A file that questions may be about."""
    path = home / "notes.txt"
    path.write_text("notes", encoding="utf-8")
    return path


def test_the_same_question_is_an_exact_hit(cli, upstream, answer):
    result = cli("put", "Capital of Peru?", stdin="Lima\n")

    told = answer("Capital of Peru?")

    assert (result.code, result.out, result.err) == (0, "1\n", "")
    assert (told["answer"], told["source"], told["id"]) == ("Lima", "exact", 1)
    assert upstream.calls == []


@pytest.mark.parametrize(
    "flags",
    [
        ("-m", "large"),
        ("-m", "ollama/llama3.2"),
        ("-s", "be brief"),
        ("--system-file", "notes.txt"),
        ("-f", "notes.txt"),
        ("--context", "it rains"),
        ("-o", "seed=7"),
        ("--temperature", "0"),
        ("--max-tokens", "50"),
        ("--schema", '{"type": "object"}'),
        ("-n", "work"),
    ],
    ids=" ".join,
)
def test_each_part_of_a_question_counts_as_it_does_for_ask(cli, upstream, material, flags):
    cli("put", "q", *flags, stdin="known")

    same, other = cli("ask", "q", "--offline", *flags), cli("ask", "q", "--offline", "-s", "x")

    assert (same.code, same.out) == (0, "known\n")
    assert other.code == 3


def test_an_answer_put_serves_any_token_limit_above_its_own(cli):
    cli("put", "q", "--max-tokens", "50", stdin="known")

    assert cli("ask", "q", "--offline").out == "known\n"
    assert cli("ask", "q", "--offline", "--max-tokens", "10").code == 3


@pytest.mark.parametrize("mode", ["auto", "deterministic", "all"])
def test_it_is_served_in_every_mode(cli, monkeypatch, mode):
    monkeypatch.setenv("LLMC_CACHE", mode)
    cli("put", "q", stdin="known")

    assert cli("ask", "q", "--offline").out == "known\n"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a", "a"),
        ("a\n", "a"),
        ("a\n\n", "a\n"),
        ("\n a \t\nb", "\n a \t\nb"),
        ("a\r\n", "a\r"),
        ("日本 🙂", "日本 🙂"),
    ],
)
def test_the_text_is_kept_but_for_one_final_newline(cli, listed, given, kept):
    cli("put", "q", stdin=given)

    assert listed()[0]["answer"] == kept


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "no answer: pipe it in"),
        ("", "the answer is empty"),
        (" \n\t\n", "the answer is empty"),
        (b"a\xff", "standard input is not UTF-8 (byte 0xff at offset 1)"),
        ("a\0b", "standard input is no text (a NUL byte at offset 1)"),
    ],
    ids=["nothing", "empty", "blank", "no utf8", "nul"],
)
def test_what_is_no_answer_is_refused(cli, db, given, reason):
    result = cli("put", "q", stdin=given)

    assert (result.code, result.out) == (2, "")
    assert result.err == f"llmc: error: {reason}\n"
    assert not db.exists()


@pytest.mark.parametrize("prompt", ["-", "", "  "])
def test_what_is_no_question_is_refused(cli, db, prompt):
    result = cli("put", prompt, stdin="known")

    assert (result.code, result.out) == (2, "")
    assert not db.exists()


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--temperature", "1"), "temperature 1.0 asks for variety"),
        (("-o", "n=2"), "n = 2 asks for variety"),
        (("--ttl", "0s"), "a TTL of 0"),
    ],
    ids=["temperature", "n", "ttl"],
)
def test_what_would_never_be_served_is_not_stored(cli, listed, flags, reason):
    result = cli("put", "q", *flags, stdin="known")

    assert (result.code, result.out) == (1, "")
    assert f"error: not stored: {reason}" in result.err
    assert listed() == []


def test_it_was_put_ended_by_itself_and_its_cost_is_unknown(cli, prices):
    result = cli("put", "q", "--ttl", "1h", "--json", stdin="known")

    entry = json.loads(result.out)
    assert entry["expires_at"] == pytest.approx(entry["created_at"] + 3600)
    assert {name: entry[name] for name in ("source", "finish_reason", "cost_usd")} == {
        "source": "put",
        "finish_reason": "stop",
        "cost_usd": None,
    }


def test_a_local_model_s_answer_has_no_known_cost_either(cli, listed):
    cli("put", "q", "-m", "ollama/llama3.2", stdin="known")

    assert listed()[0]["cost_usd"] is None


def test_nothing_was_asked_so_the_ledger_has_no_line(cli, store):
    cli("put", "q", stdin="known")

    assert store.file.number("SELECT count(*) FROM ledger") == 0


def test_what_was_stored_is_overwritten_and_keeps_its_id(cli, upstream, listed):
    cli("ask", "q")

    result = cli("put", "q", stdin="known")

    assert result.out == "1\n"
    assert [entry["answer"] for entry in listed()] == ["known"]


def test_the_porch_gives_the_new_answer(program, upstream):
    before = [program("ask", "q").out, program("ask", "q").out]
    program("put", "q", stdin="known")

    assert (before, program("ask", "q").out) == (["answer 1\n", "answer 1\n"], "known\n")


def test_it_can_be_listed_by_its_source(cli, upstream, listed):
    cli("ask", "asked")
    cli("put", "put", stdin="known")

    assert [entry["prompt"] for entry in listed("list", "--source", "put")] == ["put"]


def test_other_words_find_it(cli, encoder):
    cli("put", "how do I undo the last git commit?", stdin="git reset")

    result = cli("ask", "--match", "semantic", "how can I undo my last git commit?")

    assert result.out == "git reset\n"
    assert "semantic hit" in result.err


def test_a_file_that_refuses_a_write_ends_with_5_and_one_line(cli, upstream, db):
    cli("ask", "q")
    connection = sqlite3.connect(db)
    connection.execute(
        "CREATE TRIGGER shut BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'shut'); END"
    )
    connection.close()

    result = cli("put", "q", stdin="known")

    assert (result.code, result.out) == (5, "")
    assert result.err == f"llmc: error: cache file {db}: shut\n"


def test_a_file_that_cannot_be_used_ends_with_5(cli, unusable):
    result = cli("put", "q", "--db", str(unusable.path), stdin="known")

    assert (result.code, result.out) == (5, "")
    assert unusable.reason in result.err


def test_what_is_missing_is_told_with_the_use_of_put(cli):
    result = cli("put", " ", stdin="an answer")

    assert result.err.endswith('llmc:   llmc put "why is the sky blue?", or llmc put --help\n')
