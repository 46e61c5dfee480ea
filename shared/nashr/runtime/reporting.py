"""Tells the database every few seconds what this process has counted."""

from __future__ import annotations

import threading
from typing import Final

from sqlalchemy import Engine

from nashr.domain.errors import Retryable
from nashr.observability import metrics
from nashr.observability.logs import logger
from nashr.store import measures
from nashr.store.database import transaction

EVERY_SECONDS: Final = 5.0


class Reporter:
    """A thread of its own; a process that is killed takes at most EVERY_SECONDS of counts with it."""

    def __init__(self, engine: Engine, *, every: float = EVERY_SECONDS) -> None:
        self._engine = engine
        self._every = every
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="report-metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Tells what is left, unless the database is away."""
        self._stopping.set()
        self._thread.join(self._every)

    def _run(self) -> None:
        while not self._stopping.wait(self._every):
            self.tell()
        self.tell()

    def tell(self) -> None:
        """Once, now. What cannot be told is kept for the next time."""
        deltas = metrics.drain()
        if not deltas:
            return
        try:
            with transaction(self._engine) as conn:
                measures.add(conn, deltas)
        except Retryable:
            metrics.undo(deltas)
        except Exception as error:  # whatever it is: work goes on, and so does counting
            logger().error("metrics.untold", error=repr(error), exc_info=True)
            metrics.undo(deltas)
