"""What does the doctor look at, what does it find, and what cures that?

Nothing is changed but by `cure`. It never belongs to a start: all of the file is read.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import time
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from llmc import config, drafting, output, places, provider, text
from llmc.endpoints import key_of
from llmc.errors import CacheFileError, DamagedError, EmbeddingError, LlmcError
from llmc.local.weights import Weights
from llmc.repair import mending
from llmc.repair.salvage import salvage
from llmc.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Cure", "Finding", "cure", "cures", "embedder", "file", "place", "reachable"]

Cure: TypeAlias = Literal["tables", "words", "vectors", "salvage"]

#: What each cure is, as a question and as what `--repair` would do.
_CURES: dict[Cure, tuple[str, str]] = {
    "tables": ("put the tables right", "puts that right"),
    "words": ("build the full-text index anew", "builds it anew"),
    "vectors": ("build the index of vectors anew", "builds the index anew"),
    "salvage": (
        "save what can be read into a new file, and keep the damaged one beside it",
        "saves what can be read",
    ),
}

#: File systems on which SQLite's shared memory and locks are not to be trusted.
_NETWORK = (
    "nfs", "cifs", "smb", "afs", "afp", "9p", "ceph", "glusterfs", "lustre", "davfs", "webdav",
    "fuse.sshfs", "fuse.rclone", "fuse.s3fs", "vboxsf", "prl_fs",
)  # fmt: skip

#: What the embedder is asked to embed.
_PROBE = "Is everything well?"

#: What a row of a table is called.
_NOUNS = {
    "entry": "entry",
    "ledger": "ledger line",
    "ledger_day": "ledger day",
    "alias": "wording",
    "refusal": "refused parameter",
    "verdict": "verdict",
    "calibration": "calibration",
    "rule": "rule",
    "scope": "scope",
    "listed": "model list",
}


class Finding(NamedTuple):
    """One thing that was looked at."""

    state: Literal["ok", "warning", "damage"]
    part: str
    says: str
    cure: Cure | None = None

    @property
    def told(self) -> tuple[str, str, str]:
        """Return what is shown, with the way out."""
        way_out = f"; --repair {_CURES[self.cure][1]}" if self.cure else ""
        return self.state, self.part, self.says + way_out


def cures(findings: Iterable[Finding]) -> list[Cure]:
    """Return what would cure the findings, in the order in which it is to be done."""
    needed = {finding.cure for finding in findings}
    if "salvage" in needed:
        return ["salvage"]
    return [name for name in _CURES if name in needed]


#: How to see what would be changed.
_LOOK = "llmc doctor shows what is damaged"


def cure(settings: config.Settings, needed: list[Cure], *, yes: bool) -> Iterator[Finding]:
    """Cure the cache file; yield what was done. A person is asked before.

    Raises CacheFileError, InputError where nobody can be asked, and LlmcError where he refuses.
    """
    question = " and ".join(_CURES[name][0] for name in needed)
    output.confirm(f"{question}?", yes=yes, otherwise="nothing was changed", hint=_LOOK)
    addresses = [each.base_url for each in settings.providers.values()]
    if needed == ["salvage"]:
        yield _saved(settings.db, addresses)
        return
    with Store(settings.db, create=False) as store:
        for name in needed:
            match name:
                case "tables":
                    mending.mend(store.file, addresses=addresses)
                    yield Finding("ok", "tables", "they were put right")
                case "words":
                    store.rebuild_index()
                    yield Finding("ok", "index", "the full-text index was built anew")
                case "vectors":
                    store.vectors.rebuild()
                    yield Finding("ok", "vectors", "their index was built anew")


def _saved(path: str, addresses: list[str]) -> Finding:
    found = salvage(path, addresses=addresses)
    told = f"saved {_counted(found.saved) or 'nothing'}"
    if found.lost is None:
        told += "; how many are lost cannot be told"
    else:
        told += f"; lost at least {_counted(found.lost)}" if found.lost else "; no loss is known"
    if found.unframed:
        entries = text.plural(found.unframed, "entry")
        told += f"; {entries} answer the very same request alone: what it was sent with is lost"
    return Finding("ok", "salvage", f"{told}; the damaged file is kept as {found.kept}")


def _counted(rows: dict[str, int]) -> str:
    known = {name: rows[name] for name in _NOUNS if name in rows} | rows
    nouns = {name: _NOUNS.get(name, f"{name} row") for name in known if name != "meta"}
    return ", ".join(text.plural(known[name], noun) for name, noun in nouns.items() if rows[name])


def file(settings: config.Settings) -> Iterator[Finding]:
    """Look at the cache file."""
    path = settings.db
    if not os.path.lexists(path):
        yield Finding("ok", "file", f"{path}: not there yet; the first answer makes it")
        return
    if _is_wiped(path):
        # SQLite would throw the log away.
        yield Finding("damage", "file", f"{path}: empty, but its log is not", "salvage")
        return
    try:
        with Store(path, create=False, limits=settings.limits) as store:
            yield from _store(store)
    except DamagedError as error:
        yield Finding("damage", "file", str(error), "salvage")
    except CacheFileError as error:
        yield Finding("damage", "file", str(error))


def _is_wiped(path: str) -> bool:
    log = f"{path}-wal"
    try:
        return os.stat(path).st_size == 0 and os.path.exists(log) and os.stat(log).st_size > 0
    except OSError:
        return False


def _store(store: Store) -> Iterator[Finding]:
    path, read_only = store.file.path, store.read_only
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode & 0o077:
        yield Finding("warning", "mode", f"others may read it (mode {mode:04o}); chmod 600")
    if read_only:
        yield Finding("warning", "mode", "it is read-only: nothing new is stored")
    if damage := store.file.damage():
        yield from _damage("integrity", damage, None if read_only else "salvage")
        return
    yield Finding("ok", "integrity", "every page and index agrees")
    if lacking := mending.incomplete(store.file):
        yield from _damage("tables", lacking, None if read_only else "tables")
        return
    if garbled := mending.garbled(store.file):
        yield from _damage("texts", garbled, None if read_only else "salvage")
        return
    with store.file.savepoint():  # of one moment: others go on writing
        faults = mending.faults(store.file)
    yield from _damage("tables", faults, None if read_only else "tables")
    entries = text.plural(store.count(), "entry")
    yield Finding("ok", "file", f"{path}: {entries}, {text.megabytes(store.file.size())}")
    yield _room(store)
    if not read_only and (index := store.index_damage()):
        yield Finding("damage", "index", index, "words")
    yield from _vectors(store)
    if (wal := store.file.wal_size()) > 64_000_000:
        yield Finding("warning", "wal", f"{text.megabytes(wal, 0)} wait to be folded into the file")


def _damage(part: str, lines: list[str], cure: Cure | None) -> Iterator[Finding]:
    for line in lines:
        yield Finding("damage", part, line, cure)


def _room(store: Store) -> Finding:
    """Say how much of its limits the file takes up, and what has gone for want of room."""
    limits, held, size = store.eviction.limits, store.eviction.held(), store.file.size()
    parts = [
        "no limit of size"
        if limits.max_size is None
        else f"{size / 1e6:,.1f} of {text.megabytes(limits.max_size)}",
        "no limit of entries"
        if limits.max_entries is None
        else f"{held:,} of {limits.max_entries:,} entries",
    ]
    if evicted := store.eviction.evicted():
        parts.append(f"{text.plural(evicted, 'entry')} went for want of it")
    over = held > (limits.max_entries or held) or size > (limits.max_size or size)
    if over:
        parts.append("the least valuable go as new ones come")
    return Finding("warning" if over else "ok", "room", "; ".join(parts))


def _vectors(store: Store) -> Iterator[Finding]:
    vectors = store.vectors
    fault = vectors.fault()
    if fault:
        yield Finding("warning", "vectors", f"{fault}; only the same words match")
    with store.file.savepoint():
        damage = vectors.damage()
    for line in damage:
        mendable = not fault and not store.read_only
        yield Finding("damage", "vectors", line, "vectors" if mendable else None)
    if not damage and not fault:
        for space in vectors.spaces():
            yield Finding("ok", "vectors", f"{space.vectors:,} of {space.embedder}")


def place(path: str, *, mounts: str = "/proc/self/mounts") -> Iterator[Finding]:
    """Look at the disk that a path lies on; `mounts` is the system's table of file systems."""
    folder = os.path.dirname(os.path.realpath(path))
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    free = shutil.disk_usage(folder).free
    state: Literal["ok", "warning"] = "warning" if free < 100_000_000 else "ok"
    yield Finding(state, "disk", f"{text.megabytes(free, 0)} free")
    kind = _file_system(folder, mounts)
    if kind.startswith(_NETWORK):
        yield Finding(
            "warning", "disk", f"{kind} is a network file system: WAL is not safe there; use --db"
        )


