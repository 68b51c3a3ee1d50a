from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmc import selection
from llmc.errors import InputError, LlmcError
from llmc.types import Rule

TEXTS = [(1, "Paris is in France"), (2, "rome"), (3, "two\nlines"), (4, "")]


def found(pattern, texts=TEXTS):
    return selection.matching(selection.compile_pattern(pattern), [selection.Listed(texts)])


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("France", [1]),
        ("is", [1]),
        ("^rome$", [2]),
        ("ROME", []),
        ("(?i)ROME", [2]),
        ("^lines", []),
        ("(?m)^lines", [3]),
        ("", [1, 2, 3, 4]),
        ("^$", [4]),
        (r"\p{Lu}", [1]),
        ("[oi]", [1, 2, 3]),
        ("nothing", []),
    ],
)
def test_a_pattern_selects_the_texts_in_which_it_is_found(pattern, ids):
    assert found(pattern) == ids


def test_ids_come_in_the_order_of_the_texts():
    assert found("a", [(7, "a"), (3, "a"), (5, "b")]) == [7, 3]


def test_nothing_is_found_in_nothing():
    assert found("a", []) == []


@pytest.mark.parametrize("pattern", ["(", "a**", "[", "(?P<1>a)", "a{2,1}", r"\N{no such name}"])
def test_a_faulty_pattern_is_refused_with_its_place(pattern):
    with pytest.raises(InputError, match=r"the regular expression is not one: .* at position \d"):
        selection.compile_pattern(pattern)


@pytest.mark.parametrize("pattern", ["a(?V0)b(?V1)", "(?u)a(?a)"])
def test_flags_that_contradict_each_other_are_refused(pattern):
    with pytest.raises(InputError, match=r"is not one: .* flags are mutual"):
        selection.compile_pattern(pattern)


def test_a_pattern_that_nests_too_deep_is_refused():
    with pytest.raises(InputError, match="the regular expression is too large"):
        selection.compile_pattern("(" * 5000 + ")" * 5000)


def test_a_pattern_that_runs_away_is_stopped(monkeypatch):
    monkeypatch.setattr(selection, "MATCH_SECONDS", 0.05)

    with pytest.raises(LlmcError) as stopped:
        found("(a|aa)+$", [(6, "b"), (7, "a" * 60 + "b")])

    reason = "the regular expression takes more than 0.05 s, or too much memory, on entry 7"
    assert str(stopped.value) == reason
    assert "nothing was removed" in stopped.value.hint


def test_a_pattern_that_calls_itself_for_ever_is_stopped():
    with pytest.raises(LlmcError, match="too much memory, on entry 1"):
        found("(?R)")


def test_texts_that_take_long_together_are_looked_at_one_by_one(monkeypatch):
    monkeypatch.setattr(selection, "MATCH_SECONDS", 0.05)
    monkeypatch.setattr(selection, "_quickly", lambda *_: None)

    assert found("is|me") == [1, 2]


def test_a_pattern_that_runs_away_is_stopped_in_other_threads_too(monkeypatch):
    monkeypatch.setattr(selection, "MATCH_SECONDS", 0.05)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(found, "(a|aa)+$", [(7, "a" * 60 + "b")])

        with pytest.raises(LlmcError, match=r"more than 0\.05 s, .* on entry 7"):
            done.result(timeout=10)


def test_an_alarm_that_is_another_s_stays_so(monkeypatch):
    def ours(*_: object) -> None:
        raise AssertionError

    before = signal.signal(signal.SIGALRM, ours)
    try:
        assert found("France") == [1]
        assert signal.getsignal(signal.SIGALRM) is ours
    finally:
        signal.signal(signal.SIGALRM, before)


def test_no_alarm_is_left_behind():
    found("France")

    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_it_tells_how_far_it_has_come():
    parts, told = [selection.Listed(TEXTS[:2]), selection.Listed(TEXTS[2:])], []

    selection.matching(selection.compile_pattern("r"), parts, told=lambda *each: told.append(each))

    assert told == [(2, 2), (4, 2)]


