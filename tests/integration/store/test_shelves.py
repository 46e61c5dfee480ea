"""Shelves, fronts and refreshes on a real PostgreSQL: places for good, thresholds, nothing missed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from nashr.domain.article import content
from nashr.domain.site import parse_site
from nashr.pages import SHELF_FRONT, SHELF_LENGTH, PageKind, PageSpec, Place
from nashr.steps import Priority
from nashr.store import articles, authors, fronts, golive, pagerows, refreshing, shelves, sites
from nashr.store.database import row, run, scalar, transaction
from nashr.store.shelves import Named, Shelving

if TYPE_CHECKING:
    from nashr.domain.article import Content
    from nashr.store.articles import Article
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside

SITE = parse_site(
    {
        "id": "paper", "name": "Paper", "locale": "en", "base_url": "http://paper.test/",
        "sections": [{"slug": "news", "label": "News", "all": True}],
    }
)  # fmt: skip
AT = datetime(2026, 11, 1, tzinfo=UTC)
PORT = Place(PageKind.topic, "port")


@pytest.fixture
def paper(engine: Engine) -> Engine:
    """An engine over a site without articles."""
    with transaction(engine) as conn:
        run(conn, "TRUNCATE article, shelf, shelved, author, front, pin CASCADE")
        sites.apply(conn, SITE, actor="test")
    return engine


def made(engine: Engine, number: int, **fields: Any) -> tuple[Article, Content]:
    """An article with a page that readers can see; on no shelf yet."""
    doc = {
        "headline": f"Number {number}", "section": "news", "kind": "news", "keywords": ["Port"],
        "body": [{"type": "paragraph", "html": "x"}], **fields,
    }  # fmt: skip
    with transaction(engine) as conn:
        article = articles.create(conn, SITE, doc, actor="test")
        path = f"/news/{number}/"
        page = pagerows.lock(conn, "paper", [PageSpec(path, PageKind.article, article.id)])[path]
        run(
            conn,
            """UPDATE article SET live_revision = 1, status = 'live', page = :page, path = :path,
                published_at = :at WHERE id = :id""",
            id=article.id, page=page.id, path=path, at=AT + timedelta(hours=number),
        )  # fmt: skip
    return article, content(doc, SITE)


def shelve(engine: Engine, article: Article, doc: Content | None) -> Shelving:
    with transaction(engine) as conn:
        at = scalar(conn, "SELECT published_at FROM article WHERE id = :id", id=article.id)
        return shelves.record(conn, SITE, article.id, doc, at)


def show(engine: Engine, slug: str = "port") -> bool:
    with transaction(engine) as conn:
        return shelves.show(conn, SITE, slug)


def test_a_topic_comes_with_the_threshold_and_goes_below_it(paper: Engine) -> None:
    """Two stories are no topic; the third brings its page, the fourth a place; each removal undoes it."""
    found = [made(paper, number) for number in range(4)]
    changes = [shelve(paper, article, doc) for article, doc in found]
    first = PageSpec("/topics/port/", PageKind.topic, "port")
    assert [(change.places, change.whole) for change in changes] == [
        ((), ()),
        ((), ()),
        ((PORT,), (first,)),
        ((PORT,), ()),
    ]
    assert show(paper)
    assert not show(paper)
    assert shelve(paper, found[0][0], None) == Shelving((PORT,), (), ())
    assert shelve(paper, found[1][0], None) == Shelving((), (first,), ("port",))
    assert not show(paper)


def test_a_topic_that_falls_before_its_page_is_delivered_is_wanted_again(paper: Engine) -> None:
    """Its page may be on its way with a story that is gone."""
    found = [made(paper, number) for number in range(3)]
    for article, doc in found:
        shelve(paper, article, doc)
    assert shelve(paper, found[2][0], None).fallen == ("port",)


def test_an_article_keeps_its_place(paper: Engine) -> None:
    """A change of what it says takes no new place, and an older one that goes moves nobody."""
    found = [made(paper, number) for number in range(3)]
    for article, doc in found:
        shelve(paper, article, doc)
    article, doc = found[1]
    assert shelve(paper, article, replace(doc, headline="Other")) == Shelving()
    shelve(paper, found[0][0], None)
    with transaction(paper) as conn:
        places = "SELECT array_agg(place ORDER BY place) FROM shelved WHERE slug = 'port'"
        assert scalar(conn, places) == [2, 3]
        standing = row(conn, "SELECT placed, articles FROM shelf WHERE slug = 'port'")
    assert standing == {"placed": 3, "articles": 2}


def test_a_long_shelf_touches_its_last_page_only(paper: Engine, inside: Inside) -> None:
    """With fifty thousand stories on the shelf, another one touches the first page and the last number."""
    for number in range(3):
        shelve(paper, *made(paper, number))
    inside.run("UPDATE shelf SET placed = 50000, articles = 50000 WHERE slug = 'port'")
    change = shelve(paper, *made(paper, 4))
    assert change == Shelving((Place(PageKind.topic, "port", 50_000 // SHELF_LENGTH + 1),), (), ())


def test_an_old_story_that_leaves_touches_its_own_number(paper: Engine, inside: Inside) -> None:
    """Not those after it: numbered pages are by place, and places stay."""
    found = [made(paper, number) for number in range(3)]
    for article, doc in found:
        shelve(paper, article, doc)
    inside.run("UPDATE shelf SET placed = :n, articles = :n WHERE slug = 'port'", n=SHELF_LENGTH * 9)
    assert shelve(paper, found[0][0], None).places == (Place(PageKind.topic, "port", 1),)


def test_what_stays_off_fronts_is_on_no_topic(paper: Engine) -> None:
    """``front: false`` keeps a story off topics, not off its author; a page such as About is on neither."""
    byline = [{"name": "Layla", "author": "layla"}]
    _, hidden = made(paper, 1, byline=byline, distribution={"front": False})
    _, about = made(paper, 2, byline=byline, kind="page")
    assert shelves.belongs(hidden) == {("author", "layla"): "Layla"}
    assert shelves.belongs(about) == {}


def test_stories_of_one_topic_at_once_get_a_place_each(paper: Engine) -> None:
    """Twelve publications that share two topics, in either order, wait for each other and none is lost."""
    found = [
        made(paper, number, keywords=["Port", "Sea"] if number % 2 else ["Sea", "Port"])
        for number in range(12)
    ]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda one: shelve(paper, *one), found))
    with transaction(paper) as conn:
        for slug in ("port", "sea"):
            places = "SELECT array_agg(place ORDER BY place) FROM shelved WHERE slug = :slug"
            assert scalar(conn, places, slug=slug) == list(range(1, 13))


def test_links_lead_to_pages_that_are_there(paper: Engine, inside: Inside) -> None:
    """An author counts once their page is live, a topic once its page was delivered."""
    byline = [{"name": "L.", "author": "layla"}]
    found = [made(paper, number, byline=byline) for number in range(3)]
    for article, doc in found:
        shelve(paper, article, doc)
    with transaction(paper) as conn:
        authors.put(conn, SITE, "layla", {"name": "Layla"}, photo=None, actor="test")
        assert shelves.named(conn, SITE, found[0][1]) == Named()
    inside.run("UPDATE page SET live = wanted WHERE path = '/authors/layla/'")
    show(paper)
    with transaction(paper) as conn:
        assert shelves.named(conn, SITE, found[0][1]) == Named({"layla": "Layla"}, frozenset({"port"}))


def test_an_author_is_delivered_at_once_and_numbers_follow_for_a_name(paper: Engine, inside: Inside) -> None:
    """Another bio touches one page; another name also the numbered ones and feeds, in bulk."""

    def put(**values: Any) -> None:
        with transaction(paper) as conn:
            authors.put(conn, SITE, "layla", values, photo=None, actor="test")

    def wanted() -> dict[str, int]:
        paths = ("/authors/layla/", "/authors/layla/1/", "/feeds/rss.xml", "/news/")
        return {path: inside.page(path)["wanted"] for path in paths}

    put(name="Layla")
    inside.run("UPDATE shelf SET placed = :n WHERE slug = 'layla'", n=SHELF_FRONT + 1)
    put(name="Layla Hassan")
    before = wanted()
    put(name="Layla Hassan", bio="Reporter")
    put(name="Layla Hassan", bio="Reporter")
    assert wanted() == {**before, "/authors/layla/": before["/authors/layla/"] + 1}
    put(name="Layla H.", bio="Reporter")
    assert wanted() == {
        "/authors/layla/": before["/authors/layla/"] + 2,
        "/authors/layla/1/": before["/authors/layla/1/"] + 1,
        "/feeds/rss.xml": before["/feeds/rss.xml"] + 1,
        "/news/": before["/news/"],
    }
    assert inside.deliver("/authors/layla/1/")["priority"] == Priority.bulk


def refresh(engine: Engine, data: dict[str, str], before: Any) -> refreshing.Batch:
    with transaction(engine) as conn:
        return refreshing.step(conn, SITE, data, before)


def test_a_refresh_wants_every_article_on_a_shelf_in_batches(
    paper: Engine, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page once, nobody else's; a change in the middle has it begin again."""
    monkeypatch.setattr(refreshing, "BATCH", 2)
    for number in range(5):
        shelve(paper, *made(paper, number))
    made(paper, 9)
    data = {"kind": "topic", "slug": "port"}
    batch = refresh(paper, data, None)
    batch = refresh(paper, data, batch.result)
    assert batch.again_at is not None
    batch = refresh(paper, data, batch.result)
    assert batch.again_at is None
    assert [inside.page(f"/news/{number}/")["wanted"] for number in (0, 1, 2, 3, 4, 9)] == [1, 1, 1, 1, 1, 0]
    assert inside.deliver("/news/0/")["priority"] == Priority.bulk
    inside.run("UPDATE shelf SET changes = changes + 1 WHERE slug = 'port'")
    refresh(paper, data, batch.result)
    assert [inside.page(f"/news/{number}/")["wanted"] for number in (0, 1, 2)] == [2, 2, 1]


