from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable

import pytest
from processes import at_once, start
from upstream import Reply

from llmc.errors import (
    CacheFileError,
    ConfigError,
    KeyRefused,
    LlmcError,
    ParameterRefused,
    ProviderError,
    Unavailable,
)
from llmc.flight import LEASE, Flights
from llmc.store import Store

START = 1_000_000.0
YEAR = 365 * 86400.0

#: A leader that says where it stands, and never comes to an answer.
NEVER_LANDS = """
import sys, time
from llmc.flight import Flights
from llmc.store import Store
with Store(sys.argv[1]) as store:
    def ask():
        print("asking", flush=True)
        time.sleep(3600)
    Flights(store.file, patience=60).fly(
        "default", b"key", asked_at=time.time(), look=lambda: None, ask=ask, is_kept=bool
    )
"""

#: One of many who ask the same; the answer is a file, which takes a moment to be written.
ONE_OF_MANY = """
import os, sys, time
from llmc.flight import Flights
from llmc.store import Store
path, answer = sys.argv[1:]
def look():
    return open(answer).read() or None if os.path.exists(answer) else None
def ask():
    with open(answer, "a") as file:
        time.sleep(0.3)
        file.write("asked ")
    return "asked "
with Store(path) as store:
    flights = Flights(store.file, patience=60)
    ready()
    print(flights.fly("default", b"key", asked_at=time.time(), look=look, ask=ask, is_kept=bool))
"""


class Now:
    """A clock that whoever sleeps moves on; what is to happen meanwhile happens in his sleep."""

    def __init__(self) -> None:
        self.now = START
        self.naps: list[float] = []
        self.meanwhile: list[Callable[[], object]] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds
        if self.meanwhile:
            self.meanwhile.pop(0)()


class Asker:
    """Somebody who asks a question; what was kept of all answers, he finds."""

    def __init__(self, flights: Flights, kept: list[str]) -> None:
        self.flights = flights
        self.kept = kept
        self.asked = 0

    def fly(
        self,
        says: Callable[[], str] = lambda: "mine",
        *,
        key: bytes = b"key",
        keeps: bool = True,
        asked_at: float = START,
    ) -> str:
        def ask() -> str:
            self.asked += 1
            answer = says()
            if keeps:
                self.kept.append(answer)
            return answer

        return self.flights.fly(
            "default",
            key,
            asked_at=asked_at,
            look=lambda: self.kept[-1] if self.kept else None,
            ask=ask,
            is_kept=lambda _: keeps,
        )


class Leader:
    """Another process that asks the same question, until it is told how that ends."""

    def __init__(self, asker: Asker, *, keeps: bool = True) -> None:
        self._asker = asker
        self._keeps = keeps
        self._asking = threading.Event()
        self._told = threading.Event()
        self._says: str | BaseException = ""
        self._thread = threading.Thread(target=self._fly)

    def starts(self) -> None:
        self._thread.start()
        self._asking.wait()

    def ends(self, says: str | BaseException = "theirs") -> None:
        self._says = says
        self._told.set()
        self._thread.join()

    def _fly(self) -> None:
        def says() -> str:
            self._asking.set()
            self._told.wait()
            if isinstance(self._says, BaseException):
                raise self._says
            return self._says

        try:
            self._asker.fly(says, keeps=self._keeps)
        except BaseException:  # noqa: BLE001  (the test looks at what others make of it)
            return


@pytest.fixture
def clock():
    return Now()


@pytest.fixture
def kept():
    return []


@pytest.fixture
def asker(db, clock, kept):
    """Make somebody who asks, each in a process of his own."""
    stores: list[Store] = []

    def make() -> Asker:
        stores.append(Store(str(db)))
        flights = Flights(stores[-1].file, patience=60, clock=clock, timer=clock, sleep=clock.sleep)
        return Asker(flights, kept)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def me(asker):
    return asker()


@pytest.fixture
def leader(asker):
    leader = Leader(asker())
    leader.starts()
    yield leader
    leader.ends()


