"""What was asked? A request's body read within limits, and what of it can be answered."""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING, Any

from llmc.proxy.refusal import Refused

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest

__all__ = ["LIMIT", "Strange", "body_of", "object_of", "path_of"]

#: The most bytes of a request that may be answered from the cache; pictures travel in it.
LIMIT = 50_000_000

#: The seconds that a client may take to send it.
_PATIENCE = 120.0

#: How deep the values of a request may lie in each other: a schema takes about twenty.
_DEPTH = 100


class Strange(Exception):
    """Says that a body has no one meaning: it is passed on, and nothing of it is kept."""


def path_of(request: HttpRequest) -> str:
    """Return which path of the API is meant, as it was written. Raises Refused where it is none."""
    path: str = request.scope["raw_path"].decode("ascii")
    if not path.startswith("/"):  # another host's address, as HTTP's own proxies take it
        raise Refused(400, "the request must name a path of the API", code="bad_target")
    return path.removeprefix("/v1") if path == "/v1" or path.startswith("/v1/") else path


async def body_of(request: HttpRequest) -> bytes:
    """Read a request's body. Raises Refused where it is too large or too slow."""
    from starlette.requests import ClientDisconnect

    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > LIMIT:
        raise _too_large()
    pieces, size = [], 0
    try:
        async with asyncio.timeout(_PATIENCE):
            async for piece in request.stream():
                size += len(piece)
                if size > LIMIT:
                    raise _too_large()
                pieces.append(piece)
    except TimeoutError:
        raise Refused(408, "the request did not arrive in time", code="timeout") from None
    except ClientDisconnect:
        raise Refused(400, "the client has left", code="disconnected") from None
    return b"".join(pieces)


def object_of(content: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises Refused for what is none, Strange for what is ambiguous."""
    try:
        value = json.loads(
            content, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_number
        )
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise Refused(400, f"the body is not JSON: {error}", code="invalid_json") from None
    if not isinstance(value, dict):
        raise Refused(400, "the body is not a JSON object", code="invalid_json")
    if _is_deep(value):
        raise _too_deep()
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # the provider may read the other one
        raise Strange
    return found


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):  # no key has a place for it
        raise Strange
    return value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEPTH):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _too_large() -> Refused:
    return Refused(413, f"the body is larger than {LIMIT:,} bytes", code="too_large")


def _too_deep() -> Refused:
    return Refused(400, "the body is nested too deeply", code="too_deep")
