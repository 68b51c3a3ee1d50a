"""In which of the levels does an answer lie? They are asked in order, the nearest first.

What is found further away is put back into the levels above it. A level that fails costs a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from llmc import keys, policy
from llmc.errors import CacheFileError, SharedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmc.lives import Lives
    from llmc.meaning import Found
    from llmc.tiers import Tier
    from llmc.types import Ask, Draft, Entry, Miss, Request, Source, Vector

__all__ = ["Levels", "Searcher", "Seen"]


_new = tuple.__new__


class Seen(NamedTuple):
    """What the levels hold for a request: an entry that serves it, and the `source` it came from.

    Without one, `ended` is the entry that would have served it in its life, `stale` the one that
    may stand in where the provider fails.
    """

    entry: Entry | None = None
    source: Source = "exact"
    ended: Entry | None = None
    stale: Entry | None = None


class Searcher(Protocol):
    """Who finds a stored question in other words; `Meaning` says what each method does."""

    def find(self, miss: Miss, ask: Ask) -> Found: ...
    def vector(self, request: Request, namespace: str, scope_hash: bytes) -> Vector | None: ...


class Levels:
    """The tiers of one cache, the nearest first."""

    def __init__(
        self,
        tiers: Sequence[Tier],
        lives: Lives,
        *,
        meaning: Callable[[], Searcher | None],
        clock: Callable[[], float],
        draw: Callable[[int], int],
        note: Callable[[str], None],
    ) -> None:
        """Take the tiers, and the rules on the lives of what they hold.

        `meaning` returns who finds other words, if anyone; it is called only where it is needed.
        `draw(n)` is a random index below n; `note` is told of a tier that fails.
        """
        self._tiers = tuple(tiers)
        self._lives = lives
        self._meaning = meaning
        self._clock = clock
        self._draw = draw
        self._note = note
        self._failed: set[Source] = set()

    def find(self, miss: Miss, ask: Ask, *, now: float) -> Seen:
        """Return what the nearest level that has it holds; later ones are not asked.

        Where nothing may be read, for what may stand in all the same.
        """
        ended = stale = None
        for position, tier in enumerate(self._tiers):
            entries = self._entries(tier, miss, ask)
            if not entries:
                continue
            if not miss.bypass:
                fresh = [entry for entry in entries if policy.is_fresh(entry, now)]
                chosen = self._choose(fresh, miss, ask)
                if chosen is not None:
                    if position:
                        chosen = self._backfill(position, entries, chosen, miss, ask)
                    return _new(Seen, (chosen, tier.source, None, None))
            left = [e for e in entries if policy.may_stand_in(e, now, ask.stale_if_error)]
            ended = ended or self._choose(entries, miss, ask)
            stale = stale or self._choose(left, miss, ask)
        return Seen(ended=ended, stale=stale)

    def stored(self) -> None:
        """Let the tiers know that an answer has been stored."""
        for tier in self._tiers:
            tier.stored()

    def close(self) -> None:
        """Let go of what the tiers hold, the nearest last."""
        for tier in reversed(self._tiers):
            tier.close()

    def all(self, miss: Miss, ask: Ask) -> Sequence[Entry]:
        """Return all that is held for a request, whatever its life."""
        return [entry for tier in self._tiers for entry in self._entries(tier, miss, ask)]

    def by_meaning(self, miss: Miss, ask: Ask) -> tuple[Miss, Found]:
        """Look in the last level: a stored question in other words. Return what that came to."""
        from llmc.meaning import Found

        meaning = self._meaning()
        found = Found(reason="no embedder")
        if meaning is not None:
            miss = miss._replace(scope=keys.frame_of(miss.request))
            found = self._lives.found_in_time(meaning.find(miss, ask), miss, now=self._clock())
        return miss._replace(
            reason=f"{miss.reason}; by meaning: {found.reason}",
            no_meaning=found.reason,
            vector=found.vector,
            embedding_nusd=found.bill[0],
            unknown_embedding=found.bill[1],
        ), found

    def with_vector(self, draft: Draft, miss: Miss, ask: Ask) -> Draft:
        """Give an answer its question's vector, so that other words find it from then on."""
        vector = miss.vector
        if vector is None and ask.samples is None and (meaning := self._meaning()) is not None:
            vector = meaning.vector(miss.request, ask.namespace, draft.scope_hash)
        return draft._replace(vector=vector)

    def _entries(self, tier: Tier, miss: Miss, ask: Ask) -> Sequence[Entry]:
        try:
            found = tier.find(miss, ask)
            if self._failed:
                self._failed.discard(tier.source)
            if not found or tier.source == "memory":  # what lies there has been cut already
                return found
            # Without rules all of them live as long as they say.
            return list(map(self._lives.shortened, found)) if self._lives.renew() else found
        except (CacheFileError, SharedError) as error:
            if tier.source not in self._failed:  # once, until it works again
                self._failed.add(tier.source)
                self._note(f"{error}; answering without it")
            return ()

    def _backfill(
        self, position: int, entries: Sequence[Entry], chosen: Entry, miss: Miss, ask: Ask
    ) -> Entry:
        """Give what one level has to those above it, the nearest last; return the chosen again."""
        place = next(n for n, entry in enumerate(entries) if entry is chosen)
        for tier in reversed(self._tiers[:position]):
            try:
                entries = tier.keep(entries, miss, ask)
            except (CacheFileError, SharedError):  # it serves all the same
                continue
        return entries[place]

    def _choose(self, entries: Sequence[Entry], miss: Miss, ask: Ask) -> Entry | None:
        return policy.choose(entries, ask, key=miss.key, limit=miss.limit, draw=self._draw)
