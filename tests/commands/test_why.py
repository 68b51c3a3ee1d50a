from __future__ import annotations

import json
import re

import pytest
from encoder import OTHER, REWORDED, STORED, THIRD, at
from upstream import Reply

from llmc.store import Store


@pytest.fixture
def why(cli, upstream):
    """Ask for the reason with `--json` and return the report."""

    def ask(*arguments, **streams):
        asked = len(upstream.calls)
        result = cli("why", "--json", *arguments, **streams)
        assert (result.code, len(upstream.calls)) == (0, asked), result.err
        return json.loads(result.out)

    return ask


@pytest.fixture
def told(cli):
    """What a person reads, line by line."""
    return lambda *arguments, **streams: cli("why", *arguments, **streams).out.splitlines()


def differences(report: dict) -> list[list[str]]:
    return [each["differences"] for each in report["requests"]]


# -- a hit ---------------------------------------------------------------------------------------


def test_of_the_same_request_it_names_the_entry(cli, why, upstream):
    cli("ask", "one?")

    report = why("one?")

    assert (report["source"], report["id"]) == ("exact", 1)
    assert report["reason"] == "the same request"


def test_of_another_limit_it_says_so(cli, why, upstream):
    cli("ask", "one?")

    assert why("one?", "--max-tokens", "500")["reason"] == "it differs in its token limit"


def test_of_other_words_it_says_what_matched_and_how_near(cli, encoder, told, why):
    encoder.vectors[REWORDED] = at(0.97)
    cli("ask", STORED)

    report = why(REWORDED)

    assert (report["source"], report["id"]) == ("semantic", 1)
    assert report["similarity"] == pytest.approx(0.97, abs=1e-3)
    assert (report["threshold"], report["calibrated"]) == (0.95, False)
    assert report["matched_prompt"] == STORED
    assert told(REWORDED) == [
        "semantic hit: entry 1: the same scope, near enough, and no guard refuses",
        f"asked as “{STORED}”",
        "similarity 0.970, needed 0.95",
        "in a pipe only the same words match, unless --match semantic is given",
    ]


def test_where_only_the_same_words_match_other_words_are_no_hit(cli, encoder, told, monkeypatch):
    cli("ask", "--match", "semantic", STORED)
    monkeypatch.setenv("LLMC_MATCH", "exact")

    lines = told(REWORDED)

    assert lines[0] == "miss: not stored; other words are not looked for (match = exact)"
    assert [line for line in lines if line.startswith("nearest by meaning")] == []


# -- a miss: what is stored ----------------------------------------------------------------------

DIFFERENCES = {
    "a parameter": (["--temperature", "0"], ["-o", "seed=1"], ["seed unset → 1",
                                                              "temperature 0 → unset"]),
    "a system prompt": (["-s", "be brief"], ["-s", "be long"],
                        ["system differs at character 4: “be brief” → “be long”"]),
    "no system prompt": (["-s", "be brief"], [], ["system left out"]),
    "a model": (["-m", "m1"], ["-m", "m2"], ["model m1 → m2"]),
    "a namespace": (["-n", "work"], ["-n", "home"], ["namespace work → home"]),
}  # fmt: skip


