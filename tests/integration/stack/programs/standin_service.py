"""A stand-in service, found by ``-m``: answers /readyz on the API port, says what settings reached it."""

from __future__ import annotations

import http.server
import os
import signal
import sys
from pathlib import Path

from nashr.settings import load_for_stack

settings = load_for_stack()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(settings.redis_url.encode())

    def log_message(self, *_: object) -> None:
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
Path(os.environ["NASHR_READY_FILE"]).touch()
http.server.HTTPServer((settings.bind, settings.api_port), Handler).serve_forever()
