from __future__ import annotations

import os

import pytest
from drafts import draft, new_store
from processes import output

from llmc import watch as room
from llmc.store import Store
from llmc.types import Selector
from llmc.watch import watch

CHANGE = """
import sys
from llmc.store import Store
with Store(sys.argv[1]) as store:
    store.file.execute(sys.argv[2])
"""


@pytest.fixture
def store(db):
    with new_store(db) as store:
        store.put(draft(), None)
        yield store


@pytest.fixture(params=["mapped", "asked"])
def version(request, store, monkeypatch):
    if request.param == "asked":
        monkeypatch.setattr(room, "_header", lambda _: None)
    return watch(store.file)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entry SET answer = 'red'",
        "DELETE FROM entry",
        "UPDATE meta SET value = value + 1",
        "CREATE TABLE other (x)",
    ],
)
def test_another_process_s_change_is_seen(version, db, change):
    before = version()
    output(CHANGE, db, change)

    assert version() != before


def test_one_of_our_own_is_seen(version, store):
    before = version()
    store.put(draft("another"), None)

    assert version() != before


def test_reading_changes_nothing(version, store):
    before = version()
    list(store.select(Selector()))
    store.search("colour", Selector())

    assert version() == before


def test_what_was_taken_back_changes_nothing(version, store):
    before = version()
    store.file.execute("BEGIN; UPDATE entry SET answer = 'red'; ROLLBACK")

    # SQLite's own count goes up even so: a needless look, never a stale answer.
    assert version()[0] == before[0]


def test_the_locks_of_the_file_stay_when_another_opening_of_it_is_closed(db, store):
    watch(store.file)
    with Store(str(db)) as other:
        watch(other.file)

    with store.transaction():
        said = output(
            "import sys, apsw; db = apsw.Connection(sys.argv[1])\n"
            "try: db.execute('BEGIN IMMEDIATE')\n"
            "except apsw.BusyError: print('locked')",
            db,
        )

    assert said == "locked"


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no list of open files here")
def test_what_was_deleted_is_let_go(tmp_path):
    def watched(name: str) -> None:
        with Store(str(tmp_path / name)) as store:
            watch(store.file)
            store.file.scrub()
        for path in tmp_path.glob(f"{name}*"):
            path.unlink()

    watched("first")
    open_before = len(os.listdir("/proc/self/fd"))
    for number in range(5):
        watched(str(number))

    assert len(os.listdir("/proc/self/fd")) == open_before
