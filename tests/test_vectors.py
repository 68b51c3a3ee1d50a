from __future__ import annotations

import math
import os
import random
import re
import struct
from importlib.machinery import PathFinder
from pathlib import Path

import apsw
import numpy as np
import pytest
from drafts import draft, line, new_store, vectors_in
from processes import at_once, output, start

from llmc import index as index_room
from llmc.errors import CacheFileError
from llmc.store import Store
from llmc.types import NEXT_SAMPLE, Selector, Vector
from llmc.vectors import Neighbour

DIMENSION = 8

#: The scope of a draft without changes.
SCOPE = draft().scope_hash

SHADOWS = ("chunks", "info", "rowids", "vector_chunks00", "metadatachunks00")

#: Where an index keeps what a search and a deletion go by.
BLOBS = [
    ("chunks", "partition00"),
    ("chunks", "rowids"),
    ("chunks", "validity"),
    ("metadatachunks00", "data"),
    ("rowids", "chunk_id"),
    ("rowids", "chunk_offset"),
    ("vector_chunks00", "vectors"),
]

#: Numbers that are no unit vector of eight.
UNFIT = {
    "none at all": b"",
    "too few": struct.pack("<7f", 1, *[0] * 6),
    "too many": struct.pack("<9f", 1, *[0] * 8),
    "no whole number of them": struct.pack("<8f", 1, *[0] * 7) + b"\0",
    "all zero": bytes(32),
    "too long": struct.pack("<8f", 1.001, *[0] * 7),
    "too short": struct.pack("<8f", 0.999, *[0] * 7),
    "one that is none": struct.pack("<8f", math.nan, *[0] * 7),
    "an infinite one": struct.pack("<8f", math.inf, *[0] * 7),
}

ADD = """
import sys
from drafts import draft, line
from llmc.store import Store
from llmc.types import Vector
from test_vectors import at
with Store(sys.argv[1]) as store:
    ready()
    for number in range(30):
        vector = Vector("e", 5, at(number))
        store.put(draft(f"question {sys.argv[2]}.{number}", vector=vector), line())
"""

ADD_UNTIL_KILLED = """
import itertools, sys
from drafts import draft, line
from llmc.store import Store
from llmc.types import Vector
from test_vectors import at
with Store(sys.argv[1]) as store:
    for number in itertools.count():
        vector = Vector("e", number, at(number))
        store.put(draft(f"question {sys.argv[2]}.{number}", vector=vector), line())
        store.delete([number - 3])
        print(number, flush=True)
"""

SEARCH = """
import struct, sys
from drafts import draft
from llmc.store import Store
with Store(sys.argv[1]) as store:
    (found,) = store.vectors.nearest(
        1, group=5, namespace="default", scope_hash=draft().scope_hash,
        vector=struct.pack("<8f", 1, *[0] * 7), threshold=0.9, now=1500.0)
    print(found.entry_id, {"numpy", "sqlite_vec"} & set(sys.modules))
"""

WRITE_OR_READ = """
import sys
from drafts import draft, line
from llmc.store import Store
from llmc.types import Vector
from test_vectors import anywhere, at, nearest
_, path, name, writes = sys.argv
with Store(path) as store:
    ready()
    for number in range(100):
        if writes == "True":
            vector = Vector("e", number % 3, at(number))
            store.put(draft(f"question {name}.{number}", vector=vector), line())
            store.delete([number * 2 - 5])
        else:
            nearest(store, degrees=number, group=number % 3)
            anywhere(store, number)
"""

MANGLE = """
import random, sys
from drafts import draft, line
from llmc import index as index_room
from llmc.errors import CacheFileError
from llmc.store import Store
from llmc.types import Vector
from test_vectors import BLOBS, add, anywhere, at, mangled, neighbours
for seed in range(int(sys.argv[2]), int(sys.argv[3])):
    chance = random.Random(seed)
    with Store(sys.argv[1]) as store:
        def searched():
            found = neighbours(store, degrees=chance.random() * 90, k=64)
            assert len({each.entry_id for each in found}) == len(found)
        uses = [
            searched,
            searched,
            lambda: anywhere(store, chance.random() * 90),
            lambda: add(store, chance.randrange(1, 700), chance.random() * 90),
            lambda: store.put(draft(f"new {seed}", vector=Vector("e", 5, at(seed))), line()),
            lambda: store.delete([chance.randrange(1, 700)]),
            lambda: store.vectors.damage(),
        ]
        chance.shuffle(uses)
        for table, column in chance.sample(BLOBS, chance.randrange(1, 3)):
            table = f"{store.vectors.spaces()[0].table}_{table}"
            rows = store.file.rows(f"SELECT _rowid_, {column} FROM {table}")
            for rowid, content in chance.sample(rows, chance.randrange(1, 1 + len(rows))):
                changed = mangled(chance, content)
                sql = f"UPDATE OR IGNORE {table} SET {column} = ? WHERE _rowid_ = ?"
                store.file.execute(sql, (changed, rowid))
        for use in uses:
            try:
                use()
            except CacheFileError:
                pass
        store.vectors.rebuild()
        assert store.vectors.damage() == [], seed
print("alive")
"""


