from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import openai
import pytest
from processes import bound_by_modes
from terminals import Terminal, eventually
from upstream import Reply

import llmc

ROOT = Path(__file__).resolve().parent.parent.parent


def jsonl(*values) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def prompts(*words: str) -> str:
    return jsonl(*({"prompt": word, "custom_id": word} for word in words))


def parsed(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def whole(word: str, **body) -> dict:
    """A request as OpenAI's documentation shows it."""
    return {
        "custom_id": f"request-{word}",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "gpt-4o-mini",
            "messages": [
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": word},
            ],
            **body,
        },
    }


def asked(upstream) -> Counter:
    return Counter(call.body["messages"][-1]["content"] for call in upstream.calls)


@pytest.fixture
def start(upstream):
    """Start the real program; it is killed at the end if it still runs."""
    begun = []

    def run(*arguments: str, **streams) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", "llmc", "batch", *arguments],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            | streams,
        )
        begun.append(process)
        return process

    yield run
    for process in begun:
        process.kill()
        process.wait()
        for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
            stream.close()


# -- what comes out ------------------------------------------------------------------------------


def test_a_line_of_json_comes_out_for_each_question_in_order(cli, upstream, home):
    (home / "in.jsonl").write_text(prompts("a", "b", "c"))

    result = cli("batch", "in.jsonl")

    told = parsed(result.out)
    assert result.code == 0
    assert [(each["custom_id"], each["line"], each["source"]) for each in told] == [
        ("a", 1, "model"),
        ("b", 2, "model"),
        ("c", 3, "model"),
    ]
    assert asked(upstream) == {"a": 1, "b": 1, "c": 1}
    assert result.err == "llmc: 3 rows: 0 in the cache, 3 asked; cost $0, saved $0\n"


def test_a_line_has_the_fields_of_ask(cli, upstream, answer):
    (told,) = parsed(cli("batch", "-", stdin=prompts("a")).out)

    assert told.keys() - {"custom_id", "line"} == answer("b").keys()


def test_ask_and_batch_answer_each_other(cli, upstream):
    cli("ask", "a", "-s", "be brief")

    (told,) = parsed(cli("batch", "-", "-s", "be brief", stdin=prompts("a")).out)

    assert told["source"] == "exact"


def test_duplicates_are_asked_once(cli, upstream, prices):
    result = cli("batch", "-", stdin=prompts("a", "b", "a", "a"))

    told = parsed(result.out)
    assert asked(upstream) == {"a": 1, "b": 1}
    assert [each["cost_usd"] > 0 for each in told] == [True, True, False, False]
    assert told[0]["answer"] == told[2]["answer"] == told[3]["answer"]
    assert "cost $0.0028, saved $0.0028" in result.err


def test_a_second_run_asks_only_what_is_missing(cli, upstream):
    cli("batch", "-", stdin=prompts("a", "b"))

    result = cli("batch", "-", stdin=prompts("a", "b", "c"))

    assert asked(upstream) == {"a": 1, "b": 1, "c": 1}
    assert [each["source"] for each in parsed(result.out)] == ["exact", "exact", "model"]


def test_flags_hold_for_every_line(cli, upstream, home):
    (home / "notes.txt").write_text("notes")

    cli("batch", "-", "-m", "large", "-f", "notes.txt", "-o", "seed=7", "--max-tokens", "9",
        stdin=prompts("a"))  # fmt: skip

    body = upstream.calls[0].body
    assert (body["model"], body["seed"], body["max_tokens"]) == ("large", 7, 9)
    assert body["messages"][0]["content"] == '<file name="notes.txt">\nnotes\n</file>'


def test_what_is_asked_at_once_is_as_many_as_jobs(cli, upstream):
    """Without more than one job the order of the calls is that of the lines."""
    cli("batch", "-j", "1", "-", stdin=prompts(*"abcdefgh"))

    assert list(asked(upstream)) == list("abcdefgh")


def test_quiet_says_nothing_but_what_failed(cli, upstream):
    good, bad = cli("batch", "-q", "-", stdin=prompts("a")), cli("batch", "-q", "-", stdin="x\n")

    assert good.err == ""
    assert bad.err == "llmc: error: line 1: it is not JSON: expecting value (column 1)\n"


def test_an_empty_file_is_no_fault(cli, upstream):
    result = cli("batch", "-", stdin="")

    assert (result.code, result.out) == (0, "")


# -- OpenAI's form -------------------------------------------------------------------------------


