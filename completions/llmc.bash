# Completion of llmc in bash, 3.2 as well.
# Made by tests/generate.py from the commands themselves; it starts no other program.

# The commands of a group. $1: the group, as it is called.
_llmc_commands() {
    case $1 in
    llmc)
        _llmc_words="ask batch run serve stats list show search why prefix bad put rm pin \
            prune invalidate rules event backup export import config doctor completion demo \
            model help"
        ;;
    llmc\ rules)
        _llmc_words="add list remove"
        ;;
    llmc\ model)
        _llmc_words="pull list remove calibrate"
        ;;
    *) _llmc_words= ;;
    esac
}

# The options of a command, each by its names. With = it takes a value; with + it may come again.
_llmc_options() {
    case $1 in
    llmc)
        _llmc_words="--version -h,--help"
        ;;
    llmc\ ask)
        _llmc_words="-m,--model= -s,--system= --system-file= -f,--file=+ --context= \
            -o,--option=+ --temperature= --max-tokens= --schema= --no-stdin -n,--namespace= \
            --ttl= --match= --exact --error= --threshold= --refresh --no-cache --offline \
            --stale-if-error= --sample= --index= --timeout= --retries= -x,--extract --json \
            --stream,--no-stream --dry-run -q,--quiet -v,--verbose --db= --color= -h,--help"
        ;;
    llmc\ batch)
        _llmc_words="-m,--model= -s,--system= --system-file= -f,--file=+ -o,--option=+ \
            --temperature= --max-tokens= --schema= -n,--namespace= --ttl= --match= --refresh \
            --no-cache --offline --timeout= --retries= -j,--jobs= --max-cost= --plan --json \
            -q,--quiet --db= --color= -h,--help"
        ;;
    llmc\ run)
        _llmc_words="-n,--namespace= --ttl= --offline --frozen --provider= -q,--quiet --db= \
            --color= -h,--help"
        ;;
    llmc\ serve)
        _llmc_words="--host= --port= --token= -n,--namespace= --ttl= --match= --offline \
            --provider= -q,--quiet --db= --color= -h,--help"
        ;;
    llmc\ stats)
        _llmc_words="--since= --by= --json --db= --color= -h,--help"
        ;;
    llmc\ list | llmc\ search)
        _llmc_words="-l,--limit= -n,--namespace= -m,--model= --source= --since= --older-than= \
            --json --db= --color= -h,--help"
        ;;
    llmc\ show | llmc\ rules\ list | llmc\ rules\ remove | llmc\ config | llmc\ model\ list)
        _llmc_words="--json --db= --color= -h,--help"
        ;;
    llmc\ why)
        _llmc_words="-m,--model= -s,--system= --system-file= -f,--file=+ --context= \
            -o,--option=+ --temperature= --max-tokens= --schema= --no-stdin -n,--namespace= \
            --error= --threshold= --json --db= --color= -h,--help"
        ;;
    llmc\ prefix)
        _llmc_words="--since= -m,--model= -n,--namespace= --json --db= --color= -h,--help"
        ;;
    llmc\ bad)
        _llmc_words="--refresh --json --db= --color= -h,--help"
        ;;
    llmc\ put)
        _llmc_words="-m,--model= -s,--system= --system-file= -f,--file=+ --context= \
            -o,--option=+ --temperature= --max-tokens= --schema= -n,--namespace= --ttl= --json \
            --db= --color= -h,--help"
        ;;
    llmc\ rm)
        _llmc_words="--dry-run -y,--yes --json --db= --color= -h,--help"
        ;;
    llmc\ pin)
        _llmc_words="--remove --json --db= --color= -h,--help"
        ;;
    llmc\ prune)
        _llmc_words="--older-than= --max-entries= --max-size= --vacuum --dry-run -y,--yes \
            --json --db= --color= -h,--help"
        ;;
    llmc\ invalidate)
        _llmc_words="--field= --dry-run -y,--yes -n,--namespace= --json --db= --color= \
            -h,--help"
        ;;
    llmc\ rules | llmc\ model)
        _llmc_words="-h,--help"
        ;;
    llmc\ rules\ add)
        _llmc_words="--pattern= --ttl= --event= --field= -n,--namespace= --json --db= --color= \
            -h,--help"
        ;;
    llmc\ event)
        _llmc_words="--data=+ --dry-run -y,--yes --json --db= --color= -h,--help"
        ;;
    llmc\ backup)
        _llmc_words="--force --json --db= --color= -h,--help"
        ;;
    llmc\ export)
        _llmc_words="-n,--namespace= -m,--model= --source= --since= --older-than= --db= \
            --color= -h,--help"
        ;;
    llmc\ import)
        _llmc_words="--from= --strict --dry-run --json --db= --color= -h,--help"
        ;;
    llmc\ doctor)
        _llmc_words="--repair -y,--yes --json --db= --color= -h,--help"
        ;;
    llmc\ completion | llmc\ demo)
        _llmc_words="--db= --color= -h,--help"
        ;;
    llmc\ model\ pull)
        _llmc_words="--from= --url= -q,--quiet --db= --color= -h,--help"
        ;;
    llmc\ model\ remove)
        _llmc_words="--dry-run -y,--yes --db= --color= -h,--help"
        ;;
    llmc\ model\ calibrate)
        _llmc_words="--no-verdicts --dry-run --json --db= --color= -h,--help"
        ;;
    *) _llmc_words= ;;
    esac
}

# What an option takes: these words, a :file, a :folder, or :text. $1: the command, and the option.
_llmc_value() {
    case $1 in
    *\ --system-file | *\ -f | *\ --file | *\ --schema | *\ --db)
        _llmc_words=":file"
        ;;
    llmc\ ask\ --match | llmc\ batch\ --match)
        _llmc_words="auto exact semantic"
        ;;
    llmc\ serve\ --match)
        _llmc_words="exact semantic"
        ;;
    *\ --error)
        _llmc_words="10% 5% strict"
        ;;
    *\ --color)
        _llmc_words="auto always never"
        ;;
    *\ --by)
        _llmc_words="model namespace day source"
        ;;
    *\ --source)
        _llmc_words="model put import shared"
        ;;
    llmc\ invalidate\ --field)
        _llmc_words="prompt answer system model"
        ;;
    llmc\ rules\ add\ --field)
        _llmc_words="prompt answer system model namespace"
        ;;
    llmc\ import\ --from)
        _llmc_words="llm"
        ;;
    llmc\ model\ pull\ --from)
        _llmc_words=":folder"
        ;;
    *) _llmc_words=:text ;;
    esac
}

# What an argument is. $1: the command, and the number of the argument.
_llmc_argument() {
    case $1 in
    llmc\ batch\ 1 | llmc\ backup\ 1 | llmc\ import\ 1 | llmc\ model\ calibrate\ 1)
        _llmc_words=":file"
        ;;
    llmc\ run\ *)
        _llmc_words=":line"
        ;;
    llmc\ completion\ 1)
        _llmc_words="bash fish zsh"
        ;;
    llmc\ model\ pull\ 1 | llmc\ model\ remove\ 1)
        _llmc_words="minilm"
        ;;
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
