from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading

import httpx2
import openai
import pytest
from conftest import ROOT
from processes import at_once, output
from pydantic import BaseModel
from upstream import Reply

import llmc
from llmc.dialects import wire
from llmc.store import Store

ASKED = [{"role": "user", "content": "why?"}]
EMBEDDED = {
    "object": "list",
    "model": "e",
    "data": [
        {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]},
        {"object": "embedding", "index": 1, "embedding": [0.125, 1.0]},
    ],
    "usage": {"prompt_tokens": 4, "total_tokens": 4},
}


#: The plain client, and one with an HTTP client of the program's own, which nobody closes.
PROGRAM = """
import httpx2, openai, llmc
client = llmc.wrap(openai.OpenAI(api_key="sk-x", **{options}))
for _ in range(5):
    client.chat.completions.create(model="m", messages=[{{"role": "user", "content": "why?"}}])
"""

ASYNCHRONOUS = """
import asyncio, openai, llmc
async def main():
    client = llmc.wrap(openai.AsyncOpenAI(api_key="sk-x"))
    for _ in range(5):
        await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "why?"}]
        )
asyncio.run(main())
"""

FORK = """
import os, openai, llmc
client = llmc.wrap(openai.OpenAI(api_key="sk-x"))
def ask(prompt):
    messages = [{"role": "user", "content": prompt}]
    return client.chat.completions.create(model="m", messages=messages)
ask("why?")
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        break
    children.append(child)
for turn in range(10):
    ask(f"{os.getpid()} {turn}")
    ask("why?")
client.close()
if child == 0:
    os._exit(0)
print([os.waitpid(child, 0)[1] for child in children])
"""

ONE_OF_MANY = """
import asyncio, sys, openai, llmc
MESSAGES = [{"role": "user", "content": "why?"}]
def threads():
    client = llmc.wrap(openai.OpenAI(api_key="sk-x"))
    ready()
    return client.chat.completions.create(model="m", messages=MESSAGES)
async def tasks():
    async with llmc.wrap(openai.AsyncOpenAI(api_key="sk-x")) as client:
        ready()
        create = client.chat.completions.create
        return (await asyncio.gather(*[create(model="m", messages=MESSAGES) for _ in range(8)]))[7]
answer = asyncio.run(tasks()) if sys.argv[1] == "tasks" else threads()
print(answer.choices[0].message.content)
"""


class Colour(BaseModel):
    name: str


@pytest.fixture
def client(upstream):
    with llmc.wrap(openai.OpenAI(api_key="sk-x", max_retries=0)) as client:
        yield client


def ask(client, **options):
    return client.chat.completions.create(model="m", messages=ASKED, **options)


def text_of(stream):
    return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)


def test_a_question_reaches_the_provider_once(client, upstream):
    first, second = ask(client), ask(client)

    assert first.choices[0].message.content == second.choices[0].message.content == "answer 1"
    assert len(upstream.calls) == 1
    assert upstream.calls[0].headers["authorization"] == "Bearer sk-x"


def test_what_it_asked_is_a_hit_for_ask_and_the_reverse(client, upstream, cli):
    ask(client)
    typed = cli("ask", "-m", "m", "--offline", "why?")
    cli("ask", "-m", "m", "and why not?")
    question = [{"role": "user", "content": "and why not?"}]
    asked = client.chat.completions.create(model="m", messages=question)

    assert typed.out == "answer 1\n"
    assert asked.choices[0].message.content == "answer 2"
    assert len(upstream.calls) == 2


@pytest.mark.parametrize("first_is_a_stream", [True, False])
def test_a_stream_and_a_plain_answer_serve_each_other(client, upstream, first_is_a_stream):
    upstream.will(Reply("a b c"))

    def streamed():
        return text_of(ask(client, stream=True))

    def plain():
        return ask(client).choices[0].message.content

    ways = [streamed, plain, streamed] if first_is_a_stream else [plain, streamed, plain]

    assert [way() for way in ways] == ["a b c"] * 3
    assert len(upstream.calls) == 1


