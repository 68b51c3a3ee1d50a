"""Why is a question answered from the cache, or why not? A report of what lies nearest to it.

It serves and stores nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from llmc import drafting, keys, policy, text
from llmc.errors import CacheFileError, EmbeddingError
from llmc.lives import Lives
from llmc.meaning import Shelf as Searched
from llmc.types import Answer, Hit, Price
from llmc.why import difference, neighbours

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmc.meaning import Meaning
    from llmc.types import Ask, Entry, Miss, Request
    from llmc.why.neighbours import Near

__all__ = ["Shelf", "explain", "told"]

#: What needs no name: its words say it.
_PLAIN = {None, "namespace", "scope", "life", "similarity"}

#: How many stored requests, and how many neighbours, are named.
_NAMED = 3

#: How many of each kind are compared: each may hold a document of megabytes.
_COMPARED = 5


class Shelf(Searched, Protocol):
    """Where stored requests are found; `Store` says what each method does."""

    def akin(self, prompt: str, scope_hash: bytes, *, limit: int) -> list[Entry]: ...
    def frame(self, entry_id: int) -> tuple[str, dict[str, Any] | None]: ...


def explain(
    found: Hit | Miss,
    request: Request,
    ask: Ask,
    *,
    shelf: Shelf,
    meaning: Meaning | None,
    now: float,
    note: Callable[[str], None],
    bill: list[int | None],
) -> dict[str, Any]:
    """Report what a lookup found, or what came nearest and how it differs. Fields are only added.

    `note` is told where the neighbours cannot be had, and which rules cannot be decided. What
    embedding costs is added to `bill`. Raises CacheFileError.
    """
    lives = Lives(shelf.rules, note=note)
    key = keys.cache_key(request)
    threshold, measured = meaning.threshold() if meaning else (None, False)
    report: dict[str, Any] = {
        "prompt": keys.prompt_of(request),
        "key": key.hex(),
        "source": None,
        "id": None,
        "reason": None,
        "rule": None,
        "embedder": meaning.chosen.name if meaning else None,
        "threshold": threshold,
        "calibrated": measured,
        "similarity": None,
        "matched_prompt": None,
        "matched_question": None,
        "requests": [],
        "neighbours": [],
    }
    if isinstance(found, Hit):
        return report | _hit(found, key, lives)
    near = []
    if meaning is not None and ask.by_meaning:
        near = _near(found, ask, shelf, meaning, now=now, note=note, bill=bill)
    stored = _stored(shelf, request, [each.entry for each in near])
    requests = difference.nearest(request, stored.values(), k=_NAMED)
    return report | {
        "reason": found.reason,
        "rule": _rule_ahead(found, ask, lives, now=now),
        "requests": [_request(entry, unlike, ask, lives, now=now) for entry, unlike in requests],
        "neighbours": [_neighbour(each, request, stored) for each in near],
    }


def told(report: dict[str, Any], match: str) -> str:
    """Word a report for a person, given the setting `match`."""
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


def _hit(hit: Hit, key: bytes, lives: Lives) -> dict[str, Any]:
    asked = hit.alias.prompt if hit.alias else hit.entry.prompt
    rule = lives.of(hit.entry).rule or lives.of(hit.entry._replace(prompt=asked)).rule
    facts = {"source": hit.source, "id": hit.entry.id, "rule": rule and policy.told(rule)}
    if hit.alias is None:
        same = hit.entry.key == key
        return facts | {"reason": "the same request" if same else "it differs in its token limit"}
    return facts | {
        "reason": "the same scope, near enough, and no guard refuses",
        "similarity": round(hit.alias.similarity, 6),
        "matched_prompt": hit.entry.prompt,
        "matched_question": hit.entry.question,
    }


def _rule_ahead(miss: Miss, ask: Ask, lives: Lives, *, now: float) -> str | None:
    """Say which rule would end the life of an answer, as far as the question tells."""
    answer, price = Answer("", None), Price(None)
    rule = lives.of(drafting.draft_of(miss, answer, ask, sample=0, price=price, at=now)).rule
    return rule and policy.told(rule)


def _near(
    miss: Miss,
    ask: Ask,
    shelf: Shelf,
    meaning: Meaning,
    *,
    now: float,
    note: Callable[[str], None],
    bill: list[int | None],
) -> list[Near]:
    if miss.no_meaning is not None and miss.vector is None:
        return []  # the lookup could not compare it either
    _, scope = miss.scope or keys.frame_of(miss.request)
    try:
        return neighbours.near(
            meaning,
            shelf,
            miss.request,
            ask,
            scope=scope,
            vector=miss.vector,
            now=now,
            bill=bill,
            k=_NAMED,
        )
    except (CacheFileError, EmbeddingError) as error:
        note(str(error))
        return []


def _stored(
    shelf: Shelf, request: Request, near: list[Entry]
) -> dict[int | None, tuple[Entry, Request]]:
    """Return stored requests that may be meant, rebuilt, by their ids."""
    _, scope = keys.frame_of(request)
    akin = (*near, *shelf.akin(keys.prompt_of(request), scope, limit=_COMPARED))
    frames: dict[bytes, str] = {}
    stored: dict[int | None, tuple[Entry, Request]] = {}
    for entry in akin:
        if entry.id is not None:
            if entry.scope_hash not in frames:
                frames[entry.scope_hash], _ = shelf.frame(entry.id)
            stored[entry.id] = entry, keys.request_from(frames[entry.scope_hash], entry.prompt)
    return stored


def _request(
    entry: Entry, differences: list[str], ask: Ask, lives: Lives, *, now: float
) -> dict[str, Any]:
    bars, life = [], lives.of(entry)
    if entry.namespace != ask.namespace:
        bars.append(f"namespace {entry.namespace} → {ask.namespace}")
    if barred := policy.why_not_kept(life):
        bars.append(barred)
    elif life.expires_at is not None and life.expires_at <= now:
        rule = f", {policy.told(life.rule)}" if life.rule else ""
        bars.append(f"expired {text.age(now - life.expires_at)} ago{rule}")
    elif not policy.is_fresh(entry._replace(expires_at=life.expires_at), now):
        bars.append(policy.why_ended(life, now))
    if not policy.suits(entry, ask.mode):
        bars.append("not an answer of temperature 0")
    if entry.sample:
        bars.append(f"sample {entry.sample} of a random answer")
    return {
        "id": entry.id,
        "prompt": entry.prompt,
        "question": entry.question,
        "differences": [*differences, *bars],
    }


def _neighbour(
    near: Near, request: Request, stored: dict[int | None, tuple[Entry, Request]]
) -> dict[str, Any]:
    entry, refusal = near.entry, near.refusal
    detail = refusal and refusal.detail
    if refusal is not None and refusal.guard == "scope" and entry.id in stored:
        # The prompts differ anyhow: what else does?
        frame, _ = keys.frame_of(stored[entry.id][1])
        same_words = keys.request_from(frame, keys.prompt_of(request))
        detail = "; ".join(difference.difference(request, same_words)) or detail
    return {
        "id": entry.id,
        "prompt": entry.prompt,
        "question": entry.question,
        "similarity": round(near.similarity, 6),
        "guard": refusal and refusal.guard,
        "detail": detail,
        "remedy": near.remedy,
    }
