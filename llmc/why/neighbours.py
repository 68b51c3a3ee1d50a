"""Which stored questions are near this one by meaning, and what bars each?

To explain, never to answer: that is `meaning`'s business.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from llmc.questions import group_of, question_of
from llmc.semantic import Refusal
from llmc.settings import ERRORS

if TYPE_CHECKING:
    from llmc.meaning import Meaning, Shelf
    from llmc.semantic import Question
    from llmc.types import Ask, Entry, Request, Vector

__all__ = ["Near", "near"]

#: What keeps an entry from being compared with a question at all.
_ELSEWHERE = {"namespace", "scope", "life"}


class Near(NamedTuple):
    """A stored question near another one, why it may not answer for it, and what would let it."""

    entry: Entry
    similarity: float
    refusal: Refusal | None
    remedy: str | None = None  # an option of `ask`, where nothing but the threshold is in the way


def near(
    meaning: Meaning,
    shelf: Shelf,
    request: Request,
    ask: Ask,
    *,
    scope: bytes,
    vector: Vector | None,
    now: float,
    bill: list[int | None],
    k: int = 5,
) -> list[Near]:
    """Return the stored questions nearest to one, wherever they stand, and what bars each.

    Those that could be compared with it come first. `scope` is the question's scope hash, `vector`
    its own, if it is known; else it is embedded, and what that costs is added to `bill`. Raises
    CacheFileError and EmbeddingError.
    """
    asked = question_of(request)
    if isinstance(asked, Refusal):
        return []
    numbers = vector.numbers if vector else meaning.embedded([asked.wording], bill)[0]
    vectors = shelf.vectors
    space = vectors.space(meaning.chosen.name, len(numbers) // 4)
    if space is None:
        return []
    own = vectors.nearest(
        space,
        group=group_of(ask.namespace, scope, asked),
        namespace=ask.namespace,
        scope_hash=scope,
        vector=numbers,
        threshold=-1.0,
        now=now,
        k=k,
    )
    others = vectors.anywhere(space, vector=numbers, k=k)
    found = [
        _judged(meaning, asked, entry, similarity, elsewhere=_elsewhere(meaning, entry, ask, scope))
        for entry_id, similarity in dict([*others, *own]).items()
        if (entry := shelf.entry(entry_id)) is not None
    ]
    found.sort(key=lambda each: (_is_elsewhere(each), -each.similarity))
    return found[:k]


def _judged(
    meaning: Meaning,
    asked: Question,
    entry: Entry,
    similarity: float,
    *,
    elsewhere: Refusal | None,
) -> Near:
    if elsewhere is not None:
        return Near(entry, similarity, elsewhere)
    threshold, _ = meaning.threshold()
    refusal = meaning.refusal(asked, entry, similarity, threshold=threshold)
    if refusal is None or refusal.guard != "similarity":
        return Near(entry, similarity, refusal)
    other = meaning.refusal(asked, entry, similarity, threshold=-1.0)
    if other is None:
        return Near(entry, similarity, refusal, _remedy(meaning, similarity))
    # A lower threshold would not help.
    detail = f"{refusal.detail}; {other.guard}: {other.detail}"
    return Near(entry, similarity, other._replace(detail=detail))


def _elsewhere(meaning: Meaning, entry: Entry, ask: Ask, scope: bytes) -> Refusal | None:
    if entry.namespace != ask.namespace:
        return Refusal("namespace", f"it is in the namespace {entry.namespace!r}")
    if entry.scope_hash != scope:
        return Refusal("scope", "more than its last words differ")
    barred = meaning.why_not_serve(entry, ask)
    return None if barred is None else Refusal("life", barred)


def _is_elsewhere(each: Near) -> bool:
    return each.refusal is not None and each.refusal.guard in _ELSEWHERE


def _remedy(meaning: Meaning, similarity: float) -> str:
    """Return the strictest promise that a similarity satisfies, else the similarity itself."""
    for error in reversed(ERRORS):
        needed, measured = meaning.threshold(error)
        if measured and needed <= similarity:
            return f"--error {error}"
    return f"--threshold {math.floor(similarity * 1000) / 1000:g}"
