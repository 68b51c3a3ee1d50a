"""What do the three standard streams allow, and how does a process end when one of them breaks?

Light on purpose: the porch uses it before anything else is loaded.
"""

from __future__ import annotations

import os
import sys
import time

__all__ = [
    "LIMIT",
    "STARTED",
    "die_by",
    "fill_closed",
    "is_terminal",
    "note",
    "read_stdin",
    "require_stdout",
    "status",
    "stdin_is_meant",
    "write",
]

#: When this process began, as Unix time.
STARTED = time.time()

#: The most that is read from standard input or from one file, in bytes.
LIMIT = 10_000_000

#: How long a pipe may stay silent before the user is told what we wait for, in seconds.
PATIENCE = 2.0

_closed: set[int] = set()
_meant: bool | None = None
_taken: bytes | None = None
_pending = bytearray()


def fill_closed() -> None:
    """Put /dev/null in the place of streams that were closed.

    Otherwise the next file opened, the cache perhaps, would take a stream's number.
    """
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None:
            _closed.add(number)
            os.open(os.devnull, os.O_RDWR)


def is_terminal(descriptor: int) -> bool:
    """Tell whether a person is at the other end of a stream."""
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def stdin_is_meant() -> bool:
    """Tell whether standard input was given for us to read.

    A pipe, a socket, or a regular file at its beginning. At another offset a shell's `while read`
    loop is reading the file, and the rest of it is not ours; a terminal or /dev/null is nobody's.
    Looked at once: reading moves the offset.
    """
    global _meant  # noqa: PLW0603  (the porch asks before the parser does)
    if _meant is None:
        _meant = _stdin_is_meant()
    return _meant


def read_stdin(*, quiet: bool = False) -> bytes:
    """Read standard input to its end, but no more than LIMIT + 1 bytes; once for the process.

    Raises OSError if it is closed.
    """
    global _taken  # noqa: PLW0603  (the porch may have read what the parser asks for again)
    if _taken is None:
        if 0 in _closed:
            raise OSError("it is closed")
        if not quiet and not is_terminal(0):
            _announce_silence()
        pieces, size = [], 0
        while size <= LIMIT and (piece := os.read(0, 1 << 16)):
            pieces.append(piece)
            size += len(piece)
        _taken = b"".join(pieces)
    return _taken


def require_stdout() -> None:
    """Raise LlmcError where nothing could be printed, before anything is paid for."""
    if 1 in _closed:
        from llmc.errors import LlmcError

        raise LlmcError("cannot write to standard output: it is closed")


def write(text: str, *, flush: bool = True) -> None:
    """Write text to standard output as UTF-8, whatever the locale.

    Raises BrokenPipeError if the reader has left, and LlmcError if it cannot be written.
    """
    _pending.extend(text.encode("utf-8", "replace"))
    if not _pending or (not flush and len(_pending) < 1 << 16):
        return
    try:
        if 1 in _closed:
            raise OSError("it is closed")
        while _pending:
            del _pending[: _write_some(_pending)]
    except BrokenPipeError:
        raise
    except OSError as error:
        from llmc.errors import LlmcError, reason_of

        _pending.clear()
        raise LlmcError(f"cannot write to standard output: {reason_of(error)}") from error


def note(line: str, *, mark: str = "", end: str = "\n") -> None:
    """Write one line to standard error, `llmc: ` and a mark of ours before it. Never fails."""
    if 2 in _closed or sys.stderr is None:
        return
    from llmc.text import one_line

    try:
        sys.stderr.flush()
        sys.stderr.buffer.write(f"llmc: {mark}{one_line(line)}{end}".encode("utf-8", "replace"))
        sys.stderr.buffer.flush()
    except (OSError, ValueError):
        return


def status(line: str) -> None:
    """Write over the last line of the terminal at standard error, cut to its width. Never fails."""
    from llmc.text import one_line

    try:
        width = os.get_terminal_size(2).columns or 80
        shown = one_line(line, width=max(1, width - 1))
        sys.stderr.buffer.write(f"\r\033[K{shown}".encode("utf-8", "replace"))
        sys.stderr.buffer.flush()
    except (OSError, ValueError):
        return


def die_by(number: int) -> None:
    """End the process by a signal, so that a shell sees why and stops its loop too."""
    import signal

    try:
        signal.signal(number, signal.SIG_DFL)
    except OSError:  # SIGKILL needs no leave
        pass
    os.kill(os.getpid(), number)


def _stdin_is_meant() -> bool:
    try:
        mode = os.fstat(0).st_mode
        kind = mode & 0o170000
        if kind == 0o100000:
            return os.lseek(0, 0, os.SEEK_CUR) == 0
    except OSError:
        return False
    return kind in (0o010000, 0o140000)


def _announce_silence() -> None:
    import select

    ready, _, _ = select.select([0], [], [], PATIENCE)
    if not ready:
        note("reading standard input (--no-stdin to leave it alone)")


def _write_some(data: bytearray) -> int:
    try:
        return os.write(1, memoryview(data)[: 1 << 16].tobytes())
    except BlockingIOError:  # another process has made the pipe we share non-blocking
        import select

        select.select([], [1], [])
        return 0
