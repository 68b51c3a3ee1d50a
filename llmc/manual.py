"""What do `--help` and the manual pages say beyond the options? Prose, once for both of them."""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "EXAMPLES",
    "EXIT_CODES",
    "FILES",
    "NOTES",
    "OVERVIEW",
    "SECTIONS",
    "VARIABLES",
    "Example",
]


class Example(NamedTuple):
    """A command line that can be pasted as it stands, and what it is good for."""

    purpose: str
    line: str


EXIT_CODES = (
    (0, "answered or done"),
    (1, "failed"),
    (2, "usage or configuration"),
    (3, "not in the cache (--offline)"),
    (4, "no key or refused"),
    (5, "the cache file cannot be used"),
)

#: What llmc(1) begins with, by paragraphs.
OVERVIEW = """\
llmc asks any provider that speaks OpenAI's protocol, keeps the answer in one SQLite file, and
answers the same question from there: once paid, and in tens of milliseconds.

The same question is the same request: model, system prompt, files, piped text, earlier turns and
parameters included. On a terminal, where a person reads the answer, a question in other words may
be answered too, once `llmc model pull` has brought the local model; `llmc why` tells why, and
`llmc bad` rejects a wrong answer for good.

The answer goes to standard output and nothing else does. One line on standard error tells where it
came from.
"""

#: What a page says of a command beyond its help, by paragraphs.
NOTES = {
    "batch": """\
An answer is stored before its line is printed. Ctrl-C waits for what is under way; only what was
under way when it was killed outright is asked again.

--max-cost counts what is under way with an estimate, rather too high than too low: an answer
without --max-tokens with 2,000 tokens at first, later with twice those of the longest.

Where rows begin alike (1,024 tokens or more) and the provider has a cache of its own, one goes
first and the others read what it has written.
""",
    "event": """\
In the pattern of a rule, {name} stands for the value of --data name=..., to the letter. {3} and
{2,5} stay what they are, and so does what follows a backslash, as in \\{name} and \\p{L}. A rule
whose field is missing or empty is skipped, and the command ends with 1 once the others are done.
""",
    "serve": """\
The program's own key goes to the provider and is never stored; where it has none, or llmc, yours
does. With a token, clients send it as their key, or as x-llmc-token beside a key of their own.

A client that leaves early loses nothing for the next one: an answer that nobody waits for has five
more seconds to end and be stored, then its call is cancelled.

A hit repeats the usage of the call that was paid for, so that programs find what they expect; llmc
itself counts it as nothing. A stream without stream_options.include_usage tells no usage, so its
price is not known.
""",
}

#: Environment variables beyond those of the settings.
VARIABLES = {
    "LLMC_CONFIG": "The user's configuration file, in the place of the usual one.",
    "LLMC_TOKEN": "What clients of `llmc serve` must show.",
    "LLMC_DEBUG": "If set, an unexpected fault shows where it happened.",
    "OPENAI_API_KEY": "The key for api.openai.com, or for where OPENAI_BASE_URL points. It is sent"
    " to no other host, and never stored.",
    "OPENAI_BASE_URL": "Where the provider openai listens.",
    "NO_COLOR, CLICOLOR, CLICOLOR_FORCE, FORCE_COLOR, TERM": "Whether colours are used where"
    " --color is auto: not if NO_COLOR is set; else in any case if CLICOLOR_FORCE or FORCE_COLOR is"
    " set and not 0; else on a terminal, unless CLICOLOR is 0 or TERM is dumb.",
    "XDG_DATA_HOME, XDG_CONFIG_HOME": "The folders that the cache file and the configuration lie"
    " below.",
    "LLM_USER_PATH": "Where `llmc import --from llm` looks for the log of llm.",
}

#: Where llmc's files lie, if nothing names another place.
FILES = {
    "~/.local/share/llmc/llmc.db": "The cache file, with mode 0600. On a Mac it lies in"
    " ~/Library/Application Support/llmc, and so do the others of this list.",
    "~/.local/share/llmc/models/": "The local embedding model.",
    "~/.config/llmc/config.toml": "The user's configuration.",
    ".llmc.toml": "A project's configuration, in the current folder or one above it. It may set"
    " model, namespace, ttl, match and error alone.",
}

