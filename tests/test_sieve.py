from __future__ import annotations

import pytest
from drafts import draft, line

from llmc import sieve
from llmc.errors import CacheFileError


@pytest.fixture
def texts(store, monkeypatch):
    """Ten entries, looked at by threes; ids in the middle are gone."""
    monkeypatch.setattr(sieve, "_PART", 3)
    for number in range(12):
        namespace = "work" if number % 4 == 0 else "default"
        made = draft(f"text {number}\0", namespace=namespace, created_at=float(number))
        store.put(made, line())
    store.delete([5, 6])
    return store.texts


def found(parts, test=lambda _: True):
    return [each for part in parts for each in part.find(test)]


def test_all_are_looked_at_once_in_order(texts):
    parts = list(texts("prompt", None))

    assert [part.size for part in parts] == [2, 3, 2, 3]
    assert found(parts) == [1, 2, 3, 4, 7, 8, 9, 10, 11, 12]


def test_those_that_pass_are_found(texts):
    assert found(texts("prompt", None), lambda text: text.endswith("1\0")) == [2, 12]


def test_a_namespace_and_an_instant_are_kept_to(texts):
    assert found(texts("prompt", "work")) == [1, 9]
    assert found(texts("model", "work", before=8.0)) == [1]


def test_words_are_looked_for_to_the_letter(texts):
    assert found(texts("prompt", None, holding="1\0")) == [2, 12]
    assert found(texts("prompt", None, holding="TEXT")) == []


@pytest.mark.parametrize("field", ["prompt", "answer", "system", "model", "namespace"])
def test_every_field_can_be_looked_at(texts, field):
    assert len([each for part in texts(field, None) for each in part.texts()]) == 10


def test_entries_may_come_and_go_meanwhile(texts, store):
    parts = texts("prompt", None)
    first = next(parts).find(bool)

    store.delete([7, 8])
    store.put(draft("another"), line())

    assert (first, found(parts)) == ([1, 2, 3], [4, 9, 10, 11, 12])


@pytest.mark.parametrize("error", [TimeoutError, MemoryError, KeyboardInterrupt, LookupError])
def test_what_the_test_raises_comes_through(texts, error):
    def test(_: str) -> bool:
        raise error

    with pytest.raises(error):
        next(texts("prompt", None)).find(test)


def test_two_can_be_looked_at_at_once(texts):
    inner = next(texts("answer", None))

    outer = next(texts("prompt", None)).find(lambda _: len(inner.find(bool)) == 3)

    assert outer == [1, 2, 3]


def test_a_text_that_is_none_is_a_fault_of_the_file(texts, store):
    store.file.execute("DROP TRIGGER entry_text_update")
    store.file.execute("UPDATE entry SET prompt = CAST(x'ff' AS TEXT) WHERE id = 2")

    with pytest.raises(CacheFileError, match="a text is not UTF-8"):
        next(texts("prompt", None)).find(bool)
