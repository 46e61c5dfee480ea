"""Text to ink: markup, line breaking, fitting a headline into its box.

Shaping and bidi are Pango's, through libvips. Not here: which fonts there are, and where the ink goes.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import pyvips

from nashr_cards import fonts, words
from nashr_cards.card import Direction
from nashr_cards.fonts import families, use_bundled_fonts
from nashr_cards.words import leading

__all__ = ["Ink", "Style", "clean", "families", "fit", "ink", "leading", "use_bundled_fonts"]

_MARKS: Final = {"rtl": "\u200f\u2060", "ltr": "\u200e\u2060"}  # joined, or a line might break after it
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_RULER: Final = 24  # px: the size in which a headline's length is taken
_NO_WRAP: Final = 32_000  # px
_FULL: Final = 0.9  # of a line, in the middle of a text
_STEP: Final = 2  # px between the sizes that are tried: nobody sees less


@dataclass(frozen=True)
class Style:
    """How a piece of text is set; ``size`` in px, ``language`` a BCP 47 tag, ``leading`` in em.

    ``own`` is the family of the site's own font, "" where it has none.
    """

    direction: Direction
    language: str
    size: int
    weight: str = "Bold"
    leading: float = 1.34
    own: str = ""

    @property
    def line_height(self) -> int:
        return round(self.size * self.leading)

    @property
    def font(self) -> str:
        """As Pango reads it: families, weight, size."""
        stack = families(self.language)
        names = ",".join([self.own, *stack] if self.own else stack)
        return f"{names} {self.weight} {self.size}"


@dataclass(frozen=True)
class Ink:
    """Shaped text: a one-band mask cropped to its ink, ``top`` px below its first line's top."""

    mask: Any
    top: int
    lines: int
    size: int
    line_height: int

    @property
    def width(self) -> int:
        return int(self.mask.width)

    @property
    def height(self) -> int:
        """Of the set lines, whatever their ink reaches."""
        return self.lines * self.line_height


def clean(text: str, *, covered: bytes | None = None) -> tuple[str, str]:
    """What can be set of ``text``, and what has no glyph; by the bundled fonts unless told otherwise."""
    return words.clean(text, fonts.covered() if covered is None else covered)


def ink(text: str, *, style: Style, width: int, wrap: str = "word-char") -> Ink:
    """Sets cleaned, non-empty ``text`` into lines at most ``width`` px wide.

    With ``wrap="word"`` a word that is longer than a line makes the ink wider than ``width``; pyvips.Error
    where it is wider than any surface.
    """
    use_bundled_fonts()
    # Absolute units: relative ones multiply the font's own 1.5 em.
    attributes = f'insert_hyphens="false" line_height="{style.line_height * 1024}"'
    if _LANGUAGE.fullmatch(style.language):
        attributes += f' lang="{style.language}"'
    mask = pyvips.Image.text(
        f"<span {attributes}>{_MARKS[style.direction]}{html.escape(words.bound(text))}</span>",
        font=style.font,
        width=width,
        wrap=wrap,
        align="low",
        dpi=72,
    )
    return _measured(mask, style)


def _measured(mask: Any, style: Style) -> Ink:
    # The last line's ink ends 0.4 (quotation marks alone) to 1.35 (a low kasra) lines below its top.
    bottom = (mask.yoffset + mask.height) / style.line_height
    lines = max(1, int(bottom + 0.6))
    return Ink(mask, mask.yoffset, lines, style.size, style.line_height)


