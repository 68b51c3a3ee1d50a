"""What comes in: the lines of an export, another cache file, or llm's log?

Each is read piece by piece and left as it is; whether a piece is taken in is `exchange`'s business.
"""

from __future__ import annotations

import itertools
import os
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, NamedTuple

from llmc import places, streams
from llmc.errors import InputError, reason_of
from llmc.repair import pages
from llmc.transfer import copies, exchange, lines, logs
from llmc.types import Selector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmc.config import Settings
    from llmc.store import Store
    from llmc.transfer.lines import Parcel
    from llmc.types import Rule, Verdict

__all__ = ["Arrival", "from_file", "from_log"]

#: The most bytes of a line: a request of several files, each as large as one may be, and JSON makes
#: up to six of a byte.
_LONGEST = 25 * streams.LIMIT


class Arrival(NamedTuple):
    """What comes in, or why it is skipped; `line` is its number where it is a line."""

    kept: Parcel | Verdict | Rule | None
    fault: str = ""
    line: int | None = None


@contextmanager
def from_file(path: str, settings: Settings, *, strict: bool) -> Iterator[Iterator[Arrival]]:
    """Read the lines of an export (`-`: from standard input), or another cache file.

    Raises InputError for what cannot be read, for a bad line too if `strict`.
    """
    name = "standard input" if path == "-" else path
    with _opened(path) as source:
        if not source.peek(1).startswith(pages.MAGIC):  # type: ignore[attr-defined]
            yield _lines(source, name, strict=strict)
            return
    if path == "-":
        raise InputError("a cache file cannot be piped in: name it")
    folder = os.path.dirname(os.path.abspath(settings.db))
    while not os.path.isdir(folder):  # a first import: the cache is made after it was read
        folder = os.path.dirname(folder)
    with copies.opened(path, folder=folder) as other:
        yield _all_of(other)


@contextmanager
def from_log(path: str | None, settings: Settings) -> Iterator[Iterator[Arrival]]:
    """Read the log of simonw/llm, without a `path` where llm keeps it. Raises InputError."""
    with logs.opened(path or places.llm_logs_path(settings.environ)) as log:
        yield (_arrival(logs.parcel_of(each, settings)) for each in logs.logged(log))


def _arrival(found: Parcel | str) -> Arrival:
    return Arrival(None, found) if isinstance(found, str) else Arrival(found)


def _all_of(store: Store) -> Iterator[Arrival]:
    pieces: tuple[Iterable[Parcel | Verdict | Rule], ...] = (
        exchange.parcels(store, Selector()),
        exchange.verdicts(store, None),
        exchange.rules(store, None),
    )
    yield from map(Arrival, itertools.chain.from_iterable(pieces))


def _lines(source: IO[bytes], name: str, *, strict: bool) -> Iterator[Arrival]:
    """Read line by line, in constant memory. Raises InputError for a bad one if `strict`."""
    for number in itertools.count(1):
        try:
            raw = source.readline(_LONGEST + 1)
        except OSError as error:
            raise InputError(f"{name}: {reason_of(error)}") from error
        if not raw:
            return
        if len(raw) > _LONGEST:
            raise InputError(f"{name}, line {number:,}: it is larger than any answer")
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            if text:
                yield Arrival(lines.read(text), line=number)
        except ValueError as error:
            fault = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            if strict:
                raise InputError(f"{name}, line {number:,}: {fault}") from None
            yield Arrival(None, fault, number)


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    """Open a file, or standard input for `-`. Raises InputError."""
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        file = open(path, "rb")  # noqa: SIM115  (opening alone may fail so)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {reason_of(error)}") from error
    with file:
        yield file
