"""Which threshold keeps a promise, and how sure is that? Limits of shares that were counted.

It never promises less error than was shown: where too little was counted, it says nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llmc.types import Verdict

__all__ = [
    "CONFIDENCE",
    "GRID",
    "PROMISES",
    "Judged",
    "Row",
    "cells",
    "choose",
    "evidence",
    "needed",
    "starts",
    "table",
    "told",
    "upper_limit",
    "wilson",
]

#: The largest share of wrong answers among semantic hits that each promise allows. `strict` halves
#: 5 % as that halves 10 %: less than 2 % would take 150 pairs, all of them right, for one promise.
PROMISES = {"10%": 0.10, "5%": 0.05, "strict": 0.025}

#: How sure a limit is: one in twenty samples as good as this one comes of a worse embedder.
CONFIDENCE = 0.95

#: The thresholds that are tried, fixed before any pair is seen, the highest first.
GRID = tuple(number / 200 for number in range(199, 139, -1))

#: Where the continued fraction has converged, and the most steps towards it.
_EPSILON = 1e-15
_STEPS = 10_000


class Judged(NamedTuple):
    """A pair that the decision would let share an answer, given the similarity, and if rightly.

    `weight` is how many requests it stands for, in any unit. It counts at thresholds from `floor`
    up: what is served below was not looked at where it comes from.
    """

    similarity: float
    right: bool
    weight: float = 1.0
    floor: float = -1.0


class Row(NamedTuple):
    """What one threshold would have served.

    `share` is the wrong part of it by weight, `effective` the number of equally weighted pairs that
    would tell as much, `limit` the share's upper limit.
    """

    threshold: float
    served: int
    wrong: int
    share: float | None
    effective: float
    limit: float


def table(judged: Iterable[Judged], grid: Sequence[float] = GRID) -> list[Row]:
    """Count what each threshold would have served, and the limit of what is wrong in it."""
    pairs = list(judged)
    return [
        _row(threshold, [p for p in pairs if p.similarity >= threshold >= p.floor])
        for threshold in grid
    ]


def _row(threshold: float, served: list[Judged]) -> Row:
    if not served:
        return Row(threshold, 0, 0, None, 0.0, 1.0)
    largest = max(pair.weight for pair in served)
    weights = [pair.weight / largest for pair in served]
    wrong = [weight for weight, pair in zip(weights, served, strict=True) if not pair.right]
    total = math.fsum(weights)
    share = math.fsum(wrong) / total
    # Kish's effective sample size: many pairs of which few weigh most tell as little as few.
    effective = min(total**2 / math.fsum(weight**2 for weight in weights), len(served))
    limit = upper_limit(share * effective, effective)
    return Row(threshold, len(served), len(wrong), share, effective, limit)


def starts(rows: Sequence[Row], share: float) -> list[int]:
    """Return the rows at which testing a promise begins; none where the pairs are too few.

    The first serves just enough pairs to keep it if all of them were right, each of the next (three
    in all at most) twice as many as the one before, so that one wrong pair among the first does not
    decide everything. What was judged right or wrong has no part in this: else the limits would not
    hold for the thresholds that are chosen by them.
    """
    most = max((row.effective for row in rows), default=0.0)
    for parts in (3, 2, 1):
        counts = [needed(share, parts=parts) << part for part in range(parts)]
        if counts[-1] <= most:
            return [next(n for n, row in enumerate(rows) if row.effective >= c) for c in counts]
    return []


def choose(rows: Sequence[Row]) -> dict[str, float]:
    """Return the lowest threshold that keeps each promise; a promise that none keeps is left out.

    Rows are tested downwards, in an order fixed beforehand: what a row is tested at is the doubt
    that the row above, having passed, hands on whole, and at a start an equal part of 1 -
    CONFIDENCE. So all that passed hold together with that confidence, though many were tried (the
    fallback procedure: Wiens 2003; for thresholds: Angelopoulos et al. 2021, "Learn then Test",
    section 3.2). A stricter promise is kept only where the laxer ones are. A row that serves no
    pair more than the one above it says nothing of what it would serve more, and is not chosen.
    """
    found = {}
    kept = set(range(len(rows)))
    for promise, share in PROMISES.items():
        kept &= _passed(rows, share)
        told = [at for at in kept if at == 0 or rows[at].served > rows[at - 1].served]
        if told:
            found[promise] = rows[max(told)].threshold
    return found


def _passed(rows: Sequence[Row], share: float) -> set[int]:
    begin = starts(rows, share)
    passed, doubt = set(), 0.0
    for at, row in enumerate(rows):
        doubt += begin.count(at) * (1 - CONFIDENCE) / max(len(begin), 1)
        if not doubt:
            continue
        wrong = (row.share or 0.0) * row.effective
        if _beta(wrong + 1, row.effective - wrong, share) >= 1 - doubt:  # the limit is below
            passed.add(at)
        else:
            doubt = 0.0
    return passed


def told(promise: str, rows: Sequence[Row], thresholds: Mapping[str, float]) -> str:
    """Say in one line what was shown of a promise, or why nothing was."""
    share = PROMISES[promise]
    if promise in thresholds:
        row = next(row for row in rows if row.threshold == thresholds[promise])
        counts = f"{row.wrong:,} of {row.served:,} served were wrong, at most {row.limit:.1%}"
        return f"{promise}: from {row.threshold:g} up ({counts})"
    begin = starts(rows, share)
    if not begin:
        most = max((row.effective for row in rows), default=0.0)
        return (
            f"{promise} is not shown: it takes {needed(share)} verified pairs that are served, all"
            f" of them right; there are {int(most)}"
        )
    row = rows[begin[-1]]
    wrong = (row.share or 0.0) * row.effective
    limit = upper_limit(wrong, row.effective, 1 - (1 - CONFIDENCE) / len(begin))
    return (
        f"{promise} is not shown: from {row.threshold:g} up {row.wrong:,} of {row.served:,} served"
        f" were wrong, so up to {limit:.1%} may be"
    )


def cells(rows: Sequence[Row], thresholds: Mapping[str, float]) -> list[list[str]]:
    """Write the rows that serve more than the one above them: threshold to promises kept."""
    written, above = [], 0
    for row in rows:
        if row.served > above:
            keeps = [promise for promise, limit in thresholds.items() if limit == row.threshold]
            share = "" if row.share is None else f"{row.share:.1%}"
            counts = (f"{row.threshold:.3f}", str(row.served), str(row.wrong))
            written.append([*counts, share, f"{row.limit:.1%}", " ".join(keeps)])
        above = row.served
    return written


def needed(share: float, *, parts: int = 1) -> int:
    """Return how many pairs, all of them right, show that at most a share is wrong: 59 for 5 %.

    `parts` is among how many starts the doubt is divided.
    """
    return math.ceil(math.log((1 - CONFIDENCE) / parts) / math.log1p(-share))


def evidence(verdicts: Iterable[Verdict], threshold: float) -> list[Judged]:
    """Turn verdicts on answers that were served into pairs that count as such.

    A pair counts once, as wrong if anyone found it wrong. Only what was served could be judged:
    below the threshold in effect, right verdicts would make up for wrong answers that nobody was
    given, so they count from it up alone. Wrong ones count everywhere. They come from audits, which
    draw at random, and from `bad`, which names wrong ones only: that can raise a threshold, never
    lower it.
    """
    found: dict[bytes, Verdict] = {}
    for verdict in verdicts:
        known = found.get(verdict.pair)
        if known is None or (known.right and not verdict.right):
            found[verdict.pair] = verdict
    return [
        Judged(v.similarity, v.right, floor=threshold if v.right else -1.0) for v in found.values()
    ]


# -- limits --------------------------------------------------------------------------------------


def upper_limit(wrong: float, n: float, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided upper limit of a share by Clopper and Pearson (1934), to about 1e-12.

    For whole numbers it is exact: at that share, as few wrong ones as these or fewer come up with a
    probability of 1 - confidence. Effective numbers need not be whole (Korn and Graubard 1998). 1
    where nothing was counted, or where all were wrong.
    """
    if n <= 0 or wrong >= n:
        return 1.0
    if wrong <= 0:
        return -math.expm1(math.log1p(-confidence) / n)
    low, high = wrong / n, 1.0
    while high - low > 1e-13:
        middle = (low + high) / 2
        if _beta(wrong + 1, n - wrong, middle) < confidence:
            low = middle
        else:
            high = middle
    return high


