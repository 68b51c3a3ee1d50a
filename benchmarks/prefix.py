"""What is the advice of `llmc prefix` worth? A day of 500 questions, before and after.

python benchmarks/prefix.py [--model NAME …]

The provider is played on loopback by tests/caching_model.py: it bills by the rules and prices that
OpenAI publishes, and is held to their examples by tests. The day is tests/provider_day.py's: 320
tickets answered by a guide with the time in front, 130 commit messages whose instructions stand in
each prompt, 50 questions of their own; 120 tokens are answered to each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from provider_day import Day, live  # noqa: E402  (the tests' folder is no package)

WAYS = (
    ("as it was, nothing marked (`prompt_cache = off`)", {"advised": False, "marked": False}),
    ("as it was (`prompt_cache = auto`)", {"advised": False}),
    ("the advice followed", {"advised": True}),
)


def prefix(path: Path) -> dict[str, object]:
    """Run `llmc prefix --json` on a cache file."""
    command = [sys.executable, "-m", "llmc", "prefix", "--json", "--db", str(path)]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(told.stdout)


def row(what: str, day: Day, first: Day) -> str:
    cells = (
        what,
        f"${day.bill / 1e9:.4f}",
        f"{1 - day.bill / first.bill:.0%}" if day is not first else "",
        f"{day.prompt:,}",
        f"{day.cached:,}",
        f"{day.written:,}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", help="gpt-5.6-luna, gpt-4.1-mini")
    options = parser.parse_args()
    for name in options.model or ["gpt-5.6-luna", "gpt-4.1-mini"]:
        with tempfile.TemporaryDirectory(prefix="llmc-prefix-") as folder:
            print(f"\n{name}\n")
            print("| the day | the provider's bill | less | prompt tokens | read | written |")
            print("|---|---|---|---|---|---|")
            first: Day | None = None
            for number, (what, way) in enumerate(WAYS):
                day = live(Path(folder) / f"{number}.db", name, **way)
                first = first or day
                print(row(what, day, first), flush=True)
            for number, (what, _) in enumerate(WAYS):
                print(f"\n`llmc prefix`, {what}:\n")
                for group in prefix(Path(folder) / f"{number}.db")["groups"]:
                    lost, wasted = group["estimated_lost_usd"], group["estimated_wasted_usd"]
                    print(
                        f"- {group['requests']} requests, {group['cached_tokens']:,} of about"
                        f" {group['estimated_eligible_tokens']:,} eligible tokens cached, about"
                        f" ${lost:.4f} lost, ${wasted:.4f} wasted: {group['advice']}"
                    )


if __name__ == "__main__":
    main()
