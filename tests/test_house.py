"""The plan of the house: who imports whom, where SQL stands, who reads the environment."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from llmc.store import Store

PACKAGE = Path(__file__).resolve().parent.parent / "llmc"

#: Who imports whom, anywhere in a module; `*` marks what only type checkers read. A new name here
#: is a decision: does anything flow back up? Everyone may import `types` and `errors`.
IMPORTS = {
    "__init__": "layout* library* transport*",
    "__main__": "__init__ cli invocation places streams text",
    "aside": "",
    "asking": "policy",
    "auditing": "asking* drafting judging keys lives policy pricing questions",
    "batch": "",
    "batch.batchfile": "config dialects.embeddings dialects.responses input prefixes request"
    " streams",
    "batch.batching": "batch.batchfile* batch.budget* batch.workers cache* keys marking prefixes"
    " text",
    "batch.budget": "keys",
    "batch.outcomes": "batch.batchfile* batch.batching* dialects.forms output text",
    "batch.workers": "",
    "cache": "asking auditing drafting flight* keys levels lives policy pricing tally tiers",
    "calibration": "",
    "catalogue": "file*",
    "child": "",
    "cli": "__init__ config help streams",
    "config": "cache embedder endpoints flight local.minilm meaning places pricing provider"
    " settings store tiering",
    "dialects": "",
    "dialects.chat": "dialects.wire",
    "dialects.embeddings": "dialects.wire",
    "dialects.forms": "dialects.chat dialects.embeddings dialects.responses dialects.wire*",
    "dialects.responses": "dialects.wire",
    "dialects.wire": "",
    "door": "cache* dialects.embeddings dialects.forms dialects.wire parts policy proxy.directives"
    " proxy.intake proxy.refusal standing*",
    "drafting": "keys policy pricing",
    "embedder": "",
    "endpoints": "pricing",
    "errors": "",
    "eviction": "file* worth",
    "figures": "text",
    "file": "forks opening schema",
    "flight": "file*",
    "forgetting": "selection store*",
    "forks": "",
    "guards": "language.contrast language.english language.forms language.lexicon language.manner"
    " language.narrowing language.persons language.prepositions language.roles language.turning",
    "help": "manual",
    "index": "file*",
    "input": "invocation streams",
    "invocation": "",
    "joint": "",
    "judging": "endpoints keys policy",
    "keys": "",
    "langchain": "library",
    "language": "",
    "language.contrast": "language.english",
    "language.english": "language.forms language.lexicon language.thesaurus language.tokens",
    "language.forms": "language.lexicon language.tokens*",
    "language.lexicon": "",
    "language.manner": "language.contrast* language.english language.lexicon",
    "language.narrowing": "language.contrast language.english language.forms language.lexicon",
    "language.persons": "language.contrast* language.english language.forms language.lexicon"
    " language.prepositions",
    "language.prepositions": "language.english language.lexicon",
    "language.roles": "language.english language.lexicon language.prepositions",
    "language.thesaurus": "",
    "language.tokens": "",
    "language.turning": "language.contrast language.english language.forms language.lexicon"
    " language.thesaurus",
    "layout": "",
    "ledger": "file*",
    "levels": "keys lives* meaning policy tiers*",
    "library": "cache* config figures forgetting policy request selection standing store text"
    " tiering",
    "lives": "keys meaning* policy rules* selection",
    "local": "",
    "local.installed": "local.published local.weights",
    "local.minilm": "embedder local.weights local.wordpiece",
    "local.published": "",
    "local.stamp": "",
    "local.weights": "local.published local.stamp",
    "local.wordpiece": "",
    "manual": "",
    "marking": "prefixes pricing",
    "meaning": "embedder* keys lives paraphrases* policy questions semantic vectors*",
    "messages": "transfer.lines",
    "opening": "",
    "options": "text",
    "outbox": "file*",
    "output": "keys streams text",
    "pairs": "calibration embedder* input semantic",
    "paraphrases": "file*",
    "parts": "cache* dialects.embeddings",
    "places": "",
    "planning": "batch.batchfile* batch.budget cache* config* keys marking pricing text",
    "policy": "text",
    "prefix": "",
    "prefix.advice": "keys marking prefix.breaks* prefix.sharing* text",
    "prefix.breaks": "",
    "prefix.likeness": "prefix.breaks",
    "prefix.sent": "file* prefix.breaks",
    "prefix.sharing": "marking prefix.breaks prefix.likeness pricing",
    "prefixes": "keys pricing",
    "pricing": "",
    "progress": "streams text",
    "provider": "dialects.chat dialects.forms dialects.wire marking",
    "proxy": "",
    "proxy.answers": "dialects.forms dialects.wire* proxy.directives proxy.gate* proxy.refusal"
    " proxy.relay* proxy.upstream",
    "proxy.app": "dialects.embeddings dialects.forms dialects.wire proxy.answers proxy.desk*"
    " proxy.directives proxy.front* proxy.gate* proxy.intake proxy.passing proxy.refusal"
    " proxy.relay proxy.tally* proxy.upstream proxy.vectors",
    "proxy.desk": "cache* parts proxy.directives*",
    "proxy.directives": "proxy.refusal",
    "proxy.front": "catalogue ledger proxy.desk* proxy.gate proxy.page proxy.refusal proxy.tally*"
    " store*",
    "proxy.gate": "proxy.refusal",
    "proxy.intake": "proxy.refusal",
    "proxy.listening": "",
    "proxy.page": "ledger* text",
    "proxy.passing": "dialects.wire proxy.answers proxy.desk* proxy.front* proxy.gate*"
    " proxy.refusal proxy.tally* proxy.upstream",
    "proxy.refusal": "",
    "proxy.relay": "dialects.wire* proxy.refusal*",
    "proxy.tally": "text",
    "proxy.upstream": "proxy.gate* proxy.refusal",
    "proxy.vectors": "parts* proxy.desk* proxy.gate* proxy.refusal proxy.relay* proxy.tally*"
    " proxy.upstream",
    "proxy.wiring": "cache* config endpoints file proxy.app proxy.desk proxy.front proxy.gate"
    " proxy.tally proxy.upstream store",
    "questions": "keys semantic",
    "rehearsal": "",
    "removal": "file* outbox* paraphrases* vectors*",
    "repair": "",
    "repair.blueprint": "schema",
    "repair.checks": "config drafting endpoints local.weights output places provider repair.mending"
    " repair.salvage store text",
    "repair.frames": "file* keys",
    "repair.mending": "file* keys questions repair.blueprint repair.frames semantic",
    "repair.pages": "",
    "repair.salvage": "file* repair.blueprint repair.frames repair.mending repair.pages store"
    " transfer.copies",
    "request": "config input layout",
    "rows": "",
    "rules": "file* selection",
    "schema": "",
    "search": "file* rows",
    "selection": "text",
    "semantic": "guards language.english language.lexicon language.tokens",
    "settings": "pricing text",
    "shared": "drafting messages outbox store* transfer.exchange transfer.lines",
    "shrinking": "store* worth",
    "sieve": "file* rows",
    "standing": "",
    "store": "eviction file ledger opening outbox paraphrases removal repair.mending rows rules"
    " search sieve vectors",
    "streams": "text",
    "tally": "drafting lives*",
    "text": "",
    "tiering": "config* drafting shared store* tiers watch",
    "tiers": "",
    "transfer": "",
    "transfer.arrivals": "config* places repair.pages store* streams transfer.copies"
    " transfer.exchange transfer.lines transfer.logs",
    "transfer.copies": "schema store",
    "transfer.exchange": "rows store* transfer.lines",
    "transfer.lines": "keys selection",
    "transfer.logs": "config* drafting input keys policy pricing request transfer.lines",
    "transport": "cache* config dialects.forms door joint parts standing streams",
    "types": "",
    "vectors": "file* index",
    "watch": "file*",
    "why": "",
    "why.difference": "keys layout prefix.breaks",
    "why.explanation": "drafting keys lives meaning policy text why.difference why.neighbours",
    "why.neighbours": "meaning* questions semantic settings",
    "worth": "",
    "commands": "",
    "commands.ask": "aside cache config input options output planning request streams",
    "commands.backup": "config options output text transfer.copies",
    "commands.bad": "config keys options output questions store streams tiering",
    "commands.batch": "batch.batchfile batch.batching batch.budget batch.outcomes cache config"
    " input options output planning progress request streams",
    "commands.completion": "options streams",
    "commands.config": "config options output places shared streams",
    "commands.demo": "options rehearsal store streams",
    "commands.doctor": "config options output places repair.checks streams",
    "commands.event": "config forgetting options output policy store streams text tiering",
    "commands.export": "config options output store streams transfer.exchange transfer.lines",
    "commands.import": "config options output request store streams text transfer.arrivals"
    " transfer.exchange",
    "commands.invalidate": "config options output selection store streams text tiering",
    "commands.list": "config options output store streams",
    "commands.model": "calibration config local.installed local.published local.weights meaning*"
    " options output pairs places progress store streams text",
    "commands.pin": "config options output store",
    "commands.prefix": "config options output prefix.advice prefix.likeness prefix.sent"
    " prefix.sharing store streams text",
    "commands.prune": "config forgetting options output progress shrinking store streams text",
    "commands.put": "config input options output request store streams",
    "commands.rm": "config options output store streams text tiering",
    "commands.rules": "config options output policy store streams text",
    "commands.run": "child config keys options proxy.listening proxy.wiring store* streams text"
    " why.explanation",
    "commands.search": "config options output store streams",
    "commands.serve": "config options proxy.gate proxy.listening proxy.wiring streams",
    "commands.show": "config lives options output policy store streams",
    "commands.stats": "calibration config figures options output store streams",
    "commands.why": "config drafting input options output request store streams why.explanation",
}

#: Reads no row, prints no line, asks nobody, knows no clock.
PURE = {
    "language",
    "prefix.advice",
    "prefix.breaks",
    "batch.budget",
    "calibration",
    "language.contrast",
    "dialects",
    "dialects.chat",
    "dialects.embeddings",
    "dialects.forms",
    "dialects.responses",
    "dialects.wire",
    "why.difference",
    "drafting",
    "language.english",
    "figures",
    "language.forms",
    "guards",
    "invocation",
    "keys",
    "layout",
    "language.lexicon",
    "prefix.likeness",
    "transfer.lines",
    "language.manner",
    "manual",
    "marking",
    "language.narrowing",
    "language.persons",
    "policy",
    "prefixes",
    "language.prepositions",
    "pricing",
    "questions",
    "proxy",
    "proxy.directives",
    "proxy.refusal",
    "proxy.tally",
    "language.roles",
    "selection",
    "semantic",
    "settings",
    "prefix.sharing",
    "text",
    "language.thesaurus",
    "language.tokens",
    "language.turning",
    "types",
    "worth",
}

#: Where SQL text may stand.
SQL = {
    "catalogue",
    "schema",
    "prefix.sent",
    "sieve",
    "file",
    "opening",
    "store",
    "ledger",
    "index",
    "vectors",
    "paraphrases",
    "rules",
    "eviction",
    "shrinking",
    "removal",
    "search",
    "transfer.exchange",
    "flight",
    "outbox",
    "watch",
    "transfer.copies",
    "repair.blueprint",
    "repair.frames",
    "repair.mending",
    "repair.salvage",
    "transfer.logs",
    "__main__",
}

#: Who looks into the environment: the porch and the settings; the command line for its debug
#: switch; the demo, to hand it on to the commands that it runs; the weights, to tell numpy how many
#: threads to start.
ENVIRONMENT = {"__main__", "config", "cli", "commands.demo", "local.weights"}

#: Third-party packages, and who may import them at module level. Elsewhere they stand inside the
#: function that needs them.
AT_THE_TOP = {
    "apsw": {"file", "opening"},
    "langchain_core": {"langchain"},
    "typer": {"cli", "help", "options", "commands.*"},
}

#: What an extra brings, without which a room cannot be imported.
EXTRAS = {"langchain": "langchain_core"}

#: Files longer than 400 lines, and why they may be.
LONG: dict[str, str] = {
    "schema": "released steps are never edited, and there are ever more of them"
}

VAGUE = {"base", "common", "constants", "helper", "helpers", "manager", "misc", "util", "utils"}


class Import(NamedTuple):
    """One import: of which module, at the module's top or in a function, for types alone?"""

    name: str
    top: bool
    typing: bool


