from __future__ import annotations

import base64
import json
import re
import struct
from operator import mul
from types import SimpleNamespace

import pytest

from llmc import rehearsal, semantic
from llmc.commands import demo
from llmc.settings import SETTINGS


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """The rehearsed model does not think."""
    monkeypatch.setattr(rehearsal, "time", SimpleNamespace(sleep=lambda _: None))


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
        r" asked as “why is the sky blue\?”, similarity 0\.991; wrong\? llmc bad 1",
        lines[2],
    )
    assert re.search(
        "^1\t\\d+ s\t2\t-\trehearsal\tdefault\twhy is the sky blue\\?$", result.out, re.MULTILINE
    )
    assert "\nhits_exact\t1\nhits_shared\t0\nhits_semantic\t1\n" in result.out
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
    [monkeypatch.setenv(f"LLMC_{setting.name.upper()}", "0") for setting in SETTINGS]
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "x")
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


def test_the_vectors_are_of_its_questions_and_as_near_as_it_says():
    with open(rehearsal._VECTORS, encoding="utf-8") as file:
        known = json.load(file)
    wordings = [semantic.question(words).wording for words in (demo._PROMPT, demo._REWORDED)]
    first, second = (struct.unpack("<384e", base64.b64decode(known[w])) for w in wordings)

    similarity = sum(map(mul, first, second))

    assert similarity == pytest.approx(0.991, abs=1e-3)
    assert sum(map(mul, first, first)) == pytest.approx(1, abs=1e-3)


def test_the_threshold_of_the_story_is_the_one_of_the_model_that_it_plays():
    assert f"threshold = {semantic.THRESHOLDS['minilm']['5%']}" in demo._CONFIG


def test_the_story_ends_with_what_to_do_next(cli):
    assert "llmc model pull" in cli("demo").out.splitlines()[-1]


def test_a_file_that_cannot_be_used_is_told_before_the_story_begins(cli, home):
    (home / "text.txt").write_text("no cache file")

    result = cli("demo", "--db", "text.txt")

    assert (result.code, result.out) == (5, "")
    assert result.err == "llmc: error: cache file text.txt: it is not a cache file\n"
