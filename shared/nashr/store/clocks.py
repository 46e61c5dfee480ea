"""How far a process's clock is from the database's, which alone decides when schedules and embargoes end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from nashr.store.database import scalar


@dataclass(frozen=True)
class Skew:
    """``seconds`` that the process is ahead of the database, give or take ``doubt``."""

    seconds: float
    doubt: float

    def exceeds(self, limit: float) -> bool:
        """Whether the clocks are surely more than ``limit`` seconds apart."""
        return abs(self.seconds) - self.doubt > limit


def measure(conn: Connection, *, clock: Callable[[], float] = time.time) -> Skew:
    """Asks the database for its time. Half of what that takes is in doubt, as in NTP (RFC 5905, 8)."""
    before = clock()
    there = float(scalar(conn, "SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8"))
    after = clock()
    return Skew((before + after) / 2 - there, (after - before) / 2)
