"""Events, and the envelope that carries them. One lock orders the writers: ids show in commit order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.steps import Priority
from nashr.store import audit, notices
from nashr.store.database import at_end, rows, scalar

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
    extensions: Mapping[str, Any] | None = None


def emit(
    conn: Connection,
    type: str,  # noqa: A002 - the envelope's own word
    *,
    site: str,
    article: str | None = None,
    publication: str | None = None,
    notify: bool = True,
    **data: Any,
) -> None:
    """Appends an event when the transaction ends: its lock, which orders the writers, is taken last.

    ``notify`` false keeps it from webhooks, hubs and search engines. ``data`` may hold its ``priority``.
    """
    said = data if notify else {**data, "notify": False}
    urgency = Priority[str(data.get("priority", Priority.normal.name))]

    def append(conn: Connection) -> None:
        scalar(conn, "SELECT pg_advisory_xact_lock(:order)", order=_ORDER)
        notices.append(
            conn, site=site, type=type, article=article, publication=publication, data=Jsonb(said),
            channel=CHANNEL, priority=urgency, notify=notify,
        )  # fmt: skip

    at_end(conn, append)


_READ: Final = """SELECT e.id, e.site, e.type, e.article, e.publication, e.data, e.at,
        r.doc->'extensions' AS extensions
    FROM event e LEFT JOIN revision r ON e.type LIKE 'article.%' AND r.article = e.article
        AND r.number = CAST(e.data->>'revision' AS integer)"""
"""With what the CMS keeps in the revision that is live: of a draft nobody is told anything."""


def after(
    conn: Connection, event: int, *, site: str | None, publication: str | None = None, limit: int = 100
) -> Sequence[Event]:
    """Events past an id, oldest first, of one site (None: every site) and maybe one publication."""
    found = rows(
        conn,
        f"""{_READ} WHERE e.id > :event AND (CAST(:site AS text) IS NULL OR e.site = :site)
            AND (CAST(:publication AS text) IS NULL OR e.publication = :publication)
        ORDER BY e.id LIMIT :limit""",
        event=event, site=site, publication=publication, limit=limit,
    )  # fmt: skip
    return [Event(**item) for item in found]


def find(conn: Connection, event: int) -> Event | None:
    found = rows(conn, f"{_READ} WHERE e.id = :event", event=event)
    return Event(**found[0]) if found else None


def envelope(event: Event) -> dict[str, Any]:
    """An event as readers get it, in server-sent events and webhooks alike.

    The members that every event has come first, then those of its type, such as ``asset`` or ``error``.
    """
    told = {name: value for name, value in event.data.items() if name != "notify"}
    return {
        "id": str(event.id),
        "type": event.type,
        "at": event.at.isoformat().replace("+00:00", "Z"),
        "site": event.site,
        "article": event.article,
        "revision": told.pop("revision", None),
        "url": told.pop("url", None),
        "first": bool(told.pop("first", False)),
        "priority": told.pop("priority", None),
        "actor": told.pop("actor", None),
        **told,
        "publication": event.publication,
        "extensions": event.extensions,
    }


def last(conn: Connection) -> int:
    """The newest event id, zero when there is none."""
    return int(scalar(conn, "SELECT COALESCE(max(id), 0) FROM event"))


def record(
    conn: Connection, action: str, subject: str, *, site: str | None, actor: str, **detail: Any
) -> None:
    """Appends to the audit trail: who did what to which thing."""
    audit.record(conn, action, subject, site=site, actor=actor, detail=detail)
