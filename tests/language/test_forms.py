from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmc.language import forms, tokens

#: Words that forms are made of, and some others.
WORDS = (
    "how what which who when where why do does did can i you they people the best way ways to and"
    " or in from tell me show please so well is are was not cook rice think when tips"
)
words = st.sampled_from(WORDS.split())
questions = st.lists(words, max_size=14).map(" ".join)


def cut(text: str) -> list[tokens.Token]:
    return tokens.tokens(tokens.fold(text))


def names(text: str) -> list[str]:
    return [form.name for form in forms.asked(cut(text))]


def wording(text: str) -> str:
    return forms.wording(cut(text))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("how do I cook rice?", "how to"),
        ("how to cook rice", "how to"),
        ("tell me how I can cook rice", "how to"),
        ("what is the best way to cook rice?", "how to"),
        ("is there any way to cook rice?", "how to"),
        ("steps to cook rice", "how to"),
        ("what can be done about rice?", "how to"),
        ("what should I do to cook rice?", "how to"),
        ("what are some ideas for me to cook rice?", "how to"),
        ("explain how rice is cooked", "how to"),
        ("how is rice cooked?", "how"),
        ("how does rice grow?", "how"),
        ("how many people eat rice?", "how many"),
        ("number of people who eat rice", "how many"),
        ("how long does rice keep?", "how long"),
        ("what is rice like?", "what like"),
        ("why is rice white?", "why"),
        ("what makes rice white?", "why"),
        ("for what reason is rice white?", "why"),
        ("what time is it?", "when"),
        ("which rice is white?", "what"),
        ("define rice", "what"),
        ("who grows rice?", "who"),
        ("to whom is rice sold?", "to who"),
        ("by whom is rice sold?", "who"),
        ("where does rice grow?", "where"),
        ("from where does rice come?", "from where"),
        ("since when is rice white?", "since when"),
        ("is rice white?", "yes or no"),
        ("should I eat rice?", "should"),
        ("write a poem about rice", "write"),
        ("cook rice", "order"),
        ("when it rains, cook rice", "order"),
        ("", "order"),
    ],
)
def test_a_form_says_what_is_asked_for(text, name):
    assert names(text) == [name]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What is rice? How do I cook it?", ["what", "how to"]),
        ("What is rice and how do I cook it?", ["what", "how"]),
        ("I am hungry. How do I cook rice?", ["how to"]),
        ("Hello, how do I cook rice?", ["how to"]),
        ("Cook rice. Do it well.", ["yes or no"]),
    ],
)
def test_each_question_of_a_text_has_its_form(text, found):
    assert names(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "How do I cook rice?",
        "how to cook rice",
        "how can you cook rice?",
        "how should we cook rice",
        "How do people cook rice?",
        "Please tell me how to cook rice.",
        "Hi, how would I cook rice?",
        "Well, how would I cook rice?",
        "can someone tell me how to cook rice",
        "what is the best way to cook rice?",
        "What are some good ways to cook rice?",
        "is there any easy way to cook rice",
        "what are the steps to cook rice?",
        "what should I do to cook rice?",
        "what can you do to cook rice",
    ],
)
def test_all_ways_of_asking_for_a_way_are_worded_alike(text):
    assert wording(text) == "how to cook rice"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("which rice is white?", "what rice is white"),
        ("in which country does rice grow?", "what country does rice grow"),
        ("what do you think is the best rice?", "what is the best rice"),
        ("could you please translate rice", "translate rice"),
        ("do you happen to know who grows rice?", "who grows rice"),
        ("so, please, who grows rice?", "who grows rice"),
        ("is it possible to grow rice?", "is it possible to grow rice"),
        ("is it possible for me to grow rice?", "can i grow rice"),
        ("would it be possible for my son to grow rice?", "can my son grow rice"),
        ("is it possible that rice grows", "is it possible that rice grows"),
        ("tell me please tell me who grows rice", "who grows rice"),
    ],
)
def test_politeness_is_left_out_of_the_wording(text, plain):
    assert wording(text) == plain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the cheapest way to fly to Rome?", "What is the fastest way to fly to Rome?"),
        ("What is the worst way to cook rice?", "What is the best way to cook rice?"),
        ("What is an illegal way to avoid tax?", "What is a legal way to avoid tax?"),
        ("What is the wrong way to open a jar?", "What is the right way to open a jar?"),
        ("Is there no way to open a jar?", "Is there a way to open a jar?"),
        ("Is there another way to open a jar?", "Is there a way to open a jar?"),
        ("What are the first steps to open a bar?", "What are the last steps to open a bar?"),
        ("What does the process to open a bar cost?", "What is the process to open a bar?"),
        ("From which city does it leave?", "To which city does it leave?"),
        ("Since when did he work there?", "When did he work there?"),
        ("With whom did Messi play?", "For whom did Messi play?"),
        ("How did they build pyramids?", "How do they build pyramids?"),
        ("How did people get to the moon?", "How do people get to the moon?"),
        ("How do they know where I live?", "How do I know where I live?"),
        ("How can someone hack my phone?", "How can I hack my phone?"),
        ("How do they improve their English?", "How do I improve their English?"),
        ("How do you improve your answers?", "How do I improve your answers?"),
        ("Well pumps cost how much?", "Pumps cost how much?"),
        ("How do I not burn rice?", "How do I burn rice?"),
    ],
)
def test_questions_that_ask_for_something_else_are_worded_otherwise(one, other):
    assert wording(one) != wording(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("how do I cook rice?", "cook rice"),
        ("how tall is he?", "what is his height?"),
        ("how old is he?", "what is his age?"),
        ("how many people eat rice?", "what number of people eat rice?"),
        ("where can I eat rice?", "what are the best places for rice?"),
        ("where do I find the best rice?", "what is the best rice?"),
        ("who is the leader?", "what person leads?"),
        ("when was it?", "what date was it?"),
        ("how is it spelled?", "how do you spell it?"),
        ("what is the difference between rice and corn?", "how does rice differ from corn?"),
    ],
)
def test_some_forms_ask_for_the_same(one, other):
    (first,), (second,) = forms.asked(cut(one)), forms.asked(cut(other))

    assert forms.may_be_the_same(first, second, near=False)
    assert forms.may_be_the_same(second, first, near=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("why is it white?", "how do I make it white?"),
        ("who wrote it?", "when was it written?"),
        ("how tall is he?", "how old is he?"),
        ("how tall is he?", "what is his age?"),
        ("where is it?", "when is it?"),
        ("from where does it come?", "to where does it go?"),
        ("how do they know where I live?", "how do I know where I live?"),
        ("how did they build it?", "how do they build it?"),
        ("is rice healthy?", "why is rice healthy?"),
    ],
)
def test_other_forms_do_not_even_where_all_else_is_near(one, other):
    (first,), (second,) = forms.asked(cut(one)), forms.asked(cut(other))

    assert not forms.may_be_the_same(first, second, near=True)
    assert not forms.may_be_the_same(second, first, near=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [("is it done?", "how is it done?"), ("what is it?", "how do I do it?")],
)
def test_some_forms_ask_for_the_same_only_where_all_else_is_near(one, other):
    (first,), (second,) = forms.asked(cut(one)), forms.asked(cut(other))

    assert forms.may_be_the_same(first, second, near=True)
    assert not forms.may_be_the_same(first, second, near=False)


