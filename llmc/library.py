"""How does a Python program ask? The cache as an object: settings read as the command line does.

It adds no rule of its own: what is asked here is a hit for `llmc ask`, and the reverse.
"""

from __future__ import annotations

import copy
import os
import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, TypedDict, Unpack

from llmc import config, forgetting, policy, selection
from llmc.errors import CacheFileError, InputError
from llmc.figures import figures
from llmc.request import Stated, compose
from llmc.standing import Standing
from llmc.store import Store
from llmc.text import duration
from llmc.types import Answer, Ask, Hit, Miss, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from llmc import cache as core
    from llmc.types import Rule

__all__ = ["Cache", "Options"]

#: How many questions are remembered with their requests and keys, in each program.
_KNOWN = 10_000


class Options(TypedDict, total=False):
    """What a question may say besides its words: of the request first, of the cache then.

    `files` are names with their texts, `parameters` any of the API's. `ttl` and `stale_if_error`
    are in seconds or as in `24h`.
    """

    system: str | None
    files: Mapping[str, str] | None
    context: str | None
    model: str | None
    temperature: float | None
    max_tokens: int | None
    parameters: Mapping[str, Any] | None
    namespace: str | None
    ttl: float | str | None
    match: Literal["exact", "semantic"] | None
    refresh: bool
    no_cache: bool
    offline: bool
    stale_if_error: float | str | None
    samples: int | None
    sample: int | None


class _Question(NamedTuple):
    """A question with all that can be said of it before it is looked up."""

    miss: Miss
    ask: Ask


class _Opened(NamedTuple):
    """The open cache, and its file."""

    cache: core.Cache
    store: Store


