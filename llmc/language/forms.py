"""What does a question ask for: a way, a reason, a number, a name?

Approximate on purpose: two questions whose forms are mistaken for different ones cost a hit.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from llmc.language import lexicon

if TYPE_CHECKING:
    from llmc.language.tokens import Token

__all__ = ["CHOICE", "COMPARED", "DOING", "Form", "asked", "deed", "may_be_the_same", "wording"]


class Form(NamedTuple):
    """What a question asks for, `how to`, `why`, `order`, ...; and its words, in lower case."""

    name: str
    words: tuple[str, ...]


#: Forms that ask for something to be done, or for how it is done: every word of them counts.
DOING = frozenset({"how to", "order", "write"})

#: Forms that may all offer the same things to choose from.
CHOICE = frozenset({"who", "what", "yes or no", "should", "order"})

#: Words by which things are compared.
COMPARED = lexicon.ALIKE - {"and", "or", "both", "either"}

#: So many words of a second question are looked at.
_LONGEST = 60

_WH = frozenset({"what", "which", "who", "whom", "whose", "when", "where", "why", "how"})
_OPENING = _WH | lexicon.AUXILIARIES
_SOMEBODY = frozenset({"i", "you", "we", "one", "they", "someone", "people"})
_BEING = frozenset({"is", "'s", "are", "was", "were", "it", "does", "did", "would", "will"})
_DEGREES = frozenset({"good", "bad"}) | lexicon.MEASURES.keys()
_WITHIN = frozenset({"in", "at", "on"})
_BEFORE_WH = _WITHIN | {"for", "by", "to", "from", "with", "under", "since", "until", "against"}
_DOERS = frozenset({"whom", "which", "what"})

#: `How did they` tells a story, where `how do they` asks for a way.
_HAPPENED = frozenset({"did", "was", "were", "had", "has", "have", "is", "are", "am"})
_MAY = frozenset({"should", "can", "could"})
_MINE = frozenset({"i", "me", "my", "mine", "myself", "we", "us", "our"})
_YOURS = frozenset({"you", "your", "yours", "yourself"})
_THEIRS = frozenset({"they", "them", "their", "theirs", "themselves"})
#: Of whom nothing may be said for a subject to be anybody, by the subject.
_FOREIGN = {
    "i": _YOURS, "we": _YOURS, "you": _MINE, "one": frozenset(),
    "someone": _MINE | _YOURS, "people": _MINE | _YOURS, "they": _MINE | _YOURS | _THEIRS,
}  # fmt: skip
_FILLERS = frozenset(
    {"so", "and", "but", "please", "hi", "hello", "hey", "ok", "okay", "seriously"}
) | {"basically", "just", "actually"}

#: What may stand before `ways to` without narrowing which.
_LITTLE = (lexicon.FUNCTION | lexicon.LIGHT | lexicon.WAYS) - lexicon.TURNING - lexicon.NEGATIONS

#: Orders that may follow a `can you`.
_ORDERS = lexicon.WRITING | {
    "explain", "describe", "define", "list", "suggest", "recommend", "name", "convert", "compare",
}  # fmt: skip
_ASKED = frozenset({"you", "someone", "anyone", "somebody", "anybody"})
_ASKING = frozenset({"can", "could", "would", "will"})

#: What a question may begin with, and still be what follows.
_POLITE = tuple(
    tuple(phrase.split())
    for phrase in (
        *(
            f"{may} {who} {verb}"
            for may in sorted(_ASKING)
            for who in sorted(_ASKED)
            for verb in (
                "please", "tell me", "tell us", "explain to me", "help me", "show me", "give me",
                "let me know", "teach me",
            )
        ),
        *(f"would you mind {verb} me" for verb in ("telling", "showing", "giving")),
        "may i ask", "can i ask", "do you happen to know", "i was wondering", "i am wondering",
        "any idea", "do you know", "does anyone know", "does anybody know", "do you have any idea",
        "does anyone have any", "does anyone have a", "do you have any", "tell me", "let me know",
        "i want to know", "i would like to know", "i need to know", "i am trying to", "show me",
        "give me", "help me", "i want to", "i would like to", "i need to", "i wonder",
        "in your opinion",
    )
)  # fmt: skip

#: Forms that ask for the same: an order is done by saying how.
_SAME = {
    frozenset(pair)
    for pair in (
        ("how to", "order"), ("what", "order"), ("write", "order"), ("how many", "order"),
        ("how", "what like"),
    )
}  # fmt: skip

#: Forms that may ask for the same where all else is very near.
_NEARLY = {
    frozenset(pair)
    for pair in (("yes or no", "how"), ("what", "how to"), ("what", "what like"), ("how", "what"))
}


def asked(found: list[Token]) -> tuple[Form, ...]:
    """Name what each question of a text asks for, in their order; an order if there is none."""
    clauses = _clauses(found)
    forms = [_form(words) for words in clauses]
    for words in clauses:
        forms += [
            Form(word, tuple(words[at : at + _LONGEST]))
            for at, word in enumerate(words)
            if word in _WH and at > 1 and words[at - 1] in {"and", "or"}
        ]
    questions = tuple(form for form in forms if form.name not in {"", "order"})
    return questions or (Form("order", tuple(token.low for token in found)),)


def wording(found: list[Token]) -> str:
    """Write a text as its vector is made of it: without what is polite, `how to` for all ways."""
    return " ".join(" ".join(_plain(form)) for form in map(_form, _clauses(found)) if form.words)


def may_be_the_same(one: Form, other: Form, *, near: bool) -> bool:
    """Tell whether two forms may ask for the same; `near`: all else of them is very near."""
    names = frozenset((one.name, other.name))
    if len(names) == 1 or names in _SAME or (near and names in _NEARLY):
        return True
    if not (COMPARED.isdisjoint(one.words) or COMPARED.isdisjoint(other.words)):
        return names <= {"how", "how to", "what", "order"}
    return _says_as_much(one, other) or _says_as_much(other, one)


def deed(form: Form) -> str | None:
    """Return what `who` or `what` does; "" if it is done to them; None where that is unknown."""
    first, rest = form.words[:1], form.words[1:4]
    if not first or first[0] not in {"who", "whom", "what", "which"}:
        return None
    for at, word in enumerate(rest):
        if word in {"do", "does", "did"}:
            return None if _SOMEBODY.intersection(form.words[at + 2 : at + 3]) else ""
        if word in lexicon.AUXILIARIES or word == "'s":
            return None
        if at > 0 or first[0] == "who":  # after `what` and `which` a noun may come first
            return word
    return None


# -- the small print -----------------------------------------------------------------------------


def _clauses(found: list[Token]) -> list[list[str]]:
    clauses: list[list[str]] = [[]]
    for token in found:
        if (token.starts or token.clause) and clauses[-1]:
            clauses.append([])
        clauses[-1].append(token.low)
    return clauses


def _plain(form: Form) -> tuple[str, ...]:
    """Return a form's words in the plainest way of asking for the same."""
    words = form.words
    if form.name != "how to":
        return ("what", *words[1:]) if words[0] == "which" else _can(words)
    if words[0] == "how":
        asks = (
            words[1:2] and words[1] in lexicon.AUXILIARIES and words[2:3] and words[2] in _SOMEBODY
        )
        return ("how", "to", *words[3:]) if asks else words
    if words[0] == "what" and words[3:5] == ("do", "to") and words[2] in _SOMEBODY:
        return ("how", "to", *words[5:])  # `what should I do to sleep`
    for at, word in enumerate(words[:9]):
        if word in lexicon.WAYS and words[at + 1 : at + 2] == ("to",):
            # the cheapest way is not any way
            return ("how", *words[at + 1 :]) if _LITTLE.issuperset(words[:at]) else words
    return words


