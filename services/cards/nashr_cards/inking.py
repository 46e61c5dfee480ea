"""Pixels as arrays, and ink laid on them in place.

An array is uint8, (height, width) for a mask and (height, width, 3 or 4) for colours. All arithmetic is in
whole numbers, so every machine comes to the same bytes. Not here: libvips, which sets text and scales.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nashr_cards.colour import Rgb

Pixels = NDArray[np.uint8]
_Weights = NDArray[np.uint16]
_CACHED: Final = 30_000
"""Values worked on at a time: they stay in the processor's cache. A veil in one go took 2.2 times as long."""


def pixels(image: Any) -> Pixels:
    """A libvips image's pixels, nobody else's."""
    found: Pixels = image.numpy()
    return found


def lengthened(canvas: Pixels, height: int, *, fill: Rgb) -> Pixels:
    """The canvas and, below it, as much of one colour as ``height`` asks for."""
    top, width, _ = canvas.shape
    found = np.empty((height, width, 3), np.uint8)
    found[:top] = canvas
    _flat(found)[top:] = np.tile(np.array(fill, np.uint8), width)  # by pixels it took 15 ms for a story
    return found


def stamp(canvas: Pixels, mask: Pixels, *, fill: Rgb, left: int, top: int) -> None:
    """Fills ``mask`` with one colour at a place of a canvas; what lies outside is left out."""
    mask, left, top = _inside(canvas, mask, left, top)
    _lay(canvas, mask, np.tile(np.array(fill, np.uint16), mask.shape[1]), left=left, top=top)


def paste(canvas: Pixels, sticker: Pixels, *, left: int, top: int) -> None:
    """Lays RGBA pixels over a place of a canvas; what lies outside is left out."""
    sticker, left, top = _inside(canvas, sticker, left, top)
    inks = sticker[..., :3].reshape(sticker.shape[0], -1).astype(np.uint16)
    _lay(canvas, sticker[..., 3], inks, left=left, top=top)


def veil(canvas: Pixels, opacities: NDArray[np.uint8], *, fill: Rgb, top: int) -> None:
    """Fades whole rows from ``top`` on into one colour, each by its own opacity (0..255)."""
    rows = _flat(canvas)[top : top + len(opacities)]
    inks = np.tile(np.array(fill, np.uint16), canvas.shape[1])
    step = max(1, _CACHED // rows.shape[1])
    for first in range(0, len(rows), step):
        at = slice(first, first + step)
        _mix(rows[at], _weights(opacities[at])[:, None], inks)


def _lay(canvas: Pixels, mask: Pixels, inks: _Weights, *, left: int, top: int) -> None:
    height, width = mask.shape
    under = _flat(canvas)[top : top + height, 3 * left : 3 * (left + width)]
    step = max(1, _CACHED // max(1, 3 * width))
    for first in range(0, height, step):
        at = slice(first, first + step)
        _mix(under[at], _weights(np.repeat(mask[at], 3, axis=1)), inks[at] if inks.ndim > 1 else inks)


def _mix(under: Pixels, weights: _Weights, inks: _Weights) -> None:
    mixed = under * (256 - weights)
    mixed += weights * inks
    np.right_shift(mixed, 8, out=under, casting="unsafe")


def _weights(opacities: Pixels) -> _Weights:
    """0..255 as 0..256, which a shift divides by."""
    wide = opacities.astype(np.uint16)
    wide += wide >> 7
    return wide


def _flat(canvas: Pixels) -> Pixels:
    return canvas.reshape(canvas.shape[0], -1)


def _inside(canvas: Pixels, laid: Pixels, left: int, top: int) -> tuple[Pixels, int, int]:
    x, y = max(0, -left), max(0, -top)
    right, bottom = canvas.shape[1] - left, canvas.shape[0] - top
    return laid[y : max(y, bottom), x : max(x, right)], left + x, top + y
