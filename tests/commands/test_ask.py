from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from unittest.mock import ANY

import pytest
from upstream import USAGE, Reply

from llmc import streams
from llmc.errors import CacheFileError
from llmc.store import Store

ROOT = Path(__file__).resolve().parent.parent.parent

#: An answer or a prompt that would set a title, change colours and turn the reading direction.
CONTROLS = "\x1b]0;title\x07 \x1b[31mred\x9b2J \u202etxt\r"


def message(upstream, number: int = -1) -> dict[str, str]:
    """Return the messages of one call by role; a role may stand there once."""
    messages = upstream.calls[number].body["messages"]
    roles = [part["role"] for part in messages]
    assert len(set(roles)) == len(roles)
    return {part["role"]: part["content"] for part in messages}


# -- the straight line ---------------------------------------------------------------------------


def test_a_new_question_is_asked_and_its_answer_printed(cli, upstream):
    upstream.will(Reply("blue"))

    result = cli("ask", "which colour?")

    assert result.code == 0
    assert result.out == "blue\n"
    assert "asked gpt-6-luna" in result.err


def test_a_repeated_question_is_answered_from_the_file(cli, upstream):
    cli("ask", "which colour?")

    result = cli("ask", "which colour?", "--json")

    assert json.loads(result.out)["source"] == "exact"
    assert len(upstream.calls) == 1


def test_another_question_is_not_answered_by_this_one(cli, upstream):
    cli("ask", "which colour?")

    result = cli("ask", "which color?")

    assert result.out == "answer 2\n"


@pytest.mark.parametrize(
    "flags",
    [
        ("-m", "other"),
        ("-s", "be brief"),
        ("--context", "it is Monday"),
        ("-o", "top_p=0.5"),
        ("-n", "work"),
        ("--schema", "{}"),
    ],
)
def test_whatever_changes_the_answer_makes_another_question(cli, upstream, flags):
    cli("ask", "which colour?")

    result = cli("ask", "which colour?", *flags)

    assert result.out == "answer 2\n"


@pytest.mark.parametrize("text", ["no newline", "one newline\n"])
def test_the_answer_ends_with_exactly_one_newline(cli, upstream, text):
    upstream.will(Reply(text))

    result = cli("ask", "q")

    assert result.out == text.rstrip("\n") + "\n"


@pytest.mark.parametrize("flags", [(), ("--stream",)])
def test_the_first_and_the_second_answer_are_the_same_bytes(cli, upstream, flags):
    upstream.will(Reply("  three  words\n\n\tand a tab \u2028\n"))
    first = cli("ask", "q", *flags)

    second = cli("ask", "q", *flags)

    assert second.out == first.out == "  three  words\n\n\tand a tab \u2028\n"
    assert len(upstream.calls) == 1


# -- where the question comes from ---------------------------------------------------------------


@pytest.mark.parametrize("arguments", [(), ("-",), ("",)])
def test_the_question_may_be_piped_in(cli, upstream, arguments):
    result = cli("ask", *arguments, stdin="which colour?\n")

    assert result.code == 0
    assert message(upstream) == {"user": "which colour?"}


def test_a_piped_document_precedes_the_instruction(cli, upstream):
    cli("ask", "summarise", stdin="the text\n")

    assert message(upstream) == {"user": "the text\n\nsummarise"}


def test_an_empty_pipe_is_no_document(cli, upstream):
    cli("ask", "summarise", stdin="")

    assert message(upstream) == {"user": "summarise"}


def test_standard_input_can_be_left_alone(cli, upstream):
    cli("ask", "summarise", "--no-stdin", stdin="the text\n")

    assert message(upstream) == {"user": "summarise"}


def test_a_byte_order_mark_is_removed(cli, upstream):
    cli("ask", stdin=b"\xef\xbb\xbfwhich colour?")

    assert message(upstream) == {"user": "which colour?"}


@pytest.mark.parametrize(
    ("piped", "reason"),
    [
        (b"caf\xe9", "standard input is not UTF-8 (byte 0xe9 at offset 3)"),
        (b"a\0b", "a NUL byte at offset 1"),
        (b"a" * 10_000_001, "larger than 10 MB"),
    ],
    ids=["bad bytes", "NUL", "too large"],
)
def test_piped_bytes_that_are_no_text_are_refused(cli, upstream, piped, reason):
    result = cli("ask", "summarise", stdin=piped)

    assert result.code == 2
    assert reason in result.err
    assert upstream.calls == []


@pytest.mark.parametrize(
    ("arguments", "options", "reason"),
    [
        ((), {}, "no prompt"),
        ((), {"terminal": True}, "no prompt"),
        (("",), {}, "the prompt is empty"),
        ((" \n",), {}, "the prompt is empty"),
        ((), {"stdin": ""}, "no prompt"),
        (("-",), {"stdin": "\n"}, "standard input is empty"),
    ],
)
def test_without_words_nobody_is_asked(cli, upstream, arguments, options, reason):
    result = cli("ask", *arguments, **options)

    assert result.code == 2
    assert reason in result.err
    assert "llmc ask --help" in result.err
    assert upstream.calls == []


def test_a_prompt_may_begin_with_a_dash_after_two_dashes(cli, upstream):
    result = cli("ask", "--", "- an item")

    assert result.code == 0
    assert message(upstream) == {"user": "- an item"}


@pytest.mark.parametrize("prompt", ["- an item", "--- a rule", "-5 degrees"])
def test_a_prompt_that_begins_with_a_dash_is_explained(cli, upstream, prompt):
    result = cli("ask", prompt)

    assert result.code == 2
    assert "prompt" in result.err
    assert "--" in result.err.splitlines()[-1]
    assert upstream.calls == []


