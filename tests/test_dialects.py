from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from drafts import entry
from hypothesis import given
from hypothesis import strategies as st

from llmc import policy
from llmc.dialects import chat, embeddings, responses, wire
from llmc.types import Tokens

STREAM = wire.Shape(stream=True)
WITH_USAGE = wire.Shape(stream=True, usage=True)

CALL = {"id": "c1", "type": "function", "function": {"name": "sum", "arguments": '{"a": 1}'}}
ASKED_A_TOOL = {
    "index": 0,
    "message": {"role": "assistant", "content": None, "tool_calls": [CALL]},
    "finish_reason": "tool_calls",
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 7,
    "status": "completed",
    "model": "m",
    "output": [
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "x" * 200, "annotations": []}],
        },
        {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "sum", "arguments": "{}"},
    ],
    "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
}


def chunk(**choice: Any) -> bytes:
    return wire.event({"model": "m", "choices": [{"index": 0} | choice]})


def collected(dialect: Any, *pieces: bytes, streamed: bool = True) -> Any:
    collector = dialect.Collector(streamed=streamed)
    for piece in pieces:
        collector.feed(piece)
    return collector.answer()


def said(*deltas: dict[str, Any], finish: str | None = "stop") -> Any:
    parts = [chunk(delta=delta, finish_reason=None) for delta in deltas]
    return collected(chat, *parts, chunk(delta={}, finish_reason=finish), wire.DONE)


def data_of(stream: list[bytes]) -> list[Any]:
    texts = [text for piece in stream for text in wire.Events().feed(piece)]
    return [text if text == "[DONE]" else json.loads(text) for text in texts]


# -- events --------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 30)), st.sampled_from(["\n", "\r\n"]))
def test_events_are_the_same_however_their_bytes_are_cut(cuts, newline):
    whole = newline.join(["data: é", "data: b", "", ": note", "", "data:c", "", ""]).encode()
    events = wire.Events()
    found = []
    for cut in [*cuts, len(whole)]:
        found += events.feed(whole[:cut])
        whole = whole[cut:]

    assert found == ["é\nb", "c"]


def test_the_end_of_a_body_completes_its_last_event():
    events = wire.Events()

    assert events.feed(b"data: a\n") == []
    assert events.close() == ["a"]


@given(st.text())
def test_the_pieces_of_a_text_are_the_text(text):
    assert "".join(wire.pieces(text)) == text


# -- chat completions: reading -------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"model": "m"},
        {"model": "", "messages": [{}]},
        {"model": "m", "messages": []},
        {"model": "m", "messages": "hi"},
        {"model": "m", "messages": ["hi"]},
        {"model": "m", "messages": [{}], "stream": "yes"},
        {"model": "m", "messages": [{}], "stream": True, "stream_options": 1},
        {"model": "m", "messages": [{}], "web_search_options": {}},
    ],
)
def test_a_strange_chat_request_is_not_understood(body):
    assert not chat.is_understood(body)


def test_a_chat_request_is_understood_whatever_else_it_holds():
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "new": 1, "stream": None}

    assert chat.is_understood(body)


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ({}, wire.Shape()),
        ({"stream": False, "stream_options": {"include_usage": True}}, wire.Shape()),
        ({"stream": True}, STREAM),
        ({"stream": True, "stream_options": {"include_usage": True}}, WITH_USAGE),
    ],
)
def test_the_shape_of_an_answer_is_what_was_asked_for(body, shape):
    assert chat.shape_of(body) == shape


def test_a_streamed_text_is_a_plain_answer():
    answer = said({"role": "assistant", "content": ""}, {"content": "a"}, {"content": " b"})

    assert (answer.text, answer.finish_reason, answer.choices) == ("a b", "stop", None)
    assert answer.model == "m"


@pytest.mark.parametrize("place", ["beside", "within"])
def test_usage_is_found_in_its_own_event_or_in_the_last_choice_s(place):
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    own = wire.event({"choices": [], "usage": usage})
    last = wire.event(end | ({"usage": usage} if place == "within" else {}))

    answer = collected(chat, chunk(delta={"content": "a"}), last, own if place == "beside" else b"")

    assert answer.usage == usage


