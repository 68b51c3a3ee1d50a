from __future__ import annotations

import pytest
from drafts import draft, line, question
from encoder import OTHER, REWORDED, STORED, THIRD, Embedder, at
from hypothesis import given
from hypothesis import strategies as st

from llmc import drafting, keys, semantic
from llmc.errors import EmbeddingError
from llmc.meaning import Chosen, Meaning
from llmc.questions import group_of, pair_of, question_of, verdict_on
from llmc.types import Alias, Ask, Miss, Verdict

NOW = 2000.0


@pytest.fixture
def embedder():
    return Embedder()


@pytest.fixture
def notes():
    return []


class Now:
    """A clock that moves on by a step each time it is read."""

    def __init__(self) -> None:
        self.now, self.step = NOW, 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def search(store, embedder, notes, now):
    """Return a search by meaning in the open file, through the local embedder."""

    def make(*, name="fake", local=True, error="5%", threshold=None, price=lambda *_: 0):
        chosen = Chosen(name, local=local, open=lambda: embedder, price=price)
        return Meaning(
            store, chosen, error=error, threshold=threshold, clock=now, note=notes.append
        )

    return make


@pytest.fixture
def meaning(search):
    return search()


def missed(prompt: str, **request) -> Miss:
    """What the exact lookup of a question came to."""
    asked = question(prompt, **request)
    return Miss(asked, keys.cache_key(asked), keys.family_key(asked), "not stored")


def turns(prompt: str, *before: tuple[str, str]) -> Miss:
    """A miss that has earlier turns."""
    said = [*before, ("user", prompt)]
    messages = [{"role": role, "content": text} for role, text in said]
    return missed(prompt, messages=messages)


def found(meaning, prompt: str, ask: Ask | None = None, **request):
    return meaning.find(missed(prompt, **request), ask or Ask())


# -- finding -------------------------------------------------------------------------------------


def test_a_stored_question_in_other_words_is_found_with_what_was_accepted(meaning, store):
    entry_id = store.put(draft(STORED), line())

    hit = found(meaning, REWORDED)

    assert hit.entry == store.entry(entry_id)
    assert hit.reason == ""
    assert hit.alias == Alias(
        namespace="default",
        key=missed(REWORDED).key,
        entry_id=entry_id,
        embedder="fake",
        similarity=pytest.approx(1.0, abs=1e-3),
        prompt=REWORDED,
        instruction_at=0,
    )


def test_an_empty_file_holds_nothing_near(meaning):
    hit = found(meaning, STORED)

    assert hit.entry is None
    assert hit.reason == "no question of the same context is near enough"
    assert hit.vector.numbers == Embedder().embed([STORED]).vectors[0]


def test_of_several_the_nearest_is_taken(meaning, store, embedder):
    embedder.vectors = {REWORDED: at(0.99), THIRD: at(0.97)}
    store.put(draft(THIRD, "far"), line())
    store.put(draft(REWORDED, "near"), line())

    assert found(meaning, STORED).entry.answer == "near"


def test_what_a_guard_refuses_does_not_hide_what_may_answer(meaning, store, embedder):
    embedder.vectors = {THIRD: at(0.97)}
    store.put(draft(THIRD, "right"), line())
    store.put(draft(OTHER, "wrong"), line())

    assert found(meaning, STORED).entry.answer == "right"


def test_a_refusal_names_the_entry_and_the_guards_reason(meaning, store):
    store.put(draft(OTHER), line())

    reason = found(meaning, STORED).reason

    assert reason.startswith("entry 1 is near (1.000), but ")
    assert "'redo'" in reason


