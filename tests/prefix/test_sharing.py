from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from provider_day import prose

from llmc.prefix import advice, sharing
from llmc.prefix.breaks import Part, Sent, parts_of, settings_of
from llmc.prefix.sharing import Unit

OPENAI = "https://api.openai.com/v1"
LUNA, MINI = "gpt-5.6-luna", "gpt-4.1-mini"
GUIDE = prose("guide", 1200)
SHORT = prose("short", 550)

enough = settings(max_examples=40)


def unit(request):
    """Ten nano-USD for a token, one if it was read, twelve if it was written."""
    return Unit(10, 1, 12)


def tokens(text: str) -> int:
    return len(text) // 4


def sent(system, user, *, at=0.0, model=LUNA, base_url=OPENAI, cached=0, written=0, **body):
    """A request as the ledger and its entry tell it; four bytes are a token."""
    messages = [{"role": "system", "content": system}] * bool(system)
    body = {"model": model, "messages": [*messages, {"role": "user", "content": 0}], **body}
    parts, options = parts_of(body, user), settings_of(body)
    prompt = tokens("".join(part.text for part in parts))
    return Sent(model, None, base_url, parts, options, at, prompt, cached, written)


def dated(minute: int, **options) -> Sent:
    when = f"2026-11-25 09:{minute:02}"
    question = prose(f"question {minute}", 40)
    return sent(f"You help us. {when}. {GUIDE}", question, at=minute * 60, **options)


def only(requests) -> sharing.Group:
    (found,), alone = sharing.groups(requests, unit)
    assert alone == []
    return found


# -- who stands together -------------------------------------------------------------------------


def test_requests_that_differ_in_their_first_words_stand_together():
    found = only([dated(n) for n in range(5)])

    assert len(found.steps) == 5


def test_other_texts_stand_apart():
    one = [sent(GUIDE, f"q{n}") for n in range(3)]
    other = [sent(prose("another", 1200), f"q{n}") for n in range(2)]

    found, alone = sharing.groups([*one, *other], unit)

    assert [len(group.steps) for group in found] == [3, 2]
    assert alone == []


def test_what_is_like_no_other_is_alone():
    requests = [sent(prose(str(n), 900), "q", written=1000) for n in range(3)]

    found, alone = sharing.groups(requests, unit)

    assert (found, alone) == ([], requests)
    assert sharing.premium(alone, unit) == 3 * 1000 * 2


def test_short_requests_are_nobody_s():
    found, alone = sharing.groups([sent("Be brief.", "q"), sent("Be brief.", "r")], unit)

    assert (found, len(alone)) == ([], 2)


def test_another_provider_is_another_group():
    requests = [sent(GUIDE, "q"), sent(GUIDE, "r", base_url="https://api.mistral.ai/v1")]

    found, alone = sharing.groups(requests, unit)

    assert (found, len(alone)) == ([], 2)


def test_text_that_repeats_itself_is_told_by_its_beginning():
    requests = [sent("row 1; " * 800, f"q{n}") for n in range(3)]

    assert len(only(requests).steps) == 3


def test_text_without_spaces_is_told_too():
    draw = prose("letters", 3000).replace(" ", "").replace(".", "")
    requests = [sent(f"日{n}日{draw}", f"q{n}") for n in range(3)]

    assert len(only(requests).steps) == 3


# -- what could have been read -------------------------------------------------------------------


def test_the_first_could_read_nothing_the_others_what_stays_the_same():
    found = only([dated(n) for n in range(4)])

    first, *others = [step.eligible for step in found.steps]
    assert first == 0
    assert others == pytest.approx([tokens(GUIDE)] * 3, rel=0.02)


def test_what_was_not_read_is_lost_at_the_difference_in_price():
    found = only([dated(n) for n in range(4)])

    assert found.lost == pytest.approx(3 * tokens(GUIDE) * 9, rel=0.02)
    assert found.reasons[0][0] == "input_changed"


def test_what_was_read_is_not_lost():
    found = only([sent(GUIDE, f"q{n}", at=n, cached=tokens(GUIDE) * bool(n)) for n in range(4)])

    assert found.lost == pytest.approx(0, abs=100)
    assert found.reasons in ((), (("input_changed", found.steps[1].missed * 3),))


def test_a_count_that_nobody_reports_is_no_loss_but_unknown():
    found = only([dated(n, cached=None) for n in range(4)])

    assert found.lost is None
    assert found.wasted is None


def test_without_a_price_a_loss_is_unknown():
    (found,), _ = sharing.groups([dated(n) for n in range(4)], lambda _: None)

    assert found.lost is None
    assert sum(step.missed for step in found.steps) > 1000


