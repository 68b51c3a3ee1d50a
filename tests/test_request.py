from __future__ import annotations

import pytest

from llmc import config
from llmc.errors import ConfigError, InputError
from llmc.input import Reader
from llmc.request import Flags, request_of, require_at_most_one

NOTHING = Flags("why?", None, None, None, None, None, None, None, None, no_stdin=True)


@pytest.fixture
def build(home):
    """Build the request of these flags."""

    def request(environ=None, **flags):
        settings = config.load({}, environ=environ or {})
        return request_of(NOTHING._replace(**flags), settings, Reader(quiet=True))

    return request


def test_a_question_alone_is_one_message_to_the_model_of_the_settings(build):
    request = build(environ={"LLMC_MODEL": "ollama/llama3.2"})

    assert request.provider == "ollama"
    assert request.base_url == "http://127.0.0.1:11434/v1"
    assert request.body == {"model": "llama3.2", "messages": [{"role": "user", "content": "why?"}]}
    assert request.instruction_at == 0


def test_what_is_stable_stands_before_what_changes(build, home):
    (home / "notes.txt").write_text("notes")

    request = build(system="be brief", file=["notes.txt"], context="it rains")

    assert [each["role"] for each in request.body["messages"]] == ["system", "system", "user"]
    assert request.body["messages"][0]["content"].startswith("be brief\n\n<file name=")
    assert request.body["messages"][1]["content"] == "it rains"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"temperature": 0.0}, {"temperature": 0.0}),
        ({"max_tokens": 5}, {"max_completion_tokens": 5}),
        ({"option": ["top_p=0.5", "stop=x"]}, {"top_p": 0.5, "stop": "x"}),
    ],
)
def test_a_flag_is_a_parameter_of_the_api(build, flags, said):
    assert build(**flags).body == build().body | said


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"system": "x", "system_file": "y"}, "--system and --system-file contradict each other"),
        ({"prompt": "-"}, "- and --no-stdin contradict each other"),
        ({"temperature": 1.0, "option": ["temperature=1"]}, "temperature is given twice"),
        ({"max_tokens": 1, "option": ["max_completion_tokens=1"]}, "is given twice"),
        ({"schema": "{}", "option": ["response_format=x"]}, "response_format is given twice"),
        ({"prompt": None}, "no prompt"),
        ({"prompt": " "}, "the prompt is empty"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(build, flags, said):
    with pytest.raises(InputError, match=said):
        build(**flags)


def test_a_provider_that_nobody_knows_is_refused(build):
    with pytest.raises(ConfigError, match="no provider is called 'acme'"):
        build(environ={"LLMC_MODEL": "acme/x"})


def test_one_flag_contradicts_nothing():
    require_at_most_one({"--a": True, "--b": False})
