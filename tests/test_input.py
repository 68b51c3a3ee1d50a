from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmc import input as given_input
from llmc import invocation, streams
from llmc.errors import InputError

enough = settings(max_examples=200)


@pytest.fixture
def reader(monkeypatch):
    """A reader in a process that has read nothing yet; standard input is /dev/null."""
    monkeypatch.setattr(streams, "_taken", None)
    saved = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    yield given_input.Reader(quiet=True)
    os.dup2(saved, 0)
    os.close(saved)
    os.close(null)


@pytest.fixture
def piped(reader):
    """Put bytes on standard input, as a regular file at its beginning."""
    with tempfile.TemporaryFile() as file:

        def pipe(content):
            file.write(content)
            file.seek(0)
            os.dup2(file.fileno(), 0)

        yield pipe


@pytest.fixture
def written(tmp_path):
    """Write a file and return its path."""

    def write(content, name="a.txt"):
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write


def test_a_prompt_alone_is_the_words(reader):
    assert reader.words_and_document("why?", stdin=True) == ("why?", None)


def test_a_prompt_is_taken_as_it_was_typed(reader):
    assert reader.words_and_document("  why?\n", stdin=True) == ("  why?\n", None)


def test_piped_text_alone_is_a_document_without_words(reader, piped):
    piped(b"why?\n")

    assert reader.words_and_document(None, stdin=True) == ("", "why?")


def test_of_both_the_argument_is_the_instruction_and_the_piped_text_the_document(reader, piped):
    piped(b"one\ntwo\n")

    assert reader.words_and_document("summarise", stdin=True) == ("summarise", "one\ntwo")


def test_a_dash_reads_standard_input(reader, piped):
    piped(b"why?\n")

    assert reader.words_and_document("-", stdin=True) == ("", "why?")


def test_a_blank_prompt_leaves_the_piped_text_alone(reader, piped):
    piped(b"why?\n")

    assert reader.words_and_document(" ", stdin=True) == ("", "why?")


@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n"])
def test_an_empty_pipe_is_no_document(reader, piped, content):
    piped(content)

    assert reader.words_and_document("why?", stdin=True) == ("why?", None)


def test_standard_input_is_left_alone_if_so_asked(reader, piped):
    piped(b"not ours")

    assert reader.words_and_document("why?", stdin=False) == ("why?", None)
    assert not reader.stdin
    assert os.read(0, 100) == b"not ours"


def test_the_rest_of_a_loop_s_file_is_left_alone(reader, piped):
    piped(b"first\nsecond\n")
    os.lseek(0, 6, os.SEEK_SET)

    assert reader.words_and_document("first", stdin=True) == ("first", None)
    assert os.read(0, 100) == b"second\n"


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (None, "no prompt: give one, or pipe it in"),
        ("", "the prompt is empty"),
        (" \n", "the prompt is empty"),
        ("-", "standard input is empty"),
    ],
)
def test_a_question_without_words_is_refused(reader, prompt, message):
    with pytest.raises(InputError) as refused:
        reader.words_and_document(prompt, stdin=True)

    assert str(refused.value) == message
    assert "llmc ask" in refused.value.hint


@pytest.mark.parametrize("prompt", [None, "-", ""])
@pytest.mark.parametrize("content", [b"", b"\n", b"  \n\t\n"])
def test_a_blank_pipe_is_no_question(reader, piped, prompt, content):
    piped(content)

    with pytest.raises(InputError, match=r"empty|no prompt"):
        reader.words_and_document(prompt, stdin=True)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"plain", "plain"),
        (b"", ""),
        (b"two\nlines\n", "two\nlines\n"),
        (b"\r\n", "\r\n"),
        (b"\xef\xbb\xbfwith a mark", "with a mark"),
        ("größer 日本".encode(), "größer 日本"),
    ],
)
def test_a_file_is_read_as_it_is(reader, written, content, text):
    assert reader.text(written(content)) == text


