"""How much CPU does a whole process take, against a bare interpreter? Shared by the benchmarks.

Environments of their own with llmc installed as a user has it, processes measured in shuffled
rounds, and one kind of row for all. Nothing here knows what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = [
    "ROOT",
    "Environment",
    "Measured",
    "Row",
    "cpu_of",
    "environment_variables",
    "fill",
    "kept",
    "make_environment",
    "make_wheel",
    "measure",
    "options_of",
    "ratio_of_pairs",
    "run",
    "say",
    "table",
    "tell",
]

ROOT = Path(__file__).resolve().parent.parent


class Environment(NamedTuple):
    """A virtual environment, and the version of the pip that wrote its launchers."""

    folder: Path
    pip: str

    @property
    def python(self) -> str:
        """The path of its interpreter."""
        return str(self.folder / "bin" / "python")

    def program(self, name: str) -> str:
        """Return the path of a program that was installed in it."""
        return str(self.folder / "bin" / name)


class Measured(NamedTuple):
    """Medians over all rounds: CPU in milliseconds, and its ratio to the base, round by round."""

    milliseconds: float
    ratio: float
    quartiles: tuple[float, float]


class Row(NamedTuple):
    """One line of the table. One whose name begins with a dash is a detail of the line above it.

    `value` is for people; `ratio` is what another run can be compared with: so many times what
    `against` names. `target` is empty where nothing was promised.
    """

    what: str
    value: str
    ratio: float | None = None
    against: str = ""
    target: str = ""
    quartiles: tuple[float, float] | None = None

    @property
    def is_detail(self) -> bool:
        """Whether it says more of the line above it."""
        return self.what.startswith("—")


def say(line: str) -> None:
    """Tell on standard error what takes so long."""
    print(f"# {line}", file=sys.stderr, flush=True)


def environment_variables(home: Path) -> dict[str, str]:
    """Return the environment of a plain user: nothing that changes Python, numpy, llmc, folders."""
    python = ("PYTHON", "PIP_REQUIRE", "VIRTUAL_ENV", "OPENBLAS_", "OMP_", "MKL_")
    ours = (*python, "LLMC_", "OPENAI_", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"HOME": str(home)}


def make_environment(folder: Path, *packages: str, pip: str | None = None) -> Environment:
    """Make a virtual environment with packages in it, their `.pyc` files written.

    `pip` is the version that installs them, None the newest. Raises CalledProcessError.
    """
    # From the Python beneath the environment that we may be running in ourselves.
    run(getattr(sys, "_base_executable", sys.executable), "-m", "venv", str(folder))
    python = str(folder / "bin" / "python")
    install = (python, "-m", "pip", "install", "-q", "--disable-pip-version-check")
    run(*install, "-U", "pip" if pip is None else f"pip=={pip}")
    run(*install, "--compile", *packages)
    version = run(python, "-c", "import pip; print(pip.__version__)").strip()
    return Environment(folder, version)


def make_wheel(environment: Environment, folder: Path) -> str:
    """Build llmc's wheel from the checkout: what is measured is no editable install."""
    run(
        environment.python, "-m", "pip", "wheel", "-q", "--disable-pip-version-check",
        "--no-deps", "-w", str(folder), str(ROOT),
    )  # fmt: skip
    (wheel,) = folder.glob("llmc-*.whl")
    return str(wheel)


def fill(environment: Environment, path: Path, *, entries: int) -> dict[str, Any]:
    """Make a cache file of so many entries; return what benchmarks/fill.py says of it."""
    say(f"filling a cache file with {entries:,} entries")
    script = str(ROOT / "benchmarks" / "fill.py")
    env = environment_variables(path.parent)
    told = run(environment.python, script, str(path), str(entries), env=env)
    return dict(json.loads(told))


def run(*command: str, env: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed. Raises CalledProcessError."""
    done = subprocess.run(
        command,
        env=environment_variables(Path.home()) if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        done.check_returncode()
    return done.stdout


def cpu_of(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Run a process on its own and return the CPU seconds that it took, user and system."""
    null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    pid = os.posix_spawn(command[0], command, env, file_actions=null)
    _, status, usage = os.wait4(pid, 0)
    if (code := os.waitstatus_to_exitcode(status)) != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {code}")
    return usage.ru_utime + usage.ru_stime


def measure(
    commands: Mapping[str, Sequence[str]],
    *,
    base: Mapping[str, str],
    env: Mapping[str, str],
    rounds: int,
    before: Callable[[str], None] = lambda _: None,
) -> dict[str, Measured]:
    """Measure each command once a round, in an order shuffled anew, all rounds after a warm-up.

    `base` names for each command the one that it is compared with; the ratio is taken between
    the two of the same round, so that a busy machine slows both. `before` is called with a
    command's name, unmeasured, before each run of it.
    """
    shuffle = random.Random(1).shuffle
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        order = list(commands)
        shuffle(order)
        for name in order:
            before(name)
            seconds = cpu_of(commands[name], env)
            if number:
                taken[name].append(seconds)
    found = {}
    for name in commands:
        pairs = zip(taken[name], taken[base[name]], strict=True)
        ratios = sorted(mine / bare for mine, bare in pairs)
        quarter = len(ratios) // 4
        found[name] = Measured(
            statistics.median(taken[name]) * 1000,
            statistics.median(ratios),
            (ratios[quarter], ratios[-1 - quarter]),
        )
    return found


def ratio_of_pairs(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the median of first over second: what was measured in turn was slowed alike."""
    return statistics.median(one / other for one, other in pairs)


def kept(value: float, limit: float, *, least: bool = False) -> str:
    """Say what was promised, and whether it holds."""
    holds = value >= limit if least else value <= limit
    return f"{'≥' if least else '≤'} {limit:,g} {'✓' if holds else '✗'}"


def table(rows: Iterable[Row], *, scripts: Sequence[str] | None = None) -> str:
    """Return rows as a Markdown table; with `scripts`, the one that measured each row."""
    heads = ["what", "measured", "ratio", "to", "target"]
    cells = [heads, *(_cells(row) for row in rows)]
    if scripts is not None:
        found = ["script", *scripts]
        cells = [[*row, script] for row, script in zip(cells, found, strict=True)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * len(cells[0]), *lines[1:]]) + "\n"


def _cells(row: Row) -> list[str]:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    ratio = f"{row.ratio:.2g}" if row.ratio and row.ratio < 0.1 else ratio
    if row.quartiles is not None:
        ratio += f" ({row.quartiles[0]:.2f} to {row.quartiles[1]:.2f})"
    return [row.what, row.value, ratio, row.against, row.target]


def options_of(document: str | None) -> argparse.ArgumentParser:
    """Return a parser of what every benchmark understands."""
    parser = argparse.ArgumentParser(
        description=document, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print the rows for another program")
    return parser


def tell(rows: Iterable[Row], *, as_json: bool) -> None:
    """Print rows: for people, or for another program."""
    print(json.dumps(list(rows)) if as_json else table(rows), end="")
