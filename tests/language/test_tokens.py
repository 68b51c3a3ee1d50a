from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmc.language import tokens

enough = settings(max_examples=200)

#: What is nasty to cut: signs, digits and letters of several scripts, marks that join.
NASTY = (
    "aB1 .,;:?!'\"`-/*+#()[]{}<>=&|^%$~\\@_\t\n\u00bd\u00b2\u0663\u20ac\u732b\u05e9\u0301\u00e9"
    "\u200b\u200d\U0001f600\ufb01\uff21\u2019\u2014\u00ab\u00a0"
)
texts = st.text(st.sampled_from(NASTY), max_size=40) | st.text(max_size=40)


def cut(text: str) -> list[tokens.Token]:
    return tokens.tokens(tokens.fold(text))


def lows(text: str) -> list[str]:
    return [token.low for token in cut(text)]


def literals(text: str) -> list[str]:
    return [token.low for token in cut(text) if token.slot]


# -- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Cook RICE", ["cook", "rice"]),
        ("What's it?", ["what", "is", "it"]),
        ("the dog's bowl", ["the", "dog", "'s", "bowl"]),
        ("the dogs' bowl", ["the", "dogs", "bowl"]),
        ("I'm", ["i", "am"]),
        ("they're", ["they", "are"]),
        ("we've", ["we", "have"]),
        ("he'll", ["he", "will"]),
        ("he'd", ["he", "would"]),
        ("let's go", ["let", "go"]),
        ("don't", ["do", "not"]),
        ("don\u2019t", ["do", "not"]),
        ("dont", ["do", "not"]),
        ("can't", ["can", "not"]),
        ("cannot", ["can", "not"]),
        ("won't", ["will", "not"]),
        ("ain't", ["is", "not"]),
        ("o'clock", ["oclock"]),
        ("O'Reilly", ["oreilly"]),
        ("whats it", ["what", "is", "it"]),
        ("well-known", ["well", "known"]),
        ("state-of-the-art", ["state", "of", "the", "art"]),
        ("and/or", ["and", "or"]),
        ("cats & dogs", ["cats", "and", "dogs"]),
        ("cats - dogs", ["cats", "dogs"]),
        ("cats\u2014dogs", ["cats", "dogs"]),
        ("* cats", ["cats"]),
        ("the U.S. army", ["the", "us", "army"]),
        ("e.g. rice", ["eg", "rice"]),
        ("at 5 p.m. sharp", ["at", "5", "pm", "sharp"]),
        ("cat(s)", ["cat"]),
        ("(cats)", ["cats"]),
        ("(see docs)", ["see", "docs"]),
        ("\u00bfque?", ["que"]),
        ("caf\u00e9", ["caf\u00e9"]),
        ("cafe\u0301", ["caf\u00e9"]),
        ("\u732b\u306f\u4f55", ["\u732b\u306f\u4f55"]),
        ("\u05e9\u05dc\u05d5\u05dd", ["\u05e9\u05dc\u05d5\u05dd"]),
        ("Who?!", ["who"]),
        ("Who ?", ["who"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_words_are_cut_without_the_marks_of_their_sentence(text, found):
    assert lows(text) == found


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("Go. Stop now", ["go", "stop"]),
        ("Go! Stop? Now", ["go", "stop", "now"]),
        ("Note: stop", ["note", "stop"]),
        ("go, stop", ["go"]),
        ('"x" stops', ['"x"']),
    ],
)
def test_the_first_word_of_each_sentence_is_marked(text, starts):
    assert [token.low for token in cut(text) if token.starts] == starts


def test_the_first_word_after_a_comma_begins_a_clause():
    assert [token.low for token in cut("if so, go home, man") if token.clause] == [
        "if",
        "go",
        "man",
    ]


def test_a_word_keeps_its_capitals_beside():
    assert [token.raw for token in cut("Is NASA in Rome?")] == ["Is", "NASA", "in", "Rome"]


