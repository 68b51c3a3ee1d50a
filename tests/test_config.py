from __future__ import annotations

import os

import pytest

from llmc import config
from llmc.endpoints import PROVIDERS
from llmc.errors import ConfigError, EmbeddingError
from llmc.pricing import Rate
from llmc.settings import SETTINGS
from llmc.types import Limits

DEFAULTS = {setting.name: setting.default for setting in SETTINGS if setting.name != "db"}


@pytest.fixture
def user_file(home):
    """The user's configuration file, not written yet."""
    path = home / ".config" / "llmc" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def project_file(home):
    """A project's file in the current folder, not written yet."""
    return home / ".llmc.toml"


def load(*, environ=None, **flags):
    return config.load(flags, environ=environ or {})


def values(settings):
    return {name: getattr(settings, name) for name in DEFAULTS}


def test_without_anything_the_defaults_are_in_effect(home):
    settings = load()

    assert values(settings) == DEFAULTS
    assert settings.db == str(home / ".local" / "share" / "llmc" / "llmc.db")
    assert set(settings.origins.values()) == {"default"}
    assert settings.providers == PROVIDERS
    assert (settings.aliases, settings.rates) == ({}, ())


USER, PROJECT = 'model = "user"', 'model = "project"'


@pytest.mark.parametrize(
    ("user", "project", "variable", "flag", "model"),
    [
        (USER, "", "", None, "user"),
        (USER, PROJECT, "", None, "project"),
        (USER, PROJECT, "variable", None, "variable"),
        (USER, PROJECT, "variable", "flag", "flag"),
        (USER, "", "variable", None, "variable"),
    ],
)
def test_flag_before_variable_before_project_before_user(
    user, project, variable, flag, model, user_file, project_file
):
    user_file.write_text(user)
    project_file.write_text(project)
    places = {
        "user": str(user_file),
        "project": str(project_file),
        "variable": "LLMC_MODEL",
        "flag": "--model",
    }

    settings = load(model=flag, environ={"LLMC_MODEL": variable})

    assert settings.model == model
    assert settings.origins["model"] == places[model]


def test_each_setting_comes_from_its_own_layer(user_file, project_file):
    user_file.write_text('model = "user"\nretries = 5')
    project_file.write_text('model = "project"')

    settings = load(namespace="n", environ={"LLMC_TTL": "1h"})

    assert (settings.model, settings.retries) == ("project", 5)
    assert (settings.namespace, settings.ttl) == ("n", 3600.0)
    assert settings.origins["retries"] == str(user_file)
    assert settings.origins["timeout"] == "default"


READINGS = [
    ("model", "gpt-4o", "gpt-4o"),
    ("model", " openai/gpt-4o ", "openai/gpt-4o"),
    ("namespace", "work", "work"),
    ("ttl", "24h", 86400.0),
    ("ttl", "90", 90.0),
    ("ttl", "0", 0.0),
    ("ttl", "none", None),
    ("match", "exact", "exact"),
    ("cache", "deterministic", "deterministic"),
    ("timeout", "30s", 30.0),
    ("retries", "0", 0),
    ("prompt_cache", "off", "off"),
    ("db", "/x/y.db", "/x/y.db"),
]


@pytest.mark.parametrize(("name", "written", "value"), READINGS)
def test_a_setting_is_read_alike_wherever_it_is_written(name, written, value, user_file):
    user_file.write_text(f'{name} = "{written}"')

    in_file = load()
    in_variable = load(environ={f"LLMC_{name.upper()}": written})
    in_flag = load(**{name: written})

    assert getattr(in_file, name) == value
    assert getattr(in_variable, name) == value
    assert getattr(in_flag, name) == value


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("ttl = 90", "ttl", 90.0),
        ("ttl = 0", "ttl", 0.0),
        ("ttl = 1.5", "ttl", 1.5),
        ("timeout = 30", "timeout", 30.0),
        ("retries = 3", "retries", 3),
    ],
)
def test_a_number_may_stand_in_a_file_as_a_number(line, name, value, user_file):
    user_file.write_text(line)

    assert getattr(load(), name) == value


