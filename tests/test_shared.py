"""Two files that play two machines, and a real server between them."""

from __future__ import annotations

import json
import time

import pytest
from drafts import draft, question

from llmc import drafting, keys, shared
from llmc.errors import ConfigError, SharedError
from llmc.messages import LONGEST
from llmc.questions import verdict_on
from llmc.shared import REST, SharedTier, server_of
from llmc.store import Store
from llmc.tiers import FileTier
from llmc.transfer import exchange
from llmc.types import Alias, Ask, Miss, Vector

NOW = 2_000_000_000.0  # the server has a clock of its own: what is kept ends long after this test
WEEK = 7 * 86400.0


class Clock:
    """A clock that stands still until it is moved."""

    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


class Machine:
    """One machine: its file, and its view of what is shared."""

    def __init__(self, path, server, clock) -> None:
        self.store = Store(str(path))
        self.store.outbox.share(True)
        self.notes: list[str] = []
        self.tier = SharedTier(
            server.url, self.store, ttl=WEEK, clock=clock, note=self.notes.append
        )

    def put(self, prompt: str = "which colour?", answer: str = "blue", **changes) -> int:
        made = draft(prompt, answer, created_at=NOW, **changes)
        entry_id = self.store.put(made, None)
        self.tier.tell()
        return entry_id

    def finds(self, prompt: str = "which colour?", **options) -> list[str]:
        found = self.tier.find(miss(prompt), Ask(**options))
        return [entry.answer for entry in found]

    def holds(self) -> list[str]:
        return sorted(row[0] for row in self.store.file.rows("SELECT answer FROM entry"))


def miss(prompt: str = "which colour?") -> Miss:
    request = question(prompt)
    return Miss(request, keys.cache_key(request), keys.family_key(request), "not stored")


@pytest.fixture
def machine(tmp_path, server, clock):
    made: list[Machine] = []

    def machine() -> Machine:
        made.append(Machine(tmp_path / f"{len(made)}.db", server, clock))
        return made[-1]

    yield machine
    for each in made:
        each.store.close()


@pytest.fixture
def here(machine):
    return machine()


@pytest.fixture
def there(machine):
    return machine()


class TestAnAnswer:
    def test_stored_on_one_machine_is_found_on_another(self, here, there):
        here.put()

        assert there.finds() == ["blue"]

    def test_keeps_what_it_cost_and_when_it_was_given(self, here, there):
        here.put()

        (found,) = there.tier.find(miss(), Ask())

        (own,) = here.store.family("default", miss().family)
        assert found == own._replace(id=None)

    def test_is_found_in_its_namespace_alone(self, here, there):
        here.put(namespace="work")

        assert there.finds() == []
        assert there.finds(namespace="work") == ["blue"]

    def test_ends_there_when_it_ends_here(self, here, server):
        here.put(expires_at=NOW + 100)

        (name,) = server.client.keys("*:e:*")
        assert server.client.pexpiretime(name) == 1000 * (NOW + 100)

    def test_without_an_end_is_kept_for_a_time(self, here, server):
        here.put()

        (name,) = server.client.keys("*:e:*")
        assert server.client.pexpiretime(name) == 1000 * (NOW + WEEK)

    def test_that_has_ended_is_not_told(self, here, server):
        here.put(expires_at=NOW - 1)

        assert server.client.keys("*") == []

    def test_that_was_overwritten_is_the_new_one(self, here, there):
        here.put()
        here.put(answer="red")

        assert there.finds() == ["red"]

    def test_arrives_in_the_file_of_one_who_listens(self, here, there):
        here.put()
        here.put("which shape?", "round")

        there.tier.listen()

        assert there.holds() == ["blue", "round"]

    def test_arrives_with_its_vector(self, here, there):
        numbers = b"\0\0\x80?" + bytes(4 * 7)  # 1, 0, 0 …
        here.put(vector=Vector("e", 77, numbers))

        there.tier.listen()

        (found,) = exchange.vectors(there.store, 1)
        assert found == exchange.vectors(here.store, 1)[0]
        assert found[:2] == ("e", 77)

    def test_that_is_newer_here_stays(self, here, there):
        here.put()
        there.store.put(draft(answer="newer", created_at=NOW + 1), None)

        there.tier.listen()

        assert there.holds() == ["newer"]

    def test_that_was_heard_is_not_told_again(self, here, there, server):
        here.put()
        there.tier.listen()
        there.tier.tell()

        assert server.client.xlen(shared._LOG_KEY) == 1

    def test_is_not_taken_for_a_sample(self, here, there):
        here.put(sample=1)

        assert there.finds() == []
        assert there.finds(samples=1) == []