@pytest.fixture
def store(db):
    with new_store(db) as store:
        yield store


@pytest.fixture
def space(store):
    with store.transaction():
        return store.vectors.make_space("e", DIMENSION)


@pytest.fixture
def unloadable(monkeypatch):
    """From now on no process of ours finds sqlite-vec."""

    def hide():
        monkeypatch.setattr(PathFinder, "find_spec", lambda *_: None)

    return hide


def at(degrees: float, dimension: int = DIMENSION) -> bytes:
    """A unit vector in one plane; two of them are as similar as the cosine of their angle."""
    angle = math.radians(degrees)
    rest = [0.0] * (dimension - 2)
    return struct.pack(f"<{dimension}f", math.cos(angle), math.sin(angle), *rest)


def put(store: Store, prompt: str, degrees: float, *, group: int = 5, **changes) -> int:
    """Store an answer whose question has a vector in the space 1."""
    entry_id = store.put(draft(prompt, **changes), line())
    add(store, entry_id, degrees, group=group)
    return entry_id


def put_many(store: Store, count: int, degrees: float = 0, **changes) -> None:
    for number in range(count):
        put(store, f"one of many, {number}", degrees, **changes)


def add(store: Store, entry_id: int, degrees: float, *, group: int = 5, space: int = 1) -> None:
    with store.transaction():
        store.vectors.add(space, entry_id, group=group, vector=at(degrees))


def nearest(store: Store, *, degrees: float, **changes) -> list[int]:
    return [neighbour.entry_id for neighbour in neighbours(store, degrees=degrees, **changes)]


def neighbours(store: Store, *, degrees: float, **changes) -> list[Neighbour]:
    options = {
        "group": 5,
        "namespace": "default",
        "scope_hash": SCOPE,
        "vector": at(degrees),
        "threshold": 0.9,
        "now": 1500.0,
    }
    return store.vectors.nearest(changes.pop("space", 1), **(options | changes))


def anywhere(store: Store, degrees: float, **options) -> list[int]:
    return [each.entry_id for each in store.vectors.anywhere(1, vector=at(degrees), **options)]


def due(store: Store, space: int = 1, **changes) -> list[str]:
    options = {"namespace": "default", "scope_hash": SCOPE, "limit": 9}
    return [each.prompt for each in store.vectors.due(space, **(options | changes))]


def index(store: Store) -> str:
    return store.vectors.spaces()[0].table


def indexed(store: Store) -> list[int]:
    """The ids of the vectors that the index of the first space holds."""
    return [row[0] for row in store.file.rows(f"SELECT rowid FROM {index(store)} ORDER BY rowid")]


def kept(store: Store) -> list[int]:
    return [row[0] for row in store.file.rows("SELECT id FROM vector ORDER BY id")]


def taken(store: Store) -> int:
    """The bytes of the vectors and their indexes."""
    return store.file.number(
        "SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 AND (name GLOB 'index_*'"
        " OR name GLOB 'vector*' OR name GLOB 'sqlite_autoindex_vector*')"
    )


def generation(store: Store) -> int:
    return store.vectors.spaces()[0].generation


def tables(store: Store) -> set[str]:
    return {row[0] for row in store.file.rows("SELECT name FROM sqlite_schema")}


def raw(path: Path, sql: str) -> None:
    """Do something with the file that llmc would not, without sqlite-vec and foreign keys."""
    connection = apsw.Connection(str(path))
    connection.execute(sql)
    connection.close()


def spread(count: int, dimension: int) -> list[bytes]:
    """Vectors in bundles, of any similarity to each other."""
    chance = random.Random(1)
    middles = [[chance.gauss(0, 1) for _ in range(dimension)] for _ in range(20)]
    picked = [(chance.choice(middles), 10 ** chance.uniform(-1.7, 0.2)) for _ in range(count)]
    return [unit([x + chance.gauss(0, noise) for x in middle]) for middle, noise in picked]


def fill(store: Store, space: int, vectors: list[bytes]) -> None:
    """Store an entry for each vector, within the caller's transaction."""
    scope_id = store._scope_id(draft())
    for number, vector in enumerate(vectors):
        entry_id = store.file.number(
            "INSERT INTO entry (namespace, key, family, scope_id, source, created_at,"
            " finish_reason, prompt, answer) VALUES ('default', ?, x'', ?, 'model', 0, 'stop', '',"
            " '') RETURNING id",
            (number.to_bytes(4, "big"), scope_id),
        )
        store.vectors.add(space, entry_id, group=5, vector=vector)


def matrix(vectors: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(vectors), "<f4").reshape(len(vectors), -1)


def mangled(chance: random.Random, content: object) -> object:
    """Something else in the place of a value of the index."""
    size = len(content) if isinstance(content, bytes) else 8
    noise = bytearray(content if isinstance(content, bytes) else bytes(8))
    for _ in range(chance.randrange(1, 200)):
        noise[chance.randrange(size)] = chance.randrange(256)
    others = [None, -1, 1, 513, 2**40, -(2**63), 1.5, "text", b"", bytes(size), b"\xff" * size]
    others += [bytes(size - 1), bytes(size + 8), chance.randbytes(size), bytes(3 * size)]
    return chance.choice([bytes(noise), chance.choice(others)])


