"""Dates as a site's readers write them: months by region, digits as the site says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import lxml.html
import pytest
from nashr.domain.errors import Refused
from nashr.domain.locales import edition_tag, og_locale
from nashr.domain.site import Site, parse_site
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.core import render
from nashr_delivery.views import ArticleView


@pytest.mark.parametrize(
    ("locale", "digits", "written"),
    [
        ("ar-LB", None, "23 تشرين الثاني 2026، 14:00"),
        ("ar-EG", None, "23 نوفمبر 2026، 14:00"),
        ("ar-EG", "arab", "٢٣ نوفمبر ٢٠٢٦، ١٤:٠٠"),
        ("ar-MA", "latn", "23 نونبر 2026، 14:00"),
        ("ar-EG-u-nu-arab", "latn", "23 نوفمبر 2026، 14:00"),
        ("fa-IR", None, "۲۳ نوامبر ۲۰۲۶, ۱۴:۰۰"),
        ("fa-IR", "latn", "23 نوامبر 2026, 14:00"),
        ("en-GB", "arab", "٢٣ November ٢٠٢٦, ١٤:٠٠"),
    ],
)
def test_months_and_digits(
    locale: str, digits: str | None, written: str, site: Site, assets: SiteAssets,
    story: Callable[..., ArticleView],
) -> None:  # fmt: skip
    """The site's region names the month, its ``digits`` win over what the locale has."""
    here = replace(site, locale=locale, digits=digits)
    page = lxml.html.document_fromstring(render(story(), here, assets, version=1).body)
    assert page.xpath("string(//time[@class='published'])") == written


def test_unknown_digits_are_refused(site: Site) -> None:
    """The fault names the field and what it may be; a known one comes back as it was given."""
    with pytest.raises(Refused) as refused:
        parse_site({**site.to_json(), "digits": "roman"})
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.detail) == ("/digits", "one of latn, arab, arabext")
    assert parse_site({**site.to_json(), "digits": "arab"}).to_json()["digits"] == "arab"


@pytest.mark.parametrize(
    ("language", "site_locale", "tag"),
    [
        ("ar", "ar-LB", "ar-LB"),
        ("ar-EG", "ar-LB", "ar-LB"),
        ("en", "ar-LB", "en"),
        ("ar", "ar-EG-u-nu-arab", "ar-EG"),
    ],
)
def test_editions_are_tagged_alike(language: str, site_locale: str, tag: str) -> None:
    """An article's edition has the site's region in the site's language, else its own tag."""
    assert edition_tag(language, site_locale) == tag


@pytest.mark.parametrize(
    ("language", "site_locale", "tag"),
    [
        ("ar", "ar-LB", "ar_LB"), ("en", "ar-LB", "en_US"), ("ar", "en", "ar_AR"), ("sv", "sv", "sv_SE"),
        ("hi", "hi", "hi_IN"), ("ja", "en-GB", "ja_JP"), ("uk-UA", "en", "uk_UA"),
        ("zh-Hant-TW", "en", "zh_TW"), ("xx", "en", "xx_XX"),
    ],
)  # fmt: skip
def test_open_graph_names_a_region_where_the_language_is_written(
    language: str, site_locale: str, tag: str
) -> None:
    """The site's for its own language, else the likely one: ``sv_SV`` and ``ja_JA`` are nowhere."""
    assert og_locale(language, site_locale) == tag
