"""Which settings are in effect, and where does each come from?

Flag > `LLMC_*` > the project's `.llmc.toml` > the user's `config.toml` > default. No other room
reads the environment; `open_cache` alone names the parts that a cache is made of.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc import places
from llmc.endpoints import Endpoint, key_of, providers
from llmc.errors import CacheFileError, ConfigError, EmbeddingError, KeyRefused
from llmc.settings import (
    SETTINGS,
    TABLES,
    aliases,
    contents,
    limits,
    rates,
    read,
    refuse_unknown,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmc.cache import Cache
    from llmc.embedder import Embedder
    from llmc.meaning import Chosen, Meaning
    from llmc.pricing import Rate
    from llmc.provider import Provider
    from llmc.store import Store
    from llmc.types import CacheMode, Evict, Limits

__all__ = [
    "SETTINGS",
    "Settings",
    "cache_of",
    "embedder_of",
    "endpoint_of",
    "load",
    "meaning_of",
    "open_cache",
    "wants_color",
]

PROJECT_FILE = ".llmc.toml"

#: OpenAI's smallest embedding model, and the seconds that a question waits for a remote one.
_OPENAI_EMBEDDER = "text-embedding-3-small"
_PATIENCE = 5.0

#: The seconds that a program which stays waits before it counts its hits.
_HOLD = 1.0

#: The seconds that an audit waits for the model: nobody waits for it.
_ASIDE = 60.0


class Settings(NamedTuple):
    """The settings in effect; `origins` tells where each comes from."""

    db: str
    model: str
    namespace: str
    ttl: float | None
    match: str
    error: str
    threshold: float | None
    embedder: str
    audit: float
    cache: CacheMode
    levels: tuple[str, ...]
    memory_max_entries: int | None
    memory_ttl: float | None
    shared: str | None
    shared_ttl: float
    max_size: str | None
    max_entries: int | None
    max_entries_per_namespace: int | None
    evict: Evict
    timeout: float
    retries: int
    prompt_cache: str
    aliases: dict[str, str]
    providers: dict[str, Endpoint]
    rates: tuple[Rate, ...]
    limits: Limits
    origins: dict[str, str]
    environ: Mapping[str, str]


def load(
    flags: Mapping[str, Any],
    *,
    environ: Mapping[str, str] | None = None,
    folder: str | None = None,
) -> Settings:
    """Gather the settings; a flag that is None was not given.

    Raises ConfigError, naming file, line, variable or flag, for what cannot be read. A project's
    file is looked for in `folder` and upwards.
    """
    environ = os.environ if environ is None else environ
    user_file, project_file = places.config_path(environ), _project_path(folder)
    user, project = contents(user_file), contents(project_file) if project_file else {}
    if environ.get("LLMC_CONFIG") and not os.path.exists(user_file):
        raise ConfigError(f"LLMC_CONFIG: there is no {user_file}")
    refuse_unknown(user_file, user, {s.name for s in SETTINGS} | TABLES)
    if project_file:
        refuse_unknown(project_file, project, {s.name for s in SETTINGS if s.project})
    values, origins = _values(flags, environ, (project_file or "", project), (user_file, user))
    if values["db"] is None:
        values["db"] = places.data_path(environ)
    settings = Settings(
        **values,
        aliases=aliases(user_file, user),
        providers=providers(table(user_file, user, "providers"), path=user_file, environ=environ),
        rates=rates(user_file, user),
        limits=limits(user_file, user, values),
        origins=origins,
        environ=environ,
    )
    _require_embedder(settings)
    return settings


def _values(
    flags: Mapping[str, Any], environ: Mapping[str, str], *files: tuple[str, Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return each setting's value and where it comes from; what is nearer to the question wins."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    ranks: dict[str, int] = {}
    for setting in SETTINGS:
        sources = (
            (f"--{setting.name}", flags.get(setting.name)),
            (setting.variable, environ.get(setting.variable) or None),
            *((path, content.get(setting.name)) for path, content in files),
        )
        rank = next((n for n, (_, raw) in enumerate(sources) if raw is not None), len(sources))
        origin, raw = (*sources, ("default", None))[rank]
        values[setting.name] = setting.default if raw is None else read(setting, raw, origin)
        origins[setting.name], ranks[setting.name] = origin, rank
    if ranks["error"] < ranks["threshold"]:
        # The promise was made nearer to the question than the number that would replace it.
        values["threshold"], origins["threshold"] = None, origins["error"]
    return values, origins


def endpoint_of(settings: Settings, model: str | None = None) -> tuple[Endpoint, str]:
    """Return the provider that a model's name means, and the name that this provider knows.

    Raises ConfigError for a name with a provider that nobody knows.
    """
    name = model or settings.model
    name = settings.aliases.get(name, name)
    prefix, slash, rest = name.partition("/")
    if slash and rest and prefix in settings.providers:
        return settings.providers[prefix], rest
    endpoint = settings.providers["openai"]
    if slash and endpoint.is_openai:
        # OpenAI's models have no slash in their names: a prompt for another must not go there.
        import difflib

        near = difflib.get_close_matches(prefix, settings.providers, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "add [providers.…] to the configuration"
        raise ConfigError(f"no provider is called {prefix!r}", hint=hint)
    return endpoint, name


def embedder_of(settings: Settings) -> Chosen | None:
    """Return the embedder that the settings choose, not opened yet; None if they choose none."""
    from llmc.meaning import Chosen

    name = settings.embedder
    folder = places.models_path(settings.environ)
    if name == "auto":
        name = _best_embedder(settings, folder)
    if name == "none":
        return None
    if name == "minilm":

        def local() -> Embedder:
            from llmc.local.minilm import MiniLM

            return MiniLM(folder)

        return Chosen("minilm", local=True, open=local, price=lambda *_: 0)
    provider, _, model = ("openai/" + _OPENAI_EMBEDDER if name == "openai" else name).partition("/")
    return _remote_embedder(settings, settings.providers[provider], model)


def open_cache(
    settings: Settings,
    *,
    note: Callable[[str], None],
    create: bool = True,
    must_work: bool = False,
    stays: bool = False,
) -> Cache:
    """Wire a cache: its file, its provider, its prices and its clock.

    `note` is given one line for each part that fails without costing the answer. A file that
    cannot be used costs such a line, or raises CacheFileError if it `must_work`. Without `create`
    a file that is not there is not made. In a program that `stays`, answers are held in memory too
    and hits are counted together.
    """
    from llmc.store import Store

    store: Store | None = None
    try:
        store = Store(settings.db, create=create, limits=settings.limits)
    except CacheFileError as error:
        if must_work:
            raise
        note(f"{error}; answering without it")
    return cache_of(settings, store, note=note, stays=stays)


def cache_of(
    settings: Settings,
    store: Store | None,
    *,
    note: Callable[[str], None],
    meaning: Callable[[], Meaning | None] | None = None,
    stays: bool = False,
) -> Cache:
    """Wire a cache around an open file, or around none; closing it closes the file.

    `meaning` returns who finds other words; without it that is wired where it is needed. `stays`
    is as in `open_cache`.
    """
    from llmc.cache import Cache
    from llmc.flight import Flights
    from llmc.pricing import price
    from llmc.tiering import tiers_of

    @functools.cache
    def connected(provider: str, *, aside: bool) -> Provider:
        from llmc.provider import Provider

        endpoint = settings.providers[provider]
        return Provider(
            endpoint.base_url,
            key=key_of(endpoint, settings.environ),
            strange_headers=() if endpoint.is_openai else _strange_headers(settings.environ),
            timeout=min(settings.timeout, _ASIDE) if aside else settings.timeout,
            retries=0 if aside else settings.retries,
            prompt_cache=settings.prompt_cache == "auto",
            note=(lambda _: None) if aside else note,
        )

    connecting = threading.Lock()

    def connect(provider: str, *, aside: bool = False) -> Provider:
        with connecting:  # threads share a client, and its connections
            return connected(provider, aside=aside)

    @functools.cache
    def found() -> Meaning | None:
        if store is None or "semantic" not in settings.levels:
            return None
        return meaning_of(settings, store, note=note)

    return Cache(
        store=store,
        connect=connect,
        price=lambda request, served, tokens: price(
            request.model, request.base_url, tokens, served=served, rates=settings.rates
        ),
        clock=time.time,
        timer=time.monotonic,
        draw=lambda count: int.from_bytes(os.urandom(8)) % count,
        note=note,
        meaning=meaning or found,
        connect_aside=functools.partial(connect, aside=True),
        flights=None if store is None else Flights(store.file, patience=settings.timeout),
        tiers=tiers_of(settings, store, note=note, stays=stays),
        hold=_HOLD if stays else 0.0,
    )


def meaning_of(settings: Settings, store: Store, *, note: Callable[[str], None]) -> Meaning | None:
    """Wire the search by meaning in an open file; None if the settings choose no embedder."""
    chosen = embedder_of(settings)
    if chosen is None:
        if settings.match == "semantic":
            why = "llmc model pull brings one"
            if settings.embedder == "none":
                why = f"{settings.origins['embedder']} says embedder = none"
            note(f"no embedder: the same words match alone ({why})")
        return None
    from llmc.meaning import Meaning

    return Meaning(
        store,
        chosen,
        error=settings.error,
        threshold=settings.threshold,
        clock=time.time,
        note=note,
    )


def wants_color(choice: str, *, terminal: bool, environ: Mapping[str, str] | None = None) -> bool:
    """Decide on colours: the flag, then NO_COLOR, CLICOLOR_FORCE and FORCE_COLOR, CLICOLOR, TERM.

    An empty variable is unset, and a `0` forces nothing.
    """
    environ = os.environ if environ is None else environ
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "0") not in {"", "0"} for name in ("CLICOLOR_FORCE", "FORCE_COLOR")):
        return True
    return terminal and environ.get("CLICOLOR") != "0" and environ.get("TERM") != "dumb"


def _require_embedder(settings: Settings) -> None:
    provider, slash, _ = settings.embedder.partition("/")
    if slash and provider not in settings.providers:
        place, known = settings.origins["embedder"], ", ".join(sorted(settings.providers))
        place = place if place.startswith("LLMC_") else f"{place}: embedder"
        raise ConfigError(f"{place}: no provider is called {provider!r}", hint=f"known: {known}")


def _best_embedder(settings: Settings, folder: str) -> str:
    """Choose for `auto`: nothing is downloaded, and no host is told that was not told before."""
    if os.path.isfile(os.path.join(folder, "minilm.safetensors")):
        return "minilm"
    try:
        endpoint, _ = endpoint_of(settings)
    except ConfigError:  # whoever asks that model says so
        return "none"
    may = endpoint.is_openai and endpoint.has_key(settings.environ)
    return f"{endpoint.name}/{_OPENAI_EMBEDDER}" if may else "none"


def _remote_embedder(settings: Settings, endpoint: Endpoint, model: str) -> Chosen:
    from llmc.meaning import Chosen
    from llmc.pricing import estimate_tokens, price
    from llmc.types import Tokens

    def remote() -> Embedder:
        from llmc import embedder

        try:
            key = key_of(endpoint, settings.environ)
        except KeyRefused as error:
            raise EmbeddingError(str(error)) from None
        timeout = min(settings.timeout, _PATIENCE)
        return embedder.Endpoint(endpoint.base_url, key=key, model=model, timeout=timeout)

    def cost(tokens: int | None, texts: Sequence[str]) -> int | None:
        count = sum(map(estimate_tokens, texts)) if tokens is None else tokens
        return price(model, endpoint.base_url, Tokens(count, 0), rates=settings.rates).cost

    name = f"{model}@{endpoint.base_url}"
    return Chosen(name, local=False, open=remote, price=cost)


def _project_path(folder: str | None) -> str | None:
    try:
        here = os.path.abspath(folder or os.getcwd())
    except FileNotFoundError:  # the working directory has been removed
        return None
    while True:
        path = os.path.join(here, PROJECT_FILE)
        if os.path.isfile(path):
            return path
        above = os.path.dirname(here)
        if above == here:
            return None
        here = above


def _strange_headers(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of OpenAI's headers, which the SDK would add to requests to any host."""
    lines = environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()
    named = (line.partition(":")[0].strip() for line in lines if ":" in line)
    return ("OpenAI-Organization", "OpenAI-Project", *named)
