"""Which settings are in effect, and where does each come from?

Flag > `LLMC_*` > the project's `.llmc.toml` > the user's `config.toml` > default. No other room
reads the environment; `open_cache` alone names the parts that a cache is made of.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from llmc import text
from llmc.errors import CacheFileError, ConfigError, KeyRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmc.cache import Cache
    from llmc.pricing import Rate
    from llmc.provider import Provider
    from llmc.types import CacheMode

__all__ = [
    "PROVIDERS",
    "SETTINGS",
    "Endpoint",
    "Setting",
    "Settings",
    "config_path",
    "data_path",
    "endpoint_of",
    "load",
    "open_cache",
    "wants_color",
]

OPENAI = "https://api.openai.com/v1"
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


class Endpoint(NamedTuple):
    """A provider's address, and where its key is to be found. Never the key itself."""

    name: str
    base_url: str
    key_env: str | None = None
    key_cmd: str | None = None

    @property
    def limit_name(self) -> str:
        """The parameter under which this provider takes a limit on the answer's tokens."""
        host = urlsplit(self.base_url).hostname or ""
        openai = host.endswith(("api.openai.com", ".azure.com"))
        return "max_completion_tokens" if openai else "max_tokens"


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
    return value.strip()


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"{value!r} is none of {', '.join(choices)}")
        return str(value)

    return read


def _duration(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
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

#: Providers that need no configuration: their address, and the variable with the key.
PROVIDERS = {
    "openai": Endpoint("openai", OPENAI, "OPENAI_API_KEY"),
    "ollama": Endpoint("ollama", "http://127.0.0.1:11434/v1"),
    "lmstudio": Endpoint("lmstudio", "http://127.0.0.1:1234/v1"),
    "llamacpp": Endpoint("llamacpp", "http://127.0.0.1:8080/v1"),
    "vllm": Endpoint("vllm", "http://127.0.0.1:8000/v1"),
    "deepseek": Endpoint("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "groq": Endpoint("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "mistral": Endpoint("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "openrouter": Endpoint("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "xai": Endpoint("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
}


def data_path() -> str:
    """Return the cache file's place where nothing else names one."""
    import platformdirs

    return os.path.join(platformdirs.user_data_dir("llmc", appauthor=False), "llmc.db")


def config_path(environ: Mapping[str, str]) -> str:
    """Return the place of the user's configuration; `LLMC_CONFIG` names another."""
    if named := environ.get("LLMC_CONFIG"):
        return os.path.expanduser(named)
    import platformdirs

    return os.path.join(platformdirs.user_config_dir("llmc", appauthor=False), "config.toml")


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
    user_file, project_file = config_path(environ), _project_path(folder)
    user, project = _toml(user_file), _toml(project_file) if project_file else {}
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
        values["db"] = data_path()
    return Settings(
        **values,
        aliases=_aliases(user_file, user),
        providers=_providers(user_file, user, environ),
        rates=_rates(user_file, user),
        origins=origins,
        environ=environ,
    )


def endpoint_of(settings: Settings, model: str | None = None) -> tuple[Endpoint, str]:
    """Return the provider that a model's name means, and the name that this provider knows."""
    name = model or settings.model
    name = settings.aliases.get(name, name)
    prefix, slash, rest = name.partition("/")
    if slash and rest and prefix in settings.providers:
        return settings.providers[prefix], rest
    return settings.providers["openai"], name


def key_of(endpoint: Endpoint, environ: Mapping[str, str]) -> str:
    """Return a provider's key; a stand-in where it needs none. Raises KeyRefused."""
    if endpoint.key_cmd is not None:
        return _run(endpoint.key_cmd)
    key = environ.get(endpoint.key_env or "", "").strip()
    if key or endpoint.key_env is None:
        return key or "llmc"
    from llmc.pricing import is_local

    if is_local(urlsplit(endpoint.base_url).hostname or ""):
        return "llmc"
    raise KeyRefused(
        f"no key for {endpoint.name}: {endpoint.key_env} is not set",
        hint=(
            f"with a key      export {endpoint.key_env}=…\n"
            'with Ollama     llmc ask -m ollama/llama3.2 "…"   (http://127.0.0.1:11434)\n'
            "with neither    llmc demo"
        ),
    )


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
    a file that is not there yet stays so, and knows no answer.
    """
    from llmc.cache import Cache
    from llmc.pricing import price
    from llmc.store import Store

    store: Store | None = None
    try:
        if create or os.path.exists(settings.db):
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
            strange_headers=_header_names(settings.environ),
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


def _providers(
    path: str, user: Mapping[str, Any], environ: Mapping[str, str]
) -> dict[str, Endpoint]:
    providers = dict(PROVIDERS)
    if base_url := environ.get("OPENAI_BASE_URL", "").strip():
        url = _base_url(base_url, "OPENAI_BASE_URL")
        providers["openai"] = Endpoint("openai", url, "OPENAI_API_KEY")
    for name, table in _table(path, user, "providers").items():
        place = f"{path}: providers.{name}"
        if not isinstance(table, dict):
            raise ConfigError(f"{place} must be a table")
        for field, value in table.items():
            if field not in {"base_url", "api_key_env", "api_key_cmd"}:
                raise ConfigError(f"{place}: unknown setting {field!r}")
            if not isinstance(value, str) or not value.strip():
                raise ConfigError(f"{place}.{field} must be a text")
        known = providers.get(name)
        if "base_url" not in table and known is None:
            raise ConfigError(f"{place}: base_url is missing")
        url = _base_url(table["base_url"], f"{place}.base_url") if "base_url" in table else ""
        # A preset's key belongs to the preset's host: it does not follow to another address.
        moved = bool(url) and known is not None and url != known.base_url
        preset_key = None if known is None or moved else known.key_env
        providers[name] = Endpoint(
            name,
            url or (known.base_url if known else ""),
            table.get("api_key_env", preset_key),
            table.get("api_key_cmd"),
        )
    return providers


def _base_url(url: str, place: str) -> str:
    """Write an address in one form: lower-case scheme and host, no default port, no last slash."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise ConfigError(f"{place}: it is not a URL") from None
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"{place}: it must begin with http:// or https:// and name a host")
    if parts.username or parts.password:
        raise ConfigError(
            f"{place}: a URL must not hold a password", hint="name a variable: api_key_env"
        )
    if parts.query or parts.fragment:
        raise ConfigError(f"{place}: it must end with a path, without ? or #")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    scheme = parts.scheme.lower()
    if port is not None and port != {"http": 80, "https": 443}[scheme]:
        host = f"{host}:{port}"
    return f"{scheme}://{host}{parts.path.rstrip('/')}"


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
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise ConfigError(f"{place}.{name} must be a number of USD, 0 or more")
        full = {"cached_input": table["input"], "cache_write": table["input"], **table}
        rates.append(Rate(pattern, **{name: float(value) for name, value in full.items()}))
    return tuple(rates)


def _run(command: str) -> str:
    import shlex
    import subprocess

    try:
        done = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=30,
            check=True,
            text=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        # The error's own text may repeat what the command printed.
        kind = type(error).__name__
        raise KeyRefused(f"api_key_cmd failed ({kind}): {command}") from None
    if not done.stdout.strip():
        raise KeyRefused(f"api_key_cmd printed no key: {command}")
    return done.stdout.strip()


def _header_names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the headers that the SDK would add to every request, to any host."""
    lines = environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()
    return tuple(line.partition(":")[0].strip() for line in lines if ":" in line)
