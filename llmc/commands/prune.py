"""`llmc prune`: remove expired entries, old ones, or the least valuable."""

import itertools
import time
from typing import Annotated

import typer

from llmc import config, forgetting, output, shrinking, streams
from llmc import text as texts
from llmc.errors import InputError
from llmc.options import Color, Db, DryRun, Json, Yes, at_least, duration
from llmc.progress import Progress
from llmc.store import Store

__all__ = ["command"]

#: Lines of the ledger that are folded at once.
_PART = 10_000


def command(
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="Remove what is older: 90d …")
    ] = None,
    max_entries: Annotated[
        int | None,
        typer.Option(
            "--max-entries", metavar="N", callback=at_least(0), help="Keep N, the most valuable."
        ),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(
            "--max-size",
            metavar="SIZE",
            help="Keep the most valuable, in a file of this size: 200M, 2G …",
        ),
    ] = None,
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="Give the space back to the file system.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Remove expired entries, old ones, or the least valuable.

    Without options only expired entries go, unasked. Pinned ones stay until they expire. Which are
    the least valuable is decided as where the cache is full (`evict` in the configuration).
    """
    age = duration("--older-than", older_than)
    size = _size(max_size)
    settings = config.load({"db": db})
    now = time.time()
    asks = not dry_run and (older_than or max_entries is not None or max_size)
    if asks:
        output.require_consent(yes=yes)
    with Store(settings.db, create=False, limits=settings.limits) as store:
        store.file.be_patient()
        doomed = set(store.eviction.expired(now)) | forgetting.ended(
            store, now=now, note=streams.note
        )
        expired = len(doomed)
        if age is not None:
            doomed.update(store.eviction.older_than(now - age))
        if over := _over(store, doomed, max_entries):
            order = (entry_id for entry_id in store.eviction.order() if entry_id not in doomed)
            doomed.update(itertools.islice(order, over))
        if size is not None:
            doomed = shrinking.fitting(store, size, doomed)
        if asks and len(doomed) > expired:
            output.confirm(f"remove {texts.plural(len(doomed), 'entry')}?", yes=yes)
        removed = len(doomed) if dry_run else _remove(store, doomed, size=size)
        if not dry_run:
            _fold(store, now=now)
        if not dry_run and removed:
            output.scrubbed(store.file.scrub())
        if vacuum and not dry_run:
            output.scrubbed(store.removal.vacuum())
        report = {"removed": removed, "expired": expired, "dry_run": dry_run, "left": store.count()}
    verb = "would remove" if dry_run else "removed"
    line = f"{verb} {texts.plural(removed, 'entry')} ({expired} expired)\n"
    output.print_json(report) if json else output.print_text(line)


def _remove(store: Store, doomed: set[int], *, size: int | None) -> int:
    progress = Progress(shown=streams.is_terminal(2))

    def told(gone: int, of: int) -> None:
        progress.draw(lambda: f"removed {gone:,} of {of:,} entries", share=gone / of)

    try:
        return shrinking.remove(store, doomed, size=size, told=told)
    finally:
        progress.clear()


def _fold(store: Store, *, now: float) -> None:
    """Make sums of the ledger's old lines, by parts: others may write between two of them."""
    while True:
        with store.transaction():
            if not store.ledger.fold(now=now, most=_PART):
                return


def _over(store: Store, doomed: set[int], most: int | None) -> int:
    """Return how many entries there are too many, those left out that are doomed already."""
    return 0 if most is None else max(0, store.count() - len(doomed) - most)


def _size(value: str | None) -> int | None:
    if value is None:
        return None
    try:
        return texts.size(value)
    except ValueError as error:
        raise InputError(f"--max-size: {error}") from None