def test_calls_of_tools_grow_by_their_index():
    first = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    second = {"index": 1, "id": "c2", "type": "function", "function": {"name": "g"}}
    answer = said(
        {"role": "assistant", "content": None, "tool_calls": [first]},
        {"tool_calls": [second]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a'}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '": 1}'}}]},
        finish="tool_calls",
    )

    calls = answer.choices[0]["message"]["tool_calls"]

    assert [call["id"] for call in calls] == ["c1", "c2"]
    assert [call["function"]["arguments"] for call in calls] == ['{"a": 1}', "{}"]
    assert not any("index" in call for call in calls)
    assert policy.unfinished(answer) is None


def test_a_server_that_repeats_a_call_s_name_says_it_once():
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "x"}}

    answer = said({"tool_calls": [call]}, {"tool_calls": [call]}, finish="tool_calls")

    assert answer.choices[0]["message"]["tool_calls"][0] == {
        "id": "c1",
        "type": "function",
        "function": {"name": "f", "arguments": "xx"},
    }


def test_what_else_a_message_holds_is_kept():
    answer = said({"content": "a", "reasoning_content": "h"}, {"reasoning_content": "m"})

    assert answer.choices[0]["message"]["reasoning_content"] == "hm"
    assert answer.text == "a"


@pytest.mark.parametrize(
    ("delta", "finish", "why"),
    [
        ({"content": "a"}, None, "no finish reason"),
        ({"content": "a"}, "length", "token limit"),
        ({"content": "a"}, "content_filter", "filtered"),
        ({"refusal": "no"}, "stop", "refused"),
        ({"content": " "}, "stop", "empty"),
    ],
)
def test_a_stream_that_did_not_end_by_itself_is_never_kept(delta, finish, why):
    assert why in policy.unfinished(said(delta, finish=finish))


def test_of_several_choices_all_must_end():
    second = wire.event({"choices": [{"index": 1, "delta": {"content": "b"}}]})

    answer = collected(chat, chunk(delta={"content": "a"}, finish_reason="stop"), second, wire.DONE)

    assert policy.unfinished(answer) == "the provider gave no finish reason"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"data: [DONE]\n\n",
        b'data: {"error": {"message": "no"}}\n\n',
        b"data: {\n\n",
        b"<html>",
    ],
)
def test_a_stream_that_is_no_answer_gives_none(body):
    assert collected(chat, body) is None


def test_an_error_in_the_middle_of_a_stream_makes_it_none():
    error = wire.event({"error": {"message": "overloaded"}})

    assert collected(chat, chunk(delta={"content": "a"}, finish_reason="stop"), error) is None


@pytest.mark.parametrize("body", [b"[]", b"{", b"", b'{"choices": []}', b'{"error": {"code": 1}}'])
def test_a_body_that_is_no_answer_gives_none(body):
    assert collected(chat, body, streamed=False) is None


def test_an_answer_that_is_larger_than_what_is_kept_gives_none(monkeypatch):
    monkeypatch.setattr(wire, "LIMIT", 50)
    body = json.dumps({"choices": [{"message": {"content": "a" * 50}, "finish_reason": "stop"}]})

    assert collected(chat, body.encode(), streamed=False) is None
    assert said({"content": "a" * 50}) is None


# -- chat completions: writing -------------------------------------------------------------------


def test_a_text_is_written_as_a_completion():
    written = chat.plain(entry(answer="hi", tokens=Tokens(3, 4, 1)))

    assert written["object"] == "chat.completion"
    assert written["choices"][0]["message"] == {
        "role": "assistant",
        "content": "hi",
        "refusal": None,
    }
    assert written["choices"][0]["finish_reason"] == "stop"
    assert written["usage"]["total_tokens"] == 7
    assert written["usage"]["prompt_tokens_details"] == {"cached_tokens": 1}