def other(name: str, number: int = 1, **body) -> dict:
    """A request of OpenAI's other kinds."""
    url = f"/v1/{name}"
    return {"custom_id": f"{name}-{number}", "method": "POST", "url": url, "body": body}


def vectors(*numbers: list[float]) -> Reply:
    listed = [{"index": n, "embedding": each} for n, each in enumerate(numbers)]
    told = {"data": listed, "model": "e", "usage": {"prompt_tokens": 4, "total_tokens": 4}}
    return Reply(raw=json.dumps(told).encode())


RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "m",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "blue"}]}],
    "usage": {"input_tokens": 5, "output_tokens": 2},
}


def test_responses_and_embeddings_run_unchanged_too(cli, upstream):
    upstream.will(Reply(raw=json.dumps(RESPONSE).encode()), vectors([0.5, 0.25]))
    file = jsonl(
        other("responses", model="m", input="which?", max_output_tokens=9),
        other("embeddings", model="e", input="one"),
    )

    first, again = (cli("batch", "-", "-j", "1", stdin=file) for _ in range(2))

    assert (first.code, again.out) == (0, first.out)
    answer, vector = (line["response"]["body"] for line in parsed(first.out))
    assert answer == RESPONSE
    assert vector["data"] == [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]
    assert [call.path for call in upstream.calls] == ["/v1/responses", "/v1/embeddings"]
    assert "temperature" not in upstream.calls[1].body


def test_embeddings_of_several_texts_are_one_question(cli, upstream):
    upstream.will(vectors([0.5], [0.25]))
    file = jsonl(other("embeddings", model="e", input=["one", "two"], encoding_format="base64"))

    first, again = (cli("batch", "-", stdin=file) for _ in range(2))

    (line,) = parsed(again.out)
    packed = [each["embedding"] for each in line["response"]["body"]["data"]]
    assert packed == ["AAAAPw==", "AACAPg=="]
    assert again.out == first.out
    assert len(upstream.calls) == 1


def test_an_embedding_of_a_batch_is_a_hit_for_a_client(cli, upstream):
    upstream.will(vectors([0.5, 0.25]))
    cli("batch", "-", stdin=jsonl(other("embeddings", model="e", input=["one"])))

    with llmc.wrap(openai.OpenAI(api_key="sk-x")) as client:
        found = client.embeddings.create(model="e", input="one")

    assert found.data[0].embedding == [0.5, 0.25]
    assert len(upstream.calls) == 1


def test_an_embedding_is_no_other_text_s(cli, upstream):
    upstream.will(vectors([0.5]), vectors([0.25]))
    file = jsonl(*(other("embeddings", model="e", input=text) for text in ("how?", "how so?")))

    cli("batch", "-", "-j", "1", "--match", "semantic", stdin=file)

    assert len(upstream.calls) == 2


def test_a_plan_and_a_limit_know_the_other_kinds(cli, upstream):
    file = jsonl(
        other("responses", model="gpt-4o", input="which?", max_output_tokens=9),
        other("embeddings", model="text-embedding-3-small", input="one"),
    )

    plan = json.loads(cli("batch", "-", "--plan", "--json", stdin=file).out)
    upstream.will(Reply(raw=json.dumps(RESPONSE).encode()), vectors([0.5]))
    ran = cli("batch", "-", "-j", "1", "--max-cost", "1", stdin=file)

    assert (plan["to_ask"], plan["unpriced"], ran.code) == (2, 0, 0)


@pytest.mark.parametrize("name", ["responses", "embeddings"])
def test_what_is_no_answer_of_its_kind_is_a_failure(cli, upstream, name):
    upstream.will(*[Reply(raw=b"{}")] * 3)

    result = cli("batch", "-", "--retries", "0", stdin=jsonl(other(name, model="m", input="q")))

    assert result.code == 1
    assert "sent a malformed answer" in result.err


def test_an_openai_batch_file_runs_unchanged(cli, upstream):
    result = cli("batch", "-", stdin=jsonl(whole("a", max_tokens=1000), whole("b")))

    first, second = parsed(result.out)
    assert (result.code, first["custom_id"], second["custom_id"]) == (0, "request-a", "request-b")
    assert first["error"] is None
    assert first["response"]["status_code"] == 200
    body = first["response"]["body"]
    assert (body["object"], body["model"]) == ("chat.completion", "gpt-4o-mini")
    assert body["choices"][0]["message"]["role"] == "assistant"
    assert body["choices"][0]["message"]["content"].startswith("answer")
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["total_tokens"] == 120


