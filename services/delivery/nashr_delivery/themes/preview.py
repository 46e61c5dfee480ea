"""``nashr theme preview``: every kind of page on 127.0.0.1, anew whenever a file of the theme changes.

The script that reloads is this server's, and so is the policy that lets it run: no published page has either.
"""

from __future__ import annotations

import argparse
import sys
import threading
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from nashr_delivery import fonts
from nashr_delivery.themes import check
from nashr_delivery.themes.check import Unusable
from nashr_delivery.themes.stage import EVENTS, INDEX, SCRIPT, Answer, Stage, alive, refused, script
from nashr_delivery.themes.watch import Watch

HOST: Final = "127.0.0.1"
_PING: Final = 10.0  # s between two signs of life on an open event stream


class Preview:
    """A site's look as its files are at each request."""

    def __init__(self, file: Path, origin: str) -> None:
        self._file = file
        self._origin = origin
        ours = Path(f"{files('nashr_delivery')}")
        self.watch = Watch((file, ours / "templates", ours / "texts", ours / "theme.css"))
        self._turn = threading.Lock()
        self._built: tuple[int, Stage] | None = None

    def answer(self, path: str) -> Answer:
        """The page, file or complaint at a site path; a page knows of which state of the files it is."""
        with self._turn:
            place = check.place(self._file)
            count = self.watch.look(*([place] if place else ()))
            try:
                if self._built is None or self._built[0] != count:
                    self._built = count, Stage(self._file, self._origin)
                stage = self._built[1]
            except (Unusable, OSError) as error:
                return alive(refused(error), count)
        return alive(stage.answer(path), count)


class Handler(BaseHTTPRequestHandler):
    """Answers GET; ``preview`` says what."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, preview: Preview) -> None:
        self._preview = preview
        super().__init__(*args)

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        path = unquote(asked.path)
        since = asked.query.removeprefix("since=")
        with suppress(
            ConnectionError, ValueError
        ):  # the browser went on to another page, or since is no number
            if path == EVENTS:
                self._events(int(since))
            elif path == SCRIPT:
                self._send(script(since))
            else:
                self._send(self._preview.answer(path))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(answer.body)

    def _events(self, seen: int) -> None:
        """One event for each change after the ``seen`` ones, until the browser goes."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b": looking\n\n")
        while True:
            count = self._preview.watch.changed(seen, within=_PING)
            self.wfile.write(b": still there\n\n" if count == seen else b"event: changed\ndata: {}\n\n")
            self.wfile.flush()
            seen = count

    def log_message(self, *_: Any) -> None:
        """Nothing: errors stand on the pages."""


def server(file: Path, port: int) -> ThreadingHTTPServer:
    """A server on loopback that shows ``file``'s site; its thread watches the files."""
    made = ThreadingHTTPServer((HOST, port), BaseHTTPRequestHandler)
    made.daemon_threads = True
    preview = Preview(file, f"http://{HOST}:{made.server_port}")
    made.RequestHandlerClass = partial(Handler, preview=preview)
    threading.Thread(target=preview.watch.keep_looking, daemon=True).start()
    return made


def main(words: list[str] | None = None) -> int:
    """Serves until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="nashr theme preview")
    parser.add_argument("site", type=Path)
    parser.add_argument("--port", type=int, default=8099)
    asked = parser.parse_args(words)
    try:
        made = server(asked.site, asked.port)
    except OSError as error:
        sys.stderr.write(f"nashr: port {asked.port}: {error.strerror}: give another with --port\n")
        return 1
    fonts.prepare()
    sys.stdout.write(f"http://{HOST}:{made.server_port}{INDEX} lists the pages; Ctrl-C ends\n")
    sys.stdout.flush()
    with made, suppress(KeyboardInterrupt):
        made.serve_forever()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
