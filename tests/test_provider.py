from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from upstream import USAGE, Reply, Upstream

from llmc.endpoints import PROVIDERS
from llmc.errors import ConfigError, KeyRefused, ParameterRefused, ProviderError, Unavailable
from llmc.provider import _SERVERS, MAX_WAIT, Provider, probe
from llmc.types import Request

KEY = "sk-of-a-secret-kind"

STOP = {"index": 0, "delta": {}, "finish_reason": "stop"}


def delta(text: object, index: object = 0, **more: object) -> dict[str, Any]:
    """One event of a stream: a piece of a choice."""
    return {"choices": [{"index": index, "delta": {"content": text}, **more}]}


def sse(*events: object, end: bytes = b"data: [DONE]\n\n", **options: Any) -> Reply:
    """A stream as a server may send it."""
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + end
    return Reply(raw=body, content_type="text/event-stream", **options)


def refusal(message: str, **fields: object) -> dict[str, object]:
    """The body of an HTTP error."""
    return {"error": {"message": message, "type": "x", "param": None, "code": None, **fields}}


@pytest.fixture(autouse=True)
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No authorities: reading the system's takes 20 ms a client, and loopback needs none."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))


@pytest.fixture
def notes() -> list[str]:
    """What the user was told."""
    return []


@pytest.fixture
def waits() -> list[float]:
    """How long the provider waited between tries; no time passes."""
    return []


@pytest.fixture
def provider(upstream: Upstream, notes: list[str], waits: list[float]) -> Provider:
    return Provider(upstream.url, key=KEY, note=notes.append, sleep=waits.append)


@pytest.fixture
def question(upstream: Upstream) -> Request:
    messages = [{"role": "user", "content": "which colour?"}]
    return Request(upstream.url, {"model": "m", "messages": messages, "top_p": 0.5})


@pytest.fixture
def pieces() -> list[str]:
    """What was streamed."""
    return []


# -- what is sent --------------------------------------------------------------------------------


def test_the_body_is_what_was_stated_and_nothing_else(provider, upstream, question):
    provider.ask(question)

    assert upstream.calls[0].path == "/v1/chat/completions"
    assert upstream.calls[0].body == question.body


def test_temperature_0_is_added_on_demand(provider, upstream, question):
    answer = provider.ask(question, add_temperature=True)

    assert upstream.calls[0].body == question.body | {"temperature": 0}
    assert answer.temperature == 0


def test_a_stream_asks_for_its_usage(provider, upstream, question, pieces):
    provider.ask(question, on_text=pieces.append)

    assert upstream.calls[0].body == question.body | {
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_refused_stream_option_is_left_out(provider, upstream, question, pieces):
    answer = provider.ask(question, refused=frozenset({"stream_options"}), on_text=pieces.append)

    assert upstream.calls[0].body == question.body | {"stream": True}
    assert (answer.text, answer.usage) == ("answer 1", None)


def test_the_key_is_sent_as_a_bearer_token(provider, upstream, question):
    provider.ask(question)

    assert upstream.calls[0].headers["authorization"] == f"Bearer {KEY}"


# -- what is understood --------------------------------------------------------------------------


def test_an_answer_says_what_it_was(provider, upstream, question):
    upstream.will(Reply("blue", model="m-2"))

    answer = provider.ask(question)

    assert answer._replace(latency=0) == (
        "blue", "stop", "m-2", USAGE, None, None, None, 0, "model"
    )  # fmt: skip
    assert 0 < answer.latency < 60


def test_a_stream_arrives_piece_by_piece_and_is_the_same_answer(
    provider, upstream, question, pieces
):
    upstream.will(Reply("one two three", model="m-2"))

    answer = provider.ask(question, on_text=pieces.append)

    assert pieces == ["one", " two", " three"]
    assert answer._replace(latency=0) == (
        "one two three", "stop", "m-2", USAGE, None, None, None, 0, "model"
    )  # fmt: skip


def test_a_stated_temperature_is_remembered(provider, question):
    answer = provider.ask(question._replace(body=question.body | {"temperature": 0.7}))

    assert answer.temperature == 0.7


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": [{"type": "text", "text": "a "}, {"type": "text", "text": "b"}]}, "a b"),
        ({"content": ["a ", "b"]}, "a b"),
        ({"content": [{"type": "image"}, {"type": "text", "text": "b"}]}, "b"),
        ({"content": "a\0b"}, "a\0b"),
        ({"content": "a\ud83d!"}, "a?!"),
        ({"content": None}, ""),
        ({"content": 7}, ""),
        ({}, ""),
    ],
)
def test_a_message_may_come_in_many_forms(provider, upstream, question, pieces, message, text):
    whole = {"index": 0, "message": message, "finish_reason": "stop"}
    piece = {"choices": [{"index": 0, "delta": message, "finish_reason": None}]}
    upstream.will(Reply(choices=[whole]), sse(piece, {"choices": [STOP]}))

    plain = provider.ask(question)
    streamed = provider.ask(question, on_text=pieces.append)

    assert plain.text == streamed.text == "".join(pieces) == text


