"""What would a batch do, and what would that cost? Each row is looked up, nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmc import keys
from llmc.types import Hit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmc.batchfile import Row
    from llmc.cache import Cache
    from llmc.types import Ask

__all__ = ["ANSWER", "plan"]

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
        limit = keys.token_limit(row.request)
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
