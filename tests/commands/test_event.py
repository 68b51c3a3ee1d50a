from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

README = Path(__file__).resolve().parent.parent.parent / "README.md"

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


@pytest.fixture
def rule(cli):
    """Add a rule of the event `changed`."""

    def add(pattern: str, *arguments: str) -> None:
        result = cli("rules", "add", "--event", "changed", "--pattern", pattern, *arguments)
        assert result.code == 0, result.err

    return add


@pytest.fixture
def asked(cli, upstream):
    """Ask questions, so that their answers are stored."""
    return lambda *prompts: [cli("ask", prompt) for prompt in prompts]


def prompts(entries: list[dict]) -> list[str]:
    return [entry["prompt"] for entry in entries]


def test_what_its_rules_find_goes(cli, asked, rule, listed):
    asked("what is in a.sql?", "what is in absql?", "what is deployed?")
    rule("{path}")
    rule("deployed")

    result = cli("event", "changed", "--data", "path=a.sql")

    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "rule 1 (prompt ~ /{path}/): 1 entry\n"
        "rule 2 (prompt ~ /deployed/): 1 entry\n"
        "removed 2 entries\n"
    )
    assert prompts(listed()) == ["what is in absql?"]


def test_a_program_is_given_counts(cli, asked, rule):
    asked("what is in a.sql?")
    rule("{path}")

    result = cli("event", "changed", "--data", "path=a.sql", "--json")

    assert json.loads(result.out) == {
        "event": "changed",
        "removed": 1,
        "wordings": 0,
        "rules": [{"id": 1, "entries": 1, "wordings": 0, "skipped": None}],
    }


def test_a_dry_run_lists_and_keeps(cli, asked, rule, listed):
    asked("what is in a.sql?", "why?")
    rule("{path}")

    found = listed("event", "changed", "--data", "path=a.sql", "--dry-run")

    assert prompts(found) == ["what is in a.sql?"]
    assert len(listed()) == 2


@pytest.mark.parametrize("flags", [[], ["--dry-run"], ["--data", "path=x"], ["--yes"]], ids=repr)
def test_an_event_without_rules_says_so(cli, flags):
    result = cli("event", "deploy", *flags)

    assert (result.code, result.out, result.err) == (0, "no rule for deploy\n", "")


@pytest.mark.parametrize("data", [[], ["--data", "other=x"], ["--data", "path="]], ids=repr)
def test_a_missing_field_skips_its_rule_and_fails_at_the_end(cli, asked, rule, listed, data):
    asked("what is in a.sql?", "what is deployed?")
    rule("{path}")
    rule("deployed")

    result = cli("event", "changed", *data)

    assert result.code == 1
    assert result.out == (
        "rule 1 (prompt ~ /{path}/): skipped\n"
        "rule 2 (prompt ~ /deployed/): 1 entry\n"
        "removed 1 entry\n"
    )
    assert result.err == "llmc: error: rule 1 was skipped: its field path is not given\n"
    assert prompts(listed()) == ["what is in a.sql?"]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (["path"], "--data: 'path' is not NAME=VALUE"),
        (["=x"], "--data: '=x' is not NAME=VALUE"),
        (["a-b=x"], "--data: 'a-b=x' is not NAME=VALUE"),
        (["a=x", "a=y"], "--data: a is given twice"),
    ],
)
def test_data_that_is_none_is_wrong_usage(cli, data, complaint):
    arguments = [word for each in data for word in ("--data", each)]

    result = cli("event", "changed", *arguments)

    assert (result.code, result.out) == (2, "")
    assert complaint in result.err


def test_a_value_may_hold_anything(cli, asked, rule, listed):
    asked("what is a=b|c.* [x]?")
    rule("{value}")

    cli("event", "changed", "--data", "value=a=b|c.* [x]")

    assert listed() == []


def test_it_keeps_to_the_namespace_of_its_rule(cli, asked, rule, listed):
    asked("one")
    cli("ask", "one", "-n", "work")
    rule("one", "-n", "work")

    cli("event", "changed")

    assert [entry["namespace"] for entry in listed()] == ["default"]


def test_it_never_asks(cli, asked, rule, listed):
    asked("one")
    rule("one")

    result = cli("event", "changed", terminal=True)

    assert (result.code, listed()) == (0, [])


def test_other_words_are_forgotten_and_their_answer_stays(cli, encoder, rule, listed):
    from encoder import REWORDED, STORED

    cli("ask", STORED)
    cli("ask", REWORDED, "--match", "semantic")
    rule("can I undo")

    result = cli("event", "changed")

    assert result.out.endswith("removed 0 entries and 1 wording of others\n")
    assert prompts(listed()) == [STORED]


def test_nothing_repeats_what_was_forgotten(cli, asked, rule, db):
    asked("what is in unheard-of.sql?")
    rule("{path}")

    result = cli("event", "changed", "--data", "path=unheard-of.sql")

    wal = db.with_name(f"{db.name}-wal")
    content = db.read_bytes() + (wal.read_bytes() if wal.exists() else b"")
    assert "unheard-of" not in result.out + result.err
    assert b"unheard-of" not in content


def test_an_unusable_file_is_exit_5(cli, unusable):
    result = cli("event", "changed")

    assert result.code == 5
    assert unusable.reason in result.err


# -- the hook of the README ----------------------------------------------------------------------


@pytest.fixture
def git(tmp_path, monkeypatch):
    """Run git in a repository, with nobody's configuration."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    names = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
    [monkeypatch.setenv(name, "someone") for name in names]

    def run(folder: Path, *arguments: str) -> None:
        done = subprocess.run(
            ["git", "-C", folder, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    return run


def commit(git, folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "change")


@needs_git
def test_the_hook_of_the_readme_forgets_what_a_pull_has_changed(
    cli, asked, listed, launcher, git, tmp_path
):
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    commit(git, origin, schema_sql="one", größe_txt="one", other_sql="one")
    git(tmp_path, "clone", "-q", str(origin), str(clone))
    hook = r"^cat > \.git/hooks/post-merge.*?\nchmod .*?$"
    (script,) = re.findall(hook, README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    subprocess.run(["sh", "-e", "-c", script], cwd=clone, check=True)
    cli("rules", "add", "--event", "file_changed", "--pattern", "{path}")
    asked("what is in schema.sql?", "what is in größe.txt?", "what is in other.sql?")
    commit(git, origin, schema_sql="two", größe_txt="two")

    git(clone, "pull", "-q")

    assert prompts(listed()) == ["what is in other.sql?"]
