"""A headless Chromium, told what to do by its DevTools protocol, through a pair of pipes."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run"
    " --disable-background-networking --disable-component-update --remote-debugging-pipe"
)

#: It reads and writes the protocol through the files 3 and 4.
_START = """
import fcntl, os, sys
for number, end in enumerate([fcntl.fcntl(int(n), fcntl.F_DUPFD, 20) for n in sys.argv[1:3]], 3):
    os.dup2(end, number)
os.execvp(sys.argv[3], sys.argv[3:])
"""

#: The seconds that anything may take.
_PATIENCE = 20.0


class Browser:
    """One tab; `events` are what it told of itself, in the protocol's words."""

    def __init__(self, program: str, folder: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self._number = 0
        self._session: dict[str, str] = {}
        self._rest = b""
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        ends = [str(theirs_in), str(theirs_out)]
        browser = [program, *_FLAGS.split(), f"--user-data-dir={folder}"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *ends, *browser],
            env=os.environ | {"HOME": str(folder)},
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        target = self.send("Target.createTarget", url="about:blank")
        attached = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command, and return its result."""
        self._number += 1
        told = {"id": self._number, "method": method, "params": parameters} | self._session
        os.write(self._out, json.dumps(told).encode() + b"\0")
        answer = self._take(lambda message: message.get("id") == self._number)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, url: str) -> None:
        """Open a page, and wait until it is there."""
        self.send("Page.navigate", url=url)
        self._loaded()

    def press(self, selector: str) -> None:
        """Press a button that leads to another page, and wait until that is there."""
        self.say(f"document.querySelector({json.dumps(selector)}).click()")
        self._loaded()

    def say(self, expression: str) -> Any:
        """Return the value of an expression."""
        return self.send("Runtime.evaluate", expression=expression, returnByValue=True)[
            "result"
        ].get("value")

    def told(self, *methods: str) -> list[dict[str, Any]]:
        """Return what events of these kinds told."""
        return [event["params"] for event in self.events if event["method"] in methods]

    def _loaded(self) -> None:
        self._take(lambda message: message.get("method") == "Page.loadEventFired")

    def _take(self, is_it: Any) -> dict[str, Any]:
        """Read until a message comes that is meant."""
        ends = time.monotonic() + _PATIENCE
        while True:
            whole, found, rest = self._rest.partition(b"\0")
            if found:
                self._rest = rest
                message: dict[str, Any] = json.loads(whole)
                if "method" in message:
                    self.events.append(message)
                if is_it(message):
                    return message
                continue
            ready, _, _ = select.select([self._in], [], [], max(0.0, ends - time.monotonic()))
            piece = os.read(self._in, 65536) if ready else b""
            assert piece, "the browser says nothing"
            self._rest += piece
