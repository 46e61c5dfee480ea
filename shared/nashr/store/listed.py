"""Which articles a listing page shows as of now, by id and headline: what delivery's loaders choose, retold.

For people (``nashr explain``). Where a loader and this differ, tests/e2e/test_explain.py fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from nashr.domain.site import Site
from nashr.pages import (
    ARCHIVE_LENGTH,
    FEED_LENGTH,
    FRONT_LENGTH,
    HOME,
    SHELF_FRONT,
    SHELF_LENGTH,
    SITEMAP_LENGTH,
    PageKind,
    month_span,
)
from nashr.store import fronts
from nashr.store.database import row, rows
from nashr.store.pagerows import PageRow

Told = dict[str, Any]

_NEWEST: Final = "ORDER BY published_at DESC, number DESC LIMIT :n"
_LIVE: Final = "SELECT id, headline FROM article WHERE site = :site AND live_revision IS NOT NULL"
_IN_SITEMAPS: Final = """sitemap AND COALESCE((r.doc#>>'{distribution,index}')::boolean, true)
    AND NOT COALESCE((r.doc#>>'{source,canonical}')::boolean, false)"""


def articles(conn: Connection, site: Site, page: PageRow) -> Sequence[Told] | None:
    """In the order of the page; None for one that lists no articles."""
    choice = _CHOICES.get(PageKind(page.kind))
    return choice(conn, site, page) if choice else None


def is_there(conn: Connection, site: Site, page: PageRow) -> bool:
    """Whether readers find such a list: an author has to be known, a topic to have enough articles."""
    slug = page.subject.partition("/")[0]
    if page.kind == PageKind.author:
        known = row(
            conn, "SELECT 1 AS one FROM author WHERE site = :s AND slug = :slug", s=site.id, slug=slug
        )
        return known is not None
    if page.kind != PageKind.topic:
        return True
    shelf = row(
        conn, "SELECT articles FROM shelf WHERE site = :site AND kind = 'topic' AND slug = :slug",
        site=site.id, slug=slug,
    )  # fmt: skip
    return shelf is not None and shelf["articles"] >= site.topic_threshold


def _told(conn: Connection, sql: str, **values: Any) -> list[Told]:
    return [{"id": item["id"], "headline": item["headline"]} for item in rows(conn, sql, **values)]


def _within(site: Site, section: str) -> tuple[str, dict[str, Any]]:
    entry = site.section(section)
    every = not section or (entry is not None and entry.all)
    narrow = "true" if every else "section = :section"
    return f"kind <> 'page' AND {narrow}", {"site": site.id, **({} if every else {"section": section})}


def _front(conn: Connection, site: Site, page: PageRow) -> list[Told]:
    where, values = _within(site, page.subject)
    newest = _told(conn, f"{_LIVE} AND front AND {where} {_NEWEST}", n=FRONT_LENGTH, **values)
    pins = fronts.read(conn, site.id, page.subject or HOME).pins
    sql = f"{_LIVE} AND front AND kind <> 'page' AND id = ANY(:ids)"
    there = {one["id"]: one for one in _told(conn, sql, site=site.id, ids=[pin.article for pin in pins])}
    pinned = {pin.slot: there[pin.article] for pin in pins if pin.article in there}
    return [{**one, "pinned": one in pinned.values()} for one in fronts.arranged(pinned, newest)]


def _feed(conn: Connection, site: Site, page: PageRow) -> list[Told]:
    where, values = _within(site, page.subject)
    return _told(conn, f"{_LIVE} AND feeds AND {where} {_NEWEST}", n=FEED_LENGTH, **values)


def _archive(conn: Connection, site: Site, page: PageRow) -> list[Told]:
    section, month, number = page.subject.split("/")
    where, values = _within(site, section)
    first, following = month_span(month, site)
    found = _told(
        conn,
        f"""{_LIVE} AND {where} AND published_at >= :first AND published_at < :next
        ORDER BY published_at, number LIMIT :n OFFSET :skip""",
        first=first, next=following, n=ARCHIVE_LENGTH, skip=(int(number) - 1) * ARCHIVE_LENGTH, **values,
    )  # fmt: skip
    return found[::-1]


def _shelf(conn: Connection, site: Site, page: PageRow) -> list[Told]:
    slug, _, number = page.subject.partition("/")
    which, limit = "", "LIMIT :most"
    if number:
        which, limit = "AND s.place > :last - :length AND s.place <= :last", ""
    return _told(
        conn,
        f"""SELECT a.id, a.headline FROM shelved s JOIN article a ON a.id = s.article
        WHERE s.site = :site AND s.kind = :kind AND s.slug = :slug AND a.live_revision IS NOT NULL {which}
        ORDER BY a.published_at DESC, a.number DESC {limit}""",
        site=site.id, kind=page.kind, slug=slug, most=SHELF_FRONT, length=SHELF_LENGTH,
        last=int(number or 0) * SHELF_LENGTH,
    )  # fmt: skip


def _news(conn: Connection, site: Site, _page: PageRow) -> list[Told]:
    return _told(
        conn,
        f"""SELECT id, a.headline FROM article a
        JOIN revision r ON r.article = id AND r.number = live_revision
        WHERE a.site = :site AND kind NOT IN ('page', 'sponsored') AND {_IN_SITEMAPS}
            AND published_at > statement_timestamp() - interval '2 days'
        ORDER BY published_at DESC, a.number DESC LIMIT 1000""",
        site=site.id,
    )  # fmt: skip


def _month(conn: Connection, site: Site, page: PageRow) -> list[Told]:
    """All live articles of the month count, the listed ones are told."""
    month, _, number = page.subject.partition("/")
    first, following = month_span(month, site)
    return _told(
        conn,
        f"""SELECT a.id, a.headline FROM (
            SELECT * FROM article WHERE site = :site AND live_revision IS NOT NULL
                AND published_at >= :first AND published_at < :next
            ORDER BY published_at, number LIMIT :n OFFSET :skip) AS a
        JOIN revision r ON r.article = a.id AND r.number = a.live_revision
        WHERE {_IN_SITEMAPS} ORDER BY a.published_at, a.number""",
        site=site.id, first=first, next=following, n=SITEMAP_LENGTH,
        skip=(int(number or 1) - 1) * SITEMAP_LENGTH,
    )  # fmt: skip


_CHOICES: Final[Mapping[PageKind, Callable[[Connection, Site, PageRow], Sequence[Told]]]] = {
    PageKind.home: _front,
    PageKind.section: _front,
    PageKind.rss: _feed,
    PageKind.atom: _feed,
    PageKind.json_feed: _feed,
    PageKind.archive: _archive,
    PageKind.author: _shelf,
    PageKind.topic: _shelf,
    PageKind.news_sitemap: _news,
    PageKind.month_sitemap: _month,
}
