"""The measures and colours of one card, and the pieces that it is put together from. No drawing here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nashr.domain.cards import SIZES, Format, State

from nashr_cards import colour
from nashr_cards.card import Theme
from nashr_cards.colour import Rgb
from nashr_cards.inking import Pixels
from nashr_cards.lettering import Style

_ACCENT: Final[Rgb] = (190, 18, 60)
_BACKGROUND: Final[Rgb] = (15, 23, 42)


@dataclass(frozen=True)
class Measures:
    """What a format is drawn with, in px.

    ``unit`` scales the small parts. ``sizes``: of the headline on a photo; ``plain``: its largest without
    one. ``share``: of the height that a headline may take. ``safe``: px at top and bottom that apps cover.
    ``tall``: the words stand below the photo, not on it.
    """

    unit: float
    margin: int
    sizes: tuple[int, int]
    plain: int
    share: float
    safe: int = 0
    tall: bool = False


MEASURES: Final[Mapping[Format, Measures]] = {
    "og": Measures(1.0, 64, (40, 74), 88, 0.52),
    "square": Measures(1.2, 76, (46, 90), 104, 0.46),
    "portrait": Measures(1.28, 80, (48, 96), 112, 0.42, tall=True),
    "story": Measures(1.45, 88, (52, 104), 124, 0.34, safe=250, tall=True),
}


@dataclass(frozen=True)
class Frame:
    """Where things stand on a card of one format; mirrored where ``rtl``."""

    format: Format
    rtl: bool

    @property
    def measures(self) -> Measures:
        return MEASURES[self.format]

    @property
    def width(self) -> int:
        return SIZES[self.format][0]

    @property
    def height(self) -> int:
        return SIZES[self.format][1]

    def px(self, measure: float) -> int:
        return max(1, round(measure * self.measures.unit))

    @property
    def margin(self) -> int:
        return self.measures.margin

    @property
    def column(self) -> int:
        return self.width - 2 * self.margin

    @property
    def footer_top(self) -> int:
        return self.height - self.measures.safe - self.px(88)

    def start(self, width: int, *, skip: int = 0) -> int:
        """The x of something ``width`` wide that begins ``skip`` px after the start margin."""
        inset = self.margin + skip
        return self.width - inset - width if self.rtl else inset

    def end(self, width: int) -> int:
        return self.margin if self.rtl else self.width - self.margin - width


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
class Zone:
    """A rectangle in px that carries text."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Stamp:
    """A one-band mask to be filled with one colour at one place."""

    mask: Pixels
    left: int
    top: int
    fill: Rgb


@dataclass(frozen=True)
class Sticker:
    """RGBA pixels to be laid over the card at one place."""

    pixels: Pixels
    left: int
    top: int


@dataclass(frozen=True)
class Sheet:
    """What every part of one card is set with."""

    frame: Frame
    style: Style
    colours: Palette
    photo: bool
    state: State


@dataclass(frozen=True)
class Part:
    """A piece of a card: what it prints, and the zones of the backdrop its text stands on."""

    stamps: tuple[Stamp, ...] = ()
    stickers: tuple[Sticker, ...] = ()
    zones: tuple[Zone, ...] = ()
