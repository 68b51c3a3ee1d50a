"""Command lines of llmc's, run in this process the ordinary way, with streams of their own."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Collection
from typing import NamedTuple

import pytest

from llmc import cli, streams, text


class Result(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str


def run(*arguments: str, stdin: str | bytes | None = None, terminal: bool = False) -> Result:
    """Run one; `stdin` is piped in, without it standard input is /dev/null."""
    with _Streams(stdin) as redirected, pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "_taken", None)
        patch.setattr(streams, "_meant", None)
        patch.setattr(streams, "_pending", bytearray())
        if terminal:
            patch.setattr(streams, "is_terminal", lambda _: True)
        code = cli.run(list(arguments))
    return Result(code, *redirected.texts)


#: The documented exit codes; and those of a shell for a program that cannot be started.
CODES = frozenset(range(6))
PROGRAMS_CODES = CODES | {126, 127}


def assert_decent(result: Result, *, codes: Collection[int] = CODES) -> None:
    """The exit code is a documented one, and what is said is for people."""
    said = result.err.replace("\x1b[1;31merror:\x1b[0m", "error:")  # --color always
    lines = said.splitlines()
    errors = [line for line in lines if line.startswith("llmc: error: ")]
    assert result.code in codes
    assert "Traceback" not in said
    assert "please report it" not in said
    assert text.visible(said) == said
    assert [line for line in lines if not line.startswith("llmc: ")] == []
    assert len(errors) <= 1
    if result.code > 1:
        assert (len(errors), result.out) == (1, "")


class _Streams:
    """Puts files in the place of the three standard streams, descriptors and objects."""

    def __init__(self, stdin: str | bytes | None) -> None:
        self._stdin = stdin.encode() if isinstance(stdin, str) else stdin
        self.texts: tuple[str, str] = ("", "")

    def __enter__(self) -> _Streams:
        self._saved = [os.dup(number) for number in range(3)]
        self._objects = sys.stdin, sys.stdout, sys.stderr
        self._files = [tempfile.TemporaryFile("w+b", buffering=0) for _ in range(3)]
        self._files[0].write(self._stdin or b"")
        self._files[0].seek(0)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null if self._stdin is None else self._files[0].fileno(), 0)
        os.dup2(self._files[1].fileno(), 1)
        os.dup2(self._files[2].fileno(), 2)
        os.close(null)
        sys.stdin = open(0, encoding="utf-8", closefd=False)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        for redirected in (sys.stdin, sys.stdout, sys.stderr):
            redirected.close()
        sys.stdin, sys.stdout, sys.stderr = self._objects
        for number, saved in enumerate(self._saved):
            os.dup2(saved, number)
            os.close(saved)
        texts = []
        for file in self._files[1:]:
            file.seek(0)
            texts.append(file.read().decode("utf-8"))
        for file in self._files:
            file.close()
        self.texts = (texts[0], texts[1])