def unit(numbers: list[float]) -> bytes:
    length = math.sqrt(sum(number * number for number in numbers))
    return struct.pack(f"<{len(numbers)}f", *(number / length for number in numbers))


class TestASpace:
    def test_is_not_there_before_it_is_made(self, store):
        assert store.vectors.space("e", DIMENSION) is None
        assert store.vectors.space("e", None) is None
        assert store.vectors.spaces() == []

    def test_is_made_once(self, store, space):
        with store.transaction():
            again = store.vectors.make_space("e", DIMENSION)

        assert again == space
        assert len(store.vectors.spaces()) == 1

    def test_is_one_embedders_and_one_dimensions(self, store, space):
        with store.transaction():
            others = [store.vectors.make_space("e", 16), store.vectors.make_space("f", 8)]

        assert len({space, *others}) == 3
        assert store.vectors.space("e", 8) == space
        assert store.vectors.space("e", 16) == others[0]
        assert store.vectors.space("f", 16) is None

    def test_of_no_stated_dimension_is_the_newest(self, store, space):
        with store.transaction():
            newest = store.vectors.make_space("e", 16)
            store.vectors.make_space("f", 8)

        assert store.vectors.space("e", None) == newest

    def test_makes_all_entries_due_but_samples(self, store):
        store.put(draft("first"), line())
        store.put(draft("a sample", sample=NEXT_SAMPLE), line())
        store.put(draft("second"), line())

        with store.transaction():
            space = store.vectors.make_space("e", DIMENSION)

        assert due(store, space) == ["second", "first"]

    def test_counts_its_vectors(self, store, space):
        put(store, "first", 0)
        put(store, "second", 1)
        with store.transaction():
            other = store.vectors.make_space("f", DIMENSION)
        add(store, 2, 0, space=other)

        store.delete([1])

        assert [vectors_in(store, space), vectors_in(store, other)] == [1, 1]

    def test_that_is_dropped_leaves_nothing(self, store):
        before = tables(store)
        with store.transaction():
            space = store.vectors.make_space("e", DIMENSION)
        put(store, "first", 0)
        store.put(draft("due"), line())

        with store.transaction():
            store.vectors.drop(space)

        assert tables(store) == before
        assert store.vectors.spaces() == []
        names = ("vector", "vector_due", "vector_gone")
        assert [store.file.number(f"SELECT count(*) FROM {name}") for name in names] == [0, 0, 0]

    def test_that_is_dropped_leaves_the_others(self, store, space):
        put(store, "first", 0)
        with store.transaction():
            other = store.vectors.make_space("f", DIMENSION)

        with store.transaction():
            store.vectors.drop(other)

        assert nearest(store, degrees=0) == [1]
        assert store.vectors.damage() == []

    def test_that_is_made_anew_is_another(self, store, space):
        with store.transaction():
            store.vectors.drop(space)

        with store.transaction():
            again = store.vectors.make_space("e", DIMENSION)

        assert again != space

    def test_that_is_not_there_cannot_be_dropped(self, store, space):
        with pytest.raises(CacheFileError, match="no vectors of this kind are kept"):
            store.vectors.drop(space + 1)

    @pytest.mark.parametrize("dimension", [0, -4, 2**62])
    def test_of_a_length_that_no_vector_has_is_damaged(self, store, space, dimension):
        store.file.execute("UPDATE space SET dimension = ?", (dimension,))

        with pytest.raises(CacheFileError, match=f"space {space} is damaged"):
            store.vectors.spaces()


