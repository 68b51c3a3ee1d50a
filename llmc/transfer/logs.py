"""Which questions did simonw/llm log, and which of them would llmc have asked in the same words?

Its log is only read. Taken in is one turn, text alone, that ended by itself; everything else is
left out, with the reason.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from llmc import drafting, keys, policy, pricing
from llmc.errors import ConfigError, InputError, reason_of
from llmc.input import Reader
from llmc.request import Flags, request_of
from llmc.transfer.lines import Parcel
from llmc.types import Answer, Ask, Miss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import apsw

    from llmc.config import Settings
    from llmc.types import Request

__all__ = ["Logged", "logged", "opened", "parcel_of"]

#: Options of llm's that choose how it asks, not what; and where a finish reason may stand.
_NOT_SENT = {"chat_completions", "image_detail", "reasoning_summary"}
_FINISHED = ("finish_reason", "status", "done_reason", "stop_reason")
_BY_ITSELF = {"stop", "completed", "end_turn"}

#: Tables of responses that were more than a text for a text, and what they were.
_MORE = {
    "prompt_attachments": "it has an attachment",
    "tool_responses": "it uses tools",
    "tool_calls": "it uses tools",
    "tool_results": "it uses tools",
}


#: What comes of values that llm never wrote, and what is said of them.
_ODD = (TypeError, ValueError, AttributeError, LookupError)
_UNREADABLE = "it cannot be read"


class Logged(NamedTuple):
    """One response as it was logged; `fault` says why it cannot be taken in, if it cannot."""

    row: dict[str, Any]
    prompt: str = ""
    instruction_at: int = 0  # where the prompt's own words begin, after its fragments
    system: str = ""
    answer: str = ""
    fault: str | None = None


@contextlib.contextmanager
def opened(path: str) -> Iterator[apsw.Connection]:
    """Open llm's log to be read. Raises InputError if it cannot be, or is none."""
    import apsw

    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise InputError(f"{path}: it is no log of llm's")
        with contextlib.closing(apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)) as log:
            log.set_busy_timeout(5_000)
            if not {"responses", "turns"} & _tables(log):
                raise InputError(f"{path}: it is no log of llm's")
            yield log
    except FileNotFoundError as error:
        hint = "`llm logs path` prints where llm keeps its log: name that file"
        raise InputError(f"{path}: no such file or directory", hint=hint) from error
    except apsw.NotADBError as error:
        raise InputError(f"{path}: it is no log of llm's") from error
    except (apsw.Error, UnicodeDecodeError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise InputError(f"{path}: {reason_of(error)}") from error


def logged(log: apsw.Connection) -> Iterator[Logged]:
    """Yield all responses of a log, the newest first.

    llm keeps a response in `turns` from version 0.32 on, before that in `responses`; some
    versions wrote both.
    """
    tables = _tables(log)
    if "turns" in tables:
        for row in _stream(log, "SELECT * FROM turns ORDER BY datetime_utc DESC, id DESC"):
            yield _readable(_turn, log, row)
    if "responses" not in tables:
        return
    more = {
        row["response_id"]: why
        for table, why in _MORE.items()
        if table in tables
        for row in _rows(log, f"SELECT DISTINCT response_id FROM {table}")
    }
    first: dict[Any, str] = {}
    order = "SELECT id, conversation_id FROM responses ORDER BY datetime_utc, id"
    for row in _stream(log, order):
        first.setdefault(row["conversation_id"] or row["id"], row["id"])
    alone = set(first.values())
    known = (
        {row["id"] for row in _rows(log, "SELECT id FROM turns")} if "turns" in tables else set()
    )
    for row in _stream(log, "SELECT * FROM responses ORDER BY datetime_utc DESC, id DESC"):
        if row["id"] in known:
            continue
        fault = more.get(row["id"]) or (None if row["id"] in alone else _FOLLOWS)
        read = functools.partial(_response, tables=tables)
        yield Logged(row, fault=fault) if fault else _readable(read, log, row)


def parcel_of(found: Logged, settings: Settings) -> Parcel | str:
    """Return a logged response as what `llmc ask` would have stored, or why it would not have.

    Its model is looked for as `llmc ask -m` does, and its price is that of its day, if known.
    """
    row = found.row
    if found.fault:
        return found.fault
    try:
        at = datetime.fromisoformat(row["datetime_utc"])
        options = _table(row["options_json"])
        response = _table(row["response_json"])
        usage = _usage(row, _table(row.get("token_details")))
        latency = float(row["duration_ms"] or 0) / 1000
        settings = settings._replace(model=row["model"])
        request = request_of(_flags(found, options), settings, Reader())
    except (ConfigError, InputError) as error:
        return str(error)
    except _ODD:
        return _UNREADABLE
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    request = request._replace(instruction_at=found.instruction_at)
    answer = Answer(
        found.answer,
        _finish_reason(response),
        model=row.get("resolved_model") or response.get("model"),
        usage=usage,
        latency=latency,
        source="import",
    )
    return _stored(request, answer, at, settings)


def _stored(request: Request, answer: Answer, at: datetime, settings: Settings) -> Parcel | str:
    """Return what a cache would have made of an answer at its time, or why nothing."""
    ask = Ask(settings.namespace, settings.cache, ttl=settings.ttl)
    if why := policy.why_not_write(request, ask, answer):
        return why
    price = pricing.price(
        request.model,
        request.base_url,
        pricing.tokens_of(answer.usage),
        served=answer.model,
        rates=settings.rates,
        at=at,
    )
    miss = Miss(request, keys.cache_key(request), keys.family_key(request), reason="")
    draft = drafting.draft_of(miss, answer, ask, sample=0, price=price, at=at.timestamp())
    return Parcel(draft, answer.latency, 0, None, pinned=False, wordings=())


# -- how it was asked ----------------------------------------------------------------------------


def _flags(found: Logged, options: dict[str, Any]) -> Flags:
    """Return the flags of `llmc ask` that say the same. Raises InputError."""
    given = {name: value for name, value in options.items() if name not in _NOT_SENT}
    temperature, limit = given.pop("temperature", None), given.pop("max_tokens", None)
    if given.pop("json_object", None):
        given["response_format"] = {"type": "json_object"}
    if "\0" in found.prompt + found.system + found.answer:
        raise InputError("it holds a NUL")
    return Flags(
        prompt=found.prompt,
        system=found.system or None,
        system_file=None,
        file=None,
        context=None,
        option=[f"{name}={json.dumps(value)}" for name, value in given.items()],
        temperature=temperature,
        max_tokens=limit,
        schema=None,
        no_stdin=True,
    )


def _table(text: str | None) -> dict[str, Any]:
    """Read a JSON object, an empty one where there is none. Raises ValueError."""
    found = json.loads(text or "{}")
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004  (a fault of the log)
    return found


def _finish_reason(response: dict[str, Any]) -> str | None:
    """Find how a provider's answer ended, whatever its dialect."""
    choices = response.get("choices") or [{}]
    choice = choices[0] if isinstance(choices, list) and isinstance(choices[0], dict) else {}
    stated = [response.get(name) for name in _FINISHED] + [choice.get("finish_reason")]
    reason = next((each for each in stated if isinstance(each, str)), None)
    return "stop" if reason in _BY_ITSELF else reason


def _usage(row: dict[str, Any], details: dict[str, Any]) -> dict[str, Any] | None:
    if row.get("input_tokens") is None or row.get("output_tokens") is None:
        return None
    counts = {"prompt_tokens": row["input_tokens"], "completion_tokens": row["output_tokens"]}
    return {**details, **counts, "total_tokens": sum(counts.values())}


# -- the two forms of the log --------------------------------------------------------------------

_FOLLOWS = "it follows earlier turns"


def _readable(
    read: Callable[[apsw.Connection, dict[str, Any]], Logged],
    log: apsw.Connection,
    row: dict[str, Any],
) -> Logged:
    try:
        return read(log, row)
    except _ODD:
        return Logged(row, fault=_UNREADABLE)


def _response(log: apsw.Connection, row: dict[str, Any], tables: set[str]) -> Logged:
    """Read a response of the older form: its fragments stand in tables of their own."""

    def fragments(table: str) -> list[str]:
        if table not in tables:
            return []
        found = _rows(
            log,
            f"SELECT f.content FROM {table} AS t JOIN fragments AS f ON f.id = t.fragment_id"
            ' WHERE t.response_id = ? ORDER BY t."order"',
            (row["id"],),
        )
        return [each["content"] for each in found]

    if row.get("schema_id"):
        return Logged(row, fault="it has a schema")
    words, before = (row["prompt"] or "").rstrip("\n"), fragments("prompt_fragments")
    prompt = "\n".join([*before, words] if words else before)
    parts = [*fragments("system_fragments"), row["system"] or ""]
    return Logged(
        row,
        prompt=prompt,
        instruction_at=len(prompt) - len(words) if before else 0,
        system="\n\n".join(part.strip() for part in parts if part.strip()),
        answer=row["response"] or "",
    )


def _turn(log: apsw.Connection, row: dict[str, Any]) -> Logged:
    """Read a turn of the newer form: messages that are linked, made of parts."""
    asked = _chain(log, row["parent_message_hash"], until=None)
    said = _chain(log, row["tip_message_hash"], until=row["parent_message_hash"])
    roles = [message["role"] for message in asked]
    if row["schema_id"]:
        return Logged(row, fault="it has a schema")
    if _rows(log, "SELECT 1 FROM turn_tools WHERE turn_id = ?", (row["id"],)):
        return Logged(row, fault="it uses tools")
    if roles not in (["user"], ["system", "user"]):
        return Logged(row, fault=_FOLLOWS)
    texts = [_text(log, message["hash"]) for message in (*asked, *said)]
    odd = next((kind for _, kind, _ in texts if kind), None)
    if odd or [message["role"] for message in said] != ["assistant"]:
        tools = odd is None or odd.startswith("tool")
        return Logged(row, fault="it uses tools" if tools else f"it has an {odd}")
    *system, (prompt, _, own), (answer, _, _) = texts
    prompt = prompt.rstrip("\n")
    return Logged(
        row,
        prompt=prompt,
        instruction_at=min(own, len(prompt)),
        system=system[0][0] if system else "",
        answer=answer,
    )


def _chain(log: apsw.Connection, tip: str | None, *, until: str | None) -> list[dict[str, Any]]:
    """Return the last messages up to `tip` in order, at most three: more are not needed."""
    found: list[dict[str, Any]] = []
    while tip and tip != until and len(found) < 3:
        found[:0] = _rows(
            log, "SELECT hash, parent_hash, role FROM messages WHERE hash = ?", (tip,)
        )
        tip = found[0]["parent_hash"] if found else None
    return found


def _text(log: apsw.Connection, message: str) -> tuple[str, str | None, int]:
    """Return a message's text, the kind of what else it holds, and where its own words begin."""
    text, odd, borrowed = "", None, 0
    for part in _rows(
        log,
        "SELECT type, text, payload FROM parts WHERE message_hash = ? ORDER BY position",
        (message,),
    ):
        if part["type"] == "reasoning":
            continue
        if part["type"] != "text":
            odd = str(part["type"])
        text += part["text"] or ""
        for piece in json.loads(part["payload"] or "{}").get("text_ref") or ():
            if "literal" in piece:
                text += piece["literal"]
                continue
            found = _rows(log, "SELECT content FROM fragments WHERE id = ?", (piece["fragment"],))
            odd = odd if found else "unknown fragment"
            text += found[0]["content"] if found else ""
            borrowed = len(text)
    # A line break stands between fragments and the words after them.
    return text, odd, borrowed + (text[borrowed : borrowed + 1] == "\n") if borrowed else 0


def _tables(log: apsw.Connection) -> set[str]:
    return {row["name"] for row in _rows(log, "SELECT name FROM sqlite_schema")}


def _rows(log: apsw.Connection, sql: str, values: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
    return list(_stream(log, sql, values))


def _stream(
    log: apsw.Connection, sql: str, values: tuple[Any, ...] = ()
) -> Iterator[dict[str, Any]]:
    """Yield rows by column, one by one: a log may be larger than the memory."""
    cursor = log.execute(sql, values)
    for row in cursor:
        names = (column[0] for column in cursor.get_description())
        yield dict(zip(names, row, strict=True))
