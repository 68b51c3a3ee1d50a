"""What do OpenAI's Responses say? Their JSON and their events, read into an Answer, written back.

The whole response object is kept as it came, its id included: a request may go on from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmc.dialects import wire
from llmc.types import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmc.types import Entry

__all__ = ["Collector", "events", "is_understood", "plain", "shape_of"]

#: Tools that the caller runs. Those that the provider runs look at a world that changes.
_OWN_TOOLS = ("function", "custom")

#: Events after which a stream has nothing more to say.
_LAST = ("response.completed", "response.incomplete", "response.failed", "error")


def is_understood(body: dict[str, Any]) -> bool:
    """Tell whether a request is one whose answer may be kept; others are passed on as they are."""
    given, tools = body.get("input"), body.get("tools")
    return (
        isinstance(body.get("model"), str)
        and bool(body["model"])
        and (isinstance(given, str) or (isinstance(given, list) and bool(given)))
        and isinstance(body.get("stream"), bool | None)
        and not body.get("background")
        # Both stand for something that is kept, and may be changed, elsewhere.
        and body.get("conversation") is None
        and body.get("prompt") is None
        and isinstance(tools, list | None)
        and all(isinstance(t, dict) and t.get("type") in _OWN_TOOLS for t in tools or ())
    )


def shape_of(body: dict[str, Any]) -> wire.Shape:
    """Return the form in which a request wants its answer; a stream's last event has the usage."""
    return wire.Shape(bool(body.get("stream")), bool(body.get("stream")))


class Collector:
    """Finds the whole response in the bytes that go by: a JSON object, or a stream's last event."""

    def __init__(self, *, streamed: bool) -> None:
        self._events = wire.Events() if streamed else None
        self._body = wire.Body()
        self._response: dict[str, Any] | None = None
        self.is_done = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        if self._events is not None:
            self._take(self._events.feed(piece))
        else:
            self._body.feed(piece)

    def answer(self) -> Answer | None:
        """Return what was said, finished or not; None for what is no answer."""
        if self._events is not None:
            self._take(self._events.close())
        else:
            self._response = self._body.loaded()
        return None if self._response is None else _answer(self._response)

    def _take(self, events: Iterable[str]) -> None:
        for data in events:
            found = wire.loaded(data) or {}
            if found.get("type") in _LAST:
                self.is_done = True
                response = found.get("response")
                self._response = response if isinstance(response, dict) else None


def plain(entry: Entry) -> dict[str, Any]:
    """Write a stored answer as the JSON object that answers a request."""
    kept = (entry.choices or [{}])[0].get("response")
    return kept if isinstance(kept, dict) else _made(entry)


def events(entry: Entry, shape: wire.Shape) -> Iterator[bytes]:  # noqa: ARG001  (all dialects' form)
    """Write a stored answer as the numbered events of a stream."""
    for number, told in enumerate(_story(plain(entry))):
        yield wire.event(told | {"sequence_number": number}, str(told["type"]))


def _answer(response: dict[str, Any]) -> Answer | None:
    output = wire.dicts(response.get("output"))
    if response.get("error") or not output:
        return None
    spoken = [item for item in output if item.get("type") == "message"]
    words = [p for item in spoken for p in wire.dicts(item.get("content"))]
    texts = [part["text"] for part in words if isinstance(part.get("text"), str)]
    refusals = [part["refusal"] for part in words if part.get("refusal")]
    calls = [call for item in output if (call := _call(item)) is not None]
    message = {"role": "assistant", "content": None, "tool_calls": calls} if calls else {}
    model, usage = response.get("model"), response.get("usage")
    return Answer(
        text=wire.printable("".join(texts)),
        finish_reason=_reason(response, calls=bool(calls)),
        model=wire.printable(model) if isinstance(model, str) else None,
        usage=usage if isinstance(usage, dict) else None,
        choices=[{"index": 0, "message": message, "response": response}],
        refusal=wire.printable(str(refusals[0])) if refusals else None,
    )


