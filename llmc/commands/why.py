"""`llmc why`: what matched a question, or what would have been needed."""

import contextlib
import time
from typing import Annotated

import typer

from llmc import config, output, streams
from llmc import input as given
from llmc.drafting import looked_up
from llmc.errors import CacheFileError
from llmc.options import (
    AskedModel,
    Color,
    Context,
    Db,
    Error,
    File,
    Json,
    KeptApart,
    MaxTokens,
    NoStdin,
    Option,
    Schema,
    System,
    SystemFile,
    Temperature,
    Threshold,
)
from llmc.request import Flags, request_of, require_at_most_one
from llmc.store import Store
from llmc.types import Ask, Hit, Miss
from llmc.why.explanation import explain, told

__all__ = ["command"]


def command(
    prompt: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PROMPT]...", help="The question, as `llmc ask` would be given it."
        ),
    ] = None,
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
    error: Error = None,
    threshold: Threshold = None,
    no_stdin: NoStdin = False,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Explain why the cache answers a question, or why not.

    Takes the question as `ask` does. Of a miss it shows the nearest stored requests and how they
    differ, the nearest questions by meaning, and what barred them. The model is not asked.
    """
    require_at_most_one({"--error": error is not None, "--threshold": threshold is not None})
    flags = {"db": db, "model": model, "namespace": namespace, "error": error}
    settings = config.load(flags | {"threshold": threshold})
    words = " ".join(prompt) if prompt else None
    question = Flags(
        words, system, system_file, file, context, option, temperature, max_tokens, schema,
        no_stdin,
    )  # fmt: skip
    request = request_of(question, settings, given.Reader(command="why"))
    with Store(settings.db, create=False) as store:
        meaning = config.meaning_of(settings, store, note=streams.note)
        ask = Ask(settings.namespace, settings.cache, by_meaning=settings.match != "exact")
        cache = config.cache_of(settings, store, note=streams.note, meaning=lambda: meaning)
        found, bill = cache.lookup(request, ask), list[int | None]()
        report = explain(
            found,
            request,
            ask,
            shelf=store,
            meaning=meaning,
            now=time.time(),
            note=streams.note,
            bill=bill,
        )
        _count(store, found, bill, model=request.model, namespace=ask.namespace)
    output.print_json(report) if json else output.print_text(told(report, settings.match))


def _count(
    store: Store, found: Hit | Miss, bill: list[int | None], *, model: str, namespace: str
) -> None:
    """Put down what embedding cost, though no question was answered."""
    cost, unknown = found.bill
    line = looked_up(
        [cost, *bill, *[None] * unknown], namespace=namespace, model=model, at=time.time()
    )
    if line.embedding_nusd or line.unknown_embedding:
        with contextlib.suppress(CacheFileError):
            store.record(line)
