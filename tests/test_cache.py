from __future__ import annotations

import struct
from collections import deque
from typing import Any

import pytest
from drafts import BASE_URL, USAGE, new_store, question

from llmc import keys
from llmc.asking import REFUSAL_TTL
from llmc.cache import Cache
from llmc.errors import (
    CacheFileError,
    KeyRefused,
    NotCached,
    ParameterRefused,
    ProviderError,
    Unavailable,
)
from llmc.meaning import Found
from llmc.pricing import estimate_tokens
from llmc.store import Store
from llmc.types import (
    Alias,
    Answer,
    Ask,
    Hit,
    Invocation,
    Miss,
    Price,
    Request,
    Selector,
    Tokens,
    Vector,
)


def said(text: str, finish_reason: str | None = "stop", **more: Any) -> Answer:
    """What a model says, 20 tokens long unless it says otherwise."""
    return Answer(text, finish_reason, **{"usage": USAGE, **more})


START = 1_000_000.0
DAY = 86400.0
COMMAND = Invocation(b"d" * 16, b"i" * 16, stdin=False, files=(), quiet=False)

#: Answers that did not end by themselves, and why they are not kept.
UNFINISHED = {
    "cut off": said("half an ans", "length"),
    "filtered": said("something", "content_filter"),
    "without a reason": said("something", None),
    "of a strange reason": said("something", "insufficient_system_resource"),
    "a refusal": said("", "stop", refusal="I cannot help with that"),
    "a refusal in words": said("no", "stop", refusal="no"),
    "empty": said("", "stop"),
    "blank": said(" \n\t", "stop"),
    "empty and cut off": said("", "length"),
}

#: Failures of a provider that an answer of our own must not hide.
FAULTS = {
    "a refused key": KeyRefused("no"),
    "a bad request": ProviderError("no", status=400),
    "an unknown model": ProviderError("no", status=404),
    "no answer at all": ProviderError("no"),
}


class Now:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Draw:
    """Chance that is told what to come to: the last of all, unless another index is set."""

    def __init__(self) -> None:
        self.index = -1
        self.counts: list[int] = []

    def __call__(self, count: int) -> int:
        self.counts.append(count)
        return self.index % count


class Provider:
    """A model that counts what it is asked: it says its script first, then `answer 1` and so on.

    It takes no time, sends back the temperature it was given, and streams word by word.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.temperatures: list[float | None] = []
        self.refused: list[frozenset[str]] = []
        self.script: deque[Answer | Exception] = deque()

    def will(self, *replies: Answer | Exception) -> None:
        self.script.extend(replies)

    @property
    def asked(self) -> int:
        return len(self.requests)

    def ask(self, request, *, add_temperature, refused, on_text) -> Answer:
        self.requests.append(request)
        temperature = 0.0 if add_temperature else request.body.get("temperature")
        self.temperatures.append(temperature)
        self.refused.append(refused)
        reply = self.script.popleft() if self.script else said(f"answer {self.asked}")
        if isinstance(reply, Exception):
            raise reply
        if on_text is not None:
            list(map(on_text, reply.text.partition(" ")))
        return reply._replace(temperature=temperature, latency=2.0)


class HalfAnAnswer(Provider):
    """A model that breaks off."""

    def ask(self, request, *, add_temperature, refused, on_text) -> Answer:
        self.requests.append(request)
        on_text("half an ans")
        raise Unavailable("the answer broke off")


class Failing:
    """A store in which one thing fails."""

    def __init__(self, store: Any, method: str) -> None:
        self._store = store
        self._method = method

    def __getattr__(self, name: str) -> Any:
        return self._fail if name == self._method else getattr(self._store, name)

    def _fail(self, *_: object, **__: object) -> None:
        raise CacheFileError("cache file x: the disk is full")


def price(request: Request, served: str | None, tokens: Tokens) -> Price:
    """1000 nano-USD for each token of the prompt, 2000 for each of the answer."""
    if request.model == "unpriced" or tokens.prompt is None:
        return Price(None)
    return Price(1000 * tokens.prompt + 2000 * (tokens.completion or 0), f"test:{served}", 7)


@pytest.fixture
def store(db):
    with new_store(db) as store:
        yield store


@pytest.fixture
def clock():
    return Now(START)


@pytest.fixture
def timer():
    return Now(50.0)


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
def notes():
    return []


@pytest.fixture
def draw():
    return Draw()


@pytest.fixture
def made(store, provider, clock, timer, notes, draw):
    """Make a cache of the usual parts but those named."""

    def make(**parts):
        usual = {
            "store": store,
            "connect": lambda _: provider,
            "price": price,
            "clock": clock,
            "timer": timer,
            "draw": draw,
            "note": notes.append,
        }
        return Cache(**usual | parts)

    return make


@pytest.fixture
def cache(made):
    return made()


@pytest.fixture
def answered(cache):
    """Ask a question, count it, and return the answer, where it came from and its entry's id."""

    def ask(request=None, **changes):
        hit = cache.ask(request or question(), Ask(**changes))
        cache.record(hit)
        return hit.entry.answer, hit.source, hit.entry.id

    return ask


def limited(name: str, limit: int | None) -> Request:
    return question() if limit is None else question(**{name: limit})


def repeat(answered, times, **changes):
    return [answered(**changes) for _ in range(times)]


def rows(store, columns="*", table="ledger"):
    return store.file.rows(f"SELECT {columns} FROM {table} ORDER BY id")


class TestAnExactHit:
    def test_is_the_answer_without_asking_again(self, cache, provider):
        cache.ask(question(), Ask())

        hit = cache.ask(question(), Ask())

        assert hit.entry.answer == "answer 1"
        assert (hit.source, hit.level) == ("exact", 2)
        assert provider.asked == 1

    def test_costs_nothing_itself(self, cache):
        cache.ask(question(), Ask())

        hit = cache.ask(question(), Ask())

        assert (hit.usage, hit.price) == (None, None)
        assert hit.line.spent_nusd == 0

    def test_keeps_what_the_first_call_cost(self, cache):
        cache.ask(question(), Ask())

        hit = cache.ask(question(), Ask())

        assert hit.entry.cost == 140_000
        assert hit.line.avoided_nusd == 140_000
        assert hit.line.avoided_latency == 2.0

    def test_takes_the_time_of_its_lookup(self, made, clock):
        ticks = iter([10.0, 10.25])
        made().ask(question(), Ask())

        hit = made(timer=lambda: next(ticks)).ask(question(), Ask())

        assert hit.latency == 0.25

    def test_takes_no_less_than_no_time(self, made):
        ticks = iter([10.0, 9.0])
        made().ask(question(), Ask())

        hit = made(timer=lambda: next(ticks)).ask(question(), Ask())

        assert hit.latency == 0.0

    def test_needs_no_connection(self, made):
        made().ask(question(), Ask())

        hit = made(connect=None).ask(question(), Ask())

        assert hit.source == "exact"

    def test_is_found_by_the_next_process_too(self, cache, made, db):
        cache.ask(question(), Ask())
        cache.close()

        with made(store=Store(str(db))) as again:
            hit = again.ask(question(), Ask())

        assert (hit.source, hit.entry.answer) == ("exact", "answer 1")

    @pytest.mark.parametrize(
        "other",
        [
            question("which number?"),
            question("which colour? "),
            question(system="be brief"),
            question(model="n"),
            question(base_url="http://127.0.0.1:8/v1"),
            question(temperature=0),
            question(seed=1),
            question(stop=["\n"]),
            question(tools=[]),
            question(anything_new=1),
            question()._replace(endpoint="responses"),
        ],
        ids=[
            "prompt", "space", "system", "model", "address", "temperature", "seed", "stop", "tools",
            "unknown parameter", "endpoint",
        ],
    )  # fmt: skip
    def test_is_never_the_answer_of_another_request(self, answered, other):
        answered()

        assert answered(other)[:2] == ("answer 2", "model")

    @pytest.mark.parametrize(
        "same",
        [
            question(user="me"),
            question(stream=True, stream_options={"include_usage": True}),
            question(metadata={"a": "b"}),
            question(prompt_cache_key="k"),
            question()._replace(provider="another-name"),
        ],
        ids=["user", "stream", "metadata", "prompt cache", "provider's name"],
    )
    def test_is_the_answer_where_the_difference_cannot_matter(self, answered, same):
        answered()

        assert answered(same)[:2] == ("answer 1", "exact")

    def test_is_shared_by_streams(self, answered):
        answered(stream=True)

        assert answered(stream=False)[:2] == ("answer 1", "exact")


