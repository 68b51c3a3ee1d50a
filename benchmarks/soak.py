"""Does the proxy leak, and is every answer the right one, while the provider fails in every way?

    python benchmarks/soak.py [MINUTES] [--clients N]

A real `llmc serve` before a model on loopback that fails on purpose: errors, calls that are slow
or hang, answers that are reset or end too early. Clients ask plainly, in streams and for
embeddings, and some hang up; each checks what it gets. Memory, open files, threads and what is on
its way are looked at all the time, and once more when everybody has left. Ends with 1 on a leak or
a wrong answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import json
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from measure import ROOT, Row, environment_variables, options_of, say, tell

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Questions that are asked again and again, and the share of requests that are for one of them.
POPULAR, REPEATED = 500, 0.7

#: At how many requests memory is told.
TOLD_AT = (1_000, 10_000, 50_000, 100_000)

#: The seconds after which the proxy gives a call up, and which it gets to come to rest.
TIMEOUT, REST = 4, 30

#: How many of a hundred calls fail, by how: the rest is answered.
FAULTS = {"500": 4, "429": 4, "reset": 4, "cut": 4, "slow": 2, "hung": 0.2, "garbled": 1}


def words_of(number: int) -> str:
    """Return the one right answer to a question."""
    return f"answer {number}: " + hashlib.sha256(str(number).encode()).hexdigest() * (number % 5)


def vector_of(text: str) -> list[float]:
    """Return the one right vector of a text."""
    return [byte / 256 for byte in hashlib.sha256(text.encode()).digest()[:16]]


# -- the provider --------------------------------------------------------------------------------


class Provider:
    """A model that fails on purpose."""

    def __init__(self, seed: int) -> None:
        self.calls: Counter[str] = Counter()
        self._random = random.Random(seed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        gone = (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError)
        with contextlib.suppress(*gone):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = re.search(r"content-length: *(\d+)", head)
                body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
                fault = self._fault()
                self.calls[fault] += 1
                if not await self._answer(writer, body, fault):
                    break
        writer.close()

    def _fault(self) -> str:
        drawn = self._random.random() * 100
        for name, share in FAULTS.items():
            drawn -= share
            if drawn < 0:
                return name
        return "none"

    async def _answer(self, writer: asyncio.StreamWriter, body: dict[str, Any], fault: str) -> bool:
        """Answer one request; return whether another may come."""
        if fault in {"500", "429"}:
            writer.write(_whole({"error": {"message": "no"}}, f"{fault} No", "Retry-After: 1"))
            return True
        if fault in {"slow", "hung"}:
            await asyncio.sleep(0.5 if fault == "slow" else 2 * TIMEOUT)
        if fault == "garbled":
            writer.write(_head("application/json", 9) + b"<html> no")
            return True
        whole = _events(body) if body.get("stream") else json.dumps(_reply(body)).encode()
        form = "text/event-stream" if body.get("stream") else "application/json"
        if fault == "reset":  # a length is promised, and not kept
            writer.write(_head(form, len(whole)) + whole[: len(whole) // 2])
            await writer.drain()
            writer.transport.abort()
            return False
        if fault == "cut":  # the end of the connection is the end of the answer
            writer.write(_head(form, None) + whole[: len(whole) // 2])
            await writer.drain()
            return False
        writer.write(_head(form, len(whole)) + whole)
        await writer.drain()
        return True


def _head(form: str, length: int | None, status: str = "200 OK", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {form}", *more]
    lines.append("Connection: close" if length is None else f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()


def _whole(value: object, status: str, *more: str) -> bytes:
    body = json.dumps(value).encode()
    return _head("application/json", len(body), status, *more) + body


def _reply(body: dict[str, Any]) -> dict[str, Any]:
    usage = {"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26}
    if "input" in body:
        found = enumerate(vector_of(text) for text in body["input"])
        data = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in found]
        return {"object": "list", "data": data, "model": body["model"], "usage": usage}
    message = {"role": "assistant", "content": _text(body)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage}


def _text(body: dict[str, Any]) -> str:
    return words_of(int(body["messages"][0]["content"].split()[1]))


def _events(body: dict[str, Any]) -> bytes:
    text = _text(body)
    deltas: list[tuple[dict[str, str], str | None]] = [
        ({"content": text[at : at + 20]}, None) for at in range(0, len(text), 20)
    ]
    events = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        for delta, finish in [*deltas, ({}, "stop")]
    ]
    return b"".join(f"data: {json.dumps(e)}\n\n".encode() for e in events) + b"data: [DONE]\n\n"


# -- the clients ---------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What came of a request."""

    status: int
    source: str
    body: bytes


