"""How far has something come that takes long? One line of standard error tells."""

from __future__ import annotations

import os
import time
from typing import Self

from llmc import streams, text

__all__ = ["Bar", "megabytes", "state"]

_MB = 1_000_000

#: Seconds between two states of a bar.
_PACE = 0.1


class Bar:
    """One line of standard error that shows how far several files have come.

    Its last state stays there. The rate is this call's: what lay there before adds to the share
    alone.
    """

    def __init__(self, total: int, *, shows: bool) -> None:
        self._total, self._shows = total, shows
        self._done: dict[str, int] = {}
        self._began: tuple[float, int] | None = None
        self._drawn_at, self._width = -_PACE, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._width:
            self._draw(time.monotonic(), end="\n")

    def draw(self, name: str, done: int, _: int) -> None:
        """Count a file's bytes so far, and show it if it is time."""
        self._done[name] = done
        at = time.monotonic()
        if self._shows and at - self._drawn_at >= _PACE:
            self._draw(at, end="\r")

    def _draw(self, at: float, *, end: str) -> None:
        done = sum(self._done.values())
        began_at, began_with = self._began = self._began or (at, done)
        rate = (done - began_with) / max(at - began_at, _PACE)
        line = state(done, self._total, rate, columns=_columns())
        streams.note(line, end=" " * (self._width - len(line)) + end)
        self._drawn_at, self._width = at, len(line)


def state(done: int, total: int, rate: float, *, columns: int) -> str:
    """Word how much is done, of how many bytes, and at which rate, with a bar if it has room."""
    facts = f"{100 * done // total}% {done / _MB:.1f} of {megabytes(total)}"
    if rate and done < total:
        facts += f", {rate / _MB:.1f} MB/s, {text.age((total - done) / rate)} left"
    width = min(30, columns - len("llmc: [] ") - len(facts) - 1)
    full = width * done // total
    return f"[{'#' * full}{'-' * (width - full)}] {facts}" if width > 4 else facts


def _columns() -> int:
    try:
        return os.get_terminal_size(2).columns
    except OSError:
        return 80


def megabytes(size: int) -> str:
    """Write a number of bytes for a person."""
    return f"{size / _MB:.1f} MB"
