"""`llmc import`: the JSON lines of an export are taken in."""

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import IO, Annotated, NamedTuple

import typer

from llmc import config, exchange, lines, output, streams
from llmc.errors import InputError
from llmc.lines import Parcel
from llmc.options import Color, Db, DryRun, Json
from llmc.store import Store
from llmc.types import Rule, Verdict

__all__ = ["command"]

#: Lines that are taken in at once: other processes get the file between two of such parts.
_PART = 256


class _Line(NamedTuple):
    """A line by its number, and what it holds or why it is skipped."""

    number: int
    kept: Parcel | Verdict | Rule | None
    fault: str = ""


class _Undone(Exception):
    """Takes back what a dry run did."""


def command(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="JSON lines of llmc export; - is stdin.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Take in nothing if a line cannot be read.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Take in the JSON lines of an export.

    An answer that is stored already stays, unless the one that comes in is newer. A line that
    cannot be read is reported with its number and skipped.
    """
    settings = config.load({"db": db})
    counts = {"entries": 0, "verdicts": 0, "rules": 0, "known": 0, "skipped": 0}
    with _opened(file) as source, Store(settings.db) as store:
        found = _lines(source, _name(file), strict=strict)
        whole = store.transaction() if strict or dry_run else nullcontext()
        try:
            with whole:
                while part := list(itertools.islice(found, _PART)):
                    with nullcontext() if strict or dry_run else store.transaction():
                        _take(store, part, counts)
                if dry_run:
                    raise _Undone
        except _Undone:
            pass
    if json:
        output.print_json(counts)
        return
    would = "would take in" if dry_run else "took in"
    line = f"{would} {output.plural(counts['entries'], 'entry')}"
    for kind in ("verdict", "rule"):
        if count := counts[f"{kind}s"]:
            line += f" and {output.plural(count, kind)}"
    if counts["known"]:
        line += f"; {counts['known']:,} were there already"
    output.print_text(line + "\n")


def _take(store: Store, part: list[_Line], counts: dict[str, int]) -> None:
    for line in part:
        if line.kept is None:
            streams.note(f"line {line.number:,}: {line.fault}; skipped")
            counts["skipped"] += 1
        elif not exchange.take(store, line.kept):
            counts["known"] += 1
        else:
            kinds = {Verdict: "verdicts", Rule: "rules"}
            counts[kinds.get(type(line.kept), "entries")] += 1


def _lines(source: IO[bytes], name: str, *, strict: bool) -> Iterator[_Line]:
    """Read line by line, in constant memory. Raises InputError for a bad one if `strict`."""
    for number in itertools.count(1):
        try:
            raw = source.readline(streams.LIMIT + 1)
        except OSError as error:
            raise InputError(f"{name}: {(error.strerror or str(error)).lower()}") from error
        if not raw:
            return
        if len(raw) > streams.LIMIT:
            raise InputError(f"{name}, line {number:,}: it is larger than any answer")
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            if text:
                yield _Line(number, lines.read(text))
        except ValueError as error:
            fault = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            if strict:
                raise InputError(f"{name}, line {number:,}: {fault}") from None
            yield _Line(number, None, fault)


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    """Open a file, or standard input for `-`. Raises InputError."""
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        file = open(path, "rb")  # noqa: SIM115  (opening alone may fail so)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: {reason.lower()}") from error
    with file:
        yield file


def _name(path: str) -> str:
    return "standard input" if path == "-" else path
