"""A proxy of this test's own: the real server on a free port of loopback, in a thread."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx2

from llmc import config
from llmc.proxy import gate, listening, wiring
from llmc.proxy.tally import Tally
from llmc.store import Store

QUESTION = {"model": "m", "messages": [{"role": "user", "content": "why?"}]}


class Running(NamedTuple):
    """A proxy that answers; `missed` are the requests that the cache alone could not answer."""

    url: str
    http: httpx2.Client
    tally: Tally
    missed: list[Any]

    def ask(self, body: Any = None, *, to: str = "/chat/completions", **headers: str) -> Any:
        """Post a request; underscores in the names of headers are dashes."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body or QUESTION).encode()
        return self.http.post(self.url + to, content=content, headers=told)


@contextmanager
def running(
    *,
    tokens: str = "",
    host: str = "127.0.0.1",
    offline: bool = False,
    grace: float = 5.0,
    **settings: Any,
) -> Iterator[Running]:
    """Serve until the block ends."""
    loaded = config.load(settings)
    missed: list[Any] = []
    wired = wiring.wire(
        loaded,
        lambda: Store(loaded.db),
        endpoint=wiring.provider_of(loaded),
        tokens=gate.tokens_of(tokens),
        host=host,
        offline=offline,
        grace=grace,
        note=lambda _: None,
        on_missed=missed.append,
    )
    try:
        with (
            listening.Background(wired.app, listening.bound("127.0.0.1", 0)) as url,
            httpx2.Client(timeout=30, verify=False) as http,
        ):
            yield Running(url, http, wired.tally, missed)
    finally:
        wired.desk.close()


def until(is_so: Callable[[], Any]) -> None:
    """Wait for something that is about to happen."""
    deadline = threading.Event()
    for _ in range(2000):
        if is_so():
            return
        deadline.wait(0.005)
    raise AssertionError("it did not happen")
