"""`llmc completion`: the completion script of a shell, as it was made with this release."""

import os
from typing import Annotated, Literal

import typer

from llmc import streams
from llmc.errors import LlmcError
from llmc.options import Color, Db

__all__ = ["command"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

#: In an installed package beside its modules, in a checkout beside the package.
_FOLDERS = (os.path.join(_PACKAGE, "completions"), os.path.join(_PACKAGE, "..", "completions"))

_FILES = {"bash": "llmc.bash", "fish": "llmc.fish", "zsh": "_llmc"}


def command(
    shell: Annotated[
        Literal["bash", "fish", "zsh"],
        typer.Argument(metavar="SHELL", help="bash, fish or zsh."),
    ],
    db: Db = None,  # noqa: ARG001  (every command takes it)
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Print the completion script of a shell.

    It completes commands, options, their values and file names, and starts no program to do so.
    pip, pipx and uv put it under share/ of what they install into, where the shells of a system
    look; elsewhere one of the lines below is enough.
    """
    for folder in _FOLDERS:
        path = os.path.join(folder, _FILES[shell])
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                streams.write(file.read())
            return
    raise LlmcError(f"this installation has no {_FILES[shell]}", hint="install llmc anew")
