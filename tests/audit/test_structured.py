"""Structured data and share tags as search engines and messengers document them.

The clauses: Google's pages on Article, Breadcrumb and Organization, Meta's on sharing. What Google only
recommends is asked for all the same. extruct reads as crawlers do; a second opinion comes from
structured-data-testing-tool, whose presets stand for Google, X and Facebook.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from tests.audit.conftest import node
from tests.audit.rendered import CASES, Rendered, article

RECOMMENDED: Final = ("headline", "image", "datePublished", "dateModified", "author")
"""Google, Article: no property is required, these are recommended."""
READ_BY_OTHERS: Final = (
    *("@id", "url", "mainEntityOfPage", "publisher", "description", "articleSection", "inLanguage"),
    *("isAccessibleForFree", "keywords", "wordCount", "thumbnailUrl", "speakable"),
)
SHAPES: Final = {"16x9": 16 / 9, "4x3": 4 / 3, "1x1": 1.0}
DISCOVER: Final = 1200
PIXELS: Final = 800_000
"""Google, Article: several images of high resolution, in 16x9, 4x3 and 1x1; Discover asks for 1200 px."""
OPEN_GRAPH: Final = (
    *("og:title", "og:type", "og:url", "og:image", "og:image:type", "og:image:width", "og:image:height"),
    *("og:image:alt", "og:description", "og:site_name", "og:locale", "article:published_time"),
    *("article:modified_time", "article:section", "article:tag", "article:author"),
)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{'full' if case[1] else 'plain'}")
def story(request: pytest.FixtureRequest) -> Rendered:
    language, full = request.param
    return article(language, full=full)


@pytest.fixture(scope="module")
def data(story: Rendered) -> Mapping[str, Any]:
    extruct = pytest.importorskip("extruct", reason="extruct is not installed: make audit installs it")
    found = extruct.extract(
        story.html, base_url=story.url, syntaxes=["json-ld", "opengraph"], errors="strict"
    )
    return dict(found)


@pytest.fixture(scope="module")
def nodes(data: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The page's only graph, by type; an article's own type stands under ``article``."""
    (graph,) = data["json-ld"]
    assert graph["@context"] == "https://schema.org"
    first, *others = graph["@graph"]
    return {"article": first, **{one["@type"]: one for one in others}}


@pytest.fixture(scope="module")
def shared(data: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Open Graph: every value of a name, in its order."""
    (found,) = data["opengraph"]
    names: dict[str, list[str]] = {}
    for name, value in found["properties"]:
        names.setdefault(name, []).append(value)
    return names


def absolute(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(parts.netloc)


def test_an_article_has_what_is_recommended(nodes: Mapping[str, Any], story: Rendered) -> None:
    """All properties are there, none empty; dates carry their offset; the headline is the page's."""
    about = nodes["article"]
    assert [name for name in (*RECOMMENDED, *READ_BY_OTHERS) if not about.get(name)] == []
    assert about["headline"] == story.view.content.headline
    dates = [datetime.fromisoformat(about[name]) for name in ("datePublished", "dateModified")]
    assert all(one.utcoffset() is not None for one in dates)
    assert dates == sorted(dates)


def test_images_come_in_every_shape(nodes: Mapping[str, Any]) -> None:
    """16x9, 4x3 and 1x1, each at least 1200 px wide and of 800,000 pixels, by absolute address."""
    images = nodes["article"]["image"]
    for shape in SHAPES.values():
        fitting = [one for one in images if abs(one["width"] / one["height"] - shape) < 0.01]
        assert fitting
        assert all(one["width"] >= DISCOVER and one["width"] * one["height"] >= PIXELS for one in fitting)
    assert all(absolute(one["url"]) for one in images)


def test_authors_are_people_with_a_name_only(nodes: Mapping[str, Any], story: Rendered) -> None:
    """One node to an author; type, the name alone, and the author's page where there is one."""
    wrote = [who for who in story.view.content.byline if who.role in {None, "reporter"}]
    authors = nodes["article"]["author"]
    assert [one["name"] for one in authors] == [who.name for who in wrote]
    assert {one["@type"] for one in authors} <= {"Person", "Organization"}
    pages = [who.author in story.view.author_pages for who in wrote]
    assert [absolute(one.get("url", "")) for one in authors] == pages


def test_the_publisher_is_whole(nodes: Mapping[str, Any], story: Rendered) -> None:
    """The newsroom has name, address and logo; the article names it so that no @id need be followed."""
    newsroom, named = nodes["NewsMediaOrganization"], nodes["article"]["publisher"]
    assert named.items() <= newsroom.items()
    assert {"@type", "@id", "name", "logo"} <= named.keys()
    assert absolute(newsroom["logo"]["url"])
    assert newsroom["url"] == story.site.base_url


def test_breadcrumbs_lead_home(nodes: Mapping[str, Any], story: Rendered) -> None:
    """Two steps or more, numbered from 1, each with name and address, from home to this page."""
    steps = nodes["BreadcrumbList"]["itemListElement"]
    assert len(steps) >= 2
    assert [one["position"] for one in steps] == list(range(1, len(steps) + 1))
    assert all(one["@type"] == "ListItem" and one["name"] and absolute(one["item"]) for one in steps)
    assert (steps[0]["item"], steps[-1]["item"]) == (story.site.base_url, nodes["article"]["url"])


def test_share_tags_are_complete(shared: Mapping[str, Sequence[str]], nodes: Mapping[str, Any]) -> None:
    """All of Open Graph's tags for an article; authors are names; each image has its size, type and alt."""
    assert [name for name in OPEN_GRAPH if not all(shared.get(name, [""]))] == []
    assert (shared["og:type"], shared["og:url"]) == (["article"], [nodes["article"]["url"]])
    assert not [name for name in shared["article:author"] if "://" in name]
    count = len(shared["og:image"])
    for tag in ("type", "width", "height", "alt"):
        assert len(shared[f"og:image:{tag}"]) == count
    assert (shared["og:image:width"][0], shared["og:image:height"][0]) == ("1200", "630")
    assert all(absolute(one) for one in shared["og:image"])


def test_a_second_tool_agrees(story: Rendered, tmp_path: Path) -> None:
    """structured-data-testing-tool's presets miss nothing but an account on X, which this site has not."""
    file = tmp_path / "page.html"
    file.write_bytes(story.html)
    found = node("structured.mjs", str(file))[str(file)]
    assert found["failed"] == []
    assert [
        one for one in found["warnings"] if "twitter:site" not in one and "twitter:creator" not in one
    ] == []
    assert found["passed"] > 20


def test_the_second_tool_sees_what_is_missing(tmp_path: Path) -> None:
    """Without its publisher's logo and its card's title a page fails."""
    html = article("en", full=False).html.replace(b'"logo":', b'"badge":').replace(b"og:title", b"og:x")
    file = tmp_path / "page.html"
    file.write_bytes(html)
    failed = "\n".join(node("structured.mjs", str(file))[str(file)]["failed"])
    assert "publisher.logo" in failed
    assert "og:title" in failed
