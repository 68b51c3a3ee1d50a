"""The completion scripts in their shells: what each offers, and what becomes of a typed line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from terminals import Terminal, eventually
from tree import tree

SCRIPTS = Path(__file__).resolve().parent.parent / "completions"
TREE = {command.words: command for command in tree().walk()}

#: The bash that is driven: `TEST_BASH=/path/to/bash-3.2` has the one of a Mac do it as well.
BASH = os.environ.get("TEST_BASH", "bash")

#: Answers as `complete -C` does, for words that bash would have made of the line.
ASK_BASH = """
. "$0"
_known() { COMPREPLY=($(compgen -W "--long subway" -- "$2")); }
complete -F _known known-program
known-program() { :; }
compopt() { case $2 in default) L=-f ;; dirnames) L=-d ;; esac; }
COMP_WORDS=("$@") COMP_CWORD=$(($#-1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
_llmc
[ "$L" ] && COMPREPLY=($(compgen $L -- "${COMP_WORDS[COMP_CWORD]}"))
printf '%s\\n' "${COMPREPLY[@]}"
"""

#: Keeps what completion finds; ^X tells when it is done.
ZSHRC = """
fpath=("$SCRIPTS" $fpath)
autoload -Uz compinit && compinit -u -D
known-program() { : }
_known() { _arguments '--long[]' '*:word:(subway)' }
compdef _known known-program
setopt no_auto_list
PROMPT='ready> '
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
    local -a hits
    builtin compadd -O hits "$@"
    print -rl -- $hits >> found
    builtin compadd "$@"
}
finished() { print >> finished }
zle -N finished && bindkey '^X' finished
"""

Offer = Callable[[str], set[str]]


def installed(*shells: str) -> list:
    missing = {shell: not shutil.which(shell) for shell in shells}
    return [
        pytest.param(
            shell,
            marks=pytest.mark.skipif(gone, reason=f"{shell} is not installed"),
            id=Path(shell).name,
        )
        for shell, gone in missing.items()
    ]


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """A folder with two files and a folder, where completion is asked for."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "report.txt").touch()
    (folder / "my file.txt").touch()
    (folder / "results").mkdir()
    return folder


@pytest.fixture(scope="module")
def zsh(tmp_path_factory, desk) -> Iterator[Terminal]:
    """An interactive zsh in that folder."""
    settings = tmp_path_factory.mktemp("zsh")
    (settings / ".zshrc").write_text(ZSHRC)
    env = os.environ | {"ZDOTDIR": str(settings), "SCRIPTS": str(SCRIPTS), "TERM": "xterm"}
    with Terminal("sh", "-c", f"cd '{desk}' && exec zsh -i", env=env) as terminal:
        assert terminal.reads("ready> ")
        yield terminal


def in_bash(desk: Path, line: str) -> set[str]:
    words = re.split("[ ]|(=)", line)  # as bash 4 takes it apart
    command = [BASH, "--norc", "-c", ASK_BASH, str(SCRIPTS / "llmc.bash")]
    command += [word for word in words if word is not None]
    done = subprocess.run(command, cwd=desk, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return {word.rstrip(" ") for word in done.stdout.splitlines()} - {""}


def in_fish(desk: Path, line: str) -> set[str]:
    known = "function known-program; end; complete -c known-program -f -a subway"
    known += "; complete -c known-program -l long"
    script = f'{known}; source "$argv[1]"; complete -C "$argv[2]"'
    command = ["fish", "--no-config", "-c", script, str(SCRIPTS / "llmc.fish"), line]
    done = subprocess.run(command, cwd=desk, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    before = re.match(r"(?:.* )?(--[\w-]+=)?", line).group(1) or ""
    return {offer.partition("\t")[0].removeprefix(before) for offer in done.stdout.splitlines()}


def in_zsh(desk: Path, terminal: Terminal, line: str) -> set[str]:
    for name in ("found", "finished"):
        (desk / name).unlink(missing_ok=True)
    terminal.press(f"\x15{line}\t\x18")
    assert eventually((desk / "finished").exists)
    found = (desk / "found").read_text().splitlines() if (desk / "found").exists() else []
    # Where no argument is left to give, zsh shows options without being asked.
    asked = line.rpartition(" ")[2].startswith("-")
    return {word for word in found if word and (asked or not word.startswith("-"))}


@pytest.fixture(params=installed(BASH, "fish", "zsh"))
def offered(request, desk) -> Offer:
    """What a shell offers for a line that is typed so far."""
    for name in ("found", "finished"):
        (desk / name).unlink(missing_ok=True)
    if request.param == "zsh":
        terminal = request.getfixturevalue("zsh")
        return lambda line: {word.rstrip("/") for word in in_zsh(desk, terminal, line)}
    ask = in_fish if request.param == "fish" else in_bash
    return lambda line: {word.rstrip("/") for word in ask(desk, line)}


def options(words: str, *without: str) -> set[str]:
    names = (o.names for o in TREE[words].options if not {*o.names} & {*without})
    return {name for each in names for name in each if name.startswith("--")}


@pytest.mark.parametrize("words", [words for words, c in TREE.items() if c.commands])
def test_the_commands_of_a_group_are_offered(offered, words):
    found = offered(f"llmc {words} ".replace("  ", " "))

    assert found - {"help"} == {command.name for command in TREE[words].commands}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("llmc inv", {"invalidate"}),
        ("llmc hel", {"help"}),
        ("llmc model p", {"pull"}),
        ("llmc nope ", set()),
        ("llmc help inv", {"invalidate"}),
        ("llmc help model cal", {"calibrate"}),
        ("llmc help ask ", set()),
        ("llmc completion ", {"bash", "fish", "zsh"}),
        ("llmc completion zsh ", set()),
        ("llmc --vers", {"--version"}),
    ],
)
def test_words_are_offered_where_they_may_stand(offered, line, words):
    assert offered(line) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("llmc ask --match ", {"auto", "exact", "semantic"}),
        ("llmc ask --match se", {"semantic"}),
        ("llmc ask --match=se", {"semantic"}),
        ("llmc ask --match=", {"auto", "exact", "semantic"}),
        ("llmc ask -q --color a", {"auto", "always"}),
        ("llmc ask --error ", {"10%", "5%", "strict"}),
        ("llmc ask -o temperature=0.5 --match s", {"semantic"}),
        ("llmc list --source ", {"model", "put", "import", "shared"}),
        ("llmc invalidate --field ", {"prompt", "answer", "system", "model"}),
        ("llmc rules add --field nam", {"namespace"}),
        ("llmc import --from ", {"llm"}),
        ("llmc stats --by=d", {"day"}),
        ("llmc ask -m ", set()),
        ("llmc ask -qm ", set()),
        ("llmc ask --ttl ", set()),
    ],
)
def test_values_that_are_enumerated_are_offered(offered, line, words):
    assert offered(line) == words


