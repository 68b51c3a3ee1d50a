from __future__ import annotations

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from encoder import REWORDED, STORED
from proxies import QUESTION, running, until
from upstream import Reply

from llmc.dialects import wire

STREAMED = QUESTION | {"stream": True}
WITH_USAGE = STREAMED | {"stream_options": {"include_usage": True}}


@pytest.fixture
def proxy(upstream, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-configured")
    with running() as proxy:
        yield proxy


def sources(*responses):
    """Where answers came from; one that memory holds was stored as well."""
    found = [response.headers["x-llmc-source"] for response in responses]
    return ["exact" if source == "memory" else source for source in found]


def text_of(response):
    """What a response says, plain or streamed."""
    if "event-stream" not in response.headers["content-type"]:
        return response.json()["choices"][0]["message"]["content"]
    events = [json.loads(e) for e in wire.Events().feed(response.content) if e != "[DONE]"]
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


# -- hits and misses -----------------------------------------------------------------------------


def test_a_question_reaches_the_provider_once(proxy, upstream):
    first, second = proxy.ask(), proxy.ask()

    assert sources(first, second) == ["model", "exact"]
    assert text_of(first) == text_of(second) == "answer 1"
    assert first.headers["x-llmc-id"] == second.headers["x-llmc-id"] == "1"
    assert len(upstream.calls) == 1
    assert upstream.calls[0].body == QUESTION


@pytest.mark.parametrize(
    ("asked", "again"), [(QUESTION, STREAMED), (STREAMED, QUESTION), (STREAMED, WITH_USAGE)]
)
def test_an_answer_is_stored_once_and_served_either_way(proxy, upstream, asked, again):
    first, second = proxy.ask(asked), proxy.ask(again)

    assert sources(first, second) == ["model", "exact"]
    assert text_of(first) == text_of(second) == "answer 1"
    assert len(upstream.calls) == 1


def test_a_question_of_the_proxy_is_a_hit_for_ask_and_the_reverse(proxy, upstream, cli):
    proxy.ask()
    typed = cli("ask", "-m", "m", "why?")
    cli("ask", "-m", "m", "and why not?")
    asked = proxy.ask({"model": "m", "messages": [{"role": "user", "content": "and why not?"}]})

    assert typed.out == "answer 1\n"
    assert text_of(asked) == "answer 2"
    assert sources(asked) == ["exact"]
    assert len(upstream.calls) == 2


def test_a_body_is_sent_on_byte_for_byte(proxy, upstream):
    reply = b'{"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}],  "odd": 1}\n'
    upstream.will(Reply(raw=reply))

    answer = proxy.ask(QUESTION | {"unheard_of": [1, {"x": None}]})

    assert answer.content == reply
    assert upstream.calls[0].body["unheard_of"] == [1, {"x": None}]


def test_a_stream_is_passed_on_as_it_came(proxy, upstream):
    raw = wire.event({"choices": [{"index": 0, "delta": {"content": "a"}}]}, "odd") + wire.event(
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    )
    upstream.will(Reply(raw=raw, content_type="text/event-stream"))

    answer = proxy.ask(STREAMED)

    assert answer.content == raw
    assert sources(proxy.ask(STREAMED)) == ["exact"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(finish_reason="length"),
        Reply(finish_reason="content_filter"),
        Reply(finish_reason=None),
        Reply(""),
        Reply(message={"role": "assistant", "content": None, "refusal": "no"}),
        Reply(raw=b"<html>"),
        Reply(choices=[]),
    ],
)
def test_an_answer_that_is_none_is_passed_on_and_not_stored(proxy, upstream, reply):
    upstream.will(reply)

    first, second = proxy.ask(), proxy.ask()

    assert first.status_code == 200
    assert sources(first, second) == ["model", "model"]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_an_error_of_the_provider_passes_through_and_is_not_stored(proxy, upstream, status):
    error = {"error": {"message": "no", "code": "x", "extra": [1]}}
    upstream.will(Reply(status=status, error=error, headers={"Retry-After": "7"}))

    first, second = proxy.ask(), proxy.ask()

    assert (first.status_code, first.json()) == (status, error)
    assert first.headers["retry-after"] == "7"
    assert sources(first, second) == ["error", "model"]


