from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmc.language import english
from llmc.language.english import FUNCTION, HEAVY, LIGHT, SLOT, TURNING, parse, stem

enough = settings(max_examples=150)

#: Regular nouns of several endings.
NOUNS = (
    "cat dog house box church bush class story city day key bridge horse apple server vector table"
    " buzz dish match planet engine library company boy song tree file"
)
nouns = st.sampled_from(NOUNS.split())

WORDS = (
    "how what which who when where why do does did can i you they people the best way to and or in"
    ' from is are not cook rice Rome NASA 5 km "x" -r a.txt A tips each other united states of'
)
questions = st.lists(st.sampled_from(WORDS.split()), max_size=14).map(" ".join)


def plural(noun: str) -> str:
    sibilant = noun.endswith(("s", "x", "z", "ch", "sh"))
    y = noun.endswith("y") and noun[-2] not in "aeiou"
    return f"{noun[:-1]}ies" if y else f"{noun}es" if sibilant else f"{noun}s"


def kinds(text: str) -> list[str]:
    return [word.kind for word in parse(text).words]


def names(text: str) -> list[str]:
    return [word.raw for word in parse(text).words if word.name]


# -- stems ---------------------------------------------------------------------------------------


@enough
@given(nouns)
def test_the_plural_of_a_regular_noun_has_the_stem_of_its_singular(noun):
    assert stem(plural(noun)) == stem(noun)


@pytest.mark.parametrize(
    "forms",
    [
        "walk walks walked walking",
        "stop stops stopped stopping",
        "carry carries carried carrying",
        "create creates created creating",
        "man men",
        "child children kids",
        "write wrote written writing writes",
        "color colour colors colours",
        "organize organise organised organizing",
        "travel travels travelled traveling",
        "favorite favourite favourites",
        "use uses used using",
    ],
)
def test_the_forms_of_a_word_have_one_stem(forms):
    assert len(set(map(stem, forms.split()))) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("new", "news"),
        ("string", "stre"),
        ("thing", "th"),
        ("panda", "pandas"),
        ("rail", "rails"),
        ("need", "ne"),
        ("bus", "bu"),
        ("class", "cla"),
        ("king", "k"),
        ("red", "r"),
        ("use", "us"),
        ("as", "a"),
        ("is", "i"),
        ("js", "j"),
        ("status", "statu"),
        ("buy", "sell"),
    ],
)
def test_other_words_have_other_stems(one, other):
    assert stem(one) != stem(other)


@enough
@given(st.text("abcdeginrsyz", max_size=12))
def test_a_word_has_a_stem_that_is_not_empty(word):
    assert bool(stem(word)) == bool(word)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("movie", "film"),
        ("buy", "purchase"),
        ("biggest", "largest"),
        ("translate", "translation"),
        ("organize", "organizer"),
        ("kill", "kill"),
    ],
)
def test_synonyms_stand_for_each_other(one, other):
    assert english.are_synonyms(stem(one), stem(other))
    assert english.are_synonyms(stem(other), stem(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("buy", "sell"),
        ("fetch", "pull"),
        ("update", "upgrade"),
        ("drop", "delete"),
        ("port", "portion"),
        ("max", "min"),
        ("java", "javascript"),
    ],
)
def test_other_words_do_not(one, other):
    assert not english.are_synonyms(stem(one), stem(other))


# -- kinds and names -----------------------------------------------------------------------------


def test_each_word_has_a_kind():
    assert kinds("How do I find the best rice without 5 eggs?") == [
        FUNCTION, FUNCTION, FUNCTION, LIGHT, FUNCTION, LIGHT, HEAVY, TURNING, SLOT, HEAVY,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Is Rome old?", ["Rome"]),
        ("Rome is old", []),
        ("what does NASA do", ["NASA"]),
        ("NASA does what", ["NASA"]),
        ("what does iOS do", ["iOS"]),
        ("I think, so I am", []),
        ("is plan B any good", ["B"]),
        ("Is column A sorted?", ["A"]),
        ("A cat sat", []),
        ("What Is The Best Rice", []),
        ("WHAT IS NASA", []),
        ("go home. Rome waits", []),
        ("is it OK", []),
    ],
)
def test_a_capital_inside_of_a_sentence_makes_a_name(text, found):
    assert names(text) == found


