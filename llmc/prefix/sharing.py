"""Which requests share a beginning, what could a provider have read of it, and what did it cost?

All that is not a count of the provider's own is an estimate: a prompt's reported tokens are spread
over its bytes.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import statistics
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from llmc.marking import scheme_of
from llmc.prefix.breaks import REASONS, break_between, shared, size, stable
from llmc.prefix.likeness import alike
from llmc.pricing import price
from llmc.types import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from llmc.marking import Scheme
    from llmc.prefix.breaks import Break, Part, Sent
    from llmc.pricing import Rate

__all__ = ["Group", "Step", "Unit", "groups", "premium", "unit_by"]

#: How much of what was read must be the same text, since tokens are spread over bytes.
_READ = 0.9

#: The share of what is lost from which on a cause has a group of its own.
_SHARE, _LEAST = 0.2, 0.05

#: How many pairs of a group are compared word by word.
_PAIRS = 12

#: As many tokens are priced at once: the price of one is no whole number.
_MANY = 10_000

#: How long something is remembered whose provider publishes no rules, in seconds.
_UNKNOWN_LIFETIME = 3600.0


#: A setting's reason, or the part in which a text broke, with the place where its form is known.
_Cause: TypeAlias = "tuple[str | None, int, tuple[int, str] | None]"


class Unit(NamedTuple):
    """What a token costs, in nano-USD: sent anew, read from the provider's cache, written to it."""

    fresh: float
    read: float
    written: float


class Step(NamedTuple):
    """One request of a group, against those before it.

    `near` is the live one that it shares most with, `common` how many bytes; `reason` says which
    setting kept it from all of them. Without both it is the first, or the others are forgotten:
    `idle` is how long ago the last one was sent, in seconds; `at_once` tells that it had not been
    answered yet.
    """

    sent: Sent
    near: Sent | None = None
    common: int = 0
    reason: str | None = None
    idle: float | None = None
    at_once: bool = False
    eligible: int | None = None  # tokens that the provider could have read, were nothing in the way
    missed: int = 0  # of them not read
    found: Break | None = None  # where its text left that of `near`
    read: bool = True  # whether what it wrote was read again


class Group(NamedTuple):
    """Requests that share a beginning, or would; what they lost is in nano-USD (None: unknown)."""

    steps: tuple[Step, ...]
    stable: tuple[int, ...]  # bytes of each part that stay the same from one to the next
    lost: float | None
    wasted: float | None
    broken: tuple[
        tuple[Break, int, int], ...
    ] = ()  # with how many requests and tokens, worst first
    reasons: tuple[tuple[str, int], ...] = ()  # with how many tokens, worst first

    @property
    def scheme(self) -> Scheme | None:
        """The rules of its newest request's family."""
        return _scheme(self.steps[-1].sent)

    @property
    def stable_tokens(self) -> int:
        """How many tokens stay the same from one request to the next."""
        return max((_tokens(step.sent, sum(self.stable)) for step in self.steps), default=0)


def unit_by(rates: tuple[Rate, ...]) -> Callable[[Sent], Unit | None]:
    """Return what prices a token of a request, by rates that the user states and known lists.

    None where the price of one of the three is unknown.
    """

    @functools.cache
    def costs(model: str, base_url: str, served: str | None) -> Unit | None:
        counts = Tokens(_MANY, 0), Tokens(_MANY, 0, _MANY), Tokens(_MANY, 0, 0, _MANY)
        found = [price(model, base_url, each, served=served, rates=rates).cost for each in counts]
        known = [cost / _MANY for cost in found if cost is not None]
        return Unit(*known) if len(known) == len(counts) else None

    return lambda request: costs(request.model, request.base_url, request.served)


def groups(
    requests: Sequence[Sent], unit: Callable[[Sent], Unit | None]
) -> tuple[list[Group], list[Sent]]:
    """Sort requests, the oldest first, into groups; return those, and what shares with none.

    `unit` prices a request's tokens. The most expensive group comes first.
    """
    kin = (members for members in alike(requests) if len(members) > 1)
    found = [group for members in kin for group in _groups(members, unit)]
    grouped = {id(step.sent) for group in found for step in group.steps}
    alone = [request for request in requests if id(request) not in grouped]
    return sorted(found, key=lambda group: -((group.lost or 0) + (group.wasted or 0))), alone


