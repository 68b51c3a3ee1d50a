"""Which vector stands for a text? What every embedder promises, and the one behind an API.

It stores and compares nothing. The local model is in `minilm`.
"""

from __future__ import annotations

import binascii
import json
import math
import sys
import time
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from llmc.errors import EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

__all__ = ["Embedded", "Embedder", "Endpoint", "encoding_format", "unit"]

#: Texts in one request, and their bytes. OpenAI takes 2,048 texts, or 300,000 tokens, of which none
#: is less than a byte; local servers choke earlier.
_BATCH = 128
_BATCH_BYTES = 300_000

#: More bytes than the answer to a full batch of 3,072 numbers each can have, written as floats.
_LONGEST_ANSWER = 32_000_000


class Embedded(NamedTuple):
    """Vectors in the order of their texts, and the tokens that were billed for them.

    A vector is `bytes`: its numbers as little-endian float32, of unit length, as sqlite-vec takes
    them; `struct.unpack(f"<{len(vector) // 4}f", vector)` reads one. `tokens` is 0 for a local
    model and None where an endpoint does not say.
    """

    vectors: list[bytes]
    tokens: int | None


class Embedder(Protocol):
    """Turns texts into vectors whose dot product is their similarity."""

    @property
    def name(self) -> str:
        """Whose vectors these are: those of two names must never be compared."""

    @property
    def dimension(self) -> int | None:
        """How many numbers a vector has; None until an endpoint has answered once."""

    def embed(self, texts: list[str]) -> Embedded:
        """Return a unit vector for each text. Raises EmbeddingError: all of them or none."""


class Endpoint:
    """An `/embeddings` API of OpenAI's dialect. No retries: a question must not wait for it."""

    def __init__(
        self,
        base_url: str,
        *,
        key: str,
        model: str,
        timeout: float = 10.0,
    ) -> None:
        """Name the API. `timeout` is in seconds, for each request as a whole."""
        from urllib.parse import urlsplit

        self._url = f"{base_url.rstrip('/')}/embeddings"
        self._host = urlsplit(base_url).netloc.rpartition("@")[2]  # before it a password may stand
        self._encoding = encoding_format(base_url)
        self._key = key
        self._model = model
        self._dimension: int | None = None
        self._timeout = timeout
        self._client: httpx2.Client | None = None
        # Two hosts may call different models by one name.
        self.name = f"{model}@{base_url.rstrip('/')}"

    @property
    def dimension(self) -> int | None:
        """How many numbers a vector has: as first answered, before that None."""
        return self._dimension

    def embed(self, texts: list[str]) -> Embedded:
        """Return a unit vector for each text, and what was billed.

        Raises EmbeddingError for whatever is wrong with the endpoint or with its answer: another
        count, order or dimension, numbers that are none, a vector of zeros.
        """
        vectors: list[bytes] = []
        billed: list[int | None] = []
        for batch in _batches(texts):
            answer = self._answer(batch)
            vectors += self._vectors(answer, len(batch))
            billed.append(_tokens(answer))
        known = [count for count in billed if count is not None]
        return Embedded(vectors, sum(known) if len(known) == len(billed) else None)

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def _answer(self, texts: list[str]) -> dict[str, Any]:
        import httpx2

        body = {"input": texts, "model": self._model, "encoding_format": self._encoding}
        try:
            status, raw = self._post(body)
        except httpx2.TimeoutException:
            raise self._late() from None
        except (httpx2.ConnectError, httpx2.InvalidURL, httpx2.UnsupportedProtocol, UnicodeError):
            raise self._error("cannot be reached") from None
        except httpx2.HTTPError:
            # Its text may repeat a header, and so the key.
            raise self._error("broke the connection off") from None
        try:
            answer = json.loads(raw)
        except (ValueError, RecursionError):
            answer = None
        if status != 200:
            raise self._error(f"answered {status}{self._said(answer)}")
        if not isinstance(answer, dict):
            raise self._error("sent a malformed answer")
        return answer

    def _post(self, body: dict[str, Any]) -> tuple[int, bytes]:
        """Send one request, and wait no longer than the time-out for its answer as a whole.

        A thread sends it: a resolver that hangs, or headers that dribble in, have no other end.
        """
        import threading

        client = self._connected()
        content = json.dumps(body).encode()
        outcome: list[tuple[int, bytes] | Exception] = []

        def send() -> None:
            try:
                outcome.append(self._exchange(client, content))
            except Exception as error:  # noqa: BLE001  (raised below, where the caller waits)
                outcome.append(error)

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        thread.join(self._timeout)
        if not outcome:
            self._client = None  # the thread may hold its connection for a while
            raise self._late()
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    def _exchange(self, client: httpx2.Client, content: bytes) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._timeout
        raw = bytearray()
        with client.stream("POST", self._url, content=content) as response:
            for piece in response.iter_bytes():
                raw += piece
                if time.monotonic() > deadline:
                    raise self._late()
                if len(raw) > _LONGEST_ANSWER:
                    raise self._error("sent more than vectors can take")
            return response.status_code, bytes(raw)

    def _connected(self) -> httpx2.Client:
        import httpx2

        if self._client is not None:
            return self._client
        if not (self._key.isascii() and self._key.isprintable()):
            raise self._error("cannot be sent this key: it holds characters that no key has")
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        # Reading all certificates costs 20 ms, for an address that shows none.
        secure = self._url.startswith("https:")
        try:
            self._client = httpx2.Client(headers=headers, timeout=self._timeout, verify=secure)
        except (OSError, ValueError, ImportError, httpx2.InvalidURL):
            # Their texts may repeat a proxy's password.
            reason = "cannot be asked: proxy or certificates of the environment cannot be used"
            raise self._error(reason) from None
        return self._client

    def _vectors(self, answer: dict[str, Any], count: int) -> list[bytes]:
        items = answer.get("data")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._error("sent a malformed answer")
        if len(items) != count:
            raise self._error(f"sent {len(items)} vectors for {count} texts")
        places = [item.get("index") for item in items]
        if any(type(place) is not int for place in places) or set(places) != set(range(count)):
            raise self._error("did not number its vectors as the texts")
        items.sort(key=lambda item: item["index"])
        try:
            vectors = [unit(_numbers(item.get("embedding"))) for item in items]
        except ValueError as error:
            raise self._error(f"sent {error}") from None
        expected = self._dimension or len(vectors[0]) // 4
        for vector in vectors:
            if len(vector) != 4 * expected:
                raise self._error(f"sent {len(vector) // 4} numbers instead of {expected}")
        self._dimension = expected
        return vectors

    def _said(self, answer: object) -> str:
        """Return what an error's body says, in one line that cannot hold the key."""
        error = answer.get("error", answer.get("message")) if isinstance(answer, dict) else None
        text = error.get("message") if isinstance(error, dict) else error
        if not isinstance(text, str):
            return ""
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return f": {(line.replace(self._key, '…') if self._key else line)[:300]}"

    def _late(self) -> EmbeddingError:
        return self._error(f"gave no answer within {self._timeout:g} s")

    def _error(self, reason: str) -> EmbeddingError:
        return EmbeddingError(f"embeddings: {self._host} {reason}")


