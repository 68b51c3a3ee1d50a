from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tree import tree

from llmc import __version__
from llmc.cli import COMMANDS, build

ROOT = Path(__file__).resolve().parent.parent

#: Every command as it is called, the groups' own ones included, and those that are no group.
TREE = {
    (name, *below): command.commands[below[0]] if below else command
    for name, command in ((name, build(name)) for name in COMMANDS)
    for below in [(), *((word,) for word in getattr(command, "commands", ()))]
}
LEAVES = [path for path, command in TREE.items() if not hasattr(command, "commands")]

EVERY = pytest.mark.parametrize("path", list(TREE), ids=" ".join)
EVERY_LEAF = pytest.mark.parametrize("path", LEAVES, ids=" ".join)


@EVERY
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_goes_to_standard_output(cli, path, flag):
    result = cli(*path, flag)

    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"Usage: llmc {' '.join(path)} ")
    assert TREE[path].help.partition("\n")[0] in result.out
    assert "Exit codes:" in result.out


@pytest.mark.parametrize("command", tree().walk(), ids=lambda command: command.words or "llmc")
def test_help_is_the_one_that_is_committed(cli, monkeypatch, command):
    """tests/help.txt holds them all; whoever changes one sees what it looks like."""
    monkeypatch.setenv("COLUMNS", "80")
    committed = (ROOT / "tests" / "help.txt").read_text("utf-8").split("\n$ ")
    asked = f"llmc {command.words} --help".replace("  ", " ")

    result = cli(*command.path, "--help")

    assert f"{asked}\n{result.out}".rstrip() in [each.strip("$ \n") for each in committed]


@pytest.mark.parametrize("command", tree().walk(), ids=lambda command: command.words or "llmc")
def test_the_help_of_a_command_is_asked_for_as_well(cli, command):
    asked = cli(*command.path, "--help")

    assert cli("help", *command.path) == asked


@pytest.mark.parametrize("words", [["--"], ["--", "why?"], ["-m", "m1"], ["why?"]])
def test_to_ask_for_help_asks_nobody_else(cli, upstream, words):
    result = cli("help", "ask", *words)

    assert result.out.startswith("Usage: llmc ask ")
    assert upstream.calls == []


def test_the_help_of_what_is_no_command_is_an_error(cli):
    result = cli("help", "asq")

    assert (result.code, result.out) == (2, "")
    assert "Did you mean 'ask'" in result.err


@EVERY
@pytest.mark.parametrize("options", [{}, {"terminal": True}])
def test_help_is_plain_text_of_a_readable_width(cli, monkeypatch, path, options):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "300")

    result = cli(*path, "--help", **options)

    assert re.search(r"[^\n -~\u2026]", result.out) is None
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_table_of_commands_says_what_each_says_of_itself(name):
    assert COMMANDS[name] == build(name).help.partition("\n")[0]


@EVERY_LEAF
@pytest.mark.parametrize("flag", ["--db", "--color"])
def test_every_command_takes_the_common_flags(cli, path, flag):
    result = cli(*path, "--help")

    assert f" {flag} " in result.out


@EVERY
def test_every_option_has_a_name_for_its_value_and_a_help_text(path):
    parameters = [p for p in TREE[path].params if not getattr(p, "hidden", False)]

    silent = [p.name for p in parameters if not getattr(p, "help", "")]
    typed = [p.name for p in parameters if not getattr(p, "is_flag", False) and not p.metavar]

    assert (silent, typed) == ([], [])


