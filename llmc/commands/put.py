"""`llmc put`: an answer that is known already is stored."""

from typing import Annotated

import typer

from llmc import config, output, streams
from llmc import input as given
from llmc.errors import CacheFileError, InputError, LlmcError
from llmc.options import (
    AskedModel,
    Color,
    Context,
    Db,
    File,
    Json,
    KeptApart,
    MaxTokens,
    Option,
    Schema,
    System,
    SystemFile,
    Temperature,
    Ttl,
)
from llmc.request import Flags, request_of
from llmc.store import Store
from llmc.types import Answer, Ask, Hit, Miss

__all__ = ["command"]


def command(
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT", help="The question, as `llmc ask` is given it.")
    ],
    model: AskedModel = None,
    system: System = None,
    system_file: SystemFile = None,
    file: File = None,
    context: Context = None,
    option: Option = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    schema: Schema = None,
    namespace: KeptApart = None,
    ttl: Ttl = None,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Store a known answer, read from standard input.

    `llmc ask` with the same words and flags then gives it, whatever was stored before. Its text is
    kept as it stands, less one final newline. Prints the entry's id.
    """
    if prompt == "-":
        raise InputError("standard input holds the answer: give the prompt as an argument")
    settings = config.load({"db": db, "model": model, "namespace": namespace, "ttl": ttl})
    # Not quiet, it would offer --no-stdin for a pipe that is silent.
    reader = given.Reader(quiet=True, command="put")
    question = Flags(
        prompt, system, system_file, file, context, option, temperature, max_tokens, schema,
        no_stdin=True,
    )  # fmt: skip
    request = request_of(question, settings, reader)
    if streams.is_terminal(0):
        streams.note("type the answer; Ctrl-D ends it")
    ask = Ask(settings.namespace, settings.cache, ttl=settings.ttl, refresh=True)
    # Nothing was sampled: where none is stated it is as good as a temperature of 0.
    stated = request.body.get("temperature", 0)
    answer = Answer(reader.answer(), "stop", temperature=stated, source="put")
    notes: list[str] = []
    with Store(settings.db, limits=settings.limits) as store:
        cache = config.cache_of(settings, store, note=notes.append)
        found = cache.lookup(request, ask)
        hit = cache.put(found, answer, ask) if isinstance(found, Miss) else found
        entry = None if hit.entry.id is None else store.entry(hit.entry.id)
    if entry is None:
        raise _unkept(hit)
    for line in notes:
        streams.note(line)
    output.print_json(output.entry_json(entry)) if json else output.print_text(f"{entry.id}\n")


def _unkept(hit: Hit) -> LlmcError:
    """Say why an answer was not stored: the file's fault, or what was asked for."""
    reason = hit.unkept or "it is gone again"
    if hit.file_failed:
        return CacheFileError(reason)
    return LlmcError(f"not stored: {reason}")
