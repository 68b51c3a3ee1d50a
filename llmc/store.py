"""What does the cache file hold? Entries and their texts, looked up, written, listed and deleted.

It decides nothing: which entry may serve is `policy`'s business, what a call cost `pricing`'s.
Every method raises CacheFileError where the file fails it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from llmc.file import File
from llmc.ledger import Ledger
from llmc.types import NEXT_SAMPLE, Entry, Selector, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

    from llmc.types import Draft, Invocation, Line

__all__ = ["Store"]

#: The fields of an Entry, and the columns that they are read from.
_READ = {
    "id": "e.id",
    "namespace": "e.namespace",
    "key": "e.key",
    "sample": "e.sample",
    "token_limit": "e.token_limit",
    "model": "s.model",
    "prompt": "e.prompt",
    "answer": "e.answer",
    "choices": "e.choices",
    "finish_reason": "e.finish_reason",
    "served_model": "e.served_model",
    "temperature": "e.temperature",
    "prompt_tokens": "e.prompt_tokens",
    "completion_tokens": "e.completion_tokens",
    "cached_tokens": "e.cached_tokens",
    "cache_write_tokens": "e.cache_write_tokens",
    "cost": "e.cost_nusd",
    "latency": "e.latency",
    "created_at": "e.created_at",
    "expires_at": "e.expires_at",
    "source": "e.source",
    "hits": "e.hits",
}
#: What FTS5 does not split into words: NUL, Thai to Myanmar, Khmer, kana and ideographs.
_UNSPACED = (
    ("\0", "\0"),
    ("\u0e00", "\u109f"),
    ("\u1780", "\u17ff"),
    ("\u2e80", "\u9fff"),
    ("\uf900", "\ufaff"),
    ("\uff66", "\uff9f"),
    ("\U00020000", "\U0003ffff"),
)
_TOKENS = ("prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens")
_NAMES = tuple(_READ)
_COLUMNS = ", ".join(_READ.values())
_FROM = "FROM entry AS e JOIN scope AS s ON s.id = e.scope_id"


class Store:
    """The entries of one cache file, and its ledger. Use it as a context manager."""

    def __init__(self, path: str, *, create: bool = True) -> None:
        """Open the cache file at `path`. Raises CacheFileError if it cannot be used."""
        self.file = File(path, create=create)
        self.ledger = Ledger(self.file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    # -- looking up ------------------------------------------------------------------------------

    def family(self, namespace: str, family: bytes) -> list[Entry]:
        """Return the entries that differ in their token limit at most, samples left out."""
        return self._entries(
            f"SELECT {_COLUMNS} {_FROM} WHERE e.namespace = ? AND e.family = ? AND e.sample = 0",
            (namespace, family),
        )

    def samples(self, namespace: str, key: bytes, count: int) -> list[Entry]:
        """Return the remembered samples 1…count of a request, in order."""
        return self._entries(
            f"SELECT {_COLUMNS} {_FROM} WHERE e.namespace = ? AND e.key = ?"
            " AND e.sample BETWEEN 1 AND ? ORDER BY e.sample",
            (namespace, key, count),
        )

    def entry(self, entry_id: int) -> Entry | None:
        """Return one entry by its id."""
        found = self._entries(f"SELECT {_COLUMNS} {_FROM} WHERE e.id = ?", (entry_id,))
        return found[0] if found else None

    def frame(self, entry_id: int) -> tuple[str, str | None]:
        """Return an entry's frame and its usage as the provider reported it, both JSON."""
        rows = self.file.rows(f"SELECT s.frame, e.usage {_FROM} WHERE e.id = ?", (entry_id,))
        return rows[0][0], rows[0][1]

    def refusals(self, base_url: str, model: str, *, since: float) -> set[str]:
        """Return the parameters that a model has refused since an instant."""
        rows = self.file.rows(
            "SELECT parameter FROM refusal WHERE base_url = ? AND model = ? AND at >= ?",
            (base_url, model, since),
        )
        return {row[0] for row in rows}

    # -- writing ---------------------------------------------------------------------------------

    def put(self, draft: Draft, line: Line) -> int:
        """Store an answer and its ledger line in one transaction; return the entry's id.

        An entry of the same namespace, key and sample is overwritten and keeps its id. What was
        remembered for any request that this answer might serve better is forgotten.
        """
        with self.file.transaction():
            scope_id = self._scope_id(draft)
            sample = self._free_sample(draft) if draft.sample == NEXT_SAMPLE else draft.sample
            values = _columns_of(draft) | {"scope_id": scope_id, "sample": sample}
            names = ", ".join(values)
            marks = ", ".join("?" * len(values))
            updates = ", ".join(f"{name} = excluded.{name}" for name in values)
            entry_id = self.file.number(
                f"INSERT INTO entry ({names}) VALUES ({marks})"
                f" ON CONFLICT (namespace, key, sample) DO UPDATE SET {updates} RETURNING id",
                tuple(values.values()),
            )
            self.file.execute(
                "DELETE FROM invocation WHERE entry_id IN"
                " (SELECT id FROM entry WHERE namespace = ? AND family = ?)",
                (draft.namespace, draft.family),
            )
            self.ledger.write(line._replace(entry_id=entry_id))
        return entry_id

    def record(self, line: Line, invocation: Invocation | None = None) -> None:
        """Count a request: its ledger line, its entry's hit, and the command line that asked it."""
        with self.file.transaction():
            self.ledger.write(line)
            if line.entry_id is None:
                return
            if line.source not in {"model", "bypass"}:
                self.file.execute(
                    "UPDATE entry SET hits = hits + 1, last_hit_at = ? WHERE id = ?",
                    (line.at, line.entry_id),
                )
            if invocation is not None:
                self._remember(invocation, line.entry_id)

    def remember(self, invocation: Invocation, entry_id: int) -> None:
        """Let the porch answer this command line with this entry from now on."""
        with self.file.transaction():
            self._remember(invocation, entry_id)

    def refuse(self, base_url: str, model: str, parameter: str, *, at: float) -> None:
        """Remember that a model refused a parameter."""
        with self.file.transaction():
            self.file.execute(
                "INSERT OR REPLACE INTO refusal VALUES (?, ?, ?, ?)",
                (base_url, model, parameter, at),
            )

    def delete(self, ids: Iterable[int]) -> int:
        """Delete entries with all that belongs to them, in one transaction; return how many."""
        with self.file.transaction():
            deleted = self._delete(ids)
            if deleted:
                self.file.execute("UPDATE meta SET value = value + 1 WHERE name = 'generation'")
                self.file.execute(
                    "DELETE FROM invocation WHERE generation <"
                    " (SELECT value FROM meta WHERE name = 'generation')"
                )
        return deleted

    # -- listing ---------------------------------------------------------------------------------

    def select(self, selector: Selector, *, limit: int | None = None) -> Iterator[Entry]:
        """Yield the entries meant, the newest first."""
        where, values = _where(selector)
        rows = self.file.stream(
            f"SELECT {_COLUMNS} {_FROM} {where} ORDER BY e.id DESC LIMIT ?",
            (*values, -1 if limit is None else limit),
        )
        yield from map(_entry, rows)

    def search(self, words: str, selector: Selector, *, limit: int | None = None) -> list[Entry]:
        """Return entries whose prompt and answer hold all words, the best match first.

        Words match by their beginnings. Where none does, and in scripts that put no spaces between
        words, they are looked for wherever they stand.
        """
        if any(low <= letter <= high for letter in words for low, high in _UNSPACED):
            return self._containing(words.split(), selector, limit=limit)
        where, values = _where(selector)
        terms = " ".join('"' + word.replace('"', '""') + '"*' for word in words.split())
        found = self._entries(
            f"SELECT {_COLUMNS} {_FROM} JOIN entry_text ON entry_text.rowid = e.id"
            f" {where + ' AND' if where else 'WHERE'} entry_text MATCH ?"
            " ORDER BY bm25(entry_text, 2.0, 1.0), e.id DESC LIMIT ?",
            (*values, terms, -1 if limit is None else limit),
        )
        return found or self._containing(words.split(), selector, limit=limit)

    def texts(self, field: str, namespace: str | None) -> Iterator[tuple[int, str]]:
        """Yield the id and the text of one field (prompt, answer, system, model) of each entry."""
        column = {"prompt": "e.prompt", "answer": "e.answer", "system": "s.system"}
        name = column.get(field, "s.model")
        source = _FROM if name.startswith("s.") else "FROM entry AS e"
        where, values = _where(Selector(namespace=namespace))
        yield from self.file.stream(f"SELECT e.id, {name} {source} {where}", values)

    def count(self, selector: Selector | None = None) -> int:
        """Count the entries meant."""
        where, values = _where(selector or Selector())
        # Without a filter an index alone is counted: a tenth of the time.
        source = _FROM if where else "FROM entry"
        return self.file.number(f"SELECT count(*) {source} {where}", values)

    def expired(self, now: float) -> list[int]:
        """Return the ids of the entries whose life has ended."""
        return self._ids("SELECT id FROM entry WHERE expires_at <= ?", (now,))

    def older_than(self, instant: float) -> list[int]:
        """Return the ids of the entries stored before an instant, pinned ones left out."""
        return self._ids("SELECT id FROM entry WHERE created_at < ? AND NOT pinned", (instant,))

    def least_used(self) -> Iterator[int]:
        """Yield the ids of the entries, the longest unused first, pinned ones left out."""
        rows = self.file.stream(
            "SELECT id FROM entry WHERE NOT pinned ORDER BY coalesce(last_hit_at, created_at), id"
        )
        for (entry_id,) in rows:
            yield entry_id

    def size_without(self, ids: Iterable[int]) -> int:
        """Return the bytes that the file would use without some entries; nothing is deleted."""

        class Rehearsed(Exception):
            """Takes the deletion back."""

        size = 0
        try:
            with self.file.transaction():
                self._delete(ids)
                size = self.file.size()
                raise Rehearsed
        except Rehearsed:
            return size

    # -- examining -------------------------------------------------------------------------------

    def index_damage(self) -> str | None:
        """Return what is wrong with the full-text index, None if it agrees with the entries."""
        return self.file.fault(
            "INSERT INTO entry_text (entry_text, rank) VALUES ('integrity-check', 1)"
        )

    def rebuild_index(self) -> None:
        """Build the full-text index anew from the entries."""
        with self.file.transaction():
            self.file.execute("INSERT INTO entry_text (entry_text) VALUES ('rebuild')")

    # -- the small print -------------------------------------------------------------------------

    def _delete(self, ids: Iterable[int]) -> int:
        deleted = 0
        for entry_id in ids:
            self.file.execute("DELETE FROM entry WHERE id = ?", (entry_id,))
            deleted += self.file.changes()
        if deleted * 10 > self.count():
            # The index keeps the pages of deleted words until it is merged: worth it for many.
            self.file.execute("INSERT INTO entry_text (entry_text) VALUES ('optimize')")
        return deleted

    def _containing(
        self, words: list[str], selector: Selector, *, limit: int | None
    ) -> list[Entry]:
        where, values = _where(selector)
        holds = " AND ".join(["(instr(e.prompt, ?) OR instr(e.answer, ?))"] * len(words))
        return self._entries(
            f"SELECT {_COLUMNS} {_FROM} {where + ' AND' if where else 'WHERE'} {holds}"
            " ORDER BY e.id DESC LIMIT ?",
            (*values, *(w for word in words for w in (word, word)), -1 if limit is None else limit),
        )

    def _scope_id(self, draft: Draft) -> int:
        known = self.file.rows("SELECT id FROM scope WHERE hash = ?", (draft.scope_hash,))
        if known:
            return int(known[0][0])
        return self.file.number(
            "INSERT INTO scope (hash, base_url, model, system, frame) VALUES (?, ?, ?, ?, ?)"
            " RETURNING id",
            (draft.scope_hash, draft.base_url, draft.model, draft.system, draft.frame),
        )

    def _free_sample(self, draft: Draft) -> int:
        rows = self.file.rows(
            "SELECT sample FROM entry WHERE namespace = ? AND key = ? AND sample > 0"
            " AND (expires_at IS NULL OR expires_at > ?) ORDER BY sample",
            (draft.namespace, draft.key, draft.created_at),
        )
        taken = {row[0] for row in rows}
        return next(number for number in range(1, len(taken) + 2) if number not in taken)

    def _remember(self, invocation: Invocation, entry_id: int) -> None:
        self.file.execute(
            # Another process may have deleted the entry since it was read.
            "INSERT OR REPLACE INTO invocation SELECT ?, ?, entry.id, meta.value, ?, ?, ?"
            " FROM meta, entry WHERE meta.name = 'generation' AND entry.id = ?",
            (
                invocation.digest,
                invocation.inputs,
                invocation.stdin,
                "\0".join(invocation.files),
                invocation.quiet,
                entry_id,
            ),
        )

    def _entries(self, sql: str, values: Sequence[Any]) -> list[Entry]:
        return [_entry(row) for row in self.file.rows(sql, values)]

    def _ids(self, sql: str, values: Sequence[Any]) -> list[int]:
        return [row[0] for row in self.file.rows(sql, values)]


