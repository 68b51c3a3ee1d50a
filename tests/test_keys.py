from __future__ import annotations

import copy
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from llmc import keys
from llmc.types import Request

URL = "https://api.example.com/v1"
MARK = {"mode": "explicit"}

#: The short named list of the contract: what cannot change an answer.
OUT = (
    "api_key",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "stream",
    "stream_options",
    "timeout",
    "user",
)


words = st.text(max_size=20)
#: Floats that are not whole: 1.0 and 1 are one number in JSON, and have their own tests.
fractions = st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not x.is_integer())
values = st.recursive(
    st.none() | st.booleans() | st.integers() | fractions | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
parts = st.fixed_dictionaries({"type": st.just("text"), "text": words})
contents = words | st.none() | st.lists(parts, max_size=3)
roles = st.sampled_from(["user", "assistant", "system", "developer", "tool"])
messages = st.fixed_dictionaries({"role": roles, "content": contents})
conversations = st.lists(messages, min_size=1, max_size=4)
names = words.filter(lambda name: name not in {*OUT, "messages"})
parameters = st.dictionaries(names, values, max_size=4)


def question(prompt="which colour?", *, base_url=URL, endpoint="chat/completions", **body):
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], **body}
    return Request(base_url, body, endpoint)


def conversation(messages, **body):
    return question(messages=messages, **body)


def same_key(one, other):
    return keys.cache_key(one) == keys.cache_key(other)


def same_family(one, other):
    return keys.family_key(one) == keys.family_key(other)


def test_the_canonical_text_is_the_one_that_is_stored_in_files_out_there():
    request = question("größer?", temperature=0.0, stream=True, seed=None)

    text = keys.canonical(request)

    assert text == (
        '{"base_url":"https://api.example.com/v1","body":{"messages":[{"content":"größer?",'
        '"role":"user"}],"model":"m","seed":null,"temperature":0},"endpoint":"chat/completions"}'
    )


def test_the_key_of_a_request_never_changes_between_releases():
    key = keys.cache_key(question("größer?", temperature=0.0))

    assert key.hex() == "3c2d4b04de5604b10af6f9e9c7f67b3365c1d4a77cb4768f15976e18a1a8a81c"


@given(parameters, conversations)
def test_the_order_of_names_never_matters(body, messages):
    request = conversation(messages, **body)

    other = request._replace(body=json.loads(json.dumps(request.body, sort_keys=True)))

    assert same_key(request, other)


@given(st.lists(st.none() | words | st.integers(), min_size=2, max_size=2))
def test_message_ids_never_matter(ids):
    bare = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    marked = [{**message, "id": name} for message, name in zip(bare, ids, strict=True)]

    assert same_key(conversation(bare), conversation(marked))


@given(values, values)
def test_any_change_of_a_parameter_changes_the_key(one, other):
    assume(json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True))

    assert not same_key(question(x=one), question(x=other))


@given(conversations, conversations)
def test_any_change_of_the_messages_changes_the_key(one, other):
    assume(one != other)

    assert not same_key(conversation(one), conversation(other))


@given(names, values)
def test_a_parameter_that_nobody_knows_changes_the_key(name, value):
    assume(name not in {"model", "messages"})

    assert not same_key(question(), question(**{name: value}))


SAID = question().body["messages"]
CHANGED = {
    "another word": question("which color?"),
    "case": question("Which colour?"),
    "space inside": question("which  colour?"),
    "space at the end": question("which colour? "),
    "host": question(base_url="https://api.example.net/v1"),
    "scheme": question(base_url="http://api.example.com/v1"),
    "endpoint": question(endpoint="responses"),
    "model": question(model="n"),
    "temperature stated": question(temperature=0),
    "temperature stated as null": question(temperature=None),
    "top_p": question(top_p=0.5),
    "seed": question(seed=1),
    "n": question(n=1),
    "max_tokens": question(max_tokens=10),
    "stop": question(stop=["\n"]),
    "empty stop": question(stop=[]),
    "num_ctx": question(num_ctx=4096),
    "reasoning_effort": question(reasoning_effort="low"),
    "verbosity": question(verbosity="low"),
    "service_tier": question(service_tier="flex"),
    "store": question(store=True),
    "logit_bias": question(logit_bias={"50256": -100}),
    "response_format": question(response_format={"type": "json_object"}),
    "tools": question(tools=[{"type": "function", "function": {"name": "f"}}]),
    "one MCP server": question(tools=[{"type": "mcp", "server_url": "https://one.example"}]),
    "system": conversation([{"role": "system", "content": "s"}, *SAID]),
    "earlier turn": conversation([{"role": "assistant", "content": "a"}, *SAID]),
    "later turn": conversation([*SAID, {"role": "assistant", "content": "a"}]),
    "speaker": conversation([{**SAID[0], "name": "Ann"}]),
    "parts": conversation([{"role": "user", "content": [{"type": "text", "text": "q"}]}]),
}


