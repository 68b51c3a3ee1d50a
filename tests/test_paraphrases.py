from __future__ import annotations

import json

import pytest
from drafts import draft, hit_line, line

from llmc.types import Alias, Selector, Verdict


@pytest.fixture
def known(store):
    """The aliases and verdicts of a file with one entry."""
    store.put(draft("stored"), line())
    return store.paraphrases


def alias(**changes) -> Alias:
    made = Alias("default", b"k" * 32, 1, "minilm", 0.97, "reworded", 0)
    return made._replace(**changes)


def verdict(**changes) -> Verdict:
    made = Verdict(b"p" * 16, "bad", right=False, namespace="default", embedder="minilm",
                   similarity=0.97, at=5.0)  # fmt: skip
    return made._replace(**changes)


def learn(store, *aliases: Alias, at: float = 1.0) -> None:
    with store.transaction():
        [store.paraphrases.learn(each, at=at) for each in aliases]


def judge(store, *verdicts: Verdict) -> None:
    with store.transaction():
        [store.paraphrases.judge(each) for each in verdicts]


def generation(store) -> int:
    return store.file.number("SELECT value FROM meta WHERE name = 'generation'")


# -- aliases -------------------------------------------------------------------------------------


def test_a_wording_is_found_by_its_key(store, known):
    learn(store, alias())

    assert known.alias("default", b"k" * 32) == alias()


@pytest.mark.parametrize(("namespace", "key"), [("work", b"k" * 32), ("default", b"x" * 32)])
def test_a_wording_is_not_found_elsewhere(store, known, namespace, key):
    learn(store, alias())

    assert known.alias(namespace, key) is None


def test_a_wording_that_is_learned_again_is_one(store, known):
    store.put(draft("other"), line())
    learn(store, alias())
    learn(store, alias(entry_id=2, similarity=0.99), at=2.0)

    assert known.alias("default", b"k" * 32) == alias(entry_id=2, similarity=0.99)
    assert store.file.rows("SELECT created_at, last_hit_at FROM alias") == [(1.0, 2.0)]


def test_nothing_is_learned_of_an_entry_that_has_gone(store, known):
    learn(store, alias(entry_id=99))

    assert known.alias("default", b"k" * 32) is None


def test_the_wordings_of_an_entry_come_with_the_last_served_first(store, known):
    learn(store, alias(), alias(key=b"l" * 32, prompt="other words"), at=1.0)
    learn(store, alias(), at=2.0)

    assert [each.prompt for each in known.of(1)] == ["reworded", "other words"]
    assert known.of(2) == []


def test_a_hit_by_meaning_is_learned_with_its_line(store, known):
    store.record(hit_line(1, source="semantic"), alias=alias())

    assert known.alias("default", b"k" * 32) == alias()
    assert store.entry(1).hits == 1


def test_a_wording_goes_when_its_question_gets_an_answer_of_its_own(store, known):
    own = draft("reworded")
    learn(store, alias(key=own.key))

    store.put(own, line())

    assert known.alias("default", own.key) is None


def test_an_answer_that_is_asked_anew_keeps_its_wordings(store, known):
    learn(store, alias())

    store.put(draft("stored", "another answer"), line())

    assert known.alias("default", b"k" * 32) == alias()


@pytest.mark.parametrize("namespace", [None, "default", "work"])
def test_a_deleted_entry_leaves_no_wording_behind(store, known, namespace):
    learn(store, alias(prompt="a secret wording"))

    store.delete(entry.id for entry in store.select(Selector(namespace="default")))
    store.file.scrub()

    assert list(known.wordings(namespace)) == []
    assert b"a secret wording" not in store.file.path.encode()
    with open(store.file.path, "rb") as file:
        assert b"a secret wording" not in file.read()


def test_the_wordings_of_one_entry_can_be_forgotten(store, known):
    store.put(draft("other"), line())
    learn(store, alias(), alias(key=b"l" * 32), alias(key=b"m" * 32, entry_id=2))

    with store.transaction():
        assert known.forget_of([1]) == 2
    assert list(known.wordings(None)) == [(2, "reworded")]
    assert list(known.wordings("work")) == []


# -- verdicts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["bad", "audit"])
def test_a_wrong_pair_is_vetoed_and_voids_what_the_porch_remembers(store, known, origin):
    before = generation(store)

    judge(store, verdict(origin=origin))

    assert known.is_vetoed(b"p" * 16)
    assert not known.is_vetoed(b"q" * 16)
    assert generation(store) > before


def test_a_pair_that_was_found_right_is_not_vetoed(store, known):
    before = generation(store)

    judge(store, verdict(origin="audit", right=True))

    assert not known.is_vetoed(b"p" * 16)
    assert generation(store) == before


def test_a_veto_outlives_a_later_audit_that_finds_the_pair_right(store, known):
    judge(store, verdict(), verdict(origin="audit", right=True, at=9.0))

    assert known.is_vetoed(b"p" * 16)


def test_verdicts_come_back_as_they_went_in_the_oldest_first(store, known):
    verdicts = [verdict(at=9.0), verdict(at=1.0, right=True, origin="audit", embedder="other")]

    judge(store, *verdicts)

    assert known.verdicts() == verdicts[::-1]
    assert known.verdicts("other") == verdicts[1:]
    assert [type(each.right) for each in known.verdicts()] == [bool, bool]


def test_a_verdict_holds_no_text(store, known):
    judge(store, verdict())

    (row,) = store.file.records("SELECT * FROM verdict")
    assert "text" not in json.dumps({name: str(value) for name, value in row.items()})
    assert row.keys() == set(Verdict._fields)


def test_audits_are_counted_and_what_people_said_is_not(store, known):
    audits = [verdict(origin="audit", right=right, at=float(n))
              for n, right in enumerate([True, True, False, True])]  # fmt: skip

    judge(store, *audits, verdict())

    assert known.audit() == (4, 1)
    assert known.audit(since=2.0) == (2, 1)
    assert known.audit(since=9.0) == (0, 0)


# -- calibration ---------------------------------------------------------------------------------


def test_what_was_measured_of_an_embedder_replaces_what_was_known(store, known):
    before = generation(store)
    known.calibrated("minilm", {"thresholds": {"5%": 0.9}}, at=1.0)

    known.calibrated("minilm", {"thresholds": {"5%": 0.95}}, at=2.0)

    assert known.calibration("minilm") == {"thresholds": {"5%": 0.95}}
    assert known.calibration("other") is None
    assert generation(store) == before + 2


@pytest.mark.parametrize(
    "report", ["{", "[]", "{}", '{"thresholds": 1}', '{"thresholds": {"5%": -1}}']
)
def test_a_damaged_report_lowers_no_threshold(store, known, report):
    known.calibrated("minilm", {"thresholds": {"5%": 0.9}}, at=1.0)
    store.file.execute("UPDATE calibration SET report = ?", (report,))

    assert known.calibration("minilm") is None