def test_a_process_substitution_is_read_each_time(home, upstream):
    line = f"{sys.executable} -m llmc ask -q summarise -f <(echo %s); "
    script = "".join(line % text for text in ("one", "one", "two"))

    subprocess.run(["bash", "-c", script], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)

    systems = [message(upstream, number)["system"] for number in range(len(upstream.calls))]
    assert [re.findall("one|two", text) for text in systems] == [["one"], ["two"]]


# -- how the prompt is laid out ------------------------------------------------------------------


def test_stable_material_precedes_what_changes(cli, upstream, home):
    (home / "b.txt").write_text("bees")
    (home / "a.txt").write_text("ants")

    cli("ask", "go", "-s", "be brief", "-f", "b.txt", "--context", "Monday", "-f", "a.txt")

    messages = upstream.calls[0].body["messages"]
    assert [part["role"] for part in messages] == ["system", "system", "user"]
    assert messages[0]["content"] == (
        'be brief\n\n<file name="a.txt">\nants\n</file>\n\n<file name="b.txt">\nbees\n</file>'
    )
    assert messages[1]["content"] == "Monday"
    assert messages[2]["content"] == "go"


def test_the_order_of_files_changes_nothing(cli, upstream, home):
    (home / "b.txt").write_text("bees")
    (home / "a.txt").write_text("ants")
    cli("ask", "go", "-f", "a.txt", "-f", "b.txt")

    result = cli("ask", "go", "-f", "b.txt", "-f", "a.txt")

    assert result.out == "answer 1\n"


def test_a_changed_file_makes_another_question(cli, upstream, home):
    (home / "a.txt").write_text("ants")
    cli("ask", "go", "-f", "a.txt")
    (home / "a.txt").write_text("bees")

    result = cli("ask", "go", "-f", "a.txt")

    assert result.out == "answer 2\n"


def test_files_need_no_system_text(cli, upstream, home):
    (home / "a.txt").write_text("ants")

    cli("ask", "go", "-f", "a.txt")

    assert message(upstream) == {"system": '<file name="a.txt">\nants\n</file>', "user": "go"}


def test_the_system_prompt_may_come_from_a_file(cli, upstream, home):
    (home / "role.txt").write_bytes(b"\xef\xbb\xbfbe brief")

    cli("ask", "go", "--system-file", "role.txt")

    assert message(upstream) == {"system": "be brief", "user": "go"}


@pytest.mark.parametrize("flag", ["-f", "--system-file", "--schema"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing.txt", "missing.txt: no such file or directory"),
        (".", ".: is a directory"),
        ("latin.txt", "latin.txt is not UTF-8 (byte 0xe9 at offset 3)"),
        ("binary", "a NUL byte"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_usage_error(cli, upstream, home, flag, path, reason):
    (home / "latin.txt").write_bytes(b"caf\xe9")
    (home / "binary").write_bytes(b"{\0}")

    result = cli("ask", "go", flag, path)

    assert result.code == 2
    assert reason in result.err
    assert upstream.calls == []


# -- parameters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("x=0.5", 0.5),
        ("x=7", 7),
        ("x=true", True),
        ("x=null", None),
        ('x=["a", "b"]', ["a", "b"]),
        ('x={"a": 1}', {"a": 1}),
        ("x=high", "high"),
        ('x="7"', "7"),
        ("x=a=b", "a=b"),
        ("x=", ""),
        ("x={broken", "{broken"),
        ("x=NaN", "NaN"),
    ],
)
def test_an_option_is_json_where_it_is_json_and_else_text(cli, upstream, pair, value):
    result = cli("ask", "q", "-o", pair)

    assert result.code == 0
    assert upstream.calls[0].body["x"] == value


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        ("model=other", "use -m"),
        ("messages=[]", "give the prompt as an argument"),
        ("stream=true", "use --stream or --no-stream"),
        ("stream_options={}", "llmc sets it by itself"),
        ("top_p", "write it as name=value"),
        ("=1", "write it as name=value"),
    ],
)
def test_an_option_that_is_not_the_users_is_refused(cli, upstream, pair, reason):
    result = cli("ask", "q", "-o", pair)

    assert result.code == 2
    assert reason in result.err
    assert upstream.calls == []


def test_a_stated_zero_temperature_is_another_question_than_none(cli, upstream):
    cli("ask", "q", "-m", "small")
    stated = cli("ask", "q", "-m", "small", "--temperature", "0")

    again = cli("ask", "q", "-m", "small", "-o", "temperature=0.0")

    assert stated.out == again.out == "answer 2\n"
    assert [call.body["temperature"] for call in upstream.calls] == [0, 0]


def test_a_model_with_fixed_sampling_gets_no_temperature(cli, upstream):
    cli("ask", "q", "-m", "gpt-6-luna")

    assert "temperature" not in upstream.calls[0].body


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--temperature", "0.7"), "not stored: temperature 0.7 asks for variety"),
        (("-o", "n=2"), "not stored: n = 2 asks for variety"),
        (("--no-cache",), "not stored: --no-cache"),
    ],
)
def test_an_answer_past_the_cache_says_why_it_was_not_stored(cli, upstream, listed, flags, reason):
    cli("ask", "q", *flags)

    result = cli("ask", "q", *flags)

    assert result.out == "answer 2\n"
    assert reason in result.err
    assert listed() == []


def test_no_cache_does_not_read_what_is_stored(cli, upstream):
    cli("ask", "q")

    result = cli("ask", "q", "--no-cache")

    assert result.out == "answer 2\n"


