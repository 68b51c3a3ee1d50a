from __future__ import annotations

import pytest

pytest.importorskip("langchain_core", reason="langchain-core is not installed")
pytest.importorskip("langchain_tests", reason="langchain-tests is not installed")

from langchain_core.caches import BaseCache
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation
from langchain_tests.integration_tests import AsyncCacheTestSuite, SyncCacheTestSuite

from llmc.errors import CacheFileError
from llmc.langchain import LangChainCache


@pytest.fixture
def cache(home) -> BaseCache:
    return LangChainCache()


class TestSync(SyncCacheTestSuite):
    @pytest.fixture
    def cache(self, home) -> BaseCache:
        return LangChainCache()


@pytest.mark.anyio
class TestAsync(AsyncCacheTestSuite):
    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    def cache(self, home) -> BaseCache:
        return LangChainCache()


def chat(text: str, **told) -> ChatGeneration:
    return ChatGeneration(message=AIMessage(text, **told))


def test_a_chat_model_is_asked_once(cache):
    set_llm_cache(cache)
    try:
        model = GenericFakeChatModel(messages=iter(["one", "two"]))

        first, second = model.invoke("why?"), model.invoke("why?")
    finally:
        set_llm_cache(None)

    assert first.content == second.content == "one"


def test_what_a_message_says_comes_back_whole(cache):
    call = {"name": "f", "args": {"x": 1}, "id": "c", "type": "tool_call"}
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    told = chat(
        "",
        tool_calls=[call],
        usage_metadata=usage,
        response_metadata={"finish_reason": "tool_calls"},
    )

    cache.update("why?", "model", [told])

    (found,) = cache.lookup("why?", "model")
    assert found.message.tool_calls == [call]
    assert found.message.usage_metadata == usage


@pytest.mark.parametrize(
    "answer",
    [
        Generation(text=""),
        Generation(text="cut", generation_info={"finish_reason": "length"}),
        chat("cut", response_metadata={"stop_reason": "max_tokens"}),
        chat("cut", response_metadata={"finish_reason": "content_filter"}),
        Generation(text="strange", generation_info={"raw": object()}),
    ],
    ids=["empty", "length", "max_tokens", "filtered", "no text gives it back"],
)
def test_what_is_no_whole_answer_is_not_kept(cache, answer):
    cache.update("why?", "model", [answer])

    assert cache.lookup("why?", "model") is None


def test_another_model_or_prompt_is_another_question(cache):
    cache.update("why?", "model", [Generation(text="a")])

    assert cache.lookup("why?", "another model") is None
    assert cache.lookup("why", "model") is None


def test_a_new_answer_takes_the_place_of_the_old_one(cache):
    cache.update("why?", "model", [Generation(text="a")])
    cache.update("why?", "model", [Generation(text="b")])

    assert cache.lookup("why?", "model") == [Generation(text="b")]


def test_clearing_leaves_other_namespaces_alone(cache, cli, home):
    cli("put", "q", stdin="known")
    cache.update("why?", "model", [Generation(text="a")])

    cache.clear()

    assert cache.lookup("why?", "model") is None
    assert cli("ask", "q", "--offline").out == "known\n"


def test_commands_show_what_it_keeps(cache, cli):
    cache.update("why?", "[('model_name', 'gpt-6')], 'model_name': 'gpt-6'", [Generation(text="a")])

    shown = cli("list", "-n", "langchain")

    assert "why?" in shown.out
    assert "gpt-6" in shown.out


def test_an_answer_that_another_langchain_has_written_is_a_miss(cache, store):
    cache.update("why?", "model", [Generation(text="a")])
    store.file.execute("UPDATE entry SET choices = replace(choices, 'generation_info', 'other')")

    assert LangChainCache().lookup("why?", "model") is None


def test_a_file_that_cannot_be_written_to_costs_the_cache_not_the_answer(cache, monkeypatch):
    monkeypatch.setattr("llmc.store.Store.put", _full)

    cache.update("why?", "model", [Generation(text="a")])

    assert cache.lookup("why?", "model") is None


def _full(*_: object) -> int:
    raise CacheFileError("cache file x: the disk is full")
