"""How fast is the proxy, beside LiteLLM's with its local cache? Same machine, same run.

    python benchmarks/proxy.py [--seconds N] [--litellm PYTHON] [--only llmc]

It needs wrk (the Debian package). LiteLLM gets an environment of its own, unless the interpreter of
one that has it is given: it takes minutes to install. A model on loopback answers at once. Both
proxies are up at once and are asked in turn: hits by 1, 16 and 256 connections, misses one after
the other, with direct calls between them.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from measure import (
    Environment,
    Row,
    environment_variables,
    kept,
    make_environment,
    make_wheel,
    options_of,
    ratio_of_pairs,
    say,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["measured"]

CONNECTIONS = (1, 16, 256)
MISSES = 200

#: How often each proxy is started, and how often it is put under each load.
STARTS, TURNS = 3, 3

_UPSTREAM = """
import asyncio, json, sys
message = {"role": "assistant", "content": "an answer of a few words"}
usage = {"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26}
choice = {"index": 0, "message": message, "finish_reason": "stop"}
told = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
body = json.dumps(told | {"usage": usage}).encode()
head = "HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n"
answer, calls = (head % len(body)).encode() + body, 0

async def serve(reader, writer):
    global calls
    try:
        while True:
            asked = (await reader.readuntil(b"\\r\\n\\r\\n")).lower()
            if asked.startswith(b"get /calls"):
                count = str(calls)
                writer.write((head % len(count) + count).encode())
                continue
            length = asked.partition(b"content-length:")[2].split()
            question = await reader.readexactly(int(length[0]) if length else 0)
            calls += 1
            if b"slowly" in question:
                await asyncio.sleep(0.5)
            writer.write(answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""

_LITELLM = """
model_list:
  - model_name: m
    litellm_params: {{model: openai/m, api_base: "http://127.0.0.1:{upstream}/v1", api_key: x}}
litellm_settings: {{cache: true, cache_params: {{type: local}}}}
"""


class Load(NamedTuple):
    """What wrk saw: requests a second, and milliseconds at p99."""

    rate: float
    p99: float


class Server(NamedTuple):
    """A proxy as it is started, and the port that it listens at."""

    command: list[str]
    env: dict[str, str]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.env["PORT"])


class Found(NamedTuple):
    """What was measured of one proxy; what was measured several times in the order of the turns."""

    ready: list[float]
    loads: dict[int, list[Load]]
    memory: float  # in MB, of all its processes, after the load
    overhead: float  # of a miss over a direct call, in milliseconds
    calls: int  # that eight equal requests at once made


def body_of(question: str) -> str:
    """Return a request."""
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": question}]})


#: What is asked first, and under load.
FIRST = body_of("why?")


def post(connection: http.client.HTTPConnection, body: str) -> float:
    """Ask, and return the seconds that it took."""
    started = time.perf_counter()
    told = {"Content-Type": "application/json", "Authorization": "Bearer sk-llmc-benchmark"}
    connection.request("POST", "/v1/chat/completions", body, told)
    response = connection.getresponse()
    response.read()
    if response.status != 200:
        raise RuntimeError(f"answered {response.status}")
    return time.perf_counter() - started


def measure(servers: list[Server], upstream: int, *, seconds: int) -> list[Found]:
    """Start proxies, and measure them in turn."""
    ready: list[list[float]] = [[] for _ in servers]
    for _ in range(STARTS - 1):
        for times, server in zip(ready, servers, strict=True):
            with started(server) as (_, taken):
                times.append(taken)
    with contextlib.ExitStack() as stack:
        groups = []
        for times, server in zip(ready, servers, strict=True):
            group, taken = stack.enter_context(started(server))
            groups.append(group)
            times.append(taken)
        ports = [server.port for server in servers]
        overheads = _overheads(ports, upstream)
        calls = [_calls(port, upstream) for port in ports]
        say(f"load, {TURNS} turns")
        turns = [
            {count: [_load(port, count, seconds) for port in ports] for count in CONNECTIONS}
            for _ in range(TURNS)
        ]
        memory = [_memory(group) for group in groups]
    found = []
    for number in range(len(servers)):
        loads = {count: [turn[count][number] for turn in turns] for count in CONNECTIONS}
        found.append(Found(ready[number], loads, memory[number], overheads[number], calls[number]))
    return found


@contextlib.contextmanager
def started(server: Server) -> Iterator[tuple[int, float]]:
    """Start a proxy; return its process group, and the seconds until it answered."""
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as log, contextlib.ExitStack() as stack:
        process = subprocess.Popen(
            server.command, env=server.env, stdout=log, stderr=log, start_new_session=True
        )
        stack.callback(process.wait)
        stack.callback(os.killpg, process.pid, signal.SIGKILL)
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException, RuntimeError):
                post(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30), FIRST)
                break
            if process.poll() is not None or time.perf_counter() - begin > 120:
                log.seek(0)
                raise RuntimeError(log.read().decode()[-2000:])
            time.sleep(0.01)
        yield process.pid, time.perf_counter() - begin


