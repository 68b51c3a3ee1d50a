"""What is missing, astray or without an owner in a cache file, and how is it put right?

In a file whose pages are sound; `salvage` is for others. All functions raise CacheFileError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmc import keys, semantic
from llmc.questions import group_of
from llmc.repair import blueprint, frames
from llmc.repair.blueprint import WORDS
from llmc.semantic import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmc.file import File
    from llmc.semantic import Question

__all__ = [
    "faults",
    "garbled",
    "incomplete",
    "mend",
    "recreate",
    "remove_orphans",
    "reserve_ids",
]


class _Sum(NamedTuple):
    """Something that follows from other tables: how many rows disagree, and what mends them."""

    says: str
    check: str
    mend: str


#: What belongs to nobody, without a word of the schema.
_UNOWNED = {
    "scope": "id NOT IN (SELECT scope_id FROM entry)",
    "standing": "entry_id NOT IN (SELECT id FROM entry)",
    "vector_due": "NOT EXISTS (SELECT 1 FROM entry AS e WHERE e.id = entry_id"
    " AND e.scope_id = vector_due.scope_id AND e.namespace = vector_due.namespace)",
}

_NO_REQUEST = """
CASE WHEN json_valid(frame) THEN
    (json_type(frame, '$.base_url'), json_type(frame, '$.endpoint'),
        json_type(frame, '$.body.model')) IS NOT ('text', 'text', 'text') ELSE 1 END
"""
_NO_CHOICES = """
CASE WHEN choices IS NULL THEN 0 WHEN json_valid(choices) THEN json_type(choices) <> 'array'
    OR EXISTS (SELECT 1 FROM json_each(choices) AS each WHERE each.type <> 'object') ELSE 1 END
"""

#: JSON that is none, or of which `rows` can make nothing.
_UNREADABLE = (
    ("scope", _NO_REQUEST),
    ("entry", _NO_CHOICES),
    ("calibration", "NOT json_valid(report)"),
)

_SUMS = (
    _Sum(
        "namespaces are counted wrongly",
        "SELECT count(*) FROM (SELECT namespace, count(*) AS n FROM entry GROUP BY namespace)"
        " AS e FULL JOIN tally AS t USING (namespace) WHERE e.n IS NOT t.entries",
        "DELETE FROM tally;"
        " INSERT INTO tally SELECT namespace, count(*) FROM entry GROUP BY namespace",
    ),
    _Sum(
        "entries have no place among those that go first, or one that they should not have",
        "SELECT count(*) FROM entry AS e LEFT JOIN standing AS s ON s.entry_id = e.id"
        " WHERE (s.entry_id IS NULL OR s.namespace <> e.namespace) <> (e.pinned <> 0)",
        "DELETE FROM standing WHERE entry_id IN (SELECT e.id FROM entry AS e"
        " WHERE e.pinned OR e.namespace <> standing.namespace);"
        " INSERT OR IGNORE INTO standing (entry_id, namespace)"
        " SELECT id, namespace FROM entry WHERE NOT pinned",
    ),
    _Sum(
        "kinds of vectors are counted wrongly",
        "SELECT count(*) FROM space WHERE vectors <>"
        " (SELECT count(*) FROM vector WHERE space_id = space.id)",
        "UPDATE space SET vectors = (SELECT count(*) FROM vector WHERE space_id = space.id)",
    ),
)

_VECTORS = """
SELECT v.id, v.grp, e.namespace, s.hash, s.frame, e.prompt, e.instruction_at
FROM vector AS v JOIN entry AS e ON e.id = v.entry_id JOIN scope AS s ON s.id = e.scope_id
WHERE json_valid(s.frame)
"""
_WITHOUT = """
SELECT p.id, e.id, s.frame, e.prompt, e.instruction_at
FROM space AS p CROSS JOIN entry AS e JOIN scope AS s ON s.id = e.scope_id
WHERE e.sample = 0 AND json_valid(s.frame)
    AND NOT EXISTS (SELECT 1 FROM vector WHERE entry_id = e.id AND space_id = p.id)
    AND NOT EXISTS (SELECT 1 FROM vector_due AS d WHERE d.space_id = p.id
        AND d.scope_id = e.scope_id AND d.namespace = e.namespace AND d.entry_id = e.id)
