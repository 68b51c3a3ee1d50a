from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time

import pytest
from processes import output
from upstream import Reply

import llmc
from llmc.errors import CacheFileError, ConfigError, InputError, NotCached, ProviderError
from llmc.standing import PACE
from llmc.store import Store
from llmc.types import Selector

INVALIDATE = """
import sys
from llmc.store import Store
with Store(sys.argv[1]) as store:
    store.delete([1])
"""

USE_AND_END = """
import llmc
cache = llmc.Cache()
cache.put("which colour?", "blue")
for _ in range(5):
    assert cache.ask("which colour?").answer == "blue"
"""

FORK = """
import os, llmc
cache = llmc.Cache()
cache.put("which colour?", "blue")
cache.ask("which colour?")
child = os.fork()
for number in range(20):
    cache.put(f"{os.getpid()} {number}", "x")
if child == 0:
    cache.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(cache.stats()[0]["requests"], cache.ask("which colour?").source)
"""


#: The parent goes, and its locks with it; then somebody else comes and goes.
DAEMON = """
import os, sys, llmc
from processes import output
cache = llmc.Cache()
cache.put("before", "x")
if child := os.fork():
    os.waitpid(child, 0)
    os._exit(0)
if os.fork():
    os._exit(0)
os.write(1, str(cache.invalidate("before")).encode())
cache.put("during", "x" * 500_000)
output("from llmc.store import Store; Store(" + repr(sys.argv[1]) + ").close()")
cache.put("after", "x")
cache.close()
"""

WORKERS = """
import multiprocessing, llmc
cache = llmc.Cache()
def ask(_):
    return cache.ask("which colour?").answer
cache.put("which colour?", "blue")
workers = [multiprocessing.get_context("fork").Process(target=ask, args=(n,)) for n in range(3)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
"""


@pytest.fixture
def environ(upstream, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


@pytest.fixture
def cache(environ):
    with llmc.Cache() as cache:
        yield cache


class TestAsking:
    def test_pays_once(self, cache, upstream):
        first, second, third = (cache.ask("why?") for _ in range(3))

        assert [hit.answer for hit in (first, second, third)] == ["answer 1"] * 3
        assert [hit.source for hit in (first, second, third)] == ["model", "exact", "memory"]
        assert [hit.level for hit in (first, second, third)] == [None, 2, 1]
        assert len(upstream.calls) == 1

    def test_is_a_hit_for_the_command_line_and_the_reverse(self, cache, cli):
        cache.ask("why?", system="be brief", temperature=0.0, max_tokens=7)
        asked = cli("ask", "-s", "be brief", "--temperature", "0", "--max-tokens", "7", "why?")
        cli("ask", "which?", "--context", "it rains")

        assert "exact hit" in asked.err
        assert cache.ask("which?", context="it rains").source == "exact"

    def test_takes_a_whole_request(self, cache, upstream):
        request = llmc.Request(upstream.url, {"model": "m", "messages": []})

        cache.ask(request)

        assert upstream.calls[0].body["messages"] == []
        assert cache.ask(request).source == "exact"

    def test_streams_a_new_answer(self, cache, upstream):
        upstream.will(Reply("three short words"))
        pieces: list[str] = []

        hit = cache.ask("why?", on_text=pieces.append)

        assert pieces == ["three", " short", " words"]
        assert hit.answer == "three short words"

    def test_counts_every_answer(self, cache, db):
        for _ in range(4):
            cache.ask("why?")

        (figures,) = cache.stats()

        assert (figures["requests"], figures["hits"], figures["misses"]) == (4, 3, 1)
        assert figures["hits_memory"] == 2
        with Store(str(db)) as store:
            assert store.entry(1).hits == 3

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"offline": True}, NotCached),
            ({"ttl": "a while"}, InputError),
            ({"model": "nobody/x"}, ProviderError),
            ({"parameters": {"temperature": 1}, "temperature": 1}, InputError),
        ],
    )
    def test_raises_what_is_wrong(self, cache, upstream, options, error):
        upstream.will(Reply(status=404))

        with pytest.raises(error):
            cache.ask("why?", **options)

    def test_says_what_fails_to_the_log(self, cache, upstream, caplog):
        upstream.will(Reply(status=500, headers={"retry-after": "0"}))

        with caplog.at_level(logging.WARNING, "llmc"):
            cache.ask("why?")

        assert "trying again" in caplog.text

    def test_of_other_options_is_another_question(self, cache, upstream):
        for options in ({}, {"namespace": "a"}, {"model": "b"}, {"parameters": {"top_p": 0.5}}):
            cache.ask("why?", **options)

        assert len(upstream.calls) == 4

    def test_sees_that_the_callers_dictionary_has_changed(self, cache, upstream):
        parameters = {"top_p": 0.5}
        cache.ask("why?", parameters=parameters)
        parameters["top_p"] = 0.6

        cache.ask("why?", parameters=parameters)

        assert len(upstream.calls) == 2

    def test_returns_copies(self, cache, upstream):
        message = {"content": None, "tool_calls": [{"id": "c", "function": {"name": "f"}}]}
        upstream.will(Reply(finish_reason="tool_calls", message=message))
        for _ in range(3):
            cache.ask("why?").entry.choices[0]["message"].clear()

        hit = cache.ask("why?")

        assert hit.source == "memory"
        assert hit.entry.choices[0]["message"] == message

    def test_once_it_is_closed_is_an_error(self, cache, upstream):
        cache.close()

        with pytest.raises(CacheFileError, match="it has been closed"):
            cache.ask("why?")

        assert upstream.calls == []


