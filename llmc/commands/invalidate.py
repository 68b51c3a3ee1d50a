"""`llmc invalidate`: remove what matches a regular expression."""

from typing import Annotated, Literal

import typer

from llmc import config, output, selection, streams
from llmc.options import Color, Db, DryRun, Json, Namespace, Yes
from llmc.store import Store

__all__ = ["command"]


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
    with Store(settings.db, create=False) as store:
        texts = store.texts(field, namespace)
        doomed = selection.matching(expression, texts)
        if dry_run:
            entries = (entry for entry in map(store.entry, doomed) if entry is not None)
            colors = config.wants_color(color, terminal=streams.is_terminal(1))
            output.print_entries(entries, json=json, color=colors)
            return
        if doomed:
            output.confirm(f"remove {output.plural(len(doomed), 'entry')}?", yes=yes)
        removed = store.delete(doomed)
        # An answer stays under its own question when it has served a matching one.
        wordings = store.paraphrases.wordings(namespace) if field == "prompt" else ()
        forgotten = store.paraphrases.forget_of(set(selection.matching(expression, wordings)))
        if removed or forgotten:
            output.scrubbed(store.file.scrub())
    report = {"removed": removed}
    line = f"removed {output.plural(removed, 'entry')}"
    if forgotten:
        report["wordings"] = forgotten
        line += f" and {output.plural(forgotten, 'wording')} of others"
    output.print_json(report) if json else output.print_text(line + "\n")