@pytest.mark.parametrize(
    ("stored", "asked", "source"),
    [
        ((), ("--max-tokens", "50"), "exact"),
        ((), ("--max-tokens", "20"), "exact"),
        ((), ("--max-tokens", "19"), "model"),
        (("--max-tokens", "50"), (), "exact"),
        (("--max-tokens", "50"), ("--max-tokens", "500"), "exact"),
        (("--max-tokens", "50"), ("--max-tokens", "30"), "exact"),
        (("--max-tokens", "50"), ("--max-tokens", "10"), "model"),
        (("--max-tokens", "50"), ("-o", "max_completion_tokens=60"), "exact"),
    ],
)
def test_an_answer_of_20_tokens_serves_every_limit_that_it_fits_in(
    answer, upstream, stored, asked, source
):
    answer("q", *stored)

    found = answer("q", *asked)

    assert found["source"] == source


def test_max_tokens_is_sent_under_the_name_that_local_servers_know(cli, upstream):
    cli("ask", "q", "--max-tokens", "50")

    assert upstream.calls[0].body["max_tokens"] == 50


@pytest.mark.parametrize("inline", [True, False])
def test_a_schema_comes_from_the_flag_or_from_a_file(cli, upstream, home, inline):
    (home / "schema.json").write_text('{"type": "object"}')

    result = cli("ask", "q", "--schema", '{"type": "object"}' if inline else "schema.json")

    assert result.code == 0
    assert upstream.calls[0].body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}},
    }


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("{broken", "--schema: "),
        ("broken.json", "broken.json: "),
        ("list.json", "a JSON schema is an object"),
        ('{"minimum": NaN}', "NaN is not JSON"),
    ],
)
def test_an_invalid_schema_is_refused(cli, upstream, home, schema, reason):
    (home / "broken.json").write_text("{broken")
    (home / "list.json").write_text("[]")

    result = cli("ask", "q", "--schema", schema)

    assert result.code == 2
    assert reason in result.err
    assert upstream.calls == []


@pytest.mark.parametrize(
    "flags",
    [
        ("--temperature", "nan"),
        ("--temperature", "inf"),
        ("--schema", '{"minimum": 1e999}'),
        ("--max-tokens", "9" * 30),
        ("--max-tokens", "0"),
        ("--temperature", "warm"),
        ("--sample", "0"),
        ("--timeout", "0"),
        ("--timeout", "soon"),
        ("--timeout", "9999y"),
        ("--retries", "-1"),
        ("--retries", "many"),
        ("--match", "guess"),
    ],
)
def test_a_number_that_makes_no_sense_is_a_usage_error(cli, upstream, flags):
    result = cli("ask", "q", *flags)

    assert result.code == 2
    assert flags[0] in result.err
    assert "unexpected" not in result.err
    assert upstream.calls == []


@pytest.mark.parametrize(
    "flags",
    [
        ("q", "-s", "\udcff"),
        ("q", "-m", "\udcff"),
        ("q", "-n", "\udcff"),
        ("q", "--context", "\udcff"),
        ("q", "-o", "x=\udcff"),
        ("q", "--schema", '{"title": "\udcff"}'),
        ("q", "-f", "caf\udce9"),
        ("\udcff",),
    ],
    ids=lambda flags: flags[-2] if len(flags) > 1 else "prompt",
)
def test_bytes_that_are_no_utf8_in_an_argument_are_a_usage_error(cli, upstream, home, flags):
    (home / "caf\udce9").write_text("a file whose name is Latin-1")

    result = cli("ask", *flags)

    assert result.code == 2
    assert "UTF-8" in result.err
    assert "unexpected" not in result.err
    assert upstream.calls == []


# -- extract, namespace, life --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("Here:\n```python\nx = 1\n```\nand\n```\ny\n```\n", "x = 1\n"),
        ("~~~\nx\n```\n~~~\n", "x\n```\n"),
        ("````\n```\nx\n```\n````", "```\nx\n```\n"),
        ("  ```sh\nls\n  ```", "ls\n"),
        ("no block at all", "no block at all\n"),
        ("an open one\n```\nx", "an open one\n```\nx\n"),
    ],
)
def test_extract_prints_the_first_fenced_block_alone(cli, upstream, text, block):
    upstream.will(Reply(text))

    result = cli("ask", "q", "-x")

    assert result.out == block


def test_extract_and_the_whole_answer_share_an_entry(cli, upstream):
    upstream.will(Reply("see\n```\nx\n```"))
    cli("ask", "q", "-x")

    result = cli("ask", "q")

    assert result.out == "see\n```\nx\n```\n"
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("flags", [("--exact",), ("--match", "exact"), ("--match", "auto")])
def test_how_to_match_changes_nothing_of_an_exact_hit(cli, upstream, flags):
    cli("ask", "q")

    result = cli("ask", "q", *flags)

    assert result.out == "answer 1\n"


def test_namespaces_do_not_see_each_other(cli, upstream, answer):
    cli("ask", "q", "-n", "work")
    cli("ask", "q", "-n", "play")

    found = answer("q", "-n", "work")

    assert (found["answer"], found["namespace"], found["source"]) == ("answer 1", "work", "exact")


def test_an_answer_lives_as_long_as_its_ttl(answer, upstream, store):
    first = answer("q", "--ttl", "1h30m")
    store.file.execute("UPDATE entry SET expires_at = 1")

    second = answer("q", "--ttl", "1h30m")

    assert first["expires_at"] - first["created_at"] == pytest.approx(5400)
    assert second["source"] == "model"
    assert second["id"] == first["id"]