REFUSED = [
    ("ttl", "soon", "'soon' is not a duration such as 90s, 15m, 24h, 7d or 2w"),
    ("ttl", "-5", "'-5' is not a duration such as 90s, 15m, 24h, 7d or 2w"),
    ("timeout", "0", "'0' is no time at all"),
    ("timeout", "0s", "'0s' is no time at all"),
    ("prompt_cache", "on", "'on' is none of auto, off"),
    ("retries", "-1", "'-1' is not a whole number"),
    ("retries", "1.5", "'1.5' is not a whole number"),
    ("retries", "²", "'²' is not a whole number"),
    ("match", "maybe", "'maybe' is none of auto, exact, semantic"),
    ("cache", "some", "'some' is none of auto, deterministic, all"),
    ("model", " ", "it must be a text"),
    ("namespace", "\t", "it must be a text"),
]


@pytest.mark.parametrize(("name", "written", "reason"), REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(name, written, reason, user_file):
    with pytest.raises(ConfigError) as of_flag:
        load(**{name: written})
    with pytest.raises(ConfigError) as of_variable:
        load(environ={f"LLMC_{name.upper()}": written})
    user_file.write_text(f'{name} = "{written}"', "utf-8")
    with pytest.raises(ConfigError) as of_file:
        load()

    assert str(of_flag.value) == f"--{name}: {reason}"
    assert str(of_variable.value) == f"LLMC_{name.upper()}: {reason}"
    assert str(of_file.value) == f"{user_file}: {name}: {reason}"


@pytest.mark.parametrize(
    "line",
    [
        "ttl = inf",
        "ttl = nan",
        "ttl = -1",
        "ttl = true",
        "ttl = 2026-01-01",
        "ttl = []",
        "timeout = inf",
        "timeout = 0",
        "retries = true",
        "retries = 1.0",
        "retries = -1",
        "model = 5",
        'match = ["auto"]',
        "db = false",
        'db = ""',
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_the_name_of_its_setting(line, user_file):
    user_file.write_text(line)

    with pytest.raises(ConfigError) as refused:
        load()

    assert str(refused.value).startswith(f"{user_file}: {line.split(' ')[0]}: ")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_an_empty_variable_is_unset(setting):
    assert load(environ={setting.variable: ""}) == load(environ={})._replace(
        environ={setting.variable: ""}
    )


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_an_empty_flag_is_not_unset(setting):
    with pytest.raises(ConfigError, match=f"^--{setting.name}: "):
        load(**{setting.name: ""})


def test_a_home_in_a_path_is_found(home, user_file):
    user_file.write_text('db = "~/a.db"')

    assert load().db == str(home / "a.db")
    assert load(db="~/b.db").db == str(home / "b.db")


def test_a_model_that_is_called_none_is_no_missing_model():
    assert load(model="none").model == "none"


@pytest.mark.parametrize(
    ("name", "value"), [("model", "m"), ("namespace", "n"), ("ttl", "1h"), ("match", "exact")]
)
def test_a_project_may_choose_how_it_is_answered(name, value, project_file):
    project_file.write_text(f'{name} = "{value}"')

    assert load().origins[name] == str(project_file)


@pytest.mark.parametrize(
    "line",
    [
        'db = "/tmp/x.db"',
        'cache = "all"',
        "timeout = 1",
        "retries = 1",
        '[providers.openai]\nbase_url = "https://evil.example/v1"',
        '[aliases]\nfast = "x"',
        '[prices."*"]\ninput = 0\noutput = 0',
        "max_entries = 1",
        "[limits.work]\nmax_entries = 1",
    ],
)
def test_a_cloned_repository_cannot_redirect_prompts_or_keys(line, project_file):
    project_file.write_text(line)

    with pytest.raises(ConfigError) as refused:
        load()

    assert "a project's file may not set" in str(refused.value)
    assert refused.value.hint == "it may set error, match, model, namespace, ttl"


def test_a_project_s_file_is_found_from_its_subfolders(home, project_file):
    project_file.write_text('model = "project"')
    below = home / "a" / "b"
    below.mkdir(parents=True)

    settings = config.load({}, environ={}, folder=str(below))

    assert settings.model == "project"


def test_the_nearest_project_s_file_alone_counts(home, project_file):
    project_file.write_text('model = "outer"\nnamespace = "outer"')
    (home / "a").mkdir()
    (home / "a" / ".llmc.toml").write_text('model = "inner"')

    settings = config.load({}, environ={}, folder=str(home / "a"))

    assert (settings.model, settings.namespace) == ("inner", "default")


def test_a_folder_of_that_name_is_no_project_s_file(project_file):
    project_file.mkdir()

    assert load().model == DEFAULTS["model"]


def test_a_working_directory_that_was_removed_has_no_project(home, monkeypatch):
    gone = home / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert load().model == DEFAULTS["model"]


def test_llmc_config_names_another_file(home, user_file):
    user_file.write_text('model = "usual"')
    (home / "other.toml").write_text('model = "other"')

    assert load(environ={"LLMC_CONFIG": "~/other.toml"}).model == "other"
    assert load(environ={"LLMC_CONFIG": ""}).model == "usual"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"model = ", "Invalid value"),
        (b"\nmodel = gpt", "line 2"),
        (b"\xff", "it is not UTF-8 (byte 0xff at offset 0)"),
    ],
)
def test_a_file_that_is_no_toml_is_named(content, reason, user_file):
    user_file.write_bytes(content)

    with pytest.raises(ConfigError) as refused:
        load()

    assert str(refused.value).startswith(f"{user_file}: ")
    assert reason in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(user_file):
    user_file.mkdir()

    with pytest.raises(ConfigError) as refused:
        load()

    assert str(refused.value) == f"{user_file}: is a directory"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ('modle = "x"', "did you mean 'model'?"),
        ("alias = 1", "did you mean 'aliases'?"),
        ("zzz = 1", None),
        ('[openai]\nbase_url = "x"', None),
    ],
)
def test_an_unknown_setting_is_refused_with_the_one_that_was_meant(line, hint, user_file):
    user_file.write_text(line)

    with pytest.raises(ConfigError, match="unknown setting") as refused:
        load()

    assert refused.value.hint == hint


