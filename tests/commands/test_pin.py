from __future__ import annotations

import json

import pytest


@pytest.fixture
def three(cli, upstream) -> None:
    """Three entries, 1 to 3; the last answer is the second."""
    for prompt in ("one", "two", "three", "two"):
        cli("ask", prompt)


def pinned(listed: list[dict]) -> list[int]:
    return [entry["id"] for entry in listed if entry["pinned"]]


@pytest.mark.parametrize(
    ("arguments", "line", "left"),
    [
        ([], "pinned entry 2\n", [2]),
        (["1"], "pinned entry 1\n", [1]),
        (["3", "1", "3"], "pinned entries 3, 1\n", [3, 1]),
    ],
    ids=["the last answer", "one", "two"],
)
def test_entries_are_pinned(cli, three, listed, arguments, line, left):
    result = cli("pin", *arguments)

    assert (result.code, result.out, result.err) == (0, line, "")
    assert pinned(listed()) == left


def test_a_pin_is_taken_away_again(cli, three, listed):
    cli("pin", "1", "2")

    result = cli("pin", "1", "--remove")

    assert (result.code, result.out) == (0, "unpinned entry 1\n")
    assert pinned(listed()) == [2]


def test_what_is_not_there_is_told_and_the_others_are_pinned(cli, three, listed):
    result = cli("pin", "9", "1")

    assert (result.code, result.out) == (1, "pinned entry 1\n")
    assert "error: no entry 9\n" in result.err
    assert pinned(listed()) == [1]


@pytest.mark.parametrize(
    ("flags", "report"),
    [([], {"pinned": [1], "unknown": [9]}), (["--remove"], {"unpinned": [1], "unknown": [9]})],
    ids=["pin", "unpin"],
)
def test_json_names_both(cli, three, flags, report):
    result = cli("pin", "1", "9", "--json", *flags)

    assert result.code == 1
    assert json.loads(result.out) == report


def test_an_empty_cache_has_nothing_to_pin(cli, db):
    result = cli("pin")

    assert (result.code, result.out) == (1, "")
    assert "nothing is stored yet" in result.err
    assert not db.exists()


@pytest.mark.parametrize(
    "limits",
    [("--older-than", "0s"), ("--max-entries", "0"), ("--max-size", "0")],
    ids=lambda limits: limits[0],
)
def test_a_pinned_entry_survives_the_limits(cli, three, listed, limits):
    cli("pin", "1")

    result = cli("prune", *limits, "--yes")

    assert (result.code, result.out) == (0, "removed 2 entries (0 expired)\n")
    assert [entry["id"] for entry in listed()] == [1]


def test_a_pinned_entry_does_not_outlive_its_end(cli, three, listed, store):
    cli("pin", "1")
    store.file.execute("UPDATE entry SET expires_at = unixepoch() - 10 WHERE id = 1")

    cli("prune")

    assert [entry["id"] for entry in listed()] == [3, 2]


def test_a_pin_stays_when_the_answer_is_overwritten(cli, three, listed):
    cli("pin", "1")

    cli("ask", "one", "--refresh")

    assert pinned(listed()) == [1]


def test_list_and_show_tell(cli, three):
    cli("pin", "3")

    lines = cli("list").out.splitlines()

    assert [line.split("\t")[3] for line in lines] == ["pinned", "yes", "-", "-"]
    assert "\npinned     yes\n" in cli("show", "3").out
    assert "pinned" not in cli("show", "1").out
    assert json.loads(cli("show", "3", "--json").out)["pinned"] is True


def test_a_file_that_cannot_be_used_ends_with_5(cli, unusable):
    result = cli("pin", "1", "--db", str(unusable.path))

    assert (result.code, result.out) == (5, "")
    assert unusable.reason in result.err
