"""The command tree as values, read from the attributes that `--help` is made of."""

from __future__ import annotations

from typing import Any, NamedTuple

from llmc import cli, manual
from llmc.help import GROUPS, group_of
from llmc.settings import ERRORS

#: What a value is, by the name that `--help` gives it; any other name is free text.
FILES = {"PATH", "FILE", "[FILE]", "FILE|JSON", "PAIRS.tsv"}
FOLDERS = {"DIR"}
COMMAND_LINES = {"COMMAND...", "[COMMAND]..."}
COMMANDS = {"[COMMAND]"}

#: Values that are enumerated, though read as text.
ENUMERATED = {"SHARE": ERRORS}


class Parameter(NamedTuple):
    """An option, by its `names`, or an argument, which has none."""

    names: tuple[str, ...]
    metavar: str  # "" for a flag
    help: str
    group: str
    choices: tuple[str, ...] = ()
    many: bool = False  # an option that may be given again, an argument that takes the rest
    required: bool = False
    default: str = ""

    @property
    def told(self) -> str:
        """Its help, as a shell shows it beside the name."""
        return self.help.rstrip(".").replace("`", "")

    @property
    def wants(self) -> str:
        """What completes its value: choices, file, folder, command, a command line, nothing."""
        kinds = {"file": FILES, "folder": FOLDERS, "line": COMMAND_LINES, "command": COMMANDS}
        named = (kind for kind, metavars in kinds.items() if self.metavar in metavars)
        return "choices" if self.choices else next(named, "")


class Command(NamedTuple):
    """One command, or a group of them."""

    path: tuple[str, ...]  # without `llmc` itself
    help: str
    options: tuple[Parameter, ...]
    arguments: tuple[Parameter, ...]
    commands: tuple[Command, ...]
    told: str  # what --help prints, 80 columns wide

    @property
    def name(self) -> str:
        return self.path[-1] if self.path else "llmc"

    @property
    def words(self) -> str:
        """As it is typed, without `llmc`: the key of its examples."""
        return " ".join(self.path)

    @property
    def sentence(self) -> str:
        return self.help.partition("\n")[0]

    @property
    def summary(self) -> str:
        """The sentence, as a shell shows it beside the name."""
        return self.sentence.rstrip(".")

    @property
    def examples(self) -> tuple[manual.Example, ...]:
        return manual.EXAMPLES.get(self.words, ())

    def walk(self) -> list[Command]:
        """Itself and all below it."""
        return [self, *(below for command in self.commands for below in command.walk())]


#: `llmc help`, which the command line reads before its parser does.
HELP = Command(
    ("help",),
    "Show the help of a command.",
    (),
    (Parameter((), "[COMMAND]", "The command.", "Arguments", many=True),),
    (),
    "",
)


def tree() -> Command:
    """The whole command line."""
    return _command("llmc", cli.root(), None)


def _command(name: str, command: Any, parent: Any) -> Command:
    context = command.context_class(
        command,
        info_name=name,
        parent=parent,
        terminal_width=78,
        **command.context_settings,
    )
    shown = [param for param in command.get_params(context) if not param.hidden]
    parameters = sorted((_parameter(p) for p in shown), key=lambda p: GROUPS.index(p.group))
    below = getattr(command, "commands", {})
    return Command(
        tuple(context.command_path.split()[1:]),
        command.help,
        tuple(p for p in parameters if p.names),
        tuple(p for p in parameters if not p.names),
        tuple(_command(word, below[word], context) for word in below),
        context.get_help(),
    )


def _parameter(param: Any) -> Parameter:
    is_option = param.param_type_name == "option"
    metavar = "" if getattr(param, "is_flag", False) else param.metavar
    shows_default = param.default is not None and metavar and not param.required
    return Parameter(
        tuple(sorted(param.opts, key=len) + param.secondary_opts) if is_option else (),
        metavar,
        param.help,
        group_of(param),
        tuple(getattr(param.type, "choices", ())) or ENUMERATED.get(metavar, ()),
        param.multiple if is_option else param.nargs == -1,
        param.required,
        str(param.default) if shows_default else "",
    )
