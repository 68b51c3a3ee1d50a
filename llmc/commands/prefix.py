"""`llmc prefix`: where shared beginnings break on their way to a provider, and what that costs."""

# No `from __future__ import annotations` in commands: Typer would evaluate each text four times.
import time
from typing import Any

from llmc import config, output, streams, text
from llmc.options import Color, Db, Json, Model, Namespace, Since, duration
from llmc.prefix.advice import ALONE, figures
from llmc.prefix.likeness import LEAST
from llmc.prefix.sent import MOST, sent
from llmc.prefix.sharing import groups, premium, unit_by
from llmc.store import Store

__all__ = ["command"]

#: What a pipe gets of each group; a terminal has room for some of it.
_COLUMNS = (
    "requests", "model", "prompt_tokens", "estimated_eligible_tokens", "cached_tokens",
    "estimated_lost_usd", "estimated_wasted_usd", "reason", "message", "character", "was", "now",
    "advice",
)  # fmt: skip
_SHOWN = {
    "requests": "requests",
    "estimated_eligible_tokens": "eligible",
    "cached_tokens": "cached",
    "estimated_lost_usd": "lost",
    "estimated_wasted_usd": "wasted",
    "advice": "advice",
}


def command(
    since: Since = None,
    model: Model = None,
    namespace: Namespace = None,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",
) -> None:
    """Show what keeps the provider's cache from reading your prompts.

    Looks at the questions that reached a provider, as far as their texts are stored. Eligible
    tokens, lost and wasted dollars are estimates; cached tokens are the provider's own count.
    """
    settings = config.load({"db": db})
    age = duration("--since", since)
    start = 0.0 if age is None else time.time() - age

    unit = unit_by(settings.rates)
    with Store(settings.db, create=False) as store:
        requests, textless = sent(store.file, since=start, model=model, namespace=namespace)
    found, alone = groups(requests, unit)
    counted = [request for request in alone if request.prompt is not None]
    long = [request for request in counted if (request.prompt or 0) >= LEAST]
    rows = [figures(group) for group in found]
    rest = {"requests": len(long), "estimated_wasted_usd": round(premium(long, unit)) / 1e9}
    told = {
        "requests": len(requests) + textless,
        "without_text": textless,
        "without_usage": len(alone) - len(counted),
        "short": len(counted) - len(long),
        "alone": rest | {"advice": ALONE if rest["estimated_wasted_usd"] else None},
        "since_s": age,
        "groups": rows,
    }
    if json:
        output.print_json(told)
        return
    _print(rows, color=config.wants_color(color, terminal=streams.is_terminal(1)))
    _note(told)


def _print(rows: list[dict[str, Any]], *, color: bool) -> None:
    """Show groups: a table on a terminal, else tab-separated lines under one line of names."""
    terminal = streams.is_terminal(1)
    names = tuple(_SHOWN) if terminal else _COLUMNS
    columns = [_SHOWN[name] for name in names] if terminal else list(names)
    if terminal:  # no room for a column of its own
        reasons = (f"{row['reason']}: " if row["reason"] else "" for row in rows)
        rows = [
            row | {"advice": why + row["advice"]} for why, row in zip(reasons, rows, strict=True)
        ]
    cells = [[_cell(name, row[name], terminal=terminal) for name in names] for row in rows]
    if rows or not terminal:
        flexible = "advice" if terminal else None
        output.print_table(
            columns, cells, color=color, right=columns[:-1], flexible=flexible, wrap=True
        )


def _cell(name: str, value: Any, *, terminal: bool) -> str:
    if value is None:
        return "?" if terminal else ""
    if not terminal:
        return f"{value:.9f}" if isinstance(value, float) else str(value)
    about = "~" if name.startswith("estimated_") else ""
    shown = text.usd(round(value * 1e9)) if name.endswith("_usd") else str(value)
    return about + (f"{value:,}" if isinstance(value, int) else shown)


def _note(told: dict[str, Any]) -> None:
    """Say on standard error what was looked at, and what was left out."""
    rest = told["alone"]
    parts = [
        (told["requests"], "reached a provider" + (" (the newest)" * (told["requests"] == MOST))),
        (told["without_text"], "without a stored text"),
        (told["without_usage"], "without a count of tokens"),
        (told["short"], f"shorter than {LEAST} tokens"),
        (rest["requests"], "like no other"),
    ]
    told_of = [f"{text.plural(n, 'request')} {what}" for n, what in parts if n or what[0] == "r"]
    streams.note("; ".join(told_of))
    if rest["advice"]:
        wasted = text.usd(round(rest["estimated_wasted_usd"] * 1e9))
        streams.note(f"{wasted} for writing what is like no other: {rest['advice']}")
