"""Which parts is a proxy made of? The one place that puts them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmc import config
from llmc.endpoints import key_of
from llmc.errors import CacheFileError, ConfigError
from llmc.proxy.app import GRACE, Proxy
from llmc.proxy.desk import Desk
from llmc.proxy.front import Front
from llmc.proxy.gate import Gate
from llmc.proxy.tally import Tally
from llmc.proxy.upstream import Upstream
from llmc.types import Ask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmc.cache import Cache
    from llmc.config import Settings
    from llmc.endpoints import Endpoint
    from llmc.store import Store
    from llmc.types import Request

__all__ = ["Wired", "fold", "opener", "provider_of", "wire"]


class Wired(NamedTuple):
    """A proxy that is ready to be served; `desk` is to be closed after it."""

    app: Proxy
    desk: Desk
    tally: Tally


def provider_of(settings: Settings, name: str | None = None) -> Endpoint:
    """Return a provider by its name, or that of the model in the settings. Raises ConfigError."""
    if name is None:
        return config.endpoint_of(settings)[0]
    if name not in settings.providers:
        known = ", ".join(sorted(settings.providers))
        raise ConfigError(f"no provider is called {name!r}", hint=f"known: {known}")
    return settings.providers[name]


def opener(
    settings: Settings,
    *,
    note: Callable[[str], None],
    create: bool = True,
    must_work: bool = False,
    frozen: bool = False,
) -> Callable[[], Store | None]:
    """Return what opens the cache file: programs get their answers without it, unless it must work.

    What is opened `frozen` is a copy in memory: of the file not a byte is written. Raises
    CacheFileError then.
    """

    def opened() -> Store | None:
        from llmc.store import Store

        try:
            return Store(settings.db, create=create, limits=settings.limits, frozen=frozen)
        except CacheFileError as error:
            if must_work:
                raise
            note(f"{error}; answering without it")
            return None

    return opened


def fold(settings: Settings) -> None:
    """Leave the cache file alone in its folder, without a log beside it: it may be committed."""
    from llmc.file import fold as fold_file

    fold_file(settings.db)


def wire(
    settings: Settings,
    opened: Callable[[], Store | None],
    *,
    endpoint: Endpoint,
    tokens: Mapping[str, str],
    host: str,
    offline: bool = False,
    grace: float = GRACE,
    note: Callable[[str], None],
    on_missed: Callable[[Request], None] = lambda _: None,
) -> Wired:
    """Put a proxy together around the file that `opened` opens; the desk closes it."""
    # Vectors are made by the next lookup by meaning: nobody waits for one here.
    store = opened()
    exact = config.cache_of(settings, store, note=note, meaning=lambda: None, stays=True)

    def by_meaning() -> Cache:
        return config.cache_of(settings, opened(), note=note)

    desk = Desk(exact, by_meaning)
    upstream = Upstream(
        endpoint.base_url,
        name=endpoint.name,
        key=lambda: key_of(endpoint, settings.environ),
        timeout=settings.timeout,
    )
    ask = Ask(
        namespace=settings.namespace,
        mode=settings.cache,
        ttl=settings.ttl,
        offline=offline,
        by_meaning=settings.match == "semantic",
    )
    tally, gate = Tally(), Gate(tokens, host=host)
    app = Proxy(
        desk=desk,
        upstream=upstream,
        gate=gate,
        ask=ask,
        tally=tally,
        front=Front(desk, store, gate, tally),
        grace=grace,
        on_missed=on_missed,
    )
    return Wired(app, desk, tally)
