"""llmc among shells and pipes: loops, signals, closed and full streams, encodings, terminals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest
from terminals import DEADLINE, Terminal, eventually
from upstream import Reply

ROOT = Path(__file__).resolve().parent.parent

#: A command line is answered by the parser the first time, by the porch from the second on.
WAYS = pytest.mark.parametrize("before", [0, 1], ids=["parser", "porch"])


class Ended(NamedTuple):
    """What a shell came to."""

    code: int
    out: str
    err: str


Shell = Callable[..., Ended]


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Let children obey SIGINT even where the tests run as a background job, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def shell(launcher: None) -> Shell:
    """Run a script in a shell; its arguments are $1, $2 …; standard input is /dev/null."""

    def run(script: str, *arguments: str, interpreter: str = "bash", **options: Any) -> Ended:
        words = [] if interpreter == "fish" else ["sh"]
        done = subprocess.run(
            [interpreter, "-c", script, *words, *arguments],
            **({"stdin": subprocess.DEVNULL} | options),
            capture_output=True,
            check=False,
            timeout=60,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def known(upstream, cli, program) -> Callable[..., None]:
    """Have the answers to prompts kept, `texts` in their order, so that asking costs nothing.

    Then `llmc ask PROMPT` runs so many `times`: from the second on the porch would answer it.
    """

    def know(*prompts: str, texts: tuple[str, ...] = (), times: int = 0) -> None:
        upstream.will(*map(Reply, texts))
        for prompt in prompts:
            assert cli("ask", prompt).code == 0
            for _ in range(times):
                assert program("ask", prompt).code == 0

    return know


def count(db: Path, sql: str) -> int:
    if not db.exists():
        return 0
    connection = apsw.Connection(str(db))
    (found,) = connection.execute(sql).fetchone()
    connection.close()
    return found


def stored(db: Path) -> int:
    return count(db, "SELECT count(*) FROM entry")


def lines_of(text: str, *, but: str) -> list[str]:
    return [line for line in text.splitlines() if but not in line]


# -- loops ---------------------------------------------------------------------------------------


LOOPS = {
    "bash": 'while read -r line; do llmc ask -q "$line"; done < questions',
    "sh": 'while read -r line; do llmc ask -q "$line"; done < questions',
    "zsh": 'while read -r line; do llmc ask -q "$line"; done < questions',
    "fish": "while read -l line; llmc ask -q $line; end < questions",
}


@pytest.mark.parametrize("interpreter", [pytest.param(name, marks=needs(name)) for name in LOOPS])
def test_a_loop_over_the_lines_of_a_file_answers_every_line(shell, known, home, interpreter):
    known("one", "two", "three")
    (home / "questions").write_text("one\ntwo\nthree\n")

    first = shell(LOOPS[interpreter], interpreter=interpreter)
    second = shell(LOOPS[interpreter], interpreter=interpreter)

    assert first == (0, "answer 1\nanswer 2\nanswer 3\n", "")
    assert second == first


def test_a_loop_over_a_pipe_answers_every_line_with_no_stdin(shell, known):
    known("one", "two", "three")

    ended = shell(
        r'printf "%s\n" one two three | while read -r l; do llmc ask -q --no-stdin "$l"; done'
    )

    assert ended == (0, "answer 1\nanswer 2\nanswer 3\n", "")


def test_a_loop_over_files_reads_each(shell, upstream, cli, home):
    (home / "a.txt").write_text("first text")
    (home / "b.txt").write_text("second text")

    ended = shell('for f in *.txt; do llmc ask -q "sum up" < "$f"; done')

    assert ended == (0, "answer 1\nanswer 2\n", "")
    assert [call.body["messages"][-1]["content"] for call in upstream.calls] == [
        "first text\n\nsum up",
        "second text\n\nsum up",
    ]


@needs("xargs")
def test_eight_at_a_time_are_all_answered_and_counted(shell, known, db):
    prompts = [f"question {number}" for number in range(1, 25)]
    known(*prompts)

    ended = shell('printf "%s\\n" "$@" | xargs -P 8 -d "\\n" -I{} llmc ask -q {}', *prompts)

    assert (ended.code, ended.err) == (0, "")
    assert sorted(ended.out.split("\n")[:-1]) == sorted(f"answer {n}" for n in range(1, 25))
    assert count(db, "SELECT sum(hits) FROM entry") == 24
    assert count(db, "SELECT count(*) FROM ledger WHERE source = 'exact'") == 24


@needs("xargs")
def test_thirty_two_hits_at_once_are_all_answered_and_counted(shell, known, db):
    known("why?", times=1)

    ended = shell("seq 32 | xargs -P 32 -I{} llmc ask 'why?'")

    assert (ended.code, ended.out) == (0, "answer 1\n" * 32)
    assert lines_of(ended.err, but="exact hit") == []
    assert count(db, "SELECT hits FROM entry") == 33
    assert count(db, "SELECT count(*) FROM ledger WHERE source = 'exact'") == 33


# -- what is piped in ----------------------------------------------------------------------------


def test_a_piped_document_precedes_the_instruction(shell, upstream, home):
    (home / "doc").write_text("Some text.\n")

    ended = shell("cat doc | llmc ask -q summarise")

    assert ended == (0, "answer 1\n", "")
    assert upstream.calls[0].body["messages"] == [
        {"role": "user", "content": "Some text.\n\nsummarise"}
    ]


@pytest.mark.parametrize(
    "script",
    ["echo why? | llmc ask -q", "echo why? | llmc ask -q -", "llmc ask -q <<< why?"],
)
def test_a_piped_question_is_the_question(shell, known, script):
    known("why?")

    first, second = shell(script), shell(script)

    assert first == second == (0, "answer 1\n", "")


def test_a_document_is_the_same_from_a_pipe_and_from_a_file(shell, upstream, home):
    (home / "doc").write_text("Some text.\n")

    ended = shell("cat doc | llmc ask -q 'sum up'; llmc ask -q 'sum up' < doc")

    assert ended == (0, "answer 1\nanswer 1\n", "")


def test_another_document_from_a_file_is_another_question(shell, upstream, home):
    """Who reads a file's beginning to compare it moves the offset that says whose it is."""
    (home / "a.txt").write_text("Some text.")
    (home / "b.txt").write_text("Same size.")
    script = 'llmc ask -q "sum up" < a.txt; llmc ask -q "sum up" < a.txt; llmc ask -q "sum up"'
    first = shell(script)

    other = shell('llmc ask -q "sum up" < b.txt')

    assert first.out == "answer 1\nanswer 1\nanswer 2\n"
    assert other.out == "answer 3\n"
    assert upstream.calls[2].body["messages"][0]["content"] == "Same size.\n\nsum up"