def test_a_letter_that_is_a_name_is_no_article():
    assert parse("is column A sorted").lows != parse("is column a sorted").lows


@pytest.mark.parametrize(
    ("text", "is_english"),
    [
        ("how do I cook rice", True),
        ("cook rice", True),
        ("what is a na\u00efve caf\u00e9", True),
        ("wie koche ich Reis", False),
        ("comment cuire le riz", False),
        ("c\u00f3mo se cocina", False),
        ("\u732b\u306f\u4f55", False),
        ("what is \u732b", False),
        ("\u05de\u05d4 \u05d6\u05d4", False),
        ("", True),
    ],
)
def test_a_text_is_english_unless_its_words_say_otherwise(text, is_english):
    assert parse(text).english == is_english


# -- plain words ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("in order to win", "to win"),
        ("the United States of America", "USA"),
        ("how come it rains", "why it rains"),
        ("get rid of ants", "remove ants"),
        ("loop over a list", "loop through a list"),
        ("one another", "each other"),
        ("10 km", "10km"),
        ("10 kilometers", "10km"),
        ("100 megabytes", "100MB"),
    ],
)
def test_idioms_and_units_stand_in_plain_words(one, other):
    assert parse(one).lows == parse(other).lows


def test_an_idiom_is_no_idiom_where_it_is_quoted():
    assert '"each other"' in parse("what does 'each other' mean").lows


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("is 100 MB much", "is 100 Mb much"),
        ("is 5 km far", "is 5 miles far"),
        ("why do they kill each other", "why do they kill themselves"),
        ("how is \u00e9 spoken", "how is \u00e8 spoken"),
        ("what does x * y give", "what does x / y give"),
        ("sort in c++", "sort in c"),
        ("is it ok", "is it not ok"),
        ("is it on", "is it off"),
    ],
)  # fmt: skip
def test_another_question_has_other_words(one, other):
    assert parse(one).lows != parse(other).lows
    assert parse(one).wording != parse(other).wording


def test_a_letter_keeps_its_accent_in_its_stem():
    assert "\u00e9" in parse("how is \u00e9 spoken").stems


def test_a_word_loses_its_accents_in_its_stem():
    assert parse("caf\u00e9").stems == parse("cafe").stems


# -- any text ------------------------------------------------------------------------------------


@enough
@given(st.text(max_size=60))
def test_any_text_is_taken_apart_always_alike(text):
    first = parse.__wrapped__(text)

    assert parse.__wrapped__(text) == first


@enough
@given(st.text(max_size=60) | questions)
def test_words_lows_and_slots_fit_together(text):
    sentence = parse(text)

    assert sentence.lows == tuple(word.low for word in sentence.words)
    assert sentence.stems == {word.stem for word in sentence.words}
    assert sentence.slots == tuple(w.low for w in sentence.words if w.kind == SLOT)


@enough
@given(questions, st.sampled_from(["please ", "tell me ", "could you tell me ", "hi, ", "so "]))
def test_literals_never_disappear_behind_politeness(text, polite):
    assert parse(polite + text).slots == parse(text).slots


@enough
@given(questions.filter(lambda text: {"cook", "rice", "Rome"} & set(text.split())))
def test_what_has_a_word_that_says_something_has_a_wording(text):
    assert parse(text).wording


@enough
@given(questions)
def test_white_space_at_the_ends_says_nothing(text):
    assert parse(f"  {text}\n") == parse(text)


@pytest.mark.parametrize(
    "piece",
    [
        "each other ",
        "the united states of ",
        "tell me ",
        "and what ",
        "5 km ",
        "A ",
        "is not ",
        "ing ",
    ],
)
def test_long_texts_of_one_kind_are_taken_apart_to_their_end(piece):
    sentence = parse.__wrapped__((piece * 100_000)[:100_000] + " end")

    assert sentence.lows[-1] == "end"
