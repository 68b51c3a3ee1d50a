"""`llmc config`: the settings in effect, and where each comes from."""

from typing import Any

from llmc import config, output, places, streams
from llmc.options import Color, Db, Json

__all__ = ["command"]


def command(json: Json = False, db: Db = None, color: Color = "auto") -> None:
    """Show the settings in effect, and where each comes from.

    A flag wins over LLMC_*, that over the project's .llmc.toml, that over the user's config.toml.
    """
    settings = config.load({"db": db})
    endpoint, model = config.endpoint_of(settings)
    rows: list[tuple[str, Any, str]] = [
        (setting.name, _told(settings, setting.name), settings.origins[setting.name])
        for setting in config.SETTINGS
    ]
    path = places.config_path(settings.environ)
    rows += [(f"limits.{name}", most, path) for name, most in settings.limits.namespaces.items()]
    rows.append(("provider", endpoint.name, f"for {model}"))
    rows.append(("base_url", endpoint.base_url, endpoint.name))
    key = endpoint.key_cmd or endpoint.key_env
    known = endpoint.has_key(settings.environ)
    rows.append(("key", key, "set" if known else "not set" if key else "none needed"))
    rows.append(("config", path, "the user's configuration"))
    if json:
        output.print_json([{"name": n, "value": v, "origin": o} for n, v, o in rows])
        return
    shown = [(name, _shown(value), origin) for name, value, origin in rows]
    colors = config.wants_color(color, terminal=streams.is_terminal(1))
    columns = ("setting", "value", "origin")
    output.print_table(columns, shown, color=colors, flexible="value", wrap=True)


def _told(settings: config.Settings, name: str) -> Any:
    """Return a setting's value, without the password that a server's URL may hold."""
    value = getattr(settings, name)
    if name != "shared" or value is None:
        return value
    from llmc.shared import server_of

    return server_of(value)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
