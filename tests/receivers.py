"""A receiver of webhooks and pings on loopback: keeps each request whole, answers as the test wants."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Told:
    """One request as it came, header names in lower case; ``at`` is monotonic."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), strict_parsing=True)


@dataclass(frozen=True)
class Says:
    """An answer; one that ``hangs`` never comes."""

    status: int = 204
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False


@dataclass
class Receiver:
    """``answers`` are given one after the other, the last one for ever. ``connections``: how many came."""

    url: str = ""
    told: list[Told] = field(default_factory=list)
    answers: deque[Says] = field(default_factory=lambda: deque([Says()]))
    connections: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].partition("/")[0])

    def will(self, *answers: Says) -> None:
        self.answers = deque(answers)

    def next(self) -> Says:
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


@contextmanager
def receiver(*, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """One that says 204 until it is told otherwise; over TLS with a certificate of the test's own."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            made.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.told.append(Told(self.path, headers, body, time.monotonic()))
            says = made.next()
            if says.hangs:
                made.closing.wait()
                return
            self.send_response(says.status)
            for name, value in says.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in says.headers and says.status != 204:
                self.send_header("Content-Length", str(len(says.body)))
            self.end_headers()
            self.wfile.write(says.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "https" if tls else "http"
    made.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
