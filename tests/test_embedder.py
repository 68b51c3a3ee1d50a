from __future__ import annotations

import base64
import contextlib
import json
import math
import socket
import struct
import threading
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from upstream import Reply, Upstream

from llmc import embedder
from llmc.embedder import Embedded, Endpoint, encoding_format, unit
from llmc.errors import EmbeddingError

KEY = "sk-a-secret"


@pytest.fixture
def endpoint(upstream):
    endpoint = Endpoint(upstream.url, key=KEY, model="m-embed", timeout=5.0)
    yield endpoint
    endpoint.close()


def answer(*vectors, usage=None, **fields):
    """A reply with these vectors, numbered in order."""
    items = [
        {"object": "embedding", "index": number, "embedding": vector}
        for number, vector in enumerate(vectors)
    ]
    body = {"object": "list", "data": items, "usage": usage} | fields
    return Reply(raw=json.dumps(body).encode())


def floats(vector):
    return list(struct.unpack(f"<{len(vector) // 4}f", vector))


def test_texts_become_unit_vectors_and_a_bill(endpoint, upstream):
    upstream.will(answer([3.0, 4.0], [0, -2], usage={"prompt_tokens": 7, "total_tokens": 7}))

    vectors, tokens = endpoint.embed(["a", "b"])

    assert floats(vectors[0]) == pytest.approx([0.6, 0.8])
    assert floats(vectors[1]) == [0.0, -1.0]
    assert tokens == 7
    assert endpoint.dimension == 2


def test_a_request_says_what_the_api_needs_and_no_more(endpoint, upstream):
    upstream.will(answer([1.0, 0.0]))

    endpoint.embed(["a"])

    call = upstream.calls[0]
    assert call.path == "/v1/embeddings"
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.body == {"input": ["a"], "model": "m-embed", "encoding_format": "float"}


def test_its_name_holds_the_model_and_its_host(endpoint, upstream):
    assert endpoint.name == f"m-embed@{upstream.url}"
    assert endpoint.dimension is None


def test_no_text_asks_nothing(endpoint, upstream):
    assert endpoint.embed([]) == Embedded([], 0)
    assert upstream.calls == []


def test_many_texts_go_in_several_requests_in_order(endpoint, upstream, monkeypatch):
    monkeypatch.setattr(embedder, "_BATCH", 2)
    usage = {"total_tokens": 5}
    upstream.will(answer([1, 0], [0, 1], usage=usage), answer([-1, 0], usage=usage))

    vectors, tokens = endpoint.embed(["a", "b", "c"])

    assert [floats(vector) for vector in vectors] == [[1, 0], [0, 1], [-1, 0]]
    assert [call.body["input"] for call in upstream.calls] == [["a", "b"], ["c"]]
    assert tokens == 10


def test_vectors_in_another_order_are_put_in_order(endpoint, upstream):
    items = [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1, 0]}]
    upstream.will(answer(data=items))

    vectors = endpoint.embed(["a", "b"]).vectors

    assert [floats(vector) for vector in vectors] == [[1, 0], [0, 1]]


def test_base64_is_read_wherever_it_comes(endpoint, upstream):
    upstream.will(answer(base64.b64encode(struct.pack("<3f", 0, 3, 4)).decode()))

    assert floats(endpoint.embed(["a"]).vectors[0]) == pytest.approx([0, 0.6, 0.8])


