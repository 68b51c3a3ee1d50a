from __future__ import annotations

import os
import random
from pathlib import Path

import apsw
import pytest
from drafts import BASE_URL, draft, hit_line, line
from processes import start

from llmc import keys
from llmc.errors import CacheFileError
from llmc.repair import mending
from llmc.repair.salvage import salvage
from llmc.store import Store
from llmc.types import Alias, Selector, Verdict

PAGE = 4096

#: Opens a cache file and keeps it open until a line comes.
HOLD = """
import sys
from llmc.store import Store
with Store(sys.argv[1]) as store:
    print(store.count(), flush=True)
    input()
"""

#: Opens a cache file as soon as it may, and stores something.
WAIT = """
import sys
from drafts import draft, line
from llmc.errors import CacheFileError
from llmc.store import Store
print(flush=True)
try:
    with Store(sys.argv[1]) as store:
        store.put(draft("late"), line())
        print("stored")
except CacheFileError as error:
    print(error)
"""


@pytest.fixture
def path(tmp_path) -> Path:
    """A cache file of some hundred entries with all that belongs to them, its log folded in."""
    path = tmp_path / "cache.db"
    chosen = random.Random(0)
    with Store(str(path)) as store:
        with store.transaction():
            for number in range(1, 301):
                answer = "blue " * chosen.choice([1, 40, 2_000])
                made = draft(f"question {number}", answer, system=f"system {number % 5}")
                store.write(made._replace(namespace=f"n{number % 3}"))
                store.ledger.write(line(entry_id=number))
            store.paraphrases.judge(Verdict(b"p" * 16, "bad", False, "n1", "e", 0.9, 3.0))
            store.paraphrases.learn(
                Alias("n1", b"k" * 32, 7, "e", 0.9, "in other words", 0), at=3.0
            )
        store.rules.add_time_rule("price", 5.0, at=1.0)
        store.paraphrases.calibrated("e", {"thresholds": {}}, at=1.0)
        store.refuse("http://a", "m", "temperature", at=1.0)
        store.file.execute("UPDATE entry SET pinned = 1 WHERE id = 9")
        store.delete([300])
        store.file.scrub()
    return path


def content(path: Path) -> dict[str, set]:
    """All rows of the tables that are not made from others."""
    names = ("scope", "entry", "ledger", "alias", "verdict", "rule", "calibration", "refusal")
    with Store(str(path)) as store:
        found = {name: set(store.file.rows(f"SELECT * FROM {name}")) for name in names}
    # What stands in for a lost scope has no address.
    return found | {"scope": {row for row in found["scope"] if row[2]}}


def assert_sound(path: Path) -> None:
    with Store(str(path)) as store:
        assert store.file.damage() == []
        assert store.index_damage() is None
        assert mending.incomplete(store.file) == []
        assert mending.faults(store.file) == []
        assert mending.garbled(store.file) == []


def overwrite(path: Path, numbers: list[int], noise: random.Random | None) -> None:
    """Fill pages, counted from 1, with noise, or with zeros."""
    with path.open("r+b") as file:
        for number in numbers:
            file.seek((number - 1) * PAGE)
            file.write(noise.randbytes(PAGE) if noise else bytes(PAGE))


def pages_of(path: Path, *names: str) -> list[int]:
    """The numbers of the pages that some tables or indexes lie on."""
    with apsw.Connection(str(path)) as db:
        marks = ", ".join("?" * len(names))
        rows = db.execute(f"SELECT pageno FROM dbstat WHERE name IN ({marks})", names).fetchall()
    db.close()
    return [row[0] for row in rows]


def test_a_sound_file_comes_out_as_it_went_in(path):
    before = content(path)

    saved = salvage(str(path))

    assert content(path) == before
    assert saved.lost == {}
    assert saved.saved["entry"] == 299
    assert_sound(path)


def test_the_damaged_file_is_kept_to_the_byte(path):
    overwrite(path, [5], random.Random(1))
    before = path.read_bytes()

    saved = salvage(str(path))

    kept = Path(saved.kept)
    assert kept.parent == path.parent
    assert kept.name.startswith("cache.db.damaged-20")
    assert kept.read_bytes() == before
    assert kept.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("seed", range(24))
