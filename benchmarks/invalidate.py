"""How long does `invalidate` look at a large cache, against a plain loop over the same texts?

python benchmarks/invalidate.py [--entries N …] [--rounds N]

Makes a cache file of N entries, their texts as in benchmarks/fill.py, and compares, for a pattern
that is rare, one that is common and one that is nowhere: the search of `invalidate` through the
file, and a loop of the same compiled expression over a list of the same texts in memory. CPU time,
the median of rounds in turn. The removal is measured once, with the transaction around it.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fill import Texts
from measure import Row, options_of, ratio_of_pairs, say, tell

from llmc import keys, selection
from llmc.store import Store
from llmc.types import Answer, Draft, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import regex

#: Finds one entry in a thousand, one in ten, none.
PATTERNS = {
    "rare": r"\(\d*777\)",
    "common": r"\(\d*3\)",
    "none": r"zyzzyva \d+",
    "none, and no letter of it is sure": r"[zZ]yzzyv(?:a|es) \d+|xyzzy\d",
}

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


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of some work."""
    started = time.process_time()
    work()
    return time.process_time() - started


def matching(store: Store, expression: regex.Pattern[str]) -> list[int]:
    """Return what `invalidate` finds."""
    holding = selection.held_by(expression.pattern)
    return selection.matching(expression, store.texts("prompt", None, holding=holding))


def rows(store: Store, *, rounds: int) -> Iterator[Row]:
    """Compare each pattern, then remove what the common one finds."""
    texts = [text for part in store.texts("prompt", None) for _, text in part.texts()]
    name = f"{len(texts):,} entries"
    doomed: list[int] = []
    for kind, pattern in PATTERNS.items():
        expression = selection.compile_pattern(pattern)
        search = expression.search

        def ours(expression: regex.Pattern[str] = expression) -> list[int]:
            return matching(store, expression)

        def loop(search: Callable[[str], object] = search) -> list[str]:
            return [text for text in texts if search(text)]

        pairs = [(seconds(ours), seconds(loop)) for _ in range(rounds)]
        mine, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
        found = ours()
        doomed = found if kind == "common" else doomed
        mark = "" if kind == "common" else "— "
        yield Row(
            f"{mark}`invalidate`: the search of {name} for a pattern that is {kind}",
            f"{mine * 1e3:.0f} ms, {len(found):,} found",
            ratio_of_pairs(pairs),
            f"a loop over their texts in memory, {theirs * 1e3:.0f} ms",
        )
    taken = seconds(lambda: store.removal.forget(doomed, wordings_of=()))
    yield Row(f"— {len(doomed):,} of {name} removed", f"{taken:.1f} s")


def measured(count: int, *, rounds: int) -> list[Row]:
    """Fill a file of so many entries, and measure there."""
    with tempfile.TemporaryDirectory(prefix="llmc-invalidate-") as folder:
        say(f"filling a cache file with {count:,} entries")
        with Store(os.path.join(folder, "llmc.db")) as store:
            fill(store, count)
            return list(rows(store, rounds=rounds))


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--entries", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    found = [row for count in options.entries for row in measured(count, rounds=options.rounds)]
    tell(found, as_json=options.json)


if __name__ == "__main__":
    main()
