"""Webhooks: who is told of a site's events, with which secret, and how they fare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import Connection

from nashr.domain.errors import Refused
from nashr.store import events, notices
from nashr.store.database import row, rows, run, scalar
from nashr.store.ids import new_id

OVERLAP_HOURS: Final = 24.0
"""So long deliveries carry a signature of the secret before the last change, too."""

PATIENCE_DAYS: Final = 3.0
"""A webhook to which nothing could be sent for so long is paused."""

MOST: Final = 50  # of one site

Cause: TypeAlias = Literal["asked", "failing", "gone"]
"""Why one is paused: somebody asked, nothing got through, or it answered 410."""


@dataclass(frozen=True)
class Webhook:
    """A receiver. ``state`` active or paused; ``why`` paused: asked, failing, or gone (it answered 410).

    ``failing_since``: since when every attempt has failed.
    """

    id: str
    site: str
    url: str
    events: Sequence[str]
    state: str
    why: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    failing_since: datetime | None
    old_secret_until: datetime | None


_COLUMNS: Final = ", ".join(field.name for field in fields(Webhook))


def create(
    conn: Connection, *, site: str, url: str, wanted: Sequence[str], secret: str, actor: str
) -> Webhook:
    """Tells ``url`` of events to come. Refused("conflict"): the same address twice, or too many."""
    run(conn, "SELECT 1 FROM site WHERE id = :site FOR UPDATE", site=site)
    known = [hook.url for hook in every(conn, site=site)]
    if url in known:
        raise Refused("conflict", "the site has a webhook with this address: change or delete that one")
    if len(known) >= MOST:
        raise Refused("conflict", f"the site has {MOST} webhooks: delete one first")
    found = row(
        conn,
        f"""INSERT INTO webhook (id, site, url, events, secret, created_by)
        VALUES (:id, :site, :url, :events, :secret, :actor) RETURNING {_COLUMNS}""",
        id=new_id("wh"), site=site, url=url, events=list(wanted), secret=secret, actor=actor,
    )  # fmt: skip
    assert found is not None
    hook = Webhook(**found)
    events.record(conn, "webhook.create", hook.id, site=site, actor=actor, events=list(wanted))
    return hook


def every(conn: Connection, *, site: str | None = None) -> Sequence[Webhook]:
    """The webhooks of a site (None: of all), oldest first."""
    found = rows(
        conn,
        f"""SELECT {_COLUMNS} FROM webhook WHERE CAST(:site AS text) IS NULL OR site = :site
        ORDER BY id""",
        site=site,
    )
    return [Webhook(**item) for item in found]


def find(conn: Connection, hook: str, *, site: str | None = None, lock: bool = False) -> Webhook | None:
    """One webhook; None too for another site's when ``site`` is given."""
    found = row(
        conn,
        f"""SELECT {_COLUMNS} FROM webhook WHERE id = :hook
            AND (CAST(:site AS text) IS NULL OR site = :site) {"FOR UPDATE" if lock else ""}""",
        hook=hook, site=site,
    )  # fmt: skip
    return Webhook(**found) if found else None


def secrets(conn: Connection, hook: str) -> Sequence[str]:
    """What deliveries are signed with now: its secret, and the one before for a while."""
    found = row(
        conn,
        """SELECT secret, CASE WHEN old_secret_until > clock_timestamp() THEN old_secret END AS old
        FROM webhook WHERE id = :hook""",
        hook=hook,
    )
    return [text for text in (found["secret"], found["old"]) if text] if found else []


def change(conn: Connection, hook: Webhook, *, actor: str, **wanted: Any) -> Webhook:
    """Changes url or events of a locked webhook, or its secret; the old secret signs on for a day."""
    said = {name: value for name, value in wanted.items() if value is not None}
    found = row(
        conn,
        f"""UPDATE webhook SET url = COALESCE(:url, url),
            events = COALESCE(CAST(:events AS text[]), events),
            old_secret = CASE WHEN CAST(:secret AS text) IS NULL THEN old_secret ELSE secret END,
            old_secret_until = CASE WHEN CAST(:secret AS text) IS NULL THEN old_secret_until
                ELSE clock_timestamp() + make_interval(hours => :hours) END,
            secret = COALESCE(:secret, secret), updated_at = clock_timestamp()
        WHERE id = :hook RETURNING {_COLUMNS}""",
        hook=hook.id, url=said.get("url"), events=said.get("events"), secret=said.get("secret"),
        hours=int(OVERLAP_HOURS),
    )  # fmt: skip
    assert found is not None
    events.record(conn, "webhook.change", hook.id, site=hook.site, actor=actor, changed=sorted(said))
    return Webhook(**found)


def pause(conn: Connection, hook: str, why: Cause, *, actor: str = "nashr") -> None:
    """Sends nothing more to it: what happens meanwhile is kept for when it is resumed."""
    site = scalar(
        conn,
        """UPDATE webhook SET state = 'paused', why = :why, updated_at = clock_timestamp()
        WHERE id = :hook AND state = 'active' RETURNING site""",
        hook=hook, why=why,
    )  # fmt: skip
    if site is not None:
        notices.hold(conn, hook)
        events.record(conn, "webhook.pause", hook, site=site, actor=actor, why=why)


def resume(conn: Connection, hook: str, *, actor: str) -> None:
    """Sends what was kept, and what comes."""
    site = scalar(
        conn,
        """UPDATE webhook SET state = 'active', why = NULL, failing_since = NULL,
            updated_at = clock_timestamp()
        WHERE id = :hook AND state = 'paused' RETURNING site""",
        hook=hook,
    )
    if site is not None:
        notices.let_go(conn, hook)
        events.record(conn, "webhook.resume", hook, site=site, actor=actor)


def delete(conn: Connection, hook: Webhook, *, actor: str) -> None:
    """Forgets it, with everything that was or is to be told to it; a long log by and by."""
    run(conn, "DELETE FROM webhook WHERE id = :hook", hook=hook.id)
    notices.forget(conn, hook.id)
    events.record(conn, "webhook.delete", hook.id, site=hook.site, actor=actor)


def answered(conn: Connection, hook: Webhook) -> None:
    """It took what was sent."""
    run(
        conn, "UPDATE webhook SET failing_since = NULL WHERE id = :hook AND failing_since IS NOT NULL",
        hook=hook.id,
    )  # fmt: skip


def failed(conn: Connection, hook: Webhook) -> bool:
    """It did not; whether that has been so for too long."""
    if hook.failing_since is None:
        run(
            conn,
            """UPDATE webhook SET failing_since = clock_timestamp()
            WHERE id = :hook AND failing_since IS NULL""",
            hook=hook.id,
        )
        return False
    late = "SELECT CAST(:since AS timestamptz) < clock_timestamp() - make_interval(days => :days)"
    return bool(scalar(conn, late, since=hook.failing_since, days=int(PATIENCE_DAYS)))
