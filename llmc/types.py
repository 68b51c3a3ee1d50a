"""Which values travel through llmc? The nouns of the house; they decide and fetch nothing.

Named tuples rather than dataclasses: a dozen of these would add milliseconds to every start.
Instants are Unix time in seconds, durations seconds, money integer nano-USD (None: unknown).
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

__all__ = [
    "FIELDS",
    "LEVELS",
    "NEXT_SAMPLE",
    "Alias",
    "Answer",
    "Ask",
    "CacheMode",
    "Draft",
    "Entry",
    "Evict",
    "Hit",
    "Invocation",
    "Limits",
    "Line",
    "Miss",
    "Price",
    "Request",
    "Rule",
    "Selector",
    "Source",
    "Tokens",
    "Vector",
    "Verdict",
]

Source: TypeAlias = Literal["memory", "exact", "shared", "semantic", "stale", "model"]
CacheMode: TypeAlias = Literal["auto", "deterministic", "all"]
Evict: TypeAlias = Literal["value", "lru", "oldest"]

#: Where a pattern may look: what an entry was asked with and for, its answer, its namespace.
FIELDS = ("prompt", "answer", "system", "model", "namespace")

#: The levels in the order they are asked; a hit's `level` is its place here, counted from 1.
LEVELS = ("memory", "file", "shared", "semantic")

#: The sample number of an answer that takes the first free one when it is stored.
NEXT_SAMPLE = -1


class Request(NamedTuple):
    """What the caller stated: the body of an API call, and where it would be sent."""

    base_url: str
    body: dict[str, Any]
    endpoint: str = "chat/completions"
    provider: str = "openai"  # whose key to send; another name for an address is no other request
    instruction_at: int = 0  # where, in the last user text, the words after a document begin
    static: int | None = None  # leading messages that stay the same; None: nobody knows

    @property
    def model(self) -> str:
        """The model's name as the provider knows it."""
        return str(self.body.get("model", ""))


class Ask(NamedTuple):
    """How one question is to be answered: the caller's cache control."""

    namespace: str = "default"
    mode: CacheMode = "auto"
    ttl: float | None = None  # life of a new answer; None: no end; 0: not stored
    refresh: bool = False  # do not read, overwrite
    no_cache: bool = False  # neither read nor write
    offline: bool = False  # never ask the provider
    stale_if_error: float | None = None  # how long past its end an answer may stand in
    samples: int | None = None  # remembered samples of a random answer
    sample: int | None = None  # which of them, counted from 1; None: any
    stream: bool = False
    by_meaning: bool = False  # a stored question in other words may answer
    asked_at: float | None = None  # when the question was posed, None: when it arrives


class Tokens(NamedTuple):
    """A call's token counts, every dialect made one: `prompt` includes `cached` and `written`."""

    prompt: int | None = None
    completion: int | None = None
    cached: int | None = None  # read from the provider's own cache
    written: int | None = None  # written to it


class Price(NamedTuple):
    """What a call cost, in nano-USD (None: unknown), who says so, and the provider's own cache.

    `discount` is what reading from that took off, `premium` what writing to it added; both are in
    the cost already.
    """

    cost: int | None
    source: str | None = None
    discount: int | None = None
    premium: int | None = None


class Answer(NamedTuple):
    """What a model said, finished or not; or, by its `source`, what was known already."""

    text: str
    finish_reason: str | None
    model: str | None = None  # the one that really answered
    usage: dict[str, Any] | None = None  # as the provider reported it
    choices: list[dict[str, Any]] | None = None  # None: one choice, plain text
    refusal: str | None = None
    temperature: float | None = None  # as it was sent
    latency: float = 0.0
    source: Literal["model", "put", "import"] = "model"


class Vector(NamedTuple):
    """A question in an embedder's space, as little-endian float32 numbers of unit length.

    `group` is a hash of what must be equal for two questions to be compared at all.
    """

    embedder: str
    group: int
    numbers: bytes


class Alias(NamedTuple):
    """A question in other words that an entry was accepted for; `key` is that question's own."""

    namespace: str
    key: bytes
    entry_id: int
    embedder: str
    similarity: float
    prompt: str
    instruction_at: int

    @property
    def question(self) -> str:
        """The words behind its document, all of its prompt where there are none."""
        return _question(self.prompt, self.instruction_at)


class Verdict(NamedTuple):
    """What a person (`bad`) or an audit found of a pair of questions: may one answer serve both?

    `pair` is a hash; the texts are not kept.
    """

    pair: bytes
    origin: str
    right: bool
    namespace: str
    embedder: str
    similarity: float
    at: float


class Draft(NamedTuple):
    """An entry before it has an id."""

    namespace: str
    key: bytes
    sample: int
    family: bytes
    token_limit: int | None
    scope_hash: bytes
    base_url: str
    model: str
    system: str
    frame: str
    prompt: str
    source: str
    created_at: float
    expires_at: float | None
    answer: Answer
    tokens: Tokens = Tokens()
    price: Price = Price(None)
    instruction_at: int = 0
    vector: Vector | None = None


