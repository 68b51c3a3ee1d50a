"""Who asks the model, where many ask the same at once? One does; the others wait for its answer.

Threads and processes alike meet in a table of the cache file. It knows neither requests nor
answers: what the others were waiting for, they find in the cache.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from llmc import errors
from llmc.errors import CacheFileError, LlmcError, ProviderError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmc.file import File

__all__ = ["LEASE", "RENEWAL", "Flights"]

#: The seconds after which one who says nothing any more has crashed, and how often it speaks up.
LEASE = 5.0
RENEWAL = 1.0

#: The seconds between two looks of one who waits: at first, and at most.
_SHORT, _LONG = 0.01, 0.1

#: How long a failure is kept, in seconds, for those who asked before it and come to know it late.
_KEPT = 60.0

#: How many failures of this process are told to its threads in full.
_OWN = 100

#: What is said of another's failure.
_KINDS = {
    "KeyRefused": "no key, or the provider refuses it",
    "ProviderError": "the provider does not answer it",
    "Unavailable": "the provider cannot be reached",
}

_T = TypeVar("_T")


class _Flight(NamedTuple):
    """A question under way, or just ended: with a failure, or an answer that was not kept."""

    holder: bytes
    until: float
    ended_at: float | None
    failure: str | None


class Flights:
    """The questions that are being asked just now by those who share one cache file."""

    def __init__(
        self,
        file: File,
        *,
        patience: float,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the file; nobody waits longer than `patience` seconds for another's answer.

        `clock` is Unix time, `timer` any clock that never goes back.
        """
        self._file = file
        self._patience = patience
        self._clock, self._timer = clock, timer
        self._sleep = sleep
        self._held: set[bytes] = set()
        self._failures: dict[bytes, LlmcError] = {}
        self._renewer: threading.Thread | None = None
        self._lock = threading.Lock()  # of the three above
        self._closed = threading.Event()

    def close(self) -> None:
        """Renew nothing any more."""
        self._closed.set()

    def fly(
        self,
        namespace: str,
        key: bytes,
        *,
        asked_at: float,
        look: Callable[[], _T | None],
        ask: Callable[[], _T],
        is_kept: Callable[[_T], bool],
        patience: float | None = None,
    ) -> _T:
        """Return an answer that one asks for and all who asked meanwhile share.

        1. Whoever is first leads: it looks once more, then asks, and says when that has ended.
        2. The others wait. Then they `look`; where the answer was not kept they `ask` themselves,
           and the leader's failure is theirs too.
        3. A leader that crashed, or was interrupted, is followed by one of those who waited.

        A file that cannot be written to keeps nobody from asking. Raises what `ask` raises, the
        leader's LlmcError, and Unavailable once patience has ended.
        """
        patience = self._patience if patience is None else min(patience, self._patience)
        ends = self._timer() + patience
        while True:
            try:
                other, holder = self._board(namespace, key, asked_at=asked_at)
                if other is not None and other.ended_at is None:
                    other = self._landed(namespace, key, other, ends=ends)
            except CacheFileError:
                return ask()
            if holder is not None:
                return self._lead(holder, look=look, ask=ask, is_kept=is_kept)
            if other is not None and other.failure is not None:
                raise self._failures.get(other.holder) or _failure(other.failure)
            if other is not None:
                return ask()
            if (found := look()) is not None:
                return found

    # -- the small print -------------------------------------------------------------------------

    def _lead(
        self,
        holder: bytes,
        *,
        look: Callable[[], _T | None],
        ask: Callable[[], _T],
        is_kept: Callable[[_T], bool],
    ) -> _T:
        """Look and ask; whatever comes of it, nobody waits any longer."""
        try:
            found = look()
            if found is None:
                found = ask()
        except LlmcError as error:
            with self._lock:
                self._failures[holder] = error
                if len(self._failures) > _OWN:
                    del self._failures[next(iter(self._failures))]
            self._end(holder, failure=_told(error))
            raise
        except BaseException:
            self._end(holder)
            raise
        self._end(holder, unkept=not is_kept(found))
        return found

    def _board(
        self, namespace: str, key: bytes, *, asked_at: float
    ) -> tuple[_Flight | None, bytes | None]:
        """Return the flight that is to be shared, or the name under which we lead our own."""
        holder = os.urandom(16)
        with self._file.transaction():
            now = self._clock()
            found = self._flight(namespace, key)
            if found is not None and _concerns(found, now=now, asked_at=asked_at):
                return found, None
            self._file.execute(
                "DELETE FROM flight WHERE ended_at < ? OR until < ?", (now - _KEPT, now - _KEPT)
            )
            self._file.execute(
                "INSERT OR REPLACE INTO flight (namespace, key, holder, until) VALUES (?, ?, ?, ?)",
                (namespace, key, holder, now + LEASE),
            )
        self._hold(holder)
        return None, holder

    def _landed(
        self, namespace: str, key: bytes, awaited: _Flight, *, ends: float
    ) -> _Flight | None:
        """Wait for the end of a flight; return it as it ended, None if there is something to see.

        That is an answer, or a place to lead from. Raises Unavailable.
        """
        began, pause = self._timer(), _SHORT
        while True:
            self._sleep(pause)
            pause = min(_LONG, pause * 1.5)
            found = self._flight(namespace, key)
            if found is None or found.holder != awaited.holder or not _is_up(found, self._clock()):
                return None
            if found.ended_at is not None:
                return found
            if self._timer() >= ends:
                raise Unavailable(
                    f"the same question is being asked already, without an answer for"
                    f" {ends - began:.0f} s",
                    hint="see --timeout",
                )

    def _flight(self, namespace: str, key: bytes) -> _Flight | None:
        rows = self._file.rows(
            "SELECT holder, until, ended_at, failure FROM flight WHERE namespace = ? AND key = ?",
            (namespace, key),
        )
        return _Flight(*rows[0]) if rows else None

    def _end(self, holder: bytes, *, failure: str | None = None, unkept: bool = False) -> None:
        """Say that a flight has ended; a kept answer, or none at all, leaves no trace of it."""
        with self._lock:
            self._held.discard(holder)
        with contextlib.suppress(CacheFileError), self._file.transaction():
            if failure is None and not unkept:
                self._file.execute("DELETE FROM flight WHERE holder = ?", (holder,))
            else:
                self._file.execute(
                    "UPDATE flight SET ended_at = ?, failure = ? WHERE holder = ?",
                    (self._clock(), failure, holder),
                )

    def _hold(self, holder: bytes) -> None:
        """Keep a lease; one thread renews all of them, and ends when there are none."""
        with self._lock:
            self._held.add(holder)
            if self._renewer is None:
                self._renewer = threading.Thread(target=self._renew, daemon=True)
                self._renewer.start()

    def _renew(self) -> None:
        while not self._closed.wait(RENEWAL):
            with self._lock:
                held = tuple(self._held)
                if not held:
                    self._renewer = None
                    return
            with contextlib.suppress(CacheFileError), self._file.transaction():
                for holder in held:
                    self._file.execute(
                        "UPDATE flight SET until = ? WHERE holder = ?",
                        (self._clock() + LEASE, holder),
                    )


