from __future__ import annotations

import errno
import os
import random
import stat
from pathlib import Path

import apsw
import pytest
from drafts import draft, hit_line, line
from processes import bound_by_modes, mounted, output, start

from llmc import opening
from llmc.errors import CacheFileError, DamagedError
from llmc.file import WAL_KEEP, File
from llmc.store import Store
from llmc.types import Selector

READ = """
import sys
from llmc.errors import CacheFileError
from llmc.store import Store
from llmc.types import Selector
try:
    with Store(sys.argv[1], create=False) as store:
        print(*[entry.answer for entry in store.select(Selector())])
except CacheFileError as error:
    print(error)
"""

READ_AND_WRITE = """
import sys
from drafts import draft, line
from llmc.errors import CacheFileError
from llmc.store import Store
with Store(sys.argv[1]) as store:
    print(store.file.read_only, store.count())
    try:
        store.put(draft("another"), line())
    except CacheFileError as error:
        print(error)
"""

READ_AND_COUNT = """
import sys
from llmc.errors import CacheFileError
from llmc.store import Store
try:
    with Store(sys.argv[1], create=False) as store:
        print(store.count())
except CacheFileError as error:
    print(error)
"""

READ_WITH_A_FURTHER_STEP = f"""
from llmc import schema
schema.STEPS = (*schema.STEPS, "SELECT 1")
schema.VERSION += 1
{READ}
"""

#: Holds a file's lock for a moment.
HOLD = """
import apsw, select, sys
connection = apsw.Connection(sys.argv[1])
connection.execute("BEGIN EXCLUSIVE; " + sys.argv[2])
print(flush=True)
select.select([sys.stdin], [], [], 0.3)
connection.execute("ROLLBACK")
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache.db"


@pytest.fixture
def umask():
    """Set the umask until the test ends."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.fixture
def impatient(monkeypatch):
    """Waits for locks end at once."""
    monkeypatch.setattr(opening, "BUSY_TIMEOUT", 1)


@pytest.fixture
def other(path):
    """Another program's open connection to the file."""
    Store(str(path)).close()
    connection = apsw.Connection(str(path))
    yield connection
    connection.close(force=True)


