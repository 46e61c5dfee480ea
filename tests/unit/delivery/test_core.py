"""Rendering is pure, declares its assets exactly, and stamps the version in one place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from nashr.domain.site import Site
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import PAGE_CACHE, render
from nashr_delivery.views import (
    ArticleView,
    FaviconView,
    FeedView,
    ListingView,
    ManifestView,
    RedirectView,
    RobotsView,
    SitemapEntry,
    SitemapIndexView,
    SitemapView,
    Teaser,
    TombstoneView,
    View,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NAMES = (
    "article",
    "home",
    "rss",
    "atom",
    "json",
    "sitemap",
    "index",
    "gone",
    "moved",
    "robots",
    "manifest",
    "icon",
)


@pytest.fixture
def view(
    request: pytest.FixtureRequest, story: Callable[..., ArticleView], teaser: Callable[..., Teaser]
) -> View:
    """One view of each kind, by name."""
    entry = SitemapEntry("/politics/خبر/", NOON, NOON, "خبر", "ar", ("/media/hero1280.jpg",))
    views: dict[str, View] = {
        "article": story(),
        "home": ListingView("/", "home", tuple(teaser(n) for n in range(1, 8))),
        "rss": FeedView("/feeds/rss.xml", "rss", (story(),), NOON),
        "atom": FeedView("/feeds/atom.xml", "atom", (story(),), NOON),
        "json": FeedView("/feeds/feed.json", "json", (story(),), NOON),
        "sitemap": SitemapView("/sitemaps/news.xml", (entry,), news=True),
        "index": SitemapIndexView("/sitemap.xml", (("/sitemaps/news.xml", NOON),)),
        "gone": TombstoneView("/politics/gone/", 410),
        "moved": RedirectView("/a/xyz1", "https://khabar.example/politics/خبر/"),
        "robots": RobotsView(),
        "manifest": ManifestView(),
        "icon": FaviconView(),
    }
    return views[request.param]


every_view = pytest.mark.parametrize("view", NAMES, indirect=True)


@every_view
def test_same_inputs_same_bytes(view: View, site: Site, assets: SiteAssets) -> None:
    """Rendering twice gives equal pages, body and headers."""
    assert render(view, site, assets, version=4) == render(view, site, assets, version=4)


@every_view
def test_versions_differ_in_the_stamp_alone(view: View, site: Site, assets: SiteAssets) -> None:
    """Two versions have one hash, and bodies that differ in the number and nowhere else."""
    one, other = (render(view, site, assets, version=version) for version in (41_001, 41_002))
    assert one.body_without_stamp_hash == other.body_without_stamp_hash
    assert one.body.replace(b"41001", b"41002", 1) == other.body
    assert (one.body == other.body) == isinstance(view, FaviconView)


@every_view
def test_declared_assets_are_those_named(view: View, site: Site, assets: SiteAssets) -> None:
    """``asset_paths`` is exactly the set of /media, /cards and /assets paths in the body.

    But for a sitemap, which says where photos lie and uses none.
    """
    page = render(view, site, assets, version=1)
    named = (
        set()
        if isinstance(view, SitemapView)
        else set(re.findall(rb"/(?:media|cards|assets)/[\w.]+", page.body))
    )
    assert {path.encode() for path in page.asset_paths} == named


@every_view
def test_headers_are_ascii(view: View, site: Site, assets: SiteAssets) -> None:
    """Metadata fits HTTP headers, whatever script the site is written in."""
    page = render(view, site, assets, version=1)
    assert all(value.isascii() for value in page.metadata.values())
    assert page.metadata["surrogate-key"].split() == list(page.tags)
    assert page.cache_control == PAGE_CACHE


@every_view
def test_below_a_base_path_nothing_escapes_it(view: View, site: Site, assets: SiteAssets) -> None:
    """A site at /en/ links and loads nothing outside /en/ on its own host."""
    below = replace(site, base_url="https://khabar.example/en/")
    page = render(view, below, assets, version=1)
    if not page.content_type.startswith("text/html"):
        assert b'"/media' not in page.body
        return
    links = re.findall(r'\s(?:href|src)="([^"]*)"', page.body.decode())
    for value in links:
        if isinstance(view, RedirectView) and value == page.metadata["location"]:
            continue
        local = value.removeprefix("https://khabar.example")
        assert not local.startswith("/") or local.startswith("/en/"), value


def test_a_changed_header_changes_the_hash(site: Site, assets: SiteAssets) -> None:
    """A tombstone that turns from 410 to 451 with the same notice is another page."""
    one = render(TombstoneView("/x/", 410, "نص"), site, assets, version=1)
    other = render(TombstoneView("/x/", 451, "نص"), site, assets, version=1)
    assert one.body_without_stamp_hash != other.body_without_stamp_hash
