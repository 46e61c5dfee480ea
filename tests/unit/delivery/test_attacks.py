"""Every payload in every text of every kind of page: nothing of it arrives as markup, in no context."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import lxml.etree
import lxml.html
import pytest
from nashr.domain.site import Section, Site
from nashr_delivery.chrome import Chrome, Links, SiteAssets
from nashr_delivery.core import render
from nashr_delivery.policy import in_header
from nashr_delivery.views import (
    ArticleView,
    Banner,
    Correction,
    FeedView,
    ListingView,
    ManifestView,
    Profile,
    RedirectView,
    SitemapEntry,
    SitemapView,
    TombstoneView,
    View,
)

from tests.pages.attacks import texts
from tests.unit.delivery.conftest import NOON, photo_of, teaser_of

TEXTS = texts("http://sink.test")
Story = Callable[..., ArticleView]


def hostile_site(site: Site, text: str) -> Site:
    words = ("tagline", "footer", "x_handle", "publishing_principles", "corrections_policy", "masthead")
    return replace(site, name=text, sections=(Section("politics", text),), theme=dict.fromkeys(words, text))


def hostile_story(story: Story, text: str) -> ArticleView:
    use = {"asset": "hero", "alt": text, "caption": text, "credit": text}
    doc = {
        "headline": text, "standfirst": text, "kicker": text, "dateline": text, "description": text,
        "titles": dict.fromkeys(("seo", "social", "short"), text), "keywords": [text], "hero": use,
        "byline": [{"name": text}, {"name": text, "role": "editor"}], "source": {"name": text},
        "translation": {"from": "fr", "credit": text}, "ai": {"text": "assisted", "note": text},
        "body": [
            {"type": "paragraph", "html": html.escape(text)}, {"type": "heading", "text": text},
            {"type": "quote", "html": html.escape(text), "cite": text}, {"type": "image", **use},
            {"type": "embed", "url": "https://x.example/", "title": text},
        ],
    }  # fmt: skip
    return story(doc, corrections=(Correction("correction", text, NOON),), topics=((text, text),))


def hostile_pages(text: str, story: ArticleView) -> Iterator[View]:
    teaser = replace(teaser_of(1), headline=text, standfirst=text, kicker=text, photo=photo_of("t", alt=text))
    yield replace(story, see_also=(teaser,), related_news=(teaser, replace(teaser_of(2), headline=text)))
    profile = Profile(text, text, photo_of("p", alt=text), (("https://x.example/", text),))
    yield ListingView("/", "home", (teaser,), banner=Banner(text, "https://x.example/"))
    yield ListingView("/authors/x/", "author", (teaser,), title=text, profile=profile)
    yield ListingView("/topics/x/", "topic", (teaser,), title=text, description=text)
    for kind in ("rss", "atom", "json"):
        yield FeedView(f"/feeds/{kind}", kind, (story,), NOON)
    yield SitemapView("/sitemaps/news.xml", (SitemapEntry(f"/x/{text}/", NOON, NOON, text),), news=True)
    yield TombstoneView("/x/", 410, text)
    yield RedirectView("/old/", f"https://x.example/{text}")
    yield ManifestView()


@pytest.mark.parametrize("text", TEXTS)
def test_no_payload_is_markup_anywhere(text: str, site: Site, assets: SiteAssets, story: Story) -> None:
    """What holds a tag never stands on a page as typed, nothing gets a handler, all of it parses."""
    home = hostile_site(site, text)
    for view in hostile_pages(text, hostile_story(story, text)):
        page = render(view, home, assets, version=1)
        assert "<" not in text or text.encode() not in page.body, type(view).__name__
        _check_parses(page.body, page.content_type)
        assert all(value.isascii() and value.isprintable() for value in page.metadata.values())


def _check_parses(body: bytes, kind: str) -> None:
    if "json" in kind:
        json.loads(body)
    elif "xml" in kind:
        lxml.etree.fromstring(body, lxml.etree.XMLParser(resolve_entities=False, no_network=True))
    else:
        root: Any = lxml.html.document_fromstring(body)
        assert root.xpath("//@*[starts-with(name(), 'on')]") == []
        for script in root.xpath("//script"):
            json.loads(script.text)


@pytest.mark.parametrize("text", [one for one in TEXTS if "<" in one])
def test_what_the_database_says_is_cleaned_again(
    text: str, site: Site, assets: SiteAssets, story: Story
) -> None:
    """Markup that came round ingest, such as by a restored backup, is cleaned all the same."""
    blocks: list[dict[str, Any]] = [
        {"type": "paragraph", "html": text}, {"type": "quote", "html": text},
        {"type": "list", "items": [text]},
    ]  # fmt: skip
    view = story({"body": [*blocks, {"type": "paragraph", "html": "<b>x</b>"}]})
    root: Any = lxml.html.document_fromstring(render(view, site, assets, version=1).body)
    (body,) = root.xpath("//div[@class='article-body']")
    known = {"p", "blockquote", "ul", "li", "b", "div", "aside", "span", "a"}
    assert {one.tag for one in body.iter()} <= known
    assert not [one.attrib for one in body.iter() if set(one.attrib) - {"class", "href", "lang", "dir"}]
    feed = render(FeedView("/feeds/rss.xml", "rss", (view,), NOON), site, assets, version=1)
    assert b"alert(" not in feed.body or b"&lt;script" not in feed.body


@pytest.mark.parametrize(
    "logo",
    [
        "https://x.example; script-src *", "https://x.example\r\nX-Evil: 1/", "https://x.example;sandbox/",
        "https://x.example' 'unsafe-inline/", "javascript://x/%0aalert(1)", "https://user@x.example/",
        "https://خبر..example/x.svg", "https://[x/x.svg",
    ],
)  # fmt: skip
def test_a_logo_cannot_widen_the_policy(logo: str, site: Site, assets: SiteAssets) -> None:
    """Only a plain host gets a place in it, whatever a stored site says."""
    plain = in_header(Chrome(site, assets, Links(site)))
    home = replace(site, logo=logo)
    assert in_header(Chrome(home, assets, Links(home))) == plain
    good = replace(site, logo="https://cdn.خبر.example/logo.svg")
    assert "data: https://cdn.xn--ngblk.example;" in in_header(Chrome(good, assets, Links(good)))