class TestWhatLeaves:
    def test_leaves_everywhere(self, here, there):
        entry_id = here.put()
        there.tier.listen()
        here.store.delete([entry_id])
        here.tier.tell()

        there.tier.listen()

        assert there.holds() == there.finds() == []

    def test_stays_where_it_was_asked_anew(self, here, there):
        entry_id = here.put()
        there.store.put(draft(answer="asked anew", created_at=NOW + 1), None)
        here.store.delete([entry_id])
        here.tier.tell()

        there.tier.listen()

        assert there.holds() == ["asked anew"]

    def test_for_want_of_room_stays_with_the_others(self, here, there):
        entry_id = here.put()
        here.store.delete([entry_id], tell=False)
        here.tier.tell()

        assert there.finds() == ["blue"]

    def test_as_a_wrong_answer_leaves_its_verdict(self, here, there):
        entry_id = here.put()
        entry = here.store.entry(entry_id)
        alias = Alias("default", b"k", entry_id, "e", 0.97, "what colour?", 0)
        verdict = verdict_on(alias, entry, origin="bad", right=False, at=NOW)
        here.store.delete([entry_id], verdict)
        here.tier.tell()

        there.tier.listen()

        assert there.store.paraphrases.verdicts() == [verdict]

    def test_is_not_taken_back_while_the_server_has_not_heard_of_it(self, here, server):
        entry_id = here.put()
        here.store.delete([entry_id])

        assert server.client.keys("*:e:*")
        assert here.finds() == []

    def test_is_not_taken_back_from_who_had_told_it_first(self, here, there):
        here.put()
        (found,) = there.tier.find(miss(), Ask())
        (kept,) = FileTier(there.store, drafting.again).keep([found], miss(), Ask())
        there.store.delete([kept.id])
        there.tier.tell()

        there.tier.listen()

        assert there.holds() == []

    def test_names_no_text(self, here, server):
        entry_id = here.put("a secret question")
        here.store.delete([entry_id])
        rows = here.store.file.records("SELECT * FROM outbox")

        assert "secret" not in repr(rows)


class TestOneWhoWasAway:
    def test_hears_of_all_of_it(self, here, there):
        for number in range(2 * shared._BATCH + 1):
            here.store.put(draft(f"question {number}", str(number), created_at=NOW), None)
        here.tier.tell()

        for _ in range(3):
            there.tier.listen()

        assert len(there.holds()) == 2 * shared._BATCH + 1

    def test_hears_nothing_twice(self, here, there):
        here.put()
        there.tier.listen()
        there.store.delete([1], tell=False)

        there.tier.listen()

        assert there.holds() == []

    def test_too_long_loses_what_is_no_longer_there(self, here, there, server):
        entry_id = here.put()
        here.put("which shape?", "round")
        there.tier.listen()
        here.store.delete([entry_id])
        here.tier.tell()
        here.put("which size?", "large")
        server.client.xtrim(shared._LOG_KEY, maxlen=1)

        there.tier.listen()

        assert there.holds() == ["large", "round"]

    def test_while_the_server_was_emptied_begins_anew(self, here, there, server):
        here.put()
        there.tier.listen()
        server.client.flushall()
        here.put("which shape?", "round")

        there.tier.listen()

        assert there.holds() == ["blue", "round"]


