"""Reads photos and teasers of live articles: what cards, rows and see-also links show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nashr.domain.article import Content, content
from nashr.domain.site import Section, Site
from nashr.store import assets
from nashr.store.assets import Asset
from nashr.store.database import rows
from sqlalchemy import Connection

from nashr_delivery.views import Photo, Rendition, Teaser


def photo(asset: Asset) -> Photo | None:
    """The files of a photo with the asset's own words; None while there is nothing to show."""
    if asset.state != "ready" or asset.withdrawn_at is not None:
        return None
    renditions = tuple(
        Rendition(
            item["path"], item["width"], item["height"], item["content_type"], item["bytes"],
            item["crop"], item["frames"],
        )
        for item in asset.renditions
    )  # fmt: skip
    focal_x, focal_y = asset.focal_point or (0.5, 0.5)
    return Photo(
        alt="",
        caption=asset.caption,
        credit=asset.credit,
        decorative=False,
        width=asset.width,
        height=asset.height,
        placeholder=asset.placeholder or "",
        renditions=renditions,
        focal_x=focal_x,
        focal_y=focal_y,
        asset=asset.id,
        shown=asset.shown,
    )


def photos(conn: Connection, site: str, wanted: Iterable[str]) -> Mapping[str, Photo]:
    """The photos that are ready among the named assets."""
    found = assets.many(conn, site, wanted)
    ready = ((name, photo(asset)) for name, asset in found.items())
    return {name: one for name, one in ready if one is not None}


_BODILESS = "r.doc - 'body'"

_LIVE = """SELECT a.id, a.number, a.path, a.published_at, a.modified_at, a.short_id, {doc} AS doc,
    (r.doc->>'kicker_until')::timestamptz < clock_timestamp() AS kicker_expired
    FROM article a JOIN revision r ON r.article = a.id AND r.number = a.live_revision
    WHERE a.live_revision IS NOT NULL AND a.path IS NOT NULL"""


def live(conn: Connection, where: str, **values: Any) -> Sequence[Mapping[str, Any]]:
    """Live articles with the documents readers see, but for their bodies; ``where`` starts with AND."""
    return rows(conn, f"{_LIVE.format(doc=_BODILESS)} {where}", **values)


def live_whole(conn: Connection, where: str, **values: Any) -> Sequence[Mapping[str, Any]]:
    """As ``live``, bodies included."""
    return rows(conn, f"{_LIVE.format(doc='r.doc')} {where}", **values)


def of_numbers(conn: Connection, site: Site, numbers: Sequence[int]) -> Mapping[int, Teaser]:
    """Teasers of those of the articles that are live, by number."""
    found = live(conn, "AND a.number = ANY(:numbers)", numbers=list(numbers))
    return dict(zip((item["number"] for item in found), teasers(conn, site, found), strict=True))


def teasers(conn: Connection, site: Site, found: Sequence[Mapping[str, Any]]) -> tuple[Teaser, ...]:
    """Teasers of rows of ``live``, their heroes read in one query."""
    docs = [content(item["doc"], site) for item in found]
    heroes = photos(conn, site.id, [doc.hero.asset for doc in docs if doc.hero])
    return tuple(_teaser(site, item, doc, heroes) for item, doc in zip(found, docs, strict=True))


def _teaser(site: Site, item: Mapping[str, Any], doc: Content, heroes: Mapping[str, Photo]) -> Teaser:
    return Teaser(
        article_id=item["id"],
        path=item["path"],
        headline=doc.titles.get("short") or doc.headline,
        standfirst=doc.standfirst,
        section=site.section(doc.section) or Section(doc.section, doc.section),
        language=doc.language,
        published_at=item["published_at"],
        photo=_hero(doc, heroes),
        kicker=None if item["kicker_expired"] else doc.kicker,
        kind=doc.kind,
    )


def _hero(doc: Content, heroes: Mapping[str, Photo]) -> Photo | None:
    use = doc.hero
    if use is None or use.asset not in heroes:
        return None
    one = heroes[use.asset]
    return Photo(**{**vars(one), "alt": use.alt or "", "decorative": use.decorative})
