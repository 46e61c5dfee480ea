"""Slugs of any headline: one safe part of an address and of an object's key."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote, unquote

from hypothesis import given, settings
from hypothesis import strategies as st
from nashr.domain.slugs import MAX_BYTES, derive_slug, is_slug, numbered

FUZZ = settings(settings.get_profile("fuzz"))
headline = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(
            [
                "../",
                "..",
                "/",
                "\\",
                "%2f",
                "%",
                "a",
                "خبر",
                "ـ",
                "ِ",
                "٣",
                "۵",
                " ",
                "\u200c",
                "\x00",
                "हि",
                "\u094d",
                "\ufe0f",
            ]
        ),
        max_size=60,
    ).map("".join),
)


@FUZZ
@given(headline)
def test_a_slug_is_one_harmless_part_of_a_path(text: str) -> None:
    """Short, in one form, without a character that a path, a shell or a header takes for another."""
    slug = derive_slug(text, fallback="story")

    assert slug
    assert len(slug.encode()) <= MAX_BYTES
    assert unicodedata.is_normalized("NFC", slug)
    assert all(letter.isalnum() or letter == "-" or unicodedata.category(letter)[0] == "M" for letter in slug)
    assert unquote(quote(slug)) == slug


@FUZZ
@given(headline)
def test_a_slug_is_derived_once(text: str) -> None:
    """The slug of a slug is that slug, and the API takes it as one."""
    slug = derive_slug(text, fallback="story")

    assert derive_slug(slug, fallback="other") == slug
    assert is_slug(slug)


@FUZZ
@given(headline, st.integers(2, 10_000))
def test_a_suggestion_is_a_slug(text: str, number: int) -> None:
    """What is offered after a clash can be sent back."""
    assert is_slug(numbered(derive_slug(text, fallback="story"), number))
