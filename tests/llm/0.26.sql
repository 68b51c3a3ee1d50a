-- What llm 0.26 logged of a session, its search tables left out.
CREATE TABLE "conversations" (
   "id" TEXT PRIMARY KEY,
   "name" TEXT,
   "model" TEXT
);
INSERT INTO "conversations" VALUES ('01m89b2ns6f6tve5h9szq15ska', 'Capital of Peru?', 'gpt-4o-mini');
INSERT INTO "conversations" VALUES ('01m89b2qhz6y9aka7h8dsmref6', 'Capital of Chile?', 'gpt-4o-mini');
INSERT INTO "conversations" VALUES ('01m89b2w4spxfqcdh19jyjaj0q', 'good day ', 'gpt-4o-mini');
INSERT INTO "conversations" VALUES ('01m89b2y9xqgry0a3emh0gqfmw', 'a document summarise', 'gpt-4o-mini');
INSERT INTO "conversations" VALUES ('01m89b30b5znftvyjrw7wgs8jw', 'a poem', 'gpt-4o-mini');
INSERT INTO "conversations" VALUES ('01m89b32m9bf8x6xmrevy6xrvy', 'a colour', 'gpt-4o-mini');
INSERT INTO "conversations" VALUES ('01m89b34b2mxc95vt860hv5qz8', 'without a stream', 'gpt-4o-mini');
INSERT INTO "conversations" VALUES ('01m89b369xyhk1ztmz6qw25tqh', 'a long story', 'gpt-4o-mini');
INSERT INTO "conversations" VALUES ('01m89b38p5hq73arq6mkcbrhsk', 'fragment text what is this?', 'gpt-4o-mini');
INSERT INTO "conversations" VALUES ('01m89b3abr34r60eqfj6d26y1k', 'with a system fragment', 'gpt-4o-mini');
INSERT INTO "conversations" VALUES ('01m89b3c71knqadrs96vbz95t7', 'what is in it?', 'gpt-4o-mini');
INSERT INTO "conversations" VALUES ('01m89b3ebe52vqtajtqtbqbma3', 'an object', 'gpt-4o-mini');
INSERT INTO "conversations" VALUES ('01m89b3g0k1tzdd08tgxssgnng', 'no call of the tool', 'gpt-4o-mini');
INSERT INTO "conversations" VALUES ('01m89b3jd12qhhx0kdr0091w2m', 'Capital of Peru?', 'gpt-4o-mini');
CREATE TABLE "attachments" (
   "id" TEXT PRIMARY KEY,
   "type" TEXT,
   "path" TEXT,
   "url" TEXT,
   "content" BLOB
);
INSERT INTO "attachments" VALUES ('00023965829ad187893d5eb1aedff72a9e9e179f2a867e15f90c19b32064eb5a', 'image/png', 'a.png', NULL, NULL);
CREATE TABLE "prompt_attachments" (
   "response_id" TEXT REFERENCES "responses"("id"),
   "attachment_id" TEXT REFERENCES "attachments"("id"),
   "order" INTEGER,
   PRIMARY KEY ("response_id", "attachment_id")
);
INSERT INTO "prompt_attachments" VALUES ('01m89b3bsmwmagyf9zrd2f56xn', '00023965829ad187893d5eb1aedff72a9e9e179f2a867e15f90c19b32064eb5a', 0);
CREATE TABLE "schemas" (
   "id" TEXT PRIMARY KEY,
   "content" TEXT
);
INSERT INTO "schemas" VALUES ('fab94517aedc1cf9be642a05b6820b6b', '{"type":"object","properties":{"a":{"type":"integer"}}}');
CREATE TABLE "responses" (
   "id" TEXT PRIMARY KEY,
   "model" TEXT,
   "prompt" TEXT,
   "system" TEXT,
   "prompt_json" TEXT,
   "options_json" TEXT,
   "response" TEXT,
   "response_json" TEXT,
   "conversation_id" TEXT REFERENCES "conversations"("id"),
   "duration_ms" INTEGER,
   "datetime_utc" TEXT,
   "input_tokens" INTEGER,
   "output_tokens" INTEGER,
   "token_details" TEXT,
   "schema_id" TEXT REFERENCES "schemas"("id")
);
INSERT INTO "responses" VALUES ('01m89b2ne6030cf8d1v5q6n7sf', 'gpt-4o-mini', 'Capital of Peru?', NULL, '{"messages": [{"role": "user", "content": "Capital of Peru?"}]}', '{}', 'answer 1', '{"content": {"$": "r:01m89b2ne6030cf8d1v5q6n7sf"}, "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b2ns6f6tve5h9szq15ska', 352, '2026-11-25T12:32:21.446351+00:00', 100, 20, NULL, NULL);
INSERT INTO "responses" VALUES ('01m89b2q6wk1jz6cvgbhe07hj6', 'gpt-4o-mini', 'Capital of Chile?', 'be brief', '{"messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "Capital of Chile?"}]}', '{}', 'answer 2', '{"content": {"$": "r:01m89b2q6wk1jz6cvgbhe07hj6"}, "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b2qhz6y9aka7h8dsmref6', 354, '2026-11-25T12:32:23.260215+00:00', 100, 20, NULL, NULL);
INSERT INTO "responses" VALUES ('01m89b2shvwd30ae20nfwqmakq', 'gpt-4o-mini', 'And its size?', NULL, '{"messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "Capital of Chile?"}, {"role": "assistant", "content": "answer 2"}, {"role": "user", "content": "And its size?"}]}', '{}', 'answer 3', '{"content": {"$": "r:01m89b2shvwd30ae20nfwqmakq"}, "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b2qhz6y9aka7h8dsmref6', 496, '2026-11-25T12:32:25.659464+00:00', 100, 20, NULL, NULL);
INSERT INTO "responses" VALUES ('01m89b2vr65cxsnnvd76mnkcn2', 'gpt-4o-mini', 'good day
', 'translate', '{"messages": [{"role": "system", "content": "translate"}, {"role": "user", "content": "good day\n"}]}', '{}', 'answer 4', '{"content": {"$": "r:01m89b2vr65cxsnnvd76mnkcn2"}, "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b2w4spxfqcdh19jyjaj0q', 402, '2026-11-25T12:32:27.910528+00:00', 100, 20, NULL, NULL);
INSERT INTO "responses" VALUES ('01m89b2y42v94mbq3fq5b2azyn', 'gpt-4o-mini', 'a document
 summarise', NULL, '{"messages": [{"role": "user", "content": "a document\n summarise"}]}', '{}', 'answer 5', '{"content": {"$": "r:01m89b2y42v94mbq3fq5b2azyn"}, "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b2y9xqgry0a3emh0gqfmw', 186, '2026-11-25T12:32:30.338832+00:00', 100, 20, NULL, NULL);
INSERT INTO "responses" VALUES ('01m89b300ycbcv6b020z0j6qsg', 'gpt-4o-mini', 'a poem', NULL, '{"messages": [{"role": "user", "content": "a poem"}]}', '{"temperature": 0.7}', 'answer 6', '{"content": {"$": "r:01m89b300ycbcv6b020z0j6qsg"}, "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b30b5znftvyjrw7wgs8jw', 326, '2026-11-25T12:32:32.286835+00:00', 100, 20, NULL, NULL);
INSERT INTO "responses" VALUES ('01m89b328b3kd6fkjpqzrwz62t', 'gpt-4o-mini', 'a colour', NULL, '{"messages": [{"role": "user", "content": "a colour"}]}', '{"temperature": 0.0, "max_tokens": 50, "seed": 7}', 'answer 7', '{"content": {"$": "r:01m89b328b3kd6fkjpqzrwz62t"}, "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b32m9bf8x6xmrevy6xrvy', 382, '2026-11-25T12:32:34.571490+00:00', 100, 20, NULL, NULL);
INSERT INTO "responses" VALUES ('01m89b344ng7fgdmskb2gfm1mn', 'gpt-4o-mini', 'without a stream', NULL, '{"messages": [{"role": "user", "content": "without a stream"}]}', '{}', 'answer 8', '{"id": "x", "choices": [{"finish_reason": "stop", "index": 0, "message": {"content": {"$": "r:01m89b344ng7fgdmskb2gfm1mn"}, "role": "assistant"}}], "created": 1, "model": "gpt-4o-mini", "object": "chat.completion", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b34b2mxc95vt860hv5qz8', 205, '2026-11-25T12:32:36.501552+00:00', 100, 20, NULL, NULL);
INSERT INTO "responses" VALUES ('01m89b361rfhyqbnzdgv4sry86', 'gpt-4o-mini', 'a long story', NULL, '{"messages": [{"role": "user", "content": "a long story"}]}', '{}', 'cut off', '{"content": {"$": "r:01m89b361rfhyqbnzdgv4sry86"}, "finish_reason": "length", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b369xyhk1ztmz6qw25tqh', 260, '2026-11-25T12:32:38.456746+00:00', 100, 20, NULL, NULL);
INSERT INTO "responses" VALUES ('01m89b380z555bvb8a32nahdsx', 'gpt-4o-mini', 'what is this?', NULL, '{"messages": [{"role": "user", "content": {"$r": [{"$": "f1"}, "\nwhat is this?"]}}]}', '{}', 'answer 11', '{"content": {"$": "r:01m89b380z555bvb8a32nahdsx"}, "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b38p5hq73arq6mkcbrhsk', 678, '2026-11-25T12:32:40.479090+00:00', 100, 20, NULL, NULL);
INSERT INTO "responses" VALUES ('01m89b3a3a530fddny8bz3hrv1', 'gpt-4o-mini', 'with a system fragment', NULL, '{"messages": [{"role": "system", "content": "fragment text"}, {"role": "user", "content": "with a system fragment"}]}', '{}', 'answer 12', '{"content": {"$": "r:01m89b3a3a530fddny8bz3hrv1"}, "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b3abr34r60eqfj6d26y1k', 269, '2026-11-25T12:32:42.602092+00:00', 100, 20, NULL, NULL);
INSERT INTO "responses" VALUES ('01m89b3bsmwmagyf9zrd2f56xn', 'gpt-4o-mini', 'what is in it?', NULL, '{"messages": [{"role": "user", "content": [{"type": "text", "text": "what is in it?"}, {"type": "image_url", "image_url": {"url": "data:..."}}]}]}', '{}', 'answer 13', '{"content": {"$": "r:01m89b3bsmwmagyf9zrd2f56xn"}, "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b3c71knqadrs96vbz95t7', 428, '2026-11-25T12:32:44.340945+00:00', 100, 20, NULL, NULL);
INSERT INTO "responses" VALUES ('01m89b3e0735xjm1nenrcjjmcm', 'gpt-4o-mini', 'an object', NULL, '{"messages": [{"role": "user", "content": "an object"}]}', '{}', '{"a": 1}', '{"content": {"$": "r:01m89b3e0735xjm1nenrcjjmcm"}, "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b3ebe52vqtajtqtbqbma3', 359, '2026-11-25T12:32:46.599206+00:00', 100, 20, NULL, 'fab94517aedc1cf9be642a05b6820b6b');
INSERT INTO "responses" VALUES ('01m89b3g0m54f3mhz7gsh2xk7d', 'gpt-4o-mini', 'no call of the tool', NULL, '{"messages": [{"role": "user", "content": "no call of the tool"}]}', '{}', 'answer 15', '{"content": {"$": "r:01m89b3g0m54f3mhz7gsh2xk7d"}, "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b3g0k1tzdd08tgxssgnng', 215, '2026-11-25T12:32:48.660579+00:00', 100, 20, NULL, NULL);
INSERT INTO "responses" VALUES ('01m89b3j1wz7ggjcejs3nr27c0', 'gpt-4o-mini', 'Capital of Peru?', NULL, '{"messages": [{"role": "user", "content": "Capital of Peru?"}]}', '{}', 'answer 16', '{"content": {"$": "r:01m89b3j1wz7ggjcejs3nr27c0"}, "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}', '01m89b3jd12qhhx0kdr0091w2m', 356, '2026-11-25T12:32:50.748377+00:00', 100, 20, NULL, NULL);
CREATE TABLE "fragments" (
   "id" INTEGER PRIMARY KEY,
   "hash" TEXT,
   "content" TEXT,
   "datetime_utc" TEXT,
   "source" TEXT
);
INSERT INTO "fragments" VALUES (1, 'f3b17fdcecc139b297cc0113076680c525b3ff99a0206ae6c94899a594c97a0b', 'fragment text
', '2026-11-25 12:32:41', 'frag.txt');
CREATE TABLE "fragment_aliases" (
   "alias" TEXT PRIMARY KEY,
   "fragment_id" INTEGER REFERENCES "fragments"("id")
);
CREATE TABLE "prompt_fragments" (
   "response_id" TEXT REFERENCES "responses"("id"),
   "fragment_id" INTEGER REFERENCES "fragments"("id"),
   "order" INTEGER,
   PRIMARY KEY ("response_id", "fragment_id", "order")
);
INSERT INTO "prompt_fragments" VALUES ('01m89b380z555bvb8a32nahdsx', 1, 0);
CREATE TABLE "system_fragments" (
   "response_id" TEXT REFERENCES "responses"("id"),
   "fragment_id" INTEGER REFERENCES "fragments"("id"),
   "order" INTEGER,
   PRIMARY KEY ("response_id", "fragment_id", "order")
);
INSERT INTO "system_fragments" VALUES ('01m89b3a3a530fddny8bz3hrv1', 1, 0);
CREATE TABLE "tools" (
   "id" INTEGER PRIMARY KEY,
   "hash" TEXT,
   "name" TEXT,
   "description" TEXT,
   "input_schema" TEXT
, "plugin" TEXT);
INSERT INTO "tools" VALUES (1, '0b74aaa30fdc791cd960bf5adbdd3dffe7f160a781b7546cdbe7fdebd1e78351', 'llm_version', 'Return the installed version of llm', '{"properties": {}, "type": "object"}', 'llm.default_plugins.default_tools');
CREATE TABLE "tool_responses" (
   "tool_id" INTEGER REFERENCES "tools"("id"),
   "response_id" TEXT REFERENCES "responses"("id"),
   PRIMARY KEY ("tool_id", "response_id")
);
INSERT INTO "tool_responses" VALUES (1, '01m89b3g0m54f3mhz7gsh2xk7d');
CREATE TABLE "tool_calls" (
   "id" INTEGER PRIMARY KEY,
   "response_id" TEXT REFERENCES "responses"("id"),
   "tool_id" INTEGER REFERENCES "tools"("id"),
   "name" TEXT,
   "arguments" TEXT,
   "tool_call_id" TEXT
);
CREATE TABLE "tool_instances" (
   "id" INTEGER PRIMARY KEY,
   "plugin" TEXT,
   "name" TEXT,
   "arguments" TEXT
);
CREATE TABLE "tool_results" (
   "id" INTEGER PRIMARY KEY,
   "response_id" TEXT REFERENCES "responses"("id"),
   "tool_id" INTEGER REFERENCES "tools"("id"),
   "name" TEXT,
   "output" TEXT,
   "tool_call_id" TEXT,
   "instance_id" INTEGER REFERENCES "tool_instances"("id")
);