class Client:
    """Asks one thing after the other, and looks at what it gets."""

    def __init__(self, port: int, seed: int, seen: Seen) -> None:
        self._port = port
        self._random = random.Random(seed)
        self._seen = seen
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask_until(self, ends: float) -> None:
        """Ask until an instant of the monotonic clock."""
        while time.monotonic() < ends:
            try:
                await self._ask()
            except (asyncio.IncompleteReadError, ConnectionError, EOFError):
                self._seen.outcomes["broke off"] += 1
                self._leave()
        self._leave()

    async def _ask(self) -> None:
        kind = self._random.choices(["plain", "stream", "embeddings", "hang up"], [40, 35, 15, 10])[
            0
        ]
        if kind == "embeddings":
            texts = [f"text {self._number()}" for _ in range(self._random.randint(1, 5))]
            answer = await self._sent("/v1/embeddings", {"model": "e", "input": texts})
            self._note(answer, _vectors(answer) == [vector_of(text) for text in texts])
            return
        number = self._number()
        body: dict[str, Any] = {"model": "m", "messages": _messages(number)}
        stream = kind == "stream" or (kind == "hang up" and self._random.random() < 0.7)
        body |= {"stream": True} if stream else {}
        if kind == "hang up":
            await self._hang_up(body)
            return
        answer = await self._sent("/v1/chat/completions", body)
        text, is_whole = _streamed(answer) if stream else _plain(answer)
        right = text == words_of(number)
        # A stream that ends too early says so by its missing end; from the cache none may.
        early = answer.source == "model" and not is_whole and words_of(number).startswith(text)
        self._note(answer, right or early)

    def _number(self) -> int:
        if self._random.random() < REPEATED:
            return self._random.randrange(POPULAR)
        return self._random.randrange(10**9)

    def _note(self, answer: Answer, right: bool) -> None:
        self._seen.requests += 1
        self._seen.outcomes[answer.source if answer.status == 200 else str(answer.status)] += 1
        known = answer.status in {429, 500, 502, 504}
        if not (right if answer.status == 200 else known) and not _is_garbled(answer):
            self._seen.wrong.append(answer)

    async def _sent(self, path: str, body: dict[str, Any]) -> Answer:
        reader = await self._post(path, body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"content-length: *(\d+)", head)
        if length:
            content = await reader.readexactly(int(length[1]))
        else:
            content = b"".join([piece async for piece in _chunks(reader)])
        if "connection: close" in head:
            self._leave()
        source = re.search(r"x-llmc-source: *(\w+)", head)
        return Answer(int(head.split()[1]), source[1] if source else "", content)

    async def _hang_up(self, body: dict[str, Any]) -> None:
        """Ask, and leave: at once, or with the beginning of an answer."""
        reader = await self._post("/v1/chat/completions", body)
        if self._random.random() < 0.5:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(100), 0.2)
        self._leave()
        self._seen.requests += 1
        self._seen.outcomes["hung up"] += 1

    async def _post(self, path: str, body: dict[str, Any]) -> asyncio.StreamReader:
        if self._connection is None:
            self._connection = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._connection
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        await writer.drain()
        return reader

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection[1].transport.abort()
            self._connection = None


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)


def _messages(number: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"question {number} of a soak"}]


def _loaded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {}


def _plain(answer: Answer) -> tuple[str, bool]:
    choices = _loaded(answer.body).get("choices")
    return (choices[0]["message"]["content"], True) if choices else ("", False)


def _streamed(answer: Answer) -> tuple[str, bool]:
    told = [line[6:] for line in answer.body.decode().split("\n\n") if line.startswith("data: {")]
    choices = [choice for line in told for choice in _loaded(line.encode()).get("choices", [])]
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    return text, any(choice.get("finish_reason") for choice in choices)


def _vectors(answer: Answer) -> list[list[float]]:
    return [item["embedding"] for item in _loaded(answer.body).get("data", [])]


def _is_garbled(answer: Answer) -> bool:
    """Tell whether this is what the provider sent in the place of an answer; no cache may."""
    return answer.source == "model" and not _loaded(answer.body) and b"data:" not in answer.body


# -- the proxy, and what is seen of it -----------------------------------------------------------


class Look(NamedTuple):
    """The proxy at one moment."""

    at: float  # seconds since the start
    requests: int
    memory: float  # resident, in MB
    files: int
    threads: int
    open_requests: int
    open_answers: int


class Seen:
    """What came of everything."""

    def __init__(self) -> None:
        self.requests = 0
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[Answer] = []
        self.looks: list[Look] = []
        self.told: dict[int, float] = {}  # memory at so many requests


def _held(pid: int) -> tuple[float, int, int]:
    """Return a process's resident memory in MB, its open files and its threads."""
    status = Path(f"/proc/{pid}/status").read_text()
    memory, threads = (status.partition(name)[2].split()[0] for name in ("VmRSS:", "Threads:"))
    return int(memory) / 1024, len(os.listdir(f"/proc/{pid}/fd")), int(threads)


async def look(pid: int, port: int, seen: Seen, started: float) -> Look:
    """Look at the proxy, from outside and by its own figures."""
    memory, files, threads = _held(pid)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    figures = (await reader.read()).decode()
    writer.close()

    def figure(name: str) -> int:
        found = re.search(rf"^{name} (\d+)", figures, re.MULTILINE)
        return int(found[1]) if found else -1

    return Look(
        time.monotonic() - started,
        seen.requests,
        memory,
        files,
        threads,
        figure("llmc_open_requests") - 1,  # without this one
        figure("llmc_open_answers"),
    )


