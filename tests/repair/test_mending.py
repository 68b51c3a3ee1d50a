from __future__ import annotations

import struct

import apsw
import pytest
from drafts import BASE_URL, draft, line, question

from llmc import keys
from llmc.questions import group_of, question_of
from llmc.repair import blueprint, mending
from llmc.types import Alias, Selector, Vector

ASKED = [f"how do I undo git commit {number}?" for number in range(1, 6)]
ONE = struct.pack("<4f", 1, 0, 0, 0)


def vector(prompt: str) -> Vector:
    request = question(prompt)
    group = group_of("default", keys.frame_of(request)[1], question_of(request))
    return Vector("e", group, ONE)


@pytest.fixture
def filled(store, db):
    """A file with entries, their vectors, and what belongs to them."""
    for prompt in ASKED:
        store.put(draft(prompt, vector=vector(prompt)), line())
    store.put(draft("today's news?"), line())
    store.file.execute("DELETE FROM vector_due WHERE entry_id = 6")  # exact only
    with store.transaction():
        store.paraphrases.learn(Alias("default", b"k", 1, "e", 0.9, "other words", 0), at=1.0)
    return store


def change(store, *statements: str) -> None:
    """Change the file as nothing of llmc's would."""
    store.file.execute("PRAGMA foreign_keys = OFF")
    for statement in statements:
        store.file.execute(statement)
    store.file.execute("PRAGMA foreign_keys = ON")


def assert_sound(store) -> None:
    assert mending.incomplete(store.file) == []
    assert mending.faults(store.file) == []
    assert store.file.damage() == []
    assert store.index_damage() is None
    assert store.file.rows("PRAGMA foreign_key_check") == []


def due(store) -> list[int]:
    return [row[0] for row in store.file.rows("SELECT entry_id FROM vector_due ORDER BY 1")]


def test_a_sound_file_has_no_faults(filled):
    assert_sound(filled)
    assert mending.garbled(filled.file) == []


@pytest.mark.parametrize("name", [each for each in blueprint.objects() if each[1] != "entry"])
def test_what_is_missing_is_found_and_made_anew(filled, name):
    kind, noun = name
    change(filled, f"DROP {kind} {noun}")

    found = mending.incomplete(filled.file)
    mending.mend(filled.file)

    assert f"{kind} {noun} is missing" in found
    assert_sound(filled)
    assert filled.count() == 6
    assert len(filled.search("undo", Selector())) == 5


def test_without_its_table_the_entries_are_gone_and_their_ids_too(filled):
    change(filled, "DROP TABLE entry")

    mending.mend(filled.file)

    assert_sound(filled)
    assert filled.put(draft("another"), line()) == 7
    assert filled.file.number("SELECT count(*) FROM ledger") == 7


@pytest.mark.parametrize("shadow", ["data", "idx", "docsize", "config"])
def test_the_full_text_index_is_whole_again_without_one_of_its_tables(filled, db, shadow):
    filled.close()
    with apsw.Connection(str(db)) as other:
        other.execute(f"DROP TABLE entry_text_{shadow}")
    other.close()
    filled.__init__(str(db))

    mending.mend(filled.file)

    assert_sound(filled)
    assert len(filled.search("undo", Selector())) == 5


def test_an_altered_trigger_is_made_anew(filled):
    change(
        filled,
        "DROP TRIGGER vector_delete",
        "CREATE TRIGGER vector_delete AFTER DELETE ON vector BEGIN SELECT 1; END",
    )

    found = mending.incomplete(filled.file)
    mending.mend(filled.file)

    assert found == ["trigger vector_delete was altered"]
    assert_sound(filled)


