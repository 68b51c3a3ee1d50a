from __future__ import annotations

import struct

import apsw
import pytest
from drafts import draft, hit_line, line, new_store, question

from llmc import keys
from llmc.errors import CacheFileError
from llmc.store import Store
from llmc.types import NEXT_SAMPLE, Answer, Invocation, Price, Selector, Tokens, Vector

ALL = Selector()
COMMAND = Invocation(b"d" * 16, b"i" * 16, stdin=False, files=("a", "b"), quiet=True)

#: Texts that have broken caches before.
TEXTS = {
    "a NUL": "before\0after",
    "emoji": "👩🏽‍🚀 says 🫡 to 🇪🇺",
    "no spaces": "東京の天気",
    "right to left": "שלום \u202eabc\u202c",
    "combining marks": "e\u0301 n\u0303",
    "all newlines": "a\r\nb\rc\nd\u2028e",
    "control characters": "\x1b]0;title\x07\x7f",
    "SQL": "'); DROP TABLE entry; --",
    "placeholders": "? ?1 :name @name $name %s {}",
    "quotes": '"it\'s" `so` [here]',
    "a megabyte": "blue sky " * 120_000,
    "white space": " \t\n",
}


@pytest.fixture
def store(db):
    with new_store(db) as store:
        yield store


def generation(store: Store) -> int:
    return store.file.number("SELECT value FROM meta WHERE name = 'generation'")


def invocations(store: Store) -> list:
    return store.file.rows("SELECT entry_id FROM invocation ORDER BY entry_id")


def prompts(entries) -> list[str]:
    return [entry.prompt for entry in entries]


def sampled(**changes):
    return draft("roll a die", **{"sample": NEXT_SAMPLE, **changes})


def pin(store: Store, entry_id: int) -> None:
    store.file.execute("UPDATE entry SET pinned = 1 WHERE id = ?", (entry_id,))


def raw(store: Store) -> bytes:
    """All bytes of the file and its log."""
    parts = []
    for name in (store.file.path, f"{store.file.path}-wal"):
        with open(name, "rb") as file:
            parts.append(file.read())
    return b"".join(parts).lower()


