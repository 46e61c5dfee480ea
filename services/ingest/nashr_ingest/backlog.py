"""Bulk publications are taken on as long as those before them get their turn soon.

What is accepted faster than it is worked on helps nobody: it fills the queue, and takes the processors that
would empty it.
"""

from __future__ import annotations

import time
from typing import Annotated, Final, cast

from fastapi import Depends, Request
from nashr.store import queue
from sqlalchemy import Connection

from nashr_ingest.problems import RefusedWith

LOOK_SECONDS: Final = 0.5


class Backlog:
    """How long bulk waits, as looked up lately. ``patience``: seconds that it may; 0: for ever."""

    def __init__(self, *, patience: float) -> None:
        self._patience = patience
        self._looked, self._waits = float("-inf"), 0.0

    def check(self, conn: Connection) -> None:
        """Raises Refused("unavailable"), 503, while bulk waits for longer than it may."""
        if not self._patience:
            return
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self._waits = queue.bulk_waits(conn)
        if self._waits > self._patience:
            raise RefusedWith(
                "unavailable",
                f"bulk publications wait {self._waits:.0f} s for their turn: send this one later, with the "
                'same Idempotency-Key, or without "priority"',
                retry_after=5,
            )


def _backlog(request: Request) -> Backlog:
    return cast("Backlog", request.app.state.backlog)


BacklogOf = Annotated[Backlog, Depends(_backlog)]
