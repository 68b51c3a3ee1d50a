from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from processes import mounted, start

from llmc.store import Store
from llmc.transfer import copies

#: Two rows at a time, each pair in one transaction, large enough to reach many pages.
WRITE_PAIRS = """
import sys
from llmc.store import Store
with Store(sys.argv[1]) as store:
    for number in range(10**6):
        with store.transaction():
            for half in "ab":
                store.file.execute(
                    "INSERT INTO refusal VALUES (?, 'm', ?, 1.0)", (half * 2000, str(number))
                )
        if not number:
            print("begun", flush=True)
"""

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def asked(cli, upstream, db) -> None:
    """Two answers, still in the write-ahead log alone."""
    with Store(str(db)) as store:
        store.file.scrub()  # with the tables that were just made it would be long enough to go
    cli("ask", "one")
    cli("ask", "two")


@pytest.fixture
def copy(home) -> Path:
    """Where the copy goes: a folder of its own."""
    folder = home / "copies"
    folder.mkdir()
    return folder / "copy.db"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_copy_holds_the_log_too_and_answers(cli, upstream, asked, copy):
    result = cli("backup", str(copy))

    assert (result.code, result.err) == (0, "")
    assert result.out == f"copied {copy.stat().st_size / 1e6:.1f} MB to {copy}\n"
    assert files(copy.parent) == ["copy.db"]
    assert cli("export", "--db", str(copy)).out == cli("export").out
    assert cli("ask", "two", "--offline", "--db", str(copy)).out == "answer 2\n"


def test_a_copy_is_for_its_owner_alone(cli, asked, copy):
    before = os.umask(0)
    cli("backup", str(copy))
    os.umask(before)

    assert copy.stat().st_mode & 0o777 == 0o600


def test_json_tells_the_size(cli, asked, copy):
    result = cli("backup", str(copy), "--json")

    assert json.loads(result.out) == {"path": str(copy), "bytes": copy.stat().st_size}


def test_the_file_is_left_as_it_was(cli, asked, copy, db):
    before = {path.name: path.read_bytes() for path in db.parent.iterdir() if path.suffix != "shm"}

    cli("backup", str(copy))

    after = {path.name: path.read_bytes() for path in db.parent.iterdir() if path.suffix != "shm"}
    assert after.keys() == before.keys()
    assert (after[db.name], after[f"{db.name}-wal"]) == (before[db.name], before[f"{db.name}-wal"])


def test_a_file_without_a_log_gets_none(cli, asked, copy, db, store):
    store.close()
    apsw.Connection(str(db)).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = files(db.parent)

    cli("backup", str(copy))

    assert before == files(db.parent)
    assert cli("ask", "one", "--offline", "--db", str(copy)).out == "answer 1\n"


@pytest.mark.parametrize("beside", ["", "-wal", "-shm"])
def test_what_is_there_already_is_not_overwritten(cli, asked, copy, beside):
    taken = Path(f"{copy}{beside}")
    taken.write_text("precious", encoding="utf-8")

    result = cli("backup", str(copy))

    assert (result.code, result.out) == (2, "")
    assert f"error: {taken}: it is there already\n" in result.err
    assert "--force" in result.err
    assert files(copy.parent) == [taken.name]
    assert taken.read_text(encoding="utf-8") == "precious"


def test_force_overwrites_it_with_the_log_of_what_stood_there(cli, asked, copy, db):
    cli("ask", "else", "--db", str(copy))

    result = cli("backup", str(copy), "--force")

    assert (result.code, files(copy.parent)) == (0, ["copy.db"])
    assert cli("export", "--db", str(copy)).out == cli("export").out


@pytest.mark.parametrize("force", [(), ("--force",)], ids=["plain", "force"])
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("", "a copy is a file: name it"),
        ("-", "a copy is a file: name it"),
        ("folder", "folder: it is a folder: name a file in it"),
        ("nowhere/", "nowhere/: it is a folder: name a file in it"),
        ("nowhere/copy.db", "nowhere/copy.db: no such file or directory"),
        ("link.db", "link.db: it is the cache file itself"),
    ],
)
def test_what_can_be_no_copy_is_refused_in_one_line(cli, asked, home, db, target, reason, force):
    (home / "folder").mkdir()
    (home / "link.db").symlink_to(db)

    result = cli("backup", *force, "--", target)

    assert (result.code, result.out) == (2, "")
    assert f"error: {reason}" in result.err
    assert cli("ask", "one", "--offline").code == 0


