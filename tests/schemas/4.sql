-- A cache file as schema 4 leaves it, with rows in every table. Once released it is never edited:
-- the CREATE statements are those of the steps, to the letter. Its
-- index is left out: whoever builds this file needs no sqlite-vec, and it can be made anew.
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA application_id = 1819045219;
PRAGMA user_version = 4;

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

UPDATE meta SET value = 3 WHERE name = 'generation';

INSERT INTO scope (id, hash, base_url, model, system, frame)
    VALUES (1, X'416b528a133b494694ebff88d65ef6b1668c564bd03e262acdfb7975c50f16be', 'http://127.0.0.1:9/v1', 'm', 'be brief', '{"base_url":"http://127.0.0.1:9/v1","body":{"messages":[{"content":"be brief","role":"system"},{"content":0,"role":"user"}],"model":"m"},"endpoint":"chat/completions"}');
INSERT INTO scope (id, hash, base_url, model, system, frame)
    VALUES (2, X'a45548563ca3280c441a835ba2cf6569c0152795569b50cb3e6786dc3f4138bc', 'http://127.0.0.1:9/v1', 'm', '', '{"base_url":"http://127.0.0.1:9/v1","body":{"messages":[{"content":0,"role":"user"}],"model":"m"},"endpoint":"chat/completions"}');
INSERT INTO entry (id, namespace, key, sample, family, token_limit, scope_id, source, created_at, expires_at, hits, last_hit_at, pinned, cost_nusd, price_source, latency, temperature, finish_reason, prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, served_model, usage, prompt, answer, choices)
    VALUES (1, 'default', X'3bc4bc2528e8bb055139a442f0f802e3d2e161c8f7d908043263158889d851ca', 0, X'3bc4bc2528e8bb055139a442f0f802e3d2e161c8f7d908043263158889d851ca', NULL, 1, 'model', 1001.0, NULL, 2, 1500.0, 0, 5000, 'test', 2.0, 0.0, 'stop', 100, 20, NULL, NULL, 'm-1', '{"prompt_tokens": 100, "completion_tokens": 20}', 'which colour?', 'blue', NULL);
INSERT INTO entry (id, namespace, key, sample, family, token_limit, scope_id, source, created_at, expires_at, hits, last_hit_at, pinned, cost_nusd, price_source, latency, temperature, finish_reason, prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, served_model, usage, prompt, answer, choices)
    VALUES (2, 'work', X'5ab13ea50b369215dcf6ed5e6db15fbba9f8deb2b2a1d11d603db710befb963a', 0, X'5ab13ea50b369215dcf6ed5e6db15fbba9f8deb2b2a1d11d603db710befb963a', NULL, 1, 'model', 1002.0, 9000.5, 0, NULL, 1, NULL, NULL, 2.0, 0.0, 'stop', 100, 20, NULL, NULL, 'm-1', '{"prompt_tokens": 100, "completion_tokens": 20}', 'which number?', 'seven', NULL);
INSERT INTO entry (id, namespace, key, sample, family, token_limit, scope_id, source, created_at, expires_at, hits, last_hit_at, pinned, cost_nusd, price_source, latency, temperature, finish_reason, prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, served_model, usage, prompt, answer, choices)
    VALUES (4, 'default', X'5938e70600560ae558fee73655e987b6786ba89fe8235ab47912e9cf31c22d5e', 1, X'5938e70600560ae558fee73655e987b6786ba89fe8235ab47912e9cf31c22d5e', NULL, 2, 'model', 1004.0, NULL, 0, NULL, 0, 5000, 'test', 2.0, NULL, 'stop', NULL, NULL, NULL, NULL, 'm-1', NULL, 'roll a die', 'three', '[{"message": {"content": "three"}, "finish_reason": "stop"}]');
INSERT INTO ledger (id, at, source, entry_id, namespace, model, prompt_tokens, completion_tokens, spent_nusd, latency)
    VALUES (1, 1001.0, 'model', 1, 'default', 'm', 100, 20, 5000, 2.0);
