"""Which dialect does an endpoint speak, and how does a stored answer look in it?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmc.dialects import chat, embeddings, responses

if TYPE_CHECKING:
    from llmc.dialects.wire import Shape
    from llmc.types import Answer, Entry

__all__ = ["DIALECTS", "read", "timed", "whole", "written"]

#: The endpoints whose answers may be kept; embeddings, which are known text by text, aside.
DIALECTS: dict[str, Any] = {"chat/completions": chat, "responses": responses}


def read(endpoint: str, asked: dict[str, Any], reply: bytes) -> Answer | None:
    """Read the answer that a whole body is to a request; None for what is none."""
    if endpoint == "embeddings":
        return embeddings.answer(reply, embeddings.texts_of(asked))
    collector = DIALECTS[endpoint].Collector(streamed=False)
    collector.feed(reply)
    answer: Answer | None = collector.answer()
    return answer


def whole(endpoint: str, entry: Entry, *, encoding: str = "float") -> dict[str, Any]:
    """Return the object that answers a request; `encoding` is that of an embedding's numbers."""
    if endpoint == "embeddings":
        return embeddings.plain([entry], encoding=encoding)
    told: dict[str, Any] = DIALECTS[endpoint].plain(entry)
    return told


def written(endpoint: str, entry: Entry, shape: Shape) -> tuple[bytes, str]:
    """Return the body that answers a request in the form it wants, and its content type."""
    dialect = DIALECTS[endpoint]
    if shape.stream:
        return b"".join(dialect.events(entry, shape)), "text/event-stream; charset=utf-8"
    body = json.dumps(dialect.plain(entry), ensure_ascii=False, separators=(",", ":"))
    return body.encode("utf-8", "replace"), "application/json"


def timed(answer: Answer, body: dict[str, Any], *, latency: float) -> Answer:
    """Add to an answer how long it took, and the temperature that was sent."""
    temperature = body.get("temperature")
    sent = float(temperature) if isinstance(temperature, int | float) else None
    return answer._replace(latency=latency, temperature=sent)
