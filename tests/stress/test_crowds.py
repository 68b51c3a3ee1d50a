from __future__ import annotations

import json
from collections import Counter

import pytest
import storms
from storms import answer_to, assert_sound, short_or_long

from llmc.store import Store

pytestmark = pytest.mark.stress

PROCESSES = short_or_long(16, 64)
SECONDS = short_or_long(6, 60)

ASKED = {"shared", "alone", "gone"}


def test_many_processes_share_one_file_and_every_request_counts_once(upstream, db):
    told = storms.rage("crowd", SECONDS, PROCESSES, 7)

    assert len(told) > 2 * PROCESSES
    assert [each for each in told if each.code != 0 or each.err.count("\n") > 1] == []
    assert [each.err for each in told if "locked" in each.err or "Traceback" in each.err] == []
    answers = [(each, json.loads(each.out)) for each in told if each.kind in ASKED]
    assert [each for each, given in answers if given["answer"] != answer_to(each.subject)] == []
    with Store(str(db)) as store:
        assert_sound(store)
        counted = dict(store.file.rows("SELECT source, count(*) FROM ledger GROUP BY source"))
        hits = dict(store.file.rows("SELECT id, hits FROM entry WHERE namespace = 'default'"))
    assert counted == Counter(given["source"] for _, given in answers)
    assert counted["model"] == len(upstream.calls)
    assert {entry: count for entry, count in hits.items() if count} == Counter(
        given["id"] for each, given in answers if given["source"] != "model"
    )
