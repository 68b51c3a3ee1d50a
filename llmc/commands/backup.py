"""`llmc backup`: a copy of the live cache file."""

from typing import Annotated

import typer

from llmc import config, output, text
from llmc.options import Color, Db, Json
from llmc.transfer import copies

__all__ = ["command"]


def command(
    path: Annotated[str, typer.Argument(metavar="PATH", help="Where the copy goes.")],
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite the file that stands there.")
    ] = False,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Copy the cache file safely while it is in use.

    The copy is whole and of one moment, whoever writes meanwhile; --db opens it. What cannot be
    copied to its end leaves nothing behind.
    """
    settings = config.load({"db": db})
    size = copies.backup(settings.db, path, force=force)
    if json:
        output.print_json({"path": path, "bytes": size})
    else:
        output.print_text(f"copied {text.megabytes(size)} to {text.one_line(path)}\n")
