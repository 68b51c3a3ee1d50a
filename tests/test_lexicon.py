"""The lists of words hold what the rules that read them rely on."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from llmc import lexicon
from llmc.english import are_synonyms, stem

LISTS = sorted(name for name in lexicon.__all__ if isinstance(getattr(lexicon, name), frozenset))
WORDS = [name for name in LISTS if name != "PRESENT_SPANS"]

PAIRS = list(enumerate(lexicon.OPPOSITES))

EACH_LIST = pytest.mark.parametrize("name", WORDS)


def stems(words: frozenset[str]) -> set[str]:
    return {stem(word) for word in words}


@EACH_LIST
def test_a_list_consists_of_single_words_in_lower_case(name):
    words = getattr(lexicon, name)

    assert words
    assert [w for w in words if w != w.lower() or not w.replace("'", "").isalpha()] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("FUNCTION", "TURNING"),
        ("FUNCTION", "NEGATIONS"),
        ("FUNCTION", "LIGHT"),
        ("TURNING", "LIGHT"),
        ("NEGATIONS", "LIGHT"),
        ("LIGHT", "TIMES_OF_DAY"),
        ("LIGHT", "PRESENT"),
        ("PRESENT", "TIMES_OF_DAY"),
        ("NEGATIONS", "ALIKE"),
        ("RANDOM", "FUNCTION"),
    ],
)
def test_a_word_is_of_one_kind(one, other):
    assert getattr(lexicon, one) & getattr(lexicon, other) == set()


def test_auxiliaries_are_words_of_grammar():
    assert lexicon.AUXILIARIES <= lexicon.FUNCTION


def test_words_that_direct_are_words_of_grammar_or_turn_a_question():
    assert lexicon.DIRECTED <= lexicon.FUNCTION | lexicon.TURNING | lexicon.NEGATIONS


def test_no_word_says_that_a_text_is_english_and_that_it_is_not():
    assert lexicon.ENGLISH.isdisjoint(lexicon.FOREIGN)


# -- opposites and synonyms ----------------------------------------------------------------------


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


@pytest.mark.parametrize("group", lexicon.SYNONYMS, ids=lambda group: " ".join(sorted(group)))
def test_a_group_of_synonyms_has_two_words_at_least(group):
    assert len(group) > 1


@pytest.mark.parametrize("group", lexicon.SYNONYMS, ids=lambda group: " ".join(sorted(group)))
def test_a_group_of_synonyms_holds_words_of_letters_and_digits(group):
    assert [word for word in group if not word.isalnum() or word != word.lower()] == []


def test_no_group_of_synonyms_says_the_same_as_another():
    contained = [
        (sorted(one), sorted(other))
        for one, other in combinations(lexicon.SYNONYMS, 2)
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

    assert [sorted(group) for group in lexicon.SYNONYMS if pair <= group] == []


# -- idioms and forms ----------------------------------------------------------------------------


@pytest.mark.parametrize(("phrase", "meaning"), lexicon.IDIOMS.items(), ids=str)
def test_an_idiom_has_two_to_five_words_and_another_meaning(phrase, meaning):
    assert 2 <= len(phrase) <= 5
    assert phrase != meaning
    assert [w for w in (*phrase, *meaning) if w != w.lower() or not w.isalpha()] == []


@pytest.mark.parametrize(("phrase", "meaning"), lexicon.IDIOMS.items(), ids=str)
def test_the_meaning_of_an_idiom_is_no_idiom_that_leads_elsewhere(phrase, meaning):
    assert lexicon.IDIOMS.get(meaning, meaning) == meaning


@pytest.mark.parametrize(("form", "base"), lexicon.IRREGULAR.items())
def test_an_irregular_form_leads_to_a_base_that_leads_nowhere_else(form, base):
    assert lexicon.IRREGULAR.get(base, base) == base


@pytest.mark.parametrize(("form", "base"), lexicon.IRREGULAR.items())
def test_an_irregular_form_has_the_stem_of_its_base(form, base):
    assert stem(form) == stem(base)


@pytest.mark.parametrize("suffix", lexicon.SUFFIXES)
def test_suffixes_stand_as_stems_have_them(suffix):
    assert suffix.isalpha()
    assert not suffix.endswith(("e", "y"))


def test_a_suffix_is_listed_once():
    assert len(set(lexicon.SUFFIXES)) == len(lexicon.SUFFIXES)


@pytest.mark.parametrize(("adjective", "nouns"), lexicon.MEASURES.items())
def test_what_a_degree_is_asked_for_by_is_a_word(adjective, nouns):
    assert adjective.isalpha()
    assert adjective not in nouns
    assert nouns


@pytest.mark.parametrize("span", sorted(lexicon.PRESENT_SPANS))
def test_a_span_of_the_present_is_two_words(span):
    pointer, noun = span

    assert pointer in lexicon.FUNCTION
    assert noun.isalpha()


def test_every_list_is_offered():
    names = {name for name in vars(lexicon) if name.isupper()}

    assert names == set(lexicon.__all__)
