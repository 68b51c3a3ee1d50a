"""What does a model say that is played on this machine? One answer, and that it is none."""

from __future__ import annotations

import base64
import json
import os
import struct
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

__all__ = ["Rehearsal"]

_ANSWER = (
    "Air scatters blue light more than red, so blue reaches the eye from all over the sky. "
    "(A rehearsal: no model was asked; llmc demo plays one on this machine.)"
)

#: The vectors of the demo's two questions, as `semantic` words them, from all-MiniLM-L6-v2.
_VECTORS = os.path.join(os.path.dirname(__file__), "rehearsal.json")


class Rehearsal(BaseHTTPRequestHandler):
    """An OpenAI-compatible model that knows one answer, and says that it is none."""

    def do_POST(self) -> None:
        """Answer a chat completion, streamed on request, or embed its two questions."""
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length))
        if self.path.endswith("/embeddings"):
            self._embed(body["input"])
            return
        streamed = bool(body.get("stream"))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if streamed else "application/json")
        self.end_headers()
        time.sleep(0.8)  # a model thinks
        words = _ANSWER.split(" ")
        tokens = {"prompt_tokens": 13, "completion_tokens": len(words) + 8}
        usage = {**tokens, "total_tokens": sum(tokens.values())}
        whole = {"role": "assistant", "content": _ANSWER}
        if not streamed:
            choice = {"index": 0, "message": whole, "finish_reason": "stop"}
            self._send({"model": body["model"], "choices": [choice], "usage": usage})
            return
        for number, word in enumerate(words):
            piece = {"content": word if number == 0 else f" {word}"}
            self._event({"choices": [{"index": 0, "delta": piece, "finish_reason": None}]})
            time.sleep(0.03)
        end = {"index": 0, "delta": {}, "finish_reason": "stop"}
        self._event({"model": body["model"], "choices": [end], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _embed(self, texts: list[str]) -> None:
        with open(_VECTORS, encoding="utf-8") as file:
            known = json.load(file)
        vectors = (struct.unpack("<384e", base64.b64decode(known[text])) for text in texts)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self._send({"data": [{"index": n, "embedding": v} for n, v in enumerate(vectors)]})

    def _send(self, value: dict[str, Any]) -> None:
        self.wfile.write(json.dumps(value).encode())

    def _event(self, value: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(value).encode() + b"\n\n")

    def log_message(self, *_: object) -> None:
        """Say nothing: the story is told by the commands."""
