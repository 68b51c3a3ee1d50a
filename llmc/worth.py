"""What is a stored answer worth, against the room that it takes, and how many are too many?

Pure decisions, as `policy`'s. Which entries there are is `eviction`'s business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, assert_never

if TYPE_CHECKING:
    from llmc.types import Evict

__all__ = ["STEP", "Kept", "Place", "bytes_of", "bytes_of_texts", "cost_of", "place", "surplus"]

#: How many entries go at most for one that comes: a tenth of a large file would take minutes.
STEP = 16

#: Bytes of a file for an entry and for each byte of its texts: measured with the full-text index
#: and a vector (`benchmarks/size.py`, `benchmarks/meaning.py`).
_BYTES, _BYTES_OF_TEXT = 1_500, 1.5

#: What a token is taken to cost where no price is known, in nano-USD: a small model's, hosted.
_PROMPT, _COMPLETION = 250, 2_000


class Kept(NamedTuple):
    """What is known of an entry; `used_at` is its last use or else its beginning."""

    cost: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    prompt_bytes: int
    answer_bytes: int
    frame_bytes: int  # of all but its last user text, shared out among those that share it
    hits: int
    created_at: float
    used_at: float


class Place(NamedTuple):
    """An entry's place in the order in which entries go: the least `worth` goes first.

    `hits` are those that it had when it got the place, `uses` what they counted for.
    """

    worth: int
    uses: float
    hits: int


def place(kept: Kept, *, evict: Evict, clock: int, before: Place | None = None) -> Place:
    """Return an entry's place; with the one `before`, made by the same rule, it never falls.

    `value`: nano-USD a kilobyte, times uses, from the `clock` up. The clock is the worth of what
    went last, so that what is not used any more is overtaken without being touched: GreedyDual-
    Size-Frequency (Cherkasova 1998, HPL-98-69R1), after GreedyDual-Size (Cao and Irani 1997,
    USENIX USITS). Two departures: an entry that was used moves up when it would go, not at its
    hit (lazy promotion: Yang and others 2023, https://doi.org/10.1145/3593856.3595887), and half
    of its older uses are forgotten then.
    `lru`, `oldest`: microseconds of the last use, of the beginning.
    """
    match evict:
        case "oldest":
            return Place(int(kept.created_at * 1e6), 1.0, kept.hits)
        case "lru":
            return Place(int(kept.used_at * 1e6), 1.0, kept.hits)
        case "value":
            pass
        case _:
            assert_never(evict)
    if before is None:
        uses = 1.0 + kept.hits
    elif kept.hits <= before.hits:
        return before
    else:
        uses = before.uses / 2 + kept.hits - before.hits
        clock = max(clock, before.worth)
    return Place(clock + round(uses * 1000 * cost_of(kept) / bytes_of(kept)), uses, kept.hits)


def cost_of(kept: Kept) -> float:
    """Return what an answer would cost again, in nano-USD: as recorded, else by its tokens.

    What was free took its time all the same, and counts as if it had a price that is not known.
    """
    if kept.cost:
        return kept.cost
    prompt, completion = kept.prompt_tokens, kept.completion_tokens
    if prompt is None:
        prompt = kept.prompt_bytes // 4
    if completion is None:
        completion = kept.answer_bytes // 4
    return prompt * _PROMPT + completion * _COMPLETION


def bytes_of(kept: Kept) -> float:
    """Return about how many bytes of the file an entry takes, indexes and all."""
    return bytes_of_texts(kept.prompt_bytes + kept.answer_bytes) + kept.frame_bytes


def bytes_of_texts(count: int) -> float:
    """Return about how many bytes an entry takes that has so many of text, its frame left out."""
    return _BYTES + _BYTES_OF_TEXT * count


def surplus(held: int, limit: int | None) -> int:
    """Return how much of what is held must go: none within a limit, else down to nine tenths."""
    if limit is None or held <= limit:
        return 0
    return held - limit + limit // 10
