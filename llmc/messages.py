"""How does what machines tell each other look, and what does a message of somebody mean?

It is JSON, an exported line inside. Whoever may write to the server may have written it: a message
that nobody here would have written means nothing.
"""

from __future__ import annotations

import base64
import json
import struct
from typing import TYPE_CHECKING, NamedTuple

from llmc.transfer import lines
from llmc.transfer.lines import Parcel
from llmc.types import Vector, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LONGEST", "Gone", "read", "text"]

#: The longest message, in bytes.
LONGEST = 4_000_000

#: The longest vector that is read.
_DIMENSIONS = 8192


class Gone(NamedTuple):
    """An entry that somebody removed: the answer to a request, as it was given at an instant."""

    namespace: str
    key: bytes
    at: float


def text(
    told: Parcel | Verdict | Gone,
    machine: int,
    *,
    vectors: Iterable[tuple[str, int, bytes]] = (),
) -> str:
    """Write a message of a machine; `vectors` are embedder, group and float16 numbers."""
    if isinstance(told, Gone):
        line = json.dumps({"kind": "gone", **told._asdict(), "key": told.key.hex()})
    else:
        line = lines.line_of(told)
    written = [[name, group, base64.b64encode(half).decode()] for name, group, half in vectors]
    return json.dumps({"from": machine, "line": line, "vectors": written})


def read(message: bytes, *, but: int | None = None) -> Parcel | Verdict | Gone | None:
    """Read a message; None for what is none, and for an answer or a verdict of the machine `but`.

    What that machine removed, it may have heard of again from the one that had told it first.
    """
    if not message or len(message) > LONGEST:
        return None
    try:
        found = json.loads(message)
        told = json.loads(found["line"])
        if told.get("kind") == "gone":
            return Gone(str(told["namespace"]), bytes.fromhex(told["key"]), float(told["at"]))
        if found["from"] == but:
            return None
        kept = lines.read(found["line"])
        if not isinstance(kept, Parcel):
            return kept if isinstance(kept, Verdict) else None
        vectors = [_vector(*each) for each in found["vectors"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error):
        return None
    return kept._replace(draft=kept.draft._replace(vector=vectors[0] if vectors else None))


def _vector(embedder: str, group: int, numbers: str) -> Vector:
    half = base64.b64decode(numbers, validate=True)
    count = len(half) // 2
    values = struct.unpack(f"<{count}e", half)
    if type(embedder) is not str or type(group) is not int or not 0 < count <= _DIMENSIONS:
        raise ValueError("no vector")
    length = sum(value * value for value in values) ** 0.5
    if not 0.5 < length < 2:
        raise ValueError("not of unit length")
    return Vector(embedder, group, struct.pack(f"<{count}f", *(v / length for v in values)))
