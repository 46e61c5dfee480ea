"""The containers' health check, as a container runs it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "infra" / "containers" / "answers.py"


class Service(BaseHTTPRequestHandler):
    """Well at /readyz, away everywhere else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Says nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def check(port: int, path: str) -> int:
    """The exit code, with a proxy in the environment that nobody may ask."""
    return subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, str(port), path],
        env={"http_proxy": "http://127.0.0.1:1"},
        check=False,
    ).returncode


def test_only_200_is_well(port: int) -> None:
    """An answer of 200 is well; any other answer, and none at all, is not."""
    assert (check(port, "/readyz"), check(port, "/livez"), check(1, "/readyz")) == (0, 1, 1)
