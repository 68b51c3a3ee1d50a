from __future__ import annotations

import pytest
from upstream import Reply


def ids(found: list[dict]) -> list[int]:
    return [entry["id"] for entry in found]


@pytest.fixture
def shelf(cli, upstream) -> None:
    """Three entries about skies and seas."""
    upstream.will(
        Reply("Air scatters blue light."), Reply("Salt, mostly."), Reply("天空因为散射而是蓝色的")
    )
    cli("ask", "why is the sky blue?", "-n", "work")
    cli("ask", "what is in the sea? Über-salty!", "-m", "small")
    cli("ask", "sky, in Chinese")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("sky",), {1, 3}),
        (("SKY",), {1, 3}),
        (("sky", "blue"), {1}),
        (("sky blue",), {1}),
        (("blue", "sky"), {1}),
        (("scatters",), {1}),
        (("scatt",), {1}),
        (("catters",), {1}),
        (("uber",), {2}),
        (("散射",), {3}),
        (("天空",), {3}),
        (("nothing",), set()),
        (("sky", "salt"), set()),
    ],
)
def test_every_word_must_be_in_the_prompt_or_the_answer(listed, shelf, words, expected):
    found = listed("search", *words)

    assert set(ids(found)) == expected


@pytest.mark.parametrize(
    "words",
    ['"', '""', '"sky', "sky*", "*", "NEAR(sky", "sky AND", "OR", "NOT sky", "prompt:sky", "a^b",
     "(", "{prompt}", "sky -blue", "'", ";", "%", "\\", "…", "\x1b[31m"],
)  # fmt: skip
def test_what_a_query_language_would_mean_is_text(cli, shelf, words):
    result = cli("search", "--", words)

    assert result.code == 0
    assert result.err == ""


def test_a_quote_is_searched_for_as_it_stands(listed, cli, upstream):
    cli("ask", 'say "hi"')
    cli("ask", "say hi")

    found = listed("search", '"')

    assert ids(found) == [1]


@pytest.mark.parametrize("words", [("",), (" ", "\t")])
def test_no_words_are_a_usage_error(cli, shelf, words):
    result = cli("search", *words)

    assert (result.code, result.out) == (2, "")
    assert "nothing to search for" in result.err


def test_words_that_are_no_utf8_are_a_usage_error(cli, shelf):
    result = cli("search", "\udcff")

    assert (result.code, result.out) == (2, "")
    assert "unexpected" not in result.err


def test_the_best_match_comes_first(listed, cli, upstream):
    cli("ask", "sky")
    cli("ask", "a sea of words about everything under the sun, and the sky somewhere in it")

    found = listed("search", "sky")

    assert ids(found) == [1, 2]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("-n", "work"), {1}),
        (("-m", "small"), set()),
        (("-l", "1"), {3}),
        (("--since", "1h"), {1, 3}),
        (("--older-than", "1h"), set()),
        (("--source", "import"), set()),
    ],
)
def test_filters_narrow_a_search(listed, shelf, flags, expected):
    found = listed("search", "sky", *flags)

    assert set(ids(found)) == expected


def test_filters_narrow_a_search_for_a_part_of_a_word(listed, shelf):
    found = listed("search", "散射", "-n", "work")

    assert found == []


def test_what_was_removed_is_not_found(listed, cli, shelf):
    cli("invalidate", "sky", "--yes")

    found = listed("search", "sky")

    assert found == []


def test_what_was_overwritten_is_not_found(listed, cli, upstream):
    upstream.will(Reply("a comet"), Reply("a meteor"))
    cli("ask", "q")
    cli("ask", "q", "--refresh")

    found = listed("search", "comet")

    assert found == []
    assert ids(listed("search", "meteor")) == [1]


def test_a_pipe_gets_the_columns_of_list(cli, shelf):
    result = cli("search", "sea")

    assert result.out == (
        "id\tage\thits\tpinned\tmodel\tnamespace\tprompt\n"
        "2\t0 s\t0\t-\tsmall\tdefault\twhat is in the sea? Über-salty!\n"
    )
