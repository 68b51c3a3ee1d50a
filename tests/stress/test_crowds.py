from __future__ import annotations

import json
from collections import Counter

import pytest
import storms
from storms import answer_to, assert_sound, short_or_long

from llmc.store import Store
from llmc.types import Selector

pytestmark = pytest.mark.stress

PROCESSES = short_or_long(16, 64)
SECONDS = short_or_long(6, 60)

#: Commands that print an object for each answer.
ASKED = {"shared", "alone", "gone", "batch"}


def test_many_processes_share_one_file_and_every_request_counts_once(cli, upstream, db):
    cli("rules", "add", "--event", "moved", "--pattern", "{what}", "-n", "gone")

    told = storms.rage("crowd", SECONDS, PROCESSES, 7)

    assert len(told) > PROCESSES
    assert [each for each in told if each.code != 0 or each.err.count("\n") > 1] == []
    assert [each.err for each in told if "locked" in each.err or "Traceback" in each.err] == []
    asked = [each for each in told if each.kind in ASKED]
    answers = [json.loads(line) for each in asked for line in each.out.splitlines()]
    alone = [each for each in asked if each.kind != "batch"]
    assert [
        each for each in alone if json.loads(each.out)["answer"] != answer_to(each.subject)
    ] == []
    assert len(answers) == len(alone) + 5 * (len(asked) - len(alone))
    with Store(str(db)) as store:
        assert_sound(store)
        counted = dict(store.file.rows("SELECT source, count(*) FROM ledger GROUP BY source"))
        hits = dict(store.file.rows("SELECT id, hits FROM entry WHERE namespace = 'default'"))
        stored = {entry.id: entry.answer for entry in store.select(Selector())}
    assert counted == Counter(answer["source"] for answer in answers)
    assert counted["model"] == len(upstream.calls)
    assert {entry: count for entry, count in hits.items() if count} == Counter(
        answer["id"] for answer in answers if answer["source"] != "model"
    )
    kept = [answer for answer in answers if answer["namespace"] == "default"]
    assert [each for each in kept if stored[each["id"]] != each["answer"]] == []
