"""How fast is the proxy, beside LiteLLM's with its local cache? Same machine, same run.

    python benchmarks/proxy.py [--seconds N] [--litellm PYTHON] [--only llmc]

It needs wrk (the Debian package). LiteLLM gets an environment of its own, unless the interpreter of
one that has it is given: it takes minutes to install. A model on loopback answers at once; hits are
asked by 1, 16 and 256 connections, misses one after the other, in turn with direct calls.
"""

from __future__ import annotations

import argparse
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

from measure import Row, environment_variables, make_environment, make_wheel, print_table, say

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTIONS = (1, 16, 256)
MISSES = 200

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
    """What wrk saw: requests a second, and milliseconds at the median and at p99."""

    rate: float
    median: float
    p99: float


class Found(NamedTuple):
    """What was measured of one proxy."""

    ready: float
    loads: dict[int, Load]
    memory: float  # in MB, of all its processes, after the load
    overhead: float  # of a miss over a direct call, in milliseconds
    calls: int  # that eight equal requests at once made


def body_of(question: str) -> str:
    """Return a request."""
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": question}]})


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


def measure(command: list[str], env: dict[str, str], upstream: int, *, seconds: int) -> Found:
    """Start a proxy, and measure it."""
    port = int(env["PORT"])
    started = time.perf_counter()
    with tempfile.TemporaryFile() as log, contextlib.ExitStack() as stack:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
        stack.callback(os.killpg, server.pid, signal.SIGKILL)
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException, RuntimeError):
                post(http.client.HTTPConnection("127.0.0.1", port, timeout=30), body_of("why?"))
                break
            if server.poll() is not None or time.perf_counter() - started > 120:
                log.seek(0)
                raise RuntimeError(log.read().decode()[-2000:])
            time.sleep(0.01)
        ready = time.perf_counter() - started
        overhead = _overhead(port, upstream)
        calls = _calls(port, upstream)
        loads = {count: _load(port, count, seconds) for count in CONNECTIONS}
        return Found(ready, loads, _memory(server.pid), overhead, calls)


def _overhead(port: int, upstream: int) -> float:
    """Ask new questions in turn: of the provider itself, and through the proxy."""
    direct = http.client.HTTPConnection("127.0.0.1", upstream)
    through = http.client.HTTPConnection("127.0.0.1", port)
    pairs = []
    for number in range(MISSES):
        body = body_of(f"question {number} of a benchmark?")
        pairs.append((post(direct, body), post(through, body)))
    ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    return (theirs - ours) * 1000


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
        f"wrk.body = [[{body_of('why?')}]]\n"
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
    return Load(
        float(rate[1]), _milliseconds(done.stdout, "50%"), _milliseconds(done.stdout, "99%")
    )


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
        beside = "" if other is None else f"LiteLLM {other:,.1f} {unit}: {one / other:.2f} times"
        return Row(what, f"{one:,.1f} {unit}", beside, target)

    found = [
        row("proxy: ready after", ours.ready, theirs and theirs.ready, "s", "< 1 s"),
        row("proxy: memory after the load", ours.memory, theirs and theirs.memory, "MB", "≤ 0.33"),
        row("proxy: a miss over a direct call", ours.overhead, theirs and theirs.overhead, "ms",
            "≤ 5 ms"),
        row("proxy: calls for 8 equal requests at once", ours.calls, theirs and theirs.calls, "",
            "1"),
    ]  # fmt: skip
    for count in CONNECTIONS:
        one, other = ours.loads[count], theirs and theirs.loads[count]
        at = f"proxy: hits at {count} connection{'s' * (count > 1)}"
        found.append(row(at, one.rate, other and other.rate, "/s", "≥ 15"))
        found.append(row("— p50", one.median, other and other.median, "ms"))
        found.append(row("— p99", one.p99, other and other.p99, "ms", "lower"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="of load, each")
    parser.add_argument("--litellm", help="the interpreter of an environment that has it")
    parser.add_argument("--only", choices=["llmc"], help="without LiteLLM")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed")
    with tempfile.TemporaryDirectory(prefix="llmc-proxy-") as name, _upstream() as upstream:
        folder = Path(name)
        builder = make_environment(folder / "builder", "wheel")
        environment = make_environment(folder / "env", make_wheel(builder, folder))
        env = environment_variables(folder) | {"OPENAI_BASE_URL": f"http://127.0.0.1:{upstream}/v1"}
        env |= {"PORT": _free_port()}
        say("llmc serve")
        command = [environment.program("llmc"), "serve", "-q", "--port", env["PORT"]]
        ours = measure(command, env | {"OPENAI_API_KEY": "x"}, upstream, seconds=options.seconds)
        theirs = None
        if options.only is None:
            python = options.litellm
            if python is None:
                say("installing LiteLLM")
                python = make_environment(folder / "litellm", "litellm[proxy]").python
            say("LiteLLM")
            settings = folder / "litellm.yaml"
            settings.write_text(_LITELLM.format(upstream=upstream))
            env |= {"PORT": _free_port(), "LITELLM_MASTER_KEY": "sk-llmc-benchmark"}
            env |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
            litellm = str(Path(python).parent / "litellm")
            command = [python, litellm, "--config", str(settings), "--port", env["PORT"]]
            theirs = measure(
                [*command, "--host", "127.0.0.1"], env, upstream, seconds=options.seconds
            )
        print_table(rows(ours, theirs))


if __name__ == "__main__":
    main()
