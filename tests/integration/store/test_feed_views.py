"""What feeds and the news sitemap read: photos that may be syndicated, and news until it is two days old."""

from __future__ import annotations

from datetime import timedelta

import pytest
from nashr.pages import PageKind, PageSpec
from nashr.store import pagerows
from nashr.store.database import row, run, transaction
from nashr_delivery import listings, mapped
from nashr_delivery.views import FeedView, SitemapView
from sqlalchemy import Engine

from tests.integration.store.newsroom import SITE, Newsroom, begin

WHOLE = """UPDATE asset SET renditions = (SELECT jsonb_agg(
    '{"crop": null, "frames": 1, "width": 640, "height": 360, "bytes": 10}'::jsonb || file)
    FROM jsonb_array_elements(renditions) AS file) WHERE id = ANY(:assets)"""
"""Renditions as the images service records them; the newsroom's have a path and a type."""


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    return begin(engine)


def test_a_photo_kept_from_syndication_is_in_no_feed(newsroom: Newsroom) -> None:
    """Rights that say so keep it at home; a photo whose rights say nothing goes along."""
    free, kept = newsroom.photo(1), newsroom.photo(2, files=("c", "d"), syndication=False)
    newsroom.article(1, free)
    newsroom.article(2, kept)
    spec = PageSpec("/feeds/rss.xml", PageKind.rss)
    with transaction(newsroom.engine) as conn:
        run(conn, WHOLE, assets=[free.id, kept.id])
        run(conn, "UPDATE article SET modified_at = published_at")
        found = listings.view(conn, pagerows.lock(conn, SITE.id, [spec])[spec.path], SITE)
    assert isinstance(found, FeedView)
    assert {item.content.headline: list(item.photos) for item in found.items} == {
        "Harvest number 1": [free.id], "Harvest number 2": [],
    }  # fmt: skip


def test_news_is_due_when_its_oldest_leaves(newsroom: Newsroom) -> None:
    """An article of more than two days is not there; the page is due as the next one gets as old."""
    hero = newsroom.photo()
    old, recent = (newsroom.article(number, hero)[0].id for number in (1, 2))
    spec = PageSpec("/sitemaps/news.xml", PageKind.news_sitemap)
    with transaction(newsroom.engine) as conn:
        for article, hours in ((old, 49), (recent, 47)):
            run(
                conn,
                """UPDATE article SET published_at = clock_timestamp() - make_interval(hours => :h)
                WHERE id = :id""",
                h=hours, id=article,
            )  # fmt: skip
        found, again = mapped.view(conn, pagerows.lock(conn, SITE.id, [spec])[spec.path], SITE)
        stored = row(conn, "SELECT published_at FROM article WHERE id = :id", id=recent)
    assert isinstance(found, SitemapView)
    assert [entry.path for entry in found.entries] == ["/news/2/"]
    assert stored is not None
    assert again == stored["published_at"] + timedelta(days=2)
