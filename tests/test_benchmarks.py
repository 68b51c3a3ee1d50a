"""The benchmarks' own arithmetic: which row stands where, and do two runs agree?"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """benchmarks/run.py, which imports its neighbours."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("run")


def found(*rows: list[Any], script: str = "a.py") -> dict[str, Any]:
    """What a run has measured, as its JSON keeps it."""
    return {"machine": "a machine", "date": "2026-11-25", "rows": [[script, row] for row in rows]}


def test_every_benchmark_is_run(bench):
    scripts = {path.name for path in (ROOT / "benchmarks").glob("*.py")}

    # The table's own; the filling; what a part of another measures.
    assert scripts - {"run.py", "measure.py", "fill.py", "size.py"} <= set(bench.PARTS)


def test_runs_agree_within_fifteen_percent(bench):
    one = found(["a hit", "1 ms", 1.0, "a script"], ["a miss", "1 ms", 2.0, "a script"])
    other = found(["a hit", "9 ms", 1.14, "a script"], ["a miss", "1 ms", 1.7, "a script"])

    differing, count = bench.compare(one, other)

    assert (len(differing), count) == (1, 2)
    assert differing[0].startswith("a.py, a miss to a script: 2.000 and 1.700")


def test_what_stands_behind_a_ratio_may_change_its_figures(bench):
    one, other = (found(["a hit", "1 ms", 1.0, f"a script, {ms} ms"]) for ms in (3, 4))

    assert bench.compare(one, other) == ([], 1)


def test_rows_of_one_name_are_compared_each_with_its_own(bench):
    rows = [["— detail", "", 1.0, "x"], ["— detail", "", 2.0, "x"]]

    assert bench.compare(found(*rows), found(*rows)) == ([], 2)


def test_two_files_that_differ_end_with_one(bench, home, capsys):
    for name, ratio in (("a.json", 1.0), ("b.json", 3.0)):
        Path(name).write_text(json.dumps(found(["a hit", "1 ms", ratio, "x"])))

    with pytest.raises(SystemExit) as ended:
        bench.main(["--compare", "a.json", "b.json"])

    assert ended.value.code == 1
    assert capsys.readouterr().out.endswith("0 of 1 ratios agree\n")


def test_a_document_gets_the_lines_between_its_marks_and_no_details(bench, home):
    path = Path("README.md")
    path.write_text(f"before\n{bench.BEGIN}of last year\n{bench.END}after\n")

    bench.write(path, bench.summary(found(["a hit", "1 ms"], ["— its detail", "2 ms"])))

    text = path.read_text()
    assert text.startswith(f"before\n{bench.BEGIN}`python benchmarks/run.py --peers`")
    assert text.endswith(f"| `a.py` |\n{bench.END}after\n")
    assert ("of last year" in text, "its detail" in text) == (False, False)


def test_the_readme_has_the_marks_once(bench):
    text = (ROOT / "README.md").read_text("utf-8")

    assert (text.count(bench.BEGIN), text.count(bench.END)) == (1, 1)


def test_a_small_ratio_keeps_its_figures(bench):
    row = sys.modules["measure"].Row("a hit", "1 ms", 0.0123, "x", "≤ 1 ✓", (0.01, 0.02))

    (_, _, line) = sys.modules["measure"].table([row]).splitlines()

    assert line == "| a hit | 1 ms | 0.012 (0.01 to 0.02) | x | ≤ 1 ✓ |"
