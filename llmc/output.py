"""How is a result shown: to a person on a terminal, to a pipe as tabs, to a program as JSON?

The only user of Rich, and that only for tables on a terminal. Text that came from outside is
never markup, and on a terminal its control characters are made visible.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from llmc import keys, streams, text
from llmc.errors import InputError, LlmcError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmc.types import Alias, Entry, Hit

__all__ = [
    "Screen",
    "answer_text",
    "answered",
    "as_json",
    "brief",
    "confirm",
    "entry_json",
    "extract",
    "limit_of",
    "print_answer",
    "print_entries",
    "print_entry",
    "print_json",
    "print_json_line",
    "print_pairs",
    "print_table",
    "print_text",
    "require_consent",
    "scrubbed",
]

#: How to see what would be destroyed.
_LOOK = "--dry-run shows what would go"

_FREE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def print_text(words: str, *, flush: bool = True) -> None:
    """Write text to standard output: unchanged into a pipe, made harmless on a terminal."""
    streams.write(text.visible(words) if streams.is_terminal(1) else words, flush=flush)


def print_answer(words: str) -> None:
    """Write an answer and one final newline, in one write: others may use the same pipe."""
    print_text(words if words.endswith("\n") else words + "\n")


def print_json(value: object, *, flush: bool = True) -> None:
    """Write one JSON value on a line of its own."""
    print_json_line(json.dumps(value, ensure_ascii=False), flush=flush)


def print_json_line(line: str, *, flush: bool = True) -> None:
    """Write a line that is JSON already; on a terminal it escapes what that would obey."""
    streams.write(f"{text.inert_json(line) if streams.is_terminal(1) else line}\n", flush=flush)


class Screen:
    """Shows an answer as it comes, and no note in the middle of its line.

    A fault of the file is noted once, though it hinders both a look and a write.
    """

    def __init__(self, *, quiet: bool) -> None:
        """Show answers; notes too, unless it is to be quiet."""
        self._quiet, self._open = quiet, False
        self._told: set[str] = set()

    def show(self, piece: str) -> None:
        """Show a piece of an answer."""
        self._open = not piece.endswith("\n")
        print_text(piece)

    def end(self) -> None:
        """End the line of what has been shown."""
        if self._open:
            self._open = False
            print_text("\n")

    def note(self, line: str) -> None:
        """Tell a note on a line of its own."""
        fault = line.partition("; ")[0]
        if self._quiet or fault in self._told:
            return
        if fault.startswith("cache file "):
            self._told.add(fault)
        self.end()
        streams.note(line)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    color: bool,
    right: Sequence[str] = (),
    flexible: str | None = None,
    wrap: bool = False,
) -> None:
    """Show rows: a table on a terminal, else tab-separated lines under one line of names.

    `right` names the columns to align right, `flexible` the one that gives way to the
    width: it is cut short, or with `wrap` goes on below.
    """
    if not streams.is_terminal(1):
        streams.write("\t".join(columns) + "\n", flush=False)
        for row in rows:
            streams.write("\t".join(map(text.one_line, row)) + "\n", flush=False)
        return
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(
        force_terminal=True, no_color=not color, color_system="standard" if color else None
    )
    console.width = console.width or 80  # COLUMNS=0
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    cells = [[text.one_line(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    # Rich shrinks all columns alike; here one alone gives way, two spaces between each.
    others = sum(widths) + 2 * (len(widths) - 1)
    for name, width in zip(columns, widths, strict=True):
        gives_way = name == flexible
        table.add_column(
            name,
            justify="right" if name in right else "left",
            width=min(width, max(10, console.width - others + width)) if gives_way else width,
            no_wrap=not (gives_way and wrap),
            overflow="fold" if gives_way and wrap else "ellipsis",
        )
    for row in cells:
        table.add_row(*map(Text, row))
    with console.capture() as captured:
        console.print(table)
    streams.write("".join(line.rstrip() + "\n" for line in captured.get().splitlines()))


def print_entries(entries: Iterable[Entry], *, json: bool, color: bool) -> None:
    """Show entries: JSON lines, or one line each."""
    if json:
        for entry in entries:
            print_json(entry_json(entry), flush=False)
        return
    now = time.time()
    rows: Iterable[list[str]] = ([_cell(name, entry, now) for name in _LIST] for entry in entries)
    if streams.is_terminal(1) and not (rows := list(rows)):
        streams.note("no entries")
        return
    print_table(_LIST, rows, color=color, right=("id", "age", "hits"), flexible="prompt")


def print_entry(
    entry: Entry,
    frame: dict[str, Any],
    wordings: Sequence[Alias] = (),
    *,
    rule: str | None = None,
) -> None:
    """Show all that is known of one entry to a person; a `rule` may be what ends its life."""
    now = time.time()
    tokens, expires = entry.tokens, entry.expires_at
    ends = "never" if expires is None else f"in {text.age(expires - now)}"
    if expires is not None and expires <= now:
        ends = f"expired {text.age(now - expires)} ago"
    facts = [
        ("entry", str(entry.id)),
        ("namespace", entry.namespace),
        ("model", entry.model),
        ("served by", entry.served_model if entry.served_model != entry.model else None),
        ("at", frame["base_url"]),
        ("key", entry.key.hex()),
        ("sample", str(entry.sample) if entry.sample else None),
        ("stored", f"{text.age(now - entry.created_at)} ago ({entry.source})"),
        ("expires", ends if rule is None else f"{ends}: {rule}"),
        ("pinned", "yes" if entry.pinned else None),
        ("hits", str(entry.hits)),
        ("cost", "unknown" if entry.cost is None else text.usd(entry.cost)),
        ("tokens", None if tokens.prompt is None else f"{tokens.prompt} + {tokens.completion}"),
        ("parameters", _parameters(frame["body"])),
    ]
    facts += [("also", f"{brief(each, width=80)} ({each.similarity:.3f})") for each in wordings]
    lines = [f"{name:<11}{text.one_line(value)}\n" for name, value in facts if value]
    parts = [("system", keys.system_of(keys.request_from(json.dumps(frame), "")))]
    parts += [("prompt", entry.prompt), ("answer", answer_text(entry))]
    lines += [f"\n--- {name}\n{words}\n" for name, words in parts if words]
    print_text("".join(lines))


def print_pairs(pairs: Sequence[tuple[str, str]], *, color: bool) -> None:
    """Show names and values below one another on a terminal."""
    width = max(len(name) for name, _ in pairs) + 2
    bold, plain = ("\033[1m", "\033[0m") if color else ("", "")
    for name, value in pairs:
        streams.write(f"{name:<{width}}{bold}{text.one_line(value)}{plain}\n")


def limit_of(limit: int | None, *, json: bool) -> int | None:
    """Return how many entries to list: what was asked for, 20 on a terminal, else all."""
    return 20 if limit is None and not json and streams.is_terminal(1) else limit


def require_consent(*, yes: bool, hint: str = _LOOK) -> None:
    """Raise InputError where --yes is not given and nobody can be asked."""
    if not yes and not (streams.is_terminal(0) and streams.is_terminal(2)):
        raise InputError("nobody can be asked here: add --yes", hint=hint)


def confirm(
    question: str, *, yes: bool, otherwise: str = "nothing was removed", hint: str = _LOOK
) -> None:
    """Ask before something is destroyed. Raises InputError where nobody can be asked."""
    require_consent(yes=yes, hint=hint)
    if yes:
        return
    streams.note(f"{question} [y/N]", end=" ")
    said = sys.stdin.buffer.readline()
    if not said.endswith(b"\n"):  # Ctrl-D leaves the cursor behind the question
        sys.stderr.write("\n")
    if said.strip().lower() not in {b"y", b"yes"}:
        raise LlmcError(otherwise)


def scrubbed(done: bool) -> None:
    """Tell if what was removed is still in the write-ahead log."""
    if not done:
        streams.note("another process is reading: what was removed stays in the -wal file for now")


def answer_text(entry: Entry) -> str:
    """Return what a person reads of an answer: its text, or the tool calls that it consists of."""
    if entry.answer or not entry.choices:
        return entry.answer
    messages = [choice.get("message") or {} for choice in entry.choices]
    calls = [message["tool_calls"] for message in messages if message.get("tool_calls")]
    if not calls:
        return ""
    return json.dumps(calls[0] if len(calls) == 1 else calls, ensure_ascii=False, indent=2)


def brief(asked: Entry | Alias, *, width: int) -> str:
    """Quote a question on one line: its words without their document, where it has words."""
    return f"“{text.one_line(asked.question, width=width)}”"


def extract(words: str) -> str:
    """Return the first fenced block of a text, the whole text if it has none."""
    lines = words.splitlines(keepends=True)
    fence, start, indent = "", 0, 0
    for number, line in enumerate(lines):
        mark = line.strip()
        if fence:
            if mark.startswith(fence) and not mark.strip(fence[0]):
                block = lines[start:number]
                return "".join(kept[_spaces(kept, indent) :] for kept in block)
        elif mark.startswith("~~~") or (mark.startswith("```") and "`" not in mark.lstrip("`")):
            fence = mark[: len(mark) - len(mark.lstrip(mark[0]))]
            start, indent = number + 1, _spaces(line, len(line))
    return words


def _spaces(line: str, most: int) -> int:
    """Count the spaces at a line's beginning, up to a number."""
    return min(most, len(line) - len(line.lstrip(" ")))


