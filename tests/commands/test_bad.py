from __future__ import annotations

import json

import pytest
from encoder import REWORDED, STORED, THIRD
from upstream import Reply

COST = 0.0014


@pytest.fixture
def meant(answer):
    """Ask by meaning with `--json` and return the object."""
    return lambda *arguments, **streams: answer("--match", "semantic", *arguments, **streams)


@pytest.fixture
def reworded(meant, encoder) -> None:
    """An answer that was last given to a question in other words."""
    meant(STORED)
    meant(REWORDED)


def test_the_last_answer_goes(cli, upstream, listed):
    cli("ask", "one?")
    cli("ask", "two?")

    result = cli("bad")

    assert (result.code, result.out) == (0, "removed entry 2, “two?”\n")
    assert [entry["prompt"] for entry in listed()] == ["one?"]


def test_the_answer_that_is_named_goes(cli, upstream, listed):
    cli("ask", "one?")
    cli("ask", "two?")

    result = cli("bad", "1")

    assert result.out == "removed entry 1, “one?”\n"
    assert [entry["prompt"] for entry in listed()] == ["two?"]


def test_a_wrong_match_is_not_made_again_in_either_direction(cli, meant, reworded, upstream):
    result = cli("bad")

    assert result.out == f"removed entry 1, “{STORED}”; it will not answer “{REWORDED}” again\n"
    assert meant(STORED)["source"] == "model"
    assert meant(REWORDED)["source"] == "model"
    cli("bad", str(meant(STORED)["id"]))
    assert meant(STORED)["source"] == "model"
    assert len(upstream.calls) == 4


def test_other_pairs_still_match(cli, meant, reworded):
    cli("bad")
    meant(STORED)

    assert meant(THIRD)["source"] == "semantic"


def test_a_rejected_pair_matches_in_no_other_scope_either(cli, meant, reworded):
    cli("bad")
    meant(STORED, "-s", "be brief")

    assert meant(REWORDED, "-s", "be brief")["source"] == "model"


def test_a_refused_wording_is_embedded_again_and_the_veto_stands(cli, meant, reworded, encoder):
    meant(THIRD)
    cli("bad")
    meant(STORED)
    asked = len(encoder.calls)

    found = meant(THIRD)

    assert found["source"] == "model"
    assert len(encoder.calls) == asked + 1


def test_an_exact_hit_on_a_matched_answer_vetoes_nothing(cli, meant, reworded):
    meant(STORED)

    result = cli("bad")
    meant(STORED)

    assert "will not answer" not in result.out
    assert meant(REWORDED)["source"] == "semantic"


def test_the_id_of_a_match_vetoes_it_whatever_was_asked_since(cli, meant, reworded):
    meant(STORED)

    result = cli("bad", "1")
    meant(STORED)

    assert f"it will not answer “{REWORDED}” again" in result.out
    assert meant(REWORDED)["source"] == "model"


def test_of_several_wordings_the_last_is_meant(cli, meant, reworded):
    meant(THIRD)
    meant(REWORDED)

    result = cli("bad")

    assert f"it will not answer “{REWORDED}” again" in result.out


def test_the_wording_is_shown_without_its_document(cli, meant, encoder):
    meant(STORED, stdin="a document\n")
    meant(REWORDED, stdin="a document\n")

    result = cli("bad")

    assert result.out == f"removed entry 1, “{STORED}”; it will not answer “{REWORDED}” again\n"


def test_the_porch_never_gives_a_removed_answer(cli, program, upstream):
    program("ask", "one?")
    program("ask", "one?")

    cli("bad")

    assert program("ask", "one?").out == "answer 2\n"


def test_an_answer_is_asked_anew_on_request(cli, meant, reworded, upstream, listed):
    result = cli("bad", "--refresh")

    assert (result.code, result.out) == (0, "answer 2\n")
    assert upstream.calls[-1].body["messages"][-1]["content"] == REWORDED
    assert f"it will not answer “{REWORDED}” again" in result.err
    assert "asked gpt-6-luna" in result.err
    assert [entry["prompt"] for entry in listed()] == [REWORDED]
    assert meant(STORED)["source"] == "model"


