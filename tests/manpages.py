"""The manual pages, in the macros that every man(1) knows: one for llmc, one for each command."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tree import Command, Parameter

from llmc import __version__, manual
from llmc.settings import SETTINGS, Setting

CHANGELOG = Path(__file__).resolve().parent.parent / "CHANGELOG.md"

#: The date of pages that no release has yet.
UNRELEASED = "2026-11-25"

_ORDER = (
    "A flag wins over these variables, they over the project's .llmc.toml, that over the user's"
    " config.toml."
)

#: Stands for a quotation mark that is typed, which is no apostrophe.
_QUOTE = "\1"

_SIGNS = {
    _QUOTE: r"\(aq",
    "\\": r"\e",
    "-": r"\-",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
    "…": "...",
    "“": r"\(lq",
    "”": r"\(rq",
}


def date_of(changelog: str) -> str:
    """The date of the newest release: the same pages come out on any day and any machine."""
    found = re.search(r"^## \[\d[^\]]*\] - (\d{4}-\d\d-\d\d)$", changelog, re.MULTILINE)
    return found[1] if found else UNRELEASED


def pages(root: Command) -> dict[str, str]:
    """Every page, by the name of its file."""
    return {"llmc.1": _main(root)} | {f"llmc-{c.name}.1": _page(c, root) for c in root.commands}


def _main(root: Command) -> str:
    return _joined(
        _head(root),
        ".SH SYNOPSIS",
        _synopsis(root),
        ".SH DESCRIPTION",
        *_paragraphs(manual.OVERVIEW),
        ".SH COMMANDS",
        "Each has a page of its own:",
        *_headed(root),
        ".SH OPTIONS",
        *_options(root, headings=False),
        *_examples([root]),
        *_exit_status(),
        ".SH ENVIRONMENT",
        *_sentences(_ORDER),
        *(line for setting in SETTINGS for line in _setting(setting)),
        *(line for names, told in manual.VARIABLES.items() for line in _entry(_bold(names), told)),
        ".SH FILES",
        *(line for path, told in manual.FILES.items() for line in _entry(_bold(path), told)),
        *_see_also(f"llmc-{command.name}" for command in root.commands),
    )


def _page(command: Command, root: Command) -> str:
    parts = command.commands or (command,)
    lines = [_head(command), ".SH SYNOPSIS", ".br\n".join(f"{_synopsis(c)}\n" for c in parts)]
    lines += [".SH DESCRIPTION", *_paragraphs(command.help)]
    if command.commands:
        lines.append(".SH COMMANDS")
        for part in parts:
            lines += [f".SS {_sign(f'llmc {part.words}')}", *_paragraphs(part.help)]
            lines += _options(part, headings=False)
    else:
        lines += [".SH OPTIONS", *_options(command, headings=True)]
    if notes := manual.NOTES.get(command.name):
        lines += [".SH NOTES", *_paragraphs(notes)]
    lines += _examples([*dict.fromkeys([command, *parts])])
    lines += _exit_status()
    lines += [".SH ENVIRONMENT", "The variables and the files that it obeys are those of"]
    lines += [".BR llmc (1)."]
    near = _neighbours(command, root)
    return _joined(*lines, *_see_also(["llmc", *(f"llmc-{name}" for name in near)]))


def _neighbours(command: Command, root: Command) -> list[str]:
    """The commands under the same heading of `llmc --help`."""
    heading, found = "", {}
    for each in root.commands:
        heading = manual.SECTIONS.get(each.name, heading)
        found.setdefault(heading, []).append(each.name)
    (section,) = (names for names in found.values() if command.name in names)
    return [name for name in section if name != command.name]


def _joined(*lines: str) -> str:
    text = "\n".join(line.rstrip("\n") for line in lines) + "\n"
    text.encode("ascii")  # what a page holds is spelled in signs that every man(1) knows
    return text


def _head(command: Command) -> str:
    name = "-".join(("llmc", *command.path))
    sentence = command.summary[0].lower() + command.summary[1:]
    date = date_of(CHANGELOG.read_text("utf-8"))
    return (
        f'.\\" Made by tests/generate.py from the commands themselves and llmc/manual.py.\n'
        f'.TH {name.upper()} 1 {date} "llmc {__version__}" "llmc manual"\n'
        f".SH NAME\n{_sign(name)} \\- {_sign(sentence)}"
    )


def _synopsis(command: Command) -> str:
    """`llmc ask [options] [PROMPT]`: what is typed in bold, what it stands for in italics."""
    below = ["COMMAND ..."] if command.commands else [a.metavar for a in command.arguments]
    words = ["[options]", *below]
    marked = (re.sub(r"[A-Za-z][A-Za-z.|]*\b", lambda m: rf"\fI{m[0]}\fR", w) for w in words)
    return f".B {_sign(f'llmc {command.words}'.rstrip())}\n" + " ".join(marked)


def _headed(root: Command) -> list[str]:
    lines = []
    for command in root.commands:
        if command.name in manual.SECTIONS:
            lines.append(f".SS {_sign(manual.SECTIONS[command.name])}")
        lines += _entry(rf"\fBllmc\-{command.name}\fR(1)", command.sentence)
    return lines


def _options(command: Command, *, headings: bool) -> list[str]:
    lines, group = [], ""
    for parameter in (*command.arguments, *command.options):
        if headings and parameter.group != group:
            group = parameter.group
            lines.append(f".SS {group}")
        told = parameter.help + (f" Default: {parameter.default}." if parameter.default else "")
        told += " Required." if parameter.required and parameter.names else ""
        told += " May be repeated." if parameter.many and parameter.names else ""
        lines += _entry(_named(parameter), told)
    return lines


def _named(parameter: Parameter) -> str:
    value = rf" \fI{_sign(parameter.metavar)}\fR" if parameter.metavar else ""
    return ", ".join(map(_bold, parameter.names)) + value if parameter.names else value.strip()


def _setting(setting: Setting) -> list[str]:
    default = {"db": "see FILES", "threshold": "none"}.get(setting.name, setting.default)
    default = ",".join(default) if isinstance(default, tuple) else default
    shown = f"{default:g}" if isinstance(default, float) else "none" if default is None else default
    told = setting.meaning[0].upper() + setting.meaning[1:]
    return _entry(_bold(setting.variable), f"{told}. Default: {shown}.")


def _examples(commands: list[Command]) -> list[str]:
    told = {e.line: e.purpose for command in commands for e in command.examples}
    lines = []
    for line, purpose in told.items():
        told_first = f"{purpose[0].upper()}{purpose[1:]}:".replace("?:", "?")
        lines += [
            ".PP",
            *_sentences(told_first),
            ".PP",
            ".nf",
            ".RS 4",
            *_typed(line),
            ".RE",
            ".fi",
        ]
    return [".SH EXAMPLES", *lines[1:]]


def _typed(line: str) -> list[str]:
    """An example in lines of the source that are one line of the page."""
    *parts, last = _filled([word.replace("'", _QUOTE) for word in line.split(" ")], 74)
    return [*(rf"{part} \c" for part in parts), last]


def _exit_status() -> list[str]:
    lines = [".SH EXIT STATUS"]
    for code, meaning in manual.EXIT_CODES:
        lines += _entry(_bold(str(code)), f"{meaning[0].upper()}{meaning[1:]}.")
    signals = "Ended by a signal, it dies by it: 130 for an interrupt, 141 for a closed pipe."
    return [*lines, ".PP", *_sentences(signals)]


def _see_also(names: Iterable[str]) -> list[str]:
    listed = [f".BR {_sign(name)} (1)" for name in names]
    return [".SH SEE ALSO", ",\n".join(listed)]


def _paragraphs(text: str) -> list[str]:
    first, *others = (_sentences(" ".join(part.split())) for part in text.split("\n\n"))
    return [*first, *(line for part in others for line in [".PP", *part])]


def _entry(tag: str, told: str) -> list[str]:
    return [".TP", tag, *_sentences(told)]


def _sentences(text: str) -> list[str]:
    """A text in lines: each sentence begins one; what stands in backquotes is bold."""
    sentences = re.split(r"(?<=[.:;!?]) (?=[A-Z`])", text)
    return [line for sentence in sentences for line in _filled(_words(sentence), 78)]


def _words(sentence: str) -> list[str]:
    joined = re.sub("`[^`]+`", lambda found: found[0].replace(" ", "\0"), sentence)
    return [word.replace("\0", " ") for word in joined.split()]


def _filled(words: list[str], width: int) -> list[str]:
    """Lines of words, in signs, none longer than this in the source."""
    lines = [""]
    for word in words:
        parts = word.split("`")
        signs = "".join(_bold(p) if n % 2 else _sign(p) for n, p in enumerate(parts))
        if lines[-1] and len(lines[-1]) + 1 + len(signs) > width:
            lines.append(signs)
        else:
            lines[-1] += f" {signs}" if lines[-1] else signs
    return [_guarded(line) for line in lines]


def _bold(text: str) -> str:
    typed = text.replace("'", _QUOTE)
    return rf"\fB{_sign(typed)}\fR"


def _sign(text: str) -> str:
    return "".join(_SIGNS.get(sign, sign) for sign in text)


def _guarded(line: str) -> str:
    """A line that begins with a control character of roff would be a request."""
    return rf"\&{line}" if line[:1] in {".", "'"} else line
