"""Which pages show a photo, and what happens to them when it changes.

Two records, both exact: ``asset_use`` (which version of a page names which file) and ``article_asset``
(which photos a live article shows).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from nashr.domain.article import Content
from nashr.pages import LISTINGS, MADE_FROM, Fact
from nashr.steps import Priority
from nashr.store import cards, pagerows
from nashr.store.articles import Article
from nashr.store.database import at_end, rows, run
from nashr.store.pagerows import Why


def record(conn: Connection, article: Article, doc: Content) -> None:
    """Writes down the photos of an article whose content has gone live."""
    hero = doc.hero.asset if doc.hero else ""
    forget(conn, article.id)
    run(
        conn,
        """INSERT INTO article_asset (article, asset, site, teaser, card)
        SELECT :article, id, site, id = :hero, id = :card FROM asset
        WHERE site = :site AND id = ANY(:assets)""",
        article=article.id, site=article.site, hero=hero, card=cards.photo_of(doc) or "",
        assets=list(doc.assets),
    )  # fmt: skip


def forget(conn: Connection, article: str) -> None:
    """An article has left the site, or shows other photos now."""
    run(conn, "DELETE FROM article_asset WHERE article = :article", article=article)


FILES = """SELECT key FROM object WHERE source = :asset
    UNION SELECT COALESCE(site.config->>'prefix', site.id || '/') || ltrim(item->>'path', '/')
    FROM asset JOIN site ON site.id = asset.site, jsonb_array_elements(asset.renditions) AS item
    WHERE asset.id = :asset"""
"""Its files by what made them last, and by its own list: two photos may have come to the same bytes."""


def bump(conn: Connection, asset: str, fact: Fact, *, priority: int, at_once: bool = False) -> int:
    """Wants every page anew that shows a photo and is made from ``fact``; returns how many.

    Those that name a file of it, those of live articles that have it, and the sitemaps of their months,
    which say where it lies without using it. The caller has locked the asset.
    A page that is being stored at this moment has either recorded its use already, or finds the asset's
    ``shown`` changed and begins again. ``at_once``: listings do not rest before it.
    """
    kinds = [str(kind) for kind, facts in MADE_FROM.items() if fact in facts]
    found = rows(
        conn,
        f"""SELECT page.id, page.kind FROM page WHERE kind = ANY(:kinds) AND id IN (
            SELECT asset_use.page FROM asset_use JOIN ({FILES}) AS file USING (key)
            UNION SELECT article.page FROM article_asset JOIN article ON article.id = article_asset.article
            WHERE article_asset.asset = :asset AND article.live_revision IS NOT NULL
            UNION SELECT sitemap.id FROM article_asset JOIN article ON article.id = article_asset.article
                JOIN site ON site.id = article.site JOIN page AS sitemap ON sitemap.site = site.id
                AND sitemap.kind = 'month_sitemap' AND split_part(sitemap.subject, '/', 1) = to_char(
                    article.published_at AT TIME ZONE COALESCE(site.config->>'time_zone', 'UTC'), 'YYYY-MM')
            WHERE article_asset.asset = :asset AND article.live_revision IS NOT NULL)""",
        asset=asset, kinds=kinds,
    )  # fmt: skip
    own = [item["id"] for item in found if item["kind"] not in LISTINGS]
    why = Why({fact}, asset)
    want(conn, own, priority=priority, at_once=at_once, why=why)
    later = [item["id"] for item in found if item["kind"] in LISTINGS]
    if later:
        at_end(conn, lambda conn: want(conn, later, priority=priority, at_once=at_once, why=why))
    return len(found)


def want(
    conn: Connection,
    pages: Sequence[int],
    *,
    why: Why,
    priority: int = Priority.normal,
    at_once: bool = False,
) -> None:
    """Wants these pages anew."""
    if pages:
        pagerows.want(conn, pagerows.lock_ids(conn, pages), priority=priority, at_once=at_once, why=why)
