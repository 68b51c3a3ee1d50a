from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmc.prefix import breaks
from llmc.prefix.breaks import Break, Part

enough = settings(max_examples=200)
texts = st.text(max_size=60)
RULES = "Answer in short sentences that a child of ten would understand, and name one source."


def between(old, new):
    return breaks.break_between([Part("system", old)], [Part("system", new)])


# -- taking a request apart ----------------------------------------------------------------------


def test_a_request_is_read_as_a_provider_reads_it():
    body = {
        "messages": [{"role": "system", "content": "rules"}, {"role": "user", "content": 0}],
        "tools": [{"type": "function"}],
        "model": "m",
    }

    assert breaks.parts_of(body, "q") == (
        Part("tools", '[{"type":"function"}]'),
        Part("system", "rules"),
        Part("user", "q"),
    )


def test_parts_of_a_content_are_joined_and_what_is_no_text_is_its_json():
    content = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}]
    body = {"messages": [{"role": "user", "content": content}]}

    _, part = breaks.parts_of(body, "a")

    assert part == Part("user", 'a\n{"image_url":{"url":"u"},"type":"image_url"}')


def test_a_call_of_a_tool_is_part_of_its_message():
    body = {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]}

    assert breaks.parts_of(body, "")[1:] == (Part("assistant", '{"tool_calls":[{"id":"1"}]}'),)


def test_responses_are_read_like_messages():
    asked = {"instructions": "rules", "input": 0, "reasoning": {"effort": "low"}}
    turns = {"instructions": "rules", "input": [{"role": "user", "content": 0}]}

    told = (Part("tools", ""), Part("system", "rules"), Part("user", "q"))
    assert breaks.parts_of(asked, "q") == breaks.parts_of(turns, "q") == told
    assert breaks.settings_of(asked) != breaks.settings_of(turns)


@pytest.mark.parametrize("messages", [None, 7, "x", [], [None, 7, "x"]])
def test_whatever_stands_in_the_place_of_messages_has_no_parts(messages):
    assert breaks.parts_of({"messages": messages}, "q") == (Part("tools", ""),)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model": "m2"}, "model_changed"),
        ({"service_tier": "flex"}, "service_tier_changed"),
        ({"tools": [{}]}, "tools_changed"),
        ({"parallel_tool_calls": False}, "tools_changed"),
        ({"response_format": {"type": "json_object"}}, "text_format_changed"),
        ({"reasoning_effort": "low"}, "reasoning_effort_changed"),
        ({"verbosity": "low"}, "verbosity_changed"),
    ],
)
def test_each_setting_that_keeps_caches_apart_has_openai_s_word(change, reason):
    body = {"model": "m"}

    pairs = zip(breaks.settings_of(body), breaks.settings_of(body | change), strict=True)

    assert [
        name for name, (a, b) in zip(breaks.REASONS, pairs, strict=True) if a != b
    ] == [reason]  # fmt: skip


@pytest.mark.parametrize("change", [{"temperature": 1}, {"max_tokens": 5}, {"seed": 7}])
def test_other_settings_keep_no_caches_apart(change):
    assert breaks.settings_of({"model": "m"}) == breaks.settings_of({"model": "m"} | change)


# -- where they stop being alike -----------------------------------------------------------------


@enough
@given(texts, texts)
def test_the_common_beginning_is_the_longest(one, other):
    count = breaks.common(one, other)

    assert one[:count] == other[:count]
    assert one[: count + 1] != other[: count + 1] or count == min(len(one), len(other))


