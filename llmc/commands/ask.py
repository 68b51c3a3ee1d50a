"""`llmc ask`: answer one question, from the cache or from the model."""

# No `from __future__ import annotations` in commands: Typer would evaluate each text four times.
import time
from typing import Annotated, Any

import typer

from llmc import aside, config, output, streams
from llmc import input as given
from llmc.cache import Cache
from llmc.errors import InputError, LlmcError, ProviderError
from llmc.options import (
    AskedModel,
    Color,
    Context,
    Db,
    Error,
    Exact,
    File,
    KeptApart,
    Match,
    MaxTokens,
    NoCache,
    NoStdin,
    Offline,
    Option,
    Quiet,
    Refresh,
    Retries,
    Schema,
    System,
    SystemFile,
    Temperature,
    Threshold,
    Timeout,
    Ttl,
    at_least,
    duration,
)
from llmc.request import Flags, request_of, require_at_most_one
from llmc.types import Ask, Hit, Invocation, Request

__all__ = ["command"]


def _not_offered(param: typer.CallbackParam, value: Any) -> Any:
    if value:
        raise InputError(f"{param.opts[-1]} ({param.opts[0]}) is not offered yet")
    return value


def command(
    ctx: typer.Context,
    prompt: Annotated[
        str | None,
        typer.Argument(metavar="[PROMPT]", help="The question; `-` reads it from stdin."),
    ] = None,
    model: AskedModel = None,
    system: System = None,
    system_file: SystemFile = None,
    file: File = None,
    context: Context = None,
    option: Option = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    timeout: Timeout = None,
    retries: Retries = None,
    schema: Schema = None,
    extract: Annotated[
        bool,
        typer.Option(
            "--extract", "-x", help="Print the first fenced block alone.", rich_help_panel="Output"
        ),
    ] = False,
    namespace: KeptApart = None,
    ttl: Ttl = None,
    match: Match = None,
    exact: Exact = False,
    error: Error = None,
    threshold: Threshold = None,
    refresh: Refresh = False,
    no_cache: NoCache = False,
    offline: Offline = False,
    stale_if_error: Annotated[
        str | None,
        typer.Option(
            "--stale-if-error",
            metavar="TIME",
            help="If the provider fails, an answer expired no longer ago than this will do.",
            rich_help_panel="Cache",
        ),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            metavar="N",
            callback=at_least(1),
            help="Remember N answers; give one of them.",
            rich_help_panel="Cache",
        ),
    ] = None,
    index: Annotated[
        int | None,
        typer.Option(
            "--index",
            metavar="I",
            callback=at_least(1),
            help="Which sample: 1 to N.",
            rich_help_panel="Cache",
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object.", rich_help_panel="Output")
    ] = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Show tokens as they arrive (on a terminal).",
            rich_help_panel="Output",
        ),
    ] = None,
    no_stdin: NoStdin = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the request, its key and what would answer.",
            rich_help_panel="Output",
        ),
    ] = False,
    quiet: Quiet = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say more on stderr.", rich_help_panel="Output")
    ] = False,
    _continue: Annotated[
        bool, typer.Option("--continue", "-c", hidden=True, callback=_not_offered)
    ] = False,
    _attachment: Annotated[
        list[str] | None, typer.Option("--attachment", "-a", hidden=True, callback=_not_offered)
    ] = None,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (the command line reads it)
) -> None:
    """Ask a model, or the cache if it knows the answer.

    The answer goes to standard output; where it came from, to standard error. Piped text is the
    document and PROMPT the instruction; without PROMPT the piped text is the question.
    """
    require_at_most_one({"--refresh": refresh, "--no-cache": no_cache, "--offline": offline})
    require_at_most_one({"--exact": exact, "--match": match is not None})
    require_at_most_one({"--error": error is not None, "--threshold": threshold is not None})
    if index is not None and (sample is None or index > sample):
        raise InputError("--index names one of --sample N: 1 to N")
    flags = {
        "db": db, "model": model, "namespace": namespace, "ttl": ttl, "timeout": timeout,
        "match": "exact" if exact else match, "error": error, "threshold": threshold,
        "retries": retries,
    }  # fmt: skip
    streams.require_stdout()
    settings = config.load(flags)
    reader = given.Reader(quiet=quiet)
    question = Flags(
        prompt, system, system_file, file, context, option, temperature, max_tokens, schema,
        no_stdin,
    )  # fmt: skip
    request = request_of(question, settings, reader)
    terminal = streams.is_terminal(1)
    typed = prompt not in {None, "-"}  # what is piped in may be anything
    ask = Ask(
        namespace=settings.namespace,
        mode=settings.cache,
        ttl=settings.ttl,
        refresh=refresh,
        no_cache=no_cache,
        offline=offline,
        stale_if_error=duration("--stale-if-error", stale_if_error),
        samples=sample,
        sample=index,
        stream=not (json or extract or "tools" in request.body)
        and (terminal if stream is None else stream),
        asked_at=streams.STARTED,
        by_meaning=settings.match == "semantic"
        or (settings.match == "auto" and terminal and typed),
    )
    plain = not (json or extract or verbose or sample or refresh)
    screen = output.Screen(quiet=quiet)
    create = not (dry_run or offline)
    with config.open_cache(settings, note=screen.note, create=create, must_work=offline) as cache:
        if dry_run:
            from llmc import planning

            plan = planning.of_question(request, cache, ask, settings, now=time.time())
            output.print_json(plan) if json else output.print_text(planning.told(plan))
            return
        hit = _ask(cache, request, ask, screen)
        answer = output.answer_text(hit.entry)
        answer = output.extract(answer) if extract else answer
        if json:
            output.print_json(output.as_json(hit, answer=answer, now=time.time()))
        elif answer:
            if ask.stream and hit.source == "model":
                screen.end()  # it is out already; its newline says that it is kept
            else:
                output.print_answer(answer)
        if not quiet:
            streams.note(output.answered(hit, now=time.time(), verbose=verbose))
        cache.record(hit, _invocation(ctx.obj, reader, quiet=quiet) if plain else None)
        audited = cache.is_due(hit, ask, share=settings.audit)
    if audited:
        aside.start(lambda: _audit(settings, request, ask, hit))
    if hit.failure is not None:
        raise ProviderError(hit.failure)


def _audit(settings: config.Settings, request: Request, ask: Ask, hit: Hit) -> None:
    """Audit a hit, in a process that nobody waits for."""
    with config.open_cache(settings, note=lambda _: None, create=False) as cache:
        cache.audit(request, ask, hit)


def _ask(cache: Cache, request: Request, ask: Ask, screen: output.Screen) -> Hit:
    """Ask, showing a streamed answer as it arrives; one that breaks off still ends its line."""
    try:
        return cache.ask(request, ask, on_text=screen.show)
    except LlmcError:
        screen.end()
        raise


def _invocation(digest: bytes | None, reader: given.Reader, *, quiet: bool) -> Invocation | None:
    inputs = reader.digest()
    if digest is None or inputs is None:
        return None
    return Invocation(digest, inputs, reader.stdin, tuple(reader.files), quiet)
