"""Exit code 0 if a path on this machine answers 200: the health check of a container.

Usage: ``python -I -S answers.py PORT PATH``. So it starts in milliseconds and loads nothing of ours.
"""

from __future__ import annotations

import http.client
import sys

SECONDS = 2.0


def answers(port: int, path: str) -> bool:
    """Whether GET answers 200 in time; no proxy is asked."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if answers(int(sys.argv[1]), sys.argv[2]) else 1)
