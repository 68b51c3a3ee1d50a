"""`llmc bad`: a wrong answer goes, and is not given again."""

import time
from typing import Annotated

import typer

from llmc import config, keys, output, streams, tiering
from llmc.errors import LlmcError, ProviderError
from llmc.options import Color, Db, EntryId, Json
from llmc.questions import verdict_on
from llmc.store import Store
from llmc.types import Ask, Entry, Request

__all__ = ["command"]


def command(
    entry_id: EntryId = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask the question anew, and print the answer.")
    ] = False,
    json: Json = False,
    db: Db = None,
    color: Color = "auto",  # noqa: ARG001  (there is nothing to colour)
) -> None:
    """Reject a wrong answer, the last one by default.

    The answer is removed with all wordings that it served. If it was given to a question in other
    words, that pair of questions never matches again.
    """
    settings = config.load({"db": db})
    with Store(settings.db, create=False) as store:
        found, entry = store.wanted(entry_id)
        frame, _ = store.frame(found)
        # The last answer is judged as it was given; an id may have been read off an earlier one.
        seen = entry_id is not None or store.ledger.last_source(found) == "semantic"
        alias = next(iter(store.paraphrases.of(found)), None) if seen else None
        verdict = alias and verdict_on(alias, entry, origin="bad", right=False, at=time.time())
        store.delete([found], verdict)
        output.scrubbed(store.file.scrub())
        tiering.tell(settings, store, note=streams.note)
    asked = alias or entry
    request = keys.request_from(frame, asked.prompt)
    request = request._replace(instruction_at=asked.instruction_at)
    report = {"removed": found, "prompt": entry.prompt, "vetoed": alias.prompt if alias else None}
    line = f"removed entry {found}, {output.brief(entry, width=80)}"
    if alias is not None:
        line += f"; it will not answer {output.brief(alias, width=80)} again"
    if not refresh:
        output.print_json(report) if json else output.print_text(line + "\n")
        return
    streams.note(line)
    told = {"removed": report["removed"], "vetoed": report["vetoed"]} if json else None
    _ask_anew(settings, request, entry, told=told)


def _ask_anew(
    settings: config.Settings, request: Request, entry: Entry, *, told: dict[str, object] | None
) -> None:
    """Ask a question again; `told` goes with the answer into an object, if there is to be one."""
    homes = (e.name for e in settings.providers.values() if e.base_url == request.base_url)
    provider = next(homes, None)
    if provider is None:
        raise LlmcError(
            f"no provider is configured for {request.base_url}", hint="ask anew with llmc ask"
        )
    ask = Ask(namespace=entry.namespace, mode=settings.cache, ttl=settings.ttl, refresh=True)
    with config.open_cache(settings, note=streams.note) as cache:
        hit = cache.ask(request._replace(provider=provider), ask)
        answer = output.answer_text(hit.entry)
        if told is not None:
            output.print_json(output.as_json(hit, answer=answer, now=time.time()) | told)
        else:
            output.print_answer(answer)
        streams.note(output.answered(hit, now=time.time(), verbose=False))
        cache.record(hit)
    if hit.failure is not None:
        raise ProviderError(hit.failure)
