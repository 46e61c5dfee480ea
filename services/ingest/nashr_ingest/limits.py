"""The outermost guard of the API, as pure ASGI: request ids, sizes, pace, room, JSON that is fit to parse.

Limits hold on the stream: a Content-Length may be absent or lie. Who asks and what for is not judged here.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import unquote_plus

from nashr.domain.errors import Refused
from nashr.domain.text import UNSTORABLE
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nashr_ingest.connections import CROWDED
from nashr_ingest.jsonbody import read_json
from nashr_ingest.overload import Allowance, Buckets, Held, Lanes, Room
from nashr_ingest.problems import RefusedWith, render

FORM_BYTES: Final = 128 * 1024
FREE_BYTES: Final = 64 * 1024
"""What an upload's form fields and boundaries may add to its file."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_CLOSE: Final = {"Connection": "close"}
_WRITES: Final = frozenset({"POST", "PUT", "PATCH"})
_SKIMMED_BYTES: Final = 256 * 1024
_SKIM_SECONDS: Final = 2.0
_PUBLISH: Final = "/publish"
HURRY: Final = "hurry"
"""In a request's state: what to call once it is known who asks."""
_EVENTS: Final = "/events"


@dataclass(frozen=True)
class Pace:
    """How slowly a body may arrive: ``grace`` seconds, and one more for each ``floor`` bytes received."""

    grace: float = 30.0
    floor: int = 32 * 1024

    def deadline(self, start: float, received: int) -> float:
        return start + self.grace + received / self.floor


