"""THE table of pages, read both ways."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from nashr.domain.site import Section, Site
from nashr.pages import (
    LISTINGS,
    MADE_FROM,
    REST,
    SHELF_FRONT,
    SHELF_LENGTH,
    Fact,
    Listed,
    PageKind,
    PageSpec,
    Place,
    listings_touched,
    naming,
    numbers_touched,
    place_number,
    shelf_page,
)

SITE = Site(
    id="paper", name="Paper", locale="en", base_url="http://paper.test/", time_zone="UTC",
    sections=(Section("news", "News", all=True), Section("sport", "Sport"), Section("arts", "Arts")),
)  # fmt: skip
AT = datetime(2026, 11, 5, 12, tzinfo=UTC)
PLACES = (Place(PageKind.author, "layla"), Place(PageKind.topic, "port", 7))


def paths(facts: set[Fact], listed: Listed) -> set[str]:
    return {spec.path for spec in listings_touched(SITE, facts, listed)}


def test_an_article_that_appears_touches_what_lists_it_and_no_more() -> None:
    """Its fronts, its month, feeds, sitemaps, its author, its topic; no other section, month or number."""
    found = paths(
        {Fact.status}, Listed("sport", AT, {"sport": (3,), "news": (7,)}, (2, 3), ("arts",), PLACES)
    )
    assert found == {
        "/", "/news/", "/sport/", "/arts/",
        "/news/archive/2026-11/7/", "/sport/archive/2026-11/3/",
        "/authors/layla/", "/topics/port/", "/topics/port/7/",
        "/feeds/rss.xml", "/feeds/atom.xml", "/feeds/feed.json", "/news/rss.xml", "/sport/rss.xml",
        "/sitemap.xml", "/sitemaps/news.xml",
        "/sitemaps/articles-2026-11-2.xml", "/sitemaps/articles-2026-11-3.xml",
    }  # fmt: skip


def test_new_words_in_the_body_touch_no_list_of_headlines() -> None:
    """Feeds with full text and the month's sitemap follow; fronts, authors and topics do not."""
    found = paths({Fact.body}, Listed("sport", AT, {"sport": (3,), "news": (7,)}, (2, 3), ("arts",), PLACES))
    assert not any(path.startswith(("/authors", "/topics")) or path.endswith("/") for path in found)
    assert "/feeds/rss.xml" in found


def test_another_edition_touches_the_months_sitemap_only() -> None:
    """Its address stands beside the article's there, and on the article's own page."""
    assert paths({Fact.editions}, Listed("sport", AT, sitemaps=(2,))) == {"/sitemaps/articles-2026-11-2.xml"}
    assert Fact.editions in MADE_FROM[PageKind.article]


def test_new_words_move_the_news_sitemap() -> None:
    """It says when each article was last changed."""
    assert "/sitemaps/news.xml" in paths({Fact.body}, Listed("sport", AT))


def test_a_page_aside_is_in_the_sitemap_only() -> None:
    """About and Contact are on no front, in no feed, in no archive, and not news."""
    found = paths({Fact.status, Fact.teaser, Fact.body}, Listed("news", AT, aside=True))
    assert found == {"/sitemaps/articles-2026-11.xml"}


def test_every_kind_has_its_facts_and_every_listing_its_rest() -> None:
    """Nobody can add a kind of page and forget what it is made from."""
    assert set(MADE_FROM) == set(PageKind)
    assert set(REST) == LISTINGS
    assert {PageKind.author, PageKind.topic} <= LISTINGS
    assert {kind for kind, facts in MADE_FROM.items() if Fact.front in facts} == {
        PageKind.home, PageKind.section,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("place", "placed", "number"),
    [
        (1, SHELF_FRONT, None),
        (1, SHELF_FRONT + 1, 1),
        (SHELF_LENGTH, SHELF_LENGTH, 1),
        (SHELF_LENGTH + 1, SHELF_LENGTH + 1, 2),
        (3, 10 * SHELF_LENGTH, 1),
    ],
)
def test_a_place_keeps_its_numbered_page(place: int, placed: int, number: int | None) -> None:
    """Pages are numbered from the oldest, once the first page cannot show all."""
    assert place_number(place, placed) == number


def test_a_numbered_page_is_named_by_its_neighbours() -> None:
    """The first page and the one before it say so when a numbered page appears; nothing names the first."""
    assert naming(shelf_page(PageKind.topic, "port", 4)) == (
        PageSpec("/topics/port/", PageKind.topic, "port"),
        PageSpec("/topics/port/3/", PageKind.topic, "port/3"),
    )
    assert naming(shelf_page(PageKind.author, "layla", 1)) == (shelf_page(PageKind.author, "layla"),)
    assert naming(shelf_page(PageKind.author, "layla")) == ()


def test_a_month_is_named_by_the_fronts_and_by_itself() -> None:
    """Its own page lists the months that can be read, and is one of them once it is there."""
    spec = PageSpec("/news/archive/2026-11/", PageKind.archive, "news/2026-11/1")
    assert naming(spec) == (
        PageSpec("/", PageKind.home),
        PageSpec("/news/", PageKind.section, "news"),
        spec,
    )


@pytest.mark.parametrize(
    ("place", "total", "appears", "numbers"),
    [
        (0, 1, True, (1,)),
        (999, 1000, True, (1,)),
        (1000, 1001, True, (2,)),
        (10, 2500, True, (1, 2, 3)),
        (10, 2500, False, (1,)),
        (2400, 2500, False, (3,)),
    ],
)
def test_only_what_moves_is_touched(place: int, total: int, appears: bool, numbers: tuple[int, ...]) -> None:
    """The newest is on the last page; one that comes or goes in the middle moves all behind it."""
    assert numbers_touched(place, total, 1000, appears=appears) == numbers
