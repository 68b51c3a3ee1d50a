"""Which answers are still to be counted? A hit's line in the ledger, its entry's uses.

Counting never fails: the answer is out, and a read-only or full file must not take it back.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING, Protocol

from llmc import drafting
from llmc.errors import CacheFileError

if TYPE_CHECKING:
    from llmc.lives import Lives
    from llmc.types import Alias, Hit, Invocation, Line

__all__ = ["PENDING", "Shelf", "Tally"]

#: What can wait: a hit, by its entry and its line alone.
_HITS = {"memory", "exact", "shared"}

#: As many hits are held back at most: 3 MB.
PENDING = 10_000


class Shelf(Protocol):
    """Where answers are counted; `Store` says what each method does. All raise CacheFileError."""

    def record(
        self, line: Line, invocation: Invocation | None = None, alias: Alias | None = None
    ) -> None: ...
    def record_all(self, lines: list[Line]) -> None: ...
    def be_patient(self) -> None: ...
    def remember(self, invocation: Invocation, entry_id: int) -> None: ...


class Tally:
    """Counts the answers of one cache: each at once, or many together.

    Hits of one entry within a moment are one line. Safe for threads.
    """

    def __init__(self, shelf: Shelf | None, lives: Lives, *, hold: float = 0.0) -> None:
        """Count in a file, if there is one; hold what can wait back for `hold` seconds at most."""
        self._shelf = shelf
        self._lives = lives
        self._hold = 0.0 if shelf is None else hold
        self._lock = threading.Lock()
        self._pending: deque[Line] = deque()
        self._timer: threading.Timer | None = None

    def record(self, hit: Hit, invocation: Invocation | None = None) -> None:
        """Count an answer that has been shown, and remember the command line that asked for it."""
        if self._shelf is None:
            return
        if not self._hold:  # a command, which ends with this
            self._shelf.be_patient()
        if hit.line is not None and hit.alias is None and invocation is None:
            self.count(hit.line)
            return
        try:
            invocation = invocation and self._lives.repeatable(invocation, hit.entry)
            if hit.line is not None:
                # The porch repeats exact hits alone.
                porch = invocation if hit.alias is None else None
                self._shelf.record(hit.line, porch, hit.alias)
            elif invocation is not None and hit.entry.id is not None:
                self._shelf.remember(invocation, hit.entry.id)
        except CacheFileError:
            return

    def count(self, line: Line) -> None:
        """Write one line of the ledger, at once or with others."""
        if not self._hold or line.source not in _HITS:
            if self._shelf is not None:
                with contextlib.suppress(CacheFileError):
                    self._shelf.record(line)
            return
        # No lock: where many threads hit, one that is put to sleep with it would stop all others.
        self._pending.append(line)
        if self._timer is None:
            with self._lock:
                if self._timer is None:
                    self._timer = threading.Timer(self._hold, self.flush)
                    self._timer.daemon = True
                    self._timer.start()
        if len(self._pending) >= PENDING:
            self.flush()

    def flush(self) -> None:
        """Write what was held back."""
        held: dict[object, list[Line]] = {}
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            for _ in range(len(self._pending)):
                line = self._pending.popleft()
                name = (line[6], line[1]) if line[6] else line[1:4]
                if (same := held.get(name)) is None:
                    held[name] = [line]
                else:
                    same.append(line)
        if held and self._shelf is not None:
            # The last line stands for all of them; their latencies are added up.
            lines = [
                drafting.times(each[-1], len(each), latency=sum(line.latency for line in each))
                for each in held.values()
            ]
            with contextlib.suppress(CacheFileError):
                self._shelf.record_all(lines)
