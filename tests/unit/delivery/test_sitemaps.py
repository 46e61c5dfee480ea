"""Sitemaps that the schemas of sitemaps.org and Google accept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree
from nashr.domain.site import Site
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import render
from nashr_delivery.sitemaps import publication_language
from nashr_delivery.views import SitemapEntry, SitemapIndexView, SitemapView, View

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SCHEMAS = Path(__file__).resolve().parents[4] / "shared" / "schemas"
ENTRY = SitemapEntry(
    "/politics/الميناء & البحر/",
    NOON,
    NOON,
    "«الميناء» & البحر",
    "ar-LB",
    ("/media/hero1280.jpg",),
    (
        ("ar-LB", "https://khabar.example/politics/x/"),
        ("en-GB", "https://khabar.example/en/politics/port/"),
        ("x-default", "https://khabar.example/politics/x/"),
    ),
)


def schema(name: str) -> etree.XMLSchema:
    path = SCHEMAS / name
    if not path.exists():
        pytest.skip("the sitemap schemas are not beside the checkout")
    return etree.XMLSchema(etree.parse(path))


@pytest.mark.parametrize(
    ("view", "name"),
    [
        (SitemapView("/sitemaps/articles-2026-11.xml", (ENTRY,)), "all.xsd"),
        (SitemapView("/sitemaps/news.xml", (ENTRY,), news=True), "all.xsd"),
        (SitemapView("/sitemaps/news.xml", (), news=True), "all.xsd"),
        (SitemapIndexView("/sitemap.xml", (("/sitemaps/news.xml", NOON),)), "siteindex.xsd"),
    ],
    ids=["month", "news", "empty", "index"],
)
def test_sitemaps_are_valid(view: View, name: str, site: Site, assets: SiteAssets) -> None:
    """Each sitemap validates, an empty one too."""
    schema(name).assertValid(etree.fromstring(render(view, site, assets, version=1).body))


def test_news_names_publication_and_language(site: Site, assets: SiteAssets) -> None:
    """The news sitemap gives the site's name, a bare language, the title and the first publication."""
    body = render(SitemapView("/sitemaps/news.xml", (ENTRY,), news=True), site, assets, version=1).body
    texts = {etree.QName(node).localname: node.text for node in etree.fromstring(body).iter("*")}
    assert (texts["name"], texts["language"], texts["title"]) == ("خبر", "ar", "«الميناء» & البحر")
    assert texts["publication_date"] == "2026-11-23T12:00:00+00:00"


def test_editions_stand_beside_the_address(site: Site, assets: SiteAssets) -> None:
    """hreflang of each edition, this one and the default among them, after what the schema asks."""
    body = render(SitemapView("/sitemaps/articles-2026-11.xml", (ENTRY,)), site, assets, version=1).body
    found = etree.fromstring(body).findall(".//{http://www.w3.org/1999/xhtml}link")
    assert [(one.get("rel"), one.get("hreflang"), one.get("href")) for one in found] == [
        ("alternate", tag, url) for tag, url in ENTRY.alternates
    ]


@pytest.mark.parametrize(
    ("tag", "code"), [("ar-SA", "ar"), ("ckb", "ckb"), ("zh-Hant-HK", "zh-tw"), ("zh", "zh-cn")]
)
def test_publication_language(tag: str, code: str) -> None:
    """Tags are cut to what the news schema takes."""
    assert publication_language(tag) == code
