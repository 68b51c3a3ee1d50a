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

__all__ = ["Upstream", "answer_headers", "pieces_of"]

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


#: In which form an answer may come although it was asked for as it is.
_READABLE = {"", "identity", "gzip", "deflate"}


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
            from http.cookiejar import DefaultCookiePolicy

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
            # What is set for one caller is not ours to keep.
            self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
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

        Raises Refused where there is no answer. `path` begins with a slash, and holds the query as
        well; `length` is that of a content that is yet to come; `encodings` are those that the
        answer may come in. Headers are bytes read as Latin-1, whatever they mean.
        """
        import httpx2

        client = self.connect()
        sent = _request_headers(headers)
        sent.append(("authorization", caller.authorization or await self._authorization()))
        sent.append(("accept-encoding", encodings))
        if length is not None:
            sent.append(("content-length", length))
        url = httpx2.URL(self.base_url)
        # In the form that they came: no default of the client's stands in for what was left out,
        # and no path is put in order, which might turn it into another host's address.
        target = url.raw_path.rstrip(b"/") + path.encode("latin-1") or b"/"
        request = httpx2.Request(
            method,
            url,
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent],
            content=content,
            extensions={"timeout": client.timeout.as_dict(), "target": target},
        )
        has_begun = False
        try:
            response = await _sent(client, request, again=isinstance(content, bytes))
            has_begun = True
            try:
                yield response
            finally:
                await response.aclose()
        except httpx2.TimeoutException:
            raise Refused(
                504, f"{self.base_url} did not answer in time", code="upstream_timeout"
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _lost(error, self.base_url, has_begun=has_begun) from None

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


def pieces_of(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Return the body of an answer as it comes: decoded, unless nobody here can do that."""
    return response.aiter_raw() if _is_opaque(response.headers) else response.aiter_bytes()


def answer_headers(headers: httpx2.Headers, *, whole: bool) -> list[tuple[str, str]]:
    """Return those of the provider's headers that go on to the client.

    Unless the body goes on as it is, `whole`, its length and its encoding are no longer true.
    """
    whole = whole or _is_opaque(headers)
    given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw]
    dropped = _HOPS | _named_hops(given) | {"date"}
    dropped |= set() if whole else {"content-length", "content-encoding"}
    return [
        (name, value)
        for name, value in given
        if name.lower() not in dropped and not name.lower().startswith("x-llmc-")
    ]


async def _sent(
    client: httpx2.AsyncClient, request: httpx2.Request, *, again: bool
) -> httpx2.Response:
    """Send a request and return the answer, its body still to be read.

    A provider may close a connection that was idle just when it is taken again: then nobody has
    read the request, and it is sent anew, if it can be sent `again`. Once: a provider that resets
    whatever it is asked would be asked, and paid, by every idle connection.
    """
    import httpx2

    steps: list[str] = []
    request.extensions["trace"] = functools.partial(_note, steps)
    try:
        return await client.send(request, stream=True)
    except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
        if not again or any(step.startswith("connection.connect") for step in steps):
            raise
    return await client.send(request, stream=True)


async def _note(steps: list[str], name: str, _: object) -> None:
    steps.append(name)


def _lost(error: Exception, base_url: str, *, has_begun: bool) -> Refused:
    if has_begun:
        what = f"the provider's answer broke off ({type(error).__name__})"
        return Refused(502, what, code="upstream_broke_off")
    reason = str(error).rpartition("] ")[2].strip(" .") or type(error).__name__
    return Refused(502, f"cannot reach {base_url} ({reason})", code="upstream_unreachable")


def _is_opaque(headers: httpx2.Headers) -> bool:
    """Tell whether a body is in a form that was not asked for, and that we do not read."""
    return headers.get("content-encoding", "identity").lower() not in _READABLE


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
