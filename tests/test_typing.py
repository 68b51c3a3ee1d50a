"""What a caller's type checker makes of the library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
from typing import assert_type

import llmc
from llmc import Cache, Hit, Miss, Request
from llmc.types import Rule
from openai import AsyncOpenAI, OpenAI

assert_type(llmc.wrap(OpenAI(), ttl="1h"), OpenAI)
assert_type(llmc.wrap(AsyncOpenAI()), AsyncOpenAI)
with Cache(model="m", ttl="1h", match="semantic", error="5%") as cache:
    assert_type(cache, Cache)
    hit = cache.ask("why?", system="be brief", files={"a": "b"}, temperature=0, on_text=print)
    assert_type(hit, Hit)
    assert_type(hit.answer, str)
    assert_type(hit.similarity, float | None)
    found = cache.lookup(Request("http://host/v1", {"model": "m", "messages": []}))
    if isinstance(found, Miss):
        assert_type(cache.put(found, "because", ttl=60.0), Hit)
    else:
        assert_type(found.level, int | None)
    assert_type(cache.add_time_rule("price", "1h", field="answer"), Rule)
    assert_type(cache.on_event("changed", {"path": "x", "line": 3}), int)
    assert_type(cache.invalidate("x", namespace=None), int)
    print(cache.stats(by="day")[0]["hits"], llmc.__version__)
"""

#: What is wrong, and what mypy and pyright call it.
WRONG = {
    "cache.ask(5)": ("arg-type", "reportArgumentType"),
    'cache.ask("why?", colour="blue")': ("call-arg", "reportCallIssue"),
    'cache.ask("why?", match="fuzzy")': ("arg-type", "reportArgumentType"),
    'cache.ask("why?").answr': ("attr-defined", "reportAttributeAccessIssue"),
    'cache.stats(by="hour")': ("arg-type", "reportArgumentType"),
}


def under_mypy(program: str, folder: Path) -> dict[int, set[str]]:
    """Return what mypy has against each line of a program."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    path = folder / "program.py"
    path.write_text(program)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--no-error-summary"),
            *("--cache-dir", str(folder / "cache"), "--follow-imports", "silent", str(path)),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "MYPYPATH": str(ROOT)},
    )
    said = (done.stdout + done.stderr).splitlines()
    found: dict[int, set[str]] = {}
    for line in said:
        found.setdefault(int(line.split(":")[1]), set()).add(line.rpartition("[")[2].rstrip("]"))
    return found


def under_pyright(program: str, folder: Path) -> dict[int, set[str]]:
    """Return what pyright has against each line, its strict rules included.

    basedpyright is pyright with all that it needs to run: nothing is downloaded.
    """
    pytest.importorskip("basedpyright", reason="basedpyright is not installed")
    (folder / "program.py").write_text(program)
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "basedpyright", "--outputjson"),
            *("--pythonpath", sys.executable, "--project", str(folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )
    found: dict[int, set[str]] = {}
    for each in json.loads(done.stdout)["generalDiagnostics"]:
        line = each["range"]["start"]["line"] + 1
        found.setdefault(line, set()).add(each.get("rule", each["message"]))
    return found


CHECKERS = pytest.mark.parametrize(
    ("checker", "name"), [(under_mypy, 0), (under_pyright, 1)], ids=["mypy", "pyright"]
)


@CHECKERS
def test_a_program_that_is_right_passes(checker, name, tmp_path):
    assert checker(PROGRAM, tmp_path) == {}


@CHECKERS
def test_what_is_wrong_is_seen(checker, name, tmp_path):
    lines = ["import llmc", "cache = llmc.Cache()", *WRONG]

    found = checker("\n".join(lines), tmp_path)

    seen = [names[name] in found.get(n, ()) for n, names in enumerate(WRONG.values(), 3)]
    assert seen == [True] * len(WRONG)
