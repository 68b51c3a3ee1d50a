"""`llmc doctor`: is everything sound, and what could be better?"""

from typing import Annotated

import typer

from llmc import config, output, places, streams
from llmc.errors import CacheFileError, ConfigError
from llmc.options import Color, Db, Json, Yes
from llmc.repair import checks
from llmc.repair.checks import Finding

__all__ = ["command"]

_COLUMNS = ("state", "part", "says")

#: What one cure brings to light another one may cure.
_ROUNDS = 3


def command(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    yes: Yes = False,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",
) -> None:
    """Check the file, the settings, the provider and the embedder.

    Exits with 0 if all is well or only a warning is due, with 1 if something is damaged. --repair
    makes anew what follows from the answers; of a file with damaged pages it saves what can be
    read into a new one, and keeps the old one beside it.
    """
    try:
        settings = config.load({"db": db})
    except ConfigError as error:
        findings = [Finding("damage", "configuration", str(error))]
    else:
        findings = [Finding("ok", "configuration", places.config_path(settings.environ))]
        findings += _file(settings, repair=repair, yes=yes)
        findings += checks.place(settings.db)
        findings.append(checks.reachable(settings))
        findings += checks.embedder(settings)
    rows = [finding.told for finding in findings]
    if json:
        output.print_json([dict(zip(_COLUMNS, row, strict=True)) for row in rows])
    else:
        colors = config.wants_color(color, terminal=streams.is_terminal(1))
        output.print_table(_COLUMNS, rows, color=colors, flexible="says", wrap=True)
    if any(finding.state == "damage" for finding in findings):
        raise typer.Exit(1)


def _file(settings: config.Settings, *, repair: bool, yes: bool) -> list[Finding]:
    """Look at the file; cure it, and look again, until nothing is left that can be cured."""
    done: list[Finding] = []
    findings = list(checks.file(settings))
    for _ in range(_ROUNDS if repair else 0):
        needed = checks.cures(findings)
        if not needed:
            break
        try:
            done += checks.cure(settings, needed, yes=yes)
        except CacheFileError as error:
            done.append(Finding("damage", "repair", str(error)))
            break
        findings = list(checks.file(settings))
    return [*done, *findings]
