"""Which site a request means: canonical paths, the routes that delivery wrote, and their object keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from nashr_delivery.edge_origin import Origin

RESERVED: Final = "_nashr/"
ROUTES_KEY: Final = RESERVED + "sites.json"
_REFUSED: Final = re.compile(r"[\x00-\x1f\x7f\\]|//|/\.\.?(?:/|$)")
_PORT: Final = re.compile(r":\d*$")


@dataclass(frozen=True)
class Route:
    """Where a site hangs: ``host`` may hold a port, ``base_path`` has a slash at both ends."""

    host: str
    base_path: str
    prefix: str

    def covers(self, path: str) -> bool:
        return path.startswith(self.base_path) or path + "/" == self.base_path

    def is_preview(self, path: str) -> bool:
        """Whether a path that the route covers is one of previews, which no bucket holds."""
        return path.startswith(f"{self.base_path}preview/")

    def key(self, path: str) -> str:
        """The object behind a canonical path that the route covers; a folder is its index.html."""
        name = path[len(self.base_path) :]
        return self.prefix + (name + "index.html" if path.endswith("/") else name)


def canonical(raw: bytes) -> str | None:
    """The decoded path that stands for all spellings of ``raw``; None for one that no site can have.

    Refused are ``.`` and ``..``, empty segments, control characters, backslashes and broken UTF-8: a
    file system behind the store could take each of them for another key.
    """
    try:
        path = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return None
    return path if path.startswith("/") and not _REFUSED.search(path) else None


def encoded(path: str) -> str:
    """A canonical path as it stands in a URL."""
    return quote(path, safe="/:@!$&'()*+,;=~-._")


def pick(routes: Sequence[Route], host: str, path: str) -> Route | None:
    """The route of the longest base path among those that answer for ``host``."""
    covering = [route for route in _answering(routes, host.lower()) if route.covers(path)]
    return max(covering, key=lambda route: len(route.base_path), default=None)


def _answering(routes: Sequence[Route], host: str) -> Sequence[Route]:
    """Exact host first, then one that differs by its port only; a stranger gets an only host's sites."""
    exact = [route for route in routes if route.host == host]
    if exact:
        return exact
    name = _PORT.sub("", host)
    same_name = [route for route in routes if _PORT.sub("", route.host) == name]
    for candidates in (same_name, routes):
        if len({route.host for route in candidates}) == 1:
            return candidates
    return ()


async def load_routes(origin: Origin) -> tuple[Route, ...]:
    """The routes that delivery keeps in the site bucket; none while it has written none.

    Raises OriginDown, and ValueError for a file that is not what delivery writes.
    """
    found = await origin.get(ROUTES_KEY)
    return parse_routes(found.body) if found else ()


def parse_routes(data: bytes) -> tuple[Route, ...]:
    """Reads ``{"sites": [{"id", "host", "base_path", "prefix"}]}``; raises ValueError when it is not that."""
    try:
        sites: Iterable[dict[str, str]] = json.loads(data)["sites"]
        return tuple(Route(ascii_host(site["host"]), site["base_path"], site["prefix"]) for site in sites)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{ROUTES_KEY}: {error!r}") from error


def ascii_host(host: str) -> str:
    """A host as browsers send it: an Arabic domain in Punycode. Raises ValueError."""
    port = _PORT.search(host)
    name, tail = (host[: port.start()], port.group()) if port else (host, "")
    return name.lower().encode("idna").decode() + tail
