"""Slugs: derived once from a headline, in the headline's own script, safe in URLs and object keys."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_BYTES: Final = 120

RESERVED: Final = frozenset(
    {
        "a", "authors", "topics", "archive", "search", "feeds", "sitemaps", "media", "cards", "assets",
        "preview", "live", ".well-known",
    }
)  # fmt: skip

_ALIKE: Final = frozenset({"LATIN", "GREEK", "CYRILLIC"})
_TATWEEL: Final = "\u0640"
_SHAPE: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


def derive_slug(headline: str, *, fallback: str) -> str:
    """The slug of a headline: NFC, marks and punctuation removed, ASCII digits, at most 120 bytes.

    ``fallback`` is used for a headline without one letter or digit.
    """
    words = [word for word in re.findall(r"[^\W_]+", plain_letters(headline)) if not is_lookalike(word)]
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word
        if len(longer.encode()) > MAX_BYTES:
            break
        slug = longer
    return slug or _cut(words[0] if words else fallback)


def is_slug(text: str) -> bool:
    """Whether ``text`` is exactly what ``derive_slug`` could have made."""
    return (
        _SHAPE.fullmatch(text) is not None
        and len(text.encode("utf-8", "surrogatepass")) <= MAX_BYTES
        and plain_letters(text) == text
    )


def is_lookalike(slug: str) -> bool:
    """Whether a word of a slug mixes Latin, Greek and Cyrillic letters, which can stand for one another.

    Scripts that share no shapes, such as Latin and Arabic, may meet in a word.
    """
    return not slug.isascii() and any(len(_alike(word)) > 1 for word in slug.split("-"))


def _alike(word: str) -> frozenset[str]:
    return _ALIKE.intersection(unicodedata.name(char, "").partition(" ")[0] for char in word)


def numbered(slug: str, number: int) -> str:
    """The slug with ``-number`` behind it, still within the limit: the suggestion after a clash."""
    tail = f"-{number}"
    return _cut(slug, MAX_BYTES - len(tail)).rstrip("-") + tail


def plain_letters(text: str) -> str:
    """Lower case NFC without combining marks in scripts that read well without them."""
    composed = unicodedata.normalize("NFC", text).replace(_TATWEEL, "").lower()
    kept = (_digit(char) for char in composed if not _is_mark(char))
    return unicodedata.normalize("NFC", "".join(kept))


def _is_mark(char: str) -> bool:
    """Tashkeel and other marks of Arabic and Hebrew; marks that spell (Devanagari, Thai) stay."""
    if unicodedata.category(char) in {"Cf", "Cs", "Co", "Cn"}:
        return True
    return unicodedata.category(char) == "Mn" and (
        "\u0590" <= char <= "\u08ff" or "\u0300" <= char <= "\u036f"
    )


def _digit(char: str) -> str:
    value = unicodedata.digit(char, None) if char.isdecimal() else None
    return char if value is None else str(value)


def _cut(text: str, limit: int = MAX_BYTES) -> str:
    return text.encode()[:limit].decode("utf-8", "ignore")
