"""Who looks things up while the loop goes on? The cache, in threads of its own."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from llmc.parts import Parts
from llmc.types import Hit, Miss

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmc.cache import Cache
    from llmc.proxy.directives import Wish
    from llmc.types import Answer, Ask, Request

__all__ = ["Desk"]

T = TypeVar("T")

#: As many questions that are on their way are shared with other processes; each takes a thread.
_WAITING = 128


class Desk:
    """One cache for equal words, and a second for other words, which take a hundred times as long.

    Each has its own thread and its own open file: a connection that threads share would mix their
    transactions.
    """

    def __init__(self, exact: Cache, by_meaning: Callable[[], Cache]) -> None:
        """Take both; the second is opened when it is first needed."""
        self._exact = exact
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="llmc-exact")
        self._waiters = ThreadPoolExecutor(_WAITING, thread_name_prefix="llmc-wait")
        self._waiting = 0
        self._open = by_meaning
        self._meaning: Cache | None = None
        self._second = ThreadPoolExecutor(1, thread_name_prefix="llmc-meaning")

    async def lookup(self, request: Request, ask: Ask) -> Hit | Miss:
        """Look a request up, first among equal words."""
        exact = ask._replace(by_meaning=False)
        found = await self.run(lambda: self._exact.lookup(request, exact))
        if isinstance(found, Hit) or found.bypass or not ask.by_meaning:
            return found
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._second, self._by_meaning, request, ask)

    async def put(self, miss: Miss, answer: Answer, ask: Ask) -> Hit:
        """Store the answer to a miss."""
        return await self.run(lambda: self._exact.put(miss, answer, ask))

    async def parts(self, request: Request, wish: Wish, *, now: float) -> Parts:
        """Look up what is known of a request for vectors."""
        ask = wish.ask
        return await self.run(
            lambda: Parts(
                self._exact, request, ask, is_too_old=lambda hit: wish.is_too_old(hit, now)
            )
        )

    @property
    def may_wait(self) -> bool:
        """Whether one more question may wait for another process's answer."""
        return self._waiting < _WAITING

    async def share(self, miss: Miss, ask: Ask, lead: Callable[[], Hit]) -> Hit:
        """Return what `lead` returns, or the answer that another process has just asked for."""
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            share = functools.partial(self._exact.share, miss, ask, lead)
            return await loop.run_in_executor(self._waiters, share)
        finally:
            self._waiting -= 1

    async def count(self) -> None:
        """Write down what was counted and is held back."""
        await self.run(self._exact.flush)

    def record(self, hit: Hit) -> None:
        """Count an answer that has been given; nobody waits for it."""
        if hit.line is not None:
            self._thread.submit(self._exact.record, hit)

    def record_again(self, request: Request, ask: Ask) -> None:
        """Count an answer that was stored for another's question as a hit; nobody waits for it."""

        def find_and_record() -> None:
            found = self._exact.lookup(request, ask._replace(by_meaning=False))
            if isinstance(found, Hit):
                self._exact.record(found)

        self._thread.submit(find_and_record)

    async def run(self, work: Callable[[], T]) -> T:
        """Do something with the first cache, in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Wait for what is still to be written, and close both files."""
        self._waiters.shutdown(wait=False, cancel_futures=True)
        self._thread.submit(self._exact.close)
        self._thread.shutdown()
        if self._meaning is not None:
            self._second.submit(self._meaning.close)
        self._second.shutdown()

    def _by_meaning(self, request: Request, ask: Ask) -> Hit | Miss:
        if self._meaning is None:
            self._meaning = self._open()
        return self._meaning.lookup(request, ask)
