from __future__ import annotations

import pytest

from llmc import guards
from llmc.guards import Refusal
from llmc.language import english

NEAR = 0.98


def refusal(new, stored):
    return guards.between(english.parse(new), english.parse(stored), NEAR)


def guard(new, stored):
    found = refusal(new, stored)
    return found and found.guard


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        (
            "what is the name of the ship that was lost?",
            "what is the name of the ship that is lost?",
        ),
        ("where is the gold that was stolen kept?", "where is the gold that will be stolen kept?"),
        ("how do I see who is logged in?", "how do I see who was logged in?"),
        ("what languages do Romans speak?", "what languages did Romans speak?"),
        ("why was the sky red in Oslo?", "why is the sky red in Oslo?"),
        ("who owns the Ritz hotel?", "who owned the Ritz hotel?"),
        ("who won the Oslo race?", "who wins the Oslo race?"),
        ("who lives in Lapland in winter?", "who lived in Lapland in winter?"),
        ("do I have to file taxes in Spain?", "am I allowed to file taxes in Spain?"),
        ("should I have seen a doctor in Oslo?", "should I see a doctor in Oslo?"),
    ],
)
def test_what_was_is_not_what_is_wherever_it_is_said(new, stored):
    assert guard(new, stored) == "verb"
    assert guard(stored, new) == "verb"


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("why was my card declined?", "what is the reason for my card being declined?"),
        ("how did you learn Greek?", "how do you learn Greek?"),
        ("how is asthma treated?", "how do you treat asthma?"),
        ("should I have a cat in Oslo?", "should I have a cat in Oslo then?"),
        ("can I park here on Sundays?", "am I allowed to park here on Sundays?"),
    ],
)
def test_other_verbs_of_the_same_question_pass(new, stored):
    assert guard(new, stored) is None
    assert guard(stored, new) is None


@pytest.mark.parametrize(
    ("new", "stored", "detail"),
    [
        (
            "the first key of a table",
            "a key of the first table",
            "'first' stands in another place",
        ),
        (
            "delete everything but the logs",
            "delete everything and the logs",
            "'except' on one side only",
        ),
        (
            "delete all files save the logs",
            "delete all files and save the logs",
            "'except' on one side only",
        ),
        ("squash commits but keep tags", "squash commits and keep tags", "'but' and 'and'"),
        (
            "can only you see my story?",
            "can you only see my story?",
            "'only' stands in another place",
        ),
        ("mute everyone in a meeting", "mute someone in a meeting", "'everyone' and 'someone'"),
        (
            "few people like liver, why?",
            "a few people like liver, why?",
            "'a few' on one side only",
        ),
        ("the number of users of Oslo", "a number of users of Oslo", "'a number' on one side only"),
        (
            "twice the square of a number",
            "the square of twice a number",
            "'twice' stands in another place",
        ),
        (
            "how much fat is in tea compared to milk?",
            "how much fat is in tea and milk?",
            "one of them compares",
        ),
        (
            "how do I dress for an interview?",
            "how do I dress as an interviewer?",
            "'as an interviewer' on one side only",
        ),
    ],
)
def test_a_word_of_grammar_may_turn_a_question(new, stored, detail):
    assert refusal(new, stored) == Refusal("turning word", detail)
    assert guard(stored, new) == "turning word"


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("delete all files but the logs", "delete all files except the logs"),
        ("can face primer be used as an eye primer?", "can I use face primer as eye primer?"),
        ("does anyone know how to skin a rabbit?", "how do I skin a rabbit?"),
        ("undo the last commit in git", "undo the last git commit"),
        ("how long does a cold last in winter?", "how long do colds last in winter?"),
        ("how do I stay calm while flying?", "how do I stay calm when I fly?"),
        ("what happens when you mix bleach and wine?", "what happens if I mix bleach with wine?"),
    ],
)
def test_words_of_grammar_that_say_the_same_pass(new, stored):
    assert guard(new, stored) is None
    assert guard(stored, new) is None


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("is it ok to eat raw eggs?", "is it dangerous to eat raw eggs?"),
        ("is it fine to drive a cold engine?", "is it bad to drive a cold engine?"),
        ("does salt prevent rust on steel?", "does salt cause rust on steel?"),
    ],
)
def test_one_word_may_exclude_another(new, stored):
    assert guard(new, stored) == "opposites"
    assert guard(stored, new) == "opposites"