@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED)
def test_whatever_could_change_the_answer_changes_the_key(changed):
    assert not same_key(question(), changed)


def test_tools_of_different_servers_have_different_keys():
    one, other = ([{"type": "mcp", "server_url": f"https://{n}.example"}] for n in "ab")

    assert not same_key(question(tools=one), question(tools=other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, "1"),
        (1, True),
        (0, False),
        (None, "null"),
        (None, ""),
        (None, 0),
        ([], {}),
        ([], None),
        ([12], [1, 2]),
        ([1, 2], [2, 1]),
        (["a,b"], ["a", "b"]),
        (0.1, 0.10000000000000002),
        (2**53, 2**53 + 1),
        ("é", "e\u0301"),
        ("a", "A"),
        ("a\n", "a"),
        ("\ud800", "\ud801"),
    ],
)
def test_values_that_json_tells_apart_have_different_keys(one, other):
    assert not same_key(question(x=one), question(x=other))


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (0, -0.0), (100, 1e2), ([2, {"a": 3}], (2.0, {"a": 3.0}))],
)
def test_values_that_json_calls_equal_have_one_key(one, other):
    assert same_key(question(x=one), question(x=other))


def test_nothing_but_a_short_named_list_is_left_out():
    assert sorted(keys.EXCLUDED) == sorted(OUT)


@given(st.sampled_from(OUT), values)
def test_what_cannot_change_the_answer_is_not_part_of_the_key(name, value):
    assert same_key(question(), question(**{name: value}))


@pytest.mark.parametrize("name", [*OUT, "prompt_cache_breakpoint"])
def test_a_schema_s_field_may_be_called_like_something_excluded(name):
    with_field = {"type": "object", "properties": {name: {"type": "string"}}}
    without = {"type": "object", "properties": {}}

    assert not same_key(question(response_format=with_field), question(response_format=without))


@pytest.mark.parametrize("name", OUT)
def test_a_message_s_field_may_be_called_like_something_excluded(name):
    message = question().body["messages"][0]

    assert not same_key(question(), conversation([{**message, name: "x"}]))


def test_marks_for_the_provider_s_cache_never_matter():
    part = {"type": "text", "text": "q"}
    tool = {"type": "function", "function": {"name": "f"}}
    plain = conversation([{"role": "user", "content": [part]}], tools=[tool])

    marked = conversation(
        [{"role": "user", "content": [{**part, "prompt_cache_breakpoint": MARK}]}],
        tools=[{**tool, "prompt_cache_breakpoint": MARK}],
    )

    assert same_key(plain, marked)


def test_another_name_for_the_same_address_is_no_other_request():
    assert same_key(question(), question()._replace(provider="work"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [{"a": float("-inf")}]])
def test_a_number_that_is_not_json_has_no_key(value):
    with pytest.raises(ValueError, match="JSON"):
        keys.cache_key(question(x=value))


def test_a_key_is_32_bytes_even_of_half_a_surrogate_pair():
    assert len(keys.cache_key(question("\ud83d"))) == 32


@pytest.mark.parametrize("name", keys.LIMITS)
def test_a_token_limit_changes_the_key_but_not_the_family(name):
    limited = question(**{name: 100})

    assert not same_key(question(), limited)
    assert same_family(question(), limited)


OTHER_FAMILIES = {name: changed for name, changed in CHANGED.items() if name != "max_tokens"}


@pytest.mark.parametrize("changed", OTHER_FAMILIES.values(), ids=OTHER_FAMILIES)
def test_whatever_else_could_change_the_answer_changes_the_family(changed):
    assert not same_family(question(), changed)


@given(names, values)
def test_anything_but_a_token_limit_changes_the_family(name, value):
    assume(name not in {"model", "messages", *keys.LIMITS})

    assert not same_family(question(max_tokens=5), question(max_tokens=5, **{name: value}))


@pytest.mark.parametrize("limit", ["100", [100], {"value": 100}])
def test_a_limit_that_is_no_number_does_not_join_the_family_of_none(limit):
    assert not same_family(question(), question(max_tokens=limit))


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        ({}, None),
        ({"max_tokens": None}, None),
        ({"max_tokens": 100}, 100),
        ({"max_completion_tokens": 100}, 100),
        ({"max_tokens": 100, "max_completion_tokens": 50}, 50),
        ({"max_tokens": None, "max_completion_tokens": 50}, 50),
        ({"max_tokens": True}, None),
        ({"max_tokens": 100.0}, 100),
        ({"max_tokens": -1}, None),
    ],
)
def test_the_token_limit_is_the_smallest_one_stated(body, limit):
    assert keys.token_limit(question(**body)) == limit