def _where(selector: Selector) -> tuple[str, tuple[Any, ...]]:
    terms = {
        "e.namespace = ?": selector.namespace,
        "s.model = ?": selector.model,
        "e.source = ?": selector.source,
        "e.created_at >= ?": selector.since,
        "e.created_at < ?": selector.before,
    }
    used = {term: value for term, value in terms.items() if value is not None}
    return ("WHERE " + " AND ".join(used) if used else ""), tuple(used.values())


def _entry(row: tuple[Any, ...]) -> Entry:
    values = dict(zip(_NAMES, row, strict=True))
    tokens = Tokens(*(values.pop(name) for name in _TOKENS))
    choices = values.pop("choices")
    return Entry(**values, tokens=tokens, choices=None if choices is None else json.loads(choices))


def _columns_of(draft: Draft) -> dict[str, Any]:
    answer, tokens = draft.answer, draft.tokens
    return {
        "namespace": draft.namespace,
        "key": draft.key,
        "family": draft.family,
        "token_limit": draft.token_limit,
        "source": draft.source,
        "created_at": draft.created_at,
        "expires_at": draft.expires_at,
        "cost_nusd": draft.price.cost,
        "price_source": draft.price.source,
        "latency": answer.latency,
        "temperature": answer.temperature,
        "finish_reason": answer.finish_reason,
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "cached_tokens": tokens.cached,
        "cache_write_tokens": tokens.written,
        "served_model": answer.model,
        "usage": None if answer.usage is None else json.dumps(answer.usage),
        "prompt": draft.prompt,
        "answer": answer.text,
        "choices": None if answer.choices is None else json.dumps(answer.choices),
    }
