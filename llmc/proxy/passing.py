"""What does the proxy pass on as it is? What is no question, and what it does not understand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmc.proxy import answers
from llmc.proxy.refusal import Refused

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.types import ASGIApp, Receive, Scope, Send

    from llmc.proxy.desk import Desk
    from llmc.proxy.front import Front
    from llmc.proxy.gate import Caller
    from llmc.proxy.tally import Tally
    from llmc.proxy.upstream import Upstream

__all__ = ["Passage"]


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
        base_url, source = self._upstream.base_url, "passed"
        headers = request.headers.items()
        try:
            if offline:
                raise Refused(504, "not in the cache: offline", code="not_cached", final=True)
            async with self._upstream.call(
                "GET", path, headers=headers, caller=caller, content=b""
            ) as response:
                status, body = response.status_code, await response.aread()
            if response.is_success:
                await self._desk.run(lambda: self._front.keep_list(base_url, body))
        except Refused as refused:
            listed = await self._desk.run(lambda: self._front.listed(base_url))
            if refused.status < 500 or listed is None:
                raise
            status, body, source = 200, listed, "exact"
        self._tally.by_source[source] += 1
        told = {"x-llmc-source": source, "content-type": "application/json"}
        return answers.whole(body, told, status=status)

    def passed(
        self, request: HttpRequest, caller: Caller, path: str, content: Any, *, offline: bool
    ) -> ASGIApp:
        """Pass a request on as it is, and its answer back as it comes."""
        if offline:
            raise Refused(504, "not in the cache: offline", code="not_cached", final=True)
        query = f"?{request.url.query}" if request.url.query else ""
        length = None
        if not isinstance(content, bytes):
            length = request.headers.get("content-length")
            has_body = length is not None or "transfer-encoding" in request.headers
            content = content if has_body else b""
        encodings = request.headers.get("accept-encoding", "identity")
        tally, upstream = self._tally, self._upstream

        async def respond(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                async with upstream.call(
                    request.method,
                    f"{path}{query}",
                    headers=request.headers.items(),
                    caller=caller,
                    content=content,
                    length=length,
                    encodings=encodings,
                ) as response:
                    tally.upstream_calls += 1
                    tally.by_source["passed"] += 1
                    await answers.pass_through(response, receive, send)
            except Refused as refused:
                tally.errors[refused.status] += 1
                await answers.refusal(refused)(scope, receive, send)

        return respond
