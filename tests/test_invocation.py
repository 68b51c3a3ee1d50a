"""The digests of a command line: what decides its answer decides them, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmc import invocation
from llmc.settings import SETTINGS

PLAIN = {"version": "1", "configs": (None, None), "stdin": False, "terminal": False}


def test_every_setting_of_the_environment_is_part_of_the_digest():
    variables = {setting.variable for setting in SETTINGS} | {"OPENAI_BASE_URL"}

    assert set(invocation.VARIABLES) == variables
    assert len(invocation.VARIABLES) == len(variables)


@pytest.mark.parametrize("name", invocation.VARIABLES)
def test_a_variable_changes_the_digest_and_an_empty_one_is_unset(name):
    unset = invocation.digest_of_words(["ask"], {}, **PLAIN)

    assert invocation.digest_of_words(["ask"], {name: ""}, **PLAIN) == unset
    assert invocation.digest_of_words(["ask"], {name: "x"}, **PLAIN) != unset


@pytest.mark.parametrize(
    "other",
    [
        {"version": "2"},
        {"configs": (b"", None)},
        {"configs": (None, b"")},
        {"configs": (b"x", None)},
        {"stdin": True},
        {"terminal": True},
    ],
    ids=str,
)
def test_what_decides_an_answer_changes_the_digest(other):
    plain = invocation.digest_of_words(["ask", "why?"], {}, **PLAIN)
    changed = invocation.digest_of_words(["ask", "why?"], {}, **(PLAIN | other))

    assert changed != plain
    assert len(plain) == len(changed) == 16


def test_the_kinds_of_the_streams_count_one_by_one():
    kinds = [(stdin, terminal) for stdin in (False, True) for terminal in (False, True)]

    digests = {
        invocation.digest_of_words(["ask"], {}, **PLAIN | {"stdin": stdin, "terminal": terminal})
        for stdin, terminal in kinds
    }

    assert len(digests) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["ab", "c"], ["a", "bc"]),
        (["a", "b"], ["b", "a"]),
        (["a"], ["a", ""]),
        (["a:b"], ["a", "b"]),
        (["a1:b"], ["a", "b"]),
        (["é"], ["e\u0301"]),
        (["\udcff"], ["\ufffd"]),
    ],
)
def test_other_words_are_another_digest(one, other):
    digests = {invocation.digest_of_words(words, {}, **PLAIN) for words in (one, other)}

    assert len(digests) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((None, []), (b"", [])),
        ((None, [b"a", b"b"]), (None, [b"b", b"a"])),
        ((None, [b"ab"]), (None, [b"a", b"b"])),
        ((b"a", []), (None, [b"a"])),
        ((None, [b"-a"]), (b"a", [])),
        ((None, [b"a:b"]), (None, [b"a", b"b"])),
        ((None, [b"a1:b"]), (None, [b"a", b"b"])),
    ],
)
def test_other_input_is_another_digest(one, other):
    digests = {invocation.digest_of_inputs(*read) for read in (one, other)}

    assert len(digests) == 2


@given(st.lists(st.text()), st.lists(st.text()))
def test_two_command_lines_share_a_digest_only_if_they_are_the_same(one, other):
    digests = [invocation.digest_of_words(words, {}, **PLAIN) for words in (one, other)]

    assert (digests[0] == digests[1]) == (one == other)


@given(st.dictionaries(st.text(), st.text()))
def test_variables_of_others_do_not_matter(environ):
    foreign = {name: v for name, v in environ.items() if name not in invocation.VARIABLES}
    foreign |= {"OPENAI_API_KEY": "sk-secret", "PATH": "/bin"}

    digest = invocation.digest_of_words(["ask"], foreign, **PLAIN)

    assert digest == invocation.digest_of_words(["ask"], {}, **PLAIN)
