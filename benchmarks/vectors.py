"""What does the search by meaning cost, its index alone, and does it find the best match?

    python benchmarks/vectors.py [--rows N] [--million] [--model DIR --data DIR]

Runs with the Python that has llmc's dependencies. With `--model`, the folder of all-MiniLM-L6-v2's
published files, and `--data`, one of tab-separated questions, the vectors are those of the
questions: nine of ten are stored and every tenth asks. Where more are to be stored, each further
one is a stored one turned towards another, chosen at random, to a cosine between 0.7 and 0.95.
Without them the vectors are random ones in 2,000 topics, and stored ones ask, turned by a little.

CPU, user and system: of the thread for a search in an open file; of the whole process for one in a
fresh process, which imports, opens the file, loads sqlite-vec and searches.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from measure import ROOT, Row, cpu_of, environment_variables, kept, options_of, say, tell

sys.path.insert(0, str(ROOT))

from llmc.file import File
from llmc.local.minilm import MiniLM
from llmc.local.weights import convert
from llmc.vectors import Vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

DIMENSION = 384
THRESHOLD = 0.955
THRESHOLDS = (0.8, 0.9, THRESHOLD, 0.98)

#: What a search may cost above an interpreter, in milliseconds of CPU: in an open file, in a
#: fresh process, by how many vectors there are.
TARGETS = {100_000: (6, 15), 1_000_000: (60, 60)}

#: How many times the space and time of one scope many may cost.
SCOPES = 2.0

SEARCH = """
import os, sys
from llmc.file import File
from llmc.vectors import Vectors
path, space, group, scope, vector = sys.argv[1:]
found = Vectors(File(path)).nearest(
    int(space), group=int(group), namespace="default", scope_hash=bytes.fromhex(scope),
    vector=bytes.fromhex(vector), threshold=0.955, now=0.0)
os._exit(0 if found else 1)
"""


class Case(NamedTuple):
    """Vectors to be stored, each with its group, and questions to be asked in one."""

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


class Figures(NamedTuple):
    """What was measured of a file: CPU in milliseconds, bytes a vector."""

    warm: float
    bytes: float
    add: float


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


def turned(random: np.random.Generator, vectors: Floats, count: int) -> Floats:
    """Return the vectors, and turned ones until there are so many."""
    made = np.empty((count, vectors.shape[1]), dtype="<f4")
    made[: len(vectors)] = vectors[:count]
    for at in range(len(vectors), count, 20_000):
        part = made[at : at + 20_000]
        start, end = (vectors[random.integers(0, len(vectors), len(part))] for _ in range(2))
        part[:] = towards(random, start, end, low=0.7, high=0.95)
    return made


def near(random: np.random.Generator, vectors: Floats) -> Floats:
    """Return for each vector another one that its threshold lets pass."""
    noise = random.standard_normal(vectors.shape).astype("<f4")
    return towards(random, vectors, noise, low=0.96, high=0.99)


def towards(
    random: np.random.Generator, start: Floats, end: Floats, *, low: float, high: float
) -> Floats:
    """Turn each vector towards another, to a cosine between `low` and `high`."""
    across = end - (end * start).sum(axis=1, keepdims=True) * start
    length = np.linalg.norm(across, axis=1, keepdims=True)
    cosine = random.uniform(low, high, (len(start), 1)).astype("<f4")
    return unit(cosine * start + np.sqrt(1 - cosine**2) * across / np.maximum(length, 1e-6))


def real(model: Path, data: Path, *, folder: Path, limit: int) -> Floats:
    """Return the vectors of all questions of a folder's tab-separated files."""
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
        vector
        for at in range(0, len(chosen), 512)
        for vector in embedder.embed(chosen[at : at + 512]).vectors
    ]
    return np.frombuffer(b"".join(made), dtype="<f4").reshape(-1, DIMENSION)


def one_scope(vectors: Floats | None, rows: int) -> Case:
    """Return as many vectors in one scope, and up to a thousand questions."""
    random = np.random.default_rng(1)
    if vectors is None:
        stored = clustered(random, rows)
        asked, name = near(random, stored[random.integers(0, rows, 200)]), "random"
    else:
        asks = np.arange(len(vectors)) % 10 == 0
        asked, real_ones = vectors[asks][:1_000], vectors[~asks]
        stored = turned(random, real_ones, rows)
        name = f"{min(rows, len(real_ones)):,} of them real"
    return Case(f"in one scope, {name}", stored, [0] * rows, asked, [0] * len(asked))


