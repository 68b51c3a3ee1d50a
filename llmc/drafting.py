"""What comes of an answer? Its entry before it has an id, its line in the ledger, its Hit.

Whether it may be kept or served is `policy`'s business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmc import keys, policy
from llmc.pricing import tokens_of
from llmc.types import LEVELS, Answer, Ask, Draft, Entry, Hit, Line, Price

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmc.types import Alias, Miss, Source

__all__ = [
    "again",
    "answered",
    "draft_of",
    "entry_of",
    "looked_up",
    "served",
    "times",
    "unanswered",
]

_new = tuple.__new__

_LEVEL: dict[str, int] = {
    "memory": LEVELS.index("memory") + 1,
    "exact": LEVELS.index("file") + 1,
    "shared": LEVELS.index("shared") + 1,
    "semantic": LEVELS.index("semantic") + 1,
}


#: What each of several hits of one entry saves.
_EACH = (
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "avoided_nusd",
    "avoided_latency",
)


def draft_of(
    miss: Miss, answer: Answer, ask: Ask, *, sample: int, price: Price, at: float
) -> Draft:
    """Make an entry of the answer to a miss, without its vector.

    What an answer put by hand would have cost is not known.
    """
    request = miss.request
    frame, scope_hash = miss.scope or keys.frame_of(request)
    return Draft(
        namespace=ask.namespace,
        key=miss.key,
        sample=sample,
        family=miss.family,
        token_limit=keys.token_limit(request),
        scope_hash=scope_hash,
        base_url=request.base_url,
        model=request.model,
        system=keys.system_of(request),
        frame=frame,
        prompt=keys.prompt_of(request),
        source=answer.source,
        created_at=at,
        expires_at=policy.expires_at(at, ask.ttl),
        answer=answer,
        tokens=tokens_of(answer.usage),
        price=Price(None) if answer.source == "put" else price,
        instruction_at=request.instruction_at,
    )


def again(miss: Miss, entry: Entry) -> Draft:
    """Make a draft of an entry that others have stored for the same request, with its own life."""
    answer = Answer(
        text=entry.answer,
        finish_reason=entry.finish_reason,
        model=entry.served_model,
        choices=entry.choices,
        temperature=entry.temperature,
        latency=entry.latency or 0.0,
    )
    ask = Ask(namespace=entry.namespace)
    price = Price(entry.cost, "shared")
    made = draft_of(miss, answer, ask, sample=entry.sample, price=price, at=entry.created_at)
    return made._replace(source=entry.source, expires_at=entry.expires_at, tokens=entry.tokens)


def answered(draft: Draft, miss: Miss, *, unkept: str | None) -> Hit:
    """Return a model's answer as what is shown; its line is still to be written.

    An answer that no model was asked for has none.
    """
    answer, tokens, price = draft.answer, draft.tokens, draft.price
    line = Line(
        at=draft.created_at,
        source="bypass" if miss.bypass else "model",
        namespace=draft.namespace,
        model=draft.model,
        prompt_tokens=tokens.prompt,
        completion_tokens=tokens.completion,
        cached_tokens=tokens.cached,
        written_tokens=tokens.written,
        spent_nusd=price.cost,
        discount_nusd=price.discount,
        premium_nusd=price.premium,
        embedding_nusd=miss.embedding_nusd,
        unknown_embedding=miss.unknown_embedding,
        latency=answer.latency,
    )
    return Hit(
        entry=entry_of(draft),
        source="model",
        usage=answer.usage,
        price=price,
        latency=answer.latency,
        unkept=unkept,
        failure=policy.failure(answer),
        line=line if draft.source == "model" else None,
        no_meaning=miss.no_meaning,
    )


def served(
    entry: Entry,
    source: Source,
    *,
    at: float,
    latency: float,
    alias: Alias | None = None,
    bill: tuple[int, int] = (0, 0),
) -> Hit:
    """Return a stored answer as what is shown: it cost nothing but a Miss's `bill`."""
    stale = source == "stale"  # the provider failed: nothing was avoided
    level, tokens = _LEVEL.get(source, 2), entry.tokens
    # By place, as they stand in Line and in Hit: names take four times as long.
    # fmt: off
    line = _new(Line, (
        at, source, entry.namespace, entry.model, latency, level, entry.id,
        tokens.prompt, tokens.completion, tokens.cached, None,
        0, 0 if stale else entry.cost, None, None, 0.0 if stale else entry.latency or 0.0,
        bill[0], bill[1], 1,
    ))
    return _new(Hit, (
        entry, source, level, None, None, latency, None, None, line, None, alias,
    ))
    # fmt: on


def times(line: Line, count: int, *, latency: float) -> Line:
    """Make one line of several hits of one entry, the last of them `line`.

    `latency` is that of all together.
    """
    if count == 1:
        return line
    values = {name: getattr(line, name) for name in _EACH}
    several: dict[str, Any] = {n: None if v is None else v * count for n, v in values.items()}
    return line._replace(**several, latency=latency, requests=count)


def unanswered(miss: Miss, ask: Ask, *, at: float) -> Line:
    """Return the line of a question that got no answer, but cost something to look up."""
    line = looked_up([], namespace=ask.namespace, model=miss.request.model, at=at)
    return line._replace(
        embedding_nusd=miss.embedding_nusd, unknown_embedding=miss.unknown_embedding
    )


def looked_up(bill: Sequence[int | None], *, namespace: str, model: str, at: float) -> Line:
    """Return the line of embeddings that no question was answered for.

    `bill` is what each cost, in nano-USD; None is unknown.
    """
    return Line(
        at=at,
        source="failed",
        namespace=namespace,
        model=model,
        latency=0.0,
        spent_nusd=0,
        avoided_nusd=0,
        embedding_nusd=sum(cost or 0 for cost in bill),
        unknown_embedding=bill.count(None),
    )


def entry_of(draft: Draft) -> Entry:
    """Return what a draft would be as an entry, without an id."""
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
        source=draft.source,
        instruction_at=draft.instruction_at,
        scope_hash=draft.scope_hash,
        system=draft.system,
    )
