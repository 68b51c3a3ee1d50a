"""Storms: many command lines of llmc's at once on one cache file, some of them killed.

Each runs in a process of its own, forked from one that has loaded already what a question needs:
that is ten times as many as could be started from nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import processes
from hypothesis import HealthCheck, settings
from upstream import Call, Reply, Upstream

from llmc import cli, config, keys, semantic
from llmc.embedder import Embedded, unit
from llmc.meaning import Chosen
from llmc.store import Store

#: `LLMC_STRESS=long` asks for the long form: hours of use in some minutes.
LONG = os.environ.get("LLMC_STRESS") == "long"

#: Seconds after which a command that was not killed is taken for one that hangs.
_PATIENCE = 60.0

_SOUND = """
SELECT e.prompt, e.instruction_at, s.frame FROM entry AS e JOIN scope AS s ON s.id = e.scope_id
JOIN space ON e.sample = 0
LEFT JOIN vector AS v ON v.entry_id = e.id AND v.space_id = space.id
LEFT JOIN vector_due AS d ON d.space_id = space.id AND d.scope_id = e.scope_id
    AND d.namespace = e.namespace AND d.entry_id = e.id
WHERE (v.id IS NULL) = (d.entry_id IS NULL)
"""
_MISCOUNTED = """
SELECT id FROM space
WHERE vectors <> (SELECT count(*) FROM vector WHERE vector.space_id = space.id)
"""
_MISTALLIED = """
SELECT namespace, count(*) AS entries FROM entry GROUP BY namespace
EXCEPT SELECT namespace, entries FROM tally
UNION ALL SELECT namespace, entries FROM tally
    WHERE namespace NOT IN (SELECT namespace FROM entry)
UNION ALL SELECT namespace, id FROM entry
    WHERE pinned = (id IN (SELECT entry_id FROM standing))
