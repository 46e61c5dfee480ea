"""Which card a story gets: its key stands for all that is drawn, and for nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from nashr.domain.errors import Permanent
from nashr.domain.site import Section
from nashr.steps import Priority
from nashr.store import articles, cardpages, cards, erasing, publishing, queue, withdrawing
from nashr.store.cards import Order
from nashr.store.database import scalar, transaction
from nashr.store.publishing import Request
from nashr_cards.card import Card, Theme
from nashr_cards.handlers import Cards

from tests.integration.store.newsroom import SITE, begin

if TYPE_CHECKING:
    from nashr.domain.article import Content
    from nashr.domain.site import Site
    from nashr.store.articles import Article
    from nashr.store.queue import Step
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside
    from tests.integration.store.newsroom import Newsroom

DRAFT = {"section": "news", "headline": "عنوان", "language": "ar", "body": []}


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    return begin(engine)


@pytest.fixture
def article(newsroom: Newsroom) -> Article:
    with transaction(newsroom.engine) as conn:
        return articles.create(conn, SITE, DRAFT, actor="test")


def order(newsroom: Newsroom, article: Article, **changes: object) -> Order:
    """The order of the article's first revision with some of it changed."""
    with transaction(newsroom.engine) as conn:
        doc = articles.read_content(conn, SITE, article.id, 1)
        return cards.order(conn, SITE, article.id, replace(doc, **changes))  # type: ignore[arg-type]


def publish(newsroom: Newsroom, article: Article, at: datetime | None = None) -> None:
    with transaction(newsroom.engine) as conn:
        found = articles.find(conn, article.id, lock=True)
        assert found is not None
        publishing.request(conn, SITE, found, Request(1, at), actor="test")


def test_the_key_is_of_what_is_drawn(newsroom: Newsroom, article: Article) -> None:
    """A headline changes it; a standfirst, the body and the editor's other titles do not."""
    plain = order(newsroom, article)
    assert order(newsroom, article, headline="آخر").key != plain.key
    assert order(newsroom, article, standfirst="موجز", titles={"seo": "آخر"}) == plain
    assert order(newsroom, article, titles={"social": "للمشاركة"}).words.headline == "للمشاركة"


def test_the_look_is_part_of_the_key(newsroom: Newsroom, article: Article) -> None:
    """Another name, logo or theme is another card, of stories and of the site."""
    other = [
        replace(SITE, name="Other"), replace(SITE, logo="/assets/logo-1.svg"),
        replace(SITE, theme={"card_font": "paper/fonts/1.ttf"}),
    ]  # fmt: skip
    with transaction(newsroom.engine) as conn:
        doc = articles.read_content(conn, SITE, article.id, 1)
        keys = {cards.order(conn, site, article.id, doc).key for site in (SITE, *other)}
    assert len(keys) == 4
    assert len({cards.site_order(site).key for site in (SITE, *other)}) == 4


def test_what_cards_do_not_show_draws_none_anew(newsroom: Newsroom, article: Article) -> None:
    """A theme's templates, words, tagline and colours of pages leave the key as it is."""
    theme = {"tagline": "Daily", "paper": "#ffffff", "folder": f"{SITE.id}/themes/{'0' * 64}.json"}
    other = replace(SITE, theme=theme, texts={"home": "Front"})
    with transaction(newsroom.engine) as conn:
        doc = articles.read_content(conn, SITE, article.id, 1)
        keys = {cards.order(conn, site, article.id, doc).key for site in (SITE, other)}
    assert len(keys) == 1
    assert cards.site_order(SITE).key == cards.site_order(other).key


def test_the_label(newsroom: Newsroom, article: Article) -> None:
    """The kicker, breaking where it says so; once it has run out, the section's label."""
    ahead = datetime.now(UTC) + timedelta(hours=1)
    section = SITE.section("news") or Section("news", "news")
    assert order(newsroom, article).words.label == section.label
    for kicker, state in (("تحليل", "plain"), ("عاجل", "breaking")):
        words = order(newsroom, article, kicker=kicker, kicker_until=ahead).words
        assert (words.label, words.state) == (kicker, state)
    over = order(newsroom, article, kicker="عاجل", kicker_until=ahead - timedelta(hours=2)).words
    assert (over.label, over.state) == (section.label, "plain")


