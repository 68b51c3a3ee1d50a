"""How does what a cache keeps look as a line of JSON, and what does such a line mean?

Row ids, ages and the moment of writing are left out, so that equal caches are equal lines.
"""

from __future__ import annotations

import json
import sys
from typing import Any, NamedTuple

from llmc import keys, selection
from llmc.errors import CacheFileError, InputError
from llmc.types import Alias, Answer, Draft, Price, Request, Rule, Tokens, Verdict

__all__ = ["Parcel", "Wording", "line_of", "read"]


class Wording(NamedTuple):
    """A question in other words that an entry serves, and when it was first and last asked."""

    alias: Alias
    created_at: float
    last_hit_at: float


class Parcel(NamedTuple):
    """An entry with all that belongs to it, without the id that it has in one file."""

    draft: Draft
    latency: float | None
    hits: int
    last_hit_at: float | None
    pinned: bool
    wordings: tuple[Wording, ...]


def line_of(kept: Parcel | Verdict | Rule) -> str:
    """Write an entry, a verdict or a rule as one line, its fields always in the same order.

    Raises CacheFileError for a number that no line could hold.
    """
    match kept:
        case Verdict():
            fields = _verdict_fields(kept)
        case Rule():
            fields = _rule_fields(kept)
        case Parcel():
            fields = _entry_fields(kept)
    try:
        return json.dumps(fields, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise CacheFileError(f"a stored {fields['kind']} holds a number that is none") from None


def read(line: str) -> Parcel | Verdict | Rule:
    """Read a line again. Raises ValueError, with the reason, for what `line_of` would not write.

    Keys are computed from the request, not taken from the line; fields that are not known are
    left alone.
    """
    try:
        fields = json.loads(line, parse_constant=_no_constant)
        # Half a surrogate pair is no text that a file could hold.
        json.dumps(fields, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg.lower()} (column {error.colno})") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("it holds half a surrogate pair") from None
    except ValueError as error:
        # Python's own words for a number of thousands of digits speak of Python.
        fault = str(error) if str(error).startswith("it ") else "it holds a number that is too long"
        raise ValueError(fault) from None
    if not isinstance(fields, dict):
        raise ValueError("it is no JSON object")
    kind = fields.get("kind")
    if kind == "entry":
        return _entry(_Fields(fields))
    if kind == "verdict":
        return _verdict(_Fields(fields))
    if kind == "rule":
        return _rule(_Fields(fields))
    raise ValueError("its 'kind' is neither 'entry', 'verdict' nor 'rule'")


# -- writing -------------------------------------------------------------------------------------


def _entry_fields(kept: Parcel) -> dict[str, Any]:
    draft, answer = kept.draft, kept.draft.answer
    request = keys.request_from(draft.frame, draft.prompt)
    return {
        "kind": "entry",
        "namespace": draft.namespace,
        "sample": draft.sample,
        "base_url": request.base_url,
        "endpoint": request.endpoint,
        "request": request.body,
        "instruction_at": draft.instruction_at,
        "answer": answer.text,
        "choices": answer.choices,
        "finish_reason": answer.finish_reason,
        "served_model": answer.model,
        "temperature": answer.temperature,
        "usage": answer.usage,
        "tokens": draft.tokens._asdict(),
        "cost_nusd": draft.price.cost,
        "price_source": draft.price.source,
        "latency": kept.latency,
        "source": draft.source,
        "created_at": draft.created_at,
        "expires_at": draft.expires_at,
        "hits": kept.hits,
        "last_hit_at": kept.last_hit_at,
        "pinned": kept.pinned,
        "wordings": [_wording_fields(wording) for wording in kept.wordings],
    }


def _wording_fields(wording: Wording) -> dict[str, Any]:
    alias = wording.alias
    return {
        "prompt": alias.prompt,
        "instruction_at": alias.instruction_at,
        "embedder": alias.embedder,
        "similarity": alias.similarity,
        "created_at": wording.created_at,
        "last_hit_at": wording.last_hit_at,
    }


def _verdict_fields(verdict: Verdict) -> dict[str, Any]:
    return {"kind": "verdict", **verdict._asdict(), "pair": verdict.pair.hex()}


def _rule_fields(rule: Rule) -> dict[str, Any]:
    fields = rule._asdict()
    del fields["id"]  # in another file it has another
    return {"kind": "rule", **fields}


# -- reading -------------------------------------------------------------------------------------

#: What a column of SQLite holds.
_MOST = 2**63 - 1


class _Fields:
    """The fields of one JSON object, each read as what it must be. Raises ValueError."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        found = self._values.get(name)
        if not isinstance(found, str):
            raise ValueError(f"its {name!r} is no text")
        return found

    def text_or_none(self, name: str) -> str | None:
        return None if self._values.get(name) is None else self.text(name)

    def whole(self, name: str, most: int = _MOST) -> int:
        found = self._values.get(name, 0)
        if type(found) is not int or not 0 <= found <= most:
            raise ValueError(f"its {name!r} is no whole number from 0 to {most:,}")
        return found

    def whole_or_none(self, name: str) -> int | None:
        return None if self._values.get(name) is None else self.whole(name)

    def number(self, name: str) -> float:
        found: Any = self._values.get(name)
        if type(found) not in {int, float} or not abs(found) <= sys.float_info.max:
            raise ValueError(f"its {name!r} is no number")
        return float(found)

    def number_or_none(self, name: str) -> float | None:
        return None if self._values.get(name) is None else self.number(name)

    def flag(self, name: str) -> bool:
        found = self._values.get(name, False)
        if not isinstance(found, bool):
            raise ValueError(f"its {name!r} is neither true nor false")
        return found

    def table(self, name: str) -> dict[str, Any]:
        found = self._values.get(name)
        if not isinstance(found, dict):
            raise ValueError(f"its {name!r} is no JSON object")
        return found

    def table_or_none(self, name: str) -> dict[str, Any] | None:
        return None if self._values.get(name) is None else self.table(name)

    def tables(self, name: str) -> list[dict[str, Any]]:
        found = self._values.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise ValueError(f"its {name!r} is no list of JSON objects")
        return found

    def tables_or_none(self, name: str) -> list[dict[str, Any]] | None:
        return None if self._values.get(name) is None else self.tables(name)


def _entry(fields: _Fields) -> Parcel:
    body = fields.table("request")
    if not isinstance(body.get("messages"), list) or not isinstance(body.get("model"), str):
        raise ValueError("its 'request' has no 'model' or no 'messages'")
    request = Request(fields.text("base_url"), body, fields.text("endpoint"))
    try:
        frame, scope_hash = keys.frame_of(request)
        prompt, key, family = (
            keys.prompt_of(request),
            keys.cache_key(request),
            keys.family_key(request),
        )
    except (TypeError, ValueError, AttributeError, KeyError):
        raise ValueError("its 'request' is none that could be asked") from None
    tokens = _Fields(fields.table("tokens"))
    namespace = fields.text("namespace")
    draft = Draft(
        namespace=namespace,
        key=key,
        sample=fields.whole("sample"),
        family=family,
        token_limit=keys.token_limit(request),
        scope_hash=scope_hash,
        base_url=request.base_url,
        model=request.model,
        system=keys.system_of(request),
        frame=frame,
        prompt=prompt,
        source=fields.text("source"),
        created_at=fields.number("created_at"),
        expires_at=fields.number_or_none("expires_at"),
        answer=_answer(fields),
        tokens=Tokens(*(tokens.whole_or_none(name) for name in Tokens._fields)),
        price=Price(fields.whole_or_none("cost_nusd"), fields.text_or_none("price_source")),
        instruction_at=fields.whole("instruction_at", len(prompt)),
    )
    return Parcel(
        draft=draft,
        latency=fields.number_or_none("latency"),
        hits=fields.whole("hits"),
        last_hit_at=fields.number_or_none("last_hit_at"),
        pinned=fields.flag("pinned"),
        wordings=tuple(
            _wording(_Fields(each), namespace, frame) for each in fields.tables("wordings")
        ),
    )


def _answer(fields: _Fields) -> Answer:
    choices = fields.tables_or_none("choices")
    if not all(isinstance(each.get("message") or {}, dict) for each in choices or ()):
        raise ValueError("its 'choices' hold a 'message' that is no JSON object")
    return Answer(
        text=fields.text("answer"),
        finish_reason=fields.text("finish_reason"),
        model=fields.text_or_none("served_model"),
        usage=fields.table_or_none("usage"),
        choices=choices,
        temperature=fields.number_or_none("temperature"),
    )


def _wording(fields: _Fields, namespace: str, frame: str) -> Wording:
    prompt = fields.text("prompt")
    alias = Alias(
        namespace=namespace,
        key=keys.cache_key(keys.request_from(frame, prompt)),
        entry_id=0,
        embedder=fields.text("embedder"),
        similarity=fields.number("similarity"),
        prompt=prompt,
        instruction_at=fields.whole("instruction_at", len(prompt)),
    )
    return Wording(alias, fields.number("created_at"), fields.number("last_hit_at"))


def _verdict(fields: _Fields) -> Verdict:
    try:
        pair = bytes.fromhex(fields.text("pair"))
    except ValueError:
        raise ValueError("its 'pair' is no hexadecimal number") from None
    return Verdict(
        pair=pair,
        origin=fields.text("origin"),
        right=fields.flag("right"),
        namespace=fields.text("namespace"),
        embedder=fields.text("embedder"),
        similarity=fields.number("similarity"),
        at=fields.number("at"),
    )


def _rule(fields: _Fields) -> Rule:
    field = fields.text("field")
    rule = Rule(
        pattern=fields.text("pattern"),
        field=field,
        namespace=fields.text_or_none("namespace"),
        ttl=fields.number_or_none("ttl"),
        event=fields.text_or_none("event"),
        created_at=fields.number("created_at"),
    )
    if (rule.ttl is None) == (rule.event is None):
        raise ValueError("a rule has one of 'ttl' and 'event'")
    try:
        selection.require_rule(rule)
    except InputError as error:
        raise ValueError(f"it is no rule: {error}") from None
    return rule


def _no_constant(name: str) -> None:
    raise ValueError(f"it holds {name}, which is not JSON")