class Cache:
    """Answers from the cache file, or from the model, once. Use it as a context manager.

    Safe for threads. A forked child opens the file anew, as everyone does once another lies in its
    place.
    """

    def __init__(
        self,
        *,
        db: str | os.PathLike[str] | None = None,
        model: str | None = None,
        namespace: str | None = None,
        ttl: float | str | None = None,
        match: Literal["exact", "semantic"] = "exact",
        error: Literal["10%", "5%", "strict"] | None = None,
        threshold: float | None = None,
        timeout: float | None = None,
        retries: int | None = None,
    ) -> None:
        """Open the cache; what is None comes from the environment and the configuration files.

        `ttl` is in seconds or as in `24h`. Raises ConfigError for settings that cannot be read,
        CacheFileError for a file that cannot be used.
        """
        flags = {
            "db": None if db is None else os.fspath(db),
            "model": model,
            "namespace": namespace,
            "ttl": _seconds(ttl),
            "match": match,
            "error": error,
            "threshold": threshold,
            "timeout": timeout,
            "retries": retries,
        }
        settings = self._settings = config.load(flags)
        self._known: dict[tuple[Any, ...], _Question] = {}
        self._standing = Standing(lambda: _opened(settings), close=_close, path=settings.db)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Count what is not counted yet, and close the file."""
        self._standing.close()

    def ask(
        self,
        prompt: str | Request,
        *,
        on_text: Callable[[str], None] | None = None,
        **options: Unpack[Options],
    ) -> Hit:
        """Answer a question, from the cache or from the model.

        A string is laid out as `llmc ask` does. `on_text` is given the pieces of a new answer as
        they arrive. Raises ProviderError, NotCached and InputError.
        """
        question = self._question(prompt, options)
        cache = self._current()
        hit = cache.look(question.miss, question.ask)
        if isinstance(hit, Miss):
            ask = question.ask._replace(stream=on_text is not None)
            hit = cache.fetch(hit, ask, on_text=on_text)
        cache.record(hit)
        return _copied(hit)

    def lookup(self, prompt: str | Request, **options: Unpack[Options]) -> Hit | Miss:
        """Return what the cache holds for a question, or a Miss with its reason; nobody is asked.

        A hit is counted. Raises InputError.
        """
        question = self._question(prompt, options)
        cache = self._current()
        found = cache.look(question.miss, question.ask)
        if isinstance(found, Miss):
            return _apart(found)
        cache.record(found)
        return _copied(found)

    def put(
        self, prompt: str | Request | Miss, answer: str | Answer, **options: Unpack[Options]
    ) -> Hit:
        """Store an answer to a question, whatever was stored before.

        The `Miss` that `lookup` returned may stand for its question. Raises CacheFileError if it
        cannot be stored, InputError if it must not be.
        """
        given = prompt.request if isinstance(prompt, Miss) else prompt
        question = self._question(given, {**options, "refresh": True})
        if isinstance(answer, str):
            temperature = question.miss.request.body.get("temperature", 0)
            answer = Answer(answer, "stop", temperature=temperature, source="put")
        hit = self._current().put(question.miss, answer, question.ask)
        if hit.unkept is not None:
            kind = CacheFileError if hit.file_failed else InputError
            raise kind(f"not stored: {hit.unkept}")
        return _copied(hit)

    def invalidate(
        self, pattern: str, *, field: str = "prompt", namespace: str | None = None
    ) -> int:
        """Remove the entries in whose `field` a regular expression is found; return how many.

        `field` is prompt, answer, system, model or namespace. Raises InputError.
        """
        expression = selection.compile_pattern(pattern)
        store = self._store
        with self._sharing(store):
            removed = forgetting.matching(store, expression, field=field, namespace=namespace)
            store.file.scrub()
        return removed.removed

    def add_time_rule(
        self,
        pattern: str,
        ttl: float | str,
        *,
        field: str = "prompt",
        namespace: str | None = None,
    ) -> Rule:
        """Let what matches live no longer than `ttl`, 0: neither be stored nor served.

        It applies to what is stored already too. Raises InputError.
        """
        seconds = _seconds(ttl)
        return self._store.rules.add_time_rule(
            pattern, seconds or 0.0, field=field, namespace=namespace, at=time.time()
        )

    def add_event_rule(
        self, event: str, pattern: str, *, field: str = "prompt", namespace: str | None = None
    ) -> Rule:
        """Let what matches be removed when an event happens; `{name}` is filled from its data.

        Raises InputError.
        """
        return self._store.rules.add_event_rule(
            event, pattern, field=field, namespace=namespace, at=time.time()
        )

    def on_event(self, event: str, data: Mapping[str, object] | None = None) -> int:
        """Carry out the rules of an event; return how many entries went.

        Raises InputError, once the others are carried out, for a rule that was skipped.
        """
        filled = {name: str(value) for name, value in (data or {}).items()}
        store = self._store
        with self._sharing(store):
            gone = forgetting.on_event(store, event, filled)
            if gone.removed or gone.wordings:
                store.file.scrub()
        if skipped := [done for done in gone.rules if done.skipped]:
            told = "; ".join(f"{policy.named(done.rule)}: {done.skipped}" for done in skipped)
            raise InputError(f"skipped: {told}")
        return gone.removed

    def stats(
        self,
        *,
        since: float = 0.0,
        by: Literal["model", "namespace", "day", "source"] | None = None,
    ) -> list[dict[str, Any]]:
        """Return what was saved since an instant (Unix time), as `llmc stats --json` does.

        One dictionary, or one for each group.
        """
        self._current().flush()
        totals = self._store.ledger.totals(since=since, by=by, now=time.time())
        return [figures(each) for each in totals] or ([] if by else [figures({"name": None})])

    # -- the small print -------------------------------------------------------------------------

    def _current(self) -> core.Cache:
        return self._standing.current().cache

    @property
    def _store(self) -> Store:
        return self._standing.current().store

    def _sharing(self, store: Store) -> AbstractContextManager[None]:
        from llmc import tiering

        return tiering.sharing(self._settings, store, note=_note)

    def _question(self, prompt: str | Request, options: Options) -> _Question:
        """Return a question with its keys, worked out once for the same words and options."""
        name = (prompt, *options.items()) if isinstance(prompt, str) else None
        try:
            if name is not None and (known := self._known.get(name)) is not None:
                return known
        except TypeError:  # files, parameters: what is in them may change
            name = None
        ask = self._ask(options)
        request = self._request(prompt, options) if isinstance(prompt, str) else prompt
        question = _Question(self._current().prepare(request, ask), ask)
        if name is not None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[name] = question
        return question

    def _request(self, prompt: str, options: Options) -> Request:
        around = Stated(
            system=options.get("system"),
            files=options.get("files") or {},
            context=options.get("context"),
            temperature=options.get("temperature"),
            max_tokens=options.get("max_tokens"),
            options=options.get("parameters") or {},
        )
        return compose(prompt, around, self._settings, model=options.get("model"))

    def _ask(self, options: Options) -> Ask:
        settings = self._settings
        ttl = _seconds(options["ttl"]) if "ttl" in options else settings.ttl
        return Ask(
            namespace=options.get("namespace") or settings.namespace,
            mode=settings.cache,
            ttl=ttl,
            refresh=options.get("refresh", False),
            no_cache=options.get("no_cache", False),
            offline=options.get("offline", False),
            stale_if_error=_seconds(options.get("stale_if_error")),
            samples=options.get("samples"),
            sample=options.get("sample"),
            by_meaning=(options.get("match") or settings.match) == "semantic",
        )


def _seconds(value: float | str | None) -> float | None:
    if isinstance(value, str):
        try:
            return duration(value)
        except ValueError as error:
            raise InputError(str(error)) from None
    return value


def _copied(hit: Hit) -> Hit:
    """Give the caller what he may alter: the lists and dictionaries of a hit are held in memory."""
    if hit.entry.choices is None and hit.usage is None:
        return hit
    entry = hit.entry._replace(choices=copy.deepcopy(hit.entry.choices))
    return hit._replace(entry=entry, usage=copy.deepcopy(hit.usage))


def _apart(miss: Miss) -> Miss:
    """Give the caller a miss of his own: its request is remembered, what may stand in held."""
    request = miss.request._replace(body=copy.deepcopy(miss.request.body))
    stale = miss.stale and miss.stale._replace(choices=copy.deepcopy(miss.stale.choices))
    return miss._replace(request=request, stale=stale)


def _opened(settings: config.Settings) -> _Opened:
    store = Store(settings.db, limits=settings.limits)
    return _Opened(config.cache_of(settings, store, note=_note, stays=True), store)


def _close(opened: _Opened) -> None:
    opened.cache.close()


def _note(text: str) -> None:
    import logging

    logging.getLogger("llmc").warning(text)