def test_a_hit_never_lengthens_a_life(answer, upstream):
    first = answer("q", "--ttl", "1h")

    second = answer("q", "--ttl", "9h")

    assert second["expires_at"] == first["expires_at"]


@pytest.mark.parametrize("flags", [(), ("--ttl", "none")])
def test_without_a_ttl_an_answer_has_no_end(answer, upstream, flags):
    assert answer("q", *flags)["expires_at"] is None


def test_a_ttl_of_0_stores_nothing_and_says_so(cli, upstream, listed):
    result = cli("ask", "q", "--ttl", "0")

    assert result.code == 0
    assert "not stored: a TTL of 0" in result.err
    assert listed() == []


@pytest.mark.parametrize("flag", ["--ttl", "--stale-if-error"])
@pytest.mark.parametrize("text", ["-5", "-1h", "soon", "", "1h30", "1 h x", "nan", "9" * 310])
def test_a_time_that_is_none_is_a_usage_error(cli, upstream, flag, text):
    result = cli("ask", "q", flag, text)

    assert result.code == 2
    assert flag in result.err
    assert upstream.calls == []


# -- refresh, offline, stale ---------------------------------------------------------------------


def test_refresh_asks_anew_and_overwrites_the_same_entry(answer, upstream, listed):
    first = answer("q")

    second = answer("q", "--refresh")

    assert (second["source"], second["answer"]) == ("model", "answer 2")
    assert second["id"] == first["id"]
    assert [entry["answer"] for entry in listed()] == ["answer 2"]


def test_a_failed_refresh_keeps_the_stored_answer(cli, upstream):
    cli("ask", "q")
    upstream.will(Reply(status=400))

    failed = cli("ask", "q", "--refresh")

    assert failed.code == 1
    assert cli("ask", "q", "--offline").out == "answer 1\n"


def test_offline_answers_what_is_stored(cli, upstream):
    cli("ask", "q")

    result = cli("ask", "q", "--offline")

    assert (result.code, result.out) == (0, "answer 1\n")


def test_offline_ends_with_3_where_nothing_is_stored(cli, upstream):
    result = cli("ask", "q", "--offline")

    assert (result.code, result.out) == (3, "")
    assert "not in the cache" in result.err
    assert upstream.calls == []


def test_offline_does_not_serve_what_has_expired(cli, upstream, store):
    cli("ask", "q", "--ttl", "1h")
    store.file.execute("UPDATE entry SET expires_at = 1")

    result = cli("ask", "q", "--offline")

    assert (result.code, result.out) == (3, "")


def test_a_stale_answer_stands_in_for_a_failing_provider(cli, upstream, store):
    cli("ask", "q", "--ttl", "1h")
    store.file.execute("UPDATE entry SET expires_at = unixepoch() - 7300")
    upstream.will(Reply(status=503))

    result = cli("ask", "q", "--stale-if-error", "7d", "--retries", "0")

    assert (result.code, result.out) == (0, "answer 1\n")
    assert "answered 503" in result.err
    assert re.search(r"^llmc: stale answer, \d+ s old, expired 2 h ago$", result.err, re.MULTILINE)


def test_a_stale_answer_saved_nothing(answer, upstream, store, prices):
    answer("q", "--ttl", "1h")
    store.file.execute("UPDATE entry SET expires_at = 1")
    upstream.will(Reply(status=503))

    found = answer("q", "--stale-if-error", "99y", "--retries", "0")

    assert (found["source"], found["cost_usd"], found["saved_usd"]) == ("stale", 0, 0)


def test_an_answer_that_is_too_stale_does_not_stand_in(cli, upstream, store):
    cli("ask", "q", "--ttl", "1h")
    store.file.execute("UPDATE entry SET expires_at = 1")
    upstream.will(Reply(status=503))

    result = cli("ask", "q", "--stale-if-error", "7d", "--retries", "0")

    assert (result.code, result.out) == (1, "")


@pytest.mark.parametrize(("status", "code"), [(400, 1), (401, 4)])
def test_a_stale_answer_does_not_hide_what_the_user_must_mend(cli, upstream, store, status, code):
    cli("ask", "q", "--ttl", "1h")
    store.file.execute("UPDATE entry SET expires_at = unixepoch() - 10")
    upstream.will(Reply(status=status))

    result = cli("ask", "q", "--stale-if-error", "7d", "--retries", "0")

    assert (result.code, result.out) == (code, "")


def test_a_working_provider_is_preferred_to_a_stale_answer(cli, upstream, store):
    cli("ask", "q", "--ttl", "1h")
    store.file.execute("UPDATE entry SET expires_at = unixepoch() - 10")

    result = cli("ask", "q", "--stale-if-error", "7d")

    assert result.out == "answer 2\n"


# -- samples -------------------------------------------------------------------------------------


def test_samples_are_asked_for_until_there_are_enough(cli, upstream):
    first = cli("ask", "q", "--sample", "2", "--temperature", "1")
    second = cli("ask", "q", "--sample", "2", "--temperature", "1")

    third = cli("ask", "q", "--sample", "2", "--temperature", "1")

    assert (first.out, second.out) == ("answer 1\n", "answer 2\n")
    assert third.out in {"answer 1\n", "answer 2\n"}
    assert len(upstream.calls) == 2


def test_an_index_names_one_sample(answer, upstream):
    answer("q", "--sample", "2", "--index", "2")
    answer("q", "--sample", "2", "--index", "1")

    found = answer("q", "--sample", "2", "--index", "2")

    assert (found["answer"], found["source"]) == ("answer 1", "exact")


def test_a_sample_does_not_answer_the_plain_question(cli, upstream):
    cli("ask", "q", "--sample", "1")

    result = cli("ask", "q")

    assert result.out == "answer 2\n"


