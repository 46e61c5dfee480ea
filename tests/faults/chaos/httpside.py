"""What stands in front of the store and the edge at HTTP level: writes down what was applied, and misbehaves.

The store's side answers late, or never, or with an error, or does what it was told and says that it did
not; whatever it does, ``writes`` says what happened to the objects, in order.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import httpx

from tests.faults.history.records import WORD, Log, Purge, Write, now

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Misdeed: TypeAlias = Literal["late", "hang", "503", "409", "412", "403"]

MISDEEDS: Final[tuple[Misdeed, ...]] = ("late", "hang", "503", "409", "412", "403")
LATEST_SECONDS: Final = 8.0
HANG_SECONDS: Final = 12.0
_CODES: Final = {
    "503": "SlowDown", "409": "ConditionalRequestConflict", "412": "PreconditionFailed",
    "403": "RequestTimeTooSkewed",
}  # fmt: skip
_HOPS: Final = frozenset({"host", "connection", "keep-alive", "transfer-encoding", "expect"})
_ASSET: Final = re.compile(rb"/((?:media|cards|assets)/[A-Za-z0-9._/-]+)")


@dataclass(frozen=True)
class Asked:
    """A request, read whole. ``target``: path and query as sent."""

    method: str
    target: bytes
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for found, value in self.headers if found == name), "")


@dataclass(frozen=True)
class Answered:
    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""


Handle: TypeAlias = Callable[[Asked], Awaitable[Answered]]


def served_by(handle: Handle) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """An ASGI application; a client that leaves does not end what it has begun."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        asked = await _read(scope, receive)
        if asked is None:
            return
        answer = await handle(asked)
        headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    return application


