"""What do a request's headers want of the cache, and what does an answer's tell about it?"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from llmc.proxy.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmc.types import Ask, Hit

__all__ = ["Wish", "headers_of", "wish_of"]


class Wish(NamedTuple):
    """How one request is to be answered; an answer older than `max_age` seconds is not wanted."""

    ask: Ask
    max_age: float | None = None

    def is_too_old(self, hit: Hit, now: float) -> bool:
        """Tell whether an answer from the cache is older than what is wanted."""
        return self.max_age is not None and now - hit.entry.created_at > self.max_age


def wish_of(headers: Mapping[str, str], ask: Ask, *, caller: str = "") -> Wish:
    """Read a request's headers; what they leave open is as in `ask`. Raises Refused.

    `Cache-Control: no-cache` asks anew and overwrites, `no-store` neither reads nor writes,
    `only-if-cached` never asks the provider, `max-age=N` takes no answer older than N seconds. A
    namespace is one of the caller's own.
    """
    directives = _directives(headers.get("cache-control", ""))
    age = directives.get("max-age")
    max_age = float(age) if age is not None and age.isascii() and age.isdigit() else None
    asked = ask._replace(
        namespace=_namespace(headers.get("x-llmc-namespace"), ask.namespace, caller),
        refresh="no-cache" in directives,
        no_cache="no-store" in directives,
        offline=ask.offline or "only-if-cached" in directives,
        by_meaning=_by_meaning(headers.get("x-llmc-match"), default=ask.by_meaning),
    )
    return Wish(asked, max_age)


def headers_of(hit: Hit) -> dict[str, str]:
    """Return what an answer's headers tell of where it came from."""
    told: dict[str, str] = {"x-llmc-source": hit.source}
    if hit.entry.id is not None:
        told["x-llmc-id"] = str(hit.entry.id)
    if hit.alias is not None:
        told["x-llmc-similarity"] = f"{hit.alias.similarity:.4f}"
    return told


def _directives(text: str) -> dict[str, str]:
    parts = (part.strip().lower().partition("=") for part in text.split(","))
    return {name.strip(): value.strip(' "') for name, _, value in parts if name.strip()}


def _namespace(named: str | None, usual: str, caller: str) -> str:
    if named is not None:
        with contextlib.suppress(UnicodeDecodeError):  # headers are read as Latin-1
            named = named.encode("latin-1").decode("utf-8")
    if named is not None and (not named.strip() or len(named) > 100 or not named.isprintable()):
        raise Refused(400, "x-llmc-namespace: 1 to 100 printable characters", code="bad_header")
    if not caller:
        return usual if named is None else named.strip()
    return f"{caller}/{usual if named is None else named.strip()}"


def _by_meaning(match: str | None, *, default: bool) -> bool:
    if match is None:
        return default
    if match.lower() not in {"exact", "semantic"}:
        raise Refused(400, "x-llmc-match: exact or semantic", code="bad_header")
    return match.lower() == "semantic"
