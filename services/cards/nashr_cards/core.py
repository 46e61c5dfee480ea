"""Social cards: text and pixels in, JPEGs out. The same input gives the same bytes.

Not here: reading heroes, naming or storing cards, and the process it runs in. libvips must not
run in a process that forks later, so services call nashr_cards.pool and never this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from nashr.domain.cards import FORMATS, SIZES, Format

from nashr_cards import backdrop, layout
from nashr_cards.card import Card, CardText, Theme, UnreadableHero
from nashr_cards.colour import LEGIBLE
from nashr_cards.layout import Frame, Part, Sheet
from nashr_cards.lettering import Style, clean

__all__ = ["Card", "CardText", "Theme", "UnreadableHero", "draw"]

MAX_BYTES: Final = 300_000  # WhatsApp shows no larger preview
_LIGHT_BYTES: Final = 150_000  # what a phone loads at once
_OVER_DETAIL: Final = 5.5  # contrast that words over a photo keep: its edges disturb them
_QUALITIES: Final = (
    *((quality, _LIGHT_BYTES) for quality in (85, 75)),
    *((quality, MAX_BYTES) for quality in (75, 50, 30, 15, 5)),
)


def draw(
    text: CardText,
    *,
    hero: bytes | None,
    focal: tuple[float, float] | None,
    theme: Theme,
    formats: Sequence[Format] = FORMATS,
) -> tuple[Card, ...]:
    """Draws the cards of one story, one of each format, in that order.

    ``hero`` is a downsized rendition (JPEG, WebP, PNG, AVIF) and ``focal`` its focal point in
    0..1; without a hero the card gets a surface in the theme's colours. Raises UnreadableHero.
    """
    return tuple(_card(text, hero=hero, focal=focal, theme=theme, shape=each) for each in formats)


def _card(
    text: CardText, *, hero: bytes | None, focal: tuple[float, float] | None, theme: Theme, shape: Format
) -> Card:
    size = SIZES[shape]
    sheet = _sheet(text, theme, size=size, photo=hero is not None)
    headline, missing = clean(text.headline)
    block = layout.headline(headline, sheet=sheet)
    body = layout.body(block, clean(text.label)[0], sheet=sheet)
    date = clean(text.date_text or "")[0]
    footer = layout.footer(theme, site_name=clean(theme.site_name)[0], date=date, sheet=sheet)
    canvas = _printed(_backdrop(hero, focal, sheet, body, footer), body, footer)
    lines, font_size = (block.lines, block.size) if block else (0, 0)
    return Card(shape, _jpeg(canvas), *size, "image/jpeg", lines, font_size, missing)


def _sheet(text: CardText, theme: Theme, *, size: tuple[int, int], photo: bool) -> Sheet:
    return Sheet(
        Frame(*size, rtl=text.direction == "rtl"),
        Style(text.direction, text.language, size=0),
        layout.palette(theme, photo=photo),
        photo=photo,
        breaking=text.state == "breaking",
    )


def _backdrop(hero: bytes | None, focal: tuple[float, float] | None, sheet: Sheet, *parts: Part) -> Any:
    """What the words stand on, already dark (or light) enough to read each of them."""
    colours, size = sheet.colours, (sheet.frame.width, sheet.frame.height)
    if hero is None:
        ground, accent = colours.ground, colours.accent
        image = backdrop.surface(size=size, base=ground, accent=accent, rtl=sheet.frame.rtl)
        least, target = 0.0, LEGIBLE
    else:
        image = backdrop.photo(hero, size=size, focal=focal)
        least, target = 0.6, _OVER_DETAIL
    zones = [zone for part in parts for zone in part.zones]
    return backdrop.readable(
        image, zones=zones, text=colours.text, veil=colours.ground, least=least, target=target
    )


def _printed(image: Any, *parts: Part) -> Any:
    for part in parts:
        for stamp in part.stamps:
            image = image.draw_mask(list(stamp.fill), stamp.mask, stamp.left, stamp.top)
        for sticker in part.stickers:
            image = image.composite2(sticker.image, "over", x=sticker.left, y=sticker.top)
    return image.flatten().cast("uchar") if image.hasalpha() else image


def _jpeg(image: Any) -> bytes:
    """A JPEG that loads at once where the picture allows it, and never above MAX_BYTES."""
    for quality, limit in _QUALITIES:
        data = bytes(image.jpegsave_buffer(Q=quality, keep="none"))
        if len(data) <= limit:
            break
    return data