@pytest.mark.parametrize("index", [0, 76, None, -1])
def test_the_one_choice_may_have_any_index(provider, upstream, question, pieces, index):
    upstream.will(sse(delta("a", index), delta(" b", index, finish_reason="stop")))

    answer = provider.ask(question, on_text=pieces.append)

    assert (answer.text, answer.finish_reason, answer.choices) == ("a b", "stop", None)


@pytest.mark.parametrize(
    "events",
    [
        (delta("a"), {"choices": [STOP]}, {"choices": [], "usage": USAGE}),
        (delta("a"), {"choices": [STOP], "usage": USAGE}),
        (delta("a", finish_reason="stop"), {"choices": None, "usage": USAGE}),
        (delta("a") | {"usage": None}, {"choices": [STOP], "usage": USAGE}, {"usage": None}),
    ],
    ids=["a chunk of its own", "the finish chunk", "no choices", "null elsewhere"],
)
def test_usage_may_stand_in_any_chunk(provider, upstream, question, pieces, events):
    upstream.will(sse(*events))

    answer = provider.ask(question, on_text=pieces.append)

    assert (answer.text, answer.usage) == ("a", USAGE)


@pytest.mark.parametrize("usage", [None, 7, "many", []])
def test_an_answer_may_come_without_usable_usage(provider, upstream, question, pieces, usage):
    upstream.will(
        Reply(usage=usage), sse(delta("a"), {"choices": [STOP]}, {"choices": [], "usage": usage})
    )

    plain = provider.ask(question)
    streamed = provider.ask(question, on_text=pieces.append)

    assert plain.usage is streamed.usage is None


def test_many_choices_are_kept_and_one_unfinished_one_is_told(provider, upstream, question):
    choices = [
        {"index": 0, "message": {"content": "a"}, "finish_reason": "stop"},
        {"index": 1, "message": {"content": "b"}, "finish_reason": "length"},
    ]
    upstream.will(Reply(choices=choices))

    answer = provider.ask(question)

    assert (answer.text, answer.finish_reason) == ("a\n\nb", "length")
    assert answer.choices == choices


def test_streamed_choices_are_kept_apart_and_the_first_is_shown(
    provider, upstream, question, pieces
):
    events = [delta("a", 0), delta("x", 1), delta(" b", 0), delta(" y", 1)]
    ends = {"choices": [STOP, STOP | {"index": 1}]}
    upstream.will(sse(*events, ends))

    answer = provider.ask(question, on_text=pieces.append)

    assert pieces == ["a", " b"]
    assert [choice["message"]["content"] for choice in answer.choices] == ["a b", "x y"]


def test_a_refusal_is_no_text(provider, upstream, question, pieces):
    refused = {"choices": [{"index": 0, "delta": {"refusal": "I "}, "finish_reason": None}]}
    upstream.will(
        Reply(message={"content": None, "refusal": "I will not"}),
        sse(refused, {"choices": [STOP | {"delta": {"refusal": "will not"}}]}),
    )

    plain = provider.ask(question)
    streamed = provider.ask(question, on_text=pieces.append)

    assert plain.refusal == streamed.refusal == "I will not"
    assert plain.text == streamed.text == ""


