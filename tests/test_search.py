from __future__ import annotations

import pytest
from drafts import draft, line

from llmc.search import akin


@pytest.fixture
def shelf(store):
    """Six entries, of which the third is the only one about foxes."""
    prompts = ("one", "two", "the quick brown fox jumps", "four", "five", "six")
    [store.put(draft(prompt, system=prompt[:1]), line()) for prompt in prompts]
    return store


def ids(store, prompt: str, *, limit: int = 2, scope: bytes = b"none") -> list[int]:
    return akin(store.file, prompt, scope, limit=limit)


@pytest.mark.parametrize(
    "prompt",
    [
        "the quick brown fox jumps",
        "the QUICK fox",
        "why does the quick brown fox jump",
        "a quick question",
        'a "quick" (brown) fox* AND -fox',
    ],
)
def test_what_holds_the_words_comes_first_then_the_newest(shelf, prompt):
    assert ids(shelf, prompt) == [3, 6, 5]


@pytest.mark.parametrize("prompt", ["", " ", "never heard of", '"', "*", "NEAR(", "京都"])
def test_where_no_word_is_held_there_are_the_newest(shelf, prompt):
    assert ids(shelf, prompt) == [6, 5]


def test_what_shares_all_the_rest_is_among_them(shelf):
    scope = draft("x", system="o").scope_hash

    assert ids(shelf, "never", scope=scope) == [1, 6, 5]


def test_words_of_answers_do_not_count(store):
    store.put(draft("one", "the fox"), line())
    store.put(draft("two", "the dog"), line())

    assert ids(store, "fox", limit=1) == [2]


def test_an_empty_file_holds_none(store):
    assert ids(store, "fox") == []


def test_entries_come_as_such(shelf):
    found = shelf.akin("the quick fox", b"none", limit=1)

    assert [entry.prompt for entry in found] == ["the quick brown fox jumps", "six"]


def test_a_long_prompt_is_found_by_its_beginning(store):
    prompt = "extraordinarily " * 40
    store.put(draft(prompt), line())
    store.put(draft("two"), line())

    assert ids(store, f"{prompt} and more", limit=1) == [1, 2]
