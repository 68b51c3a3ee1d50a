from __future__ import annotations

import json

import pytest

from llmc.settings import SETTINGS


def shown(result) -> dict[str, tuple[object, str]]:
    """Return each setting's value and origin."""
    return {row["name"]: (row["value"], row["origin"]) for row in json.loads(result.out)}


def test_without_any_configuration_the_defaults_are_shown(cli, db):
    result = cli("config", "--json")

    assert shown(result) | {"config": None} == {
        "db": (str(db), "default"),
        "model": ("gpt-6-luna", "default"),
        "namespace": ("default", "default"),
        "ttl": (None, "default"),
        "match": ("auto", "default"),
        "error": ("5%", "default"),
        "threshold": (None, "default"),
        "embedder": ("auto", "default"),
        "audit": (0, "default"),
        "cache": ("auto", "default"),
        "levels": (["memory", "file", "shared", "semantic"], "default"),
        "memory_max_entries": (10_000, "default"),
        "memory_ttl": (None, "default"),
        "shared": (None, "default"),
        "shared_ttl": (2_592_000, "default"),
        "max_size": ("10GB", "default"),
        "max_entries": (None, "default"),
        "max_entries_per_namespace": (None, "default"),
        "evict": ("value", "default"),
        "timeout": (600, "default"),
        "retries": (2, "default"),
        "prompt_cache": ("auto", "default"),
        "provider": ("openai", "for gpt-6-luna"),
        "base_url": ("https://api.openai.com/v1", "openai"),
        "key": ("OPENAI_API_KEY", "not set"),
        "config": None,
    }


def test_the_flag_wins_over_the_environment_over_the_project_over_the_user(
    cli, configuration, home, monkeypatch
):
    user = configuration('model = "users"\nnamespace = "users"\nttl = "1h"\nretries = 9\n')
    (home / ".llmc.toml").write_text('model = "projects"\nnamespace = "projects"\n')
    monkeypatch.setenv("LLMC_MODEL", "environments")
    monkeypatch.setenv("LLMC_DB", "environments.db")

    found = shown(cli("config", "--json", "--db", "flags.db"))

    assert found["db"] == ("flags.db", "--db")
    assert found["model"] == ("environments", "LLMC_MODEL")
    assert found["namespace"] == ("projects", str(home / ".llmc.toml"))
    assert found["ttl"] == (3600, str(user))
    assert found["retries"] == (9, str(user))
    assert found["timeout"] == (600, "default")


def test_an_empty_variable_is_unset(cli, monkeypatch):
    monkeypatch.setenv("LLMC_MODEL", "")
    monkeypatch.setenv("OPENAI_BASE_URL", "")

    found = shown(cli("config", "--json"))

    assert found["model"] == ("gpt-6-luna", "default")
    assert found["base_url"] == ("https://api.openai.com/v1", "openai")


def test_a_projects_file_works_in_the_folders_below_it(cli, home, monkeypatch):
    (home / ".llmc.toml").write_text('namespace = "projects"\n')
    (home / "src" / "deep").mkdir(parents=True)
    monkeypatch.chdir(home / "src" / "deep")

    found = shown(cli("config", "--json"))

    assert found["namespace"][0] == "projects"


def test_an_alias_is_followed_to_its_provider(cli, configuration):
    configuration(
        'model = "mine"\n[aliases]\nmine = "x/big-model"\n'
        '[providers.x]\nbase_url = "HTTP://Example.org:80/v1/"\napi_key_env = "X_KEY"\n'
    )

    found = shown(cli("config", "--json"))

    assert found["provider"] == ("x", "for big-model")
    assert found["base_url"] == ("http://example.org/v1", "x")
    assert found["key"] == ("X_KEY", "not set")


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ('api_key_cmd = "cat secret-sauce"', ("cat secret-sauce", "set")),
        ('api_key_env = "X_KEY"', ("X_KEY", "set")),
        ("", (None, "none needed")),
    ],
)
def test_a_key_is_named_and_never_shown(cli, configuration, monkeypatch, table, key):
    configuration(f'model = "x/m"\n[providers.x]\nbase_url = "http://x.example/v1"\n{table}\n')
    monkeypatch.setenv("X_KEY", "sk-of-mine")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")

    result = cli("config", "--json")

    assert shown(result)["key"] == key
    assert "sk-of" not in result.out + cli("config").out + cli("config", terminal=True).out


