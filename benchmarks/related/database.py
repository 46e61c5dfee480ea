"""The embedded PostgreSQL without the rest of a stack, with the settings it has in one, and its CPU."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from nashr.runtime import launch, postgres
from nashr.settings import Settings
from nashr.store import migrate
from nashr.store.database import connect, scalar, statement
from sqlalchemy import Engine

from benchmarks.stack import until

T = TypeVar("T")


@contextmanager
def database(folder: Path) -> Iterator[tuple[str, Engine]]:
    """The URL and an engine of an empty database at the newest schema; its server ends with the block."""
    program, url, _ = postgres.prepare(folder, user=Settings().postgres_user, socket_dir=None)
    process = launch.launch(program, log=folder / "postgres.log")
    engine = connect(url, pool=1, application="nashr-bench")
    try:
        until(program.ready, what="PostgreSQL to start")
        migrate.upgrade(url)
        yield url, engine
    finally:
        engine.dispose()
        process.send_signal(signal.SIGINT)
        process.wait(program.grace_seconds)


@dataclass(frozen=True)
class Cost:
    """Seconds: by the clock, and of CPU here and in the server's process."""

    wall: float
    client: float
    server: float

    @property
    def cpu(self) -> float:
        return self.client + self.server

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.client + other.client, self.server + other.server)


class Meter:
    """What calls cost that use the one connection of this engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def measure(self, act: Callable[..., T], *given: Any) -> tuple[T, Cost]:
        """What ``act`` answers and costs."""
        with statement(self._engine) as conn:
            process = Path(f"/proc/{scalar(conn, 'SELECT pg_backend_pid() AS pid')}/schedstat")
        server, client, wall = _used(process), time.process_time(), time.perf_counter()
        answer = act(*given)
        now = time.perf_counter()
        return answer, Cost(now - wall, time.process_time() - client, _used(process) - server)


def _used(process: Path) -> float:
    """Seconds on a CPU; the first field has nanoseconds, where /proc/PID/stat counts in steps of 10 ms."""
    return int(process.read_text().split()[0]) / 1e9
