"""How does a process begin? With the porch, and only then with the command line.

The porch answers a command line that was answered before, with `apsw` alone: no parser, no
configuration loader. It knows by itself only where the file lies and one query; whatever it does
not recognise, or cannot do, takes the ordinary way, which does it from the start.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # built in: `signal` takes a millisecond
import gc
import os
import sys
import time

from llmc import __version__, invocation, places, streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

__all__ = ["main"]

# As in `schema`, `file` and `policy`, which import too much for the porch.
SCHEMA = 4
BUSY_TIMEOUT = 5_000
COUNTING_TIMEOUT = 15_000
WAL_KEEP = 400_000
AHEAD = 300.0

# The columns that a hit is shown and counted with, for one invocation that is still in force.
_QUERY = """
SELECT e.id, e.namespace, s.model, e.answer, e.created_at, e.cost_nusd, e.latency,
    e.prompt_tokens, e.completion_tokens, e.cached_tokens, i.quiet
FROM invocation AS i JOIN entry AS e ON e.id = i.entry_id JOIN scope AS s ON s.id = e.scope_id
WHERE i.digest = ? AND i.inputs = ? AND e.choices IS NULL
    AND (e.expires_at IS NULL OR (e.expires_at > ? AND e.created_at <= ?))
    AND i.generation = (SELECT value FROM meta WHERE name = 'generation')
"""
_READS = "SELECT stdin, files, quiet FROM invocation WHERE digest = ? LIMIT 1"
_COUNT = "UPDATE entry SET hits = hits + 1, last_hit_at = ? WHERE id = ?"
_LINE = """
INSERT INTO ledger (at, source, level, entry_id, namespace, model, prompt_tokens,
    completion_tokens, cached_tokens, spent_nusd, avoided_nusd, latency, avoided_latency)
VALUES (?, 'exact', 2, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)
"""


def main() -> None:
    """Answer from the porch, or run the command line; end with its exit code."""
    arguments = sys.argv[1:]
    digest = None
    code = 1
    streams.fill_closed()
    # A short life makes little garbage: looking for it at the usual pace costs a start 5 %.
    gc.set_threshold(50_000)
    try:
        if _signal.getsignal(2) is _signal.SIG_DFL:  # the launcher's doing
            _signal.signal(2, _signal.default_int_handler)
        if arguments[:1] == ["ask"] and os.name == "posix":
            digest = _porch(arguments)
        from llmc.cli import run

        code = run(arguments, invocation=digest)
    except KeyboardInterrupt:
        streams.die_by(2)
    # Spares the interpreter's farewell, 2 to 10 ms. Files are closed and streams flushed.
    os._exit(code)


def _porch(arguments: list[str]) -> bytes | None:
    """Answer and end the process, or return this command line's digest for the ordinary way."""
    started = time.perf_counter()
    try:
        user, project = _configs()
        path = _file(arguments, user)
    except Exception:  # noqa: BLE001  (the ordinary way says what is wrong, in one line)
        return None
    terminal = streams.is_terminal(1)
    digest = invocation.digest_of_words(
        arguments,
        os.environ,
        version=__version__,
        configs=(user, project),
        stdin=streams.stdin_is_meant(),
        terminal=terminal,
    )
    if not os.path.isfile(path):
        return digest
    try:
        _answer(path, digest, terminal=terminal, started=started)
    except Exception:  # noqa: BLE001, S110  (likewise)
        pass
    return digest


def _apsw() -> ModuleType:
    """Import apsw without the package `collections`, which it wants for `collections.abc` alone.

    That is `_collections_abc` under another name, and every interpreter has it loaded; lent for
    the length of the import, it spares a hit 2 of its 14 ms.
    """
    abc = sys.modules["_collections_abc"]
    lent = {} if "collections" in sys.modules else {"collections": abc, "collections.abc": abc}
    sys.modules.update(lent)
    try:
        import apsw
    finally:
        for name in lent:
            del sys.modules[name]
    return apsw


