"""Every command with every flag and any words: an answer, or one line that says why not."""

from __future__ import annotations

import itertools
import shutil
import signal
from typing import Any, NamedTuple

import pytest
from command_lines import CODES, PROGRAMS_CODES, assert_decent, run
from hypothesis import given
from hypothesis import strategies as st
from storms import fuzzed
from upstream import Reply

from llmc import cli
from llmc.commands import demo
from llmc.local import published
from llmc.proxy import listening

pytestmark = pytest.mark.stress

PATHS = [
    "text.txt",
    "bytes.bin",
    "folder",
    "missing",
    "missing/x",
    "cache.db",
    "empty",
    "lines.jsonl",
]
ODD = [
    "", "-", "--", "---", "-x", "--nothing", "=", "\x1b[31m\x07", "\u202eesrever", "a\nb", "\udc80",
    "é" * 3, "\ufeff", "0", "-1", "1.5", "1e400", "nan", "inf", "9" * 40, "٣", "1_0", " 7 ", "5%",
    "24h", "-1d", "1e300d", "strict", "(", "[z-a]", "(?P<a>", "a{99999}", "(a|aa)+$", "{}",
    '{"type": "object"}', "[" * 3000, "x=1", "x=", "=x", "x={", "n=2", "temperature=NaN", "m",
    "groq/m", "nobody/m", "a" * 5000, "which colour?", "100G", "-5K", *PATHS,
]  # fmt: skip

#: What a flag, or an argument, takes as a rule.
USUAL = {
    "--ttl": ["24h", "0", "none"], "--since": ["7d", "90s"], "--older-than": ["1d", "0s"],
    "--max-size": ["1K", "200M"], "--threshold": ["0.9", "0"], "--error": ["5%", "strict"],
    "--timeout": ["5s", "0.001s"], "--stale-if-error": ["7d"], "--file": ["text.txt", "/dev/null"],
    "--system-file": ["text.txt"], "--schema": ['{"type": "object"}', "lines.jsonl"],
    "--option": ["top_p=0.5", "n=2", "tools=[]", "stop=[1]"], "--data": ["path=colour", "path=("],
    "--namespace": ["default", "work"], "--model": ["m", "other"], "--retries": ["0"],
    "--pattern": ["colour", "{path}", "."], "--event": ["moved"], "--context": ["text"],
    "--temperature": ["0", "0.7"], "--from": ["llm", "folder"], "--url": ["http://127.0.0.1:9/"],
    "prompt": ["which colour?", "-", "what colour is it?"], "pattern": ["colour", "."],
    "words": ["colour", "answer"], "path": ["copy.db", "cache.db"], "name": ["moved", "minilm"],
    "file": ["lines.jsonl", "-", "cache.db", "rows.jsonl", "rows.jsonl"],
    "--max-cost": ["1", "0"], "--jobs": ["1", "3"], "--port": ["0", "0", "1", "65536"],
    "--token": ["a-token-of-some-length", "ann:a-token-of-hers"], "--provider": ["openai", "x"],
}  # fmt: skip

#: No endless tries; no file, address or program elsewhere.
ALONE = {
    "--retries": ["0", "-1", "x", ""], "--db": PATHS,
    "--host": ["127.0.0.1", "::1", "0.0.0.0", "", "nowhere.invalid", "127.0.0.1:1", "a b"],
    "words": ["true", "false", "no-such-program", "text.txt", "folder", "", "--", "-q", "x"],
}  # fmt: skip

words = st.sampled_from(ODD) | st.text(
    st.characters(exclude_characters="\0/", categories=None), max_size=12
).filter(lambda word: word != "..")
numbers = st.sampled_from(["1", "2", "3", "1000"])
inputs = (
    st.none()
    | st.sampled_from([b"an answer\n", b"a document", b"\xef\xbb\xbfbom"])
    | (st.binary(max_size=40))
)


class Words(NamedTuple):
    """A command with what it takes."""

    name: str
    arguments: list[Any]
    options: list[Any]


def commands() -> list[Words]:
    """All commands of the tree, as the command line builds them."""
    found = []
    for name in cli.COMMANDS:
        built = cli.build(name)
        each = getattr(built, "commands", None) or {"": built}
        for word, command in each.items():
            params = command.params
            arguments = [p for p in params if p.param_type_name == "argument"]
            options = [p for p in params if p.param_type_name == "option"]
            found.append(Words(f"{name} {word}".strip(), arguments, options))
    return found


def values(param: Any) -> st.SearchStrategy[str]:
    """Words for a parameter: mostly some that it takes."""
    name = param.opts[0]
    if name in ALONE and param.metavar != "TEXT...":
        return st.sampled_from(ALONE[name])
    usual = USUAL.get(name) or list(getattr(param.type, "choices", None) or ())
    fit = st.sampled_from(usual) if usual else numbers
    return st.integers(0, 3).flatmap(lambda n: fit if n else words | st.integers().map(str))


@st.composite
def command_lines(draw: Any) -> list[str]:
    """A command line: a command, some of its options, some words, something unknown at times."""
    command = draw(st.sampled_from(COMMANDS))
    line = []
    for option in draw(st.lists(st.sampled_from(command.options), max_size=4)):
        flag = draw(st.sampled_from([*option.opts, *option.secondary_opts]))
        line.append([flag] if option.is_flag else [flag, draw(values(option))])
    for argument in command.arguments:
        line += [[draw(values(argument))] for _ in range(draw(st.sampled_from([1] * 8 + [0, 2])))]
    if draw(st.integers(0, 19)) == 0:
        line.append([draw(words)])
    return [*command.name.split(), *itertools.chain.from_iterable(draw(st.permutations(line)))]


COMMANDS = commands()


@pytest.fixture
def brief(monkeypatch, tmp_path):
    """What would go on for long ends at once; the only programs are two that do nothing."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("true", "false"):
        (programs / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(listening, "serve", _serve_briefly)
    monkeypatch.setattr(demo, "_STORY", demo._STORY[3:4])
    monkeypatch.setattr(published, "find_local", lambda: None)
    monkeypatch.setattr(published, "URL", "http://127.0.0.1:9/")


def _serve_briefly(app, listener):
    server = listening._server(app)
    server.stop()
    server.run(sockets=[listener])
    return signal.SIGTERM


replies = st.sampled_from([
    Reply(), Reply(), Reply(""), Reply("\x1b[2J\0\u202e"), Reply(status=400), Reply(status=401),
    Reply(status=404, error=[]), Reply(raw=b"\xff\xfe"), Reply(raw=b"[]"), Reply(raw=b"{}"),
    Reply(raw=b'{"choices": [{}]}'), Reply(raw=b'{"choices": null, "usage": []}'),
    Reply(finish_reason="length"), Reply(finish_reason=None), Reply(usage={"prompt_tokens": "x"}),
    Reply(message={"role": "assistant", "content": None, "tool_calls": [{}]}), Reply(model=""),
    Reply(usage={"prompt_tokens": -1, "completion_tokens": 10**30}), Reply(raw=b"null"),
])  # fmt: skip


@fuzzed(400, 10_000)
@given(
    line=command_lines(),
    stdin=inputs,
    reply=replies,
    terminal=st.booleans(),
)
def test_any_command_line_ends_with_an_answer_or_one_line(
    inhabited, brief, upstream, line, stdin, reply, terminal
):
    inhabited()
    upstream.script.clear()
    upstream.will(reply)

    result = run(*line, stdin=stdin, terminal=terminal)

    assert_decent(result, codes=PROGRAMS_CODES if line[0] == "run" else CODES)