def under_way(asker):
    return asker.flights._file.number("SELECT count(*) FROM flight")


def failing(*_: object) -> None:
    raise CacheFileError("the disk is full")


class TestWhoeverIsFirst:
    def test_asks_and_leaves_no_trace(self, me):
        assert me.fly() == "mine"

        assert (me.asked, under_way(me)) == (1, 0)

    def test_looks_once_more_before(self, me, kept):
        kept.append("stored a moment ago")

        assert me.fly() == "stored a moment ago"

        assert me.asked == 0

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
    def test_and_is_interrupted_leaves_no_trace(self, me, error):
        def breaks() -> str:
            raise error

        with pytest.raises(error):
            me.fly(breaks)

        assert under_way(me) == 0

    def test_asks_where_nothing_can_be_written(self, me, monkeypatch):
        monkeypatch.setattr(me.flights._file, "transaction", failing)

        assert me.fly() == "mine"


class TestWhoeverWaits:
    def test_gets_the_leaders_answer(self, me, leader, clock):
        clock.meanwhile = [leader.ends]

        assert me.fly() == "theirs"

        assert me.asked == 0

    def test_looks_less_often_with_time(self, me, leader, clock):
        clock.meanwhile = [lambda: None] * 10 + [leader.ends]

        me.fly()

        assert clock.naps == sorted(clock.naps)
        assert (clock.naps[0], clock.naps[-1]) == (0.01, 0.1)

    @pytest.mark.parametrize(
        "error",
        [
            Unavailable("not reached", hint="check the base URL", status=503),
            KeyRefused("no", status=401),
            ProviderError("no such model", hint="-m", status=404),
            ConfigError("which provider?"),
            LlmcError("failed"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_shares_a_failure(self, me, leader, clock, error):
        clock.meanwhile = [lambda: leader.ends(error)]

        with pytest.raises(type(error)) as raised:
            me.fly()

        assert "has just asked the same" in str(raised.value)
        assert raised.value.hint == error.hint
        assert getattr(raised.value, "status", None) == getattr(error, "status", None)
        assert me.asked == 0

    def test_shares_a_refused_parameter_as_a_plain_refusal(self, me, leader, clock):
        error = ParameterRefused("no temperature", parameter="temperature")
        clock.meanwhile = [lambda: leader.ends(error)]

        with pytest.raises(ProviderError, match="it failed"):
            me.fly()

    def test_asks_for_himself_where_the_answer_is_not_kept(self, me, asker, clock):
        leader = Leader(asker(), keeps=False)
        leader.starts()
        clock.meanwhile = [leader.ends]

        assert me.fly() == "mine"

    def test_leads_where_the_leader_was_interrupted(self, me, leader, clock):
        clock.meanwhile = [lambda: leader.ends(KeyboardInterrupt())]

        assert me.fly() == "mine"

        assert under_way(me) == 0

    def test_leads_where_the_leader_says_nothing_any_more(self, me, leader, clock):
        assert leader
        clock.meanwhile = [lambda: setattr(clock, "now", clock.now + LEASE)]

        assert me.fly() == "mine"

    def test_leads_where_the_clock_was_set_back(self, me, leader, clock):
        assert leader
        clock.meanwhile = [lambda: setattr(clock, "now", clock.now - YEAR)]

        assert me.fly() == "mine"

    def test_gives_up_after_a_time(self, asker, leader, clock):
        assert leader
        impatient = asker()
        impatient.flights._patience = LEASE - 1

        with pytest.raises(Unavailable, match="being asked already"):
            impatient.fly()

        assert impatient.asked == 0

    def test_asks_where_the_file_fails_meanwhile(self, me, leader, clock, monkeypatch):
        assert leader
        clock.meanwhile = [lambda: monkeypatch.setattr(me.flights._file, "rows", failing)]

        assert me.fly() == "mine"


class TestAFailure:
    @pytest.fixture(autouse=True)
    def failed(self, leader, clock):
        leader.ends(Unavailable("not reached"))
        clock.now += 1

    def test_is_shared_with_who_asked_before_it(self, me):
        with pytest.raises(Unavailable, match="cannot be reached"):
            me.fly(asked_at=START)

        assert me.asked == 0

    def test_leaves_none_of_its_words_in_the_file(self, me):
        rows = me.flights._file.rows("SELECT failure FROM flight")

        assert rows == [('{"kind": "Unavailable", "status": null, "hint": null}',)]

    def test_is_nothing_to_who_asks_after_it(self, me):
        assert me.fly(asked_at=START + 1) == "mine"

    def test_is_forgotten_with_the_next_question_after_a_minute(self, me, clock):
        clock.now += 61
        me.fly(key=b"another", asked_at=clock.now)

        assert under_way(me) == 0


def test_threads_share_a_failure_in_full(me, clock):
    leader = Leader(me)
    leader.starts()
    clock.meanwhile = [lambda: leader.ends(ProviderError("the model says no"))]

    with pytest.raises(ProviderError, match="the model says no"):
        me.fly()


def test_different_questions_do_not_wait_for_each_other(me, leader, clock):
    assert leader

    assert me.fly(key=b"another") == "mine"

    assert clock.naps == []


def test_a_lease_is_renewed_while_the_question_is_asked(me, monkeypatch):
    monkeypatch.setattr("llmc.flight.RENEWAL", 0.001)
    renewed = threading.Event()
    write = me.flights._file.execute

    def execute(sql, values=()):
        write(sql, values)
        if sql.startswith("UPDATE flight SET until"):
            renewed.set()

    def waits() -> str:
        assert renewed.wait(10)
        return "mine"

    monkeypatch.setattr(me.flights._file, "execute", execute)

    assert me.fly(waits) == "mine"


def test_a_leader_that_is_killed_is_followed_by_another(db, kept):
    with start(NEVER_LANDS, db) as killed:
        killed.stdout.readline()
        killed.kill()
        killed.wait()
    with Store(str(db)) as store:
        flights = Flights(store.file, patience=60)
        asker = Asker(flights, kept)

        assert asker.fly(asked_at=0) == "mine"

        flights.close()


def test_many_processes_ask_once(db, tmp_path):
    answer = tmp_path / "answer"

    said = at_once(ONE_OF_MANY, [(db, answer)] * 8)

    assert said == ["asked"] * 8
    assert answer.read_text() == "asked "


class TestCommandLines:
    """The real program, as `xargs -P` would start it."""

    @pytest.fixture
    def asking(self, upstream, monkeypatch):
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        code = "from llmc.__main__ import main; main()"
        processes = []

        def asking(*arguments: str) -> subprocess.Popen[str]:
            processes.append(start(code, "ask", "--no-stdin", *arguments))
            return processes[-1]

        yield asking
        for process in processes:
            process.kill()
            process.communicate()

    def test_that_ask_the_same_at_once_pay_once(self, asking, upstream):
        upstream.will(Reply("forty-two", delay=1))
        processes = [asking("why?") for _ in range(12)]

        said = [process.communicate()[0] for process in processes]

        assert said == ["forty-two\n"] * 12
        assert len(upstream.calls) == 1

    def test_share_the_failure_of_the_one_that_asked(self, asking, upstream):
        upstream.will(*[Reply(status=400, delay=1)] * 12)
        processes = [asking("why?") for _ in range(6)]

        said = [process.communicate()[1] for process in processes]

        assert [process.returncode for process in processes] == [1] * 6
        assert sorted("another llmc" in text for text in said) == [False] + [True] * 5
        assert len(upstream.calls) == 1

    def test_take_over_from_one_that_was_killed(self, asking, upstream):
        upstream.will(Reply(delay=60), Reply("forty-two"))
        killed = asking("why?")
        upstream.wait_for_call()
        follower = asking("why?")
        killed.kill()

        out, _ = follower.communicate(timeout=30)

        assert (out, len(upstream.calls)) == ("forty-two\n", 2)
