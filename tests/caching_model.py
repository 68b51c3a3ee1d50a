"""A model on loopback that bills as OpenAI publishes: what its own cache reads, writes and charges.

It stands in for api.openai.com by being the proxy on the way there, so that the program under test
sees the real address. Two families: one matches at breakpoints and charges for writing, the other
finds the longest common beginning by itself. Its tokens are not llmc's estimate.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from upstream import Call, Reply, Upstream

OPENAI = "http://api.openai.com/v1"
MINIMUM = 1024
#: Seconds since the last use; a day is the default where data may be retained at all.
LIFETIMES = {"breakpoints": 1800.0, "steps": 86400.0}


class Rates(NamedTuple):
    """A family's rules, and nano-USD for each token, from OpenAI's price list of autumn 2026."""

    rules: str
    fresh: int
    read: int
    written: int
    answered: int


FAMILIES = {
    "gpt-5.6-luna": Rates("breakpoints", 200, 20, 250, 1200),
    "gpt-4.1-mini": Rates("steps", 400, 100, 400, 1600),
}
_SETTINGS = (
    "model", "parallel_tool_calls", "prompt_cache_key", "reasoning_effort", "response_format",
    "service_tier", "verbosity",
)  # fmt: skip


class Served(NamedTuple):
    """One request as it was billed."""

    at: float
    prompt: int
    cached: int
    written: int
    cost: int  # nano-USD


class CachingModel(Upstream):
    """The server; `served` is its bill. Every answer has `answer_tokens` tokens."""

    def __init__(self, clock: Callable[[], float] = time.time, *, answer_tokens: int = 100) -> None:
        self.clock = clock
        self.answer_tokens = answer_tokens
        self.served: list[Served] = []
        self._kept: dict[tuple[str, ...], float] = {}  # what is kept, and when it was last used
        super().__init__()

    @property
    def proxy(self) -> str:
        """What HTTP_PROXY must be for this to be api.openai.com."""
        return self.url.removesuffix("/v1")

    @property
    def bill(self) -> int:
        """All that was charged, in nano-USD."""
        return sum(served.cost for served in self.served)

    def take(self, call: Call) -> Reply:
        """Answer a call; refuse what the model's family does not take."""
        body = call.body
        rates = FAMILIES[body["model"]]
        if rates.rules == "steps" and (refused := _marks(body)):
            said = {"message": f"Unknown parameter: '{refused}'.", "param": refused, "code": "x"}
            with self._lock:
                self.calls.append(call)
            return Reply(status=400, error={"error": said})
        with self._lock:
            self.calls.append(call)
            served = self._serve(body, rates)
            self.served.append(served)
        usage = {
            "prompt_tokens": served.prompt,
            "completion_tokens": self.answer_tokens,
            "total_tokens": served.prompt + self.answer_tokens,
            "prompt_tokens_details": {"cached_tokens": served.cached},
        }
        if rates.rules == "breakpoints":
            usage["prompt_tokens_details"]["cache_write_tokens"] = served.written
        return Reply(f"answer {len(self.calls)}", usage=usage)

    def _serve(self, body: dict[str, Any], rates: Rates) -> Served:
        now = self.clock()
        lifetime = LIFETIMES[rates.rules]
        self._kept = {key: at for key, at in self._kept.items() if now - at < lifetime}
        tokens, marked, ends = _rendered(body)
        head = json.dumps([body.get(name) for name in _SETTINGS])
        if rates.rules == "breakpoints":
            cached, written = self._by_breakpoints(body, head, tokens, marked, ends, now)
        else:
            cached, written = self._by_steps(head, tokens, now), 0
        fresh = len(tokens) - cached - written
        cost = fresh * rates.fresh + cached * rates.read + written * rates.written
        cost += self.answer_tokens * rates.answered
        return Served(now, len(tokens), cached, written, cost)

    def _by_breakpoints(
        self,
        body: dict[str, Any],
        head: str,
        tokens: list[str],
        marked: list[int],
        ends: list[int],
        now: float,
    ) -> tuple[int, int]:
        """Read at the longest boundary that was written, write at those that are placed."""
        implicit = body.get("prompt_cache_options", {}).get("mode") != "explicit"
        placed = [*marked, ends[-1]] if implicit else marked
        looked_up = {*placed, *ends[-21:]} if implicit else set(placed)
        known = [n for n in looked_up if n >= MINIMUM and (head, *tokens[:n]) in self._kept]
        cached = max(known, default=0)
        if cached:
            self._kept[head, *tokens[:cached]] = now
        fitting = [n for n in placed if n >= MINIMUM and n > cached]
        for number in fitting[-4:]:
            self._kept[head, *tokens[:number]] = now
        return cached, max(fitting, default=cached) - cached

    def _by_steps(self, head: str, tokens: list[str], now: float) -> int:
        """Read the longest common beginning, in steps of 128 tokens; writing is free."""
        chain, steps = (head,), []
        for end in range(128, len(tokens) + 1, 128):
            chain = (head, str(hash((chain, *tokens[end - 128 : end]))))
            steps.append(chain)
        known = next((n for n, step in enumerate(steps) if step not in self._kept), len(steps))
        self._kept |= dict.fromkeys(steps, now)
        return known * 128 if known * 128 >= MINIMUM else 0


def _marks(body: dict[str, Any]) -> str | None:
    if "prompt_cache_options" in body:
        return "prompt_cache_options"
    marked = "prompt_cache_breakpoint" in json.dumps(body["messages"])
    return "messages[0].content[0].prompt_cache_breakpoint" if marked else None


def _rendered(body: dict[str, Any]) -> tuple[list[str], list[int], list[int]]:
    """The tokens of a request in their order; where breakpoints stand, and where messages end."""
    tokens = _tokens(json.dumps(body["tools"])) if "tools" in body else []
    marked, ends = [], []
    for message in body["messages"]:
        tokens.append(f"<{message['role']}>")
        content = message["content"]
        for part in [{"text": content}] if isinstance(content, str) else content:
            tokens += _tokens(part["text"])
            if "prompt_cache_breakpoint" in part:
                marked.append(len(tokens))
        ends.append(len(tokens))
    return tokens, marked, ends


def _tokens(text: str) -> list[str]:
    """Pieces of up to six letters, with the blank before them: about as many as a real encoding."""
    return re.findall(r"\s?\w{1,6}|\s?[^\w\s]|\s", text)
