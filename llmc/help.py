"""How does a command explain itself? A sentence, its options in groups, examples, exit codes."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

from llmc import manual

__all__ = ["GROUPS", "SETTINGS", "HelpfulCommand", "HelpfulGroup", "group_of"]

#: For every command: plain text that fits the narrowest of usual terminals.
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 80}

#: The groups of options in their order: what an option is declared with as `rich_help_panel`.
GROUPS = ("Arguments", "Options", "Question", "Cache", "Provider", "Entries", "Output", "Common")

#: As wide as the left column may become.
_LEFT = 26


class HelpfulCommand(TyperCommand):
    """A command whose help has its options in groups and ends with examples."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return _usage(self)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_groups(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_end(ctx, formatter)


class HelpfulGroup(TyperGroup):
    """A group of commands, likewise. Each sentence is the first of a command's help."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [*_usage(self), "COMMAND ..."]

    def sentences(self) -> dict[str, str]:
        return {
            name: (command.help or "").partition("\n")[0] for name, command in self.commands.items()
        }

    def format_options(self, ctx: Any, formatter: Any) -> None:
        self.format_commands(ctx, formatter)
        _write_groups(self, ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        sentences = self.sentences()
        width = max(map(len, sentences))
        sections: list[tuple[str, list[tuple[str, str]]]] = []
        headings = {} if ctx.parent else manual.SECTIONS
        for name, sentence in sentences.items():
            if name in headings or not sections:
                sections.append((headings.get(name, "Commands"), []))
            sections[-1][1].append((name.ljust(width), sentence))
        for heading, rows in sections:
            with formatter.section(heading):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_end(ctx, formatter)


def _usage(command: Any) -> list[str]:
    """Return what stands after the command's name: arguments as their metavars write them."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    return ["[OPTIONS]", *(argument.metavar for argument in arguments)]


def group_of(param: Any) -> str:
    """Return the name of the group in which a parameter is shown."""
    if param.param_type_name == "argument":
        return "Arguments"
    return "Common" if param.name == "help" else param.rich_help_panel or "Options"


def _write_groups(command: Any, ctx: Any, formatter: Any) -> None:
    """Write arguments and options under their groups' names, in one column for all."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for param in command.get_params(ctx):
        if record := param.get_help_record(ctx):
            groups.setdefault(group_of(param), []).append(record)
    lefts = [left for records in groups.values() for left, _ in records]
    width = max(len(left) for left in lefts if len(left) <= _LEFT)
    for group in sorted(groups, key=GROUPS.index):
        with formatter.section(group):
            formatter.write_dl([(left.ljust(width), right) for left, right in groups[group]], _LEFT)


def _write_end(ctx: Any, formatter: Any) -> None:
    """Write the examples and the exit codes."""
    path = ctx.command_path.partition(" ")[2]
    if examples := manual.EXAMPLES.get(path):
        with formatter.section("Examples"):
            formatter.write("\n".join(map(_written, examples)))
    codes = ", ".join(f"{code} {meaning}" for code, meaning in manual.EXIT_CODES)
    formatter.write_paragraph()
    formatter.write_text(f"Exit codes: {codes}.")


def _written(example: manual.Example) -> str:
    return f"  # {example.purpose}\n  {example.line}\n"
