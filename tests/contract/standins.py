"""Proxies in front of a real store that treat conditions as some stores do; a store that only answers."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Final, TypeAlias
from urllib.parse import urlsplit

CONDITIONS = ("If-None-Match", "If-Match")
ALONE = 1.0  # seconds that a writer waits for another one to have compared as well
_compared: Counter[str] = Counter()
_others = Condition()

Judge: TypeAlias = Callable[["Proxy"], int]
"""The status for a conditional PUT; 0 to store it whatever its condition says."""


class Proxy(BaseHTTPRequestHandler):
    """Passes everything on to ``store``, conditional PUTs only as ``judge`` says and without conditions."""

    protocol_version = "HTTP/1.1"
    store = ""
    judge: Judge

    def ask(self, method: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        dropped = {"Host", "Expect", *CONDITIONS, *(() if body else ("Content-Length",))}
        headers = {name: value for name, value in self.headers.items() if name not in dropped}
        parts = urlsplit(self.store)
        upstream = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        try:
            upstream.request(method, self.path, body or None, headers)
            answer = upstream.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            upstream.close()

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        conditional = self.command == "PUT" and any(self.headers.get(name) for name in CONDITIONS)
        refused = type(self).judge(self) if conditional else 0
        if refused:
            self._answer(refused, {}, b"<Error><Code>Refused</Code></Error>")
        else:
            self._answer(*self.ask(self.command, body))

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection", "date", "server"}:
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing on stderr."""


def refuses(_asked: Proxy) -> int:
    """As Backblaze B2 answers: the header asks for something that is not implemented."""
    return 501


def compares_first(asked: Proxy) -> int:
    """Keeps to conditions, but compares first and writes later, as VersityGW did before 2026-08."""
    status, headers, _ = asked.ask("HEAD")
    wanted = asked.headers.get("If-Match")
    etag = headers.get("ETag") or headers.get("etag")
    if wanted is None and status == 200:
        return 412
    if wanted is not None and (status != 200 or etag != wanted):
        return 412
    with _others:
        _compared[asked.path] += 1
        _others.notify_all()
        _others.wait_for(lambda: _compared[asked.path] > 1, timeout=ALONE)
    return 0


@contextmanager
def proxy(url: str, how: Judge) -> Iterator[str]:
    """The URL of a store that is the one at ``url`` but for conditional writes."""
    handler = type("Made", (Proxy,), {"store": url, "judge": staticmethod(how)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@dataclass(frozen=True)
class Heard:
    """One request as it came in; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Reaction: TypeAlias = Callable[[int], tuple[int, str]]
"""To the nth request from 1: a status and an S3 error code. HANGS_UP and SILENT answer nothing."""

HANGS_UP: Final = 0
SILENT: Final = -1


class Answering(BaseHTTPRequestHandler):
    """A store that stores nothing and answers what ``react`` says."""

    protocol_version = "HTTP/1.1"
    heard: list[Heard]
    react: Reaction
    over: Event

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.heard.append(Heard(self.command, self.path, headers, body))
        status, code = type(self).react(len(self.heard))
        if status == SILENT:
            self.over.wait(20)
        if status <= 0:
            self.close_connection = True
            return
        said = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode() if code else b""
        self.send_response(status)
        self.send_header("ETag", '"made"')
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing on stderr."""


@contextmanager
def answering(react: Reaction) -> Iterator[tuple[str, list[Heard]]]:
    """The URL of a store that answers as ``react`` says, and what it hears."""
    heard: list[Heard] = []
    over = Event()
    said = {"heard": heard, "react": staticmethod(react), "over": over}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Made", (Answering,), said)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        over.set()
        server.shutdown()
