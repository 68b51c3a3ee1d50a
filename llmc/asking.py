"""How is a model asked without the parameters that it refuses? What it says is learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from llmc import policy
from llmc.errors import CacheFileError, ParameterRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmc.types import Answer, Ask, Request

__all__ = ["REFUSAL_TTL", "Asking", "Model", "Refusals"]

#: How long a model's refusal of a parameter is believed.
REFUSAL_TTL = 30 * 86400.0


class Model(Protocol):
    """Whoever answers a miss."""

    def ask(
        self,
        request: Request,
        *,
        add_temperature: bool,
        refused: frozenset[str],
        on_text: Callable[[str], None] | None,
    ) -> Answer:
        """Answer one request, piece by piece if `on_text` is given. Raises ProviderError."""


class Refusals(Protocol):
    """Where refused parameters are remembered; both methods raise CacheFileError."""

    def refusals(self, base_url: str, model: str, *, since: float) -> set[str]:
        """Return the parameters that a model has refused since an instant."""

    def refuse(self, base_url: str, model: str, parameter: str, *, at: float) -> None:
        """Remember that a model refused a parameter."""


class Asking:
    """Asks whichever model a request names."""

    def __init__(
        self,
        connect: Callable[[str], Model],
        refusals: Refusals | None,
        *,
        clock: Callable[[], float],
    ) -> None:
        """Take `connect`, which returns the model of a provider's name, and where to remember."""
        self._connect = connect
        self._known = refusals
        self._clock = clock

    def ask(
        self, request: Request, ask: Ask, on_text: Callable[[str], None] | None = None
    ) -> Answer:
        """Ask the model, without the parameters that it is known, or now says, to refuse.

        Raises ProviderError.
        """
        model = self._connect(request.provider)
        refused = self._refusals(request)
        # Samples are wanted for their variety.
        fill_in = ask.samples is None and policy.adds_temperature(request)
        while True:
            add = fill_in and "temperature" not in refused
            try:
                return model.ask(
                    request, add_temperature=add, refused=frozenset(refused), on_text=on_text
                )
            except ParameterRefused as error:
                if error.parameter in refused:
                    raise
                refused.add(error.parameter)
                self._learn(request, error.parameter)

    def _refusals(self, request: Request) -> set[str]:
        if self._known is None:
            return set()
        try:
            since = self._clock() - REFUSAL_TTL
            return self._known.refusals(request.base_url, request.model, since=since)
        except CacheFileError:
            return set()

    def _learn(self, request: Request, parameter: str) -> None:
        if self._known is None:
            return
        try:
            self._known.refuse(request.base_url, request.model, parameter, at=self._clock())
        except CacheFileError:  # it will be learned again
            return