class TestNamespaces:
    def test_are_walls(self, answered):
        answered(namespace="a")

        assert answered(namespace="b")[:2] == ("answer 2", "model")
        assert answered(namespace="a")[:2] == ("answer 1", "exact")
        assert answered(namespace="b")[:2] == ("answer 2", "exact")

    def test_are_walls_offline(self, cache, answered):
        answered(namespace="a")

        with pytest.raises(NotCached):
            cache.ask(question(), Ask(namespace="b", offline=True))

    def test_are_walls_where_the_provider_fails(self, cache, provider, answered):
        answered(namespace="a")
        provider.will(Unavailable("it is down"))

        with pytest.raises(Unavailable):
            cache.ask(question(), Ask(namespace="b", stale_if_error=DAY))

    def test_are_walls_for_samples(self, answered):
        answered(namespace="a", samples=1)

        assert answered(namespace="b", samples=1)[:2] == ("answer 2", "model")


class TestTimeToLive:
    @pytest.mark.parametrize(
        ("age", "source"), [(0, "exact"), (59.9, "exact"), (60, "model"), (61, "model")]
    )
    def test_ends_to_the_second(self, answered, clock, age, source):
        answered(ttl=60)
        clock.now += age

        assert answered(ttl=60)[1] == source

    def test_without_an_end_never_ends(self, answered, clock):
        answered()
        clock.now += 1000 * 365 * DAY

        assert answered()[1] == "exact"

    def test_is_not_lengthened_by_a_hit(self, answered, clock, store):
        answered(ttl=60)
        clock.now += 50
        answered(ttl=60)
        clock.now += 10

        assert answered(ttl=60)[1] == "model"
        assert store.entry(1).expires_at == START + 120

    def test_is_the_entrys_not_the_askers(self, answered, clock):
        answered(ttl=60)
        clock.now += 30

        assert answered(ttl=1)[1] == "exact"

    def test_of_0_is_not_stored(self, cache, store):
        hit = cache.ask(question(), Ask(ttl=0))

        assert hit.entry.answer == "answer 1"
        assert hit.unkept == "a TTL of 0"
        assert store.count() == 0

    def test_is_told_with_the_answer(self, cache):
        assert cache.ask(question(), Ask(ttl=60)).entry.expires_at == START + 60
        assert cache.ask(question("another"), Ask()).entry.expires_at is None

    def test_that_has_ended_gives_the_entry_its_next_answer(self, answered, clock, store):
        first = answered(ttl=60)
        clock.now += 60

        second = answered(ttl=60)

        assert second[2] == first[2]
        assert store.count() == 1
        assert store.entry(first[2]).answer == "answer 2"

    def test_that_has_ended_is_the_reason_of_a_miss(self, cache, answered, clock):
        answered(ttl=60)
        clock.now += 60

        assert cache.lookup(question(), Ask()).reason == "not stored (it has expired)"


class TestRefresh:
    def test_asks_anew_and_overwrites_the_same_entry(self, answered, store):
        first = answered()

        second = answered(refresh=True)

        assert second == ("answer 2", "model", first[2])
        assert answered() == ("answer 2", "exact", first[2])
        assert store.count() == 1

    def test_begins_a_new_life(self, answered, clock, store):
        _, _, entry_id = answered(ttl=60)
        clock.now += 30

        answered(ttl=60, refresh=True)

        assert store.entry(entry_id).created_at == START + 30
        assert store.entry(entry_id).expires_at == START + 90

    def test_leaves_the_answer_where_the_new_one_is_no_answer(self, answered, provider):
        answered()
        provider.will(said("half an ans", "length"))
        answered(refresh=True)

        assert answered()[:2] == ("answer 1", "exact")

    def test_falls_back_on_a_fresh_answer_where_it_may(self, answered, provider, notes):
        answered()
        provider.will(Unavailable("it is down"))

        assert answered(refresh=True, stale_if_error=0)[:2] == ("answer 1", "stale")
        assert notes == ["it is down; answering from the cache"]

    def test_fails_with_the_provider_where_it_may_not(self, cache, answered, provider):
        answered()
        provider.will(Unavailable("it is down"))

        with pytest.raises(Unavailable):
            cache.ask(question(), Ask(refresh=True))

    def test_of_samples_gives_one_of_them_anew(self, answered, store):
        answered(samples=2)
        answered(samples=2)

        answered(samples=2, refresh=True)

        assert store.count() == 2
        assert "answer 3" in [entry.answer for entry in store.select(Selector())]

    def test_of_a_named_sample_gives_that_one_anew(self, answered, store):
        answered(samples=2)
        _, _, second = answered(samples=2)

        answered(samples=2, sample=2, refresh=True)

        assert [entry.answer for entry in store.select(Selector())] == ["answer 3", "answer 1"]
        assert store.entry(second).answer == "answer 3"


class TestNoCache:
    def test_does_not_read(self, answered):
        answered()

        assert answered(no_cache=True)[:2] == ("answer 2", "model")

    def test_does_not_write(self, cache, answered, store):
        hit = cache.ask(question(), Ask(no_cache=True))

        assert hit.unkept == "--no-cache"
        assert hit.entry.id is None
        assert store.count() == 0

    def test_does_not_overwrite(self, answered):
        answered()
        answered(no_cache=True)

        assert answered()[:2] == ("answer 1", "exact")

    def test_is_counted_as_asked_past_the_cache(self, answered, store):
        answered(no_cache=True)

        assert rows(store, "source, entry_id, spent_nusd") == [("bypass", None, 140_000)]

    def test_does_not_fall_back(self, cache, answered, provider):
        answered()
        provider.will(Unavailable("it is down"))

        with pytest.raises(Unavailable):
            cache.ask(question(), Ask(no_cache=True, stale_if_error=DAY))


class TestOffline:
    def test_answers_from_the_cache(self, answered):
        answered()

        assert answered(offline=True)[:2] == ("answer 1", "exact")

    def test_does_not_ask(self, made, provider):
        with pytest.raises(NotCached) as caught:
            made(connect=None).ask(question(), Ask(offline=True))

        assert str(caught.value) == "not in the cache (--offline)"
        assert caught.value.exit_code == 3

    @pytest.mark.parametrize(
        "ask",
        [
            Ask(offline=True),
            Ask(offline=True, stale_if_error=DAY),
            Ask(offline=True, samples=2),
            Ask(offline=True, samples=2, sample=2),
        ],
    )
    def test_does_not_ask_for_what_has_expired_or_is_not_there(self, cache, answered, clock, ask):
        answered(ttl=60)
        answered(samples=2)
        clock.now += 60

        with pytest.raises(NotCached):
            cache.ask(question(), ask)

    def test_does_not_ask_for_variety(self, cache):
        with pytest.raises(NotCached):
            cache.ask(question(temperature=1), Ask(offline=True))

    def test_does_not_ask_without_a_file(self, made):
        with pytest.raises(NotCached):
            made(store=None, connect=None).ask(question(), Ask(offline=True))