def premium(requests: Iterable[Sent], unit: Callable[[Sent], Unit | None]) -> float:
    """Return what writing cost beyond the price of sending, in nano-USD, where that is known."""
    priced = ((request.written or 0, unit(request)) for request in requests)
    return sum(count * (each.written - each.fresh) for count, each in priced if each is not None)


def _groups(members: list[Sent], unit: Callable[[Sent], Unit | None]) -> Iterable[Group]:
    """Make one group of requests that share a beginning, or more if they lose for several causes.

    A cause that takes less than a fifth of what is lost, or a twentieth of what could have been
    read, has no group of its own.
    """
    steps = list(_steps(members))
    kept = _stable(steps)
    measured = [_measured(step, sum(kept)) for step in steps]
    steps = [s._replace(read=read) for s, read in zip(measured, _reread(steps), strict=True)]
    tokens: Counter[_Cause | None] = Counter()
    for step in steps:
        # Without rules nothing is eligible, and a request counts as one.
        tokens[_cause(step)] += step.missed if step.eligible is not None else 1
    lost = [(cause, count) for cause, count in tokens.most_common() if cause is not None]
    main = lost[0][0] if lost else None
    least = max(_SHARE * tokens.total(), _LEAST * sum(step.eligible or 0 for step in steps))
    much = (cause for cause, count in lost if count >= least)
    causes = dict.fromkeys((main, *much))  # a set in order
    for cause in causes:
        wanted = [
            step
            for step in steps
            if (found := _cause(step)) == cause or (cause == main and found not in causes)
        ]
        yield _told(wanted, kept, unit)


def _cause(step: Step) -> _Cause | None:
    """Say what a request lost for: a setting, or a text that broke at a place; None if nothing."""
    if step.eligible is not None and not step.missed:
        return None
    if step.reason is None and step.near is None:
        return None
    if step.reason is not None or step.found is None:
        return (step.reason, 0, None)
    found = step.found
    return (None, found.part, (found.character, found.kind) if found.kind else None)


def _told(
    steps: Sequence[Step], kept: tuple[int, ...], unit: Callable[[Sent], Unit | None]
) -> Group:
    priced = [(step, unit(step.sent)) for step in steps]
    losses = [step.missed * (each.fresh - each.read) for step, each in priced if each is not None]
    known = len(losses) == len(steps) and any(step.sent.cached is not None for step in steps)
    reasons: Counter[str] = Counter()
    for step in steps:
        if step.missed:
            reasons[step.reason or "input_changed"] += step.missed
    return Group(
        tuple(steps),
        kept,
        sum(losses) if known and steps[-1].eligible is not None else None,
        premium([step.sent for step in steps if not step.read], unit) if known else None,
        _breaks(steps),
        tuple(reasons.most_common()),
    )


def _breaks(steps: Iterable[Step]) -> tuple[tuple[Break, int, int], ...]:
    """Gather the places at which texts broke: each kind of change by itself, others by part."""
    tokens: Counter[_Cause] = Counter()
    requests: Counter[_Cause] = Counter()
    example: dict[_Cause, Break] = {}
    for step in steps:
        if step.found is None or (cause := _cause(step)) is None:
            continue
        tokens[cause] += step.missed
        requests[cause] += 1
        if cause not in example or step.found.character < example[cause].character:
            example[cause] = step.found
    return tuple((example[cause], requests[cause], count) for cause, count in tokens.most_common())


def _steps(members: Iterable[Sent]) -> Iterable[Step]:
    """Find, for each request, the live one before it that it shares most with.

    What has not been answered yet when a request is sent is in no cache.
    """
    live = _Live()
    under_way: list[Sent] = []
    last: Sent | None = None
    for request in members:
        for each in [each for each in under_way if _ended(each) <= request.at]:
            live.add(each)
            under_way.remove(each)
        scheme = _scheme(request)
        lifetime = scheme.lifetime if scheme else _UNKNOWN_LIFETIME
        live.forget(request.at - lifetime)
        near = live.near(request)
        if near is not None:
            yield Step(request, near, shared(near.parts, request.parts))
        elif live.order:
            yield Step(request, reason=_reason(live.order[-1], request))
        else:
            ago = None if last is None else request.at - last.at
            yield Step(request, idle=ago, at_once=ago is not None and ago < lifetime)
        under_way.append(request)
        last = request


