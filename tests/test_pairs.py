from __future__ import annotations

import pytest
from encoder import REWORDED, STORED, THIRD, Embedder, at
from hypothesis import given
from hypothesis import strategies as st

from llmc import pairs
from llmc.calibration import Judged
from llmc.errors import EmbeddingError, InputError
from llmc.pairs import Pair

HEADER = "question1\tquestion2\tlabel\n"
#: What antonyms keep apart, however near.
OPPOSITE = "how do I enable the firewall?", "how do I disable the firewall?"
WEIGHED = "question1\tquestion2\tlabel\tweight\n"


def judged(*found: Pair, embedder: Embedder | None = None) -> list[Judged]:
    model = embedder or Embedder()
    return pairs.measure(found, lambda texts: pairs.embed(model, texts))


# -- reading -------------------------------------------------------------------------------------


def test_a_file_names_its_columns_in_any_order_and_may_have_others():
    text = (
        'cosine\tlabel\tweight\tquestion2\tquestion1\r\n0.9\t1\t2.5\t "b" \ta\r\n\r\n1\t0\t1\td\tc'
    )

    found = pairs.read(text, "p.tsv")

    assert found == [Pair("a", '"b"', True, 2.5), Pair("c", "d", False, 1.0)]


def test_without_weights_all_pairs_weigh_the_same():
    assert pairs.read(f"{HEADER}a\tb\t0\n", "p.tsv") == [Pair("a", "b", False, 1.0)]


@pytest.mark.parametrize("end", ["\u2028", "\x0b", "\x85", "\x0c"])
def test_only_a_newline_ends_a_line(end):
    assert pairs.read(f"{HEADER}a{end}a\tb\t1\n", "p.tsv")[0].first == f"a{end}a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.tsv, line 1: no column is called 'question1'"),
        ("question1,question2,label\n", "p.tsv, line 1: no column is called 'question1'"),
        ("question1\tquestion2\n", "p.tsv, line 1: no column is called 'label'"),
        ("a\tb\t1\n", "p.tsv, line 1: no column is called 'question1'"),
        (
            "question1\tquestion2\tlabel\tlabel\n",
            "p.tsv, line 1: two columns are called 'label'",
        ),
        (HEADER, "p.tsv holds no pairs"),
        (f"{HEADER}\n \n", "p.tsv holds no pairs"),
        (f"{HEADER}a\tb\t1\na\tb\n", "p.tsv, line 3: 2 columns in the place of 3"),
        (f"{HEADER}a\tb\t1\t\n", "p.tsv, line 2: 4 columns in the place of 3"),
        (f"{HEADER}\n\na\tb\t2\n", "p.tsv, line 4: the label '2' is neither 0 nor 1"),
        (f"{HEADER}a\tb\ttrue\n", "p.tsv, line 2: the label 'true' is neither 0 nor 1"),
        (f"{HEADER}a\tb\t\n", "p.tsv, line 2: the label '' is neither 0 nor 1"),
        (f"{HEADER} \tb\t1\n", "p.tsv, line 2: question1 is empty"),
        (f"{HEADER}a\t\t1\n", "p.tsv, line 2: question2 is empty"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_by_its_line(text, message):
    with pytest.raises(InputError) as raised:
        pairs.read(text, "p.tsv")

    assert str(raised.value) == message


@pytest.mark.parametrize("weight", ["", "0", "-1", "nan", "inf", "1e300", "much"])
def test_a_weight_is_a_number_above_0(weight):
    with pytest.raises(InputError, match=r"^p.tsv, line 2: the weight '.*' is no number above 0$"):
        pairs.read(f"{WEIGHED}a\tb\t1\t{weight}\n", "p.tsv")


@given(st.text())
def test_any_text_is_read_or_refused_in_one_line(text):
    try:
        found = str(pairs.read(f"{HEADER}{text}", "p.tsv"))
    except InputError as error:
        found = str(error)

    assert "\n" not in found


# -- measuring -----------------------------------------------------------------------------------


def test_a_pair_that_a_lookup_would_serve_is_judged_at_its_similarity():
    embedder = Embedder(**{THIRD: at(0.91)})

    found = judged(Pair(STORED, THIRD, False), embedder=embedder)

    assert found == [Judged(pytest.approx(0.91, abs=1e-6), False, 1.0)]


def test_a_pair_that_a_guard_refuses_is_never_served_wrongly():
    assert judged(Pair(*OPPOSITE, False)) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("print 5 lines of the log file", "print 7 lines of the log file"),
        ("what is the latest git version?", "what is the latest version of git?"),
        ("word " * 100, "words " * 100),
    ],
)
def test_what_no_similarity_would_serve_is_not_embedded(first, second):
    embedder = Embedder()

    found = judged(Pair(first, second, True), embedder=embedder)

    assert (found, embedder.texts) == ([], [])


def test_equal_questions_tell_nothing_of_an_embedder():
    embedder = Embedder()

    found = judged(Pair(STORED, STORED, True), embedder=embedder)

    assert (found, embedder.texts) == ([], [])


@pytest.mark.parametrize("order", [1, -1])
def test_a_pair_that_stands_there_twice_counts_once_and_rather_as_wrong(order):
    twice = [Pair(STORED, THIRD, True), Pair(THIRD, STORED, False)]

    found = judged(*twice[::order], embedder=Embedder())

    assert [each.right for each in found] == [False]


def test_weights_are_scaled_to_a_mean_of_1():
    found = judged(Pair(STORED, THIRD, True, 30.0), Pair(*OPPOSITE, False, 10.0))

    assert [each.weight for each in found] == [1.5]


def test_a_text_is_embedded_once_the_shortest_first():
    embedder = Embedder()

    judged(Pair(STORED, THIRD, True), Pair(STORED, REWORDED, True), embedder=embedder)

    assert embedder.texts == [[REWORDED, STORED, THIRD]]


# -- embedding -----------------------------------------------------------------------------------


def test_many_texts_are_embedded_in_parts_and_counted():
    embedder, told = Embedder(), []

    found = pairs.embed(embedder, [str(n) for n in range(70)], progress=told.append)

    assert [len(texts) for texts in embedder.texts] == [32, 32, 6]
    assert told == [32, 64, 70]
    assert (len(found.vectors), found.tokens) == (70, 0)


def test_an_embedder_that_fails_midway_says_how_far_it_came():
    embedder = Embedder()

    def fail(done: int) -> None:
        embedder.failure = EmbeddingError("it broke off")

    with pytest.raises(EmbeddingError) as raised:
        pairs.embed(embedder, [str(n) for n in range(70)], progress=fail)

    assert str(raised.value) == "it broke off (after 32 of 70 texts)"


@pytest.mark.parametrize(
    ("billed", "tokens"), [((5, 7, 1), 13), ((5, None, 1), None), ((0, 0, 0), 0)]
)
def test_what_was_billed_is_added_up_unless_a_part_of_it_is_unknown(billed, tokens):
    left = iter(billed)

    class Remote(Embedder):
        def embed(self, texts):
            return super().embed(texts)._replace(tokens=next(left))

    found = pairs.embed(Remote(), [str(n) for n in range(70)])

    assert found.tokens == tokens