# -- how streams end -----------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n", b": bye\n\n", b"\n"])
def test_a_finish_reason_ends_a_stream_and_not_a_mark(provider, upstream, question, pieces, end):
    upstream.will(sse(delta("a"), {"choices": [STOP]}, end=end))

    answer = provider.ask(question, on_text=pieces.append)

    assert (answer.text, answer.finish_reason) == ("a", "stop")


BROKEN_OFF = pytest.mark.parametrize(
    "reply",
    [
        sse(delta("half an"), end=b""),
        sse(delta("half an")),
        sse(delta("half an", 0), delta("x", 1, finish_reason="stop")),
        sse(delta("half an"), headers={"Content-Length": "99999"}),
        sse(delta("half an"), {"error": {"message": "overloaded"}}),
        sse(delta("half an"), end=b'data: {"choices": [{"ind\n\n'),
        sse(delta("half an"), end=b"event: error\ndata: overloaded\n\n"),
    ],
    ids=[
        "closed", "done without a finish reason", "one of two choices", "cut", "an error event",
        "half an event", "no JSON",
    ],
)  # fmt: skip


@BROKEN_OFF
def test_a_stream_that_breaks_off_is_no_answer_and_not_asked_for_twice(
    provider, upstream, question, pieces, waits, reply
):
    upstream.will(reply)

    with pytest.raises(Unavailable):
        provider.ask(question, on_text=pieces.append)

    assert pieces == ["half an"]
    assert len(upstream.calls) == 1
    assert waits == []


def test_a_chunked_body_that_is_cut_is_no_answer(provider, upstream, question, pieces):
    event = b'data: {"choices": [{"index": 0, "delta": {"content": "half an"}}]}\n\n'
    body = b"%x\r\n%s\r\n40\r\ndata: " % (len(event), event)
    chunked = {"Transfer-Encoding": "chunked"}
    upstream.will(Reply(raw=body, content_type="text/event-stream", headers=chunked))

    with pytest.raises(Unavailable):
        provider.ask(question, on_text=pieces.append)

    assert pieces == ["half an"]
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"data: [DONE]\n\n", b": hi\n"])
def test_a_stream_without_any_event_is_no_answer(provider, upstream, question, pieces, body):
    upstream.will(*[Reply(raw=body, content_type="text/html")] * 3)

    with pytest.raises(Unavailable):
        provider.ask(question, on_text=pieces.append)

    assert pieces == []


def test_a_server_that_does_not_stream_is_understood(provider, upstream, question, pieces):
    choice = {"index": 0, "message": {"content": "whole"}, "finish_reason": "stop"}
    body = json.dumps({"model": "m", "choices": [choice], "usage": USAGE}).encode()
    upstream.will(Reply(raw=body, content_type="application/json; charset=utf-8"))

    answer = provider.ask(question, on_text=pieces.append)

    assert (answer.text, answer.finish_reason, answer.usage) == ("whole", "stop", USAGE)
    assert pieces == ["whole"]


# -- what is no answer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"choices": [{"ind',
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": null}',
        b'{"choices": 5}',
        b'{"choices": true}',
        b'{"choices": "abc"}',
        b'{"choices": [null]}',
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_a_malformed_answer_is_none(provider, upstream, question, body):
    upstream.will(*[Reply(raw=body)] * 3)

    with pytest.raises(Unavailable, match=r"malformed answer|without choices"):
        provider.ask(question)


@pytest.mark.parametrize(
    "event",
    [
        {"choices": 5},
        {"choices": True},
        {"choices": [None]},
        {"choices": [{"index": [], "delta": {}}]},
        {"choices": [{"index": {}, "delta": {}}]},
        {"choices": [{"index": 0, "delta": 5}]},
        {"choices": [{"index": 0, "delta": {"refusal": 5}}]},
        [],
        7,
        None,
    ],
)
def test_a_malformed_event_is_no_traceback(provider, upstream, question, pieces, event):
    upstream.will(*[sse(event)] * 3)

    with pytest.raises(Unavailable):
        provider.ask(question, on_text=pieces.append)