def _file_system(folder: str, mounts: str) -> str:
    """Return the type of the file system that a folder lies on, where the system tells."""
    best = ("", "")
    try:
        with open(mounts, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                point, kind = line.split(" ")[1:3]
                point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)
                inside = folder == point or folder.startswith(point.rstrip("/") + "/")
                if inside and len(point) >= len(best[0]):
                    best = (point, kind)
    except (OSError, ValueError):
        return ""
    return best[1]


def embedder(settings: config.Settings) -> Iterator[Finding]:
    """Try the embedder that the settings choose."""
    if settings.embedder == "none":
        return
    try:
        chosen = config.embedder_of(settings)
        if chosen is None:
            yield Finding(
                "warning",
                "embedder",
                "none: only the same words match; llmc model pull brings a local one",
            )
            return
        opened = chosen.open()
        fault = Weights(places.models_path(settings.environ)).damage() if chosen.local else None
        if fault is not None:
            raise EmbeddingError(fault)
        embedded = opened.embed([_PROBE])
        _count(settings, chosen.price(embedded.tokens, [_PROBE]))
    except LlmcError as error:
        yield Finding("warning", "embedder", f"{error}; only the same words match")
        return
    yield Finding("ok", "embedder", f"{chosen.name}, {len(embedded.vectors[0]) // 4} dimensions")


def _count(settings: config.Settings, cost: int | None) -> None:
    """Put down what the probe cost, if there is a file to put it into."""
    if cost != 0 and os.path.exists(settings.db):
        model, namespace = settings.model, settings.namespace
        line = drafting.looked_up([cost], namespace=namespace, model=model, at=time.time())
        with contextlib.suppress(CacheFileError), Store(settings.db, create=False) as store:
            store.record(line)


def reachable(settings: config.Settings) -> Finding:
    """Ask whether the provider is there."""
    endpoint, _ = config.endpoint_of(settings)
    try:
        key = key_of(endpoint, settings.environ)
        return Finding("ok", "provider", provider.probe(endpoint.base_url, key))
    except LlmcError as error:
        return Finding("warning", "provider", str(error))
