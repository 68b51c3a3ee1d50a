"""Which settings are there, how is each read, and what is it by default?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc import text
from llmc.errors import ConfigError, reason_of
from llmc.types import LEVELS, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmc.pricing import Rate

__all__ = [
    "ERRORS",
    "SETTINGS",
    "TABLES",
    "Setting",
    "aliases",
    "contents",
    "limits",
    "rates",
    "read",
    "refuse_unknown",
    "table",
]

#: What may be promised of semantic hits; `semantic` knows what each takes.
ERRORS = ("10%", "5%", "strict")


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


def _limit(value: Any) -> int | None:
    if value == "none":
        return None
    if (found := _whole(value)) < 1:
        raise ValueError(f"{value!r} leaves no room for any entry")
    return found


def _size(value: Any) -> str | None:
    if value == "none":
        return None
    written = str(value).strip()
    if isinstance(value, bool) or text.size(written) < 1:
        raise ValueError(f"{value!r} is not a size such as 500MB or 2GB")
    return written


def _path(value: Any) -> str:
    return os.path.expanduser(_words(value))


def _share_of_errors(value: Any) -> str:
    if (written := str(value).strip()) not in ERRORS:
        raise ValueError(f"{value!r} is none of {', '.join(ERRORS)}")
    return written


def _share(value: Any) -> float:
    try:
        share = float(str(value))
    except ValueError:
        share = -1.0
    if isinstance(value, bool) or not 0 <= share <= 1:
        raise ValueError(f"{value!r} is not a number from 0 to 1")
    return share


def _threshold(value: Any) -> float | None:
    return None if value == "none" else _share(value)


def _embedder(value: Any) -> str:
    written = _words(value)
    provider, slash, model = written.partition("/")
    if written not in {"auto", "minilm", "none", "openai"} and not (provider and slash and model):
        raise ValueError(f"{value!r} is none of auto, minilm, openai, none, PROVIDER/MODEL")
    return written


def _server(value: Any) -> str | None:
    """Read a server's URL. It may hold a password: no error repeats it."""
    written = _words(value)
    scheme, mark, rest = written.partition("://")
    if written == "none":
        return None
    if scheme not in {"redis", "rediss", "unix"} or not mark or not rest:
        raise ValueError("no URL of a server such as redis://host:6379/0")
    return written


