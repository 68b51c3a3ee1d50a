from __future__ import annotations

import os
import random
import sqlite3
from pathlib import Path

import pytest

from llmc.repair.pages import Pages

VALUES = [
    None, 0, 1, -1, 127, -128, 32_767, 8_388_607, -2_147_483_648, 1 << 40, (1 << 63) - 1,
    -(1 << 63), 0.5, -1e300, "", "blue", "naïve ☂", "x" * 400, "y" * 9_000, b"", b"\x00\xff",
    b"z" * 70_000,
]  # fmt: skip


def rows(count: int, seed: int = 0) -> list[tuple]:
    """Rows of a key and three values of any kind."""
    chosen = random.Random(seed)
    return [(number, *chosen.choices(VALUES, k=3)) for number in range(1, count + 1)]


def made(path: Path, *, size: int = 4096, without_rowid: bool = False) -> list[tuple]:
    """Make a file of one table; return what it holds."""
    kind = " WITHOUT ROWID" if without_rowid else ""
    kept = rows(300)
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA page_size = {size}")
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute(f"CREATE TABLE t (k INTEGER PRIMARY KEY, a, b, c){kind}")
        db.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", kept)
    db.close()
    return kept


def opened(path: Path) -> Pages:
    log = Path(f"{path}-wal")
    number = os.open(path, os.O_RDONLY)  # a test's process ends soon
    return Pages(number, log.read_bytes() if log.exists() else b"")


def read(pages: Pages) -> list[tuple]:
    """All rows of the table in its tree's pages, in order."""
    (root,) = [r.values[3] for n in pages.tree(1) for r in pages.records(n)[0]]
    found = [record for page in pages.tree(root) for record in pages.records(page)[0]]
    return sorted((r.rowid or r.values[0], *r.values[1:]) for r in found)


@pytest.mark.parametrize("size", [512, 1024, 4096, 65_536])
@pytest.mark.parametrize("without_rowid", [False, True], ids=["rowids", "without rowids"])
def test_the_rows_of_a_sound_file_are_those_that_sqlite_reads(tmp_path, size, without_rowid):
    kept = made(tmp_path / "db", size=size, without_rowid=without_rowid)

    pages = opened(tmp_path / "db")

    assert pages.size == size
    assert [repr(row) for row in read(pages)] == [repr(row) for row in kept]


def test_what_the_log_holds_counts_as_far_as_it_was_committed(tmp_path):
    kept = made(tmp_path / "db")
    with sqlite3.connect(tmp_path / "db", isolation_level=None) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("UPDATE t SET a = 'new' WHERE k = 7")
        db.execute("DELETE FROM t WHERE k > 200")
        pages = opened(tmp_path / "db")
    db.close()

    found = read(pages)

    assert [row[0] for row in found] == list(range(1, 201))
    assert found[6] == (7, "new", *kept[6][2:])


def test_a_frame_that_is_not_whole_ends_the_log(tmp_path):
    made(tmp_path / "db")
    with sqlite3.connect(tmp_path / "db", isolation_level=None) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("UPDATE t SET a = 'first' WHERE k = 7")
        db.execute("UPDATE t SET a = 'second' WHERE k = 7")
        log = bytearray(Path(tmp_path / "db-wal").read_bytes())
        log[-1] ^= 1
        number = os.open(tmp_path / "db", os.O_RDONLY)
        pages = Pages(number, bytes(log))
    db.close()

    assert read(pages)[6][1] == "first"


def test_pages_of_noise_hold_nothing(tmp_path):
    chosen = random.Random(1)
    (tmp_path / "db").write_bytes(b"".join(chosen.randbytes(4096) for _ in range(300)))

    pages = opened(tmp_path / "db")

    assert [pages.records(number)[0] for number in range(1, pages.count + 1)] == [[]] * 300


@pytest.mark.parametrize("content", [b"", b"x", b"SQLite format 3\0", bytes(5000)])
def test_a_file_that_is_none_has_no_rows(tmp_path, content):
    (tmp_path / "db").write_bytes(content)

    pages = opened(tmp_path / "db")

    assert pages.records(1) == ([], 0)
    assert pages.tree(1) == set()


def test_a_tree_that_leads_in_circles_has_an_end(tmp_path):
    kept = made(tmp_path / "db", size=512)
    content = bytearray((tmp_path / "db").read_bytes())
    pages = opened(tmp_path / "db")
    (root,) = [record.values[3] for record in pages.records(1)[0]]
    start = (root - 1) * 512
    content[start + 8 : start + 12] = root.to_bytes(4, "big")
    (tmp_path / "db").write_bytes(content)

    found = read(opened(tmp_path / "db"))

    assert 0 < len(found) < len(kept)


def test_a_row_whose_rest_is_lost_is_no_row(tmp_path):
    kept = made(tmp_path / "db")
    content = bytearray((tmp_path / "db").read_bytes())
    for start in range(2 * 4096, len(content), 4096):
        if content[start] == 0 and any(content[start : start + 4]):  # goes on elsewhere
            content[start : start + 4] = b"\0\0\0\0"
    (tmp_path / "db").write_bytes(content)

    found = read(opened(tmp_path / "db"))

    assert [row for row in found if row not in kept] == []
    assert {row[0] for row in kept if b"z" * 70_000 in row}.isdisjoint(row[0] for row in found)


def test_a_row_whose_rest_goes_on_into_anothers_is_no_row(tmp_path):
    kept = made(tmp_path / "db")
    content = bytearray((tmp_path / "db").read_bytes())
    for start in range(2 * 4096, len(content), 4096):
        if not any(content[start : start + 4]) and any(content[start + 4 : start + 4096]):  # ends
            content[start : start + 4] = (3).to_bytes(4, "big")
    (tmp_path / "db").write_bytes(content)

    found = read(opened(tmp_path / "db"))

    assert [row for row in found if row not in kept] == []
    assert {row[0] for row in kept if b"z" * 70_000 in row}.isdisjoint(row[0] for row in found)
