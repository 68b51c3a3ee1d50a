"""A server of files on loopback that keeps to HTTP, or does not, to order."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Manner(NamedTuple):
    """How the files are sent. `cut` ends each body after so many bytes, without telling before."""

    status: int = 200
    ranges: bool = True
    cut: int | None = None
    length: bool = True  # whether Content-Length is told
    replace: bytes | None = None  # sent in place of every file
    extra: bytes = b""
    shift: int = 0  # by how much a range begins elsewhere than asked for


class Mirror:
    """The server: `files` by name, `manner` how, `asked` the Range of each request (or None)."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.manner = Manner()
        self.asked: list[tuple[str, str | None]] = []
        handler = type("Handler", (_Handler,), {"mirror": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/resolve/1"

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    mirror: Mirror

    def do_GET(self) -> None:
        manner, wanted = self.mirror.manner, self.headers.get("Range")
        name = self.path.rpartition("/")[2]
        self.mirror.asked.append((name, wanted))
        content = self.mirror.files[name] if manner.replace is None else manner.replace
        content += manner.extra
        begin = int(wanted[len("bytes=") : -1]) if wanted and manner.ranges else 0
        status = 206 if begin and manner.status == 200 else manner.status
        if begin >= len(content):
            status, begin = 416, 0
        begin += manner.shift if status == 206 else 0
        self.send_response(status)
        if status == 206:
            last = len(content) - 1
            self.send_header("Content-Range", f"bytes {begin}-{last}/{len(content)}")
        if manner.length:
            self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        end = len(content) if manner.cut is None else begin + manner.cut
        try:
            self.wfile.write(content[begin:end])
        except (BrokenPipeError, ConnectionResetError):
            return

    def log_message(self, *_: object) -> None:
        pass
