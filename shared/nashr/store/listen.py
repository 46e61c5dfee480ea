"""LISTEN on PostgreSQL with reconnects: a wake-up is a hint, so a lost connection is only a pause."""

from __future__ import annotations

import time
from types import TracebackType

import psycopg
import psycopg.sql

from nashr.store.patience import PatientConnection


class Listener:
    """Waits for notifications on channels."""

    def __init__(self, url: str, *channels: str) -> None:
        self._url = url
        self._channels = channels
        self._conn: psycopg.Connection[tuple[object, ...]] | None = None

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def wait(self, seconds: float) -> bool:
        """Whether a notification came within ``seconds``; also true after a reconnect."""
        return bool(self.heard(seconds))

    def heard(self, seconds: float) -> frozenset[str]:
        """What notifications say that came within ``seconds``; after a reconnect, nothing said: ``""``."""
        try:
            if self._conn is None:
                self._conn = self._connect()
                return frozenset({""})
            said = {notice.payload for notice in self._conn.notifies(timeout=seconds, stop_after=1)}
            if said:
                said |= {notice.payload for notice in self._conn.notifies(timeout=0)}
        except psycopg.Error:
            self._drop()
            time.sleep(min(seconds, 0.2))
            return frozenset()
        return frozenset(said)

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        conn = PatientConnection.open(
            self._url, autocommit=True, connect_timeout=3, patience=5.0, keepalives_idle=10,
            keepalives_interval=3, keepalives_count=3,
        )  # fmt: skip
        for channel in self._channels:
            conn.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
        return conn

    def _drop(self) -> None:
        if self._conn is not None:
            self._conn.close()
        self._conn = None
