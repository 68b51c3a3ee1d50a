"""Which models are there, as far as the file knows? The last list, else the models stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmc.file import File

__all__ = ["Catalogue"]


class Catalogue:
    """The lists of models in one cache file; all methods raise CacheFileError."""

    def __init__(self, file: File) -> None:
        self._file = file

    def keep(self, base_url: str, listed: bytes, *, at: float) -> None:
        """Keep a provider's list of models, as it came."""
        with self._file.transaction():
            self._file.execute(
                "INSERT OR REPLACE INTO listed VALUES (?, ?, ?)", (base_url, listed, at)
            )

    def listed(self, base_url: str) -> bytes:
        """Return a provider's last list; made of the models that are stored if there was none."""
        rows = self._file.rows("SELECT body FROM listed WHERE base_url = ?", (base_url,))
        if rows:
            return bytes(rows[0][0])
        models = self._file.rows(
            "SELECT DISTINCT model FROM scope WHERE base_url = ? ORDER BY model", (base_url,)
        )
        entry = {"object": "model", "created": 0, "owned_by": "llmc"}
        known = [{"id": name} | entry for (name,) in models]
        return json.dumps({"object": "list", "data": known}).encode()