"""
_ORPHANS = """
SELECT 'scope', id FROM scope WHERE id NOT IN (SELECT scope_id FROM entry)
UNION ALL SELECT 'vector', id FROM vector WHERE entry_id NOT IN (SELECT id FROM entry)
UNION ALL SELECT 'due', entry_id FROM vector_due WHERE entry_id NOT IN (SELECT id FROM entry)
UNION ALL SELECT 'standing', entry_id FROM standing WHERE entry_id NOT IN (SELECT id FROM entry)
"""


class Job(NamedTuple):
    """A command line; `subject` is what it is about."""

    kind: str
    arguments: list[str]
    stdin: str | None = None
    subject: str = ""


class Told(NamedTuple):
    """What a command line came to; the code of one that was killed is negative."""

    kind: str
    subject: str
    code: int
    out: str
    err: str
    arguments: list[str]


class Echo(Upstream):
    """A model whose answer tells which question it answers, once its script is through."""

    def take(self, call: Call) -> Reply:
        """Record a call and answer its question."""
        self.calls.append(call)
        if self.script:
            return self.script.popleft()
        return Reply(answer_to(call.body["messages"][-1]["content"]))


def answer_to(prompt: str) -> str:
    """The one right answer to a question."""
    return f"The answer to {prompt!r} is {hashlib.sha256(prompt.encode()).hexdigest()}."


class _Embedder:
    name, dimension = "toy", 16

    def embed(self, texts: list[str]) -> Embedded:
        hashes = [hashlib.sha256(text.encode()).digest()[:16] for text in texts]
        return Embedded([unit(array("d", (b - 127.5 for b in each))) for each in hashes], 0)


#: An embedder that takes no time; equal texts alone are near in it.
TOY = Chosen("toy", local=True, open=_Embedder, price=lambda *_: 0)


def short_or_long(short: int, long: int) -> int:
    """How much of something, in the short form and in the long one."""
    return long if LONG else short


def fuzzed(short: int, long: int) -> settings:
    """How many examples hypothesis tries: always the same ones in the short form."""
    return settings(
        max_examples=short_or_long(short, long),
        deadline=None,
        database=None,
        derandomize=not LONG,
        suppress_health_check=list(HealthCheck),
    )


def rage(name: str, *arguments: Any) -> list[Told]:
    """Run one of the storms below in a process of its own; return what each command came to."""
    code = "import storms, sys; storms.main(sys.argv[1:])"
    with processes.start(code, name, *map(json.dumps, arguments)) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    return [Told(*each) for each in json.loads(out)]


def main(arguments: list[str]) -> None:
    """Run a storm by its name, and print what each of its commands came to."""
    name, *values = arguments
    _load()
    told = {"kills": kills, "copies": copies, "crowd": crowd}[name](*map(json.loads, values))
    json.dump(told, sys.stdout)


def kills(rounds: int, seed: int, folder: str) -> list[Told]:
    """Kill commands that change the file of this home, at random moments, so many times."""
    chance = random.Random(seed)
    mix = _Mix(chance, folder)

    def life(job: Job) -> float | None:
        if chance.random() < 0.3:
            return None
        # The slow ones are to be hit in the middle too.
        return chance.uniform(0, 0.3 if job.kind in {"ask", "donor"} else 0.08)

    def goes_on(told: list[Told]) -> bool:
        return sum(each.code == -signal.SIGKILL for each in told) < rounds

    return _storm(mix.job, at_once=3, life=life, goes_on=goes_on)


def copies(rounds: int, seed: int, folder: str, words: list[str], most: float) -> list[Told]:
    """Kill a command within `most` seconds, so many times, each time on another copy of a file."""
    chance = random.Random(seed)
    numbers = iter(range(rounds))

    def job(_: list[Told]) -> Job:
        place = os.path.join(folder, str(next(numbers)))
        os.mkdir(place)
        path = os.path.join(place, "cache.db")
        shutil.copy(os.path.join(folder, "original.db"), path)
        return Job("copy", [*words, "--db", path], None, path)

    return _storm(
        job,
        at_once=2,
        life=lambda _: chance.uniform(0, most),
        goes_on=lambda _: numbers.__length_hint__() > 0,
    )


def crowd(seconds: float, at_once: int, seed: int) -> list[Told]:
    """Let so many processes ask, list, import, prune and forget at once for some seconds."""
    chance = random.Random(seed)
    ends_at = time.monotonic() + seconds
    numbers = iter(range(10**9))

    def job(_: list[Told]) -> Job:
        return _crowded(chance, next(numbers))

    return _storm(
        job, at_once=at_once, life=lambda _: None, goes_on=lambda _: time.monotonic() < ends_at
    )


def assert_sound(store: Store) -> None:
    """Whatever happened, the file, its indexes and all that belongs together agree."""
    assert store.file.damage() == []
    assert store.index_damage() is None
    assert store.file.rows("PRAGMA foreign_key_check") == []
    assert store.file.rows(_ORPHANS) == []
    assert store.vectors.damage() == []
    assert store.file.rows(_MISCOUNTED) == []
    assert store.file.rows(_MISTALLIED) == []
    assert [row for row in store.file.rows(_SOUND) if _is_eligible(*row)] == []


def _is_eligible(prompt: str, at: int, frame: str) -> bool:
    follows = keys.follows(keys.request_from(frame, prompt))
    question = semantic.question(prompt, at=at, follows=follows)
    return isinstance(question, semantic.Question)


# -- what is done --------------------------------------------------------------------------------


def question(number: object) -> str:
    """A question that is found by meaning, though by no other's number."""
    return f"which colour has flower {number}?"


