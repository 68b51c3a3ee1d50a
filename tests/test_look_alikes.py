from __future__ import annotations

import csv
from pathlib import Path

import pytest

from llmc import semantic
from llmc.semantic import Refusal

PAIRS = Path(__file__).resolve().parent.parent / "benchmarks" / "pairs"

#: Above the threshold of `--error 10%`, below the similarity from which a word more is let pass.
SIMILARITY, THRESHOLD = 0.93, 0.9

MORE = "an answer to more than was asked will do"

#: Pairs with different answers that the rules let pass: the new question, and why it is so. None of
#: the others may join them unseen.
EXCEPTIONS = {
    "what is the best laptop under 1000 dollars?": "what is praised may be any good thing",
    "what is the capital of Peru?": MORE,
    "who wrote Dracula?": MORE,
    "Would you eat insects?": "`would you` is as often a polite `do you`",
    "How do I help a friend who is drinking?": "`who is drinking` and `to drink` are one word each",
    "Can my child go to school with lice?": "`go` and `get` are as light as `do`",
}

#: Pairs with one answer that are accepted, of as many.
RIGHT = {
    "look_alikes": (291, 364),
    "held_out": (109, 205),
    "second_held_out": (92, 120),
    "third_held_out": (32, 45),
}


def pairs(name, label):
    with (PAIRS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [(row["question1"], row["question2"]) for row in rows if row["label"] == label]


def refusal(new, stored):
    """Say what a lookup would say of two prompts; None if the answer may serve."""
    first, second = semantic.question(new), semantic.question(stored)
    alone = next((found for found in (first, second) if isinstance(found, Refusal)), None)
    return alone or semantic.accept(first, second, similarity=SIMILARITY, threshold=THRESHOLD)


LOOK_ALIKES = [
    pytest.param(*pair, id=f"{name} {at}")
    for name in RIGHT
    for at, pair in enumerate(pairs(name, "0"))
    if pair[0] not in EXCEPTIONS
]


@pytest.mark.parametrize(("new", "stored"), LOOK_ALIKES)
def test_a_question_that_only_looks_alike_is_refused(new, stored):
    assert refusal(new, stored) is not None


def test_the_exceptions_are_let_pass_and_no_other_pair_is_left_out():
    wrong = [pair for name in RIGHT for pair in pairs(name, "0")]
    excepted = [pair for pair in wrong if pair[0] in EXCEPTIONS]

    assert [pair for pair in excepted if refusal(*pair) is None] == excepted
    assert len(excepted) == len(EXCEPTIONS)


@pytest.mark.parametrize("name", RIGHT)
def test_as_many_questions_in_other_words_are_answered_as_were(name):
    right = pairs(name, "1")

    accepted = sum(refusal(*pair) is None for pair in right)

    assert (accepted, len(right)) == RIGHT[name]


#: Ways to ask for a deed, each with other words around it.
ASKED = (
    "{}", "How do I {}?", "I want to {}", "What is the best way to {}?",
    "What are the steps to {}?", "I need to know how to {}", "Is there any easy way to {}?",
)  # fmt: skip

#: The same words in another order, or at other ends.
TURNED = [
    ("convert JSON to YAML", "convert YAML to JSON"),
    ("build a boat house", "build a house boat"),
    ("keep bread fresh", "keep fresh bread"),
    ("clean a water bottle", "bottle clean water"),
    ("call Python code from C", "call C code from Python"),
    ("subtract column A from column B", "subtract column B from column A"),
    ("add a colleague to my calendar", "add my calendar to a colleague's"),
    ("make friends at a new school", "make new friends at school"),
]


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("also", ASKED)
@pytest.mark.parametrize(("new", "stored"), TURNED)
def test_a_look_alike_is_refused_however_it_is_asked_for(asked, also, new, stored):
    assert refusal(asked.format(new), also.format(stored)) is not None
    assert refusal(asked.format(stored), also.format(new)) is not None


@pytest.mark.parametrize("asked", ["Is it possible for me to {}?", "Can I {}?"])
def test_who_does_it_to_whom_is_told_apart_however_it_is_asked(asked):
    new = asked.format("sue my landlord for unpaid rent")

    assert refusal(new, "Can my landlord sue me for unpaid rent?") is not None


def test_what_is_thought_of_something_is_not_what_it_is():
    assert semantic.question("What do you think about the Shroud of Turin?").wording != (
        semantic.question("What is the Shroud of Turin?").wording
    )
