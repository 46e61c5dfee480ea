"""Loads what every page names at its foot: the pages of the site such as About and Contact."""

from __future__ import annotations

from datetime import datetime

from nashr.domain.site import Site
from nashr.store.articles import Article
from nashr.store.database import rows
from sqlalchemy import Connection

from nashr_delivery.views import ArticleView, FootLink


def links(conn: Connection, site: Site) -> tuple[FootLink, ...]:
    """The live pages, in the order of their first publication."""
    return tuple(link for _, link in _live(conn, site, but=""))


def with_own(conn: Connection, site: Site, article: Article, view: ArticleView) -> tuple[FootLink, ...]:
    """As ``links``, with a page that is about to go live: it names itself, too."""
    label = view.content.titles.get("short") or view.content.headline
    own = (view.published_at, article.number), FootLink(view.path, label, view.content.language)
    return tuple(
        link for _, link in sorted([*_live(conn, site, but=article.id), own], key=lambda one: one[0])
    )


def _live(conn: Connection, site: Site, *, but: str) -> list[tuple[tuple[datetime, int], FootLink]]:
    found = rows(
        conn,
        """SELECT a.path, a.published_at, a.number, COALESCE(r.doc->>'language', :locale) AS language,
            COALESCE(NULLIF(r.doc->'titles'->>'short', ''), r.doc->>'headline') AS label
        FROM article a JOIN revision r ON r.article = a.id AND r.number = a.live_revision
        WHERE a.site = :site AND a.kind = 'page' AND a.live_revision IS NOT NULL AND a.id <> :but
            AND a.path IS NOT NULL ORDER BY a.published_at, a.number""",
        site=site.id, locale=site.locale, but=but,
    )  # fmt: skip
    return [
        ((item["published_at"], item["number"]), FootLink(item["path"], item["label"], item["language"]))
        for item in found
    ]
