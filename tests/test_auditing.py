from __future__ import annotations

from collections import deque

import pytest
from drafts import draft, hit_line, line, question

from llmc import keys
from llmc.asking import Asking
from llmc.auditing import Auditor
from llmc.errors import CacheFileError, KeyRefused, Unavailable
from llmc.questions import pair_of
from llmc.types import Alias, Answer, Ask, Price

STORED, REWORDED = "how do I undo the last git commit?", "how can I undo my last git commit?"
LONG = "Use git reset, which moves the branch back and keeps your changes in the index. " * 3
OTHER = "Nobody can: a commit is for ever, and so are all of its consequences in this life. " * 3


class Model:
    """Says its script, and keeps what it was asked."""

    def __init__(self) -> None:
        self.script: deque = deque()
        self.requests: list = []

    def ask(self, request, *, add_temperature, refused, on_text) -> Answer:
        assert on_text is None
        self.requests.append(request)
        reply = self.script.popleft()
        if isinstance(reply, BaseException):
            raise reply
        return reply if isinstance(reply, Answer) else Answer(reply, "stop", temperature=0.0)


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def audit(store, model):
    """Audit a semantic hit on an entry whose answer is given."""

    def run(answer: str = LONG, ask: Ask | None = None, *, price: int | None = 1000) -> None:
        auditor = Auditor(
            store,
            Asking(lambda _: model, store, clock=lambda: 50.0),
            price=lambda *_: Price(price),
            clock=lambda: 50.0,
        )
        request = question(REWORDED)
        entry = store.entry(store.put(draft(STORED, answer), line()))
        alias = Alias("default", keys.cache_key(request), entry.id, "e", 0.97, REWORDED, 0)
        store.record(hit_line(entry.id, source="semantic"), alias=alias)
        auditor.audit(request, ask or Ask(), entry, alias, nonce="f00d")

    return run


@pytest.fixture
def pair():
    return pair_of(STORED, REWORDED)


def judging(store) -> int:
    return store.file.number("SELECT sum(judging_nusd) FROM ledger")


def test_the_same_answer_is_right_and_costs_one_call(audit, model, store, pair):
    model.script.append(LONG)

    audit()

    (found,) = store.paraphrases.verdicts()
    assert (found.pair, found.origin, found.right) == (pair, "audit", True)
    assert (found.embedder, found.similarity, found.at) == ("e", 0.97, 50.0)
    assert judging(store) == 1000
    assert model.requests == [question(REWORDED)]
    assert store.count() == 1


def test_a_price_that_nobody_knows_is_counted_as_unknown(audit, model, store):
    model.script.append(LONG)

    audit(price=None)

    counted = store.file.rows("SELECT judging_nusd, unknown_judging FROM ledger ORDER BY id")
    assert counted[-1] == (0, 1)


def test_a_judge_is_asked_where_the_texts_do_not_decide(audit, model, store):
    model.script.extend([OTHER, "YES"])

    audit()

    assert store.paraphrases.audit() == (1, 0)
    assert judging(store) == 2000
    assert len(model.requests) == 2


def test_a_wrong_hit_is_vetoed_and_replaced(audit, model, store, pair):
    model.script.extend([OTHER, "NO"])

    audit()

    assert store.paraphrases.is_vetoed(pair)
    request = question(REWORDED)
    (own,) = store.family("default", keys.family_key(request))
    assert (own.prompt, own.answer, own.key) == (REWORDED, OTHER, keys.cache_key(request))
    assert store.paraphrases.alias("default", own.key) is None
    assert store.entry(1).answer == LONG
    assert judging(store) == 2000
    assert store.file.number("SELECT count(*) FROM ledger WHERE source = 'model'") == 1


def test_an_answer_that_may_not_be_kept_is_vetoed_all_the_same(audit, model, store, pair):
    model.script.extend([OTHER, "NO"])

    audit(ask=Ask(ttl=0))

    assert store.paraphrases.is_vetoed(pair)
    assert store.count() == 1


@pytest.mark.parametrize(
    ("script", "cost"),
    [
        ([Unavailable("no")], 0),
        ([KeyRefused("no")], 0),
        ([Answer("half an ans", "length")], 1000),
        ([Answer("", "stop")], 1000),
        ([OTHER, Unavailable("no")], 1000),
        ([OTHER, "I cannot tell"], 2000),
    ],
    ids=["no model", "no key", "half an answer", "no answer", "no judge", "no verdict"],
)
def test_an_audit_that_fails_leaves_a_bill_at_most(audit, model, store, script, cost):
    model.script.extend(script)

    audit()

    assert store.paraphrases.verdicts() == []
    assert store.count() == 1
    assert judging(store) == cost


def test_an_answer_without_text_is_not_audited(audit, model, store):
    audit(Answer("", "tool_calls", choices=[{"message": {"tool_calls": [{"id": "x"}]}}]))

    assert model.requests == []


def test_a_full_disk_is_nobodys_trouble(audit, model, store, monkeypatch):
    def fail(*_, **__):
        raise CacheFileError("the disk is full")

    model.script.extend([OTHER, "NO"])
    monkeypatch.setattr(store, "judge", fail)

    audit()

    assert store.count() == 1
    assert store.paraphrases.verdicts() == []


def test_what_was_paid_is_counted_though_the_audit_is_cut_off(audit, model, store):
    model.script.extend([OTHER, KeyboardInterrupt()])

    with pytest.raises(KeyboardInterrupt):
        audit()

    assert judging(store) == 1000


@pytest.mark.parametrize(("ttl", "kept"), [(0.0, []), (60.0, [(110.0,)])])
def test_a_right_answer_is_stored_as_time_rules_let_it_live(audit, model, store, ttl, kept):
    store.rules.add_time_rule("can I undo", ttl, at=5.0)
    model.script.extend([OTHER, "NO"])

    audit()

    assert store.file.rows("SELECT expires_at FROM entry WHERE id > 1") == kept
