"""`llmc demo`: the whole story offline, through the real program."""

import base64
import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from llmc import streams
from llmc.errors import LlmcError
from llmc.options import Color, Db
from llmc.store import Store

__all__ = ["command"]

_PROMPT = "why is the sky blue?"
_REWORDED = "can you tell me why the sky is blue?"
_ANSWER = (
    "Air scatters blue light more than red, so blue reaches the eye from all over the sky. "
    "(A rehearsal: no model was asked; llmc demo plays one on this machine.)"
)

#: Rehearsal money: the price list of a small hosted model. The vectors of the two questions, as
#: `semantic` words them, are real ones, of all-MiniLM-L6-v2, and so is the similarity that
#: `--error 5%` wants of it.
_CONFIG = """
match = "semantic"
embedder = "openai/all-MiniLM-L6-v2"
threshold = 0.955
[prices."rehearsal"]
input = 0.10
output = 0.50
"""
#: Variables that would change the story; authorities are of no use on this machine.
_NOT_KEPT = ("LLMC_", "OPENAI_", "SSL_CERT_")

_VECTORS = os.path.join(os.path.dirname(__file__), "demo.json")

_STORY = (
    ("A new question goes to the model, and costs.", ["ask", _PROMPT]),
    ("The same question again: from the file, for nothing.", ["ask", _PROMPT]),
    ("In other words: found by meaning, and it says so.", ["ask", _REWORDED]),
    ("What is stored.", ["list"]),
    ("And what it was worth.", ["stats"]),
)


def command(db: Db = None, color: Color = "auto") -> None:
    """Show the whole story offline in ten seconds.

    A model played on this machine, a temporary cache file (--db keeps one), and the commands that
    you would type yourself, with their real output.
    """
    if db:
        Store(db).close()  # one that cannot be used is told before the story begins
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Rehearsal)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="llmc-demo-") as folder:
        settings = os.path.join(folder, "config.toml")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(_CONFIG)
        kept = {name: v for name, v in os.environ.items() if not name.startswith(_NOT_KEPT)}
        environ = kept | {
            "LLMC_CONFIG": settings,
            "LLMC_DB": os.path.abspath(db) if db else os.path.join(folder, "demo.db"),
            "LLMC_MODEL": "rehearsal",
            "OPENAI_API_KEY": "rehearsal",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{server.server_port}/v1",
        }
        home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        if os.path.basename(home) not in {"site-packages", "dist-packages"}:
            environ["PYTHONPATH"] = home  # a checkout plays itself, whatever is installed
        try:
            for says, words in _STORY:
                _play(says, [*words, "--color", color], environ, folder)
        finally:
            server.shutdown()
            server.server_close()
    streams.write(
        "\n# With a key in OPENAI_API_KEY, or with Ollama running, the same for real.\n"
        "# llmc model pull brings the model that finds other words on this machine.\n"
    )


def _play(says: str, words: list[str], environ: dict[str, str], folder: str) -> None:
    typed = [f'"{word}"' if " " in word else word for word in words[:-2]]
    streams.write(f"\n# {says}\n$ llmc {' '.join(typed)}\n")
    done = subprocess.run(
        [sys.executable, "-m", "llmc", *words],
        env=environ,
        cwd=folder,  # where no project's file says otherwise
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        raise LlmcError(f"llmc {words[0]} ended with {done.returncode}")


class _Rehearsal(BaseHTTPRequestHandler):
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
