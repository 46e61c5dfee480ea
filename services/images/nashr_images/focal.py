"""Where to look in a photo whose editor did not say: one point for all crops.

A centre of gravity, not a maximum: libvips' own attention strategy takes the strongest spot, which in
news photos is often a bright thing at the edge. Faces are not recognised as such; skin draws attention.
"""

from __future__ import annotations

from typing import Any, Final

import pyvips

_SIDE: Final = 96  # pixels of the longer side: enough to see where, and some milliseconds
_LIKELY: Final = (0.5, 0.4)  # photographers put what matters near the middle, a little above it
_REACH: Final = 0.3
_SKIN: Final = (0.73, 0.54, 0.41)
"""The direction in RGB that human skin of every shade lies near, after the lightness is divided out."""

_NEAR: Final = 0.15  # how far from it, as a distance between directions


def find(image: Any) -> tuple[float, float]:
    """The point, in fractions of width and height, that crops of an opaque 8-bit sRGB image keep."""
    small = image.thumbnail_image(_SIDE, height=_SIDE, size="down").copy_memory()
    weight = _attention(small).gaussblur(_SIDE / 40) ** 2
    place = pyvips.Image.xyz(small.width, small.height).cast("float") + 0.5
    x, y = place[0] / small.width, place[1] / small.height
    distance = ((x - _LIKELY[0]) / _REACH) ** 2 + ((y - _LIKELY[1]) / _REACH) ** 2
    weight = (weight * (distance * -0.5).exp()).copy_memory()
    total = weight.avg()
    if total <= 0:  # a single colour
        return 0.5, 0.5
    return round((weight * x).avg() / total, 4), round((weight * y).avg() / total, 4)


def _attention(image: Any) -> Any:
    """How much each pixel draws the eye: detail, skin, strong colour."""
    lab = image.colourspace("lab").copy_memory()
    light = lab[0]
    detail = (light.gaussblur(1) - light.gaussblur(3)).abs() * 2
    chroma = (lab[1] ** 2 + lab[2] ** 2) ** 0.5
    colour = (chroma > 20).ifthenelse(chroma * 0.1, 0)
    return detail + _skin(image.cast("float"), light) * 110 + colour


def _skin(image: Any, light: Any) -> Any:
    """0 to 1: how near a pixel's colour is to skin; nothing in deep shadow or glare."""
    length = (image[0] ** 2 + image[1] ** 2 + image[2] ** 2) ** 0.5 + 0.001
    away = sum((image[band] / length - wanted) ** 2 for band, wanted in enumerate(_SKIN)) ** 0.5
    near = 1 - away / _NEAR
    return ((away < _NEAR) & (light > 20) & (light < 95)).ifthenelse(near, 0)
