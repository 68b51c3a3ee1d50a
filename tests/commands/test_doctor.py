from __future__ import annotations

import json
import shutil
import struct
from importlib.machinery import PathFinder
from types import SimpleNamespace

import apsw
import pytest
from drafts import draft
from processes import start
from tiny_model import Tiny

from llmc import keys
from llmc.file import File
from llmc.local import minilm, stamp, weights
from llmc.questions import group_of, question_of
from llmc.repair import checks
from llmc.store import Store
from llmc.vectors import Vectors

#: Opens a cache file and keeps it open until a line comes.
HOLD = """
import apsw, sys
db = apsw.Connection(sys.argv[1])
db.execute("PRAGMA user_version").get
print(flush=True)
input()
"""


def states(result) -> dict[str, str]:
    """Return each part's state; the worst of several."""
    rows = sorted(json.loads(result.out), key=lambda row: row["state"], reverse=True)
    return {row["part"]: row["state"] for row in rows}


def says(result, part: str) -> str:
    return "; ".join(row["says"] for row in json.loads(result.out) if row["part"] == part)


def test_all_is_well(cli, upstream):
    cli("ask", "q")

    result = cli("doctor", "--json")

    assert (result.code, result.err) == (0, "")
    assert states(result) == dict.fromkeys(
        ["configuration", "file", "room", "integrity", "disk", "provider"], "ok"
    ) | {"embedder": "warning"}
    assert "llmc model pull" in says(result, "embedder")
    assert "1 entry" in says(result, "file")
    assert f"{upstream.url} answers" in says(result, "provider")


def test_a_file_that_is_not_there_yet_is_no_fault_and_stays_so(cli, upstream, db):
    result = cli("doctor", "--json")

    assert result.code == 0
    assert "not there yet" in says(result, "file")
    assert not db.exists()


def test_a_pipe_gets_tab_separated_lines(cli, upstream):
    result = cli("doctor")

    lines = [line.split("\t") for line in result.out.splitlines()]
    assert lines[0] == ["state", "part", "says"]
    assert {len(line) for line in lines} == {3}


def test_a_terminal_gets_all_that_is_said(cli, upstream, monkeypatch, db):
    monkeypatch.setenv("COLUMNS", "60")

    result = cli("doctor", terminal=True)

    assert result.code == 0
    assert "not there yet; the first answer makes it" in " ".join(result.out.split())


def test_an_unusable_file_is_damage(cli, upstream, unusable):
    result = cli("doctor", "--json")

    assert result.code == 1
    assert states(result)["file"] == "damage"
    assert unusable.reason in says(result, "file")


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"OPENAI_BASE_URL": ""}, "OPENAI_API_KEY is not set"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, "cannot reach http://127.0.0.1:1/v1"),
    ],
)
def test_a_provider_that_is_not_there_is_a_warning(cli, monkeypatch, environment, reason):
    monkeypatch.setenv("OPENAI_BASE_URL", environment["OPENAI_BASE_URL"])

    result = cli("doctor", "--json")

    assert result.code == 0
    assert states(result)["provider"] == "warning"
    assert reason in says(result, "provider")


@pytest.mark.parametrize("key", ["sk-first\nsk-second", "sk-“curly”"])
def test_a_key_that_no_header_can_hold_is_a_warning_that_does_not_show_it(
    cli, upstream, monkeypatch, key
):
    monkeypatch.setenv("OPENAI_API_KEY", key)

    result = cli("doctor", "--json")

    assert result.code == 0
    assert states(result)["provider"] == "warning"
    assert key[:6] not in result.out


def test_a_key_command_that_fails_is_a_warning(cli, configuration):
    configuration(
        'model = "x/m"\n[providers.x]\nbase_url = "http://127.0.0.1:1/v1"\napi_key_cmd = "false"\n'
    )

    result = cli("doctor", "--json")

    assert result.code == 0
    assert "api_key_cmd failed" in says(result, "provider")


def test_a_broken_configuration_is_damage(cli, configuration):
    path = configuration("model = \n")

    result = cli("doctor", "--json")

    assert result.code == 1
    assert states(result)["configuration"] == "damage"
    assert str(path) in says(result, "configuration")


