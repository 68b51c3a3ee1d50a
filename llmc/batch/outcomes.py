"""How is told what came of a batch? A line of JSON for each row, in its form, and the sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmc import output, text
from llmc.dialects import forms
from llmc.errors import LlmcError, NotCached, ProviderError

if TYPE_CHECKING:
    from llmc.batch.batchfile import Row
    from llmc.batch.batching import Done

__all__ = ["Sums", "complaint", "failure", "line_of", "planned"]


def failure(done: Done) -> LlmcError | None:
    """Return why a row has no answer; None if it has one."""
    if isinstance(done.result, LlmcError):
        return done.result
    return None if done.result.failure is None else ProviderError(done.result.failure)


def complaint(row: Row, fault: str) -> str:
    """Say in one line which row has failed, and why."""
    name = "" if row.custom_id is None else f" ({row.custom_id})"
    return f"line {row.number:,}{name}: {fault}"


def planned(plan: dict[str, Any]) -> str:
    """Show a plan to a person."""
    parts = [f"{plan['cached']:,} in the cache", f"{plan['to_ask']:,} to ask"]
    if plan["same"]:
        parts.append(f"{plan['same']:,} the same as another")
    if plan["faulty"]:
        parts.append(f"{plan['faulty']:,} that ask nothing")
    known = plan["estimated_cost_usd"]
    cost = "price unknown" if known is None else f"about {text.usd(round(known * 1e9))}"
    tokens = text.plural(plan["estimated_prompt_tokens"], "prompt token")
    return (
        f"{text.plural(plan['rows'], 'row')}: {', '.join(parts)}\n"
        f"cost: {cost} for about {tokens}, and answers of"
        f" {plan['assumed_answer_tokens']} tokens or their limit\n"
    )


def line_of(done: Done, *, now: float) -> dict[str, Any]:
    """Return what a row's line of output holds: in OpenAI's form if it came in that."""
    return _in_openai_s(done) if done.row.openai else _in_ours(done, now)


def _in_ours(done: Done, now: float) -> dict[str, Any]:
    """Return the object of `ask --json` with the row's id and line, or with the error."""
    row, error = done.row, failure(done)
    told: dict[str, Any] = {"custom_id": row.custom_id, "line": row.number}
    if error is not None or isinstance(done.result, LlmcError):
        return told | {"answer": None, "error": str(error)}
    answer = output.answer_text(done.result.entry)
    return told | output.as_json(done.result, answer=answer, now=now)


def _in_openai_s(done: Done) -> dict[str, Any]:
    """Return the object of OpenAI's output file, or of its error file."""
    row, result = done.row, done.result
    told: dict[str, Any] = {"id": f"batch_req_llmc_{row.number}", "custom_id": row.custom_id}
    if not isinstance(result, LlmcError):
        endpoint = "chat/completions" if row.request is None else row.request.endpoint
        body = forms.whole(endpoint, result.entry, encoding=row.encoding)
        return told | {"response": _response(200, row.number, body), "error": None}
    if isinstance(result, ProviderError) and result.status is not None:
        stated = {"error": result.body or {"message": str(result), "code": None}}
        return told | {"response": _response(result.status, row.number, stated), "error": None}
    code = "invalid_request" if row.request is None else "request_failed"
    code = "not_cached" if isinstance(result, NotCached) else code
    return told | {"response": None, "error": {"code": code, "message": str(result)}}


def _response(status: int, number: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"status_code": status, "request_id": f"req_llmc_{number}", "body": body}


class Sums:
    """What a batch came to so far."""

    def __init__(self) -> None:
        self.rows = self.hits = self.same = self.asked = self.failed = self.missing = 0
        self.spent = self.saved = self.unpriced = self.bytes = 0

    def add(self, done: Done) -> None:
        """Count what came of a row."""
        self.rows += 1
        self.bytes += done.row.size + 1
        self.failed += failure(done) is not None
        self.missing += isinstance(done.result, NotCached)
        if isinstance(done.result, LlmcError):
            return
        hit = done.result
        self.same += done.again
        if hit.source == "model":
            self.asked += not done.again
            cost = hit.price.cost if hit.price else None
            self.unpriced += cost is None
            self.spent += cost or 0
        else:
            self.hits += not done.again
            self.saved += (hit.line and hit.line.avoided_nusd) or 0

    @property
    def exit_code(self) -> int:
        """The command's: 3 if answers that are not in the cache are all that is missing."""
        return 3 if 0 < self.failed == self.missing else int(self.failed > 0)

    def told(self) -> str:
        """Say in one line what it came to."""
        parts = [f"{self.hits:,} in the cache", f"{self.asked:,} asked"]
        if self.same:
            parts.append(f"{self.same:,} the same as another")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        unpriced = f" and {self.unpriced:,} of unknown price" if self.unpriced else ""
        money = f"cost {text.usd(self.spent)}{unpriced}, saved {text.usd(self.saved)}"
        return f"{text.plural(self.rows, 'row')}: {', '.join(parts)}; {money}"
