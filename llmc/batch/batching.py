"""In which order are the questions of a batch answered? Many at once, told in the order they came.

Hits are found where the rows are read, misses are asked in threads. What cannot be told yet lies in
a window, so that a million rows take no more memory than a thousand.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Self

from llmc import keys, marking, prefixes
from llmc.batch.workers import Workers
from llmc.errors import InputError, KeyRefused, LlmcError, NotCached
from llmc.text import usd
from llmc.types import Hit, Price

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llmc.batch.batchfile import Row
    from llmc.batch.budget import Budget
    from llmc.cache import Cache
    from llmc.types import Ask, Miss, Request

__all__ = ["BYTES", "WINDOW", "Batch", "Done"]

#: The rows that wait at most for those before them, and their bytes.
WINDOW = 1_000
BYTES = 64_000_000


class Done(NamedTuple):
    """What came of a row; `again` tells that a row before it had asked the same."""

    row: Row
    result: Hit | LlmcError
    again: bool = False


class _Slot:
    """A row in the window, and what comes of it."""

    __slots__ = ("estimate", "key", "result", "row", "same", "size")

    def __init__(self, row: Row, result: Hit | LlmcError | None = None) -> None:
        self.row = row
        self.result = result
        self.same: _Slot | None = None  # the row before it that asks the same
        self.key: bytes | None = None
        self.estimate = 0
        self.size = row.size + (len(result.entry.answer) if isinstance(result, Hit) else 0)

    @property
    def is_done(self) -> bool:
        """Whether it can be told."""
        return (self.same or self).result is not None


class Batch:
    """The questions of one file at work. Use it as a context manager.

    Leaving it waits for the requests that are under way, so that what is paid for is kept.
    """

    def __init__(
        self,
        cache: Cache,
        ask: Ask,
        *,
        jobs: int,
        budget: Budget,
        note: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the cache, how each question is to be answered, and how many are asked at once.

        `note` is told if leaving has to wait.
        """
        self._cache = cache
        self._ask = ask
        self._budget = budget
        self._note = note
        self._started_at = clock()
        self._window: deque[_Slot] = deque()
        self._size = 0
        self._asked: dict[bytes, _Slot] = {}
        self._landed: deque[_Slot] = deque()
        self._refused: KeyRefused | None = None
        self._workers = Workers(self._answer, jobs=jobs)
        self.wake, self._bell = os.pipe()
        os.set_blocking(self._bell, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and (count := self._workers.running):
            self._note(f"waiting for {count:,} under way; interrupt again to leave them")
        self._workers.stop()
        self._settle()
        os.close(self._bell)
        os.close(self.wake)

    def run(self, rows: Iterable[Row | None]) -> Iterator[Done]:
        """Yield what comes of each row, in their order.

        1. Each row is looked up; a hit, a fault or a question that is under way needs no asking.
        2. What the budget allows is asked; without one at once, as soon as a thread is free.
        3. Whatever stands first in the window and is done is told.

        `rows` may yield None where it has nothing for the moment; `wake` can be read then, once
        something is done. Raises KeyRefused, after which all would fail, ConfigError for a model
        whose price the budget does not know, and LlmcError where the budget ends.
        """
        source = iter(rows)
        waiting: _Slot | None = None
        more = True
        while True:
            yield from self._told()
            if waiting is not None:
                if self._admit(waiting):
                    waiting = None
                elif self._window or self._budget.reserved:
                    self._wait()  # a row can be told a moment before its cost is settled
                else:
                    raise self._exhausted(waiting)
            elif more and len(self._window) < WINDOW and self._size < BYTES:
                try:
                    row = next(source)
                except StopIteration:
                    more = False
                else:
                    waiting = None if row is None else self._looked_up(row)
            elif self._window:
                self._wait()
            else:
                return

    # -- the small print -------------------------------------------------------------------------

    def _looked_up(self, row: Row) -> _Slot:
        if row.request is None:
            return _Slot(row, InputError(row.fault or "it asks nothing"))
        try:
            found = self._find(row.request)
        except LlmcError as error:
            return _Slot(row, error)
        if isinstance(found, Hit) and self._may_serve(found):
            return _Slot(row, found)
        if self._ask.offline:
            return _Slot(row, NotCached("not in the cache (--offline)"))
        slot = _Slot(row)
        # What asks for variety, or for no cache, is asked each time.
        if isinstance(found, Hit) or not found.bypass:
            slot.key = keys.cache_key(row.request) if isinstance(found, Hit) else found.key
            slot.same = self._asked.get(slot.key)
        return slot

    def _find(self, request: Request) -> Hit | Miss:
        """Look a request up where that is quick; other words are looked for where it is asked."""
        by_meaning = self._ask.by_meaning and self._ask.offline
        return self._cache.lookup(request, self._ask._replace(refresh=False, by_meaning=by_meaning))

    def _may_serve(self, hit: Hit) -> bool:
        """Tell whether a stored answer will do: of a refresh, one that this batch has got."""
        return not self._ask.refresh or hit.entry.created_at >= self._started_at

    def _admit(self, slot: _Slot) -> bool:
        """Take a row into the window; False if there is no money for it now."""
        request = slot.row.request
        if request is not None and not slot.is_done and slot.same is None:
            slot.estimate = self._budget.estimate(request)
            if not self._budget.allows(slot.estimate):
                return False
            self._budget.reserve(slot.estimate)
            if slot.key is not None:
                self._asked[slot.key] = slot
            # Only a provider that says so reads for one request what another has written.
            keeps = marking.scheme_of(request.base_url, request.model) is not None
            self._workers.add(slot, group=prefixes.group_of(request) if keeps else None)
        self._window.append(slot)
        self._size += slot.size
        return True

    def _answer(self, slot: _Slot) -> bool:
        """Answer a row in a thread of its own; tell whether that went well."""
        assert slot.row.request is not None  # noqa: S101  (only such rows are asked)
        try:
            slot.result = self._cache.ask(slot.row.request, self._ask)
        except LlmcError as error:
            slot.result = error
            if isinstance(error, KeyRefused):
                self._workers.halt()  # the others would be refused too
        except Exception as error:  # noqa: BLE001  (whoever waits for the row would wait for ever)
            slot.result = LlmcError(f"unexpected {type(error).__name__}: {error}")
        self._landed.append(slot)
        with contextlib.suppress(OSError):  # it has been rung already, or nobody listens
            os.write(self._bell, b"!")
        return isinstance(slot.result, Hit)

    def _wait(self) -> None:
        select.select([self.wake], [], [])
        os.read(self.wake, 1 << 16)

    def _settle(self) -> None:
        while self._landed:
            slot = self._landed.popleft()
            assert slot.result is not None  # noqa: S101  (it has landed)
            self._budget.settle(slot.estimate, slot.result)
            if isinstance(slot.result, KeyRefused) and self._refused is None:
                self._refused = slot.result
                self._workers.stop()

    def _told(self) -> Iterator[Done]:
        self._settle()
        while self._window and self._window[0].is_done:
            slot = self._window.popleft()
            self._size -= slot.size
            if slot.key is not None and self._asked.get(slot.key) is slot:
                del self._asked[slot.key]
            done = self._outcome(slot)
            if isinstance(done.result, KeyRefused):
                raise done.result
            yield done
        if self._refused is not None:
            raise self._refused

    def _outcome(self, slot: _Slot) -> Done:
        if slot.same is None:
            assert slot.result is not None  # noqa: S101  (see is_done)
            return Done(slot.row, slot.result)
        result = slot.same.result
        assert result is not None  # noqa: S101  (likewise)
        if isinstance(result, Hit) and slot.row.request is not None:
            found = self._find(slot.row.request)
            if isinstance(found, Hit):
                return Done(slot.row, found, again=True)
            # It was not kept; it is not paid for again all the same.
            result = result._replace(price=Price(0), usage=None, line=None, latency=0.0)
        return Done(slot.row, result, again=True)

    def _exhausted(self, slot: _Slot) -> LlmcError:
        limit, spent = usd(self._budget.limit or 0), usd(self._budget.spent)
        return LlmcError(
            f"stopped before line {slot.row.number:,}: of {limit}, {spent} is spent, and this"
            f" question may cost {usd(slot.estimate)}",
            hint="a higher --max-cost goes on from there; --max-tokens lowers what one may cost",
        )
