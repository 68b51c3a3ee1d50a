from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

LOGS = Path(__file__).resolve().parent.parent / "llm"

#: What is taken in of the recorded session, whatever version recorded it.
TAKEN = [
    "Capital of Chile?",
    "Capital of Peru?",
    "a colour",
    "a document\n summarise",
    "fragment text\n\nwhat is this?",
    "good day",
    "with a system fragment",
    "without a stream",
]
LEFT_OUT = {
    "it follows earlier turns": 1,
    "it has a schema": 1,
    "it has an attachment": 1,
    "it uses tools": 1,
    "temperature 0.7 asks for variety": 1,
    "the answer was cut off at its token limit": 1,
}


def _built(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()
    return path


def altered(log: Path, *statements: str) -> None:
    connection = sqlite3.connect(log)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


@pytest.fixture(params=["0.26", "0.36"])
def log(request, home) -> Path:
    """A session that llm logged, in the form of both generations of its tables."""
    script = (LOGS / f"{request.param}.sql").read_text(encoding="utf-8")
    return _built(home / "logs.db", script)


@pytest.fixture
def turns(home) -> Path:
    """The same session in the newer form."""
    return _built(home / "logs.db", (LOGS / "0.36.sql").read_text(encoding="utf-8"))


@pytest.fixture
def responses(home) -> Path:
    """The log of an early llm: no tokens, fragments, attachments, tools or schemas."""
    script = """
        CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
        CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT,
            prompt_json TEXT, options_json TEXT, response TEXT, response_json TEXT,
            conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT);
        INSERT INTO responses VALUES ('a', 'gpt-4', 'Capital of Peru?', NULL, NULL, '{}', 'Lima',
            '{"content": "Lima", "finish_reason": "stop", "model": "gpt-4-0613"}', 'c', 1500,
            '2023-07-06T16:34:05.123456');
    """
    return _built(home / "logs.db", script)


def test_single_finished_turns_of_text_are_taken_in(cli, listed, log):
    result = cli("import", "--from", "llm", str(log))

    assert (result.code, result.out) == (0, "took in 8 entries; 1 were there already\n")
    assert sorted(entry["prompt"] for entry in listed()) == TAKEN
    assert {entry["source"] for entry in listed()} == {"import"}


def test_what_is_left_out_is_counted_by_its_reason(cli, log):
    result = cli("import", "--from", "llm", str(log), "--json")

    report = json.loads(result.out)
    assert report["reasons"] == LEFT_OUT
    assert (report["entries"], report["known"], report["skipped"]) == (8, 1, 6)
    assert "llmc: skipped 1: it has a schema\n" in result.err


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (["Capital of Peru?"], "answer 16"),  # asked twice: the newer answer
        (["Capital of Chile?", "-s", "be brief"], "answer 2"),
        (["good day", "-s", "translate"], "answer 4"),
        (["a colour", "--temperature", "0", "--max-tokens", "50", "-o", "seed=7"], "answer 7"),
        (["without a stream"], "answer 8"),
        (["fragment text\n\nwhat is this?"], "answer 11"),
        (["with a system fragment", "-s", "fragment text"], "answer 12"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_the_same_question_is_an_exact_hit(cli, log, question, answer):
    cli("import", "--from", "llm", str(log))

    result = cli("ask", "-m", "gpt-4o-mini", "--offline", *question)

    assert (result.code, result.out) == (0, f"{answer}\n")
    assert "exact hit" in result.err


def test_piped_text_of_llm_is_that_of_ask(cli, log):
    cli("import", "--from", "llm", str(log))

    result = cli("ask", "-m", "gpt-4o-mini", "--offline", "-s", "translate", stdin="good day\n")

    assert result.out == "answer 4\n"


def test_the_words_after_fragments_are_the_question(cli, log, store):
    cli("import", "--from", "llm", str(log))

    ((prompt, at),) = store.file.rows(
        "SELECT prompt, instruction_at FROM entry WHERE prompt LIKE 'fragment%'"
    )

    assert prompt[at:] == "what is this?"


def test_a_second_time_changes_nothing(cli, log):
    cli("import", "--from", "llm", str(log))
    before = cli("export").out

    result = cli("import", "--from", "llm", str(log))

    assert result.out == "took in 0 entries; 9 were there already\n"
    assert cli("export").out == before


def test_a_dry_run_takes_nothing_in_and_leaves_the_log(cli, log, listed):
    before = log.read_bytes()

    result = cli("import", "--from", "llm", str(log), "--dry-run")

    assert result.out == "would take in 8 entries; 1 were there already\n"
    assert listed() == []
    assert log.read_bytes() == before
    assert not [path for path in log.parent.iterdir() if path.name.startswith("logs.db-")]


def test_without_a_file_it_is_where_llm_keeps_it(cli, log, home, monkeypatch):
    monkeypatch.setenv("LLM_USER_PATH", str(home))

    assert cli("import", "--from", "llm").code == 0


def test_costs_and_times_are_those_of_the_call(cli, prices, log, listed):
    cli("import", "--from", "llm", str(log))

    first = next(entry for entry in listed() if entry["prompt"] == "Capital of Chile?")
    assert first["cost_usd"] == prices
    assert 1.79e9 < first["created_at"] < 1.80e9


def test_a_model_is_looked_for_as_ask_does(cli, configuration, log):
    configuration('[aliases]\n"gpt-4o-mini" = "ollama/other"\n')

    cli("import", "--from", "llm", str(log))

    assert cli("ask", "-m", "ollama/other", "--offline", "Capital of Peru?").code == 0


def test_a_model_of_a_provider_that_nobody_knows_is_left_out(cli, turns):
    altered(turns, "UPDATE turns SET model = 'anthropic/claude-opus'")

    result = cli("import", "--from", "llm", str(turns))

    assert result.out == "took in 0 entries\n"
    assert "no provider is called 'anthropic'" in result.err


@pytest.mark.parametrize(
    ("response", "taken"),
    [
        ('{"object": "response", "status": "completed", "model": "gpt-4o-mini-2026"}', True),
        ('{"object": "response", "status": "incomplete"}', False),
        ('{"choices": [{"finish_reason": "stop"}]}', True),
        ('{"choices": [{"finish_reason": "length"}]}', False),
        ('{"done_reason": "stop"}', True),
        ('{"stop_reason": "end_turn"}', True),
        ('{"choices": []}', False),
        ("{}", False),
        (None, False),
        ("[]", False),
        ("{", False),
    ],
)
def test_an_answer_counts_as_whole_where_its_provider_says_so(cli, turns, response, taken):
    value = "NULL" if response is None else f"'{response}'"
    altered(turns, f"UPDATE turns SET response_json = {value}")

    result = cli("import", "--from", "llm", str(turns), "--json")

    assert (result.code, json.loads(result.out)["entries"] > 0) == (0, taken)


def test_a_fragment_that_is_gone_leaves_its_question_out(cli, turns):
    altered(turns, "DELETE FROM fragments")

    result = cli("import", "--from", "llm", str(turns), "--json")

    assert json.loads(result.out)["reasons"]["it has an unknown fragment"] == 1


def test_the_log_of_an_early_llm_is_read_too(cli, responses):
    result = cli("import", "--from", "llm", str(responses))

    assert (result.out, result.err) == ("took in 1 entry\n", "")
    assert cli("ask", "-m", "gpt-4", "--offline", "Capital of Peru?").out == "Lima\n"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("options_json = '{\"stream\": true}'", "-o stream: use --stream or --no-stream"),
        ("options_json = '[]'", "it cannot be read"),
        ("options_json = '{'", "it cannot be read"),
        ("datetime_utc = 'yesterday'", "it cannot be read"),
        ("datetime_utc = NULL", "it cannot be read"),
        ("model = NULL", "it cannot be read"),
        ("prompt = ''", "the prompt is empty"),
        ("prompt = NULL", "the prompt is empty"),
        ("prompt = '-'", "- and --no-stdin contradict each other"),
        ("response = ''", "the answer is empty"),
        ("response = NULL", "the answer is empty"),
        ("response = 'a' || char(0)", "it holds a NUL"),
        ("response = x'ff'", "it cannot be read"),
        ("response_json = '{\"choices\": 7}'", "the provider gave no finish reason"),
        ("duration_ms = 'long'", "it cannot be read"),
    ],
)
def test_what_cannot_be_used_is_left_out_with_a_reason(cli, responses, change, reason):
    altered(responses, f"UPDATE responses SET {change}")

    result = cli("import", "--from", "llm", str(responses), "--json")

    assert (result.code, json.loads(result.out)["reasons"]) == (0, {reason: 1})


