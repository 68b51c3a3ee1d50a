from __future__ import annotations

import json

import pytest
from drafts import draft, question
from hypothesis import given
from hypothesis import strategies as st

from llmc import keys
from llmc.errors import CacheFileError
from llmc.transfer import lines
from llmc.transfer.lines import Parcel, Wording
from llmc.types import Alias, Answer, Price, Rule, Tokens, Verdict

VERDICT = Verdict(b"\x01" * 16, "bad", False, "work", "minilm", 0.97, 12.5)

ENTRY = {
    "kind": "entry", "namespace": "n", "base_url": "http://h/v1", "endpoint": "chat/completions",
    "request": {"model": "m", "messages": [{"role": "user", "content": "why?"}]},
    "answer": "so", "finish_reason": "stop", "tokens": {}, "source": "model", "created_at": 1,
}  # fmt: skip

words = st.text(st.characters(exclude_categories=["Cs"]))
counts = st.none() | st.integers(0, 2**63 - 1)
instants = st.floats(0, 4e9)


def parcel(**changes) -> Parcel:
    return Parcel(draft(), 2.0, 0, None, False, ())._replace(**changes)


def asked(prompt: str, frame: str, **changes) -> Wording:
    key = keys.cache_key(keys.request_from(frame, prompt))
    alias = Alias("default", key, 0, "minilm", 0.97, prompt, 0)._replace(**changes)
    return Wording(alias, 5.0, 7.0)


@st.composite
def parcels(draw) -> Parcel:
    usage = st.none() | st.dictionaries(words, st.integers() | words)
    answer = Answer(
        draw(words),
        draw(words),
        model=draw(st.none() | words),
        usage=draw(usage),
        choices=draw(st.none() | st.lists(st.dictionaries(words.filter("message".__ne__), words))),
        temperature=draw(st.none() | st.floats(0, 2)),
    )
    made = draft(draw(words), answer, system=draw(words), model=draw(words.filter(bool)))
    made = made._replace(
        namespace=draw(words),
        sample=draw(st.integers(0, 99)),
        created_at=draw(instants),
        expires_at=draw(st.none() | instants),
        tokens=Tokens(*(draw(counts) for _ in Tokens._fields)),
        price=Price(draw(counts), draw(st.none() | words)),
        instruction_at=draw(st.integers(0, len(made.prompt))),
    )
    wordings = [
        asked(prompt, made.frame, namespace=made.namespace) for prompt in draw(st.lists(words))
    ]
    return Parcel(
        made,
        draw(st.none() | instants),
        draw(st.integers(0, 2**63 - 1)),
        draw(st.none() | instants),
        draw(st.booleans()),
        tuple(wordings),
    )


@given(parcels())
def test_a_line_read_again_is_what_was_written(kept):
    assert lines.read(lines.line_of(kept)) == kept


def test_a_verdict_read_again_is_what_was_written():
    assert lines.read(lines.line_of(VERDICT)) == VERDICT


@pytest.mark.parametrize(
    "rule",
    [
        Rule("price", ttl=3600.0, created_at=5.0),
        Rule("x", "answer", "work", ttl=0.0, created_at=5.0),
        Rule(r"\b{path}\b", "system", event="file_changed", created_at=5.0),
    ],
)
def test_a_rule_read_again_is_what_was_written(rule):
    assert lines.read(lines.line_of(rule._replace(id=7))) == rule


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pattern": None}, "its 'pattern' is no text"),
        ({"pattern": "("}, "it is no rule: the regular expression is not one: missing )"),
        ({"field": "key"}, "it is no rule: no field 'key'"),
        ({"ttl": None}, "a rule has one of 'ttl' and 'event'"),
        ({"ttl": None, "event": ""}, "it is no rule: an event needs a name"),
        ({"ttl": None, "event": "a\nb"}, "it is no rule: an event needs a name"),
        ({"event": "deploy"}, "a rule has one of 'ttl' and 'event'"),
        ({"ttl": -1}, "it is no rule: a rule's TTL is a number of seconds from 0 up, not -1"),
        ({"ttl": 1e99}, "it is no rule: a rule's TTL is a number of seconds from 0 up, not 1e+99"),
    ],
)
def test_a_rule_that_is_none_is_told(change, reason):
    fields = json.loads(lines.line_of(Rule("price", ttl=3600.0))) | change

    with pytest.raises(ValueError, match=r"its|it is|a rule has") as raised:
        lines.read(json.dumps(fields))

    assert str(raised.value).startswith(reason)


