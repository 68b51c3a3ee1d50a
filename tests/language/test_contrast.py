from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmc.language.contrast import Contrast
from llmc.language.english import SLOT, parse

enough = settings(max_examples=150)

WORDS = (
    "how what does is the best web site website cat cats dog rice film movie buy purchase without 5"
    ' km Rome -r "x" translate translation a not'
)
questions = st.lists(st.sampled_from(WORDS.split()), max_size=10).map(" ".join)


def contrast(new: str, stored: str) -> Contrast:
    return Contrast(parse(new), parse(stored), 0.97)


def only(new: str, stored: str) -> tuple[list[str], list[str]]:
    first, second = contrast(new, stored).only
    return [word.low for word in first], [word.low for word in second]


@pytest.mark.parametrize(
    ("new", "stored", "words"),
    [
        ("does a cat eat rice", "does a dog eat rice", (["cat"], ["dog"])),
        ("does a cat eat rice", "does a cat eat", (["rice"], [])),
        ("is it good", "is it not good", ([], ["not"])),
        ("is he in Rome", "is he in Paris", (["rome"], ["paris"])),
        ("port it", "export it", (["port"], ["export"])),
    ],
)
def test_words_of_one_sentence_alone_are_found(new, stored, words):
    assert only(new, stored) == words
    assert only(stored, new) == words[::-1]


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("does a cat eat", "do cats eat"),
        ("build a website", "build a web site"),
        ("use a data base", "use a database"),
        ("watch a film", "watch a movie"),
        ("what is the largest dog", "what is the biggest dog"),
        ("translate it", "the translation of it is the"),
        ("is the colour nice", "is the color nice"),
        ("is the caf\u00e9 nice", "is the cafe nice"),
    ],
)
def test_another_writing_of_a_word_is_no_other_word(new, stored):
    assert contrast(new, stored).heavy == ([], [])


def test_only_words_that_say_something_are_heavy():
    found = contrast("what is the best film without rice", "who was he")

    assert [word.low for word in found.heavy[0]] == ["film", "rice"]


def test_a_contrast_knows_both_of_its_sentences():
    found = contrast("is it hot", "is it cold")

    assert found.both == (parse("is it hot"), parse("is it cold"))


@enough
@given(questions)
def test_a_sentence_has_no_word_that_it_does_not_have(text):
    assert only(text, text) == ([], [])


@enough
@given(questions, questions)
def test_the_other_way_round_the_words_change_sides(new, stored):
    assert only(new, stored) == only(stored, new)[::-1]


@enough
@given(questions, questions)
def test_literals_are_compared_by_others(new, stored):
    first, second = contrast(new, stored).only

    assert SLOT not in {word.kind for word in [*first, *second]}


@enough
@given(st.text(max_size=40), st.text(max_size=40))
def test_words_that_only_one_has_are_words_of_it(new, stored):
    found = contrast(new, stored)

    assert set(found.only[0]) <= set(found.new.words)
    assert set(found.only[1]) <= set(found.stored.words)