def answered(hit: Hit, *, now: float, verbose: bool) -> str:
    """Say in one line where an answer came from, and what it cost or saved."""
    entry = hit.entry
    if hit.source == "stale":
        expired = (
            "" if entry.expires_at is None else f", expired {text.age(now - entry.expires_at)} ago"
        )
        line = f"stale answer, {text.age(now - entry.created_at)} old{expired}"
    elif hit.source != "model":
        line = text.hit_line(hit.source, now - entry.created_at, entry.cost, entry.latency or 0.0)
        if hit.alias is not None:
            line += _matched(hit.alias, entry)
    else:
        line = _paid(hit, verbose=verbose)
    if verbose:
        name = "" if entry.id is None else f"entry {entry.id}, "
        line += f"; {name}key {entry.key.hex()[:12]}, namespace {entry.namespace}"
    return line


def _matched(alias: Alias, entry: Entry) -> str:
    """Say which question an answer was stored under, how near it is, and how to reject it."""
    question = brief(entry, width=80)
    return f"; asked as {question}, similarity {alias.similarity:.3f}; wrong? llmc bad {entry.id}"


def _paid(hit: Hit, *, verbose: bool) -> str:
    entry, cost = hit.entry, hit.price.cost if hit.price else None
    price = "price unknown" if cost is None else f"cost {text.usd(cost)}"
    line = f"asked {entry.model}, {text.seconds(hit.latency)}, {price}"
    prompt, cached = entry.tokens.prompt, entry.tokens.cached
    if verbose and prompt is not None and cached is not None:
        line += f", {cached:,} of {prompt:,} prompt tokens cached by the provider"
    if hit.unkept is not None:
        # A note has told already what is wrong with the file.
        line += "; not stored" + ("" if hit.file_failed else f": {hit.unkept}")
    if verbose and hit.no_meaning is not None:
        line += f"; by meaning: {hit.no_meaning}"
    return line


