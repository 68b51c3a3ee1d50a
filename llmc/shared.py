"""What do others know? Answers that a team shares through a Redis server, or a Valkey.

An answer is a plain key with its life; a log (a stream) carries answers with their vectors, what
was removed and what was judged wrong into every machine's own file, where it is searched as if it
had been asked there. Whatever the server holds was written by somebody: it is read like a file to
be imported. An outage costs a note and a moment, never an answer.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from llmc import drafting, messages
from llmc.errors import CacheFileError, ConfigError, SharedError
from llmc.messages import LONGEST, Gone
from llmc.outbox import Place, Told
from llmc.transfer import exchange
from llmc.transfer.lines import Parcel
from llmc.types import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from llmc.store import Store
    from llmc.types import Ask, Entry, Miss, Source

__all__ = ["SharedTier", "server_of"]

#: The seconds that a server may take to connect, and then to answer.
PATIENCE = 0.3

#: The seconds for which a server that has failed is not asked again.
REST = 5.0

#: The seconds between two looks of a program that stays.
PACE = 0.5

#: How many messages are read or told at once.
_BATCH = 200

#: How many messages the log keeps, about.
_LOG = 100_000

#: All keys lie in one slot of a cluster: a script may then write an answer and the log at once.
_PREFIX = "{llmc}:1:"
_LOG_KEY = _PREFIX + "log"

_TELL = """
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'm', ARGV[2])
for n = 2, #KEYS do
    if ARGV[3] == '' then redis.call('DEL', KEYS[n])
    else redis.call('SET', KEYS[n], ARGV[2], 'PXAT', ARGV[3]) end
end
return 1
"""


class _Log(NamedTuple):
    """What a server's log holds: how many were ever added, how many are left, the last one."""

    added: int
    length: int
    last: str


