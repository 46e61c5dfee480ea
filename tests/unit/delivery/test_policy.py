"""What a page lets a browser do: nothing but show what is ours."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace

import lxml.html
import pytest
from nashr.domain.site import Section, Site
from nashr_delivery.assets import site_assets
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import Page, render
from nashr_delivery.views import ArticleView, ListingView, RedirectView, Teaser, TombstoneView, View

METADATA_BYTES = 2048  # Amazon S3, "User-defined object metadata"
KINDS = ("article", "home", "gone", "moved")


@pytest.fixture
def view(
    request: pytest.FixtureRequest, story: Callable[..., ArticleView], teaser: Callable[..., Teaser]
) -> View:
    views: dict[str, View] = {
        "article": story(),
        "home": ListingView("/", "home", tuple(teaser(n) for n in range(1, 8))),
        "gone": TombstoneView("/politics/gone/", 410),
        "moved": RedirectView("/a/xyz1", "https://khabar.example/politics/خبر/"),
    }
    return views[request.param]


every_kind = pytest.mark.parametrize("view", KINDS, indirect=True)


def read(page: Page) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(page.body)


def in_page(page: Page) -> str:
    document = read(page)
    return str(document.xpath("string(//meta[@http-equiv='Content-Security-Policy']/@content)"))


def style_hashes(page: Page) -> set[str]:
    """The digests of the style elements as a browser takes them: of their text, byte by byte."""
    found = re.findall(rb"<style>(.*?)</style>", page.body, re.DOTALL)
    return {base64.b64encode(hashlib.sha256(text).digest()).decode() for text in found}


@every_kind
def test_no_style_stands_in_an_attribute(view: View, site: Site, assets: SiteAssets) -> None:
    """No page needs 'unsafe-inline': no style attribute, no handler, and each style element has its hash."""
    page = render(view, site, assets, version=1)
    document = read(page)
    assert not document.xpath("//@style | //@*[starts-with(name(), 'on')]")
    assert "unsafe" not in in_page(page)
    assert set(re.findall(r"'sha256-([^']+)'", in_page(page))) == style_hashes(page)


@every_kind
def test_nothing_foreign_and_no_script(view: View, site: Site, assets: SiteAssets) -> None:
    """The policy allows our own images, styles and fonts, and tools that read robots.txt from the page."""
    policy = in_page(render(view, site, assets, version=1))
    assert policy.startswith("default-src 'none'; ")
    assert "connect-src 'self'" in policy
    assert "script-src" not in policy
    assert "http" not in policy


def test_photos_are_blurred_by_the_style_element(
    site: Site, assets: SiteAssets, story: Callable[..., ArticleView]
) -> None:
    """The same photo twice is one rule; a photo's placeholder and focal point are reached by its class."""
    view = story()
    twice = replace(view, photos={**view.photos, "inline": view.photos["hero"]})
    document = read(render(twice, site, assets, version=1))
    style = str(document.xpath("string(//style)"))
    names = document.xpath("//figure//img/@class")
    assert len(names) == 2
    assert len(set(names)) == 1
    assert re.search(rf"\.{names[0]}\{{background-image:url\(data:[^)]+\);object-position:40% 30%\}}", style)


@pytest.mark.parametrize("view", ["article", "home", "gone"], indirect=True)
def test_the_header_says_the_same_and_forbids_frames(view: View, site: Site, assets: SiteAssets) -> None:
    """The object's metadata carries the page's policy for edges, with what only a header can say."""
    page = render(view, site, assets, version=1)
    assert page.metadata["csp"] == f"{in_page(page)}; frame-ancestors 'none'"


def test_metadata_fits_into_an_object(
    site: Site, assets: SiteAssets, story: Callable[..., ArticleView]
) -> None:
    """With the longest section and a logo of another host all metadata stays below what S3 takes."""
    slug = "س" * 60
    wide = replace(site, sections=(Section(slug, "س"),), logo=f"https://{'l' * 60}.example/logo.svg")
    for view in (story({"section": slug}), RedirectView("/a/x", f"https://khabar.example/{slug}/{slug}/")):
        page = render(view, wide, site_assets(wide, name=lambda _: "0" * 32), version=1)
        size = sum(len(name) + len(value) for name, value in page.metadata.items())
        assert size + len("version") + 20 < METADATA_BYTES


def test_a_logo_of_another_host_is_allowed(site: Site, story: Callable[..., ArticleView]) -> None:
    """An absolute logo adds its host to the images, and nothing else."""
    far = replace(site, logo="https://img.example/logo.svg")
    policy = in_page(render(story(), far, site_assets(far, name=lambda _: "0" * 32), version=1))
    assert "img-src 'self' data: https://img.example;" in policy
