from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import llmc
from llmc import layout

ROOT = Path(__file__).resolve().parent.parent


words = st.text(min_size=1, max_size=20)
names_and_texts = st.dictionaries(words, words, max_size=4)


def system(text):
    return {"role": "system", "content": text}


def user(text):
    return {"role": "user", "content": text}


def test_a_bare_question_is_one_user_message():
    assert layout.messages("q") == [user("q")]


def test_what_changes_least_stands_first():
    messages = layout.messages(
        "words", system="rules", files={"a.txt": "A"}, context="today", document="piped"
    )

    assert messages == [
        system('rules\n\n<file name="a.txt">\nA\n</file>'),
        system("today"),
        user("piped\n\nwords"),
    ]


def test_files_follow_one_another_by_name():
    messages = layout.messages("q", files={"b": "B", "a": "A", "a/c": "C"})

    assert messages == [
        system(
            '<file name="a">\nA\n</file>\n\n'
            '<file name="a/c">\nC\n</file>\n\n'
            '<file name="b">\nB\n</file>'
        ),
        user("q"),
    ]


@given(names_and_texts)
def test_the_order_of_file_flags_never_matters(files):
    other = dict(reversed(files.items()))

    assert layout.messages("q", files=files) == layout.messages("q", files=other)


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_empty_part_leaves_no_trace(nothing):
    messages = layout.messages("q", system=nothing, context=nothing, document=nothing, files={})

    assert messages == [user("q")]


def test_a_document_alone_is_the_question():
    assert layout.messages("", document="piped") == [user("piped")]


def test_an_empty_file_is_still_named():
    assert layout.messages("q", files={"a": ""})[0] == system('<file name="a">\n\n</file>')


@given(words, words, names_and_texts, words, words)
def test_another_question_leaves_all_before_it_as_it_was(rules, context, files, one, other):
    first = layout.messages(one, system=rules, files=files, context=context)
    second = layout.messages(other, system=rules, files=files, context=context)

    assert first[:-1] == second[:-1]


@given(words, words, names_and_texts, words)
def test_another_context_leaves_the_static_part_as_it_was(rules, one, files, other):
    first = layout.messages("q", system=rules, files=files, context=one)
    second = layout.messages("q", system=rules, files=files, context=other)

    assert first[0] == second[0]
    assert first[-1] == second[-1]


@given(words, words, names_and_texts, words, words)
def test_nothing_that_was_given_is_left_out(rules, context, files, document, question):
    messages = layout.messages(
        question, system=rules, files=files, context=context, document=document
    )

    static, changing, asked = (message["content"] for message in messages)
    assert static.startswith(rules)
    assert static.count("<file name=") >= len(files)
    assert changing == context
    assert asked == f"{document}\n\n{question}"


# -- the library's door --------------------------------------------------------------------------


def test_the_library_lays_out_what_the_command_does():
    made = llmc.prompt(static="rules", files={"a": "A"}, context="today", user="q")

    assert made == layout.messages("q", system="rules", files={"a": "A"}, context="today")


def test_a_question_alone_needs_nothing_else():
    assert llmc.prompt(user="q") == [user("q")]


def test_what_the_package_does_not_offer_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        llmc.nonsense  # noqa: B018


def test_a_program_gets_the_same_bytes_whatever_its_hash_seed_and_locale(home):
    script = (
        "import json, llmc; files = dict.fromkeys(['b', 'Z', 'ä', 'a/c'], 'x');"
        "print(ascii(json.dumps(llmc.prompt(static='r', files=files, context='c', user='q'))))"
    )

    def run(**environ):
        changed = os.environ | {"PYTHONPATH": str(ROOT), **environ}
        return subprocess.check_output([sys.executable, "-c", script], env=changed)

    assert run(PYTHONHASHSEED="1", LC_ALL="C") == run(PYTHONHASHSEED="2", LC_ALL="C.UTF-8")


# -- tools ---------------------------------------------------------------------------------------


def tool(name, **more):
    return {"type": "function", "function": {"name": name, **more}}


@given(st.permutations([tool("a"), tool("b", description="x"), tool("b"), {"type": "code"}, {}]))
def test_the_order_in_which_tools_are_given_never_matters(tools):
    assert layout.tools(tools) == [
        {}, {"type": "code"}, tool("a"), tool("b", description="x"), tool("b")
    ]  # fmt: skip


@pytest.mark.parametrize("stated", [None, "auto", 7, {}, ["a", {}], []])
def test_what_is_no_list_of_tools_stays_as_it_is(stated):
    assert layout.tools(stated) == stated


def test_the_order_of_tools_on_the_command_line_makes_no_other_question(cli, upstream):
    one, other = (json.dumps(names) for names in ([tool("a"), tool("b")], [tool("b"), tool("a")]))

    cli("ask", "-o", f"tools={one}", "q")
    again = cli("ask", "-o", f"tools={other}", "q")

    assert "exact hit" in again.err
    assert [each["function"]["name"] for each in upstream.calls[0].body["tools"]] == ["a", "b"]


@given(
    st.text("ab \n", max_size=9).map(str.strip),
    st.dictionaries(st.text("ab./", min_size=1), st.text("ab\n<>", min_size=1)),
)
def test_files_are_told_from_what_was_said(system, files):
    (first, *_) = layout.messages("q", system=system, files=files)

    said = first["content"] if first["role"] == "system" else ""

    assert layout.files_of(said) == (system, files)
