"""A stand-in for the application behind nginx: it tells what reached it, and can be slow."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from flask import json

PAUSE_SECONDS = 1.0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Upstream"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(Seen(self.command, self.path, self.headers.items(), body))
        if self.path.startswith("/chat/message"):
            self._stream()
            return
        self._send(json.dumps({"path": self.path, "length": len(body)}).encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for name in ("first", "last"):
            event = f"event: {name}\ndata: {{}}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.flush()
            time.sleep(PAUSE_SECONDS)
        self.wfile.write(b"0\r\n\r\n")

    def address_string(self) -> str:
        return "socket"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Seen:
    """One request as it reached the application."""

    def __init__(self, method: str, path: str, headers: Any, body: bytes) -> None:
        self.method, self.path, self.body = method, path, body
        self.headers = [(str(name), str(value)) for name, value in headers]

    def all_of(self, name: str) -> list[str]:
        """Return every value of one header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Upstream(socketserver.ThreadingUnixStreamServer):
    """Listens on a socket and remembers."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Handler)
        self.seen: list[Seen] = []


@contextmanager
def upstream(path: Path) -> Iterator[Upstream]:
    """Listen on a socket while the block lasts."""
    with Upstream(path) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            path.unlink(missing_ok=True)