def fit(text: str, *, style: Style, sizes: tuple[int, int], box: tuple[int, int], max_lines: int) -> Ink:
    """The largest setting of cleaned ``text`` with ``sizes[0] <= px <= sizes[1]`` inside ``box``.

    Words are broken only where one is longer than a line; what does not fit even at the smallest
    size ends in an ellipsis. Lines come out about equally long.
    """

    def fits(found: Ink) -> bool:
        inside = found.width <= box[0] and found.height <= box[1]
        return inside and found.lines <= max_lines

    def setting(wrap: str, size: int) -> Ink | None:
        try:
            found = ink(text, style=replace(style, size=size), width=box[0], wrap=wrap)
        except pyvips.Error:  # wider than any surface
            return None
        return found if fits(found) else None

    low, high = sizes
    tried = range(high, low - 1, -_STEP) if (high - low) % _STEP == 0 else (*range(high, low, -_STEP), low)
    length = _length(text, style=style)
    guess = _guessed(tried, length=length, leading=style.leading, box=box, max_lines=max_lines)
    best = _first(partial(setting, "word"), tried, guess=guess)
    if best is not None:
        return _balanced(text, best, style=style, width=box[0], length=length)
    best = _first(partial(setting, "word-char"), tried, guess=guess)
    return best or _shortened(text, style=replace(style, size=low), width=box[0], fits=fits)


def _length(text: str, *, style: Style) -> float:
    """The text in one line, in em; 0 for one that no surface holds."""
    try:
        return ink(text, style=replace(style, size=_RULER), width=_NO_WRAP, wrap="word").width / _RULER
    except pyvips.Error:
        return 0.0


def _guessed(
    tried: Sequence[int], *, length: float, leading: float, box: tuple[int, int], max_lines: int
) -> int:
    """The place in ``tried`` of the first size that would fit if lines were nine tenths full."""

    def lines(size: int) -> int:
        return max(1, math.ceil(length * size / box[0] / _FULL))

    fitting = (
        at for at, size in enumerate(tried)
        if lines(size) <= max_lines and lines(size) * size * leading <= box[1]
    )  # fmt: skip
    return next(fitting, len(tried) - 1)


def _first(make: Callable[[int], Ink | None], tried: Sequence[int], *, guess: int) -> Ink | None:
    """The first of ``make(tried[0]), make(tried[1]), ...`` that there is; after it all are.

    Looked for around the place ``guess``, which is rarely far off.
    """
    best = make(tried[guess])
    if best is None:
        return next(filter(None, map(make, tried[guess + 1 :])), None)
    for size in reversed(tried[:guess]):
        if (better := make(size)) is None:
            break
        best = better
    return best


def _halved(make: Callable[[int], Ink | None], tried: Sequence[int]) -> Ink | None:
    """The same by halves, where nothing can be guessed."""
    best = make(tried[0])
    low, high = 1, len(tried) if best is None else 0
    while low < high:
        middle = (low + high) // 2
        found = make(tried[middle])
        if found is None:
            low = middle + 1
        else:
            best, high = found, middle
    return best


def _balanced(text: str, best: Ink, *, style: Style, width: int, length: float) -> Ink:
    """The same number of lines in the narrowest column that still holds them."""
    style = replace(style, size=best.size)
    low, high = max(width // 2, round(length * best.size / best.lines)), min(width, best.width)
    while best.lines > 1 and high - low > style.size * 3 // 4:
        middle = (low + high) // 2
        found = ink(text, style=style, width=middle, wrap="word")
        if found.lines == best.lines and found.width <= middle:
            best, high = found, found.width
        else:
            low = middle
    return best


def _shortened(text: str, *, style: Style, width: int, fits: Callable[[Ink], bool]) -> Ink:
    """The longest beginning of ``text`` that fits with an ellipsis, cut between words if it can."""
    letters = [at for at in range(len(text) - 1, 0, -1) if _may_cut(text, at)]
    spaces = [at for at in letters if text[at] == " "]

    def cut(at: int) -> Ink | None:
        head = text[:at].rstrip(" ،,:;؛-–—.…(«“\"'「《（、，。")
        found = ink(head + "…", style=style, width=width)
        return found if fits(found) else None

    for places in (spaces, letters):
        best = _halved(cut, places) if places else None
        if best is not None:
            return best
    return ink("…", style=style, width=width)


def _may_cut(text: str, at: int) -> bool:
    """Never before a mark, nor inside a sequence of emoji."""
    return (
        not unicodedata.combining(text[at]) and "\u200d" not in text[at - 1 : at + 1] and text[at] != "\ufe0f"
    )
