from __future__ import annotations

import pytest

from llmc import guards
from llmc.guards import Refusal
from llmc.language import english

NEAR = 0.98


def refusal(new, stored):
    return guards.between(english.parse(new), english.parse(stored), NEAR)


@pytest.mark.parametrize(
    ("more", "less", "word"),
    [
        ("how big is new york state", "how big is new york", "state"),
        ("what is the mayor of kansas city called?", "what is the mayor of kansas called?", "city"),
        ("who is my wife's doctor in Oslo?", "who is my doctor in Oslo?", "wife"),
        ("is aspirin safe for my son's teacher?", "is aspirin safe for my son?", "teacher"),
    ],
)
def test_a_longer_name_names_another_thing_however_near_the_rest_is(more, less, word):
    expected = Refusal("narrowing", f"{word!r} on one side only")

    assert refusal(more, less) == expected
    assert refusal(less, more) == expected


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("what is the rust language used for?", "what is rust used for?"),
        ("where is the alhambra located?", "where is the alhambra?"),
        ("what does the yeast count as?", "what does yeast count as?"),
    ],
)
def test_what_only_says_what_is_named_makes_no_longer_name(more, less):
    assert refusal(more, less) is None
    assert refusal(less, more) is None


@pytest.mark.parametrize(
    ("more", "less", "word"),
    [
        ("what is the specific gravity of mercury?", "what is the gravity of mercury?", "specific"),
        ("what is the mean squared error?", "what is the squared error?", "mean"),
        ("what are the main causes of rust?", "what are the causes of rust?", "main"),
        ("when is good friday celebrated?", "when is friday celebrated?", "good"),
        ("what is a used car loan?", "what is a car loan?", "used"),
        ("what is decent work policy?", "what is work policy?", "decent"),
    ],
)
def test_a_light_word_may_be_half_of_a_term(more, less, word):
    expected = Refusal("narrowing", f"{word!r} on one side only")

    assert refusal(more, less) == expected
    assert refusal(less, more) == expected


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("what are good alternatives to paper?", "what are alternatives to paper?"),
        (
            "what are the major differences between figs and dates?",
            "what are the differences between figs and dates?",
        ),
        ("how do I actually delete an account?", "how do I delete an account?"),
        ("what was the real cause of the war?", "what was the cause of the war?"),
    ],
)
def test_other_light_words_say_no_more(more, less):
    assert refusal(more, less) is None
    assert refusal(less, more) is None


@pytest.mark.parametrize(
    ("more", "less", "word"),
    [
        ("is aspirin safe for toddlers?", "is aspirin safe?", "toddlers"),
        ("is aspirin safe with wine?", "is aspirin safe?", "wine"),
        ("is cold water safe for a cat?", "is water safe for a cat?", "cold"),
        ("how do I run a skipped test?", "how do I skip a test?", "run"),
        (
            "how do I clean a couch with leather cleaner?",
            "how do I clean a leather couch?",
            "cleaner",
        ),
        (
            "what is the dose of aspirin to prevent a stroke?",
            "what is the dose of aspirin for a stroke?",
            "prevent",
        ),
    ],
)
def test_a_condition_is_never_a_word_too_many(more, less, word):
    expected = Refusal("narrowing", f"{word!r} on one side only")

    assert refusal(more, less) == expected
    assert refusal(less, more) == expected


def test_what_one_has_to_do_is_no_condition():
    new, stored = "do I have to pay tax on wine in Peru?", "is wine taxed in Peru?"

    assert refusal(new, stored) is None


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("how can I invest my money wisely?", "how can I invest my money?"),
        ("how do I turn a guest down nicely?", "how do I turn a guest down?"),
        ("how do I ensure that I waste no time online?", "how do I waste no time online?"),
        ("what steps can I take to improve my handwriting?", "how can I improve my handwriting?"),
        ("what is a trick to peel a boiled egg?", "how do I peel a boiled egg?"),
        ("was mahatma Gandhi a lawyer in Natal?", "was Gandhi a lawyer in Natal?"),
    ],
)
def test_some_words_say_what_the_question_says_anyway(more, less):
    assert refusal(more, less) is None
    assert refusal(less, more) is None
