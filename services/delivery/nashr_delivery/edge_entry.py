"""An object made ready to be served: status and headers out of its metadata, gzip done once, lifetimes."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nashr_delivery import edge_headers
from nashr_delivery.edge_headers import Headers
from nashr_delivery.edge_origin import Object

_PASSED: Final = ("content-type", "content-encoding", "content-language", "cache-control", "last-modified")
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_STATUSES: Final = _REDIRECTS | {200, 404, 410, 451}
_COMPRESSIBLE: Final = re.compile(r"text/|application/(json|javascript|xml|.+\+(json|xml))|image/svg\+xml")
_GZIP_FROM_BYTES: Final = 860
_THREAD_FROM_BYTES: Final = 64 * 1024
_ENTRY_BYTES: Final = 2048


@dataclass(frozen=True, slots=True)
class Variant:
    """One encoding of an entry; the headers are whole but for Age and X-Cache."""

    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """What a key answers, and until when. Times are seconds of one monotonic clock."""

    status: int
    tag: bytes
    plain: Variant
    packed: Variant | None
    keys: frozenset[str]
    made_at: float
    fresh_until: float
    stale_until: float
    stale: bool = False

    @property
    def storable(self) -> bool:
        return max(self.fresh_until, self.stale_until) > self.made_at

    @property
    def size(self) -> int:
        packed = len(self.packed.body) if self.packed else 0
        return len(self.plain.body) + packed + _ENTRY_BYTES


async def prepare(found: Object, *, now: float) -> Entry:
    """The entry that serves ``found``."""
    status, headers = _answer(found)
    compressible = _is_compressible(found)
    if compressible:
        headers = (*headers, (b"vary", b"Accept-Encoding"))
    packed = await _gzipped(found.body) if compressible else None
    etag = found.headers.get("etag", "").encode("latin-1")
    fresh, stale = lifetimes(found.headers.get("cache-control", ""))
    return Entry(
        status=status,
        tag=opaque(etag),
        plain=_variant(headers, found.body, etag),
        packed=_variant((*headers, (b"content-encoding", b"gzip")), packed, weak(etag)) if packed else None,
        keys=frozenset(found.metadata.get("surrogate-key", "").split()),
        made_at=now,
        fresh_until=now + fresh,
        stale_until=now + fresh + stale,
    )


def _answer(found: Object) -> tuple[int, Headers]:
    """The status that the metadata asks for, and every header that does not depend on the encoding."""
    stated = found.metadata.get("status", "200")
    status = int(stated) if stated.isdecimal() and int(stated) in _STATUSES else 200
    location = found.metadata.get("location")
    if status in _REDIRECTS and not location:
        status = 200
    values: dict[str, str] = {name: found.headers[name] for name in _PASSED if name in found.headers}
    if location and status in _REDIRECTS:
        values["location"] = location
    passed = tuple((name.encode(), value.encode("latin-1")) for name, value in values.items())
    protecting = edge_headers.of(values.get("content-type", ""), csp=found.metadata.get("csp", ""))
    return status, (*passed, *protecting)


def _variant(headers: Headers, body: bytes, etag: bytes) -> Variant:
    length = (b"content-length", str(len(body)).encode())
    return Variant((*headers, *(((b"etag", etag),) if etag else ()), length), body)


def _is_compressible(found: Object) -> bool:
    kind = found.headers.get("content-type", "")
    return "content-encoding" not in found.headers and _COMPRESSIBLE.match(kind) is not None


async def _gzipped(body: bytes) -> bytes | None:
    """The gzip of ``body``, or None where it saves nothing."""
    if len(body) < _GZIP_FROM_BYTES:
        return None
    if len(body) < _THREAD_FROM_BYTES:
        packed = gzip.compress(body, 6, mtime=0)
    else:
        packed = await asyncio.to_thread(gzip.compress, body, 6, mtime=0)
    return packed if len(packed) < len(body) else None


def lifetimes(cache_control: str) -> tuple[int, int]:
    """Seconds that a shared cache may serve an answer fresh, and after that while the origin is down.

    RFC 9111 section 5.2.2 (s-maxage over max-age) and RFC 5861 section 4 (stale-if-error).
    """
    given = _directives(cache_control)
    if given.keys() & {"no-store", "private", "no-cache"}:
        return 0, 0
    fresh = _seconds(given.get("s-maxage", given.get("max-age", "")))
    return fresh, _seconds(given.get("stale-if-error", ""))


def _directives(cache_control: str) -> Mapping[str, str]:
    pairs = (part.partition("=") for part in cache_control.lower().split(","))
    return {name.strip(): value.strip(' "') for name, _, value in pairs}


def _seconds(value: str) -> int:
    return int(value) if value.isdecimal() else 0


def weak(etag: bytes) -> bytes:
    """The ETag of another encoding of the same object: equal under weak comparison only."""
    return etag if etag.startswith(b"W/") or not etag else b"W/" + etag


def opaque(etag: bytes) -> bytes:
    return etag.strip().removeprefix(b"W/")


def matches(if_none_match: bytes, tag: bytes) -> bool:
    """Weak comparison of RFC 9110, section 13.1.2."""
    if not tag:
        return False
    asked = {opaque(etag) for etag in if_none_match.split(b",")}
    return tag in asked or b"*" in asked
