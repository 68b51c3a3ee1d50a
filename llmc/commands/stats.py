"""`llmc stats`: what was saved, and what was spent."""

import time
from typing import Annotated, Any, Literal

import typer

from llmc import config, output, streams, text
from llmc.figures import figures as figures_of
from llmc.options import Color, Db, Json, duration
from llmc.store import Store

__all__ = ["command"]


def command(
    since: Annotated[
        str | None, typer.Option("--since", metavar="AGE", help="Only the last 24h, 7d …")
    ] = None,
    by: Annotated[
        Literal["model", "namespace", "day", "source"] | None,
        typer.Option("--by", metavar="WHAT", help="By model, namespace, day or source."),
    ] = None,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",
) -> None:
    """Show what was saved, and what was spent.

    A saving is the recorded price of the call that an answer first cost; net is what remains
    after embedding and judging. What the provider's own cache took off, and what it charged for
    writing, stands apart from both.
    """
    settings = config.load({"db": db})
    age = duration("--since", since)
    now = time.time()
    start = 0.0 if age is None else now - age
    with Store(settings.db, create=False) as store:
        groups = [figures_of(group) for group in store.ledger.totals(since=start, by=by, now=now)]
        entries, size, evicted = store.count(), store.file.size(), store.eviction.evicted()
        figures_of_meaning = _by_meaning(settings, store, since=start)
    figures: dict[str, Any] = groups[0] if groups and by is None else figures_of({})
    figures |= figures_of_meaning | {"entries": entries, "size_bytes": size, "since_s": age}
    limits = settings.limits
    figures |= {"max_entries": limits.max_entries, "max_size_bytes": limits.max_size}
    figures |= {"evicted": evicted}
    colors = config.wants_color(color, terminal=streams.is_terminal(1))
    if json:
        output.print_json(figures if by is None else groups)
    elif by is not None:
        told = any(group[name] for group in groups for name in _PROVIDER)
        columns = _COLUMNS + (_PROVIDER if told or not streams.is_terminal(1) else ())
        rows = [[_shown(name, group[name]) for name in columns] for group in groups]
        output.print_table([by, *columns[1:]], rows, color=colors, right=columns[1:])
    elif streams.is_terminal(1):
        output.print_pairs(_story(figures), color=colors)
    else:
        for name, value in figures.items():
            output.print_text(f"{name}\t{_plain(value)}\n", flush=False)


_COLUMNS = ("name", "requests", "hits", "hit_rate", "avoided_usd", "spent_usd", "net_usd")
#: What the provider's own cache did: a terminal has no room for it where that is nothing.
_PROVIDER = ("provider_discount_usd", "provider_premium_usd")


def _by_meaning(settings: config.Settings, store: Store, *, since: float) -> dict[str, Any]:
    """Say how semantic hits are chosen, and how often an audit found one wrong."""
    from llmc.calibration import wilson

    audited, wrong = store.paraphrases.audit(since=since)
    low, high = wilson(wrong, audited) if audited else (None, None)
    meaning = config.meaning_of(settings, store, note=streams.note)
    threshold, measured = meaning.threshold() if meaning else (None, None)
    return {
        "embedder": meaning.chosen.name if meaning else None,
        "threshold": threshold,
        "calibrated": measured,
        "audited": audited,
        "audited_wrong": wrong,
        "wrong_hit_rate": wrong / audited if audited else None,
        "wrong_hit_rate_low": low,
        "wrong_hit_rate_high": high,
    }


def _story(figures: dict[str, Any]) -> list[tuple[str, str]]:
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
        ("dollars avoided", _dollars(figures["avoided_usd"])),
        ("embedding, judging", _overhead(figures)),
        ("net saving", _dollars(figures["net_usd"])),
        ("spent", _dollars(figures["spent_usd"])),
        ("provider's discount", _at_provider(figures, "discount", "cached")),
        ("provider's premium", _at_provider(figures, "premium", "written")),
        (
            "price unknown",
            ", ".join(output.plural(*each) for each in unpriced if each[0]),
        ),
        ("waiting avoided", text.seconds(figures["time_saved_s"])),
        ("stored", ", ".join((output.plural(figures["entries"], "answer"), size))),
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
    return _dollars(sum(parts)) if any(parts) else ""


def _at_provider(figures: dict[str, Any], side: str, verb: str) -> str:
    """Word what the provider's own cache took off, or charged."""
    dollars, tokens = figures[f"provider_{side}_usd"], figures[f"provider_{verb}_tokens"]
    return f"{_dollars(dollars)} ({tokens:,} {verb} tokens)" if dollars else ""


def _dollars(dollars: float | None) -> str:
    return "unknown" if dollars is None else text.usd(round(dollars * 1e9))


def _shown(name: str, value: Any) -> str:
    if name == "hit_rate":
        return "" if value is None else f"{value:.1%}"
    return _dollars(value) if name.endswith("_usd") else _plain(value)


def _plain(value: Any) -> str:
    return "" if value is None else f"{value:.9f}" if isinstance(value, float) else str(value)
