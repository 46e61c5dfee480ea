"""Real sockets: whoever is refused before the body is through reads why, every time."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import uvicorn
from nashr_ingest.limits import Limits
from nashr_ingest.overload import Allowance
from starlette.types import Receive, Scope, Send

from tests.unit.ingest.conftest import serving

DRAFT, PHOTO = "POST /v1/articles HTTP/1.1", "POST /v1/assets HTTP/1.1"
TOKEN = "Authorization: Bearer nk_00000000_x"
BODY = b"x" * 5_000_000
TIMES = 50


async def never(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError


@pytest.fixture(scope="module")
def server() -> Iterator[uvicorn.Server]:
    """An API that takes a MiB, or a photo of eight."""
    allowance = Allowance(rate=0.001, burst=TIMES + 1)
    with serving(Limits(never, max_body_bytes=1 << 20, max_asset_bytes=8 << 20, allowance=allowance)) as made:
        yield made


def answer(server: uvicorn.Server, *head: str) -> bytes:
    """What is answered to somebody who sends everything before he reads anything."""
    address = ("127.0.0.1", server.servers[0].sockets[0].getsockname()[1])
    with socket.create_connection(address, timeout=20) as client:
        length = f"Content-Length: {len(BODY)}"
        client.sendall("\r\n".join((*head, "Host: x", length, "", "")).encode())
        client.sendall(BODY)
        return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize(
    ("status", "head"),
    [
        (413, (DRAFT, TOKEN)),
        (415, (DRAFT, TOKEN, "Content-Encoding: gzip")),
        (401, (PHOTO,)),
        (429, (DRAFT, TOKEN)),
    ],
)
def test_whoever_is_refused_reads_why(server: uvicorn.Server, status: int, head: tuple[str, ...]) -> None:
    """Five megabytes, fifty times: too large, compressed, without a token, too many."""
    if status == 429:
        while b"HTTP/1.1 429" not in answer(server, *head):
            pass
    for _ in range(TIMES):
        found = answer(server, *head)
        assert found.startswith(b"HTTP/1.1 %d " % status)
        assert b"connection: close" in found.lower()
