"""Real servers for tests, on free loopback ports and in folders of the test: started, awaited, stopped."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

ACCESS_KEY = "nashr"
SECRET_KEY = "nashr-secret"
PURGE_SECRET = "purge-secret"


@dataclass(frozen=True)
class Server:
    """A running server and its process."""

    url: str
    process: subprocess.Popen[bytes]


@dataclass(frozen=True)
class Reply:
    """An HTTP answer with lower-case headers."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], *, what: str, seconds: float = 60.0) -> None:
    """Returns once ``condition`` holds; fails the test when it never does."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.02)


def request(
    url: str,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: str = "",
) -> Reply:
    """Asks for ``path`` exactly as it is spelt, following nothing."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.putrequest(method, path, skip_host="Host" in (headers or {}), skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body.encode())))
        connection.endheaders(body.encode() or None)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, answer.read())
    finally:
        connection.close()


def answers(url: str, path: str) -> bool:
    try:
        return request(url, path).status > 0
    except (OSError, http.client.HTTPException):
        return False


@contextmanager
def serving(
    command: list[str], *, url: str, ready: str, env: Mapping[str, str], folder: Path
) -> Iterator[Server]:
    """Runs ``command`` until the block ends; begins once ``ready`` answers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NASHR_", "AWS_"))}
    log = folder / f"{urlsplit(url).port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**kept, **env}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until(
            lambda: process.poll() is not None or answers(url, ready),
            what=f"{command} to answer at {url}",
            seconds=60,
        )
        if process.poll() is not None:
            raise AssertionError(f"{command} ended at once: {log.read_text()}")
        yield Server(url, process)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Passage(BaseHTTPRequestHandler):
    """One connection to a proxy; each request goes on as it came, so that signatures hold."""

    protocol_version = "HTTP/1.1"
    target: SplitResult
    asked: Callable[[str, str], None]
    answered: Callable[[str, str], None]

    def _pass(self) -> None:
        self.asked(self.command, self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        there = http.client.HTTPConnection(self.target.hostname or "", self.target.port, timeout=30)
        there.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "expect":
                there.putheader(name, value)
        there.endheaders(body or None)
        answer = there.getresponse()
        content = answer.read()
        self.answered(self.command, self.path)
        with suppress(BrokenPipeError):  # who asked has given up, as Varnish does where the store is slow
            self._give(answer, content)
        there.close()

    def _give(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        if length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PURGE = _pass  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def _nothing(method: str, path: str) -> None:
    """Nobody wants to know."""


@contextmanager
def passage(
    target: str,
    *,
    asked: Callable[[str, str], None] = _nothing,
    answered: Callable[[str, str], None] = _nothing,
) -> Iterator[str]:
    """The address of a proxy before ``target``.

    ``asked`` hears method and path of each request as it comes; ``answered`` once the answer is here as a
    whole, before it is given on.
    """
    tied = {
        "target": urlsplit(target),
        "asked": staticmethod(asked),
        "answered": staticmethod(answered),
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Passage", (_Passage,), tied))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def ministack(folder: Path, *, port: int = 0) -> Iterator[Server]:
    """The embedded object store, with its data below ``folder``."""
    port = port or free_port()
    env = {
        "SERVICES": "s3",
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "WARNING",
    }
    with serving(
        [sys.executable, "-m", "ministack"],
        url=f"http://127.0.0.1:{port}",
        ready="/_ministack/health",
        env=env,
        folder=folder,
    ) as server:
        yield server


@contextmanager
def rclone(folder: Path) -> Iterator[Server]:
    """``rclone serve s3``: another hand's server, which rejects bad keys and ignores conditions."""
    port = free_port()
    (folder / "rclone").mkdir()
    command = [
        str(Path(sys.executable).with_name("rclone")),
        *("serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"),
        *("--config", "/dev/null", str(folder / "rclone")),
    ]
    with serving(command, url=f"http://127.0.0.1:{port}", ready="/", env={}, folder=folder) as server:
        yield server


@contextmanager
def edge(folder: Path, *, origin: str, previews: str = "") -> Iterator[Server]:
    """The embedded edge in front of the store at ``origin``; ``previews``: where it sends /preview/."""
    port = free_port()
    env = {
        "NASHR_DATA": str(folder),
        "NASHR_S3_ENDPOINT": origin,
        "NASHR_SITE_PORT": str(port),
        "NASHR_PURGE_SECRET": PURGE_SECRET,
        "NASHR_PREVIEW_URL": previews,
    }
    with serving(
        [sys.executable, "-m", "nashr_delivery.edge"],
        url=f"http://127.0.0.1:{port}",
        ready="/.nashr/livez",
        env=env,
        folder=folder,
    ) as server:
        yield server