class SharedTier:
    """The level that several machines share, seen from one cache file. Safe for threads."""

    source: Source = "shared"

    def __init__(
        self,
        url: str,
        store: Store,
        *,
        ttl: float,
        clock: Callable[[], float],
        note: Callable[[str], None],
        connect: Callable[[str], Any] | None = None,
    ) -> None:
        """Take the server's URL and the file; nothing is connected yet.

        What has no end of its own is kept there for `ttl` seconds. `note` is told of an outage,
        once; `connect` makes a client of a URL.
        """
        self._url = url
        self._server = server_of(url)
        self._store = store
        self._outbox = store.outbox
        self._ttl = ttl
        self._clock = clock
        self._note = note
        self._connect = connect or _connect
        self._client: Any = None
        self._failed_at = 0.0
        self._is_noted = False
        self._lock = threading.Lock()  # one exchange with the log at a time
        self._closed = threading.Event()
        self._stirred = threading.Event()
        self._follower: threading.Thread | None = None

    def find(self, miss: Miss, ask: Ask) -> Sequence[Entry]:
        """Return what others have stored for a request; what they say meanwhile is listened to.

        Raises SharedError.
        """
        if ask.samples is not None or self._outbox.is_leaving(ask.namespace, miss.key, miss.family):
            return ()  # what was removed here may still lie there
        names = [_name("e", ask.namespace, miss.key), _name("f", ask.namespace, miss.family)]
        self._is_noted = True  # whoever asks says so
        with self._reaching() as client:
            pipe = client.pipeline(transaction=False)
            for name in names:
                pipe.getrange(name, 0, LONGEST)
            found = pipe.execute()
        entries = []
        for text in dict.fromkeys(found):
            kept = messages.read(text)
            if isinstance(kept, Parcel) and _answers(kept, miss, ask):
                entries.append(drafting.entry_of(kept.draft)._replace(latency=kept.latency))
        if not entries and self._follower is None:
            self.listen()
        return entries

    def keep(self, entries: Sequence[Entry], miss: Miss, ask: Ask) -> Sequence[Entry]:
        """Do nothing: no level lies behind this one."""
        del miss, ask
        return entries

    def tell(self) -> None:
        """Tell the others what waits to be told. Raises SharedError."""
        with self._lock:
            while waiting := self._outbox.waiting(_BATCH):
                with self._reaching() as client:
                    known = self._tell(client, waiting)
                self._outbox.sent(waiting, known)

    def catch_up(self) -> None:
        """Take in all that the others have told. Never fails: an outage is noted."""
        try:
            while self.listen():
                continue
        except (SharedError, CacheFileError) as error:
            self._say(error)

    def listen(self) -> bool:
        """Take in what the others have told since this file last listened, a batch at most.

        Return whether there may be more. Raises SharedError and CacheFileError.
        """
        with self._lock:
            place = self._outbox.place(self._server)
            with self._reaching() as client:
                log = _log(client)
                if log is None or _position(place.position) > _position(log.last):
                    # Nothing was ever said, or the server was emptied: all begins anew.
                    place = Place(failed_at=place.failed_at)
                if log is None:
                    return False
                gone = log.added - log.length
                missed = place.position != "0-0" and gone > place.passed
                absent = self._absent(client) if missed else []
                position = "0-0" if missed else place.position
                passed = max(place.passed, gone)
                read = client.xread({_LOG_KEY: position}, count=_BATCH)
            heard = read[0][1] if read else []
            self._take(heard, absent, place._replace(passed=passed))
            return len(heard) == _BATCH

    def follow(self) -> None:
        """Tell and listen from now on, in a thread of its own, until `close`."""
        if self._follower is None:
            self._follower = threading.Thread(target=self._follow, daemon=True)
            self._follower.start()

    def stored(self) -> None:
        """Let the others know soon: at once in a program that stays, else at its end."""
        self._stirred.set()

    def close(self) -> None:
        """Tell what is left, and let the server go. Never fails."""
        self._closed.set()
        self._stirred.set()
        try:
            self.tell()
        except (SharedError, CacheFileError) as error:
            self._say(error)
        with contextlib.suppress(Exception):
            if self._client is not None:
                self._client.close()

    # -- the small print -------------------------------------------------------------------------

    def _follow(self) -> None:
        while not self._closed.is_set():
            try:
                self.tell()
                self.listen()
            except (SharedError, CacheFileError) as error:
                self._say(error)
            self._stirred.wait(PACE)
            self._stirred.clear()

    def _say(self, error: Exception) -> None:
        if not self._is_noted:
            self._is_noted = True
            self._note(f"{error}; going on without it")

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[Any]:
        """Give the client, unless its server failed a moment ago. Raises SharedError."""
        import redis

        now = self._clock()
        place = self._outbox.place(self._server)
        if 0 <= now - max(place.failed_at, self._failed_at) < REST:
            raise SharedError(f"{self._server} failed a moment ago")
        try:
            if self._client is None:
                self._client = self._connect(self._url)
            yield self._client
        except (redis.RedisError, OSError, ValueError) as error:
            self._failed_at = now
            with contextlib.suppress(CacheFileError), self._store.transaction():
                self._outbox.move(self._server, place._replace(failed_at=now))
            raise SharedError(f"{self._server}: {_reason(error)}") from error
        self._is_noted = False

    def _tell(self, client: Any, waiting: Sequence[Told]) -> dict[int, float]:
        """Send messages; return the entries among them with the instants they are kept to."""
        pipe = client.pipeline(transaction=False)
        known: dict[int, float] = {}
        for told in waiting:
            names, until, message = self._message(told, known)
            if message is not None:
                keep = "" if until is None else str(int(1000 * until))
                pipe.eval(_TELL, 1 + len(names), _LOG_KEY, *names, _LOG, message, keep)
        pipe.execute()
        return known

    def _message(
        self, told: Told, known: dict[int, float]
    ) -> tuple[list[str], float | None, str | None]:
        """Write one message: the keys that it is about, until when they live, and its text."""
        names = [_name("e", told.namespace, told.key), _name("f", told.namespace, told.family)]
        machine = self._outbox.machine
        if told.kind == "verdict":
            judged = self._store.paraphrases.verdicts()
            verdict = next((v for v in judged if (v.pair, v.at) == (told.key, told.at)), None)
            return [], None, None if verdict is None else messages.text(verdict, machine)
        if told.kind == "gone":
            return names, None, messages.text(Gone(told.namespace, told.key, told.at), machine)
        found = exchange.one(self._store, told.namespace, told.key)
        if found is None:
            return [], None, None
        entry_id, kept = found
        now = self._clock()
        until = now + self._ttl
        if kept.draft.expires_at is not None:
            until = min(until, kept.draft.expires_at)
        bare = kept._replace(hits=0, last_hit_at=None, pinned=False, wordings=())
        text = messages.text(bare, machine, vectors=exchange.vectors(self._store, entry_id))
        if until <= now or len(text.encode()) > LONGEST:
            return [], None, None
        known[entry_id] = until
        return names, until, text

    def _absent(self, client: Any) -> list[int]:
        """Return the entries that the others knew and that the server no longer has.

        Messages were lost: these may have been about them. In doubt an answer goes.
        """
        known = self._outbox.known(self._clock())
        pipe = client.pipeline(transaction=False)
        for _, namespace, key in known:
            pipe.exists(_name("e", namespace, key))
        return [
            entry_id
            for (entry_id, *_), is_there in zip(known, pipe.execute(), strict=True)
            if not is_there
        ]

    def _take(self, heard: Sequence[tuple[Any, Any]], absent: Sequence[int], place: Place) -> None:
        """Do what messages say and move on, in one transaction."""
        if not heard and not absent and place == self._outbox.place(self._server):
            return
        machine = self._outbox.machine
        with self._store.transaction():
            if absent:
                self._store.removal.delete(absent)
            for _, fields in heard:
                self._do(fields.get(b"m", b""), machine)
            if heard:
                last = heard[-1][0].decode("ascii", "replace")
                place = place._replace(position=last, passed=place.passed + len(heard))
            self._outbox.move(self._server, place)

    def _do(self, text: bytes, machine: int) -> None:
        kept = messages.read(text, but=machine)
        match kept:
            case Gone():
                older = self._outbox.older(kept.namespace, kept.key, at=kept.at)
                self._store.removal.delete(older)
            case Verdict():
                exchange.take(self._store, kept)
            case Parcel():
                draft = kept.draft
                if draft.sample == 0 and exchange.take(self._store, kept):
                    ids = self._outbox.older(draft.namespace, draft.key, at=draft.created_at)
                    until = draft.expires_at or self._clock() + self._ttl
                    self._outbox.know(dict.fromkeys(ids, until))
            case _:  # a stranger's, an older or a newer llmc's, or our own
                return


