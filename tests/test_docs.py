from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import generate
import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


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

    shown = transcript_of(demo.stdout, commands=2)

    assert without_figures(code_blocks("console")[0]) == without_figures(shown)


def test_ci_calls_exactly_the_test_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text("utf-8")

    assert code_blocks("sh")[1] in script


@pytest.mark.parametrize("path", re.findall(r"\]\(([A-Z]+\.md)\)", README))
def test_every_document_that_the_readme_names_is_there(path):
    assert (ROOT / path).is_file()
