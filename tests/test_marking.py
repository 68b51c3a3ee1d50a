from __future__ import annotations

import json

import pytest
from caching_model import OPENAI, CachingModel
from drafts import question
from hypothesis import given
from hypothesis import strategies as st
from upstream import Reply

from llmc import keys, marking
from llmc.types import Price, Request

LONG = "Answer in the house's style, and say where it is from. " * 120  # 6,600 bytes
MARK = {"prompt_cache_breakpoint": {"mode": "explicit"}}
EXPLICIT = {"prompt_cache_options": {"mode": "explicit"}}
LUNA, MINI = "gpt-5.6-luna", "gpt-4.1-mini"


def asked(model=LUNA, *, system=LONG, base_url="https://api.openai.com/v1", static=1, **body):
    made = question("which colour?", system=system, model=model, base_url=base_url, **body)
    return made._replace(static=static if system else 0)


# -- the rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "exact", "step", "hours"),
    [
        ("gpt-5.6-luna", True, 1, 0.5),
        ("gpt-5.6", True, 1, 0.5),
        ("GPT-6-luna", True, 1, 0.5),
        ("gpt-6.1-sol", True, 1, 0.5),
        ("gpt-7", True, 1, 0.5),
        ("gpt-5.5-pro", False, 2048, 24),
        ("gpt-5.4-mini", False, 128, 24),
        ("gpt-5", False, 128, 24),
        ("gpt-5-2025-08-07", False, 128, 24),
        ("gpt-4.1-mini", False, 128, 24),
        ("ft:gpt-4.1-mini:me::abc", False, 128, 24),
        ("gpt-4o-mini", False, 128, 1 / 6),
        ("o3", False, 128, 1 / 6),
        ("o4-mini", False, 128, 1 / 6),
    ],
)
def test_each_family_of_openai_has_its_rules(model, exact, step, hours):
    scheme = marking.scheme_of("https://api.openai.com/v1", model)

    assert (scheme.exact, scheme.step, scheme.minimum) == (exact, step, 1024)
    assert scheme.lifetime == pytest.approx(hours * 3600)
    assert (scheme.takes_breakpoints, scheme.takes_key) == (exact, not exact)


@pytest.mark.parametrize(
    "model", ["gpt-4", "gpt-4-turbo", "gpt-3.5-turbo", "llama", "", "o", "gpt"]
)
def test_a_model_without_a_cache_has_none(model):
    assert marking.scheme_of("https://api.openai.com/v1", model) is None


@pytest.mark.parametrize(
    ("base_url", "model", "known"),
    [
        ("https://eu.api.openai.com/v1", LUNA, True),
        ("https://me.openai.azure.com/openai/v1", LUNA, True),
        ("https://api.mistral.ai/v1", "mistral-medium-3.5", True),
        ("https://api.deepseek.com/v1", "deepseek-v4-flash", True),
        ("https://api.x.ai/v1", "grok-4", True),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "gemini-2.5-flash", True),
        ("https://openrouter.ai/api/v1", f"openai/{LUNA}", False),
        ("https://api.openai.com.example/v1", LUNA, False),
        ("https://gateway.example/v1", LUNA, False),
        ("http://127.0.0.1:8000/v1", LUNA, False),
        ("http://localhost:11434/v1", "llama3.2", False),
    ],
)
def test_rules_are_those_of_the_host_not_of_a_name(base_url, model, known):
    assert (marking.scheme_of(base_url, model) is not None) is known


@pytest.mark.parametrize(
    ("model", "tokens", "read"),
    [
        (LUNA, 1023, 0),
        (LUNA, 1025, 1025),
        (MINI, 1023, 0),
        (MINI, 1200, 1152),
        ("gpt-5.5", 4100, 4096),
    ],
)
def test_a_beginning_is_read_in_the_family_s_steps(model, tokens, read):
    assert marking.scheme_of("https://api.openai.com/v1", model).readable(tokens) == read


# -- the marks -----------------------------------------------------------------------------------


def test_a_long_static_part_has_one_breakpoint_behind_it():
    added = marking.marks(asked())

    assert added == EXPLICIT | {
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": LONG, **MARK}]},
            {"role": "user", "content": "which colour?"},
        ]
    }


@pytest.mark.parametrize("system", ["Be brief.", ""])
def test_a_short_one_has_none_and_nothing_is_written(system):
    assert marking.marks(asked(system=system)) == EXPLICIT


def test_what_changes_stands_behind_the_breakpoint():
    messages = [
        {"role": "system", "content": LONG},
        {"role": "system", "content": "today"},
        {"role": "user", "content": "q"},
    ]
    request = Request("https://api.openai.com/v1", {"model": LUNA, "messages": messages}, static=1)

    added = marking.marks(request)

    assert added["messages"][1:] == messages[1:]
    assert json.dumps(added).count("prompt_cache_breakpoint") == 1