def test_without_published_rules_nothing_is_eligible_and_the_break_is_shown():
    found = only([dated(n, base_url="http://127.0.0.1:8000/v1") for n in range(4)])

    assert [step.eligible for step in found.steps] == [None] * 4
    assert found.lost is None
    assert found.broken[0][0].kind == "a date and time"


def test_older_families_read_in_steps():
    found = only([dated(n, model=MINI) for n in range(3)])

    assert found.steps[1].eligible % 128 == 0


def test_below_the_minimum_nothing_is_eligible():
    found = only([sent(SHORT, f"q{n}", at=n) for n in range(3)])

    assert [step.eligible for step in found.steps] == [0, 0, 0]


def test_what_is_forgotten_cannot_be_read():
    found = only([sent(GUIDE, f"q{n}", at=n * 3600.0) for n in range(3)])

    assert [step.eligible for step in found.steps] == [0, 0, 0]
    assert [step.idle for step in found.steps] == [None, 3600, 3600]


def test_what_is_not_answered_yet_cannot_be_read():
    requests = [sent(GUIDE, f"q{n}", at=n * 0.1)._replace(latency=5.0) for n in range(4)]

    found = only(requests)

    assert [step.eligible for step in found.steps] == [0, 0, 0, 0]
    assert advice.advice(found).startswith("they are asked at once: one alone first")


def test_once_the_first_is_answered_the_others_could_read():
    first = sent(GUIDE, "q")._replace(latency=5.0)
    others = [sent(GUIDE, f"q{n}", at=5.0 + n * 0.1)._replace(latency=5.0) for n in range(3)]

    found = only([first, *others])

    assert [bool(step.eligible) for step in found.steps] == [False, True, True, True]


def test_a_conversation_that_grows_loses_nothing():
    said = [Part("tools", ""), Part("system", GUIDE)]
    requests, before = [], 0
    for turn in range(5):
        said += [Part("user", prose(f"question {turn}", 80))]
        asked = sent(GUIDE, "")._replace(parts=tuple(said), at=turn * 60.0)
        prompt = tokens("".join(part.text for part in said))
        requests.append(asked._replace(prompt=prompt, cached=before, written=prompt - before))
        before = prompt
        said += [Part("assistant", prose(f"answer {turn}", 120))]

    found = only(requests)

    assert found.lost == pytest.approx(0, abs=20 * 9)
    assert found.wasted == requests[-1].written * 2
    assert advice.advice(found) == "nothing is lost"


def test_each_use_lengthens_a_life():
    found = only([sent(GUIDE, f"q{n}", at=n * 1700.0) for n in range(3)])

    assert all(step.near for step in found.steps[1:])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model": "gpt-6-luna"}, "model_changed"),
        ({"service_tier": "flex"}, "service_tier_changed"),
        ({"tools": [{"type": "function"}]}, "tools_changed"),
        ({"response_format": {"type": "json_object"}}, "text_format_changed"),
        ({"reasoning_effort": "low"}, "reasoning_effort_changed"),
        ({"verbosity": "low"}, "verbosity_changed"),
    ],
)
def test_a_setting_that_changes_is_the_reason(change, reason):
    found = only([sent(GUIDE, "one"), sent(GUIDE, "two", at=1, **change)])

    assert found.reasons[0][0] == reason
    assert found.steps[1].reason == reason
    assert advice.advice(found) == advice._SETTINGS[reason]


def test_settings_that_take_turns_each_have_their_own():
    requests = [
        sent(GUIDE, f"q{n}", at=n, cached=tokens(GUIDE) * (n > 1), verbosity=["low", "high"][n % 2])
        for n in range(6)
    ]

    found = only(requests)

    assert [step.reason for step in found.steps] == [None, "verbosity_changed", *[None] * 4]


def test_the_nearest_of_many_is_the_one_compared_with():
    requests = [
        sent(GUIDE, "alpha one", at=0),
        sent(GUIDE, "beta", at=1),
        sent(GUIDE, "alpha two", at=2),
    ]

    found = only(requests)

    assert found.steps[2].near is requests[0]


def test_asked_again_is_no_break():
    requests = [sent(GUIDE, "q", at=n, cached=0 if n == 0 else tokens(GUIDE)) for n in range(3)]

    found = only(requests)

    assert found.broken == ()
    assert found.lost == 0