class TestWhatIsStored:
    @pytest.mark.parametrize("mode", ["auto", "deterministic", "all"])
    @pytest.mark.parametrize(
        ("parameters", "modes"),
        [
            ({}, "auto deterministic all"),
            ({"temperature": 0}, "auto deterministic all"),
            ({"temperature": 0.0, "n": 1}, "auto deterministic all"),
            ({"temperature": 0.1}, "all"),
            ({"temperature": 1}, "all"),
            ({"temperature": 0, "n": 2}, "all"),
            ({"n": 2}, "all"),
            ({"temperature": None, "n": None}, "auto all"),
        ],
        ids=str,
    )
    def test_is_what_the_mode_says(self, answered, store, mode, parameters, modes):
        answered(question(**parameters), mode=mode)

        _, source, _ = answered(question(**parameters), mode=mode)

        stored = mode in modes.split()
        assert store.count() == stored
        assert source == {True: "exact", False: "model"}[stored]

    @pytest.mark.parametrize("model", ["gpt-5", "o3-mini", "openai/gpt-6-luna"])
    def test_in_the_strict_mode_is_nothing_of_a_model_without_a_temperature(
        self, answered, store, provider, model
    ):
        answered(question(model=model), mode="deterministic")

        assert provider.temperatures == [None]
        assert store.count() == 0

    def test_in_the_strict_mode_is_nothing_of_a_model_that_refuses_a_temperature(
        self, answered, store, provider
    ):
        provider.will(ParameterRefused("no", parameter="temperature"))

        answered(mode="deterministic")

        assert provider.temperatures == [0.0, None]
        assert store.count() == 0

    def test_is_not_served_in_the_strict_mode_unless_it_was_asked_at_0(self, answered):
        answered(question(model="gpt-5"))

        assert answered(question(model="gpt-5"), mode="deterministic")[1] == "model"

    def test_as_a_sample_is_not_served_in_the_strict_mode(self, answered):
        answered(samples=1)

        assert answered(samples=1, mode="deterministic")[1] == "model"

    def test_in_the_wide_mode_is_served_in_the_usual_one_only_where_that_would_store_it(
        self, answered
    ):
        answered(question(temperature=1), mode="all")

        assert answered(question(temperature=1))[:2] == ("answer 2", "model")

    def test_where_variety_is_asked_for_says_why_it_is_not(self, cache):
        hit = cache.ask(question(temperature=0.7), Ask())

        assert hit.unkept == "temperature 0.7 asks for variety"
        assert cache.lookup(question(n=2), Ask()).reason == "n = 2 asks for variety"

    @pytest.mark.parametrize("answer", UNFINISHED.values(), ids=UNFINISHED)
    @pytest.mark.parametrize(
        "options", [{}, {"mode": "all"}, {"samples": 1}, {"refresh": True}], ids=str
    )
    def test_is_no_answer_that_did_not_end_by_itself(self, cache, provider, store, answer, options):
        provider.will(answer)

        hit = cache.ask(question(), Ask(**options))

        assert hit.entry.answer == answer.text
        assert hit.unkept
        assert store.count() == 0

    @pytest.mark.parametrize("answer", UNFINISHED.values(), ids=UNFINISHED)
    def test_is_no_unfinished_answer_and_the_next_one_is_asked_for(
        self, answered, provider, answer
    ):
        provider.will(answer)
        answered()

        assert answered()[:2] == ("answer 2", "model")

    @pytest.mark.parametrize("answer", UNFINISHED.values(), ids=UNFINISHED)
    def test_is_what_an_unfinished_answer_cost_all_the_same(
        self, answered, provider, store, answer
    ):
        provider.will(answer)

        answered()

        assert rows(store, "source, entry_id, spent_nusd") == [("model", None, 140_000)]

    @pytest.mark.parametrize(
        ("answer", "failure"),
        [
            (UNFINISHED["a refusal"], "the model refused: I cannot help with that"),
            (UNFINISHED["filtered"], "the provider filtered the answer"),
            (UNFINISHED["empty"], "the answer is empty"),
            (UNFINISHED["empty and cut off"], "the answer was cut off at its token limit"),
            (UNFINISHED["cut off"], None),
        ],
    )
    def test_is_told_apart_from_what_is_no_answer(self, cache, provider, answer, failure):
        provider.will(answer)

        assert cache.ask(question(), Ask()).failure == failure

    def test_is_a_call_of_tools(self, answered, provider):
        choices = [{"message": {"tool_calls": [{"id": "1"}]}, "finish_reason": "tool_calls"}]
        provider.will(said("", "tool_calls", choices=choices))
        answered(question(tools=[{"type": "function"}]))

        assert answered(question(tools=[{"type": "function"}]))[1] == "exact"

    def test_says_which_model_answered(self, cache, provider, store):
        provider.will(said("blue", model="m-2026-11"))

        cache.ask(question(), Ask())

        assert store.entry(1).served_model == "m-2026-11"
        assert store.entry(1).model == "m"
        assert rows(store, "price_source", "entry") == [("test:m-2026-11",)]

    def test_is_the_request_as_it_was_stated(self, cache, store):
        cache.ask(question(), Ask())

        assert '"temperature"' not in store.frame(1)[0]

    def test_holds_no_name_or_key_of_the_asker(self, cache, store):
        cache.ask(question(user="quizz", metadata={"x": "quizz"}, api_key="quizz"), Ask())

        tables = [rows(store, table=table) for table in ("entry", "scope", "ledger")]
        assert "which colour?" in repr(tables)
        assert "quizz" not in repr(tables)


class TestTheTemperature:
    def test_is_0_where_none_was_stated(self, cache, provider, store):
        cache.ask(question(), Ask())

        assert provider.temperatures == [0.0]
        assert store.entry(1).temperature == 0.0

    def test_is_as_it_was_stated(self, cache, provider):
        cache.ask(question(temperature=0.5), Ask())

        assert provider.temperatures == [0.5]

    @pytest.mark.parametrize(
        "model", ["o1", "o3-mini", "gpt-5", "gpt-6-luna", "openai/o4-mini", "claude-opus-5"]
    )
    def test_is_not_sent_to_a_model_of_fixed_sampling(self, cache, provider, model):
        cache.ask(question(model=model), Ask())

        assert provider.temperatures == [None]

    def test_is_left_to_the_model_where_samples_are_wanted(self, cache, provider):
        cache.ask(question(), Ask(samples=2))

        assert provider.temperatures == [None]

    def test_filled_in_is_no_part_of_the_key(self, answered):
        answered()

        assert answered(question(temperature=0))[:2] == ("answer 2", "model")
        assert answered()[:2] == ("answer 1", "exact")

    def test_that_is_refused_is_left_out_at_once(self, answered, provider):
        provider.will(ParameterRefused("no", parameter="temperature"))

        assert answered()[:2] == ("answer 2", "model")
        assert provider.temperatures == [0.0, None]

    def test_that_was_refused_is_not_sent_again(self, answered, provider):
        provider.will(ParameterRefused("no", parameter="temperature"))
        answered()

        answered(question("another"))

        assert provider.temperatures == [0.0, None, None]

    @pytest.mark.parametrize(
        "other", [{"model": "n"}, {"base_url": "http://127.0.0.1:8/v1"}], ids=["model", "address"]
    )
    def test_that_was_refused_is_sent_to_another(self, answered, provider, other):
        provider.will(ParameterRefused("no", parameter="temperature"))
        answered()

        answered(question("another", **other))

        assert provider.temperatures == [0.0, None, 0.0]

    def test_that_was_refused_is_tried_again_in_time(self, answered, provider, clock):
        provider.will(ParameterRefused("no", parameter="temperature"))
        answered()
        clock.now += REFUSAL_TTL + 1

        answered(question("another"))

        assert provider.temperatures == [0.0, None, 0.0]

    def test_that_was_refused_is_remembered_by_the_next_process(self, cache, made, provider, db):
        provider.will(ParameterRefused("no", parameter="temperature"))
        cache.ask(question(), Ask())
        cache.close()

        with made(store=Store(str(db))) as again:
            again.ask(question("another"), Ask())

        assert provider.temperatures == [0.0, None, None]

    def test_that_is_refused_twice_is_a_failure(self, cache, provider):
        refused = ParameterRefused("no", parameter="temperature")
        provider.will(refused, refused)

        with pytest.raises(ParameterRefused):
            cache.ask(question(), Ask())

        assert provider.asked == 2

    def test_is_learned_of_without_a_file_too(self, made, provider):
        provider.will(ParameterRefused("no", parameter="temperature"))

        hit = made(store=None).ask(question(), Ask())

        assert hit.entry.answer == "answer 2"

    def test_is_not_the_only_thing_that_can_be_refused(self, answered, provider):
        provider.will(
            ParameterRefused("no", parameter="stream_options"),
            ParameterRefused("no", parameter="temperature"),
        )

        answered(stream=True)
        answered(question("another"), stream=True)

        both = frozenset({"stream_options", "temperature"})
        assert provider.refused == [frozenset(), {"stream_options"}, both, both]
        assert provider.temperatures == [0.0, 0.0, None, None]


