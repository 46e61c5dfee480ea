"""The ground of a run: a lab whose processes reach every server through a proxy of ours."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import uvicorn

from tests.conftest import until
from tests.faults.chaos.httpside import EdgeSide, StoreSide, Upstream, served_by
from tests.faults.chaos.tcp import Streams, TcpProxy
from tests.faults.history.records import Log
from tests.faults.lab import Lab
from tests.servers import free_port

T = TypeVar("T")
SERVICES = ("edge", "ingest", "relay", "images", "related", "cards", "delivery")


class Loop:
    """An asyncio loop in a thread of its own; ``run`` is for other threads."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop)

    def stop(self) -> None:
        """Ends what still runs in it, then itself."""
        self.run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=10)


@dataclass
class Ground:
    """What the nemesis can break."""

    lab: Lab
    log: Log
    loop: Loop
    tcp: dict[str, TcpProxy]
    store: StoreSide
    edge: EdgeSide
    real: dict[str, str]
    prefix: str

    def store_key(self, path: str) -> str:
        """The key of the object that shows a path of the site."""
        name = path.lstrip("/")
        return self.prefix + (name + "index.html" if path.endswith("/") else name)


@contextmanager
def proxied(lab: Lab, log: Log, *, seed: int) -> Iterator[Ground]:
    """The lab with proxies between its services and PostgreSQL, Valkey, the store and the edge.

    Services read the addresses from DIR/stack.json when they start: it is changed, and they are restarted.
    Each has the database's from its environment, as a role of its own: inside/sitecustomize.py changes that.
    """
    stack, through = lab.data / "stack.json", lab.data / "database_through"
    written = stack.read_text()
    real: dict[str, str] = {
        name: value for name, value in json.loads(written).items() if isinstance(value, str)
    }
    prefix = _prefix(lab, real)
    loop = Loop()
    store = StoreSide(
        Upstream(real["s3_endpoint"]), log, real["s3_bucket"], real["s3_access_key"], prefix,
        random.Random(seed),
    )  # fmt: skip
    edge = EdgeSide(Upstream(real["edge_url"]), log, prefix)
    servers = {"s3": _http(loop, store), "edge": _http(loop, edge)}
    tcp = {
        "postgres": _tcp(loop, _to_database(real["database_url"])),
        "valkey": _tcp(loop, _to_port(_port(real["redis_url"]))),
        **{name: _tcp(loop, _to_port(server.config.port)) for name, server in servers.items()},
    }
    ground = Ground(lab, log, loop, tcp, store, edge, real, prefix)
    try:
        stack.write_text(json.dumps({**json.loads(written), **_addresses(ground)}))
        through.write_text(f"127.0.0.1:{tcp['postgres'].port}")
        restart_services(lab)
        inside = [tcp[name] for name in ("postgres", "valkey", "s3")]
        until(lambda: all(proxy.carried for proxy in inside), what="services to come through the proxies")
        yield ground
    finally:
        stack.write_text(written)
        through.unlink(missing_ok=True)
        restart_services(lab)
        for proxy in tcp.values():
            loop.run(proxy.stop())
        for server in servers.values():
            server.force_exit = server.should_exit = True
        loop.run(_closed(store.upstream, edge.upstream))
        loop.stop()


@contextmanager
def blind_store(lab: Lab, log: Log) -> Iterator[str]:
    """The address of the lab's store behind a proxy that drops all conditions, for who is sent there."""
    real = json.loads((lab.data / "stack.json").read_text())
    loop = Loop()
    store = StoreSide(
        Upstream(real["s3_endpoint"]), log, real["s3_bucket"], real["s3_access_key"], _prefix(lab, real),
        random.Random(0), blind=True,
    )  # fmt: skip
    server = _http(loop, store)
    try:
        yield f"http://127.0.0.1:{server.config.port}"
    finally:
        server.force_exit = server.should_exit = True
        loop.run(_closed(store.upstream))
        loop.stop()


async def _closed(*upstreams: Upstream) -> None:
    await asyncio.sleep(0.3)  # uvicorn looks every 0.1 s whether it should exit
    for upstream in upstreams:
        await upstream.close()


def _prefix(lab: Lab, real: dict[str, str]) -> str:
    routes = lab.client("reader").get(f"{real['s3_endpoint']}/{real['s3_bucket']}/_nashr/sites.json").json()
    return str(routes["sites"][0]["prefix"])


def _addresses(ground: Ground) -> dict[str, str]:
    ports = {name: proxy.port for name, proxy in ground.tcp.items()}
    redis = urlsplit(ground.real["redis_url"])
    return {
        "database_url": f"postgresql://nashr@127.0.0.1:{ports['postgres']}/nashr",
        "redis_url": redis._replace(netloc=f":{redis.password}@127.0.0.1:{ports['valkey']}").geturl(),
        "s3_endpoint": f"http://127.0.0.1:{ports['s3']}",
        "edge_url": f"http://127.0.0.1:{ports['edge']}",
    }


def restart_services(lab: Lab) -> None:
    """New processes, which read the addresses anew."""
    before = {name: lab.program(name).restarts for name in SERVICES}
    for name in SERVICES:
        lab.signal(name, signal.SIGKILL)
    for name in SERVICES:
        lab.ready(name, restarts=before[name] + 1)


def _http(loop: Loop, side: StoreSide | EdgeSide) -> uvicorn.Server:
    """Serves an HTTP side on a free port of loopback."""
    port = free_port()
    config = uvicorn.Config(
        served_by(side.handle), host="127.0.0.1", port=port, log_level="error", lifespan="off",
        access_log=False, date_header=False, server_header=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    loop.spawn(server.serve())
    until(lambda: server.started, what="an HTTP proxy to listen")
    return server


def _tcp(loop: Loop, upstream: Any) -> TcpProxy:
    proxy = TcpProxy(upstream)
    loop.run(proxy.start())
    return proxy


def _to_port(port: int) -> Any:
    async def connect() -> Streams:
        return await asyncio.open_connection("127.0.0.1", port)

    return connect


def _to_database(url: str) -> Any:
    """The embedded server listens on a socket only."""
    asked = parse_qs(urlsplit(url).query)
    path = Path(asked["host"][0]) / f".s.PGSQL.{asked['port'][0]}"

    async def connect() -> Streams:
        return await asyncio.open_unix_connection(str(path))

    return connect


def _port(url: str) -> int:
    return int(urlsplit(url).port or 0)
