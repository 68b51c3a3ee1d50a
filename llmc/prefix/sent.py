"""Which requests reached the provider, with the texts that are still stored, in their order?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmc.prefix.breaks import Sent, parts_of, settings_of

if TYPE_CHECKING:
    from llmc.file import File

__all__ = ["MOST", "sent"]

#: The most requests that are looked at, the newest ones.
MOST = 5000

#: Whose requests begin with something that a provider keeps; embeddings do not.
_ENDPOINTS = {"chat/completions", "responses"}


def sent(
    file: File, *, since: float, model: str | None = None, namespace: str | None = None
) -> tuple[list[Sent], int]:
    """Return the requests since an instant, the oldest first, and how many have no text (left).

    A text is that of the entry which keeps the answer: where there is none, the ledger's line alone
    tells that something was asked.
    """
    rows = file.rows(_SENT, (since, model, model, namespace, namespace, MOST))
    bodies: dict[int, dict[str, Any] | None] = {}
    found, left = [], 0
    for scope, prompt, base_url, served, *counts in reversed(rows):
        if scope is None:
            left += 1
            continue
        if scope not in bodies:
            bodies[scope] = _body(file, scope)
        if (body := bodies[scope]) is not None:
            parts, settings = parts_of(body, prompt), settings_of(body)
            found.append(Sent(str(body.get("model")), served, base_url, parts, settings, *counts))
    return sorted(found, key=lambda each: each.at), left


def _body(file: File, scope: int) -> dict[str, Any] | None:
    """Return the body that a scope's requests share, None where it is no question to a model."""
    frame = file.rows("SELECT frame FROM scope WHERE id = ?", (scope,))
    parts = json.loads(frame[0][0]) if frame else {"endpoint": None}
    return parts["body"] if parts["endpoint"] in _ENDPOINTS else None


_SENT = """
SELECT s.id, e.prompt, s.base_url, e.served_model,
    l.at - l.latency AS sent_at, l.prompt_tokens, l.cached_tokens,
    coalesce(l.written_tokens, e.cache_write_tokens), l.latency
FROM ledger AS l
    LEFT JOIN entry AS e ON e.id = l.entry_id AND e.source = 'model'
    LEFT JOIN scope AS s ON s.id = e.scope_id
WHERE l.source IN ('model', 'bypass') AND l.at >= ?
    AND (? IS NULL OR l.model = ?)
    AND (? IS NULL OR l.namespace = ?)
ORDER BY l.at DESC, l.id DESC LIMIT ?
"""