# -- literals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"foo bar"', ['"foo bar"']),
        ("\u201cfoo  bar\u201d", ['"foo bar"']),
        ("\u00abfoo\u00bb", ['"foo"']),
        ("`foo`", ['"foo"']),
        ("```foo```", ['"foo"']),
        ("'foo bar'", ['"foo bar"']),
        ("rock 'n' roll", ['"n"']),
        ("the dogs' and the cats' bowls", []),
        ('""', ['""']),
        ("''", ["''"]),
        ("/etc/passwd", ["/etc/passwd"]),
        ("~/Notes", ["~/Notes"]),
        ("C:\\Temp", ["C:\\Temp"]),
        ("https://a.b/C?d=e&f", ["https://a.b/C?d=e&f"]),
        ("a/b/c", ["a/b/c"]),
        ("-r --force -R", ["-r", "--force", "-R"]),
        ("C C++ C# F# .NET", ["c++", "c#", "f#", ".NET"]),
        ("c/c++", ["c++"]),
        ("a.txt", ["a.txt"]),
        ("bob@x.com", ["bob@x.com"]),
        ("@bob #tag", ["@bob", "#tag"]),
        ("foo(x) a[0]", ["foo(x)", "a[0]"]),
        ("x==1 x!=1", ["x==1", "x!=1"]),
        ("a_b", ["a_b"]),
        ("utf-8 IPv4 sha256", ["utf-8", "ipv4", "sha256"]),
        ("x-y A/B", ["x-y", "A/B"]),
        ("a.b", ["a.b"]),
        ("a.*?b", ["a.*?b"]),
        (".*?", [".*?"]),
        ("[x] {x}", ["[x]", "{x}"]),
        ("a && b || c", ["&", "&", "|", "|"]),
        (":) :(", [":", ")", ":", "("]),
        ("\U0001f600", ["\U0001f600"]),
        ("sort! in ruby", ["sort!"]),
        ("empty? method", ["empty?"]),
        ("use ! or ? here", ["!", "?"]),
    ],
)  # fmt: skip
def test_literals_are_kept_to_the_letter(text, found):
    assert literals(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,000", ["1000"]),
        ("1.000", ["1.000"]),
        ("3.14", ["3.14"]),
        ("-5", ["-", "5"]),
        ("\u22125", ["-", "5"]),
        ("5-3", ["5", "-", "3"]),
        ("5 - 3", ["5", "-", "3"]),
        ("5 \u00d7 3", ["5", "*", "3"]),
        ("2^8", ["2", "^", "8"]),
        ("5!", ["5", "!"]),
        ("x / y", ["/"]),
        ("x * y", ["*"]),
        ("x - y", ["-"]),
        ("total * tax", ["*"]),
        ("10k", ["10000"]),
        ("1.5k", ["1500"]),
        ("21st", ["21st"]),
        ("four fourth thirty", ["4", "4th", "30"]),
        ("one first", []),
        ("\u00bd", ["\u00bd"]),
        ("5\u00bd", ["5", "\u00bd"]),
        ("2\u2078", ["2", "\u2078"]),
        ("\u0661\u0662", ["12"]),
        ("\uff11\uff12", ["12"]),
        ("10.0.0.1", ["10.0.0.1"]),
        ("3.11.7", ["3.11.7"]),
        ("2024-01-02", ["2024", "-", "01", "-", "02"]),
        ("5:30pm", ["5", ":", "30"]),
        ("1/2", ["1", "/", "2"]),
        ("(5)", ["5"]),
        ("5M", ["5M"]),
        ("5m", ["5m"]),
        ("3D", ["3d"]),
        ("5G", ["5g"]),
    ],
)  # fmt: skip
def test_numbers_are_literals_however_they_are_written(text, found):
    assert literals(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("100MB", ["100", "megabyte"]),
        ("100mb", ["100", "megabyte"]),
        ("100Mb", ["100", "megabit"]),
        ("5km", ["5", "kilometer"]),
        ("5g", ["5", "gram"]),
        ("$3", ["3", "dollar"]),
        ("3\u20ac", ["3", "euro"]),
        ("15%", ["15", "percent"]),
        ("20\u00b0C", ["20", "celsius"]),
        ("5pm", ["5", "pm"]),
        ("1st", ["first"]),
    ],
)  # fmt: skip
def test_a_unit_written_against_a_number_is_a_word(text, found):
    assert lows(text) == found