@pytest.mark.parametrize(("first", "second", "said"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_of_the_same_prompt_it_says_what_else_differs(
    cli, upstream, why, told, first, second, said
):
    cli("ask", "one?", *first)

    assert differences(why("one?", *second)) == [said]
    assert f"    same prompt; {'; '.join(said)}" in told("one?", *second)


def test_it_says_that_an_answer_has_expired(cli, upstream, why, store):
    cli("ask", "one?", "--ttl", "1h")
    store.file.execute("UPDATE entry SET expires_at = expires_at - 7200")

    report = why("one?")

    assert report["reason"] == "not stored (it has expired); by meaning: no embedder"
    assert differences(report) == [["expired 1 h ago"]]


def test_it_says_what_a_mode_keeps_from_being_served(cli, upstream, why, monkeypatch):
    monkeypatch.setenv("LLMC_CACHE", "all")
    cli("ask", "one?", "-m", "o3")
    monkeypatch.setenv("LLMC_CACHE", "deterministic")

    assert differences(why("one?", "-m", "o3")) == [["not an answer of temperature 0"]]


def test_it_says_that_samples_are_kept_apart(cli, upstream, why):
    cli("ask", "one?", "--sample", "1")

    assert differences(why("one?")) == [["sample 1 of a random answer"]]


def test_it_says_that_variety_was_asked_for(cli, upstream, why):
    cli("ask", "one?")

    assert why("one?", "--temperature", "0.7")["reason"] == "temperature 0.7 asks for variety"


def test_the_nearest_requests_come_first_and_no_more_than_three(cli, upstream, why):
    cli("ask", "one?", "-m", "m1", "-s", "x")
    cli("ask", "one?", "-m", "m1")
    cli("ask", "one?")
    cli("ask", "one?", "-s", "y", "-n", "work")
    cli("ask", "something else entirely")

    report = why("one?", "-s", "z")

    assert [each["id"] for each in report["requests"]] == [4, 3, 2]


def test_a_prompt_is_found_among_many_by_its_words(cli, upstream, why, copies):
    copies(200, 10)
    cli("ask", "the quick brown fox jumps", "-s", "be brief")
    copies(200, 10)

    report = why("the quick brown fox jumps over")

    assert report["requests"][0]["prompt"] == "the quick brown fox jumps"


def test_of_nothing_stored_it_says_nothing_and_makes_no_file(cli, upstream, db, told):
    assert told("one?") == ["miss: not stored; by meaning: no embedder"]
    assert not db.exists()


# -- a miss: by meaning --------------------------------------------------------------------------


def test_it_says_how_near_was_not_near_enough_and_what_would_do(cli, encoder, why, told):
    encoder.vectors[THIRD] = at(0.93)
    cli("ask", STORED)

    report = why(THIRD)

    assert (
        report["reason"] == "not stored; by meaning: no question of the same context is near enough"
    )
    (near,) = report["neighbours"]
    assert (near["id"], near["guard"]) == (1, "similarity")
    assert near["detail"] == "0.930 is less than 0.950"
    assert near["remedy"] == "--threshold 0.93"
    assert told(THIRD)[-3:] == [
        f"nearest by meaning (tiny@{encoder.url}, needed 0.95)",
        f"  entry 1: 0.930 “{STORED}”",
        "    0.930 is less than 0.950; with --threshold 0.93 it would match",
    ]


def test_of_a_measured_embedder_it_names_the_promise_that_would_do(cli, encoder, why, store):
    encoder.vectors[THIRD] = at(0.93)
    measured = {"thresholds": {"10%": 0.9, "5%": 0.955, "strict": 0.98}}
    store.paraphrases.calibrated(f"tiny@{encoder.url}", measured, at=1.0)
    cli("ask", STORED)

    report = why(THIRD)

    assert report["calibrated"] is True
    assert report["neighbours"][0]["remedy"] == "--error 10%"
    assert why(THIRD, "--error", "10%")["source"] == "semantic"


def test_where_a_guard_refuses_too_no_threshold_is_offered(cli, encoder, why):
    encoder.vectors[OTHER] = at(0.93)
    cli("ask", STORED)

    (near,) = why(OTHER)["neighbours"]

    assert near["guard"] not in {None, "similarity"}
    assert near["detail"].startswith("0.930 is less than 0.950; ")
    assert near["remedy"] is None


def test_it_names_the_guard_that_refused(cli, encoder, why, told):
    cli("ask", STORED)

    (near,) = why(OTHER)["neighbours"]

    said = f"{near['guard']}: {near['detail']}"
    assert told(OTHER)[-1] == f"    {said}"
    assert why(OTHER)["reason"].endswith(f"entry 1 is near (1.000), but {said}")


def test_it_names_a_verdict(cli, encoder, why):
    cli("ask", "--match", "semantic", STORED)
    cli("ask", "--match", "semantic", REWORDED)
    cli("bad")
    cli("ask", STORED)

    (near,) = why(REWORDED)["neighbours"]

    assert near["guard"] == "verdict"


def test_what_stands_elsewhere_is_shown_with_the_difference(cli, encoder, why):
    cli("ask", "--match", "semantic", STORED, "-s", "be brief")
    cli("ask", "--match", "semantic", STORED, "-n", "work")

    near = why(REWORDED)["neighbours"]

    assert [(each["guard"], each["detail"]) for each in near] == [
        ("namespace", "it is in the namespace 'work'"),
        ("scope", "system left out"),
    ]


def test_a_question_that_is_exact_only_says_why(cli, encoder, why):
    cli("ask", STORED)

    report = why("what is the weather today?")

    assert "by meaning: exact only: " in report["reason"]
    assert "today" in report["reason"]
    assert report["neighbours"] == []
    assert encoder.calls == []


def test_a_question_is_embedded_once(cli, encoder, why):
    cli("ask", STORED)
    encoder.calls.clear()

    why(OTHER)

    assert encoder.texts == [[OTHER], [STORED]]


def test_a_faulty_embedder_is_asked_and_noted_once(cli, encoder, upstream):
    cli("ask", STORED)
    encoder.will(Reply(status=500))

    result = cli("why", REWORDED)

    assert result.code == 0
    assert result.out.startswith("miss: not stored; by meaning: embeddings: ")
    assert len(result.err.splitlines()) == 1
    assert len(encoder.calls) == 1


def test_nothing_of_the_question_is_written(cli, encoder, store, db):
    cli("ask", STORED)

    cli("why", REWORDED)

    assert list(store.paraphrases.wordings(None)) == []
    lines = "SELECT source, entry_id, embedding_nusd, judging_nusd FROM ledger"
    assert store.file.rows(lines)[1:] == [("failed", None, 14_000_000, 0)]
    assert store.entry(1).hits == 0
    assert b"how can I undo" not in b"".join(path.read_bytes() for path in db.parent.iterdir())


# -- as ask takes it -----------------------------------------------------------------------------


def test_the_question_is_taken_as_ask_takes_it(cli, upstream, home, why):
    (home / "notes.txt").write_text("notes")
    flags = ["-m", "m2", "-s", "be brief", "-f", "notes.txt", "--context", "now", "-o", "seed=1",
             "--temperature", "0", "-n", "work"]  # fmt: skip
    cli("ask", "one?", *flags, stdin="a document\n")

    assert why("one?", *flags, stdin="a document\n")["source"] == "exact"


def test_several_words_are_one_question(cli, upstream, why):
    cli("ask", "why is it blue?")

    assert why("why", "is", "it", "blue?")["source"] == "exact"


def test_a_document_is_left_out_of_what_a_person_reads(cli, upstream, told):
    cli("ask", "what is it?", "-s", "x", stdin="a long document\n")

    assert "  entry 1: “what is it?”" in told("what is it?", stdin="a long document\n")


@pytest.mark.parametrize(
    "arguments",
    [[], ["--error", "5%", "--threshold", "0.9", "x"], ["--error", "7%", "x"]],
    ids=["no question", "two thresholds", "an unknown promise"],
)
def test_a_wrong_command_line_is_one(cli, upstream, arguments):
    result = cli("why", *arguments)

    assert (result.code, result.out) == (2, "")
    assert len(re.findall("^llmc: error:", result.err, re.MULTILINE)) == 1


def test_an_unusable_file_has_its_own_code(cli, unusable):
    assert cli("why", "one?").code == 5


def test_each_request_takes_two_lines_whatever_is_in_it(cli, upstream, told):
    cli("ask", "one\ntwo?", "-s", "a\nb")

    lines = told("one\ntwo?", "-s", "a\nc")

    assert lines[-2:] == [
        "  entry 1: “one two?”",
        "    same prompt; system differs at character 3: “a⏎b” → “a⏎c”",
    ]


def test_control_characters_reach_no_terminal(cli, upstream):
    cli("ask", "one\x1b]0;title\x07?", "-s", "x")

    result = cli("why", "one\x1b]0;title\x07?", terminal=True)

    assert "\x1b" not in result.out


def test_among_very_many_entries_it_is_quick(cli, upstream, copies, db):
    """No query looks through all there is: they are counted by the steps that SQLite takes."""
    copies(20_000, 2)
    cli("ask", "copy of a copy", "-s", "x")
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 1
        return False

    with Store(str(db)) as store:
        store.file._db.set_progress_handler(count, 1000)
        found = store.akin("copy of another copy", b"no scope", limit=5)

    assert found[0].prompt == "copy of a copy"
    assert steps < 10


def test_what_embedding_costs_is_counted_and_is_no_request(cli, encoder, upstream):
    cli("ask", STORED)

    cli("why", REWORDED)

    found = json.loads(cli("stats", "--json").out)
    assert (found["requests"], found["embedding_usd"]) == (1, pytest.approx(2 * 0.007))


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ("expires_at = 1.0", "it has expired"),
        ("temperature = 0.7", "it is not an answer of temperature 0"),
    ],
)
def test_what_keeps_a_neighbour_from_serving_is_named(
    cli, encoder, store, why, monkeypatch, ended, said
):
    cli("ask", "--match", "semantic", STORED)
    monkeypatch.setenv("LLMC_CACHE", "deterministic")
    store.file.execute(f"UPDATE entry SET {ended}")

    (found,) = why(REWORDED)["neighbours"]

    assert (found["guard"], found["detail"]) == ("life", said)


def test_what_is_missing_is_told_with_the_use_of_why(cli):
    result = cli("why")

    assert result.err.endswith('llmc:   llmc why "why is the sky blue?", or llmc why --help\n')
