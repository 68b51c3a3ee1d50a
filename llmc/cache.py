"""In which order is a question answered? Lookup, provider, put: the straight line of llmc.

It decides nothing by itself (`policy` does) and knows its parts only by what they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from llmc import drafting, keys, policy
from llmc.asking import Asking, Refusals
from llmc.errors import CacheFileError, LlmcError, NotCached, Unavailable
from llmc.levels import Levels
from llmc.lives import Lives
from llmc.pricing import estimate_prompt, tokens_of
from llmc.tally import Shelf as Counts
from llmc.tally import Tally
from llmc.tiers import FileTier
from llmc.tiers import Shelf as Entries
from llmc.types import Hit, Miss, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmc.asking import Model
    from llmc.flight import Flights
    from llmc.levels import Searcher, Seen
    from llmc.lives import Shelf as Rules
    from llmc.tiers import Tier
    from llmc.types import (
        Answer,
        Ask,
        Draft,
        Invocation,
        Line,
        Price,
        Request,
        Verdict,
    )

__all__ = ["Cache", "Shelf"]


class Shelf(Refusals, Entries, Counts, Protocol):
    """Where entries are kept; `Store` says what each method does. All raise CacheFileError."""

    @property
    def rules(self) -> Rules: ...
    def put(self, draft: Draft, line: Line | None, *, tell: bool = True) -> int: ...
    def judge(
        self, verdict: Verdict | None, entry_id: int, *, cost: int, unknown: int = 0
    ) -> None: ...
    def close(self) -> None: ...


class Cache:
    """Answers from what is kept, or asks and keeps. Use it as a context manager."""

    def __init__(
        self,
        *,
        store: Shelf | None,
        connect: Callable[[str], Model],
        price: Callable[[Request, str | None, Tokens], Price],
        clock: Callable[[], float],
        timer: Callable[[], float],
        draw: Callable[[int], int],
        note: Callable[[str], None],
        meaning: Callable[[], Searcher | None] = lambda: None,
        connect_aside: Callable[[str], Model] | None = None,
        tiers: Sequence[Tier] | None = None,
        flights: Flights | None = None,
        hold: float = 0.0,
    ) -> None:
        """Take the parts: without a `store` every question is a miss and nothing is kept.

        `tiers` are asked for the same request in their order, None: the store alone. Without
        `flights` everyone asks for himself. Hits are counted `hold` seconds later at most.

        `connect` returns the model of a provider's name; it is called on a miss only.
        `connect_aside` does so for what nobody waits for: it neither insists nor says anything.
        `clock` is Unix time, `timer` any clock that never goes back, `draw(n)` a random index
        below n. `meaning` returns who finds other words, if anyone; it is called only where it is
        needed.
        """
        self._store = store
        self._lives = Lives(None if store is None else store.rules, note=note)
        if tiers is None:
            tiers = () if store is None else (FileTier(store, drafting.again),)
        self._levels = Levels(
            tiers, self._lives, meaning=meaning, clock=clock, draw=draw, note=note
        )
        self._flights = flights
        self._tally = Tally(store, self._lives, hold=hold)
        self._connect_aside = connect_aside or connect
        self._asking = Asking(connect, store, clock=clock)
        self._price = price
        self._clock = clock
        self._timer = timer
        self._draw = draw
        self._note = note

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Count what is not counted yet, and close the file."""
        self._tally.flush()
        self._levels.close()
        if self._flights is not None:
            self._flights.close()
        if self._store is not None:
            self._store.close()

    def ask(
        self, request: Request, ask: Ask, *, on_text: Callable[[str], None] | None = None
    ) -> Hit:
        """Answer a request.

        1. `lookup`: an entry that may serve it is returned.
        2. Offline, that was all: NotCached.
        3. The provider is asked, by one of all who ask this now; `on_text` is given the pieces as
           they arrive.
        4. Where it is unavailable, an entry past its end may stand in (`stale_if_error`).
        5. `put`: the answer is stored, if it may be.

        The caller shows the answer and then calls `record`. Raises ProviderError and NotCached.
        """
        found = self.lookup(request, ask)
        return found if isinstance(found, Hit) else self.fetch(found, ask, on_text=on_text)

    def fetch(self, miss: Miss, ask: Ask, *, on_text: Callable[[str], None] | None = None) -> Hit:
        """Answer what was not found: steps 2 to 5 of `ask`. Raises as it does."""
        if ask.offline:
            raise NotCached("not in the cache (--offline)")
        said: list[bool] = []

        def pass_on(piece: str) -> None:
            said.append(True)
            if on_text is not None:
                on_text(piece)

        def led() -> Hit:
            answer = self._asking.ask(miss.request, ask, pass_on if ask.stream else None)
            return self.put(miss, answer, ask)

        try:
            return self.share(miss, ask, led)
        except LlmcError as error:
            # Half an answer is on the screen already: another one must not follow it.
            may_stand_in = isinstance(error, Unavailable) and not said
            if miss.stale is None or not may_stand_in:
                if any(miss.bill):
                    self._tally.count(drafting.unanswered(miss, ask, at=self._clock()))
                raise
            self._note(f"{error}; answering from the cache")
            now = self._clock()
            return drafting.served(miss.stale, "stale", at=now, latency=0.0, bill=miss.bill)

    def share(
        self, miss: Miss, ask: Ask, fetch: Callable[[], Hit], *, patience: float | None = None
    ) -> Hit:
        """Fetch an answer, or wait, `patience` seconds at most, for another who asks the same."""
        if self._flights is None or not policy.may_share(miss, ask):
            return fetch()
        return self._flights.fly(
            ask.namespace,
            miss.key,
            asked_at=self._clock() if ask.asked_at is None else ask.asked_at,
            look=lambda: self._held(miss, ask, self._timer())[1],
            ask=fetch,
            is_kept=lambda hit: hit.unkept is None,
            patience=patience,
        )

    def lookup(self, request: Request, ask: Ask) -> Hit | Miss:
        """Look a request up in the levels; the provider is not asked.

        1. May we read at all?
        2. Its key, and the family of requests that differ in their token limit at most.
        3. Memory, the file, what others share: the entry that serves it best among the fresh ones.
        4. By meaning, where that was asked for: an entry of a question in other words.
        """
        return self.look(self.prepare(request, ask), ask)

    def prepare(self, request: Request, ask: Ask) -> Miss:
        """Say what of a question needs no look at anything: steps 1 and 2 of `lookup`."""
        barred = policy.why_not_read(request, ask)
        return Miss(
            request=request,
            key=keys.cache_key(request),
            family=keys.family_key(request),
            reason=barred or "not stored",
            limit=keys.token_limit(request),
            bypass=barred is not None,
        )

    def look(self, miss: Miss, ask: Ask) -> Hit | Miss:
        """Look a prepared question up: steps 3 and 4 of `lookup`."""
        if miss.bypass and not (ask.refresh and ask.stale_if_error is not None):
            return miss
        started = self._timer()
        seen, hit = self._held(miss, ask, started)
        if hit is not None:
            return hit
        if not miss.bypass:
            if seen.ended is not None:
                why = policy.why_ended(self._lives.of(seen.ended), self._clock())
                miss = miss._replace(reason=f"not stored ({why})")
            if ask.by_meaning and ask.samples is None and policy.has_words(miss.request):
                miss, found = self._levels.by_meaning(miss, ask)
                if found.entry is not None:
                    return drafting.served(
                        found.entry,
                        "semantic",
                        at=self._clock(),
                        latency=self._since(started),
                        alias=found.alias,
                        bill=found.bill,
                    )
        return miss._replace(stale=seen.stale)

    def put(self, miss: Miss, answer: Answer, ask: Ask) -> Hit:
        """Store a model's answer to a miss, if it may be, with its line in the ledger.

        An answer that cannot be stored (a full disk, say) costs a note, not the answer.
        """
        request = miss.request
        price = self._price(request, answer.model, tokens_of(answer.usage))
        now = self._clock()
        known = self._levels.all(miss, ask) if ask.samples else []
        sample = policy.sample_for(ask, known, now, draw=self._draw)
        draft = drafting.draft_of(miss, answer, ask, sample=sample, price=price, at=now)
        unkept = policy.why_not_write(request, ask, answer)
        hit = drafting.answered(draft, miss, unkept=unkept)
        if self._store is None or hit.unkept is not None:
            return hit
        try:
            self._lives.renew()
            life = self._lives.of(draft)
            if barred := policy.why_not_kept(life):
                return hit._replace(unkept=barred)
            draft = draft._replace(expires_at=life.expires_at)
            entry_id = self._store.put(self._levels.with_vector(draft, miss, ask), hit.line)
        except CacheFileError as error:
            self._note(f"{error}; the answer was not stored")
            return hit._replace(unkept=str(error))
        self._levels.stored()
        entry = hit.entry._replace(id=entry_id, expires_at=life.expires_at)
        return hit._replace(entry=entry, line=None)

    def record(self, hit: Hit, invocation: Invocation | None = None) -> None:
        """Count an answer that has been shown, and remember the command line that asked for it.

        Never fails: the answer is out, and a read-only or full file must not take it back.
        """
        self._tally.record(hit, invocation)

    def flush(self) -> None:
        """Count what is not counted yet."""
        self._tally.flush()

    def is_due(self, hit: Hit, ask: Ask, *, share: float) -> bool:
        """Tell whether a hit is of the `share` of semantic ones that are to be audited."""
        return hit.alias is not None and not ask.offline and self._draw(10**6) < share * 10**6

    def audit(self, request: Request, ask: Ask, hit: Hit) -> None:
        """Find out whether a semantic hit that was shown was right; never fails."""
        if self._store is None or hit.alias is None:
            return
        from llmc.auditing import Auditor

        asking = Asking(self._connect_aside, self._store, clock=self._clock)
        auditor = Auditor(self._store, asking, price=self._price, clock=self._clock)
        auditor.audit(request, ask, hit.entry, hit.alias, nonce=f"{self._draw(1 << 32):08x}")

    def estimate(self, request: Request, *, completion: int = 0) -> tuple[int, Price]:
        """Estimate a request's prompt tokens, and its price with an answer of so many tokens."""
        tokens = estimate_prompt(request.body)
        return tokens, self._price(request, None, Tokens(tokens, completion))

    # -- the small print -------------------------------------------------------------------------

    def _held(self, miss: Miss, ask: Ask, started: float) -> tuple[Seen, Hit | None]:
        """Return what the levels hold of the same request, and the hit that comes of it."""
        now = self._clock()
        seen = self._levels.find(miss, ask, now=now)
        if seen.entry is None:
            return seen, None
        took, bill = self._since(started), miss.bill
        return seen, drafting.served(seen.entry, seen.source, at=now, latency=took, bill=bill)

    def _since(self, started: float) -> float:
        took = self._timer() - started
        return took if took > 0 else 0.0