@given(parameters, conversations)
def test_frame_and_prompt_give_the_request_back(body, messages):
    request = conversation(messages, **body)

    frame, _ = keys.frame_of(request)
    again = keys.request_from(frame, keys.prompt_of(request))

    assert same_key(request, again)


@pytest.mark.parametrize("endpoint", ["responses", "embeddings"])
@pytest.mark.parametrize(
    ("given_input", "prompt"),
    [
        ("a text", "a text"),
        ([1, 2], ""),
        ([{"role": "user", "content": "a text"}], "a text"),
        ([{"role": "user", "content": [{"type": "input_text", "text": "a text"}]}], "a text"),
        ([{"role": "user", "content": "a text"}, {"type": "function_call"}], "a text"),
    ],
)
def test_the_input_of_other_endpoints_is_taken_apart_and_given_back(endpoint, given_input, prompt):
    body = {"model": "m", "input": given_input, "instructions": "be brief"}
    request = Request("http://127.0.0.1/v1", body, endpoint)

    again = keys.request_from(keys.frame_of(request)[0], keys.prompt_of(request))

    assert keys.prompt_of(request) == prompt
    assert keys.system_of(request) == "be brief"
    assert same_key(request, again)


def test_an_input_of_a_chat_request_is_a_parameter_like_any_other():
    request = question("q", input="a text")

    assert keys.prompt_of(request) == "q"
    assert same_key(request, keys.request_from(keys.frame_of(request)[0], "q"))


def test_a_user_message_without_content_is_given_back_without_it():
    request = conversation([{"role": "user"}])

    again = keys.request_from(keys.frame_of(request)[0], keys.prompt_of(request))

    assert same_key(request, again)


def test_a_request_given_back_can_be_sent_as_it_was():
    request = question("q", endpoint="responses", temperature=0.5)

    again = keys.request_from(keys.frame_of(request)[0], "q")

    assert again == request


@given(words, words)
def test_questions_in_one_context_share_its_frame(one, other):
    assert keys.frame_of(question(one)) == keys.frame_of(question(other))


OTHER_FRAMES = {
    "model": question("p", model="n"),
    "host": question("p", base_url="https://api.example.net/v1"),
    "temperature": question("p", temperature=0),
    "limit": question("p", max_tokens=10),
    "system": conversation([{"role": "system", "content": "s"}, {"role": "user", "content": "p"}]),
    "before": conversation([{"role": "user", "content": "a"}, {"role": "user", "content": "p"}]),
    "after": conversation(
        [{"role": "user", "content": "p"}, {"role": "assistant", "content": "a"}]
    ),
}


@pytest.mark.parametrize("changed", OTHER_FRAMES.values(), ids=OTHER_FRAMES)
def test_everything_but_the_last_user_text_belongs_to_the_frame(changed):
    assert keys.frame_of(question("q"))[1] != keys.frame_of(changed)[1]


def test_a_request_that_is_taken_apart_stays_whole():
    request = conversation([{"role": "user", "content": "q", "id": "1"}], stream=True)
    before = copy.deepcopy(request)

    keys.frame_of(request)

    assert request == before


@pytest.mark.parametrize(
    ("messages", "prompt"),
    [
        ([], ""),
        ("no list", ""),
        ([{"role": "system", "content": "s"}], ""),
        ([{"role": "user", "content": "q"}], "q"),
        ([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "q"),
        ([{"role": "user", "content": "old"}, {"role": "user", "content": "new"}], "new"),
        ([{"role": "user", "content": None}], ""),
        ([{"role": "user", "content": 5}], ""),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "one"},
                        {"type": "image_url", "image_url": {"url": "data:"}},
                        {"type": "text", "text": "two"},
                        "stray",
                    ],
                }
            ],
            "one\ntwo",
        ),
        (["stray", {"role": "user", "content": "q"}, "stray"], "q"),
        ([{"role": ["user"], "content": "q"}], ""),
    ],
)
def test_the_prompt_is_the_last_user_text(messages, prompt):
    assert keys.prompt_of(conversation(messages)) == prompt


@pytest.mark.parametrize(
    ("messages", "system"),
    [
        ([{"role": "user", "content": "q"}], ""),
        ([{"role": "system", "content": "s"}, {"role": "user", "content": "q"}], "s"),
        ([{"role": "developer", "content": "d"}, {"role": "system", "content": "s"}], "d\n\ns"),
        ([{"role": "system", "content": ""}, {"role": "system", "content": "s"}], "s"),
        ([{"role": "system", "content": [{"type": "text", "text": "s"}]}], "s"),
        ([{"role": ["system"], "content": "s"}], ""),
    ],
)
def test_the_system_text_is_all_that_the_user_did_not_say(messages, system):
    assert keys.system_of(conversation(messages)) == system
