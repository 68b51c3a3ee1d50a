"""Which pieces of its vocabulary does a BERT model read a text as? WordPiece, in lower case.

It equals the `tokenizers` package token for token, whose character tables are those of Unicode 8,
whatever Unicode the running Python knows: the same text must have one vector on every machine.
"""

from __future__ import annotations

import functools
import os.path
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Vocabulary", "words"]

#: Longer words are not looked up: they are unknown.
_LONGEST_WORD = 100

#: What separates words. The other white space of Python is a control character to BERT.
_RUN = re.compile("[^ \t\n\r\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")

#: Written out in a text, these mean the model's own marks.
_MARK = re.compile(r"(\[(?:PAD|UNK|CLS|SEP|MASK)\])")

#: Ideographs, each a word by itself. 2B820 to 2B91F are missing in the reference too.
_IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)

#: Where marks, punctuation and controls were added after Unicode 8: there all are mere letters.
#: Found by comparing each code point's treatment by tokenizers 0.23.3 with Unicode 17.
_NEW = """
5c8-5c9 61d 7fd 890-8e2 9fd-9fe a76 afa-aff b53-b55 c04-c3c c77 c84 d00 d3b-d3c d81 eba ece
180f-1886 1abf-1af0 1b4e-1b4f 1b7d-1b7f 1df6-1dfb 2e43-2e63 a82c a8c5 a8ff a9bd 10d24-10f89
11070-11074 110c2-110cd 111cf 1123e-11241 1133b 113bb-1145e 11660-1166c 116b9 1182f-1183b
1193b-11fff 12ff1-13455 1611e-1612f 16d6d-16f4f 16fe2-16fe4 1cf00-1d128 1d25b-1d25c 1e000-1e6f5
1e944-1e95f
"""

#: What changed its category after Unicode 8, with the one that it had.
_MOVED = {0x166D: "Po", 0x1734: "Mn", 0x111C9: "Po", 0x1171E: "Mn"}


class Vocabulary:
    """The pieces of a model and their numbers, found by bisection.

    A dictionary of 30,522 pieces takes 6 ms to build; a question needs some twenty of them.
    """

    def __init__(self, lines: bytes) -> None:
        r"""Take the pieces as lines `piece\tnumber\n`, in the order of their bytes."""
        self._lines = lines
        self._unknown = self._number("[UNK]")
        self._first = self._number("[CLS]")
        self._last = self._number("[SEP]")

    def pieces(self, text: str, *, limit: int) -> list[int]:
        """Return the numbers of a text's pieces between [CLS] and [SEP], `limit` at most in all."""
        found = [self._first]
        for word in words(text):
            if len(found) >= limit - 1:
                break
            found += self._pieces_of(word)
        return [*found[: limit - 1], self._last]

    def _pieces_of(self, word: str) -> list[int]:
        if len(word) > _LONGEST_WORD:
            return [self._unknown]
        found = []
        rest, prefix = word.encode(), b""
        while rest:
            number, size = self._longest(prefix + rest, longer_than=len(prefix))
            if number is None:
                return [self._unknown]
            found.append(number)
            rest, prefix = rest[size - len(prefix) :], b"##"
        return found

    def _longest(self, wanted: bytes, *, longer_than: int) -> tuple[int | None, int]:
        """Find the longest piece that `wanted` begins with: its number and its size in bytes.

        Every such piece is a beginning of the last line up to `wanted` too, so what the two share
        is the longest that need be tried next.
        """
        while len(wanted) > longer_than:
            piece, number = self._at_or_before(wanted)
            if piece == wanted:
                return number, len(wanted)
            shared = os.path.commonprefix([piece, wanted])  # noqa: RUF071  (no path: bytes)
            wanted = wanted[: len(shared)]
        return None, 0

    def _at_or_before(self, wanted: bytes) -> tuple[bytes, int]:
        """Return the last piece that is not greater than `wanted`; an empty one if all are."""
        lines = self._lines
        low, high = 0, len(lines)
        found = b"\t0"
        while low < high:
            start = lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = lines.find(b"\n", start)
            line = lines[start:end]
            if line[: line.find(b"\t")] <= wanted:
                found, low = line, end + 1
            else:
                high = start
        piece, _, number = found.partition(b"\t")
        return piece, int(number)

    def _number(self, mark: str) -> int:
        piece, number = self._at_or_before(mark.encode())
        if piece != mark.encode():
            raise ValueError(f"no {mark} in the vocabulary")
        return number


def words(text: str) -> Iterator[str]:
    """Yield a text's words as WordPiece cuts them up: folded, and each punctuation mark alone."""
    for run in _RUN.finditer(text):
        for part in _MARK.split(run[0]):
            if part.isascii() and part.isalnum():
                yield part.lower()
            elif _MARK.fullmatch(part):
                yield part
            else:
                yield from _split(part)


def _split(run: str) -> list[str]:
    run = run.translate(_CLEAN)
    if not run.isascii():
        import unicodedata

        run = unicodedata.normalize("NFD", run)
    return run.translate(_FOLD).split()


class _Table(dict[int, str]):
    """A table for `str.translate` that is filled as characters turn up."""

    def __missing__(self, code: int) -> str:
        self[code] = found = self.find(code)
        return found

    def find(self, code: int) -> str:
        raise NotImplementedError


class _Clean(_Table):
    """Drops what cannot be seen, and sets ideographs apart."""

    def find(self, code: int) -> str:
        if code == 0xFFFD or _category(code) in {"Cc", "Cf", "Co", "Cs"}:
            return ""
        ideograph = any(low <= code <= high for low, high in _IDEOGRAPHS)
        return f" {chr(code)} " if ideograph else chr(code)


class _Fold(_Table):
    """Drops accents, makes letters small, and sets punctuation apart.

    Letter by letter: `str.lower` of a whole word would end it in another sigma.
    """

    def find(self, code: int) -> str:
        category = _category(code)
        if category == "Mn":
            return ""
        # All ASCII signs count: `$`, `+`, `<`, `=`, `>`, `^`, "`", `|`, `~` are no letters here.
        if category[0] == "P" or (code < 128 and category[0] == "S"):
            return f" {chr(code)} "
        return chr(code).lower()


_CLEAN = _Clean()
_FOLD = _Fold()


def _category(code: int) -> str:
    """Return a character's category as of Unicode 8."""
    import unicodedata

    if code in _MOVED:
        return _MOVED[code]
    if code >= 0x5C8 and any(low <= code <= high for low, high in _new()):
        return "Lo"
    return unicodedata.category(chr(code))


@functools.cache
def _new() -> list[tuple[int, int]]:
    spans = [span.partition("-") for span in _NEW.split()]
    return [(int(low, 16), int(high or low, 16)) for low, _, high in spans]
