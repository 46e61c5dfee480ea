"""From a preview's token to the view of its revision, as if it were published now. Reads; writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from nashr.domain.article import Content, content
from nashr.domain.errors import Fault
from nashr.domain.site import Site
from nashr.store import articles, assets, cards, previews, publishable, shelves, sites
from nashr.store.articles import Article
from nashr.store.previews import Preview
from nashr.store.sites import SiteRow
from sqlalchemy import Connection

from nashr_delivery import foot, load
from nashr_delivery.views import ArticleView, FootLink, SocialCard


@dataclass(frozen=True)
class Opened:
    """A preview that opens, and its site."""

    preview: Preview
    site: SiteRow


@dataclass(frozen=True)
class Shown:
    """What a preview shows. ``faults``: why the revision could not be published, or what is still to come."""

    view: ArticleView
    faults: tuple[Fault, ...]
    foot: tuple[FootLink, ...]


def opened(conn: Connection, token: str, *, base_path: str) -> Opened | None:
    """The preview of a token asked for below ``base_path``; whatever is wrong with it, it is not there."""
    name = previews.named(token)
    found = previews.find(conn, name) if name else None
    if found is None:
        return None
    site = sites.get(conn, found.site)
    rightful = previews.is_signed(found, token, site.secret) and site.site.base_path == base_path
    return Opened(found, site) if rightful and previews.opens(conn, found) else None


def shown(conn: Connection, found: Opened) -> Shown:
    """The view of the preview's revision in the caller's snapshot."""
    site, article = found.site.site, articles.find(conn, found.preview.article)
    assert article is not None
    stored = articles.revision(conn, article.id, found.preview.revision)
    assert stored is not None
    doc = content(stored.doc, site)
    times = published_and_modified(article, doc, found.preview.revision, now=cards.now(conn))
    path = articles.article_path(site, article, doc, stored.doc["slug"], times[0])
    named = shelves.named(conn, site, doc)
    view = load.article_view(conn, site, article, path, times, doc, named=named)
    view = replace(view, cards=_cards(conn, site, view), site_cards=_site_cards(conn, site))
    faults = (*publishable.faults(conn, site, doc), *_awaited(conn, site, doc))
    return Shown(view, faults, foot.links(conn, site))


def published_and_modified(
    article: Article, doc: Content, revision: int, *, now: datetime
) -> tuple[datetime, datetime]:
    """The times that readers would see: those of the page where the revision is live, else as of ``now``."""
    published = doc.published_at or article.published_at or now
    if article.published_at is None:
        return published, published
    modified = article.modified_at if revision == article.live_revision else now
    return published, max(modified or published, published)


def _cards(conn: Connection, site: Site, view: ArticleView) -> tuple[SocialCard, ...]:
    """The article's own cards if they are drawn; nobody is asked to draw them for a preview."""
    return load.social(cards.drawn(conn, cards.order(conn, site, view.article_id, view.content)))


def _site_cards(conn: Connection, site: Site) -> tuple[SocialCard, ...]:
    return load.social(cards.drawn(conn, cards.site_order(site)))


def _awaited(conn: Connection, site: Site, doc: Content) -> Iterator[Fault]:
    """Photos that a publication would wait for: the preview shows them once they are made."""
    there = assets.many(conn, site.id, doc.assets)
    for pointer, use in doc.pictures():
        asset = there.get(use.asset)
        if asset is None or asset.withdrawn_at is not None or asset.state in {"ready", *assets.UNUSABLE}:
            continue
        detail = f"the photo {use.asset} is {asset.state}: a publication waits until it is made"
        yield Fault(f"{pointer}/asset", "not_shown", detail)
