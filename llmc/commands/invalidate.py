"""`llmc invalidate`: remove what matches a regular expression."""

import math
import time
from typing import Annotated, Literal, Self

import typer

from llmc import config, output, selection, streams, text, tiering
from llmc.options import Color, Db, DryRun, Json, Namespace, Yes
from llmc.store import Store

__all__ = ["command"]

#: Seconds before anything is shown of what takes long, and between two states of it.
_PATIENCE, _PACE = 0.5, 0.1


def command(
    pattern: Annotated[
        str, typer.Argument(metavar="REGEX", help="Searched for, case-sensitive unless (?i).")
    ],
    field: Annotated[
        Literal["prompt", "answer", "system", "model"],
        typer.Option("--field", metavar="FIELD", help="Where: prompt, answer, system or model."),
    ] = "prompt",
    namespace: Namespace = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",
) -> None:
    """Remove what matches a regular expression.

    Looks in the prompts of all namespaces unless told otherwise. --dry-run lists what would go.
    A question in other words that matches is forgotten; the answer that it was given stays.
    """
    expression = selection.compile_pattern(pattern)
    if not dry_run:
        output.require_consent(yes=yes)
    settings = config.load({"db": db})
    with (
        Store(settings.db, create=settings.shared is not None) as store,
        tiering.sharing(settings, store, note=streams.note),
    ):
        store.file.be_patient()
        with _Count(store) as count:
            texts = store.texts(field, namespace, holding=selection.held_by(pattern))
            doomed = selection.matching(expression, texts, told=count.show)
            wordings = store.paraphrases.wordings(namespace) if field == "prompt" else ()
            asked = selection.matching(expression, [selection.Listed(wordings)])
            reworded = set(asked).difference(doomed)
        if dry_run:
            entries = (entry for entry in map(store.entry, doomed) if entry is not None)
            colors = config.wants_color(color, terminal=streams.is_terminal(1))
            output.print_entries(entries, json=json, color=colors)
            _print_wordings(store, reworded, json=json)
            return
        if doomed:
            output.confirm(f"remove {text.plural(len(doomed), 'entry')}?", yes=yes)
        removed, forgotten = store.removal.forget(doomed, wordings_of=reworded)
        if removed or forgotten:
            output.scrubbed(store.file.scrub())
    report = {"removed": removed}
    line = f"removed {text.plural(removed, 'entry')}"
    if forgotten:
        report["wordings"] = forgotten
        line += f" and {text.plural(forgotten, 'wording')} of others"
    output.print_json(report) if json else output.print_text(line + "\n")


class _Count:
    """A line on a terminal that tells how many entries were looked at, where that takes long."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._next_at = time.monotonic() + _PATIENCE if streams.is_terminal(2) else math.inf
        self._total = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._total:
            streams.status("")

    def show(self, looked: int, found: int) -> None:
        """Draw the line anew, if it is time."""
        if time.monotonic() < self._next_at:
            return
        self._total = self._total or self._store.count()
        self._next_at = time.monotonic() + _PACE
        streams.status(f"llmc: looked at {looked:,} of {self._total:,} entries, {found:,} match")


def _print_wordings(store: Store, entry_ids: set[int], *, json: bool) -> None:
    """Show the wordings that would be forgotten of entries that stay."""
    for entry_id in sorted(entry_ids):
        for alias in store.paraphrases.of(entry_id):
            if json:
                output.print_json({"id": entry_id, "wording": alias.prompt}, flush=False)
            else:
                streams.note(f"entry {entry_id} stays, but not for {output.brief(alias, width=80)}")
