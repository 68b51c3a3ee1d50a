"""`llmc batch`: answer every question of a file, from the cache or from the model."""

import time
from collections.abc import Iterator
from typing import Annotated

import typer

from llmc import config, output, planning, streams
from llmc import input as given
from llmc.batch import batchfile, outcomes
from llmc.batch.batchfile import Row
from llmc.batch.batching import Batch, Done
from llmc.batch.budget import Budget
from llmc.cache import Cache
from llmc.options import (
    AskedModel,
    Color,
    Db,
    File,
    KeptApart,
    Match,
    MaxTokens,
    NoCache,
    Offline,
    Option,
    Quiet,
    Refresh,
    Retries,
    Schema,
    System,
    SystemFile,
    Temperature,
    Timeout,
    Ttl,
    at_least,
)
from llmc.progress import Progress
from llmc.request import Flags, require_at_most_one, stated
from llmc.types import Ask, Hit

__all__ = ["command"]


def command(
    path: Annotated[
        str, typer.Argument(metavar="FILE", help="JSON lines, one question each; `-` is stdin.")
    ],
    model: AskedModel = None,
    system: System = None,
    system_file: SystemFile = None,
    file: File = None,
    option: Option = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    schema: Schema = None,
    namespace: KeptApart = None,
    ttl: Ttl = None,
    match: Match = None,
    refresh: Refresh = False,
    no_cache: NoCache = False,
    offline: Offline = False,
    timeout: Timeout = None,
    retries: Retries = None,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs",
            "-j",
            metavar="N",
            callback=at_least(1),
            rich_help_panel="Provider",
            help="Ask so many at once.",
        ),
    ] = 8,
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost",
            metavar="USD",
            callback=at_least(0),
            rich_help_panel="Provider",
            help="Stop before more is spent.",
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be asked.", rich_help_panel="Output")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the plan as JSON.", rich_help_panel="Output")
    ] = False,
    quiet: Quiet = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (the command line reads it)
) -> None:
    """Answer every question of a file, each but once.

    A line is {"prompt": "…"}, with custom_id, document, system, context, model, temperature,
    max_tokens, schema or options, or a request in OpenAI's form for batches; a line of JSON comes
    out for each. What is stored is not asked again: the same command goes on where it was stopped.
    """
    require_at_most_one({"--refresh": refresh, "--no-cache": no_cache, "--offline": offline})
    streams.require_stdout()
    settings = config.load({
        "db": db, "model": model, "namespace": namespace, "ttl": ttl, "match": match,
        "timeout": timeout, "retries": retries,
    })  # fmt: skip
    config.endpoint_of(settings)  # a provider that nobody knows is not each line's own fault
    question = Flags(
        None, system, system_file, file, None, option, temperature, max_tokens, schema, True
    )
    around = stated(question, given.Reader(quiet=quiet))
    ask = Ask(
        settings.namespace, settings.cache, settings.ttl, refresh, no_cache, offline,
        by_meaning=settings.match == "semantic",
    )  # fmt: skip
    # Where the answers themselves appear on the terminal, they say how far it is.
    shown = streams.is_terminal(2) and not streams.is_terminal(1) and not quiet
    progress = Progress(shown=shown, quiet=quiet)
    only_look = offline or plan
    with (
        given.Lines(path) as lines,
        config.open_cache(
            settings, note=progress.note, create=not only_look, must_work=only_look, stays=True
        ) as cache,
    ):
        if plan:
            rows = batchfile.rows(lines.read(), around, settings)
            found = planning.plan(rows, cache, ask, fault=_complain)
            output.print_json(found) if json else output.print_text(outcomes.planned(found))
            code = int(found["faulty"] > 0)
        else:
            limit = None if max_cost is None else round(max_cost * 1e9)
            budget = Budget(limit, cache.estimate)
            with Batch(cache, ask, jobs=jobs, budget=budget, note=progress.note) as batch:
                rows = batchfile.rows(lines.read(wake=batch.wake), around, settings)
                code = _run(batch.run(rows), cache, lines.size, progress, quiet=quiet)
    if code:
        raise typer.Exit(code)


def _run(
    told: Iterator[Done], cache: Cache, size: int | None, progress: Progress, *, quiet: bool
) -> int:
    """Print what comes of each row, and in the end what came of all; return the exit code."""
    sums = outcomes.Sums()
    try:
        for done in told:
            output.print_json(outcomes.line_of(done, now=time.time()))
            if isinstance(done.result, Hit):
                cache.record(done.result)
            sums.add(done)
            if error := outcomes.failure(done):
                progress.say(outcomes.complaint(done.row, str(error)), mark="error: ")
            progress.draw(sums.told, share=sums.bytes / size if size else None)
    finally:
        progress.clear()
        if not quiet:
            streams.note(sums.told())
    return sums.exit_code


def _complain(row: Row) -> None:
    streams.note(outcomes.complaint(row, str(row.fault)), mark="error: ")
