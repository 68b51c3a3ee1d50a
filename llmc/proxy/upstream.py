"""How does a request reach the provider, and its answer come back? As they are, byte for byte."""

from __future__ import annotations

import functools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from llmc.errors import KeyRefused
from llmc.proxy.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    import httpx2

    from llmc.proxy.gate import Caller

__all__ = ["Upstream", "answer_headers"]

#: What is between two hosts, and not part of the message.
_HOPS = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}

#: What is between the client and us.
_OURS = {
    "authorization",
    "cache-control",
    "content-length",
    "cookie",
    "expect",
    "host",
    "origin",
    "pragma",
    "referer",
}


class Upstream:
    """The provider's API, kept connected."""

    def __init__(self, base_url: str, *, name: str, key: Callable[[], str], timeout: float) -> None:
        """Prepare; `key` is called, once, where a caller brings none of its own."""
        self.base_url = base_url
        self.name = name
        self._key = functools.cache(key)
        self._timeout = timeout
        self._client: httpx2.AsyncClient | None = None

    def connect(self) -> httpx2.AsyncClient:
        """Return the client, made on first use. Raises Refused where it cannot be."""
        if self._client is None:
            import httpx2

            try:
                self._client = httpx2.AsyncClient(
                    # Certificates take a while to load, and http:// needs none.
                    verify=self.base_url.startswith("https:"),
                    timeout=httpx2.Timeout(self._timeout, connect=min(self._timeout, 10.0)),
                    limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
                    follow_redirects=False,
                )
            except (OSError, ImportError, ValueError, httpx2.InvalidURL):
                # Their texts may repeat a proxy's password.
                raise Refused(
                    502,
                    "proxy or certificates of the environment cannot be used",
                    code="upstream_unreachable",
                    final=True,
                ) from None
        return self._client

    @asynccontextmanager
    async def call(
        self,
        method: str,
        path: str,
        *,
        headers: Iterable[tuple[str, str]],
        caller: Caller,
        content: bytes | AsyncIterator[bytes],
        length: str | None = None,
        encodings: str = "identity",
    ) -> AsyncIterator[httpx2.Response]:
        """Send a request on and give its answer, the body still to be read.

        Raises Refused where there is no answer. `length` is that of a content that is yet
        to come; `encodings` are those that the answer may come in.
        """
        import httpx2

        client = self.connect()
        sent = _request_headers(headers)
        sent.append(("authorization", caller.authorization or await self._authorization()))
        sent.append(("accept-encoding", encodings))
        if length is not None:
            sent.append(("content-length", length))
        # In the form that they came: no default of the client's stands in for what was left out.
        request = httpx2.Request(
            method,
            f"{self.base_url}{path}",
            headers=sent,
            content=content,
            extensions={"timeout": client.timeout.as_dict()},
        )
        try:
            response = await client.send(request, stream=True)
        except httpx2.TimeoutException:
            raise Refused(
                504, f"{self.base_url} did not answer in time", code="upstream_timeout"
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            reason = str(error).rpartition("] ")[2].strip(" .") or type(error).__name__
            raise Refused(
                502, f"cannot reach {self.base_url} ({reason})", code="upstream_unreachable"
            ) from None
        try:
            yield response
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Let go of all connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _authorization(self) -> str:
        import asyncio

        try:
            return f"Bearer {await asyncio.to_thread(self._key)}"
        except KeyRefused as error:
            raise Refused(401, str(error), code="no_key", final=True) from None


def answer_headers(headers: httpx2.Headers, *, whole: bool) -> list[tuple[str, str]]:
    """Return those of the provider's headers that go on to the client.

    Unless the body goes on as it is, `whole`, its length and its encoding are no longer true.
    """
    given = list(headers.multi_items())
    dropped = _HOPS | _named_hops(given) | {"date"}
    dropped |= set() if whole else {"content-length", "content-encoding"}
    return [(name, value) for name, value in given if name.lower() not in dropped]


def _request_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    given = list(headers)
    dropped = _HOPS | _OURS | _named_hops(given) | {"accept-encoding"}
    return [
        (name, value)
        for name, value in given
        if name.lower() not in dropped and not name.lower().startswith("x-llmc-")
    ]


def _named_hops(headers: Iterable[tuple[str, str]]) -> set[str]:
    values = [value for name, value in headers if name.lower() == "connection"]
    return {word.strip().lower() for value in values for word in value.split(",")}
