"""How many connections an engine keeps, on a real PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from nashr.store import database as db
from nashr.store.database import DatabaseUnavailable, scalar, statement
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

if TYPE_CHECKING:
    from collections.abc import Callable

BURST = 5
IDLE = 0.2


@pytest.fixture
def resting(database: str) -> Iterator[Engine]:
    """An engine that is soon at rest."""
    made = db.connect(database, pool=BURST, idle=IDLE)
    yield made
    made.dispose()


def burst(engine: Engine) -> set[int]:
    """Uses several connections at once; returns their processes."""
    with ExitStack() as stack:
        conns = [stack.enter_context(statement(engine)) for _ in range(BURST)]
        return {scalar(conn, "SELECT pg_backend_pid()") for conn in conns}


def open_of(engine: Engine, pids: set[int]) -> set[int]:
    with statement(engine) as conn:
        sql = "SELECT array_agg(pid) FROM pg_stat_activity WHERE pid = ANY(:pids)"
        return set(scalar(conn, sql, pids=list(pids)) or ())


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_a_burst_opened_is_closed_again(engine: Engine, resting: Engine) -> None:
    """After a burst one connection stays, the next burst works as the first, and it too comes to rest."""
    for _ in range(2):
        pids = burst(resting)
        assert len(pids) == BURST
        until(lambda pids=pids: len(open_of(engine, pids)) == 1)  # type: ignore[misc]


def test_the_connection_in_use_stays(engine: Engine, resting: Engine) -> None:
    """Asked again and again, the same connection answers while the others are closed."""
    pids = burst(resting)
    used = set()
    while len(open_of(engine, pids)) > 1:
        with statement(resting) as conn:
            used.add(scalar(conn, "SELECT pg_backend_pid()"))
    assert len(used) == 1
    assert open_of(engine, pids) == used


def test_closing_the_idle_disturbs_nobody(resting: Engine) -> None:
    """Threads that ask at the pace at which connections are closed all get their answers."""

    def ask(number: int) -> int:
        for turn in range(8):
            with statement(resting) as conn:
                assert scalar(conn, "SELECT CAST(:n AS int)", n=number) == number
            time.sleep(IDLE / 2 * (turn % 4))
        return number

    with ThreadPoolExecutor(BURST) as threads:
        assert list(threads.map(ask, range(BURST))) == list(range(BURST))


def test_a_server_that_ends_each_connection_is_away(resting: Engine) -> None:
    """Also the one that replaces a dead one: an outage to try again, no error of ours."""

    @event.listens_for(resting, "checkout")
    def end(*_: object) -> None:
        raise DisconnectionError

    with pytest.raises(DatabaseUnavailable), statement(resting):
        pass
