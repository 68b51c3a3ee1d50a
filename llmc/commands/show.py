"""`llmc show`: one stored answer in full."""

import json as jsonlib

from llmc import config, output
from llmc.options import Color, Db, EntryId, Json
from llmc.store import Store

__all__ = ["command"]


def command(
    entry_id: EntryId = None,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Show a stored answer in full, the last one by default.

    Prints what it was asked with, what it cost, how often it served, and its text; and the
    questions in other words that it answers too.
    """
    settings = config.load({"db": db})
    with Store(settings.db, create=False) as store:
        found, entry = store.wanted(entry_id)
        frame, usage = store.frame(found)
        wordings = store.paraphrases.of(found)
    if json:
        extra = {"request": jsonlib.loads(frame), "usage": jsonlib.loads(usage) if usage else None}
        if wordings:
            told = [{"prompt": w.prompt, "similarity": round(w.similarity, 6)} for w in wordings]
            extra["wordings"] = told
        output.print_json(output.entry_json(entry) | extra)
    else:
        output.print_entry(entry, jsonlib.loads(frame), wordings)
