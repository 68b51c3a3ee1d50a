"""What following the advice of `llmc prefix` is worth, on a day that a model on loopback bills."""

from __future__ import annotations

import json

import pytest
from provider_day import live, requests

from llmc.store import Store

LUNA, MINI = "gpt-5.6-luna", "gpt-4.1-mini"


@pytest.fixture
def day(tmp_path):
    """Live a day; return what it came to, and where its cache file is."""

    def day(name, **options):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.db"
        return live(path, name, **options), str(path)

    return day


def told(cli, path):
    return json.loads(cli("prefix", "--json", "--db", path).out)["groups"]


def test_the_day_has_500_questions_and_none_of_them_twice():
    asked = [json.dumps(request.body) for _, request in requests(LUNA, advised=False)]

    assert len(set(asked)) == len(asked) == 500


def test_following_the_advice_cuts_the_bill_by_half_and_more(cli, day):
    before, path = day(LUNA, advised=False)
    advice = [group["advice"] for group in told(cli, path)]

    after, path = day(LUNA, advised=True)

    assert advice[0] == "a date and time at character 7 of the system prompt; move it to --context"
    assert advice[1].endswith(
        "of the user message stay the same: put them first (-s, --system-file or -f)"
    )
    assert after.bill < before.bill / 2
    assert {group["advice"] for group in told(cli, path)} == {"nothing to be gained: it is read"}


def test_what_was_said_to_be_lost_is_what_is_saved(cli, day):
    before, path = day(LUNA, advised=False)
    groups = told(cli, path)

    after, _ = day(LUNA, advised=True)

    lost = sum(group["estimated_lost_usd"] + group["estimated_wasted_usd"] for group in groups)
    assert lost * 1e9 == pytest.approx(before.bill - after.bill, rel=0.1)


def test_marks_alone_never_make_the_bill_higher(day):
    unmarked, _ = day(LUNA, advised=False, marked=False)
    marked, _ = day(LUNA, advised=False)

    assert marked.bill < unmarked.bill


def test_a_family_that_writes_for_nothing_is_cut_by_two_fifths(cli, day):
    before, path = day(MINI, advised=False)
    advice = [group["advice"] for group in told(cli, path)]

    after, _ = day(MINI, advised=True)

    assert advice == [
        "a date and time at character 7 of the system prompt; move it to --context",
        "nothing to be gained: it is read",
    ]
    assert after.bill < before.bill * 0.6


def test_the_ledger_holds_the_provider_s_bill_to_the_nano_dollar(day):
    lived, path = day(LUNA, advised=True)

    with Store(path) as store:
        (totals,) = store.ledger.totals(since=0.0)
    assert totals["spent_nusd"] == lived.bill
    assert totals["provider_cached_tokens"] == lived.cached
    assert totals["provider_written_tokens"] == lived.written
