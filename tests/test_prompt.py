from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmc import prompt

steady = settings(deadline=None, database=None, derandomize=True, max_examples=100)

words = st.text(min_size=1, max_size=20)
names_and_texts = st.dictionaries(words, words, max_size=4)


def system(text):
    return {"role": "system", "content": text}


def user(text):
    return {"role": "user", "content": text}


def test_a_bare_question_is_one_user_message():
    assert prompt.messages("q") == [user("q")]


def test_what_changes_least_stands_first():
    messages = prompt.messages(
        "words", system="rules", files={"a.txt": "A"}, context="today", document="piped"
    )

    assert messages == [
        system('rules\n\n<file name="a.txt">\nA\n</file>'),
        system("today"),
        user("piped\n\nwords"),
    ]


def test_files_follow_one_another_by_name():
    messages = prompt.messages("q", files={"b": "B", "a": "A", "a/c": "C"})

    assert messages == [
        system(
            '<file name="a">\nA\n</file>\n\n'
            '<file name="a/c">\nC\n</file>\n\n'
            '<file name="b">\nB\n</file>'
        ),
        user("q"),
    ]


@steady
@given(names_and_texts)
def test_the_order_of_file_flags_never_matters(files):
    other = dict(reversed(files.items()))

    assert prompt.messages("q", files=files) == prompt.messages("q", files=other)


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_empty_part_leaves_no_trace(nothing):
    messages = prompt.messages("q", system=nothing, context=nothing, document=nothing, files={})

    assert messages == [user("q")]


def test_a_document_alone_is_the_question():
    assert prompt.messages("", document="piped") == [user("piped")]


def test_an_empty_file_is_still_named():
    assert prompt.messages("q", files={"a": ""})[0] == system('<file name="a">\n\n</file>')


@steady
@given(words, words, names_and_texts, words, words)
def test_another_question_leaves_all_before_it_as_it_was(rules, context, files, one, other):
    first = prompt.messages(one, system=rules, files=files, context=context)
    second = prompt.messages(other, system=rules, files=files, context=context)

    assert first[:-1] == second[:-1]


@steady
@given(words, words, names_and_texts, words)
def test_another_context_leaves_the_static_part_as_it_was(rules, one, files, other):
    first = prompt.messages("q", system=rules, files=files, context=one)
    second = prompt.messages("q", system=rules, files=files, context=other)

    assert first[0] == second[0]
    assert first[-1] == second[-1]


@steady
@given(words, words, names_and_texts, words, words)
def test_nothing_that_was_given_is_left_out(rules, context, files, document, question):
    messages = prompt.messages(
        question, system=rules, files=files, context=context, document=document
    )

    static, changing, asked = (message["content"] for message in messages)
    assert static.startswith(rules)
    assert static.count("<file name=") >= len(files)
    assert changing == context
    assert asked == f"{document}\n\n{question}"
