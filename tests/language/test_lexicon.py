"""The lists of words hold what the rules that read them rely on."""

from __future__ import annotations

import pytest

from llmc.language import lexicon
from llmc.language.english import stem

LISTS = sorted(name for name in lexicon.__all__ if isinstance(getattr(lexicon, name), frozenset))
WORDS = [name for name in LISTS if name != "PRESENT_SPANS"]

EACH_LIST = pytest.mark.parametrize("name", WORDS)


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
