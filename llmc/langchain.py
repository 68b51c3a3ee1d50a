"""How does LangChain ask? Its cache of generations, kept in llmc's file.

    from langchain_core.globals import set_llm_cache
    from llmc.langchain import LangChainCache

    set_llm_cache(LangChainCache())

What LangChain was asked it hands over as texts of its own, so that such an answer is no hit for
`llmc ask`. Needs `pip install 'llmc[langchain]'`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from langchain_core.caches import BaseCache
from langchain_core.messages import AIMessage, BaseMessage, message_to_dict, messages_from_dict
from langchain_core.outputs import ChatGeneration, Generation

from llmc.errors import LlmcError
from llmc.library import Cache
from llmc.types import Answer, Hit, Request

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["LangChainCache"]

Generations: TypeAlias = Sequence[Generation]

#: How LangChain writes the model's name into the text about it.
_MODEL = re.compile(r"""['"]model(?:_name)?['"]: ?['"]([^'"]+)['"]""")

#: What providers call an answer that did not end by itself.
_CUT = {"length": "length", "max_tokens": "length", "content_filter": "content_filter"}


class LangChainCache(BaseCache):
    """A cache for `set_llm_cache`; safe for threads, closed with the program.

    What was cut off, refused or empty is not kept. A file that cannot be used costs a warning, not
    the answer.
    """

    def __init__(
        self,
        *,
        db: str | PathLike[str] | None = None,
        namespace: str = "langchain",
        ttl: float | str | None = None,
    ) -> None:
        """Open the cache file; `ttl` is in seconds or as in `24h`. Raises ConfigError.

        `clear` empties the `namespace`, so that it should be LangChain's own.
        """
        self._cache = Cache(db=db, namespace=namespace, ttl=ttl)
        self._namespace = namespace

    def lookup(self, prompt: str, llm_string: str) -> Generations | None:
        """Return the generations that were stored for a prompt and a model, if any."""
        found = self._cache.lookup(_request(prompt, llm_string))
        if not isinstance(found, Hit) or found.entry.choices is None:
            return None
        try:
            return [_read(choice["generation"]) for choice in found.entry.choices]
        except Exception:  # noqa: BLE001  (of another LangChain: whoever asked asks the model)
            return None

    def update(self, prompt: str, llm_string: str, return_val: Generations) -> None:
        """Store generations, whatever was stored before."""
        try:
            written = [json.loads(json.dumps(_written(generation))) for generation in return_val]
            if list(map(_read, written)) != list(return_val):
                return  # it holds what no text can give back
        except Exception:  # noqa: BLE001  (likewise: the answer is LangChain's to return)
            return
        try:
            self._cache.put(_request(prompt, llm_string), _answer(return_val, written))
        except LlmcError:
            return

    def clear(self, **kwargs: Any) -> None:  # noqa: ARG002  (LangChain's signature)
        """Remove all that the namespace holds."""
        self._cache.invalidate("", namespace=self._namespace)


def _request(prompt: str, llm_string: str) -> Request:
    """Make a request of LangChain's two texts, both part of its key."""
    found = _MODEL.search(llm_string)
    body = {
        "model": found[1] if found else "langchain",
        "llm": llm_string,
        "messages": [{"role": "user", "content": prompt}],
    }
    return Request("langchain:", body, endpoint="generate")


def _answer(generations: Generations, written: Sequence[dict[str, Any]]) -> Answer:
    reasons = [_CUT.get(str(_told(each).get(name))) for each in generations for name in _REASONS]
    return Answer(
        text="\n\n".join(generation.text for generation in generations if generation.text),
        finish_reason=next(filter(None, reasons), "stop"),
        usage=_usage(generations),
        choices=[
            {"index": index, "message": _message(generation), "generation": whole}
            for index, (generation, whole) in enumerate(zip(generations, written, strict=True))
        ],
    )


_REASONS = ("finish_reason", "stop_reason")


def _told(generation: Generation) -> dict[str, Any]:
    """Return what the provider told about an answer, wherever LangChain has put it."""
    message = getattr(generation, "message", None)
    metadata = message.response_metadata if isinstance(message, BaseMessage) else {}
    return {**metadata, **(generation.generation_info or {})}


def _message(generation: Generation) -> dict[str, Any]:
    message = getattr(generation, "message", None)
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    told: dict[str, Any] = {"role": "assistant", "content": generation.text}
    return told | ({"tool_calls": calls} if calls else {})


def _usage(generations: Generations) -> dict[str, Any] | None:
    """Add up what the messages say of their tokens; None where one says nothing."""
    total = dict.fromkeys(("prompt_tokens", "completion_tokens"), 0)
    for generation in generations:
        message = getattr(generation, "message", None)
        stated = message.usage_metadata if isinstance(message, AIMessage) else None
        if stated is None:
            return None
        total["prompt_tokens"] += stated["input_tokens"]
        total["completion_tokens"] += stated["output_tokens"]
    return total


def _written(generation: Generation) -> dict[str, Any]:
    """Write a generation as JSON that `_read` takes: nothing in it says which code to run."""
    told: dict[str, Any] = {"text": generation.text, "generation_info": generation.generation_info}
    if isinstance(generation, ChatGeneration):
        told["message"] = message_to_dict(generation.message)
    return told


def _read(told: dict[str, Any]) -> Generation:
    info = told["generation_info"]
    if "message" not in told:
        return Generation(text=told["text"], generation_info=info)
    (message,) = messages_from_dict([told["message"]])
    return ChatGeneration(message=message, generation_info=info)
