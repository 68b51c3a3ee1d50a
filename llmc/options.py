"""Which options do several commands share? Their names, types and help texts, once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from llmc import text
from llmc.errors import InputError, LlmcError
from llmc.types import Selector

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "AskedModel",
    "Color",
    "Context",
    "Db",
    "DryRun",
    "EntryId",
    "EntryIds",
    "Error",
    "Exact",
    "File",
    "Json",
    "KeptApart",
    "Limit",
    "Match",
    "MaxTokens",
    "Model",
    "Namespace",
    "NoCache",
    "NoStdin",
    "Offline",
    "OlderThan",
    "Option",
    "Origin",
    "ProviderName",
    "Quiet",
    "Refresh",
    "Retries",
    "Schema",
    "Since",
    "System",
    "SystemFile",
    "Temperature",
    "Threshold",
    "Timeout",
    "Ttl",
    "Yes",
    "at_least",
    "duration",
    "require_known",
    "selector",
]


def at_least(least: int, *, most: int = 2**63 - 1) -> Callable[[Any], Any]:
    """Return a callback that refuses numbers below `least` and above `most`: what SQLite can hold.

    Not Typer's own range: it would print these bounds in the help of every number.
    """

    def check(value: Any) -> Any:
        for number in value if isinstance(value, list) else [value]:
            if number is not None and not least <= number <= most:
                reach = f"to {most}" if most < 2**63 - 1 else "up"
                raise typer.BadParameter(f"{number} is not a number from {least} {reach}")
        return value

    return check


Db: TypeAlias = Annotated[
    str | None,
    typer.Option("--db", metavar="PATH", help="The cache file.", rich_help_panel="Common"),
]
Color: TypeAlias = Annotated[
    Literal["auto", "always", "never"],
    typer.Option(
        "--color", metavar="WHEN", help="Colours: auto, always or never.", rich_help_panel="Common"
    ),
]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON.", rich_help_panel="Output")
]
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
        rich_help_panel="Entries",
    ),
]
Namespace: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--namespace", "-n", metavar="NAME", help="Only this namespace.", rich_help_panel="Entries"
    ),
]
Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="Only this model's answers.",
        rich_help_panel="Entries",
    ),
]
Origin: TypeAlias = Annotated[
    Literal["model", "put", "import", "shared"] | None,
    typer.Option(
        "--source",
        metavar="SOURCE",
        help="How it came in: model, put, import, shared.",
        rich_help_panel="Entries",
    ),
]
Since: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="AGE", help="Only the last 90s, 24h, 7d …", rich_help_panel="Entries"
    ),
]
OlderThan: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--older-than",
        metavar="AGE",
        help="Only what is older than that.",
        rich_help_panel="Entries",
    ),
]

#: What a question is made of, for the commands that take one.
AskedModel: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", metavar="MODEL", help="NAME or PROVIDER/NAME.", rich_help_panel="Question"
    ),
]
System: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--system", "-s", metavar="TEXT", help="The system prompt.", rich_help_panel="Question"
    ),
]
SystemFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--system-file",
        metavar="PATH",
        help="Read the system prompt from a file.",
        rich_help_panel="Question",
    ),
]
File: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--file",
        "-f",
        metavar="PATH",
        help="Stable material, placed first.",
        rich_help_panel="Question",
    ),
]
Context: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="TEXT",
        help="Changing material, placed after it.",
        rich_help_panel="Question",
    ),
]
Option: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        "-o",
        metavar="NAME=VALUE",
        help="Any parameter of the API.",
        rich_help_panel="Question",
    ),
]
Temperature: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--temperature",
        metavar="T",
        callback=at_least(0),
        help="Above 0: not cached.",
        rich_help_panel="Question",
    ),
]
MaxTokens: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--max-tokens",
        metavar="N",
        callback=at_least(1),
        help="Limit of the answer's tokens.",
        rich_help_panel="Question",
    ),
]
Schema: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="FILE|JSON",
        help="JSON schema that the answer follows.",
        rich_help_panel="Question",
    ),
]
Ttl: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--ttl", metavar="TIME", help="Life of a new answer: 24h, 7d …", rich_help_panel="Cache"
    ),
]
KeptApart: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        metavar="NAME",
        help="Keep answers apart from others'.",
        rich_help_panel="Cache",
    ),
]
Match: TypeAlias = Annotated[
    Literal["auto", "exact", "semantic"] | None,
    typer.Option(
        "--match",
        metavar="HOW",
        help="What may answer: exact, semantic (other words too) or auto (on a terminal).",
        rich_help_panel="Cache",
    ),
]
Exact: TypeAlias = Annotated[
    bool, typer.Option("--exact", help="Short for --match exact.", rich_help_panel="Cache")
]
Error: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--error",
        metavar="SHARE",
        help="Wrong among semantic hits: 5%, 10%, strict.",
        rich_help_panel="Cache",
    ),
]
Threshold: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        metavar="COSINE",
        help="Set the similarity itself: 0 to 1.",
        rich_help_panel="Cache",
    ),
]
NoStdin: TypeAlias = Annotated[
    bool, typer.Option("--no-stdin", help="Leave standard input alone.", rich_help_panel="Question")
]

Timeout: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--timeout", metavar="TIME", help="Wait no longer than this.", rich_help_panel="Provider"
    ),
]
Retries: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--retries", metavar="N", help="New tries after a failure.", rich_help_panel="Provider"
    ),
]
Refresh: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--refresh", help="Ask anew and overwrite the stored answer.", rich_help_panel="Cache"
    ),
]
NoCache: TypeAlias = Annotated[
    bool,
    typer.Option("--no-cache", help="Neither read nor write the cache.", rich_help_panel="Cache"),
]
Offline: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--offline",
        help="Answer from the cache alone; exit 3 if it cannot.",
        rich_help_panel="Cache",
    ),
]
ProviderName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--provider",
        metavar="NAME",
        help="Whom to ask; else the model's own.",
        rich_help_panel="Provider",
    ),
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="No line on stderr.", rich_help_panel="Output")
]

EntryId: TypeAlias = Annotated[
    int | None,
    typer.Argument(metavar="[ID]", help="An id of `llmc list`.", callback=at_least(1)),
]
EntryIds: TypeAlias = Annotated[
    list[int],
    typer.Argument(metavar="ID...", help="Ids of `llmc list`.", callback=at_least(1)),
]


def require_known(unknown: list[int]) -> None:
    """Raise LlmcError, once the others are done with, for ids that no entry has."""
    if unknown:
        raise LlmcError(
            f"no entry {', '.join(map(str, unknown))}", hint="llmc list shows what there is"
        )


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
