"""What does an SDK's client in this process ask the cache, and what does it tell it?

HTTP in, HTTP out; `transport` lets it flow, and `proxy` does the same for other processes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc.dialects import embeddings, forms
from llmc.parts import Parts
from llmc.proxy import directives, intake
from llmc.proxy.refusal import Refused
from llmc.types import Hit, Request

if TYPE_CHECKING:
    import httpx2

    from llmc.cache import Cache
    from llmc.dialects.wire import Collector, Shape
    from llmc.proxy.directives import Wish
    from llmc.types import Ask, Miss

__all__ = ["Door", "Question", "Reply"]


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


class Door:
    """What a transport asks the cache, and what it tells it. Safe for threads."""

    def __init__(self, cache: Cache, ask: Ask) -> None:
        """Take the cache, and how requests are answered that do not say."""
        self._cache = cache
        self._ask = ask

    def close(self) -> None:
        """Close the cache."""
        self._cache.close()

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

    def take(self, parts: Parts, reply: bytes, *, latency: float) -> Reply | None:
        """Store vectors that were missing; None if the reply has not one for each."""
        if parts.take(reply, latency=latency) is None:
            return None
        body, told = parts.reply()
        return Reply(200, told, body)

    def _asked(self, asked: Request, wish: Wish, dialect: Any) -> Reply | Question:
        found = self._cache.lookup(asked, wish.ask)
        if isinstance(found, Hit) and wish.is_too_old(found, time.time()):
            found = self._cache.lookup(asked, wish.ask._replace(refresh=True))
        shape = dialect.shape_of(asked.body)
        if isinstance(found, Hit):
            self._cache.record(found)
            body, content_type = forms.written(asked.endpoint, found.entry, shape)
            return Reply(200, directives.headers_of(found) | {"content-type": content_type}, body)
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


def _not_cached() -> Reply:
    return _refusal(Refused(504, "not in the cache", code="not_cached", final=True))


def _refusal(refused: Refused) -> Reply:
    return Reply(refused.status, refused.headers, refused.body)