def test_a_stream_that_is_left_early_is_not_stored(client, upstream):
    gate = threading.Event()
    upstream.will(Reply("a b c", gate=gate))
    with ask(client, stream=True) as stream:
        next(iter(stream))
    gate.set()

    assert ask(client).choices[0].message.content == "answer 2"


def test_a_stream_that_breaks_off_is_not_stored(client, upstream):
    upstream.will(Reply("a b c", cut=2))

    assert text_of(ask(client, stream=True)) == "a b"
    assert text_of(ask(client, stream=True)) == "answer 2"


def test_structured_output_is_parsed(client, upstream):
    upstream.will(Reply('{"name": "blue"}'))

    def parse():
        answer = client.chat.completions.parse(model="m", messages=ASKED, response_format=Colour)
        return answer.choices[0].message.parsed

    assert [parse(), parse()] == [Colour(name="blue")] * 2
    assert len(upstream.calls) == 1


def test_calls_of_tools_are_kept(client, upstream):
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    upstream.will(Reply(message=message, finish_reason="tool_calls"))
    tools = [{"type": "function", "function": {"name": "f"}}]

    answers = [ask(client, tools=tools) for _ in range(2)]

    assert [a.choices[0].message.tool_calls[0].function.name for a in answers] == ["f", "f"]
    assert len(upstream.calls) == 1


def test_responses_are_kept(client, upstream):
    part = {"type": "output_text", "text": "blue", "annotations": []}
    item = {"id": "m1", "type": "message", "role": "assistant", "content": [part]}
    response = {"id": "r", "object": "response", "status": "completed", "output": [item]}
    upstream.will(Reply(raw=json.dumps(response).encode()))

    answers = [client.responses.create(model="m", input="which?") for _ in range(2)]

    assert [answer.output_text for answer in answers] == ["blue", "blue"]
    assert len(upstream.calls) == 1


def test_embeddings_are_known_text_by_text(client, upstream):
    one_more = EMBEDDED | {"data": EMBEDDED["data"][:1]}
    upstream.will(*(Reply(raw=json.dumps(reply).encode()) for reply in (EMBEDDED, one_more)))
    create = client.embeddings.create

    create(model="e", input=["a", "b"], encoding_format="float")
    again = create(model="e", input=["b", "c", "a"], encoding_format="float")
    known = create(model="e", input="c")

    assert [item.embedding for item in again.data] == [[0.125, 1.0], [0.5, 0.25], [0.5, 0.25]]
    assert known.data[0].embedding == [0.5, 0.25]
    assert [call.body["input"] for call in upstream.calls] == [["a", "b"], ["c"]]


def test_asynchronous_clients_are_answered_too(upstream):
    upstream.will(Reply("a b"))

    async def story():
        async with llmc.wrap(openai.AsyncOpenAI(api_key="sk-x")) as client:
            create = client.chat.completions.create
            stream = await create(model="m", messages=ASKED, stream=True)
            parts = [c.choices[0].delta.content or "" async for c in stream if c.choices]
            plain = await create(model="m", messages=ASKED)
            upstream.will(Reply(raw=json.dumps(EMBEDDED).encode()))
            for _ in range(2):
                vectors = await client.embeddings.create(model="e", input=["a", "b"])
            return "".join(parts), plain.choices[0].message.content, vectors.data[1].embedding

    assert asyncio.run(story()) == ("a b", "a b", [0.125, 1.0])
    assert len(upstream.calls) == 2


def test_an_error_that_an_asynchronous_client_gets_for_vectors_is_the_sdk_s_own(upstream):
    upstream.will(Reply(status=400, error={"error": {"message": "no", "code": "x"}}))

    async def story():
        async with llmc.wrap(openai.AsyncOpenAI(api_key="sk-x")) as client:
            await client.embeddings.create(model="e", input=["a", "b"])

    with pytest.raises(openai.BadRequestError, match="no"):
        asyncio.run(story())


def test_an_error_of_the_provider_is_the_sdk_s_own(client, upstream):
    upstream.will(Reply(status=400, error={"error": {"message": "no", "code": "x"}}))

    with pytest.raises(openai.BadRequestError, match="no"):
        ask(client)

    assert ask(client).choices[0].message.content == "answer 2"


