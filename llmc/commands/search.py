"""`llmc search`: words in stored prompts and answers."""

from typing import Annotated

import typer

from llmc import config, output, streams
from llmc.errors import InputError
from llmc.options import (
    Color,
    Db,
    Json,
    Limit,
    Model,
    Namespace,
    OlderThan,
    Origin,
    Since,
    selector,
)
from llmc.store import Store

__all__ = ["command"]


def command(
    words: Annotated[
        list[str], typer.Argument(metavar="TEXT...", help="Words, all of which must be there.")
    ],
    limit: Limit = None,
    namespace: Namespace = None,
    model: Model = None,
    source: Origin = None,
    since: Since = None,
    older_than: OlderThan = None,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",
) -> None:
    """Find words in stored prompts and answers.

    The best matches come first; a word also finds those that begin with it.
    """
    if not "".join(words).strip():
        raise InputError("nothing to search for")
    chosen = selector(
        namespace=namespace, model=model, source=source, since=since, older_than=older_than
    )
    settings = config.load({"db": db})
    colors = config.wants_color(color, terminal=streams.is_terminal(1))
    with Store(settings.db, create=False) as store:
        found = store.search(" ".join(words), chosen, limit=output.limit_of(limit, json=json))
    output.print_entries(found, json=json, color=colors)