def test_a_stream_that_breaks_off_breaks_off_for_the_client_and_is_not_stored(proxy, upstream):
    upstream.will(Reply("a b c", cut=2, headers={"Content-Length": "9999"}))

    with pytest.raises(httpx2.RemoteProtocolError):
        proxy.ask(STREAMED)

    assert sources(proxy.ask(STREAMED)) == ["model"]


def test_a_stream_without_a_finish_reason_is_not_stored(proxy, upstream):
    upstream.will(Reply("a b c", cut=2))

    assert text_of(proxy.ask(STREAMED)) == "a b"
    assert sources(proxy.ask(STREAMED)) == ["model"]


def test_randomness_that_was_asked_for_is_not_stored(proxy, upstream):
    asked = QUESTION | {"temperature": 1}

    assert sources(proxy.ask(asked), proxy.ask(asked)) == ["model", "model"]


def test_a_provider_out_of_reach_is_a_bad_gateway(upstream, monkeypatch):
    upstream.stop()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-configured")
    with running() as proxy:
        answer = proxy.ask()

    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "upstream_unreachable"


def test_a_proxy_of_the_environment_that_cannot_be_used_is_an_error_of_its_own(
    upstream, monkeypatch
):
    with running() as proxy:
        monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
        answer = proxy.ask()

    assert answer.status_code == 502
    assert "proxy or certificates of the environment" in answer.json()["error"]["message"]
    assert answer.headers["x-should-retry"] == "false"


def test_hits_are_counted_in_the_ledger(upstream, cli):
    with running() as proxy:
        proxy.ask()
        proxy.ask()
        proxy.ask(STREAMED)
        proxy.ask(cache_control="no-store")

    stats = json.loads(cli("stats", "--json").out)

    assert (stats["hits"], stats["misses"], stats["bypassed"]) == (2, 1, 1)
    assert (proxy.tally.hits, proxy.tally.requests) == (2, 4)


# -- what a request may ask for ------------------------------------------------------------------


def test_no_cache_asks_anew_and_overwrites(proxy):
    proxy.ask()
    again = proxy.ask(cache_control="no-cache")

    assert sources(again) == ["model"]
    assert text_of(proxy.ask()) == "answer 2"


def test_no_store_neither_reads_nor_writes(proxy):
    first, second = proxy.ask(cache_control="no-store"), proxy.ask()

    assert sources(first, second) == ["model", "model"]


def test_only_if_cached_never_asks(proxy, upstream):
    answer = proxy.ask(cache_control="only-if-cached")

    assert answer.status_code == 504
    assert answer.headers["x-should-retry"] == "false"
    assert answer.json()["error"]["code"] == "not_cached"
    assert upstream.calls == []


def test_an_answer_older_than_max_age_is_asked_anew(proxy, clock_of_entries):
    proxy.ask()
    young = proxy.ask(cache_control="max-age=60")
    clock_of_entries(-100)

    old = proxy.ask(cache_control="max-age=60")

    assert sources(young, old) == ["exact", "model"]


@pytest.fixture
def clock_of_entries(db):
    """Moves what is stored by some seconds."""
    from llmc.store import Store

    def move(seconds):
        with Store(str(db)) as store:
            store.file.execute("UPDATE entry SET created_at = created_at + ?", (seconds,))

    return move


def test_namespaces_are_kept_apart(proxy):
    first, second = proxy.ask(x_llmc_namespace="one"), proxy.ask(x_llmc_namespace="two")
    third = proxy.ask(x_llmc_namespace="one")

    assert sources(first, second, third) == ["model", "model", "exact"]


