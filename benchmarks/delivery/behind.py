"""A stack of the benchmarks behind a real Varnish; if wanted, with everything counted that it asks for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.stack import SITE, Stack
from tests.servers import PURGE_SECRET, ministack
from tests.varnish import varnish, vcl


class Counted:
    """Requests that passed through a counter, by method; and the paths of PUTs, in their order."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.requests: Counter[str] = Counter()
        self.put: list[str] = []
        self._lock = threading.Lock()

    def add(self, method: str, path: str) -> None:
        with self._lock:
            self.requests[method] += 1
            if method == "PUT":
                self.put.append(path)


class _Passage(BaseHTTPRequestHandler):
    """One connection; each request goes on as it came, so that signatures hold."""

    protocol_version = "HTTP/1.1"
    counted: Counted

    def _pass(self) -> None:
        self.counted.add(self.command, self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        there = HTTPConnection(self.counted.target.hostname or "", self.counted.target.port, timeout=30)
        there.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "expect":
                there.putheader(name, value)
        there.endheaders(body or None)
        answer = there.getresponse()
        content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        if length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)
        there.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PURGE = _pass  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def counting(target: str) -> Iterator[tuple[Counted, str]]:
    """A counter before ``target``, and its address."""
    counted = Counted(target)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Passage", (_Passage,), {"counted": counted}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield counted, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Behind:
    """A running stack, and the counters of what it asks its store and its edge for."""

    stack: Stack
    store: Counted | None
    edge: Counted | None


@contextmanager
def stack_behind_varnish(folder: Path, *, counted: bool = False) -> Iterator[Behind]:
    """Store, Varnish and stack, started in ``folder``. Raises NoVarnish where Varnish cannot be had."""
    with ExitStack() as servers:
        origin = servers.enter_context(ministack(folder))
        config = vcl(origin.url, bucket="nashr-site", prefix=f"{SITE}/")
        edge = servers.enter_context(varnish(folder, config))
        store = edge_asked = None
        store_url, edge_url = origin.url, edge.url
        if counted:
            store, store_url = servers.enter_context(counting(origin.url))
            edge_asked, edge_url = servers.enter_context(counting(edge.url))
        settings = {
            "NASHR_S3_ENDPOINT": store_url, "NASHR_EDGE_URL": edge_url, "NASHR_CDN": "varnish",
            "NASHR_CDN_TAGS": "1", "NASHR_PURGE_SECRET": PURGE_SECRET,
        }  # fmt: skip
        data = folder / "stack"
        stack = servers.enter_context(Stack(data, settings=settings))
        yield Behind(stack, store, edge_asked)
