"""`llmc ask` where a stored question in other words may answer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest
from encoder import OTHER, REWORDED, STORED, THIRD, Embedder, at, reply
from terminals import Terminal, eventually
from upstream import Reply

from llmc import aside, opening
from llmc.errors import CacheFileError, EmbeddingError
from llmc.local import minilm

ROOT = str(Path(__file__).resolve().parent.parent.parent)
COST, TEXT = 0.0014, 0.007


@pytest.fixture
def meant(answer):
    """Ask by meaning with `--json` and return the object."""

    def ask(*arguments, **streams):
        return answer("--match", "semantic", *arguments, **streams)

    return ask


@pytest.fixture
def kept(meant, encoder) -> None:
    """The stored question, with its vector."""
    meant(STORED)


@pytest.fixture
def figures(cli):
    """What `stats` counts."""
    return lambda: json.loads(cli("stats", "--json").out)


# -- a hit ---------------------------------------------------------------------------------------


def test_a_question_in_other_words_is_answered_from_the_file(meant, kept, upstream):
    found = meant(REWORDED)

    assert found["answer"] == "answer 1"
    assert (found["source"], found["level"], found["id"]) == ("semantic", 4, 1)
    assert found["matched_prompt"] == STORED
    assert found["similarity"] == pytest.approx(0.9998, abs=1e-4)
    assert len(upstream.calls) == 1


def test_a_hit_costs_nothing_and_saves_what_the_original_cost(meant, kept):
    found = meant(REWORDED)

    assert (found["cost_usd"], found["saved_usd"]) == (0, COST)
    assert set(found["usage"].values()) == {0}


def test_a_hit_says_where_it_came_from_and_how_to_reject_it(cli, kept, encoder):
    encoder.vectors[REWORDED] = at(0.97)

    result = cli("ask", "--match", "semantic", REWORDED)

    assert result.out == "answer 1\n"
    assert re.fullmatch(
        r"llmc: semantic hit, \d s old, saved \$0\.0014; asked as “how do I undo the last git"
        r" commit\?”, similarity 0\.970; wrong\? llmc bad 1\n",
        result.err,
    )


def test_a_quiet_hit_says_nothing(cli, kept):
    result = cli("ask", "-q", "--match", "semantic", REWORDED)

    assert (result.out, result.err) == ("answer 1\n", "")


def test_the_same_words_are_found_before_other_words(meant, kept, encoder):
    found = meant(STORED)

    assert found["source"] == "exact"
    assert len(encoder.calls) == 1


def test_a_hit_is_counted_as_semantic(meant, kept, figures):
    meant(REWORDED)

    found = figures()
    assert (found["hits"], found["hits_semantic"], found["hits_exact"]) == (1, 1, 0)
    assert found["avoided_usd"] == pytest.approx(COST)


# -- who may be answered so ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "environ", "source"),
    [
        ([], {}, "model"),
        (["--match", "auto"], {}, "model"),
        (["--exact"], {"LLMC_MATCH": "semantic"}, "model"),
        (["--match", "exact"], {"LLMC_MATCH": "semantic"}, "model"),
        ([], {"LLMC_MATCH": "exact"}, "model"),
        (["--match", "semantic"], {"LLMC_MATCH": "exact"}, "semantic"),
        ([], {"LLMC_MATCH": "semantic"}, "semantic"),
    ],
)
def test_into_a_pipe_other_words_match_only_where_that_was_asked_for(
    answer, kept, monkeypatch, arguments, environ, source
):
    [monkeypatch.setenv(name, value) for name, value in environ.items()]

    assert answer(REWORDED, *arguments)["source"] == source


def test_the_users_configuration_may_ask_for_other_words(answer, kept, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(f'match = "semantic"\n{path.read_text()}')

    assert answer(REWORDED)["source"] == "semantic"


def test_a_projects_file_may_ask_for_other_words(answer, kept, home):
    (home / ".llmc.toml").write_text('match = "semantic"\n')

    assert answer(REWORDED)["source"] == "semantic"


@pytest.mark.parametrize(
    ("arguments", "source"),
    [([], "semantic"), (["--match", "auto"], "semantic"), (["--exact"], "model")],
    ids=["by default", "auto", "--exact"],
)
def test_on_a_terminal_other_words_match_by_themselves(kept, upstream, arguments, source):
    command = [sys.executable, "-m", "llmc", "ask", "--no-stream", REWORDED, *arguments]
    env = os.environ | {"PYTHONPATH": ROOT}

    with Terminal(*command, env=env) as terminal:
        shown = terminal.rest()

    said = {"semantic": "llmc: semantic hit", "model": "llmc: asked gpt-6-luna"}
    assert said[source] in shown


# -- what must be the same -----------------------------------------------------------------------

DOCUMENTS = {
    "another system prompt": (["-s", "be brief"], ["-s", "be long"], None, None),
    "a system prompt of its own": ([], ["-s", "be brief"], None, None),
    "no system prompt": (["-s", "be brief"], [], None, None),
    "another model": (["-m", "m1"], ["-m", "m2"], None, None),
    "another temperature": (["--temperature", "0"], [], None, None),
    "another parameter": (["-o", "seed=1"], ["-o", "seed=2"], None, None),
    "another limit": (["--max-tokens", "50"], ["--max-tokens", "60"], None, None),
    "another schema": ([], ["--schema", '{"type": "object"}'], None, None),
    "another context": (["--context", "on Monday"], ["--context", "on Tuesday"], None, None),
    "another file": (["-f", "one.txt"], ["-f", "two.txt"], None, None),
    "another namespace": (["-n", "work"], ["-n", "home"], None, None),
    "another document": ([], [], "one\n", "two\n"),
    "a document": ([], [], None, "one\n"),
    "no document": ([], [], "one\n", None),
}


@pytest.mark.parametrize(("first", "second", "piped", "then"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_whatever_else_differs_no_other_words_match(
    meant, encoder, home, first, second, piped, then
):
    (home / "one.txt").write_text("one")
    (home / "two.txt").write_text("two")
    meant(STORED, *first, stdin=piped)

    found = meant(REWORDED, *second, stdin=then)

    assert found["source"] == "model"
    assert meant(REWORDED + " ", *first, stdin=piped)["source"] == "semantic"


def test_another_address_is_another_scope(meant, kept, upstream, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.url.replace("/v1", "/v2"))

    assert meant(REWORDED)["source"] == "model"


def test_nearer_questions_of_other_scopes_do_not_hide_the_right_one(meant, encoder):
    encoder.vectors[STORED] = at(0.96)
    meant(STORED)
    [meant(THIRD, "-s", f"system {number}") for number in range(8)]

    assert meant(REWORDED)["matched_prompt"] == STORED


def test_files_alone_keep_two_questions_apart_and_their_words_are_not_embedded(
    meant, encoder, home
):
    (home / "notes.txt").write_text("the notes")
    meant(STORED, "-f", "notes.txt", stdin="a document\n")

    assert encoder.texts == [[STORED]]


@pytest.mark.parametrize(
    "question",
    [
        "how do I undo commit 4?",
        "how do I undo commit 5 today?",
        "shorter",
        "word " * 70,
    ],
    ids=["a number", "the present", "too short", "too long"],
)
def test_a_question_that_no_other_may_answer_for_is_asked(meant, encoder, question):
    meant("how do I undo commit 5?")

    assert meant(question)["source"] == "model"


@pytest.mark.parametrize(
    ("similarity", "flags", "source"),
    [
        (0.94, [], "model"),
        (0.96, [], "semantic"),
        (0.94, ["--threshold", "0.93"], "semantic"),
        (0.96, ["--threshold", "0.97"], "model"),
        (0.30, ["--threshold", "0"], "semantic"),
    ],
)
def test_what_is_not_near_enough_does_not_match(meant, kept, encoder, similarity, flags, source):
    encoder.vectors[THIRD] = at(similarity)

    assert meant(THIRD, *flags)["source"] == source


def test_a_guard_refuses_however_near_the_question_is(meant, kept):
    assert meant(OTHER)["source"] == "model"


def test_an_expired_answer_does_not_match(meant, encoder, store):
    meant(STORED, "--ttl", "1h")
    store.file.execute("UPDATE entry SET expires_at = 1")

    assert meant(REWORDED)["source"] == "model"


def test_a_hit_does_not_lengthen_a_life(meant, encoder, store):
    meant(STORED, "--ttl", "1h")
    ends = store.entry(1).expires_at

    found = meant(REWORDED)

    assert found["expires_at"] == ends
    assert store.entry(1).expires_at == ends


@pytest.mark.parametrize(
    "flags",
    [["--refresh"], ["--no-cache"], ["--sample", "2"], ["--temperature", "0.7"]],
    ids=" ".join,
)
def test_what_is_not_read_from_the_file_is_not_matched_either(meant, encoder, flags):
    meant(STORED, *[flag for flag in flags if flag.startswith("--temp") or flag == "0.7"])
    asked = len(encoder.calls)

    assert meant(REWORDED, *flags)["source"] == "model"
    assert len(encoder.calls) == asked


def test_a_stated_temperature_matches_where_all_is_kept(meant, encoder, monkeypatch):
    monkeypatch.setenv("LLMC_CACHE", "all")
    meant(STORED, "--temperature", "0.7")

    assert meant(REWORDED, "--temperature", "0.7")["source"] == "semantic"
    assert meant(THIRD, "--temperature", "0.8")["source"] == "model"


def test_remembered_samples_do_not_answer_other_words(meant, encoder):
    meant(STORED, "--sample", "1")

    assert meant(REWORDED)["source"] == "model"


# -- the embedder --------------------------------------------------------------------------------


def test_a_question_is_embedded_once_and_its_answer_found_by_others(meant, kept, encoder):
    meant(REWORDED)

    assert encoder.texts == [[STORED], [REWORDED]]


def test_what_was_asked_in_a_pipe_is_embedded_at_the_next_search_in_its_scope(
    answer, meant, encoder
):
    answer(STORED)
    answer(OTHER)
    answer(STORED, "-s", "another scope")
    assert encoder.calls == []

    found = meant(REWORDED)

    assert found["matched_prompt"] == STORED
    assert encoder.texts == [[REWORDED], [OTHER, STORED]]


def test_another_embedder_embeds_anew_what_a_question_needs(meant, kept, encoder, monkeypatch):
    monkeypatch.setenv("LLMC_EMBEDDER", "enc/other")

    found = meant(REWORDED)

    assert found["source"] == "semantic"
    assert [call.body["model"] for call in encoder.calls] == ["tiny", "other", "other"]


def test_offline_no_remote_embedder_is_asked(cli, kept, encoder):
    result = cli("ask", "--offline", "--match", "semantic", REWORDED)

    assert result.code == 3
    assert len(encoder.calls) == 1


def test_offline_a_learned_wording_is_still_an_answer(meant, kept, encoder):
    meant(REWORDED)

    assert meant("--offline", REWORDED)["source"] == "semantic"
    assert len(encoder.calls) == 2


def test_a_dry_run_asks_no_remote_embedder(meant, kept, encoder):
    plan = meant("--dry-run", REWORDED)

    assert plan["source"] == "model"
    assert "remote" in plan["reason"]
    assert len(encoder.calls) == 1


def test_a_dry_run_rounds_a_similarity_as_ask_does(meant, kept, encoder):
    encoder.vectors[REWORDED] = at(0.9712345678)
    found = meant(REWORDED)["similarity"]

    assert meant("--dry-run", REWORDED)["similarity"] == found == round(found, 6)


def test_a_dry_run_tells_of_a_learned_wording_and_learns_none(meant, kept, store):
    meant(REWORDED)

    plan = meant("--dry-run", REWORDED)

    assert (plan["source"], plan["id"], plan["matched_prompt"]) == ("semantic", 1, STORED)
    assert len(store.ledger.totals(since=0, by="source")) == 2


def test_the_tokens_of_an_embedder_are_a_cost(meant, kept, figures):
    meant(REWORDED)

    found = figures()
    assert found["embedding_usd"] == pytest.approx(2 * TEXT)
    assert found["net_usd"] == pytest.approx(COST - 2 * TEXT)


def test_a_search_that_found_nothing_costs_too(meant, kept, figures):
    meant(OTHER)

    assert figures()["embedding_usd"] == pytest.approx(2 * TEXT)


def test_a_search_costs_though_the_model_then_fails(cli, kept, upstream, figures):
    upstream.will(Reply(status=400))

    result = cli("ask", "--match", "semantic", OTHER)

    assert result.code == 1
    found = figures()
    assert found["embedding_usd"] == pytest.approx(2 * TEXT)
    assert (found["requests"], found["misses"], found["hits"]) == (1, 1, 0)


def test_a_search_costs_though_the_index_then_fails(meant, kept, store, figures):
    store.file.execute("ALTER TABLE vector RENAME TO elsewhere")

    meant(REWORDED)

    assert figures()["embedding_usd"] == pytest.approx(2 * TEXT)


def test_a_stale_answer_bears_the_cost_of_its_search(cli, encoder, upstream, figures, store):
    cli("ask", "--match", "semantic", STORED, "--ttl", "1h")
    store.file.execute("UPDATE entry SET expires_at = 1")
    upstream.will(*[Reply(status=503)] * 3)

    result = cli("ask", "--match", "semantic", STORED, "--retries", "0", "--stale-if-error", "90y")

    assert result.out == "answer 1\n"
    assert figures()["embedding_usd"] == pytest.approx(2 * TEXT)


def test_a_failed_call_is_not_the_last_answer(cli, kept, upstream):
    upstream.will(Reply(status=400))
    cli("ask", "--match", "semantic", OTHER)

    assert json.loads(cli("show", "--json").out)["prompt"] == STORED


def test_without_an_embedder_the_same_words_match_and_a_note_says_so(cli, upstream):
    cli("ask", STORED)

    result = cli("ask", "--match", "semantic", STORED)
    other = cli("ask", "--match", "semantic", REWORDED)

    assert result.out == "answer 1\n"
    assert other.out == "answer 2\n"
    assert other.err.count("no embedder") == 1
    assert "llmc model pull" in other.err


def test_verbosely_a_miss_says_what_was_looked_for(cli, kept):
    result = cli("ask", "-v", "--match", "semantic", OTHER)

    assert "; by meaning: entry 1 is near (1.000), but" in result.err


# -- the wordings that were accepted -------------------------------------------------------------


def test_an_accepted_wording_is_not_embedded_again(meant, kept, encoder):
    encoder.vectors[REWORDED] = at(0.97)
    first = meant(REWORDED)

    second = meant(REWORDED)

    assert (second["source"], second["level"]) == ("semantic", 4)
    assert second["similarity"] == first["similarity"] == pytest.approx(0.97, abs=1e-3)
    assert second["matched_prompt"] == STORED
    assert len(encoder.calls) == 2


def test_an_accepted_wording_still_counts_as_semantic(meant, kept, figures):
    [meant(REWORDED) for _ in range(3)]

    assert figures()["hits_semantic"] == 3


@pytest.mark.parametrize("flags", [["--exact"], ["--match", "auto"], []], ids=str)
def test_an_accepted_wording_is_not_followed_where_nobody_asked_for_it(answer, meant, kept, flags):
    meant(REWORDED)

    assert answer(REWORDED, *flags)["source"] == "model"


def test_an_accepted_wording_is_no_neighbour_of_others(meant, kept, encoder):
    encoder.vectors[REWORDED] = at(0.96)
    encoder.vectors[THIRD] = [0.8432, 0.5376, *[0.0] * 6]  # 0.96 from that, 0.84 from the stored
    meant(REWORDED)

    assert meant(THIRD)["source"] == "model"


@pytest.mark.parametrize("flag", ["--refresh", "--exact"])
def test_an_answer_of_its_own_is_given_before_anothers(meant, answer, kept, flag):
    meant(REWORDED)
    answer(flag, REWORDED)

    found = meant(REWORDED)

    assert (found["source"], found["answer"]) == ("exact", "answer 2")


@pytest.mark.parametrize("flags", [["--threshold", "0.98"], ["--error", "strict"]], ids=" ".join)
def test_an_accepted_wording_is_held_to_the_threshold_of_the_day(
    meant, kept, encoder, store, flags
):
    encoder.vectors[REWORDED] = at(0.97)
    measured = {"thresholds": {"strict": 0.98, "5%": 0.95}}
    store.paraphrases.calibrated(f"tiny@{encoder.url}", measured, at=1.0)
    meant(REWORDED)

    assert meant(REWORDED, *flags)["source"] == "model"


def test_an_accepted_wording_expires_with_its_entry(meant, kept, store):
    meant(REWORDED)
    store.file.execute("UPDATE entry SET expires_at = 1")

    assert meant(REWORDED)["source"] == "model"


def test_an_accepted_wording_of_another_embedder_is_embedded(meant, kept, encoder, monkeypatch):
    meant(REWORDED)
    monkeypatch.setenv("LLMC_EMBEDDER", "enc/other")

    meant(REWORDED)

    assert [call.body["model"] for call in encoder.calls[2:]] == ["other", "other"]


@pytest.mark.parametrize(
    "removal",
    [["bad", "1"], ["invalidate", "--yes", "git"], ["prune", "--yes", "--max-entries", "0"]],
    ids=lambda words: words[0],
)
def test_an_accepted_wording_goes_with_its_entry(meant, kept, cli, store, removal):
    meant(REWORDED)

    cli(*removal)

    assert list(store.paraphrases.wordings(None)) == []
    assert store.file.number("SELECT count(*) FROM vector") == 0


def test_the_porch_repeats_no_semantic_hit(meant, kept, program, upstream):
    program("ask", "--match", "semantic", REWORDED)
    program("ask", "--match", "semantic", REWORDED)

    result = program("ask", "--match", "semantic", REWORDED)

    assert "semantic hit" in result.err
    assert len(upstream.calls) == 1


# -- faults --------------------------------------------------------------------------------------

NAN = float("nan")
FAULTS = {
    "another dimension": reply([[1.0, 0.0]]),
    "no number": reply([[NAN] * 8]),
    "zeros": reply([[0.0] * 8]),
    "fewer vectors": reply([]),
    "more vectors": reply([at(1.0)] * 2),
    "wrong numbers": reply([at(1.0)], data=[{"index": 7, "embedding": at(1.0)}]),
    "a page": Reply(raw=b"<html>no</html>", content_type="text/html"),
    "nothing": Reply(raw=b""),
    "an error": Reply(status=500),
    "a refused key": Reply(status=401),
    "silence": Reply(delay=30.0),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_faulty_embedder_means_a_miss_and_one_note(cli, kept, encoder, upstream, fault):
    encoder.will(fault, fault)

    result = cli("ask", "--match", "semantic", REWORDED, "--timeout", "0.4")

    assert (result.code, result.out) == (0, "answer 2\n")
    notes = result.err.splitlines()[:-1]
    assert len(notes) == 1
    assert encoder.url.split("/")[2] in notes[0]


def test_an_embedder_that_is_not_there_means_a_miss_and_one_note(cli, kept, encoder):
    encoder.stop()

    result = cli("ask", "--match", "semantic", REWORDED)

    assert (result.code, result.out) == (0, "answer 2\n")
    assert result.err.count("cannot be reached; matching the same words only") == 1
    assert len(result.err.splitlines()) == 2


def test_quietly_a_faulty_embedder_says_nothing(cli, kept, encoder):
    encoder.will(Reply(status=500))

    result = cli("ask", "-q", "--match", "semantic", REWORDED)

    assert (result.out, result.err) == ("answer 2\n", "")


def test_a_dimension_that_changed_for_good_is_taken_from_the_next_question_on(meant, kept, encoder):
    encoder.will(reply([[1.0, 0.0]]), reply([[0.9998, 0.02]]), reply([[1.0, 0.0]] * 2))

    assert meant(REWORDED)["source"] == "model"
    assert meant(THIRD)["matched_prompt"] == REWORDED


def test_a_dimension_that_changed_for_once_costs_no_more_than_once(meant, kept, encoder):
    encoder.will(reply([[1.0, 0.0]]))
    meant(OTHER)
    encoder.calls.clear()

    found = meant(REWORDED)

    assert found["source"] == "semantic"
    assert [len(texts) for texts in encoder.texts] == [1, 1]


@pytest.mark.parametrize("content", [None, b"", b"no model" * 999], ids=["none", "empty", "junk"])
def test_a_model_file_that_cannot_be_used_means_a_miss_and_one_note(
    cli, upstream, home, monkeypatch, content
):
    monkeypatch.setenv("LLMC_EMBEDDER", "minilm")
    folder = home / ".local" / "share" / "llmc" / "models"
    folder.mkdir(parents=True)
    if content is not None:
        (folder / "minilm.safetensors").write_bytes(content)
    cli("ask", "-q", STORED)

    result = cli("ask", "--match", "semantic", REWORDED)

    assert (result.code, result.out) == (0, "answer 2\n")
    assert len(result.err.splitlines()) == 2
    assert "model file" in result.err.splitlines()[0]


def test_an_index_that_lacks_a_table_means_a_miss_and_one_note(cli, kept, store):
    tables = store.file.rows(
        "SELECT name FROM sqlite_schema WHERE name LIKE 'index\\_1%' ESCAPE '\\'"
    )
    store.vectors.fault()
    store.file.execute(f"DROP TABLE {min(name for (name,) in tables)}")

    result = cli("ask", "--match", "semantic", REWORDED)

    assert (result.code, result.out) == (0, "answer 2\n")
    assert len(result.err.splitlines()) == 2


def test_without_the_search_library_nothing_is_embedded_and_only_verbosity_says_so(
    cli, kept, encoder, monkeypatch
):
    from importlib.machinery import PathFinder

    find = PathFinder.find_spec
    monkeypatch.setattr(
        PathFinder,
        "find_spec",
        lambda name, *more: None if name == "sqlite_vec" else find(name, *more),
    )

    encoder.calls.clear()

    result = cli("ask", "--match", "semantic", REWORDED)
    verbose = cli("ask", "-v", "--match", "semantic", THIRD)

    assert (result.code, result.out) == (0, "answer 2\n")
    assert len(result.err.splitlines()) == 1
    assert "; by meaning: cache file" in verbose.err
    assert "sqlite-vec, which searches vectors, is not installed" in verbose.err
    assert encoder.calls == []


@pytest.mark.parametrize("words", [[], ["-"]], ids=["no argument", "a dash"])
def test_a_question_that_was_piped_in_matches_where_that_was_asked_for(meant, kept, words):
    found = meant(*words, stdin=f"{REWORDED}\n")

    assert (found["source"], found["matched_prompt"]) == ("semantic", STORED)


def test_a_question_that_was_piped_in_is_found_in_other_words(meant, encoder):
    meant(stdin=STORED)

    assert meant(REWORDED)["source"] == "semantic"


def test_what_is_piped_in_to_a_terminal_is_matched_by_its_words_alone(cli, kept, encoder):
    encoder.calls.clear()

    result = cli("ask", "--no-stream", stdin=REWORDED, terminal=True)

    assert result.out == "answer 2\n"
    assert encoder.calls == []


def test_a_note_names_who_chose_no_embedder(cli, upstream, monkeypatch):
    monkeypatch.setenv("LLMC_EMBEDDER", "none")

    result = cli("ask", "--match", "semantic", STORED)

    assert "no embedder: the same words match alone (LLMC_EMBEDDER says embedder = none)" in (
        result.err
    )


def test_an_index_that_is_broken_is_told_before_anything_is_paid_for(cli, kept, encoder, store):
    store.file.execute("DROP TABLE index_1_1_rowids")
    encoder.calls.clear()

    result = cli("ask", "--match", "semantic", REWORDED)

    assert (result.code, result.out) == (0, "answer 2\n")
    assert "no such table: index_1_1_rowids; matching the same words only" in result.err
    assert encoder.calls == []


def test_an_endpoint_that_gives_every_text_the_same_vector_matches_nothing(cli, kept, encoder):
    encoder.vectors = {REWORDED: at(1.0), OTHER: at(1.0)}

    result = cli("ask", "--match", "semantic", REWORDED)

    assert result.out == "answer 2\n"
    assert "gives different questions the same vector; matching the same words only" in result.err


def test_words_of_which_the_same_is_embedded_may_have_one_vector(meant, kept, encoder):
    encoder.vectors = {}

    found = meant("How do I undo the last Git commit?!")

    assert found["source"] == "semantic"


def test_a_file_that_is_read_only_still_answers_other_words(cli, kept, monkeypatch):
    def connect(path: str) -> apsw.Connection:
        return apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)

    monkeypatch.setattr(opening, "connect", connect)

    result = cli("ask", "--match", "semantic", REWORDED)

    assert (result.code, result.out) == (0, "answer 1\n")


def test_a_key_of_the_embedder_is_stored_nowhere(cli, encoder, configuration, monkeypatch, db):
    monkeypatch.setenv("ENC_KEY", "sk-a-secret-of-the-embedder")
    configuration(f'[providers.enc]\nbase_url = "{encoder.url}"\napi_key_env = "ENC_KEY"\n')

    cli("ask", "--match", "semantic", STORED)

    assert encoder.calls[0].headers["authorization"] == "Bearer sk-a-secret-of-the-embedder"
    stored = b"".join(path.read_bytes() for path in db.parent.iterdir())
    assert b"sk-a-secret" not in stored


def test_an_embedder_of_an_unknown_provider_is_refused_before_the_model_is_asked(
    cli, upstream, monkeypatch
):
    monkeypatch.setenv("LLMC_EMBEDDER", "enk/tiny")

    result = cli("ask", STORED)

    assert result.code == 2
    assert "LLMC_EMBEDDER: no provider is called 'enk'" in result.err
    assert upstream.calls == []


# -- audits --------------------------------------------------------------------------------------

OURS = "Use git reset, which moves the branch back and keeps what you have changed. " * 3
THEIRS = "You cannot: a commit is for ever, whatever anybody says on the internet today. " * 3


@pytest.fixture
def audited(cli, encoder, upstream, monkeypatch):
    """Ask in other words, with each semantic hit audited; the model's replies are given."""
    upstream.will(Reply(OURS))
    cli("ask", "--match", "semantic", STORED)
    monkeypatch.setenv("LLMC_AUDIT", "1")
    monkeypatch.setattr(aside, "start", lambda work: work())  # here and at once

    def ask(*replies: Reply, flags=()):
        upstream.will(*replies)
        return cli("ask", "--match", "semantic", REWORDED, *flags)

    return ask


