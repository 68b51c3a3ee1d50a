"""What did the user hand over? Files, standard input and option texts, read and checked.

It only reads; where each part stands in a prompt is `layout`'s business.
"""

from __future__ import annotations

import json
import math
import os
import stat
from typing import TYPE_CHECKING, Any, Self

from llmc import invocation, streams
from llmc.errors import InputError, LlmcError, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["RESERVED", "Lines", "Reader", "options", "parsed", "response_format"]

#: Parameters of a request that have a flag of their own, or none because they are ours to set.
RESERVED = {
    "api_key": "a key belongs into a variable",
    "messages": "give the prompt as an argument, or pipe it in",
    "model": "use -m",
    "stream": "use --stream or --no-stream",
    "stream_options": "llmc sets it by itself",
    "timeout": "use --timeout",
}


class Reader:
    """Reads what one command line names, and remembers what it has read.

    `files` are the paths read so far, in order; `stdin` tells whether standard input was. `command`
    is the one that a hint shows the use of.
    """

    def __init__(self, *, quiet: bool = False, command: str = "ask") -> None:
        self._quiet = quiet
        self._command = command
        self._contents: list[bytes] = []
        self._regular = True
        self._piped: bytes | None = None
        self.files: list[str] = []

    @property
    def stdin(self) -> bool:
        """Whether standard input has been read."""
        return self._piped is not None

    def digest(self) -> bytes | None:
        """Return a digest of all that has been read: the very bytes, not the files as they are.

        None if it cannot be read again to compare: a pipe (`-f <(…)`) gives its text once.
        """
        if not self._regular:
            return None
        return invocation.digest_of_inputs(self._piped, self._contents)

    def words_and_document(self, prompt: str | None, *, stdin: bool) -> tuple[str, str | None]:
        """Return the words of the argument and the piped document: at least one of them.

        Standard input is read if it is meant, or if the argument is `-`; then there are no words.
        Raises InputError if there is nothing, or if it cannot be read.
        """
        if prompt == "-":
            return "", self._stdin() or self._no_words("standard input is empty")
        piped = self._stdin() if stdin and streams.stdin_is_meant() else ""
        if prompt is not None and prompt.strip():
            return prompt, piped or None
        missing = "no prompt: give one, or pipe it in" if prompt is None else "the prompt is empty"
        return "", piped or self._no_words(missing)

    def text(self, path: str) -> str:
        """Return a file's text. Raises InputError if it cannot be read or is none."""
        if path == "-":
            raise InputError(
                "- is no file: standard input is the question, or its document, by itself",
                hint="/dev/stdin names it as a file",
            )
        try:
            with open(path, "rb") as file:
                self._regular &= stat.S_ISREG(os.fstat(file.fileno()).st_mode)
                content = file.read(streams.LIMIT + 1)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: {reason_of(error)}") from error
        self.files.append(path)
        self._contents.append(content)
        return _decode(content, path)

    def answer(self) -> str:
        """Return the text on standard input as it stands, less its final newline.

        Raises InputError if there is none, or if it is no text.
        """
        if not (streams.stdin_is_meant() or streams.is_terminal(0)):
            raise InputError("no answer: pipe it in")
        text = _decode(self._bytes(), "standard input")
        if not text.strip():
            raise InputError("the answer is empty")
        return text.removesuffix("\n")

    def json_schema(self, value: str) -> dict[str, Any]:
        """Read a JSON schema from a file, or from the text itself if it begins with a brace.

        Return it as a request's `response_format`. Raises InputError.
        """
        written = value.lstrip().startswith("{")
        place = "--schema" if written else value
        try:
            schema = parsed(value if written else self.text(value))
        except json.JSONDecodeError as error:
            said = f"{error.msg.lower()} (line {error.lineno}, column {error.colno})"
            raise InputError(f"{place}: it is not JSON: {said}") from error
        except ValueError as error:
            raise InputError(f"{place}: {error}") from error
        if not isinstance(schema, dict):
            raise InputError(f"{place}: a JSON schema is an object")
        return response_format(schema)

    def _no_words(self, message: str) -> str:
        command = f"llmc {self._command}"
        raise InputError(message, hint=f'{command} "why is the sky blue?", or {command} --help')

    def _stdin(self) -> str:
        # A shell's text ends with a newline that nobody means.
        text = _decode(self._bytes(), "standard input").rstrip("\n")
        return text if text.strip() else ""

    def _bytes(self) -> bytes:
        try:
            self._piped = streams.read_stdin(quiet=self._quiet)
        except OSError as error:
            raise LlmcError(f"cannot read standard input: {reason_of(error)}") from error
        return self._piped


def options(pairs: Iterable[str]) -> dict[str, Any]:
    """Read `name=value` texts as API parameters: JSON where it is JSON, else text.

    Raises InputError.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip()
        if not equals or not name:
            raise InputError(f"-o {pair}: write it as name=value")
        if name in RESERVED:
            raise InputError(f"-o {name}: {RESERVED[name]}")
        try:
            found[name] = parsed(value)
        except _UnfitError as error:
            raise InputError(f"-o {name}: {error}") from None
        except ValueError:
            found[name] = value
    return found


def response_format(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON schema as a request's `response_format`."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


class Lines:
    """The lines of a file as they come, in constant memory. Use it as a context manager."""

    def __init__(self, path: str) -> None:
        """Open the file, standard input for `-`. Raises InputError."""
        self._name = "standard input" if path == "-" else path
        try:
            self._descriptor = 0 if path == "-" else os.open(path, os.O_RDONLY)
            status = os.fstat(self._descriptor)
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error
        #: The bytes of the file; None of what has no size.
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor:
            os.close(self._descriptor)

    def read(self, *, wake: int | None = None) -> Iterator[bytes | None]:
        """Yield the lines without their ends.

        None comes while there is no whole line yet and something was written to the pipe `wake`.
        Of a line longer than LIMIT bytes only so many and one more are kept. Raises InputError.
        """
        import select

        rest = b""
        while True:
            if wake is not None:
                ready, _, _ = select.select([self._descriptor, wake], [], [])
                if wake in ready:
                    os.read(wake, 1 << 16)
                    yield None
                if self._descriptor not in ready:
                    continue
            piece = self._piece()
            if not piece:
                break
            if len(rest) > streams.LIMIT:
                _, newline, piece = piece.partition(b"\n")
                if not newline:
                    continue
                yield rest[: streams.LIMIT + 1]
                rest = b""
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
        if rest:
            yield rest[: streams.LIMIT + 1]

    def _piece(self) -> bytes:
        try:
            return os.read(self._descriptor, 1 << 16)
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> InputError:
        return InputError(f"{self._name}: {reason_of(error)}")


class _UnfitError(ValueError):
    """JSON that cannot be sent."""


def parsed(text: str) -> Any:
    """Read JSON that can be sent: finite numbers, whole characters, no bottomless nesting.

    Raises ValueError.
    """
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise _UnfitError("it is nested too deeply") from None
    except UnicodeEncodeError:
        raise _UnfitError("it holds half a surrogate pair") from None
    return value


def _decode(data: bytes, name: str) -> str:
    if len(data) > streams.LIMIT:
        raise InputError(f"{name} is larger than {streams.LIMIT // 1_000_000} MB")
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not UTF-8 (byte 0x{data[error.start]:02x} at offset {error.start})"
        ) from error
    if "\0" in text:
        raise InputError(f"{name} is no text (a NUL byte at offset {data.index(0)})")
    return text


def _finite(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise _UnfitError(f"{digits} is too large a number")
    return number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
