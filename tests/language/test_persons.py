from __future__ import annotations

import pytest

from llmc import guards
from llmc.language import english

NEAR = 0.98


def guard(new, stored):
    found = guards.between(english.parse(new), english.parse(stored), NEAR)
    return found and found.guard


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("can you speak French?", "can I speak French?"),
        ("do you need a visa for Peru?", "do I need a visa for Peru?"),
        ("what do you like about Peru?", "what do I like about Peru?"),
        ("are you better than a human translator?", "is a human translator better than you?"),
        ("can my employer read my mail?", "can I read my employer's mail?"),
        ("why do we hate our boss?", "why does our boss hate us?"),
    ],
)
def test_who_asks_is_not_who_is_asked(new, stored):
    assert guard(new, stored) == "role"
    assert guard(stored, new) == "role"


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("where can I buy fresh figs?", "where can you buy fresh figs?"),
        ("how do I clean my oven?", "how do you clean your oven?"),
        ("can I see who reads my posts?", "can you see who reads your posts?"),
        ("why do I yawn in trains?", "why do you yawn in trains?"),
        ("how can someone control their anger?", "how can I control my anger?"),
        ("how do I wash the rug?", "how do I wash my rug?"),
        ("why is aspirin called a drug?", "why aspirin is called a drug?"),
        ("is it safe for dogs to eat figs?", "are figs safe for dogs to eat?"),
    ],
)
def test_who_may_be_anybody_is_the_same(new, stored):
    assert guard(new, stored) is None
    assert guard(stored, new) is None


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("how do I get my dog to like his crate?", "how do I get my dog to like my crate?"),
        ("how do I get my son to sleep in our bed?", "how do I get my son to sleep in their bed?"),
        ("how do I reset my password?", "how do I reset their password?"),
        ("what is the size of my screen?", "what is the size of your screen?"),
    ],
)
def test_a_thing_of_somebody_is_not_that_of_another(new, stored):
    assert guard(new, stored) == "role"
    assert guard(stored, new) == "role"


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("how do I unlock my wife's phone?", "how do I unlock my phone with my wife?"),
        ("can I give my cat human pills?", "can I give my cat's pills to a human?"),
        ("can my aunt's tree hang over my fence?", "can my tree hang over my aunt's fence?"),
    ],
)
def test_what_belongs_to_somebody_is_told_from_what_is_done_with_him(new, stored):
    assert guard(new, stored) == "role"
    assert guard(stored, new) == "role"


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("what is Peru's largest lake?", "what is the largest lake in Peru?"),
        (
            "what was Austen's first published novel?",
            "what was the first published novel by Austen?",
        ),
        ("how do I change the directory's owner?", "how do I change the directory owner?"),
    ],
)
def test_whose_it_is_may_be_said_in_several_ways(new, stored):
    assert guard(new, stored) is None
    assert guard(stored, new) is None


@pytest.mark.parametrize(
    ("new", "stored", "expected"),
    [
        (
            "do us citizens need a visa for brazil?",
            "do brazil citizens need a visa for us?",
            "role",
        ),
        ("do us banks lend to china?", "does china lend to us banks?", "role"),
        ("do US citizens need a visa?", "do us citizens need a visa?", None),
        ("what are the best schools in us?", "what are the best schools in the US?", None),
        ("tell us about the moons of Mars", "tell me about the moons of Mars", None),
    ],
)
def test_us_may_be_a_country(new, stored, expected):
    assert guard(new, stored) == expected
    assert guard(stored, new) == expected
