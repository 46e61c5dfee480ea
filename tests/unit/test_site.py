"""What a site's TOML may say of its sections."""

from __future__ import annotations

from typing import Any

import pytest
from nashr.domain.errors import Refused
from nashr.domain.site import HALF_LIFE_DAYS, parse_site, stored_site
from nashr.domain.slugs import derive_slug, is_lookalike, is_slug
from nashr.domain.topics import topic_slug


def site(**section: Any) -> dict[str, Any]:
    return {
        "id": "paper", "name": "Paper", "locale": "en", "base_url": "http://paper.test/",
        "sections": [{"slug": "sport", "label": "Sport", **section}, {"slug": "news", "label": "News"}],
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [0, 0.5, -1, 3651, True, "7", [], float("nan"), float("inf")])
def test_a_half_life_that_cannot_be_is_refused(wrong: Any) -> None:
    """The fault names the field and the cure."""
    with pytest.raises(Refused) as refused:
        parse_site(site(half_life_days=wrong))
    (fault,) = refused.value.faults
    assert fault.pointer == "/sections/0/half_life_days"
    assert "1 to 3650" in fault.detail


def test_sections_fade_as_they_say() -> None:
    """A section without a word of its own fades as fast as one that is not there: the usual way."""
    parsed = parse_site(site(half_life_days=7))
    assert [parsed.half_life(slug) for slug in ("sport", "news", "gone")] == [
        7,
        HALF_LIFE_DAYS,
        HALF_LIFE_DAYS,
    ]
    assert parse_site(parsed.to_json()) == parsed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a\u202eb"), ("name", "a\x00b"), ("name", "a\nb"), ("logo", "https://x.test;script-src *"),
        ("logo", "../x.svg"), ("base_url", "https://u@x.test/"), ("base_url", "https://x.test/a/../"),
        ("article_path", "/{slug}/../"), ("article_path", "/media/{slug}/"), ("prefix", "a//b/"),
    ],
)  # fmt: skip
def test_a_word_that_breaks_out_is_refused_and_a_stored_one_lives_on(field: str, value: str) -> None:
    """New sites are refused by pointer; one that was stored before the rule is still read."""
    told = {**parse_site(site()).to_json(), field: value}
    with pytest.raises(Refused) as refused:
        parse_site(told)
    assert {fault.pointer for fault in refused.value.faults} == {f"/{field}"}
    assert getattr(stored_site(told), field)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("logo", "logo.svg"), ("logo", "/pictures/our logo.svg"), ("logo", "https://cdn.test/logo.svg?v=2"),
        ("base_url", "https://خبر.example/عربي"), ("prefix", ""), ("prefix", "ar/sites/"),
        ("article_path", "/{yyyy}/{mm}/{slug}.html/"), ("name", "نشرة\u200fاليوم"),
    ],
)  # fmt: skip
def test_what_newsrooms_really_write_is_taken(field: str, value: str) -> None:
    """The rules are against attacks, not against languages and layouts."""
    assert parse_site({**parse_site(site()).to_json(), field: value})


def test_a_section_that_looks_like_another_is_refused() -> None:
    """A Cyrillic letter in a Latin word."""
    told = {**site(), "sections": [{"slug": "sp\u043ert", "label": "Sport"}]}
    with pytest.raises(Refused) as refused:
        parse_site(told)
    assert [fault.pointer for fault in refused.value.faults] == ["/sections/0/slug"]


@pytest.mark.parametrize("word", ["p\u0430ypal", "caf\u0435", "\u03bfmega", "\u0440\u043elitics"])
def test_a_headline_s_slug_leaves_out_words_that_pretend(word: str) -> None:
    """Latin, Greek and Cyrillic never meet in a word of an address; Latin and Arabic may."""
    assert is_lookalike(f"the-{word}-story")
    assert derive_slug(f"The {word} story", fallback="x") == "the-story"
    assert derive_slug("iPhoneات в Москве και Ελλάδα", fallback="x") == "iphoneات-в-москве-και-ελλάδα"


@pytest.mark.parametrize(
    ("headline", "slug"),
    [
        ("हिन्दी समाचार", "हिन्दी-समाचार"),
        ("বাংলা খবর!", "বাংলা-খবর"),
        ("தமிழ் செய்தி", "தமிழ்-செய்தி"),
        ("ข่าวด่วน วันนี้", "ข่าวด่วน-วันนี้"),
        ("ދިވެހި ޚަބަރު", "ދިވެހި-ޚަބަރު"),
        ("مُحَمَّد: خبر", "محمد-خبر"),
        ("❤\ufe0f love\ufe0f \u094dx", "love-x"),
    ],
)
def test_a_slug_keeps_the_marks_that_spell(headline: str, slug: str) -> None:
    """Vowel signs of Hindi, Thai or Dhivehi are letters to who reads; tashkeel and variants are not."""
    assert derive_slug(headline, fallback="x") == slug
    assert is_slug(slug)
    assert topic_slug(headline) == slug


def test_a_site_that_a_newer_nashr_stored_is_read() -> None:
    """While versions run side by side: what this one does not know of a site, a section or photos waits."""
    newer = parse_site(site()).to_json()
    newer["hologram"] = {"depth": 3}
    newer["images"]["format"] = "jxl"
    for section in newer["sections"]:
        section["mood"] = "calm"
    assert stored_site(newer) == parse_site(site())
