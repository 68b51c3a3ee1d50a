"""Do two answers to one question say the same? Compared as texts, else by the model as a judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmc import keys, policy
from llmc.types import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmc.types import Answer

__all__ = ["compare", "judge_messages", "same_answer", "verdict_of"]


def compare(
    request: Request,
    first: str,
    second: str,
    *,
    ask: Callable[[Request], Answer],
    nonce: str,
) -> tuple[bool | None, Answer | None]:
    """Tell whether two answers to a request say the same, None if nobody can; and who judged.

    Short answers are compared as texts; for others `ask` is given one question, to be answered
    with one word. `nonce` marks where the answers begin and end: they are data, and might try to
    instruct the judge. Raises what `ask` raises.
    """
    if (same := same_answer(first, second)) is not None:
        return same, None
    messages = judge_messages(keys.prompt_of(request), first, second, nonce=nonce)
    body: dict[str, Any] = {"model": request.model, "messages": messages}
    if policy.adds_temperature(request):  # others think first, and would be cut off thinking
        body["max_tokens"] = 1
    judge = ask(Request(request.base_url, body, provider=request.provider))
    return verdict_of(judge.text), judge


def same_answer(first: str, second: str) -> bool | None:
    """Tell whether two answers say the same; None where their texts alone do not decide it."""
    return True if first.split() == second.split() else None


def judge_messages(
    question: str, answer_a: str, answer_b: str, *, nonce: str
) -> list[dict[str, str]]:
    """Ask a judge for one word: do two answers to a question say the same?"""
    return [
        {"role": "system", "content": "Answer YES or NO."},
        {"role": "user", "content": f"{question}\n{nonce}\n{answer_a}\n{nonce}\n{answer_b}"},
    ]


def verdict_of(text: str) -> bool | None:
    """Read a judge's word; None for anything but one."""
    return {"yes": True, "no": False}.get(text.strip().strip(".!\"'*").lower())
