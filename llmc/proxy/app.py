"""In which order does the proxy answer a program? The gate, the cache, the provider.

What it does not understand is passed on untouched, and nothing of it is kept.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

from llmc.dialects import embeddings, forms, wire
from llmc.errors import LlmcError
from llmc.proxy import answers, directives, intake
from llmc.proxy.answers import Call, Relayed
from llmc.proxy.passing import Passage
from llmc.proxy.refusal import Refused
from llmc.proxy.relay import Relay, Relays
from llmc.proxy.upstream import answer_headers, pieces_of
from llmc.proxy.vectors import Batch, Vectors
from llmc.types import Hit, Request

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Callable

    import httpx2
    from starlette.requests import Request as HttpRequest
    from starlette.types import ASGIApp, Receive, Scope, Send

    from llmc.proxy.desk import Desk
    from llmc.proxy.front import Front
    from llmc.proxy.gate import Caller, Gate
    from llmc.proxy.tally import Tally
    from llmc.proxy.upstream import Upstream
    from llmc.types import Ask, Miss

__all__ = ["GRACE", "Proxy"]

#: The seconds that an answer nobody waits for any more may take to come to its end.
GRACE = 5.0


class _Unanswered(Exception):
    """Says that the provider gave no answer that others could be given."""


class Proxy:
    """The application."""

    def __init__(
        self,
        *,
        desk: Desk,
        upstream: Upstream,
        gate: Gate,
        ask: Ask,
        tally: Tally,
        front: Front,
        clock: Callable[[], float] = time.time,
        grace: float = GRACE,
        on_missed: Callable[[Request], None] = lambda _: None,
    ) -> None:
        """Take the parts; `ask` is how requests are answered that do not say.

        `on_missed` is told of each request that the cache alone could not answer.
        """
        self._desk = desk
        self._upstream = upstream
        self._gate = gate
        self._ask = ask
        self._tally = tally
        self._front = front
        self._clock = clock
        self._on_missed = on_missed
        self._relays = Relays(grace=grace)
        self._vectors = Vectors(desk, upstream, tally)
        self._passage = Passage(desk, upstream, front, tally)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the server through its life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            return
        from starlette.requests import Request as HttpRequest

        self._tally.open_requests += 1
        try:
            response = await self._response(HttpRequest(scope, receive))
            await response(scope, receive, send)
        except Refused as refused:
            self._tally.errors[refused.status] += 1
            await answers.refusal(refused)(scope, receive, send)
        finally:
            self._tally.open_requests -= 1

    async def close(self) -> None:
        """Stop what is on its way, and let go of the provider."""
        await self._relays.close()
        await self._upstream.close()

    # -- the order of things ---------------------------------------------------------------------

    async def _response(self, request: HttpRequest) -> ASGIApp:
        if self._front.takes(request):
            return await self._front.answer(request)
        caller = self._gate.caller(request.headers)
        path = intake.path_of(request)
        dialect = forms.DIALECTS.get(path.strip("/"))
        if request.method == "POST" and dialect is not None:
            return await self._asked(request, caller, path, dialect)
        if request.method == "POST" and path.strip("/") == "embeddings":
            return await self._embedded(request, caller, path)
        if request.method == "GET" and path.strip("/") == "models" and not request.url.query:
            offline = self._ask.offline
            return await self._passage.listed(request, caller, path, offline=offline)
        return self._passed(request, caller, path, request.stream())

    async def _asked(
        self, request: HttpRequest, caller: Caller, path: str, dialect: Any
    ) -> ASGIApp:
        """Answer a question.

        1. What does not have one clear meaning is passed on.
        2. The cache is asked; what it knows is given in the form that is wanted.
        3. Where only the cache may answer, that was all.
        4. The same question may be on its way to the provider: its answer is shared.
        5. The provider is asked, by a task that the client's leaving does not end.
        """
        content = await intake.body_of(request)
        call = self._call(request, caller, path, dialect, content)
        if call is None:
            return self._passed(request, caller, path, content)
        landed = self._relays.landed
        found = await self._lookup(call)
        if isinstance(found, Hit):
            self._count(found)
            return answers.kept(found, call)
        if call.wish.ask.offline:
            self._on_missed(call.request)
            raise Refused(504, "not in the cache", code="not_cached", final=True)
        key = None if found.bypass else (call.wish.ask.namespace, found.key, caller)
        relay = None if key is None else self._relays.find(key)
        if relay is not None:
            return Relayed(relay, self._relays, call, done=lambda r: self._followed(r, call))
        relay = Relay(call.shape)
        miss = found
        self._relays.start(key, relay, lambda r: self._read(r, call, miss, landed=landed))
        return Relayed(relay, self._relays, call, done=self._led)

    async def _embedded(self, request: HttpRequest, caller: Caller, path: str) -> ASGIApp:
        """Answer a request for vectors: what of it is known is not asked again."""
        content = await intake.body_of(request)
        wish = directives.wish_of(request.headers, self._ask, caller=caller.name)
        body = self._object(request, content)
        if body is None or not embeddings.is_understood(body):
            return self._passed(request, caller, path, content)
        asked = Request(self._upstream.base_url, body, "embeddings", self._upstream.name)
        parts = await self._desk.parts(asked, wish, now=self._clock())
        if not parts.missing:
            for hit in parts.hits:
                self._tally.value(hit)
            reply, told = await self._desk.run(parts.reply)
            self._tally.by_source[told["x-llmc-source"]] += 1
            return answers.whole(reply, told)
        if wish.ask.offline:
            for missed in parts.missing:
                self._on_missed(missed)
            raise Refused(504, "not in the cache", code="not_cached", final=True)
        key = (wish.ask, wish.max_age, content, caller)
        relay = self._relays.find(key)
        if relay is None:
            relay = Relay(wire.Shape())
            batch = Batch(parts, content, request.headers.items(), path, caller)
            self._relays.start(key, relay, lambda r: self._vectors.read(r, batch))
        return Relayed(relay, self._relays, None, done=self._led)

    def _object(self, request: HttpRequest, content: bytes) -> dict[str, Any] | None:
        """Read a body; None for one whose meaning is not clear. Raises Refused."""
        if request.url.query or request.headers.get("content-encoding"):
            return None
        try:
            return intake.object_of(content)
        except intake.Strange:
            return None

    def _call(
        self, request: HttpRequest, caller: Caller, path: str, dialect: Any, content: bytes
    ) -> Call | None:
        wish = directives.wish_of(request.headers, self._ask, caller=caller.name)
        body = self._object(request, content)
        if body is None or not dialect.is_understood(body):
            return None
        asked = Request(self._upstream.base_url, body, path.strip("/"), self._upstream.name)
        headers = request.headers.items()
        shape = dialect.shape_of(body)
        return Call(asked, wish, dialect, shape, path, headers, content, caller)

    async def _lookup(self, call: Call) -> Hit | Miss:
        request, wish = call.request, call.wish
        found = await self._desk.lookup(request, wish.ask)
        if isinstance(found, Hit) and wish.is_too_old(found, self._clock()):
            return await self._desk.lookup(request, wish.ask._replace(refresh=True))
        return found

    async def _read(self, relay: Relay, call: Call, miss: Miss, *, landed: int) -> None:
        """Read an answer of the provider's for all who want it, and store it."""
        if not miss.bypass and landed != self._relays.landed:
            # Another's answer to it may have come while this one was looked up.
            found = await self._lookup(call)
            if isinstance(found, Hit):
                relay.hit, relay.replayed = found, True
                relay.end()
                return
        self._tally.open_answers += 1
        try:
            if miss.bypass or not self._desk.may_wait:
                await self._fetch(relay, call, miss)
            else:
                await self._share(relay, call, miss)
            relay.end()
        except Refused as refused:
            relay.fail(refused)
        except LlmcError as error:  # another process's
            relay.fail(Refused(502, str(error), code="upstream_failed"))
        except Exception as error:  # noqa: BLE001  (all who wait for it depend on its end)
            what = f"the provider's answer broke off ({type(error).__name__})"
            relay.fail(Refused(502, what, code="upstream_broke_off"))
        finally:
            self._tally.open_answers -= 1

    async def _share(self, relay: Relay, call: Call, miss: Miss) -> None:
        """Fetch an answer, or wait for that which another process has just asked for."""
        loop = asyncio.get_running_loop()
        fetching: list[concurrent.futures.Future[None]] = []
        left = threading.Event()

        def lead() -> Hit:
            if not left.is_set():
                fetching.append(
                    asyncio.run_coroutine_threadsafe(self._fetch(relay, call, miss), loop)
                )
                fetching[0].result()
            if relay.hit is None:
                raise _Unanswered
            return relay.hit

        try:
            hit = await self._desk.share(miss, call.wish.ask, lead)
        except _Unanswered:  # but the relay has told what came in its place
            return
        except asyncio.CancelledError:
            left.set()
            for each in fetching:
                each.cancel()
            raise
        if relay.hit is None:
            relay.hit, relay.replayed = hit, True

    async def _fetch(self, relay: Relay, call: Call, miss: Miss) -> None:
        started = time.monotonic()
        self._tally.upstream_calls += 1
        async with self._upstream.call(
            "POST", call.path, headers=call.headers, caller=call.caller, content=call.content
        ) as response:
            headers = answer_headers(response.headers, whole=False)
            headers.append(("x-llmc-source", "model" if response.is_success else "error"))
            form = response.headers.get("content-type", "")
            if "event-stream" not in form and (not call.shape.stream or "json" in form):
                body = b"".join([piece async for piece in pieces_of(response)])
                if response.is_success:
                    await self._keep(relay, call, miss, body, since=started)
                headers = [each for each in headers if each[0].lower() != "content-length"]
                headers.append(("content-length", str(len(body))))
                if relay.hit is not None and relay.hit.entry.id is not None:
                    headers.append(("x-llmc-id", str(relay.hit.entry.id)))
                relay.begin(response.status_code, headers)
                relay.add(body)
                return
            relay.begin(response.status_code, headers)
            await self._stream(relay, call, miss, response, since=started)

    async def _stream(
        self, relay: Relay, call: Call, miss: Miss, response: httpx2.Response, *, since: float
    ) -> None:
        """Pass a stream on as it comes. Who sees its end sees it after the answer was stored."""
        collector = call.dialect.Collector(streamed=True)
        is_kept = not response.is_success
        async for piece in pieces_of(response):
            collector.feed(piece)
            if collector.is_done and not is_kept:
                is_kept = True
                await self._put(relay, call, miss, collector, since=since)
            relay.add(piece)
        if not is_kept:
            await self._put(relay, call, miss, collector, since=since)

    async def _keep(
        self, relay: Relay, call: Call, miss: Miss, body: bytes, *, since: float
    ) -> None:
        collector = call.dialect.Collector(streamed=False)
        collector.feed(body)
        await self._put(relay, call, miss, collector, since=since)

    async def _put(
        self, relay: Relay, call: Call, miss: Miss, collector: Any, *, since: float
    ) -> None:
        answer = collector.answer()
        if answer is None:
            return
        answer = forms.timed(answer, call.request.body, latency=time.monotonic() - since)
        # An answer that is whole is stored, whoever leaves meanwhile.
        storing = asyncio.ensure_future(self._desk.put(miss, answer, call.wish.ask))
        relay.hit = await asyncio.shield(storing)
        self._desk.record(relay.hit)

    # -- counting --------------------------------------------------------------------------------

    def _count(self, hit: Hit) -> None:
        self._tally.served(hit)
        self._desk.record(hit)

    def _led(self, relay: Relay) -> None:
        if relay.is_broken:
            self._tally.errors[502] += 1
        elif relay.hit is not None and relay.replayed:
            self._count(relay.hit)
        elif relay.hit is not None:
            self._tally.served(relay.hit)
        elif 0 < relay.status < 400:
            self._tally.by_source["model"] += 1
        else:
            refused = relay.refused.status if relay.refused else 503
            self._tally.errors[relay.status or refused] += 1

    def _followed(self, relay: Relay, call: Call) -> None:
        """Count an answer that another one's question brought: a hit, if it was stored."""
        if relay.hit is None or relay.hit.entry.id is None or relay.replayed:
            self._led(relay)
            return
        self._tally.served(relay.hit, as_source="exact")
        self._desk.record_again(call.request, call.wish.ask)

    def _passed(self, request: HttpRequest, caller: Caller, path: str, content: Any) -> ASGIApp:
        wish = directives.wish_of(request.headers, self._ask, caller=caller.name)
        return self._passage.passed(request, caller, path, content, offline=wish.ask.offline)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
