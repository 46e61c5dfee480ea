"""The lock of the one process that may write pages, where the object store cannot keep late writers out."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Engine

from nashr.store.database import scalar, translated

_WRITER: Final = 0x6E6173687200  # "nashr\0": a session's lock, gone with its connection


class WriterLock:
    """A session lock in PostgreSQL on a connection of its own. Not for several threads at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._conn: Connection | None = None

    def held(self) -> bool:
        """Whether this process has the lock by now; takes it if nobody has. Raises DatabaseUnavailable."""
        try:
            with translated():
                if self._conn is None:
                    self._conn = self._engine.connect()
                taken = bool(scalar(self._conn, "SELECT pg_try_advisory_lock(:lock)", lock=_WRITER))
        except Exception:
            self.release()
            raise
        if not taken:
            self.release()
        return taken

    def release(self) -> None:
        """Ends the session, and with it the lock."""
        if self._conn is not None:
            self._conn.invalidate()
            self._conn.close()
            self._conn = None
