from __future__ import annotations

import json

import pytest
from upstream import Reply


@pytest.fixture
def three(cli, upstream) -> None:
    """Three entries, 1 to 3."""
    for prompt in ("one", "two", "three"):
        cli("ask", prompt)


def ids(listed: list[dict]) -> list[int]:
    return [entry["id"] for entry in listed]


@pytest.mark.parametrize(
    ("arguments", "line", "left"),
    [
        (["2"], "removed 1 entry\n", [3, 1]),
        (["1", "3"], "removed 2 entries\n", [2]),
        (["2", "2"], "removed 1 entry\n", [3, 1]),
    ],
    ids=["one", "two", "twice the same"],
)
def test_the_entries_named_go_and_no_others(cli, three, listed, arguments, line, left):
    result = cli("rm", *arguments, "--yes")

    assert (result.code, result.out, result.err) == (0, line, "")
    assert ids(listed()) == left


def test_what_is_not_there_is_told_and_the_others_go(cli, three, listed):
    result = cli("rm", "9", "2", "8", "--yes")

    assert (result.code, result.out) == (1, "removed 1 entry\n")
    assert "error: no entry 9, 8\n" in result.err
    assert ids(listed()) == [3, 1]


def test_nobody_is_asked_where_nothing_is_there(cli, three):
    result = cli("rm", "9", terminal=True)

    assert (result.code, result.out) == (1, "")
    assert "no entry 9" in result.err
    assert "[y/N]" not in result.err


def test_json_counts_and_names_what_is_not_there(cli, three):
    result = cli("rm", "1", "9", "--yes", "--json")

    assert result.code == 1
    assert json.loads(result.out) == {"removed": 1, "unknown": [9]}


def test_a_dry_run_lists_what_would_go_and_removes_nothing(cli, three, listed):
    found = listed("rm", "1", "2", "--dry-run")

    assert ids(found) == [1, 2]
    assert ids(listed()) == [3, 2, 1]


@pytest.mark.parametrize("arguments", [(), ("0",), ("-1",), ("x",), (str(2**63),)], ids=" ".join)
def test_what_is_no_id_is_a_usage_error(cli, three, listed, arguments):
    result = cli("rm", "--yes", *arguments)

    assert (result.code, result.out) == (2, "")
    assert "unexpected" not in result.err
    assert ids(listed()) == [3, 2, 1]


def test_where_nobody_can_be_asked_yes_is_needed(cli, three, listed):
    result = cli("rm", "1")

    assert (result.code, result.out) == (2, "")
    assert "--yes" in result.err
    assert ids(listed()) == [3, 2, 1]


def test_a_person_is_asked_and_may_decline(cli, three, listed):
    result = cli("rm", "1", "2", stdin="n\n", terminal=True)

    assert (result.code, result.out) == (1, "")
    assert "remove 2 entries? [y/N]" in result.err
    assert ids(listed()) == [3, 2, 1]


def test_a_person_is_asked_and_may_agree(cli, three, listed):
    result = cli("rm", "1", stdin="y\n", terminal=True)

    assert result.code == 0
    assert ids(listed()) == [3, 2]


def test_what_is_removed_is_in_no_file(cli, upstream, db):
    upstream.will(Reply("a rhinoceros of an answer"))
    cli("ask", "a hippopotamus of a question", "-s", "be a pachyderm")

    cli("rm", "1", "--yes")

    content = b"".join(path.read_bytes() for path in db.parent.iterdir())
    assert [w for w in (b"rhinoceros", b"hippopotamus", b"pachyderm") if w in content] == []


def test_what_is_removed_is_asked_for_again_past_the_porch(program, upstream):
    first = [program("ask", "q").out, program("ask", "q").out]
    program("rm", "1", "--yes")

    again = program("ask", "q")

    assert (first, again.out) == (["answer 1\n", "answer 1\n"], "answer 2\n")


def test_a_wording_goes_with_its_answer_and_may_match_again(cli, encoder, store):
    cli("ask", "--match", "semantic", "how do I undo the last git commit?")
    cli("ask", "--match", "semantic", "how can I undo my last git commit?")

    cli("rm", "1", "--yes")

    assert list(store.paraphrases.wordings(None)) == []
    assert list(store.paraphrases.verdicts()) == []


def test_a_file_that_cannot_be_used_ends_with_5(cli, unusable):
    result = cli("rm", "1", "--yes", "--db", str(unusable.path))

    assert (result.code, result.out) == (5, "")
    assert unusable.reason in result.err