class TestTokenLimits:
    """An answer of 20 tokens that ended by itself."""

    @pytest.mark.parametrize("first", ["max_tokens", "max_completion_tokens"])
    @pytest.mark.parametrize("second", ["max_tokens", "max_completion_tokens"])
    @pytest.mark.parametrize(
        ("stored", "asked", "source"),
        [
            (100, 100, "exact"),
            (100, 101, "exact"),
            (100, 99, "exact"),
            (100, 20, "exact"),
            (100, 19, "model"),
            (100, 1, "model"),
            (100, None, "exact"),
            (None, 1000, "exact"),
            (None, 20, "exact"),
            (None, 19, "model"),
            (None, None, "exact"),
        ],
    )
    def test_are_served_where_they_would_not_have_cut(
        self, answered, first, second, stored, asked, source
    ):
        answered(limited(first, stored))

        assert answered(limited(second, asked))[1] == source

    def test_are_served_by_a_call_of_tools_only_where_they_are_the_same(self, answered, provider):
        provider.will(said("look it up", "tool_calls"))
        answered(question(max_tokens=100))

        assert answered(question(max_tokens=100))[:2] == ("look it up", "exact")
        assert answered(question(max_tokens=200))[1] == "model"

    @pytest.mark.parametrize("second", ["max_tokens", "max_completion_tokens"])
    @pytest.mark.parametrize(("asked", "source"), [(100, "exact"), (200, "exact"), (99, "model")])
    def test_are_compared_with_the_limit_where_the_length_is_unknown(
        self, answered, provider, second, asked, source
    ):
        provider.will(said("blue", usage=None))
        answered(question(max_tokens=100))

        assert answered(limited(second, asked))[1] == source

    def test_are_the_smaller_where_two_are_stated(self, answered):
        answered(question(max_tokens=1000))

        assert answered(question(max_tokens=1000, max_completion_tokens=5))[1] == "model"

    def test_keep_an_entry_each(self, answered, store):
        answered(question(max_tokens=100))
        answered(question(max_tokens=5))

        assert [entry.token_limit for entry in store.select(Selector())] == [5, 100]

    def test_are_served_by_their_own_entry_first(self, answered, clock):
        answered(question(max_tokens=100))
        clock.now += 1
        answered(question(max_tokens=5))
        clock.now += 1
        answered(question(), refresh=True)

        assert answered(question(max_tokens=100))[:2] == ("answer 1", "exact")
        assert answered(question(max_tokens=5))[:2] == ("answer 2", "exact")
        assert answered(question())[:2] == ("answer 3", "exact")

    def test_are_served_by_the_newest_otherwise(self, answered, clock):
        answered(question(max_tokens=10))
        clock.now += 1
        answered(question(max_tokens=5))

        assert answered(question(max_tokens=30))[0] == "answer 2"

    def test_are_not_served_by_what_has_expired(self, answered, clock):
        answered(question(max_tokens=100), ttl=60)
        clock.now += 60

        assert answered(question(max_tokens=200))[1] == "model"

    def test_are_not_served_past_any_other_difference(self, answered):
        answered(question(max_tokens=100))

        assert answered(question(max_tokens=200, seed=1))[1] == "model"

    def test_that_are_too_small_are_no_question_of_age(self, cache, answered):
        answered(question(max_tokens=100))

        assert "expired" not in cache.lookup(question(max_tokens=5), Ask()).reason


class TestStaleIfError:
    @pytest.fixture(autouse=True)
    def kept(self, answered):
        answered(ttl=60)

    @pytest.mark.parametrize("late", [0, 1, DAY - 1])
    def test_serves_within_its_window(self, answered, provider, clock, notes, late):
        provider.will(Unavailable("it is down"))
        clock.now += 60 + late

        assert answered(stale_if_error=DAY)[:2] == ("answer 1", "stale")
        assert notes == ["it is down; answering from the cache"]

    @pytest.mark.parametrize(("window", "late"), [(DAY, DAY), (DAY, 2 * DAY), (0, 0), (None, 0)])
    def test_does_not_serve_outside_of_it(self, cache, provider, clock, window, late):
        provider.will(Unavailable("it is down"))
        clock.now += 60 + late

        with pytest.raises(Unavailable):
            cache.ask(question(), Ask(stale_if_error=window))

    def test_asks_first(self, answered, provider, clock):
        clock.now += 61

        assert answered(stale_if_error=DAY)[:2] == ("answer 2", "model")

    @pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
    def test_hides_no_fault_that_will_not_pass(self, cache, provider, clock, fault):
        provider.will(fault)
        clock.now += 61

        with pytest.raises(type(fault)):
            cache.ask(question(), Ask(stale_if_error=DAY))

    def test_hides_no_missing_key(self, made, clock):
        def connect(_):
            raise KeyRefused("no key")

        clock.now += 61

        with pytest.raises(KeyRefused):
            made(connect=connect).ask(question(), Ask(stale_if_error=DAY))

    def test_does_not_follow_half_an_answer(self, made, clock):
        said = []
        cache = made(connect=lambda _: HalfAnAnswer())
        clock.now += 61

        with pytest.raises(Unavailable):
            cache.ask(question(), Ask(stale_if_error=DAY, stream=True), on_text=said.append)

        assert said == ["half an ans"]

    def test_saves_nothing(self, answered, provider, clock, store):
        provider.will(Unavailable("it is down"))
        clock.now += 61
        answered(stale_if_error=DAY)

        (found,) = store.ledger.totals(since=clock.now)

        assert (found["requests"], found["stale"]) == (1, 1)
        assert (found["avoided_nusd"], found["spent_nusd"]) == (0, 0)
        assert found["time_saved_s"] == 0
        assert (found["avoided_prompt_tokens"], found["avoided_completion_tokens"]) == (0, 0)
        assert rows(store, "avoided_nusd, avoided_latency")[-1] == (0, 0.0)

    def test_does_not_lengthen_a_life(self, answered, provider, clock, store):
        provider.will(Unavailable("it is down"))
        clock.now += 61
        answered(stale_if_error=DAY)

        assert store.entry(1).expires_at == START + 60
        assert answered()[:2] == ("answer 3", "model")

    def test_serves_a_larger_limit_too(self, answered, provider, clock):
        provider.will(Unavailable("it is down"))
        clock.now += 61

        request = question(max_tokens=1000)

        assert answered(request, stale_if_error=DAY)[:2] == ("answer 1", "stale")

    def test_serves_samples_too(self, answered, provider, clock):
        answered(samples=1, ttl=60)
        clock.now += 61
        provider.will(Unavailable("it is down"))

        assert answered(samples=1, stale_if_error=DAY)[:2] == ("answer 2", "stale")

    def test_serves_nothing_where_variety_is_asked_for(self, cache, answered, provider):
        answered(question(temperature=1), mode="all")
        provider.will(Unavailable("it is down"))

        with pytest.raises(Unavailable):
            cache.ask(question(temperature=1), Ask(stale_if_error=DAY))


