"""How many questions in other words are answered, and how many of them wrongly?

python benchmarks/semantic.py --data DIR --model DIR [--half look-at|untouched] [--vectors FILE]

DIR of the data holds labelled pairs and groups, tab-separated with a header; a file that is not
there is left out. DIR of the model holds all-MiniLM-L6-v2 as `llmc model pull --from` takes it.
The rules were written looking at one half of each set, chosen by a hash; the other was read last.

- qqp_nn_gold.tsv: question1, question2, label, weight: nearest neighbours in a stream of 41,306
  questions, judged; a pair stands for `weight` requests.
- cli_pairs.tsv, mqp.tsv, gptcache_mock_data.tsv: question1, question2, label.
- text2sql_clusters.tsv, banking77_intents.tsv: question, and cluster or intent: those of one group
  have one answer. Each question is asked of all others; the nearest five are judged as in a lookup.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from llmc import semantic, weights
from llmc.minilm import MiniLM
from llmc.semantic import Question, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: Requests in the stream that the pairs of qqp_nn_gold.tsv were drawn from.
STREAM = 41_306

PROMISES = ("10%", "5%", "strict")
PAIRS = ("qqp_nn_gold", "cli_pairs", "mqp", "gptcache_mock_data")
GROUPS = {"text2sql_clusters": "cluster", "banking77_intents": "intent"}

#: Twenty prompts of one template, one line of them differing, as a batch makes them.
TEMPLATE = "Classify the sentiment of this review as positive or negative.\nReview: {}\nSentiment:"
REVIEWS = (
    "The battery lasts two days", "The battery lasts two hours", "It broke after a week",
    "It never broke in a year", "Great value for the money", "Poor value for the money",
    "I would buy it again", "I would not buy it again", "The screen is bright and sharp",
    "The screen is dim and blurred", "Delivery was quick", "Delivery was slow",
    "Support answered at once", "Support never answered", "My daughter loves it",
    "My daughter hates it", "Easy to set up", "Hard to set up", "Works with my phone",
    "Works without my phone",
)  # fmt: skip


class Pair(NamedTuple):
    """Two questions, their similarity, if one answer serves both, and the requests they stand for."""

    first: str
    second: str
    similarity: float
    right: bool
    weight: float


class Tally(NamedTuple):
    """Requests that hit, those of them that hit wrongly, and the number of judged pairs of both."""

    hits: float = 0.0
    wrong: float = 0.0
    judged: int = 0
    judged_wrong: int = 0

    def plus(self, *, right: bool, weight: float = 1.0) -> Tally:
        """Count one more."""
        bad = not right
        return Tally(
            self.hits + weight, self.wrong + weight * bad, self.judged + 1, self.judged_wrong + bad
        )

    def share(self) -> str:
        """Say which part of the hits is wrong, in percent."""
        return f"{100 * self.wrong / self.hits:.1f} %" if self.hits else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled pairs")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model's files")
    parser.add_argument(
        "--half", choices=("look-at", "untouched"), help="of each set; default: all"
    )
    parser.add_argument("--vectors", type=Path, help="keep the vectors here, to run again")
    parser.add_argument("--show", metavar="SET", help="print each decision on this set's pairs")
    options = parser.parse_args()
    half = {"look-at": 0, "untouched": 1, None: None}[options.half]
    embed = Vectors(options.model, options.vectors)
    found = {name: _pairs(options.data, name, half, embed) for name in PAIRS}
    if options.show:
        show(found[options.show])
        return
    print("| set | threshold | hits | wrong among them | bare threshold: hits | wrong |")
    print("|---|---|---|---|---|---|")
    for name, pairs in found.items():
        rows(name, pairs, share=1 if half is None else 2)
    for name, group in GROUPS.items():
        stream(name, group, options.data, half, embed)
    if pairs := found["qqp_nn_gold"]:
        equal_error(pairs, share=1 if half is None else 2)
    batch(embed)
    speed([pair for pairs in found.values() for pair in pairs])


class Vectors:
    """Embeds texts once, and keeps what it embedded in a file if it is given one."""

    def __init__(self, model: Path, path: Path | None) -> None:
        self._folder = model
        self._path = path
        self._known: dict[str, np.ndarray] = {}
        if path is not None and path.exists():
            with np.load(path) as kept:
                self._known = dict(zip(kept["texts"].tolist(), kept["vectors"], strict=True))

    def __call__(self, texts: Iterable[str]) -> np.ndarray:
        """Return an array of one unit vector a text."""
        wanted = list(texts)
        missing = sorted({text for text in wanted if text not in self._known}, key=len)
        if missing:
            self._embed(missing)
        return np.array([self._known[text] for text in wanted])

    def _embed(self, texts: list[str]) -> None:
        with tempfile.TemporaryDirectory(prefix="llmc-benchmarks-") as folder:
            if (self._folder / "model.safetensors").exists():
                weights.install(str(self._folder), folder, model=weights.MINILM)
                model = MiniLM(folder)
            else:
                model = MiniLM(str(self._folder))
            for at in range(0, len(texts), 64):
                some = texts[at : at + 64]
                for text, vector in zip(some, model.embed(some).vectors, strict=True):
                    self._known[text] = np.frombuffer(vector, "<f4")
                print(f"\r# embedded {at + len(some):,} of {len(texts):,}", end="", file=sys.stderr)
        print(file=sys.stderr)
        if self._path is not None:
            np.savez(self._path, texts=list(self._known), vectors=list(self._known.values()))


# -- pairs ---------------------------------------------------------------------------------------


def _read(data: Path, name: str) -> Iterator[dict[str, str]]:
    path = data / f"{name}.tsv"
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def _pairs(data: Path, name: str, half: int | None, embed: Vectors) -> list[Pair]:
    read = [row for row in _read(data, name) if _in_half(row["question1"], row["question2"], half)]
    first = [" ".join(row["question1"].split()) for row in read]
    second = [" ".join(row["question2"].split()) for row in read]
    if not read:
        return []
    similar = np.sum(embed(first) * embed(second), axis=1).tolist()
    return [
        Pair(*texts, row["label"] == "1", float(row.get("weight") or 1))
        for *texts, row in zip(first, second, similar, read, strict=True)
    ]


def _in_half(first: str, second: str, half: int | None) -> bool:
    words = "\t".join(sorted(" ".join(text.split()) for text in (first, second)))
    return half is None or hashlib.blake2b(words.encode(), digest_size=1).digest()[0] & 1 == half


def refusal(pair: Pair, threshold: float) -> Refusal | None:
    """Say what a lookup would say of a pair."""
    questions = [semantic.question(text) for text in (pair.first, pair.second)]
    for found in questions:
        if isinstance(found, Refusal):
            return found
    new, stored = (found for found in questions if isinstance(found, Question))
    return semantic.accept(new, stored, similarity=pair.similarity, threshold=threshold)


def tally(pairs: list[Pair], threshold: float, *, guarded: bool) -> Tally:
    """Count what is served from a threshold on, with the guards or without."""
    found = Tally()
    for pair in pairs:
        if pair.similarity >= threshold and not (guarded and refusal(pair, threshold)):
            found = found.plus(right=pair.right, weight=pair.weight)
    return found


def rows(name: str, pairs: list[Pair], *, share: int) -> None:
    """Print a set's figures at the threshold of each promise."""
    for promise in PROMISES if pairs else ():
        limit, _ = semantic.threshold("minilm", promise)
        ours, bare = (tally(pairs, limit, guarded=guarded) for guarded in (True, False))
        if name == "qqp_nn_gold":
            told = [f"{100 * share * t.hits / STREAM:.2f} % of requests" for t in (ours, bare)]
        else:
            right = sum(pair.right for pair in pairs)
            told = [f"{t.judged - t.judged_wrong} of {right} right" for t in (ours, bare)]
        wrong = [f"{t.share()} ({t.judged_wrong} of {t.judged} judged)" for t in (ours, bare)]
        print(f"| {name} | {limit} | {told[0]} | {wrong[0]} | {told[1]} | {wrong[1]} |")


