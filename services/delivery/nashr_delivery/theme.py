"""A site's colours: what the TOML's ``[theme]`` gives, made readable against the paper in both modes.

Keys read here: ``accent``, ``paper``, ``ink`` and the same with ``_dark``; each ``#rgb`` or ``#rrggbb``.
Contrast is WCAG 2.2's, 4.5:1 for text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from nashr.domain.theme import is_colour

_TEXT: Final = 4.5
_ACCENT: Final = "#a3161f"
_KEYS: Final = frozenset({"accent", "accent_dark", "paper", "paper_dark", "ink", "ink_dark"})
_LIGHT: Final = {"paper": "#fffefb", "ink": "#17181c"}
_DARK: Final = {"paper": "#131418", "ink": "#edebe6"}


@dataclass(frozen=True)
class Palette:
    """Custom properties of the style sheet by mode, and the brand's colour for icons."""

    light: Mapping[str, str]
    dark: Mapping[str, str]
    brand: str


def palette(theme: Mapping[str, str]) -> Palette:
    """The colours of a theme; every page asks, so the arithmetic is done once per theme."""
    return _palette(tuple((key, theme[key]) for key in sorted(_KEYS & theme.keys())))


@lru_cache(maxsize=256)
def _palette(pairs: tuple[tuple[str, str], ...]) -> Palette:
    theme = dict(pairs)
    accent = _given(theme, "accent", _ACCENT)
    return Palette(
        light=_mode(theme, "", accent, _LIGHT),
        dark=_mode(theme, "_dark", _given(theme, "accent_dark", accent), _DARK),
        brand=readable(accent, "#ffffff"),
    )


def _mode(theme: Mapping[str, str], suffix: str, accent: str, basis: Mapping[str, str]) -> dict[str, str]:
    paper = _given(theme, f"paper{suffix}", basis["paper"])
    ink = readable(_given(theme, f"ink{suffix}", basis["ink"]), paper)
    surface = mixed(ink, paper, 0.05)
    if contrast(_pole(paper), surface) < _TEXT:
        surface = paper  # a middle grey leaves no room for a second shade
    return {
        "paper": paper,
        "ink": ink,
        "surface": surface,
        "muted": readable(mixed(ink, paper, 0.66), paper, surface),
        "rule": mixed(ink, paper, 0.16),
        "accent": readable(accent, paper, surface),
    }


def _given(theme: Mapping[str, str], name: str, default: str) -> str:
    """Only a plain hex colour reaches the style sheet; anything else is the default."""
    value = theme.get(name, "").lower()
    if not is_colour(value):
        return default
    return value if len(value) == 7 else "#" + "".join(digit * 2 for digit in value[1:])


def readable(colour: str, *against: str) -> str:
    """``colour``, moved towards black or white in small steps until text in it can be read on each."""
    pole = _pole(against[0])
    steps = (mixed(pole, colour, step / 20) for step in range(21))
    return next((one for one in steps if all(contrast(one, other) >= _TEXT for other in against)), pole)


def _pole(colour: str) -> str:
    """Black or white, whichever can be read on ``colour``: one of them always reaches 4.58."""
    return max("#000000", "#ffffff", key=lambda pole: contrast(pole, colour))


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio, 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """``share`` of one colour in another, in sRGB."""
    return "#" + "".join(
        f"{round(a * share + b * (1 - share)):02x}"
        for a, b in zip(channels(one), channels(other), strict=True)
    )


def channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(value / 255) for value in channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