def test_a_hit_that_was_right_stays(audited, cli, upstream, figures):
    result = audited(Reply(OURS))

    assert (result.code, result.out) == (0, f"{OURS}\n")
    assert len(result.err.splitlines()) == 1
    found = figures()
    assert (found["audited"], found["audited_wrong"]) == (1, 0)
    assert found["judging_usd"] == pytest.approx(COST)
    assert found["net_usd"] == pytest.approx(COST - COST - 2 * TEXT)
    assert audited(Reply(OURS)).out == f"{OURS}\n"


def test_a_hit_that_was_wrong_is_vetoed_and_replaced(audited, cli, upstream, figures):
    result = audited(Reply(THEIRS), Reply("NO"))

    assert (result.code, result.out) == (0, f"{OURS}\n")
    assert len(result.err.splitlines()) == 1
    found = figures()
    assert (found["audited"], found["audited_wrong"]) == (1, 1)
    assert found["judging_usd"] == pytest.approx(2 * COST)
    assert audited().out == f"{THEIRS}\n"
    assert cli("ask", STORED).out == f"{OURS}\n"
    assert len(upstream.calls) == 3


def test_an_audit_asks_the_very_question_that_was_asked(audited, upstream):
    audited(Reply(OURS))

    assert upstream.calls[1].body["messages"] == [{"role": "user", "content": REWORDED}]


