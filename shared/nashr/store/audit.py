"""The audit trail: who did what to which thing, when, from where; and what was refused.

Rows are only ever added, in the transaction of what they tell; a trigger refuses anything else. They hold
names, ids and reasons, never an article's text and never a secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from weakref import WeakKeyDictionary

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.store.database import rows, run

ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"


@dataclass(frozen=True)
class Trail:
    """Where a request of the API comes from: its proven token, operation, address, and its own id."""

    token: str | None = None
    token_name: str | None = None
    operation: str | None = None
    address: str | None = None
    request: str | None = None


@dataclass(frozen=True)
class Entry:
    """One row: ``actor`` did ``action`` to ``subject``. Without ``token`` a command did, or nashr itself."""

    id: int
    at: datetime
    site: str | None
    actor: str
    token: str | None
    token_name: str | None
    operation: str | None
    action: str
    subject: str
    outcome: str
    address: str | None
    request: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a list of entries is narrowed to; None leaves it open. ``since`` is included, ``until`` is not."""

    site: str | None = None
    actor: str | None = None
    token: str | None = None
    action: str | None = None
    subject: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass
class _Turn:
    """A transaction whose rows carry the same origin."""

    trail: Trail
    recorded: int = 0


_turns: WeakKeyDictionary[Connection, _Turn] = WeakKeyDictionary()
_NOWHERE: Final = Trail()
_COLUMNS: Final = ", ".join(Entry.__dataclass_fields__)


def come_from(conn: Connection, trail: Trail) -> None:
    """What this transaction records from here on carries the request that it belongs to."""
    _turns[conn] = _Turn(trail)


def record(
    conn: Connection,
    action: str,
    subject: str,
    *,
    site: str | None,
    actor: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Appends what was done, in the transaction that does it."""
    turn = _turns.get(conn)
    if turn is not None:
        turn.recorded += 1
    _append(
        conn, turn.trail if turn else _NOWHERE, action=action, subject=subject, site=site, actor=actor,
        outcome=ACCEPTED, detail=detail or {},
    )  # fmt: skip


def record_at_least(conn: Connection, subject: str, *, site: str | None, actor: str) -> None:
    """Appends the request itself where nothing that it did was recorded: no write is without a row."""
    turn = _turns[conn]
    if not turn.recorded:
        record(conn, turn.trail.operation or "unnamed", subject, site=site, actor=actor)


def refuse(
    conn: Connection,
    trail: Trail,
    *,
    code: str,
    subject: str,
    site: str | None,
    actor: str,
    detail: Mapping[str, Any],
) -> None:
    """Appends what somebody was not allowed to do."""
    _append(
        conn, trail, action=f"refused.{code}", subject=subject, site=site, actor=actor, outcome=REFUSED,
        detail=detail,
    )  # fmt: skip


def _append(
    conn: Connection,
    trail: Trail,
    *,
    action: str,
    subject: str,
    site: str | None,
    actor: str,
    outcome: str,
    detail: Mapping[str, Any],
) -> None:
    run(
        conn,
        """INSERT INTO audit (site, actor, token, token_name, operation, action, subject, outcome, address,
            request, detail)
        VALUES (:site, :actor, :token, :token_name, :operation, :action, :subject, :outcome, :address,
            :request, :detail)""",
        site=site, actor=actor, action=action, subject=subject, outcome=outcome, detail=Jsonb(dict(detail)),
        **vars(trail),
    )  # fmt: skip


def entries(
    conn: Connection, where: Filter, *, before: int | None = None, limit: int = 50
) -> Sequence[Entry]:
    """Entries, newest first, from below the id ``before``."""
    found = rows(
        conn,
        f"""SELECT {_COLUMNS} FROM audit WHERE (CAST(:before AS bigint) IS NULL OR id < :before)
            AND (CAST(:site AS text) IS NULL OR site = :site)
            AND (CAST(:actor AS text) IS NULL OR actor = :actor)
            AND (CAST(:token AS text) IS NULL OR token = :token)
            AND (CAST(:action AS text) IS NULL OR action = :action)
            AND (CAST(:subject AS text) IS NULL OR subject = :subject)
            AND (CAST(:outcome AS text) IS NULL OR outcome = :outcome)
            AND (CAST(:since AS timestamptz) IS NULL OR at >= :since)
            AND (CAST(:until AS timestamptz) IS NULL OR at < :until)
        ORDER BY id DESC LIMIT :limit""",
        before=before, limit=limit, **vars(where),
    )  # fmt: skip
    return [Entry(**item) for item in found]
