"""Where everything on a card stands: headline, label, footer, as masks to be inked at a place.

All measures follow the card's area and mirror with its direction. Not here: what lies behind.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import pyvips

from nashr_cards import colour
from nashr_cards.backdrop import Zone, drawing
from nashr_cards.card import Theme
from nashr_cards.colour import Rgb
from nashr_cards.lettering import Ink, Style, fit, leading

MAX_LINES: Final = 4
_ACCENT: Final[Rgb] = (190, 18, 60)
_BACKGROUND: Final[Rgb] = (15, 23, 42)


@dataclass(frozen=True)
class Palette:
    """The colours of one card; every text colour is legible on what it stands on."""

    accent: Rgb
    on_accent: Rgb
    ground: Rgb
    text: Rgb


def palette(theme: Theme, *, photo: bool) -> Palette:
    """The theme's colours on a plain card; on a photo always light text on a dark veil."""
    ground = colour.parse(theme.background, otherwise=_BACKGROUND)
    text = colour.parse(theme.text, otherwise=colour.WHITE)
    raw = colour.parse(theme.accent, otherwise=_ACCENT)
    if photo:
        dark, light = sorted((ground, text), key=colour.luminance)
        text = light if colour.luminance(light) > 0.75 else colour.WHITE
        ground = dark if colour.luminance(dark) < 0.02 else colour.mix(dark, colour.BLACK, 0.85)
    accent = colour.visible(raw, on=ground)
    return Palette(
        accent,
        on_accent=colour.legible(colour.WHITE, on=accent),
        ground=ground,
        text=colour.legible(text, on=ground),
    )


