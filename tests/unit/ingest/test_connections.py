"""A real server on a real socket: slow and endless heads, and clients that do not read, are dropped."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import uvicorn
from nashr_ingest import connections, lingering
from starlette.types import Receive, Scope, Send

from tests.unit.ingest.conftest import serving

LARGE = 64 * 1024 * 1024
GO = threading.Event()
MADE: list[socket.socket] = []


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    size = LARGE if scope["path"] == "/large" else 2
    if scope["path"] == "/read":
        while (await receive()).get("more_body"):
            pass
    if scope["path"] == "/wait":
        await asyncio.get_running_loop().run_in_executor(None, GO.wait, 10)
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
        patched.setattr(lingering, "LINGER_SECONDS", 1.0)
        with serving(answer) as made:
            yield made


def connect(server: uvicorn.Server) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", server.servers[0].sockets[0].getsockname()[1]))
    made.settimeout(5)
    MADE.append(made)
    return made


@pytest.fixture(autouse=True)
def alone(server: uvicorn.Server) -> Iterator[None]:
    """Each test begins with a server that has no connections, and leaves none."""
    deadline = time.monotonic() + 5
    while server.server_state.connections and time.monotonic() < deadline:
        time.sleep(0.01)
    yield
    GO.set()
    while MADE:
        MADE.pop().close()


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


def test_a_head_behind_a_request_under_way_must_end_too(server: uvicorn.Server) -> None:
    """Pipelined behind what has no answer yet: no way to send without end."""
    GO.clear()
    with connect(server) as client:
        client.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nA: x")
        began = time.monotonic()
        assert ended(client)
        assert time.monotonic() - began < 4


def test_garbage_behind_a_request_is_no_error_of_ours(server: uvicorn.Server) -> None:
    """Nothing is written any more where our side of the connection has ended."""
    said: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = said.append  # type: ignore[assignment, method-assign]
    logging.getLogger("uvicorn.error").addHandler(handler)
    try:
        with connect(server) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n@@x\r\n\r\n")
            assert ended(client)
    finally:
        logging.getLogger("uvicorn.error").removeHandler(handler)
    assert [record for record in said if record.exc_info] == []


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


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def begun(server: uvicorn.Server, count: int, sent: bytes) -> list[socket.socket]:
    """Connections that have sent something, in order, and are known to the server."""
    made = []
    for _ in range(count):
        at_work = len(server.server_state.tasks)
        made.append(connect(server))
        made[-1].sendall(sent)
        if sent == GET:
            assert made[-1].recv(1024).startswith(b"HTTP/1.1 200")
        while sent.startswith(b"POST") and len(server.server_state.tasks) == at_work:
            time.sleep(0.01)
        time.sleep(0.01)  # no two at one moment of the server's clock
    return made


@pytest.mark.parametrize("sent", [b"", GET, b"GET / HT"], ids=["mute", "kept alive", "slow heads"])
def test_idle_connections_crowd_nobody_out(server: uvicorn.Server, sent: bytes) -> None:
    """Of more than there may be, the one that is silent longest is closed; whoever asks is answered."""
    idle = begun(server, 9, sent)
    with connect(server) as client:
        for _ in range(3):
            client.sendall(GET)
            assert b"crowded: 0" in client.recv(1024)
        assert ended(idle[0])
        assert len(server.server_state.connections) <= 3


def test_a_body_that_does_not_come_makes_room_too(server: uvicorn.Server) -> None:
    """An idle connection goes first, then the body that began first."""
    half = b"POST /read HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"
    bodies = begun(server, 2, half)
    idle = begun(server, 1, GET)
    bodies += begun(server, 1, half)
    assert ended(idle[0])
    with connect(server) as client:
        client.sendall(GET)
        assert b"crowded: 0" in client.recv(1024)
        assert ended(bodies[0])


def test_a_body_that_takes_long_is_as_good_as_idle(
    server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends a byte now and then does not keep newcomers out."""
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.0)
    slow = begun(server, 1, b"POST /read HTTP/1.1\r\nContent-Length: 9\r\n\r\nx")
    begun(server, 2, GET)
    with connect(server) as client:
        client.sendall(GET)
        assert b"crowded: 0" in client.recv(1024)
        assert ended(slow[0])


def test_only_a_server_at_work_on_all_connections_is_crowded(server: uvicorn.Server) -> None:
    """It is said once, of the newcomer: the others' later requests are answered as before."""
    GO.clear()
    working = begun(server, 3, b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    while len(server.server_state.tasks) < 3:
        time.sleep(0.01)
    with connect(server) as client:
        client.sendall(GET)
        assert b"crowded: 1" in client.recv(1024)
        GO.set()
        for one in working:
            assert b"crowded: 0" in one.recv(1024)
            one.sendall(GET)
            assert b"crowded: 0" in one.recv(1024)


def refused(server: uvicorn.Server, body: bytes, *, chunked: bool = False) -> bytes:
    """The answer to somebody who sends everything before he reads anything."""
    how = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    with connect(server) as client:
        client.sendall(b"POST / HTTP/1.1\r\n" + how + b"\r\n\r\n")
        client.sendall(b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n" if chunked else body)
        return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize("chunked", [False, True])
def test_an_early_answer_reaches_a_client_that_still_sends(server: uvicorn.Server, chunked: bool) -> None:
    """Five megabytes that nobody reads, fifty times: the answer is whole, and says that it is the last."""
    for _ in range(50):
        answer = refused(server, b"x" * 5_000_000, chunked=chunked)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in answer
        assert answer.endswith(b"\r\n\r\nxx")


def test_a_connection_is_kept_where_the_body_was_whole(server: uvicorn.Server) -> None:
    """Read or not: what came with its head is no reason to close."""
    with connect(server) as client:
        for _ in range(2):
            client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
            assert b"connection: close" not in client.recv(1024)


def test_nobody_is_read_for_ever_after_the_answer(server: uvicorn.Server) -> None:
    """Neither endless bodies nor endless time: the connection is reset."""
    taken = 0
    with connect(server) as endless, suppress(ConnectionError):
        endless.sendall(b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n")
        for _ in range(200):
            endless.sendall(b"x" * 1_000_000)
            taken += 1_000_000
    assert taken < 1.5 * lingering.LINGER_BYTES
    with connect(server) as slow:
        slow.sendall(b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n")
        assert ended(slow)
        deadline = time.monotonic() + 5
        while server.server_state.connections and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not server.server_state.connections


def test_a_slow_body_is_no_slow_head(server: uvicorn.Server) -> None:
    """After an early answer the clock and the size of heads do not count what is left of the body."""
    with connect(server) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 300000\r\n\r\n")
        answer = client.recv(65536)
        client.sendall(b"x" * 300_000)
        while part := client.recv(65536):
            answer += part
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.count(b"HTTP/1.1") == 1
