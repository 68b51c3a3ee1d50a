"""How does an SDK's client in this process reach the cache? Through a transport below it.

The client's own code stays as it is, and so does its way to the provider: proxies, certificates and
hooks are those of the HTTP client that it had. httpx2 has two kinds of transports; what is decided
about an answer stands in `door`, here it is passed on and shown to the cache.
"""

from __future__ import annotations

import contextlib
import time
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from llmc import config
from llmc.dialects import forms
from llmc.door import OWN, Door, Heard, Question, Reply
from llmc.errors import Unavailable
from llmc.joint import Joint, in_thread, is_looping
from llmc.parts import Parts
from llmc.standing import Standing
from llmc.types import Ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import httpx2

    from llmc.cache import Cache

__all__ = ["wrap"]

Client = TypeVar("Client")

#: The HTTP clients that were made here, and the one beneath each.
_beneath: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

#: What is not true any more of a body that was decoded.
_DECODED = {"content-encoding", "content-length", "transfer-encoding"}

#: As many questions of one loop wait for other processes at most; each takes a thread.
_THREADS = 128

#: What a client tells the cache, and not the provider.
_OURS = ("cache-control", "x-llmc-namespace", "x-llmc-match")


def wrap(
    client: Client,
    *,
    db: str | None = None,
    namespace: str | None = None,
    ttl: str | None = None,
    match: str | None = None,
    offline: bool = False,
) -> Client:
    """Return a copy of an `OpenAI` or `AsyncOpenAI` client that is answered from the cache.

    Chat completions, streamed or not, tools, `parse`, Responses and embeddings; all else goes the
    way it went. What is not given is as the configuration says; questions in other words match
    with `match="semantic"` alone. `extra_headers` take `Cache-Control` as `llmc serve` does.
    Of many who ask the same at once, unless for a stream, one reaches the provider. Closing the
    copy closes the cache, and the client's connections. Raises ConfigError and CacheFileError.
    """
    from llmc import streams

    settings = config.load({"db": db, "namespace": namespace, "ttl": ttl, "match": match})

    def opened() -> Cache:
        return config.open_cache(
            settings, note=streams.note, create=not offline, must_work=offline, stays=True
        )

    standing = Standing(opened, close=lambda cache: cache.close(), path=settings.db)
    ask = Ask(
        namespace=settings.namespace,
        mode=settings.cache,
        ttl=settings.ttl,
        offline=offline,
        by_meaning=settings.match == "semantic",
    )
    copy: Client = _copied(client, Door(standing, ask))
    return copy


def _copied(client: Any, door: Door) -> Any:
    import httpx2
    import openai

    given = client._client  # noqa: SLF001  (the SDK has no other way to it)
    # Of a copy that is wrapped again: its door would wait for this one's answer.
    inner = _beneath.get(given, given)
    options = {"timeout": client.timeout, "follow_redirects": True, "trust_env": False}
    if isinstance(client, openai.AsyncOpenAI):
        waiting = httpx2.AsyncClient(transport=_asynchronous(inner, door), **options)
        _beneath[waiting] = inner
        return client.with_options(http_client=waiting)
    direct = httpx2.Client(transport=_synchronous(inner, door), **options)
    _beneath[direct] = inner
    return client.with_options(http_client=direct)


