"""`llmc pin`: entries that stay, whatever the limits."""

from typing import Annotated

import typer

from llmc import config, output
from llmc.options import Color, Db, Json, at_least, require_known
from llmc.store import Store

__all__ = ["command"]


def command(
    entry_ids: Annotated[
        list[int] | None,
        typer.Argument(metavar="[ID]...", help="Ids of `llmc list`.", callback=at_least(1)),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the pins away again.")] = False,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Keep entries from eviction, the last answer by default.

    Pinned entries survive all limits, those of `prune` too, and an overwriting by `ask --refresh`
    keeps the pin. Their life ends when it would have ended without.
    """
    settings = config.load({"db": db})
    with Store(settings.db, create=False) as store:
        asked = list(dict.fromkeys(entry_ids or [store.wanted(None)[0]]))
        known = [entry_id for entry_id in asked if store.entry(entry_id) is not None]
        store.eviction.pin(known, pinned=not remove)
    unknown = [entry_id for entry_id in asked if entry_id not in known]
    verb = "unpinned" if remove else "pinned"
    if json:
        output.print_json({verb: known, "unknown": unknown})
    elif known:
        noun = "entry" if len(known) == 1 else "entries"
        output.print_text(f"{verb} {noun} {', '.join(map(str, known))}\n")
    require_known(unknown)
