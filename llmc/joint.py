"""Who waits for the same answer in one event loop? All of them for one task, which no one owns.

It knows neither questions nor caches. What waits for other processes does so in a thread.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable
    from typing import Any

__all__ = ["Joint", "in_thread", "is_looping"]

_T = TypeVar("_T")
_R = TypeVar("_R")


class _Work(Generic[_T]):
    """A task, and how many wait for it."""

    def __init__(self, task: asyncio.Task[_T]) -> None:
        self.task = task
        self.waiting = 0


class Joint(Generic[_T]):
    """The answers that are being fetched, by loop and name."""

    def __init__(self) -> None:
        self._open: dict[Hashable, _Work[_T]] = {}

    def __len__(self) -> int:
        return len(self._open)

    async def share(
        self, name: Hashable, make: Callable[[], Coroutine[Any, Any, _T]]
    ) -> tuple[bool, _T]:
        """Return what `make` returns, and whether it was called for this caller.

        Whoever is cancelled leaves the others their answer; once the last has left, the task is
        cancelled. What it raises, all of them raise.
        """
        loop = asyncio.get_running_loop()
        mine = (work := self._open.get((loop, name))) is None
        if work is None:
            work = self._open[loop, name] = _Work(loop.create_task(make()))
            work.task.add_done_callback(lambda _: self._open.pop((loop, name), None))
        work.waiting += 1
        try:
            return mine, await asyncio.shield(work.task)
        finally:
            work.waiting -= 1
            if not work.waiting:
                self._open.pop((loop, name), None)
                work.task.cancel()


async def in_thread(
    work: Callable[[Callable[[], _T]], _R], make: Callable[[], Coroutine[Any, Any, _T]]
) -> _R:
    """Run `work` in a thread of its own; what it is given runs `make` in this loop, and waits.

    The end of a program does not wait for such a thread.
    """
    loop = asyncio.get_running_loop()
    ended: concurrent.futures.Future[_R] = concurrent.futures.Future()
    made: list[concurrent.futures.Future[_T]] = []
    left = threading.Event()

    def made_here() -> _T:
        if left.is_set():
            raise asyncio.CancelledError
        made.append(asyncio.run_coroutine_threadsafe(make(), loop))
        if left.is_set():  # meanwhile
            made[0].cancel()
        return made[0].result()

    def run() -> None:
        ended.set_running_or_notify_cancel()
        try:
            ended.set_result(work(made_here))
        except BaseException as error:  # noqa: BLE001  (whoever waits would wait for ever)
            ended.set_exception(error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), daemon=True).start()
    try:
        return await asyncio.wrap_future(ended)
    except asyncio.CancelledError:
        left.set()
        for each in made:
            each.cancel()
        raise


def is_looping() -> bool:
    """Tell whether this is a task of asyncio's: others have loops of their own."""
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False
