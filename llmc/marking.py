"""What is a provider's own cache told of a request, and by which rules does it read and write?

A server that nobody knows is told nothing.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc.prefixes import MINIMUM, head_of, static_of
from llmc.pricing import estimate_tokens, provider_of
from llmc.types import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmc.types import Price, Request

__all__ = [
    "BREAKPOINT",
    "PARAMETERS",
    "Forecast",
    "Scheme",
    "as_json",
    "forecast",
    "marks",
    "scheme_of",
]

BREAKPOINT = "prompt_cache_breakpoint"
#: What `marks` adds, by the names under which a server may refuse it.
PARAMETERS = ("prompt_cache_options", "prompt_cache_key", BREAKPOINT)

#: A static part of so many estimated tokens may have the 1,024 of the minimum: estimates are 0.83
#: to 1.2 of the truth. A mark behind a part that is too short writes nothing and costs nothing.
_WORTH_MARKING = 850

_MINUTE, _HOUR = 60.0, 3600.0


class Scheme(NamedTuple):
    """The rules of one family of models. Lifetimes are seconds since the last use.

    `exact` families write and read at breakpoints alone, and charge for writing: one that nobody
    marks stands at the end of the last message. The others find the longest common beginning by
    themselves, in steps of so many tokens.
    """

    lifetime: float
    minimum: int = MINIMUM
    step: int = 1
    exact: bool = False
    takes_breakpoints: bool = False
    takes_key: bool = False  # requests of one key go to one machine

    def readable(self, tokens: int) -> int:
        """Return how much of a common beginning is read, in tokens; 0 where it is too short."""
        return 0 if tokens < self.minimum else tokens - tokens % self.step


class Forecast(NamedTuple):
    """What a request's prompt would cost, in nano-USD (None: unknown), by estimated tokens.

    `first` is with marks while nothing is written yet, `following` with the next question on the
    same static part, `unmarked` without any mark.
    """

    static_tokens: int
    marks: tuple[str, ...]
    first: int | None
    following: int | None
    unmarked: int | None


_OPENAI = re.compile(r"(?:ft:)?(?:chat)?(gpt-(\d+)(?:\.(\d+))?(o?)|o[1-9])(?![\d.])")


def scheme_of(base_url: str, model: str) -> Scheme | None:
    """Return a provider's rules for a model; None if it keeps nothing of it, or is unknown.

    By OpenAI's guide to prompt caching of autumn 2026. Mistral, DeepSeek, xAI and Google say less:
    where one publishes no minimum it is OpenAI's, where one publishes no lifetime it is short.
    """
    match provider_of(base_url):
        case "openai":
            return _openai(model.lower(), official=True)
        case "azure":
            return _openai(model.lower(), official=False)
        case "mistral":
            return Scheme(5 * _MINUTE, takes_key=True)
        case "deepseek":
            return Scheme(_HOUR)
        case "x-ai":
            return Scheme(5 * _MINUTE)
        case "google" if "gemini" in model:
            return Scheme(5 * _MINUTE, minimum=2048 if "-2." in model else 4096)
        case _:
            return None


def marks(request: Request, *, refused: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the fields that tell the provider's cache about a request, over those of its body.

    Families that charge for writing are told not to write, but at the end of a long static part;
    those that route by a key get one made of the static part. Nothing is added where it is not
    known what stays the same, where the caller has said something himself, or what was refused.
    """
    scheme = scheme_of(request.base_url, request.model)
    said = any(name.startswith("prompt_cache_") for name in request.body)
    if scheme is None or request.static is None or said or request.endpoint != "chat/completions":
        return {}
    is_long = estimate_tokens(static_of(request)) >= _WORTH_MARKING
    if scheme.takes_breakpoints and "prompt_cache_options" not in refused:
        options = {"prompt_cache_options": {"mode": "explicit"}}
        marked = _marked(request) if is_long and BREAKPOINT not in refused else None
        return options if marked is None else {**options, "messages": marked}
    if scheme.takes_key and is_long and "prompt_cache_key" not in refused:
        digest = hashlib.sha256(head_of(request).encode("utf-8", "surrogatepass"))
        return {"prompt_cache_key": f"llmc-{digest.hexdigest()[:32]}"}
    return {}


def forecast(
    request: Request, price: Callable[[Tokens], Price], *, marked: bool = True
) -> Forecast | None:
    """Estimate what a request's prompt costs with its marks and without; None if nothing is known.

    `price` is what so many tokens of it cost. Where not `marked`, no mark would be sent.
    """
    scheme = scheme_of(request.base_url, request.model)
    if scheme is None:
        return None
    static = estimate_tokens(static_of(request))
    everything = request._replace(static=len(request.body.get("messages") or ()))
    tokens = estimate_tokens(static_of(everything))
    read = scheme.readable(static)
    added = marks(request) if marked else {}
    names = (
        *(name for name in added if name != "messages"),
        *([BREAKPOINT] * ("messages" in added)),
    )

    def cost(cached: int, written: int) -> int | None:
        return price(Tokens(tokens, 0, cached, written)).cost

    unmarked = cost(0, tokens if scheme.exact and tokens >= scheme.minimum else 0)
    if not scheme.exact:
        return Forecast(static, names, unmarked, cost(read, 0), unmarked)
    if not added:
        return Forecast(static, names, unmarked, unmarked, unmarked)
    at_mark = read if "messages" in added else 0
    return Forecast(static, names, cost(0, at_mark), cost(at_mark, 0), unmarked)


def as_json(forecast: Forecast) -> dict[str, Any]:
    """Return a forecast as the object that `ask --dry-run --json` prints."""
    costs = {"first": forecast.first, "next": forecast.following, "unmarked": forecast.unmarked}
    return {
        "estimated_static_tokens": forecast.static_tokens,
        "marks": list(forecast.marks),
        **{
            f"estimated_{name}_cost_usd": None if nusd is None else nusd / 1e9
            for name, nusd in costs.items()
        },
    }


def _openai(model: str, *, official: bool) -> Scheme | None:
    found = _OPENAI.match(model)
    if found is None:
        return None
    number = (int(found[2] or 0), int(found[3] or 0))
    if number >= (5, 6):
        return Scheme(30 * _MINUTE, exact=True, takes_breakpoints=official)
    if number == (5, 5):
        return Scheme(24 * _HOUR, step=2048, takes_key=official)
    if number >= (4, 1):
        return Scheme(24 * _HOUR, step=128, takes_key=official)
    if found[4] or not found[2]:  # gpt-4o, o1 to o4
        return Scheme(10 * _MINUTE, step=128, takes_key=official)
    return None


def _marked(request: Request) -> list[Any] | None:
    """Return the messages with a breakpoint at the end of the static ones, if those end in text."""
    messages = list(request.body["messages"])
    if not request.static:
        return None
    last = messages[request.static - 1]
    content = last.get("content") if isinstance(last, dict) else None
    parts: Any = [{"type": "text", "text": content}] if isinstance(content, str) else content
    end = parts[-1] if isinstance(parts, list) and parts else None
    if not isinstance(end, dict) or end.get("type") != "text":
        return None
    marked = [*parts[:-1], {**end, BREAKPOINT: {"mode": "explicit"}}]
    messages[request.static - 1] = {**last, "content": marked}
    return messages
