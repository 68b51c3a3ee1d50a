"""Was a semantic hit right? The model is asked anew after it was shown, and the answers compared.

It has no say in the answer at hand: whatever fails here leaves things as they are, unsaid.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from llmc import drafting, judging, keys, policy
from llmc.errors import LlmcError
from llmc.lives import Lives
from llmc.pricing import tokens_of
from llmc.questions import verdict_on
from llmc.types import Ask, Miss

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmc.asking import Asking
    from llmc.lives import Shelf as Rules
    from llmc.types import Alias, Answer, Draft, Entry, Line, Price, Request, Tokens, Verdict

__all__ = ["Auditor", "Shelf"]


class Shelf(Protocol):
    """Where verdicts and answers are kept; `Store` says what each method does."""

    @property
    def rules(self) -> Rules: ...
    def put(self, draft: Draft, line: Line | None) -> int: ...
    def judge(
        self, verdict: Verdict | None, entry_id: int, *, cost: int, unknown: int = 0
    ) -> None: ...


class Auditor:
    """Asks anew after semantic hits, and keeps what it finds."""

    def __init__(
        self,
        shelf: Shelf,
        asking: Asking,
        *,
        price: Callable[[Request, str | None, Tokens], Price],
        clock: Callable[[], float],
    ) -> None:
        self._shelf = shelf
        self._lives = Lives(shelf.rules, note=lambda _: None)
        self._asking = asking
        self._price = price
        self._clock = clock

    def audit(self, request: Request, ask: Ask, entry: Entry, alias: Alias, *, nonce: str) -> None:
        """Compare an entry's answer with one that is asked anew, and keep the verdict.

        If it was wrong, the pair of questions never matches again, and the new answer is stored.
        What was paid is counted, whatever comes of it. `nonce` is a word that no answer can
        foresee. Never raises an LlmcError.
        """
        if entry.id is None or not entry.answer:
            return
        entry_id = entry.id
        paid: list[Answer] = []

        def hear(question: Request, how: Ask) -> Answer:
            paid.append(self._asking.ask(question, how))
            # At once: whatever ends this process, what was paid is counted.
            cost = self._price(request, paid[-1].model, tokens_of(paid[-1].usage)).cost
            self._shelf.judge(None, entry_id, cost=cost or 0, unknown=int(cost is None))
            return paid[-1]

        right = None
        with contextlib.suppress(LlmcError):
            right = self._compare(request, ask, entry, nonce=nonce, hear=hear)
        if right is None:
            return
        verdict = verdict_on(alias, entry, origin="audit", right=right, at=self._clock())
        with contextlib.suppress(LlmcError):
            self._shelf.judge(verdict, entry_id, cost=0)
            if not right:
                self._keep(request, ask, paid[0])

    def _compare(
        self,
        request: Request,
        ask: Ask,
        entry: Entry,
        *,
        nonce: str,
        hear: Callable[[Request, Ask], Answer],
    ) -> bool | None:
        fresh = hear(request, ask)
        if policy.unfinished(fresh) or not fresh.text:
            return None
        right, _ = judging.compare(
            request,
            entry.answer,
            fresh.text,
            ask=lambda question: hear(question, Ask()),
            nonce=nonce,
        )
        return right

    def _keep(self, request: Request, ask: Ask, answer: Answer) -> None:
        if policy.why_not_write(request, ask, answer) is not None:
            return
        miss = Miss(request, keys.cache_key(request), keys.family_key(request), "audited")
        price = self._price(request, answer.model, tokens_of(answer.usage))
        # Its cost is counted as the audit's; its vector stays due.
        draft = drafting.draft_of(miss, answer, ask, sample=0, price=price, at=self._clock())
        life = self._lives.of(draft)
        if policy.why_not_kept(life) is None:
            self._shelf.put(draft._replace(expires_at=life.expires_at), None)
