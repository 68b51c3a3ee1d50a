from __future__ import annotations

import pytest
from drafts import draft, question

from llmc.layout import messages
from llmc.types import Entry, Request
from llmc.why.difference import difference, nearest


def stored(prompt: str, entry_id: int = 1) -> Entry:
    made = draft(prompt)
    return Entry(
        id=entry_id,
        namespace="default",
        key=made.key,
        sample=0,
        token_limit=None,
        model="m",
        prompt=prompt,
        answer="blue",
        choices=None,
        finish_reason="stop",
        served_model=None,
        temperature=0.0,
        tokens=made.tokens,
        cost=1,
        latency=1.0,
        created_at=1.0,
        expires_at=None,
    )


def chat(*turns: tuple[str, str], **parameters: object) -> Request:
    messages = [{"role": role, "content": text} for role, text in turns]
    return Request("http://127.0.0.1:9/v1", {"model": "m", "messages": messages, **parameters})


def filed(**files: str) -> Request:
    return question("a?", system=messages("a?", system="Be brief.", files=files)[0]["content"])


@pytest.mark.parametrize(
    ("asked", "kept", "said"),
    [
        (filed(a="x", b="y"), filed(a="x"), "file b added"),
        (filed(a="x"), filed(a="x", b="y"), "file b left out"),
        (filed(a="xz"), filed(a="xy"), "file a differs at character 2: “xy” → “xz”"),
    ],
)
def test_a_file_is_named_and_not_called_the_system_text(asked, kept, said):
    assert difference(asked, kept) == [said]


@pytest.mark.parametrize(
    ("asked", "kept", "said"),
    [
        (question("a?", temperature=0), question("a?", temperature=0.2), "temperature 0.2 → 0"),
        (question("a?", top_p=0.5), question("a?"), "top_p unset → 0.5"),
        (question("a?"), question("a?", seed=7), "seed 7 → unset"),
        (question("a?", model="n"), question("a?"), "model m → n"),
        (question("a?", base_url="http://h/v1"), question("a?"),
         "address http://127.0.0.1:9/v1 → http://h/v1"),
        (question("a?", system="Be brief."), question("a?"), "system added"),
        (question("a?"), question("a?", system="Be brief."), "system left out"),
        (question("the cat"), question("the car"),
         "prompt differs at character 7: “the car” → “the cat”"),
        (question("a?", stop=["x" * 80]), question("a?", stop=["x" * 79 + "y"]),
         'stop differs at character 82: “…xxxxxxxxxxxxy"]” → “…xxxxxxxxxxxxx"]”'),
    ],
)  # fmt: skip
def test_a_difference_names_its_field_and_both_values(asked, kept, said):
    assert difference(asked, kept) == [said]


def test_a_long_text_is_shown_around_its_first_difference():
    same = "Answer as a pirate would, and never say please. " * 4
    asked = question("a?", system=same + "Today is Tuesday, the second of June.")
    kept = question("a?", system=same + "Today is Monday, the first of June, they say.")

    (said,) = difference(asked, kept)

    assert said == (
        "system differs at character 202: “…e. Today is Monday, the firs…” → "
        "“…e. Today is Tuesday, the sec…”"
    )


def test_an_earlier_turn_counts_as_one_field():
    first = chat(("user", "hello"), ("assistant", "hi"), ("user", "and?"))
    other = chat(("user", "hello"), ("assistant", "ho"), ("user", "and?"))

    (said,) = difference(first, other)

    assert said.startswith("conversation differs at character")


def test_several_differences_are_all_named():
    said = difference(question("b?", system="x", top_p=1), question("a?", model="n"))

    assert [line.split()[0] for line in said] == ["model", "system", "prompt", "top_p"]


def test_equal_requests_do_not_differ():
    assert difference(question("a?", user="me"), question("a?", user="you", stream=True)) == []


def test_a_request_of_another_form_is_said_to_differ_in_its_form():
    parts = [{"type": "text", "text": "a?"}]
    asked = Request("http://h/v1", {"model": "m", "messages": [{"role": "user", "content": parts}]})
    kept = Request("http://h/v1", {"model": "m", "messages": [{"role": "user", "content": "a?"}]})

    assert difference(asked, kept) == ["the form of its messages differs"]


def test_the_nearest_request_shares_the_prompt_before_all_else():
    asked = question("a?", system="s", top_p=1, seed=2)
    others = [
        (stored("b?", 1), question("b?", system="s", top_p=1, seed=2)),
        (stored("a?", 2), question("a?")),
        (stored("a?", 3), question("a?", system="s")),
        (stored("a?", 4), question("a?", system="s")),
    ]

    found = nearest(asked, others, k=3)

    assert [(entry.id, len(differences)) for entry, differences in found] == [
        (4, 2),
        (3, 2),
        (2, 3),
    ]


def test_among_other_prompts_the_one_that_shares_most_words_is_nearest():
    asked = question("the quick brown fox jumps")
    others = [
        (stored("a slow snail", 3), question("a slow snail")),
        (stored("the quick red fox jumps", 2), question("the quick red fox jumps", system="s")),
        (stored("the fox", 1), question("the fox")),
    ]

    found = nearest(asked, others, k=3)

    assert [entry.id for entry, _ in found] == [2, 1, 3]


def test_the_place_is_found_in_documents_of_megabytes():
    document = "x" * 5_000_000

    (said,) = difference(question(f"{document}a"), question(f"{document}b"))

    assert said.startswith("prompt differs at character 5,000,001: ")


def test_white_space_that_would_break_a_line_is_made_visible():
    (said,) = difference(question("a\tb\r\nc"), question("a b"))

    assert said == "prompt differs at character 2: “a b” → “a⇥b␍⏎c”"