@pytest.mark.parametrize(
    "choices",
    [
        None,
        [ASKED_A_TOOL],
        [
            {
                "index": 0,
                "message": {"content": "a", "reasoning_content": "b"},
                "finish_reason": "stop",
            }
        ],
        [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "a" * 99},
                "logprobs": {"content": [{"token": "a", "logprob": -1}]},
                "finish_reason": "stop",
            }
        ],
    ],
    ids=["text", "tools", "reasoning", "logprobs"],
)
def test_a_stream_of_an_answer_says_what_its_completion_says(choices):
    kept = entry(answer="a" * 200, choices=choices)
    plain = json.dumps(chat.plain(kept)).encode()

    streamed = collected(chat, *chat.events(kept, WITH_USAGE))
    whole = collected(chat, plain, streamed=False)

    assert (streamed.text, streamed.finish_reason) == (whole.text, whole.finish_reason)
    assert streamed.usage == whole.usage
    assert [c.get("logprobs") for c in streamed.choices or ()] == [
        c.get("logprobs") for c in whole.choices or ()
    ]
    assert [c["message"].get("tool_calls") for c in streamed.choices or ()] == [
        c["message"].get("tool_calls") for c in whole.choices or ()
    ]


def test_a_stream_begins_with_the_role_and_ends_with_a_reason_and_done():
    events = data_of(list(chat.events(entry(answer="hello"), STREAM)))

    assert [each["object"] for each in events[:-1]] == ["chat.completion.chunk"] * 3
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert events[1]["choices"][0]["delta"] == {"content": "hello"}
    assert events[2]["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert events[-1] == "[DONE]"


def test_usage_comes_in_an_event_of_its_own_only_where_it_was_asked_for():
    kept = entry(answer="hello", tokens=Tokens(3, 4))

    with_usage = data_of(list(chat.events(kept, WITH_USAGE)))
    without = data_of(list(chat.events(kept, STREAM)))

    assert with_usage[-2]["choices"] == []
    assert with_usage[-2]["usage"]["total_tokens"] == 7
    assert [each["usage"] for each in with_usage[:-2]] == [None] * 3
    assert not any("usage" in each for each in without[:-1])


# -- Responses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "strange",
    [
        {"model": ""},
        {"input": []},
        {"input": 1},
        {"stream": "yes"},
        {"background": True},
        {"conversation": "c"},
        {"prompt": {"id": "p"}},
        {"tools": [{"type": "web_search"}]},
        {"tools": {}},
    ],
)
def test_a_response_that_depends_on_more_than_its_request_is_not_understood(strange):
    assert responses.is_understood({"model": "m", "input": "hi"})
    assert not responses.is_understood({"model": "m", "input": "hi"} | strange)


def test_a_response_is_kept_whole_and_written_as_it_came():
    answer = collected(responses, json.dumps(RESPONSE).encode(), streamed=False)

    assert answer.text == "x" * 200
    assert answer.finish_reason == "tool_calls"
    assert answer.choices[0]["message"]["tool_calls"][0]["function"]["name"] == "sum"
    assert policy.unfinished(answer) is None
    assert responses.plain(entry(choices=answer.choices)) == RESPONSE


def test_a_stream_of_a_response_comes_to_the_same_response():
    kept = entry(choices=[{"index": 0, "message": {}, "response": RESPONSE}])

    stream = list(responses.events(kept, WITH_USAGE))
    events = data_of(stream)

    assert collected(responses, *stream).choices[0]["response"] == RESPONSE
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert (events[0]["type"], events[-1]["type"]) == ("response.created", "response.completed")
    deltas = [event for event in events if event["type"] == "response.output_text.delta"]
    assert "".join(event["delta"] for event in deltas) == "x" * 200
    assert all(event["output_index"] == 1 for event in deltas)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            "token limit",
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            "filtered",
        ),
        ({"status": "in_progress"}, "ended with"),
        (
            {"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}]},
            "refused",
        ),
    ],
)
def test_a_response_that_did_not_complete_is_never_kept(changes, why):
    body = json.dumps(RESPONSE | changes).encode()

    assert why in policy.unfinished(collected(responses, body, streamed=False))


