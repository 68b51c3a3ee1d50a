"""Where do llmc's own files lie, where nothing names another place?

In the folders that platformdirs names, found without importing it (4 ms) where the environment
tells; a test holds the two equal.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # the typing module would cost the porch 3 ms
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["config_path", "data_path", "llm_logs_path", "models_path"]


def data_path(environ: Mapping[str, str]) -> str:
    """Return the cache file's place."""
    return os.path.join(_data_folder(environ), "llmc.db")


def models_path(environ: Mapping[str, str]) -> str:
    """Return the folder of the local models; `LLMC_DB` does not move it."""
    return os.path.join(_data_folder(environ), "models")


def config_path(environ: Mapping[str, str]) -> str:
    """Return the place of the user's configuration; `LLMC_CONFIG` names another."""
    if named := environ.get("LLMC_CONFIG"):
        return os.path.expanduser(named)
    folder = _folder(environ, "XDG_CONFIG_HOME", ".config")
    if folder is None:
        import platformdirs

        folder = platformdirs.user_config_dir("llmc", appauthor=False)
    return os.path.join(folder, "config.toml")


def llm_logs_path(environ: Mapping[str, str]) -> str:
    """Return the place of the log that simonw/llm keeps, by its own rules."""
    if named := environ.get("LLM_USER_PATH"):
        return os.path.join(named, "logs.db")
    home = os.path.expanduser("~")
    if os.name != "posix":
        above = environ.get("APPDATA") or home
    elif sys.platform == "darwin":
        above = os.path.join(home, "Library/Application Support")
    else:
        above = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    return os.path.join(above, "io.datasette.llm", "logs.db")


def _data_folder(environ: Mapping[str, str]) -> str:
    folder = _folder(environ, "XDG_DATA_HOME", ".local/share")
    if folder is None:
        import platformdirs

        folder = platformdirs.user_data_dir("llmc", appauthor=False)
    return folder


def _folder(environ: Mapping[str, str], variable: str, otherwise: str) -> str | None:
    named = environ.get(variable, "")
    if os.name != "posix":
        return None
    if not os.path.isabs(named):
        home = environ.get("HOME", "")
        if not os.path.isabs(home):
            return None
        mac = sys.platform == "darwin"
        named = os.path.join(home, "Library/Application Support" if mac else otherwise)
    return os.path.join(named, "llmc")
