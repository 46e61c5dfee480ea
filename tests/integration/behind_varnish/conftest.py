"""A whole stack that publishes through a real Varnish, whose way to the store can be held up."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.conftest import Stack, processes_in, until
from tests.faults.lab import nashr
from tests.servers import PURGE_SECRET, Reply, Server, free_port, ministack, request
from tests.varnish import NoVarnish, varnish, varnishd, vcl

HOST = "news.example"
SITE = f"""\
id = "khabar"
name = "خبر"
locale = "ar-LB"
base_url = "https://{HOST}/"
time_zone = "Asia/Beirut"

[[sections]]
slug = "politics"
label = "سياسة"
"""
BUSY = """SELECT count(*) FROM step WHERE state IN ('ready', 'leased') AND kind <> 'sweep'
    AND available_at < now() + interval '1 hour'"""


@dataclass
class Hold:
    """One answer of the store that is kept back: ``arrived`` once it is there, until ``go`` is set."""

    key: str
    arrived: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)


class Gate:
    """Passes reads on to the store as they are; of each Hold the next answer waits."""

    def __init__(self, store: str) -> None:
        self.store = urlsplit(store)
        self._holds: dict[str, Hold] = {}
        self._lock = threading.Lock()

    @contextmanager
    def holding(self, key: str) -> Iterator[Hold]:
        hold = Hold(key)
        with self._lock:
            self._holds[key] = hold
        try:
            yield hold
        finally:
            hold.go.set()

    def take(self, path: str) -> Hold | None:
        with self._lock:
            return self._holds.pop(path.rpartition("/khabar/")[2], None)


class Way(BaseHTTPRequestHandler):
    """One connection from Varnish."""

    protocol_version = "HTTP/1.1"
    gate: Gate

    def do_GET(self) -> None:
        """The store's answer, complete before a Hold keeps it back: so it is as old as the request."""
        store = HTTPConnection(self.gate.store.hostname or "", self.gate.store.port, timeout=20)
        store.request("GET", self.path, headers=dict(self.headers.items()))
        answer = store.getresponse()
        body = answer.read()
        hold = self.gate.take(self.path)
        if hold:
            hold.arrived.set()
            hold.go.wait(20)
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):  # Varnish has given up, as it does where the store is slow
            self.wfile.write(body)
        store.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def open_gate(store: str) -> Iterator[tuple[Gate, str]]:
    """The gate before ``store``, and its address."""
    gate = Gate(store)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Way", (Way,), {"gate": gate}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield gate, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Paper(Stack):
    """The stack; its readers come to Varnish under the site's own host."""

    edge: Server = field(kw_only=True)
    origin: Server = field(kw_only=True)
    gate: Gate = field(kw_only=True)

    def read(self, url: str, **headers: str) -> Reply:
        """What a reader gets, the address spelt exactly so."""
        path = url.removeprefix(f"https://{HOST}")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return request(self.edge.url, path, headers={"Host": HOST, **named})

    def text(self, url: str) -> str:
        return self.read(url).body.decode()

    def warm(self, url: str, *, holds: str = "") -> Reply:
        """The answer once Varnish gives it out of its cache."""

        def kept() -> Reply | None:
            answer = self.read(url)
            found = answer.headers["x-cache"] == "HIT" and holds in answer.body.decode(errors="replace")
            return answer if found else None

        return until(kept, what=f"Varnish to keep {url}")

    def one(self, sql: str, *values: object) -> Any:
        """What the stack's database says."""
        url = json.loads((self.data / "stack.json").read_text())["database_url"]
        with psycopg.connect(url, autocommit=True) as conn:
            found = conn.execute(sql.encode(), values).fetchone()
        assert found is not None
        return found[0]

    def rests(self) -> None:
        """Waits until every page shows what is wanted and was purged for the last time."""
        until(lambda: self.one(BUSY) == 0, what="the stack to come to rest")


class Poll:
    """A reader who asks for one address without a pause: what was proven when it asked, and what it got.

    Versions stand behind ``mark`` as " v1", " v2" and so on; 0 is a page without one.
    """

    def __init__(self, paper: Paper, url: str, mark: str) -> None:
        self.proven = 0
        self.seen: list[tuple[int, int, int]] = []
        self._version = re.compile(rf"{mark} v(\d+)")
        self._paper, self._url = paper, url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Poll:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            proven = self.proven
            answer = self._paper.read(self._url)
            found = self._version.search(answer.body.decode())
            self.seen.append((proven, int(found[1]) if found else 0, answer.status))

    @property
    def stale(self) -> list[tuple[int, int, int]]:
        """Answers older than what had been proven, or than what this reader had seen before."""
        versions = [version for _, version, _ in self.seen]
        back = [
            after for before, after in zip(self.seen, self.seen[1:], strict=False) if after[1] < before[1]
        ]
        assert versions
        return [one for one in self.seen if one[1] < one[0]] + back


@pytest.fixture(scope="session")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paper]:
    try:
        varnishd()
    except NoVarnish as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("paper")
    data = folder / "data"
    with ExitStack() as servers:
        origin = servers.enter_context(ministack(folder))
        gate, way = servers.enter_context(open_gate(origin.url))
        config = vcl(way, bucket="nashr-site", prefix="khabar/")
        edge = servers.enter_context(varnish(folder, config, port=free_port()))
        yield from _running(data, folder, edge=edge, origin=origin, gate=gate)


def _running(data: Path, folder: Path, **servers: Any) -> Iterator[Paper]:
    settings = {
        "s3_endpoint": servers["origin"].url, "edge_url": servers["edge"].url, "cdn": "varnish",
        "cdn_tags": "1", "purge_secret": PURGE_SECRET,
    }  # fmt: skip
    try:
        started = nashr("up", "--detach", "--api-port", "0", data=data, **settings)
        assert started.returncode == 0, started.stdout + started.stderr
        (folder / "khabar.toml").write_text(SITE, "utf-8")
        applied = nashr("site", "apply", str(folder / "khabar.toml"), data=data)
        assert applied.returncode == 0, applied.stdout + applied.stderr
        endpoints = json.loads((data / "endpoints.json").read_text())
        tokens = dict.fromkeys(("admin", "editor"), endpoints["admin_token"])
        made = Paper(data, endpoints["api"], f"https://{HOST}", tokens, **servers)
        until(lambda: made.read("/").status == 200, what="the front page through Varnish")
        yield made
        made.close()
    finally:
        nashr("down", data=data)
        assert processes_in(data) == []
        for part in ("postgres", "valkey"):
            shutil.rmtree(data / part, ignore_errors=True)


@pytest.fixture
def poll(paper: Paper) -> Callable[[str, str], Poll]:
    """Opens a Poll of an address for the versions behind a mark."""
    return partial(Poll, paper)