def test_samples_are_wanted_for_their_variety(cli, upstream):
    cli("ask", "q", "-m", "small", "--sample", "2")

    assert "temperature" not in upstream.calls[0].body


# -- what is printed -----------------------------------------------------------------------------


def test_json_of_a_miss_has_every_documented_field(answer, upstream, prices):
    upstream.will(Reply("blue"))

    found = answer("q")

    assert found == {
        "answer": "blue",
        "source": "model",
        "level": None,
        "id": 1,
        "similarity": None,
        "matched_prompt": None,
        "model": "gpt-6-luna",
        "namespace": "default",
        "usage": USAGE,
        "cost_usd": prices,
        "saved_usd": 0,
        "latency_ms": ANY,
        "age_s": 0,
        "created_at": ANY,
        "expires_at": None,
        "finish_reason": "stop",
    }
    assert found["latency_ms"] > 0
    assert found["created_at"] > 1_700_000_000


def test_json_of_a_hit_costs_nothing_and_says_what_it_saved(answer, upstream, prices, store):
    first = answer("q", "--ttl", "1h")
    store.file.execute("UPDATE entry SET created_at = created_at - 90")

    found = answer("q")

    assert found == first | {
        "source": "exact",
        "level": 2,
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        "cost_usd": 0,
        "saved_usd": prices,
        "latency_ms": ANY,
        "age_s": pytest.approx(90, abs=5),
        "created_at": pytest.approx(first["created_at"] - 90),
    }
    assert list(found) == list(first)


def test_json_is_one_line_whatever_the_answer_holds(cli, upstream):
    upstream.will(Reply("one\ntwo\x1b[31m\t\0 \u2028 ü"))

    result = cli("ask", "q", "--json", "--stream", terminal=True)

    assert result.out.count("\n") == 1
    assert json.loads(result.out)["answer"] == "one\ntwo\x1b[31m\t\0 \u2028 ü"


def test_json_and_a_later_plain_answer_share_an_entry(cli, upstream):
    cli("ask", "q", "--json")

    result = cli("ask", "q")

    assert result.out == "answer 1\n"


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ((), r"llmc: asked gpt-6-luna, \d\.\d+ s, cost \$0\.0014\n"),
        (
            ("-v",),
            (
                r"llmc: asked gpt-6-luna, \d\.\d+ s, cost \$0\.0014, 40 of 100 prompt tokens"
                r" cached by the provider; entry 1, key [0-9a-f]{12}, namespace default\n"
            ),
        ),
        (("-q",), ""),
    ],
)
def test_the_line_of_a_miss_says_what_it_cost(cli, upstream, configuration, flags, line):
    configuration('[prices."gpt-6-*"]\ninput = 10\noutput = 20\ncached_input = 10\n')
    upstream.will(Reply(usage=USAGE | {"prompt_tokens_details": {"cached_tokens": 40}}))

    result = cli("ask", "q", *flags)

    assert re.fullmatch(line, result.err)


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ((), r"llmc: exact hit, 3 d old, saved \$0\.0014\n"),
        (
            ("-v",),
            (
                r"llmc: exact hit, 3 d old, saved \$0\.0014; entry 1, key [0-9a-f]{12},"
                r" namespace default\n"
            ),
        ),
        (("-q",), ""),
    ],
)
def test_the_line_of_a_hit_says_how_old_it_is_and_what_it_saved(
    cli, upstream, prices, store, flags, line
):
    cli("ask", "q")
    store.file.execute("UPDATE entry SET created_at = created_at - 3 * 86400 - 60")

    result = cli("ask", "q", *flags)

    assert re.fullmatch(line, result.err)


def test_an_unpriced_answer_is_never_free(cli, upstream, prices, store):
    upstream.will(Reply(usage=None))
    first = cli("ask", "q")
    store.file.execute("UPDATE entry SET latency = 1.94")

    second = cli("ask", "q")

    assert "price unknown" in first.err
    assert second.err == "llmc: exact hit, 0 s old, saved 1.9 s (price unknown)\n"
    assert json.loads(cli("ask", "q", "--json").out)["saved_usd"] is None


def test_a_free_model_saves_time(cli, upstream, store):
    cli("ask", "q")
    store.file.execute("UPDATE entry SET latency = 1.94")

    result = cli("ask", "q")

    assert result.err == "llmc: exact hit, 0 s old, saved 1.9 s\n"


def test_the_line_stays_one_line_whatever_the_model_is_called(cli, upstream):
    result = cli("ask", "q", "-m", "a\nb")

    assert result.err.count("\n") == 1


@pytest.mark.parametrize("flags", [(), ("--no-stream",)])
def test_control_characters_are_made_visible_on_a_terminal(cli, upstream, flags):
    upstream.will(Reply(CONTROLS))

    first = cli("ask", "q", *flags, terminal=True)

    assert first.out == "\ufffd]0;title\ufffd \ufffd[31mred\ufffd2J \ufffdtxt\ufffd\n"
    assert cli("ask", "q", *flags, terminal=True).out == first.out


@pytest.mark.parametrize("flags", [(), ("--stream",)])
def test_control_characters_pass_unchanged_into_a_pipe(cli, upstream, flags):
    upstream.will(Reply(CONTROLS))

    first = cli("ask", "q", *flags)

    assert first.out == CONTROLS + "\n"
    assert cli("ask", "q", *flags).out == first.out


