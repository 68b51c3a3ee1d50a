from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from pathlib import Path

import apsw
import pytest
import storms
from drafts import draft, line
from storms import Told, answer_to, assert_sound, short_or_long

from llmc.store import Store
from llmc.types import Selector

pytestmark = pytest.mark.stress

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"

#: How often a command is killed, and what the chances are drawn from.
ROUNDS = short_or_long(40, 1000)
SEED = 20

#: Commands that take the entry away which they are about.
TAKING = {"rm", "bad", "invalidate"}


@pytest.fixture
def folder(tmp_path):
    """What commands read besides the file: another cache, an old one; and where copies go."""
    folder = tmp_path / "beside"
    (folder / "backups").mkdir(parents=True)
    with Store(str(folder / "donor.db")) as store:
        for number in range(200):
            prompt = f"donated {number}"
            store.put(draft(prompt, answer_to(prompt) + "!" * 4000), line())
    old = apsw.Connection(str(folder / "old.db"))
    old.execute((SCHEMAS / "1.sql").read_text("utf-8")).fetchall()
    old.close()
    return folder


def acknowledged(told: Iterable[Told], kind: str) -> set[str]:
    """What commands of a kind were about that said so, killed afterwards or not."""
    return {each.subject for each in told if each.kind == kind and each.out.endswith("\n")}


def tried(told: Iterable[Told], *kinds: str) -> set[str]:
    return {each.subject for each in told if each.kind in kinds}


def test_nothing_that_was_acknowledged_is_lost_and_nothing_is_left_behind(
    upstream, folder, db, cli, program
):
    Store(str(db)).close()
    told = storms.rage("kills", ROUNDS, SEED, str(folder))

    whole = [each for each in told if each.code != -signal.SIGKILL]
    assert len(told) - len(whole) >= ROUNDS
    assert [each for each in whole if each.code != 0 or "error" in each.err] == []
    with Store(str(db)) as store:
        assert_sound(store)
        answers = {entry.prompt: entry.answer for entry in store.select(Selector())}
    kept = acknowledged(told, "put") | acknowledged(told, "ask")
    assert kept - tried(told, *TAKING) - answers.keys() == set()
    assert answers.keys() & {each.subject for each in whole if each.kind in TAKING} == set()
    same = answers.pop(storms.question("the same"))
    assert same in tried(told, "same")
    given = {p: a.rstrip("!") for p, a in answers.items()}
    assert given == {prompt: answer_to(prompt) for prompt in answers}
    assert answered_in_batches(told) - set(answers.values()) == set()
    assert_upgraded(tried(told, "upgrade"))
    assert_copied(acknowledged(told, "backup"))
    assert_left_tidy(cli, folder, db)
    last = program("ask", "is all well?")
    assert (last.code, last.out) == (0, answer_to("is all well?") + "\n")
    assert program("doctor").code == 0


def answered_in_batches(told: Iterable[Told]) -> set[str]:
    lines = [line for each in told if each.kind == "batch" for line in each.out.splitlines(True)]
    return {json.loads(line)["answer"] for line in lines if line.endswith("\n")}


def assert_upgraded(paths: Iterable[str]) -> None:
    for path in paths:
        with Store(path) as store:
            assert store.count() == 3
            assert_sound(store)


def assert_copied(paths: Iterable[str]) -> None:
    for path in paths:
        with Store(path) as store:
            assert_sound(store)


def assert_left_tidy(cli, folder: Path, db: Path) -> None:
    """What a killed command leaves beside a file, the next one of its kind takes away."""
    assert cli("import", str(folder / "donor.db")).code == 0
    assert cli("backup", str(folder / "backups" / "last.db")).code == 0

    beside = {path.name for path in db.parent.iterdir()}
    assert beside - {db.name, f"{db.name}-wal", f"{db.name}-shm"} == set()
    assert [path.name for path in (folder / "backups").iterdir() if path.name[0] == "."] == []


def test_a_repair_that_is_killed_can_be_made_again(tmp_path, cli):
    with Store(str(tmp_path / "original.db")) as store:
        for number in range(60):
            store.put(draft(f"question {number}", answer_to(str(number)) * 20), line())
        store.file.scrub()
        wrong = store.file.number(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'entry_by_scope'"
        )
    with (tmp_path / "original.db").open("r+b") as file:
        file.seek((wrong - 1) * 4096)
        file.write(b"\xa5" * 4096)

    words = ["doctor", "--repair", "--yes"]
    told = storms.rage("copies", short_or_long(8, 200), SEED, str(tmp_path), words, 0.15)

    again = [cli("doctor", "--repair", "--yes", "--db", each.subject) for each in told]
    assert [result for result in again if result.code != 0] == []
    for each in told:
        with Store(each.subject) as store:
            assert_sound(store)
            assert store.count() == 60
        assert [p for p in Path(each.subject).parent.iterdir() if p.name[0] == "."] == []


@pytest.fixture
def original(tmp_path):
    """A file of many answers, and the lines of another one's."""
    for name, first in (("original", 0), ("other", 500)):
        with Store(str(tmp_path / f"{name}.db")) as store:
            with store.transaction():
                for number in range(first, first + 1000):
                    store.write(draft(f"question {number}", answer_to(str(number))))
            store.file.scrub()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["prune", "--max-entries", "100", "--yes"], 100),
        (["prune", "--max-size", "600K", "--yes"], None),
        (["invalidate", "question .*7", "--yes"], 729),
        (["import", "lines.jsonl"], 1500),
        (["import", "other.db"], 1500),
        (["export"], 1000),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else None,
)
def test_what_is_killed_can_be_done_again(original, cli, monkeypatch, words, left):
    monkeypatch.chdir(original)
    exported = cli("export", "--db", "other.db")
    (original / "lines.jsonl").write_text(exported.out, encoding="utf-8")
    rounds = short_or_long(6, 100)

    told = storms.rage("copies", rounds, SEED, str(original), words, 0.4)

    again = [cli(*words, "--db", each.subject) for each in told]
    assert [result for result in again if (result.code, result.err) != (0, "")] == []
    for each in told:
        with Store(each.subject) as store:
            assert_sound(store)
            assert left in {None, store.count()}
        assert [p for p in Path(each.subject).parent.iterdir() if p.name[0] == "."] == []