def test_an_unknown_setting_of_a_project_is_told_from_a_forbidden_one(project_file):
    project_file.write_text('modle = "x"')

    with pytest.raises(ConfigError) as refused:
        load()

    assert str(refused.value) == f"{project_file}: unknown setting 'modle'"
    assert refused.value.hint == "did you mean 'model'?"


@pytest.mark.parametrize("name", ["aliases", "limits", "providers", "prices"])
def test_a_table_must_be_one(name, user_file):
    user_file.write_text(f"{name} = 1")

    with pytest.raises(ConfigError, match=f"'{name}' must be a table"):
        load()


CONFIG = """
[aliases]
fast = "groq/llama-3.1-8b-instant"
nick = "plain-name"
"team/x" = "work/model/with/slashes"

[providers.work]
base_url = "https://gw.example/v1"
"""


@pytest.mark.parametrize(
    ("named", "provider", "model"),
    [
        ("gpt-4o", "openai", "gpt-4o"),
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("ollama/llama3.2", "ollama", "llama3.2"),
        ("work/m", "work", "m"),
        ("work/a/b", "work", "a/b"),
        ("openrouter/openai/gpt-4o", "openrouter", "openai/gpt-4o"),
        ("fast", "groq", "llama-3.1-8b-instant"),
        ("nick", "openai", "plain-name"),
        ("team/x", "work", "model/with/slashes"),
    ],
)
def test_a_model_s_name_says_who_is_asked(named, provider, model, user_file):
    user_file.write_text(CONFIG)

    endpoint, name = config.endpoint_of(load(model=named))

    assert (endpoint.name, name) == (provider, model)


def test_another_model_than_the_setting_s_may_be_named(user_file):
    user_file.write_text(CONFIG)

    endpoint, name = config.endpoint_of(load(model="gpt-4o"), "fast")

    assert (endpoint.name, name) == ("groq", "llama-3.1-8b-instant")


@pytest.mark.parametrize("target", ["1", '""', "[]"])
def test_an_alias_must_name_a_model(target, user_file):
    user_file.write_text(f"[aliases]\nfast = {target}")

    with pytest.raises(ConfigError, match=r"aliases\.fast must be a model's name"):
        load()


