"""How fast is a hit in a Python program, against caches that are made for it?

python benchmarks/library.py [--hits N] [--rounds N]

One process has all of them, and asks each in turn for the same hundred stored answers: CPU of this
process alone, counting included. The peers are diskcache's `memoize` and, through LangChain's own
interface, its SQLiteCache.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import Environment, Row, make_environment, make_wheel, print_table, say

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["rows"]

PEERS = ("diskcache", "langchain-community", "sqlalchemy")
QUESTIONS = [f"which number is {number}?" for number in range(100)]
THREADS = 16
TARGETS = {
    "diskcache, memoize": "",
    "LangChain, SQLiteCache": "",
    "llmc.Cache, level memory": "2.5 times",
    "llmc.Cache, level file": "1 times",
}


def rows(environment: Environment, *, hits: int, rounds: int) -> list[Row]:
    """Measure in an environment in which llmc and the peers are installed."""
    say("measuring hits in a Python program")
    with tempfile.TemporaryDirectory(prefix="llmc-library-") as folder:
        line = [environment.python, __file__, "--inside", folder]
        line += ["--hits", str(hits), "--rounds", str(rounds)]
        home = {"HOME": folder, "PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(line, env=home, stdout=subprocess.PIPE, text=True, check=True)
    return [Row(*each) for each in json.loads(done.stdout)]


def _inside(folder: Path, *, hits: int, rounds: int) -> list[tuple[str, str, str, str]]:
    """Measure all of them in this process; return what each row says."""
    os.environ["LLMC_DB"] = str(folder / "llmc.db")
    import llmc

    memory = llmc.Cache()
    os.environ["LLMC_LEVELS"] = "file"
    file = llmc.Cache()
    for question in QUESTIONS:
        memory.put(question, f"an answer to {question}")

    ways: dict[str, Callable[[str], Any]] = {
        "diskcache, memoize": _diskcache(folder),
        "LangChain, SQLiteCache": _langchain(folder),
        "llmc.Cache, level memory": memory.ask,
        "llmc.Cache, level file": file.ask,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            times[name].append(_cpu(way, hits // 20 if "SQLite" in name else hits))
    # The first round fills what each of them keeps in memory.
    medians = {name: statistics.median(found[1:]) for name, found in times.items()}
    base = medians["diskcache, memoize"]
    found = [
        (
            f"a hit: {name}",
            f"{1e6 * took:.1f} µs",
            f"{base / took:.2f} times diskcache",
            TARGETS[name],
        )
        for name, took in medians.items()
    ]
    chain = medians["LangChain, SQLiteCache"] / medians["llmc.Cache, level file"]
    found.append(("level file against LangChain's", "", f"{chain:.0f} times", "20 times"))
    alone, together = _threads(memory.ask, hits, rounds)
    ratio = f"{alone / together:.2f} times one thread"
    found.append((f"{THREADS} threads that hit memory", f"{1e6 * together:.1f} µs", ratio, ""))
    memory.close()
    file.close()
    return found


def _cpu(way: Callable[[str], Any], hits: int) -> float:
    """Return the seconds of CPU that one hit takes."""
    started = time.process_time()
    for number in range(hits):
        way(QUESTIONS[number % len(QUESTIONS)])
    return (time.process_time() - started) / hits


def _threads(way: Callable[[str], Any], hits: int, rounds: int) -> tuple[float, float]:
    """Return the seconds that a hit takes in one thread, and in many that share the interpreter."""

    def run(count: int) -> float:
        each = hits // count
        threads = [threading.Thread(target=_cpu, args=(way, each)) for _ in range(count)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (time.perf_counter() - started) / (each * count)

    pairs = [(run(1), run(THREADS)) for _ in range(rounds)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def _diskcache(folder: Path) -> Callable[[str], Any]:
    import diskcache

    cache = diskcache.Cache(str(folder / "diskcache"))

    @cache.memoize()
    def answer(question: str) -> str:
        return f"an answer to {question}"

    return answer


def _langchain(folder: Path) -> Callable[[str], Any]:
    from langchain_community.cache import SQLiteCache
    from langchain_core.outputs import Generation

    cache = SQLiteCache(str(folder / "langchain.db"))
    for question in QUESTIONS:
        cache.update(question, "a model", [Generation(text=f"an answer to {question}")])
    return lambda question: cache.lookup(question, "a model")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=20_000, help="of each way in a round")
    parser.add_argument("--rounds", type=int, default=7, help="of all ways in turn")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside is not None:
        found = _inside(options.inside, hits=options.hits, rounds=options.rounds)
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory(prefix="llmc-library-") as name:
        folder = Path(name)
        builder = make_environment(folder / "builder", "wheel")
        environment = make_environment(folder / "env", make_wheel(builder, folder), *PEERS)
        print_table(rows(environment, hits=options.hits, rounds=options.rounds))


if __name__ == "__main__":
    main()
