from __future__ import annotations

import sys

import pytest

from llmc.endpoints import PROVIDERS, Endpoint, key_of, providers
from llmc.errors import ConfigError, KeyRefused

PRINT = f"{sys.executable} -c"


def found(tables=None, **environ):
    return providers(tables or {}, path="config.toml", environ=environ)


def at(base_url, *, name="work", **fields):
    """The provider that a table of the configuration makes."""
    return found({name: {"base_url": base_url, **fields}})[name]


def test_without_configuration_there_are_the_built_in_ones():
    assert found() == PROVIDERS


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_built_in_address_is_in_the_form_that_keys_are_made_of(name):
    assert at(PROVIDERS[name].base_url).base_url == PROVIDERS[name].base_url


@pytest.mark.parametrize(
    ("written", "base_url"),
    [
        ("https://gw.example/v1", "https://gw.example/v1"),
        ("https://gw.example/v1/", "https://gw.example/v1"),
        ("https://gw.example/", "https://gw.example"),
        ("https://gw.example", "https://gw.example"),
        ("HTTPS://GW.Example/V1", "https://gw.example/V1"),
        ("https://gw.example:443/v1", "https://gw.example/v1"),
        ("http://gw.example:80/v1", "http://gw.example/v1"),
        ("http://gw.example:443/v1", "http://gw.example:443/v1"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("http://[FE80::1]/v1", "http://[fe80::1]/v1"),
        ("  https://gw.example/v1\n", "https://gw.example/v1"),
    ],
)
def test_an_address_has_one_form_however_it_is_written(written, base_url):
    assert at(written).base_url == base_url
    assert found(OPENAI_BASE_URL=written)["openai"].base_url == base_url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("localhost:11434/v1", "it must begin with http:// or https:// and name a host"),
        ("gw.example", "it must begin with http:// or https:// and name a host"),
        ("ftp://gw.example", "it must begin with http:// or https:// and name a host"),
        ("file:///etc/passwd", "it must begin with http:// or https:// and name a host"),
        ("https://", "it must begin with http:// or https:// and name a host"),
        ("http://:8080/v1", "it must begin with http:// or https:// and name a host"),
        ("http://gw.example:99999/v1", "it is not a URL"),
        ("http://gw.example:x/v1", "it is not a URL"),
        ("http://[::1/v1", "it is not a URL"),
        ("https://me:secret@gw.example/v1", "a URL must not hold a password"),
        ("https://secret@gw.example/v1", "a URL must not hold a password"),
        ("https://:secret@gw.example/v1", "a URL must not hold a password"),
        ("https://gw.example/v1?key=secret", "it must end with a path, without ? or #"),
        ("https://gw.example/v1#secret", "it must end with a path, without ? or #"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_repeating_it(url, reason):
    with pytest.raises(ConfigError) as of_file:
        at(url)
    with pytest.raises(ConfigError) as of_variable:
        found(OPENAI_BASE_URL=url)

    assert str(of_file.value) == f"config.toml: providers.work.base_url: {reason}"
    assert str(of_variable.value) == f"OPENAI_BASE_URL: {reason}"


@pytest.mark.parametrize(
    "url",
    ["https://gw.exa\x7fmple/v1", "https://gw..example/v1", f"https://{'a' * 64}.example/v1"],
    ids=["control character", "empty label", "long label"],
)
def test_a_host_that_no_resolver_takes_is_refused(url):
    with pytest.raises(ConfigError):
        at(url)


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_base_url_is_unset(empty):
    assert found(OPENAI_BASE_URL=empty)["openai"] == PROVIDERS["openai"]


def test_openai_base_url_moves_openai_with_its_key_and_nobody_else():
    moved = found(OPENAI_BASE_URL="http://127.0.0.1:9/v1")

    assert moved.pop("openai") == Endpoint("openai", "http://127.0.0.1:9/v1", "OPENAI_API_KEY")
    assert moved == {name: known for name, known in PROVIDERS.items() if name != "openai"}


def test_the_configuration_comes_before_openai_base_url():
    table = {"openai": {"base_url": "https://gw.example/v1"}}

    endpoint = found(table, OPENAI_BASE_URL="http://127.0.0.1:9/v1")["openai"]

    assert endpoint.base_url == "https://gw.example/v1"


def test_a_provider_of_one_s_own_says_where_its_key_is():
    endpoint = at("https://gw.example/v1", api_key_env="GW_KEY", api_key_cmd="pass gw")

    assert endpoint == Endpoint("work", "https://gw.example/v1", "GW_KEY", "pass gw")


def test_a_built_in_provider_may_get_another_key_and_keep_its_address():
    endpoint = found({"groq": {"api_key_env": "WORK_GROQ"}})["groq"]

    assert endpoint == Endpoint("groq", PROVIDERS["groq"].base_url, "WORK_GROQ")


@pytest.mark.parametrize(
    "base_url",
    [
        "https://gw.example/v1",
        "http://api.openai.com/v1",
        "https://api.openai.com.evil.example/v1",
        "https://api.openai.com:8443/v1",
    ],
)
def test_a_built_in_key_does_not_follow_to_another_address(base_url):
    assert at(base_url, name="openai").key_env is None


@pytest.mark.parametrize(
    ("name", "base_url"),
    [
        ("openai", "https://api.openai.com/v1/"),
        ("openai", "https://API.openai.com:443/v1"),
        ("deepseek", "https://api.deepseek.com"),
        ("openrouter", "https://openrouter.ai/api/v2"),
    ],
)
def test_a_built_in_key_stays_with_its_host(name, base_url):
    assert at(base_url, name=name).key_env == PROVIDERS[name].key_env


def test_a_built_in_key_stays_with_its_host_when_a_variable_names_another():
    table = {"openai": {"base_url": "https://api.openai.com/v1"}}

    endpoint = found(table, OPENAI_BASE_URL="http://127.0.0.1:9/v1")["openai"]

    assert endpoint == PROVIDERS["openai"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("x", "config.toml: providers.work must be a table"),
        ({}, "config.toml: providers.work: base_url is missing"),
        ({"api_key_env": "K"}, "config.toml: providers.work: base_url is missing"),
        ({"url": "x"}, "config.toml: providers.work: unknown setting 'url'"),
        ({"api_key": "sk"}, "config.toml: providers.work: unknown setting 'api_key'"),
        ({"base_url": 1}, "config.toml: providers.work.base_url must be a text"),
        ({"base_url": " "}, "config.toml: providers.work.base_url must be a text"),
        ({"api_key_env": ["K"]}, "config.toml: providers.work.api_key_env must be a text"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(table, message):
    with pytest.raises(ConfigError) as refused:
        found({"work": table})

    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://eu.api.openai.com/v1", "max_completion_tokens"),
        ("https://me.openai.azure.com/openai/v1", "max_completion_tokens"),
        ("https://api.openai.com.evil.example/v1", "max_tokens"),
        ("https://notapi.openai.com.example/v1", "max_tokens"),
        ("https://fake-api.openai.com.example/v1", "max_tokens"),
        ("https://notazure.com/v1", "max_tokens"),
        ("https://api.mistral.ai/v1", "max_tokens"),
        ("http://127.0.0.1:11434/v1", "max_tokens"),
    ],
)
def test_a_limit_goes_by_the_name_that_the_provider_knows(base_url, name):
    assert Endpoint("x", base_url).limit_name == name


def test_a_key_comes_from_the_variable_of_its_provider():
    environ = {"OPENAI_API_KEY": " sk-openai\n", "GROQ_API_KEY": "gsk"}

    assert key_of(PROVIDERS["openai"], environ) == "sk-openai"
    assert key_of(PROVIDERS["groq"], environ) == "gsk"


@pytest.mark.parametrize("environ", [{}, {"OPENAI_API_KEY": ""}, {"OPENAI_API_KEY": " "}])
def test_a_missing_key_is_refused_with_what_to_do(environ):
    with pytest.raises(KeyRefused) as refused:
        key_of(PROVIDERS["openai"], environ)

    assert str(refused.value) == "no key for openai: OPENAI_API_KEY is not set"
    assert "export OPENAI_API_KEY" in refused.value.hint
    assert "ollama/" in refused.value.hint


@pytest.mark.parametrize(
    "endpoint",
    [
        PROVIDERS["ollama"],
        Endpoint("work", "https://gw.example/v1"),
        Endpoint("openai", "http://127.0.0.1:9/v1", "OPENAI_API_KEY"),
        Endpoint("openai", "http://gpu.local/v1", "OPENAI_API_KEY"),
    ],
    ids=["local", "needs none", "local openai", "own network"],
)
def test_where_no_key_is_needed_a_stand_in_is_sent(endpoint):
    assert key_of(endpoint, {"OTHER_API_KEY": "x"}) == "llmc"


def test_a_local_server_gets_the_key_that_its_variable_holds():
    endpoint = Endpoint("openai", "http://127.0.0.1:9/v1", "OPENAI_API_KEY")

    assert key_of(endpoint, {"OPENAI_API_KEY": "sk"}) == "sk"


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "sk-o\rne", "sk-ön", "sk-\u201cone\u201d"])
def test_a_key_that_no_header_can_carry_is_refused_without_repeating_it(key):
    with pytest.raises(KeyRefused) as refused:
        key_of(PROVIDERS["openai"], {"OPENAI_API_KEY": key})

    assert "OPENAI_API_KEY" in str(refused.value)
    assert "sk-" not in str(refused.value)


def test_a_command_prints_the_key_before_any_variable_is_read():
    endpoint = Endpoint("x", "https://h/v1", "K", f"{PRINT} 'print(\"sk-printed\")'")

    assert key_of(endpoint, {"K": "sk-variable"}) == "sk-printed"


def test_of_what_a_command_prints_the_first_line_is_the_key():
    command = f"{PRINT} 'print(1234); print(5678)'"

    key = key_of(Endpoint("x", "https://h/v1", None, command), {})

    assert key == "1234"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (f"{PRINT} 'print()'", "api_key_cmd printed no key: "),
        (f"{PRINT} 'print(12345); exit(3)'", "api_key_cmd failed (exit code 3): "),
        ("/no/such/command", "api_key_cmd failed (no such file or directory): "),
        ("'unclosed", "api_key_cmd failed (it is no command line): "),
    ],
)
def test_a_command_that_fails_is_named_but_not_what_it_printed(command, message):
    with pytest.raises(KeyRefused) as refused:
        key_of(Endpoint("x", "https://h/v1", None, command), {})

    assert str(refused.value) == message + command
