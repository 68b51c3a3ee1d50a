"""The porch: what it answers, it answers exactly as the ordinary way; the rest it leaves alone."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest
from processes import bound_by_modes
from upstream import Reply, Upstream

from llmc import __main__ as porch
from llmc import file, opening, policy, rows, schema, store

ROOT = Path(__file__).resolve().parent.parent

#: The two ways in. Only the first has a digest of its command line.
PROGRAM = ["-m", "llmc"]
ORDINARY = ["-c", "import sys; from llmc.cli import run; sys.exit(run(sys.argv[1:]))"]

NOT_IN_THE_CACHE = (3, b"")


class Seen(NamedTuple):
    """What a process showed, and what it left in the file. `parsed` tells that it had a parser."""

    code: int
    out: bytes
    err: str
    hits: int
    lines: list[dict[str, Any]]
    parsed: bool


class World:
    """A home with a question that was answered before, and the ways to ask it again."""

    def __init__(self, db: Path, upstream: Upstream, cli: Callable[..., Any], *flags: str) -> None:
        self.db = db
        self.flags = flags
        self.home = Path(os.environ["HOME"])
        self.upstream = upstream
        self._cli = cli

    def remember(self, *arguments: str, stdin: str | None = None, db: Path | None = None) -> None:
        """Ask, have the answer kept, and ask again, so that the porch has something to know."""
        first = self._cli("ask", *arguments, stdin=stdin)
        assert first.code == 0, first.err
        # An age that does not tick between two processes, and a price worth showing.
        self.change("UPDATE entry SET created_at = created_at - 262800, cost_nusd = 4100000", db=db)
        assert self.seen(*arguments, stdin=stdin).parsed

    def seen(self, *arguments: str, stdin: str | None = None, way: list[str] = PROGRAM) -> Seen:
        """Run `llmc ask` in a process of its own, and see what it leaves in the file."""
        path = self._file(arguments)
        before = self._marks(path)
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *way, "ask", *self.flags, *arguments],
            **({"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin.encode()}),
            capture_output=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            check=False,
            timeout=30,
        )
        after = self._marks(path)
        lines = done.stderr.decode().splitlines(keepends=True)
        imports = [line for line in lines if line.startswith("import time:")]
        return Seen(
            code=done.returncode,
            out=done.stdout,
            err="".join(line for line in lines if line not in imports),
            hits=after[0] - before[0],
            lines=[line for line in after[1] if line["id"] > before[2]],
            parsed=any(line.rstrip().endswith(" llmc.cli") for line in imports),
        )

    def change(self, sql: str, *, db: Path | None = None) -> None:
        """Change the file behind llmc's back."""
        connection = apsw.Connection(str(db or self.db))
        connection.execute(sql)
        connection.close()

    def _file(self, arguments: tuple[str, ...]) -> Path:
        named = [word.partition("=")[2] for word in arguments if word.startswith("--db=")]
        return Path(named[0]) if named else self.db

    def _marks(self, path: Path) -> tuple[int, list[dict[str, Any]], int]:
        if not path.exists():
            return 0, [], 0
        connection = apsw.Connection(str(path))
        connection.row_trace = _as_dictionary
        ledger = connection.execute("SELECT * FROM ledger ORDER BY id").fetchall()
        hits = connection.execute("SELECT coalesce(sum(hits), 0) AS hits FROM entry").fetchall()
        connection.close()
        return hits[0]["hits"], ledger, max((line["id"] for line in ledger), default=0)


def _as_dictionary(cursor: apsw.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip((column[0] for column in cursor.get_description()), row, strict=True))


def same_line(seen: Seen) -> list[dict[str, Any]]:
    """The ledger lines without what differs by nature: their number, instant and duration."""
    drop = {"id", "at", "latency"}
    return [{k: v for k, v in line.items() if k not in drop} for line in seen.lines]


@pytest.fixture
def world(db: Path, upstream: Upstream, cli: Callable[..., Any], home: Path) -> World:
    (home / "doc.txt").write_text("Some text.\n")
    (home / "more.txt").write_text("More text.")
    (home / "schema.json").write_text('{"type": "object"}')
    return World(db, upstream, cli)


