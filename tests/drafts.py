"""What a test stores: answers with plausible values, and lines of the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llmc import keys
from llmc.pricing import tokens_of
from llmc.store import Store
from llmc.types import Answer, Draft, Entry, Line, Price, Request, Tokens

BASE_URL = "http://127.0.0.1:9/v1"
USAGE = {"prompt_tokens": 100, "completion_tokens": 20}


def question(
    prompt: str = "which colour?",
    *,
    system: str = "",
    model: str = "m",
    base_url: str = BASE_URL,
    **parameters: Any,
) -> Request:
    """A request as `ask` would build it."""
    said = [{"role": "system", "content": system}] if system else []
    messages = [*said, {"role": "user", "content": prompt}]
    return Request(base_url, {"model": model, "messages": messages, **parameters})


def draft(
    prompt: str = "which colour?",
    answer: str | Answer = "blue",
    *,
    system: str = "",
    model: str = "m",
    usage: dict[str, Any] | None = USAGE,
    **changes: Any,
) -> Draft:
    """An entry before it has an id, its keys those of the request it answers."""
    request = question(prompt, system=system, model=model)
    if isinstance(answer, str):
        answer = Answer(answer, "stop", usage=usage, latency=2.0)
    frame, scope_hash = keys.frame_of(request)
    made = Draft(
        namespace="default",
        key=keys.cache_key(request),
        sample=0,
        family=keys.family_key(request),
        token_limit=None,
        scope_hash=scope_hash,
        base_url=request.base_url,
        model=model,
        system=system,
        frame=frame,
        prompt=prompt,
        source="model",
        created_at=1000.0,
        expires_at=None,
        answer=answer,
        tokens=tokens_of(usage),
        price=Price(5000, "test", 0),
    )
    return made._replace(**changes)


def entry(**changes: Any) -> Entry:
    """A stored answer."""
    made = Entry(
        id=7,
        namespace="default",
        key=b"k" * 32,
        sample=0,
        token_limit=None,
        model="m",
        prompt="which colour?",
        answer="blue",
        choices=None,
        finish_reason="stop",
        served_model=None,
        temperature=None,
        tokens=Tokens(100, 20),
        cost=5000,
        latency=2.0,
        created_at=1000.0,
        expires_at=None,
    )
    return made._replace(**changes)


def line(**changes: Any) -> Line:
    """A line of the ledger: one priced call of the model."""
    made = Line(
        at=1000.0,
        source="model",
        namespace="default",
        model="m",
        latency=2.0,
        prompt_tokens=100,
        completion_tokens=20,
        spent_nusd=5000,
    )
    return made._replace(**changes)


def hit_line(entry_id: int | None = None, **changes: Any) -> Line:
    """A line of the ledger: one exact hit."""
    hit = {"source": "exact", "level": 2, "latency": 0.01, "spent_nusd": 0, "avoided_nusd": 5000}
    return line(entry_id=entry_id, **{**hit, "avoided_latency": 2.0, **changes})


def new_store(path: Path) -> Store:
    """Open a new cache file. It is made once and copied from then on: making one waits for the
    disk five times, 50 ms on a busy one.
    """
    if _NEW:
        path.parent.mkdir(parents=True)
        for suffix, content in _NEW.items():
            Path(f"{path}{suffix}").write_bytes(content)
    else:
        Store(str(path)).close()
        _NEW.update((suffix, Path(f"{path}{suffix}").read_bytes()) for suffix in ("", "-wal"))
    return Store(str(path))


_NEW: dict[str, bytes] = {}


def vectors_in(store: Store, space: int) -> int:
    """How many vectors a space of a cache file holds."""
    return next(each.vectors for each in store.vectors.spaces() if each.id == space)
