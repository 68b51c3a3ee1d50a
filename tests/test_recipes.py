"""The recipes of the README, each done as it stands there: shell, hooks, make, CI, editors."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from upstream import Reply

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
(RECIPES,) = re.findall(r"^## Recipes$(.*?)^## ", README, re.DOTALL | re.MULTILINE)

#: What the program does whose tests a cassette replays.
ASKING = """
from openai import OpenAI

def test_the_model_greets():
    messages = [{"role": "user", "content": "greet me"}]
    found = OpenAI(max_retries=0).chat.completions.create(model="m", messages=messages)
    assert found.choices[0].message.content == "hello"
"""

Sh = Callable[..., subprocess.CompletedProcess[str]]


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = ", ".join(program for program in programs if not shutil.which(program))
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {missing}")


def block(language: str, mark: str) -> str:
    """The one block of code of the recipes that has these words in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", RECIPES, re.DOTALL | re.MULTILINE)
    (found,) = (text for text in blocks if mark in text)
    return found


def yaml_of(mark: str) -> Any:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    return yaml.safe_load(block("yaml", mark))


def lines_of_ci(name: str) -> list[str]:
    """What a snippet has a machine type."""
    found = yaml_of(name)
    if name == ".pre-commit-config.yaml":
        (hook,) = found["repos"][0]["hooks"]
        assert (hook["language"], hook["pass_filenames"]) == ("system", False)
        return [hook["entry"]]
    if name == ".gitlab-ci.yml":
        return found["test"]["script"]
    steps = found["jobs"]["test"]["steps"]
    return [step["run"] for step in steps if "run" in step]