class _Mix:
    """Commands that change the file in every way, but never what another one is about."""

    def __init__(self, chance: random.Random, folder: str) -> None:
        self._chance = chance
        self._folder = folder
        self._seen = 0
        self._number = 0
        self._ids: dict[str, str] = {}
        makers: dict[Callable[[str], Job], int] = {
            self._put: 8, self._ask: 6, self._same: 3, self._old: 3, self._brief: 3,
            self._donor: 2, self._upgrade: 3, self._backup: 1, self._prune: 4, self._look: 2,
            self._rule: 1, self._doctor: 1,
            self._batch: 2, self._rm: 2, self._invalidate: 2, self._bad: 1, self._pin: 1,
        }  # fmt: skip
        self._makers, self._weights = list(makers), list(makers.values())

    def job(self, told: list[Told]) -> Job:
        """Choose what to do next, by what was done so far."""
        for each in told[self._seen :]:
            if each.kind == "put" and each.code == 0:
                self._ids[each.subject] = each.out.strip()
        self._seen = len(told)
        self._number += 1
        (maker,) = self._chance.choices(self._makers, self._weights)
        return maker(str(self._number))

    def _put(self, number: str) -> Job:
        prompt = question(number)
        return Job("put", ["put", prompt], answer_to(prompt), prompt)

    def _ask(self, number: str) -> Job:
        prompt = question(number)
        match = self._chance.choice(["exact", "semantic"])
        return Job("ask", ["ask", prompt, "--match", match], None, prompt)

    def _batch(self, number: str) -> Job:
        prompts = [question(f"{number}, {n}") for n in range(5)]
        return Job("batch", ["batch", "-", "-j", "3"], _rows(prompts))

    def _same(self, number: str) -> Job:
        prompt = question("the same")
        return Job("same", ["put", prompt], f"answer {number}", f"answer {number}")

    def _old(self, number: str) -> Job:
        lines = [_line(f"old {number}.{n}", created_at=1000.0) for n in range(40)]
        return Job("old", ["import", "-"], "".join(lines), number)

    def _brief(self, number: str) -> Job:
        lines = [_line(f"brief {number}.{n}", expires_at=2000.0) for n in range(10)]
        return Job("brief", ["import", "-"], "".join(lines), number)

    def _donor(self, number: str) -> Job:
        return Job("donor", ["import", os.path.join(self._folder, "donor.db")])

    def _upgrade(self, number: str) -> Job:
        path = os.path.join(self._folder, f"old-{number}.db")
        with open(os.path.join(self._folder, "old.db"), "rb") as source, open(path, "wb") as file:
            file.write(source.read())
        return Job("upgrade", ["list", "--db", path], None, path)

    def _backup(self, number: str) -> Job:
        path = os.path.join(self._folder, "backups", f"{number}.db")
        return Job("backup", ["backup", path], None, path)

    def _prune(self, number: str) -> Job:
        how = self._chance.choice([[], ["--vacuum"], ["--older-than", "1d", "--yes"]])
        return Job("prune", ["prune", *how])

    def _look(self, number: str) -> Job:
        words = self._chance.choice([["list"], ["search", "flower"], ["stats"], ["export"]])
        return Job("look", words)

    def _rule(self, number: str) -> Job:
        pattern = ["--pattern", f"never {number}"]
        how = self._chance.choice([["--event", "moved"], ["--ttl", "1h"]])
        return Job("rule", ["rules", "add", *how, *pattern])

    def _doctor(self, number: str) -> Job:
        return Job("doctor", ["doctor"])

    def _rm(self, number: str) -> Job:
        return self._about("rm", number, lambda prompt: ["rm", self._ids.pop(prompt), "--yes"])

    def _bad(self, number: str) -> Job:
        return self._about("bad", number, lambda prompt: ["bad", self._ids.pop(prompt)])

    def _pin(self, number: str) -> Job:
        return self._about("pin", number, lambda prompt: ["pin", self._ids[prompt]])

    def _invalidate(self, number: str) -> Job:
        def words(prompt: str) -> list[str]:
            del self._ids[prompt]
            return ["invalidate", f"^{prompt.replace('?', '[?]')}$", "--yes"]

        return self._about("invalidate", number, words)

    def _about(self, kind: str, number: str, words: Callable[[str], list[str]]) -> Job:
        if not self._ids:
            return self._put(number)
        prompt = self._chance.choice(sorted(self._ids))
        return Job(kind, words(prompt), None, prompt)


def _rows(prompts: list[str]) -> str:
    return "".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts)


def _line(prompt: str, **changes: Any) -> str:
    """A line of an export: one entry."""
    fields = {
        "kind": "entry", "namespace": "default", "base_url": "http://127.0.0.1:9/v1",
        "endpoint": "chat/completions",
        "request": {"model": "m", "messages": [{"role": "user", "content": prompt}]},
        "answer": answer_to(prompt), "finish_reason": "stop", "tokens": {}, "source": "model",
        "created_at": time.time(),
    }  # fmt: skip
    return json.dumps(fields | changes) + "\n"


def _olden(number: int) -> str:
    lines = [_line(f"old {number}.{n}", created_at=1000.0 + n, namespace="gone") for n in range(60)]
    return "".join(lines)


