"""Which numbered pages of a month's archive show an article: counted section by section."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from nashr.domain.site import parse_site
from nashr.pages import PageKind, PageSpec, archive_path
from nashr.store import golive, pagerows
from nashr.store.database import rows, run, transaction
from nashr_delivery import listings
from sqlalchemy import Connection, Engine

MONTH = datetime(2026, 3, 1, tzinfo=UTC)
SITE = parse_site(
    {
        "id": "s", "name": "S", "locale": "en", "base_url": "http://s.test/", "time_zone": "UTC",
        "sections": [
            {"slug": "all", "label": "All", "all": True}, {"slug": "news", "label": "News"},
            {"slug": "sport", "label": "Sport"},
        ],
    }
)  # fmt: skip


@pytest.fixture
def month(engine: Engine) -> Engine:
    """A month with 120 articles of news and 20 of sport, an hour between two."""
    with transaction(engine) as conn:
        run(conn, "TRUNCATE article CASCADE")
        for section, count in (("news", 120), ("sport", 20)):
            run(
                conn,
                """INSERT INTO article (id, site, short_id, slug, section, kind, language, headline,
                    latest_revision, live_revision, status, created_by, published_at)
                SELECT :section || n, 's', :section || n, 'x' || n, :section, 'news', 'en', 'x', 1, 1, 'live',
                    'test', CAST(:first AS timestamptz) + make_interval(hours => n)
                FROM generate_series(1, :count) AS n""",
                section=section, count=count, first=MONTH,
            )  # fmt: skip
    return engine


def numbers(conn: Connection, section: str, at: datetime, *, appears: bool = True) -> object:
    return golive.archive_numbers(conn, SITE, section, at, appears=appears)


def test_a_new_story_touches_the_last_page_of_each_section(month: Engine) -> None:
    """The 21st of sport stands on sport's first page, and as the 141st of all on the third of all."""
    with transaction(month) as conn:
        assert numbers(conn, "sport", MONTH + timedelta(days=20)) == {"all": (3,), "sport": (1,)}
        assert numbers(conn, "news", MONTH + timedelta(days=20)) == {"all": (3,), "news": (3,)}


def test_an_old_story_moves_those_after_it(month: Engine) -> None:
    """One that appears at the beginning of a month moves every page; one that only changed its own."""
    with transaction(month) as conn:
        assert numbers(conn, "sport", MONTH) == {"all": (1, 2, 3), "sport": (1,)}
        assert numbers(conn, "sport", MONTH, appears=False) == {"all": (1,), "sport": (1,)}


def test_a_month_that_comes_late_is_named_by_the_months_after_it(engine: Engine) -> None:
    """Each month's pages list twelve months up to their own: a story of long ago changes eleven at most."""
    months = [f"{2024 + n // 12}-{n % 12 + 1:02d}" for n in range(15)]
    with transaction(engine) as conn:
        specs = [
            PageSpec(archive_path("news", month, number), PageKind.archive, f"news/{month}/{number}")
            for month in months
            for number in (1, 2)
        ]
        pagerows.lock(conn, "s", [*specs, PageSpec("/x/", PageKind.archive, "sport/2025-01/1")])
        run(conn, "UPDATE page SET live = 1, wanted = 1 WHERE subject NOT LIKE 'news/2024-02/%'")
        listed = [one.path for one in listings.months(conn, SITE, "news", until=months[13])]
        assert listed == [archive_path("news", month, 1) for month in reversed(months[2:14])]
        page = pagerows.lock(conn, "s", [specs[2]])[specs[2].path]
    with transaction(engine) as conn:
        golive.appeared(conn, SITE, page)
    with transaction(engine) as conn:
        query = "SELECT subject FROM page WHERE kind = 'archive' AND wanted > 1 ORDER BY subject"
        bumped = {item["subject"] for item in rows(conn, query)}
    assert bumped == {f"news/{month}/{number}" for month in months[2:13] for number in (1, 2)}