@pytest.mark.parametrize("body", [RESPONSE | {"error": {"code": "x"}}, RESPONSE | {"output": []}])
def test_a_response_that_failed_is_no_answer(body):
    assert collected(responses, json.dumps(body).encode(), streamed=False) is None


def test_a_stream_that_breaks_off_before_its_last_event_is_no_answer():
    kept = entry(choices=[{"index": 0, "message": {}, "response": RESPONSE}])

    stream = list(responses.events(kept, WITH_USAGE))

    assert collected(responses, *stream[:-1]) is None


def test_an_answer_that_was_put_by_hand_is_written_as_a_response():
    written = responses.plain(entry(answer="Lima"))

    assert written["output"][0]["content"][0]["text"] == "Lima"
    assert written["status"] == "completed"


# -- embeddings ----------------------------------------------------------------------------------

VECTORS = {
    "data": [{"index": 1, "embedding": [0.1, 1]}, {"index": 0, "embedding": [0.5, 0.25]}],
    "model": "e",
    "usage": {"prompt_tokens": 10, "total_tokens": 10},
}


def base64_of(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


@pytest.mark.parametrize(
    ("given_input", "texts"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ([1, 2], [[1, 2]]),
        ([[1], [2, 3]], [[1], [2, 3]]),
        ([], []),
        (None, []),
        ([None], []),
        ([True], []),
    ],
)
def test_the_inputs_of_a_request_are_texts_or_lists_of_tokens(given_input, texts):
    assert embeddings.texts_of({"input": given_input}) == texts


def test_how_numbers_are_written_is_no_part_of_the_question():
    body = {"model": "e", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 2}

    assert embeddings.body_of(body, "b") == {"model": "e", "input": "b", "dimensions": 2}


def test_each_input_gets_the_vector_of_its_index_and_its_share_of_the_tokens():
    first, second = embeddings.answers(json.dumps(VECTORS).encode(), ["a" * 6, "a" * 4])

    assert first.choices == [{"index": 0, "embedding": [0.5, 0.25]}]
    assert (first.text, first.usage["prompt_tokens"]) == ("2 numbers", 6)
    assert second.usage["prompt_tokens"] == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"data": VECTORS["data"][:1]},
        {"data": []},
        {"data": [{"index": 0, "embedding": []}, {"index": 1, "embedding": [1]}]},
        {"data": [{"index": 0, "embedding": [[1]]}, {"index": 1, "embedding": [1]}]},
        {"data": [{"index": 0, "embedding": "!"}, {"index": 1, "embedding": [1]}]},
        {"error": {"message": "no"}},
    ],
)
def test_a_reply_without_a_vector_for_each_input_is_not_kept(changes):
    assert embeddings.answers(json.dumps(VECTORS | changes).encode(), ["a", "b"]) is None


@pytest.mark.parametrize("kept", [[0.5, 0.25], base64_of(0.5, 0.25)], ids=["floats", "base64"])
@pytest.mark.parametrize(
    ("encoding", "written"), [("float", [0.5, 0.25]), ("base64", base64_of(0.5, 0.25))]
)
def test_a_vector_is_written_as_it_is_asked_for(kept, encoding, written):
    known = entry(choices=[{"index": 0, "embedding": kept}], tokens=Tokens(3, 0))

    reply = embeddings.plain([known, known], encoding=encoding)

    assert [item["embedding"] for item in reply["data"]] == [written, written]
    assert [item["index"] for item in reply["data"]] == [0, 1]
    assert reply["usage"] == {"prompt_tokens": 6, "total_tokens": 6}


@given(st.lists(st.text(min_size=1), min_size=1), st.integers(0, 10_000))
def test_shares_of_tokens_add_up(texts, total):
    data = [{"index": n, "embedding": [1.0]} for n in range(len(texts))]
    reply = {"data": data, "usage": {"prompt_tokens": total}}

    found = embeddings.answers(json.dumps(reply).encode(), texts)

    assert sum(answer.usage["prompt_tokens"] for answer in found) == total
