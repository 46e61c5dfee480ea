"""What goes into a social card and what comes out: plain values, safe to import anywhere.

Not here: pixels. This module never loads libvips, so that the worker itself stays small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nashr.domain.cards import Format, State
from nashr.domain.errors import Permanent

Direction = Literal["rtl", "ltr"]


class UnreadableHero(Permanent):
    """The hero is broken, too large or no photo format; draw the card without it."""


@dataclass(frozen=True)
class Theme:
    """A site's look. Colours are ``#rgb`` or ``#rrggbb``; others fall back to the house's own.

    ``logo`` is a PNG or SVG, ``font`` a TTF or OTF that comes before the bundled fonts.
    """

    accent: str
    background: str
    text: str
    site_name: str
    logo: bytes | None = None
    font: bytes | None = None


@dataclass(frozen=True)
class CardText:
    """The words of one card; ``label`` is the section or the kicker and may be empty."""

    headline: str
    label: str
    language: str
    direction: Direction
    date_text: str | None = None
    state: State = "plain"


@dataclass(frozen=True)
class Card:
    """A drawn card.

    ``missing`` holds the characters that no font has a glyph for; ``faults`` say what of the theme
    could not be used (its logo, its font) and what to do.
    """

    format: Format
    data: bytes
    width: int
    height: int
    content_type: str
    lines: int
    font_size: int
    missing: str = ""
    faults: tuple[str, ...] = ()
