"""`llmc stats`: what was saved, and what was spent."""

import time
from typing import Annotated, Any, Literal

import typer

from llmc import config, output, streams
from llmc.figures import dollars, story
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
        write = _shown if streams.is_terminal(1) else _plain
        rows = [[write(name, group[name]) for name in columns] for group in groups]
        heads = [_HEADS.get(name, name) if streams.is_terminal(1) else name for name in columns[1:]]
        output.print_table([by, *heads], rows, color=colors, right=heads, flexible=by)
    elif streams.is_terminal(1):
        output.print_pairs(story(figures), color=colors)
    else:
        for name, value in figures.items():
            output.print_text(f"{name}\t{_plain(name, value)}\n", flush=False)


_COLUMNS = ("name", "requests", "hits", "hit_rate", "avoided_usd", "spent_usd", "net_usd")
#: What the provider's own cache did: a terminal has no room for it where that is nothing.
_PROVIDER = ("provider_discount_usd", "provider_premium_usd")
#: What a terminal has room for.
_HEADS = {
    "hit_rate": "rate",
    "avoided_usd": "avoided",
    "spent_usd": "spent",
    "net_usd": "net",
    "provider_discount_usd": "discount",
    "provider_premium_usd": "premium",
}


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


def _shown(name: str, value: Any) -> str:
    if name == "hit_rate":
        return "" if value is None else f"{value:.1%}"
    return dollars(value) if name.endswith("_usd") else _plain(name, value)


def _plain(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name.endswith("_usd"):
        return f"{value:.9f}"
    return str(round(value, 9) if isinstance(value, float) else value)
