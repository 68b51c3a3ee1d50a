"""Run every benchmark and print one table in Markdown.

python benchmarks/run.py [--entries N] [--rounds N] [--rows N] [--peers]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path

import batch
import meaning
import size
import startup
from measure import ROOT, Environment, Row, fill, print_table, run, say


def index_rows(environment: Environment) -> list[Row]:
    """Measure the index of vectors, in an environment that has numpy: this Python may have none."""
    say("measuring the index of vectors")
    script = str(ROOT / "benchmarks" / "vectors.py")
    return [Row(*each) for each in json.loads(run(environment.python, script, "--json"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000, help="in the cache file")
    parser.add_argument("--rounds", type=int, default=40, help="of each measurement")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the largest batch")
    parser.add_argument("--peers", action="store_true", help="measure other ways too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="llmc-benchmarks-") as name:
        folder = Path(name)
        newest, old = startup.environments(folder)
        filled = fill(newest, folder / "llmc.db", entries=options.entries)
        found = startup.rows(
            newest,
            old,
            db=folder / "llmc.db",
            filled=filled,
            rounds=options.rounds,
            peers=folder / "peers" if options.peers else None,
        )
        prepared = meaning.prepare(newest, folder / "meaning", entries=meaning.ENTRIES)
        found += meaning.rows(newest, prepared, rounds=options.rounds)
        found += index_rows(newest)
        found += batch.rows(newest, folder / "batch", many=options.rows, rounds=3)
        print(
            f"Python {platform.python_version()}, {platform.system()} {platform.machine()},"
            f" {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; CPU of whole processes,"
            f" median of {options.rounds} shuffled rounds; ratios pair by pair, with quartiles.\n"
        )
        print_table([*found, *size.rows(filled)])


if __name__ == "__main__":
    main()
