from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from proxies import until

#: A program that asks what it is told to, and prints the answer or the error's status.
ASK = """
import json, os, sys, urllib.error, urllib.request
assert os.environ["OPENAI_API_BASE"] == os.environ["OPENAI_BASE_URL"]
for question in sys.argv[1:]:
    body = {"model": "m", "messages": [{"role": "user", "content": question}]}
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions",
        json.dumps(body).encode(),
        {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
    )
    try:
        answer = json.load(urllib.request.urlopen(request))
        print(answer["choices"][0]["message"]["content"])
    except urllib.error.HTTPError as error:
        print(error.code, json.load(error)["error"]["code"])
"""


@pytest.fixture
def run(program, upstream, monkeypatch):
    """Run a program in `llmc run`: questions, or a script."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")

    def run(*options, ask=(), script=None, **given):
        words = [sys.executable, "-c", ASK if script is None else script, *ask]
        return program("run", *options, "--", *words, **given)

    return run


def test_a_program_s_questions_are_answered_from_the_cache(run, upstream):
    first = run(ask=["why?", "why?"])
    second = run(ask=["why?"])

    assert first.out == "answer 1\nanswer 1\n"
    assert second.out == "answer 1\n"
    assert first.err.startswith("llmc: 2 requests, 1 hit, saved $0")
    assert second.err.startswith("llmc: 1 request, 1 hit, saved $0")
    assert len(upstream.calls) == 1


def test_what_it_asked_is_a_hit_for_ask(run, cli):
    run(ask=["why?"])

    assert cli("ask", "-m", "m", "--offline", "why?").out == "answer 1\n"


def test_the_real_key_stays_with_us(run, upstream):
    shown = run(script="import os; print(os.environ['OPENAI_API_KEY'])")
    run(ask=["why?"])

    assert "sk-real" not in shown.out
    assert upstream.calls[0].headers["authorization"] == "Bearer sk-real"


def test_the_key_of_another_provider_stays_with_us_too(run, upstream, monkeypatch, home):
    folder = home / ".config" / "llmc"
    folder.mkdir(parents=True)
    table = f'[providers.own]\nbase_url = "{upstream.url}"\napi_key_env = "OWN_KEY"\n'
    (folder / "config.toml").write_text(table)
    monkeypatch.setenv("OWN_KEY", "sk-of-another")
    shown = run("--provider", "own", script="import os; print(sorted(os.environ.values()))")
    run("--provider", "own", ask=["why?"])

    assert "sk-of-another" not in shown.out + shown.err
    assert upstream.calls[0].headers["authorization"] == "Bearer sk-of-another"


def test_nobody_else_may_use_its_proxy(run, upstream):
    script = (
        "import os, urllib.request, urllib.error\n"
        "try: urllib.request.urlopen(os.environ['OPENAI_BASE_URL'] + '/models')\n"
        "except urllib.error.HTTPError as error: print(error.code)\n"
    )

    assert run(script=script).out == "401\n"
    assert upstream.gets == []


@pytest.mark.parametrize("code", [0, 1, 77])
def test_the_program_s_exit_code_is_ours(run, code):
    assert run(script=f"raise SystemExit({code})").code == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGABRT])
def test_a_program_that_a_signal_ended_ends_us_by_it(run, number):
    done = run("-q", script=f"import os; os.kill(os.getpid(), {int(number)})")

    assert (done.code, done.err) == (-number, "")


def test_its_streams_are_our_own(run):
    script = "import sys; print(sys.stdin.read().upper()); print('aside', file=sys.stderr)"

    done = run("-q", script=script, stdin="piped in")

    assert done.out == "PIPED IN\n"
    assert done.err == "aside\n"


def test_options_behind_the_program_s_name_are_its_own(program, upstream):
    assert program("run", "-q", "echo", "-n", "--help").out == "--help"


@pytest.mark.parametrize(
    ("name", "code", "said"), [("no-such-program", 127, "no such file"), ("/", 126, "denied")]
)
def test_a_program_that_cannot_be_started_ends_as_in_a_shell(program, upstream, name, code, said):
    done = program("run", "--", name)

    assert done.code == code
    assert said in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_go_on_to_the_program(upstream, number):
    script = (
        "import signal, sys\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(42))\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    words = [sys.executable, "-m", "llmc", "run", "-q", "--", sys.executable, "-c", script]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}

    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, start_new_session=True) as us:
        assert us.stdout.readline() == b"ready\n"
        us.send_signal(number)
        code = us.wait(timeout=30)

    assert code == 42


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="not there: /proc")
def test_a_program_is_stopped_and_goes_on_with_us(upstream):
    script = (
        "import os, signal\n"
        "signal.signal(signal.SIGCONT, lambda *_: os._exit(42))\n"
        "print(os.getpid(), flush=True)\n"
        "signal.pause()\n"
    )
    words = [sys.executable, "-m", "llmc", "run", "-q", "--", sys.executable, "-c", script]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    # In a group of its own, but not orphaned: the kernel stops nobody whom nobody would wake.
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, process_group=0) as us:
        program = int(us.stdout.readline())
        us.send_signal(signal.SIGTSTP)
        until(lambda: [state(us.pid), state(program)] == ["T", "T"])
        us.send_signal(signal.SIGCONT)
        code = us.wait(timeout=30)

    assert code == 42


def state(process):
    """The letter by which the kernel tells what a process does."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