def test_piped_text_is_freed_of_its_byte_order_mark(reader, piped):
    piped(b"\xef\xbb\xbfwhy?")

    assert reader.words_and_document(None, stdin=True) == ("", "why?")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"caf\xe9", "is not UTF-8 (byte 0xe9 at offset 3)"),
        (b"\xff\xfea\0", "is not UTF-8 (byte 0xff at offset 0)"),
        (b"a\0b", "is no text (a NUL byte at offset 1)"),
        ("é\0".encode(), "is no text (a NUL byte at offset 2)"),
        (b"\xef\xbb\xbf\xff", "is not UTF-8 (byte 0xff at offset 3)"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(reader, piped, written, content, message):
    path = written(content)
    piped(content)

    with pytest.raises(InputError) as of_file:
        reader.text(path)
    with pytest.raises(InputError) as of_stdin:
        reader.words_and_document(None, stdin=True)

    assert str(of_file.value) == f"{path} {message}"
    assert str(of_stdin.value) == f"standard input {message}"


def test_what_is_too_large_is_refused(reader, piped, written, monkeypatch):
    monkeypatch.setattr(streams, "LIMIT", 5_000_000)
    path = written(b"x" * 5_000_001)
    piped(b"x" * 5_000_001)

    with pytest.raises(InputError, match=r"a\.txt is larger than 5 MB"):
        reader.text(path)
    with pytest.raises(InputError, match="standard input is larger than 5 MB"):
        reader.words_and_document(None, stdin=True)


def test_what_is_just_not_too_large_is_read(reader, written, monkeypatch):
    monkeypatch.setattr(streams, "LIMIT", 5)

    assert reader.text(written(b"12345")) == "12345"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.txt", "missing.txt: no such file or directory"),
        (".", ".: is a directory"),
        ("a\0b", "a\0b: embedded null byte"),
        ("", ": no such file or directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(reader, path, message):
    with pytest.raises(InputError) as refused:
        reader.text(path)

    assert str(refused.value) == message


def test_a_reader_remembers_what_it_read_in_order(reader, piped, written):
    paths = [written(b"B", "b"), written(b"A", "a")]
    piped(b"D\n")

    for_words = reader.words_and_document("q", stdin=True)
    texts = [reader.text(path) for path in paths]

    assert (for_words, texts) == (("q", "D"), ["B", "A"])
    assert reader.stdin
    assert reader.files == paths
    assert reader.digest() == invocation.digest_of_inputs(b"D\n", [b"B", b"A"])


def test_what_can_be_read_only_once_has_no_digest(reader, written):
    ours, theirs = os.pipe()
    os.write(theirs, b"B")
    os.close(theirs)

    texts = [reader.text(written(b"A")), reader.text(f"/dev/fd/{ours}")]

    os.close(ours)
    assert texts == ["A", "B"]
    assert reader.digest() is None


def test_a_reader_that_read_nothing_says_so(reader):
    assert not reader.stdin
    assert reader.files == []
    assert reader.digest() == invocation.digest_of_inputs(None, [])


def test_a_file_that_cannot_be_read_is_not_remembered(reader):
    with pytest.raises(InputError):
        reader.text("missing.txt")

    assert reader.files == []


SCHEMA = b'{"type": "object"}'
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}


@pytest.mark.parametrize("text", ['{"type": "object"}', ' \n{"type": "object"}'])
def test_a_schema_may_be_typed(reader, text):
    assert reader.json_schema(text) == FORMAT


def test_a_schema_may_stand_in_a_file(reader, written):
    assert reader.json_schema(written(SCHEMA, "answer.json")) == FORMAT
    assert len(reader.files) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "--schema: it is not JSON: "),
        ('{"a": NaN}', "--schema: NaN is not JSON"),
        ('{"a": 1e999}', "--schema: "),
        ('{"a": "\\ud800"}', "--schema: "),
        ('{"a": ' + "[" * 20_000, "--schema: "),
    ],
    ids=["cut off", "NaN", "too large a number", "half a surrogate pair", "too deep"],
)
def test_a_typed_schema_that_is_not_json_is_refused(reader, text, message):
    with pytest.raises(InputError) as refused:
        reader.json_schema(text)

    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("content", [b"", b"[", b"{]", b"'a'", b"[" * 20_000])
def test_a_schema_file_that_is_not_json_is_refused_by_its_name(reader, written, content):
    with pytest.raises(InputError, match=r"answer\.json: "):
        reader.json_schema(written(content, "answer.json"))


