"""A real server on a real socket: slow and endless heads, and clients that do not read, are dropped."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from nashr_ingest import connections
from nashr_ingest.connections import PatientProtocol
from starlette.types import Receive, Scope, Send

LARGE = 64 * 1024 * 1024


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    size = LARGE if scope["path"] == "/large" else 2
    crowded = b"1" if scope["state"].get(connections.CROWDED) else b"0"
    headers = [(b"content-length", str(size).encode()), (b"crowded", crowded)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for part in range(0, size, 1024 * 1024):
        body = b"x" * min(size - part, 1024 * 1024)
        await send({"type": "http.response.body", "body": body, "more_body": part + len(body) < size})


@pytest.fixture(scope="module")
def server() -> Iterator[uvicorn.Server]:
    """uvicorn with our protocol, and a patience of fractions of a second."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(connections, "HEAD_SECONDS", 0.4)
        patched.setattr(connections, "READ_SECONDS", 0.4)
        patched.setattr(connections, "MOST_CONNECTIONS", 3)
        config = uvicorn.Config(
            answer, port=0, http=PatientProtocol, lifespan="off", log_level="warning", timeout_keep_alive=30
        )
        made = uvicorn.Server(config)
        thread = threading.Thread(target=made.run, daemon=True)
        thread.start()
        while not made.started:
            time.sleep(0.01)
        yield made
        made.should_exit = True
        thread.join(10)


def connect(server: uvicorn.Server) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", server.servers[0].sockets[0].getsockname()[1]))
    made.settimeout(5)
    return made


def ended(client: socket.socket) -> bool:
    """Whether the server closes the connection within the time-out, whatever it says before."""
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nA: b", b"\r\n\r\n"])
def test_a_head_that_does_not_end_is_given_up(server: uvicorn.Server, sent: bytes) -> None:
    """Nothing, half a line, half a header: the connection is closed."""
    with connect(server) as client:
        client.sendall(sent)
        assert ended(client)


def test_a_head_that_trickles_is_given_up(server: uvicorn.Server) -> None:
    """A byte now and then does not buy time."""
    with connect(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nA: ")
        client.settimeout(0.02)
        began = time.monotonic()
        while time.monotonic() - began < 5:
            try:
                client.sendall(b"x")
                if client.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert time.monotonic() - began < 5


def test_a_second_head_has_its_time_too(server: uvicorn.Server) -> None:
    """The same holds for later requests of a connection; empty lines between them buy no time."""
    with connect(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1024).startswith(b"HTTP/1.1 200")
        client.sendall(b"\r\n")
        assert ended(client)


def test_an_endless_head_is_refused(server: uvicorn.Server) -> None:
    """431 once it is larger than a head may be; its rest is not received."""
    with connect(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nA: " + b"x" * (connections.HEAD_BYTES + 10))
        assert client.recv(1024).startswith(b"HTTP/1.1 431")


def test_a_whole_head_with_a_large_body_is_no_endless_head(server: uvicorn.Server) -> None:
    """The body that comes in the same breath is not counted."""
    body = b"x" * (connections.HEAD_BYTES * 2)
    with connect(server) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
        assert client.recv(1024).startswith(b"HTTP/1.1 200")


def test_a_client_that_does_not_read_is_dropped(server: uvicorn.Server) -> None:
    """Its answer lies in a full buffer for only so long."""
    with connect(server) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + 5
        while server.server_state.connections and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not server.server_state.connections


def test_a_request_knows_that_there_are_too_many_connections(server: uvicorn.Server) -> None:
    """The application refuses it, with the time to come again."""
    idle = [connect(server) for _ in range(3)]
    with connect(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"crowded: 1" in client.recv(1024)
    for one in idle:
        one.close()
