from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import generate
import pytest

from llmc.cli import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PLAN = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## The plan of the house")[1]


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def typed() -> list[str]:
    """The command lines of llmc that a reader would type, without its name, each once."""
    code = [*code_blocks("sh"), *re.findall(r"`(llmc [^`\n]+)`", README)]
    return sorted(set(re.findall(r"\bllmc ([a-z]+\b[^|#\n&)]*)", "\n".join(code))))


def without_figures(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "0", text)


def transcript_of(demo: str, *, commands: int) -> str:
    """What the demo typed and printed for its first commands, its comments left out."""
    steps = demo.split("\n# ")[1 : commands + 1]
    return "".join(step.split("\n", 1)[1].rstrip("\n") + "\n" for step in steps)


def test_the_table_of_settings_is_the_code_s_own():
    assert generate.readme() == README


def test_the_transcript_of_the_first_screen_is_what_the_demo_prints():
    demo = subprocess.run(
        [sys.executable, "-m", "llmc", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )

    shown = transcript_of(demo.stdout, commands=3)

    assert without_figures(code_blocks("console")[0]) == without_figures(shown)


def test_ci_calls_exactly_the_test_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text("utf-8")

    assert code_blocks("sh")[1] in script


@pytest.mark.parametrize("path", re.findall(r"\]\(([A-Z]+\.md)\)", README))
def test_every_document_that_the_readme_names_is_there(path):
    assert (ROOT / path).is_file()


def test_the_plan_names_every_room():
    rows = re.findall(r"^\| (`.+?`) \|", PLAN, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(.+?)`", row)]
    rooms = [path.name for path in (ROOT / "llmc").glob("*.py") if path.name != "__init__.py"]

    assert sorted(named) == sorted([*rooms, "commands/"])


def test_the_readme_shows_every_command():
    assert {line.split()[0] for line in typed()} == set(COMMANDS)


@pytest.mark.parametrize("line", typed())
def test_what_the_readme_types_exists(cli, line):
    words = shlex.split(line.replace("…", ""))
    command = words[:2] if words[0] in {"model", "rules"} else words[:1]
    options = [word for word in words if word.startswith("-")]

    told = cli(*command, "--help")

    assert told.code == 0, told.err
    assert [option for option in options if option not in told.out] == []