def test_the_configuration_s_providers_are_those_of_the_settings(user_file):
    user_file.write_text('[providers.work]\nbase_url = "HTTPS://GW.example/v1/"')

    assert load().providers["work"].base_url == "https://gw.example/v1"


def test_a_provider_that_cannot_be_used_is_refused_with_its_place(user_file):
    user_file.write_text('[providers.work]\nbase_url = "gw.example"')

    with pytest.raises(ConfigError) as refused:
        load()

    assert str(refused.value).startswith(f"{user_file}: providers.work.base_url: ")


def test_prices_keep_their_order_and_default_to_the_input_s(user_file):
    user_file.write_text(
        """
        [prices."b*"]
        input = 2
        output = 10
        [prices.a]
        input = 2.0
        output = 10.0
        cached_input = 0.2
        cache_write = 2.5
        """
    )

    assert load().rates == (Rate("b*", 2.0, 10.0, 2.0, 2.0), Rate("a", 2.0, 10.0, 0.2, 2.5))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("input = 1", 'prices."m" must set input and output, in USD per million tokens'),
        ("", 'prices."m" must set input and output, in USD per million tokens'),
        ("input = 1\noutput = 1\ntoken = 1", "prices.\"m\": unknown setting 'token'"),
        ("input = -1\noutput = 1", 'prices."m".input must be a number of USD, 0 or more'),
        ("input = 1\noutput = '1'", 'prices."m".output must be a number of USD, 0 or more'),
        ("input = true\noutput = 1", 'prices."m".input must be a number of USD, 0 or more'),
        ("input = nan\noutput = 1", 'prices."m".input must be a number of USD, 0 or more'),
        ("input = inf\noutput = 1", 'prices."m".input must be a number of USD, 0 or more'),
        ("input = 1\noutput = 1e999", 'prices."m".output must be a number of USD, 0 or more'),
    ],
)
def test_a_price_that_cannot_be_used_is_refused_with_its_place(lines, reason, user_file):
    user_file.write_text(f"[prices.m]\n{lines}")

    with pytest.raises(ConfigError) as refused:
        load()

    assert str(refused.value) == f"{user_file}: {reason}"


def test_limits_are_gathered_from_settings_and_tables(user_file):
    user_file.write_text(
        'max_entries = 1000\nmax_size = "2MB"\nevict = "lru"\nmax_entries_per_namespace = 50\n'
        '[limits.work]\nmax_entries = 9\n[limits.play]\nmax_entries = "none"\n'
    )

    assert load().limits == Limits(1000, 50, 2 << 20, "lru", {"work": 9})


def test_without_any_the_file_is_kept_within_what_a_disk_has_to_spare():
    assert load().limits == Limits(max_size=10 << 30)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("max_entries", "0", "'0' leaves no room for any entry"),
        ("max_entries", "many", "'many' is not a whole number"),
        ("max_entries_per_namespace", "-1", "'-1' is not a whole number"),
        ("max_size", "0", "'0' is not a size such as 500MB or 2GB"),
        ("max_size", "large", "'large' is not a size such as"),
        ("evict", "best", "'best' is none of value, lru, oldest"),
    ],
)
def test_a_limit_that_cannot_be_used_is_refused_with_its_place(name, value, reason):
    with pytest.raises(ConfigError) as refused:
        load(environ={f"LLMC_{name.upper()}": value})

    assert str(refused.value).startswith(f"LLMC_{name.upper()}: {reason}")


@pytest.mark.parametrize("name", ["max_entries", "max_entries_per_namespace", "max_size"])
def test_none_is_no_limit(name):
    assert getattr(load(environ={f"LLMC_{name.upper()}": "none"}).limits, name) is None


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("max_entries = 0", "limits.work.max_entries: 0 leaves no room for any entry"),
        ('max_size = "1G"', "limits.work must set max_entries, and nothing else"),
        ("", "limits.work must set max_entries, and nothing else"),
    ],
)
def test_a_limit_of_a_namespace_that_cannot_be_used_is_refused(lines, reason, user_file):
    user_file.write_text(f"[limits.work]\n{lines}")

    with pytest.raises(ConfigError) as refused:
        load()

    assert str(refused.value) == f"{user_file}: {reason}"


