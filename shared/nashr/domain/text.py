"""Text hygiene: what is removed from every text field, and plain text out of inline HTML."""

from __future__ import annotations

import html
import re
from typing import Final

ONE_LETTER: Final = str.maketrans("أإآٱىیةکؤئ", "اااايي" + "هكوي", "ـ")
"""Spellings of one Arabic letter made one, and tatweel removed: how words are compared."""

_OVERRIDES: Final = re.compile("[\u202a-\u202e]")
_ISOLATES: Final = re.compile("[\u2066-\u2069]")
_TAGS: Final = re.compile(r"<[^>]*>")


def without_bidi_overrides(text: str) -> str:
    """``text`` without U+202A..202E, and without isolates where these do not balance.

    RLM, LRM, ZWNJ and ZWJ stay: Arabic and Persian spelling needs them.
    """
    kept = _OVERRIDES.sub("", text)
    return kept if _balanced(kept) else _ISOLATES.sub("", kept)


def _balanced(text: str) -> bool:
    depth = 0
    for char in _ISOLATES.findall(text):
        depth += -1 if char == "\u2069" else 1
        if depth < 0:
            return False
    return depth == 0


def plain(markup: str) -> str:
    """The text a reader sees of inline HTML, white space folded."""
    return " ".join(html.unescape(_TAGS.sub("", markup)).split())
