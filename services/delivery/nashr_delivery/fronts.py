"""Loads fronts: the editor's pins and banner, then newest first; and when a front changes by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from nashr.domain.site import Site
from nashr.pages import FRONT_LENGTH, HOME
from nashr.store import fronts
from nashr.store.database import row
from nashr.store.fronts import Front, arranged
from nashr.store.pagerows import PageRow
from sqlalchemy import Connection

from nashr_delivery import listings, teasers
from nashr_delivery.views import Banner, ListingView


def view(conn: Connection, page: PageRow, site: Site) -> tuple[ListingView, datetime | None]:
    """A front as it is now, and the time at which a pin, the banner or a kicker on it runs out."""
    front = fronts.read(conn, site.id, page.subject or HOME)
    pinned = _pinned(conn, site, front)
    where, values = listings.within(site, page.subject)
    newest = teasers.live(
        conn,
        f"{where} AND a.front ORDER BY a.published_at DESC, a.number DESC LIMIT :n",
        n=FRONT_LENGTH,
        **values,
    )
    shown = arranged(pinned, newest)
    section = page.subject or next((entry.slug for entry in site.sections if entry.all), "")
    found = ListingView(
        path=page.path,
        kind="section" if page.subject else "home",
        teasers=teasers.teasers(conn, site, shown),
        section=site.section(page.subject) if page.subject else None,
        archive=listings.months(conn, site, section),
        banner=Banner(front.banner["text"], front.banner["url"]) if front.banner else None,
    )
    return found, _changes_at(conn, front, shown)


def _pinned(conn: Connection, site: Site, front: Front) -> Mapping[int, Mapping[str, Any]]:
    """The pinned articles by slot: those that readers can see, and that may stand on a front."""
    if not front.pins:
        return {}
    there = {
        item["id"]: item
        for item in teasers.live(
            conn, "AND a.site = :site AND a.front AND a.kind <> 'page' AND a.id = ANY(:articles)",
            site=site.id, articles=[pin.article for pin in front.pins],
        )
    }  # fmt: skip
    return {pin.slot: there[pin.article] for pin in front.pins if pin.article in there}


def _changes_at(conn: Connection, front: Front, shown: Iterable[Mapping[str, Any]]) -> datetime | None:
    ends = [pin.until for pin in front.pins if pin.until is not None]
    if front.banner and front.banner.get("until"):
        ends.append(datetime.fromisoformat(front.banner["until"]))
    kickers = (item["doc"].get("kicker_until") for item in shown)
    ends += [datetime.fromisoformat(end) for end in kickers if end]
    found = row(
        conn,
        """SELECT min(at) AS at FROM unnest(CAST(:ends AS timestamptz[])) AS one(at)
        WHERE at > clock_timestamp()""",
        ends=ends,
    )
    at: datetime | None = found["at"] if found else None
    return at