@pytest.fixture
def sh(home: Path, launcher: None, monkeypatch: pytest.MonkeyPatch) -> Sh:
    """Run a script in the home, with llmc, pytest and a pip that fetches nothing on the PATH."""
    folder = home.parent / "bin"
    python = shlex.quote(sys.executable)
    programs = {"pytest": f'exec {python} -m pytest -p no:cacheprovider "$@"', "pip": "exit 0"}
    for name, does in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{does}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    def run(script: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-o", "pipefail", "-ec", script],
            env=os.environ | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def repository(sh: Sh) -> None:
    """A repository with one commit, in the home."""
    author = "git config user.name n && git config user.email n@example.com"
    done = sh(f"git init -qb main . && {author} && git commit -q --allow-empty -m first")
    assert done.returncode == 0, done.stderr


@needs("git")
def test_pipes_xargs_and_loops_ask_what_they_are_given(sh, upstream, repository, home):
    pipe, xargs, loop = block("sh", "xargs").splitlines()
    (home / "titles.txt").write_text('Der Zauberberg\nO\'Neill & "sons"\n')
    (home / "files.txt").write_text("titles.txt\nfiles.txt\n")

    answers = [sh(line).stdout for line in (pipe, xargs, loop)]

    assert [text.count("answer ") for text in answers] == [1, 2, 2]
    asked = sorted(call.body["messages"][-1]["content"] for call in upstream.calls[1:3])
    assert [text.partition(": ")[2] for text in asked] == ["Der Zauberberg", 'O\'Neill & "sons"']


@needs("git")
def test_a_commit_begins_with_a_drafted_message_and_the_same_one_again(sh, upstream, repository):
    upstream.will(Reply("Add the first file"))
    sh(block("sh", "prepare-commit-msg"))
    sh("echo 1 > file && git add file")

    left = sh("git commit", GIT_EDITOR="false")
    done = sh("git commit", GIT_EDITOR="true")

    assert (left.returncode, done.returncode) == (1, 0)
    assert sh("git log -1 --format=%B").stdout.strip() == "Add the first file"
    assert len(upstream.calls) == 1


@needs("git")
@pytest.mark.parametrize("given", ["-m said", "--amend --no-edit", "--allow-empty -m ''"])
def test_a_message_that_is_there_is_left_alone(sh, upstream, repository, given):
    sh(block("sh", "prepare-commit-msg"))

    sh(f"echo 1 > file && git add file && git commit -q {given}")

    assert upstream.calls == []


@needs("git")
def test_without_a_provider_the_commit_goes_on(sh, upstream, repository):
    upstream.will(Reply(status=401))
    sh(block("sh", "prepare-commit-msg"))
    sh("echo 1 > file && git add file")

    done = sh("git commit", GIT_EDITOR="f() { echo mine > $1; }; f")

    assert done.returncode == 0, done.stderr
    assert sh("git log -1 --format=%B").stdout.strip() == "mine"


@needs("git")
def test_a_pull_forgets_what_was_asked_about_the_files_that_it_changed(sh, upstream, repository):
    sh(block("sh", "post-merge"))
    sh("git checkout -qb theirs && echo 1 > 'a b.sql' && git add '*.sql' && git commit -qm theirs")
    sh("git checkout -q main && llmc put 'what is in a b.sql?' <<< tables")
    sh("llmc put 'what is in c.sql?' <<< views")

    sh("git merge -q theirs")

    assert [
        sh(f"llmc ask -q --offline {shlex.quote(text)}").returncode
        for text in ("what is in a b.sql?", "what is in c.sql?")
    ] == [3, 0]


@pytest.fixture
def answers(sh: Sh, home: Path) -> Path:
    """A folder in which make makes answers of two questions."""
    (home / "Makefile").write_text(block("make", "answers"))
    (home / "guide.md").write_text("Be brief.\n")
    (home / "questions").mkdir()
    for name in ("one", "two"):
        (home / "questions" / f"{name}.txt").write_text(f"what is {name}?\n")
    return home / "answers"


@needs("make")
def test_make_asks_for_each_answer_once(sh, upstream, answers):
    done = sh("make -j 2 answers && make answers")

    assert done.returncode == 0, done.stderr
    assert sorted(path.read_text() for path in answers.iterdir()) == ["answer 1\n", "answer 2\n"]
    assert len(upstream.calls) == 2


@needs("make")
def test_make_asks_anew_for_what_has_changed_and_not_for_what_was_only_touched(
    sh, upstream, answers
):
    sh("make answers")
    sh("touch -d '+1 minute' questions/*.txt && echo 'what is three?' > questions/two.txt")
    sh("touch -d '+1 minute' questions/two.txt")

    done = sh("make answers")

    assert done.stdout.count("llmc ask") == 2
    assert len(upstream.calls) == 3


@needs("make")
def test_a_failed_answer_fails_its_target_and_leaves_no_file(sh, answers):
    (answers.parent / "Makefile").write_text(
        block("make", "answers").replace("ask -q", "ask -q --offline")
    )

    done = sh("make answers")

    assert done.returncode == 2
    assert "Error 3" in done.stderr
    assert list(answers.iterdir()) == []


@pytest.mark.parametrize("name", ["test.yml", ".gitlab-ci.yml", ".pre-commit-config.yaml"])
def test_ci_replays_what_was_recorded_without_a_provider(sh, upstream, home, name):
    lines = lines_of_ci(name)
    (home / "tests").mkdir()
    (home / "tests" / "test_greeting.py").write_text(ASKING)
    upstream.will(Reply("hello"))
    (record,) = re.findall(r"`(llmc run --db tests/cassette.db -- pytest)`", RECIPES)

    recorded = sh(record)
    replayed = [sh(line, OPENAI_API_KEY="") for line in lines]

    assert recorded.returncode == 0, recorded.stdout + recorded.stderr
    assert [done.returncode for done in replayed] == [0] * len(lines), replayed[-1].stdout
    assert "1 passed" in replayed[-1].stdout
    assert len(upstream.calls) == 1


def test_a_test_that_asks_something_else_fails_in_ci(sh, home):
    (home / "tests").mkdir()
    (home / "tests" / "test_greeting.py").write_text(ASKING)
    sh("llmc put greet --db tests/cassette.db <<< hello")

    done = sh(lines_of_ci(".gitlab-ci.yml")[-1], OPENAI_API_KEY="")

    assert done.returncode == 1
    assert "1 failed" in done.stdout


def test_the_settings_of_editors_name_the_address_of_the_proxy(program):
    listens = re.search(r"127\.0\.0\.1:\d+", program("serve", "--help").out + README)
    (continued,) = yaml_of("# config.yaml")["models"]
    zed = json.loads(block("json", "openai_compatible"))["language_models"]["openai_compatible"]

    named = {continued["apiBase"], *(each["api_url"] for each in zed.values())}

    assert listens is not None
    assert named == {f"http://{listens[0]}/v1"}
    assert (continued["provider"], continued["apiKey"]) == ("openai", "llmc")
    assert re.findall(r"`([A-Z]+)_API_KEY=llmc`", RECIPES) == [name.upper() for name in zed]
