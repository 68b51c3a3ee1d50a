"""What does the model say? One request to an OpenAI-compatible API, its retries and its faults.

It knows nothing of caching. The SDK (0.6 s to import) is loaded when a question is really asked.
"""

from __future__ import annotations

import email.utils
import json
import random
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from llmc.dialects import chat, forms, wire
from llmc.errors import (
    ConfigError,
    KeyRefused,
    LlmcError,
    ParameterRefused,
    ProviderError,
    Unavailable,
)
from llmc.marking import BREAKPOINT, PARAMETERS, marks

if TYPE_CHECKING:
    from collections.abc import Callable

    import openai

    from llmc.types import Answer, Request

__all__ = ["MAX_WAIT", "Provider", "probe"]

#: The longest wait that a provider may ask for between two tries, in seconds.
MAX_WAIT = 60.0

#: What `ask` adds by itself and can do without.
_OPTIONAL = ("temperature", "stream_options", *PARAMETERS)

#: Statuses after which the same request may succeed.
_PASSING = {408, 409, 425, 429}

#: What should listen at a port of this machine, and does not start by itself.
_SERVERS = {11434: "ollama serve"}


class Provider:
    """One provider's API."""

    def __init__(
        self,
        base_url: str,
        *,
        key: str,
        strange_headers: tuple[str, ...] = (),
        timeout: float = 600.0,
        retries: int = 2,
        prompt_cache: bool = True,
        note: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare the client. `timeout` is in seconds; `note` is told of each wait and new try.

        `strange_headers` names what the SDK takes from the environment and would send to any host,
        for it to be left out. `prompt_cache` lets the provider's own cache be told what stays the
        same from one question to the next. Raises ConfigError where the certificates or the proxy
        of the environment cannot be used.
        """
        import httpx2
        import openai

        self._base_url = base_url
        self._host = urlsplit(base_url).netloc
        self._key = key
        self._retries = retries
        self._prompt_cache = prompt_cache
        self._note = note
        self._sleep = sleep
        # One that the SDK needs itself cannot be left out; it gets back the SDK's own value.
        needed = {
            "accept": "application/json",
            "authorization": f"Bearer {key}",
            "content-type": "application/json",
        }
        headers: Any = {n: needed.get(n.lower(), openai.omit) for n in strange_headers}
        try:
            self._client = openai.OpenAI(
                base_url=base_url,
                api_key=key,
                default_headers=headers,
                timeout=httpx2.Timeout(timeout, connect=min(timeout, 10.0)),
                max_retries=0,  # ours say what they are waiting for
            )
        except (OSError, ImportError, ValueError, httpx2.InvalidURL) as error:
            raise _unusable(error) from None

    def ask(
        self,
        request: Request,
        *,
        add_temperature: bool = False,
        refused: frozenset[str] = frozenset(),
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Answer one request, streamed piece by piece if `on_text` is given.

        Temperature 0 is added on demand, and marks for the provider's own cache. Raises KeyRefused,
        ParameterRefused for a parameter added here (those in `refused` are not), Unavailable once
        all tries have failed or the answer broke off, and ProviderError for everything else the
        provider says.
        """
        added = marks(request, refused=refused) if self._prompt_cache else {}
        if add_temperature:
            added["temperature"] = 0
        streams = on_text is not None and request.endpoint == "chat/completions"
        if streams:
            added["stream"] = True
            if "stream_options" not in refused:
                added["stream_options"] = {"include_usage": True}
        body = {**request.body, **added}
        started = time.monotonic()
        answer = self._try(request.endpoint, body, added, on_text if streams else None)
        if on_text is not None and not streams:
            on_text(answer.text)
        if request.endpoint == "embeddings":
            return answer._replace(latency=time.monotonic() - started)
        return forms.timed(answer, body, latency=time.monotonic() - started)

    def _try(
        self,
        endpoint: str,
        body: dict[str, Any],
        added: dict[str, Any],
        on_text: Callable[[str], None] | None,
    ) -> Answer:
        import openai

        for attempt in range(self._retries + 1):
            pieces = _Pieces(on_text)
            try:
                if on_text is None:
                    return self._plain(endpoint, body)
                return self._streamed(endpoint, body, pieces)
            except openai.APIStatusError as error:
                failure: LlmcError = self._failure(error, added)
                wait = _retry_after(error.response.headers)
            except openai.APIError as error:
                failure, wait = self._broken(error), None
            except Unavailable as error:
                failure, wait = error, None
            except (json.JSONDecodeError, RecursionError, UnicodeDecodeError) as error:
                failure, wait = Unavailable(f"{self._host} sent a malformed answer"), None
                failure.__cause__ = error
            if not isinstance(failure, Unavailable) or failure.final or pieces.said:
                raise failure
            if attempt == self._retries:
                raise failure
            self._wait(failure, wait, attempt)
        raise AssertionError  # the last attempt returns or raises

    def _wait(self, failure: LlmcError, asked: float | None, attempt: int) -> None:
        if asked is not None and asked > MAX_WAIT:
            raise Unavailable(f"{failure}; it asks to wait {asked:.0f} s") from failure
        backoff: float = 0.5 * 2**attempt * (0.75 + random.random() / 2)  # noqa: S311
        wait = backoff if asked is None else asked
        tries = f"{attempt + 1} of {self._retries}"
        self._note(f"{failure}; trying again in {wait:.1f} s ({tries})")
        self._sleep(wait)

    def _plain(self, endpoint: str, body: dict[str, Any]) -> Answer:
        import httpx2

        response = self._client.post(f"/{endpoint}", cast_to=httpx2.Response, body=body)
        self._require_no_page(response.headers)
        if endpoint == "chat/completions":
            return self._parse(response.text)
        answer = forms.read(endpoint, body, response.content)
        if answer is None:
            raise Unavailable(f"{self._host} sent a malformed answer")
        return answer

    def _require_no_page(self, headers: Any) -> None:
        """Raise Unavailable for a page that a browser would show: nothing of it is an answer."""
        if "html" in headers.get("content-type", ""):
            raise Unavailable(
                f"{self._host} sent a web page in the place of an answer",
                hint="check the base URL: most end in /v1",
            )

    def _parse(self, text: str) -> Answer:
        whole = json.loads(text)
        if not isinstance(whole, dict):
            raise Unavailable(f"{self._host} sent a malformed answer")
        if whole.get("error"):
            raise ProviderError(f"{self._host}: {self._clean(_message(whole))}")
        choices = wire.dicts(whole.get("choices"))
        if not choices:
            raise Unavailable(f"{self._host} sent an answer without choices")
        return chat.answer_of(choices, whole.get("model"), whole.get("usage"))

    def _streamed(self, endpoint: str, body: dict[str, Any], pieces: _Pieces) -> Answer:
        import openai

        stream = self._client.post(
            f"/{endpoint}",
            cast_to=object,
            body=body,
            stream=True,
            stream_cls=openai.Stream[object],
        )
        with stream:
            self._require_no_page(stream.response.headers)
            if "json" in stream.response.headers.get("content-type", ""):
                # Some servers do not stream; the answer is whole all the same.
                answer = self._parse(stream.response.read().decode("utf-8"))
                pieces.say(answer.text)
                return answer
            for event in stream:
                pieces.add(event)
        if not pieces.finished:
            raise Unavailable(f"{self._host}: the answer broke off")
        return chat.answer_of(list(pieces.choices.values()), pieces.model, pieces.usage)

    def _failure(self, error: openai.APIStatusError, added: dict[str, Any]) -> LlmcError:
        status = error.status_code
        body = error.body if isinstance(error.body, dict) else {}
        message = self._clean(_message({"error": error.body} if error.body else {}))
        said = f"{self._host} answered {status}" + (f": {message}" if message else "")
        if status in {401, 403}:
            return KeyRefused(f"the key was refused: {said}", status=status, body=body)
        if status in {400, 422}:
            sent = {BREAKPOINT if name == "messages" else name for name in added}
            for parameter in (name for name in _OPTIONAL if name in sent):
                if _names(body.get("param"), message, parameter):
                    return ParameterRefused(said, parameter=parameter)
        if status in _PASSING or status >= 500:
            spent = body.get("code") == "insufficient_quota"
            return Unavailable(said, status=status, body=body, final=spent)
        hint = "check the model's name (-m) and the base URL" if status == 404 else None
        return ProviderError(said, status=status, body=body, hint=hint)

    def _broken(self, error: openai.APIError) -> LlmcError:
        import openai

        if isinstance(error, openai.APITimeoutError):
            return Unavailable(f"{self._host} did not answer in time", hint="see --timeout")
        if isinstance(error, openai.APIConnectionError):
            # "[Errno 111] Connection refused": the number helps nobody.
            reason = str(error.__cause__ or error).rpartition("] ")[2].rstrip(" .")
            reason = reason or "connection lost"
            return Unavailable(
                f"cannot reach {self._base_url} ({self._clean(reason)})",
                hint=_server_hint(self._base_url, reason),
            )
        return Unavailable(f"{self._host}: {self._clean(error.message)}")

    def _clean(self, text: str) -> str:
        """Put a server's words on one line, and take our key out of them."""
        # A stand-in for a key is a word like any other.
        text = text.replace(self._key, "…") if len(self._key) >= 8 else text
        return " ".join(_title(text).split())[:500]


def probe(base_url: str, key: str, *, timeout: float = 3.0) -> str:
    """Say that a provider can be reached and takes the key.

    Raises KeyRefused or Unavailable, and ConfigError as a Provider does.
    """
    import httpx2

    try:
        response = httpx2.get(
            f"{base_url}/models", headers={"Authorization": f"Bearer {key}"}, timeout=timeout
        )
    except httpx2.HTTPError as error:
        reason = str(error).rpartition("] ")[2].strip(" .") or type(error).__name__
        reason = reason.replace(key, "…") if len(key) >= 8 else reason
        raise Unavailable(f"cannot reach {base_url} ({reason})") from error
    except (OSError, ImportError, ValueError, httpx2.InvalidURL) as error:
        raise _unusable(error) from None
    if response.status_code in {401, 403}:
        raise KeyRefused(f"{base_url} refuses the key ({response.status_code})")
    return f"{base_url} answers"


class _Pieces:
    """A stream's choices as they grow."""

    def __init__(self, on_text: Callable[[str], None] | None) -> None:
        self._on_text = on_text
        self.said = False
        self.choices: dict[int, dict[str, Any]] = {}
        self.model: str | None = None
        self.usage: dict[str, Any] | None = None

    @property
    def finished(self) -> bool:
        """Every choice has a finish reason: neither `[DONE]` nor the end of the body says so."""
        return bool(self.choices) and all(c["finish_reason"] for c in self.choices.values())

    def say(self, text: str) -> None:
        if text and self._on_text is not None:
            self.said = True
            self._on_text(text)

    def add(self, event: object) -> None:
        if not isinstance(event, dict):
            return
        self.model = event.get("model") or self.model
        self.usage = event.get("usage") or self.usage
        for part in wire.dicts(event.get("choices")):
            self._grow(part)

    def _grow(self, part: dict[str, Any]) -> None:
        empty: dict[str, Any] = {"message": {"content": ""}, "finish_reason": None}
        choice = self.choices.setdefault(part.get("index") or 0, empty)
        choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
        delta = part.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        piece = chat.text_of(delta)
        choice["message"]["content"] += piece
        if refusal := delta.get("refusal"):
            choice["message"]["refusal"] = f"{choice['message'].get('refusal', '')}{refusal}"
        if choice is next(iter(self.choices.values())):
            self.say(piece)


def _server_hint(base_url: str, reason: str) -> str | None:
    """Ask for the server that is not there, where the address tells which one it would be."""
    address = urlsplit(base_url)
    local = address.hostname in {"localhost", "127.0.0.1", "::1"}
    server = _SERVERS.get(address.port or 0) if local and "refused" in reason else None
    return f"is `{server}` running?" if server else None


def _names(param: object, message: str, parameter: str) -> bool:
    """Tell whether a refusal is about one parameter: by its field, else by the word."""
    if isinstance(param, str) and param:
        parts = param.split(".")
        return parts[-1 if parameter == BREAKPOINT else 0] == parameter
    return re.search(rf"\b{parameter}\b", message) is not None


def _unusable(error: Exception) -> ConfigError:
    """Say what of the environment hinders a client; its own words may repeat a password."""
    if isinstance(error, OSError):
        return ConfigError(
            "the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read"
        )
    return ConfigError(
        "the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used",
        hint="socks5:// takes the package socksio beside llmc",
    )


def _title(text: str) -> str:
    """Return what a web page calls itself, and any other text as it is."""
    if not re.match(r"\s*<(!doctype\s+html|html)\b", text, re.IGNORECASE):
        return text
    found = re.search(r"<title[^>]*>(.*?)</title", text, re.IGNORECASE | re.DOTALL)
    return found[1] if found else ""


def _message(body: dict[str, Any]) -> str:
    error = body.get("error")
    if isinstance(error, dict):
        error = error.get("message") or error.get("error") or error.get("code")
    return error if isinstance(error, str) else ""


def _retry_after(headers: Any) -> float | None:
    """Read how long a server asks to wait: seconds, milliseconds or a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    try:
        date = email.utils.parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return max(0.0, date.timestamp() - time.time())
