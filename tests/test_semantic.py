from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from llmc import semantic
from llmc.language import english
from llmc.semantic import Question, Refusal, accept, pair_key, question, threshold

enough = settings(max_examples=200)


def serves(new, stored, *, similarity=1.0, limit=0.9):
    """Tell whether the answer of one prompt may serve another one."""
    asked = [question(new), question(stored)]
    return not any(isinstance(found, Refusal) for found in asked) and (
        accept(*asked, similarity=similarity, threshold=limit) is None
    )


# -- what is compared, and what must be equal ----------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("How do I peel a mango?", "How do I peel a mango?"),
        ("  How do I\n  peel a\tmango? \n", "How do I peel a mango?"),
        ("How do I peel a mango?\n\n\n", "How do I peel a mango?"),
        ("\n\n  \nHow do I peel a mango?", "How do I peel a mango?"),
        ("Please, how do I peel a mango?", "Please, how do I peel a mango?"),
    ],
)
def test_the_text_is_the_prompt_with_its_white_space_folded(prompt, text):
    found = question(prompt)

    assert (found.text, found.rest) == (text, "")


@pytest.mark.parametrize(
    ("prompt", "slots"),
    [
        ("how do I peel a mango?", ()),
        ("what is 7 times 8?", ("7", "8")),
        ("what is 8 times 7?", ("7", "8")),
        ("what is seven times 8?", ("7", "8")),
        ("what does ls -la /etc do?", ("-la", "/etc")),
        ('rename "a b" to `c d`', ('"a b"', '"c d"')),
        ("read https://example.org/x slowly", ("https://example.org/x",)),
        ("what is IPv4 used for?", ("ipv4",)),
    ],
)
def test_the_slots_are_the_literals_in_their_order_as_text(prompt, slots):
    assert question(prompt).slots == slots


@pytest.mark.parametrize(
    "prompt",
    [
        "How do I peel a mango?",
        "how to peel a mango",
        "Please tell me how to peel a mango.",
        "Hi, what is the best way to peel a mango?",
    ],
)
def test_the_wording_is_the_plainest_way_to_ask_for_the_same(prompt):
    assert question(prompt).wording == "how to peel a mango"


def test_a_text_without_plain_words_is_its_own_wording():
    assert question("I want to know").wording == "I want to know"


# -- code ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "text", "rest"),
    [
        ("Explain this code\n```\na = 1\n```", "Explain this code", "```\na = 1\n```"),
        ("Explain this code\n```py\na = 1\n```\n", "Explain this code", "```py\na = 1\n```"),
        ("```\na = 1\n```\nExplain this code", "Explain this code", "```\na = 1\n```"),
        ("Explain this code\n~~~\na = 1\n~~~", "Explain this code", "~~~\na = 1\n~~~"),
        ("Explain this code\n~~~\n```\n~~~", "Explain this code", "~~~\n```\n~~~"),
        ("Explain this code\n```\n~~~\n```", "Explain this code", "```\n~~~\n```"),
        ("Explain this code\n````\n```\n````", "Explain this code", "````\n```\n````"),
        ("Explain this code\n```\na = 1\n````", "Explain this code", "```\na = 1\n````"),
        ("Explain this code\n  ```\n  a\n  ```", "Explain this code", "```\n  a\n  ```"),
        ("Explain this code\n```\na = 1", "Explain this code", "```\na = 1"),
        ("Explain this code\n```\n\n\na = 1\n\n", "Explain this code", "```\n\n\na = 1\n\n"),
        ("Explain this code\n```\na\n```\n```\nb\n```", "Explain this code",
         "```\na\n```\n```\nb\n```"),
    ],
)  # fmt: skip
def test_fenced_code_must_be_equal(prompt, text, rest):
    found = question(prompt)

    assert found.text == text
    assert found.rest.split() == rest.split()
    assert found.rest.count("\n") >= rest.count("\n") - 1


def test_another_fence_of_code_is_another_question():
    first = "How do I shorten this code?\n```\na = 1\n```"
    second = first.replace("1", "2")

    found = accept(question(first), question(second), similarity=1.0, threshold=0.9)

    assert found == Refusal("rest", "what is asked about is not the same text")
    assert serves(first, "How can I shorten this code?\n```\na = 1\n```")