class TestSamples:
    def test_are_asked_for_until_there_are_enough(self, answered, provider):
        asked = repeat(answered, 3, samples=3)

        assert [answer for answer, _, _ in asked] == ["answer 1", "answer 2", "answer 3"]
        assert answered(samples=3)[1] == "exact"
        assert provider.asked == 3

    @pytest.mark.parametrize("index", [0, 1, 2])
    def test_are_drawn_from_then_on(self, answered, draw, index):
        asked = repeat(answered, 3, samples=3)
        draw.index = index

        assert answered(samples=3) == (asked[index][0], "exact", asked[index][2])
        assert draw.counts == [3]

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_are_named_by_their_number(self, answered, number):
        asked = repeat(answered, 3, samples=3)

        found = answered(samples=3, sample=number)

        assert found == (asked[number - 1][0], "exact", asked[number - 1][2])

    def test_named_are_served_before_there_are_enough(self, answered):
        answered(samples=3)

        assert answered(samples=3, sample=1)[:2] == ("answer 1", "exact")

    def test_named_are_asked_for_where_they_are_missing(self, answered, store):
        _, source, entry_id = answered(samples=3, sample=2)

        assert source == "model"
        assert store.entry(entry_id).sample == 2
        assert answered(samples=3, sample=2)[:2] == ("answer 1", "exact")

    def test_fill_the_gap_that_a_named_one_left(self, answered, store):
        answered(samples=2, sample=2)
        answered(samples=2)

        assert [entry.sample for entry in store.select(Selector())] == [1, 2]
        assert answered(samples=2)[1] == "exact"

    def test_more_than_before_ask_for_the_rest_only(self, answered, provider):
        repeat(answered, 2, samples=2)

        answered(samples=3)
        answered(samples=3)

        assert provider.asked == 3

    def test_fewer_than_before_are_drawn_from_the_first(self, answered, draw):
        repeat(answered, 3, samples=3)

        assert answered(samples=2)[:2] == ("answer 2", "exact")
        assert draw.counts == [2]

    def test_that_have_expired_are_asked_for_again(self, answered, clock, provider, store):
        answered(samples=2, ttl=60)
        clock.now += 30
        answered(samples=2, ttl=60)
        clock.now += 30

        assert answered(samples=2, ttl=60)[:2] == ("answer 3", "model")
        assert answered(samples=2)[1] == "exact"
        assert store.count() == 2

    def test_are_stored_though_variety_is_asked_for_by_samples_alone(self, answered):
        answered(question(temperature=1), samples=1)

        assert answered(question(temperature=1), samples=1)[:2] == ("answer 1", "exact")

    def test_are_apart_from_the_plain_answer(self, answered):
        answered()

        assert answered(samples=1)[:2] == ("answer 2", "model")
        assert answered()[:2] == ("answer 1", "exact")

    def test_are_apart_by_token_limit(self, answered):
        answered(question(max_tokens=100), samples=1)

        assert answered(question(max_tokens=200), samples=1)[1] == "model"

    def test_filled_at_once_lose_none(self, cache, store):
        first = cache.lookup(question(), Ask(samples=2))
        second = cache.lookup(question(), Ask(samples=2))

        cache.put(first, said("one"), Ask(samples=2))
        cache.put(second, said("two"), Ask(samples=2))

        found = cache.lookup(question(), Ask(samples=2))
        assert isinstance(found, Hit)
        assert [entry.answer for entry in store.select(Selector())] == ["two", "one"]

    def test_too_many_at_once_lose_none_either(self, cache, store):
        first = cache.lookup(question(), Ask(samples=1))
        second = cache.lookup(question(), Ask(samples=1))

        cache.put(first, said("one"), Ask(samples=1))
        cache.put(second, said("two"), Ask(samples=1))

        assert cache.lookup(question(), Ask(samples=1)).entry.answer == "one"
        assert store.count() == 2


class TestAFailingStore:
    @pytest.mark.parametrize(
        ("method", "options", "expected"),
        [
            ("family", {}, ["cache file x: the disk is full; answering without it"]),
            ("samples", {"samples": 1}, ["cache file x: the disk is full; answering without it"]),
            ("put", {}, ["cache file x: the disk is full; the answer was not stored"]),
            ("put", {"samples": 1}, ["cache file x: the disk is full; the answer was not stored"]),
            ("refusals", {}, []),
            ("record", {"no_cache": True}, []),
            ("remember", {}, []),
        ],
    )
    def test_costs_a_note_and_not_the_answer(self, made, store, notes, method, options, expected):
        cache = made(store=Failing(store, method))

        hit = cache.ask(question(), Ask(**options))
        cache.record(hit, COMMAND)

        assert hit.entry.answer == "answer 1"
        assert notes == expected

    def test_that_cannot_learn_asks_all_the_same(self, made, store, provider):
        provider.will(ParameterRefused("no", parameter="temperature"))

        hit = made(store=Failing(store, "refuse")).ask(question(), Ask())

        assert hit.entry.answer == "answer 2"
        assert provider.temperatures == [0.0, None]

    def test_that_cannot_count_a_hit_answers_all_the_same(self, made, store, answered):
        answered()
        cache = made(store=Failing(store, "record"))

        hit = cache.ask(question(), Ask())
        cache.record(hit, COMMAND)

        assert (hit.entry.answer, hit.source) == ("answer 1", "exact")

    def test_that_could_not_keep_the_answer_says_so_with_it(self, made, store):
        hit = made(store=Failing(store, "put")).ask(question(), Ask())

        assert hit.unkept == "cache file x: the disk is full"
        assert hit.entry.id is None

    def test_that_could_not_keep_the_answer_may_still_count_it(self, made, store):
        cache = made(store=Failing(store, "put"))

        cache.record(cache.ask(question(), Ask()))

        assert rows(store, "source, entry_id, spent_nusd") == [("model", None, 140_000)]

    def test_that_cannot_be_read_offline_is_a_miss(self, made, store):
        with pytest.raises(NotCached):
            made(store=Failing(store, "family")).ask(question(), Ask(offline=True))

    def test_that_cannot_be_read_serves_no_stale_answer(self, made, store, answered, provider):
        answered(ttl=1)
        provider.will(Unavailable("it is down"))

        with pytest.raises(Unavailable):
            made(store=Failing(store, "family")).ask(question(), Ask(stale_if_error=DAY))

    def test_is_like_none_at_all(self, made, provider):
        cache = made(store=None)

        hits = [cache.ask(question(), Ask()) for _ in range(2)]
        cache.record(hits[0], COMMAND)
        cache.close()

        assert [hit.entry.answer for hit in hits] == ["answer 1", "answer 2"]
        assert [hit.source for hit in hits] == ["model", "model"]

    @pytest.mark.parametrize("given", [question(stop="\ud83d"), question("\ud83d")])
    def test_is_not_what_half_a_surrogate_pair_meets(self, cache, notes, given):
        """It is valid JSON, and `-o stop='"\\ud83d"'` is such a request."""
        hit = cache.ask(given, Ask())

        assert hit.entry.answer == "answer 1"
        assert "name" not in "".join(notes)