def test_a_remembered_command_line_does_not_meet_a_generation_that_began_anew(filled):
    change(
        filled,
        "INSERT INTO invocation VALUES (x'00', x'00', 1, 1, 0, '', 0)",
        "DROP TABLE meta",
    )

    mending.mend(filled.file)

    assert filled.file.rows("SELECT * FROM invocation") == []
    assert filled.file.number("SELECT value FROM meta WHERE name = 'generation'") > 0


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("INSERT INTO scope VALUES (99, x'01', 'u', 'm', '', '{}')", "1 rows of scope"),
        ("UPDATE alias SET entry_id = 77", "1 rows of alias"),
        ("UPDATE vector SET entry_id = 77 WHERE id = 2", "1 rows of vector"),
        ("INSERT INTO vector_due VALUES (1, 1, 'default', 77)", "1 rows of vector_due"),
        ("INSERT INTO standing (entry_id, namespace) VALUES (77, 'n')", "1 rows of standing"),
        ("UPDATE scope SET frame = '{'", "1 rows of scope"),
        ("UPDATE scope SET frame = '[]'", "1 rows of scope"),
        ("UPDATE scope SET frame = json_set(frame, '$.body', 7)", "1 rows of scope"),
        ("UPDATE entry SET choices = '[' WHERE id = 3", "1 rows of entry"),
        ("UPDATE entry SET choices = '{}' WHERE id = 3", "1 rows of entry"),
        ("UPDATE entry SET choices = '[7]' WHERE id = 3", "1 rows of entry"),
    ],
)
def test_what_belongs_to_nothing_goes(filled, statement, rows):
    change(filled, statement)

    found = mending.faults(filled.file)
    mending.mend(filled.file)

    assert f"{rows} belong to nothing, or cannot be read" in found
    assert_sound(filled)


@pytest.mark.parametrize(
    ("statement", "again"),
    [
        ("DELETE FROM vector WHERE entry_id IN (2, 4)", [2, 4]),
        ("UPDATE vector SET grp = grp + 1 WHERE entry_id = 3", [3]),
        ("UPDATE vector SET entry_id = 77 WHERE entry_id = 5", [5]),
        (
            """UPDATE vector SET entry_id = 77 WHERE entry_id = 1;
            UPDATE vector SET entry_id = 1 WHERE entry_id = 2;
            UPDATE vector SET entry_id = 2 WHERE entry_id = 77""",
            [1, 2],
        ),
    ],
    ids=["gone", "of another group", "of no entry", "of another entry"],
)
def test_a_vector_that_is_astray_goes_and_its_entry_is_due_again(filled, statement, again):
    change(filled, statement)

    found = mending.faults(filled.file)
    mending.mend(filled.file)
    filled.vectors.rebuild()

    assert found != []
    assert due(filled) == again
    assert filled.vectors.damage() == []
    assert_sound(filled)


def test_what_is_exact_only_needs_no_vector(filled):
    assert due(filled) == []
    assert mending.faults(filled.file) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tally SET entries = 9",
        "DELETE FROM tally",
        "DELETE FROM standing WHERE entry_id = 2",
        "UPDATE standing SET namespace = 'x' WHERE entry_id = 2",
        "UPDATE space SET vectors = 77",
    ],
)
def test_what_is_counted_wrongly_is_counted_again(filled, statement):
    change(filled, statement)

    found = mending.faults(filled.file)
    mending.mend(filled.file)

    assert len(found) == 1
    assert_sound(filled)


def test_a_text_that_nobody_can_read_is_found(filled):
    change(filled, "UPDATE entry SET answer = CAST(x'ff00' AS TEXT) WHERE id = 3")

    assert mending.garbled(filled.file) == ["1 rows of entry hold a text that is not UTF-8"]


def test_an_entry_without_its_scope_stays_and_gets_the_one_that_its_key_proves(filled):
    before = filled.file.rows("SELECT * FROM scope")
    change(filled, "DELETE FROM scope")

    found = mending.faults(filled.file)
    mending.mend(filled.file, addresses=[BASE_URL])

    assert "6 rows of entry belong to nothing, or cannot be read" in found
    assert filled.file.rows("SELECT * FROM scope") == before
    assert filled.count() == 6
    assert_sound(filled)