class TestLookingUp:
    def test_returns_a_miss_and_asks_nobody(self, cache, upstream):
        found = cache.lookup("why?")

        assert isinstance(found, llmc.Miss)
        assert found.reason == "not stored"
        assert upstream.calls == []

    def test_returns_a_miss_of_the_callers_own(self, cache, upstream):
        cache.lookup("why?").request.body["messages"].clear()

        cache.ask("why?")

        assert upstream.calls[0].body["messages"] == [{"role": "user", "content": "why?"}]

    def test_returns_a_copy_of_what_may_stand_in(self, cache, upstream):
        message = {"content": None, "tool_calls": [{"id": "c", "function": {"name": "f"}}]}
        upstream.will(Reply(finish_reason="tool_calls", message=message))
        for _ in range(3):
            cache.ask("why?")

        miss = cache.lookup("why?", refresh=True, stale_if_error=60)
        miss.stale.choices[0]["message"].clear()

        assert cache.ask("why?").entry.choices[0]["message"] == message

    def test_returns_and_counts_a_hit(self, cache):
        cache.put("why?", "because")

        assert cache.lookup("why?").answer == "because"
        assert cache.stats()[0]["hits"] == 1


class TestPutting:
    def test_stores_an_answer_for_the_command_line_too(self, cache, cli):
        cache.put("why?", "because", namespace="work", ttl=3600)

        asked = cli("ask", "--offline", "-n", "work", "why?")

        assert asked.out == "because\n"

    def test_overwrites(self, cache):
        first = cache.put("why?", "because")
        second = cache.put("why?", "why not")

        assert (second.entry.id, cache.ask("why?").answer) == (first.entry.id, "why not")

    def test_takes_a_miss_and_an_answer(self, cache):
        miss = cache.lookup("why?")

        cache.put(miss, llmc.Answer("because", "stop", usage={"prompt_tokens": 3}))

        assert cache.ask("why?").entry.tokens.prompt == 3

    @pytest.mark.parametrize("answer", ["", llmc.Answer("half an ans", "length")])
    def test_refuses_what_is_no_answer(self, cache, answer):
        with pytest.raises(InputError, match="not stored"):
            cache.put("why?", answer)

    def test_says_that_the_file_refuses(self, cache, monkeypatch):
        def fail(*_: object) -> None:
            raise CacheFileError("cache file x: the disk is full")

        monkeypatch.setattr(cache._store, "put", fail)

        with pytest.raises(CacheFileError, match="the disk is full"):
            cache.put("why?", "because")


