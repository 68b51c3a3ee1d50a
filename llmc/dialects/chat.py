"""What do chat completions say? Their JSON and their streams, read into an Answer and written back.

A stored answer is written in either form, whichever it came in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from llmc.dialects import wire
from llmc.types import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmc.types import Entry, Tokens

__all__ = [
    "Collector",
    "answer_of",
    "events",
    "is_understood",
    "plain",
    "shape_of",
    "text_of",
    "usage_of",
]

_T = TypeVar("_T")

#: What a choice and its message hold where text is all that was said.
_PLAIN_CHOICE = {"index", "message", "finish_reason"}
_PLAIN_MESSAGE = {"role", "content", "refusal"}

#: What a later piece of a stream repeats, where it does not go on with it.
_REPEATED = {"id", "index", "name", "role", "type", "finish_reason"}


def is_understood(body: dict[str, Any]) -> bool:
    """Tell whether a request is one whose answer may be kept; others are passed on as they are."""
    messages = body.get("messages")
    return (
        isinstance(body.get("model"), str)
        and bool(body["model"])
        and isinstance(messages, list)
        and bool(messages)
        and all(isinstance(message, dict) for message in messages)
        and isinstance(body.get("stream"), bool | None)
        and isinstance(body.get("stream_options"), dict | None)
        # What is looked up at the time of asking changes without the question.
        and body.get("web_search_options") is None
    )


def shape_of(body: dict[str, Any]) -> wire.Shape:
    """Return the form in which a request wants its answer."""
    if not body.get("stream"):
        return wire.Shape()
    return wire.Shape(True, bool((body.get("stream_options") or {}).get("include_usage")))


class Collector:
    """Makes an answer of the bytes that go by: of events, or of one JSON object."""

    def __init__(self, *, streamed: bool) -> None:
        self._events = wire.Events() if streamed else None
        self._body = wire.Body()
        self._choices: dict[int, dict[str, Any]] = {}
        self._model: object = None
        self._usage: object = None
        self._failed = False
        self.is_done = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        if self._events is not None:
            self._take(self._events.feed(piece))
        else:
            self._body.feed(piece)

    def answer(self) -> Answer | None:
        """Return what was said, finished or not; None for what is no answer."""
        if self._events is None:
            whole = self._body.loaded()
            return None if whole is None else _answer_of_body(whole)
        self._take(self._events.close())
        if self._failed or self._events.failed or self._events.overflowed or not self._choices:
            return None
        choices = [_choice(self._choices[index]) for index in sorted(self._choices)]
        return answer_of(choices, self._model, self._usage)

    def _take(self, events: Iterable[str]) -> None:
        for data in events:
            if data.strip() == "[DONE]":
                self.is_done = True
                continue
            found = wire.loaded(data)
            if found is None or found.get("error"):
                self._failed = True
                continue
            self._model = found.get("model") or self._model
            self._usage = found.get("usage") or self._usage
            for part in wire.dicts(found.get("choices")):
                try:
                    self._grow(part)
                except _Unclear:
                    self._failed = True

    def _grow(self, part: dict[str, Any]) -> None:
        index = part.get("index")
        index = index if isinstance(index, int) else 0
        delta = part.get("delta")
        told = {name: value for name, value in part.items() if name != "delta"}
        choice = self._choices.setdefault(index, {})
        _merge(choice, told | {"message": delta if isinstance(delta, dict) else {}})


def answer_of(choices: list[dict[str, Any]], model: object, usage: object) -> Answer:
    """Make an Answer of the choices of one completion, as they stand in its JSON."""
    messages = [c["message"] if isinstance(c.get("message"), dict) else {} for c in choices]
    reasons = [choice.get("finish_reason") for choice in choices]
    # One choice that did not end by itself makes the whole answer one that did not.
    reason = next((found for found in reasons if found != "stop"), "stop")
    refusals = [message["refusal"] for message in messages if message.get("refusal")]
    is_plain = len(choices) == 1 and _is_plain(choices[0], messages[0])
    return Answer(
        text="\n\n".join(text for text in map(text_of, messages) if text),
        finish_reason=wire.printable(reason) if isinstance(reason, str) else None,
        model=wire.printable(model) if isinstance(model, str) else None,
        usage=usage if isinstance(usage, dict) else None,
        choices=None if is_plain else choices,
        refusal=wire.printable(str(refusals[0])) if refusals else None,
    )


def plain(entry: Entry) -> dict[str, Any]:
    """Write a stored answer as the JSON object that answers a request."""
    return {
        "id": _id(entry),
        "object": "chat.completion",
        "created": int(entry.created_at),
        "model": entry.served_model or entry.model,
        "choices": _choices(entry),
        "usage": usage_of(entry.tokens),
    }


def events(entry: Entry, shape: wire.Shape) -> Iterator[bytes]:
    """Write a stored answer as the events of a stream."""
    head = {
        "id": _id(entry),
        "object": "chat.completion.chunk",
        "created": int(entry.created_at),
        "model": entry.served_model or entry.model,
    }
    told = {"usage": None} if shape.usage else {}
    for number, choice in enumerate(_choices(entry)):
        index = choice.get("index", number)
        for part in _parts(choice):
            yield wire.event(head | {"choices": [{"index": index} | part]} | told)
    if shape.usage:
        yield wire.event(head | {"choices": [], "usage": usage_of(entry.tokens)})
    yield wire.DONE


def usage_of(tokens: Tokens) -> dict[str, Any]:
    """Write what the call used that first gave an answer; 0 where that is not known."""
    prompt, completion = tokens.prompt or 0, tokens.completion or 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": tokens.cached or 0},
    }


def _answer_of_body(body: dict[str, Any]) -> Answer | None:
    choices = wire.dicts(body.get("choices"))
    if body.get("error") or not choices:
        return None
    return answer_of(choices, body.get("model"), body.get("usage"))


def _is_plain(choice: dict[str, Any], message: dict[str, Any]) -> bool:
    """Tell whether a text and a reason are all that a choice says."""
    told = {name for name, value in choice.items() if value is not None}
    said = {name for name, value in message.items() if value not in (None, [], {})}
    text = message.get("content") is None or isinstance(message["content"], str)
    return text and told <= _PLAIN_CHOICE and said <= _PLAIN_MESSAGE


def text_of(message: dict[str, Any]) -> str:
    """Return a message's text; some servers send it in parts."""
    content = message.get("content")
    parts: Iterable[object] = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return wire.printable("".join(part for part in texts if isinstance(part, str)))


