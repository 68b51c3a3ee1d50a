"""What does a line of a batch file ask? Lines of two forms: llmc's own, and OpenAI's for batches.

A line that asks nothing becomes a row with its fault; nothing is looked up here.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc import config, input, prefixes, streams
from llmc.dialects import embeddings, responses
from llmc.errors import InputError, LlmcError
from llmc.request import Stated, compose
from llmc.types import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llmc.config import Settings

__all__ = ["FIELDS", "Row", "rows"]

#: The fields of OpenAI's form: https://platform.openai.com/docs/guides/batch.
_OPENAI = ("custom_id", "method", "url", "body")
_URLS = {
    "/v1/chat/completions": "chat/completions",
    "/v1/responses": "responses",
    "/v1/embeddings": "embeddings",
}


class Row(NamedTuple):
    """One line of a batch file: what it asks, or its `fault`.

    `number` counts the lines from 1, `size` its bytes; `openai` tells in which form it was, a line
    that is neither in that of the line before. `encoding` is how an embedding's numbers are wanted.
    """

    number: int
    size: int
    openai: bool
    custom_id: str | int | None = None
    request: Request | None = None
    fault: str | None = None
    encoding: str = "float"


def rows(lines: Iterable[bytes | None], around: Stated, settings: Settings) -> Iterator[Row | None]:
    """Read lines into rows; empty lines are passed over, and None is passed on.

    What is stated `around` each question counts where a line of our own form does not say
    otherwise. Raises InputError for a line of OpenAI's form if anything is: it is a whole request.
    """
    openai = False
    for number, raw in _numbered(lines):
        if raw is None:
            yield None
            continue
        fault = fields = None
        try:
            fields = _fields(raw, first=number == 1)
        except ValueError as error:
            fault = str(error)
        if fault is None and fields is None:
            continue
        openai = openai if fields is None else not fields.keys().isdisjoint(_OPENAI[1:])
        if openai and fields is not None and around != Stated():
            raise InputError(
                f"line {number:,} is in OpenAI's form, a whole request: the flags that add to a"
                " question have no place in it"
            )
        row = Row(number, len(raw), openai, fault=fault)
        yield row if fields is None else _filled(row, fields, around, settings)


def _numbered(lines: Iterable[bytes | None]) -> Iterator[tuple[int, bytes | None]]:
    number = 0
    for raw in lines:
        number += raw is not None
        yield number, raw


def _fields(raw: bytes, *, first: bool) -> dict[str, Any] | None:
    """Read a line's object, None if it is empty. Raises ValueError with what is wrong."""
    if len(raw) > streams.LIMIT:
        raise ValueError(f"it is longer than {streams.LIMIT // 1_000_000} MB")
    try:
        text = raw.decode("utf-8-sig" if first else "utf-8").strip()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"it is not UTF-8 (byte 0x{raw[error.start]:02x} at offset {error.start})"
        ) from None
    if not text:
        return None
    try:
        fields = input.parsed(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg.lower()} (column {error.colno})") from None
    if not isinstance(fields, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004  (what a line holds is a value)
    return fields


def _filled(row: Row, fields: dict[str, Any], around: Stated, settings: Settings) -> Row:
    """Add to a row what its fields ask, or what is wrong with them."""
    custom_id = fields.get("custom_id")
    if _is_id(custom_id):
        row = row._replace(custom_id=custom_id)
    try:
        if row.openai:
            return _from_openai(row, fields, settings)
        return row._replace(request=_from_ours(fields, around, settings))
    except LlmcError as error:
        hint = "" if error.hint is None else f" ({error.hint})"
        return row._replace(fault=f"{error}{hint}")


def _from_ours(fields: dict[str, Any], around: Stated, settings: Settings) -> Request:
    _refuse_unknown(fields, FIELDS)
    told = {name: value for name, value in fields.items() if value is not None}
    for name, value in told.items():
        is_fit, what = FIELDS[name]
        if not is_fit(value):
            raise InputError(f"'{name}' is not {what}")
    if "prompt" not in told:
        raise InputError("it has no 'prompt'")
    options = told.get("options", {})
    if taken := options.keys() & input.RESERVED.keys():
        raise InputError(f"'options' may not hold '{min(taken)}'")
    schema = told.get("schema")
    nearer = Stated(
        system=told.get("system"),
        context=told.get("context"),
        temperature=told.get("temperature"),
        max_tokens=told.get("max_tokens"),
        response_format=None if schema is None else input.response_format(schema),
        options=options,
    )
    return compose(
        told["prompt"],
        around,
        settings,
        document=told.get("document"),
        model=told.get("model"),
        nearer=nearer,
    )


def _from_openai(row: Row, fields: dict[str, Any], settings: Settings) -> Row:
    _refuse_unknown(fields, _OPENAI)
    if fields.get("method") != "POST":
        raise InputError("'method' is not POST")
    kind = _URLS.get(str(fields.get("url")))
    if kind is None:
        raise InputError(f"'url' is none of {', '.join(_URLS)}")
    body = fields.get("body")
    if not isinstance(body, dict):
        raise InputError("'body' is not an object")
    if body.get("stream"):
        raise InputError("'stream' has no place in a batch")
    model = body.get("model")
    if model is not None and not _is_text(model):
        raise InputError("'model' is not a text")
    endpoint, name = config.endpoint_of(settings, model)
    asked = Request(endpoint.base_url, {**body, "model": name}, kind, provider=endpoint.name)
    match kind:
        case "responses":
            if not responses.is_understood(asked.body):
                raise InputError("'body' has no 'input', or asks for what the provider itself does")
        case "embeddings":
            if not embeddings.is_understood(asked.body):
                raise InputError("'body' has no 'input'")
            # How the numbers are written is no part of the question, nor is a list of one.
            texts = embeddings.texts_of(body)
            row = row._replace(encoding=body.get("encoding_format", "float"))
            alone = texts[0] if len(texts) == 1 else texts
            asked = asked._replace(body=embeddings.body_of(asked.body, alone))
        case _:
            messages = body.get("messages")
            if not isinstance(messages, list) or not messages or not all(map(_is_object, messages)):
                raise InputError("'body' has no 'messages'")
            # Whoever makes a batch of it does so for many questions on the same instructions.
            asked = asked._replace(static=prefixes.instructions(messages))
    return row._replace(request=asked)


def _refuse_unknown(fields: dict[str, Any], known: Iterable[str]) -> None:
    for name in fields.keys() - set(known):
        import difflib

        near = difflib.get_close_matches("custom_id" if name == "id" else name, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
        raise InputError(f"unknown field '{name}'", hint=hint)


def _is_id(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def _is_string(value: object) -> bool:
    return isinstance(value, str)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_temperature(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _is_limit(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 2**53


#: The fields of a line in llmc's own form: what each may be, tested and told.
FIELDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "custom_id": (_is_id, "a text or a whole number"),
    "prompt": (_is_text, "a text that says something"),
    "document": (_is_string, "a text"),
    "system": (_is_string, "a text"),
    "context": (_is_string, "a text"),
    "model": (_is_text, "a model's name"),
    "temperature": (_is_temperature, "a number from 0 up"),
    "max_tokens": (_is_limit, "a whole number from 1 up"),
    "schema": (_is_object, "a JSON schema, an object"),
    "options": (_is_object, "an object"),
}