@pytest.mark.parametrize("words", ["ask", "list", "rules add", "model pull", "event"])
def test_all_options_of_a_command_are_offered(offered, words):
    assert offered(f"llmc {words} --") == options(words)


@pytest.mark.parametrize(
    ("words", "typed", "gone"),
    [
        ("ask", "--json", ["--json"]),
        ("ask", "-q", ["--quiet"]),
        ("ask", "-xq", ["--quiet", "--extract"]),
        ("ask", "-m m1", ["--model"]),
        ("ask", "-qm m1", ["--quiet", "--model"]),
        ("ask", "--model m1", ["--model"]),
        ("ask", "--model=m1", ["--model"]),
        ("ask", "--no-stream", ["--stream"]),
        ("ask", "-f report.txt", []),
        ("ask", "-o a=1 --option b=2", []),
        ("event", "--data a=1", []),
    ],
)
def test_an_option_is_offered_once_unless_it_may_be_repeated(offered, words, typed, gone):
    assert offered(f"llmc {words} {typed} --") == options(words, *gone)


def test_short_options_are_offered_as_well(offered):
    assert {"-y", "--yes", "-h", "--help", "--dry-run"} <= offered("llmc rm -")


@pytest.mark.parametrize("line", ["llmc ask -- --", "llmc ask -- -", "llmc search -- --js"])
def test_two_dashes_end_the_options(offered, line):
    assert offered(line) == set()


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("llmc import re", {"report.txt", "results"}),
        ("llmc ask -f rep", {"report.txt"}),
        ("llmc ask --file rep", {"report.txt"}),
        ("llmc ask --file=rep", {"report.txt"}),
        ("llmc ask --system-file rep", {"report.txt"}),
        ("llmc list --db rep", {"report.txt"}),
        ("llmc model pull --from re", {"results"}),
        ("llmc model calibrate rep", {"report.txt"}),
        ("llmc backup -- rep", {"report.txt"}),
        ("llmc import report.txt re", set()),
        ("llmc ask re", set()),
        ("llmc ask -s re", set()),
        ("llmc rm rep", set()),
        ("llmc event rep", set()),
        ("llmc rep", set()),
        ("llmc stats rep", set()),
    ],
)
def test_files_are_offered_where_files_are_wanted_and_folders_where_folders(offered, line, names):
    assert offered(line) == names


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("llmc run -- known", "known-program"),
        ("llmc run known", "known-program"),
        ("llmc run --offline known", "known-program"),
        ("llmc run -- known-program --lo", "--long"),
        ("llmc run known-program --lo", "--long"),
        ("llmc run -q known-program sub", "subway"),
    ],
)
def test_the_line_of_another_program_is_completed_as_its_own(offered, line, word):
    assert offered(line) == {word}


def test_options_stand_before_the_other_program(offered):
    assert offered("llmc run --fro") == {"--frozen"}
    assert "--frozen" not in offered("llmc run known-program --fro")


@pytest.mark.parametrize(
    "line", ["llmc ask {} --mat", "llmc help {} ", "llmc run -- {} --lo", "llmc {} "]
)
@pytest.mark.parametrize("word", ["$(>run)", "`>run`", "(>run)", "x[$(>run)]", "'$(>run)'"])
def test_nothing_that_is_typed_is_evaluated(offered, desk, line, word):
    offered(line.format(word))

    assert not (desk / "run").exists()


