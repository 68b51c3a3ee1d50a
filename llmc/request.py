"""Which request do these flags make? The one builder for every command that takes a question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmc import config, input, layout
from llmc.errors import InputError
from llmc.types import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmc.config import Settings
    from llmc.input import Reader

__all__ = ["Flags", "Stated", "compose", "request_of", "require_at_most_one", "stated"]


class Flags(NamedTuple):
    """What a question is made of on the command line, as it was typed."""

    prompt: str | None
    system: str | None
    system_file: str | None
    file: list[str] | None
    context: str | None
    option: list[str] | None
    temperature: float | None
    max_tokens: int | None
    schema: str | None
    no_stdin: bool


class Stated(NamedTuple):
    """What stands around a question's words, read and checked; None was not stated.

    `options` are further parameters of the API by their own names.
    """

    system: str | None = None
    files: Mapping[str, str] = {}
    context: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    response_format: dict[str, Any] | None = None
    options: Mapping[str, Any] = {}


def request_of(flags: Flags, settings: Settings, reader: Reader) -> Request:
    """Build the request, reading files and standard input through `reader`.

    Raises InputError for what cannot be read or contradicts itself, ConfigError for a provider
    that nobody knows.
    """
    require_at_most_one({"-": flags.prompt == "-", "--no-stdin": flags.no_stdin})
    around = stated(flags, reader)
    words, document = reader.words_and_document(flags.prompt, stdin=not flags.no_stdin)
    return compose(words, around, settings, document=document)


def stated(flags: Flags, reader: Reader) -> Stated:
    """Read what the flags name, but for the question itself. Raises InputError."""
    require_at_most_one(
        {"--system": flags.system is not None, "--system-file": flags.system_file is not None}
    )
    return Stated(
        options=input.options(flags.option or ()),
        temperature=flags.temperature,
        max_tokens=flags.max_tokens,
        response_format=None if flags.schema is None else reader.json_schema(flags.schema),
        system=reader.text(flags.system_file) if flags.system_file else flags.system,
        files={path: reader.text(path) for path in flags.file or ()},
        context=flags.context,
    )


def compose(
    words: str,
    around: Stated,
    settings: Settings,
    *,
    document: str | None = None,
    model: str | None = None,
    nearer: Stated | None = None,
) -> Request:
    """Build the request of a question's words and what is stated around them.

    What is stated `nearer` to the question counts before that, and a `model` before that of the
    settings. Raises InputError for a parameter stated twice in one place, ConfigError for a
    provider that nobody knows.
    """
    endpoint, name = config.endpoint_of(settings, model)
    parameters = _parameters(around, endpoint.limit_name)
    if nearer is not None:
        parameters |= _parameters(nearer, endpoint.limit_name)
        system, context = nearer.system, nearer.context
        around = around._replace(
            system=around.system if system is None else system,
            context=around.context if context is None else context,
        )
    if "tools" in parameters:
        parameters["tools"] = layout.tools(parameters["tools"])
    messages = layout.messages(
        words, system=around.system, files=around.files, context=around.context, document=document
    )
    return Request(
        endpoint.base_url,
        {"model": name, "messages": messages, **parameters},
        provider=endpoint.name,
        instruction_at=layout.instruction_at(words, document),
        static=1 if around.system or around.files else 0,
    )


def _parameters(around: Stated, limit_name: str) -> dict[str, Any]:
    parameters = dict(around.options)
    for name, value in (
        ("temperature", around.temperature),
        (limit_name, around.max_tokens),
        ("response_format", around.response_format),
    ):
        if value is None:
            continue
        if name in parameters:
            raise InputError(f"{name} is given twice, as an option and by its own name")
        parameters[name] = value
    return parameters


def require_at_most_one(flags: dict[str, bool]) -> None:
    """Raise InputError if more than one of the flags was given."""
    names = [name for name, is_given in flags.items() if is_given]
    if len(names) > 1:
        raise InputError(f"{' and '.join(names)} contradict each other")
