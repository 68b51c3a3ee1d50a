"""Programs that nobody here wrote, in front of the proxy: what they get is what they expect."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import shutil
import subprocess
import sys

import openai
import pytest
from proxies import running
from pydantic import BaseModel
from upstream import Reply

from llmc.dialects import wire

CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"in":"Lima"}'},
}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
ASKED = [{"role": "user", "content": "why?"}]
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 7,
    "status": "completed",
    "model": "m",
    "output": [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "blue", "annotations": []}],
        },
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 7,
    },
}
EMBEDDED = {
    "object": "list",
    "model": "e",
    "data": [
        {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]},
        {"object": "embedding", "index": 1, "embedding": [0.125, 1.0]},
    ],
    "usage": {"prompt_tokens": 4, "total_tokens": 4},
}


class Colour(BaseModel):
    name: str


@pytest.fixture
def proxy(upstream):
    with running() as proxy:
        yield proxy


@pytest.fixture
def client(proxy):
    with openai.OpenAI(base_url=proxy.url, api_key="sk-x", max_retries=0) as client:
        yield client


def streamed_call():
    """A call of a tool as OpenAI streams it."""
    head = {"index": 0, "id": "c1", "type": "function"}
    deltas = [
        {"role": "assistant", "content": None},
        {"tool_calls": [head | {"function": {"name": "weather", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"in":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '"Lima"}'}}]},
    ]
    base = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    parts = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    parts.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    events = [wire.event(base | {"choices": [part]}) for part in parts]
    return b"".join([*events, wire.DONE])


# -- the openai SDK ------------------------------------------------------------------------------


def test_a_completion(client, upstream):
    answers = [client.chat.completions.create(model="m", messages=ASKED) for _ in range(2)]

    assert [answer.choices[0].message.content for answer in answers] == ["answer 1"] * 2
    assert [answer.usage.total_tokens for answer in answers] == [120, 120]
    assert len(upstream.calls) == 1


def test_a_completion_asked_asynchronously(proxy, upstream):
    async def ask():
        async with openai.AsyncOpenAI(base_url=proxy.url, api_key="sk-x") as client:
            asked = (client.chat.completions.create(model="m", messages=ASKED) for _ in range(8))
            return await asyncio.gather(*asked)

    answers = asyncio.run(ask())

    assert {answer.choices[0].message.content for answer in answers} == {"answer 1"}
    assert len(upstream.calls) == 1


def test_a_stream_and_its_replay(client, upstream):
    upstream.will(Reply("a b c"))
    options = {"include_usage": True}

    def text(stream):
        chunks = list(stream)
        assert chunks[-1].usage.total_tokens == 120
        assert chunks[-2].choices[0].finish_reason == "stop"
        return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)

    create = client.chat.completions.create
    texts = [
        text(create(model="m", messages=ASKED, stream=True, stream_options=options))
        for _ in range(2)
    ]

    assert texts == ["a b c"] * 2
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("first_is_a_stream", [True, False])
def test_calls_of_tools_either_way(client, upstream, first_is_a_stream):
    upstream.will(
        Reply(raw=streamed_call(), content_type="text/event-stream")
        if first_is_a_stream
        else Reply(
            message={"role": "assistant", "content": None, "tool_calls": [CALL]},
            finish_reason="tool_calls",
        )
    )

    def plain():
        answer = client.chat.completions.create(model="m", messages=ASKED, tools=TOOLS)
        return answer.choices[0]

    def streamed():
        with client.chat.completions.stream(model="m", messages=ASKED, tools=TOOLS) as stream:
            return stream.get_final_completion().choices[0]

    ways = [streamed, plain, streamed] if first_is_a_stream else [plain, streamed, plain]
    choices = [way() for way in ways]

    assert [choice.finish_reason for choice in choices] == ["tool_calls"] * 3
    calls = [choice.message.tool_calls[0] for choice in choices]
    assert {(c.id, c.function.name, c.function.arguments) for c in calls} == {
        ("c1", "weather", '{"in":"Lima"}')
    }
    assert len(upstream.calls) == 1


def test_structured_output_is_parsed(client, upstream):
    upstream.will(Reply('{"name": "blue"}'))

    def parse():
        answer = client.chat.completions.parse(model="m", messages=ASKED, response_format=Colour)
        return answer.choices[0].message.parsed

    assert [parse(), parse()] == [Colour(name="blue")] * 2
    assert len(upstream.calls) == 1


def test_an_error_of_the_provider_is_the_sdk_s_own(client, upstream):
    error = {"error": {"message": "no such model", "code": "model_not_found", "param": "model"}}
    upstream.will(Reply(status=404, error=error))

    with pytest.raises(openai.NotFoundError) as found:
        client.chat.completions.create(model="m", messages=ASKED)

    assert (found.value.code, found.value.param) == ("model_not_found", "model")


def test_a_miss_of_the_cache_alone_is_not_tried_again(upstream):
    with running(offline=True) as proxy, openai.OpenAI(base_url=proxy.url, api_key="x") as client:
        with pytest.raises(openai.InternalServerError, match="not in the cache"):
            client.chat.completions.create(model="m", messages=ASKED)

        assert len(proxy.missed) == 1


@pytest.mark.parametrize("first_is_a_stream", [True, False])
def test_responses_either_way(client, upstream, first_is_a_stream):
    done = {"type": "response.completed", "response": RESPONSE, "sequence_number": 0}
    upstream.will(
        Reply(raw=wire.event(done, "response.completed"), content_type="text/event-stream")
        if first_is_a_stream
        else Reply(raw=json.dumps(RESPONSE).encode())
    )

    def plain():
        return client.responses.create(model="m", input="which colour?")

    def streamed():
        with client.responses.stream(model="m", input="which colour?") as stream:
            deltas = [e.delta for e in stream if e.type == "response.output_text.delta"]
            assert first_is_a_stream or "".join(deltas) == "blue"
            return stream.get_final_response()

    if first_is_a_stream:
        upstream_only = client.responses.create(model="m", input="which colour?", stream=True)
        assert [event.type for event in upstream_only] == ["response.completed"]
        answers = [plain(), plain()]
    else:
        answers = [plain(), streamed(), plain()]

    assert {answer.output_text for answer in answers} == {"blue"}
    assert {answer.id for answer in answers} == {"resp_1"}
    assert {answer.usage.total_tokens for answer in answers} == {7}
    assert len(upstream.calls) == 1


def test_embeddings_are_known_text_by_text(client, upstream):
    one_more = EMBEDDED | {"data": EMBEDDED["data"][:1]}
    upstream.will(
        Reply(raw=json.dumps(EMBEDDED).encode()), Reply(raw=json.dumps(one_more).encode())
    )
    create = client.embeddings.create

    first = create(model="e", input=["a", "b"], encoding_format="float")
    again = create(model="e", input=["b", "c", "a", "b"], encoding_format="float")
    decoded = create(model="e", input="b")

    vectors = [item.embedding for item in again.data]
    assert [item.embedding for item in first.data] == [[0.5, 0.25], [0.125, 1.0]]
    assert vectors == [[0.125, 1.0], [0.5, 0.25], [0.5, 0.25], [0.125, 1.0]]
    assert [item.index for item in again.data] == [0, 1, 2, 3]
    assert decoded.data[0].embedding == [0.125, 1.0]
    assert [call.body["input"] for call in upstream.calls] == [["a", "b"], ["c"]]


def test_dimensions_are_part_of_the_question(client, upstream):
    upstream.will(*[Reply(raw=json.dumps(EMBEDDED).encode())] * 2)

    for dimensions in (2, 3, 2):
        client.embeddings.create(model="e", input=["a", "b"], dimensions=dimensions)

    assert [call.body["dimensions"] for call in upstream.calls] == [2, 3]


def test_embeddings_that_are_not_one_for_each_text_are_passed_on_and_not_stored(client, upstream):
    short = EMBEDDED | {"data": EMBEDDED["data"][:1]}
    upstream.will(*[Reply(raw=json.dumps(short).encode())] * 2)

    for _ in range(2):
        client.embeddings.create(model="e", input=["a", "b"], encoding_format="float")

    assert len(upstream.calls) == 2


def test_many_vectors_are_stored_some_at_a_time(client, upstream, monkeypatch):
    """Whoever asks meanwhile is not kept waiting by thousands of them."""
    from llmc.parts import Parts

    stored, keep = [], Parts.keep
    monkeypatch.setattr(
        Parts, "keep", lambda parts, some, **k: stored.append(len(some)) or keep(parts, some, **k)
    )
    data = [{"object": "embedding", "index": n, "embedding": [n, 0.5]} for n in range(70)]
    upstream.will(Reply(raw=json.dumps(EMBEDDED | {"data": data}).encode()))
    texts = [f"text {number}" for number in range(70)]

    for _ in range(2):
        found = client.embeddings.create(model="e", input=texts, encoding_format="float")
        assert [item.embedding[0] for item in found.data] == list(range(70))

    assert stored == [32, 32, 6]
    assert len(upstream.calls) == 1


def test_an_error_about_embeddings_passes_through(client, upstream):
    upstream.will(Reply(status=400, error={"error": {"message": "too long"}}))

    with pytest.raises(openai.BadRequestError, match="too long"):
        client.embeddings.create(model="e", input=["a"])


def test_models_are_listed(client):
    assert [model.id for model in client.models.list()] == ["m"]


# -- others --------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("curl"), reason="not installed: curl")
def test_curl(proxy):
    body = json.dumps({"model": "m", "messages": ASKED, "stream": True})
    curl = ["curl", "-sSN", f"{proxy.url}/chat/completions", "-d", body]

    first, second = (subprocess.check_output(curl, text=True) for _ in range(2))

    assert "answer" in first
    assert first.endswith("data: [DONE]\n\n")
    assert second.endswith("data: [DONE]\n\n")


def test_langchain(proxy, upstream):
    langchain_openai = pytest.importorskip("langchain_openai", reason="not installed")
    model = langchain_openai.ChatOpenAI(model="m", base_url=proxy.url, api_key="sk-x")

    answers = [model.invoke("why?").content for _ in range(2)]
    streamed = "".join(chunk.content for chunk in model.stream("why?"))

    assert [*answers, streamed] == ["answer 1"] * 3
    assert len(upstream.calls) == 1


def test_simonw_s_llm(proxy, upstream, home):
    if not importlib.util.find_spec("sqlite_utils"):  # `llm` alone is a folder of these tests
        pytest.skip("not installed: llm")
    folder = home / "llm"
    folder.mkdir()
    (folder / "extra-openai-models.yaml").write_text(
        f"- model_id: cached\n  model_name: m\n  api_base: {proxy.url}\n"
    )
    asked = [sys.executable, "-m", "llm", "-m", "cached", "--key", "sk-x", "why?"]
    environ = {"LLM_USER_PATH": str(folder), "PATH": "/usr/bin:/bin", "HOME": str(home)}

    answers = [subprocess.check_output(asked, env=environ, text=True) for _ in range(2)]

    assert answers[0].strip() == answers[1].strip() == "answer 1"
    assert len(upstream.calls) == 1


@pytest.mark.skipif(not shutil.which("node"), reason="not installed: node")
def test_the_openai_package_of_npm(proxy, upstream, tmp_path):
    script = tmp_path / "ask.mjs"
    script.write_text(
        "const { default: OpenAI } = await import('openai');\n"
        f"const client = new OpenAI({{ baseURL: '{proxy.url}', apiKey: 'sk-x' }});\n"
        "const messages = [{ role: 'user', content: 'why?' }];\n"
        "const one = await client.chat.completions.create({ model: 'm', messages });\n"
        "const stream = await client.chat.completions.create("
        "{ model: 'm', messages, stream: true });\n"
        "let text = '';\n"
        "for await (const c of stream) text += c.choices[0]?.delta?.content ?? '';\n"
        "console.log(one.choices[0].message.content + '|' + text);\n"
    )
    globally = subprocess.run(["npm", "root", "-g"], capture_output=True, text=True, check=False)
    modules = globally.stdout.strip()
    if not shutil.which("npm") or not (tmp_path.__class__(modules) / "openai").is_dir():
        pytest.skip("not installed: the npm package openai")
    (tmp_path / "node_modules").symlink_to(modules)

    done = subprocess.run(["node", script], capture_output=True, text=True, check=False)

    assert done.stdout == "answer 1|answer 1\n", done.stderr
    assert len(upstream.calls) == 1