@pytest.mark.parametrize(
    ("text", "deed"),
    [
        ("who shot Kennedy?", "shot"),
        ("who did Kennedy shoot?", ""),
        ("who did you shoot?", None),
        ("which man shot Kennedy?", "shot"),
        ("what did Kennedy say?", ""),
        ("who was Kennedy?", None),
        ("who's Kennedy?", None),
        ("how did Kennedy die?", None),
        ("who", None),
        ("", None),
    ],
)
def test_a_deed_is_done_by_whom_is_asked_for_or_to_them(text, deed):
    assert forms.deed(forms.asked(cut(text))[0]) == deed


@given(questions, questions)
def test_whether_two_forms_may_be_the_same_does_not_depend_on_their_order(one, other):
    first, second = forms.asked(cut(one))[0], forms.asked(cut(other))[0]

    there = forms.may_be_the_same(first, second, near=False)

    assert there == forms.may_be_the_same(second, first, near=False)


@given(questions)
def test_a_form_may_be_the_same_as_itself(text):
    form = forms.asked(cut(text))[0]

    assert forms.may_be_the_same(form, form, near=False)


@given(st.text(max_size=60))
def test_every_text_asks_for_something(text):
    assert forms.asked(cut(text))


@given(questions)
def test_a_wording_consists_of_words_of_the_text_in_their_order(text):
    plain = set(wording(text).split()) - {"how", "what", "to"}

    assert plain <= set(text.split())


@pytest.mark.parametrize(
    "text", ["tell me ", "so ", "and what ", "do you think ", "how do I ", "in "]
)
def test_a_text_of_politeness_alone_is_taken_apart_however_long_it_is(text):
    assert len(forms.asked(cut(text * 10_000))) > 0