def test_a_file_that_others_may_read_is_a_warning(cli, upstream, db):
    cli("ask", "q")
    db.chmod(0o644)

    result = cli("doctor", "--json")

    assert result.code == 0
    assert states(result)["mode"] == "warning"
    assert "0644" in says(result, "mode")


def test_a_damaged_page_is_damage(cli, copies, store, db):
    copies(30, 4000)
    store.file.scrub()
    store.close()
    content = bytearray(db.read_bytes())
    content[8192:-8192] = b"\xa5" * (len(content) - 16384)
    db.write_bytes(content)

    result = cli("doctor", "--json")

    assert result.code == 1
    assert "damage" in states(result).values()
    assert "unexpected" not in result.err


@pytest.fixture
def broken_index(cli, upstream, store) -> None:
    """An entry whose words the full-text index has lost."""
    cli("ask", "findable")
    store.file.execute(
        "INSERT INTO entry_text (entry_text, rowid, prompt, answer)"
        " VALUES ('delete', 1, 'findable', 'answer 1')"
    )


def test_a_broken_index_is_damage_and_the_way_out_is_named(cli, broken_index):
    result = cli("doctor", "--json")

    assert result.code == 1
    assert states(result)["index"] == "damage"
    assert "--repair" in says(result, "index")


def test_repair_builds_the_index_anew(cli, broken_index, listed):
    result = cli("doctor", "--repair", "--yes", "--json")

    assert result.code == 0
    assert states(result)["index"] == "ok"
    assert [entry["id"] for entry in listed("search", "findable")] == [1]


def test_repair_needs_yes_where_nobody_can_be_asked(cli, broken_index):
    result = cli("doctor", "--repair")

    assert result.code == 2
    assert "--yes" in result.err
    assert "--dry-run" not in result.err  # which it does not take
    assert cli("doctor").code == 1


def test_repair_asks_a_person(cli, broken_index):
    result = cli("doctor", "--repair", stdin="y\n", terminal=True)

    assert result.code == 0
    assert "[y/N]" in result.err


def test_repair_that_is_refused_changes_nothing(cli, broken_index):
    result = cli("doctor", "--repair", stdin="n\n", terminal=True)

    assert result.code == 1
    assert "removed" not in result.err
    assert cli("doctor").code == 1


def test_repair_of_a_sound_file_asks_nothing(cli, upstream):
    cli("ask", "q")

    result = cli("doctor", "--repair")

    assert (result.code, result.err) == (0, "")


@pytest.fixture
def vectors(cli, upstream, store):
    """An entry with a vector, and the vectors of its file."""
    prompt = "how do I undo a commit?"
    cli("ask", prompt)
    request = keys.request_from(store.frame(1)[0], prompt)
    group = group_of("default", store.entry(1).scope_hash, question_of(request))
    with store.transaction():
        space = store.vectors.make_space("tiny", 4)
        store.vectors.add(space, 1, group=group, vector=struct.pack("<4f", 1, 0, 0, 0))
    return store.vectors


@pytest.fixture
def broken_vectors(vectors, store):
    """The same, its index without a table that a deletion goes by."""
    store.file.execute("DROP TABLE index_1_1_rowids")
    return vectors


@pytest.fixture
def unloadable(monkeypatch):
    """No process of ours finds sqlite-vec."""
    monkeypatch.setattr(PathFinder, "find_spec", lambda *_: None)


def test_vectors_that_are_sound_are_counted(cli, vectors):
    result = cli("doctor", "--json")

    assert result.code == 0
    assert states(result)["vectors"] == "ok"
    assert says(result, "vectors") == "1 of tiny"


def test_broken_vectors_are_damage_and_the_way_out_is_named(cli, broken_vectors):
    result = cli("doctor", "--json")

    assert result.code == 1
    assert states(result)["vectors"] == "damage"
    assert says(result, "vectors") == (
        "vectors of tiny (4 numbers): the index cannot be used: no such table: index_1_1_rowids;"
        " --repair builds the index anew"
    )


def test_repair_builds_the_index_of_vectors_anew(cli, broken_vectors):
    result = cli("doctor", "--repair", "--yes", "--json")

    assert result.code == 0
    assert says(result, "vectors") == "their index was built anew; 1 of tiny"
    assert broken_vectors.damage() == []
    assert len(broken_vectors.anywhere(1, vector=struct.pack("<4f", 1, 0, 0, 0))) == 1


