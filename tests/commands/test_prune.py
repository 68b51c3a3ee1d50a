from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import time

import pytest
from drafts import draft, hit_line, line, vectors_in
from processes import start
from upstream import Reply

from llmc import removal
from llmc.file import File
from llmc.store import Store
from llmc.types import Alias, Invocation, Limits, Price, Selector, Vector

NUMBERS = struct.pack("<256f", 1, *[0] * 255)


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

    result = cli("prune", "--max-size", "450K", "--yes")

    assert result.code == 0
    assert store.count() > 0
    assert store.file.size() <= 450 * 1024


def test_a_dry_run_tells_how_many_really_go(cli, copies):
    copies(20, 20_000)
    told = cli("prune", "--max-size", "450K", "--dry-run", "--json")

    done = cli("prune", "--max-size", "450K", "--yes", "--json")

    assert json.loads(told.out)["removed"] == json.loads(done.out)["removed"]


def test_vacuum_gives_the_space_back(cli, copies, db):
    copies(10, 200_000)
    cli("prune", "--max-entries", "0", "--yes")
    before = db.stat().st_size

    result = cli("prune", "--vacuum")

    assert result.code == 0
    assert before > 1_000_000
    assert db.stat().st_size < 300_000


def test_the_least_valuable_go_first(cli, upstream, listed, monkeypatch):
    for prompt in ("used", "cheap", "used too"):
        cli("ask", prompt)
    cli("ask", "used")
    cli("ask", "used too")

    cli("prune", "--max-entries", "2", "--yes")

    assert prompts(listed()) == ["used too", "used"]


@pytest.mark.parametrize(
    ("evict", "left"), [("oldest", ["dead", "used"]), ("lru", ["used", "dead"])]
)
def test_another_order_is_that_of_the_setting(cli, three, listed, store, monkeypatch, evict, left):
    store.file.execute("UPDATE entry SET expires_at = NULL, created_at = created_at - id * 60")
    monkeypatch.setenv("LLMC_EVICT", evict)

    cli("prune", "--max-entries", "2", "--yes")

    assert sorted(prompts(listed())) == sorted(left)


def test_vacuum_gives_back_what_both_indexes_took(cli, encoder, db, store):
    for number in range(40):
        words = " ".join(f"word{number}x{n}" for n in range(400))
        store.put(
            draft(f"q {number}", words, vector=Vector("fake", number, NUMBERS)),
            line(at=time.time()),
        )
    store.file.scrub()
    before = db.stat().st_size

    result = cli("prune", "--max-entries", "4", "--yes", "--vacuum")

    fresh = db.parent / "fresh.db"
    with Store(str(fresh)) as other:
        for number in range(4):
            words = " ".join(f"word{number}x{n}" for n in range(400))
            vector = Vector("fake", number, NUMBERS)
            other.put(draft(f"q {number}", words, vector=vector), line())
        other.file.vacuum()
    assert result.code == 0
    assert db.stat().st_size < before / 2
    assert db.stat().st_size < 1.2 * fresh.stat().st_size
    assert store.vectors.damage() == []
    assert len(store.search("word3*", Selector())) + len(store.search("q", Selector())) > 0


def test_vacuum_makes_way_for_other_vectors_of_a_file_with_gaps(cli, encoder, store):
    for number in range(1200):
        vector = Vector("fake", 0, struct.pack("<4f", 1, 0, 0, 0))
        store.put(draft(f"q {number}", vector=vector), line())
    store.delete(range(1, 600))

    cli("prune", "--vacuum")

    assert store.vectors.damage() == []
    assert vectors_in(store, 1) == 601


VACUUM = """
import sys
from llmc.store import Store
with Store(sys.argv[1]) as store:
    print(flush=True)
    store.removal.vacuum()
"""


@pytest.mark.parametrize("moment", range(4))
def test_a_vacuum_that_is_killed_leaves_the_file_sound(cli, copies, db, store, moment):
    copies(40, 200_000)
    store.delete(range(2, 30))
    left = store.count()

    process = start(VACUUM, db)
    process.stdout.readline()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=moment * 0.01)
    process.kill()
    process.communicate()

    assert store.count() == left
    assert store.file.damage() == []
    assert store.index_damage() is None


def test_an_interrupted_vacuum_changes_nothing(copies, db, store, monkeypatch):
    copies(20, 200_000)
    store.delete(range(2, 18))
    monkeypatch.setattr(File, "scrub", _raise_interrupt)

    with pytest.raises(KeyboardInterrupt):
        store.removal.vacuum()

    assert store.file.damage() == []


def _raise_interrupt(_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("merged_for", [1000, 0], ids=["many at once", "one by one"])
@pytest.mark.parametrize(
    "command", [("rm", "1"), ("invalidate", "hippo"), ("prune", "--max-entries", "1")], ids=" ".join
)
def test_nothing_of_what_is_removed_is_left(
    cli, db, store, encoder, monkeypatch, merged_for, command
):
    monkeypatch.setattr(removal, "_MERGED_FOR", merged_for)
    vector = Vector("fake", 0, struct.pack("<4f", 0.123, 0.321, 0.5, 0.795))
    alias = Alias("default", b"other", 1, "fake", 0.97, "a rhinoceros in other words", 0)
    given = draft("a hippopotamus", "a crocodile", system="a pachyderm", vector=vector)
    asked = Invocation(b"hippo-digest", b"i", stdin=False, files=("hippo.txt",), quiet=False)
    store.put(given._replace(price=Price(1)), line())
    store.record(hit_line(1), asked, alias)
    store.put(draft("another question", "another answer"), line())
    numbers = struct.pack("<4e", 0.123, 0.321, 0.5, 0.795)
    animals = (b"hippo", b"crocodile", b"pachyderm", b"rhino", numbers)
    before = _bytes_of(db)

    cli(*command, "--yes")

    after = _bytes_of(db)
    assert [animal in before for animal in animals] == [True] * 5
    assert [animal in after for animal in animals] == [False] * 5
    assert prompts_of(store) == ["another question"]


def test_the_words_of_what_was_evicted_go_at_the_next_vacuum(cli, db, monkeypatch):
    with Store(str(db), limits=Limits(max_entries=600)) as store:
        store.put(draft("a hippopotamus", price=Price(1)), line())
        for number in range(600):
            store.put(draft(f"q {number}"), line())

        cli("prune", "--vacuum")

        assert "a hippopotamus" not in prompts_of(store)
    assert b"hippopotamus" not in _bytes_of(db)


def _bytes_of(db):
    return b"".join(path.read_bytes() for path in db.parent.iterdir())


def prompts_of(store):
    return [entry.prompt for entry in store.select(Selector())]


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


def test_nothing_of_many_that_went_by_parts_is_left(cli, db, store, monkeypatch):
    monkeypatch.setattr(removal, "_PART", 2)
    for number in range(7):
        store.put(draft(f"a hippopotamus {number}", f"a crocodile {number}"), line())
    store.put(draft("another", created_at=4e9), line())

    result = cli("prune", "--older-than", "0s", "--yes")

    assert result.out == "removed 7 entries (0 expired)\n"
    assert [animal in _bytes_of(db) for animal in (b"hippo", b"crocod")] == [False, False]
    assert prompts_of(store) == ["another"]
