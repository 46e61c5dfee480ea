"""Where to look in a photo whose editor did not say: one point for all crops.

A centre of gravity, not a maximum: libvips' own attention strategy takes the strongest spot, which in
news photos is often a bright thing at the edge. Faces are not recognised as such; skin draws attention.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import exp
from typing import Any, Final

_SIDE: Final = 96  # pixels of the longer side: enough to see where, and some milliseconds
_LIKELY: Final = (0.5, 0.4)  # photographers put what matters near the middle, a little above it
_REACH: Final = 0.3
_SKIN: Final = (0.73, 0.54, 0.41)
"""The direction in RGB that human skin of every shade lies near, after the lightness is divided out."""

_NEAR: Final = 0.15  # how far from it, as a distance between directions


def find(image: Any) -> tuple[float, float]:
    """The point, in fractions of width and height, that crops of an opaque 8-bit sRGB image keep."""
    small = image.thumbnail_image(_SIDE, height=_SIDE, size="down").copy_memory()
    weights = array("f")
    weights.frombytes(_attention(small).gaussblur(_SIDE / 40).cast("float").write_to_memory())
    across, down = (_likely(small.width, _LIKELY[0]), _likely(small.height, _LIKELY[1]))
    columns, rows = [0.0] * small.width, [0.0] * small.height
    for y, likely in enumerate(down):
        row = weights[y * small.width : (y + 1) * small.width]
        drawn = [weight * weight * near * likely for weight, near in zip(row, across, strict=True)]
        columns = [sum(pair) for pair in zip(columns, drawn, strict=True)]
        rows[y] = sum(drawn)
    return _centre(columns), _centre(rows)


def _likely(count: int, middle: float) -> list[float]:
    """How likely the eye rests on each row or column, before anything is known of the picture."""
    return [exp(-0.5 * (((at + 0.5) / count - middle) / _REACH) ** 2) for at in range(count)]


def _centre(sums: Sequence[float]) -> float:
    """The centre of gravity as a fraction; the middle of nothing at all."""
    total = sum(sums)
    if total <= 0:  # a single colour
        return 0.5
    return round(sum(one * (at + 0.5) for at, one in enumerate(sums)) / (total * len(sums)), 4)


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
