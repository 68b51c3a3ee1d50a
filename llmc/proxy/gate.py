"""Who may come in, and in whose name? Tokens, hosts and origins; nothing of it leaves memory.

A page in a browser can send requests to this machine, and by DNS rebinding read the answers: so a
request must name this machine as its host, and one that comes from a page must come from ours.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from llmc.errors import ConfigError
from llmc.proxy.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COOKIE", "LOOPBACK", "Caller", "Gate", "is_loopback", "tokens_of"]

#: The names of this machine for itself.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

#: The cookie by which a browser that has shown the token is known.
COOKIE = "llmc_session"

#: Keys that clients are given where they insist on one: no key at all.
_STAND_INS = {"", "llmc", "EMPTY", "none", "dummy"}

_SHORTEST = 8


class Caller(NamedTuple):
    """Who asks: a name that sets its answers apart ("": nobody else asks), and its own key."""

    name: str = ""
    authorization: str | None = None


def tokens_of(text: str) -> dict[str, str]:
    """Read `TOKEN`, or `NAME:TOKEN` for each of several callers; return names by their tokens.

    Raises ConfigError, which does not repeat any of it.
    """
    found = {}
    for word in text.replace(",", " ").split():
        name, colon, token = word.rpartition(":")
        if colon and not name:
            raise ConfigError("LLMC_TOKEN: a name is missing before a colon")
        if len(token) < _SHORTEST or not token.isascii() or not token.isprintable():
            raise ConfigError(f"LLMC_TOKEN: a token has at least {_SHORTEST} ASCII characters")
        found[token] = name
    if len(found) > 1 and not all(found.values()):
        raise ConfigError("LLMC_TOKEN: where there are several tokens, each has a name: NAME:TOKEN")
    return found


def is_loopback(host: str) -> bool:
    """Tell whether an address reaches this machine alone."""
    return host in LOOPBACK or host.startswith("127.")


class Gate:
    """Lets in who may come."""

    def __init__(self, tokens: Mapping[str, str], *, host: str) -> None:
        """Take callers' names by their tokens (none: everyone may ask), and the address bound.

        Tokens are kept as fingerprints, with a salt that no other process knows.
        """
        self._salt = secrets.token_bytes(32)
        self._names = {self._fingerprint(token): name for token, name in tokens.items()}
        self._sessions: dict[bytes, str] = {}
        self._hosts = LOOPBACK | {host} if is_loopback(host) else None

    @property
    def wants_token(self) -> bool:
        """Whether a token must be shown."""
        return bool(self._names)

    def check(self, headers: Mapping[str, str]) -> None:
        """Refuse a request for another host, or from a page that is not ours. Raises Refused."""
        host = headers.get("host", "")
        if self._hosts is not None and _name_of(host) not in self._hosts:
            raise Refused(421, "the Host header does not name this machine", code="wrong_host")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise Refused(403, "requests from other sites are refused", code="wrong_origin")
        if headers.get("sec-fetch-site") == "cross-site" and origin is None:
            raise Refused(403, "requests from other sites are refused", code="wrong_origin")

    def caller(self, headers: Mapping[str, str]) -> Caller:
        """Return who asks. Raises Refused.

        The token stands in `x-llmc-token`, and then `Authorization` holds the caller's own key; or
        it stands there itself.
        """
        self.check(headers)
        authorization = headers.get("authorization")
        scheme, _, word = (authorization or "").partition(" ")
        is_bearer = scheme.lower() in {"bearer", ""}
        word = word.strip() if is_bearer else ""
        own = None if is_bearer and word in _STAND_INS else authorization
        if not self._names:
            return Caller(authorization=own)
        shown = headers.get("x-llmc-token")
        name = self._name(shown or word)
        if name is None:
            raise Refused(401, "llmc's token is missing or wrong (LLMC_TOKEN)", code="wrong_token")
        return Caller(name, own if shown else None)

    def session(self, token: str) -> str | None:
        """Return what a browser shows from then on, if the token is right."""
        name = self._name(token)
        if name is None:
            return None
        session = secrets.token_urlsafe(32)
        self._sessions[self._fingerprint(session)] = name
        return session

    def visitor(self, headers: Mapping[str, str], session: str | None) -> str | None:
        """Return in whose name a browser comes: that of its session or token; None: nobody's."""
        if session is not None:
            found = self._sessions.get(self._fingerprint(session))
            if found is not None:
                return found
        try:
            return self.caller(headers).name if self._names else None
        except Refused:
            return None

    def _name(self, token: str) -> str | None:
        shown = self._fingerprint(token)
        found = None
        for fingerprint, name in self._names.items():
            if hmac.compare_digest(fingerprint, shown):
                found = name
        return found

    def _fingerprint(self, token: str) -> bytes:
        return hmac.digest(self._salt, token.encode("utf-8", "surrogatepass"), hashlib.sha256)


def _name_of(host: str) -> str | None:
    try:
        return None if "@" in host else urlsplit(f"//{host}").hostname
    except ValueError:
        return None