class TestPut:
    def test_keeps_all_of_an_answer(self, store):
        given = draft(
            "which colour?",
            system="be brief",
            token_limit=50,
            expires_at=2000.0,
            tokens=Tokens(100, 20, 30, 40),
            price=Price(5000, "test", 7),
            answer=Answer(
                "blue",
                "stop",
                model="m-2026",
                usage={"prompt_tokens": 100},
                choices=[{"message": {"content": "blue"}}],
                temperature=0.5,
                latency=2.5,
            ),
        )

        entry = store.entry(store.put(given, line()))

        assert entry._asdict() == {
            "id": 1,
            "namespace": "default",
            "key": given.key,
            "sample": 0,
            "token_limit": 50,
            "model": "m",
            "prompt": "which colour?",
            "answer": "blue",
            "choices": [{"message": {"content": "blue"}}],
            "finish_reason": "stop",
            "served_model": "m-2026",
            "temperature": 0.5,
            "tokens": Tokens(100, 20, 30, 40),
            "cost": 5000,
            "latency": 2.5,
            "created_at": 1000.0,
            "expires_at": 2000.0,
            "source": "model",
            "hits": 0,
            "instruction_at": 0,
            "scope_hash": given.scope_hash,
            "pinned": False,
            "system": "be brief",
        }

    def test_keeps_what_is_unknown_unknown(self, store):
        given = draft(usage=None, price=Price(None), answer=Answer("blue", "stop"))

        entry = store.entry(store.put(given, line()))

        assert entry.cost is None
        assert entry.tokens == Tokens(None, None, None, None)
        assert (entry.served_model, entry.temperature, entry.choices) == (None, None, None)

    def test_keeps_the_whole_request(self, store):
        entry_id = store.put(draft("which colour?", system="be brief"), line())

        frame, _ = store.frame(entry_id)

        assert keys.request_from(frame, "which colour?") == question(system="be brief")

    def test_keeps_the_usage_as_it_was_reported(self, store):
        usage = {"prompt_tokens": 1, "odd": {"nested": [None, 1.5]}}

        entry_id = store.put(draft(answer=Answer("x", "stop", usage=usage)), line())

        assert store.frame(entry_id)[1] == {"prompt_tokens": 1, "odd": {"nested": [None, 1.5]}}

    def test_writes_the_ledger_line_of_its_entry(self, store):
        entry_id = store.put(draft(), line(spent_nusd=7))

        assert store.file.rows("SELECT entry_id, source, spent_nusd FROM ledger") == [
            (entry_id, "model", 7)
        ]

    def test_overwrites_the_same_request_and_keeps_its_id(self, store):
        first = store.put(draft(answer="blue"), line())
        store.put(draft("another"), line())

        again = store.put(draft(answer="green", created_at=2000.0), line())

        assert again == first
        assert store.entry(first).answer == "green"
        assert store.entry(first).created_at == 2000.0
        assert store.count() == 2

    def test_overwriting_leaves_nothing_of_the_first_answer(self, store):
        store.put(
            draft(
                expires_at=2000.0,
                token_limit=5,
                answer=Answer("blue", "stop", choices=[{"message": {}}], temperature=1.0),
            ),
            line(),
        )

        entry = store.entry(store.put(draft(usage=None, price=Price(None)), line()))

        assert (entry.expires_at, entry.token_limit, entry.choices) == (None, None, None)
        assert (entry.cost, entry.temperature, entry.tokens) == (None, None, Tokens())
        assert prompts(store.search("green", ALL)) == []

    def test_overwriting_keeps_the_pin_and_the_hits(self, store):
        entry_id = store.put(draft(), line())
        store.record(hit_line(entry_id))
        pin(store, entry_id)

        store.put(draft(answer="green"), line())

        assert store.entry(entry_id).hits == 1
        assert store.eviction.older_than(9999.0) == []

    def test_is_found_by_its_new_words_only(self, store):
        store.put(draft(answer="blue"), line())

        store.put(draft(answer="green"), line())

        assert len(store.search("green", ALL)) == 1
        assert store.search("blue", ALL) == []

    def test_shares_what_precedes_the_question(self, store):
        store.put(draft("one", system="be brief"), line())
        store.put(draft("two", system="be brief"), line())
        store.put(draft("two", system="be long"), line())

        assert store.file.rows("SELECT system FROM scope") == [("be brief",), ("be long",)]

    def test_keeps_the_same_question_apart_by_namespace(self, store):
        store.put(draft(answer="blue"), line())
        store.put(draft(answer="green", namespace="work"), line())

        (found,) = store.family("work", draft().family)

        assert found.answer == "green"
        assert store.count() == 2

    def test_finds_the_requests_that_differ_in_their_limit_at_most(self, store):
        store.put(draft(answer="short", key=b"k" * 32, token_limit=5), line())
        store.put(draft(answer="long"), line())
        store.put(draft("another question"), line())

        found = store.family("default", draft().family)

        assert [entry.answer for entry in found] == ["short", "long"]

    def test_is_all_or_nothing(self, store):
        with pytest.raises(CacheFileError):
            store.put(draft(), line(at="yesterday"))

        assert store.count() == 0
        assert store.file.rows("SELECT * FROM scope") == []
        assert store.search("blue", ALL) == []

    def test_forgets_the_command_lines_of_its_family(self, store):
        first = store.put(draft(), line())
        short = store.put(draft(key=b"k" * 32, token_limit=5), line())
        other = store.put(draft("another"), line())
        store.remember(COMMAND, first)
        store.remember(COMMAND._replace(inputs=b"j" * 16), short)
        store.remember(COMMAND._replace(inputs=b"k" * 16), other)

        store.put(draft(key=b"l" * 32, token_limit=9), line())

        assert invocations(store) == [(other,)]

    def test_leaves_the_command_lines_of_other_namespaces(self, store):
        first = store.put(draft(), line())
        store.remember(COMMAND, first)

        store.put(draft(namespace="work"), line())

        assert invocations(store) == [(first,)]

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
    def test_gives_any_text_back_as_it_was(self, store, text):
        given = draft(text, text, system=text, namespace=text[:50])

        entry_id = store.put(given, line(namespace=text[:50]))

        entry = store.entry(entry_id)
        assert entry.prompt == text
        assert entry.answer == text
        assert entry.namespace == text[:50]
        assert all_texts(store, "system", None) == [(entry_id, text)]
        assert keys.request_from(store.frame(entry_id)[0], text) == question(text, system=text)
        assert store.index_damage() is None

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
    def test_takes_any_text_away_again(self, store, text):
        entry_id = store.put(draft(text, text), line())

        store.delete([entry_id])

        assert store.count() == 0
        assert store.index_damage() is None