@pytest.mark.parametrize(
    "error", [{"message": "overloaded"}, "overloaded", {"error": "overloaded"},
              {"code": "overloaded"}],
)  # fmt: skip
@pytest.mark.parametrize("streamed", [True, False])
def test_an_error_with_status_200_is_an_error(
    provider, upstream, question, pieces, error, streamed
):
    upstream.will(Reply(raw=json.dumps({"error": error}).encode()))

    with pytest.raises(ProviderError, match="overloaded"):
        provider.ask(question, on_text=pieces.append if streamed else None)


# -- parameters of ours --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        refusal("Unsupported value", param="temperature"),
        refusal("'temperature' does not support 0 with this model."),
    ],
)
@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_temperature_of_ours_is_told_apart(provider, upstream, question, error, status):
    upstream.will(Reply(status=status, error=error))

    with pytest.raises(ParameterRefused) as raised:
        provider.ask(question, add_temperature=True)

    assert raised.value.parameter == "temperature"
    assert len(upstream.calls) == 1


def test_a_refused_temperature_of_the_callers_is_theirs(provider, upstream, question):
    upstream.will(Reply(status=400, error=refusal("no", param="temperature")))
    stated = question._replace(body=question.body | {"temperature": 0})

    with pytest.raises(ProviderError) as raised:
        provider.ask(stated)

    assert not isinstance(raised.value, ParameterRefused)


@pytest.mark.parametrize(
    "error",
    [
        refusal("Unknown parameter: 'stream_options'.", param="stream_options"),
        refusal("stream_options: extra inputs are not permitted"),
    ],
)
def test_a_refused_stream_option_is_told_apart_from_a_refused_stream(
    provider, upstream, question, pieces, error
):
    upstream.will(Reply(status=400, error=error))

    with pytest.raises(ParameterRefused) as raised:
        provider.ask(question, on_text=pieces.append)

    assert raised.value.parameter == "stream_options"


