"""Wanting many pages anew, in bulk and in batches: a site's chrome has changed, or an author's name.

One ``refresh`` step per site and shelf. Each change raises a count that the step compares with the one it
began with, so that a change in the middle has it begin again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from nashr.domain.site import Site
from nashr.pages import LISTINGS, MADE_FROM, Fact, PageKind
from nashr.steps import Priority
from nashr.store import pagerows, queue, shelves
from nashr.store.database import at_end, rows, run, scalar
from nashr.store.pagerows import Why

BATCH: Final = 500


@dataclass(frozen=True)
class Batch:
    """How far a refresh is; ``again_at`` None: all pages are wanted."""

    result: Mapping[str, int]
    again_at: datetime | None


def chrome(conn: Connection, site: str) -> None:
    """What all pages of a site show has changed. Takes the site's lock, before those of pages."""
    run(conn, "UPDATE site SET chrome = chrome + 1 WHERE id = :site", site=site)
    _arm(conn, site, site, {})


def shelf(conn: Connection, site: str, kind: PageKind, slug: str) -> None:
    """What articles show of an author or a topic has changed; the shelf says so already."""
    _arm(conn, site, f"{site}/{kind}/{slug}", {"kind": str(kind), "slug": slug})


def _arm(conn: Connection, site: str, key: str, data: Mapping[str, str]) -> None:
    queue.rearm(conn, "refresh", key, site=site, data=data, priority=Priority.bulk)
    queue.notify(conn)


def step(conn: Connection, site: Site, wanted: Mapping[str, Any], before: Mapping[str, int] | None) -> Batch:
    """Wants the next batch of pages; ``wanted`` and ``before`` are the step's input and its last result."""
    now = _count(conn, site.id, wanted)
    after = before["after"] if before and before["count"] == now else 0
    found = _on_shelf(conn, site.id, wanted, after) if wanted else _dressed(conn, site.id, after)
    _want(conn, found, _why(site, wanted))
    if len(found) == BATCH:
        return Batch({"count": now, "after": found[-1]["at"]}, scalar(conn, "SELECT clock_timestamp()"))
    if not wanted:
        _reconsider(conn, site)
    return Batch({"count": now, "after": found[-1]["at"] if found else after}, None)


def _count(conn: Connection, site: str, wanted: Mapping[str, Any]) -> int:
    """The changes so far, locked: another one waits until this batch is recorded, and arms the step then."""
    if wanted:
        found = scalar(
            conn,
            """SELECT changes FROM shelf WHERE site = :site AND kind = :kind AND slug = :slug
            FOR NO KEY UPDATE""",
            site=site, kind=wanted["kind"], slug=wanted["slug"],
        )  # fmt: skip
        return int(found or 0)
    return int(scalar(conn, "SELECT chrome FROM site WHERE id = :site FOR NO KEY UPDATE", site=site))


_DRESSED: Final = sorted(
    str(kind) for kind, facts in MADE_FROM.items() if Fact.chrome in facts and kind != PageKind.routes
)


def _dressed(conn: Connection, site: str, after: int) -> Sequence[Mapping[str, Any]]:
    """The pages that show the chrome, past an id."""
    return rows(
        conn,
        """SELECT id AS at, id, kind FROM page WHERE site = :site AND id > :after AND kind = ANY(:kinds)
            AND wanted > 0 ORDER BY id LIMIT :batch""",
        site=site, after=after, kinds=_DRESSED, batch=BATCH,
    )  # fmt: skip


def _on_shelf(
    conn: Connection, site: str, wanted: Mapping[str, Any], after: int
) -> Sequence[Mapping[str, Any]]:
    """The pages of the articles on a shelf, past a place."""
    return rows(
        conn,
        """SELECT s.place AS at, p.id, p.kind FROM shelved s JOIN article a ON a.id = s.article
            JOIN page p ON p.id = a.page
        WHERE s.site = :site AND s.kind = :kind AND s.slug = :slug AND s.place > :after
        ORDER BY s.place LIMIT :batch""",
        site=site, kind=wanted["kind"], slug=wanted["slug"], after=after, batch=BATCH,
    )  # fmt: skip


def _why(site: Site, wanted: Mapping[str, Any]) -> Why:
    if not wanted:
        return Why({Fact.chrome}, f"site {site.id}")
    return Why({Fact(wanted["kind"])}, f"{wanted['kind']} {wanted['slug']}")


def _want(conn: Connection, found: Sequence[Mapping[str, Any]], why: Why) -> None:
    """Listings last, as everywhere."""
    own = [item["id"] for item in found if item["kind"] not in LISTINGS]
    later = [item["id"] for item in found if item["kind"] in LISTINGS]
    pagerows.want(conn, pagerows.lock_ids(conn, own), priority=Priority.bulk, why=why)

    def listings(conn: Connection) -> None:
        pagerows.want(conn, pagerows.lock_ids(conn, later), priority=Priority.bulk, why=why)

    at_end(conn, listings)


def _reconsider(conn: Connection, site: Site) -> None:
    """The threshold may be another one: topics come and go."""
    specs, gone = shelves.reconsider(conn, site)
    for slug in gone:
        shelf(conn, site.id, PageKind.topic, slug)

    def listings(conn: Connection) -> None:
        locked = pagerows.lock(conn, site.id, specs)
        why = Why({Fact.topic}, "topic_threshold")
        pagerows.want(conn, locked.values(), priority=Priority.bulk, why=why)

    at_end(conn, listings)
