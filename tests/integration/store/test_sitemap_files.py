"""Sitemaps of a month: cut at a length, numbered from the oldest, with the photos of each article."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest
from nashr import pages
from nashr.pages import Fact, PageKind, PageSpec
from nashr.steps import Priority
from nashr.store import articles, golive, pagerows, photopages, sites
from nashr.store.database import row, rows, run, statement, transaction
from nashr_delivery import mapped
from nashr_delivery.views import SitemapView
from sqlalchemy import Connection, Engine

from tests.integration.store.newsroom import SITE, Newsroom, begin

MONTH = "2026-03"
ELSEWHERE = {"source": {"name": "Wire", "url": "https://wire.test/1", "canonical": True}}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of three addresses."""
    monkeypatch.setattr(mapped, "SITEMAP_LENGTH", 3)
    monkeypatch.setattr(golive, "SITEMAP_LENGTH", 3)


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    return begin(engine)


def publish(newsroom: Newsroom, count: int) -> list[str]:
    """Articles of one month, an hour apart; their ids, oldest first."""
    hero = newsroom.photo()
    made = [newsroom.article(number, hero)[0].id for number in range(count)]
    with transaction(newsroom.engine) as conn:
        for hour, article in enumerate(made):
            run(
                conn,
                """UPDATE article SET modified_at = published_at, published_at = CAST(:day AS timestamptz)
                    + make_interval(hours => :hour) WHERE id = :id""",
                id=article, day=f"{MONTH}-10T00:00:00Z", hour=hour,
            )  # fmt: skip
    return made


def file(newsroom: Newsroom, number: int) -> SitemapView:
    spec = pages.sitemap_page(MONTH, number)
    with transaction(newsroom.engine) as conn:
        page = pagerows.lock(conn, SITE.id, [spec])[spec.path]
        found, again = mapped.view(conn, page, SITE)
    assert isinstance(found, SitemapView)
    assert again is None
    return found


def _of(conn: Connection, article: str) -> tuple[int, datetime]:
    found = row(conn, "SELECT number, published_at FROM article WHERE id = :id", id=article)
    assert found is not None
    return found["number"], found["published_at"]


def test_a_month_is_cut_into_files(newsroom: Newsroom) -> None:
    """Seven articles make files of three, three and one, the oldest first; each names its photo."""
    publish(newsroom, 7)
    found = [file(newsroom, number) for number in (1, 2, 3)]
    assert [[entry.path for entry in one.entries] for one in found] == [
        ["/news/0/", "/news/1/", "/news/2/"], ["/news/3/", "/news/4/", "/news/5/"], ["/news/6/"],
    ]  # fmt: skip
    assert {len(entry.images) for one in found for entry in one.entries} == {1}


def test_what_is_kept_out_keeps_its_place(newsroom: Newsroom) -> None:
    """An article that leaves the sitemap moves none of the others to another file."""
    made = publish(newsroom, 7)
    with transaction(newsroom.engine) as conn:
        for article, change in ((made[1], {"distribution": {"index": False}}), (made[3], ELSEWHERE)):
            run(
                conn, "UPDATE revision SET doc = doc || CAST(:change AS jsonb) WHERE article = :id",
                change=json.dumps(change), id=article,
            )  # fmt: skip
    found = [file(newsroom, number) for number in (1, 2)]
    assert [[entry.path for entry in one.entries] for one in found] == [
        ["/news/0/", "/news/2/"], ["/news/4/", "/news/5/"],
    ]  # fmt: skip


def test_a_new_article_touches_the_last_file_only(newsroom: Newsroom) -> None:
    """Files that are full rest; a change inside touches its own, and one that leaves all behind it."""
    made = publish(newsroom, 7)
    with transaction(newsroom.engine) as conn:
        touched = {
            (name, appears): golive.sitemap_numbers(conn, SITE, number, at, appears=appears)
            for name, article in (("newest", made[6]), ("second", made[1]))
            for number, at in [_of(conn, article)]
            for appears in (True, False)
        }
    assert touched == {
        ("newest", True): (3,), ("newest", False): (3,), ("second", True): (1, 2, 3), ("second", False): (1,),
    }  # fmt: skip


def test_a_photo_that_changes_reaches_the_months_files(newsroom: Newsroom) -> None:
    """They name its files without using them, so the record of uses would not find them."""
    publish(newsroom, 1)
    hero = newsroom.photo()
    spec = PageSpec(f"/sitemaps/articles-{MONTH}.xml", PageKind.month_sitemap, MONTH)
    with transaction(newsroom.engine) as conn:
        before = pagerows.lock(conn, SITE.id, [spec])[spec.path]
        photopages.bump(conn, hero.id, Fact.photo, priority=Priority.normal)
    with statement(newsroom.engine) as conn:
        assert pagerows.read(conn, before.id).wanted == before.wanted + 1


FRENCH = replace(SITE, id="papier", locale="fr", base_url="http://papier.test/", prefix="papier/")


def edition(newsroom: Newsroom, of: str) -> str:
    """A live French article that translates another."""
    doc = {
        "headline": "Moisson", "section": "news", "kind": "news", "translation_of": of,
        "body": [{"type": "paragraph", "html": "Du blé."}],
    }  # fmt: skip
    with transaction(newsroom.engine) as conn:
        sites.apply(conn, FRENCH, actor="test")
        made = articles.create(conn, FRENCH, doc, actor="test")
        run(
            conn,
            """UPDATE article SET live_revision = 1, status = 'live', path = '/news/moisson/',
                published_at = CAST(:day AS timestamptz), modified_at = CAST(:day AS timestamptz)
            WHERE id = :id""",
            id=made.id, day=f"{MONTH}-11T00:00:00Z",
        )  # fmt: skip
    return made.id


def test_editions_name_each_other_as_on_their_pages(newsroom: Newsroom) -> None:
    """The month's file of each site has both and the default; with one of them gone it has neither."""
    original = publish(newsroom, 2)[0]
    translated = edition(newsroom, original)
    here, there = "http://paper.test/news/0/", "http://papier.test/news/moisson/"
    first, second = file(newsroom, 1).entries
    assert first.alternates == (("en", here), ("fr", there), ("x-default", here))
    assert second.alternates == ()
    spec = pages.sitemap_page(MONTH, 1)
    with transaction(newsroom.engine) as conn:
        page = pagerows.lock(conn, FRENCH.id, [spec])[spec.path]
        found, _ = mapped.view(conn, page, FRENCH)
    assert isinstance(found, SitemapView)
    assert found.entries[0].alternates == (("fr", there), ("en", here), ("x-default", here))
    with transaction(newsroom.engine) as conn:
        run(conn, "UPDATE article SET live_revision = NULL WHERE id = :id", id=translated)
    assert file(newsroom, 1).entries[0].alternates == ()


def test_an_edition_that_comes_has_the_other_sites_file_written_again(newsroom: Newsroom) -> None:
    """Its month and number, on its own site, and nothing else of it."""
    original = publish(newsroom, 5)[4]
    translated = edition(newsroom, original)
    query = "SELECT path, wanted FROM page WHERE site = 'paper' AND kind <> 'article'"
    with transaction(newsroom.engine) as conn:
        before = {item["path"]: item["wanted"] for item in rows(conn, query)}
        golive.editions_changed(conn, [translated])
    with statement(newsroom.engine) as conn:
        after = {item["path"]: item["wanted"] for item in rows(conn, query)}
    moved = [path for path, wanted in after.items() if wanted > before.get(path, 0)]
    assert moved == [f"/sitemaps/articles-{MONTH}-2.xml"]
