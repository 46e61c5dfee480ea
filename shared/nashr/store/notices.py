"""Whom an event is told: one ``notify`` step for each webhook that asks for it, and one for a site's pings.

Written by the statement that appends the event. Runs nothing: that is nashr_delivery.notify's part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.store.database import row, rows, run, scalar
from nashr.store.queue import ABROAD, REARM, Step

IN_ORDER_ATTEMPTS: Final = 8
"""For so many attempts (about eight minutes) an event holds back later ones of its article."""

FORGOTTEN_AT_ONCE: Final = 1_000
"""Of a deleted webhook's steps; the sweep takes the rest."""

HUB_DELAY: Final = 6.0  # seconds: feeds rest 5 s between two deliveries
INDEX_DELAY: Final = 15.0  # seconds: a burst of stories is one submission
HUB: Final = "websub"
INDEX: Final = "indexnow"

IN_TURN: Final = f"""input->>'to' <> ALL(:closed) AND NOT EXISTS (
    SELECT 1 FROM step earlier WHERE earlier.kind = 'notify' AND earlier.input->>'to' = step.input->>'to'
        AND earlier.input->>'article' = step.input->>'article'
        AND CAST(earlier.input->>'event' AS bigint) < CAST(step.input->>'event' AS bigint)
        AND earlier.state IN ('ready', 'leased')
        AND (earlier.state = 'leased' OR earlier.attempts < {IN_ORDER_ATTEMPTS}))"""
"""Of one article to one receiver in order, for receivers that are not among ``closed``."""

_TOLD: Final = """INSERT INTO step (site, kind, key, input, priority, state)
    SELECT said.site, 'notify', hook.id || ':' || said.id,
        jsonb_build_object('to', hook.id, 'event', said.id, 'article', said.article), :priority,
        CASE hook.state WHEN 'active' THEN 'ready' ELSE 'held' END
    FROM said JOIN webhook hook ON hook.site = said.site AND said.type = ANY(hook.events)
    WHERE CAST(:notify AS boolean) FOR SHARE OF hook RETURNING id"""

_PINGED: Final = f"""INSERT INTO step AS s (site, kind, key, input, priority, available_at)
    SELECT said.site, 'notify', ping.name || ':' || said.site,
        jsonb_build_object('to', ping.name || ':' || said.site), 2,
        clock_timestamp() + make_interval(secs => ping.delay)
    FROM said JOIN site ON site.id = said.site CROSS JOIN LATERAL (VALUES
        ('{HUB}', {HUB_DELAY}, site.config->>'websub_hub' IS NOT NULL),
        ('{INDEX}', {INDEX_DELAY}, site.config->>'indexnow' = 'true')) AS ping (name, delay, wanted)
    WHERE CAST(:notify AS boolean) AND said.type LIKE 'article.%' AND ping.wanted
    {REARM} RETURNING id"""

EVENT: Final = f"""WITH said AS (
        INSERT INTO event (site, type, article, publication, data)
        VALUES (:site, :type, :article, :publication, :data) RETURNING id, site, type, article),
    told AS ({_TOLD}), pinged AS ({_PINGED})
    SELECT pg_notify(:channel, '') UNION ALL SELECT pg_notify('{ABROAD}', '') FROM told"""
"""Appends an event and the steps that tell of it, in one statement; ``notify`` false tells nobody."""


def append(conn: Connection, *, priority: int, notify: bool, **event: Any) -> None:
    """Runs the statement; ``event`` has the columns of an event, and the channel of those who listen."""
    run(conn, EVENT, priority=priority, notify=notify, **event)


@dataclass(frozen=True)
class Notice:
    """A step that tells a webhook something, as its log shows it; ``result`` is of the last attempt."""

    id: int
    event: str
    type: str
    article: str | None
    state: str
    attempts: int
    error: str | None
    result: Mapping[str, Any]
    created_at: datetime
    available_at: datetime
    finished_at: datetime | None


