"""How does what one file holds leave it, and how does another file take it in?

Newer answers win; nothing else is decided here. All functions raise CacheFileError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmc.rows import COLUMNS, FROM, condition, entry_of, frame_of, usage_of
from llmc.transfer.lines import Parcel, Wording
from llmc.types import Alias, Answer, Draft, Price, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmc.store import Store
    from llmc.types import Selector

__all__ = ["one", "parcels", "rules", "take", "vectors", "verdicts"]

_MORE = (
    "s.base_url",
    "s.system",
    "s.frame",
    "e.family",
    "e.usage",
    "e.price_source",
    "e.last_hit_at",
)


def parcels(store: Store, selector: Selector) -> Iterator[Parcel]:
    """Yield the entries meant with all that belongs to them, in an order of their own."""
    where, values = condition(selector)
    rows = store.file.stream(
        f"SELECT {', '.join(_MORE)}, {COLUMNS} {FROM} {where}"
        " ORDER BY e.namespace, s.hash, e.key, e.sample",
        values,
    )
    for row in rows:
        yield _parcel(store, row)


def one(store: Store, namespace: str, key: bytes) -> tuple[int, Parcel] | None:
    """Return the entry of a request with its id, samples left out; None if there is none."""
    rows = store.file.rows(
        f"SELECT {', '.join(_MORE)}, {COLUMNS} {FROM}"
        " WHERE e.namespace = ? AND e.key = ? AND e.sample = 0",
        (namespace, key),
    )
    return (rows[0][len(_MORE)], _parcel(store, rows[0])) if rows else None


def vectors(store: Store, entry_id: int) -> list[tuple[str, int, bytes]]:
    """Return an entry's vectors: embedder, group, and little-endian float16 numbers."""
    rows = store.file.rows(
        "SELECT s.embedder, v.grp, v.numbers FROM vector AS v JOIN space AS s ON s.id = v.space_id"
        " WHERE v.entry_id = ?",
        (entry_id,),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def verdicts(store: Store, namespace: str | None) -> list[Verdict]:
    """Return what was found of pairs of questions, in one namespace or in all, ordered by pair."""
    found = (v for v in store.paraphrases.verdicts() if namespace in {None, v.namespace})
    return sorted(found)


def rules(store: Store, namespace: str | None) -> list[Rule]:
    """Return the rules on one namespace, or all, in an order that does not depend on their ids."""
    found = (rule for rule in store.rules.all() if namespace in {None, rule.namespace})
    return sorted(found, key=repr)


def take(store: Store, kept: Parcel | Verdict | Rule) -> bool:
    """Take something in, within the caller's transaction; False if it adds nothing.

    An entry that is stored already stays, unless the one that comes in is newer. What there is no
    room for goes.
    """
    if isinstance(kept, Rule):
        return store.rules.write(kept) is not None
    if isinstance(kept, Verdict):
        known = store.file.rows(
            "SELECT 1 FROM verdict WHERE pair = ? AND origin = ? AND at = ?",
            (kept.pair, kept.origin, kept.at),
        )
        if not known:
            store.paraphrases.judge(kept)
        return not known
    draft = kept.draft
    there = store.file.rows(
        "SELECT created_at FROM entry WHERE namespace = ? AND key = ? AND sample = ?",
        (draft.namespace, draft.key, draft.sample),
    )
    if there and there[0][0] >= draft.created_at:
        return False
    entry_id = store.write(draft)
    store.file.execute(
        "UPDATE entry SET latency = ?, hits = ?, last_hit_at = ?, pinned = ? WHERE id = ?",
        (kept.latency, kept.hits, kept.last_hit_at, kept.pinned, entry_id),
    )
    for wording in kept.wordings:
        alias = wording.alias._replace(entry_id=entry_id)
        store.paraphrases.learn(alias, at=wording.last_hit_at, since=wording.created_at)
    store.eviction.make_room(draft.namespace, now=draft.created_at, spare=entry_id)
    return True


def _parcel(store: Store, row: tuple[Any, ...]) -> Parcel:
    base_url, system, frame, family, usage, price_source, last_hit_at = row[: len(_MORE)]
    entry = entry_of(row[len(_MORE) :])
    answer = Answer(
        text=entry.answer,
        finish_reason=entry.finish_reason,
        model=entry.served_model,
        usage=usage_of(entry.id or 0, usage),
        choices=entry.choices,
        temperature=entry.temperature,
    )
    draft = Draft(
        namespace=entry.namespace,
        key=entry.key,
        sample=entry.sample,
        family=family,
        token_limit=entry.token_limit,
        scope_hash=entry.scope_hash,
        base_url=base_url,
        model=entry.model,
        system=system,
        frame=frame_of(entry.id or 0, frame),
        prompt=entry.prompt,
        source=entry.source,
        created_at=entry.created_at,
        expires_at=entry.expires_at,
        answer=answer,
        tokens=entry.tokens,
        price=Price(entry.cost, price_source),
        instruction_at=entry.instruction_at,
    )
    wordings = tuple(
        Wording(Alias(*found[:-2]), *found[-2:])
        for found in store.file.rows(
            f"SELECT {', '.join(Alias._fields)}, created_at, last_hit_at FROM alias"
            " WHERE entry_id = ? ORDER BY key",
            (entry.id,),
        )
    )
    return Parcel(draft, entry.latency, entry.hits, last_hit_at, entry.pinned, wordings)
