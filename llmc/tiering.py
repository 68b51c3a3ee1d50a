"""Which levels does a configuration choose, and who is told of what leaves the file?"""

from __future__ import annotations

import contextlib
import importlib.util
import time
from typing import TYPE_CHECKING

from llmc import drafting
from llmc.errors import CacheFileError, ConfigError
from llmc.tiers import FileTier, MemoryTier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmc.config import Settings
    from llmc.shared import SharedTier
    from llmc.store import Store
    from llmc.tiers import Tier

__all__ = ["sharing", "tell", "tiers_of"]


def tiers_of(
    settings: Settings, store: Store | None, *, note: Callable[[str], None], stays: bool
) -> list[Tier]:
    """Return the levels that are asked for the same request, the nearest first.

    In a program that `stays`, answers are held in memory, and others are listened to all the time.
    """
    if store is None:
        return []
    tiers: list[Tier] = [FileTier(store, drafting.again)]
    if stays:
        from llmc.watch import watch

        store.stay()
        version = store.rules.version = watch(store.file)
        if "memory" in settings.levels:
            most, ttl = settings.memory_max_entries, settings.memory_ttl
            tiers.insert(0, MemoryTier(version, max_entries=most, ttl=ttl, timer=time.monotonic))
    shared = _shared(settings, store, note=note)
    with contextlib.suppress(CacheFileError):  # a file that cannot be written to tells nobody
        store.outbox.share(shared is not None)
    if shared is not None:
        tiers.append(shared)
        if stays:
            shared.follow()
    return tiers


def tell(settings: Settings, store: Store, *, note: Callable[[str], None]) -> None:
    """Tell those who share this file's answers what has just left it, if there are any."""
    shared = _shared(settings, store, note=note)
    if shared is not None:
        shared.close()


@contextlib.contextmanager
def sharing(settings: Settings, store: Store, *, note: Callable[[str], None]) -> Iterator[None]:
    """Hear what those who share this file's answers have told, then tell what has left it.

    A pattern is meant for what they know as well.
    """
    shared = _shared(settings, store, note=note)
    if shared is None:
        yield
        return
    store.outbox.share(True)
    shared.catch_up()
    try:
        yield
    finally:
        shared.close()


def _shared(settings: Settings, store: Store, *, note: Callable[[str], None]) -> SharedTier | None:
    if settings.shared is None or "shared" not in settings.levels:
        return None
    if importlib.util.find_spec("redis") is None:
        place = settings.origins["shared"]
        raise ConfigError(
            f"{place}: shared needs the package redis", hint="pip install llmc[redis]"
        )
    from llmc.shared import SharedTier

    ttl = settings.shared_ttl
    return SharedTier(settings.shared, store, ttl=ttl, clock=time.time, note=note)
