"""Providers and clients that keep to no rule: every byte of theirs is stated here."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import bare
import httpx2
import pytest
from proxies import QUESTION, running, until

from llmc.dialects import wire
from llmc.proxy import listening
from llmc.proxy.gate import Caller
from llmc.proxy.relay import Relay, Relays
from llmc.proxy.upstream import Upstream, _sent

STREAMED = QUESTION | {"stream": True}
BODY = json.dumps(QUESTION).encode()
MESSAGE = {"role": "assistant", "content": "a"}
WHOLE = {"choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]}
PLAIN = bare.answer(json.dumps(WHOLE).encode())
HALF = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"


def event(delta, finish=None):
    return wire.event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def call(identity, index=0, **function):
    made = {"index": index, "id": identity, "type": "function", "function": function}
    return event({"tool_calls": [{k: v for k, v in made.items() if v is not None}]})


STOP = event({}, "stop")


def cut(connection):
    """Begin an answer, and break off."""
    connection.sendall(HALF)
    connection.close()


@contextmanager
def proxied(*replies, path="/v1"):
    """A proxy before a provider that sends these bytes."""
    with bare.serving(*replies) as upstream, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", upstream.origin + path)
        patch.setenv("OPENAI_API_KEY", "sk-configured")
        with running() as proxy:
            yield proxy, upstream


def connected(proxy):
    """A client's own connection."""
    host, port = proxy.url.removeprefix("http://").removesuffix("/v1").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def sent(proxy, target=b"/v1/chat/completions", *headers, method=b"POST", body=BODY):
    """Send one request in these bytes, and return all that comes."""
    head = [method + b" " + target + b" HTTP/1.1", b"Host: localhost", b"Connection: close"]
    length = b"Content-Length: %d" % len(body)
    with connected(proxy) as connection:
        connection.sendall(b"\r\n".join([*head, *headers, length, b"", body]))
        return b"".join(iter(lambda: connection.recv(65536), b""))


def source(response):
    found = response.headers["x-llmc-source"]
    return "exact" if found == "memory" else found


# -- where a request goes ------------------------------------------------------------------------


@pytest.mark.parametrize("base", [b"/v1", b""])
@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/v1/files/a%2Fb", b"/files/a%2Fb"),
        (b"/v1/files/a%3Fb?x=%20+&&y", b"/files/a%3Fb?x=%20+&&y"),
        (b"/v1/f%C3%A9/%zz//a/../b", b"/f%C3%A9/%zz//a/../b"),
        (b"/v1beta/x", b"/v1beta/x"),
    ],
)
def test_a_path_goes_on_byte_for_byte(base, target, path):
    with proxied(PLAIN, path=base.decode()) as (proxy, upstream):
        sent(proxy, target, method=b"GET", body=b"")

    assert upstream.received[0].split(b" ")[1] == base + path


@pytest.mark.parametrize("method", [b"GET", b"CONNECT"])
@pytest.mark.parametrize(
    "target", [b"/v1@127.0.0.1:%d/x", b"@127.0.0.1:%d", b"http://127.0.0.1:%d/v1/x", b".example:%d"]
)
def test_no_request_leads_to_another_host(method, target):
    with bare.serving(PLAIN) as other, proxied(PLAIN, path="") as (proxy, _):
        port = int(other.origin.rpartition(":")[2])
        sent(proxy, target % port, method=method, body=b"")

    assert other.received == []


def test_a_target_that_is_no_path_is_refused():
    with proxied(PLAIN) as (proxy, upstream):
        told = sent(proxy, b"http://evil.example/v1/models", method=b"GET", body=b"")

    assert told.startswith(b"HTTP/1.1 400")
    assert upstream.received == []


@pytest.mark.parametrize("target", [b"/v1/chat/completions", b"/v1/files"])
@pytest.mark.parametrize("value", ["Café", "日本"])
def test_headers_of_any_bytes_go_both_ways(target, value):
    line = f"x-title: {value}".encode()
    reply = bare.answer(json.dumps(WHOLE).encode(), b"Content-Type: application/json", line)
    with proxied(reply) as (proxy, upstream):
        told = sent(proxy, target, line)

    assert line in upstream.received[0]
    assert line in told


