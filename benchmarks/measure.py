"""How much CPU does a whole process take, against a bare interpreter? Shared by the benchmarks.

Environments of their own with llmc installed as a user has it, processes measured in shuffled
rounds, and one table. Nothing here knows what is measured.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "ROOT",
    "Environment",
    "Measured",
    "Row",
    "cpu_of",
    "environment_variables",
    "fill",
    "make_environment",
    "make_wheel",
    "measure",
    "print_table",
    "run",
    "say",
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
    """One line of the table; `target` is empty where nothing was promised."""

    what: str
    value: str
    ratio: str = ""
    target: str = ""


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


def print_table(rows: Sequence[Row]) -> None:
    """Print rows as a Markdown table."""
    heads = Row("what", "measured", "times `python -c pass`", "target")
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(4)]
    for number, row in enumerate((heads, *rows)):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"| {' | '.join(cells)} |")
        if number == 0:
            print(f"|{'|'.join('-' * (width + 2) for width in widths)}|")