def _can(words: tuple[str, ...]) -> tuple[str, ...]:
    """Write `is it possible for me to` as `can I`, whoever it is for."""
    if words[1:3] == ("it", "possible") or words[1:4] == ("it", "be", "possible"):
        rest = words[words.index("possible") + 1 :]
        if rest[:1] == ("for",) and "to" in rest[2:6]:
            at = rest.index("to", 2)
            who = ("i",) if rest[1:at] == ("me",) else rest[1:at]
            return ("can", *who, *rest[at + 1 :])
    return words


def _says_as_much(one: Form, other: Form) -> bool:
    """Tell whether `what`, `who` or `when` with a noun asks what another form does in one word."""
    kind, _, degree = other.name.partition(" ")
    if one.name == "what" and kind == "where":
        # `what are the best` and `where do I find the best`
        finds = {"find", "get", "see"}.intersection(other.words[1:5])
        return bool(finds) or not lexicon.PLACES.isdisjoint(one.words[1:8])
    if one.name in {"what", "who", "when"}:
        nouns = {"who": lexicon.PERSONS, "when": lexicon.TIMES}.get(kind, frozenset())
        if kind == "how" and degree != "to":
            degree = "".join(other.words[1:2]) if degree == "many" else degree
            nouns = lexicon.MEASURES.get(degree, frozenset())
        return not nouns.isdisjoint(one.words[1:8])
    if one.name == "how" and other.name == "how to":
        # `how is it spelled` and `how do you spell it`
        passive = {"is", "are", "was", "were"}.intersection(one.words[1:2])
        verb = one.words[-1].removesuffix("ed")
        return bool(passive) and any(word.startswith(verb[:4]) for word in other.words[2:5])
    if one.name == "how many" and kind == "how":
        return not lexicon.MEASURES.get(degree, frozenset()).isdisjoint(one.words)
    return False