def test_marks_within_a_line_are_no_fence():
    found = question("what do ``` marks do in Markdown?")

    assert found.rest == ""


# -- a document ----------------------------------------------------------------------------------


def test_what_stands_before_the_instruction_must_be_equal():
    document = "First paragraph, now.\n\nA random second one.\n\n"

    found = question(document + "How do I summarize it well?", at=len(document))

    assert found.text == "How do I summarize it well?"
    assert found.rest == document.rstrip("\n")


@pytest.mark.parametrize("at", [-5, 0])
def test_an_instruction_may_begin_at_the_first_character(at):
    assert question("How do I peel a mango?", at=at) == question("How do I peel a mango?")


def test_an_instruction_behind_the_end_is_none():
    assert question("How do I peel a mango?", at=1000).guard == "too short"


def test_a_document_comes_before_code_and_both_before_what_stands_behind_a_colon():
    prompt = "Document\nFix the grammar of this: me are\n```\na\n```"

    found = question(prompt, at=len("Document\n"))

    assert found.rest.split("\n") == ["Document", "```", "a", "```", "me are"]
    assert found.text == "Fix the grammar of this:"


# -- what stands behind a colon ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "text", "rest"),
    [
        ("Translate to French: good morning", "Translate to French:", "good morning"),
        ("Translate to French:   good:  morning", "Translate to French:", "good: morning"),
        ("Is the grammar of this right: me are", "Is the grammar of this right:", "me are"),
        ("How do I say this in Thai: good day", "How do I say this in Thai:", "good day"),
        ("Classify this review: it broke", "Classify this review:", "it broke"),
        (
            "What is the main topic here: war and peace",
            "What is the main topic here:",
            "war and peace",
        ),
        ("Who was the better player: A or B?", "Who was the better player:", "A or B?"),
    ],
)
def test_what_an_instruction_is_about_must_be_equal(prompt, text, rest):
    found = question(prompt)

    assert (found.text, found.rest) == (text, rest)


@pytest.mark.parametrize(
    "prompt",
    [
        "Hello: how do I peel a mango?",
        "Kitchen help needed: what peels a mango?",
        "Is 10:30 a good time to sleep?",
        "what does std::move do in C++?",
        "how do I peel a mango:",
    ],
)
def test_a_headline_comes_before_the_question(prompt):
    found = question(prompt)

    assert (found.text, found.rest) == (prompt, "")


# -- exact only ----------------------------------------------------------------------------------

SHAPES = [
    ("How do I peel a mango?\n\nAnd a kiwi?", "paragraphs", "it has several paragraphs"),
    ("How do I\n   \npeel a mango?", "paragraphs", "it has several paragraphs"),
    ("Explain this:\n```\na\n```\nAnd\n\nthat", "paragraphs", "it has several paragraphs"),
    ("Explain this code\n```\na\n```\nand that code", "paragraphs", "it has several paragraphs"),
    ("pear " * 61, "length", "it has more than 60 words"),
    ("a pear " + "x" * 201, "length", "it has a word of more than 200 letters"),
    (" ".join(["x" * 199] * 11), "length", "it has more than 2,000 characters"),
    ("how do I\npeel\na\nmango?", "lines", "it has more than 3 lines"),
    ("how do I peel a man\u200bgo?", "hidden characters", "it holds characters that nobody sees"),
    ("how do I peel \u202ea mango?", "hidden characters", "it holds characters that nobody sees"),
    ("how do I peel a\x00 mango?", "hidden characters", "it holds characters that nobody sees"),
    ("why?", "too short", "it has fewer than two words that say something"),
    ("", "too short", "it has fewer than two words that say something"),
    ("```\na\n```", "too short", "it has fewer than two words that say something"),
    ("is the museum open today?", "present", "'today' names the present"),
    ("who is the mayor this year?", "present", "'this year' names the present"),
    ("tell me a random cat fact", "randomness", "'random' asks for another answer each time"),
]