def test_a_process_substitution_is_read_once_each_time(shell, upstream):
    """Its path is the same each time; whoever reads it takes away what is in it."""
    script = 'llmc ask -q -f <(printf %s "$1") "sum up"'
    first, again = shell(script, "Some text."), shell(script, "Some text.")

    other = shell(script, "Same size.")

    assert (first.out, again.out, other.out) == ("answer 1\n", "answer 1\n", "answer 2\n")
    assert "Some text." in upstream.calls[0].body["messages"][0]["content"]
    assert "Same size." in upstream.calls[1].body["messages"][0]["content"]


def test_a_file_that_became_a_pipe_is_read_once(shell, upstream, home):
    (home / "a.txt").write_text("Some text.")
    (home / "b.txt").write_text("Same size.")
    ask = "llmc ask -q --no-stdin -f /dev/stdin 'sum up'"
    first = shell(f"{ask} < a.txt; {ask} < a.txt")

    other = shell(f"cat b.txt | {ask}")

    assert (first.out, other.out) == ("answer 1\nanswer 1\n", "answer 2\n")
    assert "Same size." in upstream.calls[1].body["messages"][0]["content"]


def test_a_configuration_from_a_process_substitution_counts(shell, upstream, monkeypatch):
    ended = shell("LLMC_CONFIG=<(echo 'model = \"m1\"') llmc ask -q why?")

    assert ended == (0, "answer 1\n", "")
    assert upstream.calls[0].body["model"] == "m1"


