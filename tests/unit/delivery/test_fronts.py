"""How pins and the newest stories share a front; what authors, topics and the foot look like."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import lxml.html
import pytest
from nashr.domain.article import Credit
from nashr.domain.site import Site
from nashr.pages import FRONT_LENGTH
from nashr.store.fronts import arranged
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import render
from nashr_delivery.naming import credited
from nashr_delivery.views import ArticleView, FootLink, ListingView, Photo, Profile, Teaser, photos_of

Show = Callable[..., lxml.html.HtmlElement]


def rows(*names: int) -> list[dict[str, Any]]:
    return [{"id": name} for name in names]


def ids(pinned: dict[int, int], newest: list[int]) -> list[int]:
    found = arranged({slot: {"id": name} for slot, name in pinned.items()}, rows(*newest))
    return [item["id"] for item in found]


def test_pins_hold_their_slots_and_the_newest_fill_the_rest() -> None:
    """Slot 1 leads; the order of the others is not disturbed."""
    assert ids({1: 90, 4: 91}, [1, 2, 3, 4]) == [90, 1, 2, 91, 3, 4]


def test_nothing_stands_twice() -> None:
    """A pinned story that is among the newest stands at its slot only."""
    assert ids({1: 3, 2: 1}, [1, 2, 3, 4]) == [3, 1, 2, 4]


def test_a_slot_out_of_reach_is_the_last() -> None:
    """Where stories are too few, a pinned one moves up."""
    assert ids({9: 90}, [1, 2]) == [1, 2, 90]


def test_a_front_is_never_longer_than_it_may_be() -> None:
    """Pins push the oldest out."""
    found = ids({2: 900}, list(range(FRONT_LENGTH)))
    assert (len(found), found[-1]) == (FRONT_LENGTH, FRONT_LENGTH - 2)


@pytest.fixture
def show(site: Site, assets: SiteAssets, teaser: Callable[..., Teaser]) -> Show:
    def page(view: ListingView | ArticleView, **options: Any) -> lxml.html.HtmlElement:
        return lxml.html.document_fromstring(render(view, site, assets, version=1, **options).body)

    return page


def graph(page: lxml.html.HtmlElement) -> dict[str, Any]:
    data = json.loads(page.xpath("string(//script[@type='application/ld+json'])"))
    return {one["@type"]: one for one in data["@graph"]}


@pytest.fixture
def author(teaser: Callable[..., Teaser]) -> ListingView:
    portrait = teaser(1).photo
    assert isinstance(portrait, Photo)
    photo = Photo(**{**vars(portrait), "alt": "ليلى حداد", "asset": "as_1", "shown": 4})
    return ListingView(
        "/authors/layla/", "author", (teaser(1), teaser(2)), title="ليلى حداد", older="/authors/layla/2/",
        profile=Profile(
            "ليلى حداد", "سطر أول.\nسطر <b>ثان</b>.", photo,
            (("https://social.example/@layla", "ماستودون"), ("https://layla.example/x", "")),
        ),
    )  # fmt: skip


def test_an_author_page_says_who_it_is(show: Show, author: ListingView) -> None:
    """Name, bio by paragraphs and escaped, portrait, links; its photo counts as one of the page's."""
    page = show(author)
    assert page.xpath("//h1/text()") == ["ليلى حداد"]
    assert page.xpath("//p[@class='bio']/text()") == ["سطر أول.", "سطر <b>ثان</b>."]
    assert page.xpath("//div[@class='portrait']//img/@alt") == ["ليلى حداد"]
    assert page.xpath("//ul[@class='elsewhere']//a/@href") == [
        "https://social.example/@layla", "https://layla.example/x",
    ]  # fmt: skip
    assert page.xpath("//ul[@class='elsewhere']//bdi/text()") == ["ماستودون", "layla.example"]
    assert page.xpath("//meta[@name='description']/@content") == ["سطر أول. سطر <b>ثان</b>."]
    assert page.xpath("//meta[@property='og:type']/@content") == ["profile"]
    assert photos_of(author)["as_1"] == 4


def test_an_author_page_is_a_profile_to_machines(show: Show, author: ListingView) -> None:
    """ProfilePage about a Person with url, description, image and sameAs."""
    found = graph(show(author))["ProfilePage"]["mainEntity"]
    assert (found["@type"], found["name"]) == ("Person", "ليلى حداد")
    assert found["url"] == "https://khabar.example/authors/layla/"
    assert found["sameAs"] == ["https://social.example/@layla", "https://layla.example/x"]
    assert found["image"].startswith("https://khabar.example/media/")


def test_numbered_pages_say_their_number(show: Show, teaser: Callable[..., Teaser]) -> None:
    """No two pages of a topic have one title; each leads to its neighbours."""
    page = show(
        ListingView(
            "/topics/x/3/", "topic", (teaser(1),), title="المرفأ", number=3, older="/topics/x/2/",
            newer="/topics/x/4/",
        )
    )  # fmt: skip
    assert page.xpath("//h1/text()") == ["المرفأ – صفحة 3"]
    assert page.xpath("//nav[@class='pages']/a/@href") == ["/topics/x/4/", "/topics/x/2/"]
    assert page.xpath("//meta[@name='description']/@content") == ["كل ما نُشر عن المرفأ"]
    assert "CollectionPage" in graph(page)


def test_topics_stand_below_the_body(show: Show, story: Callable[..., ArticleView]) -> None:
    """Only topics that have a page, as the article spells them; none, no list."""
    page = show(story(topics=(("ميناء", "ميناء"), ("بيروت", "بَيروت"))))
    assert page.xpath("//div[@class='article-body']/following-sibling::*[1]/@class") == ["topics"]
    assert page.xpath("//nav[@class='topics']//a/text()") == ["ميناء", "بَيروت"]
    assert page.xpath("//nav[@class='topics']//a/@rel") == ["tag", "tag"]
    assert not show(story()).xpath("//nav[@class='topics']")


def test_a_byline_has_the_present_name_of_its_author(story: Callable[..., ArticleView]) -> None:
    """By slug; whoever has no page stays as typed."""
    doc = story(doc={"byline": [{"name": "ل. حسن", "author": "layla"}, {"name": "سامي"}]}).content
    assert credited(doc, {"layla": "ليلى حسن"}).byline == (Credit("ليلى حسن", "layla"), Credit("سامي"))
    assert credited(doc, {"other": "x"}) is doc


def test_the_foot_names_the_pages_of_the_site(show: Show, story: Callable[..., ArticleView]) -> None:
    """In their order, with the language of each; without any there is no such navigation."""
    foot = (FootLink("/من-نحن/", "من نحن", "ar-LB"), FootLink("/privacy/", "Privacy", "en"))
    links = show(story(), foot=foot).xpath("//footer/nav[@class='about-site']//a")
    assert [(link.text, link.get("href"), link.get("lang")) for link in links] == [
        ("من نحن", "/%D9%85%D9%86-%D9%86%D8%AD%D9%86/", None),
        ("Privacy", "/privacy/", "en"),
    ]
    assert not show(story()).xpath("//nav[@class='about-site']")
