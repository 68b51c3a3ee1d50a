"""Which settings are in effect, and where does each come from?

Flag > `LLMC_*` > the project's `.llmc.toml` > the user's `config.toml` > default. No other room
reads the environment; `open_cache` alone names the parts that a cache is made of.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc import places, text
from llmc.endpoints import Endpoint, key_of, providers
from llmc.errors import CacheFileError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmc.cache import Cache
    from llmc.pricing import Rate
    from llmc.provider import Provider
    from llmc.types import CacheMode

__all__ = [
    "SETTINGS",
    "Setting",
    "Settings",
    "endpoint_of",
    "load",
    "open_cache",
    "wants_color",
]

PROJECT_FILE = ".llmc.toml"


class Setting(NamedTuple):
    """One setting: how its text is read, what it is by default, who may set it."""

    name: str
    read: Callable[[Any], Any]
    default: Any
    meaning: str
    project: bool = False  # whether a project's file may set it

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"LLMC_{self.name.upper()}"


class Settings(NamedTuple):
    """The settings in effect; `origins` tells where each comes from."""

    db: str
    model: str
    namespace: str
    ttl: float | None
    match: str
    cache: CacheMode
    timeout: float
    retries: int
    aliases: dict[str, str]
    providers: dict[str, Endpoint]
    rates: tuple[Rate, ...]
    origins: dict[str, str]
    environ: Mapping[str, str]


def _words(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("it must be a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("it is not UTF-8") from None
    return value.strip()


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"{value!r} is none of {', '.join(choices)}")
        return str(value)

    return read


def _duration(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and 0 <= value <= text.LONGEST:
        return float(value)
    return text.duration(str(value))


def _ttl(value: Any) -> float | None:
    return None if value == "none" else _duration(value)


def _timeout(value: Any) -> float:
    if (found := _duration(value)) <= 0:
        raise ValueError(f"{value!r} is no time at all")
    return found


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not str(value).isascii() or not str(value).isdigit():
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


def _path(value: Any) -> str:
    return os.path.expanduser(_words(value))


#: Every setting, in the order in which `llmc config` and the documentation show them.
SETTINGS = (
    Setting("db", _path, None, "the cache file"),
    Setting("model", _words, "gpt-6-luna", "the model: NAME, PROVIDER/NAME or an alias", True),
    Setting("namespace", _words, "default", "entries of other namespaces are not seen", True),
    Setting("ttl", _ttl, None, "life of a new answer: 90s, 24h, 7d …; `none`: no end", True),
    Setting("match", _one_of("auto", "exact"), "auto", "what may answer: auto or exact", True),
    Setting(
        "cache",
        _one_of("auto", "deterministic", "all"),
        "auto",
        "what is kept: auto (all but answers to a stated temperature above 0 or n above 1),"
        " deterministic (temperature 0 alone) or all",
    ),
    Setting("timeout", _timeout, 600.0, "seconds to wait for the provider"),
    Setting("retries", _whole, 2, "new tries after a failure that may pass"),
)


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
    user, project = _toml(user_file), _toml(project_file) if project_file else {}
    if environ.get("LLMC_CONFIG") and not os.path.exists(user_file):
        raise ConfigError(f"LLMC_CONFIG: there is no {user_file}")
    _refuse_unknown(user_file, user, {s.name for s in SETTINGS} | _TABLES)
    if project_file:
        _refuse_unknown(project_file, project, {s.name for s in SETTINGS if s.project})
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in SETTINGS:
        sources = (
            (f"--{setting.name}", flags.get(setting.name)),
            (setting.variable, environ.get(setting.variable) or None),
            (project_file or "", project.get(setting.name)),
            (user_file, user.get(setting.name)),
        )
        origin, raw = next((s for s in sources if s[1] is not None), ("default", None))
        values[setting.name] = setting.default if raw is None else _read(setting, raw, origin)
        origins[setting.name] = origin
    if values["db"] is None:
        values["db"] = places.data_path(environ)
    return Settings(
        **values,
        aliases=_aliases(user_file, user),
        providers=providers(_table(user_file, user, "providers"), path=user_file, environ=environ),
        rates=_rates(user_file, user),
        origins=origins,
        environ=environ,
    )


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


def open_cache(
    settings: Settings,
    *,
    note: Callable[[str], None],
    create: bool = True,
    must_work: bool = False,
) -> Cache:
    """Wire a cache: its file, its provider, its prices and its clock.

    `note` is given one line for each part that fails without costing the answer. A file that
    cannot be used costs such a line, or raises CacheFileError if it `must_work`. Without `create`
    a file that is not there is not made.
    """
    from llmc.cache import Cache
    from llmc.pricing import price
    from llmc.store import Store

    store: Store | None = None
    try:
        store = Store(settings.db, create=create)
    except CacheFileError as error:
        if must_work:
            raise
        note(f"{error}; answering without it")

    def connect(provider: str) -> Provider:
        from llmc.provider import Provider

        endpoint = settings.providers[provider]
        return Provider(
            endpoint.base_url,
            key=key_of(endpoint, settings.environ),
            strange_headers=() if endpoint.is_openai else _strange_headers(settings.environ),
            timeout=settings.timeout,
            retries=settings.retries,
            note=note,
        )

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


_TABLES = {"aliases", "providers", "prices"}


def _toml(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


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


def _refuse_unknown(path: str, table: Mapping[str, Any], known: set[str]) -> None:
    for name in table:
        if name in known:
            continue
        if name in {s.name for s in SETTINGS} | _TABLES:
            raise ConfigError(
                f"{path}: a project's file may not set {name!r}",
                hint=f"it may set {', '.join(sorted(known))}",
            )
        import difflib

        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else None
        raise ConfigError(f"{path}: unknown setting {name!r}", hint=hint)


def _read(setting: Setting, raw: Any, origin: str) -> Any:
    try:
        return setting.read(raw)
    except ValueError as error:
        place = origin if origin.startswith(("-", "LLMC_")) else f"{origin}: {setting.name}"
        raise ConfigError(f"{place}: {error}") from None


def _table(path: str, user: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = user.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: {name!r} must be a table")
    return table


def _aliases(path: str, user: Mapping[str, Any]) -> dict[str, str]:
    aliases = _table(path, user, "aliases")
    for name, target in aliases.items():
        if not isinstance(target, str) or not target:
            raise ConfigError(f"{path}: aliases.{name} must be a model's name")
    return aliases


def _rates(path: str, user: Mapping[str, Any]) -> tuple[Rate, ...]:
    from llmc.pricing import Rate

    rates = []
    for pattern, table in _table(path, user, "prices").items():
        place = f'{path}: prices."{pattern}"'
        if not isinstance(table, dict) or not {"input", "output"} <= table.keys():
            raise ConfigError(f"{place} must set input and output, in USD per million tokens")
        for name, value in table.items():
            if name not in {"input", "output", "cached_input", "cache_write"}:
                raise ConfigError(f"{place}: unknown setting {name!r}")
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 <= value < 1e9:
                raise ConfigError(f"{place}.{name} must be a number of USD, 0 or more")
        full = {"cached_input": table["input"], "cache_write": table["input"], **table}
        rates.append(Rate(pattern, **{name: float(value) for name, value in full.items()}))
    return tuple(rates)


def _strange_headers(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of OpenAI's headers, which the SDK would add to requests to any host."""
    lines = environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()
    named = (line.partition(":")[0].strip() for line in lines if ":" in line)
    return ("OpenAI-Organization", "OpenAI-Project", *named)
