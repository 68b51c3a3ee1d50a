"""Other processes, for the tests in which one is not enough."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent

#: A process that is stopped by its test anyway gets this long to do it by itself.
PATIENCE = 60


def start(code: str, *arguments: object, before: Iterable[str] = ()) -> subprocess.Popen[str]:
    """Start a script that may import llmc and what the tests share; its streams are pipes."""
    paths = os.pathsep.join((str(HERE.parent), str(HERE)))
    return subprocess.Popen(
        [*before, sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": paths},
    )


def output(code: str, *arguments: object, before: Iterable[str] = ()) -> str:
    """Run a script to its end and return what it printed, errors included."""
    with start(code, *arguments, before=before) as process:
        return _rest(process)


def at_once(code: str, arguments: Iterable[tuple[Any, ...]]) -> list[str]:
    """Run a script once for each tuple of arguments, all let go together; return what each said.

    The script says `ready()` where it is to wait for the others.
    """
    gate = "def ready():\n    print(flush=True)\n    input()\n"
    processes = [start(gate + code, *each) for each in arguments]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return [_rest(process) for process in processes]


def _rest(process: subprocess.Popen[str]) -> str:
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        err += "\nit did not end"
    return (out + err).strip()


def bound_by_modes() -> tuple[str, ...]:
    """Return what to put before a command so that file modes bind it, even where we are root."""
    if os.geteuid() != 0:
        return ()
    before = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    try:
        subprocess.run([*before, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"root, and it cannot be made to obey file modes: {error}")
    return before


@contextlib.contextmanager
def mounted(point: Path, *options: str) -> Iterator[None]:
    """Mount something over a folder; skip the test where that is not allowed."""
    try:
        subprocess.run(["mount", *options, str(point)], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"mounting is not possible here: {getattr(error, 'stderr', error)}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(point)], check=True)
