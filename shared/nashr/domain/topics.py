"""Topics out of keywords: one slug for all the ways to spell one, and one spelling for what readers see."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from nashr.domain.slugs import plain_letters, words
from nashr.domain.text import ONE_LETTER


def topic_slug(keyword: str) -> str:
    """The slug of a keyword's topic; empty where it holds no letter or digit.

    NFC, lower case, ASCII digits, without tashkeel, tatweel and punctuation, and with one letter for each
    that Arabic spells in several ways. Not cut: two long keywords stay two topics.
    """
    folded = unicodedata.normalize("NFC", plain_letters(keyword).casefold()).translate(ONE_LETTER)
    return "-".join(words(folded))


def topics(keywords: Iterable[str]) -> Mapping[str, str]:
    """Topic slugs with the keyword as it was first spelled, in order, each once."""
    found: dict[str, str] = {}
    for keyword in keywords:
        if slug := topic_slug(keyword):
            found.setdefault(slug, keyword)
    return found
