"""In which order is a question answered? Lookup, provider, put: the straight line of llmc.

It decides nothing by itself (`policy` does) and knows its parts only by what they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, Self

from llmc import keys, policy
from llmc.asking import Asking, Refusals
from llmc.errors import CacheFileError, LlmcError, NotCached, Unavailable
from llmc.pricing import estimate_tokens, tokens_of
from llmc.types import LEVELS, NEXT_SAMPLE, Ask, Draft, Entry, Hit, Line, Miss, Request, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from llmc.asking import Model
    from llmc.meaning import Found
    from llmc.types import Alias, Answer, Invocation, Price, Vector, Verdict

__all__ = ["Cache", "Searcher", "Shelf"]

_LEVEL = {"exact": LEVELS.index("file") + 1, "semantic": LEVELS.index("semantic") + 1}


class Shelf(Refusals, Protocol):
    """Where entries are kept; `Store` says what each method does. All raise CacheFileError."""

    def family(self, namespace: str, family: bytes) -> list[Entry]: ...
    def samples(self, namespace: str, key: bytes, count: int) -> list[Entry]: ...
    def put(self, draft: Draft, line: Line | None) -> int: ...
    def record(
        self, line: Line, invocation: Invocation | None = None, alias: Alias | None = None
    ) -> None: ...
    def judge(self, verdict: Verdict, entry_id: int, *, cost: int) -> None: ...
    def remember(self, invocation: Invocation, entry_id: int) -> None: ...
    def close(self) -> None: ...


class Searcher(Protocol):
    """Who finds a stored question in other words; `Meaning` says what each method does."""

    def find(self, request: Request, ask: Ask, *, key: bytes, scope_hash: bytes) -> Found: ...
    def vector(self, request: Request, namespace: str, scope_hash: bytes) -> Vector | None: ...


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
    ) -> None:
        """Take the parts: without a `store` every question is a miss and nothing is kept.

        `meaning` returns who finds other words, if anyone; it is called only where it is needed.

        `connect` returns the model of a provider's name; it is called on a miss only. `clock` is
        Unix time, `timer` any clock that never goes back, `draw(n)` a random index below n.
        """
        self._store = store
        self._asking = Asking(connect, store, clock=clock)
        self._price = price
        self._clock = clock
        self._timer = timer
        self._draw = draw
        self._note = note
        self._meaning = meaning

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._store is not None:
            self._store.close()

    def ask(
        self, request: Request, ask: Ask, *, on_text: Callable[[str], None] | None = None
    ) -> Hit:
        """Answer a request.

        1. `lookup`: an entry that may serve it is returned.
        2. Offline, that was all: NotCached.
        3. The provider is asked; `on_text` is given the pieces as they arrive.
        4. Where it is unavailable, an entry past its end may stand in (`stale_if_error`).
        5. `put`: the answer is stored, if it may be.

        The caller shows the answer and then calls `record`. Raises ProviderError and NotCached.
        """
        found = self.lookup(request, ask)
        if isinstance(found, Hit):
            return found
        if ask.offline:
            raise NotCached("not in the cache (--offline)")
        said: list[bool] = []

        def pass_on(piece: str) -> None:
            said.append(True)
            if on_text is not None:
                on_text(piece)

        try:
            answer = self._asking.ask(request, ask, pass_on if ask.stream else None)
        except Unavailable as error:
            # Half an answer is on the screen already: another one must not follow it.
            if said or found.stale is None:
                raise
            self._note(f"{error}; answering from the cache")
            return self._hit(found.stale, "stale", self._timer())
        return self.put(found, answer, ask)

    def lookup(self, request: Request, ask: Ask) -> Hit | Miss:
        """Look a request up in the levels; the provider is not asked.

        1. May we read at all?
        2. Its key, and the family of requests that differ in their token limit at most.
        3. The file: the entry that serves it best among those still fresh.
        4. By meaning, where that was asked for: an entry of a question in other words.
        """
        started = self._timer()
        barred = policy.why_not_read(request, ask)
        miss = Miss(
            request=request,
            key=keys.cache_key(request),
            family=keys.family_key(request),
            reason=barred or "not stored",
            bypass=barred is not None,
        )
        if barred and not (ask.refresh and ask.stale_if_error is not None):
            return miss
        now = self._clock()
        entries = self._candidates(miss, ask)
        if barred is None:
            fresh = [entry for entry in entries if policy.is_fresh(entry, now)]
            if entry := self._choose(fresh, miss, ask):
                return self._hit(entry, "exact", started)
            if ask.by_meaning and ask.samples is None:
                miss, found = self._search(miss, ask)
                if found.entry is not None:
                    return self._hit(found.entry, "semantic", started, found)
        stale = [e for e in entries if policy.may_stand_in(e, now, ask.stale_if_error)]
        expired = " (it has expired)" if not barred and self._choose(entries, miss, ask) else ""
        return miss._replace(stale=self._choose(stale, miss, ask), reason=f"{miss.reason}{expired}")

    def put(self, miss: Miss, answer: Answer, ask: Ask) -> Hit:
        """Store a model's answer to a miss, if it may be, with its line in the ledger.

        An answer that cannot be stored (a full disk, say) costs a note, not the answer.
        """
        request = miss.request
        draft = self._draft(miss, answer, ask)
        tokens, price = draft.tokens, draft.price
        line = Line(
            at=draft.created_at,
            source="bypass" if miss.bypass else "model",
            namespace=ask.namespace,
            model=request.model,
            prompt_tokens=tokens.prompt,
            completion_tokens=tokens.completion,
            cached_tokens=tokens.cached,
            spent_nusd=price.cost,
            discount_nusd=price.discount,
            embedding_nusd=miss.embedding_nusd,
            latency=answer.latency,
        )
        hit = Hit(
            entry=_entry_of(draft),
            source="model",
            usage=answer.usage,
            price=price,
            latency=answer.latency,
            unkept=policy.why_not_write(request, ask, answer),
            failure=policy.failure(answer),
            line=line,
            no_meaning=miss.no_meaning,
        )
        if self._store is None or hit.unkept is not None:
            return hit
        try:
            entry_id = self._store.put(self._with_vector(draft, miss, ask), line)
        except CacheFileError as error:
            self._note(f"{error}; the answer was not stored")
            return hit._replace(unkept=str(error))
        return hit._replace(entry=hit.entry._replace(id=entry_id), line=None)

    def record(self, hit: Hit, invocation: Invocation | None = None) -> None:
        """Count an answer that has been shown, and remember the command line that asked for it.

        Never fails: the answer is out, and a read-only or full file must not take it back.
        """
        if self._store is None:
            return
        try:
            if hit.line is not None:
                # The porch repeats exact hits alone.
                porch = invocation if hit.alias is None else None
                self._store.record(hit.line, porch, hit.alias)
            elif invocation is not None and hit.entry.id is not None:
                self._store.remember(invocation, hit.entry.id)
        except CacheFileError:
            return

    def wants_audit(self, hit: Hit, ask: Ask, share: float) -> bool:
        """Draw whether a hit is one of the `share` of semantic hits that are audited."""
        return hit.alias is not None and not ask.offline and self._draw(10**6) < share * 10**6

    def audit(self, request: Request, ask: Ask, hit: Hit) -> None:
        """Ask the model anew after a semantic hit that has been shown, and keep the verdict.

        If the hit was wrong, the pair never matches again, and the new answer is stored. Whatever
        fails here leaves things as they are.
        """
        from llmc import judging
        from llmc.meaning import verdict_on

        if self._store is None or hit.alias is None or hit.entry.id is None:
            return
        try:
            fresh = self._asking.ask(request, ask)
            if policy.unfinished(fresh):
                return
            right, judge = judging.compare(
                request,
                hit.entry.answer,
                fresh.text,
                ask=lambda question: self._asking.ask(question, Ask()),
                nonce=f"{self._draw(1 << 32):08x}",
            )
            if right is None:
                return
            paid = [answer for answer in (fresh, judge) if answer is not None]
            prices = (self._price(request, a.model, tokens_of(a.usage)) for a in paid)
            verdict = verdict_on(
                hit.alias, hit.entry, origin="audit", right=right, at=self._clock()
            )
            self._store.judge(verdict, hit.entry.id, cost=sum(p.cost or 0 for p in prices))
            if not right:
                self._keep_audited(request, ask, fresh)
        except LlmcError:
            return

    def estimate(self, request: Request) -> tuple[int, Price]:
        """Estimate a request's prompt tokens, and what they would cost without any answer's."""
        texts = (str(message.get("content") or "") for message in request.body["messages"])
        tokens = sum(map(estimate_tokens, texts))
        return tokens, self._price(request, None, Tokens(tokens, 0))

    def _keep_audited(self, request: Request, ask: Ask, answer: Answer) -> None:
        if self._store is None or policy.why_not_write(request, ask, answer) is not None:
            return
        miss = Miss(request, keys.cache_key(request), keys.family_key(request), "audited")
        self._store.put(self._with_vector(self._draft(miss, answer, ask), miss, ask), None)

    # -- the small print -------------------------------------------------------------------------

    def _candidates(self, miss: Miss, ask: Ask) -> list[Entry]:
        if self._store is None:
            return []
        try:
            if ask.samples is not None:
                return self._store.samples(ask.namespace, miss.key, ask.samples)
            return self._store.family(ask.namespace, miss.family)
        except CacheFileError as error:
            self._note(f"{error}; answering without it")
            return []

    def _choose(self, entries: list[Entry], miss: Miss, ask: Ask) -> Entry | None:
        if ask.samples is None:
            limit = keys.token_limit(miss.request)
            return policy.best(entries, key=miss.key, limit=limit, mode=ask.mode)
        entries = [entry for entry in entries if policy.suits(entry, ask.mode)]
        if ask.sample is not None:
            return next((entry for entry in entries if entry.sample == ask.sample), None)
        return entries[self._draw(len(entries))] if len(entries) == ask.samples else None

    def _search(self, miss: Miss, ask: Ask) -> tuple[Miss, Found]:
        from llmc.meaning import Found

        meaning = self._meaning()
        if meaning is None:
            found = Found(reason="no embedder")
        else:
            frame, scope_hash = keys.frame_of(miss.request)
            miss = miss._replace(scope=(frame, scope_hash))
            found = meaning.find(miss.request, ask, key=miss.key, scope_hash=scope_hash)
        reason = f"{miss.reason}; by meaning: {found.reason}"
        miss = miss._replace(reason=reason, no_meaning=found.reason)
        return miss._replace(vector=found.vector, embedding_nusd=found.cost), found

    def _with_vector(self, draft: Draft, miss: Miss, ask: Ask) -> Draft:
        """Give an answer its question's vector, so that other words find it from then on."""
        vector = miss.vector
        if vector is None and ask.samples is None and (meaning := self._meaning()) is not None:
            vector = meaning.vector(miss.request, ask.namespace, draft.scope_hash)
        return draft._replace(vector=vector)

    def _hit(
        self,
        entry: Entry,
        source: Literal["exact", "semantic", "stale"],
        started: float,
        found: Found | None = None,
    ) -> Hit:
        latency = max(0.0, self._timer() - started)
        stale = source == "stale"  # the provider failed: nothing was avoided
        line = Line(
            at=self._clock(),
            source=source,
            level=_LEVEL.get(source, _LEVEL["exact"]),
            entry_id=entry.id,
            namespace=entry.namespace,
            model=entry.model,
            prompt_tokens=entry.tokens.prompt,
            completion_tokens=entry.tokens.completion,
            cached_tokens=entry.tokens.cached,
            spent_nusd=0,
            avoided_nusd=0 if stale else entry.cost,
            latency=latency,
            avoided_latency=0.0 if stale else entry.latency or 0.0,
            embedding_nusd=found.cost if found else 0,
        )
        alias = found.alias if found else None
        return Hit(
            entry=entry, source=source, level=line.level, latency=latency, line=line, alias=alias
        )

    def _sample(self, ask: Ask) -> int:
        if ask.samples is None:
            return 0
        # Asked anew without a name, one of them is replaced.
        replaced = 1 + self._draw(ask.samples) if ask.refresh else NEXT_SAMPLE
        return ask.sample or replaced

    def _draft(self, miss: Miss, answer: Answer, ask: Ask) -> Draft:
        request, now = miss.request, self._clock()
        tokens = tokens_of(answer.usage)
        frame, scope_hash = miss.scope or keys.frame_of(request)
        return Draft(
            namespace=ask.namespace,
            key=miss.key,
            sample=self._sample(ask),
            family=miss.family,
            token_limit=keys.token_limit(request),
            scope_hash=scope_hash,
            base_url=request.base_url,
            model=request.model,
            system=keys.system_of(request),
            frame=frame,
            prompt=keys.prompt_of(request),
            source="model",
            created_at=now,
            expires_at=policy.expires_at(now, ask.ttl),
            answer=answer,
            tokens=tokens,
            price=self._price(request, answer.model, tokens),
            instruction_at=request.instruction_at,
        )


def _entry_of(draft: Draft) -> Entry:
    answer = draft.answer
    return Entry(
        id=None,
        namespace=draft.namespace,
        key=draft.key,
        sample=draft.sample,
        token_limit=draft.token_limit,
        model=draft.model,
        prompt=draft.prompt,
        answer=answer.text,
        choices=answer.choices,
        finish_reason=answer.finish_reason or "",
        served_model=answer.model,
        temperature=answer.temperature,
        tokens=draft.tokens,
        cost=draft.price.cost,
        latency=answer.latency,
        created_at=draft.created_at,
        expires_at=draft.expires_at,
        instruction_at=draft.instruction_at,
        scope_hash=draft.scope_hash,
    )
