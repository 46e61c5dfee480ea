"""A disk without room, for a server that runs: every file of its may only grow to a size (RLIMIT_FSIZE).

What is written past it fails with EFBIG, "File too large", where a full disk says ENOSPC. No root, no mount.
"""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg

from tests.faults.lab import Lab

MIB: Final = 1024 * 1024
LOG_LEFT: Final = 4 * MIB
"""What PostgreSQL's files may grow to: more than any table here has, less than a segment of its log."""

_PLACE: Final = "SELECT mod(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0'), %s)"
_FILL: Final = "SELECT pg_logical_emit_message(false, 'faults', repeat('x', 262144))"


@contextmanager
def full(lab: Lab, program: str) -> Iterator[None]:
    """No room for ``postgres`` (its write-ahead log) or ``s3`` inside the block, restarted or not."""
    if program == "postgres":
        with suppress(psycopg.OperationalError):  # it is away just now
            _past_the_limit(lab)
    left = LOG_LEFT if program == "postgres" else 0
    _limit(lab, program, left)
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(lab, program, left, ended), name="full disk", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join(20)
        _limit(lab, program, resource.RLIM_INFINITY)


def _past_the_limit(lab: Lab) -> None:
    """The next write of the log is to be one that fails: what comes before is filled with nothing."""
    url = lab.setting("database_url")
    with psycopg.connect(url, autocommit=True, connect_timeout=3) as conn:
        for _ in range(2 * LOG_LEFT // 262144):
            found = conn.execute(_PLACE, [16 * MIB]).fetchone()
            if found is None or found[0] > LOG_LEFT:
                return
            conn.execute(_FILL)


def _keep(lab: Lab, program: str, left: int, ended: threading.Event) -> None:
    while not ended.wait(0.05):
        _limit(lab, program, left)


def _limit(lab: Lab, program: str, size: int) -> None:
    """Of the processes that it has now; what they start gets the same."""
    pid = lab.program(program).pid
    for one in [] if pid is None else lab.postgres() if program == "postgres" else [pid]:
        with suppress(OSError, ValueError):
            _, most = resource.prlimit(one, resource.RLIMIT_FSIZE)
            resource.prlimit(one, resource.RLIMIT_FSIZE, (size, most))
