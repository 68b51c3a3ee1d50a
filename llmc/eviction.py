"""Which entries go where there is no room for all? The order of their worth, kept as they come.

What an entry is worth is `worth`'s business; what is asked for by name goes by `Store.delete`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from llmc import worth
from llmc.types import Evict, Limits
from llmc.worth import Kept, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llmc.file import File

__all__ = ["Eviction"]

#: How many entries are looked at for one write, those that move up and stay included.
_LOOKS = 16 * worth.STEP

#: Pages of the full-text index that are merged then, or up to how many entries all of it. With
#: fewer it keeps more of what is gone than of what is there; either takes some milliseconds.
_MERGED, _SMALL = 128, 500

# A frame is shared out among at most a hundred: more are not worth the counting.
_LOOK = """
SELECT s.entry_id, s.evict, s.worth, s.uses, s.hits, e.cost_nusd, e.prompt_tokens,
    e.completion_tokens, length(CAST(e.prompt AS BLOB)),
    length(CAST(e.answer AS BLOB)) + coalesce(length(CAST(e.choices AS BLOB)), 0),
    length(CAST(f.frame AS BLOB)) / max(1,
        (SELECT count(*) FROM (SELECT 1 FROM entry WHERE scope_id = f.id LIMIT 100))),
    e.hits, e.created_at, max(e.created_at, coalesce(e.last_hit_at, e.created_at))
