"""The completion script for bash, 3.2 as well: no associative arrays, no mapfile, no compopt."""

from __future__ import annotations

import textwrap

from tree import HELP, Command, Parameter

#: What readline cannot be asked for is done by hand: where `compopt` is missing (before bash 4)
#: files are listed here, and the space after a word is part of it, since no option can be had for
#: one word alone. Words are never handed to `compgen -W`, which evaluates them.
SCRIPT = r"""# Completion of llmc in bash, 3.2 as well.
# Made by tests/generate.py from the commands themselves; it starts no other program.

# The commands of a group. $1: the group, as it is called.
_llmc_commands() {
    case $1 in
@commands@
    *) _llmc_words= ;;
    esac
}

# The options of a command, each by its names. With = it takes a value; with + it may come again.
_llmc_options() {
    case $1 in
@options@
    *) _llmc_words= ;;
    esac
}

# What an option takes: these words, a :file, a :folder, or :text. $1: the command, and the option.
_llmc_value() {
    case $1 in
@values@
    *) _llmc_words=:text ;;
    esac
}

# What an argument is. $1: the command, and the number of the argument.
_llmc_argument() {
    case $1 in
@arguments@
    *) _llmc_words=:text ;;
    esac
}

# Whether an option takes a value. $1: the command. $2: the option.
_llmc_takes() {
    local option _llmc_words
    _llmc_options "$1"
    for option in $_llmc_words; do
        option=${option%+}
        case ,$option in
        *,"$2"= | *,"$2",*=) return 0 ;;
        esac
    done
    return 1
}

# Whether an option may still come. $1: its names, as above. $2: the names that came.
_llmc_open() {
    local name names=${1%+}
    [ "$names" = "$1" ] || return 0
    names=${names%=}
    for name in ${names//,/ }; do
        case $2 in
        *" $name "*) return 1 ;;
        esac
    done
}

# Offer what begins as $2 does, of the words $1; $3 is what of the typed word stands before it.
_llmc_offer() {
    local word
    for word in $1; do
        case $word in
        "$2"*) COMPREPLY[${#COMPREPLY[@]}]="$3$word " ;;
        esac
    done
}

# Offer files, or for $1 = :folder folders; $2 and $3 as above.
_llmc_files() {
    local name written list=-f
    if [ -z "$3" ] && type compopt >/dev/null 2>&1; then
        case $1 in
        :file) compopt -o default +o nospace ;;
        *) compopt -o dirnames +o nospace ;;
        esac
        return
    fi
    [ "$1" = :file ] || list=-d
    while IFS= read -r name; do
        [ -n "$name" ] || continue
        case $name in
        \~*) written=\~$(printf %q "${name#?}") name=$HOME${name#?} ;;
        *) written=$(printf %q "$name") ;;
        esac
        [ -d "$name" ] && written=$written/ || written="$written "
        COMPREPLY[${#COMPREPLY[@]}]=$3$written
    done <<EOF
$(compgen $list -- "$2")
EOF
}

# Complete the command line of another program. $1: where it begins among COMP_WORDS.
_llmc_line() {
    local of name=${COMP_WORDS[$1]} current=${COMP_WORDS[COMP_CWORD]}
    for of in _comp_command_offset _command_offset; do
        if declare -F $of >/dev/null; then
            compopt +o nospace 2>/dev/null
            $of "$1"
            return
        fi
    done
    if [ "$1" -eq "$COMP_CWORD" ]; then
        case $name in
        */*) _llmc_files :file "$name" ;;
        *) _llmc_offer "$(compgen -c -- "$name")" "$name" ;;
        esac
        return
    fi
    of=$(complete -p "$name" 2>/dev/null)
    case $of in
    *' -F '*)
        of=${of##* -F }
        COMP_WORDS=("${COMP_WORDS[@]:$1}")
        COMP_CWORD=$((COMP_CWORD - $1))
        COMP_LINE=$name${COMP_LINE#*"$name"}
        COMP_POINT=${#COMP_LINE}
        compopt +o nospace 2>/dev/null
        ${of%% *} "$name" "$current" "${COMP_WORDS[COMP_CWORD-1]}"
        ;;
    *) _llmc_files :file "$current" ;;
    esac
}

_llmc() {
    local IFS=$' \t\n' _llmc_words
    local command=llmc given=' ' ended= helping= wants= before= current
    local argument=1 number=0 joins= i word name words starts
    COMPREPLY=()

    # bash 4 takes words apart at = and : as well; what was typed as one is put together again.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]} before=$joins joins=
        case $word in
        '' | *[!=:]*) ;;
        *) joins=: before=: ;;
        esac
        if [ -n "$before" ] && [ $number -gt 1 ]; then
            words[number-1]=${words[number-1]}$word
        else
            words[number]=$word starts[number]=$i
            number=$((number + 1))
        fi
    done
    before= current=${words[number-1]}

    for ((i = 1; i < number - 1; i++)); do
        word=${words[i]}
        if [ -n "$wants" ]; then
            wants=
            continue
        fi
        case $ended$word in
        --) ended=: ;;
        --*=*) given="$given${word%%=*} " ;;
        --*)
            given="$given$word "
            _llmc_takes "$command" "$word" && wants=$word
            ;;
        -?*)
            while [ ${#word} -gt 1 ]; do
                name=-${word:1:1} word=-${word:2}
                given="$given$name "
                if _llmc_takes "$command" "$name"; then
                    [ "$word" = - ] && wants=$name
                    break
                fi
            done
            ;;
        *)
            _llmc_commands "$command"
            if [ "$command$helping $word" = 'llmc help' ]; then
                helping=:
            elif [ -n "$_llmc_words" ]; then
                command="$command $word" given=' '
            else
                _llmc_argument "$command $argument"
                if [ "$_llmc_words" = :line ]; then
                    _llmc_line ${starts[i]}
                    return
                fi
                argument=$((argument + 1))
            fi
            ;;
        esac
    done

    if [ -z "$wants" ]; then
        case $ended$current in
        --*=*)
            wants=${current%%=*} before=${current%%=*}= current=${current#*=}
            _llmc_takes "$command" "$wants" || return
            # What stands before a break is not readline's to replace.
            case $COMP_WORDBREAKS in
            *=*) before= ;;
            esac
            ;;
        -*)
            [ -z "$helping" ] || return
            _llmc_options "$command"
            for name in $_llmc_words; do
                _llmc_open "$name" "$given" || continue
                name=${name%+}
                name=${name%=}
                _llmc_offer "${name//,/ }" "$current"
            done
            return
            ;;
        esac
    fi
    if [ -n "$wants" ]; then
        _llmc_value "$command $wants"
    else
        _llmc_commands "$command"
        if [ -n "$helping" ]; then
            _llmc_words=${_llmc_words% help}
        elif [ -z "$_llmc_words" ]; then
            _llmc_argument "$command $argument"
        fi
    fi
    case $_llmc_words in
    :line) _llmc_line ${starts[number-1]} ;;
    :file | :folder) _llmc_files $_llmc_words "$current" "$before" ;;
    :*) ;;
    *) _llmc_offer "$_llmc_words" "$current" "$before" ;;
    esac
}

complete -o nospace -F _llmc llmc
"""