# -- what is sure ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "held"),
    [
        ("schema.sql", "schema"),
        (r"schema\.sql", "schema.sql"),
        (r"\(\d*777\)", "777)"),
        (r"zyzzyva \d+", "zyzzyva "),
        ("^größe$", "größe"),
        ("colou?r", "colo"),
        ("ab{2}c*d+", "a"),
        ("a(bcd)[efg]h", "a"),
        ("(abc)", ""),
        ("abc|d", ""),
        ("(?i)abc", ""),
        ("abc(?:d)", ""),
        (r"abc\x41", ""),
        (r"[\]]abc", ""),
        ("[[a]b]abc", ""),
        ("abc{e<=1}", ""),
        ("(*FAIL)abc", ""),
        ("", ""),
    ],
)
def test_what_every_match_holds_is_read_from_the_pattern(pattern, held):
    assert selection.held_by(pattern) == held


PIECES = [
    *"abc()[]{}*+?|^$.\\-,1 \0", "ab", r"\.", r"\d", "[ab]", "{2}", "{e<=1}", "(?i)", "(?:", "{1,}",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=8), st.text("abc1.\0 -", max_size=8))
def test_what_is_read_from_a_pattern_is_in_whatever_it_finds(pieces, text):
    pattern = "".join(pieces)
    try:
        is_found = selection.found_in(text, selection.compile_pattern(pattern), seconds=1)
    except (InputError, Warning):
        is_found = False

    assert not is_found or selection.held_by(pattern) in text


def test_one_text_is_searched_for_so_long_as_there_is_time():
    expression = selection.compile_pattern("(a|aa)+$")

    found = [selection.found_in(t, expression, seconds=0.05) for t in ("aa", "b", "a" * 60 + "b")]

    assert found == [True, False, None]


# -- the patterns of events ----------------------------------------------------------------------

DATA = {"path": "a.sql", "x": "1+1", "größe": "9", "_": "."}


@pytest.mark.parametrize(
    ("template", "pattern"),
    [
        ("{path}", r"a\.sql"),
        (r"\b{path}\b", r"\ba\.sql\b"),
        ("{x}|{x}", r"1\+1|1\+1"),
        ("{größe}{_}", r"9\."),
        ("a{3}b{2,5}c{,4}d{5,}", "a{3}b{2,5}c{,4}d{5,}"),
        ("{ path }{}{a-b}", "{ path }{}{a-b}"),
        (r"\{path}", r"\{path}"),
        (r"\\{path}", r"\\a\.sql"),
        (r"\p{L}\P{L}\N{DIGIT ONE}{path}", r"\p{L}\P{L}\N{DIGIT ONE}a\.sql"),
        ("{{path}}", r"{a\.sql}"),
        ("{path}?{path}{2}{path}+", r"(?:a\.sql)?(?:a\.sql){2}(?:a\.sql)+"),
        ("{_}?{größe}{2}", r"\.?9{2}"),
        (r"[{path}*]{path}*", r"[a\.sql*](?:a\.sql)*"),
        (r"[][:alpha:]\]{path}+]", r"[][:alpha:]\]a\.sql+]"),
    ],
)
def test_only_a_name_in_braces_is_a_field(template, pattern):
    assert selection.filled(template, DATA) == pattern


@pytest.mark.parametrize("data", [{}, {"path": ""}])
def test_a_field_without_a_value_is_named(data):
    with pytest.raises(LookupError) as caught:
        selection.filled("{path}", data)

    assert caught.value.args == ("path",)


@pytest.mark.parametrize("flags", ["", "(?x)", "(?V1)"])
@given(value=st.text(min_size=1))
def test_a_value_means_itself_whatever_it_holds(flags, value):
    pattern = selection.filled(flags + "{value}", {"value": value})

    assert selection.compile_pattern(pattern).fullmatch(value)


@pytest.mark.parametrize(
    "template", ["{path}", "[{path}]", "({path})+", "{path}{2}", r"\{path}", "x{3}"]
)
def test_a_pattern_with_fields_is_one(template):
    selection.require_rule(Rule(template, event="e"))


@pytest.mark.parametrize("template", ["({path}", "[{path}", "*{path}"])
def test_a_pattern_that_is_none_with_any_value_is_refused(template):
    with pytest.raises(InputError, match="the regular expression is not one"):
        selection.require_rule(Rule(template, event="e"))
