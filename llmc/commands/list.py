"""`llmc list`: the stored answers, the newest first."""

from llmc import config, output, streams
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
    """List stored answers, the newest first.

    A table of the last 20 on a terminal; all of them, tab-separated, in a pipe.
    """
    chosen = selector(
        namespace=namespace, model=model, source=source, since=since, older_than=older_than
    )
    settings = config.load({"db": db})
    colors = config.wants_color(color, terminal=streams.is_terminal(1))
    with Store(settings.db, create=False) as store:
        entries = store.select(chosen, limit=output.limit_of(limit, json=json))
        output.print_entries(entries, json=json, color=colors)
