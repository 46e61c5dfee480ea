"""What the edge does with addresses below /preview/: passes them on, keeps nothing, and stays up without."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.integration.edge.conftest import SlowOrigin, listening
from tests.servers import Server, edge, free_port, request, wait_until


@contextmanager
def counting() -> Iterator[tuple[str, list[str]]]:
    """A server of previews that answers with how often it was asked, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = f"answer {len(asked)}".encode()
            self.send_response(404 if "wrong" in self.path else 200)
            for name, value in (("Content-Type", "text/html"), ("Content-Length", str(len(body))),
                                ("Cache-Control", "no-store"), ("X-Robots-Tag", "noindex"),
                                ("Set-Cookie", "a=b")):  # fmt: skip
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def shop(folder: Path, *, previews: str) -> Iterator[Server]:
    """An edge that knows its sites."""
    origin = SlowOrigin()
    with listening(origin), edge(folder, origin=origin.url, previews=previews) as front:
        wait_until(lambda: request(front.url, "/").status == 404, what="the edge to learn its sites")
        yield front


def test_each_reader_asks_for_themselves(tmp_path: Path) -> None:
    """Two readers of one preview are two questions; of the answer's headers only those of a page come on."""
    with counting() as (url, asked), shop(tmp_path, previews=url) as front:
        bodies = [request(front.url, "/en/preview/pv_x/").body for _ in range(2)]
        answer = request(front.url, "/en/preview/pv_x/media/a.jpg")

    assert bodies == [b"answer 1", b"answer 2"]
    assert asked == ["/en/preview/pv_x/"] * 2 + ["/en/preview/pv_x/media/a.jpg"]
    assert (answer.headers["cache-control"], answer.headers["x-robots-tag"]) == ("no-store", "noindex")
    assert "set-cookie" not in answer.headers


def test_what_does_not_open_is_not_found(tmp_path: Path) -> None:
    """A 404 of previews is the site's own; nothing of it is to be kept or listed."""
    with counting() as (url, _), shop(tmp_path, previews=url) as front:
        answer = request(front.url, "/preview/wrong/")

    assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert b"answer" not in answer.body


def test_readers_notice_nothing_when_previews_are_away(tmp_path: Path) -> None:
    """Without an answer from delivery a preview is 503; the site is served as ever."""
    with shop(tmp_path, previews=f"http://127.0.0.1:{free_port()}") as front:
        away, page = request(front.url, "/preview/pv_x/"), request(front.url, "/nothing/")

    assert (away.status, page.status) == (503, 404)
    assert int(away.headers["retry-after"]) > 0