def _overheads(ports: list[int], upstream: int) -> list[float]:
    """Ask new questions in turn: of the provider itself, and through each proxy."""
    connections = [http.client.HTTPConnection("127.0.0.1", port) for port in [upstream, *ports]]
    rows = []
    for number in range(MISSES):
        body = body_of(f"question {number} of a benchmark?")
        rows.append([post(connection, body) for connection in connections])
    direct, *through = (statistics.median(times) for times in zip(*rows, strict=True))
    return [(each - direct) * 1000 for each in through]


def _calls(port: int, upstream: int) -> int:
    """Ask one slow question eight times at once; return how often the provider heard it."""

    def ask(_: int) -> None:
        post(http.client.HTTPConnection("127.0.0.1", port), body_of("answer this slowly"))

    before = _heard(upstream)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    return _heard(upstream) - before


def _heard(upstream: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", upstream)
    connection.request("GET", "/calls")
    return int(connection.getresponse().read())


def _load(port: int, connections: int, seconds: int) -> Load:
    script = Path(tempfile.gettempdir()) / f"llmc-wrk-{os.getpid()}.lua"
    script.write_text(
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        'wrk.headers["Authorization"] = "Bearer sk-llmc-benchmark"\n'
        f"wrk.body = [[{FIRST}]]\n"
    )
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "30", "--latency",
         "-s", str(script), url],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    script.unlink()
    if "Non-2xx" in done.stdout:
        raise RuntimeError(done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert rate is not None
    return Load(float(rate[1]), _milliseconds(done.stdout, "99%"))


def _milliseconds(told: str, name: str) -> float:
    found = re.search(rf"{name}\s+([\d.]+)(us|ms|s)", told)
    assert found is not None
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def _memory(group: int) -> float:
    """Return the resident memory of a process group, in MB."""
    total = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(folder.name)) == group:
                status = (folder / "status").read_text()
                total += int(status.partition("VmRSS:")[2].split()[0]) / 1024
    return total


@contextlib.contextmanager
def _upstream() -> Iterator[int]:
    server = subprocess.Popen([sys.executable, "-c", _UPSTREAM], stdout=subprocess.PIPE, text=True)
    with server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.kill()


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


def rows(ours: Found, theirs: Found | None) -> list[Row]:
    """Put both side by side."""

    def row(what: str, one: float, other: float | None, unit: str, target: str = "") -> Row:
        ratio = None if other is None else one / other
        beside = "" if other is None else f"LiteLLM's: {other:.3g} {unit}".rstrip()
        return Row(what, f"{one:.3g} {unit}".rstrip(), ratio, beside, target)

    ready, memory = statistics.median(ours.ready), ours.memory
    found = [
        row("`llmc serve`: ready after", ready, theirs and statistics.median(theirs.ready), "s",
            kept(ready, 1.0)),
        row("`llmc serve`: memory after the load", memory, theirs and theirs.memory, "MB",
            "" if theirs is None else kept(memory / theirs.memory, 0.33)),
        row("`llmc serve`: a miss, over a direct call", ours.overhead, theirs and theirs.overhead,
            "ms", f"{kept(ours.overhead, 5)} (ms)"),
        row("`llmc serve`: calls that 8 equal requests at once make", ours.calls,
            theirs and theirs.calls, "", kept(ours.calls, 1)),
    ]  # fmt: skip
    for count in CONNECTIONS:
        found += _loads(count, ours.loads[count], theirs and theirs.loads[count])
    return found


