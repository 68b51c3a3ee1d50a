"""Where does the proxy listen, and how does it begin and end? A socket, and uvicorn behind it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

from llmc.errors import LlmcError, reason_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["Background", "bound", "serve", "url_of"]

#: Connections at once; one more is told to come back (503).
_CONNECTIONS = 1000

#: The seconds that answers on their way get once the proxy is told to stop.
_FAREWELL = 10

#: The most bytes of a request's head, and the seconds that it may take.
_HEAD = 64 * 1024
_PATIENCE = 20.0


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens; requests wait in it until they are served.

    Raises LlmcError where the address cannot be had.
    """
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        # With its protocol named, asyncio sends small pieces at once: 0.5 ms a hit instead of 45.
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise LlmcError(
            f"cannot listen on {host}:{port}: {reason_of(error)}",
            hint="--port takes another one; 0: any",
        ) from None
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the base URL of the API behind a socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


def serve(app: ASGIApp, listener: socket.socket) -> int:
    """Serve until SIGINT or SIGTERM, and return which it was; answers on their way are given first.

    A second one ends it at once.
    """
    _allow_files()
    server = _server(app)
    told: list[int] = []

    def stop(number: int, _: object) -> None:
        server.stop(at_once=bool(told))
        told.append(number)

    before = {n: signal.signal(n, stop) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        # Its own way to be stopped by signals would raise them again before the file is closed.
        server.capture_signals = contextlib.nullcontext
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return told[0] if told else signal.SIGTERM


class Background:
    """A proxy beside the main thread. Use it as a context manager."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._app = app
        self._listener = listener
        self._server: Any = None
        self._is_ending = False
        # Its imports take a while: whoever connects meanwhile waits in the socket.
        self._thread = threading.Thread(target=self._run, name="llmc-proxy", daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return url_of(self._listener)

    def __exit__(self, *_: object) -> None:
        self._is_ending = True
        if self._server is not None:
            self._server.stop()
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        self._server = _server(self._app)
        if self._is_ending:
            self._server.stop()
        self._server.run(sockets=[self._listener])


def _allow_files() -> None:
    """Let this process have two open files for each connection: one may ask the provider."""
    wanted = 2 * _CONNECTIONS + 200
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if allowed < wanted:
            ceiling = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
            resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, most))


def _protocol() -> Any:
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Protocol(H11Protocol):
        """HTTP for those who do ask: uvicorn waits without end for the rest of a request's head."""

        _waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            """Wait for a first request."""
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            """Take what comes; half a head begins the wait for the other half."""
            super().data_received(data)
            cycle: Any = self.cycle  # None before the first request, whatever its type says
            if cycle is not None and not cycle.response_complete:
                self._stop_waiting()
            elif self._waiting is None:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            """Wait no more."""
            self._stop_waiting()
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            """Wait for the next request as long as uvicorn does."""
            self._stop_waiting()
            super().on_response_complete()

        def _wait(self) -> None:
            self._waiting = self.loop.call_later(_PATIENCE, self.transport.close)

        def _stop_waiting(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

    return Protocol


def _server(app: ASGIApp) -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        """A server that is told to stop, instead of looking ten times a second."""

        _told: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

        def stop(self, *, at_once: bool = False) -> None:
            """Take no more requests, and give those that are under way their answers."""
            self.should_exit = True
            self.force_exit = at_once
            if self._told is not None:
                loop, event = self._told
                loop.call_soon_threadsafe(event.set)

        async def main_loop(self) -> None:
            event = asyncio.Event()
            self._told = (asyncio.get_running_loop(), event)
            while not self.should_exit:
                await self.on_tick(0)  # the time, for the headers
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), 1.0)

    config = uvicorn.Config(
        app,
        interface="asgi3",
        http=_protocol(),
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,  # nothing of a request is logged
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_FAREWELL,
        h11_max_incomplete_event_size=_HEAD,
    )
    return Server(config)