def _reason(response: dict[str, Any], *, calls: bool) -> str | None:
    """Say in the words of chat completions how a response ended."""
    match response.get("status"):
        case "completed":
            return "tool_calls" if calls else "stop"
        case "incomplete":
            why = response.get("incomplete_details")
            reason = why.get("reason") if isinstance(why, dict) else None
            return "length" if reason == "max_output_tokens" else str(reason or "incomplete")
        case status:
            return str(status) if isinstance(status, str) else None


def _call(item: dict[str, Any]) -> dict[str, Any] | None:
    """Return an item as a call in the form of chat completions, where it is one."""
    name, identity = item.get("name"), item.get("call_id")
    match item.get("type"):
        case "function_call":
            function = {"name": name, "arguments": item.get("arguments")}
            return {"id": identity, "type": "function", "function": function}
        case "custom_tool_call":
            custom = {"name": name, "input": item.get("input")}
            return {"id": identity, "type": "custom", "custom": custom}
    return None


def _made(entry: Entry) -> dict[str, Any]:
    """Make a response of an answer that did not come as one: it was put by hand, or imported."""
    name = entry.id or entry.key.hex()[:12]
    part = {"type": "output_text", "text": entry.answer, "annotations": [], "logprobs": []}
    message = {
        "id": f"msg_llmc_{name}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    prompt, completion = entry.tokens.prompt or 0, entry.tokens.completion or 0
    usage = {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": entry.tokens.cached or 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }
    return {
        "id": f"resp_llmc_{name}",
        "object": "response",
        "created_at": int(entry.created_at),
        "status": "completed",
        "model": entry.served_model or entry.model,
        "output": [message],
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }


def _story(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Tell a response in the order in which it was made."""
    begun = response | {"status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(wire.dicts(response.get("output"))):
        place = {"output_index": index}
        yield {"type": "response.output_item.added", "item": _opened(item)} | place
        yield from _told(item, place | {"item_id": item.get("id") or f"item_{index}"})
        yield {"type": "response.output_item.done", "item": item} | place
    yield {"type": "response.completed", "response": response}


def _opened(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as it looks before anything was said."""
    empty = {"content": [], "summary": [], "arguments": "", "input": "", "status": "in_progress"}
    return item | {name: value for name, value in empty.items() if name in item}


def _told(item: dict[str, Any], place: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Tell what an item says; of a kind that is not known, nothing but its beginning and end."""
    match item.get("type"):
        case "message":
            for number, part in enumerate(wire.dicts(item.get("content"))):
                yield from _content(part, place | {"content_index": number})
        case "function_call":
            kind = "response.function_call_arguments"
            yield from _text(kind, "arguments", item.get("arguments"), place, name=item.get("name"))
        case "custom_tool_call":
            kind = "response.custom_tool_call_input"
            yield from _text(kind, "input", item.get("input"), place)
        case "reasoning":
            for number, part in enumerate(wire.dicts(item.get("summary"))):
                at = place | {"summary_index": number}
                empty = part | {"text": ""}
                yield {"type": "response.reasoning_summary_part.added", "part": empty} | at
                yield from _text("response.reasoning_summary_text", "text", part.get("text"), at)
                yield {"type": "response.reasoning_summary_part.done", "part": part} | at


def _content(part: dict[str, Any], place: dict[str, Any]) -> Iterator[dict[str, Any]]:
    empty = part | {name: "" for name in ("text", "refusal") if name in part}
    yield {"type": "response.content_part.added", "part": empty} | place
    if part.get("type") == "output_text":
        scores: dict[str, Any] = {"logprobs": []}
        yield from _text("response.output_text", "text", part.get("text"), place | scores)
    yield {"type": "response.content_part.done", "part": part} | place


def _text(
    kind: str, field: str, text: object, place: dict[str, Any], **told: Any
) -> Iterator[dict[str, Any]]:
    whole = text if isinstance(text, str) else ""
    for piece in wire.pieces(whole):
        yield {"type": f"{kind}.delta", "delta": piece} | place
    yield {"type": f"{kind}.done", field: whole} | place | told