class TestAStranger:
    @pytest.mark.parametrize(
        "value",
        [
            b"",
            b"no JSON",
            b"\xff\xfe",
            b"[]",
            b'{"from": 1, "line": "{}", "vectors": []}',
            b'{"from": 1, "line": {"kind": "entry"}, "vectors": []}',
            b"[" * 10_000,
            b"x" * (LONGEST + 10),
        ],
        ids=range(8),
    )
    def test_is_ignored(self, here, there, server, value):
        here.put()
        for name in server.client.keys("*:[ef]:*"):
            server.client.set(name, value)
        server.client.xadd(shared._LOG_KEY, {"m": value})
        server.client.xadd(shared._LOG_KEY, {"something": "else"})

        assert there.finds() == []

        assert there.holds() == ["blue"]

    def test_cannot_answer_another_question(self, here, there, server):
        here.put("which shape?", "round")
        (name,) = server.client.keys("*:e:*")
        server.client.set(shared._name("e", "default", miss().key), server.client.get(name))

        assert there.finds() == []

    @pytest.mark.parametrize("numbers", ["", "AAA", "AAAAAAAAAAA=", 5, "AH4AfgB+AH4="])
    def test_brings_no_vector_that_is_none(self, here, there, server, numbers):
        here.put()
        (name,) = server.client.keys("*:e:*")
        message = json.loads(server.client.get(name)) | {"vectors": [["e", 1, numbers]]}
        server.client.delete(shared._LOG_KEY)
        server.client.xadd(shared._LOG_KEY, {"m": json.dumps(message)})

        there.tier.listen()

        assert there.holds() == []

    def test_s_key_of_another_kind_is_an_outage(self, here, there, server):
        server.client.set(shared._LOG_KEY, "no log")

        with pytest.raises(SharedError, match="not understood"):
            there.tier.listen()


class TestAnOutage:
    def test_is_an_error_that_names_the_server_alone(self, there, server, clock):
        server.stop()
        try:
            with pytest.raises(SharedError, match=f"127.0.0.1:{server.port}/0: it cannot be"):
                there.finds()
        finally:
            server.start()

    def test_is_asked_about_once_in_a_while(self, there, clock, monkeypatch):
        calls: list[str] = []
        monkeypatch.setattr(there.tier, "_connect", _refusing(calls))
        for _ in range(3):
            with pytest.raises(SharedError):
                there.finds()
        clock.now += REST
        with pytest.raises(SharedError):
            there.finds()

        assert len(calls) == 2

    def test_is_known_to_the_next_process(self, tmp_path, there, machine, server, clock):
        server.stop()
        try:
            with pytest.raises(SharedError):
                there.finds()
        finally:
            server.start()
        again = SharedTier(server.url, there.store, ttl=WEEK, clock=clock, note=print)

        with pytest.raises(SharedError, match="a moment ago"):
            again.find(miss(), Ask())

    def test_that_hangs_costs_no_more_than_its_patience(self, there, server):
        there.finds()
        started = time.monotonic()

        with server.hanging(), pytest.raises(SharedError, match="does not answer in time"):
            there.finds()

        assert time.monotonic() - started < 10 * shared.PATIENCE

    def test_keeps_what_is_to_be_told(self, here, there, server, clock):
        server.stop()
        with pytest.raises(SharedError):
            here.put()
        server.start()
        clock.now += REST

        here.tier.tell()

        assert there.finds() == ["blue"]

    def test_at_the_end_costs_one_note(self, here, server):
        here.store.put(draft(created_at=NOW), None)
        server.stop()
        try:
            here.tier.close()
        finally:
            server.start()

        assert len(here.notes) == 1
        assert "going on without it" in here.notes[0]


def _refusing(calls):
    import redis

    def connect(url: str) -> object:
        calls.append(url)
        raise redis.ConnectionError("refused")

    return connect


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("redis://:s3cret@host:1234/2", "redis://host:1234/2"),
        ("rediss://me:s3cret@host/0", "rediss://host:6379/0"),
        ("unix:///run/redis.sock", "unix:/run/redis.sock"),
    ],
)
def test_a_server_is_named_without_its_credentials(url, server):
    assert server_of(url) == server


