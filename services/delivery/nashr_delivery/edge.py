"""The embedded edge: a caching reverse proxy that serves the site bucket as a CDN would.

It never writes, and knows of a site only its route and what each object's metadata says.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hmac import compare_digest
from typing import Final
from urllib.parse import urlsplit

import uvicorn
from nashr.observability import logs
from nashr.settings import Settings, load_for_stack

from nashr_delivery.edge_cache import Cache
from nashr_delivery.edge_client import Client
from nashr_delivery.edge_entry import Entry, prepare
from nashr_delivery.edge_http import (
    Answer,
    Receive,
    Request,
    Scope,
    Send,
    as_missing,
    as_stream,
    moved,
    passed_on,
    plain,
    read_body,
    read_request,
    send_answer,
    serve,
    unavailable,
    unlisted,
)
from nashr_delivery.edge_origin import FAILURES, Origin, OriginDown, TooLarge, read_head
from nashr_delivery.edge_routes import RESERVED, Route, ascii_host, canonical, encoded, load_routes, pick

Sites = Callable[[], Awaitable[Sequence[Route]]]

LIVEZ: Final = b"/.nashr/livez"
ROUTES_SECONDS: Final = 1.0
STALE_SECONDS: Final = 1.0
MAX_PURGE_BYTES: Final = 1024 * 1024

log = logging.getLogger("nashr.edge")


@dataclass(frozen=True, slots=True)
class Found:
    """An entry, and the X-Cache verdict on how it came."""

    entry: Entry
    verdict: bytes


class Edge:
    """The ASGI application. ``sites`` gives the routes and is asked again every second."""

    def __init__(
        self, origin: Origin, *, sites: Sites, secret: str, cache_bytes: int, previews: Client | None = None
    ) -> None:
        self._origin = origin
        self._previews = previews
        self._sites = sites
        self._secret = secret.encode()
        self._cache = Cache(cache_bytes)
        self._routes: Sequence[Route] = ()
        self._routes_known = False
        self._complaint = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            request = read_request(scope)
            answer = await self._answer(request, receive)
            await send_answer(answer, send, head=request.method == "HEAD", secure=request.secure)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._read_routes()
        keeper = asyncio.create_task(self._keep_routes())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        self._origin.close()
        if self._previews is not None:
            self._previews.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _keep_routes(self) -> None:
        while True:
            await asyncio.sleep(ROUTES_SECONDS)
            await self._read_routes()

    async def _read_routes(self) -> None:
        """The routes of the last good read stand while the store is away; each trouble is told once."""
        complaint = ""
        try:
            self._routes = await self._sites()
            self._routes_known = True
        except (OriginDown, TooLarge, ValueError) as error:
            complaint = str(error)
        if complaint and complaint != self._complaint:
            log.warning("routes kept as they were: %s", complaint)
        self._complaint = complaint

    async def _answer(self, request: Request, receive: Receive) -> Answer:
        if request.method == "PURGE":
            return await self._purge(request, receive)
        if request.method not in {"GET", "HEAD"}:
            return plain(405, "GET or HEAD only\n", (b"allow", b"GET, HEAD"))
        if request.path == LIVEZ:
            return plain(200, "ok\n")
        path = canonical(request.path)
        if path is None:
            return plain(400, "no site has such a path\n")
        try:
            return await self._page(request, path)
        except OriginDown as error:
            log.warning("nothing kept to serve: %s", error)
            return unavailable()

    async def _page(self, request: Request, path: str) -> Answer:
        route = pick(self._routes, request.host, path)
        if route is None:
            return plain(404, "no site at this host and path\n") if self._routes_known else unavailable()
        if not path.startswith(route.base_path):
            return _to_folder(request, path)
        if self._previews is not None and route.is_preview(path):
            return await self._previewed(self._previews, request, route, path)
        return await self._stored(request, route, path)

    async def _stored(self, request: Request, route: Route, path: str) -> Answer:
        """What the bucket holds at a path, else the site's not-found page."""
        key = route.key(path)
        try:
            found = await self._find(key)
        except TooLarge:
            return await self._streamed(request, route, key)
        if found is not None:
            return serve(found.entry, request, verdict=found.verdict, now=time.monotonic())
        if not path.endswith("/") and await self._find(f"{key}/index.html"):
            return _to_folder(request, path)
        return await self._missing(request, route)

    async def _previewed(self, previews: Client, request: Request, route: Route, path: str) -> Answer:
        """Passed on to delivery and kept nowhere; what does not open is the site's own not-found page."""
        try:
            wire = await previews.get(encoded(path))
        except FAILURES as error:
            raise OriginDown(f"previews: {error!r}") from error
        if wire.status != 404:
            return passed_on(wire)
        wire.release()
        return unlisted(await self._missing(request, route))

    async def _find(self, key: str) -> Found | None:
        """The entry of ``key`` from memory or the origin. Raises OriginDown or TooLarge."""
        if key.startswith(RESERVED):
            return None
        entry = self._cache.get(key)
        if entry is not None and time.monotonic() < entry.fresh_until:
            return Found(entry, b"STALE" if entry.stale else b"HIT")
        try:
            entry = await self._cache.fill(key, partial(self._fetch, key))
        except OriginDown as error:
            return self._stale(key, error)
        return Found(entry, b"MISS" if entry.storable else b"BYPASS") if entry else None

    async def _fetch(self, key: str) -> Entry | None:
        found = await self._origin.get(key)
        return await prepare(found, now=time.monotonic()) if found else None

    def _stale(self, key: str, error: OriginDown) -> Found:
        """Looks again: a purge while the origin failed to answer has taken the old copy away."""
        entry, now = self._cache.get(key), time.monotonic()
        if entry is None or now >= entry.stale_until:
            raise error
        return Found(self._cache.extend(key, entry, until=now + STALE_SECONDS), b"STALE")

    async def _streamed(self, request: Request, route: Route, key: str) -> Answer:
        wire = await self._origin.open(key)
        if wire is None:
            return await self._missing(request, route)
        return as_stream(await prepare(read_head(wire.headers), now=time.monotonic()), wire)

    async def _missing(self, request: Request, route: Route) -> Answer:
        with suppress(OriginDown, TooLarge):
            found = await self._find(f"{route.prefix}404.html")
            if found is not None:
                return as_missing(found.entry, request)
        return plain(404, "404\n")

    async def _purge(self, request: Request, receive: Receive) -> Answer:
        if not self._secret or not compare_digest(request.secret, self._secret):
            return plain(403, "PURGE needs the secret\n")
        body = await read_body(receive, limit=MAX_PURGE_BYTES)
        if body is None:
            return plain(413, f"at most {MAX_PURGE_BYTES} bytes\n")
        try:
            urls, tags = _purge_list(body) if body else ([f"{request.host}{request.path.decode()}"], [])
            keys = await self._keys_of(urls)
        except ValueError as error:
            return plain(400, f"{error}\n")
        purged = self._cache.purge(keys, tags=tags)
        return plain(200, json.dumps({"purged": purged}) + "\n")

    async def _keys_of(self, urls: Sequence[str]) -> set[str]:
        """The keys that these URLs are looked up under. A site of this very second is asked for once."""
        found = [self._keys(url) for url in urls]
        if not all(found):
            await self._read_routes()
            found = [self._keys(url) for url in urls]
        return {key for keys in found for key in keys}

    def _keys(self, url: str) -> tuple[str, ...]:
        parts = urlsplit(url if "://" in url else f"//{url}")
        path = canonical((parts.path or "/").encode())
        route = pick(self._routes, ascii_host(parts.netloc), path) if path else None
        if route is None or path is None:
            return ()
        if path.endswith("/"):
            return (route.key(path),)
        if not path.startswith(route.base_path):
            return (route.key(f"{path}/"),)
        return route.key(path), route.key(f"{path}/")