def test_two_causes_are_two_groups():
    clock = [dated(n) for n in range(4)]
    later = [sent(GUIDE, prose(f"document {n}", 600), at=600.0 + n) for n in range(4)]

    found, alone = sharing.groups([*clock, *later], unit)

    assert (len(found), alone) == (2, [])
    assert {group.broken[0][0].kind for group in found} == {"a date and time", None}
    assert sorted(len(group.steps) for group in found) in ([3, 5], [4, 4])


def test_a_setting_and_a_text_are_two_causes():
    clock = [dated(n) for n in range(4)]
    settings = [sent(GUIDE, f"q{n}", at=7200 * (n + 1), verbosity=f"{n}") for n in range(4)]
    again = [sent(GUIDE, f"q{n}", at=7200 * n + 60, verbosity=f"{n}x") for n in range(1, 5)]
    requests = sorted([*clock, *settings, *again], key=lambda request: request.at)

    found, alone = sharing.groups(requests, unit)

    assert alone == []
    assert {group.reasons[0][0] for group in found} == {"input_changed", "verbosity_changed"}


def test_a_cause_of_little_has_no_group_of_its_own():
    clock = [dated(n) for n in range(9)]
    later = [sent(GUIDE, prose(f"document {n}", 60), at=600.0 + n) for n in range(2)]

    found = only([*clock, *later])

    assert len(found.steps) == 11
    assert found.broken[0][0].kind == "a date and time"
    assert len(found.broken) > 1


# -- what was written for nothing ----------------------------------------------------------------


def test_what_is_written_and_never_read_is_wasted():
    found = only([dated(n, written=tokens(GUIDE)) for n in range(4)])

    assert found.wasted == 4 * tokens(GUIDE) * 2


def test_what_is_read_again_is_not():
    all_of_it = tokens(GUIDE)
    requests = [
        sent(GUIDE, f"q{n}", at=n, cached=all_of_it * bool(n), written=all_of_it * (not n))
        for n in range(4)
    ]

    assert only(requests).wasted == 0


def test_another_text_of_the_same_length_reads_nothing_of_it():
    length = tokens(f"You help us. 2026-11-25 09:00. {GUIDE}")
    requests = [
        dated(0, written=length),
        dated(1, written=length),
        sent(f"You help us. 2026-11-25 09:01. {GUIDE}", "again", at=70, cached=length),
    ]

    assert only(requests).wasted == length * 2


def test_what_is_read_too_late_is_wasted():
    requests = [
        sent(GUIDE, "one", written=tokens(GUIDE)),
        sent(GUIDE, "two", at=7200, cached=tokens(GUIDE)),
    ]

    assert only(requests).wasted == tokens(GUIDE) * 2


def test_a_conversation_reads_what_its_turns_wrote():
    first = sent(GUIDE, "one", written=tokens(GUIDE))
    longer = (*first.parts, Part("assistant", "yes"), Part("user", "two"))
    second = first._replace(at=5.0, parts=longer, cached=first.written, written=8)

    found = only([first, second])

    assert found.wasted == 8 * 2


# -- in all --------------------------------------------------------------------------------------


def test_the_most_expensive_comes_first():
    small = [sent(prose("small", 900), f"q{n}", at=n) for n in range(2)]
    large = [sent(prose("large", 3000), f"q{n}", at=n) for n in range(2)]

    found, _ = sharing.groups([*small, *large], unit)

    assert [group.steps[0].sent for group in found] == [large[0], small[0]]


@enough
@given(
    st.lists(
        st.tuples(
            st.sampled_from([GUIDE, SHORT, "", "x" * 3000]),
            st.text(max_size=5),
            st.integers(0, 5000),
            st.none() | st.integers(0, 2000),
            st.sampled_from([LUNA, MINI, "llama"]),
        ),
        max_size=8,
    )
)
def test_whatever_was_sent_nothing_is_lost_twice(drawn):
    requests = [
        sent(system, user, at=float(at), cached=cached, model=model)
        for system, user, at, cached, model in sorted(drawn, key=lambda each: each[2])
    ]

    found, alone = sharing.groups(requests, unit)

    steps = [step for group in found for step in group.steps]
    assert len(steps) + len(alone) == len(requests)
    assert all(0 <= step.missed <= (step.eligible or 0) <= step.sent.prompt for step in steps)
    assert all(isinstance(advice.figures(group), dict) for group in found)


def test_thousands_of_requests_take_no_quadratic_time():
    requests = [dated(n % 60, cached=0, written=900)._replace(at=n * 0.3) for n in range(2000)]

    started = time.process_time()
    sharing.groups(requests, unit)

    # One comparison of each with each would take minutes.
    assert time.process_time() - started < 60
