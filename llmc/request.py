"""Which request do these flags make? The one builder for every command that takes a question."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmc import config, input, layout
from llmc.errors import InputError
from llmc.types import Request

if TYPE_CHECKING:
    from llmc.config import Settings
    from llmc.input import Reader

__all__ = ["Flags", "request_of", "require_at_most_one"]


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


def request_of(flags: Flags, settings: Settings, reader: Reader) -> Request:
    """Build the request, reading files and standard input through `reader`.

    Raises InputError for what cannot be read or contradicts itself, ConfigError for a provider
    that nobody knows.
    """
    require_at_most_one(
        {"--system": flags.system is not None, "--system-file": flags.system_file is not None}
    )
    require_at_most_one({"-": flags.prompt == "-", "--no-stdin": flags.no_stdin})
    endpoint, model = config.endpoint_of(settings)
    parameters = input.options(flags.option or ())
    typed = {
        "temperature": flags.temperature,
        endpoint.limit_name: flags.max_tokens,
        "response_format": flags.schema,
    }
    for name in parameters.keys() & {name for name, flag in typed.items() if flag is not None}:
        raise InputError(f"{name} is given twice, by -o and by its flag")
    if flags.temperature is not None:
        parameters["temperature"] = flags.temperature
    if flags.max_tokens is not None:
        parameters[endpoint.limit_name] = flags.max_tokens
    if flags.schema is not None:
        parameters["response_format"] = reader.json_schema(flags.schema)
    static = reader.text(flags.system_file) if flags.system_file else flags.system
    files = {path: reader.text(path) for path in flags.file or ()}
    words, document = reader.words_and_document(flags.prompt, stdin=not flags.no_stdin)
    if "tools" in parameters:
        parameters["tools"] = layout.tools(parameters["tools"])
    messages = layout.messages(
        words, system=static, files=files, context=flags.context, document=document
    )
    return Request(
        endpoint.base_url,
        {"model": model, "messages": messages, **parameters},
        provider=endpoint.name,
        instruction_at=layout.instruction_at(words, document),
        static=1 if static or files else 0,
    )


def require_at_most_one(flags: dict[str, bool]) -> None:
    """Raise InputError if more than one of the flags was given."""
    names = [name for name, is_given in flags.items() if is_given]
    if len(names) > 1:
        raise InputError(f"{' and '.join(names)} contradict each other")