@pytest.fixture
def offline(world: World) -> World:
    """The same, with only the cache to answer: another question ends with exit 3."""
    world.flags = ("--offline",)
    return world


# -- both ways on the same cases -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        pytest.param(["why?"], None, id="plain"),
        pytest.param(["-q", "why?"], None, id="quiet"),
        pytest.param(["-n", "work", "why?"], None, id="namespace"),
        pytest.param(["-m", "gpt-4.1", "why?"], None, id="model"),
        pytest.param(["-m", "openai/gpt-4.1", "why?"], None, id="provider and model"),
        pytest.param(["-s", "Be brief.", "why?"], None, id="system"),
        pytest.param(["--system-file", "doc.txt", "why?"], None, id="system file"),
        pytest.param(["--context", "it is late", "why?"], None, id="context"),
        pytest.param(["-o", "seed=1", "why?"], None, id="option"),
        pytest.param(["--temperature", "0", "why?"], None, id="temperature 0"),
        pytest.param(["--max-tokens", "50", "why?"], None, id="token limit"),
        pytest.param(["--schema", "schema.json", "why?"], None, id="schema file"),
        pytest.param(["--schema", '{"type": "object"}', "why?"], None, id="schema text"),
        pytest.param(["--ttl", "1h", "why?"], None, id="ttl"),
        pytest.param(["--stale-if-error", "7d", "why?"], None, id="stale if error"),
        pytest.param(["--exact", "why?"], None, id="exact"),
        pytest.param(["--stream", "why?"], None, id="stream"),
        pytest.param(["--color", "never", "why?"], None, id="colour"),
        pytest.param(["--", "- why?"], None, id="dash in the prompt"),
        pytest.param(["Größe? 名前? 🦆"], None, id="unicode"),
        pytest.param(["a\x1b[31mb\tc\nd"], None, id="control characters"),
        pytest.param(["summarise"], "Some text.\n", id="piped document"),
        pytest.param(["summarise"], "", id="empty pipe"),
        pytest.param(["-"], "why?\n", id="dash"),
        pytest.param([], "why?\n", id="prompt from a pipe"),
        pytest.param(["--no-stdin", "why?"], "left alone\n", id="no stdin"),
        pytest.param(["-f", "doc.txt", "why?"], None, id="file"),
        pytest.param(["-f", "more.txt", "-f", "doc.txt", "sum up"], "piped", id="files and pipe"),
    ],
)
def test_both_ways_answer_the_same_command_line_alike(world, arguments, stdin):
    world.remember(*arguments, stdin=stdin)

    ordinary = world.seen(*arguments, stdin=stdin, way=ORDINARY)
    repeated = world.seen(*arguments, stdin=stdin)

    assert (ordinary.parsed, repeated.parsed) == (True, False)
    assert repeated[:4] == ordinary[:4]
    assert repeated[:4:3] == (0, 1)
    assert same_line(repeated) == same_line(ordinary)
    assert len(repeated.lines) == 1
    assert len(world.upstream.calls) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("blue", id="no final newline"),
        pytest.param("blue\n", id="final newline"),
        pytest.param("\n\nblue\n\n", id="newlines all over"),
        pytest.param("blue\r\nred\r", id="carriage returns"),
        pytest.param("Größe 名前 🦆 e\u0301 \u2028 \ufeff", id="unicode"),
        pytest.param("\x1b]0;title\x07\x1b[31mred\x9b0m\x7f\x08\u202e", id="control characters"),
        pytest.param("before\0after", id="nul"),
        pytest.param("[bold]no markup[/] :duck: {x} %s", id="looks like markup"),
        pytest.param("x" * 300_000, id="larger than a pipe"),
    ],
)
def test_both_ways_print_the_same_bytes(world, answer):
    world.upstream.will(Reply(answer))
    world.remember("why?")

    ordinary = world.seen("why?", way=ORDINARY)
    repeated = world.seen("why?")

    assert not repeated.parsed
    assert repeated[:4] == ordinary[:4]
    assert repeated.out.decode() == answer + "\n" * (not answer.endswith("\n"))


