"""Which options do several commands share? Their names, types and help texts, once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from llmc import text
from llmc.errors import InputError
from llmc.types import Selector

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Color",
    "Db",
    "DryRun",
    "Json",
    "Limit",
    "Model",
    "Namespace",
    "OlderThan",
    "Origin",
    "Since",
    "Yes",
    "at_least",
    "duration",
    "selector",
]


def at_least(least: int) -> Callable[[Any], Any]:
    """Return a callback that refuses numbers below `least`, and what SQLite could not hold.

    Not Typer's own range: it would print these bounds in the help of every number.
    """

    def check(value: Any) -> Any:
        if value is not None and not least <= value < 2**63:
            raise typer.BadParameter(f"{value} is not a number from {least} up")
        return value

    return check


Db: TypeAlias = Annotated[str | None, typer.Option("--db", metavar="PATH", help="The cache file.")]
Color: TypeAlias = Annotated[
    Literal["auto", "always", "never"],
    typer.Option("--color", metavar="WHEN", help="Colours: auto, always or never."),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before deleting.")]
Limit: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-l",
        metavar="N",
        callback=at_least(0),
        help="At most N entries (a terminal gets 20).",
    ),
]
Namespace: TypeAlias = Annotated[
    str | None, typer.Option("--namespace", "-n", metavar="NAME", help="Only this namespace.")
]
Model: TypeAlias = Annotated[
    str | None, typer.Option("--model", "-m", metavar="MODEL", help="Only this model's answers.")
]
Origin: TypeAlias = Annotated[
    Literal["model", "put", "import", "shared"] | None,
    typer.Option("--source", metavar="SOURCE", help="How it came in: model, put, import, shared."),
]
Since: TypeAlias = Annotated[
    str | None, typer.Option("--since", metavar="AGE", help="Only the last 90s, 24h, 7d …")
]
OlderThan: TypeAlias = Annotated[
    str | None, typer.Option("--older-than", metavar="AGE", help="Only what is older than that.")
]


def duration(flag: str, value: str | None) -> float | None:
    """Read a flag's duration in seconds. Raises InputError."""
    if value is None:
        return None
    try:
        return text.duration(value)
    except ValueError as error:
        raise InputError(f"{flag}: {error}") from None


def selector(
    *,
    namespace: str | None,
    model: str | None,
    source: str | None,
    since: str | None,
    older_than: str | None,
) -> Selector:
    """Make one selector of the flags that choose entries. Raises InputError."""
    now = time.time()
    newest, oldest = duration("--older-than", older_than), duration("--since", since)
    return Selector(
        namespace=namespace,
        model=model,
        source=source,
        since=None if oldest is None else now - oldest,
        before=None if newest is None else now - newest,
    )