def test_an_answer_that_is_asked_anew_is_the_same_request(cli, answer, upstream, home):
    (home / "notes.txt").write_text("notes")
    flags = ["-s", "be brief", "-f", "notes.txt", "-o", "seed=1", "-m", "m2", "-n", "work"]
    answer(STORED, *flags, stdin="a document\n")

    cli("bad", "--refresh")

    first, second = (call.body for call in upstream.calls)
    assert first == second
    found = answer(STORED, *flags, stdin="a document\n")
    assert (found["source"], found["answer"]) == ("exact", "answer 2")


def test_json_says_what_went(cli, reworded):
    result = cli("bad", "--json")

    assert json.loads(result.out) == {"removed": 1, "prompt": STORED, "vetoed": REWORDED}


def test_json_of_a_new_answer_is_that_of_ask(cli, reworded):
    result = cli("bad", "--refresh", "--json")

    assert json.loads(result.out)["answer"] == "answer 2"
    assert json.loads(result.out)["source"] == "model"
    assert (json.loads(result.out)["removed"], json.loads(result.out)["vetoed"]) == (1, REWORDED)


def test_an_id_that_is_named_is_looked_for_in_an_empty_file_too(cli, upstream):
    result = cli("bad", "7")

    assert (result.code, result.err.splitlines()[0]) == (1, "llmc: error: no entry 7")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["99"], 1, "llmc: error: no entry 99"),
        (["0"], 2, "llmc: error: "),
        (["x"], 2, "llmc: error: "),
    ],
)
def test_an_unknown_id_is_one_line_and_a_code(cli, upstream, arguments, code, said):
    cli("ask", "one?")

    result = cli("bad", *arguments)

    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(said)


def test_an_empty_file_has_nothing_bad_and_is_not_made(cli, db):
    result = cli("bad")

    assert (result.code, result.err) == (1, "llmc: error: nothing is stored yet\n")
    assert not db.exists()


def test_an_answer_that_was_not_stored_cannot_be_removed(cli, upstream):
    cli("ask", "one?")
    cli("ask", "--no-cache", "two?")

    result = cli("bad")

    assert result.code == 1
    assert "the last answer was not stored" in result.err


def test_a_model_that_fails_leaves_the_answer_removed(cli, reworded, upstream, listed):
    upstream.will(Reply(status=400))

    result = cli("bad", "--refresh")

    assert result.code == 1
    assert listed() == []


def test_an_address_that_is_no_longer_configured_is_said(cli, upstream, monkeypatch):
    cli("ask", "one?")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")

    result = cli("bad", "--refresh")

    assert result.code == 1
    assert f"no provider is configured for {upstream.url}" in result.err


def test_a_removed_answer_leaves_no_text_behind(cli, meant, reworded, db):
    cli("bad")

    stored = b"".join(path.read_bytes() for path in db.parent.iterdir())
    assert b"undo the last git" not in stored


def test_a_verdict_survives_its_entry(cli, reworded, store):
    cli("bad")

    (verdict,) = store.paraphrases.verdicts()
    assert (verdict.origin, verdict.right, verdict.namespace) == ("bad", False, "default")
    assert verdict.similarity == pytest.approx(1.0, abs=1e-3)


def test_an_unusable_file_has_its_own_code(cli, unusable):
    result = cli("bad")

    assert result.code == 5
    assert unusable.reason in result.err


def test_a_new_answer_that_is_none_is_a_failure(cli, reworded, upstream, listed):
    upstream.will(Reply(message={"role": "assistant", "content": None, "refusal": "I cannot"}))

    result = cli("bad", "--refresh")

    assert result.code == 1
    assert "the model refused: I cannot" in result.err
    assert listed() == []


def test_a_verdict_holds_where_an_instruction_is_about_a_given_text(cli, upstream, encoder):
    given = "the cat sat on the mat"
    cli("ask", f"Summarise this sentence in one line: {given}")
    cli("ask", f"Can you summarise this sentence in one line: {given}", "--match", "semantic")
    cli("bad", "--refresh")

    result = cli("ask", f"Summarise this sentence in one line: {given}", "--match", "semantic")

    assert result.out == "answer 3\n"
