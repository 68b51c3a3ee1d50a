"""What tables does the cache file have, and how does an older file become a current one?

Steps are numbered by their place in `STEPS`; a released step is never edited. Each step and its
number are committed in one transaction (a new file's all in one), so a failing or killed step
changes nothing.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from llmc.errors import CacheFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import apsw

__all__ = ["APPLICATION_ID", "VERSION", "claim", "immediate", "migrate"]

#: "llmc" in ASCII: lets `file`, and us, tell the file from any other SQLite file.
APPLICATION_ID = 0x6C6C6D63

_FIRST = """
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Whatever changes which entry answers which request adds one: it voids all invocations.
INSERT INTO meta VALUES ('generation', 0);

-- All of a request but the words of its last user message, once for all that share it.
CREATE TABLE scope (
    id       INTEGER PRIMARY KEY,
    hash     BLOB NOT NULL UNIQUE,
    base_url TEXT NOT NULL,
    model    TEXT NOT NULL,
    system   TEXT NOT NULL,
    frame    TEXT NOT NULL
) STRICT;

-- Small columns first: a scan over them never reads the pages that long texts overflow into.
CREATE TABLE entry (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,  -- an id is never given twice
    namespace          TEXT NOT NULL,
    key                BLOB NOT NULL,
    sample             INTEGER NOT NULL DEFAULT 0,         -- 1…n for remembered samples
    family             BLOB NOT NULL,                      -- the key without its token limit
    token_limit        INTEGER,
    scope_id           INTEGER NOT NULL REFERENCES scope (id),
    source             TEXT NOT NULL,
    created_at         REAL NOT NULL,
    expires_at         REAL,
    hits               INTEGER NOT NULL DEFAULT 0,
    last_hit_at        REAL,
    pinned             INTEGER NOT NULL DEFAULT 0,
    cost_nusd          INTEGER,                            -- NULL: unknown, never 0
    price_source       TEXT,
    latency            REAL,
    temperature        REAL,                               -- as it was sent
    finish_reason      TEXT NOT NULL,
    prompt_tokens      INTEGER,
    completion_tokens  INTEGER,
    cached_tokens      INTEGER,
    cache_write_tokens INTEGER,
    served_model       TEXT,
    usage              TEXT,
    prompt             TEXT NOT NULL,
    answer             TEXT NOT NULL,
    choices            TEXT,                               -- NULL: one choice, plain text
    UNIQUE (namespace, key, sample)
) STRICT;
CREATE INDEX entry_by_family ON entry (namespace, family);
CREATE INDEX entry_by_scope ON entry (scope_id);
CREATE INDEX entry_by_expiry ON entry (expires_at) WHERE expires_at IS NOT NULL;

CREATE TRIGGER entry_leaves_scope AFTER DELETE ON entry BEGIN
    DELETE FROM scope WHERE id = old.scope_id
        AND NOT EXISTS (SELECT 1 FROM entry WHERE scope_id = old.scope_id);
END;