class TestAdding:
    def test_takes_two_bytes_a_number(self, store, space):
        put(store, "first", 60)

        rows = store.file.rows("SELECT entry_id, space_id, grp, numbers FROM vector")

        assert [row[:3] for row in rows] == [(1, space, 5)]
        assert struct.unpack("<8e", rows[0][3]) == pytest.approx(
            [0.5, math.sqrt(0.75), *[0] * 6], abs=1e-3
        )

    def test_is_what_was_due(self, store, space):
        store.put(draft("first"), line())
        store.put(draft("second"), line())

        add(store, 1, 0)

        assert due(store) == ["second"]

    def test_the_same_again_writes_nothing(self, store, space):
        put(store, "first", 0)
        before = store.file.rows("SELECT * FROM vector")

        add(store, 1, 0)

        assert store.file.rows("SELECT * FROM vector") == before
        assert indexed(store) == [1]

    @pytest.mark.parametrize(("degrees", "group"), [(90, 5), (0, 6), (90, 6)])
    def test_another_one_takes_the_place_of_the_first(self, degrees, group, store, space):
        put(store, "first", 0)

        add(store, 1, degrees, group=group)

        assert nearest(store, degrees=degrees, group=group) == [1]
        assert nearest(store, degrees=0) == []
        assert indexed(store) == kept(store) == [2]

    def test_gives_no_vector_to_a_sample(self, store, space):
        put(store, "roll a die", 0, sample=NEXT_SAMPLE)

        assert kept(store) == indexed(store) == []

    def test_gives_no_vector_to_an_entry_that_has_gone(self, store, space):
        add(store, 7, 0)

        assert kept(store) == indexed(store) == []

    @pytest.mark.parametrize("vector", UNFIT.values(), ids=list(UNFIT))
    def test_refuses_what_is_no_unit_vector(self, vector, store, space):
        store.put(draft("first"), line())

        with pytest.raises(CacheFileError) as caught, store.transaction():
            store.vectors.add(space, 1, group=5, vector=vector)

        assert str(caught.value) == (
            f"cache file {store.file.path}: no unit vector of 8 numbers was given"
        )
        assert kept(store) == []
        assert due(store) == ["first"]

    @pytest.mark.parametrize("group", [-(2**63), 2**63 - 1])
    def test_takes_any_64_bit_group(self, group, store, space):
        put(store, "first", 0, group=group)

        assert nearest(store, degrees=0, group=group) == [1]
        assert store.vectors.damage() == []

    def test_is_undone_with_the_callers_transaction(self, store, space):
        store.put(draft("first"), line())

        def add_and_fail():
            with store.transaction():
                store.vectors.add(space, 1, group=5, vector=at(0))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            add_and_fail()

        assert kept(store) == indexed(store) == []
        assert due(store) == ["first"]

    def test_that_a_full_disk_cuts_short_costs_the_vector_only(self, store, space):
        pages = store.file.number("PRAGMA page_count")
        store.file.execute(f"PRAGMA max_page_count = {pages + 1}")

        entry_id = store.put(draft("first", vector=Vector("e", 5, at(0))), line())

        assert store.entry(entry_id).answer == "blue"
        assert kept(store) == indexed(store) == []
        assert due(store) == ["first"]
        assert store.vectors.damage() == []


class TestDue:
    def test_are_new_entries_the_newest_first(self, store, space):
        store.put(draft("first"), line())
        store.put(draft("a sample", sample=NEXT_SAMPLE), line())
        store.put(draft("second"), line())
        store.put(draft("third"), line())

        assert due(store) == ["third", "second", "first"]
        assert due(store, limit=2) == ["third", "second"]

    def test_tell_all_that_decides_whether_they_get_one(self, store, space):
        given = draft("document\n\ninstruction", system="be brief", instruction_at=10)
        entry_id = store.put(given._replace(namespace="work"), line())

        (found,) = store.vectors.due(space, namespace="work", scope_hash=given.scope_hash, limit=9)

        assert found == (entry_id, given.prompt, 10)

    def test_are_one_scopes_and_one_namespaces(self, store, space):
        other = draft("second", system="be brief")
        store.put(draft("first"), line())
        store.put(other, line())
        store.put(draft("third", namespace="work"), line())

        assert due(store) == ["first"]
        assert due(store, scope_hash=other.scope_hash) == ["second"]
        assert due(store, namespace="work") == ["third"]
        assert due(store, namespace="nobody's") == []

    def test_are_due_in_each_space(self, store, space):
        with store.transaction():
            other = store.vectors.make_space("f", DIMENSION)
        store.put(draft("first"), line())

        add(store, 1, 0, space=other)

        assert (due(store, space), due(store, other)) == (["first"], [])

    def test_that_are_to_have_none_are_struck_off(self, store, space):
        store.put(draft("first"), line())
        store.put(draft("second"), line())
        store.put(draft("third"), line())

        with store.transaction():
            store.vectors.not_eligible(space, [1, 3])

        assert due(store) == ["second"]

    def test_that_are_deleted_are_not_due(self, store, space):
        store.put(draft("first"), line())
        store.put(draft("second"), line())

        store.delete([1])

        assert store.file.rows("SELECT entry_id FROM vector_due") == [(2,)]

    def test_another_answer_keeps_the_vector(self, store, space):
        put(store, "first", 0)

        store.put(draft("first", "another answer"), line())

        assert nearest(store, degrees=0) == [1]
        assert due(store) == []

    @pytest.mark.parametrize(
        "changes", [{"prompt": "another"}, {"instruction_at": 3}], ids=["prompt", "instruction"]
    )
    def test_another_question_is_due_again(self, changes, store, space):
        put(store, "first", 0)

        store.put(draft("first")._replace(**changes), line())

        assert nearest(store, degrees=0) == kept(store) == []
        assert due(store) == [changes.get("prompt", "first")]

    def test_another_scope_is_due_again(self, store, space):
        put(store, "first", 0)
        moved = draft("first", system="be brief")

        store.put(moved._replace(key=draft("first").key), line())

        assert kept(store) == due(store) == []
        assert due(store, scope_hash=moved.scope_hash) == ["first"]

    def test_another_question_of_a_sample_is_never_due(self, store, space):
        store.put(draft("roll a die", sample=1), line())

        store.put(draft("roll a die", sample=1)._replace(prompt="roll two"), line())

        assert due(store) == []