# -- on a terminal -------------------------------------------------------------------------------


class Typed(NamedTuple):
    """A shell on a terminal, where `llmc` notes its words; nothing else runs it."""

    terminal: Terminal
    log: Path

    def becomes(self, keys: str) -> list[list[str]]:
        """Type a line and return the words of every call of llmc."""
        self.terminal.press(f"{keys}\r")
        assert eventually(lambda: self.log.exists() and self.log.read_text().endswith("\n\n")), (
            self.terminal.shown
        )
        return [call.splitlines() for call in self.log.read_text()[:-2].split("\n\n")]


def started(shell: str, settings: Path) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of an interactive shell that has the completion."""
    (settings / ".zshrc").write_text("PROMPT='ready> '\nautoload -Uz compinit && compinit -u -D\n")
    (settings / "bashrc").write_text(f"PS1='ready> '\n. '{SCRIPTS}/llmc.bash'\n")
    fish = f"function fish_prompt; echo 'ready> '; end; source '{SCRIPTS}/llmc.fish'"
    commands = {
        "zsh": ["zsh", "-i"],
        "fish": ["fish", "--no-config", "-i", "-C", fish],
        BASH: [BASH, "--noprofile", "--rcfile", str(settings / "bashrc"), "-i"],
    }
    with (settings / ".zshrc").open("a") as file:
        file.write(f'eval "$(<{SCRIPTS}/_llmc)"\n')
    return commands[shell], {"ZDOTDIR": str(settings), "TERM": "xterm"}


@pytest.fixture(params=installed(BASH, "fish", "zsh"))
def typed(request, tmp_path, home, desk) -> Iterator[Typed]:
    log, programs = tmp_path / "log", tmp_path / "programs"
    programs.mkdir()
    (programs / "llmc").write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" '' >> '{log}'\n")
    (programs / "llmc").chmod(0o755)
    command, variables = started(request.param, tmp_path)
    env = os.environ | variables | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    for name in ("report.txt", "my file.txt"):
        shutil.copy(desk / name, home / name)
    (home / "results").mkdir()
    with Terminal(*command, env=env) as terminal:
        assert terminal.reads("ready> ")
        yield Typed(terminal, log)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("llmc inv\tx", ["invalidate", "x"]),
        ("llmc ask --match=se\twhy", ["ask", "--match=semantic", "why"]),
        ("llmc ask --match se\twhy", ["ask", "--match", "semantic", "why"]),
        ("llmc ask --schema rep\t--js\t", ["ask", "--schema", "report.txt", "--json"]),
        ("llmc ask --file=rep\twhy", ["ask", "--file=report.txt", "why"]),
        ("llmc import my\t--strict", ["import", "my file.txt", "--strict"]),
        ("llmc model pull --from res\t-q", ["model", "pull", "--from", "results/-q"]),
        ("llmc ask -- --js\t", ["ask", "--", "--js"]),
    ],
)
def test_a_line_becomes_what_was_meant_and_nothing_is_run_for_it(typed, keys, words):
    assert typed.becomes(keys) == [words]


def test_bash_of_a_mac_understands_the_script():
    """What bash 3.2 lacks; `TEST_BASH` runs all the rest with it."""
    script = (SCRIPTS / "llmc.bash").read_text()
    missing = r"declare -[Ag]|local -[An]|mapfile|readarray|\$\{[^}]*(\^|,,)|&>>|\|&|;;&|;&|-v "

    assert re.findall(missing, script) == []
    assert re.findall(r"^.*compopt.*$", script, re.MULTILINE) != []


def test_the_wheel_puts_scripts_and_pages_where_they_are_looked_for():
    project = tomllib.loads((SCRIPTS.parent / "pyproject.toml").read_text("utf-8"))

    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"completions": "llmc/completions"}
    assert wheel["shared-data"] == {
        "completions/llmc.bash": "share/bash-completion/completions/llmc",
        "completions/llmc.fish": "share/fish/vendor_completions.d/llmc.fish",
        "completions/_llmc": "share/zsh/site-functions/_llmc",
        "man": "share/man/man1",
    }


# -- llmc completion -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shell", "name"), [("bash", "llmc.bash"), ("fish", "llmc.fish"), ("zsh", "_llmc")]
)
def test_the_script_of_a_shell_is_printed(cli, shell, name):
    result = cli("completion", shell)

    assert result == (0, (SCRIPTS / name).read_text("utf-8"), "")


def test_another_shell_is_an_error_that_names_the_known_ones(cli):
    result = cli("completion", "tcsh")

    assert (result.code, result.out) == (2, "")
    assert "'bash', 'fish', 'zsh'" in result.err


def test_an_installation_without_scripts_says_so(cli, monkeypatch, tmp_path):
    monkeypatch.setattr("llmc.commands.completion._FOLDERS", (str(tmp_path),))

    result = cli("completion", "zsh")

    assert (result.code, result.out) == (1, "")
    assert "this installation has no _llmc" in result.err
