"""Editions, sitemaps and feeds as served: mutual links, and no complaint from schemas or a feed reader.

Google's rule for hreflang is that links must be mutual and include the page itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import lxml.etree
import lxml.html
import pytest

if TYPE_CHECKING:
    from tests.conftest import Stack

FEEDS: Final = ("feeds/rss.xml", "feeds/atom.xml", "politics/rss.xml")
BASES: Final = ("/", "/other/")
LOC: Final = re.compile(r"<loc>([^<]+)</loc>")


def _editions(stack: Stack, url: str) -> Mapping[str, str]:
    """hreflang of a page's head: address by tag."""
    page: Any = lxml.html.document_fromstring(stack.fetch(url).content)
    return {one.get("hreflang"): one.get("href") for one in page.xpath("//link[@hreflang]")}


def test_editions_name_each_other(stack: Stack, pages: Mapping[str, str]) -> None:
    """Original and translation carry the same list, themselves and the default in it."""
    arabic, english = pages["ar article"], pages["en article"]
    stack.until(lambda: _editions(stack, arabic), what="the original to name its translation")
    found = _editions(stack, english)
    assert found == _editions(stack, arabic)
    assert set(found.values()) == {arabic, english}
    assert found["x-default"] == arabic
    assert len(found) == 3


def schema(pytestconfig: pytest.Config, name: str) -> lxml.etree.XMLSchema:
    shared = Path(os.environ.get("NASHR_TEST_SHARED", pytestconfig.rootpath.parent / "shared"))
    file = shared / "schemas" / name
    if not file.exists():
        pytest.skip(f"no {name}: the schemas of sitemaps.org and Google are not in NASHR_TEST_SHARED/schemas")
    return lxml.etree.XMLSchema(lxml.etree.parse(file))


@pytest.mark.parametrize("base", BASES)
def test_sitemaps_are_valid(
    stack: Stack, pages: Mapping[str, str], pytestconfig: pytest.Config, base: str
) -> None:
    """The index and every sitemap that it names keep to their schemas; robots.txt names the index."""
    index = f"{stack.site}{base}sitemap.xml"
    assert f"Sitemap: {stack.site}/sitemap.xml" in stack.fetch("/robots.txt").text
    body = stack.fetch(index)
    schema(pytestconfig, "siteindex.xsd").assertValid(lxml.etree.fromstring(body.content))
    named = LOC.findall(body.text)
    assert len(named) >= 2
    for url in named:
        schema(pytestconfig, "all.xsd").assertValid(lxml.etree.fromstring(stack.fetch(url).content))


def _parsed(body: bytes) -> Any:
    """A feed as a reader's program sees it. The group audit is not in every installation."""
    feedparser = pytest.importorskip(
        "feedparser", reason="feedparser is not installed: make audit installs it"
    )
    return feedparser.parse(body)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("feed", FEEDS)
def test_feeds_are_read_without_complaint(
    stack: Stack, pages: Mapping[str, str], base: str, feed: str
) -> None:
    """feedparser finds them well-formed, and each entry with id, link, title, date, author and text."""
    found = _parsed(stack.fetch(f"{base}{feed}").content)
    assert not found.bozo, found.get("bozo_exception")
    assert found.feed.title
    assert found.feed.language
    assert f"{stack.site}{base}{feed}" in {one.href for one in found.feed.links if one.rel == "self"}
    assert found.entries
    for entry in found.entries:
        assert _absent(entry) == [], entry.get("link")
    ids = [entry.id for entry in found.entries]
    assert len(set(ids)) == len(ids)


def _absent(entry: Mapping[str, Any]) -> Sequence[str]:
    wanted = ("id", "link", "title", "published_parsed", "author", "summary", "content")
    return [name for name in wanted if not entry.get(name)]


def test_a_broken_feed_is_told_from_a_good_one() -> None:
    """An entry without a date or a title, and XML that breaks off, are seen."""
    found = _parsed(
        b"<rss version='2.0'><channel><item><link>https://x.example/</link></item></channel></rss>"
    )
    assert {"title", "published_parsed"} <= set(_absent(found.entries[0]))
    assert _parsed(b"<rss version='2.0'><channel><title>x</channel>").bozo
