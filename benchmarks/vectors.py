"""What does the search by meaning cost, its index alone, and does it find the best match?

    python benchmarks/vectors.py [--rows N] [--million] [--model DIR --data DIR]

Runs with the Python that has llmc's dependencies. Vectors are random, of 384 numbers, in topics
within topics; with `--model` the folder of all-MiniLM-L6-v2's published files, and `--data` one of
tab-separated questions, also those questions' own. CPU, user and system: of the thread for a search
in an open file; for one in a fresh process that process's, less one's that only opens the file, as
every lookup has done before it searches.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from measure import ROOT, Row, cpu_of, environment_variables, print_table, say

sys.path.insert(0, str(ROOT))

from llmc.file import File
from llmc.minilm import MiniLM
from llmc.vectors import Vectors
from llmc.weights import convert

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

DIMENSION = 384
THRESHOLD = 0.955
ROUNDS = 15

#: What a search may cost above an interpreter, in milliseconds of CPU: in an open file, in a
#: fresh process, by how many vectors there are.
TARGETS = {100_000: (6, 15), 1_000_000: (60, 60)}

OPEN = """
import os, sys
from llmc.file import File
path, space, group, scope, vector = sys.argv[1:]
file = File(path)
found = file.rows("SELECT id FROM entry WHERE id = 1")
"""
SEARCH = """
from llmc.vectors import Vectors
found = Vectors(file).nearest(
    int(space), group=int(group), namespace="default", scope_hash=bytes.fromhex(scope),
    vector=bytes.fromhex(vector), threshold=0.955, now=0.0)
"""
LEAVE = "os._exit(0 if found else 1)"


class Case(NamedTuple):
    """A file with vectors: each entry's group, and questions whose best match is known."""

    name: str
    vectors: Floats
    groups: Sequence[int]
    asked: Floats
    asked_groups: Sequence[int]


class Filled(NamedTuple):
    """A case as a cache file, and what it took."""

    case: Case
    path: Path
    space: int
    bytes: float
    add: float  # seconds a vector


def scope_of(group: int) -> bytes:
    """Return the hash of the one scope that a group of questions is in."""
    return hashlib.sha256(str(group).encode()).digest()