class TestNearest:
    def test_is_the_most_similar_first(self, store, space):
        put(store, "first", 20)
        put(store, "second", 5)
        put(store, "third", -10)

        found = neighbours(store, degrees=0)

        assert [each.entry_id for each in found] == [2, 3, 1]
        assert [each.similarity for each in found] == pytest.approx(
            [math.cos(math.radians(degrees)) for degrees in (5, 10, 20)], abs=1e-3
        )

    def test_is_none_below_the_threshold(self, store, space):
        put(store, "first", 25)
        put(store, "second", 26.5)

        found = nearest(store, degrees=0, threshold=0.9)

        assert found == [1]

    def test_is_at_most_k(self, store, space):
        put(store, "first", 1)
        put(store, "second", 2)
        put(store, "third", 3)

        assert nearest(store, degrees=0, k=2) == [1, 2]

    def test_of_equal_ones_is_the_newest_first(self, store, space):
        put(store, "first", 0)
        put(store, "second", 0)

        assert neighbours(store, degrees=0) == [Neighbour(2, 1.0), Neighbour(1, 1.0)]

    @pytest.mark.parametrize(
        "elsewhere",
        [
            {"group": 5 + 16},
            {"group": 6},
            {"namespace": "work"},
            {"scope_hash": draft(system="be brief").scope_hash},
            {"scope_hash": b""},
        ],
        ids=["group of the same part", "group", "namespace", "scope", "no scope"],
    )
    def test_is_of_the_same_group_namespace_and_scope(self, elsewhere, store, space):
        put(store, "first", 0)
        put(store, "another scope", 90, system="be brief", namespace="work")

        assert nearest(store, degrees=0, **elsewhere) == []

    @pytest.mark.parametrize(("now", "found"), [(1999.9, [1]), (2000.0, []), (2000.1, [])])
    def test_has_not_expired(self, now, found, store, space):
        put(store, "first", 0, expires_at=2000.0)

        assert nearest(store, degrees=0, now=now) == found

    def test_is_of_the_same_space(self, store, space):
        with store.transaction():
            other = store.vectors.make_space("f", DIMENSION)
        put(store, "first", 0)
        put(store, "second", 0)
        add(store, 2, 0, space=other)

        assert nearest(store, degrees=0, space=other) == [2]

    def test_is_found_among_others_that_are_nearer(self, store, space):
        ours = put(store, "ours", 20)
        put_many(store, 64, 0, group=5 + 16)

        assert nearest(store, degrees=0) == [ours]

    def test_is_found_among_expired_ones_that_are_nearer(self, store, space):
        ours = put(store, "ours", 20)
        put_many(store, 64, 0, expires_at=1.0)

        assert nearest(store, degrees=0) == [ours]

    @pytest.mark.parametrize("threshold", [0.8, 0.9, 0.95, 0.98])
    def test_finds_what_comparing_with_each_would(self, threshold, store):
        vectors = spread(500, 384)
        stored, asked = vectors[:400], vectors[400:]
        with store.transaction():
            space = store.vectors.make_space("e", 384)
        with store.transaction():
            fill(store, space, stored)

        found = [neighbours(store, degrees=0, vector=v, threshold=threshold, k=1) for v in asked]

        best = (matrix(asked) @ matrix(stored).T).max(axis=1)
        assert 20 < sum(best > threshold) < 100
        assert [bool(each) for each in found] == list(best > threshold)
        assert [each[0].similarity for each in found if each] == pytest.approx(
            best[best > threshold], abs=1e-3
        )

    @pytest.mark.parametrize("vector", UNFIT.values(), ids=list(UNFIT))
    def test_refuses_what_is_no_unit_vector(self, vector, store, space):
        put(store, "first", 0)

        with pytest.raises(CacheFileError, match="no unit vector of 8 numbers was given"):
            neighbours(store, degrees=0, vector=vector)

    @pytest.mark.parametrize(
        "numbers",
        [b"", bytes(8), struct.pack("<8e", 1.01, *[0] * 7), struct.pack("<8e", *[math.nan] * 8)],
        ids=["none", "too few", "too large", "no numbers"],
    )
    def test_is_never_a_damaged_one(self, numbers, store, space):
        put(store, "damaged", 0)
        put(store, "sound", 20)

        store.file.execute("UPDATE vector SET numbers = ? WHERE id = 1", (numbers,))

        assert nearest(store, degrees=0) == [2]
        assert anywhere(store, 0) == [2]

    def test_needs_neither_a_numpy_nor_the_package_itself(self, store, space, db):
        put(store, "first", 0)

        assert output(SEARCH, db) == "1 set()"

    def test_may_be_asked_of_a_file_that_can_only_be_read(self, store, space, db):
        put(store, "first", 0)
        store.file.scrub()
        store.close()
        db.chmod(0o400)
        db.parent.chmod(0o500)

        said = output(SEARCH, db)

        db.parent.chmod(0o700)
        assert said == "1 set()"


