from __future__ import annotations

import json

import pytest

LIST = ("rules", "list")


@pytest.fixture
def added(cli):
    """Add a rule and return what it is, as JSON tells it."""

    def add(*arguments: str) -> dict:
        result = cli("rules", "add", *arguments, "--json")
        assert result.code == 0, result.err
        return json.loads(result.out)

    return add


# -- add -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--pattern", "price", "--ttl", "1h"), "rule 1 (prompt ~ /price/): 1 h\n"),
        (("--pattern", "price", "--ttl", "0"), "rule 1 (prompt ~ /price/): not kept\n"),
        (
            ("--pattern", "price", "--ttl", "1h30m", "--field", "answer", "-n", "work"),
            "rule 1 (answer ~ /price/ in work): 1 h 30 min\n",
        ),
        (
            ("--event", "file_changed", "--pattern", "{path}"),
            "rule 1 (prompt ~ /{path}/): on file_changed\n",
        ),
    ],
)
def test_a_rule_is_told_with_its_number(cli, arguments, line):
    result = cli("rules", "add", *arguments)

    assert (result.code, result.out, result.err) == (0, line, "")


def test_a_program_is_given_its_fields(added):
    rule = added("--pattern", "price", "--ttl", "1h", "-n", "work")

    assert rule.pop("created_at") > 0
    assert rule == {
        "pattern": "price", "field": "prompt", "namespace": "work", "ttl": 3600.0, "event": None,
        "id": 1,
    }  # fmt: skip


def test_the_same_rule_again_is_the_same_rule(added):
    rules = [added("--pattern", "price", "--ttl", "1h") for _ in range(2)]

    assert rules[0] == rules[1]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--pattern", "x"), "a rule has one of --ttl and --event"),
        (("--pattern", "x", "--ttl", "1h", "--event", "e"), "a rule has one of --ttl and --event"),
        (("--pattern", "x", "--ttl", "soon"), "--ttl: 'soon' is not a duration"),
        (("--pattern", "x", "--ttl", "-1"), "--ttl: '-1' is not a duration"),
        (("--pattern", "(", "--ttl", "1h"), "the regular expression is not one: missing )"),
        (("--pattern", "({path}", "--event", "e"), "the regular expression is not one: missing )"),
        (("--pattern", "x", "--event", ""), "an event needs a name"),
        (("--pattern", "x", "--ttl", "1h", "--field", "key"), "--field: 'key' is not one of"),
        (("--ttl", "1h"), "Missing option '--pattern'"),
    ],
)
def test_what_is_no_rule_is_wrong_usage(cli, db, arguments, complaint):
    result = cli("rules", "add", *arguments)

    assert (result.code, result.out) == (2, "")
    assert complaint in result.err
    assert cli(*LIST, "--json").out == ""


def test_an_unusable_file_is_exit_5(cli, unusable):
    result = cli("rules", "add", "--pattern", "x", "--ttl", "1h")

    assert result.code == 5
    assert unusable.reason in result.err


# -- list ----------------------------------------------------------------------------------------


def test_a_pipe_gets_tab_separated_lines(cli, added):
    added("--pattern", "price", "--ttl", "1h")
    added("--event", "deploy", "--pattern", "v{version}", "--field", "answer", "-n", "work")

    result = cli(*LIST)

    assert result.out == (
        "id\tevent\tttl\tfield\tpattern\tnamespace\tage\n"
        "1\t\t1 h\tprompt\tprice\t\t0 s\n"
        "2\tdeploy\t\tanswer\tv{version}\twork\t0 s\n"
    )


def test_a_program_gets_json_lines(cli, added, listed):
    rules = [added("--pattern", "a", "--ttl", "1h"), added("--pattern", "b", "--event", "e")]

    assert listed(*LIST) == rules


def test_a_terminal_gets_a_table(cli, added):
    added("--pattern", "a\tb\x1bc", "--ttl", "1h")

    result = cli(*LIST, terminal=True)

    assert "\x1bc" not in result.out
    assert result.out.splitlines()[1].split() == ["1", "1", "h", "prompt", "a", "b\ufffdc",
                                                  "0", "s"]  # fmt: skip


def test_without_a_file_there_are_none_and_none_is_made(cli, db):
    result = cli(*LIST, "--json")

    assert (result.code, result.out) == (0, "")
    assert not db.exists()


# -- remove --------------------------------------------------------------------------------------


def test_removed_are_those_that_are_named(cli, added, listed):
    for pattern in "abc":
        added("--pattern", pattern, "--ttl", "1h")

    result = cli("rules", "remove", "1", "3")

    assert (result.code, result.out) == (0, "removed 2 rules\n")
    assert [rule["id"] for rule in listed(*LIST)] == [2]


def test_a_rule_that_is_not_there_keeps_all(cli, added, listed):
    added("--pattern", "a", "--ttl", "1h")

    result = cli("rules", "remove", "1", "7")

    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("llmc: error: no rule 7\n")
    assert len(listed(*LIST)) == 1


@pytest.mark.parametrize("arguments", [(), ("0",), ("one",)])
def test_what_is_no_number_is_wrong_usage(cli, arguments):
    assert cli("rules", "remove", *arguments).code == 2


def test_removing_never_asks_and_counts_for_programs(cli, added):
    added("--pattern", "a", "--ttl", "1h")

    result = cli("rules", "remove", "1", "--json")

    assert (result.code, json.loads(result.out)) == (0, {"removed": 1})


