"""Text hygiene: what is removed from every text field, and plain text out of inline HTML."""

from __future__ import annotations

import html
import re
from typing import Final

ONE_LETTER: Final = str.maketrans("أإآٱىیةکؤئ", "اااايي" + "هكوي", "ـ")
"""Spellings of one Arabic letter made one, and tatweel removed: how words are compared."""

UNSTORABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""A database refuses NUL, UTF-8 refuses half a surrogate pair, and XML feeds refuse all of them."""

UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What a terminal, a header or a reader of lines takes for more than a letter: nothing of a name."""

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
    text = html.unescape(_TAGS.sub("", markup) if "<" in markup else markup)
    return text if _is_folded(text) else " ".join(text.split())


def _is_folded(text: str) -> bool:
    """Whether all white space is single spaces between words; no other white space is printable."""
    return text.isprintable() and "  " not in text and text == text.strip(" ")
