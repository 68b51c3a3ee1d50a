from __future__ import annotations

import json

import pytest
from encoder import STORED, THIRD

from llmc.transfer import arrivals


@pytest.fixture
def exported(cli, upstream, tmp_path) -> str:
    """A file of two answers."""
    cli("ask", "one")
    cli("ask", "two", "--ttl", "1h")
    path = tmp_path / "answers.jsonl"
    path.write_text(cli("export").out, encoding="utf-8")
    return str(path)


@pytest.fixture
def other(tmp_path) -> str:
    """Where another cache file may be."""
    return str(tmp_path / "other.db")


def test_an_export_taken_in_is_exported_the_same(cli, exported, other):
    result = cli("import", exported, "--db", other)

    assert (result.code, result.out, result.err) == (0, "took in 2 entries\n", "")
    assert cli("export", "--db", other).out == cli("export").out


def test_what_was_taken_in_answers(cli, upstream, exported, other):
    cli("import", exported, "--db", other)

    result = cli("ask", "one", "--offline", "--db", other)

    assert (result.code, result.out) == (0, "answer 1\n")
    assert "exact hit" in result.err


def test_a_second_time_changes_nothing(cli, exported, other):
    cli("import", exported, "--db", other)

    result = cli("import", exported, "--db", other)

    assert result.out == "took in 0 entries; 2 were there already\n"


def test_standard_input_is_read_for_a_hyphen(cli, exported, other):
    result = cli("import", "-", "--db", other, stdin=cli("export").out)

    assert (result.code, result.out) == (0, "took in 2 entries\n")


def test_rules_come_along_and_do_not_act_while_they_do(cli, upstream, other):
    cli("ask", "the price")
    cli("rules", "add", "--pattern", "price", "--ttl", "0")
    cli("rules", "add", "--event", "deploy", "--pattern", "v{version}")
    exported = cli("export").out

    result = cli("import", "-", "--db", other, stdin=exported)

    assert (result.code, result.out) == (0, "took in 1 entry and 2 rules\n")
    assert cli("export", "--db", other).out == exported
    assert cli("ask", "the price", "--offline", "--db", other).code == 3


def test_json_counts(cli, exported, other):
    result = cli("import", exported, "--json", "--db", other)

    assert json.loads(result.out) == {
        "entries": 2, "verdicts": 0, "rules": 0, "known": 0, "skipped": 0,
    }  # fmt: skip


def test_a_dry_run_takes_nothing_in(cli, exported, other):
    result = cli("import", exported, "--dry-run", "--db", other)

    assert result.out == "would take in 2 entries\n"
    assert cli("export", "--db", other).out == ""


def test_an_answer_of_ten_megabytes_comes_back_the_same(cli, other):
    answer = 'a line\n\t"quoted" \x01' * 480_000
    cli("put", "long", stdin=answer)
    exported = cli("export").out

    result = cli("import", "-", "--db", other, stdin=exported)

    assert (result.out, result.err) == ("took in 1 entry\n", "")
    assert cli("export", "--db", other).out == exported


def test_a_line_without_an_end_is_refused(cli, other, monkeypatch):
    monkeypatch.setattr(arrivals, "_LONGEST", 1000)

    result = cli("import", "-", "--db", other, stdin="{}\n" + " " * 2000)

    assert (result.code, result.out) == (2, "")
    assert result.err.endswith("standard input, line 2: it is larger than any answer\n")


def test_bad_lines_are_told_by_their_numbers_and_skipped(cli, exported, other):
    text = b"\xef\xbb\xbf{\n\n" + cli("export").out.encode() + b"{}\n\xff\n"

    result = cli("import", "-", "--db", other, stdin=text)

    assert (result.code, result.out) == (0, "took in 2 entries\n")
    assert result.err == (
        "llmc: line 1: it is not JSON: expecting property name enclosed in double quotes"
        " (column 2); skipped\n"
        "llmc: line 5: its 'kind' is neither 'entry', 'verdict' nor 'rule'; skipped\n"
        "llmc: line 6: it is not UTF-8; skipped\n"
    )


def test_strictly_one_bad_line_refuses_all(cli, exported, other):
    text = cli("export").out + "{}\n"

    result = cli("import", "-", "--strict", "--db", other, stdin=text)

    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "llmc: error: standard input, line 3: its 'kind' is neither 'entry', 'verdict' nor 'rule'\n"
    )
    assert cli("export", "--db", other).out == ""


def test_a_file_that_cannot_be_read_makes_no_cache(cli, tmp_path, db):
    missing, folder = str(tmp_path / "missing.jsonl"), str(tmp_path)

    results = [cli("import", missing), cli("import", folder)]

    assert [(each.code, each.err) for each in results] == [
        (2, f"llmc: error: {missing}: no such file or directory\n"),
        (2, f"llmc: error: {folder}: is a directory\n"),
    ]
    assert not db.exists()


def test_what_was_rejected_is_not_matched_in_another_file(cli, upstream, encoder, other):
    cli("ask", STORED)
    cli("ask", THIRD, "--match", "semantic")
    cli("bad")
    cli("import", "-", "--db", other, stdin=cli("export").out)
    cli("ask", STORED, "--db", other)

    result = cli("ask", THIRD, "--match", "semantic", "--db", other)

    assert result.out == "answer 3\n"


def test_other_words_that_served_travel_with_their_answer(cli, upstream, encoder, other):
    cli("ask", STORED)
    cli("ask", THIRD, "--match", "semantic")
    cli("import", "-", "--db", other, stdin=cli("export").out)
    before = len(encoder.calls)

    result = cli("ask", THIRD, "--match", "semantic", "--db", other)

    assert (result.out, len(encoder.calls)) == ("answer 1\n", before)
    assert "semantic hit" in result.err
