"""What does the proxy tell of itself? A page for people, figures for Prometheus, a sign of life.

The page changes nothing unless it was opened with the token.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from llmc.catalogue import Catalogue
from llmc.errors import CacheFileError
from llmc.ledger import Asked
from llmc.proxy import page
from llmc.proxy.gate import COOKIE
from llmc.proxy.refusal import Refused
from llmc.types import Selector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.responses import Response

    from llmc.proxy.desk import Desk
    from llmc.proxy.gate import Gate
    from llmc.proxy.tally import Tally
    from llmc.store import Store
    from llmc.types import Entry

__all__ = ["Front"]

#: How many requests the page shows, and how far back its savings go, in seconds.
_SHOWN = 50
_SPAN = 30 * 86400.0

#: The most bytes of a form.
_FORM = 10_000

_PATHS = {
    ("GET", "/healthz"),
    ("GET", "/metrics"),
    ("GET", "/"),
    ("POST", "/login"),
    ("POST", "/forget"),
}


class Front:
    """Answers what is not the API's."""

    def __init__(self, desk: Desk, store: Store | None, gate: Gate, tally: Tally) -> None:
        self._desk = desk
        self._store = store
        self._gate = gate
        self._tally = tally

    def takes(self, request: Request) -> bool:
        """Tell whether a request is for here."""
        method = "GET" if request.method == "HEAD" else request.method
        return (method, request.url.path) in _PATHS

    async def answer(self, request: Request) -> Response:
        """Answer it. Raises Refused."""
        from starlette.responses import PlainTextResponse

        path = request.url.path
        if path == "/healthz":
            return PlainTextResponse("ok\n")
        if path == "/metrics":
            self._gate.caller(request.headers)
            written = self._tally.exposition()
            return PlainTextResponse(written, media_type="text/plain; version=0.0.4")
        self._gate.check(request.headers)
        if path == "/login":
            return self._opened((await _form(request)).get("token", ""))
        visitor = self._gate.visitor(request.headers, request.cookies.get(COOKIE))
        if path == "/forget":
            return await self._forget(request, visitor)
        if token := request.query_params.get("token"):
            return self._opened(token)
        nonce = secrets.token_urlsafe(16)
        if self._gate.wants_token and visitor is None:
            return _html(page.login(nonce), nonce, status=401)
        words = request.query_params.get("q", "")[:200]
        await self._desk.count()
        view = await self._desk.run(lambda: self._view(words, visitor))
        return _html(page.page(view, nonce), nonce)

    def _opened(self, token: str) -> Response:
        """Let a browser in that shows the token; from then on a cookie tells."""
        from starlette.responses import RedirectResponse

        session = self._gate.session(token)
        if session is None:
            nonce = secrets.token_urlsafe(16)
            return _html(page.login(nonce, failed=True), nonce, status=401)
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(COOKIE, session, httponly=True, samesite="strict", path="/")
        return response

    async def _forget(self, request: Request, visitor: str | None) -> Response:
        from starlette.responses import RedirectResponse

        if visitor is None:
            raise Refused(403, "open the page with llmc's token to forget", code="read_only")
        wanted = (await _form(request)).get("id", "")
        if wanted.isascii() and wanted.isdigit() and len(wanted) < 19:
            await self._desk.run(lambda: self._delete(int(wanted), _within(visitor)))
        return RedirectResponse("/", status_code=303)

    def keep_list(self, base_url: str, listed: bytes) -> None:
        """Keep a provider's list of models for when it is out of reach; never fails."""
        if self._store is not None:
            with contextlib.suppress(CacheFileError):
                Catalogue(self._store.file).keep(base_url, listed, at=time.time())

    def listed(self, base_url: str) -> bytes | None:
        """Return a provider's last list, or the models that are stored; None without a file."""
        try:
            return None if self._store is None else Catalogue(self._store.file).listed(base_url)
        except CacheFileError:
            return None

    # -- in the desk's thread --------------------------------------------------------------------

    def _view(self, words: str, visitor: str | None) -> page.View:
        now, within = time.time(), _within(visitor or "")
        if self._store is None:
            return page.View([], [], now)
        try:
            totals = self._store.ledger.totals
            sums = totals(since=now - _SPAN, by="namespace" if within else "day")
            mine = [each for each in sums if not within or each["name"].startswith(within)]
            if words.strip():
                found = self._store.search(words, Selector(), limit=20 * _SHOWN)
                asked = list(_as_asked(e for e in found if e.namespace.startswith(within)))[:_SHOWN]
            else:
                asked = self._store.ledger.last(_SHOWN, within=within)
        except CacheFileError:
            return page.View([], [], now, words)
        return page.View(mine[::-1], asked, now, words, may_forget=visitor is not None)

    def _delete(self, entry_id: int, within: str) -> None:
        if self._store is None:
            return
        try:
            entry = self._store.entry(entry_id)
            if entry is not None and entry.namespace.startswith(within):
                self._store.delete([entry_id])
        except CacheFileError as error:
            raise Refused(500, str(error), code="cache_file") from None


def _within(visitor: str) -> str:
    """Return how the namespaces begin that a visitor may see: a named caller's own."""
    return f"{visitor}/" if visitor else ""


def _as_asked(entries: Iterable[Entry]) -> Iterable[Asked]:
    for e in entries:
        yield Asked(e.created_at, e.source, e.namespace, e.model, e.id, e.prompt, e.answer, e.cost)


async def _form(request: Request) -> dict[str, str]:
    pieces = b""
    async for piece in request.stream():
        pieces += piece
        if len(pieces) > _FORM:
            raise Refused(413, "the form is too large", code="too_large")
    fields = parse_qs(pieces.decode("utf-8", "replace"), max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}


def _html(body: bytes, nonce: str, *, status: int = 200) -> Response:
    from starlette.responses import Response

    return Response(body, status_code=status, headers=page.headers(nonce))
