from __future__ import annotations

import contextlib
import gc
import os
import threading
from collections import Counter

import pytest
from terminals import eventually

from llmc import config
from llmc.batch import batching
from llmc.batch.batchfile import Row
from llmc.batch.batching import Batch, Done
from llmc.batch.budget import Budget
from llmc.errors import KeyRefused, LlmcError, NotCached, ProviderError
from llmc.types import Answer, Ask, Hit, Request

URL = "http://127.0.0.1:1/v1"
PLAIN = Ask()


class Model:
    """Answers each question once it is let; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.held: set[str] = set()
        self.answers: dict[str, Answer | LlmcError] = {}
        self.usage = {"prompt_tokens": 100, "completion_tokens": 20}
        self._changed = threading.Condition()

    def ask(self, request, *, add_temperature=False, refused=frozenset(), on_text=None) -> Answer:
        words = request.body["messages"][-1]["content"]
        with self._changed:
            self.asked.append(words)
            assert self._changed.wait_for(lambda: words not in self.held, timeout=20)
        answer = self.answers.get(words, Answer(f"to {words}", "stop", "m", self.usage))
        if isinstance(answer, LlmcError):
            raise answer
        return answer

    def let(self, *words: str) -> None:
        with self._changed:
            self.held.difference_update(words)
            self._changed.notify_all()


@pytest.fixture
def model(monkeypatch):
    model = Model()
    monkeypatch.setattr("llmc.provider.Provider", lambda *_, **__: model)
    return model


@pytest.fixture
def cache(home, model, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", URL)
    monkeypatch.setenv("LLMC_CONFIG", str(home / "config.toml"))
    (home / "config.toml").write_text('[prices."m"]\ninput = 10\noutput = 20\n')
    with config.open_cache(config.load({}), note=lambda _: None) as cache:
        yield cache


@pytest.fixture
def batch(cache):
    """Open a batch, with a budget in dollars; it is left at the end."""
    with contextlib.ExitStack() as opened:

        def open_batch(ask=PLAIN, *, jobs=4, budget=None):
            return opened.enter_context(_batch(cache, ask, jobs=jobs, budget=budget))

        yield open_batch


def _batch(cache, ask=PLAIN, *, jobs=4, budget=None) -> Batch:
    limit = None if budget is None else round(budget * 1e9)
    return Batch(cache, ask, jobs=jobs, budget=Budget(limit, cache.estimate), note=lambda _: None)


def rows(*words: str, **body) -> list[Row]:
    asked = [{"role": "user", "content": word} for word in words]
    return [
        Row(number, 10, False, number, Request(URL, {"model": "m", "messages": [message], **body}))
        for number, message in enumerate(asked, 1)
    ]


def told(done: Done) -> str:
    return str(done.result) if isinstance(done.result, LlmcError) else done.result.entry.answer


def test_answers_are_told_in_the_order_of_the_questions(batch, model):
    model.held = {"a"}
    threading.Timer(0.1, model.let, "a").start()

    found = list(batch().run(rows("a", "b", "c")))

    assert [told(done) for done in found] == ["to a", "to b", "to c"]
    assert [done.row.number for done in found] == [1, 2, 3]


def test_what_is_done_is_told_before_the_next_row_is_there(batch, model):
    running = batch()

    def source():
        yield rows("a")[0]
        while not told_already:  # nothing for the moment
            os.read(running.wake, 1)
            yield None
        yield rows("b")[0]

    told_already: list[str] = []
    told_already.extend(map(told, running.run(source())))

    assert told_already == ["to a", "to b"]


def test_no_more_questions_are_asked_at_once_than_there_are_jobs(batch, model):
    model.held = set("abcdef")
    running = batch(jobs=2).run(rows(*"abcdef"))
    thread = threading.Thread(target=lambda: list(running))
    thread.start()

    assert eventually(lambda: len(model.asked) == 2)
    model.let("a")
    assert eventually(lambda: len(model.asked) == 3)

    model.let(*"abcdef")
    thread.join()


def test_the_same_question_is_asked_once(batch, model):
    found = list(batch().run(rows("a", "b", "a", "a")))

    assert Counter(model.asked) == {"a": 1, "b": 1}
    assert [told(done) for done in found] == ["to a", "to b", "to a", "to a"]
    assert [done.result.source for done in found[2:]] == ["exact", "exact"]


def test_a_question_that_is_under_way_is_waited_for(batch, model):
    model.held = {"a"}
    threading.Timer(0.1, model.let, "a").start()

    first, second = batch().run(rows("a", "a"))

    assert model.asked == ["a"]
    assert (first.again, second.again) == (False, True)
    assert (first.result.source, second.result.source) == ("model", "exact")


def test_an_answer_that_is_not_kept_serves_the_same_question_all_the_same(batch, model):
    model.held = {"a"}
    model.answers = {"a": Answer("cut", "length", "m", model.usage)}
    threading.Timer(0.1, model.let, "a").start()

    first, second = batch().run(rows("a", "a"))

    assert model.asked == ["a"]
    assert (first.result.price.cost, second.result.price.cost) == (1_400_000, 0)
    assert told(second) == "cut"


def test_a_failure_is_that_of_the_same_question_too(batch, model):
    model.held = {"a"}
    model.answers = {"a": ProviderError("no", status=400)}
    threading.Timer(0.1, model.let, "a").start()

    found = list(batch().run(rows("a", "a", "b")))

    assert [told(done) for done in found] == ["no", "no", "to b"]
    assert model.asked.count("a") == 1


@pytest.mark.parametrize(
    ("ask", "body"), [(Ask(), {"temperature": 1}), (Ask(no_cache=True), {})], ids=["variety", "no"]
)
def test_what_asks_for_variety_or_for_no_cache_is_asked_each_time(batch, model, ask, body):
    list(batch(ask).run(rows("a", "a", **body)))

    assert model.asked == ["a", "a"]


def test_a_refresh_asks_each_question_once(batch, model, cache):
    list(batch().run(rows("a")))

    found = list(batch(Ask(refresh=True), jobs=1).run(rows("a", "b", "a", "a")))
    later = list(batch(Ask(refresh=True), jobs=1).run(rows("a")))

    assert Counter(model.asked) == {"a": 3, "b": 1}
    assert [done.result.source for done in found].count("model") == 2
    assert later[0].result.source == "model"


def test_what_is_stored_is_not_asked(batch, model):
    list(batch().run(rows("a")))

    found = list(batch().run(rows("a", "b")))

    assert [done.result.source for done in found] == ["exact", "model"]
    assert model.asked == ["a", "b"]


def test_offline_what_is_missing_is_a_failure(batch, model):
    list(batch().run(rows("a")))

    hit, missing = batch(Ask(offline=True)).run(rows("a", "b"))

    assert isinstance(hit.result, Hit)
    assert isinstance(missing.result, NotCached)
    assert model.asked == ["a"]


def test_every_answer_is_stored_before_it_is_told(batch, model, cache):
    for done in batch().run(rows("a", "b")):
        assert isinstance(cache.lookup(done.row.request, Ask()), Hit)


def test_a_fault_is_told_in_its_place(batch, model):
    bad = Row(2, 1, False, fault="it is not JSON")

    found = list(batch().run([rows("a")[0], bad, rows("b")[0]]))

    assert [told(done) for done in found] == ["to a", "it is not JSON", "to b"]


def test_a_defect_costs_one_row_not_the_batch(batch, model, monkeypatch):
    monkeypatch.setitem(model.answers, "a", "no answer at all")

    found = list(batch().run(rows("a", "b")))

    assert told(found[0]).startswith("unexpected AttributeError")
    assert told(found[1]) == "to b"


def test_a_refused_key_ends_it_after_what_came_before(batch, model):
    model.answers = {"b": KeyRefused("no key")}
    found = []

    with pytest.raises(KeyRefused, match="no key"):
        found.extend(map(told, batch(jobs=1).run(rows(*"abcdefgh"))))

    assert found == ["to a"]
    assert model.asked[:2] == ["a", "b"]
    assert len(model.asked) <= 3


# -- money ---------------------------------------------------------------------------------------


def test_a_limit_is_not_crossed_and_the_line_is_named(batch, model):
    model.usage = {"prompt_tokens": 1, "completion_tokens": 20}
    found = []

    with pytest.raises(LlmcError) as stopped:
        found.extend(map(told, batch(budget=0.0015).run(rows(*"abcdef", max_tokens=20))))

    assert str(stopped.value).startswith("stopped before line 4: of $0.0015, $0.0012 is spent")
    assert found == ["to a", "to b", "to c"]
    assert sorted(model.asked) == ["a", "b", "c"]


def test_what_is_under_way_counts_so_that_fewer_are_asked_at_once(batch, model):
    model.usage = {"prompt_tokens": 1, "completion_tokens": 20}
    model.held = set("abcdef")
    running = batch(budget=0.0015).run(rows(*"abcdef", max_tokens=20))

    def run():
        with contextlib.suppress(LlmcError):
            list(running)

    thread = threading.Thread(target=run)
    thread.start()

    assert eventually(lambda: model.asked == ["a"])  # whose cost shows how good the estimates are
    model.let("a")
    assert eventually(lambda: sorted(model.asked) == ["a", "b", "c"])

    model.let(*"abcdef")
    thread.join()
    assert sorted(model.asked) == ["a", "b", "c"]


def test_hits_cost_nothing_of_it(batch, model):
    list(batch().run(rows("a", "b")))

    found = list(batch(budget=0).run(rows("a", "b")))

    assert [done.result.source for done in found] == ["exact", "exact"]


# -- memory and threads --------------------------------------------------------------------------


def test_a_slow_row_holds_back_no_more_than_a_window(batch, model, monkeypatch):
    monkeypatch.setattr(batching, "WINDOW", 20)
    model.held = {"0"}
    read = []

    def source():
        for row in rows(*map(str, range(100))):
            read.append(row.number)
            yield row

    thread = threading.Thread(target=lambda: list(batch().run(source())))
    thread.start()

    assert eventually(lambda: len(model.asked) == 20)
    assert len(read) == 20

    model.let("0")
    thread.join()
    assert len(model.asked) == 100


def test_large_rows_make_the_window_smaller(batch, model, monkeypatch):
    monkeypatch.setattr(batching, "BYTES", 45)
    model.held = {"0"}
    thread = threading.Thread(target=lambda: list(batch().run(rows(*map(str, range(20))))))
    thread.start()

    assert eventually(lambda: len(model.asked) == 5)

    model.let("0")
    thread.join()
    assert len(model.asked) == 20


@pytest.mark.parametrize("times", [1, 20], ids=["few", "many"])
def test_memory_does_not_grow_with_the_rows(batch, model, times):
    def hits() -> int:
        return sum(isinstance(each, Hit) for each in gc.get_objects())

    list(batch().run(rows("a")))
    gc.collect()
    before, most = hits(), 0

    for number, _ in enumerate(batch().run(iter(rows("a") * 200 * times))):
        if number % 100 == 0:
            most = max(most, hits())

    assert most - before < 10


def test_leaving_waits_for_what_is_under_way_and_keeps_it(model, cache):
    model.held = {"a"}

    def source():
        yield from rows("a")
        assert eventually(lambda: model.asked == ["a"])
        threading.Timer(0.1, model.let, "a").start()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), _batch(cache) as running:
        list(running.run(source()))

    assert isinstance(cache.lookup(rows("a")[0].request, Ask()), Hit)


def test_questions_that_begin_alike_wait_for_the_first_of_them(batch, model):
    long = {"role": "system", "content": "be brief " * 1000}
    alike = [
        row._replace(
            request=row.request._replace(
                base_url="https://api.openai.com/v1",
                body={"model": "gpt-6", "messages": [long, *row.request.body["messages"]]},
            )
        )
        for row in rows("a", "b", "c")
    ]
    model.held = {"a"}
    thread = threading.Thread(target=lambda: list(batch().run([*alike, *rows("d")])))
    thread.start()

    assert eventually(lambda: sorted(model.asked) == ["a", "d"])

    model.let("a")
    thread.join()
    assert sorted(model.asked) == ["a", "b", "c", "d"]


def test_many_threads_write_whole_entries(batch, model, cache):
    found = list(batch(jobs=16).run(rows(*map(str, range(200)))))

    assert [told(done) for done in found] == [f"to {number}" for number in range(200)]
    assert len({done.result.entry.id for done in found}) == 200
