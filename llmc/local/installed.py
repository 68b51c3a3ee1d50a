"""Is the local model there, and whole? What lies in its place, and what could take it.

It changes nothing: `weights` makes the file and removes it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NamedTuple

from llmc.errors import EmbeddingError
from llmc.local import published, weights

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Found", "lies_there", "look", "packaged", "size", "total"]


class Found(NamedTuple):
    """What lies in a model's place. The names are those of `model list --json`."""

    model: str
    state: Literal["ok", "damaged", "not there"]
    bytes: int | None
    path: str
    damage: str | None = None


def look(name: str, folder: str) -> Found:
    """Say what lies in a model's place in `folder`; all of it is read."""
    path, _ = weights.paths(folder)
    try:
        size = os.lstat(path).st_size
    except FileNotFoundError:
        return Found(name, "not there", None, path)
    except OSError:
        size = None
    try:
        damage = weights.Weights(folder, weights.MINILM).damage()
    except EmbeddingError as error:
        damage = str(error)
    return Found(name, "damaged" if damage else "ok", size, path, damage)


def lies_there(folder: str) -> list[str]:
    """Return the paths that a model has taken, what a pull has left among them.

    Raises EmbeddingError.
    """
    with published.system_errors(folder):
        return [path for path in weights.paths(folder) if os.path.lexists(path)]


def size(paths: list[str]) -> int:
    """Return the bytes of files, and of all files in folders. Raises EmbeddingError."""
    total = 0
    for path in paths:
        with published.system_errors(path):
            if os.path.isdir(path) and not os.path.islink(path):
                total += sum(each.stat(follow_symlinks=False).st_size for each in os.scandir(path))
            else:
                total += os.lstat(path).st_size
    return total


def total() -> int:
    """Return the bytes of the published files."""
    return sum(source.size for source in weights.MINILM.sources)


def packaged(say: Callable[[str], None]) -> str | None:
    """Return the folder of an installed package's copy, if it is the published one.

    `say` is told which is taken, or why not.
    """
    folder = published.find_local()
    if folder is None:
        return None
    try:
        for source in weights.MINILM.sources:
            published.check(os.path.join(folder, source.name), source)
    except EmbeddingError as error:
        say(f"an installed package's copy is not taken: {error}")
        return None
    say(f"taking the copy of an installed package: {folder}")
    return folder
