from __future__ import annotations

import pytest
from drafts import draft, line, question
from encoder import OTHER, REWORDED, STORED, THIRD, Embedder, at

from llmc import keys
from llmc.meaning import Chosen, Meaning
from llmc.types import Ask, Miss
from llmc.why.neighbours import near

NOW = 2000.0


@pytest.fixture
def embedder():
    return Embedder()


@pytest.fixture
def meaning(store, embedder):
    chosen = Chosen("fake", local=True, open=lambda: embedder, price=lambda *_: 0)
    return Meaning(
        store, chosen, error="5%", threshold=None, clock=lambda: NOW, note=lambda _: None
    )


@pytest.fixture
def nearest(store, meaning):
    """The neighbours of a question, after everything stored in the named scopes got its vector."""

    def find(prompt: str, ask: Ask | None = None, *, systems=("",), k: int = 5):
        [catch_up(meaning, system) for system in systems]
        request = question(prompt)
        _, scope = keys.frame_of(request)
        asked = ask or Ask()
        return near(meaning, store, request, asked, scope=scope, vector=None, now=NOW, bill=[], k=k)

    return find


def catch_up(meaning, system: str) -> None:
    asked = question("what is the capital of the country?", system=system)
    meaning.find(Miss(asked, keys.cache_key(asked), keys.family_key(asked), ""), Ask())


def test_an_empty_file_has_no_neighbours(store, meaning):
    request = question(STORED)

    found = near(
        meaning,
        store,
        request,
        Ask(),
        scope=keys.frame_of(request)[1],
        vector=None,
        now=NOW,
        bill=[],
    )

    assert found == []


def test_what_is_exact_only_has_none(nearest, store, embedder):
    store.put(draft(STORED), line())

    assert nearest("shorter") == []


def test_what_may_answer_is_barred_by_nothing(nearest, store):
    store.put(draft(STORED), line())

    (found,) = nearest(REWORDED)

    assert found.entry == store.entry(1)
    assert found.similarity == pytest.approx(1.0, abs=1e-3)
    assert (found.refusal, found.remedy) == (None, None)


def test_what_is_of_the_same_scope_is_not_hidden_by_what_is_nearer_elsewhere(
    nearest, store, embedder
):
    embedder.vectors = {STORED: at(0.5)}
    store.put(draft(STORED), line())
    systems = [f"system {n}" for n in range(70)]
    [store.put(draft(THIRD, system=system), line()) for system in systems]

    found = nearest(REWORDED, systems=["", *systems], k=3)

    assert found[0].entry.prompt == STORED
    assert [each.refusal.guard for each in found] == ["similarity", "scope", "scope"]


@pytest.mark.parametrize(
    ("ask", "changes", "guard"),
    [
        (Ask(namespace="work"), {}, "namespace"),
        (Ask(mode="deterministic"), {}, "life"),
        (Ask(), {"expires_at": NOW - 1}, "life"),
    ],
)
def test_what_cannot_be_compared_says_why(nearest, store, ask, changes, guard):
    store.put(draft(STORED, **changes), line())

    (found,) = nearest(REWORDED, ask)

    assert found.refusal.guard == guard


@pytest.mark.parametrize(
    ("similarity", "remedy"),
    [(0.97, None), (0.92, "--error 10%"), (0.8765, "--threshold 0.876")],
)
def test_the_strictest_promise_that_would_do_is_named(nearest, store, embedder, similarity, remedy):
    embedder.vectors = {THIRD: at(similarity)}
    measured = {"10%": 0.90, "5%": 0.96, "strict": 0.98}
    store.paraphrases.calibrated("fake", {"thresholds": measured}, at=1.0)
    store.put(draft(STORED), line())

    (found,) = nearest(THIRD)

    assert found.remedy == remedy


def test_where_a_guard_refuses_no_threshold_would_do(nearest, store, embedder):
    embedder.vectors = {OTHER: at(0.92)}
    store.put(draft(STORED), line())

    (found,) = nearest(OTHER)

    assert found.refusal.detail.startswith("0.920 is less than 0.950; ")
    assert (found.refusal.guard == "similarity", found.remedy) == (False, None)