@pytest.fixture
def started(launcher) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start llmc with three pipes that stay open."""
    running = []

    def start(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        running.append(subprocess.Popen(["llmc", *arguments], **(pipes | options)))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


@WAYS
def test_a_silent_pipe_is_announced_and_then_waited_for(started, upstream, before):
    for _ in range(before + 1):
        with started("ask", "-q", "sum up") as earlier:
            earlier.communicate(b"Some text.")
    process = started("ask", "sum up")

    said = process.stderr.readline()
    out, err = process.communicate(b"Some text.", timeout=DEADLINE)

    assert said == b"llmc: reading standard input (--no-stdin to leave it alone)\n"
    assert (process.returncode, out) == (0, b"answer 1\n")
    assert err.count(b"\n") == 1


def test_no_stdin_leaves_an_open_pipe_alone(started, known):
    known("why?")
    process = started("ask", "--no-stdin", "why?")

    out = process.stdout.read()  # ends while the pipe is still open

    assert out == b"answer 1\n"
    assert process.wait(DEADLINE) == 0


def test_a_socket_is_read(started, upstream):
    ours, theirs = socket.socketpair()
    ours.sendall(b"Some text.")
    ours.shutdown(socket.SHUT_WR)

    process = started("ask", "-q", "sum up", stdin=theirs)
    out, _ = process.communicate(timeout=DEADLINE)
    ours.close()
    theirs.close()

    assert out == b"answer 1\n"
    assert upstream.calls[0].body["messages"][0]["content"] == "Some text.\n\nsum up"


@pytest.mark.parametrize("words", ["-", "'sum up'"])
def test_fifty_megabytes_are_refused_in_one_line(shell, upstream, words):
    ended = shell(f"head -c 50000000 /dev/zero | tr '\\0' a | llmc ask {words}")

    assert ended == (2, "", "llmc: error: standard input is larger than 10 MB\n")
    assert upstream.calls == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (r"Gr\xf6\xdfe", "standard input is not UTF-8 (byte 0xf6 at offset 2)"),
        (r"a\x00b", "standard input is no text (a NUL byte at offset 1)"),
        ("", "standard input is empty"),
    ],
)
def test_bytes_that_are_no_text_are_a_clear_error(shell, upstream, text, complaint):
    ended = shell(f"printf '{text}' | llmc ask -")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[0] == f"llmc: error: {complaint}"
    assert upstream.calls == []


def test_a_byte_order_mark_is_no_part_of_the_text(shell, known):
    known("why?")

    ended = shell(r"printf '\xef\xbb\xbfwhy?\n' | llmc ask -q -")

    assert ended == (0, "answer 1\n", "")


# -- streams that break --------------------------------------------------------------------------


BIG = "".join(f"line {number}\n" for number in range(40_000))


@WAYS
@pytest.mark.parametrize(
    ("interpreter", "script"),
    [
        pytest.param("bash", 'llmc ask big | head -n 1; echo "${PIPESTATUS[*]}"', id="bash"),
        pytest.param(
            "zsh", 'llmc ask big | head -n 1; echo "$pipestatus"', id="zsh", marks=needs("zsh")
        ),
        pytest.param(
            "fish", "llmc ask big | head -n 1; echo $pipestatus", id="fish", marks=needs("fish")
        ),
    ],
)
def test_head_ends_it_silently_by_sigpipe(shell, known, before, interpreter, script):
    known("big", texts=(BIG,), times=before)

    ended = shell(script, interpreter=interpreter)

    assert ended == (0, "line 0\n141 0\n", "")


def test_head_ends_a_new_answer_silently_too_and_it_is_stored(shell, upstream, db):
    upstream.will(Reply(BIG))

    ended = shell('llmc ask big | head -n 1; echo "${PIPESTATUS[*]}"')

    assert ended == (0, "line 0\n141 0\n", "")
    assert stored(db) == 1


def test_a_listing_into_head_ends_silently(shell, known):
    known("big", texts=(BIG,))

    ended = shell('llmc show | head -n 1; echo "${PIPESTATUS[*]}"')

    assert ended.out.endswith("141 0\n")
    assert ended.err == ""


@WAYS
def test_a_full_disk_is_one_line_and_exit_1(shell, known, before):
    known("why?", times=before)

    ended = shell("llmc ask why? > /dev/full")

    message = "llmc: error: cannot write to standard output: no space left on device\n"
    assert ended == (1, "", message)


def test_a_full_disk_does_not_lose_a_new_answer(shell, upstream, db):
    ended = shell("llmc ask why? > /dev/full; llmc ask -q why?")

    assert ended.out == "answer 1\n"
    assert ended.err.splitlines() == [
        "llmc: error: cannot write to standard output: no space left on device"
    ]
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("arguments", ["stats", "list", "stats --json", "--help", "--version"])
def test_no_command_fails_silently_on_a_full_disk(shell, known, arguments):
    known("why?")

    ended = shell(f"llmc {arguments} > /dev/full")

    message = "llmc: error: cannot write to standard output: no space left on device\n"
    assert ended == (1, "", message)


@WAYS
def test_a_closed_output_is_one_line_and_exit_1(shell, known, before):
    known("why?", times=before)

    ended = shell("llmc ask why? >&-")

    assert ended == (1, "", "llmc: error: cannot write to standard output: it is closed\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("ask --bogus", "No such option: --bogus"),
        ("invalidate '('", "the regular expression is not one"),
        ("list --since never", "--since"),
    ],
)
def test_a_closed_output_hides_no_other_error(shell, arguments, complaint):
    ended = shell(f"llmc {arguments} >&-")

    assert ended.code == 2
    assert complaint in ended.err.splitlines()[0]
    assert "standard output" not in ended.err


def test_with_a_closed_output_nobody_is_asked(shell, upstream):
    ended = shell("llmc ask why? >&-")

    assert ended == (1, "", "llmc: error: cannot write to standard output: it is closed\n")
    assert upstream.calls == []


@WAYS
@pytest.mark.parametrize(
    "redirection", ["<&-", "2>&-", "<&- 2>&-", "2>/dev/full", "</dev/null 2>/dev/null"]
)
def test_streams_that_are_not_needed_may_be_closed(shell, known, before, redirection):
    known("why?", times=before)

    ended = shell(f"llmc ask why? {redirection}")

    assert (ended.code, ended.out) == (0, "answer 1\n")
    assert lines_of(ended.err, but="exact hit") == []


def test_a_new_answer_needs_neither_input_nor_errors(shell, upstream, db):
    ended = shell("llmc ask why? <&- 2>&-")

    assert ended == (0, "answer 1\n", "")
    assert stored(db) == 1


def test_a_closed_input_that_is_needed_is_one_line_and_exit_1(shell, upstream):
    ended = shell("llmc ask - <&-")

    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "llmc: error: cannot read standard input: it is closed\n"


def test_all_closed_streams_harm_no_file(shell, known, db):
    """The next file opened takes a closed stream's number: what is printed must not go there."""
    known("why?")

    ended = shell("llmc ask why? <&- >&- 2>&-; llmc ask why? <&- >&- 2>&-; llmc doctor --json")

    findings = json.loads(ended.out)
    assert [finding["state"] for finding in findings if finding["part"] == "integrity"] == ["ok"]
    assert stored(db) == 1


