"""Frameworks that reach the proxy through SDKs of their own, and a provider nobody here wrote."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import openai
import pytest
from proxies import running

MODULES = Path(
    subprocess.run(
        ["npm", "root", "-g"], capture_output=True, text=True, check=False
    ).stdout.strip()
    if shutil.which("npm") and shutil.which("node")
    else "/nonexistent"
)


def needs(*packages):
    """Skip where packages of npm are missing."""
    missing = [package for package in packages if not (MODULES / package).is_dir()]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: npm {' '.join(packages)}")


def python(script, url):
    """Run a script in an interpreter of its own: its packages warn of what is theirs."""
    environ = os.environ | {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-x"}
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def node(script, folder, url=""):
    """Start a script that sees the packages."""
    (folder / "node_modules").symlink_to(MODULES)
    (folder / "script.mjs").write_text(script)
    return subprocess.Popen(
        ["node", str(folder / "script.mjs")],
        env=os.environ | {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-x"},
        stdout=subprocess.PIPE,
        text=True,
    )


PYDANTIC_AI = """
import asyncio
from pydantic_ai import Agent
agent = Agent("openai-chat:m")
async def streamed():
    async with agent.run_stream("why?") as run:
        return "".join([piece async for piece in run.stream_text(delta=True)])
print(agent.run_sync("why?").output)
print(asyncio.run(streamed()))
print(agent.run_sync("why?").output)
"""

AI_SDK = """
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, streamText, tool, jsonSchema } from 'ai';
const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL });
const inputSchema = jsonSchema({ type: 'object', properties: { city: { type: 'string' } } });
const tools = { weather: tool({ description: 'w', inputSchema, execute: async () => 'sunny' }) };
const calls = { prompt: 'tool: weather?', tools };
for (const model of [openai('m'), openai.chat('m')]) {
  const { text } = await generateText({ model, prompt: 'why?' });
  let streamed = '';
  for await (const piece of streamText({ model, prompt: 'why?' }).textStream) streamed += piece;
  const called = await generateText({ model, ...calls });
  const inStream = await streamText({ model, ...calls }).toolCalls;
  const names = [...called.toolCalls, ...inStream].map((call) => JSON.stringify(call.input));
  console.log([text, streamed, ...names].join('|'));
}
"""

AIMOCK = """
import { LLMock } from '@copilotkit/aimock';
const mock = new LLMock({ port: 0 });
const weather = { name: 'weather', arguments: '{"city":"Lima"}' };
mock.addFixtures([
  { match: { userMessage: /^tool/ }, response: { toolCalls: [weather, weather] } },
  { match: { inputText: /./ }, response: { embedding: [0.5, 0.25] } },
  { match: { userMessage: /./ }, response: { content: 'because of all the many words of it' } },
]);
await mock.start();
console.log(mock.url);
"""


@pytest.fixture
def proxy(upstream):
    with running() as proxy:
        yield proxy


@pytest.fixture
def aimock(tmp_path, monkeypatch):
    """A provider of npm's, and a proxy before it."""
    with node(AIMOCK, tmp_path) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.stdout.readline().strip() + "/v1")
        with running() as proxy:
            yield proxy
        server.kill()


@pytest.mark.skipif(
    not importlib.util.find_spec("pydantic_ai"), reason="not installed: pydantic-ai"
)
def test_pydantic_ai(proxy, upstream):
    assert python(PYDANTIC_AI, proxy.url) == ["answer 1"] * 3
    assert len(upstream.calls) == 1


@needs("ai", "@ai-sdk/openai", "@copilotkit/aimock")
def test_vercel_s_ai_through_responses_and_chat(aimock, tmp_path):
    said = "because of all the many words of it"
    called = '{"city":"Lima"}'
    folder = tmp_path / "client"
    folder.mkdir()

    for _ in range(2):
        with node(AI_SDK, folder, aimock.url) as client:
            told = client.stdout.read().splitlines()
        (folder / "node_modules").unlink()
        assert told == [f"{said}|{said}|{called}|{called}|{called}|{called}"] * 2

    assert aimock.tally.by_source["model"] == aimock.tally.upstream_calls == 4


@needs("@copilotkit/aimock")
def test_a_provider_that_nobody_here_wrote(aimock):
    client = openai.OpenAI(base_url=aimock.url, api_key="sk-x", max_retries=0)
    words = [{"role": "user", "content": "why?"}]
    tool = [{"role": "user", "content": "tool: weather?"}]

    def texts():
        plain = client.chat.completions.create(model="m", messages=words)
        stream = client.chat.completions.create(model="m", messages=words, stream=True)
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
        response = client.responses.create(model="m", input="why?")
        with client.responses.stream(model="m", input="why?") as events:
            last = events.get_final_response()
        return [plain.choices[0].message.content, "".join(pieces), response.output_text,
                last.output_text]  # fmt: skip

    def calls():
        with client.chat.completions.stream(model="m", messages=tool) as stream:
            streamed = stream.get_final_completion().choices[0].message.tool_calls
        plain = client.chat.completions.create(model="m", messages=tool)
        made = [*streamed, *plain.choices[0].message.tool_calls]
        return [(call.id, call.function.arguments) for call in made]

    with client:
        first = calls()
        assert calls() == first
        assert first[:2] == first[2:]
        assert {arguments for _, arguments in first} == {'{"city":"Lima"}'}
        assert set(texts() + texts()) == {"because of all the many words of it"}
        vectors = [client.embeddings.create(model="e", input=["a", "b"]) for _ in range(2)]

    assert {tuple(item.embedding) for each in vectors for item in each.data} == {(0.5, 0.25)}
    assert aimock.tally.upstream_calls == 4
