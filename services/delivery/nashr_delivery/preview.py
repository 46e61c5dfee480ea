"""Previews over HTTP, beside the delivery worker's own work: one revision's page, and its files, for a token.

Whoever routes to it (the embedded edge, a CDN) sends paths below ``/preview/`` and keeps nothing. Originals
are not here: the files are those of the site's bucket, by the names that pages give them.
"""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import uvicorn
from nashr.bootstrap import Runtime
from nashr.domain.errors import Retryable
from nashr.observability.logs import logger
from nashr.store.database import snapshot

from nashr_delivery import edge_headers, looks, preview_page, preview_view
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.edge_http import (
    Answer,
    Receive,
    Request,
    Scope,
    Send,
    moved,
    plain,
    read_request,
    send_answer,
    unavailable,
)
from nashr_delivery.edge_routes import canonical, encoded
from nashr_delivery.preview_view import Opened

THREADS: Final = 2  # editors look, readers do not
_PATH: Final = re.compile(r"(?P<base>/(?:.*/)?)preview/(?P<token>[^/]+)(?P<rest>/.*)?")
_FILE: Final = re.compile(r"/(?:media|cards|assets)/[\w-]+\.(?P<suffix>[a-z0-9]+)", re.ASCII)
_CSS: Final = "strip.css"
_TYPES: Final = {
    "jpg": "image/jpeg", "webp": "image/webp", "avif": "image/avif", "png": "image/png", "gif": "image/gif",
    "svg": "image/svg+xml", "css": "text/css; charset=utf-8", "woff2": "font/woff2",
}  # fmt: skip
_CLOSED: Final = ((b"cache-control", b"no-store"), (b"x-robots-tag", b"noindex, nofollow"))


@dataclass(frozen=True)
class _Asked:
    """A path taken apart: the site's base path, the token, and from its slash on what is asked for below."""

    base: str
    token: str
    rest: str | None


class Previews:
    """The ASGI application."""

    def __init__(self, runtime: Runtime) -> None:
        self._engine = runtime.engine
        self._store = runtime.site_store
        self._looks = looks.Looks(runtime.originals)
        self._pool = ThreadPoolExecutor(THREADS, "preview")

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = read_request(scope)
        answer = await asyncio.get_running_loop().run_in_executor(self._pool, self._answer, request)
        await send_answer(answer, send, head=request.method == "HEAD", secure=request.secure)

    def _answer(self, request: Request) -> Answer:
        if request.method not in {"GET", "HEAD"}:
            return plain(405, "GET or HEAD only\n", (b"allow", b"GET, HEAD"))
        try:
            return self._found(canonical(request.path) or "") or _absent()
        except Retryable as error:
            logger().warning("preview.unavailable", error=str(error))
            return unavailable()

    def _found(self, path: str) -> Answer | None:
        asked = _asked(path)
        if asked is None:
            return None
        if asked.rest is None:
            return moved(f"{encoded(path)}/")
        with snapshot(self._engine) as conn:
            found = preview_view.opened(conn, asked.token, base_path=asked.base)
            if found is None:
                return None
            if asked.rest == "/":
                return self._page(asked, found, preview_view.shown(conn, found))
        if asked.rest == f"/{_CSS}":
            return _closed(preview_page.STRIP_CSS.encode(), _TYPES["css"])
        return self._file(asked.rest, found)

    def _file(self, path: str, found: Opened) -> Answer | None:
        """A rendition, a card, or a part of the site's look: that may not be in the bucket yet."""
        named = _FILE.fullmatch(path)
        kind = _TYPES.get(named["suffix"]) if named else None
        if kind is None:
            return None
        own = {asset.path: asset.body for asset in self._assets(found).files}
        body = own.get(path) or self._store.get(found.site.site.key(path))
        return _closed(body, kind) if body is not None else None

    def _page(self, asked: _Asked, found: Opened, shown: preview_view.Shown) -> Answer:
        """The revision's page as the site would show it; what it names is asked for below the same token."""
        site, below = found.site.site, f"/preview/{asked.token}"
        page = looks.rendered(
            shown.view, site, self._assets(found), version=0, foot=shown.foot, assets_below=below
        )
        body = preview_page.previewed(
            page.body, site, css=site.href(f"{below}/{_CSS}"), revision=found.preview.revision,
            expires_at=found.preview.expires_at, faults=shown.faults,
        )  # fmt: skip
        return _closed(body, page.content_type, csp=page.metadata["csp"])

    def _assets(self, found: Opened) -> SiteAssets:
        return self._looks.assets(found.site.site, found.site.secret)


def _asked(path: str) -> _Asked | None:
    found = _PATH.fullmatch(path)
    return _Asked(found["base"], found["token"], found["rest"]) if found else None


def _closed(body: bytes, kind: str, *, csp: str = "") -> Answer:
    """For this reader alone, and for no index."""
    length = (b"content-length", str(len(body)).encode())
    protecting = edge_headers.of(kind, csp=csp)
    return Answer(200, ((b"content-type", kind.encode()), length, *_CLOSED, *protecting), body)


def _absent() -> Answer:
    """Wrong, revoked, expired or never there: nobody learns which."""
    return plain(404, "لا توجد معاينة هنا.\nThere is no preview here.\n", _CLOSED[1])


def start(runtime: Runtime) -> None:
    """Serves in a thread of its own while the process lives; without a port there are no previews.

    Workers of one machine share the port. One that is somebody else's is told and keeps no worker from work.
    """
    settings = runtime.settings
    if not settings.preview_port:
        return
    try:
        listening = _listen(settings.bind, settings.preview_port)
    except OSError as error:
        logger().error("preview.no_port", port=settings.preview_port, error=str(error))
        return
    config = uvicorn.Config(
        Previews(runtime), loop="uvloop", http="httptools", ws="none", lifespan="off", log_level="warning",
        access_log=False, server_header=False, proxy_headers=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    threading.Thread(
        target=lambda: server.run(sockets=[listening]), name="previews", daemon=True
    ).start()  # fmt: skip


def _listen(bind: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((bind, port))
    return made