def test_a_number_that_no_line_could_hold_is_told():
    kept = parcel(last_hit_at=float("inf"))

    with pytest.raises(CacheFileError, match="a stored entry holds a number that is none"):
        lines.line_of(kept)


def test_an_entry_is_one_line_that_names_no_row_and_no_age():
    line = lines.line_of(parcel())

    fields = json.loads(line)
    assert "\n" not in line
    assert not {"id", "entry_id", "key", "age"} & fields.keys()
    assert fields["request"]["messages"] == [{"content": "which colour?", "role": "user"}]


def test_the_key_is_computed_from_the_request():
    fields = ENTRY | {"key": "00" * 32}

    found = lines.read(json.dumps(fields))

    assert found.draft.key == keys.cache_key(question("why?", base_url="http://h/v1"))


def test_what_a_line_leaves_out_is_unknown():
    found = lines.read(json.dumps(ENTRY))

    assert found[1:] == (None, 0, None, False, ())
    assert (found.draft.price, found.draft.tokens) == (Price(None), Tokens())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "it is not JSON: expecting property name enclosed in double quotes (column 2)"),
        ('{"a": NaN}', "it holds NaN, which is not JSON"),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"kind": "entry", "x": "\\ud800"}', "it holds half a surrogate pair"),
        ('{"hits": 1' + "0" * 5000 + "}", "it holds a number that is too long"),
        ("[]", "it is no JSON object"),
        ("{}", "its 'kind' is neither 'entry', 'verdict' nor 'rule'"),
    ],
)
def test_what_is_no_line_is_told(line, reason):
    with pytest.raises(ValueError, match="it") as raised:
        lines.read(line)

    assert str(raised.value) == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"namespace": 5}, "its 'namespace' is no text"),
        ({"request": []}, "its 'request' is no JSON object"),
        ({"request": {"messages": []}}, "its 'request' has no 'model' or no 'messages'"),
        ({"request": {"model": "m"}}, "its 'request' has no 'model' or no 'messages'"),
        ({"answer": None}, "its 'answer' is no text"),
        ({"created_at": None}, "its 'created_at' is no number"),
        ({"created_at": True}, "its 'created_at' is no number"),
        ({"created_at": "soon"}, "its 'created_at' is no number"),
        ({"created_at": 10**400}, "its 'created_at' is no number"),
        ({"hits": -1}, "its 'hits' is no whole number from 0 to 9,223,372,036,854,775,807"),
        ({"hits": 2**63}, "its 'hits' is no whole number from 0 to 9,223,372,036,854,775,807"),
        ({"hits": 1.5}, "its 'hits' is no whole number from 0 to 9,223,372,036,854,775,807"),
        ({"instruction_at": 5}, "its 'instruction_at' is no whole number from 0 to 4"),
        ({"pinned": 1}, "its 'pinned' is neither true nor false"),
        ({"choices": ["a"]}, "its 'choices' is no list of JSON objects"),
        ({"choices": [{"message": 1}]}, "its 'choices' hold a 'message' that is no JSON object"),
        ({"wordings": {}}, "its 'wordings' is no list of JSON objects"),
        ({"tokens": None}, "its 'tokens' is no JSON object"),
        ({"tokens": {"prompt": "9"}},
         "its 'prompt' is no whole number from 0 to 9,223,372,036,854,775,807"),
    ],
)  # fmt: skip
def test_a_field_that_is_not_what_it_must_be_is_named(change, reason):
    with pytest.raises(ValueError, match="its") as raised:
        lines.read(json.dumps(ENTRY | change))

    assert str(raised.value) == reason


def test_a_verdict_is_known_by_a_hash():
    line = lines.line_of(VERDICT).replace("01" * 16, "what")

    with pytest.raises(ValueError, match="its 'pair' is no hexadecimal number"):
        lines.read(line)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | words,
        lambda inner: st.lists(inner) | st.dictionaries(words, inner),
    )
)
def test_any_request_is_read_or_refused_with_a_reason(request):
    line = json.dumps(ENTRY | {"request": {"model": "m", "messages": [request], "x": request}})
    try:
        found = lines.read(line)
    except ValueError as error:
        found = str(error)

    assert found