def test_content_in_parts_is_marked_at_its_last():
    parts = [{"type": "text", "text": LONG}, {"type": "text", "text": "more"}]
    request = asked()
    request.body["messages"][0]["content"] = parts

    assert marking.marks(request)["messages"][0]["content"] == [parts[0], {**parts[1], **MARK}]


@pytest.mark.parametrize("content", [None, 7, [], ["x"], [{"type": "image_url", "text": LONG}]])
def test_a_static_part_that_ends_in_no_text_has_no_breakpoint(content):
    tools = [{"type": "function", "function": {"name": "f", "description": LONG}}]
    request = asked(tools=tools)
    request.body["messages"][0]["content"] = content

    assert marking.marks(request) == EXPLICIT


def test_the_request_itself_is_left_as_it_was():
    request = asked()
    before = json.dumps(request.body)

    marking.marks(request)

    assert json.dumps(request.body) == before


@pytest.mark.parametrize(
    ("model", "base_url"),
    [(MINI, "https://api.openai.com/v1"), ("mistral-medium-3.5", "https://api.mistral.ai/v1")],
)
def test_families_that_route_by_a_key_get_one_made_of_the_static_part(model, base_url):
    added = marking.marks(asked(model, base_url=base_url))
    other = marking.marks(asked(model, base_url=base_url, system=LONG + "!"))

    assert list(added) == ["prompt_cache_key"]
    assert added["prompt_cache_key"].startswith("llmc-")
    assert len(added["prompt_cache_key"]) == 37
    assert added != other


def test_the_key_is_the_same_for_every_question_on_one_static_part():
    one, other = asked(MINI), asked(MINI, reasoning_effort="low")
    other.body["messages"][-1]["content"] = "another"

    assert marking.marks(one) == marking.marks(other)


def test_a_short_static_part_needs_no_key():
    assert marking.marks(asked(MINI, system="Be brief.")) == {}


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(asked(base_url="http://127.0.0.1:8000/v1"), id="a local server"),
        pytest.param(asked(base_url="https://gateway.example/v1"), id="a gateway"),
        pytest.param(asked(base_url="https://me.openai.azure.com/openai/v1"), id="Azure"),
        pytest.param(asked("deepseek-v4", base_url="https://api.deepseek.com/v1"), id="DeepSeek"),
        pytest.param(asked("gpt-4-turbo"), id="a model without a cache"),
        pytest.param(asked(static=None), id="a request of somebody else's"),
        pytest.param(asked()._replace(endpoint="responses"), id="another endpoint"),
        pytest.param(asked(prompt_cache_key="mine"), id="the caller's own key"),
        pytest.param(asked(prompt_cache_retention="24h"), id="the caller's own retention"),
        pytest.param(asked(prompt_cache_options={"ttl": "30m"}), id="the caller's own options"),
    ],
)
def test_nothing_is_sent_that_a_server_or_a_caller_would_not_want(request_):
    assert marking.marks(request_) == {}


@pytest.mark.parametrize(
    ("refused", "left"),
    [
        ("prompt_cache_options", []),
        ("prompt_cache_breakpoint", ["prompt_cache_options"]),
        ("prompt_cache_key", ["prompt_cache_options", "messages"]),
    ],
)
def test_what_was_refused_is_not_sent(refused, left):
    assert list(marking.marks(asked(), refused=frozenset({refused}))) == left


@given(st.sampled_from([LUNA, MINI, "gpt-5.5"]), st.text(max_size=3), st.text(max_size=3))
def test_no_mark_changes_the_key_of_an_answer(model, words, rules):
    request = asked(model, system=LONG + rules)
    request.body["messages"][-1]["content"] = words
    added = {n: v for n, v in marking.marks(request).items() if n != "messages"}

    sent = request._replace(body=request.body | added)

    assert keys.cache_key(sent) == keys.cache_key(request)
    assert keys.frame_of(sent) == keys.frame_of(request)


# -- what that costs -----------------------------------------------------------------------------


def nusd(tokens):
    """Ten for a token, one if it was read, twelve if it was written."""
    fresh = tokens.prompt - tokens.cached - tokens.written
    return Price(10 * fresh + tokens.cached + 12 * tokens.written)


def costs(request, **options):
    return marking.forecast(request, nusd, **options)


