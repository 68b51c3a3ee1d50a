"""What does an SDK's client in this process ask the cache, and what does it tell it?

HTTP in, HTTP out; `transport` lets it flow, and `proxy` does the same for other processes.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc import policy
from llmc.dialects import embeddings, forms, wire
from llmc.errors import KeyRefused, LlmcError, ProviderError, Unavailable
from llmc.parts import Parts
from llmc.proxy import directives, intake
from llmc.proxy.refusal import Refused
from llmc.types import Hit, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2

    from llmc.cache import Cache
    from llmc.dialects.wire import Collector, Shape
    from llmc.proxy.directives import Wish
    from llmc.standing import Standing
    from llmc.types import Ask, Miss

__all__ = ["OWN", "Door", "Heard", "Question", "Reply"]

#: What a server says to this caller alone: another one's key may be better.
OWN = {401, 403}


class Reply(NamedTuple):
    """An answer from the cache, or the refusal of one."""

    status: int
    headers: dict[str, str]
    body: bytes


class Question(NamedTuple):
    """A request whose answer is not known."""

    miss: Miss
    ask: Ask
    shape: Shape
    posed_at: float

    @property
    def is_common(self) -> bool:
        """Whether all who ask it now may have one answer, once that is whole."""
        return not self.shape.stream and policy.may_share(self.miss, self.ask)


class Heard(NamedTuple):
    """What the provider said to one request, whole."""

    status: int
    body: bytes
    streamed: bool = False


class _Apart(Exception):
    """Ends a question that others wait with, for what came is not for them."""


class Door:
    """What a transport asks the cache, and what it tells it. Safe for threads."""

    def __init__(self, standing: Standing[Cache], ask: Ask) -> None:
        """Take the cache, and how requests are answered that do not say."""
        self._standing = standing
        self._ask = ask

    def close(self) -> None:
        """Close the cache."""
        self._standing.close()

    @property
    def _cache(self) -> Cache:
        return self._standing.current()

    def ask(self, request: httpx2.Request, content: bytes) -> Reply | Question | Parts | None:
        """Return an answer, or what is to be asked: None, as it stands, and nothing is kept."""
        base_url, _, endpoint = _parted(str(request.url))
        if request.method != "POST" or not endpoint or "content-encoding" in request.headers:
            return None
        try:
            wish = directives.wish_of(request.headers, self._ask)
            body = intake.object_of(content)
        except intake.Strange:
            return None
        except Refused as refused:
            return _refusal(refused)
        asked = Request(base_url, body, endpoint)
        if endpoint == "embeddings":
            return self._embedded(asked, wish)
        dialect = forms.DIALECTS[endpoint]
        return self._asked(asked, wish, dialect) if dialect.is_understood(body) else None

    def keep(self, question: Question, collector: Collector) -> None:
        """Store what was said, if it is a whole answer, and count it."""
        answer = collector.answer()
        if answer is not None:
            latency = time.monotonic() - question.posed_at
            answer = forms.timed(answer, question.miss.request.body, latency=latency)
            self._cache.record(self._cache.put(question.miss, answer, question.ask))

    def share(
        self, question: Question, fetch: Callable[[], Heard], *, patience: float | None = None
    ) -> Reply | None:
        """Let one of all who ask the same now `fetch` what the provider says, and store it.

        Return what that is for the others, or the failure that is theirs too; None for whoever has
        fetched, or has to ask by himself. Nobody waits longer than `patience` seconds. Raises what
        `fetch` raises, and Unavailable.
        """
        fetched: list[Heard] = []

        def led() -> Hit:
            fetched.append(fetch())
            return self._kept(question, fetched[0])

        try:
            hit = self._cache.share(question.miss, question.ask, led, patience=patience)
        except (_Apart, KeyRefused):
            return None
        except ProviderError as error:
            if isinstance(error, Unavailable) and error.status is None:
                raise
            return None if fetched else _failed(error)
        except LlmcError as error:
            return _refusal(Refused(502, str(error), code="upstream_failed"))
        if fetched:
            return None
        self._cache.record(hit)
        return _reply(question.miss.request.endpoint, hit, question.shape)

    def keep_whole(self, question: Question, heard: Heard) -> None:
        """Store what came whole, if it is an answer, and count it."""
        with contextlib.suppress(_Apart, ProviderError):
            self._kept(question, heard)

    def take(self, parts: Parts, reply: bytes, *, latency: float) -> Reply | None:
        """Store vectors that were missing; None if the reply has not one for each."""
        if parts.take(reply, latency=latency) is None:
            return None
        body, told = parts.reply()
        return Reply(200, told, body)

    def _kept(self, question: Question, heard: Heard) -> Hit:
        """Store an answer that came whole. Raises ProviderError for an error, and _Apart."""
        if heard.status in OWN:
            raise _Apart
        if not 200 <= heard.status < 300:
            kind = Unavailable if heard.status >= 500 or heard.status == 429 else ProviderError
            body = wire.loaded(heard.body)
            raise kind(f"the provider answered {heard.status}", status=heard.status, body=body)
        dialect = forms.DIALECTS[question.miss.request.endpoint]
        collector = dialect.Collector(streamed=heard.streamed)
        collector.feed(heard.body)
        answer = collector.answer()
        if answer is None:
            raise _Apart
        latency = time.monotonic() - question.posed_at
        answer = forms.timed(answer, question.miss.request.body, latency=latency)
        cache = self._cache
        hit = cache.put(question.miss, answer, question.ask)
        cache.record(hit)
        return hit

    def _asked(self, asked: Request, wish: Wish, dialect: Any) -> Reply | Question:
        found = self._cache.lookup(asked, wish.ask)
        if isinstance(found, Hit) and wish.is_too_old(found, time.time()):
            found = self._cache.lookup(asked, wish.ask._replace(refresh=True))
        shape = dialect.shape_of(asked.body)
        if isinstance(found, Hit):
            self._cache.record(found)
            return _reply(asked.endpoint, found, shape)
        if wish.ask.offline:
            return _not_cached()
        return Question(found, wish.ask, shape, time.monotonic())

    def _embedded(self, asked: Request, wish: Wish) -> Reply | Parts | None:
        if not embeddings.is_understood(asked.body):
            return None
        now = time.time()
        parts = Parts(
            self._cache, asked, wish.ask, is_too_old=lambda hit: wish.is_too_old(hit, now)
        )
        if not parts.missing:
            body, told = parts.reply()
            return Reply(200, told, body)
        return _not_cached() if wish.ask.offline else parts


def _parted(url: str) -> tuple[str, str, str]:
    """Part a URL into the API's address and one of the endpoints that are known."""
    for endpoint in (*forms.DIALECTS, "embeddings"):
        if url.endswith(f"/{endpoint}"):
            return url.removesuffix(f"/{endpoint}"), "/", endpoint
    return url, "", ""


def _reply(endpoint: str, hit: Hit, shape: Shape) -> Reply:
    body, content_type = forms.written(endpoint, hit.entry, shape)
    return Reply(200, directives.headers_of(hit) | {"content-type": content_type}, body)


def _failed(error: ProviderError) -> Reply:
    """Return another's failure as the provider told it, as far as that is known."""
    refused = Refused(error.status or 502, str(error), code="upstream_failed")
    body = refused.body if error.body is None else json.dumps(error.body).encode()
    return Reply(refused.status, refused.headers, body)


def _not_cached() -> Reply:
    return _refusal(Refused(504, "not in the cache", code="not_cached", final=True))


def _refusal(refused: Refused) -> Reply:
    return Reply(refused.status, refused.headers, refused.body)