def test_its_answers_are_objects_of_the_sdk(cli, upstream):
    from openai.types.chat import ChatCompletion

    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    upstream.will(Reply(message=message, finish_reason="tool_calls"))

    for _ in range(2):
        (told,) = parsed(cli("batch", "-", stdin=jsonl(whole("a"))).out)

        completion = ChatCompletion.model_validate(told["response"]["body"])
        assert completion.choices[0].message.tool_calls[0].function.name == "f"


def test_what_the_provider_says_no_to_is_told_as_its_error_file_does(cli, upstream):
    error = {"error": {"message": "no such model", "type": "x", "param": None, "code": "y"}}
    upstream.will(Reply(status=400, error=error))

    result = cli("batch", "-", stdin=jsonl(whole("a")))

    (told,) = parsed(result.out)
    assert result.code == 1
    assert told["error"] is None
    assert told["response"]["status_code"] == 400
    assert told["response"]["body"] == error
    assert "line 1 (request-a)" in result.err


def test_what_could_not_be_asked_has_no_response(cli, upstream):
    offline = cli("batch", "-", "--offline", stdin=jsonl(whole("a")))
    malformed = cli("batch", "-", stdin=jsonl(whole("a") | {"method": "GET"}))

    assert (offline.code, malformed.code) == (3, 1)
    assert parsed(offline.out)[0]["error"]["code"] == "not_cached"
    assert parsed(malformed.out)[0]["error"] == {
        "code": "invalid_request",
        "message": "'method' is not POST",
    }
    assert parsed(malformed.out)[0]["response"] is None


def test_a_flag_that_adds_to_a_question_is_refused_beside_a_whole_request(cli, upstream):
    result = cli("batch", "-", "-s", "be brief", stdin=jsonl(whole("a")))

    assert result.code == 2
    assert upstream.calls == []


# -- what fails ----------------------------------------------------------------------------------


def test_a_failed_row_costs_one_line_and_the_exit_code(cli, upstream):
    upstream.will(Reply(status=400))

    result = cli("batch", "-j", "1", "-", stdin=prompts("a", "b"))

    first, second = parsed(result.out)
    assert result.code == 1
    assert first == {
        "custom_id": "a",
        "line": 1,
        "answer": None,
        "error": first["error"],
    }
    assert "answered 400: no" in first["error"]
    assert second["answer"]
    assert result.err.count("error: line 1 (a): ") == 1


def test_a_refusal_is_no_answer(cli, upstream):
    upstream.will(Reply(message={"role": "assistant", "content": None, "refusal": "I will not"}))

    result = cli("batch", "-", stdin=prompts("a"))

    assert result.code == 1
    assert parsed(result.out)[0]["error"] == "the model refused: I will not"


def test_malformed_lines_are_told_with_their_number_and_passed_over(cli, upstream):
    lines = b'\xef\xbb\xbf{"prompt": "a"}\r\n\r\nx\n[1]\n{"prompt": "\xff"}\n{"prompt": "b"}'

    result = cli("batch", "-", stdin=lines)

    told = parsed(result.out)
    assert result.code == 1
    assert [each["line"] for each in told] == [1, 3, 4, 5, 6]
    assert [each["answer"] is None for each in told] == [False, True, True, True, False]
    assert [line.split(": ")[2] for line in result.err.splitlines()[:3]] == [
        "line 3",
        "line 4",
        "line 5",
    ]


def test_a_line_that_is_too_long_costs_itself_alone(cli, upstream, monkeypatch):
    monkeypatch.setattr("llmc.streams.LIMIT", 100_000)
    lines = jsonl({"prompt": "a"}, {"prompt": "x" * 300_000}, {"prompt": "b"})

    result = cli("batch", "-", stdin=lines)

    assert [each["answer"] is None for each in parsed(result.out)] == [False, True, False]
    assert asked(upstream) == {"a": 1, "b": 1}


def test_offline_a_missing_row_is_an_error_line_and_exit_3(cli, upstream):
    cli("batch", "-", stdin=prompts("a"))

    result = cli("batch", "-", "--offline", stdin=prompts("a", "b"))

    first, second = parsed(result.out)
    assert (result.code, first["source"]) == (3, "exact")
    assert second["error"] == "not in the cache (--offline)"


