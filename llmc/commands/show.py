"""`llmc show`: one stored answer in full."""

import json as jsonlib

from llmc import config, output, policy, streams
from llmc.lives import Lives
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
        life = Lives(store.rules, note=streams.note).of(entry)
    if life.rule is not None and life.expires_at is not None:
        entry = entry._replace(expires_at=max(entry.created_at, life.expires_at))
    if json:
        extra = {"request": jsonlib.loads(frame), "usage": usage}
        extra["rule"] = life.rule and life.rule._asdict()
        if wordings:
            told = [{"prompt": w.prompt, "similarity": round(w.similarity, 6)} for w in wordings]
            extra["wordings"] = told
        output.print_json(output.entry_json(entry) | extra)
    else:
        rule = life.rule and policy.told(life.rule)
        output.print_entry(entry, jsonlib.loads(frame), wordings, rule=rule)