def test_the_environment_is_the_process_s_where_none_is_given(monkeypatch):
    monkeypatch.setenv("LLMC_MODEL", "variable")

    settings = config.load({})

    assert settings.model == "variable"
    assert settings.environ is os.environ


def test_every_setting_is_documented_and_named_apart():
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    assert min(len(setting.meaning) for setting in SETTINGS) > 10


@pytest.mark.parametrize(
    ("choice", "terminal", "environ", "colors"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {"FORCE_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": "0"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", False, {"CLICOLOR_FORCE": "1"}, True),
        ("auto", False, {"FORCE_COLOR": "0"}, False),
        ("auto", False, {"FORCE_COLOR": ""}, False),
        ("auto", False, {"FORCE_COLOR": "0", "CLICOLOR_FORCE": "1"}, True),
        ("auto", True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ("auto", True, {"CLICOLOR": "0"}, False),
        ("auto", True, {"CLICOLOR": "1"}, True),
        ("auto", False, {"CLICOLOR": "1"}, False),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", False, {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ],
)
def test_colors_are_wanted_where_they_are_seen_or_forced(choice, terminal, environ, colors):
    assert config.wants_color(choice, terminal=terminal, environ=environ) is colors


@pytest.mark.parametrize(
    ("named", "hint"),
    [("olama/llama3", "did you mean 'ollama'?"), ("work/", "add [providers.…]"), ("a/b", "add")],
)
def test_a_prompt_for_a_provider_that_nobody_knows_does_not_go_to_openai(named, hint):
    with pytest.raises(ConfigError) as raised:
        config.endpoint_of(config.load({"model": named}))

    assert "no provider is called" in str(raised.value)
    assert str(raised.value.hint).startswith(hint)


def test_a_name_with_a_slash_goes_where_openai_base_url_points(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "https://openrouter.ai/api/v1")

    endpoint, model = config.endpoint_of(config.load({"model": "meta-llama/llama-3"}))

    assert (endpoint.name, model) == ("openai", "meta-llama/llama-3")


def test_a_configuration_that_is_named_must_be_there(monkeypatch):
    monkeypatch.setenv("LLMC_CONFIG", "nowhere.toml")

    with pytest.raises(ConfigError, match=r"LLMC_CONFIG: there is no nowhere\.toml"):
        config.load({})


# -- questions in other words --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("LLMC_MATCH", "fuzzy", "'fuzzy' is none of auto, exact, semantic"),
        ("LLMC_ERROR", "7%", "'7%' is none of 10%, 5%, strict"),
        ("LLMC_ERROR", "0.05", "'0.05' is none of 10%, 5%, strict"),
        ("LLMC_THRESHOLD", "1.5", "'1.5' is not a number from 0 to 1"),
        ("LLMC_THRESHOLD", "nan", "'nan' is not a number from 0 to 1"),
        ("LLMC_AUDIT", "2%", "'2%' is not a number from 0 to 1"),
        ("LLMC_AUDIT", "-1", "'-1' is not a number from 0 to 1"),
        ("LLMC_EMBEDDER", "bert", "'bert' is none of auto, minilm, openai, none, PROVIDER/MODEL"),
        ("LLMC_EMBEDDER", "openai/", "'openai/' is none of auto"),
        ("LLMC_EMBEDDER", "acme/tiny", "no provider is called 'acme'"),
    ],
)
def test_a_setting_that_cannot_be_read_names_its_variable_and_what_may_stand_there(
    home, variable, value, said
):
    with pytest.raises(ConfigError, match=f"^{variable}: {said}"):
        load(environ={variable: value})


def test_an_embedder_of_an_unknown_provider_names_the_file(user_file):
    user_file.write_text('embedder = "acme/tiny"')

    with pytest.raises(ConfigError) as raised:
        load()

    assert str(raised.value) == f"{user_file}: embedder: no provider is called 'acme'"
    assert "openai" in raised.value.hint


@pytest.mark.parametrize("name", ["threshold", "embedder", "audit"])
def test_a_projects_file_may_not_choose_who_is_told_or_how_near_is_near(project_file, name):
    project_file.write_text(f'{name} = "none"')

    with pytest.raises(ConfigError, match=f"may not set '{name}'"):
        load()


@pytest.mark.parametrize(
    ("user", "project", "environ", "flags", "threshold"),
    [
        ("threshold = 0.9", "", {}, {}, 0.9),
        ("threshold = 0", "", {}, {}, 0.0),
        ("threshold = 0.9\nerror = '5%'", "", {}, {}, 0.9),
        ("threshold = 0.9", "error = '10%'", {}, {}, None),
        ("threshold = 0.9", "", {"LLMC_ERROR": "5%"}, {}, None),
        ("threshold = 0.9", "", {}, {"error": "5%"}, None),
        ("", "error = '10%'", {"LLMC_THRESHOLD": "0.9"}, {}, 0.9),
        ("", "", {"LLMC_ERROR": "5%"}, {"threshold": "0.9"}, 0.9),
        ("", "", {"LLMC_ERROR": "5%", "LLMC_THRESHOLD": "0.9"}, {}, 0.9),
        ("threshold = 0.9", "", {}, {"threshold": "none"}, None),
    ],
)
def test_of_a_promise_and_a_threshold_the_one_said_nearer_to_the_question_counts(
    user_file, project_file, user, project, environ, flags, threshold
):
    user_file.write_text(user)
    project_file.write_text(project)

    assert load(environ=environ, **flags).threshold == threshold


OPENAI = {"OPENAI_API_KEY": "sk-x"}


@pytest.mark.parametrize(
    ("environ", "name", "local"),
    [
        ({}, None, None),
        (OPENAI, "text-embedding-3-small@https://api.openai.com/v1", False),
        ({**OPENAI, "OPENAI_BASE_URL": "https://example.com/v1"}, None, None),
        ({**OPENAI, "LLMC_MODEL": "ollama/llama3.2"}, None, None),
        ({**OPENAI, "LLMC_MODEL": "acme/x"}, None, None),
        ({**OPENAI, "LLMC_EMBEDDER": "none"}, None, None),
        ({"LLMC_EMBEDDER": "openai"}, "text-embedding-3-small@https://api.openai.com/v1", False),
        ({"LLMC_EMBEDDER": "openai/big"}, "big@https://api.openai.com/v1", False),
        ({"LLMC_EMBEDDER": "minilm"}, "minilm", True),
        (
            {"LLMC_EMBEDDER": "ollama/nomic/v1", "OPENAI_BASE_URL": "https://example.com/v1"},
            "nomic/v1@http://127.0.0.1:11434/v1",
            False,
        ),
    ],
)
def test_the_embedder_is_the_one_chosen_else_openais_where_the_model_is_openais(
    home, environ, name, local
):
    chosen = config.embedder_of(load(environ={"HOME": str(home), **environ}))

    assert (chosen and chosen.name, chosen and chosen.local) == (name, local)


def test_the_local_model_is_chosen_before_all_others_once_it_is_there(home):
    folder = home / ".local" / "share" / "llmc" / "models"
    folder.mkdir(parents=True)
    (folder / "minilm.safetensors").write_bytes(b"")

    chosen = config.embedder_of(load(environ={"HOME": str(home), **OPENAI}))

    assert (chosen.name, chosen.local, chosen.price(9, ["a"])) == ("minilm", True, 0)


def test_an_embedder_without_a_key_is_an_embedder_that_fails(home):
    chosen = config.embedder_of(load(environ={"LLMC_EMBEDDER": "openai"}))

    with pytest.raises(EmbeddingError, match="OPENAI_API_KEY is not set"):
        chosen.open()


@pytest.mark.parametrize(("tokens", "cost"), [(7, 140), (None, 2 * 20), (0, 0)])
def test_an_embedder_costs_what_was_billed_else_what_its_texts_are_likely_to_be(
    user_file, tokens, cost
):
    user_file.write_text(
        'embedder = "enc/tiny"\n[providers.enc]\nbase_url = "https://example.com/v1"\n'
        "[prices.tiny]\ninput = 0.02\noutput = 0\n"
    )

    chosen = config.embedder_of(load())

    assert chosen.price(tokens, ["four", "five"]) == cost


def test_an_embedder_whose_price_nobody_knows_costs_nobody_knows_what(home):
    chosen = config.embedder_of(load(environ={"LLMC_EMBEDDER": "openai/nobodys-embedder"}))

    assert chosen.price(7, ["a text"]) is None
