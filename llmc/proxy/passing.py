"""What does the proxy pass on as it is? What is no question, and what it does not understand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from llmc.dialects import wire
from llmc.proxy import answers
from llmc.proxy.refusal import Refused
from llmc.proxy.upstream import answer_headers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request as HttpRequest
    from starlette.types import ASGIApp, Receive, Scope, Send

    from llmc.proxy.desk import Desk
    from llmc.proxy.front import Front
    from llmc.proxy.gate import Caller
    from llmc.proxy.tally import Tally
    from llmc.proxy.upstream import Upstream

__all__ = ["Passage"]

_JSON = "application/json"


class Passage:
    """The way through."""

    def __init__(self, desk: Desk, upstream: Upstream, front: Front, tally: Tally) -> None:
        self._desk = desk
        self._upstream = upstream
        self._front = front
        self._tally = tally

    async def listed(
        self, request: HttpRequest, caller: Caller, path: str, *, offline: bool
    ) -> ASGIApp:
        """Pass the list of models on; where the provider is out of reach, its last one will do."""
        base_url, headers = self._upstream.base_url, request.headers.items()
        try:
            if offline:
                raise Refused(504, "not in the cache: offline", code="not_cached", final=True)
            async with self._upstream.call(
                "GET", path, headers=headers, caller=caller, content=b""
            ) as response:
                body = await response.aread()
            if response.is_success and wire.loaded(body) is not None:
                await self._desk.run(lambda: self._front.keep_list(base_url, body))
        except Refused as refused:
            listed = await self._desk.run(lambda: self._front.listed(base_url))
            if refused.status < 500 or listed is None:
                raise
            self._tally.by_source["exact"] += 1
            return answers.whole(listed, {"x-llmc-source": "exact", "content-type": _JSON})
        self._tally.by_source["passed"] += 1
        told = dict(answer_headers(response.headers, whole=False)) | {"x-llmc-source": "passed"}
        return answers.whole(body, told, status=response.status_code)

    def passed(
        self, request: HttpRequest, caller: Caller, path: str, content: Any, *, offline: bool
    ) -> ASGIApp:
        """Pass a request on as it is, and its answer back as it comes."""
        if offline:
            raise Refused(504, "not in the cache: offline", code="not_cached", final=True)
        query = request.scope["query_string"].decode("ascii")
        length, has_all = None, asyncio.Event()
        if not isinstance(content, bytes):
            is_chunked = "transfer-encoding" in request.headers  # which is more than a length
            length = None if is_chunked else request.headers.get("content-length")
            content = _noted(content, has_all) if is_chunked or length is not None else b""
        if isinstance(content, bytes):
            has_all.set()
        encodings = request.headers.get("accept-encoding", "identity")
        tally, upstream = self._tally, self._upstream

        async def pass_on(scope: Scope, receive: Receive, send: Send) -> None:
            has_begun = False
            try:
                async with upstream.call(
                    request.method,
                    f"{path}?{query}" if query else path,
                    headers=request.headers.items(),
                    caller=caller,
                    content=content,
                    length=length,
                    encodings=encodings,
                ) as response:
                    tally.upstream_calls += 1
                    tally.by_source["passed"] += 1
                    has_begun = True
                    await answers.pass_through(response, send)
            except Refused as refused:
                if has_begun:
                    raise ConnectionError(str(refused)) from None
                tally.errors[refused.status] += 1
                await answers.refusal(refused)(scope, receive, send)

        async def respond(scope: Scope, receive: Receive, send: Send) -> None:
            await answers.unless_left(pass_on(scope, receive, send), receive, after=has_all)

        return respond


async def _noted(content: AsyncIterator[bytes], has_all: asyncio.Event) -> AsyncIterator[bytes]:
    """Yield what a client sends, and note when that was all: until then nobody else may listen."""
    async for piece in content:
        yield piece
    has_all.set()
