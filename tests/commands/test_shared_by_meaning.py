"""Questions in other words, on another machine than the one that paid for the answer."""

from __future__ import annotations

import json

import pytest
from encoder import REWORDED, STORED


@pytest.fixture
def on(cli, server, encoder, monkeypatch, tmp_path):
    """Run a command on one of several machines."""
    monkeypatch.setenv("LLMC_SHARED", server.url)

    def run(machine: str, *arguments: str):
        monkeypatch.setenv("LLMC_DB", str(tmp_path / f"{machine}.db"))
        return cli(*arguments)

    return run


def test_what_one_machine_paid_for_answers_other_words_on_another(on, upstream, encoder):
    on("a", "ask", "--match", "semantic", STORED)
    asked = len(encoder.calls)

    found = json.loads(on("b", "ask", "--match", "semantic", "--json", REWORDED).out)

    assert (found["source"], found["matched_prompt"]) == ("semantic", STORED)
    assert len(upstream.calls) == 1
    assert len(encoder.calls) == asked + 1


def test_a_verdict_on_one_machine_is_one_on_all(on):
    on("a", "ask", "--match", "semantic", STORED)
    on("a", "ask", "--match", "semantic", REWORDED)
    on("a", "bad")
    on("a", "ask", "--match", "semantic", STORED)

    found = json.loads(on("b", "ask", "--match", "semantic", "--json", REWORDED).out)

    assert found["source"] == "model"
