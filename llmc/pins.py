"""Which entries stay, whatever the limits, until their life ends?

Who prunes leaves them out by himself; a pin neither lengthens a life nor hides a wrong answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmc.file import File

__all__ = ["pin"]


def pin(file: File, ids: Iterable[int], *, pinned: bool) -> int:
    """Pin entries, or no longer, in one transaction; return how many there are of them.

    Raises CacheFileError.
    """
    found = 0
    with file.transaction():
        for entry_id in ids:
            file.execute("UPDATE entry SET pinned = ? WHERE id = ?", (pinned, entry_id))
            found += file.changes()
    return found
