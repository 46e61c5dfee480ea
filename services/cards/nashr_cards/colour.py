"""Colours as sRGB triples, and WCAG 2.2 contrast between them. Pure arithmetic, no pixels."""

from __future__ import annotations

import re
from typing import Final

Rgb = tuple[int, int, int]

WHITE: Final[Rgb] = (255, 255, 255)
BLACK: Final[Rgb] = (0, 0, 0)
LEGIBLE: Final = 4.7  # WCAG AA asks 4.5; the rest is what JPEG may take away
_HEX: Final = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def is_colour(text: str) -> bool:
    return _HEX.fullmatch(text.strip()) is not None


def parse(text: str, *, otherwise: Rgb) -> Rgb:
    """``#rgb`` or ``#rrggbb`` as a triple; ``otherwise`` for anything else."""
    digits = text.strip()
    if not is_colour(digits):
        return otherwise
    digits = digits[1:] if len(digits) == 7 else "".join(digit * 2 for digit in digits[1:])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def to_hex(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """``first`` with ``share`` (0..1) of ``second`` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def linear(channel: int) -> float:
    """One 0..255 channel as linear light (WCAG 2.2, relative luminance)."""
    value = channel / 255
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def luminance(colour: Rgb) -> float:
    """Relative luminance, 0 for black to 1 for white."""
    red, green, blue = (linear(channel) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(first: float, second: float) -> float:
    """WCAG contrast of two relative luminances, 1 to 21."""
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


def contrast(first: Rgb, second: Rgb) -> float:
    return ratio(luminance(first), luminance(second))


def legible(wanted: Rgb, *, on: Rgb) -> Rgb:
    """``wanted`` where it can be read on ``on``; else white or black, white first."""
    for colour in (wanted, WHITE):
        if contrast(colour, on) >= LEGIBLE:
            return colour
    return max(WHITE, BLACK, key=lambda colour: contrast(colour, on))


def visible(wanted: Rgb, *, on: Rgb) -> Rgb:
    """``wanted``, moved away from ``on`` until a shape filled with it stands out."""
    towards = WHITE if luminance(on) < 0.18 else BLACK
    shades = (mix(wanted, towards, step / 10) for step in range(11))
    return next((shade for shade in shades if contrast(shade, on) >= 1.9), towards)
