"""How does the proxy answer for embeddings? What is missing is asked once, for all who want it."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import TYPE_CHECKING, NamedTuple

from llmc.proxy.refusal import Refused
from llmc.proxy.upstream import answer_headers, pieces_of

if TYPE_CHECKING:
    from llmc.parts import Parts
    from llmc.proxy.desk import Desk
    from llmc.proxy.gate import Caller
    from llmc.proxy.relay import Relay
    from llmc.proxy.tally import Tally
    from llmc.proxy.upstream import Upstream
    from llmc.types import Answer

__all__ = ["Batch", "Vectors"]


#: As many vectors are stored before somebody else's question is looked up: some 0.05 s.
_AT_ONCE = 32


class Batch(NamedTuple):
    """One request for vectors as it came."""

    parts: Parts
    content: bytes
    headers: list[tuple[str, str]]
    path: str
    caller: Caller


class Vectors:
    """Asks for vectors."""

    def __init__(self, desk: Desk, upstream: Upstream, tally: Tally) -> None:
        self._desk = desk
        self._upstream = upstream
        self._tally = tally

    async def read(self, relay: Relay, batch: Batch) -> None:
        """Ask for the vectors that are missing, store them, and tell all."""
        self._tally.upstream_calls += 1
        parts = batch.parts
        try:
            if parts.is_whole:
                await self._fetch(relay, batch, batch.content)
            elif not await self._fetch(relay, batch, parts.question(), is_part=True):
                # What came back for a part cannot be told apart: all is asked, as it stands.
                await self._fetch(relay, batch, batch.content)
            relay.end()
        except Refused as refused:
            relay.fail(refused)
        except Exception as error:  # noqa: BLE001  (all who wait for it depend on its end)
            what = f"the provider's answer broke off ({type(error).__name__})"
            relay.fail(Refused(502, what, code="upstream_broke_off"))

    async def _fetch(
        self, relay: Relay, batch: Batch, content: bytes, *, is_part: bool = False
    ) -> bool:
        """Ask once; return False where a part was asked for and did not come."""
        started = time.monotonic()
        async with self._upstream.call(
            "POST", batch.path, headers=batch.headers, caller=batch.caller, content=content
        ) as response:
            body = b"".join([piece async for piece in pieces_of(response)])
        told = {"x-llmc-source": "model" if response.is_success else "error"}
        if response.is_success:
            latency = time.monotonic() - started
            answers = await asyncio.to_thread(batch.parts.read, body, latency=latency)
            if answers is None and is_part:
                return False
            if answers is not None:
                # What is there is stored, whoever leaves meanwhile.
                await asyncio.shield(asyncio.ensure_future(self._keep(batch.parts, answers)))
            if is_part:
                body, told = await self._desk.run(batch.parts.reply)
        dropped = {"content-length"} | ({"content-type"} & told.keys())
        headers = answer_headers(response.headers, whole=False)
        headers = [each for each in headers if each[0].lower() not in dropped]
        relay.begin(
            response.status_code, [*headers, *told.items(), ("content-length", str(len(body)))]
        )
        relay.add(body)
        return True

    async def _keep(self, parts: Parts, answers: list[Answer]) -> None:
        """Store vectors, some at a time: others want to be answered meanwhile."""
        for at in range(0, len(answers), _AT_ONCE):
            some = answers[at : at + _AT_ONCE]
            await self._desk.run(functools.partial(parts.keep, some, first=at))
        for hit in parts.hits:
            self._tally.value(hit)