INSERT INTO ledger (id, at, source, level, entry_id, namespace, model, prompt_tokens, completion_tokens, spent_nusd, avoided_nusd, latency, avoided_latency)
    VALUES (2, 1500.0, 'exact', 2, 1, 'default', 'm', 100, 20, 0, 5000, 0.01, 2.0);
INSERT INTO invocation (digest, inputs, entry_id, generation, stdin, files, quiet)
    VALUES (X'64646464646464646464646464646464', X'69696969696969696969696969696969', 1, 3, 0, '', 1);
INSERT INTO refusal (base_url, model, parameter, at)
    VALUES ('http://127.0.0.1:9/v1', 'o3', 'temperature', 1001.0);
UPDATE entry SET instruction_at = 6 WHERE id = 1;
INSERT INTO space (id, embedder, dimension, generation) VALUES (1, 'minilm', 4, 3);
INSERT INTO vector (id, space_id, entry_id, grp, numbers) VALUES (7, 1, 1, -5, X'cd38663a00000000');
INSERT INTO vector_due (space_id, scope_id, namespace, entry_id) VALUES (1, 1, 'work', 2);
INSERT INTO vector_gone (space_id, vector_id) VALUES (1, 6);
INSERT INTO alias (namespace, key, entry_id, embedder, similarity, prompt, instruction_at, created_at, last_hit_at)
    VALUES ('default', X'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 1, 'minilm', 0.97, 'what colour?', 0, 1100.0, 1500.0);
INSERT INTO verdict (pair, origin, right, namespace, embedder, similarity, at)
    VALUES (X'70707070707070707070707070707070', 'bad', 0, 'default', 'minilm', 0.96, 1600.0);
INSERT INTO calibration (embedder, at, report) VALUES ('minilm', 1700.0, '{"thresholds": {"5%": 0.955}}');
INSERT INTO rule (id, pattern, field, namespace, ttl, event, created_at)
    VALUES (2, 'price', 'prompt', NULL, 3600.0, NULL, 1800.0);
INSERT INTO rule (id, pattern, field, namespace, ttl, event, created_at)
    VALUES (3, '{path}', 'answer', 'work', NULL, 'file_changed', 1900.0);
INSERT INTO ledger (id, at, source, level, entry_id, namespace, model, prompt_tokens, completion_tokens, spent_nusd, avoided_nusd, latency, avoided_latency, written_tokens, premium_nusd, unknown_embedding, unknown_judging, requests)
    VALUES (3, 1600.0, 'memory', 1, 1, 'default', 'm', 300, 60, 0, 15000, 0.03, 6.0, 64, 7, 1, 1, 3);
INSERT INTO ledger_day (day, namespace, model, source, lines, prompt_tokens, completion_tokens, cached_tokens, written_tokens, spent_nusd, unknown_spent, avoided_nusd, unknown_avoided, embedding_nusd, unknown_embedding, judging_nusd, unknown_judging, discount_nusd, premium_nusd, seconds)
    VALUES ('1969-10-01', 'default', 'm', 'exact', 5, 500, 100, 0, 0, 0, 0, 25000, 1, 3, 1, 2, 1, 0, 0, 9.5);
INSERT INTO flight (namespace, key, holder, until, ended_at, failure)
    VALUES ('default', X'6b', X'68', 1700.0, 1690.0, '{"kind": "Unavailable", "status": 503, "hint": null}');
INSERT INTO listed (base_url, body, at) VALUES ('http://127.0.0.1:9/v1', X'7b7d', 1700.0);
INSERT INTO outbox (id, kind, namespace, key, family, at) VALUES (4, 'gone', 'work', X'6b', X'66', 1700.0);
INSERT INTO peer (server, position, passed, failed_at) VALUES ('redis://host:6379/0', '1700-3', 9, 1650.0);
INSERT INTO told (entry_id, until) VALUES (1, 9000.0);
