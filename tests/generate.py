"""Writes what is generated from the command tree and the settings: `python tests/generate.py`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)] if str(ROOT) not in sys.path else []

import bash  # noqa: E402
import fish  # noqa: E402
import manpages  # noqa: E402
import zsh  # noqa: E402
from tree import Command, tree  # noqa: E402

from llmc.settings import SETTINGS, Setting  # noqa: E402

README = ROOT / "README.md"


def settings_table() -> str:
    """The table of all settings, in Markdown."""
    rows = [
        "| setting | variable | default | in `.llmc.toml` | meaning |",
        "|---|---|---|---|---|",
        *(_row(setting) for setting in SETTINGS),
    ]
    return "\n".join(rows) + "\n"


def with_part(text: str, begin: str, end: str, part: str) -> str:
    """Return a document with what stands between two of its lines replaced."""
    head, rest = text.split(begin, 1)
    heading, rest = rest.split("\n", 1)
    return f"{head}{begin}{heading}\n{part}{end}{rest.split(end, 1)[1]}"


def readme() -> str:
    """README.md as it should be."""
    return with_part(
        README.read_text("utf-8"),
        "<!-- settings:",
        "<!-- end of settings -->",
        settings_table(),
    )


def _row(setting: Setting) -> str:
    known = {"db": "in the data folder"}
    value = setting.default
    value = ",".join(value) if isinstance(value, tuple) else value
    default = known.get(setting.name) or (
        "`none`" if value is None else f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
    )
    project = "yes" if setting.project else "no"
    name, variable = f"`{setting.name}`", f"`{setting.variable}`"
    return f"| {name} | {variable} | {default} | {project} | {setting.meaning} |"


def helps(root: Command) -> str:
    """What --help prints for every command."""
    return "\n".join(
        f"$ llmc {command.words}".rstrip() + f" --help\n{command.told}\n" for command in root.walk()
    )


def documents() -> dict[str, str]:
    """All that is generated, by its path in the project."""
    root = tree()
    return {
        "README.md": readme(),
        "tests/help.txt": helps(root),
        "completions/llmc.bash": bash.script(root),
        "completions/llmc.fish": fish.script(root),
        "completions/_llmc": zsh.script(root),
        **{f"man/{name}": text for name, text in manpages.pages(root).items()},
    }


if __name__ == "__main__":
    for path, text in documents().items():
        (ROOT / path).parent.mkdir(exist_ok=True)
        (ROOT / path).write_text(text, "utf-8")