class TestSamples:
    def test_take_the_first_free_number(self, store):
        ids = [store.put(sampled(), line()) for _ in range(3)]

        assert [store.entry(entry_id).sample for entry_id in ids] == [1, 2, 3]

    def test_take_the_number_that_was_given_up(self, store):
        ids = [store.put(sampled(), line()) for _ in range(3)]
        store.delete([ids[1]])

        entry_id = store.put(sampled(), line())

        assert store.entry(entry_id).sample == 2

    def test_take_the_number_of_one_that_has_expired(self, store):
        old = store.put(sampled(answer="old", expires_at=1500.0), line())
        store.put(sampled(answer="kept"), line())

        again = store.put(sampled(answer="new", created_at=1500.0), line())

        found = store.samples("default", sampled().key, 9)
        assert again == old
        assert [(entry.sample, entry.answer) for entry in found] == [(1, "new"), (2, "kept")]

    def test_do_not_take_the_number_of_one_that_is_fresh(self, store):
        store.put(sampled(expires_at=1500.0), line())

        store.put(sampled(created_at=1499.0), line())

        assert store.count() == 2

    def test_are_counted_by_request_and_namespace(self, store):
        store.put(sampled(), line())

        other = store.put(draft("another", sample=NEXT_SAMPLE), line())
        elsewhere = store.put(sampled(namespace="work"), line())

        assert store.entry(other).sample == 1
        assert store.entry(elsewhere).sample == 1

    def test_come_in_order_and_no_more_than_asked_for(self, store):
        store.put(sampled(answer="third", sample=3), line())
        store.put(sampled(answer="second", sample=2), line())
        store.put(sampled(answer="first", sample=1), line())

        found = store.samples("default", sampled().key, 2)

        assert [entry.answer for entry in found] == ["first", "second"]

    def test_are_no_plain_answers(self, store):
        store.put(sampled(), line())

        assert store.family("default", sampled().family) == []

    def test_are_not_mixed_with_a_plain_answer(self, store):
        store.put(draft("roll a die"), line())

        assert store.samples("default", sampled().key, 9) == []

    def test_named_are_overwritten(self, store):
        first = store.put(sampled(sample=2, answer="old"), line())

        again = store.put(sampled(sample=2, answer="new"), line())

        assert again == first
        assert store.entry(first).answer == "new"


