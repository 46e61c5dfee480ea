"""The outermost guard of the API, as pure ASGI: request ids, sizes, pace, and JSON that is fit to parse.

Limits hold on the stream: a Content-Length may be absent or lie. Who asks and what for is not judged here.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from nashr.domain.errors import Refused
from nashr.domain.text import UNSTORABLE
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nashr_ingest.jsonbody import read_json
from nashr_ingest.problems import RefusedWith, render

FORM_BYTES: Final = 128 * 1024
"""What an upload's form fields and boundaries may add to its file."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_CLOSE: Final = {"Connection": "close"}
_WRITES: Final = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True)
class Pace:
    """How slowly a body may arrive: ``grace`` seconds, and one more for each ``floor`` bytes received."""

    grace: float = 30.0
    floor: int = 32 * 1024

    def deadline(self, start: float, received: int) -> float:
        return start + self.grace + received / self.floor


class Limits:
    """Wraps the whole application; ``uploads`` are the paths whose POST may carry a photo."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        max_asset_bytes: int,
        uploads: tuple[str, ...] = ("/v1/assets",),
        pace: Pace | None = None,
    ) -> None:
        self._app = app
        self._max_body = max_body_bytes
        self._max_upload = max_asset_bytes + FORM_BYTES
        self._uploads = uploads
        self._pace = pace or Pace()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        send = _with_request_id(send, request_id)
        try:
            _check_address(scope)
            receive = await self._guarded(scope, headers, receive)
        except Refused as refused:
            await render(refused, request_id=request_id)(scope, receive, send)
        except ClientDisconnect:
            return
        else:
            await self._app(scope, receive, send)

    async def _guarded(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """A ``receive`` that can be trusted: a JSON body read whole and checked, an upload watched."""
        if not _has_body(scope, headers):
            return receive
        upload = scope["method"] == "POST" and scope["path"].rstrip("/") in self._uploads
        stream = _Stream(receive, self._max_upload if upload else self._max_body, self._pace)
        await stream.check_announced(headers)
        if upload:
            return stream.receive
        if body := await _whole(stream):
            _check_type(headers)
            read_json(body)
        return _replay(body, receive)


class _Stream:
    """Counts and times what arrives of one body."""

    def __init__(self, receive: Receive, limit: int, pace: Pace) -> None:
        self._receive = receive
        self._limit = limit
        self._pace = pace
        self._start = asyncio.get_running_loop().time()
        self._received = 0
        self._done = False

    async def check_announced(self, headers: Headers) -> None:
        """Refuses by Content-Length alone what is bound to be too large."""
        announced = headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > self._limit:
            raise await self._too_large()

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
            raise await self._too_large()
        return message

    async def _too_large(self) -> Refused:
        await self._drain()
        return RefusedWith(
            "too_large", f"the body may have {self._limit} bytes at most: send less", headers=_CLOSE
        )

    async def _drain(self, *, seconds: float = 2.0) -> None:
        """Reads on for a moment: a client that is still sending would get a reset instead of the answer."""
        try:
            async with asyncio.timeout(seconds):
                while not self._done:
                    message = await self._receive()
                    self._done = message["type"] != "http.request" or not message.get("more_body", False)
        except TimeoutError:
            self._done = True


async def _whole(stream: _Stream) -> bytes:
    """The body of a request. Raises ClientDisconnect where it ends before its end."""
    parts: list[bytes] = []
    while True:
        message = await stream.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
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


def _check_type(headers: Headers) -> None:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not re.fullmatch(r"application/[a-z0-9.-]+\+json", media_type):
        raise Refused(
            "unsupported_media_type",
            f"the body is sent as {media_type[:80] or 'nothing in particular'}: send application/json",
        )
