"""How does the proxy's page look? Plain HTML: no script, and nothing from elsewhere."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmc.ledger import Asked

__all__ = ["View", "headers", "login", "page"]

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; }
th { font-weight: 600; } td { border-top: 1px solid #8884; overflow-wrap: anywhere; }
.n { text-align: right; white-space: nowrap; }
.quiet { opacity: .65; } meter { width: 8rem; }
details p { white-space: pre-wrap; } form { display: inline; }
"""

#: The letters of an answer that the page shows.
_SHOWN = 2_000


class View(NamedTuple):
    """What the page shows."""

    days: list[dict[str, Any]]  # sums by day, or by namespace
    asked: list[Asked]
    now: float
    words: str = ""  # what is searched for
    may_forget: bool = False


def headers(nonce: str) -> dict[str, str]:
    """Return what keeps the page to itself; only its own style has the nonce."""
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    )
    return {
        "content-security-policy": policy,
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        # Not "no-referrer": browsers then say that the page's own forms come from nowhere.
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
    }


def login(nonce: str, *, failed: bool = False) -> bytes:
    """Return the page that asks for the token."""
    told = "<p>That was not it.</p>" if failed else ""
    form = (
        '<form method="post" action="/login"><label>Token <input type="password" name="token"'
        ' autocomplete="current-password" required autofocus></label> <button>Open</button></form>'
    )
    return _document(f"<h1>llmc</h1>{told}{form}", nonce)


def page(view: View, nonce: str) -> bytes:
    """Return the page."""
    search = (
        '<form method="get" action="/" role="search"><label>Search <input type="search" name="q"'
        f' value="{escape(view.words)}"></label> <button>Find</button></form>'
    )
    found = f"Found for “{escape(view.words)}”" if view.words else "Asked lately"
    return _document(
        f"<h1>llmc</h1>{_savings(view.days)}<h2>{found}</h2>{search}{_questions(view)}", nonce
    )


def _document(body: str, nonce: str) -> bytes:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>llmc</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style nonce="{nonce}">{_STYLE}</style></head><body>{body}</body></html>'
    ).encode("utf-8", "replace")


def _savings(days: list[dict[str, Any]]) -> str:
    if not days:
        return "<p>Nothing was asked yet.</p>"
    most = max(day["requests"] for day in days) or 1
    rows = [
        f"<tr><td>{escape(str(day['name']))}</td><td class=n>{day['requests']:,}</td>"
        f"<td class=n>{day['hits']:,}</td>"
        f'<td><meter min="0" max="{most}" value="{day["hits"]}"></meter></td>'
        f"<td class=n>{_usd(day['avoided_nusd'])}</td><td class=n>{_usd(day['spent_nusd'])}</td>"
        f"<td class=n>{text.seconds(day['time_saved_s'])}</td></tr>"
        for day in days
    ]
    names = ("", "requests", "hits", "", "saved", "spent", "waiting saved")
    return f"<h2>Savings</h2>{_table(names, rows)}"


def _questions(view: View) -> str:
    if not view.asked:
        return "<p>Nothing.</p>"
    rows = [_question(asked, view) for asked in view.asked]
    names = ("", "question", "source", "model", "", "")
    return _table(names, rows)


def _question(asked: Asked, view: View) -> str:
    age = text.age(view.now - asked.at)
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(asked.at))
    forget = ""
    if asked.prompt is None:
        told = '<span class="quiet">not stored</span>'
    else:
        question = text.one_line(asked.prompt, width=120) or "(no text)"
        answer = escape(text.visible((asked.answer or "")[:_SHOWN]))
        told = f"<details><summary>{escape(question)}</summary><p>{answer}</p></details>"
        if view.may_forget:
            forget = (
                '<form method="post" action="/forget"><input type="hidden" name="id"'
                f' value="{asked.entry_id}"><button>Forget</button></form>'
            )
    return (
        f'<tr><td class=n title="{when}">{age}</td><td>{told}</td><td>{escape(asked.source)}</td>'
        f"<td>{escape(asked.model)}</td><td class=n>{_usd(asked.cost)}</td><td>{forget}</td></tr>"
    )


def _table(names: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f"<th>{name}</th>" for name in names)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _usd(nusd: int | None) -> str:
    return '<span class="quiet">unknown</span>' if nusd is None else text.usd(nusd)