def test_offline_a_miss_is_an_error_that_is_not_tried_again(upstream):
    with (
        llmc.wrap(openai.OpenAI(api_key="sk-x"), offline=True) as client,
        pytest.raises(openai.InternalServerError, match="not in the cache"),
    ):
        ask(client)

    assert upstream.calls == []


def test_headers_ask_for_something_else_and_do_not_go_upstream(client, upstream):
    ask(client)
    again = ask(client, extra_headers={"Cache-Control": "no-cache"})
    ask(client, extra_headers={"x-llmc-namespace": "other"})

    assert again.choices[0].message.content == "answer 2"
    assert len(upstream.calls) == 3
    assert not any("x-llmc-namespace" in call.headers for call in upstream.calls)
    assert ask(client).choices[0].message.content == "answer 2"


def test_an_answer_says_where_it_came_from(client):
    ask(client)

    raw = client.chat.completions.with_raw_response.create(model="m", messages=ASKED)

    assert raw.headers["x-llmc-source"] in {"exact", "memory"}
    assert raw.parse().choices[0].message.content == "answer 1"


def test_what_an_answer_is_changed_to_changes_nothing_that_is_kept(client):
    first = ask(client)
    first.choices[0].message.content = "changed"

    assert ask(client).choices[0].message.content == "answer 1"


def test_other_calls_go_the_way_they_went(client, upstream):
    assert [model.id for model in client.models.list()] == ["m"]
    assert len(upstream.gets) == 1


def test_the_client_s_own_way_to_the_provider_is_kept(upstream):
    seen = []

    def handler(request):
        seen.append(request)
        events = [
            {"choices": [{"index": 0, "delta": {"content": "mine"}, "finish_reason": "stop"}]}
        ]
        body = b"".join([*map(wire.event, events), wire.DONE])
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    own = httpx2.Client(transport=httpx2.MockTransport(handler))
    with llmc.wrap(openai.OpenAI(api_key="sk-x", http_client=own)) as client:
        texts = [text_of(ask(client, stream=True)) for _ in range(2)]

    assert texts == ["mine", "mine"]
    assert len(seen) == 1
    assert upstream.calls == []


def test_hits_are_counted_and_no_key_is_stored(client, db):
    for _ in range(3):
        ask(client)
    client.close()

    with Store(str(db)) as store:
        totals = store.ledger.totals(since=0)[0]
    assert (totals["misses"], totals["hits"]) == (1, 2)
    assert b"sk-x" not in db.read_bytes()