def test_an_earlier_turn_is_part_of_the_scope(meaning, store):
    one, two = ("user", "hello there"), ("assistant", "hi")
    talk = turns(STORED, one, two)
    frame, scope_hash = keys.frame_of(talk.request)
    store.put(draft(STORED, frame=frame, scope_hash=scope_hash, key=talk.key), line())

    same = meaning.find(turns(REWORDED, one, two), Ask())

    assert same.entry is not None
    assert meaning.find(turns(REWORDED, one, ("assistant", "ho")), Ask()).entry is None
    assert meaning.find(turns(REWORDED), Ask()).entry is None


def test_a_short_turn_is_compared_with_none(meaning, embedder):
    hit = meaning.find(turns("and in the other branch?", ("user", "a"), ("assistant", "b")), Ask())

    assert hit.reason.startswith("exact only: ")
    assert embedder.texts == []


@pytest.mark.parametrize(
    ("ask", "changes"),
    [
        (Ask(namespace="work"), {}),
        (Ask(), {"namespace": "work"}),
        (Ask(), {"expires_at": NOW}),
        (Ask(mode="deterministic"), {}),
    ],
    ids=["another namespace", "another's namespace", "expired", "not deterministic"],
)
def test_what_the_policy_forbids_is_not_found(meaning, store, ask, changes):
    store.put(draft(STORED, **changes), line())

    assert found(meaning, REWORDED, ask).entry is None


def test_a_veto_holds_in_both_directions(meaning, store):
    store.put(draft(STORED), line())
    hit = found(meaning, REWORDED)
    verdict = verdict_on(hit.alias, hit.entry, origin="bad", right=False, at=1.0)
    store.delete([1], verdict)
    store.put(draft(STORED), line())
    store.put(draft(REWORDED, system="x"), line())

    assert found(meaning, REWORDED).entry is None
    store.put(draft(REWORDED), line())
    store.delete([store.family("default", missed(STORED).family)[0].id])
    assert found(meaning, STORED).entry is None
    assert found(meaning, STORED, system="x").entry is None


def test_of_an_embedder_that_nobody_measured_the_threshold_is_a_careful_guess(meaning):
    assert meaning.threshold() == (semantic.UNCALIBRATED, False)


@pytest.mark.parametrize(
    ("error", "threshold", "expected"),
    [
        ("5%", None, (0.99, False)),
        ("5%", 0.5, (0.5, False)),
        ("5%", 0.0, (0.0, False)),
        ("strict", None, (0.99, True)),
    ],
)
def test_the_threshold_is_what_was_stated_or_measured_or_the_strictest_known(
    search, store, error, threshold, expected
):
    store.paraphrases.calibrated("fake", {"thresholds": {"strict": 0.99}}, at=1.0)

    assert search(error=error, threshold=threshold).threshold() == expected


# -- vectors -------------------------------------------------------------------------------------


def test_an_answer_gets_its_questions_vector_from_a_local_embedder(meaning, embedder):
    request = question(STORED)
    _, scope_hash = keys.frame_of(request)

    vector = meaning.vector(request, "default", scope_hash)

    assert vector.embedder == "fake"
    assert vector.group == group_of("default", scope_hash, question_of(request))
    assert embedder.texts == [[STORED]]


def test_what_is_embedded_is_a_questions_plain_wording(search, embedder):
    said = "please tell me how to undo the last git commit"
    plain = semantic.question(said).wording
    embedder.vectors = {said: at(0.5)}

    vector = search().vector(question(said), "default", b"")

    assert plain != said
    assert vector.numbers == embedder.embed([plain]).vectors[0]


@pytest.mark.parametrize("prompt", ["shorter", "word " * 70, "what is the weather today?"])
def test_what_no_other_may_answer_for_gets_no_vector(meaning, embedder, prompt):
    assert meaning.vector(question(prompt), "default", b"") is None
    assert embedder.texts == []


def test_a_remote_embedder_is_not_asked_for_an_answers_vector(search, embedder):
    assert search(local=False).vector(question(STORED), "default", b"") is None
    assert embedder.texts == []


