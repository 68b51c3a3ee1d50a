"""What is the advice of `llmc prefix` worth? A day of 500 questions, before and after.

python benchmarks/prefix.py [--model NAME …]

The provider is played on loopback by tests/caching_model.py: it bills by the rules and prices that
OpenAI publishes, and is held to their examples by tests. The day is tests/provider_day.py's: 320
tickets answered by a guide with the time in front, 130 commit messages whose instructions stand in
each prompt, 50 questions of their own; 120 tokens are answered to each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from measure import Row, options_of, say, tell  # noqa: E402
from provider_day import Day, live  # noqa: E402  (the tests' folder is no package)

WAYS = (
    ("as it was, nothing marked (`prompt_cache = off`)", {"advised": False, "marked": False}),
    ("as it was (`prompt_cache = auto`)", {"advised": False}),
    ("the advice followed", {"advised": True}),
)
MODELS = ("gpt-5.6-luna", "gpt-4.1-mini")
SAID = "the same day with nothing marked"


def prefix(path: Path) -> dict[str, Any]:
    """Run `llmc prefix --json` on a cache file."""
    command = [sys.executable, "-m", "llmc", "prefix", "--json", "--db", str(path)]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(told.stdout)


def row(what: str, day: Day, first: Day, name: str) -> Row:
    """Word what the provider billed for a day, beside that of the first."""
    told = f"${day.bill / 1e9:.4f}; of {day.prompt:,} prompt tokens {day.cached:,} read"
    told += f", {day.written:,} written"
    mark = "" if what == WAYS[-1][0] and name == MODELS[0] else "— "
    return Row(f"{mark}the provider's bill, `{name}`: {what}", told, day.bill / first.bill, SAID)


def advice(path: Path) -> Iterator[Row]:
    """Word what `llmc prefix` says of a day."""
    for group in prefix(path)["groups"]:
        lost, wasted = group["estimated_lost_usd"], group["estimated_wasted_usd"]
        yield Row(
            f"— `llmc prefix` of {group['requests']} requests: {group['advice']}",
            f"{group['cached_tokens']:,} of about {group['estimated_eligible_tokens']:,} eligible"
            f" tokens cached, about ${lost:.4f} lost, ${wasted:.4f} wasted",
        )


def rows(name: str) -> Iterator[Row]:
    """Live the day in each way with one model."""
    with tempfile.TemporaryDirectory(prefix="llmc-prefix-") as folder:
        first: Day | None = None
        for number, (what, way) in enumerate(WAYS):
            say(f"a day of {name}, {what}")
            path = Path(folder) / f"{number}.db"
            day = live(path, name, **way)
            first = first or day
            yield row(what, day, first, name)
            if what == WAYS[1][0]:
                yield from advice(path)


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--model", action="append", help=" or ".join(MODELS))
    options = parser.parse_args()
    found = [row for name in options.model or MODELS for row in rows(name)]
    tell(found, as_json=options.json)


if __name__ == "__main__":
    main()