class TestAnywhere:
    def test_is_of_any_group_namespace_scope_and_age(self, store, space):
        put(store, "first", 3, group=6)
        put(store, "second", 2, namespace="work")
        put(store, "third", 1, system="be brief")
        put(store, "fourth", 0, expires_at=1.0)

        assert anywhere(store, 0) == [4, 3, 2, 1]

    def test_is_however_little_similar(self, store, space):
        put(store, "opposite", 180)

        found = store.vectors.anywhere(space, vector=at(0))

        assert found == [Neighbour(1, -1.0)]

    def test_is_at_most_k_from_a_threshold_on(self, store, space):
        put(store, "first", 10)
        put(store, "second", 20)
        put(store, "third", 40)

        assert anywhere(store, 0, k=1) == [1]
        assert anywhere(store, 0, threshold=0.9) == [1, 2]


class TestDeleting:
    def test_takes_vector_and_index_row_along(self, store, space):
        put(store, "first", 0)
        put(store, "second", 1)

        store.delete([1])

        assert kept(store) == indexed(store) == [2]
        assert store.file.rows("SELECT * FROM vector_gone") == []

    def test_by_other_programs_leaves_nothing_to_be_found(self, store, space, db):
        put(store, "first", 0)
        put(store, "second", 1)

        raw(db, "DELETE FROM entry WHERE id = 1")

        assert nearest(store, degrees=0) == anywhere(store, 0) == kept(store) == [2]
        assert store.vectors.damage() == []

    def test_by_other_programs_is_settled_by_the_next_of_ours(self, store, space, db):
        put(store, "first", 0)
        put(store, "second", 1)
        raw(db, "DELETE FROM entry WHERE id = 1")
        before = indexed(store)

        put(store, "third", 2)

        assert (before, indexed(store)) == ([1, 2], [2, 3])

    def test_leaves_neither_numbers_nor_bits_behind(self, store, db):
        first, second = spread(2, 384)
        with store.transaction():
            space = store.vectors.make_space("e", 384)
        store.put(draft("first"), None)
        store.put(draft("second"), None)
        with store.transaction():
            store.vectors.add(space, 1, group=5, vector=first)
            store.vectors.add(space, 2, group=5, vector=second)
        traces = [
            store.file.rows("SELECT numbers FROM vector WHERE id = 1")[0][0],
            store.file.rows(f"SELECT bits FROM {index(store)} WHERE rowid = 1")[0][0],
        ]
        store.file.scrub()
        before = [trace in db.read_bytes() for trace in traces]

        store.delete([1])
        store.file.scrub()

        assert before == [True, True]
        assert [trace in db.read_bytes() for trace in traces] == [False, False]
        assert Path(f"{db}-wal").stat().st_size == 0

    def test_few_keeps_the_index(self, store, space):
        put_many(store, 20)

        store.delete(range(1, 16))

        assert generation(store) == 1
        assert indexed(store) == [16, 17, 18, 19, 20]

    def test_most_makes_the_index_anew(self, store, space):
        put_many(store, 300)

        store.delete(range(1, 296))

        assert generation(store) == 2
        assert indexed(store) == [296, 297, 298, 299, 300]
        assert store.vectors.damage() == []

    def test_few_at_a_time_closes_the_index_up_a_little_each_time(self, store, space, monkeypatch):
        monkeypatch.setattr(index_room, "_PARTS", 1)
        put_many(store, 3000)
        chunks = f"SELECT count(*) FROM {index(store)}_chunks"
        before = store.file.number(chunks)

        for first in range(1, 101):
            store.delete(range(first, 3001, 100 if first % 10 else 3000))

        held = vectors_in(store, space)
        assert (before, generation(store)) == (6, 1)
        assert 0 < held < 400
        assert store.file.number(chunks) * 512 <= 2 * held + 3 * 512
        assert len(indexed(store)) == held
        assert store.vectors.damage() == []

    def test_most_gives_the_space_back(self, store, space, db):
        before = taken(store)
        put_many(store, 1000)
        store.file.vacuum()
        filled = db.stat().st_size

        store.delete(range(1, 1001))
        store.file.vacuum()

        assert taken(store) == before
        assert db.stat().st_size < filled / 2

    def test_most_disturbs_nobody_who_reads(self, store, space):
        put_many(store, 300)
        reading = store.select(Selector())
        first = next(reading)

        store.delete(range(2, 300))

        assert first.id == 300
        assert [entry.id for entry in reading][-1] == 1
        assert nearest(store, degrees=0) == [300, 1]
        assert store.vectors.damage() == []

    def test_that_is_only_rehearsed_changes_nothing(self, store, space):
        put_many(store, 300)

        store.removal.size_without(range(1, 296))
        store.removal.size_without(range(1, 296))

        assert generation(store) == 1
        assert len(nearest(store, degrees=0, k=200)) == 64
        assert store.vectors.damage() == []

    def test_is_seen_by_a_file_that_was_open_before(self, store, space, db):
        put_many(store, 300)
        with Store(str(db)) as other:
            before = len(nearest(other, degrees=0))
            store.delete(range(2, 301))

            found = nearest(other, degrees=0)

        assert (before, found) == (5, [1])


