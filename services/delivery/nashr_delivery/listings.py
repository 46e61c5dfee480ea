"""Loads archives and feeds. Reads only what is acknowledged live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from nashr.domain.article import content
from nashr.domain.site import Site
from nashr.pages import ARCHIVE_LENGTH, FEED_LENGTH, MONTHS_LISTED, archive_path, month_span
from nashr.store import assets, shelves
from nashr.store.database import rows, scalar
from nashr.store.pagerows import PageRow
from sqlalchemy import Connection

from nashr_delivery import teasers
from nashr_delivery.naming import credited
from nashr_delivery.views import (
    ArchiveMonth,
    ArticleView,
    Correction,
    FeedView,
    ListingView,
    Photo,
    View,
)

_FORMATS = {"rss": "rss", "atom": "atom", "json_feed": "json"}
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def view(conn: Connection, page: PageRow, site: Site) -> View:
    """The view of an archive page or a feed."""
    match page.kind:
        case "archive":
            return _archive(conn, page, site)
        case _:
            return _feed(conn, page, site)


def within(site: Site, section: str) -> tuple[str, dict[str, Any]]:
    """The condition that narrows to a section; one that lists all, and the whole site, take everything."""
    entry = site.section(section)
    if not section or (entry is not None and entry.all):
        return "AND a.site = :site AND a.kind <> 'page'", {"site": site.id}
    return "AND a.site = :site AND a.kind <> 'page' AND a.section = :section", {
        "site": site.id,
        "section": section,
    }


def months(conn: Connection, site: Site, section: str, *, until: str = "9999-12") -> tuple[ArchiveMonth, ...]:
    """The last twelve months of a section's archive that readers can open, newest first.

    ``until``: a month (2026-11) on whose pages they stand, which lists itself and older ones. So a month
    that begins changes no page of those before it.
    """
    found = rows(
        conn,
        """SELECT subject FROM page WHERE site = :site AND kind = 'archive' AND subject LIKE '%/1'
            AND split_part(subject, '/', 1) = :section AND split_part(subject, '/', 2) <= :until
            AND live > 0 ORDER BY subject DESC LIMIT :most""",
        site=site.id, section=section, until=until, most=MONTHS_LISTED,
    )  # fmt: skip
    months = [item["subject"].split("/")[1] for item in found]
    return tuple(ArchiveMonth(_day(month), archive_path(section, month, 1)) for month in months)


def _day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _archive(conn: Connection, page: PageRow, site: Site) -> ListingView:
    """Page n shows the articles number 50(n-1)+1 to 50n of the month, counted from its oldest."""
    section, month, number = page.subject.split("/")
    where, values = within(site, section)
    first, following = month_span(month, site)
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
        archive=months(conn, site, section, until=month),
    )


def _feed(conn: Connection, page: PageRow, site: Site) -> FeedView:
    where, values = within(site, page.subject)
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
    docs = [credited(doc, shelves.named(conn, site, doc).authors) for doc in docs]
    photos = _syndicated(conn, site, {name for doc in docs for name in doc.assets})
    corrected = _corrections(conn, [item["id"] for item in found])
    return tuple(
        ArticleView(
            article_id=item["id"],
            content=doc,
            path=item["path"],
            short_path=f"/a/{item['short_id']}",
            published_at=item["published_at"],
            modified_at=item["modified_at"],
            photos={name: photos[name] for name in doc.assets if name in photos},
            corrections=corrected.get(item["id"], ()),
        )
        for item, doc in zip(found, docs, strict=True)
    )


def _syndicated(conn: Connection, site: Site, wanted: Iterable[str]) -> Mapping[str, Photo]:
    """The photos that may leave the site: rights that exclude syndication keep one at home."""
    found = assets.many(conn, site.id, wanted)
    free = {name: asset for name, asset in found.items() if asset.rights.get("syndication") is not False}
    ready = ((name, teasers.photo(asset)) for name, asset in free.items())
    return {name: photo for name, photo in ready if photo is not None}


def _corrections(conn: Connection, found: Sequence[str]) -> Mapping[str, tuple[Correction, ...]]:
    """What was corrected, by article, oldest first."""
    corrected: dict[str, tuple[Correction, ...]] = {}
    for item in rows(
        conn, "SELECT article, kind, text, at FROM correction WHERE article = ANY(:articles) ORDER BY id",
        articles=list(found),
    ):  # fmt: skip
        one = Correction(item["kind"], item["text"], item["at"])
        corrected[item["article"]] = (*corrected.get(item["article"], ()), one)
    return corrected