def test_what_has_no_vector_yet_is_embedded_beside_the_question(meaning, store, embedder):
    found(meaning, "what is the capital of the country?")
    store.put(draft(STORED), line())
    store.put(draft(OTHER, system="another scope"), line())
    store.put(draft(OTHER, namespace="another"), line())
    embedder.texts.clear()

    hit = found(meaning, REWORDED)

    assert hit.entry is not None
    assert embedder.texts == [[REWORDED, STORED]]


def test_what_is_to_have_no_vector_is_looked_at_once(meaning, store, embedder):
    found(meaning, STORED)
    store.put(draft("shorter"), line())

    found(meaning, REWORDED)

    assert store.file.number("SELECT count(*) FROM vector_due") == 0
    assert embedder.texts == [[STORED], [REWORDED]]


def test_a_scope_that_is_far_behind_is_caught_up_with_piecemeal(meaning, store, embedder):
    found(meaning, STORED)
    behind_by(store, 150)

    found(meaning, REWORDED)
    found(meaning, THIRD)

    assert [len(texts) for texts in embedder.texts] == [1, 128, 24]
    assert store.file.number("SELECT count(*) FROM vector_due") == 0


def behind_by(store, count: int) -> None:
    [store.put(draft(f"how do I undo git commit number {n}?"), line()) for n in range(count)]


def test_an_endpoint_is_given_twice_as_much_at_a_time(search, store, embedder):
    remote = search(local=False)
    found(remote, STORED)
    behind_by(store, 60)

    found(remote, REWORDED)

    assert [len(texts) for texts in embedder.texts] == [1, 9, 16, 32, 4]
    assert store.file.number("SELECT count(*) FROM vector_due") == 0


def test_a_slow_endpoint_is_given_the_rest_another_time(search, store, embedder, now):
    remote = search(local=False)
    found(remote, STORED)
    behind_by(store, 60)
    now.step = 1.5

    found(remote, REWORDED)

    assert [len(texts) for texts in embedder.texts] == [1, 9, 16]
    assert store.file.number("SELECT count(*) FROM vector_due") == 36


def test_an_endpoint_that_fails_halfway_hides_nothing_that_is_known(search, store, embedder, notes):
    remote = search(local=False)
    embedder.vectors = {"what is the capital of the country?": at(0.5)}
    found(remote, STORED)
    store.put(draft(STORED), line())
    found(remote, "what is the capital of the country?")
    behind_by(store, 20)
    embedder.failures = [None, EmbeddingError("it is late")]

    hit = found(remote, REWORDED)

    assert hit.entry.prompt == STORED
    assert notes == ["it is late; some stored questions are not compared yet"]
    assert store.file.number("SELECT count(*) FROM vector_due") == 12


def test_a_file_that_is_read_only_is_searched_and_not_caught_up_with(
    meaning, store, embedder, monkeypatch
):
    store.put(draft(STORED), line())
    found(meaning, REWORDED)
    store.put(draft(OTHER), line())
    monkeypatch.setattr(type(store.file), "read_only", True)
    store.file.execute("PRAGMA query_only = ON")
    embedder.texts.clear()

    hit = found(meaning, REWORDED)

    assert hit.entry is not None
    assert embedder.texts == [[REWORDED]]


def test_a_full_disk_costs_the_vectors_that_were_missing_and_not_the_hit(
    meaning, store, embedder, notes
):
    store.put(draft(STORED), line())
    found(meaning, REWORDED)
    store.put(draft(THIRD), line())
    store.file.execute("PRAGMA query_only = ON")

    hit = found(meaning, REWORDED)

    assert hit.entry.prompt == STORED
    assert notes == []


@pytest.mark.parametrize("dimension", [2, 16])
def test_vectors_of_another_length_are_never_compared(meaning, store, embedder, notes, dimension):
    store.put(draft(STORED), line())
    found(meaning, REWORDED)
    embedder.vectors[REWORDED] = [1.0, *[0.0] * (dimension - 1)]

    hit = found(meaning, REWORDED)

    assert hit.entry is None
    said = f"embeddings: fake sent {dimension} numbers for a text, 8 before"
    assert notes == [f"{said}; matching the same words only"]


