"""How is work done that nobody waits for? By a process of its own, which outlives this one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["start"]

#: Descriptors below this number are closed: a pipe that is held open keeps its reader waiting.
_DESCRIPTORS = 1 << 16


def start(work: Callable[[], None]) -> None:
    """Let a child do some work, and return at once; the child says nothing, and ends with it.

    It has a session of its own, so that neither Ctrl-C nor a closing terminal ends it. Call it with
    no file of SQLite's open: those must not be used on both sides. Where no child can be had the
    work is not done.
    """
    import signal

    # Where we lead the terminal's session, our end reaches a child that is still in it.
    sent = (signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in sent}
    try:
        child = os.fork()
    except OSError:  # too many processes
        child = -1
    if child:
        for number, handler in before.items():
            signal.signal(number, handler)
        return
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(null, stream)
        os.closerange(3, _DESCRIPTORS)
        work()
    finally:
        # The parent's locks, buffers and exit handlers are not ours.
        os._exit(0)