TOOLS = ["-o", 'tools=[{"type": "function", "function": {"name": "look"}}]']
CALLS = [{"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("arguments", "reply"),
    [
        pytest.param(
            [*TOOLS, "look!"],
            Reply(
                message={"role": "assistant", "content": None, "tool_calls": CALLS},
                finish_reason="tool_calls",
            ),
            id="tool calls",
        ),
        pytest.param(
            ["-o", "n=2", "why?"],
            Reply(
                choices=[
                    {"index": n, "message": {"content": text}, "finish_reason": "stop"}
                    for n, text in enumerate(("one", "two"))
                ]
            ),
            id="two choices",
        ),
    ],
)
def test_an_answer_that_is_more_than_text_is_shown_alike_each_time(
    world, monkeypatch, arguments, reply
):
    monkeypatch.setenv("LLMC_CACHE", "all")
    world.upstream.will(reply)
    world.remember(*arguments)

    ordinary = world.seen(*arguments, way=ORDINARY)
    repeated = world.seen(*arguments)

    assert repeated[:4] == ordinary[:4]
    assert len(repeated.out) > 3
    assert same_line(repeated) == same_line(ordinary)
    assert len(world.upstream.calls) == 1


@pytest.mark.parametrize(
    ("cost", "latency", "line"),
    [
        ("4100000", "1.5", "llmc: exact hit, 3 d old, saved $0.0041\n"),
        ("0", "1.5", "llmc: exact hit, 3 d old, saved 1.5 s\n"),
        ("NULL", "1.5", "llmc: exact hit, 3 d old, saved 1.5 s (price unknown)\n"),
        ("NULL", "NULL", "llmc: exact hit, 3 d old\n"),
    ],
)
def test_both_ways_say_the_same_of_what_was_saved(world, cost, latency, line):
    world.remember("why?")
    world.change(f"UPDATE entry SET cost_nusd = {cost}, latency = {latency}")

    ordinary = world.seen("why?", way=ORDINARY)
    repeated = world.seen("why?")

    assert not repeated.parsed
    assert (ordinary.err, repeated.err) == (line, line)
    assert same_line(repeated) == same_line(ordinary)


def test_the_porch_leaves_the_entry_as_the_ordinary_way_does(world):
    world.remember("why?")
    earlier = time.time()

    repeated = world.seen("why?")

    connection = apsw.Connection(str(world.db))
    (found,) = connection.execute("SELECT hits, last_hit_at FROM entry").fetchall()
    assert not repeated.parsed
    assert found[0] == 2
    assert earlier <= found[1] <= time.time()
    assert earlier <= repeated.lines[0]["at"] <= time.time()
    assert 0 < repeated.lines[0]["latency"] < 5


# -- where the file is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [["--db", "{}", "why?"], ["--db={}", "why?"], ["why?", "--db", "{}"]],
    ids=["--db PATH", "--db=PATH", "after the prompt"],
)
def test_the_porch_finds_the_file_that_a_flag_names(world, tmp_path, arguments):
    world.db = tmp_path / "named.db"
    words = [word.format(world.db) for word in arguments]
    world.remember(*words)

    repeated = world.seen(*words)

    assert not repeated.parsed
    assert repeated.out == b"answer 1\n"
    assert repeated.hits == 1


@pytest.mark.parametrize("path", ["{home}/named.db", "~/named.db", "named.db"])
def test_the_porch_finds_the_file_that_a_variable_names(world, monkeypatch, path):
    world.db = world.home / "named.db"
    monkeypatch.setenv("LLMC_DB", path.format(home=world.home))
    world.remember("why?")

    repeated = world.seen("why?")

    assert not repeated.parsed
    assert repeated.hits == 1


@pytest.mark.parametrize(
    "line", ['db = "{home}/named.db"', "db='{home}/named.db'", 'model = "x"\n  db =  "~/named.db"']
)
def test_the_porch_finds_the_file_that_the_configuration_names(world, line):
    world.db = world.home / "named.db"
    configure(world, line.format(home=world.home))
    world.remember("why?")

    repeated = world.seen("why?")

    assert not repeated.parsed
    assert repeated.hits == 1