def test_one_vector_in_a_list_of_its_own_is_that_vector(endpoint, upstream):
    upstream.will(answer([[3.0, 4.0]]))

    assert floats(endpoint.embed(["a"]).vectors[0]) == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.openai.com/v1", "base64"),
        ("https://eu.api.openai.com/v1", "base64"),
        ("https://api.openai.com.example/v1", "float"),
        ("https://notapi.openai.com/v1", "float"),
        ("http://127.0.0.1:11434/v1", "float"),
    ],
)
def test_base64_is_asked_of_openai_alone(url, expected):
    assert encoding_format(url) == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 3, "total_tokens": 4}, 3),
        ({"total_tokens": 4}, 4),
        ({"prompt_tokens": True, "total_tokens": -1}, None),
        ({}, None),
        (None, None),
        ("7", None),
    ],
)
def test_an_unknown_bill_is_none_and_never_nothing(endpoint, upstream, usage, expected):
    upstream.will(answer([1, 0], usage=usage))

    assert endpoint.embed(["a"]).tokens == expected


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer([1, 0]), "sent 1 vectors for 2 texts"),
        (answer(), "sent 0 vectors for 2 texts"),
        (answer([1, 0], [0, 1], [1, 1]), "sent 3 vectors for 2 texts"),
        (answer([1, 0], [0, 1, 0]), "sent 3 numbers instead of 2"),
        (answer([1, 0], [0, math.nan]), r"a number that is none \(NaN or infinite\)"),
        (answer([1, 0], [0, math.inf]), r"a number that is none \(NaN or infinite\)"),
        (answer([1, 0], [0, 10**400]), r"a number that is none \(NaN or infinite\)"),
        (answer([1, 0], [0, 0]), "a vector without direction"),
        (answer([1, 0], [1e-320, 0]), "a vector without direction"),
        (answer([1, 0], []), "no vector"),
        (answer([1, 0], None), "no vector"),
        (answer([1, 0], {"a": 1}), "no vector"),
        (answer([1, 0], [[0, 1], [1, 0]]), "a vector a token, not one for the text"),
        (answer([1, 0], [[]]), "no vector"),
        (answer([1, 0], [True, False]), "does not consist of numbers"),
        (answer([1, 0], ["0", "1"]), "does not consist of numbers"),
        (answer([1, 0], [1, [0]]), "does not consist of numbers"),
        (answer([1, 0], "not base64!"), "not base64"),
        (answer([1, 0], "AAAA"), "cut short"),
        (answer([1, 0], ""), "cut short"),
        (answer([1, 0], "ä"), "not base64"),
        (answer(data=[{"index": 0, "embedding": [1]}] * 2), "number its vectors"),
        (answer(data=[{"index": 1, "embedding": [1]}, {"index": 76}]), "number its vectors"),
        (answer(data=[{"embedding": [1]}] * 2), "number its vectors"),
        (answer(data=[{"index": "0"}, {"index": []}]), "number its vectors"),
        (answer(data=[[1, 0], [0, 1]]), "malformed"),
        (answer(data={"0": [1, 0]}), "malformed"),
        (answer(data=None), "malformed"),
        (Reply(raw=b"[]"), "malformed"),
        (Reply(raw=b""), "malformed"),
        (Reply(raw=b"<html>"), "malformed"),
        (Reply(raw=b"\xff\xfe\xfd"), "malformed"),
        (Reply(raw=b"[" * 100_000), "malformed"),
        (Reply(raw=b"x" * 3_000), "sent more than vectors can take"),
        (Reply(status=404), "answered 404: no"),
        (Reply(status=500, error={"error": "out of\nmemory\x1b[2J"}), "500: out of memory"),
        (Reply(status=400, error={"message": "bad"}), "answered 400: bad"),
        (Reply(status=429, error=[]), "answered 429"),
        (Reply(status=302, headers={"Location": "http://127.0.0.1:9/"}), "answered 302"),
    ],
)
def test_what_is_no_vector_for_each_text_is_an_error(
    endpoint, upstream, monkeypatch, reply, reason
):
    monkeypatch.setattr(embedder, "_LONGEST_ANSWER", 2_000 if b"xxx" in (reply.raw or b"") else 1e9)
    upstream.will(reply)

    with pytest.raises(EmbeddingError, match=reason) as failure:
        endpoint.embed(["a", "b"])

    assert str(failure.value).startswith("embeddings: 127.0.0.1:")
    assert str(failure.value).isprintable()
    assert endpoint.dimension is None


def test_another_dimension_than_the_first_is_refused(endpoint, upstream):
    upstream.will(answer([1, 0]), answer([1, 0, 0]))
    endpoint.embed(["a"])

    with pytest.raises(EmbeddingError, match="sent 3 numbers instead of 2"):
        endpoint.embed(["b"])


def test_a_key_that_the_server_repeats_does_not_get_into_the_error(endpoint, upstream):
    upstream.will(Reply(status=401, error={"error": {"message": f"wrong key: {KEY}."}}))

    with pytest.raises(EmbeddingError, match=r"answered 401: wrong key: …\.") as failure:
        endpoint.embed(["a"])

    assert KEY not in str(failure.value)


@pytest.mark.parametrize("key", ["sk-line\nbreak", "sk-ключ", "sk\x00"])
def test_a_key_that_cannot_be_sent_is_an_error_without_it(upstream, key):
    endpoint = Endpoint(upstream.url, key=key, model="m")

    with pytest.raises(EmbeddingError, match="characters that no key has") as failure:
        endpoint.embed(["a"])

    assert key not in repr(failure.value)
    assert failure.value.__cause__ is None


def test_a_server_that_says_nothing_is_not_waited_for(upstream):
    endpoint = Endpoint(upstream.url, key=KEY, model="m", timeout=0.1)
    upstream.will(Reply(delay=30))

    with pytest.raises(EmbeddingError, match=r"gave no answer within 0\.1 s"):
        endpoint.embed(["a"])

    endpoint.close()


