"""The relay: due steps become hints. Any number may run; SKIP LOCKED keeps them apart.

It publishes before it commits: a relay that dies in between leaves a hint too many, never one too few.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine

from nashr import bootstrap, failpoints
from nashr.adapters.transport import Sender, TransportUnavailable
from nashr.domain.errors import Retryable
from nashr.observability import logs, metrics
from nashr.runtime.reporting import Reporter
from nashr.settings import Settings
from nashr.store import database, idempotency, queue, schema
from nashr.store.listen import Listener
from nashr.store.patience import BRIEF

POLL_SECONDS = 0.5
TURN_SECONDS = 0.02  # from turn to turn at least: a storm of notifications is answered in batches
LONGEST_TURN_SECONDS = 0.25
SHARE = 0.25  # of its time that it is at work while turns are short; scarce processors make them long
BACKLOG_SECONDS = 0.02  # until the next turn while more is due than may be hinted at once
HINTS_PER_QUEUE = 8  # more would grow old unheard in a burst, and be sent again
CLEAN_EVERY = 7200  # turns of the loop; at most one an hour


class Relay:
    """One relay process."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine
        self._sender: Sender | None = None
        self.stopping = threading.Event()

    def run(self) -> None:
        """Relays until told to stop."""
        turn = 0
        with Listener(self._settings.database_url, queue.CHANNEL) as listener:
            while not self.stopping.is_set():
                started = time.monotonic()
                try:
                    pause = self.turn()
                except TransportUnavailable as error:
                    logs.logger().warning("relay.transport_away", error=str(error))
                    self._sender, pause = None, POLL_SECONDS
                    self._wake_workers()
                except Retryable as error:
                    logs.logger().warning("relay.retry", error=str(error))
                    pause = POLL_SECONDS
                turn += 1
                took = time.monotonic() - started
                metrics.RELAY_SECONDS.observe(took)
                gap = min(LONGEST_TURN_SECONDS, max(TURN_SECONDS, took / SHARE))
                if turn % CLEAN_EVERY == 0:
                    self._clean()
                listener.wait(pause)
                self.stopping.wait(max(0.0, started + gap - time.monotonic()))

    def turn(self) -> float:
        """Relays what is due; returns how many seconds to wait unless a notification comes."""
        if self._sender is None:
            self._sender = Sender(self._settings.redis_url)
        with database.transaction(self._engine) as conn:
            hints = queue.take_due(
                conn, redispatch=self._settings.redispatch_seconds, per_queue=HINTS_PER_QUEUE
            )
            self._sender.send(hints)
            metrics.HINTS.add(len(hints))
            failpoints.reached("relay.after_hint")
            soon = queue.seconds_to_next(conn)
        if soon is None:
            return POLL_SECONDS
        return BACKLOG_SECONDS if soon < 0 else min(POLL_SECONDS, max(0.001, soon))

    def _wake_workers(self) -> None:
        with suppress(Retryable), database.transaction(self._engine) as conn:
            queue.wake_direct(conn)

    def _clean(self) -> None:
        try:
            with database.transaction(self._engine) as conn:
                idempotency.forget_old(conn)
        except Retryable as error:
            logs.logger().warning("relay.retry", error=str(error))


def main() -> None:
    """The process ``nashr up`` starts."""
    settings = bootstrap.begin("relay")
    engine = bootstrap.engine(settings, pool=2, application="nashr-relay", patience=BRIEF)
    schema.wait(engine)
    relay, reporter = Relay(settings, engine), Reporter(engine)
    reporter.start()
    signal.signal(signal.SIGTERM, lambda *_: relay.stopping.set())
    signal.signal(signal.SIGINT, lambda *_: relay.stopping.set())
    if path := os.environ.get("NASHR_READY_FILE"):
        Path(path).touch()
    relay.run()
    reporter.stop()


if __name__ == "__main__":
    main()
