"""Loads fronts, archives, feeds and sitemaps. Reads only what is acknowledged live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from nashr.domain.article import content
from nashr.domain.site import Site
from nashr.pages import ARCHIVE_LENGTH, FEED_LENGTH, FRONT_LENGTH, archive_path, month_bounds
from nashr.store.database import rows, scalar
from nashr.store.pagerows import PageRow
from sqlalchemy import Connection

from nashr_delivery import teasers
from nashr_delivery.views import (
    ArchiveMonth,
    ArticleView,
    FeedView,
    ListingView,
    SitemapEntry,
    SitemapIndexView,
    SitemapView,
    View,
)

NEWS_LENGTH = 1000
_FORMATS = {"rss": "rss", "atom": "atom", "json_feed": "json"}
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def view(conn: Connection, page: PageRow, site: Site) -> View:
    """The view of any page that lists articles."""
    match page.kind:
        case "home" | "section":
            return _front(conn, page, site)
        case "archive":
            return _archive(conn, page, site)
        case "rss" | "atom" | "json_feed":
            return _feed(conn, page, site)
        case "sitemap_index":
            return _sitemap_index(conn, page, site)
        case _:
            return _sitemap(conn, page, site)


def _within(site: Site, section: str) -> tuple[str, dict[str, Any]]:
    """The condition that narrows to a section; one that lists all, and the whole site, take everything."""
    entry = site.section(section)
    if not section or (entry is not None and entry.all):
        return "AND a.site = :site AND a.kind <> 'page'", {"site": site.id}
    return "AND a.site = :site AND a.kind <> 'page' AND a.section = :section", {
        "site": site.id,
        "section": section,
    }


def _front(conn: Connection, page: PageRow, site: Site) -> ListingView:
    where, values = _within(site, page.subject)
    found = teasers.live(
        conn,
        f"{where} AND a.front ORDER BY a.published_at DESC, a.number DESC LIMIT :n",
        n=FRONT_LENGTH,
        **values,
    )
    section = page.subject or next((entry.slug for entry in site.sections if entry.all), "")
    return ListingView(
        path=page.path,
        kind="section" if page.subject else "home",
        teasers=teasers.teasers(conn, site, found),
        section=site.section(page.subject) if page.subject else None,
        archive=_months(conn, site, section),
    )


def _months(conn: Connection, site: Site, section: str) -> tuple[ArchiveMonth, ...]:
    found = rows(
        conn,
        """SELECT subject FROM page WHERE site = :site AND kind = 'archive' AND subject LIKE '%/1'
            AND split_part(subject, '/', 1) = :section AND live > 0 ORDER BY subject DESC LIMIT 12""",
        site=site.id, section=section,
    )  # fmt: skip
    months = [item["subject"].split("/")[1] for item in found]
    return tuple(ArchiveMonth(_day(month), archive_path(section, month, 1)) for month in months)


def _day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _archive(conn: Connection, page: PageRow, site: Site) -> ListingView:
    """Page n shows the articles number 50(n-1)+1 to 50n of the month, counted from its oldest."""
    section, month, number = page.subject.split("/")
    where, values = _within(site, section)
    first, following = month_bounds(_noon(month), site)
    span = {"first": first, "next": following, **values}
    inside = f"{where} AND a.published_at >= :first AND a.published_at < :next"
    # what is skipped is only counted, its texts are not read
    shown = f"""SELECT a.number FROM article a WHERE a.live_revision IS NOT NULL {inside}
        ORDER BY a.published_at, a.number LIMIT :n OFFSET :skip"""
    found = teasers.live(
        conn, f"AND a.number IN ({shown}) ORDER BY a.published_at, a.number",
        n=ARCHIVE_LENGTH, skip=(int(number) - 1) * ARCHIVE_LENGTH, **span,
    )  # fmt: skip
    more = scalar(
        conn,
        f"SELECT count(*) > :seen FROM article a WHERE a.live_revision IS NOT NULL {inside}",
        seen=int(number) * ARCHIVE_LENGTH, **span,
    )  # fmt: skip
    n = int(number)
    return ListingView(
        path=page.path,
        kind="archive",
        teasers=teasers.teasers(conn, site, list(reversed(found))),
        section=site.section(section),
        month=_day(month),
        older=archive_path(section, month, n - 1) if n > 1 else None,
        newer=archive_path(section, month, n + 1) if more else None,
        archive=_months(conn, site, section),
    )


def _noon(month: str) -> datetime:
    """A moment that lies in the month in every time zone."""
    return datetime.fromisoformat(f"{month}-15T12:00:00+00:00")


def _feed(conn: Connection, page: PageRow, site: Site) -> FeedView:
    where, values = _within(site, page.subject)
    found = teasers.live_whole(
        conn,
        f"{where} AND a.feeds ORDER BY a.published_at DESC, a.number DESC LIMIT :n",
        n=FEED_LENGTH,
        **values,
    )
    items = _items(conn, site, found)
    form = _FORMATS[page.kind]
    assert form in {"rss", "atom", "json"}
    return FeedView(
        path=page.path,
        format=form,  # type: ignore[arg-type]
        items=items,
        updated=max((item.modified_at for item in items), default=_LONG_AGO),
        section=site.section(page.subject) if page.subject else None,
    )


def _items(conn: Connection, site: Site, found: Sequence[Mapping[str, Any]]) -> tuple[ArticleView, ...]:
    docs = [content(item["doc"], site) for item in found]
    photos = teasers.photos(conn, site.id, {name for doc in docs for name in doc.assets})
    return tuple(
        ArticleView(
            article_id=item["id"],
            content=doc,
            path=item["path"],
            short_path=f"/a/{item['short_id']}",
            published_at=item["published_at"],
            modified_at=item["modified_at"],
            photos={name: photos[name] for name in doc.assets if name in photos},
        )
        for item, doc in zip(found, docs, strict=True)
    )


def _sitemap_index(conn: Connection, page: PageRow, site: Site) -> SitemapIndexView:
    found = rows(
        conn,
        """SELECT path, live_at FROM page WHERE site = :site AND kind IN ('news_sitemap', 'month_sitemap')
            AND live_at IS NOT NULL ORDER BY path""",
        site=site.id,
    )
    return SitemapIndexView(page.path, tuple((item["path"], item["live_at"]) for item in found))


def _sitemap(conn: Connection, page: PageRow, site: Site) -> SitemapView:
    """Sponsored and outward-canonical articles are not news; nor is what may not be indexed."""
    if page.kind == "news_sitemap":
        found = teasers.live(
            conn,
            """AND a.site = :site AND a.sitemap AND a.kind NOT IN ('page', 'sponsored')
                AND a.published_at > clock_timestamp() - interval '2 days'
                AND COALESCE((r.doc->'source'->>'canonical')::boolean, false) = false
            ORDER BY a.published_at DESC, a.number DESC LIMIT :n""",
            site=site.id, n=NEWS_LENGTH,
        )  # fmt: skip
        return SitemapView(page.path, _entries(site, found), news=True)
    first, following = month_bounds(_noon(page.subject), site)
    found = teasers.live(
        conn,
        """AND a.site = :site AND a.sitemap AND a.published_at >= :first AND a.published_at < :next
        ORDER BY a.published_at, a.number LIMIT 50000""",
        site=site.id, first=first, next=following,
    )  # fmt: skip
    return SitemapView(page.path, _entries(site, found))


def _entries(site: Site, found: Sequence[Mapping[str, Any]]) -> tuple[SitemapEntry, ...]:
    return tuple(
        SitemapEntry(
            path=item["path"],
            modified_at=item["modified_at"],
            published_at=item["published_at"],
            title=item["doc"]["headline"],
            language=item["doc"].get("language") or site.locale,
        )
        for item in found
        if (item["doc"].get("distribution") or {}).get("index", True)
    )
