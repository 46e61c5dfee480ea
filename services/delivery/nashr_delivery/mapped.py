"""Loads sitemaps: the index, the numbered files of a month, and the news of the last two days.

What search engines may not index is in none, nor what has its canonical address elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from nashr.domain.locales import alternates, edition_tag
from nashr.domain.site import Site
from nashr.pages import SITEMAP_LENGTH, month_span
from nashr.store.database import rows
from nashr.store.pagerows import PageRow
from sqlalchemy import Connection

from nashr_delivery import editions, teasers
from nashr_delivery.editions import Editions
from nashr_delivery.views import SitemapEntry, SitemapIndexView, SitemapView, View

NEWS_LENGTH: Final = 1000  # as many as a news sitemap may hold
NEWS_AGE: Final = timedelta(days=2)
_IMAGES: Final = 10  # of one article


def view(conn: Connection, page: PageRow, site: Site) -> tuple[View, datetime | None]:
    """A sitemap, and the time at which it changes by itself: when its oldest news is two days old."""
    match page.kind:
        case "sitemap_index":
            return _index(conn, page, site), None
        case "news_sitemap":
            found = _news(conn, site)
            entries = tuple(_entry(site, item) for item in found if _is_listed(item))
            oldest = min((item["published_at"] for item in found), default=None)
            return SitemapView(page.path, entries, news=True), oldest and oldest + NEWS_AGE
        case _:
            return _month(conn, page, site), None


def _index(conn: Connection, page: PageRow, site: Site) -> SitemapIndexView:
    found = rows(
        conn,
        """SELECT path, live_at FROM page WHERE site = :site AND kind IN ('news_sitemap', 'month_sitemap')
            AND live_at IS NOT NULL ORDER BY path""",
        site=site.id,
    )
    return SitemapIndexView(page.path, tuple((item["path"], item["live_at"]) for item in found))


def _news(conn: Connection, site: Site) -> Sequence[Mapping[str, Any]]:
    """Sponsored articles are no news.

    A statement's own time is the same for every row, so that the index is entered at it; the clock's is not,
    and all the archive was read (77 to 290 ms at 100,000 articles).
    """
    return teasers.live(
        conn,
        """AND a.site = :site AND a.sitemap AND a.kind NOT IN ('page', 'sponsored')
            AND a.published_at > statement_timestamp() - :age
        ORDER BY a.published_at DESC, a.number DESC LIMIT :n""",
        site=site.id, n=NEWS_LENGTH, age=NEWS_AGE,
    )  # fmt: skip


def _month(conn: Connection, page: PageRow, site: Site) -> SitemapView:
    """File n holds the articles number 1000(n-1)+1 to 1000n of the month, but for those that are kept out.

    They count all the same: an article that an editor lists again would move all others on.
    """
    month, _, number = page.subject.partition("/")
    first, following = month_span(month, site)
    found = teasers.live(
        conn,
        """AND a.site = :site AND a.published_at >= :first AND a.published_at < :next
        ORDER BY a.published_at, a.number LIMIT :n OFFSET :skip""",
        site=site.id, first=first, next=following, n=SITEMAP_LENGTH,
        skip=(int(number or 1) - 1) * SITEMAP_LENGTH,
    )  # fmt: skip
    listed = [item for item in found if _is_listed(item)]
    named = [item["id"] for item in listed]
    images, others = _images(conn, named), editions.of(conn, named)
    entries = [_entry(site, item, images.get(item["id"], ())) for item in listed]
    return SitemapView(
        page.path,
        tuple(
            _with_editions(site, entry, item, others.get(item["id"], editions.NONE))
            for entry, item in zip(entries, listed, strict=True)
        ),
    )


def _with_editions(
    site: Site, entry: SitemapEntry, item: Mapping[str, Any], others: Editions
) -> SitemapEntry:
    """With what the article's own page says in ``hreflang``."""
    url = site.url(entry.path)
    default = others.original if item["doc"].get("translation_of") else url
    own = edition_tag(entry.language, site.locale), url
    return replace(entry, alternates=alternates(own, others.others, default=default))


def _is_listed(item: Mapping[str, Any]) -> bool:
    distribution = item["doc"].get("distribution") or {}
    elsewhere = (item["doc"].get("source") or {}).get("canonical", False)
    return distribution.get("sitemap", True) and distribution.get("index", True) and not elsewhere


def _entry(site: Site, item: Mapping[str, Any], images: tuple[str, ...] = ()) -> SitemapEntry:
    return SitemapEntry(
        path=item["path"],
        modified_at=item["modified_at"],
        published_at=item["published_at"],
        title=item["doc"]["headline"],
        language=item["doc"].get("language") or site.locale,
        images=images,
    )


def _images(conn: Connection, articles: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The largest JPEG of each photo, the hero's first, by article."""
    found = rows(
        conn,
        """SELECT used.article, largest.path FROM article_asset AS used JOIN asset ON asset.id = used.asset
            CROSS JOIN LATERAL (
                SELECT file->>'path' AS path FROM jsonb_array_elements(asset.renditions) AS file
                WHERE file->>'content_type' = 'image/jpeg' AND file->>'crop' IS NULL
                ORDER BY (file->>'width')::integer DESC LIMIT 1) AS largest
        WHERE used.article = ANY(:articles) AND asset.state = 'ready' AND asset.withdrawn_at IS NULL
        ORDER BY used.article, used.teaser DESC, used.asset""",
        articles=list(articles),
    )
    images: dict[str, tuple[str, ...]] = {}
    for item in found:
        images[item["article"]] = (*images.get(item["article"], ()), item["path"])[:_IMAGES]
    return images