CREATE VIRTUAL TABLE entry_text USING fts5 (
    prompt, answer, content = 'entry', content_rowid = 'id', tokenize = 'unicode61'
);
-- Without it a deleted word stays in the index until its segment happens to be merged.
INSERT INTO entry_text (entry_text, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER entry_text_insert AFTER INSERT ON entry BEGIN
    INSERT INTO entry_text (rowid, prompt, answer) VALUES (new.id, new.prompt, new.answer);
END;
CREATE TRIGGER entry_text_delete AFTER DELETE ON entry BEGIN
    INSERT INTO entry_text (entry_text, rowid, prompt, answer)
        VALUES ('delete', old.id, old.prompt, old.answer);
END;
CREATE TRIGGER entry_text_update AFTER UPDATE OF prompt, answer ON entry BEGIN
    INSERT INTO entry_text (entry_text, rowid, prompt, answer)
        VALUES ('delete', old.id, old.prompt, old.answer);
    INSERT INTO entry_text (rowid, prompt, answer) VALUES (new.id, new.prompt, new.answer);
END;

-- One line a request: what it cost, or what it would have cost. Never any of its text.
CREATE TABLE ledger (
    id                 INTEGER PRIMARY KEY,
    at                 REAL NOT NULL,
    source             TEXT NOT NULL,      -- a Source, or 'bypass': asked past the cache
    level              INTEGER,
    entry_id           INTEGER,
    namespace          TEXT NOT NULL,
    model              TEXT NOT NULL,
    prompt_tokens      INTEGER,
    completion_tokens  INTEGER,
    cached_tokens      INTEGER,
    spent_nusd         INTEGER,            -- NULL: the price is unknown
    avoided_nusd       INTEGER,
    embedding_nusd     INTEGER NOT NULL DEFAULT 0,
    judging_nusd       INTEGER NOT NULL DEFAULT 0,
    discount_nusd      INTEGER,            -- the provider's own, less its write premium
    latency            REAL NOT NULL,
    avoided_latency    REAL
) STRICT;
CREATE INDEX ledger_by_time ON ledger (at);

-- Command lines seen before, for the porch: digests only, of what was typed and what was read.
CREATE TABLE invocation (
    digest     BLOB NOT NULL,
    inputs     BLOB NOT NULL,
    entry_id   INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    stdin      INTEGER NOT NULL,
    files      TEXT NOT NULL,
    quiet      INTEGER NOT NULL,
    PRIMARY KEY (digest, inputs)
) STRICT, WITHOUT ROWID;
CREATE INDEX invocation_by_entry ON invocation (entry_id);

-- Parameters that llmc adds by itself and that a model has refused.
CREATE TABLE refusal (
    base_url  TEXT NOT NULL,
    model     TEXT NOT NULL,
    parameter TEXT NOT NULL,
    at        REAL NOT NULL,
    PRIMARY KEY (base_url, model, parameter)
) STRICT, WITHOUT ROWID;
"""

_SECOND = """
-- Where in `prompt` the words after a document begin, in characters.
ALTER TABLE entry ADD COLUMN instruction_at INTEGER NOT NULL DEFAULT 0;

-- Only vectors of one space are ever compared. Its search index is a virtual table of its own,
-- index_<id>_<generation>, which is made from `vector` and can be made again.
CREATE TABLE space (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    embedder   TEXT NOT NULL,
    dimension  INTEGER NOT NULL,
    generation INTEGER NOT NULL DEFAULT 1,
    vectors    INTEGER NOT NULL DEFAULT 0,                 -- how many, kept by triggers
    UNIQUE (embedder, dimension)
) STRICT;

CREATE TABLE vector (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,            -- an index may hold one that is gone
    space_id INTEGER NOT NULL REFERENCES space (id),
    entry_id INTEGER NOT NULL REFERENCES entry (id),
    grp      INTEGER NOT NULL,                             -- hash of what must be equal besides
    numbers  BLOB NOT NULL,                                -- float16, of unit length
    UNIQUE (entry_id, space_id)
) STRICT;

-- Entries that have no vector in a space yet. Remembered samples never get one.
CREATE TABLE vector_due (
    space_id  INTEGER NOT NULL REFERENCES space (id),
    scope_id  INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    entry_id  INTEGER NOT NULL,
    PRIMARY KEY (space_id, scope_id, namespace, entry_id)
) STRICT, WITHOUT ROWID;

-- Rows that an index still holds: whoever deletes an entry need not be able to write to an index.
CREATE TABLE vector_gone (
    space_id  INTEGER NOT NULL REFERENCES space (id),
    vector_id INTEGER NOT NULL,
    PRIMARY KEY (space_id, vector_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER vector_insert AFTER INSERT ON vector BEGIN
    UPDATE space SET vectors = vectors + 1 WHERE id = new.space_id;
END;
CREATE TRIGGER vector_delete AFTER DELETE ON vector BEGIN
    UPDATE space SET vectors = vectors - 1 WHERE id = old.space_id;
    INSERT INTO vector_gone (space_id, vector_id) VALUES (old.space_id, old.id);
END;
CREATE TRIGGER entry_vector_insert AFTER INSERT ON entry WHEN new.sample = 0 BEGIN
    INSERT INTO vector_due (space_id, scope_id, namespace, entry_id)
        SELECT id, new.scope_id, new.namespace, new.id FROM space;
END;
CREATE TRIGGER entry_vector_update AFTER UPDATE OF scope_id, prompt, instruction_at ON entry
WHEN new.sample = 0
    AND (new.scope_id, new.instruction_at, new.prompt)
        <> (old.scope_id, old.instruction_at, old.prompt) BEGIN
    DELETE FROM vector WHERE entry_id = old.id;
    DELETE FROM vector_due WHERE space_id IN (SELECT id FROM space) AND scope_id = old.scope_id
        AND namespace = old.namespace AND entry_id = old.id;
    INSERT INTO vector_due (space_id, scope_id, namespace, entry_id)
        SELECT id, new.scope_id, new.namespace, new.id FROM space;
END;
CREATE TRIGGER entry_vector_delete AFTER DELETE ON entry BEGIN
    DELETE FROM vector WHERE entry_id = old.id;
    DELETE FROM vector_due WHERE space_id IN (SELECT id FROM space) AND scope_id = old.scope_id
        AND namespace = old.namespace AND entry_id = old.id;
END;

-- Questions in other words that an entry was accepted for, by their own key.
CREATE TABLE alias (
    namespace      TEXT NOT NULL,
    key            BLOB NOT NULL,
    entry_id       INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    embedder       TEXT NOT NULL,
    similarity     REAL NOT NULL,
    prompt         TEXT NOT NULL,
    instruction_at INTEGER NOT NULL,
    created_at     REAL NOT NULL,
    last_hit_at    REAL NOT NULL,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_by_entry ON alias (entry_id);

-- What a person or an audit found of two questions: may they share an answer? Never their texts.
CREATE TABLE verdict (
    pair       BLOB NOT NULL,      -- hash of both questions in their scope
    origin     TEXT NOT NULL,
    right      INTEGER NOT NULL,
    namespace  TEXT NOT NULL,
    embedder   TEXT NOT NULL,
    similarity REAL NOT NULL,
    at         REAL NOT NULL,
    PRIMARY KEY (pair, origin, at)
) STRICT, WITHOUT ROWID;

-- What was measured of an embedder, as JSON.
CREATE TABLE calibration (
    embedder TEXT PRIMARY KEY,
    at       REAL NOT NULL,
    report   TEXT NOT NULL
) STRICT;
"""

_THIRD = """
-- What is to be forgotten: after a time (ttl; 0: never kept), or when something happens (event).
CREATE TABLE rule (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,          -- an id is never given twice
    pattern    TEXT NOT NULL,
    field      TEXT NOT NULL
        CHECK (field IN ('prompt', 'answer', 'system', 'model', 'namespace')),
    namespace  TEXT,                                       -- NULL: all
    ttl        REAL,
    event      TEXT,
    created_at REAL NOT NULL,
    CHECK ((ttl IS NULL) <> (event IS NULL))
) STRICT;
"""

_FOURTH = """
-- How many entries each namespace holds: no write has to count them.
CREATE TABLE tally (
    namespace TEXT PRIMARY KEY,
    entries   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The order in which entries go where there is no room; pinned ones have no place in it.
CREATE TABLE standing (
    entry_id  INTEGER PRIMARY KEY,
    namespace TEXT NOT NULL,
    evict     TEXT NOT NULL DEFAULT '',                    -- by what; '': it has no place yet
    worth     INTEGER NOT NULL DEFAULT 0,                  -- the least goes first
    uses      REAL NOT NULL DEFAULT 0,
    hits      INTEGER NOT NULL DEFAULT 0                   -- the entry's, when it got its place
) STRICT;
CREATE TRIGGER entry_standing_insert AFTER INSERT ON entry BEGIN
    INSERT INTO tally VALUES (new.namespace, 1)
        ON CONFLICT (namespace) DO UPDATE SET entries = entries + 1;
    INSERT INTO standing (entry_id, namespace) SELECT new.id, new.namespace WHERE NOT new.pinned;
END;
CREATE TRIGGER entry_standing_delete AFTER DELETE ON entry BEGIN
    UPDATE tally SET entries = entries - 1 WHERE namespace = old.namespace;
    DELETE FROM tally WHERE namespace = old.namespace AND entries <= 0;
    DELETE FROM standing WHERE entry_id = old.id;
END;
CREATE TRIGGER entry_standing_pin AFTER UPDATE OF pinned ON entry
WHEN new.pinned <> old.pinned BEGIN
    DELETE FROM standing WHERE entry_id = new.id;
    INSERT INTO standing (entry_id, namespace) SELECT new.id, new.namespace WHERE NOT new.pinned;
END;
INSERT INTO tally SELECT namespace, count(*) FROM entry GROUP BY namespace;
INSERT INTO standing (entry_id, namespace) SELECT id, namespace FROM entry WHERE NOT pinned;
CREATE INDEX standing_by_worth ON standing (evict, worth);
CREATE INDEX standing_by_namespace ON standing (namespace, evict, worth);
INSERT INTO meta VALUES ('clock', 0), ('evicted', 0), ('shares', 0);
-- What goes piecemeal leaves marks in the full-text index: two parts of it are worth a merge.
INSERT INTO entry_text (entry_text, rank) VALUES ('usermerge', 2);

-- The provider's own cache has two sides. In older lines, discount_nusd is what it took off less
-- what writing to it cost.
ALTER TABLE ledger ADD COLUMN written_tokens INTEGER;
ALTER TABLE ledger ADD COLUMN premium_nusd INTEGER;
-- How many embeddings and judgements had a price that nobody knows: the sums are without them.
ALTER TABLE ledger ADD COLUMN unknown_embedding INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ledger ADD COLUMN unknown_judging INTEGER NOT NULL DEFAULT 0;
-- Hits of one entry that were counted together; the line's numbers are of all of them.
ALTER TABLE ledger ADD COLUMN requests INTEGER NOT NULL DEFAULT 1;

-- What the lines of past days come to. A sum of unknowns alone is unknown.
CREATE TABLE ledger_day (
    day               TEXT NOT NULL,                       -- where the user was
    namespace         TEXT NOT NULL,
    model             TEXT NOT NULL,
    source            TEXT NOT NULL,
    lines             INTEGER NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cached_tokens     INTEGER NOT NULL,
    written_tokens    INTEGER NOT NULL,
    spent_nusd        INTEGER NOT NULL,
    unknown_spent     INTEGER NOT NULL,
    avoided_nusd      INTEGER NOT NULL,
    unknown_avoided   INTEGER NOT NULL,
    embedding_nusd    INTEGER NOT NULL,
    unknown_embedding INTEGER NOT NULL,
    judging_nusd      INTEGER NOT NULL,
    unknown_judging   INTEGER NOT NULL,
    discount_nusd     INTEGER NOT NULL,
    premium_nusd      INTEGER NOT NULL,
    seconds           REAL NOT NULL,
    PRIMARY KEY (day, namespace, model, source)
) STRICT, WITHOUT ROWID;

-- Questions that somebody is asking just now, so that others wait for the answer. Never a text.
CREATE TABLE flight (
    namespace TEXT NOT NULL,
    key       BLOB NOT NULL,
    holder    BLOB NOT NULL,       -- a random name of whoever asks
    until     REAL NOT NULL,       -- if it says nothing until then, it has crashed
    ended_at  REAL,                -- it came to nothing that the cache keeps: to this failure,
    failure   TEXT,                -- as JSON, or (NULL) to an answer for itself alone
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;

-- The last list of a provider's models, for a proxy that cannot reach it.
CREATE TABLE listed (
    base_url  TEXT PRIMARY KEY,
    body      BLOB NOT NULL,
    at        REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- What is still to be told to the others: which entry came, which one went, what was judged.
CREATE TABLE outbox (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    kind      TEXT NOT NULL CHECK (kind IN ('entry', 'gone', 'verdict')),
    namespace TEXT NOT NULL,
    key       BLOB NOT NULL,                               -- an entry's, or a verdict's pair
    family    BLOB NOT NULL,
    at        REAL NOT NULL
) STRICT;

-- Where in a server's log this file stands, and when that server last failed it.
CREATE TABLE peer (
    server    TEXT PRIMARY KEY,
    position  TEXT NOT NULL DEFAULT '0-0',
    passed    INTEGER NOT NULL DEFAULT 0,                  -- how many entries of the log lie behind
    failed_at REAL NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The entries that the others know as well, and until when the server keeps them.
CREATE TABLE told (
    entry_id INTEGER PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE,
    until    REAL NOT NULL
) STRICT;
"""

STEPS: tuple[str | Callable[[apsw.Connection], None], ...] = (_FIRST, _SECOND, _THIRD, _FOURTH)
VERSION = len(STEPS)


def migrate(connection: apsw.Connection) -> None:
    """Bring an open file to the current schema, an empty one included.

    Several processes may call it at once: each step re-reads its number under the write lock.
    Raises CacheFileError if one of them was a newer llmc.
    """
    while (found := _number(connection, "user_version")) < VERSION:
        with immediate(connection):
            # Another process may have taken this step while we waited for the lock.
            if _number(connection, "user_version") != found:
                continue
            # A new file takes all of them at once: one by one its log would be twice as long.
            taken = found + 1 if found else VERSION
            for step in STEPS[found:taken]:
                if isinstance(step, str):
                    connection.execute(step)
                else:
                    step(connection)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {taken}")
    _refuse_newer(found)


def claim(connection: apsw.Connection) -> None:
    """Take a new file: refuse another program's, and set what must precede the first table.

    Raises CacheFileError for that, and for a newer llmc's file; neither is altered.
    """
    # One statement, one moment: another process may be making the file just now.
    marks: Any = connection.execute(
        "SELECT (SELECT application_id FROM pragma_application_id),"
        " (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)"
    ).fetchall()
    ours, version, tables = marks[0]
    if ours == APPLICATION_ID:
        _refuse_newer(version)
        if version < 0:
            raise CacheFileError("it is damaged")
        return
    if ours or version or tables:
        raise CacheFileError("it is another program's SQLite file", hint="name another with --db")
    # Lets `prune --vacuum` give pages back piecemeal; SQLite takes it only before any table.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")


def _refuse_newer(version: int) -> None:
    if version > VERSION:
        raise CacheFileError(
            f"it was written by a newer llmc (schema {version}, this one knows {VERSION})",
            hint="upgrade llmc, or name another file with --db",
        )


@contextlib.contextmanager
def immediate(connection: apsw.Connection) -> Iterator[None]:
    """Do all of the block or nothing of it, with the write lock taken at its start.

    A write that starts as a read can fail at its first write, whatever the busy timeout. Not
    apsw's own context manager: it waits for the lock with Python's global one in its hand, so that
    a thread that holds the file could never let it go.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _number(connection: apsw.Connection, pragma: str) -> int:
    value: Any = connection.execute(f"PRAGMA {pragma}").get
    return int(value)
