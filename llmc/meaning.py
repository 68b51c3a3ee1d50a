"""Which stored question means the same as this one? Embed, search, accept, and say why not.

The decision itself is `semantic`'s. Whatever fails here, an embedder, the index or the file, makes
a miss with a reason, never a hit.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple, Protocol

from llmc import keys, policy, semantic
from llmc.errors import CacheFileError, EmbeddingError
from llmc.semantic import Refusal
from llmc.types import Alias, Vector, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from llmc.embedder import Embedder
    from llmc.paraphrases import Paraphrases
    from llmc.semantic import Question
    from llmc.types import Ask, Entry, Request
    from llmc.vectors import Due, Vectors

__all__ = ["Chosen", "Found", "Meaning", "Near", "pair_of", "verdict_on"]

#: Stored questions without a vector that one lookup embeds beside its own: about half a second of
#: the local model, one request to an endpoint.
_CATCH_UP = 127


class Chosen(NamedTuple):
    """The embedder that the settings choose, not opened yet.

    `price` turns the tokens that were billed for some texts into nano-USD.
    """

    name: str
    local: bool
    open: Callable[[], Embedder]
    price: Callable[[int | None, Sequence[str]], int]


class Shelf(Protocol):
    """Where entries and their vectors are kept; all methods raise CacheFileError."""

    @property
    def vectors(self) -> Vectors: ...
    @property
    def paraphrases(self) -> Paraphrases: ...
    def entry(self, entry_id: int) -> Entry | None: ...
    def transaction(self) -> AbstractContextManager[None]: ...


class Found(NamedTuple):
    """What a search came to: an entry with the wording it was accepted for, or a reason."""

    entry: Entry | None = None
    alias: Alias | None = None
    reason: str = ""
    vector: Vector | None = None
    cost: int = 0  # of embedding, in nano-USD


class Near(NamedTuple):
    """A stored question near another one, and why it may not answer for it, if so."""

    entry: Entry
    similarity: float
    refusal: Refusal | None


class Meaning:
    """Searches one cache file by meaning, with one embedder and one threshold."""

    def __init__(
        self,
        shelf: Shelf,
        chosen: Chosen,
        *,
        error: str,
        threshold: float | None,
        clock: Callable[[], float],
        note: Callable[[str], None],
    ) -> None:
        """Take the parts; nothing is opened yet.

        `threshold` is a cosine that stands in for the one that the promised `error` means.
        """
        self._shelf = shelf
        self.chosen = chosen
        self._error = error
        self._stated = threshold
        self._clock = clock
        self._note = note
        self._embedder: Embedder | None = None

    def threshold(self) -> tuple[float, bool]:
        """Return the similarity from which questions may match, and whether it was measured."""
        if self._stated is not None:
            return self._stated, False
        report = self._shelf.paraphrases.calibration(self.chosen.name)
        return semantic.threshold(
            self.chosen.name, self._error, report and report.get("thresholds")
        )

    def find(self, request: Request, ask: Ask, *, key: bytes, scope_hash: bytes) -> Found:
        """Look for an entry whose question means the same.

        1. What of the request may be compared by meaning? Some questions may not at all.
        2. A wording accepted before is found by its key, without embedding.
        3. The question is embedded, and with it those of its scope that have no vector yet.
        4. Of the five nearest in its group, the first that `semantic.accept` lets pass.
        """
        asked = _question(request)
        if isinstance(asked, Refusal):
            return Found(reason=f"exact only: {asked.detail}")
        try:
            if learned := self._learned(asked, ask, key):
                return learned
            if ask.offline and not self.chosen.local:
                return Found(reason="offline, no embedder is asked")
            return self._nearest(asked, request, ask, key, scope_hash)
        except (CacheFileError, EmbeddingError) as error:
            self._note(f"{error}; matching the same words only")
            return Found(reason=str(error))

    def vector(self, request: Request, namespace: str, scope_hash: bytes) -> Vector | None:
        """Return the vector to store with an answer, where that costs nothing and may be had."""
        if not self.chosen.local:
            return None
        asked = _question(request)
        if isinstance(asked, Refusal):
            return None
        try:
            numbers = self._opened().embed([asked.text]).vectors[0]
        except EmbeddingError as error:
            self._note(f"{error}; the answer is stored without its vector")
            return None
        return Vector(self.chosen.name, _group(namespace, scope_hash, asked), numbers)

    def near(self, request: Request, ask: Ask, *, scope_hash: bytes, k: int = 5) -> list[Near]:
        """Return the stored questions nearest to one, wherever they stand, and what bars each.

        Raises CacheFileError and EmbeddingError.
        """
        asked = _question(request)
        if isinstance(asked, Refusal):
            return []
        threshold, _ = self.threshold()
        vector = self._opened().embed([asked.text]).vectors[0]
        vectors = self._shelf.vectors
        space = vectors.space(self.chosen.name, len(vector) // 4)
        if space is None:
            return []
        found = []
        for neighbour in vectors.anywhere(space, vector=vector, k=k):
            entry = self._shelf.entry(neighbour.entry_id)
            if entry is None:
                continue
            refusal = self._elsewhere(entry, ask, scope_hash) or self._barred(
                asked, entry, neighbour.similarity, threshold
            )
            found.append(Near(entry, neighbour.similarity, refusal))
        return found

    # -- the small print -------------------------------------------------------------------------

    def _learned(self, asked: Question, ask: Ask, key: bytes) -> Found | None:
        alias = self._shelf.paraphrases.alias(ask.namespace, key)
        if alias is None or alias.embedder != self.chosen.name:
            return None
        entry = self._shelf.entry(alias.entry_id)
        if entry is None or not self._may_serve(entry, ask):
            return None
        # Its key says that the scope is the same; rules and threshold may have changed since.
        threshold, _ = self.threshold()
        refusal = self._barred(asked, entry, alias.similarity, threshold)
        return None if refusal else Found(entry, alias)

    def _nearest(
        self, asked: Question, request: Request, ask: Ask, key: bytes, scope_hash: bytes
    ) -> Found:
        space, vector, cost = self._embed(asked, ask.namespace, scope_hash)
        threshold, _ = self.threshold()
        found = Found(vector=vector, cost=cost, reason="no stored question is near enough")
        neighbours = self._shelf.vectors.nearest(
            space,
            group=vector.group,
            namespace=ask.namespace,
            scope_hash=scope_hash,
            vector=vector.numbers,
            threshold=threshold,
            now=self._clock(),
        )
        for entry_id, similarity in neighbours:
            entry = self._shelf.entry(entry_id)
            if entry is None or not self._may_serve(entry, ask):
                continue
            refusal = self._barred(asked, entry, similarity, threshold)
            if refusal is None:
                alias = Alias(
                    ask.namespace,
                    key,
                    entry_id,
                    vector.embedder,
                    similarity,
                    keys.prompt_of(request),
                    request.instruction_at,
                )
                return found._replace(entry=entry, alias=alias, reason="")
            if found.reason.startswith("no stored"):
                found = found._replace(
                    reason=f"entry {entry_id} is near ({similarity:.3f}), but: {refusal.detail}"
                )
        return found

    def _embed(self, asked: Question, namespace: str, scope_hash: bytes) -> tuple[int, Vector, int]:
        """Embed a question and what its scope is behind with; return space, vector and cost."""
        embedder, vectors = self._opened(), self._shelf.vectors
        space = vectors.space(self.chosen.name, embedder.dimension)
        due = self._due(space, namespace, scope_hash)
        texts = [asked.text, *(text for _, _, text in due)]
        embedded = embedder.embed(texts)
        cost = self.chosen.price(embedded.tokens, texts)
        numbers = embedded.vectors[0]
        vector = Vector(self.chosen.name, _group(namespace, scope_hash, asked), numbers)
        known = vectors.space(self.chosen.name, len(numbers) // 4)
        if known is not None and known == space:
            self._add(known, due, embedded.vectors[1:])
            return known, vector, cost
        if known is None:
            with self._shelf.transaction():
                known = vectors.make_space(self.chosen.name, len(numbers) // 4)
        due = self._due(known, namespace, scope_hash)
        if due:
            texts = [text for _, _, text in due]
            embedded = embedder.embed(texts)
            cost += self.chosen.price(embedded.tokens, texts)
            self._add(known, due, embedded.vectors)
        return known, vector, cost

    def _due(
        self, space: int | None, namespace: str, scope_hash: bytes
    ) -> list[tuple[int, int, str]]:
        """Return entry, group and text of what has no vector yet; strike off what gets none."""
        if space is None:
            return []
        vectors = self._shelf.vectors
        due = vectors.due(space, namespace=namespace, scope_hash=scope_hash, limit=_CATCH_UP)
        questions = [(entry.entry_id, _question(_request(entry))) for entry in due]
        barred = [entry_id for entry_id, found in questions if isinstance(found, Refusal)]
        if barred:
            self._write(lambda: vectors.not_eligible(space, barred))
        return [
            (entry_id, _group(namespace, scope_hash, found), found.text)
            for entry_id, found in questions
            if not isinstance(found, Refusal)
        ]

    def _add(self, space: int, due: list[tuple[int, int, str]], vectors: Sequence[bytes]) -> None:
        def add() -> None:
            for (entry_id, group, _), numbers in zip(due, vectors, strict=True):
                self._shelf.vectors.add(space, entry_id, group=group, vector=numbers)

        if due:
            self._write(add)

    def _write(self, change: Callable[[], None]) -> None:
        """Make a change that the next lookup would make as well: a file may be read-only."""
        try:
            with self._shelf.transaction():
                change()
        except CacheFileError:
            return

    def _may_serve(self, entry: Entry, ask: Ask) -> bool:
        return policy.is_fresh(entry, self._clock()) and policy.suits(entry, ask.mode)

    def _elsewhere(self, entry: Entry, ask: Ask, scope_hash: bytes) -> Refusal | None:
        """Say what keeps an entry from being compared with a question at all."""
        if entry.namespace != ask.namespace:
            return Refusal("namespace", f"it is in the namespace {entry.namespace!r}")
        if entry.scope_hash != scope_hash:
            return Refusal("scope", "more than its last words differ")
        if not self._may_serve(entry, ask):
            return Refusal("life", "it has expired, or is not a deterministic answer")
        return None

    def _barred(
        self, asked: Question, entry: Entry, similarity: float, threshold: float
    ) -> Refusal | None:
        """Say what bars an entry of the question's own scope."""
        stored = semantic.question(entry.prompt, at=entry.instruction_at)
        if isinstance(stored, Refusal):
            return stored
        pair = pair_of(entry.scope_hash, asked.text, stored.text)
        vetoed = self._shelf.paraphrases.is_vetoed(pair)
        return semantic.accept(
            asked, stored, similarity=similarity, threshold=threshold, vetoed=vetoed
        )

    def _opened(self) -> Embedder:
        if self._embedder is None:
            self._embedder = self.chosen.open()
        return self._embedder


