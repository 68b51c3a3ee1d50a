from __future__ import annotations

import json
import struct
from importlib.machinery import PathFinder

import pytest


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
    cli("ask", "q")
    with store.transaction():
        space = store.vectors.make_space("tiny", 4)
        store.vectors.add(space, 1, group=5, vector=struct.pack("<4f", 1, 0, 0, 0))
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
