"""What do all dialects share? Events in a stream of bytes, and strange JSON taken with care."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Protocol

__all__ = [
    "DONE",
    "LIMIT",
    "Body",
    "Collector",
    "Events",
    "Shape",
    "dicts",
    "event",
    "loaded",
    "pieces",
    "printable",
]

#: The last event of a stream of chat completions.
DONE = b"data: [DONE]\n\n"

#: The most bytes of an answer that are kept to be stored; a longer one is passed on all the same.
LIMIT = 32_000_000

#: The letters that one event of a replayed stream holds.
_PIECE = 64


class Shape(NamedTuple):
    """In which form an answer is wanted: as a stream, and with a last event about its usage?"""

    stream: bool = False
    usage: bool = False


class Collector(Protocol):
    """Whoever makes an answer of the bytes that go by."""

    @property
    def is_done(self) -> bool:
        """Whether a stream's last event has come."""

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of a body."""

    def answer(self) -> Any:
        """Return the Answer, finished or not; None for what is none."""


class Body:
    """A body that comes in pieces; of one longer than LIMIT nothing is kept."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._size += len(piece)
        if self._size <= LIMIT:
            self._pieces.append(piece)

    def loaded(self) -> dict[str, Any] | None:
        """Return the JSON object that it was; None for anything else."""
        return None if self._size > LIMIT else loaded(b"".join(self._pieces))


class Events:
    """The data of server-sent events, from pieces that are cut anywhere."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []
        self._size = 0
        self.failed = False  # an event of them was an error

    @property
    def overflowed(self) -> bool:
        """Whether more came than is kept."""
        return self._size > LIMIT

    def feed(self, piece: bytes) -> list[str]:
        """Return the data of the events that a piece completes."""
        self._size += len(piece)
        if self.overflowed:
            self._rest, self._data = b"", []
            return []
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return [data for line in lines if (data := self._line(line)) is not None]

    def close(self) -> list[str]:
        """Return the data of an event that the end of the body completes."""
        ended = [self._line(line) for line in (self._rest, b"")]
        self._rest = b""
        return [data for data in ended if data is not None]

    def _line(self, line: bytes) -> str | None:
        line = line.rstrip(b"\r")
        self.failed = self.failed or line in (b"event: error", b"event:error")
        if line.startswith(b"data:"):
            text = line[5:].decode("utf-8", "replace")
            self._data.append(text.removeprefix(" "))
        if line or not self._data:
            return None
        whole, self._data = "\n".join(self._data), []
        return whole


def event(value: object, name: str | None = None) -> bytes:
    """Write one server-sent event."""
    head = f"event: {name}\n" if name else ""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"{head}data: {written}\n\n".encode("utf-8", "replace")


def loaded(text: str | bytes) -> dict[str, Any] | None:
    """Read a JSON object; None for anything else."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def dicts(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list; of anything else none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def pieces(text: str) -> list[str]:
    """Cut a text for the events of a stream; joined they are the text."""
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]


def printable(text: str) -> str:
    """Replace half surrogate pairs: valid JSON, but no text that could be stored or printed."""
    return text.encode("utf-8", "replace").decode("utf-8")