def test_a_publication_carries_the_card_of_its_hour(newsroom: Newsroom, article: Article) -> None:
    """A kicker that has run out by then is not on it."""
    now = datetime.now(UTC)
    with transaction(newsroom.engine) as conn:
        doc: Content = articles.read_content(conn, SITE, article.id, 1)
        doc = replace(doc, kicker="عاجل", kicker_until=now + timedelta(hours=1))
        later = cards.order(conn, SITE, article.id, doc, at=now + timedelta(hours=2))
    assert later.words.state == "plain"


@pytest.mark.parametrize(
    ("kind", "state", "label"),
    [
        ("correction", "correction", "تصحيح"),
        ("retraction", "correction", "سحب الخبر"),
        ("clarification", "plain", "News"),
        ("update", "plain", "News"),
    ],
)
def test_the_newest_correction_decides(
    newsroom: Newsroom, article: Article, kind: str, state: str, label: str
) -> None:
    """A correction or a retraction is on the card, in the article's language; what follows it undoes that."""
    with transaction(newsroom.engine) as conn:
        articles.add_correction(conn, article, "correction", "نص", actor="test")
        articles.add_correction(conn, article, kind, "نص", actor="test")
    words = order(newsroom, article).words
    assert (words.state, words.label) == (state, label)


def test_the_day_is_of_the_first_publication(newsroom: Newsroom, article: Article, inside: Inside) -> None:
    """Set when it is asked for, moved by another schedule, and kept once it is on its way."""
    assert order(newsroom, article).words.date == ""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    publish(newsroom, article, tomorrow + timedelta(days=1))
    publish(newsroom, article, tomorrow)
    assert order(newsroom, article).words.date == f"{tomorrow:%Y-%m-%d}"
    publish(newsroom, article)
    today = inside.scalar("SELECT dated_at FROM article WHERE id = :id", id=article.id)
    assert today < tomorrow - timedelta(hours=23)
    publish(newsroom, article, tomorrow)
    assert inside.scalar("SELECT dated_at FROM article WHERE id = :id", id=article.id) == today
    assert order(newsroom, article).words.date == f"{today:%Y-%m-%d}"


def test_the_day_that_the_page_says(newsroom: Newsroom, article: Article, inside: Inside) -> None:
    """The editor's own date goes first; what an older nashr published has that of its publication."""
    publish(newsroom, article)
    backdated = order(newsroom, article, published_at=datetime(2020, 1, 2, 12, tzinfo=UTC))
    assert backdated.words.date == "2020-01-02"
    inside.run(
        "UPDATE article SET dated_at = NULL, published_at = '2021-03-04T12:00Z' WHERE id = :id", id=article.id
    )
    assert order(newsroom, article).words.date == "2021-03-04"


@pytest.mark.parametrize("state", ["failed", "erased"])
def test_a_photo_that_cannot_be_used_is_none_to_a_card(newsroom: Newsroom, state: str) -> None:
    """The key is that of the card without a photo: uploaded again, the photo makes another card."""
    photo = newsroom.photo()
    made, _ = newsroom.article(1, photo)
    with transaction(newsroom.engine) as conn:
        doc = articles.read_content(conn, SITE, made.id, 1)
        whole, broken, without = (
            cards.order(conn, SITE, made.id, doc, photos=photos).key
            for photos in ({photo.id: photo}, {photo.id: replace(photo, state=state)}, {})
        )
    assert broken == without != whole


@pytest.mark.parametrize("gone", ["state = 'failed'", "withdrawn_at = now()"])
def test_a_card_is_never_drawn_without_the_photo_of_its_key(
    newsroom: Newsroom, inside: Inside, gone: str
) -> None:
    """A photo that was lost after the card was asked for ends the step, with the reason."""
    photo = newsroom.photo()
    made, _ = newsroom.article(1, photo)
    step = asked(newsroom, SITE, made.id)
    inside.run(f"UPDATE asset SET {gone} WHERE id = :id", id=photo.id)
    pool = Pool()
    with pytest.raises(Permanent, match=photo.id):
        Cards(worker(newsroom), pool).cards(step)  # type: ignore[arg-type]
    assert pool.themes == []


