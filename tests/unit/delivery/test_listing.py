"""Fronts and archives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import lxml.html
import pytest
from nashr.domain.site import Site
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import render
from nashr_delivery.views import ArchiveMonth, Banner, ListingView, Teaser

Show = Callable[..., lxml.html.HtmlElement]


@pytest.fixture
def show(site: Site, assets: SiteAssets, teaser: Callable[..., Teaser]) -> Show:
    def page(path: str = "/", kind: Any = "home", **changes: Any) -> lxml.html.HtmlElement:
        values = {"teasers": tuple(teaser(n) for n in range(1, 8)), **changes}
        return lxml.html.document_fromstring(
            render(ListingView(path, kind, **values), site, assets, version=1).body
        )

    return page


def test_home_opens_with_one_lead(show: Show) -> None:
    """The first story is large and its photo is fetched first; the others follow in order."""
    page = show()
    links = page.xpath("//main//h2/a/@href")
    assert links == [f"/politics/story-{n}/" for n in range(1, 8)]
    assert len(page.xpath("//div[@class='lead']//article")) == 1
    assert len(page.xpath("//img[@fetchpriority='high']")) == 1


def test_home_and_sections_are_marked_in_the_navigation(show: Show, site: Site) -> None:
    """The reader sees where the page stands: home first, then the sections in order."""
    labels = show().xpath("//header//nav//a/text()")
    assert labels == ["الرئيسية", "سياسة", "اقتصاد", "ثقافة"]
    assert show().xpath("//header//a[@aria-current]/@href") == ["/"]
    page = show("/economy/", "section", section=site.sections[1])
    assert page.xpath("//header//a[@aria-current]/@href") == ["/economy/"]
    assert page.xpath("string(//h1)") == "اقتصاد"


def test_archive_month_is_named_and_chained(show: Show, site: Site) -> None:
    """An archive month names section and month, links to its neighbours and to other months."""
    page = show(
        "/economy/archive/2026-11/",
        "archive",
        section=site.sections[1],
        month=date(2026, 11, 1),
        older="/economy/archive/2026-10/",
        newer="/economy/",
        archive=(ArchiveMonth(date(2026, 10, 1), "/economy/archive/2026-10/"),),
    )
    assert page.xpath("string(//h1)") == "اقتصاد: أرشيف تشرين الثاني 2026"
    assert page.xpath("//link[@rel='next']/@href") == ["/economy/archive/2026-10/"]
    assert page.xpath("//nav[@class='pages']/a[@rel='prev']/@href") == ["/economy/"]
    assert page.xpath("//nav[@class='months']//a/text()") == ["تشرين الأول 2026"]
    assert not page.xpath("//div[@class='lead']")


def test_an_empty_section_says_so(show: Show, site: Site) -> None:
    """A section without stories is a page, not a blank."""
    page = show("/culture/", "section", section=site.sections[2], teasers=())
    assert "لا أخبار هنا بعد." in page.xpath("string(//main)")


def test_banner_stands_above_the_front(show: Show) -> None:
    """The editor's banner is the first thing of the page's main part."""
    page = show(banner=Banner("انقطاع في الشمال", "/politics/story-1/"))
    first = page.xpath("//main/*")[0]
    assert first.get("class") == "banner"
    assert first.xpath("a/@href") == ["/politics/story-1/"]


def test_every_image_has_alt_and_size(show: Show) -> None:
    """Cards shift nothing: each image has alt, width and height."""
    assert all(image.get("alt") is not None and image.get("width") for image in show().xpath("//img"))
