from __future__ import annotations

import json

import pytest
from storms import answer_to, assert_sound, question

from llmc.store import Store

pytestmark = pytest.mark.stress

YEAR = 365 * 86_400.0
COLOUR = question(1)
REASON = "it was stored in the future: was the clock set back?"

#: Every column that holds an instant.
_INSTANTS = """
SELECT t.name, c.name FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c
WHERE t.strict AND c.type = 'REAL' AND (c.name LIKE '%at' OR c.name = 'until')
"""


@pytest.fixture
def set_back(db):
    """Let the file be as if the clock had been set back by a year since it was written."""

    def move() -> None:
        with Store(str(db)) as store:
            for table, column in store.file.rows(_INSTANTS):
                store.file.execute(f"UPDATE {table} SET {column} = {column} + ?", (YEAR,))

    return move


@pytest.mark.parametrize("flags", [[], ["--json"]], ids=["by the porch", "by the command line"])
def test_an_answer_with_an_end_is_asked_for_anew_and_then_kept(program, upstream, set_back, flags):
    line = ["ask", COLOUR, "--ttl", "1h", *flags]
    program(*line)
    program(*line)
    set_back()

    anew, again = program(*line), program(*line)

    assert (anew.code, again.code) == (0, 0)
    assert len(upstream.calls) == 2
    assert answer_to(COLOUR) in again.out


def test_an_answer_without_an_end_is_served(program, upstream, set_back):
    program("ask", COLOUR)
    set_back()

    result = program("ask", COLOUR)

    assert result.out == answer_to(COLOUR) + "\n"
    assert "exact hit, 0 s old" in result.err
    assert len(upstream.calls) == 1


def test_a_rule_ends_an_answer_whose_age_nobody_knows(cli, upstream, set_back):
    cli("ask", COLOUR)
    set_back()
    cli("rules", "add", "--pattern", "colour", "--ttl", "1h")

    result = cli("ask", COLOUR, "--json")

    assert json.loads(result.out)["source"] == "model"
    assert len(upstream.calls) == 2


def test_no_other_wording_is_answered_by_it_either(cli, upstream, embedder, set_back):
    cli("ask", COLOUR, "--ttl", "1h", "--match", "semantic")
    set_back()

    result = cli("ask", f"please: {COLOUR}", "--match", "semantic", "--json")

    assert json.loads(result.out)["source"] == "model"


def test_it_stands_in_where_the_provider_fails(cli, upstream, set_back):
    cli("ask", COLOUR, "--ttl", "1h")
    set_back()
    upstream.stop()

    result = cli("ask", COLOUR, "--stale-if-error", "1d", "--retries", "0")

    assert (result.code, result.out) == (0, answer_to(COLOUR) + "\n")


def test_why_says_so(cli, upstream, set_back):
    cli("ask", COLOUR, "--ttl", "1h")
    set_back()

    result = cli("why", COLOUR)

    assert result.code == 0
    assert REASON in result.out


def test_what_counts_lists_and_removes_goes_on(cli, upstream, db, set_back):
    for words in (["one"], ["one"], ["two", "--ttl", "1h"], ["three", "-n", "work"]):
        cli("ask", *words)
    set_back()

    stats = json.loads(cli("stats", "--json").out)
    days = cli("stats", "--by", "day")
    pruned = cli("prune", "--older-than", "1d", "--max-entries", "2", "--yes")

    assert (stats["requests"], stats["hits"]) == (4, 1)
    assert (days.code, days.err) == (0, "")
    assert (pruned.code, pruned.out) == (0, "removed 1 entry (0 expired)\n")
    assert [cli(name).code for name in ("list", "show", "export", "doctor")] == [0, 0, 0, 0]
    with Store(str(db)) as store:
        assert_sound(store)


def test_whoever_crashed_while_asking_is_not_waited_for(cli, upstream, db, set_back):
    cli("ask", COLOUR, "--ttl", "1h")
    with Store(str(db)) as store:
        store.file.execute(
            "INSERT INTO flight (namespace, key, holder, until)"
            " SELECT namespace, key, x'00', created_at + 5 FROM entry"
        )
    set_back()

    result = cli("ask", COLOUR, "--ttl", "1h", "--timeout", "5s")

    assert (result.code, result.out) == (0, answer_to(COLOUR) + "\n")
