"""What does an answer from the cache cost, process and all, against a bare `python -c pass`?

    python benchmarks/startup.py [--entries N] [--rounds N] [--peers]

Whole-process CPU, user and system, by `wait4`. Two environments, since the launcher that pip 23
writes imports `re`; a file of 100,000 entries; every hit is counted and written to the ledger, and
the counts are checked at the end. The peers have an environment of their own: the script that one
would write oneself, diskcache's `memoize`, and shell_gpt, a command line whose cache is on.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import (
    ROOT,
    Environment,
    Measured,
    Row,
    environment_variables,
    fill,
    kept,
    make_environment,
    make_wheel,
    measure,
    options_of,
    run,
    say,
    tell,
)

sys.path.append(str(ROOT / "tests"))

from upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["environments", "rows"]

OLD_PIP = "23.2.1"

#: What takes more than a second is measured in so many times fewer rounds.
SELDOM = 4

#: What a repeated answer may cost, in bare interpreters.
TARGETS = {"porch": 1.4, "porch, old launcher": 1.7, "parser": 7.5}

_COUNTS = """
import sys, apsw
db = apsw.Connection(sys.argv[1])
(hits,) = db.execute("SELECT sum(hits) FROM entry").fetchone()
(lines,) = db.execute("SELECT count(*) FROM ledger WHERE source = 'exact'").fetchone()
print(hits, lines)
"""

#: The script that one would write instead, and what memoises a function in one line.
PEERS = {
    "a hand-written script, sqlite3": """
import hashlib, json, sqlite3, sys
db = sqlite3.connect({path!r})
db.execute("CREATE TABLE IF NOT EXISTS cache (key TEXT PRIMARY KEY, answer TEXT)")
request = {{"model": "m", "messages": [{{"role": "user", "content": sys.argv[1]}}]}}
key = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
row = db.execute("SELECT answer FROM cache WHERE key = ?", (key,)).fetchone()
if row is None:
    from openai import OpenAI
    row = (OpenAI().chat.completions.create(**request).choices[0].message.content,)
    db.execute("INSERT INTO cache VALUES (?, ?)", (key, row[0]))
    db.commit()
print(row[0])
""",
    "diskcache, memoize": """
import sys
import diskcache
cache = diskcache.Cache({path!r})
@cache.memoize()
def ask(model, question):
    from openai import OpenAI
    messages = [{{"role": "user", "content": question}}]
    return OpenAI().chat.completions.create(model=model, messages=messages)
print(ask("m", sys.argv[1]))
""",
}

_FILL_PEERS = """
import hashlib, json, sqlite3, sys
import diskcache
text = "word " * 180
db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE cache (key TEXT PRIMARY KEY, answer TEXT)")
def row(number):
    request = {"model": "m", "messages": [{"role": "user", "content": f"question {number}"}]}
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest(), text
db.executemany("INSERT INTO cache VALUES (?, ?)", map(row, range(int(sys.argv[3]))))
db.commit()
cache = diskcache.Cache(sys.argv[2])
@cache.memoize()
def ask(model, question): raise AssertionError
with cache.transact():
    for number in range(int(sys.argv[3])):
        cache.set(ask.__cache_key__("m", f"question {number}"), text)
