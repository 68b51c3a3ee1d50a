"""Whatever stands in the files that are read: an answer, or one line that says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import apsw
import pytest
from command_lines import assert_decent, run
from hypothesis import given
from hypothesis import strategies as st
from storms import fuzzed, question

from llmc.store import Store

pytestmark = pytest.mark.stress

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
COLOUR = question(1)

#: Commands that read all there is, and some that go on to change it.
LINES = [
    ["ask", COLOUR], ["ask", COLOUR, "--json"], ["ask", COLOUR, "--offline"], ["ask", "what else?"],
    ["ask", COLOUR, "--match", "semantic", "-s", "x"], ["ask", question(2), "--match", "semantic"],
    ["ask", COLOUR, "--sample", "2"], ["ask", COLOUR, "--dry-run"],
    ["ask", COLOUR, "--max-tokens", "9"],
    ["list"], ["list", "--json"], ["list", "--since", "1d"], ["show"], ["show", "1"],
    ["show", "1", "--json"], ["search", "colour"], ["search", "color", "--json"], ["why", COLOUR],
    ["why", "which color?", "--json"], ["export"], ["stats"], ["stats", "--by", "day"],
    ["stats", "--by", "model", "--json"], ["stats", "--since", "1h"], ["rules", "list"],
    ["rules", "list", "--json"], ["event", "moved", "--data", "path=colour", "--yes"],
    ["event", "file_changed"],
    ["prune"], ["prune", "--max-entries", "1", "--yes"], ["prune", "--max-size", "1K", "--yes"],
    ["prune", "--vacuum", "--dry-run"], ["invalidate", "colour", "--yes"], ["bad", "1"], ["bad"],
    ["pin", "1"], ["rm", "1", "--yes"], ["doctor"], ["doctor", "--repair", "--yes"],
    ["model", "list"], ["model", "calibrate", "--dry-run"], ["backup", "copy.db"], ["config"],
    ["import", "--db", "other.db", ".local/share/llmc/llmc.db"],
]  # fmt: skip

atoms = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
json_values = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["message", "content", "role", "body", "messages", "tool_calls", "text"]
            )
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
texts = (
    json_values.map(json.dumps)
    | st.sampled_from(["", "{", "[{}]", "[1]", "\x1b[2J", "NaN", "(", "1e999", "\0", "default"])
    | st.text(max_size=9).filter(lambda text: text.isprintable())
)
FITTING = {
    "TEXT": texts,
    "INTEGER": st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 5),
    "REAL": st.floats(allow_nan=False) | st.sampled_from([0.0, -1.0, 1e10, 1e18, float("inf")]),
    "BLOB": st.binary(max_size=40),
}


@pytest.fixture
def columns(world, embedder, cli, monkeypatch):
    """Fill the world's file with rows of every kind; return all columns with their types."""
    path = world / ".local" / "share" / "llmc" / "llmc.db"
    for beside in path.parent.glob("llmc.db*"):
        beside.unlink()
    connection = apsw.Connection(str(path))
    connection.execute((SCHEMAS / "3.sql").read_text("utf-8")).fetchall()
    connection.close()
    monkeypatch.setenv("LLMC_DB", str(path))
    for words in ([COLOUR], [question(2)], [COLOUR, "--sample", "2"], [COLOUR]):
        assert cli("ask", *words, "--match", "semantic").code == 0
    monkeypatch.delenv("LLMC_DB")
    with Store(str(path)) as store:
        found = store.file.rows(
            "SELECT t.name, c.name, c.type FROM pragma_table_list AS t"
            " JOIN pragma_table_info(t.name) AS c WHERE t.strict"
        )
        store.file.scrub()
    return found


@fuzzed(200, 6000)
@given(data=st.data(), line=st.sampled_from(LINES))
def test_rows_of_any_content_trouble_no_command(inhabited, columns, data, line):
    inhabited()
    table, column, kind = data.draw(st.sampled_from(columns))
    value = data.draw(FITTING[kind])
    change(f"UPDATE OR IGNORE {table} SET {column} = ?", value)

    result = run(*line)

    assert_decent(result)


def change(sql: str, value: Any) -> None:
    """Change the file as no llmc would, if it lets itself be changed so."""
    connection = apsw.Connection(".local/share/llmc/llmc.db")
    try:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(sql, (value,))
    except apsw.ConstraintError:
        pass
    finally:
        connection.close()


@fuzzed(150, 4000)
@given(data=st.data(), line=st.sampled_from(LINES))
def test_a_damaged_file_troubles_no_command(inhabited, columns, data, line):
    inhabited()
    path = Path(".local/share/llmc/llmc.db")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 120))
        piece = data.draw(st.binary(min_size=1, max_size=60) | st.just(bytes(4096)))
        content[start : start + len(piece)] = piece
    end = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    path.write_bytes(content[:end])

    result = run(*line)

    assert_decent(result)


settings_lines = st.lists(
    st.tuples(
        st.sampled_from([
            "model", "namespace", "ttl", "match", "error", "threshold", "audit", "cache", "timeout",
            "db", "nothing", "aliases.m", "providers.mine.base_url", "providers.mine", "prices.m",
            "prices.m.input", "levels", "max_entries", '"\\n"',
        ]),
        json_values.map(json.dumps)
        | st.sampled_from(['"24h"', "0.5", '"m"', "'x", "1979-05-27", "inf", '"http://127.0.0.1:9/v1"']),
    ).map(" = ".join),
    max_size=3,
).map(lambda lines: "\n".join(lines).encode())  # fmt: skip


@fuzzed(100, 3000)
@given(
    content=settings_lines | st.binary(max_size=60),
    name=st.sampled_from([".config/llmc/config.toml", ".llmc.toml"]),
    line=st.sampled_from([["config"], ["ask", COLOUR], ["doctor"], ["list"], ["config", "--json"]]),
)
def test_settings_of_any_content_trouble_no_command(inhabited, world, content, name, line):
    inhabited()
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(content)

    result = run(*line)

    assert_decent(result)


@fuzzed(100, 3000)
@given(data=st.data(), then=st.sampled_from([line for line in LINES if "1" not in line]))
def test_lines_of_any_content_trouble_no_import_and_no_command_after_it(
    inhabited, world, data, then
):
    inhabited()
    lines = [json.loads(line) for line in Path("lines.jsonl").read_text("utf-8").splitlines()]
    for fields in lines:
        place = fields
        if isinstance(fields.get("request"), dict) and data.draw(st.booleans()):
            place = fields["request"]
        place[data.draw(st.sampled_from([*place]))] = data.draw(json_values)
    texts = [*map(json.dumps, lines), data.draw(texts_or_bytes())]
    Path("changed.jsonl").write_bytes(b"\n".join(map(as_bytes, texts)))

    taken, after = run("import", "changed.jsonl"), run(*then)

    assert_decent(taken)
    assert_decent(after)


def texts_or_bytes() -> st.SearchStrategy[Any]:
    return json_values.map(json.dumps) | st.binary(max_size=30)


def as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