async def soak(seconds: float, *, clients: int, home: Path) -> Seen:
    """Let clients ask for so long, then wait until the proxy has come to rest."""
    seen, provider = Seen(), Provider(1)
    upstream = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{upstream.sockets[0].getsockname()[1]}/v1"
    env = environment_variables(home) | {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "x"}
    env |= {"LLMC_TIMEOUT": str(TIMEOUT)}
    if importlib.util.find_spec("llmc") is None:  # not installed: that of this checkout
        env |= {"PYTHONPATH": str(ROOT)}
    words = ["-m", "llmc", "serve", "--port", "0"]
    proxy = await asyncio.create_subprocess_exec(
        sys.executable, *words, env=env, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert proxy.stderr is not None
        port = int((await proxy.stderr.readline()).decode().partition("/v1")[0].rpartition(":")[2])
        started = time.monotonic()
        asking = asyncio.gather(
            *(Client(port, seed, seen).ask_until(started + seconds) for seed in range(clients))
        )
        while not asking.done():
            await asyncio.wait([asking], timeout=min(5.0, seconds / 20))
            seen.looks.append(await look(proxy.pid, port, seen, started))
            for count in TOLD_AT:
                if seen.requests >= count:
                    seen.told.setdefault(count, seen.looks[-1].memory)
        await asking
        for _ in range(REST):
            await asyncio.sleep(1)
            seen.looks.append(await look(proxy.pid, port, seen, started))
            if not seen.looks[-1].open_requests and not seen.looks[-1].open_answers:
                break
    finally:
        proxy.terminate()
        await proxy.wait()
        upstream.close()
    say(f"the provider: {dict(provider.calls)}")
    return seen


def failings(seen: Seen) -> list[str]:
    """Say what is wrong: a wrong answer, something that never ended, something that grew."""
    last, looks = seen.looks[-1], seen.looks
    warm = looks[len(looks) // 4 : len(looks) // 2] or looks[:1]
    late = looks[len(looks) * 3 // 4 :]
    found = [f"a wrong answer: {answer}" for answer in seen.wrong[:5]]
    found += [f"{len(seen.wrong)} wrong answers"] if seen.wrong else []
    if last.open_requests or last.open_answers:
        found.append(f"{last.open_requests} requests, {last.open_answers} answers never ended")
    if last.files > max(each.files for each in warm):
        found.append(f"{last.files} files are open at rest, more than under load")
    if last.threads > max(each.threads for each in warm):
        found.append(f"{last.threads} threads at rest, more than under load")
    before, after = (statistics.median(each.memory for each in part) for part in (warm, late))
    if after > before * 1.15 + 10:
        found.append(f"memory grew from {before:.0f} to {after:.0f} MB")
    return found


def print_looks(seen: Seen) -> None:
    """Print a table of some twenty looks, the last among them, and what came of all requests."""
    print("| minute | requests | memory | files | threads | requests open | answers open |")
    print("|--------|----------|--------|-------|---------|---------------|--------------|")
    step = max(1, len(seen.looks) // 20)
    for each in [*seen.looks[:-1:step], seen.looks[-1]]:
        print(
            f"| {each.at / 60:6.2f} | {each.requests:8,} | {each.memory:3.0f} MB |"
            f" {each.files:5} | {each.threads:7} | {each.open_requests:13} |"
            f" {each.open_answers:12} |"
        )
    print()
    print("requests:", ", ".join(f"{n:,} {name}" for name, n in seen.outcomes.most_common()))
    for count, memory in seen.told.items():
        print(f"memory after {count:,} requests: {memory:.0f} MB")


def rows(seen: Seen, minutes: float) -> list[Row]:
    """Say in a few rows what was seen."""
    last, wrong = seen.looks[-1], len(seen.wrong)
    most = max(each.files for each in seen.looks)
    found = [
        Row(f"proxy: requests in {minutes:g} minutes of faults", f"{seen.requests:,}"),
        Row("— wrong answers", f"{wrong:,}", target=f"0 {'✗' if wrong else '✓'}"),
        Row("— files open at rest", f"{last.files}", last.files / most, f"under load, {most}"),
    ]
    first = next(iter(seen.told.values()), 0.0)
    for count, memory in seen.told.items():
        ratio = None if memory == first else memory / first
        against = "" if ratio is None else f"after {next(iter(seen.told)):,}, {first:.0f} MB"
        found.append(Row(f"— memory after {count:,}", f"{memory:.0f} MB", ratio, against))
    return found


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=10.0)
    parser.add_argument("--clients", type=int, default=32)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="llmc-soak-") as name:
        seen = asyncio.run(soak(options.minutes * 60, clients=options.clients, home=Path(name)))
    if options.json:
        tell(rows(seen, options.minutes), as_json=True)
    else:
        print_looks(seen)
    found = failings(seen)
    for each in found:
        say(each)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