def test_another_threshold_moves_topics(paper: Engine, inside: Inside) -> None:
    """After a lower one topics come, after a higher one they go, and stories lose their links."""
    for number in range(2):
        shelve(paper, *made(paper, number))
    lower, higher = replace(SITE, topic_threshold=2), replace(SITE, topic_threshold=9)
    with transaction(paper) as conn:
        refreshing.step(conn, lower, {}, None)
    assert inside.page("/topics/port/")["wanted"] == 1
    with transaction(paper) as conn:
        assert shelves.show(conn, lower, "port")
        refreshing.step(conn, higher, {}, None)
    assert inside.page("/topics/port/")["wanted"] > 1
    assert inside.scalar("SELECT shown FROM shelf WHERE slug = 'port'") is False
    assert inside.scalar("SELECT state FROM step WHERE key = 'paper/topic/port'") == "ready"


def test_a_front_is_due_at_once_though_it_rests(paper: Engine, inside: Inside) -> None:
    """Whoever curates a front sees it change: no rest, before all other work."""
    inside.run("UPDATE page SET live_at = clock_timestamp()")
    article, _ = made(paper, 1)
    with transaction(paper) as conn:
        fronts.put(conn, "paper", "news", pins=[fronts.Pin(article.id, 1, None)], banner=None, actor="test")
    step = inside.deliver("/news/")
    assert step["in_seconds"] <= 0
    assert step["priority"] == Priority.breaking
    with transaction(paper) as conn:
        assert fronts.pinned_on(conn, article.id) == ("news",)


