"""What a caller's type checker makes of the library."""

from __future__ import annotations

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

WRONG = {
    "cache.ask(5)": "arg-type",
    'cache.ask("why?", colour="blue")': "call-arg",
    'cache.ask("why?", match="fuzzy")': "arg-type",
    'cache.ask("why?").answr': "attr-defined",
    'cache.stats(by="hour")': "arg-type",
}

pytest.importorskip("mypy", reason="mypy is not installed")


def check(program: str, folder: Path) -> str:
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
    return done.stdout + done.stderr


def test_a_program_that_is_right_passes(tmp_path):
    assert check(PROGRAM, tmp_path) == ""


def test_what_is_wrong_is_seen(tmp_path):
    lines = ["import llmc", "cache = llmc.Cache()", *WRONG]

    said = check("\n".join(lines), tmp_path).splitlines()

    found = {int(line.split(":")[1]): line for line in said if ": error:" in line}
    seen = [f"[{code}]" in found.get(n, "") for n, code in enumerate(WRONG.values(), 3)]
    assert seen == [True] * len(WRONG)