def test_repair_of_vectors_needs_yes_where_nobody_can_be_asked(cli, broken_vectors):
    result = cli("doctor", "--repair")

    assert result.code == 2
    assert "--yes" in result.err
    assert broken_vectors.damage() != []


def test_repair_of_vectors_that_is_refused_changes_nothing(cli, broken_vectors):
    result = cli("doctor", "--repair", stdin="n\n", terminal=True)

    assert result.code == 1
    assert "build the index of vectors anew?" in result.err
    assert broken_vectors.damage() != []


def test_what_cannot_search_vectors_is_a_warning(cli, vectors, unloadable):
    result = cli("doctor", "--json")

    assert result.code == 0
    assert states(result)["vectors"] == "warning"
    assert says(result, "vectors").endswith(
        "sqlite-vec, which searches vectors, is not installed; only the same words match"
    )


def test_what_cannot_search_vectors_cannot_repair_them(cli, broken_vectors, unloadable):
    result = cli("doctor", "--repair", "--yes", "--json")

    assert result.code == 1
    assert states(result)["vectors"] == "damage"
    assert "no such table: index_1_1_rowids" in says(result, "vectors")
    assert "--repair" not in says(result, "vectors")


# -- damage, and what is saved of it ---------------------------------------------------------------


@pytest.fixture
def answers(cli, upstream, store, db):
    """Thirty answers in a closed file, whose log is folded in."""
    with store.transaction():
        for number in range(30):
            store.write(draft(f"question {number}", "blue " * 400))
    store.file.scrub()
    store.close()
    return db


@pytest.fixture
def damaged(answers):
    """The same, with pages of noise among those of its entries."""
    with apsw.Connection(str(answers)) as connection:
        pages = [p for (p,) in connection.execute("SELECT pageno FROM dbstat WHERE name = 'entry'")]
    connection.close()
    content = bytearray(answers.read_bytes())
    for number in pages[3:6]:
        content[(number - 1) * 4096 : number * 4096] = b"\xa5" * 4096
    answers.write_bytes(content)
    return answers


def test_damage_names_the_way_out(cli, damaged):
    result = cli("doctor", "--json")

    assert result.code == 1
    told = [row["says"] for row in json.loads(result.out) if row["state"] == "damage"]
    assert [line for line in told if not line.endswith("; --repair saves what can be read")] == []


def test_repair_saves_what_can_be_read_and_says_how_much(cli, damaged, listed):
    before = damaged.read_bytes()

    result = cli("doctor", "--repair", "--yes", "--json")

    (kept,) = damaged.parent.glob("llmc.db.damaged-*")
    assert result.code == 0
    assert "damage" not in states(result).values()
    assert kept.read_bytes() == before
    left = len(listed())
    assert 20 < left < 30
    assert f"saved {left} entries, 1 scope; lost at least {30 - left} entries;" in says(
        result, "salvage"
    )
    assert says(result, "salvage").endswith(f"; the damaged file is kept as {kept}")
    assert cli("doctor", "--json").code == 0


