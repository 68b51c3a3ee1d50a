from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import httpx2
import pytest
from conftest import ROOT

ASKED = {"model": "m", "messages": [{"role": "user", "content": "why?"}]}


@contextmanager
def serving(*options, **environ):
    """The real program, which has said where it listens."""
    words = [sys.executable, "-m", "llmc", "serve", "--port", "0", *options]
    with subprocess.Popen(
        words,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environ,
        stderr=subprocess.PIPE,
        text=True,
    ) as us:
        try:
            us.url = re.search(r"http://\S+", us.stderr.readline())[0]
            yield us
        finally:
            us.kill()


def ask(url):
    return httpx2.post(url + "/chat/completions", json=ASKED, timeout=30, verify=False)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, -signal.SIGINT)])
def test_it_serves_until_it_is_told_to_stop(upstream, cli, number, code):
    with serving() as us:
        answers = [ask(us.url) for _ in range(2)]
        us.send_signal(number)
        told = us.stderr.read()
        assert us.wait(timeout=30) == code

    assert [answer.headers["x-llmc-source"] for answer in answers] == ["model", "exact"]
    assert told.startswith("llmc: 2 requests, 1 hit, saved ")
    assert cli("ask", "-m", "m", "--offline", "why?").out == "answer 1\n"


def test_a_port_that_is_taken_is_one_line(upstream, program):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = program("serve", "--port", str(taken.getsockname()[1]))

    assert done.code == 1
    assert "address already in use" in done.err
    assert done.err.count("\n") == 2  # and what helps
    assert "Traceback" not in done.err


def test_another_address_needs_a_token(program, upstream):
    done = program("serve", "--host", "0.0.0.0", "--port", "0")

    assert done.code == 2
    assert "token" in done.err


@pytest.mark.parametrize("token", ["short", "ann:short", "one-token,another-one"])
def test_a_token_that_protects_nothing_is_refused_and_not_repeated(program, upstream, token):
    done = program("serve", "--port", "0", env={"LLMC_TOKEN": token})

    assert done.code == 2
    assert token not in done.err


def test_a_provider_that_nobody_knows_is_refused(program):
    done = program("serve", "--provider", "nobody", "--port", "0")

    assert done.code == 2
    assert "no provider is called 'nobody'" in done.err


def test_the_token_is_read_from_the_environment_and_never_told(upstream):
    with serving(LLMC_TOKEN="correct-horse") as us:
        refused = ask(us.url)
        us.send_signal(signal.SIGTERM)
        told = us.stderr.read()

    assert refused.status_code == 401
    assert "correct-horse" not in told + refused.text


def test_a_cache_file_that_cannot_be_used_costs_one_note(upstream, home):
    broken = home / "broken.db"
    broken.write_bytes(b"no database" * 100)
    words = [sys.executable, "-m", "llmc", "serve", "--port", "0", "--db", str(broken)]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, env=environ, stderr=subprocess.PIPE, text=True) as us:
        note, serving_line = us.stderr.readline(), us.stderr.readline()
        answer = ask(re.search(r"http://\S+", serving_line)[0])
        us.terminate()

    assert "answering without it" in note
    assert answer.json()["choices"][0]["message"]["content"] == "answer 1"


def test_offline_a_file_that_cannot_be_used_is_fatal(program, upstream, home):
    (home / "broken.db").write_bytes(b"no database" * 100)

    assert program("serve", "--offline", "--db", "broken.db", "--port", "0").code == 5