def many_scopes(vectors: Floats) -> list[Case]:
    """Return the vectors two by two in scopes of their own, and the same two in each of them."""
    random = np.random.default_rng(2)
    rows = len(vectors)
    chosen = random.integers(0, rows, 200)
    groups, asked = [number // 2 for number in range(rows)], [int(at) // 2 for at in chosen]
    name = f"in {rows // 2:,} scopes"
    same = vectors[[number % 2 for number in range(rows)]]
    return [
        Case(name, vectors, groups, near(random, vectors[chosen]), asked),
        Case(f"{name}, the same two in each", same, groups, near(random, same[chosen]), asked),
    ]


# -- files ---------------------------------------------------------------------------------------


def fill(case: Case, path: Path) -> Filled:
    """Make a cache file of a case, row by row as llmc does, in transactions of 10,000."""
    say(f"filling a file: {len(case.vectors):,} vectors {case.name}")
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
        "SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 AND (name GLOB 'index_*' OR name ="
        " 'vector' OR name GLOB 'sqlite_autoindex_index_*' OR name = 'sqlite_autoindex_vector_1')"
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


def warm(filled: Filled) -> tuple[float, float, float]:
    """Return the CPU milliseconds of a search in an open file: median, and nine of ten.

    And how many times a bare interpreter's they are, which is measured after each few of them.
    """
    env = environment_variables(filled.path.parent)
    file = File(str(filled.path))
    vectors = Vectors(file)
    taken, ratios = [], []
    numbers = itertools.cycle(range(len(filled.case.asked)))
    for _ in range(20):
        burst = []
        for number in itertools.islice(numbers, 20):
            started = time.thread_time()
            search(vectors, filled, number, THRESHOLD)
            burst.append((time.thread_time() - started) * 1000)
        taken += burst
        bare = min(cpu_of([sys.executable, "-c", "pass"], env) for _ in range(3)) * 1000
        ratios.append(statistics.median(burst) / bare)
    file.close()
    return (
        statistics.median(taken),
        statistics.quantiles(taken, n=10)[-1],
        statistics.median(ratios),
    )


def fresh(filled: Filled, rounds: int) -> tuple[float, float]:
    """Return the CPU milliseconds of a process that searches beyond a bare one's.

    And how many times the bare one's its own are.
    """
    env = environment_variables(filled.path.parent) | {"PYTHONPATH": str(ROOT)}
    file = File(str(filled.path))
    vectors = Vectors(file)
    hits = [n for n in range(len(filled.case.asked)) if search(vectors, filled, n, THRESHOLD)]
    file.close()
    found = []
    for number in itertools.islice(itertools.cycle(hits), rounds + 1):
        group = filled.case.asked_groups[number]
        words = [str(filled.path), str(filled.space), str(group_number(group))]
        words += [scope_of(group).hex(), filled.case.asked[number].tobytes().hex()]
        scripts = (SEARCH, "pass")
        found.append([cpu_of([sys.executable, "-c", each, *words], env) for each in scripts])
    pairs = found[1:]  # the first one warms up
    return (
        statistics.median(mine - bare for mine, bare in pairs) * 1000,
        statistics.median(mine / bare for mine, bare in pairs),
    )


def best_of(case: Case) -> Floats:
    """Return for each question the similarity of the nearest vector of its group."""
    groups = np.array(case.groups)
    if not groups.any():
        parts = (case.vectors[at : at + 50_000] for at in range(0, len(groups), 50_000))
        return np.max([(part @ case.asked.T).max(axis=0) for part in parts], axis=0)
    pairs = zip(case.asked, case.asked_groups, strict=True)
    return np.array([(case.vectors[groups == group] @ asked).max() for asked, group in pairs])


def recall(filled: Filled, best: Floats, threshold: float) -> tuple[int, int]:
    """Return how many questions have a match, and of how many the best one is found."""
    file = File(str(filled.path))
    vectors = Vectors(file)
    # float16 may put what is nearer to the threshold than this below it.
    matched = [n for n, similarity in enumerate(best) if similarity >= threshold + 5e-4]
    answers = [search(vectors, filled, number, threshold) for number in matched]
    file.close()
    pairs = zip(matched, answers, strict=True)
    return len(matched), sum(bool(a) and a[0].similarity > best[n] - 1e-3 for n, a in pairs)


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


def rows_of(
    filled: Filled, *, rounds: int, thresholds: Sequence[float], shown: bool
) -> tuple[Figures, list[Row]]:
    """Measure one file."""
    case, count = filled.case, len(filled.case.vectors)
    say(f"measuring: {count:,} vectors {case.name}")
    warm_target, fresh_target = TARGETS.get(count, (None, None))
    median, most, times = warm(filled)
    over, ratio = fresh(filled, rounds)
    adding = f"{filled.add * 1e6:.0f} µs"
    mark = "" if shown else "— "
    found = [
        Row(
            f"{mark}a search by meaning, {count:,} vectors {case.name}",
            f"{median:.1f} ms (nine of ten {most:.1f})",
            times,
            "`python -c pass`",
            _kept_ms(median, warm_target),
        ),
        Row(
            "— in a fresh process",
            f"{over:.1f} ms above it",
            ratio,
            "`python -c pass`",
            _kept_ms(over, fresh_target),
        ),
        Row("— on disk, a vector", f"{filled.bytes:,.0f} bytes", target=kept(filled.bytes, 1_000)),
        Row("— adding one, in a large transaction", adding),
    ]
    best = best_of(case)
    for threshold in thresholds:
        matched, right = recall(filled, best, threshold)
        share = right / max(matched, 1)
        target = kept(share, 0.99, least=True)
        said = f"{share:.4f} of {matched:,}"
        found.append(Row(f"— best match found, threshold {threshold:g}", said, target=target))
    one, all_of_them = deletion(filled)
    found.append(
        Row(
            "— deleting an entry; the index anew",
            f"{one:.2f} ms; {all_of_them:.1f} s",
        )
    )
    return Figures(median, filled.bytes, filled.add), found


def compared(many: Figures, one: Figures) -> Row:
    """Say how many times the space and the time of one scope many take."""
    ratios = [mine / theirs for mine, theirs in zip(many, one, strict=True)]
    warm_ratio, bytes_ratio, add_ratio = (f"{ratio:.2f}" for ratio in ratios)
    return Row(
        "— by one scope's time, space, time of adding",
        f"{warm_ratio}, {bytes_ratio}, {add_ratio}",
        target=kept(max(ratios), SCOPES),
    )


def _kept_ms(value: float, target: float | None) -> str:
    if target is None:
        return ""
    promised, mark = kept(value, target).rsplit(" ", 1)
    return f"{promised} ms {mark}"


def rows(*, count: int, million: bool, vectors: Floats | None, rounds: int) -> list[Row]:
    """Measure all that is asked for; `vectors` are real ones, if any."""
    first = one_scope(vectors, count)
    table: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="llmc-vectors-") as name:
        path = Path(name) / "cache.db"

        def measured(case: Case, thresholds: Sequence[float] = (THRESHOLD,)) -> Figures:
            filled, shown = fill(case, path), case is first
            figures, found = rows_of(filled, rounds=rounds, thresholds=thresholds, shown=shown)
            table.extend(found)
            for each in Path(name).glob("cache.db*"):
                each.unlink()
            return figures

        one = measured(first, THRESHOLDS)
        for case in many_scopes(first.vectors):
            figures = measured(case)
            table.append(compared(figures, one))
        if million:
            measured(one_scope(vectors, 1_000_000), THRESHOLDS)
    return table


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="vectors to store")
    parser.add_argument("--million", action="store_true", help="a million in one scope, too")
    parser.add_argument("--model", type=Path, help="folder of the published model")
    parser.add_argument("--data", type=Path, help="folder of tab-separated questions")
    parser.add_argument("--questions", type=int, default=30_000, help="at most so many of them")
    parser.add_argument("--rounds", type=int, default=15, help="of each fresh process")
    options = parser.parse_args()
    vectors = None
    if options.model and options.data:
        with tempfile.TemporaryDirectory(prefix="llmc-vectors-") as name:
            given = (options.model, options.data)
            vectors = real(*given, folder=Path(name), limit=options.questions)
    million, rounds = options.million, options.rounds
    table = rows(count=options.rows, million=million, vectors=vectors, rounds=rounds)
    tell(table, as_json=options.json)


if __name__ == "__main__":
    main()
