"""What do embeddings say? Each text's vector by itself, so that a list may be part known, part new.

Numbers are kept as they came: a list of floats, or float32 in base64, as the SDK asks for them.
"""

from __future__ import annotations

import base64
import binascii
import struct
from typing import TYPE_CHECKING, Any

from llmc.dialects import wire
from llmc.types import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmc.types import Entry

__all__ = ["answer", "answers", "asking_for", "body_of", "is_understood", "plain", "texts_of"]


#: The largest float32: what base64 has no place for is kept in no form.
_MOST = 3.4028234663852886e38


def is_understood(body: dict[str, Any]) -> bool:
    """Tell whether a request is one whose vectors may be kept; others are passed on."""
    return (
        isinstance(body.get("model"), str)
        and bool(body["model"])
        and body.get("encoding_format", "float") in ("float", "base64")
        and bool(texts_of(body))
    )


def texts_of(body: dict[str, Any]) -> list[Any]:
    """Return the inputs of a request, each a text or a list of token numbers; none if unknown."""
    given = body.get("input")
    if isinstance(given, str) or _is_tokens(given):
        return [given]
    if not isinstance(given, list):
        return []
    known = all(isinstance(each, str) or _is_tokens(each) for each in given)
    return given if known else []


def body_of(body: dict[str, Any], text: Any) -> dict[str, Any]:
    """Return what is asked of one input alone: how its numbers are written is no part of it."""
    told = {name: value for name, value in body.items() if name != "encoding_format"}
    return told | {"input": text}


def asking_for(body: dict[str, Any], texts: Sequence[Any]) -> dict[str, Any]:
    """Return a request for some of its inputs."""
    return body | {"input": list(texts)}


def answers(body: bytes, texts: Sequence[Any]) -> list[Answer] | None:
    """Read one answer for each input; None if the reply does not have one for each.

    The tokens that were billed are divided among them by their lengths.
    """
    whole = wire.loaded(body) or {}
    found = {
        item["index"]: item.get("embedding")
        for item in wire.dicts(whole.get("data"))
        if type(item.get("index")) is int
    }
    if whole.get("error") or set(found) != set(range(len(texts))):
        return None
    if not all(_is_vector(found[index]) for index in range(len(texts))):
        return None
    model, usage = whole.get("model"), whole.get("usage")
    billed = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    shares = _shares(billed, texts) if isinstance(billed, int) else [None] * len(texts)
    return [
        Answer(
            text=f"{len(_numbers(found[index]))} numbers",
            finish_reason="stop",
            model=model if isinstance(model, str) else None,
            usage=None if share is None else {"prompt_tokens": share, "completion_tokens": 0},
            choices=[{"index": 0, "embedding": found[index]}],
        )
        for index, share in enumerate(shares)
    ]


def answer(body: bytes, texts: Sequence[Any]) -> Answer | None:
    """Read one answer for all inputs of a request; None if the reply does not have one for each."""
    each = answers(body, texts)
    if not each:
        return None
    usage = (wire.loaded(body) or {}).get("usage")
    vectors = [
        {"index": index, "embedding": (answer.choices or [{}])[0].get("embedding")}
        for index, answer in enumerate(each)
    ]
    told = each[0].text if len(each) == 1 else f"{len(each)} times {each[0].text}"
    # Nothing is sampled: it is as good as a temperature of 0.
    return each[0]._replace(
        text=told,
        choices=vectors,
        usage=usage if isinstance(usage, dict) else None,
        temperature=0.0,
    )


def plain(entries: Sequence[Entry], *, encoding: str) -> dict[str, Any]:
    """Write the vectors of all inputs, in their order, as the reply to one request."""
    tokens = sum(entry.tokens.prompt or 0 for entry in entries)
    kept = [choice.get("embedding") for entry in entries for choice in entry.choices or [{}]]
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _written(vector, encoding)}
            for index, vector in enumerate(kept)
        ],
        "model": entries[0].served_model or entries[0].model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _written(kept: Any, encoding: str) -> Any:
    if isinstance(kept, str) == (encoding == "base64"):
        return kept
    numbers = _numbers(kept)
    if encoding == "float":
        return numbers
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode("ascii")


def _numbers(vector: Any) -> list[float]:
    if not isinstance(vector, str):
        return list(vector or ())
    packed = base64.b64decode(vector)
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))


def _is_vector(value: Any) -> bool:
    if isinstance(value, str):
        try:
            packed = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return False
        return len(packed) > 0 and len(packed) % 4 == 0
    numbers = isinstance(value, list) and len(value) > 0
    return numbers and all(type(n) in {int, float} and abs(n) <= _MOST for n in value)


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(each) is int for each in value)


def _shares(total: int, texts: Sequence[Any]) -> list[int]:
    """Divide a number among texts by their lengths; the shares add up to it."""
    lengths = [len(text) or 1 for text in texts]
    shares, given, before = [], 0, 0
    for length in lengths:
        before += length
        up_to = total * before // sum(lengths)
        shares.append(up_to - given)
        given = up_to
    return shares
