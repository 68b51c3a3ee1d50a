"""`llmc doctor`: is everything sound, and what could be better?"""

import os
import shutil
import stat
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

import typer

from llmc import config, output, places, provider, streams
from llmc.endpoints import key_of
from llmc.errors import CacheFileError, ConfigError, LlmcError
from llmc.options import Color, Db, Json, Yes
from llmc.store import Store

__all__ = ["command"]

#: File systems on which SQLite's shared memory and locks are not to be trusted.
_NETWORK = ("nfs", "cifs", "smb", "afs", "9p", "ceph", "glusterfs", "lustre", "fuse.sshfs", "davfs")

_MB = 1_000_000


class _Finding(NamedTuple):
    state: Literal["ok", "warning", "damage"]
    part: str
    says: str


def command(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    yes: Yes = False,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",
) -> None:
    """Check the file, the settings, the provider and the embedder.

    Exits with 0 if all is well or only a warning is due, with 1 if something is damaged.
    """
    try:
        settings = config.load({"db": db})
    except ConfigError as error:
        findings = [_Finding("damage", "configuration", str(error))]
    else:
        findings = [_Finding("ok", "configuration", places.config_path(settings.environ))]
        findings += _file(settings, repair=repair, yes=yes)
        findings += _place(settings.db)
        findings.append(_provider(settings))
        findings += _embedder(settings)
    if json:
        output.print_json([finding._asdict() for finding in findings])
    else:
        colors = config.wants_color(color, terminal=streams.is_terminal(1))
        output.print_table(_Finding._fields, findings, color=colors, flexible="says", wrap=True)
    if any(finding.state == "damage" for finding in findings):
        raise typer.Exit(1)


def _file(settings: config.Settings, *, repair: bool, yes: bool) -> Iterator[_Finding]:
    path = settings.db
    if not os.path.exists(path):
        yield _Finding("ok", "file", f"{path}: not there yet; the first answer makes it")
        return
    try:
        with Store(path, create=False, limits=settings.limits) as store:
            yield from _store(store, repair=repair, yes=yes)
            yield _room(store)
    except CacheFileError as error:
        yield _Finding("damage", "file", str(error))


def _room(store: Store) -> _Finding:
    """Say how much of its limits the file takes up, and what has gone for want of room."""
    limits, held, size = store.eviction.limits, store.eviction.held(), store.file.size()
    parts = [
        "no limit of size"
        if limits.max_size is None
        else f"{size / _MB:,.1f} of {limits.max_size / _MB:,.1f} MB",
        "no limit of entries"
        if limits.max_entries is None
        else f"{held:,} of {limits.max_entries:,} entries",
    ]
    if evicted := store.eviction.evicted():
        parts.append(f"{output.plural(evicted, 'entry')} went for want of it")
    over = held > (limits.max_entries or held) or size > (limits.max_size or size)
    if over:
        parts.append("the least valuable go as new ones come")
    return _Finding("warning" if over else "ok", "room", "; ".join(parts))


def _store(store: Store, *, repair: bool, yes: bool) -> Iterator[_Finding]:
    entries = output.plural(store.count(), "entry")
    yield _Finding("ok", "file", f"{store.file.path}: {entries}, {store.file.size() / _MB:.1f} MB")
    mode = stat.S_IMODE(os.stat(store.file.path).st_mode)
    if mode & 0o077:
        yield _Finding("warning", "mode", f"others may read it (mode {mode:04o}); chmod 600")
    if store.file.read_only:
        yield _Finding("warning", "mode", "it is read-only: nothing new is stored")
    damage = store.file.damage()
    for fault in damage:
        yield _Finding("damage", "integrity", fault)
    if not damage:
        yield _Finding("ok", "integrity", "every page and index agrees")
    index = None if store.file.read_only else store.index_damage()
    if index and repair:
        output.confirm("build the full-text index anew?", yes=yes, otherwise="nothing was changed")
        store.rebuild_index()
        index = store.index_damage()
        yield _Finding("ok", "index", "the full-text index was built anew")
    if index:
        yield _Finding("damage", "index", f"{index}; --repair builds it anew")
    yield from _vectors(store, repair=repair, yes=yes)
    if (wal := store.file.wal_size()) > 64 * _MB:
        yield _Finding("warning", "wal", f"{wal / _MB:.0f} MB wait to be folded into the file")


def _vectors(store: Store, *, repair: bool, yes: bool) -> Iterator[_Finding]:
    vectors = store.vectors
    fault = vectors.fault()
    if fault:
        yield _Finding("warning", "vectors", f"{fault}; only the same words match")
    damage = vectors.damage()
    mendable = not fault and not store.file.read_only
    if damage and repair and mendable:
        question = "build the index of vectors anew?"
        output.confirm(question, yes=yes, otherwise="nothing was changed")
        vectors.rebuild()
        damage = vectors.damage()
        yield _Finding("ok", "vectors", "their index was built anew")
    way_out = "; --repair builds the index anew" if mendable else ""
    for line in damage:
        yield _Finding("damage", "vectors", f"{line}{way_out}")
    if not damage and not fault:
        for space in vectors.spaces():
            yield _Finding("ok", "vectors", f"{space.vectors:,} of {space.embedder}")


def _embedder(settings: config.Settings) -> Iterator[_Finding]:
    if settings.embedder == "none":
        return
    try:
        chosen = config.embedder_of(settings)
        if chosen is None:
            yield _Finding(
                "warning",
                "embedder",
                "none: only the same words match; llmc model pull brings a local one",
            )
            return
        embedded = chosen.open().embed(["Is everything well?"])
    except LlmcError as error:
        yield _Finding("warning", "embedder", f"{error}; only the same words match")
        return
    yield _Finding("ok", "embedder", f"{chosen.name}, {len(embedded.vectors[0]) // 4} dimensions")


def _place(path: str) -> Iterator[_Finding]:
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    free = shutil.disk_usage(folder).free
    state: Literal["ok", "warning"] = "warning" if free < 100 * _MB else "ok"
    yield _Finding(state, "disk", f"{free / _MB:,.0f} MB free")
    kind = _file_system(folder)
    if kind.startswith(_NETWORK):
        yield _Finding(
            "warning", "disk", f"{kind} is a network file system: WAL is not safe there; use --db"
        )


def _file_system(folder: str) -> str:
    """Return the type of the file system that a folder lies on, where the system tells."""
    real, best = os.path.realpath(folder), ("", "")
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as mounts:
            for line in mounts:
                point, kind = line.split(" ")[1:3]
                point = point.replace("\\040", " ")
                inside = real == point or real.startswith(point.rstrip("/") + "/")
                if inside and len(point) >= len(best[0]):
                    best = (point, kind)
    except OSError:
        return ""
    return best[1]


def _provider(settings: config.Settings) -> _Finding:
    endpoint, _ = config.endpoint_of(settings)
    try:
        key = key_of(endpoint, settings.environ)
        return _Finding("ok", "provider", provider.probe(endpoint.base_url, key))
    except LlmcError as error:
        return _Finding("warning", "provider", str(error))
