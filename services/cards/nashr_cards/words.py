"""Words before they are set: what can be set of a text, what has no glyph, and where lines must not break.

Pure text. Not here: fonts (a table says what they cover) and setting.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from nashr.domain.text import without_bidi_overrides

LONGEST: Final = 1000  # characters; four lines hold some 250
_NBSP, _JOINER = "\u00a0", "\u2060"
_BLANKS: Final = re.compile("[ \t-\r\x1c-\x1f\x85\u2028\u2029]+")
_ASIDE: Final = re.compile(r"\([^()\u0590-\u08ff\u2e80-\uffef]{1,24}\)")
_SCORE: Final = re.compile(r"(?<=\d)([-–−:/×])(?=\d)")
_PERCENT: Final = re.compile(r"(?<=\d) (?=[%٪‰°€$£])|(?<=[$€£№#]) (?=\d)")
_LONELY: Final = re.compile(r"(?<=\S) (?=\S{1,7}$)")
_ENOUGH: Final = 4  # spaces: in fewer words a line of one is no accident
_HANGUL: Final = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
_KOREAN: Final = re.compile(f"[{_HANGUL}][{_HANGUL}0-9A-Za-z,.!?%·…”’)]{{1,12}}")
_IGNORED: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)

# Scripts whose marks need more room between lines than Latin, and how much, in em.
_TALL: Final = (
    (
        1.54,
        re.compile("[\u064b-\u0650\u0652\u0670](?:.|\n)*?[\u064b-\u0650\u0652\u0670]"),
    ),  # vocalised Arabic
    (1.46, re.compile("[\u0900-\u0dff\u0e00-\u109f\u1780-\u17ff]")),  # of India and its neighbours
    (1.42, re.compile("[\u05b0-\u05c7]")),  # Hebrew with points
    (1.34, re.compile("[\u0600-\u06ff\u2e80-\u9fff\uac00-\ud7a3\u1e00-\u1eff\U00020000-\U0003ffff]")),
)


def leading(text: str, *, direction: str) -> float:
    """Line height in em: Latin set tight, Arabic with room below, vocalised Arabic with more."""
    tall = next((height for height, script in _TALL if script.search(text)), 1.22)
    return max(tall, 1.3) if direction == "rtl" else tall


def clean(text: str, covered: bytes) -> tuple[str, str]:
    """What can be set of ``text``, and the characters in it that have no glyph.

    ``covered`` has a 1 for each code point with one. White space is folded, control characters and
    halves of surrogate pairs go. A symbol without a glyph is left out with its joiners: an empty box
    says less than nothing. A letter without a glyph stays, as Pango's box with its number.
    """
    folded = unicodedata.normalize("NFC", _BLANKS.sub(" ", without_bidi_overrides(text[:LONGEST])))
    kept: list[str] = []
    missing: dict[str, None] = {}
    dropping = False
    for char in "".join(_spelled(char, covered) for char in folded):
        category = unicodedata.category(char)
        joins = category == "Cf" or char == "\u20e3" or _IGNORED.match(char) is not None
        unknown = not (covered[ord(char)] or joins or category in {"Cc", "Cs", "Zs"})
        if unknown:
            missing[char] = None
        dropping = (unknown and category[0] in "SC") or (dropping and joins)
        if not (dropping or category in {"Cc", "Cs"}):
            kept.append(char)
    tidy = " ".join(part for part in "".join(kept).split(" ") if part)
    if all(unicodedata.category(char) in {"Cf", "Zs", "Mn"} for char in tidy):
        tidy = ""
    return tidy, "".join(missing)


def _spelled(char: str, covered: bytes) -> str:
    """A letter without a glyph of its own as base and marks; marks without a glyph are left out."""
    if covered[ord(char)]:
        return char
    parts = unicodedata.normalize("NFD", char)
    if not covered[ord(parts[0])]:
        return char
    return "".join(part for part in parts if covered[ord(part)]) if len(parts) > 1 else char


def bound(text: str) -> str:
    """``text`` with its lines kept from breaking where a reader would stumble.

    Latin asides in brackets, scores (3–1), times (12:30) and ``5 %`` stay whole; Korean breaks at spaces
    only, but for words longer than a line may be; a short last word takes the one before it along.
    """
    text = _ASIDE.sub(lambda aside: aside[0].replace(" ", _NBSP), text)
    text = _PERCENT.sub(_NBSP, text)
    if text.count(" ") >= _ENOUGH:
        text = _LONELY.sub(_NBSP, text)
    text = _SCORE.sub(rf"{_JOINER}\1{_JOINER}", text)
    return _KOREAN.sub(lambda word: _joined(word[0]), text)


def _joined(word: str) -> str:
    """A joiner before each character but combining ones, which have one already."""
    return word[0] + "".join(
        char if unicodedata.combining(char) or char in "\u2060\u200d" else _JOINER + char for char in word[1:]
    )
