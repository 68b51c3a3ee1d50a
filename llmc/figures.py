"""What do the sums of the ledger come to? The figures that are shown, in dollars and shares."""

from __future__ import annotations

from typing import Any

__all__ = ["figures"]


def figures(totals: dict[str, Any]) -> dict[str, Any]:
    """Turn a ledger's sums into figures to show; without lines all of them are 0."""
    count = {name: value or 0 for name, value in totals.items() if name != "name"}
    hits, misses = count.get("hits", 0), count.get("misses", 0)
    avoided, spent = totals.get("avoided_nusd", 0), totals.get("spent_nusd", 0)
    embedding, judging = (totals.get(f"{name}_nusd", 0) for name in ("embedding", "judging"))
    known = not {avoided, embedding, judging} & {None}
    sources = ("memory", "exact", "shared", "semantic", "stale")
    named: dict[str, Any] = {"name": totals["name"]} if totals.get("name") is not None else {}
    return named | {
        "requests": count.get("requests", 0),
        "hits": hits,
        **{f"hits_{source}": count.get(source, 0) for source in sources},
        "misses": misses,
        "bypassed": count.get("bypassed", 0),
        "hit_rate": round(hits / (hits + misses), 4) if hits + misses else None,
        "avoided_prompt_tokens": count.get("avoided_prompt_tokens", 0),
        "avoided_completion_tokens": count.get("avoided_completion_tokens", 0),
        "prompt_tokens": count.get("prompt_tokens", 0),
        "completion_tokens": count.get("completion_tokens", 0),
        "avoided_usd": None if avoided is None else avoided / 1e9,
        "embedding_usd": None if embedding is None else embedding / 1e9,
        "judging_usd": None if judging is None else judging / 1e9,
        "net_usd": (avoided - embedding - judging) / 1e9 if known else None,
        "spent_usd": None if spent is None else spent / 1e9,
        "provider_cached_tokens": count.get("provider_cached_tokens", 0),
        "provider_written_tokens": count.get("provider_written_tokens", 0),
        "provider_discount_usd": count.get("provider_discount_nusd", 0) / 1e9,
        "provider_premium_usd": count.get("provider_premium_nusd", 0) / 1e9,
        "unpriced_hits": count.get("unpriced_hits", 0),
        "unpriced_calls": count.get("unpriced_calls", 0),
        "unpriced_embeddings": count.get("unpriced_embeddings", 0),
        "unpriced_judgements": count.get("unpriced_judgements", 0),
        "time_saved_s": round(count.get("time_saved_s", 0), 3),
    }
