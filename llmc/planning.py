"""What would a question or a batch do, and what would that cost? It is looked up, not sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmc import keys, marking, pricing, text
from llmc.batch.budget import limit_of
from llmc.types import Hit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmc.batch.batchfile import Row
    from llmc.cache import Cache
    from llmc.config import Settings
    from llmc.types import Ask, Request

__all__ = ["ANSWER", "of_question", "plan", "told"]

#: The tokens that an answer is taken to have where its limit is not lower.
ANSWER = 500


def plan(
    rows: Iterable[Row | None],
    cache: Cache,
    ask: Ask,
    *,
    fault: Callable[[Row], None],
) -> dict[str, Any]:
    """Return how many rows there are of each kind, and estimates for those that would be asked.

    `fault` is given the rows that ask nothing. Of what would be asked, a part of each key is kept.
    """
    counts = dict.fromkeys(("rows", "cached", "same", "to_ask", "faulty", "unpriced"), 0)
    tokens = cost = 0
    seen: set[bytes] = set()
    for row in rows:
        if row is None:
            continue
        counts["rows"] += 1
        if row.request is None:
            counts["faulty"] += 1
            fault(row)
            continue
        found = cache.lookup(row.request, ask._replace(refresh=False, offline=True))
        if isinstance(found, Hit) and not ask.refresh:
            counts["cached"] += 1
            continue
        key = keys.cache_key(row.request)[:12]
        may_share = isinstance(found, Hit) or not found.bypass
        if may_share and key in seen:
            counts["same"] += 1
            continue
        if may_share:
            seen.add(key)
        counts["to_ask"] += 1
        limit = limit_of(row.request)
        answer = ANSWER if limit is None else min(ANSWER, limit)
        count, price = cache.estimate(row.request, completion=answer)
        tokens += count
        cost += price.cost or 0
        counts["unpriced"] += price.cost is None
    money = None if counts["unpriced"] else cost / 1e9
    return counts | {
        "estimated_prompt_tokens": tokens,
        "estimated_cost_usd": money,
        "assumed_answer_tokens": ANSWER,
    }


def of_question(
    request: Request, cache: Cache, ask: Ask, settings: Settings, *, now: float
) -> dict[str, Any]:
    """Return the request, its key, what would answer it, and estimates of tokens and costs.

    `source` is None where nobody would answer: offline, and not in the cache.
    """
    found = cache.lookup(request, ask._replace(offline=True))  # a remote embedder costs money
    tokens, price = cache.estimate(request)
    plan: dict[str, Any] = {"base_url": request.base_url, "request": request.body}
    asked = not (isinstance(found, Hit) or ask.offline)
    if isinstance(found, Hit):
        plan |= {"key": found.entry.key.hex(), "source": found.source, "level": found.level}
        plan |= {"id": found.entry.id, "age_s": round(now - found.entry.created_at, 3)}
        if (alias := found.alias) is not None:
            plan |= {"similarity": round(alias.similarity, 6), "matched_prompt": found.entry.prompt}
    else:
        plan |= {"key": found.key.hex(), "source": "model" if asked else None}
        plan |= dict.fromkeys(("level", "id", "age_s"))
    cost = None if price.cost is None else price.cost / 1e9
    return plan | {
        "reason": None if isinstance(found, Hit) else found.reason,
        "estimated_prompt_tokens": tokens,
        "estimated_cost_usd": cost if asked else 0,
        "prompt_cache": _prompt_cache(request, settings),
    }


def _prompt_cache(request: Request, settings: Settings) -> dict[str, Any] | None:
    forecast = marking.forecast(
        request,
        lambda tokens: pricing.price(request.model, request.base_url, tokens, rates=settings.rates),
        marked=settings.prompt_cache == "auto",
    )
    return None if forecast is None else marking.as_json(forecast)


def told(plan: dict[str, Any]) -> str:
    """Word a question's plan for a person."""
    cost = "$0"
    if plan["source"] is None:
        by = f"nothing: {plan['reason']} (--offline)"
    elif plan["source"] != "model":
        by = f"entry {plan['id']}, {text.age(plan['age_s'])} old ({plan['source']} hit)"
    else:
        by = f"{plan['request']['model']} at {plan['base_url']} (miss: {plan['reason']})"
        known = plan["estimated_cost_usd"]
        cost = "price unknown" if known is None else f"about {text.usd(round(known * 1e9))}"
        tokens = text.plural(plan["estimated_prompt_tokens"], "prompt token")
        cost += f" for about {tokens}, plus the answer's"
    caching = ""
    forecast = plan["prompt_cache"]
    if plan["source"] == "model" and forecast and forecast["estimated_static_tokens"]:
        caching = f"caching  {_caching(forecast)}\n"
    body = json.dumps(plan["request"], ensure_ascii=False, indent=2)
    return (
        f"key      {plan['key']}\nanswer   {text.one_line(by)}\ncost     {cost}\n{caching}"
        f"request  {body}\n"
    )


def _caching(told: dict[str, Any]) -> str:
    """Say what the prompt costs with the provider's own cache, marked and unmarked."""
    first, after, unmarked = (
        "unknown" if (known := told[f"estimated_{name}_cost_usd"]) is None
        else text.usd(round(known * 1e9))
        for name in ("first", "next", "unmarked")
    )  # fmt: skip
    marks = ", ".join(told["marks"]) or "no marks"
    return (
        f"about {told['estimated_static_tokens']:,} static tokens; {marks}: {first} at first,"
        f" {after} for the next question on them; {unmarked} without marks"
    )
