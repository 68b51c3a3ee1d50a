"""May one more question be sent without spending more than was allowed?

What has been sent counts with its estimate until its real cost is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmc import keys
from llmc.errors import ConfigError, LlmcError, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmc.types import Hit, Price, Request

__all__ = ["Budget", "limit_of"]

#: The completion tokens that an answer without a limit may take, until so many answers are known;
#: from then on it is at least twice those of the longest.
_UNKNOWN = 2_000
_ENOUGH = 10

#: By how much an estimate may be too low: prompts are counted by their bytes.
_MARGIN = 1.25


def limit_of(request: Request) -> int | None:
    """Return how many tokens an answer may have, as far as that is said."""
    if request.endpoint == "embeddings":
        return 0
    stated = request.body.get("max_output_tokens")  # as Responses call it
    return stated if type(stated) is int and stated > 0 else keys.token_limit(request)


class Budget:
    """What one batch may spend, in nano-USD. Not for several threads.

    `reserved` is what the requests that are under way may cost.
    """

    def __init__(self, limit: int | None, estimate: Callable[..., tuple[int, Price]]) -> None:
        """Take the limit, None for none, and `Cache.estimate`."""
        self.limit = limit
        self.spent = 0
        self._estimate = estimate
        self.reserved = 0
        self._settled = False
        self._short = 0
        self._known = 0
        self._longest = 0

    def estimate(self, request: Request) -> int:
        """Return what a request may cost, rather too much than too little; 0 without a limit.

        Raises ConfigError for a model without a known price.
        """
        if self.limit is None:
            return 0
        stated = limit_of(request)
        each = self._assumed() if stated is None else stated
        choices = request.body.get("n")
        count = choices if isinstance(choices, int) and choices > 0 else 1
        _, price = self._estimate(request, completion=each * count)
        if price.cost is None:
            raise ConfigError(
                f"--max-cost: the price of {request.model!r} is not known",
                hint=f'add [prices."{request.model}"] to the configuration',
            )
        return round(price.cost * _MARGIN) + self._short

    def allows(self, estimate: int) -> bool:
        """Tell whether a request that may cost so much can be sent now.

        The first one is sent alone: what it costs shows how good the estimates are.
        """
        if self.limit is None:
            return True
        if self.reserved and not self._settled:
            return False
        return self.spent + self.reserved + estimate <= self.limit

    def reserve(self, estimate: int) -> None:
        """Count a request that is sent."""
        self.reserved += estimate

    def settle(self, estimate: int, result: Hit | LlmcError) -> None:
        """Count what came of a request: its real cost, or its estimate where that is not known.

        An answer that somebody else paid for cost nothing, and neither does a refusal by HTTP
        status; one that broke off may well be billed.
        """
        self.reserved -= estimate
        self._settled = True
        if isinstance(result, LlmcError):
            refused = isinstance(result, ProviderError) and result.status is not None
            self.spent += 0 if refused else estimate
            return
        if result.source != "model":
            return
        cost = None if result.price is None else result.price.cost
        self.spent += estimate if cost is None else cost
        if cost is not None and cost > estimate:
            self._short += cost - estimate  # digits and emoji take more tokens than prose
        if (tokens := result.entry.tokens.completion) is not None:
            self._known += 1
            self._longest = max(self._longest, tokens)

    def _assumed(self) -> int:
        return max(2 * self._longest, _UNKNOWN if self._known < _ENOUGH else 1)