@pytest.mark.parametrize("content", [b"[]", b"1", b'"text"', b"null", b"true"])
def test_a_schema_that_is_no_object_is_refused(reader, written, content):
    with pytest.raises(InputError, match=r"answer\.json: a JSON schema is an object"):
        reader.json_schema(written(content, "answer.json"))


def test_a_schema_file_that_is_missing_is_named(reader):
    with pytest.raises(InputError, match=r"answer\.json: no such file or directory"):
        reader.json_schema("answer.json")


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("x=1", 1),
        ("x=0.5", 0.5),
        ("x=-1", -1),
        ("x=true", True),
        ("x=null", None),
        ('x="1"', "1"),
        ("x=low", "low"),
        ("x=", ""),
        ("x=a=b", "a=b"),
        ('x=["\\n", "END"]', ["\n", "END"]),
        ('x={"a": 1}', {"a": 1}),
        ("x= 1", 1),
        ("x=NaN", "NaN"),
        ("x=Infinity", "Infinity"),
        ("x={broken", "{broken"),
        ("x=1_000", "1_000"),
        ("x=日本", "日本"),
    ],
)
def test_an_option_is_json_where_it_is_json_else_text(pair, value):
    options = given_input.options([pair])

    assert options == {"x": value}
    assert type(options["x"]) is type(value)


def test_options_keep_their_order_and_the_last_one_counts():
    options = given_input.options(["b=1", "a=2", "b=3"])

    assert list(options.items()) == [("b", 3), ("a", 2)]


def test_no_options_are_none():
    assert given_input.options([]) == {}


@pytest.mark.parametrize("pair", ["x", "", "=1", " =1"])
def test_an_option_without_a_name_or_value_is_refused(pair):
    with pytest.raises(InputError) as refused:
        given_input.options([pair])

    assert str(refused.value) == f"-o {pair}: write it as name=value"


@pytest.mark.parametrize(
    ("pair", "advice"),
    [
        ("model=m", "use -m"),
        ("messages=[]", "give the prompt as an argument, or pipe it in"),
        ("stream=true", "use --stream or --no-stream"),
        ("stream_options={}", "llmc sets it by itself"),
        ("model =m", "use -m"),
    ],
)
def test_an_option_that_has_its_own_way_is_refused_with_it(pair, advice):
    with pytest.raises(InputError, match=advice):
        given_input.options([pair])


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param("x=1e999", id="no finite number"),
        pytest.param("x=[-1e999]", id="no finite number inside"),
        pytest.param('x="\\ud800"', id="half a surrogate pair"),
        pytest.param('x={"\\udfff": 1}', id="half a surrogate pair as a name"),
        pytest.param("x=" + "[" * 20_000, id="too deep"),
    ],
)
def test_an_option_that_cannot_be_sent_is_refused(pair):
    with pytest.raises(InputError):
        given_input.options([pair])


@enough
@given(st.text(), st.text())
def test_any_option_is_read_or_refused(name, value):
    try:
        options = given_input.options([f"{name}={value}"])
    except InputError as error:
        options = str(error)

    assert isinstance(options, str) or len(options) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("caf\udce9",),
        ("-o", "x=caf\udce9", "q"),
        ("-o", "caf\udce9=1", "q"),
        ("-s", "caf\udce9", "q"),
        ("--context", "caf\udce9", "q"),
        ("-m", "caf\udce9", "q"),
        ("-n", "caf\udce9", "q"),
        ("-f", "caf\udce9", "q"),
        ("--temperature", "nan", "q"),
        ("--temperature", "inf", "q"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]).encode("ascii", "replace").decode(),
)
def test_a_flag_that_cannot_be_sent_is_a_usage_error(cli, upstream, home, arguments):
    (home / "caf\udce9").write_text("menu")

    result = cli("ask", *arguments)

    assert result.code == 2
    assert "unexpected" not in result.err
    assert upstream.calls == []


def test_a_dash_is_no_file_and_the_hint_says_what_it_may_be(reader):
    with pytest.raises(InputError, match="standard input is the question") as refused:
        reader.text("-")

    assert refused.value.hint == "/dev/stdin names it as a file"