class TestRecord:
    def test_counts_a_hit(self, store):
        entry_id = store.put(draft(), line())

        store.record(hit_line(entry_id, at=1234.0))
        store.record(hit_line(entry_id, at=1235.0))

        assert store.entry(entry_id).hits == 2
        assert store.file.rows("SELECT last_hit_at FROM entry") == [(1235.0,)]
        assert store.file.number("SELECT count(*) FROM ledger WHERE source = 'exact'") == 2

    @pytest.mark.parametrize("source", ["memory", "exact", "shared", "semantic", "stale"])
    def test_counts_a_hit_of_every_kind(self, store, source):
        entry_id = store.put(draft(), line())

        store.record(hit_line(entry_id, source=source))

        assert store.entry(entry_id).hits == 1

    @pytest.mark.parametrize("source", ["model", "bypass"])
    def test_does_not_count_a_call_as_a_hit(self, store, source):
        entry_id = store.put(draft(), line())

        store.record(line(source=source, entry_id=entry_id))

        assert store.entry(entry_id).hits == 0
        assert store.file.number("SELECT count(*) FROM ledger") == 2

    def test_takes_a_line_without_an_entry(self, store):
        store.record(line(source="bypass"), COMMAND)

        assert store.file.rows("SELECT source, entry_id FROM ledger") == [("bypass", None)]
        assert invocations(store) == []

    def test_takes_a_line_of_an_entry_that_has_gone(self, store):
        store.record(hit_line(77), COMMAND)

        assert store.file.rows("SELECT entry_id FROM ledger") == [(77,)]
        assert invocations(store) == []

    def test_remembers_the_command_line(self, store):
        entry_id = store.put(draft(), line())

        store.record(hit_line(entry_id), COMMAND)

        assert store.file.rows("SELECT * FROM invocation") == [
            (b"d" * 16, b"i" * 16, entry_id, 0, 0, "a\0b", 1)
        ]

    def test_writes_all_or_nothing(self, store):
        entry_id = store.put(draft(), line())

        with pytest.raises(CacheFileError):
            store.record(hit_line(entry_id), COMMAND._replace(quiet="yes"))

        assert store.entry(entry_id).hits == 0
        assert store.file.number("SELECT count(*) FROM ledger") == 1


class TestRemember:
    def test_keeps_one_entry_for_a_command_line(self, store):
        first, second = store.put(draft(), line()), store.put(draft("another"), line())

        store.remember(COMMAND, first)
        store.remember(COMMAND, second)

        assert invocations(store) == [(second,)]

    def test_notes_the_generation(self, store):
        gone, kept = store.put(draft("gone"), line()), store.put(draft(), line())
        store.delete([gone])

        store.remember(COMMAND, kept)

        assert store.file.rows("SELECT generation FROM invocation") == [(1,)]

    def test_is_never_of_an_entry_that_is_not_there(self, store):
        with pytest.raises(CacheFileError, match="FOREIGN KEY"):
            store.file.execute("INSERT INTO invocation VALUES (x'00', x'00', 77, 0, 0, '', 0)")

    def test_passes_over_an_entry_that_has_gone(self, store):
        store.remember(COMMAND, 77)

        assert invocations(store) == []


class TestRefusals:
    def test_are_remembered_by_address_and_model(self, store):
        store.refuse("http://a", "m", "temperature", at=1000.0)
        store.refuse("http://a", "m", "stream_options", at=1000.0)

        assert store.refusals("http://a", "m", since=0.0) == {"temperature", "stream_options"}
        assert store.refusals("http://b", "m", since=0.0) == set()
        assert store.refusals("http://a", "n", since=0.0) == set()

    def test_are_no_longer_believed_after_their_time(self, store):
        store.refuse("http://a", "m", "temperature", at=1000.0)

        assert store.refusals("http://a", "m", since=1000.0) == {"temperature"}
        assert store.refusals("http://a", "m", since=1000.1) == set()

    def test_are_renewed(self, store):
        store.refuse("http://a", "m", "temperature", at=1000.0)

        store.refuse("http://a", "m", "temperature", at=2000.0)

        assert store.refusals("http://a", "m", since=1500.0) == {"temperature"}


