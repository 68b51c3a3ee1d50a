"""A working day of 500 questions, asked of the model that bills as OpenAI publishes.

Three kinds of work: tickets answered by a long guide, commit messages by instructions that stand in
each prompt, and questions of their own. `advised` is the same day after `llmc prefix` was followed.
"""

from __future__ import annotations

import datetime as dt
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from caching_model import OPENAI, CachingModel

from llmc import layout, pricing
from llmc.cache import Cache
from llmc.provider import Provider
from llmc.store import Store
from llmc.types import Ask, Request

TICKETS, COMMITS, OTHERS = 320, 130, 50
MORNING = dt.datetime(2026, 11, 25, 9, 0, tzinfo=dt.UTC)
HOURS = 8


class Day(NamedTuple):
    """What a day came to, in nano-USD by the provider's own bill, and in tokens."""

    bill: int
    prompt: int
    cached: int
    written: int
    requests: int


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = MORNING.timestamp()

    def __call__(self) -> float:
        return self.now


def prose(seed: str, words: int) -> str:
    """So many words that make no sense, the same ones for the same seed."""
    draw = random.Random(seed)
    syllables = ["ra", "ti", "mo", "ker", "lin", "sta", "ve", "do", "pun", "gal", "is", "or"]
    known = ["".join(draw.choices(syllables, k=draw.randint(1, 3))) for _ in range(400)]
    sentences = []
    while words > 0:
        length = min(words, draw.randint(6, 14))
        sentences.append(" ".join(draw.choices(known, k=length)).capitalize() + ".")
        words -= length
    return " ".join(sentences)


GUIDE, INSTRUCTIONS = prose("guide", 2600), prose("instructions", 900)


def requests(name: str, *, advised: bool, seed: int = 7) -> Iterator[tuple[float, Request]]:
    """Yield the day's requests in order, each with the seconds that pass before it."""
    draw = random.Random(seed)
    kinds = ["ticket"] * TICKETS + ["commit"] * COMMITS + ["other"] * OTHERS
    draw.shuffle(kinds)
    at = MORNING
    for number, kind in enumerate(kinds):
        pause = draw.expovariate(len(kinds) / (HOURS * 3600))
        at += dt.timedelta(seconds=pause)
        asked = prose(f"{kind} {number}", draw.randint(40, 120))
        clock = f"It is {at:%Y-%m-%d %H:%M}."
        static: str | None = None
        context: str | None = None
        if kind == "ticket":
            static = GUIDE if advised else f"{clock} {GUIDE}"
            context = clock if advised else None
        if kind == "commit":
            static = INSTRUCTIONS if advised else None
            asked = asked if advised else f"{INSTRUCTIONS}\n\n{asked}"
        messages = layout.messages(asked, system=static, context=context)
        body = {"model": name, "messages": messages}
        yield pause, Request(OPENAI, body, static=1 if static else 0)


@contextmanager
def _on_the_way(model: CachingModel) -> Iterator[None]:
    """Have requests to api.openai.com pass by a model on loopback."""
    before = {name: os.environ.get(name) for name in ("HTTP_PROXY", "NO_PROXY", "no_proxy")}
    os.environ["HTTP_PROXY"] = model.proxy
    os.environ.pop("NO_PROXY", None)
    os.environ.pop("no_proxy", None)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def live(path: Path, name: str, *, advised: bool, marked: bool = True) -> Day:
    """Live one day with a cache file at `path`; return what it came to."""
    clock = Clock()
    model = CachingModel(clock, answer_tokens=120)
    try:
        with _on_the_way(model):
            provider = Provider(OPENAI, key="sk-of-a-test", prompt_cache=marked)
        with _cache(path, provider, clock) as cache:
            for pause, request in requests(name, advised=advised):
                clock.now += pause
                cache.ask(request, Ask())
    finally:
        model.stop()
    served = model.served
    tokens = (sum(each[place] for each in served) for place in (1, 2, 3))
    return Day(model.bill, *tokens, requests=len(served))


def _cache(path: Path, provider: Provider, clock: Clock) -> Cache:
    return Cache(
        store=Store(str(path)),
        connect=lambda _: provider,
        price=lambda request, served, tokens: pricing.price(
            request.model, request.base_url, tokens, served=served
        ),
        clock=clock,
        timer=clock,
        draw=lambda _: 0,
        note=lambda _: None,
    )