"""


def environments(folder: Path) -> tuple[Environment, Environment | None]:
    """Make an environment with the newest pip, and one with an old one if it can be had."""
    say("making an environment with the newest pip")
    builder = make_environment(folder / "builder", "wheel")
    wheel = make_wheel(builder, folder)
    newest = make_environment(folder / "newest", wheel)
    say(f"making an environment with pip {OLD_PIP}")
    try:
        return newest, make_environment(folder / "oldest", wheel, pip=OLD_PIP)
    except subprocess.CalledProcessError:
        return newest, None


def rows(
    newest: Environment,
    old: Environment | None,
    *,
    db: Path,
    filled: Mapping[str, Any],
    rounds: int,
    peers: Path | None = None,
) -> list[Row]:
    """Measure. `db` is what `fill` has made; `peers` a folder for those, None to leave them out."""
    question = filled["question"]
    env = environment_variables(db.parent) | {"LLMC_DB": str(db)}
    commands = _commands(newest, "", question)
    commands |= _commands(old, ", old launcher", question) if old else {}
    base = {name: "base, old launcher" if "old launcher" in name else "base" for name in commands}
    if peers is not None:
        found = _peers(peers, entries=filled["entries"])
        commands |= found
        base |= dict.fromkeys(found, "base, peers")
    for name in commands:
        if name.startswith(("porch", "parser")):
            _prepare(commands[name], env, filled)
    before = _counts(newest, db, env)
    say(f"measuring {len(commands)} commands in {rounds} rounds")
    measured = measure(commands, base=base, env=env, rounds=rounds)
    if peers is not None:
        measured |= _shell_gpt(peers, rounds=rounds // SELDOM)
    after = _counts(newest, db, env)
    hits = sum(name.startswith(("porch", "parser")) for name in commands) * (rounds + 1)
    if (after[0] - before[0], after[1] - before[1]) != (hits, hits):
        raise SystemExit(f"{hits} hits were not all counted: {before} became {after}")
    return _table(measured, old, filled["entries"], hits)


def _commands(environment: Environment, suffix: str, question: str) -> dict[str, Sequence[str]]:
    llmc = environment.program("llmc")
    return {
        f"base{suffix}": [environment.python, "-c", "pass"],
        f"porch{suffix}": [llmc, "ask", question],
        f"parser{suffix}": [llmc, "ask", "--json", question],
        f"stats{suffix}": [llmc, "stats"],
    }


def _prepare(command: Sequence[str], env: Mapping[str, str], filled: Mapping[str, Any]) -> None:
    """Ask twice and look at the answer: what is measured must be a hit."""
    for _ in range(2):
        answer = run(*command, env=env)
        if len(answer) < 40:
            raise SystemExit(f"{' '.join(command)} printed {answer!r}")
    if filled["entries"] < 1:
        raise SystemExit("the file is empty")


def _counts(environment: Environment, db: Path, env: Mapping[str, str]) -> tuple[int, int]:
    hits, lines = run(environment.python, "-c", _COUNTS, str(db), env=env).split()
    return int(hits), int(lines)


def _peers(folder: Path, *, entries: int) -> dict[str, Sequence[str]]:
    say("making an environment for the peers")
    environment = make_environment(folder / "env", "diskcache")
    paths = [str(folder / "hand.db"), str(folder / "disk")]
    run(environment.python, "-c", _FILL_PEERS, *paths, str(entries))
    commands: dict[str, Sequence[str]] = {"base, peers": [environment.python, "-c", "pass"]}
    for number, ((name, source), path) in enumerate(zip(PEERS.items(), paths, strict=True)):
        script = folder / f"peer{number}.py"
        script.write_text(source.format(path=path), encoding="utf-8")
        commands[name] = [environment.python, str(script), f"question {entries // 2}"]
    return commands


def _shell_gpt(folder: Path, *, rounds: int) -> dict[str, Measured]:
    """Measure shell_gpt's answer from its cache, from which it never takes less than a second."""
    say("making an environment for shell_gpt")
    # It imports click, which its own dependencies do not bring any more.
    environment = make_environment(folder / "shell_gpt", "shell-gpt", "click")
    server = Upstream()
    settings = {
        "API_BASE_URL": server.url,
        "CACHE_PATH": str(folder / "cache"),
        "DEFAULT_MODEL": "m",
        "OPENAI_API_KEY": "x",
        "OPENAI_USE_FUNCTIONS": "false",
    }
    env = environment_variables(folder) | settings
    ask = [environment.program("sgpt"), "--no-md", "why is the sky blue?"]
    first = run(*ask, env=env)
    server.stop()  # so that what is measured is a hit
    if run(*ask, env=env) != first:
        raise SystemExit("shell_gpt has no hit")
    name = "shell_gpt"
    commands = {"base": [environment.python, "-c", "pass"], name: ask}
    base = dict.fromkeys(commands, "base")
    say(f"measuring shell_gpt in {rounds} rounds")
    return {name: measure(commands, base=base, env=env, rounds=rounds)[name]}


def _table(
    measured: Mapping[str, Measured],
    old: Environment | None,
    entries: int,
    hits: int,
) -> list[Row]:
    names = {
        "base": "`python -c pass`",
        "porch": "a repeated `llmc ask`",
        "parser": "a hit through the parser (`ask --json`)",
        "stats": "`llmc stats`",
    }
    found, details = [], []
    for name, figures in measured.items():
        kind, _, launcher = name.partition(", old")
        if launcher and old is not None:
            if kind != "base":
                what = f"— {names[kind]}, by the launcher of pip {old.pip}"
                details.append(_row(what, figures, TARGETS.get(name if kind == "porch" else kind)))
        elif name != "base, peers":
            found.append(_row(names.get(kind, name), figures, TARGETS.get(kind)))
    if old is None:
        details.append(Row(f"— by the launcher of pip {OLD_PIP}", "skipped: not to be had"))
    details.append(Row(f"— hits counted and in the ledger, among {entries:,}", f"{hits:,}"))
    # The details belong to our own lines, which stand before those of the peers.
    return [*found[:4], *details, *found[4:]]


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
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--peers", action="store_true", help="measure other ways too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="llmc-startup-") as name:
        folder = Path(name)
        newest, old = environments(folder)
        filled = fill(newest, folder / "llmc.db", entries=options.entries)
        peers = folder / "peers" if options.peers else None
        db = folder / "llmc.db"
        found = rows(newest, old, db=db, filled=filled, rounds=options.rounds, peers=peers)
        tell(found, as_json=options.json)


if __name__ == "__main__":
    main()