def server_of(url: str) -> str:
    """Return the server that a URL names, without its credentials. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        port = parts.port or 6379
    except ValueError:
        raise ConfigError("shared: it is no URL of a server") from None
    if parts.scheme not in {"redis", "rediss", "unix"} or not (parts.hostname or parts.path):
        raise ConfigError("shared: it is no URL such as redis://host:6379/0")
    if parts.scheme == "unix":
        return f"unix:{parts.path}"
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path}"


def _connect(url: str) -> Any:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis.from_url(
        url,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),  # by default ten tries, for seconds
        protocol=2,
    )


def _log(client: Any) -> _Log | None:
    """Return the state of the log; None if there is none."""
    if not client.exists(_LOG_KEY):
        return None
    found = client.xinfo_stream(_LOG_KEY)
    last = found["last-generated-id"]
    last = last.decode() if isinstance(last, bytes) else str(last)
    return _Log(int(found["entries-added"]), int(found["length"]), last)


def _position(text: str) -> tuple[int, int]:
    instant, _, number = text.partition("-")
    return (int(instant), int(number)) if instant.isdigit() and number.isdigit() else (0, 0)


def _name(kind: str, namespace: str, key: bytes) -> str:
    hashed = hashlib.blake2b(
        namespace.encode("utf-8", "surrogatepass") + b"\0" + key, digest_size=20
    )
    return f"{_PREFIX}{kind}:{hashed.hexdigest()}"


def _answers(kept: Parcel, miss: Miss, ask: Ask) -> bool:
    """Tell whether a value is about the request whose key it lay under."""
    draft = kept.draft
    mine = draft.namespace == ask.namespace and draft.sample == 0
    return mine and (draft.key == miss.key or draft.family == miss.family)


def _reason(error: Exception) -> str:
    """Say in a few words what a server, or the way to it, complains about."""
    import redis

    match error:
        case redis.AuthenticationError():
            return "it refuses the password"
        case redis.TimeoutError() | TimeoutError():
            return "it does not answer in time"
        case redis.ConnectionError() | OSError():
            return "it cannot be reached"
        case _:
            return f"it is not understood ({type(error).__name__})"
