"""Run every benchmark, side by side with the peers, and write one document in Markdown.

    python benchmarks/run.py --peers                          the whole, 20 minutes
    python benchmarks/run.py --peers --write README.md        and its first lines into the README
    python benchmarks/run.py --quick                          smaller sizes, no peers
    python benchmarks/run.py --json A.json                    and for comparison with another run
    python benchmarks/run.py --compare A.json B.json          which ratios differ by more than 15 %?

Environments of their own are made for llmc and for each peer, from PyPI. What is measured is CPU
time wherever that is possible, in turn, and the median of the ratios of each turn, so that a busy
machine slows both sides. Progress goes to standard error.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import batch
import library
import meaning
import proxy
import size
import startup
from measure import (
    ROOT,
    Environment,
    Row,
    environment_variables,
    fill,
    make_environment,
    run,
    say,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: By how much a ratio of a second run on the same machine may differ.
AGREE = 0.15

BEGIN, END = "<!-- benchmarks -->\n", "<!-- end of benchmarks -->\n"


class Sizes(NamedTuple):
    """How much of everything is measured."""

    entries: int  # in the cache file
    meant: int  # in the one that is searched by meaning
    rounds: int  # of whole processes
    rows: int  # of the largest batch
    hits: int  # in a round of the library
    vectors: int
    requests: int  # of the streams that evict replays
    searched: int  # entries that invalidate searches
    seconds: int  # of load, each


WHOLE = Sizes(100_000, 10_000, 40, 1_000_000, 20_000, 100_000, 6_000, 200_000, 4)
QUICK = Sizes(5_000, 500, 12, 50_000, 4_000, 10_000, 1_000, 10_000, 2)


class Place(NamedTuple):
    """Where is measured: a folder, and environments with llmc by the newest pip and an old one."""

    folder: Path
    newest: Environment
    old: Environment | None
    options: argparse.Namespace
    sizes: Sizes


def _processes(place: Place) -> list[Row]:
    db = place.folder / "llmc.db"
    filled = fill(place.newest, db, entries=place.sizes.entries)
    peers = place.folder / "peers" if place.options.peers else None
    rounds = place.sizes.rounds
    found = startup.rows(place.newest, place.old, db=db, filled=filled, rounds=rounds, peers=peers)
    return [*found, *size.rows(filled)]


def _meaning(place: Place) -> list[Row]:
    folder = place.folder / "meaning"
    prepared = meaning.prepare(place.newest, folder, entries=place.sizes.meant)
    return meaning.rows(place.newest, prepared, rounds=place.sizes.rounds)


def _batch(place: Place) -> list[Row]:
    return batch.rows(place.newest, place.folder / "batch", many=place.sizes.rows, rounds=5)


def _library(place: Place) -> list[Row]:
    if not place.options.peers:
        return [Row("a hit in a Python program", "skipped: it is compared with peers alone")]
    (wheel,) = place.folder.glob("llmc-*.whl")
    environment = make_environment(place.folder / "library", str(wheel), *library.PEERS)
    return library.rows(environment, hits=place.sizes.hits, rounds=15)


def _proxy(place: Place) -> list[Row]:
    folder = place.folder / "proxy"
    folder.mkdir()
    return proxy.measured(
        place.newest,
        folder,
        seconds=place.sizes.seconds,
        peers=place.options.peers,
        litellm=place.options.litellm,
    )


def _script(name: str, *words: object) -> Callable[[Place], list[Row]]:
    """Measure by a script that needs llmc itself: this Python may have none of what that needs."""

    def measured(place: Place) -> list[Row]:
        line = [place.newest.python, str(ROOT / "benchmarks" / name), "--json"]
        line += [str(word(place) if callable(word) else word) for word in words]
        env = environment_variables(place.folder)
        told = run(*line, env=env)
        return [Row(*each) for each in json.loads(told)]

    return measured


def _semantic(place: Place) -> list[Row]:
    if not meaning.install_model(place.newest):
        return [Row("hits by meaning", "skipped: the model cannot be had")]
    folder = place.options.pairs
    words = (f"--data={folder.resolve()}", "--no-groups") if folder else ("--no-groups",)
    return _script("semantic.py", *words)(place)


#: What measures, by the script that can also be run alone.
PARTS: dict[str, Callable[[Place], list[Row]]] = {
    "startup.py": _processes,
    "meaning.py": _meaning,
    "semantic.py": _semantic,
    "vectors.py": _script("vectors.py", "--rows", lambda place: place.sizes.vectors),
    "library.py": _library,
    "batch.py": _batch,
    "proxy.py": _proxy,
    "evict.py": _script(
        "evict.py",
        "--requests", lambda place: place.sizes.requests,
        "--questions", lambda place: place.sizes.requests * 6 // 10,
    ),
    "invalidate.py": _script("invalidate.py", "--entries", lambda place: place.sizes.searched),
    "prefix.py": _script("prefix.py"),
    "soak.py": _script("soak.py"),
}  # fmt: skip


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Run the parts that are asked for; return the machine, and every row with its script."""
    sizes = QUICK if options.quick else WHOLE
    names = [name for name in PARTS if name != "soak.py" or options.soak]
    names = [f"{name}.py" for name in options.only] or names
    rows: list[tuple[str, Row]] = []
    with tempfile.TemporaryDirectory(prefix="llmc-benchmarks-") as name:
        newest, old = startup.environments(Path(name))
        described = machine(newest, old)
        place = Place(Path(name), newest, old, options, sizes)
        for script in names:
            started = time.monotonic()
            say(script)
            rows += [(script, row) for row in _measured(script, place)]
            say(f"{script} took {time.monotonic() - started:.0f} s")
    return {
        "machine": described,
        "date": f"{dt.datetime.now().astimezone():%Y-%m-%d}",
        "rows": rows,
    }


