"""A model played on loopback: a real HTTP server that keeps its calls and fails to order."""

from __future__ import annotations

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


class Reply(NamedTuple):
    """One answer of the upstream. A streamed request gets `text` word by word, on request.

    `status` other than 200 sends `error`; `raw` is sent as it stands; `cut` closes a stream after
    so many events; `delay` waits before anything is sent, until `Upstream.stop` at the latest.
    `gate` is waited for after the first event of a stream, and before any other answer.
    """

    text: str = "an answer"
    finish_reason: str | None = "stop"
    usage: dict[str, Any] | None = USAGE
    model: str | None = None
    message: dict[str, Any] | None = None
    choices: list[dict[str, Any]] | None = None
    status: int = 200
    error: Any = None
    headers: dict[str, str] = {}
    raw: bytes | None = None
    content_type: str = "application/json"
    cut: int | None = None
    delay: float = 0.0
    done: bool = True  # whether a stream ends with [DONE]
    gate: threading.Event | None = None


class Call(NamedTuple):
    """One request that arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class Upstream:
    """The server. `script` holds replies to give first; after them come `answer 1`, `answer 2` …"""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.gets: list[Call] = []
        self.left = threading.Event()  # set once a client has left in the middle of an answer
        self.script: deque[Reply] = deque()
        self._called = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"upstream": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        """The base URL of its API."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def will(self, *replies: Reply) -> None:
        """Give these replies first, in order."""
        self.script.extend(replies)

    def stop(self) -> None:
        """Shut the server down, held requests included."""
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, call: Call) -> Reply:
        """Record a call and return the reply to it."""
        with self._lock:
            self.calls.append(call)
            self._called.set()
            if self.script:
                return self.script.popleft()
            return Reply(f"answer {len(self.calls)}")

    def wait_for_call(self) -> None:
        """Return once a request has arrived; give up after a minute."""
        assert self._called.wait(60), "nobody asked"

    def wait(self, seconds: float) -> None:
        """Hold a reply back."""
        self._stopped.wait(seconds)

    def wait_for(self, gate: threading.Event | None) -> None:
        """Hold a reply back until a test lets it go, or stops."""
        while gate is not None and not gate.wait(0.01) and not self._stopped.is_set():
            pass


class _Handler(BaseHTTPRequestHandler):
    upstream: Upstream

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.upstream.gets.append(Call(self.path, headers, {}))
        self._send(200, {"object": "list", "data": [{"id": "m", "object": "model"}]})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.upstream.take(Call(self.path, headers, body))
        if reply.delay:
            self.upstream.wait(reply.delay)
        try:
            self._answer(reply, body)
        except (BrokenPipeError, ConnectionResetError):
            self.upstream.left.set()

    def _answer(self, reply: Reply, body: dict[str, Any]) -> None:
        if reply.gate is not None and not body.get("stream"):
            self.upstream.wait_for(reply.gate)
        if reply.status != 200:
            error = {"error": {"message": "no", "type": "x", "param": None, "code": None}}
            self._send(reply.status, error if reply.error is None else reply.error, reply.headers)
        elif reply.raw is not None:
            self._start(200, reply.content_type, reply.headers)
            self.wfile.write(reply.raw)
        elif body.get("stream"):
            self._stream(reply, body)
        else:
            message = reply.message or {"role": "assistant", "content": reply.text}
            choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
            choices = [choice] if reply.choices is None else reply.choices
            answer = {"id": "x", "object": "chat.completion", "created": 1, "choices": choices}
            answer["model"] = reply.model or body["model"]
            if reply.usage is not None:
                answer["usage"] = reply.usage
            self._send(200, answer, reply.headers)

    def _stream(self, reply: Reply, body: dict[str, Any]) -> None:
        words = reply.text.split(" ")
        deltas = [{"content": w if n == 0 else f" {w}"} for n, w in enumerate(words)]
        events = [{"choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
        end = {"index": 0, "delta": {}, "finish_reason": reply.finish_reason}
        events.append({"choices": [end], "model": reply.model or body["model"]})
        if reply.usage is not None and body.get("stream_options", {}).get("include_usage"):
            events.append({"choices": [], "usage": reply.usage})
        self._start(200, "text/event-stream", reply.headers)
        for number, event in enumerate(events[: reply.cut]):
            if number == 1:
                self.upstream.wait_for(reply.gate)
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            self.wfile.flush()
        if reply.done and reply.cut is None:
            self.wfile.write(b"data: [DONE]\n\n")

    def _start(self, status: int, content_type: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self._start(status, "application/json", headers or {})
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_: object) -> None:
        pass
