"""How fast is a hit in a Python program, against caches that are made for it?

python benchmarks/library.py [--hits N] [--rounds N]

One process has all of them, and asks each in turn for the same hundred stored answers: CPU of this
process alone, counting included. The peers are diskcache's `memoize`, joblib's `Memory`, GPTCache's
exact match (a dictionary of prompts) and LangChain's SQLiteCache: a question to a chat model that
has it, which is what `ask` does, and its `lookup` alone, which is given the key. A ratio is a hit's
time: below 1 is faster.
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

from measure import (
    Environment,
    Row,
    kept,
    make_environment,
    make_wheel,
    options_of,
    ratio_of_pairs,
    say,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PEERS", "rows"]

PEERS = ("diskcache", "gptcache", "joblib", "langchain-community", "sqlalchemy")
QUESTIONS = [f"which number is {number}?" for number in range(100)]
THREADS = 16

MEMORY, FILE = "`llmc.Cache`, from memory", "`llmc.Cache`, from the file"
DISKCACHE, GPTCACHE, JOBLIB, LANGCHAIN, LOOKUP = (
    "diskcache's `memoize`", "GPTCache's exact match", "joblib's `Memory`",
    "LangChain's SQLiteCache behind a chat model", "that cache's `lookup` alone",
)  # fmt: skip

#: Which of ours is compared with which peer, and how much of its time it may take.
COMPARED = (
    (MEMORY, DISKCACHE, 0.4),
    (MEMORY, GPTCACHE, None),
    (FILE, DISKCACHE, 1.0),
    (FILE, JOBLIB, None),
    (FILE, LANGCHAIN, 0.05),
    (FILE, LOOKUP, None),
)

#: These take so many times longer that they are asked less often.
SLOW = {JOBLIB, LANGCHAIN, LOOKUP}


def rows(environment: Environment, *, hits: int, rounds: int) -> list[Row]:
    """Measure in an environment in which llmc and the peers are installed."""
    say("measuring hits in a Python program")
    with tempfile.TemporaryDirectory(prefix="llmc-library-") as folder:
        line = [environment.python, __file__, "--inside", folder]
        line += ["--hits", str(hits), "--rounds", str(rounds)]
        home = {"HOME": folder, "PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(line, env=home, stdout=subprocess.PIPE, text=True, check=True)
    return [Row(*each) for each in json.loads(done.stdout)]


def _inside(folder: Path, *, hits: int, rounds: int) -> list[Row]:
    """Measure all of them in this process; return what each row says."""
    os.environ["LLMC_DB"] = str(folder / "llmc.db")
    import llmc

    memory = llmc.Cache()
    os.environ["LLMC_LEVELS"] = "file"
    file = llmc.Cache()
    for question in QUESTIONS:
        memory.put(question, f"an answer to {question}")

    ways: dict[str, Callable[[str], Any]] = {
        DISKCACHE: _diskcache(folder),
        GPTCACHE: _gptcache(folder),
        JOBLIB: _joblib(folder),
        **_langchain(folder),
        MEMORY: memory.ask,
        FILE: file.ask,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            times[name].append(_cpu(way, hits // 20 if name in SLOW else hits))
    # The first round fills what each of them keeps in memory.
    times = {name: found[1:] for name, found in times.items()}
    found = [_row(times, *each) for each in COMPARED]
    pairs = _threads(memory.ask, hits, rounds)
    many, one = (1e6 * statistics.median(times) for times in zip(*pairs, strict=True))
    what = f"a hit: {THREADS} threads, from memory"
    found.append(Row(what, f"{many:.1f} µs", ratio_of_pairs(pairs), f"one thread, {one:.1f} µs"))
    memory.close()
    file.close()
    return found


def _row(times: dict[str, list[float]], ours: str, peer: str, limit: float | None) -> Row:
    ratio = ratio_of_pairs(list(zip(times[ours], times[peer], strict=True)))
    mine, theirs = (1e6 * statistics.median(times[name]) for name in (ours, peer))
    target = "" if limit is None else kept(ratio, limit)
    return Row(f"a hit: {ours}", f"{mine:.1f} µs", ratio, f"{peer}, {theirs:.1f} µs", target)


def _cpu(way: Callable[[str], Any], hits: int) -> float:
    """Return the seconds of CPU that one hit takes."""
    started = time.process_time()
    for number in range(hits):
        way(QUESTIONS[number % len(QUESTIONS)])
    return (time.process_time() - started) / hits


def _threads(way: Callable[[str], Any], hits: int, rounds: int) -> list[tuple[float, float]]:
    """Return the seconds of CPU of a hit in many threads that share the interpreter, and in one.

    What their waiting for each other costs is in it: it is the handing over that takes CPU.
    """

    def run(count: int) -> float:
        each = hits // count
        threads = [threading.Thread(target=_cpu, args=(way, each)) for _ in range(count)]
        started = time.process_time()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (time.process_time() - started) / (each * count)

    return [(run(THREADS), run(1)) for _ in range(rounds)]


def _diskcache(folder: Path) -> Callable[[str], Any]:
    import diskcache

    cache = diskcache.Cache(str(folder / "diskcache"))

    @cache.memoize()
    def answer(question: str) -> str:
        return f"an answer to {question}"

    return answer


def _gptcache(folder: Path) -> Callable[[str], Any]:
    from gptcache import Cache
    from gptcache.adapter.api import get, put
    from gptcache.manager.factory import get_data_manager
    from gptcache.processor.pre import get_prompt

    cache = Cache()
    kept_in = get_data_manager(data_path=str(folder / "gptcache.txt"))
    cache.init(pre_embedding_func=get_prompt, data_manager=kept_in)
    for question in QUESTIONS:
        put(question, f"an answer to {question}", cache_obj=cache)
    return lambda question: get(question, cache_obj=cache)


def _joblib(folder: Path) -> Callable[[str], Any]:
    import joblib

    @joblib.Memory(str(folder / "joblib"), verbose=0).cache
    def answer(question: str) -> str:
        return f"an answer to {question}"

    return answer


def _langchain(folder: Path) -> dict[str, Callable[[str], Any]]:
    from langchain_community.cache import SQLiteCache
    from langchain_core.language_models.fake_chat_models import FakeListChatModel
    from langchain_core.outputs import Generation

    cache = SQLiteCache(str(folder / "langchain.db"))
    model = FakeListChatModel(responses=["an answer"], cache=cache)
    for question in QUESTIONS:
        cache.update(question, "a model", [Generation(text=f"an answer to {question}")])
        model.invoke(question)
    return {LANGCHAIN: model.invoke, LOOKUP: lambda question: cache.lookup(question, "a model")}


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--hits", type=int, default=20_000, help="of each way in a round")
    parser.add_argument("--rounds", type=int, default=9, help="of all ways in turn")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside is not None:
        found = _inside(options.inside, hits=options.hits, rounds=options.rounds)
        tell(found, as_json=True)
        return
    with tempfile.TemporaryDirectory(prefix="llmc-library-") as name:
        folder = Path(name)
        builder = make_environment(folder / "builder", "wheel")
        environment = make_environment(folder / "env", make_wheel(builder, folder), *PEERS)
        found = rows(environment, hits=options.hits, rounds=options.rounds)
        tell(found, as_json=options.json)


if __name__ == "__main__":
    main()