def pair_of(scope_hash: bytes, first: str, second: str) -> bytes:
    """Return the hash by which a verdict knows two questions of one scope, in either order."""
    pair = semantic.pair_key(first, second)
    words = pair.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(scope_hash + words, digest_size=16).digest()


def verdict_on(alias: Alias, entry: Entry, *, origin: str, right: bool, at: float) -> Verdict:
    """Say in hashes and numbers whether an entry's answer served another wording rightly."""
    asked = alias.prompt[alias.instruction_at :]
    stored = entry.prompt[entry.instruction_at :]
    return Verdict(
        pair=pair_of(entry.scope_hash, asked, stored),
        origin=origin,
        right=right,
        namespace=entry.namespace,
        embedder=alias.embedder,
        similarity=alias.similarity,
        at=at,
    )


def _question(request: Request) -> Question | Refusal:
    return semantic.question(
        keys.prompt_of(request), at=request.instruction_at, follows=keys.follows(request)
    )


def _request(due: Due) -> Request:
    request = keys.request_from(due.frame, due.prompt)
    return request._replace(instruction_at=due.instruction_at)


def _group(namespace: str, scope_hash: bytes, question: Question) -> int:
    """Hash what must be equal for two questions to be compared into a signed 64-bit number."""
    equal = json.dumps([namespace, scope_hash.hex(), question.rest, question.slots])
    digest = hashlib.blake2b(equal.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