def test_a_pipe_gets_tab_separated_lines(cli, configuration):
    configuration('ttl = "90m"\ntimeout = 1.5\n')

    result = cli("config")

    lines = [line.split("\t") for line in result.out.splitlines()]
    values = {name: value for name, value, _ in lines}
    assert lines[0] == ["setting", "value", "origin"]
    assert (values["ttl"], values["timeout"], values["retries"]) == ("5400", "1.5", "2")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model = \n", "line 1, column 9"),
        ('model = "a"\nttl = "soon"\n', "ttl: 'soon' is not a duration"),
        ("ttl = -1\n", "ttl: '-1' is not a duration"),
        ('cache = "some"\n', "cache: 'some' is none of auto, deterministic, all"),
        ("retries = true\n", "retries: True is not a whole number"),
        ("modle = 'x'\n", "unknown setting 'modle'"),
        ("model = 7\n", "model: it must be a text"),
        ("providers = 7\n", "'providers' must be a table"),
        ("[providers]\nx = 7\n", "providers.x must be a table"),
        ("[providers.x]\n", "providers.x: base_url is missing"),
        ('[providers.x]\nbase_url = "ftp://x"\n', "it must begin with http:// or https://"),
        ('[providers.x]\nbase_url = "http://u:p@x"\n', "a URL must not hold a password"),
        ('[providers.x]\nbase_url = "http://x:y/v1"\n', "it is not a URL"),
        ('[providers.x]\nbase_url = "http://x/v1?a=1"\n', "without ? or #"),
        ('[providers.x]\nbase_url = "http://x"\nkey = "k"\n', "unknown setting 'key'"),
        ("[aliases]\na = 7\n", "aliases.a must be a model's name"),
        ('[prices."*"]\ninput = 1\n', "must set input and output"),
        ('[prices."*"]\ninput = 1\noutput = -1\n', "output must be a number of USD"),
        ('[prices."*"]\ninput = 1\noutput = nan\n', "output must be a number of USD"),
        ('[prices."*"]\ninput = 1\noutput = inf\n', "output must be a number of USD"),
    ],
)
def test_a_broken_configuration_is_named_with_its_place(cli, configuration, text, reason):
    path = configuration(text)

    result = cli("config")

    assert (result.code, result.out) == (2, "")
    assert str(path) in result.err
    assert reason in result.err


@pytest.mark.parametrize("command", [("ask", "q"), ("list",), ("stats",)], ids=" ".join)
def test_no_command_works_with_a_broken_configuration(cli, upstream, configuration, command):
    configuration("model = \n")

    result = cli(*command)

    assert (result.code, result.out) == (2, "")
    assert upstream.calls == []


def test_a_misspelt_setting_gets_the_nearest_one(cli, configuration):
    configuration('modle = "x"\n')

    result = cli("config")

    assert "did you mean 'model'?" in result.err


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LLMC_TTL", "soon"),
        ("LLMC_RETRIES", "-1"),
        ("LLMC_TIMEOUT", "0"),
        ("LLMC_CACHE", "some"),
        ("LLMC_MATCH", "guess"),
        ("LLMC_MODEL", "  "),
        ("LLMC_NAMESPACE", "\udcff"),
        ("OPENAI_BASE_URL", "localhost:8000/v1"),
        ("OPENAI_BASE_URL", "http://user:secret-password@x/v1"),
    ],
)
def test_a_broken_variable_is_named(cli, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)

    result = cli("config")

    assert (result.code, result.out) == (2, "")
    assert variable in result.err
    assert "secret-password" not in result.err


