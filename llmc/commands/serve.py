"""`llmc serve`: a proxy that answers programs from the cache."""

import signal
from typing import Annotated, Literal

import typer

from llmc import config, streams
from llmc.errors import ConfigError
from llmc.options import Color, Db, KeptApart, ProviderName, Quiet, Ttl, at_least
from llmc.proxy import gate, listening, wiring

__all__ = ["command"]


def command(
    host: Annotated[
        str,
        typer.Option("--host", metavar="ADDRESS", help="Where to listen; others need a token."),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            "--port", metavar="N", callback=at_least(0, most=65535), help="0 is any free one."
        ),
    ] = 8400,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            metavar="TOKEN",
            help="What clients must show (LLMC_TOKEN); NAME:TOKEN,… keeps callers apart.",
        ),
    ] = None,
    provider: ProviderName = None,
    namespace: KeptApart = None,
    ttl: Ttl = None,
    match: Annotated[
        Literal["exact", "semantic"] | None,
        typer.Option(
            "--match",
            metavar="HOW",
            help="What may answer: exact (the default) or semantic.",
            rich_help_panel="Cache",
        ),
    ] = None,
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Answer from the cache alone, or 504.",
            rich_help_panel="Cache",
        ),
    ] = False,
    quiet: Quiet = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (the command line reads it)
) -> None:
    """Serve the OpenAI protocol to programs, from the cache.

    Point OPENAI_BASE_URL at the address that it prints. What is not known is asked of your model's
    provider, with the program's own key, or with yours where that has none.
    """
    settings = config.load({"db": db, "namespace": namespace, "ttl": ttl, "match": match})
    tokens = gate.tokens_of(token or settings.environ.get("LLMC_TOKEN", ""))
    if not tokens and not gate.is_loopback(host):
        raise ConfigError(
            f"--host {host}: others than this machine need a token", hint="set LLMC_TOKEN"
        )
    endpoint = wiring.provider_of(settings, provider)
    note = (lambda _: None) if quiet else streams.note
    with listening.bound(host, port) as listener:
        opened = wiring.opener(settings, note=note, create=not offline, must_work=offline)
        wired = wiring.wire(
            settings, opened, endpoint=endpoint, tokens=tokens, host=host, offline=offline,
            note=note,
        )  # fmt: skip
        note(f"serving {listening.url_of(listener)} for {endpoint.base_url}")
        try:
            stopped_by = listening.serve(wired.app, listener)
        finally:
            wired.desk.close()
    note(wired.tally.told())
    if stopped_by == signal.SIGINT:
        streams.die_by(stopped_by)