class TestWithoutTheExtension:
    @pytest.fixture
    def other(self, store, space, db, unloadable):
        """The same file as a process sees it that cannot load the extension."""
        put(store, "first", 0)
        put(store, "second", 1)
        unloadable()
        with Store(str(db)) as other:
            yield other

    def test_a_search_says_why_not(self, other):
        with pytest.raises(CacheFileError) as caught:
            nearest(other, degrees=0)

        assert str(caught.value) == (
            f"cache file {other.file.path}: sqlite-vec, which searches vectors, is not installed"
        )
        assert other.vectors.fault() == str(caught.value)

    def test_a_library_that_cannot_be_loaded_says_why(self, store, monkeypatch, tmp_path):
        (tmp_path / "sqlite_vec").mkdir()
        (tmp_path / "sqlite_vec" / "__init__.py").touch()
        (tmp_path / "sqlite_vec" / "vec0.so").write_bytes(b"no library")
        monkeypatch.syspath_prepend(str(tmp_path))

        fault = store.vectors.fault()

        assert fault.startswith(f"cache file {store.file.path}: ")
        assert "vec0" in fault

    def test_an_apsw_that_loads_none_says_so(self, store, monkeypatch):
        class Connection(apsw.Connection):
            @property
            def enable_load_extension(self):
                raise AttributeError

        monkeypatch.setattr(store.file, "_db", Connection(store.file.path))

        assert store.vectors.fault().endswith("this apsw loads no extensions")

    def test_there_is_no_fault_where_it_loads(self, store, space):
        assert store.vectors.fault() is None
        assert store.vectors.fault(space) is None

    def test_opening_storing_and_counting_work(self, other):
        other.put(draft("third"), line())

        assert other.count() == 3
        assert due(other) == ["third"]
        assert vectors_in(other, 1) == 2

    def test_deleting_works_and_is_settled_by_the_next_that_can(self, other, store):
        other.delete([1])
        left = indexed(store)

        with store.transaction():
            store.vectors.settle()

        assert left == [1, 2]
        assert kept(store) == indexed(store) == [2]
        assert store.vectors.damage() == []

    def test_no_space_is_made(self, other):
        with pytest.raises(CacheFileError, match="not installed"), other.transaction():
            other.vectors.make_space("f", DIMENSION)

        assert len(other.vectors.spaces()) == 1

    def test_the_file_is_sound_and_can_be_vacuumed(self, other):
        other.file.vacuum()

        assert other.file.damage() == []
        assert other.vectors.damage() == []

    def test_missing_rows_are_still_found(self, other):
        other.file.execute(f"DELETE FROM {index(other)}_rowids WHERE rowid = 1")

        assert other.vectors.damage() == [
            "vectors of e (8 numbers): 1 are not in the index",
            "vectors of e (8 numbers): 1 are in the index as others",
        ]