def _synchronous(inner: httpx2.Client, door: Door) -> httpx2.BaseTransport:
    import httpx2

    class Body(httpx2.SyncByteStream):
        """A body on its way: `show` sees each piece, and is told of the end with None."""

        def __init__(self, response: httpx2.Response, show: Callable[[bytes | None], None]) -> None:
            self._response = response
            self._show = show

        def __iter__(self) -> Iterator[bytes]:
            for piece in self._response.iter_bytes():
                self._show(piece)
                yield piece
            self._show(None)

        def close(self) -> None:
            self._response.close()

    class Transport(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            content = request.read()
            found = door.ask(request, content)
            _keep_ours(request)
            if isinstance(found, Parts):
                return self._vectors(request, found)
            if isinstance(found, Question) and found.is_common:
                return self._common(request, found)
            if isinstance(found, Reply):
                return _response(found)
            response = inner.send(request, stream=True)
            show = _shown(door, found, response) if found is not None else _nobody
            return _passed(response, Body(response, show))

        def _common(self, request: httpx2.Request, question: Question) -> httpx2.Response:
            """Fetch an answer, or share that of another thread or process."""
            said: list[httpx2.Response] = []

            def fetch() -> Heard:
                with _told():
                    said.append(inner.send(request))
                return _heard(said[0])

            with _heard_of(request):
                reply = door.share(question, fetch, patience=_patience(request))
            if reply is not None:
                return _response(reply)
            return _whole(said[0] if said else inner.send(request))

        def _vectors(self, request: httpx2.Request, parts: Parts) -> httpx2.Response:
            started = time.monotonic()
            response = inner.send(_asking(request, parts))
            if response.is_success:
                latency = time.monotonic() - started
                found = door.take(parts, response.content, latency=latency)
                if found is not None:
                    return _response(found)
                if not parts.is_whole:
                    response = inner.send(request)
            return _whole(response)

        def close(self) -> None:
            door.close()
            inner.close()

    return Transport()


def _asynchronous(inner: httpx2.AsyncClient, door: Door) -> httpx2.AsyncBaseTransport:
    import functools

    import anyio
    import httpx2

    thread = anyio.to_thread.run_sync
    joint: Joint[httpx2.Response] = Joint()

    class Body(httpx2.AsyncByteStream):
        """A body on its way, likewise."""

        def __init__(self, response: httpx2.Response, show: Callable[[bytes | None], None]) -> None:
            self._response = response
            self._show = show

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for piece in self._response.aiter_bytes():
                await thread(self._show, piece)
                yield piece
            await thread(self._show, None)

        async def aclose(self) -> None:
            await self._response.aclose()

    class Transport(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            content = await request.aread()
            found = await thread(door.ask, request, content)
            _keep_ours(request)
            if isinstance(found, Parts):
                return await self._vectors(request, found)
            if isinstance(found, Question) and found.is_common and is_looping():
                return await self._common(request, found)
            if isinstance(found, Reply):
                return _response(found)
            response = await inner.send(request, stream=True)
            show = _shown(door, found, response) if found is not None else _nobody
            return _passed(response, Body(response, show))

        async def _common(self, request: httpx2.Request, question: Question) -> httpx2.Response:
            """Fetch an answer, or share that of another task, thread or process."""
            name = (question.ask, question.miss.key)
            mine, response = await joint.share(name, lambda: self._fetched(request, question))
            if mine or not (response.is_success or response.status_code in OWN):
                return _whole(response)
            found = await thread(door.ask, request, request.content)
            return _response(found) if isinstance(found, Reply) else await inner.send(request)

        async def _fetched(self, request: httpx2.Request, question: Question) -> httpx2.Response:
            said: list[httpx2.Response] = []

            async def fetch() -> Heard:
                with _told():
                    said.append(await inner.send(request))
                return _heard(said[0])

            with _heard_of(request):
                if len(joint) > _THREADS:
                    await thread(door.keep_whole, question, await fetch())
                    return said[0]
                share = functools.partial(door.share, question, patience=_patience(request))
                reply = await in_thread(share, fetch)
            if reply is not None:
                return _response(reply)
            return said[0] if said else await inner.send(request)

        async def _vectors(self, request: httpx2.Request, parts: Parts) -> httpx2.Response:
            started = time.monotonic()
            response = await inner.send(_asking(request, parts))
            if response.is_success:
                latency = time.monotonic() - started
                take = functools.partial(door.take, latency=latency)
                found = await thread(take, parts, response.content)
                if found is not None:
                    return _response(found)
                if not parts.is_whole:
                    response = await inner.send(request)
            return _whole(response)

        async def aclose(self) -> None:
            await thread(door.close)
            await inner.aclose()

    return Transport()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Let all who wait for an answer know that its way was cut off."""
    import httpx2

    try:
        yield
    except httpx2.TransportError as error:
        raise Unavailable(str(error)) from error


@contextlib.contextmanager
def _heard_of(request: httpx2.Request) -> Iterator[None]:
    """Turn what all were let know into what the SDK knows."""
    import httpx2

    try:
        yield
    except Unavailable as error:
        cause = error.__cause__
        kind = type(cause) if isinstance(cause, httpx2.TransportError) else httpx2.ReadError
        raise kind(str(error), request=request) from cause


def _heard(response: httpx2.Response) -> Heard:
    streamed = "event-stream" in response.headers.get("content-type", "")
    return Heard(response.status_code, response.content, streamed)


def _patience(request: httpx2.Request) -> float | None:
    """Return the seconds that a request may wait for its answer, as its client says."""
    told: dict[str, float | None] = request.extensions.get("timeout", {})
    return told.get("read")


def _nobody(_: bytes | None) -> None:
    """Show a piece to nobody."""


def _shown(door: Door, question: Any, response: httpx2.Response) -> Callable[[bytes | None], None]:
    """Return what sees the pieces of an answer, and keeps it as soon as it is whole."""
    if not response.is_success:
        return _nobody
    streamed = "event-stream" in response.headers.get("content-type", "")
    collector = forms.DIALECTS[question.miss.request.endpoint].Collector(streamed=streamed)
    kept: list[bool] = []

    def show(piece: bytes | None) -> None:
        if piece is not None:
            collector.feed(piece)
        if not kept and (piece is None or collector.is_done):
            kept.append(True)
            door.keep(question, collector)

    return show


def _keep_ours(request: httpx2.Request) -> None:
    for name in _OURS:
        request.headers.pop(name, None)


def _asking(request: httpx2.Request, parts: Parts) -> httpx2.Request:
    """Return the request for what is missing: the one that came, if that is all of it."""
    import httpx2

    if parts.is_whole:
        return request
    kept = [(n, v) for n, v in request.headers.multi_items() if n != "content-length"]
    return httpx2.Request(
        request.method,
        request.url,
        headers=kept,
        content=parts.question(),
        extensions=request.extensions,
    )


def _response(reply: Reply) -> httpx2.Response:
    import httpx2

    return httpx2.Response(reply.status, headers=reply.headers, content=reply.body)


def _whole(response: httpx2.Response) -> httpx2.Response:
    import httpx2

    return httpx2.Response(
        response.status_code, headers=_headers(response), content=response.content
    )


def _passed(response: httpx2.Response, body: Any) -> httpx2.Response:
    import httpx2

    return httpx2.Response(response.status_code, headers=_headers(response), stream=body)


def _headers(response: httpx2.Response) -> list[tuple[str, str]]:
    return [(n, v) for n, v in response.headers.multi_items() if n.lower() not in _DECODED]