def _form(words: list[str]) -> Form:
    bare = _bare(words)
    if not bare:
        return Form("", ())
    # `when it rains, ...` asks nothing
    clause = bare[0] == "when" == words[0] and not lexicon.AUXILIARIES.intersection(bare[1:2])
    return Form("order" if clause else _name(bare), tuple(bare))


def _bare(words: list[str]) -> list[str]:
    """Take off what only asks for the question to be answered."""
    while len(rest := _barer(words)) < len(words):
        words = rest
    return words


def _barer(words: list[str]) -> list[str]:
    words = words[next((at for at, word in enumerate(words) if word not in _FILLERS), len(words)) :]
    if words[:1] == ["well"] and _OPENING.issuperset(words[1:2]):
        words = words[1:]  # well pumps are other pumps
    if words[1:] and words[0] in _WITHIN and words[1] in _WH:
        words = words[1:]
    if words[:1] == ["by"] and _DOERS.intersection(words[1:2]):
        words = words[1:]  # the passive asks for the one who did it
    for at in range(1, min(8, len(words) - 2)):
        if words[at : at + 3] == ["do", "you", "think"]:
            if words[at + 3 : at + 4] in (["about"], ["of"]):
                break  # what you think about it, not what it is
            words = words[:at] + words[at + 3 :]
            break
    if words[2:] and words[0] in _ASKING and words[1] in _ASKED and words[2] in _ORDERS:
        return words[2:]
    for polite in _POLITE:
        if tuple(words[: len(polite)]) == polite:
            return words[len(polite) :]
    return words


def _name(words: list[str]) -> str:
    first, rest = words[0], words[1:]
    if first in _BEFORE_WH and rest and rest[0] in _WH:
        name = _name(rest)  # `for what reason`, but `from where` and `to where`
        return name if name in {"why", "how to"} else f"{first} {name}"
    if first in {"how", "what"} and "like" in rest[1:] and rest[0] in _BEING:
        return "what like"
    if first == "why" or (first in _WH and not lexicon.REASONS.isdisjoint(rest[:6])):
        return "why"
    if first == "how":
        return _how(rest)
    if first in {"what", "which"}:
        return _which(rest)
    if first in _WH:
        return "who" if first.startswith("who") else first
    if first in lexicon.AUXILIARIES:
        if not lexicon.WAYS.isdisjoint(rest[:4]):
            return "how to"
        return "should" if first in {"should", "must"} else "yes or no"
    if first in {"explain", "define", "describe", "meaning", "definition"}:
        return "how to" if rest[:1] == ["how"] else "what"
    if first in lexicon.WAYS:
        return "how to"
    if first == "number":
        return "how many"
    return "write" if first in lexicon.WRITING else "order"


def _which(rest: list[str]) -> str:
    if not lexicon.WAYS.isdisjoint(rest[:7]) or rest[:3] == ["can", "be", "done"]:
        return "how to"
    if any(noun in lexicon.REMEDIES and after == "to" for noun, after in pairwise(rest[:7])):
        return "how to"
    if {"should", "can", "do", "must"}.intersection(rest[:1]) and _SOMEBODY.intersection(rest[1:2]):
        # `what should I do to sleep`, where `what do I eat` asks for a thing
        return "how to" if rest[2:3] in (["do"], ["have"]) else "what"
    if rest[:1] == ["are"] and not lexicon.IDEAS.isdisjoint(rest[1:5]) and "to" in rest[2:7]:
        return "how to"
    if {"make", "makes", "made"}.intersection(rest[:1]):
        return "why"
    return "when" if not lexicon.TIMES.isdisjoint(rest[:1]) else "what"


def _how(rest: list[str]) -> str:
    second, third = [*rest, "", ""][:2]
    if second in {"many", "much"}:
        return "how many"
    if second in _DEGREES:
        return f"how {second}"
    if second in {"", "to"} or (second in _MAY and third not in _SOMEBODY):
        return "how to"
    if second in _SOMEBODY:  # `tell me how I can`
        second, third = third, second
    if not (second in lexicon.AUXILIARIES and third in _SOMEBODY):
        return "how"
    if second in _HAPPENED and (second, third) != ("did", "you"):  # which asks for advice
        return f"how {second} {third}"
    return "how to" if _FOREIGN[third].isdisjoint(rest[2:]) else f"how {third}"