def _measured(script: str, place: Place) -> list[Row]:
    """Measure one part; what fails is told in its place, and takes nothing else along."""
    try:
        return PARTS[script](place)
    except Exception as error:  # noqa: BLE001  (a benchmark of twenty minutes hangs on none of them)
        traceback.print_exc()
        return [Row(script, f"failed: {type(error).__name__}")]


def machine(newest: Environment, old: Environment | None) -> str:
    """Describe what was measured on, and by which versions."""
    command = [
        newest.python,
        "-m",
        "pip",
        "list",
        "--format",
        "json",
        "--disable-pip-version-check",
    ]
    found = {each["name"]: each["version"] for each in json.loads(run(*command))}
    packages = ", ".join(f"{name} {found[name]}" for name in ("apsw", "numpy", "openai", "typer"))
    pips = newest.pip if old is None else f"{newest.pip} and {old.pip}"
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()},"
        f" {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {packages}, pip {pips}"
    )


# -- telling -------------------------------------------------------------------------------------


def document(found: dict[str, Any]) -> str:
    """Return everything that was measured, each line with its script."""
    rows = [Row(*row) for _, row in found["rows"]]
    scripts = [script for script, _ in found["rows"]]
    return (
        f"# Benchmarks of {found['date']}\n\n{found['machine']}.\n\n"
        "A ratio is so many times what stands behind it; most are medians of the ratios of each"
        " turn, quartiles\nin parentheses. A line with a dash says more of the one above it.\n\n"
        f"{table(rows, scripts=scripts)}"
    )


def summary(found: dict[str, Any]) -> str:
    """Return what of it stands in the README."""
    shown = [(script, Row(*row)) for script, row in found["rows"]]
    shown = [(script, row) for script, row in shown if not row.is_detail]
    rows, scripts = [row for _, row in shown], [f"`{script}`" for script, _ in shown]
    return (
        f"`python benchmarks/run.py --peers`, which anyone can run, printed this on"
        f" {found['date']}, with\nmore details. A ratio is so many times what stands behind it;"
        f" compare ratios, not\nmilliseconds. {found['machine']}.\n\n"
        f"{table(rows, scripts=scripts)}"
    )


def write(path: Path, part: str) -> None:
    """Put a part between the marks of a document."""
    text = path.read_text("utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    path.write_text(f"{head}{BEGIN}{part}{END}{tail}", "utf-8")


def compare(one: dict[str, Any], other: dict[str, Any]) -> tuple[list[str], int]:
    """Return the ratios that differ too much, and how many were compared."""
    first, second = dict(_ratios(one)), dict(_ratios(other))
    both = [name for name in first if name in second]
    differing = []
    for name in both:
        before, after = first[name], second[name]
        apart = max(before, after) / max(min(before, after), 1e-9) - 1 if before != after else 0
        if apart > AGREE:
            differing.append(f"{name}: {before:.3f} and {after:.3f}, {apart:.0%} apart")
    return differing, len(both)


def _ratios(found: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield each ratio under a name that no other has."""
    above, seen = "", Counter[str]()
    for script, each in found["rows"]:
        row = Row(*each)
        above = above if row.is_detail else row.what
        name = f"{above} {row.what}" if row.is_detail else row.what
        # Of what it is compared with, figures are no part of the name.
        name = f"{script}, {name} to {re.split('[:,]', row.against)[0]}"
        seen[name] += 1
        if row.ratio is not None:
            yield f"{name} ({seen[name]})" if seen[name] > 1 else name, row.ratio


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="smaller sizes, a few minutes")
    parser.add_argument("--peers", action="store_true", help="measure other tools too")
    parser.add_argument("--soak", action="store_true", help="the proxy for minutes, with faults")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="one script")
    parser.add_argument("--pairs", type=Path, metavar="DIR", help="judged pairs of your own")
    parser.add_argument("--litellm", metavar="PYTHON", help="an interpreter that has LiteLLM")
    parser.add_argument("--write", type=Path, metavar="FILE", help="between the marks of FILE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep what was measured in FILE")
    parser.add_argument("--compare", nargs=2, type=Path, metavar="FILE", help="two of these")
    options = parser.parse_args(words)
    if unknown := [name for name in options.only if f"{name}.py" not in PARTS]:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    if options.compare:
        differing, count = compare(*(json.loads(path.read_text()) for path in options.compare))
        print("\n".join([*differing, f"{count - len(differing)} of {count} ratios agree"]))
        sys.exit(1 if differing else 0)
    found = measure(options)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    print(document(found))
    if options.write:
        write(options.write, summary(found))


if __name__ == "__main__":
    main()