class Room(NamedTuple):
    """One module as it is written."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def is_command(self) -> bool:
        return self.name.startswith("commands.")


def _room(path: Path) -> Room:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" and parts[:-1] else parts)
    text = path.read_text(encoding="utf-8")
    return Room(name, path, text, ast.parse(text))


ROOMS = {room.name: room for room in map(_room, sorted(PACKAGE.rglob("*.py")))}
EACH = pytest.mark.parametrize("room", ROOMS.values(), ids=list(ROOMS))
PACKAGES = {
    f"llmc.{room.name}".removesuffix(".__init__")
    for room in ROOMS.values()
    if room.path.name == "__init__.py"
}


def imports(room: Room) -> list[Import]:
    """Every import of a module, as absolute names."""
    found: list[Import] = []

    def walk(node: ast.AST, *, top: bool, typing: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            typing = True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            top = False
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, top, typing) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found.extend(Import(name, top, typing) for name in names)
        for child in ast.iter_child_nodes(node):
            walk(child, top=top, typing=typing)

    walk(room.tree, top=True, typing=False)
    return found


def edges(room: Room) -> dict[str, bool]:
    """The modules of ours that a module imports, and whether for types alone."""
    found: dict[str, bool] = {}
    for each in imports(room):
        if each.name.partition(".")[0] == "llmc":
            name = _module(each.name)
            found[name] = found.get(name, True) and each.typing
    return found


def _module(name: str) -> str:
    """Name the room that `llmc.x.y` comes from: the longest part of it that is a module."""
    name = name.removeprefix("llmc").removeprefix(".")
    while name and name not in ROOMS:
        name = name.rpartition(".")[0]
    return name or "__init__"


def strings(room: Room) -> list[str]:
    """The texts of a module, docstrings left out; of an f-string what is fixed of it."""
    nodes = [n for n in ast.walk(room.tree) if isinstance(n, ast.Constant)]
    bodies = [
        n.body for n in ast.walk(room.tree) if hasattr(n, "body") and isinstance(n.body, list)
    ]
    first = [body[0].value for body in bodies if body and isinstance(body[0], ast.Expr)]
    return [n.value for n in nodes if isinstance(n.value, str) and n not in first]


def test_the_table_names_every_room():
    assert sorted(IMPORTS) == sorted(ROOMS)


@EACH
def test_each_room_imports_what_the_table_says(room):
    found = {
        f"{name}*" if typing else name
        for name, typing in edges(room).items()
        if name not in {"types", "errors"}
    }

    assert found == set(IMPORTS[room.name].split())


def test_imports_never_run_in_a_circle():
    ahead = {
        room.name: {name for name, typing in edges(room).items() if not typing}
        for room in ROOMS.values()
    }
    left = dict(ahead)

    while leaves := [name for name, needs in left.items() if not needs & left.keys()]:
        left = {name: needs for name, needs in left.items() if name not in leaves}

    assert left == {}


@EACH
def test_commands_are_imported_by_no_room(room):
    """The command line finds them by name, when they are called."""
    assert [name for name in edges(room) if name.startswith("commands")] == []


@pytest.mark.parametrize("name", sorted(PURE))
def test_a_pure_room_imports_no_room_that_is_not(name):
    found = set(edges(ROOMS[name]))

    assert found <= PURE | {"errors"}


@EACH
def test_third_party_packages_load_where_they_are_needed(room):
    ours_or_pythons = sys.stdlib_module_names | {"llmc"}
    top = {each.name.partition(".")[0] for each in imports(room) if each.top and not each.typing}
    place = "commands.*" if room.is_command else room.name

    allowed = {package for package, rooms in AT_THE_TOP.items() if place in rooms}

    assert top - ours_or_pythons <= allowed


@EACH
def test_the_only_user_of_rich_is_output(room):
    users = {each.name.partition(".")[0] for each in imports(room)}

    assert "rich" not in users or room.name == "output"


@EACH
def test_sql_stands_only_in_its_rooms(room):
    sql = re.compile(
        r"\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|CREATE|ALTER|DROP|PRAGMA|VACUUM|WITH|BEGIN|COMMIT"
        r"|ROLLBACK|SAVEPOINT|ATTACH)\b"
    )

    found = [text for text in strings(room) if sql.match(text)]

    assert bool(found) == (room.name in SQL), found


def test_the_plan_names_the_rooms_of_sql():
    plan = (Path(__file__).resolve().parent.parent / "CONTRIBUTING.md").read_text("utf-8")
    passage = plan.partition("SQL stands in")[2].partition("Only `config`")[0]

    assert set(re.findall("`(.+?)`", passage)) == SQL | {"rows"}  # which makes conditions alone


@EACH
def test_only_who_may_looks_into_the_environment(room):
    names = {"environ", "environb", "getenv", "getenvb", "putenv"}

    found = [
        ast.unparse(node)
        for node in ast.walk(room.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in names
        and ast.unparse(node.value) == "os"
    ]

    assert bool(found) == (room.name in ENVIRONMENT), found


def test_the_command_line_looks_for_its_debug_switch_alone():
    reads = [
        ast.unparse(node)
        for node in ast.walk(ROOMS["cli"].tree)
        if isinstance(node, ast.Call) and "os.environ" in ast.unparse(node.func)
    ]

    assert reads == ["os.environ.get('LLMC_DEBUG')"]


@EACH
def test_nothing_is_pickled_evaluated_or_run_through_a_shell(room):
    calls = [node for node in ast.walk(room.tree) if isinstance(node, ast.Call)]
    names = {ast.unparse(call.func) for call in calls}
    keywords = {keyword.arg for call in calls for keyword in call.keywords}
    packages = {each.name.partition(".")[0] for each in imports(room)}

    assert packages & {"pickle", "marshal", "shelve", "dbm"} == set()
    assert names & {"eval", "exec", "os.system", "os.popen"} == set()
    assert "shell" not in keywords


@EACH
def test_what_a_room_offers_exists_and_is_sorted(room):
    module = _imported(room)
    names = list(getattr(module, "__all__", []))

    assert [name for name in names if not hasattr(module, name)] == []
    assert names == sorted(names, key=_constants_then_classes)
    assert [name for name in names if name.startswith("_")] in ([], ["__version__"])


def _imported(room: Room) -> ModuleType:
    if room.name in EXTRAS:
        pytest.importorskip(EXTRAS[room.name], reason=f"{EXTRAS[room.name]} is not installed")
    return importlib.import_module(f"llmc.{room.name}".removesuffix(".__init__"))


def _constants_then_classes(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


@EACH
def test_a_room_with_public_names_says_which(room):
    defined = [
        node.name
        for node in room.tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    module = _imported(room)

    assert set(defined) <= set(getattr(module, "__all__", []))


@EACH
def test_rooms_take_from_each_other_only_what_is_offered(room):
    private = [
        each.name
        for each in imports(room)
        if each.name.startswith("llmc.") and each.name.rpartition(".")[2].startswith("_")
    ]
    modules = {_alias(name): name for name in edges(room) if name in ROOMS}
    taken = [
        (modules[node.value.id], node.attr)
        for node in ast.walk(room.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in modules
        and _is_module(room, node.value.id)
    ]
    offers = {name: importlib.import_module(f"llmc.{name}") for name, _ in taken}

    assert [name for name in private if not name.endswith("__version__")] == []
    assert [(n, attr) for n, attr in taken if attr not in offers[n].__all__] == []


def _alias(name: str) -> str:
    return name.rpartition(".")[2]


def _is_module(room: Room, name: str) -> bool:
    """Tell whether a name stands for the module of ours that is called so."""
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module in PACKAGES
        and any(alias.name == name and alias.asname in {None, name} for alias in node.names)
        for node in ast.walk(room.tree)
    )


@EACH
def test_every_room_says_what_it_is_for(room):
    docstring = ast.get_docstring(room.tree) or ""

    assert docstring.partition("\n")[0].endswith((".", "?", "!"))
    assert len(docstring.partition("\n")[0]) <= 100


@EACH
def test_no_room_has_a_vague_name(room):
    assert VAGUE & set(room.name.split(".")) == set()


@EACH
def test_no_room_is_too_large(room):
    lines = len(room.text.splitlines())

    assert (lines > 400) == (room.name in LONG), lines


# -- the tests' own house ------------------------------------------------------------------------


def test_an_open_outside_of_a_tests_home_raises(tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "llmc.db"
    elsewhere.touch()

    with pytest.raises(AssertionError, match="not isolated"):
        Store(str(elsewhere))

    assert elsewhere.stat().st_size == 0


def test_an_open_inside_of_it_does_not(tmp_path):
    with Store(str(tmp_path / "llmc.db")) as store:
        assert store.count() == 0
