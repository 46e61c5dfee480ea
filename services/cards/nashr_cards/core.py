"""Social cards: text and pixels in, JPEGs out. The same input gives the same bytes.

Not here: reading heroes, naming or storing cards, and the process it runs in. libvips must not
run in a process that forks later, so services call nashr_cards.pool and never this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nashr.domain.cards import FORMATS, SIZES, Format

from nashr_cards import backdrop, fonts, inking, jpeg, layout, veil
from nashr_cards.backdrop import Photo
from nashr_cards.card import Card, CardText, Theme, UnreadableHero
from nashr_cards.colour import LEGIBLE
from nashr_cards.frame import Frame, Part, Sheet, Zone, palette
from nashr_cards.inking import Pixels
from nashr_cards.lettering import Style, clean
from nashr_cards.logo import NoLogo, logo
from nashr_cards.sfnt import NoFont

__all__ = ["Card", "CardText", "Theme", "UnreadableHero", "draw"]

_OVER_DETAIL: Final = 5.5  # contrast that words over a photo keep: its edges disturb them
_LEAST: Final = 0.5  # of the veil on a photo, however dark that is: cards of one site look alike


@dataclass(frozen=True)
class _Copy:
    """The words of a card as they can be set, the site's own font, and what could not be used."""

    headline: str
    label: str
    date: str
    site_name: str
    missing: str
    own: str
    faults: tuple[str, ...]


@dataclass(frozen=True)
class _Plan:
    """A card before its photo is there: what is printed on it where."""

    sheet: Sheet
    parts: tuple[Part, ...]
    lines: int
    font_size: int
    faults: tuple[str, ...]

    @property
    def zones(self) -> list[Zone]:
        return [zone for part in self.parts for zone in part.zones]

    @property
    def photo(self) -> tuple[int, int]:
        """The size of the photo on it. On a tall card it ends where the headline begins, in the veil's own
        colour: less of it is cut away, and there are less pixels to scale, to darken and to send."""
        width, height = SIZES[self.sheet.frame.format]
        if not self.sheet.frame.measures.tall:
            return width, height
        return width, min((zone.top for zone in self.zones), default=height)


def draw(
    text: CardText,
    *,
    hero: bytes | None,
    focal: tuple[float, float] | None,
    theme: Theme,
    formats: Sequence[Format] = FORMATS,
) -> tuple[Card, ...]:
    """Draws the cards of one story, one of each format, in that order.

    ``hero`` is a downsized rendition (JPEG, WebP, PNG, AVIF), decoded once, and ``focal`` its focal
    point in 0..1; without a hero the card gets a surface in the theme's colours. Raises UnreadableHero.
    """
    fonts.use_bundled_fonts()  # before a logo has words of its own: fontconfig reads its file once
    copy = _copy(text, theme)
    plans = [_plan(text, copy, photo=hero is not None, theme=theme, shape=each) for each in formats]
    sizes = [plan.photo for plan in plans]
    photo = backdrop.opened(hero, sizes=sizes, focal=focal) if hero is not None and sizes else None
    return tuple(_card(plan, copy, photo) for plan in plans)


def _copy(text: CardText, theme: Theme) -> _Copy:
    covered, own, faults = fonts.covered(), "", []
    if theme.font:
        try:
            font = fonts.own(theme.font)
        except NoFont as error:
            faults.append(f"the site's font: {error}")
        else:
            own, covered = font.family, fonts.either(covered, font.covered)
    cleaned = [
        clean(words, covered=covered)
        for words in (text.headline, text.label, text.date_text or "", theme.site_name)
    ]
    missing = "".join(dict.fromkeys("".join(lacks for _, lacks in cleaned)))
    headline, label, date, site_name = (words for words, _ in cleaned)
    return _Copy(headline, label, date, site_name, missing, own, tuple(faults))


def _plan(text: CardText, copy: _Copy, *, photo: bool, theme: Theme, shape: Format) -> _Plan:
    sheet = Sheet(
        Frame(shape, rtl=text.direction == "rtl"),
        Style(text.direction, text.language, size=0, own=copy.own),
        palette(theme, photo=photo),
        photo=photo,
        state=text.state,
    )
    mark, faults = _mark(theme, sheet)
    block = layout.headline(copy.headline, sheet=sheet)
    body = layout.body(block, copy.label, sheet=sheet)
    footer = layout.footer(mark, site_name=copy.site_name, date=copy.date, sheet=sheet)
    return _Plan(sheet, (body, footer), block.lines if block else 0, block.size if block else 0, faults)


def _card(plan: _Plan, copy: _Copy, photo: Photo | None) -> Card:
    canvas = _printed(_backdrop(photo, plan), *plan.parts)
    shape = plan.sheet.frame.format
    return Card(
        shape,
        jpeg.encoded(canvas),
        *SIZES[shape],
        content_type="image/jpeg",
        lines=plan.lines,
        font_size=plan.font_size,
        missing=copy.missing,
        faults=(*copy.faults, *plan.faults),
    )


def _mark(theme: Theme, sheet: Sheet) -> tuple[Pixels | None, tuple[str, ...]]:
    """The logo's pixels, or why there are none."""
    if not theme.logo:
        return None, ()
    try:
        return logo(theme.logo, unit=sheet.frame.measures.unit), ()
    except NoLogo as error:
        return None, (f"the logo: {error}",)


def _backdrop(photo: Photo | None, plan: _Plan) -> Pixels:
    """What the words stand on, already dark (or light) enough to read each of them."""
    sheet, colours = plan.sheet, plan.sheet.colours
    size = SIZES[sheet.frame.format]
    if photo is None:
        ground, accent = colours.ground, colours.accent
        canvas = backdrop.surface(size=size, base=ground, accent=accent, rtl=sheet.frame.rtl).copy()
        least, target = 0.0, LEGIBLE
    elif sheet.frame.measures.tall:
        canvas = inking.lengthened(backdrop.cropped(photo, plan.photo), size[1], fill=colours.ground)
        least, target = 1.0, _OVER_DETAIL
    else:
        canvas = backdrop.cropped(photo, size)
        least, target = _LEAST, _OVER_DETAIL
    veil.draw(canvas, zones=plan.zones, text=colours.text, veil=colours.ground, least=least, target=target)
    return canvas


def _printed(canvas: Pixels, *parts: Part) -> Pixels:
    for part in parts:
        for stamp in part.stamps:
            inking.stamp(canvas, stamp.mask, fill=stamp.fill, left=stamp.left, top=stamp.top)
        for sticker in part.stickers:
            inking.paste(canvas, sticker.pixels, left=sticker.left, top=sticker.top)
    return canvas
