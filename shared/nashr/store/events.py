"""Events: their ids become visible in commit order, since one lock orders the writers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.store import audit
from nashr.store.database import at_end, rows, run, scalar

CHANNEL = "nashr_event"
_ORDER = 0x6E61736872  # "nashr": the advisory lock that every writer of events takes last


@dataclass(frozen=True)
class Event:
    """A fact that readers of SSE and webhooks see."""

    id: int
    site: str
    type: str
    article: str | None
    publication: str | None
    data: Mapping[str, Any]
    at: datetime


def emit(
    conn: Connection,
    type: str,  # noqa: A002 - the envelope's own word
    *,
    site: str,
    article: str | None = None,
    publication: str | None = None,
    **data: Any,
) -> None:
    """Appends an event when the transaction ends: its lock, which orders the writers, is taken last."""

    def append(conn: Connection) -> None:
        scalar(conn, "SELECT pg_advisory_xact_lock(:order)", order=_ORDER)
        run(
            conn,
            """INSERT INTO event (site, type, article, publication, data)
            VALUES (:site, :type, :article, :publication, :data)""",
            site=site, type=type, article=article, publication=publication, data=Jsonb(data),
        )  # fmt: skip
        run(conn, f"NOTIFY {CHANNEL}")

    at_end(conn, append)


def after(
    conn: Connection, event: int, *, site: str | None, publication: str | None = None, limit: int = 100
) -> Sequence[Event]:
    """Events past an id, oldest first, of one site (None: every site) and maybe one publication."""
    found = rows(
        conn,
        """SELECT id, site, type, article, publication, data, at FROM event WHERE id > :event
            AND (CAST(:site AS text) IS NULL OR site = :site)
            AND (CAST(:publication AS text) IS NULL OR publication = :publication)
        ORDER BY id LIMIT :limit""",
        event=event, site=site, publication=publication, limit=limit,
    )  # fmt: skip
    return [Event(**item) for item in found]


def last(conn: Connection) -> int:
    """The newest event id, zero when there is none."""
    return int(scalar(conn, "SELECT COALESCE(max(id), 0) FROM event"))


def record(
    conn: Connection, action: str, subject: str, *, site: str | None, actor: str, **detail: Any
) -> None:
    """Appends to the audit trail: who did what to which thing."""
    audit.record(conn, action, subject, site=site, actor=actor, detail=detail)
