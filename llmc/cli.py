"""Which command is meant, and what does the shell see when it fails?

Commands load when they are called; every error becomes one line on standard error and an exit code.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import os
import signal
import sys
from collections.abc import Iterator, MutableMapping
from typing import Any, NoReturn, cast

import typer
from typer._click.exceptions import (
    BadParameter,
    ClickException,
    MissingParameter,
    NoSuchOption,
    UsageError,
)

from llmc import streams
from llmc.errors import InputError, LlmcError
from llmc.help import SETTINGS, HelpfulCommand, HelpfulGroup

__all__ = ["COMMANDS", "build", "root", "run"]

#: Every command with the first sentence of its help, so that `llmc --help` imports none of them.
COMMANDS = {
    "ask": "Ask a model, or the cache if it knows the answer.",
    "batch": "Answer every question of a file, each but once.",
    "run": "Run a program with its model calls answered from the cache.",
    "serve": "Serve the OpenAI protocol to programs, from the cache.",
    "stats": "Show what was saved, and what was spent.",
    "list": "List stored answers, the newest first.",
    "show": "Show a stored answer in full, the last one by default.",
    "search": "Find words in stored prompts and answers.",
    "why": "Explain why the cache answers a question, or why not.",
    "prefix": "Show what keeps the provider's cache from reading your prompts.",
    "bad": "Reject a wrong answer, the last one by default.",
    "put": "Store a known answer, read from standard input.",
    "rm": "Remove entries by their ids.",
    "pin": "Keep entries from eviction, the last answer by default.",
    "prune": "Remove expired entries, old ones, or the least valuable.",
    "invalidate": "Remove what matches a regular expression.",
    "rules": "Add, list or remove rules that have answers forgotten.",
    "event": "Forget what the rules of an event find.",
    "backup": "Copy the cache file safely while it is in use.",
    "export": "Write stored answers as JSON lines.",
    "import": "Take in an export, another cache file or llm's log.",
    "config": "Show the settings in effect, and where each comes from.",
    "doctor": "Check the file, the settings, the provider and the embedder.",
    "completion": "Print the completion script of a shell.",
    "demo": "Show the whole story offline in ten seconds.",
    "model": "Fetch, list or remove the model that finds questions alike.",
}


class _Commands(MutableMapping[str, Any]):
    """The commands by name, each built when it is first looked at."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        if name not in self._built:
            self._built[name] = build(name)
        return self._built[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._built[name] = command

    def __delitem__(self, name: str) -> None:
        del self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Group(HelpfulGroup):
    """The group of all commands; its help comes from the table, not from the commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def sentences(self) -> dict[str, str]:
        return COMMANDS


def build(name: str) -> Any:
    """Import one command and return it as a Typer command.

    A module with `SUBCOMMANDS`, functions by their names, becomes a group of them: its `commands`.
    """
    module = importlib.import_module(f"llmc.commands.{name}")
    app = typer.Typer(
        help=COMMANDS[name],
        cls=HelpfulGroup,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=SETTINGS,
    )
    subcommands = getattr(module, "SUBCOMMANDS", None)
    if subcommands is not None:
        app.callback(invoke_without_command=True)(_help_alone)
    for word, function in (subcommands or {name: module.command}).items():
        settings = SETTINGS | getattr(module, "CONTEXT", {})
        app.command(word, cls=HelpfulCommand, context_settings=settings)(function)
    return typer.main.get_command(app)


def root() -> Any:
    """Return llmc itself: the group of all commands."""
    return _Group(
        name="llmc",
        commands=cast("Any", _Commands()),
        rich_markup_mode=None,
        help="The cache for language models that lives in the shell.",
        context_settings=SETTINGS,
        callback=lambda **_: None,
        params=[
            typer.core.TyperOption(
                param_decls=["--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_print_version,
                help="Print the version.",
                rich_help_panel="Common",
            )
        ],
        invoke_without_command=True,
    )


def run(arguments: list[str], *, invocation: bytes | None = None) -> int:
    """Run one command line and return its exit code; a signal ends the process by itself.

    `invocation` is the porch's digest of this command line, None if it has none.
    """
    try:
        for number, argument in enumerate(arguments, 1):
            _refuse_bytes(number, argument)
        code = _run(arguments, invocation)
        streams.write("")  # what is still waiting
        return code
    except KeyboardInterrupt:
        _end(signal.SIGINT)
    except BrokenPipeError:
        _end(signal.SIGPIPE)
    except LlmcError as error:
        _complain(str(error), error.hint, arguments)
        return error.exit_code
    except Exception as error:  # a shell, and whoever reads its log, gets one line from us
        if os.environ.get("LLMC_DEBUG"):
            raise
        message = f"unexpected {type(error).__name__}: {error}"
        _complain(message, "LLMC_DEBUG=1 shows where; please report it", arguments)
        return 1


def _run(arguments: list[str], invocation: bytes | None) -> int:
    group = root()
    if arguments[:1] == ["help"]:  # as git and gh have it
        words = itertools.takewhile(lambda word: not word.startswith("-"), arguments[1:])
        arguments = [*words, "--help"]
    said = io.StringIO()  # Typer prints help by itself; what we print goes through `streams`
    try:
        with (
            contextlib.redirect_stdout(said),
            group.make_context("llmc", arguments, obj=invocation) as context,
        ):
            if not arguments:
                streams.write(group.get_help(context) + "\n")
                return 0
            group.invoke(context)
    except typer.Exit as error:
        return int(error.exit_code)
    except typer.Abort:
        _complain("stopped", None, arguments)
        return 1
    except ClickException as error:
        _complain(_wording(error), _usage_hint(error, arguments), arguments)
        return 2 if isinstance(error, UsageError) else 1
    finally:
        streams.write(said.getvalue(), flush=False)
    return 0


def _help_alone(context: typer.Context) -> None:
    """Show a group's help where none of its commands is named."""
    if context.invoked_subcommand is None:
        streams.write(context.get_help() + "\n")


def _refuse_bytes(number: int, argument: str) -> None:
    """Refuse an argument that is not UTF-8; Python passes its bytes on as lone surrogates."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        raise InputError(f"argument {number} is not UTF-8") from None


def _print_version(ctx: Any, param: Any, value: object) -> None:  # noqa: ARG001
    if value:
        from llmc import __version__

        streams.write(f"llmc {__version__}\n")
        ctx.exit()


def _wording(error: ClickException) -> str:
    """Word what is wrong with a value as our own errors are: whose value, and what it is not."""
    said = error.format_message()
    if not isinstance(error, BadParameter) or isinstance(error, MissingParameter):
        return said
    if error.param is None:
        return said
    is_option = error.param.param_type_name == "option"
    name = max(error.param.opts, key=len) if is_option else str(error.param.metavar).strip("[].")
    said = error.message.removesuffix(".")
    for theirs, ours in (("a valid int", "a whole number"), ("a valid float", "a number")):
        said = said.replace(f"is not {theirs}", f"is not {ours}")
    return f"{name}: {said}"


def _usage_hint(error: ClickException, arguments: list[str]) -> str | None:
    if isinstance(error, NoSuchOption) and (
        " " in error.option_name or not error.option_name.lstrip("-").isascii()
    ):
        return "does the prompt begin with a dash? put -- before it, or pipe it in"
    context = error.ctx if isinstance(error, UsageError) else None
    path = context.command_path if context else " ".join(["llmc", *_named(arguments)])
    help_ = f"{path} --help"
    takes_prompt = context and any(param.name == "prompt" for param in context.command.params)
    if takes_prompt and "unexpected extra argument" in error.message:
        return f"{help_}; a prompt of several words stands in quotes"
    if not isinstance(error, NoSuchOption):
        return help_
    if context is None or context.parent is None:
        return f"{help_} lists the commands; options stand after one"
    return f"{help_} lists the options{'; a prompt goes after --' if takes_prompt else ''}"


def _named(arguments: list[str]) -> list[str]:
    """Return the command that a command line names, where the parser does not tell it."""
    return [word for word in arguments[:1] if word in COMMANDS]


def _complain(message: str, hint: str | None, arguments: list[str]) -> None:
    from llmc.config import wants_color

    after = arguments[arguments.index("--color") + 1 :] if "--color" in arguments else []
    choice = next((a.partition("=")[2] for a in arguments if a.startswith("--color=")), None)
    choice = choice or (after[0] if after and after[0] in {"always", "never"} else "auto")
    color = wants_color(choice, terminal=streams.is_terminal(2))
    streams.note(message, mark="\033[1;31merror:\033[0m " if color else "error: ")
    for line in hint.splitlines() if hint else ():
        streams.note(line, mark="  ")


def _end(number: int) -> NoReturn:
    streams.die_by(number)
    sys.exit(128 + number)  # the signal is blocked
