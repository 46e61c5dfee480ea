"""Hostile requests at the running API, byte by byte: each is refused within seconds, and its memory stays."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from tests.conftest import Stack

MIB = 1024 * 1024
GROWTH = 96 * MIB
"""What the API may hold more than before while everything below is thrown at it."""


def resident(stack: Stack) -> int:
    """Bytes that the API's process holds in memory."""
    programs = json.loads(stack.command("status", "--json"))["programs"]
    pid = next(program["pid"] for program in programs if program["name"] == "ingest")
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def exchange(stack: Stack, head: list[str], body: Iterator[bytes]) -> tuple[int, float]:
    """Sends a request and its body until the server answers; the status, and how many seconds it took."""
    url = urlsplit(stack.api)
    began = time.monotonic()
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=30) as client:
        with suppress(ConnectionError):
            client.sendall(("\r\n".join([*head, "Host: nashr", "", ""])).encode())
            for part in body:
                client.sendall(part)
                client.setblocking(False)
                with suppress(BlockingIOError):
                    if client.recv(1, socket.MSG_PEEK):
                        break
                client.settimeout(30)
        client.settimeout(30)
        answer = client.recv(65536)
    return int(answer.split()[1]), time.monotonic() - began


def chunks(data: bytes, times: int) -> Iterator[bytes]:
    for _ in range(times):
        yield f"{len(data):x}\r\n".encode() + data + b"\r\n"
    yield b"0\r\n\r\n"


def once(data: bytes) -> Iterator[bytes]:
    yield data


def parts(count: int) -> bytes:
    part = b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\ny\r\n'
    return b"".join(part % number for number in range(count)) + b"--x--\r\n"


def test_hostile_bodies_are_refused_cheaply(stack: Stack) -> None:
    """Endless, bottomless, compressed, of thousands of keys or parts: a 4xx each, in bounded memory."""
    token = f"Authorization: Bearer {stack.tokens['editor']}"
    draft = ["POST /v1/articles HTTP/1.1", token, "Content-Type: application/json"]
    photo = ["POST /v1/assets HTTP/1.1", token, "Content-Type: multipart/form-data; boundary=x"]
    chunked, bomb = "Transfer-Encoding: chunked", gzip.compress(b"[" * 64 * MIB)
    keys = json.dumps({f"{number}": 0 for number in range(100_500)}, separators=(",", ":")).encode()
    deep, many = b"[" * (MIB - 1), parts(5_000)
    before = resident(stack)
    for name, status, head, body in (
        ("a GiB in chunks", 413, [*draft, chunked], chunks(b" " * MIB, 1024)),
        ("an announced GiB", 413, [*draft, f"Content-Length: {1024 * MIB}"], once(b"")),
        ("a gzip bomb", 415, [*draft, "Content-Encoding: gzip", f"Content-Length: {len(bomb)}"], once(bomb)),
        ("nesting", 422, [*draft, f"Content-Length: {len(deep)}"], once(deep)),
        ("a hundred thousand keys", 413, [*draft, f"Content-Length: {len(keys)}"], once(keys)),
        ("thousands of parts", 422, [*photo, f"Content-Length: {len(many)}"], once(many)),
        ("a GiB of photo", 413, [*photo, f"Content-Length: {1024 * MIB}"], once(b"")),
        ("no token, a GiB", 401, [draft[0], chunked], chunks(b" " * MIB, 1024)),
        ("an endless head", 431, [draft[0], "X: " + "x" * MIB], once(b"")),
    ):
        found, seconds = exchange(stack, head, body)
        assert found == status, name
        assert seconds < 10, name
    grown = resident(stack) - before
    assert grown < GROWTH
    assert stack.editor.get("/v1/articles", params={"limit": 1}).status_code == 200
    print(f"the API grew by {grown / MIB:.1f} MiB")


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_compressed_photo_is_refused_too(stack: Stack, encoding: str) -> None:
    """415 with a word on what to do."""
    file = {"file": ("x.jpg", stack.photo(), "image/jpeg")}
    answer = stack.editor.post("/v1/assets", files=file, headers={"Content-Encoding": encoding})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "send it as it is" in answer.json()["detail"]
