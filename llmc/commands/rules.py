"""`llmc rules`: what is to be forgotten after a time, or on an event, is added, listed, removed."""

import time
from collections.abc import Callable
from typing import Annotated, Literal

import typer

from llmc import config, output, policy, streams
from llmc.errors import InputError
from llmc.options import Color, Db, Json, Namespace, at_least, duration
from llmc.store import Store
from llmc.text import age, plural, span
from llmc.types import Rule

__all__ = ["SUBCOMMANDS", "add", "list_rules", "remove"]

_COLUMNS = ("id", "event", "ttl", "field", "pattern", "namespace", "age")


def add(
    pattern: Annotated[
        str,
        typer.Option(
            "--pattern", metavar="REGEX", help="Searched for, case-sensitive unless (?i)."
        ),
    ],
    ttl: Annotated[
        str | None,
        typer.Option(
            "--ttl", metavar="TIME", help="The longest life: 1h, 7d …; 0: neither kept nor served."
        ),
    ] = None,
    event: Annotated[
        str | None,
        typer.Option("--event", metavar="NAME", help="Remove what matches on `llmc event NAME`."),
    ] = None,
    field: Annotated[
        Literal["prompt", "answer", "system", "model", "namespace"],
        typer.Option(
            "--field", metavar="FIELD", help="Where: prompt, answer, system, model, namespace."
        ),
    ] = "prompt",
    namespace: Namespace = None,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Add a rule: with --ttl on time, with --event on what happens.

    A time rule holds at once, for what is stored already too. A life is counted from the moment at
    which an answer was stored; of several ends the earliest counts, and no rule lengthens a life.
    In the pattern of an event `{name}` stands for what the event's --data says, to the letter.
    """
    if (ttl is None) == (event is None):
        raise InputError("a rule has one of --ttl and --event")
    seconds, now = duration("--ttl", ttl), time.time()
    with Store(config.load({"db": db}).db) as store:
        if seconds is not None:
            rule = store.rules.add_time_rule(
                pattern, seconds, field=field, namespace=namespace, at=now
            )
        else:
            rule = store.rules.add_event_rule(
                event or "", pattern, field=field, namespace=namespace, at=now
            )
    output.print_json(rule._asdict()) if json else output.print_text(f"{policy.told(rule)}\n")


def list_rules(json: Json = False, db: Db = None, color: Color = "auto") -> None:
    """List the rules in the order in which they were added."""
    with Store(config.load({"db": db}).db, create=False) as store:
        rules = store.rules.all()
    if json:
        for rule in rules:
            output.print_json(rule._asdict(), flush=False)
        return
    colors = config.wants_color(color, terminal=streams.is_terminal(1))
    rows, right = list(map(_row, rules)), ("id", "age")
    output.print_table(_COLUMNS, rows, color=colors, right=right, flexible="pattern")


def remove(
    ids: Annotated[
        list[int],
        typer.Argument(metavar="ID...", help="Ids of `llmc rules list`.", callback=at_least(1)),
    ],
    json: Json = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Remove rules.

    What was stored under one keeps the end that it was given.
    """
    with Store(config.load({"db": db}).db, create=False) as store:
        removed = store.rules.remove(ids)
        output.scrubbed(store.file.scrub())
    line = f"removed {plural(removed, 'rule')}\n"
    output.print_json({"removed": removed}) if json else output.print_text(line)


SUBCOMMANDS: dict[str, Callable[..., None]] = {"add": add, "list": list_rules, "remove": remove}


def _row(rule: Rule) -> tuple[str, ...]:
    return (
        str(rule.id),
        rule.event or "",
        "" if rule.ttl is None else span(rule.ttl),
        rule.field,
        rule.pattern,
        rule.namespace or "",
        age(time.time() - rule.created_at),
    )
