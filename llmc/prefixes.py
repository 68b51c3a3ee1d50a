"""Which requests begin alike? What a provider's own cache could read for one from another."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import TYPE_CHECKING, Any

from llmc import keys
from llmc.pricing import estimate_tokens

if TYPE_CHECKING:
    from llmc.types import Request

__all__ = ["MINIMUM", "group_of", "head_of", "instructions", "static_of"]

#: The shortest beginning that a provider's cache keeps, in tokens: OpenAI's own, and most others'.
MINIMUM = 1024


def group_of(request: Request) -> bytes | None:
    """Return a hash of what a request must share with others to be read by them: 16 bytes.

    None if its beginning is too short for that.
    """
    if estimate_tokens(static_of(request)) < MINIMUM:
        return None
    shared = f"{_settings_of(request)}\0{head_of(request)}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(shared, digest_size=16).digest()


def head_of(request: Request) -> str:
    """Return canonical JSON of what a request begins with: its tools and its static messages.

    Where nobody says which messages are static, the leading ones of system and developer are.
    """
    head: dict[str, Any] = {"messages": _static(request)}
    if "tools" in request.body:
        head["tools"] = request.body["tools"]
    if not any(head.values()):
        return ""
    return keys.canonical(request._replace(base_url="", endpoint="", body=head))


def static_of(request: Request) -> str:
    """Return the text of a request's beginning, its tools as JSON: what its tokens are made of."""
    tools = request.body.get("tools")
    texts = [json.dumps(tools, ensure_ascii=False)] if tools else []
    for message in _static(request):
        content = message.get("content") if isinstance(message, dict) else None
        parts = content if isinstance(content, list) else [{"text": content}]
        found = (part.get("text") for part in parts if isinstance(part, dict))
        texts += [text for text in found if isinstance(text, str)]
    return "\n".join(texts)


def _static(request: Request) -> list[Any]:
    messages = request.body.get("messages")
    stated: list[Any] = messages if isinstance(messages, list) else []
    return stated[: instructions(stated) if request.static is None else request.static]


def instructions(messages: list[Any]) -> int:
    """Count the messages of system and developer that stand before all others."""
    return sum(1 for _ in itertools.takewhile(keys.instructs, messages))


def _settings_of(request: Request) -> str:
    body = {
        name: value for name, value in request.body.items() if name not in {"messages", "tools"}
    }
    return keys.canonical(request._replace(body=body))