@pytest.mark.parametrize(("prompt", "guard", "detail"), SHAPES)
def test_some_questions_are_answered_with_their_own_answer_alone(prompt, guard, detail):
    assert question(prompt) == Refusal(guard, detail)


@pytest.mark.parametrize(
    "prompt",
    [
        "pear " * 60,
        "a pear " + "x" * 200,
        " ".join(["x" * 199] * 10),
        "how do I\npeel a\nmango?",
        "Explain this code\n```\n" + "a = 1\n\n" * 200 + "```",
        "Explain this code\n\n```\nfirst\n```\n\n",
        "Translate this to French: what is new today?",
    ],
)
def test_up_to_the_limits_a_question_may_be_compared(prompt):
    assert isinstance(question(prompt), Question)


def test_limits_are_those_of_the_instruction_not_of_the_document():
    document = "long and random, today\n\n" * 1000

    assert isinstance(question(f"{document}How do I shorten it well?", at=len(document)), Question)


def test_a_short_later_turn_is_exact_only():
    assert question("and how do I peel a kiwi?", follows=True) == Refusal(
        "follow-up", "it is a short turn of a conversation"
    )
    assert isinstance(question("how do I peel a mango with a small knife?", follows=True), Question)


# -- may it serve --------------------------------------------------------------------------------

MANGO = Question("how do I peel a mango?", "", (), "how to peel a mango")


def other(**changes):
    return MANGO._replace(**changes)


def test_the_first_reason_is_that_of_the_text_then_literals_similarity_verdict_and_guards():
    kiwi = "how do I peel a kiwi?"
    all_but = [
        accept(other(text=kiwi, rest="a", slots=("-x",)), MANGO,
               similarity=0.1, threshold=0.9, vetoed=True),
        accept(other(text=kiwi, slots=("-x",)), MANGO, similarity=0.1, threshold=0.9, vetoed=True),
        accept(other(text=kiwi), MANGO, similarity=0.1, threshold=0.9, vetoed=True),
        accept(other(text=kiwi), MANGO, similarity=0.9, threshold=0.9, vetoed=True),
        accept(other(text=kiwi), MANGO, similarity=0.9, threshold=0.9),
        accept(MANGO, MANGO, similarity=0.9, threshold=0.9),
    ]  # fmt: skip

    assert all_but == [
        Refusal("rest", "what is asked about is not the same text"),
        Refusal("literals", "'-x' is not in both questions"),
        Refusal("similarity", "0.100 is less than 0.900"),
        Refusal("verdict", "this pair was said to be wrong"),
        Refusal("substitution", "'kiwi' and 'mango'"),
        None,
    ]


@pytest.mark.parametrize(
    ("similarity", "detail"),
    [
        (math.nan, "nan is less than 0.900"),
        (-math.inf, "-inf is less than 0.900"),
        (-1.0, "-1.000 is less than 0.900"),
        (0.0, "0.000 is less than 0.900"),
        (math.nextafter(0.9, 0), "0.900 is less than 0.900"),
    ],
)
def test_what_is_not_at_least_the_threshold_is_refused(similarity, detail):
    found = accept(MANGO, MANGO, similarity=similarity, threshold=0.9)

    assert found == Refusal("similarity", detail)


def test_a_similarity_equal_to_the_threshold_will_do():
    assert accept(MANGO, MANGO, similarity=0.9, threshold=0.9) is None


@pytest.mark.parametrize("limit", [math.nan, math.inf])
def test_a_threshold_that_nothing_reaches_refuses_equal_questions(limit):
    assert accept(MANGO, MANGO, similarity=1.0, threshold=limit).guard == "similarity"