# -- what it costs, and what fails ---------------------------------------------------------------


def test_the_bill_is_of_all_that_was_embedded(search, store):
    store.put(draft(STORED), line())

    hit = search(local=False, price=lambda _, texts: 7 * len(texts)).find(missed(REWORDED), Ask())

    assert hit.bill == (14, 0)


def test_what_was_paid_before_a_failure_is_on_the_bill(search, store):
    store.put(draft(STORED), line())
    found(search(), REWORDED)
    store.file.execute("ALTER TABLE vector RENAME TO elsewhere")

    hit = search(price=lambda *_: 7).find(missed(REWORDED), Ask())

    assert (hit.entry, hit.bill) == (None, (7, 0))


def test_one_fault_is_noted_once(meaning, embedder, notes):
    embedder.failure = EmbeddingError("it yields no numbers")
    request = question(STORED)

    reasons = [found(meaning, prompt).reason for prompt in (STORED, REWORDED)]
    vector = meaning.vector(request, "default", keys.frame_of(request)[1])

    assert reasons == ["it yields no numbers"] * 2
    assert vector is None
    assert notes == ["it yields no numbers; matching the same words only"]


def test_where_memory_runs_out_there_is_a_miss(meaning, embedder, notes):
    embedder.failure = MemoryError()

    assert found(meaning, STORED).entry is None
    assert notes == ["fake: there is not enough memory; matching the same words only"]


def test_vectors_of_an_embedder_are_kept_while_another_is_used(search, store, embedder):
    store.put(draft(STORED), line())
    found(search(), REWORDED)
    found(search(name="another"), REWORDED)
    embedder.texts.clear()

    hit = found(search(), REWORDED)

    assert hit.alias.embedder == "fake"
    assert embedder.texts == [[REWORDED]]


def test_offline_a_remote_embedder_is_not_asked_and_a_local_one_is(search, store, embedder):
    store.put(draft(STORED), line())

    remote = found(search(local=False), REWORDED, Ask(offline=True))

    assert (remote.entry, embedder.texts) == (None, [])
    assert found(search(), REWORDED, Ask(offline=True)).entry is not None


# -- wordings ------------------------------------------------------------------------------------


def test_a_learned_wording_is_found_without_a_vector(meaning, store, embedder):
    store.put(draft(STORED), line())
    first = found(meaning, REWORDED)
    store.record(line(entry_id=1, source="semantic"), alias=first.alias)
    embedder.texts.clear()

    hit = found(meaning, REWORDED)

    assert hit.alias == first.alias
    assert hit.vector is None
    assert embedder.texts == []


def test_a_learned_wording_that_was_vetoed_since_is_not_followed(meaning, store):
    store.put(draft(STORED), line())
    first = found(meaning, REWORDED)
    store.record(line(entry_id=1, source="semantic"), alias=first.alias)
    verdict = verdict_on(first.alias, first.entry, origin="audit", right=False, at=1.0)
    store.judge(verdict, 1, cost=0)

    assert found(meaning, REWORDED).entry is None


def test_a_learned_wording_goes_with_the_namespace_it_was_learned_in(meaning, store, embedder):
    store.put(draft(STORED), line())
    first = found(meaning, REWORDED)
    store.record(line(entry_id=1, source="semantic"), alias=first.alias)

    assert found(meaning, REWORDED, Ask(namespace="work")).entry is None


def test_a_price_that_nobody_knows_is_counted_and_is_not_nothing(search, store):
    store.put(draft(STORED), line())

    hit = found(search(local=False, price=lambda *_: None), REWORDED)

    assert hit.bill == (0, 2)  # its own, and that of the stored question


# -- pairs ---------------------------------------------------------------------------------------

