"""How are embeddings answered? Text by text: what is known from the cache, the rest in one call."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc.dialects import embeddings
from llmc.proxy.refusal import Refused
from llmc.proxy.upstream import answer_headers
from llmc.types import Hit, Miss, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmc.proxy.desk import Desk
    from llmc.proxy.directives import Wish
    from llmc.proxy.gate import Caller
    from llmc.proxy.relay import Relay
    from llmc.proxy.tally import Tally
    from llmc.proxy.upstream import Upstream

__all__ = ["Batch", "Vectors"]


class Batch(NamedTuple):
    """One request for vectors: its inputs, each once, and what is known of each."""

    body: dict[str, Any]
    content: bytes
    headers: list[tuple[str, str]]
    path: str
    caller: Caller
    wish: Wish
    inputs: list[Any]
    found: dict[str, Hit | Miss]

    @property
    def missing(self) -> list[Any]:
        """The inputs whose vectors are not known."""
        known = self.found
        return [each for name, each in _named(self.inputs).items() if isinstance(known[name], Miss)]

    @property
    def key(self) -> tuple[str, bytes, Caller]:
        """What two requests share that want the same."""
        return self.wish.ask.namespace, hashlib.sha256(self.content).digest(), self.caller


class Vectors:
    """Answers requests for embeddings."""

    def __init__(
        self, desk: Desk, upstream: Upstream, tally: Tally, clock: Callable[[], float]
    ) -> None:
        self._desk = desk
        self._upstream = upstream
        self._tally = tally
        self._clock = clock

    async def batch(
        self,
        body: dict[str, Any],
        content: bytes,
        *,
        headers: list[tuple[str, str]],
        path: str,
        caller: Caller,
        wish: Wish,
    ) -> Batch:
        """Look up all inputs of a request."""
        inputs = embeddings.texts_of(body)
        base_url, provider = self._upstream.base_url, self._upstream.name
        named = _named(inputs)
        asked = [
            Request(base_url, embeddings.body_of(body, each), "embeddings", provider)
            for each in named.values()
        ]
        looked_up = await self._desk.lookup_all(asked, wish, now=self._clock())
        found = dict(zip(named, looked_up, strict=True))
        return Batch(body, content, headers, path, caller, wish, inputs, found)

    def reply(self, batch: Batch) -> tuple[bytes, dict[str, str]]:
        """Write the vectors of a batch that is known whole, and what its headers tell."""
        hits = [found for found in batch.found.values() if isinstance(found, Hit)]
        old = [hit for hit in hits if hit.source != "model"]
        for hit in old:
            self._desk.record(hit)
            self._tally.value(hit)
        by_name = {name: hit for name, hit in batch.found.items() if isinstance(hit, Hit)}
        entries = [by_name[_name(each)].entry for each in batch.inputs]
        encoding = batch.body.get("encoding_format", "float")
        written = embeddings.plain(entries, encoding=encoding)
        told = {
            "content-type": "application/json",
            "x-llmc-source": hits[0].source if len(old) == len(hits) else "model",
            "x-llmc-hits": f"{len(old)}/{len(hits)}",
        }
        return json.dumps(written, separators=(",", ":")).encode(), told

    async def read(self, relay: Relay, batch: Batch) -> None:
        """Ask for the vectors that are missing, store them, and tell all."""
        self._tally.upstream_calls += 1
        missing = batch.missing
        whole = len(missing) == len(batch.inputs)
        content = batch.content
        if not whole:
            content = json.dumps(embeddings.asking_for(batch.body, missing)).encode()
        try:
            told = await self._fetch(relay, batch, content, missing, whole=whole)
            if not told:
                # What came back for a part cannot be told apart: all of it is asked, as it stands.
                await self._fetch(relay, batch, batch.content, missing, whole=True)
            relay.end()
        except Refused as refused:
            relay.fail(refused)
        except Exception as error:  # noqa: BLE001  (all who wait for it depend on its end)
            what = f"the provider's answer broke off ({type(error).__name__})"
            relay.fail(Refused(502, what, code="upstream_broke_off"))

    async def _fetch(
        self, relay: Relay, batch: Batch, content: bytes, missing: list[Any], *, whole: bool
    ) -> bool:
        """Ask once; return False where a part was asked for and is not there."""
        started = time.monotonic()
        async with self._upstream.call(
            "POST", batch.path, headers=batch.headers, caller=batch.caller, content=content
        ) as response:
            reply = await response.aread()
            latency = time.monotonic() - started
            headers = answer_headers(response.headers, whole=False)
            answers = embeddings.answers(reply, missing) if response.is_success else None
            if answers is None and response.is_success and not whole:
                return False
            told = {"x-llmc-source": "model" if response.is_success else "error"}
            if answers is not None:
                timed = [answer._replace(latency=latency, temperature=0.0) for answer in answers]
                names = [_name(each) for each in missing]
                misses = [found for n in names if isinstance(found := batch.found[n], Miss)]
                hits = await self._desk.put_all(misses, timed, batch.wish.ask)
                for hit in hits:
                    self._tally.value(hit)
                filled = batch._replace(found=batch.found | dict(zip(names, hits, strict=True)))
                if not whole:
                    reply, told = self.reply(filled)
            dropped = {"content-type"} & told.keys()
            headers = [each for each in headers if each[0].lower() not in dropped]
            headers += [*told.items(), ("content-length", str(len(reply)))]
            relay.begin(response.status_code, headers)
            relay.add(reply)
        return True


def _named(inputs: list[Any]) -> dict[str, Any]:
    """Return the inputs by names that are equal where they are."""
    return {_name(each): each for each in inputs}


def _name(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given)
