"""Which words does a text have, and which of its parts are literal: numbers, paths, code?

Works on any text in linear time. Knows no grammar; letters of all scripts are letters here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Token", "fold", "is_hidden", "tokens", "unit"]

#: What is written in several ways and means one thing; typographic signs by their ASCII ones.
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\u02bc\uff07", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\uff02", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u00d7\u2715\u2716\u22c5\u2217", "*"),
        "\u2026": "...",
        "\u2022": "-",
        "\u2044": "/",
        "\u00f7": "/",
    }
)

#: Double quotes, back quotes, and single quotes that are no apostrophes.
_QUOTED = re.compile(r"\"([^\"]*)\"|`+([^`]*)`+|(?<!\w)'([^']*)'(?!\w)")

#: A quotation mark as CSV writes it.
_DOUBLED = re.compile(r'""(?=\w)|(?<=\w)""')

_ARITHMETIC = re.compile(r"\d+(?:,\d{3})+(?!\d)|\d+(?:\.\d+)*|[^\W\d_]+|\S")

#: A number with what is written against it: `5km`, `100MB`, `1st`, `$3`, `15%`.
_MEASURE = re.compile(
    r"([$\u20ac\u00a3\u00a5]?)(\d[\d,]*(?:\.\d+)*)([^\W\d_]*|[%\u00b0$\u20ac\u00a3\u00a5])"
)

_CURRENCIES = {"$": "dollar", "\u20ac": "euro", "\u00a3": "pound", "\u00a5": "yen"}
_SUFFIXES = {"%": "percent", "\u00b0": "degree", **_CURRENCIES}

#: What may be written against a number, by the word that it stands for.
_UNITS = {
    short: word
    for word, shorts in {
        "kilometer": "km kms kilometre kilometres kilometers",
        "centimeter": "cm centimetre centimetres centimeters",
        "millimeter": "mm millimetre millimetres millimeters", "meter": "metre metres meters",
        "foot": "ft feet", "inch": "inches", "mile": "miles mi", "yard": "yd yards",
        "kilogram": "kg kgs kilo kilos kilograms", "milligram": "mg milligrams", "gram": "g grams",
        "pound": "lb lbs pounds", "ounce": "oz ounces", "liter": "l litre litres liters",
        "milliliter": "ml millilitre millilitres milliliters", "kilobyte": "kb kib kilobytes",
        "megabyte": "mb mib meg megs megabytes", "gigabyte": "gb gib gig gigs gigabytes",
        "terabyte": "tb tib terabytes", "byte": "b bytes",
        "millisecond": "ms milliseconds", "secs": "s sec seconds", "minute": "min mins minutes",
        "hour": "h hr hrs hours", "day": "d days", "week": "w wk wks weeks",
        "month": "mo months", "year": "y yr yrs years", "pixel": "px pixels", "am": "am",
        "pm": "pm", "thousand": "k", "percent": "pct", "celsius": "c", "fahrenheit": "f",
        "watt": "w watts", "volt": "v volts", "mph": "mph", "kph": "kph kmh", "times": "x",
    }.items()
    for short in shorts.split()
}  # fmt: skip

#: Bits, where the capital before them says that it counts.
_BITS = {"Kb": "kilobit", "Mb": "megabit", "Gb": "gigabit", "Tb": "terabit"}

#: What is no unit where it is written against a number: 3D, 5G, iPhone 5S, 5M.
_NAMED = frozenset({"d", "D", "G", "S", "H", "Y", "m", "M"})

#: Commands to which a dash alone says where: the last directory, standard input.
_TAKING_A_DASH = frozenset({"cd", "su", "cat", "checkout", "switch"})

#: Abbreviations that are often written without their last dot.
_DOTTED = frozenset({"e.g", "i.e", "a.m", "p.m", "u.s", "u.k"})

#: Behind a mark, these go on with the sentence: `sort! in`, `a? matches`.
_GOING_ON = frozenset(
    {
        "do", "mean", "match", "matches", "method", "operator", "function", "return", "returns",
        "in", "with", "work", "works", "and", "or", "vs", "versus", "from", "for",
    }
)  # fmt: skip

#: Units that are nothing else, also without a number before them.
_PLAIN_UNITS = frozenset(
    word
    for word in _UNITS
    if len(word) > 3 or word in {"km", "kms", "kg", "kgs", "cm", "mm", "lbs", "mph"}
)


def _count(words: str, *, first: int, form: str) -> dict[str, str]:
    """Give words numbers, from `first` on; a dot stands for one that is left out."""
    numbered = enumerate(words.split(), first)
    return {word: form.format(number) for number, word in numbered if word != "."}


#: Words for numbers. `One` is more often no number.
_NUMBERS = {
    **_count(
        "zero . two three four five six seven eight nine ten eleven twelve thirteen fourteen"
        " fifteen sixteen seventeen eighteen nineteen twenty",
        first=0,
        form="{}",
    ),
    **_count("thirty forty fifty sixty seventy eighty ninety", first=3, form="{}0"),
    **_count(
        "fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
        " fifteenth sixteenth seventeenth eighteenth nineteenth twentieth",
        first=4,
        form="{}th",
    ),
}
_FIRST = {"1st": "first", "2nd": "second", "3rd": "third"}

_CONTRACTED = {
    "'s": "'s", "'re": "are", "'m": "am", "'ve": "have", "'ll": "will", "'d": "would",
}  # fmt: skip

#: Negations that are often written without their apostrophe.
_UNMARKED = {
    f"{word}t": f"{word}'t"
    for word in (
        "don", "doesn", "didn", "isn", "aren", "wasn", "weren", "can", "couldn", "wouldn",
        "shouldn", "hasn", "haven", "hadn", "won",
    )
}  # fmt: skip

#: Behind these, `'s` is a verb.
_SUBJECTS = frozenset(
    {"what", "who", "where", "when", "why", "how", "that", "there", "here", "it", "he", "she"}
)


class Token(NamedTuple):
    """A word or a literal part of a text.

    `low` is the word in lower case, or the literal itself. A `slot` is a literal: it must stand in
    another text as well for the two to mean the same.
    """

    low: str
    raw: str
    slot: bool = False
    starts: bool = False  # the first of a sentence
    clause: bool = False  # the first after a comma


def fold(text: str) -> str:
    """Write a text in one of the ways in which it can be written; superscripts stand apart."""
    text = _DOUBLED.sub("", text)
    if text.isascii():
        return text
    text = text.replace("\u00b0C", " celsius").replace("\u00b0F", " fahrenheit")
    text = text.translate(_SIGNS)
    if text.isascii():
        return text
    import unicodedata

    folded: list[str] = []
    for character in text:
        if character.isascii() or character.isalpha():
            folded.append(character)
        elif (digit := unicodedata.decimal(character, None)) is not None:
            folded.append(str(digit))
        elif character.isnumeric():
            folded.append(f" {character} ")  # 2⁵ is not 25, nor is 5½ what NFKC makes of it
        else:
            folded.append(character)
    joined = "".join(folded)
    return joined if joined.isascii() else _compatible(joined)


def _compatible(text: str) -> str:
    import unicodedata

    return "".join(
        c if c.isnumeric() else unicodedata.normalize("NFKC", c)
        for c in unicodedata.normalize("NFC", text)
    ).translate(_SIGNS)


def is_hidden(text: str) -> bool:
    """Tell whether a text holds what nobody sees: control, zero-width or direction characters."""
    if text.isprintable():
        return False
    import unicodedata

    return any(
        unicodedata.category(c) in {"Cc", "Cf", "Cn", "Co", "Cs"}
        for c in text
        if not c.isprintable() and c not in "\t\n\r\v\f"
    )


def tokens(text: str) -> list[Token]:
    """Cut a folded text into words and literals, in their order."""
    found: list[Token] = []
    starts, end = True, 0
    for match in _QUOTED.finditer(text):
        starts = _words(text[end : match.start()], found, starts=starts)
        inner = " ".join((match[1] or match[2] or match[3] or "").split())
        literal = f'"{inner.rstrip(",.")}"' if inner else match[0]
        found.append(Token(literal, literal, slot=True, starts=starts))
        starts, end = False, match.end()
    _words(text[end:], found, starts=starts, last=True)
    return found


def _words(text: str, found: list[Token], *, starts: bool, last: bool = False) -> bool:
    chunks = text.split()
    for at, chunk in enumerate(chunks):
        before = len(found)
        if chunk.isalpha():
            _word(chunk, found)
        elif chunk in {"-", "/", "*"} and _is_dash(chunks, at):
            continue
        elif chunk == "&" and chunks[at - 1 : at] and chunks[at - 1].isalpha():
            _word("and", found)
        elif chunk[-1] in "?!" and _GOING_ON.issuperset(chunks[at + 1 : at + 2] or "."):
            _slot(chunk, found)
        elif not (last and at == len(chunks) - 1 and chunk in {"?", "!"}):
            _chunk(chunk, found)
        if len(found) > before and (starts or (at and chunks[at - 1][-1] == ",")):
            found[before] = found[before]._replace(starts=starts, clause=True)
        starts = chunk[-1] in ".?!:" or (starts and len(found) == before)
    return starts


def _is_dash(chunks: list[str], at: int) -> bool:
    """Tell whether a mark begins a text, or is a dash between words and no minus."""
    around = [*chunks[max(at - 1, 0) : at], *chunks[at + 1 : at + 2]]
    if _TAKING_A_DASH.intersection(around[:1]) or not all(
        c.strip(":,()").isalpha() for c in around
    ):
        return False
    return at == 0 or (len(around) == 2 and chunks[at] != "*" and max(map(len, around)) > 1)


def _word(chunk: str, found: list[Token]) -> None:
    low = chunk.lower()
    if number := _NUMBERS.get(low):
        found.append(Token(number, chunk, slot=True))
    elif low == "cannot":
        found.extend((Token("can", chunk), Token("not", "not")))
    elif low == "whats":
        found.extend((Token("what", chunk), Token("is", "is")))
    elif low in _UNMARKED:
        _apostrophe(_UNMARKED[low], found)
    else:
        found.append(Token(low, chunk))


def _slot(literal: str, found: list[Token]) -> None:
    found.append(Token(literal, literal, slot=True))


def _chunk(chunk: str, found: list[Token]) -> None:
    """Cut what white space surrounds, and that is no plain word."""
    core = _core(chunk)
    if not core:
        _slot(chunk, found)
    elif core.isalpha():
        _word(core, found)
    elif core[0] in "/~\\.-@#" or "://" in core or "\\" in core or core.count("/") > 1:
        if core[0] == "-" and core[1:2].isdigit():
            _arithmetic(core, found)
        else:
            _slot(core, found)
    elif "'" in core and core.replace("'", "").isalpha():
        _apostrophe(core, found)
    elif match := _MEASURE.fullmatch(core):
        _measure(match, core, found)
    elif core[0].isdigit() or not any(c.isalpha() for c in core):
        _arithmetic(core, found)
    elif core.rstrip("+#").isalpha():
        found.append(Token(core.lower(), core, slot=True))  # C++ is not C
    elif _is_abbreviation(chunk, core):
        word = core.replace(".", "")
        found.append(Token(word.lower(), word))  # as its letters
    else:
        _parts(core, found)


def _is_abbreviation(chunk: str, core: str) -> bool:
    """Tell U.S. and e.g. from the pattern `a.b`."""
    dotted = core.isupper() or chunk.rstrip(",;:?!)").endswith(".") or core in _DOTTED
    return dotted and core.replace(".", "").isalpha() and all(len(p) < 2 for p in core.split("."))


def _core(chunk: str) -> str:
    """Take off the punctuation of the sentence around a chunk."""
    core = chunk.rstrip(".,;:?!").removesuffix("(s)").removesuffix("(es)")
    if core and not any(map(str.isalnum, core)):
        return chunk.rstrip(",;:")  # `.*?` is not `.*`
    if chunk[len(core) :].startswith("!") and core[-1:].isdigit():
        core += "!"  # a factorial
    if core.startswith("(") or core.endswith(")"):  # `[` and `{` are no marks of a sentence
        whole = core.startswith("(") and core.endswith(")")
        if whole or (core.count("(") != core.count(")") and not core.strip("()").isdigit()):
            core = core.removeprefix("(").removesuffix(")")
        core = core.rstrip(".,;:?!")
    core = core.lstrip("\u00bf\u00a1")
    return core.strip("'\",") if len(core) > 2 else core


def _apostrophe(core: str, found: list[Token]) -> None:
    low = core.lower()
    if low.endswith("n't"):
        verb = {"won't": "will", "can't": "can", "shan't": "shall", "ain't": "is"}.get(
            low, low[:-3]
        )
        found.extend((Token(verb, core[:-3]), Token("not", "not")))
        return
    stem, mark, rest = low.partition("'")
    if low == "let's":
        found.append(Token("let", core))
    elif mark + rest in _CONTRACTED:
        verb = "is" if rest == "s" and stem in _SUBJECTS else _CONTRACTED[mark + rest]
        found.extend((Token(stem, core[: len(stem)]), Token(verb, rest)))
    elif rest:
        found.append(Token(low.replace("'", ""), core.replace("'", "")))
    else:
        found.append(Token(stem, core[: len(stem)]))


def _measure(match: re.Match[str], core: str, found: list[Token]) -> None:
    currency, number, suffix = match.groups()
    unit = _SUFFIXES.get(suffix) or ("" if suffix in _NAMED else _measured_in(suffix))
    if suffix and not unit:
        if word := _FIRST.get(core.lower()):
            found.append(Token(word, core))
            return
        _slot(core if suffix == "M" else core.lower(), found)  # 3d, 1st, 4chan: a name
        return
    whole, _, part = number.partition(".")
    if suffix in {"k", "K"} and len(part) < 4:
        number, unit = f"{whole}{part:0<3}", ""
    _arithmetic(number, found)
    found.extend(Token(word, word) for word in (unit, _CURRENCIES.get(currency, "")) if word)


def _measured_in(suffix: str) -> str:
    return _BITS.get(suffix) or _UNITS.get(suffix.lower(), "")


def _arithmetic(core: str, found: list[Token]) -> None:
    for piece in _ARITHMETIC.findall(core):
        literal = piece.replace(",", "") if piece[0].isdigit() else piece
        if literal.isalpha():
            _word(literal, found)
        else:
            _slot(literal, found)


def _parts(core: str, found: list[Token]) -> None:
    """Cut at hyphens and at one slash; what is then no word is a literal."""
    pieces = re.split(r"[-/]", core)
    if len(pieces) > 1 and all(map(_is_plain, pieces)) and max(map(len, pieces)) > 1:
        for piece in pieces:
            _chunk(piece, found)
    elif core.isalnum() or core.replace("-", "").isalnum():
        found.append(Token(core.lower(), core, slot=True))  # IPv4, utf-8, sha256
    else:
        _slot(core, found)


def _is_plain(piece: str) -> bool:
    return piece.rstrip("+#").replace("'", "").isalpha()


def unit(token: Token, *, counted: bool) -> str:
    """Return the word that a unit's short form stands for, or the word itself.

    Where no number stands before it, short forms that may mean something else are left alone.
    """
    if not (counted or token.low in _PLAIN_UNITS):
        return token.low
    return _BITS.get(token.raw) or _UNITS.get(token.low, token.low)
