"""How is an answer sent? One from the cache at once, one of the provider's as it arrives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc.dialects import forms
from llmc.proxy import directives
from llmc.proxy.refusal import Refused
from llmc.proxy.upstream import answer_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    import httpx2
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from llmc.dialects.wire import Shape
    from llmc.proxy.directives import Wish
    from llmc.proxy.gate import Caller
    from llmc.proxy.relay import Relay, Relays
    from llmc.types import Hit, Request

__all__ = ["Call", "Relayed", "kept", "pass_through", "refusal", "unless_left", "whole"]


class Call(NamedTuple):
    """One question as it came: what is asked, how, and what is sent on if nobody knows."""

    request: Request
    wish: Wish
    dialect: Any
    shape: Shape
    path: str
    headers: list[tuple[str, str]]
    content: bytes
    caller: Caller


def kept(hit: Hit, call: Call) -> Response:
    """Make the response of an answer that is known whole, in the form that is wanted."""
    from starlette.responses import Response

    body, content_type = forms.written(call.request.endpoint, hit.entry, call.shape)
    return Response(body, headers=directives.headers_of(hit) | {"content-type": content_type})


def whole(body: bytes, told: dict[str, str], *, status: int = 200) -> Response:
    """Make the response of a body that is there."""
    from starlette.responses import Response

    return Response(body, status_code=status, headers=told)


def refusal(refused: Refused) -> Response:
    """Make the response of a refusal."""
    from starlette.responses import Response

    return Response(refused.body, status_code=refused.status, headers=refused.headers)


class Relayed:
    """The response of an answer that is on its way; a client that leaves stops reading it."""

    def __init__(
        self, relay: Relay, relays: Relays, call: Call | None, *, done: Callable[[Relay], None]
    ) -> None:
        """`call` tells which form is wanted, None: that in which it comes.

        `done` is called with the relay once its answer is there.
        """
        self._relay = relay
        self._relays = relays
        self._call = call
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; if the client leaves, return. Raises ConnectionError where it broke off."""
        self._relays.join(self._relay)
        try:
            await unless_left(self._send(scope, receive, send), receive)
        finally:
            self._relays.leave(self._relay)
            # A client may leave between the last event and the end of the body.
            if self._relay.has_ended or self._relay.hit is not None:
                self._done(self._relay)

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        relay, call = self._relay, self._call
        await relay.head()
        is_other = call is not None and relay.shape != call.shape
        if is_other and 200 <= relay.status < 300:
            await relay.ended()
        if call is not None and relay.hit is not None and (relay.replayed or is_other):
            await kept(relay.hit, call)(scope, receive, send)
        elif not relay.status:
            refused = relay.refused or Refused(503, "the proxy is stopping", code="stopping")
            await refusal(refused)(scope, receive, send)
        else:
            await _begin(relay.status, relay.headers, send)
            async for piece in relay.pieces():
                await _go_on(piece, send)
            if not relay.is_broken:
                await _end(send)
        if relay.is_broken:
            # Without its last chunk the client sees that the answer is not whole.
            raise ConnectionError("the provider's answer broke off")


async def pass_through(response: httpx2.Response, send: Send) -> None:
    """Send an answer of the provider's on as it comes, byte for byte."""
    headers = answer_headers(response.headers, whole=True)
    await _begin(response.status_code, [*headers, ("x-llmc-source", "passed")], send)
    async for piece in response.aiter_raw():
        await _go_on(piece, send)
    await _end(send)


async def _begin(status: int, headers: list[tuple[str, str]], send: Send) -> None:
    written = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers]
    await send({"type": "http.response.start", "status": status, "headers": written})


async def _go_on(piece: bytes, send: Send) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def unless_left(
    work: Coroutine[Any, Any, None], receive: Receive, *, after: asyncio.Event | None = None
) -> None:
    """Do some sending to its end, or until the client leaves, which is looked for `after`."""
    sending, leaving = asyncio.create_task(work), asyncio.create_task(_left(receive, after))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sending.cancel()
        leaving.cancel()
        await asyncio.gather(leaving, sending, return_exceptions=True)
    if not sending.cancelled():
        sending.result()


async def _left(receive: Receive, after: asyncio.Event | None) -> None:
    if after is not None:
        await after.wait()
    while (await receive())["type"] != "http.disconnect":
        pass