@pytest.mark.parametrize(
    ("reply", "flags"),
    [
        (Reply(), ("-m", "small\x1b[2J")),
        (Reply(status=400, error={"error": {"message": "\x1b[2Jno\x07"}}), ()),
        (Reply(message={"content": None, "refusal": "\x1b[2Jno"}), ("--no-stream",)),
    ],
    ids=["model", "server's error", "refusal"],
)
def test_nothing_from_outside_commands_the_terminal_through_stderr(cli, upstream, reply, flags):
    upstream.will(reply)

    result = cli("ask", "q", "--color", "never", *flags, terminal=True)

    assert "\ufffd[2J" in result.err
    assert "\x1b" not in result.err


def test_markup_in_an_answer_is_text(cli, upstream):
    upstream.will(Reply("[red]hot[/red] :smile: [/x]"))

    result = cli("ask", "q", terminal=True)

    assert result.out == "[red]hot[/red] :smile: [/x]\n"


def test_a_terminal_gets_a_stream_and_a_pipe_does_not(cli, upstream):
    upstream.will(Reply("one two three"), Reply("one two three"))

    shown = cli("ask", "first", terminal=True)
    piped = cli("ask", "second")

    assert shown.out == piped.out == "one two three\n"
    assert [call.body.get("stream") for call in upstream.calls] == [True, None]


def test_a_stream_can_be_had_in_a_pipe_and_is_stored(cli, upstream, listed):
    upstream.will(Reply("one two three"))

    result = cli("ask", "q", "--stream")

    assert result.out == "one two three\n"
    assert upstream.calls[0].body["stream"] is True
    assert [entry["answer"] for entry in listed()] == ["one two three"]


def test_streamed_and_plain_answers_share_an_entry(cli, upstream):
    cli("ask", "q", "--stream")

    result = cli("ask", "q")

    assert result.out == "answer 1\n"
    assert len(upstream.calls) == 1


def test_a_tool_call_is_shown_stored_and_shown_again(cli, upstream):
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    whole = {"role": "assistant", "content": None, "tool_calls": calls}
    upstream.will(Reply(message=whole, finish_reason="tool_calls"))
    tools = 'tools=[{"type": "function", "function": {"name": "f"}}]'

    first = cli("ask", "q", "-o", tools)

    assert first.code == 0
    assert json.loads(first.out) == calls
    assert cli("ask", "q", "-o", tools).out == first.out
    assert len(upstream.calls) == 1


# -- dry run -------------------------------------------------------------------------------------


def test_a_dry_run_prints_the_request_and_reaches_nobody(cli, upstream, db):
    result = cli("ask", "q", "-s", "be brief", "--dry-run", "--json")

    plan = json.loads(result.out)
    assert plan["request"]["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "q"},
    ]
    assert (plan["source"], plan["id"], plan["base_url"]) == ("model", None, upstream.url)
    assert upstream.calls == []
    assert not db.exists()


def test_a_dry_run_names_the_entry_that_would_answer_and_counts_no_hit(cli, upstream, listed):
    cli("ask", "q")

    result = cli("ask", "q", "--dry-run", "--json")

    plan = json.loads(result.out)
    assert (plan["source"], plan["id"], plan["estimated_cost_usd"]) == ("exact", 1, 0)
    assert plan["key"] == listed()[0]["key"]
    assert listed()[0]["hits"] == 0


def test_a_dry_run_tells_a_person_what_it_would_cost(cli, upstream, configuration):
    configuration('[prices."*"]\ninput = 10000\noutput = 0\n')

    result = cli("ask", "four tokens in all", "--dry-run")

    assert re.search(r"^key +[0-9a-f]{64}$", result.out, re.MULTILINE)
    assert re.search(
        r"^answer +gpt-6-luna at http://127\.0\.0\.1:\d+/v1 \(miss: not stored\)$",
        result.out,
        re.MULTILINE,
    )
    assert re.search(r"^cost +about \$0\.05\d? for about 5 prompt tokens", result.out, re.MULTILINE)
    assert '"content": "four tokens in all"' in result.out


def test_a_dry_run_offline_does_not_name_a_model_that_would_not_be_asked(cli, upstream):
    result = cli("ask", "q", "--dry-run", "--offline", "--json")

    assert '"source": "model"' not in result.out


def test_a_dry_run_does_not_obey_a_prompt_on_a_terminal(cli, upstream):
    result = cli("ask", CONTROLS, "--dry-run", terminal=True)

    assert "\x1b" not in result.out
    assert "\x9b" not in result.out


# -- flags that are refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--refresh", "--no-cache"), "--refresh and --no-cache contradict each other"),
        (("--refresh", "--offline"), "--refresh and --offline contradict each other"),
        (("--no-cache", "--offline"), "--no-cache and --offline contradict each other"),
        (("-s", "a", "--system-file", "b"), "--system and --system-file contradict each other"),
        (("--index", "1"), "--index names one of --sample N"),
        (("--sample", "2", "--index", "3"), "--index names one of --sample N"),
        (("-c",), "-c (--continue) is not offered yet"),
        (("--continue",), "-c (--continue) is not offered yet"),
        (("-a", "x.png"), "-a (--attachment) is not offered yet"),
    ],
)
def test_flags_that_cannot_be_obeyed_are_refused(cli, upstream, flags, reason):
    result = cli("ask", "q", *flags)

    assert result.code == 2
    assert reason in result.err
    assert upstream.calls == []


def test_a_mistyped_flag_names_the_one_that_was_meant(cli, upstream):
    result = cli("ask", "q", "--modle", "small")

    assert result.code == 2
    assert "--modle" in result.err
    assert "--model" in result.err
    assert "llmc ask --help" in result.err


