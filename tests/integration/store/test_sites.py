"""What applying a site does to its pages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from nashr.domain.theme import bundle_key
from nashr.pages import PageKind, PageSpec
from nashr.steps import Priority
from nashr.store import pagerows, refreshing, sites
from nashr.store.database import rows, run, statement, transaction

from tests.integration.store.newsroom import SITE, begin

if TYPE_CHECKING:
    from nashr.domain.site import Site
    from sqlalchemy import Engine

OTHERS = (
    PageSpec("/news/one/", PageKind.article, "a1"),
    PageSpec("/news/archive/2026-11/", PageKind.archive, "news/2026-11/1"),
    PageSpec("/a/x1", PageKind.short, "a1"),
    PageSpec("/sitemaps/articles-2026-11.xml", PageKind.month_sitemap, "2026-11"),
)
THEMED = replace(SITE, theme={"folder": bundle_key(SITE.id, "0" * 64)})


@pytest.fixture
def paper(engine: Engine) -> Engine:
    """A site with a page of each sort."""
    begin(engine)
    with transaction(engine) as conn:
        sites.apply(conn, SITE, actor="test")
        pagerows.lock(conn, SITE.id, OTHERS)
    return engine


def gained(engine: Engine, site: Site) -> dict[str, int | None]:
    """The pages that applying ``site`` wants, by path, with the class of the work."""
    query = """SELECT path, wanted, step.priority FROM page
        LEFT JOIN step ON step.kind = 'deliver' AND step.key = page.id::text WHERE page.site = :site"""
    with transaction(engine) as conn:
        before = {item["path"]: item["wanted"] for item in rows(conn, query, site=site.id)}
        sites.apply(conn, site, actor="test")
        after = rows(conn, query, site=site.id)
    return {item["path"]: item["priority"] for item in after if item["wanted"] > before[item["path"]]}


def test_another_theme_wants_every_page_that_shows_it(paper: Engine) -> None:
    """The chrome's pages at once, articles and archives by the refresh step; permalinks and sitemaps not."""
    found = gained(paper, THEMED)
    assert found["/"] == found["/404.html"] == Priority.normal
    assert not {"/news/one/", "/news/archive/2026-11/"} & found.keys()
    with transaction(paper) as conn:
        run(conn, "UPDATE page SET wanted = 1, live = 1 WHERE wanted = 0")
        refreshing.step(conn, THEMED, {}, None)
    with statement(paper) as conn:
        later = {item["path"] for item in rows(conn, "SELECT path FROM page WHERE wanted = 2")}
    assert {"/news/one/", "/news/archive/2026-11/"} <= later
    assert not {"/a/x1", "/sitemaps/articles-2026-11.xml"} & (found.keys() | later)


def test_a_site_is_asked_only_of_the_paths_that_matter(paper: Engine) -> None:
    """What a static folder has or had, not the whole archive; other sites' pages do not count."""
    asked = ["/news/one/", "/ads.txt", "/a/x1"]
    with statement(paper) as conn:
        assert sites.taken(conn, SITE.id, asked) == {"/news/one/", "/a/x1"}
        assert sites.taken(conn, "s", asked) == frozenset()


def test_the_same_theme_again_wants_nothing(paper: Engine) -> None:
    """Applying what is there already costs no page a delivery."""
    gained(paper, THEMED)
    assert gained(paper, THEMED) == {}