_NOTICE: Final = """SELECT s.id, COALESCE(s.input->>'event', s.input->>'test') AS event,
        COALESCE(e.type, 'webhook.test') AS type, s.input->>'article' AS article, s.state, s.attempts,
        s.error, COALESCE(s.result, '{}') AS result, s.created_at, s.available_at, s.finished_at
    FROM step s LEFT JOIN event e ON e.id = CAST(s.input->>'event' AS bigint)
    WHERE s.kind = 'notify' AND s.input->>'to' = :hook"""


def every(
    conn: Connection, hook: str, *, failed: bool = False, before: int | None = None, limit: int = 50
) -> Sequence[Notice]:
    """What a webhook was or is to be told, youngest first, below an id; ``failed``: what went wrong."""
    found = rows(
        conn,
        f"""{_NOTICE} AND (CAST(:before AS bigint) IS NULL OR s.id < :before)
            AND (NOT :failed OR s.state = 'dead' OR s.result->>'error' IS NOT NULL)
        ORDER BY s.id DESC LIMIT :limit""",
        hook=hook, before=before, failed=failed, limit=limit,
    )  # fmt: skip
    return [Notice(**item) for item in found]


def find(conn: Connection, hook: str, notice: int) -> Notice | None:
    found = row(conn, f"{_NOTICE} AND s.id = :notice", hook=hook, notice=notice)
    return Notice(**found) if found else None


def test(conn: Connection, hook: str, *, site: str, name: str) -> int:
    """Has a test event sent, also to a webhook that is paused; returns the step."""
    return int(
        scalar(
            conn,
            f"""WITH made AS (INSERT INTO step (site, kind, key, input)
                VALUES (:site, 'notify', :key, :data) RETURNING id)
            SELECT id, pg_notify('{ABROAD}', '') FROM made""",
            site=site, key=f"{hook}:{name}", data=Jsonb({"to": hook, "test": name}),
        )
    )  # fmt: skip


def again(conn: Connection, hook: str, notice: int) -> None:
    """Has one thing told again now, whatever became of it; what runs at this moment is left alone."""
    run(
        conn,
        f"""WITH due AS (UPDATE step SET state = 'ready', attempts = 0, available_at = clock_timestamp(),
            created_at = clock_timestamp(), finished_at = NULL, error = NULL
        WHERE id = :notice AND kind = 'notify' AND input->>'to' = :hook AND state <> 'leased' RETURNING id)
        SELECT pg_notify('{ABROAD}', '') FROM due""",
        notice=notice, hook=hook,
    )  # fmt: skip


def again_since(conn: Connection, hook: str, *, since: datetime, limit: int) -> int:
    """Has every event since then told again, in order, that a webhook asks for; returns how many.

    Beyond ``limit`` none is, and the number returned is larger than it. The webhook is locked first: what is
    told again must not be kept for a resumption that has just been.
    """
    run(conn, "SELECT 1 FROM webhook WHERE id = :hook FOR SHARE", hook=hook)
    found = row(
        conn,
        f"""WITH asked AS (
            SELECT e.id, e.site, e.article, hook.state FROM webhook hook JOIN event e
                ON e.site = hook.site AND e.type = ANY(hook.events)
            WHERE hook.id = :hook AND e.at >= :since AND e.data->>'notify' IS DISTINCT FROM 'false'
            ORDER BY e.id LIMIT :limit + 1),
        due AS (INSERT INTO step AS s (site, kind, key, input, priority, state)
            SELECT site, 'notify', CAST(:hook AS text) || ':' || id,
                jsonb_build_object('to', CAST(:hook AS text), 'event', id, 'article', article), 1,
                CASE state WHEN 'active' THEN 'ready' ELSE 'held' END
            FROM asked WHERE (SELECT count(*) FROM asked) <= :limit ORDER BY id
            ON CONFLICT (kind, key) DO UPDATE SET state = excluded.state, attempts = 0,
                available_at = clock_timestamp(), created_at = clock_timestamp(), finished_at = NULL,
                error = NULL
            WHERE s.state <> 'leased' RETURNING id)
        SELECT (SELECT count(*) FROM asked) AS n, (SELECT pg_notify('{ABROAD}', '') FROM due LIMIT 1)""",
        hook=hook, since=since, limit=limit,
    )  # fmt: skip
    assert found is not None
    return int(found["n"])


