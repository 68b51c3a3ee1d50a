"""`llmc event`: something has happened, and what its rules find is forgotten."""

from typing import Annotated, Any

import typer

from llmc import config, forgetting, output, policy, streams, text, tiering
from llmc.errors import InputError, LlmcError
from llmc.forgetting import Done, Gone
from llmc.options import Color, Db, DryRun, Json, Yes
from llmc.store import Store

__all__ = ["command"]


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What has happened.")],
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="NAME=VALUE", help="Fills {NAME} in the rules' patterns."),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,  # noqa: ARG001  (an event never asks)
    json: Json = False,
    db: Db = None,
    color: Color = "auto",
) -> None:
    """Forget what the rules of an event find.

    It never asks. A value stands for itself, never for a pattern. A rule whose field is not given,
    or is empty, is skipped: the others are carried out, and the command fails (1).
    """
    values = _values(data or [])
    settings = config.load({"db": db})
    with (
        Store(settings.db, create=settings.shared is not None) as store,
        tiering.sharing(settings, store, note=streams.note),
    ):
        store.file.be_patient()
        gone = forgetting.on_event(store, name, values, dry_run=dry_run)
        if dry_run and gone.rules:
            entries = (entry for entry in map(store.entry, gone.entries) if entry is not None)
            colors = config.wants_color(color, terminal=streams.is_terminal(1))
            output.print_entries(entries, json=json, color=colors)
        elif gone.removed or gone.wordings:
            output.scrubbed(store.file.scrub())
    if not dry_run or not gone.rules:
        output.print_json(_report(gone)) if json else output.print_text(_told(gone))
    skipped = [f"rule {d.rule.id} was skipped: {d.skipped}" for d in gone.rules if d.skipped]
    if skipped:
        streams.write("")  # a failure would leave what is still waiting unsaid
        raise LlmcError("; ".join(skipped))


def _values(data: list[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for each in data:
        name, equals, value = each.partition("=")
        if not equals or not name.isidentifier():
            raise InputError(f"--data: {each!r} is not NAME=VALUE")
        if name in values:
            raise InputError(f"--data: {name} is given twice")
        values[name] = value
    return values


def _report(gone: Gone) -> dict[str, Any]:
    rules = [
        {
            "id": done.rule.id,
            "entries": len(done.entries),
            "wordings": len(done.wordings),
            "skipped": done.skipped,
        }
        for done in gone.rules
    ]
    return gone._asdict() | {"rules": rules}


def _told(gone: Gone) -> str:
    """Word a report for a person. A rule is shown as it was written, not as it was filled."""
    if not gone.rules:
        return f"no rule for {text.one_line(gone.event)}\n"
    lines = [
        f"{policy.named(done.rule)}: {'skipped' if done.skipped else _found(done)}"
        for done in gone.rules
    ]
    last = f"removed {text.plural(gone.removed, 'entry')}"
    if gone.wordings:
        last += f" and {text.plural(gone.wordings, 'wording')} of others"
    return "\n".join([*lines, last]) + "\n"


def _found(done: Done) -> str:
    return text.plural(len(done.entries), "entry")