def _levels(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    given = {str(name).strip() for name in names} if isinstance(names, list) else {""}
    if not given <= set(LEVELS):
        raise ValueError(f"{value!r} is no list of {', '.join(LEVELS)}")
    if "file" not in given:
        raise ValueError("the file cannot be left out: it holds what the other levels are made of")
    return tuple(name for name in LEVELS if name in given)


#: Every setting, in the order in which `llmc config` and the documentation show them.
SETTINGS = (
    Setting("db", _path, None, "the cache file"),
    Setting("model", _words, "gpt-6-luna", "the model: NAME, PROVIDER/NAME or an alias", True),
    Setting("namespace", _words, "default", "entries of other namespaces are not seen", True),
    Setting("ttl", _ttl, None, "life of a new answer: 90s, 24h, 7d …; `none`: no end", True),
    Setting(
        "match",
        _one_of("auto", "exact", "semantic"),
        "auto",
        "what may answer: exact (the same words), semantic (other words too), auto (semantic where"
        " a person reads: on a terminal)",
        True,
    ),
    Setting(
        "error",
        _share_of_errors,
        "5%",
        "the share of wrong answers among semantic hits that you accept: 10%, 5% or strict",
        True,
    ),
    Setting("threshold", _threshold, None, "the similarity itself, 0 to 1, in the place of error"),
    Setting(
        "embedder",
        _embedder,
        "auto",
        "what finds other words: minilm (local), openai, PROVIDER/MODEL, none, auto (minilm if it"
        " was pulled, else OpenAI's where the model is OpenAI's)",
    ),
    Setting("audit", _share, 0.0, "share of the semantic hits that are asked anew and compared"),
    Setting(
        "cache",
        _one_of("auto", "deterministic", "all"),
        "auto",
        "what is kept: auto (all but answers to a stated temperature above 0 or n above 1),"
        " deterministic (temperature 0 alone) or all",
    ),
    Setting(
        "levels",
        _levels,
        LEVELS,
        "where an answer is looked for: memory (in programs that stay), file, shared, semantic",
    ),
    Setting("memory_max_entries", _limit, 10_000, "how many requests' answers memory holds"),
    Setting("memory_ttl", _ttl, None, "how long memory holds them; `none`: as long as it can"),
    Setting(
        "shared",
        _server,
        None,
        "a Redis server through which several machines share answers: redis://host:6379/0",
    ),
    Setting("shared_ttl", _timeout, 2_592_000, "how long that server keeps an answer: 30d, 1h …"),
    Setting(
        "max_size",
        _size,
        "10GB",
        "how large the cache file may become: 500MB, 2GB …; `none`: no limit. Over a limit the"
        " least valuable entries go",
    ),
    Setting("max_entries", _limit, None, "how many entries it may hold; `none`: no limit"),
    Setting(
        "max_entries_per_namespace",
        _limit,
        None,
        "how many each namespace may hold; `[limits.NAME]` sets `max_entries` for one",
    ),
    Setting(
        "evict",
        _one_of("value", "lru", "oldest"),
        "value",
        "what goes first: value (the least worth: cost to recreate times use, aged, per byte), lru"
        " (the longest unused) or oldest",
    ),
    Setting("timeout", _timeout, 600.0, "seconds to wait for the provider"),
    Setting("retries", _whole, 2, "new tries after a failure that may pass"),
    Setting(
        "prompt_cache",
        _one_of("auto", "off"),
        "auto",
        "whether the provider's own cache is told what stays the same: auto (where it takes that)"
        " or off",
    ),
)


#: What else a user's file may hold.
TABLES = {"aliases", "limits", "providers", "prices"}


def contents(path: str) -> dict[str, Any]:
    """Return what a configuration file sets, nothing if there is none. Raises ConfigError."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: {reason_of(error)}") from error
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: it is not UTF-8 (byte 0x{content[error.start]:02x} at offset {error.start})"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error


def refuse_unknown(path: str, given: Mapping[str, Any], known: set[str]) -> None:
    """Raise ConfigError for a setting that is not `known`, or not there."""
    for name in given:
        if name in known:
            continue
        if name in {s.name for s in SETTINGS} | TABLES:
            raise ConfigError(
                f"{path}: a project's file may not set {name!r}",
                hint=f"it may set {', '.join(sorted(known))}",
            )
        import difflib

        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else None
        raise ConfigError(f"{path}: unknown setting {name!r}", hint=hint)


def read(setting: Setting, raw: Any, origin: str) -> Any:
    """Return a setting's value. Raises ConfigError, naming the place that `raw` comes from."""
    try:
        return setting.read(raw)
    except ValueError as error:
        place = origin if origin.startswith(("-", "LLMC_")) else f"{origin}: {setting.name}"
        raise ConfigError(f"{place}: {error}") from None


def table(path: str, user: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a table of the user's file at `path`, empty if it has none. Raises ConfigError."""
    found = user.get(name, {})
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: {name!r} must be a table")
    return found


def aliases(path: str, user: Mapping[str, Any]) -> dict[str, str]:
    """Return the models' other names. Raises ConfigError."""
    found = table(path, user, "aliases")
    for name, target in found.items():
        if not isinstance(target, str) or not target:
            raise ConfigError(f"{path}: aliases.{name} must be a model's name")
    return found


def limits(path: str, user: Mapping[str, Any], values: Mapping[str, Any]) -> Limits:
    """Return what a cache file is kept within, by the settings' values and the user's tables.

    Raises ConfigError.
    """
    found = {}
    for name, stated in table(path, user, "limits").items():
        place = f"{path}: limits.{name}"
        if not isinstance(stated, dict) or stated.keys() != {"max_entries"}:
            raise ConfigError(f"{place} must set max_entries, and nothing else")
        try:
            limit = _limit(stated["max_entries"])
        except ValueError as error:
            raise ConfigError(f"{place}.max_entries: {error}") from None
        if limit is not None:
            found[name] = limit
    size = None if values["max_size"] is None else text.size(values["max_size"])
    return Limits(
        values["max_entries"],
        values["max_entries_per_namespace"],
        size,
        values["evict"],
        found,
    )


def rates(path: str, user: Mapping[str, Any]) -> tuple[Rate, ...]:
    """Return the prices that the user states. Raises ConfigError."""
    from llmc.pricing import Rate

    found = []
    for pattern, stated in table(path, user, "prices").items():
        place = f'{path}: prices."{pattern}"'
        if not isinstance(stated, dict) or not {"input", "output"} <= stated.keys():
            raise ConfigError(f"{place} must set input and output, in USD per million tokens")
        for name, value in stated.items():
            if name not in {"input", "output", "cached_input", "cache_write"}:
                raise ConfigError(f"{place}: unknown setting {name!r}")
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 <= value < 1e9:
                raise ConfigError(f"{place}.{name} must be a number of USD, 0 or more")
        full = {"cached_input": stated["input"], "cache_write": stated["input"], **stated}
        found.append(Rate(pattern, **{name: float(value) for name, value in full.items()}))
    return tuple(found)
