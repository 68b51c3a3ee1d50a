"""Which requests hold much of the same words, wherever these stand?"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from typing import TYPE_CHECKING

from llmc.prefix.breaks import shared

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmc.prefix.breaks import Sent

__all__ = ["LEAST", "alike"]

#: Prompts of fewer tokens are too short for any provider's cache, and not near to it either.
LEAST = 700

#: Texts are compared by runs of six words, of which one in eight counts; so many of them, or so
#: many bytes of a common beginning, are about `LEAST` tokens.
_WORDS, _SAMPLE, _ENOUGH, _ENOUGH_BYTES = 6, 8, 60, 2800
_OPENING = 200


def alike(requests: Iterable[Sent]) -> list[list[Sent]]:
    """Put each request to the group that holds most of its words, if those are enough."""
    made: list[list[Sent]] = []
    known: dict[tuple[str, int], int] = {}
    begun: dict[tuple[str, str], list[int]] = {}
    sketch = _Sketches()
    for request in requests:
        if (request.prompt or 0) < LEAST:
            continue
        marks = frozenset().union(*(sketch[part.text] for part in request.parts))
        votes = Counter(
            group for mark in marks if (group := known.get((request.base_url, mark))) is not None
        )
        alike = begun.setdefault((request.base_url, _opening(request)), [])
        best = next((g for g, count in votes.most_common(1) if count >= _ENOUGH), None)
        if best is None:
            best = next((g for g in alike if _begins_like(request, made[g][-1])), None)
        if best is None:
            best = len(made)
            made.append([])
        made[best].append(request)
        if best not in alike:
            alike.append(best)
        for mark in marks:
            known.setdefault((request.base_url, mark), best)
    return made


def _opening(request: Sent) -> str:
    """Return the first characters of a request: a quick look at whether two may begin alike."""
    return "".join(part.text[:_OPENING] for part in request.parts)[:_OPENING]


def _begins_like(request: Sent, other: Sent) -> bool:
    return shared(other.parts, request.parts) >= _ENOUGH_BYTES


class _Chosen(dict[str, bool]):
    """Whether runs that begin with a word count, for one word in eight; each is asked often."""

    def __missing__(self, word: str) -> bool:
        chosen = zlib.crc32(word.encode("utf-8", "surrogatepass")) % _SAMPLE == 0
        self[word] = chosen
        return chosen


class _Sketches(dict[str, frozenset[int]]):
    """Hashes of some runs of words of a text: those that texts share tell how much they share."""

    def __init__(self) -> None:
        super().__init__()
        self._chosen = _Chosen()

    def __missing__(self, text: str) -> frozenset[int]:
        words = re.findall(r"\w{1,12}|[^\w\s]", text)
        chosen = self._chosen
        places = [n for n, word in enumerate(words[: 1 - _WORDS]) if chosen[word]]
        runs = (" ".join(words[n : n + _WORDS]) for n in places)
        made = frozenset(zlib.crc32(run.encode("utf-8", "surrogatepass")) for run in runs)
        self[text] = made
        return made
