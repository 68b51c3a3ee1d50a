"""How large is a cache of 100,000 answers?

python benchmarks/size.py [--entries N]
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from measure import Row, fill, make_environment, make_wheel, options_of, tell

__all__ = ["rows"]


def rows(filled: dict[str, Any]) -> list[Row]:
    """Word what `fill` has found."""
    entries, before, after = filled["entries"], filled["before"], filled["after"]
    texts = filled["prompt_bytes"] + filled["answer_bytes"]
    each = after["file"] / entries
    said = f"questions of {filled['prompt_bytes']:.0f} bytes on average, answers of"
    return [
        Row(
            f"cache of {entries:,} entries ({said} {filled['answer_bytes']:.0f})",
            f"{after['file'] / 1e6:.0f} MB, {each:,.0f} bytes an entry",
            each / texts,
            "its texts",
        ),
        Row("— of it for the full-text index", f"{filled['index_bytes'] / 1e6:.0f} MB"),
        Row(
            "— while it is written: file and write-ahead log",
            f"{before['file'] / 1e6:.0f} + {before['wal'] / 1e6:.1f} MB",
        ),
        Row("— filling it", f"{filled['seconds']:.0f} s"),
    ]


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="llmc-size-") as name:
        folder = Path(name)
        builder = make_environment(folder / "builder", "wheel")
        environment = make_environment(folder / "env", make_wheel(builder, folder))
        filled = fill(environment, folder / "llmc.db", entries=options.entries)
        tell(rows(filled), as_json=options.json)


if __name__ == "__main__":
    main()
