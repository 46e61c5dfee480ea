"""A stack of the benchmarks behind a real Varnish; if wanted, with everything counted that it asks for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stack import SITE, Stack
from tests.servers import ministack, passage
from tests.varnish import settings, varnish, vcl


class Counted:
    """Requests that passed through a counter, by method; and the paths of PUTs, in their order."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.put: list[str] = []
        self._lock = threading.Lock()

    def add(self, method: str, path: str) -> None:
        with self._lock:
            self.requests[method] += 1
            if method == "PUT":
                self.put.append(path)


@contextmanager
def counting(target: str) -> Iterator[tuple[Counted, str]]:
    """A counter before ``target``, and its address."""
    counted = Counted()
    with passage(target, asked=counted.add) as url:
        yield counted, url


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
        data = folder / "stack"
        stack = servers.enter_context(Stack(data, settings=settings(store=store_url, edge=edge_url)))
        yield Behind(stack, store, edge_asked)