def wilson(wrong: int, n: int) -> tuple[float, float]:
    """Return a share's 95 % limits by Wilson's score interval; (0, 1) where nothing was counted."""
    if n <= 0:
        return 0.0, 1.0
    z = 1.96  # the normal distribution's, for 95 %
    share = wrong / n
    middle = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low, high = (middle - spread) / scale, (middle + spread) / scale
    # At the ends the limit is the end itself; rounding would miss it by a hair.
    return (0.0 if wrong == 0 else low), (1.0 if wrong == n else high)


def _beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function (DLMF 8.17.22, by Lentz's method)."""
    if b <= 0 or not 0 < x < 1:
        return float(b > 0 and x > 0)
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly, its mirror does not
        return 1 - _beta(b, a, 1 - x)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(scale + a * math.log(x) + b * math.log1p(-x)) / a
    fraction, over, under = 1.0, 1.0, 0.0
    for step in range(1, _STEPS):
        under = 1 / (1 + _term(step, a, b, x) * under)
        over = 1 + _term(step, a, b, x) / over
        fraction *= over * under
        if abs(over * under - 1) < _EPSILON:
            break
    return front / fraction


def _term(step: int, a: float, b: float, x: float) -> float:
    """Return one numerator of the continued fraction 1 + d1/(1 + d2/(1 + …))."""
    m, odd = divmod(step, 2)
    if odd:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
