"""What of a question is compared by meaning, and by which hashes are questions known?

Pure: it neither embeds nor searches. What may share an answer is `semantic`'s business.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from llmc import keys, semantic
from llmc.semantic import Refusal
from llmc.types import Verdict

if TYPE_CHECKING:
    from llmc.semantic import Question
    from llmc.types import Alias, Entry, Request

__all__ = ["group_of", "pair_of", "question_of", "verdict_on"]


def pair_of(first: str, second: str, *, scope_hash: bytes = b"") -> bytes:
    """Return the hash by which a verdict knows two questions, in either order, whatever the scope.

    Older files hold verdicts on pairs of one scope.
    """
    pair = semantic.pair_key(first, second)
    words = pair.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(scope_hash + words, digest_size=16).digest()


def verdict_on(alias: Alias, entry: Entry, *, origin: str, right: bool, at: float) -> Verdict:
    """Say in hashes and numbers whether an entry's answer served another wording rightly."""
    asked, stored = (_compared(each.prompt, each.instruction_at) for each in (alias, entry))
    return Verdict(
        pair=pair_of(asked, stored),
        origin=origin,
        right=right,
        namespace=entry.namespace,
        embedder=alias.embedder,
        similarity=alias.similarity,
        at=at,
    )


def _compared(prompt: str, at: int) -> str:
    """Return what of a prompt is compared by meaning: verdicts are on that, not on a text."""
    found = semantic.question(prompt, at=at)
    return prompt[at:] if isinstance(found, Refusal) else found.text


def question_of(request: Request) -> Question | Refusal:
    """Return what of a request may be compared by meaning, or why nothing may."""
    return semantic.question(
        keys.prompt_of(request), at=request.instruction_at, follows=keys.follows(request)
    )


def group_of(namespace: str, scope_hash: bytes, question: Question) -> int:
    """Hash what must be equal for two questions to be compared into a signed 64-bit number."""
    equal = json.dumps([namespace, scope_hash.hex(), question.rest, question.slots])
    digest = hashlib.blake2b(equal.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
