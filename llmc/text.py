"""How are counts, durations, sizes and money written, and read back?

Imports nothing: the porch prints with it too, before anything else is loaded.
"""

from __future__ import annotations

__all__ = [
    "LONGEST",
    "age",
    "duration",
    "escaped",
    "hit_line",
    "inert_json",
    "megabytes",
    "one_line",
    "plural",
    "seconds",
    "size",
    "span",
    "usd",
    "visible",
]

#: The longest duration that is read as one, about 300 years: a date must come of it.
LONGEST = 1e10

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_BYTES = {
    **{
        f"{unit}{byte}": 1 << 10 * power
        for power, unit in enumerate("KMGT", 1)
        for byte in ("IB", "B", "")
    },
    "B": 1,
    "": 1,
}

#: C0 and C1 controls but for tab and newline, DEL, and the marks that turn the reading direction:
#: what could move the cursor, set a title, write a clipboard or disguise a text.
_UNSAFE = [
    *range(9), *range(11, 32), *range(127, 160), 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
]  # fmt: skip
_VISIBLE = dict.fromkeys(_UNSAFE, "\ufffd")
_ESCAPED = {code: f"\\u{code:04x}" for code in _UNSAFE}
_ONE_LINE = {**_VISIBLE, **dict.fromkeys((*range(9, 14), 0x85, 0x2028, 0x2029), " ")}


def visible(text: str) -> str:
    """Replace what a terminal would obey instead of showing. Works on any piece of a text."""
    return text.translate(_VISIBLE)


def one_line(text: str, *, width: int | None = None) -> str:
    """Fit a text on one line of at most `width` characters, control characters made visible."""
    line = ""
    if width is not None:  # the beginning is enough, unless nearly all of it is white space
        line = " ".join(text[: 8 * width].translate(_ONE_LINE).split())
    if width is None or len(line) <= width:
        line = " ".join(text.translate(_ONE_LINE).split())
    return line if width is None or len(line) <= width else line[: width - 1] + "…"


def escaped(text: str) -> str:
    """Write what cannot be seen as Python would: a newline, a control or a turning mark."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def inert_json(text: str) -> str:
    """Escape in JSON what a terminal would obey: it still says the same."""
    return text.translate(_ESCAPED)


def plural(count: int, noun: str) -> str:
    """Write a number with its noun: `1 entry`, `2 entries`."""
    many = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else many}"


def age(seconds_: float) -> str:
    """Write a duration as a person would say it: `5 s`, `2 min`, `4 h`, `3 d`."""
    whole = max(0, int(seconds_))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if whole >= length:
            return f"{whole // length} {unit}"
    return f"{whole} s"


def seconds(duration_: float) -> str:
    """Write a short duration: `0.02 s`, `1.9 s`, `75 s`."""
    if duration_ >= 9.95:
        return f"{duration_:.0f} s"
    return f"{duration_:.1f} s" if duration_ >= 0.1 else f"{duration_:.2f} s"


def span(seconds_: float) -> str:
    """Write a duration in full: `1 h`, `1 d 12 h`, `90.5 s` as `1 min 30.5 s`, `0 s`."""
    whole, parts = int(seconds_), []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if whole >= length:
            parts.append(f"{whole // length} {unit}")
            whole %= length
    rest = round(whole + seconds_ % 1, 3)
    if rest or not parts:
        parts.append(f"{rest:g} s")
    return " ".join(parts)


def megabytes(size_: float, digits: int = 1) -> str:
    """Write bytes as megabytes: `0.1 MB`, `1,234.5 MB`."""
    return f"{size_ / 1e6:,.{digits}f} MB"


def usd(nusd: int) -> str:
    """Write nano-USD as dollars with two significant digits, never in powers of ten."""
    if nusd == 0:
        return "$0"
    dollars = abs(nusd) / 1e9
    digits = 1 - int(f"{dollars:.1e}".rpartition("e")[2])
    return f"{'-' * (nusd < 0)}${dollars:.{min(max(digits, 2), 9)}f}"


def duration(text: str) -> float:
    """Read `90`, `15s`, `24h`, `7d`, `1h30m` or `2w` as seconds.

    Raises ValueError, with a message to show, for anything else and for what is negative.
    """
    total, number = 0.0, ""
    try:
        for character in text.strip():
            if character in _SECONDS:
                total, number = total + _number(number) * _SECONDS[character], ""
            else:
                number += character
        # A bare number is seconds; after a unit it is a unit forgotten.
        if number and number != text.strip():
            raise ValueError(number)
        total += _number(number) if number or not text.strip() else 0.0
        if total > LONGEST:
            raise ValueError(text)
        return total
    except ValueError:
        message = f"{text!r} is not a duration such as 90s, 15m, 24h, 7d or 2w"
        raise ValueError(message) from None


def size(text: str) -> int:
    """Read `500000`, `64K`, `200M` or `2GB` as bytes. Raises ValueError for anything else."""
    number = text.strip().upper()
    unit = next((unit for unit in _BYTES if unit and number.endswith(unit)), "")
    try:
        return int(_number(number.removesuffix(unit)) * _BYTES[unit])
    except (OverflowError, ValueError):
        message = f"{text!r} is not a size such as 500000, 64K, 200M or 2G"
        raise ValueError(message) from None


def _number(text: str) -> float:
    if not text.isascii() or not text.replace(".", "", 1).isdigit():
        raise ValueError(text)
    return float(text)


def hit_line(source: str, age_: float, saved_nusd: int | None, saved_seconds: float) -> str:
    """Write where a stored answer came from, how old it is and what it saved, if anything."""
    if not saved_nusd and not saved_seconds:
        return f"{source} hit, {age(age_)} old"
    saved = usd(saved_nusd) if saved_nusd else seconds(saved_seconds)
    unknown = " (price unknown)" if saved_nusd is None else ""
    return f"{source} hit, {age(age_)} old, saved {saved}{unknown}"
