"""Slugs: derived once from a headline, in the headline's own script, safe in URLs and object keys."""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby
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
_FROM_LETTER: Final = re.compile(r"[^\W_].*")
_SPELLING: Final = frozenset({"Mn", "Mc"})
_POINTS: Final = (
    (0x0300, 0x036F), (0x0483, 0x0489), (0x0590, 0x077F), (0x07C0, 0x08FF), (0x180B, 0x180F),
    (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F),
    (0xE0100, 0xE01EF),
)  # fmt: skip
"""Blocks whose marks words can be read without: accents that no letter holds, tashkeel, niqqud, variants."""


def derive_slug(headline: str, *, fallback: str) -> str:
    """The slug of a headline: NFC, marks and punctuation removed, ASCII digits, at most 120 bytes.

    ``fallback`` is used for a headline without one letter or digit.
    """
    usable = [word for word in words(plain_letters(headline)) if not is_lookalike(word)]
    slug = ""
    for word in usable:
        longer = f"{slug}-{word}" if slug else word
        if len(longer.encode()) > MAX_BYTES:
            break
        slug = longer
    return slug or _cut(usable[0] if usable else fallback)


def is_slug(text: str) -> bool:
    """Whether ``text`` is exactly what ``derive_slug`` could have made."""
    return (
        text != ""
        and "-".join(words(text)) == text
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


def words(text: str) -> list[str]:
    """The words of a text: letters and digits, with the marks that spell in many scripts of Asia."""
    runs = ("".join(run) for inside, run in groupby(text, key=_spells) if inside)
    return [found[0] for run in runs if (found := _FROM_LETTER.search(run))]


def _spells(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char) in _SPELLING


def plain_letters(text: str) -> str:
    """Lower case NFC without combining marks in scripts that read well without them."""
    composed = unicodedata.normalize("NFC", text).replace(_TATWEEL, "").lower()
    kept = (_digit(char) for char in composed if not _is_mark(char))
    return unicodedata.normalize("NFC", "".join(kept))


def _is_mark(char: str) -> bool:
    """Tashkeel and other marks of Arabic and Hebrew; marks that spell (Devanagari, Thai, Thaana) stay."""
    category = unicodedata.category(char)
    if category == "Mn":
        return any(first <= ord(char) <= last for first, last in _POINTS)
    return category in {"Cf", "Cs", "Co", "Cn"}


def _digit(char: str) -> str:
    value = unicodedata.digit(char, None) if char.isdecimal() else None
    return char if value is None else str(value)


def _cut(text: str, limit: int = MAX_BYTES) -> str:
    return text.encode()[:limit].decode("utf-8", "ignore")