@pytest.mark.parametrize("url", ["http://host", "redis://", "redis://host:port", "x"])
def test_what_is_no_server_is_refused(url):
    with pytest.raises(ConfigError):
        server_of(url)


class TestTheCommandLine:
    @pytest.fixture
    def two(self, cli, server, upstream, monkeypatch, tmp_path):
        """Run a command on one of two machines."""
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("LLMC_SHARED", server.url)

        def run(machine: str, command: str, *arguments: str, **options):
            monkeypatch.setenv("LLMC_DB", str(tmp_path / f"{machine}.db"))
            return cli(command, *arguments, **options)

        return run

    def test_an_answer_paid_on_one_machine_is_a_hit_on_the_other(self, two, upstream):
        two("a", "ask", "why?")
        shared_hit, own = (two("b", "ask", "--json", "why?") for _ in range(2))

        first, second = json.loads(shared_hit.out), json.loads(own.out)
        assert (first["source"], first["level"], first["id"]) == ("shared", 3, 1)
        assert (second["source"], second["level"]) == ("exact", 2)
        assert len(upstream.calls) == 1

    @pytest.mark.parametrize(
        "command",
        [("rm", "--yes", "1"), ("invalidate", "--yes", "why"), ("bad", "1"), ("event", "changed")],
        ids=lambda command: command[0],
    )
    def test_what_is_removed_on_one_machine_is_gone_on_the_other(self, two, command):
        two("a", "rules", "add", "--event", "changed", "--pattern", "why")
        two("a", "ask", "why?")
        two("b", "ask", "why?")
        two("a", *command)
        two("b", "ask", "--offline", "something else")

        assert two("b", "ask", "--offline", "why?").code == 3

    @pytest.mark.parametrize(
        "command", [("invalidate", "--yes", "why"), ("event", "changed")], ids=lambda c: c[0]
    )
    def test_what_another_machine_alone_has_is_meant_too(self, two, command):
        two("b", "rules", "add", "--event", "changed", "--pattern", "why")
        two("a", "ask", "why?")

        removed = two("b", *command)

        assert "removed 1 entry" in removed.out
        assert two("b", "ask", "--offline", "why?").code == 3
        two("a", "ask", "--offline", "something else")
        assert two("a", "ask", "--offline", "why?").code == 3

    def test_an_outage_costs_a_pattern_one_note(self, two, server):
        two("a", "ask", "why?")
        with server.hanging():
            removed = two("a", "invalidate", "--yes", "why")

        assert removed.out == "removed 1 entry\n"
        assert removed.err.count("going on without it") == 1

    def test_no_output_holds_the_password(self, two, server, monkeypatch):
        url = server.url.replace("//", "//user:s3cret@")
        monkeypatch.setenv("LLMC_SHARED", url)

        results = [two("a", "config"), two("a", "config", "--json"), two("a", "ask", "why?")]

        assert "s3cret" not in repr(results)
        assert "it refuses the password" in results[2].err
        assert results[2].out == "answer 1\n"

    def test_a_url_that_is_none_is_an_error_of_the_configuration(self, two, monkeypatch):
        monkeypatch.setenv("LLMC_SHARED", "http://me:s3cret@host")

        result = two("a", "ask", "why?")

        assert (result.code, "s3cret" in result.err) == (2, False)
        assert "LLMC_SHARED" in result.err

    def test_an_outage_costs_a_note(self, two, server, upstream):
        server.stop()
        try:
            result = two("a", "ask", "why?")
        finally:
            server.start()

        assert (result.code, result.out) == (0, "answer 1\n")
        assert result.err.count("cannot be reached") == 1

    def test_levels_may_leave_it_out(self, two, upstream, monkeypatch):
        two("a", "ask", "why?")
        monkeypatch.setenv("LLMC_LEVELS", "memory,file,semantic")

        two("b", "ask", "why?")

        assert len(upstream.calls) == 2

    def test_without_the_package_it_says_what_to_install(self, two, monkeypatch):
        import importlib.util

        find = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: None if name == "redis" else find(name)
        )

        result = two("a", "ask", "why?")

        assert (result.code, "llmc[redis]" in result.err) == (2, True)
