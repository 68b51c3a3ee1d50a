from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import WORDS

from llmc.local.wordpiece import Vocabulary, words

#: How tokenizers 0.23.3 treats each character of the first two planes between two letters: 0 it
#: is dropped, else the number of words that come of it. Python's own tables differ by version.
TREATMENT = "c69aa9c82daa9d8cb158313e648ba1e5f6dc6577524199525151a77d18654ee2"


@pytest.fixture(scope="module")
def vocabulary():
    numbered = sorted((word.encode(), number) for number, word in enumerate(WORDS))
    return Vocabulary(b"".join(b"%s\t%d\n" % pair for pair in numbered))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How do I?", ["how", "do", "i", "?"]),
        ("don't", ["don", "'", "t"]),
        ("a$b+c<d>e^f`g|h~i=j", list("a$b+c<d>e^f`g|h~i=j")),
        ("  \t\n\r\xa0\u2003\u3000x\u2028y ", ["x", "y"]),
        ("a\x00b\x07c\x0bd\x0ce\x85f\x1cg\x7fh", ["abcdefgh"]),
        ("zero\u200bwidth\ufeff so\u00adft \u2066b\u2069", ["zerowidth", "soft", "b"]),
        ("private\ue000use \ufffd", ["privateuse"]),
        ("\ud800half a pair", ["half", "a", "pair"]),
        ("Ü É ñ e\u0301 İ ÅNGSTRÖM", ["u", "e", "n", "e", "i", "angstrom"]),
        ("Straße ΣΊΣΥΦΟΣ", ["straße", "σισυφοσ"]),
        ("東京tower", ["東", "京", "tower"]),
        ("カタ", ["カタ"]),
        ("👩\u200d👧!", ["👩👧", "!"]),
        ("\u2014«x»\u3002", ["\u2014", "«", "x", "»", "\u3002"]),
        ("[MASK] [mask] x[SEP]y", ["[MASK]", "[", "mask", "]", "x", "[SEP]", "y"]),
        ("", []),
    ],
)
def test_a_text_is_cut_into_folded_words(text, expected):
    assert list(words(text)) == expected


def test_every_character_is_treated_as_in_the_reference():
    treatment = bytearray()
    for code in (*range(0xD800), *range(0xE000, 0x20000)):
        found = list(words(f"a{chr(code)}b"))
        treatment.append(ord("0") + (0 if found == ["ab"] else len(found)))

    assert hashlib.sha256(treatment).hexdigest() == TREATMENT


@given(st.text())
def test_words_hold_no_space_and_are_never_empty(text):
    assert all(word and not any(c.isspace() for c in word) for word in words(text))


@given(st.text(), st.text())
def test_texts_with_a_space_between_are_cut_one_after_the_other(first, second):
    assert list(words(f"{first} {second}")) == [*words(first), *words(second)]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("How do I list files?", "[CLS] how do i list files ? [SEP]"),
        ("unbelievable lists", "[CLS] un ##believ ##able list ##s [SEP]"),
        ("sorting", "[CLS] sort ##ing [SEP]"),
        ("sortable zzz", "[CLS] sort ##able [UNK] [SEP]"),
        ("listz", "[CLS] [UNK] [SEP]"),
        ("12", "[CLS] [UNK] [SEP]"),
        ("14", "[CLS] 1 ##4 [SEP]"),
        ("東京 FUSSE fuße", "[CLS] 東 京 [UNK] fuße [SEP]"),
        ("Σσς", "[CLS] [UNK] [SEP]"),
        ("ΣΣ", "[CLS] \u03c3 ##\u03c3 [SEP]"),
        ("what [MASK]", "[CLS] what [MASK] [SEP]"),
        ("", "[CLS] [SEP]"),
        ("a" * 101, "[CLS] [UNK] [SEP]"),
    ],
)
def test_words_are_read_as_the_longest_pieces(vocabulary, text, pieces):
    found = vocabulary.pieces(text, limit=256)

    assert [WORDS[number] for number in found] == pieces.split()


def test_a_word_of_a_hundred_letters_is_still_read(vocabulary):
    assert len(vocabulary.pieces("\u03c3" * 100, limit=256)) == 102
    assert len(vocabulary.pieces("\u03c3" * 101, limit=256)) == 3


def test_a_long_text_is_cut_between_its_marks(vocabulary):
    found = vocabulary.pieces("how unbelievable " * 1_000, limit=8)

    kept = "[CLS] how un ##believ ##able how un [SEP]"
    assert [WORDS[number] for number in found] == kept.split()


@given(st.text(alphabet="abelivunhow ?#ß東\u0301", max_size=60))
def test_known_words_are_found_as_a_dictionary_would(text):
    numbered = sorted((word.encode(), number) for number, word in enumerate(WORDS))
    vocabulary = Vocabulary(b"".join(b"%s\t%d\n" % pair for pair in numbered))

    found = vocabulary.pieces(text, limit=512)

    assert found == [WORDS.index(piece) for piece in ("[CLS]", *_plainly(text), "[SEP]")]


def _plainly(text):
    for word in words(text):
        pieces, rest = [], word
        while rest:
            mark = "##" if pieces else ""
            sizes = [n for n in range(len(rest), 0, -1) if mark + rest[:n] in WORDS]
            if not sizes:
                pieces = ["[UNK]"]
                break
            pieces.append(mark + rest[: sizes[0]])
            rest = rest[sizes[0] :]
        yield from pieces


def test_a_vocabulary_without_its_marks_is_refused():
    with pytest.raises(ValueError, match=r"no \[UNK\] in the vocabulary"):
        Vocabulary(b"a\t0\nb\t1\n")