def _loads(count: int, ours: list[Load], theirs: list[Load] | None) -> list[Row]:
    """Compare the loads of one number of connections, turn by turn."""
    what = f"`llmc serve`: hits a second at {count} connection{'s' * (count > 1)}"
    rate, p99 = (statistics.median(values) for values in zip(*ours, strict=True))
    if theirs is None:
        return [Row(what, f"{rate:,.0f}"), Row("— p99", f"{p99:,.1f} ms")]
    their_rate, their_p99 = (statistics.median(values) for values in zip(*theirs, strict=True))
    # A turn in which one of them answered nothing at all, on a machine that is too busy, is none.
    pairs = [(a.rate, b.rate) for a, b in zip(ours, theirs, strict=True) if a.rate and b.rate]
    ratio = ratio_of_pairs(pairs) if pairs else None
    target = "" if ratio is None else kept(ratio, 15, least=True)
    told = f"{p99:,.1f} ms; LiteLLM's {their_p99:,.1f} ms"
    lower = f"lower {'✓' if p99 < their_p99 else '✗'}" if pairs else ""
    return [
        Row(what, f"{rate:,.0f}", ratio, f"LiteLLM's: {their_rate:,.0f}", target),
        Row("— p99", told, target=lower),
    ]


def servers_of(
    environment: Environment, folder: Path, upstream: int, *, litellm: str | None
) -> list[Server]:
    """Say how both proxies are started; `litellm` is the Python that has it, if it is measured."""
    plain = environment_variables(folder) | {"OPENAI_BASE_URL": f"http://127.0.0.1:{upstream}/v1"}
    ours = plain | {"PORT": _free_port(), "OPENAI_API_KEY": "x"}
    command = [environment.program("llmc"), "serve", "-q", "--port", ours["PORT"]]
    servers = [Server(command, ours)]
    if litellm is not None:
        settings = folder / "litellm.yaml"
        settings.write_text(_LITELLM.format(upstream=upstream))
        theirs = plain | {"PORT": _free_port(), "LITELLM_MASTER_KEY": "sk-llmc-benchmark"}
        theirs |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        program = str(Path(litellm).parent / "litellm")
        command = [litellm, program, "--config", str(settings), "--port", theirs["PORT"]]
        servers.append(Server([*command, "--host", "127.0.0.1"], theirs))
    return servers


def measured(
    environment: Environment, folder: Path, *, seconds: int, peers: bool, litellm: str | None = None
) -> list[Row]:
    """Measure in an environment in which llmc is installed, LiteLLM in one of its own."""
    if shutil.which("wrk") is None:
        return [Row("`llmc serve`", "skipped: wrk is not installed")]
    if peers and litellm is None:
        say("installing LiteLLM")
        litellm = make_environment(folder / "litellm", "litellm[proxy]").python
    with _upstream() as upstream:
        servers = servers_of(environment, folder, upstream, litellm=litellm if peers else None)
        say("measuring the proxy")
        ours, *others = measure(servers, upstream, seconds=seconds)
    return rows(ours, others[0] if others else None)


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="of load, each")
    parser.add_argument("--litellm", help="the interpreter of an environment that has it")
    parser.add_argument("--only", choices=["llmc"], help="without LiteLLM")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="llmc-proxy-") as name:
        folder = Path(name)
        builder = make_environment(folder / "builder", "wheel")
        environment = make_environment(folder / "env", make_wheel(builder, folder))
        found = measured(
            environment,
            folder,
            seconds=options.seconds,
            peers=options.only is None,
            litellm=options.litellm,
        )
        tell(found, as_json=options.json)


if __name__ == "__main__":
    main()
