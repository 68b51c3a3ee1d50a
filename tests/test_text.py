from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmc import text

C0 = frozenset(map(chr, range(32))) - {"\t", "\n"}
C1 = frozenset(map(chr, range(0x7F, 0xA0)))
#: Unicode's property Bidi_Control (PropList.txt), all of it.
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: The Basic Multilingual Plane: all controls are in it.
EVERYTHING = "".join(map(chr, range(0x10000)))
HOUR, DAY = 3600, 86400

enough = settings(max_examples=200)

#: Texts in which the characters that matter are not rare.
texts = st.text(st.sampled_from([*C0, *C1, *BIDI, *"\t\n ab"]) | st.characters())
digits = st.text("0123456789. smhdwyKMGTB-", max_size=8)


@pytest.fixture(scope="module")
def shown():
    """All characters that are left of all there are."""
    return frozenset(text.visible(EVERYTHING))


@pytest.mark.parametrize("unsafe", [C0, C1, BIDI], ids=["C0", "C1 and DEL", "bidi"])
def test_a_terminal_gets_nothing_that_it_would_obey(unsafe, shown):
    assert unsafe & shown == frozenset()


def test_all_that_a_terminal_shows_is_left_as_it_is(shown):
    assert frozenset(EVERYTHING) - shown <= C0 | C1 | BIDI


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[2J", "\ufffd[2J"),
        ("\x1b]52;c;cm0=\x07", "\ufffd]52;c;cm0=\ufffd"),
        ("\x9b2J", "\ufffd2J"),
        ("safe\u202etxt.exe", "safe\ufffdtxt.exe"),
        ("ünï 日本 👍🏽", "ünï 日本 👍🏽"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_what_is_replaced_leaves_a_mark(said, shown):
    assert text.visible(said) == shown


@enough
@given(texts, texts)
def test_visible_works_on_any_piece_of_a_text(one, other):
    assert text.visible(one + other) == text.visible(one) + text.visible(other)


@enough
@given(texts)
def test_what_is_visible_stays_as_it_is(said):
    shown = text.visible(said)

    assert text.visible(shown) == shown
    assert len(shown) == len(said)


@enough
@given(texts, st.integers(1, 20))
def test_one_line_is_one_line_that_fits(said, width):
    line = text.one_line(said, width=width)

    assert len(line) <= width
    assert line == text.visible(line)
    assert line.splitlines() in ([], [line])
    assert "\t" not in line


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("", ""),
        ("  a \t b\n\nc ", "a b c"),
        ("a\r\nb", "a b"),
        ("a\u2028b\u2029c", "a b c"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("x" * 500, "x" * 500),
    ],
)
def test_a_text_on_one_line_keeps_its_words(said, line):
    assert text.one_line(said) == line


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("1234567890", "1234567890"),
        ("12345678901", "123456789…"),
        ("a b\nc d\ne f", "a b c d e…"),
        ("a" + " " * 100 + "b", "a b"),
        ("x" * 10_000, "xxxxxxxxx…"),
    ],
)
def test_a_line_that_was_cut_says_so(said, line):
    assert text.one_line(said, width=10) == line


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.9, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (HOUR, "1 h"),
        (DAY - 1, "23 h"),
        (DAY, "1 d"),
        (400 * DAY, "400 d"),
    ],
)
def test_an_age_is_said_as_a_person_would(seconds, said):
    assert text.age(seconds) == said


@pytest.mark.parametrize(
    ("duration", "said"),
    [(0, "0.00 s"), (0.016, "0.02 s"), (0.1, "0.1 s"), (1.94, "1.9 s"), (10, "10 s"), (75, "75 s")],
)
def test_a_short_duration_is_said_in_seconds(duration, said):
    assert text.seconds(duration) == said


@pytest.mark.parametrize(
    ("nusd", "said"),
    [
        (0, "$0"),
        (1, "$0.000000001"),
        (160, "$0.00000016"),
        (420_000, "$0.00042"),
        (4_100_000, "$0.0041"),
        (7_000_000, "$0.0070"),
        (9_960_000, "$0.010"),
        (99_500_000, "$0.10"),
        (500_000_000, "$0.50"),
        (999_999_999, "$1.00"),
        (1_234_567_890, "$1.23"),
        (123_456_789_000, "$123.46"),
        (-4_100_000, "-$0.0041"),
        (-1_500_000_000, "-$1.50"),
    ],
)
def test_money_is_written_in_dollars_with_two_digits(nusd, said):
    assert text.usd(nusd) == said


@enough
@given(st.integers(-(10**15), 10**15))
def test_money_that_is_written_is_the_money_that_was_meant(nusd):
    written = text.usd(nusd)

    assert float(written.replace("$", "")) == pytest.approx(nusd / 1e9, rel=0.05, abs=0)
    assert "e" not in written


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("1.5", 1.5),
        ("0s", 0),
        ("15s", 15),
        ("15m", 900),
        ("24h", DAY),
        ("1.5h", 5400),
        (".5m", 30),
        ("7d", 7 * DAY),
        ("2w", 14 * DAY),
        ("1y", 365 * DAY),
        ("1h30m", 5400),
        ("1d12h", 1.5 * DAY),
        (" 24h\n", DAY),
    ],
)
def test_a_duration_is_read_in_seconds(said, seconds):
    assert text.duration(said) == seconds


