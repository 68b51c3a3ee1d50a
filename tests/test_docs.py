from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import generate
import manpages
import pytest
from tree import tree
from upstream import Upstream

from llmc import manual
from llmc.cli import COMMANDS
from llmc.settings import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PLAN = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## The plan of the house")[1]

TREE = {command.words: command for command in tree().walk()}
EXAMPLES = [example.line for command in TREE.values() for example in command.examples]

#: Examples that are not run here: they need a network, or 91 MB, or serve until they are stopped,
#: or run the tests of a project.
NOT_RUN = re.compile(r"llmc (model (pull|calibrate)|serve|run --db)\b")

#: What asks somebody first.
ASKING = re.compile("llmc rm 12 13$")

#: What a zsh has behind it where its line for ~/.zshrc stands.
ZSHRC = "autoload -Uz compinit && compinit -u -D"


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = ", ".join(program for program in programs if not shutil.which(program))
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {missing}")


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def typed() -> list[str]:
    """The command lines of llmc that a reader would type, without its name, each once."""
    code = [*code_blocks("sh"), *re.findall(r"`(llmc [^`\n]+)`", README), *EXAMPLES]
    return sorted(set(re.findall(r"\bllmc ([a-z]+\b[^|#\n&)]*)", "\n".join(code))))


def without_figures(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "0", text)


def transcript_of(demo: str, *, commands: int) -> str:
    """What the demo typed and printed for its first commands, its comments left out."""
    steps = demo.split("\n# ")[1 : commands + 1]
    return "".join(step.split("\n", 1)[1].rstrip("\n") + "\n" for step in steps)


@pytest.mark.parametrize("path", list(generate.documents()))
def test_what_is_generated_is_what_is_committed(path):
    """If it is not: `python tests/generate.py`."""
    assert (ROOT / path).read_text("utf-8") == generate.documents()[path]


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
    folders = [f"{path.parent.name}/" for path in (ROOT / "llmc").glob("*/__init__.py")]

    assert sorted(named) == sorted([*rooms, *folders])


def test_the_readme_shows_every_command():
    assert {line.split()[0] for line in typed()} == set(COMMANDS)


@pytest.mark.parametrize("line", typed())
def test_what_the_readme_types_exists(cli, line):
    words = shlex.split(line.replace("…", ""))
    command = words[:2] if words[0] in {"model", "rules"} else words[:1]
    # What stands after two dashes is another program's.
    ours = itertools.takewhile(lambda word: word != "--", words)
    options = [word for word in ours if word.startswith("-")]

    told = cli(*command, "--help")

    assert told.code == 0, told.err
    assert [option for option in options if option not in told.out] == []


@pytest.mark.parametrize("folder", ["completions", "man"])
def test_no_generated_file_is_left_of_what_is_gone(folder):
    found = {f"{folder}/{path.name}" for path in (ROOT / folder).iterdir()}

    assert found == {path for path in generate.documents() if path.startswith(f"{folder}/")}


@pytest.mark.parametrize(
    ("changelog", "date"),
    [
        ("## [Unreleased]\n", manpages.UNRELEASED),
        ("## [Unreleased]\n\n## [1.1.0] - 2027-02-03\n\n## [1.0.0] - 2027-01-02\n", "2027-02-03"),
    ],
)
def test_the_manual_bears_the_date_of_the_newest_release(changelog, date):
    assert manpages.date_of(changelog) == date


