"""Page rows: want a page, lock pages in path order, wake the pages that waited for a step.

One row per path for ever; its counters never restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from nashr.pages import MADE_FROM, REST, Fact, PageKind, PageSpec
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


REASONS: Final = 5
"""How many of its reasons a page remembers: what it was built for lately, and no more with the years."""


@dataclass(frozen=True)
class Why:
    """Why pages are wanted: which facts changed, and by what (an article, a photo, a publication, a step)."""

    facts: AbstractSet[Fact] = frozenset()
    cause: str = ""

    def of(self, kind: str) -> str:
        """The facts that a page of this kind is made from, in one word each; all of them where it is none."""
        made_from = MADE_FROM[PageKind(kind)]
        return " ".join(sorted(self.facts & made_from or self.facts))


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


def _remembered(facts: str) -> str:
    """The reasons of a page that is wanted once more, newest first; ``facts`` is an expression of SQL."""
    return f"""(jsonb_build_array(jsonb_build_object('version', wanted + 1, 'facts', {facts},
                'cause', CAST(:cause AS text), 'at', clock_timestamp())) || reasons) - {REASONS}"""


def want(
    conn: Connection,
    pages: Iterable[PageRow],
    *,
    priority: int = Priority.normal,
    delay: float = 0.0,
    at_once: bool = False,
    why: Why = Why(),
) -> None:
    """Bumps ``wanted`` of locked pages and makes their delivery due ``delay`` seconds from now.

    A listing rests between two deliveries (pages.REST): a burst becomes one. ``at_once``: without a rest.
    ``why`` is for the person who asks later; the page remembers the last few.
    """
    bumped = list(pages)
    if not bumped:
        return
    run(
        conn,
        f"""WITH bumped AS (
            UPDATE page SET wanted = wanted + 1, reasons = {_remembered("told.facts")}
            FROM unnest(CAST(:ids AS bigint[]), CAST(:facts AS text[])) AS told(page, facts)
            WHERE id = told.page RETURNING id, site, path, kind, live_at
        ), rest AS (
            SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:rests AS float8[])) AS r(kind, seconds)
        )
        INSERT INTO step AS s (site, kind, key, input, priority, available_at)
        SELECT site, 'deliver', id::text, jsonb_build_object('page', id, 'path', path), :priority,
            GREATEST(clock_timestamp() + make_interval(secs => :delay),
                live_at + make_interval(secs => rest.seconds))
        FROM bumped LEFT JOIN rest USING (kind) ORDER BY path COLLATE "C"
        {queue.REARM}""",
        ids=[page.id for page in bumped], facts=[why.of(page.kind) for page in bumped], cause=why.cause,
        delay=delay, priority=priority, kinds=[str(kind) for kind in REST],
        rests=[0.0 if at_once else rest for rest in REST.values()],
    )  # fmt: skip
    queue.notify(conn)
    if priority == Priority.breaking:
        queue.wake_direct(conn, "deliver")


def want_by_itself(conn: Connection, page: int) -> None:
    """A version for a page whose newest was tried already, if none is due.

    Its time has come (a kicker ran out, a wait ended); or that attempt failed, perhaps after its PUT, and
    what is rendered now may differ: one version is never two texts.
    """
    run(
        conn,
        f"""UPDATE page SET wanted = wanted + 1, reasons = {_remembered("''")}
        WHERE id = :page AND wanted = attempted""",
        page=page,
        cause="time",
    )


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
        _wake_one(conn, page, priority, step=step)
    queue.notify(conn)


_MAKES: Final = {
    "images": Fact.photo, "lighter": Fact.formats, "related": Fact.links, "cards": Fact.cards,
}  # fmt: skip


def _late(conn: Connection, step: int) -> Why:
    """What comes with the end of a step that a page went out without."""
    found = row(conn, "SELECT kind FROM step WHERE id = :step", step=step)
    fact = _MAKES.get(found["kind"]) if found else None
    return Why({fact} if fact else frozenset(), f"step {step}")


def _wake_one(conn: Connection, page: PageRow, priority: int, *, step: int) -> None:
    armed = row(
        conn,
        "SELECT id, state, priority FROM step WHERE kind = 'deliver' AND key = :key FOR NO KEY UPDATE",
        key=str(page.id),
    )
    if armed is None or armed["state"] != "ready":
        # it runs at this moment with an older snapshot, or it is already out without this
        want(conn, [page], priority=priority, why=_late(conn, step))
    elif waiting_until(conn, page.id) is None:
        queue.pull(conn, armed["id"])
        if armed["priority"] == Priority.breaking:
            queue.wake_direct(conn, "deliver")