class TestDelete:
    def test_takes_the_entry_and_its_words(self, store):
        entry_id = store.put(draft("which zyzzyva?"), line())
        kept = store.put(draft("another"), line())

        deleted = store.delete([entry_id])

        assert deleted == 1
        assert store.entry(entry_id) is None
        assert store.search("zyzzyva", ALL) == []
        assert [entry.id for entry in store.select(ALL)] == [kept]
        assert store.index_damage() is None

    def test_takes_the_scope_with_its_last_entry(self, store):
        first = store.put(draft("one", system="be brief"), line())
        second = store.put(draft("two", system="be brief"), line())

        store.delete([first])
        shared = store.file.rows("SELECT system FROM scope")
        store.delete([second])

        assert shared == [("be brief",)]
        assert store.file.rows("SELECT system FROM scope") == []

    def test_takes_every_remembered_command_line(self, store):
        first, second = store.put(draft(), line()), store.put(draft("another"), line())
        store.remember(COMMAND, first)
        store.remember(COMMAND._replace(inputs=b"j" * 16), second)

        store.delete([first])

        assert invocations(store) == []

    def test_adds_one_to_the_generation(self, store):
        ids = [store.put(draft(name), line()) for name in "abc"]

        store.delete(ids[:2])
        store.delete(ids[2:])

        assert generation(store) == 2

    def test_of_nothing_changes_nothing(self, store):
        entry_id = store.put(draft(), line())
        store.remember(COMMAND, entry_id)

        deleted = store.delete([77, 78])

        assert deleted == 0
        assert generation(store) == 0
        assert invocations(store) == [(entry_id,)]

    def test_counts_each_entry_once(self, store):
        entry_id = store.put(draft(), line())

        assert store.delete(iter([entry_id, entry_id, 77])) == 1

    def test_keeps_the_ledger(self, store):
        entry_id = store.put(draft(), line())

        store.delete([entry_id])

        assert store.file.rows("SELECT entry_id, spent_nusd FROM ledger") == [(entry_id, 5000)]

    def test_never_gives_an_id_twice(self, store):
        first = store.put(draft(), line())
        store.delete([first])

        assert store.put(draft(), line()) > first

    @pytest.mark.parametrize("size", [1, 50_000], ids=["short", "long"])
    @pytest.mark.parametrize("neighbours", [0, 40], ids=["alone", "among others"])
    def test_and_a_scrub_leave_no_byte_of_its_texts(self, store, size, neighbours):
        words = [b"quizzaciouslyp", b"quizzaciouslya", b"quizzaciouslys"]
        texts = [f"say {word.decode()} please " * size for word in words]
        list(map(store.put, [draft(f"before {n}") for n in range(neighbours)], [line()] * 40))
        entry_id = store.put(draft(texts[0], texts[1], system=texts[2]), line())
        list(map(store.put, [draft(f"after {n}") for n in range(neighbours)], [line()] * 40))
        store.record(hit_line(entry_id), COMMAND)
        unfolded = raw(store)
        store.file.scrub()
        folded = raw(store)

        store.delete([entry_id])
        store.file.scrub()

        assert [word in unfolded for word in words] == [True, True, True]
        assert [word in folded for word in words] == [True, True, True]
        assert [word in raw(store) for word in words] == [False, False, False]
        assert store.count() == 2 * neighbours

    def test_and_a_scrub_leave_no_byte_of_other_choices(self, store):
        choices = [{"message": {"content": "quizzaciously"}}]
        answer = Answer("x", "stop", choices=choices, usage={"note": "quizzically"})
        entry_id = store.put(draft(answer=answer), line())
        store.file.scrub()
        before = raw(store)

        store.delete([entry_id])
        store.file.scrub()

        assert b"quizzaciously" in before
        assert b"quizzically" in before
        assert b"quizz" not in raw(store)

    def test_of_an_answer_by_another_leaves_no_byte_of_the_first(self, store):
        store.put(draft(answer="quizzaciously " * 1000), line())
        store.file.scrub()
        before = raw(store)

        store.put(draft(answer="blue"), line())
        store.file.scrub()

        assert b"quizzaciously" in before
        assert b"quizzaciously" not in raw(store)

    def test_in_a_file_opened_again_leaves_no_byte_either(self, db):
        with Store(str(db)) as store:
            entry_id = store.put(draft("quizzaciously"), line())
        with Store(str(db)) as again:
            before = raw(again)

            again.delete([entry_id])
            again.file.scrub()

            assert b"quizzaciously" in before
            assert b"quizzaciously" not in raw(again)