class Entry(NamedTuple):
    """A stored answer. `id` is None for one that was given but not kept."""

    id: int | None
    namespace: str
    key: bytes
    sample: int
    token_limit: int | None
    model: str
    prompt: str
    answer: str
    choices: list[dict[str, Any]] | None
    finish_reason: str
    served_model: str | None
    temperature: float | None
    tokens: Tokens
    cost: int | None
    latency: float | None
    created_at: float
    expires_at: float | None
    source: str = "model"
    hits: int = 0
    instruction_at: int = 0
    scope_hash: bytes = b""  # of all but the last user text
    system: str = ""
    pinned: bool = False  # it stays until its end, whatever the limits

    @property
    def question(self) -> str:
        """The words behind its document, all of its prompt where there are none."""
        return _question(self.prompt, self.instruction_at)


def _question(prompt: str, at: int) -> str:
    return prompt[at:].strip() or prompt


class Line(NamedTuple):
    """One line of the ledger: what a request cost, or what it would have cost. Never its text.

    Several hits of one entry may be one line, `requests` of them: its numbers are then their sums.
    """

    at: float
    source: str
    namespace: str
    model: str
    latency: float
    level: int | None = None
    entry_id: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    written_tokens: int | None = None
    spent_nusd: int | None = None
    avoided_nusd: int | None = None
    discount_nusd: int | None = None
    premium_nusd: int | None = None
    avoided_latency: float | None = None
    embedding_nusd: int = 0
    unknown_embedding: int = 0  # how many times it had a price that nobody knows
    requests: int = 1


class Selector(NamedTuple):
    """Which entries are meant; a field left None does not narrow. Instants are Unix time."""

    namespace: str | None = None
    model: str | None = None
    source: str | None = None
    since: float | None = None
    before: float | None = None


class Limits(NamedTuple):
    """How much a cache file may hold (None: no limit), and what goes first where that is full.

    `max_size` is in bytes of pages in use; `namespaces` are limits of some that are named.
    """

    max_entries: int | None = None
    max_entries_per_namespace: int | None = None
    max_size: int | None = None
    evict: Evict = "value"
    namespaces: dict[str, int] = {}  # noqa: RUF012  (nobody writes to it)


class Rule(NamedTuple):
    """What is to be forgotten: after a time, or when something happens. One of both is given.

    `ttl` is the longest life of the entries meant, 0: they are neither stored nor served; `event`
    the name of what happens. Meant are those in whose `field` the pattern is found, of one
    `namespace` or of all.
    """

    pattern: str
    field: str = "prompt"
    namespace: str | None = None
    ttl: float | None = None
    event: str | None = None
    created_at: float = 0.0
    id: int = 0  # 0: it is in no file yet


class Invocation(NamedTuple):
    """A command line that an entry answered: digests of what was typed and of what was read.

    `files` are the paths that were read, in order; `stdin` tells whether standard input was.
    `generation` is the file's when the entry was found fit, None: that of the moment.
    """

    digest: bytes
    inputs: bytes
    stdin: bool
    files: tuple[str, ...]
    quiet: bool
    generation: int | None = None


class Hit(NamedTuple):
    """An answer, wherever it came from; `source` tells.

    `no_meaning` says why no stored question in other words did, if any was looked for, `unkept`
    why a model's answer was not stored, `failure` what is wrong with one that is no answer. `line`
    is the ledger line that is still to be written, `alias` the wording to be learned with it.
    """

    entry: Entry
    source: Source
    level: int | None = None
    usage: dict[str, Any] | None = None
    price: Price | None = None
    latency: float = 0.0
    unkept: str | None = None
    failure: str | None = None
    line: Line | None = None
    no_meaning: str | None = None
    alias: Alias | None = None

    @property
    def answer(self) -> str:
        """The answer's text."""
        return self.entry.answer

    @property
    def file_failed(self) -> bool:
        """Whether it is the cache file's fault that the answer was not stored."""
        return self.unkept is not None and self.unkept.startswith("cache file ")

    @property
    def similarity(self) -> float | None:
        """How near its question is to the one that was asked, a cosine; None if it is the same."""
        return None if self.alias is None else self.alias.similarity

    @property
    def bill(self) -> tuple[int, int]:
        """What looking it up cost, and how much of that had a price that nobody knows."""
        return (
            (0, 0) if self.line is None else (self.line.embedding_nusd, self.line.unknown_embedding)
        )


class Miss(NamedTuple):
    """No answer, and why; with all that `put` will need, computed once."""

    request: Request
    key: bytes
    family: bytes
    reason: str
    limit: int | None = None  # on the answer's tokens
    bypass: bool = False  # the cache was not asked
    stale: Entry | None = None  # what may stand in if the provider fails
    vector: Vector | None = None  # of its question, if that was embedded
    embedding_nusd: int = 0
    unknown_embedding: int = 0  # how many times it had a price that nobody knows
    scope: tuple[str, bytes] | None = None  # its frame and scope hash, if they were needed
    no_meaning: str | None = None  # why no question in other words did, if any was looked for

    @property
    def bill(self) -> tuple[int, int]:
        """What looking it up cost, and how much of that had a price that nobody knows."""
        return self.embedding_nusd, self.unknown_embedding
