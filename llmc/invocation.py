"""Is this the very command line that was answered before? Digests of what was typed and read.

The porch and the ordinary way both ask here, so that they cannot disagree. Imports next to nothing.
"""

from __future__ import annotations

import os
from _blake2 import blake2b

TYPE_CHECKING = False  # the typing module would cost the porch 3 ms
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["VARIABLES", "digest_of_inputs", "digest_of_words"]

#: The variables that decide which entry answers. A key does not: rotating it loses nothing.
VARIABLES = (
    "LLMC_AUDIT",
    "LLMC_CACHE",
    "LLMC_DB",
    "LLMC_EMBEDDER",
    "LLMC_ERROR",
    "LLMC_EVICT",
    "LLMC_LEVELS",
    "LLMC_MATCH",
    "LLMC_MAX_ENTRIES",
    "LLMC_MAX_ENTRIES_PER_NAMESPACE",
    "LLMC_MAX_SIZE",
    "LLMC_MEMORY_MAX_ENTRIES",
    "LLMC_MEMORY_TTL",
    "LLMC_MODEL",
    "LLMC_NAMESPACE",
    "LLMC_PROMPT_CACHE",
    "LLMC_RETRIES",
    "LLMC_SHARED",
    "LLMC_SHARED_TTL",
    "LLMC_THRESHOLD",
    "LLMC_TIMEOUT",
    "LLMC_TTL",
    "OPENAI_BASE_URL",
)


def digest_of_words(
    arguments: Iterable[str],
    environ: Mapping[str, str],
    *,
    version: str,
    configs: Iterable[bytes | None],
    stdin: bool,
    terminal: bool,
) -> bytes:
    """Digest what was typed and what it means: 16 bytes.

    The arguments, the settings in the environment, the content of the configuration files, and
    what kind of streams there are: whether standard input is `stdin` meant for us, and whether
    standard output is a `terminal`.
    """
    parts = [version.encode(), bytes((stdin, terminal))]
    parts += [b"\0" if content is None else content for content in configs]
    parts += [os.fsencode(environ.get(name, "")) for name in VARIABLES]
    parts += map(os.fsencode, arguments)
    return _digest(parts)


def digest_of_inputs(stdin: bytes | None, files: Iterable[bytes]) -> bytes:
    """Digest what was read: standard input, None if it was not, and files in order: 16 bytes."""
    return _digest([b"" if stdin is None else b"-" + stdin, *files])


def _digest(parts: Iterable[bytes]) -> bytes:
    # A length before each part: ("ab", "c") and ("a", "bc") must differ.
    state = blake2b(digest_size=16)
    for part in parts:
        state.update(b"%d:" % len(part))
        state.update(part)
    return state.digest()