@pytest.mark.parametrize("headers", [{"x_llmc_match": "loosely"}, {"x_llmc_namespace": "x" * 101}])
def test_a_header_that_cannot_be_meant_is_refused(proxy, upstream, headers):
    answer = proxy.ask(**headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_header")
    assert upstream.calls == []


# -- keys and callers ----------------------------------------------------------------------------


def test_a_client_s_own_key_goes_upstream(proxy, upstream, db):
    proxy.ask(authorization="Bearer sk-of-the-client")

    assert upstream.calls[0].headers["authorization"] == "Bearer sk-of-the-client"
    assert b"sk-of-the-client" not in db.read_bytes()


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer llmc"}])
def test_without_one_the_configured_key_does(proxy, upstream, headers):
    proxy.ask(**headers)

    assert upstream.calls[0].headers["authorization"] == "Bearer sk-configured"


def test_without_any_key_the_provider_is_not_asked(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.example.com/v1")
    with running() as proxy:
        answer = proxy.ask()

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "no_key")


def test_a_key_is_no_part_of_the_question(proxy):
    first = proxy.ask(authorization="Bearer sk-one")

    assert sources(first, proxy.ask(authorization="Bearer sk-two")) == ["model", "exact"]


def test_headers_between_client_and_proxy_do_not_go_upstream(proxy, upstream):
    proxy.ask(cookie="a=b", x_llmc_namespace="n", cache_control="max-age=1", x_custom="kept")

    sent = upstream.calls[0].headers
    assert {"cookie", "x-llmc-namespace", "cache-control"} & set(sent) == set()
    assert sent["x-custom"] == "kept"
    assert sent["host"] in upstream.url


def test_with_a_token_nobody_comes_in_without(upstream):
    with running(tokens="correct-horse") as proxy:
        none, wrong = proxy.ask(), proxy.ask(authorization="Bearer wrong-token")
        right = proxy.ask(authorization="Bearer correct-horse")

    assert [none.status_code, wrong.status_code, right.status_code] == [401, 401, 200]
    assert "correct-horse" not in str(upstream.calls)


def test_a_token_beside_a_key_leaves_the_key_alone(upstream):
    with running(tokens="correct-horse") as proxy:
        proxy.ask(x_llmc_token="correct-horse", authorization="Bearer sk-own")

    assert upstream.calls[0].headers["authorization"] == "Bearer sk-own"
    assert "x-llmc-token" not in upstream.calls[0].headers


def test_callers_do_not_see_each_other_s_answers(upstream):
    with running(tokens="ann:token-of-ann, bob:token-of-bob") as proxy:
        first = proxy.ask(authorization="Bearer token-of-ann")
        second = proxy.ask(authorization="Bearer token-of-bob", x_llmc_namespace="default")
        third = proxy.ask(authorization="Bearer token-of-ann", x_llmc_namespace="default")

    assert sources(first, second, third) == ["model", "model", "exact"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:80"}, 421),
        ({"host": "localhost:1"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-origin"}, 200),
    ],
)
def test_pages_of_strangers_cannot_reach_it(proxy, headers, status):
    assert proxy.ask(**headers).status_code == status


# -- bodies that are none ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[]", "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b"\xff", "invalid_json"),
        (b"[" * 100_000, "too_deep"),
        (b'{"messages": ' + b"[" * 150 + b"]" * 150 + b"}", "too_deep"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_as_openai_does(proxy, upstream, content, code):
    answer = proxy.ask(content or b" ")

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    assert upstream.calls == []


def test_a_body_that_is_too_large_is_refused(proxy, upstream, monkeypatch):
    monkeypatch.setattr("llmc.proxy.intake.LIMIT", 100)

    answer = proxy.ask(b" " * 101)

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "content",
    [
        b'{"model": "m", "model": "other", "messages": [{"role": "user", "content": "hi"}]}',
        b'{"model": "m", "messages": []}',
        b'{"model": "m"}',
    ],
)
def test_what_is_not_understood_is_passed_on_and_nothing_of_it_is_kept(proxy, upstream, content):
    first, second = proxy.ask(content), proxy.ask(content)

    assert sources(first, second) == ["passed", "passed"]
    assert len(upstream.calls) == 2


def test_a_number_too_large_for_a_key_is_passed_on(proxy, upstream):
    content = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}], "seed": 1e999}'

    assert sources(proxy.ask(content)) == ["passed"]


# -- passing on ----------------------------------------------------------------------------------


def test_other_paths_are_passed_on_with_their_query(proxy, upstream):
    listed = proxy.http.get(proxy.url + "/files?limit=2", headers={"x-custom": "kept"})
    asked = proxy.ask({"model": "any"}, to="/moderations")

    assert sources(listed, asked) == ["passed", "passed"]
    assert upstream.gets[0].path == "/v1/files?limit=2"
    assert upstream.gets[0].headers["x-custom"] == "kept"
    assert upstream.calls[0].path == "/v1/moderations"
    assert upstream.calls[0].body == {"model": "any"}


