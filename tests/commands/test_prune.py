from __future__ import annotations

import json

import pytest
from upstream import Reply


def prompts(listed: list[dict]) -> list[str]:
    return [entry["prompt"] for entry in listed]


@pytest.fixture
def three(cli, upstream, store) -> None:
    """Three entries: `old` is 3 days old, `used` is a day old and served last, `dead` expired."""
    cli("ask", "old")
    cli("ask", "used")
    cli("ask", "dead", "--ttl", "1h")
    store.file.execute("UPDATE entry SET created_at = created_at - 3 * 86400 WHERE id = 1")
    store.file.execute("UPDATE entry SET created_at = created_at - 86400 WHERE id = 2")
    store.file.execute("UPDATE entry SET expires_at = unixepoch() - 10 WHERE id = 3")
    cli("ask", "used")


def test_expired_entries_go_unasked(cli, three, listed):
    result = cli("prune")

    assert (result.code, result.out) == (0, "removed 1 entry (1 expired)\n")
    assert prompts(listed()) == ["used", "old"]


def test_expired_entries_go_unasked_on_a_terminal_too(cli, three, listed):
    result = cli("prune", terminal=True)

    assert (result.code, result.err) == (0, "")
    assert prompts(listed()) == ["used", "old"]


def test_yes_is_accepted_where_nothing_is_asked(cli, three):
    result = cli("prune", "--yes")

    assert (result.code, result.out) == (0, "removed 1 entry (1 expired)\n")


def test_nothing_to_remove_is_no_failure(cli, upstream):
    result = cli("prune")

    assert (result.code, result.out) == (0, "removed 0 entries (0 expired)\n")


@pytest.mark.parametrize(
    ("flags", "left"),
    [
        (("--older-than", "2d"), ["used"]),
        (("--older-than", "12h"), []),
        (("--older-than", "9d"), ["used", "old"]),
        (("--max-entries", "1"), ["used"]),
        (("--max-entries", "2"), ["used", "old"]),
        (("--max-entries", "0"), []),
        (("--max-size", "0"), []),
        (("--max-size", "1G"), ["used", "old"]),
        (("--older-than", "2d", "--max-entries", "5"), ["used"]),
    ],
)
def test_more_than_the_expired_goes_on_request(cli, three, listed, flags, left):
    result = cli("prune", *flags, "--yes")

    assert result.code == 0
    assert prompts(listed()) == left


DESTRUCTIVE = pytest.mark.parametrize(
    "flags", [("--older-than", "2d"), ("--max-entries", "1"), ("--max-size", "0")], ids=" ".join
)


@DESTRUCTIVE
def test_where_nobody_can_be_asked_yes_is_needed(cli, three, listed, flags):
    result = cli("prune", *flags)

    assert (result.code, result.out) == (2, "")
    assert "--yes" in result.err
    assert len(listed()) == 3


@pytest.mark.parametrize("words", ["n\n", "\n", "", "nope\n"])
def test_any_answer_but_yes_removes_nothing(cli, three, listed, words):
    result = cli("prune", "--older-than", "2d", stdin=words, terminal=True)

    assert (result.code, result.out) == (1, "")
    assert "nothing was removed" in result.err
    assert len(listed()) == 3


@pytest.mark.parametrize("words", ["y\n", "YES\n"])
def test_a_person_is_asked_and_may_agree(cli, three, listed, words):
    result = cli("prune", "--older-than", "2d", stdin=words, terminal=True)

    assert result.code == 0
    assert "remove 2 entries? [y/N] " in result.err
    assert prompts(listed()) == ["used"]


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ((), "would remove 1 entry (1 expired)\n"),
        (("--older-than", "2d"), "would remove 2 entries (1 expired)\n"),
        (("--max-entries", "0", "--vacuum"), "would remove 3 entries (1 expired)\n"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"terminal": True}])
def test_a_dry_run_asks_nothing_and_removes_nothing(cli, three, listed, flags, line, options):
    result = cli("prune", *flags, "--dry-run", **options)

    assert (result.code, result.out, result.err) == (0, line, "")
    assert len(listed()) == 3


@pytest.mark.parametrize(
    ("flags", "report"),
    [
        (("--dry-run",), {"removed": 1, "expired": 1, "dry_run": True, "left": 3}),
        ((), {"removed": 1, "expired": 1, "dry_run": False, "left": 2}),
        (
            ("--older-than", "2d", "--yes"),
            {"removed": 2, "expired": 1, "dry_run": False, "left": 1},
        ),
    ],
)
def test_json_reports_the_same(cli, three, flags, report):
    result = cli("prune", *flags, "--json")

    assert json.loads(result.out) == report


def test_pinned_entries_stay(cli, three, listed, store):
    store.file.execute("UPDATE entry SET pinned = 1 WHERE id = 1")

    cli("prune", "--older-than", "0", "--max-entries", "0", "--max-size", "0", "--yes")

    assert prompts(listed()) == ["old"]


@pytest.mark.parametrize(
    "flags",
    [
        ("--older-than", "soon"),
        ("--older-than", "-1d"),
        ("--max-entries", "-1"),
        ("--max-entries", "few"),
        ("--max-size", "-5"),
        ("--max-size", "big"),
        ("--max-size", "5X"),
    ],
)
def test_a_limit_that_makes_no_sense_is_a_usage_error(cli, three, listed, flags):
    result = cli("prune", *flags, "--yes")

    assert (result.code, result.out) == (2, "")
    assert flags[0] in result.err
    assert len(listed()) == 3


def test_the_file_fits_the_size_that_was_asked_for(cli, copies, store):
    copies(20, 20_000)

    result = cli("prune", "--max-size", "250K", "--yes")

    assert result.code == 0
    assert store.count() > 0
    assert store.file.size() <= 250 * 1024


def test_a_dry_run_tells_how_many_really_go(cli, copies):
    copies(20, 20_000)
    told = cli("prune", "--max-size", "250K", "--dry-run", "--json")

    done = cli("prune", "--max-size", "250K", "--yes", "--json")

    assert json.loads(told.out)["removed"] == json.loads(done.out)["removed"]


def test_vacuum_gives_the_space_back(cli, copies, db):
    copies(10, 200_000)
    cli("prune", "--max-entries", "0", "--yes")
    before = db.stat().st_size

    result = cli("prune", "--vacuum")

    assert result.code == 0
    assert before > 1_000_000
    assert db.stat().st_size < 300_000


def test_what_is_removed_is_in_no_file_any_more(cli, upstream, db):
    upstream.will(Reply("a rhinoceros of an answer"))
    cli("ask", "a hippopotamus of a question")

    cli("prune", "--max-entries", "0", "--yes")

    content = b"".join(path.read_bytes() for path in db.parent.iterdir())
    assert b"rhinoceros" not in content
    assert b"hippopotamus" not in content


def test_what_is_removed_is_asked_for_again(cli, upstream):
    cli("ask", "q")
    cli("prune", "--max-entries", "0", "--yes")

    result = cli("ask", "q")

    assert result.out == "answer 2\n"