def test_what_can_be_read_is_kept_and_nothing_is_invented(path, seed):
    chosen = random.Random(seed)
    before = content(path)
    count = path.stat().st_size // PAGE
    hurt = chosen.sample(range(1, count + 1), chosen.choice([1, 4, 16]))
    overflowing = pages_of(path, "entry")
    overwrite(path, hurt, chosen if seed % 2 else None)

    salvage(str(path))

    after = content(path)
    assert [name for name in before if not after[name] <= before[name]] == []
    # A page holds thirty short entries at most, or a part of one.
    lost = len(before["entry"]) - len(after["entry"])
    assert lost <= 30 * len(set(hurt) & set(overflowing))
    assert_sound(path)


@pytest.mark.parametrize("seed", range(6))
def test_damage_of_indexes_alone_loses_no_row(path, seed):
    chosen = random.Random(seed)
    before = content(path)
    indexes = pages_of(
        path, "entry_by_family", "entry_by_scope", "ledger_by_time", "sqlite_autoindex_entry_1"
    )
    with path.open("r+b") as file:
        for number in indexes:
            file.seek((number - 1) * PAGE + chosen.randrange(PAGE - 40))
            file.write(chosen.randbytes(40))

    saved = salvage(str(path))

    assert content(path) == before
    assert saved.saved["entry"] == 299
    assert_sound(path)


def test_a_header_of_zeros_costs_nothing(path):
    before = content(path)
    with path.open("r+b") as file:
        file.write(bytes(100))

    salvage(str(path))

    assert content(path) == before
    assert_sound(path)


def test_without_its_first_page_the_rows_are_known_by_their_looks(path):
    before = content(path)
    overwrite(path, [1], None)

    saved = salvage(str(path))

    after = content(path)
    assert saved.lost is None
    assert {name: after[name] for name in after if name != "calibration"} == {
        name: before[name] for name in before if name != "calibration"
    }
    assert_sound(path)


@pytest.mark.parametrize("share", [0.7, 0.5, 0.2])
def test_of_a_file_cut_short_the_beginning_is_kept(path, share):
    before = content(path)
    os.truncate(path, int(path.stat().st_size * share))

    saved = salvage(str(path))

    after = content(path)
    assert after["entry"] < before["entry"]
    assert saved.lost is None or saved.lost.get("entry", 0) > 0
    assert_sound(path)


def test_what_only_the_log_holds_is_saved_from_there(path):
    with Store(str(path)) as store:
        store.put(draft("the newest"), line())
    assert Path(f"{path}-wal").stat().st_size
    overwrite(path, [3], random.Random(3))

    saved = salvage(str(path))

    with Store(str(path)) as store:
        assert "the newest" in {entry.prompt for entry in store.select(Selector())}
    assert Path(f"{saved.kept}-wal").stat().st_size


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_without_log_or_its_index_the_file_itself_is_what_there_is(path, suffix):
    with Store(str(path)) as store:
        store.put(draft("the newest"), line())
    Path(f"{path}{suffix}").unlink(missing_ok=True)

    salvage(str(path))

    assert_sound(path)


def test_no_id_is_given_twice_not_even_that_of_a_lost_entry(path):
    overwrite(path, [n for n in pages_of(path, "entry") if n % 2], None)

    salvage(str(path))

    with Store(str(path)) as store:
        assert store.put(draft("another"), line()) == 301


def test_a_pinned_entry_stays_pinned_and_has_no_place_among_those_that_go(path):
    salvage(str(path))

    with Store(str(path)) as store:
        assert store.file.rows("SELECT id FROM entry WHERE pinned") == [(9,)]
        assert_sound(path)


def test_words_are_found_again(path):
    overwrite(path, pages_of(path, "entry_text_data"), None)

    salvage(str(path))

    with Store(str(path)) as store:
        assert [entry.id for entry in store.search("question 299", Selector())] == [299]


def test_what_the_porch_remembered_is_void(path):
    with Store(str(path)) as store:
        before = store.file.number("SELECT value FROM meta WHERE name = 'generation'")

    salvage(str(path))

    with Store(str(path)) as store:
        after = store.file.number("SELECT value FROM meta WHERE name = 'generation'")
        assert after > before
        assert store.file.number("SELECT count(*) FROM invocation") == 0