STATIC = len(LONG) // 4
ALL = -(-len(f"{LONG}\nwhich colour?") // 4)


def test_marks_are_paid_for_at_first_and_pay_then():
    found = costs(asked())

    assert found.static_tokens == STATIC
    assert found.marks == ("prompt_cache_options", "prompt_cache_breakpoint")
    assert found.first == 12 * STATIC + 10 * (ALL - STATIC)
    assert found.following == STATIC + 10 * (ALL - STATIC)
    assert found.unmarked == 12 * ALL


def test_without_marks_each_question_is_written_whole():
    found = costs(asked(), marked=False)

    assert found.marks == ()
    assert found.first == found.following == found.unmarked == 12 * ALL


def test_a_short_question_costs_the_same_with_marks_and_without():
    found = costs(asked(system="Be brief."))

    assert found.first == found.following == found.unmarked


def test_a_long_question_on_a_short_static_part_is_not_written():
    request = asked(system="Be brief.")
    request.body["messages"][-1]["content"] = LONG

    found = costs(request)

    assert found.first * 12 == found.unmarked * 10


def test_where_writing_is_free_only_the_next_question_is_cheaper():
    found = costs(asked(MINI))

    assert found.first == found.unmarked == 10 * ALL
    assert found.following == 10 * ALL - 9 * (STATIC - STATIC % 128)


def test_where_nobody_knows_the_rules_there_is_no_forecast():
    assert costs(asked(base_url="http://127.0.0.1:8000/v1")) is None


def test_where_nobody_knows_the_price_there_is_none():
    found = marking.forecast(asked(), lambda _: Price(None))

    assert marking.as_json(found) == {
        "estimated_static_tokens": STATIC,
        "marks": ["prompt_cache_options", "prompt_cache_breakpoint"],
        "estimated_first_cost_usd": None,
        "estimated_next_cost_usd": None,
        "estimated_unmarked_cost_usd": None,
    }


# -- on the way to api.openai.com ----------------------------------------------------------------


@pytest.fixture
def model(monkeypatch):
    """api.openai.com, played on loopback."""
    server = CachingModel()
    monkeypatch.setenv("HTTP_PROXY", server.proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", OPENAI)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test")
    yield server
    server.stop()


@pytest.fixture
def ask(cli, home):
    (home / "static.txt").write_text(LONG)

    def ask(*words, name=LUNA):
        done = cli("ask", "-m", name, "--system-file", "static.txt", "--no-stdin", *words)
        assert done.code == 0, done.err
        return done

    return ask


def test_the_second_question_on_a_static_part_reads_it(ask, model):
    ask("one")
    ask("two")

    first, second = model.served
    assert (first.cached, second.written) == (0, 0)
    assert first.written == second.cached > 1024


def test_the_bill_is_the_one_that_the_ledger_holds(ask, model, store):
    ask("one")
    ask("two")
    ask("three", name=MINI)
    ask("four", name=MINI)

    assert store.file.rows("SELECT spent_nusd FROM ledger ORDER BY id") == [
        (served.cost,) for served in model.served
    ]


def test_marked_and_unmarked_questions_share_an_answer(ask, model, monkeypatch):
    ask("one")
    monkeypatch.setenv("LLMC_PROMPT_CACHE", "off")

    assert "exact hit" in ask("one").err
    assert len(model.calls) == 1


def test_off_sends_the_request_as_it_was_stated(ask, model, monkeypatch):
    monkeypatch.setenv("LLMC_PROMPT_CACHE", "off")

    ask("one")
    ask("two", name=MINI)

    assert [sorted(call.body) for call in model.calls] == [
        ["messages", "model"],
        ["messages", "model", "temperature"],
    ]
    assert isinstance(model.calls[0].body["messages"][0]["content"], str)


def test_marks_are_sent_with_a_stream_too(cli, model, home):
    (home / "static.txt").write_text(LONG)

    done = cli("ask", "-m", LUNA, "--system-file", "static.txt", "--no-stdin", "--stream", "one")

    assert done.code == 0
    assert model.calls[0].body["prompt_cache_options"] == {"mode": "explicit"}


def test_a_one_shot_question_pays_no_premium(cli, model, home):
    (home / "document.txt").write_text(LONG)

    cli("ask", "-m", LUNA, "Summarise.", stdin=LONG)

    assert model.served[0].prompt > 1024
    assert model.served[0].written == 0


def refusing(param):
    said = {
        "message": f"Unknown parameter: '{param}'.",
        "param": param,
        "code": "unknown_parameter",
    }
    return Reply(status=400, error={"error": said})


@pytest.mark.parametrize(
    ("param", "learned", "left"),
    [
        ("prompt_cache_options", "prompt_cache_options", False),
        ("prompt_cache_options.mode", "prompt_cache_options", False),
        ("messages[0].content[0].prompt_cache_breakpoint", "prompt_cache_breakpoint", True),
    ],
)
def test_a_refused_mark_is_learned_and_the_question_asked_without(
    cli, upstream, home, store, monkeypatch, param, learned, left
):
    (home / "static.txt").write_text(LONG)
    monkeypatch.setenv("HTTP_PROXY", upstream.url.removesuffix("/v1"))
    monkeypatch.setenv("OPENAI_BASE_URL", OPENAI)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test")
    upstream.will(refusing(param))

    line = ("ask", "-m", LUNA, "--system-file", "static.txt", "--no-stdin")
    done = [cli(*line, "one"), cli(*line, "two")]

    assert [each.code for each in done] == [0, 0]
    assert [("prompt_cache_options" in call.body) for call in upstream.calls] == [True, left, left]
    assert all(isinstance(c.body["messages"][0]["content"], str) for c in upstream.calls[1:])
    assert store.file.rows("SELECT model, parameter FROM refusal") == [(LUNA, learned)]


def test_a_refused_key_is_learned(cli, upstream, home, store, monkeypatch):
    (home / "static.txt").write_text(LONG)
    monkeypatch.setenv("HTTP_PROXY", upstream.url.removesuffix("/v1"))
    monkeypatch.setenv("OPENAI_BASE_URL", OPENAI)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test")
    upstream.will(refusing("prompt_cache_key"))

    cli("ask", "-m", MINI, "--system-file", "static.txt", "--no-stdin", "one")
    cli("ask", "-m", MINI, "--system-file", "static.txt", "--no-stdin", "two")

    assert [("prompt_cache_key" in call.body) for call in upstream.calls] == [True, False, False]
    assert [call.body.get("temperature") for call in upstream.calls] == [0, 0, 0]


def test_a_refused_mark_of_the_callers_is_theirs(cli, upstream, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", upstream.url.removesuffix("/v1"))
    monkeypatch.setenv("OPENAI_BASE_URL", OPENAI)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test")
    upstream.will(refusing("prompt_cache_key"))

    done = cli("ask", "-m", MINI, "-o", "prompt_cache_key=k", "--no-stdin", "one")

    assert done.code == 1
    assert len(upstream.calls) == 1


# -- what a dry run says -------------------------------------------------------------------------


def plan(cli, *words):
    done = cli("ask", "--dry-run", "--json", "--no-stdin", "--system-file", "static.txt", *words)
    return json.loads(done.out)["prompt_cache"]


def test_a_dry_run_tells_the_cost_with_marks_and_without(cli, home, monkeypatch):
    (home / "static.txt").write_text(LONG)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test")

    told = plan(cli, "-m", LUNA, "one")

    assert told["marks"] == ["prompt_cache_options", "prompt_cache_breakpoint"]
    assert told["estimated_next_cost_usd"] < told["estimated_unmarked_cost_usd"]
    assert told["estimated_first_cost_usd"] <= told["estimated_unmarked_cost_usd"]


def test_a_dry_run_without_marks_says_so(cli, home, monkeypatch):
    (home / "static.txt").write_text(LONG)
    monkeypatch.setenv("LLMC_PROMPT_CACHE", "off")

    assert plan(cli, "-m", LUNA, "one")["marks"] == []


def test_a_dry_run_of_a_model_without_rules_tells_nothing(cli, home):
    (home / "static.txt").write_text(LONG)

    assert plan(cli, "-m", "ollama/llama3.2", "one") is None


def test_a_person_reads_it_on_one_line(cli, home):
    (home / "static.txt").write_text(LONG)

    shown = cli("ask", "--dry-run", "--no-stdin", "--system-file", "static.txt", "-m", LUNA, "one")

    (line,) = (line for line in shown.out.splitlines() if line.startswith("caching"))
    assert line == (
        "caching  about 1,650 static tokens; prompt_cache_options, prompt_cache_breakpoint:"
        " $0.00041 at first, $0.000033 for the next question on them; $0.00041 without marks"
    )


def test_a_person_is_not_told_of_a_prompt_without_a_static_part(cli):
    shown = cli("ask", "--dry-run", "--no-stdin", "-m", LUNA, "one")

    assert "caching" not in shown.out


# -- and of a batch ------------------------------------------------------------------------------


def one_line(question, form):
    if form == "prompt":
        return {"prompt": question, "system": LONG}
    messages = [{"role": "system", "content": LONG}, {"role": "user", "content": question}]
    body = {"model": LUNA, "messages": messages}
    return {"custom_id": question, "method": "POST", "url": "/v1/chat/completions", "body": body}


@pytest.mark.parametrize("form", ["prompt", "openai"])
def test_a_batch_writes_a_beginning_once_and_reads_it_then(cli, model, form):
    lines = "".join(json.dumps(one_line(f"question {n}", form)) + "\n" for n in range(6))

    done = cli("batch", "-m", LUNA, "-j", "4", "-", stdin=lines)

    assert done.code == 0, done.err
    assert [bool(served.written) for served in model.served] == [True, *[False] * 5]
    assert len({served.cached for served in model.served[1:]}) == 1