@pytest.mark.parametrize(
    ("word", "counted", "found"),
    [
        ("km", False, "kilometer"),
        ("hours", False, "hour"),
        ("g", False, "g"),
        ("g", True, "gram"),
        ("MB", True, "megabyte"),
        ("Mb", True, "megabit"),
        ("cats", True, "cats"),
    ],
)
def test_short_forms_are_units_behind_a_number_or_where_they_are_nothing_else(word, counted, found):
    assert tokens.unit(tokens.Token(word.lower(), word), counted=counted) == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rm -r", "rm -R"),
        ("x==1", "x!=1"),
        ("compute x * y", "compute x / y"),
        ("compute x - y", "compute x y"),
        ("compute x-y", "compute x/y"),
        ("compute width * height", "compute width height"),
        ("C++", "C"),
        ("c#", "c"),
        ("100MB", "100Mb"),
        ("5M", "5m"),
        ("3D printing", "3 day printing"),
        ("5G", "5 g"),
        ("1.5k", "15k"),
        ("1.5", "1,5"),
        ("1,000", "1.000"),
        ("1e5", "1e-5"),
        ("2\u2078", "28"),
        ("x\u00b2", "x2"),
        ("x\u00b2", "x\u2082"),
        ("\u00bd", "\u00bc"),
        ("[x]", "x"),
        ("[x]", "{x}"),
        ("(a|b)", "[a|b]"),
        ("a.b", "ab"),
        ("(a, b)", "[a, b]"),
        ("{a b}", "[a b]"),
        ("use git add .", "use git add"),
        ("use cd - in bash", "use cd in bash"),
        ("escape ! here", "escape ? here"),
        ("'' means", '"" means'),
        ("sort! in ruby", "sort in ruby"),
        (".*?", ".*"),
        ("a.txt", "A.txt"),
        ("\U0001f600", "\U0001f622"),
        ("\u2264", "\u2265"),
    ],
)  # fmt: skip
def test_what_means_something_else_is_cut_into_something_else(one, other):
    assert lows(one) != lows(other)


# -- one of the ways to write it -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("\u2018a\u2019", "'a'"),
        ("\u201ca\u201d", '"a"'),
        ("\u201ea\u201c", '"a"'),
        ('"say ""a"" now"', '"say a now"'),
        ("a\u2026", "a..."),
        ("a\u2013b", "a-b"),
        ("1\u20442", "1/2"),
        ("\uff21\uff22", "AB"),
        ("\ufb01", "fi"),
        ("e\u0301", "\u00e9"),
        ("\u0663", "3"),
        ("2\u2075", "2 \u2075 "),
        ("20\u00b0C", "20 celsius"),
        ("plain", "plain"),
    ],
)
def test_typographic_signs_are_folded(text, folded):
    assert tokens.fold(text) == folded


@enough
@given(texts)
def test_folded_texts_that_are_folded_again_are_cut_alike(text):
    folded = tokens.fold(text)

    assert lows(tokens.fold(folded)) == lows(folded)


@pytest.mark.parametrize(
    "text", ["a\u200bb", "a\u202eb", "a\x00b", "a\u00adb", "a\ufeff", "a\x1b[1m", "\ue000"]
)
def test_what_nobody_sees_is_hidden(text):
    assert tokens.is_hidden(text)


@pytest.mark.parametrize("text", ["a b", "a\tb\nc\r\n", "\u00e9", "\u732b", "\U0001f600", ""])
def test_what_is_seen_is_not(text):
    assert not tokens.is_hidden(text)


# -- any text ------------------------------------------------------------------------------------


@enough
@given(texts)
def test_any_text_is_cut_into_tokens_that_are_not_empty(text):
    assert all(token.low for token in cut(text))


@enough
@given(texts)
def test_what_is_no_literal_has_a_letter(text):
    assert all(any(map(str.isalpha, token.low)) for token in cut(text) if not token.slot)


@enough
@given(texts)
def test_a_text_is_always_cut_alike(text):
    assert cut(text) == cut(text)


@enough
@given(st.integers(0, 10**12))
def test_a_number_is_never_lost(number):
    assert literals(f"is {number:,} more than nothing") == [str(number)]


@enough
@given(st.text("abcXYZ019_./", min_size=2, max_size=20))
def test_a_path_is_kept_to_the_letter(name):
    path = f"/x{name}x"

    assert literals(f"open {path} now") == [path]


@enough
@given(st.text("abc 123,.;/-", min_size=1).filter(lambda text: text.strip(" ,.")))
def test_what_stands_in_back_quotes_is_one_literal(text):
    assert len(cut(f"run `{text}` now")) == 3


@pytest.mark.parametrize(
    "piece",
    ["a", "1", "1,", "1.", "1,111,", "'", " '", '"', "`", "`a ", "-", " - ", "/", "(", "([", "{a",
     "!", "! in ", ". ", "\u0301", "\u200b", "\u00bd", "\u00b2", "\u732b", "\U0001f600", "a-", "a/",
     "a'", "x.y.", "5km ", "''", '""', "& ", "a & ", "\n", "don't ", "+", "\\"],
)  # fmt: skip
def test_long_texts_of_one_kind_are_cut_to_their_end(piece):
    text = (piece * 100_000)[:100_000]

    assert len("".join(token.raw for token in cut(f"{text} end"))) >= len("end")
