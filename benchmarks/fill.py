"""Make a cache file of N entries as llmc itself would, and say in JSON what is in it.

    python benchmarks/fill.py PATH N

Runs with the Python of the environment that is measured. Every entry goes the whole way of
`Cache.ask` (lookup, model, put, ledger line) with a model that answers at once. Texts are runs of
words of Python's own language reference, which comes with every Python: real English, the
vocabulary of technical questions.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pydoc_data.topics import topics
from typing import Any

from llmc import config, layout
from llmc.cache import Cache
from llmc.store import Store
from llmc.types import Answer, Ask, Price, Request

#: Words of a question and of an answer: at least, and on average.
QUESTION, ANSWER = (6, 25), (40, 150)

COST = 4_100_000  # nano-USD


class Texts:
    """Questions and answers, the same ones every time."""

    def __init__(self) -> None:
        self._words = " ".join(topics[name] for name in sorted(topics)).split()
        self._random = random.Random(1)

    def question(self, number: int) -> str:
        """Return a question that no other number has."""
        return f"{self._run(*QUESTION)} ({number})?"

    def answer(self) -> str:
        """Return an answer, in lines of twelve words."""
        words = self._run(*ANSWER).split(" ")
        return "\n".join(" ".join(words[at : at + 12]) for at in range(0, len(words), 12))

    def _run(self, least: int, mean: int) -> str:
        length = least + int(self._random.expovariate(1 / (mean - least)))
        start = self._random.randrange(len(self._words) - length)
        return " ".join(self._words[start : start + length])


class Model:
    """Answers at once."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def ask(self, request: Request, **_: Any) -> Answer:
        """Return an answer that ended by itself."""
        text = self._texts.answer()
        question = len(request.body["messages"][-1]["content"]) // 4
        tokens = {"prompt_tokens": question, "completion_tokens": len(text) // 4}
        usage = {**tokens, "total_tokens": sum(tokens.values())}
        return Answer(text, "stop", model=request.model, usage=usage, temperature=0.0, latency=1.9)


def main() -> None:
    path, entries = sys.argv[1], int(sys.argv[2])
    started = time.monotonic()
    settings = config.load({"db": path})
    endpoint, name = config.endpoint_of(settings)
    texts = Texts()
    model, store = Model(texts), Store(settings.db)
    now = time.time()
    asked: list[str] = []
    cache = Cache(
        store=store,
        connect=lambda _: model,
        price=lambda *_: Price(COST, "benchmark"),
        clock=lambda: now - 90 * 86400 * (1 - len(asked) / entries),
        timer=time.monotonic,
        draw=lambda _: 0,
        note=sys.exit,
    )
    # What a power cut would cost does not matter here, and the file becomes the same.
    store.file.execute("PRAGMA synchronous = OFF")
    for number in range(entries):
        asked.append(texts.question(number))
        body = {"model": name, "messages": layout.messages(asked[-1])}
        request = Request(endpoint.base_url, body, provider=endpoint.name)
        cache.ask(request, Ask(namespace=settings.namespace))
    rows = store.file.rows(
        "SELECT avg(length(CAST(prompt AS BLOB))), avg(length(CAST(answer AS BLOB))),"
        " count(*) FROM entry"
    )
    before = sizes(path)
    store.file.scrub()
    after = sizes(path)
    index = store.file.rows(
        "SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 AND name LIKE 'entry_text%'"
    )
    cache.close()
    print(
        json.dumps(
            {
                "entries": rows[0][2],
                "question": min(asked, key=lambda text: abs(len(text) - rows[0][0])),
                "prompt_bytes": rows[0][0],
                "answer_bytes": rows[0][1],
                "before": before,
                "after": after,
                "index_bytes": index[0][0],
                "seconds": time.monotonic() - started,
            }
        )
    )


def sizes(path: str) -> dict[str, int]:
    """Return the bytes of the file and of its write-ahead log."""
    wal = f"{path}-wal"
    log = os.path.getsize(wal) if os.path.exists(wal) else 0
    return {"file": os.path.getsize(path), "wal": log}


if __name__ == "__main__":
    main()