class TestSearch:
    def test_finds_words_of_the_prompt_and_of_the_answer(self, store):
        store.put(draft("which colour?", "blue"), line())
        store.put(draft("which number?", "seven"), line())

        assert prompts(store.search("colour", ALL)) == ["which colour?"]
        assert prompts(store.search("seven", ALL)) == ["which number?"]

    @pytest.mark.parametrize(
        "words", ["colo", "COLO", "COLOUR", "whi colo", "colour blu", "  colour  "]
    )
    def test_finds_words_by_their_beginnings_in_any_case_and_order(self, store, words):
        store.put(draft("which colour?", "blue"), line())
        store.put(draft("which number?", "seven"), line())

        assert prompts(store.search(words, ALL)) == ["which colour?"]

    @pytest.mark.parametrize(
        "words", ["it\u2019s blue", "tiếng việt", "ΓΛΏΣΣΑ", "цвет", "„quoted“"]
    )
    def test_finds_words_in_any_case_in_any_alphabet(self, store, words):
        store.put(draft("It\u2019s BLUE, TIẾNG Việt, γλώσσα, ЦВЕТ, „Quoted“"), line())
        store.put(draft("another", "seven"), line())

        assert len(store.search(words, ALL)) == 1

    @pytest.mark.parametrize("words", ["colour seven", "colours", "zyzzyva"])
    def test_finds_nothing_where_a_word_is_missing(self, store, words):
        store.put(draft("which colour?", "blue"), line())
        store.put(draft("which number?", "seven"), line())

        assert store.search(words, ALL) == []

    @pytest.mark.parametrize("words", ["olou", "ch col", "?"])
    def test_looks_for_the_text_itself_where_no_word_begins_so(self, store, words):
        store.put(draft("which colour?", "blue"), line())
        store.put(draft("a number", "seven"), line())

        assert prompts(store.search(words, ALL)) == ["which colour?"]

    @pytest.mark.parametrize("words", ["東京", "京の天", "天気", "の"])
    def test_finds_words_in_a_script_without_spaces(self, store, words):
        store.put(draft("今日、東京の天気は。", "晴れ"), line())
        store.put(draft("colour", "青"), line())

        assert prompts(store.search(words, ALL)) == ["今日、東京の天気は。"]

    def test_finds_a_word_without_spaces_wherever_it_stands(self, store):
        store.put(draft("東京の天気", "晴れ"), line())
        store.put(draft("今日の東京", "雨"), line())

        assert {*prompts(store.search("東京", ALL))} == {"東京の天気", "今日の東京"}

    @pytest.mark.parametrize(
        "words",
        [
            '"',
            '""',
            '"quoted words"',
            'a"b',
            "it's",
            "this AND that",
            "this OR that",
            "this NOT that",
            "NOT this",
            "NEAR(this that)",
            "prompt:this",
            "-prompt:this",
            "{prompt answer}:this",
            "zig*",
            "^zig",
            "this+that",
            "*",
            "(",
            ")",
            "{",
            ":",
            ",",
            "\\",
            "50%",
            "_",
            "?1",
            "'; DROP TABLE entry; --",
        ],
    )
    def test_takes_operators_and_quotes_as_text(self, store, words):
        store.put(draft(f"please say {words} again"), line())
        store.put(draft("say this"), line())
        store.put(draft("say that"), line())
        store.put(draft("say a", "words prompt answer"), line())

        assert prompts(store.search(words, ALL)) == [f"please say {words} again"]

    def test_takes_a_nul_as_text(self, store):
        store.put(draft("say a\0b again", "seven"), line())
        store.put(draft("say a", "seven"), line())

        assert prompts(store.search("a\0b", ALL)) == ["say a\0b again"]

    def test_puts_a_match_in_the_prompt_before_one_in_the_answer(self, store):
        store.put(draft("which colour is it?", "seven"), line())
        store.put(draft("which number is it?", "colour"), line())

        assert prompts(store.search("colour", ALL)) == [
            "which colour is it?",
            "which number is it?",
        ]

    @pytest.mark.parametrize("words", ["colour", "ラー"])
    def test_is_narrowed_like_any_selection(self, store, words):
        store.put(draft(f"one {words} カラー"), line())
        store.put(draft(f"two {words} カラー", namespace="work"), line())

        found = store.search(words, Selector(namespace="work"))

        assert prompts(found) == [f"two {words} カラー"]

    @pytest.mark.parametrize("words", ["colour", "ラー"])
    def test_is_limited(self, store, words):
        store.put(draft(f"one {words} カラー"), line())
        store.put(draft(f"two {words} カラー"), line())

        assert len(store.search(words, ALL, limit=1)) == 1


