"""HTTP as the edge speaks it over ASGI: requests read, answers made and sent. No cache, no site."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, replace
from typing import Any, Final

from nashr_delivery import edge_headers
from nashr_delivery.edge_client import Wire
from nashr_delivery.edge_entry import Entry, matches
from nashr_delivery.edge_headers import EVERY, SECURE, Headers

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_NO_STORE: Final = (b"cache-control", b"no-store")
_OF_THE_BODY: Final = frozenset({b"content-length", b"content-type", b"content-encoding"})
_PASSED_ON: Final = (
    "content-type", "content-length", "cache-control", "x-robots-tag", "location", "retry-after",
)  # fmt: skip
_OF_SUCCESS: Final = frozenset({b"cache-control", b"etag", b"last-modified"})
_DOWN: Final = (
    "الموقع غير متاح مؤقتًا، يرجى المحاولة بعد قليل.\nTemporarily unavailable, please try again soon.\n"
)


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of a request that an answer can depend on."""

    method: str
    path: bytes
    query: bytes
    host: str
    gzip: bool
    if_none_match: bytes
    secret: bytes
    secure: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; ``rest``, where given, is the origin's body to be passed on and released."""

    status: int
    headers: Headers
    body: bytes = b""
    rest: Wire | None = None


def read_request(scope: Scope) -> Request:
    headers = dict(scope["headers"])
    return Request(
        method=scope["method"],
        path=scope["raw_path"],
        query=scope["query_string"],
        host=headers.get(b"host", b"").decode("latin-1"),
        gzip=accepts_gzip(headers.get(b"accept-encoding", b"")),
        if_none_match=headers.get(b"if-none-match", b""),
        secret=headers.get(b"nashr-purge-secret", b""),
        secure=b"https" in {scope["scheme"].encode(), _first(headers.get(b"x-forwarded-proto", b""))},
    )


def _first(value: bytes) -> bytes:
    """What the outermost of several proxies said."""
    return value.partition(b",")[0].strip().lower()


async def read_body(receive: Receive, *, limit: int) -> bytes | None:
    """The request's body, or None where it is longer than ``limit`` bytes."""
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return body


def accepts_gzip(accept_encoding: bytes) -> bool:
    for part in accept_encoding.split(b","):
        name, _, weight = part.partition(b";")
        if name.strip().lower() in {b"gzip", b"*"}:
            return weight.replace(b" ", b"").lower().removeprefix(b"q=").strip(b"0.") != b"" or not weight
    return False


def serve(entry: Entry, request: Request, *, verdict: bytes, now: float) -> Answer:
    """What a reader gets of an entry: the encoding they take, or 304 for what they have."""
    variant = entry.packed if entry.packed and request.gzip else entry.plain
    shown = ((b"x-cache", verdict), (b"age", b"%d" % max(0, now - entry.made_at)))
    if entry.status == 200 and request.if_none_match and matches(request.if_none_match, entry.tag):
        kept = tuple(header for header in variant.headers if header[0] not in _OF_THE_BODY)
        return Answer(304, (*kept, *shown))
    return Answer(entry.status, (*variant.headers, *shown), variant.body)


def as_missing(entry: Entry, request: Request) -> Answer:
    """The site's own 404 page, never to be kept: the address may be published the next moment."""
    variant = entry.packed if entry.packed and request.gzip else entry.plain
    kept = tuple(header for header in variant.headers if header[0] not in _OF_SUCCESS)
    return Answer(404, (*kept, _NO_STORE, (b"x-cache", b"MISS")), variant.body)


def as_stream(entry: Entry, rest: Wire) -> Answer:
    """The head of ``entry`` over the unread body of ``rest``."""
    kept = tuple(header for header in entry.plain.headers if header[0] != b"content-length")
    length = (b"content-length", rest.headers["content-length"].encode())
    return Answer(entry.status, (*kept, length, (b"x-cache", b"BYPASS")), rest=rest)


def passed_on(wire: Wire) -> Answer:
    """Somebody else's answer as it comes, for this reader alone."""
    there = wire.headers
    kept = tuple((name.encode(), there[name].encode("latin-1")) for name in _PASSED_ON if name in there)
    protecting = edge_headers.of(there.get("content-type", ""), csp=there.get("content-security-policy", ""))
    return Answer(wire.status, (*kept, *protecting, (b"x-cache", b"BYPASS")), rest=wire)


def unlisted(answer: Answer) -> Answer:
    """``answer`` with a word to robots."""
    return replace(answer, headers=(*answer.headers, (b"x-robots-tag", b"noindex, nofollow")))


def plain(status: int, text: str, *headers: tuple[bytes, bytes]) -> Answer:
    body = text.encode()
    kind = (b"content-type", b"text/plain; charset=utf-8")
    length = (b"content-length", str(len(body)).encode())
    return Answer(status, (kind, length, _NO_STORE, *EVERY, *headers), body)


def moved(location: str) -> Answer:
    return plain(301, f"{location}\n", (b"location", location.encode("ascii")))


def unavailable() -> Answer:
    return plain(503, _DOWN, (b"retry-after", b"5"))


async def send_answer(answer: Answer, send: Send, *, head: bool, secure: bool) -> None:
    """Sends it, without its body for a HEAD; ``secure``: the reader came over https."""
    headers = (*answer.headers, *SECURE) if secure else answer.headers
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if answer.rest is not None and not head:
            async for chunk in answer.rest.chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"" if head else answer.body})
    finally:
        if answer.rest is not None:
            answer.rest.release()
