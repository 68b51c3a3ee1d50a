"""`llmc run`: any program, with its model calls answered from the cache."""

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmc import child, config, keys, streams, text
from llmc.errors import LlmcError
from llmc.options import Color, Db, KeptApart, ProviderName, Quiet, Ttl
from llmc.proxy import listening, wiring
from llmc.types import Ask, Request
from llmc.why.explanation import explain

if TYPE_CHECKING:
    from llmc.store import Store

__all__ = ["CONTEXT", "command"]

#: What stands behind the program's name is the program's.
CONTEXT = {"allow_interspersed_args": False}

#: As many questions that the cache could not answer are told at the end.
_TOLD = 20


def command(
    words: Annotated[
        list[str], typer.Argument(metavar="COMMAND...", help="The program and its arguments.")
    ],
    provider: ProviderName = None,
    namespace: KeptApart = None,
    ttl: Ttl = None,
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Answer from the cache alone; the rest is an error.",
            rich_help_panel="Cache",
        ),
    ] = False,
    frozen: Annotated[
        bool,
        typer.Option("--frozen", help="Do not write to the cache file.", rich_help_panel="Cache"),
    ] = False,
    quiet: Quiet = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (the command line reads it)
) -> None:
    """Run a program with its model calls answered from the cache.

    It finds a private proxy in OPENAI_BASE_URL, and a one-time token in the place of your key. Its
    exit code becomes this command's; a line at the end says what was saved.
    """
    settings = config.load({"db": db, "namespace": namespace, "ttl": ttl})
    note: Callable[[str], None] = (lambda _: None) if quiet else streams.note
    opened = wiring.opener(
        settings, note=note, create=not offline, must_work=offline or frozen, frozen=frozen
    )
    token, missed = secrets.token_urlsafe(24), list[Request]()
    endpoint = wiring.provider_of(settings, provider)
    wired = wiring.wire(
        settings,
        opened,
        endpoint=endpoint,
        tokens={token: ""},
        host="127.0.0.1",
        offline=offline,
        note=note,
        on_missed=missed.append,
    )
    try:
        with listening.Background(wired.app, listening.bound("127.0.0.1", 0)) as url:
            environ = child.environ_for(
                settings.environ, url=url, token=token, key_env=endpoint.key_env
            )
            code = child.run(words, environ)
    finally:
        wired.desk.close()
        if db is not None and not frozen:
            wiring.fold(settings)
    note(wired.tally.told())
    if missed and not quiet:
        _tell(missed, settings, opened)
    if code < 0:
        streams.die_by(-code)
    raise typer.Exit(code)


def _tell(
    missed: list[Request], settings: config.Settings, opened: Callable[[], "Store | None"]
) -> None:
    """List the questions that were not in the cache, each with the stored one that is nearest."""
    store = opened()
    asked = {keys.cache_key(request): request for request in missed}
    for request in list(asked.values())[:_TOLD]:
        question = text.one_line(keys.prompt_of(request), width=60)
        near = _nearest(request, settings, store) if store else ""
        streams.note(f"not in the cache: “{question}” ({request.model}){near}")
    if len(asked) > _TOLD:
        streams.note(f"not in the cache: {len(asked) - _TOLD} more")
    if store is not None:
        store.close()


def _nearest(request: Request, settings: config.Settings, store: "Store") -> str:
    cache = config.cache_of(settings, store, note=lambda _: None, meaning=lambda: None)
    ask = Ask(settings.namespace, settings.cache)
    try:
        found: Any = explain(
            cache.lookup(request, ask),
            request,
            ask,
            shelf=store,
            meaning=None,
            now=time.time(),
            note=lambda _: None,
            bill=[],
        )
    except LlmcError:
        return ""
    for each in found["requests"][:1]:
        differs = text.one_line("; ".join(each["differences"]), width=120)
        return f"; nearest is entry {each['id']}: {differs}"
    return ""