def test_a_life_that_the_settings_give_counts_from_the_answer_s_day(
    cli, responses, listed, monkeypatch
):
    monkeypatch.setenv("LLMC_TTL", "1h")

    cli("import", "--from", "llm", str(responses))

    assert [entry["expires_at"] - entry["created_at"] for entry in listed()] == [3600]
    assert cli("ask", "-m", "gpt-4", "--offline", "Capital of Peru?").code == 3


def test_under_a_strict_cache_nothing_is_taken_in(cli, log, monkeypatch):
    monkeypatch.setenv("LLMC_CACHE", "deterministic")

    assert cli("import", "--from", "llm", str(log)).out == "took in 0 entries\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is no log of llm's"),
        (b"junk " * 999, "it is no log of llm's"),
    ],
    ids=["empty", "junk"],
)
def test_what_is_no_log_is_refused_in_one_line_and_makes_no_cache(cli, home, db, content, reason):
    path = home / "logs.db"
    path.write_bytes(content)

    result = cli("import", "--from", "llm", str(path))

    assert (result.code, result.out) == (2, "")
    assert result.err == f"llmc: error: {path}: {reason}\n"
    assert not db.exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_no_log(cli, home, make):
    make(home / "logs.db")

    result = cli("import", "--from", "llm", "logs.db")

    assert (result.code, result.err) == (2, "llmc: error: logs.db: it is no log of llm's\n")


def test_where_there_is_no_log_it_says_how_to_find_one(cli, home):
    result = cli("import", "--from", "llm")

    assert (result.code, result.out) == (2, "")
    assert result.err == (
        f"llmc: error: {home}/.config/io.datasette.llm/logs.db: no such file or directory\n"
        "llmc:   `llm logs path` prints where llm keeps its log: name that file\n"
    )


@pytest.mark.parametrize(
    "change",
    [
        "fragments SET content = NULL", "fragments SET content = x'ff00'", "parts SET text = x'ff'",
        "parts SET payload = '{'", "parts SET payload = '[1]'", "messages SET role = NULL",
    ],
)  # fmt: skip
def test_turns_that_llm_never_wrote_so_are_left_out(cli, turns, change):
    altered(turns, f"UPDATE {change}")

    result = cli("import", "--from", "llm", str(turns))

    assert result.code == 0
    assert "llmc: skipped" in result.err


@pytest.mark.parametrize(
    "arguments", [("--from", "llm", "--strict"), ("--from", "mods"), ()], ids=" ".join
)
def test_what_makes_no_sense_is_a_usage_error(cli, home, arguments):
    result = cli("import", *arguments)

    assert (result.code, result.out) == (2, "")
