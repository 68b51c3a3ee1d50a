"""The completion script for zsh: one `_arguments` for each command."""

from __future__ import annotations

from tree import HELP, Command, Parameter

SCRIPT = r"""#compdef llmc
# Completion of llmc in zsh.
# Made by tests/generate.py from the commands themselves; it starts no other program.

@functions@

# Loaded as a file of $fpath, or read by `eval` after compinit.
if [[ $funcstack[1] = _llmc ]]; then
    _llmc "$@"
else
    compdef _llmc llmc
fi
"""

_GROUP = r"""@name@() {
    local curcontext=$curcontext state line ret=1
    typeset -A opt_args
    _arguments -C \
@specs@
        '1: :@name@_commands' \
        '*:: :->below' && ret=0
    if [[ $state = below ]]; then
        curcontext=${curcontext%:*:*}:llmc-$words[1]:
        case $words[1] in
@arms@
        esac
    fi
    return ret
}

@name@_commands() {
    local -a commands
    commands=(
@commands@
    )
    _describe -t commands command commands "$@"
}"""

_LEAF = r"""@name@() {
    _arguments -s -S \
@specs@
}"""

_HELP = r"""_llmc_help() {
    if (( CURRENT == 2 )); then
        _llmc_commands -F '(help)'
    elif (( CURRENT == 3 && $+functions[_llmc_${words[2]}_commands] )); then
        _llmc_${words[2]}_commands
    fi
}"""

_LINE = r"""# The command line of another program.
_llmc_line() {
    if [[ $words[1] = -- ]]; then
        shift words
        (( CURRENT-- ))
    fi
    _normal
}"""

_ACTIONS = {"file": "_files", "folder": "_files -/", "": " "}


def script(root: Command) -> str:
    """The script, with a function for each command."""
    functions = [_HELP, _LINE, *map(_function, root.walk())]
    return SCRIPT.replace("@functions@", "\n\n".join(reversed(functions)))


def _function(command: Command) -> str:
    specs = [spec for option in command.options for spec in _option(option)]
    text = _GROUP if command.commands else _LEAF
    below = [*command.commands, *([] if command.path else [HELP])]
    filled = {
        "@arms@": "\n".join(f"        {c.name}) {_name(c)} && ret=0 ;;" for c in below),
        "@commands@": "\n".join(f"        {_described(c)}" for c in below),
        "@name@": _name(command),
    }
    if not command.commands:
        specs += [spec for argument in command.arguments for spec in _argument(argument)]
    lines = " \\\n".join(f"        {spec}" for spec in specs)
    filled["@specs@"] = f"{lines} \\" if command.commands else lines
    for mark, part in filled.items():
        text = text.replace(mark, part)
    return text


def _name(command: Command) -> str:
    return "_".join(("_llmc", *command.path))


def _described(command: Command) -> str:
    return _quoted(f"{command.name}:{command.summary}")


def _option(option: Parameter) -> list[str]:
    """An option: long names take their value after = or a space, short ones directly as well."""
    rest = f"[{_escaped(option.told)}]"
    if option.metavar:
        rest += f":{_escaped(option.metavar)}:{_action(option)}"
    typed = [name + _joint(name) * bool(option.metavar) for name in option.names]
    others = "(- *)" if option.names[-1] in {"--help", "--version"} else ""
    before = "*" if option.many else others or f"({' '.join(option.names)})"
    return [_quoted(f"{before}{name}{rest}") for name in typed]


def _joint(name: str) -> str:
    return "=" if name.startswith("--") else "+"


def _argument(argument: Parameter) -> list[str]:
    named = _escaped(argument.metavar.strip("[].").lower())
    if argument.wants == "line":
        return [_quoted("(-)1:command:_command_names -e"), _quoted("*::arguments:_llmc_line")]
    optional = ":" if argument.metavar.startswith("[") and not argument.many else ""
    start = "*" if argument.many else optional
    if not argument.wants:  # without the guard its hint would keep an option from being inserted
        return [_quoted(f'{start}: :_guard "^-*" "{named}"')]
    return [_quoted(f"{start}:{named}:{_action(argument)}")]


def _action(parameter: Parameter) -> str:
    return f"({' '.join(parameter.choices)})" if parameter.choices else _ACTIONS[parameter.wants]


def _escaped(text: str) -> str:
    for special in "\\:[]":
        text = text.replace(special, f"\\{special}")
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", r"'\''") + "'"
