from __future__ import annotations

import pytest

from llmc import guards
from llmc.guards import Refusal
from llmc.language import english, manner

NEAR = 0.98


def told(text):
    return manner.told(english.parse(text))


def refusal(new, stored):
    return guards.between(english.parse(new), english.parse(stored), NEAR)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("explain recursion in one sentence", {"sentenc": "sentence"}),
        ("explain recursion in a few short sentences", {"sentenc": "sentences"}),
        ("explain recursion in simple terms", {"simple": "simple"}),
        ("explain recursion simply", {"simple": "simply"}),
        ("briefly explain recursion", {"brief": "briefly"}),
        ("explain recursion in detail", {"detailed": "detail"}),
        ("explain recursion step by step", {"step": "step by step"}),
        ("name the planets as a bulleted list", {"list": "list"}),
        ("name the planets in Spanish", {"spanish": "spanish"}),
        ("give an example of irony", {"examples": "example"}),
        ("how do I print the planets as a table?", {"tabl": "table"}),
    ],
)
def test_a_question_may_say_in_which_form_it_is_answered(text, found):
    assert told(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "how do I find the largest number in a list?",
        "how do I count the words in a sentence?",
        "how do I simply peel an orange?",
        "are Chinese and western table manners different?",
        "what stands in table manners books?",
        "",
    ],
)
def test_other_questions_say_nothing_of_it(text):
    assert told(text) == {}


@pytest.mark.parametrize(
    ("more", "less", "word"),
    [
        ("explain recursion in one sentence", "explain recursion", "sentence"),
        ("explain recursion in simple words", "explain recursion", "simple"),
        ("briefly explain recursion", "explain recursion", "briefly"),
        ("explain recursion in detail", "explain recursion", "detail"),
        ("what are the moons of Mars as a list?", "what are the moons of Mars?", "list"),
        ("what are the moons of Mars in Spanish?", "what are the moons of Mars?", "spanish"),
        ("explain recursion in detail", "explain recursion briefly", "detail"),
        ("what are examples of mammals in Peru?", "what are mammals in Peru?", "examples"),
    ],
)
def test_the_form_of_the_answer_must_be_the_same_however_near_the_rest_is(more, less, word):
    expected = Refusal("manner", f"{word!r} is the form of one answer only")

    assert refusal(more, less) == expected


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("explain recursion in simple terms", "explain recursion in simple words"),
        ("explain recursion simply", "give me a simple explanation of recursion"),
        ("how can I get better at writing in English?", "how do I get better at English writing?"),
        ("what are examples of mammals?", "what is an example of mammals?"),
    ],
)
def test_the_same_form_in_other_words_passes(new, stored):
    assert refusal(new, stored) is None
    assert refusal(stored, new) is None
