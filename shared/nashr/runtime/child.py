"""One supervised program: its present process, what became of the earlier ones, when the next may start."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from nashr.runtime.launch import Program

State: TypeAlias = Literal["starting", "ready", "waiting", "stopping", "stopped"]

STEADY_SECONDS = 30.0
FIRST_DELAY, LONGEST_DELAY = 0.2, 5.0


def delay(failures: int) -> float:
    """Seconds before the next start after ``failures`` short lives in a row: 0, 0.2, 0.4 ... 5."""
    return 0.0 if failures == 0 else min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 10))


@dataclass
class Child:
    """``failures`` counts deaths without 30 s of life between them; ``due`` is on the monotonic clock."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    state: State = "waiting"
    restarts: int = 0
    failures: int = 0
    since: float = 0.0
    started: float = 0.0
    due: float = 0.0

    @property
    def pid(self) -> int | None:
        return None if self.process is None else self.process.pid

    def enter(self, state: State) -> None:
        """Takes note of the state and of when it began."""
        self.state = state
        self.since = time.time()

    def wait_a_turn(self) -> None:
        """It died, or could not be started: at once the first time, then later and later."""
        now = time.monotonic()
        if now - self.started >= STEADY_SECONDS:
            self.failures = 0
        self.due = now + delay(self.failures)
        self.failures += 1
        self.enter("waiting")

    def row(self) -> dict[str, Any]:
        """Its line in status.json."""
        return {
            "name": self.program.name,
            "pid": self.pid,
            "state": self.state,
            "restarts": self.restarts,
            "since": datetime.fromtimestamp(self.since, UTC).isoformat(timespec="milliseconds"),
        }
