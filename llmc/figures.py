"""What do the sums of the ledger come to? Figures in dollars and shares, and their words."""

from __future__ import annotations

from typing import Any

from llmc import text

__all__ = ["dollars", "figures", "story"]


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


def story(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Choose and word the figures for a person."""
    kinds = ("memory", "exact", "shared", "semantic", "stale")
    parts = [f"{figures[f'hits_{kind}']:,} {kind}" for kind in kinds if figures[f"hits_{kind}"]]
    rate = "" if figures["hit_rate"] is None else f"{figures['hit_rate']:.1%}"
    details = [part for part in (rate, ", ".join(parts)) if part]
    tokens = figures["avoided_prompt_tokens"] + figures["avoided_completion_tokens"]
    nouns = ("hit", "call", "embedding", "judgement")
    unpriced = [(figures[f"unpriced_{noun}s"], noun) for noun in nouns]
    size = text.megabytes(figures["size_bytes"])
    story = [
        ("requests", f"{figures['requests']:,}"),
        ("hits", f"{figures['hits']:,}" + (f"  ({'; '.join(details)})" if details else "")),
        ("misses", f"{figures['misses']:,}"),
        ("matched by meaning", _matching(figures)),
        ("found wrong", _audited(figures)),
        ("past the cache", f"{figures['bypassed']:,}" if figures["bypassed"] else ""),
        ("tokens not bought", f"{tokens:,}"),
        ("dollars avoided", dollars(figures["avoided_usd"])),
        ("embedding, judging", _overhead(figures)),
        ("net saving", dollars(figures["net_usd"])),
        ("spent", dollars(figures["spent_usd"])),
        ("provider's discount", _at_provider(figures, "discount", "cached")),
        ("provider's premium", _at_provider(figures, "premium", "written")),
        (
            "price unknown",
            ", ".join(text.plural(*each) for each in unpriced if each[0]),
        ),
        ("waiting avoided", text.seconds(figures["time_saved_s"])),
        ("stored", ", ".join((text.plural(figures["entries"], "answer"), size))),
        ("gone for want of room", f"{figures['evicted']:,}" if figures["evicted"] else ""),
    ]
    return [(name, value) for name, value in story if value]


def _matching(figures: dict[str, Any]) -> str:
    if not figures["hits_semantic"] or figures["embedder"] is None:
        return ""
    uncalibrated = "" if figures["calibrated"] else ", uncalibrated"
    return f"{figures['embedder']} from {figures['threshold']:g} up{uncalibrated}"


def _audited(figures: dict[str, Any]) -> str:
    if not figures["audited"]:
        return ""
    low, high = figures["wrong_hit_rate_low"], figures["wrong_hit_rate_high"]
    share = f"{figures['wrong_hit_rate']:.1%} (95 % interval {low:.1%} to {high:.1%})"
    return f"{figures['audited_wrong']} of {figures['audited']} audited, {share}"


def _overhead(figures: dict[str, Any]) -> str:
    parts = figures["embedding_usd"], figures["judging_usd"]
    if None in parts:
        return "unknown"
    return dollars(sum(parts)) if any(parts) else ""


def _at_provider(figures: dict[str, Any], side: str, verb: str) -> str:
    """Word what the provider's own cache took off, or charged."""
    amount, tokens = figures[f"provider_{side}_usd"], figures[f"provider_{verb}_tokens"]
    return f"{dollars(amount)} ({tokens:,} {verb} tokens)" if amount else ""


def dollars(amount: float | None) -> str:
    """Write dollars; None is unknown."""
    return "unknown" if amount is None else text.usd(round(amount * 1e9))