class TestForgetting:
    def test_invalidates(self, cache):
        cache.put("about schema.sql", "x")
        cache.put("about main.py", "y")

        assert cache.invalidate(r"schema\.sql") == 1

        assert isinstance(cache.lookup("about schema.sql"), llmc.Miss)
        assert cache.lookup("about main.py").answer == "y"

    @pytest.mark.parametrize("arguments", [("(",), ("x", "colour")])
    def test_refuses_what_cannot_be_looked_for(self, cache, arguments):
        pattern, *field = arguments

        with pytest.raises(InputError):
            cache.invalidate(pattern, **dict(zip(("field",), field, strict=False)))

    def test_a_time_rule_holds_at_once(self, cache):
        cache.put("the price of gold", "x")
        cache.ask("the price of gold")

        cache.add_time_rule("price", 0)

        assert isinstance(cache.lookup("the price of gold"), llmc.Miss)

    def test_an_event_carries_out_its_rules(self, cache):
        cache.put("about schema.sql", "x")
        cache.add_event_rule("file_changed", "{path}")

        assert cache.on_event("file_changed", {"path": "schema.sql"}) == 1
        assert cache.on_event("file_changed", {"path": "schema.sql"}) == 0
        assert cache.on_event("something_else") == 0

    def test_an_event_without_its_data_says_so_after_the_others(self, cache):
        cache.put("about schema.sql", "x")
        cache.add_event_rule("file_changed", "{path}")
        cache.add_event_rule("file_changed", "{folder}")

        with pytest.raises(InputError, match="folder is not given"):
            cache.on_event("file_changed", {"path": "schema.sql"})

        assert isinstance(cache.lookup("about schema.sql"), llmc.Miss)

    def test_by_another_process_is_seen_at_once(self, cache, db):
        cache.put("why?", "because")
        assert [cache.ask("why?").source for _ in range(2)] == ["exact", "memory"]

        output(INVALIDATE, db)

        assert isinstance(cache.lookup("why?"), llmc.Miss)


class TestSettings:
    def test_come_from_the_environment_as_on_the_command_line(self, environ, monkeypatch):
        monkeypatch.setenv("LLMC_NAMESPACE", "work")

        with llmc.Cache() as cache:
            assert cache.put("why?", "because").entry.namespace == "work"

    def test_that_are_given_count_first(self, environ, tmp_path):
        with llmc.Cache(db=tmp_path / "other.db", namespace="mine", ttl="1h") as cache:
            hit = cache.put("why?", "because")

        assert hit.entry.namespace == "mine"
        assert hit.entry.expires_at == pytest.approx(hit.entry.created_at + 3600)
        assert (tmp_path / "other.db").is_file()

    def test_that_cannot_be_read_are_refused(self, monkeypatch):
        monkeypatch.setenv("LLMC_LEVELS", "memory,moon")

        with pytest.raises(ConfigError, match="LLMC_LEVELS"):
            llmc.Cache()

    def test_choose_the_levels(self, environ, monkeypatch):
        monkeypatch.setenv("LLMC_LEVELS", "file")

        with llmc.Cache() as cache:
            cache.put("why?", "because")
            assert [cache.ask("why?").source for _ in range(2)] == ["exact", "exact"]

    def test_a_file_that_cannot_be_used_is_an_error(self, tmp_path):
        (tmp_path / "x.db").write_text("no SQLite file at all" * 100)

        with pytest.raises(CacheFileError):
            llmc.Cache(db=tmp_path / "x.db")


def test_threads_that_ask_the_same_pay_once(cache, upstream):
    upstream.will(Reply("slow", delay=0.3))
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(cache.ask("why?").answer)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == ["slow"] * 8
    assert len(upstream.calls) == 1


def test_nothing_is_lost_at_the_end_of_a_program(db, environ):
    assert output(USE_AND_END) == ""

    with Store(str(db)) as store:
        assert store.entry(1).hits == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_opens_the_file_anew(environ, db):
    assert output(FORK) == "1 exact"

    with Store(str(db)) as store:
        assert store.count() == 41


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_outlives_its_parent_loses_nothing(environ, db):
    assert output(DAEMON, db) == "1"

    with Store(str(db)) as store:
        assert store.file.damage() == []
        assert sorted(e.prompt for e in store.select(Selector())) == ["after", "during"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_what_workers_have_counted_is_not_lost_at_their_end(environ, db):
    assert output(WORKERS) == ""

    with Store(str(db)) as store:
        assert store.entry(1).hits == 3


def test_what_is_put_after_the_file_has_gone_lies_in_the_new_one(cache, db, monkeypatch):
    cache.put("before", "x")
    for name in (db, f"{db}-wal", f"{db}-shm"):
        os.unlink(name)
    later = time.monotonic() + PACE
    monkeypatch.setattr(cache._standing, "_timer", lambda: later)

    cache.put("after", "x")

    with Store(str(db)) as store:
        assert [entry.prompt for entry in store.select(Selector())] == ["after"]


def test_importing_the_package_is_light():
    script = "import sys, llmc; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )

    loaded = set(done.stdout.split())

    assert "llmc" in loaded
    assert not loaded & {
        "apsw",
        "openai",
        "numpy",
        "typer",
        "httpx2",
        "json",
        "rich",
        "dataclasses",
    }


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Cashe'"):
        _ = llmc.Cashe
