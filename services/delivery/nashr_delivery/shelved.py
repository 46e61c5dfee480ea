"""Loads the pages of authors and topics: the newest first, then numbered from the oldest, which rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nashr.domain.site import Site
from nashr.pages import SHELF_FRONT, SHELF_LENGTH, PageKind, place_number, shelf_page
from nashr.store import authors
from nashr.store.authors import Author
from nashr.store.database import row, scalar
from nashr.store.pagerows import PageRow
from sqlalchemy import Connection

from nashr_delivery import teasers
from nashr_delivery.views import ListingView, Profile, TombstoneView


def view(conn: Connection, page: PageRow, site: Site) -> ListingView | TombstoneView:
    """A list of an author's or a topic's articles; the not-found page where there is no such author, or
    too few articles about the topic.
    """
    kind = PageKind(page.kind)
    slug, _, number = page.subject.partition("/")
    found = row(
        conn,
        "SELECT label, placed, articles FROM shelf WHERE site = :site AND kind = :kind AND slug = :slug",
        site=site.id, kind=page.kind, slug=slug,
    )  # fmt: skip
    shelf: Mapping[str, Any] = found or {"label": slug, "placed": 0, "articles": 0}
    if kind == PageKind.topic:
        if shelf["articles"] < site.topic_threshold:
            return TombstoneView(page.path, 404)
        return _list(conn, page, site, number=number, title=shelf["label"], placed=shelf["placed"])
    author = authors.find(conn, site.id, slug)
    if author is None:
        return TombstoneView(page.path, 404)
    shown = _list(conn, page, site, number=number, title=author.name, placed=shelf["placed"])
    return shown if number else replace(shown, profile=_profile(conn, author))


def _list(
    conn: Connection, page: PageRow, site: Site, *, number: str, title: str, placed: int
) -> ListingView:
    kind = PageKind(page.kind)
    slug = page.subject.partition("/")[0]
    last = place_number(placed, placed) or 0
    n = int(number or 0)
    older = n - 1 if n else _there(conn, site, kind, slug, last)
    newer = shelf_page(kind, slug, n + 1 if n < last else None).path if n else None
    return ListingView(
        path=page.path,
        kind="author" if kind == PageKind.author else "topic",
        teasers=teasers.teasers(conn, site, _articles(conn, site, kind, slug, n)),
        title=title,
        number=n or None,
        older=shelf_page(kind, slug, older).path if older else None,
        newer=newer,
    )


def _there(conn: Connection, site: Site, kind: PageKind, slug: str, last: int) -> int:
    """The last numbered page that readers can open; zero for none."""
    found = scalar(
        conn,
        """SELECT max(number) FROM generate_series(GREATEST(:last - 1, 1), :last) AS number
        JOIN page ON page.site = :site AND page.path = :base || number || '/' AND page.live > 0""",
        site=site.id, last=last, base=shelf_page(kind, slug).path,
    )  # fmt: skip
    return int(found or 0)


def _articles(
    conn: Connection, site: Site, kind: PageKind, slug: str, number: int
) -> Sequence[Mapping[str, Any]]:
    """The newest of a shelf, or those of a numbered page, by their places."""
    where = """AND a.site = :site AND a.id IN (SELECT article FROM shelved
        WHERE site = :site AND kind = :kind AND slug = :slug {which})
        ORDER BY a.published_at DESC, a.number DESC"""
    shelf = {"site": site.id, "kind": str(kind), "slug": slug}
    if not number:
        newest = "ORDER BY published_at DESC, place DESC LIMIT :n"
        return teasers.live(conn, where.format(which=newest), n=SHELF_FRONT, **shelf)
    inside = "AND place > :first AND place <= :last"
    last = number * SHELF_LENGTH
    return teasers.live(conn, where.format(which=inside), first=last - SHELF_LENGTH, last=last, **shelf)


def _profile(conn: Connection, author: Author) -> Profile:
    photo = teasers.photos(conn, author.site, [author.photo]).get(author.photo) if author.photo else None
    return Profile(
        name=author.name,
        bio=author.bio,
        photo=replace(photo, alt=author.name) if photo else None,
        links=tuple((link["url"], link.get("label") or "") for link in author.links),
    )