TEXTS = st.text(st.sampled_from("ab A.\n`~é'?1"), max_size=40)


@given(TEXTS, TEXTS)
def test_a_pair_is_known_in_either_order(one, other):
    assert pair_of(one, other) == pair_of(other, one)


@pytest.mark.parametrize("scope", [b"", draft(STORED).scope_hash], ids=["any", "of one scope"])
def test_a_verdict_holds_whatever_scope_it_was_given_in(meaning, store, scope):
    store.put(draft(STORED), line())
    pair = pair_of(STORED, REWORDED, scope_hash=scope)
    store.judge(Verdict(pair, "bad", False, "other", "fake", 0.9, 1.0), 1, cost=0)

    hit = found(meaning, REWORDED)

    assert hit.entry is None
    assert "this pair was said to be wrong" in hit.reason


@given(st.text(max_size=60), st.sampled_from([STORED, REWORDED, f"{STORED}\n\n```\ncode\n```"]))
def test_a_verdict_is_on_the_pair_that_a_search_compares(document, instruction):
    prompt = f"{document}\n\n{instruction}"
    at_ = len(document) + 2
    asked = semantic.question(prompt, at=at_)
    stored = semantic.question(OTHER)
    alias = Alias("n", b"k", 1, "e", 0.9, prompt, at_)
    entry = drafting.answered(draft(OTHER), missed(OTHER), unkept=None).entry

    verdict = verdict_on(alias, entry, origin="bad", right=False, at=1.0)

    assert verdict.pair == pair_of(asked.text, stored.text)


def test_a_group_is_of_the_scope_the_namespace_the_document_and_the_slots():
    one = semantic.question("how do I undo commit 5 of git?")
    groups = {
        group_of("n", b"s", one),
        group_of("m", b"s", one),
        group_of("n", b"t", one),
        group_of("n", b"s", semantic.question("how do I undo commit 6 of git?")),
        group_of("n", b"s", semantic.question("doc\n\nhow do I undo commit 5 of git?", at=5)),
    }

    assert len(groups) == 5
    assert group_of("n", b"s", semantic.question("how can I undo commit 5 of git?")) in groups


# -- time rules ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("ttl", "found_one"), [(NOW - 1000.0 + 1, True), (NOW - 1000.0, False)])
def test_an_entry_that_a_rule_has_ended_is_not_near(meaning, store, ttl, found_one):
    store.put(draft(STORED), line())
    store.rules.add_time_rule("how do I", ttl, at=5.0)

    assert (found(meaning, REWORDED).entry is not None) == found_one


def test_what_a_rule_has_ended_takes_no_place_among_the_nearest(meaning, store, embedder):
    store.put(draft(STORED, "right"), line())
    list(map(store.put, [draft(f"{STORED}{'!' * n}") for n in range(1, 10)], [line()] * 9))
    store.rules.add_time_rule("!", 0, at=5.0)

    assert found(meaning, REWORDED).entry.answer == "right"


def test_no_more_than_the_nearest_are_judged(meaning, store):
    store.put(draft(STORED, "right"), line())
    list(map(store.put, [draft(f"{OTHER}{'!' * n}") for n in range(1, 6)], [line()] * 5))

    assert found(meaning, REWORDED).entry is None


def test_a_wording_that_was_learned_does_not_outlive_its_answer(meaning, store):
    store.put(draft(STORED), line())
    hit = found(meaning, REWORDED)
    store.record(line(entry_id=1, source="semantic"), alias=hit.alias)
    store.rules.add_time_rule("how do I", 0, at=5.0)

    assert found(meaning, REWORDED).entry is None


def test_rules_that_cannot_be_read_make_a_miss(meaning, store):
    store.put(draft(STORED), line())
    store.file.execute("ALTER TABLE rule RENAME TO lost")

    assert "no such table: rule" in found(meaning, REWORDED).reason