class _Unclear(Exception):
    """Says that a piece does not go on with what came before it: clients may read it otherwise."""


class _Run:
    """A text as its pieces: to add them up at each one costs the square of their number."""

    def __init__(self) -> None:
        self.pieces: list[str] = []


def _merge(into: dict[str, Any], delta: dict[str, Any]) -> None:
    """Add a piece of a stream to what came before it: texts go on, lists by `index` or behind."""
    for name, value in delta.items():
        known = into.get(name)
        if isinstance(value, str) and name not in _REPEATED:
            into[name] = run = _as(_Run, known)
            run.pieces.append(value)
        elif isinstance(value, dict):
            into[name] = _as(dict, known)
            _merge(into[name], value)
        elif isinstance(value, list):
            into[name] = _as(list, known)
            _extend(into[name], value, are_calls=name == "tool_calls")
        elif value is not None or known is None:
            into[name] = value


def _as(kind: type[_T], known: object) -> _T:
    """Return what is to be gone on with, or its beginning. Raises _Unclear."""
    if known is None:
        return kind()
    if isinstance(known, kind):
        return known
    raise _Unclear


def _extend(known: list[Any], more: list[Any], *, are_calls: bool) -> None:
    for item in more:
        index = item.get("index") if isinstance(item, dict) else None
        if not isinstance(index, int):
            if are_calls and not _is_whole_call(item):
                raise _Unclear
            known.append(item)
            continue
        found = next((e for e in known if isinstance(e, dict) and e.get("index") == index), None)
        if found is None:
            known.append(found := {})
        # Some servers number all calls 0.
        if item.get("id") and found.get("id") not in (None, item["id"]):
            raise _Unclear
        _merge(found, item)


def _is_whole_call(item: object) -> bool:
    """Tell whether a call without a number stands for itself, and goes on with no other."""
    function = item.get("function") if isinstance(item, dict) else None
    return isinstance(function, dict) and bool(function.get("name"))


def _choice(grown: dict[str, Any]) -> dict[str, Any]:
    """Turn what a stream came to into a choice as a plain answer has it."""
    choice: dict[str, Any] = _whole(grown)
    message = {"role": "assistant", "content": None} | choice.pop("message", {})
    if message["content"] is None and not message.get("tool_calls"):
        message["content"] = ""
    for call in wire.dicts(message.get("tool_calls")):
        call.pop("index", None)
    finish = choice.pop("finish_reason", None)
    head = {"index": choice.pop("index", 0), "message": message, "finish_reason": finish}
    return head | choice


def _whole(value: Any) -> Any:
    if isinstance(value, _Run):
        return "".join(value.pieces)
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _id(entry: Entry) -> str:
    return f"chatcmpl-llmc-{entry.id or entry.key.hex()[:12]}"


def _choices(entry: Entry) -> list[dict[str, Any]]:
    if entry.choices:
        return entry.choices
    message = {"role": "assistant", "content": entry.answer, "refusal": None}
    finish = entry.finish_reason or "stop"
    return [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}]


def _parts(choice: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a choice in the pieces of a stream: role, text, tool calls, reason."""
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    content, calls = message.get("content"), wire.dicts(message.get("tool_calls"))
    others = {
        name: value
        for name, value in message.items()
        if name not in {"role", "content", "tool_calls"} and value is not None
    }
    first = {"role": message.get("role") or "assistant", "content": None if calls else ""}
    yield _part(first | others)
    if isinstance(content, str):
        scores = choice.get("logprobs")
        texts = wire.pieces(content) if scores is None else [content]
        for text in texts:
            yield _part({"content": text}) | ({} if scores is None else {"logprobs": scores})
    elif content is not None:
        yield _part({"content": content})
    for number, call in enumerate(calls):
        yield from _call_parts(number, call)
    yield _part({}, choice.get("finish_reason") or "stop")


def _call_parts(number: int, call: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a call of a tool: its head, then its arguments piece by piece."""
    function = call.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        yield _part({"tool_calls": [{"index": number} | call]})
        return
    named = call | {"function": function | {"arguments": ""}}
    yield _part({"tool_calls": [{"index": number} | named]})
    for text in wire.pieces(function["arguments"]):
        piece = {"index": number, "function": {"arguments": text}}
        yield _part({"tool_calls": [piece]})


def _part(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"delta": delta, "finish_reason": finish}