def test_a_file_that_another_process_has_open_is_left_alone(path):
    before = path.read_bytes()
    with start(HOLD, path) as other:
        other.stdout.readline()

        with pytest.raises(CacheFileError, match="another process has it open"):
            salvage(str(path))

        other.communicate("\n")
    assert path.read_bytes() == before
    assert [name for name in os.listdir(path.parent) if "damaged" in name] == []


def test_who_waits_meanwhile_goes_without_the_file_and_harms_nothing(path, monkeypatch):
    before = content(path)
    overwrite(path, [4], random.Random(1))
    waiting = []

    def keep(*arguments: object) -> None:
        waiting.append(start(WAIT, path))
        waiting[0].stdout.readline()
        return chmod(*arguments)

    chmod = os.chmod
    monkeypatch.setattr(os, "chmod", keep)

    salvage(str(path))

    monkeypatch.undo()
    said, _ = waiting[0].communicate()
    assert said in {"stored\n", f"cache file {path}: it is not a cache file\n"}
    assert content(path)["verdict"] == before["verdict"]
    assert_sound(path)


@pytest.mark.parametrize("made", [b"no database\n" * 999, b"", bytes(9_000)])
def test_a_file_without_a_row_of_ours_is_left_alone(tmp_path, made):
    path = tmp_path / "cache.db"
    path.write_bytes(made)

    with pytest.raises(CacheFileError, match="nothing of llmc's can be read in it"):
        salvage(str(path))

    assert path.read_bytes() == made
    assert sorted(os.listdir(tmp_path)) == ["cache.db", "home"]


def test_a_failure_on_the_way_leaves_all_as_it_was(path, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", fail)

    with pytest.raises(CacheFileError, match="no space left"):
        salvage(str(path))

    assert path.read_bytes() == before
    assert [name for name in os.listdir(path.parent) if name.startswith(".llmc")] == []


def test_a_link_stays_one(path, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(path)

    salvage(str(link))

    assert link.is_symlink()
    assert_sound(path)


def test_a_row_whose_text_was_wiped_is_lost(path):
    content_ = bytearray(path.read_bytes())
    place = content_.find(b"question 17")
    content_[place : place + 11] = bytes(11)
    path.write_bytes(content_)

    saved = salvage(str(path))

    assert saved.lost == {"entry": 1}
    with Store(str(path)) as store:
        assert store.entry(17) is None


def test_hits_are_counted_as_before(path):
    with Store(str(path)) as store:
        store.record(hit_line(5))
        store.file.scrub()

    salvage(str(path))

    with Store(str(path)) as store:
        assert store.entry(5).hits == 1


def test_entries_outlive_their_scopes_and_answer_the_very_same_request(path):
    before = content(path)
    overwrite(path, pages_of(path, "scope"), None)

    saved = salvage(str(path), addresses=["http://elsewhere/v1"])

    asked = draft("question 7", system="system 2")
    with Store(str(path)) as store:
        (found,) = store.family("n1", asked.family)
        frame, _ = store.frame(found.id)
    assert content(path)["entry"] == before["entry"]
    assert saved.unframed == 299
    assert found.answer.startswith("blue")
    assert keys.request_from(frame, "question 7").base_url == ""
    assert_sound(path)


def test_a_plain_question_gets_its_scope_back_where_its_key_proves_it(path, tmp_path):
    path = tmp_path / "plain.db"
    with Store(str(path)) as store:
        entry_id = store.put(draft("which colour?"), None)
        store.record(line(entry_id=entry_id))
        for number in range(200):
            store.put(draft(f"question {number}"), None)
        before = set(store.file.rows("SELECT * FROM scope"))
        store.file.execute("UPDATE entry SET id = 999 WHERE id = 1")
        store.file.execute("UPDATE ledger SET entry_id = 999")
        store.file.scrub()
    overwrite(path, pages_of(path, "scope"), None)

    saved = salvage(str(path), addresses=["http://elsewhere/v1", BASE_URL])

    with Store(str(path)) as store:
        after = set(store.file.rows("SELECT * FROM scope"))
    assert (saved.unframed, after) == (0, before)
    assert_sound(path)
