"""The completion script for fish: one `complete` for what commands have in common."""

from __future__ import annotations

from tree import HELP, Command, Parameter

SCRIPT = r"""# Completion of llmc in fish.
# Made by tests/generate.py from the commands themselves; it starts no other program.

# Read the line once for all conditions: the words that are neither options nor their values, and
# the options that came.
function __llmc_read
    set -l line (commandline -opc)
    test "$line" = "$__llmc_line"; and return
    set -g __llmc_line $line
    set -g __llmc_words
    set -g __llmc_given
    set -l value
    set -l ended
    for word in $line[2..-1]
        if test -n "$value"
            set value
        else if test -n "$ended"
            set -a __llmc_words $word
        else
            switch $word
                case --
                    set ended :
                case '--*=*'
                    set -a __llmc_given (string replace -r '=.*' '' -- $word)
                case '--*'
                    set -a __llmc_given $word
                    contains -- $word @long@; and set value $word
                case '-?*'
                    set -l letters (string split '' -- $word)[2..-1]
                    for number in (seq (count $letters))
                        set -a __llmc_given -$letters[$number]
                        if contains -- $letters[$number] @short@
                            test $number = (count $letters); and set value $word
                            break
                        end
                    end
                case '*'
                    # Behind the name of another program all is that program's.
                    contains -- "$__llmc_words" @lines@; and set ended :
                    set -a __llmc_words $word
            end
        end
    end
    # An option that waits for its value is not over.
    test -n "$value"; and set -e __llmc_given[-1]
end

# Whether the line is that of one of these commands.
function __llmc_in
    __llmc_read
    for command in $argv
        set -l words (string split ' ' -- $command)
        set -l last (count $words)
        test "$__llmc_words[1..$last]" = "$command"; or continue
        contains -- "$command" @lines@; and test (count $__llmc_words) != $last; and return 1
        return 0
    end
    return 1
end

# Whether the next word is the name of a command of this group.
function __llmc_at
    __llmc_read
    test "$__llmc_words" = "$argv"
end

# Whether the next word is this argument of a command. $argv: the command, the argument's number.
function __llmc_argument
    __llmc_in $argv[1]; or return
    set -l words (string split ' ' -- $argv[1])
    test (math (count $__llmc_words) - (count $words) + 1) = $argv[2]
end

# Whether the line of another program is being typed. $argv: the command that takes it.
function __llmc_behind
    __llmc_read
    set -l last (count $argv)
    test "$__llmc_words[1..$last]" = "$argv"
end

# What completes the line of another program. $argv: the command that takes it.
function __llmc_line
    __llmc_read
    set -l first (math (count $argv) + 1)
    set -l words (string escape -- $__llmc_words[$first..-1])
    set -l token (commandline -ct)
    if set -q words[1]; or not string match -q -- '-*' $token
        set -l line (string join ' ' -- $words $token)
        complete "-C$line"
    end
end

# Whether an option, under none of its names, has come.
function __llmc_open
    __llmc_read
    for name in $argv
        contains -- $name $__llmc_given; and return 1
    end
    return 0
end

complete -c llmc -f

@completions@
"""


def script(root: Command) -> str:
    """The script, with a line for each command, option and argument."""
    options = [option for command in root.walk() for option in command.options if option.metavar]
    names = sorted({name for option in options for name in option.names})
    lines_of = [c.words for c in root.walk() if any(a.wants == "line" for a in c.arguments)]
    lines = [*_commands(root), *_options(root), *_arguments(root)]
    return (
        SCRIPT.replace("@lines@", " ".join(map(_quoted, lines_of)))
        .replace("@long@", " ".join(name for name in names if name.startswith("--")))
        .replace("@short@", " ".join(name[1:] for name in names if not name.startswith("--")))
        .replace("@completions@", "\n".join(lines))
    )


def _commands(root: Command) -> list[str]:
    lines = []
    for group in (command for command in root.walk() if command.commands):
        for command in group.commands:
            for place in (group.words, f"help {group.words}".rstrip()):
                condition = f"__llmc_at {place}".rstrip()
                lines.append(f"{_line(condition, command.summary)} -a {command.name}")
    return [*lines, f"{_line('__llmc_at', HELP.summary)} -a {HELP.name}"]


def _options(root: Command) -> list[str]:
    """The options; commands that have the same one stand together."""
    holders: dict[Parameter, list[str]] = {}
    for command in root.walk():
        for option in command.options:
            alike = option._replace(required=False, default="", group="")
            holders.setdefault(alike, []).append(command.words)
    lines = []
    for option, commands in holders.items():
        conditions = [] if "" in commands else ["__llmc_in " + " ".join(map(_quoted, commands))]
        conditions += ["__llmc_at"] if commands == [""] else []
        conditions += [] if option.many else [f"__llmc_open {' '.join(option.names)}"]
        typed = "".join(_name(name) for name in option.names)
        value = f" -x{_offer(option)}" if option.wants != "file" else f" -r{_offer(option)}"
        line = _line("; and ".join(conditions), option.told)
        lines.append(line + typed + value * bool(option.metavar))
    return lines


def _arguments(root: Command) -> list[str]:
    lines = []
    for command in root.walk():
        for number, argument in enumerate(command.arguments, 1):
            place = f"__llmc_argument {_quoted(command.words)} {number}"
            condition = f"__llmc_in {_quoted(command.words)}" if argument.many else place
            condition = f"__llmc_behind {command.words}" if argument.wants == "line" else condition
            if argument.wants:
                lines.append(_line(condition, argument.told) + _offer(argument))
    return lines


def _line(condition: str, told: str) -> str:
    return f"complete -c llmc -n {_quoted(condition)} -d {_quoted(told)}"


def _name(name: str) -> str:
    return f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}"


def _offer(parameter: Parameter) -> str:
    offers = {
        "": "",
        "choices": f" -a {_quoted(' '.join(parameter.choices))}",
        "file": " -F",
        "folder": " -a '(__fish_complete_directories)'",
        "line": " -a '(__llmc_line run)'",
    }
    return offers[parameter.wants]


def _quoted(text: str) -> str:
    if text.replace("-", "").isalnum():
        return text
    return "'" + text.replace("\\", r"\\").replace("'", r"\'") + "'"