@pytest.mark.parametrize(
    "line",
    [
        'db = "{home}/named.db"  # a comment',
        'db = """{home}/named.db"""',
        'db = "{home}/n\\u0061med.db"',
        '"db" = "{home}/named.db"',
    ],
)
def test_a_file_named_in_a_way_that_the_porch_cannot_read_is_found_by_the_parser(world, line):
    world.db = world.home / "named.db"
    configure(world, line.format(home=world.home))
    world.remember("why?")

    repeated = world.seen("why?")

    assert (repeated.out, repeated.hits) == (b"answer 1\n", 1)
    assert len(world.upstream.calls) == 1


def test_without_a_home_the_porch_answers_from_a_file_that_is_named(world, monkeypatch):
    monkeypatch.setenv("LLMC_DB", str(world.db))
    monkeypatch.setenv("LLMC_CONFIG", str(world.home / "config.toml"))
    (world.home / "config.toml").touch()
    monkeypatch.delenv("HOME")
    world.remember("why?")

    repeated = world.seen("why?")

    assert not repeated.parsed
    assert (repeated.out, repeated.hits) == (b"answer 1\n", 1)


# -- what must not be answered from memory -------------------------------------------------------


def configure(world: World, text: str) -> None:
    folder = world.home / ".config" / "llmc"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(text)


def overwrite(path: Path, text: str) -> None:
    """Change a file's content, and neither its length nor its times."""
    before = path.stat()
    assert len(text.encode()) == before.st_size
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_changed_file_of_the_same_length_and_time_is_another_question(offline):
    offline.remember("-f", "doc.txt", "sum up")
    overwrite(offline.home / "doc.txt", "Same size.\n")

    repeated = offline.seen("-f", "doc.txt", "sum up")

    assert repeated[:2] == NOT_IN_THE_CACHE


def test_a_changed_file_reaches_the_model(world):
    world.remember("-f", "doc.txt", "sum up")
    overwrite(world.home / "doc.txt", "Same size.\n")

    repeated = world.seen("-f", "doc.txt", "sum up")

    assert repeated[:2] == (0, b"answer 2\n")
    assert "Same size." in str(world.upstream.calls[1].body)
    assert [line["source"] for line in repeated.lines] == ["model"]


@pytest.mark.parametrize("flag", ["--system-file", "-f"])
def test_a_file_that_is_gone_is_an_error(world, flag):
    world.remember(flag, "doc.txt", "sum up")
    (world.home / "doc.txt").unlink()

    repeated = world.seen(flag, "doc.txt", "sum up")

    assert repeated.code == 2
    assert repeated.err == "llmc: error: doc.txt: no such file or directory\n"


def test_a_changed_schema_file_is_another_question(offline):
    offline.remember("--schema", "schema.json", "list")
    overwrite(offline.home / "schema.json", '{"type": "number"}')

    repeated = offline.seen("--schema", "schema.json", "list")

    assert repeated[:2] == NOT_IN_THE_CACHE


@pytest.mark.parametrize("arguments", [["sum up"], ["-"], []], ids=["document", "dash", "prompt"])
def test_other_piped_text_of_the_same_length_is_another_question(offline, arguments):
    offline.remember(*arguments, stdin="Some text.\n")

    repeated = offline.seen(*arguments, stdin="Same size.\n")

    assert repeated[:2] == NOT_IN_THE_CACHE


def test_other_piped_text_reaches_the_model(world):
    world.remember("sum up", stdin="Some text.\n")

    repeated = world.seen("sum up", stdin="Same size.\n")

    assert repeated[:2] == (0, b"answer 2\n")
    assert "Same size." in str(world.upstream.calls[1].body)


def test_a_document_where_there_was_none_is_another_question(offline):
    offline.remember("sum up")

    repeated = offline.seen("sum up", stdin="Some text.\n")

    assert repeated[:2] == NOT_IN_THE_CACHE


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('model = "m1"', 'model = "m2"'),
        ('namespace = "n1"', 'namespace = "n2"'),
        ("", 'model = "m2"'),
        ('[aliases]\n"gpt-6-luna" = "m1"', '[aliases]\n"gpt-6-luna" = "m2"'),
    ],
)
def test_a_changed_configuration_is_another_question(offline, before, after):
    configure(offline, before)
    offline.remember("why?")
    configure(offline, after)

    repeated = offline.seen("why?")

    assert repeated[:2] == NOT_IN_THE_CACHE


