"""Requests to addresses that people have named: to checked addresses only, in bounded time and size.

The name is resolved here, every address of it is checked, and the connection goes to one that was checked:
a name that answers otherwise a moment later (DNS rebinding) changes nothing. No redirects, no proxies, no
cookies, one connection for each request.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlsplit

import httpcore

from nashr.domain.reach import Address, Reach, as_address, may_reach, refusal

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 10.0  # from the first byte of the connection to the last that is read
MOST_BYTES: Final = 64 * 1024  # of an answer

_PLAIN: Final = "/%:@!$&'()*+,;=~-._"
"""What stands in a path or query as it is, RFC 3986; a per cent sign is taken for an escape's."""

Resolve: TypeAlias = Callable[[str, int], Sequence[Address]]


class NotSent(Exception):
    """Nothing was sent: the address is refused. The text says why."""


class NoAnswer(Exception):
    """No whole answer in time. Whether the receiver has acted is unknown."""


@dataclass(frozen=True)
class Answer:
    """What a server said; ``body`` is at most its first 64 kB."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def resolve(host: str, port: int) -> Sequence[Address]:
    """The addresses of a name, as the system knows them. Raises NoAnswer for one that has none now."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NoAnswer(f"{host} has no address: {error}") from error
    return [ip_address(str(item[4][0]).partition("%")[0]) for item in found]


def as_ascii(url: str) -> str:
    """A URL as it travels: its host by IDNA, its path in percent signs. Raises NotSent for what is none."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode("ascii"), parts.port
        path, query = quote(parts.path or "/", safe=_PLAIN), quote(parts.query, safe=f"{_PLAIN}?")
    except (ValueError, UnicodeError) as error:
        raise NotSent(f"{url!a} is no address that can be reached: {error}") from error
    place = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{place}{f':{port}' if port else ''}{path}{f'?{query}' if query else ''}"


class Sender:
    """Sends requests as far as ``reach`` lets them go."""

    def __init__(
        self,
        reach: Reach = Reach.public,
        *,
        resolve: Resolve = resolve,
        trust: ssl.SSLContext | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._reach = reach
        self._resolve = resolve
        self._given = trust
        self._connect_seconds = connect_seconds
        self._total_seconds = total_seconds

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The authorities of this machine. Reading them takes a quarter of a second."""
        return self._given or ssl.create_default_context()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Sends ``body``. Raises NotSent or NoAnswer."""
        if why := refusal(url, self._reach) or refusal(url := as_ascii(url), self._reach):
            raise NotSent(why)
        addresses = self._addresses(url)
        deadline = time.monotonic() + self._total_seconds
        network = _Pinned(addresses, deadline=deadline, connect_seconds=self._connect_seconds)
        trust = self._trust if url.lower().startswith("https:") else None
        sent = [*headers.items(), ("User-Agent", "nashr"), ("Connection", "close")]
        try:
            with (
                httpcore.ConnectionPool(ssl_context=trust, network_backend=network) as pool,
                pool.stream("POST", url, headers=_with_host(url, sent), content=body) as answer,
            ):
                found = _head(answer.iter_stream())
                names = {name.decode("latin-1").lower(): value for name, value in answer.headers}
                said = {name: value.decode("latin-1") for name, value in names.items()}
                return Answer(answer.status, said, found)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise NoAnswer(_words(error)) from error

    def _addresses(self, url: str) -> Sequence[Address]:
        target = httpcore.URL(url)
        host = target.host.decode("ascii").strip("[]")
        literal = as_address(host)
        found = [literal] if literal else self._resolve(host, target.port or _PORTS[target.scheme])
        if not found:
            raise NoAnswer(f"{host} has no address")
        refused = [str(address) for address in found if not may_reach(address, self._reach)]
        if refused:
            raise NotSent(f"{host} is at {refused[0]}, which is no public address")
        if target.scheme == b"http" and any(may_reach(address) for address in found):
            raise NotSent(f"{host} is at a public address: give an https:// address")
        return found


_PORTS: Final = {b"https": 443, b"http": 80}


def _with_host(url: str, headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    target = httpcore.URL(url)
    port = f":{target.port}" if target.port and target.port != _PORTS[target.scheme] else ""
    every = [("Host", target.host.decode("ascii") + port), *headers]
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in every]


def _head(chunks: Iterable[bytes]) -> bytes:
    found = b""
    for chunk in chunks:
        found += chunk
        if len(found) >= MOST_BYTES:
            break
    return found[:MOST_BYTES]


def _words(error: Exception) -> str:
    """What happened, in a few words that hold nothing of the request."""
    name = type(error).__name__
    return f"{name}: {error}"[:300] if str(error) else name


class _Pinned(httpcore.NetworkBackend):
    """Connects to checked addresses whatever name is asked for, and to nothing once the time is over."""

    def __init__(self, addresses: Sequence[Address], *, deadline: float, connect_seconds: float) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._connect_until = min(deadline, time.monotonic() + connect_seconds)
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - it was resolved and checked before
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline is one for all
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        failed: Exception = httpcore.ConnectTimeout("not connected in time")
        for address in self._addresses:
            left = self._connect_until - time.monotonic()
            if left <= 0:
                break
            try:
                made = self._inner.connect_tcp(str(address), port, timeout=left)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
                continue
            return _Timed(made, self._deadline)
        raise failed


class _Timed(httpcore.NetworkStream):
    """A connection whose every wait ends at one deadline, however slowly the bytes come."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    def _left(self, late: Exception) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise late
        return left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        late = httpcore.ReadTimeout("no whole answer in time")
        return self._inner.read(max_bytes, self._left(late))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._inner.write(buffer, self._left(httpcore.WriteTimeout("not taken in time")))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        left = self._left(httpcore.ConnectTimeout("no TLS in time"))
        return _Timed(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()
