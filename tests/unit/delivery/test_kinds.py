"""Every kind of article says what it is: to readers above the headline, to machines as its type."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import lxml.html
import pytest
from nashr.domain.article import KINDS
from nashr.domain.site import Site
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import render
from nashr_delivery.views import ArticleView, Correction, Teaser

Show = Callable[..., lxml.html.HtmlElement]
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FIXED = Correction("correction", "الصحيح اثنتان.", NOON)
TAKEN_BACK = Correction("retraction", "الوثيقة مزوّرة.", NOON)

KIND = {
    "news": (None, "NewsArticle"),
    "analysis": ("تحليل", "AnalysisNewsArticle"),
    "opinion": ("رأي", "OpinionNewsArticle"),
    "explainer": ("شرح", "BackgroundNewsArticle"),
    "interview": ("مقابلة", "ReportageNewsArticle"),
    "sponsored": ("محتوى مموّل", "AdvertiserContentArticle"),
    "page": (None, "WebPage"),
}


@pytest.fixture
def show(site: Site, assets: SiteAssets, story: Callable[..., ArticleView]) -> Show:
    def page(doc: dict[str, Any] | None = None, **changes: Any) -> lxml.html.HtmlElement:
        return lxml.html.document_fromstring(render(story(doc, **changes), site, assets, version=1).body)

    return page


def texts(page: lxml.html.HtmlElement, query: str) -> list[str]:
    return [one.text_content() for one in page.xpath(query)]


def article(page: lxml.html.HtmlElement) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.xpath("string(//script)"))["@graph"][0]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_named(show: Show, kind: str) -> None:
    """The label stands before the headline, beside a kicker and never instead of it."""
    page = show({"kind": kind})
    label, schema = KIND[kind]
    labels = page.xpath("//h1/preceding::p[contains(@class, 'kind')]")
    assert [one.text for one in labels] == ([label] if label else [])
    assert texts(page, "//p[@class='kicker']") == ["عاجل"]
    assert article(page)["@type"] == schema


def test_a_paid_text_names_who_paid(show: Show) -> None:
    """Readers see the source, search engines are told not to trust its link, machines get the sponsor."""
    page = show({"kind": "sponsored", "source": {"name": "مصرف الساحل", "url": "https://bank.example/"}})
    (link,) = page.xpath("//p[@class='source']/a")
    assert link.text_content() == "مصرف الساحل"
    assert "sponsored" in link.get("rel").split()
    assert article(page)["sponsor"] == {"@type": "Organization", "name": "مصرف الساحل"}


def test_a_link_to_a_paid_text_says_so(show: Show, teaser: Callable[..., Teaser]) -> None:
    """A card and a see-also link of paid content are labelled before they are followed."""
    paid = [replace(teaser(n), kind="sponsored") for n in (1, 11)]
    page = show(related_news=(paid[0], teaser(2)), see_also=(paid[1], teaser(12)))
    cards = page.xpath("//section[@class='related']//article")
    assert [texts(card, ".//p[contains(@class, 'kind')]") for card in cards] == [["محتوى مموّل"], []]
    assert texts(page, "//aside[@class='see-also']/span") == ["محتوى مموّل", "شاهد أيضاً"]


def test_a_retraction_stands_before_the_headline(show: Show) -> None:
    """A story that was taken back says so first, and wherever only its title is shown."""
    page = show(corrections=(FIXED, TAKEN_BACK))
    (box,) = page.xpath("//h1/preceding-sibling::div[@class='retraction']")
    assert "سُحبت هذه المادة" in box.text_content()
    assert "الوثيقة مزوّرة." in box.text_content()
    assert page.xpath("string(//title)").startswith("سحب: ")
    assert page.xpath("string(//meta[@property='og:title']/@content)").startswith("سحب: ")
    assert page.xpath("string(//h1)") == "الميناء يعود إلى العمل"


def test_a_correction_is_told_above_and_below(show: Show) -> None:
    """Above the text a note leads to the corrections below it; the title stays."""
    page = show(corrections=(FIXED,))
    (note,) = page.xpath("//p[@class='note corrected']/a")
    assert page.xpath(f"//section[@id='{note.get('href').removeprefix('#')}']")
    assert not page.xpath("//div[@class='retraction']")
    assert not page.xpath("string(//title)").startswith("سحب")
    assert not show(corrections=(Correction("update", "جديد.", NOON),)).xpath("//p[@class='note corrected']")


def test_machines_read_every_correction(show: Show) -> None:
    """Each is a CorrectionComment with its kind, its text and its time, also of a plain page."""
    for kind in ("news", "page"):
        found = article(show({"kind": kind}, corrections=(FIXED, TAKEN_BACK)))["correction"]
        assert [one["@type"] for one in found] == ["CorrectionComment"] * 2
        assert [(one["name"], one["text"]) for one in found] == [
            ("تصويب", "الصحيح اثنتان."),
            ("سحب", "الوثيقة مزوّرة."),
        ]


def test_names_of_another_script_keep_their_order(show: Show) -> None:
    """Each name of the byline is isolated, or two Latin names would run from left to right."""
    page = show({"byline": [{"name": "John Smith"}, {"name": "Jane Doe"}]})
    assert texts(page, "//p[@class='byline']//bdi") == ["John Smith", "Jane Doe"]