def test_a_changed_configuration_of_the_same_length_and_time_is_another_question(offline):
    configure(offline, 'model = "m1"')
    offline.remember("why?")
    overwrite(offline.home / ".config" / "llmc" / "config.toml", 'model = "m2"')

    repeated = offline.seen("why?")

    assert repeated[:2] == NOT_IN_THE_CACHE


def test_a_first_configuration_is_another_question(offline):
    offline.remember("why?")
    configure(offline, 'model = "m2"')

    repeated = offline.seen("why?")

    assert repeated[:2] == NOT_IN_THE_CACHE


@pytest.mark.parametrize("content", ["model = ", "\xff\xfe", 'modle = "x"'])
def test_a_configuration_that_became_unusable_is_an_error(world, content):
    world.remember("why?")
    configure(world, "")
    (world.home / ".config/llmc/config.toml").write_bytes(content.encode("latin-1"))

    repeated = world.seen("why?")

    assert repeated.code == 2
    assert repeated.out == b""


def test_a_folder_in_the_place_of_the_configuration_is_an_error_both_ways(world):
    world.remember("why?")
    (world.home / ".config/llmc/config.toml").mkdir(parents=True)

    ordinary = world.seen("why?", way=ORDINARY)
    repeated = world.seen("why?")

    assert ordinary.code == 2
    assert (repeated.code, repeated.out) == (ordinary.code, ordinary.out)


@pytest.mark.parametrize("place", [".", ".."], ids=["here", "in the parent"])
def test_a_new_project_file_is_another_question(offline, monkeypatch, place):
    (offline.home / "project").mkdir()
    monkeypatch.chdir("project")
    offline.remember("why?")
    Path(place, ".llmc.toml").write_text('namespace = "project"')

    repeated = offline.seen("why?")

    assert repeated[:2] == NOT_IN_THE_CACHE


@pytest.mark.parametrize("place", [".", ".."], ids=["here", "in the parent"])
def test_a_changed_project_file_is_another_question(offline, monkeypatch, place):
    (offline.home / "project").mkdir()
    monkeypatch.chdir("project")
    Path(place, ".llmc.toml").write_text('model = "m1"')
    offline.remember("why?")
    overwrite(Path(place, ".llmc.toml"), 'model = "m2"')

    repeated = offline.seen("why?")

    assert repeated[:2] == NOT_IN_THE_CACHE


def test_a_project_file_hides_the_one_above_it(offline, monkeypatch):
    (offline.home / "project").mkdir()
    Path(".llmc.toml").write_text('model = "m1"')
    monkeypatch.chdir("project")
    offline.remember("why?")
    Path(".llmc.toml").write_text("")

    repeated = offline.seen("why?")

    assert repeated[:2] == NOT_IN_THE_CACHE


def test_another_folder_with_a_project_file_is_another_question(offline, monkeypatch):
    offline.remember("why?")
    (offline.home / "project").mkdir()
    (offline.home / "project" / ".llmc.toml").write_text('model = "m2"')
    monkeypatch.chdir("project")

    repeated = offline.seen("why?")

    assert repeated[:2] == NOT_IN_THE_CACHE


