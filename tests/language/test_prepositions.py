from __future__ import annotations

import pytest

from llmc.language import prepositions
from llmc.language.english import parse


def differ(one: str, other: str) -> str | None:
    return prepositions.differ(parse(one), parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("how do I back up my phone?", "how do I back up from my phone?"),
        ("how do I back up to my phone?", "how do I back up my phone?"),
        ("should I run with a cold?", "should I run in the cold?"),
        ("keep cats out of my garden", "keep cats in my garden"),
        ("medicine for a cough", "medicine from a cough"),
        ("files modified in the last day", "files modified on the last day"),
        ("what was invented in China?", "what was invented because of China?"),
        ("what do I feed a baby bird?", "what do I feed a bird with babies?"),
        ("books about Orwell", "books by Orwell"),
        ("care for a dog during heat", "care for a dog in the heat"),
        ("are seizures in children dangerous?", "are seizures dangerous to children?"),
        ("a popular song of Queen", "the most popular song of Queen"),
        ("rename a file with the date", "rename a file to the date"),
        ("run a program as another user", "run a program for another user"),
        ("what was the statue made by?", "what was the statue made of?"),
        ("the murder of Caesar", "the murder by Caesar"),
    ],
)
def test_what_stands_before_a_thing_says_another_thing_of_it(one, other):
    assert differ(one, other)
    assert differ(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("reverse a list in Python", "reverse a list with Python"),
        ("remove doubles from a list in Python", "remove doubles from a Python list"),
        ("I want to become a pilot", "how do I become a pilot"),
        ("some popular songs", "the most popular songs"),
        ("cook rice in a pan", "cook rice with a pan"),
        ("tips on starting a business", "tips to start a business"),
        ("the meaning of current", "what is meant by current"),
        ("talk to my boss", "talk with my boss"),
        ("what do bears eat in the winter", "what do bears eat during winter"),
        ("a book about wine", "a book on wine"),
    ],
)
def test_other_words_before_a_thing_say_the_same_of_it(one, other):
    assert differ(one, other) is None
    assert differ(other, one) is None


def test_what_a_preposition_stands_before_is_the_last_word_of_a_name():
    sentence = parse("remove doubles from a Python list of names")

    assert prepositions.governed(sentence) == {"list", "nam"}
