"""`llmc why`: what matched a question, or what would have been needed."""

import time
from typing import Annotated, Any

import typer

from llmc import config, output, streams, text
from llmc import input as given
from llmc.explanation import explain
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
from llmc.types import Ask

__all__ = ["command"]

#: What needs no name: its words say it.
_PLAIN = {None, "namespace", "scope", "life", "similarity"}


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
    """Explain why the cache answers a question, or why not.

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
    with Store(settings.db, create=False) as store:
        meaning = config.meaning_of(settings, store, note=streams.note)
        ask = Ask(settings.namespace, settings.cache, by_meaning=settings.match != "exact")
        cache = config.cache_of(settings, store, note=streams.note, meaning=lambda: meaning)
        report = explain(
            cache.lookup(request, ask),
            request,
            ask,
            shelf=store,
            meaning=meaning,
            now=time.time(),
            note=streams.note,
        )
    output.print_json(report) if json else output.print_text(_told(report, settings.match))


def _told(report: dict[str, Any], match: str) -> str:
    """Word a report for a person."""
    needed = report["threshold"]
    if report["source"]:
        lines = [f"{report['source']} hit: entry {report['id']}: {report['reason']}"]
        if report["matched_question"] is not None:
            lines.append(f"asked as “{text.one_line(report['matched_question'], width=80)}”")
            lines.append(f"similarity {report['similarity']:.3f}, needed {needed:g}")
        if report["source"] == "semantic" and match == "auto":
            lines.append("in a pipe only the same words match, unless --match semantic is given")
        if report["rule"]:
            lines.append(f"its life: {report['rule']}")
        return "\n".join(lines) + "\n"
    unsought = "; other words are not looked for (match = exact)" if match == "exact" else ""
    lines = [f"miss: {report['reason']}{unsought}"]
    if report["rule"]:
        lines.append(f"an answer would be held to {report['rule']}")
    if report["requests"]:
        lines.append("\nnearest stored requests")
    for each in report["requests"]:
        same = ["same prompt"] * (each["prompt"] == report["prompt"])
        lines.append(f"  entry {each['id']}: “{text.one_line(each['question'], width=60)}”")
        lines.append(f"    {text.one_line('; '.join([*same, *each['differences']]))}")
    if report["neighbours"]:
        lines.append(f"\nnearest by meaning ({report['embedder']}, needed {needed:g})")
    for each in report["neighbours"]:
        question = text.one_line(each["question"], width=60)
        lines.append(f"  entry {each['id']}: {each['similarity']:.3f} “{question}”")
        guarded = each["similarity"] >= needed and each["guard"] not in _PLAIN
        guard = f"{each['guard']}: " if guarded else ""
        remedy = f"; with {each['remedy']} it would match" if each["remedy"] else ""
        lines.append(f"    {guard}{text.one_line(each['detail'] or 'nothing bars it')}{remedy}")
    return "\n".join(lines) + "\n"