def test_a_compressed_answer_is_passed_on_compressed(proxy, upstream):
    body = gzip.compress(b'{"a": 1}')
    upstream.will(Reply(raw=body, headers={"Content-Encoding": "gzip"}))

    answer = proxy.ask({"model": "any"}, to="/moderations")

    assert answer.json() == {"a": 1}
    assert answer.headers["content-encoding"] == "gzip"


def test_a_compressed_answer_to_a_question_is_stored(proxy, upstream):
    whole = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}
    body = gzip.compress(json.dumps(whole).encode())
    upstream.will(Reply(raw=body, headers={"Content-Encoding": "gzip"}))

    assert [text_of(proxy.ask()), text_of(proxy.ask())] == ["a", "a"]
    assert len(upstream.calls) == 1


def test_paths_without_v1_mean_the_same(proxy):
    proxy.ask()

    short = proxy.http.post(proxy.url.removesuffix("/v1") + "/chat/completions", json=QUESTION)

    assert sources(short) == ["exact"]


def test_offline_nothing_is_passed_on(upstream):
    with running(offline=True) as proxy:
        asked, other = proxy.ask(), proxy.http.get(proxy.url + "/files")

    assert [asked.status_code, other.status_code] == [504, 504]
    assert [request.body for request in proxy.missed] == [QUESTION]
    assert (upstream.calls, upstream.gets) == ([], [])


# -- many at once --------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [QUESTION, STREAMED])
def test_many_who_ask_the_same_at_once_share_one_call(proxy, upstream, body):
    gate = threading.Event()
    upstream.will(Reply("one answer", gate=gate))
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(proxy.ask, body) for _ in range(8)]
        until(lambda: len(upstream.calls) == 1 and proxy.tally.open_requests == 8)
        gate.set()
        texts = [text_of(each.result()) for each in asked]

    assert texts == ["one answer"] * 8
    assert len(upstream.calls) == 1
    assert proxy.tally.upstream_calls == 1


def test_those_who_want_another_form_wait_for_the_same_call(proxy, upstream):
    gate = threading.Event()
    upstream.will(Reply("one answer", gate=gate))
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(proxy.ask, body) for body in (STREAMED, QUESTION, WITH_USAGE)]
        until(lambda: len(upstream.calls) == 1 and proxy.tally.open_requests == 3)
        gate.set()
        texts = [text_of(each.result()) for each in asked]

    assert texts == ["one answer"] * 3
    assert len(upstream.calls) == 1


def test_followers_of_a_stream_get_what_came_before_it_has_ended(proxy, upstream):
    gate = threading.Event()
    upstream.will(Reply("one answer", gate=gate))
    with (
        proxy.http.stream("POST", proxy.url + "/chat/completions", json=STREAMED) as first,
        httpx2.Client(verify=False) as other,
        other.stream("POST", proxy.url + "/chat/completions", json=STREAMED) as second,
    ):
        arriving = [each.iter_bytes() for each in (first, second)]
        pieces = [next(each) for each in arriving]
        gate.set()

    assert pieces[0] == pieces[1]
    assert b"one" in pieces[0]
    assert len(upstream.calls) == 1


def test_a_client_that_leaves_takes_nothing_from_the_others(proxy, upstream):
    gate = threading.Event()
    upstream.will(Reply("one answer", gate=gate))
    with httpx2.Client(verify=False) as other, ThreadPoolExecutor(1) as pool:
        with other.stream("POST", proxy.url + "/chat/completions", json=STREAMED) as first:
            arriving = first.iter_bytes()
            next(arriving)
            follower = pool.submit(proxy.ask, STREAMED)
            until(lambda: proxy.tally.open_requests == 2)
        gate.set()
        answer = follower.result()

    assert text_of(answer) == "one answer"
    assert sources(proxy.ask()) == ["exact"]


def test_the_answer_of_a_client_that_left_is_stored_for_the_next(proxy, upstream):
    gate = threading.Event()
    upstream.will(Reply("one answer", gate=gate))
    with proxy.http.stream("POST", proxy.url + "/chat/completions", json=STREAMED) as first:
        next(first.iter_bytes())
    gate.set()

    answer = proxy.ask()

    assert text_of(answer) == "one answer"
    assert len(upstream.calls) == 1


