"""Redirects and tombstones, and the small files that every site has."""

from __future__ import annotations

import io
import json
from typing import Literal

import lxml.html
import pytest
from nashr.domain.site import Site
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import render
from nashr_delivery.notices import ascii_url
from nashr_delivery.views import FaviconView, ManifestView, RedirectView, RobotsView, TombstoneView
from PIL import Image


@pytest.mark.parametrize("status", [404, 410, 451])
def test_tombstone_tells_the_edge_its_status(
    status: Literal[404, 410, 451], site: Site, assets: SiteAssets
) -> None:
    """The object carries the real status, shows the public notice, and asks not to be indexed."""
    page = render(TombstoneView("/politics/x/", status, "سُحب <بطلب>"), site, assets, version=1)
    document = lxml.html.document_fromstring(page.body)
    assert page.metadata["status"] == str(status)
    assert "سُحب <بطلب>" in str(document.xpath("string(//main)"))
    assert document.xpath("string(//meta[@name='robots']/@content)") == "noindex"
    assert not document.xpath("//link[@rel='canonical']")


def test_the_not_found_page_has_no_status_of_its_own(site: Site, assets: SiteAssets) -> None:
    """``/404.html`` is what an edge shows for other paths: the status is the edge's."""
    page = render(TombstoneView("/404.html", 404), site, assets, version=1)
    assert "status" not in page.metadata
    assert "الصفحة غير موجودة" in page.body.decode()


def test_redirect_works_with_and_without_an_edge(site: Site, assets: SiteAssets) -> None:
    """Metadata holds 301 and an ASCII location; the body forwards by itself and is not indexed."""
    page = render(RedirectView("/a/xyz1", "https://khabar.example/politics/خبر/"), site, assets, version=1)
    location = "https://khabar.example/politics/%D8%AE%D8%A8%D8%B1/"
    assert (page.metadata["status"], page.metadata["location"]) == ("301", location)
    document = lxml.html.document_fromstring(page.body)
    assert document.xpath("//link[@rel='canonical']/@href") == [location]
    assert document.xpath("//meta[@http-equiv='refresh']/@content") == [f"0; url={location}"]
    assert document.xpath("//meta[@name='robots']/@content") == ["noindex"]
    assert document.xpath("//a/@href") == [location]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/%D8%AE/?q=خ#م", "https://a.example/%D8%AE/?q=%D8%AE#%D9%85"),
        ("https://موقع.example/", "https://xn--4gbrim.example/"),
        ('https://a.example/"<x>\n', "https://a.example/%22%3Cx%3E"),
    ],
)
def test_locations_fit_a_header(url: str, expected: str) -> None:
    """Anything beyond ASCII, quotes and line ends is encoded or gone; escapes are not escaped again."""
    assert ascii_url(url) == expected


def test_robots_names_the_sitemaps(site: Site, assets: SiteAssets) -> None:
    """robots.txt lists the sitemaps by absolute address."""
    text = render(RobotsView(), site, assets, version=1).body.decode()
    assert "Sitemap: https://khabar.example/sitemap.xml\n" in text


def test_manifest_is_json_with_icons(site: Site, assets: SiteAssets) -> None:
    """The manifest has name, direction and icons that are assets of the site."""
    data = json.loads(render(ManifestView(), site, assets, version=1).body)
    assert (data["name"], data["dir"], data["lang"]) == ("خبر", "rtl", "ar-LB")
    assert {icon["src"] for icon in data["icons"]} == {assets.icon, assets.touch_icon}


def test_favicon_is_an_icon(site: Site, assets: SiteAssets) -> None:
    """The icon decodes to 32 pixels with see-through corners and the mark's white lines."""
    body = render(FaviconView(), site, assets, version=1).body
    with Image.open(io.BytesIO(body)) as icon:
        pixels = icon.convert("RGBA")
    assert pixels.size == (32, 32)
    assert pixels.getpixel((0, 0))[3] < 30  # type: ignore[index]
    assert pixels.getpixel((16, 10)) == (255, 255, 255, 255)