@pytest.mark.parametrize(
    "message", ["the upstream is not there", "no streams of consciousness", "bad prompt"]
)
def test_another_400_is_an_error_of_its_own(provider, upstream, question, pieces, message):
    upstream.will(Reply(status=400, error=refusal(message)))

    with pytest.raises(ProviderError, match=f"answered 400: {message}") as raised:
        provider.ask(question, add_temperature=True, on_text=pieces.append)

    assert not isinstance(raised.value, ParameterRefused)
    assert raised.value.status == 400
    assert len(upstream.calls) == 1


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that takes a temperature, as far as its name tells."""
    monkeypatch.setenv("LLMC_MODEL", "small")


def sent(upstream: Upstream, name: str) -> list[object]:
    """Return one parameter of each call, None where it was not sent."""
    return [call.body.get(name) for call in upstream.calls]


def test_a_refusal_of_the_temperature_is_learned(cli, upstream, small):
    upstream.will(Reply(status=400, error=refusal("no", param="temperature")))
    first = cli("ask", "one")

    second = cli("ask", "two")

    assert (first.out, second.out) == ("answer 2\n", "answer 3\n")
    assert sent(upstream, "temperature") == [0, None, None]


def test_a_refusal_is_learned_for_that_model_only(cli, upstream, small):
    upstream.will(Reply(status=400, error=refusal("no", param="temperature")))
    cli("ask", "one")

    cli("ask", "two", "-m", "other")

    assert sent(upstream, "temperature") == [0, None, 0]


def test_a_refusal_is_not_believed_for_ever(cli, upstream, small, store):
    upstream.will(Reply(status=400, error=refusal("no", param="temperature")))
    cli("ask", "one")
    store.file.execute("UPDATE refusal SET at = at - 31 * 86400")

    cli("ask", "two")

    assert sent(upstream, "temperature") == [0, None, 0]


def test_a_model_that_refuses_twice_is_an_error(cli, upstream, small):
    error = refusal("no", param="temperature")
    upstream.will(Reply(status=400, error=error), Reply(status=400, error=error))

    result = cli("ask", "one")

    assert (result.code, result.out) == (1, "")
    assert sent(upstream, "temperature") == [0, None]


def test_the_key_does_not_depend_on_what_was_filled_in(cli, upstream, small):
    upstream.will(Reply(status=400, error=refusal("no", param="temperature")))
    cli("ask", "one")

    result = cli("ask", "one")

    assert result.out == "answer 2\n"
    assert len(upstream.calls) == 2


def test_a_refusal_of_stream_options_is_learned_and_the_stream_goes_on(cli, upstream):
    message = "Unknown parameter: 'stream_options'."
    upstream.will(Reply(status=400, error=refusal(message, param="stream_options")))
    first = cli("ask", "one", "--stream")

    second = cli("ask", "two", "--stream")

    assert (first.out, second.out) == ("answer 2\n", "answer 3\n")
    assert sent(upstream, "stream") == [True, True, True]
    assert sent(upstream, "stream_options") == [{"include_usage": True}, None, None]


# -- trying again --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again(provider, upstream, question, waits, notes, status):
    upstream.will(Reply(status=status), Reply(status=status), Reply("fine"))

    answer = provider.ask(question)

    assert answer.text == "fine"
    assert len(upstream.calls) == 3
    assert 0.3 < waits[0] < 0.7 < waits[1] < 1.3
    assert f"answered {status}: no; trying again in {waits[0]:.1f} s (1 of 2)" in notes[0]
    assert "(2 of 2)" in notes[1]


@pytest.mark.parametrize("status", [400, 404, 405, 413, 422])
def test_what_will_not_pass_is_not_tried_again(provider, upstream, question, waits, status):
    upstream.will(Reply(status=status))

    with pytest.raises(ProviderError) as raised:
        provider.ask(question)

    assert raised.value.status == status
    assert len(upstream.calls) == 1
    assert waits == []


def test_the_tries_come_to_an_end(provider, upstream, question, waits):
    upstream.will(*[Reply(status=500)] * 9)

    with pytest.raises(Unavailable, match="answered 500: no") as raised:
        provider.ask(question)

    assert raised.value.status == 500
    assert len(upstream.calls) == 3
    assert len(waits) == 2


def test_without_retries_there_is_one_try(upstream, question, waits):
    provider = Provider(upstream.url, key=KEY, retries=0, sleep=waits.append)
    upstream.will(Reply(status=500))

    with pytest.raises(Unavailable):
        provider.ask(question)

    assert len(upstream.calls) == 1
    assert waits == []


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0.25"}, 0.25),
        ({"Retry-After": "-3"}, 0),
        ({"Retry-After": "nan"}, 0),
        ({"Retry-After-Ms": "250"}, 0.25),
        ({"Retry-After-Ms": "250", "Retry-After": "7"}, 0.25),
        ({"Retry-After-Ms": "soon", "Retry-After": "7"}, 7),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"Retry-After": str(int(MAX_WAIT))}, MAX_WAIT),
    ],
)
def test_a_server_may_say_how_long_to_wait(
    provider, upstream, question, waits, notes, headers, wait
):
    upstream.will(Reply(status=429, headers=headers))

    answer = provider.ask(question)

    assert answer.text == "answer 2"
    assert waits == [wait]
    assert f"trying again in {wait:.1f} s" in notes[0]


@pytest.mark.parametrize("text", ["soon", "", "Wed, 99 Oct 2015", "0x10"])
def test_an_unreadable_wait_is_the_usual_one(provider, upstream, question, waits, text):
    upstream.will(Reply(status=429, headers={"Retry-After": text}))

    provider.ask(question)

    assert len(waits) == 1
    assert 0.3 < waits[0] < 0.7


@pytest.mark.parametrize("text", ["61", "86400", "Fri, 21 Oct 2096 07:28:00 GMT", "inf", "1e99"])
def test_a_wait_that_is_too_long_is_an_error_at_once(provider, upstream, question, waits, text):
    upstream.will(Reply(status=429, headers={"Retry-After": text}))

    with pytest.raises(Unavailable, match="it asks to wait"):
        provider.ask(question)

    assert waits == []
    assert len(upstream.calls) == 1


def test_a_spent_quota_is_not_tried_again(provider, upstream, question, waits):
    error = refusal("You exceeded your current quota", code="insufficient_quota")
    upstream.will(Reply(status=429, error=error))

    with pytest.raises(Unavailable, match="exceeded your current quota") as raised:
        provider.ask(question)

    assert raised.value.final
    assert waits == []
    assert len(upstream.calls) == 1


def test_a_stream_that_has_not_begun_is_tried_again(provider, upstream, question, pieces, waits):
    upstream.will(Reply(status=503), Reply("fine"))

    answer = provider.ask(question, on_text=pieces.append)

    assert answer.text == "fine"
    assert pieces == ["fine"]
    assert len(waits) == 1


def test_a_malformed_answer_is_tried_again(provider, upstream, question, waits):
    upstream.will(Reply(raw=b"<html>"), Reply("fine"))

    answer = provider.ask(question)

    assert answer.text == "fine"


# -- what is refused or not there ----------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "error", [refusal(f"Incorrect API key provided: {KEY}."), f"{KEY} is unknown", {"error": KEY}]
)
def test_a_refused_key_is_told_and_never_shown(
    provider, upstream, question, notes, waits, status, error
):
    upstream.will(Reply(status=status, error=error))

    with pytest.raises(KeyRefused) as raised:
        provider.ask(question)

    assert KEY not in f"{raised.value} {raised.value.hint} {notes}"
    assert f"answered {status}" in str(raised.value)
    assert waits == []


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_no_server_gets_our_key_onto_the_screen(provider, upstream, question, notes, status):
    upstream.will(*[Reply(status=status, error=refusal(f"your key is {KEY}, is it not?"))] * 3)

    with pytest.raises(ProviderError) as raised:
        provider.ask(question)

    assert "your key is …, is it not?" in str(raised.value)
    assert KEY not in "".join(notes)


@pytest.mark.parametrize("key", ["llmc", "x", "sk", "no", "ollama", "EMPTY"])
def test_a_stand_in_for_a_key_does_not_garble_what_a_server_says(upstream, question, key):
    said = "no llmc, no ollama-xs and no EMPTY task is known"
    upstream.will(Reply(status=400, error=refusal(said)))

    with pytest.raises(ProviderError) as raised:
        Provider(upstream.url, key=key).ask(question)

    assert said in str(raised.value)


def test_a_model_that_is_not_there_has_a_hint(provider, upstream, question):
    upstream.will(Reply(status=404, error=refusal("The model `m` does not exist")))

    with pytest.raises(ProviderError, match="answered 404: The model `m` does not exist") as raised:
        provider.ask(question)

    assert raised.value.hint == "check the model's name (-m) and the base URL"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"error": {"message": "a\nb\t c"}}, ": a b c"),
        ({"error": "plain"}, ": plain"),
        ({"error": {"code": "bad_thing"}}, ": bad_thing"),
        ({"error": {"message": "long " * 500}}, ": long"),
        ({"error": {"message": 7}}, ""),
        ({"error": None}, ""),
        ([], ""),
        ("text", ""),
        (7, ""),
    ],
)
def test_what_a_server_says_is_one_line_of_a_bounded_length(
    provider, upstream, question, error, said
):
    upstream.will(Reply(status=400, error=error))

    with pytest.raises(ProviderError) as raised:
        provider.ask(question)

    assert f"answered 400{said}" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 600


def test_a_host_that_cannot_be_reached_is_named(question, notes, waits):
    provider = Provider(
        "http://127.0.0.1:1/v1", key=KEY, retries=1, note=notes.append, sleep=waits.append
    )

    with pytest.raises(Unavailable, match=r"^cannot reach http://127\.0\.0\.1:1/v1 \(.+\)$"):
        provider.ask(question)

    assert len(waits) == len(notes) == 1


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("http://127.0.0.1:{}/v1", "is `ollama serve` running?"),
        ("http://localhost:{}/v1", "is `ollama serve` running?"),
        ("http://127.0.0.1:1/v1", None),
    ],
)
def test_a_local_server_that_is_not_running_is_asked_for(question, monkeypatch, address, hint):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setattr("llmc.provider._SERVERS", {port: "ollama serve"})

    with pytest.raises(Unavailable) as raised:
        Provider(address.format(port), key=KEY, retries=0).ask(question)

    assert raised.value.hint == hint


def test_ollama_is_known_by_the_port_that_the_configuration_has_for_it():
    assert {urlsplit(PROVIDERS["ollama"].base_url).port: "ollama serve"} == _SERVERS


def test_a_host_that_says_nothing_is_not_waited_for(upstream, question):
    upstream.will(Reply(delay=60))
    provider = Provider(upstream.url, key=KEY, timeout=0.2, retries=0)

    with pytest.raises(Unavailable, match="did not answer in time") as raised:
        provider.ask(question)

    assert raised.value.hint == "see --timeout"


def test_a_stream_that_falls_silent_is_not_waited_for(upstream, question, pieces):
    upstream.will(Reply(delay=60))
    provider = Provider(upstream.url, key=KEY, timeout=0.2, retries=0)

    with pytest.raises(Unavailable, match="did not answer in time"):
        provider.ask(question, on_text=pieces.append)


@pytest.mark.parametrize("streamed", [True, False])
def test_a_garbled_encoding_is_no_traceback(upstream, question, pieces, streamed):
    upstream.will(
        Reply(raw=b"junk", content_type="text/event-stream", headers={"Content-Encoding": "gzip"})
    )

    with pytest.raises(Unavailable):
        Provider(upstream.url, key=KEY, retries=0).ask(
            question, on_text=pieces.append if streamed else None
        )


# -- whose secrets go where ----------------------------------------------------------------------


@pytest.fixture
def elsewhere(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Configure the upstream as a provider of the user's own, beside OpenAI and all its secrets."""
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-leak")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-leak")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-leak")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-leak")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Leak: a leak\nx-other: a leak")
    monkeypatch.setenv("LLMC_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("LLMC_RETRIES", "0")

    def write(table: str, name: str = "x") -> None:
        text = f'[providers.{name}]\nbase_url = "{upstream.url}"\n{table}\n'
        (tmp_path / "config.toml").write_text(text)

    return write


def test_openais_secrets_reach_no_other_host(cli, upstream, elsewhere):
    elsewhere("")

    result = cli("ask", "q", "-m", "x/small")

    assert result.code == 0
    assert "leak" not in str(upstream.calls[0])


@pytest.mark.parametrize("flags", [(), ("--stream",)])
def test_openais_secrets_reach_no_other_host_that_took_openais_name(
    cli, upstream, elsewhere, flags
):
    elsewhere("", name="openai")

    result = cli("ask", "q", "-m", "small", *flags)

    assert result.code == 0
    assert "leak" not in str(upstream.calls[0])


@pytest.mark.parametrize(
    "headers",
    [
        "Authorization: Bearer sk-leak",
        "authorization: Bearer sk-leak",
        "openai-organization: org-leak",
        "OpenAI-Project: project-leak",
        "Cookie: leak",
        "X-A: leak\r\nX-B: leak",
        "  X-Spaces :  leak",
        "Content-Type: leak/leak",
        "User-Agent: leak",
    ],
)
def test_headers_for_openai_reach_no_other_host(cli, upstream, elsewhere, monkeypatch, headers):
    elsewhere('api_key_env = "X_KEY"')
    monkeypatch.setenv("X_KEY", "sk-of-x")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", headers)

    result = cli("ask", "q", "-m", "x/small")

    assert result.code == 0, result.err
    assert "leak" not in str(upstream.calls[0])
    assert upstream.calls[0].headers["authorization"] == "Bearer sk-of-x"
    assert upstream.calls[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ('api_key_env = "X_KEY"', "sk-of-x"),
        ('api_key_cmd = "echo sk-printed"', "sk-printed"),
        ("api_key_cmd = \"printf 'sk-quoted'\"", "sk-quoted"),
    ],
)
def test_a_provider_has_a_key_of_its_own(cli, upstream, elsewhere, monkeypatch, table, key):
    elsewhere(table)
    monkeypatch.setenv("X_KEY", "sk-of-x\n")

    cli("ask", "q", "-m", "x/small")

    assert upstream.calls[0].headers["authorization"] == f"Bearer {key}"
    assert upstream.calls[0].body["model"] == "small"


