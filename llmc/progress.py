"""How far is a long piece of work? One line on a terminal that is written over again and again."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Self

from llmc import streams, text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Bar", "Progress", "state"]

#: The seconds between two pictures of it.
_PAUSE = 0.25

#: The same of a bar, where more is to be seen of it.
_PAUSE_OF_BAR = 0.1

#: As many notes are remembered in order not to be told twice.
_REMEMBERED = 100


class Progress:
    """The line, and the notes that are told above it, each once. Safe for threads."""

    def __init__(
        self, *, shown: bool, quiet: bool = False, timer: Callable[[], float] = time.monotonic
    ) -> None:
        """Draw nothing unless it is to be `shown`, and tell no notes where it is `quiet`."""
        self._shown = shown
        self._quiet = quiet
        self._timer = timer
        self._started = timer()
        self._drawn = -_PAUSE
        self._line = ""
        self._told: dict[str, None] = {}
        self._lock = threading.Lock()

    def draw(self, told: Callable[[], str], *, share: float | None) -> None:
        """Draw what is `told` and, by the `share` of the work that is done, the time that is left.

        Not more often than a person can read it.
        """
        now = self._timer()
        if not self._shown or now - self._drawn < _PAUSE:
            return
        self._drawn = now
        left = ""
        if share is not None and 0 < share < 1:
            seconds = (now - self._started) * (1 - share) / share
            left = f"{share:.0%}, {text.age(seconds)} left; "
        with self._lock:
            self._line = f"{left}{told()}"
            streams.status(self._line)

    def note(self, line: str) -> None:
        """Tell a note above the line; the same one is told once."""
        with self._lock:
            is_new = line not in self._told
            self._told[line] = None
            if len(self._told) > _REMEMBERED:
                del self._told[next(iter(self._told))]
        if is_new and not self._quiet:
            self.say(line)

    def say(self, line: str, *, mark: str = "") -> None:
        """Tell something above the line, in any case."""
        with self._lock:
            if self._line:
                streams.status("")
            streams.note(line, mark=mark)
            if self._line:
                streams.status(self._line)

    def clear(self) -> None:
        """Take the line away."""
        with self._lock:
            if self._line:
                streams.status("")
            self._line = ""


class Bar:
    """One line of standard error that shows how far several files have come.

    Its last state stays there. The rate is this call's: what lay there before adds to the share
    alone.
    """

    def __init__(self, total: int, *, shows: bool) -> None:
        self._total, self._shows = total, shows
        self._done: dict[str, int] = {}
        self._began: tuple[float, int] | None = None
        self._drawn_at, self._width = -_PAUSE_OF_BAR, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._width:
            self._draw(time.monotonic(), end="\n")

    def draw(self, name: str, done: int, _: int) -> None:
        """Count a file's bytes so far, and show it if it is time."""
        self._done[name] = done
        at = time.monotonic()
        if self._shows and at - self._drawn_at >= _PAUSE_OF_BAR:
            self._draw(at, end="\r")

    def _draw(self, at: float, *, end: str) -> None:
        done = sum(self._done.values())
        began_at, began_with = self._began = self._began or (at, done)
        rate = (done - began_with) / max(at - began_at, _PAUSE_OF_BAR)
        line = state(done, self._total, rate, columns=_columns())
        streams.note(line, end=" " * (self._width - len(line)) + end)
        self._drawn_at, self._width = at, len(line)


def state(done: int, total: int, rate: float, *, columns: int) -> str:
    """Word how much is done, of how many bytes, and at which rate, with a bar if it has room."""
    facts = f"{100 * done // total}% {done / 1e6:.1f} of {text.megabytes(total)}"
    if rate and done < total:
        facts += f", {text.megabytes(rate)}/s, {text.age((total - done) / rate)} left"
    width = min(30, columns - len("llmc: [] ") - len(facts) - 1)
    full = width * done // total
    return f"[{'#' * full}{'-' * (width - full)}] {facts}" if width > 4 else facts


def _columns() -> int:
    try:
        return os.get_terminal_size(2).columns
    except OSError:
        return 80