FROM standing AS s CROSS JOIN entry AS e ON e.id = s.entry_id
CROSS JOIN scope AS f ON f.id = e.scope_id
"""


class _Due(NamedTuple):
    """What must go: so many entries, and as many as take so many bytes."""

    entries: int = 0
    size: int = 0


class _Looked(NamedTuple):
    """An entry that was looked at: where it stood, by what, and where it stands."""

    entry_id: int
    evict: str
    before: Place
    place: Place
    size: float


class Eviction:
    """The limits of one cache file at work. All methods raise CacheFileError."""

    def __init__(
        self, file: File, limits: Limits, *, remove: Callable[[Iterable[int]], int]
    ) -> None:
        """Take the open file, its limits, and what removes entries in the caller's transaction."""
        self._file = file
        self._remove = remove
        self.limits = limits

    def held(self, namespace: str | None = None) -> int:
        """Return how many entries a namespace holds, or all of them do."""
        return self._file.number(
            "SELECT coalesce(sum(entries), 0) FROM tally WHERE ?1 IS NULL OR namespace = ?1",
            (namespace,),
        )

    def evicted(self) -> int:
        """Return how many entries have gone for want of room since the file was made."""
        return self._number("evicted")

    def place(self, entry_id: int) -> None:
        """Give an entry that was written its place, within the caller's transaction."""
        for found in self._look("WHERE s.entry_id = ?", (entry_id,), afresh=True):
            self._move(found)

    def make_room(self, namespace: str, *, now: float, spare: int) -> int:
        """Remove what there is no room for, within the caller's transaction; return how many.

        1. Is the namespace over its limit, or the file over one of its own?
        2. Some of the full-text index is merged, which gives space back.
        3. What has expired goes first, wherever it is.
        4. The least valuable of the namespace, then of all: down to nine tenths of the limit.

        Few go at a time; the next write goes on. Pinned entries stay, and so does `spare`, which
        was just written: a limit too small for a single entry is kept by that one alone.
        """
        scopes = [scope for scope in (namespace, None) if any(self._due(scope))]
        if not scopes:
            return 0
        self._merge()
        gone = self._file.rows(
            "SELECT id FROM entry WHERE expires_at <= ? AND id IS NOT ? LIMIT ?",
            (now, spare, worth.STEP),
        )
        removed = self._remove(row[0] for row in gone)
        for scope in scopes:
            removed += self._evict(scope, self._due(scope), spare=spare)
        self._file.execute("UPDATE meta SET value = value + ? WHERE name = 'evicted'", (removed,))
        return removed

    def pin(self, ids: Iterable[int], *, pinned: bool) -> None:
        """Keep entries whatever the limits, until their life ends; or no longer.

        Who prunes leaves them out by himself; a pin neither lengthens a life nor hides a wrong
        answer.
        """
        with self._file.transaction():
            self._file.execute_many(
                "UPDATE entry SET pinned = ? WHERE id = ?", [(pinned, entry_id) for entry_id in ids]
            )

    def expired(self, now: float) -> list[int]:
        """Return the ids of the entries whose life has ended."""
        rows = self._file.rows("SELECT id FROM entry WHERE expires_at <= ?", (now,))
        return [row[0] for row in rows]

    def older_than(self, instant: float) -> list[int]:
        """Return the ids of the entries stored before an instant, pinned ones left out."""
        sql = "SELECT id FROM entry WHERE created_at < ? AND NOT pinned"
        return [row[0] for row in self._file.rows(sql, (instant,))]

    def order(self) -> Iterator[int]:
        """Yield the ids of the entries in the order in which they would go; nothing is written."""
        settled = "s.evict = ? AND s.hits = e.hits"
        places = [
            (worth_, entry_id)
            for entry_id, worth_ in self._file.stream(
                "SELECT s.entry_id, s.worth FROM standing AS s JOIN entry AS e"
                f" ON e.id = s.entry_id WHERE {settled}",
                (self.limits.evict,),
            )
        ]
        moved = self._look(f"WHERE NOT ({settled})", (self.limits.evict,))
        places += [(found.place.worth, found.entry_id) for found in moved]
        places.sort()
        for _, entry_id in places:
            yield entry_id

    # -- the small print -------------------------------------------------------------------------

    def _due(self, namespace: str | None) -> _Due:
        limits = self.limits
        if namespace is not None:
            limit = limits.namespaces.get(namespace, limits.max_entries_per_namespace)
            return _Due() if limit is None else _Due(worth.surplus(self.held(namespace), limit))
        entries = 0 if limits.max_entries is None else self.held()
        size = 0 if limits.max_size is None else self._file.size()
        # Pages come free by and by, at a merge: a tenth each time would be too much.
        over = max(0, size - (limits.max_size or size))
        return _Due(worth.surplus(entries, limits.max_entries), over)

    def _merge(self) -> None:
        if self.held() <= _SMALL:
            self._file.execute("INSERT INTO entry_text (entry_text) VALUES ('optimize')")
        else:
            self._file.execute(
                "INSERT INTO entry_text (entry_text, rank) VALUES ('merge', ?)", (_MERGED,)
            )

    def _evict(self, namespace: str | None, due: _Due, *, spare: int) -> int:
        doomed: list[_Looked] = []
        size = 0.0
        if not any(due):
            return 0
        for found in self._least(namespace, spare=spare):
            if len(doomed) >= due.entries and size >= due.size:
                break
            doomed.append(found)
            size += found.size
        if doomed and self.limits.evict == "value":
            self._file.execute(
                "UPDATE meta SET value = max(value, ?) WHERE name = 'clock'",
                (doomed[-1].place.worth,),
            )
        return self._remove(found.entry_id for found in doomed)

    def _least(self, namespace: str | None, *, spare: int) -> list[_Looked]:
        """Return the entries of least worth, in order; those that were used have moved up."""
        others = sorted({"", *get_args(Evict)} - {self.limits.evict})
        within = "" if namespace is None else "s.namespace = ? AND "
        values = () if namespace is None else (namespace,)
        marks = ", ".join("?" * len(others))
        looks = 0
        while True:
            # What got its place by another rule, or none yet, comes first: it has to be looked at.
            found = self._look(
                f"WHERE {within}s.evict IN ({marks}) LIMIT ?",
                (*values, *others, max(0, _LOOKS - looks)),
            )
            list(map(self._move, found))
            looks += len(found)
            found = self._look(
                f"WHERE {within}s.evict = ? AND s.entry_id IS NOT ? ORDER BY s.worth LIMIT ?",
                (*values, self.limits.evict, spare, worth.STEP),
            )
            moved = [each for each in found if each.place != each.before]
            list(map(self._move, moved))
            looks += len(found)
            if not moved or looks >= _LOOKS:
                return [each for each in found if each.place == each.before]

    def _look(self, where: str, values: tuple[Any, ...], *, afresh: bool = False) -> list[_Looked]:
        clock, evict = self._number("clock"), self.limits.evict
        looked = []
        for entry_id, was, *numbers in self._file.rows(_LOOK + where, values):
            before, kept = Place(*numbers[:3]), Kept(*numbers[3:])
            known = before if was == evict and not afresh else None
            place = worth.place(kept, evict=evict, clock=clock, before=known)
            looked.append(_Looked(entry_id, was, before, place, worth.bytes_of(kept)))
        return looked

    def _move(self, found: _Looked) -> None:
        self._file.execute(
            "UPDATE standing SET evict = ?, worth = ?, uses = ?, hits = ? WHERE entry_id = ?",
            (self.limits.evict, *found.place, found.entry_id),
        )

    def _number(self, name: str) -> int:
        return self._file.number("SELECT value FROM meta WHERE name = ?", (name,))
