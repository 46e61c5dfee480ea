"""Addresses that an article wants and another one has: nothing is refused, but the editor hears of it."""

from __future__ import annotations

from collections.abc import Iterable

from nashr.domain.article import content
from nashr.domain.errors import Fault
from nashr.domain.site import Site
from nashr.pages import PageKind
from nashr.store import articles, pagerows
from nashr.store.articles import Article, Revision
from nashr.store.pagerows import PageRow
from sqlalchemy import Connection


def warnings(conn: Connection, site: Site, article: Article, stored: Revision) -> tuple[Fault, ...]:
    """What publishing this revision takes from other articles, and what it does not get."""
    doc = content(stored.doc, site)
    at = article.published_at or doc.published_at or article.updated_at
    path = articles.article_path(site, article, doc, stored.doc["slug"], at)
    wanted = {path: "/slug", **{alias: f"/aliases/{index}" for index, alias in enumerate(doc.aliases)}}
    found = [(pointer, pagerows.at_path(conn, site.id, path)) for path, pointer in wanted.items()]
    return tuple(_warnings(found, own=article.id))


def _warnings(found: Iterable[tuple[str, PageRow | None]], *, own: str) -> Iterable[Fault]:
    for pointer, page in found:
        if page is None or page.subject == own:
            continue
        if page.kind == PageKind.redirect:
            detail = f"{page.path} leads to article {page.subject}: publishing turns it over to this one"
            yield Fault(pointer, "alias_taken", detail)
        elif page.kind == PageKind.article and pointer != "/slug":
            detail = (
                f"{page.path} is the page of article {page.subject}: the alias does nothing, leave it out"
            )
            yield Fault(pointer, "path_taken", detail)
