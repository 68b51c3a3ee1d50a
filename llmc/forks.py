"""What becomes of the open cache files in a forked child? They are let go of, not used.

SQLite counts its locks for a process: as long as it takes the parent's for the child's own, what
the child opens anew has none, and its log is removed under it.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

    import apsw

__all__ = ["watch_over"]

#: The connections of this process, each with the lock of those who use it.
_open: weakref.WeakKeyDictionary[apsw.Connection, threading.RLock] = weakref.WeakKeyDictionary()


def watch_over(connection: apsw.Connection, lock: threading.RLock) -> None:
    """Let a child that is forked from now on close a connection, as its own copy, first of all."""
    _open[connection] = lock


def _let_go() -> None:
    import apsw

    for connection, lock in list(_open.items()):
        # One that a thread of the parent's was just using cannot be closed.
        if lock.acquire(blocking=False):
            with contextlib.suppress(apsw.Error):
                # Nothing is written: no log is folded in, no transaction open.
                connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
                if not connection.in_transaction:
                    connection.close()
            lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
