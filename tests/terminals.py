"""A program on a pseudo-terminal, for the tests that need somebody to read and type."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from typing import Self

#: How long anything here may take, in seconds. Nothing waits this long unless it fails.
DEADLINE = 20.0


def eventually(condition: Callable[[], object], *, deadline: float = DEADLINE) -> bool:
    """Poll until a condition holds; tell whether it did within the deadline."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


class Terminal:
    """A command that leads a session on a terminal of its own, 100 columns wide."""

    def __init__(self, *command: str, env: dict[str, str] | None = None) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self.shown = b""
        # A session's leader gets the first terminal that it opens: ^C then reaches its processes.
        name = os.ttyname(theirs)
        self.process = subprocess.Popen(
            ["sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', name, *command],
            env=env,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._theirs = theirs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._theirs)
        os.close(self._ours)

    def press(self, keys: str) -> None:
        """Type something."""
        os.write(self._ours, keys.encode())

    def reads(self, text: str) -> bool:
        """Wait until a text is on the screen; tell whether it came."""
        return eventually(lambda: self._look() or text.encode() in self.shown)

    def rest(self) -> str:
        """Wait for the end and return all that was shown, carriage returns left out."""
        assert eventually(lambda: self._look() or self.process.poll() is not None), self.shown
        self._look()
        return self.shown.decode().replace("\r\n", "\n")

    def _look(self) -> bool:
        """Take in what is there."""
        with contextlib.suppress(OSError):
            while select.select([self._ours], [], [], 0)[0]:
                self.shown += os.read(self._ours, 1 << 16)
        return False
