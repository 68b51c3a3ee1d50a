"""Which stored question means the same as this one? Embed, search, accept, and say why not.

The decision itself is `semantic`'s. Whatever fails here, an embedder, the index or the file, makes
a miss with a reason, never a hit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from llmc import keys, policy, semantic
from llmc.errors import CacheFileError, EmbeddingError
from llmc.lives import Lives
from llmc.questions import group_of, pair_of, question_of
from llmc.semantic import Question, Refusal
from llmc.types import Alias, Vector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from llmc.embedder import Embedder
    from llmc.lives import Shelf as Rules
    from llmc.paraphrases import Paraphrases
    from llmc.types import Ask, Entry, Miss, Request
    from llmc.vectors import Neighbour, Space, Vectors

__all__ = [
    "Chosen",
    "Found",
    "Meaning",
    "Shelf",
]

#: Stored questions without a vector that one lookup embeds beside its own: about half a second of
#: the local model, one request to an endpoint.
_CATCH_UP = 127

#: How many of them an endpoint is given beside the question: the answer must not wait for a slow
#: one. More follow for some seconds.
_BESIDE, _PATIENCE = 8, 2.0

#: How many of the nearest are judged, and looked at for those that no rule has ended meanwhile.
_NEAREST, _LOOKED_AT = 5, 64

#: From here on two vectors are one, but for how they are rounded in the file.
_EQUAL = 0.9999


class Chosen(NamedTuple):
    """The embedder that the settings choose, not opened yet.

    `price` turns the tokens that were billed for some texts into nano-USD, None where nobody knows.
    """

    name: str
    local: bool
    open: Callable[[], Embedder]
    price: Callable[[int | None, Sequence[str]], int | None]


class Shelf(Protocol):
    """Where entries and their vectors are kept; all methods raise CacheFileError."""

    @property
    def vectors(self) -> Vectors: ...
    @property
    def paraphrases(self) -> Paraphrases: ...
    @property
    def rules(self) -> Rules: ...
    @property
    def read_only(self) -> bool: ...
    def entry(self, entry_id: int) -> Entry | None: ...
    def transaction(self) -> AbstractContextManager[None]: ...


class Found(NamedTuple):
    """What a search came to: an entry with the wording it was accepted for, or a reason."""

    entry: Entry | None = None
    alias: Alias | None = None
    reason: str = ""
    vector: Vector | None = None
    bill: tuple[int, int] = (0, 0)  # of embedding, in nano-USD, and how much had no known price


class _Behind(NamedTuple):
    """A stored question that has no vector yet."""

    entry_id: int
    group: int
    wording: str


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
        self._lives = Lives(shelf.rules, note=note)
        self.chosen = chosen
        self._error, self._stated = error, threshold
        self._clock = clock
        self._note = note
        self._noted: set[str] = set()
        self._embedder: Embedder | None = None

    def threshold(self, error: str | None = None) -> tuple[float, bool]:
        """Return the similarity from which questions may match, and whether it was measured.

        It is the one in effect, or the one that the promise of another `error` takes.
        """
        if error is None and self._stated is not None:
            return self._stated, False
        report = self._shelf.paraphrases.calibration(self.chosen.name)
        return semantic.threshold(
            self.chosen.name, error or self._error, report and report.get("thresholds")
        )

    def find(self, miss: Miss, ask: Ask) -> Found:
        """Look for an entry whose question means the same as that of an exact miss.

        1. What of the request may be compared by meaning? Some questions may not at all.
        2. A wording accepted before is found by its key, without embedding.
        3. The question is embedded, and with it those of its scope that have no vector yet.
        4. Of the five nearest in its group, the first that `semantic.accept` lets pass.

        Where nothing can be searched on this machine, nothing is embedded, and only the reason
        says so.
        """
        asked = question_of(miss.request)
        if isinstance(asked, Refusal):
            return Found(reason=f"exact only: {asked.detail}")
        bill: list[int | None] = []
        try:
            self._lives.renew()
            found = self._learned(asked, ask, miss.key)
            if found is None and ask.offline and not self.chosen.local:
                found = Found(reason="the embedder is remote, and is not asked offline")
            if found is None and (fault := self._shelf.vectors.fault()):
                found = Found(reason=fault)
            found = found or self._nearest(asked, miss, ask, bill)
        except (CacheFileError, EmbeddingError) as error:
            self._tell(error, "matching the same words only")
            found = Found(reason=str(error))
        return found._replace(bill=(sum(cost or 0 for cost in bill), bill.count(None)))

    def vector(self, request: Request, namespace: str, scope_hash: bytes) -> Vector | None:
        """Return the vector to store with an answer, where that costs nothing and may be had."""
        if not self.chosen.local or self._shelf.vectors.fault():
            return None
        asked = question_of(request)
        if isinstance(asked, Refusal):
            return None
        try:
            numbers = self.embedded([asked.wording], [])[0]
        except EmbeddingError as error:
            self._tell(error, "the answer is stored without its vector")
            return None
        return Vector(self.chosen.name, group_of(namespace, scope_hash, asked), numbers)

    def why_not_serve(self, entry: Entry, ask: Ask) -> str | None:
        """Say what keeps an entry from answering anything; None if nothing does."""
        life, now = self._lives.of(entry), self._clock()
        if not policy.is_fresh(self._lives.shortened(entry), now):
            return policy.why_ended(life, now)
        return None if policy.suits(entry, ask.mode) else "it is not an answer of temperature 0"

    def may_serve(self, entry: Entry, ask: Ask) -> bool:
        """Tell whether an entry is one that might answer, whatever its question."""
        fresh = policy.is_fresh(self._lives.shortened(entry), self._clock())
        return fresh and policy.suits(entry, ask.mode)

    def refusal(
        self, asked: Question, entry: Entry, similarity: float, *, threshold: float
    ) -> Refusal | None:
        """Say what bars an entry of the question's own scope; None if nothing does."""
        stored = semantic.question(entry.prompt, at=entry.instruction_at)
        if isinstance(stored, Refusal):
            return stored
        pairs = [
            pair_of(asked.text, stored.text, scope_hash=scope) for scope in (b"", entry.scope_hash)
        ]
        vetoed = self._shelf.paraphrases.is_vetoed(*pairs)
        return semantic.accept(
            asked, stored, similarity=similarity, threshold=threshold, vetoed=vetoed
        )

    def embedded(self, texts: list[str], bill: list[int | None]) -> list[bytes]:
        """Return texts' vectors; what they cost, in nano-USD, is added to `bill`: None is unknown.

        Raises EmbeddingError.
        """
        if not texts:
            return []
        try:
            embedded = self._opened().embed(texts)
        except MemoryError:
            raise EmbeddingError(f"{self.chosen.name}: there is not enough memory") from None
        bill.append(self.chosen.price(embedded.tokens, texts))
        return embedded.vectors

    # -- the small print -------------------------------------------------------------------------

    def _learned(self, asked: Question, ask: Ask, key: bytes) -> Found | None:
        alias = self._shelf.paraphrases.alias(ask.namespace, key)
        if alias is None or alias.embedder != self.chosen.name:
            return None
        entry = self._shelf.entry(alias.entry_id)
        if entry is None or not self.may_serve(entry, ask):
            return None
        # Its key says that the scope is the same; rules and threshold may have changed since.
        threshold, _ = self.threshold()
        refusal = self.refusal(asked, entry, alias.similarity, threshold=threshold)
        return None if refusal else Found(entry, alias)

    def _nearest(self, asked: Question, miss: Miss, ask: Ask, bill: list[int | None]) -> Found:
        _, scope_hash = miss.scope or keys.frame_of(miss.request)
        group = group_of(ask.namespace, scope_hash, asked)
        space, numbers = self._embed(asked, miss, ask.namespace, bill)
        vector = Vector(self.chosen.name, group, numbers)
        threshold, _ = self.threshold()
        neighbours = self._shelf.vectors.nearest(
            space,
            group=group,
            namespace=ask.namespace,
            scope_hash=scope_hash,
            vector=numbers,
            threshold=threshold,
            now=self._clock(),
            k=_LOOKED_AT,
        )
        if not self.chosen.local:
            self._require_sense(asked, neighbours[:_NEAREST])
        reason, judged = "", 0
        for entry_id, similarity in neighbours:
            entry = self._shelf.entry(entry_id)
            if entry is None or not self.may_serve(entry, ask):
                continue
            if (judged := judged + 1) > _NEAREST:
                break
            refusal = self.refusal(asked, entry, similarity, threshold=threshold)
            if refusal is None:
                alias = self._alias(miss, ask.namespace, entry_id, similarity)
                return Found(entry, alias, vector=vector)
            why = f"{refusal.guard}: {refusal.detail}"
            reason = reason or f"entry {entry_id} is near ({similarity:.3f}), but {why}"
        return Found(
            vector=vector, reason=reason or "no question of the same context is near enough"
        )

    def _require_sense(self, asked: Question, neighbours: Sequence[Neighbour]) -> None:
        """Raise EmbeddingError for an endpoint that gives every text the same vector.

        What is embedded of two questions may be the same, but for case and marks; all other texts
        cannot have one vector.
        """
        equal = []
        for entry_id, similarity in neighbours:
            entry = self._shelf.entry(entry_id)
            stored = entry and semantic.question(entry.prompt, at=entry.instruction_at)
            if isinstance(stored, Question) and not semantic.is_same_text(
                stored.wording, asked.wording
            ):
                equal.append(similarity >= _EQUAL)
        if equal and all(equal):
            raise EmbeddingError(
                f"embeddings: {self.chosen.name} gives different questions the same vector"
            )

    def _alias(self, miss: Miss, namespace: str, entry_id: int, similarity: float) -> Alias:
        return Alias(
            namespace=namespace,
            key=miss.key,
            entry_id=entry_id,
            embedder=self.chosen.name,
            similarity=similarity,
            prompt=keys.prompt_of(miss.request),
            instruction_at=miss.request.instruction_at,
        )

    def _embed(
        self, asked: Question, miss: Miss, namespace: str, bill: list[int | None]
    ) -> tuple[int, bytes]:
        """Embed a question, and what its scope is behind with; return its space and its vector."""
        vectors = self._shelf.vectors
        expected = self._expected_space()
        if expected is not None and (fault := vectors.fault(expected)):
            raise CacheFileError(fault)  # before anything is paid for
        behind = self._behind(expected, miss, namespace)
        beside = behind if self.chosen.local else behind[:_BESIDE]
        numbers, *others = self.embedded([asked.wording, *(each.wording for each in beside)], bill)
        space = vectors.space(self.chosen.name, len(numbers) // 4)
        if space is None:
            space = self._make_space(len(numbers) // 4)
        if space == expected:
            self._add(space, beside, others)
            behind = behind[len(beside) :]
        else:
            behind = self._behind(space, miss, namespace)
        self._catch_up(space, behind, bill)
        return space, numbers

    def _catch_up(self, space: int, behind: list[_Behind], bill: list[int | None]) -> None:
        """Embed what is left, twice as much at a time, for as long as that goes fast."""
        step = len(behind) if self.chosen.local else 2 * _BESIDE
        ends = self._clock() + _PATIENCE
        while behind and self._clock() < ends:
            part, behind, step = behind[:step], behind[step:], 2 * step
            try:
                vectors = self.embedded([each.wording for each in part], bill)
            except EmbeddingError as error:
                self._tell(error, "some stored questions are not compared yet")
                return
            self._add(space, part, vectors)

    def _spaces(self) -> list[Space]:
        return [s for s in self._shelf.vectors.spaces() if s.embedder == self.chosen.name]

    def _expected_space(self) -> int | None:
        """Return the space that a vector will belong to, if that can be told beforehand."""
        dimension = self._opened().dimension
        found = [space.id for space in self._spaces() if dimension in {None, space.dimension}]
        return found[0] if len(found) == 1 else None

    def _make_space(self, dimension: int) -> int:
        """Make a space for vectors of a new length; raise EmbeddingError if others were expected.

        Another model behind the same name is used from the next question on; a slip is not.
        """
        known = self._spaces()
        with self._shelf.transaction():
            space = self._shelf.vectors.make_space(self.chosen.name, dimension)
        if known:
            raise EmbeddingError(
                f"embeddings: {self.chosen.name} sent {dimension} numbers for a text,"
                f" {known[-1].dimension} before"
            )
        return space

    def _behind(self, space: int | None, miss: Miss, namespace: str) -> list[_Behind]:
        """Return what has no vector in a space yet; strike off what is to have none."""
        # What could not be stored could not be searched either.
        if space is None or self._shelf.read_only:
            return []
        _, scope_hash = miss.scope or keys.frame_of(miss.request)
        vectors = self._shelf.vectors
        due = vectors.due(space, namespace=namespace, scope_hash=scope_hash, limit=_CATCH_UP)
        follows = keys.follows(miss.request)  # what shares a scope shares all earlier turns
        found, barred = [], []
        for each in due:
            question = semantic.question(each.prompt, at=each.instruction_at, follows=follows)
            if isinstance(question, Refusal):
                barred.append(each.entry_id)
            else:
                group = group_of(namespace, scope_hash, question)
                found.append(_Behind(each.entry_id, group, question.wording))
        if barred:
            self._write(lambda: vectors.not_eligible(space, barred))
        return found

    def _add(self, space: int, behind: list[_Behind], vectors: Sequence[bytes]) -> None:
        def add() -> None:
            for each, numbers in zip(behind, vectors, strict=True):
                self._shelf.vectors.add(space, each.entry_id, group=each.group, vector=numbers)

        if behind:
            self._write(add)

    def _write(self, change: Callable[[], None]) -> None:
        """Make a change that the next lookup would make as well: a file may be read-only."""
        try:
            with self._shelf.transaction():
                change()
        except CacheFileError:
            return

    def _tell(self, error: Exception, effect: str) -> None:
        """Note what is wrong, once for each cause."""
        if str(error) not in self._noted:
            self._noted.add(str(error))
            self._note(f"{error}; {effect}")

    def _opened(self) -> Embedder:
        if self._embedder is None:
            self._embedder = self.chosen.open()
        return self._embedder