def hold(conn: Connection, hook: str) -> int:
    """What waits to be told to a webhook is kept until it is resumed."""
    return run(
        conn,
        """UPDATE step SET state = 'held', attempts = 0, dispatched_at = NULL
        WHERE kind = 'notify' AND input->>'to' = :hook AND state = 'ready' AND input ? 'event'""",
        hook=hook,
    )


def set_aside(conn: Connection, step: Step) -> None:
    """The same for one step that is being run: its webhook was paused a moment ago."""
    run(
        conn,
        """UPDATE step SET state = 'held', attempts = 0, lease_owner = NULL, lease_until = NULL
        WHERE id = :id AND fence = :fence AND state = 'leased'""",
        id=step.id, fence=step.fence,
    )  # fmt: skip


def let_go(conn: Connection, hook: str) -> int:
    """What was kept is due now, oldest first."""
    return run(
        conn,
        f"""WITH due AS (UPDATE step SET state = 'ready', available_at = clock_timestamp(),
                created_at = clock_timestamp()
            WHERE kind = 'notify' AND input->>'to' = :hook AND state = 'held' RETURNING id)
        SELECT pg_notify('{ABROAD}', ''), id FROM due""",
        hook=hook,
    )


def forget(conn: Connection, hook: str, *, limit: int = FORGOTTEN_AT_ONCE) -> None:
    """A webhook is gone: nothing of it is told any more, and its log goes too; a long one by and by.

    What waits goes first. Whoever publishes waits for this transaction, so the rest is left to
    ``forget_strays``; of it a step that comes due ends without telling anybody.
    """
    run(
        conn,
        """DELETE FROM step WHERE id IN (
            SELECT id FROM step WHERE kind = 'notify' AND input->>'to' = :hook
            ORDER BY (state IN ('ready', 'leased')) DESC, id DESC LIMIT :limit)""",
        hook=hook, limit=limit,
    )  # fmt: skip


def forget_strays(conn: Connection, site: str, *, limit: int = 5_000) -> int:
    """Drops steps of webhooks that are gone; returns how many."""
    return run(
        conn,
        """DELETE FROM step WHERE id IN (
            SELECT id FROM step WHERE kind = 'notify' AND site = :site AND input->>'to' LIKE 'wh_%'
                AND NOT EXISTS (SELECT 1 FROM webhook WHERE webhook.id = step.input->>'to')
            ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)""",
        site=site, limit=limit,
    )  # fmt: skip


def forget_old(conn: Connection, site: str, *, days: float, limit: int = 5_000) -> int:
    """Drops what has been told, or was given up and closed, for so long."""
    return run(
        conn,
        """DELETE FROM step WHERE id IN (
            SELECT id FROM step WHERE kind = 'notify' AND site = :site AND input->>'to' LIKE 'wh_%'
                AND state IN ('done', 'void')
                AND finished_at < clock_timestamp() - make_interval(days => :days) LIMIT :limit)""",
        site=site, days=int(days), limit=limit,
    )  # fmt: skip


def note(conn: Connection, step: Step, result: Mapping[str, Any]) -> None:
    """Writes down how an attempt ended while it is still ours; whoever raises next says what follows."""
    run(
        conn,
        """UPDATE step SET result = :result WHERE id = :id AND fence = :fence AND state = 'leased'""",
        id=step.id, fence=step.fence, result=Jsonb(dict(result)),
    )  # fmt: skip
