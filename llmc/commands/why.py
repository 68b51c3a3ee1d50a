"""`llmc why`: what matched a question, or what would have been needed."""

import time
from typing import Annotated, Any

import typer

from llmc import config, difference, keys, output, policy, streams, text
from llmc import input as given
from llmc.errors import CacheFileError, EmbeddingError
from llmc.meaning import Meaning, Near
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
from llmc.types import Ask, Entry, Hit, Request

__all__ = ["command"]

#: How many stored requests, and how many neighbours, are shown.
_SHOWN = 3


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
    """Explain what answers a question from the cache, or why nothing does.

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
    request = request_of(question, settings, given.Reader())
    ask = Ask(settings.namespace, settings.cache, by_meaning=True)
    with Store(settings.db, create=False) as store:
        cache = config.cache_of(settings, store, note=streams.note)
        meaning = config.meaning_of(settings, store, note=streams.note)
        found = cache.lookup(request, ask)
        report = _report(found, request, meaning)
        if not isinstance(found, Hit):
            near = _near(meaning, request, ask)
            stored = _stored(store, request, [each.entry for each in near])
            report["requests"] = [
                _request(entry, differences, ask)
                for entry, differences in difference.nearest(request, stored.values(), k=_SHOWN)
            ]
            report["neighbours"] = [_neighbour(each, request, stored) for each in near]
    output.print_json(report) if json else output.print_text(_told(report))


def _report(found: Any, request: Request, meaning: Meaning | None) -> dict[str, Any]:
    """Say what answers, or the reason why nothing does."""
    threshold, measured = meaning.threshold() if meaning else (None, False)
    report: dict[str, Any] = {"key": keys.cache_key(request).hex(), "source": None, "id": None}
    report |= {"embedder": meaning.chosen.name if meaning else None, "threshold": threshold}
    report |= {"calibrated": measured, "similarity": None, "matched_prompt": None}
    if not isinstance(found, Hit):
        return report | {"reason": found.reason}
    entry = found.entry
    report |= {"source": found.source, "id": entry.id}
    if found.alias is not None:
        report |= {"similarity": found.alias.similarity, "matched_prompt": entry.prompt}
        return report | {"reason": "the same scope, near enough, and no guard refused"}
    same = entry.key == keys.cache_key(request)
    return report | {"reason": "the same request" if same else "it differs in its limit of tokens"}


def _stored(store: Store, request: Request, near: list[Entry]) -> dict[int, tuple[Entry, Request]]:
    """Return stored requests that may be meant, rebuilt, by their ids."""
    _, scope_hash = keys.frame_of(request)
    akin = (*near, *store.akin(keys.prompt_of(request), scope_hash, limit=20))
    frames = {e.id: (e, store.frame(e.id)[0]) for e in akin if e.id is not None}
    return {n: (e, keys.request_from(frame, e.prompt)) for n, (e, frame) in frames.items()}


def _request(entry: Entry, differences: list[str], ask: Ask) -> dict[str, Any]:
    now = time.time()
    bars = [f"namespace {entry.namespace} → {ask.namespace}"] * (entry.namespace != ask.namespace)
    if not policy.is_fresh(entry, now):
        bars.append(f"expired {text.age(now - (entry.expires_at or now))} ago")
    if not policy.suits(entry, ask.mode):
        bars.append("not an answer of temperature 0")
    if entry.sample:
        bars.append(f"sample {entry.sample} of a random answer")
    return {"id": entry.id, "prompt": entry.prompt, "differences": [*differences, *bars]}


def _near(meaning: Meaning | None, request: Request, ask: Ask) -> list[Near]:
    if meaning is None:
        return []
    _, scope_hash = keys.frame_of(request)
    try:
        return meaning.near(request, ask, scope_hash=scope_hash, k=_SHOWN)
    except (CacheFileError, EmbeddingError) as error:
        streams.note(str(error))
        return []


def _neighbour(
    near: Near, request: Request, stored: dict[int, tuple[Entry, Request]]
) -> dict[str, Any]:
    entry, refusal = near.entry, near.refusal
    detail = refusal and refusal.detail
    if refusal is not None and refusal.guard == "scope" and entry.id in stored:
        # The prompts differ anyhow: what else does?
        alike = stored[entry.id][1], keys.prompt_of(request)
        same_words = keys.request_from(keys.frame_of(alike[0])[0], alike[1])
        detail = "; ".join(difference.difference(request, same_words)) or detail
    return {
        "id": entry.id,
        "prompt": entry.prompt,
        "similarity": near.similarity,
        "guard": refusal and refusal.guard,
        "detail": detail,
    }


def _told(report: dict[str, Any]) -> str:
    """Word a report for a person."""
    needed = report["threshold"]
    if report["source"]:
        lines = [f"{report['source']} hit: entry {report['id']}: {report['reason']}"]
        if report["matched_prompt"] is not None:
            lines.append(f"asked as “{text.one_line(report['matched_prompt'], width=80)}”")
            lines.append(f"similarity {report['similarity']:.3f}, needed {needed:g}")
        return "\n".join(lines) + "\n"
    lines = [f"miss: {report['reason']}"]
    if report["requests"]:
        lines.append("\nnearest stored requests")
    for each in report["requests"]:
        lines.append(f"  entry {each['id']}: “{text.one_line(each['prompt'], width=60)}”")
        lines.append(f"    {'; '.join(each['differences']) or 'the same request'}")
    if report["neighbours"]:
        lines.append(f"\nnearest by meaning ({report['embedder']}, needed {needed:g})")
    for each in report["neighbours"]:
        question = text.one_line(each["prompt"], width=60)
        lines.append(f"  entry {each['id']}: {each['similarity']:.3f} “{question}”")
        lines.append(f"    {each['detail'] or 'it may answer'}")
    return "\n".join(map(text.visible, lines)) + "\n"