@pytest.mark.parametrize(
    "replies",
    [
        [Reply(status=500)],
        [Reply(status=401)],
        [Reply(status=400)],
        [Reply(THEIRS, finish_reason="length")],
        [Reply(raw=b"<html>", content_type="text/html")],
        [Reply(THEIRS), Reply(status=500)],
        [Reply(THEIRS), Reply("perhaps")],
    ],
    ids=["an error", "a key", "a refusal", "half", "a page", "no judge", "no verdict"],
)
def test_an_audit_that_fails_changes_nothing_and_says_nothing(audited, listed, figures, replies):
    result = audited(*replies)

    assert (result.code, result.out) == (0, f"{OURS}\n")
    assert len(result.err.splitlines()) == 1
    assert figures()["audited"] == 0
    assert [entry["prompt"] for entry in listed()] == [STORED]


def test_offline_no_hit_is_audited(audited, upstream):
    audited(Reply(OURS))

    result = audited(flags=["--offline"])

    assert result.out == f"{OURS}\n"
    assert len(upstream.calls) == 2


def test_an_exact_hit_is_not_audited(audited, cli, upstream):
    assert cli("ask", "--match", "semantic", STORED).out == f"{OURS}\n"
    assert len(upstream.calls) == 1


def test_without_an_audit_no_hit_is_asked_anew(audited, upstream, monkeypatch):
    monkeypatch.setenv("LLMC_AUDIT", "0")

    audited()

    assert len(upstream.calls) == 1


