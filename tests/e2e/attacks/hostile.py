"""A site, its articles and an author, each with an attack in every field that takes a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from tests.pages.attacks import ODD_URLS

SITE = "hostile"
BASE = f"/{SITE}/"
AUTHOR = "mallory"
TITLES = (("seo", 300), ("social", 300), ("short", 120))
LONGEST = 480
"""Letters of a headline: so many payloads go into one article."""


def fitting(payloads: Sequence[str], limit: int) -> str:
    """As many of the payloads as fit into a field."""
    kept = ""
    for one in payloads:
        longer = f"{kept} {one}".strip()
        kept = longer if len(longer) <= limit else kept
    return kept


def portions(payloads: Sequence[str]) -> Iterator[Sequence[str]]:
    """The payloads, cut so that each portion fits into a headline."""
    portion: list[str] = []
    for one in payloads:
        if len(" ".join([*portion, one])) > LONGEST:
            yield portion
            portion = []
        portion.append(one)
    yield portion


def site(base_url: str, payloads: Sequence[str]) -> Mapping[str, Any]:
    """A site whose every text is hostile."""
    words = ("tagline", "footer", "x_handle", "publishing_principles", "corrections_policy", "ethics_policy",
             "masthead")  # fmt: skip
    said = [one for one in payloads if "\u2028" not in one]
    return {
        "name": fitting(said[20:], 120), "locale": "en", "base_url": base_url, "prefix": f"{SITE}/",
        "sections": [
            {"slug": "politics", "label": said[23]}, {"slug": "sport", "label": said[33]},
            {"slug": "all", "label": said[8], "all": True},
        ],
        "theme": {
            **{name: said[number] for number, name in enumerate(words)},
            "texts": {"see_also": said[9], "related": said[46], "by": said[26], "home": said[24],
                      "sections": said[20], "published": said[30]},
        },
    }  # fmt: skip


def draft(number: int, portion: Sequence[str], payloads: Sequence[str], photo: str) -> dict[str, Any]:
    """An article with a portion of the payloads in every text that it has."""
    whole, url = " ".join(portion), ODD_URLS[number % len(ODD_URLS)]
    use = {"asset": photo, "alt": whole, "caption": whole, "credit": fitting(portion, 300)}
    short = [one for one in payloads if len(one) <= 100]
    return {
        "site": SITE, "section": "politics", "external_id": fitting(portion, 200), "headline": whole,
        "kicker": short[number * 7 % len(short)], "standfirst": whole, "dateline": fitting(portion, 200),
        "titles": {name: fitting(portion, size) for name, size in TITLES},
        "description": whole,
        "byline": [{"name": "x", "author": AUTHOR}, *({"name": one} for one in portion),
                   {"name": portion[0], "role": "editor"}],
        "keywords": [one for one in portion if len(one) <= 100] + ["img onerror alert"],
        "hero": use, "social_image": {"asset": photo, "alt": whole},
        "body": [
            *({"type": "paragraph", "html": one} for one in portion),
            *({"type": "paragraph", "html": escape(one)} for one in portion),
            {"type": "list", "items": list(portion)},
            {"type": "quote", "html": whole, "cite": fitting(portion, 300)},
            *({"type": "heading", "text": one} for one in portion),
            {"type": "image", **use},
            *({"type": "embed", "url": url, "title": one} for one in portion),
            {"type": "paragraph", "html": "The end."},
        ],
        "source": {"name": fitting(portion, 200), "url": url},
        "translation": {"from": "fr", "method": "machine", "credit": fitting(portion, 300)},
        "ai": {"text": "assisted", "note": whole},
        "aliases": [f"/old-{number}/{one}" for one in portion if is_path(one)],
        "extensions": {whole: [whole, {"url": "javascript:alert(1)"}]},
        "note": whole,
    }  # fmt: skip


def is_path(text: str) -> bool:
    """Whether a payload can be the last part of a path."""
    return not set(text) & set("?#\\\t") and "//" not in text and text[-1] != "/" and "/." not in text
