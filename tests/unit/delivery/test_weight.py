"""What a page costs a reader: 900 words in Arabic with photos, links and cards."""

from __future__ import annotations

import brotli
import lxml.html
import pytest
from nashr_delivery.core import Page, render

from tests.pages import sample

MOST_BYTES = 14_600
"""Ten packets of 1,460 bytes: what TCP sends before its first answer (RFC 6928)."""

MOST_REQUESTS = 15


@pytest.fixture(scope="module")
def document(page: Page) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(page.body)


@pytest.fixture(scope="module")
def page() -> Page:
    site = sample.edition()
    return render(sample.long_story(site), site, sample.look(site), version=1)


def test_the_sample_is_a_long_story(document: lxml.html.HtmlElement) -> None:
    """It has 900 words, six photos in three formats and four see-also links: nothing was saved on."""
    text = " ".join(one.text_content() for one in document.xpath("//div[@class='article-body']/*"))
    assert len(text.split()) >= 900
    assert len(document.xpath("//picture[count(.//source)=2]")) == 6
    assert len(document.xpath("//aside[@class='see-also']")) == 4


def test_the_page_fits_into_the_first_flight(page: Page) -> None:
    """At the level that CDNs use by the way (5), the page is one round trip."""
    assert len(brotli.compress(page.body, quality=5)) <= MOST_BYTES


def test_few_files_are_fetched_before_the_reader_scrolls(document: lxml.html.HtmlElement) -> None:
    """Page, sheet, fonts, icons, logo and hero; even with each lazy photo of the article counted."""
    links = document.xpath("//link[@rel='stylesheet' or @rel='preload' or contains(@rel, 'icon')]")
    manifest = document.xpath("//link[@rel='manifest']")
    images = document.xpath("//header//img | //article[contains(@class, 'story')]//img")
    assert 1 + len(links) + len(manifest) + len(images) <= MOST_REQUESTS
    assert len(document.xpath("//img[not(@loading='lazy')]")) == 2


def test_nothing_comes_from_elsewhere(document: lxml.html.HtmlElement) -> None:
    """No file of the page is a third party's, and none is a script."""
    loads = "//link[@rel!='canonical' and @rel!='alternate' and @rel!='shortlink']/@href"
    files = document.xpath(f"//@src | {loads}")
    assert files
    assert all(file.startswith("/") and not file.startswith("//") for file in files)
    assert {one.get("type") for one in document.xpath("//script")} == {"application/ld+json"}