"""
_DUE = """
INSERT OR IGNORE INTO vector_due (space_id, scope_id, namespace, entry_id)
SELECT ?, scope_id, namespace, id FROM entry WHERE id = ?
"""


class _Astray(NamedTuple):
    """Vectors that are not where their questions belong, and entries that should have one."""

    vectors: list[int]
    entries: list[tuple[int, int]]  # each with its space before it


def incomplete(file: File) -> list[str]:
    """Return what of the schema the file has not, or in another form; nothing if it is whole."""
    found = _found(file)
    return [
        f"{kind} {name} {'was altered' if (kind, name) in found else 'is missing'}"
        for kind, name in _lacking(file)
    ]


def faults(file: File) -> list[str]:
    """Return what is wrong with the rows of a file that has all tables; nothing if sound."""
    lines = []
    for name, condition in (*_UNREADABLE, *_ownerless()):
        if count := file.number(f"SELECT count(*) FROM {name} WHERE {condition}"):
            lines.append(f"{count} rows of {name} belong to nothing, or cannot be read")
    counts = ((file.number(each.check), each.says) for each in _SUMS)
    lines += [f"{count} {says}" for count, says in counts if count]
    stray = _astray(file)
    if stray.vectors:
        lines.append(f"{len(stray.vectors)} vectors are not where their questions belong")
    if stray.entries:
        lines.append(f"{len(stray.entries)} entries lack their vectors")
    return list(dict.fromkeys(lines))


def garbled(file: File) -> list[str]:
    """Return how many rows of which tables hold texts that are not UTF-8: nobody can read them."""
    lines = []
    for table in blueprint.tables():
        texts = [f"CAST({c.name} AS BLOB)" for c in table.columns if c.type == "TEXT"]
        if texts:
            rows = file.stream(f"SELECT {', '.join(texts)} FROM {table.name}")
            count = sum(not all(map(_is_text, row)) for row in rows)
            lines += [f"{count} rows of {table.name} hold a text that is not UTF-8"] * bool(count)
    return lines


def mend(file: File, *, addresses: Iterable[str] = ()) -> None:
    """Put right what `faults` finds, in one transaction.

    What is missing of the schema is made anew, empty; the full-text index is filled from the
    entries. What has no owner goes. Vectors that are astray go, and their entries are due again;
    an index may still hold them. A table that was altered stays as it is. `addresses` are those
    that questions may have been sent to.
    """
    file.execute("PRAGMA foreign_keys = OFF")  # what lacks its owner is removed all the same
    try:
        _mend(file, addresses)
    finally:
        file.execute("PRAGMA foreign_keys = ON")


def _mend(file: File, addresses: Iterable[str]) -> None:
    with file.transaction():
        recreate(file)
        frames.restore(file, addresses)
        remove_orphans(file)
        for each in _SUMS:
            if file.number(each.check):
                file.execute(each.mend)
        stray = _astray(file)
        for vector_id in stray.vectors:
            (owner,) = file.rows("SELECT space_id, entry_id FROM vector WHERE id = ?", (vector_id,))
            file.execute("DELETE FROM vector WHERE id = ?", (vector_id,))
            file.execute(_DUE, owner)
        for owner in stray.entries:
            file.execute(_DUE, owner)


def remove_orphans(file: File) -> dict[str, int]:
    """Remove rows without their owner, and unreadable ones; return how many of each table.

    Within the caller's transaction.
    """
    removed: dict[str, int] = {}
    for name, condition in (*_UNREADABLE, *_ownerless()):
        file.execute(f"DELETE FROM {name} WHERE {condition}")
        removed[name] = removed.get(name, 0) + file.changes()
    return removed


def reserve_ids(file: File, last: Mapping[str, int]) -> None:
    """See to it that no id up to the last one that is known is given again, by table.

    Within the caller's transaction. What the ledger knows of entries counts, too.
    """
    asked = file.number("SELECT coalesce(max(entry_id), 0) FROM ledger")
    for name, number in {**last, "entry": max(last.get("entry", 0), asked)}.items():
        file.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, 0 WHERE NOT EXISTS"
            " (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
            (name,),
        )
        file.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (number, name))


def recreate(file: File) -> bool:
    """Make what is missing of the schema anew, empty, within the caller's transaction.

    The full-text index is filled from the entries. Return whether anything was missing.
    """
    lacking = _lacking(file)
    if ("table", WORDS) in lacking:
        for kind, name in _found(file):
            if kind == "table" and name.startswith(f"{WORDS}_"):
                file.execute(f"DROP TABLE {name}")
    for kind, name in lacking:
        if kind != "table":
            file.execute(f"DROP {kind} IF EXISTS {name}")
        if (kind, name) not in _found(file):
            file.execute(blueprint.objects()[kind, name])
    if any(name.startswith(WORDS) for _, name in lacking):
        # Without a version FTS5 does not even build it anew; it raises it by itself.
        file.execute(f"INSERT OR IGNORE INTO {WORDS}_config VALUES ('version', 4)")
        file.execute(f"INSERT INTO {WORDS} ({WORDS}) VALUES ('rebuild')")
        file.execute(f"INSERT INTO {WORDS} ({WORDS}, rank) VALUES ('secure-delete', 1)")
    if lacking:
        # A command line that was remembered must not meet a generation that began anew.
        file.execute("DELETE FROM invocation")
        for name, value in blueprint.marks():
            file.execute("INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)", (name, value))
        file.execute("UPDATE meta SET value = value + 1 WHERE name = 'generation'")
        reserve_ids(file, {})
    return bool(lacking)


def _lacking(file: File) -> list[tuple[str, str]]:
    """Return what of the schema the file has not, or in another form, by type and name."""
    found = _found(file)
    return [each for each, sql in blueprint.objects().items() if found.get(each) != sql]


def _found(file: File) -> dict[tuple[str, str], str]:
    rows = file.rows("SELECT type, name, sql FROM sqlite_schema WHERE sql <> ''")
    return {(kind, name): sql for kind, name, sql in rows}


def _ownerless() -> Iterator[tuple[str, str]]:
    """Yield tables with the condition under which a row has no owner, owners first."""
    for table in blueprint.tables():
        for column, owner, theirs in table.owners:
            yield table.name, f"{column} NOT IN (SELECT {theirs} FROM {owner})"
    yield from _UNOWNED.items()


def _astray(file: File) -> _Astray:
    """Ask of each vector and each entry without one what its question says."""
    follows: dict[str, bool] = {}

    def question(frame: str, prompt: str, at: int) -> Question | Refusal:
        if frame not in follows:
            try:
                follows[frame] = keys.follows(keys.request_from(frame, ""))
            except (AttributeError, KeyError, TypeError, ValueError):
                return Refusal("damage", "its request cannot be read")
        return semantic.question(prompt, at=at, follows=follows[frame])

    found = _Astray([], [])
    for vector_id, group, namespace, scope, *asked in file.stream(_VECTORS):
        compared = question(*asked)
        if not isinstance(compared, Refusal) and group_of(namespace, scope, compared) != group:
            found.vectors.append(vector_id)
    for space, entry_id, *asked in file.stream(_WITHOUT):
        if not isinstance(question(*asked), Refusal):
            found.entries.append((space, entry_id))
    return found


def _is_text(raw: bytes | None) -> bool:
    try:
        return raw is None or raw.decode("utf-8") is not None
    except UnicodeDecodeError:
        return False
