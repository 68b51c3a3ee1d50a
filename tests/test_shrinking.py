from __future__ import annotations

import pytest
from drafts import draft, line

from llmc import removal, shrinking
from llmc.types import Selector


@pytest.fixture
def filled(store):
    """A file of a hundred entries, some long, some short; the newest are worth most."""
    for number in range(100):
        made = draft(f"text {number}", f"{number} " * (400 if number % 3 else 4000))
        store.put(made._replace(created_at=float(number)), line())
    return store


@pytest.fixture(params=["on trial", "estimated"])
def _way(request, monkeypatch):
    if request.param == "estimated":
        monkeypatch.setattr(shrinking, "_ON_TRIAL", 10)


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("share", [0.9, 0.6, 0.4])
def test_a_file_fits_the_size_and_not_much_more_goes(filled, share):
    size = int(filled.file.size() * share)

    removed = shrinking.remove(filled, shrinking.fitting(filled, size, set()), size=size)

    assert filled.count() == 100 - removed
    assert size * 0.6 < filled.file.size() <= size


@pytest.mark.usefixtures("_way")
def test_what_goes_anyway_counts(filled):
    size = filled.file.size() // 2
    doomed = set(range(1, 91))

    assert shrinking.fitting(filled, size, doomed) == doomed


@pytest.mark.usefixtures("_way")
def test_pinned_entries_stay_whatever_the_size(filled):
    filled.file.execute("UPDATE entry SET pinned = 1 WHERE id <= 5")

    removed = shrinking.remove(filled, shrinking.fitting(filled, 0, set()), size=0)

    assert removed == 95
    assert sorted(entry.id for entry in filled.select(Selector())) == [1, 2, 3, 4, 5]


def test_what_was_estimated_too_low_is_made_up_for(filled, monkeypatch):
    size = filled.file.size() // 2
    told = []

    shrinking.remove(filled, {1}, size=size, told=lambda *each: told.append(each))

    assert filled.file.size() <= size


def test_many_go_by_parts_and_leave_no_word_behind(filled, monkeypatch):
    monkeypatch.setattr(removal, "_PART", 7)
    told = []

    removed = filled.removal.prune(range(1, 61), told=told.append)

    assert (removed, told) == (60, [7, 14, 21, 28, 35, 42, 49, 56, 60])
    assert filled.count() == 40
    assert filled.index_damage() is None
    terms = "SELECT count(*) FROM entry_text_data WHERE id > 10"
    pages = filled.file.number(terms)
    filled.rebuild_index()
    assert pages <= filled.file.number(terms) + 2


def test_what_is_interrupted_is_whole(filled, monkeypatch):
    monkeypatch.setattr(removal, "_PART", 7)

    def told(gone: int) -> None:
        if gone > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        filled.removal.prune(range(1, 61), told=told)

    assert filled.count() == 79
    assert filled.file.damage() == []
    assert filled.index_damage() is None