class Limits:
    """Wraps the whole application; ``uploads`` are the paths whose POST may carry a photo.

    ``always`` are paths that answer however much there is to do, and take no token.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        max_asset_bytes: int,
        uploads: tuple[str, ...] = ("/v1/assets",),
        always: tuple[str, ...] = ("/livez", "/readyz"),
        pace: Pace | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        self._app = app
        self._max_body = max_body_bytes
        self._max_upload = max_asset_bytes + FORM_BYTES
        self._uploads = uploads
        self._always = always
        self._pace = pace or Pace()
        allowed = allowance or Allowance()
        self._buckets = Buckets(rate=allowed.rate, burst=allowed.burst)
        self._held = Held(allowed.body_bytes)
        self._requests = Room("requests", allowed.requests, kept=allowed.breaking)
        self._lanes = Lanes(ordinary=allowed.at_work, breaking=allowed.breaking, patience=allowed.patience)
        self._arriving = Room("uploads", allowed.uploads)
        self._streams = Room("event streams", allowed.streams)

    @property
    def taken(self) -> int:
        """Requests that have a place, at work or waiting for their turn."""
        return self._requests.taken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        send = _with_request_id(send, request_id)
        held = _Holding(self._held)
        try:
            self._check_welcome(scope, headers)
            receive, first = await self._guarded(scope, headers, receive, held)
            if first:
                scope["state"][HURRY] = self._lanes.hurry
            async with AsyncExitStack() as places:
                await self._take_place(places, scope, first=first)
                await self._app(scope, receive, send)
        except Refused as refused:
            await render(refused, request_id=request_id)(scope, receive, send)
        except ClientDisconnect:
            return
        finally:
            held.give_back()

    def _check_welcome(self, scope: Scope, headers: Headers) -> None:
        """What the head alone tells. Costs no more than a hash and a look."""
        _check_address(scope)
        _check_encoding(headers)
        if scope["path"] in self._always:
            return
        if scope["state"].get(CROWDED):
            raise RefusedWith("unavailable", "too many connections: try again", retry_after=2, headers=_CLOSE)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        credential = f"{scheme.lower()} {token.strip()}" if token else str((scope.get("client") or ("",))[0])
        self._buckets.take(sha256(credential.encode()).digest())

    async def _take_place(self, places: AsyncExitStack, scope: Scope, *, first: bool) -> None:
        """A place for the work, once the body is here: a slow client takes up none."""
        if scope["path"] in self._always:
            return
        if self._is_upload(scope):
            places.enter_context(self._arriving.place())
        elif scope["method"] == "GET" and scope["path"].endswith(_EVENTS):
            places.enter_context(self._streams.place())
        else:
            places.enter_context(self._requests.place(first=first))
            await places.enter_async_context(self._lanes.turn(first=first))

    def _is_upload(self, scope: Scope) -> bool:
        return scope["method"] == "POST" and scope["path"].rstrip("/") in self._uploads

    async def _guarded(
        self, scope: Scope, headers: Headers, receive: Receive, held: _Holding
    ) -> tuple[Receive, bool]:
        """A ``receive`` that can be trusted (a JSON body read whole and checked, an upload watched), and
        whether the request is a breaking publication, which goes first."""
        if not _has_body(scope, headers):
            return receive, False
        upload = self._is_upload(scope)
        stream = _Stream(receive, self._max_upload if upload else self._max_body, self._pace)
        stream.check_announced(headers)
        if "authorization" not in headers and scope["path"] not in self._always:
            await stream.skim()
            return _replay(b"", receive), False
        if upload:
            return stream.receive, False
        body, value = await _whole(stream, held), None
        if body and scope["method"] in _WRITES:  # of others nobody reads it
            _check_type(headers)
            value = read_json(body)
        return _replay(body, receive), _is_breaking(scope, value)


def _is_breaking(scope: Scope, body: Any) -> bool:
    return scope["path"].endswith(_PUBLISH) and isinstance(body, dict) and body.get("priority") == "breaking"


class _Holding:
    """What one request holds of the memory for bodies.

    Its first FREE_BYTES do not count, which the number of connections bounds: bodies that fill the memory
    and then stall never keep a small one out, such as breaking news.
    """

    def __init__(self, held: Held) -> None:
        self._held, self._size, self._counted = held, 0, 0

    def add(self, size: int) -> None:
        self._size += size
        more = max(0, self._size - FREE_BYTES) - self._counted
        self._held.add(more)
        self._counted += more

    def give_back(self) -> None:
        self._held.give_back(self._counted)
        self._size = self._counted = 0


class _Stream:
    """Counts and times what arrives of one body."""

    def __init__(self, receive: Receive, limit: int, pace: Pace) -> None:
        self._receive = receive
        self._limit = limit
        self._pace = pace
        self._start = asyncio.get_running_loop().time()
        self._received = 0
        self._done = False

    def check_announced(self, headers: Headers) -> None:
        """Refuses by Content-Length alone what is bound to be too large."""
        announced = headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > self._limit:
            raise self._too_large()

    async def receive(self) -> Message:
        """The next message. Raises Refused("too_large") or Refused("too_slow")."""
        if self._done:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._pace.deadline(self._start, self._received)):
                message = await self._receive()
        except TimeoutError:
            raise RefusedWith(
                "too_slow", "the body arrived too slowly: send it again", headers=_CLOSE
            ) from None
        self._received += len(message.get("body", b""))
        self._done = message["type"] != "http.request" or not message.get("more_body", False)
        if self._received > self._limit:
            raise self._too_large()
        return message

    def _too_large(self) -> Refused:
        return RefusedWith(
            "too_large", f"the body may have {self._limit} bytes at most: send less", headers=_CLOSE
        )

    async def skim(self) -> None:
        """Passes over the body of somebody who will be refused, so that the connection can go on.

        Raises Refused where it is long or slow, ClientDisconnect where it is cut off.
        """
        try:
            async with asyncio.timeout(_SKIM_SECONDS):
                while not self._done and self._received <= _SKIMMED_BYTES:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    self._received += len(message.get("body", b""))
                    self._done = not message.get("more_body", False)
        except TimeoutError:
            pass
        if not self._done:
            raise RefusedWith("unauthenticated", "send a token before you send a body", headers=_CLOSE)


async def _whole(stream: _Stream, held: _Holding) -> bytes:
    """The body of a request. Raises ClientDisconnect where it is cut off, Refused for want of room."""
    parts: list[bytes] = []
    while True:
        message = await stream.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        held.add(len(message.get("body", b"")))
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Gives the body once, then whatever the server still has to say."""
    waiting: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replayed() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return replayed


def _request_id(headers: Headers) -> str:
    """The caller's own id where it has a harmless shape, so that logs on both sides meet."""
    given = headers.get("request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _with_request_id(send: Send, request_id: str) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Request-Id"] = request_id
            headers["X-Content-Type-Options"] = "nosniff"
        await send(message)

    return sent


def _check_address(scope: Scope) -> None:
    """Refuses control characters in path and query, which no database takes as text."""
    query = unquote_plus(scope.get("query_string", b"").decode("latin-1"))
    if UNSTORABLE.search(scope["path"]) or UNSTORABLE.search(query):
        raise Refused("invalid", "the address holds a control character: remove it from path and query")


def _has_body(scope: Scope, headers: Headers) -> bool:
    announced = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    return scope["method"] in _WRITES or announced


def _check_encoding(headers: Headers) -> None:
    """A compressed body may unfold into anything: it is not unpacked, and not read."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise RefusedWith(
            "unsupported_media_type", "the body is compressed: send it as it is", headers=_CLOSE
        )


def _check_type(headers: Headers) -> None:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not re.fullmatch(r"application/[a-z0-9.-]+\+json", media_type):
        raise Refused(
            "unsupported_media_type",
            f"the body is sent as {media_type[:80] or 'nothing in particular'}: send application/json",
        )