def test_an_audit_holds_nobody_up(audited, upstream, figures):
    """The process ends, its streams with it, while the model still thinks."""
    gate = threading.Event()
    upstream.will(Reply(OURS, gate=gate))
    command = [sys.executable, "-m", "llmc", "ask", "--match", "semantic", REWORDED]
    env = os.environ | {"PYTHONPATH": ROOT}

    done = subprocess.run(
        command, capture_output=True, env=env, stdin=subprocess.DEVNULL, timeout=15, check=True
    )

    assert done.stdout.decode() == f"{OURS}\n"
    assert len(done.stderr.splitlines()) == 1
    assert eventually(lambda: len(upstream.calls) == 2)
    assert figures()["audited"] == 0
    gate.set()
    assert eventually(lambda: figures()["audited"] == 1)
    assert figures()["judging_usd"] == pytest.approx(COST)


def test_an_audit_survives_the_terminal_that_it_was_begun_on(audited, upstream, figures):
    gate = threading.Event()
    upstream.will(Reply(OURS, gate=gate))
    command = [sys.executable, "-m", "llmc", "ask", "--match", "semantic", REWORDED]
    with Terminal(*command, env=os.environ | {"PYTHONPATH": ROOT}) as terminal:
        assert terminal.reads("semantic hit")
        assert eventually(lambda: len(upstream.calls) == 2)
        terminal.press("\x03")
        shown = terminal.rest()
    gate.set()

    assert "Traceback" not in shown
    assert eventually(lambda: figures()["audited"] == 1)
    assert figures()["judging_usd"] == pytest.approx(COST)