def test_a_front_forgets_what_has_run_out(paper: Engine, inside: Inside) -> None:
    """Pins and a banner whose time has come are not read any more."""
    article, _ = made(paper, 1)
    soon = datetime.now(UTC) + timedelta(hours=1)
    with transaction(paper) as conn:
        fronts.put(
            conn, "paper", "home", pins=[fronts.Pin(article.id, 3, soon)],
            banner={"text": "Live", "url": None, "until": soon.isoformat()}, actor="test",
        )  # fmt: skip
        found = fronts.read(conn, "paper", "home")
        assert ([pin.slot for pin in found.pins], found.banner and found.banner["text"]) == ([3], "Live")
    inside.run("UPDATE pin SET until = clock_timestamp()")
    inside.run("""UPDATE front SET banner = banner || '{"until": "2026-01-01T00:00:00Z"}'""")
    with transaction(paper) as conn:
        found = fronts.read(conn, "paper", "home")
        assert (found.pins, found.banner, found.version) == ((), None, 1)
        assert fronts.pinned_on(conn, article.id) == ()


def test_a_portrait_that_appears_reaches_its_author_without_an_article(paper: Engine, inside: Inside) -> None:
    """Nobody's story shows the photo yet: the author's page is wanted all the same."""
    with transaction(paper) as conn:
        run(
            conn,
            """INSERT INTO asset
                (id, site, sha256, content_type, width, height, bytes, original_key, created_by)
            VALUES ('as_1', 'paper', 'x', 'image/jpeg', 1, 1, 1, 'x', 'test')""",
        )
        run(conn, "INSERT INTO author (site, slug, name, photo) VALUES ('paper', 'layla', 'Layla', 'as_1')")
        pagerows.lock(conn, "paper", [PageSpec("/authors/layla/", PageKind.author, "layla")])
        run(conn, "UPDATE page SET wanted = 1, live = 1 WHERE path = '/authors/layla/'")
        golive.photo_appeared(conn, SITE, "as_1")
    assert inside.page("/authors/layla/")["wanted"] == 2