class TestSelect:
    @pytest.fixture(autouse=True)
    def entries(self, store):
        store.put(draft("a", created_at=1000.0), line())
        store.put(draft("b", created_at=2000.0, namespace="work"), line())
        store.put(draft("c", created_at=3000.0, model="n"), line())
        store.put(draft("d", created_at=4000.0, source="import"), line())

    @pytest.mark.parametrize(
        ("selector", "expected"),
        [
            (Selector(), "dcba"),
            (Selector(namespace="work"), "b"),
            (Selector(namespace="wor"), ""),
            (Selector(namespace=""), ""),
            (Selector(namespace="WORK"), ""),
            (Selector(namespace="' OR 1 --"), ""),
            (Selector(model="n"), "c"),
            (Selector(source="import"), "d"),
            (Selector(since=2000.0), "dcb"),
            (Selector(before=2000.0), "a"),
            (Selector(since=2000.0, before=4000.0), "cb"),
            (Selector(namespace="default", model="m", since=1001.0), "d"),
        ],
    )
    def test_yields_what_is_meant_the_newest_first(self, store, selector, expected):
        assert "".join(prompts(store.select(selector))) == expected
        assert store.count(selector) == len(expected)

    @pytest.mark.parametrize(
        ("limit", "expected"), [(0, ""), (2, "dc"), (9, "dcba"), (None, "dcba")]
    )
    def test_yields_no_more_than_asked_for(self, store, limit, expected):
        assert "".join(prompts(store.select(ALL, limit=limit))) == expected

    @pytest.mark.parametrize(
        ("field", "expected"),
        [
            ("prompt", ["a", "b", "c", "d"]),
            ("answer", ["blue"] * 4),
            ("system", [""] * 4),
            ("model", ["m", "m", "n", "m"]),
        ],
    )
    def test_yields_one_field_of_all(self, store, field, expected):
        assert all_texts(store, field, None) == list(enumerate(expected, start=1))

    @pytest.mark.parametrize("field", ["prompt", "answer", "system", "model"])
    def test_yields_one_field_of_a_namespace(self, store, field):
        assert [entry_id for entry_id, _ in all_texts(store, field, "work")] == [2]

    def test_can_be_left_half_read_while_entries_go(self, store):
        rows = store.select(ALL)
        first = next(rows)

        store.delete([first.id])

        assert store.count() == 3


def all_texts(store, field, namespace):
    return [each for part in store.texts(field, namespace) for each in part.texts()]


