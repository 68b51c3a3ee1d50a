"""How long does `invalidate` look at a large cache, against a plain loop over the same texts?

python benchmarks/invalidate.py [--entries N …] [--rounds N]

Makes a cache file of N entries, their texts as in benchmarks/fill.py, and compares, for a pattern
that is rare, one that is common and one that is nowhere: the search of `invalidate` through the
file, and a loop of the same compiled expression over a list of the same texts in memory. CPU time,
the best of all rounds. The removal is measured once, with the transaction around it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fill import Texts
from measure import say

from llmc import keys, selection
from llmc.store import Store
from llmc.types import Answer, Draft, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Finds one entry in a thousand, one in ten, none.
PATTERNS = {"rare": r"\(\d*777\)", "common": r"\(\d*3\)", "none": r"zyzzyva \d+"}

_PART = 5_000


def fill(store: Store, count: int) -> None:
    """Write entries as `Store.put` does, many in one transaction, without a ledger."""
    texts = Texts()
    request = Request("https://api.openai.com/v1", {"model": "m", "messages": []})
    frame, scope_hash = keys.frame_of(request)
    store.file.execute("PRAGMA synchronous = OFF")
    for start in range(0, count, _PART):
        with store.transaction():
            for number in range(start, min(start + _PART, count)):
                key = number.to_bytes(32)
                answer = Answer(texts.answer(), "stop", latency=2.0)
                store.write(
                    Draft(
                        "default", key, 0, key, None, scope_hash, request.base_url, "m", "", frame,
                        texts.question(number), "model", 0.0, None, answer,
                    )
                )  # fmt: skip


def best(work: Callable[[], object], rounds: int) -> float:
    """Return the CPU seconds of the fastest round."""
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


def rows(store: Store, *, rounds: int) -> Iterator[tuple[str, str, str]]:
    """Compare each pattern, then remove what the common one finds."""
    texts = [text for _, text in store.texts("prompt", None)]
    name = f"{len(texts):,} entries"
    doomed: list[int] = []
    for kind, pattern in PATTERNS.items():
        expression = selection.compile_pattern(pattern)
        search = expression.search
        loop = best(lambda search=search: [t for t in texts if search(t)], rounds)
        ours = best(lambda e=expression: selection.matching(e, store.texts("prompt", None)), rounds)
        found = selection.matching(expression, store.texts("prompt", None))
        doomed = found if kind == "common" else doomed
        value = f"{ours:.2f} s, {len(found):,} found; the loop {loop:.2f} s"
        yield f"{name}: a pattern that is {kind}", value, f"{ours / loop:.1f}"
    started = time.process_time()
    store.removal.forget(doomed, wordings_of=())
    taken = time.process_time() - started
    yield f"{name}: {len(doomed):,} of them removed", f"{taken:.1f} s", ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print("| what | CPU | times the loop |\n|---|---|---|")
    for count in options.entries:
        with tempfile.TemporaryDirectory(prefix="llmc-invalidate-") as folder:
            say(f"filling a cache file with {count:,} entries")
            with Store(os.path.join(folder, "llmc.db")) as store:
                fill(store, count)
                for row in rows(store, rounds=options.rounds):
                    print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
