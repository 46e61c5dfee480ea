"""A whole stack that publishes through a real Varnish, whose way to the store can be held up."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import Stack, nashr, processes_in, until
from tests.servers import Reply, Server, ministack, passage, request
from tests.varnish import NoVarnish, Varnish, settings, varnish, varnishd, vcl

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
    """On Varnish's way to the store: of each Hold the next answer waits, as old as the request."""

    def __init__(self) -> None:
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

    def answered(self, _method: str, path: str) -> None:
        """Keeps the answer back that a Hold waits for."""
        with self._lock:
            hold = self._holds.pop(path.rpartition("/khabar/")[2], None)
        if hold:
            hold.arrived.set()
            hold.go.wait(20)


@dataclass
class Paper(Stack):
    """The stack; its readers come to Varnish under the site's own host."""

    edge: Varnish = field(kw_only=True)
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
        until(lambda: self.one(BUSY) == 0, what="the stack to come to rest", seconds=180)


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
        gate = Gate()
        way = servers.enter_context(passage(origin.url, answered=gate.answered))
        config = vcl(way, bucket="nashr-site", prefix="khabar/")
        edge = servers.enter_context(varnish(folder, config))
        edge.store_is("healthy")
        yield from _running(data, folder, edge=edge, origin=origin, gate=gate)


def _running(data: Path, folder: Path, **servers: Any) -> Iterator[Paper]:
    try:
        outside = settings(store=servers["origin"].url, edge=servers["edge"].url)
        nashr("up", "--detach", "--api-port", "0", data=data, **outside)
        (folder / "khabar.toml").write_text(SITE, "utf-8")
        nashr("site", "apply", str(folder / "khabar.toml"), data=data)
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