class TestWhatMayGo:
    def test_is_measured_without_being_deleted(self, store):
        store.put(draft("a", "x" * 100_000), line())
        store.put(draft("b"), line())
        before = store.file.size()

        without = store.removal.size_without([1])

        assert before - without >= 100_000
        assert (store.count(), store.file.size()) == (2, before)


class TestTheIndex:
    def test_that_disagrees_is_found_and_mended(self, store):
        store.put(draft("which colour?"), line())
        store.file.execute("DROP TRIGGER entry_text_update")
        store.file.execute("UPDATE entry SET prompt = 'which number?'")

        damage = store.index_damage()
        store.rebuild_index()

        assert damage is not None
        assert store.index_damage() is None
        assert prompts(store.search("number", ALL)) == ["which number?"]

    def test_that_cannot_be_looked_at_is_not_called_damaged(self, store, db):
        other = apsw.Connection(str(db))
        other.execute("BEGIN EXCLUSIVE")
        store.file._db.set_busy_timeout(1)

        with pytest.raises(CacheFileError, match="another process keeps it locked"):
            store.index_damage()

        other.close()

    def test_that_agrees_is_not_complained_about(self, store):
        store.put(draft(), line())

        assert store.index_damage() is None


class TestADamagedRow:
    @pytest.fixture
    def damaged(self, store):
        """Put something in the place of one entry's column."""
        store.put(draft("one"), line())

        def damage(assignment, value):
            table, _, column = assignment.partition(".")
            store.file.execute(f"UPDATE {table} SET {column} = ? WHERE id = 1", (value,))

        return damage

    @pytest.mark.parametrize("choices", ["{", "7", "[7]", '[{"message": 7}]', "[" * 100_000])
    def test_of_an_entry_is_named_with_what_removes_it(self, store, damaged, choices):
        damaged("entry.choices", choices)

        with pytest.raises(CacheFileError) as caught:
            store.entry(1)

        assert str(caught.value) == "entry 1 is damaged: its choices cannot be read"
        assert caught.value.hint == "llmc rm 1 removes it"
        assert store.delete([1]) == 1

    @pytest.mark.parametrize(
        "frame",
        [
            "{",
            "[]",
            "{}",
            '{"body": {}, "base_url": "", "endpoint": ""}',
            '{"body": {"model": "m"}}',
        ],
    )
    def test_of_a_request_is_named(self, store, damaged, frame):
        damaged("scope.frame", frame)

        with pytest.raises(CacheFileError, match="entry 1 is damaged: its request cannot be read"):
            store.frame(1)

    @pytest.mark.parametrize("usage", ["{", "[]"])
    def test_of_a_usage_is_named(self, store, damaged, usage):
        damaged("entry.usage", usage)

        with pytest.raises(CacheFileError, match="entry 1 is damaged: its usage cannot be read"):
            store.frame(1)


def test_the_ledger_repeats_no_word_of_a_request(store):
    entry_id = store.put(draft("quizzaciously", "quizzaciously", system="quizzaciously"), line())
    store.record(hit_line(entry_id), COMMAND)

    assert "quizz" in repr(store.file.rows("SELECT * FROM entry"))
    assert "quizz" not in repr(store.file.rows("SELECT * FROM ledger"))


@pytest.mark.parametrize("table", ["vector_due", "space", "alias", "invocation", "tally", "ledger"])
def test_an_answer_is_stored_though_a_table_is_missing(store, table):
    store.put(draft("first"), line())
    store.file.execute("PRAGMA foreign_keys = OFF")
    store.file.execute(f"DROP TABLE {table}")
    store.file.execute("PRAGMA foreign_keys = ON")
    vector = Vector("e", 1, struct.pack("<4f", 1, 0, 0, 0))

    store.put(draft("second", vector=vector), line())

    assert {entry.prompt for entry in store.select(Selector())} == {"first", "second"}
    assert store.file.rows(f"SELECT 1 FROM {table} LIMIT 1") in ([], [(1,)])