@pytest.mark.parametrize("damage", ["header", "cut", "first page"])
def test_repair_copes_with_what_cannot_be_opened(cli, answers, listed, damage):
    content = bytearray(answers.read_bytes())
    match damage:
        case "header":
            content[:100] = bytes(100)
        case "cut":
            del content[len(content) * 4 // 5 :]
        case "first page":
            content[:4096] = b"\xa5" * 4096
    answers.write_bytes(content)

    before = cli("doctor", "--json")
    result = cli("doctor", "--repair", "--yes", "--json")

    assert (before.code, result.code) == (1, 0)
    assert len(listed()) > 0
    assert cli("doctor").code == 0


def test_repair_of_damage_needs_yes_where_nobody_can_be_asked(cli, damaged):
    before = damaged.read_bytes()

    result = cli("doctor", "--repair")

    assert result.code == 2
    assert "--yes" in result.err
    assert damaged.read_bytes() == before


def test_repair_of_damage_that_is_refused_changes_nothing(cli, damaged):
    before = damaged.read_bytes()

    result = cli("doctor", "--repair", stdin="n\n", terminal=True)

    assert result.code == 1
    assert "save what can be read into a new file" in result.err
    assert damaged.read_bytes() == before


def test_repair_waits_for_nobody_who_has_the_file_open(cli, damaged):
    with start(HOLD, damaged) as other:
        other.stdout.readline()

        result = cli("doctor", "--repair", "--yes", "--json")

        other.communicate("\n")
    assert result.code == 1
    assert "another process has it open" in says(result, "repair")


def test_repair_of_a_file_that_is_none_leaves_it_alone(cli, upstream, unusable):
    result = cli("doctor", "--repair", "--yes", "--json")

    assert result.code == 1
    assert unusable.content is None or unusable.path.read_bytes() == unusable.content
    assert list(unusable.path.parent.glob("*damaged*")) == []


def test_a_command_that_meets_damage_names_the_way_out(program, damaged):
    result = program("list")

    assert result.code == 5
    assert result.err == (
        f"llmc: error: cache file {damaged}: it is damaged\n"
        "llmc:   llmc doctor --repair saves what can be read\n"
    )


@pytest.mark.parametrize(
    "table", ["meta", "entry_text", "alias", "verdict", "ledger", "vector_due", "space", "tally"]
)
def test_repair_makes_a_missing_table_anew(cli, answers, listed, table):
    with apsw.Connection(str(answers)) as connection:
        connection.execute(f"DROP TABLE {table}")
    connection.close()

    before = cli("doctor", "--json")
    result = cli("doctor", "--repair", "--yes", "--json")

    assert (before.code, result.code) == (1, 0)
    assert f"table {table} is missing; --repair puts that right" in says(before, "tables")
    assert len(listed()) == 30
    assert len(listed("search", "blue")) == 30
    assert cli("doctor").code == 0


def test_repair_drops_the_index_of_vectors_that_are_gone(cli, vectors, store):
    store.file.execute("PRAGMA foreign_keys = OFF")
    store.file.execute("DROP TABLE space")

    result = cli("doctor", "--repair", "--yes", "--json")

    assert result.code == 0
    names = "SELECT name FROM sqlite_schema WHERE name LIKE 'index%'"
    assert store.file.rows(names) == []


def test_repair_makes_vectors_due_again(cli, vectors, store):
    store.file.execute("UPDATE vector SET grp = 6")

    before = cli("doctor", "--json")
    result = cli("doctor", "--repair", "--yes", "--json")

    assert (before.code, result.code) == (1, 0)
    assert "1 vectors are not where their questions belong" in says(before, "tables")
    assert store.file.rows("SELECT entry_id FROM vector_due") == [(1,)]


def test_a_text_that_is_none_is_damage_and_its_row_is_lost(cli, answers, listed):
    with apsw.Connection(str(answers)) as connection:
        connection.execute("UPDATE entry SET answer = CAST(x'ff00ff' AS TEXT) WHERE id = 3")
    connection.close()

    before = cli("doctor", "--json")
    result = cli("doctor", "--repair", "--yes", "--json")

    assert (before.code, result.code) == (1, 0)
    assert "1 rows of entry hold a text that is not UTF-8" in says(before, "texts")
    assert len(listed()) == 29


def test_a_file_whose_log_alone_is_left_is_damage(cli, answers, listed):
    with Store(str(answers)) as store:
        store.put(draft("the newest", system="another scope"), None)
    answers.write_bytes(b"")

    before = cli("doctor", "--json")
    result = cli("doctor", "--repair", "--yes", "--json")

    assert (before.code, result.code) == (1, 0)
    assert [entry["prompt"] for entry in listed()][:1] == ["the newest"]


# -- where it lies ---------------------------------------------------------------------------------


MOUNTS = """\
proc /proc proc rw 0 0
/dev/sda1 / ext4 rw 0 0
server:/home {home} {kind} rw 0 0
"""


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("nfs4", "nfs4 is a network file system: WAL is not safe there; use --db"),
        ("cifs", "cifs is a network file system: WAL is not safe there; use --db"),
        ("9p", "9p is a network file system: WAL is not safe there; use --db"),
        ("fuse.sshfs", "fuse.sshfs is a network file system: WAL is not safe there; use --db"),
        ("xfs", None),
    ],
)
@pytest.mark.parametrize("name", ["plain", "with space", "with\\backslash"])
def test_a_network_file_system_is_a_warning(tmp_path, kind, says, name):
    home = tmp_path / name
    home.mkdir()
    point = str(home).replace("\\", "\\134").replace(" ", "\\040")
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS.format(home=point, kind=kind))

    found = list(checks.place(str(home / "not" / "there" / "llmc.db"), mounts=str(mounts)))

    assert [(f.state, f.says) for f in found[1:]] == ([("warning", says)] if says else [])


