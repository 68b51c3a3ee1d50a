"""In which of the levels does an answer lie? They are asked in order, the nearest first.

What is found further away is put back into the levels above it. A level that fails costs a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmc import keys, policy
from llmc.errors import CacheFileError, SharedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmc.lives import Lives
    from llmc.tiers import Tier
    from llmc.types import Ask, Entry, Miss, Source

__all__ = ["Levels", "Seen"]


class Seen(NamedTuple):
    """What the levels hold for a request: an entry that serves it, and the `source` it came from.

    Without one, `ended` is the entry that would have served it in its life, `stale` the one that
    may stand in where the provider fails.
    """

    entry: Entry | None = None
    source: Source = "exact"
    ended: Entry | None = None
    stale: Entry | None = None


class Levels:
    """The tiers of one cache, the nearest first."""

    def __init__(
        self,
        tiers: Sequence[Tier],
        lives: Lives,
        *,
        draw: Callable[[int], int],
        note: Callable[[str], None],
    ) -> None:
        """Take the tiers, and the rules on the lives of what they hold.

        `draw(n)` is a random index below n; `note` is told of a tier that fails.
        """
        self._tiers = tuple(tiers)
        self._lives = lives
        self._draw = draw
        self._note = note

    def find(self, miss: Miss, ask: Ask, *, now: float) -> Seen:
        """Return what the nearest level that has it holds; later ones are not asked.

        Where nothing may be read, for what may stand in all the same.
        """
        seen = Seen()
        for position, tier in enumerate(self._tiers):
            entries = self._entries(tier, miss, ask)
            if not miss.bypass:
                fresh = [entry for entry in entries if policy.is_fresh(entry, now)]
                if (chosen := self._choose(fresh, miss, ask)) is not None:
                    kept = self._backfill(position, entries, miss, ask)
                    both = zip(kept, entries, strict=True)
                    return Seen(next(e for e, found in both if found is chosen), tier.source)
            stale = [e for e in entries if policy.may_stand_in(e, now, ask.stale_if_error)]
            seen = seen._replace(
                ended=seen.ended or self._choose(entries, miss, ask),
                stale=seen.stale or self._choose(stale, miss, ask),
            )
        return seen

    def all(self, miss: Miss, ask: Ask) -> Sequence[Entry]:
        """Return all that is held for a request, whatever its life."""
        return [entry for tier in self._tiers for entry in self._entries(tier, miss, ask)]

    def _entries(self, tier: Tier, miss: Miss, ask: Ask) -> Sequence[Entry]:
        try:
            found = tier.find(miss, ask)
            if not found or tier.source == "memory":  # what lies there has been cut already
                return found
            self._lives.renew()
            return list(map(self._lives.shortened, found))
        except (CacheFileError, SharedError) as error:
            self._note(f"{error}; answering without it")
            return ()

    def _backfill(
        self, position: int, entries: Sequence[Entry], miss: Miss, ask: Ask
    ) -> Sequence[Entry]:
        """Give what one level has to those above it, the nearest last."""
        for tier in reversed(self._tiers[:position]):
            try:
                entries = tier.keep(entries, miss, ask)
            except (CacheFileError, SharedError):  # it serves all the same
                continue
        return entries

    def _choose(self, entries: Sequence[Entry], miss: Miss, ask: Ask) -> Entry | None:
        limit = keys.token_limit(miss.request)
        return policy.choose(entries, ask, key=miss.key, limit=limit, draw=self._draw)
