"""Writes the generated parts of the documentation: `python tests/generate.py`."""

from __future__ import annotations

from pathlib import Path

from llmc.settings import SETTINGS, Setting

README = Path(__file__).resolve().parent.parent / "README.md"


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
    known = {"db": "in the data folder", "ttl": "`none`", "threshold": "`none`"}
    value = setting.default
    default = known.get(setting.name) or (
        f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
    )
    project = "yes" if setting.project else "no"
    name, variable = f"`{setting.name}`", f"`{setting.variable}`"
    return f"| {name} | {variable} | {default} | {project} | {setting.meaning} |"


if __name__ == "__main__":
    README.write_text(readme(), "utf-8")