# -- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "flags", "code"),
    [
        (Reply("half an", finish_reason="length"), (), 0),
        (Reply("half an", finish_reason="length"), ("--stream",), 0),
        (Reply("an answer", finish_reason=None), (), 0),
        (Reply("an answer", finish_reason=None), ("--stream",), 1),
        (Reply("some", finish_reason="content_filter"), (), 1),
        (Reply("some", finish_reason="content_filter"), ("--stream",), 1),
        (Reply("odd", finish_reason="tired"), (), 0),
        (Reply(message={"role": "assistant", "content": None, "refusal": "no"}), (), 1),
        (Reply(""), (), 1),
        (Reply(" \n"), (), 1),
        (Reply(""), ("--stream",), 1),
        (Reply("one two three", cut=2), ("--stream",), 1),
        (Reply("one two three", cut=0), ("--stream",), 1),
        (Reply(choices=[]), (), 1),
        (Reply(raw=b'{"error": {"message": "overloaded"}}'), (), 1),
        (Reply(raw=b'{"error": {"message": "overloaded"}}'), ("--stream",), 1),
        (Reply(raw=b'{"choices": [{"index": 0, "mess'), (), 1),
        (Reply(raw=b"<html>Bad gateway</html>", content_type="text/html"), (), 1),
        (Reply(raw=b"<html>Bad gateway</html>", content_type="text/html"), ("--stream",), 1),
        (Reply(raw=b"", content_type="text/event-stream"), ("--stream",), 1),
    ],
)
def test_nothing_unfinished_is_stored(cli, upstream, listed, reply, flags, code):
    upstream.will(reply)

    result = cli("ask", "q", *flags, "--retries", "0")

    assert result.code == code
    assert result.err.startswith("llmc: ")
    assert "unexpected" not in result.err
    assert listed() == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply("half", finish_reason="length"), "not stored: the answer was cut off at its token"),
        (Reply("x", finish_reason="content_filter"), "the provider filtered the answer"),
        (Reply(message={"content": None, "refusal": "I will not"}), "the model refused: I will"),
        (Reply(""), "the answer is empty"),
        (Reply("x", finish_reason=None), "not stored: the provider gave no finish reason"),
        (Reply(raw=b'{"error": {"message": "overloaded"}}'), "overloaded"),
        (Reply(raw=b"<html>"), "malformed answer"),
        (Reply(choices=[]), "an answer without choices"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(cli, upstream, reply, reason):
    upstream.will(reply)

    result = cli("ask", "q", "--retries", "0")

    assert reason in result.err


@pytest.mark.parametrize("flags", [(), ("--stream",)])
def test_an_answer_that_was_cut_off_is_asked_for_again(cli, upstream, flags):
    upstream.will(Reply("half an", finish_reason="length"))
    cli("ask", "q", *flags)

    result = cli("ask", "q", *flags)

    assert result.out == "answer 2\n"


def test_half_an_answer_on_a_terminal_still_ends_its_line(cli, upstream):
    upstream.will(Reply("one two three", cut=2))

    result = cli("ask", "q", "--retries", "0", terminal=True)

    assert (result.code, result.out) == (1, "one two\n")
    assert "broke off" in result.err


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 10**30, "completion_tokens": 1},
        {"prompt_tokens": -1, "completion_tokens": "many"},
        {"prompt_tokens": 1.5, "completion_tokens": True, "prompt_tokens_details": [1]},
        {"note": "\ud800"},
        {},
    ],
)
def test_odd_usage_does_not_cost_the_answer(cli, upstream, listed, usage):
    upstream.will(Reply(usage=usage))

    result = cli("ask", "q")

    assert (result.code, result.out) == (0, "an answer\n")
    assert [entry["answer"] for entry in listed()] == ["an answer"]


@pytest.mark.parametrize("name", ["\ud800", "a\0b", "\x1b[2J"])
def test_an_odd_model_name_does_not_cost_the_answer(cli, upstream, name):
    upstream.will(Reply(model=name))

    result = cli("ask", "q")

    assert (result.code, result.out) == (0, "an answer\n")
    assert cli("ask", "q").out == "an answer\n"


@pytest.mark.parametrize(
    ("reply", "code", "reason"),
    [
        (Reply(status=400), 1, "answered 400: no"),
        (Reply(status=401), 4, "the key was refused"),
        (Reply(status=403), 4, "the key was refused"),
        (Reply(status=404), 1, "check the model's name (-m) and the base URL"),
        (Reply(status=429), 1, "answered 429: no"),
        (Reply(status=500), 1, "answered 500: no"),
    ],
)
def test_a_failing_provider_has_an_exit_code_and_a_reason(cli, upstream, reply, code, reason):
    upstream.will(reply)

    result = cli("ask", "q", "--retries", "0")

    assert (result.code, result.out) == (code, "")
    assert reason in result.err


