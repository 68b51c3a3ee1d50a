"""Which cache has a program that stays open? One of its own in each forked child, until its end.

It knows neither caches nor questions: what is opened is handed in, with what closes it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Generic, TypeVar

from llmc.errors import CacheFileError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Standing"]

#: The seconds between two looks at whether the same file is still there.
PACE = 1.0

_T = TypeVar("_T")

#: How many forks lie between the first process and this one: quicker to ask than for its id.
_forks = 0


class Standing(Generic[_T]):
    """Something that stays open until `close`, or until the program ends. Safe for threads."""

    def __init__(
        self,
        open_it: Callable[[], _T],
        *,
        close: Callable[[_T], None],
        path: str,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open it. `close` must not refer to whoever holds this; `path` is the file it lies in."""
        self._open_it = open_it
        self._close_it = close
        self._path = path
        self._timer = timer
        self._lock = threading.Lock()
        self._is_closed = False
        self._open()

    def current(self) -> _T:
        """Return what is open: in a forked child, and once the file was replaced, another.

        Raises CacheFileError if it has been closed, or cannot be opened anew.
        """
        if self._forks != _forks:
            self._lock = threading.Lock()  # whoever held it is not in this child
            self._open()
        elif self._timer() >= self._look_at:
            self._look()
        if self._is_closed:
            raise CacheFileError(f"cache file {self._path}: it has been closed")
        return self._opened

    def close(self) -> None:
        """Close it; a second time does nothing."""
        self._is_closed = True
        self._finalizer()

    # -- the small print -------------------------------------------------------------------------

    def _open(self) -> None:
        self._opened = self._open_it()
        self._file = _identity(self._path)
        self._forks = _forks
        self._look_at = self._timer() + PACE
        self._finalizer = weakref.finalize(self, _close, self._close_it, self._opened, _forks)
        if "multiprocessing.util" in sys.modules:
            # Its children end by os._exit, after what is registered there.
            from multiprocessing.util import Finalize

            Finalize(self, self._finalizer, exitpriority=10)

    def _look(self) -> None:
        """Open another file that has taken this one's place; others may still be at the old one."""
        with self._lock:
            self._look_at = self._timer() + PACE
            if self._is_closed or _identity(self._path) == self._file:
                return
            left = self._finalizer
            try:
                self._open()
            except CacheFileError:
                return
            left.detach()


def _close(close: Callable[[_T], None], opened: _T, forks: int) -> None:
    # A forked child must leave its parent's alone.
    if forks == _forks:
        close(opened)


def _count_fork() -> None:
    global _forks  # noqa: PLW0603  (it is a matter of the process)
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