def test_a_judge_costs_though_nothing_comes_of_it(audited, figures):
    audited(Reply(THEIRS), Reply("perhaps"))

    assert figures()["judging_usd"] == pytest.approx(2 * COST)


def test_an_audit_does_not_hinder_the_porch(audited, cli, program, upstream):
    program("ask", "--match", "semantic", STORED)
    program("ask", "--match", "semantic", STORED)
    audited(Reply(THEIRS), Reply("NO"))

    first = program("ask", "--match", "semantic", STORED)
    own = program("ask", "--match", "semantic", REWORDED)

    assert (first.out, own.out) == (f"{OURS}\n", f"{THEIRS}\n")
    assert len(upstream.calls) == 3


# -- the local embedder --------------------------------------------------------------------------


@pytest.fixture
def local(upstream, home, monkeypatch) -> Embedder:
    """A local embedder that `auto` finds, in the place of the real model."""
    folder = home / ".local" / "share" / "llmc" / "models"
    folder.mkdir(parents=True)
    (folder / "minilm.safetensors").write_bytes(b"")
    fake = Embedder()
    monkeypatch.setattr(minilm, "MiniLM", lambda _: fake)
    return fake


def vectors(store) -> list[tuple]:
    return store.file.rows("SELECT entry_id FROM vector ORDER BY entry_id")


