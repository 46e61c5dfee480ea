"""Page rows: want a page, lock pages in path order, wake the pages that waited for a step.

One row per path for ever; its counters never restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from nashr.pages import REST, PageKind, PageSpec
from nashr.steps import Priority
from nashr.store import queue
from nashr.store.database import row, rows, run


@dataclass(frozen=True)
class PageRow:
    """One path of one site. Versions: wanted >= attempted >= live >= purged, all only growing."""

    id: int
    site: str
    path: str
    kind: str
    subject: str
    wanted: int
    attempted: int
    live: int
    purged: int
    stored: int
    etag: str | None
    body_hash: str | None
    sha256: str | None
    live_at: datetime | None


_COLUMNS = ", ".join(PageRow.__dataclass_fields__)


def read(conn: Connection, page: int) -> PageRow:
    found = row(conn, f"SELECT {_COLUMNS} FROM page WHERE id = :page", page=page)
    assert found is not None, "page rows are never deleted"
    return PageRow(**found)


def at_path(conn: Connection, site: str, path: str) -> PageRow | None:
    found = row(
        conn, f"SELECT {_COLUMNS} FROM page WHERE site = :site AND path = :path", site=site, path=path
    )
    return PageRow(**found) if found else None


def lock(conn: Connection, site: str, specs: Iterable[PageSpec]) -> Mapping[str, PageRow]:
    """Makes the pages exist and locks them in path order; returns them by path.

    The kind and the subject of an existing page are left as they are: ``claim_path`` changes them.
    """
    ordered = sorted({spec.path: spec for spec in specs}.values(), key=lambda spec: spec.path.encode())
    if not ordered:
        return {}
    run(
        conn,
        """INSERT INTO page (site, path, kind, subject)
        SELECT :site, path, kind, subject
        FROM unnest(CAST(:paths AS text[]), CAST(:kinds AS text[]), CAST(:subjects AS text[]))
            AS new(path, kind, subject)
        WHERE NOT EXISTS (SELECT 1 FROM page WHERE page.site = :site AND page.path = new.path)
        ORDER BY path COLLATE "C" ON CONFLICT DO NOTHING""",
        site=site, paths=[spec.path for spec in ordered], kinds=[str(spec.kind) for spec in ordered],
        subjects=[spec.subject for spec in ordered],
    )  # fmt: skip
    found = rows(
        conn,
        f"""SELECT {_COLUMNS} FROM page WHERE site = :site AND path = ANY(:paths)
        ORDER BY path COLLATE "C" FOR NO KEY UPDATE""",
        site=site, paths=[spec.path for spec in ordered],
    )  # fmt: skip
    return {item["path"]: PageRow(**item) for item in found}


def lock_ids(conn: Connection, pages: Iterable[int]) -> list[PageRow]:
    """Locks existing pages in path order."""
    found = rows(
        conn,
        f"""SELECT {_COLUMNS} FROM page WHERE id = ANY(:pages)
        ORDER BY site COLLATE "C", path COLLATE "C" FOR NO KEY UPDATE""",
        pages=sorted(set(pages)),
    )
    return [PageRow(**item) for item in found]


def claim_path(conn: Connection, page: PageRow, kind: PageKind, subject: str) -> None:
    """Says what a locked page shows from now on: an article takes a path, or leaves a redirect."""
    run(
        conn,
        "UPDATE page SET kind = :kind, subject = :subject WHERE id = :id",
        id=page.id, kind=str(kind), subject=subject,
    )  # fmt: skip


def want(
    conn: Connection,
    pages: Iterable[PageRow],
    *,
    priority: int = Priority.normal,
    delay: float = 0.0,
    at_once: bool = False,
) -> None:
    """Bumps ``wanted`` of locked pages and makes their delivery due ``delay`` seconds from now.

    A listing rests between two deliveries (pages.REST): a burst becomes one. ``at_once``: without a rest.
    """
    bumped = [page.id for page in pages]
    if not bumped:
        return
    run(
        conn,
        f"""WITH bumped AS (
            UPDATE page SET wanted = wanted + 1 WHERE id = ANY(:ids) RETURNING id, site, path, kind, live_at
        ), rest AS (
            SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:rests AS float8[])) AS r(kind, seconds)
        )
        INSERT INTO step AS s (site, kind, key, input, priority, available_at)
        SELECT site, 'deliver', id::text, jsonb_build_object('page', id, 'path', path), :priority,
            GREATEST(clock_timestamp() + make_interval(secs => :delay),
                live_at + make_interval(secs => rest.seconds))
        FROM bumped LEFT JOIN rest USING (kind) ORDER BY path COLLATE "C"
        {queue.REARM}""",
        ids=bumped, delay=delay, priority=priority, kinds=[str(kind) for kind in REST],
        rests=[0.0 if at_once else rest for rest in REST.values()],
    )  # fmt: skip
    queue.notify(conn)
    if priority == Priority.breaking:
        queue.wake_direct(conn)


def wait_for(conn: Connection, page: PageRow, step: int, seconds: float) -> None:
    """Records that a page waits for a step, at most ``seconds`` from now."""
    run(
        conn,
        """INSERT INTO need (step, page, site, until)
        VALUES (:step, :page, :site, clock_timestamp() + make_interval(secs => :seconds))
        ON CONFLICT (step, page) DO UPDATE SET until = GREATEST(need.until, excluded.until)""",
        step=step, page=page.id, site=page.site, seconds=seconds,
    )  # fmt: skip


def waiting_until(conn: Connection, page: int) -> datetime | None:
    """Until when a page still waits for steps; None when nothing holds it."""
    found = row(
        conn,
        "SELECT max(until) AS until FROM need WHERE page = :page AND until > clock_timestamp()",
        page=page,
    )
    assert found is not None
    until: datetime | None = found["until"]
    return until


def wake(conn: Connection, step: int, *, priority: int) -> None:
    """A step has ended: the pages that waited for it go out now, or again if they went without it."""
    waiting = [item["page"] for item in rows(conn, "SELECT page FROM need WHERE step = :step", step=step)]
    if not waiting:
        return
    pages = lock_ids(conn, waiting)
    run(conn, "DELETE FROM need WHERE step = :step AND page = ANY(:pages)", step=step, pages=waiting)
    for page in pages:
        _wake_one(conn, page, priority)
    queue.notify(conn)


def _wake_one(conn: Connection, page: PageRow, priority: int) -> None:
    armed = row(
        conn,
        "SELECT id, state, priority FROM step WHERE kind = 'deliver' AND key = :key FOR NO KEY UPDATE",
        key=str(page.id),
    )
    if armed is None or armed["state"] != "ready":
        # it runs at this moment with an older snapshot, or it is already out without this
        want(conn, [page], priority=priority)
    elif waiting_until(conn, page.id) is None:
        queue.pull(conn, armed["id"])
        if armed["priority"] == Priority.breaking:
            queue.wake_direct(conn)