def mode(path: Path | str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def fill(path: Path, *, fold: bool) -> None:
    """Make a file with one answer; fold its log in, or leave it beside."""
    store = Store(str(path))
    store.put(draft(answer="blue"), line())
    if not fold:
        store.close()
        return
    store.file.scrub()
    store.file._db.close()


def use(path: Path) -> None:
    """Open a file and read, search and write it."""
    with Store(str(path)) as store:
        list(store.select(Selector()))
        store.search("blue", Selector())
        store.put(draft("a further question"), line())


def refusal(path: Path) -> str:
    """Return the reason with which a file is refused, on one line after its name."""
    with pytest.raises(CacheFileError) as caught:
        use(path)
    name, colon, reason = str(caught.value).partition(f"cache file {path}: ")
    assert (name, colon) == ("", f"cache file {path}: ")
    assert reason.isprintable()
    return reason


class TestModes:
    @pytest.mark.parametrize("mask", [0, 0o002, 0o022, 0o077, 0o177], ids=oct)
    def test_a_new_file_is_its_users_alone(self, mask, path, umask):
        umask(mask)

        File(str(path)).close()

        assert oct(mode(path)) == oct(0o600)

    @pytest.mark.parametrize("mask", [0, 0o002, 0o022, 0o077, 0o177], ids=oct)
    def test_a_new_folder_is_its_users_alone(self, mask, tmp_path, umask):
        umask(mask)

        File(str(tmp_path / "folder" / "cache.db")).close()

        assert oct(mode(tmp_path / "folder")) == oct(0o700)

    @pytest.mark.parametrize("kept", [0o755, 0o770, 0o700], ids=oct)
    def test_an_existing_folder_keeps_its_mode(self, kept, tmp_path):
        folder = tmp_path / "folder"
        folder.mkdir()
        folder.chmod(kept)

        File(str(folder / "cache.db")).close()

        assert oct(mode(folder)) == oct(kept)

    def test_an_existing_file_keeps_its_mode(self, path):
        File(str(path)).close()
        path.chmod(0o640)

        use(path)

        assert oct(mode(path)) == oct(0o640)

    def test_the_log_and_its_index_are_not_readable_by_others(self, path, umask):
        umask(0)

        use(path)

        assert oct(mode(f"{path}-wal")) == oct(0o600)
        assert oct(mode(f"{path}-shm")) == oct(0o600)


class TestReadOnly:
    @pytest.mark.parametrize("fold", [True, False], ids=["folded", "with a log"])
    def test_a_file_is_read_and_not_written(self, fold, path):
        fill(path, fold=fold)
        path.chmod(0o400)

        said = output(READ_AND_WRITE, path, before=bound_by_modes())

        assert said == f"True 1\ncache file {path}: it is read-only"

    @pytest.mark.parametrize("of_file", [0o600, 0o400], ids=oct)
    @pytest.mark.parametrize("fold", [True, False], ids=["folded", "with a log"])
    def test_a_folder_is_no_hindrance_to_reading(self, fold, of_file, tmp_path):
        path = tmp_path / "folder" / "cache.db"
        fill(path, fold=fold)
        path.chmod(of_file)
        path.parent.chmod(0o500)

        said = output(READ, path, before=bound_by_modes())

        assert said == "blue"

    @pytest.mark.parametrize("fold", [True, False], ids=["folded", "with a log"])
    def test_a_file_system_is_no_hindrance_to_reading(self, fold, tmp_path):
        path = tmp_path / "folder" / "cache.db"
        fill(path, fold=fold)

        with mounted(path.parent, "--bind", "-o", "ro", str(path.parent)):
            said = output(READ_AND_WRITE, path)

        assert said == f"True 1\ncache file {path}: it is read-only"

    def test_a_folder_of_any_name_will_do(self, tmp_path):
        path = tmp_path / "what? #1 100%41" / "cache.db"
        fill(path, fold=True)
        path.chmod(0o400)
        path.parent.chmod(0o500)

        said = output(READ, path, before=bound_by_modes())

        assert said == "blue"

    def test_a_log_that_cannot_be_read_is_not_passed_over(self, tmp_path):
        path = tmp_path / "folder" / "cache.db"
        fill(path, fold=True)
        with Store(str(path)) as store:
            store.delete([1])
        os.remove(f"{path}-shm")
        path.parent.chmod(0o500)

        said = output(READ, path, before=bound_by_modes())

        assert "blue" not in said

    def test_a_log_that_cannot_be_read_is_named_as_the_reason(self, tmp_path):
        path = tmp_path / "folder" / "cache.db"
        fill(path, fold=False)
        os.remove(f"{path}-shm")
        path.parent.chmod(0o500)

        said = output(READ, path, before=bound_by_modes())

        assert said.startswith(f"cache file {path}: ")
        assert "log" in said
        assert "schema" not in said

    def test_a_file_of_an_older_schema_is_refused_and_says_so(self, path):
        fill(path, fold=True)
        path.chmod(0o400)

        said = output(READ_WITH_A_FURTHER_STEP, path, before=bound_by_modes())

        assert said == f"cache file {path}: it is read-only, and of another llmc's schema"


class TestWhatIsNoCacheFile:
    def test_a_folder(self, path):
        path.mkdir()

        assert refusal(path) == "it is a folder"

    def test_a_text(self, path):
        path.write_text("a shopping list\n" * 100)

        assert refusal(path) == "it is not a cache file"

    def test_random_bytes(self, path):
        path.write_bytes(random.Random(1).randbytes(8192))

        assert refusal(path) == "it is not a cache file"

    def test_a_short_text(self, path):
        path.write_text("bread\n")

        assert refusal(path) == "it is not a cache file"

    @pytest.mark.parametrize("length", [50, 512, 4096, 6000, 20_000])
    def test_a_file_that_was_cut_off(self, length, path):
        fill(path, fold=True)
        os.truncate(path, length)

        assert refusal(path) in {"it is not a cache file", "it is damaged"}

    def test_a_file_overwritten_in_the_middle(self, path):
        fill(path, fold=True)
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(random.Random(1).randbytes(path.stat().st_size - 4096))

        assert refusal(path) == "it is damaged"

    def test_a_table_without_what_it_had_from_the_start(self, path):
        with Store(str(path)) as store, pytest.raises(CacheFileError, match="it is damaged"):
            store.file.number("SELECT value FROM meta WHERE name = 'nothing'")

    def test_a_version_that_no_file_ever_had(self, path):
        fill(path, fold=True)
        connection = apsw.Connection(str(path))
        connection.execute("PRAGMA user_version = -3")
        connection.close()

        assert refusal(path) == "it is damaged"

    def test_a_file_in_the_folders_place(self, path):
        path.write_text("")

        assert refusal(path / "cache.db") == "not a directory"

    @pytest.mark.parametrize("make", [os.mkfifo, Path.touch], ids=["a pipe", "no permission"])
    def test_something_that_cannot_be_opened(self, make, path):
        make(path)
        path.chmod(0)

        said = output(READ, path, before=bound_by_modes())

        assert said.startswith(f"cache file {path}: ")
        assert len(said.splitlines()) == 1

    def test_a_device(self, tmp_path):
        said = output(READ, os.devnull)

        assert said.startswith("cache file /dev/null: ")
        assert len(said.splitlines()) == 1

    def test_a_folder_that_may_not_be_made(self, tmp_path):
        tmp_path.chmod(0o500)
        path = tmp_path / "folder" / "cache.db"

        said = output(READ_AND_WRITE, path, before=bound_by_modes())

        assert said.endswith(f"cache file {path}: permission denied")

    def test_a_name_that_is_no_text(self, tmp_path):
        path = tmp_path / os.fsdecode(b"\xff.db")

        with pytest.raises(CacheFileError):
            File(str(path))


class TestAFileThatIsNotThere:
    def test_is_an_empty_cache_where_it_is_not_to_be_made(self, tmp_path):
        path = tmp_path / "folder" / "cache.db"

        said = output(READ_AND_COUNT, path)

        assert said == "0"
        assert not path.parent.exists()

    def test_is_no_empty_cache_where_it_may_only_not_be_seen(self, tmp_path):
        path = tmp_path / "folder" / "cache.db"
        fill(path, fold=True)
        path.parent.chmod(0)

        said = output(READ_AND_COUNT, path, before=bound_by_modes())

        path.parent.chmod(0o700)
        assert said == f"cache file {path}: permission denied"

    def test_is_made_in_folders_that_are_made(self, tmp_path):
        path = tmp_path / "one" / "two" / "cache.db"

        use(path)

        assert path.exists()

    def test_is_refused_where_a_link_leads_nowhere(self, path, tmp_path):
        path.symlink_to(tmp_path / "nowhere" / "cache.db")

        said = output(READ_AND_WRITE, path)

        assert said.endswith(f"cache file {path}: no such file or directory")


@pytest.mark.parametrize("name", ["a b?c#d%41.db", ":memory:", "file:x.db?mode=memory", "-x.db"])
def test_a_name_is_only_a_name(name, home):
    use(Path(name))

    assert name in os.listdir(home)
    with Store(name) as store:
        assert store.count() == 1


def test_an_empty_file_becomes_a_cache_file(path):
    path.touch(mode=0o600)

    use(path)

    with Store(str(path), create=False) as store:
        assert store.count() == 1


class TestLocks:
    def test_a_file_that_stays_locked_is_refused(self, path, other, impatient):
        other.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        other.execute("BEGIN EXCLUSIVE")

        assert refusal(path) == "another process keeps it locked"

    def test_a_file_that_is_being_made_and_stays_locked_is_refused(self, path, impatient):
        connection = apsw.Connection(str(path))
        connection.execute("BEGIN EXCLUSIVE")

        assert refusal(path) == "another process keeps it locked"
        connection.close()

    def test_opening_waits_for_a_lock_that_is_let_go(self, path):
        with start(HOLD, path, "CREATE TABLE x (y); DROP TABLE x") as other:
            other.stdout.readline()

            with Store(str(path)) as store:
                found = store.count()

        assert found == 0

    def test_reading_does_not_wait_for_a_writer(self, path, other, impatient):
        fill(path, fold=False)
        other.execute("BEGIN EXCLUSIVE")

        with Store(str(path)) as store:
            found = [entry.answer for entry in store.select(Selector())]

        assert found == ["blue"]

    def test_writing_against_a_writer_fails_in_one_line(self, path, other, impatient):
        other.execute("BEGIN EXCLUSIVE")

        assert refusal(path) == "another process keeps it locked"

    def test_writing_waits_for_a_writer(self, path):
        Store(str(path)).close()
        with start(HOLD, path, "DELETE FROM ledger") as other:
            other.stdout.readline()

            with Store(str(path)) as store:
                entry_id = store.put(draft(), line())

        assert entry_id == 1


class TestTheLog:
    def test_stays_bounded_over_many_short_processes(self, path):
        sizes = list(map(put_once, [path] * 300, range(300)))

        assert 0 < max(sizes) <= 2 * WAL_KEEP
        with Store(str(path)) as store:
            assert store.count() == 300

    def test_stays_bounded_over_many_hits(self, path):
        fill(path, fold=False)

        sizes = list(map(hit_once, [path] * 300))

        assert 0 < max(sizes) <= 2 * WAL_KEEP
        with Store(str(path)) as store:
            assert store.entry(1).hits == 300

    def test_is_kept_at_closing_while_it_is_short(self, path):
        fill(path, fold=False)

        assert 0 < os.path.getsize(f"{path}-wal") < WAL_KEEP

    def test_is_folded_in_at_closing_once_it_is_long(self, path):
        with Store(str(path)) as store:
            store.put(draft(answer="blue " * WAL_KEEP), line())

        assert not os.path.exists(f"{path}-wal")

    def test_is_empty_after_a_scrub(self, path):
        with Store(str(path)) as store:
            store.put(draft(), line())
            before = store.file.wal_size()

            done = store.file.scrub()

            assert done
            assert before > 0
            assert store.file.wal_size() == 0

    def test_is_not_scrubbed_while_another_reads_and_says_so(self, path, other, impatient):
        with Store(str(path)) as store:
            other.execute("BEGIN; SELECT * FROM entry").fetchall()
            store.put(draft(), line())

            done = store.file.scrub()

            assert not done
            assert store.count() == 1


class TestUsing:
    @pytest.fixture
    def file(self, path):
        file = File(str(path))
        file.execute("CREATE TABLE shelf (book TEXT)")
        yield file
        file.close()

    def test_a_transaction_is_all_or_nothing(self, file):
        def fail():
            with file.transaction():
                file.execute("INSERT INTO shelf VALUES ('one')")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()

        assert file.rows("SELECT * FROM shelf") == []

    def test_a_transaction_keeps_what_it_did(self, file, path):
        with file.transaction():
            file.execute("INSERT INTO shelf VALUES (?)", ("one",))

        file.close()
        assert File(str(path)).rows("SELECT * FROM shelf") == [("one",)]

    def test_rows_come_as_dictionaries_too(self, file):
        found = file.records("SELECT 1 AS one, ? AS two", ("2",))

        assert found == [{"one": 1, "two": "2"}]

    def test_rows_come_one_by_one_too(self, file):
        rows = file.stream("VALUES (1), (2)")

        assert next(rows) == (1,)
        assert list(rows) == [(2,)]

    def test_changes_are_those_of_the_last_statement(self, file):
        file.execute("INSERT INTO shelf VALUES ('one'), ('two')")

        assert file.changes() == 2

    def test_a_wrong_statement_names_the_file(self, file, path):
        with pytest.raises(CacheFileError) as caught:
            file.execute("SELECT * FROM nowhere")

        assert str(caught.value) == f"cache file {path}: no such table: nowhere"

    def test_a_sound_file_has_no_damage(self, file):
        assert file.damage() == []

    def test_damage_is_found(self, file, path):
        file.execute("INSERT INTO shelf VALUES (?)", ("x" * 1_000_000,))
        file.scrub()
        with path.open("r+b") as raw:
            raw.seek(path.stat().st_size // 8192 * 4096)
            raw.write(bytes(4096))

        found = File(str(path)).damage()

        assert found[0].startswith("*** in database main ***")

    def test_a_vacuum_gives_space_back(self, file, path):
        file.execute("INSERT INTO shelf VALUES (?)", ("x" * 1_000_000,))
        file.scrub()
        before = path.stat().st_size
        file.execute("DELETE FROM shelf")

        file.vacuum()

        assert path.stat().st_size < before - 900_000

    def test_the_size_is_that_of_the_pages_in_use(self, file, path):
        file.execute("INSERT INTO shelf VALUES (?)", ("x" * 1_000_000,))
        before = file.size()

        file.execute("DELETE FROM shelf")

        assert before > 1_000_000
        assert file.size() < before - 900_000

    def test_what_is_deleted_is_overwritten(self, file, path):
        file.execute("INSERT INTO shelf VALUES ('zyzzyva')")
        file.scrub()
        before = path.read_bytes()

        file.execute("DELETE FROM shelf")
        file.scrub()

        assert b"zyzzyva" in before
        assert b"zyzzyva" not in path.read_bytes()

    def test_closing_twice_is_harmless(self, file):
        file.close()

        file.close()

    def test_using_a_closed_file_fails_in_one_line(self, file, path):
        file.close()

        with pytest.raises(CacheFileError, match=f"^cache file {path}: "):
            file.rows("SELECT 1")


def put_once(path: Path, number: int) -> int:
    """Put one answer as a process of its own would, and return the bytes of the log it leaves."""
    with Store(str(path)) as store:
        store.put(draft(f"question {number}"), line())
    return size_of(f"{path}-wal")


def hit_once(path: Path) -> int:
    with Store(str(path)) as store:
        store.record(hit_line(1))
    return size_of(f"{path}-wal")


def size_of(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


def test_a_disk_that_cannot_be_read_is_told_as_such_not_as_damage(path, monkeypatch):
    with Store(str(path)) as store:
        store.file.scrub()
    with path.open("r+b") as damaged:
        damaged.seek(100)
        damaged.write(b"\xa5" * 4096)

    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(DamagedError, match="it is damaged"):
        Store(str(path))
    monkeypatch.setattr(os, "pread", fail)

    with pytest.raises(CacheFileError, match=r"input/output error$") as caught:
        Store(str(path))

    assert not isinstance(caught.value, DamagedError)