@pytest.mark.parametrize(
    "flags", [[], ["--exact"], ["--refresh"], ["--match", "semantic"]], ids=str
)
def test_every_answer_that_is_kept_gets_its_vector_at_once(answer, local, store, flags):
    answer(STORED, *flags)

    assert local.texts == [[STORED]]
    assert vectors(store) == [(1,)]


@pytest.mark.parametrize(
    "flags",
    [["--no-cache"], ["--ttl", "0"], ["--sample", "2"], ["--temperature", "0.5"]],
    ids=" ".join,
)
def test_what_is_not_kept_or_random_gets_none(answer, local, flags):
    answer(STORED, *flags)

    assert local.texts == []


def test_an_exact_hit_embeds_nothing(answer, local):
    answer(STORED)
    local.texts.clear()

    assert answer(STORED)["source"] == "exact"
    assert local.texts == []


def test_what_was_asked_in_a_pipe_is_found_by_other_words(answer, meant, local):
    answer(STORED)

    assert meant(REWORDED)["source"] == "semantic"
    assert local.texts == [[STORED], [REWORDED]]


def test_a_local_embedder_costs_nothing_and_works_offline(answer, meant, local, figures):
    answer(STORED)

    assert meant("--offline", REWORDED)["source"] == "semantic"
    assert figures()["embedding_usd"] == 0


