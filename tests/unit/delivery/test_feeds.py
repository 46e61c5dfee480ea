"""Feeds that strict readers accept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest
from lxml import etree
from nashr.domain.site import Site
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import render
from nashr_delivery.views import ArticleView, Correction, FeedView

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NS = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}
PATHS = {"rss": "/feeds/rss.xml", "atom": "/feeds/atom.xml", "json": "/feeds/feed.json"}

Body = Callable[..., bytes]


@pytest.fixture
def body(site: Site, assets: SiteAssets, story: Callable[..., ArticleView]) -> Body:
    def feed(
        kind: Any, doc: dict[str, Any] | None = None, corrected: str | None = None,
        how: str = "correction", **changes: str,
    ) -> bytes:  # fmt: skip
        told = (Correction(how, corrected, NOON),) if corrected else ()
        item = replace(story(doc), corrections=told)
        view = FeedView(PATHS[kind], kind, (item,), NOON)
        return render(view, replace(site, **changes), assets, version=1).body  # type: ignore[arg-type]

    return feed


def test_rss_items_are_permanent_and_absolute(body: Body) -> None:
    """Each item has the permalink as guid, absolute links, four-digit years and its whole text."""
    channel = etree.fromstring(body("rss")).find("channel")
    assert channel is not None
    assert channel.find("atom:link[@rel='self']", NS) is not None
    item = channel.find("item")
    assert item is not None
    assert item.findtext("guid") == "https://khabar.example/a/xyz1"
    assert str(item.findtext("link")).startswith("https://khabar.example/politics/")
    assert item.findtext("pubDate") == "Mon, 23 Nov 2026 12:00:00 +0000"
    assert item.findtext("dc:creator", None, NS) == "ليلى حسن"
    assert "<b>0</b>" in str(item.findtext("content:encoded", None, NS))
    assert item.findtext("media:content/media:description", None, NS) == "رافعة فوق الماء"
    assert item.findtext("media:content/media:credit", None, NS) == "نشر"
    assert len(item.findall("enclosure")) == 1


def test_local_links_become_absolute(body: Body) -> None:
    """A link typed from the root works in a reader elsewhere."""
    doc = {"body": [{"type": "paragraph", "html": '<a href="/economy/">اقتصاد</a>'}]}
    item = etree.fromstring(body("rss", doc)).find(".//item")
    assert item is not None
    assert 'href="https://khabar.example/economy/"' in str(item.findtext("content:encoded", None, NS))


def test_corrections_go_with_the_text(body: Body) -> None:
    """Whoever reads the story elsewhere reads below it what was wrong, escaped as everything is."""
    text = str(
        etree.fromstring(body("rss", corrected="الرقم 5 < 6")).findtext(".//content:encoded", None, NS)
    )
    assert text.index("<b>0</b>") < text.index("تصويب") < text.index("الرقم 5 &lt; 6")
    assert "تصويب" not in str(etree.fromstring(body("rss")).findtext(".//content:encoded", None, NS))


def test_sponsored_text_says_so_first(body: Body) -> None:
    """The label stands above the text of a sponsored article, and of no other."""
    feeds = [body("json", {"kind": kind}) for kind in ("sponsored", "news")]
    sponsored, news = (json.loads(feed)["items"][0]["content_html"] for feed in feeds)
    assert "محتوى مموّل" in sponsored.split("</p>")[0]
    assert "محتوى مموّل" not in news


def titles(feed: bytes) -> list[str]:
    """The titles of its items, whatever the format."""
    if feed.startswith(b"{"):
        return [str(one["title"]) for one in json.loads(feed)["items"]]
    return [str(one.title) for one in feedparser.parse(feed).entries]


@pytest.mark.parametrize("kind", ["rss", "atom", "json"])
@pytest.mark.parametrize("feeds", ["full", "summary"])
def test_a_title_says_what_a_list_must_not_hide(body: Body, kind: str, feeds: str) -> None:
    """Paid for, or taken back: readers' programs show titles alone; other titles are the headline."""
    paid = body(kind, {"kind": "sponsored"}, feeds=feeds)
    back = body(kind, corrected="لم يحدث", how="retraction", feeds=feeds)
    assert titles(paid) == ["محتوى مموّل: الميناء يعود إلى العمل"]
    assert titles(back) == ["سحب: الميناء يعود إلى العمل"]
    assert titles(body(kind, corrected="الرقم", feeds=feeds)) == ["الميناء يعود إلى العمل"]