def test_an_answer_that_nobody_waits_for_any_more_is_cancelled(upstream):
    gate = threading.Event()
    upstream.will(Reply("one " * 1000, gate=gate))
    with running(grace=0) as proxy:
        with proxy.http.stream("POST", proxy.url + "/chat/completions", json=STREAMED) as first:
            next(first.iter_bytes())
        until(lambda: proxy.tally.open_answers == 0)
        gate.set()
        again = proxy.ask(STREAMED)

    assert sources(again) == ["model"]
    assert len(upstream.calls) == 2


def test_those_who_wait_share_an_error_too(proxy, upstream):
    gate = threading.Event()
    upstream.will(Reply(status=400, gate=gate))
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(proxy.ask) for _ in range(4)]
        until(lambda: len(upstream.calls) == 1 and proxy.tally.open_requests == 4)
        gate.set()
        statuses = [each.result().status_code for each in asked]

    assert statuses == [400] * 4
    assert len(upstream.calls) == 1


def test_different_questions_do_not_wait_for_each_other(proxy, upstream):
    gate = threading.Event()
    upstream.will(Reply("slow", gate=gate))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(proxy.ask)
        until(lambda: len(upstream.calls) == 1)
        other = proxy.ask({"model": "m", "messages": [{"role": "user", "content": "other"}]})
        gate.set()

    assert text_of(other) == "answer 2"
    assert text_of(slow.result()) == "slow"


@pytest.mark.parametrize("body", [QUESTION, STREAMED])
def test_two_proxies_on_one_file_share_a_call_too(upstream, body):
    gate = threading.Event()
    upstream.will(Reply("one answer", gate=gate))
    with running() as one, running() as other, ThreadPoolExecutor(2) as pool:
        first = pool.submit(one.ask, body)
        until(lambda: len(upstream.calls) == 1)
        second = pool.submit(other.ask, body)
        until(lambda: other.tally.open_answers == 1)
        gate.set()
        answers = [first.result(), second.result()]

    assert [text_of(answer) for answer in answers] == ["one answer"] * 2
    assert sources(*answers) == ["model", "exact"]
    assert len(upstream.calls) == 1


def test_two_proxies_on_one_file_each_ask_where_there_was_no_answer(upstream):
    gate = threading.Event()
    upstream.will(Reply(status=400, gate=gate))
    with running() as one, running() as other, ThreadPoolExecutor(2) as pool:
        first = pool.submit(one.ask)
        until(lambda: len(upstream.calls) == 1)
        second = pool.submit(other.ask)
        until(lambda: other.tally.open_answers == 1)
        gate.set()

    assert first.result().status_code == 400
    assert text_of(second.result()) == "answer 2"


# -- in other words ------------------------------------------------------------------------------


@pytest.fixture
def by_meaning(upstream, monkeypatch):
    """A proxy with an embedder that knows three questions."""
    monkeypatch.setattr("llmc.config.embedder_of", lambda _: known_questions())
    with running() as proxy:
        yield proxy


def known_questions():
    from encoder import Embedder

    from llmc.meaning import Chosen

    return Chosen("known", local=True, open=Embedder, price=lambda *_: 0)


def about(text):
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


def test_a_question_in_other_words_is_answered_where_a_header_asks_for_it(by_meaning, upstream):
    by_meaning.ask(about(STORED))
    asked = by_meaning.ask(about(REWORDED), x_llmc_match="semantic")

    assert asked.headers["x-llmc-source"] == "semantic"
    assert float(asked.headers["x-llmc-similarity"]) > 0.95
    assert asked.headers["x-llmc-id"] == "1"
    assert len(upstream.calls) == 1


def test_no_header_no_other_words(by_meaning):
    by_meaning.ask(about(STORED))

    assert sources(by_meaning.ask(about(REWORDED))) == ["model"]


def test_other_words_never_cross_namespaces(by_meaning):
    by_meaning.ask(about(STORED), x_llmc_namespace="one")

    asked = by_meaning.ask(about(REWORDED), x_llmc_namespace="two", x_llmc_match="semantic")

    assert sources(asked) == ["model"]