@pytest.fixture
def dribble():
    """The address of a server that sends its answer byte by byte, for as long as it is read."""
    listening = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve(start):
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(start)
            while not stopped.wait(0.02):
                connection.sendall(b" ")

    def begin(start):
        threading.Thread(target=serve, args=(start,), daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/v1"

    yield begin
    stopped.set()
    listening.close()


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\nServer:", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"],
    ids=["headers", "body"],
)
def test_an_answer_that_dribbles_in_is_not_waited_for(dribble, start):
    endpoint = Endpoint(dribble(start), key=KEY, model="m", timeout=0.3)
    began_at = time.monotonic()

    with pytest.raises(EmbeddingError, match=r"gave no answer within 0\.3 s"):
        endpoint.embed(["a"])

    assert time.monotonic() - began_at < 2


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch):
    freed = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: freed.wait(20) and [])
    endpoint = Endpoint("http://embeddings.example/v1", key=KEY, model="m", timeout=0.1)

    with pytest.raises(EmbeddingError, match=r"embeddings\.example gave no answer within"):
        endpoint.embed(["a"])

    freed.set()


def test_an_endpoint_that_was_late_may_be_asked_again(upstream):
    endpoint = Endpoint(upstream.url, key=KEY, model="m", timeout=0.2)
    upstream.will(Reply(delay=30), answer([1, 0]))
    with pytest.raises(EmbeddingError):
        endpoint.embed(["a"])

    assert floats(endpoint.embed(["b"]).vectors[0]) == [1, 0]

    endpoint.close()


@pytest.mark.parametrize(
    ("scheme", "variables"),
    [
        ("http", {"HTTP_PROXY": "gopher://user:secret@proxy.example"}),
        ("http", {"ALL_PROXY": "socks5://user:secret@127.0.0.1:9"}),
        ("https", {"SSL_CERT_FILE": "/nowhere/at/all.pem"}),
        ("https", {"SSL_CERT_FILE": __file__}),
    ],
    ids=["scheme", "socks", "missing", "no certificate"],
)
def test_an_environment_that_cannot_be_used_is_an_error_without_its_passwords(
    monkeypatch, scheme, variables
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    endpoint = Endpoint(f"{scheme}://127.0.0.1:9/v1", key=KEY, model="m")

    with pytest.raises(EmbeddingError, match="proxy or certificates of the environment") as failure:
        endpoint.embed(["a"])

    assert "secret" not in repr(failure.value)
    assert failure.value.__cause__ is None


def test_a_redirection_does_not_get_the_key(endpoint, upstream):
    other = Upstream()
    upstream.will(Reply(status=307, headers={"Location": f"{other.url}/embeddings"}))

    with pytest.raises(EmbeddingError, match="answered 307"):
        endpoint.embed(["a"])

    other.stop()
    assert other.calls == []


def test_long_texts_go_in_several_requests(endpoint, upstream, monkeypatch):
    monkeypatch.setattr(embedder, "_BATCH_BYTES", 10)
    upstream.will(answer([1, 0], [0, 1]), answer([-1, 0]), answer([0, -1]))

    vectors = endpoint.embed(["four", "six...", "é" * 6, "one"]).vectors

    assert [call.body["input"] for call in upstream.calls] == [
        ["four", "six..."],
        ["é" * 6],
        ["one"],
    ]
    assert [floats(vector) for vector in vectors] == [[1, 0], [0, 1], [-1, 0], [0, -1]]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "nonsense://x/v1", "http://a..b/v1"])
def test_a_server_that_is_not_there_cannot_be_reached(url):
    with pytest.raises(EmbeddingError, match="cannot be reached"):
        Endpoint(url, key=KEY, model="m").embed(["a"])


def test_half_a_character_can_be_asked_about(endpoint, upstream):
    upstream.will(answer([1, 0]))

    endpoint.embed(["half \ud83d a pair"])

    assert upstream.calls[0].body["input"] == ["half \ud83d a pair"]


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=50))
def test_a_vector_with_a_direction_has_unit_length(numbers):
    assume(max(map(abs, numbers)) > 1e-300)

    vector = floats(unit(numbers))

    assert math.hypot(*vector) == pytest.approx(1, abs=1e-6)
    assert all(v * n >= 0 for v, n in zip(vector, numbers, strict=True))


@given(st.lists(st.floats(), min_size=1, max_size=20))
def test_numbers_become_a_unit_vector_or_an_error(numbers):
    try:
        length = math.hypot(*floats(unit(numbers)))
    except ValueError:
        return
    assert length == pytest.approx(1, abs=1e-6)