# -- replay --------------------------------------------------------------------------------------


def test_offline_a_miss_is_an_error_at_once_and_is_told_at_the_end(run, upstream):
    run(ask=["why is the sky blue?"])

    done = run("--offline", ask=["why is the sky blue?", "why is the sky green?"])

    assert done.out == "answer 1\n504 not_cached\n"
    assert "2 requests, 1 hit, 1 failed" in done.err
    told = done.err.splitlines()[-1]
    assert "not in the cache: “why is the sky green?” (m); nearest is entry 1: " in told
    assert len(upstream.calls) == 1


def test_a_cassette_is_one_file_that_holds_everything(run, upstream, home):
    recorded = run("--db", "cassette.db", ask=["why?"])

    assert [path.name for path in home.iterdir() if path.name.startswith("cass")] == ["cassette.db"]
    assert recorded.out == run("--db", "cassette.db", "--offline", ask=["why?"]).out


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_frozen_cassette_is_read_and_not_written(run, home, mode):
    (home / "tape").mkdir()
    run("--db", "tape/cassette.db", ask=["why?"])
    cassette = home / "tape" / "cassette.db"
    cassette.chmod(mode)
    before, touched = digest(cassette), times(cassette)

    replayed = run("--db", "tape/cassette.db", "--frozen", ask=["why?", "anything new"])

    assert replayed.out == "answer 1\nanswer 2\n"
    assert (digest(cassette), times(cassette)) == (before, touched)
    assert stat.S_IMODE(cassette.stat().st_mode) == mode
    assert [path.name for path in cassette.parent.iterdir()] == ["cassette.db"]


def test_a_frozen_file_in_use_is_read_with_what_its_log_holds(run, home, db):
    run(ask=["why?"])
    assert Path(f"{db}-wal").stat().st_size > 0
    before = digest(db)

    assert run("--frozen", "--offline", ask=["why?"]).out == "answer 1\n"
    assert digest(db) == before


def test_a_cassette_that_is_not_there_cannot_be_played(program, upstream):
    done = program("run", "--db", "none.db", "--frozen", "--", "true")

    assert done.code == 5
    assert "none.db" in done.err


def test_a_cache_file_that_cannot_be_used_costs_one_note(run, home, upstream):
    (home / "broken.db").write_bytes(b"no database" * 100)

    done = run("--db", "broken.db", ask=["why?"])

    assert done.out == "answer 1\n"
    assert "answering without it" in done.err.splitlines()[0]


def times(path: Path) -> list[int]:
    """When a file and its folder were last changed: what comes and goes beside it changes this."""
    return [
        t
        for each in (path, path.parent)
        for t in (each.stat().st_mtime_ns, each.stat().st_ctime_ns)
    ]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
