"""What does the cache file hold? Entries and their texts, looked up, written, listed and deleted.

It decides nothing: which entry may serve is `policy`'s business, what a call cost `pricing`'s.
Every method raises CacheFileError where the file fails it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from llmc import opening
from llmc.errors import CacheFileError, LlmcError
from llmc.eviction import Eviction
from llmc.file import File
from llmc.ledger import Ledger
from llmc.outbox import Outbox
from llmc.paraphrases import Paraphrases
from llmc.removal import Removal
from llmc.rows import (
    ALONE,
    COLUMNS,
    FROM,
    columns_of,
    condition,
    entry_of,
    frame_of,
    usage_of,
)
from llmc.rules import Rules
from llmc.search import akin, search
from llmc.sieve import parts
from llmc.types import NEXT_SAMPLE, Limits, Selector
from llmc.vectors import Vectors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    from llmc.sieve import Part
    from llmc.types import Alias, Draft, Entry, Invocation, Line, Vector, Verdict

__all__ = ["Store"]

_OF_A_FAMILY = "WHERE namespace = ? AND family = ?"


class Store:
    """The entries of one cache file, and what belongs to them. Use it as a context manager."""

    def __init__(
        self,
        path: str,
        *,
        create: bool = True,
        limits: Limits | None = None,
        frozen: bool = False,
    ) -> None:
        """Open the cache file at `path`, to be kept within `limits`; `File` says what `frozen` is.

        Raises CacheFileError if it cannot be used.
        """
        self.file = File(path, create=create, frozen=frozen)
        self.ledger = Ledger(self.file)
        self.vectors = Vectors(self.file)
        self.paraphrases = Paraphrases(self.file)
        self.rules = Rules(self.file)
        self.outbox = Outbox(self.file)
        self.removal = Removal(self.file, self.vectors, self.paraphrases, self.outbox)
        self.eviction = Eviction(self.file, limits or Limits(), remove=self.removal.remove)
        self._family = f"SELECT {ALONE}, family FROM entry AS e {_OF_A_FAMILY} AND sample = 0"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def stay(self) -> None:
        """Prepare for many lookups: SQLite finds a statement by its text, a short one sooner."""
        self.file.execute(
            f"CREATE TEMP VIEW hit AS SELECT {ALONE}, e.family FROM entry AS e WHERE e.sample = 0"
        )
        self._family = f"SELECT * FROM hit {_OF_A_FAMILY}"

    def transaction(self) -> AbstractContextManager[None]:
        """Do all of a block's writes, or none of them."""
        return self.file.transaction()

    @property
    def read_only(self) -> bool:
        """Tell whether the file can only be read."""
        return self.file.read_only

    # -- looking up ------------------------------------------------------------------------------

    def family(self, namespace: str, family: bytes) -> list[Entry]:
        """Return the entries that differ in their token limit at most, samples left out."""
        rows = self.file.rows(self._family, (namespace, family))
        return [entry_of(row[:-1]) for row in rows]

    def samples(self, namespace: str, key: bytes, count: int) -> list[Entry]:
        """Return the remembered samples 1…count of a request, in order."""
        return self._entries(
            f"SELECT {COLUMNS} {FROM} WHERE e.namespace = ? AND e.key = ? AND e.sample"
            " BETWEEN 1 AND ? ORDER BY e.sample",
            (namespace, key, count),
        )

    def entry(self, entry_id: int) -> Entry | None:
        """Return one entry by its id."""
        found = self._entries(f"SELECT {ALONE} FROM entry AS e WHERE e.id = ?", (entry_id,))
        return found[0] if found else None

    def wanted(self, entry_id: int | None) -> tuple[int, Entry]:
        """Return the entry that a command means, with its id: without an id the last answer's.

        Raises LlmcError if there is none.
        """
        if entry_id is None and not self.count():
            raise LlmcError("nothing is stored yet")
        meant = self.ledger.last_entry_id() if entry_id is None else entry_id
        if meant is None:
            raise LlmcError("the last answer was not stored", hint="llmc list shows what is")
        entry = self.entry(meant)
        if entry is None:
            gone = f"the last answer, entry {meant}, is gone" if entry_id is None else ""
            raise LlmcError(gone or f"no entry {meant}", hint="llmc list shows what there is")
        return meant, entry

    def frame(self, entry_id: int) -> tuple[str, dict[str, Any] | None]:
        """Return an entry's frame, JSON, and its usage as the provider reported it.

        Raises LlmcError if it has gone.
        """
        rows = self.file.rows(f"SELECT s.frame, e.usage {FROM} WHERE e.id = ?", (entry_id,))
        if not rows:
            raise LlmcError(f"no entry {entry_id}", hint="llmc list shows what there is")
        return frame_of(entry_id, rows[0][0]), usage_of(entry_id, rows[0][1])

    def refusals(self, base_url: str, model: str, *, since: float) -> set[str]:
        """Return the parameters that a model has refused since an instant."""
        rows = self.file.rows(
            "SELECT parameter FROM refusal WHERE base_url = ? AND model = ? AND at >= ?",
            (base_url, model, since),
        )
        return {row[0] for row in rows}

    # -- writing ---------------------------------------------------------------------------------

    def put(self, draft: Draft, line: Line | None, *, tell: bool = True) -> int:
        """Store an answer, its vector and its ledger line in one transaction; return its id.

        An entry of the same namespace, key and sample is overwritten and keeps its id. What was
        remembered for any request that this answer might serve better is forgotten. What there is
        no room for goes, but never what was just put. An index that fails costs the vector, which
        stays due, not the answer; a table that is missing is made anew. Those who
        share this file's answers are told, unless they have told it themselves.
        """
        try:
            return self._put(draft, line, tell=tell)
        except CacheFileError as error:
            if draft.vector is not None:
                return self.put(draft._replace(vector=None), line, tell=tell)
            if "no such table" not in str(error) or not self._recreate():
                raise
            return self._put(draft, line, tell=tell)

    def _recreate(self) -> bool:
        from llmc.repair import mending

        with self.transaction():
            return mending.recreate(self.file)

    def _put(self, draft: Draft, line: Line | None, *, tell: bool) -> int:
        with self.file.transaction():
            entry_id = self.write(draft)
            if tell and draft.sample == 0:
                self.outbox.came(draft.namespace, draft.key, draft.family, at=draft.created_at)
            if line is not None:
                self.ledger.write(line._replace(entry_id=entry_id))
            self.eviction.make_room(draft.namespace, now=draft.created_at, spare=entry_id)
        return entry_id

    def write(self, draft: Draft) -> int:
        """Store an answer and its vector as `put` does, within the caller's transaction."""
        scope_id = self._scope_id(draft)
        sample = self._free_sample(draft) if draft.sample == NEXT_SAMPLE else draft.sample
        values = columns_of(draft) | {"scope_id": scope_id, "sample": sample}
        names, marks = ", ".join(values), ", ".join("?" * len(values))
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
        # As an alias this question was another answer's; it has one of its own.
        self.paraphrases.forget(draft.namespace, draft.key)
        if draft.vector is not None:
            self._add(entry_id, draft.vector)
        self.eviction.place(entry_id)
        return entry_id

    def _add(self, entry_id: int, vector: Vector) -> None:
        dimension = len(vector.numbers) // 4
        space = self.vectors.space(vector.embedder, dimension)
        if space is None:
            space = self.vectors.make_space(vector.embedder, dimension)
        self.vectors.add(space, entry_id, group=vector.group, vector=vector.numbers)

    def record(
        self, line: Line, invocation: Invocation | None = None, alias: Alias | None = None
    ) -> None:
        """Count a request: its line, its entry's hit, and how it was asked, to be remembered."""
        with self.file.transaction():
            self._count(line, invocation, alias)

    def be_patient(self) -> None:
        """Wait longer for other processes from now on: what is left is to count."""
        self.file.be_patient(opening.COUNTING_TIMEOUT)

    def record_all(self, lines: Sequence[Line]) -> None:
        """Count several hits of the same words, one at least, in one transaction."""
        with self.file.transaction():
            self.ledger.write_all(lines)
            self.file.execute_many(
                "UPDATE entry SET hits = hits + ?, last_hit_at = ? WHERE id = ?",
                [(line.requests, line.at, line.entry_id) for line in lines],
            )

    def judge(self, verdict: Verdict | None, entry_id: int, *, cost: int, unknown: int = 0) -> None:
        """Keep what an audit of an entry's last semantic hit found, if anything, and its cost."""
        with self.file.transaction():
            if verdict is not None:
                self.paraphrases.judge(verdict)
            self.ledger.add_judging(entry_id, cost, unknown=unknown)

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

    def delete(
        self, ids: Iterable[int], verdict: Verdict | None = None, *, tell: bool = True
    ) -> int:
        """Delete entries with all that belongs to them, in one transaction; return how many.

        A `verdict` on the pair that this was about is added. Those who share this file's answers
        are told, unless it is a matter of its own.
        """
        doomed = list(ids)
        with self.file.transaction():
            if tell:
                self.outbox.goes(doomed)
            deleted = self.removal.delete(doomed)
            if verdict is not None:
                self.paraphrases.judge(verdict)
                self.outbox.judged(verdict)
        return deleted

    # -- listing ---------------------------------------------------------------------------------

    def select(self, selector: Selector, *, limit: int | None = None) -> Iterator[Entry]:
        """Yield the entries meant, the newest first."""
        where, values = condition(selector)
        sql = f"SELECT {COLUMNS} {FROM} {where} ORDER BY e.id DESC LIMIT ?"
        rows = self.file.stream(sql, (*values, -1 if limit is None else limit))
        yield from map(entry_of, rows)

    def search(self, words: str, selector: Selector, *, limit: int | None = None) -> list[Entry]:
        """Return entries whose prompt and answer hold all words, the best match first."""
        return search(self.file, words, selector, limit=limit)

    def akin(self, prompt: str, scope_hash: bytes, *, limit: int) -> list[Entry]:
        """Return entries that look like a question: at most `limit` for each way to do so."""
        found = map(self.entry, akin(self.file, prompt, scope_hash, limit=limit))
        return [entry for entry in found if entry is not None]

    def texts(
        self, field: str, namespace: str | None, *, before: float | None = None, holding: str = ""
    ) -> Iterator[Part]:
        """Return the ids and one of `FIELDS` of entries by parts, as `sieve.parts` does."""
        return parts(self.file, field, namespace, before=before, holding=holding)

    def count(self, selector: Selector | None = None) -> int:
        """Count the entries meant."""
        where, values = condition(selector or Selector())
        # Without a filter an index alone is counted: a tenth of the time.
        source = FROM if where else "FROM entry"
        return self.file.number(f"SELECT count(*) {source} {where}", values)

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
        taken = self._ids(
            "SELECT sample FROM entry WHERE namespace = ? AND key = ? AND sample > 0"
            " AND (expires_at IS NULL OR expires_at > ?)",
            (draft.namespace, draft.key, draft.created_at),
        )
        return next(number for number in range(1, len(taken) + 2) if number not in taken)

    def _count(self, line: Line, invocation: Invocation | None, alias: Alias | None) -> None:
        self.ledger.write(line)
        if line.entry_id is None:
            return
        if alias is not None:
            self.paraphrases.learn(alias, at=line.at)
        if line.source not in {"model", "bypass"}:
            self.file.execute(
                "UPDATE entry SET hits = hits + 1, last_hit_at = ? WHERE id = ?",
                (line.at, line.entry_id),
            )
        if invocation is not None:
            self._remember(invocation, line.entry_id)

    def _remember(self, invocation: Invocation, entry_id: int) -> None:
        self.file.execute(
            # Another process may have deleted the entry since it was read.
            "INSERT OR REPLACE INTO invocation SELECT ?, ?, entry.id, coalesce(?, value), ?, ?, ?"
            " FROM meta, entry WHERE meta.name = 'generation' AND entry.id = ?",
            (
                invocation.digest,
                invocation.inputs,
                invocation.generation,
                invocation.stdin,
                "\0".join(invocation.files),
                invocation.quiet,
                entry_id,
            ),
        )

    def _entries(self, sql: str, values: Sequence[Any]) -> list[Entry]:
        return [entry_of(row) for row in self.file.rows(sql, values)]

    def _ids(self, sql: str, values: Sequence[Any]) -> list[int]:
        return [row[0] for row in self.file.rows(sql, values)]