@pytest.mark.parametrize(
    ("new", "stored", "name", "detail"),
    [
        (("7",), ("8",), "numbers", "'7' is not in both questions"),
        (("8",), ("7",), "numbers", "'7' is not in both questions"),
        ((), ("7",), "numbers", "'7' is not in both questions"),
        (("-a", "7"), ("-b", "7"), "literals", "'-a' is not in both questions"),
        (("-a",), ("7",), "numbers", "'-a' is not in both questions"),
        (("/etc", "7"), ("7",), "literals", "'/etc' is not in both questions"),
        (("7", "7"), ("7",), "numbers", "'7' is not in both questions"),
        (('"7"',), ('"8"',), "literals", "'\"7\"' is not in both questions"),
    ],
)
def test_slots_that_differ_are_named(new, stored, name, detail):
    found = accept(other(slots=new), other(slots=stored), similarity=1.0, threshold=0.9)

    assert found == Refusal(name, detail)


def test_a_similarity_decides_how_much_a_word_more_says():
    new, stored = question("who makes gaming laptops?"), question("who makes laptops?")

    assert accept(new, stored, similarity=0.954, threshold=0.9).guard == "narrowing"
    assert accept(new, stored, similarity=0.955, threshold=0.9) is None


# -- thresholds ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("embedder", "error", "calibrated", "expected"),
    [
        ("minilm", "10%", None, (0.90, True)),
        ("minilm", "5%", None, (0.955, True)),
        ("minilm", "strict", None, (0.98, True)),
        ("minilm", "5%", {}, (0.955, True)),
        ("minilm", "1%", None, (0.98, False)),
        ("openai", "5%", None, (0.95, False)),
        ("openai", "5%", {}, (0.95, False)),
        ("openai", "10%", {"10%": 0.7}, (0.7, True)),
        ("openai", "5%", {"10%": 0.7}, (0.95, False)),
        ("openai", "5%", {"10%": 0.97}, (0.97, False)),
        ("minilm", "5%", {"5%": 0.93}, (0.93, True)),
        ("minilm", "5%", {"10%": 0.93}, (0.98, False)),
        ("minilm", "5%", {"10%": 0.99}, (0.99, False)),
        ("", "", None, (0.95, False)),
    ],
)
def test_a_threshold_is_what_was_measured_or_the_strictest_that_is_known(
    embedder, error, calibrated, expected
):
    assert threshold(embedder, error, calibrated) == expected


def test_what_was_never_measured_is_no_looser_than_the_promise_of_five_percent_of_any():
    assert threshold("another", "strict")[0] >= semantic.UNCALIBRATED


# -- a pair's name -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I peel a mango?", "how do i peel a mango"),
        ("How do I   peel\na mango!", "how do I peel a mango?"),
        ("It\u2019s a \u201cmango\u201d", 'It\'s a "mango"'),
        ("STRASSE auf", "Stra\u00dfe auf"),
        ("Explain this\n```\na\n```", "explain this\n```\nb\n```"),
    ],
)
def test_a_pair_is_the_same_however_its_questions_are_written(one, other):
    assert pair_key(one, "why?") == pair_key(other, "Why")
    assert pair_key("why?", one) == pair_key(other, "Why")


@pytest.mark.parametrize(
    ("one", "other"), [("peel a mango", "peel a kiwi"), ("a b", "ab"), ("a 1", "a 2"), ("", "a")]
)
def test_another_question_makes_another_pair(one, other):
    assert pair_key(one, "why") != pair_key(other, "why")


def test_a_pair_is_one_text_of_two_lines():
    assert pair_key("Why?", "How so?") == "how so\nwhy"


# -- whatever the text ---------------------------------------------------------------------------

WORDS = """
    how do does did is are can should what who whose when where why which I you me he him she they a
    the of to from in on by with without not no never and or then if before after between than like
    most all only both peel mango kiwi Paris python Python big large good best easy child person get
    make use find delete remove open close two 7 7.5 -x "a b" `c` /etc 5km ? , : . list write please
"""

sentences = st.lists(st.sampled_from(WORDS.split()), max_size=12).map(" ".join)
texts = st.one_of(sentences, st.text(max_size=60))
similarities = st.floats(allow_nan=True, allow_infinity=True)
questions = texts.map(question).filter(lambda found: isinstance(found, Question))
raw_questions = st.builds(Question, texts, st.just(""), st.just(()), st.text(max_size=5))


