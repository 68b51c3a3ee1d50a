"""A provider in bytes: what it receives and sends is exact, and its connections are its own."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: What a reply may be: its bytes, or what is done with the connection once a request has come.
Reply = bytes | Callable[[socket.socket], None]


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """Write a reply with its length; `headers` are whole lines, a content type among them."""
    told = headers or (b"Content-Type: application/json",)
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + status, *told, length, b"", body])


def streamed(*pieces: bytes, end: bool = True) -> Callable[[socket.socket], None]:
    """Send events, each piece as a chunk and a packet of its own; without an `end`, break off."""

    def send(connection: socket.socket) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        if end:
            connection.sendall(b"0\r\n\r\n")
        else:
            connection.close()

    return send


class Bare:
    """The server; `received` are whole requests. The last reply is given again and again."""

    def __init__(self, replies: tuple[Reply, ...]) -> None:
        self.received: list[bytes] = []
        self.connections = 0
        self._replies = list(replies)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Close everything."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while request := _request(connection):
                with self._lock:
                    self.received.append(request)
                    reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
                connection.sendall(reply) if isinstance(reply, bytes) else reply(connection)
        except OSError:
            pass


def _request(connection: socket.socket) -> bytes:
    """Read one request, its body by its length or to its last chunk; b"" at the end."""
    taken = b""
    while b"\r\n\r\n" not in taken:
        if not (piece := connection.recv(65536)):
            return b""
        taken += piece
    head, _, body = taken.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    is_chunked = re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head)
    while (length and len(body) < int(length[1])) or (
        is_chunked and not body.endswith(b"0\r\n\r\n")
    ):
        if not (piece := connection.recv(65536)):
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


@contextmanager
def serving(*replies: Reply) -> Iterator[Bare]:
    """Serve until the block ends."""
    server = Bare(replies)
    try:
        yield server
    finally:
        server.stop()
