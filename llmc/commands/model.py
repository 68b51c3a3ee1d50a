"""`llmc model`: the local embedding model comes, is looked at, and goes; any is calibrated."""

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from llmc import config, output, places, published, streams, text, weights
from llmc import input as given
from llmc.errors import CacheFileError, ConfigError, EmbeddingError, InputError, LlmcError
from llmc.options import Color, Db, DryRun, Json, Quiet, Yes
from llmc.progress import Bar

if TYPE_CHECKING:
    from llmc.calibration import Judged, Row
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
        found = _look(name, folder)
        if found.state == "ok":
            say(f"{name} is there already: {found.path}")
            return
        if found.damage is not None:
            if os.path.isdir(found.path):
                raise EmbeddingError(f"{found.path}: a folder is in the way", hint="move it away")
            say(f"{found.damage}; making it anew")
        if source is None and url is None:
            source = _packaged(say)
        if source is None:
            say(f"fetching {text.megabytes(_total())} from {host}")
            source = _fetch(url or published.URL, folder, shows=not quiet)
        path = weights.install(source, folder, model=weights.MINILM)
        say(f"{name} is ready: {path} ({text.megabytes(os.path.getsize(path))})")


def list_models(json: Json = False, db: Db = None, color: Color = "auto") -> None:
    """List the local models, and check them to their last byte."""
    found = _look("minilm", places.models_path(config.load({"db": db}).environ))
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
    with published.system_errors(folder):
        doomed = [path for path in weights.paths(folder) if os.path.lexists(path)]
        what = f"{name} ({text.megabytes(sum(map(_size, doomed)))})"
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
    from llmc import calibration
    from llmc.store import Store

    settings = config.load({"db": db})
    judged = _judged_pairs(file)
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
        output.print_table(_COLUMNS, _cells(rows, thresholds), color=colors, right=_COLUMNS[:-1])
    streams.write("")  # a failure would leave what is still waiting unsaid
    _conclude(told, thresholds, error=settings.error, stored=stored)


SUBCOMMANDS: dict[str, Callable[..., None]] = {
    "pull": pull,
    "list": list_models,
    "remove": remove,
    "calibrate": calibrate,
}


class _Found(NamedTuple):
    """What lies in a model's place. The names are those of `model list --json`."""

    model: str
    state: Literal["ok", "damaged", "not there"]
    bytes: int | None
    path: str
    damage: str | None = None


def _look(name: str, folder: str) -> _Found:
    """Say what lies there; all of it is read."""
    path, _ = weights.paths(folder)
    try:
        size = os.lstat(path).st_size
    except FileNotFoundError:
        return _Found(name, "not there", None, path)
    except OSError:
        size = None
    try:
        damage = weights.Weights(folder, weights.MINILM).damage()
    except EmbeddingError as error:
        damage = str(error)
    return _Found(name, "damaged" if damage else "ok", size, path, damage)


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


def _packaged(say: Callable[[str], None]) -> str | None:
    """Return the folder of an installed package's copy, if it is the published one."""
    folder = published.find_local()
    if folder is None:
        return None
    try:
        for source in weights.MINILM.sources:
            published.check(os.path.join(folder, source.name), source)
    except EmbeddingError as error:
        say(f"an installed package's copy is not taken: {error}")
        return None
    say(f"taking the copy of an installed package: {folder}")
    return folder


def _fetch(url: str, folder: str, *, shows: bool) -> str:
    """Fetch the published files; return the folder that they are in."""
    _, staging = weights.paths(folder)
    with Bar(_total(), shows=shows and streams.is_terminal(2)) as bar:
        published.download(url, staging, bar.draw, sources=weights.MINILM.sources)
    return staging


def _total() -> int:
    return sum(source.size for source in weights.MINILM.sources)


def _silent(_: str) -> None:
    pass


def _size(path: str) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if os.path.isdir(path) and not os.path.islink(path):
        return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(path))
    return os.lstat(path).st_size


# -- calibrate -----------------------------------------------------------------------------------

_COLUMNS = ("threshold", "served", "wrong", "share", "limit", "keeps")


def _judged_pairs(file: str) -> "list[Pair]":
    from llmc import pairs

    reader = given.Reader()
    name = "standard input" if file == "-" else file
    try:
        words = reader.words_and_document("-", stdin=True)[1] if file == "-" else reader.text(file)
    except InputError as error:
        cause = error.__cause__
        if not isinstance(cause, UnicodeDecodeError):
            raise
        line = cause.object.count(b"\n", 0, cause.start) + 1
        raise InputError(f"{name}, line {line}: it is not UTF-8") from cause
    judged = pairs.read(words or "", name)
    if all(pair.right for pair in judged):
        streams.note("no pair is labelled 0: pairs chosen for being right promise little")
    return judged


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


def _cells(rows: "list[Row]", thresholds: dict[str, float]) -> list[list[str]]:
    """Write the rows that serve more than the one above them."""
    cells, above = [], 0
    for row in rows:
        if row.served > above:
            keeps = [promise for promise, limit in thresholds.items() if limit == row.threshold]
            share = "" if row.share is None else f"{row.share:.1%}"
            counts = (f"{row.threshold:.3f}", str(row.served), str(row.wrong))
            cells.append([*counts, share, f"{row.limit:.1%}", " ".join(keeps)])
        above = row.served
    return cells


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