class TestCounting:
    def test_a_call_writes_its_line_with_its_entry(self, cache, store):
        hit = cache.ask(question(), Ask(namespace="work"))

        (row,) = store.file.records("SELECT * FROM ledger")
        assert row == {
            "id": 1,
            "at": START,
            "source": "model",
            "level": None,
            "entry_id": hit.entry.id,
            "namespace": "work",
            "model": "m",
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "cached_tokens": None,
            "spent_nusd": 140_000,
            "avoided_nusd": None,
            "embedding_nusd": 0,
            "judging_nusd": 0,
            "unknown_embedding": 0,
            "unknown_judging": 0,
            "discount_nusd": 7,
            "latency": 2.0,
            "avoided_latency": None,
            "written_tokens": None,
            "premium_nusd": None,
            "requests": 1,
        }

    def test_a_call_is_not_counted_twice(self, cache, store):
        cache.record(cache.ask(question(), Ask()), COMMAND)

        assert len(rows(store)) == 1
        assert store.entry(1).hits == 0

    def test_a_hit_is_counted_when_it_has_been_shown(self, cache, store, clock):
        cache.ask(question(), Ask())
        clock.now += 5
        hit = cache.ask(question(), Ask())
        before = store.entry(1).hits

        cache.record(hit)

        assert before == 0
        assert store.entry(1).hits == 1
        assert rows(store, "last_hit_at", "entry") == [(START + 5,)]

    def test_a_hit_writes_its_line(self, cache, store):
        cache.ask(question(), Ask(namespace="work"))
        cache.record(cache.ask(question(), Ask(namespace="work")))

        row = store.file.records("SELECT * FROM ledger")[1]
        assert row == {
            "id": 2,
            "at": START,
            "source": "exact",
            "level": 2,
            "entry_id": 1,
            "namespace": "work",
            "model": "m",
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "cached_tokens": None,
            "spent_nusd": 0,
            "avoided_nusd": 140_000,
            "embedding_nusd": 0,
            "judging_nusd": 0,
            "unknown_embedding": 0,
            "unknown_judging": 0,
            "discount_nusd": None,
            "latency": 0.0,
            "avoided_latency": 2.0,
            "written_tokens": None,
            "premium_nusd": None,
            "requests": 1,
        }

    def test_many_hits_are_counted_one_by_one(self, answered, store):
        repeat(answered, 5)

        assert store.entry(1).hits == 4
        assert [source for (source,) in rows(store, "source")] == ["model"] + ["exact"] * 4

    def test_an_unknown_price_stays_unknown(self, answered, store):
        answered(question(model="unpriced"))
        answered(question(model="unpriced"))

        assert store.entry(1).cost is None
        assert rows(store, "spent_nusd, avoided_nusd") == [(None, None), (0, None)]

    def test_a_refreshed_answer_is_no_hit(self, answered, store):
        answered()
        answered(refresh=True)

        (found,) = store.ledger.totals(since=0.0)
        assert (found["requests"], found["hits"]) == (2, 0)
        assert found["spent_nusd"] == 280_000

    @pytest.mark.parametrize("place", [0, 1], ids=["a call", "a hit"])
    def test_a_command_line_is_remembered_with_its_entry(self, cache, store, place):
        hits = [cache.ask(question(), Ask()), cache.ask(question(), Ask())]

        cache.record(hits[place], COMMAND)

        assert store.file.rows("SELECT digest, entry_id FROM invocation") == [(b"d" * 16, 1)]

    def test_a_command_line_of_an_answer_that_was_not_kept_is_not(self, cache, store):
        cache.record(cache.ask(question(), Ask(no_cache=True)), COMMAND)

        assert store.file.rows("SELECT * FROM invocation") == []

    def test_a_new_answer_voids_the_command_line(self, cache, answered, store):
        cache.record(cache.ask(question(), Ask()), COMMAND)

        answered(refresh=True)

        assert store.file.rows("SELECT * FROM invocation") == []


class TestLookup:
    def test_asks_nobody_and_writes_nothing(self, cache, provider, store):
        found = cache.lookup(question(), Ask())

        assert isinstance(found, Miss)
        assert provider.asked == 0
        assert rows(store) == []

    def test_carries_what_put_will_need(self, cache, store):
        miss = cache.lookup(question(), Ask())

        hit = cache.put(miss, said("blue"), Ask())

        assert store.entry(hit.entry.id).key == miss.key
        assert cache.lookup(question(), Ask()).entry.answer == "blue"

    @pytest.mark.parametrize(
        ("ask", "reason"),
        [
            (Ask(), "not stored"),
            (Ask(no_cache=True), "--no-cache"),
            (Ask(refresh=True), "--refresh"),
            (Ask(samples=2), "not stored"),
        ],
    )
    def test_says_why_it_misses(self, cache, ask, reason):
        assert cache.lookup(question(), ask).reason == reason


class TestPut:
    def test_gives_the_answer_back_as_it_was(self, cache):
        miss = cache.lookup(question(), Ask())

        hit = cache.put(miss, said("blue", "stop", latency=3.0), Ask(ttl=60))

        assert hit.entry._replace(id=None) == cache.lookup(question(), Ask()).entry._replace(
            id=None
        )
        assert (hit.source, hit.level, hit.latency) == ("model", None, 3.0)
        assert (hit.usage, hit.price) == (USAGE, Price(140_000, "test:None", 7))
        assert hit.unkept is None

    def test_counts_the_life_from_the_answer_not_from_the_question(self, cache, clock):
        miss = cache.lookup(question(), Ask())
        clock.now += 10

        hit = cache.put(miss, said("blue"), Ask(ttl=60))

        assert hit.entry.expires_at == START + 70


class TestStreaming:
    def test_passes_the_pieces_on(self, cache):
        said = []

        hit = cache.ask(question(), Ask(stream=True), on_text=said.append)

        assert said == ["answer", " ", "1"]
        assert hit.entry.answer == "answer 1"

    def test_is_not_done_unasked(self, cache):
        said = []

        cache.ask(question(), Ask(stream=False), on_text=said.append)

        assert said == []

    def test_is_not_done_by_a_hit(self, cache):
        said = []
        cache.ask(question(), Ask())

        cache.ask(question(), Ask(stream=True), on_text=said.append)

        assert said == []

    def test_needs_nobody_who_listens(self, cache):
        assert cache.ask(question(), Ask(stream=True)).entry.answer == "answer 1"

    def test_that_broke_off_stores_nothing(self, made, store):
        cache = made(connect=lambda _: HalfAnAnswer())

        with pytest.raises(Unavailable):
            cache.ask(question(), Ask(stream=True))

        assert store.count() == 0
        assert rows(store) == []


class TestEstimate:
    def test_is_the_tokens_and_price_of_all_messages(self, cache):
        words = "which colour is the sky on a clear day?"

        tokens, cost = cache.estimate(question(words, system="be brief"))

        expected = estimate_tokens(words) + estimate_tokens("be brief")
        assert (tokens, cost.cost) == (expected, 1000 * expected)

    def test_of_an_unpriced_model_has_no_price(self, cache):
        tokens, cost = cache.estimate(question(model="unpriced"))

        assert tokens > 0
        assert cost.cost is None