def _is_up(flight: _Flight, now: float) -> bool:
    """Tell whether a flight is under way."""
    # A lease that is too long: the clock was set back.
    return flight.ended_at is None and now < flight.until <= now + 2 * LEASE


def _concerns(flight: _Flight, *, now: float, asked_at: float) -> bool:
    """Tell whether a flight is for a question asked then: under way, or ended after that."""
    return _is_up(flight, now) or (
        flight.ended_at is not None and asked_at <= flight.ended_at <= now + LEASE
    )


def _told(error: LlmcError) -> str:
    """Write down what kind of failure it was, and none of its words."""
    # A server may repeat what was asked, or the key.
    status = error.status if isinstance(error, ProviderError) else None
    return json.dumps({"kind": type(error).__name__, "status": status, "hint": error.hint})


def _failure(told: str) -> LlmcError:
    """Make another's failure one of our own."""
    stated = json.loads(told)
    name, status = stated["kind"], stated["status"]
    what = _KINDS.get(name, "it failed") + (f" (status {status})" if status else "")
    message = f"another llmc has just asked the same: {what}"
    if name == "ParameterRefused":  # it takes what only its own request knows
        name = "ProviderError"
    error: LlmcError = getattr(errors, name, LlmcError)(message, hint=stated["hint"])
    if isinstance(error, ProviderError):
        error.status = status
    return error