@enough
@given(st.one_of(texts, st.text()), st.integers(-5, 100), st.booleans())
def test_any_text_is_a_question_or_says_why_not(text, at, follows):
    found = question(text, at=at, follows=follows)

    assert isinstance(found, Question | Refusal)


@enough
@given(raw_questions, raw_questions, similarities, similarities, st.booleans())
def test_any_two_texts_may_be_compared(new, stored, similarity, limit, vetoed):
    found = accept(new, stored, similarity=similarity, threshold=limit, vetoed=vetoed)

    assert found is None or isinstance(found, Refusal)


@enough
@given(questions)
def test_a_question_accepts_itself(asked):
    assert accept(asked, asked, similarity=1.0, threshold=1.0) is None


@enough
@given(questions, questions, st.floats(-1, 1), st.floats(-1, 1))
def test_what_is_accepted_stays_so_where_it_is_nearer(new, stored, one, other):
    lower, higher = sorted((one, other))

    far = accept(new, stored, similarity=lower, threshold=-1.0)
    near = accept(new, stored, similarity=higher, threshold=-1.0)

    assert far is not None or near is None


TEMPLATES = (
    "how do I resize {} photos?",
    "what does {} mean in a log file?",
    "write a poem of {} lines about rain",
    "is it safe to run a job with {} on a server?",
)
templates = st.sampled_from(TEMPLATES)
words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=5, max_size=9)


@enough
@given(templates, st.integers(0, 10**9), st.integers(0, 10**9))
def test_another_number_is_always_refused(template, one, other):
    other += one == other

    assert not serves(template.format(one), template.format(other))


@enough
@given(templates, words, words)
def test_another_quoted_word_is_always_refused(template, one, other):
    other += "x" * (one == other)

    assert not serves(template.format(f'"{one}"'), template.format(f'"{other}"'))


@enough
@given(templates, words, words)
def test_another_flag_is_always_refused(template, one, other):
    other += "x" * (one == other)

    assert not serves(template.format(f"--{one}"), template.format(f"--{other}"))


@pytest.mark.parametrize(
    ("plain", "denied"),
    [
        ("does {} run on Windows?", "does {} not run on Windows?"),
        ("which {} are legal in Spain?", "which {} are not legal in Spain?"),
        ("how do I {} in public?", "how do I not {} in public?"),
        ("why can I {} at night?", "why can I not {} at night?"),
    ],
)
@enough
@given(word=words)
def test_a_not_more_is_always_refused(plain, denied, word):
    assert not serves(plain.format(word), denied.format(word))
    assert not serves(denied.format(word), plain.format(word))


@pytest.mark.parametrize(
    "template",
    [
        "how do I get from {} to {}?",
        "convert this file from {} to {}",
        "how long is the flight from {} to {}?",
        "what is lost in translation from {} to {}?",
    ],
)
@enough
@given(one=words, other=words)
def test_from_and_to_turned_round_are_always_refused(template, one, other):
    assume(english.stem(one) != english.stem(other))

    assert not serves(template.format(one, other), template.format(other, one))


@enough
@given(
    st.lists(st.text("абвгдежзиклмнопрст", min_size=2, max_size=6), min_size=2, max_size=6),
    st.lists(st.text("абвгдежзиклмнопрст", min_size=2, max_size=6), min_size=2, max_size=6),
)
def test_in_another_script_the_same_words_alone_are_accepted(one, other):
    first, second = " ".join(one), " ".join(other)

    assert serves(first, second) == (one == other)
    assert serves(f"{first}?", f" {first} ")


POLITE = ("please {}", "hi, {}", "could you tell me {}", "hello! can you please tell me {}")
BARE = ("how to peel a mango?", "how to peel a kiwi?", "what is the height of Ben Nevis?")


@pytest.mark.parametrize("polite", POLITE)
@pytest.mark.parametrize("new", BARE)
@pytest.mark.parametrize("stored", BARE)
def test_politeness_changes_no_verdict(polite, new, stored):
    assert serves(polite.format(new), stored) == (new == stored)
    assert serves(new, polite.format(stored)) == (new == stored)
    assert serves(polite.format(new), polite.format(stored)) == (new == stored)
