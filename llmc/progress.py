"""How far is a long piece of work? One line on a terminal that is written over again and again."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from llmc import streams, text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Progress"]

#: The seconds between two pictures of it.
_PAUSE = 0.25

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