class TestADamagedIndex:
    @pytest.fixture(autouse=True)
    def filled(self, store, space):
        put(store, "first", 0)
        put(store, "second", 10)
        assert store.vectors.damage() == []

    DAMAGES = {
        "no index": (
            """PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'index_1_1';
            PRAGMA writable_schema = RESET""",
            "the index cannot be used: no such table: index_1_1",
        ),
        "another index": (
            """DROP TABLE index_1_1;
            CREATE VIRTUAL TABLE index_1_1 USING vec0 (bits BIT[64], chunk_size = 8)""",
            "the index cannot be used: index_1_1 was altered",
        ),
        **{
            f"no {name}": (
                f"DROP TABLE index_1_1_{name}",
                f"the index cannot be used: no such table: index_1_1_{name}",
            )
            for name in SHADOWS
        },
        **{
            f"another {name}": (
                f"DROP TABLE index_1_1_{name}; CREATE TABLE index_1_1_{name} (rowid)",
                "the index cannot be used: no such column: .*",
            )
            for name in SHADOWS
        },
        **{
            f"no rows of {name}": (f"DELETE FROM index_1_1_{name}", told)
            for name, told in {
                "chunks": "2 are in the index as others",
                "rowids": "2 are not in the index",
                "vector_chunks00": "1 chunks of the index are not whole",
                "metadatachunks00": "1 chunks of the index are not whole",
            }.items()
        },
        **{
            f"{column} of another size": (
                f"UPDATE index_1_1_{table} SET {column} = zeroblob(length({column}) + 8)",
                "1 chunks of the index are not whole",
            )
            for table, column in BLOBS
            if column in {"validity", "rowids", "vectors", "data"}
        },
        **{
            f"{column} that are zero": (
                f"UPDATE index_1_1_{table} SET {column} = zeroblob(length({column}))",
                "2 are in the index as others",
            )
            for table, column in BLOBS
            if column in {"validity", "rowids", "vectors", "data"}
        },
        "text for numbers": (
            "UPDATE index_1_1_chunks SET rowids = CAST(rowids AS TEXT)",
            "1 chunks of the index are not whole",
        ),
        "a part of a chunk that is not there": (
            "INSERT INTO index_1_1_vector_chunks00 (_rowid_, rowid, vectors) VALUES (2, 2, x'')",
            "1 chunks of the index are not whole",
        ),
        "another part": (
            "UPDATE index_1_1_chunks SET partition00 = 6",
            "2 are in the index as others",
        ),
        "another place": (
            "UPDATE index_1_1_rowids SET chunk_offset = 700",
            "2 are in the index as others",
        ),
        "another chunk": (
            "UPDATE index_1_1_rowids SET chunk_id = NULL",
            "2 are in the index as others",
        ),
        "too many rows": (
            "INSERT INTO index_1_1_rowids (rowid, chunk_id, chunk_offset) VALUES (77, 1, 1)",
            "1 are in the index alone",
        ),
        "a vector of the wrong length": (
            "UPDATE vector SET numbers = zeroblob(15) WHERE id = 1",
            "1 are no unit vectors",
        ),
        "a vector of zeros": (
            "UPDATE vector SET numbers = zeroblob(16) WHERE id = 1",
            "1 are no unit vectors",
        ),
        "another vector": (
            "UPDATE vector SET numbers = x'00BC0000000000000000000000000000' WHERE id = 1",
            "1 are in the index as others",
        ),
    }
    EACH = pytest.mark.parametrize(("damage", "told"), DAMAGES.values(), ids=list(DAMAGES))

    @EACH
    def test_is_told(self, damage, told, store):
        store.file.execute(damage)

        found = store.vectors.damage()

        assert {each.partition("): ")[0] for each in found} == {"vectors of e (8 numbers"}
        assert re.search(rf": {told}$", found[0])

    @EACH
    def test_is_repaired(self, damage, told, store):
        store.file.execute(damage)

        store.vectors.rebuild()

        assert store.vectors.damage() == []
        assert nearest(store, degrees=0) + due(store) in ([1, 2], [2, "first"], [2])
        assert not [name for name in tables(store) if name.startswith("index_1_1")]

    @EACH
    def test_does_not_keep_entries_from_being_deleted(self, damage, told, store):
        store.file.execute(damage)

        deleted = store.delete([1])

        assert deleted == 1
        assert kept(store) == [2]

    @pytest.mark.parametrize("name", SHADOWS)
    def test_that_lacks_a_table_cannot_be_searched_and_says_so(self, name, store):
        store.file.execute(f"DROP TABLE index_1_1_{name}")

        with pytest.raises(CacheFileError) as caught:
            nearest(store, degrees=0)

        assert str(caught.value) == f"cache file {store.file.path}: no such table: index_1_1_{name}"
        assert store.vectors.fault(1) == str(caught.value)
        assert store.vectors.fault() is None
        assert caught.value.hint == "llmc doctor --repair makes the index anew"

    def test_costs_a_new_answer_its_vector_only(self, store):
        store.file.execute("DROP TABLE index_1_1_rowids")
        entry_id = store.put(draft("third"), line())

        with pytest.raises(CacheFileError, match="no such table: index_1_1_rowids"):
            add(store, entry_id, 2)

        assert store.count() == 3
        assert due(store) == ["third"]

    def test_of_garbage_never_takes_the_process_along(self, store, db):
        put_many(store, 700)

        assert output(MANGLE, db, 0, 40) == "alive"

    def test_proposes_no_entry_twice(self, store):
        (rowids,) = store.file.rows("SELECT rowids FROM index_1_1_chunks")[0]
        twice = rowids[:8] * 2 + rowids[16:]
        store.file.execute("UPDATE index_1_1_chunks SET rowids = ?", (twice,))

        assert nearest(store, degrees=0) == [1]

    def test_is_repaired_as_one_of_the_next_generation(self, store):
        store.vectors.rebuild()

        assert generation(store) == 2
        assert vectors_in(store, 1) == 2
        assert "index_1_2_chunks" in tables(store)

    def test_is_repaired_without_what_is_gone(self, store, db):
        raw(db, "DELETE FROM entry WHERE id = 1")

        store.vectors.rebuild()

        assert indexed(store) == [2]
        assert store.file.rows("SELECT * FROM vector_gone") == []


class TestManyProcesses:
    def test_add_at_once_and_lose_nothing(self, store, db):
        said = at_once(ADD, [(db, number) for number in range(4)])

        assert said == [""] * 4
        assert len(store.vectors.spaces()) == 1
        assert vectors_in(store, 1) == 120
        assert store.vectors.damage() == []

    def test_write_and_search_at_once_and_none_fails(self, store, space, db):
        said = at_once(WRITE_OR_READ, [(db, number, number < 2) for number in range(4)])

        assert said == [""] * 4
        assert store.vectors.damage() == []
        assert store.file.damage() == []

    def test_a_kill_leaves_entries_with_their_vector_or_due(self, store, db):
        killed = [_killed(db, number, after=1 + number % 7) for number in range(20)]

        entries = {row[0] for row in store.file.rows("SELECT id FROM entry")}
        vectors = {row[0] for row in store.file.rows("SELECT entry_id FROM vector")}
        assert len(killed) == 20
        assert entries == vectors != set()
        assert store.file.rows("SELECT * FROM vector_due") == []
        assert store.file.rows("SELECT * FROM vector_gone") == []
        assert store.vectors.damage() == []
        assert store.file.damage() == []


def _killed(path: Path, name: object, *, after: int) -> list[str]:
    with start(ADD_UNTIL_KILLED, path, name) as process:
        said = [process.stdout.readline() for _ in range(after)]
        os.kill(process.pid, 9)
    return said