class _Live:
    """The requests that a provider may remember, by their settings, their texts in order.

    Of texts in order the one that shares the longest beginning with another stands next to it.
    """

    def __init__(self) -> None:
        self.order: deque[Sent] = deque()
        self._texts: dict[tuple[str, ...], list[tuple[Part, ...]]] = {}
        self._newest: dict[tuple[tuple[str, ...], tuple[Part, ...]], Sent] = {}

    def add(self, request: Sent) -> None:
        texts = self._texts.setdefault(request.settings, [])
        place = bisect.bisect_left(texts, request.parts)
        if place == len(texts) or texts[place] != request.parts:
            texts.insert(place, request.parts)
        self._newest[request.settings, request.parts] = request
        self.order.append(request)

    def forget(self, before: float) -> None:
        while self.order and self.order[0].at <= before:
            old = self.order.popleft()
            if self._newest.get((old.settings, old.parts)) is old:
                del self._newest[old.settings, old.parts]
                texts = self._texts[old.settings]
                del texts[bisect.bisect_left(texts, old.parts)]

    def near(self, request: Sent) -> Sent | None:
        texts = self._texts.get(request.settings, [])
        place = bisect.bisect_left(texts, request.parts)
        beside = [self._newest[request.settings, each] for each in texts[max(0, place - 1) :][:2]]
        if place == 0:
            beside = beside[:1]
        return max(beside, key=lambda each: shared(each.parts, request.parts), default=None)


def _ended(request: Sent) -> float:
    return request.at + request.latency


def _reason(old: Sent, new: Sent) -> str | None:
    pairs = zip(REASONS, old.settings, new.settings, strict=True)
    return next((reason for reason, one, other in pairs if one != other), None)


def _stable(steps: Sequence[Step]) -> tuple[int, ...]:
    """Return how many bytes of each part usually stay the same: medians over some pairs."""
    pairs = [(step.near or before.sent, step.sent) for before, step in itertools.pairwise(steps)]
    chosen = pairs[:: -(-len(pairs) // _PAIRS)]
    kept = [stable(old.parts, new.parts) for old, new in chosen]
    longest = max(map(len, kept))
    return tuple(
        int(statistics.median(each[n] if n < len(each) else 0 for each in kept))
        for n in range(longest)
    )


def _measured(step: Step, kept: int) -> Step:
    """Estimate what the provider could have read for a request, and what of it was not."""
    scheme = _scheme(step.sent)
    broken = break_between(step.near.parts, step.sent.parts) if step.near else None
    step = step._replace(found=broken)
    if scheme is None or step.sent.prompt is None:
        return step
    is_first = step.near is None and step.reason is None
    # No more than there was to be written.
    most = kept if step.near is None else min(kept, size(step.near.parts))
    eligible = 0 if is_first else scheme.readable(_tokens(step.sent, most))
    if step.sent.cached is None:
        return step._replace(eligible=eligible)
    return step._replace(eligible=eligible, missed=max(0, eligible - step.sent.cached))


def _reread(steps: Sequence[Step]) -> list[bool]:
    """Tell of each request whether a later one read what it wrote, while that was kept.

    What is read ends at the very token where it was once written, behind the same text.
    """
    reads: dict[int | None, list[Sent]] = {}
    for step in steps:
        reads.setdefault(step.sent.cached, []).append(step.sent)
    found = []
    for step in steps:
        one, scheme = step.sent, _scheme(step.sent)
        until = (one.cached or 0) + (one.written or 0)
        end = one.at + (scheme.lifetime if scheme else _UNKNOWN_LIFETIME)
        readers = (each for each in reads.get(until, ()) if one.at < each.at <= end)
        least = _READ * until
        read = any(_tokens(each, shared(one.parts, each.parts)) >= least for each in readers)
        found.append(read or not one.written)
    return found


def _tokens(request: Sent, count: int) -> int:
    """Estimate the tokens of so many bytes of a request, from those that it has in all."""
    total = size(request.parts)
    return int((request.prompt or 0) * min(count, total) / total) if total else 0


def _scheme(request: Sent) -> Scheme | None:
    return scheme_of(request.base_url, request.model)
