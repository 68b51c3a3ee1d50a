"""`llmc import`: an export, another cache or llm's log is taken in."""

import itertools
from collections import Counter
from contextlib import nullcontext
from typing import Annotated, Literal

import typer

from llmc import config, output, streams, text
from llmc.errors import InputError
from llmc.options import Color, Db, DryRun, Json
from llmc.request import require_at_most_one
from llmc.store import Store
from llmc.transfer import arrivals, exchange
from llmc.transfer.arrivals import Arrival
from llmc.types import Rule, Verdict

__all__ = ["command"]

#: What is taken in at once: other processes get the file between two of such parts.
_PART = 256

_KINDS = {Verdict: "verdicts", Rule: "rules"}


class _Undone(Exception):
    """Takes back what a dry run did."""


def command(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]", help="JSON lines of llmc export (- is stdin), or a cache file."
        ),
    ] = None,
    origin: Annotated[
        Literal["llm"] | None,
        typer.Option("--from", metavar="PROGRAM", help="llm: FILE is its log, by default its own."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Take in nothing if a line cannot be read.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Take in an export, another cache file or llm's log.

    An answer that is stored already stays, unless the one that comes in is newer. A line that
    cannot be read is reported with its number and skipped. Of llm's log those responses come in
    that llmc would have asked for in the same words: single turns, text alone, ended by themselves.
    """
    require_at_most_one({"--from": origin is not None, "--strict": strict})
    if file is None and origin is None:
        raise InputError("name a file: JSON lines of llmc export, or a cache file")
    settings = config.load({"db": db})
    counts = dict.fromkeys(("entries", "verdicts", "rules", "known", "skipped"), 0)
    reasons: Counter[str] = Counter()
    source = (
        arrivals.from_log(file, settings)
        if origin
        else arrivals.from_file(file or "", settings, strict=strict)
    )
    with source as found, Store(settings.db, limits=settings.limits) as store:
        store.file.be_patient()
        whole = store.transaction() if strict or dry_run else nullcontext()
        try:
            with whole:
                while part := list(itertools.islice(found, _PART)):
                    with nullcontext() if strict or dry_run else store.transaction():
                        _take(store, part, counts, reasons)
                if dry_run:
                    raise _Undone
        except _Undone:
            pass
    for reason, count in reasons.most_common():
        streams.note(f"skipped {count:,}: {reason}")
    report = {**counts, "reasons": dict(reasons)} if origin else counts
    output.print_json(report) if json else output.print_text(_told(counts, dry_run=dry_run))


def _take(store: Store, part: list[Arrival], counts: dict[str, int], reasons: Counter[str]) -> None:
    for each in part:
        if each.kept is not None:
            is_new = exchange.take(store, each.kept)
            counts[_KINDS.get(type(each.kept), "entries") if is_new else "known"] += 1
            continue
        counts["skipped"] += 1
        if each.line is None:
            reasons[each.fault] += 1
        else:
            streams.note(f"line {each.line:,}: {each.fault}; skipped")


def _told(counts: dict[str, int], *, dry_run: bool) -> str:
    line = "would take in" if dry_run else "took in"
    line += f" {text.plural(counts['entries'], 'entry')}"
    for kind in ("verdict", "rule"):
        if count := counts[f"{kind}s"]:
            line += f" and {text.plural(count, kind)}"
    if counts["known"]:
        line += f"; {counts['known']:,} were there already"
    return line + "\n"