def test_leaving_a_cache_closes_its_file(made, store):
    with made():
        pass

    with pytest.raises(CacheFileError):
        store.count()


def test_the_model_is_that_of_the_requests_provider(made, provider):
    providers = {"groq": provider, "openai": None}

    made(connect=providers.get).ask(question()._replace(provider="groq"), Ask())

    assert provider.asked == 1


def test_the_request_reaches_the_model_as_it_was_stated(cache, provider):
    request = question(seed=1, user="me")

    cache.ask(request, Ask())

    assert provider.requests == [request]
    assert provider.requests[0].base_url == BASE_URL


class Searcher:
    """Finds what it is told to, and counts what it is asked."""

    def __init__(self, found: Found) -> None:
        self.found = found
        self.misses: list[Miss] = []
        self.embedded: list[Request] = []

    def find(self, miss: Miss, ask: Ask) -> Found:
        self.misses.append(miss)
        return self.found

    def vector(self, request: Request, namespace: str, scope_hash: bytes) -> None:
        self.embedded.append(request)


class TestAQuestionInOtherWords:
    """What the cache makes of what a search by meaning finds; `Meaning` has tests of its own."""

    @pytest.fixture
    def searcher(self):
        return Searcher(Found(reason="nothing is near", bill=(7, 0)))

    @pytest.fixture
    def cache(self, made, searcher):
        return made(meaning=lambda: searcher)

    def test_is_not_looked_for_unless_that_is_asked_for(self, cache, searcher):
        cache.lookup(question(), Ask())

        assert searcher.misses == []

    def test_is_not_looked_for_where_the_same_words_are_stored(self, cache, searcher, answered):
        answered()

        answered(by_meaning=True)

        assert searcher.misses == []

    @pytest.mark.parametrize(
        "ask",
        [Ask(refresh=True), Ask(no_cache=True), Ask(samples=2)],
        ids=["refresh", "no_cache", "samples"],
    )
    def test_is_not_looked_for_where_nothing_may_be_read(self, cache, searcher, ask):
        cache.lookup(question(), ask._replace(by_meaning=True))

        assert searcher.misses == []

    def test_is_looked_for_with_what_the_exact_search_knows(self, cache, searcher):
        missed = cache.lookup(question(), Ask(by_meaning=True))

        (given,) = searcher.misses
        assert given.key == keys.cache_key(question())
        assert given.scope == keys.frame_of(question()) == missed.scope

    def test_says_why_it_was_not_found(self, cache):
        missed = cache.lookup(question(), Ask(by_meaning=True))

        assert missed.reason == "not stored; by meaning: nothing is near"
        assert missed.no_meaning == "nothing is near"

    def test_says_first_that_the_same_words_have_expired(self, cache, answered, clock):
        answered(ttl=1.0)
        clock.now += DAY

        missed = cache.lookup(question(), Ask(by_meaning=True))

        assert missed.reason == "not stored (it has expired); by meaning: nothing is near"

    def test_answers_for_nothing_but_its_search(self, cache, searcher, store, clock):
        cache.ask(question(), Ask())
        entry, alias = store.entry(1), Alias("default", b"k" * 32, 1, "e", 0.97, "other?", 0)
        searcher.found = Found(entry, alias, bill=(7, 0))

        hit = cache.ask(question("other?"), Ask(by_meaning=True))
        cache.record(hit, COMMAND)

        assert (hit.source, hit.level, hit.entry, hit.alias) == ("semantic", 4, entry, alias)
        assert (hit.line.spent_nusd, hit.line.embedding_nusd) == (0, 7)
        assert hit.line.avoided_nusd == entry.cost
        assert store.paraphrases.alias("default", b"k" * 32) == alias
        assert rows(store, "entry_id", "ledger") == [(1,), (1,)]
        assert store.file.rows("SELECT * FROM invocation") == []

    def test_leaves_its_vector_and_its_cost_to_the_models_answer(self, cache, searcher, store):
        vector = Vector("e", 3, struct.pack("<8f", 1.0, *[0.0] * 7))
        searcher.found = Found(reason="nothing is near", vector=vector, bill=(7, 0))

        cache.ask(question(), Ask(by_meaning=True))

        assert store.file.rows("SELECT entry_id, grp FROM vector") == [(1, 3)]
        assert rows(store, "source, embedding_nusd") == [("model", 7)]
        assert searcher.embedded == []

    @pytest.mark.parametrize("by_meaning", [True, False])
    def test_finds_every_answer_from_then_on(self, cache, searcher, by_meaning):
        cache.ask(question(), Ask(by_meaning=by_meaning))

        assert searcher.embedded == [question()]

    @pytest.mark.parametrize(
        "ask", [Ask(samples=2), Ask(no_cache=True), Ask(ttl=0)], ids=["sample", "no_cache", "ttl 0"]
    )
    def test_is_no_matter_of_what_is_not_kept_or_random(self, cache, searcher, ask):
        cache.ask(question(), ask)

        assert searcher.embedded == []

    @pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
    def test_costs_though_the_model_then_fails(self, cache, provider, store, fault):
        provider.will(fault)

        with pytest.raises(type(fault)):
            cache.ask(question(), Ask(by_meaning=True))

        assert rows(store, "source, spent_nusd, embedding_nusd, entry_id") == [
            ("failed", 0, 7, None)
        ]

    def test_leaves_no_line_where_it_cost_nothing_and_the_model_fails(
        self, cache, searcher, provider, store
    ):
        searcher.found = Found(reason="nothing is near")
        provider.will(Unavailable("no"))

        with pytest.raises(Unavailable):
            cache.ask(question(), Ask(by_meaning=True))

        assert rows(store) == []

    def test_costs_though_nothing_can_be_counted(self, made, searcher, store, provider):
        cache = made(store=Failing(store, "record"), meaning=lambda: searcher)
        provider.will(Unavailable("no"))

        with pytest.raises(Unavailable):
            cache.ask(question(), Ask(by_meaning=True))

    def test_is_wanted_though_there_is_no_file(self, made):
        cache = made(store=None, meaning=lambda: None)

        assert cache.ask(question(), Ask(by_meaning=True)).no_meaning == "no embedder"

    @pytest.mark.parametrize(
        ("share", "index", "asked"),
        [(0.0, 0, 0), (0.02, 19_999, 1), (0.02, 20_000, 0), (1.0, -1, 1)],
    )
    def test_is_audited_by_its_share(
        self, made, searcher, store, provider, draw, share, index, asked
    ):
        aside = Provider()
        cache = made(meaning=lambda: searcher, connect_aside=lambda _: aside)
        cache.ask(question(), Ask())
        alias = Alias("default", b"k" * 32, 1, "e", 0.97, "other?", 0)
        searcher.found = Found(store.entry(1), alias)
        hit = cache.ask(question("other?"), Ask(by_meaning=True))
        draw.index = index

        due = cache.is_due(hit, Ask(), share=share)
        offline = cache.is_due(hit, Ask(offline=True), share=share)

        assert (due, offline) == (bool(asked), False)
        assert (aside.asked, provider.asked) == (0, 1)

    def test_is_audited_aside(self, made, searcher, store, provider):
        aside = Provider()
        cache = made(meaning=lambda: searcher, connect_aside=lambda _: aside)
        cache.ask(question(), Ask())
        alias = Alias("default", b"k" * 32, 1, "e", 0.97, "other?", 0)
        searcher.found = Found(store.entry(1), alias)
        hit = cache.ask(question("other?"), Ask(by_meaning=True))

        cache.audit(question("other?"), Ask(), hit)

        assert (min(aside.asked, 1), provider.asked) == (1, 1)


