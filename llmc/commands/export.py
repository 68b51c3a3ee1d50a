"""`llmc export`: stored answers as JSON lines."""

from llmc import config, output, streams
from llmc.options import Color, Db, Model, Namespace, OlderThan, Origin, Since, selector
from llmc.store import Store
from llmc.transfer import exchange, lines

__all__ = ["command"]


def command(
    namespace: Namespace = None,
    model: Model = None,
    source: Origin = None,
    since: Since = None,
    older_than: OlderThan = None,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Write stored answers as JSON lines.

    With all that belongs to them: requests, costs, uses, other words that they serve. Verdicts of
    `llmc bad` and of audits follow, and rules, unless the answers are narrowed by more than a
    namespace. The order is fixed, so that equal caches give equal files; `llmc import` reads them.
    """
    chosen = selector(
        namespace=namespace, model=model, source=source, since=since, older_than=older_than
    )
    narrowed = chosen._replace(namespace=None) != type(chosen)()
    settings = config.load({"db": db})
    with Store(settings.db, create=False) as store:
        for parcel in exchange.parcels(store, chosen):
            output.print_json_line(lines.line_of(parcel), flush=False)
        for verdict in () if narrowed else exchange.verdicts(store, namespace):
            output.print_json_line(lines.line_of(verdict), flush=False)
        for rule in () if narrowed else exchange.rules(store, namespace):
            output.print_json_line(lines.line_of(rule), flush=False)
    streams.write("")
