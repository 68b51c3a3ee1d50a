from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest

from llmc.commands import demo


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """The rehearsed model does not think."""
    monkeypatch.setattr(demo, "time", SimpleNamespace(sleep=lambda _: None))


def test_the_story_is_a_miss_a_hit_and_what_it_saved(cli, db):
    result = cli("demo")

    assert result.code == 0
    commands = re.findall(r"^\$ llmc (\w+)", result.out, re.MULTILINE)
    lines = result.err.splitlines()
    assert commands[:3] == ["ask", "ask", "ask"]
    assert commands[-1] == "stats"
    assert re.fullmatch(r"llmc: asked rehearsal, \d\.\d+ s, cost \$0\.\d+", lines[0])
    assert re.match(r"llmc: exact hit, \d s old, saved \$0\.\d+", lines[1])
    assert re.fullmatch(
        r"llmc: semantic hit, \d s old, saved \$0\.\d+;"
        r" asked as “why is the sky blue\?”, similarity 0\.966; wrong\? llmc bad 1",
        lines[2],
    )
    assert len(re.findall("^Air scatters", result.out, re.MULTILINE)) == 3
    assert "(A rehearsal: no model was asked" in result.out
    assert not db.exists()


@pytest.mark.parametrize(
    "text", ["ttl = 0\n", "nonsense\n"], ids=["nothing is stored", "broken file"]
)
def test_the_story_does_not_depend_on_the_folder_it_is_told_in(cli, home, text):
    (home / ".llmc.toml").write_text(text)

    result = cli("demo")

    assert result.code == 0
    assert "llmc: exact hit" in result.err


def test_the_story_does_not_depend_on_the_users_settings(cli, configuration, monkeypatch, home):
    configuration('cache = "deterministic"\n')
    monkeypatch.setenv("LLMC_TTL", "0")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-mine")

    result = cli("demo", "--db", "kept.db")

    assert result.code == 0
    assert "llmc: exact hit" in result.err
    assert b"sk-of-mine" not in (home / "kept.db").read_bytes()


def test_the_story_is_offline_behind_a_proxy_too(cli, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    result = cli("demo")

    assert result.code == 0
    assert "llmc: exact hit" in result.err


def test_the_commands_shown_can_be_typed_on_a_kept_file(cli):
    cli("demo", "--db", "kept.db")

    result = cli("list", "--db", "kept.db", "--json")

    assert json.loads(result.out)["prompt"] == "why is the sky blue?"