def test_a_namespace_in_utf_8_is_that_of_the_command_line(cli):
    with proxied(PLAIN) as (proxy, _):
        sent(proxy, b"/v1/chat/completions", "x-llmc-namespace: é".encode())
        found = cli("ask", "-n", "é", "-m", "m", "--offline", "why?")

    assert found.out == "a\n"


def test_a_body_in_chunks_is_no_longer_as_long_as_its_head_says():
    with proxied(PLAIN) as (proxy, upstream), connected(proxy) as client:
        client.sendall(
            b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        )
        told = client.recv(65536)

    assert told.startswith(b"HTTP/1.1 200")
    assert b"content-length" not in upstream.received[0].lower()
    assert upstream.received[0].endswith(b"3\r\nabc\r\n0\r\n\r\n")


def test_what_another_llmc_tells_of_itself_does_not_go_on():
    told = (b"Content-Type: application/json", b"x-llmc-source: exact", b"x-llmc-id: 77")
    with proxied(bare.answer(json.dumps(WHOLE).encode(), *told)) as (proxy, _):
        asked, passed = proxy.ask(), proxy.http.get(proxy.url + "/files")

    assert asked.headers.get_list("x-llmc-source") == ["model"]
    assert asked.headers.get_list("x-llmc-id") == ["1"]
    assert passed.headers.get_list("x-llmc-source") == ["passed"]


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST", b"DELETE"])
@pytest.mark.parametrize("target", [b"/v1/files", b"/v1/models", b"/v1/chat/completions"])
def test_an_answer_without_a_body_is_one(status, method, target):
    reply = b"HTTP/1.1 " + status + b"\r\nETag: x\r\n\r\n"
    with proxied(reply) as (proxy, _):
        told = sent(proxy, target, method=method)

    assert told.startswith(b"HTTP/1.1 " + status[:3])
    assert told.endswith(b"\r\n\r\n")


def test_the_length_that_head_tells_is_kept():
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"
    with proxied(reply) as (proxy, _):
        told = sent(proxy, b"/v1/files", method=b"HEAD", body=b"")

    assert b"content-length: 1234" in told


def test_requests_in_one_packet_are_all_answered():
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with proxied(PLAIN) as (proxy, _), connected(proxy) as client:
        client.sendall(request * 4 + last)
        told = b"".join(iter(lambda: client.recv(65536), b""))

    assert told.count(b"200 OK") == 5


# -- what a provider may send --------------------------------------------------------------------


def test_a_connection_that_the_provider_has_just_closed_loses_no_question():
    with proxied(PLAIN, lambda connection: connection.close(), PLAIN) as (proxy, upstream):
        first, second = proxy.ask(), proxy.ask(QUESTION | {"seed": 1})

    assert [first.status_code, second.status_code] == [200, 200]
    assert upstream.connections == 2


def test_a_provider_that_resets_each_kept_connection_is_asked_twice_at_most():
    sent = []

    class Resetting:
        async def send(self, request, *, stream):
            sent.append(request)
            raise httpx2.ReadError("reset")

    with pytest.raises(httpx2.ReadError):
        asyncio.run(_sent(Resetting(), httpx2.Request("POST", "http://h/v1"), again=True))

    assert len(sent) == 2


def test_a_new_connection_that_is_closed_is_an_error():
    with proxied(lambda connection: connection.close()) as (proxy, upstream):
        answer = proxy.ask()

    assert answer.json()["error"]["code"] == "upstream_unreachable"
    assert len(upstream.received) == 1


def test_a_body_that_breaks_off_is_an_error_and_not_stored():
    with proxied(cut, PLAIN) as (proxy, _):
        first, second = proxy.ask(), proxy.ask()

    assert first.json()["error"]["code"] == "upstream_broke_off"
    assert source(second) == "model"


