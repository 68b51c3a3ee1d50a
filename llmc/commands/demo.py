"""`llmc demo`: the whole story offline, through the real program."""

import os
import subprocess
import sys
import tempfile
import threading
from http.server import ThreadingHTTPServer

from llmc import streams
from llmc.errors import LlmcError
from llmc.options import Color, Db
from llmc.rehearsal import Rehearsal
from llmc.store import Store

__all__ = ["command"]

_PROMPT = "why is the sky blue?"
_REWORDED = "can you tell me why the sky is blue?"

#: Rehearsal money: the price list of a small hosted model. The similarity is the one that
#: `--error 5%` wants of all-MiniLM-L6-v2, whose vectors these are.
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
    server = ThreadingHTTPServer(("127.0.0.1", 0), Rehearsal)
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
