"""Whatever the newsroom types arrives as typed and never as markup."""

from __future__ import annotations

import json
from collections.abc import Callable

import lxml.html
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nashr.domain.site import Site
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import render
from nashr_delivery.markup import json_text
from nashr_delivery.views import ArticleView

HARD = (
    "قال: «لن نرحل» — \"it's\" 'late'",
    "</script><script>alert(1)</script>",
    "<!-- <b>not bold</b> & &amp; ]]>",
    "{{ 7 * 7 }} {% raw %} ${x}",
    "“curly” ‘quotes’ l’été",
)


def page_of(view: ArticleView, site: Site, assets: SiteAssets) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(render(view, site, assets, version=1).body)


@pytest.mark.parametrize("text", HARD)
def test_text_arrives_as_typed(
    text: str, site: Site, assets: SiteAssets, story: Callable[..., ArticleView]
) -> None:
    """Headline, standfirst, alt, caption and Open Graph give back exactly what was typed."""
    hero = {"asset": "hero", "alt": text, "caption": text, "credit": text}
    page = page_of(story({"headline": text, "standfirst": text, "hero": hero}), site, assets)
    assert page.xpath("string(//h1)") == text
    assert page.xpath("string(//p[@class='standfirst'])") == text
    assert page.xpath("string(//figure[@class='hero']//img/@alt)") == text
    assert page.xpath("string(//figcaption/span)") == text
    assert page.xpath("string(//meta[@property='og:title']/@content)") == text


@pytest.mark.parametrize("text", HARD)
def test_structured_data_cannot_end_its_script(
    text: str, site: Site, assets: SiteAssets, story: Callable[..., ArticleView]
) -> None:
    """JSON-LD stays one script element and parses back to the words typed."""
    view = story({"headline": text, "byline": [{"name": text}], "keywords": [text]})
    scripts = page_of(view, site, assets).xpath("//script")
    assert len(scripts) == 1
    data = json.loads(scripts[0].text)["@graph"][0]
    assert (data["headline"], data["author"][0]["name"], data["keywords"]) == (text, text, [text])


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_headline_survives(
    site: Site, assets: SiteAssets, story: Callable[..., ArticleView], text: str
) -> None:
    """For every headline, the page's h1 holds exactly its text, and no element of its own."""
    heading = page_of(story({"headline": text}), site, assets).xpath("//h1")[0]
    assert len(heading) == 0
    assert heading.text == text


@given(st.text())
def test_json_has_no_dangerous_character(text: str) -> None:
    """No character that could end a script or a line of script is left, and nothing is lost."""
    written = json_text({"text": text})
    assert not set(written) & set("<>&\u2028\u2029")
    assert json.loads(written) == {"text": text}


def test_inline_markup_of_blocks_stays(
    site: Site, assets: SiteAssets, story: Callable[..., ArticleView]
) -> None:
    """What ingest allowed in a paragraph is markup on the page; a heading's text is not."""
    body = [
        {"type": "paragraph", "html": 'قال <b>إنه</b> <span lang="en" dir="ltr">it</span>'},
        {"type": "heading", "level": 2, "text": "<b>نص</b>"},
    ]
    page = page_of(story({"body": body}), site, assets)
    assert page.xpath("string(//div[@class='article-body']/p/b)") == "إنه"
    assert page.xpath("string(//div[@class='article-body']/h2)") == "<b>نص</b>"
