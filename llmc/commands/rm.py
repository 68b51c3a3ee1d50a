"""`llmc rm`: entries go, without a verdict on them."""

from llmc import config, output, streams, text, tiering
from llmc.options import Color, Db, DryRun, EntryIds, Json, Yes, require_known
from llmc.store import Store

__all__ = ["command"]


def command(
    entry_ids: EntryIds,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",
) -> None:
    """Remove entries by their ids.

    Without a verdict: the same question may be answered and stored anew; `llmc bad` rejects an
    answer for good. An id that is not there is told, and the others go all the same.
    """
    if not dry_run:
        output.require_consent(yes=yes)
    settings = config.load({"db": db})
    with Store(settings.db, create=False) as store:
        asked = list(dict.fromkeys(entry_ids))
        found = {entry_id: store.entry(entry_id) for entry_id in asked}
        doomed = {entry_id: entry for entry_id, entry in found.items() if entry is not None}
        unknown = [entry_id for entry_id in asked if entry_id not in doomed]
        if dry_run:
            colors = config.wants_color(color, terminal=streams.is_terminal(1))
            output.print_entries(doomed.values(), json=json, color=colors)
        else:
            if doomed:
                output.confirm(f"remove {text.plural(len(doomed), 'entry')}?", yes=yes)
            removed = store.delete(doomed)
            if removed:
                output.scrubbed(store.file.scrub())
                tiering.tell(settings, store, note=streams.note)
            if json:
                output.print_json({"removed": removed, "unknown": unknown})
            elif doomed:
                output.print_text(f"removed {text.plural(removed, 'entry')}\n")
    require_known(unknown)