class TestManyWhoAskTheSame:
    def ask_in_threads(self, client, count: int = 8) -> list:
        answers: list = []

        def one() -> None:
            try:
                answers.append(ask(client).choices[0].message.content)
            except openai.OpenAIError as error:
                answers.append(type(error))

        threads = [threading.Thread(target=one) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def test_in_threads_pay_once(self, client, upstream):
        upstream.will(Reply("slow", delay=0.3))

        assert self.ask_in_threads(client) == ["slow"] * 8
        assert len(upstream.calls) == 1

    def test_in_tasks_pay_once(self, upstream, db):
        upstream.will(Reply("slow", delay=0.3))

        async def story():
            async with llmc.wrap(openai.AsyncOpenAI(api_key="sk-x")) as client:
                return await asyncio.gather(*[ask(client) for _ in range(60)])

        answers = asyncio.run(story())

        assert {each.choices[0].message.content for each in answers} == {"slow"}
        assert len(upstream.calls) == 1
        with Store(str(db)) as store:
            assert store.entry(1).hits == 59

    def test_in_processes_pay_once(self, upstream):
        upstream.will(Reply("slow", delay=0.5))

        said = at_once(ONE_OF_MANY, [("tasks",), ("threads",), ("tasks",)])

        assert said == ["slow"] * 3
        assert len(upstream.calls) == 1

    def test_share_a_failure(self, client, upstream):
        upstream.will(Reply(status=500, delay=0.3))

        assert self.ask_in_threads(client) == [openai.InternalServerError] * 8
        assert len(upstream.calls) == 1

    def test_share_a_failure_in_tasks(self, upstream):
        upstream.will(Reply(status=429, delay=0.3))

        async def story():
            plain = openai.AsyncOpenAI(api_key="sk-x", max_retries=0)
            async with llmc.wrap(plain) as client:
                asked = [ask(client) for _ in range(8)]
                return await asyncio.gather(*asked, return_exceptions=True)

        assert {type(each) for each in asyncio.run(story())} == {openai.RateLimitError}
        assert len(upstream.calls) == 1

    def test_share_that_nobody_listens(self, client, upstream):
        upstream.stop()

        assert self.ask_in_threads(client) == [openai.APIConnectionError] * 8

    def test_do_not_share_a_refused_key(self, client, upstream):
        upstream.will(Reply(status=401, delay=0.3))

        answers = self.ask_in_threads(client)

        assert answers.count(openai.AuthenticationError) == 1
        assert answers.count("answer 2") == 7

    def test_for_a_stream_do_not_wait_for_each_other(self, client, upstream):
        """Whoever reads one need not read on before he has the other."""
        one, other = ask(client, stream=True), ask(client, stream=True)

        assert [text_of(one), text_of(other)] == ["answer 1", "answer 2"]

    def test_for_variety_are_each_asked(self, upstream):
        async def story():
            async with llmc.wrap(openai.AsyncOpenAI(api_key="sk-x")) as client:
                return await asyncio.gather(*[ask(client, temperature=1) for _ in range(5)])

        asyncio.run(story())

        assert len(upstream.calls) == 5

    def test_wait_no_longer_than_they_may(self, client, upstream):
        gate = threading.Event()
        upstream.will(Reply("slow", gate=gate))
        leader = threading.Thread(target=ask, args=(client,))
        leader.start()
        upstream.wait_for_call()

        with pytest.raises(openai.APIConnectionError):
            ask(client, timeout=0.2)

        gate.set()
        leader.join()
        assert len(upstream.calls) == 1

    def test_ask_anew_where_all_before_were_cancelled(self, upstream):
        upstream.will(Reply("slow", delay=60))

        async def story():
            async with llmc.wrap(openai.AsyncOpenAI(api_key="sk-x")) as client:
                leader = asyncio.create_task(ask(client))
                await asyncio.to_thread(upstream.wait_for_call)
                leader.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await leader
                return (await ask(client)).choices[0].message.content

        assert asyncio.run(story()) == "answer 2"

    def test_through_a_copy_of_a_copy_do_not_wait_for_themselves(self, client):
        with llmc.wrap(llmc.wrap(client)) as again:
            assert ask(again).choices[0].message.content == "answer 1"


@pytest.mark.parametrize(
    "program",
    [
        PROGRAM.format(options="{}"),
        PROGRAM.format(options='{"http_client": httpx2.Client()}'),
        ASYNCHRONOUS,
    ],
    ids=["plain", "with an HTTP client of its own", "asynchronous"],
)
def test_nothing_is_lost_at_the_end_of_a_program(program, upstream, db):
    output(program)

    with Store(str(db)) as store:
        assert store.entry(1).hits == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_a_cache_of_its_own(upstream, db):
    assert output(FORK) == "[0, 0, 0]"

    with Store(str(db)) as store:
        assert store.file.damage() == []
        assert (store.count(), store.entry(1).hits) == (41, 40)


def test_one_client_serves_many_loops(upstream):
    client = llmc.wrap(openai.AsyncOpenAI(api_key="sk-x"))

    async def story():
        return (await ask(client)).choices[0].message.content

    answers = [asyncio.run(story()) for _ in range(3)]
    asyncio.run(client.close())

    assert answers == ["answer 1"] * 3


def test_a_copy_with_other_options_has_the_same_cache(client, upstream):
    ask(client)

    ask(client.with_options(timeout=5, max_retries=1))

    assert len(upstream.calls) == 1


def test_importing_the_package_loads_nothing():
    heavy = "{'httpx2', 'openai', 'apsw'}"
    script = f"import sys, llmc; llmc.__all__; print(sorted({heavy} & set(sys.modules)))"

    loaded = subprocess.check_output([sys.executable, "-c", script], text=True, cwd=ROOT)

    assert loaded == "[]\n"