@pytest.mark.parametrize(
    ("old", "new", "character", "was", "now", "kind"),
    [
        ("Today: 2026-11-24.", "Today: 2026-11-25.", 7, "2026-11-24", "2026-11-25", "a date"),
        ("On 24.11.2026,", "On 25.11.2026,", 3, "24.11.2026", "25.11.2026", "a date"),
        (
            "It is Tue, 24 November 2026.",
            "It is Wed, 25 November 2026.",
            6, "Tue, 24 November 2026", "Wed, 25 November 2026", "a date",
        ),
        ("Nov 24, 2026!", "Nov 25, 2026!", 0, "Nov 24, 2026", "Nov 25, 2026", "a date"),
        (
            "At 2026-11-25T09:14:07Z x",
            "At 2026-11-25T09:14:08Z x",
            3, "2026-11-25T09:14:07Z", "2026-11-25T09:14:08Z", "a date and time",
        ),
        ("Now 9:14 pm.", "Now 9:15 pm.", 4, "9:14 pm", "9:15 pm", "a time of day"),
        ("at 1764061200 s", "at 1764061260 s", 3, "1764061200", "1764061260", "a timestamp"),
        (
            "id 0b8f3c1e-9d5a-4f0e-8c55-1a2b3c4d5e6f.",
            "id 0b8f3c1e-9d5a-4f0e-8c55-1a2b3c4d5e70.",
            3,
            "0b8f3c1e-9d5a-4f0e-8c55-1a2b3c4d5e6f",
            "0b8f3c1e-9d5a-4f0e-8c55-1a2b3c4d5e70",
            "a UUID",
        ),
        ("req_8fK2m9x7 a", "req_8fK2m9x8 a", 0, "req_8fK2m9x7", "req_8fK2m9x8", "a random id"),
        ("ticket 1041:", "ticket 1042:", 7, "1041", "1042", "a number"),
        ("ticket 99:", "ticket 100:", 7, "99", "100", "a number"),
        ("dear Ann", "dear Anna", 5, "Ann", "Anna", None),
        ("dear Ann,", "dear Ben,", 5, "Ann,", "Ben,", None),
        ("", "x", 0, "", "x", None),
    ],
)  # fmt: skip
def test_what_changed_is_found_from_its_beginning_and_named(old, new, character, was, now, kind):
    assert between(old, new) == Break(0, character, was, now, kind)


def test_a_year_that_only_one_side_has_is_no_date():
    assert between("v 2026-11-25 x", "v 2026 x").kind is None


def test_equal_requests_do_not_break():
    assert between(RULES, RULES) is None


def test_a_conversation_that_goes_on_does_not_break():
    old = [Part("system", RULES), Part("user", "one")]

    assert breaks.break_between(old, [*old, Part("assistant", "yes"), Part("user", "two")]) is None


def test_another_message_in_between_is_a_break():
    old = [Part("system", RULES), Part("user", "one")]
    new = [Part("system", RULES), Part("developer", "x"), Part("user", "one")]

    assert breaks.break_between(old, new) == Break(1, 0, "user", "developer")


@enough
@given(texts, texts, texts)
def test_a_break_stands_at_a_difference_or_before_it(before, one, other):
    old, new = before + one, before + other

    found = between(old, new)

    assert (found is None) == (old == new)
    assert found is None or found.character <= breaks.common(old, new)
    assert found is None or old[: found.character] == new[: found.character]


# -- what stays ----------------------------------------------------------------------------------


def test_shared_bytes_end_where_the_first_message_does():
    old = [Part("system", "äb"), Part("user", "one")]
    new = [Part("system", "äc"), Part("user", "one")]

    assert breaks.shared(old, new) == 2
    assert breaks.shared(old, old) == breaks.size(old) == 6


def test_a_message_of_another_role_shares_nothing():
    assert breaks.shared([Part("system", "ab")], [Part("developer", "ab")]) == 0


def test_what_stands_behind_a_change_stays_all_the_same():
    old, new = f"It is 09:14. {RULES}", f"It is 10:30. {RULES}"

    assert breaks.stable([Part("system", old)], [Part("system", new)]) == [len(new) - len("10:30")]


def test_so_does_what_stands_between_two_changes():
    old, new = f"09:14 {RULES} for Ann", f"10:30 {RULES} for Ben"

    (kept,) = breaks.stable([Part("system", old)], [Part("system", new)])

    assert len(RULES) <= kept < len(new)


def test_a_few_words_in_common_are_no_shared_text():
    old, new = "what is the capital of Peru", "why is the sky of Mars so red"

    (kept,) = breaks.stable([Part("user", old)], [Part("user", new)])

    assert kept <= len("wh")


@enough
@given(texts, texts)
def test_no_more_stays_than_there_is(one, other):
    (kept,) = breaks.stable([Part("user", one)], [Part("user", other)])

    assert 0 <= kept <= len(other.encode("utf-8", "surrogatepass"))