@pytest.mark.parametrize(
    "said",
    [
        "",
        " ",
        "h",
        "-5",
        "-1h",
        "+5",
        "1h30",
        "1hm",
        "1.2.3",
        ".",
        "1,5h",
        "1e3",
        "5H",
        "5 minutes",
        "soon",
        "nan",
        "inf",
        "٣h",
        "²",
        "1_000",
        "0x10",
        "9" * 400,
        "9" * 400 + "h",
    ],
)
def test_what_is_no_duration_is_refused_with_an_example(said):
    with pytest.raises(ValueError, match="is not a duration") as refused:
        text.duration(said)

    assert str(refused.value) == f"{said!r} is not a duration such as 90s, 15m, 24h, 7d or 2w"


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ("0", 0),
        ("500000", 500_000),
        ("500B", 500),
        ("64K", 65_536),
        ("64k", 65_536),
        ("64KB", 65_536),
        ("64KiB", 65_536),
        ("1.5M", 1_572_864),
        ("200M", 209_715_200),
        ("2GB", 2_147_483_648),
        ("1T", 1_099_511_627_776),
        (" 2G ", 2_147_483_648),
    ],
)
def test_a_size_is_read_in_bytes(said, size):
    assert text.size(said) == size


@pytest.mark.parametrize(
    "said",
    [
        "",
        "B",
        "K",
        "KB",
        "-5",
        "-5K",
        "1KK",
        "1BB",
        "1iB",
        "1P",
        "1.2.3",
        "1e3",
        "big",
        "nan",
        "inf",
        "²",
        "ß",
        "9" * 400,
        "9" * 400 + "K",
    ],
)
def test_what_is_no_size_is_refused_with_an_example(said):
    with pytest.raises(ValueError, match="is not a size") as refused:
        text.size(said)

    assert str(refused.value) == f"{said!r} is not a size such as 500000, 64K, 200M or 2G"


@enough
@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_the_parts_of_a_duration_add_up(hours, minutes, seconds):
    total = text.duration(f"{hours}h{minutes}m{seconds}s")

    assert total == hours * HOUR + minutes * 60 + seconds


def outcome(read, said):
    try:
        return read(said)
    except ValueError:
        return 0


@enough
@given(digits | st.text())
def test_any_text_is_a_duration_or_a_value_error(said):
    seconds = outcome(text.duration, said)

    assert math.isfinite(seconds)
    assert seconds >= 0


@enough
@given(digits | st.text())
def test_any_text_is_a_size_or_a_value_error(said):
    assert outcome(text.size, said) >= 0


@pytest.mark.parametrize(
    ("saved_nusd", "line"),
    [
        (4_100_000, "exact hit, 3 d old, saved $0.0041"),
        (0, "exact hit, 3 d old, saved 1.9 s"),
        (None, "exact hit, 3 d old, saved 1.9 s (price unknown)"),
    ],
)
def test_a_hit_says_what_it_saved(saved_nusd, line):
    assert text.hit_line("exact", 3.5 * DAY, saved_nusd, 1.9) == line


def test_a_hit_that_saved_nothing_known_does_not_boast():
    """An answer that was put by hand took nobody's time and money."""
    assert text.hit_line("exact", 3.5 * DAY, None, 0.0) == "exact hit, 3 d old"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 s"), (0.5, "0.5 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"),
        (5400, "1 h 30 min"), (90.5, "1 min 30.5 s"), (86400, "1 d"), (129600, "1 d 12 h"),
        (1e10, "115740 d 17 h 46 min 40 s"),
    ],
)  # fmt: skip
def test_a_duration_is_written_in_full(seconds, written):
    assert text.span(seconds) == written


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [
        (0, "entry", "0 entries"),
        (1, "entry", "1 entry"),
        (2, "entry", "2 entries"),
        (1000, "entry", "1,000 entries"),
        (1, "answer", "1 answer"),
        (1_234_567, "answer", "1,234,567 answers"),
    ],
)
def test_a_number_agrees_with_its_noun(count, noun, said):
    assert text.plural(count, noun) == said


@pytest.mark.parametrize(
    ("words", "said"),
    [("a“b”", "a“b”"), ("a\nb", "a\\nb"), ("\x1b[31m", "\\x1b[31m"), ("\u202eb", "\\u202eb")],
)
def test_what_cannot_be_seen_is_written_as_python_does(words, said):
    assert text.escaped(words) == said


@pytest.mark.parametrize(
    ("size", "digits", "said"),
    [(0, 1, "0.0 MB"), (60_000, 1, "0.1 MB"), (1_234_500_000, 1, "1,234.5 MB"), (2e6, 0, "2 MB")],
)
def test_megabytes_are_those_of_disks(size, digits, said):
    assert text.megabytes(size, digits) == said
