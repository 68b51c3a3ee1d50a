from __future__ import annotations

import json

import pytest

from llmc import config, streams
from llmc.batch import batchfile
from llmc.errors import InputError
from llmc.input import Reader
from llmc.request import Flags, Stated, request_of

NOTHING = Flags(None, None, None, None, None, None, None, None, None, no_stdin=True)
NOBODY = Stated()


@pytest.fixture
def read(home):
    """Read lines into rows, with what the flags state around them."""

    def rows(*lines, around=NOBODY, environ=None):
        raw = [json.dumps(line).encode() if isinstance(line, dict) else line for line in lines]
        return list(batchfile.rows(raw, around, config.load({}, environ=environ or {})))

    return rows


def openai_s(body=None, **fields):
    body = {"model": "m", "messages": [{"role": "user", "content": "q"}], **(body or {})}
    whole = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body}
    return {**whole, **fields}


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({}, {}),
        ({"system": "be brief"}, {"system": "be brief"}),
        ({"context": "it rains"}, {"context": "it rains"}),
        ({"model": "ollama/llama3.2"}, {}),
        ({"temperature": 0.5, "max_tokens": 9}, {"temperature": 0.5, "max_tokens": 9}),
        ({"schema": {"type": "object"}}, {"schema": '{"type": "object"}'}),
        ({"options": {"seed": 7, "stop": ["x"]}}, {"option": ["seed=7", 'stop=["x"]']}),
    ],
    ids=" ".join,
)
def test_a_line_asks_what_ask_asks_with_the_same_words_and_flags(read, fields, flags):
    settings = config.load({"model": fields.get("model")}, environ={})
    asked = request_of(NOTHING._replace(prompt="why?", **flags), settings, Reader())

    (row,) = read({"prompt": "why?", **fields})

    assert row.fault is None
    assert row.request == asked


def test_a_document_stands_before_the_words(read):
    (row,) = read({"prompt": "summarise", "document": "a report"})

    assert row.request.body["messages"][-1]["content"] == "a report\n\nsummarise"
    assert row.request.instruction_at == len("a report\n\n")


def test_what_a_line_states_counts_before_the_flags(read):
    around = Stated(system="flag", context="flag", temperature=0.0, options={"seed": 1, "top_p": 1})

    own, silent = read(
        {"prompt": "q", "system": "line", "temperature": 1, "options": {"seed": 2}},
        {"prompt": "q"},
        around=around,
    )

    assert own.request.body["messages"][0]["content"] == "line"
    assert own.request.body["temperature"] == 1
    assert (own.request.body["seed"], own.request.body["top_p"]) == (2, 1)
    assert silent.request.body["messages"][0]["content"] == "flag"
    assert silent.request.body["temperature"] == 0


def test_null_is_not_stated(read):
    (row,) = read(dict.fromkeys(batchfile.FIELDS) | {"prompt": "q"}, around=Stated(system="s"))

    assert row.fault is None
    assert row.request.body["messages"][0]["content"] == "s"


def test_a_request_of_openai_s_is_taken_as_it_stands(read):
    body = {"tools": [{"type": "function", "function": {"name": "f"}}], "logprobs": True}

    (row,) = read(openai_s(body, custom_id="task-0"))

    assert (row.custom_id, row.openai, row.fault) == ("task-0", True, None)
    assert row.request.body == openai_s(body)["body"]


def test_a_request_of_openai_s_goes_to_the_provider_that_its_model_names(read):
    (row,) = read(openai_s({"model": "ollama/llama3.2"}))

    assert row.request.provider == "ollama"
    assert row.request.body["model"] == "llama3.2"