def equal_error(pairs: list[Pair], *, share: int, limit: float = 0.05) -> None:
    """Print the most hits that any threshold gives within a share of wrong ones."""
    best = []
    for guarded in (True, False):
        served = [p for p in pairs if p.similarity >= 0.8 and not (guarded and refusal(p, 0.8))]
        found, most = Tally(), 0.0
        for pair in sorted(served, key=lambda pair: -pair.similarity):
            found = found.plus(right=pair.right, weight=pair.weight)
            if found.wrong <= limit * found.hits:
                most = found.hits
        best.append(100 * share * most / STREAM)
    print(
        f"\nqqp_nn_gold, at most {limit:.0%} wrong by the best threshold in hindsight:"
        f" {best[0]:.2f} % of requests hit, {best[1]:.2f} % by a bare threshold"
        f" ({best[0] / best[1]:.2f} ×)"
    )


def show(pairs: list[Pair]) -> None:
    """Print each pair from 0.9 on with what the decision says of it."""
    for pair in sorted(pairs, key=lambda pair: -pair.similarity):
        if pair.similarity >= 0.9:
            said = refusal(pair, 0.9)
            mark = "right" if pair.right else "WRONG"
            told = f"{said.guard}: {said.detail}" if said else "served"
            print(f"{pair.similarity:.3f} {mark} {told}\n  {pair.first}\n  {pair.second}")


