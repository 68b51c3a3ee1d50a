from __future__ import annotations

import pytest

from llmc.prefix import advice
from llmc.prefix.breaks import Break, Part

TOOLS = Part("tools", "[]")
A_FILE = 'Be brief.\n\n<file name="a.txt">\n'
RULES = Part("system", f'{A_FILE}one\ntwo\n</file>\n\n<file name="b">\nx\n</file>')
QUESTION = Part("user", "why?")


@pytest.mark.parametrize(
    ("part", "text", "parts", "place"),
    [
        (1, "Be ", [TOOLS, RULES, QUESTION], "character 4 of the system prompt"),
        (1, A_FILE[:24], [TOOLS, RULES, QUESTION], "character 25 of the system prompt"),
        (1, A_FILE, [TOOLS, RULES], "character 1 of the file a.txt"),
        (1, A_FILE + "one", [TOOLS, RULES], "character 4 of the file a.txt"),
        (2, "", [TOOLS, RULES, QUESTION], "character 1 of the user message"),
        (2, "", [TOOLS, RULES, Part("system", "x"), QUESTION], "character 1 of message 2 (system)"),
        (
            4,
            "w",
            [TOOLS, RULES, QUESTION, Part("assistant", "so"), QUESTION],
            "character 2 of message 4 (user)",
        ),
        (0, "[", [TOOLS, RULES], "character 2 of the tools"),
    ],
)  # fmt: skip
def test_a_place_is_named_as_a_person_would(part, text, parts, place):
    assert advice.place(Break(part, len(text), "a", "b"), parts) == place


def test_a_mark_of_a_file_in_somebody_s_own_words_is_no_file():
    rules = Part("system", 'Write <file name="x">\n as XML.')

    assert advice.place(Break(1, 24, "a", "b"), [TOOLS, rules]) == (
        "character 25 of the system prompt"
    )


def test_what_follows_a_file_is_not_in_it():
    place = advice.place(Break(1, len(RULES.text), "a", "b"), [TOOLS, RULES])

    assert place == f"character {len(RULES.text) + 1} of the system prompt"
