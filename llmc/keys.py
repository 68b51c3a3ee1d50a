"""Are these two the same request? Canonical JSON of all that is sent, and hashes of it.

It never picks the fields that count: it takes everything and leaves out a short named list.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from llmc.types import Request

__all__ = [
    "CHAT",
    "EXCLUDED",
    "INSTRUCTING",
    "LIMITS",
    "cache_key",
    "canonical",
    "family_key",
    "follows",
    "frame_of",
    "instructs",
    "prompt_of",
    "request_from",
    "system_of",
    "token_limit",
]

#: What cannot change the answer. Everything else that is sent is part of the key.
EXCLUDED = frozenset(
    {
        "api_key",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "stream",
        "stream_options",
        "timeout",
        "user",
    }
)

#: The one endpoint whose question stands in `messages`; Responses and embeddings have an `input`.
CHAT = "chat/completions"

#: The roles whose messages say how to answer, and ask nothing.
INSTRUCTING = ("system", "developer")

#: The names under which servers know the limit of an answer's tokens.
LIMITS = ("max_completion_tokens", "max_tokens")


def canonical(request: Request, *, without: tuple[str, ...] = ()) -> str:
    """Write a request as JSON in which equal requests are equal texts.

    Keys are sorted, whole floats become integers (1.0 is 1), message ids and `EXCLUDED` are left
    out, as are the body's fields named in `without`. Raises ValueError for NaN and infinities.
    """
    body = {
        name: _plain(value)
        for name, value in request.body.items()
        if name not in EXCLUDED and name not in without
    }
    if isinstance(body.get("messages"), list):
        body["messages"] = [_message(message) for message in body["messages"]]
    if isinstance(body.get("tools"), list):
        body["tools"] = [_unmarked(tool) for tool in body["tools"]]
    return _dump({"base_url": request.base_url, "body": body, "endpoint": request.endpoint})


def cache_key(request: Request) -> bytes:
    """Return the SHA-256 of a request's canonical JSON, 32 bytes."""
    return _hash(canonical(request))


def family_key(request: Request) -> bytes:
    """Return the key that a request would have without its token limit, 32 bytes.

    What stands in a limit's place and is none (a text, a negative number) stays in the key.
    """
    absent = (name for name in LIMITS if request.body.get(name) is None)
    return _hash(canonical(request, without=(*_limits(request), *absent)))


def token_limit(request: Request) -> int | None:
    """Return the smallest limit on the answer's tokens that a request states, if any."""
    return min(_limits(request).values(), default=None)


def frame_of(request: Request) -> tuple[str, bytes]:
    """Split off the last user text: return canonical JSON of the rest, and its SHA-256.

    The frame is what many questions share; it and `prompt_of` give the request back. In the text's
    place stands 0, which no message's content is.
    """
    body = dict(request.body)
    if request.endpoint != CHAT and isinstance(body.get("input"), str):
        body["input"] = 0
    name, position = _last_user(body)
    if position is not None and isinstance(body[name][position].get("content"), str):
        turns = list(body[name])
        turns[position] = {**turns[position], "content": 0}
        body[name] = turns
    frame = canonical(request._replace(body=body))
    return frame, _hash(frame)


def prompt_of(request: Request) -> str:
    """Return the last user text: the part of a request that a person would call the question."""
    if request.endpoint != CHAT and isinstance(given := request.body.get("input"), str):
        return given
    name, position = _last_user(request.body)
    if position is None:
        return ""
    return _text(request.body[name][position].get("content"))


def system_of(request: Request) -> str:
    """Return instructions and all system and developer messages, joined by blank lines."""
    texts = [_text(request.body.get("instructions"))] + [
        _text(turn.get("content")) for turn in _turns(request.body)[1] if instructs(turn)
    ]
    return "\n\n".join(text for text in texts if text)


def follows(request: Request) -> bool:
    """Tell whether the last user text follows earlier turns of a conversation."""
    name, last = _last_user(request.body)
    before = request.body[name][:last] if last is not None else []
    return not all(map(instructs, before))


def instructs(turn: Any) -> bool:
    """Tell whether a turn of a conversation is an instruction of system or developer."""
    return isinstance(turn, dict) and turn.get("role") in INSTRUCTING


def request_from(frame: str, prompt: str) -> Request:
    """Rebuild the request that `frame_of` and `prompt_of` took apart."""
    parts = json.loads(frame)
    body = parts["body"]
    if parts["endpoint"] != CHAT and body.get("input") == 0:
        body["input"] = prompt
    name, position = _last_user(body)
    if position is not None and body[name][position].get("content") == 0:
        body[name][position]["content"] = prompt
    return Request(parts["base_url"], body, parts["endpoint"])


def _hash(text: str) -> bytes:
    # A provider's JSON may hold half a surrogate pair; it has no UTF-8, but it has a hash.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _dump(value: object) -> str:
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _message(message: Any) -> Any:
    """Leave out a message's id, and the marks for the provider's cache on its parts."""
    if not isinstance(message, dict):
        return message
    kept = {name: value for name, value in message.items() if name != "id"}
    if isinstance(kept.get("content"), list):
        kept["content"] = [_unmarked(part) for part in kept["content"]]
    return kept


def _unmarked(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    return {name: value for name, value in part.items() if name != "prompt_cache_breakpoint"}


def _limits(request: Request) -> dict[str, int]:
    stated: dict[str, Any] = {name: request.body.get(name) for name in LIMITS}
    return {name: int(value) for name, value in stated.items() if _is_count(value)}


def _is_count(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 1 <= value < 2**53 and value == int(value)


def _turns(body: dict[str, Any]) -> tuple[str, list[Any]]:
    """Return a conversation, and under which name it stands: Responses call it their input."""
    for name in ("messages", "input"):
        if isinstance(turns := body.get(name), list):
            return name, turns
    return "messages", []


def _last_user(body: dict[str, Any]) -> tuple[str, int | None]:
    name, turns = _turns(body)
    for position in range(len(turns) - 1, -1, -1):
        turn = turns[position]
        if isinstance(turn, dict) and turn.get("role") == "user":
            return name, position
    return name, None


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return "\n".join(part for part in parts if isinstance(part, str))