#: The headings of `llmc --help`: each stands above the command that it names.
SECTIONS = {
    "ask": "Ask",
    "stats": "Look",
    "bad": "Correct, keep and forget",
    "backup": "Copy and move",
    "config": "Set up",
}

#: By the command's path; "" is llmc itself. The tests run every one of them.
EXAMPLES: dict[str, tuple[Example, ...]] = {
    "": (
        Example("see it work, offline and without a key", "llmc demo"),
        Example("ask; the second time the cache answers", 'llmc ask "why is the sky blue?"'),
    ),
    "ask": (
        Example("the second time the cache answers", 'llmc ask "why is the sky blue?"'),
        Example(
            "piped text alone is the question",
            'git diff --staged | llmc ask -s "Write a commit message."',
        ),
        Example(
            "with a prompt, piped text is the document",
            'cat report.txt | llmc ask "Summarise in three lines."',
        ),
        Example(
            "from the cache, or exit 3",
            'llmc ask --offline "why is the sky blue?" || echo "not in the cache"',
        ),
    ),
    "batch": (
        Example("what it would ask, and the price", "llmc batch --plan questions.jsonl"),
        Example(
            "32 at once, two dollars at most; the same command goes on",
            "llmc batch -j 32 --max-cost 2 questions.jsonl > answers.jsonl",
        ),
        Example(
            "every line of a text is a question",
            "jq -cR '{prompt: .}' questions.txt | llmc batch -s 'To French.' -",
        ),
    ),
    "run": (
        Example("a program's model calls from the cache", "llmc run -- env"),
        Example(
            "a replay for CI, from a file beside the tests",
            "llmc run --db cassette.db --offline --frozen -- pytest",
        ),
    ),
    "serve": (
        Example("for all programs of this machine", "llmc serve --port 8400"),
        Example(
            "for several callers, kept apart by their tokens",
            "LLMC_TOKEN=ann:3nWk8rVq,bob:7hTz2mXc llmc serve --host 0.0.0.0",
        ),
    ),
    "stats": (
        Example("the last week, by model", "llmc stats --since 7d --by model"),
        Example("one figure for a script", "llmc stats --json | jq .net_usd"),
    ),
    "prefix": (
        Example("what the provider's cache could have read, this week", "llmc prefix --since 7d"),
        Example("the advice alone", "llmc prefix --json | jq -r '.groups[].advice'"),
    ),
    "list": (
        Example("what one project keeps", "llmc list -n project"),
        Example("the ids of old answers", "llmc list --older-than 30d --json | jq .id"),
    ),
    "show": (
        Example("the last answer, with all that is known of it", "llmc show"),
        Example("one answer's text alone", "llmc show 12 --json | jq -r .answer"),
    ),
    "search": (
        Example("both words, in any order", "llmc search sky rayleigh"),
        Example("the beginning of a word, in the last week", "llmc search --since 7d refact"),
    ),
    "why": (
        Example("what answers it, or what is nearest", 'llmc why "why is the sky blue?"'),
        Example(
            "the same question of a document",
            'cat report.txt | llmc why "Summarise in three lines."',
        ),
    ),
    "bad": (
        Example("the last answer was wrong", "llmc bad"),
        Example("answer 12 was; ask again", "llmc bad 12 --refresh"),
    ),
    "put": (
        Example("an answer that you know", 'echo Lima | llmc put "Capital of Peru?"'),
        Example(
            "a reviewed answer about a file, for a project",
            'llmc put -n project -f schema.sql "Which table?" < answer.txt',
        ),
    ),
    "rm": (
        Example("two answers", "llmc rm 12 13"),
        Example(
            "all of a project, unasked",
            "llmc list -n project --json | jq .id | xargs llmc rm --yes",
        ),
    ),
    "pin": (
        Example("the last answer stays", "llmc pin"),
        Example("answer 12 need not stay", "llmc pin 12 --remove"),
    ),
    "prune": (
        Example("expired answers", "llmc prune"),
        Example("down to a size, and smaller on disk", "llmc prune --max-size 200M --vacuum --yes"),
    ),
    "invalidate": (
        Example("see first what would go", r"llmc invalidate --dry-run 'schema\.sql'"),
        Example(
            "the answers of one family of models", "llmc invalidate --field model --yes '^gpt-4'"
        ),
    ),
    "rules": (
        Example("prices grow old within the hour", "llmc rules add --pattern 'price of' --ttl 1h"),
        Example("what is in force", "llmc rules list"),
    ),
    "rules add": (
        Example(
            "never keep what looks like a key",
            "llmc rules add --pattern 'api.key' --field answer --ttl 0",
        ),
        Example(
            "forget what was asked about a file once it changes",
            "llmc rules add --event file_changed --pattern '{path}'",
        ),
    ),
    "rules list": (
        Example("with their ids", "llmc rules list"),
        Example("their patterns alone", "llmc rules list --json | jq -r .pattern"),
    ),
    "rules remove": (
        Example("one rule", "llmc rules remove 2"),
        Example("all of them", "llmc rules list --json | jq .id | xargs llmc rules remove"),
    ),
    "event": (
        Example("a file has changed", "llmc event file_changed --data path=schema.sql"),
        Example(
            "see first what would go",
            "llmc event file_changed --data path=schema.sql --dry-run",
        ),
    ),
    "backup": (
        Example("a copy of the live file", "llmc backup copy.db"),
        Example(
            "every night over the last one, then a look into it",
            "llmc backup --force copy.db && llmc list --db copy.db",
        ),
    ),
    "export": (
        Example("one project's answers", "llmc export -n project > answers.jsonl"),
        Example("the last week, compressed", "llmc export --since 7d | gzip > week.jsonl.gz"),
    ),
    "import": (
        Example("what another machine has exported", "llmc import answers.jsonl"),
        Example(
            "compressed, and to look only", "gunzip -c week.jsonl.gz | llmc import --dry-run -"
        ),
    ),
    "config": (
        Example("every setting, and who set it", "llmc config"),
        Example(
            "where the cache file is",
            "llmc config --json | jq -r '.[] | select(.name == \"db\").value'",
        ),
    ),
    "doctor": (
        Example("is everything sound?", "llmc doctor"),
        Example("mend what is damaged, unasked", "llmc doctor --repair --yes"),
    ),
    "completion": (
        Example("bash: a line for ~/.bashrc", 'eval "$(llmc completion bash)"'),
        Example("zsh: a line for ~/.zshrc, after compinit", 'eval "$(llmc completion zsh)"'),
        Example(
            "fish: once, and again with a new release",
            "llmc completion fish > ~/.config/fish/completions/llmc.fish",
        ),
    ),
    "demo": (
        Example("the whole story", "llmc demo"),
        Example("and keep its cache file, to look into", "llmc demo --db demo.db"),
    ),
    "model": (
        Example("find questions in other words from now on", "llmc model pull"),
        Example("is it there, and whole?", "llmc model list"),
    ),
    "model pull": (
        Example("once: 91 MB, of which 24 are kept", "llmc model pull"),
        Example("where the network is closed", "llmc model pull --from ./all-MiniLM-L6-v2"),
    ),
    "model list": (
        Example("is it there, and whole?", "llmc model list"),
        Example("for a script", "llmc model list --json | jq -r .state"),
    ),
    "model remove": (
        Example("see first what would go", "llmc model remove --dry-run"),
        Example("unasked", "llmc model remove --yes"),
    ),
    "model calibrate": (
        Example("measure, and store nothing", "llmc model calibrate --dry-run pairs.tsv"),
        Example(
            "the whole table, for a script", "llmc model calibrate --json pairs.tsv | jq .table"
        ),
    ),
}
