"""What search engines, messengers and X read in the head."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import lxml.html
import pytest
from nashr.domain.site import Site
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import render
from nashr_delivery.views import ArticleView, SocialCard

Show = Callable[..., lxml.html.HtmlElement]

OWN = "https://khabar.example/politics/%D8%A7%D9%84%D9%85%D9%8A%D9%86%D8%A7%D8%A1-%D9%8A%D8%B9%D9%88%D8%AF/"


@pytest.fixture
def show(site: Site, assets: SiteAssets, story: Callable[..., ArticleView]) -> Show:
    def page(doc: dict[str, Any] | None = None, **changes: Any) -> lxml.html.HtmlElement:
        return lxml.html.document_fromstring(render(story(doc, **changes), site, assets, version=1).body)

    return page


def tags(page: lxml.html.HtmlElement) -> dict[str, str]:
    return {
        tag.get("property") or tag.get("name"): tag.get("content")
        for tag in page.xpath("//meta[@property or @name]")
    }


def link(page: lxml.html.HtmlElement, rel: str) -> list[str]:
    return [str(href) for href in page.xpath(f"//link[@rel='{rel}']/@href")]


def graph(page: lxml.html.HtmlElement) -> dict[str, Any]:
    nodes = json.loads(page.xpath("string(//script)"))["@graph"]
    return {node["@type"]: node for node in nodes}


def test_canonical_is_the_page_itself(show: Show) -> None:
    """One absolute canonical, and og:url agrees."""
    page = show()
    assert link(page, "canonical") == [OWN]
    assert tags(page)["og:url"] == OWN


def test_canonical_may_point_to_the_source(show: Show) -> None:
    """A republished text gives the credit to its source."""
    page = show({"source": {"name": "وكالة", "url": "https://agency.example/1", "canonical": True}})
    assert link(page, "canonical") == ["https://agency.example/1"]


def test_the_card_comes_with_its_real_size(show: Show) -> None:
    """Open Graph and X name the drawn card, its size and its alt, by absolute address."""
    found = tags(show())
    assert found["og:image"] == found["twitter:image"] == "https://khabar.example/cards/c1.jpg"
    assert (found["og:image:width"], found["og:image:height"]) == ("1200", "630")
    assert found["og:image:alt"] == found["twitter:image:alt"] == "بطاقة الخبر"
    assert found["twitter:card"] == "summary_large_image"


def test_each_card_has_its_own_tags(show: Show) -> None:
    """Open Graph lists the wide card and then the square one, each with its size; X shows the first."""
    cards = tuple(SocialCard(f"/cards/{w}.jpg", w, h, 9, "بطاقة") for w, h in ((1200, 630), (1080, 1080)))
    page = show(cards=cards)
    found = [
        (tag.get("property"), tag.get("content"))
        for tag in page.xpath("//meta[starts-with(@property, 'og:image')]")
    ]
    assert found == [
        pair
        for card in cards
        for pair in (
            ("og:image", f"https://khabar.example{card.path}"),
            ("og:image:type", "image/jpeg"),
            ("og:image:width", str(card.width)),
            ("og:image:height", str(card.height)),
            ("og:image:alt", "بطاقة"),
        )
    ]
    assert tags(page)["twitter:image"] == "https://khabar.example/cards/1200.jpg"


def test_without_its_card_a_page_shows_the_sites(show: Show) -> None:
    """The site's card goes before the hero; search engines are told of the hero only."""
    page = show(cards=(), site_cards=(SocialCard("/cards/site.jpg", 1200, 630, 9, "شعار خبر"),))
    assert tags(page)["og:image"] == "https://khabar.example/cards/site.jpg"
    assert tags(page)["og:image:alt"] == "شعار خبر"
    assert "/cards/site.jpg" not in json.dumps(graph(page))


def test_without_a_card_the_hero_stands_in(show: Show) -> None:
    """Until the card is drawn, messengers get the largest JPEG of the hero; without a photo, none."""
    found = tags(show(cards=()))
    assert found["og:image"] == "https://khabar.example/media/hero1280.jpg"
    assert found["og:image:alt"] == "رافعة فوق الماء"
    assert "og:image" not in tags(show({"hero": None}, cards=()))


def test_titles_by_place(show: Show) -> None:
    """The editor's titles for search and for sharing are used there and only there."""
    page = show({"titles": {"seo": "للبحث", "social": "للمشاركة"}})
    assert page.xpath("string(//title)") == "للبحث – خبر"
    assert tags(page)["og:title"] == "للمشاركة"
    assert page.xpath("string(//h1)") == "الميناء يعود إلى العمل"


def test_robots_follow_the_editor(show: Show) -> None:
    """Large previews are allowed, unless the article is not for the index."""
    assert "max-image-preview:large" in tags(show())["robots"]
    assert tags(show({"distribution": {"index": False}}))["robots"].startswith("noindex")


def test_translations_name_each_other(show: Show) -> None:
    """hreflang lists every edition, this one and the default; without translations there is none."""
    page = show(translations=(("en-GB", "https://khabar.example/en/politics/port/"),))
    found = {one.get("hreflang"): one.get("href") for one in page.xpath("//link[@hreflang]")}
    assert found == {
        "ar-LB": OWN,
        "en-GB": "https://khabar.example/en/politics/port/",
        "x-default": OWN,
    }
    assert not show().xpath("//link[@hreflang]")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("news", "NewsArticle"),
        ("analysis", "AnalysisNewsArticle"),
        ("opinion", "OpinionNewsArticle"),
        ("explainer", "BackgroundNewsArticle"),
        ("page", "WebPage"),
    ],
)
def test_structured_data_follows_the_kind(show: Show, kind: str, expected: str) -> None:
    """Article, breadcrumb and newsroom are in one graph; the article has the kind's type."""
    assert set(graph(show({"kind": kind}))) == {expected, "BreadcrumbList", "NewsMediaOrganization"}