class TestTimeRules:
    """They hold wherever an entry may come from."""

    @pytest.fixture
    def rule(self, store):
        """Add a time rule: on the prompts of `question()` unless told otherwise."""

        def add(ttl, pattern="colour", **more):
            return store.rules.add_time_rule(pattern, ttl, at=START, **more)

        return add

    @pytest.mark.parametrize(("age", "source"), [(59.9, "exact"), (60, "model")])
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_end_a_life_whenever_they_were_added(self, answered, rule, clock, when, age, source):
        {"before": rule, "after": lambda _: None}[when](60)
        answered()
        {"after": rule, "before": lambda _: None}[when](60)
        clock.now += age

        assert answered()[1] == source

    def test_are_written_with_the_answer(self, cache, rule, store):
        rule(60)

        hit = cache.ask(question(), Ask())

        assert hit.entry.expires_at == START + 60
        assert store.entry(1).expires_at == START + 60

    def test_are_told_with_a_stored_answer(self, answered, cache, rule):
        answered()
        rule(60)

        assert cache.ask(question(), Ask()).entry.expires_at == START + 60

    @pytest.mark.parametrize(("ttl", "end"), [(30, 30), (60, 60), (90, 60), (None, 60)])
    def test_never_lengthen_a_life(self, cache, rule, ttl, end):
        rule(60)
        rule(600)

        assert cache.ask(question(), Ask(ttl=ttl)).entry.expires_at == START + end

    def test_are_not_lengthened_by_a_hit(self, answered, rule, clock):
        rule(60)
        answered()
        clock.now += 50
        answered()
        clock.now += 10

        assert answered()[1] == "model"

    def test_give_a_life_back_when_they_go(self, answered, rule, store, clock):
        answered()
        rule(60)
        clock.now += 60
        store.rules.remove([1])

        assert answered()[1] == "exact"

    def test_hold_for_their_namespace_alone(self, answered, rule, clock):
        rule(60, namespace="work")
        answered()
        answered(namespace="work")
        clock.now += 60

        assert (answered()[1], answered(namespace="work")[1]) == ("exact", "model")

    @pytest.mark.parametrize(
        ("pattern", "field"),
        [("answer 1", "answer"), ("brief", "system"), ("^m$", "model"), ("^def", "namespace")],
    )
    def test_look_at_what_they_name(self, answered, rule, clock, pattern, field):
        rule(60, pattern, field=field)
        answered(question(system="be brief"))
        clock.now += 60

        assert answered(question(system="be brief"))[1] == "model"

    def test_of_another_process_hold_at_once(self, answered, store, db):
        answered()
        with Store(str(db)) as other:
            other.rules.add_time_rule("colour", 0, at=START)

        assert answered()[1] == "model"

    def test_are_the_reason_of_a_miss(self, cache, answered, rule, clock):
        answered()
        rule(60)
        clock.now += 60

        reason = cache.lookup(question(), Ask()).reason

        assert reason == "not stored (rule 1 (prompt ~ /colour/): 1 min)"

    def test_end_what_another_token_limit_would_be_given(self, answered, rule, clock):
        answered(question(max_tokens=500))
        rule(60)
        clock.now += 60

        assert answered(question(max_tokens=1000))[1] == "model"

    def test_end_samples_which_are_asked_for_again(self, answered, rule, clock, store):
        repeat(answered, 2, samples=2)
        rule(60)
        clock.now += 60

        asked = repeat(answered, 3, samples=2)

        assert [source for _, source, _ in asked] == ["model", "model", "exact"]
        assert store.count() == 2

    def test_leave_a_stale_answer_its_window(self, answered, rule, clock, provider):
        answered()
        rule(60)
        clock.now += 61
        provider.will(Unavailable("it is down"))

        assert answered(stale_if_error=DAY)[:2] == ("answer 1", "stale")

    def test_end_that_window_too(self, cache, answered, rule, clock, provider):
        answered()
        rule(60)
        clock.now += 60 + DAY
        provider.will(Unavailable("it is down"))

        with pytest.raises(Unavailable):
            cache.ask(question(), Ask(stale_if_error=DAY))

    def test_are_not_remembered_for_the_porch(self, cache, rule, store):
        rule(60)
        cache.record(cache.ask(question(), Ask()), COMMAND)
        cache.record(cache.ask(question(), Ask()), COMMAND)
        cache.record(cache.ask(question("which number?"), Ask()), COMMAND)

        assert store.file.rows("SELECT entry_id FROM invocation") == [(2,)]

    def test_that_are_added_meanwhile_void_what_is_remembered(self, cache, rule, store):
        hit = cache.ask(question(), Ask())
        rule(0)

        cache.record(hit, COMMAND)

        assert store.file.rows("SELECT generation FROM invocation") == [(0,)]
        assert store.rules.current().generation == 1

    def test_that_cannot_be_read_let_nothing_be_served_or_stored(
        self, made, store, answered, rule, notes
    ):
        answered()
        store.file.execute("ALTER TABLE rule RENAME TO lost; UPDATE meta SET value = 9")

        hit = made().ask(question(), Ask())

        assert hit.source == "model"
        assert hit.unkept.endswith("no such table: rule")
        assert len(notes) == 2

    class TestOfZero:
        @pytest.fixture(autouse=True)
        def never(self, rule, answered):
            answered(question("which number?"))
            repeat(lambda **how: answered(question("which number?"), **how), 2, samples=2)
            rule(0, "number")

        @pytest.mark.parametrize("ttl", [None, 60])
        def test_store_nothing(self, cache, store, ttl):
            before = store.count()

            hit = cache.ask(question("what number?"), Ask(ttl=ttl))

            assert hit.unkept == "rule 1 (prompt ~ /number/): not kept"
            assert store.count() == before

        @pytest.mark.parametrize(
            "how",
            [{}, {"samples": 2}, {"samples": 2, "sample": 1}, {"stale_if_error": DAY}],
            ids=repr,
        )
        def test_serve_nothing(self, answered, how):
            assert answered(question("which number?"), **how)[1:] == ("model", None)

        def test_serve_nothing_offline(self, cache):
            with pytest.raises(NotCached):
                cache.ask(question("which number?"), Ask(offline=True))

        def test_serve_nothing_to_another_token_limit(self, answered):
            assert answered(question("which number?", max_tokens=99))[1] == "model"

        @pytest.mark.parametrize("refresh", [False, True])
        def test_serve_nothing_stale(self, cache, provider, refresh):
            provider.will(Unavailable("it is down"))

            with pytest.raises(Unavailable):
                cache.ask(question("which number?"), Ask(refresh=refresh, stale_if_error=DAY))

        @pytest.mark.parametrize("asked", ["which number?", "what number?", "how many?"])
        def test_serve_nothing_by_meaning(self, made, store, asked):
            entry, alias = store.entry(1), Alias("default", b"k" * 32, 1, "e", 0.97, asked, 0)
            cache = made(meaning=lambda: Searcher(Found(entry, alias)))

            hit = cache.ask(question(asked), Ask(by_meaning=True))

            assert hit.source == "model"

        def test_serve_nothing_to_such_a_question_in_other_words(self, made, store, answered):
            _, _, entry_id = answered(question("how many?"))
            alias = Alias("default", b"k" * 32, entry_id, "e", 0.97, "what number?", 0)
            cache = made(meaning=lambda: Searcher(Found(store.entry(entry_id), alias)))

            hits = [
                cache.lookup(question(asked), Ask(by_meaning=True))
                for asked in ("what number?", "what count?")
            ]

            assert hits[0].reason.endswith("rule 1 (prompt ~ /number/): not kept")
            assert hits[1].source == "semantic"
