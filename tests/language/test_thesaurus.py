"""The groups of words say what the rules that read them rely on."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from llmc.language import thesaurus
from llmc.language.english import are_synonyms, stem

PAIRS = list(enumerate(thesaurus.OPPOSITES))


def stems(words: frozenset[str]) -> set[str]:
    return {stem(word) for word in words}


@pytest.mark.parametrize(("number", "pair"), PAIRS)
def test_opposites_have_two_sides_without_a_common_word(number, pair):
    left, right = pair

    assert left
    assert right
    assert left & right == set()
    assert stems(left) & stems(right) == set()


@pytest.mark.parametrize(("number", "pair"), PAIRS)
def test_opposites_are_no_synonyms(number, pair):
    left, right = map(stems, pair)

    assert [(a, b) for a, b in product(left, right) if are_synonyms(a, b)] == []


@pytest.mark.parametrize("group", thesaurus.SYNONYMS, ids=lambda group: " ".join(sorted(group)))
def test_a_group_of_synonyms_has_two_words_at_least(group):
    assert len(group) > 1


@pytest.mark.parametrize("group", thesaurus.SYNONYMS, ids=lambda group: " ".join(sorted(group)))
def test_a_group_of_synonyms_holds_words_of_letters_and_digits(group):
    assert [word for word in group if not word.isalnum() or word != word.lower()] == []


def test_no_group_of_synonyms_says_the_same_as_another():
    contained = [
        (sorted(one), sorted(other))
        for one, other in combinations(thesaurus.SYNONYMS, 2)
        if one <= other or other <= one
    ]

    assert contained == []


@pytest.mark.parametrize(
    "words",
    [
        "fetch pull", "update upgrade", "drop delete", "push pull", "merge rebase", "reset revert",
        "kill stop", "encode encrypt", "stage commit", "virus bacteria", "tcp udp", "http https",
    ],
)  # fmt: skip
def test_what_differs_in_a_shell_or_at_the_doctors_is_no_synonym(words):
    pair = set(words.split())

    assert [sorted(group) for group in thesaurus.SYNONYMS if pair <= group] == []


@pytest.mark.parametrize("suffix", thesaurus.SUFFIXES)
def test_suffixes_stand_as_stems_have_them(suffix):
    assert suffix.isalpha()
    assert not suffix.endswith(("e", "y"))


def test_a_suffix_is_listed_once():
    assert len(set(thesaurus.SUFFIXES)) == len(thesaurus.SUFFIXES)
