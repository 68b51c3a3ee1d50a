-- What llm 0.36 logged of a session, its search tables left out.
CREATE TABLE "conversations" (
   "id" TEXT PRIMARY KEY,
   "name" TEXT,
   "model" TEXT
);
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
, "resolved_model" TEXT, "reasoning" TEXT);
CREATE TABLE "fragments" (
   "id" INTEGER PRIMARY KEY,
   "hash" TEXT,
   "content" TEXT,
   "datetime_utc" TEXT,
   "source" TEXT
);
INSERT INTO "fragments" VALUES (1, 'f3b17fdcecc139b297cc0113076680c525b3ff99a0206ae6c94899a594c97a0b', 'fragment text
', '2026-11-25 12:34:03', 'frag.txt');
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
CREATE TABLE "system_fragments" (
   "response_id" TEXT REFERENCES "responses"("id"),
   "fragment_id" INTEGER REFERENCES "fragments"("id"),
   "order" INTEGER,
   PRIMARY KEY ("response_id", "fragment_id", "order")
);
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
, "exception" TEXT);
CREATE TABLE "tool_results_attachments" (
   "tool_result_id" INTEGER REFERENCES "tool_results"("id"),
   "attachment_id" TEXT REFERENCES "attachments"("id"),
   "order" INTEGER,
   PRIMARY KEY ("tool_result_id", "attachment_id")
);
CREATE TABLE "messages" (
   "hash" TEXT PRIMARY KEY,
   "parent_hash" TEXT REFERENCES "messages"("hash"),
   "role" TEXT,
   "provider_metadata" TEXT
);
INSERT INTO "messages" VALUES ('b2:55a8cfceeba627f9d06923f1fc4586ad', NULL, 'user', NULL);
INSERT INTO "messages" VALUES ('b2:2e6817536ed355a4b528a66e1da42421', 'b2:55a8cfceeba627f9d06923f1fc4586ad', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:32cb3af67079be8aeafd8b05763f32c1', NULL, 'system', NULL);
INSERT INTO "messages" VALUES ('b2:e4129378a323308819a3a4699a8d2926', 'b2:32cb3af67079be8aeafd8b05763f32c1', 'user', NULL);
INSERT INTO "messages" VALUES ('b2:6ffe38e182ade54e8e66f0571d873b8b', 'b2:e4129378a323308819a3a4699a8d2926', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:3610e8315ac5a9f4e01f6495af0bde68', 'b2:6ffe38e182ade54e8e66f0571d873b8b', 'user', NULL);
INSERT INTO "messages" VALUES ('b2:b4a267b83fc565ff821355edead62cd3', 'b2:3610e8315ac5a9f4e01f6495af0bde68', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:c0a4a5661143be2f0188e1e8f76391cf', NULL, 'system', NULL);
INSERT INTO "messages" VALUES ('b2:b1961bc490283bc5370e8f47bfdcfbfe', 'b2:c0a4a5661143be2f0188e1e8f76391cf', 'user', NULL);
INSERT INTO "messages" VALUES ('b2:ae8537276b2d53c0e7b56f8bedb429ad', 'b2:b1961bc490283bc5370e8f47bfdcfbfe', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:7f6521aa5e42c6cf19db6fabf1dd0991', NULL, 'user', NULL);
INSERT INTO "messages" VALUES ('b2:a34f1522daafad294305404f19c4d10e', 'b2:7f6521aa5e42c6cf19db6fabf1dd0991', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:ba831dbd2d36dfc01eb108e8b6407926', NULL, 'user', NULL);
INSERT INTO "messages" VALUES ('b2:35a5318af741fa5273c14c7de792013c', 'b2:ba831dbd2d36dfc01eb108e8b6407926', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:12c476cd4c29a3c8156af4a42f6f7d7b', NULL, 'user', NULL);
INSERT INTO "messages" VALUES ('b2:8a9db2a1c37db8cbadb83ed55ba22094', 'b2:12c476cd4c29a3c8156af4a42f6f7d7b', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:2fb2cff22c8f1404b6f97309a2ca8a48', NULL, 'user', NULL);
INSERT INTO "messages" VALUES ('b2:abb9980d7ee288f91da37b44659b9c9d', 'b2:2fb2cff22c8f1404b6f97309a2ca8a48', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:9a8508478e82b48dd3b0921e63b530ce', NULL, 'user', NULL);
INSERT INTO "messages" VALUES ('b2:74bf212c82721d4840d8a337479cc6dc', 'b2:9a8508478e82b48dd3b0921e63b530ce', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:dc1bfa60ce4054bd26de6e5c2c6a8857', NULL, 'user', NULL);
INSERT INTO "messages" VALUES ('b2:416bfa3ef55df5568c9ee1ec95c4184c', 'b2:dc1bfa60ce4054bd26de6e5c2c6a8857', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:c9f37cdec3f64861d1ff961c057120c2', NULL, 'system', NULL);
INSERT INTO "messages" VALUES ('b2:e209f2348ab434ffe982b1556a6851d9', 'b2:c9f37cdec3f64861d1ff961c057120c2', 'user', NULL);
INSERT INTO "messages" VALUES ('b2:ce7307a95833633bb36ee61671cce43b', 'b2:e209f2348ab434ffe982b1556a6851d9', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:1ed4680534699c0762191211f1706da8', NULL, 'user', NULL);
INSERT INTO "messages" VALUES ('b2:6689a31be89f31598e42565e601134ca', 'b2:1ed4680534699c0762191211f1706da8', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:280a94347c228a4226ab6cbdf3daeecd', NULL, 'user', NULL);
INSERT INTO "messages" VALUES ('b2:70df71690d2e03af1e68868d377cf86d', 'b2:280a94347c228a4226ab6cbdf3daeecd', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:cdad9f8acea8587313e55c53674fad87', NULL, 'user', NULL);
INSERT INTO "messages" VALUES ('b2:cf9e4cd6e0d35720662f72f73792ee14', 'b2:cdad9f8acea8587313e55c53674fad87', 'assistant', NULL);
INSERT INTO "messages" VALUES ('b2:ee24f164a8481ad63a7e86f5f89362b6', 'b2:55a8cfceeba627f9d06923f1fc4586ad', 'assistant', NULL);
CREATE TABLE "parts" (
   "id" INTEGER PRIMARY KEY,
   "message_hash" TEXT REFERENCES "messages"("hash"),
   "position" INTEGER,
   "type" TEXT,
   "tool_name" TEXT,
   "text" TEXT,
   "payload" TEXT
);
INSERT INTO "parts" VALUES (1, 'b2:55a8cfceeba627f9d06923f1fc4586ad', 0, 'text', NULL, 'Capital of Peru?', NULL);
INSERT INTO "parts" VALUES (2, 'b2:2e6817536ed355a4b528a66e1da42421', 0, 'text', NULL, 'answer 1', NULL);
INSERT INTO "parts" VALUES (3, 'b2:32cb3af67079be8aeafd8b05763f32c1', 0, 'text', NULL, 'be brief', NULL);
INSERT INTO "parts" VALUES (4, 'b2:e4129378a323308819a3a4699a8d2926', 0, 'text', NULL, 'Capital of Chile?', NULL);
INSERT INTO "parts" VALUES (5, 'b2:6ffe38e182ade54e8e66f0571d873b8b', 0, 'text', NULL, 'answer 2', NULL);
INSERT INTO "parts" VALUES (6, 'b2:3610e8315ac5a9f4e01f6495af0bde68', 0, 'text', NULL, 'And its size?', NULL);
INSERT INTO "parts" VALUES (7, 'b2:b4a267b83fc565ff821355edead62cd3', 0, 'text', NULL, 'answer 3', NULL);
INSERT INTO "parts" VALUES (8, 'b2:c0a4a5661143be2f0188e1e8f76391cf', 0, 'text', NULL, 'translate', NULL);
INSERT INTO "parts" VALUES (9, 'b2:b1961bc490283bc5370e8f47bfdcfbfe', 0, 'text', NULL, 'good day
', NULL);
INSERT INTO "parts" VALUES (10, 'b2:ae8537276b2d53c0e7b56f8bedb429ad', 0, 'text', NULL, 'answer 4', NULL);
INSERT INTO "parts" VALUES (11, 'b2:7f6521aa5e42c6cf19db6fabf1dd0991', 0, 'text', NULL, 'a document
 summarise', NULL);
INSERT INTO "parts" VALUES (12, 'b2:a34f1522daafad294305404f19c4d10e', 0, 'text', NULL, 'answer 5', NULL);
INSERT INTO "parts" VALUES (13, 'b2:ba831dbd2d36dfc01eb108e8b6407926', 0, 'text', NULL, 'a poem', NULL);
INSERT INTO "parts" VALUES (14, 'b2:35a5318af741fa5273c14c7de792013c', 0, 'text', NULL, 'answer 6', NULL);
INSERT INTO "parts" VALUES (15, 'b2:12c476cd4c29a3c8156af4a42f6f7d7b', 0, 'text', NULL, 'a colour', NULL);
INSERT INTO "parts" VALUES (16, 'b2:8a9db2a1c37db8cbadb83ed55ba22094', 0, 'text', NULL, 'answer 7', NULL);
INSERT INTO "parts" VALUES (17, 'b2:2fb2cff22c8f1404b6f97309a2ca8a48', 0, 'text', NULL, 'without a stream', NULL);
INSERT INTO "parts" VALUES (18, 'b2:abb9980d7ee288f91da37b44659b9c9d', 0, 'text', NULL, 'answer 8', NULL);
INSERT INTO "parts" VALUES (19, 'b2:9a8508478e82b48dd3b0921e63b530ce', 0, 'text', NULL, 'a long story', NULL);
INSERT INTO "parts" VALUES (20, 'b2:74bf212c82721d4840d8a337479cc6dc', 0, 'text', NULL, 'cut off', NULL);
INSERT INTO "parts" VALUES (21, 'b2:dc1bfa60ce4054bd26de6e5c2c6a8857', 0, 'text', NULL, NULL, '{"text_ref": [{"fragment": 1}, {"literal": "\nwhat is this?"}]}');
INSERT INTO "parts" VALUES (22, 'b2:416bfa3ef55df5568c9ee1ec95c4184c', 0, 'text', NULL, 'answer 11', NULL);
INSERT INTO "parts" VALUES (23, 'b2:c9f37cdec3f64861d1ff961c057120c2', 0, 'text', NULL, 'fragment text', NULL);
INSERT INTO "parts" VALUES (24, 'b2:e209f2348ab434ffe982b1556a6851d9', 0, 'text', NULL, 'with a system fragment', NULL);
INSERT INTO "parts" VALUES (25, 'b2:ce7307a95833633bb36ee61671cce43b', 0, 'text', NULL, 'answer 12', NULL);
INSERT INTO "parts" VALUES (26, 'b2:1ed4680534699c0762191211f1706da8', 0, 'text', NULL, 'what is in it?', NULL);
INSERT INTO "parts" VALUES (27, 'b2:1ed4680534699c0762191211f1706da8', 1, 'attachment', NULL, NULL, '{"attachment": {"id": "00023965829ad187893d5eb1aedff72a9e9e179f2a867e15f90c19b32064eb5a"}}');
INSERT INTO "parts" VALUES (28, 'b2:6689a31be89f31598e42565e601134ca', 0, 'text', NULL, 'answer 13', NULL);
INSERT INTO "parts" VALUES (29, 'b2:280a94347c228a4226ab6cbdf3daeecd', 0, 'text', NULL, 'an object', NULL);
INSERT INTO "parts" VALUES (30, 'b2:70df71690d2e03af1e68868d377cf86d', 0, 'text', NULL, '{"a": 1}', NULL);
INSERT INTO "parts" VALUES (31, 'b2:cdad9f8acea8587313e55c53674fad87', 0, 'text', NULL, 'no call of the tool', NULL);
INSERT INTO "parts" VALUES (32, 'b2:cf9e4cd6e0d35720662f72f73792ee14', 0, 'text', NULL, 'answer 15', NULL);
INSERT INTO "parts" VALUES (33, 'b2:ee24f164a8481ad63a7e86f5f89362b6', 0, 'text', NULL, 'answer 16', NULL);
CREATE TABLE "part_attachments" (
   "part_id" INTEGER REFERENCES "parts"("id"),
   "attachment_id" TEXT REFERENCES "attachments"("id"),
   "order" INTEGER,
   PRIMARY KEY ("part_id", "attachment_id", "order")
);
INSERT INTO "part_attachments" VALUES (27, '00023965829ad187893d5eb1aedff72a9e9e179f2a867e15f90c19b32064eb5a', 0);
CREATE TABLE "part_fragments" (
   "part_id" INTEGER REFERENCES "parts"("id"),
   "fragment_id" INTEGER REFERENCES "fragments"("id"),
   "order" INTEGER,
   PRIMARY KEY ("part_id", "fragment_id", "order")
);
INSERT INTO "part_fragments" VALUES (21, 1, 0);
CREATE TABLE "threads" (
   "id" TEXT PRIMARY KEY,
   "name" TEXT,
   "tip_message_hash" TEXT REFERENCES "messages"("hash"),
   "forked_from" TEXT REFERENCES "threads"("id"),
   "datetime_utc" TEXT
);
INSERT INTO "threads" VALUES ('01m89b57jgst6ycv6cdartdxy6', 'Capital of Peru?', 'b2:2e6817536ed355a4b528a66e1da42421', NULL, '2026-11-25 12:33:45.772236+00:00');
INSERT INTO "threads" VALUES ('01m89b59dhrcy9x8va3yhnfsey', 'Capital of Chile?', 'b2:b4a267b83fc565ff821355edead62cd3', NULL, '2026-11-25 12:33:47.650544+00:00');
INSERT INTO "threads" VALUES ('01m89b5d1zsnacxr7v0tv09hh8', 'good day ', 'b2:ae8537276b2d53c0e7b56f8bedb429ad', NULL, '2026-11-25 12:33:51.324815+00:00');
INSERT INTO "threads" VALUES ('01m89b5embytq6y1h440zt4n02', 'a document summarise', 'b2:a34f1522daafad294305404f19c4d10e', NULL, '2026-11-25 12:33:53.026565+00:00');
INSERT INTO "threads" VALUES ('01m89b5h0zkm94szjykr69tz2t', 'a poem', 'b2:35a5318af741fa5273c14c7de792013c', NULL, '2026-11-25 12:33:55.406496+00:00');
INSERT INTO "threads" VALUES ('01m89b5km3qv42d8nssskjpdgy', 'a colour', 'b2:8a9db2a1c37db8cbadb83ed55ba22094', NULL, '2026-11-25 12:33:58.054459+00:00');
INSERT INTO "threads" VALUES ('01m89b5n3j0pr2s9zekf2zqegt', 'without a stream', 'b2:abb9980d7ee288f91da37b44659b9c9d', NULL, '2026-11-25 12:33:59.504740+00:00');
INSERT INTO "threads" VALUES ('01m89b5pbdrhfd69yf8gvh9njr', 'a long story', 'b2:74bf212c82721d4840d8a337479cc6dc', NULL, '2026-11-25 12:34:00.798893+00:00');
INSERT INTO "threads" VALUES ('01m89b5ragh5daw7eehf6pyj7v', 'fragment text what is this?', 'b2:416bfa3ef55df5568c9ee1ec95c4184c', NULL, '2026-11-25 12:34:03.389235+00:00');
INSERT INTO "threads" VALUES ('01m89b5v57gfa904ce25w8ny9t', 'with a system fragment', 'b2:ce7307a95833633bb36ee61671cce43b', NULL, '2026-11-25 12:34:05.750372+00:00');
INSERT INTO "threads" VALUES ('01m89b5x6sr29bbcy4ms2kp3w5', 'what is in it?', 'b2:6689a31be89f31598e42565e601134ca', NULL, '2026-11-25 12:34:07.808869+00:00');
INSERT INTO "threads" VALUES ('01m89b5ytq8zk5t5y6024z9fjz', 'an object', 'b2:70df71690d2e03af1e68868d377cf86d', NULL, '2026-11-25 12:34:09.464950+00:00');
INSERT INTO "threads" VALUES ('01m89b60g32ycgnj51xerk4xmj', 'no call of the tool', 'b2:cf9e4cd6e0d35720662f72f73792ee14', NULL, '2026-11-25 12:34:11.191375+00:00');
INSERT INTO "threads" VALUES ('01m89b61w1n3v7wdy4s82bd8ks', 'Capital of Peru?', 'b2:ee24f164a8481ad63a7e86f5f89362b6', NULL, '2026-11-25 12:34:12.595951+00:00');
CREATE TABLE "turns" (
   "id" TEXT PRIMARY KEY,
   "thread_id" TEXT REFERENCES "threads"("id"),
   "parent_message_hash" TEXT REFERENCES "messages"("hash"),
   "tip_message_hash" TEXT REFERENCES "messages"("hash"),
   "model" TEXT,
   "resolved_model" TEXT,
   "options_json" TEXT,
   "schema_id" TEXT REFERENCES "schemas"("id"),
   "input_tokens" INTEGER,
   "output_tokens" INTEGER,
   "token_details" TEXT,
   "duration_ms" INTEGER,
   "datetime_utc" TEXT
, "response_json" TEXT);
INSERT INTO "turns" VALUES ('01m89b57jhy1wnh45pp9kpbztv', '01m89b57jgst6ycv6cdartdxy6', 'b2:55a8cfceeba627f9d06923f1fc4586ad', 'b2:2e6817536ed355a4b528a66e1da42421', 'gpt-4o-mini', NULL, NULL, NULL, 100, 20, NULL, 209, '2026-11-25T12:33:45.553704+00:00', '{"content": "answer 1", "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b59dj0c20yj3k8dvwkdrk', '01m89b59dhrcy9x8va3yhnfsey', 'b2:e4129378a323308819a3a4699a8d2926', 'b2:6ffe38e182ade54e8e66f0571d873b8b', 'gpt-4o-mini', NULL, NULL, NULL, 100, 20, NULL, 207, '2026-11-25T12:33:47.442628+00:00', '{"content": "answer 2", "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b5ayyk19j5634xcxy3amb', '01m89b59dhrcy9x8va3yhnfsey', 'b2:3610e8315ac5a9f4e01f6495af0bde68', 'b2:b4a267b83fc565ff821355edead62cd3', 'gpt-4o-mini', NULL, NULL, NULL, 100, 20, NULL, 170, '2026-11-25T12:33:49.022938+00:00', '{"content": "answer 3", "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b5d20d1h3xden3atydthz', '01m89b5d1zsnacxr7v0tv09hh8', 'b2:b1961bc490283bc5370e8f47bfdcfbfe', 'b2:ae8537276b2d53c0e7b56f8bedb429ad', 'gpt-4o-mini', NULL, NULL, NULL, 100, 20, NULL, 155, '2026-11-25T12:33:51.168764+00:00', '{"content": "answer 4", "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b5emnv70q9nsdgtync7n5', '01m89b5embytq6y1h440zt4n02', 'b2:7f6521aa5e42c6cf19db6fabf1dd0991', 'b2:a34f1522daafad294305404f19c4d10e', 'gpt-4o-mini', NULL, NULL, NULL, 100, 20, NULL, 236, '2026-11-25T12:33:52.789305+00:00', '{"content": "answer 5", "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b5h15k7rjatska9qq5apk', '01m89b5h0zkm94szjykr69tz2t', 'b2:ba831dbd2d36dfc01eb108e8b6407926', 'b2:35a5318af741fa5273c14c7de792013c', 'gpt-4o-mini', NULL, '{"temperature": 0.7}', NULL, 100, 20, NULL, 168, '2026-11-25T12:33:55.237164+00:00', '{"content": "answer 6", "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b5kmg3rhxb6kn73knzhr3', '01m89b5km3qv42d8nssskjpdgy', 'b2:12c476cd4c29a3c8156af4a42f6f7d7b', 'b2:8a9db2a1c37db8cbadb83ed55ba22094', 'gpt-4o-mini', NULL, '{"temperature": 0.0, "max_tokens": 50, "seed": 7}', NULL, 100, 20, NULL, 149, '2026-11-25T12:33:57.904514+00:00', '{"content": "answer 7", "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b5n3kmfxe5mdpe3bvkyrz', '01m89b5n3j0pr2s9zekf2zqegt', 'b2:2fb2cff22c8f1404b6f97309a2ca8a48', 'b2:abb9980d7ee288f91da37b44659b9c9d', 'gpt-4o-mini', NULL, NULL, NULL, 100, 20, NULL, 88, '2026-11-25T12:33:59.411239+00:00', '{"id": "x", "choices": [{"finish_reason": "stop", "index": 0, "message": {"content": "answer 8", "role": "assistant"}}], "created": 1, "model": "gpt-4o-mini", "object": "chat.completion", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b5pbebb6b00vz168nzdy4', '01m89b5pbdrhfd69yf8gvh9njr', 'b2:9a8508478e82b48dd3b0921e63b530ce', 'b2:74bf212c82721d4840d8a337479cc6dc', 'gpt-4o-mini', NULL, NULL, NULL, 100, 20, NULL, 111, '2026-11-25T12:34:00.686587+00:00', '{"content": "cut off", "finish_reason": "length", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b5rajysqas0s4egpmpqnz', '01m89b5ragh5daw7eehf6pyj7v', 'b2:dc1bfa60ce4054bd26de6e5c2c6a8857', 'b2:416bfa3ef55df5568c9ee1ec95c4184c', 'gpt-4o-mini', NULL, NULL, NULL, 100, 20, NULL, 682, '2026-11-25T12:34:02.706071+00:00', '{"content": "answer 11", "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b5v5bd8efm81n655wy6ke', '01m89b5v57gfa904ce25w8ny9t', 'b2:e209f2348ab434ffe982b1556a6851d9', 'b2:ce7307a95833633bb36ee61671cce43b', 'gpt-4o-mini', NULL, NULL, NULL, 100, 20, NULL, 137, '2026-11-25T12:34:05.612004+00:00', '{"content": "answer 12", "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b5x6th9x7a5yzf9nzt4x0', '01m89b5x6sr29bbcy4ms2kp3w5', 'b2:1ed4680534699c0762191211f1706da8', 'b2:6689a31be89f31598e42565e601134ca', 'gpt-4o-mini', NULL, NULL, NULL, 100, 20, NULL, 97, '2026-11-25T12:34:07.706743+00:00', '{"content": "answer 13", "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b5ytwye2k27hqc1hpv8yb', '01m89b5ytq8zk5t5y6024z9fjz', 'b2:280a94347c228a4226ab6cbdf3daeecd', 'b2:70df71690d2e03af1e68868d377cf86d', 'gpt-4o-mini', NULL, NULL, 'fab94517aedc1cf9be642a05b6820b6b', 100, 20, NULL, 91, '2026-11-25T12:34:09.373014+00:00', '{"content": "{\"a\": 1}", "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b60g81cgvs7cfnmj8y5pt', '01m89b60g32ycgnj51xerk4xmj', 'b2:cdad9f8acea8587313e55c53674fad87', 'b2:cf9e4cd6e0d35720662f72f73792ee14', 'gpt-4o-mini', NULL, NULL, NULL, 100, 20, NULL, 110, '2026-11-25T12:34:11.080318+00:00', '{"content": "answer 15", "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
INSERT INTO "turns" VALUES ('01m89b61w2q39cqnyqr4w660nh', '01m89b61w1n3v7wdy4s82bd8ks', 'b2:55a8cfceeba627f9d06923f1fc4586ad', 'b2:ee24f164a8481ad63a7e86f5f89362b6', 'gpt-4o-mini', NULL, NULL, NULL, 100, 20, NULL, 113, '2026-11-25T12:34:12.482324+00:00', '{"content": "answer 16", "finish_reason": "stop", "usage": {"completion_tokens": 20, "prompt_tokens": 100, "total_tokens": 120}}');
CREATE TABLE "turn_fragments" (
   "turn_id" TEXT REFERENCES "turns"("id"),
   "fragment_id" INTEGER REFERENCES "fragments"("id"),
   "order" INTEGER,
   "kind" TEXT,
   PRIMARY KEY ("turn_id", "fragment_id", "kind", "order")
);
INSERT INTO "turn_fragments" VALUES ('01m89b5rajysqas0s4egpmpqnz', 1, 0, 'prompt');
INSERT INTO "turn_fragments" VALUES ('01m89b5v5bd8efm81n655wy6ke', 1, 0, 'system');
CREATE TABLE "turn_tools" (
   "turn_id" TEXT REFERENCES "turns"("id"),
   "tool_id" INTEGER REFERENCES "tools"("id"),
   "instance_id" INTEGER REFERENCES "tool_instances"("id"),
   PRIMARY KEY ("turn_id", "tool_id")
);
INSERT INTO "turn_tools" VALUES ('01m89b60g81cgvs7cfnmj8y5pt', 1, NULL);
CREATE TABLE "tool_instantiations" (
   "turn_id" TEXT REFERENCES "turns"("id"),
   "tool_call_id" TEXT,
   "instance_id" INTEGER REFERENCES "tool_instances"("id"),
   PRIMARY KEY ("turn_id", "tool_call_id")
);