# -- signals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("interpreter", ["bash", "sh", pytest.param("zsh", marks=needs("zsh"))])
def test_ctrl_c_stops_the_loop_around_it_and_stores_nothing(launcher, upstream, db, interpreter):
    upstream.will(Reply(delay=60.0))
    script = 'for n in 1 2 3; do llmc ask "question $n"; echo "after $n"; done; echo end'

    with Terminal(interpreter, "-c", script, env=dict(os.environ)) as terminal:
        asked = eventually(lambda: upstream.calls)
        terminal.press("\x03")
        shown = terminal.rest()

    assert asked
    assert terminal.process.returncode in {-signal.SIGINT, 128 + signal.SIGINT}
    assert shown.replace("^C", "").strip() == ""
    assert len(upstream.calls) == 1
    assert stored(db) == 0


@pytest.fixture
def launched(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run the real launcher before a package whose `__main__` is the given text."""

    def run(text: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        package = tmp_path / "fake" / "llmc"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(text)
        return subprocess.run(
            [sys.executable, shutil.copy(ROOT / "llmc" / "launcher", tmp_path)],
            env=os.environ | {"PYTHONPATH": str(package.parent)},
            capture_output=True,
            check=False,
            timeout=DEADLINE,
            **options,
        )

    return run


def test_ctrl_c_while_it_still_loads_leaves_no_traceback(launched):
    done = launched("import os, signal\nos.kill(os.getpid(), signal.SIGINT)")

    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


def test_a_job_in_the_background_goes_on_ignoring_ctrl_c(launched):
    text = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\ndef main(): print('alive')"

    done = launched(text, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))

    assert (done.returncode, done.stdout, done.stderr) == (0, b"alive\n", b"")


def test_once_it_runs_it_hears_ctrl_c_itself():
    script = (
        "import os, signal, sys; signal.signal(2, signal.SIG_DFL); sys.argv[1:] = ['--version'];"
        "os._exit = lambda _: sys.exit(signal.getsignal(2) is not signal.default_int_handler);"
        "from llmc.__main__ import main; main()"
    )

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False, timeout=DEADLINE)

    assert done.returncode == 0


def test_sigint_ends_it_by_the_signal(started, upstream, db):
    upstream.will(Reply(delay=60.0))
    process = started("ask", "--no-stdin", "why?")
    asked = eventually(lambda: upstream.calls)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=DEADLINE)

    assert asked
    assert process.returncode == -signal.SIGINT
    assert (out, err) == (b"", b"")
    assert stored(db) == 0


def test_ctrl_c_while_it_waits_for_a_pipe_ends_it_too(started, upstream):
    process = started("ask", "sum up")
    said = process.stderr.readline()

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=DEADLINE)

    assert b"reading standard input" in said
    assert process.returncode == -signal.SIGINT
    assert (out, err) == (b"", b"")


class Slow:
    """A model that says its first word and keeps the others back until it is told to go on."""

    def __init__(self) -> None:
        self.said = threading.Event()
        self.go_on = threading.Event()
        handler = type("Handler", (_SlowHandler,), {"model": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _SlowHandler(BaseHTTPRequestHandler):
    model: Slow

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self._event({"delta": {"content": "First"}, "finish_reason": None})
        self.model.said.set()
        self.model.go_on.wait(DEADLINE)
        try:
            self._event({"delta": {"content": " and last."}, "finish_reason": None})
            self._event({"delta": {}, "finish_reason": "stop"})
        except (BrokenPipeError, ConnectionResetError):
            return

    def _event(self, choice: dict[str, Any]) -> None:
        event = {"choices": [{"index": 0, **choice}]}
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    model = Slow()
    monkeypatch.setenv("OPENAI_BASE_URL", model.url)
    yield model
    model.stop()


def test_a_terminal_shows_the_first_words_before_the_last_arrive(launcher, slow, db):
    with Terminal("llmc", "ask", "-q", "why?", env=dict(os.environ)) as terminal:
        begun = terminal.reads("First")
        early = terminal.shown
        slow.go_on.set()
        shown = terminal.rest()

    assert begun
    assert early == b"First"
    assert shown == "First and last.\n"
    assert stored(db) == 1


def test_a_pipe_gets_the_first_words_early_if_asked_to_stream(started, slow):
    process = started("ask", "-q", "--no-stdin", "--stream", "why?")

    early = os.read(process.stdout.fileno(), 100)
    slow.go_on.set()
    rest = process.stdout.read()

    assert (early, rest) == (b"First", b" and last.\n")


def test_ctrl_c_in_the_middle_of_an_answer_stores_nothing(launcher, slow, db):
    with Terminal("llmc", "ask", "why?", env=dict(os.environ)) as terminal:
        begun = terminal.reads("First")
        terminal.press("\x03")
        terminal.rest()

    assert begun
    assert terminal.process.returncode == -signal.SIGINT
    assert stored(db) == 0


def test_a_reader_that_leaves_in_the_middle_of_an_answer_ends_it_by_sigpipe(started, slow, db):
    process = started("ask", "--no-stdin", "--stream", "why?")
    os.read(process.stdout.fileno(), 100)
    process.stdout.close()
    slow.go_on.set()

    err = process.stderr.read()

    assert process.wait(DEADLINE) == -signal.SIGPIPE
    assert err == b""
    assert stored(db) == 0


# -- encodings -----------------------------------------------------------------------------------


@WAYS
@pytest.mark.parametrize(
    "setting",
    ["LC_ALL=C", "LC_ALL=POSIX", "PYTHONIOENCODING=ascii", "PYTHONUTF8=0 PYTHONIOENCODING=latin-1"],
)
def test_output_is_utf_8_whatever_the_locale(shell, known, before, setting):
    known("Größe?", texts=("größer 名前 🦆",))

    ended = [shell(f"{setting} llmc ask 'Größe?'") for _ in range(before + 1)][-1]

    assert (ended.code, ended.out) == (0, "größer 名前 🦆\n")
    assert ended.err.startswith("llmc: exact hit")


def test_errors_are_utf_8_whatever_the_locale(shell, upstream):
    ended = shell("LC_ALL=C PYTHONIOENCODING=ascii llmc ask -f größe why?")

    assert ended.err == "llmc: error: größe: no such file or directory\n"


@pytest.mark.parametrize(
    "words",
    [
        "ask $'\\xff'",
        "ask -s $'\\xff' why?",
        "ask --context $'\\xff' why?",
        "ask -m $'\\xff' why?",
        "ask -n $'\\xff' why?",
        "ask -o stop=$'\\xff' why?",
        "ask --schema '{\"title\": \"'$'\\xff''\"}' why?",
        "ask --ttl $'\\xff' why?",
        "ask -f $'\\xff' why?",
        "search $'\\xff'",
        "invalidate $'\\xff' --yes",
        "list -n $'\\xff'",
        "list -m $'\\xff'",
        "stats --since $'\\xff'",
    ],
)
def test_words_that_are_not_utf_8_are_a_clear_error(shell, upstream, words):
    ended = shell(f"llmc {words}")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("llmc: error: ")
    assert "unexpected" not in ended.err
    assert upstream.calls == []


def test_a_prompt_that_begins_with_a_dash_gets_a_hint(shell, upstream):
    ended = shell("llmc ask '- item'; llmc ask -q -- '- item'")

    assert ended.out == "answer 1\n"
    assert ended.err.startswith("llmc: error: ")
    assert "--" in ended.err.splitlines()[-1]
    assert upstream.calls[0].body["messages"][0]["content"] == "- item"


# -- terminals -----------------------------------------------------------------------------------


COLOR = "\x1b["


@pytest.mark.parametrize(
    ("setting", "arguments", "colored"),
    [
        ({}, [], True),
        ({"NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": "0"}, [], False),
        ({"NO_COLOR": ""}, [], True),
        ({"CLICOLOR": "0"}, [], False),
        ({"CLICOLOR": "1"}, [], True),
        ({"TERM": "dumb"}, [], False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": "0"}, [], True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, [], False),
        ({"CLICOLOR": "0", "CLICOLOR_FORCE": "1"}, [], True),
        ({}, ["--color", "never"], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
    ],
    ids=str,
)
def test_a_terminal_is_coloured_as_its_user_wants(
    launcher, store, monkeypatch, setting, arguments, colored
):
    environ = dict(os.environ) | setting

    with Terminal("llmc", "stats", *arguments, env=environ) as terminal:
        shown = terminal.rest()

    assert terminal.process.returncode == 0
    assert "requests" in shown
    assert (COLOR in shown) == colored


@pytest.mark.parametrize(
    ("setting", "colored"),
    [
        ("FORCE_COLOR=", False),
        ("FORCE_COLOR=0", False),
        ("FORCE_COLOR=1", True),
        ("CLICOLOR_FORCE=1", True),
        ("CLICOLOR=1", False),
        ("FORCE_COLOR=1 NO_COLOR=1", False),
    ],
)
def test_an_error_in_a_pipe_is_coloured_only_by_force(shell, setting, colored):
    ended = shell(f"{setting} llmc ask")

    assert ended.code == 2
    assert (COLOR in ended.err) == colored


@pytest.mark.parametrize("arguments", ["stats", "stats --by model", "list", "config", "doctor"])
def test_a_table_in_a_pipe_is_plain_even_by_force(shell, known, arguments):
    known("why?")

    ended = shell(f"FORCE_COLOR=1 CLICOLOR_FORCE=1 llmc {arguments}")

    assert ended.code == 0
    assert "\t" in ended.out
    assert "\x1b" not in ended.out


@WAYS
@pytest.mark.parametrize("setting", ["FORCE_COLOR=1", "FORCE_COLOR=1 TERM=xterm"])
def test_an_answer_in_a_pipe_is_never_coloured(shell, known, before, setting):
    known("why?", times=before)

    ended = shell(f"{setting} llmc ask why?")

    assert ended.out == "answer 1\n"
    assert "\x1b" not in ended.err


HOSTILE = "\x1b]0;title\x07\x1b[31mred\x9b2J [bold]x[/] \u202ereversed"
SHOWN = "\ufffd]0;title\ufffd\ufffd[31mred\ufffd2J [bold]x[/] \ufffdreversed"


@WAYS
def test_control_characters_are_shown_on_a_terminal(launcher, known, before):
    known("why?", texts=(HOSTILE,))

    for _ in range(before + 1):
        with Terminal("llmc", "ask", "-q", "why?", env=dict(os.environ)) as terminal:
            shown = terminal.rest()

    assert shown == f"{SHOWN}\n"


@WAYS
def test_control_characters_pass_through_a_pipe(shell, known, before):
    known("why?", texts=(HOSTILE,), times=before)

    ended = shell("llmc ask why?")

    assert (ended.code, ended.out) == (0, f"{HOSTILE}\n")


def test_control_characters_are_shown_while_an_answer_streams(launcher, upstream):
    upstream.will(Reply(HOSTILE))

    with Terminal("llmc", "ask", "-q", "why?", env=dict(os.environ)) as terminal:
        shown = terminal.rest()

    assert shown == f"{SHOWN}\n"


@pytest.mark.parametrize("arguments", [["list"], ["show"], ["search", "red"], ["stats"]], ids=str)
def test_control_characters_of_stored_texts_are_shown(launcher, upstream, cli, arguments):
    upstream.will(Reply(HOSTILE))
    cli("ask", "-m", f"m{HOSTILE}", f"red {HOSTILE}")

    environ = dict(os.environ) | {"NO_COLOR": "1"}
    with Terminal("llmc", *arguments, env=environ) as terminal:
        shown = terminal.rest()

    assert terminal.process.returncode == 0
    assert set(shown) & {"\x1b", "\x07", "\x9b", "\u202e"} == set()


def test_control_characters_of_a_servers_error_are_shown(launcher, upstream):
    error = {"error": {"message": f"no {HOSTILE}"}}
    upstream.will(Reply(status=400, error=error))

    environ = dict(os.environ) | {"NO_COLOR": "1"}
    with Terminal("llmc", "ask", "why?", env=environ) as terminal:
        shown = terminal.rest()

    assert "red" in shown
    assert set(shown) & {"\x1b", "\x07", "\x9b", "\u202e"} == set()


def test_an_answer_on_a_terminal_and_one_in_a_pipe_do_not_mix(launcher, shell, known):
    """The porch remembers them apart: one has its control characters made visible."""
    known("why?", texts=(HOSTILE,), times=1)

    with Terminal("llmc", "ask", "why?", env=dict(os.environ)) as terminal:
        shown = terminal.rest()
    ended = shell("llmc ask why?")

    assert SHOWN in shown
    assert ended.out == f"{HOSTILE}\n"


def test_without_a_prompt_a_terminal_is_not_read(launcher, upstream):
    with Terminal("llmc", "ask", env=dict(os.environ) | {"NO_COLOR": "1"}) as terminal:
        shown = terminal.rest()

    assert terminal.process.returncode == 2
    assert shown.startswith("llmc: error: no prompt")


@pytest.mark.parametrize(
    ("keys", "code", "left"), [("y\n", 0, 0), ("n\n", 1, 1), ("\n", 1, 1)], ids=["y", "n", "enter"]
)
def test_removing_asks_on_a_terminal(launcher, known, db, keys, code, left):
    known("why?")

    with Terminal("llmc", "invalidate", "why", env=dict(os.environ)) as terminal:
        asked = terminal.reads("[y/N]")
        terminal.press(keys)
        terminal.rest()

    assert asked
    assert terminal.process.returncode == code
    assert stored(db) == left


def test_ctrl_d_is_no_and_leaves_the_question_its_line(launcher, known, db):
    known("why?")

    with Terminal("llmc", "rm", "1", env=dict(os.environ) | {"NO_COLOR": "1"}) as terminal:
        assert terminal.reads("[y/N]")
        terminal.press("\x04")
        shown = terminal.rest()

    assert shown.endswith("? [y/N] \nllmc: error: nothing was removed\n")
    assert stored(db) == 1


def test_an_answer_may_be_typed_and_the_terminal_says_how(launcher, db):
    with Terminal("llmc", "put", "Capital of Peru?", env=dict(os.environ)) as terminal:
        assert terminal.reads("llmc: type the answer; Ctrl-D ends it")
        terminal.press("Lima\n\x04")
        terminal.rest()

    assert terminal.process.returncode == 0
    assert stored(db) == 1