def test_an_unreachable_provider_is_named(cli, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")

    result = cli("ask", "q", "--retries", "0")

    assert (result.code, result.out) == (1, "")
    assert "cannot reach http://127.0.0.1:1/v1 (" in result.err


def test_a_silent_provider_is_not_waited_for_longer_than_the_timeout(cli, upstream):
    upstream.will(Reply(delay=60))

    result = cli("ask", "q", "--retries", "0", "--timeout", "0.2s")

    assert (result.code, result.out) == (1, "")
    assert "did not answer in time" in result.err


def test_a_new_try_is_announced(cli, upstream):
    upstream.will(Reply(status=429, headers={"Retry-After": "0"}))

    result = cli("ask", "q")

    assert (result.code, result.out) == (0, "answer 2\n")
    assert "answered 429: no; trying again in 0.0 s (1 of 2)" in result.err


def test_quiet_announces_no_new_try(cli, upstream):
    upstream.will(Reply(status=429, headers={"Retry-After": "0"}))

    result = cli("ask", "q", "-q")

    assert (result.out, result.err) == ("answer 2\n", "")


@pytest.mark.parametrize("key", [None, "", "  "])
def test_without_a_key_the_ways_to_get_going_are_named(cli, monkeypatch, key):
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("OPENAI_API_KEY", key or "")

    result = cli("ask", "q")

    assert (result.code, result.out) == (4, "")
    assert "OPENAI_API_KEY" in result.err
    assert "ollama/" in result.err
    assert "llmc demo" in result.err
    assert len(result.err.splitlines()) == 4


def test_a_stored_answer_needs_no_key(cli, configuration, home, upstream):
    where = f'[providers.x]\nbase_url = "{upstream.url}"\n'
    configuration(where + 'api_key_cmd = "cat key"\n')
    (home / "key").write_text("sk-1")
    cli("ask", "q", "-m", "x/small")
    (home / "key").unlink()

    result = cli("ask", "q", "-m", "x/small")

    assert (result.code, result.out) == (0, "answer 1\n")


# -- a cache file that cannot be used ------------------------------------------------------------


def test_an_unusable_file_costs_one_note_and_not_the_answer(cli, upstream, unusable):
    result = cli("ask", "q")

    assert (result.code, result.out) == (0, "answer 1\n")
    assert result.err.count("answering without it") == 1
    assert f"cache file {unusable.path}: {unusable.reason}" in result.err
    assert len(result.err.splitlines()) == 2


def test_offline_with_an_unusable_file_ends_with_5(cli, upstream, unusable):
    result = cli("ask", "q", "--offline")

    assert (result.code, result.out) == (5, "")
    assert f"cache file {unusable.path}: {unusable.reason}" in result.err
    assert upstream.calls == []


def test_a_place_where_no_file_can_be_costs_one_note_and_not_the_answer(cli, upstream, home):
    (home / "file").touch()

    result = cli("ask", "q", "--db", "file/llmc.db")

    assert (result.code, result.out) == (0, "answer 1\n")
    assert result.err.count("answering without it") == 1


def test_a_file_gone_bad_between_two_questions_is_survived(cli, upstream, db):
    cli("ask", "q")
    db.write_bytes(b"\xff" * 8192)
    db.with_name("llmc.db-wal").unlink(missing_ok=True)
    db.with_name("llmc.db-shm").unlink(missing_ok=True)

    result = cli("ask", "q")

    assert (result.code, result.out) == (0, "answer 2\n")
    assert f"cache file {db}: it is not a cache file" in result.err


# -- privacy -------------------------------------------------------------------------------------


def test_the_file_is_the_users_alone(cli, upstream, db):
    cli("ask", "q")

    assert db.stat().st_mode & 0o777 == 0o600
    assert db.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["sk-first\nsk-second", "sk-“curly”"])
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(
    cli, upstream, monkeypatch, name
):
    monkeypatch.setenv("OPENAI_API_KEY", name)

    result = cli("ask", "q", "--retries", "0")

    assert result.code in {2, 4}
    assert "OPENAI_API_KEY" in result.err
    assert "unexpected" not in result.err
    assert name[:6] not in result.err
    assert upstream.calls == []


def test_a_key_is_never_in_the_file(cli, upstream, monkeypatch, db):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-secret-kind")
    upstream.will(Reply(), Reply(status=401, error={"error": {"message": "bad sk-of-a-secret"}}))
    cli("ask", "first")
    cli("ask", "second")

    files = [path.read_bytes() for path in db.parent.iterdir()]

    assert upstream.calls[0].headers["authorization"] == "Bearer sk-of-a-secret-kind"
    assert any(b"first" in content for content in files)
    assert [content for content in files if b"sk-of-a-secret" in content] == []


def test_another_key_finds_the_same_answer(cli, upstream, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one")
    cli("ask", "q")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-two")

    result = cli("ask", "q")

    assert result.out == "answer 1\n"


def test_certificates_that_cannot_be_read_are_a_fault_of_the_configuration(
    cli, upstream, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")

    result = cli("ask", "one?")

    assert (result.code, result.out) == (2, "")
    assert "SSL_CERT_FILE" in result.err
    assert len(result.err.splitlines()) == 1


def test_a_fault_of_the_file_is_told_once_though_it_hinders_twice(cli, upstream, db):
    cli("ask", "one")
    with Store(str(db)) as store:
        store.file.execute("DROP TABLE tally; DROP TABLE rule")

    result = cli("ask", "two")

    assert (result.code, result.out) == (0, "answer 2\n")
    assert result.err.count(f"cache file {db}: ") == 1


def test_a_note_never_stands_in_the_line_of_an_answer(cli, upstream, monkeypatch):
    def fail(*_: object) -> int:
        raise CacheFileError("the disk is full")

    shown: list[str] = []
    monkeypatch.setattr(streams, "write", lambda text, **_: shown.append(text))
    monkeypatch.setattr(streams, "note", lambda line, **_: shown.append(f"llmc: {line}\n"))
    monkeypatch.setattr(Store, "put", fail)

    cli("ask", "--stream", "q", terminal=True)

    assert "".join(shown).startswith(
        "answer 1\nllmc: the disk is full; the answer was not stored\nllmc: asked "
    )


def test_an_answer_and_its_newline_are_one_write(cli, upstream, monkeypatch):
    writes: list[str] = []
    monkeypatch.setattr(streams, "write", lambda text, **_: writes.append(text))

    cli("ask", "why?")
    cli("ask", "why?")

    assert [text for text in writes if text] == ["answer 1\n"] * 2
