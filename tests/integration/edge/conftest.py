"""A real edge in front of a real store, with two sites on one host, and an origin that can be held up."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from nashr.adapters.s3 import S3ObjectStore, connect, ensure_buckets
from nashr.settings import load

from tests.servers import PURGE_SECRET, Reply, Server, edge, ministack, request, wait_until

HTML = "text/html; charset=utf-8"
PAGE = "public, max-age=0, s-maxage=86400, stale-if-error=86400"
SITES = {"/": "ar/", "/en/": "en/", "/bare/": ""}


@dataclass(frozen=True)
class Shop:
    """An edge, and the bucket behind it to write into."""

    edge: Server
    origin: Server
    store: S3ObjectStore

    def put(self, key: str, body: str, *, cache: str | None = PAGE, kind: str = HTML, **metadata: str) -> str:
        named = {name.replace("_", "-"): value for name, value in metadata.items()}
        return self.store.put(key, body.encode(), content_type=kind, cache_control=cache, metadata=named)

    def get(self, path: str, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return request(self.edge.url, path, headers=named)

    def text(self, path: str) -> str:
        return self.get(path).body.decode()

    def purge(self, *urls: str, tags: tuple[str, ...] = (), secret: str = PURGE_SECRET) -> Reply:
        return purge(self.edge.url, *urls, tags=tags, secret=secret)


def purge(edge_url: str, *urls: str, tags: tuple[str, ...] = (), secret: str = PURGE_SECRET) -> Reply:
    whole = [url if "://" in url else edge_url + url for url in urls]
    body = json.dumps({"urls": whole, "tags": tags})
    return request(edge_url, method="PURGE", headers={"Nashr-Purge-Secret": secret}, body=body)


def routes(host: str) -> bytes:
    sites = [
        {"id": prefix or "bare", "host": host, "base_path": base_path, "prefix": prefix}
        for base_path, prefix in SITES.items()
    ]
    return json.dumps({"sites": sites}).encode()


@contextmanager
def open_shop(folder: Path) -> Iterator[Shop]:
    with ministack(folder) as origin, edge(folder, origin=origin.url) as front:
        settings = load(s3_endpoint=origin.url)
        with closing(connect(settings)) as client:
            ensure_buckets(client, public=settings.s3_bucket, private=settings.s3_private_bucket)
            shop = Shop(front, origin, S3ObjectStore(client, settings.s3_bucket))
            shop.put("ar/404.html", "not found here")
            host = front.url.removeprefix("http://")
            shop.store.put("_nashr/sites.json", routes(host), content_type="application/json")
            wait_until(lambda: shop.text("/nothing/") == "not found here", what="the edge to learn its sites")
            yield shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("edge")) as opened:
        yield opened


@dataclass
class SlowOrigin:
    """A store whose answers for one key can be held up after they are decided."""

    url: str = ""
    body: str = "old"
    held: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)
    asked: Counter[str] = field(default_factory=Counter)

    def answer(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        """The first reader of the page waits at the gate with the body that was current when it came."""
        self.asked[path] += 1
        if path.endswith("/_nashr/sites.json"):
            return 200, {}, routes("site.example")
        if not path.endswith("/page/index.html"):
            return 404, {}, b""
        body = self.body.encode()
        if self.asked[path] == 1:
            self.held.set()
            assert self.gate.wait(60)
        return 200, {"Cache-Control": PAGE, "x-amz-meta-surrogate-key": "a1"}, body


@contextmanager
def listening(origin: SlowOrigin) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = origin.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    origin.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        origin.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[SlowOrigin, Server]]:
    origin = SlowOrigin()
    with listening(origin), edge(tmp_path, origin=origin.url) as front:
        yield origin, front