def test_structured_data_is_complete(show: Show) -> None:
    """Headline, dates with their zone, author, publisher, and the photo in 16:9, 4:3 and 1:1."""
    nodes = graph(show())
    about = nodes["NewsArticle"]
    assert about["datePublished"] == "2026-11-23T14:00:00+02:00"
    assert about["author"] == [{"@type": "Person", "name": "ليلى حسن"}]
    assert about["publisher"]["@id"] == nodes["NewsMediaOrganization"]["@id"]
    shapes = {round(one["width"] / one["height"], 2) for one in about["image"]}
    assert {1.78, 1.33, 1.0} <= shapes
    assert len(nodes["BreadcrumbList"]["itemListElement"]) == 3


def test_machines_get_the_text_alone(show: Show) -> None:
    """The whole body without markup, captions and links to other stories, counted in words."""
    about = graph(show())["NewsArticle"]
    text = about["articleBody"]
    assert text.startswith("الفقرة 0 من النص.")
    assert {"ماذا تغيّر", "عدنا.", "أولاً"} <= set(text.split("\n"))
    assert "<" not in text
    assert "خبر رقم" not in text
    assert about["wordCount"] == len(text.split())


def test_only_live_author_pages_are_linked(show: Show) -> None:
    """A byline links where the author's page exists, else it is a name."""
    assert not show().xpath("//a[@rel='author']")
    page = show(author_pages=frozenset({"layla"}))
    assert page.xpath("//a[@rel='author']/@href") == ["/authors/layla/"]
    assert graph(page)["NewsArticle"]["author"][0]["url"] == "https://khabar.example/authors/layla/"


def test_policy_forbids_scripts(show: Show) -> None:
    """The page's policy allows nothing foreign and no script at all."""
    policy = show().xpath("string(//meta[@http-equiv='Content-Security-Policy']/@content)")
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "http" not in policy


def test_every_page_names_its_locale(show: Show) -> None:
    """Language and country as Open Graph writes them; the other editions beside it."""
    page = show(translations=(("en-GB", "https://khabar.example/en/politics/port/"),))
    assert tags(page)["og:locale"] == "ar_LB"
    assert tags(page)["og:locale:alternate"] == "en_GB"


def test_a_translation_points_to_its_original(show: Show) -> None:
    """x-default is the original, wherever one reads; machines read which work is whose translation."""
    other = ("en-GB", "https://khabar.example/en/politics/port/")
    page = show({"translation_of": "a0"}, translations=(other,), original=other[1])
    found = {one.get("hreflang"): one.get("href") for one in page.xpath("//link[@hreflang]")}
    assert found == {"ar-LB": OWN, "en-GB": other[1], "x-default": other[1]}
    assert graph(page)["NewsArticle"]["translationOfWork"]["url"] == other[1]
    assert graph(show(translations=(other,)))["NewsArticle"]["workTranslation"][0]["url"] == other[1]
    (link,) = page.xpath("//p[@class='editions']/a")
    assert (link.get("href"), link.get("lang"), link.text) == (other[1], "en-GB", "English")


def test_without_its_original_no_edition_stands_for_all(show: Show) -> None:
    """Two translations of what was removed name each other; neither is the default or the original."""
    other = ("fr", "https://khabar.example/fr/politics/port/")
    page = show({"translation_of": "a0"}, translations=(other,))
    found = {one.get("hreflang"): one.get("href") for one in page.xpath("//link[@hreflang]")}
    assert found == {"ar-LB": OWN, "fr": other[1]}
    assert not {"translationOfWork", "workTranslation"} & graph(page)["NewsArticle"].keys()


def test_the_social_image_goes_before_the_hero(show: Show) -> None:
    """Without a card the editor's choice for sharing is shared, with its own alt."""
    found = tags(show({"social_image": {"asset": "inline", "alt": "الرصيف"}}, cards=()))
    assert found["og:image"].startswith("https://khabar.example/media/inline")
    assert found["og:image:alt"] == "الرصيف"


def test_the_short_address_is_announced(show: Show) -> None:
    """Tools that share find the permalink."""
    assert link(show(), "shortlink") == ["https://khabar.example/a/xyz1"]


def test_the_newsroom_names_its_rules(
    site: Site, assets: SiteAssets, story: Callable[..., ArticleView]
) -> None:
    """Pages and addresses of the theme stand in the newsroom's data, absolute."""
    theme = {"publishing_principles": "/principles/", "corrections_policy": "https://rules.example/"}
    page = render(story(), replace(site, theme=theme), assets, version=1)
    found = graph(lxml.html.document_fromstring(page.body))["NewsMediaOrganization"]
    assert found["publishingPrinciples"] == "https://khabar.example/principles/"
    assert found["correctionsPolicy"] == "https://rules.example/"


def test_photos_come_in_the_shapes_that_search_wants(show: Show) -> None:
    """16:9, 4:3 and 1:1 at 1200 px, by absolute address, with caption and credit."""
    images = graph(show())["NewsArticle"]["image"]
    shapes = {round(one["width"] / one["height"], 2) for one in images if one["width"] >= 1200}
    assert shapes >= {1.78, 1.33, 1.0}
    assert {one["creditText"] for one in images} == {"نشر"}


def test_feeds_can_be_found(show: Show) -> None:
    """RSS, Atom, JSON Feed and the section's own RSS are announced."""
    found = show().xpath("//link[@rel='alternate' and @title]/@href")
    assert found == ["/feeds/rss.xml", "/feeds/atom.xml", "/feeds/feed.json", "/politics/rss.xml"]