# -- groups --------------------------------------------------------------------------------------


def stream(name: str, group: str, data: Path, half: int | None, embed: Vectors) -> None:
    """Print how each question of a set fares against all others of it."""
    read = [row for row in _read(data, name) if _in_half(row[group], "", half)]
    groups: dict[str, set[str]] = {}
    for row in read:
        groups.setdefault(" ".join(row["question"].split()), set()).add(row[group])
    texts = list(groups)
    for limit in (0.9, 0.955, 0.96, 0.98) if texts else ():
        told = []
        for guarded in (True, False):
            found = Tally()
            for at, nearest in _nearest(texts, embed(texts), limit, guarded=guarded):
                found = found.plus(right=bool(groups[texts[at]] & groups[texts[nearest]]))
            told.append(f"{100 * found.hits / len(texts):.1f} % of questions | {found.share()}")
        print(f"| {name} | {limit} | {told[0]} | {told[1]} |")


def _nearest(
    texts: list[str], vectors: np.ndarray, limit: float, *, guarded: bool
) -> Iterator[tuple[int, int]]:
    """Yield each question that is served, with the one whose answer it gets."""
    questions = [semantic.question(text) for text in texts]
    groups: dict[object, list[int]] = {}
    for at, found in enumerate(questions):
        if not guarded:
            groups.setdefault(None, []).append(at)
        elif isinstance(found, Question):
            groups.setdefault((found.rest, found.slots), []).append(at)
    for members in groups.values():
        own = vectors[members]
        for row, at in enumerate(members):
            similar = own @ own[row]
            similar[row] = -1
            for near in np.argsort(-similar)[: 5 if guarded else 1].tolist():
                pair = Pair(texts[at], texts[members[near]], float(similar[near]), True, 1)
                if pair.similarity < limit:
                    break
                if not (guarded and refusal(pair, limit)):
                    yield at, members[near]
                    break


def batch(embed: Vectors) -> None:
    """Print how many prompts of one template are served another's answer."""
    texts = [TEMPLATE.format(review) for review in REVIEWS]
    vectors = embed(" ".join(text.split()) for text in texts)
    served = [list(_nearest(texts, vectors, 0.9, guarded=guarded)) for guarded in (True, False)]
    print(
        f"\n{len(texts)} prompts of one template, one line differing, at 0.9: {len(served[0])}"
        f" served another's answer, {len(served[1])} by a bare threshold"
    )


def speed(pairs: list[Pair]) -> None:
    """Print what deciding costs, each text seen for the first time."""
    for what, run in (
        ("a question taken apart", lambda pair: semantic.question(pair.first)),
        ("a pair decided", lambda pair: refusal(pair, 0.0)),
    ):
        print(f"{what}: {_microseconds(run, pairs):.0f} µs", end="; ")
    print("CPU, mean, nothing kept from before")


def _microseconds(run: Callable[[Pair], object], pairs: list[Pair]) -> float:
    semantic.english.parse.cache_clear()
    begin = time.process_time()
    for pair in pairs:
        run(pair)
    return (time.process_time() - begin) / max(len(pairs), 1) * 1e6


if __name__ == "__main__":
    main()