def test_ask_offers_every_flag_that_the_contract_promises_for_exact_answers(cli):
    result = cli("ask", "--help")

    offered = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", result.out))
    assert offered >= {
        "-m", "--model", "-s", "--system", "--system-file", "-f", "--file", "--context", "-o",
        "--option", "--temperature", "--max-tokens", "--timeout", "--retries", "--schema", "-x",
        "--extract", "-n", "--namespace", "--ttl", "--match", "--exact", "--refresh", "--no-cache",
        "--offline", "--stale-if-error", "--sample", "--index", "--json", "--stream",
        "--no-stream", "--no-stdin", "--dry-run", "-q", "-v", "--db", "--color", "-h", "--help",
    }  # fmt: skip


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_alone_it_shows_its_commands(cli, arguments):
    result = cli(*arguments)

    assert (result.code, result.err) == (0, "")
    assert all(f"  {name} " in result.out for name in COMMANDS)
    assert "Exit codes:" in result.out


def test_it_has_a_version(cli):
    result = cli("--version")

    assert (result.code, result.out) == (0, f"llmc {__version__}\n")


@pytest.mark.parametrize(
    ("typed", "meant"), [("lst", "list"), ("stat", "stats"), ("serach", "search"), ("asq", "ask")]
)
def test_a_mistyped_command_names_the_one_that_was_meant(cli, typed, meant):
    result = cli(typed)

    assert (result.code, result.out) == (2, "")
    assert f"No such command '{typed}'" in result.err
    assert "Did you mean" in result.err
    assert f"'{meant}'" in result.err


@pytest.mark.parametrize("name", ["model", "rules"])
def test_a_group_alone_shows_its_help(cli, name):
    asked = cli(name, "--help")

    result = cli(name)

    assert result == asked
    assert all(f"\n  {word} " in result.out for word in build(name).commands)


@pytest.mark.parametrize("group", [c for c in tree().walk() if c.commands], ids=lambda c: c.name)
def test_each_command_of_a_group_is_one_line_there(cli, group):
    result = cli(*group.path)

    commands = result.out.partition("Common:")[0]
    shown = dict(line.split(None, 1) for line in commands.splitlines() if line[:2] == "  ")
    assert {c.name: shown[c.name] for c in group.commands} == {
        c.name: c.sentence for c in group.commands
    }


@pytest.mark.parametrize(
    ("typed", "meant"), [("plul", "pull"), ("lst", "list"), ("remvoe", "remove")]
)
def test_a_mistyped_command_of_a_group_leads_to_the_groups_help(cli, typed, meant):
    result = cli("model", typed)

    assert (result.code, result.out) == (2, "")
    assert f"No such command '{typed}'. Did you mean '{meant}'?" in result.err
    assert result.err.endswith("llmc:   llmc model --help\n")