def test_another_folder_without_one_changes_nothing(world, monkeypatch):
    world.remember("why?")
    (world.home / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")

    repeated = world.seen("why?")

    assert not repeated.parsed
    assert repeated.out == b"answer 1\n"


def test_a_folder_that_was_removed_is_no_obstacle(world, monkeypatch):
    world.remember("why?")
    (world.home / "gone").mkdir()
    monkeypatch.chdir("gone")
    (world.home / "gone").rmdir()

    repeated = world.seen("why?")

    assert (repeated.code, repeated.out) == (0, b"answer 1\n")


def test_another_folder_with_another_file_of_that_name_is_another_question(offline, monkeypatch):
    offline.remember("-f", "doc.txt", "sum up")
    (offline.home / "elsewhere").mkdir()
    (offline.home / "elsewhere" / "doc.txt").write_text("Same size.\n")
    monkeypatch.chdir("elsewhere")

    repeated = offline.seen("-f", "doc.txt", "sum up")

    assert repeated[:2] == NOT_IN_THE_CACHE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LLMC_MODEL", "m2"),
        ("LLMC_NAMESPACE", "n2"),
        ("LLMC_DB", "other.db"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1"),
        ("OPENAI_BASE_URL", ""),
    ],
)
def test_a_changed_variable_is_another_question(offline, monkeypatch, name, value):
    offline.remember("why?")
    monkeypatch.setenv(name, value)

    repeated = offline.seen("why?")

    assert repeated[:2] == NOT_IN_THE_CACHE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LLMC_TTL", "-1h"),
        ("LLMC_TIMEOUT", "never"),
        ("LLMC_RETRIES", "some"),
        ("LLMC_MATCH", "perhaps"),
        ("LLMC_CACHE", "a bit"),
        ("OPENAI_BASE_URL", "nonsense"),
    ],
)
def test_a_variable_that_became_unusable_is_an_error(world, monkeypatch, name, value):
    world.remember("why?")
    monkeypatch.setenv(name, value)

    repeated = world.seen("why?")

    assert repeated.code == 2
    assert repeated.out == b""


