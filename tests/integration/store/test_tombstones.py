"""A removal with several tombstones: it is in effect, and told, on the page that it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from nashr.pages import PageKind
from nashr.store import articles, golive, publishing
from nashr.store.database import transaction
from nashr.store.golive import Shown
from nashr.store.publishing import Publication

from tests.integration.store.newsroom import SITE, Newsroom, begin

if TYPE_CHECKING:
    from nashr.store.pagerows import PageRow
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    return begin(engine)


def removed(newsroom: Newsroom, kind: str) -> tuple[Publication, PageRow, PageRow]:
    """A removal of an article that was about to move; its page, and the one it never got to."""
    article, page = newsroom.article(1, newsroom.photo())
    with transaction(newsroom.engine) as conn:
        other = newsroom.page_in(conn, "/news/moved/", PageKind.article, article.id)
        found = articles.find(conn, article.id, lock=True)
        assert found is not None
        return publishing.remove(conn, found, kind, {}, actor="test"), page, other


def delivered(newsroom: Newsroom, removal: Publication, page: PageRow, version: int) -> Publication:
    """Its tombstone at that page is in the store; returns the removal as it is now."""
    with transaction(newsroom.engine) as conn:
        golive.article_is_live(conn, SITE, page, version, Shown(removal, None, None, None))
        found = publishing.find(conn, removal.id)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["unpublish", "kill", "takedown"])
def test_its_version_is_that_of_its_own_page(newsroom: Newsroom, inside: Inside, kind: str) -> None:
    """Each page counts for itself: with the other's number its receipt would be asked for for ever."""
    removal, page, other = removed(newsroom, kind)
    events = "SELECT count(*) FROM event WHERE type = 'article.removed'"
    first = delivered(newsroom, removal, other, 9)
    assert (first.state, first.page_version, inside.scalar(events)) == ("running", None, 0)
    assert inside.scalar("SELECT live_revision FROM article") == 1
    now = delivered(newsroom, removal, page, 4)
    if kind == "takedown":
        assert "/news/" in inside.scalar("SELECT input->'listings' FROM step WHERE kind = 'remove'")
    assert (now.page, now.page_version, inside.scalar(events)) == (page.id, 4, 1)
    assert now.state == ("running" if kind == "takedown" else "live")
    delivered(newsroom, removal, other, 10)
    last = delivered(newsroom, removal, page, 5)
    assert inside.scalar(events) == 1
    assert last.page_version == (5 if kind == "takedown" else 4)


def test_the_other_page_goes_out_once_more_at_most(newsroom: Newsroom, inside: Inside) -> None:
    """Once it is told, a tombstone that is delivered again wants no page."""
    removal, page, other = removed(newsroom, "unpublish")
    for place, version in ((other, 9), (page, 4), (other, 10), (page, 5)):
        delivered(newsroom, removal, place, version)
    wanted = "SELECT sum(wanted) FROM page"
    before = inside.scalar(wanted)
    for version in range(6, 9):
        delivered(newsroom, removal, page, version)
        delivered(newsroom, removal, other, version + 5)
    assert inside.scalar(wanted) == before