def test_a_system_without_a_table_of_mounts_tells_nothing(tmp_path):
    found = list(checks.place(str(tmp_path / "llmc.db"), mounts=str(tmp_path / "none")))

    assert [f.part for f in found] == ["disk"]


def test_a_disk_that_is_nearly_full_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=99_000_000))

    (found,) = checks.place(str(tmp_path / "llmc.db"), mounts="/dev/null")

    assert (found.state, found.says) == ("warning", "99 MB free")


def test_a_log_that_has_grown_large_is_a_warning(cli, upstream, monkeypatch):
    cli("ask", "q")
    monkeypatch.setattr(File, "wal_size", lambda _: 70_000_000)

    result = cli("doctor", "--json")

    assert result.code == 0
    assert says(result, "wal") == "70 MB wait to be folded into the file"


def test_it_tells_how_much_of_its_limits_the_file_takes_up(cli, upstream, monkeypatch):
    monkeypatch.setenv("LLMC_MAX_ENTRIES", "2")
    for number in range(3):
        cli("ask", f"q {number}")

    result = cli("doctor", "--json")

    assert says(result, "room").endswith(
        "of 10,737.4 MB; 2 of 2 entries; 1 entry went for want of it"
    )


def test_a_file_over_its_limits_is_a_warning(cli, upstream, monkeypatch):
    cli("ask", "q 0")
    cli("ask", "q 1")
    monkeypatch.setenv("LLMC_MAX_ENTRIES", "1")
    monkeypatch.setenv("LLMC_MAX_SIZE", "none")

    result = cli("doctor", "--json")

    assert (result.code, states(result)["room"]) == (0, "warning")
    assert says(result, "room") == (
        "no limit of size; 2 of 1 entries; the least valuable go as new ones come"
    )


# -- the embedder ----------------------------------------------------------------------------------


def test_what_the_probe_of_an_embedder_costs_is_counted(cli, encoder):
    cli("ask", "q")

    result = cli("doctor", "--json")

    assert says(result, "embedder").endswith(", 8 dimensions")
    assert json.loads(cli("stats", "--json").out)["embedding_usd"] == pytest.approx(0.007)


def test_a_model_file_with_damaged_numbers_is_told(cli, upstream, tmp_path, monkeypatch):
    tiny = Tiny(tmp_path / "published")
    monkeypatch.setattr(weights, "MINILM", tiny.model)
    monkeypatch.setattr(minilm.MiniLM.__init__, "__kwdefaults__", {"model": tiny.model})
    monkeypatch.setattr(weights.Weights.__init__, "__defaults__", (tiny.model,))
    monkeypatch.setattr(weights.install, "__kwdefaults__", {"model": tiny.model})
    cli("model", "pull", "--from", str(tiny.folder))
    sound = cli("doctor", "--json")
    (path,) = tmp_path.glob("home/**/minilm.safetensors")
    monkeypatch.setattr(stamp, "holds", lambda *_: True)  # it rots, and nobody touched it
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    result = cli("doctor", "--json")

    assert (states(sound)["embedder"], states(result)["embedder"]) == ("ok", "warning")
    assert "it is damaged; only the same words match" in says(result, "embedder")


def test_what_is_examined_is_of_one_moment(cli, upstream, db, monkeypatch):
    cli("ask", "one")
    moments = []

    def examine(self):
        moments.append(self._file.in_transaction)
        return []

    monkeypatch.setattr(Vectors, "damage", examine)

    cli("doctor")

    assert moments == [True]
