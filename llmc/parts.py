"""How is a request for many vectors answered? Part from the cache, the rest in one call."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from llmc.dialects import embeddings
from llmc.types import Hit, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmc.cache import Cache
    from llmc.types import Answer, Ask, Miss

__all__ = ["Parts"]


class Parts:
    """The inputs of one request, each once, and what is known of each."""

    def __init__(
        self,
        cache: Cache,
        request: Request,
        ask: Ask,
        *,
        is_too_old: Callable[[Hit], bool] = lambda _: False,
    ) -> None:
        """Look all of them up, among equal words alone; one that is too old is asked again."""
        self._cache = cache
        self._body = request.body
        self._ask = ask._replace(by_meaning=False)
        self._inputs = embeddings.texts_of(request.body)
        self._named = {_name(each): each for each in self._inputs}
        self._hits: dict[str, Hit] = {}
        self._misses: dict[str, Miss] = {}
        for name, each in self._named.items():
            asked = request._replace(body=embeddings.body_of(request.body, each))
            found = cache.lookup(asked, self._ask)
            if isinstance(found, Hit) and is_too_old(found):
                found = cache.lookup(asked, self._ask._replace(refresh=True))
            if isinstance(found, Hit):
                self._hits[name] = found
            else:
                self._misses[name] = found
        self._known = len(self._hits)

    @property
    def missing(self) -> list[Request]:
        """The requests whose vectors are not known."""
        return [miss.request for miss in self._misses.values()]

    @property
    def hits(self) -> list[Hit]:
        """What is known, of the model too."""
        return list(self._hits.values())

    @property
    def is_whole(self) -> bool:
        """Whether nothing is known of any input and none is there twice: it is asked as it is."""
        return len(self._misses) == len(self._inputs)

    def question(self) -> bytes:
        """Return the body that asks for what is missing."""
        texts = [self._named[name] for name in self._misses]
        return json.dumps(embeddings.asking_for(self._body, texts)).encode()

    def take(self, reply: bytes, *, latency: float) -> list[Hit] | None:
        """Store what was missing, and count it; None if the reply has not one vector for each."""
        answers = self.read(reply, latency=latency)
        return None if answers is None else self.keep(answers)

    def read(self, reply: bytes, *, latency: float) -> list[Answer] | None:
        """Read one answer for each of what was missing, in its order; None if it is not there."""
        answers = embeddings.answers(reply, [self._named[name] for name in self._misses])
        if answers is None:
            return None
        # Nothing is sampled: it is as good as a temperature of 0.
        return [answer._replace(latency=latency, temperature=0.0) for answer in answers]

    def keep(self, answers: Sequence[Answer], *, first: int = 0) -> list[Hit]:
        """Store answers to what was missing, from the `first` of it on, and count them."""
        missing = islice(self._misses.items(), first, None)
        taken = []
        for (name, miss), answer in zip(missing, answers, strict=False):
            hit = self._cache.put(miss, answer, self._ask)
            self._cache.record(hit)
            self._hits[name] = hit
            taken.append(hit)
        return taken

    def reply(self) -> tuple[bytes, dict[str, str]]:
        """Write all vectors as the answer to the request, and what its headers tell."""
        known = [hit for hit in self._hits.values() if hit.source != "model"]
        for hit in known:
            self._cache.record(hit)
        entries = [self._hits[_name(each)].entry for each in self._inputs]
        encoding = self._body.get("encoding_format", "float")
        body = json.dumps(embeddings.plain(entries, encoding=encoding), separators=(",", ":"))
        source = known[0].source if len(known) == len(self._hits) else "model"
        told = {"x-llmc-source": source, "x-llmc-hits": f"{len(known)}/{len(self._hits)}"}
        return body.encode(), told | {"content-type": "application/json"}


def _name(given: Any) -> str:
    return json.dumps(given)  # a text may read like a list of numbers