def _answer(path: str, digest: bytes, *, terminal: bool, started: float) -> None:
    """Print the answer to a command line seen before, count it, and end the process.

    Returns if there is none; raises whatever fails before the answer is out.
    """
    streams.require_stdout()
    apsw: Any = _apsw()
    db = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
    db.set_busy_timeout(BUSY_TIMEOUT)
    if db.pragma("user_version") != SCHEMA:
        return
    reads = db.execute(_READS, (digest,)).fetchall()
    if not reads:
        return
    stdin, files, quiet = reads[0]
    contents = []
    for name in files.split("\0") if files else ():
        _require_regular(name)
        with open(name, "rb") as file:
            contents.append(file.read(streams.LIMIT + 1))
    piped = streams.read_stdin(quiet=bool(quiet)) if stdin else None
    now = time.time()
    inputs = invocation.digest_of_inputs(piped, contents)
    rows = db.execute(_QUERY, (digest, inputs, now, now + AHEAD)).fetchall()
    if not rows:
        return
    (entry_id, namespace, model, answer, created_at, cost, latency, *tokens, quiet) = rows[0]
    from llmc import text

    shown = text.visible(answer) if terminal else answer
    streams.write(shown if shown.endswith("\n") else shown + "\n")
    try:
        if not quiet:
            streams.note(text.hit_line("exact", now - created_at, cost, latency or 0.0))
        took = time.perf_counter() - started
        line = (now, entry_id, namespace, model, *tokens, cost, took, latency or 0.0)
        db.set_busy_timeout(COUNTING_TIMEOUT)
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("BEGIN IMMEDIATE")
        db.execute(_COUNT, (now, entry_id))
        db.execute(_LINE, line)
        db.execute("COMMIT")
        # Close as `File.close` does: fold the write-ahead log in only if it has grown.
        if os.stat(db.filename_wal).st_size < WAL_KEEP:
            db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        db.close()
    finally:
        # A file that is read-only, full or busy costs the count. The answer is out all the same.
        os._exit(0)


def _configs() -> tuple[bytes | None, bytes | None]:
    """Return the content of the user's and of the project's configuration file."""
    user = _content(places.config_path(os.environ))
    if user is None and os.environ.get("LLMC_CONFIG"):
        raise FileNotFoundError("LLMC_CONFIG")  # an error that the ordinary way explains
    here = os.getcwd()
    while (project := _content(os.path.join(here, ".llmc.toml"))) is None:
        above = os.path.dirname(here)
        if above == here:
            break
        here = above
    return user, project


def _content(path: str) -> bytes | None:
    try:
        _require_regular(path)
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _require_regular(path: str) -> None:
    """Raise OSError for what gives its content only once, a pipe: it is the ordinary way's."""
    if os.stat(path).st_mode & 0o170000 != 0o100000:
        raise OSError(path)


def _file(arguments: list[str], user: bytes | None) -> str:
    """Return where the cache file should be, without the configuration loader.

    A wrong guess is harmless: a command line is only found in the file that once answered it.
    """
    named = os.environ.get("LLMC_DB", "")
    if not named and user is not None and b"db" in user:
        named = _setting(user, b"db")
    for number, argument in enumerate(arguments):
        if argument == "--db":
            named = (arguments[number + 1 :] or [""])[0]
        elif argument.startswith("--db="):
            named = argument[5:]
    if named:
        return os.path.expanduser(named)
    return places.data_path(os.environ)


def _setting(config: bytes, name: bytes) -> str:
    """Return a plain `name = "text"` of a TOML file's first table, else nothing."""
    for line in config.split(b"\n"):
        key, equals, value = line.partition(b"=")
        if equals and key.strip() == name:
            return value.strip().strip(b"\"'").decode("utf-8", "replace")
    return ""


if __name__ == "__main__":
    main()
