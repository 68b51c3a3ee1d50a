"""Who works when? A few threads, of which those that begin alike let one of them go first.

What that first one says is in the provider's own cache for the others, which cost less then.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Workers"]

_T = TypeVar("_T")

#: The seconds between two looks at what is under way, once nothing new begins.
_PAUSE = 0.02

#: How many groups are remembered whose first has been answered.
_WARM = 10_000


class Workers(Generic[_T]):
    """At most `jobs` threads that work off tasks in the order in which they were added."""

    def __init__(self, work: Callable[[_T], bool], *, jobs: int) -> None:
        """Take what is to be done with a task; it tells whether that went well, and never raises.

        No thread is started before it is needed.
        """
        self._work = work
        self._jobs = jobs
        self._queue: deque[tuple[_T, bytes | None]] = deque()
        self._aside: dict[bytes, deque[tuple[_T, bytes | None]]] = {}
        self._warm: dict[bytes, None] = {}
        self._lock = threading.Lock()
        self._added = threading.Condition(self._lock)
        self._threads = self._idle = self._running = 0
        self._halted = False

    @property
    def running(self) -> int:
        """How many tasks are being worked on."""
        return self._running

    def add(self, task: _T, *, group: bytes | None = None) -> None:
        """Add a task. Of one `group` the first goes alone until it has gone well."""
        with self._lock:
            self._queue.append((task, group))
            self._call(1)

    def halt(self) -> None:
        """Begin no task any more."""
        with self._lock:
            self._halted = True
            self._queue.clear()
            self._aside.clear()
            self._idle = 0
            self._added.notify_all()

    def stop(self) -> None:
        """Begin no task any more, and wait for those that were begun."""
        self.halt()
        # Not the condition: a second interrupt within its wait() may find its lock let go already.
        while self._running:
            time.sleep(_PAUSE)

    def _run(self) -> None:
        while (taken := self._next()) is not None:
            task, group = taken
            went_well = False
            try:
                went_well = self._work(task)
            finally:
                with self._lock:
                    self._running -= 1
                    self._release(group, went_well=went_well)

    def _next(self) -> tuple[_T, bytes | None] | None:
        """Wait for a task that may begin; None if none may any more."""
        with self._lock:
            while not self._halted:
                if (taken := self._take()) is not None:
                    self._running += 1
                    return taken
                self._idle += 1
                self._added.wait()
            return None

    def _take(self) -> tuple[_T, bytes | None] | None:
        """Return the next task that may begin; what has to wait for another is put aside."""
        while self._queue:
            task, group = self._queue.popleft()
            if group is None or group in self._warm:
                return task, group
            if group not in self._aside:
                self._aside[group] = deque()
                return task, group
            self._aside[group].append((task, group))
        return None

    def _release(self, group: bytes | None, *, went_well: bool) -> None:
        """Let those go that waited for the first of their group, or the next first one."""
        waiting = self._aside.pop(group, None) if group is not None else None
        if group is None or waiting is None:
            return
        if went_well:
            self._warm[group] = None
            if len(self._warm) > _WARM:
                del self._warm[next(iter(self._warm))]
        self._queue.extendleft(reversed(waiting))
        self._call(len(waiting))

    def _call(self, count: int) -> None:
        """Wake so many of those who have nothing to do, or start new ones."""
        for _ in range(count):
            if self._idle:
                self._idle -= 1
                self._added.notify()
            elif self._threads < self._jobs:
                self._threads += 1
                threading.Thread(target=self._run, daemon=True).start()