async def _read(scope: Scope, receive: Receive) -> Asked | None:
    """None for a client that left in the middle of its request."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += bytes(message.get("body", b""))
        more = bool(message.get("more_body", False))
    query = scope["query_string"]
    target = scope["raw_path"] + (b"?" + query if query else b"")
    headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]]
    return Asked(scope["method"], target, unquote_to_bytes(scope["raw_path"]).decode(), headers, body)


class Upstream:
    """The real server behind."""

    def __init__(self, url: str) -> None:
        self._url = httpx.URL(url)
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=20)
        self._client = httpx.AsyncClient(trust_env=False, timeout=30, limits=limits)

    async def ask(self, asked: Asked) -> Answered:
        """Raises httpx.HTTPError when the server does not answer."""
        host = [] if not asked.header("host") else [("host", asked.header("host"))]
        kept = [(n, v) for n, v in asked.headers if n not in _HOPS]
        if not asked.header("accept-encoding"):  # else the client here asks for what the caller cannot read
            kept.append(("accept-encoding", "identity"))
        request = self._client.build_request(
            asked.method, self._url.copy_with(raw_path=asked.target), headers=host + kept, content=asked.body
        )
        answer = await self._client.send(request, stream=True)
        try:
            body = b"".join([chunk async for chunk in answer.aiter_raw()])
        finally:
            await answer.aclose()
        headers = [(n.lower(), v) for n, v in answer.headers.multi_items() if n.lower() not in _HOPS]
        return Answered(answer.status_code, headers, body)

    async def close(self) -> None:
        await self._client.aclose()


@dataclass
class StoreSide:
    """In front of the object store. ``share`` of its requests meets ``misdeed``."""

    upstream: Upstream
    log: Log
    bucket: str
    access_key: str
    prefix: str
    random: random.Random
    misdeed: Misdeed | None = None
    share: float = 0.0
    blind: bool = False
    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def handle(self, asked: Asked) -> Answered:
        """``blind``: conditions are dropped, as by a store that does not know them."""
        misdeed = self.misdeed if self.random.random() < self.share else None
        if misdeed in _CODES and not (misdeed in {"409", "412"} and asked.method != "PUT"):
            return _error(misdeed)
        writes = asked.method in {"PUT", "DELETE"} and asked.path.startswith(f"/{self.bucket}/")
        late = misdeed == "late" and asked.method != "GET"
        if late:
            await asyncio.sleep(self.random.uniform(0, LATEST_SECONDS if writes else 1.0))
        try:
            answer = await (self._write(asked) if writes else self.upstream.ask(asked))
        except httpx.HTTPError:
            return _error("503")
        if misdeed == "hang" and writes:
            await asyncio.sleep(HANG_SECONDS)
        return answer

    async def _write(self, asked: Asked) -> Answered:
        """One write of an object at a time, so that what was there before is known."""
        key = asked.path.removeprefix(f"/{self.bucket}/")
        if self.blind:
            kept = [(n, v) for n, v in asked.headers if n not in {"if-match", "if-none-match"}]
            asked = Asked(asked.method, asked.target, asked.path, kept, asked.body)
        async with self._locks[key]:
            previous = await self._version(asked)
            try:
                answer = await self.upstream.ask(asked)
            except httpx.HTTPError:
                self.log.add(self._record(asked, key, previous, applied=False))
                raise
            if answer.status < 300:
                self.log.add(self._record(asked, key, previous, applied=True))
            return answer

    async def _version(self, asked: Asked) -> int:
        signed = [("authorization", f"AWS4-HMAC-SHA256 Credential={self.access_key}/")]
        path = asked.target.partition(b"?")[0]
        found = await self.upstream.ask(Asked("HEAD", path, asked.path, signed, b""))
        text = dict(found.headers).get("x-amz-meta-version", "0")
        return int(text) if found.status == 200 and text.isdecimal() else 0

    def _record(self, asked: Asked, key: str, previous: int, *, applied: bool) -> Write:
        version = asked.header("x-amz-meta-version")
        is_page = version.isdecimal()
        condition = asked.header("if-match") or asked.header("if-none-match")
        return Write(
            **now(),
            op="put" if asked.method == "PUT" else "delete",
            key=key,
            version=int(version) if is_page else 0,
            previous=previous,
            sha256=sha256(asked.body).hexdigest() if asked.method == "PUT" else "",
            applied=applied,
            condition=condition,
            tags=tuple(asked.header("x-amz-meta-surrogate-key").split()),
            words=words_in(asked.body) if is_page else (),
            names=names_in(asked.body, self.prefix) if is_page else (),
        )


def words_in(body: bytes) -> tuple[str, ...]:
    """The words of headlines that a page holds."""
    return tuple(sorted({found[0] for found in WORD.finditer(body.decode(errors="replace"))}))


def names_in(body: bytes, prefix: str) -> tuple[str, ...]:
    """The keys of the assets that a page names."""
    return tuple(sorted({prefix + found.decode() for found in _ASSET.findall(body)}))


def _error(status: str) -> Answered:
    body = f"<Error><Code>{_CODES[status]}</Code><Message>staged</Message></Error>".encode()
    return Answered(
        int(status), [("content-type", "application/xml"), ("content-length", str(len(body)))], body
    )


@dataclass
class EdgeSide:
    """In front of the edge: writes down each purge that it acknowledged; ``deny`` answers 503 to purges."""

    upstream: Upstream
    log: Log
    prefix: str
    deny: bool = False

    async def handle(self, asked: Asked) -> Answered:
        if asked.method == "PURGE" and self.deny:
            return _error("503")
        try:
            answer = await self.upstream.ask(asked)
        except httpx.HTTPError:
            return _error("503")
        if asked.method == "PURGE" and answer.status == 200:
            told = json.loads(asked.body)
            keys = tuple(self._key(url) for url in told.get("urls", ()))
            self.log.add(Purge(t=now()["t"], keys=keys, tags=tuple(told.get("tags", ()))))
        return answer

    def _key(self, url: str) -> str:
        name = unquote(urlsplit(url).path).lstrip("/")
        return self.prefix + (name + "index.html" if not name or name.endswith("/") else name)