def test_no_pattern_is_left_in_the_file(cli, added, db):
    added("--pattern", "unheard-of-words", "--ttl", "1h")

    cli("rules", "remove", "1")

    wal = db.with_name(f"{db.name}-wal")
    assert b"unheard-of-words" not in db.read_bytes()
    assert not wal.exists() or b"unheard-of-words" not in wal.read_bytes()


# -- what they do --------------------------------------------------------------------------------


def test_an_answer_that_is_not_to_be_kept_is_given_and_says_so(cli, upstream, added):
    added("--pattern", "password", "--ttl", "0")

    result = cli("ask", "what is my password?")

    assert (result.code, result.out) == (0, "answer 1\n")
    assert "; not stored: rule 1 (prompt ~ /password/): not kept\n" in result.err
    assert cli("list", "--json").out == ""


def test_an_answer_that_was_kept_before_is_not_served(cli, upstream, added):
    cli("ask", "what is my password?")
    added("--pattern", "password", "--ttl", "0")

    assert cli("ask", "what is my password?", "--offline").code == 3


def test_a_known_answer_that_is_not_to_be_kept_is_refused(cli, upstream, added):
    added("--pattern", "password", "--ttl", "0")

    result = cli("put", "what is my password?", stdin="secret")

    assert (result.code, result.out) == (1, "")
    assert "not stored: rule 1 (prompt ~ /password/): not kept" in result.err


def test_a_program_that_asks_is_told_the_end_that_counts(answer, upstream, added):
    answer("the price?")
    added("--pattern", "price", "--ttl", "1h")

    found = answer("the price?", "--ttl", "2h")

    assert found["source"] == "exact"
    assert found["expires_at"] == found["created_at"] + 3600


def test_show_names_the_rule(cli, upstream, added):
    cli("ask", "the price?")
    rule = added("--pattern", "price", "--ttl", "1h")

    shown, told = json.loads(cli("show", "--json").out), cli("show").out

    assert (shown["rule"], shown["expires_at"]) == (rule, shown["created_at"] + 3600)
    assert "expires    in 59 min: rule 1 (prompt ~ /price/): 1 h\n" in told


def test_show_names_none_where_none_ends_it(cli, upstream, added):
    cli("ask", "the price?", "--ttl", "30m")
    added("--pattern", "price", "--ttl", "1h")

    assert json.loads(cli("show", "--json").out)["rule"] is None
    assert "expires    in 29 min\n" in cli("show").out


def test_show_says_that_an_answer_is_not_served(cli, upstream, added):
    cli("ask", "the price?")
    added("--pattern", "price", "--ttl", "0")

    assert "expires    expired 0 s ago: rule 1 (prompt ~ /price/): not kept\n" in cli("show").out


def test_why_names_the_rule_of_a_hit(cli, upstream, added):
    cli("ask", "the price?")
    added("--pattern", "price", "--ttl", "1h")

    report, told = json.loads(cli("why", "the price?", "--json").out), cli("why", "the price?").out

    assert report["rule"] == "rule 1 (prompt ~ /price/): 1 h"
    assert told.endswith("\nits life: rule 1 (prompt ~ /price/): 1 h\n")


def test_why_names_the_rule_of_a_miss(cli, upstream, added):
    cli("ask", "the price?")
    added("--pattern", "price", "--ttl", "0")

    report, told = json.loads(cli("why", "the price?", "--json").out), cli("why", "the price?").out

    line = "rule 1 (prompt ~ /price/): not kept"
    assert report["rule"] == line
    assert report["requests"][0]["differences"][-1] == line
    assert told.splitlines()[:2] == [
        f"miss: not stored ({line}); by meaning: no embedder",
        f"an answer would be held to {line}",
    ]


def test_why_says_how_long_ago_a_rule_ended_a_life(cli, upstream, added, store):
    cli("ask", "the price?")
    added("--pattern", "price", "--ttl", "1h")
    store.file.execute("UPDATE entry SET created_at = created_at - 10810")

    report = json.loads(cli("why", "the price?", "--json").out)

    assert report["requests"][0]["differences"][-1] == (
        "expired 2 h ago, rule 1 (prompt ~ /price/): 1 h"
    )


def test_prune_takes_what_they_have_ended(cli, upstream, added, listed):
    cli("ask", "the price?")
    cli("ask", "why?")
    added("--pattern", "price", "--ttl", "0")

    result = cli("prune")

    assert result.out == "removed 1 entry (1 expired)\n"
    assert [entry["prompt"] for entry in listed()] == ["why?"]


def test_a_question_in_other_words_is_held_to_them(cli, encoder, added):
    from encoder import REWORDED, STORED

    cli("ask", STORED)
    cli("ask", REWORDED, "--match", "semantic")
    added("--pattern", "how can I", "--ttl", "0")

    learned = cli("ask", REWORDED, "--match", "semantic")
    stored = cli("ask", STORED)

    assert "semantic hit" not in learned.err
    assert "exact hit" in stored.err


def test_what_they_end_serves_no_other_words(cli, encoder, added):
    from encoder import REWORDED, STORED

    cli("ask", STORED)
    added("--pattern", "how do I", "--ttl", "0")

    result = cli("ask", REWORDED, "--match", "semantic")

    assert "semantic hit" not in result.err