@pytest.mark.parametrize("command", ["false", "true", "no-such-program --at-all", "unbalanced '"])
def test_a_key_command_that_fails_ends_with_4(cli, upstream, elsewhere, command):
    elsewhere(f'api_key_cmd = "{command}"')

    result = cli("ask", "q", "-m", "x/small")

    assert (result.code, result.out) == (4, "")
    assert command in result.err
    assert upstream.calls == []


def test_what_a_failing_key_command_printed_is_not_shown(cli, upstream, elsewhere, home):
    (home / "key.sh").write_text("echo sk-half-a-key; exit 3\n")
    elsewhere('api_key_cmd = "sh key.sh"')

    result = cli("ask", "q", "-m", "x/small")

    assert result.code == 4
    assert "api_key_cmd failed (exit code 3): sh key.sh" in result.err
    assert "sk-half-a-key" not in result.err


def test_openai_base_url_gets_openais_key(cli, upstream, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")

    cli("ask", "q")

    assert upstream.calls[0].headers["authorization"] == "Bearer sk-mine"


def test_a_redirect_to_another_host_does_not_take_the_key_along(upstream, question):
    other = Upstream()
    where = {"Location": other.url.replace("127.0.0.1", "localhost") + "/chat/completions"}
    upstream.will(Reply(status=307, headers=where))

    answer = Provider(upstream.url, key=KEY, retries=0).ask(question)
    other.stop()

    assert answer.text == "answer 1"
    assert upstream.calls[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in str([call.headers for call in other.calls])


@pytest.mark.parametrize("streamed", [False, True])
def test_a_web_page_is_no_answer_and_says_what_may_be_wrong(upstream, question, pieces, streamed):
    upstream.will(Reply(raw=b"<html>Log in</html>", content_type="text/html; charset=utf-8"))

    with pytest.raises(Unavailable, match="a web page in the place of an answer") as raised:
        Provider(upstream.url, key=KEY, retries=0).ask(
            question, on_text=pieces.append if streamed else None
        )

    assert raised.value.hint == "check the base URL: most end in /v1"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (
            "<!DOCTYPE html>\n<html><head><TITLE>502\nBad Gateway</TITLE></head>x</html>",
            ": 502 Bad Gateway",
        ),
        ("<html><body>" + "x" * 9000, ""),
        ("upstream connect error", ": upstream connect error"),
    ],
)
def test_of_a_web_page_for_an_error_its_title_is_told(upstream, question, page, said):
    upstream.will(Reply(status=502, error={"error": page}))

    with pytest.raises(Unavailable) as raised:
        Provider(upstream.url, key=KEY, retries=0).ask(question)

    assert str(raised.value).endswith(f" answered 502{said}")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "foo://x", "http://[::1"])
def test_a_proxy_that_cannot_be_used_is_a_fault_of_the_configuration(monkeypatch, proxy):
    monkeypatch.setenv("ALL_PROXY", proxy)

    with pytest.raises(ConfigError, match="the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"):
        Provider("http://127.0.0.1:1/v1", key=KEY)
    with pytest.raises(ConfigError, match="the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"):
        probe("http://127.0.0.1:1/v1", KEY)


# -- the probe of the doctor ---------------------------------------------------------------------


def test_a_probe_says_that_a_provider_answers(upstream):
    assert probe(upstream.url, KEY) == f"{upstream.url} answers"


def test_a_probe_of_nobody_is_unavailable():
    with pytest.raises(Unavailable, match="cannot reach http://127"):
        probe("http://127.0.0.1:1/v1", KEY)


def test_a_probe_with_certificates_that_cannot_be_read_says_so(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")

    with pytest.raises(ConfigError, match="SSL_CERT_FILE"):
        probe("https://127.0.0.1:1/v1", KEY)
