"""Where does a provider listen, and where is its key to be found?

An address is kept in one form, since it is part of every key; a key is looked up when it is needed
and stays with the host that it belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from llmc.errors import ConfigError, KeyRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROVIDERS", "Endpoint", "key_of", "providers"]


class Endpoint(NamedTuple):
    """A provider's address, and where its key is to be found. Never the key itself."""

    name: str
    base_url: str
    key_env: str | None = None
    key_cmd: str | None = None

    @property
    def is_openai(self) -> bool:
        """Whether this is OpenAI itself, in whatever region."""
        host = urlsplit(self.base_url).hostname or ""
        return host == "api.openai.com" or host.endswith(".api.openai.com")

    def has_key(self, environ: Mapping[str, str]) -> bool:
        """Tell whether a key is at hand, or a command that prints one."""
        return bool(environ.get(self.key_env or "")) or self.key_cmd is not None

    @property
    def limit_name(self) -> str:
        """The parameter under which this provider takes a limit on the answer's tokens."""
        azure = (urlsplit(self.base_url).hostname or "").endswith(".openai.azure.com")
        return "max_completion_tokens" if self.is_openai or azure else "max_tokens"


#: Providers that need no configuration: their address, and the variable with the key.
PROVIDERS = {
    "openai": Endpoint("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
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


def providers(
    tables: Mapping[str, Any], *, path: str, environ: Mapping[str, str]
) -> dict[str, Endpoint]:
    """Return all providers by name: built in, moved by OPENAI_BASE_URL, and the user's own.

    `tables` is `[providers]` of the configuration at `path`. Raises ConfigError.
    """
    found = dict(PROVIDERS)
    if base_url := environ.get("OPENAI_BASE_URL", "").strip():
        url = _base_url(base_url, "OPENAI_BASE_URL")
        found["openai"] = Endpoint("openai", url, "OPENAI_API_KEY")
    for name, table in tables.items():
        place = f"{path}: providers.{name}"
        if not isinstance(table, dict):
            raise ConfigError(f"{place} must be a table")
        for field, value in table.items():
            if field not in {"base_url", "api_key_env", "api_key_cmd"}:
                raise ConfigError(f"{place}: unknown setting {field!r}")
            if not isinstance(value, str) or not value.strip():
                raise ConfigError(f"{place}.{field} must be a text")
        known = found.get(name)
        if "base_url" not in table and known is None:
            raise ConfigError(f"{place}: base_url is missing")
        url = _base_url(table["base_url"], f"{place}.base_url") if "base_url" in table else ""
        # A preset's key belongs to the preset's host: it does not follow to another.
        homes = [home for home in (known, PROVIDERS.get(name)) if home is not None]
        at_home = not url or _origin(url) in {_origin(home.base_url) for home in homes}
        preset_key = homes[0].key_env if homes and at_home else None
        found[name] = Endpoint(
            name,
            url or (known.base_url if known else ""),
            table.get("api_key_env", preset_key),
            table.get("api_key_cmd"),
        )
    return found


def key_of(endpoint: Endpoint, environ: Mapping[str, str]) -> str:
    """Return a provider's key; a stand-in where it needs none. Raises KeyRefused."""
    if endpoint.key_cmd is not None:
        return _sendable(_run(endpoint.key_cmd), "api_key_cmd")
    key = environ.get(endpoint.key_env or "", "").strip()
    if key or endpoint.key_env is None:
        return _sendable(key, str(endpoint.key_env)) or "llmc"
    from llmc.pricing import is_local

    if is_local(urlsplit(endpoint.base_url).hostname or ""):
        return "llmc"
    raise KeyRefused(
        f"no key for {endpoint.name}: {endpoint.key_env} is not set",
        hint=(
            f"with a key: export {endpoint.key_env}=…\n"
            'with Ollama: llmc ask -m ollama/llama3.2 "…" (http://127.0.0.1:11434)\n'
            "with neither: llmc demo"
        ),
    )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _is_host(host: str) -> bool:
    """Tell whether a resolver would take a host's name."""
    if host.isascii():  # the codec takes 10 ms to load
        labels = host.removesuffix(".").split(".")
        return host.isprintable() and " " not in host and all(0 < len(x) < 64 for x in labels)
    try:
        return host.isprintable() and " " not in host and bool(host.encode("idna"))
    except UnicodeError:  # an empty or overlong label
        return False


def _sendable(key: str, place: str) -> str:
    """Return a key that fits into a header. Raises KeyRefused; the key itself is not shown."""
    if key.isascii() and key.isprintable() and " " not in key:
        return key
    raise KeyRefused(f"{place} holds no key: a key is one line of ASCII without spaces")


def _base_url(url: str, place: str) -> str:
    """Write an address in one form: lower-case scheme and host, no default port, no last slash."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise ConfigError(f"{place}: it is not a URL") from None
    known = parts.scheme.lower() in {"http", "https"}
    if not known or not parts.hostname or not _is_host(parts.hostname):
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


def _why(error: Exception) -> str:
    """Say why a command gave no key; the error's own text may repeat what it printed."""
    import subprocess

    match error:
        case subprocess.CalledProcessError():
            ended = f"exit code {error.returncode}"
            return ended if error.returncode >= 0 else f"signal {-error.returncode}"
        case subprocess.TimeoutExpired():
            return f"not done after {error.timeout:.0f} s"
        case OSError():
            return (error.strerror or type(error).__name__).lower()
        case _:
            return "it is no command line"


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
        raise KeyRefused(f"api_key_cmd failed ({_why(error)}): {command}") from None
    if not done.stdout.strip():
        raise KeyRefused(f"api_key_cmd printed no key: {command}")
    # The first line is the secret where a password store keeps notes below it.
    return done.stdout.strip().splitlines()[0].strip()