def test_flags_that_add_to_a_question_have_no_place_in_a_whole_request(read):
    with pytest.raises(InputError, match="line 2 is in OpenAI's form"):
        read({"prompt": "q"}, openai_s(), around=Stated(system="s"))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"x", "it is not JSON: expecting value (column 1)"),
        (b'{"prompt": "q"', "it is not JSON: expecting ',' delimiter (column 15)"),
        (b'{"prompt": NaN}', "NaN is not JSON"),
        (b'{"prompt": "\\ud800"}', "it holds half a surrogate pair"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"[1]", "it is not a JSON object"),
        (b'"q"', "it is not a JSON object"),
        (b'{"prompt": "\xff"}', "it is not UTF-8 (byte 0xff at offset 12)"),
        (b'{"prompt": "q"}' + b" " * streams.LIMIT, "it is longer than 10 MB"),
        ({}, "it has no 'prompt'"),
        ({"prompt": ""}, "'prompt' is not a text that says something"),
        ({"prompt": 7}, "'prompt' is not a text that says something"),
        ({"prompt": "q", "id": 1}, "unknown field 'id' (did you mean 'custom_id'?)"),
        ({"prompt": "q", "custom_id": True}, "'custom_id' is not a text or a whole number"),
        ({"prompt": "q", "temperature": -1}, "'temperature' is not a number from 0 up"),
        ({"prompt": "q", "max_tokens": 0}, "'max_tokens' is not a whole number from 1 up"),
        ({"prompt": "q", "options": []}, "'options' is not an object"),
        ({"prompt": "q", "options": {"stream": True}}, "'options' may not hold 'stream'"),
        (
            {"prompt": "q", "temperature": 0, "options": {"temperature": 1}},
            "temperature is given twice, as an option and by its own name",
        ),
        (openai_s(method="GET"), "'method' is not POST"),
        (openai_s(url="/v1/images"),
         "'url' is none of /v1/chat/completions, /v1/responses, /v1/embeddings"),
        (openai_s({"messages": []}, url="/v1/responses"),
         "'body' has no 'input', or asks for what the provider itself does"),
        (openai_s({"input": "q", "model": "m", "background": True}, url="/v1/responses"),
         "'body' has no 'input', or asks for what the provider itself does"),
        (openai_s({"input": [], "model": "m"}, url="/v1/embeddings"), "'body' has no 'input'"),
        (openai_s(prompt="q"), "unknown field 'prompt' (known: custom_id, method, url, body)"),
        ({"custom_id": "a", "body": 1, "method": "POST", "url": "/v1/chat/completions"},
         "'body' is not an object"),
        (openai_s({"messages": []}), "'body' has no 'messages'"),
        (openai_s({"messages": ["q"]}), "'body' has no 'messages'"),
        (openai_s({"stream": True}), "'stream' has no place in a batch"),
        (openai_s({"model": 7}), "'model' is not a text"),
    ],
)  # fmt: skip
def test_a_line_that_asks_nothing_says_why(read, line, fault):
    good, bad, after = read({"prompt": "before"}, line, {"prompt": "after"})

    assert (bad.number, bad.request, bad.fault) == (2, None, fault)
    assert (good.fault, after.fault) == (None, None)


def test_a_model_of_a_provider_that_nobody_knows_is_its_line_s_fault(read):
    (row,) = read({"custom_id": 5, "prompt": "q", "model": "olama/x"})

    assert (row.custom_id, row.fault) == (
        5,
        "no provider is called 'olama' (did you mean 'ollama'?)",
    )


def test_empty_lines_count_but_ask_nothing(read):
    rows = read(b"", b'{"prompt": "a"}\r', b" \t\r", {"prompt": "b"})

    assert [(row.number, row.fault) for row in rows] == [(2, None), (4, None)]


def test_a_byte_order_mark_is_left_out_at_the_beginning_alone(read):
    mark = b"\xef\xbb\xbf"

    first, second = read(mark + b'{"prompt": "a"}', mark + b'{"prompt": "b"}')

    assert first.fault is None
    assert second.fault.startswith("it is not JSON")


def test_a_line_that_is_neither_is_in_the_form_of_the_one_before(read):
    rows = read(b"x", openai_s(), b"x", {"prompt": "q"}, b"x")

    assert [row.openai for row in rows] == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("told", "static"), [([], 0), (["system"], 1), (["developer", "system"], 2), (["user"], 0)]
)
def test_the_instructions_of_a_line_in_openais_form_stay_the_same(read, told, static):
    said = [{"role": role, "content": "x"} for role in [*told, "user", "system"]]

    (row,) = read(openai_s({"messages": said}))

    assert row.request.static == static
