"""Text to ink: the bundled fonts, markup, line breaking, fitting a headline into its box.

Shaping and bidi are Pango's, through libvips. Not here: where the ink goes on the card.
"""

from __future__ import annotations

import functools
import html
import os
import re
import struct
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import fontpkg_ibm_plex_sans_arabic as plex
import pyvips
from nashr.domain.text import without_bidi_overrides

from nashr_cards.card import Direction

_LONGEST: Final = 400  # characters; four lines hold some 250
_FONTS: Final = Path(plex.ROOT) / "files"
_MARKS: Final = {"rtl": "\u200f", "ltr": "\u200e"}
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_ASIDE: Final = re.compile(r"\([^()]{1,24}\)")
_TASHKEEL: Final = re.compile("[\u064b-\u0650\u0652\u0670](?:.|\n)*?[\u064b-\u0650\u0652\u0670]")
_BLANKS: Final = re.compile("[ \t-\r\x1c-\x1f\x85\u2028\u2029]+")
_CONF: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
  <config><rescan><int>0</int></rescan></config>
</fontconfig>
"""


@dataclass(frozen=True)
class Style:
    """How a piece of text is set; ``size`` in px, ``language`` a BCP 47 tag, ``leading`` in em."""

    direction: Direction
    language: str
    size: int
    weight: str = "Bold"
    leading: float = 1.34

    @property
    def line_height(self) -> int:
        return round(self.size * self.leading)


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


@functools.cache
def use_bundled_fonts() -> None:
    """Shows this process the bundled fonts and no others; idempotent.

    Fontconfig reads its file once, at the first text, and without rescans never looks again:
    so the folder can go at once, and a killed process leaves nothing behind.
    """
    with tempfile.TemporaryDirectory(prefix="nashr-fonts-") as folder:
        conf = Path(folder) / "fonts.conf"
        conf.write_text(_CONF.format(fonts=html.escape(str(_FONTS)), cache=html.escape(folder)))
        os.environ["FONTCONFIG_FILE"] = str(conf)
        pyvips.Image.text("a", font=f"{plex.FAMILY} Bold 20", dpi=72).avg()


@functools.cache
def covered() -> frozenset[int]:
    """The code points that the bundled bold face has a glyph for."""
    data = (_FONTS / "IBMPlexSansArabic-Bold.ttf").read_bytes()
    tables = struct.unpack_from(">H", data, 4)[0]
    records = (struct.unpack_from(">4sIII", data, 12 + 16 * index) for index in range(tables))
    cmap = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    count = struct.unpack_from(">H", data, cmap + 2)[0]
    subtables = (struct.unpack_from(">HHI", data, cmap + 4 + 8 * index) for index in range(count))
    start = next(at for platform, encoding, at in subtables if (platform, encoding) == (3, 1))
    return frozenset(_format4(data, cmap + start))


def _format4(data: bytes, at: int) -> Iterator[int]:
    """The mapped code points of a cmap subtable, format 4 (OpenType 1.9, cmap)."""
    segments = struct.unpack_from(">H", data, at + 6)[0] // 2
    column = f">{segments}H"
    ends, starts, deltas, offsets = (
        struct.unpack_from(column, data, at + 14 + skip)
        for skip in (0, 2 * segments + 2, 4 * segments + 2, 6 * segments + 2)
    )
    for index, (first, last) in enumerate(zip(starts, ends, strict=True)):
        base = at + 16 + 6 * segments + 2 * index + offsets[index]
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if offsets[index]:
                glyph = struct.unpack_from(">H", data, base + 2 * (code - first))[0]
            if glyph and (glyph + deltas[index]) & 0xFFFF:
                yield code


def leading(text: str, *, direction: Direction) -> float:
    """Line height in em: Latin set tight, Arabic with room below, vocalised Arabic with more."""
    if _TASHKEEL.search(text):
        return 1.54
    return 1.34 if direction == "rtl" else 1.22


def _spelled(char: str) -> str:
    """A letter without a glyph of its own, such as ``š``, as base and marks; lost marks are left out."""
    parts = unicodedata.normalize("NFD", char)
    if ord(char) in covered() or ord(parts[0]) not in covered():
        return char
    return "".join(part for part in parts if ord(part) in covered())


def clean(text: str) -> tuple[str, str]:
    """What can be set of ``text``, and the characters in it that have no glyph.

    White space is folded, control characters and halves of surrogate pairs go. A symbol without a
    glyph (emoji) is left out with its joiners: an empty box says less than nothing. A letter
    without a glyph stays, as Pango's box with its number.
    """
    folded = unicodedata.normalize("NFC", _BLANKS.sub(" ", without_bidi_overrides(text[:_LONGEST])))
    kept: list[str] = []
    missing: list[str] = []
    dropping = False
    for char in "".join(_spelled(char) for char in folded):
        category = unicodedata.category(char)
        unknown = ord(char) not in covered() and category not in {"Cf", "Cc", "Cs", "Zs"}
        if unknown:
            missing.append(char)
        joins = category == "Cf" or "\ufe00" <= char <= "\ufe0f" or char == "\u20e3"
        dropping = (unknown and category[0] in "SC") or (dropping and joins)
        if not (dropping or (joins and unknown) or category in {"Cc", "Cs"}):
            kept.append(char)
    tidy = " ".join(part for part in "".join(kept).split(" ") if part)
    if all(unicodedata.category(char) in {"Cf", "Zs"} for char in tidy):
        tidy = ""
    return _ASIDE.sub(lambda aside: aside[0].replace(" ", "\u00a0"), tidy), "".join(missing)


def ink(text: str, *, style: Style, width: int, wrap: str = "word-char") -> Ink:
    """Sets cleaned, non-empty ``text`` into lines at most ``width`` px wide.

    With ``wrap="word"`` a word that is longer than a line makes the ink wider than ``width``.
    """
    use_bundled_fonts()
    # Absolute units: relative ones multiply the font's own 1.5 em.
    attributes = f'insert_hyphens="false" line_height="{style.line_height * 1024}"'
    if _LANGUAGE.fullmatch(style.language):
        attributes += f' lang="{style.language}"'
    mask = pyvips.Image.text(
        f"<span {attributes}>{_MARKS[style.direction]}{html.escape(text)}</span>",
        font=f"{plex.FAMILY} {style.weight} {style.size}",
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

    def setting(wrap: str, size: int) -> Ink:
        return ink(text, style=replace(style, size=size), width=box[0], wrap=wrap)

    best = _largest(partial(setting, "word"), *sizes, fits)
    if best is not None:
        return _balanced(text, best, style=style, width=box[0])
    best = _largest(partial(setting, "word-char"), *sizes, fits)
    return best or _shortened(text, style=replace(style, size=sizes[0]), width=box[0], fits=fits)


def _largest(make: Callable[[int], Ink], low: int, high: int, fits: Callable[[Ink], bool]) -> Ink | None:
    """Binary search for the last of ``make(low..high)`` that fits, None where none does."""
    best: Ink | None = None
    while low <= high:
        middle = (low + high) // 2
        found = make(middle)
        if fits(found):
            best, low = found, middle + 1
        else:
            high = middle - 1
    return best


def _balanced(text: str, best: Ink, *, style: Style, width: int) -> Ink:
    """The same number of lines in the narrowest column that still holds them."""
    style = replace(style, size=best.size)
    low, high = width // 2, min(width, best.width)
    while best.lines > 1 and high - low > 20:
        middle = (low + high) // 2
        found = ink(text, style=style, width=middle, wrap="word")
        if found.lines == best.lines and found.width <= middle:
            best, high = found, found.width
        else:
            low = middle
    return best


def _shortened(text: str, *, style: Style, width: int, fits: Callable[[Ink], bool]) -> Ink:
    """The longest beginning of ``text`` that fits with an ellipsis, cut between words if it can."""
    letters = [at for at in range(1, len(text)) if not unicodedata.combining(text[at])]
    words = [at for at in letters if text[at] == " "]

    def cut(places: list[int], index: int) -> Ink:
        head = text[: places[index]].rstrip(" ،,:;؛-–—.…(«“\"'")
        return ink(head + "…", style=style, width=width)

    for places in (words, letters):
        best = _largest(partial(cut, places), 0, len(places) - 1, fits)
        if best is not None:
            return best
    return ink("…", style=style, width=width)