def _crowded(chance: random.Random, number: int) -> Job:
    """What one of many does: it asks half of the time, mostly what others ask too."""
    shared = [question(number) for number in chance.sample(range(20), 4)]
    alone = question(f"of mine, {number}")
    jobs = {
        "shared": (40, ["ask", shared[0], "--json"], None),
        "alone": (12, ["ask", alone, "--json"], None),
        "gone": (8, ["ask", alone, "--json", "-n", "gone"], None),
        "batch": (8, ["batch", "-", "-j", "3", "-q"], _rows([*shared, alone])),
        "invalidate": (8, ["invalidate", "flower", "-n", "gone", "--yes"], None),
        "prune": (8, ["prune"], None),
        "old": (2, ["prune", "--older-than", "1d", "--max-entries", "100000", "--yes"], None),
        "vacuum": (1, ["prune", "--vacuum"], None),
        "event": (2, ["event", "moved", "--data", "what=flower"], None),
        "import": (2, ["import", "-"], _olden(number)),
        "list": (8, ["list", "-l", "20"], None),
        "search": (8, ["search", "flower", "-l", "20"], None),
        "stats": (8, ["stats", "--json"], None),
    }
    (kind,) = chance.choices(list(jobs), [weight for weight, _, _ in jobs.values()])
    _, words, stdin = jobs[kind]
    return Job(kind, words, stdin, words[1] if kind in {"shared", "alone", "gone"} else "")


# -- how it is done ------------------------------------------------------------------------------


class _Running(NamedTuple):
    job: Job
    out: Any
    err: Any
    dies_at: float
    killed_by: int


def _storm(
    job: Callable[[list[Told]], Job],
    *,
    at_once: int,
    life: Callable[[Job], float | None],
    goes_on: Callable[[list[Told]], bool],
) -> list[Told]:
    """Keep so many commands running, each for its `life` at most, and wait for the last ones."""
    told: list[Told] = []
    running: dict[int, _Running] = {}
    while running or goes_on(told):
        while len(running) < at_once and goes_on(told):
            pid, started = _start(job(told), life)
            running[pid] = started
        for pid, status in _ended():
            told.append(_told(running.pop(pid), os.waitstatus_to_exitcode(status)))
        now = time.monotonic()
        for pid, each in running.items():
            if now >= each.dies_at:
                with suppress(ProcessLookupError):
                    os.kill(pid, each.killed_by)
        time.sleep(0.0005)
    return told


def _start(job: Job, life: Callable[[Job], float | None]) -> tuple[int, _Running]:
    seconds = life(job)
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    with tempfile.TemporaryFile() if job.stdin is not None else open(os.devnull, "rb") as stdin:
        if job.stdin is not None:
            stdin.write(job.stdin.encode())
            stdin.seek(0)
        pid = os.fork()
        if pid == 0:
            _live(job.arguments, stdin, out, err)
    dies_at = time.monotonic() + (_PATIENCE if seconds is None else seconds)
    killed_by = signal.SIGABRT if seconds is None else signal.SIGKILL
    return pid, _Running(job, out, err, dies_at, killed_by)


def _live(arguments: list[str], *streams: Any) -> None:
    """Be the program, from its first line to its last."""
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream.fileno(), number)
        sys.stdin = open(0, encoding="utf-8", closefd=False)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)
        sys.argv = ["llmc", *arguments]
        from llmc.__main__ import main as program

        program()
    except BaseException:  # noqa: BLE001  (a process that is to tell what became of it)
        os.write(2, traceback.format_exc().encode())
    os._exit(70)


def _ended() -> Iterator[tuple[int, int]]:
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            yield found


def _told(each: _Running, code: int) -> Told:
    texts = []
    for file in (each.out, each.err):
        with file:
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Told(each.job.kind, each.job.subject, code, texts[0], texts[1], each.job.arguments)


def _load() -> None:
    """Load what commands need, for all that are forked."""
    import importlib

    for name in cli.COMMANDS:
        importlib.import_module(f"llmc.commands.{name}")
    for name in ("openai", "openai.resources.chat", "httpx2", "genai_prices", "numpy", "regex"):
        importlib.import_module(name)
    config.embedder_of = lambda _: TOY
