from __future__ import annotations

import json

from upstream import Reply


def test_a_new_question_is_asked_and_its_answer_printed(cli, upstream):
    upstream.will(Reply("blue"))

    result = cli("ask", "which colour?")

    assert result.code == 0
    assert result.out == "blue\n"
    assert "asked gpt-6-luna" in result.err


def test_a_repeated_question_is_answered_from_the_file(cli, upstream):
    cli("ask", "which colour?")

    result = cli("ask", "which colour?", "--json")

    assert json.loads(result.out)["source"] == "exact"
    assert len(upstream.calls) == 1