def _batches(texts: list[str]) -> Iterator[list[str]]:
    """Cut texts into what one request may hold, or into single ones."""
    batch: list[str] = []
    size = 0
    for text in texts:
        added = len(text.encode("utf-8", "surrogatepass"))
        if batch and (len(batch) >= _BATCH or size + added > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += added
    if batch:
        yield batch


def encoding_format(base_url: str) -> str:
    """Say in which form to ask for vectors: `base64` of OpenAI, `float` of everybody else.

    Base64 is a third of the size and exact, but some gateways refuse it or cut vectors short.
    """
    from urllib.parse import urlsplit

    host = urlsplit(base_url).hostname or ""
    own = host == "api.openai.com" or host.endswith(".api.openai.com")
    return "base64" if own else "float"


def unit(numbers: array[float]) -> bytes:
    """Return numbers scaled to length 1, as little-endian float32.

    Raises ValueError where they have no direction: NaN, an infinity, or zeros alone.
    """
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a number that is none (NaN or infinite)")
    length = math.hypot(*numbers)
    if not math.isfinite(length) or length < sys.float_info.min:
        raise ValueError("a vector without direction")
    scaled = array("f", (number / length for number in numbers))
    if sys.byteorder == "big":
        scaled.byteswap()
    return scaled.tobytes()


def _numbers(embedding: object) -> array[float]:
    """Read a vector: a list of numbers, or base64 of little-endian float32."""
    if isinstance(embedding, str):
        return _decoded(embedding)
    if isinstance(embedding, list) and len(embedding) == 1 and isinstance(embedding[0], list):
        embedding = embedding[0]  # llama.cpp wraps the one vector of a pooled text
    if not isinstance(embedding, list) or not embedding:
        raise ValueError("no vector")
    if isinstance(embedding[0], list):
        raise ValueError("a vector a token, not one for the text")  # noqa: TRY004  (no caller's)
    if any(type(number) not in {int, float} for number in embedding):
        raise ValueError("a vector that does not consist of numbers")
    try:
        return array("d", embedding)
    except OverflowError:
        raise ValueError("a number that is none (NaN or infinite)") from None


def _decoded(text: str) -> array[float]:
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise ValueError("a vector that is not base64") from None
    if not raw or len(raw) % 4:
        raise ValueError("a vector that is cut short")
    numbers = array("f", raw)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _tokens(answer: dict[str, Any]) -> int | None:
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return None
    counts = [usage.get(name) for name in ("prompt_tokens", "total_tokens")]
    return next((n for n in counts if type(n) is int and n >= 0), None)
