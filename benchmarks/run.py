"""Run every benchmark and print one table in Markdown.

python benchmarks/run.py [--entries N] [--rounds N] [--peers]
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path

import meaning
import size
import startup
from measure import fill, print_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000, help="in the cache file")
    parser.add_argument("--rounds", type=int, default=40, help="of each measurement")
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
        print(
            f"Python {platform.python_version()}, {platform.system()} {platform.machine()},"
            f" {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; CPU of whole processes,"
            f" median of {options.rounds} shuffled rounds; ratios pair by pair, with quartiles.\n"
        )
        print_table([*found, *size.rows(filled)])


if __name__ == "__main__":
    main()