@pytest.mark.parametrize(
    "text",
    [
        'db = "/elsewhere/theirs.db"',
        'cache = "all"',
        "timeout = 1",
        "retries = 99",
        '[providers.openai]\nbase_url = "http://evil.example/v1"',
        '[aliases]\ngpt = "evil/x"',
        '[prices."*"]\ninput = 0\noutput = 0',
    ],
)
@pytest.mark.parametrize("command", [("config",), ("ask", "q")], ids=" ".join)
def test_a_projects_file_may_not_redirect_anything(cli, upstream, home, command, text):
    (home / ".llmc.toml").write_text(text)

    result = cli(*command)

    assert (result.code, result.out) == (2, "")
    assert str(home / ".llmc.toml") in result.err
    assert "may not set" in result.err
    assert upstream.calls == []


@pytest.mark.parametrize("text", ['model = "other"', 'namespace = "team"', 'ttl = "1h"',
                                  'match = "exact"'])  # fmt: skip
def test_a_projects_file_may_set_what_harms_nobody(cli, home, text):
    (home / ".llmc.toml").write_text(text)

    result = cli("config")

    assert result.code == 0
    assert str(home / ".llmc.toml") in result.out


@pytest.mark.parametrize("kind", ["latin", "folder"])
def test_a_configuration_that_is_no_text_is_named(cli, configuration, kind):
    path = configuration("")
    path.unlink()
    {"latin": lambda: path.write_bytes(b'model = "caf\xe9"'), "folder": path.mkdir}[kind]()

    result = cli("config")

    assert (result.code, result.out) == (2, "")
    assert str(path) in result.err


def test_settings_decide_how_questions_are_asked(answer, configuration, upstream):
    configuration('model = "small"\nnamespace = "mine"\nttl = "1h"\n')

    found = answer("q")

    assert (found["model"], found["namespace"]) == ("small", "mine")
    assert found["expires_at"] == pytest.approx(found["created_at"] + 3600)


@pytest.mark.parametrize(
    ("mode", "flags", "stored"),
    [
        ("auto", ("-m", "small", "--temperature", "0.7"), 0),
        ("all", ("-m", "small", "--temperature", "0.7"), 1),
        ("all", ("-o", "n=2"), 1),
        ("deterministic", ("-m", "small"), 1),
        ("deterministic", ("-m", "small", "--temperature", "0"), 1),
        ("deterministic", ("-m", "gpt-6-luna"), 0),
        ("auto", ("-m", "gpt-6-luna"), 1),
    ],
)
def test_the_cache_mode_decides_what_is_stored(cli, configuration, upstream, listed, mode, flags,
                                               stored):  # fmt: skip
    configuration(f'cache = "{mode}"\n')

    result = cli("ask", "q", *flags)

    assert result.code == 0
    assert len(listed()) == stored


def test_a_variable_that_is_no_setting_is_nobodys_business(cli, monkeypatch):
    monkeypatch.setenv("LLMC_WHATEVER", "x")

    result = cli("config")

    assert (result.code, result.err) == (0, "")


def test_values_do_not_command_the_terminal(cli, configuration, upstream):
    configuration('model = "[red]m[/x]\\u001b[2J"\n')

    result = cli("config", "--color", "never", terminal=True)

    assert "[red]m[/x]\ufffd[2J" in result.out
    assert "\x1b" not in result.out


def test_a_narrow_terminal_shows_all_names_and_all_of_their_values(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    shown = cli("config", terminal=True).out

    assert "…" not in shown
    assert [s.name for s in SETTINGS if f"{s.name} " not in shown] == []


def test_the_limits_of_namespaces_are_shown(cli, configuration):
    path = configuration("[limits.ci]\nmax_entries = 9\n")

    found = shown(cli("config", "--json"))

    assert found["limits.ci"] == (9, str(path))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://:secret@cache.example", "redis://cache.example:6379"),
        ("rediss://ann:secret@cache.example:7000/2", "rediss://cache.example:7000/2"),
        ("unix:///run/redis.sock", "unix:/run/redis.sock"),
    ],
)
def test_a_server_is_shown_without_its_password(cli, monkeypatch, url, told):
    monkeypatch.setenv("LLMC_SHARED", url)

    result = cli("config", "--json")

    assert shown(result)["shared"] == (told, "LLMC_SHARED")
    assert "secret" not in result.out
