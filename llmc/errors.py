"""What can go wrong, which exit code says so, and what can the user do about it?

    LlmcError                 1   failed
    ├── InputError            2   a flag, a file or standard input that cannot be used
    ├── ConfigError           2   a configuration file or variable that cannot be used
    ├── NotCached             3   asked to answer from the cache alone, and it cannot
    ├── ProviderError         1   the provider answered, but not with an answer
    │   ├── Unavailable       1   it could not be reached, is overloaded or broke off: may pass
    │   ├── ParameterRefused  1   it does not take a parameter that we added by ourselves
    │   └── KeyRefused        4   no key, or the provider refuses it
    ├── EmbeddingError        1   no vector, and why; a lookup then is a miss, never a hit
    ├── SharedError           1   the shared level cannot be used; a lookup goes on without it
    └── CacheFileError        5   the cache file cannot be used
        └── DamagedError      5   its pages are damaged, or are none

Every error says what happened in one line and carries what was known where it was raised.
"""

from __future__ import annotations

__all__ = [
    "CacheFileError",
    "ConfigError",
    "DamagedError",
    "EmbeddingError",
    "InputError",
    "KeyRefused",
    "LlmcError",
    "NotCached",
    "ParameterRefused",
    "ProviderError",
    "SharedError",
    "Unavailable",
    "reason_of",
]


class LlmcError(Exception):
    """Report one failure: `str(error)` is a single line, `hint` what to do next, if known."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class InputError(LlmcError):
    """Report a flag, a file or standard input that cannot be used."""

    exit_code = 2


class ConfigError(LlmcError):
    """Report a configuration file or variable that cannot be used."""

    exit_code = 2


class NotCached(LlmcError):
    """Report that only the cache was allowed to answer, and that it cannot."""

    exit_code = 3


class ProviderError(LlmcError):
    """Report an answer of the provider that is none: an HTTP error, or a body without text.

    `status` is the HTTP status where there was one, `body` the decoded error object or None.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        status: int | None = None,
        body: dict[str, object] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.body = body


class Unavailable(ProviderError):
    """Report a provider that cannot answer at present: a stale answer may stand in for it.

    `final` tells that trying again soon is of no use.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        status: int | None = None,
        body: dict[str, object] | None = None,
        final: bool = False,
    ) -> None:
        super().__init__(message, hint=hint, status=status, body=body)
        self.final = final


class ParameterRefused(ProviderError):
    """Report that a model does not take a parameter which the caller did not state."""

    def __init__(self, message: str, *, parameter: str) -> None:
        super().__init__(message, status=400)
        self.parameter = parameter


class KeyRefused(ProviderError):
    """Report a missing key, or one that the provider refuses."""

    exit_code = 4


class EmbeddingError(LlmcError):
    """Report that a text got no vector: a model file or an endpoint that cannot be used."""


class SharedError(LlmcError):
    """Report a server that others share answers through: it is away, slow, or not understood."""


class CacheFileError(LlmcError):
    """Report a cache file that cannot be used."""

    exit_code = 5


class DamagedError(CacheFileError):
    """Report a cache file whose pages are damaged, or which SQLite takes for no file of its own."""


def reason_of(error: Exception) -> str:
    """Say in a few small words what the system complains about, without path and number."""
    return (getattr(error, "strerror", None) or str(error)).lower()