def test_a_dry_run_asks_a_local_embedder(answer, meant, local):
    answer(STORED)

    assert meant("--dry-run", REWORDED)["source"] == "semantic"


def test_an_answer_that_is_asked_anew_keeps_one_vector(answer, meant, local, store):
    answer(STORED)
    answer(STORED, "--refresh")

    assert vectors(store) == [(1,)]
    assert meant(REWORDED)["answer"] == "answer 2"


@pytest.mark.parametrize("flags", [[], ["--match", "semantic"]], ids=str)
def test_a_broken_local_embedder_costs_one_note_and_no_answer(cli, local, store, flags):
    local.failure = EmbeddingError("model file x: it yields no numbers")

    result = cli("ask", STORED, *flags)

    assert (result.code, result.out) == (0, "answer 1\n")
    assert result.err.count("it yields no numbers") == 1
    assert len(result.err.splitlines()) == 2
    assert cli("ask", STORED).out == "answer 1\n"


def test_what_a_broken_embedder_left_out_is_made_up_for(cli, meant, local):
    local.failure = EmbeddingError("no")
    cli("ask", STORED)
    local.failure = None

    assert meant(REWORDED)["source"] == "semantic"


def test_a_search_library_that_is_missing_costs_no_answer_its_place(cli, local, monkeypatch, store):
    monkeypatch.setattr(store.vectors.__class__, "fault", lambda _: "no")
    monkeypatch.setattr(store.vectors.__class__, "_load", _refuse)

    result = cli("ask", "--exact", STORED)

    assert (result.code, len(result.err.splitlines())) == (0, 1)
    assert cli("ask", STORED).out == "answer 1\n"