def test_a_card_is_drawn_in_the_look_of_its_key(newsroom: Newsroom, article: Article) -> None:
    """A theme that was applied, and taken back, while the card waited is not what it shows for ever."""
    pool = Pool()
    other = replace(SITE, name="Other", theme={"accent": "#123456"})
    Cards(worker(newsroom), pool).cards(asked(newsroom, other, article.id))  # type: ignore[arg-type]
    (theme,) = pool.themes
    assert (theme.site_name, theme.accent) == ("Other", "#123456")


def test_a_card_of_a_run_that_was_overtaken_is_found(newsroom: Newsroom) -> None:
    """A photo withdrawn while its card is stored takes the file along, though the step never ends."""
    photo = newsroom.photo(files=())
    made, _ = newsroom.article(1, photo)
    step = asked(newsroom, SITE, made.id)
    card = Card("og", b"overtaken", 1200, 630, "image/jpeg", 1, 40)
    Cards(worker(newsroom), Pool((card,))).cards(step)  # type: ignore[arg-type]
    with transaction(newsroom.engine) as conn:
        withdrawing.withdraw(conn, SITE, photo, withdrawing.Order("kill", "", "test"))
        assert [key.partition("/cards/")[1] for key in withdrawing.mark_files(conn, photo.id)] == ["/cards/"]


@dataclass
class Pool:
    """Gives the cards that it was given, and remembers the themes."""

    cards: tuple[Card, ...] = ()
    themes: list[Theme] = field(default_factory=list)

    def draw(self, _text: object, *, theme: Theme, **_: object) -> tuple[Card, ...]:
        self.themes.append(theme)
        return self.cards


def worker(newsroom: Newsroom) -> Any:
    """What the handler needs of a runtime, the drawing aside."""
    bucket = SimpleNamespace(get=lambda _key: None, put=lambda *_, **__: None)
    return SimpleNamespace(engine=newsroom.engine, site_store=bucket, originals=bucket)


def asked(newsroom: Newsroom, site: Site, article: str) -> Step:
    """The step of an article's cards, claimed."""
    with transaction(newsroom.engine) as conn:
        ordered = cards.order(conn, site, article, articles.read_content(conn, site, article, 1))
        found = cards.want(conn, ordered, priority=Priority.normal)
    step = queue.claim(newsroom.engine, found, owner="test", lease=9)
    assert step is not None
    return step


def test_erasing_forgets_what_cards_said(newsroom: Newsroom, article: Article, inside: Inside) -> None:
    """No step holds the headline any more; the publication that asked for the card stays."""
    publish(newsroom, article)
    assert inside.scalar("SELECT count(*) FROM step WHERE input->'doc'->>'headline' = 'عنوان'") == 1
    with transaction(newsroom.engine) as conn:
        erasing.erase(conn, erasing.Taken(SITE.id, article.id, 9))
    assert inside.scalar("SELECT count(*) FROM step WHERE input->'doc'->>'headline' = 'عنوان'") == 0
    assert inside.scalar("SELECT count(*) FROM publication WHERE article = :id", id=article.id) == 1


def test_dead_cards_that_nothing_shows_are_forgotten(
    newsroom: Newsroom, article: Article, inside: Inside
) -> None:
    """An hour after its death the card of a draft is void; a younger one is left alone."""
    with transaction(newsroom.engine) as conn:
        doc = articles.read_content(conn, SITE, article.id, 1)
        ordered = cards.order(conn, SITE, article.id, doc)
        step = cards.want(conn, ordered, priority=Priority.normal)
    for minutes, state in ((59, "dead"), (61, "void")):
        inside.run(
            """UPDATE step SET state = 'dead', finished_at = now() - make_interval(mins => :minutes)
            WHERE id = :id""",
            id=step, minutes=minutes,
        )  # fmt: skip
        with transaction(newsroom.engine) as conn:
            assert cardpages.revive(conn, SITE) == 0
            assert scalar(conn, "SELECT state FROM step WHERE id = :id", id=step) == state
