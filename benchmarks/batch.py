"""How long does a batch take, and how much memory?

    python benchmarks/batch.py [--rows N] [--rounds N]

A model on loopback answers each question after 200 ms; 1,000 of them by 32 at once take 6.25 s at
best. Then rows that are stored stream through, few and many: their peak memory should be the same.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
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
    say,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["rows"]

QUESTIONS, JOBS, DELAY = 1_000, 32, 0.2

#: The rows of the smaller of the two runs whose memory is compared.
FEW = 10_000

_UPSTREAM = """
import asyncio, json, sys
delay = float(sys.argv[1])
message = {"role": "assistant", "content": "an answer of a few words"}
usage = {"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26}
choice = {"index": 0, "message": message, "finish_reason": "stop"}
body = json.dumps({"model": "m", "choices": [choice], "usage": usage}).encode()
head = "HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n"
answer = (head % len(body)).encode() + body

async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\\r\\n\\r\\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
            await asyncio.sleep(delay)
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


class Run(NamedTuple):
    """What one process took: seconds by the clock and of CPU, and its peak of memory in MB."""

    wall: float
    cpu: float
    peak: float


def rows(environment: Environment, folder: Path, *, many: int, rounds: int) -> list[Row]:
    """Measure a batch of new questions, and two of stored ones."""
    folder.mkdir(exist_ok=True)
    with _upstream(DELAY) as port:
        say(f"asking {QUESTIONS:,} questions, {JOBS} at once, {rounds} times")
        asked = [_asked(environment, folder, port, QUESTIONS) for _ in range(rounds)]
        alone = [_asked(environment, folder, port, 1) for _ in range(rounds)]
    ideal = QUESTIONS * DELAY / JOBS
    start_up = statistics.median(run.wall for run in alone) - DELAY
    taken = statistics.median(run.wall for run in asked) - start_up
    cpu = statistics.median(run.cpu for run in asked) - statistics.median(r.cpu for r in alone)
    with _upstream(0) as port:
        say(f"storing {FEW:,} answers")
        _run(environment, folder, port, FEW, db="stored.db")
        say(f"streaming {FEW:,} stored rows, and {many:,}")
        few = _run(environment, folder, port, FEW, "--offline", db="stored.db")
        more = _run(environment, folder, port, many, "--offline", db="stored.db")
    return [
        Row(
            f"batch of {QUESTIONS:,} new questions, {JOBS} at once, to a model that takes 200 ms",
            f"{taken:.2f} s + {start_up:.2f} s start-up",
            taken / ideal,
            f"the ideal {ideal:.2f} s",
            kept(taken / ideal, 1.15),
        ),
        Row("— CPU for each question", f"{cpu / QUESTIONS * 1000:.2f} ms"),
        Row(
            f"— of {FEW:,} stored rows: peak memory",
            f"{few.peak:.1f} MB, {few.cpu / FEW * 1e6:.0f} µs CPU a row",
        ),
        Row(
            f"batch of {many:,} stored rows: peak memory",
            f"{more.peak:.1f} MB, {more.cpu / many * 1e6:.0f} µs CPU a row",
            more.peak / few.peak,
            f"that of {FEW:,}",
            kept(more.peak / few.peak, 1.1),
        ),
    ]


def _asked(environment: Environment, folder: Path, port: int, count: int) -> Run:
    """Ask questions that a file does not hold."""
    for old in folder.glob("new.db*"):
        old.unlink()
    return _run(environment, folder, port, count, "-j", str(JOBS), db="new.db")


def _run(
    environment: Environment, folder: Path, port: int, count: int, *flags: str, db: str
) -> Run:
    questions = folder / f"{count}.jsonl"
    if not questions.exists():
        with questions.open("w") as file:
            file.writelines(
                f'{{"custom_id": {number}, "prompt": "question {number % FEW} of a batch?"}}\n'
                for number in range(count)
            )
    command = [environment.program("llmc"), "batch", "--db", str(folder / db), *flags]
    env = environment_variables(folder) | {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"}
    null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    started = time.perf_counter()
    pid = os.posix_spawn(command[0], [*command, str(questions)], env, file_actions=null)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - started
    if (code := os.waitstatus_to_exitcode(status)) != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {code}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


@contextmanager
def _upstream(delay: float) -> Iterator[int]:
    """Start the model; return its port."""
    server = subprocess.Popen(
        [sys.executable, "-c", _UPSTREAM, str(delay)], stdout=subprocess.PIPE, text=True
    )
    with server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.kill()


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="stored ones, in the end")
    parser.add_argument("--rounds", type=int, default=3, help="of the new questions")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="llmc-batch-") as name:
        folder = Path(name)
        builder = make_environment(folder / "builder", "wheel")
        environment = make_environment(folder / "env", make_wheel(builder, folder))
        found = rows(environment, folder / "batch", many=options.rows, rounds=options.rounds)
        tell(found, as_json=options.json)


if __name__ == "__main__":
    main()
