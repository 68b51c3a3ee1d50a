"""How do several clients get one answer as it arrives? What came is kept until the last has it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Hashable

    from llmc.dialects.wire import Shape
    from llmc.proxy.refusal import Refused
    from llmc.types import Hit

__all__ = ["Relay", "Relays"]


class Relay:
    """One answer of the provider on its way: its head, its pieces, and what came of it."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.key: Hashable = None  # by which others find it
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.hit: Hit | None = None
        self.refused: Refused | None = None  # no answer came
        self.replayed = False  # it was stored already: no piece of it came
        self.is_broken = False
        self.has_ended = False
        self._pieces: list[bytes] = []
        self._turn = asyncio.Event()

    def begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Tell the head of the answer."""
        self.status, self.headers = status, headers
        self._tell()

    def add(self, piece: bytes) -> None:
        """Pass on the next piece of its body."""
        self._pieces.append(piece)
        self._tell()

    def end(self) -> None:
        """Tell that nothing more comes."""
        self.has_ended = True
        self._tell()

    def fail(self, refused: Refused) -> None:
        """Tell that the answer broke off, or that none came."""
        self.is_broken = self.status != 0
        self.refused = refused
        self.end()

    async def head(self) -> None:
        """Wait until the answer has begun, or cannot come any more."""
        while not self.status and not self.has_ended:
            await self._turn.wait()

    async def ended(self) -> None:
        """Wait until nothing more comes, or what came was whole."""
        while not self.has_ended and self.hit is None:
            await self._turn.wait()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body from its beginning, as it arrives."""
        at = 0
        while True:
            if at < len(self._pieces):
                piece = b"".join(self._pieces[at:])
                at = len(self._pieces)
                yield piece
            elif self.has_ended:
                return
            else:
                await self._turn.wait()

    def _tell(self) -> None:
        self._turn.set()
        self._turn = asyncio.Event()


class Relays:
    """The answers that are on their way, by their questions.

    Each is read by a task of its own, so that a client that leaves takes nothing from the others.
    Once the last has left, the answer has `grace` seconds to come to its end and be stored, or to
    be joined again; then its call is cancelled.
    """

    def __init__(self, *, grace: float) -> None:
        self._grace = grace
        self._open: dict[Hashable, Relay] = {}
        self._tasks: dict[Relay, asyncio.Task[None]] = {}
        self._readers: dict[Relay, int] = {}
        self._timers: dict[Relay, asyncio.TimerHandle] = {}
        self.landed = 0  # how many have come to their end

    def __len__(self) -> int:
        return len(self._tasks)

    def find(self, key: Hashable) -> Relay | None:
        """Return the answer to a question, if it is on its way."""
        return self._open.get(key)

    def start(
        self, key: Hashable, relay: Relay, read: Callable[[Relay], Coroutine[Any, Any, None]]
    ) -> None:
        """Begin to read an answer; None as its key keeps it to the one who asked."""
        relay.key = key
        if key is not None:
            self._open[key] = relay
        task = asyncio.get_running_loop().create_task(read(relay))
        self._tasks[relay] = task
        task.add_done_callback(lambda _: self._land(relay))

    def join(self, relay: Relay) -> None:
        """Count one more who reads it."""
        self._readers[relay] = self._readers.get(relay, 0) + 1
        if timer := self._timers.pop(relay, None):
            timer.cancel()

    def leave(self, relay: Relay) -> None:
        """Count one less; see `grace`."""
        self._readers[relay] -= 1
        if self._readers[relay]:
            return
        del self._readers[relay]
        if task := self._tasks.get(relay):
            loop = asyncio.get_running_loop()
            self._timers[relay] = loop.call_later(self._grace, self._cancel, relay, task)

    async def close(self) -> None:
        """Stop all of them."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _cancel(self, relay: Relay, task: asyncio.Task[None]) -> None:
        self._hide(relay)  # whoever asks while it comes to its end asks anew
        task.cancel()

    def _hide(self, relay: Relay) -> None:
        if self._open.get(relay.key) is relay:
            del self._open[relay.key]

    def _land(self, relay: Relay) -> None:
        self.landed += 1
        self._hide(relay)
        self._tasks.pop(relay, None)
        if timer := self._timers.pop(relay, None):
            timer.cancel()
        if not relay.has_ended:
            relay.end()