@needs("mandoc")
def test_the_manual_pages_are_as_mandoc_wants_them():
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "all", *map(str, sorted((ROOT / "man").iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_manual_names_every_variable_that_is_read():
    code = "".join(path.read_text("utf-8") for path in (ROOT / "llmc").rglob("*.py"))
    read = set(re.findall(r"\b(?:LLMC|OPENAI)_[A-Z_]*[A-Z]\b", code))
    named = {name for names in manual.VARIABLES for name in names.split(", ")}

    unnamed = read - named - {setting.variable for setting in SETTINGS}

    # The SDK's own, and one for programs that `llmc run` starts.
    assert unnamed == {"OPENAI_CUSTOM_HEADERS", "OPENAI_API_BASE"}


def test_the_manual_names_what_a_project_may_set():
    (told,) = re.findall(r"It may set (.*) alone", manual.FILES[".llmc.toml"])

    assert re.split(", | and ", told) == [setting.name for setting in SETTINGS if setting.project]


def test_the_notes_of_the_manual_are_on_pages_that_there_are():
    assert set(manual.NOTES) <= set(COMMANDS)


@pytest.mark.parametrize("command", TREE.values(), ids=lambda command: command.words or "llmc")
def test_every_command_has_two_examples_of_its_own_that_fit_a_line(command):
    lines = [example.line for example in command.examples]

    assert len(lines) >= 2, "llmc/manual.py has the examples"
    assert [line for line in lines if f"llmc {command.words}".rstrip() not in line] == []
    assert max(map(len, lines)) <= 76


class Desk(NamedTuple):
    """A home in which somebody has worked, and the environment there."""

    home: Path
    env: dict[str, str]

    def run(self, script: str, home: Path) -> subprocess.CompletedProcess[str]:
        """Run a script in a copy of that home, where nobody can be asked."""
        return subprocess.run(
            ["bash", "-o", "pipefail", "-ec", script],
            cwd=home,
            env=self.env | {"HOME": str(home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Desk]:
    """Files, a repository with something staged, fourteen answers, two rules, a model."""
    home, programs = tmp_path_factory.mktemp("desk"), tmp_path_factory.mktemp("bin")
    path, python = shlex.quote(str(ROOT)), shlex.quote(sys.executable)
    (programs / "llmc").write_text(f'#!/bin/sh\nPYTHONPATH={path} exec {python} -m llmc "$@"\n')
    (programs / "llmc").chmod(0o755)
    for name in ("report.txt", "schema.sql", "answer.txt"):
        (home / name).write_text("CREATE TABLE orders (day date);\n")
    (home / "questions.txt").write_text("why?\nhow?\n")
    (home / "questions.jsonl").write_text('{"prompt": "why?"}\n{"prompt": "how?"}\n')
    script = """
        mkdir -p .config/fish/completions
        git init -q . && git add schema.sql
        for n in 1 2 3 4 5 6 7 8 9 10 11 12 13; do
            echo "Rayleigh scatters the sky $n." | llmc put -n project "question $n"
        done
        llmc rules add --pattern 'price of' --ttl 1h
        llmc rules add --event file_changed --pattern '{path}'
        llmc export > answers.jsonl
        gzip < answers.jsonl > week.jsonl.gz
        llmc ask "why is the sky blue?"
    """
    server = Upstream()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LLMC_")}
    paths = f"{programs}{os.pathsep}{os.environ['PATH']}"
    desk = Desk(home, kept | {"PATH": paths, "OPENAI_BASE_URL": server.url})
    laid = desk.run(script, home)
    assert laid.returncode == 0, laid.stderr
    yield desk
    server.stop()


@needs("git", "jq", "zsh")
@pytest.mark.parametrize("line", [line for line in EXAMPLES if not NOT_RUN.search(line)])
def test_the_examples_of_the_help_and_the_manual_do_what_they_say(desk, home, line):
    shutil.copytree(desk.home, home, dirs_exist_ok=True)

    script = f"zsh -fc {shlex.quote(f'{ZSHRC}; {line}')}" if "completion zsh" in line else line
    done = desk.run(ASKING.sub(r"\g<0> --yes", script), home)

    assert (done.returncode, "error" in done.stderr) == (0, False), done.stderr


def test_the_readme_s_python_runs(home, upstream, monkeypatch):
    (block,) = re.findall(r"```python\n(import llmc\n\nwith llmc.Cache.*?)```", README, re.DOTALL)
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    (home / "example.py").write_text(block)

    done = subprocess.run(
        [sys.executable, "example.py"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )

    assert (done.stdout, done.stderr) == ("answer 1 model None\n0\n", "")
