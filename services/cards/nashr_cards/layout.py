"""Where everything on a card stands: label, headline, footer, as masks to be inked at a place.

All measures mirror with the card's direction. Not here: the measures themselves, and what lies behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

from nashr_cards import colour
from nashr_cards.frame import Frame, Part, Sheet, Stamp, Sticker, Zone
from nashr_cards.inking import Pixels, mask
from nashr_cards.lettering import Ink, Style, fit, leading
from nashr_cards.logo import mean_colour
from nashr_cards.shapes import rounded, solid

MAX_LINES: Final = 4
_STRIP: Final = 10  # px of accent along the lower edge
_SEEN: Final = 1.8  # contrast at which a logo stands out by itself


def headline(words: str, *, sheet: Sheet) -> Ink | None:
    """The headline as large as its length allows; without a photo it has more room."""
    if not words:
        return None
    frame, measures = sheet.frame, sheet.frame.measures
    low, high = measures.sizes
    return fit(
        words,
        style=replace(sheet.style, leading=leading(words, direction=sheet.style.direction)),
        sizes=(low, high if sheet.photo else measures.plain),
        box=(frame.column - frame.px(16), round(frame.height * measures.share)),
        max_lines=MAX_LINES,
    )


def body(block: Ink | None, label: str, *, sheet: Sheet) -> Part:
    """Label over headline: at the foot of a photo, in the middle of a plain card."""
    frame = sheet.frame
    tag_height = frame.px((50 if sheet.state == "plain" else 58) if label else 10)
    gap = frame.px(20)
    height = tag_height + gap + (block.height if block else 0)
    top = frame.footer_top - frame.px(22) - height
    if not sheet.photo:
        free = frame.measures.safe or frame.px(40)
        top = free + (frame.footer_top - free - height) // 2
    tag = _tag(label, top=top, height=tag_height, sheet=sheet)
    if block is None:
        return Part(tuple(tag))
    left, line_top = frame.start(block.width), top + tag_height + gap
    stamp = Stamp(mask(block.mask), left, line_top + block.top, sheet.colours.text)
    zone = Zone(left, line_top, block.width, block.height)
    return Part((*tag, stamp), zones=(zone,))


def _tag(label: str, *, top: int, height: int, sheet: Sheet) -> Iterator[Stamp]:
    """The label on a chip: in the accent colour, with a live dot for breaking news; a correction's is
    sober, in the text's colours turned round. A bare bar where there is no label."""
    frame, colours = sheet.frame, sheet.colours
    fill, words_fill = colours.accent, colours.on_accent
    if sheet.state == "correction":
        fill, words_fill = colours.text, colours.ground
    if not label:
        width = frame.px(80)
        yield Stamp(rounded(width, height, height / 2), frame.start(width), top, fill)
        return
    pad, dot = frame.px(20), frame.px(16) if sheet.state == "breaking" else 0
    skip = pad + (dot + frame.px(12) if dot else 0)
    words = _line(label, size=27 if sheet.state == "plain" else 31, width=frame.column * 3 // 4, sheet=sheet)
    width = skip + words.width + pad
    yield Stamp(rounded(width, height, frame.px(7)), frame.start(width), top, fill)
    if dot:
        disc = rounded(dot, dot, dot / 2)
        yield Stamp(disc, frame.start(dot, skip=pad), top + (height - dot) // 2, words_fill)
    yield _on_row(words, frame.start(words.width, skip=skip), top, height, words_fill)


def footer(mark: Pixels | None, *, site_name: str, date: str, sheet: Sheet) -> Part:
    """Logo or site name at the start, the date at the end, under a hairline; breaking news fills the row."""
    frame, colours = sheet.frame, sheet.colours
    breaking = sheet.state == "breaking"
    top, row = frame.footer_top, frame.px(88)
    row -= 0 if breaking or frame.measures.safe else _STRIP
    ground = colours.accent if breaking else colours.ground
    fill = colours.on_accent if breaking else colours.text
    stamps = list(_edges(sheet))
    plate, sticker, taken = _logo(mark, top=top, row=row, ground=ground, frame=frame)
    stamps += plate
    free = frame.column
    if date:
        day = _line(date, size=25, width=free // 2, sheet=sheet, weight="Medium")
        stamps.append(_on_row(day, frame.end(day.width), top, row, fill))
        free -= day.width + frame.px(32)
    if site_name and taken < frame.px(120):
        name = _line(site_name, size=30, width=free - taken, sheet=sheet)
        stamps.append(_on_row(name, frame.start(name.width, skip=taken), top, row, fill))
    zones = () if breaking else (Zone(frame.margin, top, frame.column, row),)
    return Part(tuple(stamps), (sticker,) if sticker else (), zones)


def _edges(sheet: Sheet) -> Iterator[Stamp]:
    """What runs across the card: a band for breaking news, else a hairline and a strip at the foot."""
    frame, colours = sheet.frame, sheet.colours
    if sheet.state == "breaking":
        yield Stamp(solid(frame.width, frame.height - frame.footer_top), 0, frame.footer_top, colours.accent)
        return
    fill = colours.text if sheet.state == "correction" else colours.accent
    yield Stamp(solid(frame.width, _STRIP), 0, frame.height - _STRIP, fill)
    yield Stamp(solid(frame.column, 2, 70), frame.margin, frame.footer_top, colours.text)


def _line(words: str, *, size: int, width: int, sheet: Sheet, weight: str = "Bold") -> Ink:
    return _kept_line(words, sheet.frame.px(size), width, replace(sheet.style, weight=weight))


@lru_cache(maxsize=64)
def _kept_line(words: str, px: int, width: int, style: Style) -> Ink:
    """Names of sites and sections come again on every card."""
    return fit(words, style=style, sizes=(px, px), box=(width, 4 * px), max_lines=1)


def _on_row(words: Ink, left: int, top: int, row: int, fill: colour.Rgb) -> Stamp:
    return Stamp(mask(words.mask), left, top + (row - words.line_height) // 2 + words.top, fill)


def _logo(
    image: Pixels | None, *, top: int, row: int, ground: colour.Rgb, frame: Frame
) -> tuple[list[Stamp], Sticker | None, int]:
    """The logo, on a plate where it would drown in ``ground``; and the room it takes with its distance."""
    if image is None:
        return [], None, 0
    height, width, _ = image.shape
    y = top + (row - height) // 2
    if colour.contrast(mean_colour(image), ground) >= _SEEN:
        return [], Sticker(image, frame.start(width), y), width + frame.px(20)
    pad = frame.px(6)
    plate = rounded(width + 2 * pad, height + 2 * pad, 2 * pad)
    fill = colour.WHITE if colour.luminance(ground) < 0.4 else (24, 24, 27)
    left = frame.start(width, skip=pad)
    return [Stamp(plate, left - pad, y - pad, fill)], Sticker(image, left, y), width + 2 * pad + frame.px(20)
