"""Headlines set by our lettering as a card sets them, cut into lines: the only module here that knows how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from fontTools.ttLib import TTCollection, TTFont
from nashr_cards import fonts, lettering, words
from nashr_cards.lettering import Ink, Style

from tests.lettering.chromium import LEADING, Face, Order, cut
from tests.lettering.headlines import Headline
from tests.lettering.masks import Mask

SIZES: Final = (40, 74)
BOX: Final = (1056, 328)
LINES: Final = 4
"""What a card of 1200 x 630 with a photo leaves to the headline, in px."""
_MANY: Final = 12
_EMOJI: Final = "Noto Emoji"
_PICTURES: Final = "pictures before letters"
_PICTORIAL: Final = (
    "U+231A-231B,U+23E9-23EC,U+23F0,U+23F3,U+25FD-25FE,U+2614-2615,U+2648-2653,U+267F,U+2693,U+26A1,"
    "U+26AA-26AB,U+26BD-26BE,U+26C4-26C5,U+26CE,U+26D4,U+26EA,U+26F2-26F3,U+26F5,U+26FA,U+26FD,U+2705,"
    "U+270A-270B,U+2728,U+274C,U+274E,U+2753-2755,U+2757,U+2795-2797,U+27B0,U+27BF,U+2B1B-2B1C,U+2B50,"
    "U+2B55,U+FE0F,U+200D,U+1F000-1FAFF"
)
"""Emoji by default (Unicode 15.1, Emoji_Presentation) come from the emoji font, whatever other fonts have."""
_PHRASES: Final = frozenset({"th", "lo", "km", "my"})
"""Languages without spaces between words: lines break between phrases, where the writer put a space."""


@dataclass(frozen=True)
class Set:
    """A headline's lines in ink; ``text`` is what was set, ``size`` its px."""

    text: str
    size: int
    lines: Sequence[Mask]

    @property
    def widths(self) -> Sequence[int]:
        return [right - left for left, _, right, _ in (line.box() for line in self.lines)]


def fitted(headline: Headline) -> Set:
    """As large as it fits, then once more at that size with its lines LEADING em apart."""
    text, missing = lettering.clean(headline.text)
    assert not missing, f"{headline.name}: no glyph for {missing}"
    style = Style(headline.direction, headline.language, size=0)
    style = replace(style, leading=lettering.leading(text, direction=headline.direction))
    real = lettering.fit(text, style=style, sizes=SIZES, box=BOX, max_lines=LINES)
    apart = _apart(text, style=replace(style, size=real.size, leading=LEADING))
    lines = _lines(apart, real.size)
    assert (apart.width, apart.lines) == (real.width, real.lines), f"{headline.name}: leading moves its words"
    assert _area(real) > 0.95 * sum(line.area for line in lines), f"{headline.name}: lines cover each other"
    return Set(text, real.size, lines)


def again(
    headline: Headline, text: str, *, size: int, language: str = "", weight: str = "Bold", family: str = ""
) -> Set:
    """Another text at a given size in the same box, however many lines it takes; nothing is cleaned."""
    language = language or headline.language
    style = Style(headline.direction, language, size, weight, LEADING, own=family)
    return Set(text, size, _lines(_apart(text, style=style), size))


def order(headline: Headline, found: Set) -> Order:
    """What Chromium has to do to set the same: our order of fonts, and all others after them."""
    first = (_PICTURES, *lettering.families(headline.language))
    others = (face.family for face in faces() if face.family not in first)
    text = words.bound(found.text)
    if headline.language in _PHRASES:
        text = " ".join("\u2060".join(phrase) for phrase in text.split(" "))
    return Order(
        headline.name, text, headline.language, headline.direction, (*first, *others), found.size, BOX[0],
        found.widths,
    )  # fmt: skip


@cache
def faces() -> Sequence[Face]:
    """Every font that cards are set in under its own name, bold where its file has but one weight."""
    files = (file for folder in fonts.FOLDERS for file in sorted(folder.iterdir()))
    found = [face for file in files if "Italic" not in file.name for face in _faces(file)]
    emoji = next(face for face in found if face.family == _EMOJI)
    return [*found, replace(emoji, family=_PICTURES, codes=_PICTORIAL)]


def _faces(file: Path) -> Iterator[Face]:
    if file.suffix not in {".ttf", ".otf", ".ttc"}:
        return
    with TTCollection(file, lazy=True) if file.suffix == ".ttc" else TTFont(file, lazy=True) as font:
        for one in font.fonts if file.suffix == ".ttc" else [font]:
            family = one["name"].getBestFamilyName()
            if "fvar" in one:
                yield Face(family, file)
            elif one["OS/2"].usWeightClass == 700:
                yield Face(family, file, "700")


def _apart(text: str, *, style: Style) -> Ink:
    high = _MANY * LEADING * style.size
    sizes = (style.size, style.size)
    return lettering.fit(text, style=style, sizes=sizes, box=(BOX[0], high), max_lines=_MANY)


def _area(ink: Ink) -> int:
    return sum(line.area for line in cut(ink.mask, lead=ink.mask.height))


def _lines(ink: Ink, size: int) -> Sequence[Mask]:
    return cut(ink.mask, lead=LEADING * size, top=ink.top)