def test_a_rotated_key_changes_nothing(world, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-old")
    world.remember("why?")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-new")

    repeated = world.seen("why?")

    assert not repeated.parsed
    assert repeated.out == b"answer 1\n"


def test_an_expired_answer_is_asked_anew(world):
    world.remember("--ttl", "1h", "why?")
    world.change(f"UPDATE entry SET expires_at = {time.time() - 1}")

    repeated = world.seen("--ttl", "1h", "why?")

    assert repeated[:2] == (0, b"answer 2\n")
    assert [line["source"] for line in repeated.lines] == ["model"]
    assert repeated.hits == 0


def test_an_expired_answer_is_not_served_offline(offline):
    offline.remember("why?")
    offline.change(f"UPDATE entry SET expires_at = {time.time() - 1}")

    repeated = offline.seen("why?")

    assert repeated[:2] == NOT_IN_THE_CACHE


def test_an_answer_is_served_up_to_its_end(offline):
    offline.remember("why?")
    offline.change(f"UPDATE entry SET expires_at = {time.time() + 30}")

    repeated = offline.seen("why?")

    assert not repeated.parsed
    assert repeated.out == b"answer 1\n"


@pytest.mark.parametrize(
    "command",
    [
        ["invalidate", "why", "--yes"],
        ["prune", "--max-entries", "0", "--yes"],
        ["prune", "--older-than", "1d", "--yes"],
    ],
)
def test_a_removed_answer_is_asked_anew(offline, program, command):
    offline.remember("why?")
    done = program(*command)

    repeated = offline.seen("why?")

    assert done.code == 0
    assert repeated[:2] == NOT_IN_THE_CACHE


def test_removing_another_answer_costs_one_way_round(offline, program, cli):
    cli("ask", "what?")
    offline.remember("why?")
    done = program("invalidate", "what", "--yes")

    repeated = offline.seen("why?")
    again = offline.seen("why?")

    assert done.out == "removed 1 entry\n"
    assert (repeated.out, again.out) == (b"answer 2\n", b"answer 2\n")
    assert (repeated.parsed, again.parsed) == (True, False)


def test_a_new_generation_voids_what_is_remembered(offline):
    """Rules and verdicts, too, change which entry answers: they raise the generation."""
    offline.remember("why?")
    offline.change("UPDATE meta SET value = value + 1 WHERE name = 'generation'")

    repeated = offline.seen("why?")
    again = offline.seen("why?")

    assert (repeated.parsed, again.parsed) == (True, False)
    assert (repeated.out, again.out) == (b"answer 1\n", b"answer 1\n")


@pytest.mark.parametrize("ttl", ["0", "1h"])
def test_a_time_rule_holds_for_what_was_remembered_before_it(world, cli, ttl):
    """The answer is three days old by then."""
    world.remember("why?")
    cli("rules", "add", "--pattern", "why", "--ttl", ttl)

    repeated = world.seen("why?")

    assert repeated.parsed
    assert repeated.out == b"answer 2\n"


def test_what_a_rule_ends_is_never_remembered(offline, cli):
    cli("rules", "add", "--pattern", "why", "--ttl", "30d")
    offline.remember("why?")

    repeated = offline.seen("why?")

    assert repeated.parsed
    assert repeated.out == b"answer 1\n"


@pytest.mark.parametrize(
    "command", [["rules", "remove", "1"], ["rules", "add", "--pattern", "x", "--ttl", "1h"]]
)
def test_any_change_of_rules_costs_one_way_round(offline, cli, command):
    cli("rules", "add", "--pattern", "other", "--ttl", "1h")
    offline.remember("why?")
    cli(*command)

    again = [offline.seen("why?") for _ in range(2)]

    assert [seen.out for seen in again] == [b"answer 1\n"] * 2
    assert [seen.parsed for seen in again] == [True, False]


def test_an_answer_that_was_removed_and_given_anew_is_the_new_one(offline, program, cli):
    offline.remember("why?")
    program("invalidate", "why", "--yes")
    cli("ask", "why?")

    repeated = offline.seen("why?")

    assert repeated[:2] == (0, b"answer 2\n")


def test_a_refreshed_answer_is_served(offline, cli):
    offline.remember("why?")
    cli("ask", "--refresh", "why?")

    repeated = offline.seen("why?")

    assert repeated[:2] == (0, b"answer 2\n")
    assert repeated.hits == 1


def test_a_newer_answer_of_the_same_family_is_served(offline, cli):
    """The newest that ended by itself serves where there is none for this very limit."""
    cli("ask", "--max-tokens", "100", "why?")
    offline.remember("why?")
    cli("ask", "--max-tokens", "200", "--refresh", "why?")

    ordinary = offline.seen("why?", way=ORDINARY)
    repeated = offline.seen("why?")

    assert offline.upstream.calls[1:]
    assert (ordinary.out, repeated.out) == (b"answer 2\n", b"answer 2\n")


def test_an_answer_of_its_own_key_replaces_its_familys(offline, cli):
    cli("ask", "--max-tokens", "100", "why?")
    offline.remember("why?")
    cli("ask", "--refresh", "why?")

    repeated = offline.seen("why?")

    assert repeated[:2] == (0, b"answer 2\n")


def test_without_a_digest_the_ordinary_way_remembers_nothing(world, cli):
    cli("ask", "why?")

    first = world.seen("why?", way=ORDINARY)
    second = world.seen("why?")

    assert (first.parsed, second.parsed) == (True, True)


@pytest.mark.parametrize(
    ("flags", "out"),
    [
        (["--json"], b'{"answer": "answer 1", "source": "exact"'),
        (["-x"], b"answer 1\n"),
        (["-v"], b"answer 1\n"),
        (["--dry-run"], b"key "),
        (["--no-cache"], b"answer "),
        (["--refresh"], b"answer "),
        (["--sample", "1"], b"answer 2\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_prints_more_than_the_answer_takes_the_ordinary_way(world, flags, out):
    world.remember("why?")
    first = world.seen("why?", *flags)

    second = world.seen("why?", *flags)

    assert (first.parsed, second.parsed) == (True, True)
    assert (first.code, second.code) == (0, 0)
    assert first.out.startswith(out)
    assert second.out.startswith(out)


def test_an_answer_in_json_is_no_answer_for_a_terminal_of_text(world):
    world.remember("why?")
    world.seen("why?", "--json")

    repeated = world.seen("why?")

    assert not repeated.parsed
    assert repeated.out == b"answer 1\n"


# -- a file that fails it ------------------------------------------------------------------------


def close_cleanly(world: World) -> None:
    """Fold the write-ahead log in, so that the file alone holds everything."""
    world.change("PRAGMA wal_checkpoint(TRUNCATE)")


def tear(world: World) -> None:
    close_cleanly(world)
    content = world.db.read_bytes()
    world.db.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def scribble(world: World) -> None:
    close_cleanly(world)
    world.db.write_bytes(b"not a cache file " * 999)


def replace_by_folder(world: World) -> None:
    close_cleanly(world)
    world.db.unlink()
    world.db.mkdir()


def replace_by_other_program(world: World) -> None:
    shutil.rmtree(world.db.parent)
    world.db.parent.mkdir()
    world.change("CREATE TABLE invocation (x)")


def make_newer(world: World) -> None:
    world.change("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    "harm", [tear, scribble, replace_by_folder, replace_by_other_program, make_newer]
)
def test_a_file_that_cannot_be_used_costs_a_note_as_the_ordinary_way(world, program, harm):
    world.remember("why?")
    harm(world)

    repeated = program("ask", "why?")

    assert (repeated.code, repeated.out) == (0, "answer 2\n")
    assert repeated.err.startswith(f"llmc: cache file {world.db}: ")
    assert "answering without it" in repeated.err.splitlines()[0]


@pytest.mark.parametrize(
    "harm", [tear, scribble, replace_by_folder, replace_by_other_program, make_newer]
)
def test_a_file_that_cannot_be_used_is_exit_5_offline(world, program, harm):
    world.flags = ("--offline",)
    world.remember("why?")
    harm(world)

    repeated = program("ask", "--offline", "why?")

    assert (repeated.code, repeated.out) == (5, "")
    assert repeated.err.startswith(f"llmc: error: cache file {world.db}: ")


def test_a_missing_file_is_made_anew(world):
    world.remember("why?")
    shutil.rmtree(world.db.parent)

    repeated = world.seen("why?")

    assert repeated.out == b"answer 2\n"
    assert [line["source"] for line in repeated.lines] == ["model"]


@pytest.mark.parametrize(
    ("file_mode", "folder_mode"),
    [(0o400, 0o700), (0o600, 0o500), (0o400, 0o500)],
    ids=["read-only file", "read-only folder", "both"],
)
def test_a_read_only_file_still_answers(world, file_mode, folder_mode):
    world.remember("why?")
    close_cleanly(world)
    world.db.chmod(file_mode)
    world.db.parent.chmod(folder_mode)

    done = subprocess.run(
        [*bound_by_modes(), sys.executable, *PROGRAM, "ask", "why?"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=30,
    )

    world.db.parent.chmod(0o700)
    assert (done.returncode, done.stdout) == (0, b"answer 1\n")
    assert done.stderr == b"llmc: exact hit, 3 d old, saved $0.0041\n"
    assert len(world.upstream.calls) == 1


def test_a_locked_file_still_answers(world):
    world.remember("why?")
    writer = apsw.Connection(str(world.db))
    writer.execute("BEGIN IMMEDIATE")

    process = subprocess.Popen(
        [sys.executable, *PROGRAM, "ask", "-q", "why?"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    with process:
        line = process.stdout.readline()  # before the lock is gone: the answer does not wait
        writer.execute("COMMIT")

    assert line == b"answer 1\n"
    assert process.returncode == 0


# -- held equal to the ordinary way's ------------------------------------------------------------


def test_the_porch_knows_the_same_file():
    known = porch.SCHEMA, porch.WAL_KEEP, porch.AHEAD
    waits = porch.BUSY_TIMEOUT, porch.COUNTING_TIMEOUT

    assert known == (schema.VERSION, file.WAL_KEEP, policy.AHEAD)
    assert waits == (opening.BUSY_TIMEOUT, opening.COUNTING_TIMEOUT)


def test_the_porch_reads_columns_that_the_store_reads():
    columns = porch._QUERY.partition("FROM")[0].replace("SELECT", "").split(",")
    names = {column.strip() for column in columns}

    assert names - {"i.quiet"} <= set(rows._READ.values())
    assert " ".join(rows.FROM.split()).partition("ON")[2].strip() in porch._QUERY


def test_the_porch_counts_a_hit_with_the_stores_words():
    strings = {
        node.value
        for node in ast.walk(ast.parse(Path(store.__file__).read_text()))
        if isinstance(node, ast.Constant)
    }

    assert porch._COUNT in strings