def _to_folder(request: Request, path: str) -> Answer:
    query = f"?{request.query.decode('latin-1')}" if request.query.isascii() and request.query else ""
    return moved(f"{encoded(path)}/{query}")


def _purge_list(body: bytes) -> tuple[list[str], list[str]]:
    """The ``urls`` and ``tags`` of a PURGE body; raises ValueError when it is another shape."""
    given = json.loads(body)
    if not isinstance(given, dict):
        raise ValueError('send {"urls": [...], "tags": [...]}')
    lists = [given.get(name, []) for name in ("urls", "tags")]
    if any(not isinstance(item, list) or not all(isinstance(text, str) for text in item) for item in lists):
        raise ValueError("urls and tags are lists of texts")
    return lists[0], lists[1]


def build(settings: Settings) -> Edge:
    """The edge in front of the store that the settings name."""
    origin = Origin(settings.s3_endpoint, settings.s3_bucket)
    return Edge(
        origin,
        sites=partial(load_routes, origin),
        secret=settings.purge_secret.get_secret_value(),
        cache_bytes=settings.edge_cache_bytes,
        previews=Client(settings.preview_url) if settings.preview_url else None,
    )


def main() -> None:
    """Serves until SIGTERM; requests under way then have one second."""
    logs.configure("edge")
    settings = load_for_stack()
    uvicorn.run(
        build(settings),
        host=settings.bind,
        port=settings.site_port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,  # in the form of all our logs
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
