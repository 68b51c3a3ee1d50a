from __future__ import annotations

import re

import pytest

from llmc import errors
from llmc.errors import (
    CacheFileError,
    ConfigError,
    EmbeddingError,
    InputError,
    KeyRefused,
    LlmcError,
    NotCached,
    ParameterRefused,
    ProviderError,
    Unavailable,
    reason_of,
)

#: What the module's docstring says: each name with its exit code.
TREE = dict(re.findall(r"^[ │├└─]*(\w+) +(\d) ", errors.__doc__, re.MULTILINE))
NAMES = [name for name in errors.__all__ if isinstance(getattr(errors, name), type)]


def test_the_tree_in_the_docstring_names_every_error():
    assert sorted(TREE) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_tree_in_the_docstring_tells_the_exit_code(name):
    assert getattr(errors, name).exit_code == int(TREE[name])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LlmcError("failed"), 1),
        (ProviderError("failed"), 1),
        (Unavailable("failed"), 1),
        (ParameterRefused("failed", parameter="temperature"), 1),
        (EmbeddingError("failed"), 1),
        (InputError("failed"), 2),
        (ConfigError("failed"), 2),
        (NotCached("failed"), 3),
        (KeyRefused("failed"), 4),
        (CacheFileError("failed"), 5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_shell_can_tell_the_errors_apart(error, code):
    assert error.exit_code == code
    assert str(error) == "failed"
    assert error.hint is None
    assert isinstance(error, LlmcError)


@pytest.mark.parametrize("kind", [Unavailable, ParameterRefused, KeyRefused])
def test_whatever_the_provider_says_is_caught_as_one(kind):
    assert issubclass(kind, ProviderError)


@pytest.mark.parametrize("kind", [LlmcError, InputError, ProviderError, Unavailable, KeyRefused])
def test_an_error_may_say_what_to_do(kind):
    assert kind("failed", hint="try this").hint == "try this"


def test_a_provider_s_error_carries_what_it_sent():
    error = ProviderError("failed", status=404, body={"code": "model_not_found"})

    assert error.status == 404
    assert error.body == {"code": "model_not_found"}


def test_a_provider_s_error_may_have_come_without_an_answer():
    error = ProviderError("failed")

    assert error.status is None
    assert error.body is None


def test_an_outage_may_be_final():
    spent = Unavailable("failed", hint="pay", status=429, body={"code": "x"}, final=True)

    assert spent.final
    assert (spent.hint, spent.status, spent.body) == ("pay", 429, {"code": "x"})
    assert not Unavailable("failed").final


def test_a_refused_parameter_is_named():
    error = ParameterRefused("failed", parameter="temperature")

    assert error.parameter == "temperature"
    assert error.status == 400


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FileNotFoundError(2, "No such file or directory", "/x"), "no such file or directory"),
        (OSError("It is closed"), "it is closed"),
        (ValueError("embedded null byte"), "embedded null byte"),
    ],
)
def test_a_reason_is_what_the_system_says_without_the_path(error, reason):
    assert reason_of(error) == reason