def as_json(hit: Hit, *, answer: str, now: float) -> dict[str, Any]:
    """Return an answer as the one object of `ask --json`. Fields are only ever added."""
    entry, model = hit.entry, hit.source == "model"
    cost = (hit.price.cost if hit.price else None) if model else 0
    saved = 0 if model else hit.line.avoided_nusd if hit.line else entry.cost
    return {
        "answer": answer,
        "source": hit.source,
        "level": hit.level,
        "id": entry.id,
        "similarity": None if hit.alias is None else round(hit.alias.similarity, 6),
        "matched_prompt": None if hit.alias is None else entry.prompt,
        "model": entry.model,
        "namespace": entry.namespace,
        "usage": hit.usage if model else dict(_FREE),
        "cost_usd": _dollars(cost),
        "saved_usd": _dollars(saved),
        "latency_ms": round(hit.latency * 1000, 3),
        "age_s": 0 if model else round(max(0.0, now - entry.created_at), 3),
        "created_at": entry.created_at,
        "expires_at": entry.expires_at,
        "finish_reason": entry.finish_reason or None,
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    """Return a stored entry as the object that `list`, `show` and `search` print."""
    return {
        "id": entry.id,
        "namespace": entry.namespace,
        "model": entry.model,
        "prompt": entry.prompt,
        "answer": answer_text(entry),
        "source": entry.source,
        "key": entry.key.hex(),
        "sample": entry.sample or None,
        "hits": entry.hits,
        "cost_usd": _dollars(entry.cost),
        "prompt_tokens": entry.tokens.prompt,
        "completion_tokens": entry.tokens.completion,
        "finish_reason": entry.finish_reason,
        "created_at": entry.created_at,
        "expires_at": entry.expires_at,
        "pinned": entry.pinned,
    }


_LIST = ("id", "age", "hits", "pinned", "model", "namespace", "prompt")


def _cell(name: str, entry: Entry, now: float) -> str:
    if name == "age":
        return text.age(now - entry.created_at)
    if name == "pinned":
        return "yes" if entry.pinned else "-"  # an empty field is lost on a shell's `read`
    value = str(getattr(entry, name))
    return text.one_line(value, width=200) if name == "prompt" else value


def _parameters(body: dict[str, Any]) -> str:
    shown = {k: v for k, v in body.items() if k not in {"model", "messages"}}
    return json.dumps(shown, ensure_ascii=False) if shown else ""


def _dollars(nusd: int | None) -> float | None:
    return None if nusd is None else nusd / 1e9