@dataclass(frozen=True)
class Frame:
    """The card's measures in px; ``unit`` is 1 on a 1200x630 card and follows the area."""

    width: int
    height: int
    rtl: bool

    @property
    def unit(self) -> float:
        return math.sqrt(self.width * self.height / (1200 * 630))

    def px(self, measure: float) -> int:
        return max(1, round(measure * self.unit))

    @property
    def margin(self) -> int:
        return min(self.px(64), self.width // 12)

    @property
    def column(self) -> int:
        return self.width - 2 * self.margin

    @property
    def footer_top(self) -> int:
        return self.height - self.px(84)

    def start(self, width: int, *, skip: int = 0) -> int:
        """The x of something ``width`` wide that begins ``skip`` px after the start margin."""
        inset = self.margin + skip
        return self.width - inset - width if self.rtl else inset

    def end(self, width: int) -> int:
        return self.margin if self.rtl else self.width - self.margin - width


@dataclass(frozen=True)
class Stamp:
    """A one-band mask to be filled with one colour at one place."""

    mask: Any
    left: int
    top: int
    fill: Rgb


@dataclass(frozen=True)
class Sticker:
    """An RGBA image to be laid over the card at one place."""

    image: Any
    left: int
    top: int


@dataclass(frozen=True)
class Sheet:
    """What every part of one card is set with."""

    frame: Frame
    style: Style
    colours: Palette
    photo: bool
    breaking: bool


@dataclass(frozen=True)
class Part:
    """A piece of a card: what it prints, and the zones of the backdrop its text stands on."""

    stamps: tuple[Stamp, ...] = ()
    stickers: tuple[Sticker, ...] = ()
    zones: tuple[Zone, ...] = ()


def headline(words: str, *, sheet: Sheet) -> Ink | None:
    """The headline as large as its length allows; without a photo it has more room."""
    if not words:
        return None
    frame = sheet.frame
    largest, share = (74, 0.52) if sheet.photo else (88, 0.54)
    return fit(
        words,
        style=replace(sheet.style, leading=leading(words, direction=sheet.style.direction)),
        sizes=(frame.px(40), frame.px(largest)),
        box=(frame.column - frame.px(16), round(frame.height * share)),
        max_lines=MAX_LINES,
    )


def body(block: Ink | None, label: str, *, sheet: Sheet) -> Part:
    """Label over headline: at the foot of a photo, in the middle of a plain card."""
    frame = sheet.frame
    tag_height, gap = frame.px(50 if label else 10), frame.px(22)
    height = tag_height + gap + (block.height if block else 0)
    top = frame.footer_top - frame.px(26 if sheet.breaking else 10) - height
    if not sheet.photo:
        top = (frame.footer_top + frame.px(24) - height) // 2
    tag = _tag(label, top=top, height=tag_height, sheet=sheet)
    if block is None:
        return Part(tuple(tag))
    left, line_top = frame.start(block.width), top + tag_height + gap
    stamp = Stamp(block.mask, left, line_top + block.top, sheet.colours.text)
    zone = Zone(left, line_top, block.width, block.height)
    return Part((*tag, stamp), zones=(zone,))


def _tag(label: str, *, top: int, height: int, sheet: Sheet) -> Iterator[Stamp]:
    """The label on a chip in the accent colour, with a live dot for breaking news; or a bare bar."""
    frame, colours = sheet.frame, sheet.colours
    if not label:
        bar = rounded(frame.px(80), height, height / 2)
        yield Stamp(bar, frame.start(bar.width), top, colours.accent)
        return
    pad, dot = frame.px(20), frame.px(14) if sheet.breaking else 0
    skip = pad + (dot + frame.px(12) if dot else 0)
    words = _line(label, size=27, width=frame.column * 3 // 4, sheet=sheet)
    chip = rounded(skip + words.width + pad, height, frame.px(8))
    yield Stamp(chip, frame.start(chip.width), top, colours.accent)
    if dot:
        disc = rounded(dot, dot, dot / 2)
        yield Stamp(disc, frame.start(dot, skip=pad), top + (height - dot) // 2, colours.on_accent)
    yield _on_row(words, frame.start(words.width, skip=skip), top, height, colours.on_accent)


def footer(theme: Theme, *, site_name: str, date: str, sheet: Sheet) -> Part:
    """Logo or site name at the start, the date at the end; breaking news fills the row."""
    frame, colours = sheet.frame, sheet.colours
    top, foot = frame.footer_top, frame.px(10)
    row = frame.height - top - (0 if sheet.breaking else foot)
    ground = colours.accent if sheet.breaking else colours.ground
    words = colours.on_accent if sheet.breaking else colours.text
    strip_top = top if sheet.breaking else frame.height - foot
    stamps = [Stamp(solid(frame.width, frame.height - strip_top), 0, strip_top, colours.accent)]
    plate, sticker = _logo(theme.logo, top=top, row=row, ground=ground, frame=frame)
    stamps += plate
    free = frame.column
    if date:
        day = _line(date, size=25, width=free // 2, sheet=sheet, weight="Medium")
        stamps.append(_on_row(day, frame.end(day.width), top, row, words))
        free -= day.width + frame.px(32)
    taken = sticker.image.width + frame.px(24) if sticker else 0
    if site_name and taken < frame.px(130):
        name = _line(site_name, size=30, width=free - taken, sheet=sheet)
        stamps.append(_on_row(name, frame.start(name.width, skip=taken), top, row, words))
    zones = () if sheet.breaking else (Zone(frame.margin, top, frame.column, row),)
    return Part(tuple(stamps), (sticker,) if sticker else (), zones)


def _line(words: str, *, size: int, width: int, sheet: Sheet, weight: str = "Bold") -> Ink:
    return _kept_line(words, sheet.frame.px(size), width, replace(sheet.style, weight=weight))


@lru_cache(maxsize=64)
def _kept_line(words: str, px: int, width: int, style: Style) -> Ink:
    """Names of sites and sections come again on every card."""
    return fit(words, style=style, sizes=(px, px), box=(width, 4 * px), max_lines=1)


def _on_row(words: Ink, left: int, top: int, row: int, fill: Rgb) -> Stamp:
    return Stamp(words.mask, left, top + (row - words.line_height) // 2 + words.top, fill)


def _logo(
    png: bytes | None, *, top: int, row: int, ground: Rgb, frame: Frame
) -> tuple[list[Stamp], Sticker | None]:
    """The logo, on a plate where it would drown in ``ground``; nothing for one that is broken."""
    height = frame.px(46)
    image = _rgba(png, width=frame.px(320), height=height) if png else None
    if image is None:
        return [], None
    y = top + (row - image.height) // 2
    if colour.contrast(_mean_colour(image), ground) >= 1.8:
        return [], Sticker(image, frame.start(image.width), y)
    pad = frame.px(8)
    plate = rounded(image.width + 2 * pad, image.height + 2 * pad, pad)
    fill = colour.WHITE if colour.luminance(ground) < 0.4 else (24, 24, 27)
    left = frame.start(image.width, skip=pad)
    return [Stamp(plate, left - pad, y - pad, fill)], Sticker(image, left, y)


def _rgba(png: bytes, *, width: int, height: int) -> Any | None:
    try:
        image = pyvips.Image.pngload_buffer(png)
        if image.width * image.height > 16_000_000:
            return None
        image = image.thumbnail_image(width, height=height, size="both").colourspace("srgb")
        image = image if image.hasalpha() else image.bandjoin(255)
        return image.cast("uchar").copy_memory()
    except pyvips.Error:
        return None


def _mean_colour(image: Any) -> Rgb:
    """The mean colour of what is opaque."""
    alpha = image[3]
    weight = max(alpha.avg(), 1e-6)
    red, green, blue = (round((image[band] * alpha).avg() / weight) for band in range(3))
    return red, green, blue


def rounded(width: int, height: int, radius: float) -> Any:
    """A mask: a filled rectangle with round corners."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<rect width="{width}" height="{height}" rx="{radius:.2f}"/></svg>'
    )
    return drawing(svg)[3]


def solid(width: int, height: int) -> Any:
    return (pyvips.Image.black(width, height) + 255).cast("uchar")
