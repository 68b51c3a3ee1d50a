"""A Redis server on loopback, for the tests of what machines share."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest


class Server:
    """A Redis of our own on a free port."""

    def __init__(self, folder: str, program: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._line = [program, "--port", str(self.port), "--save", "", "--dir", folder]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        import redis

        self._process = subprocess.Popen(self._line, stdout=subprocess.DEVNULL)
        self.client = redis.Redis(port=self.port)
        ends = time.monotonic() + 30
        while True:
            with contextlib.suppress(redis.RedisError):
                self.client.ping()
                return
            assert time.monotonic() < ends
            self._process.poll()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


def started(folder: str) -> Server:
    """Start one; skip the test where there is none to start."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("no redis-server here")
    pytest.importorskip("redis", reason="the package redis is not installed")
    return Server(folder, program)