def test_what_is_passed_on_breaks_off_where_it_breaks_off():
    with proxied(cut) as (proxy, _), pytest.raises(httpx2.RemoteProtocolError):
        proxy.http.get(proxy.url + "/files")


def test_a_list_of_models_that_breaks_off_is_the_last_one():
    listed = b'{"object": "list", "data": []}'
    with proxied(bare.answer(listed), cut) as (proxy, _):
        first, second = (proxy.http.get(proxy.url + "/models") for _ in range(2))

    assert first.content == second.content == listed
    assert [source(first), source(second)] == ["passed", "exact"]


def test_a_page_in_the_place_of_models_is_passed_on_and_not_kept():
    page = bare.answer(b"<html>", b"Content-Type: text/html", b"Retry-After: 7")
    with proxied(page, cut) as (proxy, _):
        first, second = (proxy.http.get(proxy.url + "/models") for _ in range(2))

    assert (first.content, first.headers["content-type"]) == (b"<html>", "text/html")
    assert first.headers["retry-after"] == "7"
    assert second.json() == {"object": "list", "data": []}


def test_cookies_go_to_the_client_and_are_not_kept():
    told = (b"Content-Type: application/json", b"Set-Cookie: a=1; Path=/", b"Set-Cookie: b=2")

    async def called(provider):
        upstream = Upstream(provider.origin, name="x", key=lambda: "k", timeout=30)
        asked = {"headers": [], "caller": Caller(), "content": b""}
        async with upstream.call("GET", "/files", **asked) as response:
            await response.aread()
        kept = list(upstream.connect().cookies.jar)
        await upstream.close()
        return response.headers.get_list("set-cookie"), kept

    with bare.serving(bare.answer(b"{}", *told)) as provider:
        assert asyncio.run(called(provider)) == (["a=1; Path=/", "b=2"], [])


def test_a_form_that_nobody_asked_for_is_passed_on_as_it_is():
    told = (b"Content-Type: application/json", b"Content-Encoding: br")
    with proxied(bare.answer(b"\x0b\x02\x80abc\x03", *told)) as (proxy, _):
        answer = sent(proxy)

    assert b"content-encoding: br" in answer
    assert answer.endswith(b"\r\n\r\n\x0b\x02\x80abc\x03")