@pytest.mark.parametrize(("kind", "version"), [("rss", "rss20"), ("atom", "atom10")])
def test_an_independent_parser_reads_it_whole(body: Body, kind: str, version: str) -> None:
    """feedparser finds nothing to complain of, and every part: dates, author, photo, both texts."""
    found = feedparser.parse(body(kind))
    assert not found.bozo
    assert found.version == version
    assert found.feed.link == "https://khabar.example/"
    assert found.feed.language.lower() == "ar-lb"
    assert [one.href for one in found.feed.links if one.rel == "self"] == [
        f"https://khabar.example{PATHS[kind]}"
    ]
    (item,) = found.entries
    assert item.id == "https://khabar.example/a/xyz1"
    assert item.published_parsed[:5] == (2026, 11, 23, 12, 0)
    assert item.author == "ليلى حسن"
    (photo,) = item.enclosures
    assert (photo.href, photo.type) == ("https://khabar.example/media/hero1280.jpg", "image/jpeg")
    assert int(photo.length) > 0
    assert item.summary == "بعد ست سنوات من التوقف ترسو أول سفينة."
    assert "<b>0</b>" in item.content[0].value


@pytest.mark.parametrize("kind", ["rss", "atom", "json"])
def test_every_address_in_a_feed_is_absolute(body: Body, kind: str) -> None:
    """Links and pictures work wherever the feed is read; nothing in it runs."""
    text = body(kind, {"body": [
        {"type": "paragraph", "html": '<a href="/economy/">اقتصاد</a>'},
        {"type": "image", "asset": "inline", "alt": "رصيف"},
        {"type": "embed", "url": "https://video.example/1", "title": "تسجيل"},
    ]}).decode()  # fmt: skip
    text = text.replace("&#34;", '"').replace("&quot;", '"').replace('\\"', '"')
    found = re.findall(r'(?:href|src|url)="([^"]*)"', text)
    assert len(found) >= 3
    assert [one for one in found if not one.startswith("https://")] == []
    assert not re.search("(<|&lt;|u003c)(script|iframe)", text)


def test_summary_feeds_keep_the_text_at_home(body: Body) -> None:
    """With ``feeds = "summary"`` no format carries the body."""
    assert b"content:encoded>" not in body("rss", feeds="summary")
    assert b"<content" not in body("atom", feeds="summary")
    assert "content_html" not in json.loads(body("json", feeds="summary"))["items"][0]


def test_atom_has_what_the_rfc_asks(body: Body) -> None:
    """Feed and entry have id, title and updated; the entry its language and author."""
    feed = etree.fromstring(body("atom"))
    entry = feed.find("atom:entry", NS)
    assert entry is not None
    for node in (feed, entry):
        assert all(node.findtext(f"atom:{name}", None, NS) for name in ("id", "title", "updated"))
    assert entry.get("{http://www.w3.org/XML/1998/namespace}lang") == "ar-LB"
    assert entry.findtext("atom:author/atom:name", None, NS) == "ليلى حسن"


def test_json_feed_is_version_1_1(body: Body) -> None:
    """Version, language and items with ids, HTML and image."""
    feed = json.loads(body("json"))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    item = feed["items"][0]
    assert item["id"] == "https://khabar.example/a/xyz1"
    assert "<b>0</b>" in item["content_html"]
    assert item["image"] == "https://khabar.example/media/hero1280.jpg"


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_hard_text_keeps_xml_well_formed(body: Body, kind: str) -> None:
    """Markup, CDATA ends and characters that XML forbids in a headline do no harm."""
    feed = etree.fromstring(body(kind, {"headline": ']]> <b> & \ufffe « "it\'s"'}))
    titles = [str(node.text) for node in feed.iter() if str(node.tag).endswith("title")]
    assert titles[-1] == ']]> <b> &  « "it\'s"'
