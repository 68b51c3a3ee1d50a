"""Where llmc's files lie: exactly where platformdirs says, whatever the environment."""

from __future__ import annotations

import os
import sys

import platformdirs
import pytest

from llmc import places


@pytest.fixture(
    params=[
        {},
        {"XDG_DATA_HOME": "/srv/data", "XDG_CONFIG_HOME": "/srv/config"},
        {"XDG_DATA_HOME": "/srv/data/", "XDG_CONFIG_HOME": "/srv//config/"},
        {"XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""},
        {"XDG_DATA_HOME": " ", "XDG_CONFIG_HOME": " "},
        {"XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "./config"},
        {"XDG_DATA_HOME": "~/data", "XDG_CONFIG_HOME": "~/config"},
        {"XDG_DATA_HOME": "/größe", "XDG_CONFIG_HOME": "/a b"},
        {"XDG_DATA_HOME": " /srv/data", "XDG_CONFIG_HOME": "/srv/config "},
        {"HOME": "/"},
        {"HOME": "/home/someone/"},
        {"HOME": "/home//someone"},
        {"HOME": "relative"},
        {"HOME": ""},
        {"HOME": None},
        {"HOME": "relative", "XDG_DATA_HOME": "/srv/data", "XDG_CONFIG_HOME": "/srv/config"},
        {"HOME": None, "XDG_DATA_HOME": "/srv/data", "XDG_CONFIG_HOME": "/srv/config"},
    ],
    ids=str,
)
def environment(request, monkeypatch):
    """An environment as a user, a container or a broken script may have it."""
    for name, value in request.param.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    return dict(os.environ)


def test_the_folders_are_those_of_platformdirs(environment):
    data, config = places.data_path(environment), places.config_path(environment)
    models = places.models_path(environment)

    data_home = platformdirs.user_data_dir("llmc", appauthor=False)
    config_home = platformdirs.user_config_dir("llmc", appauthor=False)
    assert os.path.normpath(data) == os.path.normpath(f"{data_home}/llmc.db")
    assert os.path.normpath(config) == os.path.normpath(f"{config_home}/config.toml")
    assert os.path.normpath(models) == os.path.normpath(f"{data_home}/models")


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS keeps both elsewhere")
def test_with_a_home_and_nothing_else_they_lie_in_it():
    environ = {"HOME": "/home/someone"}

    data, config = places.data_path(environ), places.config_path(environ)

    assert data == "/home/someone/.local/share/llmc/llmc.db"
    assert config == "/home/someone/.config/llmc/config.toml"


def test_the_models_do_not_move_with_the_cache_file(home):
    environ = dict(os.environ) | {"LLMC_DB": "/elsewhere/llmc.db"}

    assert places.models_path(environ) == places.models_path(dict(os.environ))


@pytest.mark.parametrize(
    ("named", "path"),
    [
        ("/etc/llmc.toml", "/etc/llmc.toml"),
        ("here.toml", "here.toml"),
        ("~/mine.toml", "{HOME}/mine.toml"),
    ],
)
def test_llmc_config_names_another_configuration(home, named, path):
    environ = dict(os.environ) | {"LLMC_CONFIG": named}

    found = places.config_path(environ)

    assert found == path.format(HOME=home)


def test_an_empty_llmc_config_names_nothing(home):
    environ = dict(os.environ) | {"LLMC_CONFIG": ""}

    found = places.config_path(environ)

    assert found == str(home / ".config" / "llmc" / "config.toml")


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"LLM_USER_PATH": "/srv/llm"}, "/srv/llm/logs.db"),
        ({"XDG_CONFIG_HOME": "/srv/config"}, "/srv/config/io.datasette.llm/logs.db"),
        ({}, "{home}/.config/io.datasette.llm/logs.db"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other places")
def test_llm_s_log_lies_where_llm_puts_it(home, environ, path):
    assert places.llm_logs_path(environ) == path.format(home=home)
