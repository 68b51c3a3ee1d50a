"""`llmc show`: one stored answer in full."""

import json as jsonlib
from typing import Annotated

import typer

from llmc import config, output
from llmc.errors import LlmcError
from llmc.options import Color, Db, Json, at_least
from llmc.store import Store

__all__ = ["command"]


def command(
    entry_id: Annotated[
        int | None,
        typer.Argument(metavar="[ID]", help="An id of `llmc list`.", callback=at_least(1)),
    ] = None,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Show a stored answer in full, the last one by default.

    Prints what it was asked with, what it cost, how often it served, and its text.
    """
    settings = config.load({"db": db})
    with Store(settings.db, create=False) as store:
        wanted = store.ledger.last_entry_id() if entry_id is None else entry_id
        if not store.count():
            raise LlmcError("nothing is stored yet")
        if wanted is None:
            raise LlmcError("the last answer was not stored", hint="llmc list shows what is")
        entry = store.entry(wanted)
        if entry is None:
            raise LlmcError(f"no entry {wanted}", hint="llmc list shows what there is")
        frame, usage = store.frame(wanted)
    if json:
        extra = {"request": jsonlib.loads(frame), "usage": jsonlib.loads(usage) if usage else None}
        output.print_json(output.entry_json(entry) | extra)
    else:
        output.print_entry(entry, jsonlib.loads(frame))