def test_a_stream_of_another_type_is_one_where_a_stream_was_asked_for():
    gate = threading.Event()

    def send(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        connection.sendall(event({"content": "a"}))
        gate.wait(30)
        connection.sendall(STOP)
        connection.close()

    with proxied(send) as (proxy, _):
        with proxy.http.stream("POST", proxy.url + "/chat/completions", json=STREAMED) as answer:
            arriving = answer.iter_bytes()
            first = next(arriving)
            gate.set()
            list(arriving)
        again = proxy.ask(STREAMED)

    assert first == event({"content": "a"})
    assert source(again) == "exact"


def test_a_stream_that_stays_open_after_its_end_keeps_nobody_waiting():
    gate, end = threading.Event(), threading.Event()

    def send(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        connection.sendall(event({"content": "a"}))
        gate.wait(30)
        connection.sendall(STOP + wire.DONE)
        end.wait(30)

    with (
        proxied(send) as (proxy, _),
        httpx2.Client(verify=False) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        with proxy.http.stream("POST", proxy.url + "/chat/completions", json=STREAMED) as first:
            arriving = first.iter_bytes()
            next(arriving)
            plain = pool.submit(other.post, proxy.url + "/chat/completions", json=QUESTION)
            until(lambda: proxy.tally.open_requests == 2)
            gate.set()
            answer = plain.result(timeout=30)
        end.set()

    assert answer.json()["choices"][0]["message"]["content"] == "a"


ODDLY_WRITTEN = b"".join(
    [
        b": keep-alive\r\n\r\n",
        "event: x\r\nid: 1\r\nretry: 5\r\ndata:"
        '{"choices": [{"index": 0, "delta": {"content": "hé😀"}}], "usage": null}'
        "\r\n\r\n".encode(),
        b'data:\r\ndata: {"choices": []\r\ndata: , "usage": null}\r\n\r\n',
        STOP.replace(b"\n", b"\r\n"),
        b"data:[DONE]\r\n\r\n",
    ]
)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_events_may_be_written_and_cut_in_any_way(size):
    whole = ODDLY_WRITTEN
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    with proxied(bare.streamed(*pieces)) as (proxy, _):
        first, second = proxy.ask(STREAMED), proxy.ask()

    assert first.content == whole
    assert second.json()["choices"][0]["message"]["content"] == "hé😀"
    assert source(second) == "exact"


@pytest.mark.parametrize(
    "pieces",
    [
        [event({"content": "a"}), wire.event({"error": {"message": "no"}}), STOP],
        [event({"content": "a"}), b'event: error\ndata: {"message": "no"}\n\n', STOP],
        [event({"content": "a"}), b"data: {\n\n", STOP],
        [event({"content": "a"}), b'data: {"x": NaN}\n\n', STOP],
        [event({"content": "a"}), event({"content": ["b"]}), STOP],
        # Two calls under one number, and a call's piece without a number.
        [call("a", name="f", arguments="{}"), call("b", name="g", arguments="{}"), STOP],
        [call("a", name="f", arguments="{"), call(None, None, arguments="}"), STOP],
    ],
)
def test_a_stream_that_can_be_read_in_two_ways_is_passed_on_and_not_stored(pieces):
    with proxied(bare.streamed(*pieces, wire.DONE)) as (proxy, _):
        first, second = proxy.ask(STREAMED), proxy.ask(STREAMED)

    assert first.content == second.content == b"".join([*pieces, wire.DONE])
    assert source(second) == "model"


def test_calls_in_one_piece_each_need_no_numbers():
    pieces = [call("a", None, name="f", arguments="{}"), call("b", None, name="g", arguments="{}")]
    with proxied(bare.streamed(*pieces, event({}, "tool_calls"), wire.DONE)) as (proxy, _):
        proxy.ask(STREAMED)
        calls = proxy.ask().json()["choices"][0]["message"]["tool_calls"]

    assert [(each["id"], each["function"]["name"]) for each in calls] == [("a", "f"), ("b", "g")]


ODD = [None, 0, "x", [], {}, [None], [[]], ["x"], [1], {"a": 1}, True, 1e308, 10**400, -1]


def altered(value, place, odd):
    """Put something odd in all places of one name."""
    if isinstance(value, dict):
        return {k: odd if k == place else altered(v, place, odd) for k, v in value.items()}
    return [altered(v, place, odd) for v in value] if isinstance(value, list) else value


TOOL = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
SPOKEN = {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "a"}]}
CALLED = {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"}
RESPONSE = {"id": "r", "model": "m", "status": "completed", "output": [SPOKEN, CALLED]}
VECTORS = {"data": [{"index": 0, "embedding": [1.0]}], "usage": {"prompt_tokens": 1}}
ANSWERS = {
    "chat": {"choices": [{"index": 0, "message": MESSAGE | {"tool_calls": [TOOL]}}]},
    "chat stream": {"choices": [{"index": 0, "delta": MESSAGE | {"tool_calls": [TOOL]}}]},
    "responses": RESPONSE | {"usage": {"input_tokens": 1}},
    "responses stream": {"type": "response.completed", "response": RESPONSE},
    "embeddings": VECTORS,
}
PATHS = {"chat": "/chat/completions", "responses": "/responses", "embeddings": "/embeddings"}


def names_in(value):
    if isinstance(value, list):
        return set().union(*map(names_in, value))
    return set(value).union(*map(names_in, value.values())) if isinstance(value, dict) else set()


@pytest.mark.parametrize("kind", ANSWERS)
def test_whatever_an_answer_holds_it_reaches_the_client(kind):
    dialect, _, stream = kind.partition(" ")
    texts = [
        json.dumps(altered(ANSWERS[kind], place, odd))
        for place in sorted(names_in(ANSWERS[kind]))
        for odd in ODD
    ]
    events = [f"data: {text}\n\ndata: {text}\n\ndata: [DONE]\n\n".encode() for text in texts]
    told = b"Content-Type: text/event-stream"
    replies = [bare.answer(body, told) if stream else bare.answer(body) for body in
               (events if stream else [text.encode() for text in texts])]  # fmt: skip

    def asked(number, **headers):
        words = f"question {number}"
        body = QUESTION | {"messages": [{"role": "user", "content": words}], "stream": bool(stream)}
        if dialect != "chat":
            body = {"model": "m", "input": words} | ({"stream": True} if stream else {})
        return proxy.ask(body, to=PATHS[dialect], **headers)

    with proxied(*replies) as (proxy, _):
        answers = [asked(number) for number in range(len(texts))]
        again = [asked(number, cache_control="only-if-cached") for number in range(len(texts))]

    assert {answer.status_code for answer in answers} == {200}
    assert [t for t, a in zip(texts, answers, strict=True) if t not in a.text] == []
    assert {answer.status_code for answer in again} <= {200, 504}


@pytest.mark.parametrize("odd", [[], {}, 3, True])
def test_an_encoding_that_is_none_is_the_provider_s_to_refuse(odd):
    with proxied(bare.answer(b"{}", status=b"400 Bad Request")) as (proxy, _):
        asked = {"model": "m", "input": "x", "encoding_format": odd}
        answer = proxy.ask(asked, to="/embeddings")

    assert (answer.status_code, answer.json()) == (400, {})


def test_a_tool_of_no_kind_is_the_provider_s_to_refuse():
    with proxied(bare.answer(b"{}", status=b"400 Bad Request")) as (proxy, _):
        asked = {"model": "m", "input": "x", "tools": [{"type": []}]}
        answer = proxy.ask(asked, to="/responses")

    assert (answer.status_code, answer.json()) == (400, {})


# -- clients that leave, and that say nothing ----------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"x" * 10])
def test_the_call_of_a_client_that_left_is_ended_though_nothing_came_of_it(body):
    left = threading.Event()

    def hold(connection):
        connection.settimeout(30)
        if connection.recv(1) == b"":
            left.set()

    with proxied(hold) as (proxy, upstream), connected(proxy) as client:
        length = b"Content-Length: %d" % len(body)
        client.sendall(
            b"POST /v1/images HTTP/1.1\r\nHost: localhost\r\n%b\r\n\r\n%b" % (length, body)
        )
        until(lambda: upstream.received)
        client.close()

        assert left.wait(30)


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHo", b"GET /healthz HTTP/1.1\r\n"])
def test_who_does_not_ask_is_not_waited_for(said, monkeypatch):
    monkeypatch.setattr(listening, "_PATIENCE", 0.05)
    with proxied(PLAIN) as (proxy, _), connected(proxy) as client:
        client.sendall(said)

        assert client.recv(100) == b""


def test_an_answer_that_takes_long_is_waited_for(monkeypatch):
    monkeypatch.setattr(listening, "_PATIENCE", 0.05)

    def slowly(connection):
        threading.Event().wait(0.3)
        connection.sendall(PLAIN)

    with proxied(slowly) as (proxy, _):
        assert proxy.ask().status_code == 200


def test_an_answer_that_is_being_cancelled_is_not_joined():
    async def ask_while_it_ends():
        relays = Relays(grace=0)
        relay = Relay(wire.Shape())
        relays.start("question", relay, lambda _: asyncio.sleep(30))
        relays.join(relay)
        relays.leave(relay)
        (task,) = relays._tasks.values()
        seen = set()
        for _ in range(20):
            await asyncio.sleep(0)
            seen.add((task.cancelling() > 0, relays.find("question") is relay))
        return seen

    assert asyncio.run(ask_while_it_ends()) == {(False, True), (True, False)}