def test_without_a_key_it_ends_with_4(cli, home):
    result = cli("batch", "-", "-m", "deepseek/x", stdin=prompts("a", "b"))

    assert (result.code, result.out) == (4, "")
    assert "DEEPSEEK_API_KEY is not set" in result.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("no.jsonl",), "no.jsonl: no such file"),
        ((".",), ".: is a directory"),
        (("-", "--offline", "--refresh"), "contradict"),
        (("-", "-j", "0"), "0 is not a number from 1 up"),
        (("-", "--max-cost", "-1"), "-1.0 is not a number from 0 up"),
        (("-", "--max-cost", "nan"), "nan is not a number from 0 up"),
        ((), "FILE"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_used_is_one_line_and_exit_2(cli, upstream, arguments, says):
    result = cli("batch", *arguments, stdin=prompts("a"))

    assert result.code == 2
    assert says in result.err


def test_a_provider_that_nobody_knows_is_not_each_line_s_fault(cli):
    result = cli("batch", "-", "-m", "olama/x", stdin=prompts("a", "b"))

    assert (result.code, result.out) == (2, "")
    assert result.err.count("no provider is called 'olama'") == 1


# -- the cache file ------------------------------------------------------------------------------


def test_a_file_that_cannot_be_used_costs_one_note(cli, upstream, unusable):
    result = cli("batch", "-", stdin=prompts("a", "b"))

    assert result.code == 0
    assert [each["answer"] for each in parsed(result.out)] != [None, None]
    assert result.err.count(unusable.reason) == 1
    assert cli("batch", "-", "--offline", stdin=prompts("a")).code == 5
    assert cli("batch", "-", "--plan", stdin=prompts("a")).code == 5


def test_a_file_that_is_read_only_costs_one_note(cli, program, upstream, db, home):
    before = bound_by_modes()
    cli("batch", "-", stdin=prompts("a"))
    db.chmod(0o400)
    db.parent.chmod(0o500)
    done = subprocess.run(
        [*before, sys.executable, "-m", "llmc", "batch", "-"],
        input=prompts("a", "b", "c"),
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    db.parent.chmod(0o700)

    assert done.returncode == 0, done.stderr
    assert [each["source"] for each in parsed(done.stdout)] == ["exact", "model", "model"]
    assert done.stderr.count("read-only") == 1


# -- plan and money ------------------------------------------------------------------------------


def test_a_plan_sends_nothing_and_counts(cli, upstream, prices):
    cli("batch", "-", stdin=prompts("a"))
    lines = prompts("a", "b", "c", "b") + "x\n"

    result = cli("batch", "-", "--plan", "--json", stdin=lines)

    assert result.code == 1
    assert json.loads(result.out) == {
        "rows": 5,
        "cached": 1,
        "same": 1,
        "to_ask": 2,
        "faulty": 1,
        "unpriced": 0,
        "estimated_prompt_tokens": 2,
        "estimated_cost_usd": 0.02002,
        "assumed_answer_tokens": 500,
    }
    assert len(upstream.calls) == 1
    assert "error: line 5: it is not JSON" in result.err


def test_a_plan_is_told_to_a_person(cli, upstream, prices):
    result = cli("batch", "-", "--plan", "--max-tokens", "10", stdin=prompts("a", "b"))

    assert result.out == (
        "2 rows: 0 in the cache, 2 to ask\n"
        "cost: about $0.00042 for about 2 prompt tokens, and answers of 500 tokens or their limit\n"
    )


def test_a_plan_makes_no_cache_file(cli, upstream, db):
    cli("batch", "-", "--plan", stdin=prompts("a"))

    assert not db.exists()


def test_a_limit_is_not_crossed(cli, upstream, prices):
    lines = prompts(*(letter * 400 for letter in "abcdefgh"))

    result = cli("batch", "-", "--max-cost", "0.005", "--max-tokens", "20", stdin=lines)

    told = parsed(result.out)
    assert result.code == 1
    assert len(told) == len(upstream.calls) == 3
    assert "stopped before line 4: of $0.0050, $0.0042 is spent" in result.err


def test_a_higher_limit_goes_on_from_there(cli, upstream, prices):
    lines = prompts(*(letter * 400 for letter in "abcdefgh"))
    flags = ("batch", "-", "--max-tokens", "20", "--max-cost")
    cli(*flags, "0.005", stdin=lines)

    result = cli(*flags, "1", stdin=lines)

    assert result.code == 0
    assert set(asked(upstream).values()) == {1}
    assert len(upstream.calls) == 8


def test_a_limit_needs_a_price(cli, upstream, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://model.example/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "k")

    result = cli("batch", "-", "-m", "m", "--max-cost", "1", stdin=prompts("a"))

    assert (result.code, result.out) == (2, "")
    assert "the price of 'm' is not known" in result.err


# -- how it ends ---------------------------------------------------------------------------------


def test_killed_in_the_middle_it_goes_on_without_paying_twice(
    start, upstream, cli, home, monkeypatch
):
    words = [f"q{number}" for number in range(12)]
    slow, take = set(words[6:]), upstream.take

    def held(call):
        is_slow = call.body["messages"][-1]["content"] in slow
        return take(call)._replace(delay=60 if is_slow else 0)

    monkeypatch.setattr(upstream, "take", held)
    (home / "in.jsonl").write_text(prompts(*words))
    process = start("-j", "2", "in.jsonl")
    told = [json.loads(process.stdout.readline())["custom_id"] for _ in range(6)]
    assert eventually(lambda: len(upstream.calls) == 8)
    process.kill()
    process.wait()
    slow.clear()

    result = cli("batch", "in.jsonl")

    assert result.code == 0
    assert told == words[:6]
    assert asked(upstream) == dict.fromkeys(words, 1) | {"q6": 2, "q7": 2}  # they were under way
    assert [each["custom_id"] for each in parsed(result.out)] == words


def test_interrupted_it_keeps_what_is_under_way_and_dies_by_the_signal(start, upstream, cli, home):
    (home / "in.jsonl").write_text(prompts(*"abcdef"))
    upstream.will(*(Reply(delay=0.5) for _ in range(2)))
    process = start("-j", "2", "in.jsonl")
    assert eventually(lambda: len(upstream.calls) == 2)

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)

    assert process.returncode == -signal.SIGINT
    assert b"waiting for 2 under way" in err
    assert len(upstream.calls) == 2
    cli("batch", "in.jsonl")
    assert set(asked(upstream).values()) == {1}


def test_interrupted_twice_it_does_not_wait(start, upstream, home):
    (home / "in.jsonl").write_text(prompts("a"))
    upstream.will(Reply(delay=60))
    process = start("in.jsonl")
    assert eventually(lambda: len(upstream.calls) == 1)

    process.send_signal(signal.SIGINT)
    while b"waiting for 1" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert process.returncode == -signal.SIGINT


def test_a_reader_that_leaves_ends_it_by_its_signal(start, upstream, home):
    (home / "in.jsonl").write_text(prompts(*map(str, range(50))))
    process = start("-j", "1", "-q", "in.jsonl")

    process.stdout.readline()
    process.stdout.close()

    assert process.wait(timeout=20) == -signal.SIGPIPE
    assert process.stderr.read() == b""
    assert len(upstream.calls) < 50


def test_answers_come_while_the_next_question_is_still_awaited(start, upstream):
    process = start("-", stdin=subprocess.PIPE)
    process.stdin.write(prompts("a").encode())
    process.stdin.flush()

    first = json.loads(process.stdout.readline())
    process.stdin.write(prompts("b").encode())
    process.stdin.close()
    second = json.loads(process.stdout.readline())

    assert (first["custom_id"], second["custom_id"]) == ("a", "b")
    assert process.wait(timeout=20) == 0


def test_on_a_terminal_it_says_how_far_it_is(upstream, home):
    (home / "in.jsonl").write_text(prompts(*map(str, range(20))))
    upstream.will(*(Reply() for _ in range(10)), *(Reply(delay=0.3) for _ in range(10)))
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    line = f"{sys.executable} -m llmc batch -j 2 in.jsonl > out.jsonl"

    with Terminal("sh", "-c", line, env=env) as terminal:
        told = terminal.rest()

    assert re.search(
        r"\r\033\[K\d+%, \d+ (s|min) left; \d+ rows?: 0 in the cache, \d+ asked; ", told
    )
    assert told.endswith("llmc: 20 rows: 0 in the cache, 20 asked; cost $0, saved $0\n")
    assert len(parsed((home / "out.jsonl").read_text())) == 20


# -- by meaning ----------------------------------------------------------------------------------


def test_other_words_match_on_demand_alone(cli, upstream, encoder):
    cli("ask", "how do I undo a commit?")

    once, again = prompts("how can I undo a commit?"), prompts("how should I undo a commit?")

    exact = cli("batch", "-", stdin=once)
    semantic = cli("batch", "-", "--match", "semantic", stdin=again)

    assert [each["source"] for each in parsed(exact.out + semantic.out)] == ["model", "semantic"]