def group_number(group: int) -> int:
    """Spread the groups' numbers as a hash of them would be."""
    digest = hashlib.blake2b(str(group).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


# -- vectors -------------------------------------------------------------------------------------


def unit(rows: Floats) -> Floats:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("<f4")


def clustered(random: np.random.Generator, count: int) -> Floats:
    """Return vectors in 2,000 topics, two random ones at a cosine of about 0.25."""
    mean = unit(random.standard_normal((1, DIMENSION)))
    topics = unit(random.standard_normal((2_000, DIMENSION)))
    made = np.empty((count, DIMENSION), dtype="<f4")
    for at in range(0, count, 20_000):
        part = made[at : at + 20_000]
        noise = unit(random.standard_normal(part.shape))
        part[:] = unit(
            0.5 * mean + 0.5 * topics[random.integers(0, 2_000, len(part))] + 0.7 * noise
        )
    return made


def near(random: np.random.Generator, vectors: Floats, low: float, high: float) -> Floats:
    """Return for each vector another at a cosine between `low` and `high`."""
    noise = random.standard_normal(vectors.shape).astype("<f4")
    noise -= (noise * vectors).sum(axis=1, keepdims=True) * vectors
    cosine = random.uniform(low, high, (len(vectors), 1)).astype("<f4")
    return unit(cosine * vectors + np.sqrt(1 - cosine**2) * unit(noise))


def synthetic(rows: int, *, queries: int) -> list[Case]:
    """Return one scope, many small ones, and many that all hold the same questions."""
    random = np.random.default_rng(1)
    vectors = clustered(random, rows)
    chosen = random.integers(0, rows, queries)
    asked = near(random, vectors[chosen], 0.96, 0.99)
    pairs = [number // 2 for number in range(rows)]
    same = vectors[[number % 2 for number in range(rows)]]
    return [
        Case("one scope", vectors, [0] * rows, asked, [0] * queries),
        Case(f"{rows // 2:,} scopes", vectors, pairs, asked, [int(at) // 2 for at in chosen]),
        Case(
            f"{rows // 2:,} scopes with the same two questions",
            same,
            pairs,
            near(random, same[chosen], 0.96, 0.99),
            [int(at) // 2 for at in chosen],
        ),
    ]


def real(model: Path, data: Path, *, folder: Path, limit: int) -> Case:
    """Return the vectors of all questions of tab-separated files, in one scope.

    Every tenth question asks, the others are stored.
    """
    texts: dict[str, None] = {}
    for path in sorted(data.glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                texts |= {row[name]: None for name in row if (name or "").startswith("question")}
    chosen = [text for text in texts if text][:limit]
    say(f"embedding {len(chosen):,} questions")
    convert(str(model), str(folder))
    embedder = MiniLM(str(folder))
    made = [
        v
        for at in range(0, len(chosen), 512)
        for v in embedder.embed(chosen[at : at + 512]).vectors
    ]
    vectors = np.frombuffer(b"".join(made), dtype="<f4").reshape(-1, DIMENSION)
    asks = np.arange(len(vectors)) % 10 == 0
    stored, asked = vectors[~asks], vectors[asks]
    return Case("real questions, one scope", stored, [0] * len(stored), asked, [0] * len(asked))


# -- files ---------------------------------------------------------------------------------------


def fill(case: Case, path: Path) -> Filled:
    """Make a cache file of a case, row by row as llmc does, in transactions of 10,000."""
    say(f"filling: {case.name}, {len(case.vectors):,} vectors")
    file = File(str(path))
    file.execute("PRAGMA synchronous = OFF")
    vectors = Vectors(file)
    spent = 0.0
    scopes: dict[int, int] = {}
    with file.transaction():
        space = vectors.make_space("benchmark", DIMENSION)
    for at in range(0, len(case.vectors), 10_000):
        with file.transaction():
            ids = [
                entry(file, scopes, number, case.groups[number])
                for number in range(at, min(at + 10_000, len(case.vectors)))
            ]
            started = time.thread_time()
            for number, entry_id in enumerate(ids, start=at):
                vectors.add(
                    space,
                    entry_id,
                    group=group_number(case.groups[number]),
                    vector=case.vectors[number].tobytes(),
                )
            spent += time.thread_time() - started
    if lines := vectors.damage():
        raise SystemExit(f"the index is wrong: {lines}")
    size = file.number(
        "SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 AND (name GLOB 'index_*'"
        " OR name IN ('vector', 'sqlite_autoindex_vector_1'))"
    )
    file.scrub()
    file.close()
    count = len(case.vectors)
    return Filled(case, path, space, size / count, spent / count)


def entry(file: File, scopes: dict[int, int], number: int, group: int) -> int:
    """Store an answer of average length."""
    if group not in scopes:
        scopes[group] = file.number(
            "INSERT INTO scope (hash, base_url, model, system, frame)"
            " VALUES (?, '', '', '', '{}') RETURNING id",
            (scope_of(group),),
        )
    return file.number(
        "INSERT INTO entry (namespace, key, family, scope_id, source, created_at, finish_reason,"
        " prompt, answer) VALUES ('default', ?, ?, ?, 'model', 0, 'stop', ?, ?) RETURNING id",
        (number.to_bytes(32, "big"), bytes(32), scopes[group], f"question {number}", "word " * 180),
    )


# -- measuring -----------------------------------------------------------------------------------


def search(vectors: Vectors, filled: Filled, number: int, threshold: float) -> list[Any]:
    """Ask one of a case's questions."""
    group = filled.case.asked_groups[number]
    return vectors.nearest(
        filled.space,
        group=group_number(group),
        namespace="default",
        scope_hash=scope_of(group),
        vector=filled.case.asked[number].tobytes(),
        threshold=threshold,
        now=0.0,
    )


def warm(filled: Filled) -> tuple[float, float]:
    """Return the CPU milliseconds of a search in an open file: median, and nine of ten."""
    file = File(str(filled.path))
    vectors = Vectors(file)
    taken = []
    for number in range(min(200, len(filled.case.asked))):
        started = time.thread_time()
        search(vectors, filled, number, THRESHOLD)
        taken.append((time.thread_time() - started) * 1000)
    file.close()
    return statistics.median(taken), statistics.quantiles(taken, n=10)[-1]


def fresh(filled: Filled) -> tuple[float, float]:
    """Return the CPU milliseconds of a search in a process of its own, and of that process."""
    env = environment_variables(filled.path.parent) | {"PYTHONPATH": str(ROOT)}
    file = File(str(filled.path))
    vectors = Vectors(file)
    hits = [n for n in range(len(filled.case.asked)) if search(vectors, filled, n, THRESHOLD)]
    file.close()
    found = []
    for number in hits[: ROUNDS + 1]:
        group = filled.case.asked_groups[number]
        words = [str(filled.path), str(filled.space), str(group_number(group))]
        words += [scope_of(group).hex(), filled.case.asked[number].tobytes().hex()]
        scripts = (OPEN + SEARCH + LEAVE, OPEN + LEAVE, "pass")
        found.append([cpu_of([sys.executable, "-c", each, *words], env) for each in scripts])
    rounds = found[1:]  # the first one warms up
    over = statistics.median(mine - opening for mine, opening, _ in rounds) * 1000
    return over, statistics.median(mine / bare for mine, _, bare in rounds)


def recall(filled: Filled, threshold: float) -> tuple[int, int]:
    """Return how many questions have a match in their group, and of how many the best is found."""
    file = File(str(filled.path))
    vectors = Vectors(file)
    case = filled.case
    groups = np.array(case.groups)
    matched = found = 0
    for number, asked in enumerate(case.asked):
        members = np.flatnonzero(groups == case.asked_groups[number])
        best = float((case.vectors[members] @ asked).max())
        if best < threshold + 1e-4:  # float16 may put a nearer one below it
            continue
        matched += 1
        answers = search(vectors, filled, number, threshold)
        found += bool(answers) and answers[0].similarity > best - 1e-3
    file.close()
    return matched, found


def deletion(filled: Filled) -> tuple[float, float]:
    """Return the CPU milliseconds of deleting one entry, and the seconds of a new index."""
    file = File(str(filled.path))
    vectors = Vectors(file)
    taken = []
    for (entry_id,) in file.rows("SELECT id FROM entry ORDER BY key DESC LIMIT 40"):
        started = time.thread_time()
        with file.transaction():
            file.execute("DELETE FROM entry WHERE id = ?", (entry_id,))
            vectors.settle()
        taken.append((time.thread_time() - started) * 1000)
    started = time.thread_time()
    vectors.rebuild()
    spent = time.thread_time() - started
    file.close()
    return statistics.median(taken), spent


def rows_of(filled: Filled, thresholds: Sequence[float]) -> list[Row]:
    """Measure one file."""
    case, count = filled.case, len(filled.case.vectors)
    say(f"measuring: {case.name}, {count:,} vectors")
    warm_target, fresh_target = TARGETS.get(count, (None, None))
    median, most = warm(filled)
    over, ratio = fresh(filled)
    name = f"{count:,} vectors, {case.name}"
    found = [
        Row(name, f"{median:.1f} ms (nine of ten {most:.1f})", "", kept(median, warm_target)),
        Row(
            "— in a fresh process", f"{over:.1f} ms more", f"{ratio:.2f}", kept(over, fresh_target)
        ),
        Row("— on disk, a vector", f"{filled.bytes:,.0f} bytes", "", kept(filled.bytes, 1_000)),
        Row("— adding one, in a large transaction", f"{filled.add * 1e6:.0f} µs"),
    ]
    for threshold in thresholds:
        matched, best = recall(filled, threshold)
        share = best / max(matched, 1)
        said = f"{share:.4f} of {matched:,}"
        mark = "≥ 0.99 " + ("✓" if share >= 0.99 else "✗")
        found.append(Row(f"— best match found, threshold {threshold:g}", said, "", mark))
    one, all_of_them = deletion(filled)
    found.append(Row("— deleting an entry; a new index", f"{one:.2f} ms; {all_of_them:.1f} s"))
    return found


def kept(value: float, target: float | None) -> str:
    return "" if target is None else f"≤ {target:,} {'✓' if value <= target else '✗'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--million", action="store_true", help="a million in one scope, too")
    parser.add_argument("--model", type=Path, help="folder of the published model")
    parser.add_argument("--data", type=Path, help="folder of tab-separated questions")
    parser.add_argument("--questions", type=int, default=30_000, help="at most so many of them")
    options = parser.parse_args()
    cases: list[Callable[[Path], list[Case]]] = [lambda _: synthetic(options.rows, queries=200)]
    if options.million:
        cases.append(lambda _: synthetic(1_000_000, queries=200)[:1])
    if options.model and options.data:
        given = (options.model, options.data)
        cases.append(lambda to: [real(*given, folder=to, limit=options.questions)])
    table: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="llmc-vectors-") as name:
        for make in cases:
            for case in make(Path(name)):
                filled = fill(case, Path(name) / "cache.db")
                thresholds = (0.8, 0.9, 0.955, 0.98) if "real" in case.name else (THRESHOLD,)
                table += rows_of(filled, thresholds)
                for path in Path(name).glob("cache.db*"):
                    path.unlink()
    print(f"Load {os.getloadavg()[0]:.1f}.\n")
    print_table(table)


if __name__ == "__main__":
    main()