def test_nothing_stored_yet_is_nothing_to_copy(cli, copy, db):
    result = cli("backup", str(copy))

    assert (result.code, result.err) == (1, "llmc: error: nothing is stored yet\n")
    assert files(copy.parent) == []
    assert not db.exists()


def test_a_file_that_is_just_being_made_holds_nothing_yet(cli, copy, db):
    db.parent.mkdir(parents=True)
    db.touch()

    result = cli("backup", str(copy))

    assert (result.code, result.err) == (1, "llmc: error: nothing is stored yet\n")
    assert files(copy.parent) == []


def test_a_file_that_is_no_cache_is_not_copied_and_a_newer_one_is(cli, unusable, copy):
    result = cli("backup", str(copy))

    assert (result.code, files(copy.parent)) in [(5, []), (0, ["copy.db"])]
    assert result.err.count("\n") == (result.code == 5)


def test_an_interrupted_copy_leaves_nothing(asked, copy, db, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(copies, "_copy_pages", interrupted)

    with pytest.raises(KeyboardInterrupt):
        copies.backup(str(db), str(copy), force=False)

    assert files(copy.parent) == []


def test_it_is_one_moment_while_others_write(asked, copy, db):
    with start(WRITE_PAIRS, str(db)) as writer:
        writer.stdout.readline()
        found = [_state_of(db, copy.with_name(f"copy{number}.db")) for number in range(12)]
        writer.kill()

    assert {state[:2] for state in found} == {(0, "ok")}
    assert len({state[2] for state in found}) > 1


def _state_of(db: Path, target: Path) -> tuple[int, str, int]:
    """Copy the file; return the odd rows of the copy, its integrity, and its rows."""
    copies.backup(str(db), str(target), force=False)
    connection = sqlite3.connect(target)
    (count,) = connection.execute("SELECT count(*) FROM refusal").fetchone()
    (integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return count % 2, integrity, count


def test_a_full_disk_leaves_nothing_behind(cli, asked, home):
    disk = home / "disk"
    disk.mkdir()
    with mounted(disk, "-t", "tmpfs", "-o", "size=64k", "tmpfs"):
        result = cli("backup", str(disk / "copy.db"))
        left = files(disk)

    assert (result.code, result.out) == (1, "")
    assert result.err == f"llmc: error: {disk / 'copy.db'}: no space left on device\n"
    assert left == []


def test_a_limit_on_files_leaves_nothing_behind(asked, copy, db):
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
        "sys.argv[1:] = ['backup', sys.argv[1]]; from llmc.__main__ import main; main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", limited, str(copy)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )

    assert done.returncode in {1, 5}
    assert done.stderr.count("\n") == 1
    assert files(copy.parent) == []


def test_what_a_killed_copy_left_goes_with_the_next_one(cli, asked, copy):
    left = copy.parent / ".llmc-copy-1"
    left.mkdir()
    (left / "copy.db").write_text("half", encoding="utf-8")

    cli("backup", str(copy))

    assert files(copy.parent) == ["copy.db"]


def test_what_another_copy_is_at_work_on_stays(cli, asked, copy):
    with copies.workshop(str(copy.parent)) as others:
        copies._make(others)
        cli("backup", str(copy))

        assert files(copy.parent) == [Path(others).parent.name, "copy.db"]
        assert os.path.exists(others)

    assert files(copy.parent) == ["copy.db"]


def test_a_folder_that_looks_like_one_left_keeps_what_is_the_users(cli, asked, copy):
    users = copy.parent / ".llmc-copy-1"
    users.mkdir()
    (users / "notes").touch()

    cli("backup", str(copy))

    assert files(users) == ["notes"]


def test_a_damaged_file_is_copied_not_at_all_and_the_way_out_is_named(cli, asked, copy, db, store):
    store.file.scrub()
    content = bytearray(db.read_bytes())
    content[-8192:] = b"\xa5" * 8192
    content[100:108] = b"\xa5" * 8
    db.write_bytes(content)

    result = cli("backup", str(copy))

    assert (result.code, result.out) == (5, "")
    assert result.err == (
        f"llmc: error: cache file {db}: it is damaged\n"
        "llmc:   llmc doctor --repair saves what can be read\n"
    )
    assert files(copy.parent) == []


@pytest.mark.parametrize("command", [["backup", "copy.db"], ["list"], ["doctor", "--json"]])
def test_a_pipe_in_the_place_of_the_file_is_waited_for_by_nobody(cli, home, command):
    os.mkfifo(home / "pipe.db")

    result = cli(*command, "--db", "pipe.db")

    assert result.code in {1, 5}
    assert "pipe.db: it is no regular file" in result.out + result.err
