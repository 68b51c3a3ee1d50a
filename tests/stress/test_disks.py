from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_lines import Result
from processes import bound_by_modes, mounted
from storms import LONG, answer_to, assert_sound, question

from llmc.store import Store
from llmc.types import Selector

pytestmark = pytest.mark.stress

ROOT = Path(__file__).resolve().parents[2]
KNOWN, NEW = question(1), question(2)

#: What fails, how, and the how manyeth time; with a `+` each time from then on.
FAULTS = [
    ("pwrite64", "EIO"),
    ("pwrite64", "ENOSPC"),
    ("pread64", "EIO"),
    ("fdatasync", "EIO"),
    ("ftruncate", "EIO"),
    ("openat", "EMFILE"),
    ("fcntl", "EIO"),
    ("mmap", "ENOMEM"),
]
MOMENTS = [f"{n}{more}" for n in range(1, 40) for more in ("", "+")] if LONG else ["1+", "3"]

READING = [
    ["list"], ["show"], ["search", "colour"], ["why", KNOWN], ["export"], ["stats"],
    ["rules", "list"], ["prune", "--dry-run"], ["invalidate", ".", "--dry-run"], ["model", "list"],
    ["doctor"], ["config"], ["ask", KNOWN], ["ask", KNOWN, "--offline"],
    ["ask", KNOWN, "--dry-run"],
]  # fmt: skip
CHANGING = [
    ["rm", "1", "--yes"], ["pin", "1"], ["bad", "1"], ["invalidate", ".", "--yes"],
    ["prune", "--older-than", "0s", "--yes"], ["prune", "--vacuum"], ["put", "two"],
    ["rules", "add", "--pattern", "x", "--ttl", "1h"], ["import", "../lines.jsonl"],
]  # fmt: skip


@pytest.fixture
def place(tmp_path, cli, upstream, monkeypatch):
    """A folder with a cache file of one answer, folded in."""
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.chdir(folder)
    cli("ask", "elsewhere", "--db", "../other.db")
    Path("../lines.jsonl").write_text(cli("export", "--db", "../other.db").out, encoding="utf-8")
    cli("ask", KNOWN, "--db", str(folder / "cache.db"))
    with Store(str(folder / "cache.db")) as store:
        store.file.scrub()
    return folder


def llmc(
    *arguments: str, stdin: str | None = None, before: tuple[str, ...] = (), place: Path
) -> Result:
    done = subprocess.run(
        [*before, sys.executable, "-m", "llmc", *arguments, "--db", str(place / "cache.db")],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
        timeout=60,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def notes(result: Result) -> list[str]:
    """What was said of the cache file."""
    return [line for line in result.err.splitlines() if "cache file" in line]


def errors(result: Result) -> int:
    """How often the cache file was called unusable; only a way out may be told besides."""
    lines = result.err.splitlines()
    assert len(lines) <= 2
    return sum(line.startswith("llmc: error: cache file ") for line in lines)


# -- errors of the disk --------------------------------------------------------------------------


@pytest.fixture
def failing(place, tmp_path):
    """Run a command on a copy of the place, on whose disk something fails."""
    try:
        subprocess.run(["strace", "-o", os.devnull, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"system calls cannot be made to fail here: {error}")

    def run(fault: tuple[str, str], moment: str, *arguments: str, stdin: str | None = None):
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(place, copy)
        call, error = fault
        paths = [
            word for suffix in ("", "-wal", "-shm") for word in ("-P", f"{copy}/cache.db{suffix}")
        ]
        before = (
            "strace", "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, *paths, "-e", f"trace={call}",
            "-e", f"inject={call}:error={error}:when={moment}",
        )  # fmt: skip
        return llmc(*arguments, stdin=stdin, before=before, place=copy), copy / "cache.db"

    return run


def assert_kept(path: Path, *prompts: str) -> None:
    with Store(str(path)) as store:
        assert_sound(store)
        answers = {entry.prompt: entry.answer for entry in store.select(Selector())}
    assert set(prompts) <= answers.keys()
    assert {prompt: answer_to(prompt) for prompt in answers} == answers


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("fault", FAULTS, ids="-".join)
class TestAFailingDisk:
    def test_costs_no_answer_and_one_note(self, failing, fault, moment):
        result, path = failing(fault, moment, "ask", NEW)

        assert (result.code, result.out) == (0, answer_to(NEW) + "\n")
        assert len(notes(result)) <= 1
        assert len(result.err.splitlines()) <= 2
        assert_kept(path, KNOWN)

    def test_costs_no_answer_that_was_stored(self, failing, fault, moment):
        result, path = failing(fault, moment, "ask", KNOWN)

        assert (result.code, result.out) == (0, answer_to(KNOWN) + "\n")
        assert len(notes(result)) <= 1
        assert_kept(path, KNOWN)

    def test_takes_back_nothing_that_was_acknowledged(self, failing, fault, moment):
        result, path = failing(fault, moment, "put", NEW, stdin=answer_to(NEW))

        assert (result.code, errors(result)) in [(0, 0), (5, 1)]
        assert_kept(path, KNOWN, *([NEW] if result.out else []))

    def test_harms_no_file_that_is_made_smaller(self, failing, fault, moment):
        result, path = failing(fault, moment, "prune", "--vacuum")

        assert (result.code, errors(result)) in [(0, 0), (5, 1)]
        assert_kept(path, KNOWN)


# -- what can only be read -----------------------------------------------------------------------


@pytest.fixture(params=["file system", "file"])
def unwritable(request, place, tmp_path):
    """The place, which can only be read; and what binds a command to that."""
    if request.param == "file":
        before = bound_by_modes()
        (place / "cache.db").chmod(0o400)
        place.chmod(0o500)
        yield before
        place.chmod(0o700)
    else:
        with mounted(place, "--bind", "-o", "ro", str(place)):
            yield ()


def test_what_can_only_be_read_answers_and_lists(unwritable, place):
    results = [llmc(*line, before=unwritable, place=place) for line in READING]

    assert [(r.code, notes(r)) for r in results] == [(0, [])] * len(READING)


def test_what_can_only_be_read_costs_a_new_answer_one_note(unwritable, place):
    result = llmc("ask", NEW, before=unwritable, place=place)

    assert (result.code, result.out) == (0, answer_to(NEW) + "\n")
    assert notes(result) == [
        f"llmc: cache file {place}/cache.db: it is read-only; the answer was not stored"
    ]


def test_what_can_only_be_read_is_not_changed_and_says_so(unwritable, place):
    results = [
        llmc(*line, stdin="2" if line[0] == "put" else None, before=unwritable, place=place)
        for line in CHANGING
    ]

    reason = f"llmc: error: cache file {place}/cache.db: it is read-only\n"
    assert [(r.code, r.out, r.err) for r in results] == [(5, "", reason)] * len(CHANGING)