_KINDS = {"file": ":file", "folder": ":folder", "line": ":line", "": ":text"}


def script(root: Command) -> str:
    """The script, with the tables of the commands filled in."""
    groups = {called(c): [below.name for below in c.commands] for c in root.walk() if c.commands}
    groups["llmc"].append(HELP.name)
    tables = {
        "@commands@": groups,
        "@options@": {called(c): [_spec(option) for option in c.options] for c in root.walk()},
        "@values@": _values(root),
        "@arguments@": _arguments(root),
    }
    text = SCRIPT
    for mark, table in tables.items():
        text = text.replace(mark, _arms(table))
    return text


def called(command: Command) -> str:
    return f"llmc {command.words}".rstrip()


def _spec(option: Parameter) -> str:
    return ",".join(option.names) + "=" * bool(option.metavar) + "+" * option.many


def _kind(parameter: Parameter) -> list[str]:
    return list(parameter.choices) or [_KINDS[parameter.wants]]


def _values(root: Command) -> dict[str, list[str]]:
    """What each option takes; where all commands agree, once for all of them."""
    table: dict[str, dict[str, list[str]]] = {}
    for command in root.walk():
        for option in command.options:
            for name in option.names if option.metavar else ():
                table.setdefault(name, {})[called(command)] = _kind(option)
    rows: dict[str, list[str]] = {}
    for name, kinds in table.items():
        agreed = len({tuple(kind) for kind in kinds.values()}) == 1
        of = {f"* {name}": next(iter(kinds.values()))} if agreed else {}
        rows |= of or {f"{command} {name}": kind for command, kind in kinds.items()}
    return {name: kind for name, kind in rows.items() if kind != [":text"]}


def _arguments(root: Command) -> dict[str, list[str]]:
    rows = {}
    for command in root.walk():
        for number, argument in enumerate(command.arguments, 1):
            rows[f"{called(command)} {'*' if argument.many else number}"] = _kind(argument)
    return {name: kind for name, kind in rows.items() if kind != [":text"]}


def _arms(table: dict[str, list[str]]) -> str:
    """The arms of a `case`; what offers the same stands together."""
    patterns: dict[str, list[str]] = {}
    for name, words in table.items():
        pattern = name.replace(" ", r"\ ")
        patterns.setdefault(" ".join(words), []).append(pattern)
    arms = []
    for words, names in patterns.items():
        heads = _wrapped(" | ".join(names).replace(r"\ ", "\0") + ")", 4)
        head = " \\\n".join(line.replace("\0", r"\ ") for line in heads)
        body = " \\\n".join(_wrapped(f'_llmc_words="{words}"', 8))
        arms.append(f"{head}\n{body}\n        ;;")
    return "\n".join(arms)


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        94,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 4),
        break_long_words=False,
        break_on_hyphens=False,
    )