def _refuse(_: object) -> None:
    raise CacheFileError("this apsw loads no extensions")


# -- more of what others got wrong ---------------------------------------------------------------


def test_a_wording_accepted_under_a_low_threshold_is_no_answer_for_others(meant, kept, encoder):
    encoder.vectors[THIRD] = at(0.6)
    assert meant(THIRD, "--threshold", "0.5")["source"] == "semantic"

    assert meant(THIRD)["source"] == "model"


def test_an_answer_that_was_streamed_is_found_by_other_words(cli, meant, encoder):
    cli("ask", "--stream", STORED, terminal=True)

    assert meant(REWORDED)["answer"] == "answer 1"


def test_wordings_and_verdicts_outlive_the_process(meant, kept, cli, program, encoder):
    meant(REWORDED)

    again = program("ask", "--match", "semantic", REWORDED)
    cli("bad")
    program("ask", STORED)
    other = program("ask", "--match", "semantic", REWORDED)

    assert "semantic hit" in again.err
    assert "semantic hit" not in other.err


def test_a_template_that_differs_in_one_line_is_asked_in_a_pipe_each_time(answer, kept, upstream):
    prompts = [f"summarise this issue in one line: item {name}" for name in ("ant", "bee", "cat")]

    sources = [answer(prompt)["source"] for prompt in prompts]

    assert sources == ["model"] * 3


def test_many_processes_may_look_at_once(encoder, kept, program):
    with ThreadPoolExecutor(8) as pool:
        ask = ("ask", "--match", "semantic", REWORDED)
        results = list(pool.map(lambda _: program(*ask), range(8)))

    assert {result.out for result in results} == {"answer 1\n"}
    assert {len(result.err.splitlines()) for result in results} == {1}


def test_many_processes_may_begin_at_once(encoder, program, store):
    questions = [f"how do I undo the last {n} git commits?" for n in range(2, 10)]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda q: program("ask", "--match", "semantic", q), questions))

    assert {result.code for result in results} == {0}
    assert {len(result.err.splitlines()) for result in results} == {1}
    assert len(store.vectors.spaces()) == 1
    assert store.file.number("SELECT count(*) FROM vector") == 8
