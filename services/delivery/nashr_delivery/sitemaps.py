"""The sitemap index, the month sitemaps with their images, and the news sitemap of the last two days."""

from __future__ import annotations

from typing import Final

from nashr_delivery.chrome import Chrome
from nashr_delivery.markup import Draft, utc, xml
from nashr_delivery.views import SitemapIndexView, SitemapView

_XML: Final = "application/xml; charset=utf-8"


def draft(view: SitemapView, chrome: Chrome) -> Draft:
    """An empty sitemap is not valid, so one without entries names the front page."""
    body = xml(
        "sitemap.xml",
        chrome,
        view=view,
        utc=utc,
        language=lambda tag: publication_language(tag or chrome.site.locale),
    )
    return Draft(body, _XML)


def index_draft(view: SitemapIndexView, chrome: Chrome) -> Draft:
    return Draft(xml("sitemap_index.xml", chrome, view=view, utc=utc), _XML)


def publication_language(tag: str) -> str:
    """The code that the news sitemap's schema takes: two or three letters, and Chinese by script."""
    primary, *rest = tag.lower().split("-")
    if primary != "zh":
        return primary
    return "zh-tw" if {"hant", "tw", "hk", "mo"} & set(rest) else "zh-cn"
