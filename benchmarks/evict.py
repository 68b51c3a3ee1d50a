"""How many dollars does a cache of so many megabytes save, by what goes first where it is full?

python benchmarks/evict.py [--requests N] [--questions N] [--seed N]

Replays streams of questions against the real store and its eviction, with a clock of its own. How
often a question is asked follows Zipf's law; what it costs is what genai-prices says of its model
and tokens; what it takes are real texts, full-text index and all. Models, documents and hidden
reasoning are drawn independently of popularity, so that nothing favours a rule by construction.
In `shifting` streams a fifth of the questions is renamed eight times: what was popular goes quiet.
"""

from __future__ import annotations

import bisect
import itertools
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fill import Texts
from measure import Row, kept, options_of, say, tell

from llmc import keys, pricing
from llmc.store import Store
from llmc.types import Answer, Draft, Evict, Limits, Line, Request, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE_URL = "https://api.openai.com/v1"
MODELS = {"gpt-5-nano": 4, "gpt-5-mini": 4, "gpt-5": 2}

#: Exponents of Zipf's law, and the megabytes that the file may have.
ALPHAS, MEGABYTES = (0.7, 1.0), (1, 3, 8)

#: The stream and the size that stand for the others.
SHOWN = ("steady, Zipf 0.7", 3)


class Item(NamedTuple):
    """A question with its answer, and what that costs each time it is asked for."""

    draft: Draft
    cost: int


def items(count: int, seed: int) -> list[Item]:
    """Return so many different questions."""
    draw, texts = random.Random(seed), Texts()
    return [_item(number, draw, texts) for number in range(count)]


def _item(number: int, draw: random.Random, texts: Texts) -> Item:
    model = draw.choices(list(MODELS), list(MODELS.values()))[0]
    document = texts.answer() * draw.randrange(2, 20) if draw.random() < 0.3 else ""
    question, answer = f"{document}\n\n{texts.question(number)}".strip(), texts.answer()
    hidden = int(draw.lognormvariate(6.5, 1)) if draw.random() < 0.5 else 0
    tokens = Tokens(len(question) // 4, len(answer) // 4 + hidden)
    body = {"model": model, "messages": [{"role": "user", "content": question}]}
    request = Request(BASE_URL, body)
    frame, scope_hash = keys.frame_of(request)
    price = pricing.price(model, BASE_URL, tokens)
    made = Draft(
        namespace="default",
        key=keys.cache_key(request),
        sample=0,
        family=keys.family_key(request),
        token_limit=None,
        scope_hash=scope_hash,
        base_url=BASE_URL,
        model=model,
        system="",
        frame=frame,
        prompt=question,
        source="model",
        created_at=0.0,
        expires_at=None,
        answer=Answer(answer, "stop", latency=2.0),
        tokens=tokens,
        price=price,
    )
    return Item(made, price.cost or 0)


def stream(count: int, questions: int, alpha: float, *, shifts: int, seed: int) -> Iterator[int]:
    """Yield the numbers of the questions that are asked, the popular ones more often."""
    draw = random.Random(f"{seed} {alpha} {shifts}")
    weights = list(itertools.accumulate(1 / rank**alpha for rank in range(1, questions + 1)))
    order = draw.sample(range(questions), questions)
    for asked in range(count):
        if shifts and asked and asked % (count // (shifts + 1)) == 0:
            moved = draw.sample(range(questions), questions // 5)
            for one, other in zip(moved, draw.sample(moved, len(moved)), strict=True):
                order[one], order[other] = order[other], order[one]
        yield order[bisect.bisect_left(weights, draw.random() * weights[-1])]


def saved(asked: list[int], known: list[Item], limits: Limits) -> float:
    """Return the dollars that a cache saves, and check that it keeps to its limit."""
    total = 0
    with tempfile.TemporaryDirectory(prefix="llmc-evict-") as folder:
        with Store(os.path.join(folder, "llmc.db"), limits=limits) as store:
            store.file.execute("PRAGMA synchronous = OFF")
            for second, number in enumerate(asked):
                item, at = known[number], 60.0 * second
                found = store.family("default", item.draft.family)
                if found:
                    total += item.cost
                    store.record(_line(item, at, "exact", found[0].id))
                else:
                    store.put(item.draft._replace(created_at=at), _line(item, at, "model"))
            size = store.file.size()
        if limits.max_size and size > 1.1 * limits.max_size:
            raise SystemExit(f"{size:,} bytes of {limits.max_size:,}")
    return total / 1e9


def _line(item: Item, at: float, source: str, entry_id: int | None = None) -> Line:
    return Line(at, source, "default", item.draft.model, 0.01, entry_id=entry_id)


def rows(*, requests: int, questions: int, seed: int) -> Iterator[Row]:
    """Replay every stream at every size under every rule."""
    known = items(questions, seed)
    for alpha, shifts in itertools.product(ALPHAS, (0, 8)):
        asked = list(stream(requests, questions, alpha, shifts=shifts, seed=seed))
        name = f"{'shifting' if shifts else 'steady'}, Zipf {alpha}"
        possible = sum(known[n].cost for n in asked) - sum(known[n].cost for n in set(asked))
        for megabytes in MEGABYTES:
            say(f"{name}, {megabytes} MB")
            found = {
                evict: saved(asked, known, Limits(max_size=megabytes * 10**6, evict=evict))
                for evict in get_args(Evict)
            }
            yield from _compared(name, megabytes, found, possible / 1e9)


def _compared(
    stream: str, megabytes: int, saved: dict[str, float], possible: float
) -> Iterator[Row]:
    """Say what `value` saves, beside the other rules, and of what no limit would save."""
    best = saved["value"]
    mark = "" if (stream, megabytes) == SHOWN else "— "
    what = f"{mark}dollars saved by a cache of {megabytes} MB that is full ({stream})"
    told = f"${best / megabytes:.3f} a MB, {best / possible:.0%} of what no limit saves"
    for number, other in enumerate(("oldest", "lru")):
        what = what if number == 0 else f"— {what.removeprefix('— ')}"
        ratio = best / saved[other]
        yield Row(what, told, ratio, f"`evict = {other}`", kept(ratio, 1.0, least=True))


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=6_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = rows(requests=options.requests, questions=options.questions, seed=options.seed)
    tell(found, as_json=options.json)


if __name__ == "__main__":
    main()