@pytest.mark.parametrize(
    ("arguments", "way"),
    [
        (("zzz",), "llmc --help"),
        (("--nope",), "llmc --help lists the commands; options stand after one"),
        (("--db", "x.db", "stats"), "llmc --help lists the commands; options stand after one"),
        (("ask", "-m"), "llmc ask --help"),
        (("ask", "why", "not"), "llmc ask --help; a prompt of several words stands in quotes"),
        (("list", "--nope"), "llmc list --help lists the options"),
        (("ask", "--nope"), "llmc ask --help lists the options; a prompt goes after --"),
        (("ask", "-- not", "one"), "does the prompt begin with a dash? put -- before it, or pi"),
        (("model", "--nope"), "llmc model --help lists the options"),
        (("model", "pull", "--nope"), "llmc model pull --help lists the options"),
        (("model", "pull", "one", "two"), "llmc model pull --help"),
        (("model", "pull", "other"), "llmc model pull --help"),
        (("model", "list", "--color", "some"), "llmc model list --help"),
    ],
    ids=repr,
)
def test_wrong_usage_leads_to_the_help_of_the_command_in_question(cli, arguments, way):
    result = cli(*arguments)

    assert result.code == 2
    assert result.err.splitlines()[1].startswith(f"llmc:   {way}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "-l", "-1"), "--limit: -1 is not a number from 0 up"),
        (("ask", "q", "--max-tokens", "1e3"), "--max-tokens: '1e3' is not a whole number"),
        (("ask", "q", "--temperature", "hot"), "--temperature: 'hot' is not a number"),
        (
            ("ask", "q", "--match", "all"),
            "--match: 'all' is not one of 'auto', 'exact', 'semantic'",
        ),
        (("show", "one"), "ID: 'one' is not a whole number"),
        (("serve", "--port", "65536"), "--port: 65536 is not a number from 0 to 65535"),
        (("rm", "1", "one"), "ID: 'one' is not a whole number"),
    ],
    ids=repr,
)
def test_a_wrong_value_is_told_with_the_name_of_what_it_was_for(cli, arguments, said):
    assert cli(*arguments).err.splitlines()[0] == f"llmc: error: {said}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("zzz",),
        ("--nope",),
        ("list", "--nope"),
        ("list", "surplus"),
        ("ask", "one", "two"),
        ("search",),
        ("invalidate",),
        ("show", "one"),
        ("list", "--limit"),
        ("list", "--color", "sometimes"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_a_way_to_the_help(cli, arguments):
    result = cli(*arguments)

    lines = result.err.splitlines()
    assert (result.code, result.out) == (2, "")
    assert len(lines) == 2
    assert lines[0].startswith("llmc: error: ")
    assert re.fullmatch(r"llmc:   llmc( \w+)? --help.*", lines[1])


def test_an_unexpected_fault_is_one_line_and_exit_1(cli, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("the sky\nfell down")

    monkeypatch.setattr("llmc.config.load", fail)

    result = cli("list")

    assert (result.code, result.out) == (1, "")
    assert len(result.err.splitlines()) == 2
    assert "unexpected RuntimeError: the sky" in result.err
    assert "LLMC_DEBUG=1" in result.err
    assert "Traceback" not in result.err


def test_an_unexpected_fault_shows_where_on_request(cli, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("the sky fell down")

    monkeypatch.setattr("llmc.config.load", fail)
    monkeypatch.setenv("LLMC_DEBUG", "1")

    with pytest.raises(RuntimeError, match="the sky fell down"):
        cli("list")


def test_a_traceback_on_request_is_the_whole_programs(program, home):
    (home / "sitecustomize.py").write_text("import sys\nsys.modules['llmc.store'] = None\n")

    result = program("list", env={"LLMC_DEBUG": "1", "PYTHONPATH": f"{home}:{ROOT}"})

    assert result.code == 1
    assert "Traceback" in result.err
    assert "llmc.store" in result.err


@pytest.mark.parametrize(
    ("arguments", "environment", "colored"),
    [
        (("--nope",), {}, True),
        (("--nope", "--color", "never"), {}, False),
        (("--nope", "--color=never"), {}, False),
        (("--nope",), {"NO_COLOR": "1"}, False),
        (("--nope",), {"TERM": "dumb"}, False),
        (("--nope", "--color", "always"), {"NO_COLOR": "1"}, True),
    ],
)
def test_the_colour_of_an_error_follows_the_flag_and_then_the_environment(
    cli, monkeypatch, arguments, environment, colored
):
    monkeypatch.setattr(os, "environ", os.environ | environment)

    result = cli("list", *arguments, terminal=True)

    assert ("\x1b[1;31merror:\x1b[0m" in result.err) is colored
    assert result.err.count("\x1b") == (2 if colored else 0)


def test_an_error_in_a_pipe_has_no_colour(cli):
    result = cli("list", "--nope")

    assert "\x1b" not in result.err


def test_an_argument_does_not_command_the_terminal(cli):
    result = cli("list", "--\x1b]0;title\x07", "--color", "never", terminal=True)

    assert result.code == 2
    assert "\x1b" not in result.err
    assert "\x07" not in result.err


def test_help_of_all_commands_imports_none_of_them():
    script = (
        "import sys, llmc.cli; llmc.cli.run(['--help']);"
        "print([m for m in sys.modules if m.startswith('llmc.commands.')], file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("Usage: llmc")
    assert done.stderr == "[]\n"
